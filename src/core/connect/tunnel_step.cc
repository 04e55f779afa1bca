#include "core/connect/tunnel_step.h"

#include <algorithm>

namespace creche {

namespace {

// The status of "HTTP/1.1 200 ...", or -1. Only as much as there is of it: 0 if that may become
// one.
int StatusOf(std::string_view line) {
  static constexpr std::string_view kVersion = "HTTP/1.";
  const size_t n = std::min(line.size(), kVersion.size());
  if (line.substr(0, n) != kVersion.substr(0, n)) return -1;
  if (line.size() < 12) return 0;
  const auto digit = [&](size_t at) { return line[at] >= '0' && line[at] <= '9'; };
  if ((line[7] != '0' && line[7] != '1') || line[8] != ' ' || !digit(9) || !digit(10) || !digit(11))
    return -1;
  if (line.size() > 12 && line[12] != ' ' && line[12] != '\r' && line[12] != '\n') return -1;
  const int status = (line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0');
  return status >= 100 ? status : -1;
}

}  // namespace

std::string TunnelStep::Opening() {
  head_.clear();
  looked_at_ = line_at_ = 0;
  interim_ = 0;
  return request_();
}

ErrorRef TunnelStep::Take(std::string_view bytes, Verdict* verdict) {
  head_.append(bytes);
  const int begins = StatusOf(head_);
  if (begins < 0)
    return Wrong(Status::kProtocol, "did not answer CONNECT " + target() +
                                        " in HTTP/1.1: check that it is an HTTP "
                                        "proxy, and whether it wants TLS (https://)");
  // Lines, with or without carriage return: nothing in them but the status is of any use.
  while (looked_at_ < head_.size()) {
    if (head_[looked_at_++] != '\n') continue;
    const size_t size = looked_at_ - 1 - line_at_;
    const bool empty = size == 0 || (size == 1 && head_[line_at_] == '\r');
    line_at_ = looked_at_;
    if (!empty) continue;
    if (ErrorRef error = TakeHead(verdict)) return error;
    if (*verdict != Verdict::kMore) return nullptr;
  }
  if (head_.size() > kMaxHead)
    return Wrong(Status::kLimit,
                 "answers CONNECT " + target() + " with a head of more than 64 KiB");
  return nullptr;
}

// The head up to looked_at_ is whole.
ErrorRef TunnelStep::TakeHead(Verdict* verdict) {
  const int status = StatusOf(head_);
  const std::string asked = "CONNECT " + target();
  if (status <= 0) return Wrong(Status::kProtocol, "answered " + asked + " without a status");
  if (status < 200 && status != 101) {
    if (++interim_ > kMaxInterim)
      return Wrong(Status::kLimit, "answers " + asked + " by informational answers only");
    head_.erase(0, looked_at_);
    looked_at_ = line_at_ = 0;
    if (head_.empty() || StatusOf(head_) >= 0) return nullptr;
    return Wrong(Status::kProtocol, "answered " + asked + " with what is no HTTP");
  }
  if (status >= 200 && status < 300) {
    if (looked_at_ < head_.size())
      return Wrong(Status::kProtocol,
                   "sent something behind its answer to " + asked +
                       ", where only the server may speak, and not first",
                   static_cast<uint32_t>(status));
    head_ = {};
    *verdict = Verdict::kDone;
    return nullptr;
  }
  if (again_ && again_(status, std::string_view(head_).substr(0, looked_at_))) {
    *verdict = Verdict::kAnew;
    return nullptr;
  }
  return Refused(proxy(), target(), status);
}

ErrorRef TunnelStep::Refused(const std::string& proxy, const std::string& target, int status) {
  const char* const hint = status == 407   ? ": give user and password in the proxy's URL"
                           : status == 403 ? ": it may not, or not to this port"
                                           : "";
  const bool transient = status == 502 || status == 503 || status == 504;
  return MakeError({.status = Status::kProxy,
                    .phase = Phase::kProxy,
                    .message = "the proxy " + proxy + " answered CONNECT " + target + " with " +
                               std::to_string(status) + hint,
                    .flags = transient ? kUnsent | kRetryable : uint32_t{kUnsent},
                    .http_status = static_cast<uint32_t>(status)});
}

}  // namespace creche

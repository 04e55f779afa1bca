#include "http/tunnel_auth.h"

#include <utility>
#include <vector>

namespace creche::http {

// Nothing of the request but where it goes.
std::string TunnelAuth::Head(std::string_view authorization) const {
  std::string head = "CONNECT " + target_ + " HTTP/1.1\r\nHost: " + target_ + "\r\n";
  proxy_->AppendFields(0, authorization, &head);
  return head += "\r\n";
}

std::string TunnelAuth::Opening() {
  if (!asked_) return Head({});
  return Head(digest_.Answer(proxy_->credentials, "CONNECT", target_, nullptr));
}

bool TunnelAuth::Again(int status, std::string_view head) {
  if (status != 407 || !proxy_->credentials.given) return false;
  std::vector<Challenge> challenges;
  while (!head.empty()) {
    const size_t end = std::min(head.find('\n'), head.size());
    std::string_view line = head.substr(0, end);
    head.remove_prefix(std::min(end + 1, head.size()));
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    const size_t colon = std::min(line.find(':'), line.size());
    if (SameName(line.substr(0, colon), "Proxy-Authenticate") && colon < line.size())
      ReadChallenges(TrimBlanks(line.substr(colon + 1)), &challenges);
  }
  Digest digest;
  if (!digest.Choose(challenges)) return false;
  // Not the same again, unless only the nonce had become old.
  if (asked_ && (!digest.stale() || std::exchange(stale_, true))) return false;
  asked_ = true;
  digest_ = digest;
  // A user that cannot be said, or a proxy that wants the body's digest, has no answer.
  return !digest.Answer(proxy_->credentials, "CONNECT", target_, nullptr).empty();
}

}  // namespace creche::http

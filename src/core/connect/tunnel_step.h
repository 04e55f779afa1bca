// TunnelStep: asks an HTTP proxy, to which there is a transport, for a tunnel (CONNECT, RFC 9110,
// 9.3.6). Any 2xx opens it, whatever else its head says; what follows it is the tunnel's, and as
// the server on the other side speaks second, anything that is there already is none of its.
#pragma once
#include <functional>
#include <string>

#include "core/connect/talk_step.h"

namespace creche {

class TunnelStep final : public TalkStep {
 public:
  // The whole head of the CONNECT, for each connection. May throw bad_alloc.
  using Request = std::function<std::string()>;
  // Whether to ask once more on a new connection, after this status (407) and head. May throw
  // bad_alloc.
  using Again = std::function<bool(int status, std::string_view head)>;
  // proxy, target: for messages.
  TunnelStep(Request request, Again again, std::string proxy, std::string target, Limit limit)
      : TalkStep(std::move(proxy), std::move(target), limit),
        request_(std::move(request)),
        again_(std::move(again)) {}

  // An answer that opens no tunnel. May throw bad_alloc.
  static ErrorRef Refused(const std::string& proxy, const std::string& target, int status);

 private:
  static constexpr size_t kMaxHead = 64 << 10;
  static constexpr int kMaxInterim = 32;
  std::string Opening() override;
  ErrorRef Take(std::string_view bytes, Verdict* verdict) override;
  size_t Wanted() const noexcept override { return 4096; }
  ErrorRef TakeHead(Verdict* verdict);

  const Request request_;
  const Again again_;
  std::string head_;
  size_t looked_at_ = 0;  // of it, for its end
  size_t line_at_ = 0;    // where the line that has no end yet begins
  int interim_ = 0;
};

}  // namespace creche

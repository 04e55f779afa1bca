// SocksStep: asks a SOCKS proxy, to which there is a transport, for a connection (RFC 1928), with
// user and password if it wants them (RFC 1929). Never a byte more is read than is the proxy's.
#pragma once
#include <string>

#include "core/connect/talk_step.h"

namespace creche {

class SocksStep final : public TalkStep {
 public:
  struct To {
    std::string host;  // a name of up to 255 bytes, or an IP address
    uint16_t port = 0;
    bool resolved = false;  // the step before has found its addresses: they are asked for in turn
    std::string user = {};  // with the password: up to 255 bytes each
    std::string password = {};
    bool credentials = false;  // there are some
  };
  SocksStep(To to, std::string proxy, std::string target, Limit limit)
      : TalkStep(std::move(proxy), std::move(target), limit), to_(std::move(to)) {}
  void Start(Connecting* so_far, ConnectStep::Listener* listener) override;

 private:
  enum class At : uint8_t { kMethod, kPassword, kReply, kAddress };
  std::string Opening() override;
  ErrorRef Take(std::string_view bytes, Verdict* verdict) override;
  size_t Wanted() const noexcept override { return needed_ - got_.size(); }
  void Await(At at, size_t bytes);
  ErrorRef TakeMethod();
  ErrorRef TakeReply(Verdict* verdict);
  void Ask();

  const To to_;
  Addresses addresses_;
  size_t tried_ = 0;  // of them
  At at_ = At::kMethod;
  size_t needed_ = 0;
  std::string got_;
};

}  // namespace creche

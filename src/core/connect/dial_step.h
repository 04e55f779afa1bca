// DialStep: a socket that is connected to the first of the addresses that answers.
#pragma once
#include "core/connect/step.h"
#include "core/dialer.h"

namespace creche {

class DialStep final : public ConnectStep, private Dialer::Listener {
 public:
  // resolver: forgets a host of which no address answers: it may have moved.
  // local, settings: where it comes from and what its sockets are, see Dialer.
  DialStep(Loop& loop, Resolver& resolver, Limit limit, const platform::Address* local = nullptr,
           const SocketSettings* settings = nullptr)
      : ConnectStep(Phase::kConnect, limit),
        loop_(loop),
        resolver_(resolver),
        dialer_(loop, *this, &resolver.history()) {
    dialer_.set_local(local);
    dialer_.set_settings(settings);
  }
  void Start(Connecting* so_far, ConnectStep::Listener* listener) override;
  bool Leave(Connecting* so_far, const platform::Address& address) noexcept override;
  ErrorRef TimedOut(const Connecting& so_far) override;

 private:
  void OnDialed(platform::Socket socket) noexcept override;
  void OnDialFailed(ErrorRef error) noexcept override;

  Loop& loop_;
  Resolver& resolver_;
  Dialer dialer_;
  Connecting* so_far_ = nullptr;
  ConnectStep::Listener* listener_ = nullptr;
};

}  // namespace creche

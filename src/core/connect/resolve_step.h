// ResolveStep: the addresses of the host.
#pragma once
#include "core/connect/step.h"

namespace creche {

class ResolveStep final : public ConnectStep, private Resolver::Query {
 public:
  ResolveStep(Resolver& resolver, Limit limit)
      : ConnectStep(Phase::kDns, limit), resolver_(resolver) {}
  void Start(Connecting* so_far, Listener* listener) override;
  ErrorRef TimedOut(const Connecting& so_far) override;

 private:
  void OnResolved(Result<Addresses> answer) noexcept override;

  Resolver& resolver_;
  Connecting* so_far_ = nullptr;
  Listener* listener_ = nullptr;
};

}  // namespace creche

// ResolveStep: the addresses of the host; or of another one, that is for a later step.
#pragma once
#include <string>
#include <utility>

#include "core/connect/step.h"

namespace creche {

class ResolveStep final : public ConnectStep, private Resolver::Query {
 public:
  ResolveStep(Resolver& resolver, Limit limit)
      : ConnectStep(Phase::kDns, limit), resolver_(resolver) {}
  ResolveStep(Resolver& resolver, std::string host, uint16_t port, Limit limit)
      : ConnectStep(Phase::kDns, limit), resolver_(resolver), host_(std::move(host)), port_(port) {}
  void Start(Connecting* so_far, Listener* listener) override;
  ErrorRef TimedOut(const Connecting& so_far) override;

 private:
  void OnResolved(Result<Addresses> answer) noexcept override;

  Resolver& resolver_;
  std::string host_;  // "": the one that is to be dialled
  uint16_t port_ = 0;
  Connecting* so_far_ = nullptr;
  Listener* listener_ = nullptr;
};

}  // namespace creche

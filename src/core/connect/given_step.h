// GivenStep: addresses that are known and need no resolver: a Unix path, or what a host was mapped
// to.
#pragma once
#include <utility>

#include "core/connect/step.h"

namespace creche {

class GivenStep final : public ConnectStep {
 public:
  // addresses: at least one.
  explicit GivenStep(Addresses addresses)
      : ConnectStep(Phase::kConnect, {}), addresses_(std::move(addresses)) {}
  void Start(Connecting* so_far, Listener* listener) override {
    so_far->addresses = addresses_;
    listener->OnStepDone();
  }
  ErrorRef TimedOut(const Connecting&) override { return TimeoutError("nothing", ""); }

 private:
  const Addresses addresses_;
};

}  // namespace creche

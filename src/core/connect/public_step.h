// PublicStep: leaves of the addresses that were resolved those that are public; with none of them
// there is no connection.
#pragma once
#include "core/connect/step.h"

namespace creche {

class PublicStep final : public ConnectStep {
 public:
  PublicStep() : ConnectStep(Phase::kNone, {}) {}
  void Start(Connecting* so_far, Listener* listener) override;
  ErrorRef TimedOut(const Connecting&) override { return nullptr; }  // it takes no time
};

}  // namespace creche

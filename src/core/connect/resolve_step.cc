#include "core/connect/resolve_step.h"

#include <utility>

namespace creche {

void ResolveStep::Start(Connecting* so_far, Listener* listener) {
  so_far_ = so_far;
  listener_ = listener;
  if (auto known = resolver_.Resolve(so_far->host, so_far->port, this))
    OnResolved(std::move(*known));
}

void ResolveStep::OnResolved(Result<Addresses> answer) noexcept {
  if (!answer.ok()) return listener_->OnStepFailed(answer.error());
  so_far_->addresses = std::move(answer).value();
  listener_->OnStepDone();
}

ErrorRef ResolveStep::TimedOut(const Connecting& so_far) {
  return TimeoutError("the name " + so_far.host + " was not resolved", ": check the resolver");
}

}  // namespace creche

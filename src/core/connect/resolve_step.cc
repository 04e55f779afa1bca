#include "core/connect/resolve_step.h"

#include <utility>

namespace creche {

void ResolveStep::Start(Connecting* so_far, Listener* listener) {
  so_far_ = so_far;
  listener_ = listener;
  if (host_.empty()) {
    host_ = so_far->host;
    port_ = so_far->port;
  }
  if (auto known = resolver_.Resolve(host_, port_, this)) OnResolved(std::move(*known));
}

void ResolveStep::OnResolved(Result<Addresses> answer) noexcept {
  if (!answer.ok()) return listener_->OnStepFailed(answer.error());
  so_far_->addresses = std::move(answer).value();
  listener_->OnStepDone();
}

ErrorRef ResolveStep::TimedOut(const Connecting&) {
  return TimeoutError("the name " + host_ + " was not resolved", ": check the resolver");
}

}  // namespace creche

#include "core/connect/connector.h"

#include <new>
#include <utility>

namespace creche {

Connector::Connector(Loop& loop, Connecting start, Steps steps, Listener* listener)
    : loop_(loop),
      listener_(listener),
      timer_(
          loop, [](void* self) noexcept { static_cast<Connector*>(self)->OnTimeout(); }, this),
      so_far_(std::move(start)),
      steps_(std::move(steps)) {}

Connector::~Connector() {
  // The last first: they stand on what those before them have made.
  while (!steps_.empty()) steps_.pop_back();
}

void Connector::Start() noexcept {
  try {
    for (const auto& step : steps_)
      if (ErrorRef error = step->Prepare()) return OnStepFailed(std::move(error));
  } catch (const std::bad_alloc&) {
    return OnStepFailed(NoMemoryError());
  }
  RunStep(0);
}

void Connector::RunStep(size_t at) noexcept {
  at_ = at;
  ConnectStep& step = *steps_[at];
  // Without memory for the timer there is no timeout; the connection may still come.
  step_began_ = loop_.now();
  [[maybe_unused]] const bool armed = timer_.Arm(After(step_began_, step.TimeFor(so_far_)));
  listener_->OnPhaseBegun(step.phase());
  try {
    step.Start(&so_far_, this);
  } catch (const std::bad_alloc&) {
    OnStepFailed(NoMemoryError());
  }
}

void Connector::OnStepDone() noexcept {
  listener_->OnPhaseDone(phase(), loop_.now() - step_began_);
  if (at_ + 1 < steps_.size()) return RunStep(at_ + 1);
  timer_.Disarm();
  if (const int failed = so_far_.transport->Open(&unheard_))
    return OnStepFailed(UnwatchedError(Phase::kConnect, failed));
  listener_->OnConnected(std::move(so_far_.transport));
}

void Connector::OnStepFailed(ErrorRef error) noexcept {
  if (TryOther(error)) return;
  timer_.Disarm();
  if (further_ && at_ < further_at_) {  // what came of the other addresses says less
    at_ = further_at_;
    error = std::move(further_);
  }
  listener_->OnConnectFailed(std::move(error));
}

// A host of several addresses, one of which takes connections and does nothing good with them (a
// balancer without a server behind it): nothing was sent yet, so the next one may do. What an
// address says that is wrong, a certificate above all, all of them would.
bool Connector::TryOther(const ErrorRef& why) noexcept {
  if (at_ == 0 || (why->status() != Status::kDisconnected && why->status() != Status::kTimeout))
    return false;
  const platform::Address* blamed = steps_[at_]->blamed();
  if (!blamed || !steps_[at_ - 1]->Leave(&so_far_, *blamed)) return false;
  further_ = why;
  further_at_ = at_;
  steps_[at_]->Drop();
  so_far_.transport.reset();
  RunStep(at_ - 1);
  return true;
}

void Connector::OnStepWantsAnew() noexcept {
  so_far_.addresses.clear();
  so_far_.transport.reset();
  RunStep(0);
}

void Connector::OnTimeout() noexcept {
  ErrorRef error;
  try {
    error = steps_[at_]->TimedOut(so_far_);
  } catch (const std::bad_alloc&) {
    error = NoMemoryError();
  }
  OnStepFailed(std::move(error));
}

}  // namespace creche

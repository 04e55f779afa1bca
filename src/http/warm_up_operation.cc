#include "http/warm_up_operation.h"

#include <new>

namespace creche::http {

using tasks::Outcome;

void WarmUpOperation::Start() noexcept {
  state_.request.watch = {};  // of requests
  if (failure_) return Complete(Outcome::Failed(std::move(failure_)));
  Calls* calls = session_->calls();
  if (!calls)
    return Complete(Outcome::Failed(
        MakeError(Status::kClosed, Phase::kPool, "the session was closed: open another one")));
  calls->guests.PushBack(this);
  pending_ = 1;  // until all are started
  try {
    StartAll(*calls);
  } catch (const std::bad_alloc&) {
    if (!failure_) failure_ = NoMemoryError();
  }
  OneIsDone();
}

// Where to, the layers say, as for any request.
void WarmUpOperation::StartAll(Calls& calls) {
  for (const Layer* layer : calls.layers.request) {
    if (layer->OnRequest(state_) != Next::kFail) continue;
    failure_ = std::move(state_.failure);
    return;
  }
  const Route route = calls.RouteOf(state_.request);
  for (uint32_t left = calls.pool.RoomAlong(route, count_); left > 0; left--)
    if (!StartOne(calls.pool, route)) return;  // others have come first: there is no more room
}

bool WarmUpOperation::StartOne(Pool& pool, const Route& route) {
  ways_.push_back(std::make_unique<Opened>(*this));
  pending_++;
  try {
    if (pool.Reserve(route, state_.request.timeouts, true, ways_.back().get()) ==
        Pool::Answer::kGiven)
      return true;
  } catch (const std::bad_alloc&) {
    if (!failure_) failure_ = NoMemoryError();
  }
  ways_.pop_back();
  pending_--;
  return false;
}

// It goes back to the pool at once, which keeps it.
void WarmUpOperation::Opened::OnReserved(Reservation reservation, bool) noexcept {
  reservation.GiveBackUnused();
  operation_.opened_++;
  operation_.OneIsDone();
}

void WarmUpOperation::Opened::OnOpenFailed(Phase, ErrorRef error) noexcept {
  if (!operation_.failure_) operation_.failure_ = std::move(error);
  operation_.OneIsDone();
}

void WarmUpOperation::OneIsDone() noexcept {
  if (--pending_ > 0) return;
  if (failure_) return Finish(Outcome::Failed(std::move(failure_)));
  Outcome outcome;
  outcome.code = opened_;
  Finish(std::move(outcome));
}

void WarmUpOperation::Cancel() noexcept {
  Finish(Outcome::Cancelled(Phase::kConnect));
}

void WarmUpOperation::OnSessionClosed(const ErrorRef& error) noexcept {
  Finish(Outcome::Failed(ErrorRef(error)));
}

void WarmUpOperation::Finish(Outcome outcome) noexcept {
  List<Guest>::Remove(this);
  ways_.clear();  // gives up what is not open yet
  Complete(std::move(outcome));
}

}  // namespace creche::http

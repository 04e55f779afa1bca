// Connection: cancelling what runs. A cancel request names a backend, not a statement: it hits what
// is running when it arrives. So one is sent only when the statement to be stopped is the first in
// flight; from then on nothing more is sent until the request is done and everything in flight has
// ended. If it comes too late and hits the next one, that was rolled back, and is run again unseen.
#include <algorithm>

#include "pg/connection.h"

namespace creche::pg {

namespace {

// With others behind it in the pipeline, what is cancelled gets this long to end by itself.
constexpr Nanos kGrace = 10 * kMillisecond;
// What one request may hit: the postmaster signals the backend and then its process group, which is
// two signals if the backend has taken the first one by the time of the second.
constexpr uint32_t kHits = 2;
// A request that missed is repeated after this.
constexpr Nanos kRetry = 200 * kMillisecond;

ErrorRef NotInTime() noexcept {
  return MakeError(
      Status::kDisconnected, Phase::kQuery,
      "a cancelled statement did not end in cancel_timeout: the connection was dropped");
}

}  // namespace

bool Connection::CancelRequest(Request* request, const Ref<Level>& level) noexcept {
  if (request->state_ == Request::State::kQueued) {
    Request* const next = request->next_;
    Unlink(request);
    Break(next, level);
    return true;
  }
  for (size_t i = 0; i < flights_; i++)
    if (At(i).request == request) CancelFlight(&At(i));
  // A stream that is held back must be read to its end.
  Pause(false);
  StepCancel();
  return false;
}

void Connection::CancelFlight(Flight* flight) noexcept {
  if (flight->cancelled) return;
  flight->cancelled = true;
  flight->asked = loop_.now();
  flight->deadline = After(flight->asked, settings_.cancel_timeout);
  cancelled_++;
}

void Connection::StepCancel() noexcept {
  if (lost_) return;
  if (flights_ > 0 && At(0).cancelled && !cancel_) {
    Flight& first = At(0);
    const Nanos now = loop_.now();
    if (first.deadline == kNever) first.deadline = After(now, settings_.cancel_timeout);
    Nanos due = retry_at_;
    if (flights_ > 1 && !closing_) due = std::max(due, std::max(first.since, first.asked) + kGrace);
    if (now >= due && !first.firm) {
      // A request to cancel must not be there before what it is to hit.
      Flush();
      if (lost_) return;
      cancel_ = Cancel::Send(loop_, connection_, this);
      if (cancel_) {
        frozen_ = true;
        cancel_until_ = After(now, settings_.cancel_timeout);
        hits_ += kHits;
        counters_.cancels.Add();
      } else {
        retry_at_ = now + kRetry;
      }
    }
  }
  ArmTimer();
}

void Connection::ArmTimer() noexcept {
  Nanos at = kNever;
  for (size_t i = 0; i < flights_ && cancelled_ > 0; i++) at = std::min(at, At(i).deadline);
  if (flights_ > 0 && At(0).cancelled && !cancel_) {
    Nanos due = retry_at_;
    if (flights_ > 1) due = std::max(due, std::max(At(0).since, At(0).asked) + kGrace);
    if (!At(0).firm) at = std::min(at, due);
  }
  if (cancel_) at = std::min(at, cancel_until_);
  if (at == timer_at_ && (at == kNever || timer_.armed())) return;
  timer_at_ = at;
  if (!timer_.Arm(at)) Lose(NoMemoryError());
}

void Connection::OnTimer(void* arg) noexcept {
  auto* self = static_cast<Connection*>(arg);
  const Nanos now = self->loop_.now();
  self->timer_at_ = kNever;
  // What it was for may have ended, but nobody can be let in before it is known not to come any
  // more.
  if (self->cancel_ && self->cancel_until_ <= now) return self->Lose(NotInTime());
  for (size_t i = 0; i < self->flights_; i++) {
    Flight& flight = self->At(i);
    if (flight.deadline > now) continue;
    if (i == 0) return self->Lose(NotInTime());
    // Behind somebody else's that takes long: nobody waits for it any more, its answer will be
    // thrown away. When it is the first it gets a deadline again.
    flight.deadline = kNever;
    Request* request = flight.request;
    flight.request = nullptr;
    if (!request) continue;
    request->state_ = Request::State::kNone;
    request->OnReply({.error = NotInTime()});
  }
  self->StepCancel();
}

void Connection::CancelDone() noexcept {
  cancel_ = nullptr;
  retry_at_ = loop_.now() + kRetry;
  if (flights_ == 0) {
    hits_ = 0;
    retry_at_ = 0;
    if (!closing_) frozen_ = false;
  }
  StepCancel();
  Advance();
  if (!lost_) owner_.OnProgress(this);
}

}  // namespace creche::pg

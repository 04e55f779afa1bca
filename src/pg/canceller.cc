#include "pg/canceller.h"

#include <algorithm>

#include "pg/command/command.h"
#include "pg/protocol/server_error.h"

namespace creche::pg {

namespace {

// With others behind it in the pipeline, or if it has said itself that it is to be stopped, what is
// cancelled gets this long to end by itself.
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

Canceller::Canceller(Loop& loop, Owner& owner, Endpoint& endpoint, Wire& wire, Pipeline& pipeline,
                     Shared& shared, Nanos timeout)
    : loop_(loop),
      owner_(owner),
      endpoint_(endpoint),
      wire_(wire),
      pipeline_(pipeline),
      shared_(shared),
      timeout_(timeout),
      timer_(loop, OnTimer, this) {}

Canceller::~Canceller() {
  Stop();
}

void Canceller::Stop() noexcept {
  stopped_ = true;
  timer_.Disarm();
  if (request_) request_->Forget();
  request_ = nullptr;
}

void Canceller::Mark(Flight* flight) noexcept {
  if (flight->cancelled) return;
  pipeline_.MarkCancelled(flight);
  flight->asked = loop_.now();
  flight->deadline = After(flight->asked, timeout_);
  flight->told = flight->command && flight->command->OnStop();
}

Nanos Canceller::Due() noexcept {
  const Flight& first = pipeline_.first();
  if (!first.told && (pipeline_.size() == 1 || hurried_)) return retry_at_;
  return std::max(retry_at_, std::max(first.since, first.asked) + kGrace);
}

void Canceller::Step() noexcept {
  if (stopped_) return;
  if (!pipeline_.empty() && pipeline_.first().cancelled && !request_) {
    Flight& first = pipeline_.first();
    const Nanos now = loop_.now();
    if (first.deadline == kNever) first.deadline = After(now, timeout_);
    if (now >= Due() && !first.firm) Send(now);
    if (stopped_) return;
  }
  ArmTimer();
}

void Canceller::Send(Nanos now) noexcept {
  // A request to cancel must not be there before what it is to hit.
  wire_.Flush();
  if (stopped_) return;
  request_ = endpoint_.SendCancel(loop_, this);
  if (!request_) {
    retry_at_ = now + kRetry;
    return;
  }
  holds_ = true;
  until_ = After(now, timeout_);
  hits_ += kHits;
  shared_.counters.cancels.Add();
}

void Canceller::ArmTimer() noexcept {
  Nanos at = kNever;
  for (size_t i = 0; i < pipeline_.size() && pipeline_.cancelled() > 0; i++)
    at = std::min(at, pipeline_.At(i).deadline);
  if (!pipeline_.empty() && pipeline_.first().cancelled && !request_ && !pipeline_.first().firm)
    at = std::min(at, Due());
  if (request_) at = std::min(at, until_);
  if (at == timer_at_ && (at == kNever || timer_.armed())) return;
  timer_at_ = at;
  if (!timer_.Arm(at)) owner_.OnCancelFailed(NoMemoryError());
}

void Canceller::OnTimer(void* arg) noexcept {
  auto* self = static_cast<Canceller*>(arg);
  const Nanos now = self->loop_.now();
  self->timer_at_ = kNever;
  // What it was for may have ended, but nobody can be let in before it is known not to come any
  // more.
  if (self->request_ && self->until_ <= now) return self->owner_.OnCancelFailed(NotInTime());
  for (size_t i = 0; i < self->pipeline_.size(); i++) {
    Flight& flight = self->pipeline_.At(i);
    if (flight.deadline > now) continue;
    if (i == 0) return self->owner_.OnCancelFailed(NotInTime());
    // Behind somebody else's that takes long: nobody waits for it any more, its answer will be
    // thrown away. When it is the first it gets a deadline again.
    flight.deadline = kNever;
    Command* command = flight.command;
    flight.command = nullptr;
    if (command) command->OnEnd({.error = NotInTime(), .behind = i + 1});
  }
  self->Step();
}

void Canceller::CancelDone() noexcept {
  request_ = nullptr;
  retry_at_ = loop_.now() + kRetry;
  OnIdle();
  Step();
  if (!stopped_) owner_.OnCancelOver();
}

bool Canceller::TakeHit(const ErrorRef& error) noexcept {
  if (hits_ == 0 || !HasState(error, "57014")) return false;
  hits_--;
  return true;
}

void Canceller::OnIdle() noexcept {
  if (!pipeline_.empty() || request_) return;
  hits_ = 0;
  retry_at_ = 0;
  holds_ = false;
}

}  // namespace creche::pg

// Pool: what has its time: who waits, idle connections, attempts to connect.
#include <algorithm>
#include <new>
#include <string>

#include "pg/pool.h"
#include "pg/protocol/server_error.h"

namespace creche::pg {

// Spread over the last tenth of their lifetime, so that those that were opened together do not go
// together.
Nanos Pool::ExpiryOfNext() noexcept {
  constexpr uint32_t kGolden = 0x9e3779b9;  // of 2^32: neighbours fall far apart
  if (options_.max_lifetime == kNever) return kNever;
  const auto share = static_cast<Nanos>((lifetimes_++ * kGolden) >> 22);  // 0 to 1023
  const Nanos earlier = options_.max_lifetime / 10 / 1024 * share;
  return After(loop_->now(), options_.max_lifetime - earlier);
}

void Pool::OnTimer(void* self) noexcept {
  auto* pool = static_cast<Pool*>(self);
  const Ref<Pool> keep = Ref<Pool>::Share(pool);
  pool->EndWhatIsOver(pool->loop_->now());
  pool->Serve();
}

ErrorRef Pool::AcquireTimeout() const noexcept {
  try {
    std::string message =
        "no connection became free in acquire_timeout: raise max_size, or hold "
        "connections for a shorter time";
    if (HasState(connect_error_, "53300"))
      message =
          "no connection became free in acquire_timeout, and the server takes no more: raise its "
          "max_connections (or the limit of the role or database), or hold connections for a "
          "shorter time";
    if (connect_error_ && members_.empty())
      message = std::string("no connection could be opened in acquire_timeout: ") +
                connect_error_->fields().message;
    return MakeError(ErrorInfo{.status = Status::kTimeout,
                               .phase = Phase::kPool,
                               .message = std::move(message),
                               .flags = kRetryable | kUnsent,
                               .cause = connect_error_});
  } catch (const std::bad_alloc&) {
    return NoMemoryError();
  }
}

void Pool::EndWhatIsOver(Nanos now) noexcept {
  for (CheckoutLine* line : {&alone_, &shareable_}) {
    while (line->first() && line->first()->deadline_ <= now) {
      Checkout* checkout = line->first();
      line->Remove(checkout);
      shared_.counters.timed_out.Add();
      checkout->OnRefused(AcquireTimeout());
    }
  }
  for (size_t i = idle_.size(); i-- > 0;)
    if (idle_[i]->expires <= now) Discard(idle_[i]);
  while (!idle_.empty() && members_.size() > min_ &&
         After(idle_[0]->idle_since, options_.idle_timeout) <= now)
    Discard(idle_[0]);
  if (expires_at_ > now) return;
  // Those that are in use go when they are not any more.
  expires_at_ = kNever;
  for (const auto& member : members_)
    if (member->expires > now) expires_at_ = std::min(expires_at_, member->expires);
}

void Pool::ArmTimer() noexcept {
  if (begun_close_) return;
  Nanos at = kNever;
  for (const CheckoutLine* line : {&alone_, &shareable_})
    if (line->first()) at = std::min(at, line->first()->deadline_);
  if (!idle_.empty() && members_.size() > min_)
    at = std::min(at, After(idle_[0]->idle_since, options_.idle_timeout));
  if (!idle_.empty()) at = std::min(at, expires_at_);
  const bool wants_more = waiting() > 0 || size() < floor();
  if (failures_ > 0 && opening() == 0 && wants_more) at = std::min(at, connect_at_);
  if (at == timer_at_ && (at == kNever || timer_.armed())) return;
  timer_at_ = at;
  // Without memory nothing else may ever happen here: the next turn tries again.
  if (!timer_.Arm(at)) arm_job_.Submit(*loop_);
}

void Pool::ArmAgain() noexcept {
  if (timer_.armed()) return;
  timer_at_ = kNever;
  EndWhatIsOver(loop_->now());
  Serve();
}

}  // namespace creche::pg

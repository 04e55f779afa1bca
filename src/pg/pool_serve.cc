// Pool: who gets which connection.
#include <algorithm>
#include <new>
#include <utility>

#include "pg/connection_lease.h"
#include "pg/op/step_operation.h"
#include "pg/pool.h"

namespace creche::pg {

void Pool::Wait(Checkout* checkout, bool shareable, uint64_t hash) noexcept {
  if (begun_close_) return checkout->OnRefused(ClosedError(Phase::kPool));
  if (changes_.load(std::memory_order_acquire) != changed_ && !serving_) Change();
  const bool again = checkout->ticket_ != 0;
  checkout->candidate_ = shareable && options_.pipeline;
  checkout->hash_ = hash;
  checkout->shareable_ = checkout->candidate_ && shared_.history.IsShort(hash);
  // The ways of nearly all when there is room: no line, no timer.
  if (!serving_ && waiting() == 0) {
    if (Member* member = TakeIdle()) {
      Grant(checkout, member, checkout->shareable_);
      return shared_.counters.idle.Set(idle_.size());
    }
    Member* const shared = checkout->shareable_ && full() ? PickShared() : nullptr;
    if (shared) return Grant(checkout, shared, true);
  }
  checkout->since_ = loop_->now();
  if (!again) {
    if (options_.max_waiting != 0 && waiting() >= options_.max_waiting && full() &&
        !(checkout->shareable_ && PickShared())) {
      shared_.counters.refused.Add();
      return checkout->OnRefused(MakeError(
          Status::kLimit, Phase::kPool,
          "max_waiting operations wait for a connection already: start fewer at a time (a "
          "group's limit), or raise max_size",
          kRetryable | kUnsent));
    }
    checkout->ticket_ = next_ticket_++;
    checkout->deadline_ = After(checkout->since_, options_.acquire_timeout);
  }
  (checkout->shareable_ ? shareable_ : alone_).Add(checkout);
  Serve();
}

bool Pool::Leave(Checkout* checkout) noexcept {
  if (!checkout->waits()) return false;
  shared_.counters.cancelled_acquires.Add();
  TakeOut(checkout);
  return true;
}

void Pool::TakeFirst(Checkout* checkout) noexcept {
  TakeOut(checkout);
  shared_.counters.empty_acquires.Add();
  const Nanos waited = std::max<Nanos>(loop_->now() - checkout->since_, 0);
  shared_.counters.waited.Add(static_cast<uint64_t>(waited));
  shared_.counters.acquire.Add(waited);
}

void Pool::TakeOut(Checkout* checkout) noexcept {
  (checkout->shareable_ ? shareable_ : alone_).Remove(checkout);
  if (alone_.size() == 0 && reserving_) Serve();
  // Nobody need be served for one who waits to go: it was cancelled.
  shared_.counters.waiting.Set(waiting());
}

Checkout* Pool::Oldest() const noexcept {
  Checkout* a = alone_.first();
  Checkout* b = shareable_.first();
  if (!a || !b) return a ? a : b;
  return a->ticket_ < b->ticket_ ? a : b;
}

// It was unknown when it came, and may have become known while it waited.
bool Pool::MayShare(const Checkout& checkout) noexcept {
  return checkout.shareable_ || (checkout.candidate_ && shared_.history.IsShort(checkout.hash_));
}

Checkout* Pool::OldestSharing() noexcept {
  Checkout* a = alone_.first();
  Checkout* b = shareable_.first();
  if (!a || !MayShare(*a)) return b;
  return !b || a->ticket_ < b->ticket_ ? a : b;
}

// What is granted may fail, wait again or end inside, and so come back here: no recursion.
void Pool::Serve() noexcept {
  if (serving_) {
    serve_again_ = true;
    return;
  }
  serving_ = true;
  do {
    serve_again_ = false;
    ServeOnce();
  } while (serve_again_);
  serving_ = false;
  ArmTimer();
  Count();
}

void Pool::Count() noexcept {
  shared_.counters.connections.Set(members_.size());
  shared_.counters.idle.Set(idle_.size());
  shared_.counters.leased.Set(leased_);
  shared_.counters.waiting.Set(waiting());
  shared_.counters.connecting.Set(opening());
}

void Pool::ServeOnce() noexcept {
  if (begun_close_) return;
  // Whoever has been told that all are expired is given none of them, whatever comes first.
  if (changes_.load(std::memory_order_acquire) != changed_) Apply();
  while (Checkout* checkout = Oldest()) {
    Member* member = TakeIdle();
    if (!member) break;
    TakeFirst(checkout);
    Grant(checkout, member, MayShare(*checkout));
  }
  Grow();
  if (!full()) return;
  // None to spare: those who may share one do.
  while (Checkout* checkout = OldestSharing()) {
    Member* member = PickShared();
    if (!member) break;
    TakeFirst(checkout);
    Grant(checkout, member, true);
  }
  Reserve();
}

Member* Pool::TakeIdle() noexcept {
  while (!idle_.empty()) {
    Member* member = idle_.back();
    idle_.pop_back();
    if (!member->connection().Probe()) continue;
    if (!member->connection().session().unwanted()) return member;
    Retire(member);
  }
  return nullptr;
}

void Pool::Grant(Checkout* checkout, Member* member, bool shared) noexcept {
  member->set_state(shared ? Member::State::kShared : Member::State::kHeld);
  shared_.counters.acquires.Add();
  if (options_.max_uses != 0 && ++member->uses >= options_.max_uses) member->expires = 0;
  checkout->OnGranted(member);
  if (shared) sharing_.Gave(member);
}

// Who needs a connection alone must not starve because others keep all of them busy: for each one
// that waits, one shared connection takes no more until it is idle.
void Pool::Reserve() noexcept {
  if (alone_.size() == 0 && !reserving_) return;
  reserving_ = alone_.size() > 0;
  size_t reserved = 0;
  for (const auto& member : members_) {
    if (member->reserved && (!reserving_ || member->state() != Member::State::kShared)) {
      member->reserved = false;
      sharing_.Update(member.get());
    }
    reserved += member->reserved;
  }
  while (reserved < alone_.size()) {
    Member* next = PickShared();
    if (!next) return;
    next->reserved = true;
    sharing_.Remove(next);
    reserved++;
  }
}

void Pool::Hold(Member* member, ConnectionLease* lease) noexcept {
  member->set_state(Member::State::kHeld);
  member->set_holder(lease, !lease->of_operation());
  leased_++;
  shared_.counters.leased.Set(leased_);
}

void Pool::Return(Member* member, bool maybe_transaction) noexcept {
  Connection& connection = member->connection();
  member->set_holder(nullptr, false);
  leased_--;
  const Step step = std::exchange(member->step, Step::kNone);
  if (connection.lost()) return Serve();
  const bool rollback = maybe_transaction || connection.session().maybe_in_transaction;
  member->reset_due = step == Step::kNone && options_.calls.reset;
  if (step == Step::kInit) {
    // What it has set stays.
    member->initialized = true;
    connection.session().dirty = false;
    member->set_state(Member::State::kResetting);
  } else {
    // Behind whatever is in flight: no round trip of its own.
    BeginReset(member, rollback, options_.full_reset && !member->reset_due);
  }
  if (!connection.lost() && connection.idle()) Rest(member);
  Serve();
}

void Pool::BeginReset(Member* member, bool rollback, bool full) noexcept {
  member->set_state(Member::State::kResetting);
  if (begun_close_ || (!rollback && !full)) return;
  try {
    member->reset().Begin(rollback, full);
  } catch (const std::bad_alloc&) {
    member->connection().Lose(NoMemoryError());
  }
}

void Pool::BeginStep(Member* member, Step step) noexcept {
  member->step = step;
  StepOperation::Begin(Ref<Pool>::Share(this), member, step);
}

void Pool::Rest(Member* member) noexcept {
  member->reserved = false;
  sharing_.Remove(member);
  const Nanos now = loop_->now();
  if (begun_close_ || member->expires <= now || members_.size() > max_) return Discard(member);
  const SessionState& session = member->connection().session();
  const bool open = session.maybe_in_transaction;
  if (member->reset_due && !open) return BeginStep(member, Step::kReset);
  const bool dirty = session.dirty && options_.full_reset && !member->reset_due;
  if (open || dirty) return BeginReset(member, open, dirty);
  if (session.unwanted()) {
    if (member->starting && (member->init() || member->initialized))
      return member->connection().Lose(
          MakeError(Status::kState, Phase::kPool,
                    "init makes a session that target_session_attrs does not want: change one of "
                    "them"));
    Retire(member);
    return Serve();
  }
  if (member->starting && options_.calls.init && !member->initialized)
    return BeginStep(member, Step::kInit);
  if (member->starting) OnStarted(member);
  member->set_state(Member::State::kIdle);
  member->idle_since = now;
  idle_.push_back(member);
}

}  // namespace creche::pg

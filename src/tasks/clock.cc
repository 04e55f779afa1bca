// How long the loop sleeps; and the virtual clock, which stands still while anybody may do
// something, and jumps to the next deadline when nobody can: tests of timeouts take no time, and
// always the same course.
#include <algorithm>

#include "tasks/tree.h"

namespace creche::tasks {

namespace {
// Operations that wait for the world outside may time out when it has been silent for so long, in
// real time.
constexpr Nanos kPatience = 50 * kMillisecond;
}  // namespace

// One section under the lock: whoever holds the clock, or adds a deadline, does so before the
// clock's jump or after it.
Nanos Tree::HowLong(Nanos timeout, Nanos next_timer) noexcept {
  std::lock_guard guard(domain_->lock);
  const Nanos deadline = timers_.next();
  const Nanos next = std::min(deadline, next_timer);
  if (!clock()) {
    if (next == kNever) return timeout;
    const Nanos at = now();  // a sleep may be until any point, also one before all time
    return next <= at ? 0 : std::min(timeout, next - at);
  }
  // What was begun while the clock was held comes first, also if that was after the loop's last
  // look.
  if (next <= now() || ReadyLocked() || HasJobs()) return 0;
  // The library's own timers are of interest only while something waits for what they watch.
  const Nanos target = clock_gate_.world > 0 ? next : deadline;
  if (target == kNever || ClockStandsStill()) return timeout;
  if (clock_gate_.world > 0) {
    const Nanos real = platform::MonotonicNow();
    if (clock_gate_.heard != reactor_.ready_count() || clock_gate_.silent_since == kNever) {
      clock_gate_.heard = reactor_.ready_count();
      clock_gate_.silent_since = real;
    }
    const Nanos left = After(clock_gate_.silent_since, kPatience) - real;
    if (left > 0) return std::min(timeout, left);
  }
  clock_gate_.silent_since = kNever;
  clock()->Set(target);
  return 0;
}

bool Tree::ClockStandsStill() const noexcept {
  if (clock_gate_.holds > 0) return true;
  if (runner_.caller_runs) return false;  // it cannot drain while it waits here
  for (const Queue* queue = queues_.all.first(); queue; queue = queues_.all.Next(queue))
    if (!queue->entries.empty()) return true;
  return false;
}

Status HoldClock(uint64_t loop) noexcept {
  Section section(loop, Bit(Kind::kLoop));
  if (!section.ok()) return section.status();
  if (!section.tree()->clock()) return Status::kState;
  section.tree()->clock_gate_.holds++;
  return Status::kOk;
}

Status ReleaseClock(uint64_t loop) noexcept {
  Section section(loop, Bit(Kind::kLoop));
  if (!section.ok()) return section.status();
  Tree* tree = section.tree();
  if (!tree->clock() || tree->clock_gate_.holds == 0) return Status::kState;
  tree->clock_gate_.holds--;
  tree->RequestWake();
  return Status::kOk;
}

Status AdvanceClock(uint64_t loop, Nanos duration) noexcept {
  Section section(loop, Bit(Kind::kLoop));
  if (!section.ok()) return section.status();
  Tree* tree = section.tree();
  if (!tree->clock()) return Status::kState;
  // Not to kNever: that is the deadline of what has none.
  tree->clock()->Set(std::min(After(tree->now(), duration), kNever - 1));
  tree->RequestWake();
  return Status::kOk;
}

}  // namespace creche::tasks

// Rounds: the callbacks of a turn, and those that they make ready. What becomes ready in one round
// is the next, in the order in which it did, and is not kept waiting for a whole turn: that would
// be most of the price of handing something from one task to another.
#include <algorithm>

#include "tasks/tree.h"

namespace creche::tasks {

namespace {
constexpr unsigned kMostRounds = 16;
// The clock is read for up to so many callbacks at once: all but a long one take no time.
constexpr unsigned kAtOnce = 16;
}  // namespace

// Whether there is another round: not where something else would come first in a turn of its own.
// A virtual clock knows no moments, so that a program always takes the same course.
bool Tree::MayGoOn(Nanos now, unsigned rounds) const noexcept {
  return !ready_.empty() && rounds < kMostRounds && (clock() || LookedLately()) && !HasJobs() &&
         timers_.next() > (clock() ? clock()->now() : now) && !runner_.came &&
         !domain_->interrupted.load(std::memory_order_relaxed);
}

// now: what was over by then has expired already. True if it did anything.
bool Tree::RunCallbacks(Nanos now, TreeLock& lock) noexcept {
  Nanos since = stamp_, longest = 0;
  unsigned unread = 0;
  bool called = false, did = false, stopped = false;
  const auto read_clock = [&] {
    stamp_ = platform::MonotonicNow();
    longest = std::max(longest, stamp_ - since);
    since = stamp_;
    unread = 0;
  };
  for (unsigned rounds = 1;; rounds++) {
    if (ready_.shuffles()) ready_.Shuffle();
    called |= !ready_.empty();
    for (Entry *last = ready_.last(), *entry = nullptr; entry != last;) {
      if (rounds > 1 && IsForNextTurn(ready_.first())) {
        stopped = true;
        break;
      }
      entry = ready_.Pop();
      Call(entry, lock);
      if (!settling_.empty()) Settle();
      if (++unread == kAtOnce) read_clock();
    }
    // More rarely the more rounds have been quick: a slow one is soon seen.
    const bool power_of_two = (rounds & (rounds - 1)) == 0;
    const bool look = power_of_two || stopped || !effects_.empty() || ready_.empty();
    if (unread > 0 && look) read_clock();
    if (RunEffects(lock)) {
      did = true;
      since = stamp_;
    }
    if (!trash_.empty()) EmptyTrash(lock);
    if (stopped || !MayGoOn(now, rounds)) break;
  }
  if (unread > 0) read_clock();
  if (called) lag_.callbacks.Add(longest);
  return did || called;
}

}  // namespace creche::tasks

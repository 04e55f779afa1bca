#include "core/loop.h"

#include <algorithm>
#include <cerrno>
#include <new>
#include <utility>

namespace creche {

thread_local Loop* Loop::running_ = nullptr;
thread_local int Loop::hooks_ = 0;

namespace {
// Stands in jobs_ once the loop takes no more; never dereferenced.
Job* ClosedMark() {
  return reinterpret_cast<Job*>(alignof(Job));
}
}  // namespace

bool Timer::Arm(Nanos at) noexcept {
  try {
    loop_.timers_.Arm(this, at);
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

void Timer::Disarm() noexcept {
  loop_.timers_.Disarm(this);
}

int Loop::OpenCore() noexcept {
  int error = 0;
  objects_ = EnterObjects();
  if (!objects_) return ENOMEM;
  domain_ = OpenDomain(this, &error);
  if (!domain_) {
    LeaveObjects(objects_);
    return error;
  }
  wake_domain_ = domain_;
  error = reactor_.Open(domain_->wake_fd);
  if (error == 0) {
    domain_->epoll_fd = reactor_.epoll_fd();
    return 0;
  }
  CloseCore();
  return error;
}

void Loop::CloseCore() noexcept {
  if (!domain_) return;
  // First, while its descriptor is open: the number may be somebody else's a moment later. And now,
  // as rows or a response that somebody keeps may keep this object for ever, but no descriptor.
  reactor_.Close();
  LeaveObjects(objects_);
  CloseDomain(std::exchange(domain_, nullptr));
}

Submitted Loop::Submit(Job* job) noexcept {
  if (job->pending_.exchange(true)) return Submitted::kAlready;
  Job* head = jobs_.load(std::memory_order_relaxed);
  do {
    if (head == ClosedMark()) {
      job->pending_.store(false);
      return Submitted::kRefused;
    }
    job->next_ = head;
  } while (!jobs_.compare_exchange_weak(head, job));
  Wake();
  return Submitted::kYes;
}

bool Loop::HeardAsleep() noexcept {
  return !OnThread() && !wake_sent_.exchange(true);
}

void Loop::Wake() noexcept {
  if (MustWake()) wake_domain_->Wake();
}

bool Loop::RunJobs() noexcept {
  if (jobs_.load(std::memory_order_relaxed) == nullptr) return false;
  Job* list = jobs_.exchange(nullptr);
  Job* in_order = nullptr;
  while (list) {
    Job* next = list->next_;
    list->next_ = in_order;
    in_order = list;
    list = next;
  }
  while (in_order) {
    Job* job = in_order;
    in_order = job->next_;
    job->pending_.store(false);
    job->run_(job);
  }
  return true;
}

void Loop::StopJobs() noexcept {
  Job* none = nullptr;
  while (!jobs_.compare_exchange_strong(none, ClosedMark())) {
    RunJobs();
    none = nullptr;
  }
}

bool Loop::RunTurnEnds() noexcept {
  if (turn_ends_.empty()) return false;
  List<TurnEnd> now;  // what is asked for meanwhile belongs to the next turn
  now.Append(&turn_ends_);
  while (TurnEnd* end = now.PopFront()) end->run_(end);
  return true;
}

// Whether this turn goes without a look at descriptors: there is something to do, and the last look
// was a moment ago. A system call for each hand-over between tasks would be most of its price.
bool Loop::MayGoOn() noexcept {
  constexpr uint32_t kMostTurns = 16;
  if (unpolled_ >= kMostTurns || look_first_.load(std::memory_order_relaxed) || !Ready())
    return false;
  stamp_ = platform::MonotonicNow();
  if (!LookedLately()) return false;
  unpolled_++;
  return true;
}

// Looks at descriptors again and again, for a moment at most. Not asleep: who adds something does
// not wake, so it is looked for each time. Returns when it last looked, or 0 if there is nothing.
Nanos Loop::BusyPoll(Nanos timeout) noexcept {
  const uint64_t before = reactor_.ready_count();
  Nanos now = platform::MonotonicNow();
  const Nanos until = After(now, std::min(busy_poll_, timeout));
  do {
    reactor_.Poll(0);
    // Deadlines, too: another thread may have set one.
    if (reactor_.ready_count() != before || HasWork() || HowLong(timeout, timers_.next()) <= 0)
      return now;
    now = platform::MonotonicNow();
  } while (now < until);
  return 0;
}

// For how long to sleep; 0: not at all. Announces the sleep first, then looks again, at deadlines
// too: who adds something after this look sees the announcement, and the first of them wakes.
// Somebody who saw the last one may be late, and its wake be taken by a look that is no sleep.
Nanos Loop::FallAsleep(Nanos timeout) noexcept {
  wake_sent_.store(false, std::memory_order_relaxed);
  sleeping_.store(true);
  return HasWork() ? 0 : HowLong(timeout, timers_.next());
}

Nanos Loop::SleepElsewhere() noexcept {
  return turn_ends_.empty() && !Ready() ? FallAsleep(kNever) : 0;
}

// Returns when the turn began: what was there to be read by then has been read.
Nanos Loop::Poll(Nanos timeout, bool* signalled) noexcept {
  look_first_.store(false, std::memory_order_relaxed);
  Nanos wait = 0;
  if (timeout > 0 && turn_ends_.empty() && !Ready()) {
    if (busy_poll_ > 0 && !HasWork()) {
      unpolled_ = 0;
      if (const Nanos looked_at = BusyPoll(timeout)) return looked_at;
      if (timeout != kNever) timeout = std::max<Nanos>(0, timeout - busy_poll_);
    }
    wait = FallAsleep(timeout);
  }
  unpolled_ = 0;
  if (wait <= 0) {
    const Nanos now = platform::MonotonicNow();
    reactor_.Poll(0);
    sleeping_.store(false);
    return now;
  }
  if (signalled)
    *signalled = reactor_.PollOrSignal(wait);
  else
    reactor_.Poll(wait);
  sleeping_.store(false);
  const Nanos ready_at = reactor_.first_ready_at();
  const Nanos woke_at = ready_at != 0 ? ready_at : platform::MonotonicNow();
  // It overslept: the process was stopped, or had no processor. What came meanwhile came in time.
  constexpr Nanos kOverslept = kMillisecond;
  if (woke_at - kOverslept > reactor_.wait_until()) reactor_.Poll(0);
  return woke_at;
}

bool Loop::Turn(Nanos timeout, bool* signalled) noexcept {
  Running running(this);
  if (signalled) *signalled = false;
  const bool polled = !MayGoOn();
  if (polled) polled_at_ = stamp_ = Poll(timeout, signalled);
  const Nanos began = stamp_;
  turns_.store(turns_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);

  bool did = RunJobs();
  if (did || polled) stamp_ = platform::MonotonicNow();
  turn_time_ = clock_ ? clock_->now() : stamp_;
  // Only what was over by the time of the last look at descriptors: I/O that came in time commits
  // before a deadline expires, however long all this takes.
  const Nanos expire_at = clock_ ? turn_time_ : polled_at_;
  bool fired = false;
  while (Deadline* expired = timers_.PopExpired(expire_at)) {
    auto* timer = static_cast<Timer*>(expired);
    timer->fire_(timer->arg_);
    fired = true;
  }
  if (fired) stamp_ = platform::MonotonicNow();
  did |= Dispatch(expire_at) || fired;
  if (RunTurnEnds()) {
    did = true;
    stamp_ = platform::MonotonicNow();
  }
  lag_.turns.Add(stamp_ - began);
  return did;
}

}  // namespace creche

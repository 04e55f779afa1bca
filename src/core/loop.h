// Loop: one reactor, the thread that runs it, timers and jobs of the layers above. What it does
// with tasks is the business of the class derived from it (tasks::Tree).
//
// A turn: wait for I/O and run its callbacks (results are committed, nobody is told yet); run jobs
// that other threads submitted; fire timers; let the derived class expire deadlines and dispatch;
// run what was put off to the end of the turn.
#pragma once
#include <pthread.h>

#include <atomic>
#include <cstdint>
#include <memory>

#include "core/blocks.h"
#include "core/deadlines.h"
#include "core/handles.h"
#include "core/lag.h"
#include "core/list.h"
#include "core/ref.h"
#include "core/status.h"
#include "core/virtual_clock.h"
#include "core/workers.h"
#include "platform/clock.h"
#include "platform/reactor.h"

namespace creche {

class Loop;

// A piece of work that any thread can hand to the loop without allocating: embed one in the object
// that needs it. Submitted again while it is pending it stays pending once; it may be submitted
// anew as soon as `run` has been entered.
class Job {
 public:
  using Run = void (*)(Job*) noexcept;
  explicit Job(Run run) : run_(run) {}

 private:
  friend class Loop;
  Run run_;
  Job* next_ = nullptr;
  std::atomic<bool> pending_{false};
};

enum class Submitted : uint8_t {
  kYes,
  kAlready,  // it was pending, and runs once
  kRefused   // the loop takes no more: it will not run
};

// Something to do when this turn has done everything else, behind all callbacks: what they gave to
// be sent goes out together, and still before the loop waits again. Loop's thread. Destroying takes
// it back.
class TurnEnd : private ListNode<TurnEnd> {
 public:
  using Run = void (*)(TurnEnd*) noexcept;
  explicit TurnEnd(Run run) : run_(run) {}

 private:
  friend class Loop;
  friend class List<TurnEnd>;
  const Run run_;
};

// A one-shot timer of the loop's thread, for phase timeouts and idle connections. Destroying
// disarms.
class Timer : private Deadline {
 public:
  using Fire = void (*)(void* arg) noexcept;
  Timer(Loop& loop, Fire fire, void* arg) : loop_(loop), fire_(fire), arg_(arg) {}
  ~Timer() { Disarm(); }
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  // Arms or moves it to a point of the loop's clock; kNever disarms. False without memory.
  [[nodiscard]] bool Arm(Nanos at) noexcept;
  void Disarm() noexcept;
  bool armed() const noexcept { return Deadline::armed(); }

 private:
  friend class Loop;
  Loop& loop_;
  Fire fire_;
  void* arg_;
};

class Loop : public RefCounted {
 public:
  platform::Reactor& reactor() noexcept { return reactor_; }
  // For the library's own blocking calls, each kind on threads of its own.
  Workers& workers(WorkKind kind) noexcept { return workers_[static_cast<size_t>(kind)]; }
  // Guards everything the derived class keeps for other threads; null once the loop has ended.
  Domain* domain() noexcept { return domain_; }
  // Where its objects have their handles, also after its end. Any thread.
  Domain* objects() const noexcept { return objects_; }
  // The clock. Any thread.
  Nanos now() const noexcept { return clock_ ? clock_->now() : platform::MonotonicNow(); }
  // The same, some milliseconds behind at most, and cheaper.
  Nanos coarse_now() const noexcept { return clock_ ? clock_->now() : platform::CoarseNow(); }
  // Records of its log are wanted up to this level; 0: none. Any thread.
  uint32_t log_level() const noexcept { return log_level_; }
  // Not null on a loop whose clock is virtual.
  VirtualClock* clock() const noexcept { return clock_.get(); }
  // The time at which this turn's timers were fired; cheaper than now(). Loop's thread.
  Nanos turn_time() const noexcept { return turn_time_; }
  // For ages, not for deadlines, and cheap: on the loop's thread the last time that it has looked,
  // some callbacks ago at most. Any thread.
  Nanos stamp() const noexcept { return !clock_ && OnThread() ? stamp_ : coarse_now(); }

  // Hands a job to the loop's thread. Any thread. Jobs run in the order of submission, before the
  // callbacks of the same turn.
  Submitted Submit(Job* job) noexcept;
  // Runs `end` at the end of this turn, once, however often it is asked for; what is asked for
  // there runs at the end of the next turn, which does not wait.
  void AtTurnEnd(TurnEnd* end) noexcept {
    if (!turn_ends_.Has(end)) turn_ends_.PushFront(end);
  }
  // Makes the loop look for work if it sleeps. Any thread.
  void Wake() noexcept;
  // True if the caller must wake domain() to be heard; asks once for each sleep. For callers that
  // hold the domain's lock and wake after it.
  bool MustWake() noexcept { return sleeping_.load() && HeardAsleep(); }
  // True on the thread that runs this loop now.
  bool OnThread() const noexcept {
    return runner_.load(std::memory_order_relaxed) == pthread_self();
  }
  // True on a thread that runs any loop now (blocking calls would deadlock), or a hook (it may be
  // called by a loop's thread, or hold up other hooks).
  static bool OnAnyLoop() noexcept { return running_ != nullptr || hooks_ != 0; }
  // After a fork, in the child, on the thread that forked: it is inside nothing any more. What it
  // was in belongs to the parent.
  static void ForkedHere() noexcept {
    running_ = nullptr;
    hooks_ = 0;
  }
  // Marks this thread as one that calls a hook while it lives.
  class InHook {
   public:
    InHook() { hooks_++; }
    ~InHook() {
      if (hooks_ > 0) hooks_--;  // ForkedHere may have been called in between
    }
    InHook(const InHook&) = delete;
    InHook& operator=(const InHook&) = delete;
  };
  // How long turns take, in real time. Any thread.
  const Lag& lag() const noexcept { return lag_; }
  // The handle of the loop.
  uint64_t id() const noexcept { return id_; }

 protected:
  Loop() = default;
  ~Loop() override = default;
  // Before anything else. May throw.
  void UseVirtualClock() { clock_ = std::make_unique<VirtualClock>(); }
  // Before it first turns: how long it looks again and again before it sleeps.
  void UseBusyPoll(Nanos moment) noexcept { busy_poll_ = clock_ ? 0 : moment; }
  void UseLog(uint32_t level) noexcept { log_level_ = level; }
  // Returns 0 or an errno. Opens the domain too.
  int OpenCore() noexcept;
  // Gives the domain back, once: handles of this loop end. Nobody else uses it any more.
  void CloseCore() noexcept;
  // One turn, waiting for up to `timeout`. True if there was anything to do. signalled: if given, a
  // signal handler that runs meanwhile ends the wait, and *signalled says so.
  bool Turn(Nanos timeout, bool* signalled = nullptr) noexcept;
  // Its thread goes to sleep somewhere else, where the reactor's descriptor is watched: for how
  // long at the most. Until the next turn, who adds something makes the descriptor ready.
  Nanos SleepElsewhere() noexcept;
  // Refuses jobs from now on and runs those it has. Returns after the last.
  void StopJobs() noexcept;
  void StopWorkers() noexcept {
    for (Workers& workers : workers_) workers.Stop();
  }
  bool HasJobs() const noexcept { return jobs_.load() != nullptr; }
  // The last look at descriptors was a moment ago: work may go on without another. By stamp_.
  bool LookedLately() const noexcept {
    constexpr Nanos kMoment = kMillisecond / 20;
    return stamp_ - polled_at_ < kMoment;
  }
  // The next turn looks at descriptors, whatever else there is to do. Any thread.
  void LookFirst() noexcept { look_first_.store(true, std::memory_order_relaxed); }

  // True if there is something to dispatch now.
  virtual bool Ready() noexcept = 0;
  // How long to wait for I/O when there is nothing to do: up to `timeout`, and not past its next
  // deadline or `next_timer`.
  virtual Nanos HowLong(Nanos timeout, Nanos next_timer) noexcept = 0;
  // Commits what has expired, starts what is to be started and runs callbacks, for a moment. True
  // if it did anything but the first.
  virtual bool Dispatch(Nanos now) noexcept = 0;

  // Marks this thread as the one that runs the loop while it lives.
  class Running {
   public:
    explicit Running(Loop* loop) : loop_(loop) {
      running_ = loop;
      Blocks::UseHere(&loop->blocks_);
      loop->runner_.store(pthread_self(), std::memory_order_relaxed);
    }
    ~Running() {
      loop_->runner_.store(kNoThread, std::memory_order_relaxed);
      running_ = nullptr;
      Blocks::UseHere(nullptr);
    }

   private:
    Loop* const loop_;
  };

  Domain* domain_ = nullptr;
  // The same, and still after the end, which who is about to wake the loop may not have seen:
  // domains live for ever. Set once.
  Domain* wake_domain_ = nullptr;
  Domain* objects_ = nullptr;  // set once
  platform::Reactor reactor_;
  std::atomic<uint64_t> turns_{0};
  // When it last looked at the real clock, which is dear: after everything that may take its time.
  Nanos stamp_ = 0;
  Lag lag_;
  uint64_t id_ = 0;  // set once, before anybody knows the loop

 private:
  friend class Timer;
  bool MayGoOn() noexcept;
  bool HasWork() noexcept { return HasJobs() || Ready() || domain_->interrupted.load(); }
  Nanos BusyPoll(Nanos timeout) noexcept;
  Nanos FallAsleep(Nanos timeout) noexcept;
  Nanos Poll(Nanos timeout, bool* signalled) noexcept;
  bool RunJobs() noexcept;
  bool HeardAsleep() noexcept;
  bool RunTurnEnds() noexcept;

  // glibc's own pthread_t is never 0: it is the address of the thread's descriptor.
  static constexpr pthread_t kNoThread{};
  static thread_local Loop* running_;  // loops do not run inside of one another
  static thread_local int hooks_;
  std::atomic<pthread_t> runner_{kNoThread};  // who runs it now
  std::atomic<bool> sleeping_{false};
  std::atomic<bool> wake_sent_{false};  // in this sleep
  std::atomic<Job*> jobs_{nullptr};     // newest first; kJobsClosed at the end
  List<TurnEnd> turn_ends_;
  Blocks blocks_;
  Deadlines timers_;
  // In the order of WorkKind.
  Workers workers_[kWorkKinds] = {Workers(WorkKind::kDns), Workers(WorkKind::kCancel),
                                  Workers(WorkKind::kCrypto), Workers(WorkKind::kFile),
                                  Workers(WorkKind::kAsk)};
  std::unique_ptr<VirtualClock> clock_;
  uint32_t log_level_ = 0;
  Nanos busy_poll_ = 0;
  Nanos turn_time_ = 0;
  Nanos polled_at_ = 0;    // descriptors were last looked at then, or a moment later
  uint32_t unpolled_ = 0;  // turns since then
  std::atomic<bool> look_first_{false};
};

}  // namespace creche

#include "tasks/watchdog.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <new>
#include <string>

#include "platform/clock.h"
#include "platform/thread.h"
#include "tasks/label.h"
#include "tasks/tree.h"

namespace creche::tasks {

Watchdog::Watchdog(Tree& tree, Nanos after) noexcept : tree_(tree), after_(after) {}

int Watchdog::Start() noexcept {
  const int failed = platform::StartThread(&thread_, "creche-watchdog", Main, this);
  started_ = failed == 0;
  return failed;
}

void Watchdog::Stop() noexcept {
  if (!started_) return;
  {
    const std::lock_guard guard(mutex_);
    stopping_ = true;
  }
  stop_.notify_one();
  pthread_join(thread_, nullptr);
  started_ = false;
}

void* Watchdog::Main(void* self) {
  static_cast<Watchdog*>(self)->Watch();
  return nullptr;
}

void Watchdog::Watch() noexcept {
  constexpr Nanos kShortest = kSecond / 2000, kLongest = kSecond;
  const std::chrono::nanoseconds period(std::clamp(after_ / 4, kShortest, kLongest));
  uint64_t seen = 0;    // the run that was there at the last look
  Nanos since = 0;      // when it was first seen: it began before
  Nanos next = after_;  // how long until it is reported (again)
  std::unique_lock lock(mutex_);
  while (!stop_.wait_for(lock, period, [this] { return stopping_; })) {
    const uint64_t run = runs_.load(std::memory_order_acquire);
    if (run % 2 == 0) continue;
    const Nanos now = platform::MonotonicNow();
    if (run != seen) {
      seen = run;
      since = now;
      next = after_;
    } else if (now - since >= next) {
      lock.unlock();
      Report(run, now - since);
      next = (now - since) * 2;
      lock.lock();
    }
  }
}

void Watchdog::Report(uint64_t run, Nanos duration) noexcept {
  TraceEvent event{};
  std::string label;
  {
    const std::lock_guard guard(tree_.domain()->lock);
    // While it runs its node stays: the loop needs the lock before it may free it.
    if (runs_.load(std::memory_order_acquire) != run) return;
    tree_.counters_.stalls++;
    if (!tree_.observers_.trace || !tree_.observers_.trace->wants(EventType::kStalled)) return;
    const EndNode* node = node_.load(std::memory_order_relaxed);
    event = tree_.MakeEvent(EventType::kStalled, node);
    event.what = static_cast<uint32_t>(what_.load(std::memory_order_relaxed));
    event.callback = fn_.load(std::memory_order_relaxed);
    event.duration = duration;
    try {
      if (node && node->label)
        label = std::string(NameOf(node->label)) + '\0' + SiteOf(node->label);
    } catch (const std::bad_alloc&) {  // it has no name, then
    }
  }
  label += '\0';
  event.name = label.c_str();
  event.site = label.c_str() + strlen(label.c_str()) + 1;
  event.text = "";
  tree_.observers_.trace->Call(event);
}

}  // namespace creche::tasks

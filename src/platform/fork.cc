#include "platform/fork.h"

#include <pthread.h>

#include <cstdlib>
#include <ctime>
#include <mutex>

#include "platform/clock.h"
#include "platform/lock.h"
#include "platform/thread.h"

namespace creche::platform {

constinit std::atomic<uint32_t> g_fork_generation{1};

namespace {
void (*prepare_for_fork)() = nullptr;
void (*release_after_fork)() = nullptr;
void (*after_fork_in_child)() = nullptr;
std::once_flag installed;

// Guards the rest; held from before a fork until after it.
constinit Lock g_holds;
constinit ForkHold* g_first_hold = nullptr;
constinit ExitHold* g_first_exit_hold = nullptr;
constinit uint32_t g_forks_waiting = 0;

void Nap() noexcept {
  const NotCancelled stays;  // half-way into a fork
  constexpr timespec kNap{0, 200'000};
  nanosleep(&kNap, nullptr);
}

void Prepare() {
  g_holds.lock();
  g_forks_waiting++;
  while (ForkHold::Keeps(MonotonicNow())) {
    g_holds.unlock();
    Nap();
    g_holds.lock();
  }
  g_forks_waiting--;
  prepare_for_fork();
}
// There is no way back from an exit.
void PrepareExit() {
  g_holds.lock();
  g_forks_waiting++;
  while (ForkHold::Keeps(MonotonicNow())) {
    g_holds.unlock();
    Nap();
    g_holds.lock();
  }
  g_holds.unlock();
}
void InParent() {
  release_after_fork();
  g_holds.unlock();
}
void InChild() {
  g_fork_generation.fetch_add(1, std::memory_order_relaxed);
  release_after_fork();
  g_first_hold = nullptr;  // of threads that do not exist here
  g_first_exit_hold = nullptr;
  g_forks_waiting = 0;
  g_holds.unlock();
  after_fork_in_child();
}
}  // namespace

void WatchForks(void (*prepare)(), void (*release)(), void (*in_child)()) noexcept {
  std::call_once(installed, [&] {
    prepare_for_fork = prepare;
    release_after_fork = release;
    after_fork_in_child = in_child;
    pthread_atfork(Prepare, InParent, InChild);
  });
}

ForkHold::ForkHold() noexcept {
  g_holds.lock();
  while (g_forks_waiting > 0) {
    g_holds.unlock();
    Nap();
    g_holds.lock();
  }
  since_ = MonotonicNow();
  next_ = g_first_hold;
  if (next_) next_->place_ = &next_;
  place_ = &g_first_hold;
  g_first_hold = this;
  g_holds.unlock();
}

ForkHold::~ForkHold() {
  if (generation_ != ForkGeneration()) return;  // what it held was the parent's
  const std::lock_guard guard(g_holds);
  *place_ = next_;
  if (next_) next_->place_ = place_;
}

void ForkHold::KeepExits() noexcept {
  // Without memory for that it stays as it was.
  [[maybe_unused]] static const int registered = std::atexit(PrepareExit);
}

constinit std::atomic<bool> ExitHold::exiting_{false};

ExitHold::ExitHold() noexcept {
  const std::lock_guard guard(g_holds);
  next_ = g_first_exit_hold;
  if (next_) next_->place_ = &next_;
  place_ = &g_first_exit_hold;
  g_first_exit_hold = this;
}

ExitHold::~ExitHold() {
  if (generation_ != ForkGeneration()) return;
  const std::lock_guard guard(g_holds);
  *place_ = next_;
  if (next_) next_->place_ = place_;
}

bool ExitHold::AnyInside() noexcept {
  const std::lock_guard guard(g_holds);
  for (const ExitHold* hold = g_first_exit_hold; hold; hold = hold->next_)
    if (hold->inside_.load()) return true;
  return false;
}

void ExitHold::KeepExits() noexcept {
  [[maybe_unused]] static const int registered = std::atexit([] {
    exiting_.store(true);
    const int64_t end = MonotonicNow() + ForkHold::kLongest;
    while (AnyInside() && MonotonicNow() < end) Nap();
  });
}

bool ForkHold::Keeps(int64_t now) noexcept {
  for (const ForkHold* hold = g_first_hold; hold; hold = hold->next_)
    if (now - hold->since_ < kLongest && hold->thread_ != pthread_self()) return true;
  return false;
}

}  // namespace creche::platform

// Fork detection: a number that changes in a child process. Objects remember the one they were made
// under; a mismatch means that they belong to the parent. And what keeps a fork waiting.
#pragma once
#include <pthread.h>

#include <atomic>
#include <cstdint>

namespace creche::platform {

extern std::atomic<uint32_t> g_fork_generation;

inline uint32_t ForkGeneration() noexcept {
  return g_fork_generation.load(std::memory_order_relaxed);
}

// Installs the handlers, once; before the first loop is opened. `prepare` runs before a fork and
// `release` after it on both sides: they hold the locks that a child needs in a sound state.
// `in_child` runs in the child after that.
void WatchForks(void (*prepare)(), void (*release)(), void (*in_child)()) noexcept;

// While it lives, forks of other threads wait, and while a fork waits the next hold does: for calls
// that take locks of other libraries, which a child would find locked for ever (getaddrinfo's are
// an example). A call that takes longer than kLongest waits for somebody else, hardly with a lock
// in its hands, and keeps no fork waiting any more.
class ForkHold {
 public:
  static constexpr int64_t kLongest = 1'000'000'000;
  ForkHold() noexcept;
  ~ForkHold();
  ForkHold(const ForkHold&) = delete;
  ForkHold& operator=(const ForkHold&) = delete;
  // True if a fork of this thread would have to wait for another one's hold.
  static bool Keeps(int64_t now) noexcept;
  // From now on exit() waits for them in the same way, before what was to be done then when this
  // was first called: other libraries clean up, whoever is inside of them. The next hold lasts
  // until the process has ended.
  static void KeepExits() noexcept;

 private:
  const uint32_t generation_ = ForkGeneration();
  const pthread_t thread_ = pthread_self();
  int64_t since_ = 0;
  ForkHold* next_ = nullptr;
  ForkHold** place_ = nullptr;
};

}  // namespace creche::platform

// Fork detection: a number that changes in a child process. Objects remember the one they were made
// under; a mismatch means that they belong to the parent. And what keeps a fork or an exit waiting.
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

// Who uses another library on its own thread, for moments: a TLS connection. exit() waits until it
// is outside, for kLongest at the most, and lets it in no more, as that library cleans up then. One
// thread at a time.
class ExitHold {
 public:
  ExitHold() noexcept;
  ~ExitHold();
  ExitHold(const ExitHold&) = delete;
  ExitHold& operator=(const ExitHold&) = delete;
  // While it lives it is inside, if `ok`; if not, exit() has begun.
  class Inside {
   public:
    explicit Inside(ExitHold& hold) noexcept : hold_(hold), ok_(hold.Enter()) {}
    ~Inside() { hold_.inside_.store(false, std::memory_order_release); }
    bool ok() const noexcept { return ok_; }

   private:
    ExitHold& hold_;
    const bool ok_;
  };
  // exit() waits for all of these from now on: see ForkHold::KeepExits.
  static void KeepExits() noexcept;

 private:
  friend class ForkHold;
  bool Enter() noexcept {
    inside_.store(true);
    return !exiting_.load();
  }
  static bool AnyInside() noexcept;

  static std::atomic<bool> exiting_;
  std::atomic<bool> inside_{false};
  const uint32_t generation_ = ForkGeneration();
  ExitHold* next_ = nullptr;
  ExitHold** place_ = nullptr;
};

}  // namespace creche::platform

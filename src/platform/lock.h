// Lock: a small mutex for short critical sections: one atomic exchange and one plain store when
// nobody else is there, a futex otherwise; in a process with one thread, where the C library says
// so, not even the exchange. Works with std::lock_guard and std::unique_lock.
#pragma once
#if __has_include(<sys/single_threaded.h>)
#include <sys/single_threaded.h>
#endif

#include <atomic>
#include <cstdint>

namespace creche::platform {

class Lock {
 public:
  void lock() noexcept {
    if (!try_lock()) LockContended();
  }
  // A waiter may announce itself after the look at waiters_ and before the store is seen: it looks
  // again after kNap, which is rarer than it is long.
  void unlock() noexcept {
    state_.store(kFree, std::memory_order_release);
    if (waiters_.load(std::memory_order_relaxed) != 0) WakeOne();
  }
  bool try_lock() noexcept {
    uint32_t expected = kFree;
    if (Alone()) {
      if (state_.load(std::memory_order_relaxed) != kFree) return false;
      state_.store(kHeld, std::memory_order_relaxed);
      return true;
    }
    return state_.compare_exchange_strong(expected, kHeld, std::memory_order_acquire,
                                          std::memory_order_relaxed);
  }

 private:
  static constexpr uint32_t kFree = 0, kHeld = 1;
  // This is the only thread; a second one can only be started by it, and sees what it did before.
  static bool Alone() noexcept {
#if __has_include(<sys/single_threaded.h>)
    return __libc_single_threaded;
#else
    return false;
#endif
  }
  void LockContended() noexcept;
  void WakeOne() noexcept;
  std::atomic<uint32_t> state_{kFree};
  std::atomic<uint32_t> waiters_{0};
};

}  // namespace creche::platform

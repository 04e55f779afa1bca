// Lock: a small mutex for short critical sections: one atomic exchange and one plain store when
// nobody else is there, a futex otherwise. Works with std::lock_guard and std::unique_lock.
#pragma once
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
    return state_.compare_exchange_strong(expected, kHeld, std::memory_order_acquire,
                                          std::memory_order_relaxed);
  }

 private:
  static constexpr uint32_t kFree = 0, kHeld = 1;
  void LockContended() noexcept;
  void WakeOne() noexcept;
  std::atomic<uint32_t> state_{kFree};
  std::atomic<uint32_t> waiters_{0};
};

}  // namespace creche::platform

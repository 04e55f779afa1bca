// Lock: a small mutex for short critical sections: two atomic operations when nobody else is there,
// a futex otherwise. Works with std::lock_guard and std::unique_lock.
#pragma once
#include <atomic>
#include <cstdint>

namespace creche::platform {

class Lock {
 public:
  void lock() noexcept {
    uint32_t expected = kFree;
    if (!state_.compare_exchange_strong(expected, kHeld, std::memory_order_acquire,
                                        std::memory_order_relaxed))
      LockContended();
  }
  void unlock() noexcept {
    if (state_.exchange(kFree, std::memory_order_release) == kContended) WakeOne();
  }
  bool try_lock() noexcept {
    uint32_t expected = kFree;
    return state_.compare_exchange_strong(expected, kHeld, std::memory_order_acquire,
                                          std::memory_order_relaxed);
  }

 private:
  static constexpr uint32_t kFree = 0, kHeld = 1, kContended = 2;
  void LockContended() noexcept;
  void WakeOne() noexcept;
  std::atomic<uint32_t> state_{kFree};
};

}  // namespace creche::platform

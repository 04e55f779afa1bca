#include "platform/lock.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>

namespace creche::platform {

void Lock::LockContended() noexcept {
  const int saved = errno;
  for (int spin = 0; spin < 100; spin++) {
    if (state_.load(std::memory_order_relaxed) == kFree && try_lock()) return;
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
  }
  constexpr timespec kNap{0, 1'000'000};
  waiters_.fetch_add(1);
  while (!try_lock()) syscall(SYS_futex, &state_, FUTEX_WAIT_PRIVATE, kHeld, &kNap, nullptr, 0);
  waiters_.fetch_sub(1, std::memory_order_relaxed);
  errno = saved;
}

void Lock::WakeOne() noexcept {
  const int saved = errno;
  syscall(SYS_futex, &state_, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
  errno = saved;
}

}  // namespace creche::platform

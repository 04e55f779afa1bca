#include "platform/wait.h"

#include <poll.h>

#include <cerrno>

#include "platform/clock.h"

namespace creche::platform {

int WaitReadable(int fd, int64_t until) noexcept {
  const int saved = errno;
  pollfd p{fd, POLLIN, 0};
  timespec wait{};
  if (until != INT64_MAX) {
    const int64_t left = until - MonotonicNow();
    if (left > 0) wait = {static_cast<time_t>(left / 1'000'000'000), left % 1'000'000'000};
  }
  const int n = ppoll(&p, 1, until == INT64_MAX ? nullptr : &wait, nullptr);
  const int failed = n > 0 ? 0 : n == 0 ? ETIMEDOUT : EINTR;
  errno = saved;
  return failed;
}

}  // namespace creche::platform

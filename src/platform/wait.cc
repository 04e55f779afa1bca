#include "platform/wait.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>

#include "platform/clock.h"

namespace creche::platform {

namespace {

// What is left until then.
timespec Left(int64_t until) noexcept {
  const int64_t left = until - MonotonicNow();
  if (left <= 0) return {};
  return {static_cast<time_t>(left / 1'000'000'000), left % 1'000'000'000};
}

int Answer(int n) noexcept {
  return n > 0 ? 0 : n == 0 ? ETIMEDOUT : errno;
}

// Not there in an old kernel, or not allowed in a sandbox: an older call may be.
bool Denied() noexcept {
  return errno == ENOSYS || errno == EPERM || errno == EACCES;
}

// For the older calls: in milliseconds, rounded up.
int Milliseconds(const timespec* wait) noexcept {
  if (!wait) return -1;
  constexpr int64_t kMost = INT_MAX - 1;
  return static_cast<int>(std::min<int64_t>(wait->tv_sec, kMost / 1000) * 1000 +
                          (wait->tv_nsec + 999'999) / 1'000'000);
}

int Poll(pollfd* p, const timespec* wait) noexcept {
  const int n = ppoll(p, 1, wait, nullptr);
  return n < 0 && Denied() ? poll(p, 1, Milliseconds(wait)) : n;
}

// Events that are looked at and not taken: they are level-triggered, whoever serves them sees them
// again. wait: null: for ever.
int EpollWait(int epoll_fd, const timespec* wait) noexcept {
  epoll_event one;
#ifdef SYS_epoll_pwait2
  const long n = syscall(SYS_epoll_pwait2, epoll_fd, &one, 1, wait, nullptr, size_t{0});
  if (n >= 0 || !Denied()) return static_cast<int>(n);
#endif
  return epoll_wait(epoll_fd, &one, 1, Milliseconds(wait));  // before Linux 5.11
}

}  // namespace

int WaitReadable(int fd, int64_t until) noexcept {
  const int saved = errno;
  pollfd p{fd, POLLIN, 0};
  const timespec wait = until == INT64_MAX ? timespec{} : Left(until);
  const int answer = Answer(Poll(&p, until == INT64_MAX ? nullptr : &wait));
  errno = saved;
  return answer;
}

int WaitReadyIn(int epoll_fd, int64_t until) noexcept {
  const int saved = errno;
  const timespec wait = until == INT64_MAX ? timespec{} : Left(until);
  const int answer = Answer(EpollWait(epoll_fd, until == INT64_MAX ? nullptr : &wait));
  errno = saved;
  return answer;
}

}  // namespace creche::platform

// Waiting for descriptors in a blocking call of the API.
#pragma once
#include <cstdint>

namespace creche::platform {

// Waits until `fd` is readable or the monotonic clock reaches `until` (INT64_MAX: no end). Returns
// 0, ETIMEDOUT, EINTR when a signal handler ran, or why waiting is not possible (a sandbox).
int WaitReadable(int fd, int64_t until) noexcept;
// The same until a descriptor in this epoll set is ready: cheaper than to wait for the set as for a
// descriptor, for the kernel and for whoever makes one ready.
int WaitReadyIn(int epoll_fd, int64_t until) noexcept;

}  // namespace creche::platform

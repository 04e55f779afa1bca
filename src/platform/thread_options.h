// How the library's threads are made, in the whole process: set by the host.
#pragma once
#include <cstddef>
#include <cstdint>

namespace creche::platform {

struct ThreadOptions {
  size_t stack_size = 0;  // 0: the system's default
  uint32_t workers = 0;   // of one kind of work on a loop, at the most; 0: no bound but its own
  char prefix[16] = "creche";
};

// From now on. 0, or EINVAL for a stack that the system does not take.
int SetThreadOptions(const ThreadOptions& options) noexcept;
ThreadOptions GetThreadOptions() noexcept;

}  // namespace creche::platform

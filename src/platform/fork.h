// Fork detection: a number that changes in a child process. Objects remember the one they were made
// under; a mismatch means that they belong to the parent.
#pragma once
#include <atomic>
#include <cstdint>

namespace creche::platform {

extern std::atomic<uint32_t> g_fork_generation;

inline uint32_t ForkGeneration() noexcept {
  return g_fork_generation.load(std::memory_order_relaxed);
}

// Installs the handlers, once; before the first loop is opened. `prepare` runs before a fork and
// `release` after it on both sides: they hold the locks that a child needs in a sound state.
void WatchForks(void (*prepare)(), void (*release)()) noexcept;

}  // namespace creche::platform

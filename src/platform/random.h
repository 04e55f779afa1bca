// Random numbers of the system's: not to be guessed, and never the same in two processes.
#pragma once
#include <cstdint>

namespace creche::platform {

// Does not block. Where the system has none (early at its start, in a sandbox): of the time and the
// process.
uint64_t Random64() noexcept;

}  // namespace creche::platform

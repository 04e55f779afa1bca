// ClockGate: what keeps a virtual clock from jumping (clock.cc). Guarded by the lock of the loop's
// domain.
#pragma once
#include <cstdint>

#include "core/status.h"

namespace creche::tasks {

struct ClockGate {
  uint32_t holds = 0;  // by the user, and by offloaded functions that run
  uint32_t world = 0;  // operations that run and wait for the world outside
  uint64_t heard = 0;  // the reactor's count when the world was last heard of
  Nanos silent_since = kNever;
};

}  // namespace creche::tasks

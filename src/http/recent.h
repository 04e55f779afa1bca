// When something has happened, without a look at the clock, of which a request would need seven:
// for users to be told of, and for deadlines that may be a turn early (how long a connection is
// kept).
#pragma once
#include <algorithm>

#include "core/loop.h"

namespace creche::http {

// The last time that the loop has looked at its clock: when the first of the descriptors that are
// ready was come to, and later. It never goes back. Loop's thread.
inline Nanos Recent(Loop& loop) noexcept {
  return loop.clock() ? loop.now() : std::max(loop.stamp(), loop.reactor().first_ready_at());
}

}  // namespace creche::http

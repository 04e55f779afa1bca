// Timers: what a loop's tree has to do at some time, in one heap for each kind. Guarded by the lock
// of the loop's domain.
#pragma once
#include <algorithm>

#include "core/deadlines.h"

namespace creche::tasks {

// The heaps that something can be in, told apart by type.
struct Expiry : Deadline {};  // a scope's deadline
struct Alarm : Deadline {};   // a sleep's end
struct Grace : Deadline {};   // of a cancelled group: who has not ended by then is named
struct Pace : Deadline {};    // of a rate limiter: the next permits

struct Timers {
  Deadlines expiries, alarms, graces, paces;
  Nanos shutdown_at = kNever;  // everything is cancelled

  Nanos next() const noexcept {
    return std::min({expiries.next(), alarms.next(), graces.next(), paces.next(), shutdown_at});
  }
};

}  // namespace creche::tasks

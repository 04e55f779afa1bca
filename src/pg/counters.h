// What a pool did so far; written on the loop's thread, read from any.
#pragma once
#include "core/counter.h"

namespace creche::pg {

struct Counters {
  Counter connections, idle, leased, waiting;  // now
  Counter acquires, empty_acquires, cancelled_acquires, waited;
  Counter connects, statements, pipelined, prepares, cancels, resent, dropped;
};

}  // namespace creche::pg

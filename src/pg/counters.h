// What a pool did so far; written on the loop's thread, read from any.
#pragma once
#include "core/counter.h"
#include "core/lag.h"

namespace creche::pg {

struct Counters {
  Counter connections, idle, leased, waiting, connecting;  // now
  Counter acquires, empty_acquires, cancelled_acquires, waited;
  Counter refused, timed_out, connect_failures, retired;
  Counter connects, statements, pipelined, prepares, cancels, resent, dropped;
  // creche_pool_timings
  Histogram acquire, connect, query;
};

}  // namespace creche::pg

// What a session has now and has done so far; written on the loop's thread, read from any.
#pragma once
#include "core/counter.h"
#include "http/timings.h"

namespace creche::http {

struct Counters {
  Counter requests, connects, reuses, retries, dns_lookups, bytes_sent, bytes_received;
  Counter attempts;        // after the first, by a retry policy
  Counter retries_denied;  // for want of budget
  Counter open;            // connections, idle and connecting ones too
  Counter idle;
  Counter waiting;  // requests in line
  Timings timings;
};

}  // namespace creche::http

// How long the phases of a session's requests took; written on the loop's thread, read from any.
#pragma once
#include "core/error.h"
#include "core/lag.h"

namespace creche::http {

struct Timings {
  Histogram pool;  // in line, of those that waited
  Histogram dns;   // the steps of new connections
  Histogram connect;
  Histogram tls;
  Histogram first_byte;  // from the end of sending
  Histogram total;       // from the call to the end of the body

  // A step on the way to a connection has been done.
  void AddStep(Phase phase, Nanos time) noexcept {
    if (phase == Phase::kDns) dns.Add(time);
    if (phase == Phase::kConnect) connect.Add(time);
    if (phase == Phase::kTls) tls.Add(time);
  }
};

}  // namespace creche::http

// Rate: a token bucket, kept as the time at which it would be full again ("theoretical arrival
// time"), in units of 1/permits of a nanosecond: so that nothing is ever rounded but the moment of
// a grant, which is rounded up. Guarded by the lock of the loop's domain.
#pragma once
#include <cstdint>

#include "tasks/api.h"
#include "tasks/waitable/waitable.h"

namespace creche::tasks {

struct Rate final : Waitable, Pace {
  // A time of the loop's clock multiplied by `permits`; an interval is what one permit costs.
  __extension__ using Scaled = __int128;

  void Enter(WaitNode* wait) noexcept override;
  void Leave(WaitNode* wait) noexcept override;
  const char* WaitName(const WaitNode*) const noexcept override { return "rate limiter"; }
  void EndIds() noexcept override;

  // When `wanted` permits are there, if nobody takes any before. May lie in the past.
  Nanos Due(uint64_t wanted) const noexcept;
  // Takes them; `late`: how much of the past may still be used.
  void Take(uint64_t wanted, Nanos now, Scaled late) noexcept;
  // Serves the line.
  void Serve(Nanos now) noexcept;
  // Sets the alarm for the first in line.
  void Await() noexcept;

  uint32_t permits = 1;
  uint32_t burst = 1;
  Nanos interval = kSecond;
  Scaled full = 0;
  Nanos paused_until = INT64_MIN;
  WaitLine<AtObject> line;
};

}  // namespace creche::tasks

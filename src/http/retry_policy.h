// RetryPolicy: creche_retry, checked and copied: what is tried again, how often and when.
// Immutable, and shared by the requests it is for.
#pragma once
#include <cstdint>
#include <vector>

#include "core/ref.h"
#include "core/status.h"

namespace creche::http {

struct RetryPolicy final : RefCounted {
  uint32_t attempts = 3;  // in all
  uint32_t budget = 20;   // percent of the requests of the session
  Nanos delay = 100 * kMillisecond;
  Nanos max_delay = 10 * kSecond;
  Nanos max_retry_after = 60 * kSecond;  // 0: it is not looked at
  std::vector<uint16_t> statuses;        // that are made again
  bool any_method = false;
  bool jitter = true;
  bool bounded = true;  // by the budget

  bool Retries(int status) const noexcept;
  // The wait before the attempt that follows `made` of them, without jitter.
  Nanos Backoff(uint32_t made) const noexcept;
};

}  // namespace creche::http

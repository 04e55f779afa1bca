#include "http/retry_policy.h"

#include <algorithm>

namespace creche::http {

bool RetryPolicy::Retries(int status) const noexcept {
  return std::find(statuses.begin(), statuses.end(), status) != statuses.end();
}

Nanos RetryPolicy::Backoff(uint32_t made) const noexcept {
  Nanos wait = std::min(delay, max_delay);
  for (uint32_t i = 1; i < made && wait < max_delay; i++)
    wait = wait > max_delay / 2 ? max_delay : 2 * wait;
  return wait;
}

}  // namespace creche::http

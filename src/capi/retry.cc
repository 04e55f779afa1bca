// creche/retry.h: retry policies.
#include <creche/retry.h>

#include "capi/http_options.h"
#include "capi/options.h"

namespace creche::capi {

template <>
creche_retry Defaults() noexcept {
  const http::RetryPolicy d;
  creche_retry o{};
  o.size = sizeof o;
  o.attempts = d.attempts;
  o.budget = d.budget;
  o.delay = d.delay;
  o.max_delay = d.max_delay;
  o.max_retry_after = d.max_retry_after;
  return o;
}

creche_status ReadRetry(const creche_retry* given, Ref<const http::RetryPolicy>* policy) {
  creche_retry o;
  if (creche_status failed = ReadOptions(
          given, &o, CRECHE_RETRY_ANY_METHOD | CRECHE_RETRY_NO_JITTER | CRECHE_RETRY_NO_BUDGET,
          "creche_retry"))
    return failed;
  if (o.attempts == 0)
    return Fail(Status::kInvalid, "creche_retry.attempts is 0; the first one counts");
  if (o.delay < 0 || o.max_delay < 0 || o.max_retry_after < 0)
    return Fail(Status::kInvalid, "a time of creche_retry is negative; it counts nanoseconds");
  if (!o.statuses && o.statuses_count > 0)
    return Fail(Status::kInvalid, "creche_retry.statuses is NULL, statuses_count not 0");
  auto read = MakeRef<http::RetryPolicy>();
  read->attempts = o.attempts;
  read->budget = o.budget;
  read->delay = o.delay;
  read->max_delay = o.max_delay;
  read->max_retry_after = o.max_retry_after;
  if (o.statuses)
    read->statuses.assign(o.statuses, o.statuses + o.statuses_count);
  else
    read->statuses = {408, 429, 502, 503, 504};
  for (const uint16_t status : read->statuses)
    if (status < 400 || status > 599)
      return Fail(Status::kInvalid, "creche_retry.statuses has %u; 400 to 599 are failures",
                  status);
  read->any_method = (o.flags & CRECHE_RETRY_ANY_METHOD) != 0;
  read->jitter = (o.flags & CRECHE_RETRY_NO_JITTER) == 0;
  read->bounded = (o.flags & CRECHE_RETRY_NO_BUDGET) == 0;
  *policy = std::move(read);
  return CRECHE_OK;
}

}  // namespace creche::capi

extern "C" creche_status creche_retry_init(creche_retry* retry, size_t size) {
  return creche::capi::InitOptions(retry, size);
}

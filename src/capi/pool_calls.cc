// creche/pool_calls.h
#include <creche/pool_calls.h>

#include "capi/options.h"
#include "capi/pg_options.h"

using namespace creche;
using namespace creche::capi;

namespace creche::capi {

using pg::PasswordRequest;
static_assert(sizeof(creche_password_request) == sizeof(PasswordRequest));
static_assert(offsetof(creche_password_request, host) == offsetof(PasswordRequest, host));
static_assert(offsetof(creche_password_request, database) == offsetof(PasswordRequest, database));

template <>
creche_pool_calls Defaults() noexcept {
  creche_pool_calls o{};
  o.size = sizeof o;
  return o;
}

creche_status ReadPoolCalls(const creche_pool_calls* given, pg::PoolCalls* calls) {
  if (!given) return CRECHE_OK;
  creche_pool_calls o;
  if (creche_status failed = ReadOptions(given, &o, 0, "creche_pool_calls")) return failed;
  // The structs are twins.
  calls->password = reinterpret_cast<decltype(calls->password)>(o.password);
  calls->notice = reinterpret_cast<decltype(calls->notice)>(o.notice);
  for (const creche_done_fn body : {o.init, o.setup, o.reset})
    if (body == creche_to_group || body == creche_nobody)
      return Fail(Status::kInvalid, "init, setup and reset must be functions of yours, or NULL");
  calls->init = ToDone(o.init);
  calls->setup = ToDone(o.setup);
  calls->reset = ToDone(o.reset);
  calls->user = o.user;
  return CRECHE_OK;
}

}  // namespace creche::capi

extern "C" {

creche_status creche_pool_calls_init(creche_pool_calls* calls, size_t size) {
  return InitOptions(calls, size);
}

}  // extern "C"

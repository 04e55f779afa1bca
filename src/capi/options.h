// Options structs of the ABI: sized, so that old callers and new libraries understand each other,
// and the other way round as far as that is possible.
#pragma once
#include <creche/cookies.h>
#include <creche/hooks.h>
#include <creche/http.h>
#include <creche/loop.h>
#include <creche/pg.h>
#include <creche/task.h>

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "capi/guard.h"
#include "tasks/operation.h"
#include "tasks/trace.h"

namespace creche::capi {

// The defaults of each struct: specialised beside the functions that read it.
template <class O>
O Defaults() noexcept;

// How long a struct is at the least: what it was before it grew, where it has.
template <class O>
inline constexpr size_t kLeastSize = sizeof(O);
template <>
inline constexpr size_t kLeastSize<creche_pool_options> = offsetof(creche_pool_options,
                                                                   statement_lifetime);
template <>
inline constexpr size_t kLeastSize<creche_loop_options> = offsetof(creche_loop_options, busy_poll);
template <>
inline constexpr size_t kLeastSize<creche_session_options> = offsetof(creche_session_options,
                                                                      base_url);
template <>
inline constexpr size_t kLeastSize<creche_request_options> = offsetof(creche_request_options,
                                                                      params);
template <>
inline constexpr size_t kLeastSize<creche_pool_calls> = offsetof(creche_pool_calls, init);
template <>
inline constexpr size_t kLeastSize<creche_transaction_options> =
    offsetof(creche_transaction_options, retry_delay);
template <>
inline constexpr size_t kLeastSize<creche_query_options> = offsetof(creche_query_options, names);

// creche_x_options_init.
template <class O>
creche_status InitOptions(O* options, size_t size) noexcept {
  static_assert(std::is_trivially_copyable_v<O> && offsetof(O, size) == 0);
  if (!options) return Fail(Status::kInvalid, "options is NULL");
  if (size < kLeastSize<O> || size > UINT32_MAX)
    return Fail(Status::kInvalid, "size is %zu; pass sizeof the struct (at least %zu)", size,
                kLeastSize<O>);
  O defaults = Defaults<O>();
  defaults.size = static_cast<uint32_t>(size);
  memset(options, 0, size);  // 0 is the default of what only a newer caller knows
  memcpy(options, &defaults, std::min(size, sizeof defaults));
  return CRECHE_OK;
}

// Copies what a caller gave, or the defaults for NULL. known_flags: bits that are allowed.
template <class O>
creche_status ReadOptions(const O* given, O* options, uint32_t known_flags,
                          const char* name) noexcept {
  if (!given) {
    *options = Defaults<O>();
    return CRECHE_OK;
  }
  if (given->size < kLeastSize<O>)
    return Fail(Status::kInvalid, "%s.size is %u, at least %zu is needed: call %s_init first", name,
                given->size, kLeastSize<O>, name);
  const auto* bytes = reinterpret_cast<const unsigned char*>(given);
  for (size_t i = sizeof(O); i < given->size; i++)
    if (bytes[i] != 0)
      return Fail(Status::kUnsupported,
                  "%s has a field set (byte %zu) that this version of libcreche (%s) does not know",
                  name, i, creche_version_string());
  memset(static_cast<void*>(options), 0, sizeof(O));  // 0 is the default of what came later
  memcpy(options, given, std::min<size_t>(given->size, sizeof(O)));
  if (options->flags & ~known_flags)
    return Fail(Status::kUnsupported, "%s.flags has bits (0x%x) that this version does not know",
                name, options->flags & ~known_flags);
  return CRECHE_OK;
}

// Checks a place for a struct that the library fills: it has `size` and `flags` at least.
inline creche_status CheckFilled(const void* out, size_t size, const char* name) noexcept {
  if (out && size >= 2 * sizeof(uint32_t)) return CRECHE_OK;
  return Fail(Status::kInvalid, "%s is NULL or size is too short; pass sizeof the struct", name);
}

// Stores a struct that the library fills in `size` bytes of the caller's: zeros behind what is
// known.
template <class S>
void StoreSized(const S& filled, S* out, size_t size) noexcept {
  memset(static_cast<void*>(out), 0, size);
  memcpy(static_cast<void*>(out), &filled, size < sizeof filled ? size : sizeof filled);
}

// The queue of options, before it is used: {0}, or a queue that has not ended. (What happens to it
// later is the tree's to say; here the message can name it.)
creche_status CheckQueue(creche_queue queue) noexcept;
// timeout and deadline of options: not both.
creche_status CheckDeadline(int64_t timeout, int64_t deadline, const char* name) noexcept;
// A loop's hooks; given is not null.
creche_status ReadHooks(const creche_hooks* given, tasks::Hooks* hooks) noexcept;
// 0 or 1.
creche_status ReadBool(uint32_t value, const char* name, bool* result) noexcept;
// CRECHE_FAIL or CRECHE_MOVE_ON.
creche_status ReadOnTimeout(uint32_t value, const char* name, bool* move_on) noexcept;

}  // namespace creche::capi

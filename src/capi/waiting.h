// What the entries of limiters, events and channels have in common.
#pragma once
#include "capi/options.h"
#include "capi/tail.h"
#include "tasks/options.h"

namespace creche::capi {

// Checks a place for a state of at least its `size` field.
inline creche_status CheckState(const void* state, size_t size) noexcept {
  if (state && size >= sizeof(uint32_t)) return CRECHE_OK;
  return Fail(Status::kInvalid, "state is NULL or size is too short; pass sizeof the struct");
}

// A release: keeps errno.
template <class F>
void Release(F release) noexcept {
  const int saved = errno;
  release();
  errno = saved;
}

}  // namespace creche::capi

// What the entries of limiters, events and channels have in common.
#pragma once
#include "capi/options.h"
#include "capi/tail.h"
#include "tasks/options.h"

namespace creche::capi {

// A release: keeps errno.
template <class F>
void Release(F release) noexcept {
  const int saved = errno;
  release();
  errno = saved;
}

}  // namespace creche::capi

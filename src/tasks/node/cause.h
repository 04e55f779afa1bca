// Cause: why something was cancelled; shared by all that it reaches. The errors made from it are
// shared too: cancelling 100,000 sleepers makes one. Guarded by the lock of the loop's domain.
#pragma once
#include <cstdint>
#include <string>

#include "core/error.h"
#include "core/ref.h"

namespace creche::tasks {

struct Cause : RefCounted {
  Reason reason = Reason::kNone;
  uint64_t by = 0;
  std::string text;
  ErrorRef made;  // the last error made from it
};

}  // namespace creche::tasks

// Completion: twin of creche_completion (capi asserts the layout), and the routes' type.
#pragma once
#include <cstddef>
#include <cstdint>

#include "core/error.h"

namespace creche::tasks {

enum CompletionFlag : uint32_t { kMore = 1, kOwned = 2, kCaught = 4, kPassing = 8 };

struct Completion {
  int32_t status;
  uint32_t kind;
  uint32_t flags;
  uint32_t code;
  uint64_t value;
  const void* data;
  size_t data_size;
  const ErrorFields* error;
  void* user;
  uint64_t task;
  uint64_t hold;      // Kind::kHold: keeps data alive
  uint64_t place_id;  // Kind::kPlace: until_released; "reserved" in the ABI
};

// creche_outcome
struct LeaveOutcome {
  Status status = Status::kOk;
  uint32_t flags = 0;
  Reason reason = Reason::kNone;
};

// Releases the handle that an owned value is. Any thread, no lock held.
void ReleaseValue(uint64_t id) noexcept;

// Releases what drained completions own, and clears them. Any thread.
void ReleaseCompletions(Completion* completions, size_t n) noexcept;

}  // namespace creche::tasks

// PoolCalls: what a pool asks its user, and tells him beside completions. Their C twins are in
// creche/pool_calls.h.
#pragma once
#include <cstddef>
#include <cstdint>

#include "core/error.h"
#include "tasks/operation.h"

namespace creche::pg {

// Whose password is asked for. Lives as long as the call.
struct PasswordRequest {
  uint32_t size = sizeof(PasswordRequest);
  uint32_t refused = 0;  // the server has just refused the last one
  const char* host = "";
  const char* port = "";
  const char* user = "";
  const char* database = "";
};

struct PoolCalls {
  // On a worker thread: may block.
  int32_t (*password)(void* user, const PasswordRequest* request, char* password,
                      size_t capacity) = nullptr;
  // Loop's thread.
  void (*notice)(void* user, const ErrorFields* notice) = nullptr;
  // Bodies, on the loop: of a new connection, before each use by one alone, and behind it.
  tasks::DoneFn init = nullptr;
  tasks::DoneFn setup = nullptr;
  tasks::DoneFn reset = nullptr;
  void* user = nullptr;
};

}  // namespace creche::pg

// OpenTurn: what a call keeps while a session's middleware is asked about it. Calls of a session
// that has none have none.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "core/error.h"
#include "http/body/held_body.h"
#include "http/turns.h"

namespace creche::http {

struct OpenTurn {
  uint64_t id = 0;  // 0: nothing is asked
  Turn what = Turn::kRequest;
  uint32_t again = 0;              // how often it was made again
  std::optional<HeldBody> held;    // of the answer that was asked about
  bool ended = false;              // that answer came to its end meanwhile:
  ErrorRef error;                  // so, or null. Of a failure: it
  std::optional<Decision> answer;  // to be given when the answer that has come was read over
};

}  // namespace creche::http

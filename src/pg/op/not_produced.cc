#include "pg/op/not_produced.h"

#include <new>
#include <string>
#include <utility>

namespace creche::pg {

ErrorRef NotProduced(const char* what, ErrorRef cause) noexcept {
  try {
    std::string message = std::string(what) + " could not be produced";
    if (cause) message += std::string(": ") + cause->message();
    return MakeError(ErrorInfo{.status = Status::kBody,
                               .phase = Phase::kQuery,
                               .message = std::move(message),
                               .cause = std::move(cause)});
  } catch (const std::bad_alloc&) {
    return NoMemoryError();
  }
}

}  // namespace creche::pg

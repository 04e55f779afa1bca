#include "pg/op/copy_check.h"

#include <new>
#include <string>
#include <utility>

#include "pg/sql/script_text.h"

namespace creche::pg {

ErrorRef CheckCopy(const Statement& statement) noexcept {
  if (statement.error()) return statement.error();
  if (statement.verb() != Verb::kCopy)
    return MakeError(Status::kInvalid, Phase::kOptions,
                     "this is no COPY statement: COPY ... FROM STDIN or COPY ... TO STDOUT",
                     kUnsent);
  if (HasMore(statement.text()))
    return MakeError(Status::kInvalid, Phase::kOptions,
                     "more than one statement: a COPY stands by itself", kUnsent);
  return nullptr;
}

ErrorRef NotProduced(ErrorRef cause) noexcept {
  try {
    std::string message = "what was to be copied could not be produced";
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

#include "pg/op/copy_check.h"

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

}  // namespace creche::pg

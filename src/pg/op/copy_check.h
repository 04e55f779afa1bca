// What the text of a COPY must be; what it means if nothing more is to be copied.
#pragma once
#include "core/error.h"
#include "pg/sql/statement.h"

namespace creche::pg {

// Null if it is one COPY and nothing else. Where it was made, not on the loop.
ErrorRef CheckCopy(const Statement& statement) noexcept;
// What the user should have given did not come, for this reason.
ErrorRef NotProduced(ErrorRef cause) noexcept;

}  // namespace creche::pg

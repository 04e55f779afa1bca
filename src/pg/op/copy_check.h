// What the text of a COPY must be.
#pragma once
#include "core/error.h"
#include "pg/sql/statement.h"

namespace creche::pg {

// Null if it is one COPY and nothing else. Where it was made, not on the loop.
ErrorRef CheckCopy(const Statement& statement) noexcept;

}  // namespace creche::pg

// Rows of values as COPY reads them in its text format. Any thread.
#pragma once
#include <cstddef>

#include "core/error.h"
#include "pg/export/pieces.h"
#include "pg/sql/statement.h"

namespace creche::pg {

// rows * columns values, row after row. Null: all was written; kCancelled if nobody wanted the
// rest; else why a value cannot be written, with its row and column. What was given away before
// stays so. May throw bad_alloc.
ErrorRef WriteCopyText(const Value* values, size_t columns, size_t rows, Pieces* out);

}  // namespace creche::pg

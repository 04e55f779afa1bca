// Rows of values as COPY reads them in its text format. Any thread.
#pragma once
#include <cstddef>
#include <string>

#include "core/error.h"
#include "pg/export/pieces.h"
#include "pg/sql/statement.h"

namespace creche::pg {

// Appends one row, as it writes it; null, or why not. May throw bad_alloc.
ErrorRef AppendCopyRow(const Value* values, size_t columns, size_t row, std::string* out);

// rows * columns values, row after row. Null: all was written; kCancelled if nobody wanted the
// rest; else why a value cannot be written, with its row and column. What was given away before
// stays so. May throw bad_alloc.
ErrorRef WriteCopyText(const Value* values, size_t columns, size_t rows, Pieces* out);

}  // namespace creche::pg

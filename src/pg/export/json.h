// Rows as JSON, as PostgreSQL's row_to_json writes them.
#pragma once
#include "pg/export/pieces.h"
#include "pg/rows/row_view.h"

namespace creche::pg {

struct JsonOptions {
  bool lines = false;        // an object a line, and no array around them
  bool arrays = false;       // rows as arrays instead of objects
  bool exact_text = false;   // int8 and numeric as strings
  bool finite_only = false;  // NaN and infinities of numbers as null instead of strings
};

// False if nobody wanted the rest. May throw bad_alloc.
bool WriteJson(const RowView& rows, const JsonOptions& options, Pieces* out);

}  // namespace creche::pg

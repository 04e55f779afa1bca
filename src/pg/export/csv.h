// Rows as CSV, as COPY writes it.
#pragma once
#include "pg/export/pieces.h"
#include "pg/rows/row_view.h"

namespace creche::pg {

struct CsvOptions {
  bool header = false;
  bool crlf = false;
  bool quote_all = false;  // what is not NULL
  char delimiter = ',';
};

// False if nobody wanted the rest. May throw bad_alloc.
bool WriteCsv(const RowView& rows, const CsvOptions& options, Pieces* out);

}  // namespace creche::pg

// A cell as text, the way PostgreSQL prints it with DateStyle ISO and time zone UTC.
#pragma once
#include <string>

#include "pg/rows/row_view.h"

namespace creche::pg {

// Empty for NULL. bytea, and every type that is not known here, as \x and hex. May throw bad_alloc.
std::string FormatCell(const RowView& rows, uint64_t row, uint32_t column);

}  // namespace creche::pg

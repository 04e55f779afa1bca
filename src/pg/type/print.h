// Values as PostgreSQL prints them with DateStyle ISO and time zone UTC: the functions of the table
// of types. False, and nothing appended, for what is no value of that type. May throw bad_alloc.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>

#include "pg/rows/row_view.h"

namespace creche::pg {

bool PrintBool(std::string* out, const RowView::Cell& cell);
bool PrintInteger(std::string* out, const RowView::Cell& cell);
bool PrintFloat4(std::string* out, const RowView::Cell& cell);
bool PrintFloat8(std::string* out, const RowView::Cell& cell);
bool PrintNumeric(std::string* out, const RowView::Cell& cell);
bool PrintUuid(std::string* out, const RowView::Cell& cell);
// print_time.cc
bool PrintDate(std::string* out, const RowView::Cell& cell);
bool PrintTimestamp(std::string* out, const RowView::Cell& cell);
bool PrintTimestamptz(std::string* out, const RowView::Cell& cell);
bool PrintTime(std::string* out, const RowView::Cell& cell);
bool PrintTimetz(std::string* out, const RowView::Cell& cell);
bool PrintInterval(std::string* out, const RowView::Cell& cell);

// With zeros in front up to `width` digits.
void AppendInteger(std::string* out, int64_t value, int width = 0);
void AppendHex(std::string* out, const char* bytes, size_t size);

}  // namespace creche::pg

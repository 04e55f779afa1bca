// Rows of values as one stream of bytes, between whoever makes them and the operation that takes
// them: it may be cut anywhere. Any thread.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "pg/sql/statement.h"

namespace creche::pg {

// Adds a row. May throw bad_alloc.
void AppendRow(const Value* values, size_t count, std::string* out);

enum class RowTake { kRow, kPart, kMalformed };
// Takes the first row off the front: its values refer to the bytes there. kPart: it has not come to
// its end yet, and nothing was taken. May throw bad_alloc.
RowTake TakeRow(std::string_view* rest, std::vector<Value>* values);

}  // namespace creche::pg

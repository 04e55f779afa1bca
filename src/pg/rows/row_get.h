// Checked reads of one cell: each says whether the cell holds what was asked for. What was asked
// for is stored only then. Any thread.
#pragma once
#include <cstddef>
#include <cstdint>

#include "pg/rows/row_view.h"

namespace creche::pg {

enum class Got : uint8_t {
  kOk,
  kOutside,  // there is no such row or column, or no block at all
  kNull,
  kType,   // the column has another type, or the block is damaged
  kRange,  // the type would do, this value does not fit
};

// Integers and oid; numeric that is a whole number. Between the two bounds.
Got GetInteger(const RowView& rows, uint64_t row, uint32_t column, int64_t least, int64_t greatest,
               int64_t* value) noexcept;
// The nearest double of any number; a finite numeric that is beyond all doubles is kRange.
Got GetReal(const RowView& rows, uint64_t row, uint32_t column, double* value) noexcept;
Got GetBool(const RowView& rows, uint64_t row, uint32_t column, int32_t* value) noexcept;
// Microseconds since 1970-01-01 UTC: timestamps, and dates by their midnight.
Got GetTimestamp(const RowView& rows, uint64_t row, uint32_t column, int64_t* value) noexcept;
Got GetText(const RowView& rows, uint64_t row, uint32_t column, const char** text,
            size_t* size) noexcept;
Got GetBytes(const RowView& rows, uint64_t row, uint32_t column, const void** bytes,
             size_t* size) noexcept;
// Whether there is a cell that can be formatted.
Got GetAny(const RowView& rows, uint64_t row, uint32_t column) noexcept;

}  // namespace creche::pg

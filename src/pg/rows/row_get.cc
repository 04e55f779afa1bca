#include "pg/rows/row_get.h"

#include <bit>
#include <cmath>

#include "pg/type/numeric.h"
#include "pg/type/type.h"

namespace creche::pg {

namespace {

constexpr int64_t kMicrosecondsPerDay = 86'400'000'000;

Got Look(const RowView& rows, uint64_t row, uint32_t column, RowView::Cell* cell) {
  if (row >= rows.rows() || column >= rows.columns()) return Got::kOutside;
  *cell = rows.At(row, column);
  if (!cell->null) return Got::kOk;
  // What points out of its block is no NULL.
  return rows.IsDamaged(row, column) ? Got::kType : Got::kNull;
}

// The value is in the cell, and of this kind.
bool Holds(const RowView::Cell& cell, Type::Kind kind) {
  return !cell.bytes && TypeOf(cell.type).kind == kind;
}

}  // namespace

Got GetInteger(const RowView& rows, uint64_t row, uint32_t column, int64_t least, int64_t greatest,
               int64_t* value) noexcept {
  RowView::Cell cell;
  if (const Got got = Look(rows, row, column, &cell); got != Got::kOk) return got;
  int64_t whole = 0;
  if (Holds(cell, Type::Kind::kInteger))
    whole = static_cast<int64_t>(cell.bits);
  else if (cell.type != kNumeric || !cell.bytes)
    return Got::kType;
  else if (!NumericToInteger(cell.bytes, cell.size, &whole))
    return Got::kRange;
  if (whole < least || whole > greatest) return Got::kRange;
  *value = whole;
  return Got::kOk;
}

Got GetReal(const RowView& rows, uint64_t row, uint32_t column, double* value) noexcept {
  RowView::Cell cell;
  if (const Got got = Look(rows, row, column, &cell); got != Got::kOk) return got;
  if (Holds(cell, Type::Kind::kInteger)) {
    *value = static_cast<double>(static_cast<int64_t>(cell.bits));
  } else if (Holds(cell, Type::Kind::kReal)) {
    *value = std::bit_cast<double>(cell.bits);
  } else if (cell.type == kNumeric && cell.bytes) {
    const double nearest = NumericToDouble(cell.bytes, cell.size);
    if (std::isinf(nearest) && !NumericIsInfinite(cell.bytes, cell.size)) return Got::kRange;
    *value = nearest;
  } else {
    return Got::kType;
  }
  return Got::kOk;
}

Got GetBool(const RowView& rows, uint64_t row, uint32_t column, int32_t* value) noexcept {
  RowView::Cell cell;
  if (const Got got = Look(rows, row, column, &cell); got != Got::kOk) return got;
  if (!Holds(cell, Type::Kind::kBool)) return Got::kType;
  *value = cell.bits != 0;
  return Got::kOk;
}

Got GetTimestamp(const RowView& rows, uint64_t row, uint32_t column, int64_t* value) noexcept {
  RowView::Cell cell;
  if (const Got got = Look(rows, row, column, &cell); got != Got::kOk) return got;
  if (!Holds(cell, Type::Kind::kMoment)) return Got::kType;
  int64_t at = static_cast<int64_t>(cell.bits);
  const bool infinite = at == INT64_MAX || at == INT64_MIN;
  if (cell.type == kDate && !infinite && __builtin_mul_overflow(at, kMicrosecondsPerDay, &at))
    return Got::kRange;
  // PostgreSQL's calendar ends 29 years after the last moment that has a number here.
  if (cell.later != 0) return Got::kRange;
  *value = at;
  return Got::kOk;
}

Got GetText(const RowView& rows, uint64_t row, uint32_t column, const char** text,
            size_t* size) noexcept {
  RowView::Cell cell;
  if (const Got got = Look(rows, row, column, &cell); got != Got::kOk) return got;
  *text = rows.Text(row, column, size);
  return *text ? Got::kOk : Got::kType;
}

Got GetBytes(const RowView& rows, uint64_t row, uint32_t column, const void** bytes,
             size_t* size) noexcept {
  RowView::Cell cell;
  if (const Got got = Look(rows, row, column, &cell); got != Got::kOk) return got;
  *bytes = rows.Bytes(row, column, size);
  return *bytes ? Got::kOk : Got::kType;
}

Got GetAny(const RowView& rows, uint64_t row, uint32_t column) noexcept {
  RowView::Cell cell;
  return Look(rows, row, column, &cell);
}

}  // namespace creche::pg

#include "pg/rows/row_view.h"

#include <bit>
#include <cstring>

#include "pg/type/numeric.h"
#include "pg/type/print.h"
#include "pg/type/type.h"
#include "pg/type/user_type.h"

namespace creche::pg {

namespace {

// True if `count` items of `size` bytes from `offset` on lie inside `total`.
bool Fits(uint64_t offset, uint64_t count, uint64_t size, uint64_t total) {
  uint64_t bytes;
  return !__builtin_mul_overflow(count, size, &bytes) && offset <= total && bytes <= total - offset;
}

}  // namespace

RowView::RowView(const void* block) noexcept : base_(static_cast<const char*>(block)) {
  if (!block) return;
  RowBlock h;
  std::memcpy(&h, block, sizeof h);
  uint64_t cells;
  if (h.magic != kRowBlockMagic || h.version != kRowBlockVersion || h.total_size < sizeof h ||
      h.row_count > INT64_MAX ||
      !Fits(h.columns_offset, h.column_count, sizeof(RowColumn), h.total_size) ||
      __builtin_mul_overflow(h.row_count, uint64_t{h.column_count}, &cells) ||
      !Fits(h.cells_offset, cells, sizeof(RowCell), h.total_size))
    return;
  header_ = h;
}

bool RowView::Column(uint32_t column, RowColumn* out) const noexcept {
  if (column >= header_.column_count) return false;
  std::memcpy(out, base_ + header_.columns_offset + uint64_t{column} * sizeof *out, sizeof *out);
  return true;
}

RowView::Cell RowView::At(uint64_t row, uint32_t column) const noexcept {
  RowColumn description;
  if (row >= header_.row_count || !Column(column, &description)) return {};
  RowCell cell;
  std::memcpy(
      &cell, base_ + header_.cells_offset + (row * header_.column_count + column) * sizeof(RowCell),
      sizeof cell);
  if (cell.size == kCellNull) return {.type = description.type};
  Cell at{description.type, cell.size, cell.bits, nullptr, false};
  const uint32_t fixed = TypeOf(description.type).size;
  if (fixed != 0 && cell.size == fixed) {
    at.later = cell.later;
    return at;
  }
  // size bytes and a NUL.
  if (!Fits(cell.bits, uint64_t{cell.size} + 1, 1, header_.total_size) ||
      base_[cell.bits + cell.size] != '\0')
    return {};
  at.bytes = base_ + cell.bits;
  at.text = description.text == 1;
  return at;
}

bool RowView::IsDamaged(uint64_t row, uint32_t column) const noexcept {
  if (row >= header_.row_count || column >= header_.column_count || !At(row, column).null)
    return false;
  RowCell cell;
  std::memcpy(
      &cell, base_ + header_.cells_offset + (row * header_.column_count + column) * sizeof(RowCell),
      sizeof cell);
  return cell.size != kCellNull;
}

const char* RowView::ColumnName(uint32_t column) const noexcept {
  RowColumn description;
  return Column(column, &description) ? TextAt(description.name_offset) : nullptr;
}

uint32_t RowView::ColumnType(uint32_t column) const noexcept {
  RowColumn description;
  return Column(column, &description) ? description.type : 0;
}

int32_t RowView::ColumnModifier(uint32_t column) const noexcept {
  RowColumn description;
  return Column(column, &description) ? description.type_modifier : -1;
}

bool RowView::ColumnIsText(uint32_t column) const noexcept {
  RowColumn description;
  return Column(column, &description) && description.text == 1;
}

int32_t RowView::ColumnIndex(const char* name) const noexcept {
  if (!name) return -1;
  for (uint32_t column = header_.column_count; column-- > 0;) {
    const char* its = ColumnName(column);
    if (its && std::strcmp(its, name) == 0) return static_cast<int32_t>(column);
  }
  return -1;
}

bool RowView::Bool(uint64_t row, uint32_t column) const noexcept {
  const Cell cell = At(row, column);
  return !cell.null && !cell.bytes && cell.type == kBool && cell.bits != 0;
}

int64_t RowView::Int8(uint64_t row, uint32_t column) const noexcept {
  const Cell cell = At(row, column);
  if (cell.null || cell.bytes) return 0;
  const Type::Kind kind = TypeOf(cell.type).kind;
  const bool fits = kind == Type::Kind::kInteger || kind == Type::Kind::kMoment;
  return fits ? static_cast<int64_t>(cell.bits) : 0;
}

int32_t RowView::Int4(uint64_t row, uint32_t column) const noexcept {
  const Cell cell = At(row, column);
  const bool fits = !cell.null && !cell.bytes && (cell.type == kInt2 || cell.type == kInt4);
  return fits ? static_cast<int32_t>(cell.bits) : 0;
}

double RowView::Float8(uint64_t row, uint32_t column) const noexcept {
  const Cell cell = At(row, column);
  if (cell.null) return 0;
  if (cell.type == kNumeric && cell.bytes) return NumericToDouble(cell.bytes, cell.size);
  if (cell.bytes) return 0;
  const Type::Kind kind = TypeOf(cell.type).kind;
  if (kind == Type::Kind::kReal) return std::bit_cast<double>(cell.bits);
  if (kind == Type::Kind::kInteger) return static_cast<double>(static_cast<int64_t>(cell.bits));
  return 0;
}

const char* RowView::Text(uint64_t row, uint32_t column, size_t* size) const noexcept {
  *size = 0;
  const Cell cell = At(row, column);
  if (cell.null || !cell.bytes) return nullptr;
  if (cell.text) {
    *size = cell.size;
    return cell.bytes;
  }
  const Type::Kind kind = TypeOf(cell.type).kind;
  if (kind == Type::Kind::kVersionedText) {
    if (cell.size == 0 || cell.bytes[0] != 1) return nullptr;
    *size = cell.size - 1;
    return cell.bytes + 1;
  }
  if (kind == Type::Kind::kPerhapsText) return TextOfUser(cell, size);
  if (kind != Type::Kind::kText) return nullptr;
  *size = cell.size;
  return cell.bytes;
}

const char* RowView::TextOfUser(const Cell& cell, size_t* size) const noexcept {
  UserType type;
  const bool known = Find(cell.type, &type);
  if (known && type.kind == UserKind::kVersionedText && cell.size > 0 && cell.bytes[0] == 1) {
    *size = cell.size - 1;
    return cell.bytes + 1;
  }
  const bool text = known ? type.kind == UserKind::kEnum || type.kind == UserKind::kText
                          : LooksLikeText(cell.bytes, cell.size);
  if (!text) return nullptr;
  *size = cell.size;
  return cell.bytes;
}

bool RowView::Find(uint32_t oid, UserType* type, const char** name) const noexcept {
  if (oid == 0 || !has_types()) return false;
  RowType said;
  for (uint64_t at = header_.types_offset; Fits(at, 1, sizeof said, header_.total_size);
       at += sizeof said) {
    std::memcpy(&said, base_ + at, sizeof said);
    if (said.oid == 0) return false;
    if (said.oid != oid) continue;
    *type = {.oid = oid,
             .of = said.of,
             .kind = static_cast<UserKind>(said.kind),
             .delimiter = said.delimiter};
    if (name) *name = TextAt(said.name_offset);
    return true;
  }
  return false;
}

const char* RowView::TextAt(uint64_t offset) const noexcept {
  if (offset >= header_.total_size) return nullptr;
  const char* text = base_ + offset;
  return std::memchr(text, '\0', header_.total_size - offset) ? text : nullptr;
}

const void* RowView::Bytes(uint64_t row, uint32_t column, size_t* size) const noexcept {
  *size = 0;
  const Cell cell = At(row, column);
  if (cell.null || !cell.bytes) return nullptr;
  *size = cell.size;
  return cell.bytes;
}

}  // namespace creche::pg

// RowView: reads a block of rows. The block may come from anywhere (a file, another process, an
// enemy): whatever it says is checked against its own total_size before it is followed, so a read
// never leaves that many bytes. Out of range, NULL and other types give zeros. Any thread.
#pragma once
#include <cstddef>
#include <cstdint>

#include "pg/rows/row_layout.h"

namespace creche::pg {

class UserTypes;
struct UserType;

class RowView {
 public:
  // block may be null.
  explicit RowView(const void* block) noexcept;

  // True if it is a block at all.
  bool good() const noexcept { return header_.total_size != 0; }
  uint64_t rows() const noexcept { return header_.row_count; }
  uint32_t columns() const noexcept { return header_.column_count; }

  // A cell that is in range and not NULL; where its bytes are if it is not held in `bits`.
  struct Cell {
    uint32_t type = 0;
    uint32_t size = 0;
    uint64_t bits = 0;
    const char* bytes = nullptr;  // null: the value is in bits
    bool null = true;
    uint32_t later = 0;               // of a timestamp: seconds to be added
    bool text = false;                // bytes are the text form, whatever the type is
    uint8_t depth = 0;                // it stands so deep in arrays, ranges and rows
    const UserTypes* user = nullptr;  // where to ask about types that are not built in
  };
  Cell At(uint64_t row, uint32_t column) const noexcept;

  // The last column of that name, or -1.
  int32_t ColumnIndex(const char* name) const noexcept;
  // Null out of range.
  const char* ColumnName(uint32_t column) const noexcept;
  uint32_t ColumnType(uint32_t column) const noexcept;
  int32_t ColumnModifier(uint32_t column) const noexcept;  // -1 out of range
  // True if its cells hold text, whatever its type is.
  bool ColumnIsText(uint32_t column) const noexcept;
  // What the block says of a type that is not built in; false: nothing. name (may be null): its
  // name.
  bool Find(uint32_t oid, UserType* type, const char** name = nullptr) const noexcept;
  bool has_types() const noexcept { return header_.types_offset > kTypesUnknown; }

  bool IsNull(uint64_t row, uint32_t column) const noexcept { return At(row, column).null; }
  // In range and not NULL, but its bytes are not in the block: it was forged or cut.
  bool IsDamaged(uint64_t row, uint32_t column) const noexcept;
  bool Bool(uint64_t row, uint32_t column) const noexcept;
  int64_t Int8(uint64_t row, uint32_t column) const noexcept;
  int32_t Int4(uint64_t row, uint32_t column) const noexcept;
  double Float8(uint64_t row, uint32_t column) const noexcept;
  // Null for NULL and what is not text. *size may not be null.
  const char* Text(uint64_t row, uint32_t column, size_t* size) const noexcept;
  const void* Bytes(uint64_t row, uint32_t column, size_t* size) const noexcept;

 private:
  const char* TextOfUser(const Cell& cell, size_t* size) const noexcept;
  // A text with its NUL; null if it does not end inside.
  const char* TextAt(uint64_t offset) const noexcept;
  // The column's description; false out of range.
  bool Column(uint32_t column, RowColumn* out) const noexcept;
  const char* base_ = nullptr;
  RowBlock header_{};  // all zero for what is no block
};

}  // namespace creche::pg

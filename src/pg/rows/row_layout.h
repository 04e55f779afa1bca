// The flat block that rows travel in: twins of the structs of creche/rows.h (capi asserts that they
// are). One contiguous, position-independent piece of memory:
//
//   RowBlock | RowColumn[columns] | names, tag, RowTypes | RowCell[rows * columns] | text and bytes
#pragma once
#include <cstdint>

namespace creche::pg {

struct RowBlock {
  uint32_t magic;
  uint32_t version;
  uint64_t total_size;
  uint64_t row_count;
  uint32_t column_count;
  uint32_t columns_offset;
  uint64_t cells_offset;
  int64_t affected;
  uint32_t tag_offset;
  uint32_t types_offset;
};

struct RowColumn {
  uint32_t name_offset;
  uint32_t type;
  int32_t type_modifier;
  uint32_t table;
  int32_t table_column;
  uint32_t text;
};

struct RowCell {
  uint64_t bits;
  uint32_t size;
  uint32_t later;
};

// A type that is not built in; the last one has the oid 0.
struct RowType {
  uint32_t oid;
  uint32_t of;
  uint8_t kind;  // UserKind
  char delimiter;
  uint16_t reserved;
  uint32_t name_offset;
};

// types_offset of a block that the user has not seen yet: what its values are has to be asked of
// the server.
inline constexpr uint32_t kTypesUnknown = 1;
// Nobody asks any more: what is not known stays so.
inline void SettleTypes(RowBlock* block) noexcept {
  if (block->types_offset == kTypesUnknown) block->types_offset = 0;
}

inline constexpr uint32_t kRowBlockMagic = 0x6b6c6263u;
inline constexpr uint32_t kRowBlockVersion = 1;
inline constexpr uint32_t kCellNull = UINT32_MAX;

static_assert(sizeof(RowBlock) == 56 && sizeof(RowColumn) == 24 && sizeof(RowCell) == 16 &&
              sizeof(RowType) == 16);

}  // namespace creche::pg

// creche/rows.h: row blocks. Accessors read memory only.
#include <creche/rows.h>
#include <creche/value.h>

#include <cstring>

#include "capi/open_close.h"
#include "core/handles.h"
#include "pg/export/text.h"
#include "pg/rows/row_layout.h"
#include "pg/rows/row_view.h"
#include "pg/rows/rows.h"
#include "pg/sql/statement.h"
#include "pg/type/type.h"
#include "pg/type/user_type.h"

using namespace creche;
using namespace creche::capi;
using pg::RowView;

// Twins.
static_assert(sizeof(creche_row_block) == sizeof(pg::RowBlock) &&
              offsetof(creche_row_block, cells_offset) == offsetof(pg::RowBlock, cells_offset) &&
              offsetof(creche_row_block, types_offset) == offsetof(pg::RowBlock, types_offset));
static_assert(sizeof(creche_row_column) == sizeof(pg::RowColumn) &&
              offsetof(creche_row_column, table_column) == offsetof(pg::RowColumn, table_column));
static_assert(sizeof(creche_row_cell) == sizeof(pg::RowCell) &&
              offsetof(creche_row_cell, size) == offsetof(pg::RowCell, size));
static_assert(sizeof(creche_row_type) == sizeof(pg::RowType) &&
              offsetof(creche_row_type, name_offset) == offsetof(pg::RowType, name_offset));
static_assert(static_cast<int>(CRECHE_ROW_TYPE_ENUM) == static_cast<int>(pg::UserKind::kEnum) &&
              static_cast<int>(CRECHE_ROW_TYPE_MULTIRANGE) ==
                  static_cast<int>(pg::UserKind::kMultirange) &&
              static_cast<int>(CRECHE_ROW_TYPE_VECTOR) == static_cast<int>(pg::UserKind::kVector));
static_assert(CRECHE_ROW_BLOCK_MAGIC == pg::kRowBlockMagic && CRECHE_CELL_NULL == pg::kCellNull);
static_assert(sizeof(creche_value) == sizeof(pg::Value) &&
              offsetof(creche_value, real) == offsetof(pg::Value, real) &&
              offsetof(creche_value, size) == offsetof(pg::Value, size));
static_assert(static_cast<int>(CRECHE_VALUE_NULL) == pg::Value::kNull &&
              static_cast<int>(CRECHE_VALUE_REAL) == pg::Value::kReal);
static_assert(static_cast<int>(CRECHE_PG_TIMESTAMPTZ) == pg::kTimestamptz &&
              static_cast<int>(CRECHE_PG_BYTEA) == pg::kBytea &&
              static_cast<int>(CRECHE_PG_FLOAT4) == pg::kFloat4);

extern "C" {

int32_t creche_row_is_null(const creche_row_block* rows, uint64_t row, uint32_t column) {
  return RowView(rows).IsNull(row, column);
}

int32_t creche_row_column_index(const creche_row_block* rows, const char* name) {
  return RowView(rows).ColumnIndex(name);
}

const char* creche_row_column_name(const creche_row_block* rows, uint32_t column) {
  return RowView(rows).ColumnName(column);
}

uint32_t creche_row_column_type(const creche_row_block* rows, uint32_t column) {
  return RowView(rows).ColumnType(column);
}

const char* creche_row_type_name(const creche_row_block* rows, uint32_t type) {
  if (type < pg::kFirstUserType) return pg::TypeOf(type).name;
  pg::UserType ignored;
  const char* name = nullptr;
  return RowView(rows).Find(type, &ignored, &name) ? name : nullptr;
}

int32_t creche_row_bool(const creche_row_block* rows, uint64_t row, uint32_t column) {
  return RowView(rows).Bool(row, column);
}

int64_t creche_row_int8(const creche_row_block* rows, uint64_t row, uint32_t column) {
  return RowView(rows).Int8(row, column);
}

int32_t creche_row_int4(const creche_row_block* rows, uint64_t row, uint32_t column) {
  return RowView(rows).Int4(row, column);
}

double creche_row_float8(const creche_row_block* rows, uint64_t row, uint32_t column) {
  return RowView(rows).Float8(row, column);
}

const char* creche_row_text(const creche_row_block* rows, uint64_t row, uint32_t column,
                            size_t* size) {
  size_t ignored;
  return RowView(rows).Text(row, column, size ? size : &ignored);
}

const void* creche_row_bytes(const creche_row_block* rows, uint64_t row, uint32_t column,
                             size_t* size) {
  size_t ignored;
  return RowView(rows).Bytes(row, column, size ? size : &ignored);
}

size_t creche_row_format(const creche_row_block* rows, uint64_t row, uint32_t column, char* buffer,
                         size_t capacity) {
  if (buffer && capacity > 0) *buffer = '\0';
  return GuardOr<size_t>(0, [&] {
    const std::string text = pg::FormatCell(RowView(rows), row, column);
    if (buffer && capacity > 0) {
      const size_t kept = text.size() < capacity ? text.size() : capacity - 1;
      memcpy(buffer, text.data(), kept);
      buffer[kept] = '\0';
    }
    return text.size();
  });
}

const creche_row_block* creche_rows_block(creche_rows rows) {
  return GuardOr<const creche_row_block*>(nullptr, [&] {
    creche_status failed = CRECHE_OK;
    const Ref<pg::Rows> found = Find<pg::Rows>(rows.id, &failed);
    return found && found->is_block() ? reinterpret_cast<const creche_row_block*>(found->block())
                                      : nullptr;
  });
}

void creche_rows_release(creche_rows rows) {
  ReleaseHandle<pg::Rows>(rows.id);
}

}  // extern "C"

// creche/rows.h: the checked getters of rows. A failure names the column, its type, and what to
// call.
#include <creche/rows.h>

#include <cstring>
#include <string>

#include "capi/guard.h"
#include "pg/export/text.h"
#include "pg/rows/row_get.h"
#include "pg/rows/row_view.h"
#include "pg/type/type.h"

using namespace creche;
using namespace creche::capi;
using pg::Got;
using pg::RowView;

namespace {

// Which getter reads every value of a type.
const char* GetterOf(uint32_t type, bool text) {
  if (type == pg::kBytea) return "creche_row_get_bytes";
  switch (pg::TypeOf(type).kind) {
    case pg::Type::Kind::kBool:
      return "creche_row_get_bool";
    case pg::Type::Kind::kInteger:
      return "creche_row_get_int8";
    case pg::Type::Kind::kReal:
      return "creche_row_get_float8";
    case pg::Type::Kind::kNumeric:
      return "creche_row_get_float8 (which rounds) or creche_row_get_format";
    case pg::Type::Kind::kMoment:
      return "creche_row_get_timestamptz";
    default:
      return text ? "creche_row_get_text" : "creche_row_get_format";
  }
}

// wanted: "an int4". wider: what to call for a value of the right type that does not fit.
creche_status Refuse(const RowView& rows, Got got, uint64_t row, uint32_t column,
                     const char* wanted, const char* wider) noexcept {
  if (got == Got::kOk) return CRECHE_OK;
  return Guard([&] {
    if (got == Got::kOutside)
      return Fail(Status::kInvalid,
                  "there is no cell in row %llu, column %u: the block has %llu rows of %u columns",
                  static_cast<unsigned long long>(row), column,
                  static_cast<unsigned long long>(rows.rows()), rows.columns());
    const char* known = rows.ColumnName(column);
    const std::string name = known ? std::string(known, strnlen(known, 63)) : std::string();
    const uint32_t type = rows.ColumnType(column);
    const std::string type_name = pg::TypeName(type);
    if (got == Got::kNull)
      return Fail(Status::kNull, "\"%s\" (%s) is NULL in row %llu: creche_row_is_null tells",
                  name.c_str(), type_name.c_str(), static_cast<unsigned long long>(row));
    if (rows.IsDamaged(row, column))
      return Fail(Status::kType, "\"%s\" (%s) points out of its block: the block is damaged",
                  name.c_str(), type_name.c_str());
    if (got == Got::kRange)
      return Fail(Status::kLimit, "a value of \"%s\" (%s) does not fit %s: call %s", name.c_str(),
                  type_name.c_str(), wanted, wider);
    size_t size;
    return Fail(Status::kType, "\"%s\" has type %s, which is not %s: call %s", name.c_str(),
                type_name.c_str(), wanted,
                GetterOf(type, rows.Text(row, column, &size) != nullptr));
  });
}

creche_status NoPlace() noexcept {
  return Fail(Status::kInvalid, "value is NULL: pass a place for it");
}

}  // namespace

extern "C" {

creche_status creche_row_get_bool(const creche_row_block* rows, uint64_t row, uint32_t column,
                                  int32_t* value) {
  if (!value) return NoPlace();
  *value = 0;
  const RowView view(rows);
  return Refuse(view, pg::GetBool(view, row, column, value), row, column, "a bool", "");
}

creche_status creche_row_get_int4(const creche_row_block* rows, uint64_t row, uint32_t column,
                                  int32_t* value) {
  if (!value) return NoPlace();
  const RowView view(rows);
  int64_t wide = 0;
  const Got got = pg::GetInteger(view, row, column, INT32_MIN, INT32_MAX, &wide);
  *value = static_cast<int32_t>(wide);
  return Refuse(view, got, row, column, "an int4",
                "creche_row_get_int8, or creche_row_get_float8 (which rounds)");
}

creche_status creche_row_get_int8(const creche_row_block* rows, uint64_t row, uint32_t column,
                                  int64_t* value) {
  if (!value) return NoPlace();
  *value = 0;
  const RowView view(rows);
  return Refuse(view, pg::GetInteger(view, row, column, INT64_MIN, INT64_MAX, value), row, column,
                "an int8", "creche_row_get_float8 (which rounds) or creche_row_get_format");
}

creche_status creche_row_get_float8(const creche_row_block* rows, uint64_t row, uint32_t column,
                                    double* value) {
  if (!value) return NoPlace();
  *value = 0;
  const RowView view(rows);
  return Refuse(view, pg::GetReal(view, row, column, value), row, column, "a float8",
                "creche_row_get_format");
}

creche_status creche_row_get_timestamptz(const creche_row_block* rows, uint64_t row,
                                         uint32_t column, int64_t* value) {
  if (!value) return NoPlace();
  *value = 0;
  const RowView view(rows);
  return Refuse(view, pg::GetTimestamp(view, row, column, value), row, column,
                "a timestamptz in microseconds", "creche_row_get_format");
}

creche_status creche_row_get_text(const creche_row_block* rows, uint64_t row, uint32_t column,
                                  const char** value, size_t* size) {
  size_t ignored;
  if (!size) size = &ignored;
  *size = 0;
  if (!value) return NoPlace();
  *value = nullptr;
  const RowView view(rows);
  return Refuse(view, pg::GetText(view, row, column, value, size), row, column, "text", "");
}

creche_status creche_row_get_bytes(const creche_row_block* rows, uint64_t row, uint32_t column,
                                   const void** value, size_t* size) {
  size_t ignored;
  if (!size) size = &ignored;
  *size = 0;
  if (!value) return NoPlace();
  *value = nullptr;
  const RowView view(rows);
  return Refuse(view, pg::GetBytes(view, row, column, value, size), row, column, "bytes", "");
}

creche_status creche_row_get_format(const creche_row_block* rows, uint64_t row, uint32_t column,
                                    char* buffer, size_t capacity, size_t* size) {
  size_t ignored;
  if (!size) size = &ignored;
  *size = 0;
  if (!buffer || capacity == 0)
    return Fail(Status::kInvalid, "buffer is NULL or has no room for a NUL: pass one");
  *buffer = '\0';
  const RowView view(rows);
  if (const Got got = pg::GetAny(view, row, column); got != Got::kOk)
    return Refuse(view, got, row, column, "text", "");
  return Guard([&] {
    const std::string text = pg::FormatCell(view, row, column);
    *size = text.size();
    const size_t kept = text.size() < capacity ? text.size() : capacity - 1;
    memcpy(buffer, text.data(), kept);
    buffer[kept] = '\0';
    if (kept == text.size()) return creche_status{CRECHE_OK};
    return Fail(Status::kLimit, "the text needs %zu bytes and a NUL: pass a larger buffer",
                text.size());
  });
}

}  // extern "C"

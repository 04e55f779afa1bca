// creche/export.h: rows as JSON, as CSV, and through the Arrow C Data Interface.
#include <creche/copy.h>
#include <creche/export.h>

#include <cstddef>
#include <cstring>

#include "capi/guard.h"
#include "pg/export/arrow.h"
#include "pg/export/copy_text.h"
#include "pg/export/csv.h"
#include "pg/export/json.h"
#include "pg/sql/row_pieces.h"
#include "platform/user_code.h"

using namespace creche;
using namespace creche::capi;

// Twins.
static_assert(sizeof(ArrowSchema) == sizeof(pg::ArrowSchema) &&
              offsetof(ArrowSchema, private_data) == offsetof(pg::ArrowSchema, private_data) &&
              offsetof(ArrowSchema, children) == offsetof(pg::ArrowSchema, children));
static_assert(sizeof(ArrowArray) == sizeof(pg::ArrowArray) &&
              offsetof(ArrowArray, private_data) == offsetof(pg::ArrowArray, private_data) &&
              offsetof(ArrowArray, buffers) == offsetof(pg::ArrowArray, buffers));
static_assert(ARROW_FLAG_NULLABLE == pg::ArrowSchema::kNullable);

namespace {

struct Taker {
  creche_text_fn write;
  void* user;
};

bool Give(void* taker, const char* text, size_t size) {
  const Taker& to = *static_cast<Taker*>(taker);
  return platform::CallUser(to.write, text, size, to.user) == 0;
}

// Makes the text with make(rows, pieces), unless something is wrong.
template <class Make>
creche_status Write(const creche_row_block* block, uint32_t flags, uint32_t known,
                    creche_text_fn write, void* user, Make make) {
  return Guard([&]() -> creche_status {
    if (flags & ~known) return Fail(Status::kInvalid, "unknown flags: 0x%x", flags & ~known);
    if (!write) return Fail(Status::kInvalid, "write is NULL");
    const pg::RowView rows(block);
    if (!rows.good()) return Fail(Status::kInvalid, "rows is no block of rows");
    Taker taker{write, user};
    pg::Pieces pieces(Give, &taker);
    if (make(rows, &pieces)) return CRECHE_OK;
    return Fail(Status::kCancelled, "write wanted no more");
  });
}

}  // namespace

extern "C" {

creche_status creche_rows_to_json(const creche_row_block* rows, uint32_t flags,
                                  creche_text_fn write, void* user) {
  constexpr uint32_t kKnown =
      CRECHE_JSON_LINES | CRECHE_JSON_ARRAYS | CRECHE_JSON_EXACT | CRECHE_JSON_FINITE;
  const pg::JsonOptions options{.lines = (flags & CRECHE_JSON_LINES) != 0,
                                .arrays = (flags & CRECHE_JSON_ARRAYS) != 0,
                                .exact_text = (flags & CRECHE_JSON_EXACT) != 0,
                                .finite_only = (flags & CRECHE_JSON_FINITE) != 0};
  return Write(rows, flags, kKnown, write, user,
               [&](const auto& view, pg::Pieces* out) { return WriteJson(view, options, out); });
}

creche_status creche_rows_to_csv(const creche_row_block* rows, uint32_t flags, char delimiter,
                                 creche_text_fn write, void* user) {
  constexpr uint32_t kKnown = CRECHE_CSV_HEADER | CRECHE_CSV_CRLF | CRECHE_CSV_QUOTE;
  const pg::CsvOptions options{.header = (flags & CRECHE_CSV_HEADER) != 0,
                               .crlf = (flags & CRECHE_CSV_CRLF) != 0,
                               .quote_all = (flags & CRECHE_CSV_QUOTE) != 0,
                               .delimiter = delimiter == '\0' ? ',' : delimiter};
  if (delimiter == '"' || delimiter == '\n' || delimiter == '\r')
    return Guard([]() -> creche_status {
      return Fail(Status::kInvalid, "a quote, CR or LF cannot be the delimiter");
    });
  return Write(rows, flags, kKnown, write, user,
               [&](const auto& view, pg::Pieces* out) { return WriteCsv(view, options, out); });
}

creche_status creche_values_to_copy(const creche_value* values, size_t columns, size_t rows,
                                    creche_text_fn write, void* user) {
  return Guard([&]() -> creche_status {
    if (!write) return Fail(Status::kInvalid, "write is NULL");
    if (columns == 0) return Fail(Status::kInvalid, "columns is 0: a row has one at least");
    if (!values && rows > 0) return Fail(Status::kInvalid, "values is NULL and rows is not 0");
    Taker taker{write, user};
    pg::Pieces pieces(Give, &taker);
    const ErrorRef error =
        WriteCopyText(reinterpret_cast<const pg::Value*>(values), columns, rows, &pieces);
    return error ? Fail(error->status(), "%s", error->message()) : CRECHE_OK;
  });
}

creche_status creche_values_to_rows(const creche_value* values, size_t columns, size_t rows,
                                    creche_text_fn write, void* user) {
  return Guard([&]() -> creche_status {
    if (!write) return Fail(Status::kInvalid, "write is NULL");
    if (!values && rows > 0 && columns > 0)
      return Fail(Status::kInvalid, "values is NULL and rows is not 0");
    Taker taker{write, user};
    pg::Pieces pieces(Give, &taker);
    const auto* all = reinterpret_cast<const pg::Value*>(values);
    bool wanted = true;
    for (size_t row = 0; row < rows && wanted; row++) {
      AppendRow(all + row * columns, columns, &pieces.text());
      wanted = pieces.Go();
    }
    if (wanted && pieces.Flush()) return CRECHE_OK;
    return Fail(Status::kCancelled, "write wanted no more");
  });
}

creche_status creche_rows_to_arrow(const creche_row_block* rows, uint32_t flags,
                                   struct ArrowSchema* schema, struct ArrowArray* array) {
  if (schema) *schema = {};
  if (array) *array = {};
  return Guard([&]() -> creche_status {
    constexpr uint32_t kKnown = CRECHE_ARROW_STRICT | CRECHE_ARROW_NUMERIC_TEXT | 0xffff00;
    const pg::ArrowOptions options{.strict = (flags & CRECHE_ARROW_STRICT) != 0,
                                   .numeric_text = (flags & CRECHE_ARROW_NUMERIC_TEXT) != 0,
                                   .precision = static_cast<uint8_t>(flags >> 8),
                                   .scale = static_cast<uint8_t>(flags >> 16)};
    if (flags & ~kKnown) return Fail(Status::kInvalid, "unknown flags: 0x%x", flags & ~kKnown);
    if (options.precision > 38 || options.scale > options.precision)
      return Fail(Status::kInvalid, "no decimal128: a precision of 1 to 38, a scale up to it");
    if (!schema || !array) return Fail(Status::kInvalid, "schema or array is NULL");
    const pg::RowView view(rows);
    if (!view.good()) return Fail(Status::kInvalid, "rows is no block of rows");
    const pg::ArrowRefusal refused =
        MakeArrow(view, options, reinterpret_cast<pg::ArrowSchema*>(schema),
                  reinterpret_cast<pg::ArrowArray*>(array));
    if (!refused.why) return CRECHE_OK;
    const char* name = view.ColumnName(refused.column);
    return Fail(Status::kLimit, "\"%.63s\" in row %llu: %s", name ? name : "",
                static_cast<unsigned long long>(refused.row), refused.why);
  });
}

}  // extern "C"

#include "pg/export/csv.h"

#include <string_view>

#include "pg/export/text.h"

namespace creche::pg {

namespace {

// An empty text stands in quotes, so that it is no NULL.
void AppendField(std::string* out, std::string_view text, bool alone, const CsvOptions& options) {
  bool quoted = options.quote_all || text.empty() || (alone && text == "\\.");
  for (const char c : text)
    quoted = quoted || c == '"' || c == '\n' || c == '\r' || c == options.delimiter;
  if (!quoted) {
    out->append(text);
    return;
  }
  *out += '"';
  for (const char c : text) {
    if (c == '"') *out += '"';
    *out += c;
  }
  *out += '"';
}

}  // namespace

bool WriteCsv(const RowView& rows, const CsvOptions& options, Pieces* out) {
  const char* const end = options.crlf ? "\r\n" : "\n";
  const uint32_t columns = rows.columns();
  std::string& text = out->text();
  for (uint32_t c = 0; options.header && c < columns; c++) {
    if (c > 0) text += options.delimiter;
    const char* name = rows.ColumnName(c);
    AppendField(&text, name ? name : "", columns == 1, options);
  }
  if (options.header) text += end;
  for (uint64_t row = 0; row < rows.rows(); row++) {
    for (uint32_t c = 0; c < columns; c++) {
      if (c > 0) text += options.delimiter;
      if (!rows.IsNull(row, c)) AppendField(&text, FormatCell(rows, row, c), columns == 1, options);
      if (!out->Go()) return false;
    }
    text += end;
    if (!out->Go()) return false;
  }
  return out->Flush();
}

}  // namespace creche::pg

#include "pg/export/text.h"

#include "pg/type/print.h"
#include "pg/type/type.h"

namespace creche::pg {

std::string FormatCell(const RowView& rows, uint64_t row, uint32_t column) {
  std::string out;
  const RowView::Cell cell = rows.At(row, column);
  if (cell.null) return out;
  size_t size;
  if (const char* text = rows.Text(row, column, &size)) return std::string(text, size);
  // What stands outside of its cell is no value of a type whose cells hold them.
  const Type& type = TypeOf(cell.type);
  const bool printable = !cell.bytes || type.size == 0;
  if (printable && type.print && type.print(&out, cell)) return out;
  if (!cell.bytes) return out;
  out = "\\x";
  AppendHex(&out, cell.bytes, cell.size);
  return out;
}

}  // namespace creche::pg

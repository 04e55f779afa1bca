#include "pg/export/text.h"

#include "pg/export/block_types.h"
#include "pg/type/print.h"
#include "pg/type/type.h"

namespace creche::pg {

std::string FormatCell(const RowView& rows, uint64_t row, uint32_t column) {
  std::string out;
  const RowView::Cell cell = rows.At(row, column);
  if (cell.null) return out;
  // What stands outside of its cell is no value of a type whose cells hold them.
  const Type& type = TypeOf(cell.type);
  if (!cell.bytes) {
    if (type.print) (void)type.print(&out, cell);
    return out;
  }
  const std::string_view bytes(cell.bytes, cell.size);
  if (cell.text) return out.append(bytes);
  const BlockTypes types(rows);
  if (type.size == 0 && PrintValue(&out, cell.type, bytes, 0, &types)) return out;
  out.clear();
  out = "\\x";
  AppendHex(&out, cell.bytes, cell.size);
  return out;
}

}  // namespace creche::pg

#include "pg/rows/row_shapes.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "pg/protocol/bytes.h"
#include "pg/rows/row_view.h"
#include "pg/type/array_form.h"
#include "pg/type/print.h"
#include "pg/type/type.h"

namespace creche::pg {

namespace {

constexpr uint64_t kMostRows = 1024;
constexpr int kMostDepth = 16;

class Checker {
 public:
  explicit Checker(const Catalog& catalog) : catalog_(catalog) {}
  // False: it has another shape. What makes no sense is as it is.
  bool Fits(uint32_t oid, std::string_view bytes, int depth = 0) {
    const CatalogType* type = oid < kFirstUserType ? nullptr : catalog_.Find(oid);
    if (!type || depth == kMostDepth) return true;
    switch (type->kind) {
      case UserKind::kDomain:
        return Fits(type->of, bytes, depth + 1);
      case UserKind::kArray:
        return FitsArray(bytes, depth);
      case UserKind::kComposite:
        return FitsRow(*type, bytes, depth);
      default:
        return true;
    }
  }

 private:
  // Its first elements say what all are.
  bool FitsArray(std::string_view bytes, int depth) {
    ArrayForm array;
    if (!array.Read(bytes)) return true;
    std::string_view value;
    bool null = true;
    for (uint64_t i = 0; i < array.count && null; i++)
      if (!TakeValue(&array.elements, &value, &null)) return true;
    return null || Fits(array.element, value, depth + 1);
  }
  bool FitsRow(const CatalogType& type, std::string_view rest, int depth) {
    if (rest.size() < 4) return true;
    const uint32_t fields = Load32(rest.data());
    rest.remove_prefix(4);
    if (fields != type.fields.size()) return false;
    for (const uint32_t field : type.fields) {
      std::string_view value;
      bool null;
      if (rest.size() < 8) return true;
      const uint32_t oid = Load32(rest.data());
      rest.remove_prefix(4);
      if (oid != field) return false;
      if (!TakeValue(&rest, &value, &null)) return true;
      if (!null && oid >= kFirstUserType && !Fits(oid, value, depth + 1)) return false;
    }
    return true;
  }

  const Catalog& catalog_;
};

// Of the types that it describes one is a row.
bool HasRows(const RowBlock& block) {
  if (block.types_offset <= kTypesUnknown) return false;
  const char* at = reinterpret_cast<const char*>(&block) + block.types_offset;
  for (const auto* type = reinterpret_cast<const RowType*>(at); type->oid != 0; type++)
    if (static_cast<UserKind>(type->kind) == UserKind::kComposite) return true;
  return false;
}

}  // namespace

bool HasOtherShapes(const RowBlock& block, const Catalog& catalog) {
  if (!HasRows(block)) return false;
  const RowView rows(&block);
  Checker checker(catalog);
  const uint64_t count = std::min(rows.rows(), kMostRows);
  for (uint32_t c = 0; c < rows.columns(); c++) {
    if (rows.ColumnType(c) < kFirstUserType || rows.ColumnIsText(c)) continue;
    for (uint64_t row = 0; row < count; row++) {
      const RowView::Cell cell = rows.At(row, c);
      if (!cell.null && cell.bytes && !checker.Fits(cell.type, {cell.bytes, cell.size}))
        return true;
    }
  }
  return false;
}

}  // namespace creche::pg

#include "pg/rows/row_rewrite.h"

#include <cstring>

#include "pg/type/type.h"

namespace creche::pg {

namespace {

constexpr uint64_t Aligned(uint64_t size) {
  return (size + 7) & ~uint64_t{7};
}

class Writer {
 public:
  Writer(const RowBlock& from, const std::string& types)
      : from_(from),
        old_(reinterpret_cast<const char*>(&from)),
        old_text_(from.cells_offset + CellBytes()),
        cells_(Aligned(from.cells_offset + types.size())),
        text_(cells_ + CellBytes()),
        added_(text_ + (from.total_size - old_text_)) {}

  // The cells of a column say this from now on.
  void Replace(const std::vector<std::string>& texts) {
    for (const std::string& text : texts) added_size_ += text.size() + 1;
  }
  Ref<Rows> Make(const std::string& types, const std::vector<std::vector<std::string>>& texts) {
    const uint64_t total = added_ + added_size_;
    Ref<Rows> made = Rows::Make(total);
    new_ = made->memory();
    std::memcpy(new_, old_, from_.cells_offset);
    std::memcpy(new_ + from_.cells_offset, types.data(), types.size());
    const uint64_t behind = from_.cells_offset + types.size();
    std::memset(new_ + behind, 0, cells_ - behind);
    std::memcpy(new_ + cells_, old_ + from_.cells_offset, CellBytes());
    std::memcpy(new_ + text_, old_ + old_text_, from_.total_size - old_text_);
    RowBlock* block = made->block();
    block->total_size = total;
    block->cells_offset = cells_;
    block->types_offset = types.empty() ? 0 : static_cast<uint32_t>(from_.cells_offset);
    auto* columns = reinterpret_cast<RowColumn*>(new_ + from_.columns_offset);
    for (uint32_t c = 0; c < from_.column_count; c++) {
      if (texts[c].empty())
        Move(c, TypeOf(columns[c].type).size);
      else
        Write(c, texts[c]);
    }
    std::memset(new_ + added_, 0, total - added_);  // NULLs have no text
    return made;
  }

 private:
  uint64_t CellBytes() const { return from_.row_count * from_.column_count * sizeof(RowCell); }
  RowCell* CellAt(uint64_t row, uint32_t column) {
    return reinterpret_cast<RowCell*>(new_ + cells_) + row * from_.column_count + column;
  }
  // What stands behind the cells has moved.
  void Move(uint32_t column, uint32_t fixed) {
    for (uint64_t row = 0; row < from_.row_count; row++) {
      RowCell* cell = CellAt(row, column);
      const bool inside = cell->size == kCellNull || (fixed != 0 && cell->size == fixed);
      if (!inside) cell->bits += text_ - old_text_;
    }
  }
  void Write(uint32_t column, const std::vector<std::string>& texts) {
    for (uint64_t row = 0; row < from_.row_count; row++) {
      RowCell* cell = CellAt(row, column);
      if (cell->size == kCellNull) continue;
      const std::string& text = texts[row];
      std::memcpy(new_ + added_, text.c_str(), text.size() + 1);
      *cell = {added_, static_cast<uint32_t>(text.size()), 0};
      added_ += text.size() + 1;
    }
  }

  const RowBlock& from_;
  const char* const old_;
  const uint64_t old_text_;
  const uint64_t cells_;
  const uint64_t text_;
  uint64_t added_;
  uint64_t added_size_ = 0;
  char* new_ = nullptr;
};

}  // namespace

Ref<Rows> Rewrite(const RowBlock& from, const std::vector<std::vector<std::string>>& texts,
                  const Catalog& catalog, const std::vector<uint32_t>& types) {
  std::string described;
  if (!types.empty()) catalog.Describe(types, from.cells_offset, &described);
  Writer writer(from, described);
  for (const auto& column : texts) writer.Replace(column);
  return writer.Make(described, texts);
}

}  // namespace creche::pg

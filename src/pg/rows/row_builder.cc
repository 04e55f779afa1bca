#include "pg/rows/row_builder.h"

#include <cstring>

#include "pg/protocol/bytes.h"
#include "pg/type/decode.h"
#include "pg/type/type.h"

namespace creche::pg {

namespace {

// Of a cell that has been collected: its bits are an offset into the text.
constexpr uint32_t kInText = UINT32_MAX;

// What is kept for the next result.
constexpr size_t kKeep = 32 * 1024;

// Where the parts of a block begin. Names and tag come before the cells, so that their 32-bit
// offsets reach however big the rest is.
struct Plan {
  uint64_t tag;
  uint64_t tag_size;  // with its NUL; 0 for none
  uint64_t cells;
  uint64_t text;

  Plan(const RowDescription& columns, uint64_t rows, size_t tag_length) {
    tag = sizeof(RowBlock) + columns.head_size();
    tag_size = tag_length > 0 ? tag_length + 1 : 0;
    cells = (tag + tag_size + 7) & ~uint64_t{7};
    text = cells + rows * columns.count() * sizeof(RowCell);
  }
};

}  // namespace

void RowCollector::Begin(Ref<const RowDescription> columns) noexcept {
  Empty();
  columns_ = std::move(columns);
}

void RowCollector::Empty() noexcept {
  rows_ = 0;
  cells_.Clear();
  text_.Clear();
}

void RowCollector::Clear() noexcept {
  Empty();
  columns_ = nullptr;
  if (cells_.capacity() > kKeep) cells_.Release();
  if (text_.capacity() > kKeep) text_.Release();
}

RowCollector::Added RowCollector::Append(const char* body, size_t size) noexcept {
  const size_t count = columns_->count();
  if (size < 2 || Load16(body) != count) return Added::kMalformed;
  RowCell* cell = nullptr;
  if (count > 0 && !(cell = reinterpret_cast<RowCell*>(cells_.Reserve(count * sizeof(RowCell)))))
    return Added::kNoMemory;
  // Each value has four bytes in front, which is room for the NUL behind it.
  char* const text = text_.Reserve(size);
  if (!text) return Added::kNoMemory;
  const size_t before = text_.size();
  char* out = text;
  const char* at = body + 2;
  const char* const end = body + size;
  for (size_t c = 0; c < count; c++, cell++) {
    if (end - at < 4) return Added::kMalformed;
    const uint32_t length = Load32(at);
    at += 4;
    if (length == UINT32_MAX) {  // -1
      *cell = {0, kCellNull, 0};
      continue;
    }
    if (length > static_cast<size_t>(end - at)) return Added::kMalformed;
    if (length == columns_->fixed(c) && length != 0) {
      const Type& type = columns_->type(c);
      *cell = {type.decode(at), length, 0};
      if (cell->bits == uint64_t{kLate} && type.kind == Type::Kind::kMoment) [[unlikely]]
        *cell = LateTimestamp(at);
    } else {
      *cell = {before + static_cast<size_t>(out - text), length, kInText};
      std::memcpy(out, at, length);
      out[length] = '\0';
      out += length + 1;
    }
    at += length;
  }
  if (at != end) return Added::kMalformed;
  cells_.Commit(count * sizeof(RowCell));
  text_.Commit(static_cast<size_t>(out - text));
  rows_++;
  return Added::kOk;
}

Ref<Rows> RowCollector::Take(std::string_view tag, int64_t affected) {
  const Plan plan(*columns_, rows_, tag.size());
  const uint64_t total = plan.text + text_.size();
  Ref<Rows> built = Rows::Make(total);
  char* base = built->memory();
  *reinterpret_cast<RowBlock*>(base) = {
      .magic = kRowBlockMagic,
      .version = kRowBlockVersion,
      .total_size = total,
      .row_count = rows_,
      .column_count = static_cast<uint32_t>(columns_->count()),
      .columns_offset = sizeof(RowBlock),
      .cells_offset = plan.cells,
      .affected = affected,
      .tag_offset = plan.tag_size != 0 ? static_cast<uint32_t>(plan.tag) : 0,
      .types_offset = columns_->types_offset()};
  if (columns_->head_size() > 0)
    std::memcpy(base + sizeof(RowBlock), columns_->head(), columns_->head_size());
  // What is behind the tag is zero: its NUL, and up to the cells, so that blocks may be compared
  // and hashed as bytes.
  char* const behind_names = base + plan.tag;
  if (!tag.empty()) std::memcpy(behind_names, tag.data(), tag.size());
  std::memset(behind_names + tag.size(), 0, plan.cells - plan.tag - tag.size());
  auto* cell = reinterpret_cast<RowCell*>(base + plan.cells);
  const auto* collected = reinterpret_cast<const RowCell*>(cells_.data());
  for (size_t n = cells_.size() / sizeof(RowCell); n > 0; n--, collected++)
    *cell++ = collected->later == kInText ? RowCell{collected->bits + plan.text, collected->size, 0}
                                          : *collected;
  if (!text_.empty()) std::memcpy(base + plan.text, text_.data(), text_.size());
  Empty();
  return built;
}

}  // namespace creche::pg

#include "pg/row_builder.h"

#include <libpq-fe.h>

#include <charconv>
#include <cstring>

#include "pg/cell.h"
#include "pg/types.h"

namespace creche::pg {

namespace {

// Where the parts of a block begin. Names and tag come before the cells, so that their 32-bit
// offsets reach however big the rest is.
struct Plan {
  uint64_t names;
  uint64_t tag;
  uint64_t tag_size;  // with its NUL; 0 for none
  uint64_t cells;
  uint64_t text;

  Plan(const ColumnPlan& columns, uint64_t rows, const char* command_tag) {
    const auto count = static_cast<uint64_t>(columns.count());
    names = sizeof(RowBlock) + sizeof(RowColumn) * count;
    tag = names + columns.names_size();
    tag_size = *command_tag ? std::strlen(command_tag) + 1 : 0;
    cells = (tag + tag_size + 7) & ~uint64_t{7};
    text = cells + rows * count * sizeof(RowCell);
  }
};

void WriteHead(char* base, const Plan& plan, const ColumnPlan& columns, const PGresult* result,
               uint64_t rows, uint64_t total, const char* command_tag, int64_t affected) {
  *reinterpret_cast<RowBlock*>(base) = {
      .magic = kRowBlockMagic,
      .version = kRowBlockVersion,
      .total_size = total,
      .row_count = rows,
      .column_count = static_cast<uint32_t>(columns.count()),
      .columns_offset = sizeof(RowBlock),
      .cells_offset = plan.cells,
      .affected = affected,
      .tag_offset = plan.tag_size != 0 ? static_cast<uint32_t>(plan.tag) : 0,
      .reserved = 0};
  auto* column = reinterpret_cast<RowColumn*>(base + sizeof(RowBlock));
  char* name = base + plan.names;
  for (int c = 0; c < columns.count(); c++) {
    column[c] = {.name_offset = static_cast<uint32_t>(name - base),
                 .type = columns.type(c),
                 .type_modifier = PQfmod(result, c),
                 .table = static_cast<uint32_t>(PQftable(result, c)),
                 .table_column = PQftablecol(result, c),
                 .reserved = 0};
    std::memcpy(name, PQfname(result, c), columns.name_size(c));
    name += columns.name_size(c);
  }
  std::memcpy(name, command_tag, plan.tag_size);
  // What is between here and the cells is zero: blocks may be compared and hashed as bytes.
  name += plan.tag_size;
  std::memset(name, 0, static_cast<size_t>(base + plan.cells - name));
}

}  // namespace

ColumnPlan::ColumnPlan(const PGresult* result) : count_(PQnfields(result)), columns_(few_) {
  if (count_ > kInline) {
    many_.resize(static_cast<size_t>(count_));
    columns_ = many_.data();
  }
  for (int c = 0; c < count_; c++) {
    auto type = static_cast<uint32_t>(PQftype(result, c));
    // What came as text is stored as text.
    if (PQfformat(result, c) == 0 && FixedSize(type) != 0) type = kText;
    const auto name_size = static_cast<uint32_t>(std::strlen(PQfname(result, c)) + 1);
    columns_[c] = {type, FixedSize(type), name_size};
    names_size_ += name_size;
  }
}

int64_t AffectedOf(const PGresult* result) noexcept {
  // Const in all but its type: it reads the tag.
  const char* text = PQcmdTuples(const_cast<PGresult*>(result));
  int64_t affected = -1;
  std::from_chars(text, text + std::strlen(text), affected);
  return affected;
}

ResultBlock::ResultBlock(const PGresult* result) : result_(result), columns_(result) {
  const int rows = PQntuples(result);
  size_ =
      Plan(columns_, static_cast<uint64_t>(rows), PQcmdStatus(const_cast<PGresult*>(result))).text;
  for (int c = 0; c < columns_.count(); c++) {
    const uint32_t fixed = columns_.fixed(c);
    for (int r = 0; r < rows; r++) {
      // NULL has length 0.
      const auto size = static_cast<uint32_t>(PQgetlength(result, r, c));
      if ((size == fixed && fixed != 0) || (size == 0 && PQgetisnull(result, r, c))) continue;
      size_ += uint64_t{size} + 1;
    }
  }
}

Ref<Rows> ResultBlock::Build(int64_t affected) const {
  const auto rows = static_cast<uint64_t>(PQntuples(result_));
  const char* tag = PQcmdStatus(const_cast<PGresult*>(result_));
  const Plan plan(columns_, rows, tag);
  Ref<Rows> built = Rows::Make(size_);
  char* base = built->memory();
  WriteHead(base, plan, columns_, result_, rows, size_, tag, affected);
  auto* cell = reinterpret_cast<RowCell*>(base + plan.cells);
  uint64_t text = plan.text;
  for (int r = 0; r < static_cast<int>(rows); r++) {
    for (int c = 0; c < columns_.count(); c++, cell++) {
      const auto size = static_cast<uint32_t>(PQgetlength(result_, r, c));
      if (size == 0 && PQgetisnull(result_, r, c)) {
        *cell = {0, kCellNull, 0};
      } else if (size == columns_.fixed(c) && size != 0) {
        *cell = {DecodeFixed(columns_.type(c), PQgetvalue(result_, r, c)), size, 0};
      } else {
        *cell = {text, size, 0};
        // libpq's values are followed by a NUL, too.
        std::memcpy(base + text, PQgetvalue(result_, r, c), size_t{size} + 1);
        text += uint64_t{size} + 1;
      }
    }
  }
  return built;
}

void RowCollector::Append(const PGresult* result) {
  const int rows = PQntuples(result);
  const int columns = PQnfields(result);
  // All rows of a stream have the same columns.
  if (!columns_) columns_ = std::make_unique<ColumnPlan>(result);
  const size_t cells_before = cells_.size();
  const size_t text_before = text_.size();
  try {
    for (int r = 0; r < rows; r++) {
      for (int c = 0; c < columns; c++) {
        const auto size = static_cast<uint32_t>(PQgetlength(result, r, c));
        if (size == 0 && PQgetisnull(result, r, c)) {
          cells_.push_back({0, kCellNull, 0});
        } else if (size == columns_->fixed(c) && size != 0) {
          cells_.push_back({DecodeFixed(columns_->type(c), PQgetvalue(result, r, c)), size, 0});
        } else {
          const char* value = PQgetvalue(result, r, c);
          cells_.push_back({text_.size(), size, 1});
          text_.insert(text_.end(), value, value + size + 1);
        }
      }
    }
  } catch (const std::bad_alloc&) {
    cells_.resize(cells_before);
    text_.resize(text_before);
    throw;
  }
  rows_ += static_cast<uint64_t>(rows);
}

Ref<Rows> RowCollector::Take(const PGresult* described) {
  if (!columns_) columns_ = std::make_unique<ColumnPlan>(described);
  const Plan plan(*columns_, rows_, "");
  const uint64_t total = plan.text + text_.size();
  Ref<Rows> built = Rows::Make(total);
  char* base = built->memory();
  WriteHead(base, plan, *columns_, described, rows_, total, "", -1);
  auto* cell = reinterpret_cast<RowCell*>(base + plan.cells);
  // While collecting, `reserved` marks the cells whose bits are offsets; in the block it is zero.
  for (const RowCell& collected : cells_)
    *cell++ = {collected.bits + (collected.reserved ? plan.text : 0), collected.size, 0};
  if (!text_.empty()) std::memcpy(base + plan.text, text_.data(), text_.size());
  rows_ = 0;
  cells_.clear();
  text_.clear();
  return built;
}

}  // namespace creche::pg

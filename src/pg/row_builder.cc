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
  uint64_t cells;
  uint64_t text;

  Plan(const PGresult* result, uint64_t rows, const char* command_tag) {
    const int columns = PQnfields(result);
    names = sizeof(RowBlock) + sizeof(RowColumn) * static_cast<uint64_t>(columns);
    tag = names;
    for (int c = 0; c < columns; c++) tag += std::strlen(PQfname(result, c)) + 1;
    cells = tag + (*command_tag ? std::strlen(command_tag) + 1 : 0);
    cells = (cells + 7) & ~uint64_t{7};
    text = cells + rows * static_cast<uint64_t>(columns) * sizeof(RowCell);
  }
};

// The type of a column as its cells are stored: what came as text is text.
uint32_t TypeOf(const PGresult* result, int column) {
  const auto type = static_cast<uint32_t>(PQftype(result, column));
  return PQfformat(result, column) == 0 && FixedSize(type) != 0 ? uint32_t{kText} : type;
}

void WriteHead(char* base, const Plan& plan, const PGresult* result, uint64_t rows, uint64_t total,
               const char* command_tag, int64_t affected) {
  const int columns = PQnfields(result);
  auto* header = reinterpret_cast<RowBlock*>(base);
  *header = {.magic = kRowBlockMagic,
             .version = kRowBlockVersion,
             .total_size = total,
             .row_count = rows,
             .column_count = static_cast<uint32_t>(columns),
             .columns_offset = sizeof(RowBlock),
             .cells_offset = plan.cells,
             .affected = affected,
             .tag_offset = *command_tag ? static_cast<uint32_t>(plan.tag) : 0,
             .reserved = 0};
  auto* column = reinterpret_cast<RowColumn*>(base + sizeof(RowBlock));
  char* name = base + plan.names;
  for (int c = 0; c < columns; c++) {
    column[c] = {.name_offset = static_cast<uint32_t>(name - base),
                 .type = TypeOf(result, c),
                 .type_modifier = PQfmod(result, c),
                 .table = static_cast<uint32_t>(PQftable(result, c)),
                 .table_column = PQftablecol(result, c),
                 .reserved = 0};
    const size_t size = std::strlen(PQfname(result, c)) + 1;
    std::memcpy(name, PQfname(result, c), size);
    name += size;
  }
  if (*command_tag) std::memcpy(base + plan.tag, command_tag, std::strlen(command_tag) + 1);
  // What is between here and the cells is zero: blocks may be compared and hashed as bytes.
  char* end = base + plan.tag + (*command_tag ? std::strlen(command_tag) + 1 : 0);
  std::memset(end, 0, static_cast<size_t>(base + plan.cells - end));
}

// Columns whose cells hold the value: how many bytes that is on the wire; 0 for the others.
class FixedSizes {
 public:
  explicit FixedSizes(const PGresult* result) : count_(PQnfields(result)) {
    if (count_ > kInline) more_.resize(static_cast<size_t>(count_));
    uint32_t* types = count_ > kInline ? more_.data() : few_;
    for (int c = 0; c < count_; c++) types[c] = TypeOf(result, c);
    types_ = types;
  }
  int count() const { return count_; }
  uint32_t type(int column) const { return types_[column]; }

 private:
  static constexpr int kInline = 32;
  int count_;
  uint32_t few_[kInline];
  std::vector<uint32_t> more_;
  const uint32_t* types_;
};

bool HeldInBits(const PGresult* result, int row, int column, uint32_t type, int* size) {
  *size = PQgetlength(result, row, column);
  return *size != 0 && static_cast<uint32_t>(*size) == FixedSize(type);
}

}  // namespace

int64_t AffectedOf(const PGresult* result) noexcept {
  // Const in all but its type: it reads the tag.
  const char* text = PQcmdTuples(const_cast<PGresult*>(result));
  int64_t affected = -1;
  std::from_chars(text, text + std::strlen(text), affected);
  return affected;
}

uint64_t BlockSize(const PGresult* result) noexcept {
  const int rows = PQntuples(result);
  const int columns = PQnfields(result);
  const Plan plan(result, static_cast<uint64_t>(rows), PQcmdStatus(const_cast<PGresult*>(result)));
  uint64_t size = plan.text;
  for (int c = 0; c < columns; c++) {
    const uint32_t type = TypeOf(result, c);
    int bytes;
    for (int r = 0; r < rows; r++)
      if (!PQgetisnull(result, r, c) && !HeldInBits(result, r, c, type, &bytes))
        size += static_cast<uint64_t>(bytes) + 1;
  }
  return size;
}

Ref<Rows> BuildRows(const PGresult* result) {
  const auto rows = static_cast<uint64_t>(PQntuples(result));
  const char* tag = PQcmdStatus(const_cast<PGresult*>(result));
  const Plan plan(result, rows, tag);
  const uint64_t total = BlockSize(result);
  Ref<Rows> built = Rows::Make(total);
  char* base = built->memory();
  WriteHead(base, plan, result, rows, total, tag, AffectedOf(result));

  const FixedSizes columns(result);
  auto* cell = reinterpret_cast<RowCell*>(base + plan.cells);
  uint64_t text = plan.text;
  for (int r = 0; r < static_cast<int>(rows); r++) {
    for (int c = 0; c < columns.count(); c++, cell++) {
      int size;
      if (PQgetisnull(result, r, c)) {
        *cell = {0, kCellNull, 0};
      } else if (HeldInBits(result, r, c, columns.type(c), &size)) {
        *cell = {DecodeFixed(columns.type(c), PQgetvalue(result, r, c)),
                 static_cast<uint32_t>(size), 0};
      } else {
        *cell = {text, static_cast<uint32_t>(size), 0};
        // libpq's values are followed by a NUL, too.
        std::memcpy(base + text, PQgetvalue(result, r, c), static_cast<size_t>(size) + 1);
        text += static_cast<uint64_t>(size) + 1;
      }
    }
  }
  return built;
}

void RowCollector::Append(const PGresult* result) {
  const int rows = PQntuples(result);
  const FixedSizes columns(result);
  const size_t cells_before = cells_.size();
  const size_t text_before = text_.size();
  try {
    for (int r = 0; r < rows; r++) {
      for (int c = 0; c < columns.count(); c++) {
        int size;
        if (PQgetisnull(result, r, c)) {
          cells_.push_back({0, kCellNull, 0});
        } else if (HeldInBits(result, r, c, columns.type(c), &size)) {
          cells_.push_back({DecodeFixed(columns.type(c), PQgetvalue(result, r, c)),
                            static_cast<uint32_t>(size), 0});
        } else {
          const char* value = PQgetvalue(result, r, c);
          cells_.push_back({text_.size(), static_cast<uint32_t>(size), 1});
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
  const Plan plan(described, rows_, "");
  const uint64_t total = plan.text + text_.size();
  Ref<Rows> built = Rows::Make(total);
  char* base = built->memory();
  WriteHead(base, plan, described, rows_, total, "", -1);
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

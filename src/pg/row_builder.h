// From libpq's results to blocks of rows: a whole result at once, or row after row for a stream.
// No allocation per cell.
#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "pg/row_layout.h"
#include "pg/rows.h"

struct pg_result;

namespace creche::pg {

// Rows that the command changed or returned, from its tag ("INSERT 0 5"); -1 if it does not say.
int64_t AffectedOf(const pg_result* result) noexcept;

// How the columns of a result are stored, and how long their names are: looked up once.
class ColumnPlan {
 public:
  explicit ColumnPlan(const pg_result* result);
  ColumnPlan(const ColumnPlan&) = delete;
  ColumnPlan& operator=(const ColumnPlan&) = delete;
  int count() const noexcept { return count_; }
  uint32_t type(int column) const noexcept { return columns_[column].type; }
  // Bytes of a value that the cell itself holds; 0 for those that stand elsewhere.
  uint32_t fixed(int column) const noexcept { return columns_[column].fixed; }
  // With its NUL.
  uint32_t name_size(int column) const noexcept { return columns_[column].name_size; }
  uint64_t names_size() const noexcept { return names_size_; }

 private:
  struct Column {
    uint32_t type;
    uint32_t fixed;
    uint32_t name_size;
  };
  static constexpr int kInline = 16;
  int count_;
  uint64_t names_size_ = 0;
  Column few_[kInline];
  std::vector<Column> many_;
  Column* columns_;
};

// A whole result on its way to a block. May throw bad_alloc.
class ResultBlock {
 public:
  explicit ResultBlock(const pg_result* result);
  // Bytes that the block takes.
  uint64_t size() const noexcept { return size_; }
  Ref<Rows> Build(int64_t affected) const;

 private:
  const pg_result* const result_;
  const ColumnPlan columns_;
  uint64_t size_ = 0;
};

// The same in one call, for tests.
inline Ref<Rows> BuildRows(const pg_result* result) {
  return ResultBlock(result).Build(AffectedOf(result));
}

// Collects rows of many small results with the same columns.
class RowCollector {
 public:
  // May throw bad_alloc; then nothing was added.
  void Append(const pg_result* result);
  uint64_t rows() const noexcept { return rows_; }
  // About how big the block will be.
  uint64_t bytes() const noexcept { return cells_.size() * sizeof(RowCell) + text_.size(); }
  // What was collected, as a block; starts anew. `columns` describes them: any of the results. Tag
  // and affected are not known: 0 and -1. May throw bad_alloc; then nothing changes.
  Ref<Rows> Take(const pg_result* columns);

 private:
  uint64_t rows_ = 0;
  std::unique_ptr<const ColumnPlan> columns_;
  std::vector<RowCell> cells_;  // bits of those with bytes: their offset in text_
  std::vector<char> text_;
};

}  // namespace creche::pg

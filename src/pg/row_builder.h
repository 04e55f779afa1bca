// From libpq's results to blocks of rows: a whole result at once, or row after row for a stream.
// No allocation per cell.
#pragma once
#include <cstdint>
#include <vector>

#include "pg/row_layout.h"
#include "pg/rows.h"

struct pg_result;

namespace creche::pg {

// Rows that the command changed or returned, from its tag ("INSERT 0 5"); -1 if it does not say.
int64_t AffectedOf(const pg_result* result) noexcept;

// Bytes that the block of a whole result takes.
uint64_t BlockSize(const pg_result* result) noexcept;
// The block of a whole result, which may be one without rows. May throw bad_alloc.
Ref<Rows> BuildRows(const pg_result* result);

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
  std::vector<RowCell> cells_;  // bits of those with bytes: their offset in text_
  std::vector<char> text_;
};

}  // namespace creche::pg

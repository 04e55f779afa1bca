// RowCollector: from the server's rows to blocks: each row is decoded where it was received, in one
// pass, without an allocation for a cell or a row.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/buffer.h"
#include "pg/rows/row_description.h"
#include "pg/rows/rows.h"

namespace creche::pg {

class RowCollector {
 public:
  // A block that has so many rows or bytes is full().
  explicit RowCollector(uint64_t full_rows = UINT64_MAX, uint64_t full_bytes = UINT64_MAX)
      : full_rows_(full_rows), full_bytes_(full_bytes) {}

  // What comes are rows of this kind. Forgets what was not taken.
  void Begin(Ref<const RowDescription> columns) noexcept;
  enum class Added : uint8_t { kOk, kNoMemory, kMalformed };
  // The body of one row. What fails adds nothing.
  [[nodiscard]] Added Append(const char* body, size_t size) noexcept;

  uint64_t rows() const noexcept { return rows_; }
  // How big the block will be, without its tag.
  uint64_t bytes() const noexcept {
    return sizeof(RowBlock) + (columns_ ? columns_->head_size() : 0) + cells_.size() + text_.size();
  }
  bool full() const noexcept {
    return rows_ >= full_rows_ || cells_.size() + text_.size() >= full_bytes_;
  }
  // What was collected, as a block; goes on with rows of the same kind. tag: of the command; empty,
  // with affected -1, if it is not known yet. May throw bad_alloc; then nothing changes.
  Ref<Rows> Take(std::string_view tag, int64_t affected);
  // Forgets everything.
  void Clear() noexcept;

 private:
  void Empty() noexcept;
  const uint64_t full_rows_;
  const uint64_t full_bytes_;
  uint64_t rows_ = 0;
  Ref<const RowDescription> columns_;
  // RowCells; `later` marks those whose bits are an offset into text_, which is one into the
  // block when the block is made.
  Buffer cells_;
  Buffer text_;
};

}  // namespace creche::pg

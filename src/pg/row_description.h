// RowDescription: the columns of a result, from the server's RowDescription: how their cells are
// stored, and the part of a row block that describes them, ready to be copied. Immutable; a
// prepared statement keeps its own.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>

#include "core/ref.h"
#include "pg/row_layout.h"

namespace creche::pg {

class RowDescription final : public RefCounted {
 public:
  // A result without columns. May throw bad_alloc.
  static Ref<const RowDescription> None();
  // From a message's body. Null if it is malformed. May throw bad_alloc.
  static Ref<const RowDescription> Parse(const char* body, size_t size);

  size_t count() const noexcept { return count_; }
  uint32_t type(size_t column) const noexcept { return columns_[column].type; }
  // Bytes of a value that the cell itself holds; 0 for those that stand elsewhere.
  uint32_t fixed(size_t column) const noexcept { return columns_[column].fixed; }
  // What stands in a block behind its header: the columns and their names.
  const char* head() const noexcept { return head_.get(); }
  size_t head_size() const noexcept { return head_size_; }

 private:
  struct Column {
    uint32_t type;
    uint32_t fixed;
  };
  RowDescription() = default;
  size_t count_ = 0;
  size_t head_size_ = 0;
  std::unique_ptr<Column[]> columns_;
  std::unique_ptr<char[]> head_;
};

}  // namespace creche::pg

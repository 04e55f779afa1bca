// RowDescription: the columns of a result, from the server's RowDescription: how their cells are
// stored, and the part of a row block that describes them, ready to be copied. Immutable; a
// prepared statement keeps its own.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "core/ref.h"
#include "pg/rows/row_layout.h"

namespace creche::pg {

class Catalog;
struct Type;

// How a column's values are sent.
enum class ColumnForm : uint8_t { kText = 0, kBinary = 1 };
using ColumnForms = std::vector<ColumnForm>;

class RowDescription final : public RefCounted {
 public:
  // A result without columns. May throw bad_alloc.
  static Ref<const RowDescription> None();
  // From a message's body. Null if it is malformed. catalog: knows types that are not built in;
  // null: nobody does. executed: of what runs, so that it says how each column comes. May throw
  // bad_alloc.
  static Ref<const RowDescription> Parse(const char* body, size_t size,
                                         const Catalog* catalog = nullptr, bool executed = true);

  size_t count() const noexcept { return count_; }
  // How a value is stored.
  const Type& type(size_t column) const noexcept { return *columns_[column].type; }
  uint32_t oid(size_t column) const noexcept { return columns_[column].oid; }
  // Bytes of a value that the cell itself holds; 0 for those that stand elsewhere.
  uint32_t fixed(size_t column) const noexcept { return columns_[column].fixed; }
  // How the values are sent, column by column; empty: all in binary form.
  const ColumnForms& forms() const noexcept { return forms_; }
  // True if this message's body would be parsed to the same.
  bool Is(const char* body, size_t size) const noexcept {
    return size == body_size_ && std::memcmp(head_.get() + head_size_, body, size) == 0;
  }
  // True if what it says of types that are not built in is what the catalog says now.
  bool IsOf(const Catalog* catalog) const noexcept;
  // What stands in a block behind its header: the columns and their names.
  const char* head() const noexcept { return head_.get(); }
  size_t head_size() const noexcept { return head_size_; }
  // Where it says what the types are that are not built in: RowBlock::types_offset.
  uint32_t types_offset() const noexcept { return types_offset_; }
  // True if a column has come as text, because it was asked for, that has a binary form.
  bool needless_text() const noexcept { return needless_text_; }

 private:
  struct Column {
    const Type* type;
    uint32_t oid;
    uint32_t fixed;
  };
  RowDescription() = default;
  void Judge(const Catalog& catalog);
  size_t count_ = 0;
  size_t head_size_ = 0;
  std::unique_ptr<Column[]> columns_;
  size_t body_size_ = 0;  // of the message, which stands behind the head
  std::unique_ptr<char[]> head_;
  ColumnForms forms_;
  uint32_t types_offset_ = 0;
  uint64_t edition_ =
      0;  // Catalog::edition when it has said what types there are; 0: none was needed
  bool needless_text_ = false;
};

}  // namespace creche::pg

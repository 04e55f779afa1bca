// Batch: several statements in one flight, with the result of each of them. They share a
// synchronization point, and so their fate, or each has one of its own.
#pragma once
#include <vector>

#include "pg/command/command.h"

namespace creche::pg {

class Batch : public Command {
 public:
  struct Item {
    Ref<Rows> rows;  // null: it has not ended well
    int64_t affected = -1;
    ErrorRef error;
    bool ended = false;
  };
  // each: has a synchronization point of its own. max_bytes: of all results. May throw bad_alloc.
  Batch(size_t count, bool each, uint64_t max_bytes);
  // What runs behind a late cancel could not be told from what it hit.
  bool alone() const noexcept override { return each_; }
  void Encode(Encoder* encoder) const noexcept override;
  void OnColumns(const Flight& flight, RowCollector* whole) noexcept override;
  size_t MaxRow(const Flight& flight, const RowCollector& whole) const noexcept override;
  RowTaken OnRow(Flight* flight, const Message& row, RowCollector* whole) noexcept override;
  void OnComplete(Flight* flight, std::string_view tag, RowCollector* whole) noexcept override;
  void OnItem(size_t item, ErrorRef error) noexcept override;

  std::vector<Item>& items() noexcept { return items_; }
  const std::vector<Item>& items() const noexcept { return items_; }
  // Forgets what has come.
  void Clear() noexcept;

 private:
  std::vector<Item> items_;
  const bool each_;
  const uint64_t max_bytes_;
  uint64_t bytes_ = 0;  // of the results so far
};

}  // namespace creche::pg

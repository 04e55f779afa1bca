// EntryList: entries in order, each in one list at a time. Guarded by the lock of the loop's
// domain.
#pragma once
#include "tasks/entry.h"

namespace creche::tasks {

class EntryList {
 public:
  bool empty() const noexcept { return !first_; }
  // Null if empty.
  Entry* first() const noexcept { return first_; }
  Entry* last() const noexcept { return last_; }
  void Push(Entry* entry) noexcept {
    entry->next_entry = nullptr;
    (last_ ? last_->next_entry : first_) = entry;
    last_ = entry;
  }
  // Of a non-empty one.
  Entry* Pop() noexcept {
    Entry* entry = first_;
    first_ = entry->next_entry;
    if (!first_) last_ = nullptr;
    return entry;
  }

 private:
  Entry* first_ = nullptr;
  Entry* last_ = nullptr;
};

}  // namespace creche::tasks

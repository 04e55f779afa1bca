// ReadyList: the callbacks to be run, in order. Guarded by the lock of the loop's domain.
#pragma once
#include "tasks/entry.h"

namespace creche::tasks {

class ReadyList {
 public:
  bool empty() const noexcept { return !first_; }
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
  // For tests: those that may run in any order are put into one drawn from a seed (shuffle.cc).
  void set_shuffle(uint64_t seed) noexcept { shuffle_ = seed; }
  bool shuffles() const noexcept { return shuffle_ != 0; }
  void Shuffle() noexcept;

 private:
  Entry* first_ = nullptr;
  Entry* last_ = nullptr;
  uint64_t shuffle_ = 0;  // the state of the shuffle; 0: off
};

}  // namespace creche::tasks

// ReadyList: the callbacks to be run, in order. Guarded by the lock of the loop's domain.
#pragma once
#include <cstdint>

#include "tasks/entry_list.h"

namespace creche::tasks {

class ReadyList : public EntryList {
 public:
  // Of a non-empty one. The next is fetched from memory while this one is called: of a task that is
  // to begin or has ended all that it needs (node/end_node.h), which lies around its entry.
  Entry* Pop() noexcept {
    Entry* entry = EntryList::Pop();
    const auto next = reinterpret_cast<uintptr_t>(first());  // or none: no harm is done
    __builtin_prefetch(reinterpret_cast<const void*>(next - 64), 1);
    __builtin_prefetch(reinterpret_cast<const void*>(next), 1);
    __builtin_prefetch(reinterpret_cast<const void*>(next + 64), 1);
    return entry;
  }
  // For tests: those that may run in any order are put into one drawn from a seed (shuffle.cc).
  void set_shuffle(uint64_t seed) noexcept { shuffle_ = seed; }
  bool shuffles() const noexcept { return shuffle_ != 0; }
  void Shuffle() noexcept;

 private:
  uint64_t shuffle_ = 0;  // the state of the shuffle; 0: off
};

}  // namespace creche::tasks

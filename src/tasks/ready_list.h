// ReadyList: the callbacks to be run, in order. Guarded by the lock of the loop's domain.
#pragma once
#include "tasks/entry_list.h"

namespace creche::tasks {

class ReadyList : public EntryList {
 public:
  // For tests: those that may run in any order are put into one drawn from a seed (shuffle.cc).
  void set_shuffle(uint64_t seed) noexcept { shuffle_ = seed; }
  bool shuffles() const noexcept { return shuffle_ != 0; }
  void Shuffle() noexcept;

 private:
  uint64_t shuffle_ = 0;  // the state of the shuffle; 0: off
};

}  // namespace creche::tasks

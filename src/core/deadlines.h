// Deadlines: an intrusive 4-ary heap of points in time. Adding, moving and removing cost O(log n)
// and no memory beyond the heap's array.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/status.h"

namespace creche {

// Base of what can be in one Deadlines heap at a time.
struct Deadline {
  static constexpr uint32_t kUnarmed = UINT32_MAX;
  uint32_t heap_index = kUnarmed;
  bool armed() const noexcept { return heap_index != kUnarmed; }
};

class Deadlines {
 public:
  bool empty() const noexcept { return heap_.empty(); }
  size_t size() const noexcept { return heap_.size(); }
  // The earliest point, or kNever.
  Nanos next() const noexcept { return heap_.empty() ? kNever : heap_[0].at; }
  // Makes room for one more, so that the next Arm of an unarmed item cannot fail. May throw.
  void Reserve() {
    if (heap_.size() == heap_.capacity()) heap_.reserve(heap_.size() < 64 ? 64 : 2 * heap_.size());
  }
  // Makes room for `n` in all, so that Arm cannot fail while no more than these are in it. May
  // throw.
  void ReserveAll(size_t n) {
    if (heap_.capacity() < n) heap_.reserve(n < 64 ? 64 : 2 * n);
  }
  // Arms or moves. kNever disarms. May throw bad_alloc unless Reserve was called.
  void Arm(Deadline* item, Nanos at);
  void Disarm(Deadline* item) noexcept;
  // The earliest item if its point is not after `now`, disarmed; else null.
  Deadline* PopExpired(Nanos now) noexcept;

 private:
  struct Entry {
    Nanos at;
    Deadline* item;
  };
  void Place(size_t index, Entry entry) noexcept {
    heap_[index] = entry;
    entry.item->heap_index = static_cast<uint32_t>(index);
  }
  void SiftUp(size_t index, Entry entry) noexcept;
  void SiftDown(size_t index, Entry entry) noexcept;
  std::vector<Entry> heap_;
};

}  // namespace creche

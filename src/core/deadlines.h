// Deadlines: an intrusive 4-ary heap of points in time. Adding and moving cost O(log n) and no
// memory beyond the heap's array. Removing leaves a hole: most deadlines never come, and moving
// others into the place of each would touch a cache line for every level. Holes go when they come
// up to the root, and all together when they are more than half.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstdlib>

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
  Deadlines() = default;
  ~Deadlines() { free(heap_); }
  Deadlines(const Deadlines&) = delete;
  Deadlines& operator=(const Deadlines&) = delete;
  bool empty() const noexcept { return size_ == 0; }
  // The earliest point, or kNever.
  Nanos next() const noexcept { return size_ == 0 ? kNever : heap_[0].at; }
  // Makes room for one more, so that the next Arm of an unarmed item cannot fail. May throw.
  void Reserve() {
    if (size_ == capacity_) MakeRoom();
  }
  // Makes room for `n` in all, so that Arm cannot fail while no more than these are in it. May
  // throw.
  void ReserveAll(size_t n) {
    if (capacity_ < 2 * n + kFew) Grow(4 * n + kFew);
  }
  // Arms or moves. kNever disarms. May throw bad_alloc unless Reserve was called.
  void Arm(Deadline* item, Nanos at);
  void Disarm(Deadline* item) noexcept;
  // The earliest item if its point is not after `now`, disarmed; else null.
  Deadline* PopExpired(Nanos now) noexcept;

 private:
  static constexpr size_t kFew = 32;  // so many holes never matter
  struct Entry {
    Nanos at;
    Deadline* item;  // null: a hole; never the root
  };
  void Place(size_t index, Entry entry) noexcept {
    heap_[index] = entry;
    if (entry.item) entry.item->heap_index = static_cast<uint32_t>(index);
  }
  void MakeRoom();
  void Grow(size_t capacity);
  void DropHolesAtRoot() noexcept;
  void DropHoles() noexcept;
  void SiftUp(size_t index, Entry entry) noexcept;
  void SiftDown(size_t index, Entry entry) noexcept;
  // From malloc: a big one grows in place, where a vector's would be copied.
  Entry* heap_ = nullptr;
  size_t size_ = 0;
  size_t capacity_ = 0;
  size_t holes_ = 0;
};

}  // namespace creche

// LineHeap: lines of waiters by who has waited longest. A leftist heap: adding, removing from
// anywhere and going over to another heap are O(log n), and need no memory, so they cannot fail.
#pragma once
#include <cstdint>

namespace creche::http {

class LineHeap;

// Base of what can be in one LineHeap at a time.
class Line {
 public:
  const LineHeap* heap() const noexcept { return heap_; }

 private:
  friend class LineHeap;
  uint64_t key_ = 0;
  LineHeap* heap_ = nullptr;
  Line* parent_ = nullptr;
  Line* left_ = nullptr;
  Line* right_ = nullptr;
  uint32_t rank_ = 0;  // of the shortest way down to where a child is missing
};

class LineHeap {
 public:
  // The line with the smallest key, or null.
  Line* first() const noexcept { return root_; }
  uint64_t first_key() const noexcept { return root_ ? root_->key_ : UINT64_MAX; }
  // Puts a line in that is in no heap.
  void Add(Line* line, uint64_t key) noexcept;
  // Takes a line out of the heap that it is in, if it is in one.
  static void Remove(Line* line) noexcept;
  // Lines looked at so far, to see how much work it was.
  uint64_t work() const noexcept { return work_; }

 private:
  static uint32_t Rank(const Line* line) noexcept { return line ? line->rank_ : 0; }
  static bool Balance(Line* line) noexcept;
  Line* Meld(Line* a, Line* b) noexcept;

  Line* root_ = nullptr;
  uint64_t work_ = 0;
};

}  // namespace creche::http

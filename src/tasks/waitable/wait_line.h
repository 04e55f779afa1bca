// WaitLine: those who wait for something, first come, first served.
#pragma once
#include <cstdint>

#include "core/list.h"

namespace creche::tasks {

struct EndNode;

// The two lines that one may stand in: for the object, and at the handle that it was asked by.
struct AtObject;
struct AtHandle;

// One that stands in lines.
struct Waiter : ListNode<Waiter, AtObject>, ListNode<Waiter, AtHandle> {
  EndNode* task = nullptr;
};

template <class Tag>
class WaitLine {
 public:
  Waiter* first() const noexcept { return list_.first(); }
  Waiter* Next(const Waiter* waiter) const noexcept { return list_.Next(waiter); }
  bool empty() const noexcept { return list_.empty(); }
  uint32_t size() const noexcept { return size_; }
  void PushBack(Waiter* waiter) noexcept {
    list_.PushBack(waiter);
    size_++;
  }
  // False if it is in no line.
  bool Remove(Waiter* waiter) noexcept {
    if (!Has(waiter)) return false;
    list_.Remove(waiter);
    size_--;
    return true;
  }
  // Whether it is in any line of this kind.
  static bool Has(const Waiter* waiter) noexcept { return List<Waiter, Tag>::Has(waiter); }

 private:
  List<Waiter, Tag> list_;
  uint32_t size_ = 0;
};

}  // namespace creche::tasks

#include "tasks/waitable/ring.h"

#include <new>

namespace creche::tasks {

bool Ring::Reserve() noexcept {
  if (size_ < room_) return true;
  const uint32_t room = room_ == 0 ? 8 : 2 * room_;
  auto* items = room > room_ ? new (std::nothrow) uint64_t[room] : nullptr;
  if (!items) return false;
  for (uint32_t i = 0; i < size_; i++) items[i] = items_[(first_ + i) & (room_ - 1)];
  items_.reset(items);
  room_ = room;
  first_ = 0;
  return true;
}

bool Ring::Push(uint64_t item) noexcept {
  if (!Reserve()) return false;
  items_[(first_ + size_++) & (room_ - 1)] = item;
  return true;
}

bool Ring::PushFront(uint64_t item) noexcept {
  if (!Reserve()) return false;
  first_ = (first_ - 1) & (room_ - 1);
  items_[first_] = item;
  size_++;
  return true;
}

uint64_t Ring::Pop() noexcept {
  const uint64_t item = items_[first_];
  first_ = (first_ + 1) & (room_ - 1);
  size_--;
  return item;
}

}  // namespace creche::tasks

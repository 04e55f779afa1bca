#include "core/deadlines.h"

#include <new>

namespace creche {

namespace {
constexpr size_t kArity = 4;
}

void Deadlines::Arm(Deadline* item, Nanos at) {
  if (at == kNever) return Disarm(item);
  const Entry entry{at, item};
  if (!item->armed()) {
    Reserve();
    return SiftUp(size_++, entry);
  }
  const size_t index = item->heap_index;
  if (at < heap_[index].at) return SiftUp(index, entry);
  SiftDown(index, entry);
  DropHolesAtRoot();  // one may have come up
}

void Deadlines::Disarm(Deadline* item) noexcept {
  if (!item->armed()) return;
  const size_t index = item->heap_index;
  item->heap_index = Deadline::kUnarmed;
  if (index == size_ - 1) {
    size_--;
    return;
  }
  heap_[index].item = nullptr;
  holes_++;
  if (index == 0)
    DropHolesAtRoot();
  else if (holes_ > kFew && holes_ > size_ / 2)
    DropHoles();
}

void Deadlines::MakeRoom() {
  if (holes_ > size_ / 4) return DropHoles();
  Grow(size_ < 64 ? 64 : 2 * size_);
}

void Deadlines::Grow(size_t capacity) {
  void* grown = realloc(heap_, capacity * sizeof(Entry));
  if (!grown) throw std::bad_alloc();
  heap_ = static_cast<Entry*>(grown);
  capacity_ = capacity;
}

void Deadlines::DropHolesAtRoot() noexcept {
  while (size_ > 0 && !heap_[0].item) {
    const Entry last = heap_[--size_];
    holes_--;
    if (size_ > 0) SiftDown(0, last);
  }
}

void Deadlines::DropHoles() noexcept {
  size_t n = 0;
  for (size_t i = 0; i < size_; i++)
    if (heap_[i].item) heap_[n++] = heap_[i];
  size_ = n;
  holes_ = 0;
  // From the last parent up; leaves only learn where they are.
  for (size_t i = n; i-- > 0;) SiftDown(i, heap_[i]);
}

Deadline* Deadlines::PopExpired(Nanos now) noexcept {
  if (size_ == 0 || heap_[0].at > now) return nullptr;
  Deadline* item = heap_[0].item;
  Disarm(item);
  return item;
}

void Deadlines::SiftUp(size_t index, Entry entry) noexcept {
  while (index > 0) {
    const size_t parent = (index - 1) / kArity;
    if (heap_[parent].at <= entry.at) break;
    Place(index, heap_[parent]);
    index = parent;
  }
  Place(index, entry);
}

void Deadlines::SiftDown(size_t index, Entry entry) noexcept {
  const size_t n = size_;
  for (;;) {
    const size_t first = index * kArity + 1;
    if (first >= n) break;
    size_t least = first;
    const size_t end = first + kArity < n ? first + kArity : n;
    for (size_t child = first + 1; child < end; child++)
      if (heap_[child].at < heap_[least].at) least = child;
    if (heap_[least].at >= entry.at) break;
    Place(index, heap_[least]);
    index = least;
  }
  Place(index, entry);
}

}  // namespace creche

// Ring: the items of a channel in the order of sending. Grows up to the channel's capacity, and by
// what is put back.
#pragma once
#include <cstdint>
#include <memory>

namespace creche::tasks {

class Ring {
 public:
  uint32_t size() const noexcept { return size_; }
  bool Reserve() noexcept;                 // makes room for one more; false without memory
  bool Push(uint64_t item) noexcept;       // the same
  bool PushFront(uint64_t item) noexcept;  // the same
  uint64_t Pop() noexcept;                 // of a non-empty one

 private:
  std::unique_ptr<uint64_t[]> items_;
  uint32_t room_ = 0;  // a power of two
  uint32_t first_ = 0;
  uint32_t size_ = 0;
};

}  // namespace creche::tasks

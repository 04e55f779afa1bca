#include "core/buffer.h"

#include <cstdint>

#include "core/blocks.h"

namespace creche {

namespace {
constexpr size_t kLeast = 256;
constexpr size_t kStep = 64;
}  // namespace

char* Buffer::MakeRoom(size_t size) noexcept {
  const size_t used = this->size();
  if (size > SIZE_MAX / 2 - used) return nullptr;
  // Moving is cheaper than growing as long as each byte is moved about once for each byte consumed.
  if (used + size <= capacity_ && used <= begin_) {
    std::memcpy(memory_, memory_ + begin_, used);
  } else {
    // At first as much as is asked for: that may be all.
    size_t grown = capacity_ == 0 ? (size + kStep - 1) / kStep * kStep : 2 * capacity_;
    if (grown < kLeast) grown = kLeast;
    while (grown < used + size) grown *= 2;
    auto* memory = static_cast<char*>(Blocks::Take(grown));
    if (!memory) return nullptr;
    if (used > 0) std::memcpy(memory, memory_ + begin_, used);
    Blocks::Give(memory_, capacity_);
    memory_ = memory;
    capacity_ = grown;
  }
  begin_ = 0;
  end_ = used;
  return memory_ + end_;
}

bool Buffer::Append(const void* bytes, size_t size) noexcept {
  if (size == 0) return true;
  char* room = Reserve(size);
  if (!room) return false;
  std::memcpy(room, bytes, size);
  end_ += size;
  return true;
}

void Buffer::Release() noexcept {
  Blocks::Give(memory_, capacity_);
  memory_ = nullptr;
  begin_ = end_ = capacity_ = 0;
}

}  // namespace creche

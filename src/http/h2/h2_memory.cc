#include "http/h2/h2_memory.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "core/blocks.h"

namespace creche::http {

namespace {

// In front of each block: how large it is, which nghttp2 does not say when it gives it back.
struct alignas(std::max_align_t) Head {
  size_t size;
};

void* Take(size_t size, void*) noexcept {
  if (size > SIZE_MAX - sizeof(Head)) return nullptr;
  auto* head = static_cast<Head*>(Blocks::Take(sizeof(Head) + size));
  if (!head) return nullptr;
  head->size = size;
  return head + 1;
}

void Give(void* block, void*) noexcept {
  if (!block) return;
  Head* head = static_cast<Head*>(block) - 1;
  Blocks::Give(head, sizeof(Head) + head->size);
}

void* TakeZeros(size_t count, size_t size, void*) noexcept {
  if (size != 0 && count > SIZE_MAX / size) return nullptr;
  void* block = Take(count * size, nullptr);
  return block ? std::memset(block, 0, count * size) : nullptr;
}

void* Resize(void* block, size_t size, void*) noexcept {
  void* other = Take(size, nullptr);
  if (!other || !block) return other;
  std::memcpy(other, block, std::min(size, (static_cast<Head*>(block) - 1)->size));
  Give(block, nullptr);
  return other;
}

}  // namespace

nghttp2_mem* H2Memory::Of() noexcept {
  static nghttp2_mem memory{nullptr, Take, Give, TakeZeros, Resize};
  return &memory;
}

}  // namespace creche::http

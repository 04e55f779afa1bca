#include "core/blocks.h"

#include <cstdlib>

namespace creche {

thread_local Blocks* Blocks::here_ = nullptr;

namespace {
// AddressSanitizer is to see each use of what was given back.
#ifdef __SANITIZE_ADDRESS__
constexpr bool kKeep = false;
#else
constexpr bool kKeep = true;
#endif
}  // namespace

void* Blocks::Take(size_t size) noexcept {
  if (size > kLargest || size == 0) return TakeLarge(size);
  const size_t index = (size - 1) / kStep;
  const size_t rounded = (index + 1) * kStep;
  Blocks* here = here_;
  if (!kKeep || !here || !here->first_[index]) return std::malloc(rounded);
  Free* block = here->first_[index];
  here->first_[index] = block->next;
  here->kept_ -= rounded;
  return block;
}

void Blocks::Give(void* block, size_t size) noexcept {
  Blocks* here = here_;
  if (!kKeep || !here || !block || size == 0) return std::free(block);
  if (size > kLargest) return GiveLarge(block, size);
  const size_t index = (size - 1) / kStep;
  const size_t rounded = (index + 1) * kStep;
  if (here->kept_ + rounded > kMostKept) return std::free(block);
  here->first_[index] = new (block) Free{here->first_[index]};
  here->kept_ += rounded;
}

// malloc gives what is large, and at the end of its heap, back to the kernel again and again.
void* Blocks::TakeLarge(size_t size) noexcept {
  Blocks* here = here_;
  if (size != kReceive || !here || !here->first_large_) return std::malloc(size);
  Free* block = here->first_large_;
  here->first_large_ = block->next;
  here->kept_large_--;
  return block;
}

void Blocks::GiveLarge(void* block, size_t size) noexcept {
  Blocks* here = here_;
  if (size != kReceive || here->kept_large_ == kMostLarge) return std::free(block);
  here->first_large_ = new (block) Free{here->first_large_};
  here->kept_large_++;
}

void Blocks::FreeAll(Free* first) noexcept {
  while (Free* block = first) {
    first = block->next;
    std::free(block);
  }
}

Blocks::~Blocks() {
  for (Free* first : first_) FreeAll(first);
  FreeAll(first_large_);
}

}  // namespace creche

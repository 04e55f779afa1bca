#include "core/arena.h"

#include <sys/mman.h>

#include <cerrno>
#include <cstdlib>

namespace creche {

Arena::~Arena() {
  while (Block* block = last_) {
    last_ = block->before;
    free(block);
  }
}

bool Arena::Grow() noexcept {
  const int saved = errno;
  // A huge page is as big as the biggest block on the machines that we know.
  void* made = aligned_alloc(size_ == kBiggest ? size_ : kLine, size_);
  if (made && size_ == kBiggest) static_cast<void>(madvise(made, size_, MADV_HUGEPAGE));
  errno = saved;
  if (!made) return false;
  auto* block = static_cast<Block*>(made);
  block->before = last_;
  last_ = block;
  next_ = static_cast<char*>(made) + sizeof(Block);
  end_ = static_cast<char*>(made) + size_;
  if (size_ < kBiggest) size_ *= 2;
  return true;
}

}  // namespace creche

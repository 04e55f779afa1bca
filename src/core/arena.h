// Arena: memory for very many small objects, given back all together. Blocks grow with what is
// taken; big ones lie in huge pages where the system has them to give, because the first touch of
// each small page costs more than making the objects in it. Guarded by its owner's lock.
#pragma once
#include <cstddef>

namespace creche {

class Arena {
 public:
  constexpr Arena() = default;
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  // size: a multiple of 8, and no more than the smallest block. Null without memory.
  void* Take(size_t size) noexcept {
    if (static_cast<size_t>(end_ - next_) < size && !Grow()) return nullptr;
    void* taken = next_;
    next_ += size;
    return taken;
  }

 private:
  static constexpr size_t kLine =
      64;  // of cache: what is a multiple of it lies in lines of its own
  struct alignas(kLine) Block {
    Block* before;
  };
  static constexpr size_t kSmallest = size_t{16} << 10, kBiggest = size_t{2} << 20;
  bool Grow() noexcept;
  Block* last_ = nullptr;
  size_t size_ = kSmallest;  // of the next block
  char* next_ = nullptr;
  char* end_ = nullptr;
};

}  // namespace creche

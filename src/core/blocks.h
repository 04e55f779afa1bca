// Blocks: memory that a loop's thread keeps for who asks next on it. Answers come in batches: a
// hundred of them give back a hundred blocks of each size at once, which malloc puts together,
// hands to the kernel, and takes apart again for the next hundred.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <new>

namespace creche {

class Blocks {
 public:
  // What is received at once: a body of 64 KiB, and what comes before it. Of this size, too, some
  // are kept.
  static constexpr size_t kReceive = 68 << 10;

  Blocks() = default;
  ~Blocks();
  Blocks(const Blocks&) = delete;
  Blocks& operator=(const Blocks&) = delete;

  // From now on this thread keeps its blocks here; null: it keeps none.
  static void UseHere(Blocks* blocks) noexcept { here_ = blocks; }
  // Any thread. Null without memory.
  static void* Take(size_t size) noexcept;
  // Any thread, not only the one that took it. size: as it was taken; null is harmless.
  static void Give(void* block, size_t size) noexcept;

 private:
  static constexpr size_t kStep = 64;
  static constexpr size_t kLargest = 2048;
  static constexpr size_t kMostKept = 512 * 1024;  // in all small sizes together
  static constexpr int kMostLarge = 8;
  struct Free {
    Free* next;
  };
  static void* TakeLarge(size_t size) noexcept;
  static void GiveLarge(void* block, size_t size) noexcept;
  static void FreeAll(Free* first) noexcept;
  static thread_local Blocks* here_;
  std::array<Free*, kLargest / kStep> first_{};
  Free* first_large_ = nullptr;  // of kReceive
  size_t kept_ = 0;
  int kept_large_ = 0;
};

// Base of classes whose objects are made and destroyed by the hundred.
struct FromBlocks {
  static void* operator new(size_t size) {
    if (void* block = Blocks::Take(size)) return block;
    throw std::bad_alloc();
  }
  static void operator delete(void* block, size_t size) noexcept { Blocks::Give(block, size); }
};

// The same for the standard library's containers.
template <class T>
struct BlockAllocator {
  using value_type = T;
  BlockAllocator() = default;
  template <class U>
  BlockAllocator(const BlockAllocator<U>&) noexcept {}
  T* allocate(size_t n) {
    if (n > PTRDIFF_MAX / sizeof(T)) throw std::bad_array_new_length();
    return static_cast<T*>(FromBlocks::operator new(n * sizeof(T)));
  }
  void deallocate(T* place, size_t n) noexcept { Blocks::Give(place, n * sizeof(T)); }
  friend bool operator==(BlockAllocator, BlockAllocator) noexcept { return true; }
};

}  // namespace creche

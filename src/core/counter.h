// Counter: a number that one thread, the loop's, changes and any thread may read.
#pragma once
#include <atomic>
#include <cstdint>

namespace creche {

class Counter {
 public:
  // One writer: no need for an atomic read-modify-write.
  void Add(uint64_t n = 1) noexcept { Set(get() + n); }
  void Subtract(uint64_t n = 1) noexcept { Set(get() - n); }
  void Set(uint64_t n) noexcept { n_.store(n, std::memory_order_relaxed); }
  uint64_t get() const noexcept { return n_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> n_{0};
};

}  // namespace creche

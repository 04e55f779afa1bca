// What a pool did so far; written on the loop's thread, read from any.
#pragma once
#include <atomic>
#include <cstdint>

namespace creche::pg {

class Counter {
 public:
  // One writer: no need for an atomic read-modify-write.
  void Add(uint64_t n = 1) noexcept {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  void Set(uint64_t n) noexcept { value_.store(n, std::memory_order_relaxed); }
  uint64_t get() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

struct Counters {
  Counter connections, idle, leased, waiting;  // now
  Counter connects, statements, pipelined, prepares, cancels, resent, dropped;
};

}  // namespace creche::pg

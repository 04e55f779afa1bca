// Counters: numbers that the loop's thread changes and any thread may read.
#pragma once
#include <atomic>
#include <cstdint>

namespace creche::http {

class Counter {
 public:
  void Add(uint64_t n = 1) noexcept { Set(get() + n); }
  void Subtract(uint64_t n = 1) noexcept { Set(get() - n); }
  void Set(uint64_t n) noexcept { n_.store(n, std::memory_order_relaxed); }
  uint64_t get() const noexcept { return n_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> n_{0};
};

// What a session has now and has done so far.
struct Counters {
  Counter requests, connects, reuses, retries, dns_lookups, bytes_sent, bytes_received;
  Counter open;  // connections, idle and connecting ones too
  Counter idle;
  Counter waiting;  // requests in line
};

}  // namespace creche::http

// Lag: how long turns of a loop take. Written by the loop's thread only, read by any; plain stores.
#pragma once
#include <atomic>
#include <bit>
#include <cstdint>

namespace creche {

// Counts times in buckets: bucket i has those from 2^i up to 2^(i+1) nanoseconds, the first one 0
// too, the last one all that are longer.
class Histogram {
 public:
  static constexpr int kBuckets = 40;
  // creche_histogram
  struct Values {
    uint64_t count, sum, max;
    uint64_t buckets[kBuckets];
  };

  void Add(int64_t time) noexcept {
    const uint64_t t = time > 0 ? static_cast<uint64_t>(time) : 0;
    const int bucket = t == 0 ? 0 : static_cast<int>(std::bit_width(t)) - 1;
    Increase(buckets_[bucket < kBuckets ? bucket : kBuckets - 1], 1);
    Increase(count_, 1);
    Increase(sum_, t);
    if (t > max()) max_.store(t, std::memory_order_relaxed);
  }
  uint64_t max() const noexcept { return max_.load(std::memory_order_relaxed); }
  // Not of one moment: the fields may be one turn apart.
  void Read(Values* values) const noexcept {
    values->count = count_.load(std::memory_order_relaxed);
    values->sum = sum_.load(std::memory_order_relaxed);
    values->max = max();
    for (int i = 0; i < kBuckets; i++)
      values->buckets[i] = buckets_[i].load(std::memory_order_relaxed);
  }

 private:
  static void Increase(std::atomic<uint64_t>& value, uint64_t by) noexcept {
    value.store(value.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
  }
  std::atomic<uint64_t> count_{0}, sum_{0}, max_{0};
  std::atomic<uint64_t> buckets_[kBuckets] = {};
};

struct Lag {
  Histogram turns;      // the work of a turn: from the first event to the last callback
  Histogram callbacks;  // of each turn that ran any, the longest
};

}  // namespace creche

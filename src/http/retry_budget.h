// RetryBudget: what keeps the retries of a session from becoming a storm when a server is down:
// each request adds a part of a retry, each retry takes a whole one. Some may be made however few
// requests there are: a reserve fills up again with time. Loop's thread only.
#pragma once
#include <cstdint>
#include <random>

#include "core/status.h"

namespace creche::http {

class RetryBudget {
 public:
  static constexpr Nanos kEach = kSecond;        // in which one of the reserve fills up,
  static constexpr Nanos kReserve = 10 * kEach;  // and all of it
  static constexpr uint64_t kMost = 100 * 100;   // of what is earned, in hundredths

  explicit RetryBudget(uint64_t seed) : random_(static_cast<uint32_t>(seed ^ seed >> 32)) {}
  // A request under a policy with a budget of so many percent.
  void Earn(uint32_t percent) noexcept;
  // One retry; false if there is none left.
  bool Spend(Nanos now) noexcept;
  // A time of up to `most`, for jitter.
  Nanos UpTo(Nanos most) noexcept;

 private:
  uint64_t earned_ = 0;
  Nanos reserve_ = kReserve;
  Nanos filled_at_ = 0;
  std::minstd_rand random_;
};

}  // namespace creche::http

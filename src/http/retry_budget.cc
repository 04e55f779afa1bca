#include "http/retry_budget.h"

#include <algorithm>

namespace creche::http {

void RetryBudget::Earn(uint32_t percent) noexcept {
  earned_ = std::min(earned_ + percent, kMost);
}

bool RetryBudget::Spend(Nanos now) noexcept {
  if (earned_ >= 100) {
    earned_ -= 100;
    return true;
  }
  reserve_ = std::min(After(reserve_, now - filled_at_), kReserve);
  filled_at_ = now;
  if (reserve_ < kEach) return false;
  reserve_ -= kEach;
  return true;
}

Nanos RetryBudget::UpTo(Nanos most) noexcept {
  return std::uniform_int_distribution<Nanos>(0, most)(random_);
}

}  // namespace creche::http

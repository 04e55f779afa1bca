// VirtualClock: a loop's clock that moves only when it is told to.
#pragma once
#include <atomic>
#include <cstdint>

#include "core/status.h"

namespace creche {

class VirtualClock {
 public:
  // Any thread.
  Nanos now() const noexcept { return now_.load(std::memory_order_acquire); }
  // Never back. With the lock of the loop's domain.
  void Set(Nanos point) noexcept {
    if (point > now()) now_.store(point, std::memory_order_release);
  }

 private:
  std::atomic<Nanos> now_{0};
};

}  // namespace creche

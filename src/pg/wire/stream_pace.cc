#include "pg/wire/stream_pace.h"

#include "platform/socket.h"

namespace creche::pg {

namespace {
constexpr int kMany = 32 * 1024;  // bytes: half of what fits into a socket at first
constexpr Nanos kSoon = kMillisecond;
constexpr uint32_t kOften = 4;
}  // namespace

void StreamPace::Got(size_t size) noexcept {
  const Nanos now = loop_.now();
  if (waits_ && size == 0) return Stop();
  if (!waits_) {
    quick_ = now - last_ < kSoon ? quick_ + 1 : 0;
    last_ = now;
    if (quick_ < kOften || !platform::SetLowWater(fd_, kMany)) return;
    waits_ = true;
  }
  if (!timer_.Arm(now + kSoon)) Stop();
}

void StreamPace::StopWaiting() noexcept {
  waits_ = false;
  timer_.Disarm();
  platform::SetLowWater(fd_, 1);
}

}  // namespace creche::pg

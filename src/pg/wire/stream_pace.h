// StreamPace: how often the rows of a stream are read. Who wakes for each few KiB takes the
// server's time, which sends faster when it is left alone for a moment. So once rows come without a
// pause the socket calls itself readable when many have come, and a timer looks for fewer of them.
// A stream that trickles is read at once, as anything else is. Loop's thread.
#pragma once
#include <cstddef>
#include <cstdint>

#include "core/loop.h"

namespace creche::pg {

class StreamPace {
 public:
  // look: to be called with `arg` when it is time to read whatever there is.
  StreamPace(Loop& loop, int fd, Timer::Fire look, void* arg) noexcept
      : loop_(loop), fd_(fd), timer_(loop, look, arg) {}
  // A look while a stream's rows come has brought `size` bytes; more will follow.
  void Got(size_t size) noexcept;
  // No stream is read any more, or not now.
  void Stop() noexcept {
    quick_ = 0;
    if (waits_) StopWaiting();
  }

 private:
  void StopWaiting() noexcept;
  Loop& loop_;
  const int fd_;
  Timer timer_;
  Nanos last_ = 0;      // when something came
  uint32_t quick_ = 0;  // how often that was soon after the time before
  bool waits_ = false;  // for many
};

}  // namespace creche::pg

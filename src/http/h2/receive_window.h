// ReceiveWindow: how much of a body may come unasked. It begins small, and is doubled while the
// server waits for it: while all of it comes, and is taken, within two round trips. So it ends
// between twice and four times what bandwidth and delay want, and a body that is read slowly holds
// little.
#pragma once
#include <cstddef>
#include <cstdint>

#include "core/status.h"

namespace creche::http {

class ReceiveWindow {
 public:
  static constexpr int32_t kFirst = 256 << 10;
  static constexpr int32_t kMost = 4 << 20;

  int32_t size() const noexcept { return size_; }
  // So many bytes have come and were taken at once. round_trip: kNever if it is not known. True:
  // size() has grown.
  bool Took(size_t bytes, Nanos now, Nanos round_trip) noexcept {
    if (taken_ == 0) since_ = now;
    taken_ += bytes;
    if (taken_ < static_cast<size_t>(size_)) return false;
    taken_ = 0;
    if (size_ == kMost || round_trip == kNever || now - since_ > 2 * round_trip) return false;
    size_ *= 2;
    return true;
  }
  // It was not taken at once: that says nothing of the network.
  void Restart() noexcept { taken_ = 0; }

 private:
  int32_t size_ = kFirst;
  size_t taken_ = 0;  // of the window that is measured
  Nanos since_ = 0;   // its first bytes
};

}  // namespace creche::http

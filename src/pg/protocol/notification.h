// What a server says unasked to who listens. Twin of creche_notification.
#pragma once
#include <cstddef>
#include <cstdint>

namespace creche::pg {

struct Notification {
  enum What : uint32_t { kNotification = 0, kStarted = 1, kGap = 2 };
  uint32_t what;
  uint32_t process;
  uint64_t dropped;
  const char* channel;
  const char* payload;
  size_t payload_size;
};

}  // namespace creche::pg

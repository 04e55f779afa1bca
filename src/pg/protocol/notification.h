// What a server says unasked to who listens. Twin of creche_notification.
#pragma once
#include <cstddef>
#include <cstdint>

#include "tasks/operation.h"

namespace creche::pg {

// CRECHE_NOTIFY: a kind of completion that nobody else makes.
inline constexpr auto kNotify = static_cast<tasks::What>(12);

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

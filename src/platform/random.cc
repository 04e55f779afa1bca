#include "platform/random.h"

#include <sys/random.h>
#include <unistd.h>

#include <ctime>

namespace creche::platform {

uint64_t Random64() noexcept {
  uint64_t random;
  if (getrandom(&random, sizeof random, GRND_NONBLOCK) == sizeof random) return random;
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  random = static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
  return random * 0x9e3779b97f4a7c15 ^ static_cast<uint64_t>(getpid());
}

}  // namespace creche::platform

#include "platform/peer.h"

#include <sys/socket.h>

namespace creche::platform {

Address PeerOf(int fd) noexcept {
  sockaddr_storage from;
  socklen_t size = sizeof from;
  if (getpeername(fd, reinterpret_cast<sockaddr*>(&from), &size) != 0) return Address();
  return Address::From(reinterpret_cast<sockaddr*>(&from), size);
}

}  // namespace creche::platform

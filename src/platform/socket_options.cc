#include "platform/socket_options.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace creche::platform {

const char* SocketOptions::Set(int fd, int family) const noexcept {
  const struct {
    int level, option, value;
    const char* name;
  } numbers[] = {
      {SOL_SOCKET, SO_SNDBUF, send_buffer, "send_buffer"},
      {SOL_SOCKET, SO_RCVBUF, receive_buffer, "receive_buffer"},
      {SOL_SOCKET, SO_KEEPALIVE, (keepalive_idle | keepalive_interval | keepalive_count) != 0,
       "keepalive"},
      {IPPROTO_TCP, TCP_KEEPIDLE, keepalive_idle, "keepalive_idle"},
      {IPPROTO_TCP, TCP_KEEPINTVL, keepalive_interval, "keepalive_interval"},
      {IPPROTO_TCP, TCP_KEEPCNT, keepalive_count, "keepalive_count"},
      {IPPROTO_TCP, TCP_USER_TIMEOUT, static_cast<int>(user_timeout), "user_timeout"},
  };
  for (const auto& n : numbers)
    if (n.value != 0 && (n.level == SOL_SOCKET || family != AF_UNIX) &&
        setsockopt(fd, n.level, n.option, &n.value, sizeof n.value) != 0)
      return n.name;
  if (!interface_name.empty() && family != AF_UNIX &&
      setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, interface_name.c_str(),
                 static_cast<socklen_t>(interface_name.size() + 1)) != 0)
    return "interface_name";
  return nullptr;
}

}  // namespace creche::platform

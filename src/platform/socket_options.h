// SocketOptions: what a user wants of sockets that are about to connect.
#pragma once
#include <string>

namespace creche::platform {

struct SocketOptions {
  // Of TCP's keep-alive, in seconds; 0: the system's, in all three: none.
  int keepalive_idle = 0;
  int keepalive_interval = 0;
  int keepalive_count = 0;
  unsigned user_timeout = 0;  // milliseconds; 0: the system's
  int send_buffer = 0;
  int receive_buffer = 0;
  std::string interface_name;

  // family: of the socket. Returns null, or the name of what the kernel refuses, with errno.
  const char* Set(int fd, int family) const noexcept;
};

}  // namespace creche::platform

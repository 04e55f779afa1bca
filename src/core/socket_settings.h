// SocketSettings: what a user wants of sockets that are about to connect, and who is told of each.
#pragma once
#include <cstdint>

#include "core/status.h"
#include "platform/socket_options.h"

namespace creche {

// creche_new_socket.
struct NewSocket {
  uint32_t size = sizeof(NewSocket);
  int32_t fd = -1;
  const char* address = nullptr;
};

struct SocketSettings {
  platform::SocketOptions options;
  int32_t (*opened)(void* user, const NewSocket* socket) = nullptr;  // null: nobody is told
  void* user = nullptr;
};

}  // namespace creche

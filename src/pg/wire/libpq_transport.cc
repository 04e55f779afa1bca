#include "pg/wire/libpq_transport.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "platform/socket.h"

namespace creche::pg {

ssize_t LibpqTransport::Receive(void* into, size_t capacity) noexcept {
  if (!tls_) return platform::ReceiveFrom(fd_, into, capacity);
  const platform::ExitHold::Inside inside(exit_hold_);
  return inside.ok() ? tls_.Read(into, capacity) : -EPROTO;
}

bool LibpqTransport::quiet() const noexcept {
  char byte;
  return !tls_.pending() && platform::ReceiveFrom(fd_, &byte, 1, MSG_PEEK) == -EAGAIN;
}

ssize_t LibpqTransport::Send(const void* data, size_t size) noexcept {
  if (tls_) {
    const platform::ExitHold::Inside inside(exit_hold_);
    return inside.ok() ? tls_.Write(data, size) : -EPROTO;
  }
  const iovec part{const_cast<void*>(data), size};
  return platform::SendOn(fd_, &part, 1);
}

void LibpqTransport::Cut() noexcept {
  if (fd_ >= 0) shutdown(fd_, SHUT_RDWR);
}

std::string TransportErrorText(ssize_t failed) {
  if (failed == -EPROTO) return "TLS failed";
  char text[128];
  return strerror_r(static_cast<int>(-failed), text, sizeof text);
}

}  // namespace creche::pg

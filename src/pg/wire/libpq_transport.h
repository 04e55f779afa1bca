// LibpqTransport: the socket, and the TLS on it, of a connection that somebody else (libpq) has
// opened and will close. In between, bytes go past him.
#pragma once
#include <sys/types.h>

#include <cstddef>
#include <string>

#include "platform/fork.h"
#include "platform/tls_borrowed.h"

namespace creche::pg {

class LibpqTransport {
 public:
  // fd: connected and non-blocking. ssl: an SSL* after its handshake, or null.
  LibpqTransport(int fd, void* ssl) noexcept : fd_(fd), tls_(ssl) {}

  // Bytes, 0 at the end, or -errno (-EAGAIN: nothing now).
  ssize_t Receive(void* into, size_t capacity) noexcept;
  // Bytes or -errno (-EAGAIN: nothing fits).
  ssize_t Send(const void* data, size_t size) noexcept;
  // True if there is nothing to receive now, not even the end. One system call.
  bool quiet() const noexcept;
  // True if Receive may have more though the socket will not say so.
  bool pending() const noexcept { return tls_.pending(); }
  // True if Receive waits until the socket can be written to.
  bool receive_wants_write() const noexcept { return tls_.read_wants_write(); }
  int fd() const noexcept { return fd_; }
  // Nothing more goes out, not even libpq's farewell.
  void Cut() noexcept;

 private:
  const int fd_;
  platform::BorrowedTls tls_;
  platform::ExitHold exit_hold_;
};

// "Connection reset by peer" for a negative result of the two.
std::string TransportErrorText(ssize_t failed);

}  // namespace creche::pg

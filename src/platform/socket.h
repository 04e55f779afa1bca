// Socket: owns one non-blocking, close-on-exec stream socket. No call blocks, raises SIGPIPE or is
// cut short by a signal.
#pragma once
#include <sys/types.h>
#include <sys/uio.h>

#include <cstddef>

#include "platform/address.h"
#include "platform/unique_fd.h"

namespace creche::platform {

// Sees a socket before it is bound and connects.
class NewSocketHook {
 public:
  // Returns 0, or an errno to give it up.
  virtual int OnSocket(int fd) noexcept = 0;

 protected:
  ~NewSocketHook() = default;
};

class Socket {
 public:
  Socket() = default;
  // Takes over a connected descriptor that is non-blocking and close-on-exec already.
  explicit Socket(UniqueFd fd) noexcept : fd_(std::move(fd)) {}

  // Makes a socket for the address and starts to connect. Returns 0 (connected), EINPROGRESS (watch
  // for writing, then call ConnectResult), EAGAIN (a Unix socket whose backlog is full: nothing
  // will report that it is free, so try again later) or another errno. from: the local address to
  // bind to, unless that is AF_UNSPEC or `to` a Unix path; of another family: EADDRNOTAVAIL.
  // hook: null: none.
  int Connect(const Address& to, const Address& from = {}, NewSocketHook* hook = nullptr) noexcept;
  // How a connect in progress has ended: 0 or an errno. Call it when the socket is writable.
  int ConnectResult() noexcept;

  // Sends what fits of the parts, in one call. Returns bytes or -errno (-EAGAIN: nothing fits).
  ssize_t Send(const iovec* parts, size_t count) noexcept;
  ssize_t Send(const void* data, size_t size) noexcept;
  // Returns bytes, 0 at the end, or -errno (-EAGAIN: nothing there).
  ssize_t Receive(void* into, size_t capacity) noexcept;
  // What Receive of one byte would return, without taking it.
  ssize_t Peek() noexcept;
  // Sends a FIN behind what was sent.
  void ShutdownSend() noexcept;
  void Close() noexcept { fd_.Reset(); }

  int fd() const noexcept { return fd_.get(); }
  explicit operator bool() const noexcept { return static_cast<bool>(fd_); }
  // The two ends; AF_UNSPEC if there are none.
  Address Peer() const noexcept;
  Address Local() const noexcept;

 private:
  UniqueFd fd_;
};

// The same for a descriptor that somebody else owns (OpenSSL's transport).
ssize_t SendOn(int fd, const iovec* parts, size_t count) noexcept;
ssize_t ReceiveFrom(int fd, void* into, size_t capacity, int flags = 0) noexcept;
// From now on it is readable when so many bytes have come, or the end. False if that cannot be.
bool SetLowWater(int fd, int bytes) noexcept;

}  // namespace creche::platform

#include "platform/socket.h"

#include <netinet/tcp.h>

#include <cerrno>

namespace creche::platform {

ssize_t SendOn(int fd, const iovec* parts, size_t count) noexcept {
  constexpr int kFlags = MSG_NOSIGNAL | MSG_DONTWAIT;
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(parts);  // sendmsg only reads it
  message.msg_iovlen = count;
  ssize_t n;
  // The kernel has less to copy and check for send.
  do
    n = count == 1 ? send(fd, parts->iov_base, parts->iov_len, kFlags)
                   : sendmsg(fd, &message, kFlags);
  while (n < 0 && errno == EINTR);
  return n < 0 ? -errno : n;
}

ssize_t ReceiveFrom(int fd, void* into, size_t capacity, int flags) noexcept {
  ssize_t n;
  do n = recv(fd, into, capacity, flags | MSG_DONTWAIT);
  while (n < 0 && errno == EINTR);
  return n < 0 ? -errno : n;
}

int Socket::Connect(const Address& to, const Address& from, NewSocketHook* hook) noexcept {
  UniqueFd fd(socket(to.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return errno;
  const int on = 1;
  // Requests are written whole: waiting for more to send would only cost time.
  if (to.family() != AF_UNIX) setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (const int refused = hook ? hook->OnSocket(fd.get()) : 0) return refused;
  if (to.family() != AF_UNIX) {
    if (from.family() != AF_UNSPEC) {
      if (from.family() != to.family()) return EADDRNOTAVAIL;
      // The port is chosen when both ends are known: so there are as many as for each server.
      setsockopt(fd.get(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
      if (bind(fd.get(), from.get(), from.size()) != 0) return errno;
    }
  }
  // A connect that a signal interrupts goes on by itself, as one in progress does.
  int failed = connect(fd.get(), to.get(), to.size()) == 0 ? 0 : errno;
  if (failed == EINTR) failed = EINPROGRESS;
  if (failed == 0 || failed == EINPROGRESS) fd_ = std::move(fd);
  return failed;
}

int Socket::ConnectResult() noexcept {
  int failed = 0;
  socklen_t size = sizeof failed;
  return getsockopt(fd(), SOL_SOCKET, SO_ERROR, &failed, &size) == 0 ? failed : errno;
}

ssize_t Socket::Send(const iovec* parts, size_t count) noexcept {
  return SendOn(fd(), parts, count);
}

ssize_t Socket::Send(const void* data, size_t size) noexcept {
  const iovec part{const_cast<void*>(data), size};
  return SendOn(fd(), &part, 1);
}

ssize_t Socket::Receive(void* into, size_t capacity) noexcept {
  return ReceiveFrom(fd(), into, capacity);
}

ssize_t Socket::Peek() noexcept {
  char byte;
  return ReceiveFrom(fd(), &byte, 1, MSG_PEEK);
}

void Socket::ShutdownSend() noexcept {
  const int saved = errno;
  shutdown(fd(), SHUT_WR);
  errno = saved;
}

Address Socket::Peer() const noexcept {
  sockaddr_storage from;
  socklen_t size = sizeof from;
  if (getpeername(fd(), reinterpret_cast<sockaddr*>(&from), &size) != 0) return Address();
  return Address::From(reinterpret_cast<sockaddr*>(&from), size);
}

Address Socket::Local() const noexcept {
  sockaddr_storage from;
  socklen_t size = sizeof from;
  if (getsockname(fd(), reinterpret_cast<sockaddr*>(&from), &size) != 0) return Address();
  return Address::From(reinterpret_cast<sockaddr*>(&from), size);
}

bool SetLowWater(int fd, int bytes) noexcept {
  const int saved = errno;
  const bool set = setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof bytes) == 0;
  errno = saved;
  return set;
}

}  // namespace creche::platform

#include "core/socket_transport.h"

#include <cerrno>
#include <new>
#include <utility>

namespace creche {

SocketTransport::SocketTransport(Loop& loop, platform::Socket socket)
    : loop_(loop), socket_(std::move(socket)) {}

SocketTransport::~SocketTransport() {
  const int saved = errno;
  watch_.Stop();
  errno = saved;
}

int SocketTransport::Open(Listener* listener) noexcept {
  listener_ = listener;
  reading_ = true;
  if (watch_.started()) return Watch();
  return watch_.Start(loop_.reactor(), socket_.fd(), platform::kRead, OnReady, this);
}

// Ends with the one call of the listener, which may destroy the transport. If both are due the
// watch, being level-triggered, says the other one again.
void SocketTransport::OnReady(void* transport, unsigned ready) noexcept {
  auto* self = static_cast<SocketTransport*>(transport);
  if ((ready & platform::kRead) == 0) return self->listener_->OnWritable();
  self->readable_ = true;
  self->listener_->OnReadable();
}

int SocketTransport::Watch() noexcept {
  return watch_.Set((reading_ ? platform::kRead : 0u) | (writing_ ? platform::kWrite : 0u));
}

IoResult SocketTransport::Read(void* into, size_t capacity) noexcept {
  if (broken_) return {Io::kFailed, 0};
  if (!readable_) return {Io::kLater, 0};
  const ssize_t n = socket_.Receive(into, capacity);
  // Less than there was room for: that was all. The end and failures are to be had again.
  readable_ = n == static_cast<ssize_t>(capacity) || n == 0;
  if (n > 0) return {Io::kOk, static_cast<size_t>(n)};
  if (n == 0) return {Io::kEnd, 0};
  if (n == -EAGAIN) return {Io::kLater, 0};
  broken_ = true;
  errno_ = static_cast<int>(-n);
  return {Io::kFailed, 0};
}

// After a failure what the peer has said is still to be had, though the watch has not said so yet.
IoResult SocketTransport::Write(const iovec* parts, size_t count) noexcept {
  size_t total = 0;
  for (size_t i = 0; i < count; i++) total += parts[i].iov_len;
  if (total == 0) return {Io::kOk, 0};
  IoResult result{Io::kLater, 0};
  if (const ssize_t n = socket_.Send(parts, count); n >= 0) {
    result = {Io::kOk, static_cast<size_t>(n)};
  } else if (n != -EAGAIN) {
    result.state = Io::kFailed;
    errno_ = static_cast<int>(-n);
    readable_ = true;
  }
  const bool left = result.state != Io::kFailed && result.size < total;
  if (left != writing_) {
    writing_ = left;
    if (const int failed = Watch()) {
      writing_ = !left;
      errno_ = failed;
      readable_ = true;
      result.state = Io::kFailed;
    }
  }
  return result;
}

void SocketTransport::PauseReading() noexcept {
  reading_ = false;
  Watch();  // taking a watch away does not fail
}

ErrorRef SocketTransport::ResumeReading() noexcept {
  reading_ = true;
  const int failed = Watch();
  return failed == 0 ? ErrorRef() : UnwatchedError(Phase::kBody, failed);
}

bool SocketTransport::IdleIsSound() noexcept {
  if (broken_) return false;
  if (socket_.Peek() == -EAGAIN) return true;
  readable_ = true;  // though the watch has not said so yet
  return false;
}

ErrorRef SocketTransport::Failure(Phase phase) const noexcept {
  try {
    if (errno_ == ENOMEM) return NoMemoryError();
    if (errno_ != 0)
      return MakeSystemError(Status::kDisconnected, phase, "the connection failed", errno_);
    return MakeError(Status::kDisconnected, phase, "the server closed the connection");
  } catch (const std::bad_alloc&) {
    return NoMemoryError();
  }
}

}  // namespace creche

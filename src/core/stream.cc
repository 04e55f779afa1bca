#include "core/stream.h"

#include <cerrno>
#include <cstring>
#include <new>
#include <utility>

namespace creche {

using platform::TlsResult;
using platform::TlsSession;
using platform::TlsState;

// What a plain stream need not carry.
struct Stream::Tls {
  explicit Tls(Stream* stream) : wake(stream->loop_, OnWake, stream) {}
  std::unique_ptr<TlsSession> session;
  Timer wake;  // armed while the session holds what the socket will not announce
  unsigned handshaking = platform::kNothing;  // what the handshake waits for
  bool reading_wants_write = false;           // a Read must answer something first
};

Stream::Stream(Loop& loop, platform::Socket socket) : loop_(loop), socket_(std::move(socket)) {}

Stream::~Stream() {
  const int saved = errno;
  if (tls_) tls_->session->SendCloseNotify();
  tls_.reset();
  watch_.Stop();
  errno = saved;
}

int Stream::Open(Listener* listener) noexcept {
  listener_ = listener;
  reading_ = true;
  return watch_.Start(loop_.reactor(), socket_.fd(), platform::kRead, OnReady, this);
}

const TlsSession* Stream::tls() const noexcept {
  return tls_ ? tls_->session.get() : nullptr;
}

// ---- Readiness ----
// Each of these ends with the one call of the listener, which may destroy the stream.

void Stream::OnReady(void* stream, unsigned ready) noexcept {
  auto* self = static_cast<Stream*>(stream);
  bool read = (ready & platform::kRead) != 0;
  if (read) self->readable_ = true;
  if (Tls* tls = self->tls_.get()) {
    if (read) tls->session->SocketReadable();
    if (tls->handshaking) return self->Handshake();
    if (tls->reading_wants_write) read = true;
  }
  // If both are due the watch, being level-triggered, says the other one again.
  if (read)
    self->listener_->OnReadable();
  else
    self->listener_->OnWritable();
}

void Stream::OnWake(void* stream) noexcept {
  static_cast<Stream*>(stream)->listener_->OnReadable();
}

int Stream::Watch() noexcept {
  if (tls_ && tls_->handshaking) return watch_.Set(tls_->handshaking);
  const bool write = writing_ || (tls_ && tls_->reading_wants_write);
  return watch_.Set((reading_ ? platform::kRead : 0u) | (write ? platform::kWrite : 0u));
}

bool Stream::WakeIfPending() noexcept {
  if (reading_ && tls_->session->pending()) return tls_->wake.Arm(loop_.now());
  tls_->wake.Disarm();
  return true;
}

IoResult Stream::Fail(int failed, size_t moved) noexcept {
  errno_ = failed;
  return {Io::kFailed, moved};
}

// ---- TLS ----

ErrorRef Stream::StartTls(std::shared_ptr<platform::TlsContext> context, const std::string& host,
                          uint16_t port, bool resume) noexcept {
  try {
    platform::TlsFailure failure;
    auto tls = std::make_unique<Tls>(this);
    tls->session = TlsSession::Open(std::move(context), socket_.fd(), host, port, &failure, resume);
    if (!tls->session) {
      if (failure.text.empty()) return NoMemoryError();
      return MakeError(Status::kTls, Phase::kTls, std::move(failure.text));
    }
    // A quick server may have answered already. If all is said, for good or bad, the next turn
    // tells it: the socket is writable then.
    const TlsState state = tls->session->Handshake();
    tls->handshaking = state == TlsState::kWantRead ? platform::kRead : platform::kWrite;
    tls_ = std::move(tls);
    return Watch() == 0 ? ErrorRef() : NoMemoryError();
  } catch (const std::bad_alloc&) {
    return NoMemoryError();
  }
}

void Stream::Handshake() noexcept {
  const TlsState state = tls_->session->Handshake();
  const bool waits = state == TlsState::kWantRead || state == TlsState::kWantWrite;
  tls_->handshaking = state == TlsState::kWantRead    ? platform::kRead
                      : state == TlsState::kWantWrite ? platform::kWrite
                                                      : platform::kNothing;
  // After a failure nothing is watched any more.
  reading_ = state == TlsState::kDone;
  ErrorRef error;
  if (Watch() != 0 || (!waits && !WakeIfPending()))
    error = NoMemoryError();
  else if (waits)
    return;
  else if (state != TlsState::kDone)
    error = Failure(Phase::kTls);
  tls_->handshaking = platform::kNothing;
  listener_->OnHandshakeDone(std::move(error));
}

IoResult Stream::ReadTls(void* into, size_t capacity) noexcept {
  const TlsResult result = tls_->session->Read(into, capacity);
  const bool wants_write = result.state == TlsState::kWantWrite;
  if (wants_write != tls_->reading_wants_write) {
    tls_->reading_wants_write = wants_write;
    if (const int failed = Watch()) return Fail(failed);
  }
  if (!WakeIfPending()) return Fail(ENOMEM);
  switch (result.state) {
    case TlsState::kDone:
      return {Io::kOk, result.size};
    case TlsState::kWantRead:
    case TlsState::kWantWrite:
      return {Io::kLater, 0};
    case TlsState::kEnd:
      return {Io::kEnd, 0};
    case TlsState::kTruncated:
      return {Io::kTruncated, 0};
    case TlsState::kFailed:
      break;
  }
  return Fail(0);
}

IoResult Stream::WriteTls(const iovec* parts, size_t count) noexcept {
  const TlsResult result = tls_->session->Write(parts, count);
  if (result.state == TlsState::kDone) return {Io::kOk, result.size};
  if (result.state == TlsState::kWantWrite) return {Io::kLater, 0};
  return Fail(0, result.size);
}

// ---- Reading and writing ----

IoResult Stream::Read(void* into, size_t capacity) noexcept {
  if (tls_) return ReadTls(into, capacity);
  if (broken_) return {Io::kFailed, 0};
  if (!readable_) return {Io::kLater, 0};
  const ssize_t n = socket_.Receive(into, capacity);
  // Less than there was room for: that was all. The end and failures are to be had again.
  readable_ = n == static_cast<ssize_t>(capacity) || n == 0;
  if (n > 0) return {Io::kOk, static_cast<size_t>(n)};
  if (n == 0) return {Io::kEnd, 0};
  if (n == -EAGAIN) return {Io::kLater, 0};
  broken_ = true;
  return Fail(static_cast<int>(-n));
}

IoResult Stream::Write(const iovec* parts, size_t count) noexcept {
  size_t total = 0;
  for (size_t i = 0; i < count; i++) total += parts[i].iov_len;
  if (total == 0) return {Io::kOk, 0};
  IoResult result{Io::kLater, 0};
  if (tls_) {
    result = WriteTls(parts, count);
  } else if (const ssize_t n = socket_.Send(parts, count); n >= 0) {
    result = {Io::kOk, static_cast<size_t>(n)};
  } else if (n != -EAGAIN) {
    result = Fail(static_cast<int>(-n));
  }
  // What the peer said before it broke off is still to be had, though the watch has not said so
  // yet.
  if (result.state == Io::kFailed) readable_ = true;
  const bool left = result.state != Io::kFailed && result.size < total;
  if (left != writing_) {
    writing_ = left;
    if (const int failed = Watch()) return Fail(failed, result.size);
  }
  return result;
}

IoResult Stream::Write(const void* data, size_t size) noexcept {
  const iovec part{const_cast<void*>(data), size};
  return Write(&part, 1);
}

void Stream::PauseReading() noexcept {
  reading_ = false;
  Watch();  // taking a watch away does not fail
  if (tls_) tls_->wake.Disarm();
}

ErrorRef Stream::ResumeReading() noexcept {
  reading_ = true;
  const bool ok = Watch() == 0 && (!tls_ || WakeIfPending());
  return ok ? ErrorRef() : NoMemoryError();
}

bool Stream::IdleIsSound() noexcept {
  if (!tls_) return !broken_ && socket_.Peek() == -EAGAIN;
  if (tls_->handshaking) return false;
  const bool quiet = tls_->session->Quiet();
  if (quiet) tls_->wake.Disarm();
  return quiet;
}

ErrorRef Stream::Failure(Phase phase) const noexcept {
  try {
    if (tls_ && errno_ == 0 && tls_->session->failure().no_memory) return NoMemoryError();
    if (tls_ && errno_ == 0 && !tls_->session->failure().text.empty()) {
      const platform::TlsFailure& failure = tls_->session->failure();
      return MakeError({.status = failure.verify != 0    ? Status::kTlsVerify
                                  : failure.disconnected ? Status::kDisconnected
                                                         : Status::kTls,
                        .phase = phase,
                        .message = failure.text,
                        .system_errno = failure.system_errno,
                        .tls_verify = failure.verify});
    }
    if (errno_ == ENOMEM) return NoMemoryError();
    if (errno_ != 0)
      return MakeSystemError(Status::kDisconnected, phase, "the connection failed", errno_);
    return MakeError(Status::kDisconnected, phase, "the server closed the connection");
  } catch (const std::bad_alloc&) {
    return NoMemoryError();
  }
}

}  // namespace creche

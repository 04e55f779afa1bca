#include "core/tls_transport.h"

#include <cerrno>
#include <new>
#include <utility>

namespace creche {

using platform::TlsResult;
using platform::TlsSession;
using platform::TlsState;

namespace {
// A failure below as OpenSSL's side takes it.
ssize_t Failed(const Transport& lower) {
  const int failed = lower.failed_errno();
  return -(failed != 0 ? failed : EPROTO);
}
}  // namespace

TlsTransport::TlsTransport(Loop& loop, std::unique_ptr<Transport> lower)
    : loop_(loop), lower_(std::move(lower)), wake_(loop, OnWake, this) {}

TlsTransport::~TlsTransport() {
  const int saved = errno;
  if (session_) session_->SendCloseNotify();
  session_.reset();
  errno = saved;
}

// ---- Below ----

ssize_t TlsTransport::Receive(void* into, size_t capacity) noexcept {
  const IoResult result = lower_->Read(into, capacity);
  switch (result.state) {
    case Io::kOk:
      return static_cast<ssize_t>(result.size);
    case Io::kLater:
      return -EAGAIN;
    case Io::kEnd:
    case Io::kTruncated:
      return 0;
    case Io::kFailed:
      break;
  }
  return Failed(*lower_);
}

ssize_t TlsTransport::Send(const void* data, size_t size) noexcept {
  const iovec part{const_cast<void*>(data), size};
  const IoResult result = lower_->Write(&part, 1);
  // What went out before a failure counts; the next call says it again.
  if (result.size > 0) return static_cast<ssize_t>(result.size);
  if (result.state == Io::kOk) return 0;
  return result.state == Io::kLater ? -EAGAIN : Failed(*lower_);
}

// Each of these ends with the one call of a listener, which may destroy the transport.

void TlsTransport::OnReadable() noexcept {
  session_->LowerReadable();
  if (handshake_) return Handshake();
  if (!reading_) return lower_->PauseReading();  // not open yet
  listener_->OnReadable();
}

void TlsTransport::OnWritable() noexcept {
  if (handshake_) return Handshake();
  // Both may wait for room, and what one of them writes may be the last that there is to be said of
  // it: then who reads is told in a turn of its own.
  if (read_wants_write_ && !(write_waits_ && wake_.Arm(loop_.now())))
    return listener_->OnReadable();
  listener_->OnWritable();
}

void TlsTransport::OnWake(void* transport) noexcept {
  auto* self = static_cast<TlsTransport*>(transport);
  if (self->handshake_) return self->Handshake();
  self->listener_->OnReadable();
}

bool TlsTransport::WakeIfPending() noexcept {
  if (reading_ && session_->pending()) return wake_.Arm(loop_.now());
  wake_.Disarm();
  return true;
}

// ---- The handshake ----

ErrorRef TlsTransport::StartHandshake(std::shared_ptr<platform::TlsContext> context,
                                      const std::string& host, uint16_t port, bool resume,
                                      HandshakeListener* listener, std::string_view alpn) noexcept {
  platform::TlsFailure failure;
  session_ = TlsSession::Open(std::move(context), this, host, port, &failure, resume, alpn);
  try {
    if (!session_) {
      if (failure.text.empty()) return NoMemoryError();
      return MakeError(Status::kTls, Phase::kTls, std::move(failure.text));
    }
  } catch (const std::bad_alloc&) {
    return NoMemoryError();
  }
  if (const int failed = lower_->Open(this)) {
    errno_ = failed;
    return Failure(Phase::kTls);
  }
  handshake_ = listener;
  // A quick server may have answered already. If all is said, for good or bad, the next turn tells.
  const TlsState state = session_->Handshake();
  const bool waits = state == TlsState::kWantRead || state == TlsState::kWantWrite;
  if (state == TlsState::kWantWrite) lower_->PauseReading();
  return waits || wake_.Arm(loop_.now()) ? ErrorRef() : NoMemoryError();
}

void TlsTransport::Handshake() noexcept {
  const TlsState state = session_->Handshake();
  ErrorRef error;
  if (state == TlsState::kWantRead || state == TlsState::kWantWrite) {
    // Only for what is missing, or what comes meanwhile would be announced again and again.
    if (state == TlsState::kWantWrite)
      lower_->PauseReading();
    else if (!lower_->reading())
      error = lower_->ResumeReading();
    if (!error) return;
  } else if (state != TlsState::kDone) {
    error = Failure(Phase::kTls);
  }
  if (error) lower_->PauseReading();  // nobody would listen
  wake_.Disarm();                     // Open arms it again if there is something
  std::exchange(handshake_, nullptr)->OnHandshakeDone(std::move(error));
}

// ---- Reading and writing ----

int TlsTransport::Open(Transport::Listener* listener) noexcept {
  listener_ = listener;
  const ErrorRef error = ResumeReading();
  if (!error) return 0;
  return error->fields().system_errno != 0 ? error->fields().system_errno : ENOMEM;
}

IoResult TlsTransport::Read(void* into, size_t capacity) noexcept {
  const TlsResult result = session_->Read(into, capacity);
  read_wants_write_ = result.state == TlsState::kWantWrite;
  if (!WakeIfPending()) {
    errno_ = ENOMEM;
    return {Io::kFailed, 0};
  }
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
  errno_ = 0;
  return {Io::kFailed, 0};
}

IoResult TlsTransport::Write(const iovec* parts, size_t count) noexcept {
  const TlsResult result = session_->Write(parts, count);
  size_t total = 0;
  for (size_t i = 0; i < count; i++) total += parts[i].iov_len;
  write_waits_ = result.size < total;
  if (result.state == TlsState::kDone) return {Io::kOk, result.size};
  if (result.state == TlsState::kWantWrite) return {Io::kLater, 0};
  errno_ = 0;
  return {Io::kFailed, result.size};
}

void TlsTransport::PauseReading() noexcept {
  reading_ = false;
  lower_->PauseReading();
  wake_.Disarm();
}

ErrorRef TlsTransport::ResumeReading() noexcept {
  reading_ = true;
  if (ErrorRef error = lower_->ResumeReading()) return error;
  return WakeIfPending() ? ErrorRef() : NoMemoryError();
}

bool TlsTransport::IdleIsSound() noexcept {
  if (handshake_) return false;
  const bool quiet = session_->Quiet();
  if (quiet) wake_.Disarm();
  return quiet;
}

ErrorRef TlsTransport::Failure(Phase phase) const noexcept {
  try {
    if (errno_ == ENOMEM) return NoMemoryError();
    if (errno_ != 0)
      return MakeSystemError(Status::kDisconnected, phase, "the connection failed", errno_);
    const platform::TlsFailure& failure = session_->failure();
    if (failure.no_memory || failure.system_errno == ENOMEM) return NoMemoryError();
    if (failure.text.empty())
      return MakeError(Status::kDisconnected, phase, "the server closed the connection");
    return MakeError({.status = failure.verify != 0    ? Status::kTlsVerify
                                : failure.disconnected ? Status::kDisconnected
                                                       : Status::kTls,
                      .phase = phase,
                      .message = failure.text,
                      .system_errno = failure.system_errno,
                      .tls_verify = failure.verify});
  } catch (const std::bad_alloc&) {
    return NoMemoryError();
  }
}

}  // namespace creche

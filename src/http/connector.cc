#include "http/connector.h"

namespace creche::http {

namespace {
std::string Seconds(Nanos duration) {
  const Nanos ms = duration / kMillisecond;
  return ms % 1000 == 0 ? std::to_string(ms / 1000) + " s" : std::to_string(ms) + " ms";
}
}  // namespace

Connector::Connector(Loop& loop, Resolver& resolver, TlsConfig* tls, Listener* listener)
    : loop_(loop),
      resolver_(resolver),
      tls_source_(tls),
      listener_(listener),
      timer_(
          loop, [](void* self) noexcept { static_cast<Connector*>(self)->OnTimeout(); }, this),
      dialer_(loop, *this, &resolver.history()) {}

void Connector::Start(const Url& url, const Timeouts& timeouts) noexcept {
  try {
    host_ = url.dial_host();
    authority_ = url.authority();
    port_ = url.port();
    timeouts_ = timeouts;
    if (tls_source_) {
      auto known = tls_source_->Get(this);
      if (!known.ok()) return Fail(known.error());
      tls_ = std::move(known).value();
    }
    Resolve();
  } catch (const std::bad_alloc&) {
    Fail(NoMemoryError());
  }
}

void Connector::Resolve() {
  Enter(Phase::kDns, timeouts_.dns);
  if (auto known = resolver_.Resolve(host_, port_, this)) OnResolved(std::move(*known));
}

void Connector::Enter(Phase phase, Nanos timeout) noexcept {
  phase_ = phase;
  // Without memory for the timer there is no timeout; the connection may still come.
  [[maybe_unused]] const bool armed = timer_.Arm(After(loop_.now(), timeout));
}

void Connector::Fail(ErrorRef error) noexcept {
  timer_.Disarm();
  listener_->OnConnectFailed(std::move(error));
}

void Connector::OnResolved(Result<Addresses> answer) noexcept {
  if (!answer.ok()) return Fail(answer.error());
  Enter(Phase::kConnect, timeouts_.connect);
  try {
    if (dialer_.Start(authority_, answer.value(), timeouts_.connect)) return;
  } catch (const std::bad_alloc&) {
  }
  Fail(NoMemoryError());
}

void Connector::OnDialFailed(ErrorRef error) noexcept {
  resolver_.Forget(host_);  // it may have moved
  Fail(std::move(error));
}

void Connector::OnDialed(platform::Socket socket) noexcept {
  dialed_ = std::move(socket);
  if (!tls_source_) return Shake();
  Enter(Phase::kTls, timeouts_.tls);
  if (tls_) Shake();  // else it comes with OnTls
}

void Connector::OnTls(const Result<TlsContextRef>& made) noexcept {
  if (!made.ok()) return Fail(made.error());
  tls_ = made.value();
  if (dialed_) Shake();
}

// The socket is there, and so is what TLS needs.
void Connector::Shake() noexcept {
  ErrorRef error;
  try {
    stream_ = std::make_unique<Stream>(loop_, std::move(dialed_));
    if (const int failed = stream_->Open(this))
      return Fail(MakeSystemError(Status::kSystem, Phase::kConnect, "watching a socket", failed));
    if (!tls_) {
      timer_.Disarm();
      return listener_->OnConnected(std::move(stream_));
    }
    error = stream_->StartTls(tls_, host_, port_, resume_);
  } catch (const std::bad_alloc&) {
    error = NoMemoryError();
  }
  if (error) Fail(std::move(error));
}

void Connector::OnHandshakeDone(ErrorRef error) noexcept {
  if (error) {
    // Some servers break off when a session is offered that they have forgotten. Nothing of the
    // request was sent, so another connection without it is safe.
    const bool refused =
        error->status() == Status::kTls || error->status() == Status::kDisconnected;
    if (refused && stream_->tls()->offered()) return ShakeAgain();
    return Fail(std::move(error));
  }
  if (!resume_) stream_->tls()->AvoidResuming();
  timer_.Disarm();
  listener_->OnConnected(std::move(stream_));
}

void Connector::ShakeAgain() noexcept {
  resume_ = false;
  stream_.reset();
  try {
    Resolve();
  } catch (const std::bad_alloc&) {
    Fail(NoMemoryError());
  }
}

void Connector::OnTimeout() noexcept {
  try {
    std::string message;
    switch (phase_) {
      case Phase::kDns:
        message = "the name " + host_ + " was not resolved in " + Seconds(timeouts_.dns) +
                  ": check the resolver, or raise timeouts.dns";
        break;
      case Phase::kConnect:
        resolver_.Forget(host_);
        message = "no connection to " + authority_ + " in " + Seconds(timeouts_.connect) + " (" +
                  dialer_.Tried() + "): check that it is up, or raise timeouts.connect";
        break;
      default:
        message = "no TLS handshake with " + authority_ + " in " + Seconds(timeouts_.tls) +
                  ": check that it speaks TLS, or raise timeouts.tls";
        break;
    }
    Fail(MakeError(Status::kTimeout, phase_, std::move(message)));
  } catch (const std::bad_alloc&) {
    Fail(NoMemoryError());
  }
}

}  // namespace creche::http

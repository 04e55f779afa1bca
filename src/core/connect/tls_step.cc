#include "core/connect/tls_step.h"

#include <algorithm>
#include <new>
#include <utility>

namespace creche {

ErrorRef TlsStep::Prepare() {
  auto known = config_.Get(this);
  if (!known.ok()) return known.error();
  context_ = std::move(known).value();
  return nullptr;
}

void TlsStep::Start(Connecting* so_far, Listener* listener) {
  so_far_ = so_far;
  listener_ = listener;
  if (no_context_) return listener->OnStepFailed(no_context_);
  if (context_) StartHandshake();  // else it comes with OnTls
}

void TlsStep::OnTls(const Result<TlsContextRef>& made) noexcept {
  if (made.ok())
    context_ = made.value();
  else
    no_context_ = made.error();
  if (!listener_) return;
  if (no_context_) return listener_->OnStepFailed(no_context_);
  StartHandshake();
}

// One address of several has half of what is left, so that there is some for the next.
Nanos TlsStep::TimeFor(const Connecting& so_far) noexcept {
  began_ = loop_.now();
  return left_ == kNever || so_far.addresses.size() < 2 ? left_ : left_ / 2;
}

void TlsStep::Drop() noexcept {
  transport_.reset();
  address_ = {};
  if (left_ != kNever) left_ = std::max<Nanos>(left_ - (loop_.now() - began_), 1);
}

void TlsStep::StartHandshake() noexcept {
  ErrorRef error;
  address_ = so_far_->addresses.size() > 1 ? so_far_->transport->Peer() : platform::Address();
  try {
    transport_ = std::make_unique<TlsTransport>(loop_, std::move(so_far_->transport));
    error = transport_->StartHandshake(context_, host_, port_, resume_, this, alpn_);
  } catch (const std::bad_alloc&) {
    error = NoMemoryError();
  }
  if (error) listener_->OnStepFailed(std::move(error));
}

void TlsStep::OnHandshakeDone(ErrorRef error) noexcept {
  if (!error) {
    if (!resume_) transport_->tls()->AvoidResuming();
    so_far_->transport = std::move(transport_);
    return listener_->OnStepDone();
  }
  // Some servers break off when a session is offered that they have forgotten. Nothing of a request
  // was sent, so another connection without it is safe.
  const bool refused = error->status() == Status::kTls || error->status() == Status::kDisconnected;
  if (!refused || !transport_->tls()->offered()) return listener_->OnStepFailed(std::move(error));
  resume_ = false;
  transport_.reset();
  std::exchange(listener_, nullptr)->OnStepWantsAnew();
}

ErrorRef TlsStep::TimedOut(const Connecting&) {
  const bool v6 = host_.find(':') != std::string::npos;
  return TimeoutError(
      "no TLS handshake with " + (v6 ? "[" + host_ + "]" : host_) + ":" + std::to_string(port_),
      ": check that it speaks TLS");
}

}  // namespace creche

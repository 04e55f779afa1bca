// TlsStep: a TLS handshake on the transport that is there, with the name it was dialled by.
#pragma once
#include "core/connect/step.h"
#include "core/connect/tls_config.h"
#include "core/tls_transport.h"

namespace creche {

class TlsStep final : public ConnectStep,
                      private TlsConfig::Waiter,
                      private TlsTransport::HandshakeListener {
 public:
  // server: its name for SNI and the certificate, and its port. config: outlives the step. alpn:
  // see TlsSession::Open; a static text.
  TlsStep(Loop& loop, TlsConfig& config, std::string host, uint16_t port, Limit limit,
          std::string_view alpn = {})
      : ConnectStep(Phase::kTls, limit),
        loop_(loop),
        config_(config),
        host_(std::move(host)),
        port_(port),
        alpn_(alpn),
        left_(limit.time) {}
  // Has the certificates read meanwhile.
  ErrorRef Prepare() override;
  void Start(Connecting* so_far, Listener* listener) override;
  ErrorRef TimedOut(const Connecting& so_far) override;
  const platform::Address* blamed() const noexcept override {
    return address_.family() != AF_UNSPEC ? &address_ : nullptr;
  }
  void Drop() noexcept override;
  Nanos TimeFor(const Connecting& so_far) noexcept override;

 private:
  void OnTls(const Result<TlsContextRef>& made) noexcept override;
  void OnHandshakeDone(ErrorRef error) noexcept override;
  void StartHandshake() noexcept;

  Loop& loop_;
  TlsConfig& config_;
  const std::string host_;
  const uint16_t port_;
  const std::string_view alpn_;
  TlsContextRef context_;  // null while it is being made
  ErrorRef no_context_;    // why there will be none
  std::unique_ptr<TlsTransport> transport_;
  bool resume_ = true;  // offer a session; not after a handshake has failed with one
  // Of several addresses: the one it is at, since when, and the time that is left for all.
  platform::Address address_;
  Nanos began_ = 0;
  Nanos left_;
  Connecting* so_far_ = nullptr;
  Listener* listener_ = nullptr;  // once it is started
};

}  // namespace creche

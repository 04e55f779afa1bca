// Connector: opens one connection: name, TCP, TLS, each under a timeout of its own. Loop's thread
// only. Destroying it gives up.
#pragma once
#include <memory>
#include <string>

#include "core/dialer.h"
#include "core/resolver.h"
#include "core/stream.h"
#include "http/request.h"
#include "http/tls_config.h"

namespace creche::http {

class Connector final : private Resolver::Query,
                        private TlsConfig::Waiter,
                        private Dialer::Listener,
                        private Stream::Listener {
 public:
  class Listener {
   public:
    virtual void OnConnected(std::unique_ptr<Stream> stream) noexcept = 0;
    virtual void OnConnectFailed(ErrorRef error) noexcept = 0;

   protected:
    ~Listener() = default;
  };

  // tls: for https; else null.
  Connector(Loop& loop, Resolver& resolver, TlsConfig* tls, Listener* listener);

  // The listener is told once; perhaps inside, and may destroy the connector.
  void Start(const Url& url, const Timeouts& timeouts) noexcept;
  Phase phase() const { return phase_; }

 private:
  void OnResolved(Result<Addresses> answer) noexcept override;
  void OnDialed(platform::Socket socket) noexcept override;
  void OnDialFailed(ErrorRef error) noexcept override;
  void OnTls(const Result<TlsContextRef>& made) noexcept override;
  void OnReadable() noexcept override {}
  void OnWritable() noexcept override {}
  void OnHandshakeDone(ErrorRef error) noexcept override;
  void Resolve();
  void Shake() noexcept;
  void ShakeAgain() noexcept;
  void Enter(Phase phase, Nanos timeout) noexcept;
  void OnTimeout() noexcept;
  void Fail(ErrorRef error) noexcept;

  Loop& loop_;
  Resolver& resolver_;
  TlsConfig* const tls_source_;
  TlsContextRef tls_;  // null while it is being made
  Listener* const listener_;
  std::string host_;
  std::string authority_;
  uint16_t port_ = 0;
  Timeouts timeouts_;
  Phase phase_ = Phase::kDns;
  Timer timer_;
  Dialer dialer_;
  platform::Socket dialed_;  // while it waits for tls_
  std::unique_ptr<Stream> stream_;
  bool resume_ = true;  // offer a TLS session; not after a handshake has failed with one
};

}  // namespace creche::http

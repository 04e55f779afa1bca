// ProxyStep: a tunnel through an https proxy, to whatever it speaks: by HTTP/2 a stream of a
// connection that is there, or is opened for all who come (RFC 9113, 8.5); by HTTP/1.1 a connection
// of its own, as TunnelStep makes it.
#pragma once
#include <memory>
#include <string>

#include "core/connect/tunnel_step.h"
#include "http/pool.h"
#include "http/request.h"
#include "http/tunnel_auth.h"

namespace creche::http {

class ProxyStep final : public ConnectStep,
                        private ConnectStep::Listener,
                        private Checkout,
                        private Exchange::Listener {
 public:
  // target: "host:port". tls: that of the proxy; what is a request's own may go before this.
  // timeouts: for the way to the proxy, and for its answer. May throw bad_alloc.
  ProxyStep(Loop& loop, Pool& pool, ProxyRef proxy, std::string target, TlsConfig& tls,
            const Timeouts& timeouts, Watch* watch);
  ~ProxyStep() override;

 private:
  struct Place;
  void Start(Connecting* so_far, ConnectStep::Listener* listener) override;
  ErrorRef TimedOut(const Connecting&) override;

  // By HTTP/1.1.
  void OnStepDone() noexcept override;
  void OnStepFailed(ErrorRef error) noexcept override { Fail(std::move(error)); }
  void OnStepWantsAnew() noexcept override;

  void OnReserved(Reservation reservation, bool reused) noexcept override;
  void OnOpening() noexcept override {}
  void OnOpenFailed(Phase phase, ErrorRef error) noexcept override;
  BodySink* OnHead(bool has_body) noexcept override;
  bool OnReceived() noexcept override;
  bool OnPull(uint64_t) noexcept override { return false; }  // it has no body
  bool OnSent() noexcept override { return true; }
  void OnEnd(ErrorRef error) noexcept override;

  void Reserve();
  void Ask();
  bool AsksAgain();
  void TakeEnd(const ErrorRef& error);
  void Stop() noexcept;
  void Fail(ErrorRef error) noexcept;
  void OnTimer() noexcept;
  Route RouteToIt() const noexcept;

  Loop& loop_;
  Pool& pool_;
  const ProxyRef proxy_;
  const std::string target_;
  const std::unique_ptr<TlsConfig> own_tls_;  // null: that of the session
  TlsConfig& tls_;
  const Url url_;  // of the proxy
  const std::string key_;
  const Timeouts timeouts_;
  const Ref<Watch> watch_;
  const std::shared_ptr<TunnelAuth> auth_;
  TunnelStep by_http1_;
  Timer timer_;
  Connecting* so_far_ = nullptr;
  ConnectStep::Listener* listener_ = nullptr;  // while it is at work
  Reservation reservation_;
  Request request_;
  ResponseHead head_;
  Attempt attempt_;
  Exchange* exchange_ = nullptr;
  int tries_ = 0;
  bool fresh_ = false;  // no connection that others have used: one has proved to be dead
};

}  // namespace creche::http

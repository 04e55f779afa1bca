#include "http/network_opener.h"

#include <new>

#include "core/connect/dial_step.h"
#include "core/connect/resolve_step.h"
#include "core/connect/tls_step.h"
#include "http/h1/h1_connection.h"

namespace creche::http {

namespace {

Connecting StartOf(const Route& route) {
  return {.host = route.url.dial_host(),
          .port = route.url.port(),
          .authority = std::string(route.url.authority())};
}

Connector::Steps StepsOf(Loop& loop, Resolver& resolver, const Route& route,
                         const Timeouts& timeouts) {
  using Limit = ConnectStep::Limit;
  Connector::Steps steps;
  steps.push_back(std::make_unique<ResolveStep>(resolver, Limit{timeouts.dns, "timeouts.dns"}));
  steps.push_back(
      std::make_unique<DialStep>(loop, resolver, Limit{timeouts.connect, "timeouts.connect"}));
  if (route.url.https())
    steps.push_back(std::make_unique<TlsStep>(loop, *route.tls, route.url.dial_host(),
                                              route.url.port(),
                                              Limit{timeouts.tls, "timeouts.tls"}));
  return steps;
}

}  // namespace

class NetworkOpener::NetworkOpening final : public Opening, private Connector::Listener {
 public:
  NetworkOpening(IoContext& io, Resolver& resolver, const Route& route, const Timeouts& timeouts,
                 Opener::Listener* listener)
      : io_(io),
        listener_(listener),
        connector_(io.loop, StartOf(route), StepsOf(io.loop, resolver, route, timeouts), this) {}
  void Start() noexcept override { connector_.Start(); }
  Phase phase() const noexcept override { return connector_.phase(); }

 private:
  void OnConnected(std::unique_ptr<Transport> transport) noexcept override {
    io_.counters.connects.Add();
    std::unique_ptr<Connection> connection;
    try {
      connection = std::make_unique<H1Connection>(io_, std::move(transport));
    } catch (const std::bad_alloc&) {
      return listener_->OnOpenFailed(NoMemoryError());
    }
    listener_->OnOpened(std::move(connection));
  }
  void OnConnectFailed(ErrorRef error) noexcept override {
    listener_->OnOpenFailed(std::move(error));
  }

  IoContext& io_;
  Opener::Listener* const listener_;
  Connector connector_;
};

std::unique_ptr<Opener::Opening> NetworkOpener::Open(const Route& route, const Timeouts& timeouts,
                                                     Listener* listener) {
  return std::make_unique<NetworkOpening>(io_, resolver_, route, timeouts, listener);
}

}  // namespace creche::http

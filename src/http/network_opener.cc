#include "http/network_opener.h"

#include <new>

#include "core/connect/dial_step.h"
#include "core/connect/resolve_step.h"
#include "core/connect/socks_step.h"
#include "core/connect/tls_step.h"
#include "core/connect/tunnel_step.h"
#include "http/h1/h1_connection.h"

namespace creche::http {

namespace {

// "host:port" as messages and CONNECT say it: an IPv6 address in brackets and without its zone.
std::string HostAndPort(const Url& url) {
  const bool v6 = url.host().find(':') != std::string_view::npos;
  std::string text(url.host());
  if (v6) text = "[" + text + "]";
  return text + ":" + std::to_string(url.port());
}

Connecting StartOf(const Route& route) {
  if (!route.way)
    return {.host = route.url.dial_host(),
            .port = route.url.port(),
            .authority = std::string(route.url.authority())};
  const Proxy& proxy = *route.way->proxy;
  return {.host = proxy.host, .port = proxy.port, .authority = "the proxy " + proxy.shown};
}

// What a proxy is asked for a tunnel with: nothing of the request but where it goes.
std::string ConnectHead(const Url& url, const Proxy& proxy) {
  const std::string target = HostAndPort(url);
  std::string head = "CONNECT " + target + " HTTP/1.1\r\nHost: " + target + "\r\n";
  proxy.AppendFields(0, &head);
  return head += "\r\n";
}

using Limit = ConnectStep::Limit;

// From the proxy to the server.
void AddProxySteps(Loop& loop, Resolver& resolver, const Route& route, const Timeouts& timeouts,
                   Connector::Steps* steps) {
  const Proxy& proxy = *route.way->proxy;
  const Limit limit{timeouts.proxy, "timeouts.proxy"};
  if (proxy.kind == Proxy::Kind::kHttps)
    steps->push_back(std::make_unique<TlsStep>(loop, *route.tls, proxy.host, proxy.port,
                                               Limit{timeouts.tls, "timeouts.tls"}));
  if (route.way->forwards) return;
  const std::string target = HostAndPort(route.url);
  if (!proxy.socks()) {
    steps->push_back(std::make_unique<TunnelStep>(ConnectHead(route.url, proxy), nullptr,
                                                  proxy.shown, target, limit));
    return;
  }
  const bool here = proxy.kind == Proxy::Kind::kSocks5;
  if (here)
    steps->push_back(std::make_unique<ResolveStep>(
        resolver, route.url.dial_host(), route.url.port(), Limit{timeouts.dns, "timeouts.dns"}));
  steps->push_back(
      std::make_unique<SocksStep>(SocksStep::To{.host = std::string(route.url.host()),
                                                .port = route.url.port(),
                                                .resolved = here,
                                                .user = proxy.credentials.user,
                                                .password = proxy.credentials.password,
                                                .credentials = proxy.credentials.given},
                                  proxy.shown, target, limit));
}

Connector::Steps StepsOf(Loop& loop, Resolver& resolver, const Route& route,
                         const Timeouts& timeouts) {
  Connector::Steps steps;
  steps.push_back(std::make_unique<ResolveStep>(resolver, Limit{timeouts.dns, "timeouts.dns"}));
  steps.push_back(
      std::make_unique<DialStep>(loop, resolver, Limit{timeouts.connect, "timeouts.connect"}));
  if (route.way) AddProxySteps(loop, resolver, route, timeouts, &steps);
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

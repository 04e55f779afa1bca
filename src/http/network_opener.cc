#include "http/network_opener.h"

#include <new>

#include "core/connect/dial_step.h"
#include "core/connect/given_step.h"
#include "core/connect/public_step.h"
#include "core/connect/resolve_step.h"
#include "core/connect/socks_step.h"
#include "core/connect/tls_step.h"
#include "core/connect/tunnel_step.h"
#include "http/h1/h1_connection.h"
#include "http/h2/h2_connection.h"
#include "http/proxy_pool.h"
#include "http/proxy_step.h"
#include "http/tunnel_auth.h"
#include "http/watch.h"
#include "platform/tls_session.h"
#include "tasks/log.h"

namespace creche::http {

namespace {

// "host:port" as messages and CONNECT say it: an IPv6 address in brackets and without its zone.
std::string HostAndPort(const Url& url) {
  const bool v6 = url.host().find(':') != std::string_view::npos;
  std::string text(url.host());
  if (v6) text = "[" + text + "]";
  return text + ":" + std::to_string(url.port());
}

using Limit = ConnectStep::Limit;

// What a server is offered by ALPN; "": what the settings of TLS say.
std::string_view OfferOf(Protocols protocols) {
  switch (protocols) {
    case Protocols::kNegotiated:
      return "\x02h2\x08http/1.1";
    case Protocols::kHttp2:
      return "\x02h2";
    default:
      return {};
  }
}

// The addresses of a host, in so_far or for a later step: those it is mapped to, or the resolver's.
std::unique_ptr<ConnectStep> Addressing(Resolver& resolver, const RoutePlan& plan,
                                        const std::string& host, uint16_t port, Limit limit) {
  const HostMap::Entry* mapped = plan.hosts.empty() ? nullptr : plan.hosts.Find(host, port);
  if (!mapped) return std::make_unique<ResolveStep>(resolver, host, port, limit);
  if (!mapped->name.empty())
    return std::make_unique<ResolveStep>(resolver, mapped->name,
                                         mapped->name_port != 0 ? mapped->name_port : port, limit);
  Addresses addresses = mapped->addresses;
  for (platform::Address& address : addresses)
    if (address.port() == 0) address.set_port(port);
  return std::make_unique<GivenStep>(std::move(addresses));
}

// Whom to dial. What the user has mapped is where he wants it to be, as proxies are.
void AddTarget(Resolver& resolver, const RoutePlan& plan, const std::string& host, uint16_t port,
               bool is_server, Limit limit, Connector::Steps* steps) {
  steps->push_back(Addressing(resolver, plan, host, port, limit));
  const bool mapped = !plan.hosts.empty() && plan.hosts.Find(host, port);
  if (plan.public_only && is_server && !mapped) steps->push_back(std::make_unique<PublicStep>());
}

}  // namespace

NetworkOpener::NetworkOpener(IoContext& io, Resolver& resolver, const RoutePlan& plan,
                             const Options& options)
    : io_(io), resolver_(resolver), plan_(plan), options_(options) {}

NetworkOpener::~NetworkOpener() = default;

Connecting NetworkOpener::StartOf(const Route& route) const {
  const Proxy* proxy = route.way ? route.way->proxy.get() : nullptr;
  if (proxy)
    return {.host = proxy->host, .port = proxy->port, .authority = "the proxy " + proxy->shown};
  std::string shown = options_.to_proxies ? "the proxy " : "";
  shown.append(route.url.authority());
  if (route.way) shown = "unix:" + route.way->unix_path;
  return {.host = route.url.dial_host(), .port = route.url.port(), .authority = std::move(shown)};
}

// From the proxy to the server.
void NetworkOpener::AddProxySteps(const Route& route, const Timeouts& timeouts,
                                  Connector::Steps* steps) {
  const Proxy& proxy = *route.way->proxy;
  const Limit limit{timeouts.proxy, "timeouts.proxy"};
  if (proxy.kind == Proxy::Kind::kHttps)
    steps->push_back(
        std::make_unique<TlsStep>(io_.loop, options_.proxy_tls ? *options_.proxy_tls : *route.tls,
                                  proxy.host, proxy.port, Limit{timeouts.tls, "timeouts.tls"}));
  if (route.way->forwards) return;
  const std::string target = HostAndPort(route.url);
  if (!proxy.socks()) {
    auto auth = std::make_shared<TunnelAuth>(route.way->proxy, target);
    steps->push_back(std::make_unique<TunnelStep>(
        [auth] { return auth->Opening(); },
        [auth](int status, std::string_view head) { return auth->Again(status, head); },
        proxy.shown, target, limit));
    return;
  }
  const bool here = proxy.kind == Proxy::Kind::kSocks5;
  if (here)
    AddTarget(resolver_, plan_, std::string(route.url.dial_host()), route.url.port(), true,
              Limit{timeouts.dns, "timeouts.dns"}, steps);
  steps->push_back(
      std::make_unique<SocksStep>(SocksStep::To{.host = std::string(route.url.host()),
                                                .port = route.url.port(),
                                                .resolved = here,
                                                .user = proxy.credentials.user,
                                                .password = proxy.credentials.password,
                                                .credentials = proxy.credentials.given},
                                  proxy.shown, target, limit));
}

Connector::Steps NetworkOpener::StepsOf(const Route& route, const Timeouts& timeouts) {
  Connector::Steps steps;
  const Proxy* const proxy = route.way ? route.way->proxy.get() : nullptr;
  // What may be asked for by HTTP/2 may go there by it.
  const bool shares = proxy && proxy->kind == Proxy::Kind::kHttps && !route.way->forwards &&
                      route.protocols != Protocols::kHttp1;
  if (shares) {
    if (!proxies_)
      proxies_ = std::make_unique<ProxyPool>(io_.loop, resolver_, plan_, options_.keepalive);
    steps.push_back(std::make_unique<ProxyStep>(
        io_.loop, proxies_->pool(), route.way->proxy, HostAndPort(route.url),
        options_.proxy_tls ? *options_.proxy_tls : *route.tls, timeouts, route.watch));
  } else {
    const Connecting start = StartOf(route);
    const Limit dns{timeouts.dns, "timeouts.dns"};
    if (route.way && !route.way->unix_path.empty())
      steps.push_back(
          std::make_unique<GivenStep>(Addresses{*platform::Address::Unix(route.way->unix_path)}));
    else
      AddTarget(resolver_, plan_, start.host, start.port, !proxy && !options_.to_proxies, dns,
                &steps);
    steps.push_back(std::make_unique<DialStep>(io_.loop, resolver_,
                                               Limit{timeouts.connect, "timeouts.connect"},
                                               &plan_.local, plan_.sockets.get()));
    if (proxy) AddProxySteps(route, timeouts, &steps);
  }
  if (route.url.https())
    steps.push_back(std::make_unique<TlsStep>(io_.loop, *route.tls, route.url.dial_host(),
                                              route.url.port(), Limit{timeouts.tls, "timeouts.tls"},
                                              OfferOf(route.protocols)));
  return steps;
}

class NetworkOpener::NetworkOpening final : public Opening, private Connector::Listener {
 public:
  NetworkOpening(NetworkOpener& opener, const Route& route, const Timeouts& timeouts,
                 Opener::Listener* listener)
      : io_(opener.io_),
        listener_(listener),
        protocols_(route.protocols),
        https_(route.url.https()),
        hook_(opener.options_.hook),
        watch_(route.watch ? Ref<Watch>::Share(route.watch) : nullptr),
        connector_(io_.loop, opener.StartOf(route), opener.StepsOf(route, timeouts), this) {}
  void Start() noexcept override { connector_.Start(); }
  Phase phase() const noexcept override { return connector_.phase(); }

 private:
  void OnConnected(std::unique_ptr<Transport> transport) noexcept override {
    io_.counters.connects.Add();
    std::unique_ptr<Connection> connection;
    try {
      const platform::TlsSession* const tls = https_ ? transport->tls() : nullptr;
      const bool agreed = tls && tls->alpn() == "h2";
      if (protocols_ == Protocols::kHttp2 && tls && tls->asks_alpn() && !agreed)
        return listener_->OnOpenFailed(MakeError(
            Status::kTls, Phase::kTls,
            "the server did not agree to speak HTTP/2: allow CRECHE_HTTP_1_1 for it, too"));
      const bool h2 = protocols_ == Protocols::kHttp2 || agreed;
      auto info = ConnectionInfo::Of(*transport, io_.counters.connects.get(), times_, h2 ? 2 : 1);
      if (h2)
        connection = std::make_unique<H2Connection>(io_, std::move(transport));
      else
        connection = std::make_unique<H1Connection>(io_, std::move(transport));
      tasks::Log(io_.loop, tasks::LogLevel::kDebug, tasks::LogEvent::kConnected, 0,
                 "a connection is open", [&](tasks::LogRecord* record) {
                   record->Add("peer", info->peer);
                   record->Add("connection", static_cast<int64_t>(io_.counters.connects.get()));
                 });
      connection->set_info(std::move(info));
      connection->set_told(&io_.loop, hook_);
    } catch (const std::bad_alloc&) {
      return listener_->OnOpenFailed(NoMemoryError());
    }
    listener_->OnOpened(std::move(connection));
  }
  void OnConnectFailed(ErrorRef error) noexcept override {
    tasks::Log(io_.loop, tasks::LogLevel::kWarn, tasks::LogEvent::kConnectFailed, 0,
               "no connection could be opened",
               [&](tasks::LogRecord* record) { record->AddError(*error); });
    listener_->OnOpenFailed(std::move(error));
  }
  void OnPhaseBegun(Phase phase) noexcept override {
    if (watch_) watch_->StepBegun(phase);
  }
  void OnPhaseDone(Phase phase, Nanos time) noexcept override {
    io_.counters.timings.AddStep(phase, time);
    times_.Add(phase, time);
    if (watch_) watch_->StepDone(phase, time);
  }

  IoContext& io_;
  Opener::Listener* const listener_;
  const Protocols protocols_;
  const bool https_;
  const Hook* const hook_;
  const Ref<Watch> watch_;
  OpeningTimes times_;
  Connector connector_;
};

std::unique_ptr<Opener::Opening> NetworkOpener::Open(const Route& route, const Timeouts& timeouts,
                                                     Listener* listener) {
  return std::make_unique<NetworkOpening>(*this, route, timeouts, listener);
}

}  // namespace creche::http

// NetworkOpener: makes connections over the network: name, TCP, TLS where the route says so; they
// speak HTTP/1.1 or, where it may be, HTTP/2.
#pragma once
#include "core/connect/connector.h"
#include "core/resolver.h"
#include "http/io_context.h"
#include "http/opener.h"
#include "http/route_plan.h"

namespace creche::http {

struct Hook;
class ProxyPool;

class NetworkOpener final : public Opener {
 public:
  struct Options {
    const Hook* hook = nullptr;      // told of connections that are closed; or null
    TlsConfig* proxy_tls = nullptr;  // for https proxies; null: that of the routes
    Nanos keepalive = kNever;        // of connections to them that carry no tunnel
    bool to_proxies = false;         // what the routes lead to are proxies themselves
  };
  // plan: its mapped hosts and local address.
  NetworkOpener(IoContext& io, Resolver& resolver, const RoutePlan& plan, const Options& options);
  ~NetworkOpener();
  std::unique_ptr<Opening> Open(const Route& route, const Timeouts& timeouts,
                                Listener* listener) override;

 private:
  class NetworkOpening;
  Connector::Steps StepsOf(const Route& route, const Timeouts& timeouts);
  void AddProxySteps(const Route& route, const Timeouts& timeouts, Connector::Steps* steps);
  Connecting StartOf(const Route& route) const;
  IoContext& io_;
  Resolver& resolver_;
  const RoutePlan& plan_;
  const Options options_;
  std::unique_ptr<ProxyPool> proxies_;  // once one may speak HTTP/2
};

}  // namespace creche::http

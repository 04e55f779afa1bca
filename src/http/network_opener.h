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

class NetworkOpener final : public Opener {
 public:
  // plan: its mapped hosts and local address. hook: told of connections that are closed; or null.
  // proxy_tls: for https proxies; null: that of the routes.
  NetworkOpener(IoContext& io, Resolver& resolver, const RoutePlan& plan,
                const Hook* hook = nullptr, TlsConfig* proxy_tls = nullptr)
      : io_(io), resolver_(resolver), plan_(plan), hook_(hook), proxy_tls_(proxy_tls) {}
  std::unique_ptr<Opening> Open(const Route& route, const Timeouts& timeouts,
                                Listener* listener) override;

 private:
  class NetworkOpening;
  IoContext& io_;
  Resolver& resolver_;
  const RoutePlan& plan_;
  const Hook* const hook_;
  TlsConfig* const proxy_tls_;
};

}  // namespace creche::http

// ProxyPool: connections to https proxies that may speak HTTP/2. Tunnels share them: one stream
// each. They count for no limit of the session's, as what goes through them does. Loop's thread
// only.
#pragma once
#include "http/counters.h"
#include "http/io_context.h"
#include "http/network_opener.h"
#include "http/pool.h"

namespace creche::http {

class ProxyPool {
 public:
  // keepalive: of a connection without tunnels. May throw bad_alloc.
  ProxyPool(Loop& loop, Resolver& resolver, const RoutePlan& plan, Nanos keepalive)
      : io_(loop, counters_, RequestDefaults()),
        opener_(io_, resolver, plan, {.to_proxies = true}),
        pool_(loop, {.total = 0, .keepalive = keepalive}, counters_, opener_) {}
  Pool& pool() noexcept { return pool_; }

 private:
  Counters counters_;
  IoContext io_;
  NetworkOpener opener_;
  Pool pool_;
};

}  // namespace creche::http

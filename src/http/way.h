// Way: how one request gets to its server where its URL alone does not say it. Immutable.
#pragma once
#include <string>

#include "http/proxy.h"
#include "http/url.h"

namespace creche::http {

struct Way final : RefCounted {
  Way(ProxyRef by, const Url& url, bool upgrades)
      : proxy(std::move(by)),
        forwards(proxy && !proxy->socks() && !url.https() && !upgrades),
        key(proxy->key) {
    // What a proxy forwards may be for any server; a tunnel ends at one.
    if (!forwards) key.append(url.origin());
  }

  const ProxyRef proxy;
  const bool forwards;  // the proxy is asked for the URL, and makes a request of its own
  std::string key;      // of the pool
};

using WayRef = Ref<const Way>;

}  // namespace creche::http

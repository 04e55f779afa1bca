// Way: how one request gets to its server where its URL alone does not say it. Immutable.
#pragma once
#include <string>
#include <utility>

#include "http/proxy.h"
#include "http/url.h"

namespace creche::http {

struct Way final : RefCounted {
  // By a proxy. tunnel: the connection speaks
  // what a proxy cannot forward.
  Way(ProxyRef by, const Url& url, bool tunnel)
      : proxy(std::move(by)),
        forwards(!proxy->socks() && !url.https() && !tunnel),
        key(proxy->key) {
    // What a proxy forwards may be for any server; a tunnel ends at one.
    if (!forwards) key.append(url.origin());
  }
  // By a Unix socket.
  Way(std::string path, const Url& url)
      : unix_path(std::move(path)), key("unix:" + unix_path + "\n" + std::string(url.origin())) {}

  const ProxyRef proxy;         // or null
  const std::string unix_path;  // or ""
  const bool forwards = false;  // the proxy is asked for the URL, and makes a request of its own
  std::string key;              // of the pool
};

using WayRef = Ref<const Way>;

}  // namespace creche::http

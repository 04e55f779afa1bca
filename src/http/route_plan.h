// RoutePlan: how the requests of a session get to their servers, unless they say otherwise
// themselves. Immutable.
#pragma once
#include <memory>
#include <string>

#include "core/socket_settings.h"
#include "http/host_map.h"
#include "http/no_proxy.h"
#include "http/proxy.h"
#include "http/url.h"

namespace creche::http {

struct RoutePlan {
  ProxyRef http;   // for http URLs; null: none
  ProxyRef https;  // for https URLs
  NoProxy no_proxy;
  HeaderList proxy_headers;  // for a request's own proxy, too
  std::string unix_path;     // in place of all proxies
  HostMap hosts;
  platform::Address local;                        // to bind to; AF_UNSPEC: any
  std::shared_ptr<const SocketSettings> sockets;  // null: none
  bool public_only = false;                       // connect to no private address

  bool straight() const { return !http && !https && unix_path.empty(); }
  // The proxy for a URL; or null.
  const ProxyRef& ProxyFor(const Url& url) const {
    static const ProxyRef kNone;
    const ProxyRef& proxy = url.https() ? https : http;
    return proxy && !no_proxy.Matches(url.host(), url.port()) ? proxy : kNone;
  }
  // Takes what the environment says, where nothing else was given: http_proxy, https_proxy,
  // all_proxy and no_proxy, the latter three in capitals, too (HTTP_PROXY is what a header field
  // "Proxy" is called in a CGI program). Fails with kInvalid.
  Result<void> TakeEnvironment(bool no_proxy_given);
};

}  // namespace creche::http

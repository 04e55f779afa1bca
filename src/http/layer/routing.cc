#include "http/layer/routing.h"

namespace creche::http {

Next RoutingLayer::Choose(Request& request) const {
  const OwnRoute& own = request.route;
  request.way = nullptr;
  // What the request says goes before all that the session does.
  const bool none = own.proxy || own.straight;
  const std::string& path = own.unix_path.empty() && !none ? plan_.unix_path : own.unix_path;
  if (!path.empty()) {
    request.way = MakeRef<Way>(path, request.url);
  } else if (const ProxyRef& proxy = none ? own.proxy : plan_.ProxyFor(request.url)) {
    request.way = MakeRef<Way>(proxy, request.url, own.upgrades || request.versions == kVersion2);
  }
  // What a user says to the proxy is for no server.
  request.to_proxy = request.way && request.way->forwards;
  request.hide_proxy_authorization = !request.to_proxy;
  return Next::kGo;
}

}  // namespace creche::http

#include "http/layer/routing.h"

namespace creche::http {

Next RoutingLayer::Choose(Request& request) const {
  const OwnRoute& own = request.route;
  const ProxyRef& proxy = own.proxy || own.straight ? own.proxy : plan_.ProxyFor(request.url);
  request.way = nullptr;
  if (proxy) request.way = MakeRef<Way>(proxy, request.url, own.upgrades);
  // What a user says to the proxy is for no server.
  request.to_proxy = request.way && request.way->forwards;
  request.hide_proxy_authorization = !request.to_proxy;
  return Next::kGo;
}

}  // namespace creche::http

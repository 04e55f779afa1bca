#include "http/layer/routing.h"

#include "core/host_name.h"
#include "platform/public_address.h"

namespace creche::http {

namespace {

// What the text of a URL alone gives away; 127.1 and the like are no names, whatever a proxy takes
// them for.
bool IsPublicByName(const Url& url) {
  if (const auto address = platform::Address::Literal(url.dial_host()))
    return platform::IsPublic(*address);
  return !IsLocalhost(url.host()) && WhatIsWrongWithHostName(url.host()).empty();
}

// A proxy that resolves names itself could be told any: who resolves here looks at the addresses.
bool ReachesPrivate(const Way& way, const Url& url) {
  return way.proxy && way.proxy->kind != Proxy::Kind::kSocks5 && !IsPublicByName(url);
}

}  // namespace

Next RoutingLayer::Choose(CallState& call) const {
  Request& request = call.request;
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
  if (plan_.public_only && request.way && ReachesPrivate(*request.way, request.url)) {
    call.failure = MakeError(Status::kUrl, Phase::kConnect,
                             std::string(request.url.authority()) +
                                 " is a private address, which CRECHE_SESSION_PUBLIC_ONLY refuses",
                             kUnsent);
    return Next::kFail;
  }
  // What a user says to the proxy is for no server.
  request.to_proxy = request.way && request.way->forwards;
  request.hide_proxy_authorization = !request.to_proxy;
  return Next::kGo;
}

}  // namespace creche::http

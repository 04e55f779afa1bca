#include "capi/http_routes.h"

#include <string_view>

#include "capi/http_headers.h"

namespace creche::capi {

namespace {

bool IsDirect(std::string_view proxy) {
  return proxy == "direct";
}

// What stands in a field that only the connection to the proxy has.
constexpr uint32_t kNotForProxies =
    http::Bit(http::Known::kContentLength) | http::Bit(http::Known::kTransferEncoding) |
    http::Bit(http::Known::kHost) | http::Bit(http::Known::kConnection);

}  // namespace

creche_status ReadRoutes(const creche_session_options& o, http::RoutePlan* plan) {
  if (creche_status failed = CheckHeaders(o.proxy_headers, o.proxy_headers_count, "proxy_headers"))
    return failed;
  if (auto r = TakeHeaders(o.proxy_headers, o.proxy_headers_count, &plan->proxy_headers); !r.ok())
    return Fail(Status::kInvalid, "proxy_headers: %s", r.error()->message());
  if ((plan->proxy_headers.known() & kNotForProxies) != 0)
    return Fail(Status::kInvalid,
                "proxy_headers: Host, Connection, Content-Length and Transfer-Encoding are the "
                "library's to write");
  if (o.no_proxy) plan->no_proxy = http::NoProxy(o.no_proxy);
  if (o.proxy && !IsDirect(o.proxy)) {
    auto proxy = http::Proxy::Parse(o.proxy, plan->proxy_headers);
    if (!proxy.ok()) return Fail(Status::kInvalid, "proxy: %s", proxy.error()->message());
    plan->http = plan->https = std::move(proxy).value();
  }
  if (o.unix_path) {
    if (o.proxy && !IsDirect(o.proxy))
      return Fail(Status::kInvalid, "unix_path and proxy: a request has one way only");
    if (!platform::Address::Unix(o.unix_path))
      return Fail(Status::kInvalid, "unix_path is empty or longer than 107 bytes");
    plan->unix_path = o.unix_path;
  }
  if (!o.hosts && o.hosts_count > 0)
    return Fail(Status::kInvalid, "hosts is NULL, hosts_count not 0");
  for (size_t i = 0; i < o.hosts_count; i++) {
    if (!o.hosts[i].host || !o.hosts[i].to)
      return Fail(Status::kInvalid, "hosts[%zu] has a NULL", i);
    if (auto r = plan->hosts.Add(o.hosts[i].host, o.hosts[i].to); !r.ok())
      return Fail(Status::kInvalid, "hosts[%zu]: %s", i, r.error()->message());
  }
  if (o.local_address) {
    const auto local = platform::Address::Literal(o.local_address);
    if (!local) return Fail(Status::kInvalid, "local_address is no IP address");
    plan->local = *local;
  }
  if (creche_status failed = ReadSocketOptions(o.sockets, &plan->sockets)) return failed;
  if (!o.proxy && (o.flags & CRECHE_SESSION_ENV_PROXY) != 0) {
    if (auto r = plan->TakeEnvironment(o.no_proxy != nullptr); !r.ok())
      return Fail(Status::kInvalid, "%s", r.error()->message());
  }
  return CRECHE_OK;
}

Result<void> TakeRoute(const creche_request_options& o, const http::RoutePlan& plan,
                       http::OwnRoute* route) {
  if (o.unix_path) {
    if (!platform::Address::Unix(o.unix_path) || (o.proxy && !IsDirect(o.proxy)))
      return MakeError(Status::kInvalid, Phase::kOptions,
                       "unix_path is empty, longer than 107 bytes, or beside a proxy");
    route->unix_path = o.unix_path;
    return {};
  }
  if (!o.proxy) return {};
  if (IsDirect(o.proxy)) {
    route->straight = true;
    return {};
  }
  auto proxy = http::Proxy::Parse(o.proxy, plan.proxy_headers);
  if (!proxy.ok()) return proxy.error();
  route->proxy = std::move(proxy).value();
  return {};
}

}  // namespace creche::capi

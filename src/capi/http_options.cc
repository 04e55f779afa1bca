#include "capi/http_options.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "capi/http_auth.h"
#include "capi/http_headers.h"
#include "capi/http_routes.h"
#include "capi/open_close.h"
#include "core/connect/tls_settings.h"
#include "http/query.h"
#include "http/url_join.h"

namespace creche::capi {

template <>
creche_session_options Defaults() noexcept {
  const http::SessionSettings d;
  creche_session_options o{};
  o.size = sizeof o;
  o.limit = d.limits.total;
  o.limit_per_host = d.limits.per_route;
  o.max_waiting = d.limits.max_waiting;
  o.max_redirects = d.max_redirects;
  o.max_header_bytes = d.max_header_bytes;
  o.dns_ttl_ms = static_cast<uint32_t>(d.dns_ttl / kMillisecond);
  o.max_body = d.max_body;
  o.keepalive = d.limits.keepalive;
  o.user_agent = "libcreche/0.1.0";
  return o;
}

template <>
creche_request_options Defaults() noexcept {
  creche_request_options o{};
  o.size = sizeof o;
  o.max_redirects = CRECHE_DEFAULT;
  return o;
}

namespace {

// Each phase, by its place in both structs.
struct TimeoutField {
  int64_t creche_http_timeouts::*given;
  Nanos http::Timeouts::*kept;
  const char* name;
};
constexpr TimeoutField kTimeouts[] = {
    {&creche_http_timeouts::pool, &http::Timeouts::pool, "pool"},
    {&creche_http_timeouts::dns, &http::Timeouts::dns, "dns"},
    {&creche_http_timeouts::connect, &http::Timeouts::connect, "connect"},
    {&creche_http_timeouts::tls, &http::Timeouts::tls, "tls"},
    {&creche_http_timeouts::send, &http::Timeouts::send, "send"},
    {&creche_http_timeouts::first_byte, &http::Timeouts::first_byte, "first_byte"},
    {&creche_http_timeouts::read_gap, &http::Timeouts::read_gap, "read_gap"},
    {&creche_http_timeouts::proxy, &http::Timeouts::proxy, "proxy"},
};

creche_status CheckTimeouts(const creche_http_timeouts& given) {
  for (const TimeoutField& f : kTimeouts)
    if (given.*f.given < 0)
      return Fail(Status::kInvalid, "timeouts.%s is negative; it counts nanoseconds", f.name);
  return CRECHE_OK;
}

creche_status CheckVersions(uint32_t versions) {
  if (versions & ~uint32_t{CRECHE_HTTP_1_1 | CRECHE_HTTP_2})
    return Fail(Status::kUnsupported, "versions is %u; use CRECHE_HTTP_1_1, CRECHE_HTTP_2 or both",
                versions);
  return CRECHE_OK;
}

// 0 keeps what is there.
void TakeTimeouts(const creche_http_timeouts& given, http::Timeouts* timeouts) {
  for (const TimeoutField& f : kTimeouts)
    if (given.*f.given != 0) timeouts->*f.kept = given.*f.given;
}

creche_status CheckParams(const creche_param* params, size_t count) {
  if (!params && count > 0) return Fail(Status::kInvalid, "params is NULL, params_count not 0");
  for (size_t i = 0; i < count; i++) {
    if (!params[i].name) return Fail(Status::kInvalid, "params[%zu].name is NULL", i);
    if (!params[i].value && params[i].value_size > 0)
      return Fail(Status::kInvalid, "params[%zu].value is NULL, its size not 0", i);
  }
  return CRECHE_OK;
}

creche_status CheckNames(const char* names) {
  std::string_view list = names ? names : "";
  std::string_view name;
  while (!list.empty() && http::NextElement(&list, &name))
    if (!http::IsToken(name))
      return Fail(Status::kInvalid, "private_headers holds what is no name of a header");
  return CRECHE_OK;
}

// The URL of a request: a relative one joined to the session's base, with its parameters.
Result<http::Url> ReadUrl(std::string_view text, const creche_request_options& o,
                          const http::SessionSettings& session, http::LastUrl* urls) {
  const bool relative = !session.base_url.empty() && http::UrlScheme(text).empty();
  if (!relative && o.params_count == 0) return urls->Parse(text);
  std::string url = relative ? http::JoinUrl(session.base_url, text) : std::string(text);
  if (o.params_count == 0) return urls->Parse(url);
  url.resize(std::min(url.find('#'), url.size()));
  for (size_t i = 0; i < o.params_count; i++) {
    const creche_param& p = o.params[i];
    std::optional<std::string_view> value;
    if (p.value) value = std::string_view(p.value, p.value_size);
    http::AppendParam(p.name, value, &url);
  }
  return http::Url::Parse(url);
}

// The user's own Expect header.
bool ExpectsByItself(const http::Request& r, const http::SessionSettings& session) {
  const http::HeaderList& own = r.headers;
  const http::HeaderList& all = session.defaults.headers;
  if (((own.known() | all.known()) & http::Bit(http::Known::kExpect)) == 0) return false;
  const bool is_own = own.Has(http::Known::kExpect);
  return http::SameName((is_own ? own : all).Find(http::Known::kExpect), "100-continue");
}

}  // namespace

// {0}: none.
static creche_status FindTls(creche_tls tls, TlsContextRef* context) {
  if (tls.id == 0) return CRECHE_OK;
  creche_status failed = CRECHE_OK;
  if (const Ref<TlsSettings> found = Find<TlsSettings>(tls.id, &failed))
    *context = found->context();
  return failed;
}

// Watching, pacing, redirects, and how long names are known.
static creche_status ReadPolicies(const creche_session_options& o,
                                  http::SessionSettings* settings) {
  if (creche_status failed = ReadWatch(o.watch, &settings->hook)) return failed;
  if (creche_status failed = ReadMiddleware(o.middleware, &settings->middleware)) return failed;
  if (o.rate_interval < 0) return Fail(Status::kInvalid, "rate_interval is negative");
  if (o.rate_per_host == 0 && (o.rate_interval != 0 || o.burst_per_host != 0))
    return Fail(Status::kInvalid, "rate_per_host is 0: there is no rate to be had");
  settings->host_rate = {.requests = o.rate_per_host,
                         .per = o.rate_interval != 0 ? o.rate_interval : kSecond,
                         .burst = o.burst_per_host != 0 ? o.burst_per_host : 1};
  const bool no_downgrade = (o.flags & CRECHE_SESSION_NO_DOWNGRADE) != 0;
  if (no_downgrade || o.redirect_hosts) {
    auto rules = MakeRef<http::RedirectRules>();
    rules->no_downgrade = no_downgrade;
    rules->listed = o.redirect_hosts != nullptr;
    if (o.redirect_hosts) rules->hosts = http::NoProxy(o.redirect_hosts);
    settings->redirect_rules = std::move(rules);
  }
  if (creche_status failed = CheckNames(o.private_headers)) return failed;
  if (o.private_headers) settings->defaults.private_headers = o.private_headers;
  settings->defaults.headers.MarkPrivate(settings->defaults.privates());
  settings->routes.public_only = (o.flags & CRECHE_SESSION_PUBLIC_ONLY) != 0;
  if (o.dns_negative_ttl_ms != 0) settings->dns_negative_ttl = o.dns_negative_ttl_ms * kMillisecond;
  settings->dns_stale = o.dns_stale_ms * kMillisecond;
  return CRECHE_OK;
}

creche_status ReadSession(const creche_session_options* given, http::SessionSettings* settings) {
  creche_session_options o;
  if (creche_status failed = ReadOptions(
          given, &o,
          CRECHE_SESSION_INSECURE | CRECHE_SESSION_NO_DECODE | CRECHE_SESSION_LENIENT |
              CRECHE_SESSION_FAIL_ON_STATUS | CRECHE_SESSION_NO_RETRY | CRECHE_SESSION_ENV_PROXY |
              CRECHE_SESSION_NETRC | CRECHE_SESSION_NO_DOWNGRADE | CRECHE_SESSION_PUBLIC_ONLY,
          "creche_session_options"))
    return failed;
  if (creche_status failed = CheckQueue(o.queue)) return failed;
  if (creche_status failed = CheckTimeouts(o.timeouts)) return failed;
  if (creche_status failed = CheckHeaders(o.headers, o.headers_count)) return failed;
  if (o.keepalive < 0) return Fail(Status::kInvalid, "keepalive is negative");
  if (o.max_lifetime < 0) return Fail(Status::kInvalid, "max_lifetime is negative");
  if (o.reserved2 != 0 || o.reserved3 != 0)
    return Fail(Status::kUnsupported, "a reserved field is set; leave it 0");
  if (creche_status failed = CheckVersions(o.versions)) return failed;
  if (o.versions != 0) settings->versions = static_cast<uint8_t>(o.versions);
  if (o.max_header_bytes == 0) return Fail(Status::kInvalid, "max_header_bytes is 0");
  if (auto r = TakeHeaders(o.headers, o.headers_count, &settings->defaults.headers); !r.ok())
    return Fail(Status::kInvalid, "headers: %s", r.error()->message());
  if (settings->defaults.headers.Has(http::Known::kContentLength) ||
      settings->defaults.headers.Has(http::Known::kTransferEncoding))
    return Fail(Status::kInvalid,
                "a session cannot say how long the bodies of its requests are: leave "
                "Content-Length and Transfer-Encoding out");
  if (o.user_agent && !http::IsFieldValue(o.user_agent))
    return Fail(Status::kInvalid, "user_agent holds a control character");
  settings->limits = {.total = o.limit,
                      .per_route = o.limit_per_host,
                      .max_waiting = o.max_waiting,
                      .max_requests = o.max_requests,
                      .streams_per_connection = o.streams_per_connection,
                      .keepalive = o.keepalive,
                      .max_lifetime = o.max_lifetime == 0 ? kNever : o.max_lifetime};
  settings->max_redirects = o.max_redirects;
  settings->max_header_bytes = o.max_header_bytes;
  settings->max_body = o.max_body;
  settings->max_expansion = o.max_expansion;
  settings->dns_ttl = o.dns_ttl_ms * kMillisecond;
  settings->defaults.user_agent =
      o.user_agent ? o.user_agent : Defaults<creche_session_options>().user_agent;
  settings->ca_file = o.ca_file ? o.ca_file : "";
  if (o.tls.id != 0 && (o.ca_file || (o.flags & CRECHE_SESSION_INSECURE)))
    return Fail(Status::kInvalid,
                "tls says whom to trust: leave ca_file and CRECHE_SESSION_INSECURE out");
  if (creche_status failed = FindTls(o.tls, &settings->tls_context)) return failed;
  if (creche_status failed = FindTls(o.proxy_tls, &settings->proxy_tls)) return failed;
  settings->base_url = o.base_url ? o.base_url : "";
  if (o.base_url)
    if (auto base = http::Url::Parse(o.base_url); !base.ok())
      return Fail(Status::kUrl, "base_url: %s", base.error()->message());
  if (o.retry)
    if (creche_status failed = ReadRetry(o.retry, &settings->retry_policy)) return failed;
  settings->retry = (o.flags & CRECHE_SESSION_NO_RETRY) == 0;
  settings->fail_on_status = (o.flags & CRECHE_SESSION_FAIL_ON_STATUS) != 0;
  settings->queue = o.queue.id;
  settings->verify = (o.flags & CRECHE_SESSION_INSECURE) == 0;
  settings->decode = (o.flags & CRECHE_SESSION_NO_DECODE) == 0;
  settings->lenient = (o.flags & CRECHE_SESSION_LENIENT) != 0;
  TakeTimeouts(o.timeouts, &settings->timeouts);
  if (creche_status failed = ReadAuth(o, settings)) return failed;
  if (creche_status failed = ReadPolicies(o, settings)) return failed;
  return ReadRoutes(o, &settings->routes);
}

creche_status ReadRequest(const creche_request_options* given, creche_request_options* options) {
  creche_request_options& o = *options;
  if (!given) {
    o = Defaults<creche_request_options>();
    return CRECHE_OK;
  }
  if (creche_status failed = ReadOptions(
          given, &o,
          CRECHE_REQUEST_NO_DECODE | CRECHE_REQUEST_PULL_BODY | CRECHE_REQUEST_NO_RETRY |
              CRECHE_REQUEST_LENIENT | CRECHE_REQUEST_FAIL_ON_STATUS | CRECHE_REQUEST_ANY_STATUS |
              CRECHE_REQUEST_MULTIPART | CRECHE_REQUEST_EXPECT | CRECHE_REQUEST_NO_COOKIES |
              CRECHE_REQUEST_NO_AUTH | CRECHE_REQUEST_REWIND,
          "creche_request_options"))
    return failed;
  if (creche_status failed = CheckTimeouts(o.timeouts)) return failed;
  if (creche_status failed = CheckHeaders(o.headers, o.headers_count)) return failed;
  if ((o.flags & CRECHE_REQUEST_FAIL_ON_STATUS) && (o.flags & CRECHE_REQUEST_ANY_STATUS))
    return Fail(Status::kInvalid, "a status of 400 is a failure or it is not: give one flag");
  if ((o.flags & CRECHE_REQUEST_REWIND) && !(o.flags & CRECHE_REQUEST_PULL_BODY))
    return Fail(Status::kInvalid, "CRECHE_REQUEST_REWIND is for bodies that are pulled");
  if (o.expect_timeout < 0)
    return Fail(Status::kInvalid, "expect_timeout is negative; it counts nanoseconds");
  if (creche_status failed = CheckVersions(o.versions)) return failed;
  if (o.reserved2 != 0 || o.reserved3 != 0)
    return Fail(Status::kUnsupported, "a reserved field is set; leave it 0");
  if (creche_status failed = CheckBody(o)) return failed;
  if (creche_status failed = CheckNames(o.private_headers)) return failed;
  if (o.to_file)
    if (creche_status failed = CheckFile(*o.to_file)) return failed;
  http::Hook hook;
  if (creche_status failed = ReadWatch(o.watch, &hook)) return failed;
  TlsContextRef found;
  if (creche_status failed = FindTls(o.tls, &found)) return failed;
  return CheckParams(o.params, o.params_count);
}

Result<void> FillRequest(const char* text, const creche_request_options& o, http::Session& of,
                         http::Request* request) {
  const http::SessionSettings& session = of.settings();
  Result<http::Url> url = ReadUrl(text, o, session, &of.urls());
  if (!url.ok()) return url.error();
  http::Request& r = *request;
  r.url = std::move(url).value();
  const bool body = (o.flags & CRECHE_REQUEST_PULL_BODY) || o.body || o.body_file || o.form;
  r.method = o.method ? o.method : body ? "POST" : "GET";
  r.versions = o.versions != 0 ? static_cast<uint8_t>(o.versions) : session.versions;
  r.decode = session.decode && (o.flags & CRECHE_REQUEST_NO_DECODE) == 0;
  r.lenient = session.lenient || (o.flags & CRECHE_REQUEST_LENIENT) != 0;
  r.retry = session.retry && (o.flags & CRECHE_REQUEST_NO_RETRY) == 0;
  r.fail_on_status = (o.flags & CRECHE_REQUEST_FAIL_ON_STATUS) != 0 ||
                     (session.fail_on_status && (o.flags & CRECHE_REQUEST_ANY_STATUS) == 0);
  if (!r.retry_policy) r.retry_policy = session.retry_policy;
  r.max_body = o.max_body != 0 ? o.max_body : session.max_body;
  r.max_expansion = o.max_expansion != 0 ? o.max_expansion : session.max_expansion;
  r.redirect_rules = session.redirect_rules;
  if (o.private_headers) r.private_headers = std::make_shared<const std::string>(o.private_headers);
  r.max_redirects = o.max_redirects != CRECHE_DEFAULT ? o.max_redirects : session.max_redirects;
  r.timeouts = session.timeouts;
  if (o.tls.id != 0) {
    TlsContextRef context;
    if (FindTls(o.tls, &context) != CRECHE_OK)
      return MakeError(Status::kEnded, Phase::kOptions, "the TLS settings were released");
    r.tls = std::make_shared<http::OwnTls>(std::move(context));
  }
  if (auto taken = TakeRoute(o, session.routes, &r.route); !taken.ok()) return taken;
  if (auto taken = TakeAuth(o, session, &r); !taken.ok()) return taken;
  TakeTimeouts(o.timeouts, &r.timeouts);
  if (auto taken = TakeHeaders(o.headers, o.headers_count, &r.headers); !taken.ok()) return taken;
  if (auto filled = FillBody(o, of.loop(), &r); !filled.ok()) return filled;
  if (o.expect_timeout != 0) r.continue_timeout = o.expect_timeout;
  r.expect = (o.flags & CRECHE_REQUEST_EXPECT) != 0 || ExpectsByItself(r, session);
  return http::CheckRequest(r.Head(session.defaults));
}

}  // namespace creche::capi

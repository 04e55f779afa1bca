// creche_session_options, checked and copied. Immutable.
#pragma once
#include <string>

#include "core/connect/tls_config.h"
#include "http/auth/netrc.h"
#include "http/cookies/cookie_jar.h"
#include "http/host_rate.h"
#include "http/pool.h"
#include "http/request.h"
#include "http/route_plan.h"
#include "http/turns.h"

namespace creche::http {

struct SessionSettings {
  Pool::Limits limits;
  uint32_t max_redirects = 10;
  uint32_t max_header_bytes = 64 << 10;
  uint64_t max_body = 64 << 20;
  uint32_t max_expansion = 0;
  Nanos dns_ttl = 10 * kSecond;
  Nanos dns_negative_ttl = kSecond;
  Nanos dns_stale = 0;
  HostRate::Limit host_rate;
  RedirectRulesRef redirect_rules;  // or null
  Hook hook;
  Middleware middleware;
  Timeouts timeouts;
  RequestDefaults defaults;
  uint8_t versions = kVersion1;  // of HTTP
  RoutePlan routes;
  Ref<CookieJar> cookies;  // or null
  LoginRef login;          // or null
  Netrc netrc;
  bool verify = true;
  bool decode = true;
  bool lenient = false;         // see H1Parser
  bool retry = true;            // see Request
  bool fail_on_status = false;  // the same
  Ref<const RetryPolicy> retry_policy;
  std::string ca_file;
  TlsContextRef proxy_tls;    // for https proxies; null: the same
  TlsContextRef tls_context;  // in place of verify and ca_file, if there is one
  std::string base_url;       // of requests whose URLs have no scheme; "" for none
  uint64_t queue = 0;         // for the completion of its close

  platform::TlsOptions tls() const { return {.verify = verify, .ca_file = ca_file}; }
};

}  // namespace creche::http

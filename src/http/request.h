// Request: what a user asked for, checked and copied; changed only by redirects.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/status.h"
#include "http/auth/login.h"
#include "http/headers.h"
#include "http/own_tls.h"
#include "http/redirect_rules.h"
#include "http/request_head.h"
#include "http/response_head.h"
#include "http/retry_policy.h"
#include "http/route.h"
#include "http/url.h"
#include "http/watch.h"
#include "http/way.h"

namespace creche::http {

// creche_http_timeouts with all defaults filled in; kNever for none.
struct Timeouts {
  Nanos pool = kNever;
  Nanos dns = 30 * kSecond;
  Nanos connect = 30 * kSecond;
  Nanos tls = 30 * kSecond;
  Nanos send = 60 * kSecond;
  Nanos first_byte = 300 * kSecond;
  Nanos read_gap = 60 * kSecond;
  Nanos proxy = 30 * kSecond;
};

// What a session sends with each of its requests.
struct RequestDefaults {
  HeaderList headers;                               // those that are private are marked
  std::optional<std::string> private_headers = {};  // null: kPrivate
  std::string user_agent;
  static constexpr std::string_view kPrivate =
      "X-Api-Key, Api-Key, X-Auth-Token, X-Access-Token, Private-Token, X-Goog-Api-Key, "
      "X-Amz-Security-Token";
  std::string_view privates() const {
    return private_headers ? std::string_view(*private_headers) : kPrivate;
  }
};

// What a request says of its own way, in place of its session.
struct OwnRoute {
  ProxyRef proxy = {};
  bool straight = false;  // by no proxy
  std::string unix_path = {};
  bool upgrades = false;  // becomes another protocol: no proxy can forward it
  bool any() const { return proxy || straight || !unix_path.empty(); }
};

// Versions of HTTP that may be spoken, together.
inline constexpr uint8_t kVersion1 = 1;
inline constexpr uint8_t kVersion2 = 2;

struct Request {
  std::string method = {};
  Url url = {};
  HeaderList headers = {};
  BodySource body = {};
  bool decode = true;
  bool lenient = false;              // see H1Parser
  bool retry = true;                 // ever: when a kept connection was dead, or as the policy says
  Nanos continue_timeout = kSecond;  // with expect
  bool expect = false;               // ask with 100-continue before a body is sent
  bool fail_on_status = false;       // a status of 400 and above is a failure
  Ref<const RetryPolicy> retry_policy = {};  // null for none
  uint64_t max_body = 0;
  uint32_t max_expansion = 0;  // decoded bytes for each coded one; 0: no limit
  uint32_t max_redirects = 0;
  Timeouts timeouts = {};
  OwnRoute route = {};
  uint8_t versions = kVersion1;
  LoginRef login = {};  // its own, or its session's
  bool use_netrc = true;
  bool cookies = true;    // those of the session's jar
  Nanos started = 0;      // when it was called
  Ref<Watch> watch = {};  // null for none
  uint64_t task = 0;      // that makes it, and the user of that
  void* user = nullptr;

  // Of the layers: see RequestHead and H1Parser.
  const RequestDefaults* defaults = nullptr;
  uint32_t max_head = 64 << 10;
  bool accept_codings = false;

  // Of routing.
  std::shared_ptr<OwnTls> tls = {};       // null: the session's
  WayRef way = {};                        // null: straight
  bool to_proxy = false;                  // it is sent to a proxy, which forwards it
  bool hide_proxy_authorization = false;  // the user's is for a proxy, and this goes to none

  // Of cookies and auth: values of fields, "" for none.
  std::string jar_cookies = {};
  std::string authorization = {};
  std::string proxy_authorization = {};

  // To a proxy: the whole head of a CONNECT, as HTTP/1.1 has it; else "".
  std::string connect = {};

  // Of redirects.
  RedirectRulesRef redirect_rules = {};  // null for none
  // Names of fields of its own that other origins are not told; null: as its session says.
  std::shared_ptr<const std::string> private_headers = {};
  Ref<Hops> hops = {};  // that it has made; null for none
  uint32_t redirects = 0;
  uint32_t withheld = 0;  // see RequestHead

  // What is said of it, with what its session adds: for its check and for who sends it.
  RequestHead Head(const RequestDefaults& session) const {
    uint32_t hidden = withheld;
    if (hide_proxy_authorization && (headers.Has(Known::kProxyAuthorization) ||
                                     session.headers.Has(Known::kProxyAuthorization)))
      hidden |= Bit(Known::kProxyAuthorization);
    return {.method = method,
            .url = url,
            .headers = headers,
            .session_headers = session.headers,
            .user_agent = session.user_agent,
            .accept_codings = accept_codings,
            .withheld = hidden,
            .framing = body.framing(),
            .body_size = body.size(),
            .proxy = to_proxy ? way->proxy.get() : nullptr,
            .expect = expects(),
            .authorization = authorization,
            .proxy_authorization = proxy_authorization,
            .cookies = jar_cookies};
  }
  // A proxy that forwards needs HTTP/1.1.
  Protocols protocols() const {
    if (to_proxy || (versions & kVersion2) == 0) return Protocols::kHttp1;
    if ((versions & kVersion1) == 0) return Protocols::kHttp2;
    return url.https() ? Protocols::kNegotiated : Protocols::kHttp1;
  }
  bool expects() const { return expect && !body.empty(); }
  bool head() const { return method == "HEAD"; }
  // What the request line has for a proxy that forwards.
  std::string ForwardTarget() const {
    std::string target = "http://";
    url.AppendHost(&target);
    return target.append(url.target());
  }

  // True if `head` sends the request elsewhere and that is to be followed.
  bool IsRedirected(const ResponseHead& head) const;
  // Turns a redirected request into the one to make there. Fails with kRedirect (too many, no place
  // to go to) or kBody (what was pulled cannot be sent again).
  //   301, 302: a POST becomes a GET; 303: all but HEAD do; 307, 308: nothing changes.
  //   Another origin (scheme, host or port) is told neither Authorization nor Cookie nor
  //   Proxy-Authorization nor private fields nor a Host of the user's, then and on all hops behind
  //   it; so a step from https down to http carries none of them either, and is allowed.
  // body_gone: as CallState has it.
  Result<void> Redirect(const ResponseHead& head, bool body_gone);
};

}  // namespace creche::http

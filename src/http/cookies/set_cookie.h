// Set-Cookie: what an answer says of a cookie, and whether it may (RFC 6265 and its successor,
// 5.4 to 5.7).
#pragma once
#include <optional>
#include <string_view>

#include "http/cookies/cookie.h"

namespace creche::http {

// Who an answer came from.
struct CookieOrigin {
  std::string_view host;    // lower case, without brackets
  std::string_view target;  // path and query
  bool secure = false;
  bool address = false;  // the host is an IP address
};

// The host without the dot at its end, if it has one.
std::string_view CookieHost(std::string_view host) noexcept;
// The host is the domain or below it.
bool DomainMatches(std::string_view host, std::string_view domain) noexcept;
// RFC 6265, 5.1.4. path: that of a request.
bool PathMatches(std::string_view path, std::string_view of_cookie) noexcept;
// The path of a request's target; and what a cookie from there has by default.
std::string_view PathOf(std::string_view target) noexcept;
std::string_view DefaultPath(std::string_view target) noexcept;

// Nothing if the cookie is to be ignored. One that has expired is to be deleted. now: seconds since
// 1970. May throw bad_alloc.
std::optional<Cookie> ParseSetCookie(std::string_view text, const CookieOrigin& from, int64_t now);

// What holds of all cookies, from wherever they come: a name or a value, neither with what would
// end it, no more than 4096 bytes, and what the prefixes __Secure- and __Host- promise.
bool IsSoundCookie(const Cookie& cookie) noexcept;

}  // namespace creche::http

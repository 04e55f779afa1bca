#include "http/cookies/set_cookie.h"

#include "http/cookies/cookie_date.h"
#include "http/cookies/public_suffix.h"
#include "http/headers.h"
#include "http/scan.h"

namespace creche::http {

namespace {

constexpr size_t kMaxPair = 4096;
constexpr size_t kMaxAttribute = 1024;

bool HasPrefix(std::string_view name, std::string_view prefix) {
  return name.size() >= prefix.size() && SameName(name.substr(0, prefix.size()), prefix);
}

// A control character but TAB: the whole field is dropped.
bool HasBadControl(std::string_view text) {
  for (const char c : text)
    if (IsControl(c) && c != '\t') return true;
  return false;
}

// Seconds from now, no more than fit; or nothing if it is no number.
std::optional<int64_t> ParseMaxAge(std::string_view text, int64_t now) {
  if (text.empty()) return std::nullopt;
  const bool negative = text[0] == '-';
  if (negative) text.remove_prefix(1);
  if (text.empty()) return std::nullopt;
  int64_t age = 0;
  constexpr int64_t kMost = int64_t{1} << 40;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    if (age < kMost) age = age * 10 + (c - '0');
  }
  return negative || age == 0 ? 0 : now + age;  // 0 is long ago
}

struct Attributes {
  std::optional<int64_t> max_age, expires;
  std::string domain;
  std::string_view path;
  std::string_view same_site;
  bool secure = false, http_only = false;
};

void TakeAttribute(std::string_view name, std::string_view value, int64_t now, Attributes* all) {
  if (value.size() > kMaxAttribute) return;
  if (SameName(name, "expires")) {
    if (const auto date = ParseCookieDate(value)) all->expires = *date;
  } else if (SameName(name, "max-age")) {
    if (const auto age = ParseMaxAge(value, now)) all->max_age = *age;
  } else if (SameName(name, "domain")) {
    if (!value.empty() && value[0] == '.') value.remove_prefix(1);
    all->domain.assign(value);
    for (char& c : all->domain)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  } else if (SameName(name, "path")) {
    all->path = !value.empty() && value[0] == '/' ? value : std::string_view();
  } else if (SameName(name, "secure")) {
    all->secure = true;
  } else if (SameName(name, "httponly")) {
    all->http_only = true;
  } else if (SameName(name, "samesite")) {
    all->same_site = value;
  }
}

// Which hosts it is for. False: not one that this origin may speak for.
bool TakeDomain(const std::string& domain, const CookieOrigin& from, Cookie* cookie) {
  const std::string_view host = CookieHost(from.host);
  cookie->domain = host;
  cookie->host_only = true;
  // An end in a dot, as servers write it by mistake: no domain at all.
  if (domain.empty() || domain.back() == '.' || domain == host) {
    if (domain == host && !from.address && !IsPublicSuffix(domain)) cookie->host_only = false;
    return true;
  }
  if (from.address || !DomainMatches(host, domain) || IsPublicSuffix(domain)) return false;
  cookie->domain = domain;
  cookie->host_only = false;
  return true;
}

}  // namespace

std::string_view CookieHost(std::string_view host) noexcept {
  if (host.size() > 1 && host.back() == '.') host.remove_suffix(1);
  return host;
}

bool DomainMatches(std::string_view host, std::string_view domain) noexcept {
  if (host == domain) return true;
  return host.size() > domain.size() && host[host.size() - domain.size() - 1] == '.' &&
         host.substr(host.size() - domain.size()) == domain;
}

bool PathMatches(std::string_view path, std::string_view of_cookie) noexcept {
  if (path.substr(0, of_cookie.size()) != of_cookie) return false;
  return path.size() == of_cookie.size() || of_cookie.back() == '/' ||
         path[of_cookie.size()] == '/';
}

std::string_view PathOf(std::string_view target) noexcept {
  return target.substr(0, target.find_first_of("?#"));
}

std::string_view DefaultPath(std::string_view target) noexcept {
  const std::string_view path = PathOf(target);
  const size_t slash = path.rfind('/');
  return slash == std::string_view::npos || slash == 0 || path[0] != '/' ? std::string_view("/")
                                                                         : path.substr(0, slash);
}

std::optional<Cookie> ParseSetCookie(std::string_view text, const CookieOrigin& from, int64_t now) {
  if (HasBadControl(text)) return std::nullopt;
  size_t end = std::min(text.find(';'), text.size());
  const std::string_view pair = text.substr(0, end);
  const size_t equals = pair.find('=');
  Cookie cookie;
  if (equals == std::string_view::npos) {
    cookie.value = TrimBlanks(pair);
  } else {
    cookie.name = TrimBlanks(pair.substr(0, equals));
    cookie.value = TrimBlanks(pair.substr(equals + 1));
  }
  Attributes all;
  while (end < text.size()) {
    text.remove_prefix(end + 1);
    end = std::min(text.find(';'), text.size());
    const std::string_view attribute = text.substr(0, end);
    const size_t at = std::min(attribute.find('='), attribute.size());
    TakeAttribute(TrimBlanks(attribute.substr(0, at)),
                  TrimBlanks(attribute.substr(std::min(at + 1, attribute.size()))), now, &all);
  }
  if (!TakeDomain(all.domain, from, &cookie)) return std::nullopt;
  if (all.secure && !from.secure) return std::nullopt;
  cookie.path = all.path.empty() ? DefaultPath(from.target) : all.path;
  cookie.secure = all.secure;
  cookie.http_only = all.http_only;
  cookie.same_site = all.same_site;
  if (all.max_age)
    cookie.expires = *all.max_age;
  else if (all.expires)
    cookie.expires = *all.expires;
  // The prefix speaks of what was said, and a path by default was not.
  if (HasPrefix(cookie.name, "__Host-") && all.path != "/") return std::nullopt;
  // Said to be for the host alone by having no domain, not by one that is the host.
  if (HasPrefix(cookie.name, "__Host-") && !all.domain.empty()) return std::nullopt;
  if (!IsSoundCookie(cookie)) return std::nullopt;
  return cookie;
}

bool IsSoundCookie(const Cookie& cookie) noexcept {
  const std::string_view name = cookie.name, value = cookie.value;
  if (name.empty() && value.empty()) return false;
  if (name.size() + value.size() > kMaxPair || cookie.path.size() > kMaxAttribute) return false;
  if (HasBadControl(name) || HasBadControl(value) || HasBadControl(cookie.path) ||
      name.find_first_of("=;") != std::string_view::npos ||
      value.find(';') != std::string_view::npos)
    return false;
  // Without a name the value would be read as one.
  if (name.empty() && (HasPrefix(value, "__Secure-") || HasPrefix(value, "__Host-"))) return false;
  if (HasPrefix(name, "__Secure-")) return cookie.secure;
  if (HasPrefix(name, "__Host-")) return cookie.secure && cookie.host_only && cookie.path == "/";
  return true;
}

}  // namespace creche::http

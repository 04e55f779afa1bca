#include "http/cookies/cookie_jar.h"

#include <algorithm>
#include <chrono>

#include "platform/address.h"

namespace creche::http {

int64_t SecondsNow() noexcept {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

namespace {

bool SameCookie(const Cookie& a, const Cookie& b) {
  return a.name == b.name && a.path == b.path && a.host_only == b.host_only;
}

bool IsAddress(std::string_view host) {
  return platform::Address::Literal(host).has_value();
}

}  // namespace

bool CookieJar::Receive(const Url& url, std::string_view set_cookie) {
  const int64_t now = SecondsNow();
  const CookieOrigin from{url.host(), url.target(), url.https(), IsAddress(url.host())};
  std::optional<Cookie> cookie = ParseSetCookie(set_cookie, from, now);
  if (!cookie) return false;
  std::lock_guard guard(mutex_);
  if (!from.secure && HidesSecure(*cookie)) return false;
  if (cookie->expires <= now) {
    DropIf([&](const Cookie& c) { return c.domain == cookie->domain && SameCookie(c, *cookie); });
    return true;
  }
  Put(std::move(*cookie));
  return true;
}

bool CookieJar::Set(Cookie cookie) {
  if (!IsSoundCookie(cookie)) return false;
  std::lock_guard guard(mutex_);
  Put(std::move(cookie));
  return true;
}

// What comes in clear must not stand in for what came over TLS.
bool CookieJar::HidesSecure(const Cookie& cookie) const {
  for (const auto& [domain, cookies] : domains_) {
    if (!DomainMatches(cookie.domain, domain) && !DomainMatches(domain, cookie.domain)) continue;
    for (const Cookie& c : cookies)
      if (c.secure && c.name == cookie.name && PathMatches(cookie.path, c.path)) return true;
  }
  return false;
}

// Locked.
void CookieJar::Put(Cookie&& cookie) {
  auto found = domains_.find(std::string_view(cookie.domain));
  if (found == domains_.end()) found = domains_.try_emplace(cookie.domain).first;
  Cookies& cookies = found->second;
  cookie.used = ++ticks_;
  for (Cookie& c : cookies) {
    if (!SameCookie(c, cookie)) continue;
    cookie.created = c.created;
    c = std::move(cookie);
    return;
  }
  cookie.created = ticks_;
  cookies.push_back(std::move(cookie));
  count_++;
  if (cookies.size() > limits_.per_domain || count_ > limits_.total)
    MakeRoom(&cookies, SecondsNow());
}

void CookieJar::MakeRoom(Cookies* of_domain, int64_t now) {
  std::erase_if(*of_domain, [&](const Cookie& c) {
    const bool expired = c.expires <= now;
    count_ -= expired;
    return expired;
  });
  while (of_domain->size() > limits_.per_domain) DropOldest(of_domain);
  if (count_ > limits_.total) DropExpired(now);
  while (count_ > limits_.total) {
    // The one of all domains that was used longest ago.
    Cookies* oldest = nullptr;
    uint64_t used = UINT64_MAX;
    for (auto& [domain, cookies] : domains_)
      for (const Cookie& c : cookies)
        if (c.used < used) {
          used = c.used;
          oldest = &cookies;
        }
    DropOldest(oldest);
  }
}

// Those that are not secure go first, then who was used longest ago.
void CookieJar::DropOldest(Cookies* cookies) {
  cookies->erase(std::min_element(cookies->begin(), cookies->end(), [](auto& a, auto& b) {
    return a.secure != b.secure ? b.secure : a.used < b.used;
  }));
  count_--;
}

void CookieJar::DropExpired(int64_t now) {
  DropIf([&](const Cookie& c) { return c.expires <= now; });
}

size_t CookieJar::DropIf(const std::function<bool(const Cookie&)>& drop) {
  size_t dropped = 0;
  for (auto at = domains_.begin(); at != domains_.end();) {
    dropped += std::erase_if(at->second, drop);
    at = at->second.empty() ? domains_.erase(at) : std::next(at);
  }
  count_ -= dropped;
  return dropped;
}

std::string CookieJar::For(const Url& url) {
  const std::string_view host = CookieHost(url.host());
  const std::string_view path = PathOf(url.target());
  const bool address = IsAddress(host);
  std::vector<Cookie*> sent;
  std::lock_guard guard(mutex_);
  if (count_ == 0) return {};
  const int64_t now = SecondsNow();
  // The host, and each domain above it.
  for (std::string_view domain = host;;) {
    if (const auto found = domains_.find(domain); found != domains_.end())
      for (Cookie& c : found->second)
        if ((!c.host_only || domain.size() == host.size()) && (!c.secure || url.https()) &&
            c.expires > now && PathMatches(path, c.path))
          sent.push_back(&c);
    const size_t dot = domain.find('.');
    if (address || dot == std::string_view::npos) break;
    domain.remove_prefix(dot + 1);
  }
  std::sort(sent.begin(), sent.end(), [](const Cookie* a, const Cookie* b) {
    return a->path.size() != b->path.size() ? a->path.size() > b->path.size()
                                            : a->created < b->created;
  });
  std::string text;
  for (Cookie* c : sent) {
    c->used = ++ticks_;
    if (!text.empty()) text += "; ";
    if (!c->name.empty()) text.append(c->name).append("=");
    text.append(c->value);
  }
  return text;
}

std::vector<Cookie> CookieJar::All() {
  std::vector<Cookie> all;
  std::lock_guard guard(mutex_);
  DropExpired(SecondsNow());
  for (const auto& [domain, cookies] : domains_)
    all.insert(all.end(), cookies.begin(), cookies.end());
  std::sort(all.begin(), all.end(), [](auto& a, auto& b) { return a.created < b.created; });
  return all;
}

size_t CookieJar::Clear(std::string_view domain) {
  std::lock_guard guard(mutex_);
  return DropIf([&](const Cookie& c) { return domain.empty() || DomainMatches(c.domain, domain); });
}

size_t CookieJar::Remove(std::string_view domain, std::string_view path, std::string_view name) {
  std::lock_guard guard(mutex_);
  return DropIf(
      [&](const Cookie& c) { return c.domain == domain && c.path == path && c.name == name; });
}

}  // namespace creche::http

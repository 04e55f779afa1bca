// CookieJar: the cookies of one user, shared by sessions. Any thread: it has a lock, held for
// short.
#pragma once
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/handles.h"
#include "http/cookies/cookie.h"
#include "http/cookies/set_cookie.h"
#include "http/url.h"

namespace creche::http {

class CookieJar final : public Object {
 public:
  struct Limits {
    uint32_t total = 3000;
    uint32_t per_domain = 180;
  };
  explicit CookieJar(const Limits& limits) : limits_(limits) {}
  void Released() noexcept override {}

  // What an answer from `url` says in a Set-Cookie. False: it was ignored. May throw bad_alloc.
  bool Receive(const Url& url, std::string_view set_cookie);
  // One of the user's own. False: it is none (IsSoundCookie). May throw bad_alloc.
  bool Set(Cookie cookie);
  // What a Cookie field to `url` says: those that belong there and have not expired, the longest
  // path first. May throw bad_alloc.
  std::string For(const Url& url);
  // All that have not expired, as they were at one moment. May throw bad_alloc.
  std::vector<Cookie> All();
  // Those of a domain and below it; "": all. How many there were.
  size_t Clear(std::string_view domain);
  // Those of this name, domain and path.
  size_t Remove(std::string_view domain, std::string_view path, std::string_view name);

 private:
  using Cookies = std::vector<Cookie>;
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  void Put(Cookie&& cookie);
  bool HidesSecure(const Cookie& cookie) const;
  void DropExpired(int64_t now);
  void MakeRoom(Cookies* of_domain, int64_t now);
  void DropOldest(Cookies* cookies);
  size_t DropIf(const std::function<bool(const Cookie&)>& drop);

  const Limits limits_;
  std::mutex mutex_;
  std::unordered_map<std::string, Cookies, Hash, std::equal_to<>> domains_;
  size_t count_ = 0;
  uint64_t ticks_ = 0;
};

// Of the clock on the wall, which is what servers count in.
int64_t SecondsNow() noexcept;

}  // namespace creche::http

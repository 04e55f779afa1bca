// creche/cookies.h: jars of cookies.
#include <creche/cookies.h>

#include <cerrno>
#include <cstring>

#include "capi/guard.h"
#include "capi/open_close.h"
#include "capi/options.h"
#include "core/loop.h"
#include "http/cookies/cookie_jar.h"
#include "http/cookies/cookie_text.h"
#include "http/url_join.h"
#include "platform/whole_file.h"

using namespace creche;
using namespace creche::capi;

namespace creche::capi {

template <>
creche_cookie_jar_options Defaults() noexcept {
  const http::CookieJar::Limits d;
  creche_cookie_jar_options o{};
  o.size = sizeof o;
  o.max_cookies = d.total;
  o.max_per_domain = d.per_domain;
  return o;
}

namespace {

// with(jar): what is to be done.
template <class F>
creche_status WithJar(creche_cookie_jar jar, F with) noexcept {
  return Guard([&]() -> creche_status {
    creche_status failed = CRECHE_OK;
    const Ref<http::CookieJar> found = Find<http::CookieJar>(jar.id, &failed);
    return found ? with(*found) : failed;
  });
}

creche_status StoreText(const std::string& text, char* buffer, size_t capacity, size_t* size) {
  if (size) *size = text.size();
  if (!buffer && capacity > 0) return Fail(Status::kInvalid, "buffer is NULL, capacity not 0");
  if (!buffer && !size) return Fail(Status::kInvalid, "buffer and size are NULL: nothing to store");
  if (!buffer) return CRECHE_OK;
  if (text.size() >= capacity)
    return Fail(Status::kLimit, "the text has %zu bytes and a NUL: give a buffer for these",
                text.size());
  std::memcpy(buffer, text.c_str(), text.size() + 1);
  return CRECHE_OK;
}

creche_status CheckForm(uint32_t form) {
  if (form == CRECHE_COOKIES_NETSCAPE || form == CRECHE_COOKIES_JSON) return CRECHE_OK;
  return Fail(Status::kInvalid, "form is %u: use one of CRECHE_COOKIES_*", form);
}

creche_status Import(http::CookieJar& jar, uint32_t form, std::string_view text) {
  size_t line = 0;
  auto read = http::ReadCookies(text, static_cast<http::CookieForm>(form), &line);
  if (!read && line > 0)
    return Fail(Status::kInvalid, "line %zu is no cookie in Netscape's form", line);
  if (!read) return Fail(Status::kInvalid, "the text is no JSON array of cookies");
  const int64_t now = http::SecondsNow();
  for (http::Cookie& cookie : *read)
    if (cookie.expires > now) jar.Set(std::move(cookie));
  return CRECHE_OK;
}

creche_status CheckFile(const char* path) {
  if (!path || *path == '\0') return Fail(Status::kInvalid, "path is NULL or empty");
  if (Loop::OnAnyLoop())
    return Fail(Status::kWouldDeadlock,
                "a file is not read or written on a loop: use the text of export and import there");
  return CRECHE_OK;
}

creche_status FailWithErrno(const char* what, const char* path, int error) {
  return Fail(error == ENOMEM ? Status::kNoMemory : Status::kSystem, "cannot %s %s: %s", what, path,
              std::strerror(error));
}

}  // namespace

}  // namespace creche::capi

extern "C" {

creche_status creche_cookie_jar_options_init(creche_cookie_jar_options* options, size_t size) {
  return InitOptions(options, size);
}

creche_status creche_cookie_jar_open(const creche_cookie_jar_options* options,
                                     creche_cookie_jar* jar) {
  return Guard([&]() -> creche_status {
    if (!jar) return Fail(Status::kInvalid, "jar is NULL: nowhere to store the handle");
    *jar = {};
    creche_cookie_jar_options o;
    if (creche_status failed = ReadOptions(options, &o, 0, "creche_cookie_jar_options"))
      return failed;
    if (o.max_cookies == 0 || o.max_per_domain == 0)
      return Fail(Status::kInvalid, "a jar for no cookies: give limits above 0");
    jar->id = AddObject(Kind::kCookieJar, MakeRef<http::CookieJar>(http::CookieJar::Limits{
                                              o.max_cookies, o.max_per_domain}));
    return jar->id != 0 ? CRECHE_OK : Explained(Status::kNoMemory, 0, "a jar of cookies");
  });
}

void creche_cookie_jar_release(creche_cookie_jar jar) {
  ReleaseHandle<http::CookieJar>(jar.id);
}

creche_status creche_cookie_jar_set(creche_cookie_jar jar, const creche_cookie* cookie) {
  return WithJar(jar, [&](http::CookieJar& found) -> creche_status {
    if (!cookie || cookie->size < sizeof *cookie)
      return Fail(Status::kInvalid, "cookie is NULL, or its size is not set");
    if (!cookie->name || !cookie->value || !cookie->domain)
      return Fail(Status::kInvalid, "a cookie needs a name, a value and a domain");
    constexpr uint32_t kFlags =
        CRECHE_COOKIE_SECURE | CRECHE_COOKIE_HTTP_ONLY | CRECHE_COOKIE_HOST_ONLY;
    if (cookie->flags & ~kFlags) return Fail(Status::kUnsupported, "cookie.flags has unknown bits");
    std::string_view domain = cookie->domain;
    if (!domain.empty() && domain[0] == '.') domain.remove_prefix(1);
    http::Cookie c;
    // The domain is read as the host of a URL: so it is one, and in small letters.
    const bool v6 = domain.find(':') != std::string_view::npos && domain[0] != '[';
    auto url = http::Url::Parse("https://" +
                                (v6 ? "[" + std::string(domain) + "]" : std::string(domain)) + "/");
    if (!url.ok() || url.value().port() != 443 || !url.value().authorization().empty() ||
        url.value().target() != "/")
      return Fail(Status::kInvalid, "the domain of a cookie is a host, without scheme and port");
    c.name = cookie->name;
    c.value = cookie->value;
    c.domain = http::CookieHost(url.value().host());
    c.path = cookie->path ? cookie->path : "/";
    c.same_site = cookie->same_site ? cookie->same_site : "";
    c.expires = cookie->expires;
    c.secure = (cookie->flags & CRECHE_COOKIE_SECURE) != 0;
    c.http_only = (cookie->flags & CRECHE_COOKIE_HTTP_ONLY) != 0;
    c.host_only = (cookie->flags & CRECHE_COOKIE_HOST_ONLY) != 0;
    if (c.path.empty() || c.path[0] != '/')
      return Fail(Status::kInvalid, "the path of a cookie begins with a slash");
    if (!http::IsSoundCookie(c))
      return Fail(
          Status::kInvalid,
          "name, value or path hold what would end them, are longer than 4096 bytes, or the "
          "name's __Secure- or __Host- is not kept");
    found.Set(std::move(c));
    return CRECHE_OK;
  });
}

creche_status creche_cookie_jar_receive(creche_cookie_jar jar, const char* url,
                                        const char* set_cookie) {
  return WithJar(jar, [&](http::CookieJar& found) -> creche_status {
    if (!url || !set_cookie) return Fail(Status::kInvalid, "url or set_cookie is NULL");
    const auto read = http::Url::Parse(http::HttpOfWs(url));
    if (!read.ok()) return Fail(read.error()->status(), "%s", read.error()->message());
    if (!found.Receive(read.value(), set_cookie))
      return Fail(Status::kInvalid, "the cookie is none that this URL may set: it was ignored");
    return CRECHE_OK;
  });
}

creche_status creche_cookie_jar_get(creche_cookie_jar jar, const char* url, char* buffer,
                                    size_t capacity, size_t* size) {
  return WithJar(jar, [&](http::CookieJar& found) -> creche_status {
    if (!url) return Fail(Status::kInvalid, "url is NULL");
    const auto read = http::Url::Parse(http::HttpOfWs(url));
    if (!read.ok()) return Fail(read.error()->status(), "%s", read.error()->message());
    return StoreText(found.For(read.value()), buffer, capacity, size);
  });
}

creche_status creche_cookie_jar_each(creche_cookie_jar jar, creche_cookie_fn each, void* user) {
  return WithJar(jar, [&](http::CookieJar& found) -> creche_status {
    if (!each) return Fail(Status::kInvalid, "each is NULL: nobody to tell");
    for (const http::Cookie& c : found.All()) {
      creche_cookie cookie{};
      cookie.size = sizeof cookie;
      if (c.secure) cookie.flags |= CRECHE_COOKIE_SECURE;
      if (c.http_only) cookie.flags |= CRECHE_COOKIE_HTTP_ONLY;
      if (c.host_only) cookie.flags |= CRECHE_COOKIE_HOST_ONLY;
      cookie.name = c.name.c_str();
      cookie.value = c.value.c_str();
      cookie.domain = c.domain.c_str();
      cookie.path = c.path.c_str();
      cookie.same_site = c.same_site.c_str();
      cookie.expires = c.expires;
      if (each(&cookie, user) != 0) break;
    }
    return CRECHE_OK;
  });
}

creche_status creche_cookie_jar_clear(creche_cookie_jar jar, const char* domain) {
  return WithJar(jar, [&](http::CookieJar& found) -> creche_status {
    found.Clear(domain ? domain : "");
    return CRECHE_OK;
  });
}

creche_status creche_cookie_jar_export(creche_cookie_jar jar, uint32_t form, char* buffer,
                                       size_t capacity, size_t* size) {
  return WithJar(jar, [&](http::CookieJar& found) -> creche_status {
    if (creche_status failed = CheckForm(form)) return failed;
    return StoreText(http::WriteCookies(found.All(), static_cast<http::CookieForm>(form)), buffer,
                     capacity, size);
  });
}

creche_status creche_cookie_jar_import(creche_cookie_jar jar, uint32_t form, const char* text,
                                       size_t size) {
  return WithJar(jar, [&](http::CookieJar& found) -> creche_status {
    if (creche_status failed = CheckForm(form)) return failed;
    if (!text) return Fail(Status::kInvalid, "text is NULL");
    return Import(found, form, {text, size});
  });
}

creche_status creche_cookie_jar_save(creche_cookie_jar jar, uint32_t form, const char* path) {
  const platform::NotCancelled here;
  return WithJar(jar, [&](http::CookieJar& found) -> creche_status {
    if (creche_status failed = CheckForm(form)) return failed;
    if (creche_status failed = CheckFile(path)) return failed;
    const int error = platform::WritePrivateFile(
        path, http::WriteCookies(found.All(), static_cast<http::CookieForm>(form)));
    return error == 0 ? CRECHE_OK : FailWithErrno("write", path, error);
  });
}

creche_status creche_cookie_jar_load(creche_cookie_jar jar, uint32_t form, const char* path) {
  const platform::NotCancelled here;
  return WithJar(jar, [&](http::CookieJar& found) -> creche_status {
    if (creche_status failed = CheckForm(form)) return failed;
    if (creche_status failed = CheckFile(path)) return failed;
    std::string text;
    const int error = platform::ReadWholeFile(path, &text);
    return error == 0 ? Import(found, form, text) : FailWithErrno("read", path, error);
  });
}

}  // extern "C"

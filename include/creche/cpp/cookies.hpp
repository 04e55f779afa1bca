// creche/cpp/cookies.hpp: jars of cookies, which sessions share.
#ifndef CRECHE_CPP_COOKIES_HPP
#define CRECHE_CPP_COOKIES_HPP

#include <string>

#include "error.hpp"
#include "handle.hpp"

namespace creche {

enum class cookie_form : uint32_t {
  netscape = CRECHE_COOKIES_NETSCAPE,  ///< what curl and wget have
  json = CRECHE_COOKIES_JSON
};

/// A jar, for session_options.cookies. Moves only; sessions that have it keep it. From any thread.
class cookie_jar {
 public:
  cookie_jar() : cookie_jar(0, 0) {}
  /// At the most; 0: 3000, and 180 of one domain.
  cookie_jar(uint32_t max_cookies, uint32_t max_per_domain) {
    auto o = defaults();
    if (max_cookies != 0) o.max_cookies = max_cookies;
    if (max_per_domain != 0) o.max_per_domain = max_per_domain;
    creche_cookie_jar raw;
    detail::check(creche_cookie_jar_open(&o, &raw));
    raw_.reset(raw);
  }

  /// Puts a cookie in, as it is. flags: CRECHE_COOKIE_*.
  void set(ctext name, ctext value, ctext domain, ctext path = "/", uint32_t flags = 0,
           int64_t expires = CRECHE_NEVER) {
    const creche_cookie cookie = {sizeof(creche_cookie), flags,        name.c_str(), value.c_str(),
                                  domain.c_str(),        path.c_str(), nullptr,      expires};
    detail::check(creche_cookie_jar_set(raw_.get(), &cookie));
  }
  /// Takes the value of a Set-Cookie field, as an answer from `url` had it: whether it was kept.
  bool receive(ctext url, ctext set_cookie) {
    const creche_status status =
        creche_cookie_jar_receive(raw_.get(), url.c_str(), set_cookie.c_str());
    if (status == CRECHE_E_INVALID) return false;
    detail::check(status);
    return true;
  }
  /// What would be sent to `url` as Cookie now.
  std::string header_for(ctext url) const {
    return text([&](char* buffer, size_t capacity, size_t* size) {
      return creche_cookie_jar_get(raw_.get(), url.c_str(), buffer, capacity, size);
    });
  }
  /// f(const creche_cookie&) for each that has not expired, the oldest first.
  template <class F>
  void each(F&& f) const {
    struct state {
      F& f;
      std::exception_ptr thrown;
    } s{f, nullptr};
    const auto told = [](const creche_cookie* cookie, void* user) -> int32_t {
      state* const to = static_cast<state*>(user);
      try {
        to->f(*cookie);
      } catch (...) {
        to->thrown = std::current_exception();
      }
      return to->thrown != nullptr;
    };
    detail::check(creche_cookie_jar_each(raw_.get(), told, &s));
    if (s.thrown) std::rethrow_exception(s.thrown);
  }
  /// Takes out those of a domain and all below it; of none: all.
  void clear(ctext domain = {}) {
    detail::check(creche_cookie_jar_clear(raw_.get(), domain.c_str()));
  }

  std::string to_text(cookie_form form) const {
    return text([&](char* buffer, size_t capacity, size_t* size) {
      return creche_cookie_jar_export(raw_.get(), static_cast<uint32_t>(form), buffer, capacity,
                                      size);
    });
  }
  void add_text(cookie_form form, std::string_view text) {
    detail::check(creche_cookie_jar_import(raw_.get(), static_cast<uint32_t>(form), text.data(),
                                           text.size()));
  }
  /// Files; they block, and are not for coroutines (offload them).
  void save(cookie_form form, ctext path) const {
    detail::check(creche_cookie_jar_save(raw_.get(), static_cast<uint32_t>(form), path.c_str()));
  }
  void load(cookie_form form, ctext path) {
    detail::check(creche_cookie_jar_load(raw_.get(), static_cast<uint32_t>(form), path.c_str()));
  }
  creche_cookie_jar get() const noexcept { return raw_.get(); }

 private:
  static creche_cookie_jar_options defaults() {
    creche_cookie_jar_options o;
    creche_cookie_jar_options_init(&o, sizeof o);
    return o;
  }
  /// A text whose size is told, and may be another one the next time.
  template <class Get>
  static std::string text(Get&& get) {
    std::string text;
    for (size_t size = 0;;) {
      const creche_status status = get(text.data(), text.size(), &size);
      if (status == CRECHE_E_LIMIT || (status == CRECHE_OK && text.empty())) {
        text.resize(size + 1);
        continue;
      }
      detail::check(status);
      text.resize(size);
      return text;
    }
  }
  detail::handle<creche_cookie_jar, creche_cookie_jar_release> raw_;
};

}  // namespace creche
#endif

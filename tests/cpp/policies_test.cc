// Cookies, credentials and TLS of creche.hpp, against nginx.
#include <unistd.h>
#include <cstdio>

#include "cpp_test.h"
#include "servers.h"

using creche::task;

namespace {

using Policies = Coroutines;

// Tells what it was shown.
support_nginx* mirror() {
  support_nginx_options options{};
  options.server_config =
      "location = /cookie { add_header Set-Cookie 'a=b; Max-Age=1000'; return 200 "
      "'$http_cookie'; }\n"
      "location = /auth { return 200 '$http_authorization'; }\n";
  static const std::unique_ptr<support_nginx, decltype(&support_nginx_stop)> server(
      support_nginx_start(&options), support_nginx_stop);
  return server.get();
}
std::string mirror(const char* path) {
  return support_nginx_http_url(mirror()) + std::string(path);
}

TEST_F(Policies, SessionsShareAJar) {
  creche::run([]() -> task<> {
    creche::cookie_jar jar;
    creche::session web({.cookies = &jar});
    EXPECT_EQ((co_await web.fetch(mirror("/cookie"))).body(), "");
    EXPECT_EQ((co_await web.fetch(mirror("/cookie"))).body(), "a=b");
    creche::session other({.cookies = &jar});
    EXPECT_EQ((co_await other.fetch(mirror("/cookie"))).body(), "a=b");
    EXPECT_EQ(jar.header_for(mirror("/")), "a=b");
  });
}

TEST_F(Policies, AJarByHand) {
  creche::cookie_jar jar;
  jar.set("one", "1", "example.org");
  EXPECT_TRUE(jar.receive("https://example.net/", "two=2; Secure; Path=/deep"));
  EXPECT_FALSE(jar.receive("https://example.net/", "three=3; Domain=example.com"));
  EXPECT_THROW(jar.receive("no url", "a=b"), creche::error);
  EXPECT_THROW(jar.set("no;name", "1", "example.org"), creche::error);
  EXPECT_EQ(jar.header_for("http://www.example.org/"), "one=1");
  EXPECT_EQ(jar.header_for("https://example.net/deep/er"), "two=2");
  EXPECT_EQ(jar.header_for("http://example.net/deep/er"), "");
  std::string names;
  jar.each([&](const creche_cookie& cookie) { names += cookie.name; });
  EXPECT_EQ(names, "onetwo");
  EXPECT_THROW(jar.each([](const creche_cookie&) { throw std::runtime_error("stop"); }),
               std::runtime_error);

  creche::cookie_jar second(10, 5);
  second.add_text(creche::cookie_form::json, jar.to_text(creche::cookie_form::json));
  EXPECT_EQ(second.to_text(creche::cookie_form::netscape),
            jar.to_text(creche::cookie_form::netscape));
  second.clear("example.org");
  EXPECT_EQ(second.header_for("http://example.org/"), "");
  second.clear();
  const std::string path = testing::TempDir() + "cookies-" + std::to_string(getpid());
  jar.save(creche::cookie_form::netscape, path);
  second.load(creche::cookie_form::netscape, path);
  std::remove(path.c_str());
  EXPECT_EQ(second.header_for("http://example.org/"), "one=1");
  EXPECT_THROW(second.load(creche::cookie_form::json, "/nowhere/at/all"), creche::error);
}

TEST_F(Policies, ServersAreShownWhoOneIs) {
  creche::run([]() -> task<> {
    const auto me = creche::auth::basic("anna", "secret");
    creche::session web({.auth = &me});
    EXPECT_EQ((co_await web.fetch(mirror("/auth"))).body(), "Basic YW5uYTpzZWNyZXQ=");
    const auto token = creche::auth::bearer("t0ken");
    EXPECT_EQ((co_await web.fetch(mirror("/auth"), {.auth = &token})).body(), "Bearer t0ken");
    const auto asked = creche::auth::digest("anna", "secret");  // and nobody asks
    EXPECT_EQ((co_await web.fetch(mirror("/auth"), {.auth = &asked})).body(), "");
    const auto either = creche::auth::any("anna", "secret");
    EXPECT_EQ((co_await web.fetch(mirror("/auth"), {.auth = &either})).body(), "");
  });
}

TEST_F(Policies, SettingsOfTls) {
  creche::run([]() -> task<> {
    const std::string url = support_nginx_https_url(nginx()) + std::string("/small");
    const std::string authority = support_nginx_ca_file(nginx());
    const creche::tls trusting({.ca_file = authority});
    creche::session web({.tls = &trusting});
    EXPECT_EQ((co_await web.fetch(url)).status(), 200);
    const creche::tls newest({.ca_file = authority, .min_version = CRECHE_TLS_1_3});
    const auto old = co_await web.try_fetch(url, {.tls = &newest});  // the server is of 1.2
    EXPECT_EQ(old.error().status(), CRECHE_E_TLS);
    const char* const pins[] = {"sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="};
    const creche::tls pinned({.ca_file = authority, .pins = pins});
    const auto refused = co_await web.try_fetch(url, {.tls = &pinned});
    EXPECT_EQ(refused.error().status(), CRECHE_E_TLS_VERIFY);
    EXPECT_THROW(creche::tls({.ca_file = "/nowhere/at/all"}), creche::error);
  });
}

}  // namespace

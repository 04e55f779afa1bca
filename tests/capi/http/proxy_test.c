/* HTTP proxies: what they are sent, what of it never reaches them, and what they may answer. */
#include "proxies.h"

static support_hostile* proxy;  /* that forwards: it answers by itself */
static support_hostile* server; /* behind a tunnel */

static void forwarding(support_peer* peer, void* user) {
  (void)user;
  while (support_expect_request(peer)) {
    note(to_proxy, support_received(peer), support_received_size(peer));
    if (strstr(support_received(peer), "/away") != NULL)
      support_sendf(peer, "HTTP/1.1 302 Away\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n",
                    (const char*)strstr(support_received(peer), "?") != NULL
                        ? "http://b.example/end"
                        : "/end");
    else if (strstr(support_received(peer), "/bad") != NULL)
      support_send_text(peer, "HTTP/1.1 502 Bad\r\nContent-Length: 3\r\n\r\nbad");
    else
      support_send_text(peer, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nproxy");
  }
}

static int serve(void** state) {
  proxy = support_hostile_start(forwarding, NULL);
  server = support_hostile_start(tls_server, NULL);
  return set_up(state);
}
static int stop(void** state) {
  const int failed = tear_down(state);
  support_hostile_stop(proxy);
  support_hostile_stop(server);
  unsetenv("http_proxy");
  unsetenv("HTTP_PROXY");
  unsetenv("https_proxy");
  unsetenv("all_proxy");
  unsetenv("no_proxy");
  return failed;
}

static const char* proxy_url(const char* scheme, const char* user_info, int port) {
  static char text[256];
  snprintf(text, sizeof text, "%s://%s127.0.0.1:%d", scheme, user_info, port);
  return text;
}

static void use_proxy(const char* url) {
  creche_session_options o = session_options();
  o.proxy = url;
  o.ca_file = ca_path;
  use_session(&o);
}

static creche_session_counters counters(void) {
  creche_session_counters c;
  assert_int_equal(creche_session_get_counters(web, &c, sizeof c), CRECHE_OK);
  return c;
}

static void forwarded(void** state) {
  (void)state;
  use_proxy(proxy_url("http", "user%40x:p%C3%A4%3A@", support_hostile_port(proxy)));
  expect_body(fetch("http://a.example/x/../y?q=1", NULL), 200, "proxy");
  static const char start[] = "GET http://a.example/x/../y?q=1 HTTP/1.1\r\nHost: a.example\r\n";
  assert_memory_equal(to_proxy, start, sizeof start - 1);
  assert_true(noted(to_proxy, "Proxy-Authorization: Basic dXNlckB4OnDDpDo=\r\n"));
  assert_false(noted(to_proxy, "\r\nAuthorization:"));
  /* Again on the same connection, for another server, too; no name is resolved here. */
  expect_body(fetch("http://user:pw@[::1]:8080/", NULL), 200, "proxy");
  assert_true(noted(to_proxy, "GET http://[::1]:8080/ HTTP/1.1\r\nHost: [::1]:8080\r\n"));
  assert_true(noted(to_proxy, "Proxy-Authorization: Basic dXNlckB4OnDDpDo=\r\n"));
  assert_true(noted(to_proxy, "\r\nAuthorization: Basic dXNlcjpwdw==\r\n"));
  assert_int_equal(support_hostile_connections(proxy), 1);
  assert_int_equal(counters().dns_lookups, 0);
  /* Its refusals are answers. */
  expect_body(fetch("http://a.example/bad", NULL), 502, "bad");
}

static void headers_for_the_proxy(void** state) {
  (void)state;
  const creche_header of_proxy[] = {creche_header_text("X-Proxy", "1")};
  const creche_header of_session[] = {creche_header_text("X-Session", "2"),
                                      creche_header_text("Proxy-Authorization", "mine"),
                                      creche_header_text("Authorization", "Bearer secret")};
  relay r = {"HTTP/1.1 200 OK\r\n\r\n", 0, support_hostile_port(server)};
  support_hostile* tunnel = support_hostile_start(relay_connect, &r);
  creche_session_options o = session_options();
  char url[64];
  snprintf(url, sizeof url, "http://u:p@127.0.0.1:%d/", support_hostile_port(proxy));
  o.proxy = url;
  o.proxy_headers = of_proxy;
  o.proxy_headers_count = 1;
  o.headers = of_session;
  o.headers_count = 3;
  o.ca_file = ca_path;
  use_session(&o);
  expect_body(fetch("http://a.example/", NULL), 200, "proxy");
  assert_true(noted(to_proxy, "\r\nX-Proxy: 1\r\n"));
  assert_true(noted(to_proxy, "\r\nX-Session: 2\r\n"));
  assert_true(noted(to_proxy, "Proxy-Authorization: mine\r\n")); /* in place of the URL's */
  assert_false(noted(to_proxy, "Basic"));
  /* A tunnel: the proxy is told nothing but its own, the server nothing of that. (D5) */
  char tunneled[64], expected[256];
  creche_request_options ro = request_options();
  snprintf(tunneled, sizeof tunneled, "u:p@127.0.0.1:%d", support_hostile_port(tunnel));
  ro.proxy = tunneled;
  expect_body(fetch("https://localhost/x", &ro), 200, "secret");
  snprintf(expected, sizeof expected,
           "CONNECT localhost:443 HTTP/1.1\r\nHost: localhost:443\r\nX-Proxy: 1\r\n"
           "Proxy-Authorization: Basic dTpw\r\n\r\n");
  assert_string_equal(to_proxy, expected);
  assert_true(noted(to_server, "GET /x HTTP/1.1\r\nHost: localhost\r\n"));
  assert_true(noted(to_server, "Authorization: Bearer secret\r\n"));
  assert_false(noted(to_server, "roxy"));
  expect_body(fetch("https://localhost/y", &ro), 200, "secret"); /* kept */
  assert_int_equal(support_hostile_connections(tunnel), 1);
  /* Neither is a server that is reached without. */
  ro.proxy = "direct";
  expect_body(fetch(at(support_hostile_url(proxy), "/"), &ro), 200, "proxy");
  assert_memory_equal(to_proxy, "GET / HTTP/1.1\r\n", 16);
  assert_false(noted(to_proxy, "roxy-"));
  creche_session_release(web);
  support_hostile_stop(tunnel);
}

/* Any 2xx opens the tunnel, whatever else it says, and however it comes. */
static void all_that_open(void** state) {
  (void)state;
  static const char* const answers[] = {
      "HTTP/1.1 200 Connection established\r\n\r\n",
      "HTTP/1.0 200\r\n\r\n",
      "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n",
      ("HTTP/1.1 299 X\r\nTransfer-Encoding: chunked\r\nConnection: close\r\nContent-Length: "
       "7\r\n\r\n"),
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nX: y\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
      "HTTP/1.1 200 OK\nX: a line feed alone\n\n",
  };
  for (size_t i = 0; i < sizeof answers / sizeof *answers; i++)
    for (int trickled = 0; trickled < 2; trickled++) {
      relay r = {answers[i], trickled, support_hostile_port(server)};
      support_hostile* tunnel = support_hostile_start(relay_connect, &r);
      use_proxy(support_hostile_url(tunnel));
      expect_body(fetch("https://localhost:1234/", NULL), 200, "secret");
      assert_true(noted(to_proxy, "CONNECT localhost:1234 HTTP/1.1\r\nHost: localhost:1234\r\n"));
      creche_session_release(web);
      support_hostile_stop(tunnel);
    }
}

static void refusals(void** state) {
  (void)state;
  static const struct {
    const char* answer;
    creche_status status;
    uint32_t http_status, flags;
  } cases[] = {
      {"HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm=x\r\nContent-Length: 2\r\n\r\nno",
       CRECHE_E_PROXY, 407, CRECHE_ERROR_UNSENT},
      {"HTTP/1.1 403 No\r\n\r\n", CRECHE_E_PROXY, 403, CRECHE_ERROR_UNSENT},
      {"HTTP/1.1 302 No\r\nLocation: http://x/\r\n\r\n", CRECHE_E_PROXY, 302, CRECHE_ERROR_UNSENT},
      {"HTTP/1.1 101 No\r\n\r\n", CRECHE_E_PROXY, 101, CRECHE_ERROR_UNSENT},
      {"HTTP/1.1 502 Bad\r\n\r\n", CRECHE_E_PROXY, 502,
       CRECHE_ERROR_UNSENT | CRECHE_ERROR_RETRYABLE},
      {"HTTP/1.1 200 OK\r\n\r\nx", CRECHE_E_PROTOCOL, 200, CRECHE_ERROR_UNSENT},
      {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", CRECHE_E_PROTOCOL, 200,
       CRECHE_ERROR_UNSENT},
      {"HTTP/2 200 OK\r\n\r\n", CRECHE_E_PROTOCOL, 0, CRECHE_ERROR_UNSENT},
      {"HTTP/1.1 2000 OK\r\n\r\n", CRECHE_E_PROTOCOL, 0, CRECHE_ERROR_UNSENT},
      {"SSH-2.0-x\r\n", CRECHE_E_PROTOCOL, 0, CRECHE_ERROR_UNSENT},
      {"\x15\x03\x01", CRECHE_E_PROTOCOL, 0, CRECHE_ERROR_UNSENT},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    relay r = {cases[i].answer, 0, 0};
    support_hostile* tunnel = support_hostile_start(relay_connect, &r);
    use_proxy(support_hostile_url(tunnel));
    creche_completion c = fetch("https://localhost/", NULL);
    assert_non_null(c.error);
    assert_int_equal(c.error->http_status, cases[i].http_status);
    assert_non_null(strstr(c.error->message, "the proxy 127.0.0.1:"));
    expect_failure(c, cases[i].status, CRECHE_PHASE_PROXY, cases[i].flags);
    creche_session_release(web);
    support_hostile_stop(tunnel);
  }
}

static void endless_head(support_peer* peer, void* user) {
  if (!support_expect(peer, "\r\n\r\n") || !support_send_text(peer, "HTTP/1.1 200 OK\r\n")) return;
  while (support_send_text(peer, user)) continue;
}
static void closes(support_peer* peer, void* user) {
  if (!support_expect(peer, "\r\n\r\n")) return;
  support_send_text(peer, user);
}
static void resets(support_peer* peer, void* user) {
  (void)user;
  if (support_expect(peer, "\r\n\r\n")) support_reset(peer);
}
static void says_nothing(support_peer* peer, void* user) {
  (void)user;
  support_await_close(peer);
}

static void hostile_ones(void** state) {
  (void)state;
  const uint32_t unsent = CRECHE_ERROR_UNSENT, again = unsent | CRECHE_ERROR_RETRYABLE;
  const struct {
    support_script script;
    const char* user;
    creche_status status;
    uint32_t flags;
  } cases[] = {
      {endless_head, "X: y\r\n", CRECHE_E_LIMIT, unsent},
      {endless_head, "no end of a line", CRECHE_E_LIMIT, unsent},
      {endless_head, "\r\nHTTP/1.1 100 Continue\r\n", CRECHE_E_PROTOCOL, unsent},
      {closes, "", CRECHE_E_DISCONNECTED, again},
      {closes, "HTTP/1.1 200 OK\r\n", CRECHE_E_DISCONNECTED, again},
      {resets, NULL, CRECHE_E_DISCONNECTED, again},
      {says_nothing, NULL, CRECHE_E_TIMEOUT, again},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    support_hostile* tunnel = support_hostile_start(cases[i].script, (void*)cases[i].user);
    creche_request_options o = request_options();
    if (cases[i].script == says_nothing) o.timeouts.proxy = 50 * CRECHE_MILLISECOND;
    use_proxy(support_hostile_url(tunnel));
    expect_failure(fetch("https://localhost/", &o), cases[i].status, CRECHE_PHASE_PROXY,
                   cases[i].flags);
    assert_int_equal(support_hostile_connections(tunnel), 1);
    creche_session_release(web);
    support_hostile_stop(tunnel);
  }
  /* Interim answers without end. */
  char many[40 * 25 + 1];
  for (int i = 0; i < 40; i++) memcpy(many + i * 25, "HTTP/1.1 100 Continue\r\n\r\n", 26);
  relay r = {many, 0, 0};
  support_hostile* tunnel = support_hostile_start(relay_connect, &r);
  use_proxy(support_hostile_url(tunnel));
  expect_failure(fetch("https://localhost/", NULL), CRECHE_E_LIMIT, CRECHE_PHASE_PROXY, unsent);
  creche_session_release(web);
  support_hostile_stop(tunnel);
}

static void certificates_inside(void** state) {
  (void)state;
  relay r = {"HTTP/1.1 200 OK\r\n\r\n", 0, support_hostile_port(server)};
  support_hostile* tunnel = support_hostile_start(relay_connect, &r);
  use_proxy(support_hostile_url(tunnel));
  expect_failure(fetch("https://wrong.example/", NULL), CRECHE_E_TLS_VERIFY, CRECHE_PHASE_TLS,
                 CRECHE_ERROR_UNSENT);
  creche_session_release(web);
  support_hostile_stop(tunnel);
}

static void over_tls(void** state) {
  (void)state;
  relay r = {"HTTP/1.1 200 OK\r\n\r\n", 0, support_hostile_port(server)};
  support_hostile* tunnel = support_hostile_start(relay_connect_tls, &r);
  use_proxy(proxy_url("https", "u:p@", support_hostile_port(tunnel)));
  expect_body(fetch("https://localhost:99/", NULL), 200, "secret");
  assert_true(noted(to_proxy, "CONNECT localhost:99 HTTP/1.1\r\n"));
  assert_true(noted(to_proxy, "Proxy-Authorization: Basic dTpw\r\n"));
  expect_body(fetch("https://localhost:99/", NULL), 200, "secret");
  assert_int_equal(support_hostile_connections(tunnel), 1);
  creche_session_release(web);
  support_hostile_stop(tunnel);
  /* One that forwards. */
  use_proxy(proxy_url("https", "", support_hostile_port(server)));
  expect_body(fetch("http://a.example/x", NULL), 200, "secret");
  assert_true(noted(to_server, "GET http://a.example/x HTTP/1.1\r\nHost: a.example\r\n"));
}

/* The proxy may be trusted otherwise than servers are. */
static void with_settings_of_its_own(void** state) {
  (void)state;
  creche_tls trusts = {0}, does_not = {0};
  creche_tls_options t;
  OK(creche_tls_options_init(&t, sizeof t));
  t.ca_file = ca_path;
  OK(creche_tls_open(&t, &trusts));
  t.pins = (const char* const[]){
      "cert-sha256:0000000000000000000000000000000000000000000000000000000000000000"};
  t.pins_count = 1;
  OK(creche_tls_open(&t, &does_not));
  creche_session_options o = session_options();
  for (int i = 0; i < 4; i++) { /* both alike, the proxy better, the proxy worse */
    o.proxy = proxy_url("https", "", support_hostile_port(server));
    o.tls = i % 2 == 0 ? trusts : does_not;
    o.proxy_tls = i == 1 ? trusts : i == 2 ? does_not : (creche_tls){0};
    use_session(&o);
    creche_completion c = fetch("http://a.example/x", NULL);
    if (i < 2) {
      expect_body(c, 200, "secret");
    } else {
      assert_int_equal(c.status, CRECHE_E_TLS_VERIFY);
      drop(c);
    }
  }
  creche_tls_release(trusts);
  creche_tls_release(does_not);
}

static void unreachable(void** state) {
  (void)state;
  use_proxy("http://127.0.0.1:1");
  creche_completion c = fetch("http://a.example/", NULL);
  assert_non_null(strstr(c.error->message, "the proxy 127.0.0.1:1"));
  expect_failure(c, CRECHE_E_CONNECT, CRECHE_PHASE_CONNECT,
                 CRECHE_ERROR_UNSENT | CRECHE_ERROR_RETRYABLE);
}

/* Whether a URL goes by the session's proxy. */
static int by_proxy(const char* no_proxy, const char* url) {
  creche_session_options o = session_options();
  o.proxy = support_hostile_url(proxy);
  o.no_proxy = no_proxy;
  use_session(&o);
  const int before = support_hostile_requests(proxy);
  drop(fetch(url, NULL)); /* straight ones reach nobody */
  return support_hostile_requests(proxy) - before;
}

static void who_needs_none(void** state) {
  (void)state;
  static const struct {
    const char *list, *url;
    int by_proxy;
  } cases[] = {
      {"*", "http://127.0.0.1:2/", 0},
      {"", "http://127.0.0.1:2/", 1},
      {"127.0.0.1", "http://127.0.0.1:2/", 0},
      {"127.0.0.1:3", "http://127.0.0.1:2/", 1},
      {"127.0.0.1:2", "http://127.0.0.1:2/", 0},
      {"127.0.0.0/8", "http://127.0.0.1:2/", 0},
      {"128.0.0.0/1,127.0.0.2/32", "http://127.0.0.1:2/", 1},
      {"1.2.3.4, 127.0.0.0/31", "http://127.0.0.1:2/", 0},
      {"[::1]", "http://[::1]:2/", 0},
      {"::1", "http://[::1]:2/", 0},
      {"[::1]:3", "http://[::1]:2/", 1},
      {"fe80::/10", "http://[fe80::1]:2/", 0},
      {"fe80::/10", "http://[fe80::1%25lo]:2/", 0},
      {"*.example.com", "http://[::1%25.example.com]:2/", 1}, /* Go, CVE-2025-22870 */
      {"localhost", "http://localhost:2/", 0},
      {"localhost", "http://sub.localhost:2/", 0},
      {".localhost", "http://localhost:2/", 0},
      {"*.localhost", "http://LocalHost:2/", 0},
      {"LOCALHOST.", "http://localhost.:2/", 0},
      {"ocalhost", "http://localhost:2/", 1},
      {"sub.localhost", "http://localhost:2/", 1},
      {"host localhost", "http://localhost:2/", 0},
      {"127.0.0.1", "http://localhost:2/", 1},
      {"127.0.0.0/33,/,:,[,[]:x,.,127.0.0.1:x", "http://127.0.0.1:2/", 1},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    if (by_proxy(cases[i].list, cases[i].url) != cases[i].by_proxy)
      fail_msg("no_proxy=%s %s", cases[i].list, cases[i].url);
}

static void of_the_environment(void** state) {
  (void)state;
  char url[64];
  snprintf(url, sizeof url, "127.0.0.1:%d", support_hostile_port(proxy));
  creche_session_options o = session_options();
  creche_request_options ro = request_options();
  setenv("http_proxy", url, 1);
  setenv("no_proxy", "b.example", 1);
  use_session(&o); /* not asked for */
  ro.timeouts.dns = 1;
  creche_completion c = fetch("http://a.example/", &ro);
  assert_int_not_equal(c.status, CRECHE_OK);
  drop(c);
  o.flags = CRECHE_SESSION_ENV_PROXY;
  use_session(&o);
  unsetenv("http_proxy"); /* read once */
  expect_body(fetch("http://a.example/", &ro), 200, "proxy");
  c = fetch("http://b.example/", &ro);
  assert_int_not_equal(c.status, CRECHE_OK);
  drop(c);
  /* What is given goes first. */
  o.no_proxy = "a.example";
  setenv("all_proxy", url, 1);
  use_session(&o);
  expect_body(fetch("http://b.example/", &ro), 200, "proxy");
  o.proxy = "direct";
  use_session(&o);
  c = fetch("http://b.example/", &ro);
  assert_int_not_equal(c.status, CRECHE_OK);
  drop(c);
  /* A client of a CGI program can set this one. */
  unsetenv("all_proxy");
  setenv("HTTP_PROXY", url, 1);
  o.proxy = NULL;
  o.no_proxy = NULL;
  use_session(&o);
  c = fetch("http://a.example/", &ro);
  assert_int_not_equal(c.status, CRECHE_OK);
  drop(c);
  setenv("https_proxy", "ftp://x", 1);
  creche_session bad;
  assert_int_equal(creche_session_open(loop, &o, &bad), CRECHE_E_INVALID);
  assert_non_null(strstr(creche_last_error()->message, "https_proxy"));
}

/* A hop that needs no proxy gets none, and neither of them what was for the other. */
static void chosen_for_each_hop(void** state) {
  (void)state;
  support_hostile* straight = support_hostile_start(forwarding, NULL);
  creche_session_options o = session_options();
  o.proxy = proxy_url("http", "u:p@", support_hostile_port(proxy));
  o.no_proxy = "127.0.0.1";
  use_session(&o);
  expect_body(fetch("http://a.example/away", NULL), 200, "proxy");
  assert_true(noted(to_proxy, "GET http://a.example/end HTTP/1.1"));
  assert_true(noted(to_proxy, "Proxy-Authorization: Basic dTpw\r\n"));
  /* From a server that is reached straight to one that is not, whose proxy knows its own only. */
  expect_body(fetch(at(support_hostile_url(straight), "/away?"), NULL), 200, "proxy");
  assert_int_equal(support_hostile_requests(straight), 1);
  assert_true(noted(to_proxy, "GET http://b.example/end HTTP/1.1"));
  assert_true(noted(to_proxy, "Proxy-Authorization: Basic dTpw\r\n"));
  support_hostile_stop(straight);
}

static void misuse(void** state) {
  (void)state;
  static const char* const bad[] = {"",
                                    "ftp://host",
                                    "socks4://host",
                                    "http://127.1:80",
                                    "http://",
                                    "http://user:secret@",
                                    "http://user:secret@ho st:1",
                                    "http://user:secret@host:99999",
                                    "socks5://:secret@host",
                                    "secret\x01"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    creche_session_options o = session_options();
    creche_session opened;
    o.proxy = bad[i];
    if (creche_session_open(loop, &o, &opened) != CRECHE_E_INVALID) fail_msg("%s", bad[i]);
    assert_null(strstr(creche_last_error()->message, "secret"));
    creche_request_options ro = request_options();
    ro.proxy = bad[i];
    creche_completion c = fetch("http://127.0.0.1:1/", &ro);
    assert_null(strstr(c.error->message, "secret"));
    expect_failure(c, CRECHE_E_INVALID, CRECHE_PHASE_OPTIONS, 0);
  }
  creche_session_options o = session_options();
  creche_session opened;
  creche_header header = creche_header_text("Host", "x");
  o.proxy_headers_count = 1;
  assert_int_equal(creche_session_open(loop, &o, &opened), CRECHE_E_INVALID);
  o.proxy_headers = &header;
  assert_int_equal(creche_session_open(loop, &o, &opened), CRECHE_E_INVALID);
  header = creche_header_text("X", "a\nb");
  assert_int_equal(creche_session_open(loop, &o, &opened), CRECHE_E_INVALID);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, serve, stop)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(forwarded),
      TEST(headers_for_the_proxy),
      TEST(all_that_open),
      TEST(refusals),
      TEST(hostile_ones),
      TEST(certificates_inside),
      TEST(with_settings_of_its_own),
      TEST(over_tls),
      TEST(unreachable),
      TEST(who_needs_none),
      TEST(of_the_environment),
      TEST(chosen_for_each_hop),
      TEST(misuse),
  };
  return cmocka_run_group_tests_name("http proxies", tests, make_tls, free_tls);
}

/* SOCKS5 proxies: what they are asked, with names or addresses, and what they may answer. */
#include "proxies.h"

static support_hostile* server;

static int serve(void** state) {
  server = support_hostile_start(support_script_answer,
                                 (void*)"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nplain");
  return set_up(state);
}
static int stop(void** state) {
  const int failed = tear_down(state);
  support_hostile_stop(server);
  return failed;
}

typedef struct socks {
  const char* method; /* to the greeting: 2 bytes */
  const char* status; /* to user and password: 2 bytes; NULL: they are not asked for */
  const char* reply;  /* to the request */
  size_t reply_size;
  int port; /* where to pass on to; 0: nowhere */
  int trickled;
} socks;

#define OPEN "\5\0\0\1\177\0\0\1\0\120"

static int say(support_peer* peer, const socks* s, const char* bytes, size_t size) {
  return s->trickled ? support_trickle(peer, bytes, size) : support_send(peer, bytes, size);
}

/* Takes n bytes more into `all`. */
static int take(support_peer* peer, size_t n, char* all, size_t* size) {
  if (!support_expect_bytes(peer, n)) return 0;
  memcpy(all + *size, support_received(peer), n);
  *size += n;
  return 1;
}

/* Notes all that it is sent before it passes anything on. */
static void proxy(support_peer* peer, void* user) {
  const socks* s = user;
  char all[1024];
  size_t size = 0;
  if (!take(peer, 2, all, &size) || !take(peer, (size_t)all[1], all, &size)) return;
  if (!say(peer, s, s->method, 2)) return;
  if (s->status != NULL) {
    if (!take(peer, 2, all, &size) || !take(peer, (unsigned char)all[size - 1], all, &size)) return;
    if (!take(peer, 1, all, &size) || !take(peer, (unsigned char)all[size - 1], all, &size)) return;
    if (!say(peer, s, s->status, 2)) return;
  }
  if (s->reply != NULL) {
    if (!take(peer, 4, all, &size)) return;
    if (all[size - 1] == 3) {
      if (!take(peer, 1, all, &size) || !take(peer, (unsigned char)all[size - 1] + 2u, all, &size))
        return;
    } else if (!take(peer, (all[size - 1] == 1 ? 4u : 16u) + 2, all, &size)) {
      return;
    }
    note(to_proxy, all, size);
    support_count_request(peer);
    if (!say(peer, s, s->reply, s->reply_size)) return;
  }
  if (s->port != 0)
    support_relay(support_peer_fd(peer), s->port);
  else
    support_await_close(peer);
}

static support_hostile* relay_through(const socks* s, const char* scheme, const char* user_info) {
  static char url[256];
  support_hostile* through = support_hostile_start(proxy, (void*)s);
  creche_session_options o = session_options();
  snprintf(url, sizeof url, "%s://%s127.0.0.1:%d", scheme, user_info,
           support_hostile_port(through));
  o.proxy = url;
  o.ca_file = ca_path;
  use_session(&o);
  return through;
}

static void end(support_hostile* through) {
  creche_session_release(web);
  web.id = 0;
  support_hostile_stop(through);
}

static void expect_noted(const char* bytes, size_t size) {
  assert_int_equal(to_proxy_size, size);
  assert_memory_equal(to_proxy, bytes, size);
}

static void names_there(void** state) {
  (void)state;
  const socks s = {"\5\0", NULL, OPEN, 10, support_hostile_port(server), 0};
  support_hostile* through = relay_through(&s, "socks5h", "");
  expect_body(fetch("http://Name.example:81/", NULL), 200, "plain");
  expect_noted("\5\1\0\5\1\0\3\14name.example\0\121", 3 + 5 + 12 + 2);
  expect_body(fetch("http://name.example:81/", NULL), 200, "plain");
  assert_int_equal(support_hostile_connections(through), 1);
  creche_session_counters c;
  OK(creche_session_get_counters(web, &c, sizeof c));
  assert_int_equal(c.dns_lookups, 0);
  /* An address is no name. */
  expect_body(fetch("http://[::1]:81/", NULL), 200, "plain");
  expect_noted("\5\1\0\5\1\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\121", 3 + 4 + 16 + 2);
  expect_body(fetch("http://10.1.2.3/", NULL), 200, "plain");
  expect_noted("\5\1\0\5\1\0\1\12\1\2\3\0\120", 3 + 4 + 4 + 2);
  end(through);
}

static void names_here(void** state) {
  (void)state;
  const socks s = {"\5\0", NULL, OPEN, 10, support_hostile_port(server), 0};
  support_hostile* through = relay_through(&s, "socks5", "");
  expect_body(fetch("http://localhost:81/", NULL), 200, "plain");
  expect_noted("\5\1\0\5\1\0\1\177\0\0\1\0\121", 3 + 4 + 4 + 2);
  creche_completion c = fetch("http://name.invalid/", NULL);
  expect_failure(c, CRECHE_E_DNS, CRECHE_PHASE_DNS, c.error->flags);
  end(through);
}

/* Where a host is mapped to, the proxy is asked to go: with its port, and only to what it can
 * reach. */
static void mapped_hosts(void** state) {
  (void)state;
  const socks s = {"\5\0", NULL, OPEN, 10, support_hostile_port(server), 0};
  support_hostile* through = support_hostile_start(proxy, (void*)&s);
  const creche_mapped_host hosts[] = {{"here.invalid", "127.0.0.9:258"},
                                      {"same.invalid", "127.0.0.8"},
                                      {"local.invalid", "unix:/nowhere"}};
  char url[64];
  creche_session_options o = session_options();
  snprintf(url, sizeof url, "socks5://127.0.0.1:%d", support_hostile_port(through));
  o.proxy = url;
  o.hosts = hosts;
  o.hosts_count = 3;
  use_session(&o);
  expect_body(fetch("http://here.invalid:81/", NULL), 200, "plain");
  expect_noted("\5\1\0\5\1\0\1\177\0\0\11\1\2", 3 + 4 + 4 + 2);
  expect_body(fetch("http://same.invalid:81/", NULL), 200, "plain");
  expect_noted("\5\1\0\5\1\0\1\177\0\0\10\0\121", 3 + 4 + 4 + 2);
  creche_completion c = fetch("http://local.invalid/", NULL);
  assert_non_null(strstr(c.error->message, "Unix socket"));
  expect_failure(c, CRECHE_E_INVALID, CRECHE_PHASE_PROXY, CRECHE_ERROR_UNSENT);
  end(through);
}

static void with_a_password(void** state) {
  (void)state;
  for (int trickled = 0; trickled < 2; trickled++) {
    const socks s = {"\5\2",  "\1\0", "\5\0\0\3\4name\0\120", 11, support_hostile_port(server),
                     trickled};
    support_hostile* through = relay_through(&s, "socks5h", "us%40er:p%3Aw@");
    expect_body(fetch("http://a.example/", NULL), 200, "plain");
    expect_noted("\5\2\0\2\1\5us@er\3p:w\5\1\0\3\11a.example\0\120", 4 + 11 + 4 + 10 + 2);
    end(through);
  }
}

static void tls_behind_it(void** state) {
  (void)state;
  support_hostile* secure = support_hostile_start(tls_server, NULL);
  const socks s = {"\5\0", NULL, "\5\0\0\4________________\0\120", 22, support_hostile_port(secure),
                   0};
  support_hostile* through = relay_through(&s, "socks5h", "");
  expect_body(fetch("https://localhost/x", NULL), 200, "secret");
  assert_true(noted(to_server, "GET /x HTTP/1.1\r\nHost: localhost\r\n"));
  expect_failure(fetch("https://wrong.example/", NULL), CRECHE_E_TLS_VERIFY, CRECHE_PHASE_TLS,
                 CRECHE_ERROR_UNSENT);
  end(through);
  support_hostile_stop(secure);
}

/* Where names are resolved here, another address is asked for when one cannot be reached. */
static void another_address(void** state) {
  (void)state;
  const socks s = {"\5\0", NULL, "\5\5\0\1\0\0\0\0\0\0", 10, 0, 0};
  support_hostile* through = relay_through(&s, "socks5", "");
  expect_failure(fetch("http://localhost/", NULL), CRECHE_E_PROXY, CRECHE_PHASE_PROXY,
                 CRECHE_ERROR_UNSENT | CRECHE_ERROR_RETRYABLE);
  assert_int_equal(support_hostile_requests(through), 2); /* 127.0.0.1 and ::1 */
  expect_noted("\5\1\0\5\1\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\120", 3 + 4 + 16 + 2);
  end(through);
}

static void refusals(void** state) {
  (void)state;
  const uint32_t unsent = CRECHE_ERROR_UNSENT, again = unsent | CRECHE_ERROR_RETRYABLE;
  const struct {
    socks s;
    const char* user_info;
    creche_status status;
    uint32_t flags;
  } cases[] = {
      {{"\5\377", NULL, NULL, 0, 0, 0}, "", CRECHE_E_PROXY, unsent},
      {{"\5\2", NULL, NULL, 0, 0, 0}, "", CRECHE_E_PROXY, unsent},
      {{"\5\1", NULL, NULL, 0, 0, 0}, "u:p@", CRECHE_E_PROXY, unsent},
      {{"\5\2", "\1\1", NULL, 0, 0, 0}, "u:p@", CRECHE_E_PROXY, unsent},
      {{"\4\0", NULL, NULL, 0, 0, 0}, "", CRECHE_E_PROTOCOL, unsent},
      {{"HT", NULL, NULL, 0, 0, 0}, "", CRECHE_E_PROTOCOL, unsent},
      {{"\5\0", NULL, "\5\1\0\1\0\0\0\0\0\0", 10, 0, 0}, "", CRECHE_E_PROXY, again},
      {{"\5\0", NULL, "\5\2\0\1\0\0\0\0\0\0", 10, 0, 0}, "", CRECHE_E_PROXY, unsent},
      {{"\5\0", NULL, "\5\4\0\1\0\0\0\0\0\0", 10, 0, 0}, "", CRECHE_E_PROXY, again},
      {{"\5\0", NULL, "\5\177\0\1\0\0\0\0\0\0", 10, 0, 0}, "", CRECHE_E_PROXY, unsent},
      {{"\5\0", NULL, "\5\0\0\2\0\0\0\0\0\0", 10, 0, 0}, "", CRECHE_E_PROTOCOL, unsent},
      {{"\5\0", NULL, "\4\0\0\1\0\0\0\0\0\0", 10, 0, 0}, "", CRECHE_E_PROTOCOL, unsent},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    support_hostile* through = relay_through(&cases[i].s, "socks5h", cases[i].user_info);
    creche_completion c = fetch("http://a.example/", NULL);
    assert_non_null(strstr(c.error->message, "the proxy 127.0.0.1:"));
    expect_failure(c, cases[i].status, CRECHE_PHASE_PROXY, cases[i].flags);
    end(through);
  }
  /* One that says nothing behind its greeting. */
  const socks s = {"\5\0", NULL, "", 0, 0, 0};
  support_hostile* through = relay_through(&s, "socks5h", "");
  creche_request_options o = request_options();
  o.timeouts.proxy = 50 * CRECHE_MILLISECOND;
  expect_failure(fetch("http://a.example/", &o), CRECHE_E_TIMEOUT, CRECHE_PHASE_PROXY, again);
  end(through);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, serve, stop)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(names_there),   TEST(names_here),      TEST(mapped_hosts), TEST(with_a_password),
      TEST(tls_behind_it), TEST(another_address), TEST(refusals),
  };
  return cmocka_run_group_tests_name("SOCKS proxies", tests, make_tls, free_tls);
}

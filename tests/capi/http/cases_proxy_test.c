/* Proxies that change from hop to hop: cases of CASES.md. */
#include "proxies.h"

static support_hostile *first, *second, *server;
static char to_second[8192];

/* Sends all that is asked of it over to https://b.example/. */
static void sends_away(support_peer* peer, void* user) {
  (void)user;
  while (support_expect_request(peer)) {
    note(to_proxy, support_received(peer), support_received_size(peer));
    support_send_text(peer,
                      "HTTP/1.1 302 X\r\nLocation: https://b.example/end\r\n"
                      "Content-Length: 0\r\n\r\n");
  }
}

static void opens_a_tunnel(support_peer* peer, void* user) {
  (void)user;
  if (!support_expect(peer, "\r\n\r\n")) return;
  note(to_second, support_received(peer), support_received_size(peer));
  if (support_send_text(peer, "HTTP/1.1 200 OK\r\n\r\n"))
    support_relay(support_peer_fd(peer), support_hostile_port(server));
}

static int serve(void** state) {
  first = support_hostile_start(sends_away, NULL);
  second = support_hostile_start(opens_a_tunnel, NULL);
  server = support_hostile_start(tls_server, NULL);
  return set_up(state);
}
static int stop(void** state) {
  const int failed = tear_down(state);
  unsetenv("http_proxy");
  unsetenv("https_proxy");
  support_hostile_stop(first);
  support_hostile_stop(second);
  support_hostile_stop(server);
  return failed;
}

/* Each proxy is told its own user and password, whoever chose it; and no server either's. */
static void credentials_stay_with_their_proxy(void** state) {
  (void)state;
  const creche_header own[] = {creche_header_text("Proxy-Authorization", "Basic b3duOjE="),
                               creche_header_text("Authorization", "Bearer secret")};
  for (int i = 0; i < 3; i++) {
    creche_session_options so = session_options();
    creche_request_options o = request_options();
    char url[64];
    snprintf(url, sizeof url, "http://%s127.0.0.1:%d", i == 2 ? "" : "one:1@",
             support_hostile_port(first));
    setenv("http_proxy", url, 1);
    snprintf(url, sizeof url, "http://%s127.0.0.1:%d", i == 1 ? "" : "two:2@",
             support_hostile_port(second));
    setenv("https_proxy", url, 1);
    unsetenv("no_proxy");
    so.flags = CRECHE_SESSION_ENV_PROXY | CRECHE_SESSION_INSECURE;
    use_session(&so);
    o.headers = own;
    o.headers_count = i == 2 ? 2 : 0;
    expect_body(fetch("http://a.example/", &o), 200, "secret");
    assert_true(noted(to_proxy, i == 2 ? "\r\nProxy-Authorization: Basic b3duOjE=\r\n"
                                       : "\r\nProxy-Authorization: Basic b25lOjE=\r\n"));
    assert_true(noted(to_second, "CONNECT b.example:443 HTTP/1.1\r\nHost: b.example:443\r\n"));
    assert_int_equal(noted(to_second, "Proxy-Authorization: Basic dHdvOjI=\r\n"), i != 1);
    assert_false(noted(to_second, "b25lOjE=") || noted(to_second, "b3duOjE="));
    assert_false(noted(to_second, "Bearer"));
    assert_true(noted(to_server, "GET /end HTTP/1.1\r\nHost: b.example\r\n"));
    assert_false(noted(to_server, "uthorization"));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(credentials_stay_with_their_proxy, serve, stop),
  };
  return cmocka_run_group_tests_name("cases of proxies", tests, make_tls, free_tls);
}

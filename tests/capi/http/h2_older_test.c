/* A server that speaks HTTP/2, and wants some requests by HTTP/1.1 (RFC 9113, 7:
 * HTTP_1_1_REQUIRED). */
#include "h2_front.h"
#include "h2_test.h"
#include "reading.h"

enum { HTTP_1_1_REQUIRED = 0xd };

static void refuses(support_peer* peer, void* user) {
  support_h2* h = support_h2_open(peer);
  support_h2_request r;
  (void)user;
  while (h != NULL && support_h2_next_request(h, &r))
    if (strcmp(r.path, "/fine") == 0)
      support_h2_answer(h, r.stream, 200, NULL, "by 2");
    else if (strcmp(r.path, "/leaves") == 0)
      support_h2_goaway(h, 0, HTTP_1_1_REQUIRED);
    else
      support_h2_reset(h, r.stream, HTTP_1_1_REQUIRED);
  support_h2_close(h);
}

static support_hostile* server;
static char url[64];

static int serve(void** state) {
  (void)state;
  SSL_CTX_set_alpn_select_cb(tls, prefer, "\x02h2\x08http/1.1");
  by_2 = support_hostile_start(refuses, NULL);
  by_1 = support_hostile_start(support_script_answer,
                               (void*)"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nby 1");
  server = support_hostile_start(by_alpn, NULL);
  snprintf(url, sizeof url, "https://localhost:%d", support_hostile_port(server));
  creche_session_options o = session_options();
  o.versions = CRECHE_HTTP_1_1 | CRECHE_HTTP_2;
  o.ca_file = ca_path;
  return open_session(&o);
}
static int stop(void** state) {
  const int failed = tear_down(state);
  support_hostile_stop(server);
  support_hostile_stop(by_2);
  support_hostile_stop(by_1);
  return failed;
}

/* Whatever its method; the others on the connection are as they were. */
static void by_the_older_one(void** state) {
  (void)state;
  expect_body(fetch(at(url, "/fine"), NULL), 200, "by 2");
  creche_request_options o = request_options();
  o.method = "POST";
  o.body = "once";
  o.body_size = 4;
  expect_body(fetch(at(url, "/login"), &o), 200, "by 1");
  assert_int_equal(support_hostile_requests(by_1), 1);
  expect_body(fetch(at(url, "/fine"), NULL), 200, "by 2");
  assert_int_equal(support_hostile_requests(by_2), 3);
  assert_int_equal(support_hostile_connections(by_2), 1);
}

/* The server goes away for that reason: what it has not taken goes by the older one, too. */
static void for_the_whole_connection(void** state) {
  (void)state;
  creche_request_options o = request_options();
  o.method = "POST";
  expect_body(fetch(at(url, "/leaves"), &o), 200, "by 1");
  assert_int_equal(support_hostile_requests(by_2), 1);
  expect_body(fetch(at(url, "/fine"), NULL), 200, "by 2");
  o.versions = CRECHE_HTTP_2;
  creche_completion c = fetch(at(url, "/leaves"), &o);
  assert_non_null(strstr(c.error->message, "CRECHE_HTTP_1_1"));
  expect_status(c, CRECHE_E_DISCONNECTED);
}

static void where_it_is_allowed(void** state) {
  (void)state;
  creche_request_options o = request_options();
  o.versions = CRECHE_HTTP_2;
  creche_completion c = fetch(at(url, "/login"), &o);
  assert_non_null(strstr(c.error->message, "CRECHE_HTTP_1_1"));
  expect_status(c, CRECHE_E_DISCONNECTED);
  o.versions = 0;
  o.flags = CRECHE_REQUEST_NO_RETRY;
  expect_status(fetch(at(url, "/login"), &o), CRECHE_E_DISCONNECTED);
  assert_int_equal(support_hostile_requests(by_1), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(by_the_older_one, serve, stop),
      cmocka_unit_test_setup_teardown(for_the_whole_connection, serve, stop),
      cmocka_unit_test_setup_teardown(where_it_is_allowed, serve, stop),
  };
  return cmocka_run_group_tests_name("HTTP/1.1 required", tests, make_tls, free_tls);
}

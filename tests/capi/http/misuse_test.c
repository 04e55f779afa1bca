/* What a call may refuse at once: NULL, handles, options. And what the defaults are. */
#include "http_test.h"

static void defaults(void** state) {
  (void)state;
  creche_session_options s = session_options();
  assert_int_equal(s.size, sizeof s);
  assert_int_equal(s.limit, 100);
  assert_int_equal(s.limit_per_host, 0);
  assert_int_equal(s.max_redirects, 10);
  assert_int_equal(s.max_header_bytes, 65536);
  assert_int_equal(s.dns_ttl_ms, 10000);
  assert_int_equal(s.max_body, 64 << 20);
  assert_int_equal(s.keepalive, 15 * CRECHE_SECOND);
  assert_string_equal(s.user_agent, "libcreche/0.1.0");
  creche_request_options r;
  creche_request_options_init(&r, sizeof r);
  assert_int_equal(r.max_redirects, CRECHE_DEFAULT);
  assert_int_equal(creche_session_options_init(NULL, sizeof s), CRECHE_E_INVALID);
  assert_int_equal(creche_session_options_init(&s, 8), CRECHE_E_INVALID);
  assert_int_equal(creche_request_options_init(&r, 8), CRECHE_E_INVALID);
}

static void sessions(void** state) {
  (void)state;
  creche_session session = {1};
  assert_int_equal(creche_session_open(loop, NULL, NULL), CRECHE_E_INVALID);
  assert_int_equal(creche_session_open((creche_loop){{0}}, NULL, &session), CRECHE_E_BAD_HANDLE);
  assert_int_equal(session.id, 0);
  creche_session_options o = session_options();
  o.ca_file = "/nonexistent/ca.pem";
  assert_int_equal(creche_session_open(loop, &o, &session), CRECHE_E_SYSTEM);
  last_error_says("/nonexistent/ca.pem");
  o.ca_file = "/dev/null";
  assert_int_equal(creche_session_open(loop, &o, &session), CRECHE_E_TLS);
  o = session_options();
  o.flags = 1u << 30;
  assert_int_equal(creche_session_open(loop, &o, &session), CRECHE_E_UNSUPPORTED);
  o = session_options();
  o.timeouts.dns = -1;
  assert_int_equal(creche_session_open(loop, &o, &session), CRECHE_E_INVALID);
  o = session_options();
  o.keepalive = -1;
  assert_int_equal(creche_session_open(loop, &o, &session), CRECHE_E_INVALID);
  creche_header header = creche_header_text("Bad Name", "x");
  o = session_options();
  o.headers_count = 1;
  assert_int_equal(creche_session_open(loop, &o, &session), CRECHE_E_INVALID);
  o.headers = &header;
  assert_int_equal(creche_session_open(loop, &o, &session), CRECHE_E_INVALID);
  header = creche_header_text("Content-Length", "5");
  assert_int_equal(creche_session_open(loop, &o, &session), CRECHE_E_INVALID);
  assert_int_equal(creche_session_close(web, creche_to_group, NULL), CRECHE_E_INVALID);
  creche_session_counters c;
  assert_int_equal(creche_session_get_counters(web, NULL, sizeof c), CRECHE_E_INVALID);
  creche_session_release((creche_session){0});
  creche_session_release((creche_session){queue.id}); /* of another kind: left alone */
  assert_true(creche_queue_fd(queue) >= 0);
}

static creche_status try(creche_session session, creche_scope in, const char* url,
                         const creche_request_options* o) {
  creche_task task = {{1}};
  const creche_status status =
      creche_session_fetch(session, in, url, o, creche_nobody, NULL, &task);
  if (status != CRECHE_OK) assert_int_equal(task.scope.id, 0);
  assert_int_equal(creche_session_send(session, in, url, o, creche_nobody, NULL, NULL), status);
  return status;
}

static void requests(void** state) {
  (void)state;
  creche_request_options o = request_options();
  assert_int_equal(try(web, loop.scope, NULL, &o), CRECHE_E_INVALID);
  assert_int_equal(try((creche_session){0}, loop.scope, "http://h/", &o), CRECHE_E_BAD_HANDLE);
  assert_int_equal(try(web, (creche_scope){0}, "http://h/", &o), CRECHE_E_BAD_HANDLE);
  o.flags = CRECHE_REQUEST_PULL_BODY; /* and nobody to ask */
  assert_int_equal(try(web, loop.scope, "http://h/", &o), CRECHE_E_INVALID);
  o.body = "x";
  assert_int_equal(try(web, loop.scope, "http://h/", &o), CRECHE_E_INVALID);
  o = request_options();
  o.body_size = 1;
  assert_int_equal(try(web, loop.scope, "http://h/", &o), CRECHE_E_INVALID);
  o = request_options();
  o.headers_count = 1;
  assert_int_equal(try(web, loop.scope, "http://h/", &o), CRECHE_E_INVALID);
  o = request_options();
  o.timeouts.pool = -1;
  assert_int_equal(try(web, loop.scope, "http://h/", &o), CRECHE_E_INVALID);
  o = request_options();
  o.flags = 1u << 20;
  assert_int_equal(try(web, loop.scope, "http://h/", &o), CRECHE_E_UNSUPPORTED);
  creche_loop other;
  assert_int_equal(creche_loop_open(NULL, &other), CRECHE_OK);
  assert_int_equal(try(web, other.scope, "http://h/", NULL), CRECHE_E_WRONG_LOOP);
  creche_loop_close(other);
  assert_int_equal(creche_loop_join(other, PATIENCE), CRECHE_OK);
}

static void responses(void** state) {
  (void)state;
  const creche_response none = {0};
  creche_header h;
  creche_response_info info;
  size_t size = 7;
  assert_int_equal(creche_response_status(none), CRECHE_E_BAD_HANDLE);
  assert_null(creche_response_header(none, "A", &size));
  assert_int_equal(size, 0);
  assert_int_equal(creche_response_header_at(none, 0, &h), CRECHE_E_BAD_HANDLE);
  assert_int_equal(creche_response_header_at(none, 0, NULL), CRECHE_E_INVALID);
  assert_null(creche_response_url(none));
  assert_int_equal(creche_response_get_info(none, &info, sizeof info), CRECHE_E_BAD_HANDLE);
  assert_int_equal(creche_response_read(none, loop.scope, 0, NULL, creche_nobody, NULL, NULL),
                   CRECHE_E_BAD_HANDLE);
  creche_response_release(none);
}

static void echo_head(support_peer* peer, void* user) {
  (void)user;
  while (support_expect_request(peer)) {
    const char* head = support_received(peer);
    support_sendf(peer, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s", strlen(head), head);
  }
}

static void what_is_sent(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(echo_head, NULL);
  char expected[512];
  snprintf(expected, sizeof expected,
           "GET /a?b=%%20c HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nAccept: */*\r\n"
           "Accept-Encoding: gzip, deflate, br, zstd\r\nUser-Agent: libcreche/0.1.0\r\n\r\n",
           support_hostile_port(server));
  expect_body(fetch(at(support_hostile_url(server), "/a?b=%20c#d"), NULL), 200, expected);

  creche_session_options so = session_options();
  creche_header shared[] = {creche_header_text("X-Session", "1"),
                            creche_header_text("X-Both", "2")};
  so.headers = shared;
  so.headers_count = 2;
  so.user_agent = "";
  so.flags = CRECHE_SESSION_NO_DECODE;
  use_session(&so);
  creche_request_options o = request_options();
  creche_header own[] = {creche_header_text("x-both", "own"), creche_header_text("aCCept", "a/b")};
  o.headers = own;
  o.headers_count = 2;
  o.body = "";
  snprintf(expected, sizeof expected,
           "POST / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nx-both: own\r\naCCept: a/b\r\n"
           "X-Session: 1\r\nContent-Length: 0\r\n\r\n",
           support_hostile_port(server));
  expect_body(fetch(support_hostile_url(server), &o), 200, expected);
  support_hostile_stop(server);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(defaults, set_up, tear_down),
      cmocka_unit_test_setup_teardown(sessions, set_up, tear_down),
      cmocka_unit_test_setup_teardown(requests, set_up, tear_down),
      cmocka_unit_test_setup_teardown(responses, set_up, tear_down),
      cmocka_unit_test_setup_teardown(what_is_sent, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

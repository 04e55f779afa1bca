/* HTTP/2: one exchange at a time, over a connection that is known to speak it. */
#include "h2_test.h"

#include "support/nginx.h"

static support_hostile* server;

static int serve(void** state) {
  server = support_hostile_start(support_script_h2, NULL);
  return server != NULL ? h2_set_up(state) : -1;
}

static int stop(void** state) {
  const int failed = tear_down(state);
  support_hostile_stop(server);
  return failed;
}

static const char* url(const char* path) {
  return at(support_hostile_url(server), path);
}

static void a_fetch(void** state) {
  (void)state;
  creche_completion c = fetch(url("/hello?a=b#c"), NULL);
  if (c.status != CRECHE_OK) fail_msg("%s", creche_error_message(c.error));
  assert_int_equal(c.code, 200);
  assert_string_equal(c.data, "hello");
  const creche_response r = {c.value};
  const creche_response_info info = h2_info(r);
  assert_int_equal(info.http_major, 2);
  assert_int_equal(info.http_minor, 0);
  assert_string_equal(info.reason, "");
  assert_string_equal(info.method, "GET");
  assert_true(info.head_bytes > 20);
  assert_int_equal(info.reused, 0);
  assert_int_equal(info.body_bytes, 5);
  assert_true(info.started <= info.connected && info.connected <= info.sent);
  assert_true(info.sent <= info.first_byte && info.first_byte <= info.ended);
  assert_string_equal(creche_response_header(r, "Content-Type", NULL), "text/plain");
  creche_header h;
  OK(creche_response_header_at(r, 0, &h));
  assert_string_equal(h.name, "content-type"); /* no pseudo field */
  drop(c);
  expect_body(fetch(url("/hello"), NULL), 200, "hello");
  assert_int_equal(session_counters(web).connects, 1);
  assert_int_equal(session_counters(web).reuses, 1);
  assert_int_equal(session_counters(web).idle, 1);
}

/* What is sent of the fields of a user. */
static void the_head_of_a_request(void** state) {
  (void)state;
  const creche_header fields[] = {
      creche_header_text("X-Own", "Value"),     creche_header_text("Connection", "close, X-Own"),
      creche_header_text("Keep-Alive", "5"),    creche_header_text("Proxy-Connection", "close"),
      creche_header_text("Upgrade", "toast"),   creche_header_text("TE", "gzip"),
      creche_header_text("Host", "else.where"), creche_header_text("X-Own", "again")};
  creche_request_options o = request_options();
  o.headers = fields;
  o.headers_count = sizeof fields / sizeof *fields;
  expect_body(fetch(url("/head"), &o), 200,
              ":method: GET\n:authority: else.where\n:scheme: http\n:path: /head\nx-own: Value\n"
              "x-own: again\naccept: */*\naccept-encoding: gzip, deflate, br, zstd\n"
              "user-agent: libcreche/0.1.0\n");
  const creche_header te = creche_header_text("TE", "trailers");
  o.headers = &te;
  o.headers_count = 1;
  creche_completion c = fetch(url("/head"), &o);
  assert_non_null(strstr(c.data, "te: trailers\n"));
  drop(c);
}

static void bodies_are_sent(void** state) {
  (void)state;
  creche_request_options o = request_options();
  o.body = "hello";
  o.body_size = 5;
  expect_body(fetch(url("/echo"), &o), 200, "hello");
  o.body_size = 0; /* an empty one */
  creche_completion c = fetch(url("/head"), &o);
  assert_non_null(strstr(c.data, "content-length: 0\n"));
  drop(c);
  o = request_options();
  o.flags = CRECHE_REQUEST_PULL_BODY;
  o.body_size = CRECHE_UNKNOWN_SIZE;
  start(url("/echo"), &o, NULL);
  const char* pieces[] = {"one ", "", "two ", "three"};
  for (int i = 0; i < 4; i++) {
    c = next();
    assert_int_equal(c.kind, CRECHE_PULL);
    OK(creche_task_answer(c.task, CRECHE_OK, pieces[i], strlen(pieces[i]), i < 3 ? CRECHE_MORE : 0,
                          NULL));
    drop(c);
  }
  expect_body(next(), 200, "one two three");
  /* Less than was said: that stream ends, and no other. */
  o.body_size = 10;
  start(url("/echo"), &o, NULL);
  c = next();
  OK(creche_task_answer(c.task, CRECHE_OK, "short", 5, 0, NULL));
  drop(c);
  expect_failure(next(), CRECHE_E_BODY, CRECHE_PHASE_SEND, 0);
  expect_body(fetch(url("/hello"), NULL), 200, "hello");
  assert_int_equal(session_counters(web).connects, 1);
}

static void answers_without_bodies(void** state) {
  (void)state;
  creche_request_options o = request_options();
  o.method = "HEAD";
  creche_completion c = fetch(url("/bytes/12345"), &o); /* of a body, which is not sent */
  if (c.status != CRECHE_OK) fail_msg("%s", creche_error_message(c.error));
  assert_string_equal(creche_response_header((creche_response){c.value}, "Content-Length", NULL),
                      "12345");
  expect_body(c, 200, "");
  expect_body(fetch(url("/status/404"), &o), 404, "");
  expect_body(fetch(url("/status/204"), NULL), 204, "");
  expect_body(fetch(url("/status/304"), NULL), 304, "");
  expect_body(fetch(url("/bytes/0"), NULL), 200, "");
  expect_body(fetch(url("/status/404"), NULL), 404, "that is it");
  assert_int_equal(session_counters(web).connects, 1);
}

static void redirects_keep_the_connection(void** state) {
  (void)state;
  expect_body(fetch(url("/status/302"), NULL), 200, "hello");
  assert_int_equal(session_counters(web).connects, 1);
}

static void large_bodies(void** state) {
  (void)state;
  creche_completion c = fetch(url("/bytes/20000000"), NULL);
  assert_int_equal(c.status, CRECHE_OK);
  assert_int_equal(c.data_size, 20000000);
  drop(c);
  creche_response r = h2_head(send_request(url("/bytes/3000000"), NULL), 200);
  assert_int_equal(h2_info(r).http_major, 2);
  assert_int_equal(h2_read_all(r), 3000000);
  creche_response_release(r);
  creche_request_options o = request_options();
  o.max_body = 1000;
  expect_failure(fetch(url("/bytes/1001"), &o), CRECHE_E_LIMIT, CRECHE_PHASE_BODY, 0);
  expect_body(fetch(url("/hello"), NULL), 200, "hello");
  assert_int_equal(session_counters(web).connects, 1);
}

/* One that is not read holds back itself. */
static void a_slow_reader_stalls_nobody(void** state) {
  (void)state;
  creche_response slow = h2_head(send_request(url("/bytes/4000000"), NULL), 200);
  for (int i = 0; i < 3; i++) {
    creche_completion c = fetch(url("/bytes/5000000"), NULL);
    assert_int_equal(c.data_size, 5000000);
    drop(c);
  }
  assert_true(h2_info(slow).body_bytes <= 513 * 1024);
  assert_int_equal(h2_read_all(slow), 4000000);
  creche_response_release(slow);
  /* One that is let go is reset; no window is lost by it. */
  for (int i = 0; i < 100; i++)
    creche_response_release(h2_head(send_request(url("/bytes/4000000"), NULL), 200));
  creche_completion c = fetch(url("/bytes/5000000"), NULL);
  assert_int_equal(c.data_size, 5000000);
  drop(c);
  assert_int_equal(session_counters(web).connects, 1);
}

static void cancelled_is_one_stream(void** state) {
  (void)state;
  creche_response slow = h2_head(send_request(url("/bytes/4000000"), NULL), 200);
  int first = 0;
  creche_request_options o = request_options();
  o.body = "never ends";
  o.flags = CRECHE_REQUEST_PULL_BODY;
  o.body = NULL;
  o.body_size = CRECHE_UNKNOWN_SIZE;
  const creche_task task = start(url("/echo"), &o, &first);
  creche_completion c = next();
  assert_int_equal(c.kind, CRECHE_PULL);
  drop(c);
  OK(creche_scope_cancel(task.scope, NULL));
  c = next();
  assert_int_equal(c.status, CRECHE_E_CANCELLED);
  assert_ptr_equal(c.user, &first);
  drop(c);
  expect_body(fetch(url("/hello"), NULL), 200, "hello");
  assert_int_equal(h2_read_all(slow), 4000000);
  creche_response_release(slow);
  assert_int_equal(session_counters(web).connects, 1);
}

static void versions_are_checked(void** state) {
  (void)state;
  creche_session s;
  creche_session_options o = session_options();
  o.versions = 4;
  IS(creche_session_open(loop, &o, &s), CRECHE_E_UNSUPPORTED);
  last_error_says("CRECHE_HTTP_2");
  creche_request_options r = request_options();
  r.versions = 4;
  IS(creche_session_fetch(web, loop.scope, url("/"), &r, NULL, NULL, NULL), CRECHE_E_UNSUPPORTED);
  /* Of one request. */
  support_hostile* old = support_hostile_start(support_script_answer,
                                               "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nold");
  r.versions = CRECHE_HTTP_1_1;
  expect_body(fetch(support_hostile_url(old), &r), 200, "old");
  support_hostile_stop(old);
}

static void http1_server(support_peer* peer, void* user) {
  (void)user;
  if (!support_expect(peer, "SM\r\n\r\n")) return;
  support_send_text(peer, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
  support_await_close(peer);
}

static void a_server_that_does_not_speak_it(void** state) {
  (void)state;
  support_hostile* old = support_hostile_start(http1_server, NULL);
  creche_completion c = fetch(support_hostile_url(old), NULL);
  assert_non_null(strstr(c.error->message, "does not speak HTTP/2"));
  expect_failure(c, CRECHE_E_PROTOCOL, CRECHE_PHASE_HEADERS, 0);
  support_hostile_stop(old);
}

/* ---- nginx, by ALPN ---- */

static void over_tls(const char* base, uint32_t versions, uint32_t major) {
  creche_request_options o = request_options();
  o.versions = versions;
  creche_completion c = fetch(at(base, "/small"), &o);
  if (c.status != CRECHE_OK) fail_msg("%s", creche_error_message(c.error));
  assert_int_equal(c.data_size, 1024);
  assert_int_equal(h2_info((creche_response){c.value}).http_major, major);
  assert_int_equal(h2_info((creche_response){c.value}).tls, 1);
  assert_string_equal(h2_info((creche_response){c.value}).alpn, major == 2 ? "h2" : "http/1.1");
  drop(c);
}

static void alpn(void** state) {
  (void)state;
  const support_nginx_options with = {.http2 = 1};
  support_nginx* new = support_nginx_start(&with);
  support_nginx* old = support_nginx_start(NULL);
  assert_non_null(new);
  assert_non_null(old);
  creche_session_options s = session_options();
  s.flags = CRECHE_SESSION_INSECURE;
  s.versions = CRECHE_HTTP_1_1 | CRECHE_HTTP_2;
  use_session(&s);
  over_tls(support_nginx_https_url(new), 0, 2);
  over_tls(support_nginx_https_url(new), 0, 2);
  over_tls(support_nginx_https_url(new), CRECHE_HTTP_1_1, 1);
  over_tls(support_nginx_https_url(new), CRECHE_HTTP_2, 2);
  over_tls(support_nginx_https_url(old), 0, 1);
  over_tls(support_nginx_https_url(old), 0, 1);
  assert_int_equal(session_counters(web).connects, 4);
  creche_request_options o = request_options();
  o.versions = CRECHE_HTTP_2;
  creche_completion c = fetch(at(support_nginx_https_url(old), "/small"), &o);
  assert_int_equal(c.status, CRECHE_E_TLS);
  drop(c);
  /* http URLs by HTTP/1.1. */
  c = fetch(at(support_nginx_http_url(new), "/small"), NULL);
  assert_int_equal(c.status, CRECHE_OK);
  assert_int_equal(h2_info((creche_response){c.value}).http_major, 1);
  drop(c);
  c = fetch(at(support_nginx_https_url(new), "/big"), NULL);
  if (c.status != CRECHE_OK) fail_msg("%s", creche_error_message(c.error));
  assert_int_equal(c.data_size, 64 << 20);
  drop(c);
  support_nginx_stop(new);
  support_nginx_stop(old);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_fetch, serve, stop),
      cmocka_unit_test_setup_teardown(the_head_of_a_request, serve, stop),
      cmocka_unit_test_setup_teardown(bodies_are_sent, serve, stop),
      cmocka_unit_test_setup_teardown(answers_without_bodies, serve, stop),
      cmocka_unit_test_setup_teardown(redirects_keep_the_connection, serve, stop),
      cmocka_unit_test_setup_teardown(large_bodies, serve, stop),
      cmocka_unit_test_setup_teardown(a_slow_reader_stalls_nobody, serve, stop),
      cmocka_unit_test_setup_teardown(cancelled_is_one_stream, serve, stop),
      cmocka_unit_test_setup_teardown(versions_are_checked, serve, stop),
      cmocka_unit_test_setup_teardown(a_server_that_does_not_speak_it, h2_set_up, tear_down),
      cmocka_unit_test_setup_teardown(alpn, h2_set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

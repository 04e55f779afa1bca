/* What of a request reaches a server: methods and lengths, hosts, what a redirect leaves out; and
 * that nothing of a request that holds a control byte does. */
#include "http_test.h"

static char last[8192];
static void noting(support_peer* peer, void* user) {
  (void)user;
  while (support_expect_request(peer)) {
    snprintf(last, sizeof last, "%s", support_received(peer));
    if (strstr(last, " /302"))
      support_send_text(peer, "HTTP/1.1 302 X\r\nLocation: /end#top\r\nContent-Length: 0\r\n\r\n");
    else if (strncmp(last, "HEAD", 4) == 0)
      support_send_text(peer, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n");
    else
      support_send_text(peer, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  }
}

static support_hostile* server;

static int serve(void** state) {
  server = support_hostile_start(noting, NULL);
  return set_up(state);
}
static int stop(void** state) {
  const int failed = tear_down(state);
  support_hostile_stop(server);
  return failed;
}

static int says(const char* text) {
  return strstr(last, text) != NULL;
}

/* 46 of the cases: only methods that mean something with a body say that theirs is empty. */
static void lengths_of_methods(void** state) {
  (void)state;
  static const struct {
    const char* method;
    int none;
  } cases[] = {{"GET", 1},   {"HEAD", 1},   {"OPTIONS", 1},  {"TRACE", 1}, {"POST", 0}, {"PUT", 0},
               {"PATCH", 0}, {"DELETE", 0}, {"PROPFIND", 0}, {"query", 0}, {"M-1.x", 0}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    creche_request_options o = request_options();
    o.method = cases[i].method;
    drop(fetch(support_hostile_url(server), &o));
    assert_memory_equal(last, cases[i].method, strlen(cases[i].method)); /* in its own case */
    assert_int_equal(says("\r\nContent-Length: 0\r\n"), !cases[i].none);
    assert_false(says("Transfer-Encoding") || says("Content-Type"));
    o.body = "x";
    o.body_size = 1;
    drop(fetch(support_hostile_url(server), &o));
    assert_true(says("\r\nContent-Length: 1\r\n"));
  }
}

/* 29, 33 and D3, D4, D6: framing fields of the user's go with the body, never against it. */
static void framing_goes_with_the_body(void** state) {
  (void)state;
  const creche_header length = creche_header_text("content-length", "4"),
                      chunked = creche_header_text("Transfer-Encoding", "chunked"),
                      shorter = creche_header_text("Content-Length", "3");
  const creche_param param = creche_param_text("k", "v");
  creche_request_options o = request_options();
  o.body = "body";
  o.body_size = 4;
  o.headers = &length;
  o.headers_count = 1;
  o.params = &param;
  o.params_count = 1;
  expect_body(fetch(at(support_hostile_url(server), "/302?x#frag"), &o), 200, "ok");
  assert_memory_equal(last, "GET /end HTTP/1.1\r\n", 19);
  assert_false(says("ontent-") || says("chunked"));
  o.headers = &shorter;
  expect_failure(fetch(support_hostile_url(server), &o), CRECHE_E_INVALID, CRECHE_PHASE_OPTIONS, 0);
  o.headers = &chunked;
  expect_failure(fetch(support_hostile_url(server), &o), CRECHE_E_INVALID, CRECHE_PHASE_OPTIONS, 0);
  /* A pulled body of unknown size that becomes a GET. */
  o = request_options();
  o.flags = CRECHE_REQUEST_PULL_BODY;
  o.body_size = CRECHE_UNKNOWN_SIZE;
  start(at(support_hostile_url(server), "/302"), &o, NULL);
  creche_completion c = next();
  assert_int_equal(c.kind, CRECHE_PULL);
  OK(creche_task_answer(c.task, CRECHE_OK, "body", 4, 0, NULL));
  drop(c);
  expect_body(next(), 200, "ok");
  assert_memory_equal(last, "GET /end HTTP/1.1\r\n", 19);
  assert_false(says("ontent-") || says("chunked"));
  expect_body(fetch(support_hostile_url(server), NULL), 200, "ok"); /* nothing stray lay between */
  assert_int_equal(support_hostile_connections(server), 1);
}

/* 45: a control byte anywhere, and nothing is sent. */
static void control_bytes(void** state) {
  (void)state;
  char text[64], url[256];
  for (int byte = 1; byte < 256; byte++) {
    const int control = byte < 0x20 || byte == 0x7f;
    for (int where = 0; where < 5; where++) {
      creche_header header = creche_header_text("X-Name", "value");
      creche_request_options o = request_options();
      snprintf(text, sizeof text, "a%cb", byte);
      snprintf(url, sizeof url, "%s/", support_hostile_url(server));
      if (where == 0) o.method = text;
      if (where == 1) header.name = text;
      if (where == 2) header = creche_header_text("X-Name", text);
      if (where == 3) snprintf(url, sizeof url, "%s/a%cb", support_hostile_url(server), byte);
      if (where == 4) header = creche_header_text("Host", text);
      o.headers = &header;
      o.headers_count = 1;
      const int allowed = where == 2 ? !control || byte == '\t' : where == 3 ? !control : 0;
      if (!control && !allowed) continue; /* tokens and hosts have rules of their own */
      const int before = support_hostile_requests(server);
      creche_completion c = fetch(url, &o);
      if (allowed != (c.status == CRECHE_OK)) fail_msg("0x%02x in %d", byte, where);
      if (!allowed) assert_true(c.status == CRECHE_E_INVALID || c.status == CRECHE_E_URL);
      drop(c);
      assert_int_equal(support_hostile_requests(server), before + allowed);
    }
  }
  creche_header nul = {"X-Name", "a\0b", 3};
  creche_request_options o = request_options();
  o.headers = &nul;
  o.headers_count = 1;
  expect_failure(fetch(support_hostile_url(server), &o), CRECHE_E_INVALID, CRECHE_PHASE_OPTIONS, 0);
}

/* 48: what Host says, and that nothing is encoded twice. */
static void hosts_and_paths(void** state) {
  (void)state;
  char expected[128], url[256];
  const int port = support_hostile_port(server);
  snprintf(url, sizeof url, "http://LOCALHOST:%d/%%41%%2f%%c3%%a4?a=%%20+%%25", port);
  expect_body(fetch(url, NULL), 200, "ok");
  snprintf(expected, sizeof expected, "\r\nHost: localhost:%d\r\n", port);
  assert_true(says(expected));
  assert_memory_equal(last, "GET /%41%2f%c3%a4?a=%20+%25 ", 28);
  snprintf(url, sizeof url, "http://localhost.:%d", port);
  expect_body(fetch(url, NULL), 200, "ok");
  snprintf(expected, sizeof expected, "\r\nHost: localhost.:%d\r\n", port);
  assert_true(says(expected));
  assert_memory_equal(last, "GET / ", 6);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(lengths_of_methods, serve, stop),
      cmocka_unit_test_setup_teardown(framing_goes_with_the_body, serve, stop),
      cmocka_unit_test_setup_teardown(control_bytes, serve, stop),
      cmocka_unit_test_setup_teardown(hosts_and_paths, serve, stop),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What servers do wrong, and what becomes of it: a status, a phase, flags, and no hang. */
#include "http_test.h"

#define RETRYABLE CRECHE_ERROR_RETRYABLE
#define UNSENT CRECHE_ERROR_UNSENT
#define OK_HEAD "HTTP/1.1 200 OK\r\n"
#define ANSWER OK_HEAD "Content-Length: 2\r\n\r\nok"

static void nothing_listens(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(support_script_answer, ANSWER);
  char url[64];
  snprintf(url, sizeof url, "%s", support_hostile_url(server));
  support_hostile_stop(server);
  creche_completion c = fetch(url, NULL);
  assert_int_equal(c.error->system_errno, ECONNREFUSED);
  const char* address = strstr(c.error->message, "127.0.0.1:");
  assert_non_null(address);
  assert_null(strstr(address + 1, "127.0.0.1:")); /* once */
  expect_failure(c, CRECHE_E_CONNECT, CRECHE_PHASE_CONNECT, RETRYABLE | UNSENT);
}

static void names_that_are_none(void** state) {
  (void)state;
  creche_completion c = fetch("http://no-such-host.invalid/", NULL);
  assert_int_equal(c.status, CRECHE_E_DNS);
  assert_int_equal(c.error->phase, CRECHE_PHASE_DNS);
  assert_true(c.error->flags & UNSENT);
  drop(c);
}

static void bad_content_fails_later(void** state) {
  (void)state;
  expect_failure(fetch("no url", NULL), CRECHE_E_URL, CRECHE_PHASE_OPTIONS, 0);
  expect_failure(fetch("ftp://host/", NULL), CRECHE_E_URL, CRECHE_PHASE_OPTIONS, 0);
  expect_failure(fetch("http://127.1/", NULL), CRECHE_E_URL, CRECHE_PHASE_OPTIONS, 0);
  creche_request_options o = request_options();
  o.method = "G ET";
  expect_failure(fetch("http://host/", &o), CRECHE_E_INVALID, CRECHE_PHASE_OPTIONS, 0);
  o.method = NULL;
  creche_header header = creche_header_text("X", "a\r\nInjected: yes");
  o.headers = &header;
  o.headers_count = 1;
  expect_failure(fetch("http://host/", &o), CRECHE_E_INVALID, CRECHE_PHASE_OPTIONS, 0);
  header = creche_header_text("Content-Length", "5");
  expect_failure(fetch("http://host/", &o), CRECHE_E_INVALID, CRECHE_PHASE_OPTIONS, 0);
  header = creche_header_text("Transfer-Encoding", "chunked");
  expect_failure(fetch("http://host/", &o), CRECHE_E_INVALID, CRECHE_PHASE_OPTIONS, 0);
}

/* One script for many faults: sends `text` after the request, then ends as `end` says. */
struct fault {
  const char* text;
  enum { CLOSE, RESET, WAIT } end;
};

static void play(support_peer* peer, void* user) {
  const struct fault* fault = user;
  if (!support_expect_request(peer)) return;
  support_send_text(peer, fault->text);
  if (fault->end == RESET) support_reset(peer);
  if (fault->end == WAIT) support_await_close(peer);
}

static void expect_fault(struct fault fault, creche_status status, uint32_t phase, uint32_t flags) {
  support_hostile* server = support_hostile_start(play, &fault);
  creche_completion c = fetch(support_hostile_url(server), NULL);
  assert_true(strstr(c.error->message, "127.0.0.1:") != NULL);
  expect_failure(c, status, phase, flags);
  /* The connection is closed, also where the server would have kept it. */
  assert_true(support_hostile_await_open(server, 0, PATIENCE_MS));
  assert_int_equal(session_counters(web).idle, 0);
  assert_int_equal(support_hostile_connections(server), 1); /* a new one: never tried again */
  support_hostile_stop(server);
}

static void connections_that_end(void** state) {
  (void)state;
  const uint32_t headers = CRECHE_PHASE_HEADERS, body = CRECHE_PHASE_BODY;
  expect_fault((struct fault){"", CLOSE}, CRECHE_E_DISCONNECTED, headers, RETRYABLE);
  expect_fault((struct fault){"", RESET}, CRECHE_E_DISCONNECTED, headers, RETRYABLE);
  expect_fault((struct fault){OK_HEAD "Conte", CLOSE}, CRECHE_E_DISCONNECTED, headers, RETRYABLE);
  expect_fault((struct fault){OK_HEAD "Conte", RESET}, CRECHE_E_DISCONNECTED, headers, RETRYABLE);
  expect_fault((struct fault){OK_HEAD "Content-Length: 1000\r\n\r\nabcdef", RESET},
               CRECHE_E_TRUNCATED, body, RETRYABLE);
  expect_fault((struct fault){OK_HEAD "Content-Length: 1000\r\n\r\nabcdef", CLOSE},
               CRECHE_E_TRUNCATED, body, RETRYABLE);
  expect_fault((struct fault){OK_HEAD "Transfer-Encoding: chunked\r\n\r\n5\r\nhel", CLOSE},
               CRECHE_E_TRUNCATED, body, RETRYABLE);
  expect_fault((struct fault){OK_HEAD "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", CLOSE},
               CRECHE_E_TRUNCATED, body, RETRYABLE);
}

static void answers_that_are_none(void** state) {
  (void)state;
  const uint32_t headers = CRECHE_PHASE_HEADERS, body = CRECHE_PHASE_BODY;
  expect_fault((struct fault){"\x15\x03\x01\x02", WAIT}, CRECHE_E_PROTOCOL, headers, 0);
  expect_fault((struct fault){"<html>hello</html>", WAIT}, CRECHE_E_PROTOCOL, headers, 0);
  expect_fault((struct fault){"SSH-2.0-OpenSSH_9\r\n", WAIT}, CRECHE_E_PROTOCOL, headers, 0);
  expect_fault((struct fault){OK_HEAD "Content-Length: 5\r\nContent-Length: 6\r\n\r\n", WAIT},
               CRECHE_E_PROTOCOL, headers, 0);
  expect_fault((struct fault){OK_HEAD "Transfer-Encoding: chunked\r\n\r\nzz\r\n", WAIT},
               CRECHE_E_PROTOCOL, body, 0);
  /* D8: nobody asked for another protocol. */
  expect_fault((struct fault){"HTTP/1.1 101 Switching Protocols\r\n\r\n", WAIT}, CRECHE_E_PROTOCOL,
               headers, 0);
  expect_fault(
      (struct fault){OK_HEAD "Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello", WAIT},
      CRECHE_E_CODING, body, 0);
}

static void endless_head(support_peer* peer, void* user) {
  (void)user;
  if (!support_expect_request(peer) || !support_send_text(peer, OK_HEAD)) return;
  while (support_send_text(peer, "X-Again: and again\r\n")) continue;
}

static void endless_informational(support_peer* peer, void* user) {
  (void)user;
  if (!support_expect_request(peer)) return;
  while (support_send_text(peer, "HTTP/1.1 103 Early Hints\r\n\r\n")) continue;
}

static void endless_body(support_peer* peer, void* user) {
  char block[4096];
  memset(block, 'x', sizeof block);
  if (!support_expect_request(peer) || !support_send_text(peer, user)) return;
  while (support_send(peer, block, sizeof block)) continue;
}

static void too_much_of_everything(void** state) {
  (void)state;
  creche_request_options o = request_options();
  o.max_body = 100000;
  support_hostile* server = support_hostile_start(endless_head, NULL);
  expect_failure(fetch(support_hostile_url(server), NULL), CRECHE_E_LIMIT, CRECHE_PHASE_HEADERS, 0);
  support_hostile_stop(server);
  server = support_hostile_start(endless_informational, NULL);
  expect_failure(fetch(support_hostile_url(server), NULL), CRECHE_E_PROTOCOL, CRECHE_PHASE_HEADERS,
                 0);
  support_hostile_stop(server);
  server = support_hostile_start(endless_body, OK_HEAD "\r\n");
  expect_failure(fetch(support_hostile_url(server), &o), CRECHE_E_LIMIT, CRECHE_PHASE_BODY, 0);
  support_hostile_stop(server);
  server = support_hostile_start(endless_body, OK_HEAD "Content-Length: 100001\r\n\r\n");
  expect_failure(fetch(support_hostile_url(server), &o), CRECHE_E_LIMIT, CRECHE_PHASE_BODY, 0);
  support_hostile_stop(server);
}

/* ---- Timeouts ---- */

static void silent(support_peer* peer, void* user) {
  (void)user;
  support_await_close(peer);
}
static void deaf(support_peer* peer, void* user) {
  (void)user;
  support_hang(peer);
}

static void expect_timeout(support_script script, void* user, const char* scheme,
                           const creche_request_options* o, uint32_t phase, uint32_t flags) {
  support_hostile* server = support_hostile_start(script, user);
  snprintf(url_text, sizeof url_text, "%s://127.0.0.1:%d/", scheme, support_hostile_port(server));
  creche_completion c = fetch(url_text, o);
  assert_true(strstr(c.error->message, "timeouts.") != NULL); /* what to do */
  expect_failure(c, CRECHE_E_TIMEOUT, phase, flags);
  assert_true(script == deaf || support_hostile_await_open(server, 0, PATIENCE_MS));
  support_hostile_stop(server);
}

static void each_phase_has_its_timeout(void** state) {
  (void)state;
  creche_request_options o = request_options();
  o.timeouts.first_byte = 20 * CRECHE_MILLISECOND;
  expect_timeout(silent, NULL, "http", &o, CRECHE_PHASE_HEADERS, RETRYABLE);

  o = request_options();
  o.timeouts.read_gap = 20 * CRECHE_MILLISECOND;
  struct fault half = {OK_HEAD "Content-Length: 5\r\n\r\nhe", WAIT};
  expect_timeout(play, &half, "http", &o, CRECHE_PHASE_BODY, RETRYABLE);
  struct fault half_head = {OK_HEAD "Content-Le", WAIT};
  expect_timeout(play, &half_head, "http", &o, CRECHE_PHASE_HEADERS, RETRYABLE);

  o = request_options();
  o.timeouts.tls = 20 * CRECHE_MILLISECOND;
  expect_timeout(silent, NULL, "https", &o, CRECHE_PHASE_TLS, RETRYABLE | UNSENT);

  o = request_options();
  o.timeouts.send = 20 * CRECHE_MILLISECOND;
  o.body_size = 32 << 20;
  o.body = calloc(1, o.body_size);
  expect_timeout(deaf, NULL, "http", &o, CRECHE_PHASE_SEND, 0); /* a POST, half sent */
  free((void*)o.body);
}

/* ---- How long a head may take ---- */

static void trickles(support_peer* peer, void* user) {
  const char* text = user;
  if (!support_expect_request(peer)) return;
  while (support_trickle(peer, text, strlen(text))) continue;
}

/* Whatever comes, and however often: first_byte is for all of it. */
static void a_head_is_bounded_in_time(void** state) {
  (void)state;
  static const char* const texts[] = {
      OK_HEAD "X-Again: and again and again and again, a byte in a millisecond and for ever",
      "HTTP/1.1 102 Processing\r\nX-Again: and again and again and again and again\r\n\r\n",
  };
  creche_request_options o = request_options();
  o.timeouts.first_byte = 150 * CRECHE_MILLISECOND;
  for (int i = 0; i < 2; i++) {
    support_hostile* server = support_hostile_start(trickles, (void*)texts[i]);
    creche_completion c = fetch(support_hostile_url(server), &o);
    assert_non_null(strstr(c.error->message, "timeouts.first_byte"));
    expect_failure(c, CRECHE_E_TIMEOUT, CRECHE_PHASE_HEADERS, RETRYABLE);
    support_hostile_stop(server);
  }
}

/* The same around the pieces of a body: what is no body does not go on for it. */
static void drips_in_a_body(support_peer* peer, void* user) {
  if (!support_expect_request(peer)) return;
  support_send_text(peer, OK_HEAD "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n");
  support_send_text(peer, user);
  while (support_trickle(peer, "x", 1)) continue;
}

static void a_body_is_no_chunk_extension(void** state) {
  (void)state;
  static const char* const texts[] = {"2;x=", "0\r\nX-Trailer: "};
  creche_request_options o = request_options();
  o.timeouts.read_gap = 150 * CRECHE_MILLISECOND;
  for (int i = 0; i < 2; i++) {
    support_hostile* server = support_hostile_start(drips_in_a_body, (void*)texts[i]);
    expect_failure(fetch(support_hostile_url(server), &o), CRECHE_E_TIMEOUT, CRECHE_PHASE_BODY,
                   RETRYABLE);
    creche_completion c = send_request(support_hostile_url(server), &o);
    assert_int_equal(c.status, CRECHE_OK);
    creche_completion piece = read_some((creche_response){c.value}, 0);
    assert_int_equal(piece.kind, CRECHE_CHUNK); /* what came, before the failure */
    drop(piece);
    expect_failure(read_some((creche_response){c.value}, 0), CRECHE_E_TIMEOUT, CRECHE_PHASE_BODY,
                   RETRYABLE);
    drop(c);
    support_hostile_stop(server);
  }
}

static void early_hints(support_peer* peer, void* user) {
  if (!support_expect_request(peer)) return;
  support_send_text(peer, "HTTP/1.1 102 Processing\r\n\r\n");
  if (support_await(peer, 1)) support_send_text(peer, "HTTP/1.1 103 Hints\r\nX: y\r\n\r\n");
  if (support_await(peer, 2)) support_send_text(peer, user);
  support_await_close(peer);
}

/* It may be ignored, so it must not shorten what the server is given. */
static void an_informational_answer_starts_no_gap(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(early_hints, ANSWER);
  creche_request_options o = request_options();
  o.timeouts.read_gap = 30 * CRECHE_MILLISECOND;
  start(support_hostile_url(server), &o, NULL);
  for (int i = 0; i < 2; i++) {
    creche_task_options sleep = to_queue;
    assert_int_equal(
        creche_sleep(loop.scope, 90 * CRECHE_MILLISECOND, &sleep, NULL, &to_queue, NULL),
        CRECHE_OK);
    creche_completion c = next();
    assert_ptr_equal(c.user, &to_queue); /* and no failure */
    drop(c);
    support_hostile_signal(server);
  }
  expect_body(next(), 200, "ok");
  support_hostile_stop(server);
}

static void a_deadline_of_the_task_is_kept(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(silent, NULL);
  creche_request_options o = request_options();
  creche_task_options task = to_queue;
  task.timeout = 20 * CRECHE_MILLISECOND;
  o.task = &task;
  creche_completion c = fetch(support_hostile_url(server), &o);
  assert_int_equal(c.status, CRECHE_E_TIMEOUT);
  drop(c);
  assert_true(support_hostile_await_open(server, 0, PATIENCE_MS));
  support_hostile_stop(server);
}

static void drip(support_peer* peer, void* user) {
  (void)user;
  static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n" OK_HEAD
                             "Transfer-Encoding: chunked\r\n\r\n"
                             "5;x=y\r\nhello\r\n6\r\n world\r\n0\r\nX: trailer\r\n\r\n";
  while (support_expect_request(peer)) support_trickle(peer, text, sizeof text - 1);
}

static void slow_drips_arrive(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(drip, NULL);
  expect_body(fetch(support_hostile_url(server), NULL), 200, "hello world");
  expect_body(fetch(support_hostile_url(server), NULL), 200, "hello world");
  assert_int_equal(support_hostile_connections(server), 1);
  support_hostile_stop(server);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(nothing_listens, set_up, tear_down),
      cmocka_unit_test_setup_teardown(names_that_are_none, set_up, tear_down),
      cmocka_unit_test_setup_teardown(bad_content_fails_later, set_up, tear_down),
      cmocka_unit_test_setup_teardown(connections_that_end, set_up, tear_down),
      cmocka_unit_test_setup_teardown(answers_that_are_none, set_up, tear_down),
      cmocka_unit_test_setup_teardown(too_much_of_everything, set_up, tear_down),
      cmocka_unit_test_setup_teardown(each_phase_has_its_timeout, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_head_is_bounded_in_time, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_body_is_no_chunk_extension, set_up, tear_down),
      cmocka_unit_test_setup_teardown(an_informational_answer_starts_no_gap, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_deadline_of_the_task_is_kept, set_up, tear_down),
      cmocka_unit_test_setup_teardown(slow_drips_arrive, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

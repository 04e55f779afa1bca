/* What servers do oddly and is taken all the same, by default or if asked for; and what has no end
 * though it is small. */
#include "http_test.h"

#define OK_HEAD "HTTP/1.1 200 OK\r\n"
#define GZIP OK_HEAD "Content-Encoding: gzip\r\n"
#define CHUNKED OK_HEAD "Transfer-Encoding: chunked\r\n\r\n"
/* "hello", and nothing, as gzip. */
#define HELLO                                                                                    \
  "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xcb\x48\xcd\xc9\xc9\x07\x00\x86\xa6\x10\x36\x05\x00" \
  "\x00"                                                                                         \
  "\x00"
#define NOTHING "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\x03\x00\x00\x00\x00\x00\x00\x00\x00\x00"

struct bytes {
  const char* data;
  size_t size;
};
#define BYTES(text)        \
  (struct bytes) {         \
    text, sizeof(text) - 1 \
  }

/* Answers each request with the same bytes, in one piece or one by one. */
static int trickling;
static void answer(support_peer* peer, void* user) {
  const struct bytes* bytes = user;
  while (support_expect_request(peer))
    if (!(trickling ? support_trickle : support_send)(peer, bytes->data, bytes->size)) return;
}

/* Twice, over one connection: nothing was left on it. */
static void taken(struct bytes bytes, const creche_request_options* o, const char* body) {
  for (trickling = 0; trickling < 2; trickling++) {
    support_hostile* server = support_hostile_start(answer, &bytes);
    for (int i = 0; i < 2; i++) expect_body(fetch(support_hostile_url(server), o), 200, body);
    assert_int_equal(support_hostile_connections(server), 1);
    support_hostile_stop(server);
  }
}

static void refused(struct bytes bytes, const creche_request_options* o, creche_status status,
                    uint32_t phase) {
  support_hostile* server = support_hostile_start(answer, &bytes);
  expect_failure(fetch(support_hostile_url(server), o), status, phase, 0);
  assert_true(support_hostile_await_open(server, 0, PATIENCE_MS));
  support_hostile_stop(server);
}

static void odd_but_clear(void** state) {
  (void)state;
  taken(BYTES(GZIP "Content-Length: 25\r\n\r\n" HELLO), NULL, "hello");
  taken(BYTES(GZIP "Content-Length: 35\r\n\r\n" HELLO "\0\0\0\0\0\0\0\0\0\0"), NULL, "hello");
  taken(BYTES(GZIP "Content-Length: 27\r\n\r\n" HELLO "\r\n"), NULL, "hello");
  taken(BYTES(GZIP "Content-Length: 70\r\n\r\n" HELLO NOTHING HELLO), NULL, "hellohello");
  taken(BYTES(CHUNKED "2;a=\"b;\\\"c\"\r\nok\r\n0\r\n\r\n"), NULL, "ok");
  taken(BYTES(CHUNKED "2;a=b;c=d\r\nok\r\n0;e=f;g\r\n\r\n"), NULL, "ok");
  taken(BYTES(OK_HEAD "X: a\r\n b\r\nContent-Length: 2\r\n\r\nok"), NULL, "ok");
  taken(BYTES(OK_HEAD "Content-Length: 2\t\r\n\r\nok"), NULL, "ok");
  taken(BYTES("HTTP/1.1 100 Continue\r\n\r\n\r\n" OK_HEAD "Content-Length: 2\r\n\r\nok"), NULL,
        "ok");
}

static void folded_lines_are_joined(void** state) {
  (void)state;
  struct bytes bytes = BYTES(OK_HEAD "X: a \r\n\t b\r\nContent-Length: 2\r\n\r\nok");
  support_hostile* server = support_hostile_start(answer, &bytes);
  creche_completion c = fetch(support_hostile_url(server), NULL);
  assert_int_equal(c.status, CRECHE_OK);
  size_t size = 0;
  assert_string_equal(creche_response_header((creche_response){c.value}, "x", &size), "a b");
  assert_int_equal(size, 3);
  drop(c);
  support_hostile_stop(server);
}

static void some_only_if_asked_for(void** state) {
  (void)state;
  const struct bytes odd[] = {BYTES("HTTP/1.1 200 OK\nContent-Length: 2\n\nok"),
                              BYTES(OK_HEAD "Content-Length: 2\r\nContent-Length: 2\r\n\r\nok"),
                              BYTES(OK_HEAD "Content-Length:\r\n 2\r\n\r\nok"),
                              BYTES(CHUNKED "2 \r\nok\r\n0\r\n\r\n")};
  creche_request_options lenient = request_options();
  lenient.flags = CRECHE_REQUEST_LENIENT;
  for (int i = 0; i < 4; i++) {
    refused(odd[i], NULL, CRECHE_E_PROTOCOL, i < 3 ? CRECHE_PHASE_HEADERS : CRECHE_PHASE_BODY);
    taken(odd[i], &lenient, "ok");
  }
  refused(BYTES(OK_HEAD "Content-Length: 2\r\nContent-Length: 3\r\n\r\nok"), &lenient,
          CRECHE_E_PROTOCOL, CRECHE_PHASE_HEADERS);
  creche_session_options o = session_options();
  o.flags = CRECHE_SESSION_LENIENT;
  use_session(&o);
  for (int i = 0; i < 4; i++) taken(odd[i], NULL, "ok");
}

/* What is announced and too large is not waited for. */
static void announced_and_too_large(void** state) {
  (void)state;
  creche_request_options o = request_options();
  o.max_body = 1000;
  refused(BYTES(CHUNKED "7fffffffffffffff\r\n"), &o, CRECHE_E_LIMIT, CRECHE_PHASE_BODY);
  refused(BYTES(CHUNKED "3\r\nabc\r\n3e6\r\n"), &o, CRECHE_E_LIMIT, CRECHE_PHASE_BODY);
  refused(BYTES(OK_HEAD "Content-Length: 1001\r\n\r\n"), &o, CRECHE_E_LIMIT, CRECHE_PHASE_BODY);
  refused(BYTES(GZIP "Content-Length: 67537\r\n\r\n"), &o, CRECHE_E_LIMIT, CRECHE_PHASE_BODY);
  refused(BYTES(GZIP "Transfer-Encoding: chunked\r\n\r\n7fffffffffffffff\r\n"), &o, CRECHE_E_LIMIT,
          CRECHE_PHASE_BODY);
  /* With the session's default, too. */
  refused(BYTES(CHUNKED "7fffffffffffffff\r\n"), NULL, CRECHE_E_LIMIT, CRECHE_PHASE_BODY);
}

/* A length that is not that of a body bounds nothing. */
static void lengths_of_other_bodies(void** state) {
  (void)state;
  creche_request_options o = request_options();
  o.method = "HEAD";
  taken(BYTES(OK_HEAD "Content-Length: 100000000\r\n\r\n"), &o, "");
  o = request_options();
  o.max_body = 10;
  taken(BYTES("HTTP/1.1 103 Early Hints\r\nContent-Length: 1000\r\n\r\n" CHUNKED
              "2\r\nok\r\n0\r\n\r\n"),
        &o, "ok");
  struct bytes bytes = BYTES("HTTP/1.1 304 Not Modified\r\nContent-Length: 1000\r\n\r\n");
  support_hostile* server = support_hostile_start(answer, &bytes);
  for (int i = 0; i < 2; i++) expect_body(fetch(support_hostile_url(server), &o), 304, "");
  assert_int_equal(support_hostile_connections(server), 1);
  support_hostile_stop(server);
}

/* Members that decode to nothing, one after the other. */
static void endless_nothing(support_peer* peer, void* user) {
  const struct bytes* bytes = user;
  if (!support_expect_request(peer) || !support_send_text(peer, GZIP "\r\n")) return;
  while (support_send(peer, bytes->data, bytes->size)) continue;
}

static void endless_and_empty(void** state) {
  (void)state;
  creche_request_options o = request_options();
  o.max_body = 1000;
  struct bytes nothing = BYTES(NOTHING);
  support_hostile* server = support_hostile_start(endless_nothing, &nothing);
  expect_failure(fetch(support_hostile_url(server), &o), CRECHE_E_CODING, CRECHE_PHASE_BODY, 0);
  assert_true(session_counters(web).bytes_received < (1 << 20));
  /* Read as a stream, that is an error as well. */
  creche_completion c = send_request(support_hostile_url(server), NULL);
  assert_int_equal(c.status, CRECHE_OK);
  creche_response response = {c.value};
  expect_failure(read_some(response, 0), CRECHE_E_CODING, CRECHE_PHASE_BODY, 0);
  drop(c);
  support_hostile_stop(server);
}

/* One member whose blocks are all empty: only the coded bytes tell. */
static void empty_blocks(support_peer* peer, void* user) {
  (void)user;
  if (!support_expect_request(peer) || !support_send_text(peer, GZIP "\r\n") ||
      !support_send(peer, NOTHING, 10))
    return;
  char blocks[5000];
  for (size_t i = 0; i < sizeof blocks; i += 5) memcpy(blocks + i, "\x00\x00\x00\xff\xff", 5);
  while (support_send(peer, blocks, sizeof blocks)) continue;
}

static void coded_bytes_are_bounded(void** state) {
  (void)state;
  creche_request_options o = request_options();
  o.max_body = 1000;
  support_hostile* server = support_hostile_start(empty_blocks, NULL);
  expect_failure(fetch(support_hostile_url(server), &o), CRECHE_E_LIMIT, CRECHE_PHASE_BODY, 0);
  assert_true(session_counters(web).bytes_received < (1 << 20));
  support_hostile_stop(server);
}

/* Nor does a file that is bounded, or a read that waits for the first byte, go on for ever. */
static void coded_bytes_are_bounded_without_max_body(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(empty_blocks, NULL);
  FILE* into = tmpfile();
  const creche_file file = {fileno(into), 0, 0, 1000};
  creche_request_options o = request_options();
  o.to_file = &file;
  expect_failure(fetch(support_hostile_url(server), &o), CRECHE_E_LIMIT, CRECHE_PHASE_BODY, 0);
  assert_true(session_counters(web).bytes_received < (1 << 20));
  fclose(into);
  creche_completion c = send_request(support_hostile_url(server), NULL);
  assert_int_equal(c.status, CRECHE_OK);
  creche_response response = {c.value};
  for (int i = 0; i < 2; i++)
    expect_failure(read_some(response, 0), CRECHE_E_LIMIT, CRECHE_PHASE_BODY, 0);
  assert_true(session_counters(web).bytes_received < (4 << 20));
  assert_true(support_hostile_await_open(server, 0, PATIENCE_MS));
  drop(c);
  support_hostile_stop(server);
}

static void silent(support_peer* peer, void* user) {
  (void)user;
  support_await_close(peer);
}

/* Who has gone is not counted, whether cancelled alone, by its scope, or timed out in line. */
static void waiting_is_who_waits(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(silent, NULL);
  creche_session_options so = session_options();
  so.limit = 1;
  use_session(&so);
  creche_task tasks[6];
  for (int i = 0; i < 6; i++) tasks[i] = start(support_hostile_url(server), NULL, NULL);
  assert_true(support_hostile_await_connections(server, 1, PATIENCE_MS));
  while (session_counters(web).waiting < 5) support_hostile_await_connections(server, 2, 1);
  for (int i = 2; i < 6; i++)
    assert_int_equal(creche_scope_cancel(tasks[i].scope, NULL), CRECHE_OK);
  for (int i = 2; i < 6; i++) {
    creche_completion c = next();
    assert_int_equal(c.status, CRECHE_E_CANCELLED);
    drop(c);
  }
  assert_int_equal(session_counters(web).waiting, 1);
  creche_request_options o = request_options();
  o.timeouts.pool = CRECHE_MILLISECOND;
  expect_failure(fetch(support_hostile_url(server), &o), CRECHE_E_TIMEOUT, CRECHE_PHASE_POOL,
                 CRECHE_ERROR_RETRYABLE | CRECHE_ERROR_UNSENT);
  assert_int_equal(session_counters(web).waiting, 1);
  for (int i = 1; i >= 0; i--) {
    assert_int_equal(creche_scope_cancel(tasks[i].scope, NULL), CRECHE_OK);
    creche_completion c = next();
    assert_int_equal(c.status, CRECHE_E_CANCELLED);
    drop(c);
  }
  assert_int_equal(session_counters(web).waiting, 0);
  assert_int_equal(session_counters(web).active, 0);
  support_hostile_stop(server);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(odd_but_clear, set_up, tear_down),
      cmocka_unit_test_setup_teardown(folded_lines_are_joined, set_up, tear_down),
      cmocka_unit_test_setup_teardown(some_only_if_asked_for, set_up, tear_down),
      cmocka_unit_test_setup_teardown(announced_and_too_large, set_up, tear_down),
      cmocka_unit_test_setup_teardown(lengths_of_other_bodies, set_up, tear_down),
      cmocka_unit_test_setup_teardown(endless_and_empty, set_up, tear_down),
      cmocka_unit_test_setup_teardown(coded_bytes_are_bounded, set_up, tear_down),
      cmocka_unit_test_setup_teardown(coded_bytes_are_bounded_without_max_body, set_up, tear_down),
      cmocka_unit_test_setup_teardown(waiting_is_who_waits, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

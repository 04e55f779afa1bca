/* Bodies in pieces: read with back-pressure, and pulled from the user. */
#include "http_test.h"

#include <stdatomic.h>

#define OK_HEAD "HTTP/1.1 200 OK\r\n"
#define ANSWER OK_HEAD "Content-Length: 2\r\n\r\nok"

static creche_response expect_head(creche_completion c, uint32_t code) {
  if (c.status != CRECHE_OK) fail_msg("%s", creche_error_message(c.error));
  assert_int_equal(c.code, code);
  assert_true(c.flags & CRECHE_OWNED);
  c.flags &= ~(uint32_t)CRECHE_OWNED; /* kept */
  creche_response response = {c.value};
  drop(c);
  return response;
}

static void expect_chunk(creche_completion c, const char* text) {
  if (c.status != CRECHE_OK) fail_msg("%s", creche_error_message(c.error));
  assert_int_equal(c.kind, CRECHE_CHUNK);
  assert_int_equal(c.data_size, strlen(text));
  assert_memory_equal(c.data, text, c.data_size);
  drop(c);
}

static void expect_end(creche_completion c) {
  if (c.status != CRECHE_OK) fail_msg("%s", creche_error_message(c.error));
  assert_int_equal(c.kind, CRECHE_END);
  drop(c);
}

/* The head, "hello" at the first signal, the end at the second. */
static void in_steps(support_peer* peer, void* user) {
  (void)user;
  while (support_expect_request(peer)) {
    support_send_text(peer, OK_HEAD "Content-Length: 11\r\nX-A: b\r\n\r\n");
    if (!support_await(peer, 1)) return;
    support_send_text(peer, "hello");
    if (!support_await(peer, 2)) return;
    support_send_text(peer, " world");
  }
}

static void pieces_as_they_come(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(in_steps, NULL);
  creche_response r = expect_head(send_request(support_hostile_url(server), NULL), 200);
  assert_int_equal(creche_response_status(r), 200);
  size_t size = 0;
  assert_string_equal(creche_response_header(r, "x-a", &size), "b");
  assert_int_equal(size, 1);
  creche_header h;
  assert_int_equal(creche_response_header_at(r, 0, &h), CRECHE_OK);
  assert_string_equal(h.name, "Content-Length");
  assert_int_equal(creche_response_header_at(r, 2, &h), CRECHE_E_LIMIT);
  creche_response_info info;
  assert_int_equal(creche_response_get_info(r, &info, sizeof info), CRECHE_OK);
  assert_int_equal(info.ended, 0);
  support_hostile_signal(server);
  expect_chunk(read_some(r, 0), "hello");
  support_hostile_signal(server);
  expect_chunk(read_some(r, 3), " wo");
  expect_chunk(read_some(r, 3), "rld");
  expect_end(read_some(r, 3));
  expect_end(read_some(r, 3)); /* and again */
  assert_int_equal(creche_response_get_info(r, &info, sizeof info), CRECHE_OK);
  assert_true(info.started <= info.connected && info.connected <= info.sent &&
              info.sent <= info.first_byte && info.first_byte <= info.ended);
  assert_int_equal(info.body_bytes, 11);
  assert_int_equal(info.http_minor, 1);
  assert_int_equal(session_counters(web).idle, 1); /* kept */
  creche_response_release(r);
  creche_response_release(r);
  assert_int_equal(creche_response_status(r), CRECHE_E_ENDED);
  support_hostile_stop(server);
}

static void one_reader_and_cancelled_reads(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(in_steps, NULL);
  creche_response r = expect_head(send_request(support_hostile_url(server), NULL), 200);
  creche_task reader;
  assert_int_equal(creche_response_read(r, loop.scope, 0, &to_queue, NULL, NULL, &reader),
                   CRECHE_OK);
  creche_completion c = read_some(r, 0); /* the second one */
  assert_int_equal(c.status, CRECHE_E_STATE);
  drop(c);
  creche_scope_cancel(reader.scope, NULL);
  c = next();
  assert_int_equal(c.status, CRECHE_E_CANCELLED);
  drop(c);
  /* Only the read was cancelled. */
  support_hostile_signal(server);
  expect_chunk(read_some(r, 0), "hello");
  creche_response_release(r);
  support_hostile_signal(server);
  assert_true(support_hostile_await_open(server, 0, PATIENCE_MS)); /* not read to the end */
  support_hostile_stop(server);
}

static void cut(support_peer* peer, void* user) {
  if (support_expect_request(peer)) support_send_text(peer, user);
  support_await(peer, 1);
}

static void what_arrived_comes_before_the_failure(void** state) {
  (void)state;
  support_hostile* server =
      support_hostile_start(cut, OK_HEAD "Content-Length: 100\r\n\r\nall there is");
  creche_response r = expect_head(send_request(support_hostile_url(server), NULL), 200);
  support_hostile_signal(server);
  assert_true(support_hostile_await_open(server, 0, PATIENCE_MS));
  expect_chunk(read_some(r, 0), "all there is");
  for (int i = 0; i < 2; i++) {
    creche_completion c = read_some(r, 0);
    assert_int_equal(c.status, CRECHE_E_TRUNCATED);
    assert_int_equal(c.error->phase, CRECHE_PHASE_BODY);
    drop(c);
  }
  creche_response_release(r);
  support_hostile_stop(server);
}

static void the_gap_counts_while_somebody_reads(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(in_steps, NULL);
  creche_request_options o = request_options();
  o.timeouts.read_gap = 30 * CRECHE_MILLISECOND;
  creche_response r = expect_head(send_request(support_hostile_url(server), &o), 200);
  SAY(creche_sleep(loop.scope, 100 * CRECHE_MILLISECOND, &to_queue, NULL, NULL, NULL));
  drop(next()); /* longer than the gap, with nobody reading */
  support_hostile_signal(server);
  expect_chunk(read_some(r, 0), "hello");
  creche_completion c = read_some(r, 0);
  assert_int_equal(c.status, CRECHE_E_TIMEOUT);
  drop(c);
  creche_response_release(r);
  support_hostile_stop(server);
}

/* ---- Back-pressure ---- */

static atomic_size_t flooded;

static void flood(support_peer* peer, void* user) {
  static char block[16384];
  const size_t total = *(const size_t*)user;
  if (!support_expect_request(peer)) return;
  support_sendf(peer, OK_HEAD "Content-Length: %zu\r\n\r\n", total);
  for (size_t sent = 0; sent < total; sent += sizeof block) {
    if (!support_send(peer, block, sizeof block)) return;
    atomic_store(&flooded, sent + sizeof block);
  }
}

static void not_reading_holds_the_server_back(void** state) {
  (void)state;
  size_t total = 256 << 20;
  atomic_store(&flooded, 0);
  support_hostile* server = support_hostile_start(flood, &total);
  creche_response r = expect_head(send_request(support_hostile_url(server), NULL), 200);
  /* Until it stands still, that is, has not moved for a while. */
  for (size_t before = 1, now = 0; before != now || now == 0;) {
    before = now;
    SAY(creche_sleep(loop.scope, 200 * CRECHE_MILLISECOND, &to_queue, NULL, NULL, NULL));
    drop(next());
    now = atomic_load(&flooded);
  }
  assert_true(atomic_load(&flooded) < 32 << 20); /* what the sockets hold, and 256 KiB */
  assert_true(session_counters(web).bytes_received < 1 << 20);
  size_t got = 0;
  for (;;) {
    creche_completion c = read_some(r, 1 << 20);
    assert_int_equal(c.status, CRECHE_OK);
    const uint32_t kind = c.kind;
    got += c.data_size;
    drop(c);
    if (kind == CRECHE_END) break;
  }
  assert_int_equal(got, total);
  creche_response_release(r);
  support_hostile_stop(server);
}

/* ---- Leases ---- */

static void an_unread_response_holds_its_group_open(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(in_steps, NULL);
  creche_group_options go;
  creche_group_options_init(&go, sizeof go);
  go.queue = queue;
  creche_group group;
  assert_int_equal(creche_group_open(loop.scope, &go, NULL, NULL, &group), CRECHE_OK);
  assert_int_equal(
      creche_session_send(web, group.scope, support_hostile_url(server), NULL, NULL, NULL, NULL),
      CRECHE_OK);
  creche_response r = expect_head(next(), 200);
  creche_group_close(group);
  support_hostile_signal(server);
  creche_completion c = read_some(r, 0);
  assert_int_equal(c.kind, CRECHE_CHUNK); /* and not the end of the group */
  drop(c);
  creche_scope_cancel(group.scope, NULL); /* now nothing else is left: given back */
  c = next();
  assert_true(c.task.scope.id == group.scope.id);
  drop(c);
  support_hostile_signal(server);
  assert_true(support_hostile_await_open(server, 0, PATIENCE_MS));
  creche_response_release(r);
  support_hostile_stop(server);
}

static void closing_the_session_ends_streams(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(in_steps, NULL);
  creche_response r = expect_head(send_request(support_hostile_url(server), NULL), 200);
  assert_int_equal(creche_response_read(r, loop.scope, 0, &to_queue, NULL, NULL, NULL), CRECHE_OK);
  creche_session_close(web, NULL, NULL);
  creche_completion c = next();
  assert_int_equal(c.status, CRECHE_E_CLOSED);
  drop(c);
  c = read_some(r, 0);
  assert_int_equal(c.status, CRECHE_E_CLOSED);
  drop(c);
  assert_string_equal(creche_response_header(r, "X-A", NULL), "b");
  creche_response_release(r);
  support_hostile_stop(server);
}

static void whole_responses_are_not_read(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(support_script_answer, ANSWER);
  creche_completion c = fetch(support_hostile_url(server), NULL);
  assert_int_equal(
      creche_response_read((creche_response){c.value}, loop.scope, 0, &to_queue, NULL, NULL, NULL),
      CRECHE_E_STATE);
  drop(c);
  support_hostile_stop(server);
}

/* ---- Pulled bodies ---- */

static char received_head[4096];

static void note_the_request(support_peer* peer, void* user) {
  while (support_expect_request(peer)) {
    snprintf(received_head, sizeof received_head, "%s", support_received(peer));
    support_send_text(peer, user);
  }
}

static creche_completion upload(const char* url, size_t size, const char* const* pieces) {
  creche_request_options o = request_options();
  o.flags = CRECHE_REQUEST_PULL_BODY;
  o.body_size = size;
  start(url, &o, NULL);
  for (;; pieces++) {
    creche_completion c = next();
    if (c.kind != CRECHE_PULL) return c;
    assert_true(c.flags & CRECHE_MORE);
    assert_true(c.value > 0);
    const int more = pieces[1] != NULL;
    assert_int_equal(creche_task_answer(c.task, CRECHE_OK, pieces[0], strlen(pieces[0]),
                                        more ? CRECHE_MORE : 0, NULL),
                     CRECHE_OK);
    drop(c);
  }
}

static void bodies_are_pulled(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(note_the_request, ANSWER);
  const char* url = support_hostile_url(server);
  const char* pieces[] = {"hello", "", " wor", "ld", NULL};
  expect_body(upload(url, CRECHE_UNKNOWN_SIZE, pieces), 200, "ok");
  assert_non_null(strstr(received_head, "POST / HTTP/1.1\r\n"));
  assert_non_null(strstr(received_head, "Transfer-Encoding: chunked\r\n"));
  assert_null(strstr(received_head, "Content-Length"));
  expect_body(upload(url, 11, pieces), 200, "ok");
  assert_non_null(strstr(received_head, "Content-Length: 11\r\n"));
  assert_null(strstr(received_head, "Transfer-Encoding"));
  expect_body(upload(url, 0, pieces), 200, "ok"); /* nothing is pulled */
  assert_int_equal(support_hostile_connections(server), 1);
  support_hostile_stop(server);
}

static void wrong_sizes_are_errors(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(note_the_request, ANSWER);
  const char* url = support_hostile_url(server);
  const char* pieces[] = {"hello", NULL};
  expect_failure(upload(url, 6, pieces), CRECHE_E_BODY, CRECHE_PHASE_SEND, 0);
  expect_failure(upload(url, 4, pieces), CRECHE_E_BODY, CRECHE_PHASE_SEND, 0);
  assert_true(support_hostile_await_open(server, 0, PATIENCE_MS)); /* never used again */
  support_hostile_stop(server);
}

static void producers_may_fail(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(note_the_request, ANSWER);
  creche_request_options o = request_options();
  o.flags = CRECHE_REQUEST_PULL_BODY;
  o.body_size = CRECHE_UNKNOWN_SIZE;
  start(support_hostile_url(server), &o, NULL);
  creche_completion c = next();
  assert_int_equal(c.kind, CRECHE_PULL);
  const creche_error* mine;
  creche_error_new(CRECHE_E_USER, "no more ink", NULL, NULL, NULL, &mine);
  assert_int_equal(creche_task_answer(c.task, CRECHE_E_USER, NULL, 0, 0, mine), CRECHE_OK);
  creche_error_release(mine);
  drop(c);
  c = next();
  assert_string_equal(c.error->cause->message, "no more ink");
  expect_failure(c, CRECHE_E_BODY, CRECHE_PHASE_SEND, 0);
  support_hostile_stop(server);
}

/* Answers each request at its head, and takes nothing of its body. */
static void refuses(support_peer* peer, void* user) {
  if (!support_expect(peer, "\r\n\r\n")) return;
  support_send_text(peer, user);
  support_hang(peer);
}

static void an_answer_may_come_before_the_upload_ends(void** state) {
  (void)state;
  support_hostile* server =
      support_hostile_start(refuses, "HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno");
  creche_request_options o = request_options();
  o.body_size = 32 << 20;
  o.body = calloc(1, o.body_size);
  expect_body(fetch(support_hostile_url(server), &o), 413, "no");
  free((void*)o.body);
  o = request_options();
  o.flags = CRECHE_REQUEST_PULL_BODY;
  o.body_size = CRECHE_UNKNOWN_SIZE;
  start(support_hostile_url(server), &o, NULL);
  creche_completion c = next(); /* a pull that is never answered */
  assert_int_equal(c.kind, CRECHE_PULL);
  drop(c);
  expect_body(next(), 413, "no");
  assert_int_equal(session_counters(web).idle, 0); /* neither was kept */
  assert_int_equal(support_hostile_connections(server), 2);
  support_hostile_stop(server);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(pieces_as_they_come, set_up, tear_down),
      cmocka_unit_test_setup_teardown(one_reader_and_cancelled_reads, set_up, tear_down),
      cmocka_unit_test_setup_teardown(what_arrived_comes_before_the_failure, set_up, tear_down),
      cmocka_unit_test_setup_teardown(the_gap_counts_while_somebody_reads, set_up, tear_down),
      cmocka_unit_test_setup_teardown(not_reading_holds_the_server_back, set_up, tear_down),
      cmocka_unit_test_setup_teardown(an_unread_response_holds_its_group_open, set_up, tear_down),
      cmocka_unit_test_setup_teardown(closing_the_session_ends_streams, set_up, tear_down),
      cmocka_unit_test_setup_teardown(whole_responses_are_not_read, set_up, tear_down),
      cmocka_unit_test_setup_teardown(bodies_are_pulled, set_up, tear_down),
      cmocka_unit_test_setup_teardown(wrong_sizes_are_errors, set_up, tear_down),
      cmocka_unit_test_setup_teardown(producers_may_fail, set_up, tear_down),
      cmocka_unit_test_setup_teardown(an_answer_may_come_before_the_upload_ends, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

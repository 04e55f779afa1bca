/* How long and how much: gaps and deadlines, many pieces, many fields: cases of CASES.md. */
#include "http_test.h"

#define OK_HEAD "HTTP/1.1 200 OK\r\n"

/* ---- A gap is between two reads ---- */

enum { PIECES = 5 };

static int set_up_virtually(void** state) {
  creche_loop_options o;
  creche_session_options so;
  (void)state;
  creche_task_options_init(&to_queue, sizeof to_queue);
  creche_loop_options_init(&o, sizeof o);
  o.clock = CRECHE_CLOCK_VIRTUAL;
  creche_session_options_init(&so, sizeof so);
  so.keepalive = so.timeouts.dns = so.timeouts.connect = so.timeouts.send = CRECHE_NEVER;
  so.timeouts.first_byte = CRECHE_NEVER;
  so.timeouts.read_gap = 10 * CRECHE_SECOND;
  if (creche_loop_open(&o, &loop) || creche_queue_open(loop, NULL, &queue) ||
      creche_session_open(loop, &so, &web))
    return -1;
  to_queue.queue = queue;
  return 0;
}

/* The head and a first piece, another at each signal: it lies in the client's socket when it is
 * counted. */
static void piece_by_piece(support_peer* peer, void* user) {
  (void)user;
  if (!support_expect(peer, "\r\n\r\n")) return;
  support_send_text(peer, OK_HEAD "Content-Length: 100\r\n\r\n");
  for (int i = 0; i <= PIECES; i++) {
    if (!support_await(peer, i)) return;
    support_send_text(peer, "piece");
    support_count_request(peer);
  }
  support_await_close(peer);
}

struct gaps {
  support_hostile* server;
  int pieces;
};

/* On the loop's thread, so that its clock stands still meanwhile. */
static void another_piece(void* user, const creche_completion* c) {
  struct gaps* gaps = user;
  if (c->status != CRECHE_OK) return;
  support_hostile_signal(gaps->server);
  gaps->pieces++;
  support_hostile_await_requests(gaps->server, gaps->pieces + 1, PATIENCE_MS);
  if (gaps->pieces < PIECES)
    SAY(creche_sleep(loop.scope, 9 * CRECHE_SECOND, NULL, another_piece, gaps, NULL));
}

static void a_gap_is_between_two_reads(void** state) {
  (void)state;
  struct gaps gaps = {support_hostile_start(piece_by_piece, NULL), 0};
  creche_response_info info;
  int64_t then = 0, now = 0;
  creche_completion c = send_request(support_hostile_url(gaps.server), NULL);
  assert_int_equal(c.status, CRECHE_OK);
  const creche_response r = {c.value};
  creche_completion piece = read_some(r, 5);
  assert_int_equal(piece.data_size, 5);
  drop(piece);
  OK(creche_now(loop.scope, &then));
  OK(creche_sleep(loop.scope, 9 * CRECHE_SECOND, NULL, another_piece, &gaps, NULL));
  for (int i = 0; i < PIECES; i++) {
    piece = read_some(r, 5);
    if (piece.status != CRECHE_OK) fail_msg("%s", creche_error_message(piece.error));
    assert_int_equal(piece.data_size, 5);
    drop(piece);
  }
  /* Five times less than a gap is more than one; the gap behind them is one. */
  expect_failure(read_some(r, 5), CRECHE_E_TIMEOUT, CRECHE_PHASE_BODY, CRECHE_ERROR_RETRYABLE);
  OK(creche_now(loop.scope, &now));
  assert_int_equal(now - then, (PIECES * 9 + 10) * CRECHE_SECOND);
  OK(creche_response_get_info(r, &info, sizeof info));
  assert_int_equal(info.body_bytes, 5 * (PIECES + 1));
  assert_true(support_hostile_await_open(gaps.server, 0, PATIENCE_MS));
  drop(c);
  support_hostile_stop(gaps.server);
}

/* ---- A deadline counts, whatever comes ---- */

static void floods(support_peer* peer, void* user) {
  char block[65536];
  memset(block, 'x', sizeof block);
  if (!support_expect_request(peer) || !support_send_text(peer, user)) return;
  while (support_send(peer, block, sizeof block)) continue;
}

/* There is always something to read, so no read ever waits. */
static void a_deadline_though_bytes_always_come(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(floods, OK_HEAD "\r\n");
  creche_scope_options so;
  creche_scope scope;
  creche_request_options o = request_options();
  creche_outcome outcome;
  OK(creche_scope_options_init(&so, sizeof so));
  so.timeout = 200 * CRECHE_MILLISECOND;
  OK(creche_scope_open(loop.scope, &so, &scope));
  OK(creche_session_send(web, scope, support_hostile_url(server), &o, NULL, NULL, NULL));
  creche_completion head = next();
  assert_int_equal(head.status, CRECHE_OK);
  for (;;) {
    OK(creche_response_read((creche_response){head.value}, scope, 1, &to_queue, NULL, NULL, NULL));
    creche_completion c = next();
    const creche_status status = c.status;
    drop(c);
    if (status == CRECHE_OK) continue;
    assert_true(status == CRECHE_E_TIMEOUT || status == CRECHE_E_CANCELLED);
    break;
  }
  drop(head);
  OK(creche_scope_leave(scope, &outcome));
  assert_int_equal(outcome.status, CRECHE_E_TIMEOUT);
  assert_true(support_hostile_await_open(server, 0, PATIENCE_MS));
  support_hostile_stop(server);
}

/* Whole, too: the timeout of the task. */
static void a_deadline_of_a_whole_body(void** state) {
  (void)state;
  support_hostile* server =
      support_hostile_start(floods, OK_HEAD "Content-Length: 1000000000000\r\n\r\n");
  creche_request_options o = request_options();
  creche_task_options task = to_queue;
  task.timeout = 100 * CRECHE_MILLISECOND;
  o.task = &task;
  o.max_body = UINT64_MAX / 4;
  creche_completion c = fetch(support_hostile_url(server), &o);
  if (c.status != CRECHE_E_TIMEOUT) fail_msg("%s", creche_error_message(c.error));
  drop(c);
  assert_true(support_hostile_await_open(server, 0, PATIENCE_MS));
  assert_int_equal(session_counters(web).idle, 0);
  support_hostile_stop(server);
}

/* ---- Many small things ---- */

enum { CHUNKS = 20000 };

static void many_chunks(support_peer* peer, void* user) {
  static char text[CHUNKS * 6 + 1];
  (void)user;
  for (int i = 0; i < CHUNKS; i++) memcpy(text + i * 6, "1\r\nx\r\n", 6);
  while (support_expect_request(peer)) {
    support_send_text(peer, OK_HEAD "Transfer-Encoding: chunked\r\n\r\n");
    support_send(peer, text, CHUNKS * 6);
    support_send_text(peer, "0\r\n\r\n");
    support_count_request(peer);
  }
}

static void many_small_chunks(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(many_chunks, NULL);
  creche_completion c = fetch(support_hostile_url(server), NULL);
  assert_int_equal(c.status, CRECHE_OK);
  assert_int_equal(c.data_size, CHUNKS);
  drop(c);
  /* Read when all of it has been there for long; in what pieces the server sent it does not show.
   */
  c = send_request(support_hostile_url(server), NULL);
  assert_int_equal(c.status, CRECHE_OK);
  assert_true(support_hostile_await_requests(server, 4, PATIENCE_MS));
  size_t all = 0, reads = 0;
  for (;; reads++) {
    creche_completion piece = read_some((creche_response){c.value}, 0);
    if (piece.status != CRECHE_OK) fail_msg("%s", creche_error_message(piece.error));
    const uint32_t kind = piece.kind;
    all += piece.data_size;
    drop(piece);
    if (kind == CRECHE_END) break;
  }
  assert_int_equal(all, CHUNKS);
  assert_true(reads < CHUNKS / 10);
  drop(c);
  assert_int_equal(support_hostile_connections(server), 1);
  support_hostile_stop(server);
}

static void many_fields(support_peer* peer, void* user) {
  const int count = *(const int*)user;
  while (support_expect_request(peer)) {
    support_send_text(peer, OK_HEAD);
    for (int i = 0; i < count; i++) support_sendf(peer, "X-%d: %d\r\n", i, i);
    if (!support_send_text(peer, "Content-Length: 2\r\n\r\nok")) return;
  }
}

/* Their number is nobody's limit, what they take is. */
static void fields_are_bounded_together(void** state) {
  (void)state;
  int count = 4000;
  support_hostile* server = support_hostile_start(many_fields, &count);
  creche_completion c = fetch(support_hostile_url(server), NULL);
  assert_int_equal(c.status, CRECHE_OK);
  const creche_response r = {c.value};
  creche_header header;
  size_t size = 0;
  OK(creche_response_header_at(r, 3999, &header));
  assert_string_equal(header.name, "X-3999");
  assert_string_equal(creche_response_header(r, "x-2345", &size), "2345");
  drop(c);
  support_hostile_stop(server);
  count = 6000;
  server = support_hostile_start(many_fields, &count);
  expect_failure(fetch(support_hostile_url(server), NULL), CRECHE_E_LIMIT, CRECHE_PHASE_HEADERS, 0);
  support_hostile_stop(server);
}

/* A reason is part of its head, however it comes. */
static void long_reason(support_peer* peer, void* user) {
  const size_t size = *(const size_t*)user;
  char reason[1000];
  memset(reason, 'r', sizeof reason);
  if (!support_expect_request(peer) || !support_send_text(peer, "HTTP/1.1 200 ")) return;
  for (size_t sent = 0; sent < size; sent += sizeof reason) {
    support_trickle(peer, reason, 1);
    if (!support_send(peer, reason + 1, sizeof reason - 1)) return;
  }
  support_send_text(peer, "\r\nContent-Length: 2\r\n\r\nok");
  support_await_close(peer);
}

static void reasons_are_bounded(void** state) {
  (void)state;
  size_t size = 60000;
  support_hostile* server = support_hostile_start(long_reason, &size);
  expect_body(fetch(support_hostile_url(server), NULL), 200, "ok");
  creche_session_options so = session_options();
  so.max_header_bytes = 59999;
  use_session(&so);
  expect_failure(fetch(support_hostile_url(server), NULL), CRECHE_E_LIMIT, CRECHE_PHASE_HEADERS, 0);
  assert_true(support_hostile_await_open(server, 0, PATIENCE_MS));
  support_hostile_stop(server);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_gap_is_between_two_reads, set_up_virtually, tear_down),
      TEST(a_deadline_though_bytes_always_come),
      TEST(a_deadline_of_a_whole_body),
      TEST(many_small_chunks),
      TEST(fields_are_bounded_together),
      TEST(reasons_are_bounded),
  };
  return cmocka_run_group_tests_name("limits", tests, NULL, NULL);
}

/* Bodies read by records: lines, other delimiters, so many bytes. */
#include "reading.h"

enum { CUTS = 3 };

/* The chunks of `user`, each a line of its own: "a|b|c" is three. Piece by piece, each in an answer
 * of its own packet. */
static void in_pieces(support_peer* peer, void* user) {
  while (support_expect_request(peer)) {
    support_send_text(peer, OK_HEAD "Transfer-Encoding: chunked\r\n\r\n");
    for (const char* at = user; *at != '\0';) {
      const size_t n = strcspn(at, "|");
      support_sendf(peer, "%zx\r\n%.*s\r\n", n, (int)n, at);
      at += n + (at[n] == '|');
    }
    support_send_text(peer, "0\r\n\r\n");
  }
}

static creche_response streamed(support_hostile* server) {
  return expect_head(send_request(support_hostile_url(server), NULL), 200);
}

static void lines_wherever_they_are_cut(void** state) {
  (void)state;
  static const char* const bodies[CUTS] = {"one\ntwo\n\nthree", "o|ne|\n|two\n\n|thr|ee",
                                           "o|n|e|\n|t|w|o|\n|\n|t|h|r|e|e"};
  for (int i = 0; i < CUTS; i++) {
    support_hostile* server = support_hostile_start(in_pieces, (void*)bodies[i]);
    const creche_response r = streamed(server);
    expect_chunk(read_until(r, "\n", 0), "one\n");
    expect_chunk(read_until(r, "\n", 4), "two\n");
    expect_chunk(read_until(r, "\n", 1), "\n");
    expect_chunk(read_until(r, "\n", 0), "three"); /* the last needs no end */
    expect_end(read_until(r, "\n", 0));
    expect_end(read_until(r, "\n", 0));
    assert_int_equal(info_of(r).decoded_bytes, 14);
    creche_response_release(r);
    support_hostile_stop(server);
  }
}

static void delimiters_of_more_bytes(void** state) {
  (void)state;
  static const char* const bodies[CUTS] = {"a\r\r\n\r\nb\r\n", "a|\r|\r|\n|\r|\n|b|\r|\n",
                                           "a\r\r|\n\r\nb\r|\n"};
  for (int i = 0; i < CUTS; i++) {
    support_hostile* server = support_hostile_start(in_pieces, (void*)bodies[i]);
    const creche_response r = streamed(server);
    expect_chunk(read_until(r, "\r\n", 0), "a\r\r\n");
    expect_chunk(read_until(r, "\r\n", 2), "\r\n");
    expect_chunk(read_until(r, "\r\n", 3), "b\r\n");
    expect_end(read_until(r, "\r\n", 0));
    creche_response_release(r);
    support_hostile_stop(server);
  }
}

static void a_longer_one_loses_nothing(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(in_pieces, "0123|456|789\nrest|");
  const creche_response r = streamed(server);
  creche_completion c = read_until(r, "\n", 10); /* 11 with its end */
  assert_int_equal(c.status, CRECHE_E_LIMIT);
  assert_int_equal(c.error->phase, CRECHE_PHASE_BODY);
  drop(c);
  expect_status(read_until(r, "\n", 1), CRECHE_E_LIMIT);
  expect_chunk(read_exactly(r, 2), "01");
  expect_chunk(read_some(r, 3), "234");
  expect_status(read_until(r, "\n", 5), CRECHE_E_LIMIT);
  expect_chunk(read_until(r, "\n", 6), "56789\n");
  expect_status(read_exactly(r, 5), CRECHE_E_LIMIT); /* there are 4 */
  expect_status(read_exactly(r, 500), CRECHE_E_LIMIT);
  expect_chunk(read_exactly(r, 4), "rest");
  expect_end(read_exactly(r, 1));
  expect_end(read_some(r, 0));
  creche_response_release(r);
  support_hostile_stop(server);
}

/* Much of a body is not kept here while records are read. */
enum { MANY = 40000 };
static void many_lines(support_peer* peer, void* user) {
  (void)user;
  if (!support_expect_request(peer)) return;
  support_send_text(peer, OK_HEAD "\r\n");
  for (int i = 0; i < MANY; i++)
    if (!support_sendf(peer, "this is line number %05d of a body\n", i)) return;
}
static void many_lines_are_held_back(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(many_lines, NULL);
  const creche_response r = streamed(server);
  char line[64];
  for (int i = 0; i < MANY; i++) {
    snprintf(line, sizeof line, "this is line number %05d of a body\n", i);
    expect_chunk(read_until(r, "\n", 0), line);
    if (i == 10) assert_true(info_of(r).body_bytes < 512 << 10);
  }
  expect_end(read_until(r, "\n", 0));
  creche_response_release(r);
  support_hostile_stop(server);
}

/* What had come is delivered before the failure. */
static void cut(support_peer* peer, void* user) {
  (void)user;
  if (support_expect_request(peer))
    support_send_text(peer, OK_HEAD "Content-Length: 100\r\n\r\none\ntw");
}
static void a_body_that_is_cut(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(cut, NULL);
  creche_response r = streamed(server);
  expect_chunk(read_until(r, "\n", 0), "one\n");
  expect_chunk(read_until(r, "\n", 0), "tw");
  expect_status(read_until(r, "\n", 0), CRECHE_E_TRUNCATED);
  expect_status(read_until(r, "\n", 0), CRECHE_E_TRUNCATED);
  creche_response_release(r);
  r = streamed(server);
  expect_status(read_exactly(r, 10), CRECHE_E_TRUNCATED);
  expect_chunk(read_some(r, 0), "one\ntw"); /* not lost */
  expect_status(read_some(r, 0), CRECHE_E_TRUNCATED);
  creche_response_release(r);
  support_hostile_stop(server);
}

/* A record that waits is cancelled: what it had gathered is the next one's. */
static void half(support_peer* peer, void* user) {
  (void)user;
  if (!support_expect_request(peer)) return;
  support_send_text(peer, OK_HEAD "Content-Length: 10\r\n\r\n01234");
  if (support_await(peer, 1)) support_send_text(peer, "5678\n");
}
static void a_cancelled_one_loses_nothing(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(half, NULL);
  const creche_response r = streamed(server);
  creche_task task;
  expect_chunk(read_exactly(r, 1), "0");
  OK(creche_response_read_until(r, loop.scope, "\n", 1, 0, &to_queue, NULL, NULL, &task));
  OK(creche_response_read_until(r, loop.scope, "\n", 1, 0, &to_queue, NULL, NULL, NULL));
  expect_status(next(), CRECHE_E_STATE); /* one at a time */
  OK(creche_scope_cancel(task.scope, "enough"));
  expect_status(next(), CRECHE_E_CANCELLED);
  support_hostile_signal(server);
  expect_chunk(read_until(r, "\n", 0), "12345678\n");
  expect_end(read_some(r, 0));
  creche_response_release(r);
  support_hostile_stop(server);
}

/* "line 1\nline 2\n" in gzip, of which the second member is damaged. */
static void coded_lines(support_peer* peer, void* user) {
  static const unsigned char coded[] = {0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x03,
                                        0x01, 0x0e, 0x00, 0xf1, 0xff, 'l',  'i',  'n',  'e',  ' ',
                                        '1',  '\n', 'l',  'i',  'n',  'e',  ' ',  '2',  '\n', 0x00,
                                        0x00, 0x00, 0x00, 0x0e, 0x00, 0x00, 0x00};
  (void)user;
  if (!support_expect_request(peer)) return;
  support_sendf(peer, OK_HEAD "Content-Encoding: gzip\r\nContent-Length: %zu\r\n\r\n",
                sizeof coded);
  support_send(peer, coded, sizeof coded);
  support_await_close(peer);
}
static void decoded_lines_and_a_wrong_checksum(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(coded_lines, NULL);
  const creche_response r = streamed(server);
  expect_chunk(read_until(r, "\n", 0), "line 1\n");
  expect_chunk(read_until(r, "\n", 0), "line 2\n");
  expect_status(read_until(r, "\n", 0), CRECHE_E_CODING);
  expect_status(read_exactly(r, 1), CRECHE_E_CODING);
  creche_response_release(r);
  support_hostile_stop(server);
}

static void misuse(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(in_pieces, "a");
  const creche_response r = streamed(server);
  creche_task task = {{1}};
  IS(creche_response_read_until(r, loop.scope, NULL, 1, 0, &to_queue, NULL, NULL, &task),
     CRECHE_E_INVALID);
  assert_int_equal(task.scope.id, 0);
  IS(creche_response_read_until(r, loop.scope, "", 0, 0, &to_queue, NULL, NULL, NULL),
     CRECHE_E_INVALID);
  IS(creche_response_read_until(r, loop.scope, "ab", 2, 1, &to_queue, NULL, NULL, NULL),
     CRECHE_E_INVALID);
  IS(creche_response_read_exactly(r, loop.scope, 0, &to_queue, NULL, NULL, NULL), CRECHE_E_INVALID);
  creche_completion c = fetch(support_hostile_url(server), NULL);
  IS(creche_response_read_exactly((creche_response){c.value}, loop.scope, 1, &to_queue, NULL, NULL,
                                  NULL),
     CRECHE_E_STATE);
  drop(c);
  creche_response_release(r);
  support_hostile_stop(server);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(lines_wherever_they_are_cut, set_up, tear_down),
      cmocka_unit_test_setup_teardown(delimiters_of_more_bytes, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_longer_one_loses_nothing, set_up, tear_down),
      cmocka_unit_test_setup_teardown(many_lines_are_held_back, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_body_that_is_cut, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_cancelled_one_loses_nothing, set_up, tear_down),
      cmocka_unit_test_setup_teardown(decoded_lines_and_a_wrong_checksum, set_up, tear_down),
      cmocka_unit_test_setup_teardown(misuse, set_up, tear_down),
  };
  return cmocka_run_group_tests_name("records", tests, NULL, NULL);
}

/* How long connections are used, and how long what they carry took. */
#include "http_test.h"
#include "pulled.h"
#include "support/hostile.h"

#define ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

static int set_up_virtually(void** state) {
  creche_loop_options o;
  (void)state;
  OK(creche_task_options_init(&to_queue, sizeof to_queue));
  OK(creche_loop_options_init(&o, sizeof o));
  o.clock = CRECHE_CLOCK_VIRTUAL;
  OK(creche_loop_open(&o, &loop));
  OK(creche_queue_open(loop, NULL, &queue));
  OK(creche_session_open(loop, NULL, &web));
  to_queue.queue = queue;
  return 0;
}

static void pass_seconds(int64_t seconds) {
  OK(creche_sleep(loop.scope, seconds * CRECHE_SECOND, &to_queue, NULL, NULL, NULL));
  creche_completion c = next();
  IS(c.status, CRECHE_OK);
  drop(c);
}

static void a_connection_carries_so_many_requests(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(support_script_answer, ANSWER);
  creche_session_options o = session_options();
  assert_int_equal(o.max_requests, 0);
  o.max_requests = 2;
  use_session(&o);
  for (int i = 0; i < 5; i++) expect_body(fetch(support_hostile_url(server), NULL), 200, "ok");
  assert_int_equal(support_hostile_connections(server), 3);
  assert_true(support_hostile_await_open(server, 1, PATIENCE_MS));
  creche_session_counters c = session_counters(web);
  assert_int_equal(c.reuses, 2);
  assert_int_equal(c.idle, 1);
  support_hostile_stop(server);
}

static void a_connection_is_used_for_so_long(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(support_script_answer, ANSWER);
  const char* url = support_hostile_url(server);
  creche_session_options o = session_options();
  assert_true(o.max_lifetime == 0);
  o.max_lifetime = 100 * CRECHE_SECOND;
  o.keepalive = 1000 * CRECHE_SECOND;
  use_session(&o);
  expect_body(fetch(url, NULL), 200, "ok");
  pass_seconds(89);
  expect_body(fetch(url, NULL), 200, "ok");
  assert_int_equal(support_hostile_connections(server), 1);
  pass_seconds(12);
  expect_body(fetch(url, NULL), 200, "ok");
  assert_int_equal(support_hostile_connections(server), 2);
  assert_true(support_hostile_await_open(server, 1, PATIENCE_MS));
  support_hostile_stop(server);
}

static void half_then_the_rest(support_peer* peer, void* user) {
  (void)user;
  if (!support_expect_request(peer)) return;
  support_send_text(peer, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no");
  if (support_peer_index(peer) == 0 && !support_await(peer, 1)) return;
  support_send_text(peer, "k");
  support_expect_request(peer);
}

static void what_is_under_way_is_not_cut(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(half_then_the_rest, NULL);
  creche_session_options o = session_options();
  o.max_lifetime = 10 * CRECHE_SECOND;
  use_session(&o);
  creche_completion head = send_request(support_hostile_url(server), NULL);
  IS(head.status, CRECHE_OK);
  creche_response response = {head.value};
  expect_piece(read_some(response, 0), "o");
  pass_seconds(3600);
  support_hostile_signal(server);
  expect_piece(read_some(response, 0), "k");
  creche_completion end = read_some(response, 0);
  assert_int_equal(end.kind, CRECHE_END);
  drop(end);
  creche_response_release(response);
  expect_body(fetch(support_hostile_url(server), NULL), 200, "ok");
  assert_int_equal(support_hostile_connections(server), 2);
  support_hostile_stop(server);
}

static void odd_limits_are_refused(void** state) {
  (void)state;
  creche_session s;
  creche_session_options o = session_options();
  o.max_lifetime = -1;
  IS(creche_session_open(loop, &o, &s), CRECHE_E_INVALID);
  last_error_says("max_lifetime");
  o = session_options();
  o.reserved2 = 1;
  IS(creche_session_open(loop, &o, &s), CRECHE_E_UNSUPPORTED);
}

static creche_session_timings timings(void) {
  creche_session_timings t;
  OK(creche_session_get_timings(web, &t, sizeof t));
  assert_int_equal(t.size, sizeof t);
  return t;
}

static void adds_up(const creche_histogram* h, uint64_t count) {
  uint64_t sum = 0;
  for (int i = 0; i < 40; i++) sum += h->buckets[i];
  assert_int_equal(h->count, count);
  assert_int_equal(sum, count);
  assert_true(h->max <= h->sum);
}

static void answer_when_told(support_peer* peer, void* user) {
  (void)user;
  if (!support_expect_request(peer) || !support_await(peer, 1)) return;
  support_send_text(peer, ANSWER);
  while (support_expect_request(peer)) support_send_text(peer, ANSWER);
}

static void phases_are_timed(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(answer_when_told, NULL);
  creche_session_options o = session_options();
  o.limit = 1;
  use_session(&o);
  creche_session_timings t = timings();
  adds_up(&t.total, 0);
  start(support_hostile_url(server), NULL, NULL);
  assert_true(support_hostile_await_requests(server, 1, PATIENCE_MS));
  start(support_hostile_url(server), NULL, NULL);
  /* In line, before the first one is answered. */
  while (session_counters(web).waiting == 0) pass_seconds(0);
  support_hostile_signal(server);
  expect_body(next(), 200, "ok");
  expect_body(next(), 200, "ok");
  t = timings();
  adds_up(&t.pool, 1);
  adds_up(&t.dns, 1);
  adds_up(&t.connect, 1);
  adds_up(&t.tls, 0);
  adds_up(&t.first_byte, 2);
  adds_up(&t.total, 2);
  assert_true(t.pool.max > 0 && t.connect.max > 0);
  assert_true(t.first_byte.sum <= t.total.sum);
  support_hostile_stop(server);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_connection_carries_so_many_requests, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_connection_is_used_for_so_long, set_up_virtually,
                                      tear_down),
      cmocka_unit_test_setup_teardown(what_is_under_way_is_not_cut, set_up_virtually, tear_down),
      cmocka_unit_test_setup_teardown(odd_limits_are_refused, set_up, tear_down),
      cmocka_unit_test_setup_teardown(phases_are_timed, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

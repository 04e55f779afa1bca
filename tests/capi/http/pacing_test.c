/* Requests to a host, no more in a time than its session allows. */

#include "reading.h"

#define GAP (20 * CRECHE_MILLISECOND)
#define HOUR (3600 * CRECHE_SECOND)

static void paced_by(creche_session_options so, uint32_t requests, int64_t interval,
                     uint32_t burst) {
  so.rate_per_host = requests;
  so.rate_interval = interval;
  so.burst_per_host = burst;
  use_session(&so);
}
static void paced(uint32_t requests, int64_t interval, uint32_t burst) {
  paced_by(session_options(), requests, interval, burst);
}

static int64_t now(void) {
  int64_t time = 0;
  OK(creche_now(loop.scope, &time));
  return time;
}

/* Answers with the path that was asked for. */
static void echo_path(support_peer* peer, void* user) {
  (void)user;
  while (support_expect_request(peer)) {
    const char* path = strchr(support_received(peer), ' ') + 1;
    const int n = (int)strcspn(path, " ");
    support_sendf(peer, OK_HEAD "Content-Length: %d\r\n\r\n%.*s", n, n, path);
  }
}

/* One connection: two that go at a time could come in any order. */
static void in_their_order(void** state) {
  (void)state;
  enum { MANY = 6 };
  support_hostile* server = support_hostile_start(echo_path, NULL);
  char path[8];
  creche_session_options so = session_options();
  so.limit_per_host = 1;
  paced_by(so, 50, CRECHE_SECOND, 2);
  const int64_t began = now();
  for (int i = 0; i < MANY; i++) {
    snprintf(path, sizeof path, "/%d", i);
    start(at(support_hostile_url(server), path), NULL, NULL);
  }
  for (int i = 0; i < MANY; i++) {
    snprintf(path, sizeof path, "/%d", i);
    expect_body(next(), 200, path);
  }
  assert_true(now() - began >= (MANY - 2) * GAP);
  support_hostile_stop(server);
}

/* Two at once, and the third waits as if there were no burst. */
static void a_burst(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(echo_path, NULL);
  paced(1, HOUR, 2);
  expect_body(fetch(at(support_hostile_url(server), "/a"), NULL), 200, "/a");
  expect_body(fetch(at(support_hostile_url(server), "/b"), NULL), 200, "/b");
  const creche_task third = start(at(support_hostile_url(server), "/c"), NULL, NULL);
  AWAIT(session_counters(web).requests == 3); /* it is in line */
  OK(creche_scope_cancel(third.scope, "enough"));
  creche_completion c = next();
  assert_int_equal(c.status, CRECHE_E_CANCELLED);
  assert_int_equal(c.error->phase, CRECHE_PHASE_LIMIT);
  drop(c);
  assert_int_equal(support_hostile_requests(server), 2);
  support_hostile_stop(server);
}

static void each_host_for_itself(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(echo_path, NULL);
  char other[64];
  snprintf(other, sizeof other, "http://localhost:%d/b", support_hostile_port(server));
  paced(1, HOUR, 0);
  expect_body(fetch(at(support_hostile_url(server), "/a"), NULL), 200, "/a");
  const creche_task waits = start(support_hostile_url(server), NULL, NULL);
  expect_body(fetch(other, NULL), 200, "/b"); /* does not wait */
  OK(creche_scope_cancel(waits.scope, "enough"));
  creche_completion c = next();
  assert_int_equal(c.status, CRECHE_E_CANCELLED);
  assert_int_equal(c.error->phase, CRECHE_PHASE_LIMIT);
  drop(c);
  assert_int_equal(session_counters(web).active, 0); /* who waits holds no connection */
  support_hostile_stop(server);
}

/* Who leaves the line has cost nothing. */
static void the_cancelled_cost_nothing(void** state) {
  (void)state;
  enum { MANY = 40 };
  support_hostile* server = support_hostile_start(echo_path, NULL);
  creche_task tasks[MANY];
  paced(5, CRECHE_SECOND, 0);
  expect_body(fetch(at(support_hostile_url(server), "/a"), NULL), 200, "/a");
  const int64_t began = now();
  for (int i = 0; i < MANY; i++)
    tasks[i] = start(at(support_hostile_url(server), "/b"), NULL, NULL);
  for (int i = 0; i < MANY - 1; i++) {
    OK(creche_scope_cancel(tasks[i].scope, "enough"));
    expect_status(next(), CRECHE_E_CANCELLED);
  }
  expect_body(next(), 200, "/b");
  assert_true(now() - began < (MANY - 10) * CRECHE_SECOND / 5);
  support_hostile_stop(server);
}

static void a_close_ends_the_line(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(echo_path, NULL);
  paced(1, HOUR, 0);
  expect_body(fetch(at(support_hostile_url(server), "/a"), NULL), 200, "/a");
  for (int i = 0; i < 3; i++) start(support_hostile_url(server), NULL, NULL);
  AWAIT(session_counters(web).requests == 4); /* they are in line */
  creche_session_release(web);
  for (int i = 0; i < 3; i++) {
    creche_completion c = next();
    assert_int_equal(c.status, CRECHE_E_CLOSED);
    assert_int_equal(c.error->phase, CRECHE_PHASE_LIMIT);
    assert_true(c.error->flags & CRECHE_ERROR_UNSENT);
    drop(c);
  }
  support_hostile_stop(server);
}

/* A deadline counts while it waits. */
static void a_deadline_in_line(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(echo_path, NULL);
  paced(1, HOUR, 0);
  expect_body(fetch(at(support_hostile_url(server), "/a"), NULL), 200, "/a");
  creche_task_options t = to_queue;
  t.timeout = CRECHE_MILLISECOND;
  creche_request_options o = request_options();
  o.task = &t;
  creche_completion c = fetch(support_hostile_url(server), &o);
  assert_int_equal(c.status, CRECHE_E_TIMEOUT);
  drop(c);
  support_hostile_stop(server);
}

static void misuse(void** state) {
  (void)state;
  creche_session s;
  creche_session_options so = session_options();
  so.rate_interval = 1;
  IS(creche_session_open(loop, &so, &s), CRECHE_E_INVALID);
  so = session_options();
  so.burst_per_host = 1;
  IS(creche_session_open(loop, &so, &s), CRECHE_E_INVALID);
  so = session_options();
  so.rate_per_host = 1;
  so.rate_interval = -1;
  IS(creche_session_open(loop, &so, &s), CRECHE_E_INVALID);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(in_their_order, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_burst, set_up, tear_down),
      cmocka_unit_test_setup_teardown(each_host_for_itself, set_up, tear_down),
      cmocka_unit_test_setup_teardown(the_cancelled_cost_nothing, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_close_ends_the_line, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_deadline_in_line, set_up, tear_down),
      cmocka_unit_test_setup_teardown(misuse, set_up, tear_down),
  };
  return cmocka_run_group_tests_name("pacing", tests, NULL, NULL);
}

/* creche_session_warm_up: connections that are there before they are needed. */
#include "http_test.h"
#include "support/hostile.h"

#define ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

static creche_completion warm_up(const char* url, uint32_t count) {
  creche_request_options o = request_options();
  OK(creche_session_warm_up(web, loop.scope, url, count, &o, NULL, NULL, NULL));
  return next();
}

static void expect_opened(creche_completion c, uint32_t count) {
  if (c.status != CRECHE_OK) fail_msg("%s", creche_error_message(c.error));
  assert_int_equal(c.kind, CRECHE_DONE);
  assert_int_equal(c.code, count);
  assert_int_equal(c.flags & (CRECHE_OWNED | CRECHE_MORE), 0);
  drop(c);
}

static void requests_find_them(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(support_script_answer, ANSWER);
  const char* url = support_hostile_url(server);
  expect_opened(warm_up(url, 3), 3);
  creche_session_counters c = session_counters(web);
  assert_int_equal(c.connects, 3);
  assert_int_equal(c.idle, 3);
  assert_int_equal(c.active, 0);
  assert_int_equal(c.requests, 0);
  for (int i = 0; i < 3; i++) expect_body(fetch(url, NULL), 200, "ok");
  c = session_counters(web);
  assert_int_equal(c.connects, 3);
  assert_int_equal(c.reuses, 3);
  /* What is there counts. */
  expect_opened(warm_up(url, 3), 0);
  expect_opened(warm_up(url, 4), 1);
  assert_true(support_hostile_await_connections(server, 4, PATIENCE_MS));
  support_hostile_stop(server);
}

/* They are no requests: no rate counts them, and no watch is told of one. */
static void on_event(void* user, const creche_request_event* e) {
  (void)e;
  __atomic_add_fetch((int*)user, 1, __ATOMIC_SEQ_CST);
}

static void not_as_requests(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(support_script_answer, ANSWER);
  static int events; /* told until the session is closed, which is behind the test */
  events = 0;
  creche_watch watch;
  OK(creche_watch_init(&watch, sizeof watch));
  watch.tell = on_event;
  watch.user = &events;
  creche_session_options so = session_options();
  so.rate_per_host = 1;
  so.rate_interval = 3600 * CRECHE_SECOND;
  so.watch = &watch;
  use_session(&so);
  expect_opened(warm_up(support_hostile_url(server), 2), 2);
  expect_opened(warm_up(support_hostile_url(server), 3), 1);
  assert_int_equal(__atomic_load_n(&events, __ATOMIC_SEQ_CST), 0);
  expect_body(fetch(support_hostile_url(server), NULL), 200, "ok");
  assert_true(__atomic_load_n(&events, __ATOMIC_SEQ_CST) > 0);
  support_hostile_stop(server);
}

static void within_the_limits(void** state) {
  (void)state;
  support_hostile* first = support_hostile_start(support_script_answer, ANSWER);
  support_hostile* second = support_hostile_start(support_script_answer, ANSWER);
  creche_session_options o = session_options();
  o.limit = 5;
  o.limit_per_host = 3;
  use_session(&o);
  expect_opened(warm_up(support_hostile_url(first), 10), 3);
  expect_opened(warm_up(support_hostile_url(second), 10),
                2); /* and none of the first's is closed */
  expect_opened(warm_up(support_hostile_url(second), 10), 0);
  assert_int_equal(session_counters(web).idle, 5);
  support_hostile_stop(first);
  support_hostile_stop(second);
}

/* Nobody was heard on it, so it is used only as long as it is idle, and asked like any other. */
static void closes_at_once(support_peer* peer, void* user) {
  (void)user;
  if (support_peer_index(peer) < 2) return;
  support_script_answer(peer, ANSWER);
}

static void one_that_was_closed_meanwhile_is_not_used(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(closes_at_once, NULL);
  expect_opened(warm_up(support_hostile_url(server), 2), 2);
  assert_true(support_hostile_await_connections(server, 2, PATIENCE_MS));
  assert_true(support_hostile_await_open(server, 0, PATIENCE_MS));
  expect_body(fetch(support_hostile_url(server), NULL), 200, "ok");
  support_hostile_stop(server);
}

static void failures_say_where(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(support_script_answer, ANSWER);
  char url[64];
  snprintf(url, sizeof url, "%s", support_hostile_url(server));
  support_hostile_stop(server);
  creche_completion c = warm_up(url, 2);
  IS(c.status, CRECHE_E_CONNECT);
  assert_int_equal(c.error->phase, CRECHE_PHASE_CONNECT);
  drop(c);
  assert_int_equal(session_counters(web).idle, 0);
  c = warm_up("nonsense", 1);
  IS(c.status, CRECHE_E_URL);
  drop(c);
  creche_task task;
  IS(creche_session_warm_up(web, loop.scope, url, 0, NULL, NULL, NULL, &task), CRECHE_E_INVALID);
  last_error_says("count");
  IS(creche_session_warm_up(web, loop.scope, NULL, 1, NULL, NULL, NULL, &task), CRECHE_E_INVALID);
}

/* The handshake never comes: it hangs in TLS. */
static void hangs(support_peer* peer, void* user) {
  (void)user;
  support_await_close(peer);
}

static void it_can_be_cancelled(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(hangs, NULL);
  char url[64];
  snprintf(url, sizeof url, "https://127.0.0.1:%d/", support_hostile_port(server));
  creche_request_options o = request_options();
  creche_task task;
  for (int close = 0; close < 2; close++) {
    OK(creche_session_warm_up(web, loop.scope, url, 3, &o, NULL, NULL, &task));
    assert_true(support_hostile_await_open(server, 3, PATIENCE_MS));
    if (close)
      creche_session_release(web);
    else
      OK(creche_scope_cancel(task.scope, "enough"));
    creche_completion c = next();
    IS(c.status, close ? CRECHE_E_CLOSED : CRECHE_E_CANCELLED);
    drop(c);
    assert_true(support_hostile_await_open(server, 0, PATIENCE_MS));
  }
  support_hostile_stop(server);
}

static void a_timeout_of_a_phase_ends_it(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(hangs, NULL);
  char url[64];
  snprintf(url, sizeof url, "https://127.0.0.1:%d/", support_hostile_port(server));
  creche_request_options o = request_options();
  o.timeouts.tls = 20 * CRECHE_MILLISECOND;
  OK(creche_session_warm_up(web, loop.scope, url, 2, &o, NULL, NULL, NULL));
  creche_completion c = next();
  IS(c.status, CRECHE_E_TIMEOUT);
  assert_int_equal(c.error->phase, CRECHE_PHASE_TLS);
  drop(c);
  support_hostile_stop(server);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(requests_find_them, set_up, tear_down),
      cmocka_unit_test_setup_teardown(not_as_requests, set_up, tear_down),
      cmocka_unit_test_setup_teardown(within_the_limits, set_up, tear_down),
      cmocka_unit_test_setup_teardown(one_that_was_closed_meanwhile_is_not_used, set_up, tear_down),
      cmocka_unit_test_setup_teardown(failures_say_where, set_up, tear_down),
      cmocka_unit_test_setup_teardown(it_can_be_cancelled, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_timeout_of_a_phase_ends_it, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

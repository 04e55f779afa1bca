/* Stopping requests at every point: one completion, no connection left. */
#include "http_test.h"

#define ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

static void silent(support_peer* peer, void* user) {
  (void)user;
  support_await_close(peer);
}

static void half(support_peer* peer, void* user) {
  if (support_expect_request(peer)) {
    support_count_request(peer);
    support_send_text(peer, user);
  }
  support_await_close(peer);
}

static void expect_cancelled(uint32_t phase) {
  creche_completion c = next();
  if (c.status != CRECHE_E_CANCELLED) fail_msg("%s", creche_error_message(c.error));
  assert_int_equal(c.error->reason, CRECHE_REASON_EXPLICIT);
  assert_string_equal(c.error->reason_text, "enough");
  assert_int_equal(c.error->phase, phase);
  drop(c);
}

static void expect_nothing_left(support_hostile* server) {
  creche_completion c;
  size_t n = 0;
  assert_true(support_hostile_await_open(server, 0, PATIENCE_MS));
  assert_int_equal(creche_queue_drain(queue, &c, 1, &n), CRECHE_OK);
  assert_int_equal(n, 0);
  assert_int_equal(session_counters(web).active, 0);
  assert_int_equal(session_counters(web).idle, 0);
  support_hostile_stop(server);
}

static void while_waiting_for_the_head(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(half, "HTTP/1.1 200");
  creche_task task = start(support_hostile_url(server), NULL, NULL);
  assert_true(support_hostile_await_requests(server, 1, PATIENCE_MS));
  creche_scope_cancel(task.scope, "enough");
  expect_cancelled(CRECHE_PHASE_HEADERS);
  expect_nothing_left(server);
}

static void in_the_handshake(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(silent, NULL);
  snprintf(url_text, sizeof url_text, "https://127.0.0.1:%d/", support_hostile_port(server));
  creche_task task = start(url_text, NULL, NULL);
  assert_true(support_hostile_await_connections(server, 1, PATIENCE_MS));
  creche_scope_cancel(task.scope, "enough");
  creche_completion c = next();
  assert_int_equal(c.status, CRECHE_E_CANCELLED);
  assert_true(c.error->phase == CRECHE_PHASE_TLS || c.error->phase == CRECHE_PHASE_CONNECT);
  drop(c);
  expect_nothing_left(server);
}

static void deaf(support_peer* peer, void* user) {
  (void)user;
  if (support_expect(peer, "\r\n\r\n")) support_count_request(peer);
  support_await(peer, 1);
}

static void while_sending(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(deaf, NULL);
  creche_request_options o = request_options();
  o.body_size = 32 << 20;
  o.body = calloc(1, o.body_size);
  creche_task task = start(support_hostile_url(server), &o, NULL);
  free((void*)o.body); /* it was copied */
  assert_true(support_hostile_await_requests(server, 1, PATIENCE_MS));
  creche_scope_cancel(task.scope, "enough");
  expect_cancelled(CRECHE_PHASE_SEND);
  support_hostile_signal(server);
  expect_nothing_left(server);
}

static void inside_the_body(void** state) {
  (void)state;
  support_hostile* server =
      support_hostile_start(half, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
  creche_task task = start(support_hostile_url(server), NULL, NULL);
  while (session_counters(web).bytes_received == 0) continue;
  creche_scope_cancel(task.scope, "enough");
  creche_completion c = next();
  assert_int_equal(c.status, CRECHE_E_CANCELLED);
  assert_int_equal(c.error->phase, CRECHE_PHASE_BODY);
  drop(c);
  expect_nothing_left(server);
}

static void before_it_began(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(support_script_answer, ANSWER);
  creche_scope scope;
  creche_request_options o = request_options();
  assert_int_equal(creche_scope_open(loop.scope, NULL, &scope), CRECHE_OK);
  creche_scope_cancel(scope, "enough");
  assert_int_equal(
      creche_session_fetch(web, scope, support_hostile_url(server), &o, NULL, NULL, NULL),
      CRECHE_OK);
  creche_completion c = next();
  assert_int_equal(c.status, CRECHE_E_CANCELLED);
  drop(c);
  assert_int_equal(support_hostile_connections(server), 0);
  creche_scope_leave(scope, NULL);
  expect_nothing_left(server);
}

/* Hundreds at once, stopped at whatever point they have reached. */
static void a_whole_group(void** state) {
  (void)state;
  enum { kRequests = 300 };
  support_hostile* server = support_hostile_start(silent, NULL);
  creche_session_options so = session_options();
  so.limit = 20;
  use_session(&so);
  creche_group_options go;
  creche_group_options_init(&go, sizeof go);
  go.queue = queue;
  creche_group group;
  assert_int_equal(creche_group_open(loop.scope, &go, NULL, NULL, &group), CRECHE_OK);
  for (int i = 0; i < kRequests; i++)
    assert_int_equal(
        creche_session_fetch(web, group.scope, support_hostile_url(server), NULL, NULL, NULL, NULL),
        CRECHE_OK);
  creche_group_close(group);
  assert_true(support_hostile_await_connections(server, 20, PATIENCE_MS));
  creche_scope_cancel(group.scope, "enough");
  for (int i = 0; i < kRequests; i++) {
    creche_completion c = next();
    assert_true(c.task.scope.id != group.scope.id);
    assert_int_equal(c.status, CRECHE_E_CANCELLED);
    drop(c);
  }
  creche_completion c = next();
  assert_true(c.task.scope.id == group.scope.id); /* the last of all */
  drop(c);
  assert_int_equal(support_hostile_connections(server), 20);
  expect_nothing_left(server);
}

/* ---- Closing the session ---- */

static int closed;
static void count_closed(void* user, const creche_completion* c) {
  (void)c;
  __atomic_add_fetch(&closed, 1, __ATOMIC_SEQ_CST);
  SAY(creche_sleep(loop.scope, 0, &to_queue, NULL, user, NULL));
}

static void closing_ends_what_is_in_flight(void** state) {
  (void)state;
  creche_session_options so = session_options();
  so.limit = 2;
  use_session(&so);
  closed = 0;
  support_hostile* server = support_hostile_start(silent, NULL);
  for (int i = 0; i < 5; i++) start(support_hostile_url(server), NULL, NULL);
  assert_true(support_hostile_await_connections(server, 2, PATIENCE_MS));
  assert_int_equal(creche_session_close(web, count_closed, &closed), CRECHE_OK);
  assert_int_equal(creche_session_close(web, NULL, NULL), CRECHE_OK);
  for (int i = 0; i < 5; i++) {
    creche_completion c = next();
    assert_int_equal(c.status, CRECHE_E_CLOSED);
    drop(c);
  }
  creche_completion c = next(); /* what the close's own completion started: after all of them */
  assert_ptr_equal(c.user, &closed);
  drop(c);
  assert_int_equal(closed, 1);
  creche_request_options o = request_options();
  assert_int_equal(
      creche_session_fetch(web, loop.scope, support_hostile_url(server), &o, NULL, NULL, NULL),
      CRECHE_E_CLOSED);
  /* Once more: told at once. */
  assert_int_equal(creche_session_close(web, count_closed, NULL), CRECHE_OK);
  drop(next());
  assert_int_equal(closed, 2);
  expect_nothing_left(server);
}

static void release_closes(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(silent, NULL);
  start(support_hostile_url(server), NULL, NULL);
  assert_true(support_hostile_await_connections(server, 1, PATIENCE_MS));
  creche_session_release(web);
  creche_session_release(web);
  creche_completion c = next();
  assert_int_equal(c.status, CRECHE_E_CLOSED);
  drop(c);
  assert_int_equal(creche_session_close(web, NULL, NULL), CRECHE_E_ENDED);
  assert_true(support_hostile_await_open(server, 0, PATIENCE_MS));
  support_hostile_stop(server);
}

static void the_loop_takes_its_sessions_along(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(support_script_answer, ANSWER);
  creche_completion c = fetch(support_hostile_url(server), NULL);
  assert_int_equal(c.status, CRECHE_OK);
  creche_loop_close(loop);
  assert_int_equal(creche_loop_join(loop, PATIENCE), CRECHE_OK);
  assert_true(support_hostile_await_open(server, 0, PATIENCE_MS));
  /* The response stays. */
  creche_response response = {c.value};
  assert_string_equal(c.data, "ok");
  assert_int_equal(creche_response_status(response), 200);
  assert_string_equal(creche_response_header(response, "content-LENGTH", NULL), "2");
  drop(c);
  assert_int_equal(creche_response_status(response), CRECHE_E_ENDED);
  creche_session_release(web);
  support_hostile_stop(server);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(while_waiting_for_the_head, set_up, tear_down),
      cmocka_unit_test_setup_teardown(in_the_handshake, set_up, tear_down),
      cmocka_unit_test_setup_teardown(while_sending, set_up, tear_down),
      cmocka_unit_test_setup_teardown(inside_the_body, set_up, tear_down),
      cmocka_unit_test_setup_teardown(before_it_began, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_whole_group, set_up, tear_down),
      cmocka_unit_test_setup_teardown(closing_ends_what_is_in_flight, set_up, tear_down),
      cmocka_unit_test_setup_teardown(release_closes, set_up, tear_down),
      cmocka_unit_test_setup_teardown(the_loop_takes_its_sessions_along, set_up, tear_down_rest),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* An upload that was cut says so, whatever cut it, and whoever has the answer by then: one whose
 * body does not decode, one that was moved to another owner, one that waits to be read. */
#include "pulled.h"

/* A head, and a body that is none of its coding; never takes the request's. */
static void sends_no_gzip(support_peer* peer, void* user) {
  (void)user;
  if (!support_expect(peer, "\r\n\r\n")) return;
  support_send_text(peer, OK_HEAD "Content-Encoding: gzip\r\nContent-Length: 100\r\n\r\nno gzip");
  support_await_close(peer);
}

static void an_answer_that_does_not_decode(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(sends_no_gzip, NULL);
  creche_task task;
  creche_completion pull;
  creche_response r = early_send(loop.scope, server, &task, &pull);
  creche_completion c = read_some(r, 0);
  const creche_status status = c.status;
  assert_int_not_equal(status, CRECHE_OK);
  assert_int_equal(c.error->phase, CRECHE_PHASE_BODY);
  drop(c);
  expect_last(next(), task, status);
  drop(pull);
  creche_response_release(r);
  support_hostile_stop(server);
}

/* A head and some of the body; at the first signal the connection is gone. */
static void breaks_off(support_peer* peer, void* user) {
  (void)user;
  if (!support_expect(peer, "\r\n\r\n")) return;
  support_send_text(peer, OK_HEAD "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
  if (support_await(peer, 1)) support_reset(peer);
}

static void an_answer_that_was_moved(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(breaks_off, NULL);
  creche_task owner, task;
  creche_completion pull, c;
  OK(creche_task_open(loop.scope, &to_queue, NULL, NULL, &owner));
  drop(next());
  creche_response r = early_send(owner.scope, server, &task, &pull);
  OK(creche_response_move(r, loop.scope));
  OK(creche_task_finish(owner, CRECHE_OK, 0, NULL));
  support_hostile_signal(server);
  expect_last(next(), task, CRECHE_E_TRUNCATED);
  c = next();
  assert_true(c.task.scope.id == owner.scope.id);
  drop(c);
  drop(pull);
  expect_piece(read_some(r, 0), "hello"); /* what came is there */
  c = read_some(r, 0);
  assert_int_equal(c.status, CRECHE_E_TRUNCATED);
  drop(c);
  creche_response_release(r);
  support_hostile_stop(server);
}

static void turn(void) { /* of the loop, all of it */
  OK(creche_yield(loop.scope, &to_queue, NULL, NULL, NULL));
  drop(next());
}

/* What is moved when its upload has failed already; and what waits to be read then, and is
 * cancelled, or loses its owner. */
static void an_upload_that_had_failed_before(void** state) {
  (void)state;
  for (int how = 0; how < 3; how++) {
    support_hostile* server = support_hostile_start(breaks_off, NULL);
    creche_group_options go;
    creche_group group;
    creche_task task;
    creche_completion pull, c;
    OK(creche_group_options_init(&go, sizeof go));
    go.policy = CRECHE_COLLECT;
    go.queue = queue;
    OK(creche_group_open(loop.scope, &go, NULL, NULL, &group));
    creche_response r = early_send(group.scope, server, &task, &pull);
    support_hostile_signal(server);
    assert_true(support_hostile_await_open(server, 0, PATIENCE_MS));
    for (int i = 0; i < 3; i++) turn(); /* it has been read of the socket */
    if (how == 0) OK(creche_response_move(r, loop.scope));
    if (how == 1) OK(creche_scope_cancel(task.scope, NULL));
    if (how == 2) OK(creche_scope_cancel(group.scope, NULL));
    expect_last(next(), task, CRECHE_E_TRUNCATED);
    drop(pull);
    creche_response_release(r); /* it may hold the group open */
    OK(creche_group_close(group));
    c = next();
    assert_true(c.task.scope.id == group.scope.id);
    drop(c);
    support_hostile_stop(server);
  }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(an_answer_that_does_not_decode),
      TEST(an_answer_that_was_moved),
      TEST(an_upload_that_had_failed_before),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

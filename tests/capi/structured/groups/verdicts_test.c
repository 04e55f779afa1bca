/* Where two statuses would be possible, which of them it is: of a finish that is wrong in several
 * ways, and of a group that has ended or has a body. */
#include "support/core.h"

/* A task that finishes while a group of its own is open, a failed step of it is known to nobody, or
 * both. */
typedef struct wrong {
  creche_status with; /* its finish */
  int opens;          /* its group */
  creche_error const* own;
  creche_status status, error, cause; /* of its completion */
  const void* cookie;
  int finals;
} wrong;
static void ends_wrong(void* user, const creche_completion* c) {
  wrong* w = user;
  w->finals++;
  w->status = c->status;
  w->error = w->cause = 0;
  w->cookie = NULL;
  if (c->error == NULL) return;
  w->error = c->error->status;
  w->cookie = c->error->cookie;
  if (c->error->cause != NULL) w->cause = c->error->cause->status;
}
static void begins_wrong(void* user, const creche_completion* c) {
  wrong* w = user;
  creche_group group;
  if (c->kind != CRECHE_BEGIN) return;
  if (w->opens) creche_group_open(c->task.scope, NULL, creche_nobody, NULL, &group);
  creche_task_finish(c->task, w->with, 0, w->own);
}
static void body_fails_quietly(void* user, const creche_completion* c) {
  (void)user;
  if (c->kind == CRECHE_BEGIN) creche_task_finish(c->task, -1234, 0, NULL);
}
static void begins_with_a_failed_step(void* user, const creche_completion* c) {
  wrong* w = user;
  creche_group group;
  if (c->kind == CRECHE_BEGIN && w->opens)
    creche_group_open(c->task.scope, NULL, creche_nobody, NULL, &group);
  if (c->kind == CRECHE_BEGIN)
    SAY(creche_task_spawn(c->task.scope, body_fails_quietly, NULL, NULL, creche_nobody, NULL,
                          NULL));
  if (c->kind == CRECHE_CANCEL) creche_task_finish(c->task, w->with, 0, w->own);
}
static wrong how(creche_status with, int opens, int fails, const creche_error* own) {
  wrong w;
  memset(&w, 0, sizeof w);
  w.with = with;
  w.opens = opens;
  w.own = own;
  OK(creche_task_spawn(loop.scope, fails ? begins_with_a_failed_step : begins_wrong, &w, NULL,
                       ends_wrong, &w, NULL));
  settle();
  assert_int_equal(w.finals, 1);
  assert_int_equal(w.error, w.status);
  return w;
}

/* What the user says failed comes first; then what is wrong with the finish itself, a cancellation
 * that never was before what was left open; then a step that failed without anybody being told;
 * then a cancellation. */
static void which_failure_it_is(void** state) {
  const creche_error* own;
  int cookie, opens;
  wrong w;
  (void)state;
  OK(creche_error_new(-1001, "mine", &cookie, NULL, NULL, &own));
  for (opens = 0; opens < 2; opens++) {
    w = how(-1001, opens, 0, own);
    assert_int_equal(w.status, -1001);
    assert_ptr_equal(w.cookie, &cookie);
    assert_int_equal(how(CRECHE_E_USER, opens, 0, NULL).status, CRECHE_E_USER);
    assert_int_equal(how(CRECHE_E_CANCELLED, opens, 0, NULL).status, CRECHE_E_NOT_CANCELLED);
    /* A failed step has cancelled the task, which may say so. */
    w = how(-1001, opens, 1, own);
    assert_int_equal(w.status, -1001);
    assert_ptr_equal(w.cookie, &cookie);
  }
  assert_int_equal(how(CRECHE_OK, 1, 0, NULL).status, CRECHE_E_MISNESTED);
  assert_int_equal(how(CRECHE_OK, 0, 1, NULL).status, -1234);
  assert_int_equal(how(CRECHE_E_CANCELLED, 0, 1, NULL).status, -1234);
  creche_error_release(own);
}
/* The failed step is not lost: it is the cause. */
static void the_other_one_is_the_cause(void** state) {
  wrong w;
  (void)state;
  w = how(CRECHE_OK, 1, 1, NULL);
  assert_int_equal(w.status, CRECHE_E_MISNESTED);
  assert_int_equal(w.cause, -1234);
  w = how(CRECHE_E_CANCELLED, 1, 1, NULL);
  assert_int_equal(w.status, CRECHE_E_MISNESTED);
  assert_int_equal(w.cause, -1234);
  assert_int_equal(how(CRECHE_OK, 1, 0, NULL).cause, 0);
}

/* A group that is closed and empty says CRECHE_E_CLOSED to whatever would be added for as long as
 * its handle lives: until its completion is taken; then CRECHE_E_ENDED. */
static void says(creche_group group, creche_status status) {
  creche_scope scope;
  creche_group inner;
  creche_task task;
  seen s = {0};
  IS(creche_task_spawn(group.scope, body_waits, &s, NULL, see, &s, &task), status);
  IS(creche_task_open(group.scope, NULL, see, &s, &task), status);
  IS(creche_sleep(group.scope, 0, NULL, see, &s, &task), status);
  IS(creche_yield(group.scope, NULL, see, &s, &task), status);
  IS(creche_scope_open(group.scope, NULL, &scope), status);
  IS(creche_group_open(group.scope, NULL, see, &s, &inner), status);
  IS(creche_task_start(group, loop.scope, body_waits, &s, NULL, see, &s, &task), status);
  IS(creche_scope_cancel(group.scope, NULL), CRECHE_E_ENDED);
  IS(creche_group_close(group), status == CRECHE_E_CLOSED ? CRECHE_OK : status);
}
static void closed_then_ended(void** state) {
  creche_group_options o = group_options();
  creche_completion c;
  creche_queue queue;
  seen g = {0};
  creche_group group = group_in(loop.scope, NULL, &g);
  size_t n;
  (void)state;
  OK(creche_group_close(group)); /* its callback is to be called yet */
  says(group, CRECHE_E_CLOSED);
  settle();
  assert_int_equal(g.finals, 1);
  says(group, CRECHE_E_ENDED);
  OK(creche_queue_open(loop, NULL, &queue));
  o.queue = queue;
  OK(creche_group_open(loop.scope, &o, NULL, NULL, &group));
  OK(creche_group_close(group)); /* it is in the queue */
  says(group, CRECHE_E_ENDED);
  OK(creche_queue_drain(queue, &c, 1, &n));
  assert_int_equal(n, 1);
  creche_completions_release(&c, 1);
  creche_queue_release(queue);
  o = group_options();
  o.flags = CRECHE_GROUP_JOINABLE;
  OK(creche_group_open(loop.scope, &o, creche_nobody, NULL, &group));
  OK(creche_group_close(group)); /* it is kept */
  says(group, CRECHE_E_CLOSED);
  settle();
  says(group, CRECHE_E_CLOSED);
  OK(creche_group_join(group, 0, NULL));
  says(group, CRECHE_E_ENDED);
}

/* A group has one body in its life. */
static void one_body(void** state) {
  creche_task_options o = task_options();
  seen g = {0}, first = {0}, second = {0}, child = {0};
  creche_group group = group_in(loop.scope, NULL, &g);
  creche_task body, another = {{1}}, task;
  creche_scope scope;
  (void)state;
  o.flags = CRECHE_TASK_BODY;
  IS(creche_task_open(group.scope, &o, creche_nobody, NULL, NULL),
     CRECHE_E_INVALID); /* no effect */
  OK(creche_task_open(group.scope, &o, see, &first, &body));
  IS(creche_task_open(group.scope, &o, see, &second, &another), CRECHE_E_STATE);
  last_error_says("body");
  assert_true(another.scope.id == 0);
  scope = scope_in(group.scope, NULL);
  IS(creche_task_open(scope, &o, see, &second, NULL), CRECHE_E_STATE);
  OK(creche_scope_leave(scope, NULL));
  task = spawn(group.scope, body_waits, &child);
  settle();
  OK(creche_task_finish(body, CRECHE_OK, 0, NULL));
  settle();
  IS(creche_task_open(group.scope, &o, see, &second, NULL), CRECHE_E_STATE); /* nor afterwards */
  OK(creche_task_finish(task, CRECHE_OK, 0, NULL));
  until(&g.finals, 1);
  assert_int_equal(second.begins + second.finals, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(which_failure_it_is),
      TEST(the_other_one_is_the_cause),
      TEST(closed_then_ended),
      TEST(one_body),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

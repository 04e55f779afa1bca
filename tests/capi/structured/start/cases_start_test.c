/* creche_task_start and creche_task_started: Trio's nursery.start, with its hole closed. See
 * CASES.md. Time is virtual. */
#include "support/core.h"

static int open_virtual(void** state) {
  creche_loop_options o;
  (void)state;
  memset(&loop_seen, 0, sizeof loop_seen);
  creche_loop_options_init(&o, sizeof o);
  o.run = CRECHE_RUN_CALLER;
  o.clock = CRECHE_CLOCK_VIRTUAL;
  o.done = see;
  o.user = &loop_seen;
  return creche_loop_open(&o, &loop) == CRECHE_OK ? 0 : -1;
}
#define TEST_VIRTUAL(name) cmocka_unit_test_setup_teardown(name, open_virtual, close_loop)

/* A child of which the test says what it does; notes when it was asked to stop. */
typedef struct child {
  seen s;    /* its completion */
  seen body; /* what its function was told */
  creche_task task;
  int64_t begun, asked;
} child;
static void child_body(void* user, const creche_completion* c) {
  child* k = user;
  note(&k->body, c);
  if (c->kind == CRECHE_BEGIN) {
    k->task = c->task;
    creche_now(c->task.scope, &k->begun);
  }
  if (c->kind == CRECHE_CANCEL) creche_now(c->task.scope, &k->asked);
}
static creche_task start_child(child* k, creche_group target, creche_scope in, seen* started) {
  creche_start_options o;
  creche_task task;
  memset(k, 0, sizeof *k);
  OK(creche_start_options_init(&o, sizeof o));
  o.child_done = see;
  o.child_user = &k->s;
  OK(creche_task_start(target, in, child_body, k, &o, see, started, &task));
  settle();
  assert_int_equal(k->body.begins, 1);
  return task;
}

/* Turns the loop until its clock has passed `point`. */
static void pass(int64_t duration) {
  seen s = {0};
  OK(creche_sleep(loop.scope, duration, NULL, see, &s, NULL));
  until(&s.finals, 1);
}

/* The start completes when the child says so, with its value; the child lives on in the target. */
static void started_then_lives_on(void** state) {
  seen g = {0}, started = {0};
  child k;
  creche_group group = group_in(loop.scope, NULL, &g);
  int64_t begin = now();
  (void)state;
  start_child(&k, group, loop.scope, &started);
  OK(creche_group_close(group));
  pass(CRECHE_SECOND);
  OK(creche_task_started(k.task, 42));
  IS(creche_task_started(k.task, 43), CRECHE_E_STATE); /* once */
  until(&started.finals, 1);
  assert_int_equal(started.status, CRECHE_OK);
  assert_int_equal(started.value, 42);
  assert_true(now() - begin == CRECHE_SECOND);
  pass(CRECHE_SECOND);
  assert_int_equal(g.finals, 0);
  OK(creche_task_finish(k.task, CRECHE_OK, 7, NULL));
  until(&g.finals, 1);
  assert_int_equal(k.s.value, 7);
  assert_true(now() - begin == 2 * CRECHE_SECOND);
  assert_int_equal(g.status, CRECHE_OK);
}

/* An error before it has started is the start's, bare; the target is untouched. */
static void failed_before_it_started(void** state) {
  seen g = {0}, started = {0}, sibling = {0}, own = {0};
  child k;
  creche_group group = group_in(loop.scope, NULL, &g), caller = group_in(loop.scope, NULL, &own);
  (void)state;
  op(group.scope, &sibling);
  start_child(&k, group, caller.scope, &started);
  OK(creche_task_finish(k.task, -1000, 0, NULL));
  until(&started.finals, 1);
  assert_int_equal(started.status, -1000);
  assert_int_equal(started.error_status, -1000);
  assert_int_equal(started.children, 0);
  assert_true(k.s.finals == 1 && k.s.order < started.order);
  assert_int_equal(sibling.finals, 0);
  assert_int_equal(state_of(group.scope).called, 0);
  OK(creche_group_close(group));
  OK(creche_group_close(caller));
  settle();
  assert_int_equal(own.status, CRECHE_E_GROUP); /* the start is a child of the caller's */
  assert_int_equal(own.child[0], -1000);
  OK(creche_scope_cancel(group.scope, NULL));
  until(&g.finals, 1);
  assert_int_equal(g.status, CRECHE_OK);
}

/* Ended without having started. */
static void ended_before_it_started(void** state) {
  seen g = {0}, started = {0};
  child k;
  creche_group group = group_in(loop.scope, NULL, &g);
  (void)state;
  start_child(&k, group, loop.scope, &started);
  OK(creche_task_finish(k.task, CRECHE_OK, 0, NULL));
  until(&started.finals, 1);
  assert_int_equal(started.status, CRECHE_E_NOT_STARTED);
  OK(creche_group_close(group));
  until(&g.finals, 1);
  assert_int_equal(g.status, CRECHE_OK);
}

/* The caller is cancelled: the value is dropped, the child stays the caller's; the start is
 * cancelled when the child's work is. */
static void the_caller_was_cancelled(void** state) {
  seen g = {0}, started = {0}, step = {0};
  child k;
  creche_outcome outcome;
  creche_group group = group_in(loop.scope, NULL, &g);
  creche_scope scope = scope_in(loop.scope, NULL);
  (void)state;
  start_child(&k, group, scope, &started);
  OK(creche_scope_cancel(scope, "the caller"));
  settle();
  assert_int_equal(k.body.cancels, 1);
  IS(creche_task_started(k.task, 42), CRECHE_E_CANCELLED);
  settle();
  assert_int_equal(started.finals, 0); /* it waits for its child */
  OK(creche_group_close(group));
  op(k.task.scope, &step);
  settle();
  assert_int_equal(step.status, CRECHE_E_CANCELLED);
  OK(creche_task_finish(k.task, CRECHE_E_CANCELLED, 0, NULL));
  until(&started.finals, 1);
  assert_int_equal(started.status, CRECHE_E_CANCELLED);
  assert_string_equal(started.text, "the caller");
  assert_int_equal(started.value, 0);
  until(&g.finals, 1);
  assert_int_equal(g.status, CRECHE_OK);
  assert_int_equal(g.flags, 0);
  OK(creche_scope_leave(scope, &outcome));
  assert_int_equal(outcome.flags, CRECHE_CAUGHT);
}

/* The same, but the child ends well without any operation, or fails. */
static void the_caller_was_cancelled_and_the_child(creche_status ends) {
  seen g = {0}, started = {0};
  child k;
  creche_outcome outcome;
  creche_group group = group_in(loop.scope, NULL, &g);
  creche_scope scope = scope_in(loop.scope, NULL);
  start_child(&k, group, scope, &started);
  OK(creche_scope_cancel(scope, NULL));
  settle();
  IS(creche_task_started(k.task, 42), CRECHE_E_CANCELLED);
  OK(creche_task_finish(k.task, ends, 0, NULL));
  until(&started.finals, 1);
  assert_int_equal(started.status, ends);
  OK(creche_scope_leave(scope, &outcome));
  assert_int_equal(outcome.status, CRECHE_OK);
  assert_int_equal(outcome.flags, 0); /* nothing that was cancelled came out */
  OK(creche_group_close(group));
  until(&g.finals, 1);
  assert_int_equal(g.status, CRECHE_OK); /* the error is the start's, not the group's */
}
static void the_child_ends_well_all_the_same(void** state) {
  (void)state;
  the_caller_was_cancelled_and_the_child(CRECHE_OK);
}
static void the_child_fails_after_that(void** state) {
  (void)state;
  the_caller_was_cancelled_and_the_child(-1000);
}

/* Into a group that has ended: refused at once, the function is never called. */
static void into_a_group_that_has_ended(void** state) {
  seen g = {0}, started = {0};
  creche_group group = group_in(loop.scope, NULL, &g);
  creche_task task = {{1}};
  child k;
  creche_status status;
  (void)state;
  memset(&k, 0, sizeof k);
  OK(creche_group_close(group));
  until(&g.finals, 1);
  status = creche_task_start(group, loop.scope, child_body, &k, NULL, see, &started, &task);
  assert_true(status == CRECHE_E_ENDED || status == CRECHE_E_CLOSED);
  assert_int_equal(task.scope.id, 0);
  settle();
  assert_int_equal(k.body.begins + started.finals, 0);
}

/* Pending starts keep their target open: (1) two that start at 1 s and live to 3 and 6 s; (2) one
 * that fails at 7 s releases it. */
static void pending_starts_keep_the_target_open(void** state) {
  seen g = {0}, started[2] = {{0}, {0}};
  child k[2];
  creche_group group = group_in(loop.scope, NULL, &g);
  int64_t begin = now();
  int i;
  (void)state;
  for (i = 0; i < 2; i++) start_child(&k[i], group, loop.scope, &started[i]);
  OK(creche_group_close(group));
  pass(CRECHE_SECOND);
  assert_int_equal(g.finals, 0);
  OK(creche_task_started(k[0].task, 0));
  pass(2 * CRECHE_SECOND);
  OK(creche_task_finish(k[0].task, CRECHE_OK, 0, NULL));
  settle();
  assert_int_equal(g.finals, 0); /* the other one has not even started */
  OK(creche_task_started(k[1].task, 0));
  pass(3 * CRECHE_SECOND);
  OK(creche_task_finish(k[1].task, CRECHE_OK, 0, NULL));
  until(&g.finals, 1);
  assert_true(now() - begin == 6 * CRECHE_SECOND);
  assert_int_equal(g.status, CRECHE_OK);
}
static void a_failed_start_lets_go(void** state) {
  seen g = {0}, started = {0};
  child k;
  creche_group group = group_in(loop.scope, NULL, &g);
  (void)state;
  start_child(&k, group, loop.scope, &started);
  OK(creche_group_close(group));
  pass(7 * CRECHE_SECOND);
  assert_int_equal(g.finals, 0);
  OK(creche_task_finish(k.task, -1000, 0, NULL));
  until(&g.finals, 1);
  assert_int_equal(g.status, CRECHE_OK);
  assert_int_equal(started.status, -1000);
}

/* An error before the start that is itself a tree: neither unwrapped nor wrapped; its cause stays.
 */
typedef struct kept_error {
  seen s;
  const creche_error* error;
} kept_error;
static void keep_error(void* user, const creche_completion* c) {
  kept_error* k = user;
  note(&k->s, c);
  if (!(c->flags & CRECHE_MORE)) k->error = creche_error_keep(c->error);
}
static void the_error_keeps_its_shape(void** state) {
  kept_error inner = {{0}, NULL}, started = {{0}, NULL};
  seen g = {0}, f = {0};
  child k;
  const creche_error *cause, *error;
  creche_start_options o;
  creche_group group = group_in(loop.scope, NULL, &g), own;
  (void)state;
  memset(&k, 0, sizeof k);
  OK(creche_start_options_init(&o, sizeof o));
  OK(creche_task_start(group, loop.scope, child_body, &k, &o, keep_error, &started, NULL));
  settle();
  OK(creche_group_open(k.task.scope, NULL, keep_error, &inner, &own));
  spawn(own.scope, body_fails, &f);
  OK(creche_group_close(own));
  until(&inner.s.finals, 1);
  OK(creche_task_finish(k.task, CRECHE_E_GROUP, 0, inner.error));
  until(&started.s.finals, 1);
  assert_int_equal(started.s.status, CRECHE_E_GROUP);
  assert_int_equal(started.error->children_count, 1);
  assert_int_equal(started.error->children[0]->status, CRECHE_E_USER);
  creche_error_release(inner.error);
  creche_error_release(started.error);

  memset(&started, 0, sizeof started);
  memset(&k, 0, sizeof k);
  OK(creche_error_new(-1000, "the cause", NULL, NULL, NULL, &cause));
  OK(creche_error_new(-1001, "the error", NULL, NULL, cause, &error));
  OK(creche_task_start(group, loop.scope, child_body, &k, &o, keep_error, &started, NULL));
  settle();
  OK(creche_task_finish(k.task, -1001, 0, error));
  until(&started.s.finals, 1);
  assert_int_equal(started.error->status, -1001);
  assert_non_null(started.error->cause);
  assert_string_equal(started.error->cause->message, "the cause");
  creche_error_release(started.error);
  creche_error_release(error);
  creche_error_release(cause);
  OK(creche_group_close(group));
  until(&g.finals, 1);
}

/* The scope of the starter fails: the child is cancelled, and the start ends only after it. */
static void the_starter_fails(void** state) {
  seen g = {0}, own = {0}, started = {0}, f = {0};
  child k;
  creche_group group = group_in(loop.scope, NULL, &g), caller = group_in(loop.scope, NULL, &own);
  creche_task failing = spawn(caller.scope, body_waits, &f);
  (void)state;
  start_child(&k, group, caller.scope, &started);
  OK(creche_group_close(caller));
  OK(creche_task_finish(failing, -1000, 0, NULL));
  settle();
  assert_int_equal(k.body.cancels, 1);
  assert_int_equal(k.body.reason, CRECHE_REASON_SIBLING);
  assert_int_equal(started.finals, 0);
  assert_int_equal(own.finals, 0);
  pass(CRECHE_SECOND);
  OK(creche_task_finish(k.task, CRECHE_E_CANCELLED, 0, NULL));
  until(&own.finals, 1);
  assert_int_equal(started.status, CRECHE_E_CANCELLED);
  assert_true(k.s.order < started.order && started.order < own.order);
  assert_int_equal(own.children, 1);
  OK(creche_group_close(group));
  until(&g.finals, 1);
  assert_int_equal(g.status, CRECHE_OK);
}

/* Trio's hole, closed: the target is cancelled while a start is pending: so is the child, at once.
 * The start says so to the caller, who was not cancelled and has nothing to catch. */
static void the_target_is_cancelled_while_it_starts(void** state) {
  seen g = {0}, own = {0}, started = {0};
  child k;
  creche_group group = group_in(loop.scope, NULL, &g), caller = group_in(loop.scope, NULL, &own);
  creche_scope section = scope_in(caller.scope, NULL);
  creche_outcome outcome;
  int64_t begin = now();
  (void)state;
  start_child(&k, group, section, &started);
  OK(creche_group_close(group));
  OK(creche_group_close(caller));
  OK(creche_scope_cancel(group.scope, "the target"));
  settle();
  assert_int_equal(k.body.cancels, 1);
  assert_true(k.asked == begin);
  OK(creche_task_finish(k.task, CRECHE_E_CANCELLED, 0, NULL));
  until(&started.finals, 1);
  assert_int_equal(started.status, CRECHE_E_CANCELLED);
  assert_int_equal(started.flags, CRECHE_CAUGHT);
  assert_string_equal(started.text, "the target");
  until(&g.finals, 1);
  assert_int_equal(g.status, CRECHE_OK);
  assert_int_equal(state_of(section).reached, 0);
  OK(creche_scope_leave(section, &outcome));
  assert_int_equal(outcome.status, CRECHE_OK);
  assert_int_equal(outcome.flags, 0);
  until(&own.finals, 1);
  assert_int_equal(own.status, CRECHE_OK);
  assert_int_equal(own.flags, 0);
}

/* Both sides are cancelled: then it is the caller's to catch. */
static void both_sides_are_cancelled(void** state) {
  seen g = {0}, started = {0};
  child k;
  creche_group group = group_in(loop.scope, NULL, &g);
  creche_scope caller = scope_in(loop.scope, NULL);
  creche_outcome outcome;
  (void)state;
  start_child(&k, group, caller, &started);
  OK(creche_scope_cancel(group.scope, "the target"));
  OK(creche_scope_cancel(caller, "the caller"));
  settle();
  IS(creche_task_started(k.task, 1), CRECHE_E_CANCELLED);
  OK(creche_task_finish(k.task, CRECHE_E_CANCELLED, 0, NULL));
  until(&started.finals, 1);
  assert_int_equal(k.body.cancels, 1);
  assert_string_equal(started.text, "the target"); /* the first one sticks */
  assert_int_equal(started.flags, CRECHE_PASSING);
  OK(creche_scope_leave(caller, &outcome));
  assert_int_equal(outcome.flags, CRECHE_CAUGHT);
  OK(creche_group_close(group));
  until(&g.finals, 1);
  assert_int_equal(g.flags, 0);
}

/* Moved into a cancelled target, behind no shield any more: cancelled at once. Also all that is
 * below it, and its scopes count for the new place. */
static void moved_with_all_that_is_below(void** state) {
  seen g = {0}, started = {0}, step = {0}, inner_seen = {0}, child_of_inner = {0};
  child k;
  creche_outcome outcome;
  creche_group group = group_in(loop.scope, NULL, &g), inner;
  creche_scope caller = scope_in(loop.scope, NULL), section;
  (void)state;
  start_child(&k, group, caller, &started);
  section = scope_in(k.task.scope, NULL);
  op(section, &step);
  inner = group_in(k.task.scope, NULL, &inner_seen);
  op(inner.scope, &child_of_inner);
  OK(creche_group_close(inner));
  OK(creche_task_started(k.task, 1));
  until(&started.finals, 1);
  OK(creche_scope_leave(caller, &outcome)); /* nothing of it is left there */
  assert_int_equal(outcome.flags, 0);
  OK(creche_scope_cancel(group.scope, "the target"));
  settle();
  assert_int_equal(step.status, CRECHE_E_CANCELLED);
  assert_string_equal(step.text, "the target");
  assert_int_equal(child_of_inner.status, CRECHE_E_CANCELLED);
  assert_int_equal(k.body.cancels, 1);
  OK(creche_scope_leave(section, NULL));
  OK(creche_task_finish(k.task, CRECHE_E_CANCELLED, 0, NULL));
  OK(creche_group_close(group));
  until(&g.finals, 1);
  assert_int_equal(g.flags, CRECHE_CAUGHT);
}

/* Once it has moved, what becomes of the caller is nothing to it, and its failure is the target's.
 */
static void after_the_move_the_caller_is_nothing(void** state) {
  seen g = {0}, started = {0}, sibling = {0};
  child k;
  creche_group group = group_in(loop.scope, NULL, &g);
  creche_scope caller = scope_in(loop.scope, NULL);
  (void)state;
  op(group.scope, &sibling);
  start_child(&k, group, caller, &started);
  OK(creche_task_started(k.task, 1));
  until(&started.finals, 1);
  OK(creche_scope_cancel(caller, NULL));
  settle();
  assert_int_equal(k.body.cancels, 0);
  OK(creche_scope_leave(caller, NULL));
  OK(creche_task_finish(k.task, -1000, 0, NULL));
  OK(creche_group_close(group));
  until(&g.finals, 1);
  assert_int_equal(sibling.reason, CRECHE_REASON_SIBLING);
  assert_int_equal(sibling.by.id, k.task.scope.id);
  assert_int_equal(g.status, CRECHE_E_GROUP);
  assert_int_equal(g.child[0], -1000);
}

static void body_starts_and_ends(void* user, const creche_completion* c) {
  (void)user;
  if (c->kind != CRECHE_BEGIN) return;
  creche_task_started(c->task, 5);
  creche_task_finish(c->task, CRECHE_OK, 9, NULL);
}

/* A child that has moved is one of the target's like any other: it counts until its completion is
 * released, if the target is so. */
static void until_its_completion_is_released(void** state) {
  creche_group_options o = group_options();
  creche_queue queue;
  creche_group target;
  creche_completion c[2];
  seen start = {0}, end = {0};
  size_t n;
  (void)state;
  OK(creche_queue_open(loop, NULL, &queue));
  o.queue = queue;
  o.flags = CRECHE_GROUP_UNTIL_RELEASED;
  target = group_in(loop.scope, &o, &end);
  OK(creche_task_start(target, loop.scope, body_starts_and_ends, NULL, NULL, see, &start, NULL));
  OK(creche_group_close(target));
  settle();
  assert_int_equal(start.value, 5);
  OK(creche_queue_drain(queue, c, 2, &n));
  assert_int_equal(n, 1);
  assert_int_equal(c[0].value, 9);
  settle();
  assert_int_equal(end.finals, 0);
  creche_completions_release(c, n);
  settle();
  assert_int_equal(end.finals, 1);
  creche_queue_release(queue);
}

/* The target gathers its children, those too that never came to it. */
typedef struct gathering {
  seen end;
  creche_status status[4];
  uint64_t value[4];
} gathering;
static void see_gathered(void* user, const creche_completion* c) {
  gathering* g = user;
  const creche_completion* of = c->data;
  note(&g->end, c);
  for (uint64_t i = 0; i < c->value && i < 4; i++) {
    g->status[i] = of[i].status;
    g->value[i] = of[i].value;
  }
}
static void gathered_though_it_never_moved(void** state) {
  creche_start_options o;
  creche_group target;
  gathering g = {{0}, {0}, {0}};
  seen b = {0}, start[3];
  (void)state;
  memset(start, 0, sizeof start);
  OK(creche_start_options_init(&o, sizeof o));
  o.child_done = creche_to_group;
  OK(creche_group_open(loop.scope, NULL, see_gathered, &g, &target));
  OK(creche_sleep(target.scope, 0, NULL, creche_to_group, NULL, NULL));
  OK(creche_task_start(target, loop.scope, body_fails, &b, &o, see, &start[0], NULL));
  OK(creche_task_start(target, loop.scope, body_succeeds, &b, &o, see, &start[1], NULL));
  OK(creche_task_start(target, loop.scope, body_starts_and_ends, NULL, &o, see, &start[2], NULL));
  OK(creche_group_close(target));
  settle();
  assert_int_equal(start[0].status, CRECHE_E_USER);
  assert_int_equal(start[1].status, CRECHE_E_NOT_STARTED);
  assert_int_equal(start[2].value, 5);
  assert_int_equal(g.end.status, CRECHE_OK);
  assert_int_equal(g.end.value, 4);
  assert_int_equal(g.status[1], CRECHE_E_USER);
  assert_int_equal(g.status[2], CRECHE_OK);
  assert_int_equal(g.value[2], 7);
  assert_int_equal(g.value[3], 9);
}

/* What starts may be cut by the deadlines of both sides, until it has moved. */
static void the_nearest_deadline_of_both_sides(void** state) {
  creche_group_options o = group_options();
  creche_scope_options so = scope_options();
  seen end = {0}, started = {0};
  creche_group target;
  creche_scope scope;
  creche_task start;
  child k;
  (void)state;
  o.deadline = 1000;
  target = group_in(loop.scope, &o, &end);
  so.deadline = 2000;
  scope = scope_in(loop.scope, &so);
  start = start_child(&k, target, scope, &started);
  assert_int_equal(state_of(start.scope).effective_deadline, 1000);
  assert_int_equal(state_of(k.task.scope).effective_deadline, 1000);
  OK(creche_scope_set_deadline(target.scope, 3000));
  assert_int_equal(state_of(k.task.scope).effective_deadline, 2000);
  OK(creche_scope_set_shield(start.scope, 1));
  assert_int_equal(state_of(k.task.scope).effective_deadline, CRECHE_NEVER);
  OK(creche_scope_set_shield(start.scope, 0));
  OK(creche_task_started(k.task, 0));
  assert_int_equal(state_of(k.task.scope).effective_deadline, 3000);
  OK(creche_task_finish(k.task, CRECHE_OK, 0, NULL));
  OK(creche_group_close(target));
  settle();
  assert_int_equal(end.status, CRECHE_OK);
  OK(creche_scope_leave(scope, NULL));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST_VIRTUAL(started_then_lives_on),
      TEST_VIRTUAL(failed_before_it_started),
      TEST_VIRTUAL(ended_before_it_started),
      TEST_VIRTUAL(the_caller_was_cancelled),
      TEST_VIRTUAL(the_child_ends_well_all_the_same),
      TEST_VIRTUAL(the_child_fails_after_that),
      TEST_VIRTUAL(into_a_group_that_has_ended),
      TEST_VIRTUAL(pending_starts_keep_the_target_open),
      TEST_VIRTUAL(a_failed_start_lets_go),
      TEST_VIRTUAL(the_error_keeps_its_shape),
      TEST_VIRTUAL(the_starter_fails),
      TEST_VIRTUAL(the_target_is_cancelled_while_it_starts),
      TEST_VIRTUAL(both_sides_are_cancelled),
      TEST_VIRTUAL(moved_with_all_that_is_below),
      TEST_VIRTUAL(after_the_move_the_caller_is_nothing),
      TEST_VIRTUAL(until_its_completion_is_released),
      TEST_VIRTUAL(gathered_though_it_never_moved),
      TEST_VIRTUAL(the_nearest_deadline_of_both_sides),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* creche_task_start and creche_task_started: Trio's nursery.start. How starts and their children
 * end; what cancels them is in start_cancel_test.c. */
#include "starts.h"

/* The start ends with the value when the child says so; the child ends later, in the target. */
static void started_then_ended(void** state) {
  fixture f;
  (void)state;
  open_target(&f);
  start_in(&f, loop.scope);
  OK(creche_group_close(f.target));
  settle();
  assert_int_equal(f.start.finals, 0);
  assert_int_equal(f.target_end.finals, 0); /* a pending start keeps it open */
  OK(creche_task_started(f.child.task, 42));
  settle();
  assert_int_equal(f.start.status, CRECHE_OK);
  assert_int_equal(f.start.value, 42);
  assert_int_equal(f.done.finals, 0);
  assert_int_equal(f.target_end.finals, 0); /* now the child does */
  OK(creche_task_finish(f.child.task, CRECHE_OK, 7, NULL));
  settle();
  assert_int_equal(f.done.value, 7);
  assert_int_equal(f.target_end.status, CRECHE_OK);
  assert_true(f.start.order < f.done.order && f.done.order < f.target_end.order);
}

static void a_failure_before_is_the_starts(void** state) {
  fixture f;
  (void)state;
  open_target(&f);
  start_in(&f, loop.scope);
  OK(creche_task_finish(f.child.task, CRECHE_E_USER, 0, NULL));
  settle();
  assert_int_equal(f.start.status, CRECHE_E_USER); /* bare, no group around it */
  assert_int_equal(f.start.children, 0);
  assert_int_equal(f.done.status, CRECHE_E_USER);
  assert_true(f.done.order < f.start.order);
  assert_int_equal(state_of(f.target.scope).called, 0);
  OK(creche_group_close(f.target));
  settle();
  assert_int_equal(f.target_end.status, CRECHE_OK);
}

static void a_failure_after_is_the_targets(void** state) {
  fixture f;
  seen sibling = {0};
  (void)state;
  open_target(&f);
  op(f.target.scope, &sibling);
  start_in(&f, loop.scope);
  OK(creche_task_started(f.child.task, 0));
  OK(creche_task_finish(f.child.task, CRECHE_E_USER, 0, NULL));
  OK(creche_group_close(f.target));
  settle();
  assert_int_equal(f.start.status, CRECHE_OK);
  assert_int_equal(sibling.status, CRECHE_E_CANCELLED);
  assert_int_equal(sibling.reason, CRECHE_REASON_SIBLING);
  assert_int_equal(sibling.by.id, f.child.task.scope.id);
  assert_int_equal(f.target_end.status, CRECHE_E_GROUP);
  assert_int_equal(f.target_end.children, 1);
}

static void an_end_without_started(void** state) {
  fixture f;
  (void)state;
  open_target(&f);
  start_in(&f, loop.scope);
  OK(creche_task_finish(f.child.task, CRECHE_OK, 0, NULL));
  OK(creche_group_close(f.target));
  settle();
  assert_int_equal(f.start.status, CRECHE_E_NOT_STARTED);
  assert_non_null(strstr(f.start.message, "creche_task_started"));
  assert_int_equal(f.done.status, CRECHE_OK);
  assert_int_equal(f.target_end.status, CRECHE_OK);
}

/* A limit of the starter's group holds the start back; the target's does not hold the child back.
 */
static void limits(void** state) {
  creche_group_options o = group_options();
  fixture f;
  creche_group caller;
  seen caller_end = {0}, busy = {0}, blocker = {0};
  creche_task first;
  (void)state;
  memset(&f, 0, sizeof f);
  o.limit = 1;
  f.target = group_in(loop.scope, &o, &f.target_end);
  caller = group_in(loop.scope, &o, &caller_end);
  op(f.target.scope, &blocker);
  first = op(caller.scope, &busy);
  OK(creche_task_start(f.target, caller.scope, body, &f.child, NULL, see, &f.start, NULL));
  settle();
  assert_int_equal(f.child.s.begins, 0);
  OK(creche_scope_cancel(first.scope, NULL));
  settle();
  assert_int_equal(f.child.s.begins, 1);
  OK(creche_task_started(f.child.task, 0));
  settle();
  assert_int_equal(f.start.status, CRECHE_OK);
  OK(creche_task_finish(f.child.task, CRECHE_OK, 0, NULL));
  OK(creche_scope_cancel(f.target.scope, NULL));
  OK(creche_group_close(f.target));
  OK(creche_group_close(caller));
  settle();
  assert_int_equal(f.target_end.finals, 1);
  assert_int_equal(caller_end.finals, 1);
}

/* The body of a group that starts its own children; a start inside its own target. */
static void a_start_from_inside_the_target(void** state) {
  fixture f;
  (void)state;
  open_target(&f);
  start_in(&f, f.target.scope);
  OK(creche_task_started(f.child.task, 9));
  settle();
  assert_int_equal(f.start.value, 9);
  OK(creche_task_finish(f.child.task, CRECHE_OK, 0, NULL));
  OK(creche_group_close(f.target));
  settle();
  assert_int_equal(f.target_end.status, CRECHE_OK);
  open_target(&f);
  start_in(&f, f.target.scope);
  OK(creche_scope_cancel(f.target.scope, NULL));
  settle();
  assert_int_equal(f.child.s.cancels, 1);
  OK(creche_task_finish(f.child.task, CRECHE_E_CANCELLED, 0, NULL));
  OK(creche_group_close(f.target));
  settle();
  assert_int_equal(f.start.status, CRECHE_E_CANCELLED);
  assert_int_equal(f.target_end.flags, CRECHE_CAUGHT);
}

static void misuse(void** state) {
  fixture f;
  seen s = {0};
  creche_group ended;
  creche_task plain, ignored;
  creche_start_options o = start_options();
  (void)state;
  open_target(&f);
  start_in(&f, loop.scope);
  IS(creche_task_started(f.start_task, 1), CRECHE_E_STATE); /* the start, not the child */
  OK(creche_task_started(f.child.task, 1));
  IS(creche_task_started(f.child.task, 1), CRECHE_E_STATE);
  last_error_says("once");
  OK(creche_task_finish(f.child.task, CRECHE_OK, 0, NULL));
  settle();
  IS(creche_task_started(f.child.task, 1), CRECHE_E_ENDED);
  plain = spawn(loop.scope, body_waits, &s);
  settle();
  IS(creche_task_started(plain, 1), CRECHE_E_STATE);
  OK(creche_task_finish(plain, CRECHE_OK, 0, NULL));
  IS(creche_task_start(f.target, loop.scope, NULL, NULL, NULL, see, &s, &ignored),
     CRECHE_E_INVALID);
  IS(creche_task_start(f.target, loop.scope, creche_nobody, NULL, NULL, see, &s, NULL),
     CRECHE_E_INVALID);
  o.flags = 1;
  IS(creche_task_start(f.target, loop.scope, body, &f.child, &o, see, &s, NULL),
     CRECHE_E_UNSUPPORTED);
  ended = f.target;
  OK(creche_group_close(f.target));
  settle();
  IS(creche_task_start(ended, loop.scope, body, &f.child, NULL, see, &s, &ignored), CRECHE_E_ENDED);
  assert_int_equal(ignored.scope.id, 0);
  IS(creche_task_start((creche_group){loop.scope}, loop.scope, body, &f.child, NULL, see, &s, NULL),
     CRECHE_E_BAD_HANDLE);
}

/* What a child has left open in a group that it had closed is closed with the loop. */
static void left_open_by_a_child_that_has_finished(void** state) {
  fixture f;
  creche_group closed;
  seen end = {0}, inner = {0};
  (void)state;
  open_target(&f);
  start_in(&f, loop.scope);
  closed = group_in(f.child.task.scope, NULL, &end);
  group_in(closed.scope, NULL, &inner);
  OK(creche_group_close(closed));
  OK(creche_task_finish(f.child.task, CRECHE_OK, 0, NULL));
  settle();
  assert_int_equal(inner.finals, 0);
  OK(creche_loop_close(loop));
  OK(creche_loop_join(loop, PATIENCE));
  assert_int_equal(inner.finals, 1);
  assert_int_equal(end.finals, 1);
  assert_int_equal(f.start.finals, 1);
  assert_int_equal(f.target_end.finals, 1);
}

/* Without a body the child is an external task: its events come where its completion goes. */
static void an_external_child(void** state) {
  fixture f;
  (void)state;
  creche_start_options o = start_options();
  open_target(&f);
  o.child_done = body;
  o.child_user = &f.child;
  OK(creche_task_start(f.target, loop.scope, NULL, NULL, &o, see, &f.start, &f.start_task));
  settle();
  assert_int_equal(f.child.s.begins, 1);
  OK(creche_task_started(f.child.task, 42));
  settle();
  assert_int_equal(f.start.value, 42);
  OK(creche_scope_cancel(f.target.scope, "enough"));
  settle();
  assert_int_equal(f.child.s.cancels, 1);
  assert_int_equal(f.child.s.finals, 0);
  OK(creche_task_finish(f.child.task, CRECHE_E_CANCELLED, 0, NULL));
  OK(creche_group_close(f.target));
  settle();
  assert_int_equal(f.child.s.finals, 1);
  assert_int_equal(f.child.s.status, CRECHE_E_CANCELLED);
  assert_int_equal(f.target_end.status, CRECHE_OK);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(started_then_ended),
      TEST(a_failure_before_is_the_starts),
      TEST(a_failure_after_is_the_targets),
      TEST(an_end_without_started),
      TEST(limits),
      TEST(a_start_from_inside_the_target),
      TEST(misuse),
      TEST(an_external_child),
      TEST(left_open_by_a_child_that_has_finished),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* creche_task_start: from where a cancellation comes to a start and to its child, and whose it is.
 */
#include "starts.h"

/* The starter is cancelled: the child stays with it and hears so; the value is dropped unless the
 * child ends well. */
static void a_cancelled_starter_keeps_the_child(void** state) {
  fixture f;
  creche_scope scope = scope_in(loop.scope, NULL);
  creche_outcome outcome;
  (void)state;
  open_target(&f);
  start_in(&f, scope);
  OK(creche_scope_cancel(scope, NULL));
  IS(creche_task_started(f.child.task, 5), CRECHE_E_CANCELLED);
  settle();
  assert_int_equal(f.child.s.cancels, 1);
  assert_int_equal(f.start.finals, 0);
  OK(creche_task_finish(f.child.task, CRECHE_E_CANCELLED, 0, NULL));
  settle();
  assert_int_equal(f.start.status, CRECHE_E_CANCELLED);
  OK(creche_scope_leave(scope, &outcome));
  assert_int_equal(outcome.flags, CRECHE_CAUGHT);
  OK(creche_group_close(f.target));
  settle();
  assert_int_equal(f.target_end.status, CRECHE_OK);
}

static void a_cancelled_starter_whose_child_succeeds(void** state) {
  fixture f;
  creche_scope scope = scope_in(loop.scope, NULL);
  creche_outcome outcome;
  (void)state;
  open_target(&f);
  start_in(&f, scope);
  OK(creche_scope_cancel(scope, NULL));
  IS(creche_task_started(f.child.task, 5), CRECHE_E_CANCELLED);
  OK(creche_task_finish(f.child.task, CRECHE_OK, 0, NULL));
  settle();
  assert_int_equal(f.start.status, CRECHE_OK);
  assert_int_equal(f.start.value, 5);
  OK(creche_scope_leave(scope, &outcome));
  assert_int_equal(outcome.flags, 0); /* nothing was cut short */
  OK(creche_group_close(f.target));
  settle();
}

static void a_cancelled_starter_whose_child_fails(void** state) {
  fixture f;
  creche_scope scope = scope_in(loop.scope, NULL);
  (void)state;
  open_target(&f);
  start_in(&f, scope);
  OK(creche_scope_cancel(scope, NULL));
  IS(creche_task_started(f.child.task, 5), CRECHE_E_CANCELLED);
  OK(creche_task_finish(f.child.task, -1001, 0, NULL));
  OK(creche_group_close(f.target));
  settle();
  assert_int_equal(f.start.status, -1001);
  assert_int_equal(f.target_end.status, CRECHE_OK);
  OK(creche_scope_leave(scope, NULL));
}

/* Trio's hole: there the child of a pending start does not notice that its target is cancelled. */
static void a_cancelled_target_reaches_the_child(void** state) {
  fixture f;
  seen step = {0};
  (void)state;
  open_target(&f);
  start_in(&f, loop.scope);
  op(f.child.task.scope, &step);
  OK(creche_scope_cancel(f.target.scope, "closing down"));
  settle();
  assert_int_equal(f.child.s.cancels, 1);
  assert_int_equal(step.status, CRECHE_E_CANCELLED);
  assert_string_equal(step.text, "closing down");
  OK(creche_task_finish(f.child.task, CRECHE_E_CANCELLED, 0, NULL));
  OK(creche_group_close(f.target));
  settle();
  assert_int_equal(f.start.status, CRECHE_E_CANCELLED);
  assert_string_equal(f.start.text, "closing down");
  assert_int_equal(f.target_end.finals, 1);
}

/* It may still say that it has started: it moves, and is cancelled there. */
static void started_into_a_cancelled_target(void** state) {
  fixture f;
  (void)state;
  open_target(&f);
  start_in(&f, loop.scope);
  OK(creche_scope_cancel(f.target.scope, NULL));
  settle();
  OK(creche_task_started(f.child.task, 1));
  settle();
  assert_int_equal(f.start.status, CRECHE_OK);
  OK(creche_task_finish(f.child.task, CRECHE_E_CANCELLED, 0, NULL));
  OK(creche_group_close(f.target));
  settle();
  assert_int_equal(f.target_end.flags, CRECHE_CAUGHT);
  assert_int_equal(f.child.s.cancels, 1); /* it was told once */
}

static void a_start_into_a_cancelled_target(void** state) {
  fixture f;
  (void)state;
  open_target(&f);
  OK(creche_scope_cancel(f.target.scope, NULL));
  start_in(&f, loop.scope);
  assert_int_equal(f.child.s.cancels, 1);
  OK(creche_task_finish(f.child.task, CRECHE_E_CANCELLED, 0, NULL));
  OK(creche_group_close(f.target));
  settle();
  assert_int_equal(f.start.status, CRECHE_E_CANCELLED);
}

/* What cancels the starter after the move does not reach the child, what cancels the target does.
 */
static void after_the_move_only_the_target_counts(void** state) {
  fixture f;
  creche_scope scope = scope_in(loop.scope, NULL);
  creche_scope inner;
  creche_outcome outcome;
  seen step = {0};
  (void)state;
  open_target(&f);
  start_in(&f, scope);
  inner = scope_in(f.child.task.scope, NULL);
  op(inner, &step);
  OK(creche_task_started(f.child.task, 0));
  settle();
  OK(creche_scope_cancel(scope, NULL));
  settle();
  assert_int_equal(f.child.s.cancels, 0);
  OK(creche_scope_leave(scope, &outcome));
  assert_int_equal(outcome.flags, 0);
  OK(creche_scope_cancel(f.target.scope, NULL));
  settle();
  assert_int_equal(f.child.s.cancels, 1);
  assert_int_equal(step.status, CRECHE_E_CANCELLED);
  OK(creche_scope_leave(inner, NULL));
  OK(creche_task_finish(f.child.task, CRECHE_E_CANCELLED, 0, NULL));
  OK(creche_group_close(f.target));
  settle();
  assert_int_equal(f.target_end.finals, 1);
}

/* A cancelled starter whose child was shielded against it. */
static void out_of_a_cancelled_scope_by_shield(void** state) {
  fixture f;
  creche_start_options o = start_options();
  creche_task_options t = task_options();
  creche_scope scope = scope_in(loop.scope, NULL);
  (void)state;
  open_target(&f);
  t.shield = 1;
  o.task = &t;
  OK(creche_scope_cancel(scope, NULL));
  OK(creche_task_start(f.target, scope, body, &f.child, &o, see, &f.start, NULL));
  settle();
  assert_int_equal(f.child.s.cancels, 0);
  OK(creche_task_started(f.child.task, 3));
  settle();
  assert_int_equal(f.start.status, CRECHE_OK);
  OK(creche_task_finish(f.child.task, CRECHE_OK, 0, NULL));
  OK(creche_group_close(f.target));
  OK(creche_scope_leave(scope, NULL));
  settle();
  assert_int_equal(f.target_end.status, CRECHE_OK);
}

/* Cancelling the start itself cancels the child. */
static void cancelling_the_start(void** state) {
  fixture f;
  (void)state;
  open_target(&f);
  start_in(&f, loop.scope);
  OK(creche_scope_cancel(f.start_task.scope, "too slow"));
  settle();
  assert_int_equal(f.child.s.cancels, 1);
  OK(creche_task_finish(f.child.task, CRECHE_E_CANCELLED, 0, NULL));
  settle();
  assert_int_equal(f.start.status, CRECHE_E_CANCELLED);
  assert_int_equal(f.start.flags, CRECHE_CAUGHT);
  OK(creche_group_close(f.target));
  settle();
}

/* A child that was cancelled alone: the starter is told, and nothing around it has to catch that.
 */
static void cancelling_the_child(void** state) {
  fixture f;
  creche_group caller;
  seen caller_end = {0};
  (void)state;
  open_target(&f);
  caller = group_in(loop.scope, NULL, &caller_end);
  start_in(&f, caller.scope);
  OK(creche_scope_cancel(f.child.task.scope, "not needed"));
  settle();
  assert_int_equal(f.child.s.cancels, 1);
  OK(creche_task_finish(f.child.task, CRECHE_E_CANCELLED, 0, NULL));
  OK(creche_group_close(caller));
  OK(creche_group_close(f.target));
  settle();
  assert_int_equal(f.done.flags, CRECHE_CAUGHT);
  assert_int_equal(f.start.status, CRECHE_E_CANCELLED);
  assert_int_equal(f.start.flags, CRECHE_CAUGHT);
  assert_string_equal(f.start.text, "not needed");
  assert_int_equal(caller_end.status, CRECHE_OK);
  assert_int_equal(caller_end.flags, 0);
  assert_int_equal(f.target_end.status, CRECHE_OK);
}

/* A timeout of the start bounds the starting only; one of the child bounds the child. */
static void timeouts_of_both(void** state) {
  fixture f;
  creche_start_options o = start_options();
  creche_task_options start = task_options(), kid = task_options();
  (void)state;
  open_target(&f);
  start.timeout = CRECHE_SECOND;
  kid.timeout = 10 * CRECHE_SECOND;
  o.task = &start;
  o.child = &kid;
  o.child_done = see;
  o.child_user = &f.done;
  OK(creche_task_start(f.target, loop.scope, body, &f.child, &o, see, &f.start, NULL));
  until(&f.child.s.cancels, 1);
  assert_int_equal(now(), CRECHE_SECOND);
  OK(creche_task_finish(f.child.task, CRECHE_E_CANCELLED, 0, NULL));
  settle();
  assert_int_equal(f.start.status, CRECHE_E_TIMEOUT);
  memset(&f.child, 0, sizeof f.child);
  OK(creche_task_start(f.target, loop.scope, body, &f.child, &o, see, &f.start, NULL));
  settle();
  OK(creche_task_started(f.child.task, 0));
  until(&f.child.s.cancels, 1);
  assert_int_equal(now(), 11 * CRECHE_SECOND); /* counted from the call */
  OK(creche_task_finish(f.child.task, CRECHE_E_CANCELLED, 0, NULL));
  OK(creche_group_close(f.target));
  settle();
  assert_int_equal(f.done.status, CRECHE_E_TIMEOUT);
  assert_int_equal(f.target_end.status, CRECHE_E_GROUP);
}

/* The starter's group fails: the child is cancelled, the start ends after it. */
static void the_starters_sibling_fails(void** state) {
  fixture f;
  creche_group caller;
  seen caller_end = {0}, failing = {0};
  (void)state;
  open_target(&f);
  caller = group_in(loop.scope, NULL, &caller_end);
  start_in(&f, caller.scope);
  spawn(caller.scope, body_fails, &failing);
  OK(creche_group_close(caller));
  settle();
  assert_int_equal(f.child.s.cancels, 1);
  assert_int_equal(f.start.finals, 0);
  assert_int_equal(caller_end.finals, 0);
  OK(creche_task_finish(f.child.task, CRECHE_E_CANCELLED, 0, NULL));
  settle();
  assert_int_equal(f.start.status, CRECHE_E_CANCELLED);
  assert_int_equal(caller_end.status, CRECHE_E_GROUP);
  assert_int_equal(caller_end.children, 1);
  OK(creche_group_close(f.target));
  settle();
  assert_int_equal(f.target_end.status, CRECHE_OK);
}

/* Starts on starts: each child starts the next one into the same target, which is then cancelled.
 */
typedef struct link {
  child k;
  seen start;
} link;
static void a_chain_of_starts(void** state) {
  enum { kDepth = 50 };
  static link chain[kDepth];
  fixture f;
  creche_scope in = loop.scope;
  (void)state;
  memset(chain, 0, sizeof chain);
  open_target(&f);
  for (int i = 0; i < kDepth; i++) {
    OK(creche_task_start(f.target, in, body, &chain[i].k, NULL, see, &chain[i].start, NULL));
    settle();
    in = chain[i].k.task.scope;
  }
  OK(creche_group_close(f.target));
  OK(creche_scope_cancel(f.target.scope, NULL));
  settle();
  for (int i = kDepth - 1; i >= 0; i--) {
    assert_int_equal(chain[i].k.s.cancels, 1);
    OK(creche_task_finish(chain[i].k.task, CRECHE_E_CANCELLED, 0, NULL));
    settle();
    assert_int_equal(chain[i].start.status, CRECHE_E_CANCELLED);
  }
  assert_int_equal(f.target_end.finals, 1);
}

/* Its own deadline, too, is said in its error and not only in its status. */
static void the_error_of_a_timeout(void** state) {
  fixture f;
  creche_start_options o = start_options();
  creche_task_options start = task_options();
  (void)state;
  open_target(&f);
  start.timeout = CRECHE_SECOND;
  o.task = &start;
  OK(creche_task_start(f.target, loop.scope, body, &f.child, &o, see, &f.start, &f.start_task));
  until(&f.child.s.cancels, 1);
  OK(creche_task_finish(f.child.task, CRECHE_E_CANCELLED, 0, NULL));
  OK(creche_group_close(f.target));
  until(&f.start.finals, 1);
  assert_int_equal(f.start.status, CRECHE_E_TIMEOUT);
  assert_int_equal(f.start.error_status, CRECHE_E_TIMEOUT);
  assert_int_equal(f.start.reason, CRECHE_REASON_DEADLINE);
  assert_int_equal(f.start.by.id, f.start_task.scope.id);
}

/* It waits for the place of a sibling; one cancellation reaches both, in whatever order, and that
 * is the reason, not the deadline of its child, which has passed. */
static void the_reason_of_one_that_waits_for_the_limit(void** state) {
  (void)state;
  for (int older = 0; older < 2; older++) {
    creche_group_options o = group_options();
    creche_task_options late = task_options();
    creche_start_options so = start_options();
    fixture f;
    creche_scope section = {0};
    creche_outcome outcome;
    memset(&f, 0, sizeof f);
    o.limit = 1;
    o.policy = CRECHE_COLLECT;
    f.target = group_in(loop.scope, &o, &f.target_end);
    if (older) section = scope_in(f.target.scope, NULL);
    OK(creche_sleep(f.target.scope, CRECHE_SECOND, NULL, creche_nobody, NULL, NULL));
    if (!older) section = scope_in(f.target.scope, NULL);
    late.timeout = 0;
    so.child = &late;
    so.child_done = see;
    so.child_user = &f.done;
    OK(creche_task_start(f.target, section, body, &f.child, &so, see, &f.start, NULL));
    settle();
    assert_int_equal(f.start.finals, 0);
    OK(creche_scope_cancel(f.target.scope, "enough"));
    settle();
    assert_int_equal(f.child.s.begins, 1);
    assert_int_equal(f.child.s.cancels, 1);
    OK(creche_task_finish(f.child.task, CRECHE_E_CANCELLED, 0, NULL));
    settle();
    assert_string_equal(f.done.text, "enough");
    assert_int_equal(f.start.status, CRECHE_E_CANCELLED);
    assert_int_equal(f.start.reason, CRECHE_REASON_EXPLICIT);
    OK(creche_scope_leave(section, &outcome));
    OK(creche_group_close(f.target));
    settle();
    assert_int_equal(f.target_end.finals, 1);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(a_cancelled_starter_keeps_the_child),
      TEST(a_cancelled_starter_whose_child_succeeds),
      TEST(a_cancelled_starter_whose_child_fails),
      TEST(a_cancelled_target_reaches_the_child),
      TEST(started_into_a_cancelled_target),
      TEST(a_start_into_a_cancelled_target),
      TEST(after_the_move_only_the_target_counts),
      TEST(out_of_a_cancelled_scope_by_shield),
      TEST(cancelling_the_start),
      TEST(cancelling_the_child),
      VIRTUAL_TEST(timeouts_of_both),
      TEST(the_starters_sibling_fails),
      TEST(a_chain_of_starts),
      VIRTUAL_TEST(the_error_of_a_timeout),
      VIRTUAL_TEST(the_reason_of_one_that_waits_for_the_limit),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

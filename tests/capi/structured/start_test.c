/* creche_task_start and creche_task_started: Trio's nursery.start. */
#include "support/core.h"

static creche_start_options start_options(void) {
  creche_start_options o;
  OK(creche_start_options_init(&o, sizeof o));
  return o;
}

/* A child that does what its test says, step by step. */
typedef struct child {
  seen s;
  creche_task task;
} child;
static void body(void* user, const creche_completion* c) {
  child* k = user;
  note(&k->s, c);
  k->task = c->task;
}

typedef struct fixture {
  creche_group target;
  seen target_end, start, done;
  child child;
  creche_task start_task;
} fixture;

static void start_in(fixture* f, creche_scope in) {
  creche_start_options o = start_options();
  o.child_done = see;
  o.child_user = &f->done;
  OK(creche_task_start(f->target, in, body, &f->child, &o, see, &f->start, &f->start_task));
  settle();
  assert_int_equal(f->child.s.begins, 1);
}
static void open_target(fixture* f) {
  memset(f, 0, sizeof *f);
  f->target = group_in(loop.scope, NULL, &f->target_end);
}

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

/* It waits for the place of a sibling; one cancellation reaches both, and that is the reason, not
 * the deadline of its child, which has passed. */
static void the_reason_of_one_that_waits_for_the_limit(void** state) {
  creche_group_options o = group_options();
  creche_task_options late = task_options();
  creche_start_options so = start_options();
  fixture f;
  creche_scope section;
  creche_outcome outcome;
  (void)state;
  memset(&f, 0, sizeof f);
  o.limit = 1;
  o.policy = CRECHE_COLLECT;
  f.target = group_in(loop.scope, &o, &f.target_end);
  OK(creche_sleep(f.target.scope, CRECHE_SECOND, NULL, creche_nobody, NULL, NULL));
  OK(creche_scope_open(f.target.scope, NULL, &section));
  late.timeout = 0;
  so.child = &late;
  so.child_done = creche_nobody;
  OK(creche_task_start(f.target, section, body, &f.child, &so, see, &f.start, NULL));
  settle();
  assert_int_equal(f.start.finals, 0);
  OK(creche_scope_cancel(f.target.scope, "enough"));
  settle();
  assert_int_equal(f.child.s.begins, 1);
  OK(creche_task_finish(f.child.task, CRECHE_E_CANCELLED, 0, NULL));
  settle();
  assert_int_equal(f.start.status, CRECHE_E_CANCELLED);
  assert_int_equal(f.start.reason, CRECHE_REASON_EXPLICIT);
  OK(creche_scope_leave(section, &outcome));
  OK(creche_group_close(f.target));
  settle();
  assert_int_equal(f.target_end.finals, 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(started_then_ended),
      TEST(a_failure_before_is_the_starts),
      TEST(a_failure_after_is_the_targets),
      TEST(an_end_without_started),
      TEST(a_cancelled_starter_keeps_the_child),
      TEST(a_cancelled_starter_whose_child_succeeds),
      TEST(a_cancelled_starter_whose_child_fails),
      TEST(a_cancelled_target_reaches_the_child),
      TEST(started_into_a_cancelled_target),
      TEST(a_start_into_a_cancelled_target),
      TEST(after_the_move_only_the_target_counts),
      TEST(out_of_a_cancelled_scope_by_shield),
      TEST(cancelling_the_start),
      VIRTUAL_TEST(timeouts_of_both),
      TEST(the_starters_sibling_fails),
      TEST(limits),
      TEST(a_start_from_inside_the_target),
      TEST(a_chain_of_starts),
      TEST(misuse),
      TEST(an_external_child),
      VIRTUAL_TEST(the_error_of_a_timeout),
      TEST(left_open_by_a_child_that_has_finished),
      VIRTUAL_TEST(the_reason_of_one_that_waits_for_the_limit),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Deadlines: of scopes, tasks and groups. The numbers are those of CASES.md. */
#include "support/core.h"

#define SOON (10 * CRECHE_MILLISECOND)
#define LATE (3600 * CRECHE_SECOND)

/* 10 (1): a scope that is left in time was never cancelled. */
static void in_time(void** state) {
  creche_scope_options o = scope_options();
  creche_outcome outcome;
  creche_scope scope;
  (void)state;
  o.timeout = LATE;
  scope = scope_in(loop.scope, &o);
  OK(creche_scope_leave(scope, &outcome));
  assert_int_equal(outcome.status, CRECHE_OK);
  assert_int_equal(outcome.flags, 0);
  assert_int_equal(outcome.reason, CRECHE_REASON_NONE);
}

/* 10 (2), 15: the deadline passes while an operation waits. */
static void expired(uint32_t on_timeout, creche_status status) {
  seen s = {0};
  creche_scope_options o = scope_options();
  creche_outcome outcome;
  creche_scope scope;
  int64_t start = now();
  o.timeout = SOON;
  o.on_timeout = on_timeout;
  scope = scope_in(loop.scope, &o);
  op(scope, &s);
  until(&s.finals, 1);
  assert_true(now() - start >= SOON); /* 16: never early */
  assert_int_equal(s.status, CRECHE_E_CANCELLED);
  assert_int_equal(s.reason, CRECHE_REASON_DEADLINE);
  assert_int_equal(s.by.id, scope.id);
  assert_int_equal(state_of(scope).called, 1);
  OK(creche_scope_leave(scope, &outcome));
  assert_int_equal(outcome.status, status);
  assert_int_equal(outcome.flags, CRECHE_CAUGHT);
  assert_int_equal(outcome.reason, CRECHE_REASON_DEADLINE);
}
static void fail_after(void** state) {
  (void)state;
  expired(CRECHE_FAIL, CRECHE_E_TIMEOUT);
}
static void move_on_after(void** state) {
  (void)state;
  expired(CRECHE_MOVE_ON, CRECHE_OK);
}

/* 11: pulled from the future into the past. */
static void pulled_into_the_past(void** state) {
  seen s[3] = {{0}, {0}, {0}};
  creche_outcome outcome;
  creche_scope_options o = scope_options();
  creche_scope scope;
  (void)state;
  o.timeout = LATE;
  scope = scope_in(loop.scope, &o);
  op(scope, &s[0]);
  OK(creche_scope_set_deadline(scope, now() - 1));
  op(scope, &s[1]);
  settle();
  op(scope, &s[2]);
  settle();
  assert_int_equal(s[0].status, CRECHE_E_CANCELLED);
  assert_int_equal(s[1].status, CRECHE_E_CANCELLED);
  assert_int_equal(s[2].status, CRECHE_E_CANCELLED);
  OK(creche_scope_leave(scope, &outcome));
  assert_int_equal(outcome.status, CRECHE_E_TIMEOUT);
}

/* 4: a deadline in the past commits; moving it to the future does not take that back. */
static void never_uncancelled(void** state) {
  creche_scope scope = scope_in(loop.scope, NULL);
  (void)state;
  OK(creche_scope_set_deadline(scope, now() - 1));
  assert_int_equal(state_of(scope).called, 1);
  IS(creche_scope_set_deadline(scope, now() + LATE), CRECHE_E_CANCELLED);
  IS(creche_scope_set_timeout(scope, LATE), CRECHE_E_CANCELLED);
  assert_int_equal(state_of(scope).called, 1);
  OK(creche_scope_leave(scope, NULL));
}

/* 8, 9: what is refused; negative deadlines are legal, negative delays are not. */
static void validation(void** state) {
  seen s = {0};
  creche_scope_options o = scope_options();
  creche_task_options t = task_options();
  creche_scope scope = {1};
  (void)state;
  o.timeout = 1;
  o.deadline = 1;
  IS(creche_scope_open(loop.scope, &o, &scope), CRECHE_E_INVALID);
  assert_int_equal(scope.id, 0);
  last_error_says("both");
  o.deadline = CRECHE_NEVER;
  o.timeout = -1;
  IS(creche_scope_open(loop.scope, &o, &scope), CRECHE_E_INVALID);
  last_error_says("negative");
  o.timeout = CRECHE_NEVER;
  o.deadline = -1;
  OK(creche_scope_open(loop.scope, &o, &scope));
  assert_int_equal(state_of(scope).called, 1);
  assert_int_equal(state_of(scope).reason, CRECHE_REASON_DEADLINE);
  IS(creche_scope_set_timeout(scope, -1), CRECHE_E_INVALID);
  OK(creche_scope_leave(scope, NULL));
  IS(creche_sleep(loop.scope, -1, NULL, see, &s, NULL), CRECHE_E_INVALID);
  t.timeout = 1;
  t.deadline = 1;
  IS(creche_sleep(loop.scope, 0, &t, see, &s, NULL), CRECHE_E_INVALID);
  OK(creche_sleep_until(loop.scope, -1, NULL, see, &s, NULL)); /* a point in the past */
  until(&s.finals, 1);
  assert_int_equal(s.status, CRECHE_OK);
}

/* 12: a timeout counts from the call that sets it. */
static void timeouts_count_from_the_call(void** state) {
  creche_scope scope = scope_in(loop.scope, NULL);
  int64_t before = now(), deadline;
  (void)state;
  OK(creche_scope_set_timeout(scope, LATE));
  deadline = state_of(scope).deadline;
  assert_true(deadline >= before + LATE && deadline <= now() + LATE);
  OK(creche_scope_set_timeout(scope, CRECHE_NEVER));
  assert_true(state_of(scope).deadline == CRECHE_NEVER);
  OK(creche_scope_leave(scope, NULL));
}

/* 14: a deadline beats a sleep that ends at the same time. */
static void a_deadline_beats_a_sleep(void** state) {
  seen s = {0}, t = {0};
  creche_scope_options o = scope_options();
  creche_scope scope;
  int64_t point = now() + SOON;
  (void)state;
  o.deadline = point;
  scope = scope_in(loop.scope, &o);
  OK(creche_sleep_until(scope, point, NULL, see, &s, NULL));
  until(&s.finals, 1);
  assert_int_equal(s.status, CRECHE_E_CANCELLED);
  OK(creche_scope_leave(scope, NULL));
  o.deadline = now();
  scope = scope_in(loop.scope, &o);
  OK(creche_sleep(scope, 0, NULL, see, &t, NULL));
  until(&t.finals, 1);
  assert_int_equal(t.status, CRECHE_E_CANCELLED);
  OK(creche_scope_leave(scope, NULL));
}

/* 17: 4000 changes of a deadline. */
static void a_deadline_moves_often(void** state) {
  seen s = {0};
  creche_scope_options o = scope_options();
  creche_scope scope, other;
  int i;
  (void)state;
  o.timeout = SOON;
  scope = scope_in(loop.scope, NULL);
  other = scope_in(loop.scope, &o);
  op(other, &s);
  for (i = 0; i < 4000; i++)
    OK(creche_scope_set_deadline(scope, i % 2 ? CRECHE_NEVER : now() + LATE - i));
  until(&s.finals, 1); /* another one is not disturbed */
  assert_int_equal(state_of(scope).called, 0);
  OK(creche_scope_leave(scope, NULL));
  OK(creche_scope_leave(other, NULL));
}

/* 29: an explicit cancel of a fail-after scope is not a timeout. */
static void cancelled_is_not_timed_out(void** state) {
  seen s = {0}, t = {0};
  creche_scope_options o = scope_options();
  creche_task_options to = task_options();
  creche_outcome outcome;
  creche_scope scope;
  creche_task task;
  (void)state;
  o.timeout = to.timeout = LATE;
  scope = scope_in(loop.scope, &o);
  op(scope, &s);
  OK(creche_sleep_until(scope, CRECHE_NEVER, &to, see, &t, &task));
  OK(creche_scope_cancel(task.scope, NULL));
  OK(creche_scope_cancel(scope, NULL));
  settle();
  assert_int_equal(t.status, CRECHE_E_CANCELLED);
  assert_int_equal(t.reason, CRECHE_REASON_EXPLICIT);
  OK(creche_scope_leave(scope, &outcome));
  assert_int_equal(outcome.status, CRECHE_OK);
  assert_int_equal(outcome.flags, CRECHE_CAUGHT);
}

/* 30: extended in time: no cancellation; also after it has passed, before the loop has looked. */
static void extended_in_time(void** state) {
  seen s = {0}, t = {0};
  creche_scope_options o = scope_options();
  creche_scope scope;
  int64_t point;
  (void)state;
  o.timeout = SOON;
  scope = scope_in(loop.scope, &o);
  op(scope, &s);
  point = state_of(scope).deadline;
  while (now() < point) continue; /* the loop does not turn meanwhile */
  assert_int_equal(state_of(scope).called, 0);
  OK(creche_scope_set_timeout(scope, LATE));
  OK(creche_sleep(scope, 0, NULL, see, &t, NULL));
  until(&t.finals, 1);
  assert_int_equal(t.status, CRECHE_OK);
  assert_int_equal(s.finals, 0);
  OK(creche_scope_cancel(scope, NULL));
  settle();
  OK(creche_scope_leave(scope, NULL));
}

/* An outer and an inner deadline pass in one turn: the outer one catches. */
static void the_outer_deadline_catches(void** state) {
  seen s = {0};
  creche_scope_options o = scope_options();
  creche_outcome outcome;
  creche_scope outer, inner;
  (void)state;
  o.deadline = now() + SOON;
  outer = scope_in(loop.scope, &o);
  o.deadline -= CRECHE_MILLISECOND;
  inner = scope_in(outer, &o);
  op(inner, &s);
  while (now() < o.deadline + CRECHE_MILLISECOND) continue;
  until(&s.finals, 1);
  OK(creche_scope_leave(inner, &outcome));
  assert_int_equal(outcome.status, CRECHE_E_CANCELLED);
  OK(creche_scope_leave(outer, &outcome));
  assert_int_equal(outcome.status, CRECHE_E_TIMEOUT);
}

/* A task's own deadline: a failure that counts, or not with MOVE_ON. */
static void a_task_times_out(void** state) {
  seen g = {0}, s = {0}, sibling = {0}, g2 = {0}, s2 = {0};
  creche_task_options o = task_options();
  creche_group group = group_in(loop.scope, NULL, &g);
  (void)state;
  o.timeout = SOON;
  OK(creche_sleep_until(group.scope, CRECHE_NEVER, &o, see, &s, NULL));
  op(group.scope, &sibling);
  OK(creche_group_close(group));
  until(&g.finals, 1);
  assert_int_equal(s.status, CRECHE_E_TIMEOUT);
  assert_int_equal(s.error_status, CRECHE_E_TIMEOUT);
  assert_int_equal(s.flags, CRECHE_CAUGHT);
  assert_int_equal(s.reason, CRECHE_REASON_DEADLINE);
  assert_int_equal(sibling.status, CRECHE_E_CANCELLED);
  assert_int_equal(sibling.reason, CRECHE_REASON_SIBLING);
  assert_int_equal(sibling.by.id, s.task.scope.id);
  assert_int_equal(g.status, CRECHE_E_GROUP);
  assert_int_equal(g.children, 1);
  assert_int_equal(g.child[0], CRECHE_E_TIMEOUT);

  o.on_timeout = CRECHE_MOVE_ON;
  group = group_in(loop.scope, NULL, &g2);
  OK(creche_sleep_until(group.scope, CRECHE_NEVER, &o, see, &s2, NULL));
  OK(creche_group_close(group));
  until(&g2.finals, 1);
  assert_int_equal(s2.status, CRECHE_E_CANCELLED);
  assert_int_equal(s2.flags, CRECHE_CAUGHT);
  assert_int_equal(g2.status, CRECHE_OK);
  assert_int_equal(g2.flags, 0);
}

/* A group's own deadline. */
static void a_group_times_out(void** state) {
  seen g[3], s[3];
  const uint32_t policy[] = {CRECHE_FAIL_FAST, CRECHE_COLLECT, CRECHE_FAIL_FAST};
  creche_group_options o = group_options();
  int i;
  (void)state;
  memset(g, 0, sizeof g);
  memset(s, 0, sizeof s);
  o.timeout = SOON;
  for (i = 0; i < 3; i++) {
    creche_group group;
    o.policy = policy[i];
    o.on_timeout = i == 2 ? CRECHE_MOVE_ON : CRECHE_FAIL;
    group = group_in(loop.scope, &o, &g[i]);
    op(group.scope, &s[i]);
    OK(creche_group_close(group));
    until(&g[i].finals, 1);
    assert_int_equal(s[i].status, CRECHE_E_CANCELLED);
    assert_int_equal(g[i].status, i == 2 ? CRECHE_OK : CRECHE_E_TIMEOUT);
    assert_int_equal(g[i].flags, CRECHE_CAUGHT);
    assert_int_equal(g[i].has_error, i != 2);
  }
}

/* Waiting for a limit counts against a task's timeout. */
static void waiting_for_a_limit_counts(void** state) {
  seen g = {0}, first = {0}, second = {0};
  creche_group_options o = group_options();
  creche_task_options t = task_options();
  creche_group group;
  (void)state;
  o.limit = 1;
  o.policy = CRECHE_COLLECT;
  group = group_in(loop.scope, &o, &g);
  op(group.scope, &first);
  t.timeout = SOON;
  OK(creche_sleep(group.scope, 0, &t, see, &second, NULL));
  until(&second.finals, 1);
  assert_int_equal(second.status, CRECHE_E_TIMEOUT);
  assert_int_equal(first.finals, 0);
  OK(creche_scope_cancel(group.scope, NULL));
  OK(creche_group_close(group));
  settle();
  assert_int_equal(g.finals, 1);
}

/* A deadline of the loop itself. */
static void a_deadline_of_the_loop(void** state) {
  seen s = {0};
  (void)state;
  op(loop.scope, &s);
  OK(creche_scope_set_timeout(loop.scope, SOON));
  until(&s.finals, 1);
  assert_int_equal(s.status, CRECHE_E_CANCELLED);
  assert_int_equal(s.by.id, loop.scope.id);
  assert_int_equal(s.reason, CRECHE_REASON_DEADLINE);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(in_time),
      TEST(fail_after),
      TEST(move_on_after),
      TEST(pulled_into_the_past),
      TEST(never_uncancelled),
      TEST(validation),
      TEST(timeouts_count_from_the_call),
      TEST(a_deadline_beats_a_sleep),
      TEST(a_deadline_moves_often),
      TEST(cancelled_is_not_timed_out),
      TEST(extended_in_time),
      TEST(the_outer_deadline_catches),
      TEST(a_task_times_out),
      TEST(a_group_times_out),
      TEST(waiting_for_a_limit_counts),
      TEST(a_deadline_of_the_loop),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

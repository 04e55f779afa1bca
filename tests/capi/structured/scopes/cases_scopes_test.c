/* Scopes, shields and deadlines, with everything that can be in them. See CASES.md. */
#include "capi/structured/kinds.h"

static int open_all(void** state) {
  if (open_loop(state) != 0) return -1;
  open_mute();
  return 0;
}
static int close_all(void** state) {
  close_mute();
  return close_loop(state);
}
#define TEST_ALL(name) cmocka_unit_test_setup_teardown(name, open_all, close_all)
#define LATE (3600 * CRECHE_SECOND)

static void expect_caught(creche_scope scope) {
  creche_outcome outcome;
  OK(creche_scope_leave(scope, &outcome));
  assert_int_equal(outcome.status, CRECHE_OK);
  assert_int_equal(outcome.flags, CRECHE_CAUGHT);
  assert_int_equal(outcome.reason, CRECHE_REASON_EXPLICIT);
}
static void expect_untouched(creche_scope scope) {
  creche_outcome outcome;
  OK(creche_scope_leave(scope, &outcome));
  assert_int_equal(outcome.status, CRECHE_OK);
  assert_int_equal(outcome.flags, 0);
}

/* A scope that was cancelled before anything was in it cancels whatever is started in it, never
 * inside the call, and catches it. */
static void whatever_starts_in_a_cancelled_scope(void** state) {
  leaf l[KINDS];
  creche_scope scope = scope_in(loop.scope, NULL);
  int k;
  (void)state;
  OK(creche_scope_cancel(scope, "before"));
  for (k = 0; k < KINDS; k++) {
    start_kind(&l[k], (kind)k, scope, NULL);
    assert_int_equal(l[k].s.finals + l[k].inner.finals, 0);
  }
  for (k = 0; k < KINDS; k++) passed_through(&l[k], CRECHE_REASON_EXPLICIT, "before", scope);
  assert_int_equal(l[USER].s.begins, 1); /* so that they can clean up */
  assert_int_equal(l[EXTERNAL].s.begins, 1);
  assert_int_equal(atomic_load(&l[OFFLOAD].running), 0); /* never ran */
  expect_caught(scope);
}

/* Whatever waits in a scope when it is cancelled is stopped. */
static void whatever_waits_in_a_scope(void** state) {
  leaf l[KINDS];
  creche_scope scope = scope_in(loop.scope, NULL);
  int k;
  (void)state;
  for (k = 0; k < KINDS; k++) start_kind(&l[k], (kind)k, scope, NULL);
  at_work(l, KINDS);
  OK(creche_scope_cancel(scope, "now"));
  OK(creche_scope_cancel(scope, "again"));
  for (k = 0; k < KINDS; k++) passed_through(&l[k], CRECHE_REASON_EXPLICIT, "now", scope);
  assert_int_equal(l[USER].s.cancels, 1);
  assert_int_equal(l[EXTERNAL].s.cancels, 1);
  expect_caught(scope);
}

/* Cancelled alone, it catches that itself; nobody else notices, and it is no failure. */
static void cancelled_alone(void** state) {
  seen g = {0}, sibling = {0};
  leaf l[KINDS];
  creche_group group = group_in(loop.scope, NULL, &g);
  int k;
  (void)state;
  op(group.scope, &sibling);
  for (k = 0; k < KINDS; k++) start_kind(&l[k], (kind)k, group.scope, NULL);
  at_work(l, KINDS);
  for (k = 0; k < KINDS; k++) {
    OK(creche_scope_cancel(l[k].scope, "alone"));
    until(&l[k].s.finals, 1);
    assert_int_equal(l[k].s.status, k == GROUP ? CRECHE_OK : CRECHE_E_CANCELLED);
    assert_int_equal(l[k].s.flags, k == IN_SCOPE ? CRECHE_PASSING : CRECHE_CAUGHT);
    leave_kind(&l[k], CRECHE_CAUGHT);
  }
  assert_int_equal(sibling.finals, 0);
  assert_int_equal(state_of(group.scope).reached, 0);
  OK(creche_group_close(group));
  OK(creche_scope_cancel(group.scope, NULL));
  settle();
  assert_int_equal(g.status, CRECHE_OK);
  assert_int_equal(g.flags, CRECHE_CAUGHT);
}

/* A shield that goes up after a cancellation does not recall it: not for what was at work... */
static void a_late_shield_on_what_works(void** state) {
  leaf l[KINDS];
  creche_scope scope = scope_in(loop.scope, NULL);
  int k;
  (void)state;
  for (k = 0; k < KINDS; k++) start_kind(&l[k], (kind)k, scope, NULL);
  at_work(l, KINDS);
  OK(creche_scope_cancel(scope, "too late"));
  for (k = 0; k < KINDS; k++)
    if (creche_scope_set_shield(l[k].scope, 1) != CRECHE_OK)
      assert_true(k == SLEEP || k == OFFLOAD); /* may have ended already */
  for (k = 0; k < KINDS; k++) passed_through(&l[k], CRECHE_REASON_EXPLICIT, "too late", scope);
  expect_caught(scope);
}

/* ... nor for what the loop had not started yet when the cancellation came. A user task that had
 * not begun yet begins behind its shield, and is not cancelled. */
static void a_late_shield_on_what_was_to_start(void** state) {
  static const kind tried[] = {SLEEP, OPERATION, OFFLOAD, GROUP, IN_SCOPE};
  leaf l[KINDS], user;
  creche_scope scope = scope_in(loop.scope, NULL), shield = scope_in(scope, NULL);
  size_t i;
  (void)state;
  for (i = 0; i < sizeof tried / sizeof *tried; i++) start_kind(&l[i], tried[i], shield, NULL);
  start_kind(&user, USER, shield, NULL);
  OK(creche_scope_cancel(scope, "too late"));
  OK(creche_scope_set_shield(shield, 1));
  for (i = 0; i < sizeof tried / sizeof *tried; i++)
    passed_through(&l[i], CRECHE_REASON_EXPLICIT, "too late", scope);
  settle();
  assert_int_equal(user.s.begins, 1);
  assert_int_equal(user.s.cancels, 0);
  OK(creche_task_finish(user.s.task, CRECHE_OK, 0, NULL));
  settle();
  {
    creche_outcome outcome;
    OK(creche_scope_leave(shield, &outcome));
    assert_int_equal(outcome.flags, CRECHE_PASSING);
    assert_int_equal(outcome.reason, CRECHE_REASON_EXPLICIT);
  }
  expect_caught(scope);
}

/* What was born cancelled stays so, though a shield goes up before the loop has looked. */
static void a_late_shield_on_the_born_cancelled(void** state) {
  static const kind tried[] = {SLEEP, OPERATION, OFFLOAD, GROUP, IN_SCOPE};
  leaf l[KINDS];
  creche_scope scope = scope_in(loop.scope, NULL), shield = scope_in(scope, NULL);
  size_t i;
  (void)state;
  OK(creche_scope_cancel(scope, "early"));
  for (i = 0; i < sizeof tried / sizeof *tried; i++) start_kind(&l[i], tried[i], shield, NULL);
  OK(creche_scope_set_shield(shield, 1));
  for (i = 0; i < sizeof tried / sizeof *tried; i++)
    passed_through(&l[i], CRECHE_REASON_EXPLICIT, "early", scope);
  OK(creche_scope_leave(shield, NULL));
  expect_caught(scope);
}

/* Shielded from the start, nothing comes in; when the shield drops it does, at once; by then
 * another reason counts than the one from before. */
static void shielded_from_the_start(void** state) {
  leaf l[KINDS];
  creche_task_options o = task_options();
  creche_scope outer = scope_in(loop.scope, NULL), scope = scope_in(outer, NULL);
  int k;
  (void)state;
  o.shield = 1;
  for (k = 0; k < KINDS; k++) start_kind(&l[k], (kind)k, scope, &o);
  OK(creche_scope_cancel(scope, "behind the shield"));
  at_work(l, KINDS);
  for (k = 0; k < KINDS; k++) {
    assert_int_equal(l[k].s.finals + l[k].inner.finals + l[k].s.cancels, 0);
    assert_int_equal(state_of(l[k].scope).effective, 0);
    assert_int_equal(state_of(l[k].scope).reason, CRECHE_REASON_NONE);
    assert_true(state_of(l[k].scope).effective_deadline == CRECHE_NEVER);
  }
  for (k = 0; k < KINDS; k++) {
    OK(creche_scope_set_shield(l[k].scope, 0));
    passed_through(&l[k], CRECHE_REASON_EXPLICIT, "behind the shield", scope);
  }
  expect_caught(scope);
  expect_untouched(outer);
}

/* A pending cancellation is delivered right after the innermost shield was left: to the next
 * operation there, and to a task of which the shield was a part. */
static void delivered_after_the_shield(void** state) {
  seen s[3], t = {0};
  creche_scope_options o = scope_options();
  creche_scope outer = scope_in(loop.scope, NULL), middle, inner;
  creche_task task;
  (void)state;
  memset(s, 0, sizeof s);
  o.shield = 1;
  middle = scope_in(outer, NULL);
  inner = scope_in(middle, &o);
  OK(creche_scope_cancel(outer, NULL));
  OK(creche_sleep(inner, 0, NULL, see, &s[0], NULL));
  until(&s[0].finals, 1);
  assert_int_equal(s[0].status, CRECHE_OK);
  expect_untouched(inner);
  op(middle, &s[1]);
  settle();
  assert_int_equal(s[1].status, CRECHE_E_CANCELLED);
  OK(creche_scope_leave(middle, NULL));
  OK(creche_scope_leave(outer, NULL));

  outer = scope_in(loop.scope, NULL);
  task = spawn(outer, body_waits, &t);
  settle();
  inner = scope_in(task.scope, &o);
  op(inner, &s[2]);
  OK(creche_scope_cancel(outer, NULL));
  settle();
  assert_int_equal(t.cancels, 1);
  assert_int_equal(s[2].finals, 0);
  OK(creche_scope_cancel(inner, NULL)); /* its own still works */
  settle();
  expect_caught(inner);
  OK(creche_task_finish(task, CRECHE_E_CANCELLED, 0, NULL));
  settle();
  assert_int_equal(t.flags, CRECHE_PASSING);
  expect_caught(outer);
}

/* Work that cannot be cancelled and ends well in a cancelled scope: nothing was caught. */
typedef struct gate {
  atomic_int open, running;
} gate;
static creche_status waits_at_gate(void* arg, creche_task task, uint64_t* value) {
  gate* g = arg;
  (void)task;
  atomic_store(&g->running, 1);
  while (!atomic_load(&g->open)) sched_yield();
  *value = 5;
  return CRECHE_OK;
}
static void what_cannot_be_cancelled(void** state) {
  seen s = {0}, next = {0};
  gate g = {0};
  creche_scope outer = scope_in(loop.scope, NULL), scope = scope_in(outer, NULL);
  (void)state;
  OK(creche_offload(scope, waits_at_gate, &g, NULL, see, &s, NULL));
  while (!atomic_load(&g.running)) creche_loop_poll(loop, 0);
  OK(creche_scope_cancel(scope, NULL));
  settle();
  assert_int_equal(s.finals, 0); /* refused */
  atomic_store(&g.open, 1);
  until(&s.finals, 1);
  assert_int_equal(s.status, CRECHE_OK);
  assert_int_equal(s.value, 5);
  expect_untouched(scope);
  expect_untouched(outer);

  scope = scope_in(loop.scope, NULL);
  memset(&s, 0, sizeof s);
  atomic_store(&g.running, 0);
  OK(creche_offload(scope, waits_at_gate, &g, NULL, see, &s, NULL));
  while (!atomic_load(&g.running)) creche_loop_poll(loop, 0);
  OK(creche_scope_cancel(scope, NULL));
  until(&s.finals, 1);
  op(scope, &next); /* the next one is cancelled */
  settle();
  assert_int_equal(s.status, CRECHE_OK);
  assert_int_equal(next.status, CRECHE_E_CANCELLED);
  expect_caught(scope);
}

/* A clean-up that takes its time: cancelled by two scopes it is told once; a shield that goes up
 * meanwhile changes nothing; who catches is decided at the end; the next step is not cancelled. */
static void a_slow_clean_up(void** state) {
  seen s = {0}, next = {0};
  creche_scope outer = scope_in(loop.scope, NULL), inner = scope_in(outer, NULL);
  creche_task task = spawn(inner, body_waits, &s);
  creche_outcome outcome;
  (void)state;
  settle();
  OK(creche_scope_cancel(inner, "inner"));
  OK(creche_scope_cancel(outer, "outer"));
  settle();
  assert_int_equal(s.cancels, 1);
  OK(creche_scope_set_shield(inner, 1));
  settle();
  assert_int_equal(s.cancels, 1);
  OK(creche_task_finish(task, CRECHE_E_CANCELLED, 0, NULL));
  settle();
  assert_int_equal(s.status, CRECHE_E_CANCELLED);
  assert_string_equal(s.text, "inner");
  OK(creche_scope_leave(inner, &outcome));
  assert_int_equal(outcome.flags, CRECHE_CAUGHT); /* the outer one is not visible to it */
  assert_int_equal(state_of(outer).reached, 0);
  expect_untouched(outer);
  task = op(loop.scope, &next);
  settle();
  assert_int_equal(next.finals, 0);
  OK(creche_scope_cancel(task.scope, NULL));
  settle();
}

/* What was committed in one turn stays, though the first to be told cancels all the others. */
typedef struct killer {
  seen s;
  creche_scope scope;
} killer;
static void cancel_all(void* user, const creche_completion* c) {
  killer* k = user;
  note(&k->s, c);
  creche_scope_cancel(k->scope, "too late");
}
static void committed_in_one_turn(void** state) {
  killer k;
  seen g = {0}, s[2] = {{0}, {0}}, t = {0}, late = {0};
  creche_scope scope = scope_in(loop.scope, NULL);
  creche_group group;
  int64_t point = now() + CRECHE_MILLISECOND;
  (void)state;
  memset(&k, 0, sizeof k);
  k.scope = scope;
  OK(creche_sleep_until(scope, point, NULL, cancel_all, &k, NULL));
  OK(creche_sleep_until(scope, point, NULL, see, &s[0], NULL));
  group = group_in(scope, NULL, &g);
  OK(creche_sleep_until(group.scope, point, NULL, see, &s[1], NULL));
  OK(creche_group_close(group));
  spawn(scope, body_waits, &t);
  settle();
  OK(creche_task_finish(t.task, CRECHE_OK, 0, NULL)); /* committed, not told yet */
  while (now() < point) continue;
  until(&g.finals, 1);
  assert_int_equal(k.s.status, CRECHE_OK);
  assert_int_equal(s[0].status, CRECHE_OK);
  assert_int_equal(s[1].status, CRECHE_OK);
  assert_int_equal(t.status, CRECHE_OK);
  assert_int_equal(g.status, CRECHE_OK);
  assert_int_equal(g.flags, 0);
  assert_int_equal(state_of(scope).reached, 0);
  op(scope, &late);
  settle();
  assert_int_equal(late.status, CRECHE_E_CANCELLED);
  expect_caught(scope);
}

/* A task that finishes before the loop has looked at a deadline that has passed has finished. */
static void a_finish_beats_a_deadline(void** state) {
  seen s = {0};
  creche_task task = spawn(loop.scope, body_waits, &s);
  int64_t deadline;
  (void)state;
  settle();
  deadline = now() + 10 * CRECHE_MILLISECOND;
  OK(creche_scope_set_deadline(task.scope, deadline));
  while (now() < deadline) continue;
  assert_int_equal(state_of(task.scope).called, 0); /* a look changes nothing */
  OK(creche_task_finish(task, CRECHE_OK, 3, NULL));
  settle();
  assert_int_equal(s.status, CRECHE_OK);
  assert_int_equal(s.value, 3);
  assert_int_equal(s.cancels, 0);
}

/* A deadline that has passed already when it is opened, and one that is set later. */
static void deadlines_say_so(void** state) {
  leaf l[KINDS];
  creche_task_options o = task_options();
  int round, k;
  (void)state;
  for (round = 0; round < 2; round++) {
    o.deadline = round == 0 ? now() - 1 : CRECHE_NEVER;
    for (k = 0; k < KINDS; k++) start_kind(&l[k], (kind)k, loop.scope, &o);
    if (round == 1) {
      at_work(l, KINDS);
      for (k = 0; k < KINDS; k++) OK(creche_scope_set_deadline(l[k].scope, -5));
    }
    for (k = 0; k < KINDS; k++) {
      creche_outcome outcome;
      until(&l[k].s.finals, 1);
      assert_int_equal(l[k].s.reason, CRECHE_REASON_DEADLINE);
      assert_int_equal(l[k].s.by.id, l[k].scope.id);
      if (k == IN_SCOPE) {
        assert_int_equal(l[k].s.status, CRECHE_E_CANCELLED);
        OK(creche_scope_leave(l[k].around, &outcome));
        assert_int_equal(outcome.status, CRECHE_E_TIMEOUT);
        assert_int_equal(outcome.reason, CRECHE_REASON_DEADLINE);
      } else {
        assert_int_equal(l[k].s.status, CRECHE_E_TIMEOUT);
        assert_int_equal(l[k].s.flags, CRECHE_CAUGHT);
      }
    }
  }
}

/* An explicit cancel of what has a deadline is no timeout, whatever it is. */
static void cancelled_before_its_deadline(void** state) {
  leaf l[KINDS];
  creche_task_options o = task_options();
  int k;
  (void)state;
  o.timeout = LATE;
  for (k = 0; k < KINDS; k++) start_kind(&l[k], (kind)k, loop.scope, &o);
  at_work(l, KINDS);
  for (k = 0; k < KINDS; k++) {
    OK(creche_scope_cancel(l[k].scope, NULL));
    until(&l[k].s.finals, 1);
    assert_int_equal(l[k].s.status, k == GROUP ? CRECHE_OK : CRECHE_E_CANCELLED);
    leave_kind(&l[k], CRECHE_CAUGHT);
  }
}

/* Cancelled from outside first, then past a deadline of its own, then shielded from outside: it
 * catches as a timeout, and says so. */
static void a_timeout_names_the_deadline(void** state) {
  seen s = {0};
  creche_scope outer = scope_in(loop.scope, NULL);
  creche_task task = spawn(outer, body_waits, &s);
  (void)state;
  settle();
  OK(creche_scope_cancel(outer, "from outside"));
  OK(creche_scope_set_deadline(task.scope, 1));
  OK(creche_scope_set_shield(task.scope, 1));
  OK(creche_task_finish(task, CRECHE_E_CANCELLED, 0, NULL));
  settle();
  assert_int_equal(s.status, CRECHE_E_TIMEOUT);
  assert_int_equal(s.reason, CRECHE_REASON_DEADLINE);
  assert_int_equal(s.by.id, task.scope.id);
  expect_untouched(outer);
}

/* Never early, whatever the duration. */
static void never_early(void** state) {
  static const int64_t durations[] = {0,       1,       999,     1000,    1001,   999999,
                                      1000000, 1000001, 1499999, 1500000, 2000001};
  size_t i;
  (void)state;
  for (i = 0; i < sizeof durations / sizeof *durations; i++) {
    seen s = {0}, d = {0};
    creche_task_options o = task_options();
    int64_t start = now();
    OK(creche_sleep(loop.scope, durations[i], NULL, see, &s, NULL));
    while (s.finals == 0) creche_loop_poll(loop, CRECHE_NEVER);
    assert_true(now() - start >= durations[i]);
    start = now();
    o.timeout = durations[i];
    OK(creche_sleep_until(loop.scope, CRECHE_NEVER, &o, see, &d, NULL));
    while (d.finals == 0) creche_loop_poll(loop, CRECHE_NEVER);
    assert_true(now() - start >= durations[i]);
    assert_int_equal(d.status, CRECHE_E_TIMEOUT);
  }
}

/* The last operation's callback may leave its scope and those around it, also when the innermost
 * was to be left by itself. */
typedef struct leaver {
  creche_scope outer;
  creche_status left;
  creche_outcome outcome;
  int calls;
} leaver;
static void leave_outer(void* user, const creche_completion* c) {
  leaver* l = user;
  (void)c;
  l->left = creche_scope_leave(l->outer, &l->outcome);
  l->calls++;
}
static void leaving_from_the_inside(void** state) {
  leaver l = {{0}, 99, {99, 0, 0, 0}, 0};
  creche_scope middle, inner;
  (void)state;
  l.outer = scope_in(loop.scope, NULL);
  middle = scope_in(l.outer, NULL);
  inner = scope_in(middle, NULL);
  OK(creche_sleep(inner, 0, NULL, leave_outer, &l, NULL));
  OK(creche_scope_leave(middle, NULL));
  OK(creche_scope_leave(inner, NULL));
  OK(creche_scope_cancel(l.outer, NULL));
  until(&l.calls, 1);
  assert_int_equal(l.left, CRECHE_OK);
  assert_int_equal(l.outcome.flags, CRECHE_CAUGHT);
}

/* Who is shielded in a cancelled group was not asked to stop, so it does not stall; once it is
 * asked, it has its grace. */
static void a_shielded_task_does_not_stall(void** state) {
  seen g = {0}, shielded = {0}, lazy = {0};
  creche_group_options o = group_options();
  creche_task_options t = task_options();
  creche_group group;
  creche_task task;
  (void)state;
  o.grace = CRECHE_MILLISECOND;
  t.shield = 1;
  group = group_in(loop.scope, &o, &g);
  OK(creche_task_spawn(group.scope, body_waits, &shielded, &t, see, &shielded, &task));
  spawn(group.scope, body_waits, &lazy);
  OK(creche_group_close(group));
  settle();
  OK(creche_scope_cancel(group.scope, NULL));
  until(&lazy.stalls, 1);
  settle();
  assert_int_equal(shielded.stalls, 0);
  OK(creche_task_finish(lazy.task, CRECHE_OK, 0, NULL));
  OK(creche_scope_set_shield(task.scope, 0));
  until(&shielded.stalls, 1);
  assert_int_equal(shielded.cancels, 1);
  OK(creche_task_finish(task, CRECHE_OK, 0, NULL));
  settle();
  assert_int_equal(g.finals, 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST_ALL(whatever_starts_in_a_cancelled_scope),
      TEST_ALL(whatever_waits_in_a_scope),
      TEST_ALL(cancelled_alone),
      TEST_ALL(a_late_shield_on_what_works),
      TEST_ALL(a_late_shield_on_what_was_to_start),
      TEST_ALL(a_late_shield_on_the_born_cancelled),
      TEST_ALL(shielded_from_the_start),
      TEST(delivered_after_the_shield),
      TEST(what_cannot_be_cancelled),
      TEST(a_slow_clean_up),
      TEST(committed_in_one_turn),
      TEST(a_finish_beats_a_deadline),
      TEST_ALL(deadlines_say_so),
      TEST_ALL(cancelled_before_its_deadline),
      TEST(a_timeout_names_the_deadline),
      TEST(never_early),
      TEST(leaving_from_the_inside),
      TEST(a_shielded_task_does_not_stall),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The same rules on every route: a callback, a queue, the group's result, nobody; and under every
 * policy. See CASES.md. */
#include "capi/structured/kinds.h"

enum { CALLBACK, QUEUE, TO_GROUP, NOBODY, ROUTES };

static int open_all(void** state) {
  if (open_loop(state) != 0) return -1;
  open_mute();
  return creche_queue_open(loop, NULL, &queue) == CRECHE_OK ? 0 : -1;
}
static int close_all(void** state) {
  creche_queue_release(queue);
  close_mute();
  return close_loop(state);
}
#define TEST_ALL(name) cmocka_unit_test_setup_teardown(name, open_all, close_all)

/* Starts one that obeys; of its kinds only those that go to every route. */
static creche_task start_routed(kind k, int route, creche_scope in, seen* body, seen* s) {
  const creche_done_fn done = route == CALLBACK   ? see
                              : route == QUEUE    ? NULL
                              : route == TO_GROUP ? creche_to_group
                                                  : creche_nobody;
  creche_task_options o = task_options();
  creche_request_options r;
  creche_task task;
  o.queue = queue;
  switch (k) {
    case SLEEP:
      OK(creche_sleep_until(in, CRECHE_NEVER, &o, done, s, &task));
      break;
    case OPERATION:
      OK(creche_request_options_init(&r, sizeof r));
      r.task = &o;
      OK(creche_session_fetch(web, in, mute_url, &r, done, s, &task));
      break;
    default:
      OK(creche_task_spawn(in, body_obeys, body, &o, done, s, &task));
  }
  return task;
}

/* Takes from the queue until `wanted` final completions have come. */
static void drain(int wanted) {
  while (wanted > 0) {
    creche_completion c[8];
    size_t n = 0, i;
    OK(creche_queue_drain(queue, c, 8, &n));
    for (i = 0; i < n; i++) {
      note(c[i].user, &c[i]);
      if (!(c[i].flags & CRECHE_MORE)) wanted--;
    }
    creche_completions_release(c, n);
    if (n == 0) creche_loop_poll(loop, PATIENCE);
  }
}

/* A cancellation counts wherever its completion goes: the scope catches it, and the group does. */
static void cancellations_on_every_route(void** state) {
  static const kind tried[] = {SLEEP, OPERATION, USER};
  int route, i, of_scope;
  (void)state;
  for (route = 0; route < ROUTES; route++)
    for (of_scope = 0; of_scope < 2; of_scope++) {
      seen g = {0}, s[3], body = {0};
      creche_outcome outcome;
      creche_group group = group_in(loop.scope, NULL, &g);
      creche_scope scope = scope_in(group.scope, NULL);
      memset(s, 0, sizeof s);
      for (i = 0; i < 3; i++) start_routed(tried[i], route, scope, &body, &s[i]);
      OK(creche_group_close(group));
      settle();
      OK(creche_scope_cancel(of_scope ? scope : group.scope, "here"));
      if (route == QUEUE) drain(3);
      while (state_of(scope).live > 0) creche_loop_poll(loop, PATIENCE);
      settle();
      for (i = 0; i < 3; i++) {
        assert_int_equal(s[i].finals, route == CALLBACK || route == QUEUE);
        if (s[i].finals == 0) continue;
        assert_int_equal(s[i].status, CRECHE_E_CANCELLED);
        assert_string_equal(s[i].text, "here");
      }
      assert_int_equal(body.cancels, 1);
      OK(creche_scope_leave(scope, &outcome));
      assert_int_equal(outcome.status, of_scope ? CRECHE_OK : CRECHE_E_CANCELLED);
      assert_int_equal(outcome.flags, of_scope ? CRECHE_CAUGHT : CRECHE_PASSING);
      settle();
      assert_int_equal(g.status, CRECHE_OK);
      assert_int_equal(g.flags, of_scope ? 0 : CRECHE_CAUGHT);
      assert_int_equal(g.value, route == TO_GROUP ? 3 : 0);
    }
}

/* A failure counts wherever its completion goes. */
static void failures_on_every_route(void** state) {
  int route;
  (void)state;
  for (route = 0; route < ROUTES; route++) {
    seen g = {0}, s = {0}, sibling = {0}, ignored = {0};
    creche_group group = group_in(loop.scope, NULL, &g);
    creche_task task = start_routed(USER, route, group.scope, &ignored, &s);
    op(group.scope, &sibling);
    OK(creche_group_close(group));
    settle();
    OK(creche_task_finish(task, -1000, 0, NULL));
    if (route == QUEUE) drain(1);
    settle();
    assert_int_equal(sibling.reason, CRECHE_REASON_SIBLING);
    assert_int_equal(sibling.by.id, task.scope.id);
    assert_int_equal(g.status, CRECHE_E_GROUP);
    assert_int_equal(g.children, 1);
    assert_int_equal(g.child[0], -1000);
  }
}

/* A step's failure is its task's only if nobody is told. */
static void failed_steps_on_every_route(void** state) {
  int route;
  (void)state;
  for (route = 0; route < ROUTES; route++) {
    seen t = {0}, s = {0}, ignored = {0};
    creche_task task, step;
    if (route == TO_GROUP) continue; /* a task gathers nothing: CRECHE_E_INVALID */
    task = spawn(loop.scope, body_waits, &t);
    settle();
    step = start_routed(USER, route, task.scope, &ignored, &s);
    settle();
    OK(creche_task_finish(step, -1000, 0, NULL));
    if (route == QUEUE) drain(1);
    settle();
    assert_int_equal(t.cancels, route == NOBODY);
    OK(creche_task_finish(task, CRECHE_OK, 0, NULL));
    settle();
    assert_int_equal(t.status, route == NOBODY ? -1000 : CRECHE_OK);
  }
}

/* A group's own outcome on every route: told there, and counted in the group around it. */
static void outcomes_on_every_route(void** state) {
  int route;
  (void)state;
  for (route = 0; route < ROUTES; route++) {
    seen outer_seen = {0}, s = {0}, f = {0};
    creche_group_options o = group_options();
    creche_group outer = group_in(loop.scope, NULL, &outer_seen), group;
    o.queue = queue;
    OK(creche_group_open(outer.scope, &o,
                         route == CALLBACK   ? see
                         : route == QUEUE    ? NULL
                         : route == TO_GROUP ? creche_to_group
                                             : creche_nobody,
                         &s, &group));
    spawn(group.scope, body_fails, &f);
    OK(creche_group_close(group));
    OK(creche_group_close(outer));
    if (route == QUEUE) drain(1);
    settle();
    if (route == CALLBACK || route == QUEUE) {
      assert_int_equal(s.status, CRECHE_E_GROUP);
      assert_int_equal(s.child[0], CRECHE_E_USER);
    }
    assert_int_equal(outer_seen.status, CRECHE_E_GROUP);
    assert_int_equal(outer_seen.child[0], CRECHE_E_GROUP);
    assert_int_equal(outer_seen.value, route == TO_GROUP ? 1 : 0);
  }
}

/* ---- Policies ---- */
static creche_group_options policy(uint32_t which) {
  creche_group_options o = group_options();
  o.policy = which;
  return o;
}

/* A cancellation from outside passes through a group of any policy, with or without a failure. */
static void cancelled_under_every_policy(void** state) {
  static const uint32_t policies[] = {CRECHE_FAIL_FAST, CRECHE_COLLECT, CRECHE_RACE};
  int p, fails;
  (void)state;
  for (p = 0; p < 3; p++)
    for (fails = 0; fails < 2; fails++) {
      seen g = {0}, s = {0}, c = {0};
      creche_group_options o = policy(policies[p]);
      creche_outcome outcome;
      creche_scope scope = scope_in(loop.scope, NULL);
      creche_group group = group_in(scope, &o, &g);
      creche_task task = spawn(group.scope, body_waits, &s);
      op(group.scope, &c);
      OK(creche_group_close(group));
      settle();
      OK(creche_scope_cancel(scope, "outside"));
      OK(creche_task_finish(task, fails ? -1000 : CRECHE_E_CANCELLED, 0, NULL));
      settle();
      assert_int_equal(c.status, CRECHE_E_CANCELLED);
      assert_int_equal(c.reason, CRECHE_REASON_EXPLICIT);
      assert_int_equal(
          g.status, fails && policies[p] != CRECHE_COLLECT ? CRECHE_E_GROUP : CRECHE_E_CANCELLED);
      assert_int_equal(g.flags, CRECHE_PASSING);
      assert_int_equal(g.reason, CRECHE_REASON_EXPLICIT);
      OK(creche_scope_leave(scope, &outcome));
      assert_int_equal(outcome.flags, CRECHE_CAUGHT);
    }
}

/* A race: errors before the winner are forgotten, those of losers that unwind too; a winner in a
 * bare scope or a group in the race wins as well; what starts after the end of the race is
 * cancelled. */
static void every_kind_of_winner(void** state) {
  int which;
  (void)state;
  for (which = 0; which < 4; which++) {
    seen g = {0}, first = {0}, loser = {0}, won = {0}, inner_seen = {0}, late = {0};
    creche_group_options o = policy(CRECHE_RACE);
    creche_group group = group_in(loop.scope, &o, &g), inner;
    creche_scope section;
    creche_scope winner = {0};
    spawn(group.scope, body_fails, &first);
    spawn(group.scope, body_waits, &loser);
    settle();
    assert_int_equal(loser.cancels, 0);
    switch (which) {
      case 0: {
        creche_task task;
        OK(creche_sleep(group.scope, 0, NULL, see, &won, &task));
        winner = task.scope;
        until(&won.finals, 1);
        break;
      }
      case 1:
        section = scope_in(group.scope, NULL);
        winner = spawn(section, body_succeeds, &won).scope;
        until(&won.finals, 1);
        OK(creche_scope_leave(section, NULL));
        break;
      case 2:
        inner = group_in(group.scope, NULL, &won);
        spawn(inner.scope, body_succeeds, &inner_seen);
        OK(creche_group_close(inner));
        winner = inner.scope;
        until(&won.finals, 1);
        break;
      default: {
        creche_task task;
        OK(creche_task_open(group.scope, NULL, see, &won, &task));
        settle();
        OK(creche_task_finish(task, CRECHE_OK, 0, NULL));
        winner = task.scope;
        until(&won.finals, 1);
      }
    }
    settle();
    assert_int_equal(loser.cancels, 1);
    op(group.scope, &late);
    settle();
    assert_int_equal(late.status, CRECHE_E_CANCELLED);
    assert_int_equal(late.reason, CRECHE_REASON_RACE);
    assert_int_equal(late.by.id, winner.id);
    OK(creche_group_close(group));
    OK(creche_task_finish(loser.task, -1001, 0, NULL));
    settle();
    assert_int_equal(g.status, CRECHE_OK);
    assert_int_equal(g.flags, CRECHE_CAUGHT);
  }
}

/* A race that nobody wins because all were cancelled has no errors. */
static void a_race_that_was_called_off(void** state) {
  seen g = {0}, s[2] = {{0}, {0}};
  creche_group_options o = policy(CRECHE_RACE);
  creche_group group = group_in(loop.scope, &o, &g);
  creche_task a = op(group.scope, &s[0]), b = op(group.scope, &s[1]);
  (void)state;
  OK(creche_group_close(group));
  OK(creche_scope_cancel(a.scope, NULL));
  settle();
  assert_int_equal(s[1].finals, 0); /* nobody has won */
  OK(creche_scope_cancel(b.scope, NULL));
  settle();
  assert_int_equal(g.status, CRECHE_OK);
  assert_int_equal(g.flags, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST_ALL(cancellations_on_every_route), TEST_ALL(failures_on_every_route),
      TEST_ALL(failed_steps_on_every_route),  TEST_ALL(outcomes_on_every_route),
      TEST(cancelled_under_every_policy),     TEST(every_kind_of_winner),
      TEST(a_race_that_was_called_off),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

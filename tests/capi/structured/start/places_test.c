/* Places of a group's limit, and of its race: who has one without having waited for it. */
#include "starts.h"

/* The child of a start does not wait for a place of its group, but takes one. */
static void a_moved_child_takes_a_place(void** state) {
  creche_group_options o = group_options();
  seen g = {0}, first = {0}, second = {0}, third = {0};
  fixture f;
  creche_task one;
  (void)state;
  memset(&f, 0, sizeof f);
  o.limit = 2;
  f.target = group_in(loop.scope, &o, &g);
  one = spawn(f.target.scope, body_waits, &first);
  start_in(&f, loop.scope);
  OK(creche_task_started(f.child.task, 0));
  spawn(f.target.scope, body_succeeds, &second);
  settle();
  assert_int_equal(second.begins, 0); /* two places are taken */
  OK(creche_task_finish(one, CRECHE_OK, 0, NULL));
  settle();
  assert_int_equal(second.finals, 1); /* one of them is free */
  OK(creche_task_finish(f.child.task, CRECHE_OK, 0, NULL));
  spawn(f.target.scope, body_succeeds, &third);
  OK(creche_group_close(f.target));
  until(&g.finals, 1);
  assert_int_equal(third.finals, 1);
  assert_int_equal(g.status, CRECHE_OK);
}
/* Where none is free, one more than the limit live, and nobody comes until they are fewer. */
static void also_where_none_is_free(void** state) {
  creche_group_options o = group_options();
  seen g = {0}, first = {0}, waiting = {0};
  fixture f;
  creche_task one;
  (void)state;
  memset(&f, 0, sizeof f);
  o.limit = 1;
  f.target = group_in(loop.scope, &o, &g);
  one = spawn(f.target.scope, body_waits, &first);
  start_in(&f, loop.scope);
  OK(creche_task_started(f.child.task, 0));
  spawn(f.target.scope, body_succeeds, &waiting);
  settle();
  assert_int_equal(f.start.status, CRECHE_OK);
  OK(creche_task_finish(one, CRECHE_OK, 0, NULL));
  settle();
  assert_int_equal(waiting.begins, 0);
  OK(creche_task_finish(f.child.task, CRECHE_OK, 0, NULL));
  OK(creche_group_close(f.target));
  until(&g.finals, 1);
  assert_int_equal(waiting.finals, 1);
}
/* A start in the group itself hands its place on to its child. */
static void a_start_hands_its_place_on(void** state) {
  creche_group_options o = group_options();
  seen g = {0}, waiting = {0};
  fixture f;
  (void)state;
  memset(&f, 0, sizeof f);
  o.limit = 1;
  f.target = group_in(loop.scope, &o, &g);
  start_in(&f, f.target.scope);
  spawn(f.target.scope, body_succeeds, &waiting);
  OK(creche_task_started(f.child.task, 0));
  settle();
  assert_int_equal(f.start.finals, 1);
  assert_int_equal(waiting.begins, 0);
  OK(creche_task_finish(f.child.task, CRECHE_OK, 0, NULL));
  OK(creche_group_close(f.target));
  until(&g.finals, 1);
  assert_int_equal(waiting.finals, 1);
}

/* A start in the race that its child joins does not win it: the child may. */
static void a_start_in_its_own_race(void** state) {
  creche_group_options o = group_options();
  seen g = {0}, slow = {0};
  fixture f;
  (void)state;
  memset(&f, 0, sizeof f);
  o.policy = CRECHE_RACE;
  f.target = group_in(loop.scope, &o, &g);
  op(f.target.scope, &slow);
  start_in(&f, f.target.scope);
  OK(creche_task_started(f.child.task, 5));
  settle();
  assert_int_equal(f.start.status, CRECHE_OK);
  assert_int_equal(f.start.value, 5);
  assert_int_equal(f.child.s.cancels, 0); /* the race goes on */
  assert_int_equal(slow.finals, 0);
  OK(creche_task_finish(f.child.task, CRECHE_OK, 0, NULL));
  OK(creche_group_close(f.target));
  until(&g.finals, 1);
  assert_int_equal(slow.status, CRECHE_E_CANCELLED);
  assert_int_equal(slow.reason, CRECHE_REASON_RACE);
  assert_true(slow.by.id == f.child.task.scope.id);
  assert_int_equal(g.status, CRECHE_OK);
}
/* Elsewhere a start wins as anything does: the first that is ready. */
static void a_race_of_starts(void** state) {
  creche_group_options o = group_options();
  seen g = {0}, slow = {0};
  creche_group race;
  fixture f;
  (void)state;
  open_target(&f);
  o.policy = CRECHE_RACE;
  race = group_in(loop.scope, &o, &g);
  op(race.scope, &slow);
  start_in(&f, race.scope);
  OK(creche_task_started(f.child.task, 0));
  OK(creche_group_close(race));
  until(&g.finals, 1);
  assert_int_equal(slow.reason, CRECHE_REASON_RACE);
  assert_int_equal(f.child.s.cancels, 0);
  OK(creche_task_finish(f.child.task, CRECHE_OK, 0, NULL));
  OK(creche_group_close(f.target));
  until(&f.target_end.finals, 1);
}

/* Those whom a cancellation has let past the limit hear of it, though a shield goes up before they
 * do: they never run on as if there were neither. */
static void a_shield_is_too_late_for_the_waiting(void** state) {
  creche_group_options o = group_options();
  creche_task_options shielded = task_options();
  seen outer_end = {0}, g = {0}, first = {0}, task = {0}, begun = {0}, done = {0}, slept = {0};
  creche_scope outer = scope_in(loop.scope, NULL);
  creche_group group, target = group_in(loop.scope, NULL, &outer_end);
  creche_task running;
  creche_start_options so = start_options();
  child k, quiet;
  seen started = {0};
  (void)state;
  memset(&k, 0, sizeof k);
  memset(&quiet, 0, sizeof quiet);
  o.limit = 1;
  group = group_in(outer, &o, &g);
  running = spawn(group.scope, body_waits, &first);
  OK(creche_task_spawn(group.scope, body_obeys, &begun, NULL, see, &task, NULL));
  op(group.scope, &slept);
  so.child_done = see;
  so.child_user = &done;
  OK(creche_task_start(target, group.scope, body, &k, &so, see, &started, NULL));
  shielded.shield = 1;
  OK(creche_task_spawn(group.scope, body, &quiet, &shielded, see, &quiet.s, NULL));
  settle();
  assert_int_equal(begun.begins, 0);
  OK(creche_scope_cancel(outer, NULL));
  OK(creche_scope_set_shield(group.scope, 1));
  settle();
  assert_int_equal(begun.begins, 1);
  assert_int_equal(begun.cancels, 1);
  assert_int_equal(task.status, CRECHE_E_CANCELLED);
  assert_int_equal(task.reason, CRECHE_REASON_EXPLICIT);
  assert_int_equal(slept.status, CRECHE_E_CANCELLED);
  assert_int_equal(k.s.begins, 1);
  assert_int_equal(k.s.cancels, 1);
  OK(creche_task_finish(k.task, CRECHE_E_CANCELLED, 0, NULL));
  settle();
  assert_int_equal(done.status, CRECHE_E_CANCELLED);
  assert_int_equal(started.status, CRECHE_E_CANCELLED);
  assert_int_equal(quiet.s.begins, 0); /* its own shield was up before: it waits on */
  assert_int_equal(first.cancels, 1);
  OK(creche_task_finish(running, CRECHE_OK, 0, NULL));
  settle();
  assert_int_equal(quiet.s.begins, 1);
  assert_int_equal(quiet.s.cancels, 0);
  OK(creche_task_finish(quiet.task, CRECHE_OK, 0, NULL));
  OK(creche_group_close(group));
  OK(creche_group_close(target));
  until(&g.finals, 1);
  OK(creche_scope_leave(outer, NULL));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(a_moved_child_takes_a_place),
      TEST(also_where_none_is_free),
      TEST(a_start_hands_its_place_on),
      TEST(a_start_in_its_own_race),
      TEST(a_race_of_starts),
      TEST(a_shield_is_too_late_for_the_waiting),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Tasks: user and external ones, and their steps. The numbers are those of CASES.md. */

#include "support/core.h"

/* 39: a task in a cancelled group runs once, begins before it is cancelled, its first step is
 * cancelled. */
static void a_cancelled_task_still_begins(void** state) {
  seen g = {0}, s = {0}, step = {0};
  creche_group group = group_in(loop.scope, NULL, &g);
  creche_task task;
  (void)state;
  OK(creche_scope_cancel(group.scope, NULL));
  task = spawn(group.scope, body_waits, &s);
  OK(creche_group_close(group));
  assert_int_equal(s.begins, 0); /* not inside the call */
  settle();
  assert_int_equal(s.begins, 1);
  assert_int_equal(s.cancels, 1);
  assert_int_equal(s.kind, CRECHE_CANCEL); /* after its begin */
  op(task.scope, &step);
  settle();
  assert_int_equal(step.status, CRECHE_E_CANCELLED);
  OK(creche_task_finish(task, CRECHE_E_CANCELLED, 0, NULL));
  settle();
  assert_int_equal(g.finals, 1);
}

/* CRECHE_CANCEL comes each time that a task becomes cancelled. */
static void cancel_comes_each_time(void** state) {
  seen s = {0};
  creche_scope outer = scope_in(loop.scope, NULL);
  creche_task task = spawn(outer, body_waits, &s);
  (void)state;
  settle();
  OK(creche_scope_cancel(outer, NULL));
  settle();
  assert_int_equal(s.cancels, 1);
  OK(creche_scope_set_shield(task.scope, 1));
  OK(creche_scope_set_shield(task.scope, 0));
  settle();
  assert_int_equal(s.cancels, 2);
  OK(creche_task_finish(task, CRECHE_OK, 0, NULL));
  settle();
  assert_int_equal(s.status, CRECHE_OK);
  OK(creche_scope_leave(outer, NULL));
}

/* 34: nobody may claim a cancellation that nobody asked for. */
static void an_invented_cancellation(void** state) {
  seen g = {0}, s = {0};
  creche_group group = group_in(loop.scope, NULL, &g);
  (void)state;
  spawn(group.scope, body_waits, &s);
  OK(creche_group_close(group));
  settle();
  OK(creche_task_finish(s.task, CRECHE_E_CANCELLED, 0, NULL));
  settle();
  assert_int_equal(s.status, CRECHE_E_NOT_CANCELLED);
  assert_int_equal(s.error_status, CRECHE_E_NOT_CANCELLED);
  assert_int_equal(g.status, CRECHE_E_GROUP);
}

static void finishing(void** state) {
  seen s = {0}, never = {0}, g = {0};
  creche_group_options o = group_options();
  creche_group group;
  creche_task task, waiting;
  (void)state;
  o.limit = 1;
  group = group_in(loop.scope, &o, &g);
  task = spawn(group.scope, body_waits, &s);
  waiting = spawn(group.scope, body_waits, &never);
  OK(creche_group_close(group));
  IS(creche_task_finish(task, CRECHE_OK, 0, NULL), CRECHE_E_STATE); /* not begun yet */
  settle();
  IS(creche_task_finish(waiting, CRECHE_OK, 0, NULL), CRECHE_E_STATE);
  IS(creche_task_finish(task, 1, 0, NULL), CRECHE_E_INVALID);
  IS(creche_task_finish(task, -999, 0, NULL), CRECHE_E_INVALID);
  OK(creche_task_finish(task, CRECHE_OK, 5, NULL));
  IS(creche_task_finish(task, CRECHE_OK, 6, NULL), CRECHE_E_STATE);
  last_error_says("finished before");
  IS(creche_sleep(task.scope, 0, NULL, see, &s, NULL), CRECHE_E_CLOSED);
  settle();
  assert_int_equal(s.value, 5);
  IS(creche_task_finish(task, CRECHE_OK, 0, NULL), CRECHE_E_ENDED);
  OK(creche_task_finish(waiting, CRECHE_OK, 0, NULL));
  settle();
  assert_int_equal(g.status, CRECHE_OK);
}

/* With an error on success there is no error. */
static void success_has_no_error(void** state) {
  seen s = {0};
  const creche_error* error;
  creche_task task = spawn(loop.scope, body_waits, &s);
  (void)state;
  OK(creche_error_new(-1234, "mine", NULL, NULL, NULL, &error));
  settle();
  OK(creche_task_finish(task, CRECHE_OK, 0, error));
  creche_error_release(error);
  settle();
  assert_int_equal(s.status, CRECHE_OK);
  assert_int_equal(s.has_error, 0);
}

/* ---- Steps ---- */
/* A step's failure is its starter's to handle, also in a bare scope of the task. */
static void a_failed_step_does_not_count(void** state) {
  seen g = {0}, s = {0}, step[2] = {{0}, {0}}, sibling = {0};
  creche_group group = group_in(loop.scope, NULL, &g);
  creche_task task = spawn(group.scope, body_waits, &s);
  creche_scope section;
  (void)state;
  op(group.scope, &sibling);
  OK(creche_group_close(group));
  settle();
  section = scope_in(task.scope, NULL);
  spawn(task.scope, body_fails, &step[0]);
  spawn(section, body_fails, &step[1]);
  settle();
  assert_int_equal(step[0].status, CRECHE_E_USER);
  assert_int_equal(step[1].status, CRECHE_E_USER);
  assert_int_equal(s.cancels, 0);
  assert_int_equal(sibling.finals, 0);
  OK(creche_scope_leave(section, NULL));
  OK(creche_task_finish(task, CRECHE_OK, 0, NULL));
  settle();
  assert_int_equal(s.status, CRECHE_OK);
  OK(creche_scope_cancel(group.scope, NULL));
  settle();
  assert_int_equal(g.status, CRECHE_OK);
}

/* A failed step that nobody is told of fails its task, however that ends. */
static void unobserved(creche_status finish) {
  seen g = {0}, s = {0}, b = {0};
  creche_group group = group_in(loop.scope, NULL, &g);
  creche_task task = spawn(group.scope, body_waits, &s);
  OK(creche_group_close(group));
  settle();
  OK(creche_task_spawn(task.scope, body_fails, &b, NULL, creche_nobody, NULL, NULL));
  settle();
  assert_int_equal(b.begins, 1);
  assert_int_equal(s.cancels, 1);
  OK(creche_task_finish(task, finish, 0, NULL));
  settle();
  assert_int_equal(s.status, CRECHE_E_USER);
  assert_int_equal(g.status, CRECHE_E_GROUP);
}
static void an_unobserved_step_fails_its_task(void** state) {
  (void)state;
  unobserved(CRECHE_OK);
  unobserved(CRECHE_E_CANCELLED);
}

/* With OK a task waits for its steps; with a failure it cancels them and waits. */
static void a_task_waits_for_its_steps(void** state) {
  seen s = {0}, step = {0};
  creche_task task = spawn(loop.scope, body_waits, &s);
  (void)state;
  settle();
  spawn(task.scope, body_waits, &step);
  settle();
  OK(creche_task_finish(task, CRECHE_OK, 0, NULL));
  settle();
  assert_int_equal(s.finals, 0);
  assert_int_equal(step.cancels, 0);
  OK(creche_task_finish(step.task, CRECHE_OK, 0, NULL));
  settle();
  assert_int_equal(s.status, CRECHE_OK);
  assert_true(step.order < s.order);
}

/* A task that has finished well is not done before its steps are: what cuts them, cuts it. What was
 * cut before, it has dealt with. */
static void steps_are_cut_after_a_finish(void** state) {
  enum { GROUP, DEADLINE, MOVE_ON, TASK, BEFORE, CASES } i;
  (void)state;
  for (i = 0; i < CASES; i++) {
    seen g = {0}, s = {0}, step = {0};
    creche_task_options o = task_options();
    creche_group group = group_in(loop.scope, NULL, &g);
    creche_task task;
    if (i == DEADLINE || i == MOVE_ON) o.timeout = CRECHE_SECOND;
    if (i == MOVE_ON) o.on_timeout = CRECHE_MOVE_ON;
    OK(creche_task_spawn(group.scope, body_waits, &s, &o, see, &s, &task));
    OK(creche_group_close(group));
    settle();
    op(task.scope, &step);
    if (i == BEFORE) OK(creche_scope_cancel(task.scope, "enough"));
    OK(creche_task_finish(task, CRECHE_OK, 7, NULL));
    if (i == GROUP) OK(creche_scope_cancel(group.scope, "enough"));
    if (i == TASK) OK(creche_scope_cancel(task.scope, "enough"));
    until(&g.finals, 1);
    assert_int_equal(step.status, CRECHE_E_CANCELLED);
    assert_int_equal(s.finals, 1);
    if (i == BEFORE) {
      assert_int_equal(s.status, CRECHE_OK);
      assert_int_equal(g.status, CRECHE_OK);
      continue;
    }
    assert_int_equal(s.status, i == DEADLINE ? CRECHE_E_TIMEOUT : CRECHE_E_CANCELLED);
    assert_int_equal(s.flags, i == GROUP ? CRECHE_PASSING : CRECHE_CAUGHT);
    assert_int_equal(g.status, i == DEADLINE ? CRECHE_E_GROUP : CRECHE_OK);
  }
}

static void a_failed_task_cancels_its_steps(void** state) {
  seen s = {0}, step = {0};
  creche_task task = spawn(loop.scope, body_waits, &s);
  (void)state;
  settle();
  op(task.scope, &step);
  OK(creche_task_finish(task, CRECHE_E_USER, 0, NULL));
  settle();
  assert_int_equal(step.status, CRECHE_E_CANCELLED);
  assert_int_equal(step.reason, CRECHE_REASON_FINISHED);
  assert_int_equal(step.by.id, task.scope.id);
  assert_int_equal(s.status, CRECHE_E_USER);
  assert_true(step.order < s.order);
}

/* 44, 25, 26, 45: finished with a group and a scope of its own still open. */
static void misnested(void** state) {
  seen g = {0}, s = {0}, gi = {0}, a = {0}, b = {0};
  creche_group group = group_in(loop.scope, NULL, &g), inner;
  creche_task task = spawn(group.scope, body_waits, &s);
  creche_scope section;
  (void)state;
  OK(creche_group_close(group));
  settle();
  inner = group_in(task.scope, NULL, &gi);
  section = scope_in(task.scope, NULL);
  op(inner.scope, &a);
  spawn(section, body_waits, &b); /* gets its clean-up */
  settle();
  OK(creche_task_finish(task, CRECHE_OK, 0, NULL));
  settle();
  assert_int_equal(a.status, CRECHE_E_CANCELLED);
  assert_int_equal(a.reason, CRECHE_REASON_MISNESTED);
  assert_int_equal(a.by.id, task.scope.id);
  assert_int_equal(gi.finals, 1);
  assert_int_equal(b.cancels, 1);
  assert_int_equal(s.finals, 0);
  OK(creche_task_finish(b.task, CRECHE_E_CANCELLED, 0, NULL));
  settle();
  assert_int_equal(s.status, CRECHE_E_MISNESTED);
  assert_int_equal(g.status, CRECHE_E_GROUP);
  IS(creche_scope_leave(section, NULL), CRECHE_E_ENDED); /* no second error */
}
/* A failure of its own says more than that. A closed group of its own is no misnesting. */
static void not_misnested(void** state) {
  seen s = {0}, t = {0}, gi = {0}, step = {0};
  creche_group inner;
  (void)state;
  spawn(loop.scope, body_waits, &s);
  spawn(loop.scope, body_waits, &t);
  settle();
  scope_in(s.task.scope, NULL);
  OK(creche_task_finish(s.task, -1000, 0, NULL));
  inner = group_in(t.task.scope, NULL, &gi);
  OK(creche_sleep(inner.scope, CRECHE_MILLISECOND, NULL, see, &step, NULL));
  OK(creche_group_close(inner));
  OK(creche_task_finish(t.task, CRECHE_OK, 0, NULL));
  until(&t.finals, 1);
  assert_int_equal(s.status, -1000);
  assert_int_equal(step.status, CRECHE_OK);
  assert_int_equal(t.status, CRECHE_OK);
}

/* 46: an inner group that fails leaves the outer one alone: it is a step. */
static void an_inner_group_is_a_step(void** state) {
  seen g = {0}, s = {0}, gi = {0}, f = {0}, late = {0};
  creche_group group = group_in(loop.scope, NULL, &g), inner;
  creche_task task = spawn(group.scope, body_waits, &s);
  (void)state;
  OK(creche_group_close(group));
  settle();
  inner = group_in(task.scope, NULL, &gi);
  spawn(inner.scope, body_fails, &f);
  OK(creche_group_close(inner));
  settle();
  assert_int_equal(gi.status, CRECHE_E_GROUP);
  OK(creche_sleep(task.scope, 0, NULL, see, &late, NULL));
  OK(creche_task_finish(task, CRECHE_OK, 0, NULL));
  settle();
  assert_int_equal(late.status, CRECHE_OK);
  assert_int_equal(g.status, CRECHE_OK);
}

/* A task that ends while a notice to it is on its way, and nobody is told of it. */
static void a_notice_that_comes_late(void** state) {
  seen s = {0};
  int i;
  (void)state;
  for (i = 0; i < 100; i++) {
    seen b = {0};
    creche_task task;
    OK(creche_task_spawn(loop.scope, body_waits, &b, NULL, creche_nobody, NULL, &task));
    settle();
    OK(creche_scope_cancel(task.scope, NULL));
    OK(creche_task_finish(task, CRECHE_E_CANCELLED, 0, NULL));
    op(loop.scope, &s); /* may take its memory */
    settle();
    assert_int_equal(b.begins, 1);
    IS(creche_scope_cancel(task.scope, NULL), CRECHE_E_ENDED);
  }
  assert_int_equal(s.finals, 0);
  OK(creche_scope_cancel(loop.scope, NULL));
  settle();
  assert_int_equal(s.finals, 100);
}

/* 63, "a committed result beats a later cancel". */
static void what_is_committed_stays(void** state) {
  seen s = {0}, t = {0};
  creche_task task = spawn(loop.scope, body_waits, &s);
  (void)state;
  settle();
  OK(creche_task_finish(task, CRECHE_OK, 1, NULL));
  IS(creche_scope_cancel(task.scope, NULL), CRECHE_E_ENDED);
  OK(creche_sleep(loop.scope, 0, NULL, see, &t, NULL));
  settle();
  assert_int_equal(s.status, CRECHE_OK);
  assert_int_equal(s.cancels, 0);
  assert_int_equal(t.status, CRECHE_OK);
}

/* 47: nobody runs twice in a turn. */
typedef struct weaver {
  creche_task task;
  int runs, *last, *twice, id;
} weaver;
static void weave(void* user, const creche_completion* c) {
  weaver* w = user;
  if (c->kind == CRECHE_BEGIN) w->task = c->task;
  if (*w->last == w->id) ++*w->twice;
  *w->last = w->id;
  if (++w->runs == 10)
    creche_task_finish(w->task, CRECHE_OK, 0, NULL);
  else
    SAY(creche_sleep(w->task.scope, 0, NULL, weave, w, NULL));
}
static void two_tasks_interleave(void** state) {
  int last = 0, twice = 0;
  weaver a, b;
  seen s = {0}, t = {0};
  (void)state;
  memset(&a, 0, sizeof a);
  a.last = &last;
  a.twice = &twice;
  a.id = 1;
  b = a;
  b.id = 2;
  OK(creche_task_spawn(loop.scope, weave, &a, NULL, see, &s, NULL));
  OK(creche_task_spawn(loop.scope, weave, &b, NULL, see, &t, NULL));
  until(&s.finals, 1);
  until(&t.finals, 1);
  assert_int_equal(a.runs, 10);
  assert_int_equal(b.runs, 10);
  assert_int_equal(twice, 0);
}

/* ---- External tasks ---- */
static void an_external_task(void** state) {
  seen s = {0};
  creche_task task;
  (void)state;
  OK(creche_task_open(loop.scope, NULL, see, &s, &task));
  settle();
  assert_int_equal(s.begins, 1);
  assert_int_equal(s.flags, CRECHE_MORE);
  assert_int_equal(s.task.scope.id, task.scope.id);
  OK(creche_scope_cancel(task.scope, NULL));
  settle();
  assert_int_equal(s.cancels, 1);
  OK(creche_task_finish(task, CRECHE_E_CANCELLED, 0, NULL));
  settle();
  assert_int_equal(s.finals, 1);
  assert_int_equal(s.status, CRECHE_E_CANCELLED);
  assert_int_equal(s.phase, CRECHE_PHASE_TASK);
}
static void an_external_task_must_be_told(void** state) {
  (void)state;
  IS(creche_task_open(loop.scope, NULL, creche_nobody, NULL, NULL), CRECHE_E_INVALID);
  IS(creche_task_open(loop.scope, NULL, creche_to_group, NULL, NULL), CRECHE_E_INVALID);
  IS(creche_task_open(loop.scope, NULL, NULL, NULL, NULL), CRECHE_E_INVALID);
  last_error_says("queue");
  IS(creche_task_spawn(loop.scope, NULL, NULL, NULL, see, NULL, NULL), CRECHE_E_INVALID);
  IS(creche_task_spawn(loop.scope, creche_nobody, NULL, NULL, see, NULL, NULL), CRECHE_E_INVALID);
}

/* Tasks and scopes without anything particular go short ways in and out, and their memory serves
 * again at once: nothing that was done to one may reach the next. */
static void nothing_of_a_task_stays(void** state) {
  static const int all = 6;
  seen g = {0}, s[6] = {{0}}, next[6] = {{0}}, late = {0};
  creche_group group = group_in(loop.scope, NULL, &g);
  creche_task task;
  creche_scope_state look;
  int i;
  (void)state;
  for (i = 0; i < all; i++) {
    OK(creche_task_spawn(group.scope, i == 5 ? body_fails : body_succeeds, &s[i], NULL,
                         i % 2 ? see : creche_nobody, &s[i], &task));
    if (i == 0) OK(creche_scope_set_timeout(task.scope, CRECHE_SECOND));
    if (i == 1) OK(creche_scope_cancel(task.scope, "for a while"));
    if (i == 2) OK(creche_scope_set_shield(task.scope, 1));
    if (i == 3) OK(creche_scope_set_deadline(task.scope, now() + CRECHE_SECOND));
    if (i == 4) {
      creche_scope inside = scope_in(task.scope, NULL);
      OK(creche_scope_leave(inside, NULL));
    }
  }
  OK(creche_group_close(group));
  settle();
  assert_int_equal(g.finals, 1);
  assert_int_equal(g.status, CRECHE_E_GROUP); /* of the one that failed */
  assert_int_equal(s[1].status, CRECHE_OK);
  memset(&g, 0, sizeof g);
  group = group_in(loop.scope, NULL, &g);
  for (i = 0; i < all; i++) {
    OK(creche_task_spawn(group.scope, body_waits, &next[i], NULL, creche_nobody, NULL, &task));
    OK(creche_scope_get_state(task.scope, &look, sizeof look));
    assert_int_equal(look.called + look.effective + look.shield + look.reached + look.live, 0);
    assert_true(look.deadline == CRECHE_NEVER);
  }
  OK(creche_sleep(loop.scope, 10 * CRECHE_SECOND, NULL, see, &late, NULL));
  until(&late.finals, 1);
  for (i = 0; i < all; i++) {
    assert_int_equal(next[i].begins, 1);
    assert_int_equal(next[i].cancels, 0);
    OK(creche_task_finish(next[i].task, CRECHE_OK, 0, NULL));
  }
  OK(creche_group_close(group));
  settle();
  assert_int_equal(g.finals, 1);
  assert_int_equal(g.status, CRECHE_OK);
}
static void nothing_of_a_scope_stays(void** state) {
  seen late = {0};
  creche_scope scope, next;
  creche_scope_state look;
  creche_scope_options o = scope_options();
  creche_outcome outcome;
  int i;
  (void)state;
  for (i = 0; i < 6; i++) {
    o.timeout = i == 1 ? CRECHE_SECOND : CRECHE_NEVER;
    o.name = i == 2 ? "named" : NULL;
    scope = scope_in(loop.scope, &o);
    if (i == 0) OK(creche_scope_set_timeout(scope, CRECHE_SECOND));
    if (i == 3) OK(creche_scope_cancel(scope, "for a while"));
    if (i == 4) OK(creche_scope_set_shield(scope, 1));
    OK(creche_scope_leave(scope, &outcome));
    assert_int_equal(outcome.status, CRECHE_OK);
    assert_int_equal(outcome.flags, 0);
    next = scope_in(loop.scope, NULL);
    OK(creche_scope_get_state(next, &look, sizeof look));
    assert_int_equal(look.called + look.effective + look.shield + look.reached + look.live, 0);
    assert_true(look.deadline == CRECHE_NEVER);
    memset(&late, 0, sizeof late);
    OK(creche_sleep(loop.scope, 10 * CRECHE_SECOND, NULL, see, &late, NULL));
    until(&late.finals, 1);
    OK(creche_scope_get_state(next, &look, sizeof look));
    assert_int_equal(look.called, 0);
    OK(creche_scope_leave(next, &outcome));
    assert_int_equal(outcome.reason, CRECHE_REASON_NONE);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(a_cancelled_task_still_begins),
      TEST(cancel_comes_each_time),
      TEST(an_invented_cancellation),
      TEST(finishing),
      TEST(success_has_no_error),
      TEST(a_failed_step_does_not_count),
      TEST(an_unobserved_step_fails_its_task),
      TEST(a_task_waits_for_its_steps),
      VIRTUAL_TEST(steps_are_cut_after_a_finish),
      TEST(a_failed_task_cancels_its_steps),
      TEST(misnested),
      TEST(not_misnested),
      TEST(an_inner_group_is_a_step),
      TEST(a_notice_that_comes_late),
      TEST(what_is_committed_stays),
      TEST(two_tasks_interleave),
      TEST(an_external_task),
      TEST(an_external_task_must_be_told),
      VIRTUAL_TEST(nothing_of_a_task_stays),
      VIRTUAL_TEST(nothing_of_a_scope_stays),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

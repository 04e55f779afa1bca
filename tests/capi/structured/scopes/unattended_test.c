/* Where nobody is left who would close it, no group or scope is opened any more: outside of user
 * tasks once the loop closes, and in what a task has left open. So nothing hangs. */
#include "support/core.h"

/* A group that is opened again each time that it has ended, in what it was in. */
typedef struct supervisor {
  creche_scope in;
  creche_group group;
  creche_status opened, scope_opened, started;
  int times;
  seen s, step;
} supervisor;
static void supervise(supervisor* v);
static void opens_again(void* user, const creche_completion* c) {
  supervisor* v = user;
  note(&v->s, c);
  supervise(v);
}
static void supervise(supervisor* v) {
  creche_scope scope;
  v->times++;
  v->opened = creche_group_open(v->in, NULL, opens_again, v, &v->group);
  if (v->opened == CRECHE_OK) {
    SAY(creche_sleep_until(v->group.scope, CRECHE_NEVER, NULL, creche_nobody, NULL, NULL));
    return;
  }
  v->scope_opened = creche_scope_open(v->in, NULL, &scope);
  /* Work goes on, and is cancelled: whatever ends, it ends by itself. */
  v->started = creche_sleep(v->in, CRECHE_SECOND, NULL, see, &v->step, NULL);
}
static void refused(const supervisor* v, int times) {
  assert_int_equal(v->times, times);
  assert_int_equal(v->opened, CRECHE_E_CLOSED);
  assert_int_equal(v->scope_opened, CRECHE_E_CLOSED);
  assert_int_equal(v->started, CRECHE_OK);
  assert_int_equal(v->step.status, CRECHE_E_CANCELLED);
}

static void a_supervisor_ends_with_its_loop(void** state) {
  seen g = {0};
  supervisor v = {0};
  creche_group outer = group_in(loop.scope, NULL, &g);
  (void)state;
  v.in = outer.scope;
  supervise(&v);
  OK(creche_group_close(v.group));
  OK(creche_scope_cancel(v.group.scope, NULL)); /* it ends, and is opened again */
  settle();
  assert_int_equal(v.times, 2);
  assert_int_equal(v.opened, CRECHE_OK);
  OK(creche_loop_close(loop));
  OK(creche_loop_join(loop, PATIENCE));
  refused(&v, 3);
  assert_int_equal(g.finals, 1);
}

/* A gentle end lets what runs go on, until it is cancelled. */
static void or_when_the_grace_is_over(void** state) {
  seen g = {0};
  supervisor v = {0};
  creche_group outer = group_in(loop.scope, NULL, &g);
  (void)state;
  v.in = outer.scope;
  supervise(&v);
  OK(creche_loop_shutdown(loop, CRECHE_SECOND));
  OK(creche_group_close(v.group));
  OK(creche_scope_cancel(v.group.scope, NULL));
  settle();
  assert_int_equal(v.times, 2);
  assert_int_equal(v.opened, CRECHE_OK);
  OK(creche_loop_join(loop, PATIENCE));
  refused(&v, 3);
}

/* In a shield, where nothing is cancelled: its end comes by itself. */
static void in_a_shield_too(void** state) {
  creche_group_options o = group_options();
  seen g = {0};
  supervisor v = {0};
  creche_group outer;
  (void)state;
  o.shield = 1;
  outer = group_in(loop.scope, &o, &g);
  v.in = outer.scope;
  supervise(&v);
  OK(creche_loop_close(loop));
  settle();
  OK(creche_scope_cancel(v.group.scope, NULL));
  OK(creche_loop_join(loop, PATIENCE));
  assert_int_equal(v.times, 2);
  assert_int_equal(v.opened, CRECHE_E_CLOSED);
  assert_int_equal(v.step.status, CRECHE_OK);
}

/* A task leaves a group open, in which one is opened again and again. */
typedef struct leaver {
  seen s;
  supervisor v;
  creche_group group;
  seen end;
} leaver;
static void leaves_it_open(void* user, const creche_completion* c) {
  leaver* l = user;
  if (c->kind != CRECHE_BEGIN) return;
  creche_group_open(c->task.scope, NULL, see, &l->end, &l->group);
  l->v.in = l->group.scope;
  supervise(&l->v);
  creche_task_finish(c->task, CRECHE_OK, 0, NULL);
}
static void a_supervisor_ends_with_its_task(void** state) {
  leaver l = {0};
  (void)state;
  OK(creche_task_spawn(loop.scope, leaves_it_open, &l, NULL, see, &l.s, NULL));
  until(&l.s.finals, 1);
  assert_int_equal(l.s.status, CRECHE_E_MISNESTED);
  assert_int_equal(l.end.finals, 1);
  refused(&l.v, 2);
  /* The short way of scopes is open again. */
  OK(creche_scope_leave(scope_in(loop.scope, NULL), NULL));
}

/* The same once the loop closes, below another task that lives. */
static void nor_below_a_task_that_lives(void** state) {
  leaver l = {0};
  seen s = {0};
  creche_task outer = spawn(loop.scope, body_waits, &s);
  (void)state;
  settle();
  OK(creche_task_spawn(outer.scope, leaves_it_open, &l, NULL, see, &l.s, NULL));
  OK(creche_loop_close(loop));
  settle();
  refused(&l.v, 2);
  assert_int_equal(l.s.status, CRECHE_E_MISNESTED);
  OK(creche_task_finish(outer, CRECHE_OK, 0, NULL));
  until(&s.finals, 1);
}

/* In a group that its task has closed somebody may be at work. */
typedef struct closer {
  seen s, end, inner, step;
  creche_scope within;
  creche_status opened, closed;
} closer;
static void opens_another(void* user, const creche_completion* c) {
  closer* k = user;
  creche_group group;
  note(&k->step, c);
  k->opened = creche_group_open(k->within, NULL, see, &k->inner, &group);
  k->closed = creche_group_close(group);
}
static void closes_it(void* user, const creche_completion* c) {
  closer* k = user;
  creche_group group;
  if (c->kind != CRECHE_BEGIN) return;
  creche_group_open(c->task.scope, NULL, see, &k->end, &group);
  k->within = group.scope;
  SAY(creche_sleep(group.scope, 0, NULL, opens_another, k, NULL));
  creche_group_close(group);
  creche_task_finish(c->task, CRECHE_OK, 0, NULL);
}
static void what_its_task_has_closed_goes_on(void** state) {
  closer k = {0};
  (void)state;
  OK(creche_task_spawn(loop.scope, closes_it, &k, NULL, see, &k.s, NULL));
  until(&k.s.finals, 1);
  OK(k.opened);
  OK(k.closed);
  assert_int_equal(k.inner.finals, 1);
  assert_int_equal(k.s.status, CRECHE_OK);
}

/* A task that lives opens what it needs for its clean-up, at any depth, and closes it. */
typedef struct cleaner {
  seen s, slept, group_end;
  creche_task task;
  creche_scope scope;
  creche_status opened[3], finished;
  creche_outcome outcome;
} cleaner;
static void cleaned_up(void* user, const creche_completion* c) {
  cleaner* k = user;
  note(&k->group_end, c);
  k->opened[2] = creche_scope_leave(k->scope, &k->outcome);
  k->finished = creche_task_finish(k->task, CRECHE_E_CANCELLED, 0, NULL);
}
static void cleans_up(void* user, const creche_completion* c) {
  cleaner* k = user;
  creche_scope_options o;
  creche_group group;
  note(&k->s, c);
  k->task = c->task;
  if (c->kind != CRECHE_CANCEL) return;
  creche_scope_options_init(&o, sizeof o);
  o.shield = 1;
  k->opened[0] = creche_scope_open(c->task.scope, &o, &k->scope);
  k->opened[1] = creche_group_open(k->scope, NULL, cleaned_up, k, &group);
  SAY(creche_sleep(group.scope, CRECHE_SECOND, NULL, see, &k->slept, NULL));
  creche_group_close(group);
}
static void tasks_that_live_clean_up(void** state) {
  seen g = {0}, end = {0};
  cleaner k = {0};
  creche_group group = group_in(loop.scope, NULL, &g);
  (void)state;
  OK(creche_task_spawn(group.scope, cleans_up, &k, NULL, see, &end, NULL));
  settle();
  OK(creche_loop_close(loop));
  OK(creche_loop_join(loop, PATIENCE));
  OK(k.opened[0]);
  OK(k.opened[1]);
  OK(k.opened[2]);
  OK(k.finished);
  assert_int_equal(k.slept.status, CRECHE_OK);
  assert_int_equal(end.status, CRECHE_E_CANCELLED);
  assert_int_equal(loop_seen.finals, 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      VIRTUAL_TEST(a_supervisor_ends_with_its_loop),
      VIRTUAL_TEST(or_when_the_grace_is_over),
      VIRTUAL_TEST(in_a_shield_too),
      VIRTUAL_TEST(a_supervisor_ends_with_its_task),
      VIRTUAL_TEST(nor_below_a_task_that_lives),
      VIRTUAL_TEST(what_its_task_has_closed_goes_on),
      VIRTUAL_TEST(tasks_that_live_clean_up),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

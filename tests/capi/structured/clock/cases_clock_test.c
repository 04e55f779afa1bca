/* The virtual clock, yields, shuffled orders, contexts. See CASES.md. */
#include <pthread.h>

#include "support/core.h"

static int open_with(const creche_context* context, uint64_t seed) {
  creche_loop_options o;
  memset(&loop_seen, 0, sizeof loop_seen);
  creche_loop_options_init(&o, sizeof o);
  o.run = CRECHE_RUN_CALLER;
  o.clock = CRECHE_CLOCK_VIRTUAL;
  o.shuffle_seed = seed;
  o.context = context;
  o.done = see;
  o.user = &loop_seen;
  return creche_loop_open(&o, &loop) == CRECHE_OK ? 0 : -1;
}
static int open_virtual(void** state) {
  (void)state;
  return open_with(NULL, 0);
}
#define TEST_VIRTUAL(name) cmocka_unit_test_setup_teardown(name, open_virtual, close_loop)
#define HOUR (3600 * CRECHE_SECOND)

/* Sleeps and deadlines end at their points exactly, and hours take no time. */
static void hours_are_instant_and_exact(void** state) {
  static const int64_t durations[] = {1, 999, CRECHE_MILLISECOND + 1, HOUR, 24 * HOUR};
  size_t i;
  (void)state;
  assert_true(now() == 0);
  for (i = 0; i < sizeof durations / sizeof *durations; i++) {
    seen s = {0}, d = {0};
    creche_task_options o = task_options();
    int64_t start = now();
    OK(creche_sleep(loop.scope, durations[i], NULL, see, &s, NULL));
    until(&s.finals, 1);
    assert_true(now() - start == durations[i]);
    start = now();
    o.timeout = durations[i];
    OK(creche_sleep_until(loop.scope, CRECHE_NEVER, &o, see, &d, NULL));
    until(&d.finals, 1);
    assert_true(now() - start == durations[i]);
    assert_int_equal(d.status, CRECHE_E_TIMEOUT);
  }
}

/* 10: the clock passes the deadline of a scope that was left: never called. 14: at one point of
 * time a deadline comes before a sleep. 19: of two deadlines in one turn the outer one catches. */
static void deadlines_come_first(void** state) {
  seen s = {0}, t = {0}, u = {0};
  creche_scope_options o = scope_options();
  creche_outcome outcome;
  creche_scope scope, inner;
  (void)state;
  o.timeout = HOUR;
  scope = scope_in(loop.scope, &o);
  OK(creche_scope_leave(scope, &outcome));
  OK(creche_sleep(loop.scope, 2 * HOUR, NULL, see, &s, NULL));
  until(&s.finals, 1);
  assert_int_equal(outcome.flags, 0);

  scope = scope_in(loop.scope, &o);
  OK(creche_sleep(scope, HOUR, NULL, see, &t, NULL));
  until(&t.finals, 1);
  assert_int_equal(t.status, CRECHE_E_CANCELLED);
  OK(creche_scope_leave(scope, &outcome));
  assert_int_equal(outcome.status, CRECHE_E_TIMEOUT);

  scope = scope_in(loop.scope, &o);
  inner = scope_in(scope, &o);
  op(inner, &u);
  until(&u.finals, 1);
  OK(creche_scope_leave(inner, &outcome));
  assert_int_equal(outcome.status, CRECHE_E_CANCELLED);
  assert_int_equal(outcome.flags, CRECHE_PASSING);
  OK(creche_scope_leave(scope, &outcome));
  assert_int_equal(outcome.status, CRECHE_E_TIMEOUT);
}

/* 30: the deadline has passed but the loop has not looked: extended in time. 11: pulled to the
 * past. */
static void moved_before_the_loop_looks(void** state) {
  seen s = {0}, t = {0};
  creche_scope_options o = scope_options();
  creche_scope scope;
  (void)state;
  o.timeout = HOUR;
  scope = scope_in(loop.scope, &o);
  op(scope, &s);
  OK(creche_clock_advance(loop, 2 * HOUR));
  assert_int_equal(state_of(scope).called, 0);
  OK(creche_scope_set_timeout(scope, HOUR));
  OK(creche_sleep(loop.scope, HOUR / 2, NULL, see, &t, NULL));
  until(&t.finals, 1);
  assert_int_equal(s.finals, 0);
  until(&s.finals, 1);
  assert_true(now() == 3 * HOUR);
  assert_int_equal(s.reason, CRECHE_REASON_DEADLINE);
  OK(creche_scope_leave(scope, NULL));
}

/* 12: a timeout counts from the call that gives it. */
static void timeouts_count_from_the_call(void** state) {
  seen t = {0}, s = {0};
  creche_scope scope = scope_in(loop.scope, NULL);
  (void)state;
  op(scope, &s);
  OK(creche_sleep(loop.scope, 3, NULL, see, &t, NULL));
  until(&t.finals, 1);
  OK(creche_scope_set_timeout(scope, 5));
  assert_true(state_of(scope).deadline == 8);
  until(&s.finals, 1);
  assert_true(now() == 8);
  OK(creche_scope_leave(scope, NULL));
}

/* 92: the clock stands still while anything can run: whatever is ready comes before the jump. */
static void work_comes_before_the_jump(void** state) {
  seen late = {0}, s = {0};
  int i;
  (void)state;
  OK(creche_sleep(loop.scope, HOUR, NULL, see, &late, NULL));
  for (i = 0; i < 10; i++) {
    seen y = {0};
    OK(creche_yield(loop.scope, NULL, see, &y, NULL));
    until(&y.finals, 1);
    assert_true(now() == 0);
  }
  OK(creche_loop_post(loop, see, &s));
  until(&s.posts, 1);
  assert_true(now() == 0);
  assert_int_equal(late.finals, 0);
  until(&late.finals, 1);
  assert_true(now() == HOUR);
}

/* 95: somebody who holds the clock keeps it from jumping. */
static void a_held_clock_stands_still(void** state) {
  seen s = {0};
  (void)state;
  OK(creche_clock_hold(loop));
  OK(creche_sleep(loop.scope, HOUR, NULL, see, &s, NULL));
  settle();
  assert_int_equal(s.finals, 0);
  assert_true(now() == 0);
  OK(creche_clock_release(loop));
  until(&s.finals, 1);
  assert_true(now() == HOUR);
  IS(creche_clock_release(loop), CRECHE_E_STATE);
}

/* 47: two tasks that yield take turns. */
typedef struct weaver {
  creche_task task;
  int runs, id;
  int* last;
  int* twice;
} weaver;
static void weave(void* user, const creche_completion* c) {
  weaver* w = user;
  if (c->kind == CRECHE_BEGIN) w->task = c->task;
  if (*w->last == w->id) ++*w->twice;
  *w->last = w->id;
  if (++w->runs == 10)
    creche_task_finish(w->task, CRECHE_OK, 0, NULL);
  else
    SAY(creche_yield(w->task.scope, NULL, weave, w, NULL));
}
static void two_that_yield_alternate(void** state) {
  int last = 0, twice = 0;
  weaver a = {{{0}}, 0, 1, &last, &twice}, b = {{{0}}, 0, 2, &last, &twice};
  seen s = {0}, t = {0};
  (void)state;
  OK(creche_task_spawn(loop.scope, weave, &a, NULL, see, &s, NULL));
  OK(creche_task_spawn(loop.scope, weave, &b, NULL, see, &t, NULL));
  until(&s.finals, 1);
  until(&t.finals, 1);
  assert_int_equal(a.runs, 10);
  assert_int_equal(b.runs, 10);
  assert_int_equal(twice, 0);
}
/* A yield is a checkpoint: cancelled in a cancelled scope, never inside the call. */
static void a_yield_is_a_checkpoint(void** state) {
  seen s = {0}, t = {0};
  creche_scope scope = scope_in(loop.scope, NULL);
  (void)state;
  OK(creche_yield(scope, NULL, see, &s, NULL));
  assert_int_equal(s.finals, 0);
  until(&s.finals, 1);
  assert_int_equal(s.status, CRECHE_OK);
  OK(creche_scope_cancel(scope, NULL));
  OK(creche_yield(scope, NULL, see, &t, NULL));
  assert_int_equal(t.finals, 0);
  until(&t.finals, 1);
  assert_int_equal(t.status, CRECHE_E_CANCELLED);
  OK(creche_scope_leave(scope, NULL));
}

/* ---- 97: shuffled ---- */
enum { CARDS = 12 };
static int order[CARDS], drawn;
static void deal(void* user, const creche_completion* c) {
  if (c->kind == CRECHE_DONE && drawn < CARDS) order[drawn++] = (int)(intptr_t)user;
}
static void shuffled(uint64_t seed, int* cards) {
  int i;
  assert_int_equal(open_with(NULL, seed), 0);
  drawn = 0;
  for (i = 0; i < CARDS; i++) OK(creche_yield(loop.scope, NULL, deal, (void*)(intptr_t)i, NULL));
  until(&drawn, CARDS);
  memcpy(cards, order, sizeof order);
  assert_int_equal(close_loop(NULL), 0);
}
static void the_same_seed_the_same_order(void** state) {
  int first[CARDS], again[CARDS], plain[CARDS], i, differ = 0;
  uint64_t seed;
  (void)state;
  shuffled(0, plain);
  for (i = 0; i < CARDS; i++) assert_int_equal(plain[i], i);
  for (seed = 1; seed < 6; seed++) {
    shuffled(seed, first);
    shuffled(seed, again);
    assert_memory_equal(first, again, sizeof first);
    differ += memcmp(first, plain, sizeof first) != 0;
  }
  assert_true(differ >= 4);
}

/* ---- 98: contexts ---- */
typedef struct tale {
  int clones, drops, number;
} tale;
static void* clone_tale(void* data) {
  ((tale*)data)->clones++;
  return data;
}
static void drop_tale(void* data) {
  ((tale*)data)->drops++;
}
static void* context_of(creche_scope scope) {
  void* data = NULL;
  OK(creche_scope_get_context(scope, &data));
  return data;
}
typedef struct teller {
  creche_group group;
  creche_task child;
  seen s;
  int begun;
} teller;
static void spawn_elsewhere(void* user, const creche_completion* c) {
  teller* t = user;
  if (c->kind != CRECHE_BEGIN) return;
  t->begun = 1;
  SAY(creche_task_spawn(t->group.scope, body_waits, &t->s, NULL, see, &t->s, &t->child));
  creche_task_finish(c->task, CRECHE_OK, 0, NULL);
}
/* A child has its spawner's context, not that of the group it lives in; what nobody has spawned has
 * the loop's. */
static void contexts_come_from_the_spawner(void** state) {
  tale of_loop = {0, 0, 1}, of_task = {0, 0, 2};
  creche_context loops = {NULL, NULL, NULL}, tasks = {NULL, NULL, NULL};
  creche_task_options o;
  creche_task plain;
  seen g = {0}, p = {0}, s = {0};
  teller t;
  (void)state;
  loops.data = &of_loop;
  tasks.data = &of_task;
  loops.clone = tasks.clone = clone_tale;
  loops.drop = tasks.drop = drop_tale;
  assert_int_equal(open_with(&loops, 0), 0);
  memset(&t, 0, sizeof t);
  t.group = group_in(loop.scope, NULL, &g);
  assert_ptr_equal(context_of(loop.scope), &of_loop);
  assert_ptr_equal(context_of(t.group.scope), &of_loop);
  plain = spawn(loop.scope, body_waits, &p);
  assert_ptr_equal(context_of(plain.scope), &of_loop);
  o = task_options();
  o.context = &tasks;
  OK(creche_task_spawn(loop.scope, spawn_elsewhere, &t, &o, see, &s, NULL));
  settle();
  assert_int_equal(t.begun, 1);
  assert_ptr_equal(context_of(t.child.scope), &of_task);
  OK(creche_task_finish(t.child, CRECHE_OK, 0, NULL));
  OK(creche_task_finish(plain, CRECHE_OK, 0, NULL));
  OK(creche_group_close(t.group));
  until(&g.finals, 1);
  assert_int_equal(close_loop(NULL), 0);
  assert_int_equal(of_task.drops, of_task.clones + 1); /* each copy once, and the first one */
  assert_int_equal(of_loop.drops, of_loop.clones + 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST_VIRTUAL(hours_are_instant_and_exact),
      TEST_VIRTUAL(deadlines_come_first),
      TEST_VIRTUAL(moved_before_the_loop_looks),
      TEST_VIRTUAL(timeouts_count_from_the_call),
      TEST_VIRTUAL(work_comes_before_the_jump),
      TEST_VIRTUAL(a_held_clock_stands_still),
      TEST_VIRTUAL(two_that_yield_alternate),
      TEST_VIRTUAL(a_yield_is_a_checkpoint),
      cmocka_unit_test(the_same_seed_the_same_order),
      cmocka_unit_test(contexts_come_from_the_spawner),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

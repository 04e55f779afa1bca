/* Groups: policies, errors, limits, the body, nesting. The numbers are those of CASES.md. */
#include "support/core.h"

static creche_group_options policy(uint32_t which) {
  creche_group_options o = group_options();
  o.policy = which;
  return o;
}

/* 42: an empty group in a cancelled scope ends well, later, and catches nothing. */
static void an_empty_group(void** state) {
  seen g = {0}, g2 = {0};
  creche_scope scope = scope_in(loop.scope, NULL);
  creche_group group = group_in(scope, NULL, &g), inner;
  (void)state;
  OK(creche_scope_cancel(scope, NULL));
  inner = group_in(scope, NULL, &g2); /* opens normally in a cancelled scope */
  OK(creche_group_close(group));
  OK(creche_group_close(group));
  OK(creche_group_close(inner));
  assert_int_equal(g.finals, 0);
  settle();
  assert_int_equal(g.status, CRECHE_OK);
  assert_int_equal(g.flags, 0);
  assert_int_equal(g2.status, CRECHE_OK);
  IS(creche_group_close(group), CRECHE_E_ENDED);
  OK(creche_scope_leave(scope, NULL));
}

/* An open group waits; anyone may add until its last child has ended; then CLOSED or ENDED. */
static void open_until_closed(void** state) {
  seen g = {0}, s[3] = {{0}, {0}, {0}};
  creche_group group = group_in(loop.scope, NULL, &g);
  (void)state;
  OK(creche_sleep(group.scope, 0, NULL, see, &s[0], NULL));
  settle();
  assert_int_equal(s[0].finals, 1);
  assert_int_equal(g.finals, 0);
  op(group.scope, &s[1]);
  OK(creche_group_close(group));
  OK(creche_sleep(group.scope, 0, NULL, see, &s[2], NULL)); /* closed, but not empty */
  settle();
  assert_int_equal(g.finals, 0);
  OK(creche_scope_cancel(group.scope, NULL));
  settle();
  assert_int_equal(g.finals, 1);
  IS(creche_sleep(group.scope, 0, NULL, see, &s[0], NULL), CRECHE_E_ENDED);
}

/* 36, 37, 32: the first failure cancels the siblings; later ones are kept; CANCELLED is not. */
static void fail_fast(void** state) {
  seen g = {0}, s[3] = {{0}, {0}, {0}}, late = {0};
  creche_group group = group_in(loop.scope, NULL, &g);
  creche_task failing;
  (void)state;
  failing = spawn(group.scope, body_waits, &s[0]);
  spawn(group.scope, body_waits, &s[1]);
  op(group.scope, &s[2]);
  OK(creche_group_close(group));
  settle();
  OK(creche_task_finish(failing, -1000, 0, NULL));
  settle();
  assert_int_equal(s[0].status, -1000);
  assert_int_equal(s[1].cancels, 1);
  assert_int_equal(s[2].status, CRECHE_E_CANCELLED);
  assert_int_equal(s[2].reason, CRECHE_REASON_SIBLING);
  assert_int_equal(s[2].by.id, failing.scope.id);
  op(group.scope, &late); /* 32: also for what is started after the failure */
  settle();
  assert_int_equal(late.status, CRECHE_E_CANCELLED);
  assert_int_equal(late.by.id, failing.scope.id);
  assert_int_equal(g.finals, 0);
  OK(creche_task_finish(s[1].task, -1001, 0, NULL)); /* fails while it unwinds */
  settle();
  assert_int_equal(g.status, CRECHE_E_GROUP);
  assert_int_equal(g.flags, CRECHE_CAUGHT);
  assert_int_equal(g.reason, CRECHE_REASON_SIBLING);
  assert_int_equal(g.children, 2);
  assert_int_equal(g.child[0], -1000);
  assert_int_equal(g.child[1], -1001);
  assert_true(g.order > s[1].order && g.order > late.order);
}

/* 41: one error is a tree all the same. 40: nested groups keep their shape. */
static const creche_error* kept;
static void keep(void* user, const creche_completion* c) {
  note(user, c);
  kept = creche_error_keep(c->error);
}
static void errors_are_a_tree(void** state) {
  seen s[3] = {{0}, {0}, {0}}, gi = {0}, go = {0};
  creche_group_options o = policy(CRECHE_FAIL_FAST);
  creche_group outer, inner;
  const creche_error* leaves[4];
  (void)state;
  o.shield = 1;
  OK(creche_group_open(loop.scope, NULL, keep, &go, &outer));
  inner = group_in(outer.scope, &o, &gi);
  spawn(inner.scope, body_waits, &s[0]);
  spawn(outer.scope, body_waits, &s[1]);
  op(outer.scope, &s[2]);
  OK(creche_group_close(inner));
  OK(creche_group_close(outer));
  settle();
  OK(creche_task_finish(s[1].task, -1001, 0, NULL));
  OK(creche_task_finish(s[0].task, -1000, 0, NULL));
  settle();
  assert_int_equal(gi.status, CRECHE_E_GROUP);
  assert_int_equal(gi.children, 1);
  assert_int_equal(go.children, 2);
  assert_int_equal(go.child[0], -1001);
  assert_int_equal(go.child[1], CRECHE_E_GROUP);
  assert_int_equal(creche_error_flatten(kept, leaves, 4), 2);
  assert_int_equal(leaves[0]->status, -1001);
  assert_int_equal(leaves[1]->status, -1000);
  creche_error_release(kept);
}

/* 38: cancelling the outer group reaches the leaves of two inner ones. */
static void cancellation_is_inherited(void** state) {
  seen s[4], gi[2], go = {0};
  creche_group outer = group_in(loop.scope, NULL, &go), inner;
  int i;
  (void)state;
  memset(s, 0, sizeof s);
  memset(gi, 0, sizeof gi);
  for (i = 0; i < 2; i++) {
    inner = group_in(outer.scope, NULL, &gi[i]);
    op(inner.scope, &s[2 * i]);
    op(inner.scope, &s[2 * i + 1]);
    OK(creche_group_close(inner));
  }
  OK(creche_group_close(outer));
  OK(creche_scope_cancel(outer.scope, NULL));
  settle();
  for (i = 0; i < 4; i++) assert_int_equal(s[i].status, CRECHE_E_CANCELLED);
  for (i = 0; i < 2; i++) assert_int_equal(gi[i].status, CRECHE_E_CANCELLED);
  for (i = 0; i < 2; i++) assert_int_equal(gi[i].flags, CRECHE_PASSING);
  assert_int_equal(go.status, CRECHE_OK);
  assert_int_equal(go.flags, CRECHE_CAUGHT);
}

/* 48: a cancellation while a closed group waits: the waiting goes on. */
static void cancelled_while_it_waits(void** state) {
  seen g = {0}, s = {0};
  creche_group group = group_in(loop.scope, NULL, &g);
  (void)state;
  spawn(group.scope, body_waits, &s);
  OK(creche_group_close(group));
  settle();
  OK(creche_scope_cancel(group.scope, NULL));
  settle();
  assert_int_equal(s.cancels, 1);
  assert_int_equal(g.finals, 0);
  OK(creche_task_finish(s.task, CRECHE_E_CANCELLED, 0, NULL));
  settle();
  assert_int_equal(g.flags, CRECHE_CAUGHT);
}

/* A child that swallows its cancellation is a success, and nothing was caught. */
static void swallowed(void** state) {
  seen g = {0}, s = {0};
  creche_group group = group_in(loop.scope, NULL, &g);
  (void)state;
  spawn(group.scope, body_waits, &s);
  OK(creche_group_close(group));
  settle();
  OK(creche_scope_cancel(group.scope, NULL));
  OK(creche_task_finish(s.task, CRECHE_OK, 3, NULL));
  settle();
  assert_int_equal(s.status, CRECHE_OK);
  assert_int_equal(s.value, 3);
  assert_int_equal(g.status, CRECHE_OK);
  assert_int_equal(g.flags, 0);
}

/* ---- COLLECT and gather ---- */
static creche_completion gathered[8];
static size_t gathered_n;
static creche_status gathered_error[8];
static void copy_gathered(void* user, const creche_completion* c) {
  const creche_completion* all = c->data;
  size_t i;
  note(user, c);
  gathered_n = c->data_size / sizeof *all;
  for (i = 0; i < gathered_n && i < 8; i++) {
    gathered[i] = all[i];
    gathered_error[i] = all[i].error != NULL ? all[i].error->status : CRECHE_OK;
  }
}
static void collect_and_gather(void** state) {
  seen g = {0}, b[3] = {{0}, {0}, {0}};
  creche_group_options o = policy(CRECHE_COLLECT);
  creche_group group;
  int marks[4];
  (void)state;
  OK(creche_group_open(loop.scope, &o, copy_gathered, &g, &group));
  OK(creche_task_spawn(group.scope, body_waits, &b[0], NULL, creche_to_group, &marks[0], NULL));
  OK(creche_task_spawn(group.scope, body_fails, &b[1], NULL, creche_to_group, &marks[1], NULL));
  OK(creche_sleep(group.scope, 0, NULL, creche_to_group, &marks[2], NULL));
  OK(creche_task_spawn(group.scope, body_succeeds, &b[2], NULL, creche_nobody, NULL, NULL));
  OK(creche_group_close(group));
  settle();
  assert_int_equal(b[0].cancels, 0); /* nobody is cancelled */
  OK(creche_task_finish(b[0].task, CRECHE_OK, 42, NULL));
  settle();
  assert_int_equal(g.status, CRECHE_OK); /* never GROUP */
  assert_int_equal(g.value, 3);
  assert_int_equal(gathered_n, 3);
  assert_int_equal(gathered[0].status, CRECHE_OK); /* in the order of starting */
  assert_int_equal(gathered[0].value, 42);
  assert_ptr_equal(gathered[0].user, &marks[0]);
  assert_int_equal(gathered[1].status, CRECHE_E_USER);
  assert_int_equal(gathered_error[1], CRECHE_E_USER);
  assert_int_equal(gathered[2].status, CRECHE_OK);
  assert_ptr_equal(gathered[2].user, &marks[2]);
}

/* A group's result in a group's result, kept for an outer one. */
static void gather_in_gather(void** state) {
  seen g = {0};
  creche_group outer, inner;
  (void)state;
  OK(creche_group_open(loop.scope, NULL, copy_gathered, &g, &outer));
  OK(creche_group_open(outer.scope, NULL, creche_to_group, NULL, &inner));
  OK(creche_sleep(inner.scope, 0, NULL, creche_to_group, NULL, NULL));
  OK(creche_group_close(inner));
  OK(creche_group_close(outer));
  settle();
  assert_int_equal(gathered_n, 1);
  assert_int_equal(gathered[0].value, 1);
  assert_int_equal(gathered[0].data_size, sizeof(creche_completion));
}

static void collect_passes_cancellation(void** state) {
  seen g = {0}, s = {0}, f = {0};
  creche_group_options o = policy(CRECHE_COLLECT);
  creche_scope scope = scope_in(loop.scope, NULL);
  creche_group group = group_in(scope, &o, &g);
  (void)state;
  spawn(group.scope, body_fails, &f);
  op(group.scope, &s);
  OK(creche_group_close(group));
  settle();
  OK(creche_scope_cancel(scope, NULL));
  settle();
  assert_int_equal(g.status, CRECHE_E_CANCELLED);
  assert_int_equal(g.flags, CRECHE_PASSING);
  OK(creche_scope_leave(scope, NULL));
}

/* ---- RACE ---- */
static void a_race_is_won(void** state) {
  seen g = {0}, s[4] = {{0}, {0}, {0}, {0}};
  creche_group_options o = policy(CRECHE_RACE);
  creche_group group = group_in(loop.scope, &o, &g);
  creche_task winner;
  (void)state;
  spawn(group.scope, body_fails, &s[0]); /* does not stop the others */
  winner = spawn(group.scope, body_waits, &s[1]);
  op(group.scope, &s[2]);
  spawn(group.scope, body_obeys, &s[3]);
  OK(creche_group_close(group));
  settle();
  assert_int_equal(s[0].status, CRECHE_E_USER);
  assert_int_equal(s[2].finals, 0);
  OK(creche_task_finish(winner, CRECHE_OK, 9, NULL));
  settle();
  assert_int_equal(s[2].status, CRECHE_E_CANCELLED);
  assert_int_equal(s[2].reason, CRECHE_REASON_RACE);
  assert_int_equal(s[2].by.id, winner.scope.id);
  assert_int_equal(s[3].status, CRECHE_E_CANCELLED);
  assert_int_equal(g.status, CRECHE_OK);
  assert_int_equal(g.flags, CRECHE_CAUGHT);
}

static void a_race_is_lost(void** state) {
  seen g = {0}, s[2] = {{0}, {0}};
  creche_group_options o = policy(CRECHE_RACE);
  creche_group group = group_in(loop.scope, &o, &g);
  (void)state;
  spawn(group.scope, body_fails, &s[0]);
  spawn(group.scope, body_fails, &s[1]);
  OK(creche_group_close(group));
  settle();
  assert_int_equal(g.status, CRECHE_E_GROUP);
  assert_int_equal(g.children, 2);
}

/* ---- Limits ---- */
enum { MANY = 6 };
static void first_in_first_out(void** state) {
  seen g = {0}, s[MANY];
  creche_task task[MANY];
  creche_group_options o = policy(CRECHE_FAIL_FAST);
  creche_group group;
  int i, begun, turn;
  (void)state;
  memset(s, 0, sizeof s);
  o.limit = 2;
  group = group_in(loop.scope, &o, &g);
  for (i = 0; i < MANY; i++) task[i] = spawn(group.scope, body_waits, &s[i]);
  OK(creche_group_close(group));
  for (turn = 0; turn < MANY; turn++) {
    settle();
    for (begun = i = 0; i < MANY; i++) {
      if (s[i].begins > 0) assert_int_equal(begun++, i); /* in order, without a gap */
    }
    assert_int_equal(begun, turn + 2 < MANY ? turn + 2 : MANY);
    OK(creche_task_finish(task[turn], CRECHE_OK, 0, NULL));
  }
  settle();
  assert_int_equal(g.status, CRECHE_OK);
}

/* What a child's callback starts goes before those that wait, in its own order. */
typedef struct follower {
  creche_group group;
  seen s[2];
  int followed;
} follower;
static void follow(void* user, const creche_completion* c) {
  follower* f = user;
  (void)c;
  f->followed = 1;
  SAY(creche_sleep(f->group.scope, 0, NULL, see, &f->s[0], NULL));
  SAY(creche_sleep(f->group.scope, 0, NULL, see, &f->s[1], NULL));
}
static void follow_ups_go_first(void** state) {
  seen g = {0}, waiting = {0};
  follower f;
  creche_group_options o = policy(CRECHE_FAIL_FAST);
  (void)state;
  memset(&f, 0, sizeof f);
  o.limit = 1;
  f.group = group_in(loop.scope, &o, &g);
  OK(creche_sleep(f.group.scope, 0, NULL, follow, &f, NULL));
  OK(creche_sleep(f.group.scope, 0, NULL, see, &waiting, NULL));
  OK(creche_group_close(f.group));
  until(&g.finals, 1);
  assert_int_equal(f.followed, 1);
  assert_true(f.s[0].order < f.s[1].order);
  assert_true(f.s[1].order < waiting.order);
  assert_true(waiting.order < g.order);
}

/* Groups in a group pass its limit; cancelled waiters begin at once. */
static void groups_pass_the_limit(void** state) {
  seen g = {0}, gi = {0}, first = {0}, inside = {0}, waiting = {0}, waiting2 = {0};
  creche_group_options o = policy(CRECHE_FAIL_FAST);
  creche_group group, inner;
  creche_task task;
  (void)state;
  o.limit = 1;
  group = group_in(loop.scope, &o, &g);
  op(group.scope, &first);
  inner = group_in(group.scope, NULL, &gi);
  op(inner.scope, &inside);
  OK(creche_group_close(inner));
  task = spawn(group.scope, body_waits, &waiting);
  OK(creche_sleep_until(group.scope, CRECHE_NEVER, NULL, see, &waiting2, NULL));
  OK(creche_group_close(group));
  settle();
  assert_int_equal(waiting.begins, 0);
  OK(creche_scope_cancel(task.scope, NULL));
  settle();
  assert_int_equal(waiting.begins, 1);
  assert_int_equal(waiting.cancels, 1);
  OK(creche_task_finish(task, CRECHE_E_CANCELLED, 0, NULL));
  settle();
  assert_int_equal(waiting.status, CRECHE_E_CANCELLED);
  assert_int_equal(waiting2.finals, 0);
  OK(creche_scope_cancel(group.scope, NULL));
  settle();
  assert_int_equal(waiting2.status, CRECHE_E_CANCELLED);
  assert_int_equal(inside.status, CRECHE_E_CANCELLED);
  assert_int_equal(g.flags, CRECHE_CAUGHT);
}

/* ---- The body (35, 33) ---- */
static creche_task body_in(creche_group group, seen* s) {
  creche_task_options o = task_options();
  creche_task task;
  o.flags = CRECHE_TASK_BODY;
  OK(creche_task_open(group.scope, &o, see, s, &task));
  return task;
}
static void the_body_closes_its_group(void** state) {
  seen g = {0}, b = {0}, s = {0};
  creche_group_options o = policy(CRECHE_RACE);
  creche_group group;
  creche_task body;
  (void)state;
  o.limit = 1;
  group = group_in(loop.scope, &o, &g);
  op(group.scope, &s);
  body = body_in(group, &b);
  settle();
  assert_int_equal(b.begins, 1); /* it passes the limit */
  OK(creche_task_finish(body, CRECHE_OK, 0, NULL));
  settle();
  assert_int_equal(b.status, CRECHE_OK);
  assert_int_equal(s.finals, 0); /* and wins no race: returning does not cancel */
  OK(creche_scope_cancel(group.scope, NULL));
  settle();
  assert_int_equal(g.finals, 1);
}
static void a_failing_body_counts(void** state) {
  seen g = {0}, b = {0}, s = {0};
  creche_group group = group_in(loop.scope, NULL, &g);
  creche_task body = body_in(group, &b);
  (void)state;
  op(group.scope, &s);
  settle();
  OK(creche_task_finish(body, CRECHE_E_USER, 0, NULL));
  settle();
  assert_int_equal(s.reason, CRECHE_REASON_SIBLING);
  assert_int_equal(s.by.id, body.scope.id);
  assert_int_equal(g.status, CRECHE_E_GROUP);
  assert_int_equal(g.children, 1);
}
static void a_body_needs_a_group(void** state) {
  seen b = {0};
  creche_task_options o = task_options();
  creche_task task = {{1}};
  (void)state;
  o.flags = CRECHE_TASK_BODY;
  IS(creche_task_open(loop.scope, &o, see, &b, &task), CRECHE_E_INVALID);
  assert_int_equal(task.scope.id, 0);
  IS(creche_task_spawn(loop.scope, body_waits, &b, &o, see, &b, NULL), CRECHE_E_UNSUPPORTED);
}

/* max_errors: more are counted. */
static void errors_are_bounded(void** state) {
  seen g = {0}, s[5], g0 = {0}, s0 = {0};
  creche_group_options o = group_options();
  creche_group group;
  int i;
  (void)state;
  memset(s, 0, sizeof s);
  o.max_errors = 2;
  group = group_in(loop.scope, &o, &g);
  for (i = 0; i < 5; i++) spawn(group.scope, body_fails, &s[i]);
  OK(creche_group_close(group));
  settle();
  assert_int_equal(g.status, CRECHE_E_GROUP);
  assert_int_equal(g.children, 2);
  assert_int_equal(g.dropped, 3);
  o.max_errors = 0; /* keeps none, and fails all the same */
  group = group_in(loop.scope, &o, &g0);
  spawn(group.scope, body_fails, &s0);
  OK(creche_group_close(group));
  settle();
  assert_int_equal(g0.status, CRECHE_E_GROUP);
  assert_int_equal(g0.children, 0);
  assert_int_equal(g0.dropped, 1);
}

/* ---- Grace ---- */
static void who_stalls_is_named(int cancelled_before) {
  seen g = {0}, lazy = {0}, deep = {0}, s = {0}, gi = {0};
  creche_group_options o = group_options();
  creche_scope scope = scope_in(loop.scope, NULL);
  creche_group group, inner;
  int64_t start;
  o.grace = 10 * CRECHE_MILLISECOND;
  if (cancelled_before) OK(creche_scope_cancel(scope, NULL));
  group = group_in(scope, &o, &g);
  inner = group_in(group.scope, NULL, &gi);
  spawn(group.scope, body_waits, &lazy);
  spawn(inner.scope, body_waits, &deep);
  spawn(group.scope, body_obeys, &s);
  OK(creche_group_close(inner));
  OK(creche_group_close(group));
  settle();
  start = now();
  if (!cancelled_before) OK(creche_scope_cancel(scope, NULL));
  until(&lazy.stalls, 1);
  until(&deep.stalls, 1);
  if (!cancelled_before) assert_true(now() - start >= o.grace);
  assert_int_equal(s.stalls, 0);
  OK(creche_task_finish(lazy.task, CRECHE_E_CANCELLED, 0, NULL));
  OK(creche_task_finish(deep.task, CRECHE_E_CANCELLED, 0, NULL));
  settle();
  assert_int_equal(g.finals, 1);
  OK(creche_scope_leave(scope, NULL));
}
static void stalled_tasks_are_named(void** state) {
  (void)state;
  who_stalls_is_named(0);
}
static void stalled_in_a_cancelled_scope(void** state) {
  (void)state;
  who_stalls_is_named(1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(an_empty_group),
      TEST(open_until_closed),
      TEST(fail_fast),
      TEST(errors_are_a_tree),
      TEST(cancellation_is_inherited),
      TEST(cancelled_while_it_waits),
      TEST(swallowed),
      TEST(collect_and_gather),
      TEST(gather_in_gather),
      TEST(collect_passes_cancellation),
      TEST(a_race_is_won),
      TEST(a_race_is_lost),
      TEST(first_in_first_out),
      TEST(follow_ups_go_first),
      TEST(groups_pass_the_limit),
      TEST(the_body_closes_its_group),
      TEST(a_failing_body_counts),
      TEST(a_body_needs_a_group),
      TEST(errors_are_bounded),
      TEST(stalled_tasks_are_named),
      TEST(stalled_in_a_cancelled_scope),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Groups and tasks: failures, bodies, misnesting, precancelled children. See CASES.md. */
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

static creche_group_options policy(uint32_t which) {
  creche_group_options o = group_options();
  o.policy = which;
  return o;
}
static creche_task body_in(creche_group group, seen* s) {
  creche_task_options o = task_options();
  creche_task task;
  o.flags = CRECHE_TASK_BODY;
  OK(creche_task_open(group.scope, &o, see, s, &task));
  return task;
}

/* A failure reaches siblings of every kind, names who failed, and none of their ends counts. */
static void a_failure_reaches_every_kind(void** state) {
  seen g = {0}, f = {0};
  leaf l[KINDS];
  creche_group group = group_in(loop.scope, NULL, &g);
  creche_task failing;
  int k;
  (void)state;
  failing = spawn(group.scope, body_waits, &f);
  for (k = 0; k < KINDS; k++) start_kind(&l[k], (kind)k, group.scope, NULL);
  OK(creche_group_close(group));
  at_work(l, KINDS);
  OK(creche_task_finish(failing, -1000, 0, NULL));
  for (k = 0; k < KINDS; k++) passed_through(&l[k], CRECHE_REASON_SIBLING, "", failing.scope);
  until(&g.finals, 1);
  assert_int_equal(g.status, CRECHE_E_GROUP);
  assert_int_equal(g.flags, CRECHE_CAUGHT);
  assert_int_equal(g.children, 1);
  assert_int_equal(g.child[0], -1000);
}

/* The same for what is started after the failure. */
static void started_after_the_failure(void** state) {
  seen g = {0}, f = {0};
  leaf l[KINDS];
  creche_group group = group_in(loop.scope, NULL, &g);
  creche_task failing;
  int k;
  (void)state;
  failing = spawn(group.scope, body_waits, &f);
  settle();
  OK(creche_task_finish(failing, -1000, 0, NULL));
  for (k = 0; k < KINDS; k++) start_kind(&l[k], (kind)k, group.scope, NULL);
  OK(creche_group_close(group));
  for (k = 0; k < KINDS; k++) passed_through(&l[k], CRECHE_REASON_SIBLING, "", failing.scope);
  until(&g.finals, 1);
  assert_int_equal(g.children, 1);
}

/* Children of every kind that fail count, by a callback, a queue, the group's result and with
 * nobody told; in the order in which they failed. */
static creche_status offload_fails(void* arg, creche_task task, uint64_t* value) {
  (void)arg;
  (void)task;
  (void)value;
  return -1003;
}
static void finish_with(void* user, const creche_completion* c) {
  if (c->kind == CRECHE_BEGIN) creche_task_finish(c->task, (creche_status)(intptr_t)user, 0, NULL);
}
static void failures_of_every_kind_count(void** state) {
  static const creche_status expected[] = {-1001, -1002, -1003, CRECHE_E_TIMEOUT, CRECHE_E_GROUP};
  seen g = {0}, gi = {0}, f = {0}, other = {0};
  creche_group_options o = group_options();
  creche_task_options t = task_options();
  creche_offload_options off;
  creche_queue queue;
  creche_group group, inner;
  creche_completion drained[4];
  creche_scope section;
  size_t n = 0;
  int i;
  (void)state;
  OK(creche_queue_open(loop, NULL, &queue));
  group = group_in(loop.scope, NULL, &g);
  t.shield = 1; /* so that none is cancelled by the failure before */
  t.queue = queue;
  OK(creche_task_spawn(group.scope, finish_with, (void*)(intptr_t)-1001, &t, NULL, NULL, NULL));
  settle();
  section = scope_in(group.scope, NULL);
  OK(creche_task_spawn(section, finish_with, (void*)(intptr_t)-1002, &t, creche_to_group, NULL,
                       NULL));
  settle();
  OK(creche_scope_leave(section, NULL));
  OK(creche_offload_options_init(&off, sizeof off));
  off.task = &t;
  OK(creche_offload(group.scope, offload_fails, NULL, &off, see, &f, NULL));
  until(&f.finals, 1);
  t.timeout = 0;
  OK(creche_sleep_until(group.scope, CRECHE_NEVER, &t, creche_nobody, NULL, NULL));
  settle();
  o.shield = 1;
  inner = group_in(group.scope, &o, &gi);
  spawn(inner.scope, body_fails, &other);
  OK(creche_group_close(inner));
  OK(creche_group_close(group));
  until(&g.finals, 1);
  assert_int_equal(g.status, CRECHE_E_GROUP);
  assert_int_equal(g.children, 5);
  for (i = 0; i < 5; i++) assert_int_equal(g.child[i], expected[i]);
  OK(creche_queue_drain(queue, drained, 4, &n));
  assert_int_equal(n, 1);
  assert_int_equal(drained[0].status, -1001);
  creche_completions_release(drained, n);
  creche_queue_release(queue);
}

/* A body that fails alone: a list of one. */
static void a_body_fails_alone(void** state) {
  seen g = {0}, b = {0};
  creche_group group = group_in(loop.scope, NULL, &g);
  creche_task body = body_in(group, &b);
  (void)state;
  settle();
  OK(creche_task_finish(body, -1000, 0, NULL));
  settle();
  assert_int_equal(g.status, CRECHE_E_GROUP);
  assert_int_equal(g.error_status, CRECHE_E_GROUP);
  assert_int_equal(g.children, 1);
  assert_int_equal(g.child[0], -1000);
  assert_int_equal(g.flags, 0); /* nobody else was there to be cancelled */
}

/* Body and child fail, or two children in one turn: both are kept. */
static void both_crash(void** state) {
  seen g[2] = {{0}, {0}}, b = {0}, s[3] = {{0}, {0}, {0}};
  creche_group group = group_in(loop.scope, NULL, &g[0]);
  creche_task body = body_in(group, &b);
  int i;
  (void)state;
  spawn(group.scope, body_waits, &s[0]);
  settle();
  OK(creche_task_finish(body, -1000, 0, NULL));
  OK(creche_task_finish(s[0].task, -1001, 0, NULL));
  settle();
  assert_int_equal(g[0].children, 2);
  assert_int_equal(g[0].child[0], -1000);
  assert_int_equal(g[0].child[1], -1001);

  group = group_in(loop.scope, NULL, &g[1]);
  for (i = 1; i < 3; i++) spawn(group.scope, body_fails, &s[i]);
  OK(creche_group_close(group));
  settle();
  assert_int_equal(g[1].children, 2);
}

/* In a cancelled scope: a child that submits nothing ends well, and so does its group; a body's
 * error is exactly that error. */
static void in_a_cancelled_scope(void** state) {
  seen g = {0}, s = {0}, b = {0}, gb = {0};
  creche_outcome outcome;
  creche_scope scope = scope_in(loop.scope, NULL);
  creche_group group;
  creche_task body;
  (void)state;
  OK(creche_scope_cancel(scope, NULL));
  group = group_in(scope, NULL, &g);
  spawn(group.scope, body_succeeds, &s);
  OK(creche_group_close(group));
  settle();
  assert_int_equal(s.status, CRECHE_OK);
  assert_int_equal(s.value, 7);
  assert_int_equal(s.flags, 0);
  assert_int_equal(g.status, CRECHE_OK);
  assert_int_equal(g.flags, 0);

  group = group_in(scope, NULL, &gb);
  body = body_in(group, &b);
  settle();
  OK(creche_task_finish(body, -1000, 0, NULL));
  settle();
  assert_int_equal(gb.status, CRECHE_E_GROUP);
  assert_int_equal(gb.flags, 0);
  assert_int_equal(gb.children, 1);
  OK(creche_scope_leave(scope, &outcome));
  assert_int_equal(outcome.status, CRECHE_OK);
  assert_int_equal(outcome.flags, 0); /* nothing that was cancelled has come out */
}

/* A group that was cancelled from outside keeps its errors and lets the cancellation through. */
static void an_error_beside_a_cancellation(void** state) {
  seen g = {0}, o = {0}, s = {0}, c = {0};
  creche_outcome outcome;
  creche_scope scope = scope_in(loop.scope, NULL);
  creche_group outer = group_in(scope, NULL, &o), group = group_in(outer.scope, NULL, &g);
  (void)state;
  spawn(group.scope, body_waits, &s);
  op(group.scope, &c);
  OK(creche_group_close(group));
  OK(creche_group_close(outer));
  settle();
  OK(creche_scope_cancel(scope, "outside"));
  OK(creche_task_finish(s.task, -1000, 0, NULL));
  settle();
  assert_int_equal(g.status, CRECHE_E_GROUP);
  assert_int_equal(g.flags, CRECHE_PASSING);
  assert_int_equal(g.reason, CRECHE_REASON_EXPLICIT);
  assert_int_equal(o.status, CRECHE_E_GROUP);
  assert_int_equal(o.flags, CRECHE_PASSING);
  assert_int_equal(o.children, 1);
  assert_int_equal(o.child[0], CRECHE_E_GROUP);
  OK(creche_scope_leave(scope, &outcome));
  assert_int_equal(outcome.flags, CRECHE_CAUGHT);
}

/* A group fails, and before it ends what is around it is cancelled: the outer one catches. */
static void the_outer_one_catches_a_failed_group(void** state) {
  seen g = {0}, s = {0}, f = {0};
  creche_outcome outcome;
  creche_scope scope = scope_in(loop.scope, NULL);
  creche_group group = group_in(scope, NULL, &g);
  (void)state;
  spawn(group.scope, body_waits, &s);
  spawn(group.scope, body_fails, &f);
  OK(creche_group_close(group));
  settle();
  assert_int_equal(s.cancels, 1);
  OK(creche_scope_cancel(scope, "later"));
  OK(creche_task_finish(s.task, CRECHE_E_CANCELLED, 0, NULL));
  settle();
  assert_int_equal(s.reason, CRECHE_REASON_SIBLING); /* the first one sticks */
  assert_int_equal(g.status, CRECHE_E_GROUP);
  assert_int_equal(g.flags, CRECHE_PASSING);
  OK(creche_scope_leave(scope, &outcome));
  assert_int_equal(outcome.flags, CRECHE_CAUGHT);
}

/* ---- Misnesting ---- */
/* A task leaves groups in groups and scopes in them open: all are cancelled and closed, none is
 * waited for in vain; what they hold is cleaned up before the task ends. */
static void everything_open_is_closed(void** state) {
  seen g = {0}, s = {0}, g1 = {0}, g2 = {0}, a = {0}, b = {0};
  leaf l[KINDS];
  creche_group group = group_in(loop.scope, NULL, &g), first, second;
  creche_task task = spawn(group.scope, body_waits, &s);
  creche_scope section, shielded;
  creche_scope_options o = scope_options();
  int k;
  (void)state;
  o.shield = 1;
  OK(creche_group_close(group));
  settle();
  section = scope_in(task.scope, NULL);
  first = group_in(section, NULL, &g1);
  shielded = scope_in(first.scope, &o);
  second = group_in(shielded, NULL, &g2);
  op(second.scope, &a);
  spawn(scope_in(second.scope, &o), body_waits, &b);
  for (k = 0; k < KINDS; k++) {
    start_kind(&l[k], (kind)k, first.scope, NULL);
  }
  at_work(l, KINDS);
  OK(creche_task_finish(task, CRECHE_OK, 0, NULL));
  for (k = 0; k < KINDS; k++) {
    until(&l[k].s.finals, 1);
    assert_int_equal(l[k].s.status, CRECHE_E_CANCELLED);
    assert_int_equal(l[k].s.reason, CRECHE_REASON_MISNESTED);
    assert_int_equal(l[k].s.by.id, task.scope.id);
  }
  until(&a.finals, 1);
  assert_int_equal(a.reason, CRECHE_REASON_MISNESTED);
  assert_int_equal(b.cancels, 1);
  assert_int_equal(s.finals, 0); /* it waits for the clean-up */
  OK(creche_task_finish(b.task, -1005, 0, NULL));
  settle();
  assert_int_equal(g2.status, CRECHE_E_GROUP);
  assert_int_equal(g1.finals, 1);
  assert_int_equal(s.status, CRECHE_E_MISNESTED);
  assert_true(s.order > g1.order && g1.order > g2.order && g2.order > b.order);
  assert_int_equal(g.status, CRECHE_E_GROUP);
  assert_int_equal(g.children, 1); /* what the abandoned say is theirs */
  assert_int_equal(g.child[0], CRECHE_E_MISNESTED);
}

/* A group that the task had closed is no misnesting, whatever is opened and closed in it later. */
static void a_closed_group_works_on(void** state) {
  seen s = {0}, g1 = {0}, g2 = {0}, a = {0};
  creche_group first, second;
  creche_task task = spawn(loop.scope, body_waits, &s);
  (void)state;
  settle();
  first = group_in(task.scope, NULL, &g1);
  second = group_in(first.scope, NULL, &g2);
  OK(creche_group_close(first));
  OK(creche_task_finish(task, CRECHE_OK, 0, NULL));
  settle();
  assert_int_equal(g2.finals, 0);
  OK(creche_sleep(second.scope, 0, NULL, see, &a, NULL));
  OK(creche_group_close(second));
  settle();
  assert_int_equal(a.status, CRECHE_OK);
  assert_int_equal(g1.status, CRECHE_OK);
  assert_int_equal(s.status, CRECHE_OK);
}

/* Nobody is left who would close it: then the end of the loop does. */
static void the_loop_closes_what_nobody_will(int finish_first) {
  seen s = {0}, t = {0}, g1 = {0}, g2 = {0};
  creche_group first, second;
  creche_task outer = spawn(loop.scope, body_waits, &t), task;
  settle();
  task = spawn(outer.scope, body_waits, &s);
  settle();
  first = group_in(task.scope, NULL, &g1);
  second = group_in(first.scope, NULL, &g2);
  OK(creche_group_close(first));
  if (finish_first) OK(creche_task_finish(task, CRECHE_OK, 0, NULL));
  settle();
  OK(creche_loop_close(loop));
  settle();
  if (!finish_first) OK(creche_task_finish(task, CRECHE_OK, 0, NULL));
  OK(creche_task_finish(outer, CRECHE_OK, 0, NULL));
  OK(creche_loop_join(loop, PATIENCE));
  assert_int_equal(g1.finals, 1);
  assert_int_equal(g2.finals, 1);
  assert_int_equal(s.finals, 1);
  assert_int_equal(t.finals, 1);
  (void)second;
}
static void left_open_at_the_end_of_the_loop(void** state) {
  (void)state;
  the_loop_closes_what_nobody_will(1);
}
static void finished_at_the_end_of_the_loop(void** state) {
  (void)state;
  the_loop_closes_what_nobody_will(0);
}

/* An offloaded function that is abandoned, or never ran, could leave nothing: no misnesting. */
static creche_status opens_a_scope(void* arg, creche_task task, uint64_t* value) {
  leaf* l = arg;
  (void)value;
  l->s.status = creche_scope_open(task.scope, NULL, &l->around);
  atomic_store(&l->running, 1);
  while (creche_offload_cancelled(task) != CRECHE_E_ENDED) sched_yield(); /* until abandoned */
  return CRECHE_OK;
}
static void abandoned_in_the_middle(void** state) {
  seen g = {0}, s[2] = {{0}, {0}};
  leaf l = {0}, m = {0};
  creche_offload_options o;
  creche_group group = group_in(loop.scope, NULL, &g);
  creche_task task;
  (void)state;
  OK(creche_offload_options_init(&o, sizeof o));
  o.flags = CRECHE_OFFLOAD_ABANDON;
  OK(creche_offload(group.scope, opens_a_scope, &l, &o, see, &s[0], &task));
  while (!atomic_load(&l.running)) creche_loop_poll(loop, 0);
  OK(l.s.status);
  OK(creche_scope_cancel(task.scope, NULL));
  until(&s[0].finals, 1);
  assert_int_equal(s[0].status, CRECHE_E_CANCELLED);
  IS(creche_scope_leave(l.around, NULL), CRECHE_E_ENDED);

  OK(creche_offload(group.scope, opens_a_scope, &m, NULL, see, &s[1], &task));
  scope_in(task.scope, NULL);
  OK(creche_scope_cancel(task.scope, NULL));
  until(&s[1].finals, 1);
  assert_int_equal(s[1].status, CRECHE_E_CANCELLED);
  OK(creche_group_close(group));
  settle();
  assert_int_equal(g.status, CRECHE_OK);
}

/* Nobody fabricates a cancellation: not a user task (see tasks_test.c), not an external one, not an
 * offloaded function; one whose step was cancelled was not cancelled itself. */
static creche_status claims_cancelled(void* arg, creche_task task, uint64_t* value) {
  (void)arg;
  (void)task;
  (void)value;
  return CRECHE_E_CANCELLED;
}
static void fabricated_cancellations(void** state) {
  seen g = {0}, e = {0}, f = {0}, step = {0}, s = {0};
  creche_group_options o = policy(CRECHE_COLLECT);
  creche_group group = group_in(loop.scope, &o, &g);
  creche_task task, inner;
  (void)state;
  OK(creche_task_open(group.scope, NULL, see, &e, &task));
  settle();
  OK(creche_task_finish(task, CRECHE_E_CANCELLED, 0, NULL));
  OK(creche_offload(group.scope, claims_cancelled, NULL, NULL, see, &f, NULL));
  task = spawn(group.scope, body_waits, &s);
  settle();
  inner = op(task.scope, &step);
  OK(creche_scope_cancel(inner.scope, NULL));
  settle();
  OK(creche_task_finish(task, CRECHE_E_CANCELLED, 0, NULL));
  OK(creche_group_close(group));
  until(&g.finals, 1);
  assert_int_equal(e.status, CRECHE_E_NOT_CANCELLED);
  assert_int_equal(f.status, CRECHE_E_NOT_CANCELLED);
  assert_int_equal(step.flags, CRECHE_CAUGHT);
  assert_int_equal(s.status, CRECHE_E_NOT_CANCELLED);
}

/* An error that is raised while a task unwinds replaces its cancellation: it counts, nothing was
 * caught. */
static void an_error_while_unwinding(void** state) {
  seen g = {0}, s = {0};
  creche_group group = group_in(loop.scope, NULL, &g);
  creche_task task = spawn(group.scope, body_waits, &s);
  (void)state;
  OK(creche_group_close(group));
  settle();
  OK(creche_scope_cancel(group.scope, NULL));
  OK(creche_task_finish(task, -1000, 0, NULL));
  settle();
  assert_int_equal(s.status, -1000);
  assert_int_equal(s.flags, 0);
  assert_int_equal(g.status, CRECHE_E_GROUP);
  assert_int_equal(g.flags, 0);
}

/* Closed groups take more while the body, a child or a step lives; anyone may add. */
static void adding_to_a_closed_group(void** state) {
  seen g = {0}, b = {0}, s = {0}, late = {0};
  creche_group group = group_in(loop.scope, NULL, &g);
  creche_task body = body_in(group, &b);
  (void)state;
  OK(creche_group_close(group));
  settle();
  assert_int_equal(g.finals, 0); /* the body lives */
  OK(creche_sleep(group.scope, 0, NULL, see, &s, NULL));
  settle();
  assert_int_equal(s.status, CRECHE_OK);
  OK(creche_task_finish(body, CRECHE_OK, 0, NULL));
  settle();
  assert_int_equal(g.status, CRECHE_OK);
  IS(creche_sleep(group.scope, 0, NULL, see, &late, NULL), CRECHE_E_ENDED);
  IS(creche_task_spawn(group.scope, body_waits, &late, NULL, see, &late, NULL), CRECHE_E_ENDED);
  settle();
  assert_int_equal(late.begins + late.finals, 0);
}

/* The limit: a waiting operation that is cancelled says that it waited for it. */
static void cancelled_while_waiting_for_the_limit(void** state) {
  static const kind tried[] = {SLEEP, OPERATION, OFFLOAD};
  seen g = {0}, first = {0};
  leaf l[3];
  creche_group_options o = policy(CRECHE_FAIL_FAST);
  creche_group group;
  int i;
  (void)state;
  o.limit = 1;
  group = group_in(loop.scope, &o, &g);
  spawn(group.scope, body_waits, &first);
  for (i = 0; i < 3; i++) start_kind(&l[i], tried[i], group.scope, NULL);
  OK(creche_group_close(group));
  settle();
  OK(creche_scope_cancel(group.scope, "enough"));
  for (i = 0; i < 3; i++) {
    passed_through(&l[i], CRECHE_REASON_EXPLICIT, "enough", group.scope);
    assert_int_equal(l[i].s.phase, CRECHE_PHASE_LIMIT);
  }
  assert_int_equal(atomic_load(&l[2].running), 0);
  OK(creche_task_finish(first.task, CRECHE_E_CANCELLED, 0, NULL));
  settle();
  assert_int_equal(g.flags, CRECHE_CAUGHT);
}

/* Who waits for the limit begins when another one is cut: whoever stands behind them is cancelled
 * all the same. */
static void cut_while_yields_wait(void** state) {
  for (int told = 0; told < 2; told++) {
    creche_group_options o = group_options();
    seen end = {0}, yielded = {0}, inside = {0}, inner = {0};
    creche_group group, within;
    (void)state;
    o.limit = 1;
    group = group_in(loop.scope, &o, &end);
    OK(creche_sleep_until(group.scope, CRECHE_NEVER, NULL, creche_nobody, NULL, NULL));
    OK(creche_yield(group.scope, NULL, told ? see : creche_nobody, &yielded, NULL));
    within = group_in(group.scope, NULL, &inner);
    op(within.scope, &inside);
    OK(creche_group_close(within));
    OK(creche_group_close(group));
    settle();
    OK(creche_scope_cancel(group.scope, NULL));
    settle();
    assert_int_equal(yielded.status, told ? CRECHE_E_CANCELLED : 0);
    assert_int_equal(inside.status, CRECHE_E_CANCELLED);
    assert_int_equal(inner.status, CRECHE_E_CANCELLED);
    assert_int_equal(end.status, CRECHE_OK);
    assert_int_equal(end.flags, CRECHE_CAUGHT);
  }
}

/* A hundred thousand that end as they begin, each letting the next one begin: no recursion. */
static void one_lets_the_next_begin(void** state) {
  creche_group_options o = group_options();
  seen end = {0};
  creche_group group;
  (void)state;
  o.limit = 1;
  group = group_in(loop.scope, &o, &end);
  OK(creche_sleep(group.scope, 0, NULL, creche_nobody, NULL, NULL));
  for (int i = 0; i < 100000; i++) OK(creche_yield(group.scope, NULL, creche_nobody, NULL, NULL));
  OK(creche_group_close(group));
  until(&end.finals, 1);
  assert_int_equal(end.status, CRECHE_OK);
}

/* A task is told before what is in it ends, whether it is cancelled itself or with its group. */
typedef struct asked {
  seen s, step;
  int ended; /* its steps by then */
} asked;
static void body_asked(void* user, const creche_completion* c) {
  asked* a = user;
  note(&a->s, c);
  if (c->kind == CRECHE_CANCEL) a->ended = a->step.finals;
}
static void told_before_its_steps_end(void** state) {
  (void)state;
  for (int itself = 0; itself < 2; itself++) {
    seen end = {0};
    asked a;
    creche_group group = group_in(loop.scope, NULL, &end);
    creche_task task;
    memset(&a, 0, sizeof a);
    OK(creche_task_spawn(group.scope, body_asked, &a, NULL, creche_nobody, NULL, &task));
    settle();
    OK(creche_sleep_until(task.scope, CRECHE_NEVER, NULL, see, &a.step, NULL));
    OK(creche_scope_cancel(itself ? task.scope : group.scope, NULL));
    settle();
    assert_int_equal(a.s.cancels, 1);
    assert_int_equal(a.ended, 0);
    assert_int_equal(a.step.finals, 1);
    OK(creche_task_finish(task, CRECHE_E_CANCELLED, 0, NULL));
    OK(creche_group_close(group));
    settle();
    assert_int_equal(end.finals, 1);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST_ALL(a_failure_reaches_every_kind),
      TEST_ALL(started_after_the_failure),
      TEST(failures_of_every_kind_count),
      TEST(a_body_fails_alone),
      TEST(both_crash),
      TEST(in_a_cancelled_scope),
      TEST(an_error_beside_a_cancellation),
      TEST(the_outer_one_catches_a_failed_group),
      TEST_ALL(everything_open_is_closed),
      TEST(a_closed_group_works_on),
      TEST(left_open_at_the_end_of_the_loop),
      TEST(finished_at_the_end_of_the_loop),
      TEST(abandoned_in_the_middle),
      TEST(fabricated_cancellations),
      TEST(an_error_while_unwinding),
      TEST(adding_to_a_closed_group),
      TEST_ALL(cancelled_while_waiting_for_the_limit),
      TEST(cut_while_yields_wait),
      TEST(one_lets_the_next_begin),
      TEST(told_before_its_steps_end),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

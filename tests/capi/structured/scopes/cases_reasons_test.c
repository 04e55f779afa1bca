/* Reasons: every one of them, in every cancelled completion, and in what a task is told when it is
 * to stop. See CASES.md. */
#include "support/core.h"

/* A task that notes why it is to stop, and ends. */
typedef struct asked {
  seen s;               /* all that it was told */
  int told;             /* CRECHE_CANCEL */
  creche_status status; /* of its error */
  uint32_t reason;
  creche_scope by;
  char text[64];
} asked;
static void note_why(void* user, const creche_completion* c) {
  asked* a = user;
  note(&a->s, c);
  if (c->kind != CRECHE_CANCEL) return;
  a->told++;
  if (c->error != NULL) {
    a->status = c->error->status;
    a->reason = c->error->reason;
    a->by = c->error->by;
    snprintf(a->text, sizeof a->text, "%s",
             c->error->reason_text != NULL ? c->error->reason_text : "");
  }
  creche_task_finish(c->task, CRECHE_E_CANCELLED, 0, NULL);
}
/* A sleep, a user task and an external one in a scope. */
typedef struct three {
  seen sleep;
  asked user, external;
} three;
static void start_three(three* t, creche_scope in) {
  memset(t, 0, sizeof *t);
  op(in, &t->sleep);
  OK(creche_task_spawn(in, note_why, &t->user, NULL, see, &t->user.s, NULL));
  OK(creche_task_open(in, NULL, note_why, &t->external, NULL));
}
static void expect_reason(three* t, uint32_t reason, creche_scope by, const char* text) {
  asked* both[2];
  int i;
  both[0] = &t->user;
  both[1] = &t->external;
  until(&t->sleep.finals, 1);
  assert_int_equal(t->sleep.status, CRECHE_E_CANCELLED);
  assert_int_equal(t->sleep.reason, reason);
  assert_int_equal(t->sleep.by.id, by.id);
  assert_string_equal(t->sleep.text, text);
  for (i = 0; i < 2; i++) {
    until(&both[i]->s.finals, 1);
    assert_int_equal(both[i]->told, 1);
    assert_int_equal(both[i]->status, CRECHE_E_CANCELLED);
    assert_int_equal(both[i]->reason, reason);
    assert_int_equal(both[i]->by.id, by.id);
    assert_string_equal(both[i]->text, text);
    assert_int_equal(both[i]->s.status, CRECHE_E_CANCELLED);
    assert_int_equal(both[i]->s.reason, reason);
    assert_int_equal(both[i]->s.by.id, by.id);
  }
}

static void an_explicit_one(void** state) {
  three t;
  creche_scope scope = scope_in(loop.scope, NULL);
  (void)state;
  start_three(&t, scope);
  settle();
  OK(creche_scope_cancel(scope, "no longer wanted"));
  assert_int_equal(state_of(scope).reason, CRECHE_REASON_EXPLICIT);
  expect_reason(&t, CRECHE_REASON_EXPLICIT, scope, "no longer wanted");
  OK(creche_scope_leave(scope, NULL));
}

static void a_deadline(void** state) {
  three t;
  creche_scope_options o = scope_options();
  creche_scope scope;
  (void)state;
  o.timeout = CRECHE_MILLISECOND;
  scope = scope_in(loop.scope, &o);
  start_three(&t, scope);
  expect_reason(&t, CRECHE_REASON_DEADLINE, scope, "");
  OK(creche_scope_leave(scope, NULL));
}

static void a_sibling_and_a_race(void** state) {
  int race;
  (void)state;
  for (race = 0; race < 2; race++) {
    three t;
    seen g = {0}, s = {0};
    creche_group_options o = group_options();
    creche_group group;
    creche_task task;
    o.policy = race ? CRECHE_RACE : CRECHE_FAIL_FAST;
    group = group_in(loop.scope, &o, &g);
    start_three(&t, group.scope);
    task = spawn(group.scope, body_waits, &s);
    settle();
    OK(creche_task_finish(task, race ? CRECHE_OK : CRECHE_E_USER, 0, NULL));
    expect_reason(&t, race ? CRECHE_REASON_RACE : CRECHE_REASON_SIBLING, task.scope, "");
    OK(creche_group_close(group));
    until(&g.finals, 1);
  }
}

/* A body that fails is a sibling of the children. */
static void a_body(void** state) {
  three t;
  seen g = {0}, b = {0};
  creche_group group = group_in(loop.scope, NULL, &g);
  creche_task_options o = task_options();
  creche_task body;
  (void)state;
  o.flags = CRECHE_TASK_BODY;
  OK(creche_task_open(group.scope, &o, see, &b, &body));
  start_three(&t, group.scope);
  settle();
  OK(creche_task_finish(body, CRECHE_E_USER, 0, NULL));
  expect_reason(&t, CRECHE_REASON_SIBLING, body.scope, "");
  until(&g.finals, 1);
}

static void a_task_that_has_finished(void** state) {
  int misnested;
  (void)state;
  for (misnested = 0; misnested < 2; misnested++) {
    three t;
    seen s = {0};
    creche_task task = spawn(loop.scope, body_waits, &s);
    settle();
    start_three(&t, misnested ? scope_in(task.scope, NULL) : task.scope);
    settle();
    OK(creche_task_finish(task, misnested ? CRECHE_OK : CRECHE_E_USER, 0, NULL));
    expect_reason(&t, misnested ? CRECHE_REASON_MISNESTED : CRECHE_REASON_FINISHED, task.scope, "");
    until(&s.finals, 1);
    assert_int_equal(s.status, misnested ? CRECHE_E_MISNESTED : CRECHE_E_USER);
  }
}

static void the_end_of_the_loop(void** state) {
  three t;
  (void)state;
  start_three(&t, loop.scope);
  settle();
  OK(creche_loop_close(loop));
  expect_reason(&t, CRECHE_REASON_SHUTDOWN, loop.scope, "");
}

static void an_interrupt(void** state) {
  three t, u;
  creche_scope scope = scope_in(loop.scope, NULL);
  (void)state;
  start_three(&t, scope);
  settle();
  OK(creche_scope_interrupt(scope));
  expect_reason(&t, CRECHE_REASON_INTERRUPT, scope, "");
  OK(creche_scope_leave(scope, NULL));

  scope = scope_in(loop.scope, NULL); /* an earlier reason sticks */
  start_three(&u, scope);
  settle();
  OK(creche_scope_cancel(scope, "first"));
  OK(creche_scope_interrupt(scope));
  expect_reason(&u, CRECHE_REASON_EXPLICIT, scope, "first");
  OK(creche_scope_leave(scope, NULL));
}

/* Each sees the innermost reason that came first; what is outside of it sees the outer one. */
static void the_innermost_first(void** state) {
  three in, out;
  creche_scope outer = scope_in(loop.scope, NULL), inner = scope_in(outer, NULL);
  creche_outcome outcome;
  (void)state;
  start_three(&in, inner);
  start_three(&out, outer);
  settle();
  OK(creche_scope_cancel(inner, "inner"));
  OK(creche_scope_cancel(outer, "outer"));
  expect_reason(&in, CRECHE_REASON_EXPLICIT, inner, "inner");
  expect_reason(&out, CRECHE_REASON_EXPLICIT, outer, "outer");
  OK(creche_scope_leave(inner, &outcome));
  assert_int_equal(outcome.flags, CRECHE_PASSING);

  inner = scope_in(outer, NULL); /* cancelled from outside first: that one sticks */
  start_three(&in, inner);
  OK(creche_scope_cancel(inner, "too late"));
  expect_reason(&in, CRECHE_REASON_EXPLICIT, outer, "outer");
  OK(creche_scope_leave(inner, NULL));
  OK(creche_scope_leave(outer, NULL));
}

/* Cancelled again after a shield was up for a while: the new reason, not the one from before. */
static void a_new_reason_after_a_shield(void** state) {
  seen s = {0}, t = {0};
  creche_scope outer = scope_in(loop.scope, NULL), inner = scope_in(outer, NULL);
  creche_task task = spawn(inner, body_waits, &s);
  (void)state;
  settle();
  OK(creche_scope_cancel(outer, "outer"));
  settle();
  assert_string_equal(s.text, "outer");
  OK(creche_scope_set_shield(inner, 1));
  assert_int_equal(state_of(inner).reason, CRECHE_REASON_NONE);
  assert_int_equal(state_of(task.scope).reason, CRECHE_REASON_NONE);
  op(inner, &t);
  OK(creche_scope_cancel(inner, "its own"));
  settle();
  assert_string_equal(s.text, "its own");
  assert_int_equal(s.cancels, 2);
  assert_string_equal(t.text, "its own");
  assert_int_equal(t.by.id, inner.id);
  OK(creche_task_finish(task, CRECHE_OK, 0, NULL));
  settle();
  OK(creche_scope_leave(inner, NULL));
  OK(creche_scope_leave(outer, NULL));
}

/* Through a queue too; the error lives until the completion is released. */
static void told_through_a_queue(void** state) {
  creche_queue queue;
  creche_task_options o = task_options();
  creche_completion c[4];
  creche_task task;
  size_t n = 0;
  (void)state;
  OK(creche_queue_open(loop, NULL, &queue));
  o.queue = queue;
  OK(creche_task_open(loop.scope, &o, NULL, NULL, &task));
  OK(creche_scope_cancel(task.scope, "why not"));
  OK(creche_queue_drain(queue, c, 4, &n));
  assert_int_equal(n, 2);
  assert_int_equal(c[0].kind, CRECHE_BEGIN);
  assert_null(c[0].error);
  assert_int_equal(c[1].kind, CRECHE_CANCEL);
  assert_int_equal(c[1].status, CRECHE_OK);
  OK(creche_task_finish(task, CRECHE_E_CANCELLED, 0, NULL));
  settle();
  assert_string_equal(c[1].error->reason_text, "why not");
  assert_int_equal(c[1].error->by.id, task.scope.id);
  creche_completions_release(c, n);
  creche_queue_release(queue);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(an_explicit_one),
      TEST(a_deadline),
      TEST(a_sibling_and_a_race),
      TEST(a_body),
      TEST(a_task_that_has_finished),
      TEST(the_end_of_the_loop),
      TEST(an_interrupt),
      TEST(the_innermost_first),
      TEST(a_new_reason_after_a_shield),
      TEST(told_through_a_queue),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

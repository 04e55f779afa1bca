/* creche_yield ends in the next turn: behind the posts, deadlines and cancellations that came
 * before it, and not before any turn. */
#include "support/core.h"

static creche_outcome left(creche_scope scope) {
  creche_outcome outcome;
  OK(creche_scope_leave(scope, &outcome));
  return outcome;
}
static void one_turn(void) {
  IS(creche_loop_poll(loop, 0), CRECHE_OK);
}

static void told_in_the_next_turn(void** state) {
  seen s = {0};
  (void)state;
  OK(creche_yield(loop.scope, NULL, see, &s, NULL));
  assert_int_equal(s.finals, 0);
  one_turn();
  assert_int_equal(s.finals, 1);
  assert_int_equal(s.status, CRECHE_OK);
}

/* As creche_sleep of 0 is. */
static void a_deadline_cuts_it(void** state) {
  int sleeps;
  (void)state;
  for (sleeps = 0; sleeps < 2; sleeps++) {
    creche_scope_options o = scope_options();
    seen s = {0};
    creche_scope scope;
    creche_outcome outcome;
    o.timeout = CRECHE_SECOND;
    scope = scope_in(loop.scope, &o);
    OK(sleeps ? creche_sleep(scope, 0, NULL, see, &s, NULL)
              : creche_yield(scope, NULL, see, &s, NULL));
    OK(creche_clock_advance(loop, CRECHE_SECOND));
    one_turn();
    assert_int_equal(s.status, CRECHE_E_CANCELLED);
    assert_int_equal(s.reason, CRECHE_REASON_DEADLINE);
    outcome = left(scope);
    assert_int_equal(outcome.status, CRECHE_E_TIMEOUT);
    assert_int_equal(outcome.flags, CRECHE_CAUGHT);
  }
}
static void its_own_deadline_cuts_it(void** state) {
  creche_task_options o = task_options();
  seen s = {0};
  (void)state;
  o.timeout = CRECHE_SECOND;
  OK(creche_yield(loop.scope, &o, see, &s, NULL));
  OK(creche_clock_advance(loop, CRECHE_SECOND));
  one_turn();
  assert_int_equal(s.status, CRECHE_E_TIMEOUT);
}

static void a_cancellation_cuts_it(void** state) {
  creche_scope scope = scope_in(loop.scope, NULL);
  creche_task task;
  seen s = {0}, t = {0};
  (void)state;
  OK(creche_yield(scope, NULL, see, &s, NULL));
  OK(creche_scope_cancel(scope, "enough"));
  settle();
  assert_int_equal(s.finals, 1);
  assert_int_equal(s.status, CRECHE_E_CANCELLED);
  assert_string_equal(s.text, "enough");
  assert_int_equal(left(scope).flags, CRECHE_CAUGHT);
  OK(creche_yield(loop.scope, NULL, see, &t, &task)); /* or itself */
  OK(creche_scope_cancel(task.scope, NULL));
  settle();
  assert_int_equal(t.finals, 1);
  assert_int_equal(t.status, CRECHE_E_CANCELLED);
}

/* What was posted before runs before, and may cut it; what is posted behind it does not. */
static void cancels(void* user, const creche_completion* c) {
  (void)c;
  creche_scope_cancel(*(creche_scope*)user, NULL);
}
static void posts_before_it_come_before_it(void** state) {
  creche_scope scope = scope_in(loop.scope, NULL);
  seen before = {0}, behind = {0};
  (void)state;
  OK(creche_yield(scope, NULL, see, &before, NULL));
  OK(creche_loop_post(loop, cancels, &scope));
  OK(creche_yield(scope, NULL, see, &behind, NULL));
  settle();
  assert_int_equal(before.status, CRECHE_OK);
  assert_int_equal(behind.status, CRECHE_E_CANCELLED);
  assert_int_equal(left(scope).flags, CRECHE_CAUGHT);
}

/* Its completion is in no queue before that. */
static size_t drained(creche_completion* c) {
  size_t n = 9;
  return creche_queue_drain(queue, c, 1, &n) == CRECHE_OK ? n : 99;
}
static void looks(void* user, const creche_completion* c) {
  creche_completion came;
  (void)c;
  *(size_t*)user = drained(&came);
}
static void not_drained_before_a_turn(void** state) {
  creche_task_options o = task_options();
  creche_completion c;
  size_t meanwhile = 9;
  (void)state;
  OK(creche_queue_open(loop, NULL, &queue));
  o.queue = queue;
  OK(creche_loop_post(loop, looks, &meanwhile));
  OK(creche_yield(loop.scope, &o, NULL, NULL, NULL));
  assert_int_equal(drained(&c), 0);
  one_turn();
  assert_int_equal(meanwhile, 0);
  assert_int_equal(drained(&c), 1);
  assert_int_equal(c.status, CRECHE_OK);
  creche_completions_release(&c, 1);
  creche_queue_release(queue);
}

/* A group that waits for it, and for nothing else, takes more work; however it is told of. */
static void a_group_waits_for_it(void** state) {
  const creche_done_fn routes[] = {see, creche_nobody, creche_to_group};
  size_t i;
  (void)state;
  for (i = 0; i < 3; i++) {
    seen g = {0}, s = {0}, more = {0};
    creche_group group = group_in(loop.scope, NULL, &g);
    OK(creche_yield(group.scope, NULL, routes[i], &s, NULL));
    OK(creche_group_close(group));
    assert_int_equal(state_of(group.scope).live, 1);
    OK(creche_sleep(group.scope, CRECHE_SECOND, NULL, see, &more, NULL));
    settle();
    assert_int_equal(g.finals, 0);
    until(&g.finals, 1);
    assert_int_equal(more.status, CRECHE_OK);
    assert_int_equal(g.status, CRECHE_OK);
  }
}

/* One that waits for its group's limit: let in, it ends; cut, it never began. */
static void behind_a_limit(void** state) {
  creche_group_options o = group_options();
  seen g = {0}, first = {0}, s = {0}, t = {0};
  creche_task task, cut;
  creche_group group;
  (void)state;
  o.limit = 1;
  group = group_in(loop.scope, &o, &g);
  task = spawn(group.scope, body_waits, &first);
  OK(creche_yield(group.scope, NULL, see, &s, NULL));
  OK(creche_yield(group.scope, NULL, see, &t, &cut));
  OK(creche_scope_cancel(cut.scope, NULL));
  settle();
  assert_int_equal(s.finals, 0);
  assert_int_equal(t.status, CRECHE_E_CANCELLED);
  OK(creche_task_finish(task, CRECHE_OK, 0, NULL));
  OK(creche_group_close(group));
  until(&g.finals, 1);
  assert_int_equal(s.status, CRECHE_OK);
}

/* The loop closes while one is under way. */
static void its_loop_closes(void** state) {
  seen s = {0};
  (void)state;
  OK(creche_yield(loop.scope, NULL, see, &s, NULL));
  OK(creche_loop_close(loop));
  OK(creche_loop_join(loop, PATIENCE));
  assert_int_equal(s.finals, 1);
  assert_int_equal(s.status, CRECHE_E_CANCELLED);
  assert_int_equal(s.reason, CRECHE_REASON_SHUTDOWN);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      VIRTUAL_TEST(told_in_the_next_turn),
      VIRTUAL_TEST(a_deadline_cuts_it),
      VIRTUAL_TEST(its_own_deadline_cuts_it),
      VIRTUAL_TEST(a_cancellation_cuts_it),
      TEST(posts_before_it_come_before_it),
      TEST(not_drained_before_a_turn),
      VIRTUAL_TEST(a_group_waits_for_it),
      TEST(behind_a_limit),
      TEST(its_loop_closes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

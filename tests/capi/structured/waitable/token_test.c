/* Whose a limiter's token is: a lease of its task, group or loop. */
#include "limiters.h"

/* Nobody takes the completion: the token comes back. */
static void thrown_away_completions_give_their_tokens_back(void** state) {
  creche_limiter limiter = limiter_of(1);
  creche_task_options o = task_options();
  creche_queue queue;
  seen s = {0};
  (void)state;
  OK(creche_limiter_acquire(limiter, loop.scope, 3, NULL, creche_nobody, NULL, NULL));
  acquire(limiter, loop.scope, &s);
  settle();
  assert_int_equal(s.finals, 1);
  creche_token_release(token_of(&s));
  OK(creche_queue_open(loop, NULL, &queue));
  o.queue = queue;
  OK(creche_limiter_acquire(limiter, loop.scope, 3, &o, NULL, NULL, NULL));
  settle();
  borrowed(limiter, 1, 0);
  creche_queue_release(queue); /* with the completion in it */
  settle();
  borrowed(limiter, 0, 0);
  creche_limiter_release(limiter);
}

static void a_drained_completion_owns_its_token(void** state) {
  creche_limiter limiter = limiter_of(1);
  creche_task_options o = task_options();
  creche_completion c;
  creche_queue queue;
  size_t n;
  (void)state;
  OK(creche_queue_open(loop, NULL, &queue));
  o.queue = queue;
  OK(creche_limiter_acquire(limiter, loop.scope, 0, &o, NULL, NULL, NULL));
  settle();
  OK(creche_queue_drain(queue, &c, 1, &n));
  assert_int_equal(n, 1);
  borrowed(limiter, 1, 0);
  creche_completions_release(&c, 1);
  borrowed(limiter, 0, 0);
  creche_queue_release(queue);
  creche_limiter_release(limiter);
}

/* The group is open as long as its token is out. */
static void a_token_holds_its_group_open(void** state) {
  creche_limiter limiter = limiter_of(1);
  seen g = {0}, s = {0};
  creche_group group = group_in(loop.scope, NULL, &g);
  creche_scope scope = scope_in(group.scope, NULL);
  (void)state;
  acquire(limiter, scope, &s);
  settle();
  OK(creche_scope_leave(scope, NULL)); /* a bare scope does not hold leases */
  OK(creche_group_close(group));
  settle();
  assert_int_equal(g.finals, 0);
  creche_token_release(token_of(&s));
  settle();
  assert_int_equal(g.finals, 1);
  assert_int_equal(g.status, CRECHE_OK);
  creche_limiter_release(limiter);
}

/* A cancelled group gives it back after its last other child. */
static void a_cancelled_group_gives_it_back_last(void** state) {
  creche_limiter limiter = limiter_of(1);
  seen g = {0}, s = {0}, child = {0}, next = {0};
  creche_group group = group_in(loop.scope, NULL, &g);
  creche_task task;
  (void)state;
  acquire(limiter, group.scope, &s);
  task = spawn(group.scope, body_waits, &child);
  acquire(limiter, loop.scope, &next);
  OK(creche_group_close(group));
  settle();
  OK(creche_scope_cancel(group.scope, NULL));
  settle();
  borrowed(limiter, 1, 1);
  OK(creche_task_finish(task, CRECHE_E_CANCELLED, 0, NULL));
  settle();
  assert_int_equal(g.finals, 1);
  assert_int_equal(next.finals, 1);
  creche_token_release(token_of(&s)); /* harmless */
  borrowed(limiter, 1, 0);
  creche_token_release(token_of(&next));
  creche_limiter_release(limiter);
}

/* Also after a child that comes when nothing but the token was left. */
static void a_late_child_of_a_cancelled_group_keeps_it(void** state) {
  creche_limiter limiter = limiter_of(1);
  seen g = {0}, s = {0}, late = {0};
  creche_group group = group_in(loop.scope, NULL, &g);
  creche_task task;
  (void)state;
  acquire(limiter, group.scope, &s);
  settle();
  OK(creche_group_close(group));
  OK(creche_scope_cancel(group.scope, NULL));
  task = spawn(group.scope, body_waits, &late);
  settle();
  borrowed(limiter, 1, 0);
  OK(creche_task_finish(task, CRECHE_E_CANCELLED, 0, NULL));
  settle();
  borrowed(limiter, 0, 0);
  assert_int_equal(g.finals, 1);
  creche_limiter_release(limiter);
}

static void a_finished_task_gives_it_back(void** state) {
  creche_limiter limiter = limiter_of(1);
  seen t = {0}, s = {0};
  creche_task task = spawn(loop.scope, body_waits, &t);
  (void)state;
  settle();
  acquire(limiter, task.scope, &s);
  settle();
  borrowed(limiter, 1, 0);
  OK(creche_task_finish(task, CRECHE_OK, 0, NULL));
  settle();
  assert_int_equal(t.status, CRECHE_OK);
  borrowed(limiter, 0, 0);
  creche_limiter_release(limiter);
}

static void a_moved_token_is_its_new_owners(void** state) {
  creche_limiter limiter = limiter_of(1);
  seen t = {0}, s = {0}, other = {0};
  creche_task task = spawn(loop.scope, body_waits, &t), operation = op(loop.scope, &other);
  (void)state;
  settle();
  acquire(limiter, task.scope, &s);
  settle();
  OK(creche_token_move(token_of(&s), loop.scope));
  IS(creche_token_move(token_of(&s), operation.scope), CRECHE_E_STATE);
  OK(creche_scope_cancel(operation.scope, NULL));
  OK(creche_task_finish(task, CRECHE_OK, 0, NULL));
  settle();
  borrowed(limiter, 1, 0);
  creche_token_release(token_of(&s));
  IS(creche_token_move(token_of(&s), loop.scope), CRECHE_E_ENDED);
  creche_limiter_release(limiter);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(thrown_away_completions_give_their_tokens_back),
      TEST(a_drained_completion_owns_its_token),
      TEST(a_token_holds_its_group_open),
      TEST(a_cancelled_group_gives_it_back_last),
      TEST(a_late_child_of_a_cancelled_group_keeps_it),
      TEST(a_finished_task_gives_it_back),
      TEST(a_moved_token_is_its_new_owners),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

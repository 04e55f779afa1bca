/* Cookies of errors are freed where their function may call the library: whoever held the last
 * reference, no lock of the library's is held then. (Else these tests hang.) */
#include "support/core.h"

static int freed;
static void free_cookie(void* cookie) {
  int64_t t;
  (void)cookie;
  creche_now(loop.scope, &t); /* it may have ended */
  freed++;
}

/* Fails with an error that nobody keeps but who was told of it. */
static void fail_with_cookie(creche_task task) {
  const creche_error* error;
  if (creche_error_new(CRECHE_E_USER, "odd", &freed, free_cookie, NULL, &error) != CRECHE_OK)
    return;
  creche_task_finish(task, CRECHE_E_USER, 0, error);
  creche_error_release(error);
}
static void body_fails_oddly(void* user, const creche_completion* c) {
  note(user, c);
  if (c->kind == CRECHE_BEGIN) fail_with_cookie(c->task);
}
static void spawn_odd(creche_scope in, seen* s) {
  OK(creche_task_spawn(in, body_fails_oddly, s, NULL, creche_nobody, NULL, NULL));
}
static int begin(void** state) {
  freed = 0;
  return open_loop(state);
}

static void of_the_errors_of_a_group(void** state) {
  seen g = {0}, s = {0};
  creche_group group = group_in(loop.scope, NULL, &g);
  (void)state;
  spawn_odd(group.scope, &s);
  OK(creche_group_close(group));
  settle();
  assert_int_equal(g.status, CRECHE_E_GROUP);
  assert_int_equal(freed, 1);
}

static void of_the_losers_of_a_race(void** state) {
  creche_group_options o = group_options();
  creche_group group;
  seen g = {0}, s[3] = {{0}, {0}, {0}};
  (void)state;
  o.policy = CRECHE_RACE;
  group = group_in(loop.scope, &o, &g);
  spawn_odd(group.scope, &s[0]);
  spawn_odd(group.scope, &s[1]);
  spawn(group.scope, body_succeeds, &s[2]);
  OK(creche_group_close(group));
  settle();
  assert_int_equal(g.status, CRECHE_OK);
  assert_int_equal(freed, 2);
}

/* The errors of a group go with its join, on the thread that joins it. */
static void of_a_joined_group(void** state) {
  creche_group_options o = group_options();
  creche_outcome outcome;
  creche_group group;
  seen s = {0};
  (void)state;
  o.flags = CRECHE_GROUP_JOINABLE;
  OK(creche_group_open(loop.scope, &o, creche_nobody, NULL, &group));
  spawn_odd(group.scope, &s);
  OK(creche_group_close(group));
  settle();
  OK(creche_group_join(group, 0, &outcome));
  assert_int_equal(outcome.status, CRECHE_E_GROUP);
  settle();
  assert_int_equal(freed, 1);
}

/* A task that fails by itself has no use for the failure of its step. */
static void of_a_step_that_nobody_was_told_of(void** state) {
  seen s = {0}, step = {0};
  creche_task task = spawn(loop.scope, body_waits, &s);
  (void)state;
  settle();
  spawn_odd(task.scope, &step);
  settle();
  assert_int_equal(s.cancels, 1);
  assert_int_equal(freed, 0);
  OK(creche_task_finish(task, -1000, 0, NULL));
  settle();
  assert_int_equal(s.status, -1000);
  assert_int_equal(freed, 1);
}

/* What is left when the loop is joined. */
static void of_a_group_that_is_never_joined(void** state) {
  creche_group_options o = group_options();
  creche_group group;
  seen s = {0};
  (void)state;
  o.flags = CRECHE_GROUP_JOINABLE;
  OK(creche_group_open(loop.scope, &o, creche_nobody, NULL, &group));
  spawn_odd(group.scope, &s);
  OK(creche_group_close(group));
  settle();
  OK(creche_loop_close(loop));
  OK(creche_loop_join(loop, PATIENCE));
  assert_int_equal(freed, 1);
}

int main(void) {
#define COOKIE_TEST(function) cmocka_unit_test_setup_teardown(function, begin, close_loop)
  const struct CMUnitTest tests[] = {
      COOKIE_TEST(of_the_errors_of_a_group),
      COOKIE_TEST(of_the_losers_of_a_race),
      COOKIE_TEST(of_a_joined_group),
      COOKIE_TEST(of_a_step_that_nobody_was_told_of),
      COOKIE_TEST(of_a_group_that_is_never_joined),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

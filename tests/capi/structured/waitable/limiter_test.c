/* Limiters: first come first served, tokens handed over in the call that gives one back; nothing is
 * lost when a grant meets a cancel. The numbers are those of CASES.md. */
#include <pthread.h>
#include <unistd.h>

#include "limiters.h"

static void a_free_token_comes_in_a_later_turn(void** state) {
  creche_limiter limiter = limiter_of(2);
  seen s = {0};
  (void)state;
  acquire(limiter, loop.scope, &s);
  assert_int_equal(s.finals, 0);
  settle();
  assert_int_equal(s.finals, 1);
  borrowed(limiter, 1, 0);
  creche_token_release(token_of(&s));
  creche_token_release(token_of(&s)); /* a second time is harmless */
  borrowed(limiter, 0, 0);
  creche_limiter_release(limiter);
  creche_limiter_release(limiter);
}

/* 83, 84: after the release the first who waits owns the token: a try sees none. */
static void a_token_is_handed_over_by_its_release(void** state) {
  creche_limiter limiter = limiter_of(1);
  seen s[3] = {{0}, {0}, {0}};
  creche_token token = {1};
  int i;
  (void)state;
  for (i = 0; i < 3; i++) acquire(limiter, loop.scope, &s[i]);
  settle();
  assert_int_equal(s[0].finals, 1);
  assert_int_equal(s[1].finals, 0);
  borrowed(limiter, 1, 2);
  creche_token_release(token_of(&s[0]));
  borrowed(limiter, 1, 1);
  IS(creche_limiter_try(limiter, loop.scope, 0, &token), CRECHE_E_LIMIT);
  assert_int_equal(token.id, 0);
  settle();
  assert_int_equal(s[1].finals, 1);
  assert_int_equal(s[2].finals, 0);
  creche_token_release(token_of(&s[1]));
  settle();
  creche_token_release(token_of(&s[2]));
  OK(creche_limiter_try(limiter, loop.scope, 0, &token));
  borrowed(limiter, 1, 0);
  creche_limiter_release(limiter);
  creche_token_release(token);
}

static void first_come_first_served(void** state) {
  enum { N = 50 };
  creche_limiter limiter = limiter_of(1);
  static seen s[N];
  int i;
  (void)state;
  memset(s, 0, sizeof s);
  for (i = 0; i < N; i++) acquire(limiter, loop.scope, &s[i]);
  for (i = 0; i < N; i++) {
    settle();
    assert_int_equal(s[i].finals, 1);
    if (i + 1 < N) assert_int_equal(s[i + 1].finals, 0);
    creche_token_release(token_of(&s[i]));
  }
  borrowed(limiter, 0, 0);
  creche_limiter_release(limiter);
}

/* A try fails while others wait, also if a token is free for a moment that only they may use. */
static void a_try_never_overtakes(void** state) {
  creche_limiter limiter = limiter_of(0);
  seen s = {0};
  creche_token token;
  (void)state;
  IS(creche_limiter_try(limiter, loop.scope, 0, &token), CRECHE_E_LIMIT);
  last_error_says("no token is free");
  acquire(limiter, loop.scope, &s);
  OK(creche_limiter_set_total(limiter, 1));
  IS(creche_limiter_try(limiter, loop.scope, 0, &token), CRECHE_E_LIMIT);
  OK(creche_limiter_set_total(limiter, 2));
  OK(creche_limiter_try(limiter, loop.scope, 0, &token));
  settle();
  creche_token_release(token_of(&s));
  creche_token_release(token);
  creche_limiter_release(limiter);
}

/* 83: a borrower has one token at most. */
static void the_same_borrower_twice(void** state) {
  creche_limiter limiter = limiter_of(1);
  seen s = {0}, t = {0};
  creche_token token;
  creche_task task;
  (void)state;
  OK(creche_limiter_acquire(limiter, loop.scope, 7, NULL, see, &s, NULL));
  IS(creche_limiter_acquire(limiter, loop.scope, 7, NULL, see, &t, &task), CRECHE_E_STATE);
  last_error_says("this borrower");
  IS(creche_limiter_try(limiter, loop.scope, 7, &token), CRECHE_E_STATE);
  OK(creche_limiter_acquire(limiter, loop.scope, 8, NULL, see, &t, &task)); /* waits */
  IS(creche_limiter_acquire(limiter, loop.scope, 8, NULL, see, &t, NULL), CRECHE_E_STATE);
  OK(creche_scope_cancel(task.scope, NULL));
  OK(creche_limiter_acquire(limiter, loop.scope, 8, NULL, see, &t, &task)); /* no more */
  OK(creche_scope_cancel(task.scope, NULL));
  settle();
  creche_token_release(token_of(&s));
  OK(creche_limiter_try(limiter, loop.scope, 7, &token));
  creche_token_release(token);
  creche_limiter_release(limiter);
}

static void more_tokens_wake_waiters_now(void** state) {
  creche_limiter limiter = limiter_of(0);
  seen s[4] = {{0}, {0}, {0}, {0}};
  int i;
  (void)state;
  for (i = 0; i < 4; i++) acquire(limiter, loop.scope, &s[i]);
  settle();
  borrowed(limiter, 0, 4);
  OK(creche_limiter_set_total(limiter, 3));
  borrowed(limiter, 3, 1);
  settle();
  assert_int_equal(s[2].finals, 1);
  assert_int_equal(s[3].finals, 0);
  /* Fewer: holders keep theirs, and none is given out until enough came back. */
  OK(creche_limiter_set_total(limiter, 1));
  assert_int_equal(look(limiter).total, 1);
  borrowed(limiter, 3, 1);
  creche_token_release(token_of(&s[0]));
  creche_token_release(token_of(&s[1]));
  borrowed(limiter, 1, 1);
  creche_token_release(token_of(&s[2]));
  borrowed(limiter, 1, 0);
  settle();
  creche_token_release(token_of(&s[3]));
  creche_limiter_release(limiter);
}

/* ---- Cancels at every step ---- */
static void cancelled_before_it_begins(void** state) {
  creche_limiter limiter = limiter_of(1);
  creche_scope scope = scope_in(loop.scope, NULL);
  seen s = {0};
  (void)state;
  OK(creche_scope_cancel(scope, NULL));
  acquire(limiter, scope, &s);
  borrowed(limiter, 0, 0);
  settle();
  assert_int_equal(s.status, CRECHE_E_CANCELLED);
  assert_int_equal(s.value, 0);
  OK(creche_scope_leave(scope, NULL));
  creche_limiter_release(limiter);
}

static void cancelled_in_line(void** state) {
  creche_limiter limiter = limiter_of(1);
  seen s[4] = {{0}, {0}, {0}, {0}};
  creche_task task[4];
  int i;
  (void)state;
  for (i = 0; i < 4; i++) task[i] = acquire(limiter, loop.scope, &s[i]);
  settle();
  OK(creche_scope_cancel(task[1].scope, "no")); /* the first in line */
  OK(creche_scope_cancel(task[3].scope, "no")); /* the last */
  borrowed(limiter, 1, 1);
  settle();
  assert_int_equal(s[1].status, CRECHE_E_CANCELLED);
  assert_int_equal(s[1].phase, CRECHE_PHASE_LIMIT);
  assert_int_equal(s[3].finals, 1);
  creche_token_release(token_of(&s[0]));
  settle();
  creche_token_release(token_of(&s[2]));
  borrowed(limiter, 0, 0);
  creche_limiter_release(limiter);
}

/* Commit wins: a token that was granted stays granted. */
static void cancelled_after_the_grant(void** state) {
  creche_limiter limiter = limiter_of(1);
  seen s[2] = {{0}, {0}};
  creche_task task;
  (void)state;
  acquire(limiter, loop.scope, &s[0]);
  task = acquire(limiter, loop.scope, &s[1]);
  settle();
  creche_token_release(token_of(&s[0]));
  IS(creche_scope_cancel(task.scope, NULL), CRECHE_E_ENDED); /* its callback has not run yet */
  settle();
  assert_int_equal(s[1].status, CRECHE_OK);
  borrowed(limiter, 1, 0);
  creche_token_release(token_of(&s[1]));
  borrowed(limiter, 0, 0);
  creche_limiter_release(limiter);
}

/* In line for the group's limit, not for a token yet. */
static void cancelled_while_it_waits_for_the_groups_limit(void** state) {
  creche_limiter limiter = limiter_of(1);
  creche_group_options o = group_options();
  seen g = {0}, first = {0}, s = {0};
  creche_group group;
  (void)state;
  o.limit = 1;
  group = group_in(loop.scope, &o, &g);
  op(group.scope, &first);
  acquire(limiter, group.scope, &s);
  OK(creche_group_close(group));
  settle();
  borrowed(limiter, 0, 0);
  OK(creche_scope_cancel(group.scope, NULL));
  settle();
  assert_int_equal(s.status, CRECHE_E_CANCELLED);
  assert_int_equal(g.finals, 1);
  borrowed(limiter, 0, 0);
  creche_limiter_release(limiter);
}

/* Thousands of them go through a group's limit without recursion. */
static void thousands_pass_a_groups_limit(void** state) {
  enum { N = 20000 };
  creche_limiter limiter = limiter_of(N);
  creche_group_options o = group_options();
  seen g = {0}, first = {0};
  creche_group group;
  creche_task task;
  int i;
  (void)state;
  o.limit = 1;
  group = group_in(loop.scope, &o, &g);
  task = op(group.scope, &first);
  for (i = 0; i < N; i++)
    OK(creche_limiter_acquire(limiter, group.scope, 0, NULL, creche_nobody, NULL, NULL));
  OK(creche_group_close(group));
  OK(creche_scope_cancel(task.scope, NULL));
  settle();
  assert_int_equal(g.finals, 1);
  borrowed(limiter, 0, 0);
  creche_limiter_release(limiter);
}

/* ---- The ends ---- */
static void its_release_fails_those_who_wait(void** state) {
  creche_limiter limiter = limiter_of(1);
  seen s[3] = {{0}, {0}, {0}};
  int i;
  (void)state;
  for (i = 0; i < 3; i++) acquire(limiter, loop.scope, &s[i]);
  settle();
  creche_limiter_release(limiter);
  settle();
  assert_int_equal(s[1].status, CRECHE_E_CLOSED);
  assert_int_equal(s[2].error_status, CRECHE_E_CLOSED);
  assert_non_null(strstr(s[2].message, "limiter was released"));
  IS(creche_limiter_acquire(limiter, loop.scope, 0, NULL, see, &s[0], NULL), CRECHE_E_ENDED);
  creche_token_release(token_of(&s[0])); /* was still good */
}

static void the_loops_end_cancels_and_takes_all_back(void** state) {
  creche_limiter limiter = limiter_of(1);
  seen s[2] = {{0}, {0}};
  creche_limiter late;
  (void)state;
  acquire(limiter, loop.scope, &s[0]);
  acquire(limiter, loop.scope, &s[1]);
  settle();
  OK(creche_loop_close(loop));
  IS(creche_limiter_open(loop, NULL, &late), CRECHE_E_CLOSED);
  OK(creche_loop_join(loop, PATIENCE));
  assert_int_equal(s[1].finals, 1);
  creche_token_release(token_of(&s[0]));
  creche_limiter_release(limiter);
  IS(creche_limiter_set_total(limiter, 1), CRECHE_E_ENDED);
}

static void the_dump_names_it(void** state) {
  creche_limiter limiter = limiter_of(0);
  char text[2000];
  seen s = {0};
  creche_task task = acquire(limiter, loop.scope, &s);
  (void)state;
  OK(creche_loop_dump(loop, CRECHE_DUMP_TEXT, text, sizeof text, NULL));
  if (strstr(text, "limiter \"licences\"") == NULL) fail_msg("%s", text);
  OK(creche_scope_cancel(task.scope, NULL));
  settle();
  creche_limiter_release(limiter);
}

/* ---- Threads ---- */
/* Eight threads acquire, cancel and give back; what each completion says is counted exactly. */
enum { THREADS = 8, ROUNDS = 400, TOTAL = 3 };
static creche_limiter contended;
static creche_loop shared;
static int64_t holders, granted, refused, over;
static void hold(void* user, const creche_completion* c) {
  creche_token token;
  (void)user;
  if (c->status != CRECHE_OK) {
    __atomic_add_fetch(&refused, 1, __ATOMIC_SEQ_CST);
    return;
  }
  if (__atomic_add_fetch(&holders, 1, __ATOMIC_SEQ_CST) > TOTAL)
    __atomic_add_fetch(&over, 1, __ATOMIC_SEQ_CST);
  __atomic_sub_fetch(&holders, 1, __ATOMIC_SEQ_CST);
  token.id = c->value;
  creche_token_release(token);
  __atomic_add_fetch(&granted, 1, __ATOMIC_SEQ_CST);
}
static void* contend(void* arg) {
  size_t wrong = 0;
  unsigned seed = (unsigned)(size_t)arg;
  int i;
  for (i = 0; i < ROUNDS; i++) {
    creche_task task;
    creche_token token;
    wrong += creche_limiter_acquire(contended, shared.scope, 0, NULL, hold, NULL, &task) != 0;
    seed = seed * 1103515245 + 12345;
    if (seed >> 16 & 1) creche_scope_cancel(task.scope, NULL);
    if (creche_limiter_try(contended, shared.scope, 0, &token) == CRECHE_OK) {
      if (seed >> 17 & 1) wrong += creche_limiter_set_total(contended, TOTAL) != 0;
      creche_token_release(token);
    }
  }
  return (void*)wrong;
}
static void eight_threads_race(void** state) {
  pthread_t threads[THREADS];
  creche_limiter_options o;
  creche_limiter_state s;
  void* wrong;
  size_t i;
  (void)state;
  holders = granted = refused = over = 0;
  OK(creche_loop_open(NULL, &shared));
  OK(creche_limiter_options_init(&o, sizeof o));
  o.total = TOTAL;
  OK(creche_limiter_open(shared, &o, &contended));
  for (i = 0; i < THREADS; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, contend, (void*)(i + 1)), 0);
  for (i = 0; i < THREADS; i++) {
    assert_int_equal(pthread_join(threads[i], &wrong), 0);
    assert_int_equal((size_t)wrong, 0);
  }
  while (__atomic_load_n(&granted, __ATOMIC_SEQ_CST) + __atomic_load_n(&refused, __ATOMIC_SEQ_CST) <
         THREADS * ROUNDS)
    usleep(1000);
  OK(creche_limiter_get_state(contended, &s, sizeof s));
  assert_int_equal(s.borrowed, 0);
  assert_int_equal(s.waiting, 0);
  assert_int_equal(over, 0);
  OK(creche_loop_close(shared));
  OK(creche_loop_join(shared, PATIENCE));
  assert_int_equal(granted + refused, THREADS * ROUNDS);
  creche_limiter_release(contended);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(a_free_token_comes_in_a_later_turn),
      TEST(a_token_is_handed_over_by_its_release),
      TEST(first_come_first_served),
      TEST(a_try_never_overtakes),
      TEST(the_same_borrower_twice),
      TEST(more_tokens_wake_waiters_now),
      TEST(cancelled_before_it_begins),
      TEST(cancelled_in_line),
      TEST(cancelled_after_the_grant),
      TEST(cancelled_while_it_waits_for_the_groups_limit),
      TEST(thousands_pass_a_groups_limit),
      TEST(its_release_fails_those_who_wait),
      TEST(the_loops_end_cancels_and_takes_all_back),
      TEST(the_dump_names_it),
      TEST(eight_threads_race),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

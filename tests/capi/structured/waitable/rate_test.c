/* Rate limiters: permits come evenly, never early, and nothing adds up to a drift. */
#include <pthread.h>
#include <unistd.h>

#include "support/core.h"

static creche_rate rate_of(uint32_t permits, uint32_t burst, int64_t interval) {
  creche_rate rate;
  creche_rate_options o;
  OK(creche_rate_options_init(&o, sizeof o));
  o.permits = permits;
  o.burst = burst;
  o.interval = interval;
  o.name = "api";
  OK(creche_rate_open(loop, &o, &rate));
  return rate;
}
static creche_task acquire(creche_rate rate, uint32_t permits, creche_scope in, seen* s) {
  creche_task task;
  OK(creche_rate_acquire(rate, in, permits, NULL, see, s, &task));
  return task;
}
static creche_rate_state look(creche_rate rate) {
  creche_rate_state s;
  OK(creche_rate_get_state(rate, &s, sizeof s));
  return s;
}

/* What is there is given out at once, then one after the other. */
static void a_burst_then_one_by_one(void** state) {
  const int64_t each = 5 * CRECHE_MILLISECOND, start = now();
  creche_rate rate = rate_of(1, 3, each);
  int64_t times[6];
  seen s[6];
  int i;
  (void)state;
  memset(s, 0, sizeof s);
  for (i = 0; i < 6; i++) acquire(rate, 1, loop.scope, &s[i]);
  assert_int_equal(s[0].finals, 0); /* never inside the call */
  for (i = 0; i < 6; i++) {
    until(&s[i].finals, 1);
    times[i] = now();
  }
  for (i = 3; i < 6; i++) assert_true(times[i] - start >= (i - 2) * each); /* never early */
  for (i = 1; i < 6; i++) assert_true(s[i].order > s[i - 1].order);
  creche_rate_release(rate);
  creche_rate_release(rate);
}

/* A bucket that never overflows names exact moments: permit i is there i thirds of a second after
 * the first, rounded up to a nanosecond each time, whenever anybody looks. */
static void no_rounding_adds_up(void** state) {
  creche_rate rate = rate_of(3, 3000, CRECHE_SECOND);
  int64_t first;
  int i;
  (void)state;
  OK(creche_rate_try(rate, 3000));
  first = look(rate).next;
  for (i = 1; i < 100; i++) {
    seen s = {0};
    creche_task task = acquire(rate, (uint32_t)i + 1, loop.scope, &s);
    const int64_t due = look(rate).next - first, third = (int64_t)i * CRECHE_SECOND / 3;
    assert_true(due >= third && due <= third + 1);
    OK(creche_scope_cancel(task.scope, NULL));
    settle();
  }
  creche_rate_release(rate);
}

/* On a virtual clock every grant comes in its nanosecond: a thousand of them, three in a second,
 * one at a time. */
static creche_loop exact;
static int64_t moments[1000];
static int moment;
static void note_moment(void* user, const creche_completion* c) {
  (void)user;
  (void)c;
  creche_now(exact.scope, &moments[moment++]);
}
static void nothing_drifts(void** state) {
  creche_loop_options o;
  creche_rate_options r;
  creche_rate rate;
  int64_t start, i;
  (void)state;
  moment = 0;
  OK(creche_loop_options_init(&o, sizeof o));
  o.run = CRECHE_RUN_CALLER;
  o.clock = CRECHE_CLOCK_VIRTUAL;
  OK(creche_loop_open(&o, &exact));
  OK(creche_rate_options_init(&r, sizeof r));
  r.permits = 3;
  r.burst = 1;
  OK(creche_rate_open(exact, &r, &rate));
  OK(creche_now(exact.scope, &start));
  for (i = 0; i < 1000; i++)
    OK(creche_rate_acquire(rate, exact.scope, 1, NULL, note_moment, NULL, NULL));
  while (moment < 1000) OK(creche_loop_poll(exact, PATIENCE));
  for (i = 0; i < 1000; i++) assert_true(moments[i] - start == (i * CRECHE_SECOND + 2) / 3);
  creche_rate_release(rate);
  OK(creche_loop_close(exact));
  OK(creche_loop_join(exact, PATIENCE));
}

static void a_try_takes_all_or_nothing(void** state) {
  creche_rate rate = rate_of(1, 5, 1000 * CRECHE_SECOND);
  seen s = {0};
  creche_task task;
  (void)state;
  OK(creche_rate_try(rate, 3));
  IS(creche_rate_try(rate, 3), CRECHE_E_LIMIT);
  last_error_says("not there yet");
  assert_int_equal(look(rate).available, 2);
  task = acquire(rate, 3, loop.scope, &s);
  IS(creche_rate_try(rate, 1), CRECHE_E_LIMIT); /* never overtakes */
  OK(creche_scope_cancel(task.scope, NULL));
  settle();
  assert_int_equal(s.status, CRECHE_E_CANCELLED);
  assert_int_equal(s.phase, CRECHE_PHASE_LIMIT);
  OK(creche_rate_try(rate, 2)); /* it has taken none */
  creche_rate_release(rate);
}

static void more_than_the_burst_is_refused(void** state) {
  creche_rate rate = rate_of(10, 0, CRECHE_SECOND); /* burst: as many as permits */
  seen s = {0};
  (void)state;
  IS(creche_rate_acquire(rate, loop.scope, 11, NULL, see, &s, NULL), CRECHE_E_INVALID);
  last_error_says("burst");
  IS(creche_rate_acquire(rate, loop.scope, 0, NULL, see, &s, NULL), CRECHE_E_INVALID);
  IS(creche_rate_try(rate, 11), CRECHE_E_INVALID);
  OK(creche_rate_try(rate, 10));
  creche_rate_release(rate);
}

/* Those behind a cancelled one move up, at once if their permits are there. */
static void those_behind_move_up(void** state) {
  creche_rate rate = rate_of(1, 10, 1000 * CRECHE_SECOND);
  seen s[3];
  creche_task task;
  (void)state;
  memset(s, 0, sizeof s);
  OK(creche_rate_try(rate, 5));
  task = acquire(rate, 10, loop.scope, &s[0]);
  acquire(rate, 2, loop.scope, &s[1]);
  acquire(rate, 3, loop.scope, &s[2]);
  settle();
  assert_int_equal(look(rate).waiting, 3);
  assert_int_equal(s[1].finals, 0);
  OK(creche_scope_cancel(task.scope, NULL));
  until(&s[2].finals, 1);
  assert_int_equal(s[0].status, CRECHE_E_CANCELLED);
  assert_int_equal(s[1].status, CRECHE_OK);
  assert_int_equal(look(rate).available, 0);
  assert_int_equal(look(rate).waiting, 0);
  creche_rate_release(rate);
}

/* All of one group: the cancellation of the first walks the tree, and must not end the others. */
static void a_whole_line_is_cancelled(void** state) {
  creche_rate rate = rate_of(1, 10, 1000 * CRECHE_SECOND);
  seen g = {0};
  creche_group group = group_in(loop.scope, NULL, &g);
  int i;
  (void)state;
  OK(creche_rate_try(rate, 5));
  OK(creche_rate_acquire(rate, group.scope, 10, NULL, creche_nobody, NULL, NULL));
  for (i = 0; i < 5; i++)
    OK(creche_rate_acquire(rate, group.scope, 1, NULL, creche_nobody, NULL, NULL));
  OK(creche_group_close(group));
  settle();
  OK(creche_scope_cancel(group.scope, NULL));
  settle();
  assert_int_equal(g.finals, 1);
  assert_int_equal(look(rate).available, 5);
  creche_rate_release(rate);
}

static void cancelled_before_it_begins(void** state) {
  creche_rate rate = rate_of(1, 1, 1000 * CRECHE_SECOND);
  creche_scope scope = scope_in(loop.scope, NULL);
  seen s = {0};
  (void)state;
  OK(creche_scope_cancel(scope, NULL));
  acquire(rate, 1, scope, &s);
  settle();
  assert_int_equal(s.status, CRECHE_E_CANCELLED);
  OK(creche_rate_try(rate, 1));
  OK(creche_scope_leave(scope, NULL));
  creche_rate_release(rate);
}

/* 429 with Retry-After. */
static void a_pause_holds_everybody(void** state) {
  creche_rate rate = rate_of(10, 10, CRECHE_SECOND);
  const int64_t start = now(), until_then = start + 50 * CRECHE_MILLISECOND;
  seen s = {0};
  (void)state;
  OK(creche_rate_pause(rate, until_then));
  OK(creche_rate_pause(rate, start + CRECHE_MILLISECOND)); /* never shortened */
  assert_true(look(rate).next >= until_then);
  acquire(rate, 1, loop.scope, &s);
  until(&s.finals, 1);
  assert_true(now() >= until_then);
  assert_int_equal(look(rate).paused_until, 0);
  creche_rate_release(rate);
}

static void a_pause_for_ever_ends_by_resume(void** state) {
  creche_rate rate = rate_of(10, 10, CRECHE_SECOND);
  seen s[2] = {{0}, {0}};
  (void)state;
  acquire(rate, 1, loop.scope, &s[0]);
  OK(creche_rate_pause(rate, CRECHE_NEVER));
  IS(creche_rate_try(rate, 1), CRECHE_E_LIMIT);
  acquire(rate, 1, loop.scope, &s[1]);
  settle();
  assert_int_equal(s[0].finals, 1); /* granted before */
  assert_int_equal(s[1].finals, 0);
  assert_true(look(rate).next == CRECHE_NEVER);
  assert_true(look(rate).paused_until == CRECHE_NEVER);
  OK(creche_rate_resume(rate));
  until(&s[1].finals, 1);
  OK(creche_rate_resume(rate));
  creche_rate_release(rate);
}

static void its_release_fails_those_who_wait(void** state) {
  creche_rate rate = rate_of(1, 1, 1000 * CRECHE_SECOND);
  seen s[2] = {{0}, {0}};
  (void)state;
  acquire(rate, 1, loop.scope, &s[0]);
  acquire(rate, 1, loop.scope, &s[1]);
  settle();
  creche_rate_release(rate);
  settle();
  assert_int_equal(s[0].status, CRECHE_OK);
  assert_int_equal(s[1].status, CRECHE_E_CLOSED);
  IS(creche_rate_try(rate, 1), CRECHE_E_ENDED);
}

static void the_loops_end_cancels(void** state) {
  creche_rate rate = rate_of(1, 1, 1000 * CRECHE_SECOND);
  seen s = {0};
  (void)state;
  OK(creche_rate_try(rate, 1));
  acquire(rate, 1, loop.scope, &s);
  OK(creche_loop_close(loop));
  OK(creche_loop_join(loop, PATIENCE));
  assert_int_equal(s.status, CRECHE_E_CANCELLED);
  IS(creche_rate_try(rate, 1), CRECHE_E_ENDED);
  creche_rate_release(rate);
}

static void the_dump_names_it(void** state) {
  creche_rate rate = rate_of(1, 1, 1000 * CRECHE_SECOND);
  char text[2000];
  seen s = {0};
  creche_task task;
  (void)state;
  OK(creche_rate_try(rate, 1));
  task = acquire(rate, 1, loop.scope, &s);
  OK(creche_loop_dump(loop, CRECHE_DUMP_TEXT, text, sizeof text, NULL));
  if (strstr(text, "rate limiter \"api\"") == NULL) fail_msg("%s", text);
  OK(creche_scope_cancel(task.scope, NULL));
  settle();
  creche_rate_release(rate);
}

static void options_are_checked(void** state) {
  creche_rate_options o;
  creche_rate rate;
  (void)state;
  OK(creche_rate_options_init(&o, sizeof o));
  o.permits = 0;
  IS(creche_rate_open(loop, &o, &rate), CRECHE_E_INVALID);
  o.permits = o.burst = UINT32_MAX;
  o.interval = 0;
  IS(creche_rate_open(loop, &o, &rate), CRECHE_E_INVALID);
  o.interval = INT64_MAX; /* the largest numbers do not overflow */
  OK(creche_rate_open(loop, &o, &rate));
  OK(creche_rate_try(rate, UINT32_MAX));
  IS(creche_rate_try(rate, 2), CRECHE_E_LIMIT);
  assert_true(look(rate).next > now());
  creche_rate_release(rate);
  o.permits = o.burst = 1;
  OK(creche_rate_open(loop, &o, &rate));
  OK(creche_rate_try(rate, 1));
  assert_true(look(rate).next == CRECHE_NEVER);
  creche_rate_release(rate);
}

/* ---- Threads ---- */
enum { THREADS = 8, ROUNDS = 200 };
static creche_loop shared;
static creche_rate contended;
static int64_t ended;
static void count(void* user, const creche_completion* c) {
  (void)user;
  (void)c;
  __atomic_add_fetch(&ended, 1, __ATOMIC_SEQ_CST);
}
static void* contend(void* arg) {
  size_t wrong = 0;
  unsigned seed = (unsigned)(size_t)arg;
  int i;
  for (i = 0; i < ROUNDS; i++) {
    creche_task task;
    seed = seed * 1103515245 + 12345;
    wrong += creche_rate_acquire(contended, shared.scope, 1 + (seed >> 20) % 4, NULL, count, NULL,
                                 &task) != CRECHE_OK;
    if (seed >> 16 & 1) creche_scope_cancel(task.scope, NULL);
    if ((seed >> 17 & 7) == 0) creche_rate_pause(contended, (int64_t)(seed & 1023));
    SAY(creche_rate_try(contended, 1));
  }
  return (void*)wrong;
}
static void eight_threads_race(void** state) {
  pthread_t threads[THREADS];
  creche_rate_options o;
  creche_rate_state s;
  void* wrong;
  size_t i;
  (void)state;
  ended = 0;
  OK(creche_loop_open(NULL, &shared));
  OK(creche_rate_options_init(&o, sizeof o));
  o.permits = 1000;
  o.burst = 10;
  o.interval = 10 * CRECHE_MILLISECOND;
  OK(creche_rate_open(shared, &o, &contended));
  for (i = 0; i < THREADS; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, contend, (void*)(i + 1)), 0);
  for (i = 0; i < THREADS; i++) {
    assert_int_equal(pthread_join(threads[i], &wrong), 0);
    assert_int_equal((size_t)wrong, 0);
  }
  while (__atomic_load_n(&ended, __ATOMIC_SEQ_CST) < THREADS * ROUNDS) usleep(1000);
  OK(creche_rate_get_state(contended, &s, sizeof s));
  assert_int_equal(s.waiting, 0);
  OK(creche_loop_close(shared));
  OK(creche_loop_join(shared, PATIENCE));
  assert_int_equal(ended, THREADS * ROUNDS);
  creche_rate_release(contended);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(a_burst_then_one_by_one),
      TEST(no_rounding_adds_up),
      TEST(nothing_drifts),
      TEST(a_try_takes_all_or_nothing),
      TEST(more_than_the_burst_is_refused),
      TEST(those_behind_move_up),
      TEST(a_whole_line_is_cancelled),
      TEST(cancelled_before_it_begins),
      TEST(a_pause_holds_everybody),
      TEST(a_pause_for_ever_ends_by_resume),
      TEST(its_release_fails_those_who_wait),
      TEST(the_loops_end_cancels),
      TEST(the_dump_names_it),
      TEST(options_are_checked),
      TEST(eight_threads_race),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The virtual clock, yield, and the seeded shuffle. */
#include <pthread.h>
#include <semaphore.h>

#include "support/core.h"

static creche_task sleep_for(creche_scope in, int64_t duration, seen* s) {
  creche_task task;
  OK(creche_sleep(in, duration, NULL, see, s, &task));
  return task;
}

/* Hours pass in no time, in the order of the deadlines, and exactly. */
static void sleeping_takes_no_time(void** state) {
  seen a = {0}, b = {0}, c = {0};
  (void)state;
  assert_int_equal(now(), 0);
  sleep_for(loop.scope, 3 * 3600 * CRECHE_SECOND, &a);
  sleep_for(loop.scope, 1, &b);
  sleep_for(loop.scope, 3600 * CRECHE_SECOND, &c);
  until(&b.finals, 1);
  assert_int_equal(now(), 1);
  until(&a.finals, 1);
  assert_int_equal(now(), 3 * 3600 * CRECHE_SECOND);
  assert_true(b.order < c.order && c.order < a.order);
  assert_int_equal(a.status, CRECHE_OK);
}

/* A deadline and a sleep at the same point: the deadline is first. One nanosecond earlier the sleep
 * is done. */
static void deadlines_expire_before_sleeps_end(void** state) {
  creche_task_options o = task_options();
  seen a = {0}, b = {0};
  (void)state;
  o.timeout = CRECHE_SECOND;
  OK(creche_sleep(loop.scope, CRECHE_SECOND, &o, see, &a, NULL));
  OK(creche_sleep(loop.scope, CRECHE_SECOND - 1, &o, see, &b, NULL));
  until(&a.finals, 1);
  assert_int_equal(a.status, CRECHE_E_TIMEOUT);
  assert_int_equal(b.status, CRECHE_OK);
  assert_int_equal(now(), CRECHE_SECOND);
}

/* Nothing is due: a poll waits in real time, and the clock stands still. */
static void no_deadline_no_jump(void** state) {
  seen s = {0};
  creche_task task = op(loop.scope, &s);
  (void)state;
  IS(creche_loop_poll(loop, CRECHE_MILLISECOND), CRECHE_E_TIMEOUT);
  assert_int_equal(now(), 0);
  OK(creche_scope_cancel(task.scope, NULL));
  settle();
  assert_int_equal(s.finals, 1);
}

/* While it is held it moves only when it is told to. */
static void held_and_advanced(void** state) {
  seen s = {0};
  (void)state;
  sleep_for(loop.scope, CRECHE_SECOND, &s);
  OK(creche_clock_hold(loop));
  OK(creche_clock_hold(loop));
  OK(creche_clock_release(loop));
  IS(creche_loop_poll(loop, CRECHE_MILLISECOND), CRECHE_E_TIMEOUT);
  OK(creche_clock_advance(loop, CRECHE_SECOND - 1));
  IS(creche_loop_poll(loop, CRECHE_MILLISECOND), CRECHE_E_TIMEOUT);
  assert_int_equal(now(), CRECHE_SECOND - 1);
  OK(creche_clock_advance(loop, 1));
  settle();
  assert_int_equal(s.finals, 1);
  sleep_for(loop.scope, CRECHE_SECOND, &s);
  OK(creche_clock_release(loop));
  until(&s.finals, 2);
  assert_int_equal(now(), 2 * CRECHE_SECOND);
}

static void misuse_of_the_clock(void** state) {
  creche_loop_options o;
  creche_loop other;
  (void)state;
  IS(creche_clock_release(loop), CRECHE_E_STATE);
  last_error_says("nobody holds it");
  IS(creche_clock_advance(loop, -1), CRECHE_E_INVALID);
  OK(creche_loop_options_init(&o, sizeof o));
  o.clock = 2;
  IS(creche_loop_open(&o, &other), CRECHE_E_UNSUPPORTED);
  o.clock = CRECHE_CLOCK_REAL;
  OK(creche_loop_open(&o, &other));
  IS(creche_clock_hold(other), CRECHE_E_STATE);
  IS(creche_clock_release(other), CRECHE_E_STATE);
  IS(creche_clock_advance(other, 1), CRECHE_E_STATE);
  last_error_says("CRECHE_CLOCK_VIRTUAL");
  OK(creche_loop_close(other));
  OK(creche_loop_join(other, PATIENCE));
  IS(creche_clock_hold(other), CRECHE_E_ENDED);
}

/* At its end the clock is still before CRECHE_NEVER: what has no deadline has none there either,
 * and a loop that was told nothing does not shut down. */
static void the_end_of_all_time(void** state) {
  creche_scope_options o = scope_options();
  creche_scope scope;
  creche_task forever, later;
  seen s = {0}, zero = {0}, one = {0};
  (void)state;
  forever = op(loop.scope, &s);
  OK(creche_clock_advance(loop, CRECHE_NEVER));
  settle();
  assert_int_equal(now(), CRECHE_NEVER - 1);
  IS(creche_loop_poll(loop, 0), CRECHE_E_TIMEOUT);
  assert_int_equal(state_of(loop.scope).called, 0);
  assert_int_equal(s.finals, 0);
  sleep_for(loop.scope, 0, &zero);
  later = sleep_for(loop.scope, 1, &one);
  o.timeout = 0;
  scope = scope_in(loop.scope, &o);
  assert_int_equal(state_of(scope).called, 1);
  OK(creche_scope_leave(scope, NULL));
  settle();
  assert_int_equal(zero.status, CRECHE_OK);
  assert_int_equal(zero.finals, 1);
  assert_int_equal(one.finals, 0); /* never */
  OK(creche_scope_cancel(forever.scope, NULL));
  OK(creche_scope_cancel(later.scope, NULL));
  settle();
  assert_int_equal(s.finals + one.finals, 2);
}

/* One that gives its hold back and does not take it again owes nothing. */
static creche_status lets_go(void* arg, creche_task task, uint64_t* value) {
  (void)arg;
  (void)task;
  (void)value;
  return creche_clock_release(loop);
}
static void a_worker_that_lets_the_clock_go(void** state) {
  seen s = {0}, after = {0};
  (void)state;
  OK(creche_offload(loop.scope, lets_go, NULL, NULL, see, &s, NULL));
  until(&s.finals, 1);
  assert_int_equal(s.status, CRECHE_OK);
  IS(creche_clock_release(loop), CRECHE_E_STATE);
  sleep_for(loop.scope, 3600 * CRECHE_SECOND, &after);
  until(&after.finals, 1);
  assert_int_equal(now(), 3600 * CRECHE_SECOND);
}

/* An offloaded function holds the clock while it runs, unless it says that it waits. */
typedef struct worker {
  sem_t go;
  int64_t seen_at;
  int waits;
} worker;

static creche_status work(void* arg, creche_task task, uint64_t* value) {
  worker* w = arg;
  (void)value;
  if (w->waits) creche_clock_release(loop);
  sem_wait(&w->go);
  if (w->waits) creche_clock_hold(loop);
  creche_now(task.scope, &w->seen_at);
  return CRECHE_OK;
}

static void a_worker_holds_the_clock(void** state) {
  worker w = {.waits = 0};
  seen sleeper = {0}, s = {0};
  (void)state;
  sem_init(&w.go, 0, 0);
  OK(creche_offload(loop.scope, work, &w, NULL, see, &s, NULL));
  settle(); /* it has begun to run, or will */
  sleep_for(loop.scope, CRECHE_SECOND, &sleeper);
  IS(creche_loop_poll(loop, 5 * CRECHE_MILLISECOND), CRECHE_E_TIMEOUT);
  assert_int_equal(sleeper.finals, 0);
  sem_post(&w.go);
  until(&sleeper.finals, 1);
  assert_int_equal(w.seen_at, 0);
  assert_int_equal(s.finals, 1);
  w.waits = 1;
  OK(creche_offload(loop.scope, work, &w, NULL, see, &s, NULL));
  sleep_for(loop.scope, CRECHE_SECOND, &sleeper);
  until(&sleeper.finals, 2);
  sem_post(&w.go);
  until(&s.finals, 2);
  assert_int_equal(w.seen_at, 2 * CRECHE_SECOND);
  sem_destroy(&w.go);
}

/* On a loop with a thread of its own a completion that nobody has read yet is somebody's next step:
 * the clock waits for it. */
static void an_unread_completion_holds_the_clock(void** state) {
  creche_loop_options o;
  creche_queue_options qo;
  creche_loop other;
  creche_queue queue;
  creche_group_options go = group_options();
  creche_group group;
  creche_completion c[2];
  size_t n = 0;
  int64_t t = -1;
  (void)state;
  OK(creche_loop_options_init(&o, sizeof o));
  o.clock = CRECHE_CLOCK_VIRTUAL;
  OK(creche_loop_open(&o, &other));
  OK(creche_queue_options_init(&qo, sizeof qo));
  OK(creche_queue_open(other, &qo, &queue));
  go.queue = queue;
  OK(creche_clock_hold(other));
  OK(creche_group_open(other.scope, &go, creche_nobody, NULL, &group));
  OK(creche_sleep(group.scope, CRECHE_SECOND, NULL, NULL, NULL, NULL));
  OK(creche_sleep(group.scope, 3600 * CRECHE_SECOND, NULL, NULL, NULL, NULL));
  OK(creche_clock_release(other));
  while (n == 0) { /* readable, not yet read */
    creche_loop_counters counted;
    OK(creche_loop_get_counters(other, &counted, sizeof counted));
    n = counted.ended >= 1;
  }
  OK(creche_now(other.scope, &t));
  assert_int_equal(t, CRECHE_SECOND);
  OK(creche_queue_wait(queue, c, 1, PATIENCE, &n));
  assert_int_equal(n, 1);
  creche_completions_release(c, n);
  OK(creche_queue_wait(queue, c, 1, PATIENCE, &n));
  OK(creche_now(other.scope, &t));
  assert_int_equal(t, 3600 * CRECHE_SECOND);
  creche_completions_release(c, n);
  OK(creche_loop_close(other));
  OK(creche_loop_join(other, PATIENCE));
}

static void tell(void* user, const creche_completion* c) {
  (void)c;
  sem_post(user);
}
/* A loop of its own, whose clock stands still for what the caller does next. */
static creche_loop open_other(sem_t* woke) {
  creche_loop_options o;
  creche_loop other;
  OK(sem_init(woke, 0, 0));
  OK(creche_loop_options_init(&o, sizeof o));
  o.clock = CRECHE_CLOCK_VIRTUAL;
  OK(creche_loop_open(&o, &other));
  OK(creche_clock_hold(other));
  OK(creche_sleep(other.scope, 3600 * CRECHE_SECOND, NULL, tell, woke, NULL));
  return other;
}
static void await(sem_t* woke) {
  struct timespec patience;
  OK(clock_gettime(CLOCK_REALTIME, &patience));
  patience.tv_sec += PATIENCE / CRECHE_SECOND;
  OK(sem_timedwait(woke, &patience));
}
static void close_other(creche_loop other, sem_t* woke) {
  OK(creche_loop_close(other));
  OK(creche_loop_join(other, PATIENCE));
  sem_destroy(woke);
}

/* The loop is asleep when the last reason for its clock to stand still goes: it looks again. */
static void a_released_queue_lets_it_go_on(void** state) {
  creche_task_options o = task_options();
  creche_queue queue;
  creche_loop other;
  sem_t woke;
  int readable = 0;
  (void)state;
  other = open_other(&woke);
  OK(creche_queue_open(other, NULL, &o.queue));
  queue = o.queue;
  OK(creche_sleep(other.scope, 0, &o, NULL, NULL, NULL));
  while (!readable) { /* until it has come */
    creche_loop_counters counted;
    OK(creche_loop_get_counters(other, &counted, sizeof counted));
    readable = counted.ended >= 1;
  }
  OK(creche_clock_release(other)); /* it stands still for the completion now */
  IS(creche_loop_join(other, 20 * CRECHE_MILLISECOND), CRECHE_E_TIMEOUT);
  creche_queue_release(queue);
  await(&woke);
  close_other(other, &woke);
}

static creche_status wait_to_be_told(void* arg, creche_task task, uint64_t* value) {
  (void)task;
  (void)value;
  await(arg);
  return CRECHE_OK;
}
static void an_unobserved_worker_lets_it_go_on(void** state) {
  creche_loop other;
  sem_t woke, go;
  int64_t t = -1;
  (void)state;
  other = open_other(&woke);
  OK(sem_init(&go, 0, 0));
  OK(creche_offload(other.scope, wait_to_be_told, &go, NULL, creche_nobody, NULL, NULL));
  for (uint64_t running = 0; !running;) { /* until it is with a worker */
    creche_loop_counters counted;
    OK(creche_loop_get_counters(other, &counted, sizeof counted));
    running = counted.turns >= 1 && counted.live_tasks == 2;
  }
  OK(creche_clock_release(other));
  IS(creche_loop_join(other, 20 * CRECHE_MILLISECOND), CRECHE_E_TIMEOUT);
  OK(creche_now(other.scope, &t));
  assert_int_equal(t, 0);
  sem_post(&go);
  await(&woke);
  close_other(other, &woke);
  sem_destroy(&go);
}

typedef struct {
  creche_loop loop;
  int64_t at;
} looked;
static void look_at_the_clock(void* user, const creche_completion* c) {
  looked* l = user;
  (void)c;
  creche_now(l->loop.scope, &l->at);
}
/* What was asked of the loop before the clock was released comes before the clock's next jump, also
 * if the loop was about to fall asleep then. */
static void what_was_asked_comes_before_the_jump(void** state) {
  enum { ROUNDS = 3000 };
  looked l = {.at = -1};
  sem_t woke;
  (void)state;
  l.loop = open_other(&woke);
  OK(creche_clock_release(l.loop));
  await(&woke);
  for (int64_t i = 0; i < ROUNDS; i++) {
    const int64_t now = 3600 * CRECHE_SECOND + i * CRECHE_SECOND;
    OK(creche_clock_hold(l.loop));
    OK(creche_sleep(l.loop.scope, CRECHE_SECOND, NULL, tell, &woke, NULL));
    OK(creche_loop_post(l.loop, look_at_the_clock, &l));
    OK(creche_clock_release(l.loop));
    await(&woke);
    assert_int_equal(l.at, now);
  }
  close_other(l.loop, &woke);
}

/* Scopes, groups, moved deadlines and the grace of a shutdown are all on the same clock. */
static void everything_is_on_the_clock(void** state) {
  creche_scope_options so = scope_options();
  creche_group_options go = group_options();
  creche_outcome outcome;
  creche_scope scope;
  creche_group group;
  seen a = {0}, g = {0}, b = {0};
  (void)state;
  so.timeout = CRECHE_SECOND;
  scope = scope_in(loop.scope, &so);
  op(scope, &a);
  go.timeout = 10 * CRECHE_SECOND;
  group = group_in(loop.scope, &go, &g);
  op(group.scope, &b);
  OK(creche_group_close(group));
  OK(creche_scope_set_timeout(scope, 5 * CRECHE_SECOND));
  until(&a.finals, 1);
  assert_int_equal(now(), 5 * CRECHE_SECOND);
  OK(creche_scope_leave(scope, &outcome));
  assert_int_equal(outcome.status, CRECHE_E_TIMEOUT);
  OK(creche_scope_set_timeout(group.scope, 7 * CRECHE_SECOND));
  until(&g.finals, 1);
  assert_int_equal(now(), 12 * CRECHE_SECOND);
  assert_int_equal(g.status, CRECHE_E_TIMEOUT);
  op(loop.scope, &b);
  OK(creche_loop_shutdown(loop, 60 * CRECHE_SECOND));
  until(&b.finals, 2);
  assert_int_equal(now(), 72 * CRECHE_SECOND);
}

/* ---- Yield ---- */
static void a_yield_lets_others_run(void** state) {
  seen y = {0}, p = {0};
  (void)state;
  OK(creche_loop_post(loop, see, &p));
  OK(creche_yield(loop.scope, NULL, see, &y, NULL));
  assert_int_equal(y.finals, 0); /* never inside the call */
  settle();
  assert_int_equal(y.status, CRECHE_OK);
  assert_true(p.order < y.order);
}

static void a_yield_is_a_checkpoint(void** state) {
  creche_scope scope = scope_in(loop.scope, NULL);
  creche_outcome outcome;
  seen y = {0};
  (void)state;
  OK(creche_scope_cancel(scope, "stop"));
  OK(creche_yield(scope, NULL, see, &y, NULL));
  settle();
  assert_int_equal(y.status, CRECHE_E_CANCELLED);
  assert_string_equal(y.text, "stop");
  OK(creche_scope_leave(scope, &outcome));
  assert_int_equal(outcome.flags, CRECHE_CAUGHT);
}

/* Two that yield again and again take turns. */
static int turns[64], turns_n;
typedef struct yielder {
  int id, left;
} yielder;
static void yield_again(void* user, const creche_completion* c) {
  yielder* y = user;
  (void)c;
  turns[turns_n++] = y->id;
  if (--y->left > 0) SAY(creche_yield(loop.scope, NULL, yield_again, y, NULL));
}
static void yielders_take_turns(void** state) {
  yielder a = {1, 10}, b = {2, 10};
  (void)state;
  turns_n = 0;
  OK(creche_yield(loop.scope, NULL, yield_again, &a, NULL));
  OK(creche_yield(loop.scope, NULL, yield_again, &b, NULL));
  settle();
  assert_int_equal(turns_n, 20);
  for (int i = 0; i < 20; i += 2) assert_int_not_equal(turns[i], turns[i + 1]);
}

/* ---- The shuffle ---- */
enum { kMany = 24 };
static int course[kMany], course_n;
static void mark(void* user, const creche_completion* c) {
  (void)c;
  course[course_n++] = (int)(intptr_t)user;
}
static void run_course(uint64_t seed, int* result) {
  open_loop_with(CRECHE_CLOCK_VIRTUAL, seed);
  course_n = 0;
  for (int i = 0; i < kMany; i++)
    OK(creche_yield(loop.scope, NULL, mark, (void*)(intptr_t)i, NULL));
  settle();
  assert_int_equal(course_n, kMany);
  memcpy(result, course, sizeof course);
  assert_int_equal(close_loop(NULL), 0);
}
static void the_same_seed_the_same_course(void** state) {
  int fifo[kMany], a[kMany], b[kMany], c[kMany], sum = 0;
  (void)state;
  run_course(0, fifo);
  for (int i = 0; i < kMany; i++) assert_int_equal(fifo[i], i);
  run_course(42, a);
  run_course(42, b);
  run_course(43, c);
  assert_memory_equal(a, b, sizeof a);
  assert_memory_not_equal(a, c, sizeof a);
  assert_memory_not_equal(a, fifo, sizeof a);
  for (int i = 0; i < kMany; i++) sum += a[i];
  assert_int_equal(sum, kMany * (kMany - 1) / 2); /* each once */
}

/* Posts keep their order, a task begins before it is cancelled and ends last. */
static void what_has_an_order_keeps_it(void** state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 20; seed++) {
    seen s[kMany];
    memset(s, 0, sizeof s);
    open_loop_with(CRECHE_CLOCK_VIRTUAL, seed);
    course_n = 0;
    for (int i = 0; i < kMany; i++) {
      if (i % 2) OK(creche_loop_post(loop, mark, (void*)(intptr_t)i));
      creche_task task = spawn(loop.scope, body_obeys, &s[i]);
      OK(creche_scope_cancel(task.scope, NULL));
    }
    settle();
    for (int i = 0; i < kMany; i++) {
      assert_int_equal(s[i].begins, 1);
      assert_int_equal(s[i].cancels, 1);
      assert_int_equal(s[i].finals, 1);
      assert_int_equal(s[i].kind, CRECHE_DONE);
    }
    for (int i = 1; i < course_n; i++) assert_true(course[i - 1] < course[i]);
    assert_int_equal(close_loop(NULL), 0);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      VIRTUAL_TEST(sleeping_takes_no_time),
      VIRTUAL_TEST(deadlines_expire_before_sleeps_end),
      VIRTUAL_TEST(no_deadline_no_jump),
      VIRTUAL_TEST(held_and_advanced),
      VIRTUAL_TEST(misuse_of_the_clock),
      VIRTUAL_TEST(a_worker_holds_the_clock),
      VIRTUAL_TEST(the_end_of_all_time),
      VIRTUAL_TEST(a_worker_that_lets_the_clock_go),
      cmocka_unit_test(an_unread_completion_holds_the_clock),
      cmocka_unit_test(a_released_queue_lets_it_go_on),
      cmocka_unit_test(an_unobserved_worker_lets_it_go_on),
      cmocka_unit_test(what_was_asked_comes_before_the_jump),
      VIRTUAL_TEST(everything_is_on_the_clock),
      TEST(a_yield_lets_others_run),
      TEST(a_yield_is_a_checkpoint),
      TEST(yielders_take_turns),
      cmocka_unit_test(the_same_seed_the_same_course),
      cmocka_unit_test(what_has_an_order_keeps_it),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

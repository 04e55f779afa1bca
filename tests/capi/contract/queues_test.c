/* Queues: the descriptor, order, closing, releasing, back-pressure, waiting. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "support/core.h"

static int open_queue(void** state) {
  return open_loop(state) == 0 && creche_queue_open(loop, NULL, &queue) == CRECHE_OK ? 0 : -1;
}
static int release_queue(void** state) {
  creche_queue_release(queue);
  return close_loop(state);
}
#define QUEUE_TEST(name) cmocka_unit_test_setup_teardown(name, open_queue, release_queue)

static int readable(creche_queue q) {
  struct pollfd p;
  p.fd = creche_queue_fd(q);
  p.events = POLLIN;
  assert_true(p.fd >= 0);
  return poll(&p, 1, 0);
}
static size_t drain(creche_completion* c, size_t capacity) {
  size_t n;
  OK(creche_queue_drain(queue, c, capacity, &n));
  return n;
}
static creche_task_options queue_options(void) {
  creche_task_options o = task_options();
  o.queue = queue;
  return o;
}
static void sleep_to_queue(creche_scope in, void* user) {
  const creche_task_options o = queue_options();
  OK(creche_sleep(in, 0, &o, NULL, user, NULL));
}
static creche_group queue_group(uint32_t flags, uint32_t limit, void* user) {
  creche_group_options o = group_options();
  creche_group group;
  o.queue = queue;
  o.flags = flags;
  o.limit = limit;
  OK(creche_group_open(loop.scope, &o, NULL, user, &group));
  return group;
}

/* Readable if and only if there is something to drain; only draining clears it. */
static void readable_iff_not_empty(void** state) {
  creche_completion c[4];
  int marks[3], i;
  (void)state;
  assert_int_equal(readable(queue), 0);
  for (i = 0; i < 3; i++) sleep_to_queue(loop.scope, &marks[i]);
  assert_int_equal(readable(queue), 0); /* not before they have ended */
  settle();
  assert_int_equal(readable(queue), 1);
  assert_int_equal(drain(c, 2), 2); /* in batches, in order */
  assert_ptr_equal(c[0].user, &marks[0]);
  assert_ptr_equal(c[1].user, &marks[1]);
  assert_int_equal(readable(queue), 1);
  assert_int_equal(drain(c + 2, 2), 1);
  assert_ptr_equal(c[2].user, &marks[2]);
  assert_int_equal(readable(queue), 0);
  assert_int_equal(drain(c + 3, 1), 0);
  creche_completions_release(c, 3);
  creche_completions_release(c, 3); /* a second time is harmless */
}

/* A group's own completion comes after those of its children. */
static void a_groups_own_comes_last(void** state) {
  creche_completion c[16];
  int own, mark, i;
  creche_group group = queue_group(0, 0, &own);
  size_t n;
  (void)state;
  for (i = 0; i < 8; i++) OK(creche_sleep(group.scope, 0, NULL, NULL, &mark, NULL));
  OK(creche_group_close(group));
  settle();
  n = drain(c, 16);
  assert_int_equal(n, 9);
  for (i = 0; i < 8; i++) assert_ptr_equal(c[i].user, &mark);
  assert_ptr_equal(c[8].user, &own);
  assert_int_equal(c[8].task.scope.id, group.scope.id);
  creche_completions_release(c, n);
}

/* Who adds follow-ups while reading closes the group after the last of them. */
static void follow_ups_while_reading(void** state) {
  creche_completion c;
  int own, mark, left = 20, ended = 0;
  creche_group group = queue_group(0, 3, &own);
  (void)state;
  OK(creche_sleep(group.scope, 0, NULL, NULL, &mark, NULL));
  while (!ended) {
    if (drain(&c, 1) == 0) {
      OK(creche_loop_poll(loop, PATIENCE));
      continue;
    }
    if (c.user == &own)
      ended = 1;
    else if (--left > 0)
      OK(creche_sleep(group.scope, 0, NULL, NULL, &mark, NULL));
    else
      OK(creche_group_close(group));
    creche_completions_release(&c, 1);
  }
  assert_int_equal(left, 0);
}

/* until_released: a child counts until its completion is released. */
static void until_released(void** state) {
  creche_completion c[4], own;
  seen b[3] = {{0}, {0}, {0}};
  int i, mark, group_mark;
  creche_group group = queue_group(CRECHE_GROUP_UNTIL_RELEASED, 2, &group_mark);
  (void)state;
  for (i = 0; i < 3; i++)
    OK(creche_task_spawn(group.scope, body_succeeds, &b[i], NULL, NULL, &mark, NULL));
  OK(creche_group_close(group));
  settle();
  assert_int_equal(b[0].begins + b[1].begins + b[2].begins, 2); /* two hold the limit */
  assert_int_equal(drain(c, 4), 2);
  settle();
  assert_int_equal(b[2].begins, 0); /* drained is not released */
  creche_completions_release(c, 1);
  settle();
  assert_int_equal(b[2].begins, 1);
  assert_int_equal(drain(c + 2, 2), 1);
  settle();
  creche_completions_release(c + 2, 1);
  settle();
  assert_int_equal(drain(&own, 1), 0); /* the group waits for the last of them */
  creche_completions_release(c + 1, 1);
  settle();
  assert_int_equal(drain(&own, 1), 1);
  assert_ptr_equal(own.user, &group_mark);
  assert_int_equal(own.status, CRECHE_OK);
  creche_completions_release(&own, 1);
}

/* A queue that is released lets go of what it held against a limit. */
static void a_released_queue_lets_go(void** state) {
  seen b[3] = {{0}, {0}, {0}};
  creche_group_options o = group_options();
  creche_group group;
  seen g = {0};
  int i;
  (void)state;
  o.queue = queue;
  o.flags = CRECHE_GROUP_UNTIL_RELEASED;
  o.limit = 2;
  group = group_in(loop.scope, &o, &g);
  for (i = 0; i < 3; i++)
    OK(creche_task_spawn(group.scope, body_succeeds, &b[i], NULL, NULL, NULL, NULL));
  OK(creche_group_close(group));
  settle();
  assert_int_equal(g.finals, 0);
  creche_queue_release(queue);
  settle();
  assert_int_equal(b[2].begins, 1);
  assert_int_equal(g.status, CRECHE_OK);
}

/* Closed: no new routes; what was accepted is delivered; then CLOSED, and readable for ever. */
/* Who watches the descriptor for changes only hears of what is left, too, however little is taken
   at a time. */
static void watched_for_changes_and_drained_one_at_a_time(void** state) {
  const int watch = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event event;
  creche_completion c;
  int i, taken = 0;
  (void)state;
  memset(&event, 0, sizeof event);
  event.events = EPOLLIN | EPOLLET;
  assert_int_equal(epoll_ctl(watch, EPOLL_CTL_ADD, creche_queue_fd(queue), &event), 0);
  for (i = 0; i < 10; i++) sleep_to_queue(loop.scope, NULL);
  settle();
  while (epoll_wait(watch, &event, 1, 0) == 1) {
    assert_int_equal(drain(&c, 1), 1);
    creche_completions_release(&c, 1);
    taken++;
  }
  assert_int_equal(taken, 10);
  assert_int_equal(readable(queue), 0);
  close(watch);
}

static void closing(void** state) {
  creche_completion c[2];
  const creche_task_options o = queue_options();
  seen closed = {0}, too = {0}, again = {0}, s = {0};
  creche_task task;
  size_t n;
  (void)state;
  OK(creche_sleep_until(loop.scope, CRECHE_NEVER, &o, NULL, NULL, &task));
  OK(creche_queue_close(queue, see, &closed));
  OK(creche_queue_close(queue, see, &too)); /* again: told when nothing more will come, too */
  IS(creche_sleep(loop.scope, 0, &o, NULL, NULL, NULL), CRECHE_E_CLOSED);
  OK(creche_sleep(loop.scope, 0, &o, see, &s, NULL)); /* goes elsewhere */
  settle();
  assert_int_equal(s.finals, 1);
  assert_int_equal(closed.finals, 0);
  assert_int_equal(too.finals, 0);
  assert_int_equal(readable(queue), 0);
  OK(creche_queue_drain(queue, c, 2, &n));
  assert_int_equal(n, 0);
  OK(creche_scope_cancel(task.scope, NULL));
  assert_int_equal(closed.finals, 0); /* not inside the call */
  settle();
  assert_int_equal(closed.finals, 1);
  assert_int_equal(closed.kind, CRECHE_DONE);
  assert_int_equal(too.finals, 1);
  OK(creche_queue_drain(queue, NULL, 0, &n)); /* not everything was taken */
  assert_int_equal(drain(c, 2), 1);
  assert_int_equal(c[0].status, CRECHE_E_CANCELLED);
  creche_completions_release(c, 1);
  IS(creche_queue_drain(queue, c, 2, &n), CRECHE_E_CLOSED);
  IS(creche_queue_wait(queue, c, 2, CRECHE_NEVER, &n), CRECHE_E_CLOSED);
  assert_int_equal(readable(queue), 1);
  OK(creche_queue_close(queue, see, &again));
  settle();
  assert_int_equal(again.finals, 1);
  assert_int_equal(closed.finals, 1);
}

/* Released: what is in it goes, what still comes goes. */
static void releasing(void** state) {
  creche_completion c;
  const creche_task_options o = queue_options();
  creche_task task;
  size_t n;
  (void)state;
  sleep_to_queue(loop.scope, NULL);
  settle();
  OK(creche_sleep_until(loop.scope, CRECHE_NEVER, &o, NULL, NULL, &task));
  creche_queue_release(queue);
  IS(creche_queue_drain(queue, &c, 1, &n), CRECHE_E_ENDED);
  IS(creche_sleep(loop.scope, 0, &o, NULL, NULL, NULL), CRECHE_E_ENDED);
  OK(creche_scope_cancel(task.scope, NULL));
  settle();
  assert_int_equal(state_of(loop.scope).live, 0);
}

/* What was drained stays valid after the loop and the queue are gone. */
static void drained_data_outlives_the_loop(void** state) {
  creche_completion c[2];
  const creche_completion* all;
  creche_group_options g = group_options();
  creche_group group;
  seen b = {0};
  int mark;
  size_t n;
  (void)state;
  g.queue = queue;
  g.policy = CRECHE_COLLECT;
  OK(creche_group_open(loop.scope, &g, NULL, NULL, &group));
  OK(creche_task_spawn(group.scope, body_fails, &b, NULL, creche_to_group, &mark, NULL));
  OK(creche_task_spawn(group.scope, body_fails, &b, NULL, NULL, &mark, NULL));
  OK(creche_group_close(group));
  settle();
  n = drain(c, 2);
  assert_int_equal(n, 2);
  OK(creche_loop_close(loop));
  OK(creche_loop_join(loop, PATIENCE));
  assert_int_equal(c[0].error->status, CRECHE_E_USER);
  assert_true(strlen(c[0].error->message) > 0);
  assert_int_equal(c[1].data_size, sizeof *all);
  all = c[1].data;
  assert_ptr_equal(all->user, &mark);
  assert_int_equal(all->error->status, CRECHE_E_USER);
  creche_completions_release(c, n);
  assert_null(c[0].error);
  assert_null(c[1].data);
}

/* A joined loop takes its queues with it. */
static void a_queue_ends_with_its_loop(void** state) {
  creche_completion c;
  seen closed = {0};
  size_t n;
  (void)state;
  sleep_to_queue(loop.scope, NULL);
  settle();
  OK(creche_loop_close(loop));
  while (creche_loop_poll(loop, PATIENCE) == CRECHE_OK) continue;
  assert_int_equal(drain(&c, 1), 1); /* ended, but not joined yet */
  creche_completions_release(&c, 1);
  IS(creche_queue_close(queue, see, &closed), CRECHE_E_CLOSED); /* nobody would call it */
  OK(creche_queue_close(queue, NULL, NULL));
  IS(creche_queue_open(loop, NULL, &queue), CRECHE_E_CLOSED);
  OK(creche_loop_join(loop, PATIENCE));
  IS(creche_queue_drain(queue, &c, 1, &n), CRECHE_E_BAD_HANDLE); /* {0}, from the failed open */
  assert_int_equal(closed.finals, 0);
}

/* ---- Waiting ---- */
static void wait_times_out(void** state) {
  creche_completion c;
  struct timespec a, b;
  size_t n = 9;
  (void)state;
  IS(creche_queue_wait(queue, &c, 1, 0, &n), CRECHE_E_TIMEOUT);
  assert_int_equal(n, 0);
  clock_gettime(CLOCK_MONOTONIC, &a);
  IS(creche_queue_wait(queue, &c, 1, 5 * CRECHE_MILLISECOND, &n), CRECHE_E_TIMEOUT);
  clock_gettime(CLOCK_MONOTONIC, &b);
  assert_true((b.tv_sec - a.tv_sec) * CRECHE_SECOND + (b.tv_nsec - a.tv_nsec) >=
              5 * CRECHE_MILLISECOND);
}

/* A loop with a thread, and a queue of it. */
static creche_loop threaded;
static creche_queue its_queue;
static void open_threaded(void) {
  OK(creche_loop_open(NULL, &threaded));
  OK(creche_queue_open(threaded, NULL, &its_queue));
}
static void close_threaded(void) {
  OK(creche_loop_close(threaded));
  OK(creche_loop_join(threaded, PATIENCE));
}

static void waiting_for_one(void** state) {
  creche_task_options o = task_options();
  creche_completion c;
  size_t n;
  int i;
  (void)state;
  open_threaded();
  o.queue = its_queue;
  for (i = 0; i < 200; i++) {
    OK(creche_sleep(threaded.scope, i % 2 ? 0 : CRECHE_MICROSECOND, &o, NULL, NULL, NULL));
    OK(creche_queue_wait(its_queue, &c, 1, PATIENCE, &n));
    assert_int_equal(n, 1);
    creche_completions_release(&c, 1);
  }
  close_threaded();
}

typedef struct waiter {
  pthread_t thread;
  creche_status status;
  size_t n;
} waiter;
static void* wait_long(void* arg) {
  waiter* w = arg;
  creche_completion c;
  w->status = creche_queue_wait(its_queue, &c, 1, PATIENCE, &w->n);
  if (w->n > 0) creche_completions_release(&c, 1);
  return NULL;
}
/* Whether it waits is not to be seen from outside; it makes no difference for what is promised. */
static void start_waiter(waiter* w) {
  memset(w, 0, sizeof *w);
  w->status = 99;
  assert_int_equal(pthread_create(&w->thread, NULL, wait_long, w), 0);
}
static void a_waiter_wakes_when_its_queue_ends(void** state) {
  waiter w[3];
  int round, i;
  (void)state;
  for (round = 0; round < 30; round++) {
    open_threaded();
    for (i = 0; i < 3; i++) start_waiter(&w[i]);
    if (round % 2) sched_yield();
    if (round % 3 == 0)
      creche_queue_release(its_queue);
    else if (round % 3 == 1)
      OK(creche_queue_close(its_queue, NULL, NULL));
    close_threaded(); /* the join takes it, and them, down */
    for (i = 0; i < 3; i++) {
      assert_int_equal(pthread_join(w[i].thread, NULL), 0);
      assert_true(w[i].status == CRECHE_E_CLOSED || w[i].status == CRECHE_E_ENDED);
      assert_int_equal(w[i].n, 0);
    }
  }
}

static volatile sig_atomic_t signals;
static void on_signal(int number) {
  (void)number;
  signals++;
}
static void a_signal_interrupts(void** state) {
  struct sigaction action, before;
  waiter w;
  (void)state;
#ifdef __SANITIZE_THREAD__
  skip(); /* it delays handlers, and sees races in what they count */
#endif
  memset(&action, 0, sizeof action);
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART; /* even so */
  sigaction(SIGUSR1, &action, &before);
  open_threaded();
  start_waiter(&w);
  while (w.status == 99) { /* until one of them hits the wait */
    struct timespec t = {0, 1000000};
    pthread_kill(w.thread, SIGUSR1);
    nanosleep(&t, NULL);
    if (signals > 5000) break;
    if (pthread_tryjoin_np(w.thread, NULL) == 0) break;
  }
  assert_int_equal(w.status, CRECHE_E_INTERRUPTED);
  assert_true(signals > 0);
  close_threaded();
  sigaction(SIGUSR1, &before, NULL);
}

static creche_status wait_status;
static void wait_in_callback(void* user, const creche_completion* c) {
  creche_completion got;
  size_t n;
  (void)c;
  wait_status = creche_queue_wait(*(creche_queue*)user, &got, 1, 0, &n);
}
static void waiting_on_a_loop(void** state) {
  (void)state;
  wait_status = 0;
  OK(creche_loop_post(loop, wait_in_callback, &queue));
  settle();
  assert_int_equal(wait_status, CRECHE_E_WOULD_DEADLOCK);
}

/* Notices to an external task come through its queue, in order, and its end after them. */
static void an_external_task_in_a_queue(void** state) {
  const creche_task_options o = queue_options();
  creche_completion c[4];
  creche_task task;
  int mark;
  (void)state;
  OK(creche_task_open(loop.scope, &o, NULL, &mark, &task));
  OK(creche_scope_cancel(task.scope, NULL));
  settle();
  OK(creche_task_finish(task, CRECHE_E_CANCELLED, 4, NULL));
  settle();
  assert_int_equal(drain(c, 4), 3);
  assert_int_equal(c[0].kind, CRECHE_BEGIN);
  assert_int_equal(c[0].flags, CRECHE_MORE);
  assert_int_equal(c[1].kind, CRECHE_CANCEL);
  assert_int_equal(c[2].kind, CRECHE_DONE);
  assert_int_equal(c[2].status, CRECHE_E_CANCELLED);
  assert_int_equal(c[2].value, 4);
  assert_int_equal(c[0].task.scope.id, task.scope.id);
  assert_ptr_equal(c[2].user, &mark);
  creche_completions_release(c, 3);
}

/* An error of a drained completion may be kept beyond its release. */
static void a_kept_error(void** state) {
  const creche_task_options o = queue_options();
  creche_completion c;
  const creche_error* kept;
  seen b = {0};
  (void)state;
  OK(creche_task_spawn(loop.scope, body_fails, &b, &o, NULL, NULL, NULL));
  settle();
  assert_int_equal(drain(&c, 1), 1);
  kept = creche_error_keep(c.error);
  creche_completions_release(&c, 1);
  assert_int_equal(kept->status, CRECHE_E_USER);
  creche_error_release(kept);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      QUEUE_TEST(readable_iff_not_empty),
      QUEUE_TEST(a_groups_own_comes_last),
      QUEUE_TEST(follow_ups_while_reading),
      QUEUE_TEST(until_released),
      QUEUE_TEST(a_released_queue_lets_go),
      QUEUE_TEST(closing),
      QUEUE_TEST(watched_for_changes_and_drained_one_at_a_time),
      QUEUE_TEST(releasing),
      QUEUE_TEST(drained_data_outlives_the_loop),
      QUEUE_TEST(a_queue_ends_with_its_loop),
      QUEUE_TEST(wait_times_out),
      QUEUE_TEST(waiting_for_one),
      QUEUE_TEST(a_waiter_wakes_when_its_queue_ends),
      QUEUE_TEST(a_signal_interrupts),
      QUEUE_TEST(waiting_on_a_loop),
      QUEUE_TEST(an_external_task_in_a_queue),
      QUEUE_TEST(a_kept_error),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

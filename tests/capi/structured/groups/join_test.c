/* Working synchronously: a join that says why its group failed, and blocking calls on the thread
 * that runs the loop, which turn it. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#include "support/core.h"

static creche_group joinable(creche_scope in) {
  creche_group_options o = group_options();
  creche_group group;
  o.flags = CRECHE_GROUP_JOINABLE;
  OK(creche_group_open(in, &o, creche_nobody, NULL, &group));
  return group;
}

/* ---- Why it failed ---- */
static int freed;
static void frees(void* cookie) {
  ++*(int*)cookie;
}
static void fails_with_a_cookie(void* user, const creche_completion* c) {
  const creche_error* own;
  (void)user;
  if (c->kind != CRECHE_BEGIN) return;
  if (creche_error_new(-1001, "mine", &freed, frees, NULL, &own) != CRECHE_OK) return;
  creche_task_finish(c->task, -1001, 0, own);
  creche_error_release(own);
}
static void spawn_for_nobody(creche_scope in, creche_done_fn body) {
  static seen ignored;
  OK(creche_task_spawn(in, body, &ignored, NULL, creche_nobody, NULL, NULL));
}

static void the_tree_of_failures(void** state) {
  creche_group group = joinable(loop.scope), inner;
  const creche_error *error, *leaves[4];
  creche_outcome outcome;
  (void)state;
  freed = 0;
  OK(creche_group_open(group.scope, NULL, creche_nobody, NULL, &inner));
  spawn_for_nobody(inner.scope, fails_with_a_cookie);
  OK(creche_group_close(inner));
  OK(creche_group_join_error(group, PATIENCE, &outcome, &error));
  assert_int_equal(outcome.status, CRECHE_E_GROUP);
  assert_non_null(error);
  assert_int_equal(error->status, CRECHE_E_GROUP);
  assert_int_equal(error->children_count, 1);
  assert_int_equal(error->children[0]->status, CRECHE_E_GROUP); /* a tree */
  assert_int_equal(creche_error_flatten(error, leaves, 4), 1);
  assert_int_equal(leaves[0]->status, -1001);
  assert_ptr_equal(leaves[0]->cookie, &freed);
  assert_string_equal(leaves[0]->message, "mine");
  settle();
  assert_int_equal(freed, 0); /* it is ours */
  creche_error_release(error);
  assert_int_equal(freed, 1);
}
/* It outlives its loop. */
static void kept_beyond_the_loop(void** state) {
  creche_group group = joinable(loop.scope);
  const creche_error* error;
  (void)state;
  freed = 0;
  spawn_for_nobody(group.scope, fails_with_a_cookie);
  OK(creche_group_join_error(group, PATIENCE, NULL, &error));
  OK(creche_loop_close(loop));
  OK(creche_loop_join(loop, PATIENCE));
  assert_string_equal(error->children[0]->message, "mine");
  creche_error_release(error);
  assert_int_equal(freed, 1);
}
/* Nobody wants it: it goes with the join, or with the loop. */
static void an_error_that_nobody_takes(void** state) {
  creche_group group = joinable(loop.scope), never;
  (void)state;
  freed = 0;
  spawn_for_nobody(group.scope, fails_with_a_cookie);
  OK(creche_group_join_error(group, PATIENCE, NULL, NULL));
  settle();
  assert_int_equal(freed, 1);
  never = joinable(loop.scope);
  spawn_for_nobody(never.scope, fails_with_a_cookie);
  OK(creche_group_close(never));
  settle();
  OK(creche_loop_close(loop));
  OK(creche_loop_join(loop, PATIENCE));
  assert_int_equal(freed, 2);
}
static void the_error_of_each_outcome(void** state) {
  creche_group_options o = group_options();
  creche_group group = joinable(loop.scope);
  const creche_error* error = (const creche_error*)&o;
  creche_scope outer = scope_in(loop.scope, NULL);
  creche_outcome outcome;
  seen s = {0};
  (void)state;
  op(group.scope, &s);
  IS(creche_group_join_error(group, 0, &outcome, &error), CRECHE_E_TIMEOUT);
  assert_null(error); /* it failed */
  OK(creche_scope_cancel(group.scope, NULL));
  error = (const creche_error*)&o;
  OK(creche_group_join_error(group, PATIENCE, &outcome, &error));
  assert_int_equal(outcome.status, CRECHE_OK); /* it caught that */
  assert_null(error);
  IS(creche_group_join_error(group, PATIENCE, &outcome, &error), CRECHE_E_ENDED);
  group = joinable(outer);
  op(group.scope, &s);
  OK(creche_scope_cancel(outer, "enough"));
  OK(creche_group_join_error(group, PATIENCE, &outcome, &error));
  assert_int_equal(outcome.status, CRECHE_E_CANCELLED);
  assert_int_equal(error->status, CRECHE_E_CANCELLED);
  assert_string_equal(error->reason_text, "enough");
  creche_error_release(error);
  settle();
  OK(creche_scope_leave(outer, NULL));
  o.flags = CRECHE_GROUP_JOINABLE;
  o.timeout = CRECHE_MILLISECOND;
  OK(creche_group_open(loop.scope, &o, creche_nobody, NULL, &group));
  op(group.scope, &s);
  OK(creche_group_join_error(group, PATIENCE, &outcome, &error));
  assert_int_equal(outcome.status, CRECHE_E_TIMEOUT);
  assert_int_equal(error->reason, CRECHE_REASON_DEADLINE);
  creche_error_release(error);
}

/* ---- The thread that runs the loop turns it ---- */
static void a_join_turns_the_loop(void** state) {
  creche_group group = joinable(loop.scope);
  creche_outcome outcome;
  seen s = {0}, t = {0};
  (void)state;
  OK(creche_sleep(group.scope, CRECHE_MILLISECOND, NULL, see, &s, NULL));
  OK(creche_group_join(group, CRECHE_NEVER, &outcome));
  assert_int_equal(outcome.status, CRECHE_OK);
  assert_int_equal(s.finals, 1);
  group = joinable(loop.scope);
  op(group.scope, &t);
  IS(creche_group_join(group, 5 * CRECHE_MILLISECOND, &outcome), CRECHE_E_TIMEOUT);
  OK(creche_scope_cancel(group.scope, NULL));
  OK(creche_group_join(group, PATIENCE, &outcome)); /* may be had again */
  settle();                                         /* and so may the loop */
  assert_int_equal(t.status, CRECHE_E_CANCELLED);
}
static void a_queue_is_waited_for(void** state) {
  creche_task_options o = task_options();
  creche_completion c;
  creche_queue queue;
  size_t n;
  (void)state;
  OK(creche_queue_open(loop, NULL, &queue));
  o.queue = queue;
  OK(creche_sleep(loop.scope, CRECHE_MILLISECOND, &o, NULL, NULL, NULL));
  IS(creche_queue_wait(queue, &c, 1, 0, &n), CRECHE_E_TIMEOUT);
  OK(creche_queue_wait(queue, &c, 1, CRECHE_NEVER, &n));
  assert_int_equal(n, 1);
  creche_completions_release(&c, 1);
  IS(creche_queue_wait(queue, &c, 1, 5 * CRECHE_MILLISECOND, &n), CRECHE_E_TIMEOUT);
  OK(creche_sleep(loop.scope, CRECHE_MILLISECOND, &o, NULL, NULL, NULL));
  OK(creche_queue_close(queue, NULL, NULL));
  OK(creche_queue_wait(queue, &c, 1, CRECHE_NEVER, &n));
  creche_completions_release(&c, 1);
  IS(creche_queue_wait(queue, &c, 1, CRECHE_NEVER, &n), CRECHE_E_CLOSED);
  creche_queue_release(queue);
  OK(creche_queue_open(loop, NULL, &queue));
  OK(creche_loop_close(loop));
  IS(creche_queue_wait(queue, &c, 1, CRECHE_NEVER, &n), CRECHE_E_CLOSED); /* the loop ends */
  assert_int_equal(n, 0);
}
/* On a virtual clock, too: an hour takes no time. */
static void an_hour_of_a_virtual_clock(void** state) {
  creche_group group = joinable(loop.scope);
  seen s = {0};
  (void)state;
  OK(creche_sleep(group.scope, 3600 * CRECHE_SECOND, NULL, see, &s, NULL));
  OK(creche_group_join(group, PATIENCE, NULL));
  assert_int_equal(s.status, CRECHE_OK);
}

/* What comes from other threads wakes it. */
typedef struct other {
  pthread_t thread;
  creche_task task;
  creche_queue queue;
  creche_group group;
  creche_status got;
  atomic_int stop;
  pthread_t to;
} other;
static void start_thread(other* o, void* (*run)(void*)) {
  o->to = pthread_self();
  assert_int_equal(pthread_create(&o->thread, NULL, run, o), 0);
}
static void* finishes(void* user) {
  other* o = user;
  creche_task_finish(o->task, CRECHE_OK, 0, NULL);
  return NULL;
}
static void* releases(void* user) {
  other* o = user;
  creche_queue_release(o->queue);
  return NULL;
}
static void others_wake_it(void** state) {
  creche_queue events;
  creche_completion c;
  size_t n;
  int i;
  (void)state;
  OK(creche_queue_open(loop, NULL, &events));
  for (i = 0; i < 200; i++) {
    other o = {0};
    creche_task_options t = task_options();
    creche_status got;
    creche_group group = joinable(loop.scope);
    t.queue = events;
    OK(creche_task_open(group.scope, &t, NULL, NULL, &o.task));
    OK(creche_queue_wait(events, &c, 1, PATIENCE, &n)); /* it has begun */
    creche_completions_release(&c, 1);
    start_thread(&o, finishes);
    if (i % 2) {
      OK(creche_queue_wait(events, &c, 1, PATIENCE, &n)); /* its end */
      OK(creche_group_join(group, PATIENCE, NULL));
    } else {
      OK(creche_group_join(group, PATIENCE, NULL));
      OK(creche_queue_wait(events, &c, 1, PATIENCE, &n));
    }
    creche_completions_release(&c, 1);
    pthread_join(o.thread, NULL);
    OK(creche_queue_open(loop, NULL, &o.queue));
    start_thread(&o, releases);
    got = creche_queue_wait(o.queue, &c, 1, PATIENCE, &n);
    assert_true(got == CRECHE_E_CLOSED || got == CRECHE_E_ENDED); /* before it has begun to wait */
    pthread_join(o.thread, NULL);
  }
  creche_queue_release(events);
}
static volatile sig_atomic_t signals;
static void on_signal(int number) {
  (void)number;
  signals++;
}
static void* sends_signals(void* user) {
  other* o = user;
  while (!atomic_load(&o->stop)) {
    pthread_kill(o->to, SIGUSR1);
    sched_yield();
  }
  return NULL;
}
static void a_signal_interrupts_it(void** state) {
  struct sigaction action, before;
  creche_group group = joinable(loop.scope);
  other o = {0};
  creche_status got[2];
  creche_completion c;
  seen s = {0};
  size_t n;
  (void)state;
  memset(&action, 0, sizeof action);
  action.sa_handler = on_signal;
  sigaction(SIGUSR1, &action, &before);
  op(group.scope, &s);
  settle();
  OK(creche_queue_open(loop, NULL, &o.queue));
  start_thread(&o, sends_signals);
  got[0] = creche_group_join(group, PATIENCE, NULL);
  got[1] = creche_queue_wait(o.queue, &c, 1, PATIENCE, &n);
  atomic_store(&o.stop, 1);
  pthread_join(o.thread, NULL);
  sigaction(SIGUSR1, &before, NULL);
  IS(got[0], CRECHE_E_INTERRUPTED);
  IS(got[1], CRECHE_E_INTERRUPTED);
  OK(creche_scope_cancel(group.scope, NULL));
  OK(creche_group_join(group, PATIENCE, NULL));
}

/* Another thread does not turn it: callbacks stay on the thread that does. */
static atomic_int elsewhere, told;
static pthread_t runner;
static void where(void* user, const creche_completion* c) {
  (void)user;
  (void)c;
  if (!pthread_equal(pthread_self(), runner)) atomic_fetch_add(&elsewhere, 1);
}
static void* joins(void* user) {
  other* o = user;
  o->got = creche_group_join(o->group, PATIENCE, NULL);
  atomic_store(&told, 1);
  return NULL;
}
static void others_wait_for_who_runs_it(void** state) {
  other o = {0};
  (void)state;
  runner = pthread_self();
  atomic_store(&elsewhere, 0);
  atomic_store(&told, 0);
  o.group = joinable(loop.scope);
  OK(creche_sleep(o.group.scope, CRECHE_MILLISECOND, NULL, where, NULL, NULL));
  start_thread(&o, joins); /* before anybody has run it: who opened it will */
  while (!atomic_load(&told)) {
    const creche_status status = creche_loop_poll(loop, CRECHE_MILLISECOND);
    assert_true(status == CRECHE_OK || status == CRECHE_E_TIMEOUT);
  }
  pthread_join(o.thread, NULL);
  OK(o.got);
  assert_int_equal(atomic_load(&elsewhere), 0);
}
/* Inside a callback there is nobody else who could. */
static creche_status inside[2];
static void waits_inside(void* user, const creche_completion* c) {
  other* o = user;
  creche_completion came;
  size_t n;
  (void)c;
  inside[0] = creche_group_join_error(o->group, CRECHE_NEVER, NULL, NULL);
  inside[1] = creche_queue_wait(o->queue, &came, 1, CRECHE_NEVER, &n);
}
static void not_in_a_callback(void** state) {
  other o = {0};
  (void)state;
  o.group = joinable(loop.scope);
  OK(creche_queue_open(loop, NULL, &o.queue));
  OK(creche_loop_post(loop, waits_inside, &o));
  OK(creche_group_join(o.group, PATIENCE, NULL)); /* ends at once */
  settle();
  IS(inside[0], CRECHE_E_WOULD_DEADLOCK);
  IS(inside[1], CRECHE_E_WOULD_DEADLOCK);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(the_tree_of_failures),
      TEST(kept_beyond_the_loop),
      TEST(an_error_that_nobody_takes),
      TEST(the_error_of_each_outcome),
      TEST(a_join_turns_the_loop),
      TEST(a_queue_is_waited_for),
      VIRTUAL_TEST(an_hour_of_a_virtual_clock),
      TEST(others_wake_it),
      TEST(a_signal_interrupts_it),
      TEST(others_wait_for_who_runs_it),
      TEST(not_in_a_callback),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

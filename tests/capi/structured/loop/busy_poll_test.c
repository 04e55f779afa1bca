/* creche_loop_options.busy_poll: what comes while a loop looks for it instead of sleeping. */
#include <pthread.h>

#include "support/fixture.h"

#define LONG (30 * CRECHE_SECOND) /* it never sleeps in these tests */

static creche_loop open_busy(uint32_t run, int64_t busy_poll) {
  creche_loop_options o;
  creche_loop l;
  OK(creche_loop_options_init(&o, sizeof o));
  assert_true(o.busy_poll == 0);
  o.run = run;
  o.busy_poll = busy_poll;
  OK(creche_loop_open(&o, &l));
  return l;
}

static void set(void* user, const creche_completion* c) {
  *(int*)user = c->status == CRECHE_OK ? 1 : -1;
}

static void a_negative_moment_is_refused(void** state) {
  creche_loop_options o;
  creche_loop l;
  (void)state;
  OK(creche_loop_options_init(&o, sizeof o));
  o.busy_poll = -1;
  IS(creche_loop_open(&o, &l), CRECHE_E_INVALID);
  last_error_says("busy_poll");
}

/* The struct was shorter before it. */
static void older_callers_do_not_know_it(void** state) {
  creche_loop_options o;
  creche_loop l;
  (void)state;
  OK(creche_loop_options_init(&o, offsetof(creche_loop_options, busy_poll)));
  o.busy_poll = -1; /* not theirs */
  OK(creche_loop_open(&o, &l));
  OK(creche_loop_close(l));
  OK(creche_loop_join(l, PATIENCE));
}

/* On a thread of its own: posts, timers and tasks from outside come while it looks. */
static void a_thread_that_looks_is_heard(void** state) {
  creche_loop l = open_busy(CRECHE_RUN_THREAD, LONG);
  creche_queue q;
  creche_completion c;
  size_t n;
  (void)state;
  OK(creche_queue_open(l, NULL, &q));
  for (int i = 0; i < 100; i++) {
    creche_task_options t;
    OK(creche_task_options_init(&t, sizeof t));
    t.queue = q;
    OK(creche_sleep(l.scope, i % 2 ? CRECHE_MILLISECOND / 10 : 0, &t, NULL, NULL, NULL));
    OK(creche_queue_wait(q, &c, 1, PATIENCE, &n));
    IS(c.status, CRECHE_OK);
    creche_completions_release(&c, 1);
  }
  OK(creche_loop_close(l));
  OK(creche_loop_join(l, PATIENCE));
}

static void* post(void* user) {
  OK(creche_loop_post(*(creche_loop*)user, set, (int*)((creche_loop*)user + 1)));
  return NULL;
}

static void a_caller_that_looks_is_heard(void** state) {
  struct {
    creche_loop loop;
    int done;
  } s = {open_busy(CRECHE_RUN_CALLER, LONG), 0};
  pthread_t thread;
  (void)state;
  IS(creche_loop_poll(s.loop, 0), CRECHE_E_TIMEOUT);
  assert_int_equal(pthread_create(&thread, NULL, post, &s), 0);
  while (s.done == 0) creche_loop_poll(s.loop, PATIENCE);
  assert_int_equal(s.done, 1);
  pthread_join(thread, NULL);
  OK(creche_loop_close(s.loop));
  OK(creche_loop_join(s.loop, PATIENCE));
}

/* It looks no longer than it was told to wait. */
static void a_timeout_ends_the_look(void** state) {
  creche_loop l = open_busy(CRECHE_RUN_CALLER, CRECHE_NEVER);
  (void)state;
  IS(creche_loop_poll(l, CRECHE_MILLISECOND), CRECHE_E_TIMEOUT);
  OK(creche_loop_close(l));
  OK(creche_loop_join(l, PATIENCE));
}

static void* interrupt(void* scope) {
  OK(creche_scope_interrupt(*(creche_scope*)scope));
  return NULL;
}

static void an_interrupt_is_heard(void** state) {
  creche_loop l = open_busy(CRECHE_RUN_THREAD, LONG);
  creche_queue q;
  creche_group g;
  creche_completion c;
  pthread_t thread;
  size_t n;
  creche_group_options o;
  (void)state;
  OK(creche_queue_open(l, NULL, &q));
  OK(creche_group_options_init(&o, sizeof o));
  o.queue = q;
  OK(creche_group_open(l.scope, &o, NULL, NULL, &g));
  OK(creche_sleep(g.scope, CRECHE_NEVER, NULL, creche_nobody, NULL, NULL));
  OK(creche_group_close(g));
  assert_int_equal(pthread_create(&thread, NULL, interrupt, &g.scope), 0);
  OK(creche_queue_wait(q, &c, 1, PATIENCE, &n));
  assert_true(c.task.scope.id == g.scope.id);
  creche_completions_release(&c, 1);
  pthread_join(thread, NULL);
  OK(creche_loop_close(l));
  OK(creche_loop_join(l, PATIENCE));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_negative_moment_is_refused),
      cmocka_unit_test(older_callers_do_not_know_it),
      cmocka_unit_test(a_thread_that_looks_is_heard),
      cmocka_unit_test(a_caller_that_looks_is_heard),
      cmocka_unit_test(a_timeout_ends_the_look),
      cmocka_unit_test(an_interrupt_is_heard),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Offloaded functions: user code on worker threads. The numbers are those of CASES.md. */
#include "support/work.h"

/* ---- With one worker, which is busy ---- */
static int begun; /* offloaded functions, as the hooks have it */
static void see_begun(void* user, const creche_trace_event* event) {
  (void)user;
  if (event->kind == CRECHE_KIND_OFFLOAD) begun++;
}
static int open_loop_with_one_worker(void** state) {
  creche_loop_options o;
  creche_hooks hooks;
  (void)state;
  begun = 0;
  memset(&loop_seen, 0, sizeof loop_seen);
  sem_init(&work_news, 0, 0);
  OK(creche_hooks_init(&hooks, sizeof hooks));
  hooks.started = see_begun;
  OK(creche_loop_options_init(&o, sizeof o));
  o.hooks = &hooks;
  o.offload_limit = 1;
  o.run = CRECHE_RUN_CALLER;
  o.done = see;
  o.user = &loop_seen;
  if (creche_loop_open(&o, &loop) != CRECHE_OK) return -1;
  work_open();
  return 0;
}
static creche_task offload(work* w, seen* s) {
  creche_offload_options o;
  creche_task task;
  work_init(w, CRECHE_OK, 0);
  OK(creche_offload_options_init(&o, sizeof o));
  o.arg_free = work_freed;
  OK(creche_offload(loop.scope, work_runs, w, &o, see, s, &task));
  return task;
}
/* The first has the worker; the second waits for it, is cancelled, and the loop does not turn
 * before the worker is free. */
static work first_work, second_work;
static seen first, second;
static creche_task second_task;
static void both_begin(void) {
  memset(&first, 0, sizeof first);
  memset(&second, 0, sizeof second);
  offload(&first_work, &first);
  second_task = offload(&second_work, &second);
  settle();
  assert_true(work_has(&first_work));
}
static void the_first_returns(void) {
  sem_post(&first_work.gate);
  assert_true(work_await(&second_work.freed, NULL));
  assert_int_equal(atomic_load(&second_work.entered), 0);
  until(&first.finals, 1);
  until(&second.finals, 1);
  assert_int_equal(first.status, CRECHE_OK);
  assert_int_equal(second.status, CRECHE_E_CANCELLED);
  assert_int_equal(second.reason, CRECHE_REASON_EXPLICIT);
  assert_int_equal(atomic_load(&second_work.freed), 1);
  assert_int_equal(begun, 1); /* and no hook was told that it has begun */
}
/* Hooks hear of the begin before the function takes its time. */
static void a_hook_hears_of_the_begin(void** state) {
  (void)state;
  both_begin();
  assert_int_equal(begun, 1);
  OK(creche_scope_cancel(second_task.scope, NULL));
  the_first_returns();
}

/* 75: cancelled before a worker has it, it never runs; a shield does not recall that. */
static void a_shield_comes_too_late(void** state) {
  (void)state;
  both_begin();
  OK(creche_scope_cancel(second_task.scope, NULL));
  OK(creche_scope_set_shield(second_task.scope, 1));
  the_first_returns();
}
/* 75: a function that never ran cannot have left anything open. */
static void what_is_open_in_one_that_never_ran(void** state) {
  creche_scope scope;
  (void)state;
  both_begin();
  OK(creche_scope_open(second_task.scope, NULL, &scope));
  OK(creche_scope_cancel(second_task.scope, NULL));
  the_first_returns();
}

#define ONE_WORKER(name) \
  cmocka_unit_test_setup_teardown(name, open_loop_with_one_worker, close_loop)

int main(void) {
  const struct CMUnitTest tests[] = {
      ONE_WORKER(a_hook_hears_of_the_begin),
      ONE_WORKER(a_shield_comes_too_late),
      ONE_WORKER(what_is_open_in_one_that_never_ran),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

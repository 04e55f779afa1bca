/* Offloaded functions: user code on worker threads. The numbers are those of CASES.md. */
#include "support/work.h"

typedef struct job {
  sem_t go, begun, freed;
  int runs, frees, asked;
  creche_status result, step;
  seen *step_seen, s;
} job;
static void init_job(job* j) {
  memset(j, 0, sizeof *j);
  sem_init(&j->go, 0, 0);
  sem_init(&j->begun, 0, 0);
  sem_init(&j->freed, 0, 0);
}
static void free_job(void* arg) {
  job* j = arg;
  j->frees++;
  sem_post(&j->freed);
}
static creche_status do_job(void* arg, creche_task task, uint64_t* value) {
  job* j = arg;
  j->runs++;
  if (j->step_seen != NULL) j->step = creche_sleep(task.scope, 0, NULL, see, j->step_seen, NULL);
  sem_post(&j->begun);
  sem_wait(&j->go);
  j->asked = creche_offload_cancelled(task);
  *value = 11;
  return j->result;
}
static creche_task offload(job* j, uint32_t flags, seen* s) {
  creche_offload_options o;
  creche_task task;
  OK(creche_offload_options_init(&o, sizeof o));
  o.flags = flags;
  o.arg_free = free_job;
  OK(creche_offload(loop.scope, do_job, j, &o, see, s, &task));
  return task;
}
static void begun(job* j) { /* the loop hands it to a worker in its next turn */
  settle();
  sem_wait(&j->begun);
}

static void offloaded(void** state) {
  seen s = {0}, step = {0};
  job j;
  (void)state;
  init_job(&j);
  j.step_seen = &step;
  offload(&j, 0, &s);
  begun(&j);
  sem_post(&j.go);
  until(&s.finals, 1);
  assert_int_equal(j.frees, 1); /* before anybody is told */
  assert_int_equal(j.asked, 0);
  assert_int_equal(s.status, CRECHE_OK);
  assert_int_equal(s.value, 11);
  assert_int_equal(step.finals, 1);
  assert_true(step.order < s.order); /* it waits for its steps */
}

/* 75, 79: cancelled while it runs, it completes with its own result, or at once if abandonable. */
static void offloaded_and_cancelled(void** state) {
  seen s = {0};
  creche_task task;
  job j;
  (void)state;
  init_job(&j);
  task = offload(&j, 0, &s);
  begun(&j);
  OK(creche_scope_cancel(task.scope, NULL));
  settle();
  assert_int_equal(s.finals, 0);
  sem_post(&j.go);
  until(&s.finals, 1);
  assert_int_equal(j.asked, 1);
  assert_int_equal(s.status, CRECHE_OK);
  assert_int_equal(s.value, 11);
  assert_int_equal(j.frees, 1);
}
static void offloaded_and_abandoned(void** state) {
  seen s = {0};
  creche_task task;
  job j;
  (void)state;
  init_job(&j);
  task = offload(&j, CRECHE_OFFLOAD_ABANDON, &s);
  begun(&j);
  OK(creche_scope_cancel(task.scope, NULL));
  until(&s.finals, 1);
  assert_int_equal(s.status, CRECHE_E_CANCELLED);
  assert_int_equal(j.frees, 0); /* it runs on */
  sem_post(&j.go);
  sem_wait(&j.freed);
  assert_int_equal(j.asked, CRECHE_E_ENDED);
  settle();
  assert_int_equal(s.finals, 1); /* its result is dropped */
}
/* Cancelled before it started it never runs; the steps in its scope are not forgotten. */
static void offloaded_never(void** state) {
  seen s = {0}, step = {0}, s2 = {0};
  creche_task task;
  creche_scope scope;
  job j, k;
  (void)state;
  init_job(&j);
  init_job(&k);
  task = offload(&j, 0, &s);
  op(task.scope, &step);
  OK(creche_scope_cancel(task.scope, NULL));
  settle();
  assert_int_equal(s.status, CRECHE_E_CANCELLED);
  assert_int_equal(step.status, CRECHE_E_CANCELLED);
  assert_true(step.order < s.order);
  assert_int_equal(j.runs, 0);
  assert_int_equal(j.frees, 1);
  scope = scope_in(loop.scope, NULL);
  OK(creche_scope_cancel(scope, NULL));
  {
    creche_offload_options o;
    OK(creche_offload_options_init(&o, sizeof o));
    o.arg_free = free_job;
    OK(creche_offload(scope, do_job, &k, &o, see, &s2, NULL));
    IS(creche_offload(scope, NULL, &k, &o, see, &s2, NULL), CRECHE_E_INVALID);
  }
  settle();
  assert_int_equal(s2.status, CRECHE_E_CANCELLED);
  assert_int_equal(k.runs, 0);
  assert_int_equal(k.frees, 1); /* once; where the call failed the argument stays the caller's */
  OK(creche_scope_leave(scope, NULL));
}
/* What an offloaded function may return; a step of it that nobody is told of. */
static creche_status fails_unseen(void* arg, creche_task task, uint64_t* value) {
  (void)value;
  return creche_task_spawn(task.scope, body_fails, arg, NULL, creche_nobody, NULL, NULL);
}
static void offloaded_failures(void** state) {
  seen s[3] = {{0}, {0}, {0}}, b = {0};
  job j, k;
  (void)state;
  init_job(&j);
  init_job(&k);
  j.result = -2000;
  k.result = 17;
  sem_post(&j.go);
  sem_post(&k.go);
  offload(&j, 0, &s[0]);
  until(&s[0].finals, 1);
  assert_int_equal(s[0].status, -2000);
  assert_int_equal(s[0].error_status, -2000);
  offload(&k, 0, &s[1]);
  until(&s[1].finals, 1);
  assert_int_equal(s[1].status, CRECHE_E_INVALID);
  OK(creche_offload(loop.scope, fails_unseen, &b, NULL, see, &s[2], NULL));
  until(&s[2].finals, 1);
  assert_int_equal(s[2].status, CRECHE_E_USER);
}
static void only_offloaded_tasks_are_asked(void** state) {
  seen s = {0};
  creche_task task = op(loop.scope, &s);
  (void)state;
  assert_int_equal(creche_offload_cancelled(task), CRECHE_E_BAD_HANDLE);
  IS(creche_task_finish(task, CRECHE_OK, 0, NULL), CRECHE_E_STATE); /* 62 */
  IS(creche_task_answer(task, CRECHE_OK, "x", 1, 0, NULL), CRECHE_E_STATE);
  OK(creche_scope_cancel(task.scope, NULL));
  settle();
}

/* 76: never more threads than the limit, in the order of starting. */
static void offload_has_a_limit(void** state) {
  creche_loop_options o;
  creche_loop narrow;
  seen s[2] = {{0}, {0}};
  job j, k;
  (void)state;
  init_job(&j);
  init_job(&k);
  OK(creche_loop_options_init(&o, sizeof o));
  o.offload_limit = 0;
  IS(creche_loop_open(&o, &narrow), CRECHE_E_INVALID);
  o.offload_limit = 1;
  OK(creche_loop_open(&o, &narrow));
  OK(creche_offload(narrow.scope, do_job, &j, NULL, see, &s[0], NULL));
  OK(creche_offload(narrow.scope, do_job, &k, NULL, see, &s[1], NULL));
  sem_wait(&j.begun);
  assert_int_equal(sem_trywait(&k.begun), -1);
  sem_post(&k.go);
  sem_post(&j.go);
  OK(creche_loop_shutdown(narrow, CRECHE_NEVER));
  OK(creche_loop_join(narrow, PATIENCE));
  assert_int_equal(s[0].finals + s[1].finals, 2);
  assert_true(s[0].order < s[1].order);
}

/* ---- With one worker, which is busy ---- */
static int told; /* that so many functions have begun */
static void see_begun(void* user, const creche_trace_event* event) {
  (void)user;
  if (event->kind == CRECHE_KIND_OFFLOAD) told++;
}
static int open_loop_with_one_worker(void** state) {
  creche_loop_options o;
  creche_hooks hooks;
  (void)state;
  told = 0;
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
static creche_task start(work* w, seen* s) {
  creche_offload_options o;
  creche_task task;
  work_init(w, CRECHE_OK, 0);
  OK(creche_offload_options_init(&o, sizeof o));
  o.arg_free = work_freed;
  OK(creche_offload(loop.scope, work_runs, w, &o, see, s, &task));
  return task;
}
/* The first has the worker; the others wait for it, the second is cancelled, and the loop does not
 * turn before the worker has come to the third: it is the loop that ends the second, in its next
 * turn, however quick a worker is. */
static work first_work, second_work, third_work;
static seen first, second, third;
static creche_task second_task;
static void all_begin(void) {
  memset(&first, 0, sizeof first);
  memset(&second, 0, sizeof second);
  memset(&third, 0, sizeof third);
  start(&first_work, &first);
  second_task = start(&second_work, &second);
  start(&third_work, &third);
  settle();
  assert_true(work_has(&first_work));
}
static void the_first_returns(void) {
  sem_post(&first_work.gate);
  assert_true(work_has(&third_work));
  assert_int_equal(atomic_load(&second_work.freed), 0);
  assert_int_equal(state_of(second_task.scope).called, 1); /* it has not ended */
  settle();
  assert_int_equal(second.finals, 1);
  sem_post(&third_work.gate);
  until(&third.finals, 1);
  assert_int_equal(first.finals, 1);
  assert_int_equal(atomic_load(&second_work.entered), 0);
  assert_int_equal(first.status, CRECHE_OK);
  assert_int_equal(second.status, CRECHE_E_CANCELLED);
  assert_int_equal(second.reason, CRECHE_REASON_EXPLICIT);
  assert_int_equal(atomic_load(&second_work.freed), 1);
  assert_int_equal(told, 2); /* and no hook was told that it has begun */
}
/* Hooks hear of the begin before the function takes its time. */
static void a_hook_hears_of_the_begin(void** state) {
  (void)state;
  all_begin();
  assert_int_equal(told, 1);
  OK(creche_scope_cancel(second_task.scope, NULL));
  the_first_returns();
}

/* 75: cancelled before a worker has it, it never runs; a shield does not recall that. */
static void a_shield_comes_too_late(void** state) {
  (void)state;
  all_begin();
  OK(creche_scope_cancel(second_task.scope, NULL));
  OK(creche_scope_set_shield(second_task.scope, 1));
  the_first_returns();
}
/* 75: a function that never ran cannot have left anything open. */
static void what_is_open_in_one_that_never_ran(void** state) {
  creche_scope scope;
  (void)state;
  all_begin();
  OK(creche_scope_open(second_task.scope, NULL, &scope));
  OK(creche_scope_cancel(second_task.scope, NULL));
  the_first_returns();
}

#define ONE_WORKER(name) \
  cmocka_unit_test_setup_teardown(name, open_loop_with_one_worker, close_loop)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(offloaded),
      TEST(offloaded_and_cancelled),
      TEST(offloaded_and_abandoned),
      TEST(offloaded_never),
      TEST(offloaded_failures),
      TEST(only_offloaded_tasks_are_asked),
      TEST(offload_has_a_limit),
      ONE_WORKER(a_hook_hears_of_the_begin),
      ONE_WORKER(a_shield_comes_too_late),
      ONE_WORKER(what_is_open_in_one_that_never_ran),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

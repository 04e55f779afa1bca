/* Threads that their own runtime stops: by pthread_exit inside a callback (CPython up to 3.13 does
 * so at its exit to each thread that comes back to it), or by pthread_cancel while they are inside
 * the library. Nothing aborts: a callback's thread is parked, and no function is a cancellation
 * point. */
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/child.h"
#include "support/core.h"

static sem_t unwound; /* 0 to begin with, as all that is static */
static atomic_int unwound_thread;

static void note_unwinding(void* unused) {
  (void)unused;
  atomic_store(&unwound_thread, (int)syscall(SYS_gettid));
  sem_post(&unwound);
}
/* Returns when a thread of this process sleeps in the system: there is no event for that. 0 if it
 * has ended. */
static int await_asleep(int thread) {
  char path[64], line[256];
  snprintf(path, sizeof path, "/proc/self/task/%d/stat", thread);
  for (;; sched_yield()) {
    FILE* stat = fopen(path, "re");
    if (stat == NULL) return 0;
    const char* got = fgets(line, sizeof line, stat);
    fclose(stat);
    if (got == NULL) return 0;
    const char* name_end = strrchr(line, ')');
    if (name_end != NULL && name_end[1] != '\0' && name_end[2] == 'S') return 1;
  }
}
static void stop_this_thread(void) {
  pthread_cleanup_push(note_unwinding, NULL);
  pthread_exit(NULL);
  pthread_cleanup_pop(0);
}
/* Whoever was stopped has come as far as it goes: it is parked, or has ended. If that is an abort,
 * it comes before. */
static int is_stopped(void) {
  while (sem_wait(&unwound) != 0) continue;
  await_asleep(atomic_load(&unwound_thread));
  return 0;
}

/* ---- every kind of code of the user's ---- */
static void stopping(void* user, const creche_completion* c) {
  (void)user, (void)c;
  stop_this_thread();
}
static creche_status stopping_work(void* arg, creche_task task, uint64_t* value) {
  (void)arg, (void)task, (void)value;
  stop_this_thread();
  return CRECHE_OK;
}
static creche_status work(void* arg, creche_task task, uint64_t* value) {
  (void)arg, (void)task, (void)value;
  return CRECHE_OK;
}
static void stopping_free(void* arg) {
  (void)arg;
  stop_this_thread();
}
static void* stopping_clone(void* arg) {
  stop_this_thread();
  return arg;
}
static void stopping_item_free(void* user, uint64_t item) {
  (void)user, (void)item;
  stop_this_thread();
}
static void stopping_hook(void* user, const creche_trace_event* event) {
  (void)user, (void)event;
  stop_this_thread();
}
static void finishing(void* user, const creche_completion* c) {
  (void)user;
  if (c->kind == CRECHE_BEGIN) creche_task_finish(c->task, CRECHE_OK, 0, NULL);
}

/* On a thread of its own where it is the caller's thread that is stopped. */
static int apart(void* (*function)(void*)) {
  pthread_t thread;
  if (pthread_create(&thread, NULL, function, NULL) != 0) return __LINE__;
  pthread_detach(thread); /* a hook may stop another thread, and this one then ends */
  return is_stopped();
}

static int in_completion(void) {
  WANT(creche_sleep(loop.scope, 0, NULL, stopping, NULL, NULL) == CRECHE_OK);
  return is_stopped();
}
static int in_post(void) {
  WANT(creche_loop_post(loop, stopping, NULL) == CRECHE_OK);
  return is_stopped();
}
static int in_begin(void) {
  WANT(creche_task_spawn(loop.scope, stopping, NULL, NULL, creche_nobody, NULL, NULL) == CRECHE_OK);
  return is_stopped();
}
static int in_offload(void) {
  WANT(creche_offload(loop.scope, stopping_work, NULL, NULL, creche_nobody, NULL, NULL) ==
       CRECHE_OK);
  return is_stopped();
}
static int in_arg_free(void) {
  creche_offload_options o;
  creche_offload_options_init(&o, sizeof o);
  o.arg_free = stopping_free;
  WANT(creche_offload(loop.scope, work, NULL, &o, creche_nobody, NULL, NULL) == CRECHE_OK);
  return is_stopped();
}
static int in_context(void (*drop)(void*), void* (*clone)(void*)) {
  creche_task_options o;
  creche_context context = {&unwound, NULL, NULL};
  context.clone = clone;
  context.drop = drop;
  creche_task_options_init(&o, sizeof o);
  o.context = &context;
  WANT(creche_task_spawn(loop.scope, finishing, NULL, &o, creche_nobody, NULL, NULL) == CRECHE_OK);
  return is_stopped();
}
static int in_context_drop(void) {
  return in_context(stopping_free, NULL);
}
static void* spawn_in_context(void* unused) {
  creche_loop_options o;
  creche_context context = {&unwound, stopping_clone, NULL};
  creche_loop other;
  creche_loop_options_init(&o, sizeof o);
  o.context = &context;
  if (creche_loop_open(&o, &other) == CRECHE_OK)
    SAY(creche_task_spawn(other.scope, finishing, NULL, NULL, creche_nobody, NULL, NULL));
  return unused;
}
static int in_context_clone(void) {
  return apart(spawn_in_context);
}
static void* release_error(void* unused) {
  const creche_error* error;
  if (creche_error_new(CRECHE_E_USER, "x", &unwound, stopping_free, NULL, &error) == CRECHE_OK)
    creche_error_release(error);
  return unused;
}
static int in_cookie_free(void) {
  return apart(release_error);
}
static void* release_channel(void* unused) {
  creche_channel_options o;
  creche_sender sender;
  creche_receiver receiver;
  creche_channel_options_init(&o, sizeof o);
  o.capacity = 1;
  o.item_free = stopping_item_free;
  if (creche_channel_open(loop, &o, &sender, &receiver) == CRECHE_OK &&
      creche_channel_try_send(sender, 1) == CRECHE_OK)
    creche_receiver_release(receiver);
  return unused;
}
static int in_item_free(void) {
  return apart(release_channel);
}
static void* open_with_hooks(void* unused) {
  creche_loop_options o;
  creche_hooks hooks;
  creche_loop other;
  creche_hooks_init(&hooks, sizeof hooks);
  hooks.spawned = stopping_hook;
  creche_loop_options_init(&o, sizeof o);
  o.hooks = &hooks;
  if (creche_loop_open(&o, &other) == CRECHE_OK)
    SAY(creche_sleep(other.scope, CRECHE_SECOND, NULL, creche_nobody, NULL, NULL));
  return unused;
}
static int in_hook(void) {
  return apart(open_with_hooks);
}
static void* run_loop(void* unused) {
  creche_loop_options o;
  creche_loop other;
  creche_loop_options_init(&o, sizeof o);
  o.run = CRECHE_RUN_CALLER;
  if (creche_loop_open(&o, &other) == CRECHE_OK &&
      creche_loop_post(other, stopping, NULL) == CRECHE_OK)
    SAY(creche_loop_run(other));
  return unused;
}
static int in_callers_loop(void) {
  return apart(run_loop);
}

/* The process goes on, and ends as it wishes. */
static void lives(int (*test)(void)) {
  int status;
  const pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    alarm(60);
    int line = creche_loop_open(NULL, &loop) != CRECHE_OK ? __LINE__ : test();
    if (line != 0) fprintf(stderr, "%s:%d: failed in the child\n", __FILE__, line);
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    _exit(line != 0);
#else
    exit(line != 0);
#endif
  }
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
}
static void a_thread_that_is_stopped_in_a_callback_is_parked(void** state) {
  (void)state;
  lives(in_completion);
  lives(in_post);
  lives(in_begin);
  lives(in_callers_loop);
}
static void a_thread_that_is_stopped_in_an_offloaded_function_is_parked(void** state) {
  (void)state;
  lives(in_offload);
  lives(in_arg_free);
}
static void a_thread_that_is_stopped_in_any_other_function_is_parked(void** state) {
  (void)state;
  lives(in_context_drop);
  lives(in_context_clone);
  lives(in_cookie_free);
  lives(in_item_free);
  lives(in_hook);
}

/* ---- pthread_cancel ---- */
static int came;

static void ends(void* user, const creche_completion* c) {
  (void)c;
  ++*(int*)user;
}
static void item_frees(void* user, uint64_t item) {
  (void)item;
  pthread_testcancel(); /* as a close or a printf is one */
  ++*(int*)user;
}
/* Two completions are in the queue at once, and one is drained: the descriptor says so anew. Items
 * that are left over are freed by the release. */
static int use_a_channel(creche_group group, creche_queue queue) {
  creche_channel_options o;
  creche_sender sender;
  creche_receiver receiver;
  creche_completion c;
  int freed = 0;
  size_t n;
  creche_channel_options_init(&o, sizeof o);
  o.capacity = 2;
  o.item_free = item_frees;
  o.item_user = &freed;
  WANT(creche_channel_open(loop, &o, &sender, &receiver) == CRECHE_OK);
  for (uint64_t item = 1; item <= 2; item++)
    WANT(creche_channel_send(sender, group.scope, item, NULL, NULL, NULL, NULL) == CRECHE_OK);
  for (int i = 0; i < 2; i++) {
    WANT(creche_queue_drain(queue, &c, 1, &n) == CRECHE_OK && n == 1);
    creche_completions_release(&c, n);
  }
  creche_sender_release(sender);
  creche_receiver_release(receiver);
  WANT(freed == 2);
  return 0;
}
/* Everything that opens, waits or closes, by a thread that has been cancelled before: a function
 * that were a cancellation point would end the thread there, or all of the process. */
static int use_everything(void) {
  creche_loop_options o;
  creche_group_options g;
  creche_loop mine;
  creche_queue queue;
  creche_group group;
  creche_session web;
  creche_pool pool;
  creche_outcome outcome;
  creche_completion c;
  char text[4096];
  size_t n;
  int line;
  WANT(creche_loop_open(NULL, &loop) == CRECHE_OK);
  WANT(creche_queue_open(loop, NULL, &queue) == CRECHE_OK);
  creche_group_options_init(&g, sizeof g);
  g.queue = queue;
  g.flags = CRECHE_GROUP_JOINABLE;
  WANT(creche_group_open(loop.scope, &g, NULL, NULL, &group) == CRECHE_OK);
  WANT(creche_sleep(group.scope, CRECHE_MILLISECOND, NULL, NULL, NULL, NULL) == CRECHE_OK);
  WANT(creche_queue_wait(queue, &c, 1, PATIENCE, &n) == CRECHE_OK && n == 1);
  creche_completions_release(&c, n);
  WANT(creche_queue_drain(queue, &c, 1, &n) == CRECHE_OK && n == 0);
  WANT(creche_queue_wait(queue, &c, 1, 1, &n) == CRECHE_E_TIMEOUT);
  if ((line = use_a_channel(group, queue)) != 0) return line;
  WANT(creche_session_open(loop, NULL, &web) == CRECHE_OK);
  WANT(creche_session_fetch(web, group.scope, "http://127.0.0.1:1/", NULL, NULL, NULL, NULL) ==
       CRECHE_OK);
  WANT(creche_pool_open(loop, "postgresql://u@127.0.0.1:1/d", NULL, &pool) == CRECHE_OK);
  WANT(creche_pool_query(pool, group.scope, "select 1", NULL, 0, NULL, NULL, NULL, NULL) ==
       CRECHE_OK);
  WANT(creche_queue_wait(queue, &c, 1, PATIENCE, &n) == CRECHE_OK && n == 1);
  creche_completions_release(&c, n); /* nobody listens there */
  WANT(creche_queue_wait(queue, &c, 1, PATIENCE, &n) == CRECHE_OK && n == 1);
  creche_completions_release(&c, n);
  WANT(creche_loop_dump(loop, CRECHE_DUMP_TEXT, text, sizeof text, NULL) == CRECHE_OK);
  WANT(creche_group_join(group, PATIENCE, &outcome) == CRECHE_OK);
  creche_session_release(web);
  creche_pool_release(pool);
  creche_queue_release(queue);
  creche_loop_options_init(&o, sizeof o);
  o.run = CRECHE_RUN_CALLER;
  WANT(creche_loop_open(&o, &mine) == CRECHE_OK);
  WANT(creche_sleep(mine.scope, CRECHE_MILLISECOND, NULL, ends, &came, NULL) == CRECHE_OK);
  while (came == 0) creche_loop_poll(mine, CRECHE_SECOND);
  WANT(creche_sleep(mine.scope, CRECHE_MILLISECOND, NULL, ends, &came, NULL) == CRECHE_OK);
  WANT(creche_loop_close(mine) == CRECHE_OK);
  WANT(creche_loop_run(mine) == CRECHE_OK);
  WANT(creche_loop_join(mine, PATIENCE) == CRECHE_OK);
  WANT(creche_loop_close(loop) == CRECHE_OK);
  WANT(creche_loop_join(loop, PATIENCE) == CRECHE_OK);
  return 0;
}
static void* cancelled(void* line) {
  pthread_cancel(pthread_self());
  *(int*)line = use_everything();
  pthread_testcancel();
  return NULL;
}
static void no_function_is_a_cancellation_point(void** state) {
  pthread_t thread;
  void* how = NULL;
  int line = -1;
  (void)state;
  assert_int_equal(pthread_create(&thread, NULL, cancelled, &line), 0);
  assert_int_equal(pthread_join(thread, &how), 0);
  assert_int_equal(line, 0);
  assert_true(how == PTHREAD_CANCELED); /* it is not lost, either */
  assert_int_equal(came, 2);
}

/* While it waits: what it waits for can be waited for, and still comes. */
static sem_t waiting;
static atomic_int waiting_thread;
static creche_queue waited_for;
static void* waits(void* status) {
  creche_completion c;
  size_t n = 0;
  atomic_store(&waiting_thread, (int)syscall(SYS_gettid));
  sem_post(&waiting);
  *(creche_status*)status = creche_queue_wait(waited_for, &c, 1, PATIENCE, &n);
  creche_completions_release(&c, n);
  pthread_testcancel();
  return NULL;
}
static void a_wait_goes_on_when_its_thread_is_cancelled(void** state) {
  creche_group_options g;
  creche_group group;
  pthread_t thread;
  void* how = NULL;
  creche_status status = 1;
  (void)state;
  OK(creche_loop_open(NULL, &loop));
  OK(creche_queue_open(loop, NULL, &waited_for));
  creche_group_options_init(&g, sizeof g);
  g.queue = waited_for;
  OK(creche_group_open(loop.scope, &g, creche_nobody, NULL, &group));
  assert_int_equal(pthread_create(&thread, NULL, waits, &status), 0);
  while (sem_wait(&waiting) != 0) continue;
  assert_true(await_asleep(atomic_load(&waiting_thread)));
  assert_int_equal(pthread_cancel(thread), 0);
  OK(creche_sleep(group.scope, 0, NULL, NULL, NULL, NULL));
  assert_int_equal(pthread_join(thread, &how), 0);
  assert_true(status == CRECHE_OK ||
              status == CRECHE_E_INTERRUPTED); /* some systems send a signal */
  assert_true(how == PTHREAD_CANCELED);
  OK(creche_loop_close(loop));
  OK(creche_loop_join(loop, PATIENCE));
}

/* A callback that cancels the library's own thread has no effect. */
static void cancels_its_thread(void* user, const creche_completion* c) {
  (void)c;
  pthread_cancel(pthread_self());
  pthread_testcancel();
  sem_post(user);
}
static void threads_of_the_library_are_not_cancelled(void** state) {
  sem_t calls;
  (void)state;
  sem_init(&calls, 0, 0);
  OK(creche_loop_open(NULL, &loop));
  OK(creche_loop_post(loop, cancels_its_thread, &calls));
  OK(creche_sleep(loop.scope, CRECHE_MILLISECOND, NULL, cancels_its_thread, &calls, NULL));
  for (int i = 0; i < 2; i++)
    while (sem_wait(&calls) != 0) continue;
  OK(creche_loop_close(loop));
  OK(creche_loop_join(loop, PATIENCE));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_thread_that_is_stopped_in_a_callback_is_parked),
      cmocka_unit_test(a_thread_that_is_stopped_in_an_offloaded_function_is_parked),
      cmocka_unit_test(a_thread_that_is_stopped_in_any_other_function_is_parked),
      cmocka_unit_test(no_function_is_a_cancellation_point),
      cmocka_unit_test(a_wait_goes_on_when_its_thread_is_cancelled),
      cmocka_unit_test(threads_of_the_library_are_not_cancelled),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What is about the whole process: fork, exit, signals, errno, descriptors, threads' signal masks.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "support/child.h"
#include "support/core.h"

/* ---- fork ---- */
static creche_loop parent;
static creche_queue parent_queue;
static creche_group parent_group;
static creche_task parent_task;
static creche_scope parent_scope;
static creche_completion drained;

/* A new loop works here: with its thread, a queue, a worker. */
static creche_status in_worker(void* arg, creche_task task, uint64_t* value) {
  (void)arg;
  (void)task;
  *value = 99;
  return CRECHE_OK;
}
static int a_new_loop_works(void) {
  creche_loop l;
  creche_queue queue;
  creche_group_options o;
  creche_group group;
  creche_completion c;
  size_t n;
  int i;
  WANT(creche_loop_open(NULL, &l) == CRECHE_OK);
  WANT(creche_queue_open(l, NULL, &queue) == CRECHE_OK);
  creche_group_options_init(&o, sizeof o);
  o.queue = queue;
  WANT(creche_group_open(l.scope, &o, NULL, NULL, &group) == CRECHE_OK);
  for (i = 0; i < 50; i++) {
    WANT(creche_sleep(group.scope, CRECHE_MICROSECOND, NULL, NULL, NULL, NULL) == CRECHE_OK);
    WANT(creche_queue_wait(queue, &c, 1, PATIENCE, &n) == CRECHE_OK);
    creche_completions_release(&c, n);
  }
  WANT(creche_offload(group.scope, in_worker, NULL, NULL, NULL, NULL, NULL) == CRECHE_OK);
  WANT(creche_queue_wait(queue, &c, 1, PATIENCE, &n) == CRECHE_OK);
  WANT(c.value == 99);
  creche_completions_release(&c, n);
  WANT(creche_group_close(group) == CRECHE_OK);
  WANT(creche_loop_close(l) == CRECHE_OK);
  return creche_loop_join(l, PATIENCE) == CRECHE_OK ? 0 : __LINE__;
}

static int the_child(void) {
  creche_completion c;
  creche_scope_state look;
  creche_loop_counters count;
  creche_outcome outcome;
  creche_scope scope;
  creche_group group;
  creche_task task;
  creche_queue queue;
  char text[100];
  int64_t t;
  size_t n;
  WANT(creche_loop_run(parent) == CRECHE_E_FORKED);
  WANT(creche_loop_poll(parent, 0) == CRECHE_E_FORKED);
  WANT(creche_loop_post(parent, see, NULL) == CRECHE_E_FORKED);
  WANT(strstr(creche_last_error()->message, "fork()") != NULL);
  WANT(creche_loop_close(parent) == CRECHE_E_FORKED);
  WANT(creche_loop_shutdown(parent, 0) == CRECHE_E_FORKED);
  WANT(creche_loop_join(parent, 0) == CRECHE_E_FORKED);
  WANT(creche_loop_dump(parent, CRECHE_DUMP_TEXT, text, sizeof text, &n) == CRECHE_E_FORKED);
  WANT(creche_loop_get_counters(parent, &count, sizeof count) == CRECHE_E_FORKED);
  WANT(creche_now(parent.scope, &t) == CRECHE_E_FORKED);
  WANT(creche_scope_open(parent.scope, NULL, &scope) == CRECHE_E_FORKED);
  WANT(creche_scope_leave(parent_scope, NULL) == CRECHE_E_FORKED);
  WANT(creche_scope_cancel(parent_scope, NULL) == CRECHE_E_FORKED);
  WANT(creche_scope_interrupt(parent_scope) == CRECHE_E_FORKED);
  WANT(creche_scope_set_deadline(parent_scope, 0) == CRECHE_E_FORKED);
  WANT(creche_scope_set_timeout(parent_scope, 0) == CRECHE_E_FORKED);
  WANT(creche_scope_set_shield(parent_scope, 1) == CRECHE_E_FORKED);
  WANT(creche_scope_get_state(parent_scope, &look, sizeof look) == CRECHE_E_FORKED);
  WANT(creche_group_open(parent_group.scope, NULL, see, NULL, &group) == CRECHE_E_FORKED);
  WANT(creche_group_close(parent_group) == CRECHE_E_FORKED);
  WANT(creche_group_join(parent_group, 0, &outcome) == CRECHE_E_FORKED);
  WANT(creche_task_spawn(parent_group.scope, see, NULL, NULL, see, NULL, &task) == CRECHE_E_FORKED);
  WANT(creche_task_open(parent_group.scope, NULL, see, NULL, &task) == CRECHE_E_FORKED);
  WANT(creche_task_finish(parent_task, CRECHE_OK, 0, NULL) == CRECHE_E_FORKED);
  WANT(creche_task_answer(parent_task, CRECHE_OK, NULL, 0, 0, NULL) == CRECHE_E_FORKED);
  WANT(creche_sleep(parent_scope, 0, NULL, see, NULL, &task) == CRECHE_E_FORKED);
  WANT(creche_offload(parent_scope, in_worker, NULL, NULL, see, NULL, &task) == CRECHE_E_FORKED);
  WANT(creche_offload_cancelled(parent_task) == CRECHE_E_FORKED);
  WANT(creche_queue_open(parent, NULL, &queue) == CRECHE_E_FORKED);
  WANT(creche_queue_fd(parent_queue) == CRECHE_E_FORKED);
  WANT(creche_queue_drain(parent_queue, &c, 1, &n) == CRECHE_E_FORKED);
  WANT(creche_queue_wait(parent_queue, &c, 1, 0, &n) == CRECHE_E_FORKED);
  WANT(creche_queue_close(parent_queue, NULL, NULL) == CRECHE_E_FORKED);
  creche_queue_release(parent_queue); /* has no effect here */
  WANT(creche_queue_drain(parent_queue, &c, 1, &n) == CRECHE_E_FORKED);
  WANT(drained.error->status == CRECHE_E_USER); /* memory is memory */
  creche_completions_release(&drained, 1);
  if (a_new_loop_works() != 0) return __LINE__;
  WANT(creche_loop_abandon(parent) == CRECHE_OK);
  WANT(creche_loop_abandon(parent) == CRECHE_OK);
  WANT(creche_loop_close(parent) == CRECHE_E_FORKED); /* it goes on saying so */
  return a_new_loop_works();
}

static void forking(void** state) {
  creche_task_options o = task_options();
  creche_group_options g = group_options();
  creche_completion c;
  seen b = {0}, s = {0};
  size_t n;
  int i;
  (void)state;
  /* What was there before is used again by the child: it must not share it with the parent. */
  for (i = 0; i < 3; i++) {
    OK(creche_loop_open(NULL, &parent));
    OK(creche_loop_close(parent));
    OK(creche_loop_join(parent, PATIENCE));
  }
  OK(creche_loop_open(NULL, &parent));
  IS(creche_loop_abandon(parent), CRECHE_E_STATE);
  OK(creche_queue_open(parent, NULL, &parent_queue));
  g.flags = CRECHE_GROUP_JOINABLE;
  OK(creche_group_open(parent.scope, &g, creche_nobody, NULL, &parent_group));
  OK(creche_scope_open(parent_group.scope, NULL, &parent_scope));
  o.queue = parent_queue;
  OK(creche_task_spawn(parent.scope, body_fails, &b, &o, NULL, NULL, NULL));
  OK(creche_queue_wait(parent_queue, &drained, 1, PATIENCE, &n));
  OK(creche_sleep_until(parent_scope, CRECHE_NEVER, NULL, see, &s, &parent_task));
  in_child(the_child);
  /* The parent has noticed nothing. */
  OK(creche_sleep(parent.scope, 0, &o, NULL, NULL, NULL));
  OK(creche_queue_wait(parent_queue, &c, 1, PATIENCE, &n));
  creche_completions_release(&c, 1);
  creche_completions_release(&drained, 1);
  OK(creche_scope_leave(parent_scope, NULL));
  OK(creche_scope_cancel(parent_group.scope, NULL));
  OK(creche_group_join(parent_group, PATIENCE, NULL));
  OK(creche_loop_close(parent));
  OK(creche_loop_join(parent, PATIENCE));
  assert_int_equal(s.status, CRECHE_E_CANCELLED);
}

/* Parent and child each with a new loop in the place of an old one: neither hears the other. */
static void loops_on_both_sides(void** state) {
  creche_loop l;
  pid_t child;
  int status, i;
  (void)state;
  OK(creche_loop_open(NULL, &l));
  OK(creche_loop_close(l));
  OK(creche_loop_join(l, PATIENCE));
  child = fork();
  assert_true(child >= 0);
  for (i = 0; i < 20; i++) {
    const int line = a_new_loop_works();
    if (child == 0 && line != 0) _exit(1);
    assert_int_equal(line, 0);
  }
  if (child == 0) _exit(0);
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
}

/* A fork while other threads use the library leaves no lock held in the child. (The allocator of
   gcc 12's AddressSanitizer does not take its own locks around fork, so a child of a process with
   a thread in malloc may hang in it: nothing about the library can be seen there.) */
static int stop_using;
static pthread_mutex_t stop_mutex = PTHREAD_MUTEX_INITIALIZER;
static void* use(void* arg) {
  creche_loop* l = arg;
  int over = 0;
  while (!over) {
    creche_scope scope;
    const creche_error* error;
    if (creche_scope_open(l->scope, NULL, &scope) == CRECHE_OK) creche_scope_leave(scope, NULL);
    if (creche_error_new(-1000, "x", NULL, NULL, NULL, &error) == CRECHE_OK)
      creche_error_release(error);
    pthread_mutex_lock(&stop_mutex);
    over = stop_using;
    pthread_mutex_unlock(&stop_mutex);
  }
  return NULL;
}
static void forking_while_others_work(void** state) {
  pthread_t threads[2];
  creche_loop l;
  int i;
  (void)state;
#ifdef __SANITIZE_ADDRESS__
  skip();
#endif
  OK(creche_loop_open(NULL, &l));
  for (i = 0; i < 2; i++) assert_int_equal(pthread_create(&threads[i], NULL, use, &l), 0);
  for (i = 0; i < 20; i++) in_child(a_new_loop_works);
  pthread_mutex_lock(&stop_mutex);
  stop_using = 1;
  pthread_mutex_unlock(&stop_mutex);
  for (i = 0; i < 2; i++) pthread_join(threads[i], NULL);
  OK(creche_loop_close(l));
  OK(creche_loop_join(l, PATIENCE));
}

/* A child made in a callback is inside nothing: it may wait, and turn loops of its own, on that
   very thread. */
static int may_wait_here(void) {
  creche_loop_options o;
  creche_completion c;
  creche_queue queue;
  creche_loop l;
  size_t n;
  WANT(creche_loop_abandon(parent) == CRECHE_OK);
  WANT(a_new_loop_works() == 0);
  creche_loop_options_init(&o, sizeof o);
  o.run = CRECHE_RUN_CALLER;
  WANT(creche_loop_open(&o, &l) == CRECHE_OK);
  WANT(creche_queue_open(l, NULL, &queue) == CRECHE_OK);
  WANT(creche_loop_poll(l, 0) == CRECHE_E_TIMEOUT);
  WANT(creche_queue_wait(queue, &c, 1, 0, &n) == CRECHE_E_TIMEOUT);
  WANT(creche_loop_close(l) == CRECHE_OK);
  WANT(creche_loop_run(l) == CRECHE_OK);
  return creche_loop_join(l, PATIENCE) == CRECHE_OK ? 0 : __LINE__;
}
static int failed_in_a_callback;
static void fork_in_callback(void* user, const creche_completion* c) {
  int status = 0;
  const pid_t child = fork();
  (void)user;
  (void)c;
  if (child == 0) {
    const int line = may_wait_here();
    if (line != 0) fprintf(stderr, "%s:%d: failed in the child\n", __FILE__, line);
    _exit(line != 0);
  }
  if (child < 0 || waitpid(child, &status, 0) != child || status != 0) failed_in_a_callback = 1;
  /* Here nothing has changed. */
  if (creche_loop_join(parent, 0) != CRECHE_E_WOULD_DEADLOCK) failed_in_a_callback = 2;
}
static void fork_in_hook(void* user, const creche_trace_event* event) {
  (void)event;
  fork_in_callback(user, NULL);
}
static void a_child_made_in_a_callback_may_wait(void** state) {
  creche_loop_options o;
  creche_hooks hooks;
  (void)state;
  OK(creche_loop_open(NULL, &parent));
  OK(creche_loop_post(parent, fork_in_callback, NULL));
  OK(creche_loop_shutdown(parent, CRECHE_NEVER));
  OK(creche_loop_join(parent, PATIENCE));
  assert_int_equal(failed_in_a_callback, 0);
  creche_hooks_init(&hooks, sizeof hooks);
  hooks.started = fork_in_hook;
  creche_loop_options_init(&o, sizeof o);
  o.hooks = &hooks;
  OK(creche_loop_open(&o, &parent));
  OK(creche_sleep(parent.scope, 0, NULL, creche_nobody, NULL, NULL));
  OK(creche_loop_shutdown(parent, CRECHE_NEVER));
  OK(creche_loop_join(parent, PATIENCE));
  assert_int_equal(failed_in_a_callback, 0);
}

/* ---- A process that is stopped ---- */
/* Data that came in time is not timed out because the process was stopped (SIGSTOP, a debugger,
   docker pause) and came back too late. */
static int told_at;
static void end_with_it(void* user, const creche_completion* c) {
  (void)user;
  if (c->status != CRECHE_OK)
    fprintf(stderr, "%s: %s\n", creche_status_name(c->status), creche_error_message(c->error));
  _exit(c->status != CRECHE_OK);
}
static void say_that_it_waits(void* user, const creche_completion* c) {
  const creche_response response = {c->value};
  (void)user;
  if (c->status != CRECHE_OK ||
      creche_response_read(response, parent.scope, 0, NULL, end_with_it, NULL, NULL) ||
      write(told_at, "h", 1) != 1)
    _exit(3);
}
static int reads_in_time(const char* url, uint32_t run) {
  creche_loop_options l;
  creche_session_options o;
  creche_session session;
  creche_loop_options_init(&l, sizeof l);
  l.run = run;
  WANT(creche_loop_open(&l, &parent) == CRECHE_OK);
  creche_session_options_init(&o, sizeof o);
  o.timeouts.read_gap = CRECHE_SECOND;
  WANT(creche_session_open(parent, &o, &session) == CRECHE_OK);
  WANT(creche_session_send(session, parent.scope, url, NULL, say_that_it_waits, NULL, NULL) ==
       CRECHE_OK);
  while (run == CRECHE_RUN_CALLER) {
    const creche_status status = creche_loop_poll(parent, PATIENCE);
    WANT(status == CRECHE_OK || status == CRECHE_E_INTERRUPTED);
  }
  SAY(creche_loop_join(parent, PATIENCE)); /* it ends the process */
  return __LINE__;
}
static void stopped_while_it_reads(uint32_t run) {
  static const char head[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
  struct sockaddr_in address;
  socklen_t size = sizeof address;
  char url[100], bytes[1000];
  int ends[2], stopped_server, fd, status;
  pid_t child;
  memset(&address, 0, sizeof address);
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  stopped_server = socket(AF_INET, SOCK_STREAM, 0);
  assert_int_equal(bind(stopped_server, (struct sockaddr*)&address, sizeof address), 0);
  assert_int_equal(listen(stopped_server, 5), 0);
  getsockname(stopped_server, (struct sockaddr*)&address, &size);
  snprintf(url, sizeof url, "http://127.0.0.1:%d/", ntohs(address.sin_port));
  assert_int_equal(pipe(ends), 0);
  told_at = ends[1];
  child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    const int line = reads_in_time(url, run);
    fprintf(stderr, "%s:%d: failed in the child\n", __FILE__, line);
    _exit(1);
  }
  fd = accept(stopped_server, NULL, NULL);
  assert_true(read(fd, bytes, sizeof bytes) > 0);
  assert_int_equal(write(fd, head, sizeof head - 1), sizeof head - 1);
  assert_int_equal(read(ends[0], bytes, 1), 1); /* it waits for the body now */
  assert_int_equal(kill(child, SIGSTOP), 0);
  assert_int_equal(waitpid(child, &status, WUNTRACED), child);
  assert_true(WIFSTOPPED(status));
  assert_int_equal(write(fd, "12345", 5), 5);
  usleep(1500000); /* until its time is up: nobody tells of that */
  assert_int_equal(kill(child, SIGCONT), 0);
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
  close(fd);
  close(stopped_server);
  close(ends[0]);
  close(ends[1]);
}
static void stopped_for_longer_than_a_time_limit(void** state) {
  (void)state;
  stopped_while_it_reads(CRECHE_RUN_THREAD);
  stopped_while_it_reads(CRECHE_RUN_CALLER);
}

/* ---- exit with the loop running ---- */
static void exit_while_it_runs(void** state) {
  int status;
  const pid_t child = fork();
  (void)state;
  assert_true(child >= 0);
  if (child == 0) {
    creche_loop l;
    if (creche_loop_open(NULL, &l) != CRECHE_OK) _exit(2);
    SAY(creche_sleep_until(l.scope, CRECHE_NEVER, NULL, creche_nobody, NULL, NULL));
    SAY(creche_offload(l.scope, in_worker, NULL, NULL, creche_nobody, NULL, NULL));
    _exit(7); /* exit() would run the test program's own clean-up */
  }
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status));
  assert_int_equal(WEXITSTATUS(status), 7);
}

/* ---- Signals ---- */
static creche_scope to_interrupt;
static volatile sig_atomic_t interrupted_with;
static void on_interrupt(int number) {
  (void)number;
  errno = E2BIG;
  interrupted_with = creche_scope_interrupt(to_interrupt);
  if (errno != E2BIG) interrupted_with = 1;
}
static void handle(int number, void (*handler)(int)) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = handler;
  sigaction(number, &action, NULL);
}

static void interrupted_by_a_signal(void** state) {
  seen s = {0};
  creche_scope scope = scope_in(loop.scope, NULL);
  creche_outcome outcome;
  (void)state;
  op(scope, &s);
  to_interrupt = scope;
  interrupted_with = 99;
  handle(SIGUSR1, on_interrupt);
  raise(SIGUSR1);
  assert_int_equal(interrupted_with, CRECHE_OK);
  settle();
  assert_int_equal(s.status, CRECHE_E_CANCELLED);
  assert_int_equal(s.reason, CRECHE_REASON_INTERRUPT);
  OK(creche_scope_leave(scope, &outcome));
  assert_int_equal(outcome.reason, CRECHE_REASON_INTERRUPT);
  raise(SIGUSR1);
  assert_int_equal(interrupted_with, CRECHE_E_ENDED);
  handle(SIGUSR1, SIG_DFL);
}

/* It wakes a loop that sleeps; also one that is run on the thread of the handler. */
static void an_interrupt_wakes_a_sleeping_loop(void** state) {
  struct itimerspec when;
  struct sigevent event;
  timer_t timer;
  seen s = {0};
  creche_scope scope = scope_in(loop.scope, NULL);
  (void)state;
  op(scope, &s);
  to_interrupt = scope;
  handle(SIGUSR1, on_interrupt);
  memset(&event, 0, sizeof event);
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = SIGUSR1;
  assert_int_equal(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
  memset(&when, 0, sizeof when);
  when.it_value.tv_nsec = 20000000;
  assert_int_equal(timer_settime(timer, 0, &when, NULL), 0);
  while (s.finals == 0) OK(creche_loop_poll(loop, CRECHE_NEVER));
  assert_int_equal(s.reason, CRECHE_REASON_INTERRUPT);
  timer_delete(timer);
  handle(SIGUSR1, SIG_DFL);
  OK(creche_scope_leave(scope, NULL));
}

/* A signal ends a wait, even if its handler was installed with SA_RESTART. It comes again and
 * again: one that arrives before the wait ends nothing. */
static volatile sig_atomic_t ticks;
static void on_tick(int number) {
  (void)number;
  ticks++;
}
static void signals_end_blocking_calls(void** state) {
  struct sigaction action, before;
  struct itimerspec when;
  struct sigevent event;
  timer_t timer;
  creche_group_options g = group_options();
  creche_outcome outcome;
  creche_completion c;
  creche_group group;
  creche_queue queue;
  creche_loop l;
  creche_task task;
  seen s = {0};
  size_t n = 9;
  (void)state;
  OK(creche_loop_open(NULL, &l));
  OK(creche_queue_open(l, NULL, &queue));
  g.flags = CRECHE_GROUP_JOINABLE;
  OK(creche_group_open(l.scope, &g, creche_nobody, NULL, &group));
  OK(creche_sleep_until(group.scope, CRECHE_NEVER, NULL, creche_nobody, NULL, NULL));
  memset(&action, 0, sizeof action);
  action.sa_handler = on_tick;
  action.sa_flags = SA_RESTART;
  sigaction(SIGUSR1, &action, &before);
  memset(&event, 0, sizeof event);
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = SIGUSR1;
  assert_int_equal(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
  memset(&when, 0, sizeof when);
  when.it_value.tv_nsec = when.it_interval.tv_nsec = 20000000;
  assert_int_equal(timer_settime(timer, 0, &when, NULL), 0);
  IS(creche_queue_wait(queue, &c, 1, CRECHE_NEVER, &n), CRECHE_E_INTERRUPTED);
  assert_int_equal(n, 0);
  IS(creche_group_join(group, CRECHE_NEVER, &outcome), CRECHE_E_INTERRUPTED);
  IS(creche_loop_join(l, CRECHE_NEVER), CRECHE_E_INTERRUPTED);
  last_error_says("call again");
  /* Those that turn the loop themselves, too; it is as it was. */
  task = op(loop.scope, &s);
  IS(creche_loop_poll(loop, CRECHE_NEVER), CRECHE_E_INTERRUPTED);
  IS(creche_loop_join(loop, CRECHE_NEVER), CRECHE_E_INTERRUPTED);
  assert_int_equal(s.finals, 0);
  assert_true(ticks >= 5);
  timer_delete(timer);
  sigaction(SIGUSR1, &before, NULL);
  OK(creche_scope_cancel(task.scope, NULL));
  settle();
  assert_int_equal(s.finals, 1);
  OK(creche_scope_cancel(group.scope, NULL)); /* nothing was lost by it */
  OK(creche_group_join(group, PATIENCE, &outcome));
  OK(creche_loop_close(l));
  OK(creche_loop_join(l, PATIENCE));
}

/* A run lasts until the loop has ended, whatever signals come: its handler stops it by
 * interrupting. */
static void on_third_tick(int number) {
  (void)number;
  if (++ticks == 3) creche_scope_interrupt(to_interrupt);
}
static void a_run_goes_on_after_a_signal(void** state) {
  struct itimerspec when;
  struct sigevent event;
  timer_t timer;
  seen s = {0};
  (void)state;
  to_interrupt = op(loop.scope, &s).scope;
  ticks = 0;
  handle(SIGUSR1, on_third_tick);
  memset(&event, 0, sizeof event);
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = SIGUSR1;
  assert_int_equal(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
  memset(&when, 0, sizeof when);
  when.it_value.tv_nsec = when.it_interval.tv_nsec = 10000000;
  assert_int_equal(timer_settime(timer, 0, &when, NULL), 0);
  OK(creche_loop_shutdown(loop, CRECHE_NEVER));
  OK(creche_loop_run(loop));
  timer_delete(timer);
  handle(SIGUSR1, SIG_DFL);
  assert_true(ticks >= 3);
  assert_int_equal(s.reason, CRECHE_REASON_INTERRUPT);
}

/* More scopes at once than there is room for say so. */
static void too_many_interrupts(void** state) {
  creche_scope scopes[40];
  int i, refused = 0;
  (void)state;
  for (i = 0; i < 40; i++) scopes[i] = scope_in(loop.scope, NULL);
  for (i = 0; i < 40; i++) {
    const creche_status status = creche_scope_interrupt(scopes[i]);
    assert_true(status == CRECHE_OK || status == CRECHE_E_LIMIT);
    refused += status != CRECHE_OK;
    OK(creche_scope_interrupt(scopes[0])); /* the same one again needs no room */
  }
  assert_true(refused > 0);
  settle();
  for (i = 0; i < 40; i++) {
    assert_int_equal(state_of(scopes[i]).called, i < 40 - refused);
    OK(creche_scope_leave(scopes[i], NULL));
  }
}

/* No signal of the program's ever lands in a thread of the library. */
static sigset_t loop_mask;
static int masks;
static void look_at_mask(void* user, const creche_completion* c) {
  (void)user;
  (void)c;
  pthread_sigmask(SIG_SETMASK, NULL, &loop_mask);
  masks++;
}
static sigset_t worker_mask;
static creche_status look_at_workers_mask(void* arg, creche_task task, uint64_t* value) {
  (void)arg;
  (void)task;
  (void)value;
  pthread_sigmask(SIG_SETMASK, NULL, &worker_mask);
  masks++;
  return CRECHE_OK;
}
static void own_threads_block_all_signals(void** state) {
  creche_loop l;
  sigset_t mine;
  int number;
  (void)state;
  OK(creche_loop_open(NULL, &l));
  OK(creche_loop_post(l, look_at_mask, NULL));
  OK(creche_offload(l.scope, look_at_workers_mask, NULL, NULL, creche_nobody, NULL, NULL));
  OK(creche_loop_shutdown(l, CRECHE_NEVER));
  OK(creche_loop_join(l, PATIENCE));
  assert_int_equal(masks, 2);
  for (number = 1; number < 32; number++) {
    if (number == SIGKILL || number == SIGSTOP) continue;
    assert_true(sigismember(&loop_mask, number));
    assert_true(sigismember(&worker_mask, number));
  }
  pthread_sigmask(SIG_SETMASK, NULL, &mine);
  assert_false(sigismember(&mine, SIGINT)); /* and the caller's is as before */
}

/* ---- errno ---- */
static void errno_is_preserved(void** state) {
  creche_scope scope;
  creche_queue queue;
  creche_completion c;
  creche_loop l;
  char text[10];
  size_t n;
  (void)state;
  errno = 12345;
  OK(creche_loop_open(NULL, &l));
  OK(creche_queue_open(l, NULL, &queue));
  OK(creche_scope_open(l.scope, NULL, &scope));
  OK(creche_scope_cancel(scope, "x"));
  OK(creche_scope_leave(scope, NULL));
  IS(creche_scope_leave(scope, NULL), CRECHE_E_ENDED);
  IS(creche_queue_wait(queue, &c, 1, 1000, &n), CRECHE_E_TIMEOUT);
  creche_queue_release(queue);
  IS(creche_loop_dump(l, CRECHE_DUMP_TEXT, text, sizeof text, &n), CRECHE_E_LIMIT);
  creche_value_release(99);
  IS(creche_loop_join(l, 1000), CRECHE_E_TIMEOUT);
  OK(creche_loop_close(l));
  OK(creche_loop_join(l, PATIENCE));
  assert_int_equal(errno, 12345);
}

/* ---- stderr ---- */
/* Nothing is printed, whatever is done wrong. In a child, whose stderr is a pipe. */
static void nothing_is_printed(void** state) {
  int ends[2], status;
  char byte;
  pid_t child;
  (void)state;
  assert_int_equal(pipe(ends), 0);
  child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    creche_loop l = {{0}};
    creche_session session;
    creche_pool pool;
    int failed = dup2(ends[1], 1) < 0 || dup2(ends[1], 2) < 0;
    close(ends[0]);
    failed |= creche_loop_close(l) != CRECHE_E_BAD_HANDLE;
    failed |= creche_loop_open(NULL, &l) != CRECHE_OK;
    failed |= creche_session_open(l, NULL, &session) != CRECHE_OK;
    failed |= creche_pool_open(l, "host=127.0.0.1 port=1", NULL, &pool) != CRECHE_OK;
    failed |= creche_session_fetch(session, l.scope, "http://127.0.0.1:1/", NULL, creche_nobody,
                                   NULL, NULL) != CRECHE_OK;
    failed |= creche_pool_query(pool, l.scope, "x", NULL, 0, NULL, creche_nobody, NULL, NULL) !=
              CRECHE_OK;
    failed |=
        creche_session_fetch(session, l.scope, NULL, NULL, NULL, NULL, NULL) != CRECHE_E_INVALID;
    failed |= creche_loop_shutdown(l, CRECHE_NEVER) != CRECHE_OK;
    failed |= creche_loop_join(l, PATIENCE) != CRECHE_OK;
    _exit(failed);
  }
  close(ends[1]);
  assert_int_equal(read(ends[0], &byte, 1), 0); /* the end of it, and nothing before */
  close(ends[0]);
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
}

/* ---- Descriptors ---- */
static int open_descriptors(int* without_cloexec) {
  DIR* folder = opendir("/proc/self/fd");
  struct dirent* entry;
  int count = 0;
  assert_non_null(folder);
  while ((entry = readdir(folder)) != NULL) {
    const int fd = atoi(entry->d_name);
    if (entry->d_name[0] == '.' || fd == dirfd(folder)) continue;
    count++;
    if (without_cloexec != NULL && fd > 2) *without_cloexec += !(fcntl(fd, F_GETFD) & FD_CLOEXEC);
  }
  closedir(folder);
  return count;
}

static void descriptors_are_closed_on_exec(void** state) {
  creche_loop l;
  creche_queue queue;
  int before = 0, after = 0;
  (void)state;
  open_descriptors(&before);
  OK(creche_loop_open(NULL, &l));
  OK(creche_queue_open(l, NULL, &queue));
  open_descriptors(&after);
  assert_int_equal(after, before);
  OK(creche_loop_close(l));
  OK(creche_loop_join(l, PATIENCE));
}

static void descriptors_are_given_back(void** state) {
  int before = 0, i;
  (void)state;
  for (i = 0; i < 20; i++) {
    creche_loop l;
    creche_queue queue;
    OK(creche_loop_open(NULL, &l));
    OK(creche_queue_open(l, NULL, &queue));
    OK(creche_queue_open(l, NULL, &queue));
    creche_queue_release(queue);
    OK(creche_loop_close(l));
    OK(creche_loop_join(l, PATIENCE));
    if (i == 0) before = open_descriptors(NULL);
  }
  assert_int_equal(open_descriptors(NULL), before);
}

/* Two hundred loops at a time, each with one of everything: nothing is left of them. */
static int threads_now(void) {
  DIR* folder = opendir("/proc/self/task");
  int count = -2;
  assert_non_null(folder);
  while (readdir(folder) != NULL) count++;
  closedir(folder);
  return count;
}
static void loops_leave_nothing_behind(void** state) {
  enum { LOOPS = 200 };
  static creche_loop loops[LOOPS];
  const int descriptors = open_descriptors(NULL), threads = threads_now();
  int i;
  (void)state;
  for (i = 0; i < LOOPS; i++) {
    creche_loop_options o;
    creche_queue queue;
    creche_session session;
    creche_pool pool;
    creche_loop_options_init(&o, sizeof o);
    o.run = i % 2 == 0 ? CRECHE_RUN_THREAD : CRECHE_RUN_CALLER;
    o.stall_after = i % 3 == 0 ? CRECHE_SECOND : 0;
    OK(creche_loop_open(&o, &loops[i]));
    OK(creche_queue_open(loops[i], NULL, &queue));
    OK(creche_session_open(loops[i], NULL, &session));
    OK(creche_pool_open(loops[i], "host=127.0.0.1 port=1", NULL, &pool));
    OK(creche_session_fetch(session, loops[i].scope, "http://127.0.0.1:1/", NULL, creche_nobody,
                            NULL, NULL));
    OK(creche_pool_query(pool, loops[i].scope, "x", NULL, 0, NULL, creche_nobody, NULL, NULL));
    OK(creche_offload(loops[i].scope, in_worker, NULL, NULL, creche_nobody, NULL, NULL));
  }
  for (i = 0; i < LOOPS; i++) OK(creche_loop_shutdown(loops[i], CRECHE_NEVER));
  for (i = 0; i < LOOPS; i++) OK(creche_loop_join(loops[i], PATIENCE));
  assert_int_equal(open_descriptors(NULL), descriptors);
  /* One that was inside an item when its loop ended goes by itself. */
  for (i = 0; i < 2000 && threads_now() > threads; i++) usleep(10000);
  assert_int_equal(threads_now(), threads);
}

/* No more descriptors: a clear error, nothing half-open, and it works again afterwards. */
static void no_more_descriptors(void** state) {
  struct rlimit limit, low;
  creche_loop l;
  creche_queue queue;
  creche_status status = CRECHE_OK;
  int before = open_descriptors(NULL), more, failures = 0;
  (void)state;
  assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
  for (more = 0; more < 16; more++) {
    /* A descriptor's number must be below the limit. */
    const int top = dup(0);
    assert_true(top >= 0);
    close(top);
    low = limit;
    low.rlim_cur = (rlim_t)top + (rlim_t)more;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    status = creche_loop_open(NULL, &l);
    if (status == CRECHE_OK) {
      const creche_status opened = creche_queue_open(l, NULL, &queue);
      assert_true(opened == CRECHE_OK || opened == CRECHE_E_SYSTEM);
      assert_int_equal(opened != CRECHE_OK, queue.id == 0);
      OK(creche_loop_close(l));
      /* A join needs a descriptor, too: it may say so, and can be had again. */
      status = creche_loop_join(l, PATIENCE);
      assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
      if (status != CRECHE_OK) {
        assert_int_equal(status, CRECHE_E_SYSTEM);
        OK(creche_loop_join(l, PATIENCE));
        failures++;
      }
      continue;
    }
    failures++;
    assert_int_equal(status, CRECHE_E_SYSTEM);
    assert_int_equal(l.scope.id, 0);
    last_error_says("descriptors");
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
  }
  assert_true(failures > 0);
  assert_int_equal(status, CRECHE_OK); /* with enough of them it worked */
  assert_int_equal(open_descriptors(NULL), before);
}

int main(void) {
#ifdef __SANITIZE_THREAD__
  return 77; /* skipped: ThreadSanitizer knows no fork of a process with threads */
#endif
  const struct CMUnitTest tests[] = {
      TEST(exit_while_it_runs),         TEST(forking),
      TEST(loops_on_both_sides),        TEST(forking_while_others_work),
      TEST(interrupted_by_a_signal),    TEST(an_interrupt_wakes_a_sleeping_loop),
      TEST(too_many_interrupts),        TEST(own_threads_block_all_signals),
      TEST(errno_is_preserved),         TEST(descriptors_are_closed_on_exec),
      TEST(descriptors_are_given_back), TEST(no_more_descriptors),
      TEST(signals_end_blocking_calls), TEST(a_run_goes_on_after_a_signal),
      TEST(nothing_is_printed),         TEST(a_child_made_in_a_callback_may_wait),
      TEST(loops_leave_nothing_behind), TEST(stopped_for_longer_than_a_time_limit),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

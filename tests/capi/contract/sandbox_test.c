/* What a sandbox does not allow is said as it is: no limit, no signal, no lack of memory. Each test
 * in a child of its own, which denies itself system calls (seccomp). */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/child.h"
#include "support/core.h"

/* The calls fail with `error` from now on. `second`: may be the first. False without seccomp. */
static int deny(int first, int second, int error) {
  struct sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)first, 1, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)second, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program;
  program.len = sizeof code / sizeof *code;
  program.filter = code;
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/* Waiting falls back on poll, and time limits stay what they are. */
static int without_ppoll(void) {
  creche_loop l;
  creche_queue queue;
  creche_completion c;
  creche_task_options o = task_options();
  size_t n;
  if (!deny(SYS_ppoll, SYS_epoll_pwait2, EPERM)) return CANNOT_BE_MADE;
  WANT(creche_loop_open(NULL, &l) == CRECHE_OK);
  WANT(creche_queue_open(l, NULL, &queue) == CRECHE_OK);
  WANT(creche_queue_wait(queue, &c, 1, 1000000, &n) == CRECHE_E_TIMEOUT);
  o.queue = queue;
  WANT(creche_sleep(l.scope, 1000000, &o, NULL, NULL, NULL) == CRECHE_OK);
  WANT(creche_queue_wait(queue, &c, 1, PATIENCE, &n) == CRECHE_OK && n == 1);
  WANT(creche_loop_join(l, 1000000) == CRECHE_E_TIMEOUT);
  WANT(creche_loop_close(l) == CRECHE_OK);
  return creche_loop_join(l, PATIENCE) == CRECHE_OK ? 0 : __LINE__;
}
static void a_join_waits_without_ppoll(void** state) {
  (void)state;
  in_child(without_ppoll);
}

static int without_waiting(void) {
  creche_loop l;
  if (!deny(SYS_ppoll, SYS_poll, ENOSYS)) return CANNOT_BE_MADE;
  WANT(creche_loop_open(NULL, &l) == CRECHE_OK);
  WANT(creche_loop_join(l, CRECHE_SECOND) == CRECHE_E_SYSTEM);
  WANT(strstr(creche_last_error()->message, "sandbox") != NULL);
  return 0;
}
static void a_join_that_cannot_wait_says_so(void** state) {
#ifndef SYS_poll
  (void)state;
  skip();
#else
  (void)state;
  in_child(without_waiting);
#endif
}

static int without_eventfd(void) {
  creche_loop l;
  creche_queue queue;
  creche_loop_options o;
  creche_loop_options_init(&o, sizeof o);
  o.run = CRECHE_RUN_CALLER;
  WANT(creche_loop_open(&o, &l) == CRECHE_OK);
  if (!deny(SYS_eventfd2, SYS_eventfd2, EPERM)) return CANNOT_BE_MADE;
  WANT(creche_queue_open(l, NULL, &queue) == CRECHE_E_SYSTEM);
  WANT(strstr(creche_last_error()->message, "sandbox") != NULL);
  WANT(strstr(creche_last_error()->message, "raise") == NULL);
  WANT(creche_loop_open(&o, &l) == CRECHE_E_SYSTEM);
  WANT(strstr(creche_last_error()->message, "sandbox") != NULL);
  return 0;
}
static int without_epoll(void) {
  creche_loop l;
  if (!deny(SYS_epoll_create1, SYS_epoll_create1, ENOSYS)) return CANNOT_BE_MADE;
  WANT(creche_loop_open(NULL, &l) == CRECHE_E_SYSTEM);
  WANT(strstr(creche_last_error()->message, "sandbox") != NULL);
  return 0;
}
static void what_is_not_allowed_is_no_limit(void** state) {
  (void)state;
  in_child(without_eventfd);
  in_child(without_epoll);
}

/* A thread that cannot be had is no lack of memory. */
static creche_status never(void* arg, creche_task task, uint64_t* value) {
  (void)arg;
  (void)task;
  (void)value;
  return CRECHE_OK;
}
static int missing_errno;
static void note_errno(void* user, const creche_completion* c) {
  note(user, c);
  missing_errno = c->error == NULL ? 0 : c->error->system_errno;
}
static int without_threads(void) {
  creche_loop l, other;
  creche_loop_options o;
  seen s = {0};
  creche_loop_options_init(&o, sizeof o);
  o.run = CRECHE_RUN_CALLER;
  WANT(creche_loop_open(&o, &l) == CRECHE_OK);
  if (!deny(SYS_clone, SYS_clone3, EAGAIN)) return CANNOT_BE_MADE;
  WANT(creche_offload(l.scope, never, NULL, NULL, note_errno, &s, NULL) == CRECHE_OK);
  while (s.finals == 0) WANT(creche_loop_poll(l, PATIENCE) == CRECHE_OK);
  WANT(s.status == CRECHE_E_SYSTEM);
  WANT(missing_errno == EAGAIN);
  WANT(strstr(s.message, "threads") != NULL);
  WANT(creche_loop_open(NULL, &other) == CRECHE_E_SYSTEM);
  WANT(strstr(creche_last_error()->message, "threads") != NULL);
  WANT(creche_loop_close(l) == CRECHE_OK);
  return creche_loop_join(l, PATIENCE) == CRECHE_OK ? 0 : __LINE__;
}
/* Nobody who waits for a pool is told of memory either: what reads the DSN needs a thread, too. */
static int without_threads_for_a_pool(void) {
  creche_loop l;
  creche_loop_options o;
  creche_pool_options p;
  creche_pool pool;
  seen s = {0};
  creche_loop_options_init(&o, sizeof o);
  o.run = CRECHE_RUN_CALLER;
  WANT(creche_loop_open(&o, &l) == CRECHE_OK);
  creche_pool_options_init(&p, sizeof p);
  WANT(creche_pool_open(l, "host=127.0.0.1 port=1 user=nobody", &p, &pool) == CRECHE_OK);
  if (!deny(SYS_clone, SYS_clone3, EAGAIN)) return CANNOT_BE_MADE;
  WANT(creche_pool_query(pool, l.scope, "select 1", NULL, 0, NULL, note_errno, &s, NULL) ==
       CRECHE_OK);
  while (s.finals == 0) WANT(creche_loop_poll(l, PATIENCE) == CRECHE_OK);
  WANT(s.status == CRECHE_E_SYSTEM);
  WANT(missing_errno == EAGAIN);
  WANT(s.phase == CRECHE_PHASE_OPTIONS);
  WANT(strstr(s.message, "read the DSN") != NULL);
  creche_pool_release(pool);
  WANT(creche_loop_close(l) == CRECHE_OK);
  return creche_loop_join(l, PATIENCE) == CRECHE_OK ? 0 : __LINE__;
}
/* Nor is a descriptor that cannot be watched. */
static int without_watches(void) {
  creche_loop l;
  creche_loop_options o;
  creche_pool pool;
  seen s = {0};
  char dsn[100];
  struct sockaddr_in address = {0};
  socklen_t size = sizeof address;
  const int server = socket(AF_INET, SOCK_STREAM, 0);
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  WANT(bind(server, (struct sockaddr*)&address, size) == 0 && listen(server, 5) == 0);
  WANT(getsockname(server, (struct sockaddr*)&address, &size) == 0);
  snprintf(dsn, sizeof dsn, "host=127.0.0.1 port=%d user=nobody", ntohs(address.sin_port));
  creche_loop_options_init(&o, sizeof o);
  o.run = CRECHE_RUN_CALLER;
  WANT(creche_loop_open(&o, &l) == CRECHE_OK);
  WANT(creche_pool_open(l, dsn, NULL, &pool) == CRECHE_OK);
  if (!deny(SYS_epoll_ctl, SYS_epoll_ctl, ENOSPC)) return CANNOT_BE_MADE;
  WANT(creche_pool_query(pool, l.scope, "select 1", NULL, 0, NULL, note_errno, &s, NULL) ==
       CRECHE_OK);
  while (s.finals == 0) WANT(creche_loop_poll(l, PATIENCE) == CRECHE_OK);
  WANT(s.status == CRECHE_E_SYSTEM);
  WANT(missing_errno == ENOSPC);
  WANT(strstr(s.message, "max_user_watches") != NULL);
  creche_pool_release(pool);
  WANT(creche_loop_close(l) == CRECHE_OK);
  close(server);
  return creche_loop_join(l, PATIENCE) == CRECHE_OK ? 0 : __LINE__;
}
static void a_missing_watch_is_no_missing_memory(void** state) {
  (void)state;
  in_child(without_watches);
}
static void a_missing_thread_is_no_missing_memory(void** state) {
  (void)state;
  in_child(without_threads);
  in_child(without_threads_for_a_pool);
}

int main(void) {
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
  return 77; /* skipped: sanitizers need what is denied here */
#endif
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_join_waits_without_ppoll),
      cmocka_unit_test(a_join_that_cannot_wait_says_so),
      cmocka_unit_test(what_is_not_allowed_is_no_limit),
      cmocka_unit_test(a_missing_thread_is_no_missing_memory),
      cmocka_unit_test(a_missing_watch_is_no_missing_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

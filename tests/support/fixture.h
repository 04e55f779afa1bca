/* What all tests in C share: a loop, a queue on it, how long they wait, and how they say that a
 * call must succeed. Header only: a test needs libcreche beside it, the support library does not.
 * What a topic has beyond that is in core.h (loops that the test turns itself),
 * capi/http/http_test.h and capi/pg/pg_test.h. */
#ifndef SUPPORT_FIXTURE_H
#define SUPPORT_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <creche/creche.h>

/* Longer than anything takes that does not hang, also beside sanitizers on a busy machine. */
#define PATIENCE (60 * CRECHE_SECOND)
#define PATIENCE_MS ((int)(PATIENCE / CRECHE_MILLISECOND))

static inline int64_t now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static inline void nap_ms(int ms) {
  struct timespec t = {ms / 1000, (long)(ms % 1000) * 1000000};
  nanosleep(&t, NULL);
}

/* Looks again and again until it is so, and fails the test if it does not come to that. */
#define AWAIT(condition)                                               \
  do {                                                                 \
    for (const int64_t end_ = now_ms() + PATIENCE_MS; !(condition);) { \
      if (now_ms() > end_) fail_msg("not in time: %s", #condition);    \
      nap_ms(1);                                                       \
    }                                                                  \
  } while (0)

/* The call must return this status. */
#define IS(call, status)                                                               \
  do {                                                                                 \
    const creche_status is_ = (call), wanted_ = (status);                              \
    if (is_ != wanted_)                                                                \
      fail_msg("%s is %s, not %s; the last error: %s", #call, creche_status_name(is_), \
               creche_status_name(wanted_), creche_last_error()->message);             \
  } while (0)
#define OK(call) IS(call, CRECHE_OK)
/* The same where no assertion may be, as in callbacks: it only says so, and the test waits in vain.
 */
#define SAY(call)                                                         \
  do {                                                                    \
    const creche_status said_ = (call);                                   \
    if (said_ != CRECHE_OK)                                               \
      fprintf(stderr, "%s is %s: %s\n", #call, creche_status_name(said_), \
              creche_last_error()->message);                              \
  } while (0)

static inline void last_error_says(const char* part) {
  if (strstr(creche_last_error()->message, part) == NULL)
    fail_msg("\"%s\" does not say \"%s\"", creche_last_error()->message, part);
}

static creche_loop loop;
static creche_queue queue;           /* on that loop, */
static creche_task_options to_queue; /* and an operation's, whose completion goes there */

static inline int open_loop_and_queue(void) {
  creche_task_options_init(&to_queue, sizeof to_queue);
  if (creche_loop_open(NULL, &loop) || creche_queue_open(loop, NULL, &queue)) {
    fprintf(stderr, "%s\n", creche_last_error()->message);
    return -1;
  }
  to_queue.queue = queue;
  return 0;
}

/* Ends the loop, whatever is in it. */
static inline int close_and_join_loop(void) {
  creche_loop_close(loop);
  if (creche_loop_join(loop, PATIENCE) == CRECHE_OK) return 0;
  fprintf(stderr, "%s\n", creche_last_error()->message);
  return -1;
}

/* The next completion: its error and data live until it is dropped. */
static inline creche_completion next(void) {
  creche_completion c;
  size_t n = 0;
  OK(creche_queue_wait(queue, &c, 1, PATIENCE, &n));
  assert_int_equal(n, 1);
  return c;
}
static inline void drop(creche_completion c) {
  creche_completions_release(&c, 1);
}

static inline creche_loop_counters loop_counters(void) {
  creche_loop_counters c;
  OK(creche_loop_get_counters(loop, &c, sizeof c));
  return c;
}
static inline creche_session_counters session_counters(creche_session session) {
  creche_session_counters c;
  OK(creche_session_get_counters(session, &c, sizeof c));
  return c;
}
static inline creche_pool_counters pool_counters(creche_pool pool) {
  creche_pool_counters c;
  OK(creche_pool_get_counters(pool, &c, sizeof c));
  return c;
}

#endif

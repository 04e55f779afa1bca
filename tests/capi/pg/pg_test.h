/* What the tests of PostgreSQL share: a server, a loop, and a way to wait for one answer. */
#ifndef CAPI_PG_TEST_H
#define CAPI_PG_TEST_H

#include <inttypes.h>
#include <pthread.h>
#include <unistd.h>

#include "support/fixture.h"
#include "support/support.h"

/* One operation's end; more than one is a failure of the test. */
typedef struct answer {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  int ended;
  int blocks; /* CRECHE_ROWS so far */
  creche_status status;
  uint32_t code;
  uint64_t value;
  const creche_row_block* rows;
  const creche_error* error;
} answer;

static inline void answer_init(answer* a) {
  memset(a, 0, sizeof *a);
  pthread_mutex_init(&a->lock, NULL);
  pthread_cond_init(&a->changed, NULL);
}

/* The done function: user is an answer. Owned values are kept until answer_free. */
static inline void on_answer(void* user, const creche_completion* c) {
  answer* a = user;
  pthread_mutex_lock(&a->lock);
  if (c->flags & CRECHE_MORE) {
    a->blocks++;
    creche_value_release(c->value);
  } else {
    a->ended++;
    a->status = c->status;
    a->code = c->code;
    a->value = c->value;
    a->rows = c->data;
    a->error = creche_error_keep(c->error);
  }
  pthread_cond_broadcast(&a->changed);
  pthread_mutex_unlock(&a->lock);
}

/* 1 if it has ended in time. */
static inline int answer_wait_for(answer* a, int ms) {
  struct timespec until;
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_sec += ms / 1000;
  until.tv_nsec += (long)(ms % 1000) * 1000000;
  if (until.tv_nsec >= 1000000000) until.tv_sec++, until.tv_nsec -= 1000000000;
  pthread_mutex_lock(&a->lock);
  while (!a->ended && pthread_cond_timedwait(&a->changed, &a->lock, &until) == 0) {
  }
  int ended = a->ended;
  pthread_mutex_unlock(&a->lock);
  return ended;
}

/* Waits, and fails the test after a long time. Returns the status. */
static inline creche_status answer_wait(answer* a) {
  if (!answer_wait_for(a, PATIENCE_MS)) fail_msg("no completion after %d ms", PATIENCE_MS);
  return a->status;
}

static inline void answer_free(answer* a) {
  creche_error_release(a->error);
  if (a->value) creche_value_release(a->value);
  pthread_mutex_destroy(&a->lock);
  pthread_cond_destroy(&a->changed);
}

static inline const char* answer_state(const answer* a) {
  return a->error ? a->error->sqlstate : "";
}

/* The test fails with the error's message if an answer is not the one expected. */
#define EXPECT(a, expected)                                                                    \
  do {                                                                                         \
    creche_status got_ = answer_wait(a);                                                       \
    if (got_ != (expected))                                                                    \
      fail_msg("%s instead of %s: %s", creche_status_name(got_), creche_status_name(expected), \
               creche_error_message((a)->error));                                              \
  } while (0)

static support_postgres* server;

static inline int start_server(void** state) {
  (void)state;
  server = support_postgres_start(NULL);
  if (!server) return -1;
  return creche_loop_open(NULL, &loop) == CRECHE_OK ? 0 : -1;
}

static inline int stop_server(void** state) {
  (void)state;
  const int ended = close_and_join_loop();
  support_postgres_stop(server);
  return ended;
}

static inline creche_pool open_pool(uint32_t max_size) {
  creche_pool pool;
  creche_pool_options o;
  OK(creche_pool_options_init(&o, sizeof o));
  o.max_size = max_size;
  OK(creche_pool_open(loop, support_postgres_url(server), &o, &pool));
  return pool;
}

static inline void close_pool(creche_pool pool) {
  answer a;
  answer_init(&a);
  OK(creche_pool_close(pool, on_answer, &a));
  EXPECT(&a, CRECHE_OK);
  answer_free(&a);
  creche_pool_release(pool);
}

/* Runs a statement without parameters on the pool and waits; the answer is the caller's to free. */
static inline creche_status run(creche_pool pool, answer* a, const char* sql) {
  answer_init(a);
  OK(creche_pool_query(pool, loop.scope, sql, NULL, 0, NULL, on_answer, a, NULL));
  return answer_wait(a);
}

static inline creche_status run_on(creche_connection c, answer* a, const char* sql) {
  answer_init(a);
  OK(creche_connection_query(c, loop.scope, sql, NULL, 0, NULL, on_answer, a, NULL));
  return answer_wait(a);
}

/* The first cell of a statement that must succeed, as a number. */
static inline int64_t number(creche_pool pool, const char* sql) {
  answer a;
  run(pool, &a, sql);
  EXPECT(&a, CRECHE_OK);
  int64_t n = creche_row_int8(a.rows, 0, 0);
  answer_free(&a);
  return n;
}

static inline void must(creche_pool pool, const char* sql) {
  answer a;
  run(pool, &a, sql);
  EXPECT(&a, CRECHE_OK);
  answer_free(&a);
}

static inline int64_t number_on(creche_connection c, const char* sql) {
  answer a;
  run_on(c, &a, sql);
  EXPECT(&a, CRECHE_OK);
  int64_t n = creche_row_int8(a.rows, 0, 0);
  answer_free(&a);
  return n;
}

static inline void must_on(creche_connection c, const char* sql) {
  answer a;
  run_on(c, &a, sql);
  EXPECT(&a, CRECHE_OK);
  answer_free(&a);
}

/* A connection of one's own; the handle is the caller's. */
static inline creche_connection acquire(creche_pool pool) {
  answer a;
  answer_init(&a);
  OK(creche_pool_acquire(pool, loop.scope, NULL, on_answer, &a, NULL));
  EXPECT(&a, CRECHE_OK);
  creche_connection c = {a.value};
  a.value = 0;
  answer_free(&a);
  return c;
}

static inline creche_pool_counters counters(creche_pool pool) {
  return pool_counters(pool);
}

#endif

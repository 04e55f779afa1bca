/* Functions for worker threads that wait for a gate, so that a test decides when each returns; and
 * how it waits, by events, until a worker has one, or has done with it. */
#ifndef SUPPORT_WORK_H
#define SUPPORT_WORK_H

#include <errno.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <time.h>

#include "support/core.h"

typedef struct work {
  sem_t gate;
  creche_status with; /* what it returns */
  uint64_t value;
  int32_t asked;      /* creche_offload_cancelled, when it returned */
  atomic_int entered; /* how often it was called, */
  atomic_int freed;   /* and its argument freed */
} work;

static sem_t work_news; /* one of the two has changed somewhere */
/* A limiter without tokens: asking it for one says whether a task still takes anything, and starts
 * nothing. */
static creche_limiter work_probe;

/* A virtual clock, and so many threads for functions without a limiter. */
static inline int work_loop(uint32_t workers) {
  creche_loop_options o;
  memset(&loop_seen, 0, sizeof loop_seen);
  creche_loop_options_init(&o, sizeof o);
  sem_init(&work_news, 0, 0);
  o.clock = CRECHE_CLOCK_VIRTUAL;
  o.offload_limit = workers;
  o.run = CRECHE_RUN_CALLER;
  o.done = see;
  o.user = &loop_seen;
  return creche_loop_open(&o, &loop) == CRECHE_OK ? 0 : -1;
}
static inline void work_open(void) {
  creche_limiter_options o;
  OK(creche_limiter_options_init(&o, sizeof o));
  o.total = 0;
  OK(creche_limiter_open(loop, &o, &work_probe));
}
static inline void work_init(work* w, creche_status with, uint64_t value) {
  sem_init(&w->gate, 0, 0);
  w->with = with;
  w->value = value;
  w->asked = 0;
  atomic_store(&w->entered, 0);
  atomic_store(&w->freed, 0);
}

/* The function, and its arg_free. */
static inline creche_status work_runs(void* arg, creche_task task, uint64_t* value) {
  work* w = arg;
  atomic_fetch_add(&w->entered, 1);
  sem_post(&work_news);
  while (sem_wait(&w->gate) != 0) continue;
  w->asked = creche_offload_cancelled(task);
  *value = w->value;
  return w->with;
}
static inline void work_freed(void* arg) {
  work* w = arg;
  atomic_fetch_add(&w->freed, 1);
  sem_post(&work_news); /* the last that is done with it */
}

/* Waits until either has happened (`other` may be NULL); 0 if that was in vain. */
static inline int work_await(atomic_int* one, atomic_int* other) {
  struct timespec until;
  until.tv_sec = 0;
  while (atomic_load(one) == 0 && (other == NULL || atomic_load(other) == 0)) {
    if (until.tv_sec == 0) {
      clock_gettime(CLOCK_REALTIME, &until);
      until.tv_sec += PATIENCE / CRECHE_SECOND;
    }
    if (sem_timedwait(&work_news, &until) != 0 && errno == ETIMEDOUT) return 0;
  }
  return 1;
}
/* Waits until the task takes nothing any more: its worker has said that it has finished. */
static inline int work_await_finish(creche_scope task) {
  const time_t until = time(NULL) + PATIENCE / CRECHE_SECOND;
  creche_token token;
  while (creche_limiter_try(work_probe, task, 0, &token) == CRECHE_E_LIMIT) {
    if (time(NULL) > until) return 0;
    sched_yield();
  }
  return 1;
}
static inline int work_has(work* w) {
  return work_await(&w->entered, NULL);
}
/* Lets it return, and waits until it has, with all that follows from it. */
static inline int work_returns(work* w, creche_scope task) {
  if (atomic_load(&w->entered) == 0 || atomic_load(&w->freed) > 0) return 1;
  sem_post(&w->gate);
  return work_await(&w->freed, NULL) && work_await_finish(task);
}

#endif

/* The structured core, in nanoseconds for each operation: spawn + join, scope open + close, cancel
 * of sleepers, posts from another thread, queue drain. Prints "name value" lines; run.sh makes the
 * table. usage: core_bench [scale]   (1.0: full size) */
#include <creche/creche.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double Now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void Check(creche_status status) {
  if (status == CRECHE_OK) return;
  fprintf(stderr, "core_bench: %s\n", creche_last_error()->message);
  exit(1);
}

static creche_loop loop;
static size_t ended;

static void Count(void* user, const creche_completion* c) {
  (void)user;
  (void)c;
  ended++;
}

static void Empty(void* user, const creche_completion* c) {
  (void)user;
  if (c->kind == CRECHE_BEGIN) creche_task_finish(c->task, CRECHE_OK, 0, NULL);
}

static void Turns(size_t until) {
  while (ended < until) Check(creche_loop_poll(loop, CRECHE_NEVER));
}

/* Groups of `width` empty user tasks each, one after the other. */
static double SpawnJoin(size_t n, size_t width) {
  double start = Now();
  for (size_t done = 0; done < n; done += width) {
    creche_group group;
    ended = 0;
    Check(creche_group_open(loop.scope, NULL, Count, NULL, &group));
    for (size_t i = 0; i < width; i++)
      Check(creche_task_spawn(group.scope, Empty, NULL, NULL, creche_nobody, NULL, NULL));
    Check(creche_group_close(group));
    Turns(1);
  }
  return (Now() - start) / (double)n;
}

static double ScopeOpenLeave(size_t n) {
  double start = Now();
  for (size_t i = 0; i < n; i++) {
    creche_scope scope;
    creche_outcome outcome;
    Check(creche_scope_open(loop.scope, NULL, &scope));
    Check(creche_scope_leave(scope, &outcome));
  }
  return (Now() - start) / (double)n;
}

static double CancelSleepers(size_t n) {
  creche_group group;
  ended = 0;
  Check(creche_group_open(loop.scope, NULL, Count, NULL, &group));
  for (size_t i = 0; i < n; i++)
    Check(creche_sleep(group.scope,
                       1000 * CRECHE_SECOND + (int64_t)(i * 7919 % n) * CRECHE_MILLISECOND, NULL,
                       Count, NULL, NULL));
  Check(creche_group_close(group));
  while (creche_loop_poll(loop, 0) == CRECHE_OK) continue;
  double start = Now();
  Check(creche_scope_cancel(group.scope, "enough"));
  Turns(n + 1);
  return (Now() - start) / (double)n;
}

/* A loop with a thread of its own, for what crosses threads. */
static volatile size_t posted;
static size_t wanted;
static void Posted(void* user, const creche_completion* c) {
  (void)c;
  if (++posted == wanted) pthread_mutex_unlock(user);
}

static double PostAcross(size_t n) {
  creche_loop other;
  pthread_mutex_t all_done = PTHREAD_MUTEX_INITIALIZER;
  Check(creche_loop_open(NULL, &other));
  pthread_mutex_lock(&all_done);
  posted = 0;
  wanted = n;
  double start = Now();
  for (size_t i = 0; i < n; i++) Check(creche_loop_post(other, Posted, &all_done));
  pthread_mutex_lock(&all_done);
  double each = (Now() - start) / (double)n;
  Check(creche_loop_close(other));
  Check(creche_loop_join(other, CRECHE_NEVER));
  return each;
}

/* Completions that wait in a queue, taken in batches of 256 and released. */
static double Drain(size_t n) {
  creche_queue queue;
  creche_group group;
  creche_completion batch[256];
  size_t got;
  Check(creche_queue_open(loop, NULL, &queue));
  creche_group_options o;
  Check(creche_group_options_init(&o, sizeof o));
  o.queue = queue;
  Check(creche_group_open(loop.scope, &o, NULL, NULL, &group));
  for (size_t i = 0; i < n; i++) Check(creche_sleep(group.scope, 0, NULL, NULL, NULL, NULL));
  Check(creche_group_close(group));
  while (creche_loop_poll(loop, 10 * CRECHE_MILLISECOND) == CRECHE_OK) continue;
  double start = Now();
  size_t all = 0;
  do {
    Check(creche_queue_drain(queue, batch, 256, &got));
    all += got;
    creche_completions_release(batch, got);
  } while (got > 0);
  double each = (Now() - start) / (double)all;
  if (all != n + 1) {
    fprintf(stderr, "core_bench: %zu completions for %zu tasks and their group\n", all, n);
    exit(1);
  }
  creche_queue_release(queue);
  return each;
}

int main(int argc, char** argv) {
  double scale = argc > 1 ? atof(argv[1]) : 1.0;
  creche_loop_options o;
  Check(creche_loop_options_init(&o, sizeof o));
  o.run = CRECHE_RUN_CALLER;
  Check(creche_loop_open(&o, &loop));
  SpawnJoin(2000, 1000); /* warm */
  printf("spawn_join %.1f\n", SpawnJoin((size_t)(2e6 * scale), 1000));
  printf("scope_open_close %.1f\n", ScopeOpenLeave((size_t)(5e6 * scale)));
  CancelSleepers(10000);
  printf("cancel_sleeper %.1f\n", CancelSleepers(100000));
  printf("post %.1f\n", PostAcross((size_t)(2e6 * scale)));
  Drain(10000);
  printf("queue_drain %.1f\n", Drain(100000));
  Check(creche_loop_close(loop));
  Check(creche_loop_join(loop, CRECHE_NEVER));
  return 0;
}

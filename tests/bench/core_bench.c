/* The structured core, in nanoseconds for each operation (memory: in bytes for each task). Prints
 * "name value" lines; structured.py makes the table, and the programs in peers/ take the same
 * arguments and print the same lines. usage:
 *   core_bench SECTION N [TOTAL]   one of the sections below, with N tasks, scopes, timers,
 * posts... core_bench [scale]             the short ones, one after the other (1.0: full size) */
#include <creche/creche.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* CPU time of all threads, in the peers too: the programs are pinned to one core and never wait, so
 * on a quiet machine it is the time, and on a busy one it is still right. */
static double Now(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
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

/* Resident memory of this process, in bytes. */
static double Resident(void) {
  long pages = 0;
  FILE* file = fopen("/proc/self/statm", "r");
  if (file == NULL || fscanf(file, "%*d %ld", &pages) != 1) {
    perror("core_bench: /proc/self/statm");
    exit(1);
  }
  fclose(file);
  return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

/* Long, and in no order. */
static int64_t Duration(size_t i, size_t n) {
  return 1000 * CRECHE_SECOND + (int64_t)(i * 7919 % n) * CRECHE_MILLISECOND;
}

/* Groups of `width` empty user tasks each, one after the other, from within the loop. */
static struct { size_t left, width; } spawning;

static void NextGroup(void* user, const creche_completion* c) {
  creche_group group;
  (void)user;
  (void)c;
  if (spawning.left == 0) {
    ended++;
    return;
  }
  spawning.left--;
  Check(creche_group_open(loop.scope, NULL, NextGroup, NULL, &group));
  for (size_t i = 0; i < spawning.width; i++)
    Check(creche_task_spawn(group.scope, Empty, NULL, NULL, creche_nobody, NULL, NULL));
  Check(creche_group_close(group));
}

static double SpawnJoin(size_t n, size_t width) {
  double start = Now();
  ended = 0;
  spawning.left = (n + width - 1) / width;
  spawning.width = width;
  Check(creche_loop_post(loop, NextGroup, NULL));
  Turns(1);
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

/* A group of n sleeping tasks; they have all begun to sleep when this returns. */
static creche_group Sleepers(size_t n) {
  creche_group group;
  ended = 0;
  Check(creche_group_open(loop.scope, NULL, Count, NULL, &group));
  for (size_t i = 0; i < n; i++)
    Check(creche_sleep(group.scope, Duration(i, n), NULL, Count, NULL, NULL));
  Check(creche_group_close(group));
  while (creche_loop_poll(loop, 0) == CRECHE_OK) continue;
  return group;
}

static void Wake(creche_group group, size_t n) {
  Check(creche_scope_cancel(group.scope, "enough"));
  Turns(n + 1);
}

static double CancelSleepers(size_t n) {
  creche_group group = Sleepers(n);
  double start = Now();
  Wake(group, n);
  return (Now() - start) / (double)n;
}

/* Timers as timeouts have them: n scopes with a deadline, all open together, each left by itself.
 */
static void Timers(size_t n, int warm) {
  creche_scope* scopes = calloc(n, sizeof *scopes);
  creche_scope_options o;
  creche_outcome outcome;
  if (scopes == NULL) exit(1);
  Check(creche_scope_options_init(&o, sizeof o));
  double start = Now();
  for (size_t i = 0; i < n; i++) {
    o.timeout = Duration(i, n);
    Check(creche_scope_open(loop.scope, &o, &scopes[i]));
  }
  double added = Now();
  for (size_t i = 0; i < n; i++) Check(creche_scope_leave(scopes[i], &outcome));
  double left = Now();
  if (!warm) printf("timer_add %.1f\n", (added - start) / (double)n);
  if (!warm) printf("timer_cancel %.1f\n", (left - added) / (double)n);
  free(scopes);
}

/* Timers that are whole tasks: n sleeps, and a completion for each when they are cancelled. */
static void SleepTimers(size_t n, int warm) {
  double start = Now();
  creche_group group = Sleepers(n);
  double added = Now();
  Wake(group, n);
  double woken = Now();
  if (!warm) printf("sleep_add %.1f\n", (added - start) / (double)n);
  if (!warm) printf("sleep_cancel %.1f\n", (woken - added) / (double)n);
}

static double MemoryOfSleepers(size_t n) {
  Wake(Sleepers(1000), 1000); /* what the loop itself needs */
  double before = Resident();
  creche_group group = Sleepers(n);
  double each = (Resident() - before) / (double)n;
  Wake(group, n);
  return each;
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

/* ---- What tasks wait on ---- */
static creche_limiter limiter;
static creche_event event;
static creche_sender sender;
static creche_receiver receiver;
static size_t left; /* to begin */

/* A token is taken and given back, again and again. */
static void Acquired(void* user, const creche_completion* c) {
  const creche_token token = {c->value};
  ended++;
  creche_token_release(token);
  if (left == 0) return;
  left--;
  Check(creche_limiter_acquire(limiter, loop.scope, 0, NULL, Acquired, user, NULL));
}

/* By so many tasks, which stand in line from the start: each hands the token to the next. */
static double Acquire(size_t n, size_t tasks) {
  creche_token token;
  Check(creche_limiter_open(loop, NULL, &limiter)); /* one token */
  Check(creche_limiter_try(limiter, loop.scope, 0, &token));
  ended = 0;
  left = n - tasks;
  for (size_t i = 0; i < tasks; i++)
    Check(creche_limiter_acquire(limiter, loop.scope, 0, NULL, Acquired, NULL, NULL));
  double start = Now();
  creche_token_release(token);
  Turns(n);
  double each = (Now() - start) / (double)n;
  creche_limiter_release(limiter);
  return each;
}

/* What is free is taken in the call. */
static double TryAcquire(size_t n) {
  Check(creche_limiter_open(loop, NULL, &limiter)); /* one token */
  double start = Now();
  for (size_t i = 0; i < n; i++) {
    creche_token token;
    Check(creche_limiter_try(limiter, loop.scope, 0, &token));
    creche_token_release(token);
  }
  double each = (Now() - start) / (double)n;
  creche_limiter_release(limiter);
  return each;
}

/* n tasks that wait for one event, from their start to their end. */
static double WaitForEvent(size_t n) {
  creche_group group;
  Check(creche_event_open(loop, NULL, &event));
  ended = 0;
  double start = Now();
  Check(creche_group_open(loop.scope, NULL, Count, NULL, &group));
  for (size_t i = 0; i < n; i++)
    Check(creche_event_wait(event, group.scope, NULL, Count, NULL, NULL));
  Check(creche_group_close(group));
  while (creche_loop_poll(loop, 0) == CRECHE_OK) continue;
  Check(creche_event_set(event));
  Turns(n + 1);
  double each = (Now() - start) / (double)n;
  creche_event_release(event);
  return each;
}

/* A bounded channel between two tasks, each of which goes on when its last call has completed. */
static void Sent(void* user, const creche_completion* c) {
  (void)c;
  if (left == 0) return;
  Check(creche_channel_send(sender, loop.scope, left--, NULL, Sent, user, NULL));
}
static void Received(void* user, const creche_completion* c) {
  if (c->status == CRECHE_OK && c->kind == CRECHE_DONE && ++ended == wanted) return;
  Check(creche_channel_receive(receiver, loop.scope, NULL, Received, user, NULL));
}
static double SendReceive(size_t n) {
  creche_channel_options o;
  Check(creche_channel_options_init(&o, sizeof o));
  o.capacity = 64;
  Check(creche_channel_open(loop, &o, &sender, &receiver));
  ended = 0;
  left = wanted = n;
  double start = Now();
  Check(creche_channel_send(sender, loop.scope, left--, NULL, Sent, NULL, NULL));
  Check(creche_channel_receive(receiver, loop.scope, NULL, Received, NULL, NULL));
  Turns(n);
  double each = (Now() - start) / (double)n;
  creche_sender_release(sender);
  creche_receiver_release(receiver);
  return each;
}

static void Section(const char* name, size_t n, size_t total) {
  if (strcmp(name, "spawn") == 0) {
    SpawnJoin(2000, 1000); /* warm */
    printf("spawn_join %.1f\n", SpawnJoin(n, 1000));
  } else if (strcmp(name, "scope") == 0) {
    printf("scope_open_close %.1f\n", ScopeOpenLeave(n));
  } else if (strcmp(name, "cancel") == 0) {
    CancelSleepers(10000);
    printf("cancel_sleeper %.1f\n", CancelSleepers(n));
  } else if (strcmp(name, "timers") == 0) {
    /* Twice: the first round makes what the second uses again. */
    for (int round = 0; round < 2; round++) {
      Timers(n, round == 0);
      SleepTimers(n, round == 0);
    }
  } else if (strcmp(name, "post") == 0) {
    printf("post %.1f\n", PostAcross(n));
  } else if (strcmp(name, "drain") == 0) {
    Drain(10000);
    printf("queue_drain %.1f\n", Drain(n));
  } else if (strcmp(name, "limiter") == 0) {
    Acquire(10000, 100);
    printf("limiter_try %.1f\n", TryAcquire(n));
    printf("limiter_acquire %.1f\n", Acquire(n, 1));
    printf("limiter_handover %.1f\n", Acquire(n, 100));
  } else if (strcmp(name, "event") == 0) {
    WaitForEvent(10000);
    printf("event_wait %.1f\n", WaitForEvent(n));
  } else if (strcmp(name, "channel") == 0) {
    SendReceive(10000);
    printf("channel_item %.1f\n", SendReceive(n));
  } else if (strcmp(name, "memory") == 0) {
    printf("task_memory %.1f\n", MemoryOfSleepers(n));
  } else if (strcmp(name, "cost") == 0) { /* n tasks live at once, again and again */
    SpawnJoin(n, n);
    printf("cost_%zu %.1f\n", n, SpawnJoin((total + n - 1) / n * n, n));
  } else {
    fprintf(stderr, "core_bench: no section %s\n", name);
    exit(2);
  }
}

int main(int argc, char** argv) {
  creche_loop_options o;
  Check(creche_loop_options_init(&o, sizeof o));
  o.run = CRECHE_RUN_CALLER;
  Check(creche_loop_open(&o, &loop));
  if (argc > 2) {
    size_t n = strtoull(argv[2], NULL, 10);
    Section(argv[1], n, argc > 3 ? strtoull(argv[3], NULL, 10) : n);
  } else {
    double scale = argc > 1 ? atof(argv[1]) : 1.0;
    Section("spawn", (size_t)(2e6 * scale), 0);
    Section("scope", (size_t)(5e6 * scale), 0);
    Section("cancel", 100000, 0);
    Section("post", (size_t)(2e6 * scale), 0);
    Section("drain", 100000, 0);
    Section("limiter", (size_t)(1e6 * scale), 0);
    Section("event", 100000, 0);
    Section("channel", (size_t)(1e6 * scale), 0);
  }
  Check(creche_loop_close(loop));
  Check(creche_loop_join(loop, CRECHE_NEVER));
  return 0;
}

/* The same work on 1, 2, 4 and 8 loops, each run by a thread of its own: nanoseconds of CPU time
 * for each operation, and how many times that is of one loop's. Loops share nothing, so it stays
 * what it is.
 *
 * usage: loops_bench [N [SECTION [LOOPS]]]
 *   N         operations of each loop (1,000,000)
 *   SECTION   tasks, completions, held, handles, scopes, channels; or requests or queries, of
 *             $HTTP_URL and $DATABASE_URL (creche-test-servers sets them)
 *   LOOPS     only so many; to have their instructions counted, say
 */
#include <pthread.h>

#include "bench.h"

enum { MOST = 8, BATCH = 256 };

typedef struct worker {
  creche_loop loop;
  creche_queue queue;
  creche_session session;
  creche_pool pool;
  creche_sender sender;
  creche_receiver receiver;
  size_t left, ended;
  double each;
} worker;

static size_t n = 1000000;
static char small_url[256];
static void (*section)(worker*);
static pthread_barrier_t all_there;

static double Now(void) {
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}
static void Check(creche_status status) {
  BenchCheck(status, "loops_bench");
}
static void Turn(worker* w) {
  Check(creche_loop_poll(w->loop, CRECHE_NEVER));
}

/* Empty tasks in groups of a batch, one after the other. */
static void Empty(void* user, const creche_completion* c) {
  (void)user;
  if (c->kind == CRECHE_BEGIN) creche_task_finish(c->task, CRECHE_OK, 0, NULL);
}
static void NextGroup(void* user, const creche_completion* c) {
  worker* w = user;
  creche_group group;
  (void)c;
  w->ended = w->left == 0;
  if (w->ended) return;
  w->left -= w->left < BATCH ? w->left : BATCH;
  Check(creche_group_open(w->loop.scope, NULL, NextGroup, w, &group));
  for (size_t i = 0; i < BATCH; i++)
    Check(creche_task_spawn(group.scope, Empty, NULL, NULL, creche_nobody, NULL, NULL));
  Check(creche_group_close(group));
}
static void Tasks(worker* w) {
  w->left = n;
  w->ended = 0;
  Check(creche_loop_post(w->loop, NextGroup, w));
  while (!w->ended) Turn(w);
}

/* Tasks whose completions are drained from a queue. */
static void Completions(worker* w) {
  creche_completion batch[BATCH];
  creche_task_options o;
  Check(creche_task_options_init(&o, sizeof o));
  o.queue = w->queue;
  for (size_t done = 0, got; done < n; done += BATCH) {
    for (size_t i = 0; i < BATCH; i++)
      Check(creche_task_spawn(w->loop.scope, Empty, NULL, &o, NULL, NULL, NULL));
    for (size_t all = 0; all < BATCH; all += got) {
      Turn(w);
      Check(creche_queue_drain(w->queue, batch, BATCH, &got));
      creche_completions_release(batch, got);
    }
  }
}

/* Results of groups, which a handle keeps until they are released. */
static void Held(worker* w) {
  creche_completion c;
  creche_group_options o;
  Check(creche_group_options_init(&o, sizeof o));
  o.queue = w->queue;
  for (size_t done = 0, got; done < n; done += 8) {
    creche_group group;
    Check(creche_group_open(w->loop.scope, &o, NULL, NULL, &group));
    for (size_t i = 0; i < 8; i++)
      Check(creche_task_spawn(group.scope, Empty, NULL, NULL, creche_to_group, NULL, NULL));
    Check(creche_group_close(group));
    for (got = 0; got == 0;) {
      Turn(w);
      Check(creche_queue_drain(w->queue, &c, 1, &got));
    }
    creche_completions_release(&c, 1);
  }
}

/* Handles of objects (a session), and of the tree (scopes). */
static void Handles(worker* w) {
  creche_session_counters counters;
  for (size_t i = 0; i < n; i++)
    Check(creche_session_get_counters(w->session, &counters, sizeof counters));
}
static void Scopes(worker* w) {
  for (size_t i = 0; i < n; i++) {
    creche_scope scope;
    creche_outcome outcome;
    Check(creche_scope_open(w->loop.scope, NULL, &scope));
    Check(creche_scope_leave(scope, &outcome));
  }
}

static void Channels(worker* w) {
  for (size_t i = 0; i < n; i++) {
    uint64_t item;
    Check(creche_channel_try_send(w->sender, i));
    Check(creche_channel_try_receive(w->receiver, &item));
  }
}

/* Ten at a time, each answer followed by the next. */
enum { AT_ONCE = 10 };
static void Answered(void* user, const creche_completion* c);
static void Ask(worker* w) {
  if (w->left == 0) return;
  w->left--;
  if (w->pool.id == 0)
    Check(creche_session_fetch(w->session, w->loop.scope, small_url, NULL, Answered, w, NULL));
  else
    Check(creche_pool_query(w->pool, w->loop.scope, "select 1", NULL, 0, NULL, Answered, w, NULL));
}
static void Answered(void* user, const creche_completion* c) {
  worker* w = user;
  BenchCompleted(c, "loops_bench");
  creche_value_release(c->value);
  w->ended++;
  Ask(w);
}
static void AskAll(worker* w) {
  w->left = n;
  w->ended = 0;
  for (int i = 0; i < AT_ONCE; i++) Ask(w);
  while (w->ended < n) Turn(w);
}
static void Requests(worker* w) {
  AskAll(w);
}
static void Queries(worker* w) {
  AskAll(w);
}

static void* Run(void* user) {
  worker* w = user;
  w->loop = BenchLoop();
  Check(creche_queue_open(w->loop, NULL, &w->queue));
  Check(creche_session_open(w->loop, NULL, &w->session));
  w->pool.id = 0;
  if (section == Queries) {
    creche_pool_options p;
    Check(creche_pool_options_init(&p, sizeof p));
    p.min_size = p.max_size = 2;
    Check(creche_pool_open(w->loop, getenv("DATABASE_URL"), &p, &w->pool));
  }
  creche_channel_options o;
  Check(creche_channel_options_init(&o, sizeof o));
  o.capacity = 16;
  Check(creche_channel_open(w->loop, &o, &w->sender, &w->receiver));
  for (int round = 0; round < 2; round++) { /* the first makes what the second uses again */
    pthread_barrier_wait(&all_there);
    double start = Now();
    section(w);
    w->each = (Now() - start) / (double)n;
  }
  creche_sender_release(w->sender);
  creche_receiver_release(w->receiver);
  creche_queue_release(w->queue);
  Check(creche_loop_close(w->loop));
  Check(creche_loop_join(w->loop, CRECHE_NEVER));
  creche_session_release(w->session);
  creche_pool_release(w->pool);
  return NULL;
}

static double Loops(unsigned count) {
  static worker workers[MOST];
  pthread_t threads[MOST];
  double sum = 0;
  pthread_barrier_init(&all_there, NULL, count);
  for (unsigned i = 0; i < count; i++)
    if (pthread_create(&threads[i], NULL, Run, &workers[i]) != 0) exit(1);
  for (unsigned i = 0; i < count; i++) {
    pthread_join(threads[i], NULL);
    sum += workers[i].each;
  }
  pthread_barrier_destroy(&all_there);
  return sum / count;
}

int main(int argc, char** argv) {
  static const struct {
    const char* name;
    void (*run)(worker*);
  } sections[] = {{"tasks", Tasks},       {"completions", Completions}, {"held", Held},
                  {"handles", Handles},   {"scopes", Scopes},           {"channels", Channels},
                  {"requests", Requests}, {"queries", Queries}};
  const unsigned only = argc > 3 ? (unsigned)atoi(argv[3]) : 0;
  const char* http = getenv("HTTP_URL");
  if (only > MOST) return 2;
  if (argc > 1) n = strtoull(argv[1], NULL, 10);
  if (http != NULL) snprintf(small_url, sizeof small_url, "%s/small", http);
  for (size_t i = 0; i < sizeof sections / sizeof *sections; i++) {
    double one = 0;
    if (argc > 2 && strcmp(argv[2], sections[i].name) != 0) continue;
    section = sections[i].run;
    if (section == Requests && http == NULL) continue;
    if (section == Queries && getenv("DATABASE_URL") == NULL) continue;
    for (unsigned loops = only ? only : 1; loops <= (only ? only : MOST); loops *= 2) {
      double each = Loops(loops);
      if (one == 0) one = each;
      printf("%s_%u %.1f (%.2f)\n", sections[i].name, loops, each, each / one);
    }
  }
  return 0;
}

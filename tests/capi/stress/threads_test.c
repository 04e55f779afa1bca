/* Threads that start, cancel, finish, leave, close, drain and release, all on one loop: each
 * operation has exactly one final completion, nothing is used after it, a group ends after its last
 * child. Meant for ThreadSanitizer and AddressSanitizer; CRECHE_STRESS_SECONDS makes it longer. */
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "support/core.h"

enum { THREADS = 8, PER_ROUND = 24 };

static creche_loop shared;
static creche_queue shared_queue;        /* drained by all threads */
static creche_queue own_queues[THREADS]; /* drained in order, by its thread: of external tasks */
static atomic_int stop;
static atomic_ulong wrong; /* what was seen that must not be */
static atomic_ulong rounds;
static atomic_ulong started, ended; /* of what has a mark, over all threads */

/* One operation. Lives until its group has ended, by its round. */
typedef struct mark {
  atomic_int finals, begins;
  struct ring* round;
} mark;
typedef struct ring {
  mark marks[PER_ROUND];
  mark own;
  atomic_int live; /* marks that were started and have not ended, without the group's own */
  pthread_mutex_t mutex;
  pthread_cond_t cond;
  int over;
  creche_group group;
  creche_scope scopes[2];
  creche_task tasks[PER_ROUND];
  atomic_int opened; /* how many of `tasks` are valid, for the other thread */
} ring;

static void count(mark* m, const creche_completion* c) {
  if (atomic_load(&m->finals) > 0) atomic_fetch_add(&wrong, 1);
  if (c->kind == CRECHE_BEGIN && atomic_fetch_add(&m->begins, 1) > 0) atomic_fetch_add(&wrong, 1);
  if (c->kind == CRECHE_CANCEL && atomic_load(&m->begins) == 0) atomic_fetch_add(&wrong, 1);
  if (c->flags & CRECHE_MORE) return;
  atomic_fetch_add(&m->finals, 1);
  atomic_fetch_add(&ended, 1);
  if (m == &m->round->own) {
    if (atomic_load(&m->round->live) != 0) atomic_fetch_add(&wrong, 1);
    pthread_mutex_lock(&m->round->mutex);
    m->round->over = 1; /* the round's memory goes after this */
    pthread_cond_signal(&m->round->cond);
    pthread_mutex_unlock(&m->round->mutex);
  } else {
    atomic_fetch_sub(&m->round->live, 1);
  }
}
static void counted(void* user, const creche_completion* c) {
  count(user, c);
}
/* A body that is finished by whoever comes first: itself when cancelled, or another thread. */
static void body(void* user, const creche_completion* c) {
  mark* m = user;
  if (c->kind == CRECHE_BEGIN && atomic_fetch_add(&m->begins, 1) > 0) atomic_fetch_add(&wrong, 1);
  if (c->kind == CRECHE_CANCEL) creche_task_finish(c->task, CRECHE_E_CANCELLED, 0, NULL);
}
static creche_status work(void* arg, creche_task task, uint64_t* value) {
  (void)arg;
  *value = 1;
  return creche_offload_cancelled(task) != 0 ? CRECHE_E_CANCELLED : CRECHE_OK;
}

static uint32_t any(uint32_t* seed) {
  *seed = *seed * 1664525u + 1013904223u;
  return *seed >> 8;
}

static void start_one(ring* r, int me, int i, uint32_t* seed) {
  mark* m = &r->marks[i];
  creche_scope in = any(seed) % 4 != 0 ? r->group.scope : r->scopes[any(seed) % 2];
  creche_task_options o;
  creche_status status;
  m->round = r;
  creche_task_options_init(&o, sizeof o);
  if (any(seed) % 4 == 0) o.timeout = any(seed) % 200 * CRECHE_MICROSECOND;
  atomic_fetch_add(&r->live, 1);
  atomic_fetch_add(&started, 1);
  switch (any(seed) % 6) {
    case 0:
      status = creche_sleep(in, any(seed) % 100 * CRECHE_MICROSECOND, &o, counted, m, &r->tasks[i]);
      break;
    case 1:
      status = creche_sleep_until(in, CRECHE_NEVER, &o, NULL, m, &r->tasks[i]);
      break;
    case 2:
      status = creche_task_spawn(in, body, m, &o, counted, m, &r->tasks[i]);
      break;
    case 3:
      o.queue = own_queues[me];
      status = creche_task_open(in, &o, NULL, m, &r->tasks[i]);
      break;
    case 4: {
      creche_offload_options f;
      creche_offload_options_init(&f, sizeof f);
      f.task = &o;
      if (any(seed) % 2) f.flags = CRECHE_OFFLOAD_ABANDON;
      status = creche_offload(in, work, NULL, &f, counted, m, &r->tasks[i]);
      break;
    }
    default:
      status = creche_sleep(in, 0, &o, NULL, m, &r->tasks[i]);
      break;
  }
  if (status != CRECHE_OK) {
    atomic_fetch_add(&wrong, 1); /* the group is open: nothing may be refused */
    atomic_fetch_sub(&r->live, 1);
    atomic_fetch_sub(&started, 1);
  }
}

static ring* exposed[THREADS];
static pthread_mutex_t exposed_mutex = PTHREAD_MUTEX_INITIALIZER;

/* Pokes at somebody else's round: cancels, finishes, closes whatever is there. */
static void poke(uint32_t* seed) {
  creche_scope scope = {0};
  creche_task task = {{0}};
  creche_scope_state look;
  uint32_t what = any(seed) % 6;
  ring* r;
  pthread_mutex_lock(&exposed_mutex);
  r = exposed[any(seed) % THREADS];
  if (r != NULL) {
    const int n = atomic_load(&r->opened);
    scope = any(seed) % 8 == 0 ? r->group.scope : r->scopes[any(seed) % 2];
    if (n > 0) task = r->tasks[any(seed) % (uint32_t)n];
  }
  pthread_mutex_unlock(&exposed_mutex);
  switch (what) {
    case 0:
      creche_scope_cancel(task.scope, "poked");
      break;
    case 1:
      creche_task_finish(task, any(seed) % 2 ? CRECHE_OK : -1000, 0, NULL);
      break;
    case 2:
      if (any(seed) % 4 == 0) creche_scope_cancel(scope, NULL);
      break;
    case 3:
      creche_scope_set_timeout(scope, any(seed) % 2 ? CRECHE_NEVER : 100 * CRECHE_MICROSECOND);
      break;
    case 4:
      creche_scope_set_shield(task.scope, any(seed) % 2);
      creche_scope_set_shield(task.scope, 0);
      break;
    default:
      creche_scope_get_state(scope, &look, sizeof look);
      creche_scope_interrupt(task.scope);
      break;
  }
}

static void drain_some(creche_queue queue, uint32_t* seed) {
  creche_completion c[16];
  size_t n, i;
  if (creche_queue_drain(queue, c, 1 + any(seed) % 16, &n) != CRECHE_OK) return;
  for (i = 0; i < n; i++) {
    if (c[i].kind == CRECHE_CANCEL || (c[i].kind == CRECHE_BEGIN && any(seed) % 2))
      creche_task_finish(c[i].task, CRECHE_OK, 0, NULL);
    /* Its last touch of the mark comes before the release that lets the group go on. */
    count(c[i].user, &c[i]);
  }
  creche_completions_release(c, n);
}

static void one_round(int me, uint32_t* seed) {
  ring* r = calloc(1, sizeof *r);
  creche_group_options o;
  int i;
  pthread_mutex_init(&r->mutex, NULL);
  pthread_cond_init(&r->cond, NULL);
  r->own.round = r;
  creche_group_options_init(&o, sizeof o);
  o.policy = any(seed) % 3;
  o.queue = shared_queue;
  o.flags = CRECHE_GROUP_UNTIL_RELEASED;
  o.limit = any(seed) % 3 == 0 ? 3 : 0;
  atomic_fetch_add(&started, 1);
  if (creche_group_open(shared.scope, &o, counted, &r->own, &r->group) != CRECHE_OK ||
      creche_scope_open(r->group.scope, NULL, &r->scopes[0]) != CRECHE_OK ||
      creche_scope_open(r->scopes[0], NULL, &r->scopes[1]) != CRECHE_OK)
    abort();
  pthread_mutex_lock(&exposed_mutex);
  exposed[me] = r;
  pthread_mutex_unlock(&exposed_mutex);
  for (i = 0; i < PER_ROUND; i++) {
    start_one(r, me, i, seed);
    atomic_store(&r->opened, i + 1);
    poke(seed);
    if (i % 4 == 0) drain_some(shared_queue, seed);
    if (i % 4 == 2) drain_some(own_queues[me], seed);
  }
  /* From here on it ends by itself: left and closed as soon as they are empty. */
  if (creche_scope_leave(r->scopes[1], NULL) != CRECHE_OK ||
      creche_scope_leave(r->scopes[0], NULL) != CRECHE_OK ||
      creche_group_close(r->group) != CRECHE_OK)
    atomic_fetch_add(&wrong, 1);
  for (i = 0;; i++) {
    int over;
    drain_some(shared_queue, seed);
    drain_some(own_queues[me], seed);
    poke(seed);
    if (i == 20) creche_scope_cancel(r->group.scope, "enough");
    pthread_mutex_lock(&r->mutex);
    if (!r->over) {
      struct timespec t;
      clock_gettime(CLOCK_REALTIME, &t);
      t.tv_nsec += 200000;
      if (t.tv_nsec >= 1000000000) {
        t.tv_sec++;
        t.tv_nsec -= 1000000000;
      }
      pthread_cond_timedwait(&r->cond, &r->mutex, &t);
    }
    over = r->over;
    pthread_mutex_unlock(&r->mutex);
    if (over) break;
  }
  pthread_mutex_lock(&exposed_mutex);
  exposed[me] = NULL;
  pthread_mutex_unlock(&exposed_mutex);
  for (i = 0; i < PER_ROUND; i++)
    if (atomic_load(&r->marks[i].finals) != 1) atomic_fetch_add(&wrong, 1);
  if (atomic_load(&r->own.finals) != 1) atomic_fetch_add(&wrong, 1);
  pthread_cond_destroy(&r->cond);
  pthread_mutex_destroy(&r->mutex);
  free(r);
  atomic_fetch_add(&rounds, 1);
}

static void* work_on_it(void* arg) {
  const int me = (int)(size_t)arg;
  uint32_t seed = (uint32_t)me * 2654435761u + 1;
  while (!atomic_load(&stop)) one_round(me, &seed);
  return NULL;
}

static void eight_threads_on_one_loop(void** state) {
  const char* longer = getenv("CRECHE_STRESS_SECONDS");
  struct timespec t = {2, 0};
  pthread_t threads[THREADS];
  creche_loop_counters c;
  int i;
  (void)state;
  if (longer != NULL) t.tv_sec = atoi(longer);
  OK(creche_loop_open(NULL, &shared));
  OK(creche_queue_open(shared, NULL, &shared_queue));
  for (i = 0; i < THREADS; i++) OK(creche_queue_open(shared, NULL, &own_queues[i]));
  for (i = 0; i < THREADS; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, work_on_it, (void*)(size_t)i), 0);
  nanosleep(&t, NULL);
  atomic_store(&stop, 1);
  for (i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
  assert_int_equal(atomic_load(&wrong), 0);
  assert_true(atomic_load(&rounds) > THREADS);
  assert_int_equal(atomic_load(&started), atomic_load(&ended));
  OK(creche_loop_get_counters(shared, &c, sizeof c));
  assert_int_equal(c.live_tasks + c.live_groups + c.live_scopes + c.live_leases, 0);
  assert_int_equal(c.started, c.ended);
  OK(creche_loop_close(shared));
  OK(creche_loop_join(shared, PATIENCE));
  print_message("%lu rounds, %lu operations\n", atomic_load(&rounds), atomic_load(&started));
}

/* Loops that are opened, used by others and taken down, again and again. */
static atomic_ulong shared_id;
static void* use_any_loop(void* arg) {
  seen s = {0};
  uint32_t seed = (uint32_t)(size_t)arg + 77;
  (void)s;
  while (!atomic_load(&stop)) {
    creche_loop l;
    creche_task task;
    creche_queue queue;
    creche_completion c;
    size_t n;
    l.scope.id = atomic_load(&shared_id);
    SAY(creche_sleep(l.scope, any(&seed) % 50 * CRECHE_MICROSECOND, NULL, creche_nobody, NULL,
                     &task));
    creche_scope_cancel(task.scope, NULL);
    if (creche_queue_open(l, NULL, &queue) == CRECHE_OK) {
      creche_queue_wait(queue, &c, 1, any(&seed) % 20 * CRECHE_MICROSECOND, &n);
      creche_queue_close(queue, NULL, NULL);
      if (any(&seed) % 2) creche_queue_release(queue);
    }
    creche_scope_interrupt(l.scope);
  }
  return NULL;
}
static void loops_come_and_go(void** state) {
  pthread_t threads[4];
  int i, round;
  (void)state;
  atomic_store(&stop, 0);
  for (i = 0; i < 4; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, use_any_loop, (void*)(size_t)i), 0);
  for (round = 0; round < 300; round++) {
    creche_loop l;
    seen own = {0};
    creche_loop_options o;
    OK(creche_loop_options_init(&o, sizeof o));
    o.done = see;
    o.user = &own;
    OK(creche_loop_open(&o, &l));
    atomic_store(&shared_id, l.scope.id);
    if (round % 2) sched_yield();
    OK(creche_loop_close(l));
    OK(creche_loop_join(l, PATIENCE));
    assert_int_equal(own.finals, 1);
  }
  atomic_store(&stop, 1);
  for (i = 0; i < 4; i++) pthread_join(threads[i], NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(eight_threads_on_one_loop),
      cmocka_unit_test(loops_come_and_go),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

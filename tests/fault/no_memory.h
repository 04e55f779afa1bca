/* No memory, in all of the process: the library's own threads, OpenSSL and libpq included. Each
 * allocation of each operation of a scenario fails once: no crash, no completion lost or doubled,
 * nobody left waiting, nothing leaked; and with memory again the same session and pool work.
 *
 *   fault_<test>                      a sample, some seconds for each scenario
 *   CRECHE_EVERY=1 fault_<test>       every single allocation
 *   fault_<test> tls 120 130          the 120th to 129th of one scenario, with stacks
 *
 * A sanitizer's malloc cannot be a program's own: there they are not built. */
#ifndef FAULT_NO_MEMORY_H
#define FAULT_NO_MEMORY_H

#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "support/core.h"
#include "support/failing_malloc.h"
#include "support/support.h"

static char __attribute__((unused)) text[1 << 16]; /* of dumps */

/* ---- one run ---- */
enum { kMarks = 64 };
typedef struct mark {
  atomic_int finals;
  creche_status status;
  char why[120];
  uint64_t value; /* an owned one */
  size_t size;    /* of data */
  uint32_t kind, code;
  int pulls;
  atomic_int begun;
  int in_failed_transaction;
} mark;
static mark marks[kMarks];
static int used;          /* marks that were promised a final completion */
static char trouble[400]; /* what went wrong first */
static creche_task held;  /* a task that waits for us */
static int64_t patience_ms = 30000;

static void note_trouble(const char* what, const char* more) {
  if (trouble[0] == 0) snprintf(trouble, sizeof trouble, "%s: %s", what, more);
}
/* What a call that failed for want of memory may say; what goes wrong further out may be told as
 * that: no thread, no connection, a sibling that failed. */
static int may_be(creche_status status) {
  switch (status) {
    case CRECHE_OK:
    case CRECHE_E_NO_MEMORY:
    case CRECHE_E_SYSTEM:
    case CRECHE_E_CONNECT:
    case CRECHE_E_DNS:
    case CRECHE_E_DISCONNECTED:
    case CRECHE_E_CANCELLED:
    case CRECHE_E_GROUP:
    case CRECHE_E_STATE:           /* of a rollback whose begin has failed */
    case CRECHE_E_OUTCOME_UNKNOWN: /* of a commit for whose answer there was no memory */
    case -1000:                    /* the task that fails */
      return 1;
    /* OpenSSL does not always say that it was memory: a certificate that could not be read, then.
     */
    case CRECHE_E_TLS:
    case CRECHE_E_TLS_VERIFY:
      return atomic_load(&all_failed) > 0;
    default:
      return 0;
  }
}
/* Three lines, that a table of one int4 takes. */
static void answer(mark* m, creche_task task) {
  const uint32_t flags = ++m->pulls < 3 ? CRECHE_MORE : 0;
  while (creche_task_answer(task, CRECHE_OK, "7\n", 2, flags, NULL) == CRECHE_E_NO_MEMORY) continue;
}
static void tell(void* user, const creche_completion* c) {
  mark* m = user;
  spared++;
  m->kind = c->kind;
  m->code = c->code;
  if (c->flags & CRECHE_OWNED) {
    if (c->kind == CRECHE_ROWS || c->data != NULL)
      creche_value_release(c->value);
    else
      m->value = c->value;
  }
  m->size += c->data_size;
  if (c->kind == CRECHE_BEGIN) held = c->task;
  if (c->kind == CRECHE_BEGIN || c->kind == CRECHE_NOTIFY) atomic_store(&m->begun, 1);
  if (c->kind == CRECHE_PULL) answer(m, c->task);
  if (!(c->flags & CRECHE_MORE)) {
    m->status = c->status;
    if (c->error != NULL) snprintf(m->why, sizeof m->why, "%s", c->error->message);
    m->in_failed_transaction = c->status == CRECHE_E_PG && strcmp(c->error->sqlstate, "25P02") == 0;
    /* Which also says: behind a begin or a statement of a transaction that was cut. */
    if (!may_be(c->status) && (!m->in_failed_transaction || atomic_load(&all_failed) == 0))
      note_trouble(creche_status_name(c->status), m->why);
    atomic_fetch_add(&m->finals, 1);
  }
  spared--;
}
static mark* fresh(void) {
  return &marks[used];
}
/* A call with fresh() as its user: what it has accepted will be told. */
static mark* started(creche_status status, const char* call) {
  if (status == CRECHE_OK) return &marks[used++];
  if (status != CRECHE_E_NO_MEMORY && status != CRECHE_E_SYSTEM && status != CRECHE_E_CLOSED &&
      status != CRECHE_E_ENDED)
    note_trouble(call, creche_status_name(status));
  return NULL;
}
#define START(call) started(call, #call)
static int is_ok(creche_status status, const char* call) {
  if (status == CRECHE_OK) return 1;
  if (status != CRECHE_E_NO_MEMORY && status != CRECHE_E_SYSTEM && status != CRECHE_E_TLS)
    note_trouble(call, creche_status_name(status));
  return 0;
}
#define TRY(call) is_ok(call, #call)

static void nap(void) {
  spared++;
  usleep(200);
  spared--;
}
static int64_t clock_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}
static int await(atomic_int* what) {
  const int64_t until = clock_ms() + patience_ms;
  while (atomic_load(what) == 0) {
    if (clock_ms() > until) {
      creche_loop_dump(loop, CRECHE_DUMP_TEXT, text, sizeof text, NULL);
      note_trouble("somebody waits for ever", text);
      return 0;
    }
    nap();
  }
  return 1;
}
/* It has begun, or ended. */
static inline int has_begun(mark* m) {
  while (m != NULL && atomic_load(&m->begun) == 0 && atomic_load(&m->finals) == 0) nap();
  return m != NULL && atomic_load(&m->finals) == 0;
}
static inline void stop_task(mark* m, creche_task task) {
  if (m == NULL) return;
  creche_scope_cancel(task.scope, "no more");
  creche_scope_interrupt(task.scope); /* needs no memory */
}
static creche_status ended(mark* m) {
  if (m == NULL) return CRECHE_E_NO_MEMORY;
  return await(&m->finals) ? m->status : CRECHE_E_TIMEOUT;
}
static void memory_is_back(void) {
  atomic_store(&all_armed, 0);
}
static inline void must_be_ok(mark* m) {
  const creche_status status = ended(m);
  if (status != CRECHE_OK)
    note_trouble("with memory again", m != NULL ? m->why : creche_status_name(status));
}

/* ---- runs ---- */
static void on_hook(void* user, const creche_trace_event* event) {
  (void)user, (void)event;
}
static void loop_ended(void* user, const creche_completion* c) {
  if (!(c->flags & CRECHE_MORE)) atomic_fetch_add((atomic_int*)user, 1);
}
typedef struct scenario {
  const char* name;
  void (*run)(void);
  int observed; /* with hooks, and an eye on what stalls */
} scenario;

/* The n-th allocation fails; 0: none. Returns how many there were. */
static long run_once(const scenario* scenario, long n) {
  creche_loop_options o;
  creche_hooks hooks;
  atomic_int loop_ends = 0;
  int i;
  memset(marks, 0, sizeof marks);
  used = 0;
  atomic_store(&all_asked, 0);
  atomic_store(&all_failed, 0);
  atomic_store(&all_left, n);
  atomic_store(&all_armed, 1);
  creche_hooks_init(&hooks, sizeof hooks);
  hooks.ended = on_hook;
  creche_loop_options_init(&o, sizeof o);
  o.name = "memory";
  o.done = loop_ended;
  o.user = &loop_ends;
  if (scenario->observed) {
    o.hooks = &hooks;
    o.stall_after = 10 * CRECHE_SECOND;
  }
  if (TRY(creche_loop_open(&o, &loop))) {
    scenario->run();
    memory_is_back();
    creche_loop_close(loop);
    if (creche_loop_join(loop, patience_ms * CRECHE_MILLISECOND) != CRECHE_OK)
      note_trouble("join", creche_last_error()->message);
    else if (atomic_load(&loop_ends) != 1)
      note_trouble("the loop", "was not told of its end once");
  }
  memory_is_back();
  for (i = 0; i < used; i++)
    if (atomic_load(&marks[i].finals) != 1) note_trouble("a completion", "was lost or doubled");
  return atomic_load(&all_asked);
}
/* In a child: those from `from`, each `stride`-th, `count` of them. 0, or the number that failed.
 */
static long batch(const scenario* scenario, long from, long stride, int count) {
  long before, kept, n = from;
  int i;
  for (i = 0; i < 2; i++) run_once(scenario, 0); /* what is made once is made */
  before = atomic_load(&blocks);
  run_once(scenario, 0);
  kept = atomic_load(&blocks) - before; /* by a run in which nothing fails */
  before += kept;
  if (kept < 0) kept = 0; /* what an earlier one had kept was only late */
  for (i = 0; i < count && trouble[0] == 0; i++, n += stride) {
    if (show_where != NULL) fprintf(stderr, "---- %ld\n", n);
    alarm(120);
    run_once(scenario, n);
  }
  if (getenv("CRECHE_SHOW_BLOCKS") != NULL)
    fprintf(stderr, "%ld blocks more\n", atomic_load(&blocks) - before);
  /* The C library keeps some for each thread that looks up a name, and frees it later; and such a
   * thread may just be at its end. */
  const long most = before + kept * i + 2 * i + 20;
  alarm(120);
  long left = atomic_load(&blocks);
  for (int naps = 0; naps < 150000 && left > most; naps++) {
    nap();
    left = atomic_load(&blocks);
  }
  if (trouble[0] == 0 && left > most)
    snprintf(trouble, sizeof trouble, "%ld blocks leaked", left - before);
  if (trouble[0] != 0) {
    fprintf(stderr, "%s, allocation %ld: %s\n", scenario->name, n - stride, trouble);
    return n;
  }
  return 0;
}
static int in_child(const scenario* scenario, long from, long stride, int count) {
  int status;
  const pid_t child = fork();
  if (child == 0) _exit(batch(scenario, from, stride, count) != 0);
  waitpid(child, &status, 0);
  if (WIFSIGNALED(status))
    fprintf(stderr, "%s: signal %d between allocation %ld and %ld; for one after the other: %s\n",
            scenario->name, WTERMSIG(status), from, from + stride * (count - 1),
            "<program> <scenario> <from> <to>");
  return status != 0;
}
/* How many allocations there are, of a child that has done it before. */
static long count_of(const scenario* scenario) {
  long n = 0;
  int ends[2];
  if (pipe(ends) != 0) return 0;
  const pid_t child = fork();
  if (child == 0) {
    run_once(scenario, 0);
    n = run_once(scenario, 0);
    if (trouble[0] != 0) fprintf(stderr, "%s, nothing failed: %s\n", scenario->name, trouble);
    _exit(write(ends[1], &n, sizeof n) != sizeof n || trouble[0] != 0);
  }
  close(ends[1]);
  if (read(ends[0], &n, sizeof n) != sizeof n) n = 0;
  close(ends[0]);
  int status;
  waitpid(child, &status, 0);
  return status == 0 ? n : 0;
}

static void each_fails_once(const scenario* scenario) {
  enum { kSample = 150, kBatch = 10 };
  const int every = getenv("CRECHE_EVERY") != NULL;
  const long all = count_of(scenario);
  long stride = every ? 1 : all / kSample;
  int bad = 0;
  assert_true(all > 50);
  if (stride < 1) stride = 1;
  for (long n = 1; n <= all; n += stride * kBatch) bad += in_child(scenario, n, stride, kBatch);
  print_message("%s: each %ld of %ld allocations\n", scenario->name, stride, all);
  assert_int_equal(bad, 0);
}

/* By name and numbers, or all of them as tests. */
static int run_by_hand(char** argv, const scenario* scenarios, size_t count,
                       CMFixtureFunction start, CMFixtureFunction stop) {
  int bad = 0;
  if (start(NULL) != 0) return 1;
  show_where = "stderr";
  patience_ms = 5000;
  for (size_t i = 0; i < count; i++)
    for (long n = atol(argv[2]); strcmp(scenarios[i].name, argv[1]) == 0 && n < atol(argv[3]); n++)
      bad += in_child(&scenarios[i], n, 1, 1);
  stop(NULL);
  return bad != 0;
}

#endif

/* What the tests of the structured core share: a loop that the test itself turns, so that nothing
 * depends on the scheduling of threads, and records of what completions said. Header only: a test
 * needs libcreche beside it, the support library does not. */
#ifndef SUPPORT_CORE_H
#define SUPPORT_CORE_H

#include "support/fixture.h"

enum { MAX_CHILDREN = 8 };

/* What one route was told, by `see` as its function. Callbacks never assert: a failing assertion
 * jumps, and nothing may jump out of a callback. */
typedef struct seen {
  int dones, begins, cancels, stalls, posts; /* how often each kind came */
  int finals;                                /* completions without CRECHE_MORE */
  int order; /* when the final one came, on a clock that counts all of them */
  /* Of the last completion: */
  creche_status status;
  uint32_t kind, flags, code;
  uint64_t value;
  size_t data_size;
  creche_task task;
  /* Of its error: */
  int has_error;
  creche_status error_status;
  uint32_t reason, phase;
  creche_scope by;
  char text[160], message[256];
  size_t children, dropped;
  creche_status child[MAX_CHILDREN];
} seen;

static int seen_clock;

static inline void note(seen* s, const creche_completion* c) {
  size_t i;
  switch (c->kind) {
    case CRECHE_DONE:
      s->dones++;
      break;
    case CRECHE_BEGIN:
      s->begins++;
      break;
    case CRECHE_CANCEL:
      s->cancels++;
      break;
    case CRECHE_STALLED:
      s->stalls++;
      break;
    case CRECHE_POST:
      s->posts++;
      break;
    default:
      break;
  }
  if (!(c->flags & CRECHE_MORE)) {
    s->finals++;
    s->order = ++seen_clock;
  }
  s->status = c->status;
  s->kind = c->kind;
  s->flags = c->flags;
  s->code = c->code;
  s->value = c->value;
  s->data_size = c->data_size;
  s->task = c->task;
  s->has_error = c->error != NULL;
  if (c->error == NULL) return;
  s->error_status = c->error->status;
  s->reason = c->error->reason;
  s->phase = c->error->phase;
  s->by = c->error->by;
  snprintf(s->text, sizeof s->text, "%s",
           c->error->reason_text != NULL ? c->error->reason_text : "");
  snprintf(s->message, sizeof s->message, "%s", c->error->message);
  s->children = c->error->children_count;
  s->dropped = c->error->children_dropped;
  for (i = 0; i < s->children && i < MAX_CHILDREN; i++) s->child[i] = c->error->children[i]->status;
}

static inline void see(void* user, const creche_completion* c) {
  note(user, c);
}

/* Bodies of user tasks. */
static inline void body_waits(void* user, const creche_completion* c) {
  note(user, c);
}
static inline void body_obeys(void* user, const creche_completion* c) { /* ends when cancelled */
  note(user, c);
  if (c->kind == CRECHE_CANCEL) creche_task_finish(c->task, CRECHE_E_CANCELLED, 0, NULL);
}
static inline void body_succeeds(void* user, const creche_completion* c) {
  note(user, c);
  if (c->kind == CRECHE_BEGIN) creche_task_finish(c->task, CRECHE_OK, 7, NULL);
}
static inline void body_fails(void* user, const creche_completion* c) {
  note(user, c);
  if (c->kind == CRECHE_BEGIN) creche_task_finish(c->task, CRECHE_E_USER, 0, NULL);
}

static inline void body_starts(void* user, const creche_completion* c) { /* of a start */
  note(user, c);
  if (c->kind == CRECHE_BEGIN) creche_task_started(c->task, 7);
}
static inline void body_gives_up(void* user, const creche_completion* c) {
  note(user, c);
  if (c->kind == CRECHE_BEGIN) creche_task_finish(c->task, CRECHE_E_CANCELLED, 0, NULL);
}

/* ---- The loop of a test ---- */
static seen loop_seen;

static inline int open_loop_with(uint32_t clock, uint64_t seed) {
  creche_loop_options o;
  memset(&loop_seen, 0, sizeof loop_seen);
  creche_loop_options_init(&o, sizeof o);
  o.clock = clock;
  o.shuffle_seed = seed;
  o.run = CRECHE_RUN_CALLER;
  o.name = "test";
  o.done = see;
  o.user = &loop_seen;
  return creche_loop_open(&o, &loop) == CRECHE_OK ? 0 : -1;
}
static inline int open_loop(void** state) {
  (void)state;
  return open_loop_with(CRECHE_CLOCK_REAL, 0);
}
/* Its clock jumps while the test waits in `until`, and stands still in `settle`. */
static inline int open_virtual_loop(void** state) {
  (void)state;
  return open_loop_with(CRECHE_CLOCK_VIRTUAL, 0);
}

/* Ends it, whatever a failed test has left in it; a test that passed leaves nothing. */
static inline int close_loop(void** state) {
  creche_status status;
  (void)state;
  creche_loop_close(loop);
  status = creche_loop_join(loop, PATIENCE);
  if (status == CRECHE_E_ENDED) return 0; /* the test has joined it */
  if (status != CRECHE_OK) fprintf(stderr, "%s\n", creche_last_error()->message);
  return status == CRECHE_OK && loop_seen.finals == 1 ? 0 : -1;
}

/* Turns the loop until it has nothing to do now. */
static inline void settle(void) {
  while (creche_loop_poll(loop, 0) == CRECHE_OK) continue;
}

/* Turns the loop until *count has reached `wanted`. */
static inline void until(const int* count, int wanted) {
  while (*count < wanted) {
    if (creche_loop_poll(loop, PATIENCE) == CRECHE_OK) continue;
    fail_msg("waited in vain: %d of %d", *count, wanted);
  }
}

static inline int64_t now(void) {
  int64_t t = 0;
  OK(creche_now(loop.scope, &t));
  return t;
}

/* ---- Short forms ---- */
static inline creche_group_options group_options(void) {
  creche_group_options o;
  OK(creche_group_options_init(&o, sizeof o));
  return o;
}
static inline creche_scope_options scope_options(void) {
  creche_scope_options o;
  OK(creche_scope_options_init(&o, sizeof o));
  return o;
}
static inline creche_task_options task_options(void) {
  creche_task_options o;
  OK(creche_task_options_init(&o, sizeof o));
  return o;
}
static inline creche_group group_in(creche_scope in, const creche_group_options* o, seen* s) {
  creche_group group;
  OK(creche_group_open(in, o, see, s, &group));
  return group;
}
static inline creche_scope scope_in(creche_scope in, const creche_scope_options* o) {
  creche_scope scope;
  OK(creche_scope_open(in, o, &scope));
  return scope;
}
static inline creche_task spawn(creche_scope in, creche_done_fn body, seen* s) {
  creche_task task;
  OK(creche_task_spawn(in, body, s, NULL, see, s, &task));
  return task;
}
/* An operation that never ends by itself. */
static inline creche_task op(creche_scope in, seen* s) {
  creche_task task;
  OK(creche_sleep_until(in, CRECHE_NEVER, NULL, see, s, &task));
  return task;
}
static inline creche_scope_state state_of(creche_scope scope) {
  creche_scope_state s;
  OK(creche_scope_get_state(scope, &s, sizeof s));
  return s;
}
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_loop, close_loop)
#define VIRTUAL_TEST(name) cmocka_unit_test_setup_teardown(name, open_virtual_loop, close_loop)

#endif

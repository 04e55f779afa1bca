/* Random programs of scopes, groups, tasks, shields, failures and cancellations, compared step by
 * step with the model of model.h. A program that shows a difference is made as short as it can be
 * and printed in C.
 *
 *   capi_structured_random [programs [seed]]        the soak: capi_structured_random 10000000 */
#include <pthread.h>
#include <semaphore.h>

#include "model.h"
#include "support/core.h"

typedef enum {
  OPEN_SCOPE,
  OPEN_GROUP,
  SLEEP,
  SPAWN,
  CANCEL,
  MOVE_DEADLINE,
  SHIELD,
  CLOSE,
  LEAVE,
  LEAVE_LATER,
  FINISH,
  ADVANCE,
  SETTLE,
  ACTIONS
} action;
/* Nodes are named by the step that made them; 0 is the loop. A step whose node was never made, or
 * is of the wrong kind, does nothing: so steps can be left out. */
typedef struct step {
  action what;
  int node; /* step + 1 that made it */
  int a, b, c, d;
  int t; /* a time from now, -1 for never */
} step;
enum { MAX_STEPS = 60 };
typedef struct program {
  step s[MAX_STEPS];
  int n;
  int threads; /* every other call is made by another thread */
} program;

static uint64_t random_state;
static uint32_t draw(uint32_t below) { /* splitmix64 */
  uint64_t z = random_state += UINT64_C(0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
  return (uint32_t)((z ^ (z >> 31)) >> 33) % below;
}
static void make_program(program* p, uint64_t seed) {
  static const action weighted[] = {
      OPEN_SCOPE, OPEN_SCOPE, OPEN_GROUP, OPEN_GROUP,   SLEEP,  SLEEP,         SLEEP,
      SPAWN,      SPAWN,      SPAWN,      CANCEL,       CANCEL, MOVE_DEADLINE, SHIELD,
      SHIELD,     CLOSE,      CLOSE,      LEAVE,        LEAVE,  LEAVE_LATER,   FINISH,
      FINISH,     FINISH,     FINISH,     SETTLE,       SETTLE, SETTLE,        SETTLE,
      SETTLE,     ADVANCE,    ADVANCE,    MOVE_DEADLINE};
  int i;
  random_state = seed;
  p->n = 4 + (int)draw(MAX_STEPS - 4);
  p->threads = draw(16) == 0;
  for (i = 0; i < p->n; i++) {
    step* s = &p->s[i];
    s->what = weighted[draw(sizeof weighted / sizeof *weighted)];
    /* Mostly something that was made lately. */
    s->node = draw(3) ? i - (int)draw(i < 12 ? (uint32_t)i + 1 : 12) : (int)draw((uint32_t)i + 1);
    s->a = (int)draw(4);
    s->b = (int)draw(4);
    s->c = (int)draw(4);
    s->d = (int)draw(8) < 5 ? 3 : (int)draw(3);
    s->t = draw(3) ? -1 : (int)draw(6);
  }
}

/* ---- Running one ---- */
static int open_virtual(void) {
  creche_loop_options o;
  creche_loop_options_init(&o, sizeof o);
  o.run = CRECHE_RUN_CALLER;
  o.clock = CRECHE_CLOCK_VIRTUAL;
  return creche_loop_open(&o, &loop) == CRECHE_OK ? 0 : -1;
}
static creche_queue queue;
static void drain(void) {
  creche_completion c[16];
  size_t n, i;
  for (;;) {
    if (creche_queue_drain(queue, c, 16, &n) != CRECHE_OK || n == 0) return;
    for (i = 0; i < n; i++) note(c[i].user, &c[i]);
    creche_completions_release(c, n);
  }
}

typedef struct run {
  model m;
  creche_scope id[MAX_NODES];
  seen s[MAX_NODES];
  int node_of[MAX_STEPS + 1]; /* step + 1 to node, -1 if it made none */
  char why[400];
} run;

static const creche_status finishes[] = {CRECHE_OK, CRECHE_OK, CRECHE_E_CANCELLED, CRECHE_E_USER};

/* No two are equal, so that nothing depends on which of equal ones is first. */
static int64_t point_of(const run* r, int index, const step* s) {
  if (s->t < 0) return CRECHE_NEVER;
  if (s->t == 0) return r->m.now;
  return r->m.now + s->t * 1000 + index;
}

static int differ(run* r, const char* what, int node, long got, long expected) {
  if (r->why[0] == '\0')
    snprintf(r->why, sizeof r->why, "%s of node %d: the library says %ld, the model %ld", what,
             node, got, expected);
  return 1;
}
static int compare_status(run* r, int node, creche_status got, creche_status expected) {
  return got != expected && differ(r, "the status of a call", node, got, expected);
}
static int by_status(const void* a, const void* b) {
  return *(const int*)a < *(const int*)b ? -1 : *(const int*)a > *(const int*)b;
}
static int compare_node(run* r, int node) {
  const mnode* n = &r->m.n[node];
  const seen* s = &r->s[node];
  int got[MAX_CHILDREN], expected[MAX_NODES], i;
  if (n->type == M_SCOPE || n->type == M_ROOT) return 0;
  if (s->finals != n->finals) return differ(r, "completions", node, s->finals, n->finals);
  if (s->begins != n->begins) return differ(r, "begins", node, s->begins, n->begins);
  if (s->cancels != n->cancels) return differ(r, "cancels", node, s->cancels, n->cancels);
  if (s->finals == 0) return 0;
  if (s->status != n->status) return differ(r, "the status", node, s->status, n->status);
  if (s->flags != n->flags) return differ(r, "the flags", node, s->flags, n->flags);
  if (n->status == CRECHE_E_CANCELLED || n->status == CRECHE_E_TIMEOUT) {
    if (s->reason != n->reason) return differ(r, "the reason", node, s->reason, n->reason);
    /* Of two groups that end at once either may be named. */
    if (s->by.id != r->id[n->named].id && r->m.n[n->named].type != M_GROUP)
      return differ(r, "who is named", node, (long)s->by.id, n->named);
  }
  if (n->status != CRECHE_E_GROUP) return 0;
  if (n->type == M_USER) return 0; /* of a failed step */
  if ((int)s->children != n->errors_n)
    return differ(r, "errors", node, (long)s->children, n->errors_n);
  if (n->errors_n > MAX_CHILDREN) return 0;
  for (i = 0; i < n->errors_n; i++) {
    got[i] = s->child[i];
    expected[i] = n->errors[i];
  }
  qsort(got, (size_t)n->errors_n, sizeof *got, by_status);
  qsort(expected, (size_t)n->errors_n, sizeof *expected, by_status);
  for (i = 0; i < n->errors_n; i++)
    if (got[i] != expected[i]) return differ(r, "an error", node, got[i], expected[i]);
  return 0;
}
static int compare_all(run* r) {
  int i;
  drain();
  for (i = 0; i < r->m.count; i++) {
    const mnode* n = &r->m.n[i];
    creche_scope_state look;
    creche_status status;
    if (compare_node(r, i)) return 1;
    status = creche_scope_get_state(r->id[i], &look, sizeof look);
    if (compare_status(r, i, status, n->gone || n->over ? CRECHE_E_ENDED : CRECHE_OK)) return 1;
    if (n->gone || n->over) continue;
    if ((int)look.called != n->called) return differ(r, "called", i, look.called, n->called);
    if ((int)look.effective != n->eff) return differ(r, "effective", i, look.effective, n->eff);
    if ((int)look.reached != n->reached) return differ(r, "reached", i, look.reached, n->reached);
    if ((int)look.live != n->live) return differ(r, "live", i, look.live, n->live);
    if (n->eff && (int)look.reason != n->cause) return differ(r, "cause", i, look.reason, n->cause);
  }
  return 0;
}

static int compare_outcome(run* r, int node, creche_outcome got, creche_outcome expected) {
  if (got.status != expected.status)
    return differ(r, "the status of the outcome", node, got.status, expected.status);
  if (got.flags != expected.flags)
    return differ(r, "the flags of the outcome", node, got.flags, expected.flags);
  return got.reason != expected.reason &&
         differ(r, "the reason of the outcome", node, got.reason, expected.reason);
}

/* Does one step on both sides; 1 if they differ. */
static int do_step(run* r, int index, const step* s) {
  model* m = &r->m;
  const int node = r->node_of[s->node];
  creche_status got = CRECHE_OK, expected;
  int made = m->count;
  mnode options;
  r->node_of[index + 1] = -1;
  if (s->what == SETTLE) {
    settle();
    m_settle(m);
    return compare_all(r);
  }
  if (s->what == ADVANCE) {
    const int64_t by = 1000 * (1 + s->a);
    creche_clock_advance(loop, by);
    m->now += by;
    return compare_all(r);
  }
  if (node < 0) return 0;
  memset(&options, 0, sizeof options);
  options.deadline = point_of(r, index, s);
  options.wake = CRECHE_NEVER;
  memset(&r->s[made], 0, sizeof r->s[made]);
  switch (s->what) {
    case OPEN_SCOPE: {
      creche_scope_options o = scope_options();
      o.shield = s->a == 0;
      o.on_timeout = s->b == 0 ? CRECHE_MOVE_ON : CRECHE_FAIL;
      o.deadline = options.deadline;
      options.shield = s->a == 0;
      options.move_on = s->b == 0;
      got = creche_scope_open(r->id[node], &o, &r->id[made]);
      expected = m_admits(m, node);
      if (expected != CRECHE_OK) break;
      m_add(m, M_SCOPE, node, &options);
      break;
    }
    case OPEN_GROUP: {
      creche_group_options o = group_options();
      creche_group group;
      o.shield = s->a == 0;
      o.policy = s->b > 2 ? CRECHE_FAIL_FAST : (uint32_t)s->b;
      o.on_timeout = s->c == 0 ? CRECHE_MOVE_ON : CRECHE_FAIL;
      o.limit = s->d == 3 ? 0 : (uint32_t)s->d;
      o.queue = queue;
      o.deadline = options.deadline;
      options.shield = s->a == 0;
      options.move_on = s->c == 0;
      options.policy = (int)o.policy;
      options.limit = (int)o.limit;
      options.told = s->c == 3 ? M_QUEUE : M_CALLBACK;
      got = creche_group_open(r->id[node], &o, s->c == 3 ? NULL : see, &r->s[made], &group);
      r->id[made] = group.scope;
      expected = m_admits(m, node);
      if (expected != CRECHE_OK) break;
      m_add(m, M_GROUP, node, &options);
      break;
    }
    case SLEEP:
    case SPAWN: {
      static const int routes[] = {M_NOBODY, M_QUEUE, M_CALLBACK, M_CALLBACK};
      static const creche_done_fn functions[] = {creche_nobody, NULL, see, see};
      creche_task_options o = task_options();
      const int external = s->what == SPAWN && (s->b == 1 || s->b == 2);
      creche_task task;
      o.shield = s->a == 0;
      o.on_timeout = s->c == 0 ? CRECHE_MOVE_ON : CRECHE_FAIL;
      o.queue = queue;
      o.deadline = options.deadline;
      options.shield = s->a == 0;
      options.move_on = s->c == 0;
      options.told = routes[s->b];
      options.in_queue = external && s->b == 1;
      if (s->what == SLEEP && s->d != 3) options.wake = m->now + (s->d + 1) * 1000 + 500 + index;
      if (external)
        got = creche_task_open(r->id[node], &o, functions[s->b], &r->s[made], &task);
      else if (s->what == SPAWN)
        got = creche_task_spawn(r->id[node], body_waits, &r->s[made], &o, functions[s->b],
                                &r->s[made], &task);
      else
        got =
            creche_sleep_until(r->id[node], options.wake, &o, functions[s->b], &r->s[made], &task);
      r->id[made] = task.scope;
      expected = m_admits(m, node);
      if (expected != CRECHE_OK) break;
      m_add(m, s->what == SLEEP ? M_SLEEP : M_USER, node, &options);
      break;
    }
    case CANCEL:
      if (node == 0) return 0;
      got = creche_scope_cancel(r->id[node], NULL);
      expected = m_user_cancel(m, node);
      break;
    case MOVE_DEADLINE:
      if (node == 0) return 0;
      got = creche_scope_set_deadline(r->id[node], options.deadline);
      expected = m_user_deadline(m, node, options.deadline);
      break;
    case SHIELD:
      if (node == 0) return 0;
      got = creche_scope_set_shield(r->id[node], s->a % 2);
      expected = m_user_shield(m, node, s->a % 2);
      break;
    case CLOSE: {
      creche_group group;
      if (m->n[node].type != M_GROUP) return 0;
      group.scope = r->id[node];
      got = creche_group_close(group);
      expected = m_user_close(m, node);
      break;
    }
    case LEAVE: {
      creche_outcome a = {0, 0, 0, 0}, b = {0, 0, 0, 0};
      if (m->n[node].type != M_SCOPE) return 0;
      got = creche_scope_leave(r->id[node], &a);
      expected = m_user_leave(m, node, &b);
      if (got == CRECHE_OK && expected == CRECHE_OK && compare_outcome(r, node, a, b)) return 1;
      break;
    }
    case LEAVE_LATER:
      if (m->n[node].type != M_SCOPE) return 0;
      got = creche_scope_leave(r->id[node], NULL);
      expected = m_user_leave(m, node, NULL);
      break;
    default: { /* FINISH */
      creche_task task;
      if (m->n[node].type != M_USER) return 0;
      task.scope = r->id[node];
      got = creche_task_finish(task, finishes[s->a], 0, NULL);
      expected = m_user_finish(m, node, finishes[s->a]);
    }
  }
  if (m->count > made) r->node_of[index + 1] = made;
  return compare_status(r, node, got, expected) || compare_all(r);
}

/* ---- Steps by another thread, one at a time ---- */
static sem_t asked, answered;
static struct {
  run* r;
  int index, differs;
  const step* s;
} errand;
static void* other_thread(void* unused) {
  (void)unused;
  for (;;) {
    while (sem_wait(&asked) != 0) continue;
    if (errand.s == NULL) return NULL;
    errand.differs = do_step(errand.r, errand.index, errand.s);
    sem_post(&answered);
  }
}
static int do_step_elsewhere(run* r, int index, const step* s) {
  errand.r = r;
  errand.index = index;
  errand.s = s;
  sem_post(&asked);
  while (sem_wait(&answered) != 0) continue;
  return errand.differs;
}

/* The end: shields go down, the loop closes, tasks finish one after the other; then nothing is
 * left. */
static int end_program(run* r) {
  model* m = &r->m;
  int i, left = 1, rounds = 0;
  settle();
  m_settle(m);
  if (compare_all(r)) return 1;
  for (i = 1; i < m->count; i++) {
    creche_scope_set_shield(r->id[i], 0);
    m_user_shield(m, i, 0);
  }
  creche_loop_close(loop);
  m_close_all(m);
  while (left && rounds++ < MAX_NODES) {
    settle();
    m_settle(m);
    for (left = 0, i = 1; i < m->count; i++) {
      creche_task task;
      if (m->n[i].type != M_USER || m->n[i].gone || m->n[i].ending) continue;
      left = 1;
      task.scope = r->id[i];
      if (compare_status(r, i, creche_task_finish(task, CRECHE_E_CANCELLED, 0, NULL),
                         m_user_finish(m, i, CRECHE_E_CANCELLED)))
        return 1;
    }
  }
  settle();
  drain();
  m_settle(m);
  for (i = 1; i < m->count; i++) {
    if (!m->n[i].gone) return differ(r, "the end", i, 0, 1);
    if (compare_node(r, i)) return 1;
  }
  if (creche_loop_join(loop, PATIENCE) != CRECHE_OK) return differ(r, "the join", 0, 0, 1);
  return 0;
}

static run the_run;
static int run_program(const program* p, const char** why) {
  int i, differs = 0;
  run* r = &the_run;
  memset(&r->m, 0, sizeof r->m);
  r->why[0] = '\0';
  if (open_virtual() != 0 || creche_clock_hold(loop) != CRECHE_OK ||
      creche_queue_open(loop, NULL, &queue) != CRECHE_OK)
    fail_msg("no loop");
  r->m.count = 1;
  r->m.n[0].deadline = r->m.n[0].wake = CRECHE_NEVER;
  r->id[0] = loop.scope;
  r->node_of[0] = 0;
  r->node_of[MAX_STEPS] = -1;
  for (i = 0; i < p->n && !differs; i++)
    differs = (p->threads && i % 2 ? do_step_elsewhere : do_step)(r, i, &p->s[i]);
  if (!differs) differs = end_program(r);
  *why = r->why;
  if (!differs) return 0;
  /* Whatever is left: end it as it comes. */
  for (i = 1; i < r->m.count; i++) {
    creche_task task;
    creche_scope_set_shield(r->id[i], 0);
    task.scope = r->id[i];
    settle();
    creche_task_finish(task, CRECHE_E_USER, 0, NULL);
  }
  creche_loop_close(loop);
  for (i = 0; i < 3; i++) {
    int k;
    settle();
    for (k = 1; k < r->m.count; k++) {
      creche_task task;
      task.scope = r->id[k];
      creche_task_finish(task, CRECHE_E_USER, 0, NULL);
    }
  }
  if (creche_loop_join(loop, CRECHE_SECOND) != CRECHE_OK)
    fprintf(stderr, "(and its loop does not end: %s)\n", creche_last_error()->message);
  return 1;
}

/* Leaves out steps for as long as the difference stays. */
static void shrink(program* p) {
  const char* why;
  int again = 1, i, k;
  while (again)
    for (again = 0, i = p->n; i-- > 0;) {
      program shorter = *p;
      shorter.n = 0;
      for (k = 0; k < p->n; k++) {
        step s = p->s[k];
        if (k == i) continue;
        if (s.node == i + 1)
          s.node = MAX_STEPS; /* nothing */
        else if (s.node > i + 1 && s.node < MAX_STEPS)
          s.node--;
        shorter.s[shorter.n++] = s;
      }
      if (!run_program(&shorter, &why)) continue;
      *p = shorter;
      again = 1;
    }
}
static void print_program(const program* p) {
  static const char* const policies[] = {"CRECHE_FAIL_FAST", "CRECHE_COLLECT", "CRECHE_RACE",
                                         "CRECHE_FAIL_FAST"};
  static const char* const functions[] = {"creche_nobody", "NULL", "see", "see"};
  int i;
  fprintf(stderr, "/* with the short forms of support/core.h; s[...] are of type seen */\n");
  for (i = 0; i < p->n; i++) {
    const step* s = &p->s[i];
    char in[32] = "loop.scope", point[32], wake[32] = "CRECHE_NEVER";
    if (s->node == MAX_STEPS && s->what < ADVANCE) continue;
    if (s->t < 0)
      snprintf(point, sizeof point, "CRECHE_NEVER");
    else
      snprintf(point, sizeof point, "now() + %d", s->t == 0 ? 0 : s->t * 1000 + i);
    if (s->node > 0) snprintf(in, sizeof in, "n%d", s->node);
    switch (s->what) {
      case OPEN_SCOPE:
        fprintf(stderr,
                "so = scope_options(); so.shield = %d; so.on_timeout = %s; so.deadline = %s;\n",
                s->a == 0, s->b == 0 ? "CRECHE_MOVE_ON" : "CRECHE_FAIL", point);
        fprintf(stderr, "creche_scope n%d = scope_in(%s, &so);\n", i + 1, in);
        break;
      case OPEN_GROUP:
        fprintf(stderr,
                "go = group_options(); go.shield = %d; go.policy = %s; go.on_timeout = %s; "
                "go.limit = %d; go.queue = queue; go.deadline = %s;\n",
                s->a == 0, policies[s->b], s->c == 0 ? "CRECHE_MOVE_ON" : "CRECHE_FAIL",
                s->d == 3 ? 0 : s->d, point);
        fprintf(stderr, "creche_group_open(%s, &go, %s, &s[%d], &g); creche_scope n%d = g.scope;\n",
                in, s->c == 3 ? "NULL" : "see", i + 1, i + 1);
        break;
      case SLEEP:
      case SPAWN:
        fprintf(stderr,
                "to = task_options(); to.shield = %d; to.on_timeout = %s; to.queue = queue; "
                "to.deadline = %s;\n",
                s->a == 0, s->c == 0 ? "CRECHE_MOVE_ON" : "CRECHE_FAIL", point);
        if (s->d != 3) snprintf(wake, sizeof wake, "now() + %d", (s->d + 1) * 1000 + 500 + i);
        if (s->what == SLEEP)
          fprintf(stderr, "creche_sleep_until(%s, %s, &to, %s, &s[%d], &t);", in, wake,
                  functions[s->b], i + 1);
        else if (s->b == 1 || s->b == 2)
          fprintf(stderr, "creche_task_open(%s, &to, %s, &s[%d], &t);", in, functions[s->b], i + 1);
        else
          fprintf(stderr, "creche_task_spawn(%s, body_waits, &s[%d], &to, %s, &s[%d], &t);", in,
                  i + 1, functions[s->b], i + 1);
        fprintf(stderr, " creche_scope n%d = t.scope;\n", i + 1);
        break;
      case CANCEL:
        fprintf(stderr, "creche_scope_cancel(%s, NULL);\n", in);
        break;
      case MOVE_DEADLINE:
        fprintf(stderr, "creche_scope_set_deadline(%s, %s);\n", in, point);
        break;
      case ADVANCE:
        fprintf(stderr, "creche_clock_advance(loop, %d);\n", 1000 * (1 + s->a));
        break;
      case SHIELD:
        fprintf(stderr, "creche_scope_set_shield(%s, %d);\n", in, s->a % 2);
        break;
      case CLOSE:
        fprintf(stderr, "creche_group_close((creche_group){%s});\n", in);
        break;
      case LEAVE:
        fprintf(stderr, "creche_scope_leave(%s, &outcome);\n", in);
        break;
      case LEAVE_LATER:
        fprintf(stderr, "creche_scope_leave(%s, NULL);\n", in);
        break;
      case FINISH:
        fprintf(stderr, "creche_task_finish((creche_task){%s}, %s, 0, NULL);\n", in,
                creche_status_name(finishes[s->a]));
        break;
      default:
        fprintf(stderr, "settle();\n");
    }
  }
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
static uint64_t programs = 10000;
#else
static uint64_t programs = 100000;
#endif
static uint64_t first_seed = 1;

static void the_library_does_as_the_model(void** state) {
  pthread_t thread;
  uint64_t i;
  (void)state;
  sem_init(&asked, 0, 0);
  sem_init(&answered, 0, 0);
  assert_int_equal(pthread_create(&thread, NULL, other_thread, NULL), 0);
  for (i = 0; i < programs; i++) {
    program p;
    const char* why;
    make_program(&p, first_seed + i);
    if (!run_program(&p, &why)) continue;
    shrink(&p);
    run_program(&p, &why);
    fprintf(stderr, "seed %llu: %s\n", (unsigned long long)(first_seed + i), why);
    print_program(&p);
    fail_msg("%s", why);
  }
  errand.s = NULL;
  sem_post(&asked);
  pthread_join(thread, NULL);
}

int main(int argc, char** argv) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(the_library_does_as_the_model)};
  if (argc > 1) programs = strtoull(argv[1], NULL, 10);
  if (argc > 2) first_seed = strtoull(argv[2], NULL, 10);
  return cmocka_run_group_tests(tests, NULL, NULL);
}

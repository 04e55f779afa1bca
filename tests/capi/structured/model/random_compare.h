/* What random_test.c knows of a program that runs, and how it compares the library with the model.
 */
#ifndef RANDOM_COMPARE_H
#define RANDOM_COMPARE_H

#include "model_offload.h"
#include "model_start.h"
#include "model_waits.h"
#include "random_program.h"
#include "support/work.h"

/* ---- Running one ---- */
static long spawned, over; /* as the hooks have it */
static void see_spawned(void* user, const creche_trace_event* event) {
  (void)user;
  (void)event;
  spawned++;
}
static void see_ended(void* user, const creche_trace_event* event) {
  (void)user;
  (void)event;
  over++;
}
static int open_virtual(int watched, int workers) {
  creche_loop_options o;
  creche_hooks hooks;
  creche_loop_options_init(&o, sizeof o);
  creche_hooks_init(&hooks, sizeof hooks);
  hooks.spawned = see_spawned;
  hooks.ended = see_ended;
  spawned = over = 0;
  if (watched) o.hooks = &hooks;
  o.run = CRECHE_RUN_CALLER;
  o.clock = CRECHE_CLOCK_VIRTUAL;
  o.offload_limit = (uint32_t)workers;
  return creche_loop_open(&o, &loop) == CRECHE_OK ? 0 : -1;
}
static int undrained;        /* there may be something in it */
static int drain(model* m) { /* 1 if there was something in it */
  creche_completion c[16];
  int did = 0;
  size_t n, i;
  undrained = 0;
  if (m != NULL) m_user_drain(m);
  for (;;) {
    if (creche_queue_drain(queue, c, 16, &n) != CRECHE_OK || n == 0) return did;
    did = 1;
    for (i = 0; i < n; i++) {
      note(c[i].user, &c[i]);
      c[i].flags &= ~(uint32_t)CRECHE_OWNED; /* a token: the program gives it back, or its owner */
    }
    creche_completions_release(c, n);
  }
}

typedef struct run {
  model m;
  creche_scope id[MAX_NODES];
  seen s[MAX_NODES];
  int node_of[NAMES]; /* name to node, -1 if its step made none */
  int token_of[NAMES];
  creche_token tried[NAMES]; /* of creche_limiter_try */
  creche_limiter limiter;
  creche_event event;
  creche_rate rate;
  creche_sender sender[HANDLES];
  creche_receiver receiver[HANDLES];
  int freed[MAX_ITEMS]; /* by item_free */
  int lazy, with;
  int put_back[MAX_NODES]; /* what it had received */
  work w[MAX_NODES];
  int step, taken[MAX_NODES]; /* the step after which a worker had it */
  int met[MAX_NODES];         /* it has come back from its worker */
  char why[400];
} run;

static run the_run;
static void item_free(void* user, uint64_t item) {
  run* r = user;
  r->freed[item]++;
}
/* What the tasks of a program wait on. */
static void open_things(run* r, const program* p) {
  model* m = &r->m;
  r->limiter.id = r->event.id = r->rate.id = 0;
  r->sender[0].id = r->sender[1].id = r->receiver[0].id = r->receiver[1].id = 0;
  memset(r->freed, 0, sizeof r->freed);
  m->rate.paused_until = 0;
  m->limiter.released = m->event.released = m->rate.released = 1;
  m->workers = p->workers;
  if (p->with & OFFLOADS) work_open();
  if (p->with & LIMITERS) {
    creche_limiter_options o;
    OK(creche_limiter_options_init(&o, sizeof o));
    o.total = (uint32_t)p->total;
    OK(creche_limiter_open(loop, &o, &r->limiter));
    m->limiter.total = p->total;
    m->limiter.released = 0;
  }
  if (p->with & EVENTS) {
    OK(creche_event_open(loop, NULL, &r->event));
    m->event.released = 0;
  }
  if (p->with & RATES) {
    creche_rate_options o;
    OK(creche_rate_options_init(&o, sizeof o));
    o.permits = (uint32_t)p->permits;
    o.burst = (uint32_t)p->burst;
    o.interval = p->interval;
    OK(creche_rate_open(loop, &o, &r->rate));
    m->rate.permits = p->permits;
    m->rate.burst = p->burst;
    m->rate.interval = p->interval;
    m->rate.credits = m->rate.burst * m->rate.interval;
    m->rate.released = 0;
  }
  if (p->with & CHANNELS) {
    creche_channel_options o;
    int side, i;
    OK(creche_channel_options_init(&o, sizeof o));
    o.capacity = (uint32_t)p->capacity;
    o.item_free = item_free;
    o.item_user = r;
    OK(creche_channel_open(loop, &o, &r->sender[0], &r->receiver[0]));
    OK(creche_sender_clone(r->sender[0], &r->sender[1]));
    OK(creche_receiver_clone(r->receiver[0], &r->receiver[1]));
    m->channel.capacity = p->capacity;
    for (side = 0; side < 2; side++)
      for (i = 0; i < HANDLES; i++) m->channel.open[side][i] = 1;
  }
}

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
  if (undrained && (n->told == M_QUEUE || n->in_queue)) return 0;
  if (s->finals != n->finals) return differ(r, "completions", node, s->finals, n->finals);
  if (s->begins != n->begins) return differ(r, "begins", node, s->begins, n->begins);
  if (s->cancels != n->cancels) return differ(r, "cancels", node, s->cancels, n->cancels);
  if (s->finals == 0) return 0;
  if (s->status != n->status) return differ(r, "the status", node, s->status, n->status);
  if (s->has_error && s->error_status != s->status)
    return differ(r, "the status of the error", node, s->error_status, s->status);
  if ((n->type == M_START || n->offload) && n->status == CRECHE_OK && s->value != n->value)
    return differ(r, "the value", node, (long)s->value, (long)n->value);
  if (s->flags != n->flags) return differ(r, "the flags", node, s->flags, n->flags);
  if (n->type == M_WAIT && s->kind != n->kind) return differ(r, "the kind", node, s->kind, n->kind);
  if (n->type == M_WAIT && n->wait == W_RECEIVE && s->value != n->value)
    return differ(r, "the item", node, (long)s->value, (long)n->value);
  if (n->status == CRECHE_E_CANCELLED || n->status == CRECHE_E_TIMEOUT) {
    if (s->reason != n->reason) return differ(r, "the reason", node, s->reason, n->reason);
    /* Of two groups that end at once either may be named. */
    if (s->by.id != (n->reason != 0 ? r->id[n->named].id : 0) && r->m.n[n->named].type != M_GROUP)
      return differ(r, "who is named", node, (long)s->by.id, n->named);
  }
  if (n->status != CRECHE_E_GROUP) return 0;
  if (n->type == M_USER || n->type == M_START) return 0; /* of a failed step */
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
static int compare_things(run* r) {
  const model* m = &r->m;
  creche_limiter_state l;
  creche_rate_state a;
  creche_channel_state c;
  int side, i;
  if (!m->limiter.released) {
    OK(creche_limiter_get_state(r->limiter, &l, sizeof l));
    if ((int)l.total != m->limiter.total) return differ(r, "tokens", 0, l.total, m->limiter.total);
    if ((int)l.borrowed != m->limiter.borrowed)
      return differ(r, "tokens borrowed", 0, l.borrowed, m->limiter.borrowed);
    if ((int)l.waiting != m->limiter.line.n)
      return differ(r, "who waits for tokens", 0, l.waiting, m->limiter.line.n);
  }
  if (!m->event.released && creche_event_is_set(r->event) != m->event.set)
    return differ(r, "the event", 0, !m->event.set, m->event.set);
  if (!m->rate.released) {
    const mrate* b = &m->rate;
    int64_t full = b->burst * b->interval, there = m_credits(b, m->now);
    int64_t next = m_rate_due(b, b->line.n > 0 ? m->n[b->line.node[0]].amount : 1);
    there = (there < full ? there : full) / b->interval;
    if (next < m->now) next = m->now;
    OK(creche_rate_get_state(r->rate, &a, sizeof a));
    if (a.available != there) return differ(r, "permits", 0, a.available, (long)there);
    if ((int)a.waiting != b->line.n)
      return differ(r, "who waits for permits", 0, a.waiting, b->line.n);
    if (a.next != next) return differ(r, "the next permit", 0, (long)a.next, (long)next);
    if (a.paused_until != (b->paused_until > m->now ? b->paused_until : 0))
      return differ(r, "the pause", 0, (long)a.paused_until, (long)b->paused_until);
  }
  for (side = 0; side < 2; side++)
    for (i = 0; i < HANDLES; i++) {
      if (!m->channel.open[side][i]) continue;
      if (side == SENDERS)
        OK(creche_sender_get_state(r->sender[i], &c, sizeof c));
      else
        OK(creche_receiver_get_state(r->receiver[i], &c, sizeof c));
      if ((int)c.items != m->channel.n) return differ(r, "items", 0, c.items, m->channel.n);
      if ((int)c.senders != m_open_handles(m, SENDERS) ||
          (int)c.receivers != m_open_handles(m, RECEIVERS))
        return differ(r, "handles", side, c.senders, c.receivers);
      if ((int)c.sending != m->channel.line[SENDERS].n)
        return differ(r, "who sends", 0, c.sending, m->channel.line[SENDERS].n);
      if ((int)c.receiving != m->channel.line[RECEIVERS].n)
        return differ(r, "who receives", 0, c.receiving, m->channel.line[RECEIVERS].n);
    }
  return 0;
}
static int compare_work(run* r) {
  int i, has, freed;
  for (i = 1; i < r->m.count; i++) {
    const mnode* n = &r->m.n[i];
    if (!n->offload) continue;
    has = atomic_load(&r->w[i].entered);
    freed = atomic_load(&r->w[i].freed);
    if (has != n->entered) return differ(r, "how often a function was called", i, has, n->entered);
    if (freed != n->frees) return differ(r, "how often its argument was freed", i, freed, n->frees);
  }
  return 0;
}
/* Once the loop has turned: each item has been freed, or not. */
static int compare_freed(run* r) {
  int i;
  for (i = 0; i < MAX_ITEMS; i++)
    if (r->freed[i] != r->m.freed[i])
      return differ(r, "how often an item was freed", i, r->freed[i], r->m.freed[i]);
  return 0;
}
/* The child of a start is known by what it is told. */
static void learn_children(run* r) {
  int i;
  for (i = 0; i < r->m.count; i++)
    if (r->id[i].id == 0) r->id[i] = r->s[i].task.scope;
}
static int compare_all(run* r) {
  int i;
  undrained = r->lazy;
  if (!undrained) drain(&r->m);
  learn_children(r);
  if (compare_things(r) || compare_work(r)) return 1;
  {
    int64_t t = 0;
    if (creche_now(loop.scope, &t) == CRECHE_OK && t != r->m.now)
      return differ(r, "the clock", 0, (long)t, (long)r->m.now);
  }
  for (i = 0; i < r->m.count; i++) {
    const mnode* n = &r->m.n[i];
    creche_scope_state look;
    creche_status status;
    if (compare_node(r, i)) return 1;
    if (r->id[i].id == 0) continue;
    status = creche_scope_get_state(r->id[i], &look, sizeof look);
    if (compare_status(r, i, status, n->gone || n->over ? CRECHE_E_ENDED : CRECHE_OK)) return 1;
    if (n->gone || n->over) continue;
    if ((int)look.called != n->called) return differ(r, "called", i, look.called, n->called);
    if ((int)look.effective != n->eff) return differ(r, "effective", i, look.effective, n->eff);
    if ((int)look.reached != n->reached) return differ(r, "reached", i, look.reached, n->reached);
    if ((int)look.live != n->live + n->leases)
      return differ(r, "live", i, look.live, n->live + n->leases);
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

#endif

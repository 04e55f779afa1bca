/* Offloaded functions in the programs of random_test.c. Each waits for a gate on its worker until
 * the program opens it, so that workers only do something when nobody else does; whether a function
 * has begun before it was cancelled in the same turn is the one thing that the model has to be
 * told.
 */
#ifndef RANDOM_OFFLOAD_H
#define RANDOM_OFFLOAD_H

#include "random_compare.h"

/* For the model: whether a worker took a function before it was cancelled. The loop has done both
 * by now, so that it was called, or its argument freed, or will be at once. */
static int has_entered(int node) {
  run* r = &the_run;
  work* w = &r->w[node];
  if (!work_await(&w->entered, &w->freed)) differ(r, "whether a worker has it", node, 0, 1);
  return atomic_load(&w->entered) > 0;
}
/* Until workers have everything that they can take. 1 if they do not. */
static int meet_workers(run* r) {
  model* m = &r->m;
  int i;
  m_workers_take(m);
  for (i = 1; i < m->count; i++) {
    const mnode* n = &m->n[i];
    if (!n->offload || !n->handed) continue;
    if (n->entered && r->taken[i] < 0) {
      r->taken[i] = r->step;
      if (!work_has(&r->w[i])) return differ(r, "whether a worker has it", i, 0, 1);
    }
    if (n->frees == 0 || r->met[i]) continue;
    r->met[i] = 1;
    if (!work_await(&r->w[i].freed, NULL)) return differ(r, "whether it was freed", i, 0, 1);
    if (!work_await_finish(r->id[i])) return differ(r, "whether it has finished", i, 0, 1);
  }
  return m->busy > m->workers && differ(r, "workers", 0, m->busy, m->workers);
}
/* The token of one that was abandoned comes back a moment after its argument was freed. */
static void meet_limiter(run* r) {
  const mlimiter* l = &r->m.limiter;
  const time_t until = time(NULL) + PATIENCE / CRECHE_SECOND;
  creche_limiter_state s;
  while (!l->released && creche_limiter_get_state(r->limiter, &s, sizeof s) == CRECHE_OK &&
         ((int)s.borrowed != l->borrowed || (int)s.waiting != l->line.n) && time(NULL) < until)
    sched_yield();
}
/* Turns the loop until it has nothing to do now, and workers neither. */
static int turn_both(run* r) {
  settle();
  m_settle(&r->m);
  return r->why[0] != '\0' || meet_workers(r);
}

static const int routes[] = {M_NOBODY, M_QUEUE, M_CALLBACK, M_CALLBACK};
static const creche_done_fn routed[] = {creche_nobody, NULL, see, see};

/* What a task of any kind is started with, in the library and in the model. */
static creche_task_options options_of(const step* s, mnode* options) {
  creche_task_options o = task_options();
  o.shield = options->shield = s->a == 0;
  options->move_on = s->c == 0;
  o.on_timeout = options->move_on ? CRECHE_MOVE_ON : CRECHE_FAIL;
  o.queue = queue;
  o.deadline = options->deadline;
  options->told = routes[s->b];
  return o;
}

static creche_status start_offload(run* r, int index, const step* s, mnode* options,
                                   creche_status* expected) {
  model* m = &r->m;
  const int node = r->node_of[s->node], made = m->count;
  creche_task_options o = options_of(s, options);
  creche_offload_options f;
  creche_task task;
  creche_status got;
  task.scope.id = 0;
  OK(creche_offload_options_init(&f, sizeof f));
  f.flags = is_abandonable(s) ? CRECHE_OFFLOAD_ABANDON : 0;
  f.arg_free = work_freed;
  f.task = plain_task(s) ? NULL : &o;
  if (is_limited(r->with, s)) f.limiter = r->limiter;
  options->abandon = is_abandonable(s);
  options->limited = is_limited(r->with, s);
  options->with = returned(s);
  options->value = (uint64_t)index + 1;
  work_init(&r->w[made], options->with, options->value);
  r->taken[made] = -1;
  r->met[made] = 0;
  got = creche_offload(r->id[node], work_runs, &r->w[made], &f, routed[s->b], &r->s[made], &task);
  *expected = m_user_offload(m, node, options);
  r->id[made] = task.scope;
  if (*expected != CRECHE_OK) sem_post(&r->w[made].gate); /* should it run */
  return got;
}
/* Opens a gate, and waits for all that follows from that. */
static int let_return(run* r, int node) {
  model* m = &r->m;
  mnode* n = &m->n[node];
  const int32_t asked = n->gone ? CRECHE_E_ENDED : n->was_eff;
  if (!n->offload || !n->entered || n->returned) return 0;
  m_user_return(m, node);
  if (!work_returns(&r->w[node], r->id[node])) return differ(r, "whether it returns", node, 0, 1);
  if (r->w[node].asked != asked)
    return differ(r, "whether it was asked to stop", node, r->w[node].asked, asked);
  meet_limiter(r);
  return meet_workers(r);
}
/* Releases the clock until the loop has had something to do. */
static int nobody_knows(int node) {
  (void)node;
  return 0;
}
static int let_jump(run* r) {
  static model to_be;
  const time_t until = time(NULL) + PATIENCE / CRECHE_SECOND;
  int64_t t = 0;
  int did;
  if (turn_both(r)) return 1;
  to_be = r->m; /* the library goes first, but where to? */
  to_be.has_entered = nobody_knows;
  did = m_jump(&to_be);
  OK(creche_clock_release(loop));
  if (did) {
    if (creche_loop_poll(loop, PATIENCE) != CRECHE_OK)
      return differ(r, "whether anything happens at the end of a jump", 0, 0, 1);
  } else { /* it stands still, or nothing happens at the end of the jump */
    const int stands = to_be.now == r->m.now;
    do creche_loop_poll(loop, stands ? 20 * CRECHE_MICROSECOND : CRECHE_MILLISECOND);
    while (creche_now(loop.scope, &t) == CRECHE_OK && t < to_be.now && time(NULL) < until);
  }
  OK(creche_clock_hold(loop));
  r->m.now = to_be.now;
  return turn_both(r);
}
/* At the end, whatever has happened: nobody waits at a gate any more. */
static void open_gates(run* r) {
  int i;
  for (i = 1; i < r->m.count; i++)
    if (r->m.n[i].offload) sem_post(&r->w[i].gate);
}
static void await_freed(run* r) {
  int i;
  for (i = 1; i < r->m.count; i++)
    if (r->m.n[i].offload && !work_await(&r->w[i].freed, NULL))
      fprintf(stderr, "(and the argument of node %d is never freed)\n", i);
}

#endif

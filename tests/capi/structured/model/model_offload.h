/* The rules of creche_offload, for model.h: a function on a worker thread is a task that nothing
 * stops but itself. Cancelled before a worker had it, it never runs; afterwards it ends with what
 * it returns, or at once if it may be abandoned. Workers take what the loop has handed to them
 * first come, first served, and never more at a time than there are workers; who has a token of a
 * limiter finds one at once. */
#ifndef MODEL_OFFLOAD_H
#define MODEL_OFFLOAD_H

#include "model_waits.h"

static inline void m_wake_offload(model* m, int node) {
  if (m->n[node].starting) return;
  m->n[node].starting = 1;
  m_effect(m, E_OFFLOAD, node);
}
/* No limit of its group holds it back any more. */
static inline void m_begin_offload(model* m, int node) {
  m->n[node].stop_due = m->n[node].eff;
  m_wake_offload(m, node);
}
static inline void m_stop_offload(model* m, int node) {
  m->n[node].stop_due = 1;
  m_wake_offload(m, node);
}

/* ---- Its token, which is no lease of anybody: the function has it until it has really returned */
static inline void m_grant_offload(model* m, int node) {
  m_leave_line(&m->limiter.line, node);
  m->token[m->n[node].token].held = 1;
  m->token[m->n[node].token].owner = NOBODY;
  m->limiter.borrowed++;
  m_wake_offload(m, node);
}
static inline void m_drop_offload_token(model* m, int node) {
  const mnode* n = &m->n[node];
  if (!n->limited) return;
  m_leave_line(&m->limiter.line, node);
  if (m->token[n->token].held)
    m_give_back(m, n->token);
  else
    m->token[n->token].alive = 0;
  m_settle_down(m);
}
/* False while it stands in line; one that the limiter leaves behind ends here. */
static inline int m_apply(model* m, int node) {
  mnode* n = &m->n[node];
  if (!n->limited || m->token[n->token].held) return 1;
  if (!n->applied && !m->limiter.released) {
    if (m_token_free(m)) {
      m_grant_offload(m, node);
      return 1;
    }
    m_join_line(&m->limiter.line, node);
  }
  n->applied = 1;
  return 0;
}

/* ---- Its ends ---- */
/* No function of the user's has run that could have closed what is open in it. */
static inline void m_end_unrun(model* m, int node, creche_status status) {
  m->n[node].begun = 1;
  m->n[node].frees++;
  m_drop_offload_token(m, node);
  m_finish(m, node, status, 0);
}
static inline void m_worker_has(model* m, int node) {
  mnode* n = &m->n[node];
  n->begun = n->entered = 1;
  if (!n->limited) m->busy++;
}

/* ---- What the loop does with it ---- */
static inline void m_run_offload(model* m, int node) {
  mnode* n = &m->n[node];
  if (!n->starting) return; /* it has ended */
  n->starting = 0;
  if (n->ending) return;
  if (n->stop_due) {
    n->stop_due = 0;
    /* A free worker may just have taken it, or not: nobody can tell but by asking. */
    if (n->handed && !n->begun && m->has_entered(node)) m_worker_has(m, node);
    if (!n->begun)
      m_end_unrun(m, node, CRECHE_E_CANCELLED);
    else if (n->abandon)
      m_finish(m, node, CRECHE_E_CANCELLED, 0);
    return;
  }
  if (n->handed) return;
  if (m_apply(m, node)) {
    n->handed = 1;
    m_join_line(&m->handed, node);
  } else if (m->limiter.released) {
    m_end_unrun(m, node, CRECHE_E_CLOSED);
  }
}

/* ---- What workers do, while the loop is at rest ---- */
static inline void m_workers_take(model* m) {
  const mline line = m->handed;
  int i;
  m->handed.n = 0;
  for (i = 0; i < line.n; i++) {
    mnode* n = &m->n[line.node[i]];
    /* Or it has ended: nobody's any more. One that was cancelled the loop ends. */
    if (n->begun || n->was_eff) continue;
    if (!n->limited && m->busy >= m->workers)
      m_join_line(&m->handed, line.node[i]);
    else
      m_worker_has(m, line.node[i]);
  }
}
/* It returns. What it says is of interest to nobody if it was abandoned. */
static inline void m_user_return(model* m, int node) {
  mnode* n = &m->n[node];
  n->returned = 1;
  n->frees++;
  if (!n->limited) m->busy--;
  m_drop_offload_token(m, node);
  if (!n->ending) m_finish(m, node, n->with > 0 ? CRECHE_E_INVALID : n->with, 1);
  m_workers_take(m);
}

/* ---- The clock ---- */
/* Whether it stands still though nobody of the program holds it. */
static inline int m_clock_stands(const model* m) {
  int i;
  for (i = 1; i < m->count; i++)
    if (m->n[i].handed && !m->n[i].ending) return 1;
  return 0;
}
/* The next point of time at which something happens by itself. */
static inline int64_t m_next_point(const model* m) {
  int64_t next = CRECHE_NEVER, due;
  int i;
  for (i = 1; i < m->count; i++) {
    const mnode* n = &m->n[i];
    if (!exists(n)) continue;
    if (!n->called && n->deadline < next) next = n->deadline;
    if (n->type == M_SLEEP && !n->waiting && !n->starting && n->wake < next) next = n->wake;
  }
  if (m->rate.line.n > 0) {
    due = m_rate_due(&m->rate, m->n[m->rate.line.node[0]].amount);
    if (due < next) next = due;
  }
  return next;
}
/* It jumps from one to the next until the loop has had something to do: 1 if it had in the end. */
static inline int m_jump(model* m) {
  while (!m_clock_stands(m)) {
    const long did = m->did;
    const int64_t next = m_next_point(m);
    if (next == CRECHE_NEVER || next <= m->now) return 0;
    m->now = next;
    m_settle(m);
    if (m->did != did) return 1;
  }
  return 0;
}

/* ---- What the user does ---- */
static inline creche_status m_user_offload(model* m, int in, mnode* options) {
  const creche_status status = m_admits(m, in);
  if (status != CRECHE_OK) return status;
  options->offload = 1;
  if (options->limited && m->limiter.released) return CRECHE_E_ENDED;
  if (options->limited) options->token = m_new_token(m, 0);
  m_add(m, M_USER, in, options);
  return CRECHE_OK;
}

#endif

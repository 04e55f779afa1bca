/* The rules of creche_task_start, for model.h: a start is a task whose only child moves to another
 * group, its target, when it says that it has started. */
#ifndef MODEL_START_H
#define MODEL_START_H

#include "model.h"

static inline void m_begin_start(model* m, int node) {
  mnode* n = &m->n[node];
  mnode* child = &m->n[n->child];
  n->starting = 0;
  child->passed = n->passed && !child->shield;
  m_enter(m, n->child, node);
  if (!child->passed || child->was_eff) return;
  child->was_eff = 1; /* a shield has gone up since, too late */
  child->cause = n->cause;
  child->by = n->by;
}
/* While it is pending it holds its target open. */
static inline void m_leave_target(model* m, int start) {
  m->n[m->n[start].target].pending--;
  m->n[start].target = 0;
}
/* The child has ended and never moved: so ends the start, once that was told. */
static inline void m_child_ended(model* m, int start, int child) {
  mnode* s = &m->n[start];
  const mnode* c = &m->n[child];
  s->ending = 1;
  s->elsewhere = (c->flags & CRECHE_CAUGHT) != 0;
  s->finished_with = c->status == CRECHE_OK && !s->said ? CRECHE_E_NOT_STARTED : c->status;
  s->reason = c->reason;
  s->named = c->named;
  s->kept = (int)c->reason;
  s->kept_by = c->named;
}
static inline void m_complete_start(model* m, int node) {
  mnode* n = &m->n[node];
  n->elsewhere |= m->n[n->target].eff;
  m_leave_target(m, node);
  m_commit(m, node, n->finished_with);
}

/* ---- What the user does ---- */
/* Makes two nodes: the start, and then its child. */
static inline creche_status m_user_start(model* m, int target, int in, mnode* options,
                                         const mnode* child) {
  const int node = m->count;
  creche_status status = m_admits(m, in);
  if (status == CRECHE_OK) status = m_admits(m, target);
  if (status != CRECHE_OK) return status;
  options->child = node + 1;
  options->target = target;
  options->neutral = (is_owner(&m->n[in]) ? in : m->n[in].owner) == target;
  m->n[target].pending++;
  m_new(m, M_START, options);
  m_new(m, M_USER, child);
  m_enter(m, node, in);
  m_settle_down(m);
  return CRECHE_OK;
}
static inline creche_status m_user_started(model* m, int node, uint64_t value) {
  mnode* n = &m->n[node];
  mnode* start = &m->n[n->parent];
  const int was_in = n->parent, target = start->target;
  if (n->gone) return CRECHE_E_ENDED;
  if (start->type != M_START || !n->begun || n->ending || start->said) return CRECHE_E_STATE;
  start->said = 1;
  start->value = value;
  if (start->called || (!start->shield && m->n[start->parent].eff)) return CRECHE_E_CANCELLED;
  start->live--;
  start->pending--;
  n->parent = n->owner = target;
  m->n[target].live++;
  m->n[target].pending++;
  if (m->n[target].limit > 0) { /* it takes a place, be there one or not */
    n->counted = 1;
    m->n[target].running++;
  }
  m_leave_line(&m->age, node);
  m_join_line(&m->age, node);
  m_refresh(m); /* with the old target, which it still has */
  m_leave_target(m, was_in);
  m_commit(m, was_in, CRECHE_OK);
  m_settle_down(m);
  return CRECHE_OK;
}

#endif

/* A small executable model of the rules of structured concurrency (design, part 3), written for
 * obviousness: whether a scope is effectively cancelled is computed anew for the whole tree after
 * each step. The random test compares the library with it. What tasks wait on is in model_waits.h,
 * starts are in model_start.h, offloaded functions in model_offload.h.
 */
#ifndef MODEL_H
#define MODEL_H

#include <string.h>

#include "model_types.h"

static inline int is_owner(const mnode* n) {
  return n->type != M_SCOPE;
}
static inline int inside(const model* m, int node, int top) {
  while (node > 0 && node != top) node = m->n[node].parent;
  return node == top;
}
static inline int exists(const mnode* n) { /* still in the tree */
  return !n->over && !n->gone && !n->unborn;
}
static inline void m_tell(model* m, int what, int node) {
  mevent* e = &m->due[m->due_n++];
  e->what = what;
  e->node = node;
  e->turn = m->turn;
}

static inline void m_effect(model* m, int what, int node) {
  mevent* e = &m->effect[m->effect_n++];
  e->what = what;
  e->node = node;
}

static inline void m_commit(model* m, int node, creche_status status);
static inline void m_cancel(model* m, int node, int reason, int by);
static inline void m_enter(model* m, int node, int in);
/* In model_start.h: */
static inline void m_begin_start(model* m, int node);
static inline void m_child_ended(model* m, int start, int child);
static inline void m_complete_start(model* m, int node);
static inline creche_status m_user_started(model* m, int node, uint64_t value);
/* In model_offload.h: */
static inline void m_begin_offload(model* m, int node);
static inline void m_wake_offload(model* m, int node);
static inline void m_stop_offload(model* m, int node);
static inline void m_grant_offload(model* m, int node);
static inline void m_run_offload(model* m, int node);
/* In model_waits.h: */
static inline void m_begin_wait(model* m, int node);
static inline void m_cut_wait(model* m, int node, creche_status status);
static inline void m_give_back(model* m, int token);
static inline void m_nobody_takes(model* m, int node);
static inline int m_serve_rate(model* m);
static inline int m_rate_is_due(const model* m);
static inline void m_join_line(mline* line, int node);
static inline void m_leave_line(mline* line, int node);

static inline void m_ask_to_stop(model* m, int node) {
  mnode* n = &m->n[node];
  if (n->ending || !n->begun || n->cancel_due) return;
  if (n->in_queue) {
    n->cancels++;
    return;
  }
  n->cancel_due = 1;
  n->pending++;
  m_tell(m, E_CANCEL, node);
}
static inline void m_begin_sleep(model* m, int node) {
  mnode* n = &m->n[node];
  n->starting = 0;
  if (n->eff)
    m_commit(m, node, CRECHE_E_CANCELLED);
  else if (n->yields)
    m_tell(m, E_YIELD, node);
}
/* A task's way in: at once, or (later) when its group's limit lets it; the child of a start that
 * has waited comes when the loop turns, cancelled or not. */
static inline void m_begin(model* m, int node, int later) {
  mnode* n = &m->n[node];
  mnode* group = &m->n[n->owner];
  n->waiting = 0;
  if (group->limit > 0 && !n->body) {
    n->counted = 1;
    group->running++;
  }
  if (later && n->type != M_USER && (n->type == M_START || !n->eff)) {
    n->starting = 1;
    m_effect(m, E_START, node);
  } else if (n->type == M_WAIT) {
    m_begin_wait(m, node);
  } else if (n->type == M_SLEEP) {
    m_begin_sleep(m, node);
  } else if (n->type == M_START) {
    m_begin_start(m, node);
  }
  if (n->offload) {
    m_begin_offload(m, node);
  } else if (n->type == M_USER && n->in_queue) {
    n->begins++;
    n->begun = 1;
    if (n->eff || n->passed) m_ask_to_stop(m, node);
  } else if (n->type == M_USER) {
    n->pending++; /* until it was told */
    m_tell(m, E_BEGIN, node);
  }
}
static inline void m_admit(model* m, int group) {
  int i;
  for (i = 1; i < m->count && m->n[group].running < m->n[group].limit; i++)
    if (m->n[i].waiting && m->n[i].owner == group) m_begin(m, i, 1);
}

/* A node has just become effectively cancelled. */
static inline void m_reach(model* m, int node) {
  mnode* n = &m->n[node];
  if (n->is_new || n->standing) return;
  if (n->waiting) {
    n->passed = 1;
    m_begin(m, node, n->type == M_START);
    return;
  }
  if (n->type == M_WAIT) m_cut_wait(m, node, CRECHE_E_CANCELLED);
  if (n->type == M_SLEEP) m_commit(m, node, CRECHE_E_CANCELLED);
  if (n->type == M_USER) (n->offload ? m_stop_offload : m_ask_to_stop)(m, node);
}
/* The order in which the tree is walked: a node, then what is in it, the oldest first. */
static inline int m_walk(const model* m, int* order) {
  int first[MAX_NODES], next[MAX_NODES], node = 0, count = 0, i, k;
  for (i = m->count; i-- > 0;) {
    first[i] = -1;
    next[i] = -1;
  }
  for (k = m->age.n; k-- > 0;) {
    i = m->age.node[k];
    next[i] = first[m->n[i].parent];
    first[m->n[i].parent] = i;
  }
  while (node >= 0) {
    order[count++] = node;
    if (first[node] >= 0) {
      node = first[node];
      continue;
    }
    while (node > 0 && next[node] < 0) node = m->n[node].parent;
    node = next[node];
  }
  return count;
}
/* From where a cancellation comes to a node: from around it, or to a start from its target; or -1.
 * Both are older than the node. */
static inline int m_cancelled_from(const model* m, int node) {
  const mnode* n = &m->n[node];
  if (node == 0 || n->shield) return -1;
  if (m->n[n->parent].eff) return n->parent;
  return n->type == M_START && m->n[n->target].eff ? n->target : -1;
}
/* Looks at the whole tree. */
static inline void m_refresh(model* m) {
  int order[MAX_NODES], reached[MAX_NODES], waited[MAX_NODES], changed[MAX_NODES], count = 0, n_all,
                                                                                   k, i;
  for (i = 0; i < m->count; i++) {
    mnode* n = &m->n[i];
    const int from = m_cancelled_from(m, i), eff = n->called || from >= 0;
    changed[i] = 0;
    if (!exists(n) || eff == n->eff) continue;
    n->eff = eff;
    if (!eff) continue;
    n->was_eff = changed[i] = 1;
    if (n->called) continue;
    n->cause = m->n[from].cause;
    n->by = m->n[from].by;
  }
  n_all = m_walk(m, order);
  for (k = 0; k < n_all; k++) {
    if (!changed[i = order[k]]) continue;
    waited[count] = m->n[i].waiting;
    reached[count++] = i;
  }
  for (i = 0; i < count; i++)
    if (exists(&m->n[reached[i]]) && waited[i] == m->n[reached[i]].waiting) m_reach(m, reached[i]);
}
static inline void m_cancel(model* m, int node, int reason, int by) {
  mnode* n = &m->n[node];
  if (n->called) return;
  n->called = 1;
  n->called_by = reason;
  if (!n->eff) {
    n->cause = reason;
    n->by = by;
  }
  m_refresh(m);
}

static inline void m_uncount(model* m, int node) {
  mnode* n = &m->n[node];
  m->n[n->parent].live--;
  m->n[n->owner].pending--;
  if (!n->counted) return;
  n->counted = 0;
  m->n[n->owner].running--;
  m_admit(m, n->owner);
}
/* Whether it counts on in the queue, until it is released. */
static inline int m_is_seated(const model* m, const mnode* n) {
  return n->told == M_QUEUE && n->type != M_GROUP && m->n[n->owner].until_released;
}
/* A child has ended: what that means to its owner. */
static inline void m_count(model* m, int node) {
  const mnode* n = &m->n[node];
  mnode* owner = &m->n[n->owner];
  if (owner->type == M_START) {
    m_child_ended(m, n->owner, node);
  } else if (n->status != CRECHE_OK && n->status != CRECHE_E_CANCELLED) {
    if (owner->type == M_GROUP && owner->policy != CRECHE_COLLECT) {
      owner->errors[owner->errors_n++] = n->status;
      if (owner->policy == CRECHE_FAIL_FAST) m_cancel(m, n->owner, CRECHE_REASON_SIBLING, node);
    }
    if (owner->type == M_USER && n->told == M_NOBODY) {
      if (owner->failed_step == 0) owner->failed_step = node;
      m_cancel(m, n->owner, CRECHE_REASON_SIBLING, node);
    }
  } else if (n->status == CRECHE_OK && owner->type == M_GROUP && owner->policy == CRECHE_RACE &&
             !owner->won && !n->neutral && !n->body) {
    owner->won = 1;
    m_cancel(m, n->owner, CRECHE_REASON_RACE, node);
  }
}
static inline void m_end(model* m, int node) {
  mnode* n = &m->n[node];
  n->over = 1;
  m->did++;
  m_count(m, node);
  if (n->told == M_CALLBACK) {
    m_tell(m, E_FINAL, node);
  } else {
    n->finals = n->undrained = n->told == M_QUEUE;
    n->gone = 1;
    if (n->told == M_QUEUE) m_join_line(&m->queue, node);
    if (n->told == M_NOBODY && n->type == M_WAIT) m_nobody_takes(m, node);
    if (!m_is_seated(m, n)) m_uncount(m, node);
  }
}
static inline int m_visible(const model* m, int node) {
  return !m->n[node].shield && m->n[m->n[node].parent].eff;
}
static inline void m_commit(model* m, int node, creche_status status) {
  mnode* n = &m->n[node];
  n->starting = 0;
  n->status = status;
  if (status == CRECHE_E_CANCELLED) {
    const int own = n->called && n->called_by != CRECHE_REASON_FINISHED;
    n->reason = n->kept ? (uint32_t)n->kept : (uint32_t)n->cause;
    n->named = n->kept ? n->kept_by : n->by;
    if ((own || n->elsewhere) && !m_visible(m, node)) {
      n->flags = CRECHE_CAUGHT;
      if (own && n->called_by == CRECHE_REASON_DEADLINE && !n->move_on) {
        n->status = CRECHE_E_TIMEOUT;
        n->reason = CRECHE_REASON_DEADLINE;
        n->named = node;
      }
    } else {
      n->flags = CRECHE_PASSING;
      m->n[n->parent].reached = 1;
    }
  }
  m_end(m, node);
}
static inline void m_end_group(model* m, int node) {
  mnode* n = &m->n[node];
  const int caught = n->called && !m_visible(m, node) && n->reached;
  const int passes = n->reached && !caught;
  n->flags = caught ? CRECHE_CAUGHT : passes ? CRECHE_PASSING : 0;
  if (passes) m->n[n->parent].reached = 1;
  if (n->errors_n > 0 && !(n->policy == CRECHE_RACE && n->won))
    n->status = CRECHE_E_GROUP;
  else if (passes)
    n->status = CRECHE_E_CANCELLED;
  else if (caught && n->called_by == CRECHE_REASON_DEADLINE && !n->move_on)
    n->status = CRECHE_E_TIMEOUT;
  if (n->status != CRECHE_OK && (n->eff || n->reached)) {
    n->reason = (uint32_t)n->cause;
    n->named = n->by;
  }
  if (n->status == CRECHE_E_TIMEOUT) {
    n->reason = CRECHE_REASON_DEADLINE;
    n->named = node;
  }
  m_end(m, node);
}
static inline creche_outcome m_leave_now(model* m, int node) {
  mnode* n = &m->n[node];
  creche_outcome o = {CRECHE_OK, 0, 0, 0};
  const int caught = n->called && !m_visible(m, node) && n->reached;
  if (n->eff || n->reached) o.reason = (uint32_t)n->cause;
  if (caught) {
    o.flags = CRECHE_CAUGHT;
    if (n->called_by == CRECHE_REASON_DEADLINE && !n->move_on) {
      o.status = CRECHE_E_TIMEOUT;
      o.reason = CRECHE_REASON_DEADLINE;
    }
  } else if (n->reached) {
    o.flags = CRECHE_PASSING;
    o.status = CRECHE_E_CANCELLED;
    m->n[n->parent].reached = 1;
  }
  n->gone = 1;
  m_uncount(m, node);
  return o;
}
/* Ends what has become empty, from the inside out. */
static inline void m_settle_down(model* m) {
  int i, again = 1;
  while (again)
    for (again = 0, i = m->count; i-- > 0;) {
      mnode* n = &m->n[i];
      if (!exists(n)) continue;
      /* What is cancelled or has finished, and has nothing but leases left, gives them back. */
      if (n->ending && n->leases > 0 && n->pending == n->leases && !n->give_back &&
          (n->eff || n->type == M_USER)) {
        n->give_back = 1;
        m_effect(m, E_GIVE_BACK, i);
      }
      if (n->type == M_SCOPE && n->leaving && n->live == 0) {
        m_leave_now(m, i);
        again = 1;
      } else if (n->type == M_GROUP && n->ending && n->pending == 0) {
        m_end_group(m, i);
        again = 1;
      } else if (n->type == M_START && n->ending && n->pending == 0) {
        m_complete_start(m, i);
        again = 1;
      } else if (n->type == M_USER && n->ending && n->pending == 0) {
        const mnode* failed = &m->n[n->failed_step];
        if (n->failed_step != 0 &&
            (n->finished_with == CRECHE_OK || n->finished_with == CRECHE_E_CANCELLED)) {
          n->reason = failed->reason; /* its error becomes the task's */
          n->named = failed->named;
          m_commit(m, i, failed->status);
        } else if (n->finished_with == CRECHE_OK && n->reached) {
          m_commit(m, i, CRECHE_E_CANCELLED); /* its steps were cut */
        } else {
          m_commit(m, i, n->finished_with);
        }
        again = 1;
      }
    }
}

/* ---- What the user does; each returns the status that the call must return ---- */
static inline creche_status m_admits(const model* m, int in) {
  const mnode* n = &m->n[in];
  if (n->gone) return CRECHE_E_ENDED;
  if (n->type == M_SCOPE) {
    if (n->leaving) return CRECHE_E_CLOSED;
    n = &m->n[n->owner];
  }
  if (n->type == M_SLEEP || n->type == M_WAIT || n->type == M_START) return CRECHE_E_STATE;
  if (n->type == M_GROUP) return n->over ? CRECHE_E_CLOSED : CRECHE_OK;
  return n->ending ? CRECHE_E_CLOSED : CRECHE_OK;
}
/* A scope or group must be closed by somebody: a task that lives does it; where its task has gone,
 * or outside of tasks of a loop that is closing, there is nobody. */
static inline creche_status m_admits_open(const model* m, int in) {
  const creche_status status = m_admits(m, in);
  int node = in;
  if (status != CRECHE_OK) return status;
  if (!is_owner(&m->n[node])) node = m->n[node].owner;
  if (m->n[node].abandoned) return CRECHE_E_CLOSED;
  if (!m->closed_all) return CRECHE_OK;
  for (; node > 0; node = m->n[node].parent)
    if (m->n[node].type == M_USER && !m->n[node].ending) return CRECHE_OK;
  return CRECHE_E_CLOSED;
}
static inline int m_new(model* m, mtype type, const mnode* options) {
  mnode* n = &m->n[m->count];
  *n = *options; /* all else is 0 */
  n->type = type;
  n->unborn = 1;
  n->due = n->deadline <= m->now;
  return m->count++;
}
static inline void m_enter(model* m, int node, int in) {
  mnode* n = &m->n[node];
  int from;
  n->unborn = 0;
  n->parent = in;
  n->owner = is_owner(&m->n[in]) ? in : m->n[in].owner;
  m->n[in].live++;
  m->n[n->owner].pending++;
  m_join_line(&m->age, node);
  if ((from = m_cancelled_from(m, node)) >= 0) {
    n->eff = n->was_eff = 1;
    n->cause = m->n[from].cause;
    n->by = m->n[from].by;
  }
  n->is_new = 1;
  if (n->due) m_cancel(m, node, CRECHE_REASON_DEADLINE, node);
  n->is_new = 0;
  if (n->type != M_SCOPE && n->type != M_GROUP) {
    const mnode* owner = &m->n[n->owner];
    n->waiting = owner->limit > 0 && owner->running >= owner->limit && !n->eff && !n->body;
    if (!n->waiting) m_begin(m, node, 0);
  }
}
static inline int m_add(model* m, mtype type, int in, const mnode* options) {
  const int node = m_new(m, type, options);
  m_enter(m, node, in);
  m_settle_down(m);
  return node;
}
/* A task or sleep; a group has one body in its life. */
static inline creche_status m_user_task(model* m, mtype type, int in, const mnode* options) {
  const creche_status status = m_admits(m, in);
  mnode* owner = &m->n[is_owner(&m->n[in]) ? in : m->n[in].owner];
  if (status != CRECHE_OK) return status;
  if (options->body && owner->type != M_GROUP) return CRECHE_E_INVALID;
  if (options->body && owner->has_body) return CRECHE_E_STATE;
  if (options->body) owner->has_body = 1;
  m_add(m, type, in, options);
  return CRECHE_OK;
}
static inline creche_status m_user_cancel(model* m, int node) {
  if (m->n[node].gone || m->n[node].over) return CRECHE_E_ENDED;
  m_cancel(m, node, CRECHE_REASON_EXPLICIT, node);
  m_settle_down(m);
  return CRECHE_OK;
}
static inline creche_status m_user_deadline(model* m, int node, int64_t deadline) {
  if (m->n[node].gone || m->n[node].over) return CRECHE_E_ENDED;
  if (m->n[node].called) return CRECHE_E_CANCELLED;
  m->n[node].deadline = deadline;
  if (deadline <= m->now) m_cancel(m, node, CRECHE_REASON_DEADLINE, node);
  m_settle_down(m);
  return CRECHE_OK;
}
static inline creche_status m_user_shield(model* m, int node, int shield) {
  if (m->n[node].gone || m->n[node].over) return CRECHE_E_ENDED;
  m->n[node].shield = shield;
  m_refresh(m);
  m_settle_down(m);
  return CRECHE_OK;
}
static inline creche_status m_user_close(model* m, int node) {
  if (m->n[node].gone) return CRECHE_E_ENDED;
  m->n[node].ending = 1;
  m_settle_down(m);
  return CRECHE_OK;
}
static inline creche_status m_user_leave(model* m, int node, creche_outcome* outcome) {
  mnode* n = &m->n[node];
  if (n->gone) return CRECHE_E_ENDED;
  if (n->leaving) return CRECHE_E_STATE;
  if (n->live > 0 && outcome != NULL) return CRECHE_E_BUSY;
  if (n->live > 0) {
    n->leaving = 1;
    return CRECHE_OK;
  }
  {
    const creche_outcome o = m_leave_now(m, node);
    if (outcome != NULL) *outcome = o;
  }
  m_settle_down(m);
  return CRECHE_OK;
}
/* Whether all between a node and the task that has finished is abandoned. */
static inline int m_abandoned(const model* m, int node, int task, const int* opened) {
  for (node = m->n[node].parent; node != task; node = m->n[node].parent) {
    const mnode* n = &m->n[node];
    const int passes = n->type == M_SCOPE || (n->type == M_GROUP && opened[node]) ||
                       (m->closed_all && (n->type == M_GROUP || n->type == M_START || n->ending));
    if (!passes) return 0;
  }
  return 1;
}
/* by_user: not where no function of the user's could clean up before. */
static inline void m_finish(model* m, int node, creche_status status, int by_user) {
  mnode* n = &m->n[node];
  int opened[MAX_NODES] = {0}, misnested = 0, i;
  n->ending = 1;
  if (status == CRECHE_E_CANCELLED && !n->was_eff) status = CRECHE_E_NOT_CANCELLED;
  for (i = node + 1; i < m->count; i++) {
    mnode* k = &m->n[i];
    if (!exists(k) || (k->type != M_SCOPE && k->type != M_GROUP) || !inside(m, i, node)) continue;
    if (k->type == M_SCOPE ? k->leaving : k->ending) continue;
    if (!m_abandoned(m, i, node, opened)) continue;
    opened[i] = misnested = 1;
    if (k->type == M_SCOPE)
      k->leaving = 1;
    else
      k->ending = k->abandoned = 1;
  }
  for (i = node + 1; i < m->count; i++)
    if (opened[i]) m_cancel(m, i, CRECHE_REASON_MISNESTED, node);
  if (misnested && by_user && (status == CRECHE_OK || status == CRECHE_E_CANCELLED))
    status = CRECHE_E_MISNESTED;
  n->reached = 0;
  n->finished_with = status;
  if (status != CRECHE_OK && !n->eff) {
    if (status == CRECHE_E_CANCELLED) {
      n->kept = n->cause;
      n->kept_by = n->by;
    }
    m_cancel(m, node, CRECHE_REASON_FINISHED, node);
  }
  if (n->body) m->n[n->owner].ending = 1;
  m_settle_down(m);
}
static inline creche_status m_user_finish(model* m, int node, creche_status status) {
  const mnode* n = &m->n[node];
  if (n->gone) return CRECHE_E_ENDED;
  if (n->offload || !n->begun || n->ending) return CRECHE_E_STATE;
  m_finish(m, node, status, 1);
  return CRECHE_OK;
}
static inline void m_close_all(model* m) {
  int i;
  m->n[0].ending = 1;
  m->closed_all = 1;
  m_cancel(m, 0, CRECHE_REASON_SHUTDOWN, 0);
  for (i = 1; i < m->count; i++) {
    mnode* n = &m->n[i];
    int up, outside = 1;
    if (!exists(n) || (n->type != M_SCOPE && n->type != M_GROUP)) continue;
    for (up = n->parent; up != 0; up = m->n[up].parent)
      if (m->n[up].type == M_USER && !m->n[up].ending) outside = 0;
    if (!outside) continue;
    if (n->type == M_SCOPE)
      n->leaving = 1;
    else
      n->ending = 1;
  }
  m_settle_down(m);
}

/* ---- The loop turns until nothing is left to tell ---- */
static inline void m_deliver(model* m, mevent e) {
  mnode* n = &m->n[e.node];
  int i;
  m->did++;
  switch (e.what) {
    case E_BEGIN:
      n->begun = 1;
      n->begins++;
      if (n->says) m_user_started(m, e.node, 7);
      if (n->at_once) m_user_finish(m, e.node, n->with);
      if ((n->eff || n->passed) && !n->ending) m_ask_to_stop(m, e.node);
      n->pending--;
      break;
    case E_CANCEL:
      n->cancel_due = 0;
      if (!n->ending) n->cancels++;
      n->pending--;
      break;
    case E_FINAL:
      n->finals++;
      n->gone = 1;
      m_leave_line(&m->channel.came, e.node);
      m_uncount(m, e.node);
      break;
    case E_START:
      if (!n->starting) break;
      if (n->type == M_WAIT) m_begin_wait(m, e.node);
      if (n->type == M_SLEEP) m_begin_sleep(m, e.node);
      if (n->type == M_START) m_begin_start(m, e.node);
      break;
    case E_OFFLOAD:
      m_run_offload(m, e.node);
      break;
    case E_YIELD: /* it is told as it ends, if a function is told */
      if (n->over) break;
      if (e.turn == m->turn) { /* let in by its group's limit in this turn */
        m_tell(m, E_YIELD, e.node);
        break;
      }
      m_commit(m, e.node, CRECHE_OK);
      if (n->told != M_CALLBACK) break;
      e = m->due[--m->due_n];
      m_settle_down(m);
      m_deliver(m, e);
      break;
    case E_GIVE_BACK:
      n->give_back = 0;
      /* Not if something was started meanwhile that holds it open. */
      if (n->pending != n->leases) break;
      for (i = 0; i < m->token_n; i++)
        if (m->token[i].alive && m->token[i].held && m->token[i].owner == e.node) m_give_back(m, i);
      break;
  }
  m_settle_down(m);
}
static inline int m_run_effects(model* m) {
  int i;
  for (i = 0; i < m->effect_n; i++) m_deliver(m, m->effect[i]);
  m->effect_n = 0;
  return i > 0;
}
/* The first of those whose time has come, or -1. Points of time are all different. */
static inline int m_expired(const model* m, int sleeps) {
  int i, first = -1;
  int64_t at = CRECHE_NEVER;
  for (i = 1; i < m->count; i++) {
    const mnode* n = &m->n[i];
    const int64_t point = sleeps ? n->wake : n->called ? CRECHE_NEVER : n->deadline;
    if (!exists(n) || (sleeps && (n->type != M_SLEEP || n->waiting || n->starting))) continue;
    if (point > m->now || point >= at) continue;
    at = point;
    first = i;
  }
  return first;
}
/* Whether something comes before who is to be told now: that is another turn's. */
static inline int m_comes_first(const model* m) {
  return m_expired(m, 0) > 0 || m_expired(m, 1) > 0 || m_rate_is_due(m);
}
/* A yield that began in this turn ends in the next, and nothing goes past it. */
static inline int m_gives_way(const model* m) {
  const mevent* e = &m->due[m->due_first];
  return e->what == E_YIELD && e->turn == m->turn && !m->n[e->node].over;
}
static inline void m_settle(model* m) {
  int did = 1;
  while (did) {
    int i, batch, round = 0;
    /* First deadlines expire, then sleeps end, then permits are given out; then who was to be told
     * by then is told, and who is to be told because of that, for a moment. */
    m->turn++;
    for (did = 0; (i = m_expired(m, 0)) > 0; did = 1) m_cancel(m, i, CRECHE_REASON_DEADLINE, i);
    for (; (i = m_expired(m, 1)) > 0; did = 1) m_commit(m, i, CRECHE_OK);
    did |= m_serve_rate(m);
    m_settle_down(m);
    did |= m_run_effects(m);
    do {
      for (batch = m->due_n; m->due_first < batch && !(round > 0 && m_gives_way(m)); did = 1)
        m_deliver(m, m->due[m->due_first++]);
      did |= m_run_effects(m);
      for (i = 0; i < m->lost_n; did = 1) {
        m_give_back(m, m->lost[i++]);
        m_settle_down(m);
      }
      m->lost_n = 0;
    } while (m->due_first == batch && m->due_first < m->due_n && ++round < 16 && !m_comes_first(m));
  }
  m->due_first = m->due_n = 0;
}

#endif

/* The rules of what tasks wait on, for model.h: limiters, events, rate limiters, channels. Nothing
 * is lost between two who wait: a result is handed to the first in line in the call that makes it
 * possible, and who is cancelled leaves the line in the call that cancels it. */
#ifndef MODEL_WAITS_H
#define MODEL_WAITS_H

#include "model.h"

/* ---- Lines ---- */
static inline void m_join_line(mline* line, int node) {
  line->node[line->n++] = node;
}
static inline void m_leave_line(mline* line, int node) {
  int i, k = 0;
  for (i = 0; i < line->n; i++)
    if (line->node[i] != node) line->node[k++] = line->node[i];
  line->n = k;
}
static inline mline* m_line_of(model* m, const mnode* n) {
  switch (n->wait) {
    case W_TOKEN:
      return &m->limiter.line;
    case W_EVENT:
      return &m->event.line;
    case W_PERMITS:
      return &m->rate.line;
    default:
      return &m->channel.line[n->wait == W_SEND ? SENDERS : RECEIVERS];
  }
}
static inline int m_in_line(model* m, int node) {
  const mline* line = m_line_of(m, &m->n[node]);
  int i;
  for (i = 0; i < line->n; i++)
    if (line->node[i] == node) return 1;
  return 0;
}
static inline void m_succeed(model* m, int node) {
  m_leave_line(m_line_of(m, &m->n[node]), node);
  m_commit(m, node, CRECHE_OK);
}
/* It ends without what it waits for. An item that it was to send is nobody's now. */
static inline void m_cut_wait(model* m, int node, creche_status status) {
  mnode* n = &m->n[node];
  m_leave_line(m_line_of(m, n), node);
  if (n->wait == W_TOKEN) m->token[n->token].alive = 0;
  if (n->wait == W_SEND) m->freed[n->amount]++;
  m_commit(m, node, status);
}
static inline void m_cut_line(model* m, mline* line) {
  while (line->n > 0) {
    const int node = line->node[0];
    if (m->n[node].offload) {
      m_leave_line(line, node);
      m_wake_offload(m, node);
    } else {
      m_cut_wait(m, node, CRECHE_E_CLOSED);
    }
  }
}

/* ---- Limiters ---- */
static inline int m_borrows(const model* m, int borrower) {
  int i;
  for (i = 0; i < m->token_n; i++)
    if (borrower != 0 && m->token[i].alive && m->token[i].borrower == borrower) return 1;
  return 0;
}
static inline int m_new_token(model* m, int borrower) {
  mtoken* token = &m->token[m->token_n];
  token->alive = 1;
  token->borrower = borrower;
  return m->token_n++;
}
static inline int m_token_free(const model* m) {
  return m->limiter.line.n == 0 && m->limiter.borrowed < m->limiter.total;
}
static inline void m_lend(model* m, int token, int owner) {
  m->token[token].held = 1;
  m->token[token].owner = owner;
  m->limiter.borrowed++;
  m->n[owner].leases++;
  m->n[owner].pending++;
}
static inline void m_grant(model* m, int node) {
  mnode* n = &m->n[node];
  if (n->offload) {
    m_grant_offload(m, node);
    return;
  }
  m_lend(m, n->token, n->owner);
  n->flags = CRECHE_OWNED;
  m_succeed(m, node);
}
static inline void m_hand_over(model* m) {
  mlimiter* l = &m->limiter;
  while (l->line.n > 0 && l->borrowed < l->total) m_grant(m, l->line.node[0]);
}
static inline void m_give_back(model* m, int token) {
  mtoken* t = &m->token[token];
  if (!t->alive || !t->held) return;
  t->alive = 0;
  if (t->owner != NOBODY) {
    m->n[t->owner].leases--;
    m->n[t->owner].pending--;
  }
  m->limiter.borrowed--;
  m_hand_over(m);
}

/* ---- Rate limiters: a bucket of credits ---- */
static inline int64_t m_credits(const mrate* r, int64_t now) {
  return r->credits + (now - r->at) * r->permits;
}
static inline int64_t m_rate_due(const mrate* r, int64_t permits) {
  const int64_t missing = permits * r->interval - r->credits;
  const int64_t due = missing <= 0 ? r->at : r->at + (missing + r->permits - 1) / r->permits;
  return due > r->paused_until ? due : r->paused_until;
}
/* What is more than full flows over. Who waited was perhaps served late, which may make up for one
 * permit, but not for the time of a pause. */
static inline void m_take(model* m, int64_t permits, int from_line) {
  mrate* r = &m->rate;
  int64_t most = r->burst * r->interval, credits = m_credits(r, m->now);
  const int64_t since_pause = (m->now - r->paused_until) * r->permits;
  if (from_line) most += since_pause < r->interval ? since_pause : r->interval;
  r->credits = (credits < most ? credits : most) - permits * r->interval;
  r->at = m->now;
}
static inline int m_rate_is_due(const model* m) {
  const mrate* r = &m->rate;
  return r->line.n > 0 && m_rate_due(r, m->n[r->line.node[0]].amount) <= m->now;
}
static inline int m_serve_rate(model* m) {
  mrate* r = &m->rate;
  int did = 0;
  while (r->line.n > 0) {
    const int node = r->line.node[0];
    if (m_rate_due(r, m->n[node].amount) > m->now) break;
    m_take(m, m->n[node].amount, 1);
    m_succeed(m, node);
    did = 1;
  }
  return did;
}

/* ---- Channels ---- */
static inline int m_open_handles(const model* m, int side) {
  return m->channel.open[side][0] + m->channel.open[side][1];
}
static inline void m_comes(model* m, int node) {
  if (m->n[node].told != M_NOBODY) m_join_line(&m->channel.came, node);
  m_succeed(m, node);
}
static inline void m_receives(model* m, int node, int item) {
  m->n[node].value = (uint64_t)item;
  m_comes(m, node);
}
static inline void m_receives_end(model* m, int node) {
  m->n[node].kind = CRECHE_END;
  m_comes(m, node);
}
/* An item goes before all that somebody is still to be told of, from the one at `place` on. */
static inline void m_put_front(model* m, int place, int item) {
  mchannel* c = &m->channel;
  for (; place < c->came.n; place++) {
    mnode* n = &m->n[c->came.node[place]];
    const int its = (int)n->value;
    n->value = (uint64_t)item;
    if (n->kind == CRECHE_END) {
      n->kind = CRECHE_DONE;
      return;
    }
    item = its;
  }
  if (c->line[RECEIVERS].n > 0) {
    m_receives(m, c->line[RECEIVERS].node[0], item);
  } else if (m_open_handles(m, RECEIVERS) == 0) {
    m->freed[item]++;
  } else {
    memmove(c->item + 1, c->item, (size_t)c->n++ * sizeof *c->item);
    c->item[0] = item;
  }
}
static inline creche_status m_send_now(model* m, int item) {
  mchannel* c = &m->channel;
  if (m_open_handles(m, RECEIVERS) == 0) return CRECHE_E_CLOSED;
  if (c->line[RECEIVERS].n > 0) {
    m_receives(m, c->line[RECEIVERS].node[0], item);
    return CRECHE_OK;
  }
  if (c->n >= c->capacity) return CRECHE_E_LIMIT;
  c->item[c->n++] = item;
  return CRECHE_OK;
}
/* Who waits to send moves up, unless more was put back than there are places. */
static inline creche_status m_receive_now(model* m, int* item) {
  mchannel* c = &m->channel;
  const int sender = c->line[SENDERS].n > 0 && c->n <= c->capacity ? c->line[SENDERS].node[0] : -1;
  if (c->n == 0 && sender < 0)
    return m_open_handles(m, SENDERS) == 0 ? CRECHE_E_CLOSED : CRECHE_E_LIMIT;
  if (sender >= 0) c->item[c->n++] = m->n[sender].amount;
  *item = c->item[0];
  memmove(c->item, c->item + 1, (size_t)--c->n * sizeof *c->item);
  if (sender >= 0) m_succeed(m, sender);
  return CRECHE_OK;
}
/* Both results stand, whatever the end of the one does to the other. */
static inline void m_begin_send(model* m, int node) {
  mnode* n = &m->n[node];
  creche_status status = CRECHE_E_CLOSED;
  n->standing = 1;
  if (n->handle >= 0) status = m_send_now(m, n->amount);
  n->standing = 0;
  if (status == CRECHE_OK)
    m_succeed(m, node);
  else if (status == CRECHE_E_LIMIT)
    m_join_line(&m->channel.line[SENDERS], node);
  else
    m_cut_wait(m, node, CRECHE_E_CLOSED);
}
static inline void m_begin_receive(model* m, int node) {
  mnode* n = &m->n[node];
  int item = 0;
  creche_status status = CRECHE_E_ENDED;
  n->standing = 1;
  if (n->handle >= 0) status = m_receive_now(m, &item);
  n->standing = 0;
  if (status == CRECHE_OK)
    m_receives(m, node, item);
  else if (status == CRECHE_E_LIMIT)
    m_join_line(&m->channel.line[RECEIVERS], node);
  else if (status == CRECHE_E_CLOSED)
    m_receives_end(m, node);
  else
    m_cut_wait(m, node, CRECHE_E_CLOSED);
}

/* ---- A wait begins, and ends for nobody ---- */
static inline void m_begin_wait(model* m, int node) {
  mnode* n = &m->n[node];
  n->starting = 0;
  if (n->eff) {
    m_cut_wait(m, node, CRECHE_E_CANCELLED);
    return;
  }
  switch (n->wait) {
    case W_TOKEN:
      if (m->limiter.released)
        m_cut_wait(m, node, CRECHE_E_CLOSED);
      else if (m_token_free(m))
        m_grant(m, node);
      else
        m_join_line(&m->limiter.line, node);
      break;
    case W_EVENT:
      if (m->event.set)
        m_succeed(m, node);
      else if (m->event.released)
        m_cut_wait(m, node, CRECHE_E_CLOSED);
      else
        m_join_line(&m->event.line, node);
      break;
    case W_PERMITS:
      if (m->rate.released) {
        m_cut_wait(m, node, CRECHE_E_CLOSED);
      } else if (m->rate.line.n == 0 && m_rate_due(&m->rate, n->amount) <= m->now) {
        m_take(m, n->amount, 0);
        m_succeed(m, node);
      } else {
        m_join_line(&m->rate.line, node);
      }
      break;
    case W_SEND:
      m_begin_send(m, node);
      break;
    case W_RECEIVE:
      m_begin_receive(m, node);
      break;
  }
}
static inline void m_nobody_takes(model* m, int node) {
  const mnode* n = &m->n[node];
  if (n->status != CRECHE_OK) return;
  if (n->wait == W_TOKEN) m->lost[m->lost_n++] = n->token;
  if (n->wait == W_RECEIVE && n->kind != CRECHE_END) m->freed[n->value]++;
}

/* ---- What the user does ---- */
/* A wait for something in `in`; x: the borrower, the permits, the handle; item: what it sends. */
static inline creche_status m_user_wait(model* m, int in, mwait what, int x, int item,
                                        mnode* options) {
  creche_status status;
  if (what == W_TOKEN && m->limiter.released) return CRECHE_E_ENDED;
  if (what == W_EVENT && m->event.released) return CRECHE_E_ENDED;
  if (what == W_PERMITS && m->rate.released) return CRECHE_E_ENDED;
  if (what == W_SEND && !m->channel.open[SENDERS][x]) return CRECHE_E_ENDED;
  if (what == W_RECEIVE && !m->channel.open[RECEIVERS][x]) return CRECHE_E_ENDED;
  if ((status = m_admits(m, in)) != CRECHE_OK) return status;
  if (what == W_TOKEN && m_borrows(m, x)) return CRECHE_E_STATE;
  if (what == W_PERMITS && x > m->rate.burst) return CRECHE_E_INVALID;
  if (what == W_SEND && m_open_handles(m, RECEIVERS) == 0) return CRECHE_E_CLOSED;
  options->wait = what;
  options->kind = CRECHE_DONE;
  options->handle = x;
  options->amount = what == W_SEND ? item : x;
  if (what == W_TOKEN) options->token = m_new_token(m, x);
  m_add(m, M_WAIT, in, options);
  return CRECHE_OK;
}
static inline creche_status m_user_try_token(model* m, int in, int borrower, int* token) {
  creche_status status;
  if (m->limiter.released) return CRECHE_E_ENDED;
  if ((status = m_admits(m, in)) != CRECHE_OK) return status;
  if (m_borrows(m, borrower)) return CRECHE_E_STATE;
  if (!m_token_free(m)) return CRECHE_E_LIMIT;
  *token = m_new_token(m, borrower);
  m_lend(m, *token, is_owner(&m->n[in]) ? in : m->n[in].owner);
  m_settle_down(m);
  return CRECHE_OK;
}
static inline void m_user_give_back(model* m, int token) {
  m_give_back(m, token);
  m_settle_down(m);
}
static inline creche_status m_user_move_token(model* m, int token, int to) {
  mtoken* t = &m->token[token];
  creche_status status;
  if (!t->alive) return CRECHE_E_ENDED;
  if ((status = m_admits(m, to)) != CRECHE_OK) return status;
  m->n[t->owner].leases--;
  m->n[t->owner].pending--;
  t->owner = is_owner(&m->n[to]) ? to : m->n[to].owner;
  m->n[t->owner].leases++;
  m->n[t->owner].pending++;
  m_settle_down(m);
  return CRECHE_OK;
}
static inline creche_status m_user_set_total(model* m, int total) {
  if (m->limiter.released) return CRECHE_E_ENDED;
  m->limiter.total = total;
  m_hand_over(m);
  m_settle_down(m);
  return CRECHE_OK;
}
static inline void m_user_release_limiter(model* m) {
  m->limiter.released = 1;
  m_cut_line(m, &m->limiter.line);
  m_settle_down(m);
}
static inline creche_status m_user_set_event(model* m) {
  if (m->event.released) return CRECHE_E_ENDED;
  m->event.set = 1;
  while (m->event.line.n > 0) m_succeed(m, m->event.line.node[0]);
  m_settle_down(m);
  return CRECHE_OK;
}
static inline void m_user_release_event(model* m) {
  m->event.released = 1;
  m_cut_line(m, &m->event.line);
  m_settle_down(m);
}
static inline creche_status m_user_try_rate(model* m, int permits) {
  if (m->rate.released) return CRECHE_E_ENDED;
  if (permits > m->rate.burst) return CRECHE_E_INVALID;
  if (m->rate.line.n > 0 || m_rate_due(&m->rate, permits) > m->now) return CRECHE_E_LIMIT;
  m_take(m, permits, 0);
  return CRECHE_OK;
}
static inline creche_status m_user_pause(model* m, int64_t until) {
  if (m->rate.released) return CRECHE_E_ENDED;
  if (until > m->rate.paused_until) m->rate.paused_until = until;
  return CRECHE_OK;
}
static inline creche_status m_user_resume(model* m) {
  if (m->rate.released) return CRECHE_E_ENDED;
  if (m->rate.paused_until > m->now) m->rate.paused_until = m->now;
  return CRECHE_OK;
}
static inline void m_user_release_rate(model* m) {
  m->rate.released = 1;
  m_cut_line(m, &m->rate.line);
  m_settle_down(m);
}
static inline creche_status m_user_try_send(model* m, int handle, int item) {
  const creche_status status =
      m->channel.open[SENDERS][handle] ? m_send_now(m, item) : CRECHE_E_ENDED;
  m_settle_down(m);
  return status;
}
static inline creche_status m_user_try_receive(model* m, int handle, int* item) {
  const creche_status status =
      m->channel.open[RECEIVERS][handle] ? m_receive_now(m, item) : CRECHE_E_ENDED;
  m_settle_down(m);
  return status;
}
static inline creche_status m_user_put_back(model* m, int handle, int item) {
  if (!m->channel.open[RECEIVERS][handle]) return CRECHE_E_ENDED;
  m_put_front(m, 0, item);
  m_settle_down(m);
  return CRECHE_OK;
}
/* A receive that was not told of: it has never been. */
static inline creche_status m_user_unreceive(model* m, int node) {
  mnode* n = &m->n[node];
  mline* came = &m->channel.came;
  const int item = (int)n->value, is_end = n->kind == CRECHE_END;
  int place = 0;
  while (place < came->n && came->node[place] != node) place++;
  if (place == came->n) {
    const int untold = n->told == M_CALLBACK ? !n->gone : n->undrained;
    if (n->over) return untold && !n->undone ? CRECHE_OK : CRECHE_E_ENDED;
    m_cancel(m, node, CRECHE_REASON_EXPLICIT, node);
    m_settle_down(m);
    return CRECHE_OK;
  }
  n->undone = 1;
  n->status = CRECHE_E_CANCELLED;
  n->kind = CRECHE_DONE;
  n->value = 0;
  n->reason = CRECHE_REASON_EXPLICIT;
  n->named = node;
  if (n->told == M_CALLBACK && m_visible(m, node)) {
    n->flags = CRECHE_PASSING;
    m->n[n->parent].reached = 1;
  } else {
    n->flags = CRECHE_CAUGHT;
  }
  m_leave_line(came, node);
  if (!is_end) m_put_front(m, place, item);
  m_settle_down(m);
  return CRECHE_OK;
}
/* Takes all that is in the queue, and releases it. */
static inline void m_user_drain(model* m) {
  while (m->queue.n > 0) {
    const mline drained = m->queue;
    int i;
    m->queue.n = 0;
    for (i = 0; i < drained.n; i++) {
      m->n[drained.node[i]].undrained = 0;
      m_leave_line(&m->channel.came, drained.node[i]);
    }
    for (i = 0; i < drained.n; i++) {
      if (m_is_seated(m, &m->n[drained.node[i]])) m_uncount(m, drained.node[i]);
      m_settle_down(m);
    }
  }
}
/* Those who wait through this handle fail, and those who have not begun will. With the last handle
 * of a side goes the side. */
static inline void m_user_release_end(model* m, int side, int handle) {
  mchannel* c = &m->channel;
  int i;
  if (!c->open[side][handle]) return;
  for (i = 1; i < m->count; i++) {
    mnode* n = &m->n[i];
    if (!exists(n) || n->type != M_WAIT || n->handle != handle) continue;
    if (n->wait != (side == SENDERS ? W_SEND : W_RECEIVE)) continue;
    n->handle = -1;
    if (m_in_line(m, i)) m_cut_wait(m, i, CRECHE_E_CLOSED);
  }
  c->open[side][handle] = 0;
  if (m_open_handles(m, side) == 0 && side == SENDERS) {
    while (c->line[RECEIVERS].n > 0) m_receives_end(m, c->line[RECEIVERS].node[0]);
  } else if (m_open_handles(m, side) == 0) {
    m_cut_line(m, &c->line[SENDERS]);
    while (c->n > 0) m->freed[c->item[--c->n]]++;
  }
  m_settle_down(m);
}

#endif

/* The random programs of random_test.c: made from a seed, made shorter. */
#ifndef RANDOM_PROGRAM_H
#define RANDOM_PROGRAM_H

#include <stdint.h>

#include <creche/creche.h>

typedef enum {
  /* These need their node. */
  OPEN_SCOPE,
  OPEN_GROUP,
  SLEEP,
  YIELD,
  SPAWN,
  CANCEL,
  MOVE_DEADLINE,
  SHIELD,
  CLOSE,
  LEAVE,
  LEAVE_LATER,
  FINISH,
  ACQUIRE,
  TRY_ACQUIRE,
  MOVE_TOKEN,
  RELEASE_TOKEN,
  WAIT_EVENT,
  ACQUIRE_RATE,
  SEND,
  RECEIVE,
  UNRECEIVE,
  PUT_BACK,
  START,
  STARTED,
  OFFLOAD,
  RETURN,
  /* These do not. */
  SET_TOTAL,
  RELEASE_LIMITER,
  SET_EVENT,
  RELEASE_EVENT,
  TRY_RATE,
  PAUSE_RATE,
  RESUME_RATE,
  RELEASE_RATE,
  TRY_SEND,
  TRY_RECEIVE,
  RELEASE_SENDER,
  RELEASE_RECEIVER,
  ADVANCE,
  JUMP,
  SETTLE,
  CLOSE_LOOP
} action;
/* Nodes are named by the step that made them; 0 is the loop. A step whose node was never made, or
 * is of the wrong kind, does nothing: so steps can be left out. A start is named by its step, its
 * child by CHILD more. */
typedef struct step {
  action what;
  int node; /* step + 1 that made it, or the token */
  int to;   /* where a token or the child of a start goes */
  int a, b, c, d, e;
  int t; /* a time from now, -1 for never */
} step;
enum { MAX_STEPS = 60, NO_NODE = MAX_STEPS, CHILD = 64, NAMES = 2 * CHILD, MAX_STARTS = 15 };
/* What tasks wait on: any of these. */
enum { LIMITERS = 1, EVENTS = 2, RATES = 4, CHANNELS = 8, OFFLOADS = 16 };
typedef struct program {
  step s[MAX_STEPS];
  int n;
  int threads; /* every other call is made by another thread */
  int lazy;    /* its queue is only drained when the loop turns */
  int hooks;   /* somebody watches: the library then has no short ways for tasks and scopes */
  int with;    /* LIMITERS, ... */
  int workers; /* for offloaded functions */
  int total, capacity, permits, burst, interval;
} program;

static uint64_t random_state;
static uint32_t draw(uint32_t below) { /* splitmix64 */
  uint64_t z = random_state += UINT64_C(0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
  return (uint32_t)((z ^ (z >> 31)) >> 33) % below;
}
/* What a step makes, and what another needs. */
enum {
  A_SCOPE = 1,
  A_GROUP = 2,
  A_USER_TASK = 4,
  A_LEAF = 8,
  A_TOKEN = 16,
  A_RECEIVE = 32,
  A_CHILD = 64,
  A_WORK = 128
};
static int makes(action what) {
  switch (what) {
    case OPEN_SCOPE:
      return A_SCOPE;
    case OPEN_GROUP:
      return A_GROUP;
    case SPAWN:
      return A_USER_TASK;
    case TRY_ACQUIRE:
      return A_TOKEN;
    case ACQUIRE:
      return A_LEAF | A_TOKEN;
    case SLEEP:
    case YIELD:
    case WAIT_EVENT:
    case ACQUIRE_RATE:
    case SEND:
      return A_LEAF;
    case RECEIVE:
      return A_LEAF | A_RECEIVE;
    case START:
      return A_LEAF | A_USER_TASK | A_CHILD;
    case OFFLOAD:
      return A_LEAF | A_USER_TASK | A_WORK;
    default:
      return 0;
  }
}
static int needs(action what) {
  switch (what) {
    case CANCEL:
    case MOVE_DEADLINE:
    case SHIELD:
      return A_SCOPE | A_GROUP | A_USER_TASK | A_LEAF;
    case CLOSE:
      return A_GROUP;
    case LEAVE:
    case LEAVE_LATER:
      return A_SCOPE;
    case FINISH:
      return A_USER_TASK;
    case MOVE_TOKEN:
    case RELEASE_TOKEN:
      return A_TOKEN;
    case UNRECEIVE:
    case PUT_BACK:
      return A_RECEIVE;
    case STARTED:
      return A_CHILD;
    case RETURN:
      return A_WORK;
    default:
      return A_SCOPE | A_GROUP | A_USER_TASK;
  }
}
/* Mostly one of those that were made lately; now and then anything. */
static int draw_node(const program* p, int i, int kinds) {
  const int back = (int)draw(draw(3) ? 4 : 16);
  int found = 0, last = kinds & (A_TOKEN | A_RECEIVE | A_CHILD | A_WORK) ? NO_NODE : 0, k;
  if (!draw(16)) return (int)draw((uint32_t)i + 1);
  for (k = i; k-- > 0 && found <= back;)
    if (makes(p->s[k].what) & kinds) {
      last = k + 1;
      if (p->s[k].what == START && (!(kinds & A_LEAF) || draw(2))) last += CHILD;
      found++;
    }
  return found <= back && !draw(4) ? 0 : last;
}
static int is_release(action what) {
  return what == RELEASE_LIMITER || what == RELEASE_EVENT || what == RELEASE_RATE ||
         what == RELEASE_SENDER || what == RELEASE_RECEIVER;
}
/* What most programs of users do: without options, and tasks end as they begin. */
static void make_plain(step* s) {
  s->a = s->c = 1;
  s->b = draw(2) ? 0 : 3;
  if (s->what == OPEN_SCOPE || s->what == OPEN_GROUP) s->b = 1;
  s->d = s->what == SPAWN && draw(2) ? 0 : 3;
  s->t = -1;
}
static void make_program(program* p, uint64_t seed) {
#define OF(list) list, sizeof list / sizeof *list
  static const action tree[] = {
      OPEN_SCOPE, OPEN_SCOPE, OPEN_GROUP, OPEN_GROUP,    SLEEP,  SLEEP,         SLEEP,
      SPAWN,      SPAWN,      SPAWN,      CANCEL,        CANCEL, MOVE_DEADLINE, SHIELD,
      SHIELD,     CLOSE,      CLOSE,      LEAVE,         LEAVE,  LEAVE_LATER,   FINISH,
      FINISH,     FINISH,     FINISH,     SETTLE,        SETTLE, SETTLE,        SETTLE,
      SETTLE,     ADVANCE,    ADVANCE,    MOVE_DEADLINE, YIELD,  YIELD,         START,
      START,      START,      STARTED,    STARTED};
  static const action limiters[] = {ACQUIRE,       ACQUIRE,       ACQUIRE,       ACQUIRE,
                                    ACQUIRE,       ACQUIRE,       ACQUIRE,       TRY_ACQUIRE,
                                    RELEASE_TOKEN, RELEASE_TOKEN, RELEASE_TOKEN, RELEASE_TOKEN,
                                    MOVE_TOKEN,    SET_TOTAL,     SET_TOTAL};
  static const action events[] = {WAIT_EVENT, WAIT_EVENT, WAIT_EVENT, SET_EVENT};
  static const action rates[] = {ACQUIRE_RATE, ACQUIRE_RATE, ACQUIRE_RATE, ACQUIRE_RATE,
                                 ACQUIRE_RATE, ACQUIRE_RATE, TRY_RATE,     TRY_RATE,
                                 PAUSE_RATE,   RESUME_RATE,  ADVANCE,      ADVANCE};
  static const action channels[] = {SEND,        SEND,      SEND,      SEND,    SEND,
                                    SEND,        RECEIVE,   RECEIVE,   RECEIVE, RECEIVE,
                                    RECEIVE,     RECEIVE,   SEND,      RECEIVE, TRY_SEND,
                                    TRY_RECEIVE, UNRECEIVE, UNRECEIVE, PUT_BACK};
  static const action offloads[] = {OFFLOAD, OFFLOAD, OFFLOAD, OFFLOAD, OFFLOAD, OFFLOAD,
                                    RETURN,  RETURN,  RETURN,  RETURN,  JUMP,    JUMP,
                                    SETTLE,  SETTLE,  CANCEL,  CANCEL,  SHIELD};
  static const action ends[] = {RELEASE_LIMITER, RELEASE_EVENT, RELEASE_RATE, RELEASE_SENDER,
                                RELEASE_RECEIVER};
  static const struct {
    int with;
    const action* list;
    size_t n;
  } more[] = {{LIMITERS, OF(limiters)}, {EVENTS, OF(events)},
              {RATES, OF(rates)},       {CHANNELS, OF(channels)},
              {OFFLOADS, OF(offloads)}, {EVENTS | RATES | LIMITERS | CHANNELS, OF(ends)}};
#undef OF
  static const int kinds[] = {0,
                              0,
                              0,
                              LIMITERS,
                              LIMITERS | EVENTS,
                              RATES,
                              CHANNELS,
                              CHANNELS,
                              LIMITERS | RATES,
                              CHANNELS | EVENTS,
                              LIMITERS,
                              LIMITERS | EVENTS | RATES | CHANNELS,
                              OFFLOADS,
                              OFFLOADS,
                              OFFLOADS | LIMITERS,
                              OFFLOADS | LIMITERS | EVENTS | RATES | CHANNELS};
  action weighted[150];
  uint32_t choices = 0, k;
  int i, plain, starts = 0;
  random_state = seed;
  p->n = 4 + (int)draw(MAX_STEPS - 4);
  p->threads = draw(16) == 0;
  p->hooks = draw(4) == 0;
  p->lazy = draw(3) == 0;
  plain = draw(3) == 0;
  p->with = kinds[draw(sizeof kinds / sizeof *kinds)];
  if (draw(2)) p->with &= ~OFFLOADS; /* they cost more time than all else */
  p->total = (int)draw(3);
  p->capacity = (int)draw(4);
  p->permits = 1 + (int)draw(3);
  p->burst = 1 + (int)draw(3);
  p->interval = 300 + (int)draw(3000);
  p->workers = draw(2) ? 40 : 1 + (int)draw(2);
  for (k = 0; k < sizeof tree / sizeof *tree; k++) weighted[choices++] = tree[k];
  for (i = 0; i < (int)(sizeof more / sizeof *more); i++)
    for (k = 0; k < more[i].n && (p->with & more[i].with); k++)
      weighted[choices++] = more[i].list[k];
  for (i = 0; i < p->n; i++) {
    step* s = &p->s[i];
    s->what = weighted[draw(choices)];
    if (is_release(s->what) && draw(3)) s->what = SETTLE;
    if (i > 8 && !draw(200)) s->what = CLOSE_LOOP;
    if (s->what == START && ++starts > MAX_STARTS) s->what = SETTLE;
    s->node = draw_node(p, i, needs(s->what));
    s->to = draw_node(p, i, s->what == START ? A_GROUP : A_SCOPE | A_GROUP | A_USER_TASK);
    s->a = (int)draw(4);
    s->b = (int)draw(4);
    s->c = (int)draw(4);
    s->d = draw(2) ? 3 : (int)draw(3);
    s->e = (int)draw(12);
    s->t = draw(3) ? -1 : (int)draw(6);
    if (plain && draw(4) && makes(s->what) != 0) make_plain(s);
    /* The model has it that notices are taken from the queue at once. */
    if (p->lazy && s->what == SPAWN && s->b == 1) s->b = 3;
    if (p->lazy && s->what == START) s->e -= s->e % 2;
  }
}

/* Leaves out steps for as long as the difference stays: fails(program) says that. */
static int without(int node, int step) {
  if (node >= CHILD) {
    node = without(node - CHILD, step);
    return node == NO_NODE ? NO_NODE : node + CHILD;
  }
  return node == step + 1 ? NO_NODE : node > step + 1 && node < NO_NODE ? node - 1 : node;
}
static void shrink(program* p, int (*fails)(const program*)) {
  int again = 1, i, k;
  while (again)
    for (again = 0, i = p->n; i-- > 0;) {
      program shorter = *p;
      shorter.n = 0;
      for (k = 0; k < p->n; k++) {
        step s = p->s[k];
        if (k == i) continue;
        s.node = without(s.node, i);
        s.to = without(s.to, i);
        shorter.s[shorter.n++] = s;
      }
      if (!fails(&shorter)) continue;
      *p = shorter;
      again = 1;
    }
}

/* An external task that is to be the body of its group. */
static int is_body(const step* s) {
  return s->what == SPAWN && (s->b == 1 || s->b == 2) && s->e >= 10;
}
/* Whether options would only say what is so without: then none are given. */
static int plain_task(const step* s) {
  return !is_body(s) && s->a != 0 && s->b != 1 && s->c != 0 && s->t < 0;
}
static int plain_scope(const step* s) {
  return s->a != 0 && s->b != 0 && s->t < 0;
}

static int child_is_external(const step* s) {
  return s->b == 2 || (s->b == 1 && s->e % 2);
}
/* Of an offloaded function: whether it may be abandoned, and what it returns. */
static int is_abandonable(const step* s) {
  return s->e % 2;
}
static creche_status returned(const step* s) {
  static const creche_status statuses[] = {CRECHE_E_USER, 7, CRECHE_E_CANCELLED, CRECHE_OK};
  return statuses[s->d];
}
static int is_limited(int with, const step* s) {
  return with & LIMITERS && s->e >= 4;
}

#endif

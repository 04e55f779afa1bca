/* The random programs of random_test.c: made from a seed, made shorter, printed in C. */
#ifndef RANDOM_PROGRAM_H
#define RANDOM_PROGRAM_H

#include <stdint.h>
#include <stdio.h>

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
  SETTLE
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
enum { LIMITERS = 1, EVENTS = 2, RATES = 4, CHANNELS = 8 };
typedef struct program {
  step s[MAX_STEPS];
  int n;
  int threads; /* every other call is made by another thread */
  int lazy;    /* its queue is only drained when the loop turns */
  int hooks;   /* somebody watches: the library then has no short ways for tasks and scopes */
  int with;    /* LIMITERS, ... */
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
  A_CHILD = 64
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
    default:
      return A_SCOPE | A_GROUP | A_USER_TASK;
  }
}
/* Mostly one of those that were made lately; now and then anything. */
static int draw_node(const program* p, int i, int kinds) {
  const int back = (int)draw(draw(3) ? 4 : 16);
  int found = 0, last = kinds & (A_TOKEN | A_RECEIVE | A_CHILD) ? NO_NODE : 0, k;
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
  static const action ends[] = {RELEASE_LIMITER, RELEASE_EVENT, RELEASE_RATE, RELEASE_SENDER,
                                RELEASE_RECEIVER};
  static const struct {
    int with;
    const action* list;
    size_t n;
  } more[] = {{LIMITERS, OF(limiters)},
              {EVENTS, OF(events)},
              {RATES, OF(rates)},
              {CHANNELS, OF(channels)},
              {EVENTS | RATES | LIMITERS | CHANNELS, OF(ends)}};
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
                              LIMITERS | EVENTS | RATES | CHANNELS};
  action weighted[100];
  uint32_t choices = 0, k;
  int i, plain, starts = 0;
  random_state = seed;
  p->n = 4 + (int)draw(MAX_STEPS - 4);
  p->threads = draw(16) == 0;
  p->hooks = draw(4) == 0;
  p->lazy = draw(3) == 0;
  plain = draw(3) == 0;
  p->with = kinds[draw(sizeof kinds / sizeof *kinds)];
  p->total = (int)draw(3);
  p->capacity = (int)draw(4);
  p->permits = 1 + (int)draw(3);
  p->burst = 1 + (int)draw(3);
  p->interval = 300 + (int)draw(3000);
  for (k = 0; k < sizeof tree / sizeof *tree; k++) weighted[choices++] = tree[k];
  for (i = 0; i < 5; i++)
    for (k = 0; k < more[i].n && (p->with & more[i].with); k++)
      weighted[choices++] = more[i].list[k];
  for (i = 0; i < p->n; i++) {
    step* s = &p->s[i];
    s->what = weighted[draw(choices)];
    if (is_release(s->what) && draw(3)) s->what = SETTLE;
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

/* Whether options would only say what is so without: then none are given. */
static int plain_task(const step* s) {
  return s->a != 0 && s->b != 1 && s->c != 0 && s->t < 0;
}
static int plain_scope(const step* s) {
  return s->a != 0 && s->b != 0 && s->t < 0;
}

static int child_is_external(const step* s) {
  return s->b == 2 || (s->b == 1 && s->e % 2);
}

/* ---- Printing one: a program of its own, which says what everything in it was told ---- */
static FILE* out;
static const creche_status finishes[] = {CRECHE_OK, CRECHE_OK, CRECHE_E_CANCELLED, CRECHE_E_USER};

static const char* const functions[] = {"creche_nobody", "NULL", "see", "see"};
static const char* const start_bodies[] = {"body_succeeds", "body_fails", "body_starts",
                                           "body_waits"};

static void print_start(const step* s, int i, const char* in, const char* point) {
  static const char* const bodies[] = {"body_succeeds", "body_fails", "body_gives_up",
                                       "body_waits"};
  const char* done = functions[s->b];
  char wake[32] = "CRECHE_NEVER", tail[64];
  if (!plain_task(s))
    fprintf(out,
            "to = task_options(); to.shield = %d; to.on_timeout = %s; to.queue = queue; "
            "to.deadline = %s;\n",
            s->a == 0, s->c == 0 ? "CRECHE_MOVE_ON" : "CRECHE_FAIL", point);
  snprintf(tail, sizeof tail, "%s, %s, &s[%d], &t", plain_task(s) ? "NULL" : "&to", done, i + 1);
  if (s->d != 3) snprintf(wake, sizeof wake, "now() + %d", (s->d + 1) * 1000 + 500 + i);
  if (s->what == SLEEP)
    fprintf(out, "creche_sleep_until(%s, %s, %s);", in, wake, tail);
  else if (s->what == YIELD)
    fprintf(out, "creche_yield(%s, %s);", in, tail);
  else if (s->what == ACQUIRE)
    fprintf(out, "creche_limiter_acquire(limiter, %s, %d, %s);", in, s->e < 3 ? s->e : 0, tail);
  else if (s->what == WAIT_EVENT)
    fprintf(out, "creche_event_wait(event, %s, %s);", in, tail);
  else if (s->what == ACQUIRE_RATE)
    fprintf(out, "creche_rate_acquire(rate, %s, %d, %s);", in, 1 + s->e % 3, tail);
  else if (s->what == SEND)
    fprintf(out, "creche_channel_send(sender[%d], %s, %d, %s);", s->e % 2, in, i + 1, tail);
  else if (s->what == RECEIVE)
    fprintf(out, "creche_channel_receive(receiver[%d], %s, %s);", s->e % 2, in, tail);
  else if (s->b == 1 || s->b == 2)
    fprintf(out, "creche_task_open(%s, %s);", in, tail);
  else
    fprintf(out, "creche_task_spawn(%s, %s, &s[%d], %s);", in, bodies[s->d], i + 1, tail);
  fprintf(out, " n[%d] = t.scope;\n", i + 1);
}
/* The name of a node, as a scope. */
static void print_name(char* name, size_t size, int node) {
  if (node == 0)
    snprintf(name, size, "loop.scope");
  else
    snprintf(name, size, node < CHILD ? "n[%d]" : "s[%d].task.scope", node);
}
static void print_start_child(const step* s, int i, const char* in, const char* point) {
  char target[32];
  print_name(target, sizeof target, s->to);
  fprintf(out, "to = task_options(); to.shield = %d; to.on_timeout = %s; to.queue = queue;\n",
          s->a == 0, s->c == 0 ? "CRECHE_MOVE_ON" : "CRECHE_FAIL");
  fprintf(out, "tc = task_options(); tc.shield = %d; tc.on_timeout = %s; tc.queue = queue;\n",
          s->a == 1, s->c == 1 ? "CRECHE_MOVE_ON" : "CRECHE_FAIL");
  fprintf(out,
          "%s.deadline = %s; creche_start_options_init(&st, sizeof st); st.task = &to; "
          "st.child = &tc; st.child_done = %s; st.child_user = &s[%d];\n",
          s->e < 6 ? "to" : "tc", point, functions[s->b], CHILD + i + 1);
  fprintf(out, "creche_task_start((creche_group){%s}, %s, %s, &s[%d], &st, %s, &s[%d], &t);",
          target, in, child_is_external(s) ? "NULL" : start_bodies[s->d], CHILD + i + 1,
          functions[s->e % 3], i + 1);
  fprintf(out, " n[%d] = t.scope;\n", i + 1);
}
static void print_things(const program* p) {
  if (p->with & LIMITERS)
    fprintf(out,
            "creche_limiter_options_init(&lo, sizeof lo); lo.total = %d; "
            "creche_limiter_open(loop, &lo, &limiter);\n",
            p->total);
  if (p->with & EVENTS) fprintf(out, "creche_event_open(loop, NULL, &event);\n");
  if (p->with & RATES)
    fprintf(out,
            "creche_rate_options_init(&ro, sizeof ro); ro.permits = %d; ro.burst = %d; "
            "ro.interval = %d; "
            "creche_rate_open(loop, &ro, &rate);\n",
            p->permits, p->burst, p->interval);
  if (p->with & CHANNELS)
    fprintf(out,
            "creche_channel_options_init(&co, sizeof co); co.capacity = %d; "
            "co.item_free = item_free; "
            "creche_channel_open(loop, &co, &sender[0], &receiver[0]); "
            "creche_sender_clone(sender[0], &sender[1]); "
            "creche_receiver_clone(receiver[0], &receiver[1]);\n",
            p->capacity);
}
static void print_step(const step* s, int i) {
  static const char* const policies[] = {"CRECHE_FAIL_FAST", "CRECHE_COLLECT", "CRECHE_RACE",
                                         "CRECHE_FAIL_FAST"};
  char in[32], to[32], point[32];
  if (s->node == NO_NODE && s->what < SET_TOTAL) return;
  if (s->t < 0)
    snprintf(point, sizeof point, "CRECHE_NEVER");
  else
    snprintf(point, sizeof point, "now() + %d", s->t == 0 ? 0 : s->t * 1000 + i);
  print_name(in, sizeof in, s->node);
  print_name(to, sizeof to, s->to);
  switch (s->what) {
    case OPEN_SCOPE:
      if (!plain_scope(s))
        fprintf(out,
                "so = scope_options(); so.shield = %d; so.on_timeout = %s; so.deadline = %s;\n",
                s->a == 0, s->b == 0 ? "CRECHE_MOVE_ON" : "CRECHE_FAIL", point);
      fprintf(out, "creche_scope_open(%s, %s, &n[%d]);\n", in, plain_scope(s) ? "NULL" : "&so",
              i + 1);
      break;
    case OPEN_GROUP:
      fprintf(out,
              "go = group_options(); go.shield = %d; go.policy = %s; go.on_timeout = %s; "
              "go.limit = %d; go.flags = %s; go.queue = %s; go.deadline = %s;\n",
              s->a == 0, policies[s->b], s->c == 0 ? "CRECHE_MOVE_ON" : "CRECHE_FAIL",
              s->d == 3 ? 0 : s->d, s->e < 4 ? "CRECHE_GROUP_UNTIL_RELEASED" : "0",
              s->c == 3 ? "queue" : "(creche_queue){0}", point);
      fprintf(out, "creche_group_open(%s, &go, %s, &s[%d], &g); n[%d] = g.scope;\n", in,
              s->c == 3 ? "NULL" : "see", i + 1, i + 1);
      break;
    case SLEEP:
    case YIELD:
    case SPAWN:
    case ACQUIRE:
    case WAIT_EVENT:
    case ACQUIRE_RATE:
    case SEND:
    case RECEIVE:
      print_start(s, i, in, point);
      break;
    case CANCEL:
      fprintf(out, "creche_scope_cancel(%s, NULL);\n", in);
      break;
    case MOVE_DEADLINE:
      fprintf(out, "creche_scope_set_deadline(%s, %s);\n", in, point);
      break;
    case SHIELD:
      fprintf(out, "creche_scope_set_shield(%s, %d);\n", in, s->a % 2);
      break;
    case CLOSE:
      fprintf(out, "creche_group_close((creche_group){%s});\n", in);
      break;
    case LEAVE:
      fprintf(out, "creche_scope_leave(%s, &outcome);\n", in);
      break;
    case LEAVE_LATER:
      fprintf(out, "creche_scope_leave(%s, NULL);\n", in);
      break;
    case FINISH:
      fprintf(out, "creche_task_finish((creche_task){%s}, %s, 0, NULL);\n", in,
              creche_status_name(finishes[s->a]));
      break;
    case START:
      print_start_child(s, i, in, point);
      break;
    case STARTED:
      fprintf(out, "creche_task_started((creche_task){%s}, 7);\n", in);
      break;
    case UNRECEIVE:
      fprintf(out, "creche_channel_unreceive((creche_task){%s});\n", in);
      break;
    case PUT_BACK:
      fprintf(out, "put_back(receiver[%d], &s[%d]);\n", s->e % 2, s->node);
      break;
    case TRY_ACQUIRE:
      fprintf(out, "creche_limiter_try(limiter, %s, %d, &token[%d]);\n", in, s->e < 3 ? s->e : 0,
              i + 1);
      break;
    case MOVE_TOKEN: /* one that was waited for is the value of its completion */
      fprintf(out, "creche_token_move(token[%d], %s);\n", s->node, to);
      break;
    case RELEASE_TOKEN:
      fprintf(out, "creche_token_release(token[%d]);\n", s->node);
      break;
    case SET_TOTAL:
      fprintf(out, "creche_limiter_set_total(limiter, %d);\n", s->a);
      break;
    case RELEASE_LIMITER:
      fprintf(out, "creche_limiter_release(limiter);\n");
      break;
    case SET_EVENT:
      fprintf(out, "creche_event_set(event);\n");
      break;
    case RELEASE_EVENT:
      fprintf(out, "creche_event_release(event);\n");
      break;
    case TRY_RATE:
      fprintf(out, "creche_rate_try(rate, %d);\n", 1 + s->e % 3);
      break;
    case PAUSE_RATE:
      fprintf(out, "creche_rate_pause(rate, %s);\n", point);
      break;
    case RESUME_RATE:
      fprintf(out, "creche_rate_resume(rate);\n");
      break;
    case RELEASE_RATE:
      fprintf(out, "creche_rate_release(rate);\n");
      break;
    case TRY_SEND:
      fprintf(out, "creche_channel_try_send(sender[%d], %d);\n", s->e % 2, i + 1);
      break;
    case TRY_RECEIVE:
      fprintf(out, "creche_channel_try_receive(receiver[%d], &item);\n", s->e % 2);
      break;
    case RELEASE_SENDER:
      fprintf(out, "creche_sender_release(sender[%d]);\n", s->e % 2);
      break;
    case RELEASE_RECEIVER:
      fprintf(out, "creche_receiver_release(receiver[%d]);\n", s->e % 2);
      break;
    case ADVANCE:
      fprintf(out, "creche_clock_advance(loop, %d);\n", 1000 * (1 + s->a));
      break;
    case SETTLE:
      fprintf(out, "turn();\n");
      break;
  }
}
static const char before_it[] =
    "/* cc -Iinclude -Itests this.c -lcreche -lcmocka */\n"
    "#include \"support/core.h\"\n"
    "enum { N = %d };\n"
    "static seen s[N];\n"
    "static creche_scope n[N];\n"
    "static creche_token token[N];\n"
    "static creche_queue queue;\n"
    "static void item_free(void* user, uint64_t item) {\n"
    "  (void)user;\n"
    "  printf(\"item %%d is freed\\n\", (int)item);\n"
    "}\n"
    "static void put_back(creche_receiver receiver, seen* has) { /* once, if it has an item */\n"
    "  if (has->finals == 0 || has->status != CRECHE_OK || has->kind == CRECHE_END) return;\n"
    "  creche_channel_put_back(receiver, has->value);\n"
    "  has->kind = CRECHE_END;\n"
    "}\n"
    "static int drain(void) {\n"
    "  creche_completion c;\n"
    "  size_t n;\n"
    "  int count = 0;\n"
    "  for (; creche_queue_drain(queue, &c, 1, &n) == CRECHE_OK && n == 1; count++) {\n"
    "    note(c.user, &c);\n"
    "    c.flags &= ~(uint32_t)CRECHE_OWNED;\n"
    "    creche_completions_release(&c, n);\n"
    "  }\n"
    "  return count;\n"
    "}\n"
    "static void turn(void) { /* until there is nothing to do, and nothing to read */\n"
    "  do settle();\n"
    "  while (drain() > 0);\n"
    "}\n"
    "int main(void) {\n"
    "creche_scope_options so; creche_group_options go; creche_task_options to, tc;\n"
    "creche_start_options st;\n"
    "creche_limiter_options lo; creche_rate_options ro; creche_channel_options co;\n"
    "creche_limiter limiter = {0}; creche_event event = {0}; creche_rate rate = {0};\n"
    "creche_sender sender[2] = {{0}}; creche_receiver receiver[2] = {{0}};\n"
    "creche_group g = {{0}}; creche_task t = {{0}}; creche_outcome outcome; uint64_t item; int i;\n"
    "(void)so, (void)go, (void)to, (void)tc, (void)st, (void)lo, (void)ro, (void)co, "
    "(void)limiter, (void)event;\n"
    "(void)rate, (void)sender, (void)receiver, (void)token, (void)g, (void)t, (void)outcome;\n"
    "(void)item, (void)item_free, (void)put_back;\n"
    "open_loop_with(CRECHE_CLOCK_VIRTUAL, 0);\n"
    "creche_queue_open(loop, NULL, &queue);\n";
static const char behind_it[] =
    "turn();\n"
    "for (i = 0; i < N; i++)\n"
    "  if (s[i].begins + s[i].cancels + s[i].finals > 0)\n"
    "    printf(\"%d: begun %d, asked to stop %d, ended %d: %s, flags %u, reason %u, %s\\n\", i,\n"
    "           s[i].begins, s[i].cancels, s[i].finals, creche_status_name(s[i].status),\n"
    "           (unsigned)s[i].flags, (unsigned)s[i].reason, s[i].message);\n"
    "creche_loop_close(loop);\n"
    "turn();\n"
    "for (i = 0; i < N; i++) creche_scope_set_shield(n[i], 0);\n"
    "for (i = 0; i < N; turn()) { /* those that end may let others begin */\n"
    "  if (n[i].id == 0) n[i] = s[i].task.scope; /* a child of a start */\n"
    "  creche_scope_set_shield(n[i], 0);\n"
    "  i = creche_task_finish((creche_task){n[i]}, CRECHE_OK, 0, NULL) == CRECHE_OK ? 0 : i + 1;\n"
    "}\n"
    "return close_loop(NULL);\n"
    "}\n";
/* why: what is wrong with it. */
static void print_program(const program* p, uint64_t seed, const char* why) {
  int i;
  fprintf(out, "/* seed %llu: %s. */\n", (unsigned long long)seed, why);
  fprintf(out, before_it, NAMES);
  print_things(p);
  for (i = 0; i < p->n; i++) {
    print_step(&p->s[i], i);
    /* What is in the queue can still be taken back. */
    if (p->with & CHANNELS && !p->lazy && p->s[i].what != SETTLE) fprintf(out, "drain();\n");
  }
  fputs(behind_it, out);
}

#endif

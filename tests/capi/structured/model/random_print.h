/* The random programs of random_test.c in C: programs of their own, which say what everything in
 * them was told. */
#ifndef RANDOM_PRINT_H
#define RANDOM_PRINT_H

#include <stdio.h>

#include "random_program.h"

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
            "to.deadline = %s; to.flags = %s;\n",
            s->a == 0, s->c == 0 ? "CRECHE_MOVE_ON" : "CRECHE_FAIL", point,
            is_body(s) ? "CRECHE_TASK_BODY" : "0");
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
static void print_offload(const program* p, const step* s, int i, const char* in,
                          const char* point) {
  if (!plain_task(s))
    fprintf(out,
            "to = task_options(); to.shield = %d; to.on_timeout = %s; to.queue = queue; "
            "to.deadline = %s;\n",
            s->a == 0, s->c == 0 ? "CRECHE_MOVE_ON" : "CRECHE_FAIL", point);
  fprintf(out,
          "creche_offload_options_init(&fo, sizeof fo); fo.flags = %s; fo.task = %s; "
          "fo.limiter = %s; fo.arg_free = work_freed;\n",
          is_abandonable(s) ? "CRECHE_OFFLOAD_ABANDON" : "0", plain_task(s) ? "NULL" : "&to",
          is_limited(p->with, s) ? "limiter" : "(creche_limiter){0}");
  fprintf(out, "work_init(&w[%d], %d, %d);\n", i + 1, returned(s), i + 1);
  fprintf(out, "creche_offload(%s, work_runs, &w[%d], &fo, %s, &s[%d], &t); n[%d] = t.scope;\n", in,
          i + 1, functions[s->b], i + 1, i + 1);
}
static void print_things(const program* p) {
  if (p->with & OFFLOADS) fprintf(out, "work_open();\n");
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
static void print_step(const program* p, const step* s, int i) {
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
    case OFFLOAD:
      print_offload(p, s, i, in, point);
      break;
    case RETURN:
      if (s->node < CHILD) fprintf(out, "work_returns(&w[%d], n[%d]);\n", s->node, s->node);
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
    case JUMP: /* unless it stands still */
      fprintf(out, "creche_loop_poll(loop, CRECHE_MILLISECOND);\n");
      break;
    case SETTLE:
      fprintf(out, "turn();\n");
      break;
    case CLOSE_LOOP:
      fprintf(out, "creche_loop_close(loop);\n");
      break;
  }
}
static const char before_it[] =
    "/* cc -Iinclude -Itests this.c -lcreche -lcmocka */\n"
    "#define _GNU_SOURCE\n"
    "#define CRECHE_MUST_CHECK /* what comes of it is looked at */\n"
    "#include \"support/work.h\"\n"
    "enum { N = %d };\n"
    "static seen s[N];\n"
    "static work w[N];\n"
    "static creche_scope n[N];\n"
    "static creche_token token[N];\n"
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
    "creche_start_options st; creche_offload_options fo;\n"
    "creche_limiter_options lo; creche_rate_options ro; creche_channel_options co;\n"
    "creche_limiter limiter = {0}; creche_event event = {0}; creche_rate rate = {0};\n"
    "creche_sender sender[2] = {{0}}; creche_receiver receiver[2] = {{0}};\n"
    "creche_group g = {{0}}; creche_task t = {{0}}; creche_outcome outcome; uint64_t item; int i;\n"
    "(void)so, (void)go, (void)to, (void)tc, (void)st, (void)fo, (void)lo, (void)ro, (void)co, "
    "(void)limiter, (void)event;\n"
    "(void)rate, (void)sender, (void)receiver, (void)token, (void)g, (void)t, (void)outcome;\n"
    "(void)item, (void)item_free, (void)put_back, (void)w;\n"
    "%s\n"
    "creche_queue_open(loop, NULL, &queue);\n";
static const char behind_it[] =
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
    "  work_returns(&w[i], n[i]);\n"
    "  i = creche_task_finish((creche_task){n[i]}, CRECHE_OK, 0, NULL) == CRECHE_OK ? 0 : i + 1;\n"
    "}\n"
    "return close_loop(NULL);\n"
    "}\n";
static void print_taken(const int* taken, int step) {
  int k;
  for (k = 0; k < NAMES; k++)
    if (taken[k] == step) fprintf(out, "work_has(&w[%d]);\n", k);
}
/* why: what is wrong with it. taken: by name, the step after which a worker had it, or -1. */
static void print_program(const program* p, uint64_t seed, const char* why, const int* taken) {
  char opening[64] = "open_loop_with(CRECHE_CLOCK_VIRTUAL, 0);";
  int i;
  if (p->with & OFFLOADS) snprintf(opening, sizeof opening, "work_loop(%d);", p->workers);
  fprintf(out, "/* seed %llu: %s. */\n", (unsigned long long)seed, why);
  fprintf(out, before_it, NAMES, opening);
  print_things(p);
  for (i = 0; i < p->n; i++) {
    print_step(p, &p->s[i], i);
    print_taken(taken, i);
    /* What is in the queue can still be taken back. */
    if (p->with & CHANNELS && !p->lazy && p->s[i].what != SETTLE) fprintf(out, "drain();\n");
  }
  fprintf(out, "turn();\n");
  print_taken(taken, p->n);
  fputs(behind_it, out);
}

#endif

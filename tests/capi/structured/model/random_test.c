/* Random programs of scopes, groups, tasks, starts, shields, failures and cancellations, and of
 * limiters, events, rate limiters, channels and offloaded functions among them, compared step by
 * step with the model of model.h and what it names. A program that shows a difference is made as
 * short as it can be and printed in C.
 *
 *   capi_structured_random [programs [seed]]        the soak: capi_structured_random 10000000
 *   capi_structured_random --print seed             that program, as it is, in C */
#include <pthread.h>
#include <semaphore.h>

#include "random_offload.h"
#include "random_print.h"

/* Starts a task of any kind in a node. */
static creche_status start_task(run* r, int index, const step* s, mnode* options,
                                creche_status* expected) {
  static const creche_done_fn bodies[] = {body_succeeds, body_fails, body_gives_up, body_waits};
  static const creche_status ends[] = {CRECHE_OK, CRECHE_E_USER, CRECHE_E_CANCELLED, 0};
  model* m = &r->m;
  const int node = r->node_of[s->node], made = m->count;
  const int external = s->what == SPAWN && (s->b == 1 || s->b == 2);
  const int borrower = s->e < 3 ? s->e : 0, permits = 1 + s->e % 3, handle = s->e % 2;
  const creche_scope in = r->id[node];
  const creche_done_fn done = routed[s->b];
  seen* user = &r->s[made];
  creche_task_options o = options_of(s, options);
  const creche_task_options* given = plain_task(s) ? NULL : &o;
  creche_task task;
  creche_status got;
  task.scope.id = 0;
  options->in_queue = external && s->b == 1;
  options->at_once = s->what == SPAWN && !external && s->d != 3;
  options->with = ends[s->d];
  options->yields = s->what == YIELD;
  options->body = is_body(s);
  if (is_body(s)) o.flags = CRECHE_TASK_BODY;
  if (s->what == SLEEP && s->d != 3) options->wake = m->now + (s->d + 1) * 1000 + 500 + index;
  switch (s->what) {
    case ACQUIRE:
      got = creche_limiter_acquire(r->limiter, in, (uint64_t)borrower, given, done, user, &task);
      *expected = m_user_wait(m, node, W_TOKEN, borrower, 0, options);
      if (*expected == CRECHE_OK) r->token_of[index + 1] = m->n[made].token;
      break;
    case WAIT_EVENT:
      got = creche_event_wait(r->event, in, given, done, user, &task);
      *expected = m_user_wait(m, node, W_EVENT, 0, 0, options);
      break;
    case ACQUIRE_RATE:
      got = creche_rate_acquire(r->rate, in, (uint32_t)permits, given, done, user, &task);
      *expected = m_user_wait(m, node, W_PERMITS, permits, 0, options);
      break;
    case SEND:
      got =
          creche_channel_send(r->sender[handle], in, (uint64_t)index + 1, given, done, user, &task);
      *expected = m_user_wait(m, node, W_SEND, handle, index + 1, options);
      break;
    case RECEIVE:
      got = creche_channel_receive(r->receiver[handle], in, given, done, user, &task);
      *expected = m_user_wait(m, node, W_RECEIVE, handle, 0, options);
      break;
    default:
      if (external)
        got = creche_task_open(in, given, done, user, &task);
      else if (s->what == SPAWN)
        got = creche_task_spawn(in, bodies[s->d], user, given, done, user, &task);
      else if (s->what == YIELD)
        got = creche_yield(in, given, done, user, &task);
      else
        got = creche_sleep_until(in, options->wake, given, done, user, &task);
      *expected = m_user_task(m, s->what == SPAWN ? M_USER : M_SLEEP, node, options);
  }
  r->id[made] = task.scope;
  return got;
}
/* Starts a child for a group. */
static creche_status start_child(run* r, const step* s, int target, mnode* options,
                                 creche_status* expected) {
  static const creche_done_fn bodies[] = {body_succeeds, body_fails, body_starts, body_waits};
  static const creche_status ends[] = {CRECHE_OK, CRECHE_E_USER, 0, 0};
  model* m = &r->m;
  const int in = r->node_of[s->node], made = m->count, external = child_is_external(s);
  creche_task_options of_start = task_options(), of_child = task_options();
  creche_start_options o;
  creche_group group;
  creche_task task;
  creche_status got;
  mnode child;
  memset(&child, 0, sizeof child);
  memset(&r->s[made + 1], 0, sizeof r->s[made + 1]);
  child.deadline = child.wake = CRECHE_NEVER;
  if (s->e >= 6) {
    child.deadline = options->deadline;
    options->deadline = CRECHE_NEVER;
  }
  options->shield = s->a == 0;
  options->move_on = s->c == 0;
  options->told = routes[s->e % 3];
  child.shield = s->a == 1;
  child.move_on = s->c == 1;
  child.told = routes[s->b];
  child.in_queue = external && s->b == 1;
  child.at_once = !external && s->d < 2;
  child.with = ends[s->d];
  child.says = !external && s->d == 2;
  OK(creche_start_options_init(&o, sizeof o));
  o.task = &of_start;
  o.child = &of_child;
  o.child_done = routed[s->b];
  o.child_user = &r->s[made + 1];
  of_start.shield = (uint32_t)options->shield;
  of_start.on_timeout = options->move_on ? CRECHE_MOVE_ON : CRECHE_FAIL;
  of_start.deadline = options->deadline;
  of_child.shield = (uint32_t)child.shield;
  of_child.on_timeout = child.move_on ? CRECHE_MOVE_ON : CRECHE_FAIL;
  of_child.deadline = child.deadline;
  of_start.queue = of_child.queue = queue;
  group.scope = r->id[target];
  got = creche_task_start(group, r->id[in], external ? NULL : bodies[s->d], o.child_user, &o,
                          routed[s->e % 3], &r->s[made], &task);
  *expected = m_user_start(m, target, in, options, &child);
  r->id[made] = task.scope;
  r->id[made + 1].id = 0;
  return got;
}
/* Does something to a token that the program has got. */
static int do_token(run* r, const step* s) {
  const int token = r->token_of[s->node], node = r->node_of[s->node], to = r->node_of[s->to];
  creche_token id = r->tried[s->node];
  if (token < 0) return 0;
  if (node >= 0) {
    const seen* told = &r->s[node];
    if (told->finals == 0 || told->status != CRECHE_OK) return 0;
    id.id = told->value;
  }
  if (s->what == RELEASE_TOKEN) {
    creche_token_release(id);
    m_user_give_back(&r->m, token);
    return 0;
  }
  if (to < 0 || r->id[to].id == 0) return 0;
  return compare_status(r, to, creche_token_move(id, r->id[to]),
                        m_user_move_token(&r->m, token, to));
}
/* Takes a receive back, or puts back what it has received. */
static int do_receive(run* r, int node, const step* s) {
  const int handle = s->e % 2;
  const seen* told = &r->s[node];
  creche_task task;
  task.scope = r->id[node];
  if (r->m.n[node].wait != W_RECEIVE || r->m.n[node].type != M_WAIT) return 0;
  if (s->what == UNRECEIVE)
    return compare_status(r, node, creche_channel_unreceive(task), m_user_unreceive(&r->m, node));
  if (told->finals == 0 || told->status != CRECHE_OK || told->kind == CRECHE_END) return 0;
  if (r->put_back[node]++ > 0) return 0;
  return compare_status(r, node, creche_channel_put_back(r->receiver[handle], told->value),
                        m_user_put_back(&r->m, handle, (int)told->value));
}
/* Does something to what tasks wait on. */
static int change_thing(run* r, int index, const step* s) {
  model* m = &r->m;
  const int handle = s->e % 2, permits = 1 + s->e % 3, item = index + 1;
  creche_status got = CRECHE_OK, expected = CRECHE_OK;
  switch (s->what) {
    case SET_TOTAL:
      got = creche_limiter_set_total(r->limiter, (uint32_t)s->a);
      expected = m_user_set_total(m, s->a);
      break;
    case RELEASE_LIMITER:
      creche_limiter_release(r->limiter);
      m_user_release_limiter(m);
      break;
    case SET_EVENT:
      got = creche_event_set(r->event);
      expected = m_user_set_event(m);
      break;
    case RELEASE_EVENT:
      creche_event_release(r->event);
      m_user_release_event(m);
      break;
    case TRY_RATE:
      got = creche_rate_try(r->rate, (uint32_t)permits);
      expected = m_user_try_rate(m, permits);
      break;
    case PAUSE_RATE:
      got = creche_rate_pause(r->rate, point_of(r, index, s));
      expected = m_user_pause(m, point_of(r, index, s));
      break;
    case RESUME_RATE:
      got = creche_rate_resume(r->rate);
      expected = m_user_resume(m);
      break;
    case RELEASE_RATE:
      creche_rate_release(r->rate);
      m_user_release_rate(m);
      break;
    case TRY_SEND:
      got = creche_channel_try_send(r->sender[handle], (uint64_t)item);
      expected = m_user_try_send(m, handle, item);
      break;
    case TRY_RECEIVE: {
      uint64_t received = 0;
      int wanted = 0;
      got = creche_channel_try_receive(r->receiver[handle], &received);
      expected = m_user_try_receive(m, handle, &wanted);
      if ((int)received != wanted) return differ(r, "the item", 0, (long)received, wanted);
      break;
    }
    case RELEASE_SENDER:
      creche_sender_release(r->sender[handle]);
      m_user_release_end(m, SENDERS, handle);
      break;
    default:
      creche_receiver_release(r->receiver[handle]);
      m_user_release_end(m, RECEIVERS, handle);
  }
  return compare_status(r, 0, got, expected);
}

/* Does one step on both sides; 1 if they differ. */
static int do_step(run* r, int index, const step* s) {
  model* m = &r->m;
  const int node = r->node_of[s->node];
  creche_status got = CRECHE_OK, expected;
  int made = m->count;
  mnode options;
  r->node_of[index + 1] = r->node_of[CHILD + index + 1] = r->token_of[index + 1] = -1;
  r->step = index;
  if (s->what == SETTLE || s->what == JUMP) {
    if ((s->what == JUMP ? let_jump : turn_both)(r)) return 1;
    if (compare_freed(r)) return 1; /* what draining lets go is freed in the next turn */
    drain(m);
    return compare_all(r);
  }
  if (s->what == ADVANCE) {
    const int64_t by = 1000 * (1 + s->a);
    creche_clock_advance(loop, by);
    m->now += by;
    return compare_all(r);
  }
  if (s->what == CLOSE_LOOP) {
    OK(creche_loop_close(loop));
    m_close_all(m);
    return compare_all(r);
  }
  if (s->what >= SET_TOTAL) return change_thing(r, index, s) || compare_all(r);
  if (s->what == MOVE_TOKEN || s->what == RELEASE_TOKEN) return do_token(r, s) || compare_all(r);
  if (node < 0 || r->id[node].id == 0) return 0; /* a child that was not told yet */
  if (s->what == RETURN) return let_return(r, node) || compare_all(r);
  if (s->what == UNRECEIVE || s->what == PUT_BACK) return do_receive(r, node, s) || compare_all(r);
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
      got = creche_scope_open(r->id[node], plain_scope(s) ? NULL : &o, &r->id[made]);
      expected = m_admits_open(m, node);
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
      if (s->c == 3) o.queue = queue;
      if (s->e < 4) o.flags = CRECHE_GROUP_UNTIL_RELEASED;
      o.deadline = options.deadline;
      options.shield = s->a == 0;
      options.move_on = s->c == 0;
      options.policy = (int)o.policy;
      options.limit = (int)o.limit;
      options.until_released = s->e < 4;
      options.told = s->c == 3 ? M_QUEUE : M_CALLBACK;
      got = creche_group_open(r->id[node], &o, s->c == 3 ? NULL : see, &r->s[made], &group);
      r->id[made] = group.scope;
      expected = m_admits_open(m, node);
      if (expected != CRECHE_OK) break;
      m_add(m, M_GROUP, node, &options);
      break;
    }
    case SLEEP:
    case YIELD:
    case SPAWN:
    case ACQUIRE:
    case WAIT_EVENT:
    case ACQUIRE_RATE:
    case SEND:
    case RECEIVE:
      got = start_task(r, index, s, &options, &expected);
      break;
    case OFFLOAD:
      got = start_offload(r, index, s, &options, &expected);
      break;
    case START: {
      const int target = r->node_of[s->to];
      if (target < 0 || m->n[target].type != M_GROUP) return 0;
      got = start_child(r, s, target, &options, &expected);
      if (expected == CRECHE_OK) r->node_of[CHILD + index + 1] = made + 1;
      break;
    }
    case STARTED: {
      creche_task task;
      if (m->n[node].type != M_USER) return 0;
      task.scope = r->id[node];
      got = creche_task_started(task, 7);
      expected = m_user_started(m, node, 7);
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
    case TRY_ACQUIRE: {
      const int borrower = s->e < 3 ? s->e : 0;
      got = creche_limiter_try(r->limiter, r->id[node], (uint64_t)borrower, &r->tried[index + 1]);
      expected = m_user_try_token(m, node, borrower, &r->token_of[index + 1]);
      break;
    }
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

/* Until there is nothing to do, and nothing to read. */
static int turn(run* r) {
  do {
    if (turn_both(r)) return 1;
  } while (drain(&r->m));
  return 0;
}

/* The end: shields go down, the loop closes, tasks finish one after the other; then nothing is
 * left. */
static int end_program(run* r) {
  model* m = &r->m;
  int i, left = 1, rounds = 0;
  r->lazy = 0;
  r->step++;
  if (turn_both(r) || compare_all(r)) return 1;
  for (i = 1; i < m->count; i++) {
    if (r->id[i].id == 0) continue;
    creche_scope_set_shield(r->id[i], 0);
    m_user_shield(m, i, 0);
  }
  creche_loop_close(loop);
  m_close_all(m);
  while (left && rounds++ < MAX_NODES) {
    if (turn(r)) return 1;
    learn_children(r);
    for (left = 0, i = 1; i < m->count; i++) {
      creche_task task;
      if (m->n[i].type != M_USER || m->n[i].gone || m->n[i].ending) continue;
      left = 1;
      if (r->id[i].id == 0) continue; /* a child that was not told yet */
      if (m->n[i].offload && let_return(r, i)) return 1;
      if (m->n[i].offload) continue;
      task.scope = r->id[i];
      if (compare_status(r, i, creche_task_finish(task, CRECHE_E_CANCELLED, 0, NULL),
                         m_user_finish(m, i, CRECHE_E_CANCELLED)))
        return 1;
    }
  }
  if (turn(r)) return 1;
  for (i = 1; i < m->count; i++) {
    if (!m->n[i].gone) return differ(r, "the end", i, 0, 1);
    if (compare_node(r, i)) return 1;
  }
  if (creche_loop_join(loop, PATIENCE) != CRECHE_OK) return differ(r, "the join", 0, 0, 1);
  for (i = 1; i < m->count; i++) { /* those that were abandoned outlive the loop */
    if (m->n[i].entered && !m->n[i].returned) m->n[i].frees++;
  }
  open_gates(r);
  await_freed(r);
  if (compare_work(r)) return 1;
  if (spawned != over) return differ(r, "how many have ended, as hooks have it,", 0, over, spawned);
  while (m->channel.n > 0) m->freed[m->channel.item[--m->channel.n]]++;
  return compare_freed(r);
}

/* 1 if there is a difference; the_run.why says which. */
static int run_program(const program* p) {
  int i, differs = 0;
  run* r = &the_run;
  memset(&r->m, 0, sizeof r->m);
  memset(r->put_back, 0, sizeof r->put_back);
  r->lazy = p->lazy;
  r->with = p->with;
  r->why[0] = '\0';
  if (open_virtual(p->hooks, p->workers) != 0 || creche_clock_hold(loop) != CRECHE_OK ||
      creche_queue_open(loop, NULL, &queue) != CRECHE_OK)
    fail_msg("no loop");
  r->m.count = 1;
  r->m.has_entered = has_entered;
  r->step = -1;
  r->m.n[0].deadline = r->m.n[0].wake = CRECHE_NEVER;
  open_things(r, p);
  r->id[0] = loop.scope;
  for (i = 0; i < NAMES; i++) r->node_of[i] = -1;
  r->node_of[0] = 0;
  r->token_of[0] = r->token_of[NO_NODE] = -1;
  for (i = 0; i < p->n && !differs; i++)
    differs = (p->threads && i % 2 ? do_step_elsewhere : do_step)(r, i, &p->s[i]);
  if (!differs) differs = end_program(r);
  if (!differs) return 0;
  /* Whatever is left: end it as it comes. */
  open_gates(r);
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
    do settle();
    while (drain(NULL));
    learn_children(r);
    for (k = 1; k < r->m.count; k++) {
      creche_task task;
      creche_scope_set_shield(r->id[k], 0);
      task.scope = r->id[k];
      creche_task_finish(task, CRECHE_E_USER, 0, NULL);
    }
  }
  if (creche_loop_join(loop, CRECHE_SECOND) != CRECHE_OK)
    fprintf(stderr, "(and its loop does not end: %s)\n", creche_last_error()->message);
  await_freed(r);
  return 1;
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
static uint64_t programs = 10000;
#else
static uint64_t programs = 100000;
#endif
static uint64_t first_seed = 1, seed;

static int end_of_test(void** state) {
  (void)state;
  if (seed != 0) fprintf(stderr, "it crashed with seed %llu\n", (unsigned long long)seed);
  return 0;
}

/* After which step workers had what the steps have made. */
static const int* taken_by_name(const program* p) {
  static int taken[NAMES];
  const run* r = &the_run;
  int k;
  for (k = 0; k < NAMES; k++) taken[k] = -1;
  for (k = 1; k <= p->n; k++)
    if (r->node_of[k] > 0 && r->m.n[r->node_of[k]].offload) taken[k] = r->taken[r->node_of[k]];
  return taken;
}

static void the_library_does_as_the_model(void** state) {
  const uint64_t end = first_seed + programs;
  pthread_t thread;
  (void)state;
  sem_init(&work_news, 0, 0);
  sem_init(&asked, 0, 0);
  sem_init(&answered, 0, 0);
  assert_int_equal(pthread_create(&thread, NULL, other_thread, NULL), 0);
  for (seed = first_seed; seed < end; seed++) {
    program p;
    make_program(&p, seed);
    if (!run_program(&p)) continue;
    fprintf(stderr, "seed %llu: %s\n", (unsigned long long)seed, the_run.why);
    shrink(&p, run_program);
    run_program(&p);
    out = stderr;
    print_program(&p, seed, the_run.why, taken_by_name(&p));
    seed = 0;
    fail_msg("%s", the_run.why);
  }
  seed = 0;
  errand.s = NULL;
  sem_post(&asked);
  pthread_join(thread, NULL);
}

int main(int argc, char** argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_teardown(the_library_does_as_the_model, end_of_test)};
  if (argc > 2 && strcmp(argv[1], "--print") == 0) {
    program p;
    sem_init(&work_news, 0, 0);
    make_program(&p, strtoull(argv[2], NULL, 10));
    p.threads = 0;
    run_program(&p); /* to know when workers had what */
    out = stdout;
    print_program(&p, strtoull(argv[2], NULL, 10), "as it is", taken_by_name(&p));
    return 0;
  }
  if (argc > 1) programs = strtoull(argv[1], NULL, 10);
  if (argc > 2) first_seed = strtoull(argv[2], NULL, 10);
  return cmocka_run_group_tests(tests, NULL, NULL);
}

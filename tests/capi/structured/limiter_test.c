/* Limiters: tokens as leases, first come first served, handed over in the call that gives one back;
 * nothing is lost when a grant meets a cancel. The numbers are those of CASES.md. */
#include <pthread.h>
#include <unistd.h>

#include "support/core.h"

static creche_limiter limiter_of(uint32_t total) {
  creche_limiter limiter;
  creche_limiter_options o;
  OK(creche_limiter_options_init(&o, sizeof o));
  o.total = total;
  o.name = "licences";
  OK(creche_limiter_open(loop, &o, &limiter));
  return limiter;
}
static creche_task acquire(creche_limiter limiter, creche_scope in, seen* s) {
  creche_task task;
  OK(creche_limiter_acquire(limiter, in, 0, NULL, see, s, &task));
  return task;
}
static creche_limiter_state look(creche_limiter limiter) {
  creche_limiter_state s;
  OK(creche_limiter_get_state(limiter, &s, sizeof s));
  return s;
}
static creche_token token_of(const seen* s) {
  creche_token token;
  token.id = s->value;
  assert_int_equal(s->status, CRECHE_OK);
  assert_true(s->flags & CRECHE_OWNED);
  return token;
}
static void borrowed(creche_limiter limiter, uint32_t count, uint32_t waiting) {
  assert_int_equal(look(limiter).borrowed, count);
  assert_int_equal(look(limiter).waiting, waiting);
}

static void a_free_token_comes_in_a_later_turn(void** state) {
  creche_limiter limiter = limiter_of(2);
  seen s = {0};
  (void)state;
  acquire(limiter, loop.scope, &s);
  assert_int_equal(s.finals, 0);
  settle();
  assert_int_equal(s.finals, 1);
  borrowed(limiter, 1, 0);
  creche_token_release(token_of(&s));
  creche_token_release(token_of(&s)); /* a second time is harmless */
  borrowed(limiter, 0, 0);
  creche_limiter_release(limiter);
  creche_limiter_release(limiter);
}

/* 83, 84: after the release the first who waits owns the token: a try sees none. */
static void a_token_is_handed_over_by_its_release(void** state) {
  creche_limiter limiter = limiter_of(1);
  seen s[3] = {{0}, {0}, {0}};
  creche_token token = {1};
  int i;
  (void)state;
  for (i = 0; i < 3; i++) acquire(limiter, loop.scope, &s[i]);
  settle();
  assert_int_equal(s[0].finals, 1);
  assert_int_equal(s[1].finals, 0);
  borrowed(limiter, 1, 2);
  creche_token_release(token_of(&s[0]));
  borrowed(limiter, 1, 1);
  IS(creche_limiter_try(limiter, loop.scope, 0, &token), CRECHE_E_LIMIT);
  assert_int_equal(token.id, 0);
  settle();
  assert_int_equal(s[1].finals, 1);
  assert_int_equal(s[2].finals, 0);
  creche_token_release(token_of(&s[1]));
  settle();
  creche_token_release(token_of(&s[2]));
  OK(creche_limiter_try(limiter, loop.scope, 0, &token));
  borrowed(limiter, 1, 0);
  creche_limiter_release(limiter);
  creche_token_release(token);
}

static void first_come_first_served(void** state) {
  enum { N = 50 };
  creche_limiter limiter = limiter_of(1);
  static seen s[N];
  int i;
  (void)state;
  memset(s, 0, sizeof s);
  for (i = 0; i < N; i++) acquire(limiter, loop.scope, &s[i]);
  for (i = 0; i < N; i++) {
    settle();
    assert_int_equal(s[i].finals, 1);
    if (i + 1 < N) assert_int_equal(s[i + 1].finals, 0);
    creche_token_release(token_of(&s[i]));
  }
  borrowed(limiter, 0, 0);
  creche_limiter_release(limiter);
}

/* A try fails while others wait, also if a token is free for a moment that only they may use. */
static void a_try_never_overtakes(void** state) {
  creche_limiter limiter = limiter_of(0);
  seen s = {0};
  creche_token token;
  (void)state;
  IS(creche_limiter_try(limiter, loop.scope, 0, &token), CRECHE_E_LIMIT);
  last_error_says("no token is free");
  acquire(limiter, loop.scope, &s);
  OK(creche_limiter_set_total(limiter, 1));
  IS(creche_limiter_try(limiter, loop.scope, 0, &token), CRECHE_E_LIMIT);
  OK(creche_limiter_set_total(limiter, 2));
  OK(creche_limiter_try(limiter, loop.scope, 0, &token));
  settle();
  creche_token_release(token_of(&s));
  creche_token_release(token);
  creche_limiter_release(limiter);
}

/* 83: a borrower has one token at most. */
static void the_same_borrower_twice(void** state) {
  creche_limiter limiter = limiter_of(1);
  seen s = {0}, t = {0};
  creche_token token;
  creche_task task;
  (void)state;
  OK(creche_limiter_acquire(limiter, loop.scope, 7, NULL, see, &s, NULL));
  IS(creche_limiter_acquire(limiter, loop.scope, 7, NULL, see, &t, &task), CRECHE_E_STATE);
  last_error_says("this borrower");
  IS(creche_limiter_try(limiter, loop.scope, 7, &token), CRECHE_E_STATE);
  OK(creche_limiter_acquire(limiter, loop.scope, 8, NULL, see, &t, &task)); /* waits */
  IS(creche_limiter_acquire(limiter, loop.scope, 8, NULL, see, &t, NULL), CRECHE_E_STATE);
  OK(creche_scope_cancel(task.scope, NULL));
  OK(creche_limiter_acquire(limiter, loop.scope, 8, NULL, see, &t, &task)); /* no more */
  OK(creche_scope_cancel(task.scope, NULL));
  settle();
  creche_token_release(token_of(&s));
  OK(creche_limiter_try(limiter, loop.scope, 7, &token));
  creche_token_release(token);
  creche_limiter_release(limiter);
}

static void more_tokens_wake_waiters_now(void** state) {
  creche_limiter limiter = limiter_of(0);
  seen s[4] = {{0}, {0}, {0}, {0}};
  int i;
  (void)state;
  for (i = 0; i < 4; i++) acquire(limiter, loop.scope, &s[i]);
  settle();
  borrowed(limiter, 0, 4);
  OK(creche_limiter_set_total(limiter, 3));
  borrowed(limiter, 3, 1);
  settle();
  assert_int_equal(s[2].finals, 1);
  assert_int_equal(s[3].finals, 0);
  /* Fewer: holders keep theirs, and none is given out until enough came back. */
  OK(creche_limiter_set_total(limiter, 1));
  assert_int_equal(look(limiter).total, 1);
  borrowed(limiter, 3, 1);
  creche_token_release(token_of(&s[0]));
  creche_token_release(token_of(&s[1]));
  borrowed(limiter, 1, 1);
  creche_token_release(token_of(&s[2]));
  borrowed(limiter, 1, 0);
  settle();
  creche_token_release(token_of(&s[3]));
  creche_limiter_release(limiter);
}

/* ---- Cancels at every step ---- */
static void cancelled_before_it_begins(void** state) {
  creche_limiter limiter = limiter_of(1);
  creche_scope scope = scope_in(loop.scope, NULL);
  seen s = {0};
  (void)state;
  OK(creche_scope_cancel(scope, NULL));
  acquire(limiter, scope, &s);
  borrowed(limiter, 0, 0);
  settle();
  assert_int_equal(s.status, CRECHE_E_CANCELLED);
  assert_int_equal(s.value, 0);
  OK(creche_scope_leave(scope, NULL));
  creche_limiter_release(limiter);
}

static void cancelled_in_line(void** state) {
  creche_limiter limiter = limiter_of(1);
  seen s[4] = {{0}, {0}, {0}, {0}};
  creche_task task[4];
  int i;
  (void)state;
  for (i = 0; i < 4; i++) task[i] = acquire(limiter, loop.scope, &s[i]);
  settle();
  OK(creche_scope_cancel(task[1].scope, "no")); /* the first in line */
  OK(creche_scope_cancel(task[3].scope, "no")); /* the last */
  borrowed(limiter, 1, 1);
  settle();
  assert_int_equal(s[1].status, CRECHE_E_CANCELLED);
  assert_int_equal(s[1].phase, CRECHE_PHASE_LIMIT);
  assert_int_equal(s[3].finals, 1);
  creche_token_release(token_of(&s[0]));
  settle();
  creche_token_release(token_of(&s[2]));
  borrowed(limiter, 0, 0);
  creche_limiter_release(limiter);
}

/* Commit wins: a token that was granted stays granted. */
static void cancelled_after_the_grant(void** state) {
  creche_limiter limiter = limiter_of(1);
  seen s[2] = {{0}, {0}};
  creche_task task;
  (void)state;
  acquire(limiter, loop.scope, &s[0]);
  task = acquire(limiter, loop.scope, &s[1]);
  settle();
  creche_token_release(token_of(&s[0]));
  IS(creche_scope_cancel(task.scope, NULL), CRECHE_E_ENDED); /* its callback has not run yet */
  settle();
  assert_int_equal(s[1].status, CRECHE_OK);
  borrowed(limiter, 1, 0);
  creche_token_release(token_of(&s[1]));
  borrowed(limiter, 0, 0);
  creche_limiter_release(limiter);
}

/* In line for the group's limit, not for a token yet. */
static void cancelled_while_it_waits_for_the_groups_limit(void** state) {
  creche_limiter limiter = limiter_of(1);
  creche_group_options o = group_options();
  seen g = {0}, first = {0}, s = {0};
  creche_group group;
  (void)state;
  o.limit = 1;
  group = group_in(loop.scope, &o, &g);
  op(group.scope, &first);
  acquire(limiter, group.scope, &s);
  OK(creche_group_close(group));
  settle();
  borrowed(limiter, 0, 0);
  OK(creche_scope_cancel(group.scope, NULL));
  settle();
  assert_int_equal(s.status, CRECHE_E_CANCELLED);
  assert_int_equal(g.finals, 1);
  borrowed(limiter, 0, 0);
  creche_limiter_release(limiter);
}

/* Thousands of them go through a group's limit without recursion. */
static void thousands_pass_a_groups_limit(void** state) {
  enum { N = 20000 };
  creche_limiter limiter = limiter_of(N);
  creche_group_options o = group_options();
  seen g = {0}, first = {0};
  creche_group group;
  creche_task task;
  int i;
  (void)state;
  o.limit = 1;
  group = group_in(loop.scope, &o, &g);
  task = op(group.scope, &first);
  for (i = 0; i < N; i++)
    OK(creche_limiter_acquire(limiter, group.scope, 0, NULL, creche_nobody, NULL, NULL));
  OK(creche_group_close(group));
  OK(creche_scope_cancel(task.scope, NULL));
  settle();
  assert_int_equal(g.finals, 1);
  borrowed(limiter, 0, 0);
  creche_limiter_release(limiter);
}

/* ---- Whose the token is ---- */
/* Nobody takes the completion: the token comes back. */
static void thrown_away_completions_give_their_tokens_back(void** state) {
  creche_limiter limiter = limiter_of(1);
  creche_task_options o = task_options();
  creche_queue queue;
  seen s = {0};
  (void)state;
  OK(creche_limiter_acquire(limiter, loop.scope, 3, NULL, creche_nobody, NULL, NULL));
  acquire(limiter, loop.scope, &s);
  settle();
  assert_int_equal(s.finals, 1);
  creche_token_release(token_of(&s));
  OK(creche_queue_open(loop, NULL, &queue));
  o.queue = queue;
  OK(creche_limiter_acquire(limiter, loop.scope, 3, &o, NULL, NULL, NULL));
  settle();
  borrowed(limiter, 1, 0);
  creche_queue_release(queue); /* with the completion in it */
  settle();
  borrowed(limiter, 0, 0);
  creche_limiter_release(limiter);
}

static void a_drained_completion_owns_its_token(void** state) {
  creche_limiter limiter = limiter_of(1);
  creche_task_options o = task_options();
  creche_completion c;
  creche_queue queue;
  size_t n;
  (void)state;
  OK(creche_queue_open(loop, NULL, &queue));
  o.queue = queue;
  OK(creche_limiter_acquire(limiter, loop.scope, 0, &o, NULL, NULL, NULL));
  settle();
  OK(creche_queue_drain(queue, &c, 1, &n));
  assert_int_equal(n, 1);
  borrowed(limiter, 1, 0);
  creche_completions_release(&c, 1);
  borrowed(limiter, 0, 0);
  creche_queue_release(queue);
  creche_limiter_release(limiter);
}

/* The group is open as long as its token is out. */
static void a_token_holds_its_group_open(void** state) {
  creche_limiter limiter = limiter_of(1);
  seen g = {0}, s = {0};
  creche_group group = group_in(loop.scope, NULL, &g);
  creche_scope scope = scope_in(group.scope, NULL);
  (void)state;
  acquire(limiter, scope, &s);
  settle();
  OK(creche_scope_leave(scope, NULL)); /* a bare scope does not hold leases */
  OK(creche_group_close(group));
  settle();
  assert_int_equal(g.finals, 0);
  creche_token_release(token_of(&s));
  settle();
  assert_int_equal(g.finals, 1);
  assert_int_equal(g.status, CRECHE_OK);
  creche_limiter_release(limiter);
}

/* A cancelled group gives it back after its last other child. */
static void a_cancelled_group_gives_it_back_last(void** state) {
  creche_limiter limiter = limiter_of(1);
  seen g = {0}, s = {0}, child = {0}, next = {0};
  creche_group group = group_in(loop.scope, NULL, &g);
  creche_task task;
  (void)state;
  acquire(limiter, group.scope, &s);
  task = spawn(group.scope, body_waits, &child);
  acquire(limiter, loop.scope, &next);
  OK(creche_group_close(group));
  settle();
  OK(creche_scope_cancel(group.scope, NULL));
  settle();
  borrowed(limiter, 1, 1);
  OK(creche_task_finish(task, CRECHE_E_CANCELLED, 0, NULL));
  settle();
  assert_int_equal(g.finals, 1);
  assert_int_equal(next.finals, 1);
  creche_token_release(token_of(&s)); /* harmless */
  borrowed(limiter, 1, 0);
  creche_token_release(token_of(&next));
  creche_limiter_release(limiter);
}

/* Also after a child that comes when nothing but the token was left. */
static void a_late_child_of_a_cancelled_group_keeps_it(void** state) {
  creche_limiter limiter = limiter_of(1);
  seen g = {0}, s = {0}, late = {0};
  creche_group group = group_in(loop.scope, NULL, &g);
  creche_task task;
  (void)state;
  acquire(limiter, group.scope, &s);
  settle();
  OK(creche_group_close(group));
  OK(creche_scope_cancel(group.scope, NULL));
  task = spawn(group.scope, body_waits, &late);
  settle();
  borrowed(limiter, 1, 0);
  OK(creche_task_finish(task, CRECHE_E_CANCELLED, 0, NULL));
  settle();
  borrowed(limiter, 0, 0);
  assert_int_equal(g.finals, 1);
  creche_limiter_release(limiter);
}

static void a_finished_task_gives_it_back(void** state) {
  creche_limiter limiter = limiter_of(1);
  seen t = {0}, s = {0};
  creche_task task = spawn(loop.scope, body_waits, &t);
  (void)state;
  settle();
  acquire(limiter, task.scope, &s);
  settle();
  borrowed(limiter, 1, 0);
  OK(creche_task_finish(task, CRECHE_OK, 0, NULL));
  settle();
  assert_int_equal(t.status, CRECHE_OK);
  borrowed(limiter, 0, 0);
  creche_limiter_release(limiter);
}

static void a_moved_token_is_its_new_owners(void** state) {
  creche_limiter limiter = limiter_of(1);
  seen t = {0}, s = {0}, other = {0};
  creche_task task = spawn(loop.scope, body_waits, &t), operation = op(loop.scope, &other);
  (void)state;
  settle();
  acquire(limiter, task.scope, &s);
  settle();
  OK(creche_token_move(token_of(&s), loop.scope));
  IS(creche_token_move(token_of(&s), operation.scope), CRECHE_E_STATE);
  OK(creche_scope_cancel(operation.scope, NULL));
  OK(creche_task_finish(task, CRECHE_OK, 0, NULL));
  settle();
  borrowed(limiter, 1, 0);
  creche_token_release(token_of(&s));
  IS(creche_token_move(token_of(&s), loop.scope), CRECHE_E_ENDED);
  creche_limiter_release(limiter);
}

/* ---- The ends ---- */
static void its_release_fails_those_who_wait(void** state) {
  creche_limiter limiter = limiter_of(1);
  seen s[3] = {{0}, {0}, {0}};
  int i;
  (void)state;
  for (i = 0; i < 3; i++) acquire(limiter, loop.scope, &s[i]);
  settle();
  creche_limiter_release(limiter);
  settle();
  assert_int_equal(s[1].status, CRECHE_E_CLOSED);
  assert_int_equal(s[2].error_status, CRECHE_E_CLOSED);
  assert_non_null(strstr(s[2].message, "limiter was released"));
  IS(creche_limiter_acquire(limiter, loop.scope, 0, NULL, see, &s[0], NULL), CRECHE_E_ENDED);
  creche_token_release(token_of(&s[0])); /* was still good */
}

static void the_loops_end_cancels_and_takes_all_back(void** state) {
  creche_limiter limiter = limiter_of(1);
  seen s[2] = {{0}, {0}};
  creche_limiter late;
  (void)state;
  acquire(limiter, loop.scope, &s[0]);
  acquire(limiter, loop.scope, &s[1]);
  settle();
  OK(creche_loop_close(loop));
  IS(creche_limiter_open(loop, NULL, &late), CRECHE_E_CLOSED);
  OK(creche_loop_join(loop, PATIENCE));
  assert_int_equal(s[1].finals, 1);
  creche_token_release(token_of(&s[0]));
  creche_limiter_release(limiter);
  IS(creche_limiter_set_total(limiter, 1), CRECHE_E_ENDED);
}

static void the_dump_names_it(void** state) {
  creche_limiter limiter = limiter_of(0);
  char text[2000];
  seen s = {0};
  creche_task task = acquire(limiter, loop.scope, &s);
  (void)state;
  OK(creche_loop_dump(loop, CRECHE_DUMP_TEXT, text, sizeof text, NULL));
  if (strstr(text, "limiter \"licences\"") == NULL) fail_msg("%s", text);
  OK(creche_scope_cancel(task.scope, NULL));
  settle();
  creche_limiter_release(limiter);
}

/* ---- Offloaded functions under a limiter (75-77) ---- */
static creche_limiter gate_limiter;
static int running, most, ran, gate[2];
static creche_status work(void* arg, creche_task task, uint64_t* value) {
  int now_running = __atomic_add_fetch(&running, 1, __ATOMIC_SEQ_CST);
  char byte;
  (void)arg;
  (void)task;
  (void)value;
  if (now_running > __atomic_load_n(&most, __ATOMIC_SEQ_CST))
    __atomic_store_n(&most, now_running, __ATOMIC_SEQ_CST);
  if (read(gate[0], &byte, 1) != 1) return CRECHE_E_USER;
  __atomic_sub_fetch(&running, 1, __ATOMIC_SEQ_CST);
  __atomic_add_fetch(&ran, 1, __ATOMIC_SEQ_CST);
  return CRECHE_OK;
}
static void open_gate(int count) {
  while (count-- > 0) assert_int_equal(write(gate[1], "x", 1), 1);
}
static void until_running(int wanted) {
  while (__atomic_load_n(&running, __ATOMIC_SEQ_CST) != wanted) {
    creche_loop_poll(loop, 0);
    usleep(100);
  }
}
static creche_task offload(uint32_t flags, seen* s) {
  creche_offload_options o;
  creche_task task;
  OK(creche_offload_options_init(&o, sizeof o));
  o.limiter = gate_limiter;
  o.flags = flags;
  OK(creche_offload(loop.scope, work, NULL, &o, see, s, &task));
  return task;
}
static void begin_offloads(uint32_t total) {
  running = most = ran = 0;
  assert_int_equal(pipe(gate), 0);
  gate_limiter = limiter_of(total);
}
static void end_offloads(void) {
  creche_limiter_release(gate_limiter);
  close(gate[0]);
  close(gate[1]);
}

/* 76: never more than the limiter says, also with cancelled ones among them. */
static void offloads_are_limited(void** state) {
  seen s[6] = {{0}, {0}, {0}, {0}, {0}, {0}};
  creche_task task[6];
  int i;
  (void)state;
  begin_offloads(2);
  for (i = 0; i < 6; i++) task[i] = offload(0, &s[i]);
  until_running(2);
  borrowed(gate_limiter, 2, 4);
  OK(creche_scope_cancel(task[2].scope, NULL));
  settle();
  assert_int_equal(s[2].status, CRECHE_E_CANCELLED);
  assert_int_equal(s[2].phase, CRECHE_PHASE_LIMIT);
  borrowed(gate_limiter, 2, 3);
  open_gate(5);
  for (i = 0; i < 6; i++) until(&s[i].finals, 1);
  assert_int_equal(ran, 5);
  assert_int_equal(most, 2);
  borrowed(gate_limiter, 0, 0);
  end_offloads();
}

/* 75, 76: an abandoned function keeps its token until it really returns. */
static void an_abandoned_offload_keeps_its_token(void** state) {
  seen s[2] = {{0}, {0}};
  creche_task task;
  (void)state;
  begin_offloads(1);
  task = offload(CRECHE_OFFLOAD_ABANDON, &s[0]);
  offload(0, &s[1]);
  until_running(1);
  OK(creche_scope_cancel(task.scope, NULL));
  settle();
  assert_int_equal(s[0].status, CRECHE_E_CANCELLED);
  borrowed(gate_limiter, 1, 1);
  open_gate(1);
  until_running(0);
  until_running(1); /* only now the other one */
  open_gate(1);
  until(&s[1].finals, 1);
  borrowed(gate_limiter, 0, 0);
  end_offloads();
}

static void a_released_limiter_fails_offloads_that_wait(void** state) {
  seen s[2] = {{0}, {0}};
  (void)state;
  begin_offloads(1);
  offload(0, &s[0]);
  offload(0, &s[1]);
  until_running(1);
  creche_limiter_release(gate_limiter);
  until(&s[1].finals, 1);
  assert_int_equal(s[1].status, CRECHE_E_CLOSED);
  open_gate(1);
  until(&s[0].finals, 1);
  assert_int_equal(s[0].status, CRECHE_OK);
  end_offloads();
}

/* More threads than the loop's own offload_limit. */
static void a_limiter_replaces_the_loops_limit(void** state) {
  enum { N = 45 };
  static seen s[N];
  int i;
  (void)state;
  memset(s, 0, sizeof s);
  begin_offloads(N);
  for (i = 0; i < N; i++) offload(0, &s[i]);
  until_running(N);
  open_gate(N);
  for (i = 0; i < N; i++) until(&s[i].finals, 1);
  end_offloads();
}

/* ---- Threads ---- */
/* Eight threads acquire, cancel and give back; what each completion says is counted exactly. */
enum { THREADS = 8, ROUNDS = 400, TOTAL = 3 };
static creche_limiter contended;
static creche_loop shared;
static int64_t holders, granted, refused, over;
static void hold(void* user, const creche_completion* c) {
  creche_token token;
  (void)user;
  if (c->status != CRECHE_OK) {
    __atomic_add_fetch(&refused, 1, __ATOMIC_SEQ_CST);
    return;
  }
  if (__atomic_add_fetch(&holders, 1, __ATOMIC_SEQ_CST) > TOTAL)
    __atomic_add_fetch(&over, 1, __ATOMIC_SEQ_CST);
  __atomic_sub_fetch(&holders, 1, __ATOMIC_SEQ_CST);
  token.id = c->value;
  creche_token_release(token);
  __atomic_add_fetch(&granted, 1, __ATOMIC_SEQ_CST);
}
static void* contend(void* arg) {
  size_t wrong = 0;
  unsigned seed = (unsigned)(size_t)arg;
  int i;
  for (i = 0; i < ROUNDS; i++) {
    creche_task task;
    creche_token token;
    wrong += creche_limiter_acquire(contended, shared.scope, 0, NULL, hold, NULL, &task) != 0;
    seed = seed * 1103515245 + 12345;
    if (seed >> 16 & 1) creche_scope_cancel(task.scope, NULL);
    if (creche_limiter_try(contended, shared.scope, 0, &token) == CRECHE_OK) {
      if (seed >> 17 & 1) wrong += creche_limiter_set_total(contended, TOTAL) != 0;
      creche_token_release(token);
    }
  }
  return (void*)wrong;
}
static void eight_threads_race(void** state) {
  pthread_t threads[THREADS];
  creche_limiter_options o;
  creche_limiter_state s;
  void* wrong;
  size_t i;
  (void)state;
  holders = granted = refused = over = 0;
  OK(creche_loop_open(NULL, &shared));
  OK(creche_limiter_options_init(&o, sizeof o));
  o.total = TOTAL;
  OK(creche_limiter_open(shared, &o, &contended));
  for (i = 0; i < THREADS; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, contend, (void*)(i + 1)), 0);
  for (i = 0; i < THREADS; i++) {
    assert_int_equal(pthread_join(threads[i], &wrong), 0);
    assert_int_equal((size_t)wrong, 0);
  }
  while (__atomic_load_n(&granted, __ATOMIC_SEQ_CST) + __atomic_load_n(&refused, __ATOMIC_SEQ_CST) <
         THREADS * ROUNDS)
    usleep(1000);
  OK(creche_limiter_get_state(contended, &s, sizeof s));
  assert_int_equal(s.borrowed, 0);
  assert_int_equal(s.waiting, 0);
  assert_int_equal(over, 0);
  OK(creche_loop_close(shared));
  OK(creche_loop_join(shared, PATIENCE));
  assert_int_equal(granted + refused, THREADS * ROUNDS);
  creche_limiter_release(contended);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(a_free_token_comes_in_a_later_turn),
      TEST(a_token_is_handed_over_by_its_release),
      TEST(first_come_first_served),
      TEST(a_try_never_overtakes),
      TEST(the_same_borrower_twice),
      TEST(more_tokens_wake_waiters_now),
      TEST(cancelled_before_it_begins),
      TEST(cancelled_in_line),
      TEST(cancelled_after_the_grant),
      TEST(cancelled_while_it_waits_for_the_groups_limit),
      TEST(thousands_pass_a_groups_limit),
      TEST(thrown_away_completions_give_their_tokens_back),
      TEST(a_drained_completion_owns_its_token),
      TEST(a_token_holds_its_group_open),
      TEST(a_cancelled_group_gives_it_back_last),
      TEST(a_late_child_of_a_cancelled_group_keeps_it),
      TEST(a_finished_task_gives_it_back),
      TEST(a_moved_token_is_its_new_owners),
      TEST(its_release_fails_those_who_wait),
      TEST(the_loops_end_cancels_and_takes_all_back),
      TEST(the_dump_names_it),
      TEST(offloads_are_limited),
      TEST(an_abandoned_offload_keeps_its_token),
      TEST(a_released_limiter_fails_offloads_that_wait),
      TEST(a_limiter_replaces_the_loops_limit),
      TEST(eight_threads_race),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

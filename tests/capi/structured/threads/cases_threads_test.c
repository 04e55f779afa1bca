/* Threads and posts: calls from other threads, posts at the end of a loop, offloaded functions that
 * call back. See CASES.md. */
#include <pthread.h>

#include "capi/structured/kinds.h"

#define LATE (3600 * CRECHE_SECOND)

static void* run_thread(pthread_t* thread, void* (*fn)(void*), void* arg) {
  assert_int_equal(pthread_create(thread, NULL, fn, arg), 0);
  return NULL;
}

/* ---- Any call takes effect from another thread, and wakes the loop ---- */
typedef struct call {
  creche_scope scope;
  int what;
  creche_status status;
} call;
enum { CANCEL, DEADLINE, TIMEOUT, UNSHIELD, CALLS };
static void* call_it(void* arg) {
  call* c = arg;
  switch (c->what) {
    case CANCEL:
      c->status = creche_scope_cancel(c->scope, "from a thread");
      break;
    case DEADLINE:
      c->status = creche_scope_set_deadline(c->scope, 1);
      break;
    case TIMEOUT:
      c->status = creche_scope_set_timeout(c->scope, CRECHE_MILLISECOND);
      break;
    default:
      c->status = creche_scope_set_shield(c->scope, 0);
  }
  return NULL;
}
static void calls_wake_a_sleeping_loop(void** state) {
  int what;
  (void)state;
  for (what = 0; what < CALLS; what++) {
    seen s = {0};
    creche_scope_options o = scope_options();
    creche_scope outer = scope_in(loop.scope, NULL), scope;
    call c = {{0}, 0, 99};
    pthread_t thread;
    o.shield = what == UNSHIELD;
    o.timeout = LATE;
    scope = scope_in(outer, &o);
    op(scope, &s);
    settle();
    if (what == UNSHIELD) OK(creche_scope_cancel(outer, NULL));
    c.scope = scope;
    c.what = what;
    run_thread(&thread, call_it, &c);
    while (s.finals == 0) OK(creche_loop_poll(loop, PATIENCE));
    pthread_join(thread, NULL);
    OK(c.status);
    assert_int_equal(s.status, CRECHE_E_CANCELLED);
    OK(creche_scope_leave(scope, NULL));
    OK(creche_scope_leave(outer, NULL));
  }
}

/* Of many that cancel one scope at once, one gives the reason, and everybody sees the same. */
enum { CANCELLERS = 4 };
static void* cancel_it(void* arg) {
  call* c = arg;
  char text[16];
  snprintf(text, sizeof text, "thread %d", c->what);
  c->status = creche_scope_cancel(c->scope, text);
  return NULL;
}
static void cancelled_by_many_at_once(void** state) {
  int round, i;
  (void)state;
  for (round = 0; round < 50; round++) {
    seen a = {0}, b = {0};
    call c[CANCELLERS];
    pthread_t threads[CANCELLERS];
    creche_outcome outcome;
    creche_scope scope = scope_in(loop.scope, NULL);
    op(scope, &a);
    spawn(scope, body_obeys, &b);
    settle();
    for (i = 0; i < CANCELLERS; i++) {
      c[i].scope = scope;
      c[i].what = i;
      run_thread(&threads[i], cancel_it, &c[i]);
    }
    for (i = 0; i < CANCELLERS; i++) pthread_join(threads[i], NULL);
    for (i = 0; i < CANCELLERS; i++) OK(c[i].status);
    settle();
    assert_int_equal(a.finals, 1);
    assert_int_equal(b.cancels, 1);
    assert_string_equal(a.text, b.text);
    OK(creche_scope_leave(scope, &outcome));
    assert_int_equal(outcome.flags, CRECHE_CAUGHT);
  }
}

/* What a thread starts in a scope after it has cancelled it is born cancelled. */
static void* cancel_then_start(void* arg) {
  call* c = arg;
  static seen s;
  memset(&s, 0, sizeof s);
  c->status = creche_scope_cancel(c->scope, NULL);
  if (c->status == CRECHE_OK) c->status = creche_sleep(c->scope, 0, NULL, see, &s, NULL);
  return &s;
}
static void cancelled_before_the_call_returns(void** state) {
  call c = {{0}, 0, 99};
  pthread_t thread;
  void* s;
  (void)state;
  c.scope = scope_in(loop.scope, NULL);
  run_thread(&thread, cancel_then_start, &c);
  pthread_join(thread, &s);
  OK(c.status);
  until(&((seen*)s)->finals, 1);
  assert_int_equal(((seen*)s)->status, CRECHE_E_CANCELLED);
  OK(creche_scope_leave(c.scope, NULL));
}

/* ---- Posts ---- */
typedef struct poster {
  creche_loop loop;
  int runs, stop;
  creche_status last;
} poster;
static void post_again(void* user, const creche_completion* c) {
  poster* p = user;
  (void)c;
  p->runs++;
  if (!p->stop) p->last = creche_loop_post(p->loop, post_again, p);
}
/* One that posts itself again and again keeps nobody else from working. */
static void a_self_posting_callback_starves_nobody(void** state) {
  poster p = {{{0}}, 0, 0, CRECHE_OK};
  int i;
  (void)state;
  p.loop = loop;
  OK(creche_loop_post(loop, post_again, &p));
  for (i = 0; i < 20; i++) {
    seen s = {0};
    OK(creche_sleep(loop.scope, 0, NULL, see, &s, NULL));
    until(&s.finals, 1);
    assert_int_equal(s.status, CRECHE_OK);
  }
  assert_true(p.runs >= 20);
  p.stop = 1;
  settle();
}

/* An accepted post runs, whatever else has failed or was cancelled; also one from the very
 * callbacks of the end. When the loop has ended none is accepted. */
static void posts_at_the_end(void** state) {
  seen p[3] = {{0}, {0}, {0}}, s = {0}, t = {0};
  (void)state;
  spawn(loop.scope, body_fails, &s);
  spawn(loop.scope, body_obeys, &t);
  OK(creche_loop_post(loop, see, &p[0]));
  OK(creche_scope_cancel(loop.scope, NULL));
  OK(creche_loop_post(loop, see, &p[1]));
  OK(creche_loop_close(loop));
  OK(creche_loop_post(loop, see, &p[2])); /* it has not ended yet */
  while (creche_loop_poll(loop, PATIENCE) == CRECHE_OK) continue;
  assert_int_equal(p[0].posts, 1);
  assert_int_equal(p[1].posts, 1);
  assert_int_equal(p[2].posts, 1);
  assert_int_equal(loop_seen.finals, 1);
  IS(creche_loop_post(loop, see, &p[0]), CRECHE_E_CLOSED);
  OK(creche_loop_join(loop, PATIENCE));
  IS(creche_loop_post(loop, see, &p[0]), CRECHE_E_ENDED);
  assert_int_equal(p[0].posts, 1);
}

/* Posts that race with the end: each is run or refused. */
typedef struct racer {
  creche_loop loop;
  atomic_int *accepted, *ran;
} racer;
static void count_run(void* user, const creche_completion* c) {
  (void)c;
  atomic_fetch_add((atomic_int*)user, 1);
}
static void* post_until_refused(void* arg) {
  racer* r = arg;
  creche_status status;
  while ((status = creche_loop_post(r->loop, count_run, r->ran)) == CRECHE_OK) {
    atomic_fetch_add(r->accepted, 1);
    sched_yield();
  }
  return (void*)(intptr_t)status;
}
static void posts_race_with_the_end(void** state) {
  int round, i;
  (void)state;
  for (round = 0; round < 10; round++) {
    atomic_int accepted = 0, ran = 0;
    creche_loop other;
    pthread_t threads[3];
    racer r;
    OK(creche_loop_open(NULL, &other));
    r.loop = other;
    r.accepted = &accepted;
    r.ran = &ran;
    for (i = 0; i < 3; i++) run_thread(&threads[i], post_until_refused, &r);
    while (atomic_load(&ran) < 10) sched_yield();
    OK(creche_loop_close(other));
    OK(creche_loop_join(other, PATIENCE));
    for (i = 0; i < 3; i++) {
      void* status;
      pthread_join(threads[i], &status);
      assert_true((intptr_t)status == CRECHE_E_CLOSED || (intptr_t)status == CRECHE_E_ENDED);
    }
    assert_int_equal(atomic_load(&accepted), atomic_load(&ran));
  }
}

/* ---- Offloaded functions that call back ---- */
typedef struct host {
  atomic_int running, go;
  creche_status sync, async, group, joined, blocked;
  creche_outcome outcome;
  seen step;
} host;
static creche_status calls_back(void* arg, creche_task task, uint64_t* value) {
  host* h = arg;
  creche_scope scope;
  creche_group_options o;
  creche_group group;
  (void)value;
  atomic_store(&h->running, 1);
  while (!atomic_load(&h->go)) sched_yield();
  h->sync = creche_scope_open(task.scope, NULL, &scope); /* works in a cancelled host */
  if (h->sync == CRECHE_OK) h->sync = creche_scope_leave(scope, NULL);
  h->async = creche_sleep(task.scope, 0, NULL, see, &h->step, NULL);
  creche_group_options_init(&o, sizeof o);
  o.flags = CRECHE_GROUP_JOINABLE;
  h->group = creche_group_open(task.scope, &o, creche_nobody, NULL, &group);
  if (h->group == CRECHE_OK) {
    SAY(creche_sleep(group.scope, 0, NULL, creche_nobody, NULL, NULL));
    h->joined = creche_group_join(group, CRECHE_NEVER, &h->outcome);
  }
  return CRECHE_OK;
}
static void run_host(host* h, int cancelled, seen* s) {
  creche_task task;
  memset(h, 0, sizeof *h);
  OK(creche_offload(loop.scope, calls_back, h, NULL, see, s, &task));
  while (!atomic_load(&h->running)) creche_loop_poll(loop, 0);
  if (cancelled) OK(creche_scope_cancel(task.scope, NULL));
  atomic_store(&h->go, 1);
  until(&s->finals, 1);
  OK(h->sync);
  OK(h->async);
  OK(h->group);
  OK(h->joined);
  assert_int_equal(h->step.finals, 1);
}
/* It may start work and wait for it: the loop goes on meanwhile. */
static void a_worker_waits_for_the_loop(void** state) {
  seen s = {0};
  host h;
  (void)state;
  run_host(&h, 0, &s);
  assert_int_equal(h.step.status, CRECHE_OK);
  assert_int_equal(h.outcome.status, CRECHE_OK);
  assert_int_equal(s.status, CRECHE_OK);
}
/* In a cancelled host synchronous calls work, and what it starts is cancelled. */
static void a_cancelled_worker_calls_back(void** state) {
  seen s = {0};
  host h;
  (void)state;
  run_host(&h, 1, &s);
  assert_int_equal(h.step.status, CRECHE_E_CANCELLED);
  assert_int_equal(h.outcome.status, CRECHE_E_CANCELLED);
  assert_int_equal(h.outcome.flags, CRECHE_PASSING);
  assert_int_equal(s.status, CRECHE_OK);
}
/* While the loop is closing a running function may still call back, and nothing new starts outside;
 * the loop waits for it. Then it has ended. */
static void a_worker_at_the_end_of_the_loop(void** state) {
  seen s = {0}, other = {0};
  host h;
  (void)state;
  memset(&h, 0, sizeof h);
  OK(creche_offload(loop.scope, calls_back, &h, NULL, see, &s, NULL));
  while (!atomic_load(&h.running)) creche_loop_poll(loop, 0);
  OK(creche_loop_close(loop));
  settle();
  IS(creche_sleep(loop.scope, 0, NULL, see, &other, NULL), CRECHE_E_CLOSED);
  IS(creche_offload(loop.scope, calls_back, &h, NULL, see, &other, NULL), CRECHE_E_CLOSED);
  assert_int_equal(loop_seen.finals, 0);
  atomic_store(&h.go, 1);
  OK(creche_loop_join(loop, PATIENCE));
  assert_int_equal(h.step.status, CRECHE_E_CANCELLED);
  assert_int_equal(h.step.reason, CRECHE_REASON_SHUTDOWN);
  assert_int_equal(s.status, CRECHE_OK);
  assert_true(loop_seen.order > s.order);
  assert_int_equal(other.finals, 0);
  IS(creche_sleep(loop.scope, 0, NULL, see, &other, NULL), CRECHE_E_ENDED);
}

/* The flag turns true for both modes when it is cancelled, stays so behind a shield that goes up,
 * and is true for what was abandoned. */
typedef struct poller {
  atomic_int running, stop;
  int32_t before, after;
} poller;
static creche_status polls(void* arg, creche_task task, uint64_t* value) {
  poller* p = arg;
  (void)value;
  p->before = creche_offload_cancelled(task);
  atomic_store(&p->running, 1);
  while (!atomic_load(&p->stop)) sched_yield();
  p->after = creche_offload_cancelled(task);
  atomic_store(&p->running, 2);
  return CRECHE_OK;
}
static void the_flag(void** state) {
  int abandon;
  (void)state;
  for (abandon = 0; abandon < 2; abandon++) {
    seen s = {0};
    poller p = {0};
    creche_offload_options o;
    creche_task task;
    OK(creche_offload_options_init(&o, sizeof o));
    o.flags = abandon ? CRECHE_OFFLOAD_ABANDON : 0;
    OK(creche_offload(loop.scope, polls, &p, &o, see, &s, &task));
    while (!atomic_load(&p.running)) creche_loop_poll(loop, 0);
    OK(creche_scope_cancel(task.scope, NULL));
    OK(creche_scope_set_shield(task.scope, 1));
    if (abandon) until(&s.finals, 1);
    atomic_store(&p.stop, 1);
    until(&s.finals, 1);
    while (atomic_load(&p.running) != 2) sched_yield();
    assert_int_equal(p.before, 0);
    assert_int_equal(p.after, abandon ? CRECHE_E_ENDED : 1);
    assert_int_equal(s.status, abandon ? CRECHE_E_CANCELLED : CRECHE_OK);
  }
}

/* An abandoned function keeps its place until it really returns; waiters that are cancelled
 * meanwhile take none. */
static void an_abandoned_function_keeps_its_place(void** state) {
  creche_loop_options lo;
  creche_offload_options o;
  creche_loop narrow;
  seen s[3] = {{0}, {0}, {0}};
  poller p[3];
  creche_task task[3];
  creche_group group;
  creche_group_options go = group_options();
  int i;
  (void)state;
  memset(p, 0, sizeof p);
  OK(creche_loop_options_init(&lo, sizeof lo));
  lo.offload_limit = 1;
  OK(creche_loop_open(&lo, &narrow));
  OK(creche_offload_options_init(&o, sizeof o));
  o.flags = CRECHE_OFFLOAD_ABANDON;
  go.flags = CRECHE_GROUP_JOINABLE;
  go.policy = CRECHE_COLLECT;
  OK(creche_group_open(narrow.scope, &go, creche_nobody, NULL, &group));
  OK(creche_offload(group.scope, polls, &p[0], &o, see, &s[0], &task[0]));
  while (!atomic_load(&p[0].running)) sched_yield();
  OK(creche_scope_cancel(task[0].scope, NULL));
  OK(creche_group_join(group, CRECHE_NEVER, NULL)); /* the group does not wait for the function */
  for (i = 1; i < 3; i++)
    OK(creche_offload(narrow.scope, polls, &p[i], NULL, see, &s[i], &task[i]));
  OK(creche_scope_cancel(task[1].scope, NULL));
  assert_int_equal(atomic_load(&p[2].running), 0); /* the place is taken */
  atomic_store(&p[0].stop, 1);
  while (!atomic_load(&p[2].running)) sched_yield();
  atomic_store(&p[2].stop, 1);
  OK(creche_loop_close(narrow));
  OK(creche_loop_join(narrow, PATIENCE));
  assert_int_equal(s[0].status, CRECHE_E_CANCELLED);
  assert_int_equal(s[1].status, CRECHE_E_CANCELLED);
  assert_int_equal(atomic_load(&p[1].running), 0);
  assert_int_equal(atomic_load(&p[2].running), 2);
  assert_int_equal(s[2].status, CRECHE_OK);
}

/* Living tasks are counted while they live: 2, 1, 0. */
static void living_tasks_are_counted(void** state) {
  seen s[2] = {{0}, {0}};
  poller p[2];
  int i;
  (void)state;
  memset(p, 0, sizeof p);
  for (i = 0; i < 2; i++) OK(creche_offload(loop.scope, polls, &p[i], NULL, see, &s[i], NULL));
  for (i = 0; i < 2; i++)
    while (!atomic_load(&p[i].running)) creche_loop_poll(loop, 0);
  assert_int_equal(loop_counters().live_tasks, 2);
  for (i = 0; i < 2; i++) {
    atomic_store(&p[i].stop, 1);
    until(&s[i].finals, 1);
    assert_int_equal(loop_counters().live_tasks, 1 - i);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(calls_wake_a_sleeping_loop),
      TEST(cancelled_by_many_at_once),
      TEST(cancelled_before_the_call_returns),
      TEST(a_self_posting_callback_starves_nobody),
      TEST(posts_at_the_end),
      TEST(posts_race_with_the_end),
      TEST(a_worker_waits_for_the_loop),
      TEST(a_cancelled_worker_calls_back),
      TEST(a_worker_at_the_end_of_the_loop),
      TEST(the_flag),
      TEST(an_abandoned_function_keeps_its_place),
      TEST(living_tasks_are_counted),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

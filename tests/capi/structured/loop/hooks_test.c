/* What a loop tells its hooks, in which order, and on which thread. */
#include <pthread.h>

#include "support/core.h"

enum { MAX_EVENTS = 64 };
typedef struct told {
  creche_trace_event events[MAX_EVENTS];
  char names[MAX_EVENTS][32], sites[MAX_EVENTS][32], texts[MAX_EVENTS][32];
  pthread_t threads[MAX_EVENTS];
  int count, lost, inside, nested;
  creche_status blocking, call; /* what such calls return in a hook */
} told;

static void tell(void* user, const creche_trace_event* e) {
  told* t = user;
  const int i = t->count;
  if (t->inside++) t->nested++;
  if (i < MAX_EVENTS) {
    t->events[i] = *e;
    snprintf(t->names[i], sizeof t->names[i], "%s", e->name);
    snprintf(t->sites[i], sizeof t->sites[i], "%s", e->site);
    snprintf(t->texts[i], sizeof t->texts[i], "%s", e->text);
    t->threads[i] = pthread_self();
    t->count++;
  } else {
    t->lost++;
  }
  t->inside--;
}
static creche_loop open_told(told* t, creche_hook_fn fn, uint32_t run) {
  creche_loop_options o;
  creche_hooks h;
  creche_loop l;
  OK(creche_loop_options_init(&o, sizeof o));
  OK(creche_hooks_init(&h, sizeof h));
  assert_true(h.spawned == NULL && h.leaked == NULL);
  h.user = t;
  h.spawned = h.started = h.ended = h.cancelled = h.leaked = fn;
  o.hooks = &h;
  o.run = run;
  OK(creche_loop_open(&o, &l));
  return l;
}
static void is_event(const told* t, int i, uint32_t event, uint32_t kind, const char* name) {
  assert_true(i < t->count);
  assert_int_equal(t->events[i].event, event);
  assert_int_equal(t->events[i].kind, kind);
  assert_string_equal(t->names[i], name);
}
static void poll_all(creche_loop l) {
  while (creche_loop_poll(l, 0) == CRECHE_OK) continue;
}

/* One group, one task in it, a cancellation: every event, in order, right after each call. */
static void in_order(void** state) {
  static told t;
  seen g = {0}, s = {0}, b = {0};
  creche_group_options o = group_options();
  creche_task_options to = task_options();
  creche_group group;
  creche_task task;
  creche_loop l;
  creche_scope scope;
  int i;
  (void)state;
  memset(&t, 0, sizeof t);
  l = open_told(&t, tell, CRECHE_RUN_CALLER);
  o.name = "group";
  o.site = "here.c:1";
  OK(creche_group_open(l.scope, &o, see, &g, &group));
  assert_int_equal(t.count, 1);
  is_event(&t, 0, CRECHE_EVENT_SPAWNED, CRECHE_KIND_GROUP, "group");
  assert_string_equal(t.sites[0], "here.c:1");
  assert_int_equal(t.events[0].id, group.scope.id);
  assert_int_equal(t.events[0].parent.id, l.scope.id);
  assert_int_equal(t.events[0].loop.scope.id, l.scope.id);
  assert_true(t.events[0].size >= sizeof(creche_trace_event) && t.events[0].time > 0);
  OK(creche_scope_open(group.scope, NULL, &scope));
  is_event(&t, 1, CRECHE_EVENT_SPAWNED, CRECHE_KIND_SCOPE, "");
  OK(creche_scope_leave(scope, NULL));
  is_event(&t, 2, CRECHE_EVENT_ENDED, CRECHE_KIND_SCOPE, "");
  to.name = "task";
  OK(creche_task_spawn(group.scope, body_obeys, &b, &to, see, &s, &task));
  is_event(&t, 3, CRECHE_EVENT_SPAWNED, CRECHE_KIND_TASK, "task");
  to.name = "sleep";
  OK(creche_sleep_until(group.scope, CRECHE_NEVER, &to, see, &s, NULL));
  is_event(&t, 4, CRECHE_EVENT_SPAWNED, CRECHE_KIND_SLEEP, "sleep");
  is_event(&t, 5, CRECHE_EVENT_STARTED, CRECHE_KIND_SLEEP, "sleep");
  assert_int_equal(t.count, 6);
  poll_all(l);
  is_event(&t, 6, CRECHE_EVENT_STARTED, CRECHE_KIND_TASK, "task");
  OK(creche_scope_cancel(group.scope, "enough"));
  is_event(&t, 7, CRECHE_EVENT_CANCELLED, CRECHE_KIND_GROUP, "group");
  assert_int_equal(t.events[7].reason, CRECHE_REASON_EXPLICIT);
  assert_int_equal(t.events[7].by.id, group.scope.id);
  assert_string_equal(t.texts[7], "enough");
  is_event(&t, 8, CRECHE_EVENT_ENDED, CRECHE_KIND_SLEEP, "sleep");
  assert_int_equal(t.events[8].status, CRECHE_E_CANCELLED);
  assert_true(t.events[8].duration >= 0);
  OK(creche_group_close(group));
  poll_all(l);
  is_event(&t, 9, CRECHE_EVENT_ENDED, CRECHE_KIND_TASK, "task");
  is_event(&t, 10, CRECHE_EVENT_ENDED, CRECHE_KIND_GROUP, "group");
  assert_int_equal(t.events[10].status, CRECHE_OK);
  assert_int_equal(t.count, 11);
  for (i = 0; i < t.count; i++) assert_true(pthread_equal(t.threads[i], pthread_self()));
  OK(creche_loop_close(l));
  OK(creche_loop_join(l, PATIENCE));
  assert_true(t.nested == 0 && t.lost == 0);
}

/* A hook may call the library; what blocks on a loop says so, and the last error of the call that
 * it came with stays. */
static creche_loop calling;
static void call_back(void* user, const creche_trace_event* e) {
  told* t = user;
  creche_scope_state look;
  tell(user, e);
  t->blocking = creche_loop_join(calling, 0);
  t->call = creche_scope_get_state(calling.scope, &look, sizeof look);
  if (e->event == CRECHE_EVENT_SPAWNED && e->kind == CRECHE_KIND_GROUP && t->count < 4) {
    creche_group group;
    t->call = creche_group_open(calling.scope, NULL, creche_nobody, NULL, &group);
    if (t->call == CRECHE_OK) t->call = creche_group_close(group);
  }
}
static void calls_in_a_hook(void** state) {
  static told t;
  creche_group group;
  (void)state;
  memset(&t, 0, sizeof t);
  calling = open_told(&t, call_back, CRECHE_RUN_CALLER);
  IS(creche_group_close((creche_group){{0}}), CRECHE_E_BAD_HANDLE);
  OK(creche_group_open(calling.scope, NULL, creche_nobody, NULL, &group));
  last_error_says("null"); /* that of before */
  assert_int_equal(t.blocking, CRECHE_E_WOULD_DEADLOCK);
  assert_int_equal(t.call, CRECHE_OK);
  assert_true(t.count > 4);
  assert_int_equal(t.nested, 0); /* one at a time */
  OK(creche_group_close(group));
  OK(creche_loop_close(calling));
  OK(creche_loop_join(calling, PATIENCE));
}

/* Several threads and the loop's: one at a time, everything balanced, none after the join. */
typedef struct balance {
  int inside, overlaps; /* no atomics: hooks exclude each other */
  int spawned, started, ended, cancelled;
} balance;
static void weigh(void* user, const creche_trace_event* e) {
  balance* b = user;
  if (b->inside++) b->overlaps++;
  b->spawned += e->event == CRECHE_EVENT_SPAWNED;
  b->started += e->event == CRECHE_EVENT_STARTED;
  b->ended += e->event == CRECHE_EVENT_ENDED;
  b->cancelled += e->event == CRECHE_EVENT_CANCELLED;
  b->inside--;
}
static creche_loop shared;
static void* spawns(void* failed) {
  int i;
  for (i = 0; i < 300; i++) {
    creche_group group;
    creche_task task;
    int* bad = failed;
    *bad |= creche_group_open(shared.scope, NULL, creche_nobody, NULL, &group) != CRECHE_OK;
    *bad |= creche_sleep_until(group.scope, i % 2 ? 0 : CRECHE_NEVER, NULL, creche_nobody, NULL,
                               &task) != CRECHE_OK;
    *bad |= creche_scope_cancel(group.scope, NULL) != CRECHE_OK;
    *bad |= creche_group_close(group) != CRECHE_OK;
  }
  return NULL;
}
static void many_threads(void** state) {
  balance b = {0};
  pthread_t threads[4];
  int failed[4] = {0}, i;
  (void)state;
  {
    creche_loop_options o;
    creche_hooks h;
    OK(creche_loop_options_init(&o, sizeof o));
    OK(creche_hooks_init(&h, sizeof h));
    h.user = &b;
    h.spawned = h.started = h.ended = h.cancelled = weigh;
    o.hooks = &h;
    OK(creche_loop_open(&o, &shared));
  }
  for (i = 0; i < 4; i++) OK(pthread_create(&threads[i], NULL, spawns, &failed[i]));
  for (i = 0; i < 4; i++) OK(pthread_join(threads[i], NULL));
  OK(creche_loop_close(shared));
  OK(creche_loop_join(shared, PATIENCE));
  for (i = 0; i < 4; i++) assert_int_equal(failed[i], 0);
  assert_int_equal(b.overlaps, 0);
  assert_int_equal(b.spawned, 4 * 300 * 2);
  assert_int_equal(b.ended, b.spawned);
  assert_int_equal(b.cancelled, 4 * 300 + 1); /* the loop */
  assert_true(b.started <= 4 * 300);
}

/* Releases tell what they have brought about, before they return: here of those who wait. */
static void releases_tell(void** state) {
  static told t;
  creche_limiter_options lo;
  creche_loop l;
  creche_limiter limiter;
  creche_token token;
  creche_event event;
  creche_sender sender;
  creche_receiver receiver;
  seen s[4];
  (void)state;
  memset(&t, 0, sizeof t);
  memset(s, 0, sizeof s);
  l = open_told(&t, tell, CRECHE_RUN_CALLER);
  OK(creche_limiter_options_init(&lo, sizeof lo));
  OK(creche_limiter_open(l, &lo, &limiter));
  OK(creche_event_open(l, NULL, &event));
  OK(creche_channel_open(l, NULL, &sender, &receiver));
  OK(creche_limiter_try(limiter, l.scope, 0, &token));
  OK(creche_limiter_acquire(limiter, l.scope, 0, NULL, see, &s[0], NULL));
  OK(creche_limiter_acquire(limiter, l.scope, 0, NULL, see, &s[1], NULL));
  OK(creche_event_wait(event, l.scope, NULL, see, &s[2], NULL));
  OK(creche_channel_receive(receiver, l.scope, NULL, see, &s[3], NULL));
  t.count = 0;
  creche_value_release(token.id);
  is_event(&t, 0, CRECHE_EVENT_ENDED, CRECHE_KIND_WAIT, "");
  assert_int_equal(t.events[0].status, CRECHE_OK);
  creche_limiter_release(limiter);
  is_event(&t, 1, CRECHE_EVENT_ENDED, CRECHE_KIND_WAIT, "");
  assert_int_equal(t.events[1].status, CRECHE_E_CLOSED);
  creche_event_release(event);
  is_event(&t, 2, CRECHE_EVENT_ENDED, CRECHE_KIND_WAIT, "");
  creche_receiver_release(receiver);
  is_event(&t, 3, CRECHE_EVENT_ENDED, CRECHE_KIND_WAIT, "");
  assert_int_equal(t.count, 4);
  creche_sender_release(sender);
  poll_all(l);
  creche_value_release(s[0].value);
  OK(creche_loop_close(l));
  OK(creche_loop_join(l, PATIENCE));
}

static void wrong_hooks(void** state) {
  creche_loop_options o;
  creche_hooks h;
  creche_loop l;
  (void)state;
  IS(creche_hooks_init(NULL, sizeof h), CRECHE_E_INVALID);
  OK(creche_hooks_init(&h, sizeof h));
  OK(creche_loop_options_init(&o, sizeof o));
  o.hooks = &h;
  h.flags = 1;
  IS(creche_loop_open(&o, &l), CRECHE_E_UNSUPPORTED);
  h.flags = 0;
  h.size = 8;
  IS(creche_loop_open(&o, &l), CRECHE_E_INVALID);
  o.hooks = NULL;
  o.stall_after = -1;
  IS(creche_loop_open(&o, &l), CRECHE_E_INVALID);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(in_order),     cmocka_unit_test(calls_in_a_hook),
      cmocka_unit_test(many_threads), cmocka_unit_test(releases_tell),
      cmocka_unit_test(wrong_hooks),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* A callback that blocks the loop is named while it does; and how long turns take. */
#include <pthread.h>

#include "support/core.h"

typedef struct stuck {
  pthread_mutex_t mutex;
  pthread_cond_t cond;
  int reports, wanted; /* the callback goes on when that many have come */
  creche_trace_event last;
  char name[32], site[32];
  pthread_t reporter;
  int64_t first;
} stuck;
static void on_stall(void* user, const creche_trace_event* e) {
  stuck* s = user;
  pthread_mutex_lock(&s->mutex);
  if (s->reports++ == 0) s->first = e->duration;
  s->last = *e;
  snprintf(s->name, sizeof s->name, "%s", e->name);
  snprintf(s->site, sizeof s->site, "%s", e->site);
  s->reporter = pthread_self();
  pthread_cond_broadcast(&s->cond);
  pthread_mutex_unlock(&s->mutex);
}
/* Blocks the loop until it was reported: so nothing here depends on times. */
static void block(void* user, const creche_completion* c) {
  stuck* s = user;
  if (c->kind == CRECHE_CANCEL) return;
  pthread_mutex_lock(&s->mutex);
  while (s->reports < s->wanted) pthread_cond_wait(&s->cond, &s->mutex);
  pthread_mutex_unlock(&s->mutex);
  if (c->kind == CRECHE_BEGIN) creche_task_finish(c->task, CRECHE_OK, 0, NULL);
}
static creche_loop open_stalling(stuck* s, int64_t after) {
  creche_loop_options o;
  creche_hooks h;
  creche_loop l;
  OK(creche_loop_options_init(&o, sizeof o));
  OK(creche_hooks_init(&h, sizeof h));
  h.user = s;
  h.stalled = on_stall;
  o.hooks = &h;
  o.stall_after = after;
  OK(creche_loop_open(&o, &l));
  return l;
}

static void named_while_stuck(void** state) {
  stuck s = {.mutex = PTHREAD_MUTEX_INITIALIZER, .cond = PTHREAD_COND_INITIALIZER, .wanted = 2};
  creche_loop l = open_stalling(&s, 5 * CRECHE_MILLISECOND);
  creche_task_options t = task_options();
  creche_loop_counters c;
  creche_loop_lag lag;
  creche_task task;
  (void)state;
  t.name = "the blocker";
  t.site = "blocker.c:3";
  OK(creche_task_spawn(l.scope, block, &s, &t, creche_nobody, NULL, &task));
  pthread_mutex_lock(&s.mutex);
  while (s.reports < 2) pthread_cond_wait(&s.cond, &s.mutex);
  pthread_mutex_unlock(&s.mutex);
  OK(creche_loop_get_counters(l, &c, sizeof c)); /* it may be stuck still */
  OK(creche_loop_get_lag(l, &lag, sizeof lag));
  OK(creche_loop_close(l));
  OK(creche_loop_join(l, PATIENCE));
  assert_true(c.stalls >= 2);
  assert_true(s.first >= 5 * CRECHE_MILLISECOND); /* never too early */
  assert_true(s.last.duration >= 2 * s.first);    /* again when it has doubled */
  assert_int_equal(s.last.event, CRECHE_EVENT_STALLED);
  assert_int_equal(s.last.kind, CRECHE_KIND_TASK);
  assert_int_equal(s.last.what, CRECHE_BEGIN);
  assert_int_equal(s.last.id, task.scope.id);
  assert_true(s.last.callback == block);
  assert_string_equal(s.name, "the blocker");
  assert_string_equal(s.site, "blocker.c:3");
}

static void posts_too(void** state) {
  stuck s = {.mutex = PTHREAD_MUTEX_INITIALIZER, .cond = PTHREAD_COND_INITIALIZER, .wanted = 1};
  creche_loop l = open_stalling(&s, CRECHE_MILLISECOND);
  (void)state;
  OK(creche_loop_post(l, block, &s));
  OK(creche_loop_close(l));
  OK(creche_loop_join(l, PATIENCE));
  assert_int_equal(s.last.kind, CRECHE_KIND_POST);
  assert_int_equal(s.last.what, CRECHE_POST);
  assert_int_equal(s.last.id, 0);
  assert_true(s.last.callback == block);
  assert_string_equal(s.name, "");
}

static void spin(void* user, const creche_completion* c) {
  const int64_t end = now() + *(const int64_t*)user;
  (void)c;
  while (now() < end) continue;
}
static uint64_t sum_of(const creche_histogram* h, int from) {
  uint64_t n = 0;
  int i;
  for (i = from; i < 40; i++) n += h->buckets[i];
  return n;
}
/* Without a watchdog too. */
static void lag_is_measured(void** state) {
  creche_loop_lag lag;
  int64_t long_one = 20 * CRECHE_MILLISECOND, short_one = 0;
  int i;
  (void)state;
  IS(creche_loop_get_lag(loop, NULL, sizeof lag), CRECHE_E_INVALID);
  for (i = 0; i < 40; i++) OK(creche_loop_post(loop, spin, i == 30 ? &long_one : &short_one));
  settle();
  OK(creche_loop_get_lag(loop, &lag, sizeof lag));
  assert_int_equal(lag.size, sizeof lag);
  assert_int_equal(lag.callbacks.count, 1); /* turns that ran callbacks */
  assert_true(lag.callbacks.max >= 20 * CRECHE_MILLISECOND);
  assert_true(lag.turns.max >= lag.callbacks.max);
  assert_true(lag.turns.count >= 1 && lag.turns.sum >= lag.turns.max);
  assert_int_equal(sum_of(&lag.turns, 0), lag.turns.count);
  assert_int_equal(sum_of(&lag.callbacks, 0), lag.callbacks.count);
  assert_int_equal(sum_of(&lag.callbacks, 24), 1); /* 2^24 ns are 17 ms */
  assert_int_equal(loop_counters().longest_callback, lag.callbacks.max);
  assert_int_equal(loop_counters().stalls, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(named_while_stuck),
                                     cmocka_unit_test(posts_too), TEST(lag_is_measured)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

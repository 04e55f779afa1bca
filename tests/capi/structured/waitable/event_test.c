/* Events: set once, by anybody, for all who wait. */
#include <pthread.h>

#include "support/core.h"

static creche_event event_here(void) {
  creche_event event;
  creche_event_options o;
  OK(creche_event_options_init(&o, sizeof o));
  o.name = "ready";
  OK(creche_event_open(loop, &o, &event));
  return event;
}
static creche_task wait_for(creche_event event, creche_scope in, seen* s) {
  creche_task task;
  OK(creche_event_wait(event, in, NULL, see, s, &task));
  return task;
}

/* 82: a wait on a set event completes in a later turn. */
static void a_set_event_completes_later(void** state) {
  creche_event event = event_here();
  seen s = {0};
  (void)state;
  assert_int_equal(creche_event_is_set(event), 0);
  OK(creche_event_set(event));
  OK(creche_event_set(event)); /* again is harmless */
  assert_int_equal(creche_event_is_set(event), 1);
  wait_for(event, loop.scope, &s);
  assert_int_equal(s.finals, 0);
  settle();
  assert_int_equal(s.finals, 1);
  assert_int_equal(s.status, CRECHE_OK);
  creche_event_release(event);
  creche_event_release(event);
}

/* 82: set wakes all, in the order in which they came. */
static void set_wakes_all(void** state) {
  creche_event event = event_here();
  seen s[5];
  int i;
  (void)state;
  memset(s, 0, sizeof s);
  for (i = 0; i < 5; i++) wait_for(event, loop.scope, &s[i]);
  settle();
  assert_int_equal(s[0].finals, 0);
  OK(creche_event_set(event));
  settle();
  for (i = 0; i < 5; i++) assert_int_equal(s[i].status + (s[i].finals != 1), CRECHE_OK);
  for (i = 1; i < 5; i++) assert_true(s[i].order > s[i - 1].order);
  creche_event_release(event);
}

static void cancelled_waits(void** state) {
  creche_event event = event_here();
  creche_scope scope = scope_in(loop.scope, NULL);
  seen s[4];
  creche_task task;
  (void)state;
  memset(s, 0, sizeof s);
  task = wait_for(event, loop.scope, &s[0]);
  wait_for(event, scope, &s[1]);
  OK(creche_scope_cancel(task.scope, NULL)); /* in line */
  OK(creche_event_set(event));
  OK(creche_scope_cancel(scope, NULL)); /* too late: commit wins */
  wait_for(event, scope, &s[2]);        /* level-triggered, though the event is set */
  settle();
  assert_int_equal(s[0].status, CRECHE_E_CANCELLED);
  assert_int_equal(s[1].status, CRECHE_OK);
  assert_int_equal(s[2].status, CRECHE_E_CANCELLED);
  OK(creche_scope_leave(scope, NULL));
  creche_event_release(event);
}

static void a_deadline_ends_the_wait(void** state) {
  creche_event event = event_here();
  creche_task_options o = task_options();
  seen s = {0};
  (void)state;
  o.timeout = CRECHE_MILLISECOND;
  OK(creche_event_wait(event, loop.scope, &o, see, &s, NULL));
  until(&s.finals, 1);
  assert_int_equal(s.status, CRECHE_E_TIMEOUT);
  creche_event_release(event);
}

static void its_release_fails_those_who_wait(void** state) {
  creche_event event = event_here();
  seen g = {0}, s = {0};
  creche_group group = group_in(loop.scope, NULL, &g);
  (void)state;
  wait_for(event, group.scope, &s);
  OK(creche_group_close(group));
  settle();
  creche_event_release(event);
  settle();
  assert_int_equal(s.status, CRECHE_E_CLOSED);
  assert_int_equal(g.status, CRECHE_E_GROUP); /* a failure like any other */
  IS(creche_event_set(event), CRECHE_E_ENDED);
  IS(creche_event_is_set(event), CRECHE_E_ENDED);
}

static void the_loops_end_cancels(void** state) {
  creche_event event = event_here();
  seen s = {0};
  (void)state;
  wait_for(event, loop.scope, &s);
  OK(creche_loop_close(loop));
  OK(creche_loop_join(loop, PATIENCE));
  assert_int_equal(s.status, CRECHE_E_CANCELLED);
  IS(creche_event_set(event), CRECHE_E_ENDED);
  creche_event_release(event);
}

/* Those who wait may be of one group that ends by the first of them. */
static void winners_and_losers_of_a_race(void** state) {
  creche_event event = event_here();
  creche_group_options o = group_options();
  seen g = {0}, s[3];
  creche_group group;
  int i, won = 0;
  (void)state;
  memset(s, 0, sizeof s);
  o.policy = CRECHE_RACE;
  group = group_in(loop.scope, &o, &g);
  for (i = 0; i < 3; i++) wait_for(event, group.scope, &s[i]);
  OK(creche_group_close(group));
  settle();
  OK(creche_event_set(event));
  settle();
  for (i = 0; i < 3; i++) won += s[i].finals == 1 && s[i].status == CRECHE_OK;
  assert_int_equal(won, 1);
  assert_int_equal(g.status, CRECHE_OK);
  creche_event_release(event);
}

static void the_dump_names_it(void** state) {
  creche_event event = event_here();
  char text[2000];
  seen s = {0};
  (void)state;
  wait_for(event, loop.scope, &s);
  OK(creche_loop_dump(loop, CRECHE_DUMP_TEXT, text, sizeof text, NULL));
  if (strstr(text, "event \"ready\"") == NULL) fail_msg("%s", text);
  OK(creche_event_set(event));
  settle();
  creche_event_release(event);
}

/* Eight threads wait and set. */
enum { THREADS = 8, ROUNDS = 300 };
static creche_loop shared;
static creche_event events[ROUNDS];
static int64_t woken;
static void wake(void* user, const creche_completion* c) {
  (void)user;
  if (c->status == CRECHE_OK) __atomic_add_fetch(&woken, 1, __ATOMIC_SEQ_CST);
}
static void* wait_and_set(void* arg) {
  size_t wrong = 0, self = (size_t)arg;
  int i;
  for (i = 0; i < ROUNDS; i++) {
    wrong += creche_event_wait(events[i], shared.scope, NULL, wake, NULL, NULL) != CRECHE_OK;
    if ((size_t)i % THREADS == self) wrong += creche_event_set(events[i]) != CRECHE_OK;
    wrong += creche_event_is_set(events[i]) < 0;
  }
  return (void*)wrong;
}
static void eight_threads_race(void** state) {
  pthread_t threads[THREADS];
  void* wrong;
  size_t i;
  (void)state;
  woken = 0;
  OK(creche_loop_open(NULL, &shared));
  for (i = 0; i < ROUNDS; i++) OK(creche_event_open(shared, NULL, &events[i]));
  for (i = 0; i < THREADS; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, wait_and_set, (void*)i), 0);
  for (i = 0; i < THREADS; i++) {
    assert_int_equal(pthread_join(threads[i], &wrong), 0);
    assert_int_equal((size_t)wrong, 0);
  }
  OK(creche_loop_shutdown(shared, PATIENCE));
  OK(creche_loop_join(shared, PATIENCE));
  assert_int_equal(woken, THREADS * ROUNDS);
  for (i = 0; i < ROUNDS; i++) creche_event_release(events[i]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(a_set_event_completes_later),
      TEST(set_wakes_all),
      TEST(cancelled_waits),
      TEST(a_deadline_ends_the_wait),
      TEST(its_release_fails_those_who_wait),
      TEST(the_loops_end_cancels),
      TEST(winners_and_losers_of_a_race),
      TEST(the_dump_names_it),
      TEST(eight_threads_race),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

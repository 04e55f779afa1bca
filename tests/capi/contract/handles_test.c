/* Handles: null, forged, wrong kind, ended; from many threads; without effect and with a message.
 */
#include <pthread.h>

#include "support/core.h"

/* Every function that takes a handle, with its handle as a number. */
static creche_status call(int which, uint64_t id) {
  static seen s;
  creche_scope scope;
  creche_group group;
  creche_task task;
  creche_queue queue;
  creche_loop of;
  creche_scope_state look;
  creche_loop_counters count;
  creche_completion c;
  int64_t t;
  size_t n;
  char text[8];
  creche_limiter limiter;
  creche_limiter_state limiter_state;
  creche_token token;
  creche_rate rate;
  creche_rate_state rate_state;
  creche_event event;
  creche_sender sender;
  creche_receiver receiver;
  creche_channel_state channel_state;
  limiter.id = token.id = rate.id = event.id = sender.id = receiver.id = id;
  scope.id = group.scope.id = task.scope.id = queue.id = of.scope.id = id;
  switch (which) {
    case 0:
      return creche_scope_open(scope, NULL, &scope);
    case 1:
      return creche_scope_leave(scope, NULL);
    case 2:
      return creche_scope_cancel(scope, NULL);
    case 3:
      return creche_scope_interrupt(scope);
    case 4:
      return creche_scope_set_deadline(scope, CRECHE_NEVER);
    case 5:
      return creche_scope_set_timeout(scope, CRECHE_NEVER);
    case 6:
      return creche_scope_set_shield(scope, 0);
    case 7:
      return creche_scope_get_state(scope, &look, sizeof look);
    case 8:
      return creche_now(scope, &t);
    case 9:
      return creche_group_open(scope, NULL, see, &s, &group);
    case 10:
      return creche_task_spawn(scope, see, &s, NULL, see, &s, &task);
    case 11:
      return creche_task_open(scope, NULL, see, &s, &task);
    case 12:
      return creche_sleep(scope, 0, NULL, see, &s, &task);
    case 13:
      return creche_sleep_until(scope, 0, NULL, see, &s, &task);
    /* Not any scope: */
    case 14:
      return creche_group_close(group);
    case 15:
      return creche_group_join(group, 0, NULL);
    case 16:
      return creche_task_finish(task, CRECHE_OK, 0, NULL);
    case 17:
      return creche_task_answer(task, CRECHE_OK, NULL, 0, 0, NULL);
    case 18:
      return creche_offload_cancelled(task);
    case 19:
      return creche_queue_fd(queue);
    case 20:
      return creche_queue_drain(queue, &c, 1, &n);
    case 21:
      return creche_queue_wait(queue, &c, 1, 0, &n);
    case 22:
      return creche_queue_close(queue, NULL, NULL);
    case 23:
      return creche_loop_run(of);
    case 24:
      return creche_loop_poll(of, 0);
    case 25:
      return creche_loop_post(of, see, &s);
    case 26:
      return creche_loop_close(of);
    case 27:
      return creche_loop_shutdown(of, 0);
    case 28:
      return creche_loop_join(of, 0);
    case 29:
      return creche_loop_abandon(of);
    case 30:
      return creche_loop_dump(of, CRECHE_DUMP_TEXT, text, sizeof text, &n);
    case 31:
      return creche_loop_get_counters(of, &count, sizeof count);
    case 32:
      return creche_queue_open(of, NULL, &queue);
    case 33:
      return creche_limiter_open(of, NULL, &limiter);
    case 34:
      return creche_rate_open(of, NULL, &rate);
    case 35:
      return creche_event_open(of, NULL, &event);
    case 36:
      return creche_channel_open(of, NULL, &sender, &receiver);
    /* What tasks wait on: */
    case 37:
      return creche_limiter_acquire(limiter, loop.scope, 0, NULL, see, &s, &task);
    case 38:
      return creche_limiter_try(limiter, loop.scope, 0, &token);
    case 39:
      return creche_limiter_set_total(limiter, 1);
    case 40:
      return creche_limiter_get_state(limiter, &limiter_state, sizeof limiter_state);
    case 41:
      return creche_token_move(token, loop.scope);
    case 42:
      return creche_rate_acquire(rate, loop.scope, 1, NULL, see, &s, &task);
    case 43:
      return creche_rate_try(rate, 1);
    case 44:
      return creche_rate_pause(rate, 0);
    case 45:
      return creche_rate_resume(rate);
    case 46:
      return creche_rate_get_state(rate, &rate_state, sizeof rate_state);
    case 47:
      return creche_event_wait(event, loop.scope, NULL, see, &s, &task);
    case 48:
      return creche_event_set(event);
    case 49:
      return creche_event_is_set(event);
    case 50:
      return creche_channel_send(sender, loop.scope, 0, NULL, see, &s, &task);
    case 51:
      return creche_channel_try_send(sender, 0);
    case 52:
      return creche_sender_clone(sender, &sender);
    case 53:
      return creche_sender_get_state(sender, &channel_state, sizeof channel_state);
    case 54:
      return creche_channel_receive(receiver, loop.scope, NULL, see, &s, &task);
    case 55:
      return creche_channel_try_receive(receiver, &id);
    case 56:
      return creche_receiver_clone(receiver, &receiver);
    case 57:
      return creche_receiver_get_state(receiver, &channel_state, sizeof channel_state);
    case 58:
      return creche_channel_put_back(receiver, 0);
    default:
      return 1;
  }
}
enum {
  CALLS = 59,
  OF_ANY_SCOPE = 14,
  OF_GROUPS = 14,
  OF_TASKS = 16,
  OF_QUEUES = 19,
  OF_LOOPS = 23,
  OF_WAITABLES = 37
};

static void null_handles(void** state) {
  int i;
  (void)state;
  for (i = 0; i < CALLS; i++) {
    IS(call(i, 0), CRECHE_E_BAD_HANDLE);
    if (i != 3) last_error_says("null");
  }
}

static void forged_handles(void** state) {
  const uint64_t forged[] = {
      1,
      0xdeadbeef,
      UINT64_MAX,
      UINT64_C(1) << 63,
      UINT64_C(0x7fffffffffffffff),
      loop.scope.id ^ 0x40000000,
  };
  size_t f;
  int i;
  (void)state;
  for (f = 0; f < sizeof forged / sizeof *forged; f++)
    for (i = 0; i < CALLS; i++) IS(call(i, forged[f]), CRECHE_E_BAD_HANDLE);
  /* As each kind of object, in a slot that exists. */
  for (f = 0; f < 32; f++)
    for (i = 0; i < CALLS; i++) {
      const uint64_t id = (uint64_t)f << 59 | (loop.scope.id & 0x07ffffff00000000) | 0x12345;
      const creche_status status = call(i, id);
      assert_true(status == CRECHE_E_BAD_HANDLE || status == CRECHE_E_ENDED);
    }
}

static void wrong_kinds(void** state) {
  seen g = {0}, s = {0};
  creche_group group = group_in(loop.scope, NULL, &g);
  creche_task task = op(group.scope, &s);
  creche_scope scope = scope_in(loop.scope, NULL);
  creche_queue queue;
  int i;
  (void)state;
  OK(creche_queue_open(loop, NULL, &queue));
  for (i = 0; i < OF_ANY_SCOPE; i++) IS(call(i, queue.id), CRECHE_E_BAD_HANDLE);
  last_error_says("a queue");
  last_error_says("scope");
  for (i = OF_GROUPS; i < CALLS; i++) {
    IS(call(i, scope.id), CRECHE_E_BAD_HANDLE);
    if (i < OF_TASKS || i >= OF_QUEUES) IS(call(i, task.scope.id), CRECHE_E_BAD_HANDLE);
    if (i >= OF_TASKS) IS(call(i, group.scope.id), CRECHE_E_BAD_HANDLE);
    if (i < OF_LOOPS || i >= OF_WAITABLES) IS(call(i, loop.scope.id), CRECHE_E_BAD_HANDLE);
    if (i < OF_QUEUES || i >= OF_LOOPS) IS(call(i, queue.id), CRECHE_E_BAD_HANDLE);
  }
  assert_int_equal(g.finals + s.finals, 0); /* without effect */
  assert_int_equal(state_of(group.scope).called, 0);
  creche_queue_release(queue);
  OK(creche_scope_leave(scope, NULL));
  OK(creche_scope_cancel(group.scope, NULL));
  OK(creche_group_close(group));
  settle();
}

static void ended_handles(void** state) {
  seen g = {0}, s = {0};
  creche_group group = group_in(loop.scope, NULL, &g);
  creche_task task = op(group.scope, &s);
  creche_scope scope = scope_in(loop.scope, NULL);
  creche_queue queue;
  int i;
  (void)state;
  OK(creche_queue_open(loop, NULL, &queue));
  OK(creche_scope_leave(scope, NULL));
  OK(creche_scope_cancel(group.scope, NULL));
  OK(creche_group_close(group));
  settle();
  creche_queue_release(queue);
  creche_queue_release(queue); /* a second time is harmless */
  OK(creche_loop_close(loop));
  OK(creche_loop_join(loop, PATIENCE));
  for (i = 0; i < OF_ANY_SCOPE; i++) {
    IS(call(i, scope.id), CRECHE_E_ENDED);
    if (i != 3) last_error_says("a scope");
    IS(call(i, group.scope.id), CRECHE_E_ENDED);
    if (i != 3) last_error_says("a group");
    IS(call(i, task.scope.id), CRECHE_E_ENDED);
    if (i != 3) last_error_says("a task");
    IS(call(i, loop.scope.id), CRECHE_E_ENDED);
    if (i != 3) last_error_says("a loop");
  }
  for (i = OF_GROUPS; i < OF_TASKS; i++) IS(call(i, group.scope.id), CRECHE_E_ENDED);
  for (i = OF_TASKS; i < OF_QUEUES; i++) IS(call(i, task.scope.id), CRECHE_E_ENDED);
  for (i = OF_QUEUES; i < OF_LOOPS; i++) IS(call(i, queue.id), CRECHE_E_ENDED);
  for (i = OF_LOOPS; i < OF_WAITABLES; i++) IS(call(i, loop.scope.id), CRECHE_E_ENDED);
}

/* Limiters, events, channels: released, of another kind, or in a scope that has ended. */
static void what_tasks_wait_on(void** state) {
  seen s = {0};
  creche_limiter limiter;
  creche_token token;
  creche_rate rate;
  creche_event event;
  creche_sender sender;
  creche_receiver receiver;
  creche_scope ended = scope_in(loop.scope, NULL);
  creche_task task = {{1}};
  creche_loop other;
  uint64_t ids[6];
  int i, kind;
  /* Which of the calls take which. */
  static const int first[] = {37, 41, 42, 47, 50, 54, 59};
  (void)state;
  OK(creche_scope_leave(ended, NULL));
  OK(creche_limiter_open(loop, NULL, &limiter));
  OK(creche_limiter_try(limiter, loop.scope, 0, &token));
  OK(creche_rate_open(loop, NULL, &rate));
  OK(creche_event_open(loop, NULL, &event));
  OK(creche_channel_open(loop, NULL, &sender, &receiver));
  ids[0] = limiter.id;
  ids[1] = token.id;
  ids[2] = rate.id;
  ids[3] = event.id;
  ids[4] = sender.id;
  ids[5] = receiver.id;
  for (kind = 0; kind < 6; kind++)
    for (i = 0; i < CALLS; i++)
      if (i < first[kind] || i >= first[kind + 1]) IS(call(i, ids[kind]), CRECHE_E_BAD_HANDLE);
  IS(creche_event_wait(event, ended, NULL, see, &s, &task), CRECHE_E_ENDED);
  assert_int_equal(task.scope.id, 0);
  last_error_says("a scope that has ended");
  IS(creche_limiter_try(limiter, ended, 0, &token), CRECHE_E_ENDED);
  token.id = ids[1];
  OK(creche_loop_open(NULL, &other));
  IS(creche_event_wait(event, other.scope, NULL, see, &s, NULL), CRECHE_E_WRONG_LOOP);
  IS(creche_token_move(token, other.scope), CRECHE_E_WRONG_LOOP);
  OK(creche_loop_close(other));
  OK(creche_loop_join(other, PATIENCE));
  /* Released, and released as something else, which does nothing. */
  for (kind = 0; kind < 6; kind++) {
    limiter.id = rate.id = event.id = sender.id = receiver.id = ids[kind];
    if (kind != 0) creche_limiter_release(limiter);
    if (kind != 2) creche_rate_release(rate);
    if (kind != 3) creche_event_release(event);
    if (kind != 4) creche_sender_release(sender);
    if (kind != 5) creche_receiver_release(receiver);
  }
  for (kind = 0; kind < 6; kind++) {
    limiter.id = token.id = rate.id = event.id = sender.id = receiver.id = ids[kind];
    creche_limiter_release(limiter);
    creche_token_release(token);
    creche_rate_release(rate);
    creche_event_release(event);
    creche_sender_release(sender);
    creche_receiver_release(receiver);
    for (i = first[kind]; i < first[kind + 1]; i++) IS(call(i, ids[kind]), CRECHE_E_ENDED);
  }
  assert_int_equal(s.finals, 0);
  assert_int_equal(loop_counters().live_leases, 0);
}

/* Out-parameters of failed calls are the null handle. */
static void a_failed_call_stores_null(void** state) {
  const creche_scope bad = {77};
  creche_loop bad_loop;
  creche_scope scope = {1};
  creche_group group = {{1}};
  creche_task task[4] = {{{1}}, {{1}}, {{1}}, {{1}}};
  creche_queue queue = {1};
  size_t n = 9;
  creche_completion c;
  (void)state;
  bad_loop.scope = bad;
  IS(creche_scope_open(bad, NULL, &scope), CRECHE_E_BAD_HANDLE);
  IS(creche_group_open(bad, NULL, see, NULL, &group), CRECHE_E_BAD_HANDLE);
  IS(creche_task_spawn(bad, see, NULL, NULL, see, NULL, &task[0]), CRECHE_E_BAD_HANDLE);
  IS(creche_task_open(bad, NULL, see, NULL, &task[1]), CRECHE_E_BAD_HANDLE);
  IS(creche_sleep(bad, 0, NULL, see, NULL, &task[2]), CRECHE_E_BAD_HANDLE);
  IS(creche_sleep(bad, -1, NULL, see, NULL, &task[3]), CRECHE_E_INVALID);
  IS(creche_queue_open(bad_loop, NULL, &queue), CRECHE_E_BAD_HANDLE);
  IS(creche_queue_drain(queue, &c, 1, &n), CRECHE_E_BAD_HANDLE);
  assert_int_equal(scope.id | group.scope.id | queue.id | n, 0);
  assert_int_equal(task[0].scope.id | task[1].scope.id | task[2].scope.id | task[3].scope.id, 0);
  /* Nowhere to store one. */
  IS(creche_loop_open(NULL, NULL), CRECHE_E_INVALID);
  IS(creche_scope_open(loop.scope, NULL, NULL), CRECHE_E_INVALID);
  IS(creche_queue_open(loop, NULL, NULL), CRECHE_E_INVALID);
  IS(creche_now(loop.scope, NULL), CRECHE_E_INVALID);
}

/* An id is not given out again while its slot is used again and again. */
static void slots_are_used_again_ids_are_not(void** state) {
  creche_scope first = scope_in(loop.scope, NULL), scope;
  int i;
  (void)state;
  OK(creche_scope_leave(first, NULL));
  for (i = 0; i < 10000; i++) {
    scope = scope_in(loop.scope, NULL);
    assert_true(scope.id != first.id);
    IS(creche_scope_cancel(first, NULL), CRECHE_E_ENDED);
    assert_int_equal(state_of(scope).called, 0);
    OK(creche_scope_leave(scope, NULL));
  }
}

/* From many threads, while the slots are being used. */
enum { THREADS = 4, ROUNDS = 3000 };
static creche_loop shared;
static void* ask(void* arg) {
  const uint64_t* ids = arg;
  size_t wrong = 0;
  int round, i;
  for (round = 0; round < ROUNDS; round++)
    for (i = 0; i < 3; i++) {
      creche_scope scope;
      scope.id = ids[i];
      wrong += creche_scope_cancel(scope, NULL) != (i == 0 ? CRECHE_E_ENDED : CRECHE_E_BAD_HANDLE);
      wrong += creche_scope_interrupt(scope) != (i == 0 ? CRECHE_E_ENDED : CRECHE_E_BAD_HANDLE);
    }
  return (void*)wrong;
}
static void from_many_threads(void** state) {
  pthread_t threads[THREADS];
  uint64_t ids[3];
  creche_scope scope;
  void* wrong;
  int i;
  (void)state;
  OK(creche_loop_open(NULL, &shared));
  OK(creche_scope_open(shared.scope, NULL, &scope));
  OK(creche_scope_leave(scope, NULL));
  ids[0] = scope.id;
  ids[1] = 0;
  ids[2] = scope.id ^ 0x40000000; /* a generation of the future */
  for (i = 0; i < THREADS; i++) assert_int_equal(pthread_create(&threads[i], NULL, ask, ids), 0);
  for (i = 0; i < ROUNDS; i++) {
    OK(creche_scope_open(shared.scope, NULL, &scope));
    OK(creche_scope_leave(scope, NULL));
  }
  for (i = 0; i < THREADS; i++) {
    assert_int_equal(pthread_join(threads[i], &wrong), 0);
    assert_int_equal((size_t)wrong, 0);
  }
  OK(creche_loop_close(shared));
  OK(creche_loop_join(shared, PATIENCE));
}

/* More loops than have handles of objects for themselves; all end before their sessions do. */
static void objects_of_many_loops(void** state) {
  enum { LOOPS = 150 };
  static creche_loop loops[LOOPS];
  static creche_session sessions[2][LOOPS];
  creche_loop_counters c;
  creche_session_counters s;
  int i;
  (void)state;
  for (i = 0; i < LOOPS; i++) {
    creche_loop_options o;
    OK(creche_loop_options_init(&o, sizeof o));
    o.run = CRECHE_RUN_CALLER;
    OK(creche_loop_open(&o, &loops[i]));
    OK(creche_session_open(loops[i], NULL, &sessions[0][i]));
    OK(creche_session_open(loops[i], NULL, &sessions[1][i]));
  }
  for (i = 0; i < LOOPS; i++) {
    OK(creche_loop_get_counters(loops[i], &c, sizeof c));
    assert_int_equal(c.live_handles, 2);
    creche_session_release(sessions[0][i]);
    IS(creche_session_get_counters(sessions[0][i], &s, sizeof s), CRECHE_E_ENDED);
    OK(creche_session_get_counters(sessions[1][i], &s, sizeof s));
    OK(creche_loop_get_counters(loops[i], &c, sizeof c));
    assert_int_equal(c.live_handles, 1);
  }
  for (i = 0; i < LOOPS; i++) {
    OK(creche_loop_close(loops[i]));
    OK(creche_loop_join(loops[i], PATIENCE));
    IS(creche_session_get_counters(sessions[1][i], &s, sizeof s), CRECHE_E_ENDED);
    creche_session_release(sessions[1][i]);
  }
}

/* Objects of different loops do not mix. */
static void wrong_loop(void** state) {
  seen s = {0};
  creche_loop other;
  creche_queue queue;
  creche_group_options g = group_options();
  creche_task_options t = task_options();
  creche_group group = {{1}};
  (void)state;
  OK(creche_loop_open(NULL, &other));
  OK(creche_queue_open(other, NULL, &queue));
  g.queue = t.queue = queue;
  IS(creche_group_open(loop.scope, &g, see, &s, &group), CRECHE_E_WRONG_LOOP);
  last_error_says("different loops");
  assert_int_equal(group.scope.id, 0);
  IS(creche_sleep(loop.scope, 0, &t, see, &s, NULL), CRECHE_E_WRONG_LOOP);
  IS(creche_task_open(loop.scope, &t, NULL, &s, NULL), CRECHE_E_WRONG_LOOP);
  IS(creche_task_spawn(loop.scope, see, &s, &t, NULL, &s, NULL), CRECHE_E_WRONG_LOOP);
  assert_int_equal(state_of(loop.scope).live, 0);
  OK(creche_loop_close(other));
  OK(creche_loop_join(other, PATIENCE));
}

/* A refusal says what to do instead. */
static void refusals_say_what_to_do(void** state) {
  seen s = {0};
  creche_task task = op(loop.scope, &s);
  creche_scope scope = scope_in(loop.scope, NULL), inner;
  creche_loop other;
  (void)state;
  IS(creche_sleep(task.scope, 0, NULL, see, &s, NULL), CRECHE_E_STATE);
  last_error_says("it belongs to");
  IS(creche_scope_open(task.scope, NULL, &inner), CRECHE_E_STATE);
  IS(creche_group_open(task.scope, NULL, see, &s, NULL), CRECHE_E_STATE);
  last_error_says("it belongs to");
  IS(creche_sleep(loop.scope, 0, NULL, creche_to_group, NULL, NULL), CRECHE_E_INVALID);
  last_error_says("creche_nobody");
  IS(creche_loop_join(loop, 0), CRECHE_E_TIMEOUT);
  OK(creche_loop_open(NULL, &other));
  IS(creche_loop_run(other), CRECHE_E_STATE);
  last_error_says("CRECHE_RUN_CALLER");
  IS(creche_loop_poll(other, 0), CRECHE_E_STATE);
  last_error_says("CRECHE_RUN_CALLER");
  OK(creche_loop_close(other));
  OK(creche_loop_join(other, PATIENCE));
  op(scope, &s);
  OK(creche_scope_leave(scope, NULL));
  IS(creche_scope_open(scope, NULL, &inner), CRECHE_E_CLOSED);
  last_error_says("elsewhere");
  OK(creche_scope_cancel(scope, NULL));
  OK(creche_scope_cancel(task.scope, NULL));
  settle();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(null_handles),
      TEST(forged_handles),
      TEST(wrong_kinds),
      TEST(ended_handles),
      TEST(what_tasks_wait_on),
      TEST(a_failed_call_stores_null),
      TEST(slots_are_used_again_ids_are_not),
      TEST(from_many_threads),
      TEST(objects_of_many_loops),
      TEST(wrong_loop),
      TEST(refusals_say_what_to_do),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Loops: who runs them, how they end, what must not block on them, what they tell. */
#include <pthread.h>
#include <semaphore.h>

#include "support/blocker.h"
#include "support/core.h"

static creche_loop open_threaded(seen* s) {
  creche_loop_options o;
  creche_loop opened;
  OK(creche_loop_options_init(&o, sizeof o));
  o.done = s != NULL ? see : NULL;
  o.user = s;
  OK(creche_loop_open(&o, &opened));
  return opened;
}

/* The loop's own completion is its last callback; a join follows it, also one that waited. */
static void joined_with_a_completion(void** state) {
  int i;
  (void)state;
  for (i = 0; i < 20; i++) {
    seen own = {0}, s = {0};
    creche_loop l = open_threaded(&own);
    OK(creche_sleep(l.scope, CRECHE_MILLISECOND, NULL, see, &s, NULL));
    if (i % 2)
      OK(creche_loop_close(l));
    else
      OK(creche_loop_shutdown(l, CRECHE_NEVER));
    OK(creche_loop_join(l, PATIENCE));
    assert_int_equal(own.finals, 1);
    assert_int_equal(own.status, CRECHE_OK);
    assert_int_equal(own.task.scope.id, l.scope.id);
    assert_int_equal(s.finals, 1);
    assert_int_equal(s.status, i % 2 ? CRECHE_E_CANCELLED : CRECHE_OK);
    assert_true(s.order < own.order);
    IS(creche_loop_join(l, 0), CRECHE_E_ENDED);
    IS(creche_loop_close(l), CRECHE_E_ENDED);
  }
}

/* Closing cancels everything, says why, takes nothing new at the root, and is idempotent. */
static void closing(void** state) {
  seen s = {0}, b = {0}, step = {0}, p = {0};
  creche_task task;
  (void)state;
  op(loop.scope, &s);
  task = spawn(loop.scope, body_waits, &b);
  settle();
  OK(creche_loop_close(loop));
  OK(creche_loop_close(loop));
  IS(creche_sleep(loop.scope, 0, NULL, see, &s, NULL), CRECHE_E_CLOSED);
  IS(creche_group_open(loop.scope, NULL, see, &s, NULL), CRECHE_E_CLOSED);
  settle();
  assert_int_equal(s.status, CRECHE_E_CANCELLED);
  assert_int_equal(s.reason, CRECHE_REASON_SHUTDOWN);
  assert_int_equal(s.by.id, loop.scope.id);
  assert_int_equal(b.cancels, 1);
  op(task.scope, &step); /* 80: what runs may still start: it is cancelled */
  settle();
  assert_int_equal(step.status, CRECHE_E_CANCELLED);
  OK(creche_loop_post(loop, see, &p)); /* an accepted post runs before the end */
  IS(creche_loop_join(loop, 0), CRECHE_E_TIMEOUT);
  last_error_says("task");
  OK(creche_task_finish(task, CRECHE_OK, 0, NULL));
  OK(creche_loop_run(loop));
  assert_int_equal(p.posts, 1);
  assert_int_equal(loop_seen.finals, 1);
  assert_true(p.order < loop_seen.order);
  IS(creche_loop_post(loop, see, &p), CRECHE_E_CLOSED); /* 71 */
  IS(creche_loop_run(loop), CRECHE_E_ENDED);
  IS(creche_loop_poll(loop, 0), CRECHE_E_ENDED);
}

/* The gentle end. */
static void shutdown_with_grace(void** state) {
  seen quick = {0}, slow = {0};
  int64_t start = now();
  (void)state;
  OK(creche_sleep(loop.scope, 0, NULL, see, &quick, NULL));
  op(loop.scope, &slow);
  OK(creche_loop_shutdown(loop, 20 * CRECHE_MILLISECOND));
  IS(creche_sleep(loop.scope, 0, NULL, see, &quick, NULL), CRECHE_E_CLOSED);
  until(&slow.finals, 1);
  assert_true(now() - start >= 20 * CRECHE_MILLISECOND);
  OK(creche_loop_run(loop));
  assert_int_equal(quick.status, CRECHE_OK);
  assert_int_equal(slow.status, CRECHE_E_CANCELLED);
  assert_int_equal(slow.reason, CRECHE_REASON_SHUTDOWN);
  assert_true(slow.finals == 1 && loop_seen.finals == 1);
}
static void shutdown_without_cancelling(void** state) {
  seen s = {0};
  (void)state;
  OK(creche_sleep(loop.scope, 5 * CRECHE_MILLISECOND, NULL, see, &s, NULL));
  OK(creche_loop_shutdown(loop, CRECHE_NEVER));
  OK(creche_loop_run(loop));
  assert_int_equal(s.status, CRECHE_OK);
}
static void shutdown_then_close(void** state) {
  seen s = {0};
  (void)state;
  op(loop.scope, &s);
  OK(creche_loop_shutdown(loop, CRECHE_NEVER));
  settle();
  assert_int_equal(s.finals, 0);
  OK(creche_loop_close(loop));
  OK(creche_loop_run(loop));
  assert_int_equal(s.status, CRECHE_E_CANCELLED);
}

/* A join that runs out of time names what is alive; join again later. */
static void a_join_names_survivors(void** state) {
  seen b = {0};
  creche_task_options o = task_options();
  creche_task task;
  creche_loop l = open_threaded(NULL);
  (void)state;
  o.name = "the slow one";
  IS(creche_loop_join(l, 0), CRECHE_E_TIMEOUT);
  last_error_says("not closed");
  OK(creche_task_spawn(l.scope, body_waits, &b, &o, NULL, NULL, &task));
  OK(creche_loop_close(l));
  IS(creche_loop_join(l, CRECHE_MILLISECOND), CRECHE_E_TIMEOUT);
  last_error_says("the slow one");
  while (creche_task_finish(task, CRECHE_OK, 0, NULL) == CRECHE_E_STATE) continue; /* not begun */
  OK(creche_loop_join(l, PATIENCE));
}

/* ---- What would deadlock ---- */
static creche_status in_callback[6];
static creche_group joinable;
static void block(void* user, const creche_completion* c) {
  creche_queue queue = {0};
  creche_completion got;
  creche_outcome outcome;
  size_t n;
  (void)c;
  in_callback[0] = creche_loop_run(loop);
  in_callback[1] = creche_loop_poll(loop, 0);
  in_callback[2] = creche_loop_join(loop, 0);
  in_callback[3] = creche_group_join(joinable, 0, &outcome);
  in_callback[4] = creche_queue_wait(queue, &got, 1, 0, &n);
  in_callback[5] = creche_loop_join(*(creche_loop*)user, 0); /* another loop's, too */
}
static void blocking_in_a_callback(void** state) {
  creche_group_options o = group_options();
  creche_loop l = open_threaded(NULL);
  creche_outcome outcome;
  seen g = {0};
  int i;
  (void)state;
  o.flags = CRECHE_GROUP_JOINABLE;
  joinable = group_in(loop.scope, &o, &g);
  OK(creche_loop_post(loop, block, &l));
  settle();
  for (i = 0; i < 6; i++) assert_int_equal(in_callback[i], CRECHE_E_WOULD_DEADLOCK);
  OK(creche_group_join(joinable, 0, &outcome)); /* legal here */
  settle();
  OK(creche_loop_close(l));
  OK(creche_loop_join(l, PATIENCE));
}

/* ---- Joining groups ---- */
static void joining_a_group(void** state) {
  creche_loop l = open_threaded(NULL);
  creche_group_options o = group_options();
  creche_group group, plain;
  creche_outcome outcome;
  seen g = {0}, s = {0}, b = {0};
  (void)state;
  OK(creche_group_open(l.scope, &o, NULL, NULL, &plain));
  IS(creche_group_join(plain, 0, &outcome), CRECHE_E_STATE);
  OK(creche_group_close(plain));
  o.flags = CRECHE_GROUP_JOINABLE;
  OK(creche_group_open(l.scope, &o, see, &g, &group));
  OK(creche_sleep_until(group.scope, CRECHE_NEVER, NULL, see, &s, NULL));
  IS(creche_group_join(group, 0, &outcome), CRECHE_E_TIMEOUT); /* closes it, only looks */
  IS(creche_group_join(group, CRECHE_MILLISECOND, &outcome), CRECHE_E_TIMEOUT);
  IS(creche_group_join(group, -1, &outcome), CRECHE_E_INVALID);
  OK(creche_task_spawn(group.scope, body_fails, &b, NULL, creche_nobody, NULL, NULL));
  OK(creche_group_join(group, PATIENCE, &outcome));
  assert_int_equal(outcome.status, CRECHE_E_GROUP);
  assert_int_equal(outcome.flags, CRECHE_CAUGHT);
  assert_int_equal(outcome.reason, CRECHE_REASON_SIBLING);
  IS(creche_group_join(group, 0, &outcome), CRECHE_E_ENDED); /* once */
  /* An outcome that nobody joins goes with the loop. */
  OK(creche_group_open(l.scope, &o, NULL, NULL, &group));
  OK(creche_group_close(group));
  OK(creche_group_close(group));
  OK(creche_loop_close(l));
  OK(creche_loop_join(l, PATIENCE));
  IS(creche_group_join(group, 0, NULL), CRECHE_E_ENDED);
  assert_int_equal(g.finals, 1);
}

/* ---- Running ---- */
static sem_t runs;
static void it_runs(void* user, const creche_completion* c) {
  (void)user;
  (void)c;
  sem_post(&runs);
}
static void* run_it(void* arg) {
  creche_status* status = arg;
  *status = creche_loop_run(loop);
  return NULL;
}
static void only_one_runs_it(void** state) {
  pthread_t thread;
  creche_status status = 99;
  creche_loop l = open_threaded(NULL);
  seen s = {0};
  (void)state;
  sem_init(&runs, 0, 0);
  IS(creche_loop_run(l), CRECHE_E_STATE);
  IS(creche_loop_poll(l, 0), CRECHE_E_STATE);
  OK(creche_loop_close(l));
  OK(creche_loop_join(l, PATIENCE));
  OK(creche_sleep_until(loop.scope, CRECHE_NEVER, NULL, see, &s, NULL));
  assert_int_equal(pthread_create(&thread, NULL, run_it, &status), 0);
  OK(creche_loop_post(loop, it_runs, NULL));
  sem_wait(&runs);
  IS(creche_loop_run(loop), CRECHE_E_STATE);
  IS(creche_loop_join(loop, 0), CRECHE_E_STATE);
  OK(creche_loop_close(loop));
  assert_int_equal(pthread_join(thread, NULL), 0);
  assert_int_equal(status, CRECHE_OK);
  assert_int_equal(s.finals, 1);
}

/* 0 only looks; a wait is not shorter than asked for; work that goes to a queue is work. */
static void polling(void** state) {
  creche_completion c;
  creche_queue queue;
  creche_task_options o = task_options();
  seen s = {0};
  int64_t start = now();
  size_t n;
  (void)state;
  IS(creche_loop_poll(loop, 0), CRECHE_E_TIMEOUT);
  IS(creche_loop_poll(loop, 5 * CRECHE_MILLISECOND), CRECHE_E_TIMEOUT);
  assert_true(now() - start >= 5 * CRECHE_MILLISECOND);
  OK(creche_queue_open(loop, NULL, &queue));
  o.queue = queue;
  OK(creche_sleep(loop.scope, CRECHE_MILLISECOND, &o, NULL, NULL, NULL));
  OK(creche_loop_poll(loop, CRECHE_NEVER));
  OK(creche_queue_drain(queue, &c, 1, &n));
  assert_int_equal(n, 1);
  creche_completions_release(&c, 1);
  creche_queue_release(queue);
  OK(creche_sleep(loop.scope, CRECHE_MILLISECOND, NULL, see, &s, NULL));
  until(&s.finals, 1);
}

/* A deadline or a sleep that another thread adds while the loop is about to sleep is not
 * overslept: it would only end with the next one, which never comes. */
static void nothing_is_overslept(void** state) {
  creche_loop l = open_threaded(NULL);
  creche_task_options o = task_options();
  creche_queue queue;
  int i;
  (void)state;
  OK(creche_queue_open(l, NULL, &queue));
  o.queue = queue;
  for (i = 0; i < 5000; i++) {
    creche_completion c;
    size_t n;
    OK(creche_sleep(l.scope, 1 + i % 50 * CRECHE_MICROSECOND, &o, NULL, NULL, NULL));
    OK(creche_queue_wait(queue, &c, 1, PATIENCE, &n));
    creche_completions_release(&c, 1);
  }
  OK(creche_loop_close(l));
  OK(creche_loop_join(l, PATIENCE));
}

/* ---- Seeing it ---- */
static void the_dump(void** state) {
  char text[4096];
  size_t size;
  seen b = {0}, g = {0}, s = {0}, w = {0};
  creche_group_options o = group_options();
  creche_task_options t = task_options();
  creche_scope_options so = scope_options();
  creche_group group;
  creche_scope scope;
  (void)state;
  o.name = "fetches";
  o.limit = 2;
  group = group_in(loop.scope, &o, &g);
  t.name = "worker";
  so.shield = 1;
  so.name = "section";
  so.timeout = 3600 * CRECHE_SECOND;
  scope = scope_in(group.scope, &so);
  OK(creche_task_spawn(scope, body_waits, &b, &t, see, &b, NULL));
  op(group.scope, &s);
  OK(creche_sleep(group.scope, 0, NULL, see, &w, NULL));
  OK(creche_scope_cancel(group.scope, NULL));
  OK(creche_sleep(scope, 0, NULL, see, &w, NULL));
  OK(creche_loop_dump(loop, CRECHE_DUMP_TEXT, text, sizeof text, &size));
  assert_int_equal(size, strlen(text) + 1);
  assert_non_null(strstr(text, "loop \"test\""));
  assert_non_null(strstr(text, "  group \"fetches\""));
  assert_non_null(strstr(text, "    scope \"section\""));
  assert_non_null(strstr(text, "      task \"worker\""));
  assert_non_null(strstr(text, "deadline in 3"));
  assert_non_null(strstr(text, "shielded"));
  assert_non_null(strstr(text, "cancelled (explicit)"));
  settle();
  OK(creche_task_finish(b.task, CRECHE_OK, 0, NULL));
  settle();
  OK(creche_scope_leave(scope, NULL));
  OK(creche_group_close(group));
  settle();
}

/* Never waits for the loop: works while a callback blocks it. */
static void any_call_while_a_callback_blocks(void** state) {
  blocker b = BLOCKER;
  creche_loop l = open_threaded(NULL);
  creche_scope scope;
  creche_group group;
  creche_task task;
  seen s = {0};
  char text[1000];
  (void)state;
  OK(creche_loop_post(l, block_until_told, &b));
  await_blocked(&b);
  OK(creche_loop_dump(l, CRECHE_DUMP_TEXT, text, sizeof text, NULL));
  OK(creche_scope_open(l.scope, NULL, &scope));
  OK(creche_group_open(scope, NULL, creche_nobody, NULL, &group));
  OK(creche_sleep_until(group.scope, CRECHE_NEVER, NULL, see, &s, &task));
  OK(creche_scope_cancel(scope, NULL)); /* in effect before it returns */
  IS(creche_scope_set_timeout(scope, 1), CRECHE_E_CANCELLED);
  IS(creche_scope_cancel(task.scope, NULL), CRECHE_E_ENDED);
  OK(creche_group_close(group));
  assert_int_equal(s.finals, 0); /* only its callback waits for the loop */
  OK(creche_scope_leave(scope, NULL));
  OK(creche_loop_close(l));
  unblock(&b);
  OK(creche_loop_join(l, PATIENCE));
  assert_int_equal(s.finals, 1);
}

static void the_counters(void** state) {
  creche_loop_counters c = loop_counters();
  seen g = {0}, s[3] = {{0}, {0}, {0}};
  creche_group group = group_in(loop.scope, NULL, &g);
  creche_scope scope = scope_in(group.scope, NULL);
  creche_task task = op(scope, &s[0]);
  uint64_t started = c.started, ended = c.ended, completions = c.completions,
           cancelled = c.cancelled;
  (void)state;
  OK(creche_sleep(group.scope, 0, NULL, see, &s[1], NULL));
  c = loop_counters();
  assert_int_equal(c.size, sizeof c);
  assert_int_equal(c.started - started, 3);
  assert_int_equal(c.live_tasks, 2);
  assert_int_equal(c.live_groups, 1);
  assert_int_equal(c.live_scopes, 1);
  OK(creche_scope_cancel(task.scope, NULL));
  OK(creche_loop_post(loop, see, &s[2]));
  settle();
  OK(creche_scope_leave(scope, NULL));
  OK(creche_group_close(group));
  settle();
  c = loop_counters();
  assert_int_equal(c.ended - ended, 3);
  assert_int_equal(c.completions - completions, 4);
  assert_int_equal(c.cancelled - cancelled, 1);
  assert_int_equal(c.posts, 1);
  assert_int_equal(c.live_tasks + c.live_groups + c.live_scopes + c.live_leases, 0);
  assert_true(c.turns > 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(joined_with_a_completion),
      TEST(closing),
      TEST(shutdown_with_grace),
      TEST(shutdown_without_cancelling),
      TEST(shutdown_then_close),
      TEST(a_join_names_survivors),
      TEST(blocking_in_a_callback),
      TEST(joining_a_group),
      TEST(only_one_runs_it),
      TEST(polling),
      TEST(nothing_is_overslept),
      TEST(the_dump),
      TEST(any_call_while_a_callback_blocks),
      TEST(the_counters),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

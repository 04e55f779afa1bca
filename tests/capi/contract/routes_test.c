/* Completions: exactly one final one, never from inside the call, where it goes; errors. */
#include <pthread.h>
#include <stdatomic.h>

#include "support/core.h"

static creche_queue other;

static int open_queues(void** state) {
  return open_loop(state) == 0 && creche_queue_open(loop, NULL, &queue) == CRECHE_OK &&
                 creche_queue_open(loop, NULL, &other) == CRECHE_OK
             ? 0
             : -1;
}
static int release_queues(void** state) {
  creche_queue_release(queue);
  creche_queue_release(other);
  return close_loop(state);
}
#define ROUTE_TEST(name) cmocka_unit_test_setup_teardown(name, open_queues, release_queues)

/* How many completions are in a queue, all with this user. */
static int count(creche_queue q, const void* user) {
  creche_completion c[8];
  size_t n, i;
  OK(creche_queue_drain(q, c, 8, &n));
  for (i = 0; i < n; i++) assert_ptr_equal(c[i].user, user);
  creche_completions_release(c, n);
  return (int)n;
}
static void start(creche_scope in, const creche_task_options* o, void* user) {
  OK(creche_sleep(in, 0, o, NULL, user, NULL));
}

/* ---- Where completions go ---- */
static void to_the_nearest_queue(void** state) {
  int in_group, in_inner, in_scope, in_task, own, inner_own, none;
  seen b = {0};
  creche_group_options o = group_options();
  creche_group group, inner;
  creche_scope scope;
  creche_task task;
  (void)state;
  start(loop.scope, NULL, &none); /* no queue above: nobody is told */
  o.queue = queue;
  OK(creche_group_open(loop.scope, &o, NULL, &own, &group));
  start(group.scope, NULL, &in_group);
  settle();
  assert_int_equal(count(queue, &in_group), 1);
  scope = scope_in(group.scope, NULL);
  start(scope, NULL, &in_scope);
  task = spawn(scope, body_waits, &b);
  settle();
  assert_int_equal(count(queue, &in_scope), 1);
  start(task.scope, NULL, &in_task); /* a step inherits, too */
  settle();
  assert_int_equal(count(queue, &in_task), 1);
  o.queue = other; /* a nearer one */
  OK(creche_group_open(scope, &o, NULL, &inner_own, &inner));
  start(inner.scope, NULL, &in_inner);
  settle();
  assert_int_equal(count(other, &in_inner), 1);
  OK(creche_group_close(inner));
  settle();
  assert_int_equal(count(other, &inner_own), 1); /* a group's own: its own queue first */
  OK(creche_task_finish(task, CRECHE_OK, 0, NULL));
  settle();
  OK(creche_scope_leave(scope, NULL));
  OK(creche_group_close(group));
  settle();
  assert_int_equal(count(queue, &own), 1);
  assert_int_equal(count(other, NULL), 0);
}

static void a_group_without_a_queue_of_its_own(void** state) {
  int own, child;
  creche_group_options o = group_options();
  creche_group outer, group;
  seen outer_seen = {0};
  (void)state;
  o.queue = queue;
  outer = group_in(loop.scope, &o, &outer_seen);
  o = group_options();
  OK(creche_group_open(outer.scope, &o, NULL, &own, &group));
  start(group.scope, NULL, &child);
  settle();
  assert_int_equal(count(queue, &child), 1);
  OK(creche_group_close(group));
  settle();
  assert_int_equal(count(queue, &own), 1);
  /* Its children do not inherit, for plug-ins; its own completion still goes outside. */
  o.flags = CRECHE_GROUP_OWN_QUEUE_ONLY;
  OK(creche_group_open(outer.scope, &o, NULL, &own, &group));
  start(group.scope, NULL, &child);
  settle();
  assert_int_equal(count(queue, NULL), 0);
  OK(creche_group_close(group));
  OK(creche_group_close(outer));
  settle();
  assert_int_equal(count(queue, &own), 1);
  assert_int_equal(outer_seen.finals, 1); /* a function wins over a queue */
}

static void a_task_names_its_queue(void** state) {
  int mark;
  seen s = {0};
  creche_group_options o = group_options();
  creche_task_options t = task_options();
  creche_group group;
  seen g = {0};
  (void)state;
  o.queue = queue;
  t.queue = other;
  group = group_in(loop.scope, &o, &g);
  start(group.scope, &t, &mark);
  OK(creche_sleep(group.scope, 0, &t, see, &s, NULL)); /* a function wins */
  OK(creche_group_close(group));
  settle();
  assert_int_equal(count(other, &mark), 1);
  assert_int_equal(count(queue, NULL), 0);
  assert_int_equal(s.finals, 1);
}

/* Nobody: the failure still counts for the group; at the root it is counted. */
static void nobody(void** state) {
  seen g = {0}, b = {0};
  creche_group group = group_in(loop.scope, NULL, &g);
  uint64_t before = loop_counters().unobserved;
  (void)state;
  OK(creche_task_spawn(group.scope, body_fails, &b, NULL, creche_nobody, &b, NULL));
  OK(creche_group_close(group));
  settle();
  assert_int_equal(b.finals, 0);
  assert_int_equal(g.status, CRECHE_E_GROUP);
  assert_int_equal(loop_counters().unobserved, before);
  OK(creche_task_spawn(loop.scope, body_fails, &b, NULL, NULL, &b, NULL)); /* no queue: nobody */
  OK(creche_task_spawn(loop.scope, body_fails, &b, NULL, creche_nobody, &b, NULL));
  OK(creche_task_spawn(loop.scope, body_fails, &b, NULL, see, &g, NULL)); /* observed */
  settle();
  assert_int_equal(loop_counters().unobserved, before + 2);
}

/* To a group: only where there is one. */
static void to_no_group(void** state) {
  seen b = {0}, s = {0};
  creche_task task = spawn(loop.scope, body_waits, &b);
  creche_group group = {{1}};
  (void)state;
  settle();
  IS(creche_sleep(loop.scope, 0, NULL, creche_to_group, NULL, NULL), CRECHE_E_INVALID);
  IS(creche_sleep(task.scope, 0, NULL, creche_to_group, NULL, NULL), CRECHE_E_INVALID);
  IS(creche_group_open(loop.scope, NULL, creche_to_group, NULL, &group), CRECHE_E_INVALID);
  assert_int_equal(group.scope.id, 0);
  OK(creche_sleep(task.scope, 0, NULL, see, &s, NULL));
  OK(creche_task_finish(task, CRECHE_OK, 0, NULL));
  settle();
  assert_int_equal(b.status, CRECHE_OK);
  creche_to_group(NULL, NULL); /* they do nothing when called */
  creche_nobody(NULL, NULL);
  assert_true(creche_to_group != creche_nobody);
}

/* Bare scopes are transparent for to_group. */
static void to_group_through_a_scope(void** state) {
  seen g = {0};
  creche_group group = group_in(loop.scope, NULL, &g);
  creche_scope scope = scope_in(group.scope, NULL);
  (void)state;
  OK(creche_sleep(scope, 0, NULL, creche_to_group, NULL, NULL));
  OK(creche_group_close(group));
  settle();
  OK(creche_scope_leave(scope, NULL));
  settle();
  assert_int_equal(g.value, 1);
}

/* ---- Never inside the call, out-parameters first, in order ---- */
typedef struct starter {
  creche_task task;
  int inside, done;
  uint64_t told;
} starter;
static void check_task(void* user, const creche_completion* c) {
  starter* s = user;
  s->done = s->inside ? -1 : 1;
  s->told = s->task.scope.id == c->task.scope.id;
}
static void start_inside(void* user, const creche_completion* c) {
  starter* s = user;
  (void)c;
  s->inside = 1;
  SAY(creche_sleep_until(loop.scope, 0, NULL, check_task, s, &s->task));
  creche_scope_cancel(s->task.scope, NULL);
  s->inside = 0;
}
static void never_inside_the_call(void** state) {
  starter s;
  (void)state;
  memset(&s, 0, sizeof s);
  OK(creche_loop_post(loop, start_inside, &s));
  until(&s.done, 1);
  assert_int_equal(s.told, 1);
}

/* All callbacks of a loop run on its thread, and one at a time. Other threads only start them. */
enum { STARTERS = 3, STARTED_BY_EACH = 200 };
static struct {
  creche_loop loop;
  pthread_t thread;
  atomic_int inside;
  atomic_int wrong, ended;
} serial;
static void serially(void* user, const creche_completion* c) {
  (void)user;
  (void)c;
  if (atomic_fetch_add(&serial.inside, 1) != 0) atomic_fetch_add(&serial.wrong, 1);
  if (atomic_load(&serial.ended) == 0) serial.thread = pthread_self();
  if (!pthread_equal(serial.thread, pthread_self())) atomic_fetch_add(&serial.wrong, 1);
  atomic_fetch_add(&serial.ended, 1);
  atomic_fetch_sub(&serial.inside, 1);
}
static void* start_many(void* failed) {
  int i;
  for (i = 0; i < STARTED_BY_EACH; i++) {
    const creche_status status =
        i % 2 ? creche_loop_post(serial.loop, serially, NULL)
              : creche_sleep(serial.loop.scope, i % 4, NULL, serially, NULL, NULL);
    if (status != CRECHE_OK) atomic_fetch_add((atomic_int*)failed, 1);
  }
  return NULL;
}
static void one_at_a_time_on_one_thread(void** state) {
  pthread_t threads[STARTERS];
  atomic_int failed = 0;
  int i;
  (void)state;
  OK(creche_loop_open(NULL, &serial.loop));
  for (i = 0; i < STARTERS; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, start_many, &failed), 0);
  for (i = 0; i < STARTERS; i++) pthread_join(threads[i], NULL);
  OK(creche_loop_shutdown(serial.loop, CRECHE_NEVER));
  OK(creche_loop_join(serial.loop, PATIENCE));
  assert_int_equal(atomic_load(&failed) + atomic_load(&serial.wrong), 0);
  assert_int_equal(atomic_load(&serial.ended), STARTERS * STARTED_BY_EACH);
  assert_false(pthread_equal(serial.thread, pthread_self()));
}

static int64_t posted[100];
static int posted_n;
static void note_post(void* user, const creche_completion* c) {
  posted[posted_n++] =
      c->kind == CRECHE_POST && !(c->flags & CRECHE_MORE) ? (int64_t*)user - posted : -1;
}
static void posts_come_in_order(void** state) {
  int i;
  (void)state;
  posted_n = 0;
  for (i = 0; i < 100; i++) OK(creche_loop_post(loop, note_post, &posted[i]));
  assert_int_equal(posted_n, 0);
  settle();
  assert_int_equal(posted_n, 100);
  for (i = 0; i < 100; i++) assert_int_equal(posted[i], i);
}

/* ---- Errors ---- */
static int freed;
static void free_cookie(void* cookie) {
  freed += cookie == &freed;
}
static void a_users_error(void** state) {
  const creche_error *cause, *error = (const creche_error*)1;
  seen s = {0}, g = {0};
  creche_group group = group_in(loop.scope, NULL, &g);
  char message[] = "it broke";
  (void)state;
  freed = 0;
  IS(creche_error_new(CRECHE_E_TIMEOUT, "x", &freed, free_cookie, NULL, &error), CRECHE_E_INVALID);
  assert_null(error);
  IS(creche_error_new(-999, "x", &freed, free_cookie, NULL, &error), CRECHE_E_INVALID);
  IS(creche_error_new(-1000, NULL, &freed, free_cookie, NULL, &error), CRECHE_E_INVALID);
  IS(creche_error_new(-1000, "x", &freed, free_cookie, NULL, NULL), CRECHE_E_INVALID);
  assert_int_equal(freed, 0); /* it stays the caller's */
  OK(creche_error_new(CRECHE_E_USER, "the cause", NULL, NULL, NULL, &cause));
  OK(creche_error_new(-1000, message, &freed, free_cookie, cause, &error));
  creche_error_release(cause);
  message[0] = 'x'; /* copied */
  assert_int_equal(error->status, -1000);
  assert_string_equal(error->message, "it broke");
  assert_string_equal(creche_error_message(error), "it broke");
  assert_ptr_equal(error->cookie, &freed);
  assert_string_equal(error->cause->message, "the cause");
  assert_int_equal(error->size >= sizeof *error, 1);
  assert_int_equal(creche_error_is_retryable(error), 0);
  spawn(group.scope, body_waits, &s);
  OK(creche_group_close(group));
  settle();
  OK(creche_task_finish(s.task, -1000, 0, error));
  creche_error_release(error);
  assert_int_equal(freed, 0); /* the task keeps it */
  settle();
  assert_int_equal(s.status, -1000);
  assert_string_equal(s.message, "it broke");
  assert_int_equal(g.child[0], -1000);
  settle();
  assert_int_equal(freed, 1); /* once */
}

static void a_finish_without_an_error(void** state) {
  seen s = {0};
  (void)state;
  spawn(loop.scope, body_fails, &s);
  settle();
  assert_int_equal(s.error_status, CRECHE_E_USER); /* one is made */
  assert_true(strlen(s.message) > 0);
  assert_int_equal(s.phase, CRECHE_PHASE_TASK);
}

/* Deep chains of causes need no deep stack to go. */
static void a_long_chain_of_causes(void** state) {
  const creche_error *error = NULL, *next;
  int i;
  (void)state;
  for (i = 0; i < 200000; i++) {
    OK(creche_error_new(-1000, "link", NULL, NULL, error, &next));
    creche_error_release(error);
    error = next;
  }
  creche_error_release(error);
}

static void flatten(void** state) {
  const creche_error *error, *leaf = NULL;
  (void)state;
  assert_int_equal(creche_error_flatten(NULL, NULL, 0), 0);
  OK(creche_error_new(-1000, "a leaf", NULL, NULL, NULL, &error));
  assert_int_equal(creche_error_flatten(error, NULL, 0), 1);
  assert_int_equal(creche_error_flatten(error, &leaf, 1), 1);
  assert_ptr_equal(leaf, error);
  creche_error_release(error);
}

/* The last error: per thread, untouched by successes and releases. */
static void the_last_error(void** state) {
  const creche_error* kept;
  char before[400];
  creche_queue none = {0};
  (void)state;
  IS(creche_scope_set_timeout(loop.scope, -5), CRECHE_E_INVALID);
  snprintf(before, sizeof before, "%s", creche_last_error()->message);
  assert_int_equal(creche_last_error()->status, CRECHE_E_INVALID);
  OK(creche_loop_post(loop, note_post, &posted[0]));
  creche_queue_release(none);
  creche_queue_release(queue);
  creche_value_release(12345);
  creche_error_release(NULL);
  creche_error_release(creche_last_error()); /* harmless */
  IS(creche_scope_interrupt((creche_scope){0}), CRECHE_E_BAD_HANDLE);
  assert_string_equal(creche_last_error()->message, before);
  kept = creche_error_keep(creche_last_error()); /* a copy */
  IS(creche_loop_post(loop, NULL, NULL), CRECHE_E_INVALID);
  assert_string_not_equal(creche_last_error()->message, before);
  assert_string_equal(kept->message, before);
  assert_int_equal(kept->status, CRECHE_E_INVALID);
  creche_error_release(kept);
  posted_n = 0;
  settle();
}

static void names(void** state) {
  (void)state;
  assert_string_equal(creche_status_name(CRECHE_OK), "CRECHE_OK");
  assert_string_equal(creche_status_name(CRECHE_E_TIMEOUT), "CRECHE_E_TIMEOUT");
  assert_string_equal(creche_status_name(12345), "?");
  assert_string_equal(creche_status_name(-500), "?");
  assert_string_equal(creche_error_message(NULL), "no error");
  assert_int_equal(creche_error_is_retryable(NULL), 0);
  assert_null(creche_error_keep(NULL));
  assert_int_equal(creche_version(), CRECHE_VERSION_NUMBER);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      ROUTE_TEST(to_the_nearest_queue),
      ROUTE_TEST(a_group_without_a_queue_of_its_own),
      ROUTE_TEST(a_task_names_its_queue),
      ROUTE_TEST(nobody),
      ROUTE_TEST(to_no_group),
      ROUTE_TEST(to_group_through_a_scope),
      ROUTE_TEST(never_inside_the_call),
      ROUTE_TEST(one_at_a_time_on_one_thread),
      ROUTE_TEST(posts_come_in_order),
      ROUTE_TEST(a_users_error),
      ROUTE_TEST(a_finish_without_an_error),
      ROUTE_TEST(a_long_chain_of_causes),
      ROUTE_TEST(flatten),
      ROUTE_TEST(the_last_error),
      ROUTE_TEST(names),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

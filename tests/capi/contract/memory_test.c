/* No memory: the library's every allocation fails once, in turn, and then all from there on. Each
 * call says so or does its work; each that said CRECHE_OK has its one final completion; nothing is
 * lost or leaked; and with memory again everything goes on.
 *
 * A sanitizer's malloc cannot be this program's: then the test is skipped. */
#include "support/core.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
int main(void) {
  return 77;
}
#else
#include "support/failing_malloc.h"

enum { MARKS = 24 };
static seen marks[MARKS];
static int used, expected; /* marks given out; final completions that were promised */
static int freed, to_be_freed;
static const char* trouble; /* what went wrong: nothing is asserted while malloc fails */

static seen* mark(void) {
  return &marks[used++];
}
static int ok(creche_status status, const char* what) {
  if (status == CRECHE_OK) return 1;
  if (status != CRECHE_E_NO_MEMORY && trouble == NULL) trouble = what;
  if (creche_last_error()->status != status && trouble == NULL) trouble = "last error";
  return 0;
}
#define START(call) (expected += ok(call, #call))
#define TRY(call) ok(call, #call)

static void drain_all(int keep_going) {
  creche_completion c[4];
  size_t n, i;
  do {
    if (creche_queue_drain(queue, c, 4, &n) != CRECHE_OK) return;
    for (i = 0; i < n; i++) {
      note(c[i].user, &c[i]);
      if (c[i].kind == CRECHE_BEGIN) creche_task_finish(c[i].task, CRECHE_OK, 0, NULL);
    }
    creche_completions_release(c, n);
  } while (n > 0 && keep_going);
}
static void free_arg(void* arg) {
  (void)arg;
  freed++;
}
static creche_status work(void* arg, creche_task task, uint64_t* value) {
  (void)arg;
  (void)task;
  (void)value;
  return CRECHE_OK;
}
static void turns(int n) {
  while (n-- > 0) creche_loop_poll(loop, 0);
}
static void free_cookie(void* cookie) {
  ++*(int*)cookie;
}

static void scenario(void) {
  creche_group group = {{0}}, inner = {{0}};
  creche_scope scope = {0}, other = {0};
  creche_task waiting = {{0}}, sleeping = {{0}}, begun = {{0}};
  creche_group_options g;
  creche_task_options t;
  creche_scope_options s;
  creche_offload_options f;
  creche_loop_options l;
  const creche_error* error = NULL;
  static seen unseen;
  seen* m;
  int cookies = 0;
  char text[64];
  int i;
  creche_loop_options_init(&l, sizeof l);
  l.run = CRECHE_RUN_CALLER;
  l.name = "short of memory";
  l.done = see;
  l.user = &loop_seen;
  if (!TRY(creche_loop_open(&l, &loop))) return;
  if (!TRY(creche_queue_open(loop, NULL, &queue))) return;
  creche_group_options_init(&g, sizeof g);
  g.name = "a group with a name that is longer than a short string";
  g.queue = queue;
  g.timeout = 3600 * CRECHE_SECOND;
  g.grace = CRECHE_SECOND;
  g.policy = CRECHE_COLLECT;
  g.limit = 4;
  g.flags = CRECHE_GROUP_UNTIL_RELEASED;
  START(creche_group_open(loop.scope, &g, NULL, mark(), &group));
  if (group.scope.id == 0) return;
  creche_task_options_init(&t, sizeof t);
  t.name = "a task with a name that is longer than a short string";
  t.timeout = 3600 * CRECHE_SECOND;
  creche_scope_options_init(&s, sizeof s);
  s.name = "a scope with a name that is longer than a short string";
  s.timeout = 3600 * CRECHE_SECOND;
  creche_offload_options_init(&f, sizeof f);
  f.arg_free = free_arg;
  TRY(creche_scope_open(group.scope, &s, &scope));
  TRY(creche_scope_open(group.scope, &s, &other));
  START(creche_sleep(group.scope, 0, &t, NULL, mark(), NULL));
  START(creche_sleep_until(scope.id != 0 ? scope : group.scope, CRECHE_NEVER, &t, see, mark(),
                           &sleeping));
  TRY(creche_sleep(group.scope, 0, NULL, creche_to_group, NULL, NULL));
  m = mark();
  START(creche_task_spawn(group.scope, body_fails, m, &t, see, m, NULL));
  m = mark();
  START(creche_task_spawn(group.scope, body_waits, m, &t, see, m, &begun));
  START(creche_task_open(group.scope, &t, NULL, mark(), NULL)); /* waits for the limit */
  START(creche_task_open(loop.scope, &t, see, mark(), &waiting));
  i = expected;
  START(creche_offload(group.scope, work, NULL, &f, NULL, mark(), NULL));
  to_be_freed += expected - i;
  g.flags = 0;
  START(creche_group_open(group.scope, &g, creche_to_group, NULL, &inner));
  if (inner.scope.id != 0) {
    expected--; /* it is told to its group only */
    m = mark();
    START(creche_task_spawn(inner.scope, body_fails, m, NULL, see, m, NULL));
    TRY(creche_task_spawn(inner.scope, body_fails, &unseen, NULL, creche_to_group, NULL, NULL));
    TRY(creche_group_close(inner));
  }
  TRY(creche_scope_set_timeout(group.scope, 1800 * CRECHE_SECOND));
  START(creche_loop_post(loop, see, mark()));
  turns(5);
  drain_all(0);
  if (TRY(creche_error_new(-1000, "a message that is longer than a short string", &cookies,
                           free_cookie, NULL, &error)) &&
      begun.scope.id != 0)
    creche_task_finish(begun, -1000, 0, error);
  creche_error_release(error);
  creche_loop_dump(loop, CRECHE_DUMP_TEXT, text, sizeof text, NULL);
  if (sleeping.scope.id != 0)
    TRY(creche_scope_cancel(sleeping.scope, "a reason that is longer than a short string"));
  if (scope.id != 0) TRY(creche_scope_leave(scope, NULL));
  turns(5);
  if (other.id != 0) TRY(creche_scope_leave(other, NULL));
  TRY(creche_scope_cancel(group.scope, "no more"));
  TRY(creche_group_close(group));
  turns(3);
  drain_all(0);
  /* Memory is back. */
  armed = 0;
  if (begun.scope.id != 0) creche_task_finish(begun, CRECHE_OK, 0, NULL);
  for (i = 0; i < 100000 && creche_group_close(group) == CRECHE_OK; i++) {
    if (begun.scope.id != 0) creche_task_finish(begun, CRECHE_OK, 0, NULL);
    creche_loop_poll(loop, CRECHE_MILLISECOND);
    drain_all(1);
  }
  if (waiting.scope.id != 0) {
    turns(2);
    creche_task_finish(waiting, CRECHE_OK, 0, NULL);
  }
  turns(3);
  drain_all(1);
  if (error != NULL && cookies != 1 && trouble == NULL) trouble = "cookie";
}

static int finals(void) {
  int sum = 0, i;
  for (i = 0; i < used; i++) {
    sum += marks[i].finals;
    if (marks[i].finals > 1 && trouble == NULL) trouble = "two final completions";
  }
  return sum;
}

/* Returns how many allocations failed: none means that the scenario makes no more of them. */
static long with_failure_at(long which, int all_from_there) {
  memset(marks, 0, sizeof marks);
  memset(&loop_seen, 0, sizeof loop_seen);
  used = expected = freed = to_be_freed = 0;
  failures = 0;
  trouble = NULL;
  loop.scope.id = queue.id = 0;
  countdown = which;
  from_there = all_from_there;
  armed = 1;
  scenario();
  armed = 0;
  if (loop.scope.id != 0) {
    OK(creche_loop_close(loop));
    OK(creche_loop_join(loop, PATIENCE));
    assert_int_equal(loop_seen.finals, 1);
  }
  if (trouble != NULL) fail_msg("allocation %ld failed: %s", which, trouble);
  if (finals() != expected) fail_msg("allocation %ld failed: %d of %d", which, finals(), expected);
  assert_int_equal(freed, to_be_freed);
  return failures;
}

static void each_fails(int all_from_there) {
  long which, before, with = 0;
  int i;
  for (i = 0; i < 3; i++) with_failure_at(-1, 0); /* what is made once is made */
  before = atomic_load(&blocks);
  for (which = 1; with_failure_at(which, all_from_there) > 0; which++) with++;
  assert_true(with > 50); /* it does allocate */
  if (atomic_load(&blocks) > before + 4)
    fail_msg("%ld blocks leaked in %ld runs", atomic_load(&blocks) - before, with);
  print_message("%ld allocations failed\n", with);
}
static void each_fails_once(void** state) {
  (void)state;
  each_fails(0);
}
static void all_fail_from_each_on(void** state) {
  (void)state;
  each_fails(1);
}

/* Defaults are there without memory. */
static void options_need_none(void** state) {
  (void)state;
  int bad = 0;
#define INIT(type)                                 \
  do {                                             \
    type o;                                        \
    bad += type##_init(&o, sizeof o) != CRECHE_OK; \
  } while (0)
  armed = from_there = 1;
  countdown = 1;
  INIT(creche_channel_options);
  INIT(creche_event_options);
  INIT(creche_events_options);
  INIT(creche_group_options);
  INIT(creche_loop_options);
  INIT(creche_limiter_options);
  INIT(creche_rate_options);
  INIT(creche_task_options);
  INIT(creche_session_options);
  INIT(creche_request_options);
  INIT(creche_websocket_options);
  INIT(creche_cookie_jar_options);
  INIT(creche_tls_options);
  INIT(creche_pool_options);
  INIT(creche_pool_calls);
  INIT(creche_socket_options);
  INIT(creche_query_options);
  INIT(creche_transaction_options);
  INIT(creche_copy_options);
  INIT(creche_listen_options);
  INIT(creche_queue_options);
  INIT(creche_scope_options);
  INIT(creche_start_options);
  INIT(creche_offload_options);
  INIT(creche_retry);
  INIT(creche_hooks);
  armed = 0;
#undef INIT
  assert_int_equal(bad, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(options_need_none),
      cmocka_unit_test(each_fails_once),
      cmocka_unit_test(all_fail_from_each_on),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
#endif

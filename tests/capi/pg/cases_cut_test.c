/* Cut short: each operation cancelled or out of time, on a pool and on a connection, which go on
 * being usable: cases of CASES.md. */
#include "operations.h"
#include "support/blocker.h"

static creche_pool pool, other;

static int open_two(void** state) {
  if (start_server(state) != 0) return -1;
  pool = open_pool(4);
  other = open_pool(1);
  must(pool, "create table things (id int)");
  return 0;
}
static int close_two(void** state) {
  close_pool(pool);
  close_pool(other);
  return stop_server(state);
}

static int64_t at_work(void) {
  return number(other,
                "select count(*) from pg_stat_activity where (wait_event = 'PgSleep' or "
                "wait_event = 'ClientRead' and query like 'copy%stdin') and state = 'active'");
}
static void await_at_work(int64_t wanted) {
  AWAIT(at_work() == wanted);
}

static void everything_works_on(creche_connection c) {
  for (int what = 0; what < OF_A_CONNECTION; what++) must_operate(what, pool, &c);
}

/* ---- Cancelled ---- */

static void cancelled_on_a_connection(void** state) {
  (void)state;
  creche_connection c = acquire(pool);
  const int64_t pid = number_on(c, "select pg_backend_pid()");
  for (int what = 0; what < OF_A_CONNECTION; what++) {
    answer a;
    creche_task task;
    OK(start_operation(what, pool, &c, 1, NULL, &a, &task));
    await_at_work(1);
    OK(creche_scope_cancel(task.scope, "enough"));
    EXPECT(&a, CRECHE_E_CANCELLED);
    operation_free(&a);
    everything_works_on(c);
    assert_int_equal(at_work(), 0);
  }
  assert_int_equal(number_on(c, "select pg_backend_pid()"), pid);
  creche_connection_release(c);
}

static void cancelled_on_the_pool(void** state) {
  (void)state;
  for (int what = 0; what < OF_A_POOL; what++) {
    answer a;
    creche_task task;
    OK(start_operation(what, pool, NULL, 1, NULL, &a, &task));
    await_at_work(1);
    OK(creche_scope_cancel(task.scope, "enough"));
    if (answer_wait(&a) != CRECHE_E_CANCELLED)
      fail_msg("%s: %s", operation_names[what], creche_error_message(a.error));
    operation_free(&a);
    assert_int_equal(at_work(), 0);
    must_operate(what, pool, NULL);
  }
  assert_int_equal(counters(pool).dropped, 0);
}

/* What the server has answered is delivered, though the cancel comes before the loop has seen it.
 * Who lets the server answer is another loop, as this one stands still. */
static int64_t number_there(creche_loop there, creche_connection c, const char* sql) {
  answer a;
  answer_init(&a);
  OK(creche_connection_query(c, there.scope, sql, NULL, 0, NULL, on_answer, &a, NULL));
  EXPECT(&a, CRECHE_OK);
  const int64_t n = a.rows->row_count > 0 ? creche_row_int8(a.rows, 0, 0) : 0;
  answer_free(&a);
  return n;
}

static void cancelled_when_it_is_done(void** state) {
  (void)state;
  creche_loop there;
  creche_pool theirs;
  answer a;
  OK(creche_loop_open(NULL, &there));
  OK(creche_pool_open(there, support_postgres_url(server), NULL, &theirs));
  answer_init(&a);
  OK(creche_pool_acquire(theirs, there.scope, NULL, on_answer, &a, NULL));
  EXPECT(&a, CRECHE_OK);
  const creche_connection holder = {a.value};
  a.value = 0;
  answer_free(&a);
  creche_connection c = acquire(pool);
  for (int i = 0; i < 5; i++) {
    blocker b = BLOCKER;
    creche_task task;
    number_there(there, holder, "select pg_advisory_lock(5)");
    answer_init(&a);
    OK(creche_connection_query(c, loop.scope,
                               "insert into things select 7 from pg_advisory_xact_lock(5) "
                               "returning 7",
                               NULL, 0, NULL, on_answer, &a, &task));
    AWAIT(number_there(there, holder, "select count(*) from pg_locks where not granted") > 0);
    OK(creche_loop_post(loop, block_until_told, &b));
    await_blocked(&b);
    number_there(there, holder, "select pg_advisory_unlock(5)");
    AWAIT(number_there(there, holder,
                       "select count(*) from pg_stat_activity where state = 'idle' and "
                       "query like 'insert into things%'") > 0);
    OK(creche_scope_cancel(task.scope, NULL));
    unblock(&b);
    EXPECT(&a, CRECHE_OK);
    assert_int_equal(creche_row_int4(a.rows, 0, 0), 7);
    answer_free(&a);
    assert_int_equal(number_on(c, "select count(*) from things"), i + 1);
  }
  must_on(c, "truncate things");
  creche_connection_release(c);
  creche_connection_release(holder);
  creche_pool_release(theirs);
  OK(creche_loop_close(there));
  OK(creche_loop_join(there, PATIENCE));
}

/* ---- Out of time ---- */

static creche_task_options within(int64_t timeout) {
  creche_task_options t;
  OK(creche_task_options_init(&t, sizeof t));
  t.timeout = timeout;
  return t;
}

static void out_of_time(void** state) {
  (void)state;
  creche_connection c = acquire(pool);
  const creche_task_options t = within(20 * CRECHE_MILLISECOND);
  for (int what = 0; what < OF_A_CONNECTION; what++) {
    answer a;
    const int64_t began = now_ms();
    OK(start_operation(what, pool, &c, 1, &t, &a, NULL));
    if (answer_wait(&a) != CRECHE_E_TIMEOUT)
      fail_msg("%s: %s", operation_names[what], creche_error_message(a.error));
    assert_in_range(now_ms() - began, 19, 15000);
    operation_free(&a);
    must_operate(what, pool, &c);
  }
  creche_connection_release(c);
  for (int what = 0; what < OF_A_POOL; what++) {
    answer a;
    OK(start_operation(what, pool, NULL, 1, &t, &a, NULL));
    if (answer_wait(&a) != CRECHE_E_TIMEOUT)
      fail_msg("%s: %s", operation_names[what], creche_error_message(a.error));
    operation_free(&a);
    must_operate(what, pool, NULL);
  }
  assert_int_equal(counters(pool).dropped, 0);
}

/* Whoever comes first says what it was. */
static void cancelled_before_it_was_late(void** state) {
  (void)state;
  const creche_task_options t = within(100 * CRECHE_SECOND);
  answer a;
  creche_task task;
  OK(start_operation(QUERY, pool, NULL, 1, &t, &a, &task));
  await_at_work(1);
  OK(creche_scope_cancel(task.scope, "first"));
  EXPECT(&a, CRECHE_E_CANCELLED);
  assert_int_equal(a.error->reason, CRECHE_REASON_EXPLICIT);
  operation_free(&a);
}

/* No time at all: nothing is sent. What is no time is refused. */
static void no_time_at_all(void** state) {
  (void)state;
  must(pool, "select 1");
  const uint64_t sent = counters(pool).statements;
  creche_task_options t = within(0);
  for (int what = 0; what < OF_A_POOL; what++) {
    answer a;
    OK(start_operation(what, pool, NULL, 1, &t, &a, NULL));
    EXPECT(&a, CRECHE_E_TIMEOUT);
    operation_free(&a);
  }
  assert_int_equal(counters(pool).statements, sent);
  t.timeout = -1;
  for (int what = 0; what < OF_A_POOL; what++) {
    answer a;
    IS(start_operation(what, pool, NULL, 1, &t, &a, NULL), CRECHE_E_INVALID);
    operation_free(&a);
  }
}

/* One time for all of it: preparing, the statement, and the time in line. A clock that begins anew
 * with the statement would end at 9 s. */
static void one_time_for_all_of_it(void** state) {
  (void)state;
  creche_pool one = open_pool(1);
  creche_connection c = acquire(one);
  const creche_task_options t = within(5 * CRECHE_SECOND);
  const int64_t began = now_ms();
  answer a;
  OK(start_operation(QUERY, one, NULL, 1, &t, &a, NULL));
  nap_ms(4000);
  creche_connection_release(c);
  EXPECT(&a, CRECHE_E_TIMEOUT);
  assert_in_range(now_ms() - began, 4999, 8500);
  assert_int_equal(counters(one).cancels, 1); /* it was no more in line */
  operation_free(&a);
  close_pool(one);
}

/* Rows of an execute_many wait for somebody's lock. */
static void many_at_a_lock(void** state) {
  (void)state;
  creche_connection holder = acquire(other);
  creche_query_options q;
  const creche_task_options t = within(100 * CRECHE_MILLISECOND);
  static creche_value ids[5000];
  answer a;
  must_on(holder, "create table locked (id int primary key)");
  must_on(holder, "begin");
  must_on(holder, "insert into locked values (100)");
  for (int i = 0; i < 5000; i++) ids[i] = creche_int4(i);
  OK(creche_query_options_init(&q, sizeof q));
  q.task = &t;
  answer_init(&a);
  OK(creche_pool_execute_many(pool, loop.scope, "insert into locked values ($1)", ids, 1, 5000, &q,
                              on_answer, &a, NULL));
  EXPECT(&a, CRECHE_E_TIMEOUT);
  a.value = 0;
  answer_free(&a);
  must_on(holder, "rollback");
  assert_int_equal(number_on(holder, "select count(*) from locked"), 0);
  must_on(holder, "drop table locked");
  creche_connection_release(holder);
  assert_int_equal(counters(pool).dropped, 0);
}

/* ---- The pool is closed ---- */

static void closed_in_the_middle(void** state) {
  (void)state;
  for (int what = 0; what < OF_A_POOL; what++) {
    creche_pool closing = open_pool(1);
    answer a;
    OK(start_operation(what, closing, NULL, 1, NULL, &a, NULL));
    await_at_work(1);
    close_pool(closing);
    if (answer_wait(&a) != CRECHE_E_CLOSED)
      fail_msg("%s: %s", operation_names[what], creche_error_message(a.error));
    operation_free(&a);
    await_at_work(0); /* the server does not go on with it */
  }
}

/* ---- A way without TLS, as the server has none ---- */

static void cancelled_on_the_way_that_is_left(void** state) {
  (void)state;
  enum { MANY_WORKERS = 100 };
  static answer a[MANY_WORKERS];
  creche_pool_options o;
  creche_pool plain;
  char dsn[200];
  OK(creche_pool_options_init(&o, sizeof o));
  o.max_size = o.initial_size = 20;
  snprintf(dsn, sizeof dsn, "%s?sslmode=prefer", support_postgres_url(server));
  OK(creche_pool_open(loop, dsn, &o, &plain));
  AWAIT(counters(plain).idle == 20);
  creche_task task;
  OK(start_operation(QUERY, plain, NULL, 1, NULL, &a[0], &task));
  await_at_work(1);
  OK(creche_scope_cancel(task.scope, NULL));
  EXPECT(&a[0], CRECHE_E_CANCELLED);
  operation_free(&a[0]);
  assert_int_equal(counters(plain).cancels, 1);
  assert_int_equal(at_work(), 0);
  /* A hundred at once, each out of time once, and then well. */
  const creche_task_options t = within(50 * CRECHE_MILLISECOND);
  for (int i = 0; i < MANY_WORKERS; i++)
    OK(start_operation(QUERY, plain, NULL, 1, &t, &a[i], NULL));
  for (int i = 0; i < MANY_WORKERS; i++) {
    EXPECT(&a[i], CRECHE_E_TIMEOUT);
    operation_free(&a[i]);
    OK(start_operation(QUERY, plain, NULL, 0, NULL, &a[i], NULL));
  }
  for (int i = 0; i < MANY_WORKERS; i++) {
    EXPECT(&a[i], CRECHE_OK);
    operation_free(&a[i]);
  }
  assert_true(counters(plain).cancels > 1);
  assert_int_equal(counters(plain).dropped, 0);
  close_pool(plain);
}

/* ---- Nothing comes through ---- */

static void nothing_comes_through(void** state) {
  (void)state;
  creche_pool_options o;
  creche_pool stuck;
  OK(creche_pool_options_init(&o, sizeof o));
  o.max_size = 1;
  o.cancel_timeout = 300 * CRECHE_MILLISECOND;
  OK(creche_pool_open(loop, support_postgres_url(server), &o, &stuck));
  creche_connection c = acquire(stuck);
  must_on(c, "set application_name = 'somebody'");
  support_postgres_freeze(server);
  const creche_task_options t = within(200 * CRECHE_MILLISECOND);
  const int64_t began = now_ms();
  creche_connection_release(c); /* returns, though nobody answers the reset */
  for (int i = 0; i < 2; i++) {
    answer a;
    answer_init(&a);
    OK(creche_pool_acquire(stuck, loop.scope, &t, on_answer, &a, NULL));
    EXPECT(&a, CRECHE_E_TIMEOUT);
    answer_free(&a);
  }
  assert_in_range(now_ms() - began, 398, 15000);
  support_postgres_thaw(server);
  c = acquire(stuck);
  assert_int_equal(number_on(c, "select count(*) from pg_settings where setting = 'somebody'"), 0);
  creche_connection_release(c);
  close_pool(stuck);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(cancelled_on_a_connection),
      cmocka_unit_test(cancelled_on_the_pool),
      cmocka_unit_test(cancelled_when_it_is_done),
      cmocka_unit_test(out_of_time),
      cmocka_unit_test(cancelled_before_it_was_late),
      cmocka_unit_test(no_time_at_all),
      cmocka_unit_test(one_time_for_all_of_it),
      cmocka_unit_test(many_at_a_lock),
      cmocka_unit_test(closed_in_the_middle),
      cmocka_unit_test(cancelled_on_the_way_that_is_left),
      cmocka_unit_test(nothing_comes_through),
  };
  return cmocka_run_group_tests_name("cases of what is cut", tests, open_two, close_two);
}

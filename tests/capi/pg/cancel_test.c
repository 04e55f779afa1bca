/* Cancelling and time limits: the query stops on the server, the connection lives on. */
#include "pg_test.h"

static creche_query_options with_task(const creche_task_options* task) {
  creche_query_options o;
  OK(creche_query_options_init(&o, sizeof o));
  o.task = task;
  return o;
}

static int64_t sleepers(creche_pool pool) {
  return number(pool,
                "select count(*) from pg_stat_activity where state = 'active' and query like "
                "'%pg_sleep(20)%' and pid <> pg_backend_pid()");
}

static int64_t sleepers_of(creche_connection c, const char* which) {
  char sql[200];
  snprintf(sql, sizeof sql, "select count(*) from pg_stat_activity where state = 'active' and %s",
           which);
  return number_on(c, sql);
}

static void test_cancel_a_running_query(void** state) {
  (void)state;
  creche_pool pool = open_pool(1), other = open_pool(1);
  for (int i = 0; i < 3; i++) {
    answer a;
    answer_init(&a);
    creche_task task;
    OK(creche_pool_query(pool, loop.scope, "select pg_sleep(20)", NULL, 0, NULL, on_answer, &a,
                         &task));
    while (sleepers(other) == 0) nap_ms(5);
    int64_t began = now_ms();
    OK(creche_scope_cancel(task.scope, "enough"));
    EXPECT(&a, CRECHE_E_CANCELLED);
    assert_string_equal(a.error->reason_text, "enough");
    assert_true(now_ms() - began < 1000);
    assert_int_equal(sleepers(other), 0);
    answer_free(&a);
    assert_int_equal(number(pool, "select 42"), 42);
  }
  assert_int_equal(counters(pool).connects, 1);
  assert_int_equal(counters(pool).cancels, 3);
  close_pool(pool);
  close_pool(other);
}

static void test_timeout(void** state) {
  (void)state;
  creche_pool pool = open_pool(1);
  creche_task_options t;
  OK(creche_task_options_init(&t, sizeof t));
  t.timeout = 50 * CRECHE_MILLISECOND;
  creche_query_options o = with_task(&t);
  answer a;
  answer_init(&a);
  int64_t began = now_ms();
  OK(creche_pool_query(pool, loop.scope, "select pg_sleep(20)", NULL, 0, &o, on_answer, &a, NULL));
  EXPECT(&a, CRECHE_E_TIMEOUT);
  assert_in_range(now_ms() - began, 49, 1500);
  answer_free(&a);
  assert_int_equal(number(pool, "select 1"), 1);
  assert_int_equal(counters(pool).connects, 1);
  close_pool(pool);
}

static void test_cancel_what_waits(void** state) {
  (void)state;
  creche_pool pool = open_pool(1);
  creche_connection c = acquire(pool);
  answer a, b;
  creche_task task;
  answer_init(&a);
  OK(creche_pool_query(pool, loop.scope, "select 1", NULL, 0, NULL, on_answer, &a, &task));
  nap_ms(20);
  assert_int_equal(counters(pool).waiting, 1);
  OK(creche_scope_cancel(task.scope, NULL));
  EXPECT(&a, CRECHE_E_CANCELLED);
  assert_int_equal(a.error->phase, CRECHE_PHASE_POOL);
  answer_free(&a);
  assert_int_equal(counters(pool).waiting, 0);
  /* Behind another one on a connection: it is cancelled when its turn comes, the first is not hit.
   */
  answer_init(&a);
  answer_init(&b);
  OK(creche_connection_query(c, loop.scope, "select pg_sleep(0.3), 7", NULL, 0, NULL, on_answer, &a,
                             NULL));
  OK(creche_connection_query(c, loop.scope, "select pg_sleep(20)", NULL, 0, NULL, on_answer, &b,
                             &task));
  nap_ms(50);
  OK(creche_scope_cancel(task.scope, NULL));
  EXPECT(&a, CRECHE_OK);
  EXPECT(&b, CRECHE_E_CANCELLED);
  assert_int_equal(creche_row_int4(a.rows, 0, 1), 7);
  answer_free(&a);
  answer_free(&b);
  /* The first of several: those behind it run. */
  answer_init(&a);
  answer_init(&b);
  OK(creche_connection_query(c, loop.scope, "select pg_sleep(20)", NULL, 0, NULL, on_answer, &a,
                             &task));
  OK(creche_connection_query(c, loop.scope, "select 8", NULL, 0, NULL, on_answer, &b, NULL));
  nap_ms(50);
  OK(creche_scope_cancel(task.scope, NULL));
  EXPECT(&a, CRECHE_E_CANCELLED);
  EXPECT(&b, CRECHE_OK);
  assert_int_equal(creche_row_int4(b.rows, 0, 0), 8);
  answer_free(&a);
  answer_free(&b);
  creche_connection_release(c);
  assert_int_equal(counters(pool).connects, 1);
  close_pool(pool);
}

static void test_cancelled_group(void** state) {
  (void)state;
  creche_pool pool = open_pool(3);
  answer group_end, a[10];
  answer_init(&group_end);
  creche_group group;
  OK(creche_group_open(loop.scope, NULL, on_answer, &group_end, &group));
  for (int i = 0; i < 10; i++) {
    answer_init(&a[i]);
    OK(creche_pool_query(pool, group.scope, i == 1 ? "select 1/0" : "select pg_sleep(20)", NULL, 0,
                         NULL, on_answer, &a[i], NULL));
  }
  OK(creche_group_close(group));
  EXPECT(&group_end, CRECHE_E_GROUP);
  for (int i = 0; i < 10; i++) {
    EXPECT(&a[i], i == 1 ? CRECHE_E_PG : CRECHE_E_CANCELLED);
    answer_free(&a[i]);
  }
  answer_free(&group_end);
  assert_int_equal(number(pool, "select 1"), 1);
  assert_int_equal(counters(pool).dropped, 0);
  close_pool(pool);
}

static void test_close_pool_while_running(void** state) {
  (void)state;
  creche_pool pool = open_pool(2), other = open_pool(1);
  answer a[4], end;
  for (int i = 0; i < 4; i++) {
    answer_init(&a[i]);
    OK(creche_pool_query(pool, loop.scope, "select pg_sleep(20)", NULL, 0, NULL, on_answer, &a[i],
                         NULL));
  }
  while (sleepers(other) < 2) nap_ms(5);
  answer_init(&end);
  int64_t began = now_ms();
  OK(creche_pool_close(pool, on_answer, &end));
  EXPECT(&end, CRECHE_OK);
  assert_true(now_ms() - began < 2000);
  for (int i = 0; i < 4; i++) {
    EXPECT(&a[i], CRECHE_E_CLOSED);
    answer_free(&a[i]);
  }
  assert_int_equal(sleepers(other), 0);
  creche_task task;
  assert_int_equal(
      creche_pool_query(pool, loop.scope, "select 1", NULL, 0, NULL, NULL, NULL, &task),
      CRECHE_E_CLOSED);
  answer_free(&end);
  creche_pool_release(pool);
  close_pool(other);
}

/* The postmaster signals the backend and then its process group: one cancel request may hit what it
 * was meant for and then what comes next. Here the second signal is sent by hand, when the next
 * statement, somebody else's, surely runs. On a busy machine the postmaster's own second one may be
 * late as well: then there was one too many, and the round does not count. */
static creche_status second_signal_hits(creche_pool pool, creche_connection holder) {
  must_on(holder, "select pg_advisory_lock(77)");
  const uint64_t resent = counters(pool).resent, pipelined = counters(pool).pipelined;
  creche_task task, second;
  answer a, b;
  for (int round = 0;; round++) { /* until the statement is known as short */
    assert_true(round < 100);
    creche_value kind = creche_int4(0);
    for (int i = 0; i < 10; i++) {
      answer_init(&a);
      OK(creche_pool_query(pool, loop.scope, "select wait_for($1)", &kind, 1, NULL, on_answer, &a,
                           NULL));
      EXPECT(&a, CRECHE_OK);
      answer_free(&a);
    }
    answer_init(&a);
    answer_init(&b);
    kind = creche_int4(1);
    OK(creche_pool_query(pool, loop.scope, "select wait_for($1)", &kind, 1, NULL, on_answer, &a,
                         &task));
    kind = creche_int4(2);
    OK(creche_pool_query(pool, loop.scope, "select wait_for($1)", &kind, 1, NULL, on_answer, &b,
                         &second));
    while (sleepers_of(holder, "wait_event = 'PgSleep'") == 0) nap_ms(2);
    if (counters(pool).pipelined > pipelined) break;
    OK(creche_scope_cancel(second.scope, NULL));
    OK(creche_scope_cancel(task.scope, NULL));
    EXPECT(&a, CRECHE_E_CANCELLED);
    EXPECT(&b, CRECHE_E_CANCELLED);
    answer_free(&a);
    answer_free(&b);
  }
  OK(creche_scope_cancel(task.scope, NULL));
  EXPECT(&a, CRECHE_E_CANCELLED);
  while (sleepers_of(holder, "wait_event_type = 'Lock'") == 0) nap_ms(2);
  must_on(holder,
          "select pg_cancel_backend(pid) from pg_stat_activity where wait_event_type = 'Lock'");
  while (counters(pool).resent == resent && !answer_wait_for(&b, 2)) continue;
  must_on(holder, "select pg_advisory_unlock(77)");
  const creche_status status = answer_wait(&b);
  if (status == CRECHE_OK) assert_int_equal(creche_row_int4(b.rows, 0, 0), 2);
  assert_int_equal(counters(pool).resent, resent + 1); /* it was hit, and run again */
  answer_free(&a);
  answer_free(&b);
  return status;
}

static void test_second_signal(void** state) {
  (void)state;
  creche_pool pool = open_pool(1), other = open_pool(1);
  must(pool,
       "create function wait_for(kind int) returns int language plpgsql as $$ begin "
       "if kind = 1 then perform pg_sleep(20); end if; "
       "if kind = 2 then perform pg_advisory_xact_lock(77); end if; return kind; end $$");
  creche_connection holder = acquire(other);
  int tries = 0;
  while (second_signal_hits(pool, holder) != CRECHE_OK) assert_true(++tries < 20);
  creche_connection_release(holder);
  close_pool(pool);
  close_pool(other);
}

/* The same on a connection that somebody holds: the one that is hit is run again in its place, in
 * front of what was started after it. */
static creche_status hit_in_order(creche_pool pool, creche_connection c, creche_connection holder,
                                  int round) {
  const uint64_t resent = counters(pool).resent;
  creche_task task;
  answer a, b, last;
  char sql[100];
  must_on(holder, "select pg_advisory_lock(78)");
  /* Texts that have never been seen: what has been, and takes long, has nothing sent behind it. */
  snprintf(sql, sizeof sql, "select pg_sleep(20), %d", round);
  answer_init(&a);
  answer_init(&b);
  answer_init(&last);
  OK(creche_connection_query(c, loop.scope, sql, NULL, 0, NULL, on_answer, &a, &task));
  snprintf(sql, sizeof sql, "insert into hits select %d from pg_advisory_xact_lock(78)", round);
  OK(creche_connection_query(c, loop.scope, sql, NULL, 0, NULL, on_answer, &b, NULL));
  snprintf(sql, sizeof sql, "select count(*) from hits where i = %d", round);
  OK(creche_connection_query(c, loop.scope, sql, NULL, 0, NULL, on_answer, &last, NULL));
  while (sleepers_of(holder, "wait_event = 'PgSleep'") == 0) nap_ms(2);
  OK(creche_scope_cancel(task.scope, NULL));
  EXPECT(&a, CRECHE_E_CANCELLED);
  while (sleepers_of(holder, "wait_event_type = 'Lock'") == 0) nap_ms(2);
  must_on(holder,
          "select pg_cancel_backend(pid) from pg_stat_activity where wait_event_type = 'Lock'");
  while (counters(pool).resent == resent && !answer_wait_for(&b, 2)) continue;
  must_on(holder, "select pg_advisory_unlock(78)");
  const creche_status status = answer_wait(&b);
  EXPECT(&last, CRECHE_OK);
  if (status == CRECHE_OK) assert_int_equal(creche_row_int8(last.rows, 0, 0), 1);
  answer_free(&a);
  answer_free(&b);
  answer_free(&last);
  return status;
}

static void test_hit_on_a_held_connection(void** state) {
  (void)state;
  creche_pool pool = open_pool(1), other = open_pool(1);
  must(pool, "create table hits (i int)");
  creche_connection holder = acquire(other), c = acquire(pool);
  int round = 0;
  while (hit_in_order(pool, c, holder, round) != CRECHE_OK) assert_true(++round < 20);
  /* What has been seen to take long is alone: nothing can be hit. */
  creche_task task;
  answer a, b;
  int alone = 0;
  for (int i = 0; !alone; i++) { /* what is long depends on how busy the machine is */
    assert_true(i < 7);
    answer_init(&a);
    OK(creche_connection_query(c, loop.scope, "select pg_sleep(20)", NULL, 0, NULL, on_answer, &a,
                               &task));
    while (sleepers_of(holder, "wait_event = 'PgSleep'") == 0) nap_ms(2);
    const uint64_t pipelined = counters(pool).pipelined;
    answer_init(&b);
    OK(creche_connection_query(c, loop.scope, "insert into hits values (-1)", NULL, 0, NULL,
                               on_answer, &b, NULL));
    nap_ms(20 << i); /* so long it has taken */
    OK(creche_scope_cancel(task.scope, NULL));
    EXPECT(&a, CRECHE_E_CANCELLED);
    EXPECT(&b, CRECHE_OK);
    alone = counters(pool).pipelined == pipelined;
    answer_free(&a);
    answer_free(&b);
  }
  creche_connection_release(holder);
  creche_connection_release(c);
  must(pool, "drop table hits");
  close_pool(pool);
  close_pool(other);
}

static void test_frozen_server(void** state) {
  (void)state;
  creche_pool pool;
  creche_pool_options p;
  OK(creche_pool_options_init(&p, sizeof p));
  p.max_size = 2;
  p.cancel_timeout = 300 * CRECHE_MILLISECOND;
  p.connect_timeout = 1500 * CRECHE_MILLISECOND; /* to connect takes some, on a busy machine */
  OK(creche_pool_open(loop, support_postgres_url(server), &p, &pool));
  must(pool, "select 1");
  support_postgres_freeze(server);
  creche_task_options t;
  OK(creche_task_options_init(&t, sizeof t));
  t.timeout = 100 * CRECHE_MILLISECOND;
  creche_query_options o = with_task(&t);
  int64_t began = now_ms();
  answer a, b;
  answer_init(&a);
  OK(creche_pool_query(pool, loop.scope, "select 1", NULL, 0, &o, on_answer, &a, NULL));
  EXPECT(&a, CRECHE_E_TIMEOUT);
  assert_true(now_ms() - began < 3000);
  answer_free(&a);
  run(pool, &b, "select 2");
  EXPECT(&b, CRECHE_E_TIMEOUT); /* connecting */
  if (b.error->phase != CRECHE_PHASE_AUTH && b.error->phase != CRECHE_PHASE_TLS)
    fail_msg("phase %u: %s", b.error->phase, b.error->message);
  answer_free(&b);
  support_postgres_thaw(server);
  assert_int_equal(number(pool, "select 3"), 3);
  close_pool(pool);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_cancel_a_running_query),   cmocka_unit_test(test_timeout),
      cmocka_unit_test(test_cancel_what_waits),        cmocka_unit_test(test_cancelled_group),
      cmocka_unit_test(test_close_pool_while_running), cmocka_unit_test(test_second_signal),
      cmocka_unit_test(test_hit_on_a_held_connection), cmocka_unit_test(test_frozen_server),
  };
  return cmocka_run_group_tests(tests, start_server, stop_server);
}

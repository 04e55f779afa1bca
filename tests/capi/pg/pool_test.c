/* The pool: sizes, waiting, dead connections, restarts of the server, PgBouncer. */
#include "pg_test.h"

static void test_many_on_few(void** state) {
  (void)state;
  creche_pool pool = open_pool(4);
  enum { kCount = 500 };
  static answer a[kCount];
  creche_value v;
  for (int i = 0; i < kCount; i++) {
    answer_init(&a[i]);
    v = creche_int4(i);
    OK(creche_pool_query(pool, loop.scope, "select $1", &v, 1, NULL, on_answer, &a[i], NULL));
  }
  for (int i = 0; i < kCount; i++) {
    EXPECT(&a[i], CRECHE_OK);
    assert_int_equal(creche_row_int4(a[i].rows, 0, 0), i);
    answer_free(&a[i]);
  }
  creche_pool_counters c = counters(pool);
  assert_in_range(c.connections, 1, 4); /* the last may still be connecting when all is done */
  assert_true(c.pipelined > 0);
  close_pool(pool);
}

static void test_long_ones_do_not_hold_up_short_ones(void** state) {
  (void)state;
  creche_pool pool = open_pool(2);
  for (int i = 0; i < 5; i++) must(pool, "select 1");
  answer slow[3], quick[20];
  for (int i = 0; i < 3; i++) {
    answer_init(&slow[i]);
    OK(creche_pool_query(pool, loop.scope, i == 0 ? "select pg_sleep(1)" : "select pg_sleep(0.5)",
                         NULL, 0, NULL, on_answer, &slow[i], NULL));
    nap_ms(10);
    if (i == 0) {
      int64_t began = now_ms();
      for (int k = 0; k < 20; k++) {
        answer_init(&quick[k]);
        OK(creche_pool_query(pool, loop.scope, "select 1", NULL, 0, NULL, on_answer, &quick[k],
                             NULL));
      }
      for (int k = 0; k < 20; k++) {
        EXPECT(&quick[k], CRECHE_OK);
        answer_free(&quick[k]);
      }
      assert_true(now_ms() - began < 400);
    }
  }
  for (int i = 0; i < 3; i++) {
    EXPECT(&slow[i], CRECHE_OK);
    answer_free(&slow[i]);
  }
  close_pool(pool);
}

static void test_acquire_timeout_and_max_waiting(void** state) {
  (void)state;
  creche_pool pool;
  creche_pool_options o;
  OK(creche_pool_options_init(&o, sizeof o));
  o.min_size = o.max_size = 1;
  o.max_waiting = 2;
  o.acquire_timeout = 400 * CRECHE_MILLISECOND;
  OK(creche_pool_open(loop, support_postgres_url(server), &o, &pool));
  for (int i = 0; i < 1000 && counters(pool).idle < 1; i++) nap_ms(5);
  creche_connection c = acquire(pool);
  answer a[3];
  int64_t began = now_ms();
  for (int i = 0; i < 3; i++) {
    answer_init(&a[i]);
    OK(creche_pool_acquire(pool, loop.scope, NULL, on_answer, &a[i], NULL));
  }
  EXPECT(&a[2], CRECHE_E_LIMIT);
  EXPECT(&a[0], CRECHE_E_TIMEOUT);
  EXPECT(&a[1], CRECHE_E_TIMEOUT);
  assert_int_equal(a[0].error->phase, CRECHE_PHASE_POOL);
  assert_in_range(now_ms() - began, 399, 3000);
  for (int i = 0; i < 3; i++) answer_free(&a[i]);
  creche_connection_release(c);
  assert_int_equal(number(pool, "select 1"), 1);
  assert_int_equal(counters(pool).leased, 0);
  close_pool(pool);
}

/* Who has gone is not counted. */
static void test_waiting_is_who_waits(void** state) {
  (void)state;
  creche_pool pool;
  creche_pool_options o;
  OK(creche_pool_options_init(&o, sizeof o));
  o.min_size = o.max_size = 1;
  OK(creche_pool_open(loop, support_postgres_url(server), &o, &pool));
  creche_connection c = acquire(pool);
  answer a[5];
  creche_task tasks[5];
  for (int i = 0; i < 5; i++) {
    answer_init(&a[i]);
    OK(creche_pool_acquire(pool, loop.scope, NULL, on_answer, &a[i], &tasks[i]));
  }
  for (int i = 0; i < 4000 && counters(pool).waiting < 5; i++) nap_ms(5);
  assert_int_equal(counters(pool).waiting, 5);
  for (int i = 0; i < 5; i++) {
    OK(creche_scope_cancel(tasks[i].scope, NULL));
    EXPECT(&a[i], CRECHE_E_CANCELLED);
    answer_free(&a[i]);
    assert_int_equal(counters(pool).waiting, 4 - i);
  }
  creche_connection_release(c);
  close_pool(pool);
}

static void test_min_size_idle_and_lifetime(void** state) {
  (void)state;
  creche_pool pool;
  creche_pool_options o;
  OK(creche_pool_options_init(&o, sizeof o));
  o.min_size = 2;
  o.max_size = 4;
  o.idle_timeout = 100 * CRECHE_MILLISECOND;
  OK(creche_pool_open(loop, support_postgres_url(server), &o, &pool));
  for (int i = 0; i < 1000 && counters(pool).idle < 2; i++) nap_ms(5);
  assert_int_equal(counters(pool).connections, 2);
  creche_connection c[4];
  for (int i = 0; i < 4; i++) c[i] = acquire(pool);
  assert_int_equal(counters(pool).connections, 4);
  for (int i = 0; i < 4; i++) creche_connection_release(c[i]);
  for (int i = 0; i < 1000 && counters(pool).connections > 2; i++) nap_ms(5);
  assert_int_equal(counters(pool).connections, 2);
  close_pool(pool);
  OK(creche_pool_options_init(&o, sizeof o));
  o.max_size = 1;
  o.max_lifetime = 100 * CRECHE_MILLISECOND;
  OK(creche_pool_open(loop, support_postgres_url(server), &o, &pool));
  int64_t first = number(pool, "select pg_backend_pid()");
  nap_ms(150);
  assert_true(number(pool, "select pg_backend_pid()") != first);
  close_pool(pool);
}

static void test_terminated_backends(void** state) {
  (void)state;
  creche_pool pool = open_pool(1), other = open_pool(1);
  char sql[100];
  /* Idle. */
  for (int i = 0; i < 3; i++) {
    snprintf(sql, sizeof sql, "select pg_terminate_backend(%d)",
             (int)number(pool, "select pg_backend_pid()"));
    must(other, sql);
    while (counters(pool).connections > 0) nap_ms(2); /* until the pool has noticed */
    assert_int_equal(number(pool, "select 1"), 1);
  }
  /* In a query. */
  answer a, b;
  snprintf(sql, sizeof sql, "select pg_terminate_backend(%d)",
           (int)number(pool, "select pg_backend_pid()"));
  answer_init(&a);
  OK(creche_pool_query(pool, loop.scope, "select pg_sleep(20)", NULL, 0, NULL, on_answer, &a,
                       NULL));
  nap_ms(50);
  must(other, sql);
  EXPECT(&a, CRECHE_E_PG);
  assert_string_equal(answer_state(&a), "57P01");
  answer_free(&a);
  assert_int_equal(number(pool, "select 2"), 2);
  /* Leased and in a transaction. */
  creche_connection c = acquire(pool);
  must_on(c, "begin");
  snprintf(sql, sizeof sql, "select pg_terminate_backend(%d)",
           (int)number_on(c, "select pg_backend_pid()"));
  must(other, sql);
  /* The server's farewell is read before the statement is sent, or as its answer. */
  run_on(c, &b, "select 1");
  if (b.status != CRECHE_E_DISCONNECTED) EXPECT(&b, CRECHE_E_PG);
  answer_free(&b);
  creche_connection_release(c);
  assert_int_equal(number(pool, "select 3"), 3);
  close_pool(pool);
  close_pool(other);
}

/* The loop has no time to see that its connections are dead when they are used: nothing is lost
 * with a BEGIN. */
static void at_once(void* user, const creche_completion* c) {
  if (c->kind == CRECHE_BEGIN) creche_task_finish(c->task, CRECHE_OK, 7, NULL);
  (void)user;
}

typedef struct stall {
  creche_pool pool;
  answer begun, go, transaction;
} stall;

static void stand_still(void* user, const creche_completion* c) {
  stall* s = user;
  (void)c;
  on_answer(&s->begun, &(creche_completion){.status = CRECHE_OK});
  answer_wait_for(&s->go, 30000);
  SAY(creche_pool_transaction(s->pool, loop.scope, at_once, NULL, NULL, on_answer, &s->transaction,
                              NULL));
}

static void test_transaction_on_a_dead_connection(void** state) {
  (void)state;
  stall s = {.pool = open_pool(1)};
  creche_loop other;
  creche_pool killer;
  answer a;
  char sql[128];
  snprintf(sql, sizeof sql, "select pg_terminate_backend(%lld, 20000)",
           (long long)number(s.pool, "select pg_backend_pid()"));
  OK(creche_loop_open(NULL, &other));
  OK(creche_pool_open(other, support_postgres_url(server), NULL, &killer));
  answer_init(&s.begun);
  answer_init(&s.go);
  answer_init(&s.transaction);
  OK(creche_loop_post(loop, stand_still, &s));
  answer_wait(&s.begun);
  answer_init(&a);
  OK(creche_pool_query(killer, other.scope, sql, NULL, 0, NULL, on_answer, &a, NULL));
  EXPECT(&a, CRECHE_OK);
  assert_int_equal(creche_row_bool(a.rows, 0, 0), 1);
  on_answer(&s.go, &(creche_completion){.status = CRECHE_OK});
  EXPECT(&s.transaction, CRECHE_OK);
  answer_free(&a);
  answer_free(&s.begun);
  answer_free(&s.go);
  s.transaction.value = 0;
  answer_free(&s.transaction);
  close_pool(s.pool);
  creche_pool_release(killer);
  OK(creche_loop_close(other));
  OK(creche_loop_join(other, 20 * CRECHE_SECOND));
}

static void test_restart(void** state) {
  (void)state;
  creche_pool pool = open_pool(3);
  creche_connection c[3];
  for (int i = 0; i < 3; i++) c[i] = acquire(pool);
  for (int i = 0; i < 3; i++) creche_connection_release(c[i]);
  support_postgres_kill(server);
  answer a;
  run(pool, &a, "select 1");
  EXPECT(&a, CRECHE_E_CONNECT);
  assert_int_equal(creche_error_is_retryable(a.error), 1);
  answer_free(&a);
  assert_int_equal(support_postgres_restart(server), 0);
  assert_int_equal(number(pool, "select 1"), 1);
  /* Up and down between two statements: unseen. */
  assert_int_equal(support_postgres_restart(server), 0);
  assert_int_equal(number(pool, "select 2"), 2);
  close_pool(pool);
}

static void test_pgbouncer(void** state) {
  (void)state;
  support_pgbouncer* bouncer =
      support_pgbouncer_start(support_postgres_port(server), "default_pool_size = 2\n");
  assert_non_null(bouncer);
  creche_pool pool;
  creche_pool_options o;
  OK(creche_pool_options_init(&o, sizeof o));
  o.max_size = 8;
  o.flags = CRECHE_POOL_NO_PREPARE;
  OK(creche_pool_open(loop, support_pgbouncer_url(bouncer), &o, &pool));
  enum { kCount = 300 };
  static answer a[kCount];
  for (int i = 0; i < kCount; i++) {
    answer_init(&a[i]);
    creche_value v = creche_int4(i);
    OK(creche_pool_query(pool, loop.scope, "select $1", &v, 1, NULL, on_answer, &a[i], NULL));
  }
  for (int i = 0; i < kCount; i++) {
    EXPECT(&a[i], CRECHE_OK);
    assert_int_equal(creche_row_int4(a[i].rows, 0, 0), i);
    answer_free(&a[i]);
  }
  assert_int_equal(counters(pool).prepares, 0);
  creche_connection c = acquire(pool);
  must_on(c, "begin");
  assert_int_equal(number_on(c, "select 1"), 1);
  creche_connection_release(c);
  assert_int_equal(number(pool, "select 9"), 9);
  close_pool(pool);
  support_pgbouncer_stop(bouncer);
}

/* The completion of a close goes to the pool's queue, after all others; the loop takes pools along.
 */
static void test_close_to_a_queue(void** state) {
  (void)state;
  creche_pool_options o;
  creche_queue queue;
  creche_pool pool;
  answer a;
  int mark;
  OK(creche_queue_open(loop, NULL, &queue));
  OK(creche_pool_options_init(&o, sizeof o));
  o.queue = queue;
  OK(creche_pool_open(loop, support_postgres_url(server), &o, &pool));
  answer_init(&a);
  OK(creche_pool_query(pool, loop.scope, "select pg_sleep(20)", NULL, 0, NULL, on_answer, &a,
                       NULL));
  for (int i = 0; i < 2; i++) { /* each call is told, also after the end */
    creche_completion c;
    size_t n = 0;
    OK(creche_pool_close(pool, NULL, &mark));
    OK(creche_queue_wait(queue, &c, 1, 20 * CRECHE_SECOND, &n));
    assert_int_equal(n, 1);
    assert_int_equal(c.kind, CRECHE_DONE);
    assert_true(c.value == pool.id && c.user == &mark && c.flags == 0);
    creche_completions_release(&c, 1);
    assert_int_equal(answer_wait_for(&a, 1), 1);
  }
  EXPECT(&a, CRECHE_E_CLOSED);
  answer_free(&a);
  OK(creche_queue_close(queue, creche_nobody, NULL));
  assert_int_equal(creche_pool_close(pool, NULL, NULL), CRECHE_E_CLOSED);
  assert_int_equal(creche_pool_open(loop, support_postgres_url(server), &o, &pool),
                   CRECHE_E_CLOSED);
  assert_true(pool.id == 0);
  creche_queue_release(queue);

  creche_loop other;
  OK(creche_loop_open(NULL, &other));
  OK(creche_pool_open(other, support_postgres_url(server), NULL, &pool));
  OK(creche_loop_close(other));
  OK(creche_loop_join(other, 20 * CRECHE_SECOND));
  assert_int_equal(creche_pool_close(pool, on_answer, NULL), CRECHE_E_ENDED);
  creche_pool_release(pool);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_many_on_few),
      cmocka_unit_test(test_long_ones_do_not_hold_up_short_ones),
      cmocka_unit_test(test_acquire_timeout_and_max_waiting),
      cmocka_unit_test(test_waiting_is_who_waits),
      cmocka_unit_test(test_min_size_idle_and_lifetime),
      cmocka_unit_test(test_terminated_backends),
      cmocka_unit_test(test_transaction_on_a_dead_connection),
      cmocka_unit_test(test_restart),
      cmocka_unit_test(test_close_to_a_queue),
      cmocka_unit_test(test_pgbouncer),
  };
  return cmocka_run_group_tests(tests, start_server, stop_server);
}

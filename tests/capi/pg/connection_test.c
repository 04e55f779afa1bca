/* Leased connections: order, reset, moves, what becomes of them at their end. */
#include <stdatomic.h>

#include "steps.h"

static void test_pipelined_in_order(void** state) {
  (void)state;
  creche_pool pool = open_pool(1);
  creche_connection c = acquire(pool);
  must_on(c, "create temp table seq (n int)");
  enum { kCount = 200 };
  static answer a[kCount];
  char sql[100];
  for (int i = 0; i < kCount; i++) {
    answer_init(&a[i]);
    snprintf(sql, sizeof sql,
             i % 10 == 5 ? "select 1/0 + %d"
                         : "insert into seq values (%d) returning (select count(*) from seq)",
             i);
    OK(creche_connection_query(c, loop.scope, sql, NULL, 0, NULL, on_answer, &a[i], NULL));
  }
  int done = 0;
  for (int i = 0; i < kCount; i++) {
    if (i % 10 == 5) {
      EXPECT(&a[i], CRECHE_E_PG);
      assert_string_equal(answer_state(&a[i]), "22012");
    } else {
      EXPECT(&a[i], CRECHE_OK);
      assert_int_equal(creche_row_int8(a[i].rows, 0, 0), done++);
    }
    assert_int_equal(a[i].ended, 1);
    answer_free(&a[i]);
  }
  assert_true(counters(pool).pipelined > 0);
  creche_connection_release(c);
  creche_connection_release(c);
  close_pool(pool);
}

static void test_reset(void** state) {
  (void)state;
  creche_pool pool = open_pool(1);
  must(pool, "create role somebody");
  creche_connection c = acquire(pool);
  must_on(c, "set application_name = 'changed'");
  must_on(c, "set role somebody");
  must_on(c, "listen news");
  number_on(c, "select pg_advisory_lock(1) is null");
  must_on(c, "declare held cursor with hold for select 1");
  must_on(c, "begin");
  must_on(c, "create temp table left_open (i int)");
  creche_connection_release(c);
  answer a;
  run(pool, &a,
      "select current_user = session_user and current_setting('application_name') <> 'changed'"
      " and not exists (select from pg_listening_channels())"
      " and not exists (select from pg_locks where locktype = 'advisory')"
      " and not exists (select from pg_cursors where name <> '') and to_regclass('left_open') is "
      "null");
  EXPECT(&a, CRECHE_OK);
  assert_int_equal(creche_row_bool(a.rows, 0, 0), 1);
  answer_free(&a);
  /* A statement on the pool that leaves something is undone, too. */
  must(pool, "set role somebody");
  run(pool, &a, "select current_user = session_user");
  assert_int_equal(creche_row_bool(a.rows, 0, 0), 1);
  answer_free(&a);
  /* Also what a SELECT leaves. */
  for (int i = 0; i < 3; i++) { /* prepared and not */
    must(pool, "select SET_CONFIG('work_mem', '7MB', false), pg_try_advisory_lock(2)");
    run(pool, &a,
        "select current_setting('work_mem') <> '7MB'"
        " and not exists (select from pg_locks where locktype = 'advisory')");
    assert_int_equal(creche_row_bool(a.rows, 0, 0), 1);
    answer_free(&a);
  }
  run(pool, &a, "select pg_advisory_lock(3), 1 / (select count(*) from pg_class where false)");
  EXPECT(&a, CRECHE_E_PG);
  answer_free(&a);
  run(pool, &a, "do $$ begin perform pg_advisory_lock(4); raise 'no'; end $$");
  EXPECT(&a, CRECHE_E_PG);
  answer_free(&a);
  assert_int_equal(number(pool, "select count(*) from pg_locks where locktype = 'advisory'"), 0);
  /* Whatever becomes of the statements that do it. */
  must(pool, "do $$ begin execute 'deallocate all'; end $$");
  must(pool, "begin");
  must(pool, "create table t_begin (i int)");
  assert_int_equal(number(pool, "select count(*) from pg_class where relname = 't_begin'"), 1);
  must(pool, "drop table t_begin");
  must(pool, "drop role somebody");
  assert_int_equal(counters(pool).connects, 1);
  close_pool(pool);
}

static void test_release_lets_statements_finish(void** state) {
  (void)state;
  creche_pool pool = open_pool(1);
  must(pool, "create table f (i int)");
  for (int round = 0; round < 20; round++) {
    creche_connection c = acquire(pool);
    answer a, b;
    answer_init(&a);
    answer_init(&b);
    OK(creche_connection_query(c, loop.scope, "select pg_sleep(0.01)", NULL, 0, NULL, on_answer, &a,
                               NULL));
    OK(creche_connection_query(c, loop.scope, "insert into f values (1)", NULL, 0, NULL, on_answer,
                               &b, NULL));
    creche_connection_release(c);
    EXPECT(&a, CRECHE_OK);
    EXPECT(&b, CRECHE_OK);
    answer_free(&a);
    answer_free(&b);
    answer_init(&a);
    assert_int_equal(
        creche_connection_query(c, loop.scope, "select 1", NULL, 0, NULL, on_answer, &a, NULL),
        CRECHE_E_ENDED);
    answer_free(&a);
  }
  assert_int_equal(number(pool, "select count(*) from f"), 20);
  must(pool, "drop table f");
  close_pool(pool);
}

/* A lease of a group goes to the loop: the group ends, what is open on the connection stays. */
static void test_move(void** state) {
  (void)state;
  creche_pool pool = open_pool(1);
  creche_group group;
  answer ended, got, a;
  answer_init(&ended);
  answer_init(&got);
  OK(creche_group_open(loop.scope, NULL, on_answer, &ended, &group));
  OK(creche_pool_acquire(pool, group.scope, NULL, on_answer, &got, NULL));
  EXPECT(&got, CRECHE_OK);
  creche_connection c = {got.value};
  OK(creche_group_close(group));
  must_on(c, "begin");
  must_on(c, "create temp table moved (i int)");
  assert_int_equal(answer_wait_for(&ended, 1), 0); /* it holds the group open */
  OK(creche_connection_move(c, loop.scope));
  EXPECT(&ended, CRECHE_OK);
  assert_int_equal(number_on(c, "select count(*) from moved"), 0);
  assert_int_equal(creche_connection_move(c, group.scope), CRECHE_E_ENDED);
  assert_int_equal(creche_connection_move(c, (creche_scope){c.id}), CRECHE_E_BAD_HANDLE);
  assert_int_equal(creche_connection_move((creche_connection){pool.id}, loop.scope),
                   CRECHE_E_BAD_HANDLE);

  /* To a task, whose end gives it back: rolled back, and somebody else's. */
  creche_task task;
  answer body;
  answer_init(&body);
  OK(creche_task_open(loop.scope, NULL, on_answer, &body, &task));
  while (creche_connection_move(c, task.scope) != CRECHE_OK) nap_ms(1);
  while (creche_task_finish(task, CRECHE_OK, 0, NULL) == CRECHE_E_STATE) nap_ms(1); /* not begun */
  EXPECT(&body, CRECHE_OK);
  assert_int_equal(creche_connection_move(c, loop.scope), CRECHE_E_ENDED);
  run(pool, &a, "select to_regclass('moved') is null");
  EXPECT(&a, CRECHE_OK);
  assert_int_equal(creche_row_bool(a.rows, 0, 0), 1);
  answer_free(&a);
  answer_free(&body);
  answer_free(&ended);
  answer_free(&got);
  close_pool(pool);
}

/* A lost connection says why. */
static void test_lost(void** state) {
  (void)state;
  creche_pool pool = open_pool(1);
  creche_connection c = acquire(pool);
  answer a;
  run_on(c, &a, "select pg_terminate_backend(pg_backend_pid())");
  EXPECT(&a, CRECHE_E_PG);
  answer_free(&a);
  run_on(c, &a, "select 1");
  EXPECT(&a, CRECHE_E_DISCONNECTED);
  assert_non_null(strstr(a.error->message, "57P01"));
  assert_string_equal(a.error->cause->cause->sqlstate, "57P01");
  answer_free(&a);
  creche_connection_release(c);
  close_pool(pool);
}

/* A transaction's connection belongs to the transaction. */
static atomic_int refused;
static void move_it(void* user, const creche_completion* completion) {
  (void)user;
  if (completion->kind != CRECHE_BEGIN) return;
  atomic_store(&refused,
               creche_connection_move((creche_connection){completion->value}, loop.scope));
  creche_task_finish(completion->task, CRECHE_OK, 0, NULL);
}
static void test_move_of_a_transaction(void** state) {
  (void)state;
  creche_pool pool = open_pool(1);
  answer a;
  answer_init(&a);
  OK(creche_pool_transaction(pool, loop.scope, move_it, NULL, NULL, on_answer, &a, NULL));
  EXPECT(&a, CRECHE_OK);
  assert_int_equal(atomic_load(&refused), CRECHE_E_STATE);
  answer_free(&a);
  close_pool(pool);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_pipelined_in_order),
      cmocka_unit_test(test_reset),
      cmocka_unit_test(test_release_lets_statements_finish),
      cmocka_unit_test(test_move),
      cmocka_unit_test(test_move_of_a_transaction),
      cmocka_unit_test(test_lost),
  };
  return cmocka_run_group_tests(tests, start_server, stop_server);
}

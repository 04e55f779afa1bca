/* Leased connections: order, reset, scripts, transactions. */
#include <stdatomic.h>

#include "pg_test.h"

static creche_status control(creche_status (*call)(creche_connection, creche_scope,
                                                   const creche_transaction_options*,
                                                   creche_done_fn, void*, creche_task*),
                             creche_connection c, answer* a) {
  answer_init(a);
  OK(call(c, loop.scope, NULL, on_answer, a, NULL));
  return answer_wait(a);
}

static void step(creche_status (*call)(creche_connection, creche_scope,
                                       const creche_transaction_options*, creche_done_fn, void*,
                                       creche_task*),
                 creche_connection c, creche_status expected) {
  answer a;
  control(call, c, &a);
  EXPECT(&a, expected);
  answer_free(&a);
}

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

/* What a statement of the user's own ends is not ended again, and does not stand in the way of the
 * next one. */
static void test_ended_by_a_statement(void** state) {
  (void)state;
  creche_pool pool = open_pool(1);
  creche_connection c = acquire(pool);
  for (int i = 0; i < 3; i++) {
    answer begin, end;
    answer_init(&begin);
    answer_init(&end);
    OK(creche_connection_begin(c, loop.scope, NULL, on_answer, &begin, NULL));
    EXPECT(&begin, CRECHE_OK);
    must_on(c, "rollback");
    if (i < 2) {
      OK((i ? creche_connection_commit : creche_connection_rollback)(c, loop.scope, NULL, on_answer,
                                                                     &end, NULL));
      EXPECT(&end, CRECHE_E_STATE);
    }
    answer_free(&begin);
    answer_free(&end);
  }
  creche_connection_release(c);
  close_pool(pool);
}

/* A transaction that statements of the user's own begin: it counts when it has been answered. */
static void test_begun_by_a_statement(void** state) {
  (void)state;
  creche_pool pool = open_pool(1);
  creche_connection c = acquire(pool);
  must_on(c, "create table by_hand (i int)");
  must_on(c, "begin");
  must_on(c, "insert into by_hand values (1)");
  step(creche_connection_begin, c, CRECHE_OK); /* a savepoint */
  must_on(c, "insert into by_hand values (2)");
  step(creche_connection_rollback, c, CRECHE_OK);
  must_on(c, "insert into by_hand values (3)");
  step(creche_connection_commit, c, CRECHE_OK); /* that of the statement */
  step(creche_connection_commit, c, CRECHE_E_STATE);
  assert_int_equal(number_on(c, "select sum(i) from by_hand"), 4);
  /* Begun by the call, ended and begun anew by statements: that is not what is to be committed. */
  step(creche_connection_begin, c, CRECHE_OK);
  must_on(c, "insert into by_hand values (10)");
  must_on(c, "rollback");
  must_on(c, "begin");
  must_on(c, "insert into by_hand values (20)");
  step(creche_connection_commit, c, CRECHE_E_STATE);
  step(creche_connection_rollback, c, CRECHE_E_STATE);
  assert_int_equal(number_on(c, "select sum(i) from by_hand"), 4);
  /* A script behind which a transaction is begun at once has left none open. */
  answer a[4];
  for (int i = 0; i < 4; i++) answer_init(&a[i]);
  OK(creche_connection_script(c, loop.scope, "insert into by_hand values (5); select 1", NULL,
                              on_answer, &a[0], NULL));
  OK(creche_connection_begin(c, loop.scope, NULL, on_answer, &a[1], NULL));
  OK(creche_connection_query(c, loop.scope, "insert into by_hand values (6)", NULL, 0, NULL,
                             on_answer, &a[2], NULL));
  OK(creche_connection_commit(c, loop.scope, NULL, on_answer, &a[3], NULL));
  for (int i = 0; i < 4; i++) {
    EXPECT(&a[i], CRECHE_OK);
    answer_free(&a[i]);
  }
  assert_int_equal(number_on(c, "select sum(i) from by_hand"), 15);
  must_on(c, "drop table by_hand");
  creche_connection_release(c);
  close_pool(pool);
}

/* What fails at the end of a transaction says so. */
static void test_phases(void** state) {
  (void)state;
  creche_pool pool = open_pool(1);
  creche_connection c = acquire(pool);
  answer a;
  must_on(c, "create table phases (i int unique deferrable initially deferred)");
  step(creche_connection_begin, c, CRECHE_OK);
  must_on(c, "insert into phases values (1), (1)");
  control(creche_connection_commit, c, &a);
  EXPECT(&a, CRECHE_E_PG);
  assert_int_equal(a.error->phase, CRECHE_PHASE_COMMIT);
  answer_free(&a);
  step(creche_connection_begin, c, CRECHE_OK);
  must_on(c, "savepoint creche_1");
  must_on(c, "release savepoint creche_1");
  step(creche_connection_begin, c, CRECHE_OK);
  must_on(c, "release savepoint creche_1"); /* somebody has taken it away */
  control(creche_connection_rollback, c, &a);
  EXPECT(&a, CRECHE_E_PG);
  assert_int_equal(a.error->phase, CRECHE_PHASE_ROLLBACK);
  answer_free(&a);
  creche_connection_release(c);
  c = acquire(pool);
  step(creche_connection_begin, c, CRECHE_OK);
  run_on(c, &a, "select pg_terminate_backend(pg_backend_pid())");
  EXPECT(&a, CRECHE_E_PG);
  answer_free(&a);
  control(creche_connection_commit, c, &a);
  EXPECT(&a, CRECHE_E_DISCONNECTED);
  assert_int_equal(a.error->phase, CRECHE_PHASE_COMMIT);
  answer_free(&a);
  creche_connection_release(c);
  must(pool, "drop table phases");
  close_pool(pool);
}

/* One transaction behind the other, without a wait between; the first of them fails at its end. */
static void test_pipelined_transactions(void** state) {
  (void)state;
  creche_pool pool = open_pool(1);
  creche_connection c = acquire(pool);
  answer begin[3], insert[3], commit[3];
  must_on(c, "create table piped (i int unique deferrable initially deferred)");
  for (int i = 0; i < 3; i++) {
    answer_init(&begin[i]);
    answer_init(&insert[i]);
    answer_init(&commit[i]);
    OK(creche_connection_begin(c, loop.scope, NULL, on_answer, &begin[i], NULL));
    OK(creche_connection_query(c, loop.scope,
                               i == 0 ? "insert into piped values (1), (1)"
                                      : "insert into piped select count(*) from piped",
                               NULL, 0, NULL, on_answer, &insert[i], NULL));
    OK((i == 1 ? creche_connection_rollback : creche_connection_commit)(
        c, loop.scope, NULL, on_answer, &commit[i], NULL));
  }
  for (int i = 0; i < 3; i++) {
    EXPECT(&begin[i], CRECHE_OK);
    EXPECT(&insert[i], CRECHE_OK);
    EXPECT(&commit[i], i == 0 ? CRECHE_E_PG : CRECHE_OK);
    answer_free(&begin[i]);
    answer_free(&insert[i]);
    answer_free(&commit[i]);
  }
  assert_int_equal(number_on(c, "select count(*) from piped"), 1);
  must_on(c, "drop table piped");
  creche_connection_release(c);
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

static void test_script(void** state) {
  (void)state;
  creche_pool pool = open_pool(1);
  creche_connection c = acquire(pool);
  answer a, b;
  answer_init(&a);
  answer_init(&b);
  OK(creche_connection_script(
      c, loop.scope,
      "create temp table s (i int); insert into s values (1), (2); update s set i = 3", NULL,
      on_answer, &a, NULL));
  OK(creche_connection_query(c, loop.scope, "select sum(i) from s", NULL, 0, NULL, on_answer, &b,
                             NULL));
  EXPECT(&a, CRECHE_OK);
  assert_int_equal(a.code, 2);
  assert_null(a.rows);
  EXPECT(&b, CRECHE_OK);
  assert_int_equal(creche_row_int8(b.rows, 0, 0), 6);
  answer_free(&a);
  answer_free(&b);
  answer_init(&a);
  OK(creche_connection_script(c, loop.scope,
                              "insert into s values (9); select 1/0; insert into s values (10)",
                              NULL, on_answer, &a, NULL));
  EXPECT(&a, CRECHE_E_PG);
  answer_free(&a);
  assert_int_equal(number_on(c, "select count(*) from s"), 2);
  answer_init(&a);
  OK(creche_connection_script(c, loop.scope, "insert into s values (5); copy s to stdout", NULL,
                              on_answer, &a, NULL));
  EXPECT(&a, CRECHE_E_UNSUPPORTED);
  answer_free(&a);
  answer_init(&a);
  OK(creche_connection_script(c, loop.scope, "insert into s values (5); COPY s FROM stdin;", NULL,
                              on_answer, &a, NULL));
  EXPECT(&a, CRECHE_E_UNSUPPORTED);
  answer_free(&a);
  /* Nothing of them was done, and the connection is what it was. */
  assert_int_equal(number_on(c, "select count(*) from s"), 2);
  assert_int_equal(counters(pool).dropped, 0);
  creche_connection_release(c);
  assert_int_equal(number(pool, "select 1"), 1);
  close_pool(pool);
}

/* Statements with more results than one. */
static void test_rules(void** state) {
  (void)state;
  creche_pool pool = open_pool(1);
  creche_connection c = acquire(pool);
  answer a;
  must_on(c, "create table ruled (i int)");
  must_on(c, "create table noted (i int)");
  must_on(c, "create rule a as on insert to ruled do also select new.i, 'one'");
  must_on(c, "create rule b as on insert to ruled do also select new.i from generate_series(1, 3)");
  must_on(c, "create rule c as on insert to ruled do also insert into noted values (new.i)");
  must_on(c, "create rule d as on delete to ruled do instead (select 1; select 2 where false)");
  answer_init(&a);
  OK(creche_connection_script(c, loop.scope,
                              "insert into ruled values (1); select 1; insert into ruled values "
                              "(2), (3); delete from ruled; ; update ruled set i = i",
                              NULL, on_answer, &a, NULL));
  EXPECT(&a, CRECHE_OK);
  assert_int_equal(a.code, 3);
  answer_free(&a);
  must_on(c, "insert into ruled values (4)");
  must_on(c, "delete from ruled");
  answer_init(&a);
  OK(creche_connection_stream(c, loop.scope, "insert into ruled values (5)", NULL, 0, NULL,
                              on_answer, &a, NULL));
  EXPECT(&a, CRECHE_OK);
  answer_free(&a);
  assert_int_equal(number_on(c, "select count(*) from ruled"), 5);
  assert_int_equal(number_on(c, "select count(*) from noted"), 5);
  must_on(c, "drop table ruled, noted");
  creche_connection_release(c);
  assert_int_equal(counters(pool).dropped, 0);
  close_pool(pool);
}

static void test_begin_commit_rollback(void** state) {
  (void)state;
  creche_pool pool = open_pool(1);
  must(pool, "create table tx (i int)");
  creche_connection c = acquire(pool);
  step(creche_connection_commit, c, CRECHE_E_STATE);
  step(creche_connection_begin, c, CRECHE_OK);
  must_on(c, "insert into tx values (1)");
  step(creche_connection_begin, c, CRECHE_OK);
  must_on(c, "insert into tx values (2)");
  step(creche_connection_rollback, c, CRECHE_OK);
  step(creche_connection_begin, c, CRECHE_OK);
  must_on(c, "insert into tx values (3)");
  step(creche_connection_commit, c, CRECHE_OK);
  step(creche_connection_commit, c, CRECHE_OK);
  assert_int_equal(number_on(c, "select sum(i) from tx"), 4);
  /* A failed statement: COMMIT is answered by ROLLBACK. */
  step(creche_connection_begin, c, CRECHE_OK);
  answer a;
  run_on(c, &a, "select 1/0");
  EXPECT(&a, CRECHE_E_PG);
  answer_free(&a);
  step(creche_connection_commit, c, CRECHE_E_ROLLED_BACK);
  /* A failed savepoint leaves the rest usable. */
  step(creche_connection_begin, c, CRECHE_OK);
  must_on(c, "insert into tx values (10)");
  step(creche_connection_begin, c, CRECHE_OK);
  run_on(c, &a, "select 1/0");
  answer_free(&a);
  step(creche_connection_commit, c, CRECHE_E_PG);
  step(creche_connection_rollback, c, CRECHE_OK);
  step(creche_connection_commit, c, CRECHE_OK);
  assert_int_equal(number_on(c, "select sum(i) from tx"), 14);
  step(creche_connection_begin, c, CRECHE_OK);
  must_on(c, "delete from tx");
  creche_connection_release(c);
  assert_int_equal(number(pool, "select sum(i) from tx"), 14);
  must(pool, "drop table tx");
  close_pool(pool);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_pipelined_in_order),
      cmocka_unit_test(test_reset),
      cmocka_unit_test(test_release_lets_statements_finish),
      cmocka_unit_test(test_move),
      cmocka_unit_test(test_move_of_a_transaction),
      cmocka_unit_test(test_ended_by_a_statement),
      cmocka_unit_test(test_begun_by_a_statement),
      cmocka_unit_test(test_phases),
      cmocka_unit_test(test_pipelined_transactions),
      cmocka_unit_test(test_lost),
      cmocka_unit_test(test_script),
      cmocka_unit_test(test_rules),
      cmocka_unit_test(test_begin_commit_rollback),
  };
  return cmocka_run_group_tests(tests, start_server, stop_server);
}

/* Transactions step by step on a leased connection, begun or ended by calls or by statements. */
#include "steps.h"

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

static void returned(void* user, const creche_completion* c) {
  (void)c;
  __atomic_store_n((int*)user, 1, __ATOMIC_SEQ_CST);
}
/* All callbacks that were running have returned. */
static void await_callbacks(void) {
  int done = 0;
  OK(creche_loop_post(loop, returned, &done));
  AWAIT(__atomic_load_n(&done, __ATOMIC_SEQ_CST));
}

/* A begin with these, and what its end must be. */
static void begin_as(creche_connection c, uint32_t isolation, uint32_t flags,
                     creche_status expected) {
  creche_transaction_options o;
  OK(creche_transaction_options_init(&o, sizeof o));
  o.isolation = isolation;
  o.flags = flags;
  answer a;
  answer_init(&a);
  OK(creche_connection_begin(c, loop.scope, &o, on_answer, &a, NULL));
  EXPECT(&a, expected);
  answer_free(&a);
  if (expected != CRECHE_OK) await_callbacks(); /* until then what follows belongs to it */
}

/* A savepoint is as its transaction, and whoever wants it otherwise is told. */
static void test_savepoints_are_as_their_transactions(void** state) {
  (void)state;
  enum { READS = CRECHE_TRANSACTION_READ_ONLY, WRITES = CRECHE_TRANSACTION_READ_WRITE };
  creche_pool pool = open_pool(1);
  must(pool, "create table nested (i int)");
  creche_connection c = acquire(pool);
  begin_as(c, CRECHE_REPEATABLE_READ, READS, CRECHE_OK);
  begin_as(c, CRECHE_REPEATABLE_READ, 0, CRECHE_OK);
  begin_as(c, CRECHE_ISOLATION_DEFAULT, READS, CRECHE_OK);
  begin_as(c, CRECHE_REPEATABLE_READ, READS, CRECHE_OK);
  for (int i = 0; i < 4; i++) step(creche_connection_commit, c, CRECHE_OK);
  static const uint32_t others[][2] = {
      {CRECHE_SERIALIZABLE, 0},
      {CRECHE_READ_COMMITTED, WRITES},
      {CRECHE_ISOLATION_DEFAULT, READS},
      {CRECHE_ISOLATION_DEFAULT, CRECHE_TRANSACTION_DEFERRABLE},
      {CRECHE_ISOLATION_DEFAULT, CRECHE_TRANSACTION_NOT_DEFERRABLE}};
  for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
    begin_as(c, CRECHE_READ_COMMITTED, WRITES, CRECHE_OK);
    must_on(c, "insert into nested values (1)");
    begin_as(c, others[i][0], others[i][1], i == 1 ? CRECHE_OK : CRECHE_E_STATE);
    /* Whoever has heard of it goes on, or rolls back what never was. */
    if (i == 1) step(creche_connection_commit, c, CRECHE_OK);
    must_on(c, "insert into nested values (1)");
    step(creche_connection_commit, c, CRECHE_OK);
  }
  assert_int_equal(number_on(c, "select count(*) from nested"), 10);
  /* What nobody here has been told of. */
  begin_as(c, CRECHE_ISOLATION_DEFAULT, 0, CRECHE_OK);
  begin_as(c, CRECHE_READ_COMMITTED, 0, CRECHE_E_STATE);
  must_on(c, "insert into nested values (1)");
  step(creche_connection_commit, c, CRECHE_OK);
  must_on(c, "begin isolation level serializable");
  begin_as(c, CRECHE_SERIALIZABLE, 0, CRECHE_E_STATE);
  must_on(c, "insert into nested values (1)");
  begin_as(c, CRECHE_ISOLATION_DEFAULT, 0, CRECHE_OK);
  step(creche_connection_commit, c, CRECHE_OK);
  must_on(c, "commit");
  assert_int_equal(number_on(c, "select count(*) from nested"), 12);
  must_on(c, "drop table nested");
  creche_connection_release(c);
  close_pool(pool);
}

/* What is pipelined behind such a begin belongs to what never was. */
static void test_behind_a_savepoint_that_cannot_be(void** state) {
  (void)state;
  creche_pool pool = open_pool(1);
  must(pool, "create table nested (i int)");
  creche_connection c = acquire(pool);
  creche_transaction_options o;
  OK(creche_transaction_options_init(&o, sizeof o));
  o.isolation = CRECHE_SERIALIZABLE;
  answer a[6];
  for (int i = 0; i < 6; i++) answer_init(&a[i]);
  OK(creche_connection_begin(c, loop.scope, NULL, on_answer, &a[0], NULL));
  OK(creche_connection_query(c, loop.scope, "insert into nested values (1)", NULL, 0, NULL,
                             on_answer, &a[1], NULL));
  OK(creche_connection_begin(c, loop.scope, &o, on_answer, &a[2], NULL));
  OK(creche_connection_query(c, loop.scope, "insert into nested values (10)", NULL, 0, NULL,
                             on_answer, &a[3], NULL));
  OK(creche_connection_rollback(c, loop.scope, NULL, on_answer, &a[4], NULL));
  OK(creche_connection_commit(c, loop.scope, NULL, on_answer, &a[5], NULL));
  end(&a[0], CRECHE_OK);
  end(&a[1], CRECHE_OK);
  end(&a[2], CRECHE_E_STATE);
  end_in_state(&a[3], "25P02");
  end(&a[4], CRECHE_OK);
  end(&a[5], CRECHE_OK);
  assert_int_equal(number_on(c, "select sum(i) from nested"), 1);
  must_on(c, "drop table nested");
  creche_connection_release(c);
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

/* commit_timeout is over before COMMIT could be sent: it was not committed, and what it waited
 * behind says nothing of a commit. */
static void test_late_before_it_is_sent(void** state) {
  static const struct {
    step_fn end;
    creche_status status;
    uint32_t phase;
  } ends[] = {
      {creche_connection_commit, CRECHE_E_ROLLED_BACK, CRECHE_PHASE_COMMIT},
      {creche_connection_rollback, CRECHE_E_TIMEOUT, CRECHE_PHASE_ROLLBACK},
  };
  (void)state;
  creche_pool pool, other = open_pool(1);
  creche_pool_options p;
  creche_transaction_options o;
  OK(creche_pool_options_init(&p, sizeof p));
  p.max_size = 1;
  p.flags = CRECHE_POOL_NO_PIPELINE;
  OK(creche_pool_open(loop, support_postgres_url(server), &p, &pool));
  OK(creche_transaction_options_init(&o, sizeof o));
  o.commit_timeout = 200 * CRECHE_MILLISECOND;
  must(other, "create table late (i int)");
  for (size_t i = 0; i < 2; i++) {
    creche_connection c = acquire(pool);
    answer insert, ended;
    step(creche_connection_begin, c, CRECHE_OK);
    answer_init(&insert);
    answer_init(&ended);
    OK(creche_connection_query(c, loop.scope, "insert into late select 1 from pg_sleep(20)", NULL,
                               0, NULL, on_answer, &insert, NULL));
    OK(ends[i].end(c, loop.scope, &o, on_answer, &ended, NULL));
    EXPECT(&ended, ends[i].status);
    assert_int_equal(ended.error->phase, ends[i].phase);
    EXPECT(&insert, CRECHE_E_DISCONNECTED);
    answer_free(&insert);
    answer_free(&ended);
    creche_connection_release(c);
  }
  assert_int_equal(number(other, "select count(*) from late"), 0);
  must(other,
       "select pg_terminate_backend(pid) from pg_stat_activity where wait_event = 'PgSleep'");
  must(other, "drop table late");
  close_pool(pool);
  close_pool(other);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_begin_commit_rollback),
      cmocka_unit_test(test_savepoints_are_as_their_transactions),
      cmocka_unit_test(test_behind_a_savepoint_that_cannot_be),
      cmocka_unit_test(test_ended_by_a_statement),
      cmocka_unit_test(test_begun_by_a_statement),
      cmocka_unit_test(test_phases),
      cmocka_unit_test(test_pipelined_transactions),
      cmocka_unit_test(test_late_before_it_is_sent),
  };
  return cmocka_run_group_tests(tests, start_server, stop_server);
}

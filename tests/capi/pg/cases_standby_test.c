/* A hot standby, which can only be read from: cases of CASES.md. */
#include "operations.h"

static support_postgres* standby;

static int start_both(void** state) {
  if (start_server(state) != 0) return -1;
  creche_pool primary = open_pool(1);
  must(primary, "create table things (id int)");
  must(primary, "insert into things select generate_series(1, 1000)");
  close_pool(primary);
  standby = support_postgres_start_standby(server);
  return standby != NULL ? 0 : -1;
}
static int stop_both(void** state) {
  support_postgres_stop(standby);
  return stop_server(state);
}

static creche_pool readers(const char* more) {
  creche_pool pool;
  creche_pool_options o;
  char dsn[300];
  OK(creche_pool_options_init(&o, sizeof o));
  o.max_size = 1;
  snprintf(dsn, sizeof dsn, "host=127.0.0.1,127.0.0.1 port=%d,%d user=postgres dbname=postgres %s",
           support_postgres_port(server), support_postgres_port(standby), more);
  OK(creche_pool_open(loop, dsn, &o, &pool));
  return pool;
}

/* What the user before has left is gone, in recovery too, and the connection is the same. */
static void given_back_in_recovery(void** state) {
  (void)state;
  creche_pool pool = readers("target_session_attrs=standby");
  const int64_t pid = number(pool, "select pg_backend_pid()::int8");
  for (int i = 0; i < 3; i++) {
    creche_connection c = acquire(pool);
    answer a;
    assert_int_equal(number_on(c, "select pg_is_in_recovery()::int::int8"), 1);
    must_on(c, "set application_name = 'somebody'");
    must_on(c, "set work_mem = '7MB'");
    must_on(c, "begin");
    must_on(c, "declare k cursor for select id from things order by id");
    assert_int_equal(number_on(c, "select pg_advisory_lock(1) is null"), 0);
    run_on(c, &a, "fetch 3 from k");
    EXPECT(&a, CRECHE_OK);
    assert_int_equal(creche_row_int4(a.rows, 2, 0), 3);
    answer_free(&a);
    run_on(c, &a, "insert into things values (0)");
    EXPECT(&a, CRECHE_E_PG);
    assert_string_equal(answer_state(&a), "25006");
    answer_free(&a);
    creche_connection_release(c);
  }
  answer a;
  run(pool, &a,
      "select pg_backend_pid()::int8, current_setting('work_mem'), "
      "current_setting('application_name'),"
      " (select count(*) from pg_locks where locktype = 'advisory')");
  EXPECT(&a, CRECHE_OK);
  assert_string_equal(creche_row_text(a.rows, 0, 1, NULL), "4MB");
  assert_string_equal(creche_row_text(a.rows, 0, 2, NULL), "");
  assert_int_equal(creche_row_int8(a.rows, 0, 3), 0);
  assert_int_equal(creche_row_int8(a.rows, 0, 0), pid);
  answer_free(&a);
  close_pool(pool);
}

/* Streams, scripts, COPY, transactions: whatever only reads. */
static void what_only_reads(void** state) {
  (void)state;
  creche_pool pool = readers("target_session_attrs=standby");
  creche_connection c = acquire(pool);
  const operation reading[] = {QUERY, STREAM, COPY_OUT, SCRIPT};
  for (int i = 0; i < 4; i++) must_operate(reading[i], pool, &c);
  creche_connection_release(c);
  must_operate(TRANSACTION, pool, NULL);
  assert_int_equal(number(pool, "select count(*) from things"), 1000);
  answer a;
  OK(start_operation(COPY_IN, pool, NULL, 0, NULL, &a, NULL));
  EXPECT(&a, CRECHE_E_PG);
  assert_string_equal(answer_state(&a), "25006");
  operation_free(&a);
  assert_int_equal(number(pool, "select count(*) from things"), 1000);
  close_pool(pool);
}

/* One DSN, two pools: who reads and who writes. The primary goes, the standby is promoted: those
 * who write follow, and those who only read stay where they are. */
static void promoted(void** state) {
  (void)state;
  creche_pool writers = readers("target_session_attrs=read-write");
  creche_pool any = readers("target_session_attrs=prefer-standby");
  must(writers, "insert into things values (1001)");
  for (const int64_t end = now_ms() + PATIENCE_MS;
       number(any, "select count(*) from things") < 1001; nap_ms(5))
    if (now_ms() > end) fail_msg("it does not come over");
  support_postgres_kill(server);
  /* Nobody can write for a while. */
  answer a;
  run(writers, &a, "insert into things values (1002)");
  assert_true(a.status == CRECHE_E_CONNECT || a.status == CRECHE_E_DISCONNECTED ||
              a.status == CRECHE_E_PG);
  answer_free(&a);
  assert_int_equal(number(any, "select count(*) from things"), 1001);
  must(any, "select pg_promote()");
  for (const int64_t end = now_ms() + PATIENCE_MS;; nap_ms(20)) {
    run(writers, &a, "insert into things values (1003)");
    const creche_status status = a.status;
    answer_free(&a);
    if (status == CRECHE_OK) break;
    if (now_ms() > end) fail_msg("nobody can write");
  }
  assert_int_equal(number(writers, "select count(*) from things where id = 1003"), 1);
  assert_int_equal(number(writers, "select pg_is_in_recovery()::int::int8"), 0);
  assert_int_equal(number(any, "select count(*) from things where id = 1003"), 1);
  close_pool(writers);
  close_pool(any);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(given_back_in_recovery),
      cmocka_unit_test(what_only_reads),
      cmocka_unit_test(promoted),
  };
  return cmocka_run_group_tests_name("cases of standbys", tests, start_both, stop_both);
}

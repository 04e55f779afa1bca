/* Calls that block, of PostgreSQL: statements, scripts, transactions, what stops them. */
#include <pthread.h>
#include <unistd.h>

#include "capi/pg/pg_test.h"

static creche_pool db;

/* On the default loop, as the programs that they are for. */
static int open_all(void** state) {
  (void)state;
  server = support_postgres_start(NULL);
  return server == NULL;
}
static int close_all(void** state) {
  (void)state;
  support_postgres_stop(server);
  return 0;
}
static int open_db(void** state) {
  (void)state;
  creche_pool_options o;
  creche_pool_options_init(&o, sizeof o);
  o.max_size = 2;
  return creche_default_loop(&loop) != CRECHE_OK ||
         creche_pool_open(loop, support_postgres_url(server), &o, &db) != CRECHE_OK;
}
static int close_db(void** state) {
  (void)state;
  creche_pool_release(db);
  return creche_default_close(PATIENCE) != CRECHE_OK;
}

static int64_t the_number(const char* sql) {
  creche_rows rows;
  int64_t n;
  OK(creche_query(db, sql, NULL, 0, NULL, &rows));
  OK(creche_row_get_int8(creche_rows_block(rows), 0, 0, &n));
  creche_rows_release(rows);
  return n;
}
static void execute(const char* sql) {
  OK(creche_execute(db, sql, NULL, 0, NULL, NULL));
}
/* That nobody holds one: the pool is as it was. */
static void nothing_is_held(void) {
  AWAIT(pool_counters(db).leased == 0);
}

static void a_query(void** state) {
  const creche_value args[] = {creche_int4(3), creche_text("x")};
  creche_rows rows;
  size_t size;
  (void)state;
  OK(creche_query(db, "select g, $2 from generate_series(1, $1) g", args, 2, NULL, &rows));
  const creche_row_block* block = creche_rows_block(rows);
  assert_int_equal(block->row_count, 3);
  assert_int_equal(creche_row_int4(block, 2, 0), 3);
  assert_string_equal(creche_row_text(block, 2, 1, &size), "x");
  OK(creche_default_close(PATIENCE)); /* the rows are the caller's */
  assert_int_equal(creche_row_int4(block, 1, 0), 2);
  creche_rows_release(rows);
}
static void how_many(void** state) {
  int64_t n = 99;
  (void)state;
  OK(creche_execute(db, "create table many (a int)", NULL, 0, NULL, &n));
  assert_int_equal(n, -1);
  OK(creche_execute(db, "insert into many select generate_series(1, 5)", NULL, 0, NULL, &n));
  assert_int_equal(n, 5);
  OK(creche_execute(db, "delete from many", NULL, 0, NULL, NULL));
  execute("drop table many");
}
static void all_of_the_failure(void** state) {
  creche_rows rows = {99};
  int64_t n = 99;
  (void)state;
  execute("create table once (a int primary key)");
  execute("insert into once values (1)");
  IS(creche_execute(db, "insert into once values (1)", NULL, 0, NULL, &n), CRECHE_E_PG);
  assert_int_equal(n, 0);
  assert_string_equal(creche_last_error()->sqlstate, "23505");
  assert_string_equal(creche_last_error()->server_table, "once");
  assert_string_equal(creche_last_error()->server_constraint, "once_pkey");
  assert_non_null(strstr(creche_last_error()->server_detail, "(a)=(1)"));
  IS(creche_query(db, "selec", NULL, 0, NULL, &rows), CRECHE_E_PG);
  assert_int_equal(rows.id, 0);
  assert_int_equal(creche_last_error()->server_position, 1);
  execute("drop table once");
}
static void misuse(void** state) {
  const creche_pool none = {0};
  creche_connection connection = {99};
  creche_rows rows = {99};
  (void)state;
  IS(creche_query(db, "select 1", NULL, 0, NULL, NULL), CRECHE_E_INVALID);
  IS(creche_query(none, "select 1", NULL, 0, NULL, &rows), CRECHE_E_BAD_HANDLE);
  assert_int_equal(rows.id, 0);
  IS(creche_query(db, NULL, NULL, 0, NULL, &rows), CRECHE_E_INVALID);
  IS(creche_script(none, "select 1", NULL), CRECHE_E_BAD_HANDLE);
  IS(creche_script(db, NULL, NULL), CRECHE_E_INVALID);
  IS(creche_begin(none, (creche_scope){0}, NULL, &connection), CRECHE_E_BAD_HANDLE);
  assert_int_equal(connection.id, 0);
  IS(creche_begin(db, (creche_scope){0}, NULL, NULL), CRECHE_E_INVALID);
  IS(creche_query_on(connection, (creche_scope){0}, "select 1", NULL, 0, NULL, &rows),
     CRECHE_E_BAD_HANDLE);
  IS(creche_commit(connection, NULL), CRECHE_E_BAD_HANDLE);
  nothing_is_held();
}
static void a_script(void** state) {
  (void)state;
  OK(creche_script(db, "create table s (a int); insert into s values (1), (2)", NULL));
  assert_int_equal(the_number("select count(*) from s"), 2);
  /* All or nothing. */
  IS(creche_script(db, "insert into s values (3); insert into nowhere values (1)", NULL),
     CRECHE_E_PG);
  assert_string_equal(creche_last_error()->sqlstate, "42P01");
  assert_int_equal(the_number("select count(*) from s"), 2);
  OK(creche_script(db, "drop table s", NULL));
  nothing_is_held();
}

/* ---- Transactions ---- */
static void a_transaction(void** state) {
  const creche_scope here = {0};
  creche_connection c;
  creche_rows rows;
  int64_t n;
  (void)state;
  execute("create table t (a int)");
  OK(creche_begin(db, here, NULL, &c));
  OK(creche_execute_on(c, here, "insert into t values (1), (2)", NULL, 0, NULL, &n));
  assert_int_equal(n, 2);
  OK(creche_query_on(c, here, "select count(*) from t", NULL, 0, NULL, &rows));
  OK(creche_row_get_int8(creche_rows_block(rows), 0, 0, &n));
  assert_int_equal(n, 2);
  creche_rows_release(rows);
  assert_int_equal(the_number("select count(*) from t"), 0); /* nobody else sees it yet */
  OK(creche_commit(c, NULL));
  IS(creche_commit(c, NULL), CRECHE_E_ENDED); /* the connection is given back */
  assert_int_equal(the_number("select count(*) from t"), 2);
  /* Giving it back without is a rollback. */
  OK(creche_begin(db, here, NULL, &c));
  OK(creche_execute_on(c, here, "delete from t", NULL, 0, NULL, NULL));
  creche_connection_release(c);
  nothing_is_held();
  assert_int_equal(the_number("select count(*) from t"), 2);
  execute("drop table t");
}
static void a_transaction_that_fails(void** state) {
  const creche_scope here = {0};
  creche_transaction_options o;
  creche_connection c;
  (void)state;
  OK(creche_begin(db, here, NULL, &c));
  IS(creche_execute_on(c, here, "insert into nowhere values (1)", NULL, 0, NULL, NULL),
     CRECHE_E_PG);
  IS(creche_commit(c, NULL), CRECHE_E_ROLLED_BACK);
  nothing_is_held(); /* given back, all the same */
  OK(creche_transaction_options_init(&o, sizeof o));
  o.flags = CRECHE_TRANSACTION_READ_ONLY;
  OK(creche_begin(db, here, &o, &c));
  IS(creche_execute_on(c, here, "create table never (a int)", NULL, 0, NULL, NULL), CRECHE_E_PG);
  assert_string_equal(creche_last_error()->sqlstate, "25006");
  creche_connection_release(c);
  nothing_is_held();
}
/* In a group: it is that group's lease, and ends with it. */
static void a_lease_of_its_group(void** state) {
  creche_group_options o;
  creche_connection c;
  creche_group group;
  creche_outcome outcome;
  (void)state;
  OK(creche_group_options_init(&o, sizeof o));
  o.flags = CRECHE_GROUP_JOINABLE;
  OK(creche_group_open(loop.scope, &o, creche_nobody, NULL, &group));
  OK(creche_begin(db, group.scope, NULL, &c));
  IS(creche_group_join(group, 0, &outcome), CRECHE_E_TIMEOUT);
  OK(creche_scope_cancel(group.scope, NULL));
  OK(creche_group_join(group, PATIENCE, &outcome));
  IS(creche_commit(c, NULL), CRECHE_E_ENDED);
  nothing_is_held();
}

/* ---- What stops it ---- */
static void its_time(void** state) {
  creche_query_options o;
  creche_task_options task;
  creche_rows rows;
  (void)state;
  OK(creche_query_options_init(&o, sizeof o));
  OK(creche_task_options_init(&task, sizeof task));
  task.timeout = 50 * CRECHE_MILLISECOND;
  o.task = &task;
  IS(creche_query(db, "select pg_sleep(3600)", NULL, 0, &o, &rows), CRECHE_E_TIMEOUT);
  IS(creche_script(db, "select pg_sleep(3600)", &o), CRECHE_E_TIMEOUT);
  assert_int_equal(the_number("select 7::int8"), 7);
  nothing_is_held();
}
static creche_scope to_stop;
static void* stops_what_runs(void* user) {
  while (the_number(
             "select count(*) from pg_stat_activity where query = 'select pg_sleep(3601)'") == 0)
    nap_ms(2);
  (void)user;
  creche_scope_cancel(to_stop, "enough");
  return NULL;
}
static void another_thread_cancels(void** state) {
  creche_rows rows;
  pthread_t thread;
  (void)state;
  OK(creche_scope_open(loop.scope, NULL, &to_stop));
  assert_int_equal(pthread_create(&thread, NULL, stops_what_runs, NULL), 0);
  IS(creche_query_in(db, to_stop, "select pg_sleep(3601)", NULL, 0, NULL, &rows),
     CRECHE_E_CANCELLED);
  assert_string_equal(creche_last_error()->reason_text, "enough");
  pthread_join(thread, NULL);
  IS(creche_execute_in(db, to_stop, "select 1", NULL, 0, NULL, NULL), CRECHE_E_CANCELLED);
  OK(creche_scope_leave(to_stop, NULL));
  assert_int_equal(the_number("select 7::int8"), 7);
}
typedef struct refused {
  creche_connection connection;
  creche_status query, execute, script, begin, on, commit;
} refused;
static void tries_on_the_loop(void* user, const creche_completion* c) {
  const creche_scope here = {0};
  refused* r = user;
  creche_connection none;
  creche_rows rows;
  (void)c;
  r->query = creche_query(db, "select 1", NULL, 0, NULL, &rows);
  r->execute = creche_execute(db, "select 1", NULL, 0, NULL, NULL);
  r->script = creche_script(db, "select 1", NULL);
  r->begin = creche_begin(db, here, NULL, &none);
  r->on = creche_execute_on(r->connection, here, "select 1", NULL, 0, NULL, NULL);
  r->commit = creche_commit(r->connection, NULL);
}
static void not_on_a_loop(void** state) {
  const creche_scope here = {0};
  refused r;
  (void)state;
  memset(&r, 0, sizeof r);
  OK(creche_begin(db, here, NULL, &r.connection));
  OK(creche_loop_post(loop, tries_on_the_loop, &r));
  OK(creche_execute_on(r.connection, here, "select 1", NULL, 0, NULL, NULL)); /* behind the post */
  const creche_status all[] = {r.query, r.execute, r.script, r.begin, r.on, r.commit};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++)
    assert_int_equal(all[i], CRECHE_E_WOULD_DEADLOCK);
  OK(creche_commit(r.connection, NULL)); /* it was still ours */
}

#define SQL(name) cmocka_unit_test_setup_teardown(name, open_db, close_db)

int main(void) {
  const struct CMUnitTest tests[] = {
      SQL(a_query),
      SQL(how_many),
      SQL(all_of_the_failure),
      SQL(misuse),
      SQL(a_script),
      SQL(a_transaction),
      SQL(a_transaction_that_fails),
      SQL(a_lease_of_its_group),
      SQL(its_time),
      SQL(another_thread_cancels),
      SQL(not_on_a_loop),
  };
  return cmocka_run_group_tests(tests, open_all, close_all);
}

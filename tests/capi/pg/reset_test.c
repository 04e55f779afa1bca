/* What the user before has left in a session is gone when the next one gets it, and no code of his
 * runs while it goes. */
#include "pg_test.h"

static int64_t yes(creche_pool pool, const char* sql) {
  answer a;
  run(pool, &a, sql);
  EXPECT(&a, CRECHE_OK);
  int32_t b = creche_row_bool(a.rows, 0, 0);
  answer_free(&a);
  return b;
}

static void fails(creche_pool pool, const char* sql, const char* state) {
  answer a;
  run(pool, &a, sql);
  EXPECT(&a, CRECHE_E_PG);
  assert_string_equal(answer_state(&a), state);
  answer_free(&a);
}

/* Who may set the search_path has a function called as ours is. */
static void test_no_code_of_others(void** state) {
  (void)state;
  creche_pool pool = open_pool(1);
  must(pool, "create role tenant nologin");
  must(pool, "create schema evil authorization tenant");
  creche_connection c = acquire(pool);
  must_on(c, "set role tenant");
  must_on(c,
          "create function evil.pg_advisory_unlock_all() returns void language plpgsql as"
          " $$ begin execute 'create table public.pwned (i int)'; end $$");
  must_on(c, "set search_path = evil, pg_catalog");
  must_on(c, "set statement_timeout = '1h'");
  creche_connection_release(c);
  assert_int_equal(number(pool, "select count(*) from pg_class where relname = 'pwned'"), 0);
  assert_int_equal(yes(pool,
                       "select current_user = 'postgres' and current_setting('search_path') like "
                       "'%public' and current_setting('statement_timeout') = '0'"),
                   1);
  assert_int_equal(counters(pool).dropped, 0);
  must(pool, "drop schema evil cascade");
  must(pool, "drop role tenant");
  close_pool(pool);
}

static void test_nothing_stays(void** state) {
  (void)state;
  creche_pool pool = open_pool(1);
  for (int i = 0; i < 3; i++) { /* the reset's statements are prepared, or not */
    creche_connection c = acquire(pool);
    must_on(c, "create temp table secret (a text)");
    must_on(c, "create temp sequence sq");
    must_on(c, "select nextval('sq')");
    must_on(c, "prepare his as select 1");
    must_on(c, "select pg_advisory_lock(1)");
    must_on(c, "listen news");
    creche_connection_release(c);
    fails(pool, "select a from secret", "42P01");
    fails(pool, "select lastval()", "55000");
    fails(pool, "execute his", "26000");
    assert_int_equal(yes(pool,
                         "select not exists (select from pg_prepared_statements where from_sql)"
                         " and not exists (select from pg_locks where locktype = 'advisory')"
                         " and not exists (select from pg_listening_channels())"),
                     1);
  }
  assert_int_equal(counters(pool).connects, 1);
  close_pool(pool);
}

/* The same by a statement on the pool, and in a script. */
static void test_by_the_pool(void** state) {
  (void)state;
  creche_pool pool = open_pool(1);
  answer a;
  must(pool, "prepare his as select 1");
  fails(pool, "execute his", "26000");
  must(pool, "create temp table secret (a text)");
  fails(pool, "select a from secret", "42P01");
  creche_connection c = acquire(pool);
  answer_init(&a);
  OK(creche_connection_script(c, loop.scope,
                              "prepare his as select 1; create temp table secret (a text)", NULL,
                              on_answer, &a, NULL));
  /* Before its answer. */
  creche_connection_release(c);
  EXPECT(&a, CRECHE_OK);
  answer_free(&a);
  fails(pool, "execute his", "26000");
  fails(pool, "select a from secret", "42P01");
  /* Ours are prepared again. */
  for (int i = 0; i < 3; i++) assert_int_equal(number(pool, "select 12"), 12);
  assert_int_equal(counters(pool).connects, 1);
  close_pool(pool);
}

/* Statements whose tag says nothing of what they leave. */
static void test_behind_a_select(void** state) {
  (void)state;
  static const char* const statements[] = {
      "select 1 as i into temp kept",
      "with x as (insert into kept values (7) returning i) select i into temporary kept from x",
      "update pg_settings set setting = '9216' where name = 'work_mem'",
      "select U&\"set\\005Fconfig\"('work_mem', '9MB', false)",
  };
  creche_pool pool = open_pool(1);
  must(pool, "create table kept (i int)");
  for (size_t s = 0; s < sizeof statements / sizeof *statements; s++) {
    for (int i = 0; i < 4; i++) { /* it is prepared, or not */
      must(pool, statements[s]);
      must(pool, "insert into kept values (1)");
      assert_int_equal(yes(pool,
                           "select current_setting('work_mem') = '4MB' and count(*) > 0"
                           " from public.kept where i = 1"),
                       1);
      must(pool, "delete from public.kept");
    }
  }
  must(pool, "drop table kept");
  close_pool(pool);
}

/* What the DSN says comes back: also a role, which RESET ALL leaves alone. */
static void test_of_the_dsn(void** state) {
  (void)state;
  creche_pool pool, plain = open_pool(1);
  char dsn[300];
  must(plain, "create role worker");
  snprintf(dsn, sizeof dsn, "%s?options=-c%%20role%%3Dworker%%20-c%%20work_mem%%3D7MB",
           support_postgres_url(server));
  creche_pool_options o;
  OK(creche_pool_options_init(&o, sizeof o));
  o.max_size = 1;
  OK(creche_pool_open(loop, dsn, &o, &pool));
  static const char as_it_was[] =
      "select current_user = 'worker' and current_setting('work_mem') = '7MB'";
  assert_int_equal(yes(pool, as_it_was), 1);
  creche_connection c = acquire(pool);
  must_on(c, "reset role");
  must_on(c, "set role postgres");
  must_on(c, "set work_mem = '8MB'");
  creche_connection_release(c);
  assert_int_equal(yes(pool, as_it_was), 1);
  must(pool, "set role none");
  assert_int_equal(yes(pool, as_it_was), 1);
  close_pool(pool);
  must(plain, "drop role worker");
  close_pool(plain);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_no_code_of_others), cmocka_unit_test(test_nothing_stays),
      cmocka_unit_test(test_by_the_pool), cmocka_unit_test(test_behind_a_select),
      cmocka_unit_test(test_of_the_dsn)};
  return cmocka_run_group_tests(tests, start_server, stop_server);
}

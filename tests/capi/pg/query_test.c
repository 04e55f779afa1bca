/* Statements on the pool: values in, rows out, failures. */
#include "pg_test.h"

static void test_select(void** state) {
  (void)state;
  creche_pool pool = open_pool(2);
  answer a;
  answer_init(&a);
  creche_value args[] = {creche_int4(7),     creche_text("x"),        creche_null(),
                         creche_float8(0.5), creche_bytes("\0\1", 2), creche_bool(1),
                         creche_int8(-5)};
  OK(creche_pool_query(
      pool, loop.scope,
      "select $1 + 1 as a, $2::text as b, $3::text as c, $4 as d, $5 as e, $6 as f, $7 as g", args,
      7, NULL, on_answer, &a, NULL));
  EXPECT(&a, CRECHE_OK);
  assert_int_equal(a.rows->row_count, 1);
  assert_int_equal(a.code, 1);
  assert_int_equal(a.rows->affected, 1);
  assert_string_equal((const char*)a.rows + a.rows->tag_offset, "SELECT 1");
  assert_int_equal(creche_row_int4(a.rows, 0, 0), 8);
  assert_string_equal(creche_row_text(a.rows, 0, 1, NULL), "x");
  assert_int_equal(creche_row_is_null(a.rows, 0, 2), 1);
  assert_true(creche_row_float8(a.rows, 0, 3) == 0.5);
  size_t size;
  assert_memory_equal(creche_row_bytes(a.rows, 0, 4, &size), "\0\1", 2);
  assert_int_equal(creche_row_bool(a.rows, 0, 5), 1);
  assert_int_equal(creche_row_int8(a.rows, 0, 6), -5);
  assert_int_equal(creche_row_column_index(a.rows, "d"), 3);
  assert_ptr_equal(creche_rows_block((creche_rows){a.value}), a.rows);
  answer_free(&a);
  close_pool(pool);
}

static void test_types_as_text(void** state) {
  (void)state;
  static const struct {
    const char* sql;
    const char* text;
  } cases[] = {
      {"select true", "t"},
      {"select 1.50::numeric", "1.50"},
      {"select -12345678901234567890.000000001::numeric", "-12345678901234567890.000000001"},
      {"select 'NaN'::numeric", "NaN"},
      {"select 0.1::float4", "0.1"},
      {"select 1e100::float8", "1e+100"},
      {"select 123456789.123::float8", "123456789.123"},
      {"select 1e15::float8", "1e+15"},
      {"select '\\x00ff'::bytea", "\\x00ff"},
      {"select date '2026-01-31'", "2026-01-31"},
      {"select date '0044-03-15 BC'", "0044-03-15 BC"},
      {"select date 'infinity'", "infinity"},
      {"select timestamp '2026-01-31 12:34:56.789'", "2026-01-31 12:34:56.789"},
      {"select timestamptz '2026-01-31 12:34:56+02'", "2026-01-31 10:34:56+00"},
      {"select timestamp '1969-12-31 23:59:59.5'", "1969-12-31 23:59:59.5"},
      {"select time '12:00:00.25'", "12:00:00.25"},
      {"select timetz '12:00:00-05:30'", "12:00:00-05:30"},
      {"select interval '1 year -2 mons 3 days -04:05:06'", "10 mons 3 days -04:05:06"},
      {"select '0123abcd-0123-4567-89ab-0123456789ab'::uuid",
       "0123abcd-0123-4567-89ab-0123456789ab"},
      {"select '{\"a\": 1}'::jsonb", "{\"a\": 1}"},
      {"select '[1,2]'::json", "[1,2]"},
      {"select 'red'::color", "red"},
      {"select 4294967295::oid", "4294967295"},
  };
  creche_pool pool = open_pool(1);
  answer a;
  must(pool, "create type color as enum ('red', 'green')");
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    run(pool, &a, cases[i].sql);
    EXPECT(&a, CRECHE_OK);
    char text[100];
    size_t n = creche_row_format(a.rows, 0, 0, text, sizeof text);
    assert_string_equal(text, cases[i].text);
    assert_int_equal(n, strlen(cases[i].text));
    assert_int_equal(creche_row_format(a.rows, 0, 0, text, 3), n);
    assert_int_equal(strlen(text), n < 2 ? n : 2);
    answer_free(&a);
  }
  must(pool, "drop type color");
  close_pool(pool);
}

static void test_errors(void** state) {
  (void)state;
  creche_pool pool = open_pool(1);
  answer a;
  run(pool, &a, "selec 1");
  EXPECT(&a, CRECHE_E_PG);
  assert_string_equal(answer_state(&a), "42601");
  assert_int_equal(a.error->server_position, 1);
  assert_int_equal(a.error->phase, CRECHE_PHASE_QUERY);
  assert_string_equal(a.error->server_severity, "ERROR");
  answer_free(&a);
  must(pool, "create table u (id int primary key)");
  must(pool, "insert into u values (1)");
  run(pool, &a, "insert into u values (1)");
  EXPECT(&a, CRECHE_E_PG);
  assert_string_equal(answer_state(&a), "23505");
  assert_string_equal(a.error->server_constraint, "u_pkey");
  assert_string_equal(a.error->server_table, "u");
  answer_free(&a);
  run(pool, &a, "select 1; select 2");
  EXPECT(&a, CRECHE_E_PG);
  answer_free(&a);
  run(pool, &a, "copy u to stdout");
  EXPECT(&a, CRECHE_E_UNSUPPORTED);
  answer_free(&a);
  answer_init(&a);
  creche_value bad = creche_integer_of(CRECHE_PG_INT2, 70000);
  OK(creche_pool_query(pool, loop.scope, "select $1", &bad, 1, NULL, on_answer, &a, NULL));
  EXPECT(&a, CRECHE_E_INVALID);
  assert_non_null(strstr(a.error->message, "$1"));
  answer_free(&a);
  run(pool, &a, "");
  EXPECT(&a, CRECHE_OK);
  assert_int_equal(a.rows->row_count, 0);
  answer_free(&a);
  /* The server calls it a violation of the protocol; the connection is as good as before. */
  bad = creche_value_of(CRECHE_PG_INT4, CRECHE_VALUE_BINARY, "ab", 2);
  answer_init(&a);
  OK(creche_pool_query(pool, loop.scope, "select $1", &bad, 1, NULL, on_answer, &a, NULL));
  EXPECT(&a, CRECHE_E_PG);
  assert_string_equal(answer_state(&a), "08P01");
  assert_int_equal(creche_error_is_retryable(a.error), 0);
  assert_non_null(strstr(a.error->message, "binary form"));
  answer_free(&a);
  assert_int_equal(number(pool, "select count(*) from u"), 1);
  must(pool, "drop table u");
  close_pool(pool);
}

static void test_max_bytes(void** state) {
  (void)state;
  creche_pool pool = open_pool(1);
  creche_query_options o;
  OK(creche_query_options_init(&o, sizeof o));
  o.max_bytes = 100000;
  answer a;
  /* Two series: the server would collect the rows of one long one first. */
  const char* endless =
      "select repeat('x', 1000) from generate_series(1, 9999) a, generate_series(1, 9999) b";
  const char* big[] = {"select repeat('x', 200000)", "select generate_series(1, 20000)", endless};
  for (int i = 0; i < 3; i++) {
    answer_init(&a);
    OK(creche_pool_query(pool, loop.scope, big[i], NULL, 0, &o, on_answer, &a, NULL));
    EXPECT(&a, CRECHE_E_LIMIT);
    answer_free(&a);
  }
  assert_int_equal(number(pool, "select 5"), 5);
  assert_int_equal(counters(pool).connects, 1);
  close_pool(pool);
}

static void test_prepared_statements(void** state) {
  (void)state;
  creche_pool pool = open_pool(1);
  for (int i = 0; i < 5; i++) assert_int_equal(number(pool, "select 11"), 11);
  assert_int_equal(counters(pool).prepares, 1);
  assert_int_equal(number(pool, "select count(*) from pg_prepared_statements"), 1);
  /* The plan's result changes: unseen. */
  must(pool, "create table p (a int)");
  must(pool, "insert into p values (1)");
  for (int i = 0; i < 3; i++) must(pool, "select * from p");
  must(pool, "alter table p add column b int default 2");
  answer a;
  run(pool, &a, "select * from p");
  EXPECT(&a, CRECHE_OK);
  assert_int_equal(a.rows->column_count, 2);
  answer_free(&a);
  /* The server forgets them: unseen, too. */
  must(pool, "select * from p");
  must(pool, "deallocate all");
  must(pool, "select * from p");
  must(pool, "drop table p");
  close_pool(pool);
}

static void test_statement_cache_is_bounded(void** state) {
  (void)state;
  creche_pool pool;
  creche_pool_options o;
  OK(creche_pool_options_init(&o, sizeof o));
  o.max_size = 1;
  o.statement_cache = 10;
  OK(creche_pool_open(loop, support_postgres_url(server), &o, &pool));
  char sql[64];
  for (int i = 0; i < 200; i++) {
    snprintf(sql, sizeof sql, "select %d", i / 2);
    assert_int_equal(number(pool, sql), i / 2);
  }
  assert_true(number(pool, "select count(*) from pg_prepared_statements") <= 30);
  assert_int_equal(counters(pool).prepares, 100);
  close_pool(pool);
}

/* Names that were given up are closed whatever becomes of the statements around them, in failed
 * transactions too. */
static void test_given_up_names_are_closed(void** state) {
  (void)state;
  creche_pool pool;
  creche_pool_options o;
  OK(creche_pool_options_init(&o, sizeof o));
  o.max_size = 1;
  o.statement_cache = 5;
  OK(creche_pool_open(loop, support_postgres_url(server), &o, &pool));
  creche_connection c = acquire(pool);
  char sql[64];
  answer a;
  must_on(c, "begin");
  for (int i = 0; i < 100; i++) {
    snprintf(sql, sizeof sql, i < 50 ? "select 1 / (%d - %d)" : "select %d + %d", i / 2, i / 2);
    run_on(c, &a, sql);
    if (i < 50) EXPECT(&a, CRECHE_E_PG);
    answer_free(&a);
    if (i == 49) must_on(c, "rollback");
  }
  for (int i = 0; i < 100; i++) {
    snprintf(sql, sizeof sql, "select 1 / (%d - %d)", 100 + i / 2, 100 + i / 2);
    run_on(c, &a, sql);
    EXPECT(&a, CRECHE_E_PG);
    assert_string_equal(answer_state(&a), "22012");
    answer_free(&a);
  }
  assert_in_range(number_on(c, "select count(*) from pg_prepared_statements"), 1, 10);
  creche_connection_release(c);
  assert_int_equal(counters(pool).connects, 1);
  close_pool(pool);
}

/* What a FETCH returns depends on the cursor, not on its text. */
static void test_columns_that_change(void** state) {
  (void)state;
  creche_pool pool = open_pool(1);
  creche_connection c = acquire(pool);
  answer a;
  must_on(c, "begin");
  for (int i = 0; i < 4; i++) {
    must_on(c, i % 2 ? "declare k cursor for select 'text', i from generate_series(1, 3) i"
                     : "declare k cursor for select 7");
    run_on(c, &a, "fetch all from k");
    EXPECT(&a, CRECHE_OK);
    assert_int_equal(a.rows->column_count, i % 2 ? 2 : 1);
    assert_int_equal(a.rows->row_count, i % 2 ? 3 : 1);
    if (i % 2)
      assert_string_equal(creche_row_text(a.rows, 2, 0, NULL), "text");
    else
      assert_int_equal(creche_row_int4(a.rows, 0, 0), 7);
    answer_free(&a);
    must_on(c, "close k");
  }
  must_on(c, "rollback");
  creche_connection_release(c);
  assert_int_equal(counters(pool).connects, 1);
  close_pool(pool);
}

static void test_many_parameters(void** state) {
  (void)state;
  enum { kMost = 65535 };
  creche_pool pool = open_pool(1);
  creche_value* values = malloc((kMost + 1) * sizeof *values);
  answer a;
  for (int i = 0; i <= kMost; i++) values[i] = creche_int4(i);
  for (int extra = 0; extra < 2; extra++) {
    answer_init(&a);
    OK(creche_pool_query(pool, loop.scope, "select $65535::int", values, (size_t)(kMost + extra),
                         NULL, on_answer, &a, NULL));
    EXPECT(&a, extra ? CRECHE_E_INVALID : CRECHE_OK);
    if (!extra) assert_int_equal(creche_row_int4(a.rows, 0, 0), kMost - 1);
    answer_free(&a);
  }
  free(values);
  assert_int_equal(number(pool, "select 5"), 5);
  assert_int_equal(counters(pool).connects, 1);
  close_pool(pool);
}

/* A message of the server's that is longer than what is kept of it. */
static void test_long_error(void** state) {
  (void)state;
  creche_pool pool = open_pool(1);
  answer a;
  run(pool, &a, "select repeat('x', 3000000)::int");
  EXPECT(&a, CRECHE_E_PG);
  assert_string_equal(answer_state(&a), "22P02");
  answer_free(&a);
  assert_int_equal(number(pool, "select 5"), 5);
  assert_int_equal(counters(pool).connects, 1);
  close_pool(pool);
}

static void test_misuse(void** state) {
  (void)state;
  creche_pool pool = open_pool(1);
  creche_task task;
  creche_value v = creche_int4(1);
  assert_int_equal(creche_pool_query(pool, loop.scope, NULL, NULL, 0, NULL, NULL, NULL, &task),
                   CRECHE_E_INVALID);
  assert_int_equal(
      creche_pool_query(pool, loop.scope, "select 1", NULL, 1, NULL, NULL, NULL, &task),
      CRECHE_E_INVALID);
  assert_int_equal(
      creche_pool_query((creche_pool){0}, loop.scope, "select 1", &v, 1, NULL, NULL, NULL, &task),
      CRECHE_E_BAD_HANDLE);
  assert_int_equal(creche_pool_query((creche_pool){loop.scope.id}, loop.scope, "select 1", NULL, 0,
                                     NULL, NULL, NULL, &task),
                   CRECHE_E_BAD_HANDLE);
  creche_pool_options o;
  OK(creche_pool_options_init(&o, sizeof o));
  o.min_size = 11;
  creche_pool none;
  assert_int_equal(creche_pool_open(loop, "", &o, &none), CRECHE_E_INVALID);
  OK(creche_pool_options_init(&o, sizeof o));
  o.flags = 64;
  assert_int_equal(creche_pool_open(loop, "", &o, &none), CRECHE_E_UNSUPPORTED);
  close_pool(pool);
  assert_int_equal(
      creche_pool_query(pool, loop.scope, "select 1", NULL, 0, NULL, NULL, NULL, &task),
      CRECHE_E_ENDED);
  creche_pool_release(pool);
}

static void test_unreachable(void** state) {
  (void)state;
  static const struct {
    const char* dsn;
    creche_status status;
    uint32_t phase;
  } cases[] = {
      {"host=127.0.0.1 port=1", CRECHE_E_CONNECT, CRECHE_PHASE_CONNECT},
      {"nonsense", CRECHE_E_INVALID, CRECHE_PHASE_OPTIONS},
      {"postgres://h/db?color=red", CRECHE_E_INVALID, CRECHE_PHASE_OPTIONS},
      {"host=no-such-host.invalid", CRECHE_E_DNS, CRECHE_PHASE_DNS},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    creche_pool pool;
    OK(creche_pool_open(loop, cases[i].dsn, NULL, &pool));
    answer a;
    run(pool, &a, "select 1");
    EXPECT(&a, cases[i].status);
    assert_int_equal(a.error->phase, cases[i].phase);
    answer_free(&a);
    close_pool(pool);
  }
  char dsn[200];
  snprintf(dsn, sizeof dsn, "host=127.0.0.1 port=%d user=postgres dbname=nowhere",
           support_postgres_port(server));
  creche_pool pool;
  OK(creche_pool_open(loop, dsn, NULL, &pool));
  answer a;
  run(pool, &a, "select 1");
  EXPECT(&a, CRECHE_E_PG);
  assert_string_equal(answer_state(&a), "3D000");
  assert_int_equal(a.error->phase, CRECHE_PHASE_AUTH);
  answer_free(&a);
  close_pool(pool);
  /* The second host answers. */
  snprintf(dsn, sizeof dsn, "host=127.0.0.1,localhost port=1,%d user=postgres dbname=postgres",
           support_postgres_port(server));
  OK(creche_pool_open(loop, dsn, NULL, &pool));
  assert_int_equal(number(pool, "select 3"), 3);
  close_pool(pool);
}

/* :name instead of $1. */
static void test_names(void** state) {
  (void)state;
  creche_pool pool = open_pool(1);
  creche_query_options o;
  OK(creche_query_options_init(&o, sizeof o));
  static const char* const names[] = {"low", "high"};
  o.names = names;
  const creche_value args[] = {creche_int4(3), creche_int4(5)};
  answer a;
  for (int i = 0; i < 3; i++) {
    answer_init(&a);
    OK(creche_pool_query(
        pool, loop.scope,
        "select count(*), ':low' || max(i)::text from generate_series(:low::int, :high) i "
        "where i between :low and :high -- :nothing",
        args, 2, &o, on_answer, &a, NULL));
    EXPECT(&a, CRECHE_OK);
    assert_int_equal(creche_row_int8(a.rows, 0, 0), 3);
    assert_string_equal(creche_row_text(a.rows, 0, 1, NULL), ":low5");
    answer_free(&a);
  }
  static const char* const wrong[] = {"select :low", "select :low + :high + :more",
                                      "select :low + :high + $1"};
  static const char* const said[] = {":high", ":more", "numbers"};
  for (int i = 0; i < 3; i++) {
    assert_int_equal(
        creche_pool_query(pool, loop.scope, wrong[i], args, 2, &o, creche_nobody, NULL, NULL),
        CRECHE_E_INVALID);
    last_error_says(said[i]);
  }
  const creche_value rows[] = {creche_int4(1), creche_int4(2), creche_int4(3), creche_int4(4)};
  answer_init(&a);
  OK(creche_pool_execute_many(pool, loop.scope, "select :high::int - :low::int", rows, 2, 2, &o,
                              on_answer, &a, NULL));
  EXPECT(&a, CRECHE_OK);
  assert_int_equal(a.value, 2);
  a.value = 0;
  answer_free(&a);
  close_pool(pool);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_select),
      cmocka_unit_test(test_types_as_text),
      cmocka_unit_test(test_errors),
      cmocka_unit_test(test_max_bytes),
      cmocka_unit_test(test_prepared_statements),
      cmocka_unit_test(test_statement_cache_is_bounded),
      cmocka_unit_test(test_given_up_names_are_closed),
      cmocka_unit_test(test_columns_that_change),
      cmocka_unit_test(test_many_parameters),
      cmocka_unit_test(test_long_error),
      cmocka_unit_test(test_misuse),
      cmocka_unit_test(test_unreachable),
      cmocka_unit_test(test_names),
  };
  return cmocka_run_group_tests(tests, start_server, stop_server);
}

/* The first and last values of each type, and those beside them: exactly what the server says, or
 * an error that says what is wrong; both ways. */
#include <math.h>

#include "pg_test.h"

static creche_pool pool;

static int start(void** state) {
  if (start_server(state) != 0) return -1;
  char dsn[300];
  creche_pool_options o;
  OK(creche_pool_options_init(&o, sizeof o));
  o.max_size = 1;
  snprintf(dsn, sizeof dsn, "%s?options=-c%%20timezone%%3DUTC%%20-c%%20datestyle%%3DISO",
           support_postgres_url(server));
  OK(creche_pool_open(loop, dsn, &o, &pool));
  return 0;
}
static int stop(void** state) {
  close_pool(pool);
  return stop_server(state);
}

static const struct {
  const char* type;
  const char* values[14];
} edges[] = {
    {"timestamptz",
     {"294276-12-31 23:59:59.999999Z", "294247-01-10 04:00:54.775805Z",
      "294247-01-10 04:00:54.775806Z", "294247-01-10 04:00:54.775807Z",
      "294247-01-10 04:00:54.775808Z", "294247-01-10 04:00:55.775807Z", "infinity", "-infinity",
      "4714-11-24 00:00:00Z BC", "0001-01-01 00:00:00Z", "1999-12-31 23:59:59.999999Z",
      "1970-01-01Z", "1969-12-31 23:59:59.999999Z"}},
    {"timestamp",
     {"294276-12-31 23:59:59.999999", "294248-01-01", "infinity", "-infinity",
      "4714-11-24 00:00:00 BC", "0001-12-31 23:59:59.999999 BC", "2000-02-29 12:00:00.000001"}},
    {"date",
     {"5874897-12-31", "4714-11-24 BC", "infinity", "-infinity", "0001-01-01", "0001-12-31 BC",
      "2000-02-29", "1900-03-01"}},
    {"time", {"24:00:00", "00:00:00", "23:59:59.999999", "00:00:00.000001"}},
    {"timetz", {"24:00:00+15:59:59", "00:00:00-15:59:59", "12:34:56.7+05:30", "00:00:00Z"}},
    {"interval",
     {"178000000 years", "-178000000 years", "2147483647 days", "-2147483648 days",
      "1 mon -1 day 00:00:01", "-1 year 2 mons -00:00:00.000001", "2562047788:00:54.775807",
      "-2562047788:00:54.775807", "0"}},
    {"numeric",
     {"NaN", "Infinity", "-Infinity", "0", "-0.000", "1e131071", "1e-16383", "-12345.6789", "10000",
      "0.00010000", "99999999999999999999999999999999999999"}},
    {"float8",
     {"NaN", "Infinity", "-Infinity", "-0", "5e-324", "1.7976931348623157e308", "0.1", "1e15",
      "999999999999999", "0.0001", "0.00001", "123456789012345680"}},
    {"float4",
     {"NaN", "Infinity", "-Infinity", "-0", "1e-45", "3.4028235e38", "0.1", "1e6", "999999",
      "0.0001", "0.00001", "16777216"}},
    {"int8", {"9223372036854775807", "9223372036854775806", "-9223372036854775808", "0"}},
    {"int4", {"2147483647", "-2147483648"}},
    {"int2", {"32767", "-32768"}},
    {"oid", {"0", "4294967295"}},
};

/* Each as creche_row_format prints it and as the server does. */
static void test_read(void** state) {
  (void)state;
  for (size_t t = 0; t < sizeof edges / sizeof *edges; t++) {
    for (int v = 0; v < 14 && edges[t].values[v]; v++) {
      char sql[300];
      answer a;
      size_t size = 0;
      static char ours[200000];
      snprintf(sql, sizeof sql, "select x, x::text from (select '%s'::%s as x) q",
               edges[t].values[v], edges[t].type);
      run(pool, &a, sql);
      EXPECT(&a, CRECHE_OK);
      const char* theirs = creche_row_text(a.rows, 0, 1, &size);
      assert_int_equal(creche_row_format(a.rows, 0, 0, ours, sizeof ours), size);
      assert_string_equal(ours, theirs);
      answer_free(&a);
    }
  }
}

static void test_late_timestamps(void** state) {
  (void)state;
  answer a;
  int64_t us = 7;
  run(pool, &a,
      "select '294247-01-10 04:00:54.775806Z'::timestamptz, '294247-01-10 04:00:54.775807Z'"
      "::timestamptz, '294276-12-31'::timestamp, 'infinity'::timestamp, 9223372036854775806::int8");
  EXPECT(&a, CRECHE_OK);
  const creche_row_cell* cells =
      (const creche_row_cell*)(const void*)((const char*)a.rows + a.rows->cells_offset);
  OK(creche_row_get_timestamptz(a.rows, 0, 0, &us));
  assert_true(us == INT64_MAX - 1 && cells[0].later == 0);
  for (uint32_t c = 1; c < 3; c++) {
    assert_int_equal(creche_row_get_timestamptz(a.rows, 0, c, &us), CRECHE_E_LIMIT);
    assert_true(cells[c].later > 0);
    assert_true(cells[c].bits > INT64_MAX - UINT64_C(1000001) && cells[c].bits < INT64_MAX);
  }
  OK(creche_row_get_timestamptz(a.rows, 0, 3, &us));
  assert_true(us == INT64_MAX && cells[3].later == 0);
  assert_int_equal(cells[4].later, 0);
  answer_free(&a);
}

/* A parameter comes back as it went. */
static creche_status echo(creche_value v, const char* as, answer* a) {
  char sql[100];
  snprintf(sql, sizeof sql, "select $1::%s", as);
  answer_init(a);
  OK(creche_pool_query(pool, loop.scope, sql, &v, 1, NULL, on_answer, a, NULL));
  return answer_wait(a);
}

static void test_written(void** state) {
  (void)state;
  static const int64_t good[] = {
      INT64_MAX, INT64_MIN, INT64_MAX - 1, 0, -1, INT64_C(-210866803200000000) /* 4714-11-24 BC */};
  answer a;
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    int64_t us = 0;
    echo(creche_timestamptz(good[i]), "timestamptz", &a);
    EXPECT(&a, CRECHE_OK);
    OK(creche_row_get_timestamptz(a.rows, 0, 0, &us));
    assert_true(us == good[i]);
    answer_free(&a);
  }
  /* Before the calendar begins: the server's error, or ours. */
  assert_int_equal(echo(creche_timestamptz(INT64_C(-210866803200000001)), "timestamptz", &a),
                   CRECHE_E_PG);
  assert_string_equal(answer_state(&a), "22008");
  answer_free(&a);
  assert_int_equal(echo(creche_timestamptz(INT64_MIN + 1), "timestamptz", &a), CRECHE_E_INVALID);
  answer_free(&a);
  creche_value real = creche_float8(1e39);
  real.type = CRECHE_PG_FLOAT4;
  assert_int_equal(echo(real, "float4", &a), CRECHE_E_INVALID);
  answer_free(&a);
  real.real = 1e-46;
  assert_int_equal(echo(real, "float4", &a), CRECHE_E_INVALID);
  answer_free(&a);
  for (int sign = -1; sign <= 1; sign += 2) {
    real.real = sign * (double)INFINITY;
    echo(real, "float4", &a);
    EXPECT(&a, CRECHE_OK);
    assert_true(creche_row_float8(a.rows, 0, 0) == real.real);
    answer_free(&a);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_read),
                                     cmocka_unit_test(test_late_timestamps),
                                     cmocka_unit_test(test_written)};
  return cmocka_run_group_tests(tests, start, stop);
}

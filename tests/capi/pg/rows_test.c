/* The checked getters of rows: what fits is given, what does not says why. */
#include <math.h>

#include "pg_test.h"

static creche_pool pool;

static int open_one(void** state) {
  if (start_server(state) != 0) return -1;
  pool = open_pool(1);
  return 0;
}

static int close_one(void** state) {
  close_pool(pool);
  return stop_server(state);
}

/* One cell that a statement gives. */
static const creche_row_block* cell(answer* a, const char* expression) {
  char sql[400];
  snprintf(sql, sizeof sql, "select * from (select %s) as t(thing)", expression);
  run(pool, a, sql);
  EXPECT(a, CRECHE_OK);
  return a->rows;
}

static void test_integers(void** state) {
  (void)state;
  static const struct {
    const char* expression;
    creche_status int8, int4;
    int64_t value;
  } cases[] = {
      {"-5::int2", CRECHE_OK, CRECHE_OK, -5},
      {"7::int4", CRECHE_OK, CRECHE_OK, 7},
      {"count(*) from generate_series(1, 3)", CRECHE_OK, CRECHE_OK, 3},
      {"2147483648::int8", CRECHE_OK, CRECHE_E_LIMIT, 2147483648},
      {"(-2147483648)::int8", CRECHE_OK, CRECHE_OK, -2147483648},
      {"4294967295::oid", CRECHE_OK, CRECHE_E_LIMIT, 4294967295},
      {"sum(i::int8) from generate_series(1, 100000) i", CRECHE_OK, CRECHE_E_LIMIT, 5000050000},
      {"0::numeric", CRECHE_OK, CRECHE_OK, 0},
      {"-30000.000::numeric", CRECHE_OK, CRECHE_OK, -30000},
      {"1e12::numeric", CRECHE_OK, CRECHE_E_LIMIT, 1000000000000},
      {"9223372036854775807::numeric", CRECHE_OK, CRECHE_E_LIMIT, INT64_MAX},
      {"(-9223372036854775808)::numeric", CRECHE_OK, CRECHE_E_LIMIT, INT64_MIN},
      {"9223372036854775808::numeric", CRECHE_E_LIMIT, CRECHE_E_LIMIT, 0},
      {"(-9223372036854775809)::numeric", CRECHE_E_LIMIT, CRECHE_E_LIMIT, 0},
      {"1e300::numeric", CRECHE_E_LIMIT, CRECHE_E_LIMIT, 0},
      {"0.5::numeric", CRECHE_E_LIMIT, CRECHE_E_LIMIT, 0},
      {"10000.0001::numeric", CRECHE_E_LIMIT, CRECHE_E_LIMIT, 0},
      {"'NaN'::numeric", CRECHE_E_LIMIT, CRECHE_E_LIMIT, 0},
      {"null::int8", CRECHE_E_NULL, CRECHE_E_NULL, 0},
      {"null::text", CRECHE_E_NULL, CRECHE_E_NULL, 0},
      {"1::float8", CRECHE_E_TYPE, CRECHE_E_TYPE, 0},
      {"true", CRECHE_E_TYPE, CRECHE_E_TYPE, 0},
      {"'12'", CRECHE_E_TYPE, CRECHE_E_TYPE, 0},
      {"now()", CRECHE_E_TYPE, CRECHE_E_TYPE, 0},
      {"'{1}'::int4[]", CRECHE_E_TYPE, CRECHE_E_TYPE, 0},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    answer a;
    const creche_row_block* rows = cell(&a, cases[i].expression);
    int64_t wide = 77;
    int32_t narrow = 77;
    print_message("%s\n", cases[i].expression);
    assert_int_equal(creche_row_get_int8(rows, 0, 0, &wide), cases[i].int8);
    assert_int_equal(wide, cases[i].value);
    if (cases[i].int8 != CRECHE_OK) last_error_says("\"thing\"");
    assert_int_equal(creche_row_get_int4(rows, 0, 0, &narrow), cases[i].int4);
    assert_int_equal(narrow, cases[i].int4 == CRECHE_OK ? cases[i].value : 0);
    if (cases[i].int4 == CRECHE_E_TYPE) last_error_says(": call creche_row_get_");
    if (cases[i].int4 == CRECHE_E_LIMIT)
      last_error_says("does not fit an int4: call creche_row_get_int8");
    answer_free(&a);
  }
}

static void test_reals(void** state) {
  (void)state;
  static const struct {
    const char* expression;
    creche_status status;
    double value;
  } cases[] = {
      {"0.25::float4", CRECHE_OK, 0.25},
      {"'-infinity'::float8", CRECHE_OK, -INFINITY},
      {"3::int2", CRECHE_OK, 3},
      {"9007199254740993::int8", CRECHE_OK, 9007199254740992.0},
      {"avg(i) from generate_series(1, 2) i", CRECHE_OK, 1.5},
      {"0.1::numeric", CRECHE_OK, 0.1},
      {"'infinity'::numeric", CRECHE_OK, INFINITY},
      {"1e400::numeric", CRECHE_E_LIMIT, 0},
      {"(-1e400)::numeric", CRECHE_E_LIMIT, 0},
      {"1e400::numeric + 1", CRECHE_E_LIMIT, 0},
      {"-1e400::numeric - 1", CRECHE_E_LIMIT, 0},
      {"1e310::numeric + 0.5", CRECHE_E_LIMIT, 0},
      {"1e308::numeric + 0.5", CRECHE_OK, 1e308},
      {"1e-400::numeric + 1e-500", CRECHE_OK, 0},
      {"1e-400::numeric", CRECHE_OK, 0},
      {"null::float8", CRECHE_E_NULL, 0},
      {"true", CRECHE_E_TYPE, 0},
      {"'1.5'", CRECHE_E_TYPE, 0},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    answer a;
    const creche_row_block* rows = cell(&a, cases[i].expression);
    double value = 77;
    print_message("%s\n", cases[i].expression);
    assert_int_equal(creche_row_get_float8(rows, 0, 0, &value), cases[i].status);
    assert_true(value == cases[i].value);
    answer_free(&a);
  }
  answer a;
  double value = 0;
  assert_int_equal(creche_row_get_float8(cell(&a, "'NaN'::numeric"), 0, 0, &value), CRECHE_OK);
  assert_true(value != value);
  answer_free(&a);
}

static void test_times(void** state) {
  (void)state;
  static const struct {
    const char* expression;
    creche_status status;
    int64_t value;
  } cases[] = {
      {"timestamptz '1970-01-02 00:00:00.5Z'", CRECHE_OK, 86400500000},
      {"timestamp '1969-12-31 23:59:59'", CRECHE_OK, -1000000},
      {"date '1970-01-02'", CRECHE_OK, 86400000000},
      {"date '5874897-12-31'", CRECHE_E_LIMIT, 0},
      {"date 'infinity'", CRECHE_OK, INT64_MAX},
      {"timestamp '-infinity'", CRECHE_OK, INT64_MIN},
      {"timestamp '294276-12-31'", CRECHE_E_LIMIT, 0},
      {"null::date", CRECHE_E_NULL, 0},
      {"1::int8", CRECHE_E_TYPE, 0},
      {"time '12:00'", CRECHE_E_TYPE, 0},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    answer a;
    const creche_row_block* rows = cell(&a, cases[i].expression);
    int64_t value = 77;
    print_message("%s\n", cases[i].expression);
    assert_int_equal(creche_row_get_timestamptz(rows, 0, 0, &value), cases[i].status);
    assert_true(value == cases[i].value);
    answer_free(&a);
  }
}

static void test_texts_and_bytes(void** state) {
  (void)state;
  answer a;
  const char* text;
  const void* bytes;
  char buffer[16];
  size_t size;
  int32_t b = 7;

  const creche_row_block* rows = cell(&a, "'hello'");
  assert_int_equal(creche_row_get_text(rows, 0, 0, &text, &size), CRECHE_OK);
  assert_string_equal(text, "hello");
  assert_int_equal(size, 5);
  assert_int_equal(creche_row_get_text(rows, 0, 0, &text, NULL), CRECHE_OK);
  assert_int_equal(creche_row_get_bytes(rows, 0, 0, &bytes, &size), CRECHE_OK);
  assert_memory_equal(bytes, "hello", 5);
  assert_int_equal(creche_row_get_bool(rows, 0, 0, &b), CRECHE_E_TYPE);
  assert_int_equal(b, 0);
  last_error_says("call creche_row_get_text");
  answer_free(&a);

  rows = cell(&a, "'\\x'::bytea");
  assert_int_equal(creche_row_get_bytes(rows, 0, 0, &bytes, &size), CRECHE_OK);
  assert_non_null(bytes);
  assert_int_equal(size, 0);
  assert_int_equal(creche_row_get_text(rows, 0, 0, &text, &size), CRECHE_E_TYPE);
  assert_null(text);
  last_error_says("call creche_row_get_bytes");
  answer_free(&a);

  /* Text of anything. */
  rows = cell(&a, "12.50::numeric");
  assert_int_equal(creche_row_get_text(rows, 0, 0, &text, &size), CRECHE_E_TYPE);
  last_error_says("\"thing\" has type numeric");
  assert_int_equal(creche_row_get_format(rows, 0, 0, buffer, sizeof buffer, &size), CRECHE_OK);
  assert_string_equal(buffer, "12.50");
  assert_int_equal(size, 5);
  assert_int_equal(creche_row_get_format(rows, 0, 0, buffer, 5, &size), CRECHE_E_LIMIT);
  assert_string_equal(buffer, "12.5");
  assert_int_equal(size, 5);
  answer_free(&a);

  rows = cell(&a, "true");
  assert_int_equal(creche_row_get_bool(rows, 0, 0, &b), CRECHE_OK);
  assert_int_equal(b, 1);
  assert_int_equal(creche_row_get_bytes(rows, 0, 0, &bytes, &size), CRECHE_E_TYPE);
  last_error_says("call creche_row_get_bool");
  answer_free(&a);

  rows = cell(&a, "null::text");
  assert_int_equal(creche_row_get_text(rows, 0, 0, &text, &size), CRECHE_E_NULL);
  assert_int_equal(creche_row_get_bytes(rows, 0, 0, &bytes, &size), CRECHE_E_NULL);
  assert_int_equal(creche_row_get_bool(rows, 0, 0, &b), CRECHE_E_NULL);
  assert_int_equal(creche_row_get_format(rows, 0, 0, buffer, sizeof buffer, &size), CRECHE_E_NULL);
  assert_string_equal(buffer, "");
  answer_free(&a);
}

/* No such cell, no block, a block that somebody has cut. */
static void test_what_is_not_there(void** state) {
  (void)state;
  answer a;
  const char* text;
  char buffer[4];
  int64_t n = 7;
  const creche_row_block* rows = cell(&a, "'some text that is long'");
  assert_int_equal(creche_row_get_int8(rows, 1, 0, &n), CRECHE_E_INVALID);
  last_error_says("row 1, column 0: the block has 1 rows of 1 columns");
  assert_int_equal(n, 0);
  assert_int_equal(creche_row_get_text(rows, 0, 1, &text, NULL), CRECHE_E_INVALID);
  assert_int_equal(creche_row_get_int8(NULL, 0, 0, &n), CRECHE_E_INVALID);
  assert_int_equal(creche_row_get_int8(rows, 0, 0, NULL), CRECHE_E_INVALID);
  assert_int_equal(creche_row_get_format(rows, 0, 0, NULL, 9, NULL), CRECHE_E_INVALID);
  assert_int_equal(creche_row_get_format(rows, 0, 0, buffer, 0, NULL), CRECHE_E_INVALID);
  creche_row_block* cut = malloc(rows->total_size);
  memcpy(cut, rows, rows->total_size);
  ((creche_row_cell*)((char*)cut + cut->cells_offset))->bits = cut->total_size;
  assert_int_equal(creche_row_get_text(cut, 0, 0, &text, NULL), CRECHE_E_TYPE);
  last_error_says("damaged");
  assert_int_equal(creche_row_get_format(cut, 0, 0, buffer, sizeof buffer, NULL), CRECHE_E_TYPE);
  free(cut);
  answer_free(&a);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_integers),
      cmocka_unit_test(test_reals),
      cmocka_unit_test(test_times),
      cmocka_unit_test(test_texts_and_bytes),
      cmocka_unit_test(test_what_is_not_there),
  };
  return cmocka_run_group_tests(tests, open_one, close_one);
}

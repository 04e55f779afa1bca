/* COPY of rows in the form of their columns (creche_pool_copy_rows): the same as by parameters,
 * whatever the form of the values is; what does not fit. */
#include "row_source.h"

static const unsigned char uuid[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 255};
static const unsigned char numeric[] = {0, 2, 0, 0, 0x40, 0, 0, 3, 0, 12, 0x13, 0x88};
static const unsigned char ints[] = {0,    0,    0,    1,    0, 0, 0, 1, 0, 0, 0, 23, 0, 0,
                                     0,    3,    0,    0,    0, 1, 0, 0, 0, 4, 0, 0,  0, 7,
                                     0xff, 0xff, 0xff, 0xff, 0, 0, 0, 4, 0, 0, 0, 9};

static const creche_value v[] = {
    {CRECHE_PG_INT2, CRECHE_VALUE_INTEGER, -32768, 0, NULL, 0},
    {CRECHE_PG_INT8, CRECHE_VALUE_INTEGER, INT64_MIN, 0, NULL, 0},
    {26, CRECHE_VALUE_INTEGER, 4294967295, 0, NULL, 0},
    {CRECHE_PG_FLOAT8, CRECHE_VALUE_REAL, 0, 1.7976931348623157e308, NULL, 0},
    {CRECHE_PG_FLOAT4, CRECHE_VALUE_BINARY, 0, 0, "\x3d\xcc\xcc\xcd", 4},
    {CRECHE_PG_DATE, CRECHE_VALUE_INTEGER, 18262, 0, NULL, 0},
    {CRECHE_PG_DATE, CRECHE_VALUE_INTEGER, INT64_MIN, 0, NULL, 0},
    {CRECHE_PG_TIMESTAMP, CRECHE_VALUE_INTEGER, -62135596800000001, 0, NULL, 0},
    {CRECHE_PG_TIMESTAMPTZ, CRECHE_VALUE_INTEGER, 1577934245000006, 0, NULL, 0},
    {CRECHE_PG_TIMESTAMPTZ, CRECHE_VALUE_INTEGER, INT64_MAX, 0, NULL, 0},
    {CRECHE_PG_BYTEA, CRECHE_VALUE_BINARY, 0, 0, "\0\1\\\xff", 4},
    {CRECHE_PG_UUID, CRECHE_VALUE_BINARY, 0, 0, uuid, sizeof uuid},
    {CRECHE_PG_NUMERIC, CRECHE_VALUE_BINARY, 0, 0, numeric, sizeof numeric},
    {CRECHE_PG_UNKNOWN, CRECHE_VALUE_TEXT, 0, 0, "\xc3\xbc \\. \t\n\r\b\f\v", 11},
    {CRECHE_PG_UNKNOWN, CRECHE_VALUE_TEXT, 0, 0, "{\"a\": [1, \"\\\\\"]}", 16},
    {CRECHE_PG_UNKNOWN, CRECHE_VALUE_TEXT, 0, 0, "[1, null]", 9},
    {CRECHE_PG_UNKNOWN, CRECHE_VALUE_NULL, 0, 0, NULL, 0},
    {CRECHE_PG_BOOL, CRECHE_VALUE_INTEGER, 1, 0, NULL, 0},
    {CRECHE_PG_UNKNOWN, CRECHE_VALUE_TEXT, 0, 0, "so so", 5},
    {CRECHE_PG_INT4, CRECHE_VALUE_INTEGER, -7, 0, NULL, 0},
};
enum { COLUMNS = sizeof v / sizeof *v };
static const char types[] =
    "a int2, b int8, c oid, d float8, e float4, f date, g date, h timestamp, i timestamptz, "
    "j timestamptz, k bytea, l uuid, m numeric(10, 3), n text, o jsonb, p json, q varchar(3), "
    "r bool, s mood, t small";

static void types_exist(creche_connection c) {
  must_on(c, "drop type if exists mood cascade");
  must_on(c, "drop domain if exists small cascade");
  must_on(c, "create type mood as enum ('sad', 'so so')");
  must_on(c, "create domain small as int8 check (value < 100)");
}

/* The same as parameters and by COPY, in binary form and, with an array beside it, as text; in
 * sessions that print and read in odd ways. */
static void test_as_parameters(void** state) {
  (void)state;
  static const char* const settings[] = {
      "select 1",
      "set datestyle = 'german'; set timezone = 'Asia/Kolkata'; set intervalstyle = 'iso_8601'",
      "set datestyle = 'sql, dmy'; set extra_float_digits = -10; set bytea_output = 'escape'",
  };
  creche_value with[COLUMNS + 1];
  memcpy(with, v, sizeof v);
  with[COLUMNS] = creche_value_of(1007, CRECHE_VALUE_BINARY, ints, sizeof ints);
  for (int array = 0; array < 2; array++) {
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
      creche_connection c = acquire(pool);
      answer a;
      answer_init(&a);
      OK(creche_connection_script(c, loop.scope, settings[i], NULL, on_answer, &a, NULL));
      EXPECT(&a, CRECHE_OK);
      answer_free(&a);
      types_exist(c);
      char sql[1024];
      snprintf(sql, sizeof sql, "create temporary table t (%s%s)", types,
               array ? ", u int4[]" : "");
      must_on(c, sql);
      answer_init(&a);
      snprintf(sql, sizeof sql,
               "insert into t values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, "
               "$15, $16, $17, $18, $19, $20%s)",
               array ? ", $21" : "");
      OK(creche_connection_query(c, loop.scope, sql, with, COLUMNS + (size_t)array, NULL, on_answer,
                                 &a, NULL));
      EXPECT(&a, CRECHE_OK);
      answer_free(&a);
      copies(c, "COPY t FROM stdin", with, COLUMNS + (size_t)array, 250);
      assert_int_equal(number_on(c, "select count(*) from t"), 251);
      assert_int_equal(number_on(c, "select count(distinct t::text) from t"), 1);
      assert_int_equal(number_on(c, "select count(*) from t where m::text = '-12.500'"), 251);
      creche_connection_release(c);
    }
  }
}

/* Texts become what they stand for. */
static void test_texts(void** state) {
  (void)state;
  static const struct {
    const char *type, *text;
  } read[] = {
      {"int2", "-32768"},
      {"int4", "+5"},
      {"int8", "9223372036854775807"},
      {"oid", "4294967295"},
      {"bool", "true"},
      {"bool", "F"},
      {"float4", "0.1"},
      {"float4", "-1e-45"},
      {"float8", "-1.5E+300"},
      {"float8", "-Infinity"},
      {"float8", "NaN"},
      {"numeric", "0"},
      {"numeric", "-0.00012"},
      {"numeric", "12345678901234567890123456789.000100"},
      {"numeric", "1000000"},
      {"numeric", "1.5e10"},
      {"numeric", "10.10e-6"},
      {"numeric", ".5"},
      {"numeric", "99999.9999"},
      {"numeric", "NaN"},
      {"numeric", "-Infinity"},
      {"numeric(6,2)", "3.14159"},
      {"uuid", "A0EEBC99-9c0b-4ef8-bb6d-6bb9bd380a11"},
      {"uuid", "{a0eebc999c0b4ef8bb6d6bb9bd380a11}"},
      {"bytea", "\\x00fF"},
      {"date", "2024-02-29"},
      {"date", "0044-03-15 BC"},
      {"date", "2024-02-29 23:59:59+02:00"},
      {"date", "-infinity"},
      {"timestamp", "2024-02-29 23:59:59.123456"},
      {"timestamp", "2024-02-29T23:59:59.1+05:30"},
      {"timestamp", "2024-02-29"},
      {"timestamp", "infinity"},
      {"timestamptz", "2024-02-29 23:59:59.123456+05:30"},
      {"timestamptz", "1883-11-18T12:03:58-04:56:02"},
      {"timestamptz", "0001-12-31 23:59:59+00:00 BC"},
      {"timestamptz", "2024-06-30 12:00Z"},
      {"timestamptz", "2024-06-30 12:00:00-0730"},
      {"jsonb", "{\"a\": [1.50, null]}"},
      {"json", " [1]"},
      {"char(5)", "ab"},
      {"name", "n"},
  };
  creche_connection c = acquire(pool);
  for (size_t i = 0; i < sizeof read / sizeof *read; i++) {
    char sql[256];
    snprintf(sql, sizeof sql, "create temporary table one (x %s)", read[i].type);
    must_on(c, sql);
    snprintf(sql, sizeof sql, "insert into one values ('%s')", read[i].text);
    must_on(c, sql);
    const creche_value text = creche_text(read[i].text);
    copies(c, "copy one from stdin", &text, 1, 1);
    if (number_on(c, "select count(distinct x::text) from one") != 1)
      fail_msg("%s '%s'", read[i].type, read[i].text);
    must_on(c, "drop table one");
  }
  creche_connection_release(c);
}

/* What does not fit names its place, and nothing of it stays. */
static void test_misfits(void** state) {
  (void)state;
  static const struct {
    const char* type;
    creche_value value;
    const char* says;
  } misfits[] = {
      {"int4", {CRECHE_PG_INT8, CRECHE_VALUE_INTEGER, 1ll << 31, 0, NULL, 0}, "out of range"},
      {"int4", {CRECHE_PG_INT8, CRECHE_VALUE_BINARY, 0, 0, "\0\0\0\1\0\0\0\0", 8}, "out of range"},
      {"int2", {0, CRECHE_VALUE_TEXT, 0, 0, "32768", 5}, "out of range"},
      {"int8", {0, CRECHE_VALUE_TEXT, 0, 0, "9223372036854775808", 19}, "out of range"},
      {"int4", {0, CRECHE_VALUE_TEXT, 0, 0, "1.0", 3}, "no integer"},
      {"int4", {0, CRECHE_VALUE_TEXT, 0, 0, "", 0}, "no integer"},
      {"int4", {CRECHE_PG_FLOAT8, CRECHE_VALUE_REAL, 0, 1, NULL, 0}, "another type"},
      {"int4", {CRECHE_PG_INT4, CRECHE_VALUE_BINARY, 0, 0, "\0\0\1", 3}, "no value of their type"},
      {"float8", {CRECHE_PG_INT8, CRECHE_VALUE_INTEGER, (1ll << 53) + 1, 0, NULL, 0}, "exactly"},
      {"float4", {CRECHE_PG_FLOAT8, CRECHE_VALUE_REAL, 0, 1e39, NULL, 0}, "out of range"},
      {"bool", {CRECHE_PG_INT4, CRECHE_VALUE_INTEGER, 1, 0, NULL, 0}, "another type"},
      {"bool", {0, CRECHE_VALUE_TEXT, 0, 0, "maybe", 5}, "true nor false"},
      {"numeric", {0, CRECHE_VALUE_TEXT, 0, 0, "1,5", 3}, "no numeric"},
      {"numeric", {0, CRECHE_VALUE_TEXT, 0, 0, "1e200000", 8}, "out of range"},
      {"numeric", {CRECHE_PG_BOOL, CRECHE_VALUE_INTEGER, 1, 0, NULL, 0}, "another type"},
      {"text", {CRECHE_PG_INT4, CRECHE_VALUE_INTEGER, 1, 0, NULL, 0}, "another type"},
      {"text", {0, CRECHE_VALUE_TEXT, 0, 0, "a\0b", 3}, "NUL"},
      {"text", {CRECHE_PG_BYTEA, CRECHE_VALUE_BINARY, 0, 0, "ab", 2}, "another type"},
      {"bytea", {0, CRECHE_VALUE_TEXT, 0, 0, "ab", 2}, "hexadecimal"},
      {"uuid", {0, CRECHE_VALUE_TEXT, 0, 0, "1234", 4}, "no uuid"},
      {"uuid", {CRECHE_PG_UUID, CRECHE_VALUE_BINARY, 0, 0, "1234", 4}, "no uuid"},
      {"date", {0, CRECHE_VALUE_TEXT, 0, 0, "tomorrow", 8}, "ISO 8601"},
      {"date", {0, CRECHE_VALUE_TEXT, 0, 0, "2023-02-29", 10}, "ISO 8601"},
      {"timestamptz", {0, CRECHE_VALUE_TEXT, 0, 0, "2023-01-01 10:00:00", 19}, "zone"},
      {"timestamptz", {CRECHE_PG_TIMESTAMP, CRECHE_VALUE_INTEGER, 0, 0, NULL, 0}, "another type"},
      {"timestamp", {CRECHE_PG_TIMESTAMPTZ, CRECHE_VALUE_INTEGER, 0, 0, NULL, 0}, "another type"},
      {"timestamp", {CRECHE_PG_TIMESTAMP, CRECHE_VALUE_TEXT, 0, 0, NULL, 4}, "data is NULL"},
      {"text", {0, 99, 0, 0, NULL, 0}, "form"},
      {"point", {CRECHE_PG_UUID, CRECHE_VALUE_BINARY, 0, 0, "x", 1}, "text"},
  };
  for (size_t i = 0; i < sizeof misfits / sizeof *misfits; i++) {
    char sql[256];
    snprintf(sql, sizeof sql, "create table misfit (id int, \"The x\" %s)", misfits[i].type);
    must(pool, sql);
    const creche_value two[] = {creche_int4(1), misfits[i].value};
    const char* place =
        strcmp(misfits[i].type, "point") == 0 ? "row 0, column 1: " : "row 0, column 1 (The x, ";
    refused(none, "copy misfit from stdin", two, 2, CRECHE_E_TYPE, place, misfits[i].says);
    assert_int_equal(number(pool, "select count(*) from misfit"), 0);
    must(pool, "drop table misfit");
  }
  assert_int_equal(counters(pool).dropped, 0);
  assert_int_equal(counters(pool).cancels, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_as_parameters),
      cmocka_unit_test(test_texts),
      cmocka_unit_test(test_misfits),
  };
  return cmocka_run_group_tests(tests, open_two, close_two);
}

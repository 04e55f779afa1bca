/* Rows of values for COPY (creche_values_to_copy): all that can be a parameter of a statement comes
 * out of the table as it went in, whatever the columns' types and the session's settings are. */
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

typedef struct text {
  char* bytes;
  size_t size;
  int pieces;
  int most; /* pieces that are wanted */
} text;

static int32_t take(const char* bytes, size_t size, void* user) {
  text* t = user;
  assert_true(size > 0);
  if (++t->pieces > t->most) return 1;
  t->bytes = realloc(t->bytes, t->size + size + 1);
  memcpy(t->bytes + t->size, bytes, size);
  t->size += size;
  t->bytes[t->size] = '\0';
  return 0;
}

static void writes(const creche_value* values, size_t columns, size_t rows, const char* expected) {
  text t = {NULL, 0, 0, 1000};
  OK(creche_values_to_copy(values, columns, rows, take, &t));
  assert_string_equal(t.bytes ? t.bytes : "", expected);
  free(t.bytes);
}

static void test_text(void** state) {
  (void)state;
  const creche_value v[] = {creche_int4(-1),      creche_text("a\tb\\c\nd\re"),
                            creche_null(),        creche_bool(1),
                            creche_text(""),      creche_text("\\N"),
                            creche_float8(0.1),   creche_bytes("\0\\x", 3),
                            creche_timestamptz(0)};
  writes(v, 9, 1,
         "-1\ta\\tb\\\\c\\nd\\re\t\\N\tt\t\t\\\\N\t0.1\t\\\\x005c78\t1970-01-01 00:00:00+00\n");
  writes(v, 3, 3,
         "-1\ta\\tb\\\\c\\nd\\re\t\\N\nt\t\t\\\\N\n0.1\t\\\\x005c78\t1970-01-01 00:00:00+00\n");
  writes(NULL, 3, 0, "");
}

typedef struct source {
  answer end;
  text* from;
  size_t at;
} source;
static void on_source(void* user, const creche_completion* c) {
  source* s = user;
  if (c->kind != CRECHE_PULL) {
    on_answer(&s->end, c);
    return;
  }
  size_t size = s->from->size - s->at;
  if (size > 10007) size = 10007;
  s->at += size;
  OK(creche_task_answer(c->task, CRECHE_OK, s->from->bytes + s->at - size, size,
                        s->at < s->from->size ? CRECHE_MORE : 0, NULL));
}
static uint32_t copy_in(creche_connection c, const char* sql, text* from) {
  source s = {.from = from};
  answer_init(&s.end);
  OK(creche_connection_copy_in(c, loop.scope, sql, NULL, on_source, &s, NULL));
  EXPECT(&s.end, CRECHE_OK);
  const uint32_t rows = s.end.code;
  s.end.value = 0; /* no handle */
  answer_free(&s.end);
  return rows;
}

static const unsigned char uuid[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 255};
static const unsigned char numeric[] = {0, 2, 0, 0, 0x40, 0, 0, 3, 0, 12, 0x13, 0x88};
static const unsigned char ints[] = {0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 23, 0,    0,    0,    2,
                                     0, 0, 0, 1, 0, 0, 0, 4, 0, 0, 0, 7,  0xff, 0xff, 0xff, 0xff};

/* The same as a parameter and by COPY, in sessions that print and read in odd ways. */
static void test_as_parameters(void** state) {
  (void)state;
  static const char* const settings[] = {
      "select 1",
      "set datestyle = 'german'; set timezone = 'Asia/Kolkata'; set intervalstyle = 'iso_8601'",
      "set datestyle = 'sql, dmy'; set extra_float_digits = -10; set bytea_output = 'escape'",
  };
  const creche_value v[] = {
      creche_int2(-32768),
      creche_int8(INT64_MIN),
      creche_integer_of(26, 4294967295),
      creche_float8(1.7976931348623157e308),
      creche_value_of(CRECHE_PG_FLOAT4, CRECHE_VALUE_BINARY, "\x3d\xcc\xcc\xcd", 4),
      creche_integer_of(CRECHE_PG_DATE, 18262),
      creche_integer_of(CRECHE_PG_DATE, INT64_MIN),
      creche_integer_of(CRECHE_PG_TIMESTAMP, -62135596800000001),
      creche_timestamptz(1577934245000006),
      creche_timestamptz(INT64_MAX),
      creche_bytes("\0\1\\\xff", 4),
      creche_value_of(CRECHE_PG_UUID, CRECHE_VALUE_BINARY, uuid, sizeof uuid),
      creche_value_of(CRECHE_PG_NUMERIC, CRECHE_VALUE_BINARY, numeric, sizeof numeric),
      creche_value_of(1007, CRECHE_VALUE_BINARY, ints, sizeof ints),
      creche_text("\xc3\xbc \\. \t\n\r\b\f\v"),
      creche_text("{\"a\": [1, \"\\\\\"]}"),
      creche_null(),
      creche_bool(0),
  };
  enum { COLUMNS = sizeof v / sizeof *v };
  for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
    creche_connection c = acquire(pool);
    answer a;
    answer_init(&a);
    OK(creche_connection_script(c, loop.scope, settings[i], NULL, on_answer, &a, NULL));
    EXPECT(&a, CRECHE_OK);
    answer_free(&a);
    must_on(
        c,
        "create temporary table t (a int2, b int8, c oid, d float8, e float4, f date, g date, h "
        "timestamp, i timestamptz, j timestamptz, k bytea, l uuid, m numeric, n int4[], o text, p "
        "jsonb, q text, r bool)");
    answer_init(&a);
    OK(creche_connection_query(
        c, loop.scope,
        "insert into t values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, "
        "$12, $13, $14, $15, $16, $17, $18)",
        v, COLUMNS, NULL, on_answer, &a, NULL));
    EXPECT(&a, CRECHE_OK);
    answer_free(&a);
    text t = {NULL, 0, 0, 1000};
    OK(creche_values_to_copy(v, COLUMNS, 1, take, &t));
    assert_int_equal(copy_in(c, "copy t from stdin", &t), 1);
    free(t.bytes);
    assert_int_equal(number_on(c, "select count(*) from t"), 2);
    assert_int_equal(number_on(c, "select count(*) from (select distinct * from t) d"), 1);
    creche_connection_release(c);
  }
}

/* Types of columns that are not those of the values; very many rows. */
static void test_other_columns(void** state) {
  (void)state;
  enum { ROWS = 20000, COLUMNS = 4 };
  creche_value* v = calloc(ROWS * COLUMNS, sizeof *v);
  for (int i = 0; i < ROWS; i++) {
    v[i * COLUMNS] = creche_int4(i);
    v[i * COLUMNS + 1] = creche_int8(i);
    v[i * COLUMNS + 2] = creche_text(i % 2 ? "sad" : "so so");
    v[i * COLUMNS + 3] = i % 3 ? creche_text("2020-02-29") : creche_integer_of(CRECHE_PG_DATE, 0);
  }
  creche_connection c = acquire(pool);
  must_on(c, "create type mood as enum ('sad', 'so so')");
  must_on(c, "create table held (n numeric, t text, m mood, d date)");
  text t = {NULL, 0, 0, 1000};
  OK(creche_values_to_copy(v, COLUMNS, ROWS, take, &t));
  assert_true(t.pieces > 1);
  assert_int_equal(copy_in(c, "copy held from stdin", &t), ROWS);
  free(t.bytes);
  assert_int_equal(number_on(c,
                             "select count(*) from held where n::text = t and n % 2 = (m = "
                             "'sad')::int"),
                   ROWS);
  /* Nobody wants more. */
  text two = {NULL, 0, 0, 2};
  IS(creche_values_to_copy(v, COLUMNS, ROWS, take, &two), CRECHE_E_CANCELLED);
  assert_int_equal(two.pieces, 3);
  free(two.bytes);
  creche_connection_release(c);
  free(v);
}

static void refused(const creche_value* v, creche_status status, const char* says) {
  const creche_value all[] = {creche_int4(1), creche_int4(2), creche_int4(3), *v};
  text t = {NULL, 0, 0, 1000};
  IS(creche_values_to_copy(all, 2, 2, take, &t), status);
  last_error_says("row 1, column 1");
  last_error_says(says);
  free(t.bytes);
}

static void test_refused(void** state) {
  (void)state;
  creche_value v = creche_integer_of(CRECHE_PG_INT2, 40000);
  refused(&v, CRECHE_E_INVALID, "int2");
  v = creche_text_n("a\0b", 3);
  refused(&v, CRECHE_E_INVALID, "NUL");
  v = creche_integer_of(CRECHE_PG_TEXT, 1);
  refused(&v, CRECHE_E_TYPE, "integer");
  v = creche_value_of(CRECHE_PG_UNKNOWN, CRECHE_VALUE_BINARY, "x", 1);
  refused(&v, CRECHE_E_TYPE, "text");
  v = creche_value_of(16500, CRECHE_VALUE_BINARY, "x", 1);
  refused(&v, CRECHE_E_TYPE, "text");
  v = creche_value_of(CRECHE_PG_UUID, CRECHE_VALUE_BINARY, "x", 1);
  refused(&v, CRECHE_E_TYPE, "text");
  v = creche_value_of(CRECHE_PG_TEXT, CRECHE_VALUE_TEXT, NULL, 1);
  refused(&v, CRECHE_E_INVALID, "NULL");
  v.form = 99;
  refused(&v, CRECHE_E_INVALID, "form");
  text t = {NULL, 0, 0, 1};
  v = creche_int4(1);
  IS(creche_values_to_copy(&v, 1, 1, NULL, &t), CRECHE_E_INVALID);
  IS(creche_values_to_copy(&v, 0, 1, take, &t), CRECHE_E_INVALID);
  IS(creche_values_to_copy(NULL, 1, 1, take, &t), CRECHE_E_INVALID);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_text),
      cmocka_unit_test(test_as_parameters),
      cmocka_unit_test(test_other_columns),
      cmocka_unit_test(test_refused),
  };
  return cmocka_run_group_tests(tests, open_one, close_one);
}

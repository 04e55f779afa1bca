/* Rows as JSON and CSV, compared with what the server makes of them; and through the Arrow C Data
 * Interface. */
#include <creche/copy.h>
#include <creche/export.h>

#include "pg_test.h"

static creche_pool pool;

static int open_one(void** state) {
  if (start_server(state) != 0) return -1;
  pool = open_pool(1);
  must(pool, "alter database postgres set timezone = 'UTC'");
  must(pool, "create type mood as enum ('sad', 'so so')");
  must(pool, "create domain posint as int");
  must(pool, "create extension hstore");
  close_pool(pool);
  pool = open_pool(1);
  return 0;
}

static int close_one(void** state) {
  close_pool(pool);
  return stop_server(state);
}

typedef struct text {
  char bytes[1 << 20];
  size_t size;
  int pieces;
  int stop_after;
} text;

static text made, wanted;

static int32_t collect(const char* bytes, size_t size, void* user) {
  text* t = user;
  assert_true(t->size + size < sizeof t->bytes);
  memcpy(t->bytes + t->size, bytes, size);
  t->size += size;
  t->bytes[t->size] = '\0';
  return ++t->pieces == t->stop_after;
}

static void clear(text* t) {
  t->size = 0;
  t->bytes[0] = '\0';
  t->pieces = t->stop_after = 0;
}

static void json(const creche_row_block* rows, uint32_t flags) {
  clear(&made);
  OK(creche_rows_to_json(rows, flags, collect, &made));
}

static void csv(const creche_row_block* rows, uint32_t flags, char delimiter) {
  clear(&made);
  OK(creche_rows_to_csv(rows, flags, delimiter, collect, &made));
}

static void on_chunk(void* user, const creche_completion* c) {
  if (c->flags & CRECHE_MORE) {
    collect(c->data, c->data_size, &wanted);
    creche_value_release(c->value);
  } else {
    on_answer(user, c);
  }
}

static const char* const selects[] = {
    "select 1 as a, -2::int2 as b, 9223372036854775807 as c, true as t, false as f, null as n",
    "select 1.5::float4 as a, 0.1::float8 as b, 1e300::float8 as c, '-0'::float8 as d, "
    "1e22::float8 "
    "as e, 'NaN'::float8 as g, 'Infinity'::float4 as h, '-Infinity'::float8 as i",
    "select 1.10::numeric as a, 'NaN'::numeric as b, 'Infinity'::numeric as c, "
    "123456789012345678901234567890.000000000001 as d, -0.5 as e, 1e-20::numeric as g",
    "select date '2020-02-29' as a, date '0044-03-15 BC' as b, date 'infinity' as c, timestamp "
    "'2020-01-31 12:30:00.5' as d, timestamptz '2020-01-31 12:30Z' as e, timestamp '-infinity' as "
    "f, "
    "timestamptz 'infinity' as g, time '01:02:03' as h, interval '1 mon 2 days 03:04:05' as i, "
    "timestamptz '0044-03-15 01:00Z BC' as j, timetz '01:02:03+05' as k, "
    "timestamp '294276-12-31 23:59:59.999999' as l",
    "select E'tab\\t nl\\n cr\\r bs\\b ff\\f q\" back\\\\ \\x01\\x1f /'::text as a, '' as b, "
    "'\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80' as c, 'x'::char(3) as d, 'n'::name as e, '<a/>'::xml "
    "as f",
    "select '{\"a\": [1,  2]}'::json as a, '{\"a\": [1,  2], \"b\": \"\\u00e9\\\\u0000\"}'::jsonb "
    "as "
    "b, '\\xdeadbeef'::bytea as c, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid as d",
    "select array[1,2,null] as a, '{}'::int4[] as b, '{{1,2},{3,4}}'::int8[] as c, "
    "array['a\"b', 'NULL', null] as d, array[true, false] as e, array[1.50, 'NaN'] as f, "
    "array[timestamptz '2020-01-01 00:00Z', 'infinity'] as g, array['{\"x\": 1}'::jsonb] as h, "
    "array[array['[1]'::json]] as i, '[0:1]={5,6}'::int4[] as j, array['\\x00'::bytea] as k, "
    "array[date '2020-01-01'] as l, array['NaN'::float8, 1] as m",
    "select 'so so'::mood as a, array['sad'::mood] as b, array[5, 6]::posint[] as c, 7::posint as "
    "d",
    "select int4range '[1,5)' as a, inet '10.0.0.1/8' as b, point '(1,2)' as c, '1 2'::int2vector "
    "as "
    "d, 'pg_class'::regclass as e, money '1.50' as f, tsvector 'a:1A b' as g, array[inet '::1'] as "
    "h, "
    "array['pg_class'::regclass]::text[] as i, bit '101' as j, macaddr '08:00:2b:01:02:ff' as k, "
    "pg_lsn '16/B374D848' as l, xid8 '5' as m",
    "select n as \"a \"\"quoted\"\" \\ name\", repeat('x', n) as b from generate_series(0, 300) n",
    "select 1 as a where false",
};

static void test_json_as_the_server_has_it(void** state) {
  (void)state;
  for (size_t i = 0; i < sizeof selects / sizeof *selects; i++) {
    char sql[2000];
    answer a, b;
    run(pool, &a, selects[i]);
    EXPECT(&a, CRECHE_OK);
    snprintf(sql, sizeof sql, "select row_to_json(its)::text from (%s) its", selects[i]);
    run(pool, &b, sql);
    EXPECT(&b, CRECHE_OK);
    json(a.rows, CRECHE_JSON_LINES);
    const char* at = made.bytes;
    for (uint64_t row = 0; row < b.rows->row_count; row++) {
      const char* expected = creche_row_text(b.rows, row, 0, NULL);
      const char* end = strchr(at, '\n');
      assert_non_null(end);
      if (strlen(expected) != (size_t)(end - at) || strncmp(at, expected, (size_t)(end - at)) != 0)
        fail_msg("%s: %.*s instead of %s", selects[i], (int)(end - at), at, expected);
      at = end + 1;
    }
    assert_int_equal(*at, '\0');
    answer_free(&a);
    answer_free(&b);
  }
}

static void json_of(const char* sql, uint32_t flags, const char* expected) {
  answer a;
  run(pool, &a, sql);
  EXPECT(&a, CRECHE_OK);
  json(a.rows, flags);
  assert_string_equal(made.bytes, expected);
  answer_free(&a);
}

static void test_json_forms(void** state) {
  (void)state;
  static const char two[] = "select n as a, n::text as b from generate_series(1, 2) n";
  json_of(two, 0, "[{\"a\":1,\"b\":\"1\"},\n{\"a\":2,\"b\":\"2\"}]\n");
  json_of(two, CRECHE_JSON_ARRAYS, "[[1,\"1\"],\n[2,\"2\"]]\n");
  json_of(two, CRECHE_JSON_ARRAYS | CRECHE_JSON_LINES, "[1,\"1\"]\n[2,\"2\"]\n");
  json_of("select 1 where false", 0, "[]\n");
  json_of("select 1 where false", CRECHE_JSON_LINES, "");
  json_of("select", 0, "[{}]\n");
  json_of("select 9007199254740993 as a, 1.50 as b, array[1.5, 'NaN'] as c, 3 as d, array[1::int8]",
          CRECHE_JSON_EXACT | CRECHE_JSON_LINES,
          "{\"a\":\"9007199254740993\",\"b\":\"1.50\",\"c\":[\"1.5\",\"NaN\"],\"d\":3,\"array\":["
          "\"1\"]}"
          "\n");
  json_of(
      "select 'NaN'::float8 as a, '-Infinity'::numeric as b, array['Infinity'::float4] as c, date "
      "'infinity' as d",
      CRECHE_JSON_FINITE | CRECHE_JSON_LINES,
      "{\"a\":null,\"b\":null,\"c\":[null],\"d\":\"infinity\"}\n");
  json_of("select E'[1,\\n2]'::json as a", CRECHE_JSON_LINES, "{\"a\":[1, 2]}\n");
  json_of("select E'[1,\\n2]'::json as a", 0, "[{\"a\":[1,\n2]}]\n");
  /* What only the server can print, at first and when it is known of old. */
  for (int i = 0; i < 3; i++) {
    json_of(
        "select array['pg_class'::regclass, null] as a, '{{1,2},{3,4}}'::money[] as b, "
        "'{}'::regtype[] as c, '[0:0]={boolean}'::regtype[] as d",
        CRECHE_JSON_LINES,
        "{\"a\":[\"pg_class\",null],\"b\":[[\"$1.00\",\"$2.00\"],[\"$3.00\",\"$4.00\"]],\"c\":[],"
        "\"d\":[\"boolean\"]}\n");
    json_of("select relacl as a from pg_class where relname = 'pg_class'", CRECHE_JSON_LINES,
            "{\"a\":[\"postgres=arwdDxt/postgres\",\"=r/postgres\"]}\n");
  }
  json_of("select 'a=>1, b=>NULL'::hstore as h, row(1, 'x') as r, 1 as x, 2 as x",
          CRECHE_JSON_LINES, "{\"h\":{\"a\":\"1\",\"b\":null},\"r\":\"(1,x)\",\"x\":1,\"x\":2}\n");
}

static void test_csv_as_the_server_has_it(void** state) {
  (void)state;
  static const char* const more[] = {
      "select 'a,b' as x, 'say \"hi\"' as \"y,z\", '' as e, null as n, E'two\\nlines' as l, "
      "E'cr\\r' as "
      "c, ' blank ' as b",
      "select null as x union all select ''",
      "select '\\.' as x union all select 'a\\.'",
      "select E'tab\\t', ';'",
  };
  const size_t count = sizeof selects / sizeof *selects, rest = sizeof more / sizeof *more;
  for (size_t i = 0; i < count + rest; i++) {
    const char* select = i < count ? selects[i] : more[i - count];
    char sql[2000];
    answer a, b;
    run(pool, &a, select);
    EXPECT(&a, CRECHE_OK);
    for (int tabs = 0; tabs < 2; tabs++) {
      snprintf(sql, sizeof sql, "copy (%s) to stdout (format csv, header, delimiter E'%s')", select,
               tabs ? "\\t" : ",");
      clear(&wanted);
      answer_init(&b);
      OK(creche_pool_copy_out(pool, loop.scope, sql, NULL, on_chunk, &b, NULL));
      EXPECT(&b, CRECHE_OK);
      answer_free(&b);
      csv(a.rows, CRECHE_CSV_HEADER, tabs ? '\t' : '\0');
      if (strcmp(made.bytes, wanted.bytes) != 0)
        fail_msg("%s: %s instead of %s", select, made.bytes, wanted.bytes);
    }
    answer_free(&a);
  }
}

static void test_csv_forms(void** state) {
  (void)state;
  answer a;
  run(pool, &a, "select 1 as a, 'x' as b, null as c union all select 2, '', 'z'");
  EXPECT(&a, CRECHE_OK);
  csv(a.rows, 0, '\0');
  assert_string_equal(made.bytes, "1,x,\n2,\"\",z\n");
  csv(a.rows, CRECHE_CSV_CRLF | CRECHE_CSV_HEADER, ';');
  assert_string_equal(made.bytes, "a;b;c\r\n1;x;\r\n2;\"\";z\r\n");
  csv(a.rows, CRECHE_CSV_QUOTE, '\0');
  assert_string_equal(made.bytes, "\"1\",\"x\",\n\"2\",\"\",\"z\"\n");
  answer_free(&a);
}

/* Pieces, one after the other; the taker may stop. */
static void test_pieces(void** state) {
  (void)state;
  answer a;
  run(pool, &a, "select repeat('x', 1000) as x from generate_series(1, 500)");
  EXPECT(&a, CRECHE_OK);
  json(a.rows, 0);
  assert_true(made.pieces > 5);
  assert_int_equal(made.size, 1 + 500 * (1000 + 8) + 499 * 2 + 2);
  for (int stop = 1; stop < 4; stop++) {
    clear(&made);
    made.stop_after = stop;
    assert_int_equal(creche_rows_to_json(a.rows, 0, collect, &made), CRECHE_E_CANCELLED);
    assert_int_equal(made.pieces, stop);
    clear(&made);
    made.stop_after = stop;
    assert_int_equal(creche_rows_to_csv(a.rows, 0, 0, collect, &made), CRECHE_E_CANCELLED);
    assert_int_equal(made.pieces, stop);
  }
  answer_free(&a);
}

/* Rows without columns, too. */
static void test_pieces_of_nothing(void** state) {
  (void)state;
  answer a;
  run(pool, &a, "select from generate_series(1, 100000)");
  EXPECT(&a, CRECHE_OK);
  json(a.rows, 0);
  assert_true(made.pieces > 3);
  clear(&made);
  made.stop_after = 1;
  assert_int_equal(creche_rows_to_json(a.rows, 0, collect, &made), CRECHE_E_CANCELLED);
  clear(&made);
  made.stop_after = 1;
  assert_int_equal(creche_rows_to_csv(a.rows, 0, 0, collect, &made), CRECHE_E_CANCELLED);
  answer_free(&a);
}

static void test_refused(void** state) {
  (void)state;
  answer a;
  run(pool, &a, "select 1");
  EXPECT(&a, CRECHE_OK);
  struct ArrowSchema schema;
  struct ArrowArray array;
  static const creche_row_block none;
  const creche_row_block* bad[] = {NULL, &none};
  for (int i = 0; i < 2; i++) {
    assert_int_equal(creche_rows_to_json(bad[i], 0, collect, &made), CRECHE_E_INVALID);
    assert_int_equal(creche_rows_to_csv(bad[i], 0, 0, collect, &made), CRECHE_E_INVALID);
    assert_int_equal(creche_rows_to_arrow(bad[i], 0, &schema, &array), CRECHE_E_INVALID);
    assert_null(schema.release);
    assert_null(array.release);
  }
  assert_int_equal(creche_rows_to_json(a.rows, 16, collect, &made), CRECHE_E_INVALID);
  assert_int_equal(creche_rows_to_json(a.rows, 0, NULL, &made), CRECHE_E_INVALID);
  assert_int_equal(creche_rows_to_csv(a.rows, 8, 0, collect, &made), CRECHE_E_INVALID);
  assert_int_equal(creche_rows_to_csv(a.rows, 0, 0, NULL, &made), CRECHE_E_INVALID);
  assert_int_equal(creche_rows_to_csv(a.rows, 0, '"', collect, &made), CRECHE_E_INVALID);
  assert_int_equal(creche_rows_to_csv(a.rows, 0, '\n', collect, &made), CRECHE_E_INVALID);
  assert_int_equal(creche_rows_to_arrow(a.rows, 4, &schema, &array), CRECHE_E_INVALID);
  assert_int_equal(creche_rows_to_arrow(a.rows, CRECHE_ARROW_DECIMAL(39, 0), &schema, &array),
                   CRECHE_E_INVALID);
  assert_int_equal(creche_rows_to_arrow(a.rows, CRECHE_ARROW_DECIMAL(5, 6), &schema, &array),
                   CRECHE_E_INVALID);
  assert_int_equal(creche_rows_to_arrow(a.rows, 0, NULL, &array), CRECHE_E_INVALID);
  assert_int_equal(creche_rows_to_arrow(a.rows, 0, &schema, NULL), CRECHE_E_INVALID);
  answer_free(&a);
}

/* ---- Arrow ---- */
static struct ArrowSchema schema;
static struct ArrowArray array;

static void arrow(const char* sql, uint32_t flags) {
  answer a;
  run(pool, &a, sql);
  EXPECT(&a, CRECHE_OK);
  const int64_t rows = (int64_t)a.rows->row_count, columns = a.rows->column_count;
  OK(creche_rows_to_arrow(a.rows, flags, &schema, &array));
  answer_free(&a); /* it is a copy */
  assert_string_equal(schema.format, "+s");
  assert_int_equal(schema.n_children, columns);
  assert_int_equal(array.n_children, columns);
  assert_int_equal(array.length, rows);
  assert_int_equal(array.null_count, 0);
  assert_int_equal(array.n_buffers, 1);
  assert_null(array.buffers[0]);
  for (int64_t c = 0; c < columns; c++) {
    assert_int_equal(array.children[c]->length, rows);
    assert_int_equal(array.children[c]->offset, 0);
    assert_int_equal(schema.children[c]->flags, ARROW_FLAG_NULLABLE);
    assert_non_null(schema.children[c]->release);
  }
}

static void arrow_end(void) {
  array.release(&array);
  schema.release(&schema);
  assert_null(array.release);
  assert_null(schema.release);
}

static const void* data_of(int column, const char* format) {
  assert_string_equal(schema.children[column]->format, format);
  const struct ArrowArray* child = array.children[column];
  return child->buffers[child->n_buffers - 1];
}

static int is_null(int column, int64_t row) {
  const uint8_t* valid = array.children[column]->buffers[0];
  return valid != NULL && !(valid[row / 8] >> row % 8 & 1);
}

static void arrow_text(int column, int64_t row, const char* expected) {
  const struct ArrowArray* child = array.children[column];
  const int32_t* ends = child->buffers[1];
  assert_int_equal(ends[row + 1] - ends[row], strlen(expected));
  if (*expected)
    assert_memory_equal((const char*)child->buffers[2] + ends[row], expected, strlen(expected));
}

static void test_arrow_types(void** state) {
  (void)state;
  arrow(
      "select true as b, -2::int2 as s, 3 as i, -4::int8 as l, 4000000000::oid as o, 1.5::float4 "
      "as "
      "f, 'NaN'::float8 as g, date '1970-01-02' as d, timestamp '1970-01-01 00:00:01' as ts, "
      "timestamptz '1969-12-31 23:59:59.5Z' as tz, '\\x00ff'::bytea as z, "
      "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid as u, 'text' as t, 1.50::numeric(10,3) as n, "
      "array[1,2] as a, 'pg_class'::regclass as r, '-0.001'::numeric(38,3) as m "
      "union all select null, null, null, null, null, null, null, null, null, null, null, null, "
      "null, "
      "null::numeric(10,3), null, null, null::numeric(38,3)",
      0);
  assert_string_equal(schema.children[0]->name, "b");
  assert_int_equal(*(const uint8_t*)data_of(0, "b") & 3, 1);
  assert_int_equal(((const int16_t*)data_of(1, "s"))[0], -2);
  assert_int_equal(((const int32_t*)data_of(2, "i"))[0], 3);
  assert_int_equal(((const int64_t*)data_of(3, "l"))[0], -4);
  assert_int_equal(((const uint32_t*)data_of(4, "I"))[0], 4000000000u);
  assert_true(((const float*)data_of(5, "f"))[0] == 1.5f);
  const double nan_ = ((const double*)data_of(6, "g"))[0];
  assert_true(nan_ != nan_);
  assert_int_equal(((const int32_t*)data_of(7, "tdD"))[0], 1);
  assert_int_equal(((const int64_t*)data_of(8, "tsu:"))[0], 1000000);
  assert_int_equal(((const int64_t*)data_of(9, "tsu:UTC"))[0], -500000);
  assert_memory_equal(data_of(10, "z"), "\x00\xff", 2);
  assert_memory_equal(data_of(11, "w:16"),
                      "\xa0\xee\xbc\x99\x9c\x0b\x4e\xf8\xbb\x6d\x6b\xb9\xbd\x38\x0a\x11", 16);
  data_of(12, "u");
  arrow_text(12, 0, "text");
  assert_int_equal(((const int64_t*)data_of(13, "d:10,3"))[0], 1500);
  assert_int_equal(((const int64_t*)data_of(13, "d:10,3"))[1], 0);
  arrow_text(14, 0, "{1,2}");
  arrow_text(15, 0, "pg_class");
  assert_int_equal(((const int64_t*)data_of(16, "d:38,3"))[0], -1);
  assert_int_equal(((const int64_t*)data_of(16, "d:38,3"))[1], -1);
  for (int c = 0; c < 17; c++) {
    assert_false(is_null(c, 0));
    assert_true(is_null(c, 1));
    assert_int_equal(array.children[c]->null_count, 1);
  }
  arrow_end();
}

static void refused_because(const char* sql, uint32_t flags, const char* why) {
  answer a;
  run(pool, &a, sql);
  EXPECT(&a, CRECHE_OK);
  assert_int_equal(creche_rows_to_arrow(a.rows, flags, &schema, &array), CRECHE_E_LIMIT);
  assert_non_null(strstr(creche_error_message(creche_last_error()), why));
  assert_null(schema.release);
  assert_null(array.release);
  answer_free(&a);
}

/* An infinity is never a year, and no digit is lost. */
static void test_arrow_exactly(void** state) {
  (void)state;
  static const char odd[] =
      "select date 'infinity' as a, timestamp '-infinity' as b, timestamptz 'infinity' as c, "
      "'NaN'::numeric(5,2) as d, timestamp '294276-12-31 23:59:59' as e";
  arrow(odd, 0);
  for (int c = 0; c < 5; c++) assert_true(is_null(c, 0));
  arrow_end();
  refused_because(odd, CRECHE_ARROW_STRICT, "infinite");
  refused_because("select timestamp '294276-12-31 23:59:59' as late", CRECHE_ARROW_STRICT,
                  "\"late\"");

  static const char free_[] = "select 1.25::numeric as n union all select 100";
  arrow(free_, 0);
  data_of(0, "u");
  arrow_text(0, 0, "1.25");
  arrow_end();
  arrow(free_, CRECHE_ARROW_DECIMAL(5, 2));
  assert_int_equal(((const int64_t*)data_of(0, "d:5,2"))[0], 125);
  assert_int_equal(((const int64_t*)data_of(0, "d:5,2"))[2], 10000);
  arrow_end();
  refused_because(free_, CRECHE_ARROW_DECIMAL(5, 1), "digits");
  refused_because(free_, CRECHE_ARROW_DECIMAL(4, 2), "digits");
  arrow("select 1.5::numeric(4,1) as n", CRECHE_ARROW_NUMERIC_TEXT | CRECHE_ARROW_DECIMAL(5, 2));
  arrow_text(0, 0, "1.5");
  arrow_end();
  arrow(
      "select 99999999999999999999999999999999999999::numeric(38) as a, "
      "'-0.99999999999999999999999999999999999999'::numeric(38,38) as b, 0::numeric(1,1) as c",
      0);
  const uint64_t* big = data_of(0, "d:38,0");
  assert_true(big[0] == 0x098a223fffffffffu && big[1] == 0x4b3b4ca85a86c47au);
  const uint64_t* small = data_of(1, "d:38,38");
  assert_true(small[0] == 0xf675ddc000000001u && small[1] == 0xb4c4b357a5793b85u);
  arrow_end();
}

/* Children may be moved out, and outlive the rest. */
static void test_arrow_moves(void** state) {
  (void)state;
  arrow("select n as a, n::text as b from generate_series(1, 100) n", 0);
  struct ArrowArray moved = *array.children[1];
  struct ArrowSchema named = *schema.children[1];
  array.children[1]->release = NULL;
  schema.children[1]->release = NULL;
  arrow_end();
  const int32_t* ends = moved.buffers[1];
  assert_memory_equal((const char*)moved.buffers[2] + ends[99], "100", 3);
  assert_string_equal(named.name, "b");
  moved.release(&moved);
  named.release(&named);
  assert_null(moved.release);

  arrow("select 1 as a, 'x' as b where false", 0);
  assert_int_equal(array.children[1]->n_buffers, 3);
  assert_int_equal(((const int32_t*)array.children[1]->buffers[1])[0], 0);
  arrow_end();
  arrow("select", 0);
  arrow_end();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_json_as_the_server_has_it),
      cmocka_unit_test(test_json_forms),
      cmocka_unit_test(test_csv_as_the_server_has_it),
      cmocka_unit_test(test_csv_forms),
      cmocka_unit_test(test_pieces),
      cmocka_unit_test(test_pieces_of_nothing),
      cmocka_unit_test(test_refused),
      cmocka_unit_test(test_arrow_types),
      cmocka_unit_test(test_arrow_exactly),
      cmocka_unit_test(test_arrow_moves),
  };
  return cmocka_run_group_tests(tests, open_one, close_one);
}

/* Types that are not built in, and those that only the server can print: shown exactly as the
 * server itself prints them, from the first run on, in transactions too; what they are stands in
 * the block. */
#include "printed.h"

static int open_one(void** state) {
  if (start_server(state) != 0) return -1;
  pool = open_pool(1);
  must(pool, "alter database postgres set timezone = 'UTC'");
  close_pool(pool);
  pool = open_pool(1);
  must(pool, "create type mood as enum ('sad', 'so so', '', 'AAAA')");
  must(pool, "create domain posint as int check (value > 0)");
  must(pool, "create domain code as text");
  must(pool, "create domain posints as posint[]");
  must(pool, "create domain inner2 as posint");
  must(pool, "create type pair as (a posint, b text, c mood[])");
  must(pool, "create type deep as (p pair, ps pair[], d date, n numeric)");
  must(pool, "create type priced as (name text, cost money)");
  must(pool, "create type span as range (subtype = float8)");
  must(pool, "create type words as range (subtype = code)");
  must(pool, "create extension hstore");
  must(pool, "create extension citext");
  must(pool, "create extension ltree");
  must(pool, "create extension cube");
  must(pool, "create extension seg");
  must(pool, "create extension isn");
  /* A type without a binary form. */
  must(pool, "create type plain");
  must(pool,
       "create function plain_in(cstring) returns plain language internal immutable strict as "
       "'int4in'");
  must(pool,
       "create function plain_out(plain) returns cstring language internal immutable strict as "
       "'int4out'");
  must(pool, "create type plain (input = plain_in, output = plain_out, like = int4)");
  /* One that says what pgvector's says. */
  must(pool, "create schema other");
  must(pool, "create type vector");
  must(pool,
       "create function vector_in(cstring) returns vector language internal immutable strict as "
       "'byteain'");
  must(pool,
       "create function vector_out(vector) returns cstring language internal immutable strict as "
       "'byteaout'");
  must(pool,
       "create function vector_recv(internal) returns vector language internal immutable strict as "
       "'bytearecv'");
  must(pool,
       "create function vector_send(vector) returns bytea language internal immutable strict as "
       "'byteasend'");
  must(pool,
       "create type vector (input = vector_in, output = vector_out, receive = vector_recv, send = "
       "vector_send)");
  must(pool, "create table goods (id posint, cost money, kept pair, tags text[], kind regclass)");
  must(pool, "insert into goods values (1, 12.34, row(1, 'a', '{sad}'), '{x}', 'pg_class')");
  return 0;
}

static int close_one(void** state) {
  close_pool(pool);
  return stop_server(state);
}

static const char* const values[] = {
    "'pg_class'::regclass",
    "0::oid::regclass",
    "4000000000::oid::regclass",
    "'now'::regproc",
    "'now()'::regprocedure",
    "'+(int4,int4)'::regoperator",
    "'||/'::regoper",
    "'int4'::regtype",
    "'mood'::regtype",
    "'english'::regconfig",
    "'simple'::regdictionary",
    "'pg_catalog'::regnamespace",
    "current_user::regrole",
    "'\"C\"'::regcollation",
    "'goods'::regclass",
    "money '12.34'",
    "money '-92233720368547758.08'",
    "'sad'::mood",
    "''::mood",
    "'AAAA'::mood",
    "5::posint",
    "1094795585::posint",
    "'x, y'::code",
    "array[1, 1094795585]::posint[]",
    "array[1, null, 3]::posints",
    "array['a', 'NULL', null]::code[]",
    "array[1094795585]::inner2[]",
    "row(1094795585, 'x', array['sad', '']::mood[])::pair",
    "row(null, null, null)::pair",
    "array[row(7, '\"', '{}')::pair, null]",
    ("row(row(1, 'a', '{sad}')::pair, array[row(2, 'b', null)::pair], date '2020-02-29', "
     "1.50)::deep"),
    "row('x', 12.5::money)::priced",
    "array[row('x', 12.5::money)::priced, row(null, null)::priced]",
    "array[money '1', null, money '2.50']",
    "array['pg_class'::regclass, 'pg_type'::regclass]",
    "span '[1.5,2.5)'",
    "span 'empty'",
    "span '(,1]'",
    "array[span '[1,2]', null]",
    "'{[1,2),[3,4)}'::span_multirange",
    "array['{[1,2)}'::span_multirange, '{}']",
    "words '[a,\"b c\"]'",
    "'a=>1, \"b c\"=>NULL, \"\"=>\"q\\\"\\\\\\\\\"'::hstore",
    "''::hstore",
    "array['a=>1'::hstore, null]",
    "'Hello'::citext",
    "array['Hello'::citext, 'x y']",
    "'Top.Science.x_1'::ltree",
    "''::ltree",
    "'Top.*{1,2}.x'::lquery",
    "array['a.b'::ltree]",
    "'(1,2),(3,4)'::cube",
    "'(1)'::cube",
    "array['(1,2)'::cube, null, '(1,2)'::cube]",
    "'1.5 .. 2.5'::seg",
    "array['1.5 .. 2.5'::seg]",
    "'978-0-393-04002-9'::isbn13",
    "'42'::plain",
    "array['42'::plain, '-1'::plain]",
};

enum { VALUES = sizeof values / sizeof *values };

static void test_each_alone(void** state) {
  (void)state;
  shown_in("x", values, VALUES);
}

static void test_in_rows(void** state) {
  (void)state;
  shown_in_rows(values, VALUES);
}

/* Nothing is known of anything: a pool for each. */
static void test_each_on_a_new_pool(void** state) {
  (void)state;
  for (size_t i = 0; i < VALUES; i++) {
    char sql[900];
    snprintf(sql, sizeof sql, "select x, format('%%s', x) from (select %s) t(x)", values[i]);
    creche_pool fresh = open_pool(1);
    answer a;
    run(fresh, &a, sql);
    compare(&a, sql);
    answer_free(&a);
    close_pool(fresh);
  }
}

static void test_tables(void** state) {
  (void)state;
  shown_as_printed("select kept, format('%s', kept) from goods");
  shown_as_printed("select cost, cost::text from goods");
  shown_as_printed("select g, format('%s', g) from goods g");
  shown_as_printed("select cost, cost::text from goods where false");
  shown_as_printed("select null::regclass, null::text");
  shown_as_printed("select oid::regclass, oid::regclass::text from pg_class");
  shown_as_printed(
      "select n::text::money, format('%s', n::text::money) from generate_series(1, 3000) n");
}

/* In a transaction nothing is asked that could break it, and what was asked stays in it. */
static void test_in_a_transaction(void** state) {
  (void)state;
  creche_pool fresh = open_pool(1);
  creche_connection c = acquire(fresh);
  must_on(c, "begin");
  must_on(c, "create type late as enum ('one')");
  must_on(c, "create domain later as int");
  static const char* const sqls[] = {
      "select 'one'::late, 'one'",
      "select array[1094795585]::later[], '{1094795585}'",
      "select 'pg_class'::regclass, 'pg_class'",
      "select money '3.50', money '3.50'::text",
  };
  for (size_t i = 0; i < sizeof sqls / sizeof *sqls; i++) {
    answer a;
    run_on(c, &a, sqls[i]);
    compare(&a, sqls[i]);
    answer_free(&a);
  }
  must_on(c, "rollback");
  /* One more with that oid is asked about again, or not known: never taken for the other. */
  must_on(c, "create type late as enum ('two')");
  answer a;
  run_on(c, &a, "select 'two'::late, 'two'");
  compare(&a, "two");
  answer_free(&a);
  must_on(c, "drop type late");
  creche_connection_release(c);
  close_pool(fresh);
}

/* Binary forms stay what they are, and the block says what they are. */
static void test_what_the_block_says(void** state) {
  (void)state;
  for (int run_ = 0; run_ < 3; run_++) {
    answer a;
    run(pool, &a,
        "select array[5]::posint[] as d, 'sad'::mood as e, row(1, 'b', '{}')::pair as c, "
        "'x=>1'::hstore as h, 1 as i, 'pg_type'::regclass as r");
    EXPECT(&a, CRECHE_OK);
    const uint32_t offset = a.rows->types_offset;
    assert_true(offset >= sizeof(creche_row_block) && offset % 4 == 0);
    int kinds[16] = {0};
    for (const creche_row_type* t = (const void*)((const char*)a.rows + offset); t->oid != 0; t++) {
      const char* name = creche_row_type_name(a.rows, t->oid);
      assert_non_null(name);
      assert_string_equal(name, (const char*)a.rows + t->name_offset);
      kinds[t->kind]++;
      if (t->kind == CRECHE_ROW_TYPE_DOMAIN) assert_int_equal(t->of, CRECHE_PG_INT4);
      if (t->kind == CRECHE_ROW_TYPE_ENUM) assert_string_equal(name, "mood");
    }
    assert_int_equal(kinds[CRECHE_ROW_TYPE_DOMAIN], 1);
    assert_int_equal(kinds[CRECHE_ROW_TYPE_ENUM], 1);
    assert_int_equal(kinds[CRECHE_ROW_TYPE_COMPOSITE], 1);
    assert_int_equal(kinds[CRECHE_ROW_TYPE_HSTORE], 1);
    assert_int_equal(kinds[CRECHE_ROW_TYPE_ARRAY], 2);
    assert_string_equal(creche_row_text(a.rows, 0, 1, NULL), "sad");
    assert_null(creche_row_text(a.rows, 0, 2, NULL));
    size_t size;
    assert_non_null(creche_row_bytes(a.rows, 0, 0, &size));
    assert_int_equal(size, 28);
    assert_int_equal(creche_row_int4(a.rows, 0, 4), 1);
    assert_string_equal(creche_row_text(a.rows, 0, 5, NULL), "pg_type");
    assert_int_equal(creche_row_column_type(a.rows, 5), 2205);
    assert_string_equal(creche_row_type_name(a.rows, 2205), "regclass");
    assert_null(creche_row_type_name(a.rows, 4000000000u));
    answer_free(&a);
  }
  answer plain;
  run(pool, &plain, "select 1");
  assert_int_equal(plain.rows->types_offset, 0);
  answer_free(&plain);
}

/* pgvector's type by its name. */
static void test_vector(void** state) {
  (void)state;
  answer a;
  for (int run_ = 0; run_ < 3; run_++) {
    run(pool, &a,
        "select '\\x000300003f800000c000000000000000'::vector, "
        "array['\\x000100003f000000'::vector]");
    EXPECT(&a, CRECHE_OK);
    char text[64];
    creche_row_format(a.rows, 0, 0, text, sizeof text);
    assert_string_equal(text, "[1,-2,0]");
    creche_row_format(a.rows, 0, 1, text, sizeof text);
    assert_string_equal(text, "{[0.5]}");
    answer_free(&a);
  }
}

/* One type is asked about once on a server, whoever needs it. */
static void test_asked_once(void** state) {
  (void)state;
  creche_pool fresh = open_pool(1);
  must(fresh, "select 1");
  creche_pool_counters before = counters(fresh);
  must(fresh, "select 'sad'::mood");
  creche_pool_counters first = counters(fresh);
  assert_int_equal(first.statements - before.statements, 2);
  must(fresh, "select 'sad'::mood, 2");
  must(fresh, "select array['sad'::mood]");
  creche_pool_counters then = counters(fresh);
  assert_int_equal(then.statements - first.statements, 3);
  for (int i = 0; i < 5; i++) must(fresh, "select 'pg_class'::regclass");
  assert_int_equal(counters(fresh).statements - then.statements, 6);
  close_pool(fresh);
}

/* What a table's column was is not kept when it is something else. */
static void test_another_column(void** state) {
  (void)state;
  must(pool, "create table turns (x regclass)");
  must(pool, "insert into turns values ('pg_class')");
  for (int i = 0; i < 3; i++) {
    answer a;
    run(pool, &a, "select x from turns");
    EXPECT(&a, CRECHE_OK);
    assert_string_equal(creche_row_text(a.rows, 0, 0, NULL), "pg_class");
    answer_free(&a);
  }
  must(pool, "alter table turns alter x type int8 using x::oid::int8");
  must(pool, "select x from turns");
  assert_int_equal(number(pool, "select x from turns"), 1259);
  must(pool, "drop table turns");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_each_alone),
      cmocka_unit_test(test_in_rows),
      cmocka_unit_test(test_each_on_a_new_pool),
      cmocka_unit_test(test_tables),
      cmocka_unit_test(test_in_a_transaction),
      cmocka_unit_test(test_what_the_block_says),
      cmocka_unit_test(test_vector),
      cmocka_unit_test(test_asked_once),
      cmocka_unit_test(test_another_column),
  };
  return cmocka_run_group_tests(tests, open_one, close_one);
}

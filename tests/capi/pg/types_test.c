/* Types: each value is shown exactly as the server itself prints it, alone, in arrays, in rows. */
#include "printed.h"

static int open_one(void** state) {
  if (start_server(state) != 0) return -1;
  pool = open_pool(1);
  must(pool, "alter database postgres set timezone = 'UTC'");
  close_pool(pool);
  pool = open_pool(1);
  must(pool, "create type mood as enum ('sad', 'so so', '')");
  must(pool, "create type pair as (a int, b text, c mood[])");
  must(pool, "create table goods (id int, cost money, kept pair, tags text[])");
  return 0;
}

static int close_one(void** state) {
  close_pool(pool);
  return stop_server(state);
}

/* Values of the types that had no text, with their odd ones. */
static const char* const values[] = {
    "inet '192.168.1.5'",
    "inet '192.168.1.5/24'",
    "inet '0.0.0.0/0'",
    "inet '::1'",
    "inet '::'",
    "inet '2001:db8::ff00:42:8329/64'",
    "inet '::ffff:1.2.3.4'",
    "inet '::1.2.3.4'",
    "inet '1:0:0:2::3'",
    "inet '1:2:3:4:5:6:7:0'",
    "cidr '10.0.0.0/8'",
    "cidr '10.1.2.3/32'",
    "cidr '2001:db8::/32'",
    "cidr '::1/128'",
    "macaddr '08:00:2b:01:02:ff'",
    "macaddr8 '08:00:2b:01:02:03:04:05'",
    "bit '1'",
    "bit '10110111011'",
    "varbit ''",
    "'0000000011111111'::varbit",
    "point '(1.5,-2)'",
    "point '(NaN,Infinity)'",
    "point '(1e300,-1e-300)'",
    "point '(0.1,1e15)'",
    "lseg '[(1,2),(3,4)]'",
    "box '(3,4),(1,2)'",
    "path '[(1,2),(3,4)]'",
    "path '((1,2),(3,4),(5,6.25))'",
    "polygon '((0,0),(1,0),(1,1))'",
    "line '{1,-1,0.5}'",
    "circle '<(1,2),3.5>'",
    "pg_lsn '16/B374D848'",
    "pg_lsn '0/0'",
    "tid '(4294967295,65535)'",
    "tid '(0,1)'",
    "xid '4294967295'",
    "cid '7'",
    "xid8 '18446744073709551615'",
    "'1 2 -3'::int2vector",
    "''::int2vector",
    "'1 2 4294967295'::oidvector",
    "txid_snapshot '10:20:10,14,15'",
    "pg_snapshot '10:20:'",
    "$$'a':1A,2B,3C,4 'it''s':5 'b\\\\s' 'sp ace'$$::tsvector",
    "''::tsvector",
    "$$'a' & !('b':*AB | 'c') <2> 'it''s'$$::tsquery",
    "$$!(a & b) | c <-> (d <-> e)$$::tsquery",
    "$$a & (b | c) & !d$$::tsquery",
    "$$(a <-> b) <-> c$$::tsquery",
    "$$a <-> (b & !c)$$::tsquery",
    "''::tsquery",
    "int4range '[1,10)'",
    "int4range 'empty'",
    "int4range '(,)'",
    "int8range '[5,]'",
    "numrange '(1.50,2.500]'",
    "daterange '[2020-01-01,infinity)'",
    "tsrange '[2020-01-01 00:00,2020-01-02 03:04:05.6]'",
    "tstzrange '[2020-01-01 00:00Z,)'",
    "int4multirange '{[1,3),[5,7)}'",
    "int4multirange '{}'",
    "nummultirange '{(,1.5],[2,)}'",
    "datemultirange '{[2020-01-01,2020-02-01)}'",
    "true",
    "false",
    "int2 '-5'",
    "42",
    "int8 '-9223372036854775808'",
    "1.5::float4",
    "'-0'::float8",
    "'NaN'::float8",
    "1e22::float8",
    "1.10::numeric",
    "'NaN'::numeric",
    "'infinity'::numeric",
    "'a, \"b\" \\c'::text",
    "''::text",
    "'NULL'::text",
    "'null'::varchar",
    "'{x}'::text",
    "'(x)'::text",
    "' x'::text",
    "E'tab\\there\\nthere'::text",
    "'\xc3\xbc\xe2\x82\xac'::text",
    "'x'::\"char\"",
    "'name'::name",
    "'fixed'::char(8)",
    "'\\x00ff'::bytea",
    "''::bytea",
    "'[1, {\"a\": null}]'::json",
    "'[1, {\"a\": null}]'::jsonb",
    "'$.a[*]'::jsonpath",
    "'<a/>'::xml",
    "'1b4e28ba-2fa1-11d2-883f-0016d3cca427'::uuid",
    "date '2020-02-29'",
    "date '0044-03-15 BC'",
    "date '-infinity'",
    "time '23:59:60'",
    "timetz '01:02:03.004+05:30'",
    "timestamp '294276-12-31 23:59:59.999999'",
    "timestamp '1999-12-31 00:00:00.1'",
    "timestamptz '2020-01-01 00:00Z'",
    "interval '1 year -2 days 03:04:05.6'",
    "interval '0'",
    "'sad'::mood",
    "'so so'::mood",
    "''::mood",
    "array['sad', 'so so', '']::mood[]",
    "row(1, 'x, y', array['sad', '']::mood[])::pair",
    "row(null, null, null)::pair",
    "row(7, '\"', '{}')::pair",

    "'refcursor'::refcursor",

};

enum { VALUES = sizeof values / sizeof *values };

static void test_each_alone(void** state) {
  (void)state;
  shown_in("x", values, VALUES);
}

static void test_in_arrays_and_rows(void** state) {
  (void)state;
  for (size_t i = 0; i < VALUES; i++) {
    if (strstr(values[i], "mood[]")) continue;
    shown_in("array[x, null, x]", &values[i], 1);
    shown_in("array[array[x, x], array[x, null]]", &values[i], 1);
  }
  shown_in_rows(values, VALUES);
}

static void test_arrays(void** state) {
  (void)state;
  static const char* const arrays[] = {
      "'{}'::int4[]",
      "'[0:2]={1,2,3}'::int4[]",
      "'[1:1][-2:-1][3:4]={{{1,2},{3,4}}}'::int8[]",
      "'{{{{{{1}}}}}}'::int2[]",
      "array[]::inet[]",
      "'{NULL,\"NULL\",\"\",\" \"}'::text[]",
      "array['{(3,4),(1,2);(7,8),(5,6)}']::text[]",
      "'{(3,4),(1,2);(7,8),(5,6)}'::box[]",
      "array[int4range '[1,2)', null, 'empty']",
      "array['{[1,2),[5,6)}'::int4multirange]",
      "array['1 2'::int2vector, '3 4'::int2vector]",
      "(select array_agg(t) from (values (1, 'x'::text), (2, null)) t)",
  };
  shown_in("x", arrays, sizeof arrays / sizeof *arrays);
}

/* Whatever the catalog has: nothing fails, and nothing is shown as bytes. */
static void test_catalogs(void** state) {
  (void)state;
  must(pool, "insert into goods values (1, 12.34, row(1, 'a', '{sad}'), '{x}')");
  shown_as_printed("select kept, format('%s', kept) from goods");
  shown_as_printed("select g, format('%s', g) from (select id, kept, tags from goods) g");
  shown_as_printed("select ctid, format('%s', ctid) from pg_class limit 20");
  shown_as_printed("select xmin, format('%s', xmin) from pg_class limit 5");
  shown_as_printed("select indkey, format('%s', indkey) from pg_index");
  shown_as_printed(
      "select proargtypes, format('%s', proargtypes) from pg_proc order by oid limit 100");
  shown_as_printed(
      "select relacl, format('%s', relacl) from pg_class where relacl is not null limit 10");
  shown_as_printed("select client_addr, format('%s', client_addr) from pg_stat_activity");
}

/* Parameters of these types go as text, declared or not. */
static void test_as_parameters(void** state) {
  (void)state;
  static const struct {
    const char* type;
    const char* text;
  } params[] = {{"inet", "10.0.0.1/8"}, {"macaddr", "08:00:2b:01:02:ff"},
                {"varbit", "0101"},     {"point", "(1,2)"},
                {"int4range", "[1,5)"}, {"tsquery", "'a' & 'b'"},
                {"money", "$1,234.50"}, {"regclass", "pg_class"},
                {"pg_lsn", "1/2"},      {"inet[]", "{1.2.3.4}"},
                {"mood", "so so"},      {"pair", "(1,x,{sad})"}};
  for (size_t i = 0; i < sizeof params / sizeof *params; i++) {
    char sql[200];
    snprintf(sql, sizeof sql, "select ($1::%s)::text", params[i].type);
    answer a;
    answer_init(&a);
    const creche_value value = creche_text(params[i].text);
    OK(creche_pool_query(pool, loop.scope, sql, &value, 1, NULL, on_answer, &a, NULL));
    EXPECT(&a, CRECHE_OK);
    assert_string_equal(creche_row_text(a.rows, 0, 0, NULL), params[i].text);
    answer_free(&a);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_each_alone),    cmocka_unit_test(test_in_arrays_and_rows),
      cmocka_unit_test(test_arrays),        cmocka_unit_test(test_catalogs),
      cmocka_unit_test(test_as_parameters),
  };
  return cmocka_run_group_tests(tests, open_one, close_one);
}

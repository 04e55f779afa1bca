/* Values of each type both ways: in as text, out in binary form, in again in that binary form, out
 * once more; each time as the server itself prints what it got. */
#include "pg_test.h"

static creche_pool pool;

static int open_one(void** state) {
  if (start_server(state) != 0) return -1;
  pool = open_pool(1);
  must(pool, "alter database postgres set timezone = 'UTC'");
  close_pool(pool);
  pool = open_pool(1);
  must(pool, "create type mood as enum ('sad', 'so so', '')");
  must(pool, "create domain posint as int check (value > 0)");
  must(pool, "create type pair as (a int, b text, c mood[])");
  must(pool, "create type deep as (p pair, ps pair[], d posint, n numeric)");
  must(pool, "create type span as range (subtype = float8)");
  must(pool, "create extension hstore");
  must(pool, "create extension citext");
  must(pool, "create extension ltree");
  return 0;
}

static int close_one(void** state) {
  close_pool(pool);
  return stop_server(state);
}

static const struct {
  const char* type;
  const char* values[24];
} types[] = {
    {"bool", {"true", "false"}},
    {"int2", {"0", "-32768", "32767"}},
    {"int4", {"0", "-2147483648", "2147483647"}},
    {"int8", {"0", "-9223372036854775808", "9223372036854775807"}},
    {"oid", {"0", "4294967295"}},
    {"xid", {"0", "4294967295"}},
    {"cid", {"4294967295"}},
    {"xid8", {"0", "18446744073709551615"}},
    {"tid", {"(0,1)", "(4294967295,65535)"}},
    {"pg_lsn", {"0/0", "FFFFFFFF/FFFFFFFF"}},
    {"float4",
     {"0", "-0", "1.1", "3.4028235e38", "1e-45", "-1.17549435e-38", "NaN", "Infinity", "-Infinity",
      "123456", "1234567", "0.0001", "0.00001"}},
    {"float8",
     {"0", "-0", "0.1", "1.7976931348623157e308", "5e-324", "2.2250738585072014e-308", "NaN",
      "Infinity", "-Infinity", "123456789012345", "1234567890123456", "0.0001", "0.00001",
      "9007199254740993"}},
    {"numeric",
     {"0", "0.00", "-0.5", "1.00000", "NaN", "Infinity", "-Infinity", "1e1000", "-1e-1000", "10000",
      "9999", "0.0001", "0.00001", "12345678901234567890.123456789012345678901234567890",
      "99999999", "100000000", "-1"}},
    {"numeric(10,3)", {"1.5", "-9999999.999", "NaN"}},
    {"text",
     {"", "x", " blank ", "NULL", "tab\there", "\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80", "'\"\\"}},
    {"varchar(5)", {"", "abcde"}},
    {"char(4)", {"", "ab", "abcd"}},
    {"name", {"", "somebody"}},
    {"\"char\"", {"x", "\\200", "", "\\\\"}},
    {"bytea", {"", "\\x00", "\\x00ff0a5c27"}},
    {"uuid", {"00000000-0000-0000-0000-000000000000", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"}},
    {"json", {"null", "[1, 2,\n 3]", "{\"a\": \"\\u0000\", \"a\": 1}", "\"\\ud83d\\ude00\""}},
    {"jsonb",
     {"null", "[1, 2.50, 1e400]", "{\"b\": {\"c\": []}, \"a\": \"\xc3\xbc\"}", "\"x\\\\u0000\""}},
    {"jsonpath", {"$.a[*] ? (@ > 1)", "strict $"}},
    {"xml", {"<a b=\"c\">d</a>", "text", ""}},
    {"date",
     {"1970-01-01", "2000-02-29", "4714-11-24 BC", "0001-12-31 BC", "5874897-12-31", "infinity",
      "-infinity"}},
    {"time", {"00:00", "24:00:00", "23:59:59.999999", "12:00:00.1"}},
    {"timetz", {"00:00+00", "24:00:00-15:59", "12:34:56.789+05:30", "01:00:00+15:59:59"}},
    {"timestamp",
     {"1970-01-01", "2000-01-01 00:00:00.000001", "1999-12-31 23:59:59.999999",
      "4714-11-24 00:00 BC", "294276-12-31 23:59:59.999999", "294247-01-10 04:00:54.775806",
      "294247-01-10 04:00:54.775807", "294247-01-10 04:00:54.775808", "infinity", "-infinity"}},
    {"timestamptz",
     {"1970-01-01 00:00+00", "2020-06-01 12:00+05:30", "4714-11-24 00:00+00 BC",
      "294276-12-31 23:59:59.999999+00", "infinity", "-infinity"}},
    {"interval",
     {"0", "1 mon", "-1 mon +1 day", "1 year 2 mons -3 days 04:05:06.789", "-00:00:00.000001",
      "178000000 years", "-178000000 years", "2147483647 days", "-2147483648 days",
      "2147483647 mons 2147483647 days 2562047788:00:54.775806", "-2562047788:00:54.775807"}},
    {"inet",
     {"0.0.0.0/0", "10.1.2.3", "10.1.2.3/8", "255.255.255.255", "::", "::1/128",
      "2001:db8::ff00:42:8329/64", "::ffff:1.2.3.4/96", "fe80::1"}},
    {"cidr", {"10.0.0.0/8", "0.0.0.0/0", "2001:db8::/32", "::/0", "1.2.3.4/32"}},
    {"macaddr", {"08:00:2b:01:02:ff", "00:00:00:00:00:00"}},
    {"macaddr8", {"08:00:2b:01:02:03:04:ff"}},
    {"bit(1)", {"0", "1"}},
    {"bit(11)", {"10110111011"}},
    {"varbit", {"", "1", "00000000", "111111110"}},
    {"point", {"(0,0)", "(-0,1e300)", "(NaN,Infinity)"}},
    {"lseg", {"[(1,2),(3,4)]"}},
    {"line", {"{1,-1,0.5}", "{0,1,0}"}},
    {"box", {"(3,4),(1,2)", "(0,0),(0,0)"}},
    {"path", {"[(1,2),(3,4)]", "((1,2),(3,4),(5,6.25))"}},
    {"polygon", {"((0,0),(1,0),(1,1))"}},
    {"circle", {"<(1,2),3.5>", "<(0,0),0>"}},
    {"txid_snapshot", {"10:20:10,14,15", "1:1:"}},
    {"pg_snapshot", {"10:20:10,14,15", "10:20:"}},
    {"tsvector", {"", "'a':1A,2B,3C,4 'it''s':5 'b\\\\s'", "'a' 'b'"}},
    {"tsquery", {"", "'a' & !('b':*AB | 'c') <2> 'it''s'", "!( 'a' & 'b' )"}},
    {"int2vector", {"", "1 -2 3"}},
    {"oidvector", {"", "1 2 4294967295"}},
    {"money", {"$0.00", "-$1,234.50", "$92,233,720,368,547,758.07"}},
    {"regclass", {"pg_class", "-", "4294967295"}},
    {"regtype", {"integer", "mood", "timestamp with time zone"}},
    {"regproc", {"now", "-"}},
    {"regprocedure", {"now()", "substr(text,integer)"}},
    {"regoper", {"||/"}},
    {"regoperator", {"+(integer,integer)"}},
    {"regnamespace", {"pg_catalog"}},
    {"regrole", {"postgres"}},
    {"regconfig", {"english"}},
    {"regdictionary", {"simple"}},
    {"regcollation", {"\"C\""}},
    {"refcursor", {"a cursor"}},
    {"int4range", {"empty", "[1,10)", "(,)", "[1,)", "(,1)", "[5,5]"}},
    {"int8range", {"empty", "[-9223372036854775808,9223372036854775807)"}},
    {"numrange", {"[1.50,2.500]", "(1,2]", "empty", "(,NaN]", "[-Infinity,Infinity]"}},
    {"daterange", {"[2020-01-01,infinity)", "[-infinity,2020-01-01)", "empty"}},
    {"tsrange", {"[\"2020-01-01 00:00:00\",infinity]", "(,)"}},
    {"tstzrange",
     {"[\"2020-01-01 00:00:00+00\",\"2020-01-02 00:00:00+00\")", "[infinity,infinity]"}},
    {"int4multirange", {"{}", "{[1,3),[5,7)}", "{(,1),[2,)}", "{(,)}"}},
    {"nummultirange", {"{[1.5,2.50],(3,4)}"}},
    {"tstzmultirange", {"{[\"2020-01-01 00:00:00+00\",\"2020-01-02 00:00:00+00\")}"}},
    {"datemultirange", {"{[2020-01-01,2020-02-01)}"}},
    {"int4[]",
     {"{}", "{1,2,NULL}", "{{1,2},{3,4}}", "[0:2]={1,2,3}", "[1:1][-2:-1][3:4]={{{1,2},{3,4}}}",
      "{{{{{{1}}}}}}"}},
    {"text[]", {"{}", "{\"\",NULL,\"NULL\",\"a\\\"b\\\\c\",\"{x}\",\" \",\"a,b\"}"}},
    {"bool[]", {"{t,f,NULL}"}},
    {"float8[]", {"{NaN,-Infinity,-0,5e-324}"}},
    {"numeric[]", {"{1.00,NaN,Infinity}"}},
    {"bytea[]", {"{\"\\\\x00ff\",\"\"}"}},
    {"date[]", {"{infinity,\"4714-11-24 BC\"}"}},
    {"timestamptz[]", {"{\"2020-01-01 00:00:00+00\",-infinity}"}},
    {"interval[]", {"{\"1 mon -00:00:00.000001\"}"}},
    {"jsonb[]", {"{\"{\\\"a\\\": [1]}\"}"}},
    {"uuid[]", {"{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}"}},
    {"inet[]", {"{10.0.0.1/8,::1}"}},
    {"box[]", {"{(3,4),(1,2);(7,8),(5,6)}"}},
    {"int4range[]", {"{\"[1,5)\",empty,NULL}"}},
    {"int4multirange[]", {"{\"{[1,2),[5,6)}\"}"}},
    {"money[]", {"{$1.50,NULL}"}},
    {"regclass[]", {"{pg_class,-}"}},
    {"mood", {"sad", "so so", ""}},
    {"mood[]", {"{sad,\"so so\",\"\",NULL}"}},
    {"posint", {"1", "2147483647"}},
    {"posint[]", {"{1,NULL,1094795585}"}},
    {"pair", {"(1,\"x, y\",\"{sad,\"\"\"\"}\")", "(,,)", "(7,\"\",{})"}},
    {"pair[]", {"{\"(1,a,)\",NULL}"}},
    {"deep", {"(\"(1,a,{sad})\",\"{\"\"(2,b,)\"\"}\",5,1.50)", "(,,,)"}},
    {"span", {"empty", "[1.5,2.5)", "(,)"}},
    {"span_multirange", {"{}", "{[1,2),[3,4)}"}},
    {"span[]", {"{\"[1,2)\"}"}},
    {"hstore", {"", "\"a\"=>\"1\", \"b\"=>NULL, \"\"=>\"q\\\"\\\\\""}},
    {"citext", {"Hello"}},
    {"ltree", {"Top.Science.x_1", ""}},
    {"lquery", {"Top.*{1,2}.x"}},
};

/* Where a value that is held in the cell goes back as a number. */
static creche_value again(const creche_row_block* rows) {
  const uint32_t type = creche_row_column_type(rows, 0);
  size_t size;
  const void* bytes = creche_row_bytes(rows, 0, 0, &size);
  if (bytes) return creche_value_of(type, CRECHE_VALUE_BINARY, bytes, size);
  if (type == CRECHE_PG_FLOAT4 || type == CRECHE_PG_FLOAT8) {
    creche_value v = creche_value_of(type, CRECHE_VALUE_REAL, NULL, 0);
    v.real = creche_row_float8(rows, 0, 0);
    return v;
  }
  if (type == CRECHE_PG_BOOL) return creche_bool(creche_row_bool(rows, 0, 0));
  return creche_integer_of(type, creche_row_int8(rows, 0, 0));
}

static int is_late(const creche_row_block* rows) {
  const creche_row_cell* cell = (const void*)((const char*)rows + rows->cells_offset);
  return cell->later != 0;
}

/* The library's text of the first column is the server's, which is the second. Returns the block.
 */
static answer shown(const char* sql, const creche_value* value, const char* wanted) {
  static char text[300000];
  answer a;
  answer_init(&a);
  OK(creche_pool_query(pool, loop.scope, sql, value, 1, NULL, on_answer, &a, NULL));
  answer_wait(&a);
  if (a.status != CRECHE_OK) fail_msg("%s: %s", sql, creche_error_message(a.error));
  const char* printed = creche_row_text(a.rows, 0, 1, NULL);
  if (!printed) fail_msg("%s: NULL", sql);
  creche_row_format(a.rows, 0, 0, text, sizeof text);
  if (strcmp(text, printed) != 0) fail_msg("%s: %.2000s instead of %.2000s", sql, text, printed);
  if (wanted && strcmp(text, wanted) != 0)
    fail_msg("%s: %.2000s came back as %.2000s", sql, wanted, text);
  return a;
}

/* The server refuses the binary form that it has sent of these when they are empty. */
static int comes_back(const char* type, const char* value) {
  return *value || (strcmp(type, "tsquery") != 0 && !strstr(type, "vector")) ||
         strcmp(type, "tsvector") == 0;
}

static void both_ways(const char* type, const char* value) {
  char sql[200];
  const creche_value text = creche_text(value);
  for (int run_ = 0; run_ < 2; run_++) {
    snprintf(sql, sizeof sql, "select x, format('%%s', x) from (select $1::%s) t(x)", type);
    answer a = shown(sql, &text, NULL);
    const creche_row_column* column = (const void*)((const char*)a.rows + a.rows->columns_offset);
    if (column->text == 0 && !is_late(a.rows) && comes_back(type, value)) {
      const creche_value same = again(a.rows);
      const char* printed = creche_row_text(a.rows, 0, 1, NULL);
      answer b = shown(sql, &same, printed);
      answer_free(&b);
    }
    answer_free(&a);
  }
}

static void test_each_value(void** state) {
  (void)state;
  for (size_t t = 0; t < sizeof types / sizeof *types; t++)
    for (size_t v = 0; types[t].values[v]; v++) both_ways(types[t].type, types[t].values[v]);
}

/* As many digits as there can be. */
static void test_the_longest_numeric(void** state) {
  (void)state;
  static char digits[131072 + 1 + 16383 + 1];
  memset(digits, '7', sizeof digits - 1);
  digits[131072] = '.';
  both_ways("numeric", digits);
  digits[0] = '-';
  both_ways("numeric", digits);
}

/* A big array, of elements of each length. */
static void test_a_big_array(void** state) {
  (void)state;
  answer a = shown(
      "select x, x::text from (select array_agg(repeat('\"', n)) from generate_series(1, "
      "$1::int) n) t(x)",
      (creche_value[]){creche_int4(300)}, NULL);
  const creche_value same = again(a.rows);
  answer b = shown("select $1, $1::text", &same, creche_row_text(a.rows, 0, 1, NULL));
  answer_free(&a);
  answer_free(&b);
}

/* What does not fit is refused before anything is sent. */
static void test_refused(void** state) {
  (void)state;
  static const struct {
    uint32_t type;
    int64_t value;
  } wrong[] = {{CRECHE_PG_INT2, 32768},    {CRECHE_PG_INT4, INT64_C(2147483648)},
               {CRECHE_PG_BOOL, 2},        {26, -1},
               {26, INT64_C(4294967296)},  {CRECHE_PG_DATE, INT64_C(1) << 40},
               {CRECHE_PG_DATE, INT32_MAX}};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    const uint64_t before = counters(pool).statements;
    answer a;
    answer_init(&a);
    const creche_value value = creche_integer_of(wrong[i].type, wrong[i].value);
    OK(creche_pool_query(pool, loop.scope, "select $1", &value, 1, NULL, on_answer, &a, NULL));
    EXPECT(&a, CRECHE_E_INVALID);
    assert_non_null(strstr(creche_error_message(a.error), "$1"));
    assert_int_equal(counters(pool).statements, before);
    answer_free(&a);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_each_value),
      cmocka_unit_test(test_the_longest_numeric),
      cmocka_unit_test(test_a_big_array),
      cmocka_unit_test(test_refused),
  };
  return cmocka_run_group_tests(tests, open_one, close_one);
}

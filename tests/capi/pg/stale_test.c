/* What the library keeps of statements, while somebody changes what they are about: prepared ones
 * heal unseen where nothing is lost, results come in the forms that there are, nothing is kept for
 * ever. */
#include "pg_test.h"
#include "support/blocker.h"

static creche_pool other; /* who changes things */

static int start(void** state) {
  if (start_server(state) != 0) return -1;
  other = open_pool(1);
  return 0;
}
static int stop(void** state) {
  close_pool(other);
  return stop_server(state);
}

static creche_status with(creche_pool pool, answer* a, const char* sql, const char* value) {
  const creche_value v = creche_text(value);
  answer_init(a);
  OK(creche_pool_query(pool, loop.scope, sql, &v, 1, NULL, on_answer, a, NULL));
  return answer_wait(a);
}

static void must_with(creche_pool pool, const char* sql, const char* value) {
  answer a;
  with(pool, &a, sql, value);
  EXPECT(&a, CRECHE_OK);
  answer_free(&a);
}

typedef struct migration {
  const char* before[3];
  const char* value;
  const char* change[6];
  const char* then;
} migration;

static void apply(const char* const* statements, int count) {
  for (int i = 0; i < count && statements[i]; i++) must(other, statements[i]);
}

static const migration migrations[] = {
    {{"create type st as enum ('a', 'b')", "create table s (m st)"},
     "a",
     {"create type st2 as enum ('a')", "alter table s alter m type st2 using m::text::st2",
      "alter type st rename to st_old", "alter type st2 rename to st", "drop type st_old"},
     "a"},
    {{"create table s (m int4)"}, "1", {"alter table s alter m type int8"}, "5000000000"},
    {{"create table s (m varchar)"},
     "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
     {"alter table s alter m type uuid using m::uuid"},
     "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"},
    {{"create table s (m int4)"}, "1", {"drop table s", "create table s (m text)"}, "x"},
};
enum { MIGRATIONS = sizeof migrations / sizeof *migrations };

/* Not one statement fails. */
static void test_migrations(void** state) {
  (void)state;
  for (int m = 0; m < MIGRATIONS; m++) {
    creche_pool pool = open_pool(1);
    apply(migrations[m].before, 3);
    for (int i = 0; i < 3; i++) must_with(pool, "insert into s values ($1)", migrations[m].value);
    apply(migrations[m].change, 6);
    for (int i = 0; i < 3; i++) must_with(pool, "insert into s values ($1)", migrations[m].then);
    assert_int_equal(counters(pool).dropped, 0);
    close_pool(pool);
    must(other, "drop table s");
    must(other, "drop type if exists st");
  }
}

static int64_t yes(const char* sql) {
  answer a;
  run(other, &a, sql);
  EXPECT(&a, CRECHE_OK);
  int32_t b = creche_row_bool(a.rows, 0, 0);
  answer_free(&a);
  return b;
}

/* No error tells that text would be read as the type that the column had. */
static void test_inferred_types(void** state) {
  (void)state;
  static const struct {
    const char *before, *after, *value;
  } changes[] = {
      {"timestamp", "timestamptz", "2026-01-01 00:00:00+02"},
      {"timestamptz", "timestamp", "2026-01-01 00:00:00+02"},
      {"date", "timestamp", "2026-01-01 12:00:00"},
      {"float4", "float8", "0.1"},
      {"char(4)", "text", "ab  "},
  };
  for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
    char sql[200];
    creche_pool pool = open_pool(1);
    snprintf(sql, sizeof sql, "create table s (m %s)", changes[i].before);
    must(other, sql);
    for (int n = 0; n < 4; n++) must_with(pool, "insert into s values ($1)", changes[i].value);
    snprintf(sql, sizeof sql, "alter table s alter m type %s", changes[i].after);
    must(other, "delete from s");
    must(other, sql);
    for (int n = 0; n < 2; n++) must_with(pool, "insert into s values ($1)", changes[i].value);
    snprintf(sql, sizeof sql, "select count(*) = 2 and bool_and(m::text = '%s'::%s::text) from s",
             changes[i].value, changes[i].after);
    assert_int_equal(yes(sql), 1);
    assert_true(counters(pool).prepares <= 1); /* found out once */
    must(other, "drop table s");
    close_pool(pool);
  }
  /* Declared, it is what was declared, and is kept. */
  creche_pool pool = open_pool(1);
  for (int n = 0; n < 4; n++) {
    const creche_value v =
        creche_value_of(CRECHE_PG_TIMESTAMP, CRECHE_VALUE_TEXT, "2026-01-01 00:00", 16);
    answer a;
    answer_init(&a);
    OK(creche_pool_query(pool, loop.scope, "select $1", &v, 1, NULL, on_answer, &a, NULL));
    EXPECT(&a, CRECHE_OK);
    answer_free(&a);
  }
  assert_int_equal(counters(pool).prepares, 1);
  assert_int_equal(number(pool, "select count(*) from pg_prepared_statements"), 1);
  close_pool(pool);
}

/* Nor that text would be written anew by it: what a kept statement stores is what a new one does.
 */
static void test_texts_of_inferred_types(void** state) {
  (void)state;
  static const struct {
    const char *before, *warm, *after, *value, *stored;
  } changes[] = {
      {"int4", "1", "text", "00123", "00123"},
      {"int4", "1", "varchar(10)", "+5", "+5"},
      {"int8", "1", "text", " 7", " 7"},
      {"int2", "1", "text", "-0", "-0"},
      {"int4", "1", "text", "-12", "-12"},
      {"numeric", "1", "text", "1e3", "1e3"},
      {"numeric", "1", "int4", "1.5", NULL},
      {"oid", "1", "text", "007", "007"},
      {"oid", "1", "int4", "4294967295", NULL},
      {"bool", "true", "text", "yes", "yes"},
      {"bool", "true", "text", "t", "t"},
      {"bool", "true", "text", "true", "true"},
      {"uuid", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "text",
       "A0EEBC99-9c0b-4ef8-bb6d-6bb9bd380a11", "A0EEBC99-9c0b-4ef8-bb6d-6bb9bd380a11"},
      {"jsonb", "{}", "json", "{\"b\":1,\"b\":2}", "{\"b\":1,\"b\":2}"},
      {"json", "{}", "text", "{\"b\":1,\"b\":2}", "{\"b\":1,\"b\":2}"},
      {"float8", "1", "numeric", "0.12345678901234567890", "0.12345678901234567890"},
      {"float8", "1", "text", "1.10", "1.10"},
      {"int4[]", "{1}", "text", "{ 1, 2 }", "{ 1, 2 }"},
      {"int4[]", "{1}", "text", "{1,2}", "{1,2}"},
      {"text[]", "{a}", "text", "{\"a\"}", "{\"a\"}"},
      {"interval", "1 hour", "text", "90 minutes", "90 minutes"},
      {"bytea", "x", "text", "abc", "abc"},
      {"cidr", "10.0.0.0/8", "text", "10/8", "10/8"},
      {"macaddr", "08:00:2b:01:02:03", "text", "08002b010203", "08002b010203"},
      {"regclass", "pg_class", "oid", "pg_class", NULL},
      {"xid", "1", "text", "010", "010"},
      {"whole", "1", "text", "007", "007"}, /* a domain */
      {"flag", "true", "text", "on", "on"},
  };
  must(other, "create domain whole as int4");
  must(other, "create domain flag as bool");
  for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
    char sql[300];
    answer a;
    creche_pool pool = open_pool(1);
    snprintf(sql, sizeof sql, "create table s (m %s)", changes[i].before);
    must(other, sql);
    for (int n = 0; n < 3; n++) must_with(pool, "insert into s values ($1)", changes[i].warm);
    must(other, "delete from s");
    snprintf(sql, sizeof sql, "alter table s alter m type %s using m::text::%s", changes[i].after,
             changes[i].after);
    must(other, sql);
    with(pool, &a, "insert into s values ($1)", changes[i].value);
    EXPECT(&a, changes[i].stored ? CRECHE_OK : CRECHE_E_PG);
    answer_free(&a);
    snprintf(sql, sizeof sql,
             "select count(*) = %d and coalesce(bool_and(m::text = '%s'), true) from s",
             changes[i].stored != NULL, changes[i].stored ? changes[i].stored : "");
    if (!yes(sql)) fail_msg("%s, %s: %s", changes[i].before, changes[i].after, changes[i].value);
    must(other, "drop table s");
    close_pool(pool);
  }
  must(other, "drop domain whole");
  must(other, "drop domain flag");
}

/* What is safe is kept, and the rest does no harm to it. */
static void test_kept_with_inferred_types(void** state) {
  (void)state;
  static const struct {
    const char *type, *kept, *not_kept;
  } cases[] = {
      {"int4", "7", "07"},
      {"bool", "true", "t"},
      {"uuid", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "A0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"},
      {"mood", "so_so", "very happy"},
      {"int8[]", "{1,2}", "{1, 2}"},
  };
  creche_pool pool = open_pool(1);
  must(other, "create type mood as enum ('so_so', 'very happy')");
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char sql[200];
    const uint64_t before = counters(pool).prepares;
    snprintf(sql, sizeof sql, "select $1::%s", cases[i].type);
    for (int n = 0; n < 6; n++) must_with(pool, sql, n % 3 ? cases[i].kept : cases[i].not_kept);
    assert_int_equal(counters(pool).prepares - before, 1);
    snprintf(sql, sizeof sql,
             "select count(*) from pg_prepared_statements where statement = 'select $1::%s'"
             " and generic_plans + custom_plans = 4",
             cases[i].type);
    assert_int_equal(number(pool, sql), 1);
  }
  close_pool(pool);
  must(other, "drop type mood");
}

/* In a transaction the error is the user's; the next one is well. */
static void test_in_a_transaction(void** state) {
  (void)state;
  creche_pool pool = open_pool(1);
  must(other, "create table s (m int4)");
  for (int i = 0; i < 3; i++) must_with(pool, "insert into s values ($1)", "1");
  must(other, "alter table s alter m type int8");
  for (int round = 0; round < 2; round++) {
    creche_connection c = acquire(pool);
    const creche_value v = creche_text("5000000000");
    answer a;
    must_on(c, "begin");
    answer_init(&a);
    OK(creche_connection_query(c, loop.scope, "insert into s values ($1)", &v, 1, NULL, on_answer,
                               &a, NULL));
    EXPECT(&a, round == 0 ? CRECHE_E_PG : CRECHE_OK);
    answer_free(&a);
    creche_connection_release(c);
  }
  close_pool(pool);
  must(other, "drop table s");
}

/* What the transaction itself, or its session, has changed makes no statement fail: what was
 * prepared before is prepared anew. */
static void test_own_changes_in_a_transaction(void** state) {
  (void)state;
  static const char* const changes[][2] = {
      {"alter table s add n int default 7", "2"},
      {"alter table s alter m type numeric", "1"},
      {"set local search_path = elsewhere", "3"},
      {"set search_path to elsewhere", "3"},
      {"select set_config('search_path', 'elsewhere', true)", "3"},
      {"set local schema 'elsewhere'", "3"},
      {"create temporary table s (a int, b int, c int, d int) on commit drop", "4"},
      {"drop table s; create table s (a text, b int)", "2"},
      {"do $$ begin execute 'alter table s add n int'; end $$", "2"},
  };
  enum { SCRIPT = 7 }; /* several in one text */
  creche_pool pool = open_pool(1);
  must(other, "create schema elsewhere");
  must(other, "create table elsewhere.s (a int, b int, c text)");
  must(other, "create table s (m int4)");
  creche_connection c = acquire(pool);
  answer a;
  for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
    const uint32_t columns = (uint32_t)(changes[i][1][0] - '0');
    for (int k = 0; k < 3; k++) must_on(c, "select * from s");
    must_on(c, "begin");
    must_on(c, "select * from s");
    must_on(c, "savepoint before");
    answer_init(&a);
    if (i == SCRIPT)
      OK(creche_connection_script(c, loop.scope, changes[i][0], NULL, on_answer, &a, NULL));
    else
      OK(creche_connection_query(c, loop.scope, changes[i][0], NULL, 0, NULL, on_answer, &a, NULL));
    EXPECT(&a, CRECHE_OK);
    answer_free(&a);
    for (int k = 0; k < 3; k++) {
      run_on(c, &a, "select * from s");
      EXPECT(&a, CRECHE_OK);
      assert_int_equal(a.rows->column_count, columns);
      answer_free(&a);
    }
    must_on(c, "rollback to before");
    for (int k = 0; k < 3; k++) {
      run_on(c, &a, "select * from s");
      EXPECT(&a, CRECHE_OK);
      assert_int_equal(a.rows->column_count, 1);
      answer_free(&a);
    }
    must_on(c, "rollback");
    must_on(c, "begin");
    must_on(c, "select * from s");
    must_on(c, "commit");
  }
  /* What was set for a transaction only is over with it. */
  must_on(c, "begin");
  must_on(c, "set local search_path = elsewhere");
  for (int k = 0; k < 3; k++) must_on(c, "select * from s");
  must_on(c, "commit");
  must_on(c, "begin");
  run_on(c, &a, "select * from s");
  EXPECT(&a, CRECHE_OK);
  assert_int_equal(a.rows->column_count, 1);
  answer_free(&a);
  must_on(c, "commit");
  creche_connection_release(c);
  /* A migration through the pool: the transactions of its other sessions know of it. */
  creche_pool two = open_pool(2);
  creche_connection d = acquire(two);
  for (int k = 0; k < 3; k++) must_on(d, "select * from s");
  must(two, "alter table s add late int");
  must_on(d, "begin");
  must_on(d, "select * from s");
  must_on(d, "commit");
  creche_connection_release(d);
  close_pool(two);
  close_pool(pool);
  must(other, "drop table s");
  must(other, "drop schema elsewhere cascade");
}

/* A failure that is the statement's own is told, and it is not run again and again. */
static void test_own_failures(void** state) {
  (void)state;
  creche_pool pool = open_pool(1);
  must(other, "create sequence tries");
  for (int i = 0; i < 4; i++) {
    answer a;
    with(pool, &a, "select 1 / $1::int, nextval('tries')", "1");
    EXPECT(&a, CRECHE_OK);
    answer_free(&a);
  }
  for (int i = 0; i < 4; i++) {
    answer a;
    with(pool, &a, "select nextval('tries'), 1 / $1::int", "0");
    EXPECT(&a, CRECHE_E_PG);
    assert_string_equal(answer_state(&a), "22012");
    answer_free(&a);
  }
  assert_true(number(other, "select nextval('tries')") <= 4 + 2 * 4 + 1);
  must(other, "drop sequence tries");
  close_pool(pool);
}

static void test_lifetime(void** state) {
  (void)state;
  creche_pool pool;
  creche_pool_options o;
  OK(creche_pool_options_init(&o, sizeof o));
  assert_int_equal(o.statement_lifetime, 300 * CRECHE_SECOND);
  assert_int_equal(o.max_lifetime, 1800 * CRECHE_SECOND);
  o.max_size = 1;
  o.statement_lifetime = CRECHE_MILLISECOND;
  OK(creche_pool_open(loop, support_postgres_url(server), &o, &pool));
  must(pool, "select 1");
  for (uint64_t i = 1; i < 4; i++) {
    must(pool, "select 1");
    assert_int_equal(counters(pool).prepares, i);
    nap_ms(3); /* it is over */
  }
  /* And what was given up is closed on the server. */
  assert_true(number(pool, "select count(*) from pg_prepared_statements") <= 1);
  close_pool(pool);
  o.statement_lifetime = -1;
  assert_int_equal(creche_pool_open(loop, NULL, &o, &pool), CRECHE_E_INVALID);
}

/* ---- Columns without a binary form ---- */

static void expect_text(const answer* a, uint32_t column, const char* text) {
  size_t size = 0;
  const char* got = creche_row_text(a->rows, 0, column, &size);
  char buffer[200];
  assert_non_null(got);
  assert_string_equal(got, text);
  assert_int_equal(size, strlen(text));
  assert_int_equal(creche_row_format(a->rows, 0, column, buffer, sizeof buffer), size);
  assert_string_equal(buffer, text);
}

static uint32_t form(const answer* a, uint32_t column) {
  const char* base = (const char*)a->rows;
  const creche_row_column* columns =
      (const creche_row_column*)(const void*)(base + a->rows->columns_offset);
  return columns[column].text;
}

static const char mixed[] =
    "select 7::int4, 'postgres=r/postgres'::aclitem, timestamptz '2020-01-01Z', array[1,2],"
    " array['postgres=r/postgres'::aclitem], null::aclitem, 'x'::text";

static void check_mixed(const answer* a) {
  assert_int_equal(creche_row_int4(a->rows, 0, 0), 7);
  expect_text(a, 1, "postgres=r/postgres");
  assert_int_equal(creche_row_column_type(a->rows, 1), 1033);
  assert_int_equal(creche_row_int8(a->rows, 0, 2), INT64_C(1577836800000000));
  assert_null(creche_row_text(a->rows, 0, 3, NULL));
  assert_non_null(creche_row_bytes(a->rows, 0, 3, NULL));
  expect_text(a, 4, "{postgres=r/postgres}");
  assert_int_equal(creche_row_is_null(a->rows, 0, 5), 1);
  expect_text(a, 6, "x");
  for (uint32_t c = 0; c < 7; c++) assert_int_equal(form(a, c), c == 1 || c == 4 || c == 5);
}

static void test_forms(void** state) {
  (void)state;
  for (int flags = 0; flags < 2; flags++) { /* prepared, and not */
    creche_pool pool;
    creche_pool_options o;
    OK(creche_pool_options_init(&o, sizeof o));
    o.max_size = 1;
    o.flags = flags ? CRECHE_POOL_NO_PREPARE : 0;
    OK(creche_pool_open(loop, support_postgres_url(server), &o, &pool));
    answer a;
    for (int i = 0; i < 6; i++) {
      const uint64_t before = counters(pool).statements;
      run(pool, &a, mixed);
      EXPECT(&a, CRECHE_OK);
      check_mixed(&a);
      answer_free(&a);
      assert_int_equal(counters(pool).statements - before, i == 0 ? 2 : 1); /* known from then on */
    }
    static const char* const catalogs[] = {"pg_class", "pg_stats", "pg_statistic"};
    must(other, "analyze pg_class"); /* the most common rights: an anyarray of them */
    for (int i = 0; i < 9; i++) {
      char sql[100];
      snprintf(sql, sizeof sql, "select * from %s", catalogs[i / 3]);
      must(pool, sql);
    }
    close_pool(pool);
  }
}

/* What has no binary form breaks no transaction if its statement says that it may have some;
 * streams are looked at first in any case. */
static void test_forms_in_a_transaction(void** state) {
  (void)state;
  static const char* const sqls[] = {"select * from pg_class", "select * from pg_database",
                                     "select relacl, oid from pg_class where relacl is not null",
                                     "select null::gtsvector", "select * from pg_proc limit $1"};
  for (int form = 0; form < 10; form++) {
    const char* sql = sqls[form / 2];
    const creche_value ten = creche_int8(10);
    const size_t values = strchr(sql, '$') != NULL;
    creche_pool pool = open_pool(1);
    creche_connection c = acquire(pool);
    answer a, behind;
    must_on(c, "begin");
    for (int i = 0; i < 3; i++) {
      answer_init(&a);
      answer_init(&behind);
      if (form % 2)
        OK(creche_connection_stream(c, loop.scope, sql, &ten, values, NULL, on_answer, &a, NULL));
      else
        OK(creche_connection_query(c, loop.scope, sql, &ten, values, NULL, on_answer, &a, NULL));
      OK(creche_connection_query(c, loop.scope, "select 7::int8", NULL, 0, NULL, on_answer, &behind,
                                 NULL));
      EXPECT(&a, CRECHE_OK);
      EXPECT(&behind, CRECHE_OK);
      if (form % 2) a.value = 0;
      answer_free(&a);
      answer_free(&behind);
    }
    must_on(c, "commit");
    creche_connection_release(c);
    assert_int_equal(counters(pool).dropped, 0);
    close_pool(pool);
  }
}

/* Inside of what users have made. */
static void test_forms_in_forms(void** state) {
  (void)state;
  must(other, "create type pair as (i int, a aclitem)");
  must(other, "create domain acl as aclitem");
  must(other, "create table forms (i int, p pair, d acl, e acl[])");
  must(other,
       "insert into forms values (1, (2, 'postgres=r/postgres'), 'postgres=r/postgres',"
       " array['postgres=r/postgres'::acl])");
  static const char* const statements[] = {"select * from forms", "select i, row(1, d) from forms",
                                           "insert into forms select * from forms returning *",
                                           "select i, array[row(d)] from forms"};
  creche_pool pool = open_pool(1);
  for (int s = 0; s < 4; s++) {
    for (int i = 0; i < 4; i++) {
      answer a;
      run(pool, &a, statements[s]);
      EXPECT(&a, CRECHE_OK);
      assert_int_equal(creche_row_int4(a.rows, 0, 0), 1);
      if (s == 0) expect_text(&a, 1, "(2,postgres=r/postgres)");
      if (s == 0) expect_text(&a, 2, "postgres=r/postgres");
      if (s == 0) expect_text(&a, 3, "{postgres=r/postgres}");
      answer_free(&a);
    }
  }
  assert_int_equal(number(pool, "select count(*) from forms"), 16);
  /* No run in a transaction fails, here and on any other connection. */
  creche_pool two = open_pool(2);
  creche_connection c = acquire(two), d = acquire(two);
  answer a;
  must_on(c, "begin");
  for (int i = 0; i < 2; i++) {
    must_on(c, "select 1");
    run_on(c, &a, "select * from Forms");
    EXPECT(&a, CRECHE_OK);
    expect_text(&a, 1, "(2,postgres=r/postgres)");
    expect_text(&a, 3, "{postgres=r/postgres}");
    answer_free(&a);
    must_on(c, "select null::acl");
  }
  must_on(c, "create type made");
  must_on(c,
          "create function made_in(cstring) returns made language internal immutable strict as "
          "'textin'");
  must_on(c,
          "create function made_out(made) returns cstring language internal immutable strict as "
          "'textout'");
  must_on(c, "create type made (input = made_in, output = made_out)");
  must_on(c, "create function makes(out made) language sql as $$ select 'x'::made $$");
  run_on(c, &a, "select makes(), 'y'::made, array['z'::made]");
  EXPECT(&a, CRECHE_OK);
  expect_text(&a, 0, "x");
  expect_text(&a, 2, "{z}");
  answer_free(&a);
  must_on(c, "rollback");
  must_on(c, "begin");
  must_on(c, "select d from forms");
  must_on(d, "begin");
  must_on(d, "select d from forms");
  creche_connection_release(c);
  creche_connection_release(d);
  /* Other columns by the same text. */
  must(other, "alter table forms drop column p");
  run(pool, &a, "select * from forms");
  EXPECT(&a, CRECHE_OK);
  assert_int_equal(a.rows->column_count, 3);
  answer_free(&a);
  must(other, "drop table forms");
  must(other, "create table forms (i int)");
  run(pool, &a, "select * from forms");
  EXPECT(&a, CRECHE_OK);
  assert_int_equal(form(&a, 0), 0);
  answer_free(&a);
  /* An error of the user's own with that state is not taken for one of these. */
  run(pool, &a, "select no_such_function()");
  EXPECT(&a, CRECHE_E_PG);
  assert_string_equal(answer_state(&a), "42883");
  answer_free(&a);
  close_pool(pool);
  close_pool(two);
}

/* Where the catalog is another one, or not for everybody, it is not asked a second time. */
static void test_without_a_catalog(void** state) {
  (void)state;
  must(other, "create role plain");
  must(other, "revoke select on pg_catalog.pg_range from public");
  creche_pool pool = open_pool(1);
  creche_connection c = acquire(pool);
  must_on(c, "set role plain");
  for (int i = 0; i < 3; i++) {
    answer a;
    must_on(c, "begin");
    run_on(c, &a, "select 1");
    EXPECT(&a, i == 0 ? CRECHE_E_PG : CRECHE_OK);
    answer_free(&a);
    must_on(c, "rollback");
  }
  creche_connection_release(c);
  close_pool(pool);
  must(other, "grant select on pg_catalog.pg_range to public");
}

static void test_streams(void** state) {
  (void)state;
  creche_pool pool = open_pool(1);
  creche_query_options o;
  static const char late[] =
      "select case when i > 9 then array['postgres=r/postgres'::aclitem] end"
      " from generate_series(1, 20) i";
  OK(creche_query_options_init(&o, sizeof o));
  o.block_rows = 1;
  o.blocks = 100;
  for (int i = 0; i < 6; i++) {
    answer a;
    answer_init(&a);
    OK(creche_pool_stream(pool, loop.scope, i % 2 ? late : "select 'postgres=r/postgres'::aclitem",
                          NULL, 0, &o, on_answer, &a, NULL));
    /* Rows that are out cannot be taken back: so it was seen before that some will come as text. */
    EXPECT(&a, CRECHE_OK);
    assert_int_equal(a.blocks, i % 2 ? 20 : 1);
    answer_free(&a);
  }
  close_pool(pool);
}

/* In a transaction that has failed a statement is not prepared, and so the next one's name, which
 * is sent already, does not exist: what both are told is that the transaction has failed. */
static void test_behind_a_failure(void** state) {
  (void)state;
  static const char* const kSql[] = {"select 1 / $1::int4", "select $1::int4 + 1",
                                     "select $1::int4 + 1"};
  creche_pool pool = open_pool(1);
  const creche_value zero = creche_int4(0);
  blocker held = BLOCKER;
  answer a[3], one;
  answer_init(&one); /* seen once: it is kept from the next run on */
  OK(creche_pool_query(pool, loop.scope, kSql[1], &zero, 1, NULL, on_answer, &one, NULL));
  EXPECT(&one, CRECHE_OK);
  answer_free(&one);
  creche_connection c = acquire(pool);
  answer_init(&one);
  OK(creche_connection_begin(c, loop.scope, NULL, on_answer, &one, NULL));
  EXPECT(&one, CRECHE_OK);
  answer_free(&one);
  OK(creche_loop_post(loop, block_until_told, &held));
  await_blocked(&held);
  for (int i = 0; i < 3; i++) {
    answer_init(&a[i]);
    OK(creche_connection_query(c, loop.scope, kSql[i], &zero, 1, NULL, on_answer, &a[i], NULL));
  }
  unblock(&held);
  for (int i = 0; i < 3; i++) {
    EXPECT(&a[i], CRECHE_E_PG);
    assert_string_equal(answer_state(&a[i]), i == 0 ? "22012" : "25P02");
    answer_free(&a[i]);
  }
  answer_init(&one);
  OK(creche_connection_rollback(c, loop.scope, NULL, on_answer, &one, NULL));
  EXPECT(&one, CRECHE_OK);
  answer_free(&one);
  /* And it heals. */
  for (int i = 0; i < 2; i++) {
    answer_init(&one);
    OK(creche_connection_query(c, loop.scope, kSql[1], &zero, 1, NULL, on_answer, &one, NULL));
    EXPECT(&one, CRECHE_OK);
    answer_free(&one);
  }
  creche_connection_release(c);
  close_pool(pool);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_migrations),
      cmocka_unit_test(test_in_a_transaction),
      cmocka_unit_test(test_own_changes_in_a_transaction),
      cmocka_unit_test(test_inferred_types),
      cmocka_unit_test(test_texts_of_inferred_types),
      cmocka_unit_test(test_kept_with_inferred_types),
      cmocka_unit_test(test_own_failures),
      cmocka_unit_test(test_lifetime),
      cmocka_unit_test(test_forms),
      cmocka_unit_test(test_forms_in_a_transaction),
      cmocka_unit_test(test_forms_in_forms),
      cmocka_unit_test(test_without_a_catalog),
      cmocka_unit_test(test_streams),
      cmocka_unit_test(test_behind_a_failure),
  };
  return cmocka_run_group_tests(tests, start, stop);
}

/* Where rows are copied to (creche_pool_copy_rows): statements, tables and views, what is altered
 * meanwhile, transactions, poolers; what fails on the way leaves the connection as it was. */
#include "row_source.h"
#include "support/pgbouncer.h"

/* A row that is short, a source that fails, nonsense, an error of the server's in the middle. */
static void test_fails(void** state) {
  (void)state;
  must(pool, "create table held (id int not null, name text)");
  const creche_value two[] = {creche_int4(1), creche_text("{x}")};
  for (int array = 0; array < 2; array++) {
    source s;
    source_init(&s, two, 2, 1000);
    s.odd_at = 777;
    start(&s, none, "copy held from stdin");
    EXPECT(&s.end, CRECHE_E_INVALID);
    assert_non_null(strstr(creche_error_message(s.end.error), "row 777 has 1 values"));
    end_it(&s);
    source_init(&s, two, 2, 1000);
    s.fails_at = 500;
    start(&s, none, "copy held from stdin");
    EXPECT(&s.end, CRECHE_E_BODY);
    end_it(&s);
    const creche_value null[] = {creche_null(), creche_text("{x}")};
    source_init(&s, null, 2, 2000000);
    s.each = 1000;
    start(&s, none, "copy held from stdin");
    EXPECT(&s.end, CRECHE_E_PG);
    assert_string_equal(answer_state(&s.end), "23502");
    assert_true(s.pulled < 1900);
    end_it(&s);
    assert_int_equal(number(pool, "select count(*) from held"), 0);
    must(pool, "alter table held alter name type varchar[] using '{}'");
  }
  must(pool, "drop table held");
  refused(none, "copy nowhere (a) from stdin", two, 1, CRECHE_E_PG, "nowhere", "exist");
  refused(none, "copy pg_class (a) from stdin", two, 1, CRECHE_E_PG, "column", "a");
  assert_int_equal(counters(pool).dropped, 0);
}

static void test_statements(void** state) {
  (void)state;
  static const char* const never[] = {
      "select 1",
      "copy t to stdout",
      "copy (select 1) to stdout",
      "copy t from '/etc/passwd'",
      "copy t from program 'true'",
      "copy t from stdin csv",
      "copy t from stdin with csv",
      "copy t from stdin (format csv)",
      "copy t from stdin with (freeze, delimiter ',')",
      "copy t (a from stdin",
      "copy u&\"t\" from stdin",
      "copy binary t from stdin",
      "copy t from stdin; select 1",
      "copy t from stdin where true; select 1",
      "copy",
      "",
  };
  const creche_value one = creche_int4(1);
  for (size_t i = 0; i < sizeof never / sizeof *never; i++)
    refused(none, never[i], &one, 1, CRECHE_E_INVALID, "", "");
  must(pool, "create schema \"o\"\"dd.\"");
  must(pool, "create table \"o\"\"dd.\".\"From Stdin\" (\"A,)\" int, b int, a$b int)");
  const creche_value two[] = {creche_int4(1), creche_int4(2)};
  copies(none,
         " /* copy x */ COPY \"o\"\"dd.\" . \"From Stdin\"(\"A,)\" -- (,\n, A$b)From\tSTDIN "
         "where b is null and \"A,)\" > 0 ;",
         two, 2, 5);
  assert_int_equal(
      number(pool, "select count(*) from \"o\"\"dd.\".\"From Stdin\" where a$b = 2 and b is null"),
      5);
  must(pool,
       "create table made (id int, twice int generated always as (id * 2) stored, n int "
       "generated always as identity)");
  refused(none, "copy made from stdin", two, 2, CRECHE_E_INVALID, "generated", "name");
  copies(none, "copy made (id, n) from stdin", two, 2, 3);
  assert_int_equal(number(pool, "select sum(twice) from made where n = 2"), 6);
  must(pool, "drop table made");
  creche_connection c = acquire(pool);
  must_on(c, "begin");
  must_on(c, "create table fresh (id int)");
  copies(c, "copy fresh from stdin with (freeze)", two, 1, 3);
  copies(c, "copy fresh from stdin (freeze false)", two, 1, 0);
  must_on(c, "rollback");
  creche_connection_release(c);
  IS(creche_pool_copy_rows(pool, loop.scope, "copy t from stdin", NULL, creche_nobody, NULL, NULL),
     CRECHE_E_INVALID);
  IS(creche_pool_copy_rows(pool, loop.scope, NULL, NULL, on_source, NULL, NULL), CRECHE_E_INVALID);
}

/* Who may insert and not read may copy; a view that has a trigger; a partitioned table. */
static void test_targets(void** state) {
  (void)state;
  creche_connection c = acquire(pool);
  const creche_value two[] = {creche_int4(1), creche_text("x")};
  must_on(c, "create table written (id int, t text)");
  must_on(c, "create role writer");
  must_on(c, "grant insert on written to writer");
  must_on(c, "set role writer");
  copies(c, "copy written from stdin", two, 2, 4);
  refused(c, "copy pg_authid (oid, rolname) from stdin", two, 2, CRECHE_E_PG, "permission", "");
  must_on(c, "reset role");
  assert_int_equal(number_on(c, "select count(*) from written"), 4);
  must_on(c, "create view seen as select id, t from written");
  must_on(c,
          "create function put() returns trigger language plpgsql as $$ begin insert into "
          "written values (new.id, new.t); return new; end $$");
  must_on(c, "create trigger put instead of insert on seen for each row execute function put()");
  copies(c, "copy seen from stdin", two, 2, 2);
  must_on(c, "create table parted (id int, t text) partition by list (id)");
  must_on(c, "create table part partition of parted for values in (1)");
  copies(c, "copy parted from stdin", two, 2, 2);
  assert_int_equal(number_on(c, "select count(*) from written"), 6);
  assert_int_equal(number_on(c, "select count(*) from part"), 2);
  creche_connection_release(c);
}

/* Its columns are asked for each time; in a transaction of the user's it is a part of that. */
static void test_altered(void** state) {
  (void)state;
  must(pool, "create table changes (x int8)");
  const creche_value one = creche_int8(5);
  copies(none, "copy changes from stdin", &one, 1, 1);
  must(pool, "alter table changes alter x type float8");
  copies(none, "copy changes from stdin", &one, 1, 1);
  must(pool, "alter table changes alter x type text");
  refused(none, "copy changes from stdin", &one, 1, CRECHE_E_TYPE, "row 0, column 0 (x, text)", "");
  must(pool, "alter table changes alter x type int4[] using array[x::int]");
  refused(none, "copy changes from stdin", &one, 1, CRECHE_E_PG, "array", "");
  must(pool, "drop table changes");
  /* Somebody alters it in a transaction that is open: the COPY waits, and sees the new type. */
  must(pool, "create table changes (x int8)");
  for (int array = 0; array < 2; array++) {
    creche_connection other = acquire(pool);
    must_on(other, "begin");
    must_on(other, array ? "alter table changes alter x type text[] using array[x::text]"
                         : "alter table changes alter x type float8");
    source s;
    const creche_value text = creche_text("{a}");
    source_init(&s, array ? &text : &one, 1, 7);
    start(&s, none, "copy changes from stdin");
    while (number_on(other,
                     "select count(*) from pg_stat_activity where wait_event_type = 'Lock'") < 1) {
    }
    assert_int_equal(s.pulled, 0);
    must_on(other, "commit");
    EXPECT(&s.end, CRECHE_OK);
    end_it(&s);
    creche_connection_release(other);
  }
  assert_int_equal(number(pool, "select count(*) from changes where x in ('{5}', '{a}')"), 14);
  must(pool, "drop table changes");
  assert_int_equal(counters(pool).dropped, 0);
}

static void test_in_transaction(void** state) {
  (void)state;
  creche_connection c = acquire(pool);
  must_on(c, "create type mood as enum ('sad', 'so so')");
  must_on(c, "create table feels (id int, m mood)");
  const creche_value two[] = {creche_int4(1), creche_text("sad")};
  const creche_value wrong[] = {creche_int4(1), creche_text("glad")};
  /* The first that is ever asked about this type. */
  must_on(c, "begin");
  copies(c, "copy feels from stdin", two, 2, 200);
  copies(c, "copy feels from stdin", two, 2, 0);
  source s;
  source_init(&s, two, 2, 20);
  s.empty_first = 1;
  start(&s, c, "copy feels from stdin");
  EXPECT(&s.end, CRECHE_OK);
  end_it(&s);
  must_on(c, "commit");
  assert_int_equal(number_on(c, "select count(*) from feels where m = 'sad'"), 220);
  must_on(c, "begin");
  refused(c, "copy feels from stdin", wrong, 2, CRECHE_E_PG, "glad", "");
  answer a;
  run_on(c, &a, "select 1");
  EXPECT(&a, CRECHE_E_PG);
  answer_free(&a);
  must_on(c, "rollback");
  /* An error in what describes it, with statements behind it that are there already. */
  source_init(&s, two, 2, 1);
  start(&s, c, "copy nowhere from stdin");
  assert_int_equal(number_on(c, "select count(*) from feels"), 220);
  EXPECT(&s.end, CRECHE_E_PG);
  assert_string_equal(answer_state(&s.end), "42P01");
  end_it(&s);
  creche_connection_release(c);
}

/* Cancelled while it waits for rows, and while it waits for its table. */
static void test_cancelled(void** state) {
  (void)state;
  must(pool, "create table waits (id int)");
  const creche_value one = creche_int4(1);
  for (int locked = 0; locked < 2; locked++) {
    creche_connection other = acquire(pool);
    if (locked) must_on(other, "begin"), must_on(other, "lock table waits");
    source s;
    source_init(&s, &one, 1, 1);
    s.silent = 1;
    creche_task task;
    OK(creche_pool_copy_rows(pool, loop.scope, "copy waits from stdin", NULL, on_source, &s,
                             &task));
    if (locked) {
      while (number_on(other,
                       "select count(*) from pg_stat_activity where wait_event_type = "
                       "'Lock'") < 1) {
      }
    } else {
      pthread_mutex_lock(&s.end.lock);
      while (s.pulled == 0) pthread_cond_wait(&s.end.changed, &s.end.lock);
      pthread_mutex_unlock(&s.end.lock);
    }
    OK(creche_scope_cancel(task.scope, NULL));
    EXPECT(&s.end, CRECHE_E_CANCELLED);
    end_it(&s);
    if (locked) must_on(other, "rollback");
    creche_connection_release(other);
    assert_int_equal(number(pool, "select count(*) from waits"), 0);
  }
  must(pool, "drop table waits");
  assert_int_equal(counters(pool).dropped, 0);
}

/* Behind a pooler that knows nothing of any of it: well, refused, and in error before it begins. */
static void test_pooled(void** state) {
  (void)state;
  support_pgbouncer* bouncer =
      support_pgbouncer_start(support_postgres_port(server), "default_pool_size = 1\n");
  assert_non_null(bouncer);
  const creche_pool direct = pool;
  creche_pool_options o;
  OK(creche_pool_options_init(&o, sizeof o));
  o.max_size = 3;
  o.flags = CRECHE_POOL_NO_PREPARE;
  OK(creche_pool_open(loop, support_pgbouncer_url(bouncer), &o, &pool));
  must(direct, "create table pooled (id int, t text)");
  const creche_value two[] = {creche_int4(1), creche_text("x")};
  const creche_value null[] = {creche_int8(1ll << 40), creche_text("x")};
  for (int i = 0; i < 5; i++) {
    copies(none, "copy pooled from stdin", two, 2, 300);
    refused(none, "copy pooled from stdin", null, 2, CRECHE_E_TYPE, "row 0, column 0", "int4");
    refused(none, "copy nowhere from stdin", two, 2, CRECHE_E_PG, "nowhere", "");
  }
  assert_int_equal(number(pool, "select count(*) from pooled"), 1500);
  assert_int_equal(counters(pool).dropped, 0);
  close_pool(pool);
  pool = direct;
  support_pgbouncer_stop(bouncer);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_fails),          cmocka_unit_test(test_statements),
      cmocka_unit_test(test_targets),        cmocka_unit_test(test_altered),
      cmocka_unit_test(test_in_transaction), cmocka_unit_test(test_cancelled),
      cmocka_unit_test(test_pooled),
  };
  return cmocka_run_group_tests(tests, open_two, close_two);
}

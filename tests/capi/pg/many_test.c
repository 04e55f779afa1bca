/* One statement with many rows of parameters: all or nothing, and which row it was. */
#include "pg_test.h"

static creche_pool pool;

static int open_one(void** state) {
  if (start_server(state) != 0) return -1;
  pool = open_pool(2);
  must(pool, "create table things (id int primary key, name text)");
  return 0;
}

static int close_one(void** state) {
  close_pool(pool);
  return stop_server(state);
}

typedef struct many {
  answer end;
  int64_t counts[1000];
  size_t size;
} many;

static void on_many(void* user, const creche_completion* c) {
  many* m = user;
  m->size = c->data_size / sizeof(int64_t);
  if (m->size > 0 && m->size <= 1000) memcpy(m->counts, c->data, c->data_size);
  on_answer(&m->end, c);
}

static creche_status run_many(many* m, const char* sql, const creche_value* args, size_t width,
                              size_t rows) {
  memset(m, 0, sizeof *m);
  answer_init(&m->end);
  OK(creche_pool_execute_many(pool, loop.scope, sql, args, width, rows, NULL, on_many, m, NULL));
  return answer_wait(&m->end);
}

static void many_free(many* m) {
  m->end.value = 0;
  answer_free(&m->end);
}

static void test_all(void** state) {
  (void)state;
  creche_value args[2000];
  for (int i = 0; i < 1000; i++) {
    args[2 * i] = creche_int4(i);
    args[2 * i + 1] = i % 3 == 0 ? creche_null() : creche_text("name");
  }
  many m;
  run_many(&m, "insert into things values ($1, $2)", args, 2, 1000);
  EXPECT(&m.end, CRECHE_OK);
  assert_int_equal(m.end.code, 1000);
  assert_int_equal(m.end.value, 1000);
  assert_int_equal(m.size, 1000);
  for (int i = 0; i < 1000; i++) assert_int_equal(m.counts[i], 1);
  many_free(&m);
  assert_int_equal(number(pool, "select count(name) from things"), 666);
  /* Counts of each; rows that come back are nobody's. */
  creche_value ids[3] = {creche_int4(10), creche_int4(-1), creche_int4(500)};
  run_many(&m, "delete from things where id < $1 returning *", ids, 1, 3);
  EXPECT(&m.end, CRECHE_OK);
  assert_int_equal(m.end.value, 500);
  assert_int_equal(m.counts[0], 10);
  assert_int_equal(m.counts[1], 0);
  assert_int_equal(m.counts[2], 490);
  many_free(&m);
  run_many(&m, "delete from things where id < $1", NULL, 1, 0);
  EXPECT(&m.end, CRECHE_OK);
  assert_int_equal(m.end.value, 0);
  many_free(&m);
  must(pool, "truncate things");
}

/* Which row it was; nothing stays; and not all were sent. */
static void test_a_row_fails(void** state) {
  (void)state;
  static creche_value args[100000];
  for (int i = 0; i < 100000; i++) args[i] = creche_int4(i == 700 ? 3 : i);
  many m;
  const uint64_t before = counters(pool).statements;
  run_many(&m, "insert into things values ($1)", args, 1, 100000);
  EXPECT(&m.end, CRECHE_E_PG);
  assert_string_equal(answer_state(&m.end), "23505");
  assert_int_equal(m.end.value, 700);
  many_free(&m);
  assert_true(counters(pool).statements - before < 2000);
  assert_int_equal(number(pool, "select count(*) from things"), 0);
  /* The statement itself. */
  run_many(&m, "insert into nothing values ($1)", args, 1, 10);
  EXPECT(&m.end, CRECHE_E_PG);
  assert_int_equal(m.end.value, 0);
  many_free(&m);
  /* A value that cannot be sent: nothing is. */
  const uint64_t sent = counters(pool).statements;
  creche_value bad[3] = {creche_int4(1), creche_int4(2), creche_int8(1)};
  bad[2].type = CRECHE_PG_INT2;
  bad[2].integer = 70000;
  run_many(&m, "insert into things values ($1)", bad, 1, 3);
  EXPECT(&m.end, CRECHE_E_INVALID);
  assert_int_equal(m.end.value, 2);
  many_free(&m);
  assert_int_equal(counters(pool).statements, sent);
  /* The COMMIT. */
  must(pool, "create table later (id int primary key deferrable initially deferred)");
  creche_value twice[2] = {creche_int4(1), creche_int4(1)};
  run_many(&m, "insert into later values ($1)", twice, 1, 2);
  EXPECT(&m.end, CRECHE_E_PG);
  assert_int_equal(m.end.value, 2);
  many_free(&m);
  assert_int_equal(number(pool, "select count(*) from things"), 0);
}

/* What could be done in part is refused; a column without a binary form comes as text. */
static void test_unfit_and_odd(void** state) {
  (void)state;
  const char* const unfit[] = {"call things_in($1)", "commit", "begin", "do $$ begin end $$"};
  const creche_value one = creche_int4(1);
  for (int i = 0; i < 4; i++) {
    many m;
    run_many(&m, unfit[i], &one, i == 0, 1);
    EXPECT(&m.end, CRECHE_E_INVALID);
    many_free(&m);
  }
  creche_query_options o;
  OK(creche_query_options_init(&o, sizeof o));
  o.flags = CRECHE_QUERY_COLLECT;
  for (int i = 0; i < 2; i++) {
    answer a;
    answer_init(&a);
    OK(creche_pool_execute_many(pool, loop.scope,
                                "insert into things values ($1) returning "
                                "makeaclitem(10, 10, 'SELECT', false), id",
                                &one, 1, 1, &o, on_answer, &a, NULL));
    EXPECT(&a, CRECHE_OK);
    assert_string_equal(creche_row_text(a.rows, 0, 0, NULL), "postgres=r/postgres");
    assert_int_equal(creche_row_int4(a.rows, 0, 1), 1);
    answer_free(&a);
    must(pool, "truncate things");
  }
}

/* While a lock is in the way. */
static void test_cancelled(void** state) {
  (void)state;
  creche_connection holder = acquire(pool);
  must_on(holder, "begin");
  must_on(holder, "insert into things values (50)");
  creche_value args[200];
  for (int i = 0; i < 200; i++) args[i] = creche_int4(i);
  many m;
  memset(&m, 0, sizeof m);
  answer_init(&m.end);
  creche_task task;
  OK(creche_pool_execute_many(pool, loop.scope, "insert into things values ($1)", args, 1, 200,
                              NULL, on_many, &m, &task));
  while (number_on(holder, "select count(*) from pg_locks where not granted") == 0) nap_ms(1);
  OK(creche_scope_cancel(task.scope, "enough"));
  EXPECT(&m.end, CRECHE_E_CANCELLED);
  many_free(&m);
  must_on(holder, "rollback");
  creche_connection_release(holder);
  assert_int_equal(number(pool, "select count(*) from things"), 0);
  assert_int_equal(counters(pool).dropped, 0);
}

static void test_the_pool_is_closed(void** state) {
  (void)state;
  creche_pool before = pool;
  pool = open_pool(1);
  creche_value args[10];
  for (int i = 0; i < 10; i++) args[i] = creche_float8(100);
  many m;
  memset(&m, 0, sizeof m);
  answer_init(&m.end);
  OK(creche_pool_execute_many(pool, loop.scope, "select pg_sleep($1)", args, 1, 10, NULL, on_many,
                              &m, NULL));
  while (number(before, "select count(*) from pg_stat_activity where wait_event = 'PgSleep'") == 0)
    nap_ms(1);
  close_pool(pool);
  EXPECT(&m.end, CRECHE_E_CLOSED);
  many_free(&m);
  pool = before;
}

/* On a held connection: a transaction of its own, or a part of the user's. */
static void test_on_a_connection(void** state) {
  (void)state;
  creche_value args[1000];
  for (int i = 0; i < 1000; i++) args[i] = i % 10 == 3 ? creche_null() : creche_int4(i);
  must(pool, "create table loose (id int)");
  const char* sql = "insert into loose values ($1)";
  const creche_connection c = acquire(pool);
  many m;
  for (int inside = 0; inside < 2; inside++) {
    if (inside) must_on(c, "begin");
    memset(&m, 0, sizeof m);
    answer_init(&m.end);
    OK(creche_connection_execute_many(c, loop.scope, sql, args, 1, 1000, NULL, on_many, &m, NULL));
    answer after;
    answer_init(&after);
    OK(creche_connection_query(c, loop.scope, "select count(*), count(id) from loose", NULL, 0,
                               NULL, on_answer, &after, NULL));
    EXPECT(&m.end, CRECHE_OK);
    EXPECT(&after, CRECHE_OK);
    assert_int_equal(m.end.value, 1000);
    m.end.value = 0;
    assert_int_equal(creche_row_int8(after.rows, 0, 0), 1000 * (inside + 1));
    assert_int_equal(creche_row_int8(after.rows, 0, 1), 900 * (inside + 1));
    answer_free(&after);
    many_free(&m);
    assert_int_equal(number(pool, "select count(*) from loose"), 1000);
  }
  /* A failure inside fails the transaction. */
  memset(&m, 0, sizeof m);
  answer_init(&m.end);
  OK(creche_connection_execute_many(c, loop.scope, "insert into loose values (10 / $1)", args, 1,
                                    1000, NULL, on_many, &m, NULL));
  EXPECT(&m.end, CRECHE_E_PG);
  assert_string_equal(answer_state(&m.end), "22012");
  assert_int_equal(m.end.value, 0);
  m.end.value = 0;
  many_free(&m);
  answer a;
  run_on(c, &a, "select 1");
  assert_string_equal(answer_state(&a), "25P02");
  answer_free(&a);
  must_on(c, "rollback");
  assert_int_equal(number_on(c, "select count(*) from loose"), 1000);
  creche_connection_release(c);
  must(pool, "drop table loose");
}

static void test_collected(void** state) {
  (void)state;
  creche_query_options o;
  OK(creche_query_options_init(&o, sizeof o));
  o.flags = CRECHE_QUERY_COLLECT;
  static creche_value args[20000];
  for (int i = 0; i < 20000; i++) args[i] = creche_int4(i);
  answer a;
  answer_init(&a);
  OK(creche_pool_execute_many(pool, loop.scope,
                              "insert into things values ($1) returning id, repeat('x', 10)", args,
                              1, 20000, &o, on_answer, &a, NULL));
  EXPECT(&a, CRECHE_OK);
  assert_int_equal(a.rows->row_count, 20000);
  assert_int_equal(a.rows->affected, 20000);
  assert_int_equal(creche_row_int4(a.rows, 19999, 0), 19999);
  answer_free(&a);
  must(pool, "truncate things");
  o.max_bytes = 100000;
  answer_init(&a);
  OK(creche_pool_execute_many(pool, loop.scope,
                              "insert into things values ($1) returning id, repeat('x', 10)", args,
                              1, 20000, &o, on_answer, &a, NULL));
  EXPECT(&a, CRECHE_E_LIMIT);
  a.value = 0;
  answer_free(&a);
  const int64_t stored = number(pool, "select count(*) from things");
  assert_true(stored == 0 || stored == 20000); /* all or nothing, even so */
  must(pool, "truncate things");
  /* Not for other statements. */
  assert_int_equal(creche_pool_query(pool, loop.scope, "select 1", NULL, 0, &o, NULL, NULL, NULL),
                   CRECHE_E_UNSUPPORTED);
}

/* Types that differ from row to row; much data; no parameters. */
static void test_types_and_sizes(void** state) {
  (void)state;
  must(pool, "create table loose (n numeric, t text)");
  creche_value args[8] = {creche_int4(1), creche_text("a"), creche_null(),       creche_null(),
                          creche_int8(1), creche_text("b"), creche_text("2.50"), creche_text("c")};
  many m;
  run_many(&m, "insert into loose values ($1, $2)", args, 2, 4);
  EXPECT(&m.end, CRECHE_OK);
  m.end.value = 0;
  many_free(&m);
  assert_int_equal(number(pool, "select (sum(n) * 100)::int8 from loose"), 450);
  static char big[1 << 20];
  memset(big, 'y', sizeof big - 1);
  creche_value large[40];
  for (int i = 0; i < 40; i++) large[i] = i % 2 ? creche_text(big) : creche_int4(i);
  run_many(&m, "insert into loose values ($1, $2)", large, 2, 20);
  EXPECT(&m.end, CRECHE_OK);
  m.end.value = 0;
  many_free(&m);
  assert_int_equal(number(pool, "select sum(length(t))::int8 from loose"),
                   20 * (sizeof big - 1) + 3);
  run_many(&m, "insert into loose values (7)", NULL, 0, 1000);
  EXPECT(&m.end, CRECHE_OK);
  assert_int_equal(m.end.value, 1000);
  m.end.value = 0;
  many_free(&m);
  must(pool, "drop table loose");
}

/* Cancelled while it is being sent: nothing of it is committed, and the connection is as good as
 * before. */
static void test_cancelled_early(void** state) {
  (void)state;
  static char big[1 << 20];
  memset(big, 'y', sizeof big - 1);
  must(pool, "create table loose (t text)");
  creche_value large[60];
  for (int i = 0; i < 60; i++) large[i] = creche_text(big);
  const creche_connection c = acquire(pool);
  for (int i = 0; i < 20; i++) {
    many m;
    memset(&m, 0, sizeof m);
    answer_init(&m.end);
    creche_task task;
    OK(creche_connection_execute_many(c, loop.scope, "insert into loose values ($1)", large, 1, 60,
                                      NULL, on_many, &m, &task));
    nap_ms(i);
    OK(creche_scope_cancel(task.scope, "enough"));
    const creche_status status = answer_wait(&m.end);
    if (status != CRECHE_OK) EXPECT(&m.end, CRECHE_E_CANCELLED);
    m.end.value = 0;
    many_free(&m);
    assert_int_equal(number_on(c, "select count(*) from loose"), status == CRECHE_OK ? 60 : 0);
    must_on(c, "truncate loose");
  }
  creche_connection_release(c);
  must(pool, "drop table loose");
  assert_int_equal(counters(pool).dropped, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_all),
      cmocka_unit_test(test_a_row_fails),
      cmocka_unit_test(test_unfit_and_odd),
      cmocka_unit_test(test_cancelled),
      cmocka_unit_test(test_the_pool_is_closed),
      cmocka_unit_test(test_on_a_connection),
      cmocka_unit_test(test_collected),
      cmocka_unit_test(test_types_and_sizes),
      cmocka_unit_test(test_cancelled_early),
  };
  return cmocka_run_group_tests(tests, open_one, close_one);
}

/* Cursors: as many rows at a time as one likes, other statements in between. */
#include "pg_test.h"

static creche_pool pool;

static int open_one(void** state) {
  if (start_server(state) != 0) return -1;
  pool = open_pool(2);
  must(pool, "create table things (id int)");
  must(pool, "insert into things select generate_series(1, 100000)");
  return 0;
}

static int close_one(void** state) {
  close_pool(pool);
  return stop_server(state);
}

static void start_cursor(answer* a, creche_connection c, const char* name, const char* sql,
                         uint32_t flags) {
  creche_cursor_options o;
  OK(creche_cursor_options_init(&o, sizeof o));
  o.flags = flags;
  answer_init(a);
  OK(creche_cursor_open(c, loop.scope, name, sql, NULL, 0, &o, on_answer, a, NULL));
}

static void open_cursor(creche_connection c, const char* name, const char* sql, uint32_t flags) {
  answer a;
  start_cursor(&a, c, name, sql, flags);
  EXPECT(&a, CRECHE_OK);
  answer_free(&a);
}

static creche_status fetch(answer* a, creche_connection c, const char* name, int64_t rows) {
  answer_init(a);
  OK(creche_cursor_fetch(c, loop.scope, name, rows, NULL, on_answer, a, NULL));
  return answer_wait(a);
}

/* Fetches, and expects so many rows, of which the first is this. */
static void fetches(creche_connection c, const char* name, int64_t rows, uint64_t count,
                    int first) {
  answer a;
  fetch(&a, c, name, rows);
  EXPECT(&a, CRECHE_OK);
  assert_int_equal(a.rows->row_count, count);
  assert_int_equal(a.code, count);
  if (count > 0) assert_int_equal(creche_row_int4(a.rows, 0, 0), first);
  answer_free(&a);
}

static uint32_t move(creche_connection c, const char* name, int64_t rows) {
  answer a;
  answer_init(&a);
  OK(creche_cursor_move(c, loop.scope, name, rows, NULL, on_answer, &a, NULL));
  EXPECT(&a, CRECHE_OK);
  const uint32_t code = a.code;
  answer_free(&a);
  return code;
}

static creche_status close_cursor(creche_connection c, const char* name) {
  answer a;
  answer_init(&a);
  OK(creche_cursor_close(c, loop.scope, name, NULL, on_answer, &a, NULL));
  const creche_status status = answer_wait(&a);
  answer_free(&a);
  return status;
}

static void test_fetch_move_close(void** state) {
  (void)state;
  const creche_connection c = acquire(pool);
  must_on(c, "begin");
  open_cursor(c, "12+\"34 x", "select id from things order by id", 0);
  fetches(c, "12+\"34 x", 3, 3, 1);
  assert_int_equal(move(c, "12+\"34 x", 10), 10);
  assert_int_equal(number_on(c, "select 7"), 7); /* in between */
  fetches(c, "12+\"34 x", 1, 1, 14);
  fetches(c, "12+\"34 x", 50000, 50000, 15);
  fetches(c, "12+\"34 x", CRECHE_CURSOR_ALL, 100000 - 50014, 50015);
  fetches(c, "12+\"34 x", 10, 0, 0);
  assert_int_equal(move(c, "12+\"34 x", 5), 0);
  assert_int_equal(close_cursor(c, "12+\"34 x"), CRECHE_OK);
  /* One that a statement has declared, with parameters, text and binary. */
  must_on(c, "declare mine cursor for select id from things order by id");
  fetches(c, "mine", 2, 2, 1);
  const creche_value args[] = {creche_int4(99990), creche_text("x")};
  answer a;
  answer_init(&a);
  OK(creche_cursor_open(c, loop.scope, "args",
                        "select id, $2::text from things where id > $1 order by id", args, 2, NULL,
                        on_answer, &a, NULL));
  EXPECT(&a, CRECHE_OK);
  answer_free(&a);
  fetches(c, "args", 100, 10, 99991);
  must_on(c, "commit");
  /* It was gone with its transaction. */
  fetch(&a, c, "args", 1);
  EXPECT(&a, CRECHE_E_PG);
  assert_string_equal(answer_state(&a), "34000");
  answer_free(&a);
  creche_connection_release(c);
}

/* Prefetching: the next rows are asked for before these were looked at. */
static void test_pipelined(void** state) {
  (void)state;
  const creche_connection c = acquire(pool);
  answer begun, opened, f[25], committed;
  answer_init(&begun);
  answer_init(&committed);
  OK(creche_connection_begin(c, loop.scope, NULL, on_answer, &begun, NULL));
  start_cursor(&opened, c, "c", "select id from things order by id", 0);
  for (int i = 0; i < 25; i++) {
    answer_init(&f[i]);
    OK(creche_cursor_fetch(c, loop.scope, "c", 1000, NULL, on_answer, &f[i], NULL));
  }
  OK(creche_connection_commit(c, loop.scope, NULL, on_answer, &committed, NULL));
  EXPECT(&committed, CRECHE_OK);
  for (int i = 0; i < 25; i++) {
    EXPECT(&f[i], CRECHE_OK);
    assert_int_equal(creche_row_int4(f[i].rows, 999, 0), (i + 1) * 1000);
    answer_free(&f[i]);
  }
  answer_free(&begun);
  answer_free(&opened);
  answer_free(&committed);
  creche_connection_release(c);
}

static void test_scroll_and_hold(void** state) {
  (void)state;
  const creche_connection c = acquire(pool);
  open_cursor(c, "held", "select generate_series(1, 10)",
              CRECHE_CURSOR_HOLD | CRECHE_CURSOR_SCROLL);
  fetches(c, "held", 4, 4, 1);
  fetches(c, "held", -2, 2, 3);
  assert_int_equal(move(c, "held", -CRECHE_CURSOR_ALL), 1);
  fetches(c, "held", 1, 1, 1);
  fetches(c, "held", CRECHE_CURSOR_ALL, 9, 2);
  assert_int_equal(close_cursor(c, "held"), CRECHE_OK);
  assert_int_equal(close_cursor(c, "held"), CRECHE_E_PG);
  /* The reset closes it. */
  open_cursor(c, "left", "select 1", CRECHE_CURSOR_HOLD);
  creche_connection_release(c);
  const creche_connection next = acquire(pool), other = acquire(pool);
  assert_int_equal(number_on(next, "select count(*) from pg_cursors where name = 'left'"), 0);
  assert_int_equal(number_on(other, "select count(*) from pg_cursors where name = 'left'"), 0);
  creche_connection_release(next);
  creche_connection_release(other);
}

static void test_refused(void** state) {
  (void)state;
  const creche_connection c = acquire(pool);
  answer a;
  start_cursor(&a, c, "c", "select 1", 0); /* outside of a transaction */
  EXPECT(&a, CRECHE_E_PG);
  assert_string_equal(answer_state(&a), "25P01");
  answer_free(&a);
  start_cursor(&a, c, "c", "selekt", CRECHE_CURSOR_HOLD);
  EXPECT(&a, CRECHE_E_PG);
  assert_string_equal(answer_state(&a), "42601");
  answer_free(&a);
  must_on(c, "begin");
  open_cursor(c, "forward", "select generate_series(1, 10)", 0);
  fetches(c, "forward", 5, 5, 1);
  fetch(&a, c, "forward", -1);
  EXPECT(&a, CRECHE_E_PG);
  assert_string_equal(answer_state(&a), "55000");
  answer_free(&a);
  must_on(c, "rollback");
  char name[65];
  memset(name, 'x', 64);
  name[64] = '\0';
  assert_int_equal(
      creche_cursor_open(c, loop.scope, name, "select 1", NULL, 0, NULL, NULL, NULL, NULL),
      CRECHE_E_INVALID);
  assert_int_equal(
      creche_cursor_open(c, loop.scope, NULL, "select 1", NULL, 0, NULL, NULL, NULL, NULL),
      CRECHE_E_INVALID);
  assert_int_equal(creche_cursor_fetch(c, loop.scope, "", 1, NULL, NULL, NULL, NULL),
                   CRECHE_E_INVALID);
  assert_int_equal(creche_cursor_fetch(c, loop.scope, "c", 0, NULL, NULL, NULL, NULL),
                   CRECHE_E_INVALID);
  creche_cursor_options o;
  OK(creche_cursor_options_init(&o, sizeof o));
  o.flags = CRECHE_CURSOR_HOLD;
  assert_int_equal(creche_cursor_fetch(c, loop.scope, "c", 1, &o, NULL, NULL, NULL),
                   CRECHE_E_UNSUPPORTED);
  creche_connection_release(c);
}

/* A fetch that is cancelled, or too big: nothing is left open. */
static void test_cancelled(void** state) {
  (void)state;
  const creche_connection c = acquire(pool);
  answer a;
  creche_task task;
  for (int held = 0; held < 2; held++) {
    if (!held) must_on(c, "begin");
    if (held) /* made at once */
      open_cursor(c, "slow", "select generate_series(1, 3000000)", CRECHE_CURSOR_HOLD);
    else
      open_cursor(c, "slow", "select pg_sleep(60)", 0);
    answer_init(&a);
    OK(creche_cursor_fetch(c, loop.scope, "slow", held ? CRECHE_CURSOR_ALL : 1, NULL, on_answer, &a,
                           &task));
    if (!held)
      AWAIT(number(pool, "select count(*) from pg_stat_activity where wait_event = 'PgSleep'") > 0);
    OK(creche_scope_cancel(task.scope, "enough"));
    /* A fetch of what is there may have been done before. */
    if (!held || answer_wait(&a) != CRECHE_OK) EXPECT(&a, CRECHE_E_CANCELLED);
    const int cancelled = a.status == CRECHE_E_CANCELLED;
    answer_free(&a);
    if (held) {
      if (cancelled) close_cursor(c, "slow");
    } else {
      must_on(c, "rollback");
    }
    assert_int_equal(number_on(c, "select 1"), 1);
  }
  must_on(c, "begin");
  open_cursor(c, "big", "select repeat('x', 100) from generate_series(1, 10000)", 0);
  creche_cursor_options o;
  OK(creche_cursor_options_init(&o, sizeof o));
  o.max_bytes = 10000;
  answer_init(&a);
  OK(creche_cursor_fetch(c, loop.scope, "big", CRECHE_CURSOR_ALL, &o, on_answer, &a, NULL));
  EXPECT(&a, CRECHE_E_LIMIT);
  answer_free(&a);
  must_on(c, "rollback");
  assert_int_equal(number_on(c, "select 1"), 1);
  creche_connection_release(c);
  assert_int_equal(counters(pool).dropped, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_fetch_move_close), cmocka_unit_test(test_pipelined),
      cmocka_unit_test(test_scroll_and_hold),  cmocka_unit_test(test_refused),
      cmocka_unit_test(test_cancelled),
  };
  return cmocka_run_group_tests(tests, open_one, close_one);
}

/* Cursors: parts of any size, their time limits, what they leave behind: cases of CASES.md. */
#include "pg_test.h"

static creche_pool pool;

static int open_one(void** state) {
  if (start_server(state) != 0) return -1;
  pool = open_pool(2);
  must(pool, "create table things as select generate_series(0, 20) as id");
  return 0;
}
static int close_one(void** state) {
  close_pool(pool);
  return stop_server(state);
}

static void open_cursor(creche_connection c, const char* sql) {
  answer a;
  answer_init(&a);
  OK(creche_cursor_open(c, loop.scope, "k", sql, NULL, 0, NULL, on_answer, &a, NULL));
  EXPECT(&a, CRECHE_OK);
  answer_free(&a);
}

static void parts_of_any_size(void** state) {
  (void)state;
  creche_connection c = acquire(pool);
  must_on(c, "begin");
  for (int64_t size = 1; size <= 24; size++) {
    int next_id = 0, parts = 0;
    open_cursor(c, "select id from things order by id");
    for (;; parts++) {
      answer a;
      answer_init(&a);
      OK(creche_cursor_fetch(c, loop.scope, "k", size, NULL, on_answer, &a, NULL));
      EXPECT(&a, CRECHE_OK);
      const uint64_t rows = a.rows->row_count;
      for (uint64_t r = 0; r < rows; r++)
        assert_int_equal(creche_row_int4(a.rows, r, 0), next_id++);
      answer_free(&a);
      if (rows < (uint64_t)size) break;
    }
    assert_int_equal(next_id, 21);
    assert_int_equal(parts, 21 / size);
    must_on(c, "close k");
  }
  must_on(c, "commit");
  creche_connection_release(c);
}

/* Out of time: the transaction has failed, the connection is good. */
static void out_of_time(void** state) {
  (void)state;
  creche_connection c = acquire(pool);
  const int64_t pid = number_on(c, "select pg_backend_pid()");
  creche_task_options t;
  creche_cursor_options o;
  OK(creche_task_options_init(&t, sizeof t));
  OK(creche_cursor_options_init(&o, sizeof o));
  t.timeout = 50 * CRECHE_MILLISECOND;
  o.task = &t;
  for (int move = 0; move < 2; move++) {
    answer a;
    must_on(c, "begin");
    open_cursor(c, "select pg_sleep(20)");
    answer_init(&a);
    OK((move ? creche_cursor_move : creche_cursor_fetch)(c, loop.scope, "k", 1, &o, on_answer, &a,
                                                         NULL));
    EXPECT(&a, CRECHE_E_TIMEOUT);
    answer_free(&a);
    run_on(c, &a, "select 1");
    EXPECT(&a, CRECHE_E_PG);
    assert_string_equal(answer_state(&a), "25P02");
    answer_free(&a);
    must_on(c, "rollback");
    assert_int_equal(number_on(c, "select pg_backend_pid()"), pid);
  }
  creche_connection_release(c);
}

/* Closed, or at the end of its transaction, it holds nothing: its table can be dropped. */
static void nothing_is_in_the_way(void** state) {
  (void)state;
  creche_connection c = acquire(pool);
  for (int closed = 0; closed < 2; closed++) {
    answer a;
    must_on(c, "create table short (id int)");
    must_on(c, "begin");
    open_cursor(c, "select id from short");
    answer_init(&a);
    OK(creche_cursor_fetch(c, loop.scope, "k", 10, NULL, on_answer, &a, NULL));
    EXPECT(&a, CRECHE_OK);
    assert_int_equal(a.rows->row_count, 0);
    answer_free(&a);
    if (closed) {
      answer_init(&a);
      OK(creche_cursor_close(c, loop.scope, "k", NULL, on_answer, &a, NULL));
      EXPECT(&a, CRECHE_OK);
      answer_free(&a);
      must_on(c, "drop table short");
      must_on(c, "commit");
    } else {
      run_on(c, &a, "drop table short");
      EXPECT(&a, CRECHE_E_PG);
      assert_string_equal(answer_state(&a), "55006");
      answer_free(&a);
      must_on(c, "rollback");
      must_on(c, "drop table short");
    }
  }
  creche_connection_release(c);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(parts_of_any_size),
      cmocka_unit_test(out_of_time),
      cmocka_unit_test(nothing_is_in_the_way),
  };
  return cmocka_run_group_tests_name("cases of cursors", tests, open_one, close_one);
}

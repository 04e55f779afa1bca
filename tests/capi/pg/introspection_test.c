/* Asking what the types of a result are: it ends, and what goes wrong with it is told where it has
 * broken something. */
#include "pg_test.h"

static creche_pool pool;

static int open_one(void** state) {
  if (start_server(state) != 0) return -1;
  pool = open_pool(2);
  must(pool, "create type blob");
  must(pool,
       "create function blob_in(cstring) returns blob language internal immutable strict as "
       "'textin'");
  must(pool,
       "create function blob_out(blob) returns cstring language internal immutable strict as "
       "'textout'");
  must(pool,
       "create function blob_recv(internal) returns blob language internal immutable strict as "
       "'bytearecv'");
  must(pool,
       "create function blob_send(blob) returns bytea language internal immutable strict as "
       "'byteasend'");
  must(pool,
       "create type blob (input = blob_in, output = blob_out, receive = blob_recv, send = "
       "blob_send)");
  return 0;
}

static int close_one(void** state) {
  close_pool(pool);
  return stop_server(state);
}

/* The server's text of a value is empty. */
static void test_an_empty_text(void** state) {
  (void)state;
  for (int i = 0; i < 3; i++) {
    answer a;
    run(pool, &a, "select ''::blob, 'x'::blob, array['', null, 'y z']::blob[]");
    EXPECT(&a, CRECHE_OK);
    assert_string_equal(creche_row_text(a.rows, 0, 0, NULL), "");
    assert_string_equal(creche_row_text(a.rows, 0, 1, NULL), "x");
    char array[32];
    creche_row_format(a.rows, 0, 2, array, sizeof array);
    assert_string_equal(array, "{\"\",NULL,\"y z\"}");
    answer_free(&a);
  }
}

/* Asking waits for what somebody else holds of the catalog, for longer than the user's transaction
 * may: that fails, and says so. */
static void test_it_fails_in_a_transaction(void** state) {
  (void)state;
  creche_connection holder = acquire(pool), one = acquire(pool);
  for (int cancelled = 0; cancelled < 2; cancelled++) {
    char sql[100];
    snprintf(sql, sizeof sql, "create type mood%d as enum ('sad')", cancelled);
    must_on(one, sql);
    must_on(holder, "begin");
    must_on(holder, "lock table pg_catalog.pg_range in access exclusive mode");
    must_on(one, "begin");
    if (!cancelled) must_on(one, "set local lock_timeout = '50ms'");
    answer a;
    creche_task task;
    snprintf(sql, sizeof sql, "select 'sad'::mood%d", cancelled);
    answer_init(&a);
    OK(creche_connection_query(one, loop.scope, sql, NULL, 0, NULL, on_answer, &a, &task));
    if (cancelled) {
      AWAIT(number_on(holder, "select count(*) from pg_catalog.pg_locks where not granted") > 0);
      OK(creche_scope_cancel(task.scope, "enough"));
      EXPECT(&a, CRECHE_E_CANCELLED);
    } else {
      EXPECT(&a, CRECHE_E_PG);
      assert_string_equal(answer_state(&a), "55P03");
    }
    answer_free(&a);
    answer_init(&a);
    OK(creche_connection_query(one, loop.scope, "select 1", NULL, 0, NULL, on_answer, &a, NULL));
    EXPECT(&a, CRECHE_E_PG);
    assert_string_equal(answer_state(&a), "25P02");
    answer_free(&a);
    must_on(one, "rollback");
    must_on(holder, "rollback");
  }
  creche_connection_release(one);
  creche_connection_release(holder);
}

/* Outside of one the result is given as it is. */
static void test_it_fails_alone(void** state) {
  (void)state;
  creche_connection holder = acquire(pool), one = acquire(pool);
  must_on(one, "create type mood3 as enum ('sad')");
  must_on(one, "set lock_timeout = '50ms'");
  must_on(holder, "begin");
  must_on(holder, "lock table pg_catalog.pg_range in access exclusive mode");
  answer a;
  answer_init(&a);
  OK(creche_connection_query(one, loop.scope, "select 'sad'::mood3, 7", NULL, 0, NULL, on_answer,
                             &a, NULL));
  EXPECT(&a, CRECHE_OK);
  assert_int_equal(creche_row_int4(a.rows, 0, 1), 7);
  answer_free(&a);
  must_on(holder, "rollback");
  assert_int_equal(number_on(one, "select 8"), 8);
  creche_connection_release(one);
  creche_connection_release(holder);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_an_empty_text),
      cmocka_unit_test(test_it_fails_in_a_transaction),
      cmocka_unit_test(test_it_fails_alone),
  };
  return cmocka_run_group_tests(tests, open_one, close_one);
}

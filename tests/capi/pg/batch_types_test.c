/* Batches and execute_many ask about types as single statements do: their results are shown exactly
 * as the server prints them, and say what their types are. */
#include "pg_test.h"

static creche_pool pool;

static int open_one(void** state) {
  if (start_server(state) != 0) return -1;
  pool = open_pool(1);
  must(pool, "create extension hstore");
  must(pool, "create type mood as enum ('sad', 'so so')");
  must(pool, "create domain posint as int check (value > 0)");
  must(pool, "create type pair as (m mood, n posint, h hstore, c money)");
  must(pool, "create table held (m mood, ms mood[], p pair, d posint, ds posint[])");
  return 0;
}
static int close_one(void** state) {
  close_pool(pool);
  return stop_server(state);
}

static void shows(const creche_row_block* rows, uint64_t row, uint32_t column, const char* text) {
  char shown[256];
  assert_non_null(rows);
  creche_row_format(rows, row, column, shown, sizeof shown);
  assert_string_equal(shown, text);
}

static const creche_batch_item items[] = {
    {"select 'sad'::mood, array['sad', 'so so']::mood[]", NULL, 0},
    {"select 1", NULL, 0},
    {"select 'pg_class'::regclass, money '2.50', 1094795585::posint", NULL, 0},
    {"select row('sad', 7, 'a=>1', 1)::pair, array[row('sad', 7, null, 1)::pair]", NULL, 0},
    {"select null::mood where false", NULL, 0},
};
enum { ITEMS = sizeof items / sizeof *items };

static void check(const creche_batch_result* r) {
  for (int i = 0; i < ITEMS; i++) {
    assert_int_equal(r[i].state, CRECHE_BATCH_DONE);
    assert_int_equal(r[i].affected, i < 4);
  }
  shows(r[0].rows, 0, 0, "sad");
  shows(r[0].rows, 0, 1, "{sad,\"so so\"}");
  assert_string_equal(creche_row_type_name(r[0].rows, creche_row_column_type(r[0].rows, 0)),
                      "mood");
  shows(r[1].rows, 0, 0, "1");
  shows(r[2].rows, 0, 0, "pg_class");
  shows(r[2].rows, 0, 1, "$2.50");
  shows(r[2].rows, 0, 2, "1094795585");
  shows(r[3].rows, 0, 0, "(sad,7,\"\"\"a\"\"=>\"\"1\"\"\",$1.00)");
  shows(r[3].rows, 0, 1, "{\"(sad,7,,$1.00)\"}");
  assert_string_equal(creche_row_type_name(r[4].rows, creche_row_column_type(r[4].rows, 0)),
                      "mood");
}

static void run_items(creche_pool p, creche_connection c, uint32_t flags, answer* a) {
  creche_batch_options o;
  OK(creche_batch_options_init(&o, sizeof o));
  o.flags = flags;
  answer_init(a);
  if (c.id)
    OK(creche_connection_batch(c, loop.scope, items, ITEMS, &o, on_answer, a, NULL));
  else
    OK(creche_pool_batch(p, loop.scope, items, ITEMS, &o, on_answer, a, NULL));
  EXPECT(a, CRECHE_OK);
  check((const void*)a->rows);
}

/* On the pool, on a connection, in a transaction; shared or separate; nothing is known, or all is.
 */
static void test_batches(void** state) {
  (void)state;
  for (int form = 0; form < 6; form++) {
    creche_pool fresh = open_pool(1);
    creche_connection c = {0};
    answer a;
    if (form >= 2) c = acquire(fresh);
    if (form >= 4) must_on(c, "begin");
    for (int k = 0; k < 3; k++) {
      run_items(fresh, c, form % 2 ? CRECHE_BATCH_SEPARATE : 0, &a);
      answer_free(&a);
    }
    if (form >= 4) must_on(c, "commit");
    if (c.id) creche_connection_release(c);
    close_pool(fresh);
  }
}

/* Thousands of results that need it. */
static void test_many_results(void** state) {
  (void)state;
  enum { MANY = 20000 };
  creche_batch_item* all = calloc(MANY, sizeof *all);
  for (int i = 0; i < MANY; i++)
    all[i].sql = i % 2 ? "select 'sad'::mood" : "select row('sad', 1, null, null)::pair";
  creche_pool fresh = open_pool(1);
  answer a;
  answer_init(&a);
  OK(creche_pool_batch(fresh, loop.scope, all, MANY, NULL, on_answer, &a, NULL));
  EXPECT(&a, CRECHE_OK);
  const creche_batch_result* r = (const void*)a.rows;
  for (int i = 0; i < MANY; i++) shows(r[i].rows, 0, 0, i % 2 ? "sad" : "(sad,1,,)");
  answer_free(&a);
  close_pool(fresh);
  free(all);
}

/* Without a binary form: asked for as text, and what was before it in the batch is not done twice.
 */
static void test_no_binary_form(void** state) {
  (void)state;
  const creche_batch_item some[] = {
      {"insert into held (d) values (1) returning d", NULL, 0},
      {"select '=r/postgres'::aclitem, array['=r/postgres']::aclitem[]", NULL, 0},
  };
  for (int k = 0; k < 3; k++) {
    answer a;
    answer_init(&a);
    OK(creche_pool_batch(pool, loop.scope, some, 2, NULL, on_answer, &a, NULL));
    EXPECT(&a, CRECHE_OK);
    const creche_batch_result* r = (const void*)a.rows;
    shows(r[0].rows, 0, 0, "1");
    shows(r[1].rows, 0, 0, "=r/postgres");
    shows(r[1].rows, 0, 1, "{=r/postgres}");
    answer_free(&a);
    assert_int_equal(number(pool, "select count(*) from held"), k + 1);
  }
  must(pool, "truncate held");
}

/* The same where nothing can be run again: in a transaction, and each for itself. */
static void test_no_binary_form_of_ones_own(void** state) {
  (void)state;
  must(pool, "create type rights as (i int, a aclitem)");
  must(pool, "create table granted (r rights)");
  const creche_batch_item some[] = {
      {"insert into held (d) values (1) returning d", NULL, 0},
      {"insert into granted values ((1, 'postgres=r/postgres')) returning r", NULL, 0},
      {"select r, array[r] from granted", NULL, 0},
      {"update granted set r = r returning *", NULL, 0},
  };
  for (int k = 0; k < 12; k++) {
    creche_pool fresh = open_pool(1);
    creche_connection c = acquire(fresh);
    creche_batch_options o;
    OK(creche_batch_options_init(&o, sizeof o));
    if (k % 2) o.flags = CRECHE_BATCH_SEPARATE;
    if (k / 2 % 2 || !(k % 2)) must_on(c, "begin");
    for (int again = 0; again < 2; again++) {
      answer a;
      answer_init(&a);
      OK(creche_connection_batch(c, loop.scope, some, 4, &o, on_answer, &a, NULL));
      EXPECT(&a, CRECHE_OK);
      const creche_batch_result* r = (const void*)a.rows;
      shows(r[1].rows, 0, 0, "(1,postgres=r/postgres)");
      shows(r[2].rows, 0, 0, "(1,postgres=r/postgres)");
      shows(r[3].rows, 0, 0, "(1,postgres=r/postgres)");
      answer_free(&a);
    }
    creche_connection_release(c);
    close_pool(fresh);
    must(pool, "truncate granted");
  }
  must(pool, "truncate held");
}

/* Rows of values go in as text or as what they are, and come back. */
static void test_execute_many(void** state) {
  (void)state;
  enum { ROWS = 50, COLUMNS = 5 };
  creche_value v[ROWS][COLUMNS];
  for (int i = 0; i < ROWS; i++) {
    v[i][0] = creche_text(i % 2 ? "sad" : "so so");
    v[i][1] = creche_text("{sad,NULL,\"so so\"}");
    v[i][2] = i % 3 ? creche_text("(sad,7,,1)") : creche_null();
    v[i][3] = i % 2 ? creche_text("7") : creche_int4(7);
    v[i][4] = creche_text("{1094795585}");
  }
  /* One set of types for all rows, or not: both. */
  creche_pool fresh = open_pool(1);
  creche_query_options o;
  OK(creche_query_options_init(&o, sizeof o));
  o.flags = CRECHE_QUERY_COLLECT;
  for (int k = 0; k < 4; k++) {
    creche_connection c = {0};
    answer a;
    const char* sql =
        "insert into held values ($1, $2, $3, $4, $5) returning *, held, 'pg_class'::regclass";
    answer_init(&a);
    if (k % 2) c = acquire(fresh);
    if (k == 3) must_on(c, "begin");
    if (c.id)
      OK(creche_connection_execute_many(c, loop.scope, sql, &v[0][0], COLUMNS, ROWS, &o, on_answer,
                                        &a, NULL));
    else
      OK(creche_pool_execute_many(fresh, loop.scope, sql, &v[0][0], COLUMNS, ROWS, &o, on_answer,
                                  &a, NULL));
    EXPECT(&a, CRECHE_OK);
    assert_int_equal(a.rows->row_count, ROWS);
    assert_int_equal(a.rows->affected, ROWS);
    shows(a.rows, 1, 0, "sad");
    shows(a.rows, 1, 1, "{sad,NULL,\"so so\"}");
    shows(a.rows, 1, 2, "(sad,7,,$1.00)");
    assert_true(creche_row_is_null(a.rows, 3, 2));
    shows(a.rows, 1, 4, "{1094795585}");
    shows(a.rows, 1, 5, "(sad,\"{sad,NULL,\"\"so so\"\"}\",\"(sad,7,,$1.00)\",7,{1094795585})");
    shows(a.rows, 1, 6, "pg_class");
    answer_free(&a);
    if (k == 3) must_on(c, "commit");
    if (c.id) creche_connection_release(c);
  }
  assert_int_equal(number(pool, "select count(*) from held"), 4 * ROWS);
  close_pool(fresh);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_batches),        cmocka_unit_test(test_many_results),
      cmocka_unit_test(test_no_binary_form), cmocka_unit_test(test_no_binary_form_of_ones_own),
      cmocka_unit_test(test_execute_many),
  };
  return cmocka_run_group_tests(tests, open_one, close_one);
}

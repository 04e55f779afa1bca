/* Streams understand what they have from their first block on: what is not known of a statement's
 * columns is asked before it runs. */
#include "pg_test.h"

static creche_pool pool;

static int open_one(void** state) {
  if (start_server(state) != 0) return -1;
  pool = open_pool(1);
  must(pool, "create domain posint as int");
  must(pool, "create type mood as enum ('sad', 'so so')");
  must(pool, "create type span as range (subtype = float8)");
  must(pool, "create extension hstore");
  must(pool, "create table counted (n int8)");
  close_pool(pool);
  return 0;
}

static int close_one(void** state) {
  return stop_server(state);
}

typedef struct streamed {
  answer a;
  char text[1 << 14]; /* the first column, a line each */
  uint32_t is_text;
} streamed;

static void on_block(void* user, const creche_completion* c) {
  streamed* s = user;
  if (!(c->flags & CRECHE_MORE)) {
    on_answer(&s->a, c);
    return;
  }
  const creche_row_block* rows = c->data;
  const creche_row_column* columns = (const void*)((const char*)rows + rows->columns_offset);
  s->is_text = columns[0].text;
  assert_true(rows->types_offset == 0 || rows->types_offset > sizeof *rows);
  for (uint64_t row = 0; row < rows->row_count; row++) {
    const size_t used = strlen(s->text);
    creche_row_format(rows, row, 0, s->text + used, sizeof s->text - used);
    strcat(s->text, "\n");
  }
  creche_value_release(c->value);
}

static void begin(streamed* s) {
  memset(s, 0, sizeof *s);
  answer_init(&s->a);
}

static void test_from_the_first_block_on(void** state) {
  (void)state;
  static const struct {
    const char *sql, *text;
  } cases[] = {
      {"select array[1094795585]::posint[] from generate_series(1, 2)",
       "{1094795585}\n{1094795585}\n"},
      {"select 'pg_class'::regclass", "pg_class\n"},
      {"select money '1.50'", "$1.50\n"},
      {"select 'so so'::mood", "so so\n"},
      {"select span '[1,2)'", "[1,2)\n"},
      {"select 'a=>1'::hstore", "\"a\"=>\"1\"\n"},
      {"select makeaclitem(10, 10, 'SELECT', false)", "postgres=r/postgres\n"},
      {"select 1", "1\n"},
      {"select 1 where false", ""},
      {"insert into counted select 1", ""},
      {"values (1), (2)", "1\n2\n"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    pool = open_pool(1);
    for (int run_ = 0; run_ < 3; run_++) {
      streamed s;
      begin(&s);
      OK(creche_pool_stream(pool, loop.scope, cases[i].sql, NULL, 0, NULL, on_block, &s, NULL));
      EXPECT(&s.a, CRECHE_OK);
      assert_string_equal(s.text, cases[i].text);
      answer_free(&s.a);
    }
    close_pool(pool);
  }
  pool = open_pool(1);
  assert_int_equal(number(pool, "select count(*) from counted"), 3);
  close_pool(pool);
}

/* Nothing is executed twice, or in another order, in a transaction and with parameters too. */
static void test_on_a_connection(void** state) {
  (void)state;
  pool = open_pool(1);
  must(pool, "truncate counted");
  creche_connection c = acquire(pool);
  answer first, last;
  streamed s;
  begin(&s);
  answer_init(&first);
  answer_init(&last);
  must_on(c, "begin");
  const creche_value three = creche_int8(3);
  OK(creche_connection_query(c, loop.scope, "insert into counted values (1)", NULL, 0, NULL,
                             on_answer, &first, NULL));
  OK(creche_connection_stream(c, loop.scope,
                              "insert into counted select count(*) + $1 from counted returning n, "
                              "array[n]::posint[]",
                              &three, 1, NULL, on_block, &s, NULL));
  OK(creche_connection_query(c, loop.scope, "insert into counted select count(*) from counted",
                             NULL, 0, NULL, on_answer, &last, NULL));
  EXPECT(&first, CRECHE_OK);
  EXPECT(&s.a, CRECHE_OK);
  EXPECT(&last, CRECHE_OK);
  assert_string_equal(s.text, "4\n");
  assert_int_equal(number_on(c, "select sum(n)::int8 from counted"), 1 + 4 + 2);
  answer_free(&first);
  answer_free(&s.a);
  answer_free(&last);
  must_on(c, "commit");

  /* What cannot be read fails as ever, and the connection goes on. */
  static const struct {
    const char *sql, *state;
  } wrong[] = {{"selec 1", "42601"}, {"select 1/0", "22012"}, {"select nothing", "42703"}};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    begin(&s);
    OK(creche_connection_stream(c, loop.scope, wrong[i].sql, NULL, 0, NULL, on_block, &s, NULL));
    EXPECT(&s.a, CRECHE_E_PG);
    assert_string_equal(answer_state(&s.a), wrong[i].state);
    answer_free(&s.a);
  }
  begin(&s);
  const creche_value word = creche_text("word");
  OK(creche_connection_stream(c, loop.scope, "select $1::int4", &word, 1, NULL, on_block, &s,
                              NULL));
  EXPECT(&s.a, CRECHE_E_PG);
  assert_string_equal(answer_state(&s.a), "22P02");
  answer_free(&s.a);
  assert_int_equal(number_on(c, "select 5::int8"), 5);
  creche_connection_release(c);
  close_pool(pool);
}

/* The question is asked once. */
static void test_asked_once(void** state) {
  (void)state;
  pool = open_pool(1);
  must(pool, "select 1");
  for (int run_ = 0; run_ < 4; run_++) {
    const uint64_t before = counters(pool).statements;
    streamed s;
    begin(&s);
    OK(creche_pool_stream(pool, loop.scope, "select 'sad'::mood", NULL, 0, NULL, on_block, &s,
                          NULL));
    EXPECT(&s.a, CRECHE_OK);
    answer_free(&s.a);
    assert_int_equal(counters(pool).statements - before, run_ == 0 ? 3 : 1);
  }
  close_pool(pool);
}

/* Cancelled while it is being asked. */
static void test_cancelled(void** state) {
  (void)state;
  pool = open_pool(2);
  creche_connection blocker = acquire(pool);
  must_on(blocker, "begin");
  must_on(blocker, "lock table counted in access exclusive mode");
  streamed s;
  begin(&s);
  creche_task task;
  OK(creche_pool_stream(pool, loop.scope, "select array[n]::posint[] from counted", NULL, 0, NULL,
                        on_block, &s, &task));
  /* It waits for the lock, which it takes to be parsed. */
  AWAIT(number_on(blocker, "select count(*) from pg_locks where not granted") > 0);
  OK(creche_scope_cancel(task.scope, NULL));
  EXPECT(&s.a, CRECHE_E_CANCELLED);
  answer_free(&s.a);
  must_on(blocker, "rollback");
  creche_connection_release(blocker);
  assert_int_equal(number(pool, "select 7::int8"), 7);
  close_pool(pool);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_from_the_first_block_on),
      cmocka_unit_test(test_on_a_connection),
      cmocka_unit_test(test_asked_once),
      cmocka_unit_test(test_cancelled),
  };
  return cmocka_run_group_tests(tests, open_one, close_one);
}

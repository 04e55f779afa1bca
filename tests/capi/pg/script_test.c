/* Statements with more results than one: scripts, and tables with rules. */
#include "steps.h"

static void test_script(void** state) {
  (void)state;
  creche_pool pool = open_pool(1);
  creche_connection c = acquire(pool);
  answer a, b;
  answer_init(&a);
  answer_init(&b);
  OK(creche_connection_script(
      c, loop.scope,
      "create temp table s (i int); insert into s values (1), (2); update s set i = 3", NULL,
      on_answer, &a, NULL));
  OK(creche_connection_query(c, loop.scope, "select sum(i) from s", NULL, 0, NULL, on_answer, &b,
                             NULL));
  EXPECT(&a, CRECHE_OK);
  assert_int_equal(a.code, 2);
  assert_null(a.rows);
  EXPECT(&b, CRECHE_OK);
  assert_int_equal(creche_row_int8(b.rows, 0, 0), 6);
  answer_free(&a);
  answer_free(&b);
  answer_init(&a);
  OK(creche_connection_script(c, loop.scope,
                              "insert into s values (9); select 1/0; insert into s values (10)",
                              NULL, on_answer, &a, NULL));
  EXPECT(&a, CRECHE_E_PG);
  answer_free(&a);
  assert_int_equal(number_on(c, "select count(*) from s"), 2);
  answer_init(&a);
  OK(creche_connection_script(c, loop.scope, "insert into s values (5); copy s to stdout", NULL,
                              on_answer, &a, NULL));
  EXPECT(&a, CRECHE_E_UNSUPPORTED);
  answer_free(&a);
  answer_init(&a);
  OK(creche_connection_script(c, loop.scope, "insert into s values (5); COPY s FROM stdin;", NULL,
                              on_answer, &a, NULL));
  EXPECT(&a, CRECHE_E_UNSUPPORTED);
  answer_free(&a);
  /* Nothing of them was done, and the connection is what it was. */
  assert_int_equal(number_on(c, "select count(*) from s"), 2);
  assert_int_equal(counters(pool).dropped, 0);
  creche_connection_release(c);
  assert_int_equal(number(pool, "select 1"), 1);
  close_pool(pool);
}

/* Statements with more results than one. */
static void test_rules(void** state) {
  (void)state;
  creche_pool pool = open_pool(1);
  creche_connection c = acquire(pool);
  answer a;
  must_on(c, "create table ruled (i int)");
  must_on(c, "create table noted (i int)");
  must_on(c, "create rule a as on insert to ruled do also select new.i, 'one'");
  must_on(c, "create rule b as on insert to ruled do also select new.i from generate_series(1, 3)");
  must_on(c, "create rule c as on insert to ruled do also insert into noted values (new.i)");
  must_on(c, "create rule d as on delete to ruled do instead (select 1; select 2 where false)");
  answer_init(&a);
  OK(creche_connection_script(c, loop.scope,
                              "insert into ruled values (1); select 1; insert into ruled values "
                              "(2), (3); delete from ruled; ; update ruled set i = i",
                              NULL, on_answer, &a, NULL));
  EXPECT(&a, CRECHE_OK);
  assert_int_equal(a.code, 3);
  answer_free(&a);
  must_on(c, "insert into ruled values (4)");
  must_on(c, "delete from ruled");
  answer_init(&a);
  OK(creche_connection_stream(c, loop.scope, "insert into ruled values (5)", NULL, 0, NULL,
                              on_answer, &a, NULL));
  EXPECT(&a, CRECHE_OK);
  answer_free(&a);
  assert_int_equal(number_on(c, "select count(*) from ruled"), 5);
  assert_int_equal(number_on(c, "select count(*) from noted"), 5);
  must_on(c, "drop table ruled, noted");
  creche_connection_release(c);
  assert_int_equal(counters(pool).dropped, 0);
  close_pool(pool);
}

/* The clock of a thread's own time. */
static void on_clock(void* user, const creche_completion* c) {
  (void)c;
  assert_int_equal(pthread_getcpuclockid(pthread_self(), user), 0);
}
static int64_t spent(clockid_t clock) {
  struct timespec t;
  assert_int_equal(clock_gettime(clock, &t), 0);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* A long script is read by the thread that starts it: the loop has others to serve. */
static void test_long(void** state) {
  (void)state;
  static const char once[] = "select 1, 'a string', $x$ another $x$ /* and a comment */;\n";
  static const char last[] = "copy s from stdin";
  const size_t part = sizeof once - 1, parts = 400000;
  creche_pool pool = open_pool(1);
  creche_connection c = acquire(pool);
  clockid_t of_loop, of_this;
  answer a;
  char* script = malloc(part * parts + sizeof last);
  assert_non_null(script);
  for (size_t i = 0; i < parts; i++) memcpy(script + i * part, once, part);
  memcpy(script + part * parts, last, sizeof last);
  OK(creche_connection_query(c, loop.scope, "select 1", NULL, 0, NULL, on_clock, &of_loop, NULL));
  assert_int_equal(number_on(c, "select 1"), 1); /* the first has ended before it */
  assert_int_equal(pthread_getcpuclockid(pthread_self(), &of_this), 0);
  const int64_t loop_before = spent(of_loop), before = spent(of_this);
  answer_init(&a);
  OK(creche_connection_script(c, loop.scope, script, NULL, on_answer, &a, NULL));
  EXPECT(&a, CRECHE_E_UNSUPPORTED);
  const int64_t by_loop = spent(of_loop) - loop_before, by_this = spent(of_this) - before;
  if (by_loop * 4 > by_this)
    fail_msg("the loop's thread took %" PRId64 " ns, the caller's %" PRId64, by_loop, by_this);
  answer_free(&a);
  free(script);
  creche_connection_release(c);
  close_pool(pool);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_script),
      cmocka_unit_test(test_rules),
      cmocka_unit_test(test_long),
  };
  return cmocka_run_group_tests(tests, start_server, stop_server);
}

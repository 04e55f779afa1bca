/* What a pool counts of those who want its connections, and how often it gives one out. */
#include "pg_test.h"

static void test_acquires_are_counted(void** state) {
  (void)state;
  creche_pool pool = open_pool(1);
  creche_connection one = acquire(pool); /* had to wait until it was open */
  creche_pool_counters c = counters(pool);
  assert_int_equal(c.acquires, 1);
  assert_int_equal(c.empty_acquires, 1);
  assert_true(c.waited > 0);
  answer waits, gives_up;
  answer_init(&waits);
  answer_init(&gives_up);
  creche_task task;
  OK(creche_pool_acquire(pool, loop.scope, NULL, on_answer, &waits, NULL));
  OK(creche_pool_acquire(pool, loop.scope, NULL, on_answer, &gives_up, &task));
  while (counters(pool).waiting < 2) nap_ms(1);
  OK(creche_scope_cancel(task.scope, "enough"));
  EXPECT(&gives_up, CRECHE_E_CANCELLED);
  answer_free(&gives_up);
  nap_ms(20);
  creche_connection_release(one);
  EXPECT(&waits, CRECHE_OK);
  c = counters(pool);
  assert_int_equal(c.acquires, 2);
  assert_int_equal(c.empty_acquires, 2);
  assert_int_equal(c.cancelled_acquires, 1);
  assert_true(c.waited >= 20 * CRECHE_MILLISECOND);
  answer_free(&waits);
  must(pool, "select 1");
  must(pool, "select 1");
  assert_true(counters(pool).acquires >= 4);
  close_pool(pool);
}

/* Each is closed after so many uses, when nobody has it, and another one takes its place. */
static void test_max_uses(void** state) {
  (void)state;
  creche_pool_options o;
  OK(creche_pool_options_init(&o, sizeof o));
  assert_int_equal(o.max_uses, 0);
  o.max_size = 1;
  o.max_uses = 3;
  creche_pool pool;
  OK(creche_pool_open(loop, support_postgres_url(server), &o, &pool));
  int64_t before = 0;
  int others = 0;
  for (int i = 0; i < 12; i++) {
    const int64_t pid = number(pool, "select pg_backend_pid()");
    others += pid != before;
    before = pid;
  }
  assert_int_equal(others, 4);
  assert_int_equal(counters(pool).connects, 4);
  assert_int_equal(counters(pool).dropped, 0);
  /* One that is held stays. */
  creche_connection one = acquire(pool);
  for (int i = 0; i < 10; i++) assert_int_equal(number_on(one, "select 1"), 1);
  creche_connection_release(one);
  close_pool(pool);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_acquires_are_counted),
      cmocka_unit_test(test_max_uses),
  };
  return cmocka_run_group_tests(tests, start_server, stop_server);
}

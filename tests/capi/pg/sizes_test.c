/* How many connections a pool has, what is run on each new one, and what is changed while it is
 * used. */
#include "pg_test.h"

static creche_pool pool_with(creche_pool_options* o) {
  creche_pool pool;
  OK(creche_pool_open(loop, support_postgres_url(server), o, &pool));
  return pool;
}

static creche_pool_options defaults(uint32_t max_size) {
  creche_pool_options o;
  OK(creche_pool_options_init(&o, sizeof o));
  o.max_size = max_size;
  return o;
}

static void start_acquires(creche_pool pool, answer* a, int count) {
  for (int i = 0; i < count; i++) {
    answer_init(&a[i]);
    OK(creche_pool_acquire(pool, loop.scope, NULL, on_answer, &a[i], NULL));
  }
}

static void test_initial_size(void** state) {
  (void)state;
  creche_pool_options o = defaults(6);
  o.initial_size = 4;
  o.idle_timeout = 200 * CRECHE_MILLISECOND;
  creche_pool pool = pool_with(&o);
  AWAIT(counters(pool).connects == 4);
  /* It is no floor. */
  AWAIT(counters(pool).connections == 0);
  assert_int_equal(counters(pool).retired, 4);
  assert_int_equal(counters(pool).max_size, 6);
  assert_int_equal(number(pool, "select 1"), 1);
  assert_int_equal(counters(pool).connects, 5);
  close_pool(pool);
}

/* The first one goes alone, and what it hears is heard by who waits. */
static void test_the_first_one_fails(void** state) {
  (void)state;
  creche_pool_options o = defaults(5);
  o.initial_size = o.min_size = 5;
  creche_pool pool;
  OK(creche_pool_open(loop, "postgresql://127.0.0.1:1/x", &o, &pool));
  AWAIT(counters(pool).connect_failures >= 1);
  assert_true(counters(pool).connecting <= 1);
  answer a;
  run(pool, &a, "select 1");
  EXPECT(&a, CRECHE_E_CONNECT);
  answer_free(&a);
  close_pool(pool);
}

static void test_resize(void** state) {
  (void)state;
  creche_pool_options o = defaults(1);
  creche_pool pool = pool_with(&o);
  creche_connection c[4] = {acquire(pool)};
  answer a[3];
  start_acquires(pool, a, 3);
  AWAIT(counters(pool).waiting == 3);
  OK(creche_pool_resize(pool, 0, 4));
  for (int i = 0; i < 3; i++) {
    EXPECT(&a[i], CRECHE_OK);
    c[i + 1].id = a[i].value;
    a[i].value = 0;
    answer_free(&a[i]);
  }
  assert_int_equal(counters(pool).connections, 4);
  /* Smaller: those that are held stay as long as they are. */
  OK(creche_pool_resize(pool, 0, 2));
  for (int i = 0; i < 4; i++) assert_int_equal(number_on(c[i], "select 1"), 1);
  assert_int_equal(counters(pool).connections, 4);
  assert_int_equal(counters(pool).max_size, 2);
  for (int i = 0; i < 4; i++) creche_connection_release(c[i]);
  AWAIT(counters(pool).connections == 2 && counters(pool).idle == 2);
  OK(creche_pool_resize(pool, 0, 1));
  AWAIT(counters(pool).connections == 1);
  assert_int_equal(counters(pool).retired, 3);
  OK(creche_pool_resize(pool, 3, 5));
  AWAIT(counters(pool).idle == 3);
  assert_int_equal(counters(pool).min_size, 3);
  assert_int_equal(creche_pool_resize(pool, 0, 0), CRECHE_E_INVALID);
  assert_int_equal(creche_pool_resize(pool, 0, 65537), CRECHE_E_INVALID);
  assert_int_equal(creche_pool_resize(pool, 3, 2), CRECHE_E_INVALID);
  last_error_says("min_size");
  assert_int_equal(counters(pool).max_size, 5);
  close_pool(pool);
}

/* Under load on shared connections: everything is answered, and there are fewer in the end. */
static void test_resize_under_load(void** state) {
  (void)state;
  creche_pool_options o = defaults(8);
  creche_pool pool = pool_with(&o);
  for (int i = 0; i < 5; i++) must(pool, "select 1");
  enum { kCount = 2000 };
  static answer a[kCount];
  static const uint32_t sizes[] = {8, 2, 5, 1, 8, 3};
  for (int i = 0; i < kCount; i++) {
    answer_init(&a[i]);
    OK(creche_pool_query(pool, loop.scope, "select 1", NULL, 0, NULL, on_answer, &a[i], NULL));
    if (i % 333 == 0) OK(creche_pool_resize(pool, 0, sizes[i / 333 % 6]));
    if (i % 500 == 250) OK(creche_pool_expire(pool));
  }
  OK(creche_pool_resize(pool, 0, 2));
  for (int i = 0; i < kCount; i++) {
    EXPECT(&a[i], CRECHE_OK);
    answer_free(&a[i]);
  }
  AWAIT(counters(pool).connections <= 2);
  close_pool(pool);
}

static void test_expire(void** state) {
  (void)state;
  creche_pool_options o = defaults(2);
  creche_pool pool = pool_with(&o);
  creche_connection c = acquire(pool);
  const int64_t held = number_on(c, "select pg_backend_pid()");
  const int64_t idle = number(pool, "select pg_backend_pid()");
  assert_true(held != idle);
  OK(creche_pool_expire(pool));
  const int64_t next = number(pool, "select pg_backend_pid()");
  assert_true(next != idle && next != held);
  assert_int_equal(number_on(c, "select pg_backend_pid()"), held);
  creche_connection_release(c);
  AWAIT(counters(pool).retired == 2);
  creche_connection one = acquire(pool), two = acquire(pool);
  assert_true(number_on(one, "select pg_backend_pid()") != held);
  assert_true(number_on(two, "select pg_backend_pid()") != held);
  creche_connection_release(one);
  creche_connection_release(two);
  close_pool(pool);
  assert_int_equal(creche_pool_expire(pool), CRECHE_E_ENDED);
}

/* One that is on its way, as its init waits for a lock, is not given out either. */
static void test_expire_on_the_way(void** state) {
  (void)state;
  creche_pool plain = open_pool(1);
  creche_connection holder = acquire(plain);
  must_on(holder, "select pg_advisory_lock(9)");
  creche_pool_options o = defaults(1);
  o.init = "select pg_advisory_xact_lock(9)";
  creche_pool pool = pool_with(&o);
  answer a;
  start_acquires(pool, &a, 1);
  static const char waits[] = "select pid from pg_locks where not granted";
  AWAIT(number_on(holder, "select count(*) from pg_locks where not granted") == 1);
  const int64_t on_its_way = number_on(holder, waits);
  OK(creche_pool_expire(pool));
  must_on(holder, "select pg_advisory_unlock(9)");
  EXPECT(&a, CRECHE_OK);
  const creche_connection c = {a.value};
  a.value = 0;
  answer_free(&a);
  assert_true(number_on(c, "select pg_backend_pid()") != on_its_way);
  creche_connection_release(c);
  creche_connection_release(holder);
  close_pool(pool);
  close_pool(plain);
}

static void test_init_holds(void** state) {
  (void)state;
  creche_pool_options o = defaults(1);
  char init[] =
      "set statement_timeout = '12345ms'; create temp table own (i int);"
      "prepare twice as select $1::int * 2; insert into own values (7)";
  o.init = init;
  creche_pool pool = pool_with(&o);
  memset(init, 'x', sizeof init - 1); /* it was copied */
  for (int i = 0; i < 3; i++) {
    creche_connection c = acquire(pool);
    assert_int_equal(
        number_on(c, "select setting::int8 from pg_settings where name = 'statement_timeout'"),
        12345);
    assert_int_equal(number_on(c, "select i::int8 from own"), 7);
    assert_int_equal(number_on(c, "execute twice(21)"), 42);
    must_on(c, "set statement_timeout = '1h'");
    must_on(c, i == 1 ? "discard all" : "drop table own");
    creche_connection_release(c);
  }
  /* Without a checkout, too. */
  must(pool, "select set_config('statement_timeout', '2h', false)");
  assert_int_equal(
      number(pool, "select setting::int8 from pg_settings where name = 'statement_timeout'"),
      12345);
  assert_int_equal(counters(pool).connects, 1);
  assert_int_equal(counters(pool).dropped, 0);
  close_pool(pool);
}

static void test_init_fails(void** state) {
  (void)state;
  creche_pool plain = open_pool(1);
  must(plain, "create table gate (open int)");
  creche_pool_options o = defaults(2);
  o.init = "select 1 / (select count(*) from gate)";
  creche_pool pool = pool_with(&o);
  answer a[5];
  start_acquires(pool, a, 5);
  for (int i = 0; i < 5; i++) {
    EXPECT(&a[i], CRECHE_E_PG);
    assert_string_equal(answer_state(&a[i]), "22012");
    assert_int_equal(a[i].error->phase, CRECHE_PHASE_POOL);
    answer_free(&a[i]);
  }
  assert_true(counters(pool).connect_failures > 0);
  assert_int_equal(counters(pool).connects, 0);
  must(plain, "insert into gate values (1)");
  creche_connection one = acquire(pool), two = acquire(pool); /* both slots are there */
  creche_connection_release(one);
  creche_connection_release(two);
  AWAIT(counters(pool).idle == 2);
  /* Behind a reset: the connection goes, and who comes is told. */
  must(plain, "delete from gate");
  one = acquire(pool);
  creche_connection_release(one);
  answer b;
  OK(creche_pool_expire(pool));
  run(pool, &b, "select 1");
  EXPECT(&b, CRECHE_E_PG);
  answer_free(&b);
  must(plain, "insert into gate values (1)");
  assert_int_equal(number(pool, "select 1"), 1);
  must(plain, "drop table gate");
  close_pool(pool);
  close_pool(plain);
}

/* Who has waited longest is told, and nobody else. */
static void test_init_fails_once(void** state) {
  (void)state;
  creche_pool plain = open_pool(1);
  must(plain, "create sequence tries");
  creche_pool_options o = defaults(1);
  o.init = "select 1 / (nextval('tries') - 1)";
  creche_pool pool = pool_with(&o);
  answer a[3];
  start_acquires(pool, a, 3);
  EXPECT(&a[0], CRECHE_E_PG);
  answer_free(&a[0]);
  for (int i = 1; i < 3; i++) {
    EXPECT(&a[i], CRECHE_OK);
    answer_free(&a[i]);
  }
  must(plain, "drop sequence tries");
  close_pool(pool);
  close_pool(plain);
}

/* It makes what the pool does not want: that is told, and not tried without a pause. */
static void test_an_unwanted_init(void** state) {
  (void)state;
  char dsn[300];
  snprintf(dsn, sizeof dsn, "%s?target_session_attrs=read-write", support_postgres_url(server));
  creche_pool_options o = defaults(1);
  o.init = "set default_transaction_read_only = on";
  creche_pool pool;
  OK(creche_pool_open(loop, dsn, &o, &pool));
  answer a;
  run(pool, &a, "select 1");
  EXPECT(&a, CRECHE_E_STATE);
  assert_non_null(strstr(a.error->message, "target_session_attrs"));
  answer_free(&a);
  close_pool(pool);
}

static void init_fails_with(const char* init, creche_status status, const char* text) {
  creche_pool_options o = defaults(1);
  o.init = init;
  o.connect_timeout = 3 * CRECHE_SECOND;
  creche_pool pool = pool_with(&o);
  answer a;
  run(pool, &a, "select 1");
  EXPECT(&a, status);
  if (!strstr(creche_error_message(a.error), text)) fail_msg("%s", creche_error_message(a.error));
  answer_free(&a);
  close_pool(pool);
}

static void test_unfit_inits(void** state) {
  (void)state;
  init_fails_with("begin; select 1", CRECHE_E_STATE, "transaction open");
  init_fails_with("copy pg_class to stdout", CRECHE_E_UNSUPPORTED, "COPY");
  init_fails_with("selekt", CRECHE_E_PG, "selekt");
  init_fails_with("select pg_sleep(60)", CRECHE_E_TIMEOUT, "init");
  init_fails_with("select pg_terminate_backend(pg_backend_pid())", CRECHE_E_DISCONNECTED,
                  "terminating");
  creche_pool_options o = defaults(1);
  o.init = ""; /* none */
  creche_pool pool = pool_with(&o);
  assert_int_equal(number(pool, "select 1"), 1);
  close_pool(pool);
  o.initial_size = 2;
  assert_int_equal(creche_pool_open(loop, "", &o, &pool), CRECHE_E_INVALID);
  last_error_says("initial_size");
}

/* What waits, for a connection or for its init, is told at once. */
static void test_close_while_waiting(void** state) {
  (void)state;
  creche_pool_options o = defaults(1);
  o.init = "select pg_sleep(60)";
  creche_pool pool = pool_with(&o);
  answer a[3];
  start_acquires(pool, a, 3);
  AWAIT(counters(pool).connections == 1);
  close_pool(pool);
  for (int i = 0; i < 3; i++) {
    EXPECT(&a[i], CRECHE_E_CLOSED);
    answer_free(&a[i]);
  }
}

static void test_timings(void** state) {
  (void)state;
  creche_pool_options o = defaults(1);
  o.min_size = 1;
  o.max_waiting = 1;
  o.acquire_timeout = 100 * CRECHE_MILLISECOND; /* which connecting may take longer than */
  creche_pool pool = pool_with(&o);
  AWAIT(counters(pool).idle == 1);
  for (int i = 0; i < 3; i++) must(pool, "select pg_sleep(0.01)");
  creche_pool_timings t;
  OK(creche_pool_get_timings(pool, &t, sizeof t));
  assert_int_equal(t.connect.count, 1);
  assert_int_equal(t.acquire.count, counters(pool).empty_acquires);
  assert_true(t.query.count >= 3 && t.query.sum >= 30 * (uint64_t)CRECHE_MILLISECOND);
  assert_true(t.query.max >= 10 * (uint64_t)CRECHE_MILLISECOND);
  uint64_t sum = 0;
  for (int i = 0; i < 40; i++) sum += t.query.buckets[i];
  assert_int_equal(sum, t.query.count);
  creche_connection c = acquire(pool);
  answer a[2];
  start_acquires(pool, a, 2);
  EXPECT(&a[0], CRECHE_E_TIMEOUT);
  EXPECT(&a[1], CRECHE_E_LIMIT);
  assert_int_equal(counters(pool).refused_acquires, 1);
  assert_int_equal(counters(pool).timed_out_acquires, 1);
  answer_free(&a[0]);
  answer_free(&a[1]);
  creche_connection_release(c);
  assert_int_equal(creche_pool_get_timings(pool, &t, 3), CRECHE_E_INVALID);
  close_pool(pool);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_initial_size),    cmocka_unit_test(test_the_first_one_fails),
      cmocka_unit_test(test_resize),          cmocka_unit_test(test_resize_under_load),
      cmocka_unit_test(test_expire),          cmocka_unit_test(test_expire_on_the_way),
      cmocka_unit_test(test_init_holds),      cmocka_unit_test(test_init_fails),
      cmocka_unit_test(test_init_fails_once), cmocka_unit_test(test_an_unwanted_init),
      cmocka_unit_test(test_unfit_inits),     cmocka_unit_test(test_close_while_waiting),
      cmocka_unit_test(test_timings),
  };
  return cmocka_run_group_tests(tests, start_server, stop_server);
}

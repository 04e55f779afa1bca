/* What is run on a connection each time that somebody gets it (creche_pool_options.setup). */
#include "pg_test.h"

static creche_pool plain;

static int open_one(void** state) {
  if (start_server(state) != 0) return -1;
  plain = open_pool(2);
  must(plain, "create sequence setups");
  must(plain, "create table gate (open int)");
  return 0;
}
static int close_one(void** state) {
  close_pool(plain);
  return stop_server(state);
}

static creche_pool pool_with(const char* setup, uint32_t max_size, int64_t acquire_timeout) {
  creche_pool_options o;
  creche_pool pool;
  OK(creche_pool_options_init(&o, sizeof o));
  o.setup = setup;
  o.max_size = max_size;
  if (acquire_timeout != 0) o.acquire_timeout = acquire_timeout;
  OK(creche_pool_open(loop, support_postgres_url(server), &o, &pool));
  return pool;
}

static int64_t setups(void) {
  return number(plain, "select case when is_called then last_value else 0 end from setups");
}

static void has_role(creche_connection c, int is) {
  assert_int_equal(number_on(c, "select (current_setting('app.who', true) = 'me')::int::int8"), is);
}

typedef struct body {
  creche_task task;
  int64_t is;
} body;
static void on_body_asked(void* user, const creche_completion* c) {
  body* b = user;
  if (c->status == CRECHE_OK) b->is = creche_row_int8(c->data, 0, 0);
  creche_value_release(c->value);
  creche_task_finish(b->task, c->status, 0, c->error);
}
static void on_body(void* user, const creche_completion* c) {
  body* b = user;
  if (c->kind != CRECHE_BEGIN) return;
  b->task = c->task;
  SAY(creche_connection_query((creche_connection){c->value}, c->task.scope,
                              "select (current_setting('app.who', true) = 'me')::int::int8", NULL,
                              0, NULL, on_body_asked, b, NULL));
}
static creche_status transact(creche_pool pool, body* b, answer* a) {
  answer_init(a);
  OK(creche_pool_transaction(pool, loop.scope, on_body, b, NULL, on_answer, a, NULL));
  return answer_wait(a);
}

/* Each time, and for those only who have a connection of their own; undone when it comes back. */
static void test_each_time(void** state) {
  (void)state;
  creche_pool pool = pool_with("select nextval('setups'); set app.who = 'me'", 1, 0);
  const int64_t before = setups();
  for (int i = 1; i <= 3; i++) {
    creche_connection c = acquire(pool);
    has_role(c, 1);
    assert_int_equal(setups() - before, i);
    must_on(c, "set app.who = 'him'");
    creche_connection_release(c);
  }
  assert_int_equal(
      number(pool, "select (coalesce(current_setting('app.who', true), '') = '')::int::int8"), 1);
  assert_int_equal(setups() - before, 3);
  body b = {{{0}}, 0};
  answer a;
  transact(pool, &b, &a);
  EXPECT(&a, CRECHE_OK);
  answer_free(&a);
  assert_int_equal(b.is, 1);
  assert_int_equal(setups() - before, 4);
  assert_int_equal(counters(pool).dropped, 0);
  close_pool(pool);
}

/* Its error is theirs who would have got the connection, which is given back, and as good as
 * before. */
static void test_fails(void** state) {
  (void)state;
  creche_pool pool = pool_with("select 1 / (select count(*) from gate)", 1, 0);
  must(pool, "select 1");
  const uint64_t connects = counters(pool).connects;
  answer a[4];
  for (int i = 0; i < 4; i++) {
    answer_init(&a[i]);
    OK(creche_pool_acquire(pool, loop.scope, NULL, on_answer, &a[i], NULL));
  }
  for (int i = 0; i < 4; i++) {
    EXPECT(&a[i], CRECHE_E_PG);
    assert_string_equal(answer_state(&a[i]), "22012");
    assert_int_equal(a[i].error->phase, CRECHE_PHASE_POOL);
    answer_free(&a[i]);
  }
  body b = {{{0}}, -1};
  transact(pool, &b, &a[0]);
  EXPECT(&a[0], CRECHE_E_PG);
  assert_string_equal(answer_state(&a[0]), "22012");
  answer_free(&a[0]);
  assert_int_equal(b.is, -1); /* the body was never called */
  must(plain, "insert into gate values (1)");
  creche_connection_release(acquire(pool));
  must(pool, "select 1");
  assert_int_equal(counters(pool).connects, connects);
  assert_int_equal(counters(pool).dropped, 0);
  assert_int_equal(counters(pool).leased, 0);
  must(plain, "delete from gate");
  close_pool(pool);
}

static void fails_with(const char* setup, creche_status status, const char* says) {
  creche_pool pool = pool_with(setup, 1, 0);
  answer a;
  answer_init(&a);
  OK(creche_pool_acquire(pool, loop.scope, NULL, on_answer, &a, NULL));
  EXPECT(&a, status);
  if (strstr(a.error->message, says) == NULL) fail_msg("%s", a.error->message);
  answer_free(&a);
  AWAIT(counters(pool).idle == 1);
  assert_int_equal(
      number(pool, "select count(*) from pg_stat_activity where state like 'idle in%'"), 0);
  close_pool(pool);
}

static void test_unfit(void** state) {
  (void)state;
  fails_with("begin", CRECHE_E_STATE, "open");
  fails_with("select 1; begin; select 1", CRECHE_E_STATE, "open");
  fails_with("copy gate to stdout", CRECHE_E_UNSUPPORTED, "COPY");
  fails_with("nonsense", CRECHE_E_PG, "nonsense");
}

/* Cancelled, or out of time: it is cancelled on the server, and the connection is given back. */
static void test_cut(void** state) {
  (void)state;
  creche_pool pool = pool_with("select pg_sleep(60)", 1, 300 * CRECHE_MILLISECOND);
  answer a;
  answer_init(&a);
  OK(creche_pool_acquire(pool, loop.scope, NULL, on_answer, &a, NULL));
  EXPECT(&a, CRECHE_E_TIMEOUT);
  assert_int_equal(a.error->phase, CRECHE_PHASE_POOL);
  answer_free(&a);
  close_pool(pool);
  pool = pool_with("select pg_sleep(60)", 1, 0);
  creche_task task;
  for (int what = 0; what < 2; what++) {
    body b = {{{0}}, 0};
    answer_init(&a);
    if (what == 0)
      OK(creche_pool_acquire(pool, loop.scope, NULL, on_answer, &a, &task));
    else
      OK(creche_pool_transaction(pool, loop.scope, on_body, &b, NULL, on_answer, &a, &task));
    AWAIT(number(plain, "select count(*) from pg_stat_activity where wait_event = 'PgSleep'") == 1);
    OK(creche_scope_cancel(task.scope, NULL));
    EXPECT(&a, CRECHE_E_CANCELLED);
    answer_free(&a);
    assert_int_equal(number(pool, "select 1"), 1);
  }
  assert_int_equal(counters(pool).connects, 1);
  /* The close of the pool ends it, too. */
  answer_init(&a);
  OK(creche_pool_acquire(pool, loop.scope, NULL, on_answer, &a, NULL));
  AWAIT(number(plain, "select count(*) from pg_stat_activity where wait_event = 'PgSleep'") == 1);
  close_pool(pool);
  EXPECT(&a, CRECHE_E_CLOSED);
  answer_free(&a);
}

/* An idle connection that is dead already: another one is taken, and set up. */
static void test_dead(void** state) {
  (void)state;
  creche_pool pool = pool_with("set app.who = 'me'", 1, 0);
  for (int i = 0; i < 3; i++) {
    creche_connection c = acquire(pool);
    has_role(c, 1);
    creche_connection_release(c);
    AWAIT(counters(pool).idle == 1);
    must(plain,
         "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and "
         "backend_type = 'client backend' and query not like '%from setups%'");
  }
  close_pool(pool);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_each_time), cmocka_unit_test(test_fails), cmocka_unit_test(test_unfit),
      cmocka_unit_test(test_cut),       cmocka_unit_test(test_dead),
  };
  return cmocka_run_group_tests(tests, open_one, close_one);
}

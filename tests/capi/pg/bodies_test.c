/* What a pool's user does with connections by functions of his own: init, setup and reset of
 * creche_pool_calls; and what a user may say of the one that he has: creche_connection_expire. */
#include "pg_test.h"

enum { INIT, SETUP, RESET, KINDS };

/* One of the three; the loop's thread has it, the test looks at numbers only. */
typedef struct part {
  const char* sql; /* that it runs; NULL: nothing */
  creche_status finish;
  int expires, releases, moves; /* what it does to the connection first */
  int hangs;                    /* until it is cancelled */
  int calls, cancelled, failed_step, moved;
  uint64_t connection;
  creche_task task;
} part;
static part parts[KINDS];

static void on_part_step(void* user, const creche_completion* c) {
  part* p = user;
  if (c->status != CRECHE_OK) __atomic_add_fetch(&p->failed_step, 1, __ATOMIC_SEQ_CST);
  if (c->flags & CRECHE_OWNED) creche_value_release(c->value);
  SAY(creche_task_finish(p->task, c->status != CRECHE_OK ? c->status : p->finish, 0, c->error));
}

static void on_part(part* p, const creche_completion* c) {
  if (c->kind == CRECHE_CANCEL) {
    __atomic_add_fetch(&p->cancelled, 1, __ATOMIC_SEQ_CST);
    if (p->hangs) SAY(creche_task_finish(c->task, CRECHE_E_CANCELLED, 0, NULL));
    return;
  }
  const creche_connection own = {c->value};
  p->task = c->task;
  p->connection = c->value;
  if (p->expires) SAY(creche_connection_expire(own));
  if (p->moves) p->moved = creche_connection_move(own, loop.scope);
  if (p->sql != NULL)
    SAY(creche_connection_query(own, c->task.scope, p->sql, NULL, 0, NULL, on_part_step, p, NULL));
  if (p->releases) creche_connection_release(own);
  __atomic_add_fetch(&p->calls, 1, __ATOMIC_SEQ_CST);
  if (p->sql == NULL && !p->hangs) SAY(creche_task_finish(c->task, p->finish, 0, NULL));
}
static void on_init(void* user, const creche_completion* c) {
  on_part((part*)user + INIT, c);
}
static void on_setup(void* user, const creche_completion* c) {
  on_part((part*)user + SETUP, c);
}
static void on_reset(void* user, const creche_completion* c) {
  on_part((part*)user + RESET, c);
}

static int calls(int kind) {
  return __atomic_load_n(&parts[kind].calls, __ATOMIC_SEQ_CST);
}

/* With one connection. which: bits of the three; change: of the options, or NULL. */
static creche_pool pool_with(unsigned which, void (*change)(creche_pool_options*)) {
  creche_pool pool;
  creche_pool_options o;
  creche_pool_calls c;
  OK(creche_pool_calls_init(&c, sizeof c));
  assert_true(c.init == NULL && c.setup == NULL && c.reset == NULL);
  if (which & 1u << INIT) c.init = on_init;
  if (which & 1u << SETUP) c.setup = on_setup;
  if (which & 1u << RESET) c.reset = on_reset;
  c.user = parts;
  OK(creche_pool_options_init(&o, sizeof o));
  o.max_size = 1;
  o.calls = &c;
  if (change) change(&o);
  OK(creche_pool_open(loop, support_postgres_url(server), &o, &pool));
  return pool;
}

static int forget(void** state) {
  (void)state;
  memset(parts, 0, sizeof parts);
  return 0;
}

static int64_t pid_of(creche_pool pool) {
  return number(pool, "select pg_backend_pid()");
}

static void by_hand(creche_pool_options* o) {
  o->reset = CRECHE_RESET_NONE;
}

/* ---- init ---- */

static void test_init_comes_first_and_once(void** state) {
  (void)state;
  parts[INIT].sql = "set application_name = 'made by init'";
  creche_pool pool = pool_with(1u << INIT, by_hand);
  assert_int_equal(
      number(pool, "select (current_setting('application_name') = 'made by init')::int::int8"), 1);
  creche_connection_release(acquire(pool));
  assert_int_equal(
      number(pool, "select (current_setting('application_name') = 'made by init')::int::int8"), 1);
  assert_int_equal(calls(INIT), 1);
  OK(creche_pool_expire(pool));
  must(pool, "select 1");
  assert_int_equal(calls(INIT), 2);
  const creche_pool_counters c = counters(pool);
  assert_int_equal(c.connects, 2);
  assert_int_equal(c.leased, 0);
  close_pool(pool);
  assert_int_equal(creche_connection_query((creche_connection){parts[INIT].connection}, loop.scope,
                                           "select 1", NULL, 0, NULL, NULL, NULL, NULL),
                   CRECHE_E_ENDED);
}

static void sql_first(creche_pool_options* o) {
  o->init = "create temporary table order_of (who text); insert into order_of values ('sql')";
}
static void test_init_comes_behind_sql(void** state) {
  (void)state;
  parts[INIT].sql = "insert into order_of select 'body' from order_of where who = 'sql'";
  creche_pool pool = pool_with(1u << INIT, sql_first);
  assert_int_equal(number(pool, "select count(*) from order_of"), 2);
  close_pool(pool);
}

static void test_init_fails(void** state) {
  (void)state;
  const struct {
    const char* sql;
    creche_status finish, told;
    int expires;
    const char* says;
  } cases[] = {{NULL, -1234, -1234, 0, ""},
               {"select 1 / 0", CRECHE_OK, CRECHE_E_PG, 0, "division"},
               {"begin", CRECHE_OK, CRECHE_E_STATE, 0, "transaction open"},
               {NULL, CRECHE_OK, CRECHE_E_STATE, 1, "creche_connection_expire"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    forget(state);
    parts[INIT] =
        (part){.sql = cases[i].sql, .finish = cases[i].finish, .expires = cases[i].expires};
    creche_pool pool = pool_with(1u << INIT, NULL);
    answer a;
    run(pool, &a, "select 1");
    EXPECT(&a, cases[i].told);
    assert_non_null(strstr(a.error->message, cases[i].says));
    answer_free(&a);
    assert_int_equal(calls(INIT), 1);
    assert_int_equal(counters(pool).connect_failures, 1);
    assert_int_equal(counters(pool).connections, 0);
    /* The next one gets another. */
    parts[INIT] = (part){.sql = "select 1"};
    assert_int_equal(number(pool, "select 2"), 2);
    close_pool(pool);
  }
}

static void soon(creche_pool_options* o) {
  o->connect_timeout = 300 * CRECHE_MILLISECOND;
  o->acquire_timeout = 300 * CRECHE_MILLISECOND;
}
static void soon_connected(creche_pool_options* o) {
  o->connect_timeout = 300 * CRECHE_MILLISECOND;
}
static void test_init_takes_too_long(void** state) {
  (void)state;
  parts[INIT].hangs = 1;
  creche_pool pool = pool_with(1u << INIT, soon_connected);
  answer a;
  run(pool, &a, "select 1");
  EXPECT(&a, CRECHE_E_TIMEOUT);
  answer_free(&a);
  assert_int_equal(parts[INIT].cancelled, 1);
  close_pool(pool);
}

/* ---- setup ---- */

static void test_setup_is_for_who_has_it_alone(void** state) {
  (void)state;
  parts[SETUP].sql = "set application_name = 'set up'";
  parts[SETUP].moves = parts[SETUP].releases = 1;
  creche_pool pool = pool_with(1u << SETUP, NULL);
  must(pool, "select 1");
  assert_int_equal(calls(SETUP), 0);
  creche_connection c = acquire(pool);
  assert_int_equal(calls(SETUP), 1);
  assert_int_equal(parts[SETUP].moved, CRECHE_E_STATE);
  assert_int_not_equal(parts[SETUP].connection, c.id);
  assert_int_equal(
      number_on(c, "select (current_setting('application_name') = 'set up')::int::int8"), 1);
  OK(creche_connection_move(c, loop.scope)); /* it is the user's now */
  creche_connection_release(c);
  assert_int_equal(
      number(pool, "select (current_setting('application_name') = 'set up')::int::int8"), 0);
  assert_int_equal(calls(SETUP), 1);
  close_pool(pool);
}

static void begun(void* user, const creche_completion* c) {
  (void)user;
  if (c->kind == CRECHE_BEGIN) SAY(creche_task_finish(c->task, CRECHE_OK, 7, NULL));
}

static void test_setup_of_a_transaction(void** state) {
  (void)state;
  parts[SETUP].sql = "select 1";
  creche_pool pool = pool_with(1u << SETUP, NULL);
  answer a;
  answer_init(&a);
  OK(creche_pool_transaction(pool, loop.scope, begun, NULL, NULL, on_answer, &a, NULL));
  EXPECT(&a, CRECHE_OK);
  assert_int_equal(a.value, 7);
  a.value = 0;
  answer_free(&a);
  assert_int_equal(calls(SETUP), 1);
  parts[SETUP].finish = -1234;
  answer_init(&a);
  OK(creche_pool_transaction(pool, loop.scope, begun, NULL, NULL, on_answer, &a, NULL));
  EXPECT(&a, -1234);
  answer_free(&a);
  close_pool(pool);
}

static void test_setup_fails(void** state) {
  (void)state;
  const struct {
    const char* sql;
    creche_status finish, told;
    int expires;
  } cases[] = {{NULL, -1234, -1234, 0},
               {"select 1 / 0", CRECHE_OK, CRECHE_E_PG, 0},
               {"begin", CRECHE_OK, CRECHE_E_STATE, 0},
               {NULL, -1234, -1234, 1}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    forget(state);
    parts[SETUP] =
        (part){.sql = cases[i].sql, .finish = cases[i].finish, .expires = cases[i].expires};
    creche_pool pool = pool_with(1u << SETUP, NULL);
    const int64_t pid = pid_of(pool);
    answer a;
    answer_init(&a);
    OK(creche_pool_acquire(pool, loop.scope, NULL, on_answer, &a, NULL));
    EXPECT(&a, cases[i].told);
    answer_free(&a);
    /* Its place is free, and the connection is as good as before, unless it was said not to be. */
    if (cases[i].expires)
      assert_int_not_equal(pid_of(pool), pid);
    else
      assert_int_equal(pid_of(pool), pid);
    assert_int_equal(counters(pool).leased, 0);
    close_pool(pool);
  }
}

static void test_setup_is_cut(void** state) {
  (void)state;
  parts[SETUP].hangs = 1;
  creche_pool pool = pool_with(1u << SETUP, NULL);
  creche_task task;
  answer a;
  answer_init(&a);
  OK(creche_pool_acquire(pool, loop.scope, NULL, on_answer, &a, &task));
  AWAIT(calls(SETUP) == 1);
  OK(creche_scope_cancel(task.scope, NULL));
  EXPECT(&a, CRECHE_E_CANCELLED);
  answer_free(&a);
  assert_int_equal(parts[SETUP].cancelled, 1);
  must(pool, "select 1");
  close_pool(pool);
  forget(state);
  parts[SETUP].hangs = 1;
  pool = pool_with(1u << SETUP, soon);
  answer_init(&a);
  OK(creche_pool_acquire(pool, loop.scope, NULL, on_answer, &a, NULL));
  EXPECT(&a, CRECHE_E_TIMEOUT);
  answer_free(&a);
  must(pool, "select 1");
  close_pool(pool);
}

/* ---- reset ---- */

static void test_reset_comes_when_it_is_given_back(void** state) {
  (void)state;
  parts[RESET].sql = "insert into left_behind select count(*) from left_behind";
  creche_pool pool = pool_with(1u << RESET, NULL);
  must(pool, "create table left_behind (n int8)");
  assert_int_equal(calls(RESET), 0); /* a statement on the pool has none alone */
  creche_connection c = acquire(pool);
  must_on(c, "begin");
  must_on(c, "insert into left_behind values (100)");
  creche_connection_release(c);
  /* What was open is rolled back before. */
  assert_int_equal(number(pool, "select max(n) from left_behind"), 0);
  assert_int_equal(calls(RESET), 1);
  /* What it leaves open is rolled back, too. */
  parts[RESET].sql = "begin";
  creche_connection_release(acquire(pool));
  must(pool, "insert into left_behind values (5)");
  assert_int_equal(number(pool, "select max(n) from left_behind"), 5);
  assert_int_equal(parts[RESET].failed_step, 0);
  must(pool, "drop table left_behind");
  close_pool(pool);
}

static void test_reset_fails(void** state) {
  (void)state;
  creche_pool pool = pool_with(1u << RESET, NULL);
  const int64_t pid = pid_of(pool);
  creche_connection_release(acquire(pool));
  assert_int_equal(pid_of(pool), pid);
  parts[RESET].finish = -1234;
  creche_connection_release(acquire(pool));
  assert_int_not_equal(pid_of(pool), pid);
  assert_int_equal(calls(RESET), 2);
  assert_int_equal(counters(pool).dropped, 1);
  close_pool(pool);
}

/* ---- The end ---- */

static void test_the_close_tells_them(void** state) {
  (void)state;
  for (int kind = 0; kind < KINDS; kind++) {
    forget(state);
    creche_pool pool = pool_with(1u << kind, NULL);
    answer a, waits;
    parts[kind].hangs = 1;
    answer_init(&a);
    OK(creche_pool_acquire(pool, loop.scope, NULL, on_answer, &a, NULL));
    if (kind == RESET) {
      EXPECT(&a, CRECHE_OK);
      creche_value_release(a.value);
      a.value = 0;
    }
    AWAIT(calls(kind) == 1);
    answer_init(&waits);
    OK(creche_pool_query(pool, loop.scope, "select 1", NULL, 0, NULL, on_answer, &waits, NULL));
    close_pool(pool);
    if (kind != RESET) EXPECT(&a, CRECHE_E_CLOSED);
    EXPECT(&waits, CRECHE_E_CLOSED);
    assert_int_equal(parts[kind].cancelled, 1);
    answer_free(&a);
    answer_free(&waits);
  }
}

static void test_the_end_of_the_loop(void** state) {
  (void)state;
  const creche_loop usual = loop;
  for (int kind = 0; kind < KINDS; kind++) {
    forget(state);
    OK(creche_loop_open(NULL, &loop));
    creche_pool pool = pool_with(1u << kind, NULL);
    parts[kind].hangs = 1;
    answer a;
    answer_init(&a);
    OK(creche_pool_acquire(pool, loop.scope, NULL, on_answer, &a, NULL));
    if (kind == RESET) {
      EXPECT(&a, CRECHE_OK);
      creche_value_release(a.value);
      a.value = 0;
    }
    AWAIT(calls(kind) == 1);
    assert_int_equal(close_and_join_loop(), 0);
    answer_wait(&a);
    assert_true(a.status == CRECHE_E_CANCELLED || kind == RESET);
    assert_int_equal(parts[kind].cancelled, 1);
    answer_free(&a);
    creche_pool_release(pool);
  }
  loop = usual;
}

static void test_no_functions(void** state) {
  (void)state;
  creche_pool pool;
  creche_pool_options o;
  creche_pool_calls c;
  OK(creche_pool_options_init(&o, sizeof o));
  o.calls = &c;
  for (int kind = 0; kind < KINDS; kind++) {
    OK(creche_pool_calls_init(&c, sizeof c));
    *(kind == INIT    ? &c.init
      : kind == SETUP ? &c.setup
                      : &c.reset) = kind == SETUP ? creche_to_group : creche_nobody;
    assert_int_equal(creche_pool_open(loop, support_postgres_url(server), &o, &pool),
                     CRECHE_E_INVALID);
    last_error_says("functions of yours");
  }
}

/* ---- creche_connection_expire ---- */

static void test_expire_one(void** state) {
  (void)state;
  creche_pool pool = open_pool(1);
  creche_connection c = acquire(pool);
  const int64_t pid = number_on(c, "select pg_backend_pid()");
  OK(creche_connection_expire(c));
  assert_int_equal(number_on(c, "select pg_backend_pid()"), pid); /* it goes on */
  creche_connection_release(c);
  assert_int_equal(creche_connection_expire(c), CRECHE_E_ENDED);
  assert_int_not_equal(pid_of(pool), pid);
  assert_int_equal(counters(pool).dropped, 0); /* nothing was lost */
  close_pool(pool);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(test_init_comes_first_and_once, forget),
      cmocka_unit_test_setup(test_init_comes_behind_sql, forget),
      cmocka_unit_test_setup(test_init_fails, forget),
      cmocka_unit_test_setup(test_init_takes_too_long, forget),
      cmocka_unit_test_setup(test_setup_is_for_who_has_it_alone, forget),
      cmocka_unit_test_setup(test_setup_of_a_transaction, forget),
      cmocka_unit_test_setup(test_setup_fails, forget),
      cmocka_unit_test_setup(test_setup_is_cut, forget),
      cmocka_unit_test_setup(test_reset_comes_when_it_is_given_back, forget),
      cmocka_unit_test_setup(test_reset_fails, forget),
      cmocka_unit_test_setup(test_the_close_tells_them, forget),
      cmocka_unit_test_setup(test_the_end_of_the_loop, forget),
      cmocka_unit_test_setup(test_no_functions, forget),
      cmocka_unit_test(test_expire_one),
  };
  return cmocka_run_group_tests_name("bodies of a pool", tests, start_server, stop_server);
}

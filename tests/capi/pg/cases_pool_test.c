/* The pool: many users of few connections, who come, go and give up at all times: cases of
 * CASES.md. */
#include "operations.h"

static creche_pool pool_of(const creche_pool_options* o) {
  creche_pool pool;
  OK(creche_pool_open(loop, support_postgres_url(server), o, &pool));
  return pool;
}
static creche_pool_options options(uint32_t max_size) {
  creche_pool_options o;
  OK(creche_pool_options_init(&o, sizeof o));
  o.max_size = max_size;
  return o;
}

/* All connections that there are have nobody. */
static void expect_all_back(creche_pool pool) {
  for (const int64_t end = now_ms() + PATIENCE_MS;; nap_ms(2)) {
    const creche_pool_counters c = counters(pool);
    if (c.leased == 0 && c.waiting == 0 && c.idle == c.connections && c.connecting == 0) return;
    if (now_ms() > end)
      fail_msg("%d leased, %d waiting, %d of %d idle", (int)c.leased, (int)c.waiting, (int)c.idle,
               (int)c.connections);
  }
}

/* ---- Everybody is served ---- */

typedef struct user {
  creche_pool pool;
  answer end;
  creche_connection connection;
} user;

static void on_used(void* of, const creche_completion* c) {
  user* u = of;
  creche_connection_release(u->connection);
  on_answer(&u->end, c);
}
static void on_given(void* of, const creche_completion* c) {
  user* u = of;
  if (c->status != CRECHE_OK) {
    on_answer(&u->end, c);
    return;
  }
  u->connection.id = c->value;
  OK(creche_connection_query(u->connection, loop.scope, "select pg_backend_pid()", NULL, 0, NULL,
                             on_used, u, NULL));
}

static void everybody_is_served(void** state) {
  (void)state;
  static user users[100];
  static const int sizes[][2] = {{1, 5}, {5, 5}, {10, 5}, {20, 10}, {100, 5}, {100, 10}};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    creche_pool_options o = options((uint32_t)sizes[i][1]);
    o.min_size = 5;
    creche_pool pool = pool_of(&o);
    for (int k = 0; k < sizes[i][0]; k++) {
      users[k].pool = pool;
      answer_init(&users[k].end);
      OK(creche_pool_acquire(pool, loop.scope, NULL, on_given, &users[k], NULL));
    }
    for (int k = 0; k < sizes[i][0]; k++) {
      EXPECT(&users[k].end, CRECHE_OK);
      answer_free(&users[k].end);
    }
    expect_all_back(pool);
    assert_true(counters(pool).connections <= (uint64_t)sizes[i][1]);
    close_pool(pool);
  }
}

static void everything_at_once(void** state) {
  (void)state;
  enum { AT_ONCE = 200 };
  static answer a[AT_ONCE];
  creche_pool_options o = options(10);
  o.min_size = 5;
  creche_pool pool = pool_of(&o);
  must(pool, "create table if not exists things (id int)");
  for (int i = 0; i < AT_ONCE; i++)
    OK(start_operation(i % OF_A_POOL, pool, NULL, 0, NULL, &a[i], NULL));
  for (int i = 0; i < AT_ONCE; i++) {
    EXPECT(&a[i], CRECHE_OK);
    operation_free(&a[i]);
  }
  expect_all_back(pool);
  assert_int_equal(counters(pool).dropped, 0);
  close_pool(pool);
}

/* ---- What is held ---- */

/* The only one is held: who waits gives up in time, and a close does not wait for who holds it. */
static void the_only_one_is_held(void** state) {
  (void)state;
  creche_pool pool = open_pool(1);
  creche_connection c = acquire(pool);
  creche_task_options t;
  OK(creche_task_options_init(&t, sizeof t));
  t.timeout = 30 * CRECHE_MILLISECOND;
  answer a;
  answer_init(&a);
  OK(creche_pool_acquire(pool, loop.scope, &t, on_answer, &a, NULL));
  EXPECT(&a, CRECHE_E_TIMEOUT);
  answer_free(&a);
  /* Another one is in line when it is closed: told at once, and not given what comes back. */
  answer_init(&a);
  OK(creche_pool_acquire(pool, loop.scope, NULL, on_answer, &a, NULL));
  close_pool(pool);
  EXPECT(&a, CRECHE_E_CLOSED);
  answer_free(&a);
  creche_connection_release(c);
}

/* Each call on what was given back, or is of a pool that was closed, says so; each way. */
static void what_was_given_back(void** state) {
  (void)state;
  creche_pool pool = open_pool(1);
  must(pool, "create table if not exists things (id int)");
  for (int round = 0; round < 2; round++) {
    const creche_status status = round == 0 ? CRECHE_E_ENDED : CRECHE_E_CLOSED;
    creche_connection c = acquire(pool);
    must_on(c, "select 1");
    if (round == 0)
      for (int i = 0; i < 3; i++) creche_connection_release(c); /* once is enough */
    else
      OK(creche_pool_close(pool, creche_nobody, NULL));
    for (int what = 0; what < OF_A_CONNECTION; what++) {
      answer a;
      creche_status got = start_operation(what, pool, &c, 0, NULL, &a, NULL);
      if (got == CRECHE_OK) got = answer_wait(&a); /* the pool was closed, which it learns later */
      if (got != status && got != CRECHE_E_ENDED)
        fail_msg("%s: %s", operation_names[what], creche_status_name(got));
      operation_free(&a);
    }
    for (int step = 0; step < 3; step++) {
      answer a;
      answer_init(&a);
      creche_status got =
          (step == 0   ? creche_connection_begin
           : step == 1 ? creche_connection_commit
                       : creche_connection_rollback)(c, loop.scope, NULL, on_answer, &a, NULL);
      if (got == CRECHE_OK) got = answer_wait(&a);
      if (got != status && got != CRECHE_E_ENDED) fail_msg("%d: %s", step, creche_status_name(got));
      answer_free(&a);
    }
    if (round == 0) {
      IS(creche_connection_move(c, loop.scope), CRECHE_E_ENDED);
      assert_int_equal(number(pool, "select 1"), 1);
      assert_int_equal(counters(pool).connects, 1);
    }
    creche_connection_release(c);
  }
  creche_pool_release(pool);
}

/* Given back in a scope that is cancelled, by a task that ends, while its statements run: it comes
 * back all the same, and clean. */
static void given_back_while_it_works(void** state) {
  (void)state;
  creche_pool pool = open_pool(1), other = open_pool(1);
  const int64_t pid = number(pool, "select pg_backend_pid()");
  for (int way = 0; way < 3; way++) {
    creche_connection c = acquire(pool);
    creche_scope scope;
    answer a, b;
    must_on(c, "set application_name = 'somebody'");
    must_on(c, "begin");
    answer_init(&a);
    answer_init(&b);
    OK(creche_scope_open(loop.scope, NULL, &scope));
    OK(creche_connection_query(c, scope, "select pg_sleep(20)", NULL, 0, NULL, on_answer, &a,
                               NULL));
    AWAIT(number(other, "select count(*) from pg_stat_activity where wait_event = 'PgSleep'") > 0);
    /* Cancelled, and given back while the server is still being told; or the other way round. */
    if (way == 0) OK(creche_scope_cancel(scope, NULL));
    creche_connection_release(c);
    OK(creche_pool_acquire(pool, loop.scope, NULL, on_answer, &b, NULL));
    if (way == 1) OK(creche_scope_cancel(scope, NULL));
    if (way == 2)
      must(other,
           "select pg_cancel_backend(pid) from pg_stat_activity"
           " where wait_event = 'PgSleep'");
    EXPECT(&b, CRECHE_OK);
    EXPECT(&a, way == 2 ? CRECHE_E_PG : CRECHE_E_CANCELLED);
    c.id = b.value;
    b.value = 0;
    answer_free(&a);
    answer_free(&b);
    OK(creche_scope_leave(scope, NULL));
    answer now;
    run_on(c, &now, "select pg_backend_pid(), current_setting('application_name') <> 'somebody'");
    EXPECT(&now, CRECHE_OK);
    assert_int_equal(creche_row_int4(now.rows, 0, 0), pid);
    assert_int_equal(creche_row_bool(now.rows, 0, 1), 1);
    answer_free(&now);
    creche_connection_release(c);
  }
  expect_all_back(pool);
  close_pool(pool);
  close_pool(other);
}

/* Cancelled at any moment of their wait, they leave nothing behind. */
static void given_up_at_any_moment(void** state) {
  (void)state;
  enum { WAITERS = 50 };
  static answer a[WAITERS];
  creche_task tasks[WAITERS];
  creche_task_options t;
  OK(creche_task_options_init(&t, sizeof t));
  t.timeout = 100 * CRECHE_SECOND;
  creche_pool pool = open_pool(3);
  for (int round = 0; round < 10; round++) {
    for (int i = 0; i < WAITERS; i++) {
      answer_init(&a[i]);
      OK(creche_pool_acquire(pool, loop.scope, &t, on_answer, &a[i], &tasks[i]));
    }
    if (round % 2) nap_ms(round);
    /* From the last to the first: what one of them gives up is given to one that is still in line.
     */
    for (int i = WAITERS - 1; i >= 0; i--) creche_scope_cancel(tasks[i].scope, NULL);
    for (int i = 0; i < WAITERS; i++) {
      const creche_status status = answer_wait(&a[i]);
      assert_true(status == CRECHE_OK || status == CRECHE_E_CANCELLED);
      if (status == CRECHE_OK) creche_connection_release((creche_connection){a[i].value});
      a[i].value = 0;
      answer_free(&a[i]);
    }
    expect_all_back(pool);
  }
  assert_int_equal(number(pool, "select 1"), 1);
  close_pool(pool);
}

/* ---- Connections that are replaced ---- */

/* One use each, one at a time: who waits gets the next one. */
static void one_use_each(void** state) {
  (void)state;
  creche_pool_options o = options(1);
  o.max_uses = 1;
  creche_pool pool = pool_of(&o);
  creche_connection c = acquire(pool);
  int64_t before = number_on(c, "select pg_backend_pid()");
  for (int i = 0; i < 5; i++) {
    answer a;
    answer_init(&a);
    OK(creche_pool_acquire(pool, loop.scope, NULL, on_answer, &a, NULL));
    creche_connection_release(c);
    EXPECT(&a, CRECHE_OK);
    c.id = a.value;
    a.value = 0;
    answer_free(&a);
    const int64_t now = number_on(c, "select pg_backend_pid()");
    assert_true(now != before);
    before = now;
  }
  creche_connection_release(c);
  close_pool(pool);
}

/* What takes the place of a lost one is as it was: settings, names, what is kept of statements. */
static void replaced_by_its_like(void** state) {
  (void)state;
  creche_pool_options o = options(1);
  o.application_name = "of the pool";
  o.statement_cache = 3;
  creche_pool pool = pool_of(&o), other = open_pool(1);
  for (int i = 0; i < 3; i++) {
    answer a;
    char sql[100];
    run(pool, &a, "select pg_backend_pid(), current_setting('application_name')");
    EXPECT(&a, CRECHE_OK);
    assert_string_equal(creche_row_text(a.rows, 0, 1, NULL), "of the pool");
    const int pid = creche_row_int4(a.rows, 0, 0);
    answer_free(&a);
    for (int k = 0; k < 20; k++) {
      snprintf(sql, sizeof sql, "select %d", k / 2);
      must(pool, sql);
    }
    /* A few more are on their way to being closed. */
    assert_true(number(pool, "select count(*) from pg_prepared_statements") <= 9);
    snprintf(sql, sizeof sql, "select pg_terminate_backend(%d, 20000)", pid);
    must(other, sql);
  }
  assert_int_equal(counters(pool).connects, 3);
  close_pool(pool);
  close_pool(other);
}

/* ---- Idleness ---- */

/* It begins when a connection is given back: neither a long statement nor a long lease is idle. */
static void work_is_not_idle(void** state) {
  (void)state;
  enum { IDLE = 400, WORK = 1000, ROUNDING = 10 };
  creche_pool_options o = options(1);
  o.idle_timeout = IDLE * CRECHE_MILLISECOND;
  creche_pool pool = pool_of(&o);
  answer works, waits;
  int64_t began = now_ms();
  answer_init(&works);
  answer_init(&waits);
  OK(creche_pool_query(pool, loop.scope, "select pg_backend_pid() from pg_sleep(1)", NULL, 0, NULL,
                       on_answer, &works, NULL));
  EXPECT(&works, CRECHE_OK);
  const int64_t pid = creche_row_int8(works.rows, 0, 0);
  AWAIT(counters(pool).connections == 0);
  assert_true(now_ms() - began >= WORK + IDLE - ROUNDING);
  answer_free(&works);
  /* The same by another one: who is in line while it works gets it. */
  answer_init(&works);
  OK(creche_pool_query(pool, loop.scope, "select pg_backend_pid() from pg_sleep(1)", NULL, 0, NULL,
                       on_answer, &works, NULL));
  OK(creche_pool_acquire(pool, loop.scope, NULL, on_answer, &waits, NULL));
  EXPECT(&works, CRECHE_OK);
  EXPECT(&waits, CRECHE_OK);
  const creche_connection c = {waits.value};
  waits.value = 0;
  const int64_t second = creche_row_int8(works.rows, 0, 0);
  assert_true(second != pid);
  assert_int_equal(number_on(c, "select pg_backend_pid()"), second);
  answer_free(&works);
  answer_free(&waits);
  nap_ms(WORK);
  assert_int_equal(number_on(c, "select pg_backend_pid()"), second);
  nap_ms(WORK);
  began = now_ms();
  creche_connection_release(c);
  AWAIT(counters(pool).connections == 0);
  assert_true(now_ms() - began >= IDLE - ROUNDING);
  assert_int_equal(counters(pool).connects, 2);
  close_pool(pool);
}

/* Fifty who come and go about as often as connections are given up for being idle: all are served.
 */
typedef struct comer {
  creche_pool pool;
  answer end;
  unsigned seed;
  int left;
} comer;
static void comer_rests(void* of, const creche_completion* c);
static void comer_comes(void* of, const creche_completion* c) {
  comer* w = of;
  (void)c;
  OK(creche_pool_query(w->pool, loop.scope, "select 1", NULL, 0, NULL, comer_rests, w, NULL));
}
static void comer_rests(void* of, const creche_completion* c) {
  comer* w = of;
  if (c->status != CRECHE_OK || --w->left == 0) {
    on_answer(&w->end, c);
    return;
  }
  creche_value_release(c->value);
  OK(creche_sleep(loop.scope, (int64_t)(rand_r(&w->seed) % 8) * CRECHE_MILLISECOND, NULL,
                  comer_comes, w, NULL));
}

static void comers_and_goers(void** state) {
  (void)state;
  static comer comers[50];
  creche_pool_options o = options(20);
  o.idle_timeout = 2 * CRECHE_MILLISECOND;
  creche_pool pool = pool_of(&o);
  /* Until connections have been given up and opened anew meanwhile. */
  for (const int64_t end = now_ms() + PATIENCE_MS; counters(pool).connects <= 20;) {
    if (now_ms() > end) fail_msg("%d connects", (int)counters(pool).connects);
    for (unsigned i = 0; i < 50; i++) {
      comers[i] = (comer){.pool = pool, .seed = i, .left = 100};
      answer_init(&comers[i].end);
      OK(creche_loop_post(loop, comer_comes, &comers[i]));
    }
    for (int i = 0; i < 50; i++) {
      EXPECT(&comers[i].end, CRECHE_OK);
      answer_free(&comers[i].end);
    }
    expect_all_back(pool);
  }
  close_pool(pool);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(everybody_is_served),
      cmocka_unit_test(everything_at_once),
      cmocka_unit_test(the_only_one_is_held),
      cmocka_unit_test(what_was_given_back),
      cmocka_unit_test(given_back_while_it_works),
      cmocka_unit_test(given_up_at_any_moment),
      cmocka_unit_test(one_use_each),
      cmocka_unit_test(replaced_by_its_like),
      cmocka_unit_test(work_is_not_idle),
      cmocka_unit_test(comers_and_goers),
  };
  return cmocka_run_group_tests_name("cases of the pool", tests, start_server, stop_server);
}

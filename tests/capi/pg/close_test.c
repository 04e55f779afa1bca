/* Closing a pool: what it does to a stream that is held back, to transactions at each of their
 * steps, and while the server does not answer. */
#include "pg_test.h"
#include "support/blocker.h"

typedef struct held {
  answer a;
  uint64_t rows, blocks[64];
} held;

/* Keeps the blocks. */
static void on_held(void* user, const creche_completion* c) {
  held* h = user;
  if (c->flags & CRECHE_MORE) {
    pthread_mutex_lock(&h->a.lock);
    h->rows += ((const creche_row_block*)c->data)->row_count;
    h->blocks[h->a.blocks++] = c->value;
    pthread_mutex_unlock(&h->a.lock);
  } else {
    on_answer(&h->a, c);
  }
}

static void held_wait(held* h) {
  for (int blocks = 0; blocks == 0;) {
    pthread_mutex_lock(&h->a.lock);
    blocks = h->a.blocks;
    pthread_mutex_unlock(&h->a.lock);
    nap_ms(1);
  }
}

static void held_free(held* h) {
  while (h->a.blocks > 0) creche_value_release(h->blocks[--h->a.blocks]);
  answer_free(&h->a);
}

/* The server has sent all of it: there is nothing left to be cancelled, but what was not read is
 * missing, and that is no success. */
static void test_rows_that_were_not_read(void** state) {
  (void)state;
  creche_pool pool = open_pool(1);
  creche_query_options o;
  held h = {.rows = 0};
  answer_init(&h.a);
  OK(creche_query_options_init(&o, sizeof o));
  o.block_rows = 10;
  o.blocks = 1;
  OK(creche_pool_stream(pool, loop.scope, "select generate_series(1, 100)", NULL, 0, &o, on_held,
                        &h, NULL));
  held_wait(&h);
  close_pool(pool);
  EXPECT(&h.a, CRECHE_E_CLOSED);
  assert_true(h.rows < 100);
  held_free(&h);
}

/* It was never sent, so its outcome is known. */
static void test_commit_that_waits(void** state) {
  (void)state;
  creche_pool pool = open_pool(1);
  creche_connection c = acquire(pool);
  creche_query_options o;
  answer begun, commit;
  held h = {.rows = 0};
  answer_init(&begun);
  answer_init(&commit);
  answer_init(&h.a);
  OK(creche_connection_begin(c, loop.scope, NULL, on_answer, &begun, NULL));
  OK(creche_query_options_init(&o, sizeof o));
  o.blocks = 1;
  OK(creche_connection_stream(c, loop.scope, "select generate_series(1, 1000000)", NULL, 0, &o,
                              on_held, &h, NULL));
  OK(creche_connection_commit(c, loop.scope, NULL, on_answer, &commit, NULL));
  EXPECT(&begun, CRECHE_OK);
  held_wait(&h);
  close_pool(pool);
  EXPECT(&h.a, CRECHE_E_CLOSED);
  EXPECT(&commit, CRECHE_E_CLOSED);
  held_free(&h);
  answer_free(&begun);
  answer_free(&commit);
  creche_connection_release(c);
}

static int64_t number_there(creche_loop other_loop, creche_pool pool, const char* sql) {
  const creche_loop usual = loop;
  loop = other_loop;
  const int64_t n = number(pool, sql);
  loop = usual;
  return n;
}

/* Started before the close and submitted behind it, in one turn of a loop that this thread runs. */
static void test_what_comes_with_the_close(void** state) {
  (void)state;
  const creche_loop usual = loop;
  creche_pool other = open_pool(1), pool;
  creche_loop_options lo;
  OK(creche_loop_options_init(&lo, sizeof lo));
  lo.run = CRECHE_RUN_CALLER;
  OK(creche_loop_open(&lo, &loop));
  creche_pool_options o;
  answer got, begun, slow, late, end;
  answer* const all[] = {&got, &begun, &slow, &late, &end};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) answer_init(all[i]);
  OK(creche_pool_options_init(&o, sizeof o));
  o.max_size = 1;
  OK(creche_pool_open(loop, support_postgres_url(server), &o, &pool));
  OK(creche_pool_acquire(pool, loop.scope, NULL, on_answer, &got, NULL));
  while (!answer_wait_for(&got, 0)) (void)creche_loop_poll(loop, CRECHE_SECOND);
  const creche_connection c = {got.value};
  OK(creche_connection_begin(c, loop.scope, NULL, on_answer, &begun, NULL));
  OK(creche_connection_query(c, loop.scope, "select pg_sleep(50) /* slow */", NULL, 0, NULL,
                             on_answer, &slow, NULL));
  while (!answer_wait_for(&begun, 0)) (void)creche_loop_poll(loop, CRECHE_SECOND);
  while (number_there(usual, other,
                      "select count(*) from pg_stat_activity where query like '%slow */' and "
                      "state = 'active' and pid <> pg_backend_pid()") == 0)
    (void)creche_loop_poll(loop, 5 * CRECHE_MILLISECOND);
  OK(creche_connection_query(c, loop.scope, "select 1", NULL, 0, NULL, on_answer, &late, NULL));
  OK(creche_pool_close(pool, on_answer, &end));
  while (!answer_wait_for(&end, 0)) (void)creche_loop_poll(loop, CRECHE_SECOND);
  EXPECT(&slow, CRECHE_E_CLOSED);
  EXPECT(&late, CRECHE_E_CLOSED);
  EXPECT(&end, CRECHE_OK);
  creche_connection_release(c);
  creche_pool_release(pool);
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) answer_free(all[i]);
  OK(creche_loop_close(loop));
  OK(creche_loop_join(loop, 10 * CRECHE_SECOND));
  loop = usual;
  close_pool(other);
}

/* However it ends on the way out: what its users are told is that the pool was closed. */
static void test_frozen_server(void** state) {
  (void)state;
  creche_pool other = open_pool(1), pool;
  creche_pool_options o;
  answer a;
  OK(creche_pool_options_init(&o, sizeof o));
  o.cancel_timeout = 50 * CRECHE_MILLISECOND;
  OK(creche_pool_open(loop, support_postgres_url(server), &o, &pool));
  answer_init(&a);
  OK(creche_pool_query(pool, loop.scope, "select pg_sleep(50) /* frozen */", NULL, 0, NULL,
                       on_answer, &a, NULL));
  while (number(other,
                "select count(*) from pg_stat_activity where query like '%frozen */' and "
                "state = 'active' and pid <> pg_backend_pid()") == 0)
    nap_ms(5);
  support_postgres_freeze(server);
  close_pool(pool);
  support_postgres_thaw(server);
  EXPECT(&a, CRECHE_E_CLOSED);
  answer_free(&a);
  close_pool(other);
}

static void never_begun(void* user, const creche_completion* c) {
  (void)user;
  fail_msg("a body of a pool that was closed began: kind %u", c->kind);
}

/* What was started says where it was when its pool was closed. */
static void test_in_whatever_phase(void** state) {
  (void)state;
  creche_pool pool = open_pool(1);
  creche_group_options o;
  creche_group group;
  answer ended, a[5];
  answer_init(&ended);
  OK(creche_group_options_init(&o, sizeof o));
  o.policy = CRECHE_COLLECT;
  o.limit = 2;
  OK(creche_group_open(loop.scope, &o, on_answer, &ended, &group));
  static const char* const sql[] = {"select pg_sleep(50)", "create temp table t (i int)",
                                    "select 1"};
  for (int i = 0; i < 3; i++) {
    answer_init(&a[i]);
    OK(creche_pool_query(pool, group.scope, sql[i], NULL, 0, NULL, on_answer, &a[i], NULL));
  }
  answer_init(&a[3]);
  OK(creche_pool_acquire(pool, group.scope, NULL, on_answer, &a[3], NULL));
  answer_init(&a[4]);
  OK(creche_pool_transaction(pool, group.scope, never_begun, NULL, NULL, on_answer, &a[4], NULL));
  OK(creche_group_close(group));
  creche_pool_counters c;
  do {
    nap_ms(1);
    OK(creche_pool_get_counters(pool, &c, sizeof c));
  } while (c.connections != 1 || c.idle != 0 || c.waiting != 1);
  close_pool(pool);
  static const uint32_t phases[] = {CRECHE_PHASE_QUERY, CRECHE_PHASE_POOL, CRECHE_PHASE_LIMIT,
                                    CRECHE_PHASE_LIMIT, CRECHE_PHASE_LIMIT};
  for (int i = 0; i < 5; i++) {
    EXPECT(&a[i], CRECHE_E_CLOSED);
    assert_int_equal(a[i].error->phase, phases[i]);
    answer_free(&a[i]);
  }
  EXPECT(&ended, CRECHE_OK);
  answer_free(&ended);
}

/* ---- Transactions -------------------------------------------------------------------------------
 */

typedef struct job {
  pthread_mutex_t lock;
  creche_pool pool;
  const char* sql; /* of the body's step; NULL: none, it waits to be told */
  creche_task task;
  int begun, told;
  uint32_t reason;
  char text[64];
} job;

static void on_step(void* user, const creche_completion* c) {
  job* j = user;
  if (c->flags & CRECHE_OWNED) creche_value_release(c->value);
  creche_task_finish(j->task, c->status, 0, c->error);
}

static void body(void* user, const creche_completion* c) {
  job* j = user;
  pthread_mutex_lock(&j->lock);
  if (c->kind == CRECHE_BEGIN) {
    j->task = c->task;
    j->begun++;
    if (j->sql)
      OK(creche_connection_query((creche_connection){c->value}, c->task.scope, j->sql, NULL, 0,
                                 NULL, on_step, j, NULL));
  } else {
    j->told++;
    j->reason = c->error->reason;
    snprintf(j->text, sizeof j->text, "%s", c->error->reason_text ? c->error->reason_text : "");
    if (!j->sql) creche_task_finish(c->task, CRECHE_E_CANCELLED, 0, NULL);
  }
  pthread_mutex_unlock(&j->lock);
}

static void begin_job(job* j, creche_pool pool, const char* sql, answer* a) {
  memset(j, 0, sizeof *j);
  pthread_mutex_init(&j->lock, NULL);
  j->sql = sql;
  answer_init(a);
  OK(creche_pool_transaction(pool, loop.scope, body, j, NULL, on_answer, a, NULL));
}

/* Nobody else would tell it: the close waits for its end. */
static void test_bodies_are_told(void** state) {
  (void)state;
  creche_pool pool = open_pool(1);
  job j;
  answer a;
  begin_job(&j, pool, NULL, &a);
  for (int begun = 0; !begun; nap_ms(1)) {
    pthread_mutex_lock(&j.lock);
    begun = j.begun;
    pthread_mutex_unlock(&j.lock);
  }
  close_pool(pool);
  EXPECT(&a, CRECHE_E_CLOSED);
  assert_int_equal(j.told, 1);
  assert_int_equal(j.reason, CRECHE_REASON_SHUTDOWN);
  assert_string_equal(j.text, "the pool was closed");
  answer_free(&a);
}

/* COMMIT waits for somebody's lock: the close waits for it. */
static void test_commit_is_shielded(void** state) {
  (void)state;
  creche_pool pool = open_pool(1), other = open_pool(2);
  creche_connection holder = acquire(other);
  must(other, "create table kept (i int)");
  must(other,
       "create function wait() returns trigger language plpgsql as $$ begin "
       "perform pg_advisory_xact_lock(7); return null; end $$");
  must(other,
       "create constraint trigger c after insert on kept deferrable initially deferred "
       "for each row execute function wait()");
  must_on(holder, "select pg_advisory_lock(7)");
  job j;
  answer a, end;
  begin_job(&j, pool, "insert into kept values (1)", &a);
  while (number(other,
                "select count(*) from pg_locks where locktype = 'advisory' and not granted") == 0)
    nap_ms(5);
  answer_init(&end);
  OK(creche_pool_close(pool, on_answer, &end));
  assert_false(answer_wait_for(&end, 50));
  must_on(holder, "select pg_advisory_unlock(7)");
  EXPECT(&a, CRECHE_OK);
  EXPECT(&end, CRECHE_OK);
  assert_int_equal(number(other, "select count(*) from kept"), 1);
  answer_free(&a);
  answer_free(&end);
  creche_pool_release(pool);
  creche_connection_release(holder);
  must(other, "drop table kept");
  close_pool(other);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_in_whatever_phase),
      cmocka_unit_test(test_rows_that_were_not_read),
      cmocka_unit_test(test_commit_that_waits),
      cmocka_unit_test(test_frozen_server),
      cmocka_unit_test(test_what_comes_with_the_close),
      cmocka_unit_test(test_bodies_are_told),
      cmocka_unit_test(test_commit_is_shielded),
  };
  return cmocka_run_group_tests(tests, start_server, stop_server);
}

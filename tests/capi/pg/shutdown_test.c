/* The end of a loop, as the server sees it: whatever its pool's connections were doing, no backend
 * of ours is left, and with them go their locks and transactions. */
#include "pg_test.h"

enum { IDLE = 3, MAX_BLOCKS = 64 };

/* What goes on in a loop that is to end. */
static struct {
  creche_loop loop;
  creche_pool pool;
  creche_connection held;
  answer query, blocked, late, stream, transaction;
  creche_rows block[MAX_BLOCKS];
  creche_task transacting;
  int blocks; /* of the stream, unreleased */
} ours;

static creche_pool watcher; /* on the fixture's loop: outlives the other */

/* Waits on the server until `condition` holds, and fails the test if it does not for 30 s. */
static void wait_until(const char* condition) {
  char sql[1000];
  answer a;
  creche_task_options task;
  creche_query_options o;
  OK(creche_task_options_init(&task, sizeof task));
  OK(creche_query_options_init(&o, sizeof o));
  task.timeout = 30 * CRECHE_SECOND;
  o.task = &task;
  snprintf(sql, sizeof sql,
           "do $$ begin while not (%s) loop perform pg_sleep(0.002); perform "
           "pg_stat_clear_snapshot(); end loop; end $$",
           condition);
  answer_init(&a);
  OK(creche_pool_query(watcher, loop.scope, sql, NULL, 0, &o, on_answer, &a, NULL));
  answer_wait_for(&a, 60000);
  if (a.status != CRECHE_OK)
    fail_msg("not within 30 s: %s (%s)", condition, creche_error_message(a.error));
  answer_free(&a);
}

static void on_rows(void* user, const creche_completion* c) {
  if (!(c->flags & CRECHE_MORE)) {
    on_answer(user, c);
  } else if (ours.blocks < MAX_BLOCKS) {
    ours.block[ours.blocks++].id = c->value;
  } else {
    creche_value_release(c->value);
  }
}

/* The body of a transaction: writes, and goes on as long as it may. */
static void body(void* user, const creche_completion* c) {
  (void)user;
  if (c->kind == CRECHE_BEGIN)
    SAY(creche_connection_query((creche_connection){c->value}, c->task.scope,
                                "insert into shutdown_test values (2)", NULL, 0, NULL,
                                creche_nobody, NULL, NULL));
  if (c->kind == CRECHE_CANCEL) creche_task_finish(c->task, CRECHE_E_CANCELLED, 0, NULL);
}

static creche_connection acquire_of_ours(void) {
  answer a;
  answer_init(&a);
  OK(creche_pool_acquire(ours.pool, ours.loop.scope, NULL, on_answer, &a, NULL));
  EXPECT(&a, CRECHE_OK);
  creche_connection c = {a.value};
  a.value = 0;
  answer_free(&a);
  return c;
}

static void held(const char* sql) {
  answer a;
  answer_init(&a);
  OK(creche_connection_query(ours.held, ours.loop.scope, sql, NULL, 0, NULL, on_answer, &a, NULL));
  EXPECT(&a, CRECHE_OK);
  answer_free(&a);
}

static void query(answer* a, const char* sql) {
  answer_init(a);
  OK(creche_pool_query(ours.pool, ours.loop.scope, sql, NULL, 0, NULL, on_answer, a, NULL));
}

static void begin_everything(void) {
  creche_pool_options o;
  memset(&ours, 0, sizeof ours);
  OK(creche_loop_open(NULL, &ours.loop));
  OK(creche_pool_options_init(&o, sizeof o));
  o.application_name = "ours";
  o.min_size = IDLE;
  o.max_size = 20;
  OK(creche_pool_open(ours.loop, support_postgres_url(server), &o, &ours.pool));
  must(watcher, "drop table if exists shutdown_test");
  must(watcher, "create table shutdown_test (n int)");
  wait_until("(select count(*) >= 3 from pg_stat_activity where application_name = 'ours')");

  /* A connection of its own, in a transaction, with a lock of the session. */
  ours.held = acquire_of_ours();
  held("begin");
  held("insert into shutdown_test values (1)");
  held("select pg_advisory_lock(1)");

  /* A statement that runs, one that waits for a lock, a stream that nobody reads on, a body. */
  query(&ours.query, "select pg_sleep(600)");
  query(&ours.blocked, "select pg_advisory_lock(1)");
  answer_init(&ours.stream);
  OK(creche_pool_stream(ours.pool, ours.loop.scope, "select generate_series(1, 100000000)", NULL, 0,
                        NULL, on_rows, &ours.stream, NULL));
  answer_init(&ours.transaction);
  OK(creche_pool_transaction(ours.pool, ours.loop.scope, body, NULL, NULL, on_answer,
                             &ours.transaction, &ours.transacting));
  wait_until(
      "(select count(*) = 1 from pg_stat_activity where application_name = 'ours' and "
      "wait_event = 'PgSleep') and "
      "(select count(*) = 1 from pg_stat_activity where application_name = 'ours' and "
      "wait_event_type = 'Lock') and "
      "(select count(*) = 1 from pg_stat_activity where application_name = 'ours' and "
      "query like '%generate_series%' and wait_event = 'ClientWrite') and "
      "(select count(*) = 1 from pg_stat_activity where application_name = 'ours' and "
      "query like '%(2)%' and state = 'idle in transaction')");
  /* And connections that nobody uses. */
  creche_connection c[IDLE];
  for (int i = 0; i < IDLE; i++) c[i] = acquire_of_ours();
  for (int i = 0; i < IDLE; i++) creche_connection_release(c[i]);
  wait_until(
      "(select count(*) >= 3 from pg_stat_activity where application_name = 'ours' and "
      "state = 'idle')");
  query(&ours.late, "select 1"); /* perhaps still under way */
}

static void nothing_is_left(void) {
  OK(creche_loop_join(ours.loop, 20 * CRECHE_SECOND));
  wait_until("(select count(*) = 0 from pg_stat_activity where application_name = 'ours')");
  assert_int_equal(number(watcher, "select count(*) from pg_locks where locktype = 'advisory'"), 0);
  assert_int_equal(number(watcher, "select count(*) from shutdown_test"), 0);
  assert_int_equal(
      number(watcher, "select count(*) from pg_stat_activity where state like 'idle in trans%'"),
      0);
  must(watcher, "alter table shutdown_test set (fillfactor = 90)"); /* nobody has it locked */

  EXPECT(&ours.query, CRECHE_E_CANCELLED);
  EXPECT(&ours.blocked, CRECHE_E_CANCELLED);
  EXPECT(&ours.stream, CRECHE_E_CANCELLED);
  EXPECT(&ours.transaction, CRECHE_E_CANCELLED);
  answer_wait(&ours.late);
  answer_free(&ours.query);
  answer_free(&ours.blocked);
  answer_free(&ours.stream);
  answer_free(&ours.transaction);
  answer_free(&ours.late);
  while (ours.blocks > 0) creche_rows_release(ours.block[--ours.blocks]);
  creche_connection_release(ours.held);
  creche_pool_release(ours.pool);
}

static void test_close(void** state) {
  (void)state;
  begin_everything();
  OK(creche_loop_close(ours.loop));
  nothing_is_left();
}

static void test_shutdown_at_once(void** state) {
  (void)state;
  begin_everything();
  OK(creche_loop_shutdown(ours.loop, 0));
  nothing_is_left();
}

static void test_shutdown_after_a_grace(void** state) {
  (void)state;
  begin_everything();
  OK(creche_loop_shutdown(ours.loop, 50 * CRECHE_MILLISECOND));
  nothing_is_left();
}

/* A pool that is closed alone leaves nothing either. */
static void test_close_of_the_pool(void** state) {
  (void)state;
  answer a;
  begin_everything();
  answer_init(&a);
  OK(creche_pool_close(ours.pool, on_answer, &a));
  EXPECT(&a, CRECHE_OK);
  answer_free(&a);
  wait_until("(select count(*) = 0 from pg_stat_activity where application_name = 'ours')");
  assert_int_equal(number(watcher, "select count(*) from pg_locks where locktype = 'advisory'"), 0);
  EXPECT(&ours.query, CRECHE_E_CLOSED);
  answer_wait(&ours.blocked);
  if (ours.blocked.status != CRECHE_OK) /* the lock was given up first, or it was cancelled first */
    EXPECT(&ours.blocked, CRECHE_E_CLOSED);
  EXPECT(&ours.stream, CRECHE_E_CLOSED);
  answer_wait(&ours.transaction);
  answer_wait(&ours.late);
  OK(creche_loop_close(ours.loop));
  OK(creche_loop_join(ours.loop, 20 * CRECHE_SECOND));
  assert_int_equal(number(watcher, "select count(*) from shutdown_test"), 0);
  answer_free(&ours.query);
  answer_free(&ours.blocked);
  answer_free(&ours.stream);
  answer_free(&ours.transaction);
  answer_free(&ours.late);
  while (ours.blocks > 0) creche_rows_release(ours.block[--ours.blocks]);
}

static int open_watcher(void** state) {
  if (start_server(state) != 0) return -1;
  watcher = open_pool(1);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_close),
      cmocka_unit_test(test_shutdown_at_once),
      cmocka_unit_test(test_shutdown_after_a_grace),
      cmocka_unit_test(test_close_of_the_pool),
  };
  return cmocka_run_group_tests(tests, open_watcher, stop_server);
}

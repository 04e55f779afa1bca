/* creche_pool_transaction: a body in a transaction, committed under a shield or rolled back. */
#include "pg_test.h"

typedef struct body_job {
  const char* sql[4];
  creche_status finish; /* with which status the body ends after its last statement */
  int ignore_errors;
  int calls, next;
  creche_task task;
  creche_connection c;
  int cancelled;
  int hang; /* wait for the cancel instead of finishing */
} body_job;

static void body_step(body_job* j);

static void on_step(void* user, const creche_completion* c) {
  body_job* j = user;
  if (c->status != CRECHE_OK && !j->ignore_errors) {
    creche_task_finish(j->task, c->status == CRECHE_E_CANCELLED ? CRECHE_E_CANCELLED : c->status, 0,
                       c->error);
    return;
  }
  if (c->flags & CRECHE_OWNED) creche_value_release(c->value);
  body_step(j);
}

static void body_step(body_job* j) {
  const char* sql = j->next < 4 ? j->sql[j->next++] : NULL;
  if (sql)
    SAY(creche_connection_query(j->c, j->task.scope, sql, NULL, 0, NULL, on_step, j, NULL));
  else if (!j->hang)
    creche_task_finish(j->task, j->finish, 77, NULL);
}

static void body(void* user, const creche_completion* c) {
  body_job* j = user;
  if (c->kind == CRECHE_BEGIN) {
    j->calls++;
    j->next = 0;
    j->task = c->task;
    j->c = (creche_connection){c->value};
    body_step(j);
  } else if (c->kind == CRECHE_CANCEL) {
    j->cancelled++;
    if (j->hang) creche_task_finish(j->task, CRECHE_E_CANCELLED, 0, NULL);
  }
}

static creche_status transact(creche_pool pool, body_job* j, answer* a,
                              const creche_transaction_options* o) {
  answer_init(a);
  OK(creche_pool_transaction(pool, loop.scope, body, j, o, on_answer, a, NULL));
  return answer_wait(a);
}

static void test_commit(void** state) {
  (void)state;
  creche_pool pool = open_pool(2);
  must(pool, "create table t (i int)");
  body_job j = {.sql = {"insert into t values (1)", "insert into t values (2)"}};
  answer a;
  transact(pool, &j, &a, NULL);
  EXPECT(&a, CRECHE_OK);
  assert_int_equal(a.value, 77);
  a.value = 0;
  answer_free(&a);
  assert_int_equal(number(pool, "select sum(i) from t"), 3);
  assert_int_equal(
      creche_connection_query(j.c, loop.scope, "select 1", NULL, 0, NULL, NULL, NULL, NULL),
      CRECHE_E_ENDED);
  must(pool, "drop table t");
  close_pool(pool);
}

static void test_failures_roll_back(void** state) {
  (void)state;
  creche_pool pool = open_pool(1);
  must(pool, "create table t (i int)");
  answer a;
  body_job user = {.sql = {"insert into t values (1)"}, .finish = CRECHE_E_USER};
  transact(pool, &user, &a, NULL);
  EXPECT(&a, CRECHE_E_USER);
  answer_free(&a);
  body_job failing = {.sql = {"insert into t values (1)", "select 1/0"}};
  transact(pool, &failing, &a, NULL);
  EXPECT(&a, CRECHE_E_PG);
  assert_string_equal(answer_state(&a), "22012");
  answer_free(&a);
  body_job swallowed = {.sql = {"insert into t values (1)", "select 1/0"}, .ignore_errors = 1};
  transact(pool, &swallowed, &a, NULL);
  EXPECT(&a, CRECHE_E_ROLLED_BACK);
  answer_free(&a);
  assert_int_equal(number(pool, "select count(*) from t"), 0);
  must(pool, "create table d (i int unique deferrable initially deferred)");
  body_job deferred = {.sql = {"insert into d values (1), (1)"}};
  transact(pool, &deferred, &a, NULL);
  EXPECT(&a, CRECHE_E_PG);
  assert_string_equal(answer_state(&a), "23505");
  answer_free(&a);
  must(pool, "drop table t, d");
  assert_int_equal(counters(pool).connects, 1);
  close_pool(pool);
}

static void test_cancel_rolls_back(void** state) {
  (void)state;
  creche_pool pool = open_pool(1), other = open_pool(1);
  must(pool, "create table t (i int)");
  body_job waiting = {.sql = {"insert into t values (1)", "select pg_sleep(20)"}};
  body_job hanging = {.sql = {"insert into t values (1)"}, .hang = 1};
  body_job* jobs[] = {&waiting, &hanging};
  for (int i = 0; i < 2; i++) {
    answer a;
    creche_task task;
    answer_init(&a);
    OK(creche_pool_transaction(pool, loop.scope, body, jobs[i], NULL, on_answer, &a, &task));
    /* Until the body is at work. */
    while (
        number(other,
               "select count(*) from pg_stat_activity where query like '%insert into t val%' and "
               "state = 'idle in transaction' or query like 'select pg_sleep(20)%' and state = "
               "'active'") == 0)
      nap_ms(2);
    OK(creche_scope_cancel(task.scope, NULL));
    EXPECT(&a, CRECHE_E_CANCELLED);
    answer_free(&a);
    assert_int_equal(jobs[i]->cancelled, 1);
    assert_int_equal(number(pool, "select count(*) from t"), 0);
  }
  must(pool, "drop table t");
  assert_int_equal(counters(pool).dropped, 0);
  close_pool(pool);
  close_pool(other);
}

static void test_retries(void** state) {
  (void)state;
  creche_pool pool = open_pool(2);
  must(pool, "create sequence tries");
  must(pool,
       "create function flaky(times int) returns int language plpgsql as $$ begin "
       "if nextval('tries') <= times then raise exception 'again' using errcode = '40001'; end if; "
       "return 5; end $$");
  creche_transaction_options o;
  OK(creche_transaction_options_init(&o, sizeof o));
  o.isolation = CRECHE_SERIALIZABLE;
  o.retries = 3;
  body_job j = {.sql = {"select flaky(2)"}};
  answer a;
  transact(pool, &j, &a, &o);
  EXPECT(&a, CRECHE_OK);
  assert_int_equal(j.calls, 3);
  a.value = 0;
  answer_free(&a);
  body_job k = {.sql = {"select flaky(1000)"}};
  transact(pool, &k, &a, &o);
  EXPECT(&a, CRECHE_E_PG);
  assert_string_equal(answer_state(&a), "40001");
  assert_int_equal(creche_error_is_retryable(a.error), 1);
  assert_int_equal(k.calls, 4);
  answer_free(&a);
  must(pool, "drop function flaky");
  must(pool, "drop sequence tries");
  close_pool(pool);
}

/* Between two attempts it waits, on its connection, until it is stopped. */
static void test_waits_for_a_retry(void** state) {
  (void)state;
  creche_pool pool = open_pool(1), other = open_pool(1);
  must(other, "create sequence tries");
  must(other,
       "create function flaky(times int) returns int language plpgsql as $$ begin "
       "if nextval('tries') <= times then raise exception 'again' using errcode = '40P01'; end if; "
       "return 5; end $$");
  creche_transaction_options o;
  OK(creche_transaction_options_init(&o, sizeof o));
  assert_int_equal(o.retry_delay, 5 * CRECHE_MILLISECOND);
  o.retries = 3;
  answer a;
  /* The first two of these are 60 to 120 ms. */
  body_job waits = {.sql = {"select flaky(2)"}};
  o.retry_delay = 40 * CRECHE_MILLISECOND;
  const int64_t began = now_ms();
  transact(pool, &waits, &a, &o);
  EXPECT(&a, CRECHE_OK);
  a.value = 0;
  assert_true(now_ms() - began >= 60);
  assert_int_equal(waits.calls, 3);
  answer_free(&a);
  enum { CANCELLED, LOST, CLOSED };
  for (int how = CANCELLED; how <= CLOSED; how++) {
    body_job j = {.sql = {"select flaky(1)"}};
    creche_task task;
    must(other, "select setval('tries', 1, false)");
    o.retry_delay = 3600 * CRECHE_SECOND;
    answer_init(&a);
    OK(creche_pool_transaction(pool, loop.scope, body, &j, &o, on_answer, &a, &task));
    while (number(other,
                  "select count(*) from pg_stat_activity where query = 'ROLLBACK' and state = "
                  "'idle'") == 0)
      nap_ms(2);
    if (how == CANCELLED) OK(creche_scope_cancel(task.scope, NULL));
    if (how == LOST) /* on another connection there is nothing to wait for */
      must(other,
           "select pg_terminate_backend(pid) from pg_stat_activity where query = 'ROLLBACK'");
    if (how == CLOSED) close_pool(pool);
    EXPECT(&a, how == CANCELLED ? CRECHE_E_CANCELLED : how == LOST ? CRECHE_OK : CRECHE_E_CLOSED);
    if (how == LOST) a.value = 0;
    assert_int_equal(j.calls, how == LOST ? 2 : 1);
    answer_free(&a);
  }
  must(other, "drop function flaky");
  must(other, "drop sequence tries");
  close_pool(other);
}

static int has_ended(answer* a) {
  pthread_mutex_lock(&a->lock);
  const int ended = a->ended;
  pthread_mutex_unlock(&a->lock);
  return ended;
}

/* A body that ends its transaction itself: by the calls for that it cannot, and after a statement
 * that does there is nothing to be committed. */
static void on_refused(void* user, const creche_completion* c) {
  body_job* j = user;
  j->cancelled = c->status == CRECHE_E_STATE;
  creche_task_finish(j->task, CRECHE_OK, 77, NULL);
}
static void end_it(void* user, const creche_completion* c) {
  body_job* j = user;
  if (c->kind != CRECHE_BEGIN) return;
  j->task = c->task;
  OK((j->next ? creche_connection_commit : creche_connection_rollback)(
      (creche_connection){c->value}, c->task.scope, NULL, on_refused, j, NULL));
}

static void test_ended_by_the_body(void** state) {
  (void)state;
  creche_pool pool = open_pool(1);
  answer a;
  must(pool, "create table ended (i int)");
  for (int commit = 0; commit < 2; commit++) {
    body_job j = {.next = commit};
    answer_init(&a);
    OK(creche_pool_transaction(pool, loop.scope, end_it, &j, NULL, on_answer, &a, NULL));
    EXPECT(&a, CRECHE_OK);
    assert_int_equal(j.cancelled, 1);
    answer_free(&a);
  }
  static const char* const ends[][2] = {{"rollback", NULL},
                                        {"commit", NULL},
                                        /* what is open at the end is another one */
                                        {"rollback and chain", NULL},
                                        {"/* and */ Abort", "begin"},
                                        {"rollback", "start transaction"},
                                        {"commit and chain", "insert into ended values (2)"},
                                        {"end", "begin"}};
  for (int i = 0; i < 7; i++) {
    body_job j = {.sql = {"insert into ended values (1)", ends[i][0], ends[i][1]}};
    transact(pool, &j, &a, NULL);
    EXPECT(&a, CRECHE_E_STATE);
    assert_int_equal(a.error->phase, CRECHE_PHASE_COMMIT);
    answer_free(&a);
    const int committed = strcmp(ends[i][0], "commit") == 0 || i >= 5;
    assert_int_equal(number(pool, "select count(*) from ended"), committed);
    must(pool, "delete from ended");
  }
  /* These end nothing: savepoints of one's own, and a BEGIN that is too many. */
  static const char* const harmless[][3] = {
      {"savepoint one", "insert into ended values (2)", "rollback to savepoint one"},
      {"savepoint two", "rollback work to two", "release two"},
      {"begin", NULL, NULL}};
  for (int i = 0; i < 3; i++) {
    body_job j = {
        .sql = {"insert into ended values (1)", harmless[i][0], harmless[i][1], harmless[i][2]}};
    transact(pool, &j, &a, NULL);
    EXPECT(&a, CRECHE_OK);
    a.value = 0;
    answer_free(&a);
    assert_int_equal(number(pool, "select count(*) from ended"), 1);
    must(pool, "delete from ended");
  }
  must(pool, "drop table ended");
  close_pool(pool);
}

/* The body has one of its statements cut, and ends well: that is not enough. */
static void on_cut(void* user, const creche_completion* c) {
  body_job* j = user;
  j->cancelled = c->status == CRECHE_E_CANCELLED;
  creche_task_finish(j->task, CRECHE_OK, 77, NULL);
}
static void cut_one(void* user, const creche_completion* c) {
  body_job* j = user;
  creche_scope scope;
  if (c->kind != CRECHE_BEGIN) return;
  j->task = c->task;
  OK(creche_connection_query((creche_connection){c->value}, c->task.scope,
                             "insert into cut_one values (1)", NULL, 0, NULL, creche_nobody, NULL,
                             NULL));
  OK(creche_scope_open(c->task.scope, NULL, &scope));
  OK(creche_scope_cancel(scope, NULL));
  OK(creche_connection_query((creche_connection){c->value}, scope, "insert into cut_one values (2)",
                             NULL, 0, NULL, on_cut, j, NULL));
  OK(creche_scope_leave(scope, NULL));
}

static void test_cut_in_the_body(void** state) {
  (void)state;
  creche_pool pool = open_pool(1);
  must(pool, "create table cut_one (i int)");
  body_job j = {.next = 0};
  answer a;
  answer_init(&a);
  OK(creche_pool_transaction(pool, loop.scope, cut_one, &j, NULL, on_answer, &a, NULL));
  EXPECT(&a, CRECHE_E_ROLLED_BACK);
  assert_int_equal(j.cancelled, 1);
  answer_free(&a);
  assert_int_equal(number(pool, "select count(*) from cut_one"), 0);
  must(pool, "drop table cut_one");
  close_pool(pool);
}

/* Its own timeout: the body is told, and what it did is rolled back. */
static void test_its_own_timeout(void** state) {
  (void)state;
  creche_pool pool = open_pool(1);
  must(pool, "create table late (i int)");
  for (int move_on = 0; move_on < 2; move_on++) {
    creche_task_options t;
    creche_transaction_options o;
    OK(creche_task_options_init(&t, sizeof t));
    OK(creche_transaction_options_init(&o, sizeof o));
    t.timeout = 100 * CRECHE_MILLISECOND;
    t.on_timeout = move_on ? CRECHE_MOVE_ON : CRECHE_FAIL;
    o.task = &t;
    body_job j = {.sql = {"insert into late values (1)"}, .hang = 1};
    answer a;
    transact(pool, &j, &a, &o);
    EXPECT(&a, move_on ? CRECHE_E_CANCELLED : CRECHE_E_TIMEOUT);
    answer_free(&a);
    assert_int_equal(number(pool, "select count(*) from late"), 0);
  }
  must(pool, "drop table late");
  close_pool(pool);
}

static void test_lost_commit(void** state) {
  (void)state;
  creche_pool pool = open_pool(1), other = open_pool(1);
  must(other, "create table t (i int)");
  /* A deferred trigger makes COMMIT slow; the server goes away meanwhile. */
  must(other,
       "create function slow() returns trigger language plpgsql as $$ begin perform pg_sleep(20); "
       "return null; end $$");
  must(other,
       "create constraint trigger c after insert on t deferrable initially deferred for each row "
       "execute function slow()");
  creche_transaction_options o;
  OK(creche_transaction_options_init(&o, sizeof o));
  for (int i = 0; i < 2; i++) {
    o.commit_timeout = i == 0 ? 200 * CRECHE_MILLISECOND : 30 * CRECHE_SECOND;
    body_job j = {.sql = {"insert into t values (1)"}};
    answer a;
    creche_task task;
    answer_init(&a);
    char running[256];
    snprintf(
        running, sizeof running,
        "select count(*) from pg_stat_activity where query ~* '^commit' and state = 'active' "
        "and extract(epoch from query_start) * 1000000 > %lld",
        (long long)number(other, "select (extract(epoch from clock_timestamp()) * 1000000)::int8"));
    OK(creche_pool_transaction(pool, loop.scope, body, &j, &o, on_answer, &a, &task));
    /* Until this COMMIT runs (the one before may still do). */
    while (!has_ended(&a) && number(other, running) == 0) nap_ms(5);
    /* Shielded. (The short one may have timed out by now.) */
    const creche_status cancelled = creche_scope_cancel(task.scope, NULL);
    if (i == 1) {
      OK(cancelled);
      nap_ms(50);
      assert_int_equal(has_ended(&a), 0);
      support_postgres_kill(server);
    }
    EXPECT(&a, CRECHE_E_OUTCOME_UNKNOWN);
    answer_free(&a);
  }
  close_pool(pool);
  close_pool(other);
  assert_int_equal(support_postgres_restart(server), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_commit),
      cmocka_unit_test(test_failures_roll_back),
      cmocka_unit_test(test_cancel_rolls_back),
      cmocka_unit_test(test_retries),
      cmocka_unit_test(test_waits_for_a_retry),
      cmocka_unit_test(test_ended_by_the_body),
      cmocka_unit_test(test_cut_in_the_body),
      cmocka_unit_test(test_its_own_timeout),
      cmocka_unit_test(test_lost_commit),
  };
  return cmocka_run_group_tests(tests, start_server, stop_server);
}

/* A PostgreSQL server that dies, stands still, or is shut down in the middle of work, and comes
 * back: everything in flight ends once, nothing is done twice, what was acknowledged is there, and
 * the pool heals by itself. CRECHE_FAULT_ROUNDS changes how often the server goes down. */
#include <signal.h>

#include "../capi/pg/pg_test.h"

enum { kSleepers = 3, kShort = 20, kAcquires = 5, kPool = 4 };

/* Patiently: the server may be starting. */
static void await_health(creche_pool pool) {
  for (int attempt = 0; attempt < 200; attempt++) {
    answer a;
    const creche_status status = run(pool, &a, "select 1");
    answer_free(&a);
    if (status == CRECHE_OK) return;
    nap_ms(50);
  }
  fail_msg("the pool does not heal");
}

static void await_sleepers(int64_t wanted) {
  creche_pool watcher = open_pool(1);
  for (int attempt = 0; attempt < 1000; attempt++) {
    if (number(watcher,
               "select count(*) from pg_stat_activity where query like '%sleep(600)%'"
               " and state = 'active' and pid <> pg_backend_pid()") == wanted) {
      close_pool(watcher);
      return;
    }
    nap_ms(10);
  }
  fail_msg("the statements have not started");
}

static void expect_healed(creche_pool pool) {
  await_health(pool);
  static answer a[50];
  for (int i = 0; i < 50; i++) {
    answer_init(&a[i]);
    OK(creche_pool_query(pool, loop.scope, "select 7", NULL, 0, NULL, on_answer, &a[i], NULL));
  }
  for (int i = 0; i < 50; i++) {
    EXPECT(&a[i], CRECHE_OK);
    assert_int_equal(creche_row_int8(a[i].rows, 0, 0), 7);
    answer_free(&a[i]);
  }
  const creche_pool_counters c = counters(pool);
  assert_int_equal(c.leased, 0);
  assert_int_equal(c.waiting, 0);
  assert_true(c.connections <= kPool);
}

/* What a broken connection may mean to whoever was using or waiting for one. */
static void expect_broken(answer* a, const char* what) {
  const creche_status status = answer_wait(a);
  const int by_the_server = status == CRECHE_E_PG && strncmp(answer_state(a), "57P", 3) == 0;
  if (!by_the_server && status != CRECHE_E_DISCONNECTED && status != CRECHE_E_CONNECT)
    fail_msg("%s: %s: %s", what, creche_status_name(status), creche_error_message(a->error));
  if (a->ended != 1) fail_msg("%s: ended %d times", what, a->ended);
  answer_free(a);
}

/* ---- Everything at once, when the server goes ---- */

static creche_task body_task;

static void after_sleep(void* user, const creche_completion* c) {
  (void)user;
  if (c->flags & CRECHE_OWNED) creche_value_release(c->value);
  creche_task_finish(body_task, c->status, 0, c->error);
}

static void body(void* user, const creche_completion* c) {
  if (c->kind != CRECHE_BEGIN) return;
  body_task = c->task;
  OK(creche_connection_query((creche_connection){c->value}, c->task.scope, "select pg_sleep(600)",
                             NULL, 0, NULL, after_sleep, user, NULL));
}

/* signal: to the server: SIGINT is its fast shutdown, which tells its clients; 0: a crash. */
static void go_down_under_load(int signal) {
  static answer sleepers[kSleepers], small[kShort], acquires[kAcquires], transaction, leased, later;
  creche_pool pool = open_pool(kPool);
  creche_connection mine = acquire(pool);
  answer_init(&leased);
  OK(creche_connection_query(mine, loop.scope, "select pg_sleep(600)", NULL, 0, NULL, on_answer,
                             &leased, NULL));
  answer_init(&transaction);
  OK(creche_pool_transaction(pool, loop.scope, body, NULL, NULL, on_answer, &transaction, NULL));
  for (int i = 0; i < kSleepers; i++) {
    answer_init(&sleepers[i]);
    OK(creche_pool_query(pool, loop.scope, "select pg_sleep(600)", NULL, 0, NULL, on_answer,
                         &sleepers[i], NULL));
  }
  await_sleepers(kPool); /* all connections are at it, and one sleeper waits */
  for (int i = 0; i < kShort; i++) {
    answer_init(&small[i]);
    OK(creche_pool_query(pool, loop.scope, "select 1", NULL, 0, NULL, on_answer, &small[i], NULL));
  }
  for (int i = 0; i < kAcquires; i++) {
    answer_init(&acquires[i]);
    OK(creche_pool_acquire(pool, loop.scope, NULL, on_answer, &acquires[i], NULL));
  }
  if (signal != 0)
    kill(support_postgres_pid(server), signal);
  else
    support_postgres_kill(server);

  expect_broken(&leased, "on a connection of one's own");
  expect_broken(&transaction, "transaction");
  for (int i = 0; i < kSleepers; i++) expect_broken(&sleepers[i], "query");
  for (int i = 0; i < kShort; i++) expect_broken(&small[i], "waiting query");
  for (int i = 0; i < kAcquires; i++) expect_broken(&acquires[i], "acquire");
  /* The lease is still one, of something that is gone. */
  answer_init(&later);
  OK(creche_connection_query(mine, loop.scope, "select 1", NULL, 0, NULL, on_answer, &later, NULL));
  expect_broken(&later, "after the end of the connection");
  creche_connection_release(mine);
  assert_int_equal(support_postgres_restart(server), 0);
  expect_healed(pool);
  close_pool(pool);
}

static void killed_under_load(void** state) {
  (void)state;
  go_down_under_load(0);
}

static void shut_down_under_load(void** state) {
  (void)state;
  go_down_under_load(SIGINT);
}

static void killed_in_a_stream(void** state) {
  (void)state;
  creche_pool pool = open_pool(kPool);
  static answer a;
  answer_init(&a);
  OK(creche_pool_stream(
      pool, loop.scope,
      "select i, repeat('x', 1000) from (select generate_series(1, 100000000) i) s", NULL, 0, NULL,
      on_answer, &a, NULL));
  pthread_mutex_lock(&a.lock);
  while (a.blocks < 3 && !a.ended) pthread_cond_wait(&a.changed, &a.lock);
  pthread_mutex_unlock(&a.lock);
  support_postgres_kill(server);
  expect_broken(&a, "stream");
  assert_int_equal(support_postgres_restart(server), 0);
  expect_healed(pool);
  close_pool(pool);
}

/* Nobody answers: neither the statement, nor the request to cancel it. */
static void frozen_in_a_query(void** state) {
  (void)state;
  static answer a[kSleepers];
  creche_task tasks[kSleepers];
  creche_pool pool;
  creche_pool_options o;
  OK(creche_pool_options_init(&o, sizeof o));
  o.max_size = kPool;
  o.cancel_timeout = 300 * CRECHE_MILLISECOND;
  OK(creche_pool_open(loop, support_postgres_url(server), &o, &pool));
  for (int i = 0; i < kSleepers; i++) {
    answer_init(&a[i]);
    OK(creche_pool_query(pool, loop.scope, "select pg_sleep(600)", NULL, 0, NULL, on_answer, &a[i],
                         &tasks[i]));
  }
  await_sleepers(kSleepers);
  support_postgres_freeze(server);
  const int64_t began = now_ms();
  for (int i = 0; i < kSleepers; i++) OK(creche_scope_cancel(tasks[i].scope, "too slow"));
  for (int i = 0; i < kSleepers; i++) {
    EXPECT(&a[i], CRECHE_E_CANCELLED);
    answer_free(&a[i]);
  }
  assert_true(now_ms() - began < 10000); /* bounded, by far less than the query */
  support_postgres_thaw(server);
  expect_healed(pool);
  close_pool(pool);
}

/* ---- Inserting all the while ---- */

enum { kWorkers = 16, kMostTags = 400000, kNotYet = 1 };

typedef struct worker {
  int in_transaction;
  int64_t tag;
  creche_task task;
} worker;

static worker workers[kWorkers];
static creche_pool inserted_into;
static struct {
  creche_status status;
  int unsent, in_transaction;
} tags[kMostTags];
static int64_t next_tag;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int64_t stored, broken; /* so far */
static int stopping, working;

static void go_on(void* user, const creche_completion* c);

static void inserted(void* user, const creche_completion* c) {
  worker* w = user;
  if (c->flags & CRECHE_OWNED) creche_value_release(c->value);
  pthread_mutex_lock(&lock);
  if (tags[w->tag].status != kNotYet) abort(); /* a second end */
  tags[w->tag].status = c->status;
  tags[w->tag].unsent = c->error != NULL && (c->error->flags & CRECHE_ERROR_UNSENT) != 0;
  if (c->status == CRECHE_OK)
    stored++;
  else
    broken++;
  pthread_cond_broadcast(&changed);
  pthread_mutex_unlock(&lock);
  /* A server that is down refuses at once: that is no reason to ask it all the time. */
  OK(creche_sleep(loop.scope, c->status == CRECHE_OK ? 0 : 2 * CRECHE_MILLISECOND, NULL, go_on, w,
                  NULL));
}

static void in_transaction_inserted(void* user, const creche_completion* c) {
  worker* w = user;
  if (c->flags & CRECHE_OWNED) creche_value_release(c->value);
  creche_task_finish(w->task, c->status, 0, c->error);
}

static const char kInsert[] = "insert into fault values ($1)";

static void insert_in_transaction(void* user, const creche_completion* c) {
  worker* w = user;
  if (c->kind != CRECHE_BEGIN) return;
  const creche_value tag = creche_int8(w->tag);
  w->task = c->task;
  OK(creche_connection_query((creche_connection){c->value}, c->task.scope, kInsert, &tag, 1, NULL,
                             in_transaction_inserted, w, NULL));
}

static void go_on(void* user, const creche_completion* c) {
  worker* w = user;
  (void)c;
  pthread_mutex_lock(&lock);
  const int stop = stopping || next_tag == kMostTags;
  w->tag = next_tag;
  if (stop) {
    working--;
    pthread_cond_broadcast(&changed);
  } else {
    tags[next_tag].status = kNotYet;
    tags[next_tag++].in_transaction = w->in_transaction;
  }
  pthread_mutex_unlock(&lock);
  if (stop) return;
  const creche_value tag = creche_int8(w->tag);
  if (w->in_transaction)
    OK(creche_pool_transaction(inserted_into, loop.scope, insert_in_transaction, w, NULL, inserted,
                               w, NULL));
  else
    OK(creche_pool_query(inserted_into, loop.scope, kInsert, &tag, 1, NULL, inserted, w, NULL));
}

/* Until so many more have ended well, or badly. */
static void await_more(const int64_t* counter, int64_t more) {
  pthread_mutex_lock(&lock);
  const int64_t wanted = *counter + more;
  while (*counter < wanted && next_tag < kMostTags) pthread_cond_wait(&changed, &lock);
  pthread_mutex_unlock(&lock);
}

static void check_tags(const int64_t* rows) {
  int64_t lost = 0, twice = 0, kept = 0;
  for (int64_t i = 0; i < next_tag; i++) {
    const creche_status status = tags[i].status;
    /* A query that failed may have been done, unless nothing of it was sent; a transaction that
     * failed was rolled back, unless its COMMIT was never answered. */
    const int must_not = tags[i].unsent || (tags[i].in_transaction && status != CRECHE_OK &&
                                            status != CRECHE_E_OUTCOME_UNKNOWN);
    assert_int_not_equal(status, kNotYet);
    lost += status == CRECHE_OK && rows[i] == 0;
    twice += rows[i] > 1;
    if (must_not && rows[i] > 0) {
      kept++;
      fprintf(stderr, "tag %d: %s, unsent %d, is there\n", (int)i, creche_status_name(status),
              tags[i].unsent);
    }
  }
  if (lost || twice || kept)
    fail_msg("%d of %d lost, %d there twice, %d there although they failed", (int)lost,
             (int)next_tag, (int)twice, (int)kept);
}

static void nothing_is_done_twice(void** state) {
  (void)state;
  const char* text = getenv("CRECHE_FAULT_ROUNDS");
  inserted_into = open_pool(kPool);
  must(inserted_into, "create table fault (tag int8)");
  working = kWorkers;
  for (int i = 0; i < kWorkers; i++) {
    workers[i].in_transaction = i % 2;
    OK(creche_loop_post(loop, go_on, &workers[i]));
  }
  for (int round = text ? atoi(text) : 3; round > 0; round--) {
    await_more(&stored, 100);
    if (round % 2) {
      support_postgres_kill(server);
      await_more(&broken, kWorkers);
    }
    assert_int_equal(support_postgres_restart(server), 0);
  }
  await_more(&stored, 100);
  pthread_mutex_lock(&lock);
  stopping = 1;
  while (working > 0) pthread_cond_wait(&changed, &lock);
  pthread_mutex_unlock(&lock);

  answer a;
  run(inserted_into, &a, "select tag from fault");
  EXPECT(&a, CRECHE_OK);
  int64_t* rows = calloc(kMostTags, sizeof *rows);
  for (uint64_t i = 0; i < a.rows->row_count; i++) rows[creche_row_int8(a.rows, i, 0)]++;
  answer_free(&a);
  check_tags(rows);
  free(rows);
  expect_healed(inserted_into);
  close_pool(inserted_into);
}

/* What was acknowledged must outlive the server's sudden end. */
static int start_durable_server(void** state) {
  (void)state;
  server = support_postgres_start(&(support_postgres_options){.durable = 1});
  return server != NULL && creche_loop_open(NULL, &loop) == CRECHE_OK ? 0 : -1;
}

/* Whatever the test before has left. */
static int bring_up(void** state) {
  (void)state;
  return support_postgres_pid(server) != 0 ? 0 : support_postgres_restart(server);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(killed_under_load, bring_up),
      cmocka_unit_test_setup(shut_down_under_load, bring_up),
      cmocka_unit_test_setup(killed_in_a_stream, bring_up),
      cmocka_unit_test_setup(frozen_in_a_query, bring_up),
      cmocka_unit_test_setup(nothing_is_done_twice, bring_up),
  };
  return cmocka_run_group_tests(tests, start_durable_server, stop_server);
}

/* What a pool asks and tells: passwords for each connection, notices; and the time that statements
 * have without one of their own. */
#include "pg_test.h"

static int start_guarded(void** state) {
  static const char rules[] = "host all known all scram-sha-256\n";
  (void)state;
  server = support_postgres_start(&(support_postgres_options){.hba = rules});
  if (server == NULL || creche_loop_open(NULL, &loop) != CRECHE_OK) return -1;
  creche_pool pool = open_pool(1);
  must(pool, "create role known login password 'of known'");
  close_pool(pool);
  return 0;
}

/* ---- Passwords ---- */

typedef struct giver {
  const char* says[4]; /* in turn; the last again and again; NULL: `status` */
  creche_status status;
  pthread_mutex_t lock;
  int asked, refused, wrong;
  pthread_t thread;
  int blocks; /* until it is unlocked */
  pthread_mutex_t gate;
} giver;

static creche_status give(void* user, const creche_password_request* r, char* password,
                          size_t capacity) {
  giver* g = user;
  pthread_mutex_lock(&g->lock);
  const char* const* says = g->says;
  for (int i = 0; i < g->asked && says[1] != NULL; i++) says++;
  g->asked++;
  g->refused += (int)r->refused;
  g->thread = pthread_self();
  char port[16];
  snprintf(port, sizeof port, "%d", support_postgres_port(server));
  g->wrong |= r->size < sizeof *r || strcmp(r->host, "127.0.0.1") != 0 ||
              strcmp(r->port, port) != 0 || strcmp(r->user, "known") != 0 ||
              strcmp(r->database, "postgres") != 0 || capacity < 4096;
  const char* word = *says;
  const int blocks = g->blocks;
  pthread_mutex_unlock(&g->lock);
  if (blocks) {
    pthread_mutex_lock(&g->gate);
    pthread_mutex_unlock(&g->gate);
  }
  if (word == NULL) return g->status;
  if (strcmp(word, "endless") == 0)
    memset(password, 'x', capacity);
  else
    snprintf(password, capacity, "%s", word);
  return CRECHE_OK;
}

static int asked(giver* g) {
  pthread_mutex_lock(&g->lock);
  const int n = g->asked;
  pthread_mutex_unlock(&g->lock);
  return n;
}

static creche_pool guarded(giver* g, int64_t connect_timeout) {
  creche_pool pool;
  creche_pool_options o;
  creche_pool_calls calls;
  char dsn[200];
  pthread_mutex_init(&g->lock, NULL);
  pthread_mutex_init(&g->gate, NULL);
  OK(creche_pool_calls_init(&calls, sizeof calls));
  calls.password = give;
  calls.user = g;
  OK(creche_pool_options_init(&o, sizeof o));
  o.max_size = 1;
  o.connect_timeout = connect_timeout;
  o.calls = &calls;
  snprintf(dsn, sizeof dsn, "host=127.0.0.1 port=%d user=known dbname=postgres password=old",
           support_postgres_port(server));
  OK(creche_pool_open(loop, dsn, &o, &pool));
  return pool;
}

static void test_each_connection_asks(void** state) {
  (void)state;
  giver g = {.says = {"of known"}};
  creche_pool pool = guarded(&g, 30 * CRECHE_SECOND);
  assert_int_equal(number(pool, "select 1"), 1);
  assert_int_equal(asked(&g), 1);
  assert_false(pthread_equal(g.thread, pthread_self()));
  OK(creche_pool_expire(pool));
  assert_int_equal(number(pool, "select 2"), 2);
  assert_int_equal(number(pool, "select 3"), 3);
  assert_int_equal(asked(&g), 2);
  assert_int_equal(g.refused, 0);
  assert_false(g.wrong);
  close_pool(pool);
}

/* What was refused is asked for once more, with a word about it. */
static void test_a_new_one_is_asked_for(void** state) {
  (void)state;
  giver g = {.says = {"stale", "of known"}};
  creche_pool pool = guarded(&g, 30 * CRECHE_SECOND);
  assert_int_equal(number(pool, "select 1"), 1);
  assert_int_equal(asked(&g), 2);
  assert_int_equal(g.refused, 1);
  close_pool(pool);
  giver never = {.says = {"wrong"}};
  pool = guarded(&never, 30 * CRECHE_SECOND);
  answer a;
  run(pool, &a, "select 1");
  EXPECT(&a, CRECHE_E_PG);
  assert_string_equal(a.error->sqlstate, "28P01");
  assert_int_equal(a.error->phase, CRECHE_PHASE_AUTH);
  assert_null(strstr(a.error->message, "wrong"));
  assert_int_equal(asked(&never), 2);
  answer_free(&a);
  close_pool(pool);
}

static void test_there_is_none(void** state) {
  (void)state;
  const struct {
    const char* says;
    creche_status status, told;
  } cases[] = {{NULL, -1234, -1234},
               {NULL, CRECHE_E_DNS, CRECHE_E_DNS},
               {NULL, 7, CRECHE_E_USER},
               {"endless", CRECHE_OK, CRECHE_E_LIMIT}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    giver g = {.says = {cases[i].says}, .status = cases[i].status};
    creche_pool pool = guarded(&g, 30 * CRECHE_SECOND);
    answer a;
    run(pool, &a, "select 1");
    EXPECT(&a, cases[i].told);
    assert_int_equal(a.error->phase, CRECHE_PHASE_AUTH);
    assert_true(a.error->flags & CRECHE_ERROR_UNSENT);
    assert_non_null(strstr(a.error->message, "127.0.0.1"));
    answer_free(&a);
    close_pool(pool);
  }
}

/* It takes too long: who waits is told in time; the close waits for it. */
static void on_closed(void* user, const creche_completion* c) {
  (void)c;
  __atomic_store_n((int*)user, 1, __ATOMIC_SEQ_CST);
}
static void test_it_blocks(void** state) {
  (void)state;
  giver g = {.says = {"of known"}, .blocks = 1};
  creche_pool pool = guarded(&g, 200 * CRECHE_MILLISECOND);
  pthread_mutex_lock(&g.gate);
  answer a;
  run(pool, &a, "select 1");
  EXPECT(&a, CRECHE_E_TIMEOUT);
  assert_int_equal(a.error->phase, CRECHE_PHASE_AUTH);
  assert_non_null(strstr(a.error->message, "password"));
  answer_free(&a);
  int closed = 0;
  OK(creche_pool_close(pool, on_closed, &closed));
  creche_pool other = open_pool(1); /* the loop is not held up */
  assert_int_equal(number(other, "select 1"), 1);
  close_pool(other);
  assert_false(__atomic_load_n(&closed, __ATOMIC_SEQ_CST));
  pthread_mutex_unlock(&g.gate);
  AWAIT(__atomic_load_n(&closed, __ATOMIC_SEQ_CST));
  creche_pool_release(pool);
}

/* ---- Notices ---- */

typedef struct heard {
  pthread_mutex_t lock;
  int count, wrong;
  char all[400];
  creche_pool pool; /* to be released there; {0}: not */
} heard;

static void hear(void* user, const creche_error* n) {
  heard* h = user;
  pthread_mutex_lock(&h->lock);
  h->count++;
  h->wrong |= n->status != CRECHE_OK || n->server_severity == NULL || n->server_message == NULL;
  char one[100];
  snprintf(one, sizeof one, "%s %s %s;", n->server_severity, n->sqlstate, n->server_message);
  strncat(h->all, one, sizeof h->all - strlen(h->all) - 1);
  pthread_mutex_unlock(&h->lock);
  if (h->pool.id != 0) creche_pool_release(h->pool);
}

static creche_pool hearing(heard* h) {
  creche_pool pool;
  creche_pool_options o;
  creche_pool_calls calls;
  pthread_mutex_init(&h->lock, NULL);
  OK(creche_pool_calls_init(&calls, sizeof calls));
  calls.notice = hear;
  calls.user = h;
  OK(creche_pool_options_init(&o, sizeof o));
  o.max_size = 1;
  o.calls = &calls;
  OK(creche_pool_open(loop, support_postgres_url(server), &o, &pool));
  return pool;
}

/* 78: in their order, before the statement's own completion; errors are none. */
static void test_notices(void** state) {
  (void)state;
  heard h = {.count = 0};
  creche_pool pool = hearing(&h);
  must(pool, "do $$ begin raise notice 'one'; raise warning 'two' using errcode = '01ABC'; end $$");
  pthread_mutex_lock(&h.lock);
  assert_string_equal(h.all, "NOTICE 00000 one;WARNING 01ABC two;");
  pthread_mutex_unlock(&h.lock);
  must(pool, "do $$ begin raise debug 'none'; raise notice 'three' using hint = 'x'; end $$");
  must(pool, "rollback");
  answer a;
  run(pool, &a, "do $$ begin raise exception 'four'; end $$");
  EXPECT(&a, CRECHE_E_PG);
  answer_free(&a);
  pthread_mutex_lock(&h.lock);
  assert_string_equal(h.all,
                      "NOTICE 00000 one;WARNING 01ABC two;NOTICE 00000 three;"
                      "WARNING 25P01 there is no transaction in progress;");
  assert_int_equal(h.count, 4);
  assert_false(h.wrong);
  pthread_mutex_unlock(&h.lock);
  close_pool(pool);
}

/* It may close what it hears of, in the middle of many. */
static void test_a_notice_closes_its_pool(void** state) {
  (void)state;
  heard h = {.count = 0};
  creche_pool pool = hearing(&h);
  h.pool = pool;
  answer a;
  run(pool, &a,
      "do $$ begin for i in 1 .. 1000 loop raise notice 'a rather long line of text to fill a "
      "buffer'; end loop; perform pg_sleep(60); end $$");
  EXPECT(&a, CRECHE_E_CLOSED);
  answer_free(&a);
}

/* ---- The time of statements ---- */

static void test_command_timeout(void** state) {
  (void)state;
  creche_pool pool;
  creche_pool_options o;
  OK(creche_pool_options_init(&o, sizeof o));
  assert_true(o.command_timeout == CRECHE_NEVER);
  o.command_timeout = -1;
  assert_int_equal(creche_pool_open(loop, support_postgres_url(server), &o, &pool),
                   CRECHE_E_INVALID);
  last_error_says("command_timeout");
  o.max_size = 1;
  o.command_timeout = CRECHE_SECOND;
  OK(creche_pool_open(loop, support_postgres_url(server), &o, &pool));
  creche_connection_release(acquire(pool)); /* connecting would count */
  answer a;
  run(pool, &a, "select pg_sleep(60)");
  EXPECT(&a, CRECHE_E_TIMEOUT);
  assert_int_equal(a.error->phase, CRECHE_PHASE_QUERY);
  answer_free(&a);
  creche_connection c = acquire(pool);
  answer_init(&a);
  OK(creche_connection_script(c, loop.scope, "select 1; select pg_sleep(60)", NULL, on_answer, &a,
                              NULL));
  answer_wait(&a);
  EXPECT(&a, CRECHE_E_TIMEOUT);
  answer_free(&a);
  creche_connection_release(c);
  const creche_batch_item item = {.sql = "select pg_sleep(60)"};
  answer_init(&a);
  OK(creche_pool_batch(pool, loop.scope, &item, 1, NULL, on_answer, &a, NULL));
  answer_wait(&a);
  EXPECT(&a, CRECHE_E_TIMEOUT);
  answer_free(&a);
  const creche_value arg = creche_float8(60);
  answer_init(&a);
  OK(creche_pool_execute_many(pool, loop.scope, "select pg_sleep($1)", &arg, 1, 1, NULL, on_answer,
                              &a, NULL));
  answer_wait(&a);
  EXPECT(&a, CRECHE_E_TIMEOUT);
  answer_free(&a);
  /* A time of its own counts alone, whether it is longer or a deadline. */
  creche_query_options q;
  creche_task_options t;
  OK(creche_task_options_init(&t, sizeof t));
  OK(creche_query_options_init(&q, sizeof q));
  t.timeout = 60 * CRECHE_SECOND;
  q.task = &t;
  answer_init(&a);
  OK(creche_pool_query(pool, loop.scope, "select pg_sleep(1.2)", NULL, 0, &q, on_answer, &a, NULL));
  answer_wait(&a);
  EXPECT(&a, CRECHE_OK);
  answer_free(&a);
  close_pool(pool);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_each_connection_asks),
      cmocka_unit_test(test_a_new_one_is_asked_for),
      cmocka_unit_test(test_there_is_none),
      cmocka_unit_test(test_it_blocks),
      cmocka_unit_test(test_notices),
      cmocka_unit_test(test_a_notice_closes_its_pool),
      cmocka_unit_test(test_command_timeout),
  };
  return cmocka_run_group_tests_name("calls of a pool", tests, start_guarded, stop_server);
}

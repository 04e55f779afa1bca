/* What blocks has workers of its own for each kind: cancel requests pass look-ups that hang, and
 * names are looked up, files are read while cancel requests hang. */
#include "fake_pg.h"
#include "names.h"

/* Names hang until they are released. */
static pthread_mutex_t names = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int hanging, released;

static int look_up(const char* name, const char* service, const struct addrinfo* hints,
                   struct addrinfo** found, getaddrinfo_fn real) {
  (void)name, (void)service, (void)hints, (void)found, (void)real;
  pthread_mutex_lock(&names);
  hanging++;
  pthread_cond_broadcast(&changed);
  while (!released) pthread_cond_wait(&changed, &names);
  hanging--;
  pthread_cond_broadcast(&changed);
  pthread_mutex_unlock(&names);
  return EAI_NONAME;
}
static void await_hanging(int count) {
  pthread_mutex_lock(&names);
  while (hanging != count) pthread_cond_wait(&changed, &names);
  pthread_mutex_unlock(&names);
}
static void release_names(void) {
  pthread_mutex_lock(&names);
  released = 1;
  pthread_cond_broadcast(&changed);
  pthread_mutex_unlock(&names);
}

/* Cleaning up after a cancel has all the time of the test: nothing passes because it was given up.
 */
static creche_pool open_patient(const char* dsn, uint32_t max_size) {
  creche_pool_options o;
  creche_pool pool;
  OK(creche_pool_options_init(&o, sizeof o));
  o.max_size = max_size;
  o.connect_timeout = PATIENCE;
  o.acquire_timeout = PATIENCE;
  o.cancel_timeout = PATIENCE;
  OK(creche_pool_open(loop, dsn, &o, &pool));
  return pool;
}

/* Rows that fill the server's buffer, so that something is sent; and then it waits. */
static const char kRuns[] =
    "select repeat('x', 20000) from generate_series(1, 3) union all select pg_sleep(600)::text";

static void cancels_pass_look_ups_that_hang(void** state) {
  enum { kHung = 40 }; /* more than any one kind of work has threads to begin with */
  creche_pool hung[kHung], pool = open_patient(support_postgres_url(server), 1);
  answer asked[kHung], running;
  creche_task task;
  (void)state;
  answer_init(&running);
  OK(creche_pool_stream(pool, loop.scope, kRuns, NULL, 0, NULL, on_answer, &running, &task));
  pthread_mutex_lock(&running.lock);
  while (running.blocks == 0) pthread_cond_wait(&running.changed, &running.lock);
  pthread_mutex_unlock(&running.lock);
  for (int i = 0; i < kHung; i++) {
    char dsn[100];
    snprintf(dsn, sizeof dsn, "host=hung%d.test user=a", i);
    hung[i] = open_patient(dsn, 1);
    answer_init(&asked[i]);
    OK(creche_pool_query(hung[i], loop.scope, "select 1", NULL, 0, NULL, on_answer, &asked[i],
                         NULL));
  }
  await_hanging(kHung);
  OK(creche_scope_cancel(task.scope, NULL));
  EXPECT(&running, CRECHE_E_CANCELLED);
  assert_int_equal(hanging, kHung);
  assert_int_equal(pool_counters(pool).cancels, 1);
  assert_int_equal(pool_counters(pool).dropped, 0); /* it was heard */
  assert_int_equal(number(pool, "select 1::int8"), 1);
  answer_free(&running);
  release_names();
  for (int i = 0; i < kHung; i++) {
    EXPECT(&asked[i], CRECHE_E_DNS);
    answer_free(&asked[i]);
    close_pool(hung[i]);
  }
  close_pool(pool);
}

/* Answers no statement, and no cancel request either; counts both. */
static void is_mute(support_peer* peer, void* user) {
  (void)user;
  if (fake_start(peer, 1))
    while (fake_take(peer) != 'S') continue;
  support_count_request(peer);
  support_hang(peer);
}

static void look_ups_pass_cancels_that_hang(void** state) {
  enum { kCancels = 40 };
  support_hostile* hostile = support_hostile_start(is_mute, NULL);
  answer running[kCancels], one;
  creche_task tasks[kCancels];
  creche_query_options alone;
  char dsn[200];
  (void)state;
  snprintf(dsn, sizeof dsn, "host=127.0.0.1 port=%d user=a gssencmode=disable sslmode=disable",
           support_hostile_port(hostile));
  creche_pool mute = open_patient(dsn, kCancels);
  OK(creche_query_options_init(&alone, sizeof alone));
  alone.flags = CRECHE_QUERY_ALONE;
  for (int i = 0; i < kCancels; i++) {
    answer_init(&running[i]);
    OK(creche_pool_query(mute, loop.scope, "select 1", NULL, 0, &alone, on_answer, &running[i],
                         &tasks[i]));
  }
  assert_true(support_hostile_await_requests(hostile, kCancels, PATIENCE_MS));
  for (int i = 0; i < kCancels; i++) OK(creche_scope_cancel(tasks[i].scope, NULL));
  /* As many as may be sent at a time, at least. */
  assert_true(support_hostile_await_requests(hostile, kCancels + 16, PATIENCE_MS));
  snprintf(dsn, sizeof dsn, "postgresql://postgres@db.test:%d/postgres",
           support_postgres_port(server));
  creche_pool pool = open_patient(dsn, 1);
  run(pool, &one, "select 1");
  EXPECT(&one, CRECHE_OK);
  answer_free(&one);
  for (int i = 0; i < kCancels; i++) assert_false(answer_wait_for(&running[i], 0));
  close_pool(pool);
  support_hostile_stop(hostile);
  for (int i = 0; i < kCancels; i++) {
    EXPECT(&running[i], CRECHE_E_CANCELLED);
    answer_free(&running[i]);
  }
  close_pool(mute);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(cancels_pass_look_ups_that_hang),
      cmocka_unit_test(look_ups_pass_cancels_that_hang),
  };
  return cmocka_run_group_tests(tests, start_server, stop_server);
}

/* LISTEN: what is said comes, in order, with who said it; what is lost is told. */
#include "pg_test.h"

static creche_pool pool;

static int open_one(void** state) {
  if (start_server(state) != 0) return -1;
  pool = open_pool(4);
  return 0;
}

static int close_one(void** state) {
  close_pool(pool);
  return stop_server(state);
}

typedef struct heard {
  answer end;
  int said, started, gaps;
  uint64_t dropped;
  char last[8100], channel[80], all[400];
  uint32_t process;
  int keep;
  uint64_t kept[64];
  int held;
} heard;

static void on_heard(void* user, const creche_completion* c) {
  heard* h = user;
  if (c->kind != CRECHE_NOTIFY) {
    on_answer(&h->end, c);
    return;
  }
  const creche_notification* n = c->data;
  assert_int_equal(c->flags, CRECHE_MORE | CRECHE_OWNED);
  pthread_mutex_lock(&h->end.lock);
  h->dropped += n->dropped;
  if (n->what == CRECHE_LISTEN_STARTED) h->started++;
  if (n->what == CRECHE_LISTEN_GAP) h->gaps++;
  if (n->what == CRECHE_LISTEN_NOTIFICATION) {
    assert_int_equal(strlen(n->payload), n->payload_size);
    snprintf(h->last, sizeof h->last, "%s", n->payload);
    snprintf(h->channel, sizeof h->channel, "%s", n->channel);
    if (n->payload_size < 10) strncat(h->all, n->payload, sizeof h->all - strlen(h->all) - 1);
    h->process = n->process;
    h->said++;
  }
  if (h->keep && h->held < 64)
    h->kept[h->held++] = c->value;
  else
    creche_value_release(c->value);
  pthread_mutex_unlock(&h->end.lock);
}

static void wait_until(heard* h, const int* count, int wanted) {
  for (const int64_t end = now_ms() + PATIENCE_MS;;) {
    pthread_mutex_lock(&h->end.lock);
    const int now = *count;
    pthread_mutex_unlock(&h->end.lock);
    if (now >= wanted) return;
    if (now_ms() > end) fail_msg("%d instead of %d", now, wanted);
    nap_ms(1);
  }
}

static creche_task listen_to(heard* h, const char* const* channels, size_t count,
                             const creche_listen_options* o) {
  memset(h, 0, sizeof *h);
  answer_init(&h->end);
  creche_task task;
  OK(creche_pool_listen(pool, loop.scope, channels, count, o, on_heard, h, &task));
  wait_until(h, &h->started, 1);
  return task;
}

static void stop_listening(heard* h, creche_task task) {
  OK(creche_scope_cancel(task.scope, "enough"));
  EXPECT(&h->end, CRECHE_E_CANCELLED);
  answer_free(&h->end);
}

static void test_what_is_said(void** state) {
  (void)state;
  heard h;
  const char* const channels[] = {"jobs", "12+\"34", "Gro\xc3\x9f und klein"};
  const creche_task task = listen_to(&h, channels, 3, NULL);
  creche_connection one = acquire(pool);
  const int64_t pid = number_on(one, "select pg_backend_pid()");
  must_on(one, "notify jobs, 'hello'");
  wait_until(&h, &h.said, 1);
  assert_string_equal(h.last, "hello");
  assert_string_equal(h.channel, "jobs");
  assert_int_equal(h.process, pid);
  must_on(one, "notify \"12+\"\"34\"");
  wait_until(&h, &h.said, 2);
  assert_string_equal(h.last, "");
  assert_string_equal(h.channel, "12+\"34");
  must_on(one, "select pg_notify('Gro\xc3\x9f und klein', repeat('x', 7999))");
  wait_until(&h, &h.said, 3);
  assert_int_equal(strlen(h.last), 7999);
  must_on(one, "notify other, 'nobody'");
  h.all[0] = '\0';
  must_on(one, "select pg_notify('jobs', i::text) from generate_series(1, 9) i");
  wait_until(&h, &h.said, 12);
  assert_string_equal(h.all, "123456789");
  creche_connection_release(one);
  stop_listening(&h, task);
  assert_int_equal(h.said, 12);
  assert_int_equal(h.gaps, 0);
  assert_int_equal(h.dropped, 0);
}

/* The connection is killed, again and again: another one listens, and says that there was a gap. */
static void test_survives(void** state) {
  (void)state;
  heard h;
  const char* const channels[] = {"jobs"};
  const creche_task task = listen_to(&h, channels, 1, NULL);
  for (int i = 1; i <= 3; i++) {
    must(pool,
         "select pg_terminate_backend(pid) from pg_stat_activity "
         "where pid <> pg_backend_pid() and query like 'LISTEN%'");
    wait_until(&h, &h.gaps, i);
    must(pool, "notify jobs, 'again'");
    wait_until(&h, &h.said, i);
  }
  stop_listening(&h, task);
}

static void test_what_is_held_is_bounded(void** state) {
  (void)state;
  heard h;
  creche_listen_options o;
  OK(creche_listen_options_init(&o, sizeof o));
  assert_int_equal(o.max_held, 1024);
  o.max_held = 10;
  const char* const channels[] = {"jobs"};
  const creche_task task = listen_to(&h, channels, 1, &o);
  pthread_mutex_lock(&h.end.lock);
  h.keep = 1;
  pthread_mutex_unlock(&h.end.lock);
  must(pool, "select pg_notify('jobs', i::text) from generate_series(1, 50) i");
  wait_until(&h, &h.said, 10);
  must(pool, "select 1");
  nap_ms(50);
  pthread_mutex_lock(&h.end.lock);
  assert_int_equal(h.said, 10);
  h.keep = 0;
  for (int i = 0; i < h.held; i++) creche_value_release(h.kept[i]);
  pthread_mutex_unlock(&h.end.lock);
  must(pool, "notify jobs, 'after'");
  wait_until(&h, &h.said, 11);
  assert_string_equal(h.last, "after");
  assert_int_equal(h.dropped, 40);
  stop_listening(&h, task);
}

/* A sign of life is asked for, and answered. */
static void test_heartbeat(void** state) {
  (void)state;
  heard h;
  creche_listen_options o;
  OK(creche_listen_options_init(&o, sizeof o));
  o.heartbeat = CRECHE_SECOND; /* within which the server must answer, too */
  const char* const channels[] = {"jobs"};
  const creche_task task = listen_to(&h, channels, 1, &o);
  for (const int64_t end = now_ms() + PATIENCE_MS;
       number(pool,
              "select count(*) from pg_stat_activity where query = 'SELECT 1' and "
              "pid <> pg_backend_pid()") == 0;) {
    if (now_ms() > end) fail_msg("no heartbeat");
    nap_ms(5);
  }
  must(pool, "notify jobs, 'x'");
  wait_until(&h, &h.said, 1);
  stop_listening(&h, task);
}

static void test_refused(void** state) {
  (void)state;
  const char* const none[] = {""};
  char name[65];
  memset(name, 'x', 64);
  name[64] = '\0';
  const char* const too_long[] = {"fine", name};
  assert_int_equal(creche_pool_listen(pool, loop.scope, NULL, 0, NULL, creche_nobody, NULL, NULL),
                   CRECHE_E_INVALID);
  assert_int_equal(creche_pool_listen(pool, loop.scope, none, 1, NULL, creche_nobody, NULL, NULL),
                   CRECHE_E_INVALID);
  assert_int_equal(
      creche_pool_listen(pool, loop.scope, too_long, 2, NULL, creche_nobody, NULL, NULL),
      CRECHE_E_INVALID);
  last_error_says("channel 1");
}

static void test_the_pool_is_closed(void** state) {
  (void)state;
  creche_pool before = pool;
  pool = open_pool(1);
  heard h;
  const char* const channels[] = {"jobs"};
  listen_to(&h, channels, 1, NULL);
  close_pool(pool);
  EXPECT(&h.end, CRECHE_E_CLOSED);
  answer_free(&h.end);
  pool = before;
  /* A server that is not there. */
  creche_pool_options o;
  OK(creche_pool_options_init(&o, sizeof o));
  creche_pool nowhere;
  OK(creche_pool_open(loop, "postgresql://127.0.0.1:1/x", &o, &nowhere));
  answer a;
  answer_init(&a);
  OK(creche_pool_listen(nowhere, loop.scope, channels, 1, NULL, on_answer, &a, NULL));
  EXPECT(&a, CRECHE_E_CONNECT);
  answer_free(&a);
  close_pool(nowhere);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_what_is_said),
      cmocka_unit_test(test_survives),
      cmocka_unit_test(test_what_is_held_is_bounded),
      cmocka_unit_test(test_heartbeat),
      cmocka_unit_test(test_refused),
      cmocka_unit_test(test_the_pool_is_closed),
  };
  return cmocka_run_group_tests(tests, open_one, close_one);
}

/* No memory: every allocation that PostgreSQL's work needs on the loop's thread fails once, in
 * turn, and then all from there on. Each statement has its one end: a right answer, or an error
 * that says so; and with memory again the pool serves as before.
 *
 * A sanitizer's malloc cannot be this program's: then the test is skipped. */
#include "pg_test.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
int main(void) {
  return 77;
}
#else
#include "support/failing_malloc.h"

static creche_pool pool;

typedef struct outcome {
  int ended;
  creche_status status;
  int64_t rows, sum;
} outcome;

static void note(void* user, const creche_completion* c) {
  outcome* o = user;
  if (c->data != NULL && (c->kind == CRECHE_ROWS || c->status == CRECHE_OK)) {
    const creche_row_block* rows = c->data;
    for (uint64_t r = 0; r < rows->row_count; r++) o->sum += creche_row_int8(rows, r, 0);
    o->rows += (int64_t)rows->row_count;
  }
  if (c->flags & CRECHE_OWNED) creche_value_release(c->value);
  if (c->flags & CRECHE_MORE) return;
  o->ended++;
  o->status = c->status;
}

/* Turns until all have ended; with memory again after a while, which is what some wait for. */
static void turn_until(const outcome* o, int count, int started) {
  const int64_t began = now_ms();
  for (;;) {
    int ended = 0;
    for (int i = 0; i < count; i++) ended += o[i].ended;
    if (ended >= started) return;
    if (failures > 0 && now_ms() - began > 300) armed = 0;
    creche_loop_poll(loop, 5 * CRECHE_MILLISECOND);
    if (now_ms() - began > 30000) {
      armed = 0;
      fail_msg("%d of %d have ended", ended, started);
    }
  }
}

static const char* const kSql = "select i::int8, repeat('x', 100) from generate_series(1, $1) i";
enum { kKinds = 6 };

/* Prepared or not, pipelined, long, failing, streamed. Returns how many failures there were. */
static long round_of(long which, int all_from_there) {
  outcome o[kKinds];
  creche_query_options plain;
  int started = 0;
  int accepted[kKinds] = {0};
  memset(o, 0, sizeof o);
  OK(creche_query_options_init(&plain, sizeof plain));
  plain.flags = CRECHE_QUERY_NO_PREPARE;
  failures = 0;
  from_there = all_from_there;
  countdown = which;
  armed = 1;
  for (int i = 0; i < kKinds; i++) {
    const creche_value n = creche_int4(i == 2 ? 5000 : i == 5 ? 3000 : 7);
    creche_status s;
    if (i == 5)
      s = creche_pool_stream(pool, loop.scope, kSql, &n, 1, NULL, note, &o[i], NULL);
    else if (i == 4)
      s = creche_pool_query(pool, loop.scope, "select 1 / ($1 - 7)", &n, 1, NULL, note, &o[i],
                            NULL);
    else
      s = creche_pool_query(pool, loop.scope, kSql, &n, 1, i == 1 ? &plain : NULL, note, &o[i],
                            NULL);
    accepted[i] = s == CRECHE_OK;
    started += s == CRECHE_OK;
    if (s != CRECHE_OK && s != CRECHE_E_NO_MEMORY) {
      armed = 0;
      fail_msg("start: %s", creche_status_name(s));
    }
  }
  turn_until(o, kKinds, started);
  armed = 0;
  for (int i = 0; i < kKinds; i++) {
    const int64_t n = i == 2 ? 5000 : i == 5 ? 3000 : 7;
    assert_int_equal(o[i].ended, accepted[i]);
    if (!accepted[i]) continue;
    if (o[i].status == CRECHE_OK) {
      assert_int_not_equal(i, 4);
      assert_int_equal(o[i].rows, n);
      assert_int_equal(o[i].sum, n * (n + 1) / 2);
    } else if (o[i].status != CRECHE_E_NO_MEMORY && o[i].status != CRECHE_E_DISCONNECTED &&
               o[i].status != CRECHE_E_CONNECT && !(i == 4 && o[i].status == CRECHE_E_PG)) {
      fail_msg("statement %d, failure %ld: %s", i, which, creche_status_name(o[i].status));
    }
  }
  return failures;
}

static void healthy(void) {
  outcome o = {0};
  const creche_value n = creche_int4(3);
  OK(creche_pool_query(pool, loop.scope, kSql, &n, 1, NULL, note, &o, NULL));
  turn_until(&o, 1, 1);
  assert_int_equal(o.status, CRECHE_OK);
  assert_int_equal(o.sum, 6);
}

static void each_allocation(int all_from_there) {
  long which = 0;
  do {
    healthy();
    which++;
  } while (round_of(which, all_from_there) > 0 && which < 2000);
  healthy();
  assert_true(which > 20);
  assert_true(which < 2000);
}

static void test_once(void** state) {
  (void)state;
  each_allocation(0);
}
static void test_from_there_on(void** state) {
  (void)state;
  each_allocation(1);
}

/* Two wait for the first connections of a pool. They are told, or served when there is memory
 * again: nobody is left behind without an attempt under way. */
static long first_connections(long which, int all_from_there) {
  creche_pool cold;
  creche_pool_options p;
  outcome o[2];
  const creche_value n = creche_int4(3);
  memset(o, 0, sizeof o);
  OK(creche_pool_options_init(&p, sizeof p));
  p.max_size = 2;
  OK(creche_pool_open(loop, support_postgres_url(server), &p, &cold));
  for (int i = 0; i < 2; i++)
    OK(creche_pool_query(cold, loop.scope, kSql, &n, 1, NULL, note, &o[i], NULL));
  failures = 0;
  from_there = all_from_there;
  countdown = which;
  armed = 1;
  turn_until(o, 2, 2);
  armed = 0;
  for (int i = 0; i < 2; i++) {
    assert_int_equal(o[i].ended, 1);
    if (o[i].status != CRECHE_OK && o[i].status != CRECHE_E_NO_MEMORY &&
        o[i].status != CRECHE_E_DISCONNECTED && o[i].status != CRECHE_E_CONNECT)
      fail_msg("statement %d, failure %ld: %s", i, which, creche_status_name(o[i].status));
    if (o[i].status == CRECHE_OK) assert_int_equal(o[i].sum, 6);
  }
  creche_pool_release(cold);
  return failures;
}

static void test_first_connections(void** state) {
  (void)state;
  long which = 0;
  while (first_connections(++which, 0) > 0) assert_true(which < 2000);
  assert_true(which > 20);
  for (which = 1; first_connections(which, 1) > 0; which += 4) assert_true(which < 2000);
}

static int start(void** state) {
  creche_loop_options o;
  creche_pool_options p;
  (void)state;
  server = support_postgres_start(NULL);
  if (server == NULL || creche_loop_options_init(&o, sizeof o) != CRECHE_OK) return -1;
  o.run = CRECHE_RUN_CALLER;
  if (creche_loop_open(&o, &loop) != CRECHE_OK) return -1;
  OK(creche_pool_options_init(&p, sizeof p));
  p.max_size = 1; /* so that there is a pipeline */
  return creche_pool_open(loop, support_postgres_url(server), &p, &pool) == CRECHE_OK ? 0 : -1;
}
static int stop(void** state) {
  (void)state;
  creche_loop_close(loop);
  const int failed = creche_loop_join(loop, 20 * CRECHE_SECOND) != CRECHE_OK;
  support_postgres_stop(server);
  return failed ? -1 : 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_once),
      cmocka_unit_test(test_from_there_on),
      cmocka_unit_test(test_first_connections),
  };
  return cmocka_run_group_tests(tests, start, stop);
}
#endif

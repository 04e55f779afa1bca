/* Transactions of which something is cancelled at random: all of one is stored if its commit says
 * so, and else nothing. The order of what is done is the same for each run; the time is not. */
#include "pg_test.h"

static uint64_t seed;
static uint32_t pick(uint32_t of) {
  seed = seed * 6364136223846793005u + 1442695040888963407u;
  return (uint32_t)(seed >> 33) % of;
}

static void spin_us(uint32_t us) {
  struct timespec a, b;
  clock_gettime(CLOCK_MONOTONIC, &a);
  do clock_gettime(CLOCK_MONOTONIC, &b);
  while ((b.tv_sec - a.tv_sec) * 1000000 + (b.tv_nsec - a.tv_nsec) / 1000 < (int64_t)us);
}

/* B: begin, I: insert, S: a slow one, C: commit. */
static const char* const shapes[] = {"BIIIC", "BISIC", "BIBIICIC", "BSBICIC", "SBIIC", "BICBIIC"};

static void cut_at_random(creche_pool pool, creche_pool other, int round) {
  enum { kMost = 8 };
  creche_connection c = acquire(pool);
  answer a[kMost];
  creche_task task[kMost];
  creche_scope scope;
  creche_task_options limit;
  creche_query_options q;
  creche_transaction_options t;
  const char* shape = shapes[pick(6)];
  const int steps = (int)strlen(shape);
  /* Not a begin: somebody might be told of its end before all of the rest has been started. */
  int timed = pick(4) == 0 ? (int)pick((uint32_t)steps) : -1;
  if (timed >= 0 && shape[timed] == 'B') timed = -1;
  int deep = 0, number_of = 0, inserts[2] = {0, 0}, commit[2] = {-1, -1};
  char sql[100];
  OK(creche_task_options_init(&limit, sizeof limit));
  limit.timeout = (int64_t)pick(1500) * 1000;
  OK(creche_query_options_init(&q, sizeof q));
  OK(creche_transaction_options_init(&t, sizeof t));
  OK(creche_scope_open(loop.scope, NULL, &scope));
  for (int i = 0; i < steps; i++) {
    answer_init(&a[i]);
    q.task = t.task = i == timed ? &limit : NULL;
    /* Each transaction has a number of its own, what stands alone has none. */
    snprintf(sql, sizeof sql, "insert into cut select %d from pg_sleep(%s)",
             deep ? 10 * round + number_of : 10 * round + 9, shape[i] == 'S' ? "0.0005" : "0");
    if (shape[i] == 'B') {
      OK(creche_connection_begin(c, scope, &t, on_answer, &a[i], &task[i]));
      deep++;
    } else if (shape[i] == 'C') {
      OK(creche_connection_commit(c, scope, &t, on_answer, &a[i], &task[i]));
      if (--deep == 0) commit[number_of++] = i;
    } else {
      OK(creche_connection_query(c, scope, sql, NULL, 0, &q, on_answer, &a[i], &task[i]));
      if (deep) inserts[number_of]++;
    }
  }
  spin_us(pick(1200));
  if (pick(2))
    creche_scope_cancel(scope, NULL);
  else
    for (uint32_t i = 0, n = 1 + pick(2); i < n; i++)
      creche_scope_cancel(task[pick((uint32_t)steps)].scope, NULL);
  for (int i = 0; i < steps; i++) answer_wait(&a[i]);
  while (creche_scope_leave(scope, NULL) == CRECHE_E_BUSY) nap_ms(1);
  for (int i = 0; i < number_of; i++) {
    const creche_status status = a[commit[i]].status;
    snprintf(sql, sizeof sql, "select count(*) from cut where i = %d", 10 * round + i);
    const int64_t stored = number(other, sql);
    if (stored != (status == CRECHE_OK ? inserts[i] : 0))
      fail_msg("round %d, %s: %s, and %d of %d rows", round, shape, creche_status_name(status),
               (int)stored, inserts[i]);
  }
  /* Whatever has become of it, it comes to an end, and the connection is as good as before. */
  for (int i = 0;; i++) {
    answer end;
    answer_init(&end);
    OK(creche_connection_rollback(c, loop.scope, NULL, on_answer, &end, NULL));
    const creche_status status = answer_wait(&end);
    if (status != CRECHE_OK) EXPECT(&end, CRECHE_E_STATE);
    answer_free(&end);
    if (status != CRECHE_OK) break;
    assert_true(i < 3);
  }
  must_on(c, "insert into cut values (-1)");
  for (int i = 0; i < steps; i++) answer_free(&a[i]);
  creche_connection_release(c);
}

static void at_random(uint32_t flags, int rounds) {
  creche_pool pool, other = open_pool(1);
  creche_pool_options o;
  OK(creche_pool_options_init(&o, sizeof o));
  o.max_size = 1;
  o.flags = flags;
  OK(creche_pool_open(loop, support_postgres_url(server), &o, &pool));
  must(other, "create table cut (i int)");
  for (int round = 1; round <= rounds; round++) {
    seed = (uint64_t)round;
    cut_at_random(pool, other, round);
  }
  assert_int_equal(number(other, "select count(*) from cut where i = -1"), rounds);
  assert_int_equal(counters(pool).dropped, 0);
  must(other, "drop table cut");
  close_pool(pool);
  close_pool(other);
}

static void test_pipelined(void** state) {
  (void)state;
  at_random(0, 300);
}

static void test_one_at_a_time(void** state) {
  (void)state;
  at_random(CRECHE_POOL_NO_PIPELINE, 300);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_pipelined),
      cmocka_unit_test(test_one_at_a_time),
  };
  return cmocka_run_group_tests(tests, start_server, stop_server);
}

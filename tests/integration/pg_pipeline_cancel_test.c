/* Many statements share few connections while some of them are cancelled at random: each of the
 * others must give its own right answer, exactly once, and have done its work exactly once. */
#include "capi/pg/pg_test.h"

enum { kStatements = 3000, kConnections = 3 };

typedef struct job {
  answer a;
  creche_task task;
  int id;
  int cancel; /* to be cancelled */
} job;

static job jobs[kStatements];

static uint32_t random_state;
static uint32_t next_random(void) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 17;
  random_state ^= random_state << 5;
  return random_state;
}

static void start(creche_pool pool, job* j) {
  answer_init(&j->a);
  creche_value args[2] = {creche_int4(j->id), creche_int4(j->cancel)};
  /* Those that will be cancelled linger a little, so that the cancel has something to hit; they
   * have the same text, and so are pipelined with the others. */
  OK(creche_pool_query(pool, loop.scope,
                       "insert into done select $1, $2 from linger($2) returning id, id * 7", args,
                       2, NULL, on_answer, &j->a, &j->task));
}

static void run_seed(uint32_t seed) {
  random_state = seed;
  creche_pool pool = open_pool(kConnections);
  must(pool, "truncate done");
  /* The history must know it as short before it is pipelined. */
  for (int i = 0; i < 10; i++) {
    job j = {.id = -1 - i};
    start(pool, &j);
    EXPECT(&j.a, CRECHE_OK);
    answer_free(&j.a);
  }
  int cancelled = 0, answered = 0;
  for (int i = 0; i < kStatements; i++) {
    jobs[i].id = i;
    jobs[i].cancel = next_random() % 8 == 0;
    start(pool, &jobs[i]);
    /* Cancel one of the last few, now and then after a moment. */
    if (next_random() % 4 == 0) nap_ms((int)(next_random() % 3));
    for (int k = i > 40 ? i - 40 : 0; k <= i; k++)
      if (jobs[k].cancel == 1 && next_random() % 16 == 0) {
        creche_scope_cancel(jobs[k].task.scope, "chaos");
        jobs[k].cancel = 2;
      }
  }
  for (int i = 0; i < kStatements; i++)
    if (jobs[i].cancel == 1) creche_scope_cancel(jobs[i].task.scope, "chaos");
  for (int i = 0; i < kStatements; i++) {
    answer* a = &jobs[i].a;
    answer_wait(a);
    if (a->status == CRECHE_E_CANCELLED && jobs[i].cancel) {
      cancelled++;
    } else {
      EXPECT(a, CRECHE_OK);
      assert_int_equal(a->rows->row_count, 1);
      assert_int_equal(creche_row_int4(a->rows, 0, 0), i);
      assert_int_equal(creche_row_int4(a->rows, 0, 1), i * 7);
      answered++;
    }
  }
  creche_pool_counters c = counters(pool);
  /* Every answered one has written its row once, no cancelled one has. */
  assert_int_equal(number(pool, "select count(*) from done where id >= 0"), answered);
  assert_int_equal(number(pool, "select count(distinct id) from done where id >= 0"), answered);
  for (int i = 0; i < kStatements; i++) {
    assert_int_equal(jobs[i].a.ended, 1);
    answer_free(&jobs[i].a);
  }
  printf(
      "seed %u: %d answered, %d cancelled; %d pipelined, %d cancels sent, %d run again, "
      "%d connections dropped\n",
      seed, answered, cancelled, (int)c.pipelined, (int)c.cancels, (int)c.resent, (int)c.dropped);
  assert_true(c.pipelined > 0);
  assert_int_equal(c.dropped, 0);
  assert_int_equal(answered + cancelled, kStatements);
  close_pool(pool);
}

static void test_nobody_else_is_hit(void** state) {
  (void)state;
  creche_pool pool = open_pool(1);
  must(pool, "create table done (id int, kind int)");
  must(pool,
       "create function linger(kind int) returns setof int language plpgsql as $$ begin "
       "if kind = 1 then perform pg_sleep(0.002 + random() * 0.02); end if; if kind = 2 then "
       "perform pg_sleep(0.011 + random() * 0.004); end if; return next 1; end $$");
  close_pool(pool);
  for (uint32_t seed = 1; seed <= 4; seed++) run_seed(seed * 2654435761u);
}

/* The worst case on purpose: the cancelled statement ends by itself while the request to cancel it
 * is on its way, again and again. */
static void test_late_cancels(void** state) {
  (void)state;
  creche_pool pool = open_pool(1);
  must(pool, "truncate done");
  int answered = 0;
  enum { kRounds = 150, kBehind = 6 };
  for (int round = 0; round < kRounds; round++) {
    /* Short again, in the eyes of the history. */
    for (int i = 0; i < 12; i++) {
      job warm = {.id = -1 - i};
      start(pool, &warm);
      EXPECT(&warm.a, CRECHE_OK);
      answer_free(&warm.a);
    }
    job j[kBehind + 1];
    memset(j, 0, sizeof j);
    for (int k = 0; k <= kBehind; k++) {
      j[k].id = round * 10 + k;
      j[k].cancel = k == 0 ? 2 : 0;
      start(pool, &j[k]);
    }
    nap_ms(2); /* it runs */
    creche_scope_cancel(j[0].task.scope, NULL);
    answer_wait(&j[0].a);
    answered += j[0].a.status == CRECHE_OK;
    answer_free(&j[0].a);
    for (int k = 1; k <= kBehind; k++) {
      EXPECT(&j[k].a, CRECHE_OK);
      assert_int_equal(creche_row_int4(j[k].a.rows, 0, 0), j[k].id);
      answered++;
      answer_free(&j[k].a);
    }
  }
  creche_pool_counters c = counters(pool);
  printf("late: %d answered; %d pipelined, %d cancels sent, %d run again\n", answered,
         (int)c.pipelined, (int)c.cancels, (int)c.resent);
  assert_int_equal(number(pool, "select count(*) from done where id >= 0"), answered);
  assert_int_equal(number(pool, "select count(distinct id) from done where id >= 0"), answered);
  assert_int_equal(c.dropped, 0);
  close_pool(pool);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_nobody_else_is_hit),
      cmocka_unit_test(test_late_cancels),
  };
  return cmocka_run_group_tests(tests, start_server, stop_server);
}

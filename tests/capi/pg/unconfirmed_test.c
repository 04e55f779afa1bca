/* Names of prepared statements that may not be there: one that is on its way may never come to be,
 * so nothing else uses it before the server has confirmed it; and what begins and ends transactions
 * has none that could be gone. Steps are pipelined on a held connection. */
#include "steps.h"

/* Steps that are started on the loop, all at once. B C R: begin, commit, rollback; !: select 1/0;
 * a: a row of `table`; what else there is is in `sql`. */
typedef struct plan {
  creche_connection c;
  const char *steps, *sql[4];
  answer a[32];
  pthread_mutex_t lock;
  pthread_cond_t changed;
  int started;
} plan;

static void start_all(void* user, const creche_completion* completion) {
  plan* p = user;
  (void)completion;
  for (int i = 0; p->steps[i]; i++) {
    const char what = p->steps[i];
    answer_init(&p->a[i]);
    if (what == 'B' || what == 'C' || what == 'R')
      start_step(what == 'B'   ? creche_connection_begin
                 : what == 'C' ? creche_connection_commit
                               : creche_connection_rollback,
                 p->c, loop.scope, &p->a[i], NULL);
    else
      OK(creche_connection_query(p->c, loop.scope, what == '!' ? "select 1/0" : p->sql[what - '0'],
                                 NULL, 0, NULL, on_answer, &p->a[i], NULL));
  }
  pthread_mutex_lock(&p->lock);
  p->started = 1;
  pthread_cond_signal(&p->changed);
  pthread_mutex_unlock(&p->lock);
}

/* o: OK, r: ROLLED_BACK, a: 25P02 (the transaction has failed), e: another error of the server's.
 */
static void play(plan* p, const char* steps, const char* expected) {
  char got[33] = "";
  p->steps = steps;
  p->started = 0;
  OK(creche_loop_post(loop, start_all, p));
  pthread_mutex_lock(&p->lock);
  while (!p->started) pthread_cond_wait(&p->changed, &p->lock);
  pthread_mutex_unlock(&p->lock);
  const char* why = "";
  for (int i = 0; steps[i]; i++) {
    const creche_status status = answer_wait(&p->a[i]);
    const int failed = strcmp(answer_state(&p->a[i]), "25P02") == 0;
    got[i] = status == CRECHE_OK ? 'o' : status == CRECHE_E_ROLLED_BACK ? 'r' : failed ? 'a' : 'e';
    if (got[i] != expected[i] && !*why) why = creche_error_message(p->a[i].error);
  }
  if (strcmp(got, expected) != 0) fail_msg("%s: %s instead of %s: %s", steps, got, expected, why);
  for (int i = 0; steps[i]; i++) answer_free(&p->a[i]);
}

static void plan_init(plan* p, creche_connection c) {
  memset(p, 0, sizeof *p);
  pthread_mutex_init(&p->lock, NULL);
  pthread_cond_init(&p->changed, NULL);
  p->c = c;
}

/* The Parse that would prepare it fails, with its transaction. */
static void test_failed_transactions(void** state) {
  (void)state;
  static const struct {
    const char *steps, *expected;
    int rows;
  } cases[] = {
      {"B!0CB0C", "oearooo", 1},           {"BB!0R0C", "ooeaooo", 1}, {"B!0R0", "oeaoo", 1},
      {"B!0CB0B00R0C", "oearoooooooo", 2}, {"!00", "eoo", 2},
  };
  creche_pool pool = open_pool(1);
  must(pool, "create table unconfirmed (i int)");
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    creche_connection c = acquire(pool);
    plan p;
    char sql[80];
    plan_init(&p, c);
    p.sql[0] = sql;
    snprintf(sql, sizeof sql, "insert into unconfirmed values (%d)", (int)i);
    must_on(c, sql); /* seen once: the next use prepares it */
    must_on(c, "truncate unconfirmed");
    play(&p, cases[i].steps, cases[i].expected);
    assert_int_equal(number_on(c, "select count(*) from unconfirmed"), cases[i].rows);
    /* Then it is prepared, and used by its name. */
    for (int n = 0; n < 2; n++) must_on(c, sql);
    const uint64_t prepares = counters(pool).prepares;
    play(&p, "000B00C", "ooooooo");
    assert_int_equal(counters(pool).prepares, prepares);
    creche_connection_release(c);
  }
  must(pool, "drop table unconfirmed");
  close_pool(pool);
}

/* The Parse that would prepare it fails for want of a table, which is there for the next one. */
static void test_table_comes(void** state) {
  (void)state;
  creche_pool pool = open_pool(1);
  creche_connection c = acquire(pool);
  plan p;
  plan_init(&p, c);
  p.sql[0] = "select * from comes";
  p.sql[1] = "create table comes (i int)";
  play(&p, "0", "e");
  play(&p, "0", "e");
  play(&p, "01000", "eoooo");
  must_on(c, "drop table comes");
  creche_connection_release(c);
  close_pool(pool);
}

/* What changes the columns of a prepared statement is under way in front of it. */
static void test_table_changes(void** state) {
  (void)state;
  creche_pool pool = open_pool(1);
  creche_connection c = acquire(pool);
  plan p;
  plan_init(&p, c);
  must_on(c, "create table changes (i int)");
  p.sql[0] = "insert into changes values (1) returning *";
  p.sql[1] = "alter table changes add j int";
  p.sql[2] = "select 1";
  for (int n = 0; n < 3; n++) play(&p, "0", "o");
  play(&p, "1022", "oooo");
  p.sql[1] = "alter table changes add k int";
  for (int n = 0; n < 3; n++) play(&p, "0", "o");
  play(&p, "B1022C", "oooooo");
  assert_int_equal(number_on(c, "select count(*) from changes"), 8);
  must_on(c, "drop table changes");
  creche_connection_release(c);
  close_pool(pool);
}

/* Never the same text, which would be prepared itself. */
#define DEALLOCATE(n) "do $$begin execute 'deallocate all'; end$$ -- " #n

/* Behind our back everything that was prepared is gone: that is no failure of begin, commit,
 * rollback or their savepoints. */
static void test_controls(void** state) {
  (void)state;
  creche_pool pool = open_pool(1);
  must(pool, "create table gone (i int)");
  creche_connection c = acquire(pool);
  plan p;
  plan_init(&p, c);
  p.sql[0] = "insert into gone values (1)";
  p.sql[1] = DEALLOCATE(1);
  for (int n = 0; n < 3; n++) play(&p, "BBCBRCBR", "oooooooo");
  play(&p, "1", "o");
  play(&p, "B0BCBR0R", "oooooooo");
  assert_int_equal(number_on(c, "select count(*) from gone"), 0);
  p.sql[1] = DEALLOCATE(2);
  play(&p, "B0B0C1R", "ooooooo");
  for (int n = 0; n < 3; n++) play(&p, "BBCBRCBR", "oooooooo");
  step(creche_connection_begin, c, CRECHE_OK);
  must_on(c, DEALLOCATE(3));
  step(creche_connection_begin, c, CRECHE_OK);
  step(creche_connection_rollback, c, CRECHE_OK);
  step(creche_connection_begin, c, CRECHE_OK);
  step(creche_connection_commit, c, CRECHE_OK);
  step(creche_connection_commit, c, CRECHE_OK);
  step(creche_connection_commit, c, CRECHE_E_STATE);
  creche_connection_release(c);
  must(pool, "drop table gone");
  assert_int_equal(counters(pool).dropped, 0);
  close_pool(pool);
}

static void body(void* user, const creche_completion* c) {
  (void)user;
  if (c->kind == CRECHE_BEGIN) OK(creche_task_finish(c->task, CRECHE_OK, 0, NULL));
}

static void test_transaction(void** state) {
  (void)state;
  creche_pool pool = open_pool(1);
  for (int round = 0; round < 6; round++) {
    answer a;
    answer_init(&a);
    OK(creche_pool_transaction(pool, loop.scope, body, NULL, NULL, on_answer, &a, NULL));
    EXPECT(&a, CRECHE_OK);
    answer_free(&a);
    if (round == 3) must(pool, DEALLOCATE(4));
  }
  close_pool(pool);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_failed_transactions), cmocka_unit_test(test_table_comes),
      cmocka_unit_test(test_table_changes),       cmocka_unit_test(test_controls),
      cmocka_unit_test(test_transaction),
  };
  return cmocka_run_group_tests(tests, start_server, stop_server);
}

/* Statements of a transaction that are cut: the whole of it fails, whatever cut them; and nothing
 * of it is done behind a begin that never was. */
#include "steps.h"

static creche_pool open_plain(int pipeline) {
  creche_pool pool;
  creche_pool_options o;
  OK(creche_pool_options_init(&o, sizeof o));
  o.max_size = 1;
  o.cancel_timeout = 400 * CRECHE_MILLISECOND; /* what stands in flight behind a long one */
  if (!pipeline) o.flags = CRECHE_POOL_NO_PIPELINE;
  OK(creche_pool_open(loop, support_postgres_url(server), &o, &pool));
  return pool;
}

static void start(creche_connection c, creche_scope in, answer* a, const char* sql,
                  creche_task* task) {
  answer_init(a);
  OK(creche_connection_query(c, in, sql, NULL, 0, NULL, on_answer, a, task));
}

/* It is as usable as before, outside of a transaction. */
static void usable(creche_pool pool, creche_connection c) {
  step(creche_connection_commit, c, CRECHE_E_STATE);
  must_on(c, "insert into cut values (-1)");
  must_on(c, "delete from cut");
  assert_int_equal(counters(pool).dropped, 0);
}

static void tables(creche_pool other) {
  must(other, "create table cut (i int)");
}

/* Something to wait for, at will. */
static creche_connection blocker(creche_pool other) {
  creche_connection c = acquire(other);
  number_on(c, "select pg_advisory_lock(5) is null");
  return c;
}
#define BLOCKED "select pg_advisory_xact_lock(5)"
static void unblock(creche_connection c) {
  number_on(c, "select pg_advisory_unlock(5)");
  creche_connection_release(c);
}

static void test_in_the_queue(void** state) {
  (void)state;
  creche_pool pool = open_plain(0), other = open_pool(2);
  tables(other);
  creche_connection held = blocker(other), c = acquire(pool);
  answer begin, blocked, insert[3], commit;
  creche_task task[3];
  start_step(creche_connection_begin, c, loop.scope, &begin, NULL);
  start(c, loop.scope, &blocked, BLOCKED, NULL);
  for (int i = 0; i < 3; i++)
    start(c, loop.scope, &insert[i], "insert into cut values (1)", &task[i]);
  start_step(creche_connection_commit, c, loop.scope, &commit, NULL);
  OK(creche_scope_cancel(task[1].scope, NULL));
  end(&insert[1], CRECHE_E_CANCELLED);
  unblock(held);
  end(&begin, CRECHE_OK);
  end(&blocked, CRECHE_OK);
  end(&insert[0], CRECHE_OK);
  end_in_state(&insert[2], "25P02");
  EXPECT(&commit, CRECHE_E_ROLLED_BACK);
  assert_int_equal(commit.error->phase, CRECHE_PHASE_COMMIT);
  answer_free(&commit);
  assert_int_equal(number(other, "select count(*) from cut"), 0);
  usable(pool, c);
  creche_connection_release(c);
  must(other, "drop table cut");
  close_pool(pool);
  close_pool(other);
}

/* begin itself, before it was sent or (with a pipeline, if the loop was quick) after that; with a
 * commit, with a rollback, and with nothing behind it. */
static void test_begin_in_the_queue(void** state) {
  (void)state;
  creche_pool other = open_pool(2);
  tables(other);
  for (int round = 0; round < 6; round++) {
    creche_pool pool = open_plain(round < 3);
    creche_connection held = blocker(other), c = acquire(pool);
    answer blocked, begin, insert, last;
    creche_task task;
    start(c, loop.scope, &blocked, BLOCKED, NULL);
    start_step(creche_connection_begin, c, loop.scope, &begin, &task);
    start(c, loop.scope, &insert, "insert into cut values (1)", NULL);
    if (round % 3 < 2)
      start_step(round % 3 == 0 ? creche_connection_commit : creche_connection_rollback, c,
                 loop.scope, &last, NULL);
    OK(creche_scope_cancel(task.scope, NULL));
    end(&begin, CRECHE_E_CANCELLED);
    unblock(held);
    end(&blocked, CRECHE_OK);
    end_in_state(&insert, "25P02");
    if (round % 3 < 2) end(&last, round % 3 == 0 ? CRECHE_E_ROLLED_BACK : CRECHE_OK);
    assert_int_equal(number(other, "select count(*) from cut"), 0);
    usable(pool, c);
    step(creche_connection_begin, c, CRECHE_OK);
    must_on(c, "insert into cut values (2)");
    step(creche_connection_commit, c, CRECHE_OK);
    must(other, "delete from cut where i = 2");
    creche_connection_release(c);
    close_pool(pool);
  }
  must(other, "drop table cut");
  close_pool(other);
}

/* begin itself, on its way behind something long: nobody can stop it there. */
static void test_begin_in_flight(void** state) {
  (void)state;
  creche_pool other = open_pool(2);
  tables(other);
  for (int round = 0; round < 6; round++) {
    creche_pool pool = open_plain(1);
    creche_connection held = blocker(other), c = acquire(pool);
    answer blocked, begin, insert, last;
    creche_task task;
    const int inner = round >= 3; /* a savepoint: what is behind it is sent at once */
    if (inner) step(creche_connection_begin, c, CRECHE_OK);
    const uint64_t sent = counters(pool).statements;
    start(c, loop.scope, &blocked, BLOCKED, NULL);
    start_step(creche_connection_begin, c, loop.scope, &begin, &task);
    while (counters(pool).statements < sent + 2) sched_yield();
    start(c, loop.scope, &insert, "insert into cut values (1)", NULL);
    if (round % 3 < 2)
      start_step(round % 3 == 0 ? creche_connection_commit : creche_connection_rollback, c,
                 loop.scope, &last, NULL);
    const uint64_t all = sent + (!inner ? 2 : round % 3 < 2 ? 4 : 3);
    while (counters(pool).statements < all) sched_yield();
    OK(creche_scope_cancel(task.scope, NULL));
    end(&begin, CRECHE_E_CANCELLED);
    if (inner && round % 3 == 1) {
      /* Its own end was sent behind it, and would be done. */
      unblock(held);
      end(&blocked, CRECHE_E_DISCONNECTED);
      end(&insert, CRECHE_E_DISCONNECTED);
      end(&last, CRECHE_E_DISCONNECTED);
      assert_int_equal(counters(pool).dropped, 1);
    } else {
      unblock(held);
      end(&blocked, CRECHE_OK);
      if (inner)
        end(&insert, CRECHE_OK); /* it was on its way, and is undone */
      else
        end_in_state(&insert, "25P02");
      if (round % 3 < 2) end(&last, inner || round % 3 == 1 ? CRECHE_OK : CRECHE_E_ROLLED_BACK);
      /* What was committed behind it is in what is around it, which fails. */
      if (inner) step(creche_connection_commit, c, round == 3 ? CRECHE_E_ROLLED_BACK : CRECHE_OK);
      assert_int_equal(number(other, "select count(*) from cut"), 0);
      usable(pool, c);
    }
    creche_connection_release(c);
    close_pool(pool);
    assert_int_equal(number(other, "select count(*) from cut"), 0);
  }
  must(other, "drop table cut");
  close_pool(other);
}

/* The same of a statement behind a savepoint: its end was not sent, so it fails. */
static void test_statement_in_flight(void** state) {
  (void)state;
  creche_pool other = open_pool(2);
  tables(other);
  creche_pool pool = open_plain(1);
  creche_connection held = blocker(other), c = acquire(pool);
  answer blocked, begin, insert;
  creche_task task;
  step(creche_connection_begin, c, CRECHE_OK);
  const uint64_t sent = counters(pool).statements;
  start(c, loop.scope, &blocked, BLOCKED, NULL);
  start_step(creche_connection_begin, c, loop.scope, &begin, NULL);
  start(c, loop.scope, &insert, "insert into cut values (1)", &task);
  while (counters(pool).statements < sent + 3) sched_yield();
  OK(creche_scope_cancel(task.scope, NULL));
  end(&insert, CRECHE_E_CANCELLED);
  unblock(held);
  end(&blocked, CRECHE_OK);
  end(&begin, CRECHE_OK);
  answer commit;
  start_step(creche_connection_commit, c, loop.scope, &commit, NULL);
  end_in_state(&commit, "25P02");
  step(creche_connection_rollback, c, CRECHE_OK);
  step(creche_connection_commit, c, CRECHE_OK);
  assert_int_equal(number(other, "select count(*) from cut"), 0);
  usable(pool, c);
  creche_connection_release(c);
  close_pool(pool);
  must(other, "drop table cut");
  close_pool(other);
}

/* Started on the loop, all at once, so that nobody has been told of anything in between; `cut` in a
 * scope that is cancelled already. */
typedef struct script {
  creche_connection c;
  creche_scope cancelled;
  const char*
      what; /* B C R: begin, commit, rollback; 0-9: an insert; small: in the cancelled scope */
  answer a[16];
  pthread_mutex_t lock;
  pthread_cond_t changed;
  int done;
} script;

static void on_loop(void* user, const creche_completion* completion) {
  script* s = user;
  (void)completion;
  for (int i = 0; s->what[i]; i++) {
    const char step = s->what[i];
    creche_scope in = step >= 'a' || step == '!' ? s->cancelled : loop.scope;
    char sql[64];
    snprintf(sql, sizeof sql, "insert into cut values (%d)", i);
    if (step == 'E') snprintf(sql, sizeof sql, "select 1/0");
    switch (step) {
      case 'B':
      case 'b':
        start_step(creche_connection_begin, s->c, in, &s->a[i], NULL);
        break;
      case 'C':
      case 'c':
        start_step(creche_connection_commit, s->c, in, &s->a[i], NULL);
        break;
      case 'R':
        start_step(creche_connection_rollback, s->c, in, &s->a[i], NULL);
        break;
      default:
        start(s->c, in, &s->a[i], sql, NULL);
    }
  }
  pthread_mutex_lock(&s->lock);
  s->done = 1;
  pthread_cond_signal(&s->changed);
  pthread_mutex_unlock(&s->lock);
}

/* expected: o: OK, c: cancelled, r: rolled back, p: E_PG, s: STATE. */
static void play(creche_connection c, creche_scope cancelled, const char* what,
                 const char* expected) {
  static script s;
  memset(&s, 0, sizeof s);
  s.c = c;
  s.cancelled = cancelled;
  s.what = what;
  pthread_mutex_init(&s.lock, NULL);
  pthread_cond_init(&s.changed, NULL);
  OK(creche_loop_post(loop, on_loop, &s));
  pthread_mutex_lock(&s.lock);
  while (!s.done) pthread_cond_wait(&s.changed, &s.lock);
  pthread_mutex_unlock(&s.lock);
  char got[17] = "";
  for (int i = 0; what[i]; i++) {
    const creche_status status = answer_wait(&s.a[i]);
    got[i] = status == CRECHE_OK              ? 'o'
             : status == CRECHE_E_CANCELLED   ? 'c'
             : status == CRECHE_E_ROLLED_BACK ? 'r'
             : status == CRECHE_E_PG          ? 'p'
             : status == CRECHE_E_STATE       ? 's'
                                              : '?';
    answer_free(&s.a[i]);
  }
  if (strcmp(got, expected) != 0) fail_msg("%s: %s instead of %s", what, got, expected);
}

static void test_never_started(void** state) {
  (void)state;
  static const struct {
    const char *what, *expected;
    int rows; /* that are stored then */
  } cases[] = {
      /* A statement: the transaction rolls back, what comes behind it is as ever. */
      {"B0!0C0", "oocpro", 1},
      /* Up to a rollback. */
      {"B0!0R0", "oocpoo", 1},
      /* A begin: nothing happens outside of a transaction. */
      {"b00C0", "cppro", 1},
      {"b00R0", "cppoo", 1},
      /* Two transactions: the second knows nothing of the first. */
      {"b0CB0C", "cprooo", 1},
      {"B0CB!0C", "oooocpr", 1},
      /* Nested: the savepoint is lost, what is around it is not. */
      {"B0b0R0C", "oocpooo", 2},
      {"B0B!RC", "ooocoo", 1},
      /* A nested begin that the server refuses, with an end behind it. */
      {"BEBRR0", "oppooo", 1},
      {"BEBCR0", "opppoo", 1},
      /* One that is cut there. */
      {"BEbRR0", "opcooo", 1},
      /* The end of a transaction is not cut. */
      {"B0c0", "oooo", 2},
  };
  creche_pool other = open_pool(1);
  tables(other);
  for (int pipeline = 0; pipeline < 2; pipeline++) {
    creche_pool pool = open_plain(pipeline);
    creche_connection c = acquire(pool);
    creche_scope cancelled;
    OK(creche_scope_open(loop.scope, NULL, &cancelled));
    OK(creche_scope_cancel(cancelled, NULL));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
      play(c, cancelled, cases[i].what, cases[i].expected);
      const int64_t rows = number(other, "select count(*) from cut");
      if (rows != cases[i].rows) fail_msg("%s: %" PRId64 " rows", cases[i].what, rows);
      must(other, "delete from cut");
      usable(pool, c);
    }
    /* Without an end behind it. */
    play(c, cancelled, "BEBR", "oppo");
    step(creche_connection_rollback, c, CRECHE_OK);
    usable(pool, c);
    /* What nobody waits to be told of before the next one. */
    play(c, cancelled, "b0", "cp");
    usable(pool, c);
    play(c, cancelled, "B0b0", "oocp");
    must_on(c, "insert into cut values (7)");
    step(creche_connection_commit, c, CRECHE_OK);
    assert_int_equal(number(other, "select count(*) from cut"), 2);
    must(other, "delete from cut");
    usable(pool, c);
    creche_connection_release(c);
    OK(creche_scope_leave(cancelled, NULL));
    close_pool(pool);
  }
  must(other, "drop table cut");
  close_pool(other);
}

/* What fails here without the server's knowing of it is an error of the transaction, too. */
static void test_failures_of_our_own(void** state) {
  (void)state;
  creche_pool pool = open_pool(1);
  must(pool, "create table cut (i int)");
  creche_connection c = acquire(pool);
  for (int kind = 0; kind < 3; kind++) {
    answer a;
    creche_query_options o;
    creche_value wrong = creche_value_of(CRECHE_PG_INT4, CRECHE_VALUE_REAL, NULL, 0);
    OK(creche_query_options_init(&o, sizeof o));
    step(creche_connection_begin, c, CRECHE_OK);
    must_on(c, "insert into cut values (1)");
    answer_init(&a);
    if (kind == 0) {
      OK(creche_connection_query(c, loop.scope, "insert into cut values ($1)", &wrong, 1, NULL,
                                 on_answer, &a, NULL));
      end(&a, CRECHE_E_TYPE);
    } else if (kind == 1) {
      o.max_bytes = 1;
      OK(creche_connection_query(c, loop.scope, "insert into cut values (1) returning i", NULL, 0,
                                 &o, on_answer, &a, NULL));
      end(&a, CRECHE_E_LIMIT);
    } else {
      OK(creche_connection_query(c, loop.scope, "copy cut to stdout", NULL, 0, NULL, on_answer, &a,
                                 NULL));
      end(&a, CRECHE_E_UNSUPPORTED);
    }
    step(creche_connection_commit, c, CRECHE_E_ROLLED_BACK);
    assert_int_equal(number_on(c, "select count(*) from cut"), 0);
  }
  usable(pool, c);
  creche_connection_release(c);
  must(pool, "drop table cut");
  close_pool(pool);
}

/* A nested begin that an aborted transaction refuses leaves no level behind, whatever follows it at
 * once: a later rollback goes to what is there (not 3B001: no such savepoint). */
static void test_no_level_that_never_was(void** state) {
  (void)state;
  for (int pipeline = 0; pipeline < 2; pipeline++) {
    creche_pool pool = open_plain(pipeline);
    creche_connection c = acquire(pool);
    for (int levels = 0; levels < 2; levels++) {
      answer failed, begin, rollback;
      for (int i = 0; i <= levels; i++) step(creche_connection_begin, c, CRECHE_OK);
      start(c, loop.scope, &failed, "select 1/0", NULL);
      start_step(creche_connection_begin, c, loop.scope, &begin, NULL);
      start_step(creche_connection_rollback, c, loop.scope, &rollback, NULL);
      end_in_state(&failed, "22012");
      end_in_state(&begin, "25P02");
      end(&rollback, CRECHE_OK); /* of that one */
      for (int i = 0; i <= levels; i++) step(creche_connection_rollback, c, CRECHE_OK);
      step(creche_connection_rollback, c, CRECHE_E_STATE);
      number_on(c, "select count(*) from pg_class where relname = 'none'");
    }
    assert_int_equal(counters(pool).dropped, 0);
    creche_connection_release(c);
    close_pool(pool);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_in_the_queue),
      cmocka_unit_test(test_begin_in_the_queue),
      cmocka_unit_test(test_begin_in_flight),
      cmocka_unit_test(test_statement_in_flight),
      cmocka_unit_test(test_never_started),
      cmocka_unit_test(test_failures_of_our_own),
      cmocka_unit_test(test_no_level_that_never_was),
  };
  return cmocka_run_group_tests(tests, start_server, stop_server);
}

/* No memory inside of transactions: every allocation that their steps need on the loop's thread
 * fails once, in turn, and then all from there on. Whatever was cut by it: all of a transaction is
 * stored or nothing, a commit that says so is right, one that nobody knows says that, and the pool
 * serves as before.
 *
 * A sanitizer's malloc cannot be this program's: then the test is skipped. */
#include "pg_test.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
int main(void) {
  return 77;
}
#else
#include "support/failing_malloc.h"

enum { kSteps = 8, kMostAllocations = 2000 };

static creche_pool pool, other; /* of one connection each */
static creche_connection connection;
static int64_t transaction; /* number of the transaction that is tried */
static int unknown;         /* commits so far of which nobody knows */

typedef struct mark {
  int accepted, ended;
  creche_status status;
  uint64_t value;
  int retryable;
  char sqlstate[6];
} mark;

/* As much as a transaction without memory may say. */
static int may_be(const mark* m) {
  switch (m->status) {
    case CRECHE_OK:
    case CRECHE_E_NO_MEMORY:
    case CRECHE_E_DISCONNECTED:
    case CRECHE_E_CONNECT:
    case CRECHE_E_ROLLED_BACK:
    case CRECHE_E_OUTCOME_UNKNOWN:
    case CRECHE_E_CANCELLED:
    case CRECHE_E_STATE: /* a rollback of what has failed to begin */
      return 1;
    case CRECHE_E_PG:
      return strcmp(m->sqlstate, "25P02") == 0 || strcmp(m->sqlstate, "57014") == 0;
    default:
      return 0;
  }
}
static void tell(void* user, const creche_completion* c) {
  mark* m = user;
  if (c->flags & CRECHE_MORE) {
    creche_value_release(c->value);
    return;
  }
  m->ended++;
  m->status = c->status;
  m->value = c->value;
  m->retryable = creche_error_is_retryable(c->error);
  if (c->error != NULL) memcpy(m->sqlstate, c->error->sqlstate, sizeof m->sqlstate);
  if (c->kind == CRECHE_DONE && c->flags & CRECHE_OWNED && c->data != NULL) {
    m->value = (uint64_t)creche_row_int8(c->data, 0, 0);
    creche_value_release(c->value);
  }
}

/* Turns until all that was accepted has ended; with memory again after a while, which is what some
 * wait for. */
static void turn_until_ended(const mark* m, int count) {
  const int64_t began = now_ms();
  for (;;) {
    int left = 0;
    for (int i = 0; i < count; i++) left += m[i].accepted - m[i].ended;
    if (left <= 0) return;
    if (failures > 0 && now_ms() - began > 300) armed = 0;
    creche_loop_poll(loop, 5 * CRECHE_MILLISECOND);
    if (now_ms() - began > 30000) {
      armed = 0;
      fail_msg("%d of %d have not ended", left, count);
    }
  }
}

static int64_t ask(creche_pool of, const char* sql, int64_t number) {
  mark m = {0};
  const creche_value arg = creche_int8(number);
  m.accepted = 1;
  OK(creche_pool_query(of, loop.scope, sql, &arg, 1, NULL, tell, &m, NULL));
  turn_until_ended(&m, 1);
  assert_int_equal(m.status, CRECHE_OK);
  return (int64_t)m.value;
}
/* Bit n: row n of this transaction is stored. */
static int stored(void) {
  return (int)ask(other, "select coalesce(sum(1 << n), 0)::int8 from t where of = $1", transaction);
}

/* B: begin (a savepoint), I: insert the next row, S: the same as a stream that returns it, X: what
 * is cancelled at once, C: commit, R: rollback. */
static creche_status begin_step(char letter, int n, mark* m) {
  const creche_value args[2] = {creche_int8(transaction), creche_int4(n)};
  creche_task task;
  creche_status s;
  switch (letter) {
    case 'B':
      return creche_connection_begin(connection, loop.scope, NULL, tell, m, NULL);
    case 'C':
      return creche_connection_commit(connection, loop.scope, NULL, tell, m, NULL);
    case 'R':
      return creche_connection_rollback(connection, loop.scope, NULL, tell, m, NULL);
    case 'X':
      s = creche_connection_query(connection, loop.scope, "select pg_sleep(60)", NULL, 0, NULL,
                                  tell, m, &task);
      if (s == CRECHE_OK) creche_scope_cancel(task.scope, NULL);
      return s;
    case 'S':
      return creche_connection_stream(connection, loop.scope,
                                      "insert into t values ($1, $2) returning repeat('x', 9999)",
                                      args, 2, NULL, tell, m, NULL);
    default:
      return creche_connection_query(connection, loop.scope, "insert into t values ($1, $2)", args,
                                     2, NULL, tell, m, NULL);
  }
}

/* What is stored must be what the last commit says, and all or nothing of `all`. */
static void judge(const char* what, long which, const mark* last, int all) {
  const int rows = stored();
  const int committed = last->accepted && last->status == CRECHE_OK;
  const int open = last->accepted && last->status == CRECHE_E_OUTCOME_UNKNOWN;
  unknown += open;
  if (last->retryable && rows != 0)
    fail_msg("%s, failure %ld: %s may be retried, it says, and %x is stored", what, which,
             creche_status_name(last->status), rows);
  if (rows != 0 && rows != all)
    fail_msg("%s, failure %ld: half of it is stored: %x", what, which, rows);
  if (committed ? rows != all : !open && rows != 0)
    fail_msg("%s, failure %ld: %x is stored, and commit said %s", what, which, rows,
             last->accepted ? creche_status_name(last->status) : "nothing");
}

/* pipelined: all is started at once; else each when the one before has ended well. Returns how many
 * failures there were. */
static long round_of(const char* steps, int all, int pipelined, long which, int all_from_there) {
  mark m[kSteps], got = {0};
  const int count = (int)strlen(steps);
  int rows = 0;
  memset(m, 0, sizeof m);
  transaction++;
  got.accepted = 1;
  OK(creche_pool_acquire(pool, loop.scope, NULL, tell, &got, NULL));
  turn_until_ended(&got, 1);
  assert_int_equal(got.status, CRECHE_OK);
  connection.id = got.value;
  failures = 0;
  from_there = all_from_there;
  countdown = which;
  armed = 1;
  for (int i = 0; i < count; i++) {
    m[i].accepted = begin_step(steps[i], rows, &m[i]) == CRECHE_OK;
    if (steps[i] == 'I' || steps[i] == 'S') rows++;
    if (!m[i].accepted) break;
    if (!pipelined) turn_until_ended(&m[i], 1);
    if (!pipelined && m[i].status != CRECHE_OK) break;
  }
  turn_until_ended(m, count);
  armed = 0;
  creche_connection_release(connection);
  for (int i = 0; i < count; i++) {
    assert_int_equal(m[i].ended, m[i].accepted);
    if (m[i].accepted && !may_be(&m[i]))
      fail_msg("%s, failure %ld, step %d: %s %s", steps, which, i, creche_status_name(m[i].status),
               m[i].sqlstate);
  }
  judge(steps, which, &m[count - 1], all);
  return failures;
}

static void each_allocation(const char* steps, int all, int pipelined) {
  for (int from = 0; from < 2; from++) {
    long which = 1;
    while (round_of(steps, all, pipelined, which, from) > 0) {
      which += from == 0 ? 1 : 5;
      assert_true(which < kMostAllocations);
    }
    assert_true(which > 10);
  }
  /* With memory it is as it should be. */
  assert_int_equal(round_of(steps, all, pipelined, kMostAllocations, 0), 0);
  assert_int_equal(stored(), all);
}

static void a_pipelined_transaction_is_all_or_nothing(void** state) {
  (void)state;
  unknown = 0;
  each_allocation("BIIC", 3, 1);
  /* Without memory for the answer to COMMIT nobody knows it. */
  assert_true(unknown > 0);
}
static void a_transaction_step_by_step_is_all_or_nothing(void** state) {
  (void)state;
  unknown = 0;
  each_allocation("BIIC", 3, 0);
  assert_true(unknown > 0);
}
static void so_is_one_with_savepoints(void** state) {
  (void)state;
  each_allocation("BIBICC", 3, 1);
  each_allocation("BIBICC", 3, 0);
  each_allocation("BIBIRC", 1, 1);
  each_allocation("BIBIRC", 1, 0);
}
/* Rows that could not be given out are as good as a statement that failed. */
static void so_is_one_with_a_stream(void** state) {
  (void)state;
  each_allocation("BSIC", 3, 1);
  each_allocation("BISC", 3, 0);
}
/* What takes the place of what was cut needs memory, too: without it the connection is lost, and
 * never a transaction committed of which a statement is missing. */
static void what_was_cut_is_never_committed(void** state) {
  (void)state;
  each_allocation("BIXIC", 0, 1);
  each_allocation("BIBXRIC", 3, 1);
}

/* ---- creche_pool_transaction ---- */
static mark inserts[2];
static void on_insert(void* user, const creche_completion* c);
static void end_body(creche_task task) {
  const int bad = inserts[0].status != CRECHE_OK ? 0 : 1;
  creche_task_finish(task, inserts[bad].status, 0, NULL);
}
static creche_task body_task;
static void on_insert(void* user, const creche_completion* c) {
  tell(user, c);
  if (inserts[0].ended == inserts[0].accepted && inserts[1].ended == inserts[1].accepted)
    end_body(body_task);
}
static void body(void* user, const creche_completion* c) {
  (void)user;
  if (c->kind != CRECHE_BEGIN) return;
  body_task = c->task;
  memset(inserts, 0, sizeof inserts);
  for (int i = 0; i < 2; i++) {
    const creche_value args[2] = {creche_int8(transaction), creche_int4(i)};
    inserts[i].status = creche_connection_query((creche_connection){c->value}, c->task.scope,
                                                "insert into t values ($1, $2)", args, 2, NULL,
                                                on_insert, &inserts[i], NULL);
    inserts[i].accepted = inserts[i].status == CRECHE_OK;
  }
  if (!inserts[0].accepted && !inserts[1].accepted) end_body(c->task);
}
static long pool_transaction(long which, int all_from_there) {
  mark m = {0};
  transaction++;
  ask(pool, "select $1::int8", 1); /* it is connected */
  failures = 0;
  from_there = all_from_there;
  countdown = which;
  armed = 1;
  m.accepted =
      creche_pool_transaction(pool, loop.scope, body, NULL, NULL, tell, &m, NULL) == CRECHE_OK;
  turn_until_ended(&m, 1);
  armed = 0;
  assert_int_equal(m.ended, m.accepted);
  if (m.accepted && !may_be(&m))
    fail_msg("failure %ld: %s %s", which, creche_status_name(m.status), m.sqlstate);
  judge("creche_pool_transaction", which, &m, 3);
  return failures;
}
static void a_body_is_all_or_nothing(void** state) {
  (void)state;
  unknown = 0;
  for (int from = 0; from < 2; from++) {
    long which = 1;
    while (pool_transaction(which, from) > 0) {
      which += from == 0 ? 1 : 5;
      assert_true(which < kMostAllocations);
    }
    assert_true(which > 10);
  }
  assert_true(unknown > 0);
  assert_int_equal(pool_transaction(kMostAllocations, 0), 0);
  assert_int_equal(stored(), 3);
}

/* ---- In no transaction ---- */
static long lone_insert(long which) {
  const creche_value arg = creche_int8(++transaction);
  mark m = {0};
  ask(pool, "select $1::int8", 1);
  failures = 0;
  from_there = 0;
  countdown = which;
  armed = 1;
  m.accepted = creche_pool_query(pool, loop.scope, "insert into t values ($1, 0) returning of",
                                 &arg, 1, NULL, tell, &m, NULL) == CRECHE_OK;
  turn_until_ended(&m, 1);
  armed = 0;
  const int rows = stored();
  if (m.status == CRECHE_OK && m.accepted) assert_int_equal(rows, 1);
  if (m.retryable && rows != 0)
    fail_msg("failure %ld: %s may be retried, it says, and it is done", which,
             creche_status_name(m.status));
  return failures;
}
/* An INSERT without memory for its answer is done: nobody is told that it may be repeated. */
static void what_may_be_done_is_not_to_be_repeated(void** state) {
  (void)state;
  long which = 1;
  while (lone_insert(which) > 0) assert_true(++which < kMostAllocations);
  assert_true(which > 3);
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
  p.max_size = 1;
  OK(creche_pool_open(loop, support_postgres_url(server), &p, &pool));
  OK(creche_pool_open(loop, support_postgres_url(server), &p, &other));
  ask(other, "select $1::int8", 1);
  mark m = {0};
  m.accepted = 1;
  OK(creche_pool_query(other, loop.scope, "create table t (of int8, n int4)", NULL, 0, NULL, tell,
                       &m, NULL));
  turn_until_ended(&m, 1);
  return m.status == CRECHE_OK ? 0 : -1;
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
      cmocka_unit_test(a_pipelined_transaction_is_all_or_nothing),
      cmocka_unit_test(a_transaction_step_by_step_is_all_or_nothing),
      cmocka_unit_test(so_is_one_with_savepoints),
      cmocka_unit_test(so_is_one_with_a_stream),
      cmocka_unit_test(what_was_cut_is_never_committed),
      cmocka_unit_test(a_body_is_all_or_nothing),
      cmocka_unit_test(what_may_be_done_is_not_to_be_repeated),
  };
  return cmocka_run_group_tests(tests, start, stop);
}
#endif

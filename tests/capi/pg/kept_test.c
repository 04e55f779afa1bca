/* A kept connection is asked, never assumed: one that is known to be dying, or is dead already,
 * gets no statement; one whose server is not what it was chosen for is closed. */
#include <semaphore.h>

#include "fake_pg.h"

/* Answers each statement with one int4, 1. The first connection says its end behind the first
 * answer, or when it is told to, and keeps the socket open. */
typedef struct end {
  int at_once; /* in the same segment as the answer */
  char type;   /* 'E' or 'N' */
  const char* severity;
  const char* state;
  int closes; /* the socket, without a word */
  sem_t said;
} end;

static void answer_one(fake_out* o) {
  fake_message(o, '1', "", 0);
  fake_message(o, '2', "", 0);
  fake_column(o, CRECHE_PG_INT4, 4);
  fake_message(o, 'D', "\0\1\0\0\0\4\0\0\0\1", 10);
  fake_end(o, "SELECT 1");
  fake_message(o, 'Z', "I", 1);
}

static void dies(support_peer* peer, void* user) {
  end* e = user;
  fake_out o = {0, {0}};
  char type;
  if (!fake_start(peer, (uint32_t)support_peer_index(peer) + 1)) return;
  for (int statements = 0; (type = fake_take(peer)) != 0;) {
    if (type != 'S') continue;
    answer_one(&o);
    if (support_peer_index(peer) == 0 && statements == 0) {
      if (!e->at_once) {
        fake_send(peer, &o);
        if (!support_await(peer, 1)) return;
      }
      if (e->closes) {
        support_close(peer);
        sem_post(&e->said);
        return;
      }
      fake_error(&o, e->type, e->severity, e->state);
      fake_send(peer, &o);
      sem_post(&e->said);
      support_await_close(peer);
      return;
    }
    fake_send(peer, &o);
    statements++;
  }
}

typedef struct chain {
  support_hostile* hostile;
  creche_pool pool;
  end* e;
  answer second;
} chain;

/* In the callback: the server says its end while the loop is held, so that nobody can have read it
 * when the next statement begins. */
static void then_the_next(void* user, const creche_completion* c) {
  chain* next = user;
  assert_int_equal(c->status, CRECHE_OK);
  creche_value_release(c->value);
  if (!next->e->at_once) support_hostile_signal(next->hostile);
  while (sem_wait(&next->e->said) != 0) continue;
  OK(creche_pool_query(next->pool, loop.scope, "select 1", NULL, 0, NULL, on_answer, &next->second,
                       NULL));
}

static void survives(end e) {
  chain next;
  sem_init(&e.said, 0, 0);
  next.e = &e;
  next.hostile = support_hostile_start(dies, &e);
  next.pool = fake_pool(next.hostile, 2, CRECHE_POOL_NO_PREPARE, "");
  answer_init(&next.second);
  OK(creche_pool_query(next.pool, loop.scope, "select 1", NULL, 0, NULL, then_the_next, &next,
                       NULL));
  EXPECT(&next.second, CRECHE_OK);
  assert_int_equal(creche_row_int4(next.second.rows, 0, 0), 1);
  answer_free(&next.second);
  assert_int_equal(counters(next.pool).dropped, 1);
  assert_int_equal(support_hostile_connections(next.hostile), 2);
  close_pool(next.pool);
  support_hostile_stop(next.hostile);
  sem_destroy(&e.said);
}

static void test_dying(void** state) {
  (void)state;
  for (int at_once = 0; at_once < 2; at_once++) {
    survives((end){.at_once = at_once, .type = 'E', .severity = "FATAL", .state = "57P05"});
    survives((end){.at_once = at_once, .type = 'E', .severity = "FATAL", .state = "57P01"});
    survives((end){.at_once = at_once, .type = 'E', .severity = "FATAL", .state = "08P01"});
    survives((end){.at_once = at_once, .type = 'E', .severity = "ERROR", .state = "XX000"});
    survives((end){.at_once = at_once, .type = 'N', .severity = "WARNING", .state = "57P02"});
  }
  survives((end){.closes = 1});
}

/* A lease is told, and its statement not sent. */
static void test_held(void** state) {
  (void)state;
  end e = {.type = 'E', .severity = "FATAL", .state = "57P05"};
  sem_init(&e.said, 0, 0);
  support_hostile* hostile = support_hostile_start(dies, &e);
  creche_pool pool = fake_pool(hostile, 1, CRECHE_POOL_NO_PREPARE, "");
  creche_connection c = acquire(pool);
  answer a;
  run_on(c, &a, "select 1");
  EXPECT(&a, CRECHE_OK);
  answer_free(&a);
  support_hostile_signal(hostile);
  while (sem_wait(&e.said) != 0) continue;
  run_on(c, &a, "select 1");
  EXPECT(&a, CRECHE_E_DISCONNECTED);
  assert_non_null(strstr(a.error->message, "57P05"));
  answer_free(&a);
  creche_connection_release(c);
  must(pool, "select 1");
  close_pool(pool);
  support_hostile_stop(hostile);
  sem_destroy(&e.said);
}

/* The end comes as the answer: what the server had not begun goes to another connection, what it
 * had begun does not. */
static void fatal_answer(support_peer* peer, void* user) {
  const char* state = user;
  const int begun = state[5] == '+';
  char code[6] = "";
  fake_out o = {0, {0}};
  char type;
  memcpy(code, state, 5);
  if (!fake_start(peer, 1)) return;
  while ((type = fake_take(peer)) != 0) {
    if (type != 'S') continue;
    if (support_peer_index(peer) == 0) {
      if (begun) fake_message(&o, '1', "", 0), fake_message(&o, '2', "", 0);
      fake_error(&o, 'E', "FATAL", code);
      fake_send(peer, &o);
      support_await_close(peer);
      return;
    }
    answer_one(&o);
    fake_send(peer, &o);
  }
}

static void expect_of_fatal(char* state, creche_status status) {
  support_hostile* hostile = support_hostile_start(fatal_answer, state);
  creche_pool pool = fake_pool(hostile, 1, CRECHE_POOL_NO_PREPARE, "");
  answer a;
  run(pool, &a, "insert into t values (1)");
  EXPECT(&a, status);
  if (status == CRECHE_E_PG) assert_memory_equal(answer_state(&a), state, 5);
  answer_free(&a);
  close_pool(pool);
  support_hostile_stop(hostile);
}

static void test_fatal_answers(void** state) {
  (void)state;
  expect_of_fatal("57P05", CRECHE_OK);
  expect_of_fatal("57P01", CRECHE_OK);
  expect_of_fatal("57P01+", CRECHE_E_PG);
  expect_of_fatal("08P01", CRECHE_E_PG); /* a pooler's: who knows */
}

/* ---- What the server was chosen for ---- */

/* What the server says that it is when somebody connects; and then, behind the first statement on
 * its first connection that lasts, it is something else. */
typedef struct role {
  const char *standby, *read_only; /* in_hot_standby, default_transaction_read_only: on, off */
  const char *what, *becomes;      /* a parameter; or an error's state, and NULL */
  int turns;                       /* number of the connection on which it does */
} role;

/* target_session_attrs is asked of the fake, too: with parameters, as version 14 and later. */
static int start_as(support_peer* peer, const role* r) {
  const unsigned char* n;
  fake_out o = {0, {0}};
  if (!support_expect_bytes(peer, 4)) return 0;
  n = (const unsigned char*)support_received(peer);
  if (!support_expect_bytes(peer, ((size_t)n[2] << 8) + n[3] - 4)) return 0;
  fake_message(&o, 'R', "\0\0\0\0", 4);
  fake_parameter(&o, "server_version", "15.1");
  fake_parameter(&o, "in_hot_standby", r->standby);
  fake_parameter(&o, "default_transaction_read_only", r->read_only);
  fake_message(&o, 'Z', "I", 1);
  return fake_send(peer, &o);
}

static void turns_away(support_peer* peer, void* user) {
  const role* r = user;
  const int turns = support_peer_index(peer) == r->turns;
  fake_out o = {0, {0}};
  char type;
  if (!start_as(peer, r)) return;
  while ((type = fake_take(peer)) != 0) {
    if (type != 'S') continue;
    if (turns && r->becomes == NULL) {
      fake_error(&o, 'E', "ERROR", r->what);
      fake_message(&o, 'Z', "I", 1);
    } else {
      if (turns) fake_parameter(&o, r->what, r->becomes);
      answer_one(&o);
    }
    fake_send(peer, &o);
  }
}

static void connections_of(const char* attrs, role r, int expected) {
  support_hostile* hostile = support_hostile_start(turns_away, &r);
  creche_pool pool = fake_pool(hostile, 1, CRECHE_POOL_NO_PREPARE, attrs);
  for (int i = 0; i < 4; i++) must(pool, "insert into t values (1)");
  assert_int_equal(support_hostile_connections(hostile), expected);
  close_pool(pool);
  support_hostile_stop(hostile);
}

static void test_roles(void** state) {
  (void)state;
  const char* const read_only = "default_transaction_read_only";
  const char* const standby = "in_hot_standby";
  connections_of("target_session_attrs=read-write", (role){"off", "off", "25006", NULL, 0}, 2);
  connections_of("target_session_attrs=primary", (role){"off", "off", "25006", NULL, 0}, 2);
  connections_of("target_session_attrs=read-write", (role){"off", "off", read_only, "on", 0}, 2);
  connections_of("target_session_attrs=read-write", (role){"off", "off", standby, "on", 0}, 2);
  connections_of("target_session_attrs=primary", (role){"off", "off", standby, "on", 0}, 2);
  connections_of("target_session_attrs=primary", (role){"off", "off", read_only, "on", 0}, 1);
  connections_of("target_session_attrs=any", (role){"off", "off", standby, "on", 0}, 1);
}

/* And those who want a standby, or what cannot write, leave one that has become a primary. */
static void test_roles_of_readers(void** state) {
  (void)state;
  const char* const read_only = "default_transaction_read_only";
  const char* const standby = "in_hot_standby";
  connections_of("target_session_attrs=standby", (role){"on", "off", standby, "off", 0}, 2);
  connections_of("target_session_attrs=read-only", (role){"on", "off", standby, "off", 0}, 2);
  connections_of("target_session_attrs=read-only", (role){"off", "on", read_only, "off", 0}, 2);
  connections_of("target_session_attrs=prefer-standby", (role){"on", "off", standby, "off", 0}, 2);
  /* It cannot write for two reasons, or still is what was asked for. */
  connections_of("target_session_attrs=read-only", (role){"on", "on", standby, "off", 0}, 1);
  connections_of("target_session_attrs=standby", (role){"on", "on", read_only, "off", 0}, 1);
  /* There is no standby: after one look any server will do, whatever it becomes. */
  connections_of("target_session_attrs=prefer-standby", (role){"off", "off", read_only, "on", 1},
                 2);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_dying), cmocka_unit_test(test_held),
                                     cmocka_unit_test(test_fatal_answers),
                                     cmocka_unit_test(test_roles),
                                     cmocka_unit_test(test_roles_of_readers)};
  return cmocka_run_group_tests(tests, open_loop, close_loop);
}

/* A server that does not speak PostgreSQL's protocol, or stops in the middle of it: what becomes of
 * the statement, and that the pool heals. */
#include "pg_test.h"

/* "I let you in, and am ready." */
static const char welcome[] =
    "R\0\0\0\x08\0\0\0\0"
    "Z\0\0\0\x05I";
/* One int4 column, and the beginning of a row that says 1. */
static const char columns[] =
    "1\0\0\0\x04"
    "2\0\0\0\x04"
    "T\0\0\0\x1a\0\x01n\0\0\0\0\0\0\0\0\0\0\x17\0\x04\xff\xff\xff\xff\0\x01";
static const char half_a_row[] = "D\0\0\0\x0e\0\x01\0\0";
static const char rest_of_it[] =
    "\0\x04\0\0\0\x01"
    "C\0\0\0\x0dSELECT 1\0"
    "Z\0\0\0\x05I";

typedef struct wrong {
  const char* start; /* instead of the welcome; NULL: the welcome, then ... */
  size_t start_size;
  const char* answer; /* ... this to the first statement */
  size_t answer_size;
  int reset;
} wrong;

static int take_startup(support_peer* peer) {
  const unsigned char* n;
  if (!support_expect_bytes(peer, 4)) return 0;
  n = (const unsigned char*)support_received(peer);
  return support_expect_bytes(peer, ((size_t)n[2] << 8) + n[3] - 4);
}

/* A cancel request: the code 1234.5678, not a version. */
static int is_cancel(const support_peer* peer) {
  return memcmp(support_received(peer), "\x04\xd2\x16\x2e", 4) == 0;
}

/* The first connection goes wrong; all others answer each statement. */
static void serve(support_peer* peer, void* user) {
  const wrong* w = user;
  const int first = support_peer_index(peer) == 0;
  if (!take_startup(peer) || is_cancel(peer)) return;
  if (first && w->start != NULL) {
    support_send(peer, w->start, w->start_size);
  } else {
    support_send(peer, welcome, sizeof welcome - 1);
    while (support_expect(peer, "S")) { /* of Sync: its name will do */
      if (first) {
        support_send(peer, w->answer, w->answer_size);
        break;
      }
      support_send(peer, columns, sizeof columns - 1);
      support_send(peer, half_a_row, sizeof half_a_row - 1);
      support_send(peer, rest_of_it, sizeof rest_of_it - 1);
    }
  }
  if (w->reset) support_reset(peer);
}

static creche_pool open_on(support_hostile* hostile) {
  char dsn[160];
  creche_pool_options o;
  creche_pool pool;
  snprintf(dsn, sizeof dsn, "host=127.0.0.1 port=%d user=a gssencmode=disable sslmode=disable",
           support_hostile_port(hostile));
  OK(creche_pool_options_init(&o, sizeof o));
  o.max_size = 1;
  o.flags = CRECHE_POOL_NO_PREPARE;
  o.reset = CRECHE_RESET_NONE;
  o.cancel_timeout = 200 * CRECHE_MILLISECOND;
  OK(creche_pool_open(loop, dsn, &o, &pool));
  return pool;
}

static void expect(wrong w, creche_status status, uint32_t phase) {
  support_hostile* hostile = support_hostile_start(serve, &w);
  creche_pool pool = open_on(hostile);
  answer a;
  run(pool, &a, "select 1");
  EXPECT(&a, status);
  if (a.error->phase != phase) fail_msg("phase %u: %s", a.error->phase, a.error->message);
  assert_true(strlen(a.error->message) > 20);
  answer_free(&a);
  run(pool, &a, "select 1");
  EXPECT(&a, CRECHE_OK);
  assert_int_equal(creche_row_int4(a.rows, 0, 0), 1);
  answer_free(&a);
  assert_int_equal(counters(pool).connections, 1);
  assert_int_equal(support_hostile_connections(hostile), 2);
  close_pool(pool);
  assert_true(support_hostile_await_open(hostile, 0, PATIENCE_MS));
  support_hostile_stop(hostile);
}

#define BYTES(text) text, sizeof(text) - 1

static void test_start_up(void** state) {
  (void)state;
  expect((wrong){BYTES("HTTP/1.1 400 Bad Request\r\n\r\n"), NULL, 0, 0}, CRECHE_E_CONNECT,
         CRECHE_PHASE_AUTH);
  expect((wrong){BYTES(""), NULL, 0, 0}, CRECHE_E_CONNECT, CRECHE_PHASE_AUTH);
  expect((wrong){BYTES("R\0\0"), NULL, 0, 1}, CRECHE_E_CONNECT, CRECHE_PHASE_AUTH);
  expect((wrong){BYTES("E\0\0\0\x1dSFATAL\0C28000\0Mtoo many\0\0junk"), NULL, 0, 0}, CRECHE_E_PG,
         CRECHE_PHASE_AUTH);
}

static void test_answers(void** state) {
  (void)state;
  static char cut[sizeof columns + sizeof half_a_row];
  memcpy(cut, columns, sizeof columns - 1);
  memcpy(cut + sizeof columns - 1, half_a_row, sizeof half_a_row - 1);
  const size_t size = sizeof columns + sizeof half_a_row - 2;
  expect((wrong){NULL, 0, BYTES(""), 0}, CRECHE_E_DISCONNECTED, CRECHE_PHASE_QUERY);
  expect((wrong){NULL, 0, BYTES(""), 1}, CRECHE_E_DISCONNECTED, CRECHE_PHASE_QUERY);
  expect((wrong){NULL, 0, cut, size, 0}, CRECHE_E_DISCONNECTED, CRECHE_PHASE_QUERY);
  expect((wrong){NULL, 0, cut, size, 1}, CRECHE_E_DISCONNECTED, CRECHE_PHASE_QUERY);
}

/* What is not PostgreSQL's protocol is said to be that, and ends the connection. */
static void test_against_the_protocol(void** state) {
  (void)state;
#define BOUND   \
  "1\0\0\0\x04" \
  "2\0\0\0\x04"
#define ONE_COLUMN "T\0\0\0\x1a\0\x01n\0\0\0\0\0\0\0\0\0\0\x17\0\x04\xff\xff\xff\xff\0\x01"
  static const struct {
    const char* bytes;
    size_t size;
  } answers[] = {
      {BYTES("HTTP/1.1 200 OK\r\n\r\n")},
      {BYTES("1\0\0\0\x04?\xff\xff\xff\xff garbage, garbage")},
      {BYTES("1\0\0\0\x05")}, /* lengths that cannot be */
      {BYTES("1\0\0\0\0")},
      {BYTES("1\xff\xff\xff\xff")},
      {BYTES(BOUND "T\x7f\xff\xff\xff")},
      {BYTES(BOUND ONE_COLUMN "D\x7f\xff\xff\xff")},
      {BYTES("E\x7f\xff\xff\xff")},
      {BYTES("2\0\0\0\x04")}, /* out of turn */
      {BYTES(BOUND "D\0\0\0\x06\0\0")},
      {BYTES(BOUND "C\0\0\0\x0dSELECT 1\0")},
      {BYTES(BOUND ONE_COLUMN ONE_COLUMN)},
      {BYTES(BOUND ONE_COLUMN "Z\0\0\0\x05I")},
      {BYTES("Z\0\0\0\x05I")},
      {BYTES("R\0\0\0\x08\0\0\0\0")}, /* not in a session any more */
      {BYTES("K\0\0\0\x0c\0\0\0\0\0\0\0\0")},
      {BYTES(BOUND ONE_COLUMN "D\0\0\0\x06\0\0")}, /* bodies that do not add up */
      {BYTES(BOUND ONE_COLUMN "D\0\0\0\x0e\0\x01\0\0\0\x05\0\0\0\x01")},
      {BYTES(BOUND ONE_COLUMN "D\0\0\0\x0a\0\x01\xff\xff\xff\xfe")},
      {BYTES(BOUND "T\0\0\0\x0a\0\x01n\0\0\0")},
      {BYTES(BOUND ONE_COLUMN "C\0\0\0\x0aSELECT")},
      {BYTES("E\0\0\0\x0bSERROR\0")},
      {BYTES("N\0\0\0\x08SNOT")},
      {BYTES("S\0\0\0\x08"
             "a\0bc")},
  };
  for (size_t i = 0; i < sizeof answers / sizeof *answers; i++)
    expect((wrong){NULL, 0, answers[i].bytes, answers[i].size, 0}, CRECHE_E_PROTOCOL,
           CRECHE_PHASE_QUERY);
  /* The server's own error says more than what is wrong behind it; the connection goes all the
   * same. */
  expect((wrong){NULL, 0,
                 BYTES("E\0\0\0\x2eSERROR\0C42601\0Mthis statement is not one\0\0"
                       "C\0\0\0\x0dSELECT 1\0"),
                 0},
         CRECHE_E_PG, CRECHE_PHASE_QUERY);
  expect((wrong){NULL, 0,
                 BYTES("E\0\0\0\x2eSERROR\0C42601\0Mthis statement is not one\0\0"
                       "Z\0\0\0\x05X"),
                 0},
         CRECHE_E_PG, CRECHE_PHASE_QUERY);
}

/* The beginning of a message comes with "ready", so that libpq has read it with its own: the rest
 * is no message. */
static void halves(support_peer* peer, void* user) {
  const int first = support_peer_index(peer) == 0;
  (void)user;
  if (!take_startup(peer)) return;
  support_send(peer, BYTES("R\0\0\0\x08\0\0\0\0"
                           "Z\0\0\0\x05I"
                           "S\0\0\0\x16in_hot_standby\0on"));
  while (support_expect(peer, "S")) {
    if (!first) support_send(peer, "", 1);
    if (first) support_send(peer, BYTES("standby\0on\0"));
    support_send(peer, columns, sizeof columns - 1);
    support_send(peer, half_a_row, sizeof half_a_row - 1);
    support_send(peer, rest_of_it, sizeof rest_of_it - 1);
  }
}

static void test_half_a_message(void** state) {
  (void)state;
  support_hostile* hostile = support_hostile_start(halves, NULL);
  creche_pool pool = open_on(hostile);
  answer a;
  /* The second one's rest is a NUL. */
  for (int i = 0; i < 2; i++) {
    run(pool, &a, "select 1");
    EXPECT(&a, CRECHE_E_PROTOCOL);
    answer_free(&a);
  }
  close_pool(pool);
  support_hostile_stop(hostile);
}

/* Notices, parameters and notifications may come at any time: behind "ready", between the messages
 * of an answer, and between answers. */
#define ASIDE                           \
  "N\0\0\0\x18SNOTICE\0C01000\0Mhm\0\0" \
  "S\0\0\0\x16in_hot_standby\0on\0"     \
  "A\0\0\0\x0c\0\0\0\x01"               \
  "a\0b\0"

static void chat(support_peer* peer, void* user) {
  (void)user;
  if (!take_startup(peer)) return;
  support_send(peer, welcome, sizeof welcome - 1);
  support_send(peer, BYTES(ASIDE));
  while (support_expect(peer, "S")) {
    static const char bytes[] =
        ASIDE BOUND ASIDE ONE_COLUMN ASIDE "D\0\0\0\x0e\0\x01\0\0\0\x04\0\0\0\x01" ASIDE
                                           "C\0\0\0\x0dSELECT 1\0" ASIDE "Z\0\0\0\x05I" ASIDE;
    support_trickle(peer, BYTES(bytes));
  }
}

static void test_asides(void** state) {
  (void)state;
  support_hostile* hostile = support_hostile_start(chat, NULL);
  creche_pool pool = open_on(hostile);
  for (int i = 0; i < 5; i++) {
    answer a;
    run(pool, &a, "select 1");
    EXPECT(&a, CRECHE_OK);
    assert_int_equal(creche_row_int4(a.rows, 0, 0), 1);
    answer_free(&a);
  }
  assert_int_equal(support_hostile_connections(hostile), 1);
  close_pool(pool);
  support_hostile_stop(hostile);
}

/* Instead of an answer, notices for ever: the loop goes on, and the statement can be cancelled. */
static void chatter(support_peer* peer, void* user) {
  const int first = support_peer_index(peer) == 0;
  (void)user;
  if (!take_startup(peer) || is_cancel(peer)) return;
  support_send(peer, welcome, sizeof welcome - 1);
  while (support_expect(peer, "S")) {
    support_count_request(peer);
    while (first && support_send(peer, BYTES(ASIDE))) {
    }
    support_send(peer, columns, sizeof columns - 1);
    support_send(peer, half_a_row, sizeof half_a_row - 1);
    support_send(peer, rest_of_it, sizeof rest_of_it - 1);
  }
}

static void test_endless_notices(void** state) {
  (void)state;
  support_hostile* hostile = support_hostile_start(chatter, NULL);
  creche_pool pool = open_on(hostile);
  answer a;
  creche_task task;
  answer_init(&a);
  OK(creche_pool_query(pool, loop.scope, "select 1", NULL, 0, NULL, on_answer, &a, &task));
  assert_true(support_hostile_await_requests(hostile, 1, PATIENCE_MS));
  assert_false(answer_wait_for(&a, 50));
  OK(creche_scope_cancel(task.scope, "enough"));
  EXPECT(&a, CRECHE_E_CANCELLED);
  answer_free(&a);
  run(pool, &a, "select 1");
  EXPECT(&a, CRECHE_OK);
  answer_free(&a);
  close_pool(pool);
  support_hostile_stop(hostile);
}

/* Takes the request to cancel, and never says that it has: the connection that it was for is given
 * up in time, though its statement has ended. */
static void never_done(support_peer* peer, void* user) {
  const int first = support_peer_index(peer) == 0;
  (void)user;
  if (!take_startup(peer)) return;
  if (is_cancel(peer)) {
    support_hang(peer);
    return;
  }
  support_send(peer, welcome, sizeof welcome - 1);
  while (support_expect(peer, "S")) {
    support_count_request(peer);
    if (first && !support_await(peer, 1)) return;
    support_send(peer, columns, sizeof columns - 1);
    support_send(peer, half_a_row, sizeof half_a_row - 1);
    support_send(peer, rest_of_it, sizeof rest_of_it - 1);
  }
}

static void test_cancel_that_is_never_done(void** state) {
  (void)state;
  support_hostile* hostile = support_hostile_start(never_done, NULL);
  creche_pool pool = open_on(hostile);
  answer a;
  creche_task task;
  answer_init(&a);
  OK(creche_pool_query(pool, loop.scope, "select 1", NULL, 0, NULL, on_answer, &a, &task));
  assert_true(support_hostile_await_requests(hostile, 1, PATIENCE_MS));
  OK(creche_scope_cancel(task.scope, "enough"));
  assert_true(support_hostile_await_connections(hostile, 2, PATIENCE_MS));
  support_hostile_signal(hostile);
  answer_wait(&a); /* as it was faster or not */
  answer_free(&a);
  run(pool, &a, "select 1");
  EXPECT(&a, CRECHE_OK);
  assert_int_equal(creche_row_int4(a.rows, 0, 0), 1);
  answer_free(&a);
  assert_int_equal(counters(pool).dropped, 1);
  close_pool(pool);
  support_hostile_stop(hostile);
}

/* More than one error for one statement, in front of which a name was to be closed: the names that
 * are left to be closed stay what they are. */
#define ERROR_RESPONSE "E\0\0\0\x17SERROR\0C22012\0Mno\0\0"
static void three_errors(support_peer* peer, void* user) {
  (void)user;
  if (!take_startup(peer) || is_cancel(peer)) return;
  support_send(peer, welcome, sizeof welcome - 1);
  for (int statements = 0;; statements++) {
    int closes = 0, parses = 0, describes = 0;
    for (;;) {
      size_t size;
      const unsigned char* head;
      char type;
      if (!support_expect_bytes(peer, 5)) return;
      head = (const unsigned char*)support_received(peer);
      type = (char)head[0];
      size = ((size_t)head[3] << 8) + head[4] - 4;
      if (size > 0 && !support_expect_bytes(peer, size)) return;
      closes += type == 'C';
      parses += type == 'P';
      describes += type == 'D';
      if (type == 'S') break;
    }
    if (closes > 0 && statements < 6) {
      for (int i = 0; i < 3; i++) support_send(peer, BYTES(ERROR_RESPONSE));
      support_send(peer, BYTES("Z\0\0\0\x05I"));
      continue;
    }
    while (closes-- > 0) support_send(peer, BYTES("3\0\0\0\x04"));
    if (parses > 0) support_send(peer, BYTES("1\0\0\0\x04"));
    support_send(peer, BYTES("2\0\0\0\x04"));
    if (describes > 0) support_send(peer, BYTES(ONE_COLUMN));
    support_send(peer, half_a_row, sizeof half_a_row - 1);
    support_send(peer, rest_of_it, sizeof rest_of_it - 1);
  }
}

static void test_errors_behind_errors(void** state) {
  (void)state;
  support_hostile* hostile = support_hostile_start(three_errors, NULL);
  creche_pool_options o;
  creche_pool pool;
  char dsn[160];
  answer a;
  snprintf(dsn, sizeof dsn, "host=127.0.0.1 port=%d user=a gssencmode=disable sslmode=disable",
           support_hostile_port(hostile));
  OK(creche_pool_options_init(&o, sizeof o));
  o.max_size = 1;
  o.statement_cache = 1;
  OK(creche_pool_open(loop, dsn, &o, &pool));
  for (int i = 0; i < 12; i++) {
    char sql[32];
    snprintf(sql, sizeof sql, "select %d", i / 2 % 3); /* the second time it is prepared */
    run(pool, &a, sql);
    if (a.status != CRECHE_OK) EXPECT(&a, CRECHE_E_PG);
    answer_free(&a);
  }
  run(pool, &a, "select 1");
  EXPECT(&a, CRECHE_OK);
  answer_free(&a);
  assert_int_equal(support_hostile_connections(hostile), 1);
  close_pool(pool);
  support_hostile_stop(hostile);
}

static int open_loop(void** state) {
  (void)state;
  return creche_loop_open(NULL, &loop) == CRECHE_OK ? 0 : -1;
}
static int close_loop(void** state) {
  (void)state;
  creche_loop_close(loop);
  return creche_loop_join(loop, 20 * CRECHE_SECOND) == CRECHE_OK ? 0 : -1;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_start_up),
      cmocka_unit_test(test_answers),
      cmocka_unit_test(test_against_the_protocol),
      cmocka_unit_test(test_half_a_message),
      cmocka_unit_test(test_asides),
      cmocka_unit_test(test_cancel_that_is_never_done),
      cmocka_unit_test(test_endless_notices),
      cmocka_unit_test(test_errors_behind_errors),
  };
  return cmocka_run_group_tests(tests, open_loop, close_loop);
}

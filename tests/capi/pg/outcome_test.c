/* Errors that say nothing about what was done: a COMMIT of unknown outcome, statements that are not
 * to be repeated. */
#include "pg_test.h"

typedef struct says {
  const char* severity;
  const char* state;
} says;

static int take_startup(support_peer* peer) {
  const unsigned char* n;
  if (!support_expect_bytes(peer, 4)) return 0;
  n = (const unsigned char*)support_received(peer);
  return support_expect_bytes(peer, ((size_t)n[2] << 8) + n[3] - 4);
}

static void send_error(support_peer* peer, const says* s) {
  char text[64];
  const int size =
      snprintf(text, sizeof text, "S%s%cC%s%cMgone%c%c", s->severity, 0, s->state, 0, 0, 0);
  const char head[5] = {'E', 0, 0, 0, (char)(size + 4)};
  support_send(peer, head, sizeof head);
  support_send(peer, text, (size_t)size);
}

/* Answers all but COMMIT and INSERT, which fail. */
static void serve(support_peer* peer, void* user) {
  const says* s = user;
  int in_transaction = 0;
  if (!take_startup(peer)) return;
  support_send(peer, "R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I", 15);
  for (;;) {
    int fails = 0, parses = 0, describes = 0, binds = 0;
    for (;;) {
      if (!support_expect_bytes(peer, 5)) return;
      const unsigned char* head = (const unsigned char*)support_received(peer);
      const char type = (char)head[0];
      const size_t size = ((size_t)head[3] << 8) + head[4] - 4;
      if (size > 0 && !support_expect_bytes(peer, size)) return;
      if (type == 'P') {
        const char* sql = support_received(peer) + 1;
        parses++;
        fails |= strncmp(sql, "COMMIT", 6) == 0 || strncmp(sql, "insert", 6) == 0;
        in_transaction |= strncmp(sql, "BEGIN", 5) == 0;
      }
      binds += type == 'B';
      describes += type == 'D';
      if (type == 'S') break;
    }
    for (int i = 0; i < parses; i++) support_send(peer, "1\0\0\0\x04", 5);
    for (int i = 0; i < binds; i++) support_send(peer, "2\0\0\0\x04", 5);
    if (fails) {
      send_error(peer, s);
      if (strcmp(s->severity, "FATAL") == 0) return;
      in_transaction = 0;
    } else {
      for (int i = 0; i < describes; i++) support_send(peer, "n\0\0\0\x04", 5);
      support_send(peer,
                   "C\0\0\0\x0a"
                   "BEGIN\0",
                   11);
    }
    support_send(peer, in_transaction ? "Z\0\0\0\x05T" : "Z\0\0\0\x05I", 6);
  }
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

static void test_statements(void** state) {
  (void)state;
  static says cases[] = {{"FATAL", "08000"}, {"FATAL", "08003"}, {"FATAL", "08006"},
                         {"FATAL", "08007"}, {"FATAL", "57P01"}, {"FATAL", "57P02"},
                         {"FATAL", "57P05"}, {"ERROR", "08006"}, {"ERROR", "40003"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    support_hostile* hostile = support_hostile_start(serve, &cases[i]);
    creche_pool pool = open_on(hostile);
    answer a;
    run(pool, &a, "insert into t values (1)");
    assert_int_not_equal(a.status, CRECHE_OK);
    if (creche_error_is_retryable(a.error)) fail_msg("%s may be repeated", cases[i].state);
    answer_free(&a);
    close_pool(pool);
    support_hostile_stop(hostile);
  }
}

static void test_commits(void** state) {
  (void)state;
  static says cases[] = {{"ERROR", "40003"},
                         {"ERROR", "08007"},
                         {"FATAL", "08006"},
                         {"FATAL", "57P01"},
                         {"ERROR", "40001"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const int known = strcmp(cases[i].state, "40001") == 0;
    support_hostile* hostile = support_hostile_start(serve, &cases[i]);
    creche_pool pool = open_on(hostile);
    creche_connection c = acquire(pool);
    answer a;
    answer_init(&a);
    OK(creche_connection_begin(c, loop.scope, NULL, on_answer, &a, NULL));
    EXPECT(&a, CRECHE_OK);
    answer_free(&a);
    answer_init(&a);
    OK(creche_connection_commit(c, loop.scope, NULL, on_answer, &a, NULL));
    EXPECT(&a, known ? CRECHE_E_PG : CRECHE_E_OUTCOME_UNKNOWN);
    assert_int_equal(a.error->phase, CRECHE_PHASE_COMMIT);
    assert_int_equal(creche_error_is_retryable(a.error), known);
    answer_free(&a);
    creche_connection_release(c);
    close_pool(pool);
    support_hostile_stop(hostile);
  }
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
      cmocka_unit_test(test_statements),
      cmocka_unit_test(test_commits),
  };
  (void)start_server;
  (void)stop_server;
  return cmocka_run_group_tests(tests, open_loop, close_loop);
}

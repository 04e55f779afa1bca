/* A server that does not speak PostgreSQL's protocol, or stops in the middle of it: what becomes of
 * the statement, and that the pool heals. */
#include "pg_test.h"

#define PATIENCE_MS 20000

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

/* The first connection goes wrong; all others answer each statement. */
static void serve(support_peer* peer, void* user) {
  const wrong* w = user;
  const int first = support_peer_index(peer) == 0;
  if (!take_startup(peer)) return;
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

static void expect(wrong w, creche_status status, uint32_t phase) {
  support_hostile* hostile = support_hostile_start(serve, &w);
  char dsn[160];
  creche_pool_options o;
  creche_pool pool;
  answer a;
  snprintf(dsn, sizeof dsn, "host=127.0.0.1 port=%d user=a gssencmode=disable sslmode=disable",
           support_hostile_port(hostile));
  OK(creche_pool_options_init(&o, sizeof o));
  o.max_size = 1;
  o.flags = CRECHE_POOL_NO_PREPARE;
  o.reset = CRECHE_RESET_NONE;
  OK(creche_pool_open(loop, dsn, &o, &pool));
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
  expect((wrong){BYTES("E\0\0\0\x1dSFATAL\0C53300\0Mtoo many\0\0junk"), NULL, 0, 0}, CRECHE_E_PG,
         CRECHE_PHASE_AUTH);
}

static void test_answers(void** state) {
  (void)state;
  static char cut[sizeof columns + sizeof half_a_row];
  memcpy(cut, columns, sizeof columns - 1);
  memcpy(cut + sizeof columns - 1, half_a_row, sizeof half_a_row - 1);
  const size_t size = sizeof columns + sizeof half_a_row - 2;
  expect((wrong){NULL, 0, BYTES("1\0\0\0\x04?\xff\xff\xff\xff garbage, garbage"), 0},
         CRECHE_E_DISCONNECTED, CRECHE_PHASE_QUERY);
  expect((wrong){NULL, 0, BYTES(""), 0}, CRECHE_E_DISCONNECTED, CRECHE_PHASE_QUERY);
  expect((wrong){NULL, 0, BYTES(""), 1}, CRECHE_E_DISCONNECTED, CRECHE_PHASE_QUERY);
  expect((wrong){NULL, 0, cut, size, 0}, CRECHE_E_DISCONNECTED, CRECHE_PHASE_QUERY);
  expect((wrong){NULL, 0, cut, size, 1}, CRECHE_E_DISCONNECTED, CRECHE_PHASE_QUERY);
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
  };
  return cmocka_run_group_tests(tests, open_loop, close_loop);
}

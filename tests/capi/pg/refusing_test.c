/* Servers that speak PostgreSQL's protocol and are another database (CockroachDB, YugabyteDB and
 * the like) refuse what they have not: advisory locks, LISTEN, temporary tables, cursors, sequences
 * of a session. A connection is kept all the same, and what is refused is not asked for again. */
#include <stdatomic.h>

#include "fake_pg.h"

typedef struct refused {
  const char* words; /* of the statement */
  const char* state;
} refused;
static const refused none_of[] = {{"pg_advisory_unlock_all", "42883"},
                                  {"UNLISTEN", "0A000"},
                                  {"DISCARD TEMP", "0A000"},
                                  {"DISCARD SEQUENCES", "42601"},
                                  {"CLOSE ALL", "0A000"},
                                  {"SET SESSION AUTH", "42601"},
                                  {"LISTEN", "0A000"},
                                  {"DECLARE", "0A000"},
                                  {"temporary", "0A000"}};
enum { RESETS = 6 };

typedef struct cluster {
  const char* breaks;   /* the state with which RESET ALL fails, or NULL */
  atomic_int connected; /* sessions */
  atomic_int refusals;
  atomic_int resets; /* RESET ALL that were done */
} cluster;

static const char* refusal(const cluster* of, const char* sql) {
  if (of->breaks != NULL && strstr(sql, "RESET ALL") != NULL) return of->breaks;
  for (size_t i = 0; i < sizeof none_of / sizeof *none_of; i++)
    if (strstr(sql, none_of[i].words) != NULL) return none_of[i].state;
  return NULL;
}

static void serve(support_peer* peer, void* user) {
  cluster* of = user;
  fake_out o = {0, {0}};
  int failed = 0, selects = 0, resets = 0;
  char type;
  if (!fake_start(peer, 0)) return;
  of->connected++;
  while ((type = fake_take(peer)) != 0) {
    const char* body = support_received(peer);
    if (failed && type != 'S') continue;
    const char* sql = type == 'P' ? body + strlen(body) + 1 : type == 'Q' ? body : "";
    const char* state = refusal(of, sql);
    if (state != NULL) {
      of->refusals++;
      fake_error(&o, 'E', "ERROR", state);
      failed = type == 'P';
      if (type == 'P') continue;
    }
    switch (type) {
      case 'P':
        selects = strstr(sql, "select") != NULL;
        resets += strcmp(sql, "RESET ALL") == 0;
        fake_message(&o, '1', "", 0);
        break;
      case 'B':
        fake_message(&o, '2', "", 0);
        break;
      case 'C':
        fake_message(&o, '3', "", 0);
        break;
      case 'D':
        if (selects)
          fake_column(&o, CRECHE_PG_INT4, 4);
        else
          fake_message(&o, 'n', "", 0);
        break;
      case 'E':
        if (selects) fake_message(&o, 'D', "\0\1\0\0\0\4\0\0\0\1", 10);
        fake_end(&o, selects ? "SELECT 1" : "RESET");
        break;
      case 'S':
        if (!failed) of->resets += resets;
        failed = resets = 0;
        /* fall through */
      case 'Q':
        fake_message(&o, 'Z', "I", 1);
        fake_send(peer, &o);
        break;
      default:
        return;
    }
  }
}

static creche_pool pool_of(support_hostile* at) {
  creche_pool pool;
  creche_pool_options o;
  char dsn[120];
  OK(creche_pool_options_init(&o, sizeof o));
  o.max_size = 1;
  o.flags = CRECHE_POOL_NO_PREPARE;
  snprintf(dsn, sizeof dsn, "host=127.0.0.1 port=%d user=a dbname=a sslmode=disable",
           support_hostile_port(at));
  OK(creche_pool_open(loop, dsn, &o, &pool));
  return pool;
}

static void test_a_connection_is_kept(void** state) {
  (void)state;
  cluster of = {.breaks = NULL};
  support_hostile* at = support_hostile_start(serve, &of);
  creche_pool pool = pool_of(at);
  for (int i = 0; i < 3; i++) creche_connection_release(acquire(pool));
  assert_int_equal(number(pool, "select 1"), 1);
  assert_int_equal(of.connected, 1);
  assert_int_equal(of.refusals, RESETS); /* each once */
  assert_int_equal(of.resets, 3);
  assert_int_equal(counters(pool).dropped, 0);
  /* Another session of the pool's knows. */
  OK(creche_pool_expire(pool));
  creche_connection_release(acquire(pool));
  assert_int_equal(number(pool, "select 1"), 1);
  assert_int_equal(of.connected, 2);
  assert_int_equal(of.refusals, RESETS);
  close_pool(pool);
  support_hostile_stop(at);
}

/* What a user asks for fails as the server says, and leaves the connection as good as before. */
static void test_what_a_user_asks_for(void** state) {
  (void)state;
  cluster of = {.breaks = NULL};
  support_hostile* at = support_hostile_start(serve, &of);
  creche_pool pool = pool_of(at);
  const char* const channels[] = {"a"};
  answer a;
  run(pool, &a, "create temporary table a (i int)");
  EXPECT(&a, CRECHE_E_PG);
  assert_string_equal(a.error->sqlstate, "0A000");
  answer_free(&a);
  answer_init(&a);
  OK(creche_pool_listen(pool, loop.scope, channels, 1, NULL, on_answer, &a, NULL));
  EXPECT(&a, CRECHE_E_PG);
  assert_string_equal(a.error->sqlstate, "0A000");
  answer_free(&a);
  creche_connection c = acquire(pool);
  answer_init(&a);
  OK(creche_cursor_open(c, loop.scope, "c", "select 1", NULL, 0, NULL, on_answer, &a, NULL));
  EXPECT(&a, CRECHE_E_PG);
  answer_free(&a);
  assert_int_equal(number_on(c, "select 1"), 1);
  creche_connection_release(c);
  assert_int_equal(number(pool, "select 1"), 1);
  assert_int_equal(counters(pool).dropped, 0);
  close_pool(pool);
  support_hostile_stop(at);
}

/* What fails for another reason is not forgiven, nor are settings that stay: who knows what is
 * left? */
static void test_other_failures(void** state) {
  (void)state;
  const char* const states[] = {"42501", "0A000"};
  for (int i = 0; i < 2; i++) {
    cluster of = {.breaks = states[i]};
    support_hostile* at = support_hostile_start(serve, &of);
    creche_pool pool = pool_of(at);
    creche_connection_release(acquire(pool));
    assert_int_equal(number(pool, "select 1"), 1);
    assert_int_equal(of.connected, 2);
    assert_int_equal(counters(pool).dropped, 1);
    close_pool(pool);
    support_hostile_stop(at);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_a_connection_is_kept),
      cmocka_unit_test(test_what_a_user_asks_for),
      cmocka_unit_test(test_other_failures),
  };
  return cmocka_run_group_tests(tests, open_loop, close_loop);
}

/* What a DSN and a pool's options say about which host is connected to, and how long that may take:
 * load_balance_hosts, connect_timeout. */
#include "fake_pg.h"

/* Lets everybody in. */
static void lets_in(support_peer* peer, void* user) {
  (void)user;
  if (fake_start(peer, 1)) support_await_close(peer);
}

/* The end of an attempt to have a connection by this DSN. */
static creche_status attempt(const char* dsn, int64_t connect_timeout, answer* a) {
  creche_pool pool;
  creche_pool_options o;
  OK(creche_pool_options_init(&o, sizeof o));
  o.connect_timeout = connect_timeout;
  o.reset = CRECHE_RESET_NONE; /* nothing would be answered */
  OK(creche_pool_open(loop, dsn, &o, &pool));
  answer_init(a);
  OK(creche_pool_acquire(pool, loop.scope, NULL, on_answer, a, NULL));
  const creche_status status = answer_wait(a);
  if (status == CRECHE_OK) creche_connection_release((creche_connection){a->value});
  a->value = 0;
  close_pool(pool);
  return status;
}

/* Two hosts, in their order or at random. A libpq before 16 does not know the word, and it is told
 * as any other one that it does not know. */
static void hosts_are_taken_in_order_or_at_random(void** state) {
  enum { kAttempts = 40 }; /* all of them to the same one: once in 10 ** 11 runs */
  static const char* const kBalance[] = {"", "load_balance_hosts=disable",
                                         "load_balance_hosts=random"};
  (void)state;
  for (int b = 0; b < 3; b++) {
    support_hostile* first = support_hostile_start(lets_in, NULL);
    support_hostile* second = support_hostile_start(lets_in, NULL);
    char dsn[200];
    int known = 1;
    snprintf(dsn, sizeof dsn,
             "host=127.0.0.1,127.0.0.1 port=%d,%d user=a gssencmode=disable sslmode=disable %s",
             support_hostile_port(first), support_hostile_port(second), kBalance[b]);
    for (int i = 0; i < kAttempts && known; i++) {
      answer a;
      if (attempt(dsn, PATIENCE, &a) == CRECHE_E_INVALID && b > 0) {
        assert_int_equal(a.error->phase, CRECHE_PHASE_OPTIONS);
        if (!strstr(a.error->message, "load_balance_hosts")) fail_msg("%s", a.error->message);
        known = 0;
      } else {
        EXPECT(&a, CRECHE_OK);
      }
      answer_free(&a);
    }
    const int at_second = support_hostile_connections(second);
    if (known) assert_int_equal(support_hostile_connections(first) + at_second, kAttempts);
    if (known && b == 2)
      assert_in_range(at_second, 1, kAttempts - 1);
    else
      assert_int_equal(at_second, 0);
    support_hostile_stop(first);
    support_hostile_stop(second);
  }
}

/* No time at all is no time; the DSN's own word means no limit of a host's, as with libpq. */
static void no_time_to_connect(void** state) {
  static const struct {
    const char* dsn;
    int64_t timeout;
    creche_status status;
  } cases[] = {
      {"", 0, CRECHE_E_TIMEOUT},
      {"", CRECHE_NEVER, CRECHE_OK},
      {"connect_timeout=0", PATIENCE, CRECHE_OK},
      {"connect_timeout=0", CRECHE_NEVER, CRECHE_OK},
      {"connect_timeout=30", 0, CRECHE_E_TIMEOUT},
  };
  (void)state;
  support_hostile* hostile = support_hostile_start(lets_in, NULL);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char dsn[200];
    answer a;
    snprintf(dsn, sizeof dsn, "host=127.0.0.1 port=%d user=a gssencmode=disable sslmode=disable %s",
             support_hostile_port(hostile), cases[i].dsn);
    (void)attempt(dsn, cases[i].timeout, &a);
    EXPECT(&a, cases[i].status);
    answer_free(&a);
  }
  support_hostile_stop(hostile);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(hosts_are_taken_in_order_or_at_random),
      cmocka_unit_test(no_time_to_connect),
  };
  return cmocka_run_group_tests(tests, open_loop, close_loop);
}

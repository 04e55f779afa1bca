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

/* Two hosts, in their order or at random, whichever libpq there is. */
static void hosts_are_taken_in_order_or_at_random(void** state) {
  enum { kAttempts = 40 }; /* all of them to the same one: once in 10 ** 11 runs */
  static const struct {
    const char *dsn, *environment;
    creche_status status;
    int random;
  } cases[] = {
      {"host=127.0.0.1,127.0.0.1 port=%d,%d user=a sslmode=disable", "", CRECHE_OK, 0},
      {"host=127.0.0.1,127.0.0.1 load_balance_hosts = 'disable' port=%d,%d user=a sslmode=disable",
       "random", CRECHE_OK, 0},
      {"load_balance_hosts=random host=127.0.0.1,127.0.0.1 port=%d,%d user=a sslmode=disable",
       "disable", CRECHE_OK, 1},
      {"postgresql://a@127.0.0.1:%d,127.0.0.1:%d/a?sslmode=disable&load_balance_hosts=random", "",
       CRECHE_OK, 1},
      {"postgresql://a@127.0.0.1:%d,127.0.0.1:%d/a?sslmode=disable", "random", CRECHE_OK, 1},
      {"postgresql://a@127.0.0.1:%d,127.0.0.1:%d/a?load_balance_hosts=rendom&sslmode=disable", "",
       CRECHE_E_INVALID, 0},
  };
  (void)state;
  for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
    support_hostile* first = support_hostile_start(lets_in, NULL);
    support_hostile* second = support_hostile_start(lets_in, NULL);
    char dsn[200];
    print_message("%s\n", cases[c].dsn);
    snprintf(dsn, sizeof dsn, cases[c].dsn, support_hostile_port(first),
             support_hostile_port(second));
    setenv("PGLOADBALANCEHOSTS", cases[c].environment, 1);
    const int attempts = cases[c].status == CRECHE_OK ? kAttempts : 1;
    for (int i = 0; i < attempts; i++) {
      answer a;
      attempt(dsn, PATIENCE, &a);
      EXPECT(&a, cases[c].status);
      if (cases[c].status != CRECHE_OK) {
        assert_int_equal(a.error->phase, CRECHE_PHASE_OPTIONS);
        if (!strstr(a.error->message, "load_balance_hosts")) fail_msg("%s", a.error->message);
      }
      answer_free(&a);
    }
    unsetenv("PGLOADBALANCEHOSTS");
    if (cases[c].status == CRECHE_OK) {
      const int at_second = support_hostile_connections(second);
      assert_int_equal(support_hostile_connections(first) + at_second, kAttempts);
      if (cases[c].random)
        assert_in_range(at_second, 1, kAttempts - 1);
      else
        assert_int_equal(at_second, 0);
    }
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

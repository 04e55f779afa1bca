/* Types that are altered, and servers that are not who they were: what is known of types that are
 * not built in is asked again when it does not hold any more, without creche_pool_expire. */
#include <stdatomic.h>

#include "printed.h"
#include "support/hostile.h"
#include "support/relay.h"

static creche_pool other; /* who alters things */

static int open_both(void** state) {
  if (start_server(state) != 0) return -1;
  pool = open_pool(2);
  must(pool, "alter database postgres set timezone = 'UTC'");
  close_pool(pool);
  pool = open_pool(2);
  other = open_pool(1);
  must(pool, "create extension hstore");
  return 0;
}
static int close_both(void** state) {
  close_pool(pool);
  close_pool(other);
  return stop_server(state);
}

/* All that has a row of the type in it, as the server prints it. */
static void all_forms(void) {
  shown_as_printed("select x, format('%s', x) from held order by n");
  shown_as_printed("select array[x, null], format('%s', array[x, null]) from held order by n");
  shown_as_printed("select h, format('%s', h) from held h order by n");
  shown_as_printed("select row(x, 1), format('%s', row(x, 1)) from held order by n");
  shown_as_printed("select y, format('%s', y) from held order by n");
}

static void test_rows_get_other_fields(void** state) {
  (void)state;
  must(pool, "create type color as enum ('red', 'a b')");
  must(pool, "create type spot as (a int, b text)");
  must(pool, "create type outer_spot as (s spot, ss spot[])");
  must(pool, "create domain spots as spot[]");
  must(pool, "create table held (n int, x spot, y outer_spot, z spots)");
  must(pool, "insert into held values (1, null, null), (2, row(1, 'x'), row(row(2, 'y'), '{}'))");
  all_forms();
  must(other, "alter type spot add attribute h hstore, add attribute c color[]");
  must(other,
       "update held set x = row(1, 'x', 'a=>1', '{red}')::spot, y.s = row(2, 'y', null, "
       "'{\"a b\"}')::spot where n = 2");
  all_forms();
  must(other, "alter type spot add attribute m money");
  must(other, "update held set x.m = 1.5, y.ss = array[row(3, 'z', null, null, 2)::spot]");
  all_forms();
  must(other, "alter type spot drop attribute b, drop attribute h");
  all_forms();
  must(other, "alter table held add added color default 'red', drop column z");
  all_forms();
  must(other, "drop table held");
}

/* Streams are asked about before their first run; and again when it was altered by the pool. */
static void test_streams(void** state) {
  (void)state;
  must(pool, "create type shade as enum ('dark')");
  must(pool, "create type tone as (a int)");
  must(pool, "create table tones as select row(i)::tone as t from generate_series(1, 3) i");
  must(pool, "alter type tone add attribute s shade[]");
  for (int run_ = 0; run_ < 3; run_++) {
    answer a;
    answer_init(&a);
    OK(creche_pool_stream(pool, loop.scope, "select t from tones", NULL, 0, NULL, on_answer, &a,
                          NULL));
    EXPECT(&a, CRECHE_OK);
    assert_int_equal(a.code, 3);
    answer_free(&a);
    if (run_ == 0) must(pool, "alter type tone add attribute m text");
  }
  shown_as_printed("select t, format('%s', t) from tones");
}

static void has_name(creche_pool p, const char* sql, const char* name) {
  answer a;
  run(p, &a, sql);
  EXPECT(&a, CRECHE_OK);
  const char* said = creche_row_type_name(a.rows, creche_row_column_type(a.rows, 0));
  assert_non_null(said);
  assert_string_equal(said, name);
  answer_free(&a);
}

/* What the pool has altered itself it asks about at once; what others have, after a while. */
static void test_other_names(void** state) {
  (void)state;
  creche_pool_options o;
  creche_pool soon;
  OK(creche_pool_options_init(&o, sizeof o));
  o.max_size = 1;
  o.statement_lifetime = CRECHE_MILLISECOND;
  OK(creche_pool_open(loop, support_postgres_url(server), &o, &soon));
  must(other, "create type first as enum ('v')");
  must(other, "create table named as select 'v'::first as x");
  for (int i = 0; i < 3; i++) has_name(pool, "select x from named", "first");
  has_name(soon, "select x from named", "first");
  must(pool, "alter type first rename to second");
  has_name(pool, "select x from named", "second");
  nap_ms(2); /* longer than it is believed */
  has_name(soon, "select x from named", "second");
  /* Taken back: it is what it was. */
  creche_connection c = acquire(pool);
  must_on(c, "begin");
  must_on(c, "alter type second rename to third");
  answer a;
  run_on(c, &a, "select x from named");
  EXPECT(&a, CRECHE_OK);
  assert_string_equal(creche_row_type_name(a.rows, creche_row_column_type(a.rows, 0)), "third");
  answer_free(&a);
  must_on(c, "rollback");
  creche_connection_release(c);
  has_name(pool, "select x from named", "second");
  close_pool(soon);
}

/* A proxy's address: behind it one server takes the place of another, whose types have the same
 * numbers, while a session with the first one lives on. */
static atomic_int port_now;
static void pass_on(support_peer* peer, void* user) {
  (void)user;
  support_relay(support_peer_fd(peer), atomic_load(&port_now));
}

static void test_another_server(void** state) {
  (void)state;
  enum { TYPES = 6 };
  support_postgres* servers[2] = {support_postgres_start(NULL), support_postgres_start(NULL)};
  char sql[128];
  for (int s = 0; s < 2; s++) {
    creche_pool direct;
    OK(creche_pool_open(loop, support_postgres_url(servers[s]), NULL, &direct));
    for (int i = 0; i < TYPES; i++) {
      snprintf(sql, sizeof sql,
               s == 0 ? "create type t%d as enum ('AAAA')" : "create domain t%d as int", i);
      must(direct, sql);
    }
    close_pool(direct);
  }
  support_hostile* proxy = support_hostile_start(pass_on, NULL);
  char dsn[128];
  snprintf(dsn, sizeof dsn, "postgres://postgres@127.0.0.1:%d/postgres",
           support_hostile_port(proxy));
  creche_pool one;
  OK(creche_pool_open(loop, dsn, NULL, &one));
  atomic_store(&port_now, support_postgres_port(servers[0]));
  creche_connection kept = acquire(one);
  for (int round = 0; round < 2; round++) {
    for (int i = 0; i < TYPES; i++) {
      answer a;
      char text[32];
      snprintf(sql, sizeof sql, "select 'AAAA'::t%d", i);
      run_on(kept, &a, sql);
      EXPECT(&a, CRECHE_OK);
      creche_row_format(a.rows, 0, 0, text, sizeof text);
      assert_string_equal(text, "AAAA");
      answer_free(&a);
      if (round == 0) continue;
      snprintf(sql, sizeof sql, "select 1094795585::t%d", i); /* the same bytes */
      run(one, &a, sql);
      EXPECT(&a, CRECHE_OK);
      creche_row_format(a.rows, 0, 0, text, sizeof text);
      assert_string_equal(text, "1094795585");
      answer_free(&a);
    }
    atomic_store(&port_now, support_postgres_port(servers[1]));
  }
  creche_connection_release(kept);
  close_pool(one);
  support_hostile_stop(proxy);
  support_postgres_stop(servers[0]);
  support_postgres_stop(servers[1]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_rows_get_other_fields),
      cmocka_unit_test(test_streams),
      cmocka_unit_test(test_other_names),
      cmocka_unit_test(test_another_server),
  };
  return cmocka_run_group_tests(tests, open_both, close_both);
}

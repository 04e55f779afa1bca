/* All counters and histograms as text for Prometheus, read by a strict reader: what is there, what
 * it is called, what adds up, what never stands in it. */
#include <stdatomic.h>

#include "support/core.h"
#include "support/hostile.h"
#include "support/postgres.h"
#include "support/prometheus.h"

#define ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

static creche_loop second;
static char* text;
static prometheus metrics;

static void write_metrics(const creche_loop* loops, size_t count) {
  size_t size = 0, again = 0;
  free(text);
  IS(creche_write_metrics(loops, count, CRECHE_METRICS_PROMETHEUS, NULL, 0, &size), CRECHE_E_LIMIT);
  last_error_says("bytes");
  size += 4096; /* numbers grow */
  text = malloc(size);
  assert_non_null(text);
  OK(creche_write_metrics(loops, count, CRECHE_METRICS_PROMETHEUS, text, size, &again));
  assert_int_equal(again, strlen(text) + 1);
  prometheus_free(&metrics);
  if (prometheus_read(&metrics, text) != 0) fail_msg("%s", metrics.error);
}
static double value(const char* name, const char* labels) {
  return prometheus_value(&metrics, name, labels, NULL);
}
static void is(const char* name, const char* labels, double wanted) {
  if (value(name, labels) != wanted)
    fail_msg("%s{%s} is %g, not %g", name, labels, value(name, labels), wanted);
}

static int set_up(void** state) {
  creche_loop_options o;
  (void)state;
  creche_loop_options_init(&o, sizeof o);
  o.name = "main";
  if (creche_loop_open(&o, &loop) != CRECHE_OK) return -1;
  o.name = "side";
  return creche_loop_open(&o, &second) != CRECHE_OK;
}
static int tear_down(void** state) {
  (void)state;
  free(text);
  text = NULL;
  prometheus_free(&metrics);
  creche_loop_close(second);
  const creche_status joined = creche_loop_join(second, PATIENCE);
  return close_and_join_loop() | (joined != CRECHE_OK);
}

static creche_session open_session(creche_loop l, const char* name) {
  creche_session session;
  OK(creche_session_open(l, NULL, &session));
  if (name != NULL) OK(creche_session_set_name(session, name));
  return session;
}
static void fetch(creche_session session, const char* url) {
  creche_response page;
  OK(creche_fetch_in(session, (creche_scope){0}, url, NULL, &page));
  creche_response_release(page);
}

static void a_loop(void** state) {
  creche_loop_counters c;
  (void)state;
  write_metrics(&loop, 1);
  assert_true(value("creche_loop_turns_total", "loop=\"main\"") >= 0);
  is("creche_loop_groups", "loop=\"main\"", 0);
  assert_true(isnan(value("creche_loop_groups", "loop=\"side\"")));
  assert_true(value("creche_loop_turn_seconds_count", "loop=\"main\"") >= 0);
  assert_int_equal(metrics.histograms, 2);
  OK(creche_loop_get_counters(loop, &c, sizeof c));
  /* A family for each counter, and two histograms. */
  assert_int_equal(metrics.families, (sizeof c - 8) / 8 + 2);
  assert_null(strstr(text, "session="));
}

static void sessions(void** state) {
  support_hostile* server = support_hostile_start(support_script_answer, ANSWER);
  creche_session a = open_session(loop, "a"), b = open_session(loop, "b"),
                 other = open_session(loop, NULL), same = open_session(loop, NULL);
  creche_session_counters c;
  creche_session_timings t;
  (void)state;
  assert_non_null(server);
  for (int i = 0; i < 3; i++) fetch(a, support_hostile_url(server));
  fetch(b, support_hostile_url(server));
  fetch(other, support_hostile_url(server));
  fetch(same, support_hostile_url(server));
  write_metrics(&loop, 1);
  is("creche_http_requests_total", "loop=\"main\",session=\"a\"", 3);
  is("creche_http_connects_total", "loop=\"main\",session=\"a\"", 1);
  is("creche_http_reuses_total", "loop=\"main\",session=\"a\"", 2);
  is("creche_http_requests_total", "loop=\"main\",session=\"b\"", 1);
  is("creche_http_requests_total", "loop=\"main\",session=\"\"", 2); /* added up */
  is("creche_http_idle_connections", "loop=\"main\",session=\"\"", 2);
  is("creche_http_request_seconds_count", "loop=\"main\",session=\"a\"", 3);
  /* The same as the counters and histograms themselves; seconds and bytes. */
  OK(creche_session_get_counters(a, &c, sizeof c));
  is("creche_http_received_bytes_total", "loop=\"main\",session=\"a\"", (double)c.bytes_received);
  assert_true(c.bytes_received >= 3 * strlen(ANSWER));
  OK(creche_session_get_timings(a, &t, sizeof t));
  assert_true(fabs(value("creche_http_request_seconds_sum", "loop=\"main\",session=\"a\"") -
                   (double)t.total.sum / 1e9) < 1e-9);
  uint64_t below = 0; /* 2^20 nanoseconds */
  for (int i = 0; i < 20; i++) below += t.total.buckets[i];
  assert_true(prometheus_value(&metrics, "creche_http_request_seconds_bucket",
                               "loop=\"main\",session=\"a\"", "0.001048575") == (double)below);
  assert_true(prometheus_value(&metrics, "creche_http_request_seconds_bucket",
                               "loop=\"main\",session=\"a\"", "+Inf") == 3);
  /* Renamed, released. */
  OK(creche_session_set_name(b, "c"));
  creche_session_release(a);
  write_metrics(&loop, 1);
  is("creche_http_requests_total", "loop=\"main\",session=\"c\"", 1);
  assert_true(isnan(value("creche_http_requests_total", "loop=\"main\",session=\"a\"")));
  support_hostile_stop(server);
}

/* Every counter and histogram of a struct is there: families are as many as the fields are. */
static size_t families_of(const char* prefix) {
  size_t n = 0;
  for (const char* at = text; (at = strstr(at, "# TYPE ")) != NULL; at += 7)
    n += strncmp(at + 7, prefix, strlen(prefix)) == 0;
  return n;
}
static void all_of_them(void** state) {
  creche_pool pool;
  (void)state;
  OK(creche_pool_open(loop, "host=127.0.0.1 port=1", NULL, &pool));
  open_session(loop, NULL);
  write_metrics(&loop, 1);
  assert_int_equal(families_of("creche_http_"),
                   (sizeof(creche_session_counters) - 8) / 8 +
                       (sizeof(creche_session_timings) - 8) / sizeof(creche_histogram));
  assert_int_equal(families_of("creche_pg_"),
                   (sizeof(creche_pool_counters) - 8) / 8 +
                       (sizeof(creche_pool_timings) - 8) / sizeof(creche_histogram));
}

static void a_pool(void** state) {
  support_postgres* server = support_postgres_start(NULL);
  creche_pool pool;
  (void)state;
  assert_non_null(server);
  OK(creche_pool_open(loop, support_postgres_url(server), NULL, &pool));
  OK(creche_pool_set_name(pool, "db"));
  for (int i = 0; i < 4; i++) OK(creche_execute(pool, "select 1", NULL, 0, NULL, NULL));
  write_metrics(&loop, 1);
  is("creche_pg_connections", "loop=\"main\",pool=\"db\"", 1);
  is("creche_pg_connects_total", "loop=\"main\",pool=\"db\"", 1);
  is("creche_pg_max_connections", "loop=\"main\",pool=\"db\"", 10);
  assert_true(value("creche_pg_statements_total", "loop=\"main\",pool=\"db\"") >= 4);
  assert_true(value("creche_pg_query_seconds_count", "loop=\"main\",pool=\"db\"") >= 4);
  assert_null(strstr(text, "postgres"));
  creche_pool_release(pool);
  support_postgres_stop(server);
}

static void groups(void** state) {
  creche_group_options o = group_options();
  creche_group group, limited, inner;
  (void)state;
  o.name = "pages";
  OK(creche_group_open(loop.scope, &o, creche_nobody, NULL, &group));
  OK(creche_group_open(group.scope, &o, creche_nobody, NULL, &inner));
  o.name = "two at a time";
  o.limit = 2;
  OK(creche_group_open(loop.scope, &o, creche_nobody, NULL, &limited));
  for (int i = 0; i < 5; i++)
    OK(creche_sleep_until(limited.scope, CRECHE_NEVER, NULL, creche_nobody, NULL, NULL));
  write_metrics(&loop, 1);
  is("creche_group_open", "loop=\"main\",group=\"pages\"", 2);
  is("creche_group_children", "loop=\"main\",group=\"pages\"", 1);
  is("creche_group_open", "loop=\"main\",group=\"two at a time\"", 1);
  is("creche_group_children", "loop=\"main\",group=\"two at a time\"", 5);
  is("creche_group_waiting", "loop=\"main\",group=\"two at a time\"", 3);
  assert_true(value("creche_group_oldest_seconds", "loop=\"main\",group=\"pages\"") < 3600);
  is("creche_loop_groups", "loop=\"main\"", 3);
  OK(creche_group_close(inner));
  OK(creche_group_close(group));
  OK(creche_scope_cancel(limited.scope, NULL));
  OK(creche_group_close(limited));
}

/* Several loops at once: each family once; those of the same name are added up. */
static void several_loops(void** state) {
  const creche_loop both[] = {loop, second}, twice[] = {loop, loop};
  (void)state;
  open_session(second, "a");
  open_session(loop, "a");
  write_metrics(both, 2);
  is("creche_http_requests_total", "loop=\"main\",session=\"a\"", 0);
  is("creche_http_requests_total", "loop=\"side\",session=\"a\"", 0);
  is("creche_loop_handles", "loop=\"side\"", 1);
  write_metrics(twice, 2);
  is("creche_loop_handles", "loop=\"main\"", 2);
}

/* Any bytes may be in a name. */
static void names(void** state) {
  creche_session session = open_session(loop, "a\\b\"c\nd");
  (void)state;
  write_metrics(&loop, 1);
  is("creche_http_requests_total", "loop=\"main\",session=\"a\\\\b\\\"c\\nd\"", 0);
  OK(creche_session_set_name(session, "\xff\xc3\xa9"));
  write_metrics(&loop, 1);
  is("creche_http_requests_total", "loop=\"main\",session=\"\xef\xbf\xbd\xc3\xa9\"", 0);
  OK(creche_session_set_name(session, NULL));
  write_metrics(&loop, 1);
  is("creche_http_requests_total", "loop=\"main\",session=\"\"", 0);
  for (int i = 0; i < 100; i++) { /* names of what has ended are forgotten, others stay */
    creche_session_release(open_session(loop, "gone"));
    if (i == 50) session = open_session(loop, "kept");
  }
  write_metrics(&loop, 1);
  is("creche_http_requests_total", "loop=\"main\",session=\"kept\"", 0);
}

static void never_a_secret(void** state) {
  support_hostile* server = support_hostile_start(support_script_answer, ANSWER);
  creche_session session = open_session(loop, NULL);
  creche_pool pool;
  char url[256];
  (void)state;
  assert_non_null(server);
  snprintf(url, sizeof url, "http://user:hunter2@127.0.0.1:%d/private?token=hunter2",
           support_hostile_port(server));
  fetch(session, url);
  OK(creche_pool_open(loop, "postgresql://u:hunter2@127.0.0.1:1/private", NULL, &pool));
  write_metrics(&loop, 1);
  assert_null(strstr(text, "hunter2"));
  assert_null(strstr(text, "private"));
  assert_null(strstr(text, "127.0.0.1"));
  support_hostile_stop(server);
}

static void misuse(void** state) {
  const creche_loop none = {{0}};
  creche_loop both[] = {loop, none};
  char small[20];
  size_t size = 0;
  (void)state;
  IS(creche_write_metrics(&loop, 1, 7, NULL, 0, &size), CRECHE_E_UNSUPPORTED);
  IS(creche_write_metrics(NULL, 1, 0, NULL, 0, &size), CRECHE_E_INVALID);
  IS(creche_write_metrics(&loop, 1, 0, NULL, 9, &size), CRECHE_E_INVALID);
  IS(creche_write_metrics(both, 2, 0, small, sizeof small, &size), CRECHE_E_BAD_HANDLE);
  IS(creche_write_metrics(&loop, 1, 0, small, sizeof small, &size), CRECHE_E_LIMIT);
  assert_int_equal(strlen(small), sizeof small - 1);
  assert_memory_equal(small, "# HELP creche_loop_", sizeof small - 1);
  assert_true(size > 1000);
  OK(creche_write_metrics(NULL, 0, 0, small, sizeof small, &size)); /* nothing of nothing */
  assert_string_equal(small, "");
}

/* It waits for no loop. */
static void block(void* user, const creche_completion* c) {
  (void)c;
  while (!atomic_load((atomic_int*)user)) nap_ms(1);
}
static void while_a_callback_blocks(void** state) {
  static atomic_int go;
  (void)state;
  go = 0;
  OK(creche_loop_post(loop, block, (void*)&go));
  write_metrics(&loop, 1);
  go = 1;
}

#define METRICS(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      METRICS(a_loop),         METRICS(sessions),
      METRICS(all_of_them),    METRICS(a_pool),
      METRICS(groups),         METRICS(several_loops),
      METRICS(names),          METRICS(misuse),
      METRICS(never_a_secret), METRICS(while_a_callback_blocks),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

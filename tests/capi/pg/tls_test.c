/* The same over TLS, where bytes may wait in OpenSSL while the socket is silent; and the names in
 * certificates, and passwords, while connecting. */
#include <dlfcn.h>
#include <netdb.h>

#include "pg_test.h"

/* *.test and *.localhost are this machine; nobody else is asked. */
__attribute__((visibility("default"))) int getaddrinfo(const char* node, const char* service,
                                                       const struct addrinfo* hints,
                                                       struct addrinfo** found) {
  int (*real)(const char*, const char*, const struct addrinfo*, struct addrinfo**);
  *(void**)&real = dlsym(RTLD_NEXT, "getaddrinfo");
  if (node != NULL && (strstr(node, ".test") || strstr(node, ".localhost"))) node = "127.0.0.1";
  return real(node, service, hints, found);
}

static creche_pool open_tls(uint32_t max_size) {
  creche_pool pool;
  creche_pool_options o;
  char dsn[400];
  snprintf(dsn, sizeof dsn,
           "host=127.0.0.1 port=%d user=postgres dbname=postgres sslmode=verify-ca sslrootcert=%s",
           support_postgres_port(server), support_postgres_ca_file(server));
  OK(creche_pool_options_init(&o, sizeof o));
  o.max_size = max_size;
  OK(creche_pool_open(loop, dsn, &o, &pool));
  return pool;
}

static void test_encrypted(void** state) {
  (void)state;
  creche_pool pool = open_tls(1);
  assert_int_equal(
      number(pool, "select count(*) from pg_stat_ssl where pid = pg_backend_pid() and ssl"), 1);
  close_pool(pool);
}

/* What a connection comes to; only these options differ. */
static void connects(const char* options, creche_status status, const char* state) {
  char dsn[500];
  creche_pool pool;
  answer a;
  snprintf(dsn, sizeof dsn, "port=%d dbname=postgres sslrootcert=%s %s",
           support_postgres_port(server), support_postgres_ca_file(server), options);
  OK(creche_pool_open(loop, dsn, NULL, &pool));
  run(pool, &a, "select count(*) from pg_stat_ssl where pid = pg_backend_pid() and ssl");
  print_message("%s\n", options);
  EXPECT(&a, status);
  if (status == CRECHE_OK) assert_int_equal(creche_row_int8(a.rows, 0, 0), 1);
  assert_string_equal(answer_state(&a), state);
  answer_free(&a);
  close_pool(pool);
}

/* A name is checked as the DSN has it, whatever address it stands for. */
static void test_names(void** state) {
  (void)state;
  connects("user=postgres sslmode=verify-full host=localhost", CRECHE_OK, "");
  connects("user=postgres sslmode=verify-full host=db.localhost", CRECHE_OK, "");
  connects("user=postgres sslmode=verify-full host=127.0.0.1", CRECHE_OK, "");
  connects("user=postgres sslmode=verify-full host=db.test", CRECHE_E_TLS_VERIFY, "");
  connects("user=postgres sslmode=verify-full host=db.test hostaddr=127.0.0.1", CRECHE_E_TLS_VERIFY,
           "");
  connects("user=postgres sslmode=verify-full host=localhost hostaddr=127.0.0.1", CRECHE_OK, "");
  connects("user=postgres sslmode=verify-full host=db.test,localhost", CRECHE_OK, "");
}

/* SCRAM inside of TLS, bound to it or not. */
static void test_passwords(void** state) {
  (void)state;
  creche_pool pool = open_tls(1);
  must(pool, "create role bound login password 'hunter2hunter2'");
  close_pool(pool);
  connects("user=bound password=hunter2hunter2 sslmode=require host=localhost", CRECHE_OK, "");
  connects("user=bound password=hunter2hunter2 channel_binding=require host=localhost", CRECHE_OK,
           "");
  connects("user=bound password=hunter2hunter2 channel_binding=disable host=localhost", CRECHE_OK,
           "");
  /* libpq tries again without TLS. */
  connects("user=bound password=hunter1 sslmode=prefer host=localhost", CRECHE_E_PG, "28P01");
}

/* Around the sizes of records and of our own buffers, in both directions, pipelined. */
static void test_values_of_all_sizes(void** state) {
  (void)state;
  static const size_t sizes[] = {0,     1,      8000,   8192,   16363,  16384,   16385,   32768,
                                 65536, 100000, 131072, 131073, 262144, 1000000, 3000000, 20000000};
  enum { kSizes = sizeof sizes / sizeof *sizes };
  static answer a[kSizes];
  char* bytes = malloc(sizes[kSizes - 1]);
  creche_pool pool = open_tls(1);
  creche_connection c = acquire(pool);
  for (size_t i = 0; i < sizes[kSizes - 1]; i++) bytes[i] = (char)(i * 31 + i / 257);
  for (int i = 0; i < kSizes; i++) {
    const creche_value v = creche_bytes(bytes, sizes[i]);
    answer_init(&a[i]);
    OK(creche_connection_query(c, loop.scope, "select $1", &v, 1, NULL, on_answer, &a[i], NULL));
  }
  for (int i = 0; i < kSizes; i++) {
    size_t size;
    EXPECT(&a[i], CRECHE_OK);
    assert_memory_equal(creche_row_bytes(a[i].rows, 0, 0, &size), bytes, sizes[i]);
    assert_int_equal(size, sizes[i]);
    answer_free(&a[i]);
  }
  creche_connection_release(c);
  close_pool(pool);
  free(bytes);
}

typedef struct rows_seen {
  answer a;
  int64_t next;
  int wrong;
} rows_seen;

static void on_rows(void* user, const creche_completion* c) {
  rows_seen* s = user;
  if (c->kind != CRECHE_ROWS) {
    on_answer(&s->a, c);
    return;
  }
  const creche_row_block* b = c->data;
  for (uint64_t r = 0; r < b->row_count; r++) {
    size_t size;
    creche_row_text(b, r, 1, &size);
    if (creche_row_int8(b, r, 0) != s->next || size != (size_t)(s->next * 37 % 3000)) s->wrong++;
    s->next++;
  }
  creche_rows_release((creche_rows){c->value});
}

static void test_stream(void** state) {
  (void)state;
  creche_pool pool = open_tls(1);
  creche_query_options o;
  OK(creche_query_options_init(&o, sizeof o));
  o.block_rows = 77;
  o.blocks = 1; /* held back again and again */
  rows_seen s = {.next = 1};
  answer_init(&s.a);
  OK(creche_pool_stream(
      pool, loop.scope,
      "select i::int8, repeat('x', i * 37 % 3000) from generate_series(1, 30000) i", NULL, 0, &o,
      on_rows, &s, NULL));
  EXPECT(&s.a, CRECHE_OK);
  assert_int_equal(s.next, 30001);
  assert_int_equal(s.wrong, 0);
  answer_free(&s.a);
  assert_int_equal(counters(pool).connects, 1);
  close_pool(pool);
}

static void test_cancel(void** state) {
  (void)state;
  creche_pool pool = open_tls(1);
  answer a;
  creche_task task;
  answer_init(&a);
  OK(creche_pool_query(pool, loop.scope, "select pg_sleep(60)", NULL, 0, NULL, on_answer, &a,
                       &task));
  nap_ms(50);
  OK(creche_scope_cancel(task.scope, NULL));
  EXPECT(&a, CRECHE_E_CANCELLED);
  answer_free(&a);
  assert_int_equal(number(pool, "select 4"), 4);
  close_pool(pool);
}

static int start_tls_server(void** state) {
  (void)state;
  server = support_postgres_start(
      &(support_postgres_options){.tls = 1, .hba = "host all bound all scram-sha-256\n"});
  return server != NULL && creche_loop_open(NULL, &loop) == CRECHE_OK ? 0 : -1;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_encrypted), cmocka_unit_test(test_names),
      cmocka_unit_test(test_passwords), cmocka_unit_test(test_values_of_all_sizes),
      cmocka_unit_test(test_stream),    cmocka_unit_test(test_cancel),
  };
  return cmocka_run_group_tests(tests, start_tls_server, stop_server);
}

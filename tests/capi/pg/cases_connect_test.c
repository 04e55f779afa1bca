/* Connecting: passwords and where they come from, the modes of TLS with servers that want it or
 * have none: cases of CASES.md. */
#include <sys/stat.h>

#include "pg_test.h"

static support_postgres* without_tls;
static char folder[300]; /* of the server's certificates */

static int start_both(void** state) {
  static const char rules[] =
      "hostssl   all covered   all trust\n"
      "hostnossl all covered   all reject\n"
      "hostssl   all bare      all reject\n"
      "hostnossl all bare      all trust\n"
      "hostssl   all shown     all cert map=shown\n"
      "host      all known,wide,other,\"a:b\\c\" all scram-sha-256\n"
      "host      all soft      all scram-sha-256\n";
  (void)state;
  server = support_postgres_start(&(support_postgres_options){.tls = 1, .hba = rules});
  without_tls = support_postgres_start(NULL);
  if (server == NULL || without_tls == NULL) return -1;
  snprintf(folder, sizeof folder, "%s", support_postgres_ca_file(server));
  *strrchr(folder, '/') = '\0';
  if (creche_loop_open(NULL, &loop) != CRECHE_OK) return -1;
  creche_pool pool = open_pool(1);
  must(pool, "create role covered login");
  must(pool, "create role bare login");
  must(pool, "create role shown login");
  must(pool, "create role known login password 'of known'");
  must(pool, "create role wide login password 'of wide'");
  must(pool, "create role other login password 'of other'");
  must(pool, "create role \"a:b\\c\" login password 'p:q\\r'");
  must(pool, "create role soft login password 'IX'");
  close_pool(pool);
  return 0;
}
static int stop_both(void** state) {
  support_postgres_stop(without_tls);
  return stop_server(state);
}

/* What comes of a DSN; whether it is over TLS is in a. */
static void attempt(const char* dsn, answer* a) {
  creche_pool pool;
  OK(creche_pool_open(loop, dsn, NULL, &pool));
  run(pool, a,
      "select current_user::text, coalesce((select version from pg_stat_ssl "
      "where pid = pg_backend_pid() and ssl), '')");
  answer_wait(a);
  close_pool(pool);
}

/* expected: a version of TLS, "" for none, or a sqlstate or the name of a status. Of localhost's
 * second address, where nobody listens, nothing is said if the first one is more to the point. */
static void comes_to(const support_postgres* at, const char* more, const char* expected) {
  char dsn[600];
  answer a;
  snprintf(dsn, sizeof dsn, "host=localhost port=%d dbname=postgres gssencmode=disable %s",
           support_postgres_port(at), more);
  attempt(dsn, &a);
  const char* got = a.status == CRECHE_OK     ? creche_row_text(a.rows, 0, 1, NULL)
                    : a.status == CRECHE_E_PG ? answer_state(&a)
                    : a.error->phase == CRECHE_PHASE_AUTH
                        ? "AUTH"
                        : creche_status_name(a.status) + strlen("CRECHE_E_");
  if (strncmp(got, expected, strlen(expected)) != 0 || (*expected == '\0' && *got != '\0'))
    fail_msg("%s: \"%s\", not \"%s\": %s", more, got, expected, creche_error_message(a.error));
  answer_free(&a);
}

/* ---- Modes of TLS ---- */

static void modes_of_tls(void** state) {
  (void)state;
  static const struct {
    const char *mode, *covered, *bare;
  } cases[] = {
      {"disable", "28000", ""},    {"allow", "TLS", ""},          {"prefer", "TLS", ""},
      {"require", "TLS", "28000"}, {"verify-ca", "TLS", "28000"}, {"verify-full", "TLS", "28000"},
  };
  char more[500];
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    for (int bare = 0; bare < 2; bare++) {
      snprintf(more, sizeof more, "user=%s sslmode=%s sslrootcert=%s", bare ? "bare" : "covered",
               cases[i].mode, support_postgres_ca_file(server));
      comes_to(server, more, bare ? cases[i].bare : cases[i].covered);
    }
    /* A server that has none. */
    snprintf(more, sizeof more, "user=postgres sslmode=%s sslrootcert=%s", cases[i].mode,
             support_postgres_ca_file(server));
    comes_to(without_tls, more, i < 3 ? "" : "TLS");
  }
  /* An authority that has not signed it; none, with the modes that look. */
  snprintf(more, sizeof more, "user=covered sslmode=verify-ca sslrootcert=%s/expired.pem", folder);
  comes_to(server, more, "TLS_VERIFY");
  snprintf(more, sizeof more, "user=covered sslmode=verify-full sslrootcert=%s/nowhere.pem",
           folder);
  comes_to(server, more, "TLS");
}

static void versions_of_tls(void** state) {
  (void)state;
  comes_to(server, "user=covered sslmode=require ssl_max_protocol_version=TLSv1.2", "TLSv1.2");
  comes_to(server, "user=covered sslmode=require ssl_min_protocol_version=TLSv1.3", "TLSv1.3");
  comes_to(server,
           "user=covered sslmode=require ssl_min_protocol_version=TLSv1.3 "
           "ssl_max_protocol_version=TLSv1.2",
           "INVALID");
  comes_to(server, "user=covered sslmode=require ssl_min_protocol_version=SSLv3", "INVALID");
}

/* Who shows a certificate is who it says; who shows none, or another user's, is not let in. */
static void certificates_of_clients(void** state) {
  (void)state;
  char more[800], map[400];
  snprintf(map, sizeof map, "%s/data/pg_ident.conf", folder);
  FILE* file = fopen(map, "w");
  assert_non_null(file);
  fputs("shown \"test client\" shown\n", file);
  fclose(file);
  creche_pool pool = open_pool(1);
  must(pool, "select pg_reload_conf()");
  close_pool(pool);
  snprintf(more, sizeof more,
           "user=shown sslmode=require sslcert=%s/client.pem sslkey=%s/client.key", folder, folder);
  for (const int64_t end = now_ms() + PATIENCE_MS;; nap_ms(10)) { /* the map is read in time */
    answer a;
    char dsn[900];
    snprintf(dsn, sizeof dsn, "host=localhost port=%d dbname=postgres %s",
             support_postgres_port(server), more);
    attempt(dsn, &a);
    const int done = a.status == CRECHE_OK || now_ms() > end;
    answer_free(&a);
    if (done) break;
  }
  comes_to(server, more, "TLS");
  snprintf(more, sizeof more, "user=shown sslmode=require sslcert=%s/none.pem", folder);
  comes_to(server, more, "28000");
  snprintf(more, sizeof more,
           "user=shown sslmode=require sslcert=%s/server.pem sslkey=%s/server.key", folder, folder);
  comes_to(server, more, "28000");
  snprintf(more, sizeof more,
           "user=shown sslmode=require sslcert=%s/client.pem sslkey=%s/server.key", folder, folder);
  comes_to(server, more, "TLS");
}

/* ---- Passwords ---- */

static void written(const char* path, const char* text, mode_t mode) {
  FILE* file = fopen(path, "w");
  assert_non_null(file);
  fputs(text, file);
  fclose(file);
  assert_int_equal(chmod(path, mode), 0);
}

static void passwords_from_a_file(void** state) {
  (void)state;
  char path[] = "/tmp/creche_pass_XXXXXX", text[1000], more[400];
  close(mkstemp(path));
  const int port = support_postgres_port(server);
  snprintf(text, sizeof text,
           "# a comment\nother.host:*:*:known:wrong\nlocalhost:%d:postgres:known:of known\n"
           "localhost:%d:*:known:too late\n*:*:*:wide:of wide\n\n"
           "localhost:*:*:a\\:b\\\\c:p\\:q\\\\r\n",
           port, port);
  written(path, text, 0600);
  snprintf(more, sizeof more, "user=known passfile=%s", path);
  comes_to(server, more, "TLS");
  snprintf(more, sizeof more, "user=wide passfile=%s sslmode=disable", path);
  comes_to(server, more, "");
  snprintf(more, sizeof more, "user='a:b\\\\c' passfile=%s", path);
  comes_to(server, more, "TLS");
  snprintf(more, sizeof more, "user=other passfile=%s", path);
  comes_to(server, more, "AUTH");
  /* The DSN's own goes first. */
  snprintf(more, sizeof more, "user=known password=wrong passfile=%s", path);
  comes_to(server, more, "28P01");
  setenv("PGPASSFILE", path, 1);
  comes_to(server, "user=known", "TLS");
  /* Files that others may read, that are none, or that are not there. */
  assert_int_equal(chmod(path, 0644), 0);
  comes_to(server, "user=known", "AUTH");
  setenv("PGPASSFILE", "/tmp", 1);
  comes_to(server, "user=known", "AUTH");
  setenv("PGPASSFILE", "/nowhere/at/all", 1);
  comes_to(server, "user=known", "AUTH");
  unsetenv("PGPASSFILE");
  unlink(path);
  setenv("PGPASSWORD", "of known", 1);
  comes_to(server, "user=known", "TLS");
  unsetenv("PGPASSWORD");
}

/* Services: what the DSN says itself goes first, and then the environment. */
static void services(void** state) {
  (void)state;
  char path[] = "/tmp/creche_serv_XXXXXX", text[500], dsn[100];
  close(mkstemp(path));
  snprintf(text, sizeof text,
           "# services\n[one]\nhost=localhost\nport=%d\nuser=known\npassword=of known\n"
           "dbname=postgres\n\n[two]\nhost=nowhere.invalid\n",
           support_postgres_port(server));
  written(path, text, 0644);
  setenv("PGSERVICEFILE", path, 1);
  for (int i = 0; i < 6; i++) {
    static const char* const dsns[] = {"service=one",
                                       "postgresql:///?service=one",
                                       "service=one user=wide password='of wide'",
                                       "service=none",
                                       "",
                                       NULL};
    answer a;
    if (i >= 4) setenv("PGSERVICE", "one", 1);
    if (dsns[i] != NULL) snprintf(dsn, sizeof dsn, "%s", dsns[i]);
    attempt(dsns[i] != NULL ? dsn : NULL, &a);
    if (i == 3) {
      EXPECT(&a, CRECHE_E_INVALID);
      assert_non_null(strstr(a.error->message, "service"));
    } else {
      EXPECT(&a, CRECHE_OK);
      assert_string_equal(creche_row_text(a.rows, 0, 0, NULL), i == 2 ? "wide" : "known");
    }
    answer_free(&a);
  }
  unsetenv("PGSERVICE");
  unsetenv("PGSERVICEFILE");
  unlink(path);
}

/* A soft hyphen is nothing, and what looks like IX is IX (SASLprep). */
static void passwords_are_prepared(void** state) {
  (void)state;
  comes_to(server, "user=soft password='I\xc2\xadX'", "TLS");
  comes_to(server, "user=soft password='\xe2\x85\xa8'", "TLS");
  comes_to(server, "user=soft password=ix", "28P01");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(modes_of_tls),
      cmocka_unit_test(versions_of_tls),
      cmocka_unit_test(certificates_of_clients),
      cmocka_unit_test(passwords_from_a_file),
      cmocka_unit_test(services),
      cmocka_unit_test(passwords_are_prepared),
  };
  return cmocka_run_group_tests_name("cases of connecting", tests, start_both, stop_both);
}

/* A DSN with a slip of the pen: what is wrong with it is said, and no message shows a password. */
#include <sys/stat.h>

#include "names.h"
#include "pg_test.h"

static int look_up(const char* name, const char* service, const struct addrinfo* hints,
                   struct addrinfo** found, getaddrinfo_fn real) {
  (void)name, (void)service, (void)hints, (void)found, (void)real;
  return EAI_NONAME;
}

static creche_pool open_by(const char* dsn) {
  creche_pool pool;
  OK(creche_pool_open(loop, dsn, NULL, &pool));
  return pool;
}

static void test_ports(void** state) {
  (void)state;
  static const char* const ports[] = {"99999", "0", "a", "-1", "5432x", "65536"};
  for (size_t i = 0; i < sizeof ports / sizeof *ports; i++) {
    char dsn[100];
    answer a;
    snprintf(dsn, sizeof dsn, i % 2 ? "host=h port=%s" : "postgres://u@h:%s/d", ports[i]);
    creche_pool pool = open_by(dsn);
    run(pool, &a, "select 1");
    EXPECT(&a, CRECHE_E_INVALID);
    assert_int_equal(a.error->phase, CRECHE_PHASE_OPTIONS);
    if (!strstr(a.error->message, "1 to 65535")) fail_msg("%s", a.error->message);
    answer_free(&a);
    close_pool(pool);
  }
}

/* What is wrong is said, without what may be a password. */
static void test_what_a_dsn_lacks(void** state) {
  (void)state;
  static const struct {
    const char *dsn, *says;
  } cases[] = {
      {"postgres://u:top%secret@h/d", "%25"},
      {"postgres://u:pw@[::1/d", "\"]\""},
      {"postgres://h/d?color=red", "\"color\""},
      {"postgres://h/d?color", "no \"=\""},
      {"host=h colour=red", "\"colour\""},
      {"host=h topsecret", "no \"=\""},
      {"host=h password='topsecret", "quote"},
      {"host=h sslmode=secret", "sslmode"},
      {"host=h sslmode=secret", "verify-full"},
      {"host=h connect_timeout=secret", "connect_timeout"},
      {"postgres://u:a@secret@h/d", "%40"},
      {"postgres://u:secret/b@h/d", "%40"},
      {"host=a@secret", "%40"},
      {"postgres://h?target_session_attrs=secret", "read-write"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    answer a;
    creche_pool pool = open_by(cases[i].dsn);
    run(pool, &a, "select 1");
    EXPECT(&a, CRECHE_E_INVALID);
    if (!strstr(a.error->message, cases[i].says) || strstr(a.error->message, "secret"))
      fail_msg("%s: %s", cases[i].dsn, a.error->message);
    answer_free(&a);
    close_pool(pool);
  }
}

static const char kPassword[] = "Tr0ub4dor+Horse";

static void no_piece_in(const char* text, const char* dsn) {
  if (text == NULL) return;
  for (size_t i = 0; i + 3 <= strlen(kPassword); i++) {
    char piece[4] = {0};
    memcpy(piece, kPassword + i, 3);
    if (strstr(text, piece)) fail_msg("\"%s\" is in: %s\n(DSN: %s)", piece, text, dsn);
  }
}

static void try_dsn(const char* dsn) {
  answer a;
  creche_pool pool;
  if (creche_pool_open(loop, dsn, NULL, &pool) != CRECHE_OK) {
    no_piece_in(creche_last_error()->message, dsn);
    return;
  }
  answer_init(&a);
  OK(creche_pool_acquire(pool, loop.scope, NULL, on_answer, &a, NULL));
  (void)answer_wait(&a);
  for (const creche_error* e = a.error; e != NULL; e = e->cause) {
    no_piece_in(e->message, dsn);
    no_piece_in(e->server_message, dsn);
  }
  answer_free(&a);
  close_pool(pool);
}

/* Each byte of a good DSN replaced, dropped, or with another in front of it. */
static void test_no_message_has_a_password(void** state) {
  (void)state;
  static const char kBytes[] = "@:/%[= ?";
  static const char* const kForms[] = {
      "postgres://nobody:%s@db.test:%d/nowhere",
      "host=db.test port=%2$d user=nobody password=%1$s dbname=nowhere",
      "postgres://db.test:%2$d/nowhere?user=nobody&password=%1$s",
  };
  for (size_t form = 0; form < sizeof kForms / sizeof *kForms; form++) {
    char good[200], bad[210];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(good, sizeof good, kForms[form], kPassword, support_postgres_port(server));
#pragma GCC diagnostic pop
    const size_t size = strlen(good);
    for (size_t at = 0; at < size; at++) {
      snprintf(bad, sizeof bad, "%.*s%s", (int)at, good, good + at + 1);
      try_dsn(bad);
      for (size_t b = 0; b + 1 < sizeof kBytes; b++) {
        snprintf(bad, sizeof bad, "%.*s%c%s", (int)at, good, kBytes[b], good + at + 1);
        try_dsn(bad);
        if (b != at % (sizeof kBytes - 1)) continue; /* insertions are rarer: connecting costs */
        snprintf(bad, sizeof bad, "%.*s%c%s", (int)at, good, kBytes[b], good + at);
        try_dsn(bad);
      }
    }
  }
}

static const char* said(answer* a, const char* form) {
  char dsn[200];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
  snprintf(dsn, sizeof dsn, form, support_postgres_port(server));
#pragma GCC diagnostic pop
  creche_pool pool = open_by(dsn);
  run(pool, a, "select 1");
  close_pool(pool);
  return creche_error_message(a->error);
}

/* The user, hosts and paths are no secrets, whatever the password is. */
static void test_only_passwords_are_hidden(void** state) {
  (void)state;
  static const struct {
    const char *dsn, *says;
  } cases[] = {
      {"postgresql://er@127.0.0.1:%d/postgres", "role \"er\" does not exist"},
      {"postgresql://role@127.0.0.1:%d/postgres", "role \"role\" does not exist"},
      {"postgresql://server:server@127.0.0.1:%d/postgres", "role \"server\" does not exist"},
      {"postgresql://1:1@127.0.0.1:%d/postgres", "role \"1\" does not exist"},
      {"postgresql://postgres:role@127.0.0.1:%d/er", "database \"er\" does not exist"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    answer a;
    if (!strstr(said(&a, cases[i].dsn), cases[i].says))
      fail_msg("%s", creche_error_message(a.error));
    answer_free(&a);
  }
}

/* A file of passwords that others may read is not read, and libpq says nothing on stderr of it. */
static void test_passfile(void** state) {
  (void)state;
  char file[] = "/tmp/creche_pass_XXXXXX", err[] = "/tmp/creche_err_XXXXXX", text[1];
  const int made = mkstemp(file), log = mkstemp(err), before = dup(STDERR_FILENO);
  assert_true(made >= 0 && log >= 0 && before >= 0);
  assert_int_equal(fchmod(made, 0644), 0);
  setenv("PGPASSFILE", file, 1);
  assert_true(dup2(log, STDERR_FILENO) >= 0);
  creche_pool pool = open_pool(1);
  answer a;
  const creche_status got = run(pool, &a, "select 1");
  answer_free(&a);
  close_pool(pool);
  assert_true(dup2(before, STDERR_FILENO) >= 0);
  unsetenv("PGPASSFILE");
  assert_int_equal(got, CRECHE_OK);
  assert_int_equal(pread(log, text, 1, 0), 0);
  close(made), close(log), close(before);
  unlink(file), unlink(err);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_ports),
      cmocka_unit_test(test_what_a_dsn_lacks),
      cmocka_unit_test(test_no_message_has_a_password),
      cmocka_unit_test(test_only_passwords_are_hidden),
      cmocka_unit_test(test_passfile),
  };
  return cmocka_run_group_tests(tests, start_server, stop_server);
}

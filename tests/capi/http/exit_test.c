/* exit() while the library's threads work: it ends the process, and nothing else. */
#include <openssl/evp.h>

#include "http_test.h"
#include "support/child.h"

/* Programs that use OpenSSL themselves have it clean up at exit: a worker of ours that reads
 * certificates then would use what is gone. */
static void in_the_middle_of_certificates(void** state) {
  (void)state;
  const char* url = "https://127.0.0.1:1/"; /* nobody listens; they are read all the same */
  for (int i = 0; i < 20; i++) {
    int status;
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
      unsigned char digest[EVP_MAX_MD_SIZE];
      size_t size;
      creche_loop l;
      creche_session s;
      if (EVP_Q_digest(NULL, "SHA256", NULL, "", 0, digest, &size) != 1) _exit(2);
      if (creche_loop_open(NULL, &l) || creche_session_open(l, NULL, &s)) _exit(3);
      if (creche_session_fetch(s, l.scope, url, NULL, creche_nobody, NULL, NULL)) _exit(4);
      usleep((useconds_t)(i * 500)); /* anywhere in it */
      exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
  }
}

/* And so would a loop that makes itself known to servers. What it cannot begin any more fails, and
 * it can be joined by who comes behind it at exit. */
static creche_loop opened;
static creche_session session;
static const char* server_url;
static int ends[2];

static void fetch_again(void* user, const creche_completion* c) {
  (void)user;
  if (c != NULL && write(ends[1], "", 1) != 1) _exit(2);
  if (creche_session_fetch(session, opened.scope, server_url, NULL, fetch_again, NULL, NULL) !=
      CRECHE_OK)
    return;
}
/* Behind all that is cleaned up at exit. What is encrypted and ends then is left, not freed. */
static void leave(void) {
  _exit(0);
}
static void join_at_exit(void) {
  creche_loop_close(opened);
  _exit(creche_loop_join(opened, PATIENCE) == CRECHE_OK ? 0 : 5);
}

static void in_the_middle_of_handshakes(void** state) {
  (void)state;
  /* In a process of its own: a fork would find locks of OpenSSL held by threads of this one. */
  support_nginx* server = support_nginx_start(NULL);
  char url[96];
  snprintf(url, sizeof url, "%s/small", support_nginx_https_url(server));
  server_url = url;
  for (int i = 0; i < 20; i++) {
    int status;
    assert_int_equal(pipe(ends), 0);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
      unsigned char digest[EVP_MAX_MD_SIZE];
      size_t size;
      char byte;
      creche_session_options o = session_options();
      atexit(i % 2 ? join_at_exit : leave);
      if (EVP_Q_digest(NULL, "SHA256", NULL, "", 0, digest, &size) != 1) _exit(2);
      o.flags |= CRECHE_SESSION_INSECURE;
      o.max_requests = 1; /* of a connection */
      if (creche_loop_open(NULL, &opened) || creche_session_open(opened, &o, &session)) _exit(3);
      for (int k = 0; k < 8; k++) fetch_again(NULL, NULL);
      for (int k = 0; k < 20 + i; k++)
        if (read(ends[0], &byte, 1) != 1) _exit(4);
      exit(0);
    }
    close(ends[1]);
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
  }
  support_nginx_stop(server);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(in_the_middle_of_certificates),
      cmocka_unit_test(in_the_middle_of_handshakes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

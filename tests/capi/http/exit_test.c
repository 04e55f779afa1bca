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

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(in_the_middle_of_certificates),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

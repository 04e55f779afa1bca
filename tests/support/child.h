/* Tests in a child of their own: what they do to their process is gone with it. */
#ifndef SUPPORT_CHILD_H
#define SUPPORT_CHILD_H

#include <sys/wait.h>
#include <unistd.h>

#include "support/fixture.h"

/* A test in a child returns 0, the line of what failed, or that it could not be made here.
 * Assertions of cmocka would jump into the parent's. */
enum { CANNOT_BE_MADE = -1 };
#define WANT(condition) \
  if (!(condition)) return __LINE__

static inline void run_in_child(int (*test)(void), const char* file) {
  int status;
  const pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    const int line = test();
    if (line > 0)
      fprintf(stderr, "%s:%d: failed in the child; the last error: %s\n", file, line,
              creche_last_error()->message);
    _exit(line == CANNOT_BE_MADE ? 77 : line != 0);
  }
  assert_int_equal(waitpid(child, &status, 0), child);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 77) skip();
  assert_int_equal(status, 0);
}
#define in_child(test) run_in_child(test, __FILE__)

#endif

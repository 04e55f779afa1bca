/* The end of a loop: gently, with what is left named; and in the child of a fork. */
#include <dirent.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/core.h"

/* ---- After fork ---- */
static int descriptors_like(const char* part) {
  DIR* folder = opendir("/proc/self/fd");
  struct dirent* entry;
  int count = 0;
  if (folder == NULL) return -1;
  while ((entry = readdir(folder)) != NULL) {
    char to[128];
    const ssize_t n = readlinkat(dirfd(folder), entry->d_name, to, sizeof to - 1);
    if (n < 0) continue;
    to[n] = '\0';
    count += strstr(to, part) != NULL;
  }
  closedir(folder);
  return count;
}

/* A child gives back the descriptors of its parent's loop; the parent goes on with its own. */
static void abandoned_in_a_child(void** state) {
  creche_loop l, other;
  creche_queue queue;
  creche_task_options t = task_options();
  creche_completion c;
  size_t n;
  int status, i;
  pid_t child;
  const int epolls = descriptors_like("[eventpoll]"), events = descriptors_like("[eventfd]");
  (void)state;
  OK(creche_loop_open(NULL, &other)); /* stays the child's burden: it does not abandon this one */
  OK(creche_loop_open(NULL, &l));
  assert_int_equal(descriptors_like("[eventpoll]"), epolls + 2);
  child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    int wrong = creche_loop_abandon(l) != CRECHE_OK;
    wrong |= (descriptors_like("[eventpoll]") != epolls + 1) << 1;
    wrong |= (descriptors_like("[eventfd]") != events + 1) << 2;
    wrong |= (creche_loop_abandon(l) != CRECHE_OK) << 3;
    wrong |= (descriptors_like("[eventpoll]") != epolls + 1) << 4;
    _exit(wrong);
  }
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
  /* The parent's set still has what it had: wake-ups from this thread arrive. */
  OK(creche_queue_open(l, NULL, &queue));
  t.queue = queue;
  for (i = 0; i < 20; i++) {
    OK(creche_sleep(l.scope, CRECHE_MICROSECOND, &t, NULL, NULL, NULL));
    OK(creche_queue_wait(queue, &c, 1, PATIENCE, &n));
    assert_int_equal(n, 1);
    creche_completions_release(&c, n);
  }
  OK(creche_loop_close(l));
  OK(creche_loop_join(l, PATIENCE));
  OK(creche_loop_close(other));
  OK(creche_loop_join(other, PATIENCE));
  assert_int_equal(descriptors_like("[eventpoll]"), epolls);
}

int main(void) {
  const struct CMUnitTest tests[] = {TEST(abandoned_in_a_child)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The library as other languages load it: by its path, at run time, perhaps twice.
 * Usage: <libcreche.so> */
#include <creche/creche.h>
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static const char* library_path;

typedef struct library {
  void* handle;
  creche_status (*loop_open)(const creche_loop_options*, creche_loop*);
  creche_status (*loop_close)(creche_loop);
  creche_status (*loop_join)(creche_loop, int64_t);
  creche_done_fn nobody;
} library;

/* C has no cast from an object's address to a function's; POSIX says that the bytes are the same.
 */
static void find(void* handle, const char* name, void* function) {
  void* found = dlvsym(handle, name, "CRECHE_0.1");
  if (found == NULL) fail_msg("%s", dlerror());
  memcpy(function, &found, sizeof found);
}

static library load(const char* path) {
  library loaded;
  loaded.handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (loaded.handle == NULL) fail_msg("%s", dlerror());
  find(loaded.handle, "creche_loop_open", &loaded.loop_open);
  find(loaded.handle, "creche_loop_close", &loaded.loop_close);
  find(loaded.handle, "creche_loop_join", &loaded.loop_join);
  find(loaded.handle, "creche_nobody", &loaded.nobody);
  return loaded;
}

static int entries(const char* folder) {
  int count = 0;
  DIR* directory = opendir(folder);
  assert_non_null(directory);
  while (readdir(directory) != NULL) count++;
  closedir(directory);
  return count;
}

/* First of all tests: it needs a process that has not loaded the library. */
static void loading_does_nothing(void** state) {
  (void)state;
  const int threads = entries("/proc/self/task");
  const int descriptors = entries("/proc/self/fd");
  struct sigaction before[32], after;
  for (int i = 1; i < 32; i++) sigaction(i, NULL, &before[i]);
  const library loaded = load(library_path);
  assert_int_equal(entries("/proc/self/task"), threads);
  assert_int_equal(entries("/proc/self/fd"), descriptors);
  for (int i = 1; i < 32; i++) {
    sigaction(i, NULL, &after);
    assert_true(before[i].sa_handler == after.sa_handler);
  }
  dlclose(loaded.handle);
}

static void closing_the_library_under_a_running_loop_is_safe(void** state) {
  (void)state;
  creche_loop loop;
  const library loaded = load(library_path);
  assert_int_equal(loaded.loop_open(NULL, &loop), CRECHE_OK);
  assert_int_equal(dlclose(loaded.handle), 0);
  /* Still there: threads of its own run its code. */
  const library again = load(library_path);
  assert_true(again.loop_open == loaded.loop_open);
  assert_int_equal(again.loop_close(loop), CRECHE_OK);
  assert_int_equal(again.loop_join(loop, 10 * CRECHE_SECOND), CRECHE_OK);
  dlclose(again.handle);
}

static void copy_file(const char* from, const char* to) {
  struct stat status;
  const int in = open(from, O_RDONLY | O_CLOEXEC);
  const int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700);
  assert_true(in >= 0 && out >= 0 && fstat(in, &status) == 0);
  for (off_t sent = 0; sent < status.st_size;)
    assert_true(sendfile(out, in, &sent, (size_t)(status.st_size - sent)) > 0);
  close(in);
  close(out);
}

static void two_copies_live_side_by_side(void** state) {
  (void)state;
  char path[] = "/tmp/creche-copy-XXXXXX";
  assert_int_equal(close(mkstemp(path)), 0);
  unlink(path);
  copy_file(library_path, path);
  const library one = load(library_path);
  const library two = load(path);
  unlink(path);
  assert_true(one.loop_open != two.loop_open);
  assert_true(one.nobody != two.nobody);

  creche_loop first, second;
  assert_int_equal(one.loop_open(NULL, &first), CRECHE_OK);
  assert_int_equal(two.loop_open(NULL, &second), CRECHE_OK);
  /* What one copy made, the other has never heard of. */
  assert_int_equal(one.loop_close(second), CRECHE_E_BAD_HANDLE);
  assert_int_equal(two.loop_close(first), CRECHE_E_BAD_HANDLE);
  assert_int_equal(one.loop_close(first), CRECHE_OK);
  assert_int_equal(two.loop_close(second), CRECHE_OK);
  assert_int_equal(one.loop_join(first, 10 * CRECHE_SECOND), CRECHE_OK);
  assert_int_equal(two.loop_join(second, 10 * CRECHE_SECOND), CRECHE_OK);
  dlclose(one.handle);
  dlclose(two.handle);
}

int main(int argc, char** argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(loading_does_nothing),
      cmocka_unit_test(closing_the_library_under_a_running_loop_is_safe),
      cmocka_unit_test(two_copies_live_side_by_side),
  };
  if (argc != 2) return fprintf(stderr, "usage: %s <libcreche.so>\n", argv[0]), 2;
  library_path = argv[1];
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* How the library's threads look: what they are called, how big their stacks are, how many there
 * are. */
#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>

#include "support/child.h"
#include "support/core.h"

static int threads_called(const char* name) {
  DIR* folder = opendir("/proc/self/task");
  struct dirent* entry;
  int count = 0;
  assert_non_null(folder);
  while ((entry = readdir(folder)) != NULL) {
    char path[300], comm[20] = "";
    snprintf(path, sizeof path, "/proc/self/task/%s/comm", entry->d_name);
    FILE* file = fopen(path, "r");
    if (file == NULL) continue;
    if (fgets(comm, sizeof comm, file)) comm[strcspn(comm, "\n")] = '\0';
    fclose(file);
    count += strcmp(comm, name) == 0;
  }
  closedir(folder);
  return count;
}
static size_t my_stack(void) {
  pthread_attr_t attributes;
  size_t size = 0;
  if (pthread_getattr_np(pthread_self(), &attributes) != 0) return 0;
  pthread_attr_getstacksize(&attributes, &size);
  pthread_attr_destroy(&attributes);
  return size;
}

static creche_threads_options threads_options(void) {
  creche_threads_options o;
  OK(creche_threads_options_init(&o, sizeof o));
  return o;
}
static creche_loop open_other(const char* name) {
  creche_loop_options o;
  creche_loop l;
  OK(creche_loop_options_init(&o, sizeof o));
  o.name = name;
  o.stall_after = 10 * CRECHE_SECOND;
  OK(creche_loop_open(&o, &l));
  return l;
}
static void end(creche_loop l) {
  OK(creche_loop_close(l));
  OK(creche_loop_join(l, PATIENCE));
}
static int as_ever(void** state) {
  (void)state;
  return creche_set_threads(NULL) != CRECHE_OK;
}

static size_t stack_of_worker, stack_of_loop;
static creche_status in_worker(void* arg, creche_task task, uint64_t* value) {
  (void)task;
  stack_of_worker = my_stack();
  *value = (uint64_t)threads_called(arg);
  return CRECHE_OK;
}
static void on_loop(void* user, const creche_completion* c) {
  if (c->kind == CRECHE_POST) stack_of_loop = my_stack();
  if (c->kind == CRECHE_DONE) *(atomic_int*)user = 1 + (int)c->value;
}
/* One of each kind; what the worker has seen of its own. */
static int workers_seen(creche_loop l, const char* name) {
  atomic_int seen_there = 0;
  OK(creche_loop_post(l, on_loop, NULL));
  OK(creche_offload(l.scope, in_worker, (void*)(uintptr_t)name, NULL, on_loop, &seen_there, NULL));
  AWAIT(atomic_load(&seen_there) != 0);
  return seen_there - 1;
}

static void names(void** state) {
  creche_threads_options o = threads_options();
  creche_loop l;
  (void)state;
  assert_string_equal(o.prefix, "creche");
  l = open_other(NULL);
  assert_int_equal(threads_called("creche"), 1);
  assert_int_equal(threads_called("creche-watchdog"), 1);
  assert_int_equal(workers_seen(l, "creche-worker"), 1);
  end(l);
  o.prefix = "web";
  OK(creche_set_threads(&o));
  l = open_other(NULL);
  assert_int_equal(threads_called("web"), 1);
  assert_int_equal(threads_called("web-watchdog"), 1);
  assert_int_equal(workers_seen(l, "web-worker"), 1);
  end(l);
  l = open_other("my own"); /* the loop's name is its thread's */
  assert_int_equal(threads_called("my own"), 1);
  end(l);
  o.prefix = "fifteen letters";
  OK(creche_set_threads(&o));
  l = open_other(NULL);
  assert_true(threads_called("fifteen letters") >= 1);
  end(l);
}
static void stacks(void** state) {
  creche_threads_options o = threads_options();
  creche_loop l;
  (void)state;
  o.stack_size = 1 << 20;
  OK(creche_set_threads(&o));
  l = open_other(NULL);
  workers_seen(l, "x");
  assert_int_equal(stack_of_worker, 1 << 20);
  assert_int_equal(stack_of_loop, 1 << 20);
  end(l);
  OK(creche_set_threads(NULL)); /* the system's again */
  l = open_other(NULL);
  workers_seen(l, "x");
  assert_int_not_equal(stack_of_loop, 1 << 20);
  end(l);
}
/* Names that cannot be looked up at once are looked up one after the other. */
static void numbers(void** state) {
  creche_threads_options o = threads_options();
  creche_session session;
  creche_loop l;
  enum { NAMES = 8 };
  (void)state;
  o.prefix = "few";
  o.workers = 1;
  OK(creche_set_threads(&o));
  l = open_other(NULL);
  OK(creche_session_open(l, NULL, &session));
  for (int i = 0; i < NAMES; i++) {
    char url[64];
    snprintf(url, sizeof url, "http://name%d.invalid/", i);
    OK(creche_session_fetch(session, l.scope, url, NULL, creche_nobody, NULL, NULL));
  }
  creche_loop_counters c;
  int most = 0;
  do {
    const int now = threads_called("few-worker");
    most = now > most ? now : most;
    OK(creche_loop_get_counters(l, &c, sizeof c));
  } while (c.live_tasks > 0);
  assert_true(most <= 1);
  end(l);
}
static void misuse(void** state) {
  creche_threads_options o = threads_options();
  (void)state;
  o.prefix = "";
  IS(creche_set_threads(&o), CRECHE_E_INVALID);
  last_error_says("prefix");
  o.prefix = NULL;
  IS(creche_set_threads(&o), CRECHE_E_INVALID);
  o.prefix = "sixteen letters!";
  IS(creche_set_threads(&o), CRECHE_E_INVALID);
  o.prefix = "a";
  o.stack_size = 100;
  IS(creche_set_threads(&o), CRECHE_E_INVALID);
  last_error_says("stack_size");
  o = threads_options();
  o.flags = 1;
  IS(creche_set_threads(&o), CRECHE_E_UNSUPPORTED);
  end(open_other("still creche's")); /* nothing has changed */
  creche_loop l = open_other(NULL);
  assert_int_equal(threads_called("creche"), 1);
  end(l);
}
/* A stack that no memory is there for: the loop says so. */
static int too_big_a_stack(void) {
  creche_threads_options o;
  creche_loop l;
  WANT(creche_threads_options_init(&o, sizeof o) == CRECHE_OK);
  o.stack_size = UINT64_C(1) << 62;
  WANT(creche_set_threads(&o) == CRECHE_OK);
  WANT(creche_loop_open(NULL, &l) == CRECHE_E_SYSTEM ||
       creche_last_error()->status == CRECHE_E_NO_MEMORY);
  WANT(l.scope.id == 0);
  return 0;
}
static void no_room_for_a_stack(void** state) {
  (void)state;
#ifdef __SANITIZE_THREAD__
  skip();
#endif
  in_child(too_big_a_stack);
}

#define THREADS(name) cmocka_unit_test_teardown(name, as_ever)

int main(void) {
  const struct CMUnitTest tests[] = {
      THREADS(names),
      THREADS(stacks),
      THREADS(numbers),
      THREADS(misuse),
      THREADS(no_room_for_a_stack),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

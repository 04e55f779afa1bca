/* Names: look-ups that hang hold up nothing else, localhost needs none, what is refused is looked
 * up again, and a child of fork can resolve whatever was being looked up when it was made. The
 * test's own getaddrinfo takes the place of the system's. Nobody listens: what is resolved is then
 * refused. */
#include <arpa/inet.h>
#include <netdb.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "http_test.h"

/* ---- The system's resolver ---- */
static pthread_mutex_t names = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int hanging, released, asked, slow_us;
static int inside_slow; /* atomic: its lock is held all the time */

static void set(int* what, int value) {
  pthread_mutex_lock(&names);
  *what = value;
  pthread_cond_broadcast(&changed);
  pthread_mutex_unlock(&names);
}
static int get(const int* what) {
  int value;
  pthread_mutex_lock(&names);
  value = *what;
  pthread_mutex_unlock(&names);
  return value;
}
static void await(const int* what, int least) {
  pthread_mutex_lock(&names);
  while (*what < least) pthread_cond_wait(&changed, &names);
  pthread_mutex_unlock(&names);
}

/* hung*: until it is released; none*: the same, and then there is no such name. slow*: with the
 * lock held for a while, as the C library does with some of its own. */
__attribute__((visibility("default"))) int getaddrinfo(const char* name, const char* service,
                                                       const struct addrinfo* hints,
                                                       struct addrinfo** found) {
  struct addrinfo* one = calloc(1, sizeof *one + sizeof(struct sockaddr_in));
  struct sockaddr_in* to = (struct sockaddr_in*)(one + 1);
  (void)service;
  (void)hints;
  pthread_mutex_lock(&names);
  asked++;
  if (strncmp(name, "none", 4) == 0 || strncmp(name, "hung", 4) == 0) {
    hanging++;
    pthread_cond_broadcast(&changed);
    while (!released) pthread_cond_wait(&changed, &names);
    hanging--;
  }
  if (strncmp(name, "slow", 4) == 0 && slow_us > 0) {
    __atomic_store_n(&inside_slow, 1, __ATOMIC_SEQ_CST);
    usleep((useconds_t)slow_us);
    __atomic_store_n(&inside_slow, 0, __ATOMIC_SEQ_CST);
  }
  pthread_cond_broadcast(&changed);
  pthread_mutex_unlock(&names);
  if (strncmp(name, "none", 4) == 0) {
    free(one);
    return EAI_NONAME;
  }
  to->sin_family = AF_INET;
  to->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  one->ai_family = AF_INET;
  one->ai_socktype = SOCK_STREAM;
  one->ai_addrlen = sizeof *to;
  one->ai_addr = (struct sockaddr*)to;
  *found = one;
  return 0;
}
__attribute__((visibility("default"))) void freeaddrinfo(struct addrinfo* list) {
  free(list);
}

/* ---- The client ---- */
static void get_name(creche_scope in, const char* name, int number) {
  creche_request_options o;
  char url[100];
  creche_request_options_init(&o, sizeof o);
  o.task = &to_queue;
  snprintf(url, sizeof url, number < 0 ? "http://%s:1/" : "http://%s%d.test:1/", name, number);
  assert_int_equal(creche_session_fetch(web, in, url, &o, NULL, NULL, NULL), CRECHE_OK);
}
static creche_status next_status(void) {
  creche_completion c;
  creche_status status;
  size_t n = 0;
  assert_int_equal(creche_queue_wait(queue, &c, 1, PATIENCE, &n), CRECHE_OK);
  status = c.status;
  creche_completions_release(&c, 1);
  return status;
}

static int open_names(void** state) {
  creche_session_options o;
  (void)state;
  set(&released, 0);
  set(&asked, 0);
  creche_session_options_init(&o, sizeof o);
  o.limit = 0;
  return open_session(&o);
}

/* Two hundred at once, that somebody waits for. */
static void hung_names_do_not_starve_good_ones(void** state) {
  enum { HUNG = 200 };
  int i;
  (void)state;
  for (i = 0; i < HUNG; i++) get_name(loop.scope, "hung", i);
  for (i = 0; i < 3; i++) {
    get_name(loop.scope, "good", i);
    assert_int_equal(next_status(), CRECHE_E_CONNECT);
    assert_int_equal(get(&released), 0);
  }
  set(&released, 1);
  for (i = 0; i < HUNG; i++) assert_int_equal(next_status(), CRECHE_E_CONNECT);
}

/* Nobody waits for them any more: those that have not begun never do. */
static void names_that_nobody_waits_for_are_dropped(void** state) {
  enum { HUNG = 1000 };
  creche_scope scope;
  int i;
  (void)state;
  assert_int_equal(creche_scope_open(loop.scope, NULL, &scope), CRECHE_OK);
  for (i = 0; i < HUNG; i++) get_name(scope, "hung", i);
  await(&hanging, 50);
  assert_int_equal(creche_scope_cancel(scope, NULL), CRECHE_OK);
  for (i = 0; i < HUNG; i++) assert_int_equal(next_status(), CRECHE_E_CANCELLED);
  creche_scope_leave(scope, NULL);
  set(&released, 1);
  get_name(loop.scope, "good", 1);
  assert_int_equal(next_status(), CRECHE_E_CONNECT);
  assert_true(get(&asked) < HUNG);
}

/* A loop ends whatever hangs. (Its tear-down joins it.) */
static void a_loop_ends_while_names_hang(void** state) {
  int i;
  (void)state;
  for (i = 0; i < 20; i++) get_name(loop.scope, "hung", i);
  await(&hanging, 20);
}

static void localhost_is_never_looked_up(void** state) {
  static const char* const local[] = {"localhost", "LocalHost", "localhost.", "a.localhost",
                                      "a.b.LOCALHOST."};
  size_t i;
  (void)state;
  for (i = 0; i < sizeof local / sizeof *local; i++) {
    get_name(loop.scope, local[i], -1);
    assert_int_equal(next_status(), CRECHE_E_CONNECT);
  }
  assert_int_equal(get(&asked), 0);
  get_name(loop.scope, "notlocalhost", -1);
  assert_int_equal(next_status(), CRECHE_E_CONNECT);
  assert_int_equal(get(&asked), 1);
}

/* Where nobody listens any more, the name may have moved: it is not kept. */
static void a_refused_address_is_looked_up_again(void** state) {
  int i;
  (void)state;
  for (i = 1; i <= 3; i++) {
    get_name(loop.scope, "moved.test", -1);
    assert_int_equal(next_status(), CRECHE_E_CONNECT);
    assert_int_equal(get(&asked), i);
  }
}

/* ---- One look-up for all ---- */

static uint64_t lookups(void) {
  return session_counters(web).dns_lookups;
}

/* Who asks for the same name meanwhile waits for the same answer, whoever asked first and has gone.
 */
static void equal_names_share_a_look_up(void** state) {
  enum { MANY = 100 };
  creche_task tasks[MANY];
  static const char* const found[] = {"http://hung.test:1/", "http://none.test:1/"};
  int i, kind;
  (void)state;
  for (kind = 0; kind < 2; kind++) {
    const int before = get(&asked);
    creche_request_options o = request_options();
    set(&released, 0);
    for (i = 0; i < MANY; i++) tasks[i] = start(found[kind], &o, NULL);
    await(&hanging, 1);
    for (i = 0; i < MANY / 2; i++) {
      creche_scope_cancel(tasks[i].scope, NULL);
      assert_int_equal(next_status(), CRECHE_E_CANCELLED);
    }
    set(&released, 1);
    for (i = MANY / 2; i < MANY; i++)
      assert_int_equal(next_status(), kind == 0 ? CRECHE_E_CONNECT : CRECHE_E_DNS);
    assert_int_equal(get(&asked), before + 1);
  }
}

/* How long what was found is kept: never, or until it is too old. */
static void names_are_kept_for_their_time(void** state) {
  static const char answer[] =
      "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok";
  support_hostile* server = support_hostile_start(support_script_answer, (void*)answer);
  creche_session_options so = session_options();
  char url[64];
  int i;
  (void)state;
  snprintf(url, sizeof url, "http://Kept.test:%d/", support_hostile_port(server));
  for (i = 0; i < 3; i++) expect_body(fetch(url, NULL), 200, "ok");
  snprintf(url, sizeof url, "http://kepT.TEST:%d/", support_hostile_port(server));
  expect_body(fetch(url, NULL), 200, "ok"); /* the same */
  assert_int_equal(lookups(), 1);
  so.dns_ttl_ms = 0;
  use_session(&so);
  for (i = 0; i < 3; i++) expect_body(fetch(url, NULL), 200, "ok");
  assert_int_equal(lookups(), 3);
  so.dns_ttl_ms = 1;
  use_session(&so);
  for (i = 0; i < 3; i++) {
    expect_body(fetch(url, NULL), 200, "ok");
    OK(creche_sleep(loop.scope, 3 * CRECHE_MILLISECOND, &to_queue, NULL, NULL, NULL));
    drop(next());
  }
  assert_int_equal(lookups(), 3);
  support_hostile_stop(server);
}

/* And that there is no such name, for a second; of a session that keeps nothing, not even that. */
static void names_that_are_none_are_not_asked_for_again(void** state) {
  creche_session_options so = session_options();
  int i, keeps;
  (void)state;
  set(&released, 1);
  for (keeps = 1; keeps >= 0; keeps--) {
    const int before = get(&asked);
    int64_t began = 0, now = 0;
    if (!keeps) so.dns_ttl_ms = 0;
    use_session(&so);
    OK(creche_now(loop.scope, &began));
    for (i = 0; i < 5; i++) {
      get_name(loop.scope, i % 2 ? "NONE.test" : "none.test", -1);
      assert_int_equal(next_status(), CRECHE_E_DNS);
    }
    OK(creche_now(loop.scope, &now));
    if (!keeps)
      assert_int_equal(get(&asked), before + 5);
    else if (now - began < CRECHE_SECOND)
      assert_int_equal(get(&asked), before + 1);
    /* Later it is asked for again. */
    OK(creche_sleep(loop.scope, CRECHE_SECOND, &to_queue, NULL, NULL, NULL));
    drop(next());
    get_name(loop.scope, "none.test", -1);
    assert_int_equal(next_status(), CRECHE_E_DNS);
    assert_true(get(&asked) >= before + 2);
  }
}

/* What some resolvers take for an address is nobody's name. */
static void only_proper_addresses(void** state) {
  static const char* const odd[] = {
      "127.1",       "2130706433", "017700000001",   "0x7f000001",  "0x7f.1",
      "127.0.1",     "0177.0.0.1", "127.0.0.01",     "127.0.0.256", "127.0.0.1.1",
      "127.0.0.0x1", "1.2.3.4.5.", "[::ffff:127.1]", "[127.0.0.1]", "[::1%25]",
      "[::1",        "a..b",       "-\xc3\xa4.test", "a b",         "%31.2.3.4.5"};
  char url[64];
  size_t i;
  (void)state;
  for (i = 0; i < sizeof odd / sizeof *odd; i++) {
    snprintf(url, sizeof url, "http://%s:1/", odd[i]);
    creche_completion c = fetch(url, NULL);
    if (c.status != CRECHE_E_URL) fail_msg("%s: %s", odd[i], creche_error_message(c.error));
    drop(c);
  }
  assert_int_equal(get(&asked), 0);
}

/* ---- fork ---- */
static creche_status seen_status;
static pthread_mutex_t seen_mutex = PTHREAD_MUTEX_INITIALIZER;
static void note_status(void* user, const creche_completion* c) {
  (void)user;
  pthread_mutex_lock(&seen_mutex);
  seen_status = c->status;
  pthread_mutex_unlock(&seen_mutex);
}
static int the_child_resolves(void) {
  creche_loop mine;
  creche_session session;
  if (creche_loop_open(NULL, &mine) || creche_session_open(mine, NULL, &session)) return 1;
  if (creche_session_fetch(session, mine.scope, "http://slow.test:1/", NULL, note_status, NULL,
                           NULL))
    return 2;
  if (creche_loop_shutdown(mine, CRECHE_NEVER)) return 3;
  if (creche_loop_join(mine, PATIENCE) != CRECHE_OK) return 4;
  return seen_status == CRECHE_E_CONNECT ? 0 : 5;
}
static void a_fork_waits_for_look_ups(void** state) {
  int i, status;
  (void)state;
#ifdef __SANITIZE_ADDRESS__
  skip(); /* its allocator does not take its own locks around fork */
#endif
  set(&slow_us, 20000);
  for (i = 0; i < 10; i++) {
    pid_t child;
    get_name(loop.scope, "slow", i);
    while (!__atomic_load_n(&inside_slow, __ATOMIC_SEQ_CST)) usleep(100);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) _exit(the_child_resolves());
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(next_status(), CRECHE_E_CONNECT);
  }
  set(&slow_us, 0);
}

/* One that hangs holds up no fork for long, and the next one not at all. */
static void a_fork_does_not_wait_for_ever(void** state) {
  int i, status;
  (void)state;
  get_name(loop.scope, "hung", 1);
  await(&hanging, 1);
  for (i = 0; i < 3; i++) {
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) _exit(0);
    assert_int_equal(waitpid(child, &status, 0), child);
  }
  assert_int_equal(get(&released), 0);
}

static int close_names(void** state) {
  const int failed = tear_down(state);
  pthread_mutex_lock(&names);
  released = 1;
  pthread_cond_broadcast(&changed);
  while (hanging > 0) pthread_cond_wait(&changed, &names);
  pthread_mutex_unlock(&names);
  return failed;
}
#define NAMES_TEST(name) cmocka_unit_test_setup_teardown(name, open_names, close_names)

int main(void) {
#ifdef __SANITIZE_THREAD__
  return 77; /* skipped: ThreadSanitizer knows no fork of a process with threads */
#endif
  const struct CMUnitTest tests[] = {
      NAMES_TEST(hung_names_do_not_starve_good_ones),
      NAMES_TEST(names_that_nobody_waits_for_are_dropped),
      NAMES_TEST(a_loop_ends_while_names_hang),
      NAMES_TEST(localhost_is_never_looked_up),
      NAMES_TEST(a_refused_address_is_looked_up_again),
      NAMES_TEST(equal_names_share_a_look_up),
      NAMES_TEST(names_are_kept_for_their_time),
      NAMES_TEST(names_that_are_none_are_not_asked_for_again),
      NAMES_TEST(only_proper_addresses),
      NAMES_TEST(a_fork_waits_for_look_ups),
      NAMES_TEST(a_fork_does_not_wait_for_ever),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The phases of connecting that nothing answers: names, TCP, TLS, PostgreSQL's start-up. Each ends
 * at its own timeout, says where it was and what to do, and nothing waits for what still hangs. */
#include <arpa/inet.h>
#include <dlfcn.h>
#include <netdb.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/fixture.h"
#include "support/support.h"

#define SOON (50 * CRECHE_MILLISECOND)
#define RETRYABLE_UNSENT (CRECHE_ERROR_RETRYABLE | CRECHE_ERROR_UNSENT)

/* ---- A resolver that never answers for one name, in place of the system's ---- */
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t opened = PTHREAD_COND_INITIALIZER;
static int gate_open, in_the_gate;

__attribute__((visibility("default"))) int getaddrinfo(const char* node, const char* service,
                                                       const struct addrinfo* hints,
                                                       struct addrinfo** found) {
  int (*real)(const char*, const char*, const struct addrinfo*, struct addrinfo**);
  *(void**)&real = dlsym(RTLD_NEXT, "getaddrinfo");
  if (node == NULL || strcmp(node, "never.example") != 0) return real(node, service, hints, found);
  pthread_mutex_lock(&gate);
  in_the_gate++;
  while (!gate_open) pthread_cond_wait(&opened, &gate);
  in_the_gate--;
  pthread_cond_broadcast(&opened);
  pthread_mutex_unlock(&gate);
  return EAI_AGAIN;
}

/* Threads that hang there must be gone before the test ends: they are nobody's by now. */
static void open_the_gate(void) {
  pthread_mutex_lock(&gate);
  gate_open = 1;
  pthread_cond_broadcast(&opened);
  while (in_the_gate > 0) pthread_cond_wait(&opened, &gate);
  gate_open = 0;
  pthread_mutex_unlock(&gate);
}

/* ---- A port whose SYNs get no answer: nobody accepts, and there is no room in its line ---- */
enum { CROWD = 8 };
static int full, crowd[CROWD], full_port;

static void fill_a_port(void) {
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof a;
  full = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(bind(full, (struct sockaddr*)&a, sizeof a), 0);
  assert_int_equal(listen(full, 0), 0);
  assert_int_equal(getsockname(full, (struct sockaddr*)&a, &size), 0);
  full_port = ntohs(a.sin_port);
  for (int i = 0; i < CROWD; i++) {
    crowd[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    (void)!connect(crowd[i], (struct sockaddr*)&a, sizeof a);
  }
}

static void free_the_port(void) {
  for (int i = 0; i < CROWD; i++) close(crowd[i]);
  close(full);
}

/* ---- */
static creche_session web;

static int set_up(void** state) {
  (void)state;
  if (open_loop_and_queue() != 0) return -1;
  return creche_session_open(loop, NULL, &web) == CRECHE_OK ? 0 : -1;
}

static int tear_down(void** state) {
  (void)state;
  return close_and_join_loop();
}

static void expect_timeout(uint32_t phase, const char* says) {
  const creche_completion c = next();
  if (c.status != CRECHE_E_TIMEOUT || c.error->phase != phase ||
      c.error->flags != RETRYABLE_UNSENT || strstr(c.error->message, says) == NULL)
    fail_msg("%s phase %u flags %u: %s", creche_status_name(c.status), c.error ? c.error->phase : 0,
             c.error ? c.error->flags : 0, creche_error_message(c.error));
  drop(c);
}

static void fetch(const creche_http_timeouts* timeouts, const char* url) {
  creche_request_options o;
  OK(creche_request_options_init(&o, sizeof o));
  o.timeouts = *timeouts;
  o.task = &to_queue;
  OK(creche_session_fetch(web, loop.scope, url, &o, NULL, NULL, NULL));
}

static void names_over_http(void** state) {
  (void)state;
  const creche_http_timeouts t = {.dns = SOON};
  fetch(&t, "http://never.example/");
  expect_timeout(CRECHE_PHASE_DNS, "timeouts.dns");
  fetch(&t,
        "http://never.example/again"); /* the look-up that still hangs is shared, its time not */
  expect_timeout(CRECHE_PHASE_DNS, "never.example");
  pthread_mutex_lock(&gate);
  const int hanging = in_the_gate;
  pthread_mutex_unlock(&gate);
  assert_int_equal(hanging, 1);
  /* The loop ends though a thread hangs in the system's resolver. */
  creche_loop_close(loop);
  OK(creche_loop_join(loop, PATIENCE));
  open_the_gate();
  OK(set_up(NULL));
}

static void connections_over_http(void** state) {
  (void)state;
  char url[64];
  const creche_http_timeouts t = {.connect = SOON};
  fill_a_port();
  snprintf(url, sizeof url, "http://127.0.0.1:%d/", full_port);
  fetch(&t, url);
  expect_timeout(CRECHE_PHASE_CONNECT, "timeouts.connect");
  const creche_session_counters c = session_counters(web);
  assert_int_equal(c.active + c.idle + c.waiting, 0);
  free_the_port();
}

/* ---- PostgreSQL ---- */
static void query(const char* dsn, uint32_t phase) {
  creche_pool_options po;
  creche_query_options o;
  creche_pool pool;
  OK(creche_pool_options_init(&po, sizeof po));
  OK(creche_query_options_init(&o, sizeof o));
  po.connect_timeout = SOON;
  o.task = &to_queue;
  OK(creche_pool_open(loop, dsn, &po, &pool));
  OK(creche_pool_query(pool, loop.scope, "select 1", NULL, 0, &o, NULL, NULL, NULL));
  expect_timeout(phase, "raise connect_timeout");
  creche_pool_release(pool);
}

static void names_over_pg(void** state) {
  (void)state;
  query("host=never.example user=a", CRECHE_PHASE_DNS);
  open_the_gate();
}

static void connections_over_pg(void** state) {
  (void)state;
  char dsn[80];
  fill_a_port();
  snprintf(dsn, sizeof dsn, "host=127.0.0.1 port=%d user=a", full_port);
  query(dsn, CRECHE_PHASE_CONNECT);
  free_the_port();
}

static void silent(support_peer* peer, void* user) {
  (void)user;
  support_await_close(peer);
}

static void says_tls_and_no_more(support_peer* peer, void* user) {
  (void)user;
  if (support_expect_bytes(peer, 8)) support_send_text(peer, "S");
  support_await_close(peer);
}

static void start_up_of_pg(void** state) {
  (void)state;
  static const struct {
    support_script script;
    const char* sslmode;
    uint32_t phase;
  } cases[] = {
      {silent, "disable", CRECHE_PHASE_AUTH},
      {silent, "require", CRECHE_PHASE_TLS},
      {says_tls_and_no_more, "require", CRECHE_PHASE_TLS},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char dsn[120];
    support_hostile* server = support_hostile_start(cases[i].script, NULL);
    snprintf(dsn, sizeof dsn, "host=127.0.0.1 port=%d user=a gssencmode=disable sslmode=%s",
             support_hostile_port(server), cases[i].sslmode);
    query(dsn, cases[i].phase);
    assert_true(support_hostile_await_open(server, 0, PATIENCE_MS));
    support_hostile_stop(server);
  }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(names_over_http),     TEST(connections_over_http), TEST(names_over_pg),
      TEST(connections_over_pg), TEST(start_up_of_pg),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

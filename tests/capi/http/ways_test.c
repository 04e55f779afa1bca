/* Other ways to a server than its name: Unix sockets, mapped hosts, a local address. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "proxies.h"

static support_hostile* server;

/* Answers with who asks, and what for. */
static void echoing(support_peer* peer, void* user) {
  struct sockaddr_in from = {0};
  socklen_t size = sizeof from;
  char body[4096];
  (void)user;
  getpeername(support_peer_fd(peer), (struct sockaddr*)&from, &size);
  while (support_expect_request(peer)) {
    const int first = (int)strcspn(support_received(peer), "\r");
    const char* host = strstr(support_received(peer), "Host: ");
    snprintf(body, sizeof body, "%s|%.*s|%.*s", inet_ntoa(from.sin_addr), first,
             support_received(peer), (int)strcspn(host, "\r"), host);
    support_sendf(peer, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s", strlen(body), body);
  }
}

/* Listens at a Unix path ('@' for an abstract one) and passes each connection on to a TCP port. */
typedef struct unix_relay {
  int fd, port, connections;
  pthread_t thread;
} unix_relay;

static void* accept_unix(void* argument) {
  unix_relay* r = argument;
  for (;;) {
    const int fd = accept4(r->fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0) return NULL;
    __atomic_fetch_add(&r->connections, 1, __ATOMIC_SEQ_CST);
    support_relay(fd, r->port);
    close(fd);
  }
}
static void listen_unix(unix_relay* r, const char* path, int port) {
  struct sockaddr_un at = {0};
  at.sun_family = AF_UNIX;
  strncpy(at.sun_path, path, sizeof at.sun_path - 1);
  socklen_t size = sizeof at;
  if (path[0] == '@') {
    at.sun_path[0] = '\0';
    size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
  }
  r->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  r->port = port;
  r->connections = 0;
  assert_int_equal(bind(r->fd, (struct sockaddr*)&at, size), 0);
  assert_int_equal(listen(r->fd, 16), 0);
  assert_int_equal(pthread_create(&r->thread, NULL, accept_unix, r), 0);
}
static void close_unix(unix_relay* r) {
  shutdown(r->fd, SHUT_RDWR);
  pthread_join(r->thread, NULL);
  close(r->fd);
}

static int serve(void** state) {
  server = support_hostile_start(echoing, NULL);
  return set_up(state);
}
static int stop(void** state) {
  const int failed = tear_down(state);
  support_hostile_stop(server);
  return failed;
}

static void unix_sockets(void** state) {
  (void)state;
  char paths[2][256];
  snprintf(paths[0], sizeof paths[0], "%s/socket", folder);
  snprintf(paths[1], sizeof paths[1], "@creche-test-%d", (int)getpid());
  for (int i = 0; i < 2; i++) {
    unix_relay relay;
    creche_session_options o = session_options();
    creche_request_options ro = request_options();
    listen_unix(&relay, paths[i], support_hostile_port(server));
    o.unix_path = paths[i];
    use_session(&o);
    expect_body(fetch("http://name.invalid/x", NULL), 200,
                "127.0.0.1|GET /x HTTP/1.1|Host: name.invalid");
    expect_body(fetch("http://name.invalid/y", NULL), 200,
                "127.0.0.1|GET /y HTTP/1.1|Host: name.invalid");
    assert_int_equal(__atomic_load_n(&relay.connections, __ATOMIC_SEQ_CST), 1);
    /* Not for this request. */
    ro.proxy = "direct";
    creche_completion c = fetch("http://name.invalid/", &ro);
    assert_int_equal(c.status, CRECHE_E_DNS);
    drop(c);
    /* For this request only. */
    use_session(NULL);
    ro.proxy = NULL;
    ro.unix_path = paths[i];
    expect_body(fetch("http://other.invalid/", &ro), 200,
                "127.0.0.1|GET / HTTP/1.1|Host: other.invalid");
    c = fetch("http://other.invalid/", NULL);
    assert_int_equal(c.status, CRECHE_E_DNS);
    drop(c);
    creche_session_release(web);
    close_unix(&relay);
  }
  /* Nobody there. */
  creche_session_options o = session_options();
  o.unix_path = "/nowhere/socket";
  use_session(&o);
  creche_completion c = fetch("http://name.invalid/", NULL);
  assert_non_null(strstr(c.error->message, "unix:/nowhere/socket"));
  expect_failure(c, CRECHE_E_CONNECT, CRECHE_PHASE_CONNECT,
                 CRECHE_ERROR_UNSENT | CRECHE_ERROR_RETRYABLE);
}

/* https is TLS there, too, with the name of the URL. */
static void tls_over_a_unix_socket(void** state) {
  (void)state;
  char path[256];
  unix_relay relay;
  support_hostile* secure = support_hostile_start(tls_server, NULL);
  creche_session_options o = session_options();
  snprintf(path, sizeof path, "%s/tls", folder);
  listen_unix(&relay, path, support_hostile_port(secure));
  o.unix_path = path;
  o.ca_file = ca_path;
  use_session(&o);
  expect_body(fetch("https://localhost/", NULL), 200, "secret");
  creche_session_release(web);
  use_session(&o);
  expect_failure(fetch("https://wrong.example/", NULL), CRECHE_E_TLS_VERIFY, CRECHE_PHASE_TLS,
                 CRECHE_ERROR_UNSENT);
  creche_session_release(web);
  close_unix(&relay);
  support_hostile_stop(secure);
}

static void mapped_hosts(void** state) {
  (void)state;
  char to[64], with_port[64], some[128], expected[256];
  const int port = support_hostile_port(server);
  snprintf(to, sizeof to, "127.0.0.1:%d", port);
  snprintf(with_port, sizeof with_port, "A.invalid:%d", port);
  snprintf(some, sizeof some, "127.0.0.1:1,127.0.0.1:%d", port);
  const creche_mapped_host hosts[] = {
      {"a.invalid:80", to},     {with_port, "127.0.0.1"},   {"b.invalid", some},
      {"[::2]:99", to},         {"c.invalid", "localhost"}, {"*:81", to},
      {"d.invalid", "[::1]:1"},
  };
  creche_session_options o = session_options();
  o.hosts = hosts;
  o.hosts_count = sizeof hosts / sizeof *hosts;
  use_session(&o);
  expect_body(fetch("http://a.invalid/", NULL), 200, "127.0.0.1|GET / HTTP/1.1|Host: a.invalid");
  snprintf(expected, sizeof expected, "127.0.0.1|GET / HTTP/1.1|Host: a.invalid:%d", port);
  snprintf(url_text, sizeof url_text, "http://a.invalid:%d/", port);
  expect_body(fetch(url_text, NULL), 200, expected);
  expect_body(fetch("http://b.invalid:1234/", NULL), 200,
              "127.0.0.1|GET / HTTP/1.1|Host: b.invalid:1234");
  expect_body(fetch("http://[::2]:99/", NULL), 200, "127.0.0.1|GET / HTTP/1.1|Host: [::2]:99");
  expect_body(fetch("http://anything.invalid:81/", NULL), 200,
              "127.0.0.1|GET / HTTP/1.1|Host: anything.invalid:81");
  snprintf(url_text, sizeof url_text, "http://c.invalid:%d/", port);
  snprintf(expected, sizeof expected, "127.0.0.1|GET / HTTP/1.1|Host: c.invalid:%d", port);
  expect_body(fetch(url_text, NULL), 200, expected);
  creche_session_counters counters;
  OK(creche_session_get_counters(web, &counters, sizeof counters));
  assert_int_equal(counters.dns_lookups, 0);
  creche_completion c = fetch("http://d.invalid/", NULL);
  assert_int_equal(c.status, CRECHE_E_CONNECT);
  drop(c);
  /* A proxy, too. */
  o.proxy = "http://a.invalid:80";
  use_session(&o);
  expect_body(fetch("http://x.invalid/", NULL), 200,
              "127.0.0.1|GET http://x.invalid/ HTTP/1.1|Host: x.invalid");
}

static void from_an_address(void** state) {
  (void)state;
  creche_session_options o = session_options();
  o.local_address = "127.0.0.9";
  use_session(&o);
  snprintf(url_text, sizeof url_text, "http://localhost:%d/", support_hostile_port(server));
  creche_completion c = fetch(url_text, NULL);
  if (c.status != CRECHE_OK) fail_msg("%s", creche_error_message(c.error));
  assert_memory_equal(c.data, "127.0.0.9|", 10);
  drop(c);
  /* None of that family, and one that is not here. */
  o.local_address = "::1";
  use_session(&o);
  expect_failure(fetch(support_hostile_url(server), NULL), CRECHE_E_CONNECT, CRECHE_PHASE_CONNECT,
                 CRECHE_ERROR_UNSENT | CRECHE_ERROR_RETRYABLE);
  o.local_address = "192.0.2.1";
  use_session(&o);
  expect_failure(fetch(support_hostile_url(server), NULL), CRECHE_E_CONNECT, CRECHE_PHASE_CONNECT,
                 CRECHE_ERROR_UNSENT | CRECHE_ERROR_RETRYABLE);
}

static void refuse(creche_session_options* o) {
  creche_session opened;
  assert_int_equal(creche_session_open(loop, o, &opened), CRECHE_E_INVALID);
  assert_int_equal(creche_last_error()->status, CRECHE_E_INVALID);
}

static void misuse(void** state) {
  (void)state;
  char path[200];
  static const creche_mapped_host wrong[] = {
      {"", "127.0.0.1"},   {"h:x", "127.0.0.1"},      {"h:99999", "127.0.0.1"}, {"[::1", "::1"},
      {"h", ""},           {"h", "127.0.0.1:0"},      {"h", "127.1"},           {"h", "a.b,c.d"},
      {"h", "127.0.0.1,"}, {"h", "127.0.0.1,x.test"}, {"h", "unix:"},           {NULL, "::1"},
      {"h", NULL},
  };
  creche_session_options o = session_options();
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    o.hosts = &wrong[i];
    o.hosts_count = 1;
    refuse(&o);
  }
  o.hosts = NULL;
  refuse(&o);
  o.hosts_count = 0;
  o.local_address = "localhost";
  refuse(&o);
  o.local_address = NULL;
  memset(path, 'x', sizeof path - 1);
  path[sizeof path - 1] = '\0';
  for (int i = 0; i < 3; i++) {
    creche_request_options ro = request_options();
    o.unix_path = ro.unix_path = i == 0 ? "" : i == 1 ? path : "/x";
    o.proxy = ro.proxy = i == 2 ? "http://h" : NULL;
    refuse(&o);
    expect_failure(fetch("http://127.0.0.1:1/", &ro), CRECHE_E_INVALID, CRECHE_PHASE_OPTIONS, 0);
  }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, serve, stop)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(unix_sockets), TEST(tls_over_a_unix_socket), TEST(mapped_hosts), TEST(from_an_address),
      TEST(misuse),
  };
  return cmocka_run_group_tests_name("ways to a server", tests, make_tls, free_tls);
}

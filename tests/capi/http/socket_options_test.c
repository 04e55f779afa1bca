/* What is set on sockets before they connect, and who may refuse them. */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "reading.h"

#define ANSWER OK_HEAD "Content-Length: 2\r\n\r\nok"

/* What the function has seen: on the loop's thread, read when it is asked no more. */
static struct {
  int count, keepalive, idle, interval, probes, user_timeout, send, receive, nodelay;
  char address[128];
  const char* refuses; /* addresses that begin so */
} seen_;

static int value_of(int fd, int level, int option) {
  int value = -1;
  socklen_t size = sizeof value;
  return getsockopt(fd, level, option, &value, &size) == 0 ? value : -1;
}

static creche_status look(void* user, const creche_new_socket* socket) {
  if (user != &seen_ || socket->size < sizeof *socket) return -2000;
  seen_.count++;
  seen_.keepalive = value_of(socket->fd, SOL_SOCKET, SO_KEEPALIVE);
  seen_.idle = value_of(socket->fd, IPPROTO_TCP, TCP_KEEPIDLE);
  seen_.interval = value_of(socket->fd, IPPROTO_TCP, TCP_KEEPINTVL);
  seen_.probes = value_of(socket->fd, IPPROTO_TCP, TCP_KEEPCNT);
  seen_.user_timeout = value_of(socket->fd, IPPROTO_TCP, TCP_USER_TIMEOUT);
  seen_.send = value_of(socket->fd, SOL_SOCKET, SO_SNDBUF);
  seen_.receive = value_of(socket->fd, SOL_SOCKET, SO_RCVBUF);
  seen_.nodelay = value_of(socket->fd, IPPROTO_TCP, TCP_NODELAY);
  snprintf(seen_.address, sizeof seen_.address, "%s", socket->address);
  const char* refuses = seen_.refuses;
  return refuses && strncmp(socket->address, refuses, strlen(refuses)) == 0 ? -1234 : CRECHE_OK;
}

static creche_socket_options sockets(void) {
  creche_socket_options o;
  OK(creche_socket_options_init(&o, sizeof o));
  memset(&seen_, 0, sizeof seen_);
  o.opened = look;
  o.user = &seen_;
  return o;
}

static void with(const creche_socket_options* o) {
  creche_session_options so = session_options();
  so.sockets = o;
  use_session(&so);
}

static void all_are_set(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(support_script_answer, ANSWER);
  creche_socket_options o = sockets();
  with(&o);
  expect_body(fetch(support_hostile_url(server), NULL), 200, "ok");
  assert_int_equal(seen_.count, 1);
  assert_int_equal(seen_.nodelay != 0, 1);
  assert_int_equal(seen_.keepalive, 0);
  assert_int_equal(seen_.user_timeout, 0);
  const int usual = seen_.receive;
  char address[64];
  snprintf(address, sizeof address, "127.0.0.1:%d", support_hostile_port(server));
  assert_string_equal(seen_.address, address);

  o = sockets();
  o.keepalive_idle = 61 * CRECHE_SECOND;
  o.keepalive_interval = 1; /* rounded up */
  o.keepalive_count = 4;
  o.user_timeout = 5 * CRECHE_SECOND;
  o.send_buffer = 32 << 10;
  o.receive_buffer = 16 << 10;
  with(&o);
  expect_body(fetch(support_hostile_url(server), NULL), 200, "ok");
  expect_body(fetch(support_hostile_url(server), NULL), 200, "ok");
  assert_int_equal(seen_.count, 1); /* sockets, not requests */
  assert_int_equal(seen_.keepalive, 1);
  assert_int_equal(seen_.idle, 61);
  assert_int_equal(seen_.interval, 1);
  assert_int_equal(seen_.probes, 4);
  assert_int_equal(seen_.user_timeout, 5000);
  assert_in_range(seen_.send, 32 << 10, 64 << 10); /* Linux doubles them */
  assert_in_range(seen_.receive, 16 << 10, 32 << 10);
  assert_int_not_equal(seen_.receive, usual);
  support_hostile_stop(server);
}

static void what_is_refused(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(support_script_answer, ANSWER);
  char to[64];
  snprintf(to, sizeof to, "127.0.0.2:%d,127.0.0.1:%d", support_hostile_port(server),
           support_hostile_port(server));
  const creche_mapped_host host = {"two.test", to};
  creche_socket_options o = sockets();
  seen_.refuses = "127.0.0.2";
  creche_session_options so = session_options();
  so.sockets = &o;
  so.hosts = &host;
  so.hosts_count = 1;
  use_session(&so);
  expect_body(fetch("http://two.test/", NULL), 200, "ok");
  assert_int_equal(seen_.count, 2);
  seen_.refuses = "127.";
  use_session(&so);
  creche_completion c = fetch("http://two.test/", NULL);
  assert_non_null(strstr(creche_error_message(c.error), "refused by the user's function"));
  expect_failure(c, -1234, CRECHE_PHASE_CONNECT, CRECHE_ERROR_RETRYABLE | CRECHE_ERROR_UNSENT);
  support_hostile_stop(server);
}

static void interfaces(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(support_script_answer, ANSWER);
  creche_socket_options o = sockets();
  o.interface_name = "nosuch0";
  with(&o);
  creche_completion c = fetch(support_hostile_url(server), NULL);
  assert_non_null(strstr(creche_error_message(c.error), "interface_name"));
  expect_failure(c, CRECHE_E_CONNECT, CRECHE_PHASE_CONNECT,
                 CRECHE_ERROR_RETRYABLE | CRECHE_ERROR_UNSENT);
  assert_int_equal(seen_.count, 0);
  o.interface_name = "lo";
  with(&o);
  c = fetch(support_hostile_url(server), NULL);
  if (c.status != CRECHE_OK) { /* older kernels want a privilege */
    assert_int_equal(c.status, CRECHE_E_CONNECT);
    assert_int_equal(c.error->system_errno, EPERM);
  }
  drop(c);
  support_hostile_stop(server);
}

static void misuse(void** state) {
  (void)state;
  creche_session_options so = session_options();
  creche_session none;
  creche_socket_options o = sockets();
  so.sockets = &o;
  o.interface_name = "";
  IS(creche_session_open(loop, &so, &none), CRECHE_E_INVALID);
  o.interface_name = "sixteen-letters!";
  IS(creche_session_open(loop, &so, &none), CRECHE_E_INVALID);
  o = sockets();
  o.user_timeout = -1;
  IS(creche_session_open(loop, &so, &none), CRECHE_E_INVALID);
  o = sockets();
  o.flags = 1;
  IS(creche_session_open(loop, &so, &none), CRECHE_E_UNSUPPORTED);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(all_are_set, set_up, tear_down),
      cmocka_unit_test_setup_teardown(what_is_refused, set_up, tear_down),
      cmocka_unit_test_setup_teardown(interfaces, set_up, tear_down),
      cmocka_unit_test_setup_teardown(misuse, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

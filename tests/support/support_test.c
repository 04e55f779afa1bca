/* Do the servers do what tests will rely on? */
#include "support.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static int dial(int port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_true(fd >= 0);
  assert_int_equal(connect(fd, (struct sockaddr*)&address, sizeof address), 0);
  return fd;
}

static void say(int fd, const char* text) {
  assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* Reads until the end of the connection, or until `size` bytes are there. */
static size_t hear(int fd, char* text, size_t size) {
  size_t filled = 0;
  for (ssize_t got; filled < size && (got = recv(fd, text + filled, size - filled, 0)) > 0;)
    filled += (size_t)got;
  return filled;
}

static void echo_bodies(support_peer* peer, void* user) {
  (void)user;
  while (support_expect_request(peer))
    support_sendf(peer, "%.4s %d;", support_received(peer), support_peer_index(peer));
}

static void requests_are_told_apart(void** state) {
  (void)state;
  char answer[14];
  support_hostile* server = support_hostile_start(echo_bodies, NULL);
  const int fd = dial(support_hostile_port(server));
  say(fd, "POST / HTTP/1.1\r\ncontent-length: 3\r\n\r\nabcPUT / HTTP/1.1\r\n");
  say(fd, "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
  assert_int_equal(hear(fd, answer, 14), 14);
  assert_memory_equal(answer, "POST 0;PUT  0;", 14);
  assert_int_equal(support_hostile_requests(server), 2);
  assert_int_equal(support_hostile_open(server), 1);
  close(fd);
  assert_true(support_hostile_await_open(server, 0, 5000));
  assert_int_equal(support_hostile_connections(server), 1);
  support_hostile_stop(server);
}

static void wait_then_reset(support_peer* peer, void* user) {
  (void)user;
  if (support_await(peer, 1) && support_trickle(peer, "abc", 3) && support_expect(peer, "!"))
    support_reset(peer);
}

static void scripts_wait_for_signals_and_reset(void** state) {
  (void)state;
  char answer[4];
  support_hostile* server = support_hostile_start(wait_then_reset, NULL);
  const int fd = dial(support_hostile_port(server));
  assert_true(support_hostile_await_connections(server, 1, 5000));
  assert_int_equal(recv(fd, answer, 4, MSG_DONTWAIT), -1);
  support_hostile_signal(server);
  assert_int_equal(hear(fd, answer, 3), 3);
  say(fd, "!");
  assert_int_equal(recv(fd, answer, 4, 0), -1);
  assert_int_equal(errno, ECONNRESET);
  close(fd);
  support_hostile_stop(server);
}

static void hang(support_peer* peer, void* user) {
  (void)user;
  support_hang(peer);
}

static void stopping_ends_scripts_that_hang(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(hang, NULL);
  const int fd = dial(support_hostile_port(server));
  assert_true(support_hostile_await_open(server, 1, 5000));
  assert_false(support_hostile_await_requests(server, 1, 1));
  support_hostile_stop(server);
  close(fd);
}

static void postgres_dies_and_comes_back(void** state) {
  (void)state;
  support_postgres* server = support_postgres_start(NULL);
  assert_non_null(server);
  const int fd = dial(support_postgres_port(server));
  support_postgres_freeze(server);
  support_postgres_thaw(server);
  support_postgres_kill(server);
  /* What served it may still say why it goes. */
  char said[100];
  ssize_t n;
  do n = recv(fd, said, sizeof said, 0);
  while (n > 0);
  assert_true(n == 0 || errno == ECONNRESET);
  close(fd);
  assert_int_equal(support_postgres_pid(server), 0);
  assert_int_equal(support_postgres_restart(server), 0);
  close(dial(support_postgres_port(server)));
  support_postgres_stop(server);
}

static void nginx_serves(void** state) {
  (void)state;
  char answer[2048];
  const support_nginx_options options = {.server_config = "location = /hi { return 200 hello; }"};
  support_nginx* server = support_nginx_start(&options);
  assert_non_null(server);
  const int fd = dial(support_nginx_http_port(server));
  say(fd, "GET /hi HTTP/1.0\r\n\r\n");
  const size_t size = hear(fd, answer, sizeof answer);
  assert_true(size > 5 && memcmp(answer + size - 5, "hello", 5) == 0);
  close(fd);
  support_nginx_stop(server);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(requests_are_told_apart),
      cmocka_unit_test(scripts_wait_for_signals_and_reset),
      cmocka_unit_test(stopping_ends_scripts_that_hang),
      cmocka_unit_test(postgres_dies_and_comes_back),
      cmocka_unit_test(nginx_serves),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

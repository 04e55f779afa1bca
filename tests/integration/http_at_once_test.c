/* 10,000 requests at once in one loop, each on a connection of its own: none is answered before the
 * last has come. Then as many again, on what was kept. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "../capi/http/http_test.h"

enum { MOST = 10000, OTHERS = 200, EVENTS = 512 };

static int many;
static pid_t server;
static char url[64];

/* ---- The server: a process, as descriptors are counted for each ---- */

static int serve_all(int listener) {
  static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
  static int waiting[MOST];
  static unsigned char matched[2 * MOST + 2 * OTHERS]; /* of the end of a head, by descriptor */
  const int epoll = epoll_create1(0);
  struct epoll_event events[EVENTS], of = {.events = EPOLLIN, .data.fd = listener};
  int count = 0;
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &of) != 0) return 1;
  for (;;) {
    const int n = epoll_wait(epoll, events, EVENTS, -1);
    for (int i = 0; i < n; i++) {
      const int fd = events[i].data.fd;
      if (fd == listener) {
        const int accepted = accept(listener, NULL, NULL);
        of.data.fd = accepted;
        if (accepted < 0 || (size_t)accepted >= sizeof matched ||
            epoll_ctl(epoll, EPOLL_CTL_ADD, accepted, &of) != 0)
          return 1;
        continue;
      }
      char piece[4096];
      const ssize_t got = recv(fd, piece, sizeof piece, 0);
      if (got <= 0) close(fd);
      for (ssize_t j = 0; j < got; j++) {
        matched[fd] = piece[j] == "\r\n\r\n"[matched[fd]] ? matched[fd] + 1 : piece[j] == '\r';
        if (matched[fd] < 4) continue;
        matched[fd] = 0;
        waiting[count++] = fd;
      }
    }
    if (count < many) continue;
    while (count > 0)
      if (send(waiting[--count], answer, sizeof answer - 1, MSG_NOSIGNAL) != sizeof answer - 1)
        return 1;
  }
}

static int start_server(void** state) {
  (void)state;
  struct rlimit files;
  if (getrlimit(RLIMIT_NOFILE, &files) != 0) return -1;
  if (files.rlim_cur < MOST + OTHERS && files.rlim_cur < files.rlim_max) {
    files.rlim_cur = files.rlim_max < MOST + OTHERS ? files.rlim_max : MOST + OTHERS;
    if (setrlimit(RLIMIT_NOFILE, &files) != 0) return -1;
  }
  many = files.rlim_cur < MOST + OTHERS ? (int)files.rlim_cur - OTHERS : MOST;
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof to;
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (bind(listener, (void*)&to, sizeof to) != 0 || listen(listener, 4096) != 0 ||
      getsockname(listener, (void*)&to, &size) != 0)
    return -1;
  snprintf(url, sizeof url, "http://127.0.0.1:%d/", ntohs(to.sin_port));
  server = fork();
  if (server == 0) _exit(serve_all(listener));
  close(listener);
  return server > 0 ? 0 : -1;
}

static int stop_server(void** state) {
  (void)state;
  kill(server, SIGKILL);
  return waitpid(server, NULL, 0) == server ? 0 : -1;
}

/* ---- The test ---- */

static void all_at_once(void** state) {
  (void)state;
  creche_session_options so = session_options();
  so.limit = so.max_waiting = 0;
  so.keepalive = PATIENCE;
  so.timeouts.connect = CRECHE_NEVER; /* bounded by the task */
  use_session(&so);
  creche_task_options t = to_queue;
  t.timeout = PATIENCE;
  creche_request_options o = request_options();
  o.task = &t;
  for (int round = 0; round < 2; round++) {
    for (int i = 0; i < many; i++) start(url, &o, NULL);
    for (int i = 0; i < many; i++) {
      creche_completion c = next();
      if (i == 0) assert_true(session_counters(web).connects >= (uint64_t)many);
      expect_body(c, 200, "hello");
    }
    const creche_session_counters counters = session_counters(web);
    assert_int_equal(counters.connects, many);
    assert_int_equal(counters.reuses, round * many);
    assert_int_equal(counters.active, 0);
    assert_int_equal(counters.idle, many);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(all_at_once, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, start_server, stop_server);
}

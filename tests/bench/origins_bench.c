/* usage: origins_bench [ORIGINS]...: a crawler: one fetch each from so many origins (default 1000,
 * 16000, 100000), all started at once, over 100 connections. Each origin is an address 127.x.y.z;
 * the server is a process of its own. Prints the CPU that a fetch costs the client, and its ratio
 * to the first: it must not grow with the origins. */
#include <arpa/inet.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

#define ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

/* Answers each packet: requests are small. */
static void Serve(int listener) {
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event event = {.events = EPOLLIN, .data.fd = listener}, ready[256];
  epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
  for (;;) {
    const int n = epoll_wait(epoll, ready, 256, -1);
    for (int i = 0; i < n; i++) {
      char request[4096];
      const int fd = ready[i].data.fd;
      if (fd == listener) {
        event.data.fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (event.data.fd >= 0) epoll_ctl(epoll, EPOLL_CTL_ADD, event.data.fd, &event);
      } else if (recv(fd, request, sizeof request, 0) <= 0 ||
                 send(fd, ANSWER, sizeof ANSWER - 1, MSG_NOSIGNAL) < 0) {
        close(fd);
      }
    }
  }
}

static int StartServer(pid_t* server) {
  struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_ANY)};
  socklen_t size = sizeof any;
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (bind(listener, (struct sockaddr*)&any, size) || listen(listener, 1024) ||
      getsockname(listener, (struct sockaddr*)&any, &size)) {
    perror("server");
    exit(1);
  }
  *server = fork();
  if (*server == 0) {
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    Serve(listener);
  }
  close(listener);
  return ntohs(any.sin_port);
}

static unsigned long done;

static void Answered(void* user, const creche_completion* c) {
  (void)user;
  BenchCompleted(c, "fetch");
  if (c->status == CRECHE_OK) creche_response_release((creche_response){c->value});
  done++;
}

static double CpuNow(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Microseconds of CPU for each fetch. */
static double Crawl(creche_loop loop, int port, unsigned long origins) {
  creche_session session;
  BenchCheck(creche_session_open(loop, NULL, &session), "session");
  done = 0;
  const double start = CpuNow();
  for (unsigned long i = 0; i < origins; i++) {
    char url[64];
    const unsigned long host = i + 1;
    snprintf(url, sizeof url, "http://127.%lu.%lu.%lu:%d/", 1 + (host >> 16), host >> 8 & 255,
             host & 255, port);
    BenchCheck(creche_session_fetch(session, loop.scope, url, NULL, Answered, NULL, NULL), "fetch");
  }
  while (done < origins) creche_loop_poll(loop, CRECHE_SECOND);
  const double used = CpuNow() - start;
  creche_session_release(session);
  return used * 1e6 / (double)origins;
}

int main(int argc, char** argv) {
  static const char* const usual[] = {"1000", "16000", "100000"};
  pid_t server = 0;
  const int port = StartServer(&server);
  creche_loop loop = BenchLoop();
  Crawl(loop, port, 1000); /* memory, and code, for the first time */
  double first = 0;
  for (int i = 0; i < (argc > 1 ? argc - 1 : 3); i++) {
    const unsigned long origins = strtoul(argc > 1 ? argv[i + 1] : usual[i], NULL, 10);
    double best = Crawl(loop, port, origins);
    for (int again = 0; again < (origins <= 1000 ? 9 : 1); again++) {
      const double one = Crawl(loop, port, origins);
      if (one < best) best = one;
    }
    if (i == 0) first = best;
    printf("origins %lu cpu_us %.2f ratio %.2f\n", origins, best, best / first);
  }
  creche_loop_close(loop);
  BenchCheck(creche_loop_join(loop, 5 * CRECHE_SECOND), "join");
  kill(server, SIGTERM);
  waitpid(server, NULL, 0);
  return 0;
}

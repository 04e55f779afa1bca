/* For scripts that stand in the middle: bytes are passed on to another server, and back. */
#ifndef SUPPORT_RELAY_H
#define SUPPORT_RELAY_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

/* A connection to a port of this machine, or -1. */
static inline int support_dial(int port) {
  struct sockaddr_in to = {0};
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  to.sin_family = AF_INET;
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  to.sin_port = htons((uint16_t)port);
  if (connect(fd, (struct sockaddr*)&to, sizeof to) == 0) return fd;
  close(fd);
  return -1;
}

static inline int support_pass(int from, int to) {
  char bytes[4096];
  const ssize_t n = recv(from, bytes, sizeof bytes, 0);
  return n > 0 && send(to, bytes, (size_t)n, MSG_NOSIGNAL) == n;
}

/* Both ways, until one of them closes. */
static inline void support_relay(int one, int port) {
  const int other = support_dial(port);
  if (other < 0) return;
  for (;;) {
    struct pollfd fds[2] = {{one, POLLIN, 0}, {other, POLLIN, 0}};
    if (poll(fds, 2, 20000) <= 0) break;
    if (fds[0].revents != 0 && !support_pass(one, other)) break;
    if (fds[1].revents != 0 && !support_pass(other, one)) break;
  }
  close(other);
}

#endif

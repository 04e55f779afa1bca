#include "hostile.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "process.h"

struct support_peer {
  support_hostile* server;
  support_peer* next;
  pthread_t thread;
  int fd; /* -1 once closed */
  int index;
  char* buffer; /* taken bytes, then bytes that came after them */
  size_t taken, filled, capacity;
  char spared; /* the byte that the NUL behind the taken ones stands for */
};

struct support_hostile {
  support_script script;
  void* user;
  char* url;
  int port, listener, stop_fd; /* stop_fd: readable for ever once the server is being stopped */
  pthread_t acceptor;
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  /* Under the mutex. */
  support_peer* peers;
  int connections, requests, open, signals, stopping;
};

/* ---- The server ---- */

static void count(support_hostile* server, int* counter, int change) {
  pthread_mutex_lock(&server->mutex);
  *counter += change;
  pthread_cond_broadcast(&server->changed);
  pthread_mutex_unlock(&server->mutex);
}

static void* converse(void* argument) {
  support_peer* peer = argument;
  peer->server->script(peer, peer->server->user);
  support_close(peer);
  return NULL;
}

static void* accept_all(void* argument) {
  support_hostile* server = argument;
  for (;;) {
    struct pollfd fds[2] = {{server->listener, POLLIN, 0}, {server->stop_fd, POLLIN, 0}};
    if (poll(fds, 2, -1) < 0 && errno != EINTR) break;
    if (fds[1].revents != 0) break;
    const int fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0) continue;
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    support_peer* peer = calloc(1, sizeof *peer);
    if (peer == NULL) abort();
    peer->server = server;
    peer->fd = fd;
    pthread_mutex_lock(&server->mutex);
    peer->index = server->connections++;
    server->open++;
    peer->next = server->peers;
    server->peers = peer;
    pthread_cond_broadcast(&server->changed);
    pthread_mutex_unlock(&server->mutex);
    if (pthread_create(&peer->thread, NULL, converse, peer) != 0) abort();
  }
  return NULL;
}

support_hostile* support_hostile_start(support_script script, void* user) {
  support_hostile* server = calloc(1, sizeof *server);
  pthread_condattr_t monotonic;
  struct sockaddr_in address = {.sin_family = AF_INET};
  socklen_t size = sizeof address;
  if (server == NULL) abort();
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  server->script = script;
  server->user = user;
  server->stop_fd = eventfd(0, EFD_CLOEXEC);
  server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  pthread_mutex_init(&server->mutex, NULL);
  pthread_condattr_init(&monotonic);
  pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
  pthread_cond_init(&server->changed, &monotonic);
  pthread_condattr_destroy(&monotonic);
  if (bind(server->listener, (struct sockaddr*)&address, size) != 0 ||
      listen(server->listener, 4096) != 0 ||
      getsockname(server->listener, (struct sockaddr*)&address, &size) != 0 ||
      pthread_create(&server->acceptor, NULL, accept_all, server) != 0) {
    support_complain("no hostile server: %s", strerror(errno));
    abort();
  }
  server->port = ntohs(address.sin_port);
  server->url = support_format("http://127.0.0.1:%d", server->port);
  return server;
}

void support_hostile_stop(support_hostile* server) {
  if (server == NULL) return;
  count(server, &server->stopping, 1);
  if (eventfd_write(server->stop_fd, 1) != 0) abort();
  pthread_join(server->acceptor, NULL);
  /* The acceptor has gone, so nothing is added to the list any more. */
  for (support_peer *peer = server->peers, *next; peer != NULL; peer = next) {
    next = peer->next;
    pthread_join(peer->thread, NULL);
    free(peer->buffer);
    free(peer);
  }
  close(server->listener);
  close(server->stop_fd);
  pthread_cond_destroy(&server->changed);
  pthread_mutex_destroy(&server->mutex);
  free(server->url);
  free(server);
}

int support_hostile_port(const support_hostile* server) {
  return server->port;
}
const char* support_hostile_url(const support_hostile* server) {
  return server->url;
}

static int read_counter(support_hostile* server, const int* counter) {
  pthread_mutex_lock(&server->mutex);
  const int value = *counter;
  pthread_mutex_unlock(&server->mutex);
  return value;
}

int support_hostile_connections(support_hostile* server) {
  return read_counter(server, &server->connections);
}
int support_hostile_requests(support_hostile* server) {
  return read_counter(server, &server->requests);
}
int support_hostile_open(support_hostile* server) {
  return read_counter(server, &server->open);
}

static int await_counter(support_hostile* server, const int* counter, int value, int exactly,
                         int timeout_ms) {
  struct timespec deadline;
  clock_gettime(CLOCK_MONOTONIC, &deadline);
  const int64_t nanoseconds = deadline.tv_nsec + (int64_t)timeout_ms * 1000000;
  deadline.tv_sec += (time_t)(nanoseconds / 1000000000);
  deadline.tv_nsec = (long)(nanoseconds % 1000000000);
  pthread_mutex_lock(&server->mutex);
  int reached = 0;
  while (!(reached = exactly ? *counter == value : *counter >= value))
    if (pthread_cond_timedwait(&server->changed, &server->mutex, &deadline) != 0) break;
  pthread_mutex_unlock(&server->mutex);
  return reached;
}

int support_hostile_await_connections(support_hostile* server, int wanted, int timeout_ms) {
  return await_counter(server, &server->connections, wanted, 0, timeout_ms);
}
int support_hostile_await_requests(support_hostile* server, int wanted, int timeout_ms) {
  return await_counter(server, &server->requests, wanted, 0, timeout_ms);
}
int support_hostile_await_open(support_hostile* server, int wanted, int timeout_ms) {
  return await_counter(server, &server->open, wanted, 1, timeout_ms);
}

void support_hostile_signal(support_hostile* server) {
  count(server, &server->signals, 1);
}

/* ---- In scripts ---- */

int support_peer_index(const support_peer* peer) {
  return peer->index;
}
int support_peer_fd(const support_peer* peer) {
  return peer->fd;
}

/* Waits until the connection has `events`; 0 when the server is being stopped. */
static int wait_for(support_peer* peer, short events) {
  struct pollfd fds[2] = {{peer->fd, events, 0}, {peer->server->stop_fd, POLLIN, 0}};
  if (peer->fd < 0) return 0;
  while (poll(fds, 2, -1) < 0)
    if (errno != EINTR) return 0;
  return fds[1].revents == 0;
}

/* More bytes behind what is in the buffer; 0 at the end of the connection. */
static int receive(support_peer* peer) {
  if (!wait_for(peer, POLLIN)) return 0;
  if (peer->capacity - peer->filled < 4097) {
    peer->capacity = peer->capacity * 2 + 8192;
    peer->buffer = realloc(peer->buffer, peer->capacity);
    if (peer->buffer == NULL) abort();
  }
  const ssize_t got = recv(peer->fd, peer->buffer + peer->filled, 4096, 0);
  if (got <= 0) return 0;
  peer->filled += (size_t)got;
  return 1;
}

/* Forgets what was taken before. */
static void drop_taken(support_peer* peer) {
  if (peer->taken == 0) return;
  peer->buffer[peer->taken] = peer->spared;
  memmove(peer->buffer, peer->buffer + peer->taken, peer->filled - peer->taken);
  peer->filled -= peer->taken;
  peer->taken = 0;
}

static void take(support_peer* peer, size_t size) {
  peer->taken = size;
  if (size == 0) return;
  peer->spared = peer->buffer[size];
  peer->buffer[size] = 0;
}

int support_expect(support_peer* peer, const char* text) {
  const size_t size = strlen(text);
  drop_taken(peer);
  for (;;) {
    const char* found = peer->filled != 0 ? memmem(peer->buffer, peer->filled, text, size) : NULL;
    if (found != NULL) {
      take(peer, (size_t)(found - peer->buffer) + size);
      return 1;
    }
    if (!receive(peer)) return 0;
  }
}

int support_expect_bytes(support_peer* peer, size_t wanted) {
  drop_taken(peer);
  while (peer->filled < wanted)
    if (!receive(peer)) return 0;
  take(peer, wanted);
  return 1;
}

size_t support_pending(const support_peer* peer) {
  return peer->filled - peer->taken;
}

/* The value of a header in a request's head, or NULL. */
static const char* header(const char* head, const char* name) {
  for (const char* line = strstr(head, "\r\n"); line != NULL; line = strstr(line, "\r\n")) {
    line += 2;
    if (strncasecmp(line, name, strlen(name)) == 0 && line[strlen(name)] == ':')
      return line + strlen(name) + 1;
  }
  return NULL;
}

static int skip_chunks(support_peer* peer) {
  for (;;) {
    if (!support_expect(peer, "\r\n")) return 0;
    const size_t size = strtoul(support_received(peer), NULL, 16);
    if (size == 0) break;
    if (!support_expect_bytes(peer, size + 2)) return 0;
  }
  do { /* trailers, and the empty line behind them */
    if (!support_expect(peer, "\r\n")) return 0;
  } while (support_received_size(peer) > 2);
  return 1;
}

int support_expect_request(support_peer* peer) {
  if (!support_expect(peer, "\r\n\r\n")) return 0;
  char* head = support_format("%s", support_received(peer));
  const size_t head_size = strlen(head);
  const char* length = header(head, "Content-Length");
  const char* coding = header(head, "Transfer-Encoding");
  int complete = 1;
  if (coding != NULL)
    complete = skip_chunks(peer);
  else if (length != NULL)
    complete = support_expect_bytes(peer, strtoul(length, NULL, 10));
  if (complete) {
    /* The body is gone; the head goes back to where support_received looks. */
    drop_taken(peer);
    if (peer->capacity < peer->filled + head_size + 1) {
      peer->capacity = peer->filled + head_size + 8192;
      peer->buffer = realloc(peer->buffer, peer->capacity);
      if (peer->buffer == NULL) abort();
    }
    memmove(peer->buffer + head_size, peer->buffer, peer->filled);
    memcpy(peer->buffer, head, head_size);
    peer->filled += head_size;
    take(peer, head_size);
    support_count_request(peer);
  }
  free(head);
  return complete;
}

void support_count_request(support_peer* peer) {
  count(peer->server, &peer->server->requests, 1);
}

const char* support_received(const support_peer* peer) {
  return peer->taken != 0 ? peer->buffer : "";
}
size_t support_received_size(const support_peer* peer) {
  return peer->taken;
}

int support_send(support_peer* peer, const void* data, size_t size) {
  const char* at = data;
  while (size > 0) {
    if (!wait_for(peer, POLLOUT)) return 0;
    const ssize_t sent = send(peer->fd, at, size, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno != EAGAIN && errno != EINTR) return 0;
    if (sent > 0) at += sent, size -= (size_t)sent;
  }
  return 1;
}

int support_send_text(support_peer* peer, const char* text) {
  return support_send(peer, text, strlen(text));
}

int support_sendf(support_peer* peer, const char* format, ...) {
  va_list arguments;
  char* text = NULL;
  va_start(arguments, format);
  const int size = vasprintf(&text, format, arguments);
  va_end(arguments);
  if (size < 0) abort();
  const int sent = support_send(peer, text, (size_t)size);
  free(text);
  return sent;
}

int support_trickle(support_peer* peer, const void* data, size_t size) {
  for (size_t i = 0; i < size; i++) {
    if (!support_send(peer, (const char*)data + i, 1)) return 0;
    /* Time for the reader to see this byte alone. */
    struct pollfd stop = {peer->server->stop_fd, POLLIN, 0};
    if (poll(&stop, 1, 1) > 0) return 0;
  }
  return 1;
}

int support_await(support_peer* peer, int wanted) {
  support_hostile* server = peer->server;
  pthread_mutex_lock(&server->mutex);
  while (server->signals < wanted && !server->stopping)
    pthread_cond_wait(&server->changed, &server->mutex);
  const int reached = !server->stopping;
  pthread_mutex_unlock(&server->mutex);
  return reached;
}

int support_await_close(support_peer* peer) {
  char scratch[16384];
  while (wait_for(peer, POLLIN)) {
    const ssize_t got = recv(peer->fd, scratch, sizeof scratch, 0);
    if (got <= 0) return 1;
  }
  return 0;
}

void support_hang(support_peer* peer) {
  struct pollfd stop = {peer->server->stop_fd, POLLIN, 0};
  while (poll(&stop, 1, -1) < 0 && errno == EINTR) continue;
}

void support_finish(support_peer* peer) {
  if (peer->fd >= 0) shutdown(peer->fd, SHUT_WR);
}

void support_close(support_peer* peer) {
  if (peer->fd < 0) return;
  close(peer->fd);
  peer->fd = -1;
  count(peer->server, &peer->server->open, -1);
}

void support_reset(support_peer* peer) {
  const struct linger abrupt = {1, 0};
  if (peer->fd >= 0) setsockopt(peer->fd, SOL_SOCKET, SO_LINGER, &abrupt, sizeof abrupt);
  support_close(peer);
}

void support_script_answer(support_peer* peer, void* user) {
  while (support_expect_request(peer) && support_send_text(peer, user)) continue;
}

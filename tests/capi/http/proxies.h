/* Proxies and what is behind them, for the tests of both: a TLS server, a relay that does what it
 * was told before it passes bytes on, and what each of them was sent. */
#ifndef CAPI_HTTP_PROXIES_H
#define CAPI_HTTP_PROXIES_H

#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/relay.h"
#include "tls_peer.h"

static pthread_mutex_t noting = PTHREAD_MUTEX_INITIALIZER;
static char to_proxy[8192]; /* the last head, or the bytes of SOCKS, that a proxy got */
static char __attribute__((unused))
to_server[8192]; /* the last head that the server behind it got */
static size_t to_proxy_size;

static inline void note(char* place, const char* text, size_t size) {
  pthread_mutex_lock(&noting);
  if (size > 8191) size = 8191;
  memcpy(place, text, size);
  place[size] = '\0';
  if (place == to_proxy) to_proxy_size = size;
  pthread_mutex_unlock(&noting);
}
static inline int noted(const char* place, const char* text) {
  pthread_mutex_lock(&noting);
  const int there = strstr(place, text) != NULL;
  pthread_mutex_unlock(&noting);
  return there;
}

/* Answers each request over TLS. */
static inline void tls_server(support_peer* peer, void* user) {
  static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret";
  char head[8192];
  SSL* ssl = SSL_new(tls);
  int size;
  (void)user;
  SSL_set_fd(ssl, support_peer_fd(peer));
  if (SSL_accept(ssl) == 1)
    while ((size = ssl_head(ssl, head, sizeof head)) > 0) {
      support_count_request(peer);
      note(to_server, head, (size_t)size);
      SSL_write(ssl, answer, sizeof answer - 1);
    }
  SSL_free(ssl);
}

/* ---- Relays ---- */

typedef struct relay {
  const char* answer; /* to CONNECT */
  int trickled;       /* byte by byte */
  int port;           /* where all is passed on to; 0: nothing is */
} relay;

static inline void relay_connect(support_peer* peer, void* user) {
  const relay* r = user;
  if (!support_expect(peer, "\r\n\r\n")) return;
  note(to_proxy, support_received(peer), support_received_size(peer));
  support_count_request(peer);
  if (r->trickled ? !support_trickle(peer, r->answer, strlen(r->answer))
                  : !support_send_text(peer, r->answer))
    return;
  if (r->port != 0)
    support_relay(support_peer_fd(peer), r->port);
  else
    support_await_close(peer);
}

/* Passes on what comes over TLS, until one side ends. */
static inline void relay_tls(SSL* ssl, int fd, int port) {
  char bytes[4096];
  const int other = support_dial(port);
  while (other >= 0) {
    struct pollfd fds[2] = {{fd, POLLIN, 0}, {other, POLLIN, 0}};
    if (SSL_pending(ssl) == 0 && poll(fds, 2, 20000) <= 0) break;
    if (SSL_pending(ssl) > 0 || fds[0].revents != 0) {
      const int n = SSL_read(ssl, bytes, sizeof bytes);
      if (n <= 0 || send(other, bytes, (size_t)n, MSG_NOSIGNAL) != n) break;
    }
    if (fds[1].revents != 0) {
      const int n = (int)recv(other, bytes, sizeof bytes, 0);
      if (n <= 0 || SSL_write(ssl, bytes, n) != n) break;
    }
  }
  if (other >= 0) close(other);
}

/* relay_connect over TLS. */
static inline void relay_connect_tls(support_peer* peer, void* user) {
  const relay* r = user;
  char head[8192];
  SSL* ssl = SSL_new(tls);
  int size;
  SSL_set_fd(ssl, support_peer_fd(peer));
  if (SSL_accept(ssl) == 1 && (size = ssl_head(ssl, head, sizeof head)) > 0) {
    note(to_proxy, head, (size_t)size);
    SSL_write(ssl, r->answer, (int)strlen(r->answer));
    if (r->port != 0) relay_tls(ssl, support_peer_fd(peer), r->port);
  }
  SSL_free(ssl);
}

#endif

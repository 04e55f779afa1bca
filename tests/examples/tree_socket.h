/* Offers the live tree of a loop on a Unix socket, for the example `top` and whoever else asks: who
 * connects gets it as text (creche_loop_dump), and the end of the stream. Header only, to be taken
 * along.
 *
 * A thread of its own answers, for a dump never waits for the loop: it can also be had, and is most
 * wanted, while a callback blocks that. Nobody but the program's own user may connect (mode 0600).
 */
#ifndef TREE_SOCKET_H
#define TREE_SOCKET_H

#include <creche/creche.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

typedef struct tree_socket {
  creche_loop loop;
  pthread_t thread;
  int listener;
  struct sockaddr_un address;
} tree_socket;

/* The whole tree, to be freed; NULL if there is none any more. It may grow while it is written. */
static inline char* tree_text(creche_loop loop) {
  char* text = NULL;
  for (size_t room = 1 << 14;;) {
    char* more = realloc(text, room);
    if (more == NULL) break;
    text = more;
    size_t needed = 0;
    const creche_status status = creche_loop_dump(loop, CRECHE_DUMP_TEXT, text, room, &needed);
    if (status == CRECHE_OK) return text;
    if (status != CRECHE_E_LIMIT) break;
    room = needed * 2;
  }
  free(text);
  return NULL;
}

static inline void* tree_socket_serve(void* user) {
  const tree_socket* offer = user;
  for (;;) {
    const int client = accept(offer->listener, NULL, NULL);
    if (client < 0 && (errno == EINTR || errno == ECONNABORTED)) continue;
    if (client < 0) return NULL; /* it is shut down */
    /* Whoever does not read is left after a second: others want to look, too. */
    const struct timeval second = {1, 0};
    setsockopt(client, SOL_SOCKET, SO_SNDTIMEO, &second, sizeof second);
    char* text = tree_text(offer->loop);
    size_t left = text != NULL ? strlen(text) : 0;
    for (const char* at = text; left > 0;) {
      const ssize_t sent = send(client, at, left, MSG_NOSIGNAL);
      if (sent <= 0) break;
      at += sent;
      left -= (size_t)sent;
    }
    free(text);
    close(client);
  }
}

/* 0, or -1 with errno. A socket that nobody listens at any more (of a program that was killed) is
 * replaced; one that is in use is EADDRINUSE. */
static inline int tree_socket_open(tree_socket* offer, creche_loop loop, const char* path) {
  memset(offer, 0, sizeof *offer);
  offer->loop = loop;
  offer->address.sun_family = AF_UNIX;
  if (strlen(path) >= sizeof offer->address.sun_path) return errno = ENAMETOOLONG, -1;
  memcpy(offer->address.sun_path, path, strlen(path));
  const struct sockaddr* address = (const struct sockaddr*)&offer->address;
  const int asks = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (asks < 0) return -1;
  if (connect(asks, address, sizeof offer->address) != 0 && errno == ECONNREFUSED) unlink(path);
  close(asks);
  offer->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (offer->listener < 0) return -1;
  /* Only bound here, so it is nobody's before its mode is set. */
  int error = bind(offer->listener, address, sizeof offer->address) != 0 ? errno : 0;
  if (error == 0) {
    if (chmod(path, 0600) != 0 || listen(offer->listener, 8) != 0)
      error = errno;
    else
      error = pthread_create(&offer->thread, NULL, tree_socket_serve, offer);
    if (error != 0) unlink(path);
  }
  if (error == 0) return 0;
  close(offer->listener);
  return errno = error, -1;
}

/* Before the loop is joined. */
static inline void tree_socket_close(tree_socket* offer) {
  unlink(offer->address.sun_path);
  shutdown(offer->listener, SHUT_RDWR);
  pthread_join(offer->thread, NULL);
  close(offer->listener);
}

#endif

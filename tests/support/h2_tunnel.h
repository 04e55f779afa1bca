/* The server's side of a stream of HTTP/2 that carries another protocol (RFC 9113, 8.5; RFC 8441),
 * for scripts of hostile.h. It keeps to the windows of both sides, and answers requests that come
 * meanwhile on the same connection with "hello". */
#ifndef SUPPORT_H2_TUNNEL_H
#define SUPPORT_H2_TUNNEL_H

#include "http2.h"

typedef struct support_h2_tunnel {
  support_h2* h;
  support_h2_request request;
  int stream; /* 0: none was asked for */
  int ended;  /* the client says nothing more */
  int reset;  /* or has reset it, with this code and one more */
  int stingy; /* give no room back: the client may send no more than the first 64 KiB */
  int gone;   /* the connection is */
  long long window, all, first_window; /* what the client takes */
  unsigned char* in;                   /* what it has sent, and nobody has taken */
  size_t size;
} support_h2_tunnel;

/* SETTINGS that offer it, then the next request for a tunnel, which is not answered. 0: the client
 * has gone. Begin with {0}. */
int support_h2_tunnel_await(support_h2_tunnel* t, support_peer* peer);
/* The same, answered with 200 and these fields ("name: value\n..." or NULL). */
int support_h2_tunnel_open(support_h2_tunnel* t, support_peer* peer, const char* fields);
void support_h2_tunnel_close(support_h2_tunnel* t);

/* Takes one frame, whatever it is. 0: the client has gone. */
int support_h2_tunnel_turn(support_h2_tunnel* t);
/* Waits for its end, or its reset. */
int support_h2_tunnel_await_end(support_h2_tunnel* t);
/* Waits for the client's going, and takes frames until then. */
void support_h2_tunnel_rest(support_h2_tunnel* t);

/* Bytes as the windows allow; last: END_STREAM behind them. */
int support_h2_tunnel_send(support_h2_tunnel* t, const void* data, size_t size, int last);
/* Waits for so many, and takes them into `into`. 0: they will not come. */
int support_h2_tunnel_take(support_h2_tunnel* t, void* into, size_t size);

/* Frames of a WebSocket: as support_websocket_send and _take. */
int support_h2_socket_send(support_h2_tunnel* t, int first, const void* data, size_t size);
int support_h2_socket_take(support_h2_tunnel* t, unsigned char* payload, size_t capacity,
                           size_t* size);

#endif

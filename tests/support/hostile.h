/* A TCP server that does exactly what a test tells it to: answer wrongly, late, in pieces, or not
 * at all. Each connection runs the same script, a C function, on a thread of its own:
 *
 *   static void script(support_peer *peer, void *user) {
 *       if (!support_expect(peer, "\r\n\r\n")) return;            (the client has gone, or stop)
 *       support_send_text(peer, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel");
 *       support_reset(peer);
 *   }
 *
 * A connection is closed when its script returns. What waits, waits for events (bytes, the end of
 * the connection, support_hostile_signal) and gives up, returning 0, when the server is stopped. */
#ifndef SUPPORT_HOSTILE_H
#define SUPPORT_HOSTILE_H

#include <stddef.h>

typedef struct support_hostile support_hostile;
typedef struct support_peer support_peer;
typedef void (*support_script)(support_peer* peer, void* user);

/* Listens on a free loopback port when it returns. */
support_hostile* support_hostile_start(support_script script, void* user);

/* Closes everything and waits for all scripts. NULL is harmless. */
void support_hostile_stop(support_hostile* server);

int support_hostile_port(const support_hostile* server);
const char* support_hostile_url(const support_hostile* server); /* "http://127.0.0.1:<port>" */

/* So far: accepted connections; requests seen by support_expect_request and by
 * support_count_request; and connections open right now. */
int support_hostile_connections(support_hostile* server);
int support_hostile_requests(support_hostile* server);
int support_hostile_open(support_hostile* server);

/* Wait until there have been so many connections or requests, or until so many connections are open
 * (exactly); 0 if `timeout_ms` was not enough. */
int support_hostile_await_connections(support_hostile* server, int count, int timeout_ms);
int support_hostile_await_requests(support_hostile* server, int count, int timeout_ms);
int support_hostile_await_open(support_hostile* server, int count, int timeout_ms);

/* Lets scripts go on that are, or will be, in support_await(peer, count) with this count or less:
 * each call counts one more. */
void support_hostile_signal(support_hostile* server);

/* ---- In scripts ---- */

int support_peer_index(const support_peer* peer); /* 0 for the server's first connection */
int support_peer_fd(const support_peer* peer);

/* Waits for bytes and takes them up to and with `text`; support_received is what was taken. */
int support_expect(support_peer* peer, const char* text);
int support_expect_bytes(support_peer* peer, size_t count);
/* Bytes that have come, and were not taken. */
size_t support_pending(const support_peer* peer);

/* Takes an HTTP/1.1 request with its body (by Content-Length or chunked) and counts it.
 * support_received is its head. */
int support_expect_request(support_peer* peer);
void support_count_request(support_peer* peer);

/* What the last successful support_expect* took, with a NUL behind it. */
const char* support_received(const support_peer* peer);
size_t support_received_size(const support_peer* peer);

int support_send(support_peer* peer, const void* data, size_t size);
int support_send_text(support_peer* peer, const char* text);
int support_sendf(support_peer* peer, const char* format, ...)
    __attribute__((format(printf, 2, 3)));

/* One byte a segment. */
int support_trickle(support_peer* peer, const void* data, size_t size);

/* Waits for the count-th support_hostile_signal. */
int support_await(support_peer* peer, int count);

/* Waits until the client closes (whatever it sends is read and forgotten): never answer. */
int support_await_close(support_peer* peer);

/* Neither reads nor answers until the server is stopped. */
void support_hang(support_peer* peer);

void support_finish(support_peer* peer); /* no more bytes from here; reading goes on */
void support_close(support_peer* peer);  /* now rather than when the script returns */
void support_reset(support_peer* peer);  /* RST instead of FIN */

/* A ready-made script: `user` is the text to answer each request with, on and on. */
void support_script_answer(support_peer* peer, void* user);

#endif

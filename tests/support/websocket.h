/* The server's side of a WebSocket, for scripts of hostile.h: it does what it is told, right or
 * wrong. */
#ifndef SUPPORT_WEBSOCKET_H
#define SUPPORT_WEBSOCKET_H

#include "hostile.h"

/* Takes the request and grants it with a 101 that has `more` lines, each with its "\r\n"; what
 * follows the head in the same segment: `behind`, so many bytes. 0: the client has gone. */
int support_websocket_accept(support_peer* peer, const char* more, const void* behind, size_t size);
/* The Sec-WebSocket-Accept that belongs to the request in support_received, in `accept`. */
int support_websocket_answer_of(const support_peer* peer, char accept[32]);

/* The head of a frame with so many bytes behind it; how long it is. */
size_t support_websocket_head(unsigned char head[10], int first, size_t size);
/* Sends a frame: first: FIN, reserved bits and opcode. */
int support_websocket_send(support_peer* peer, int first, const void* data, size_t size);

/* Takes a frame of the client's, which must be masked; its first byte, or -1. The payload, with a
 * NUL behind, is in support_received. */
int support_websocket_take(support_peer* peer, unsigned char* payload, size_t capacity,
                           size_t* size);

#endif

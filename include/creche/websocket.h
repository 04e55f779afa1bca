/* creche/websocket.h: WebSockets (RFC 6455), with compression (RFC 7692), over HTTP/1.1 or HTTP/2
 * (RFC 8441). */
#ifndef CRECHE_WEBSOCKET_H
#define CRECHE_WEBSOCKET_H

#include "http.h"

#ifdef __cplusplus
extern "C" {
#endif

/* creche_websocket_options.flags */
enum {
    CRECHE_WEBSOCKET_NO_COMPRESSION = 1, /* do not offer permessage-deflate */
    CRECHE_WEBSOCKET_TAKEOVER = 2 /* let its windows go on from message to message: shorter, but some
                                     300 KiB are held by each WebSocket; without it none while nothing
                                     is under way */
};

typedef struct creche_websocket_options {
    uint32_t size; /* set by _init */
    uint32_t flags; /* CRECHE_WEBSOCKET_* */
    const creche_request_options *request; /* headers, timeouts, TLS, proxy, task of the handshake; no body;
                                              may be NULL */
    const char *const *protocols; /* subprotocols to offer, the first one is liked best; copied */
    size_t protocols_count;
    uint64_t max_message; /* bytes of a message that is received, inflated or not; default 16 MiB; more
                             ends the WebSocket with CRECHE_E_LIMIT (and 1009 for the server) */
    int64_t heartbeat;    /* after so long without a byte a ping is sent; after as long again, counted
                             once it has gone out, the connection is gone: CRECHE_E_TIMEOUT. Not
                             while the server is held back; default CRECHE_NEVER */
    int64_t close_timeout; /* for the server to answer a close; default 10 s */
} creche_websocket_options;

/* Sets the defaults in the first `size` bytes (pass sizeof). Returns CRECHE_OK or CRECHE_E_INVALID.
 * Since 0.1. */
CRECHE_API creche_status creche_websocket_options_init(creche_websocket_options *options, size_t size);

/* Opens a WebSocket: "ws://...", "wss://..." or the same with http and https. The handshake is a
 * request of the session's (its limits, proxy, TLS; redirects are followed, to ws and wss URLs, too).
 * The completion: code: 101 (by HTTP/2 another one of 2xx: see creche/http2.h);
 * value: a creche_websocket, CRECHE_OWNED: a lease of the nearest task or group around `in` (or the loop),
 * which it holds open until it is closed. Its connection counts for the limits of the session, and is
 * never used for anything else by HTTP/1.1. Failures: CRECHE_E_PROTOCOL with error->http_status (and
 * code): another status than that, or an answer that is not to our key or grants what was not offered;
 * the rest as creche_session_fetch. Returns as creche_session_fetch does; CRECHE_E_INVALID also for a
 * request with a body or a method. Since 0.1. */
CRECHE_API creche_status creche_session_websocket(creche_session session, creche_scope in,
                                                  const char *url,
                                                  const creche_websocket_options *options,
                                                  creche_done_fn done, void *user, creche_task *task)
                                                  CRECHE_MUST_CHECK;

/* The code of CRECHE_MESSAGE, and the type of what is sent. */
enum {
    CRECHE_WEBSOCKET_TEXT = 1,
    CRECHE_WEBSOCKET_BINARY = 2
};

/* Sends a message (copied), behind those of the calls before; completes when the system has taken all
 * of it, so that awaiting each holds you back as far as the server does. Text must be UTF-8:
 * CRECHE_E_INVALID. Cancelled before it has begun to go out, it is not sent; later it goes out all the
 * same. Failures: CRECHE_E_CLOSED (a close was begun, by you or the server), _DISCONNECTED, _TIMEOUT,
 * _PROTOCOL, _LIMIT: why the WebSocket has ended. Returns CRECHE_OK, CRECHE_E_INVALID, or as
 * creche_task_spawn does. Since 0.1. */
CRECHE_API creche_status creche_websocket_send(creche_websocket websocket, creche_scope in,
                                               uint32_t type, const void *data, size_t size,
                                               const creche_task_options *options, creche_done_fn done,
                                               void *user, creche_task *task) CRECHE_MUST_CHECK;

/* Receives the next message, whole: kind CRECHE_MESSAGE, code: CRECHE_WEBSOCKET_TEXT (it is UTF-8) or
 * _BINARY, data and data_size, with a NUL behind. Kind CRECHE_END: the server has closed, code: its close
 * code, 1005 if it gave none, data: its reason; and again. Otherwise it fails, once all that had come
 * was received, as the WebSocket did: CRECHE_E_PROTOCOL, _CODING, _LIMIT (the server was told why by
 * a close), _DISCONNECTED, _TIMEOUT, _CLOSED, with code 1006. One receive at a time: a second one
 * completes with CRECHE_E_STATE. With 256 KiB unreceived the server is held back. Cancelling a receive
 * cancels only that. Pings are answered without your help, in the order of what is received.
 * Returns CRECHE_OK, or as creche_task_spawn does. Since 0.1. */
CRECHE_API creche_status creche_websocket_receive(creche_websocket websocket, creche_scope in,
                                                  const creche_task_options *options,
                                                  creche_done_fn done, void *user, creche_task *task)
                                                  CRECHE_MUST_CHECK;

/* Closes in order: what was sent before goes out, then a close with this code (0: none; 1000 to 1003,
 * 1007 to 1014, 3000 to 4999) and reason (UTF-8, up to 123 bytes, or NULL). Completes when the server
 * has closed too, or the connection has ended: code: the server's close code, 1005 if it gave none, 1006
 * if it never closed; after close_timeout with CRECHE_E_TIMEOUT, and the connection is dropped. Messages
 * that come after the call are not kept; those before can still be received. Idempotent: each call
 * gets a completion. Returns CRECHE_OK, CRECHE_E_INVALID (code, reason), or as creche_task_spawn does.
 * Since 0.1. */
CRECHE_API creche_status creche_websocket_close(creche_websocket websocket, creche_scope in,
                                                uint32_t code, const char *reason,
                                                const creche_task_options *options,
                                                creche_done_fn done, void *user, creche_task *task)
                                                CRECHE_MUST_CHECK;

/* The subprotocol that was agreed on, "" for none; NULL if the handle is bad. Lives as long as the
 * handle. Since 0.1. */
CRECHE_API const char *creche_websocket_protocol(creche_websocket websocket);

/* Hands it to another owner: the task, group or loop nearest to `to`. As creche_response_move.
 * Since 0.1. */
CRECHE_API creche_status creche_websocket_move(creche_websocket websocket, creche_scope to);

/* Gives it up: a close (1000) is sent if that is possible at once, and the connection is closed; so it is
 * at the end of its owner (1001). What was received lives on. Since 0.1. */
CRECHE_API void creche_websocket_release(creche_websocket websocket);

#ifdef __cplusplus
}
#endif
#endif

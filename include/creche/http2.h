/* creche/http2.h: which versions of HTTP a session speaks, and what HTTP/2 is beside HTTP/1.1. */
#ifndef CRECHE_HTTP2_H
#define CRECHE_HTTP2_H

#ifdef __cplusplus
extern "C" {
#endif

/* creche_session_options.versions and creche_request_options.versions, one or both. */
enum {
    CRECHE_HTTP_1_1 = 1,
    /* With CRECHE_HTTP_1_1: for https URLs, where the server chooses it (ALPN); http URLs are asked for
     * by HTTP/1.1. Alone: nothing else is spoken. A server of an https URL has to choose it, or the
     * request fails with CRECHE_E_TLS (with CRECHE_TLS_NO_ALPN it is taken to speak it); one of an http
     * URL is known to ("prior knowledge", h2c), or it fails with CRECHE_E_PROTOCOL. */
    CRECHE_HTTP_2 = 2
};

/* Requests are made and answered by the same calls, with the same completions, in both. What differs:
 *
 * - One connection carries many requests at a time: as many as the server allows (100 until it says
 *   so), and no more than streams_per_connection. `limit` and `limit_per_host` count connections;
 *   limit_per_host those for HTTP/1.1 alone, for HTTP/2 alone and for either each for itself. Only
 *   when all places on those that are open are taken another one is opened. While nobody knows yet what
 *   a new connection will speak, other requests of its origin wait for it, in phase pool, within
 *   max_waiting, and with the timeouts of who began it; creche_session_warm_up opens one, however many
 *   are asked for. While a server allows none at all, requests wait in phase pool, for timeouts.pool.
 * - A request that is cancelled, fails or is released resets its stream; its connection and all other
 *   requests on it go on. So it is with a body that is not read: up to 64 KiB of one with a known size
 *   are read over, others are refused.
 * - Who reads a body slowly holds back that body and no other: up to 256 KiB that are not read are kept,
 *   and as much more may come as its window allows: 256 KiB, and for a body that is read as fast as it
 *   comes twice as much again and again, up to 4 MiB, while the server has to wait for it.
 * - A server that goes away (GOAWAY) finishes what it has taken; the rest is sent again on another
 *   connection whatever its method, as is, up to three times, what it says it has not begun with
 *   (REFUSED_STREAM): not after a piece of the body has been pulled, nor with CRECHE_REQUEST_NO_RETRY.
 *   Messages of what fails with it, and the log, say why it went: its code by name, and up to 100
 *   characters of its text.
 * - A request that a server wants by HTTP/1.1 (HTTP_1_1_REQUIRED) is sent again so, it and its redirects,
 *   under the same conditions and where `versions` has CRECHE_HTTP_1_1; else it is CRECHE_E_DISCONNECTED.
 * - An answer 421 on a connection that has carried others is read over, and the request sent once more,
 *   on a new one.
 * - A connection on which nothing has come for a second when a request on it times out, or is cancelled
 *   unanswered, is asked by a PING; with no answer in 5 s it is lost, with all requests on it
 *   (CRECHE_E_DISCONNECTED).
 * - Connection, Keep-Alive, Proxy-Connection, Transfer-Encoding, Upgrade and TE (but "trailers") of
 *   yours are not sent. Names are sent, and come, in lower case. max_header_bytes counts 32 bytes for
 *   each field beside its name and value, and no field may be larger than 64 KiB.
 * - Authorization, Proxy-Authorization, Cookie, and fields whose names end in "key", "password", "secret"
 *   or "token" are sent so that nobody on the way keeps them in a table (RFC 7541, 7.1.3).
 * - What breaks the rules for one answer (RFC 9113) is CRECHE_E_PROTOCOL for it alone; what breaks those
 *   of the connection for all requests on it, and so are floods: of frames that have to be answered, of
 *   small frames for one head (max_header_bytes / 16 KiB, and four more). Nothing is ever pushed.
 * - A WebSocket is one stream of a connection that others use too, where the server offers that (RFC
 *   8441, SETTINGS_ENABLE_CONNECT_PROTOCOL), and its completion has the answer's status, 200, as its
 *   code. Elsewhere it has a connection of its own, by HTTP/1.1 (code 101), which the first one finds
 *   out by asking for HTTP/2; where `versions` has not CRECHE_HTTP_1_1 it is CRECHE_E_DISCONNECTED.
 *   What it sends last goes out within 5 s of its end; then its stream is reset, if the server has not
 *   ended it as well.
 * - A forwarding proxy uses HTTP/1.1 whatever is said here; where CRECHE_HTTP_2 stands alone, http URLs
 *   go through a tunnel of the proxy (CONNECT).
 * - An https proxy is offered HTTP/2 for tunnels wherever their server is. If it chooses that, all tunnels
 *   through it are streams of one connection, which counts for no limit (what goes through them does), and
 *   the way to it is a part of phase proxy; failures are those of a CONNECT by HTTP/1.1. */

#ifdef __cplusplus
}
#endif
#endif

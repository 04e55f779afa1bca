/* creche/watch.h: what a session tells of its requests as they happen: for tracing, metrics, progress,
 * and answers that come before the answer (103 Early Hints). */
#ifndef CRECHE_WATCH_H
#define CRECHE_WATCH_H

#include "base.h"
#include "response.h"

#ifdef __cplusplus
extern "C" {
#endif

/* creche_request_event.event. In brackets: fields that say more. */
enum {
    CRECHE_WATCH_REQUEST_START = 0,    /* it begins, for the first time */
    CRECHE_WATCH_REQUEST_END = 1,      /* the answer has been received whole; or it failed, or was
                                          cancelled (CRECHE_E_CANCELLED, no error) [status, error,
                                          duration, bytes of the body] */
    CRECHE_WATCH_REDIRECT = 2,         /* it goes to another place [http_status; url: the new one] */
    CRECHE_WATCH_AGAIN = 3,            /* it is made again, to the same place: a retry, credentials */
    CRECHE_WATCH_QUEUE_START = 4,      /* it waits for a connection */
    CRECHE_WATCH_QUEUE_END = 5,        /* [duration] */
    CRECHE_WATCH_CONNECTION_START = 6, /* one is made for it */
    CRECHE_WATCH_CONNECTION_END = 7,   /* it is there, or failed [duration, connection; status, error] */
    CRECHE_WATCH_CONNECTION_REUSED = 8, /* it has a kept one [connection] */
    CRECHE_WATCH_CONNECTION_CLOSED = 9, /* of the session's hook only, for no request [connection] */
    CRECHE_WATCH_DNS_START = 10,
    CRECHE_WATCH_DNS_END = 11,        /* [duration] */
    CRECHE_WATCH_DNS_CACHE_HIT = 12,  /* before DNS_END: the addresses were known, */
    CRECHE_WATCH_DNS_CACHE_MISS = 13, /* or had to be asked for */
    CRECHE_WATCH_TCP_START = 14,
    CRECHE_WATCH_TCP_END = 15, /* [duration] */
    CRECHE_WATCH_PROXY_START = 16,
    CRECHE_WATCH_PROXY_END = 17, /* [duration] */
    CRECHE_WATCH_TLS_START = 18,
    CRECHE_WATCH_TLS_END = 19,           /* [duration] */
    CRECHE_WATCH_HEADERS_SENT = 20,      /* [bytes of the head] */
    CRECHE_WATCH_CHUNK_SENT = 21,        /* [bytes of the body, framing counted, sent so far] */
    CRECHE_WATCH_INFORMATIONAL = 22,     /* a 1xx has come, but 101 [http_status, headers]: 32 of them at
                                            the most */
    CRECHE_WATCH_HEADERS_RECEIVED = 23,  /* the head of an answer, of each hop [http_status, headers] */
    CRECHE_WATCH_CHUNK_RECEIVED = 24     /* [bytes of the body, coded, received so far] */
};
#define CRECHE_WATCH_BIT(event) (UINT64_C(1) << (event))

/* What happened. Made by the library only, so it may grow at its end: read a field only if `size`
 * covers it. It and what it points to live until the function returns. Never NULL: method, url. */
typedef struct creche_request_event {
    uint32_t size;
    uint32_t event;      /* CRECHE_WATCH_* */
    creche_task task;    /* that makes the request; {0}: none */
    void *user;          /* of the call that started it */
    int64_t time;        /* on the loop's clock */
    int64_t duration;    /* nanoseconds */
    creche_status status;
    uint32_t http_status; /* of the last head, or 0 */
    uint64_t connection; /* as in creche_response_info; 0: not yet */
    uint64_t bytes;
    const char *method;
    const char *url;     /* without user info and query */
    const char *peer;    /* of the connection; NULL: not yet */
    const creche_header *headers;
    size_t headers_count;
    const creche_error *error; /* or NULL */
} creche_request_event;

/* Called on the loop. It may call any function of the library but those tagged [not on a loop]. It must
 * return normally and soon. */
typedef void (*creche_watch_fn)(void *user, const creche_request_event *event);

/* Says of which trace a request is a part: stores what the field `traceparent` (W3C Trace Context) is to
 * say, 55 characters, and returns 55; or 0: nothing. context: what creche_scope_get_context says of the
 * request's task, or NULL. What is no traceparent is not sent; a request with such a field of its own
 * is not asked about; it goes along on redirects, to other origins, too. Called on the loop, when the
 * request begins. */
typedef size_t (*creche_traceparent_fn)(void *user, void *context, char *text, size_t capacity);

/* A hook, of a session (creche_session_options.watch) or a request (creche_request_options.watch); both
 * are told. A session's is called until its close is complete, a request's until its completion (of a
 * stream: the end of its body). What has started ends before the request does. Nobody hears of warm-ups,
 * and nobody who is not watched pays for it. */
typedef struct creche_watch {
    uint32_t size;   /* set by _init */
    uint32_t flags;  /* 0 */
    uint64_t events; /* CRECHE_WATCH_BITs of those that are told; default: all */
    creche_watch_fn tell; /* NULL: nobody is told */
    creche_traceparent_fn traceparent; /* NULL: none; a request's goes before the session's */
    void *user; /* of both */
} creche_watch;

/* Sets the defaults in the first `size` bytes (pass sizeof). Returns CRECHE_OK or CRECHE_E_INVALID.
 * Since 0.1. */
CRECHE_API creche_status creche_watch_init(creche_watch *watch, size_t size);

#ifdef __cplusplus
}
#endif
#endif

/* creche/events.h: server-sent events (text/event-stream): what a server streams as it happens, and
 * what APIs of language models stream token by token. */
#ifndef CRECHE_EVENTS_H
#define CRECHE_EVENTS_H

#include "http.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One event. Made by the library only, so it may grow at its end: read a field only if `size` covers
 * it. Texts are UTF-8 (what was none has U+FFFD), with a NUL behind them; they lie in the completion's
 * own memory, for as long as its data does. */
typedef struct creche_server_event {
    uint32_t size;
    uint32_t connection; /* the number of the connection that brought it, from 1 on: a greater one than
                            before says that the stream was lost in between */
    const char *type;    /* "message" if the server names none */
    size_t type_size;
    const char *data;    /* lines joined by line feeds; perhaps empty */
    size_t data_size;
    const char *id;      /* the last that the server has said, in this event or before; or empty */
    size_t id_size;
} creche_server_event;

/* creche_events_options.flags */
enum {
    CRECHE_EVENTS_ONCE = 1,  /* the end of the first stream is the end: nothing is asked for again */
    CRECHE_EVENTS_AGAIN = 2, /* ask again also with a method that is not idempotent, such as POST */
    CRECHE_EVENTS_KEEP = 4   /* each event is yours: value is a handle, CRECHE_OWNED, and data a view
                                into it until creche_value_release. For functions that hand events on:
                                without it an event is released when the function returns, however
                                slowly what it has handed on is worked off */
};

typedef struct creche_events_options {
    uint32_t size; /* set by _init */
    uint32_t flags; /* CRECHE_EVENTS_* */
    const creche_request_options *request; /* method, headers, body, timeouts, task; may be NULL.
                           timeouts.read_gap is how long a stream may be silent before it counts as
                           lost; 0 (and the session's) is no limit here */
    const char *last_event_id; /* where to go on; default NULL: at the beginning; copied */
    int64_t retry;     /* the wait before the next connection, until the server says another; default
                          3 s */
    int64_t max_retry; /* the longest wait, whoever says so; default 30 s */
    uint64_t max_data; /* bytes of an event's data; default 16 MiB; more is CRECHE_E_LIMIT */
    uint64_t max_held; /* bytes of events that you may hold unreleased, each with 256 more than its
                          text; with so many the server is held back; default 256 KiB */
    uint32_t attempts; /* connections in a row that bring nothing before it fails; default 10; 0: no
                          limit */
    uint32_t reserved; /* 0 */
} creche_events_options;

/* Sets the defaults in the first `size` bytes (pass sizeof). Returns CRECHE_OK or CRECHE_E_INVALID.
 * Since 0.1. */
CRECHE_API creche_status creche_events_options_init(creche_events_options *options, size_t size);

/* Listens to a stream of events: completions of kind CRECHE_EVENT with CRECHE_MORE, data: a const
 * creche_server_event *, code: 200; at the end CRECHE_DONE. The request has Accept:
 * text/event-stream and Cache-Control: no-store unless you name them, and Last-Event-ID once there
 * is an id (one that cannot stand in a header, or of more than 4 KiB, is not sent).
 *
 * A stream that ends or breaks is asked for anew, at the URL that you gave: after the wait that the
 * server or `retry` says; twice as long after each failure in a row, up to max_retry; and up to a
 * quarter more, at random. A wait that a server says is 10 ms at least, and streams in a row that bring
 * no event are asked for again more and more slowly, up to 1 s apart, if what is said is less. What had
 * come is delivered before; an event without the empty line behind it is none. The first connection is
 * tried once, or as often as a policy of its own says (creche_retry of the request or the session): if
 * it fails, so does the task. Later ones that fail with CRECHE_E_DNS, _CONNECT, _TLS, _DISCONNECTED,
 * _PROTOCOL, _TRUNCATED, _CODING, _TIMEOUT or _SYSTEM are tried again, `attempts` in a row at the most;
 * one counts as good once a byte of a stream has come, or when its stream has lasted for max_retry.
 * Nothing is sent again with CRECHE_EVENTS_ONCE, nor with a method that is not idempotent unless
 * CRECHE_EVENTS_AGAIN allows it:
 * then the end of the stream is CRECHE_DONE with CRECHE_OK and code 200, its loss a failure.
 *
 * A 204 ends it with CRECHE_OK, code 204: the server wants no more connections. Any other status than
 * 200, or another Content-Type, is CRECHE_E_PROTOCOL with error->http_status (and code) at once.
 * Further failures as of creche_session_fetch. Cancelled, or at a deadline: its connection is closed.
 * A body can only be bytes. Returns as creche_session_fetch does; CRECHE_E_INVALID also for a pulled
 * body. Since 0.1. */
CRECHE_API creche_status creche_session_events(creche_session session, creche_scope in,
                                               const char *url, const creche_events_options *options,
                                               creche_done_fn done, void *user, creche_task *task)
                                               CRECHE_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif

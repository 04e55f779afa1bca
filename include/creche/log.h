/* creche/log.h: what a loop says in words, for log files: connections, retries, reconnects, what was lost;
 * and, in debug mode, what a program does wrong without being told so. Never a secret: no password, no
 * DSN, no value of a header or a statement, no query of a URL. */
#ifndef CRECHE_LOG_H
#define CRECHE_LOG_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* creche_log_record.level, and creche_log.level: this one and those above it. */
enum {
    CRECHE_LOG_NONE = 0,
    CRECHE_LOG_ERROR = 1,
    CRECHE_LOG_WARN = 2,  /* something was lost, or is wrong, and may go on so */
    CRECHE_LOG_INFO = 3,  /* what is done about that; what happens seldom */
    CRECHE_LOG_DEBUG = 4  /* what happens all the time */
};

/* creche_log_record.event. In brackets: the level, and the fields, which may be missing where they are not
 * known. error: a status's name; phase: CRECHE_PHASE_*; why: a message, as errors have them; connection: its
 * number in its session, as in creche_response_info. */
enum {
    CRECHE_LOG_CONNECTED = 1,      /* a connection is open [debug: of a session: peer, connection; of a
                                      pool: ms, since it was begun with] */
    CRECHE_LOG_CONNECT_FAILED = 2, /* none could be opened [warn: error, phase, why] */
    CRECHE_LOG_CLOSED = 3,         /* one is closed, and the message says why: idle for too long, too old, no
                                      answer to be kept after, ... [debug: of a session: peer, connection; why: what a
                                      server of HTTP/2 said when it went away] */
    CRECHE_LOG_DROPPED = 4,        /* one of a pool's was lost [warn: error, phase, why] */
    CRECHE_LOG_RETRY = 5,          /* a request that has failed is made again: a retry policy, or a kept
                                      connection that was dead [info: attempt; error, phase, why; after an
                                      answer http_status] */
    CRECHE_LOG_RECONNECT = 6,      /* a stream of events, or a LISTEN, connects anew [info: attempt, delay_ms,
                                      and for events error, phase, why] */
    CRECHE_LOG_RETRY_DENIED = 7,   /* one is not, for want of a budget: creche_retry.budget [warn: as RETRY] */
    /* In debug mode only, all of them [warn]: */
    CRECHE_LOG_NOT_CLOSED = 16,    /* a group or scope was left open: only the end of what it is in, or of
                                      the loop, closes it [kind] */
    CRECHE_LOG_NOWHERE = 17,       /* a completion has nowhere to go: `done` is NULL and there is no queue */
    CRECHE_LOG_REFUSED = 18        /* work was refused, for what it was for is ending [error] */
};

/* A detail of a record. Never grows. */
typedef struct creche_log_field {
    const char *name; /* static */
    const char *text; /* UTF-8; a number is written out here, too. Never NULL */
    int64_t number;
    uint32_t is_number;
    uint32_t reserved;
} creche_log_field;

/* What is said. Made by the library only, so it may grow at its end: read a field only if `size` covers
 * it. It and what it points to live until the function returns. Never NULL: message, name, site. */
typedef struct creche_log_record {
    uint32_t size;
    uint32_t level; /* CRECHE_LOG_ERROR, ... */
    uint32_t event; /* CRECHE_LOG_CONNECTED, ... */
    uint32_t fields_count;
    creche_loop loop;
    uint64_t id;   /* the handle that it is about (a pool, a task, a group), which may have ended, or 0 */
    int64_t time;  /* on the loop's clock */
    const char *message; /* one line, without the fields */
    const char *name;    /* of what it is about, "" for none */
    const char *site;    /* where that was started or opened, as its options say (CRECHE_HERE), or "" */
    const creche_log_field *fields;
} creche_log_record;

/* It may call any function of the library, but those tagged [not on a loop] return
 * CRECHE_E_WOULD_DEADLOCK in it. It must return normally and soon. */
typedef void (*creche_log_fn)(void *user, const creche_log_record *record);

/* A loop's log (creche_loop_options.log). Called as its hooks are (creche/hooks.h): one record at a time, in
 * the order in which things happened, on the loop's thread or that of the call that made it happen; never
 * after creche_loop_join has succeeded. What there is no memory for is counted
 * (creche_loop_counters.events_lost). */
typedef struct creche_log {
    uint32_t size; /* set by _init */
    uint32_t flags; /* 0 */
    uint32_t level; /* CRECHE_LOG_*: default CRECHE_LOG_INFO */
    uint32_t reserved; /* 0 */
    creche_log_fn write; /* NULL: nobody is told */
    void *user;
} creche_log;

/* Sets the defaults in the first `size` bytes (pass sizeof). Returns CRECHE_OK or CRECHE_E_INVALID.
 * Since 0.1. */
CRECHE_API creche_status creche_log_init(creche_log *log, size_t size);

/* Writes a record as a line of text, as CRECHE_DEBUG=stderr does: "creche: warn: page.c:12: group "pages" was
 * left open kind=group", with blanks and control characters in fields and names escaped, to `buffer` with a
 * NUL, cut at `capacity`. Returns the bytes that all of it needs without the NUL; 0 for NULL. Since 0.1. */
CRECHE_API size_t creche_log_format(const creche_log_record *record, char *buffer, size_t capacity);

#ifdef __cplusplus
}
#endif
#endif

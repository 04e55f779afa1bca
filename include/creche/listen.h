/* creche/listen.h: LISTEN: what others say by NOTIFY, for as long as you like. With creche/pg.h, which says
 * the rest of pools. */
#ifndef CRECHE_LISTEN_H
#define CRECHE_LISTEN_H

#include "task.h"

#ifdef __cplusplus
extern "C" {
#endif

/* creche_notification.what */
enum {
    CRECHE_LISTEN_NOTIFICATION = 0, /* somebody has said NOTIFY */
    CRECHE_LISTEN_STARTED = 1, /* from now on nothing is missed: comes first */
    CRECHE_LISTEN_GAP = 2      /* the connection was lost, and there is another one that listens: what was
                                  said in between is lost. Look at what you would have been told of */
};

/* What was said. A view into the completion's value. Grows at its end only. */
typedef struct creche_notification {
    uint32_t what;    /* CRECHE_LISTEN_* */
    uint32_t process; /* of the server's that said it; 0 for all but notifications */
    uint64_t dropped; /* notifications that were thrown away before this one, because max_held were held */
    const char *channel; /* NUL-terminated; "" for all but notifications */
    const char *payload; /* NUL-terminated */
    size_t payload_size; /* bytes, without the NUL */
} creche_notification;

typedef struct creche_listen_options {
    uint32_t size; /* set by _init */
    uint32_t flags; /* 0 */
    uint32_t max_held; /* notifications that you may hold unreleased; what comes then is thrown away, and
                          counted; default 1024 */
    uint32_t reserved; /* 0 */
    int64_t heartbeat; /* the server is asked for a sign of life so often, and the connection is given up
                          if there was none until the next time; default 30 s; CRECHE_NEVER: never asked */
    const creche_task_options *task; /* may be NULL */
} creche_listen_options;

/* Sets the defaults in the first `size` bytes (pass sizeof). Returns CRECHE_OK or CRECHE_E_INVALID.
 * Since 0.1. */
CRECHE_API creche_status creche_listen_options_init(creche_listen_options *options, size_t size);

/* Listens on `count` channels, on a connection of its own (one of the pool's max_size), until it is
 * cancelled or the pool is closed. channels: their names as they are, without quotes: 1 to 63 bytes each;
 * copied. Completions with kind CRECHE_NOTIFY and CRECHE_MORE: data: const creche_notification *, value:
 * CRECHE_OWNED, to be given up by creche_value_release. The first one is CRECHE_LISTEN_STARTED.
 * When the connection is lost (the server restarts, another one takes over, nothing is heard of it for a
 * heartbeat) another one is made, as often as it takes, later and later up to 2 s, and listens:
 * CRECHE_LISTEN_GAP. Only a first attempt fails, with the errors of creche_pool_query.
 * The end is CRECHE_E_CANCELLED, CRECHE_E_CLOSED (the pool was closed) or that failure; its connection
 * is closed.
 * Returns CRECHE_OK; CRECHE_E_INVALID (no channel, or a name that is none), or as creche_task_spawn does.
 * Since 0.1. */
CRECHE_API creche_status creche_pool_listen(creche_pool pool, creche_scope in, const char *const *channels,
                                            size_t count, const creche_listen_options *options,
                                            creche_done_fn done, void *user, creche_task *task)
                                            CRECHE_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif

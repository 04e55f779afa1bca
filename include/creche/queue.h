/* creche/queue.h: queues: where completions go instead of to a callback. Drained in batches by any
 * thread; the descriptor makes a queue part of any other event loop. */
#ifndef CRECHE_QUEUE_H
#define CRECHE_QUEUE_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* creche_queue_options.flags */
enum {
    CRECHE_QUEUE_SOCKET = 1 /* the descriptor is a socket, for runtimes that read what they watch */
};

typedef struct creche_queue_options {
    uint32_t size; /* set by _init */
    uint32_t flags; /* CRECHE_QUEUE_* */
    const char *name; /* for dumps; copied; may be NULL */
} creche_queue_options;

/* Sets the defaults in the first `size` bytes (pass sizeof). Returns CRECHE_OK or CRECHE_E_INVALID.
 * Since 0.1. */
CRECHE_API creche_status creche_queue_options_init(creche_queue_options *options, size_t size);

/* Opens a queue on a loop; name it in the options of groups and tasks. Returns CRECHE_OK;
 * CRECHE_E_INVALID, CRECHE_E_UNSUPPORTED, CRECHE_E_SYSTEM (no descriptor), CRECHE_E_NO_MEMORY,
 * CRECHE_E_CLOSED (the loop is closing), the handle errors. Since 0.1. */
CRECHE_API creche_status creche_queue_open(creche_loop loop, const creche_queue_options *options,
                                           creche_queue *queue);

/* The queue's descriptor, to wait on (poll, epoll, asyncio's add_reader), never to read or close:
 * readable if and only if the queue has completions, or is closed and nothing more will come. A drain
 * that leaves some is news to who watches for changes only (EPOLLET).
 *
 * Without CRECHE_QUEUE_SOCKET it is an eventfd. With it, it is one end of a pair of connected stream
 * sockets, and a runtime that can only watch by reading (Node's net.Socket) may read it, best through a
 * descriptor of its own (dup), which it may close, too. A byte comes when there is news: the queue was
 * empty, and now has something or is closed; or a drain has left some. So drain after each byte until
 * fewer than `capacity` came. Its end comes with the queue's release. While somebody reads it nobody
 * else can wait for it.
 * Returns it, or a negative status. Since 0.1. */
CRECHE_API int32_t creche_queue_fd(creche_queue queue);

/* Takes up to `capacity` completions, in the order in which they came, and stores how many in *n,
 * without waiting. They live until creche_completions_release. Returns CRECHE_OK (also with *n = 0
 * for an empty queue); CRECHE_E_CLOSED when the queue is closed and everything was taken;
 * CRECHE_E_INVALID, the handle errors (then *n = 0). Since 0.1. */
CRECHE_API creche_status creche_queue_drain(creche_queue queue, creche_completion *completions,
                                            size_t capacity, size_t *n);

/* [not on a loop] The same, but waits until there is at least one; timeout: nanoseconds from the call,
 * CRECHE_NEVER for as long as it takes. Blocks. The thread that runs a CRECHE_RUN_CALLER loop (that
 * ran it last, or opened it) turns the loop meanwhile; others wait for that one. Further statuses:
 * CRECHE_E_TIMEOUT, CRECHE_E_INTERRUPTED (a signal: call again), CRECHE_E_WOULD_DEADLOCK,
 * CRECHE_E_SYSTEM (a sandbox that allows neither ppoll nor poll); CRECHE_E_CLOSED also once the loop
 * has ended and everything was taken. Since 0.1. */
CRECHE_API creche_status creche_queue_wait(creche_queue queue, creche_completion *completions,
                                           size_t capacity, int64_t timeout, size_t *n);

/* Closes a queue: calls that would route to it get CRECHE_E_CLOSED; what was accepted is still
 * delivered; then draining says CRECHE_E_CLOSED. done is called on the loop once nothing more will
 * come (NULL: nobody is told). Idempotent. Returns CRECHE_OK, CRECHE_E_CLOSED (the loop has ended, so
 * nobody could call done) and the handle errors. Since 0.1. */
CRECHE_API creche_status creche_queue_close(creche_queue queue, creche_done_fn done, void *user);

/* Closes a queue and throws away, with all that it owns, what is in it or still to come. Blocked
 * waiters wake with CRECHE_E_CLOSED. Since 0.1. */
CRECHE_API void creche_queue_release(creche_queue queue);

#ifdef __cplusplus
}
#endif
#endif

/* creche/retry.h: when a request is made again. */
#ifndef CRECHE_RETRY_H
#define CRECHE_RETRY_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* creche_retry.flags */
enum {
    CRECHE_RETRY_ANY_METHOD = 1, /* a POST or PATCH, too, may be made twice */
    CRECHE_RETRY_NO_JITTER = 2,  /* wait for the whole delay each time */
    CRECHE_RETRY_NO_BUDGET = 4   /* however many others are made again */
};

/* A policy: of a session (creche_session_options.retry) or a request (creche_request_options.retry).
 * A request that has one is made again, up to `attempts` in all,
 *
 * - after a failure that may pass: no connection (also for want of a name, if the resolver says that
 *   it may try again), one that broke, a timeout of a phase, a body that was cut; never after one that
 *   waited for a connection of the session, and never once you have the head of a stream;
 * - after an answer with one of `statuses`;
 *
 * if nothing of it had been sent, or its method is GET, HEAD, OPTIONS, TRACE, PUT or DELETE, or it has
 * an Idempotency-Key among its own header fields, or by CRECHE_RETRY_ANY_METHOD; and if its body is
 * there: of a pulled one nothing may have been pulled. Otherwise the failure or the answer is yours, as
 * it is when no attempt is left, or when the next one would begin at or after the deadline of its task
 * or of a scope around it.
 *
 * It waits a random time of up to `delay` before the second attempt, of up to twice as much before the
 * third and so on, up to max_delay ("full jitter"); or, after an answer with a Retry-After of seconds
 * or a date, just as long as that says (a date from the answer's own Date on, if it has one; the past is
 * now), up to max_retry_after. It holds no connection meanwhile.
 *
 * The budget keeps the retries of a session few when a server is down for all: each request with a
 * policy adds `budget` hundredths of a retry, each retry takes one; besides there are 10 retries each
 * 10 s. Sending again over a new connection because a kept one was dead is no such attempt, and neither
 * is a redirect; a connection that was lost after that may be. */
typedef struct creche_retry {
    uint32_t size;           /* set by _init */
    uint32_t flags;          /* CRECHE_RETRY_* */
    uint32_t attempts;       /* in all; default 3; 1: it is never made again */
    uint32_t budget;         /* percent; default 20 */
    int64_t delay;           /* nanoseconds; default 100 ms */
    int64_t max_delay;       /* default 10 s */
    int64_t max_retry_after; /* default 60 s; 0: Retry-After is not looked at */
    const uint16_t *statuses; /* 400 to 599; NULL, with statuses_count 0: 408, 429, 502, 503, 504; a
                                 list of none: no answer is made again; copied */
    size_t statuses_count;
} creche_retry;

/* Sets the defaults in the first `size` bytes (pass sizeof). Returns CRECHE_OK or CRECHE_E_INVALID.
 * Since 0.1. */
CRECHE_API creche_status creche_retry_init(creche_retry *retry, size_t size);

#ifdef __cplusplus
}
#endif
#endif

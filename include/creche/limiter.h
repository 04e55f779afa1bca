/* creche/limiter.h: limiters, of how many may do something at once, and rate limiters, of how often.
 * Waiting for one is a task in a scope like any other: cancellable at any moment, and nothing is lost
 * when it is. Who comes first is served first. All of it lives on one loop; calls from any thread. */
#ifndef CRECHE_LIMITER_H
#define CRECHE_LIMITER_H

#include "task.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Limiters: tokens that are held for a while -------------------------------------------------- */
typedef struct creche_limiter_options {
    uint32_t size;  /* set by _init */
    uint32_t flags; /* 0 */
    uint32_t total; /* tokens; 1 by default: a lock. 0 is allowed */
    uint32_t reserved;
    const char *name; /* for dumps; copied; may be NULL */
} creche_limiter_options;

/* Sets the defaults in the first `size` bytes (pass sizeof). Returns CRECHE_OK or CRECHE_E_INVALID.
 * Since 0.1. */
CRECHE_API creche_status creche_limiter_options_init(creche_limiter_options *options, size_t size);

/* Opens a limiter on a loop, with all tokens free. *limiter is yours to release; it ends with its loop.
 * Returns CRECHE_OK; CRECHE_E_INVALID, CRECHE_E_UNSUPPORTED, CRECHE_E_CLOSED (the loop is closing),
 * CRECHE_E_NO_MEMORY, the handle errors. Since 0.1. */
CRECHE_API creche_status creche_limiter_open(creche_loop loop, const creche_limiter_options *options,
                                             creche_limiter *limiter);

/* Waits for a token, first come, first served. The completion's value is the token (CRECHE_OWNED): a
 * lease of the nearest task, group or loop above `in`, which it holds open. It is given back by
 * creche_token_release, when its task finishes, or, in a cancelled group, after the last other child;
 * and at once if nobody takes the completion. (creche_to_group is of no use: the group would wait for
 * the token that it keeps.) A token that is free, or becomes free, is the next
 * waiter's in that very moment, also if that is cancelled before it can look.
 * borrower: who borrows, to find double borrowing; 0 for nobody in particular.
 * The completion fails with CRECHE_E_CLOSED if the limiter is released meanwhile.
 * Returns as creche_sleep does; CRECHE_E_STATE also if this borrower holds a token or waits for one.
 * Since 0.1. */
CRECHE_API creche_status creche_limiter_acquire(creche_limiter limiter, creche_scope in,
                                                uint64_t borrower, const creche_task_options *options,
                                                creche_done_fn done, void *user, creche_task *task)
                                                CRECHE_MUST_CHECK;

/* Takes a token now, or not at all: *token, a lease as above, yours to release; {0} otherwise.
 * Returns CRECHE_OK; CRECHE_E_LIMIT (none is free, or others wait); otherwise as
 * creche_limiter_acquire. Since 0.1. */
CRECHE_API creche_status creche_limiter_try(creche_limiter limiter, creche_scope in, uint64_t borrower,
                                            creche_token *token) CRECHE_MUST_CHECK;

/* Changes the number of tokens. More of them go to waiters at once; with fewer, those who hold one
 * keep it, and none is given out until enough came back. 0 is allowed.
 * Returns CRECHE_OK or the handle errors. Since 0.1. */
CRECHE_API creche_status creche_limiter_set_total(creche_limiter limiter, uint32_t total);

typedef struct creche_limiter_state {
    uint32_t size;     /* bytes stored */
    uint32_t flags;    /* 0 */
    uint32_t total;    /* tokens */
    uint32_t borrowed; /* of those, given out; more than total after it was lowered */
    uint32_t waiting;  /* tasks, offloaded functions among them */
} creche_limiter_state;

/* Stores the first `size` bytes of the limiter's state as it is now (pass sizeof).
 * Returns CRECHE_OK, CRECHE_E_INVALID or the handle errors. Since 0.1. */
CRECHE_API creche_status creche_limiter_get_state(creche_limiter limiter, creche_limiter_state *state,
                                                  size_t size);

/* Releases a limiter: those who wait fail with CRECHE_E_CLOSED, tokens given out stay good.
 * Since 0.1. */
CRECHE_API void creche_limiter_release(creche_limiter limiter);

/* Makes a token a lease of the nearest task, group or loop above `to`.
 * Returns CRECHE_OK; CRECHE_E_CLOSED, CRECHE_E_STATE (`to` takes no more, or is a library operation),
 * CRECHE_E_WRONG_LOOP, the handle errors. Since 0.1. */
CRECHE_API creche_status creche_token_move(creche_token token, creche_scope to);

/* Gives a token back; the first who waits has it when this returns. Since 0.1. */
CRECHE_API void creche_token_release(creche_token token);

/* ---- Rate limiters: permits that are used up ------------------------------------------------------
 * A token bucket: it is full of `burst` permits at first and gains `permits` in each `interval`, evenly
 * and at most up to `burst`. Computed in integers on the loop's clock: never early, and no rounding
 * adds up. A loop that wakes late makes up for at most one permit, so that no burst follows a stall. */
typedef struct creche_rate_options {
    uint32_t size;    /* set by _init */
    uint32_t flags;   /* 0 */
    uint32_t permits; /* in each interval; 1 or more; 1 by default */
    uint32_t burst;   /* what the bucket holds; 0, the default: as many as `permits` */
    int64_t interval; /* nanoseconds; 1 or more; a second by default */
    const char *name; /* for dumps; copied; may be NULL */
} creche_rate_options;

/* Sets the defaults in the first `size` bytes (pass sizeof). Returns CRECHE_OK or CRECHE_E_INVALID.
 * Since 0.1. */
CRECHE_API creche_status creche_rate_options_init(creche_rate_options *options, size_t size);

/* Opens a rate limiter on a loop, with a full bucket. *rate is yours to release; it ends with its
 * loop. Returns as creche_limiter_open does. Since 0.1. */
CRECHE_API creche_status creche_rate_open(creche_loop loop, const creche_rate_options *options,
                                          creche_rate *rate);

/* Waits until `permits` of them are there and uses them up; first come, first served, also if those
 * behind want fewer. Cancelled before that, it takes none, and those behind move up. The completion
 * fails with CRECHE_E_CLOSED if the rate limiter is released meanwhile.
 * Returns as creche_sleep does; CRECHE_E_INVALID also if permits is 0 or more than the burst, which
 * would never be there. Since 0.1. */
CRECHE_API creche_status creche_rate_acquire(creche_rate rate, creche_scope in, uint32_t permits,
                                             const creche_task_options *options, creche_done_fn done,
                                             void *user, creche_task *task) CRECHE_MUST_CHECK;

/* Uses `permits` up now, or none at all. Returns CRECHE_OK; CRECHE_E_LIMIT (not there, others wait, or
 * paused); CRECHE_E_INVALID as above; the handle errors. Since 0.1. */
CRECHE_API creche_status creche_rate_try(creche_rate rate, uint32_t permits) CRECHE_MUST_CHECK;

/* Gives out nothing before `until`, a point of the loop's clock: what a server wants with 429 and
 * Retry-After. A pause is never shortened by another. CRECHE_NEVER: until creche_rate_resume. The
 * bucket fills meanwhile.
 * Returns CRECHE_OK or the handle errors. Since 0.1. */
CRECHE_API creche_status creche_rate_pause(creche_rate rate, int64_t until);

/* Ends a pause now. Returns CRECHE_OK or the handle errors. Since 0.1. */
CRECHE_API creche_status creche_rate_resume(creche_rate rate);

typedef struct creche_rate_state {
    uint32_t size;        /* bytes stored */
    uint32_t flags;       /* 0 */
    uint32_t available;   /* permits in the bucket, rounded down */
    uint32_t waiting;     /* tasks */
    int64_t next;         /* when the first who waits, else one permit, will be served; a point of the
                             loop's clock; CRECHE_NEVER while paused for ever */
    int64_t paused_until; /* a point of the loop's clock; 0 if it is not paused */
} creche_rate_state;

/* Stores the first `size` bytes of the rate limiter's state as it is now (pass sizeof).
 * Returns CRECHE_OK, CRECHE_E_INVALID or the handle errors. Since 0.1. */
CRECHE_API creche_status creche_rate_get_state(creche_rate rate, creche_rate_state *state,
                                               size_t size);

/* Releases a rate limiter: those who wait fail with CRECHE_E_CLOSED. Since 0.1. */
CRECHE_API void creche_rate_release(creche_rate rate);

#ifdef __cplusplus
}
#endif
#endif

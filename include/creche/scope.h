/* creche/scope.h: scopes, the nodes of the cancel tree. Loops, groups and tasks are scopes too:
 * everything here works on group.scope, task.scope and loop.scope.
 *
 * A scope is effectively cancelled if it was cancelled itself, or if it is not shielded and the
 * scope around it is effectively cancelled. Cancellation is level-triggered: a library operation
 * started in a cancelled scope completes with CRECHE_E_CANCELLED; groups, scopes and user tasks
 * open normally in it, so that they can clean up. */
#ifndef CRECHE_SCOPE_H
#define CRECHE_SCOPE_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* on_timeout of scopes, groups and tasks: what a deadline of its own means when it cut work short. */
enum {
    CRECHE_FAIL = 0,   /* CRECHE_E_TIMEOUT, a failure */
    CRECHE_MOVE_ON = 1 /* no failure: a scope's outcome is OK with CRECHE_CAUGHT */
};

typedef struct creche_scope_options {
    uint32_t size; /* set by _init */
    uint32_t flags; /* 0 */
    uint32_t on_timeout; /* CRECHE_FAIL, CRECHE_MOVE_ON */
    uint32_t shield;     /* 1: cancellation from outside does not come in */
    int64_t timeout;  /* nanoseconds from the call; CRECHE_NEVER. Not both of these. */
    int64_t deadline; /* a point of the loop's clock; CRECHE_NEVER; in the past: cancelled at once */
    const char *name; /* for dumps; copied; may be NULL */
    const char *site; /* where it was opened, for dumps: CRECHE_HERE; copied; may be NULL */
} creche_scope_options;

/* Sets the defaults in the first `size` bytes (pass sizeof): no deadline, no shield, CRECHE_FAIL.
 * Returns CRECHE_OK or CRECHE_E_INVALID. Since 0.1. */
CRECHE_API creche_status creche_scope_options_init(creche_scope_options *options, size_t size);

/* How a scope or group was left. Never grows. */
typedef struct creche_outcome {
    creche_status status; /* CRECHE_OK, CRECHE_E_TIMEOUT, CRECHE_E_CANCELLED (from further out);
                             for a group any outcome of it */
    uint32_t flags;       /* CRECHE_CAUGHT, CRECHE_PASSING */
    uint32_t reason;      /* CRECHE_REASON_* if it was cancelled */
    uint32_t reserved;
} creche_outcome;

/* Opens a bare scope in `in` to bound a section of work. It is left with creche_scope_leave. Steps
 * and children that are started in it belong to the task or group around it; errors pass it.
 * Returns CRECHE_OK; CRECHE_E_INVALID, CRECHE_E_UNSUPPORTED (options: a negative timeout, both
 * timeout and deadline), CRECHE_E_CLOSED (the group around it is closed and empty, the task has
 * finished, the scope is being left; or nobody is left who would leave the new one: a group that its
 * task left open, and all that is outside of tasks once the loop has cancelled everything; a task that
 * lives may open scopes in its own to the last), CRECHE_E_STATE (`in` is a library operation),
 * CRECHE_E_NO_MEMORY, and the handle errors. Since 0.1. */
CRECHE_API creche_status creche_scope_open(creche_scope in, const creche_scope_options *options,
                                           creche_scope *scope);

/* Leaves a bare scope: decides at once how it ended and stores that in *outcome. It catches if it
 * was cancelled, no cancellation further out is visible, and a CRECHE_E_CANCELLED reached it. While
 * there is live work or an open scope in it, CRECHE_E_BUSY and nothing changes; with outcome NULL it
 * is left by itself as soon as it is empty, and CRECHE_OK is returned. The operation whose callback
 * is running does not count as live. Returns CRECHE_OK, CRECHE_E_BUSY, CRECHE_E_STATE (it is a
 * group, task or loop: those end by themselves; or leaving was asked before), the handle errors.
 * Since 0.1. */
CRECHE_API creche_status creche_scope_leave(creche_scope scope, creche_outcome *outcome);

/* Cancels a scope and all below it that no shield protects. Takes effect before it returns: what is
 * started in it from now on is born cancelled. Idempotent: the first reason sticks. reason: text for
 * creche_error.reason_text; copied, cut at 127 bytes; may be NULL. Returns CRECHE_OK and the handle
 * errors (CRECHE_E_ENDED: too late, harmless). Since 0.1. */
CRECHE_API creche_status creche_scope_cancel(creche_scope scope, const char *reason);

/* Cancels a scope from a signal handler: async-signal-safe, takes no lock; takes effect a moment
 * later (reason: interrupt). Returns CRECHE_OK, CRECHE_E_BAD_HANDLE, CRECHE_E_ENDED, CRECHE_E_FORKED,
 * CRECHE_E_LIMIT (too many different scopes at once). Does not touch the last error. Since 0.1. */
CRECHE_API creche_status creche_scope_interrupt(creche_scope scope);

/* Moves the deadline (a point of the loop's clock, CRECHE_NEVER for none; the past expires it). Never
 * un-cancels. Returns CRECHE_OK, CRECHE_E_CANCELLED if the scope was cancelled already (nothing
 * changes), CRECHE_E_NO_MEMORY, and the handle errors. Since 0.1. */
CRECHE_API creche_status creche_scope_set_deadline(creche_scope scope, int64_t deadline);

/* The same, counted from now; negative is CRECHE_E_INVALID. Since 0.1. */
CRECHE_API creche_status creche_scope_set_timeout(creche_scope scope, int64_t timeout);

/* Raises (1) or drops (0) the shield. Dropping it under a cancelled scope cancels what is inside at
 * once; raising it does not recall what was cancelled, nor what a cancellation has let past the limit
 * of its group: operations end all the same, tasks begin and hear CRECHE_CANCEL. Returns CRECHE_OK,
 * CRECHE_E_INVALID (neither 0 nor 1; a loop has no shield), the handle errors. Since 0.1. */
CRECHE_API creche_status creche_scope_set_shield(creche_scope scope, uint32_t shield);

/* A look at a scope; reading never changes it. Sized. */
typedef struct creche_scope_state {
    uint32_t size;
    uint32_t flags;
    uint32_t called;    /* it was cancelled itself */
    uint32_t effective; /* it or, unless shielded, something around it was cancelled */
    uint32_t shield;
    uint32_t reached;   /* a CRECHE_E_CANCELLED has reached it */
    uint32_t reason;    /* CRECHE_REASON_*, of what makes it effective */
    uint32_t live;      /* tasks, scopes, groups and leases directly in it */
    uint32_t caught;    /* it would absorb the cancellation if it were left now */
    uint32_t reserved;
    int64_t deadline;   /* its own */
    int64_t effective_deadline; /* the nearest up to and including the first shield (in what starts
                                   for a group, of both sides); INT64_MIN if effectively cancelled */
} creche_scope_state;

/* Fills the first `size` bytes of *state. Returns CRECHE_OK, CRECHE_E_INVALID, the handle errors.
 * Since 0.1. */
CRECHE_API creche_status creche_scope_get_state(creche_scope scope, creche_scope_state *state,
                                                size_t size);

#ifdef __cplusplus
}
#endif
#endif

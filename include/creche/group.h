/* creche/group.h: groups (nurseries): own children, end after the last of them.
 *
 * What is started in a group's scope is its child, and its failure counts there. What is started in
 * the scope of a user, external or offloaded task is that task's step: reported to whoever started
 * it, never counted. */
#ifndef CRECHE_GROUP_H
#define CRECHE_GROUP_H

#include "scope.h"

#ifdef __cplusplus
extern "C" {
#endif

/* creche_group_options.policy */
enum {
    CRECHE_FAIL_FAST = 0, /* the first failure cancels the siblings */
    CRECHE_COLLECT = 1,   /* errors are results: the group never says CRECHE_E_GROUP */
    CRECHE_RACE = 2       /* the first success cancels the rest; errors count only if none succeeds */
};

/* creche_group_options.flags */
enum {
    CRECHE_GROUP_JOINABLE = 1, /* its outcome and error are kept for creche_group_join(_error) */
    CRECHE_GROUP_UNTIL_RELEASED = 2, /* a child counts as alive, and against limit, until its drained
                                        completion is released */
    CRECHE_GROUP_OWN_QUEUE_ONLY = 4  /* children with `done` NULL do not inherit a queue from outside */
};

typedef struct creche_group_options {
    uint32_t size; /* set by _init */
    uint32_t flags; /* CRECHE_GROUP_* */
    uint32_t policy; /* CRECHE_FAIL_FAST, ... */
    uint32_t on_timeout; /* CRECHE_FAIL, CRECHE_MOVE_ON */
    uint32_t shield;
    uint32_t limit;      /* children at a time, except groups, the body and leases; 0: no limit. Who
                            waits when it is cancelled, and a child that creche_task_started brings,
                            begin at once, and take a place all the same */
    uint32_t max_errors; /* failures kept in its error; more are only counted; default 1024 */
    uint32_t reserved;
    int64_t timeout;     /* nanoseconds from the call, or CRECHE_NEVER. Not both of these. */
    int64_t deadline;    /* a point of the loop's clock, or CRECHE_NEVER */
    int64_t grace;       /* after a cancellation: how long user tasks may take before CRECHE_STALLED
                            names them; CRECHE_NEVER */
    const char *name;    /* for dumps; copied; may be NULL */
    const char *site;    /* where it was opened, for dumps: CRECHE_HERE; copied; may be NULL */
    creche_queue queue;  /* where completions of the group and below go if `done` is NULL; {0}: the
                            nearest from outside */
} creche_group_options;

/* Sets the defaults in the first `size` bytes (pass sizeof). Returns CRECHE_OK or CRECHE_E_INVALID.
 * Since 0.1. */
CRECHE_API creche_status creche_group_options_init(creche_group_options *options, size_t size);

/* Opens a group in `in`. Its own completion comes when it is closed and its last child has ended:
 * status CRECHE_E_GROUP with the tree of failures if there are any, else CRECHE_E_CANCELLED if a
 * cancellation passes through, else CRECHE_E_TIMEOUT (its own deadline), else CRECHE_OK; flags
 * CRECHE_CAUGHT and CRECHE_PASSING; data: an array of creche_completion, one for each child that was
 * started with creche_to_group, in the order of starting, data_size its bytes, value their count.
 * done NULL: to its own queue, else the nearest from outside. group: may be NULL.
 * Returns CRECHE_OK; CRECHE_E_INVALID, CRECHE_E_UNSUPPORTED (options), CRECHE_E_CLOSED (the group
 * around it is closed and empty, the task has finished, the scope is being left, the queue is closing;
 * or nobody is left who would close the new one, as with creche_scope_open), CRECHE_E_STATE (`in` is a
 * library operation), CRECHE_E_WRONG_LOOP (the queue), CRECHE_E_NO_MEMORY and the handle errors. Since
 * 0.1. */
CRECHE_API creche_status creche_group_open(creche_scope in, const creche_group_options *options,
                                           creche_done_fn done, void *user, creche_group *group);

/* "End when empty." Until its last child has ended anyone may still add to it; then that is
 * CRECHE_E_CLOSED, and CRECHE_E_ENDED as for any handle from when its completion is taken: its
 * function is called, it is in its queue, it is joined. Closing again is CRECHE_OK. Returns CRECHE_OK
 * and the handle errors. Since 0.1. */
CRECHE_API creche_status creche_group_close(creche_group group);

/* [not on a loop] Waits for the end of a CRECHE_GROUP_JOINABLE group and stores its outcome; closes
 * it first if it is open. Once: then its handle has ended. timeout: nanoseconds from the call; 0 only
 * looks. outcome may be NULL. The thread that runs a CRECHE_RUN_CALLER loop (that ran it last, or
 * opened it) turns the loop meanwhile; others wait for that one. Returns CRECHE_OK when the group has
 * ended (however it did), and *outcome says how; CRECHE_E_TIMEOUT, CRECHE_E_INTERRUPTED (call again);
 * CRECHE_E_STATE (not joinable, or being joined), CRECHE_E_INVALID (a negative timeout), CRECHE_E_SYSTEM
 * (no descriptor to wait on), CRECHE_E_WOULD_DEADLOCK, the handle errors. Since 0.1. */
CRECHE_API creche_status creche_group_join(creche_group group, int64_t timeout, creche_outcome *outcome)
                                           CRECHE_MUST_CHECK;

/* [not on a loop] The same, and says why: *error (may be NULL: then this is creche_group_join) is the
 * error that the group's completion has, the tree of failures of CRECHE_E_GROUP, yours for
 * creche_error_release; NULL if the group ended with CRECHE_OK or the call fails. Returns as
 * creche_group_join does. Since 0.1. */
CRECHE_API creche_status creche_group_join_error(creche_group group, int64_t timeout,
                                                 creche_outcome *outcome,
                                                 const creche_error **error) CRECHE_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif

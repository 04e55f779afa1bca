/* creche/task.h: tasks: user tasks (a function of yours), external tasks (a coroutine, goroutine or
 * future of yours), offloaded functions, sleep. Library operations are tasks too: the creche_task
 * that each call stores names it, so that creche_scope_cancel(task.scope, ...) stops it. */
#ifndef CRECHE_TASK_H
#define CRECHE_TASK_H

#include "scope.h"

#ifdef __cplusplus
extern "C" {
#endif

/* creche_task_options.flags */
enum {
    CRECHE_TASK_BODY = 1 /* external tasks only: it is the body of its group, which has one in its
                            life; its finish closes the group; passes the limit; never the winner
                            of a race */
};

/* What every operation can be told, through the `task` field of its own options. */
typedef struct creche_task_options {
    uint32_t size; /* set by _init */
    uint32_t flags; /* CRECHE_TASK_* */
    uint32_t on_timeout; /* CRECHE_FAIL, CRECHE_MOVE_ON */
    uint32_t shield;     /* 1: cancellation from outside does not come in */
    int64_t timeout;     /* nanoseconds from the call, waiting for a limit included; CRECHE_NEVER */
    int64_t deadline;    /* a point of the loop's clock; CRECHE_NEVER. Not both of these. */
    const char *name;    /* for dumps and errors; copied; may be NULL */
    const char *site;    /* where it was started, for dumps: CRECHE_HERE; copied; may be NULL */
    creche_queue queue;  /* where its completion goes if `done` is NULL; {0}: the nearest scope's */
    const creche_context *context; /* user, external and offloaded tasks; the struct is copied, the
                                      data is the library's to drop once the call has succeeded.
                                      NULL: a copy of the starter's */
} creche_task_options;

/* Sets the defaults in the first `size` bytes (pass sizeof). Returns CRECHE_OK or CRECHE_E_INVALID.
 * Since 0.1. */
CRECHE_API creche_status creche_task_options_init(creche_task_options *options, size_t size);

/* Starts a user task in `in`. body(body_user, ...) gets CRECHE_BEGIN when it may run, exactly once,
 * even in a cancelled scope; CRECHE_CANCEL each time that it becomes cancelled (right after
 * CRECHE_BEGIN if it was before), unless it has finished; and may get CRECHE_STALLED. It starts
 * steps in task.scope and ends with creche_task_finish, there or later, from any thread. done gets
 * the final completion. task: may be NULL. One that waits for its group's limit when it is cancelled
 * begins at once, to clean up; it hears of that also if a shield goes up meanwhile.
 * Returns CRECHE_OK; CRECHE_E_INVALID (body NULL or a route; options; creche_to_group outside of
 * groups), CRECHE_E_UNSUPPORTED, CRECHE_E_CLOSED (the group is closed and empty, the task has
 * finished, the scope is being left, the loop or the queue is closing), CRECHE_E_STATE (`in` is a
 * library operation: start in what it belongs to), CRECHE_E_WRONG_LOOP, CRECHE_E_NO_MEMORY, the
 * handle errors (CRECHE_E_ENDED: also of a group whose completion was taken; until then it is
 * CRECHE_E_CLOSED). Since 0.1. */
CRECHE_API creche_status creche_task_spawn(creche_scope in, creche_done_fn body, void *body_user,
                                           const creche_task_options *options, creche_done_fn done,
                                           void *user, creche_task *task) CRECHE_MUST_CHECK;

/* Opens an external task: like a user task, but CRECHE_BEGIN, CRECHE_CANCEL and CRECHE_STALLED come
 * where its completion goes (done or the queue), with CRECHE_MORE. creche_to_group and
 * creche_nobody are CRECHE_E_INVALID, as are NULL where there is no queue and CRECHE_TASK_BODY
 * outside of a group. A second body is CRECHE_E_STATE. The rest as above. Since 0.1. */
CRECHE_API creche_status creche_task_open(creche_scope in, const creche_task_options *options,
                                          creche_done_fn done, void *user, creche_task *task)
                                          CRECHE_MUST_CHECK;

/* Ends a user or external task. With CRECHE_OK it waits for its steps; if one of them is cut then by
 * a cancellation, the completion says so (CRECHE_E_CANCELLED, or CRECHE_E_TIMEOUT for the task's own
 * deadline). Otherwise it cancels them and waits. Then its completion comes, with `value` (a plain
 * number or, with CRECHE_OWNED semantics of your own, anything) and error. Scopes and groups of its
 * own still open are cancelled and make it CRECHE_E_MISNESTED, and nobody can open others in them any
 * more; leases of its own are given back.
 * status: CRECHE_OK; CRECHE_E_CANCELLED (only if it was cancelled: else it becomes
 * CRECHE_E_NOT_CANCELLED); any other CRECHE_E_*, CRECHE_E_USER, or -1000 and below for your own;
 * positive ones are CRECHE_E_INVALID. Of several things that are wrong the completion says the first
 * of these: the failure that you give; CRECHE_E_NOT_CANCELLED; CRECHE_E_MISNESTED; the failure of a
 * step that nobody was told of (behind the two before, their error's cause); a cancellation. error: from
 * creche_error_new or a completion, kept; NULL makes one from status.
 * Returns CRECHE_OK; CRECHE_E_STATE (finished before, not begun yet, or not a user's or external
 * task), CRECHE_E_INVALID, CRECHE_E_NO_MEMORY, the handle errors. Since 0.1. */
CRECHE_API creche_status creche_task_finish(creche_task task, creche_status status, uint64_t value,
                                            const creche_error *error);

/* Options of creche_task_start. */
typedef struct creche_start_options {
    uint32_t size; /* set by _init */
    uint32_t flags; /* 0 */
    const creche_task_options *task;  /* of the start itself; may be NULL */
    const creche_task_options *child; /* of the task that is started; may be NULL */
    creche_done_fn child_done; /* where the child's own completion goes; NULL: the target's queue,
                                  else nobody is told, and a failure counts all the same */
    void *child_user;
} creche_start_options;

/* Sets the defaults in the first `size` bytes (pass sizeof). Returns CRECHE_OK or CRECHE_E_INVALID.
 * Since 0.1. */
CRECHE_API creche_status creche_start_options_init(creche_start_options *options, size_t size);

/* Starts a user task that will live in the group `target`, and waits until it says that it is ready:
 * a server that listens, a connection that is made. Until then the task belongs to the start, which
 * is a task in `in` like any other: cancelling either side cancels it, its failure is the failure
 * of the start, bare, and `target` stays open. When it calls creche_task_started it moves to
 * `target` with all that is below it, and the start completes with the value it gave. It does not
 * wait for a place of target's limit, but takes one: nobody else begins there until fewer than the
 * limit are there. A start in `target` itself (or in a bare scope there) wins no race of it: its
 * child may. If it ends without: CRECHE_E_NOT_STARTED (unless it failed). Its own completion comes in
 * any case, before that of the start if it never moved. body NULL: an external task, told to begin
 * and to hurry where its own completion goes, as with creche_task_open.
 * Returns as creche_task_spawn does; CRECHE_E_CLOSED also if target has ended, CRECHE_E_WRONG_LOOP if
 * it lives on another loop. Since 0.1. */
CRECHE_API creche_status creche_task_start(creche_group target, creche_scope in, creche_done_fn body,
                                           void *body_user, const creche_start_options *options,
                                           creche_done_fn done, void *user, creche_task *task)
                                           CRECHE_MUST_CHECK;

/* Says that a task of creche_task_start is ready, with a plain value for whoever waits for that.
 * Once. Returns CRECHE_OK: it has moved to its group (whose cancellation now counts for it, at once);
 * CRECHE_E_CANCELLED: the starter is being cancelled, so it stays with the start, which ends as it
 * does; CRECHE_E_STATE (said before, not begun, finished, or not a task of creche_task_start), the
 * handle errors. Since 0.1. */
CRECHE_API creche_status creche_task_started(creche_task task, uint64_t value);

/* Stores the context's data of a scope: that of the nearest task at or above it, else the loop's, else
 * NULL. It lives as long as that task. Returns CRECHE_OK, CRECHE_E_INVALID, the handle errors.
 * Since 0.1. */
CRECHE_API creche_status creche_scope_get_context(creche_scope scope, void **data);

/* Answers CRECHE_PULL and CRECHE_ASK of a task with bytes (copied). For CRECHE_PULL: flags
 * CRECHE_MORE says that there is more to pull; without it the body ends with these bytes. status other
 * than CRECHE_OK fails the operation (CRECHE_E_BODY, with `error` as its cause).
 * Returns CRECHE_OK; CRECHE_E_STATE (nothing was asked), CRECHE_E_INVALID, CRECHE_E_NO_MEMORY, the
 * handle errors. Since 0.1. */
CRECHE_API creche_status creche_task_answer(creche_task task, creche_status status, const void *data,
                                            size_t size, uint32_t flags, const creche_error *error)
                                            CRECHE_MUST_CHECK;

/* A function for a worker thread. Returns the task's status and may store a value. It may call any
 * function of the library, start steps in task.scope, and poll creche_offload_cancelled. */
typedef creche_status (*creche_offload_fn)(void *arg, creche_task task, uint64_t *value);

/* creche_offload_options.flags */
enum {
    CRECHE_OFFLOAD_ABANDON = 1 /* when cancelled, complete at once; the function runs on, its result
                                  is dropped, its worker stays counted until it returns */
};

typedef struct creche_offload_options {
    uint32_t size; /* set by _init */
    uint32_t flags; /* CRECHE_OFFLOAD_* */
    void (*arg_free)(void *arg); /* called once after the function returned, or if it never ran, on
                                    any thread; may be NULL */
    const creche_task_options *task; /* may be NULL */
    creche_limiter limiter; /* which limits it in place of the loop's offload_limit; {0}: none. Its
                               token comes back when the function has really returned */
} creche_offload_options;

/* Sets the defaults in the first `size` bytes (pass sizeof). Returns CRECHE_OK or CRECHE_E_INVALID.
 * Since 0.1. */
CRECHE_API creche_status creche_offload_options_init(creche_offload_options *options, size_t size);

/* Runs fn(arg, ...) on a worker thread, when one of the loop's offload_limit workers is free, or when
 * the limiter of the options has a token (CRECHE_E_CLOSED if that is released before). Cancelled
 * before it started, it never runs; cancelled later, it completes with its own result, or at once
 * with CRECHE_OFFLOAD_ABANDON. Without a thread to run it, it completes with CRECHE_E_SYSTEM
 * (error->system_errno says why). If the call fails arg stays yours.
 * Returns as creche_task_spawn does. Since 0.1. */
CRECHE_API creche_status creche_offload(creche_scope in, creche_offload_fn fn, void *arg,
                                        const creche_offload_options *options, creche_done_fn done,
                                        void *user, creche_task *task) CRECHE_MUST_CHECK;

/* 1 if the task has been asked to stop, 0 if not, or the handle errors (CRECHE_E_ENDED: abandoned), so
 * that anything but 0 means "stop". For polling. Since 0.1. */
CRECHE_API int32_t creche_offload_cancelled(creche_task task);

/* Completes after `duration` nanoseconds from the call, never early. Negative is CRECHE_E_INVALID;
 * 0 completes in a later turn. Returns as creche_task_spawn does. Since 0.1. */
CRECHE_API creche_status creche_sleep(creche_scope in, int64_t duration,
                                      const creche_task_options *options, creche_done_fn done,
                                      void *user, creche_task *task) CRECHE_MUST_CHECK;

/* Completes in the next turn of the loop, after everything that could run when it was called and what
 * sockets have brought by then: a pause that lets others go on and notices a cancellation (a
 * checkpoint). Until then it is under way as a sleep is: a deadline or cancellation that comes
 * before, be it from a post or callback that was to run first, cuts it. Returns as creche_task_spawn
 * does. Since 0.1. */
CRECHE_API creche_status creche_yield(creche_scope in, const creche_task_options *options,
                                      creche_done_fn done, void *user, creche_task *task)
                                      CRECHE_MUST_CHECK;

/* Completes at a point of the loop's clock; CRECHE_NEVER sleeps until it is cancelled.
 * Returns as creche_task_spawn does. Since 0.1. */
CRECHE_API creche_status creche_sleep_until(creche_scope in, int64_t point,
                                            const creche_task_options *options, creche_done_fn done,
                                            void *user, creche_task *task) CRECHE_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif

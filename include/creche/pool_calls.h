/* creche/pool_calls.h: what a pool asks its user, and tells him beside completions: passwords that are only
 * good for a while, what is to be done with a connection before and behind its users, and what servers say
 * without being asked. */
#ifndef CRECHE_POOL_CALLS_H
#define CRECHE_POOL_CALLS_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Whose password is asked for. Made by the library only, so it may grow at its end: read a field only if
 * `size` covers it. It and its texts live until the function returns; none is NULL. */
typedef struct creche_password_request {
    uint32_t size;
    uint32_t refused;     /* 1: the server has just refused the last one (28P01): get a new one */
    const char *host;     /* as in the DSN; the address if that has no name; "": libpq's default */
    const char *port;     /* "": the default */
    const char *user;     /* "": the system's name of the process's user */
    const char *database; /* "": as the user */
} creche_password_request;

/* Gives the password for one connection: stores it in the `capacity` bytes (16384) at `password`, with a
 * NUL, and returns CRECHE_OK; or another status (CRECHE_E_USER, -1000 or below, or the one that it has met),
 * with which the attempt fails, in phase "auth"; without a NUL it is CRECHE_E_LIMIT. Called for each
 * connection, before its server is spoken to, and for further addresses of a name that has several; once
 * more if the server refuses the password. Called on threads of the library that are no loop's, on several
 * at a time: it may block, and holds up nobody but the connection, within connect_timeout; but it must
 * return some time, since the close of the pool is only complete when it has. It may call any function of
 * the library. */
typedef creche_status (*creche_password_fn)(void *user, const creche_password_request *request,
                                            char *password, size_t capacity);

/* Is told what a server says beside an answer: RAISE NOTICE, warnings, the end of a session. notice: status
 * CRECHE_OK, sqlstate, message and the server_ fields; lives until the function returns. In the order of
 * their coming on each connection, before the completion of the statement; not those of the connecting
 * itself. What there is no memory for is not told. Called on the loop. It may call any function of the
 * library but those tagged [not on a loop]. It must return normally and soon. */
typedef void (*creche_notice_fn)(void *user, const creche_error *notice);

/* init, setup and reset are bodies as that of creche_pool_transaction: each gets CRECHE_BEGIN on the loop,
 * with a task of its own in `task` and the connection in `value`, starts its statements in task.scope and
 * ends with creche_task_finish(task, ...). The handle is the pool's, and ends with the body. A body is told to
 * hurry (CRECHE_CANCEL) when its time is over, when what it is run for is cancelled, and when the pool or the
 * loop is closed. What it does to session and transaction is said below; creche_connection_expire in it has the
 * connection closed behind it, however it ends.
 *
 * All are called until the pool's close is complete. */
typedef struct creche_pool_calls {
    uint32_t size;               /* set by _init */
    uint32_t flags;              /* 0 */
    creche_password_fn password; /* in place of the DSN's password and of passfiles; NULL: those */
    creche_notice_fn notice;     /* NULL: nobody is told */
    void *user;                  /* of all of them */
    creche_done_fn init; /* once on each new connection, behind the SQL `init` of the pool's options, before
                            anybody gets it; NULL: nothing. Within connect_timeout. What it sets in the session
                            lasts until the first CRECHE_RESET_FULL: what is to last longer belongs into that SQL.
                            If it fails, or leaves a transaction open (CRECHE_E_STATE), the operation that has
                            waited longest fails with that error and the connection is closed */
    creche_done_fn setup; /* each time that somebody gets a connection of his own, by creche_pool_acquire or
                             creche_pool_transaction (there before the transaction), behind the SQL `setup`; NULL:
                             nothing. Within acquire_timeout, after the wait. If it fails, or leaves a transaction
                             open (CRECHE_E_STATE), so does what waits for the connection, with that error, and the
                             connection is given back, reset */
    creche_done_fn reset; /* each time that a connection is given back by whom it was given to alone, behind the
                             rollback of what he has left open and before the reset of the pool's options; NULL:
                             nothing. Within acquire_timeout. What it leaves open is rolled back. If it fails the
                             connection is closed, which the log tells (CRECHE_LOG_DROPPED) */
} creche_pool_calls;

/* Sets the defaults in the first `size` bytes (pass sizeof). Returns CRECHE_OK or CRECHE_E_INVALID.
 * Since 0.1. */
CRECHE_API creche_status creche_pool_calls_init(creche_pool_calls *calls, size_t size);

#ifdef __cplusplus
}
#endif
#endif

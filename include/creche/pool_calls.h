/* creche/pool_calls.h: what a pool asks its user, and tells him beside completions: passwords that are only
 * good for a while, and what servers say without being asked. */
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

/* Both are called until the pool's close is complete. */
typedef struct creche_pool_calls {
    uint32_t size;               /* set by _init */
    uint32_t flags;              /* 0 */
    creche_password_fn password; /* in place of the DSN's password and of passfiles; NULL: those */
    creche_notice_fn notice;     /* NULL: nobody is told */
    void *user;                  /* of both */
} creche_pool_calls;

/* Sets the defaults in the first `size` bytes (pass sizeof). Returns CRECHE_OK or CRECHE_E_INVALID.
 * Since 0.1. */
CRECHE_API creche_status creche_pool_calls_init(creche_pool_calls *calls, size_t size);

#ifdef __cplusplus
}
#endif
#endif

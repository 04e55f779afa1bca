/* creche/blocking.h: one thing at a time: calls that wait for the end of what they start, for programs
 * that have nothing else to do meanwhile. They need no callback, no queue and no group.
 *
 *     creche_response page;
 *     if (creche_fetch("https://example.org/", NULL, &page) != CRECHE_OK)
 *         return fprintf(stderr, "%s\n", creche_last_error()->message), 1;
 *     puts(creche_response_body(page, NULL));
 *     creche_response_release(page);
 *     return creche_default_close(CRECHE_NEVER) != CRECHE_OK;
 *
 * Each returns what the completion of the asynchronous call would say: CRECHE_OK, or its failure, and
 * creche_last_error() is then all of the completion's error (phase, cause, children, the fields of a
 * server), until the next failing call of the thread. What it stores is the caller's, tied to no scope,
 * until it is released; after a failure it is {0} or 0. Options say the time that it may take
 * (options->task->timeout); without that it takes as long as the timeouts of its phases allow.
 *
 * Any thread may call them, several at a time, workers of creche_offload too, but not a loop's:
 * CRECHE_E_WOULD_DEADLOCK, and nothing is started. A signal does not end the wait (its handler may call
 * creche_scope_interrupt): so each call ends exactly once. What stops it is its time, the cancellation of
 * the scope that it is in, from any thread (CRECHE_E_CANCELLED), and the end of its session, pool or loop.
 * The thread that runs a CRECHE_RUN_CALLER loop turns it meanwhile, as with creche_group_join; others
 * wait for that one. On a virtual clock the wait holds nothing: the clock may jump. */
#ifndef CRECHE_BLOCKING_H
#define CRECHE_BLOCKING_H

#include "http.h"
#include "pg.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- The default loop ----------------------------------------------------------------------------- */

/* The loop of the process that the calls below run on, with a thread of its own, and whatever else you
 * open on it, such as pools. Opened by the first call that needs it. After fork() the child has another
 * one. A process may end without closing it. Returns CRECHE_OK; CRECHE_E_INVALID (loop is NULL),
 * CRECHE_E_SYSTEM (no descriptor or thread), CRECHE_E_NO_MEMORY. Since 0.1. */
CRECHE_API creche_status creche_default_loop(creche_loop *loop);

/* [not on a loop] Closes the default loop with all that is on it and waits for its end: as
 * creche_loop_close and creche_loop_join. Calls of other threads that are on it end with
 * CRECHE_E_CANCELLED; until it has ended, new ones are CRECHE_E_CLOSED; after that they open another.
 * timeout: nanoseconds from the call. Returns CRECHE_OK, also if there is none; CRECHE_E_TIMEOUT,
 * CRECHE_E_INTERRUPTED (call again); CRECHE_E_STATE (another thread waits for it); CRECHE_E_INVALID
 * (negative), CRECHE_E_WOULD_DEADLOCK, CRECHE_E_SYSTEM. Since 0.1. */
CRECHE_API creche_status creche_default_close(int64_t timeout) CRECHE_MUST_CHECK;

/* ---- HTTP ------------------------------------------------------------------------------------------ */

/* [not on a loop] Fetches a URL whole, as creche_session_fetch does, by a session of the default loop
 * that has the defaults and keeps its connections. options: may be NULL. A body that is pulled is
 * CRECHE_E_INVALID: nobody could be asked. Returns CRECHE_OK with *response; the failures of
 * creche_session_fetch and what it returns itself; CRECHE_E_SYSTEM, CRECHE_E_NO_MEMORY (the default
 * loop), CRECHE_E_WOULD_DEADLOCK. Since 0.1. */
CRECHE_API creche_status creche_fetch(const char *url, const creche_request_options *options,
                                      creche_response *response) CRECHE_MUST_CHECK;

/* [not on a loop] The same by a session of yours, on whatever loop. in: where it is started, so that
 * cancelling that stops it; {0}: nowhere but in the session's loop. Since 0.1. */
CRECHE_API creche_status creche_fetch_in(creche_session session, creche_scope in, const char *url,
                                         const creche_request_options *options,
                                         creche_response *response) CRECHE_MUST_CHECK;

/* ---- PostgreSQL ------------------------------------------------------------------------------------ */

/* [not on a loop] Runs a statement on a pool, as creche_pool_query does. The pool is on any loop:
 * creche_default_loop(&loop) has one for it. Returns CRECHE_OK with *rows; the failures of
 * creche_pool_query and what it returns itself; CRECHE_E_INVALID (rows is NULL),
 * CRECHE_E_WOULD_DEADLOCK. Since 0.1. */
CRECHE_API creche_status creche_query(creche_pool pool, const char *sql, const creche_value *args,
                                      size_t args_count, const creche_query_options *options,
                                      creche_rows *rows) CRECHE_MUST_CHECK;

/* [not on a loop] The same where its rows are not wanted: *affected (may be NULL) is how many it has
 * changed or returned, -1 if it does not say. Returns as creche_query does. Since 0.1. */
CRECHE_API creche_status creche_execute(creche_pool pool, const char *sql, const creche_value *args,
                                        size_t args_count, const creche_query_options *options,
                                        int64_t *affected) CRECHE_MUST_CHECK;

/* [not on a loop] The same two, started in `in`, as with creche_fetch_in. Since 0.1. */
CRECHE_API creche_status creche_query_in(creche_pool pool, creche_scope in, const char *sql,
                                         const creche_value *args, size_t args_count,
                                         const creche_query_options *options, creche_rows *rows)
                                         CRECHE_MUST_CHECK;
CRECHE_API creche_status creche_execute_in(creche_pool pool, creche_scope in, const char *sql,
                                           const creche_value *args, size_t args_count,
                                           const creche_query_options *options, int64_t *affected)
                                           CRECHE_MUST_CHECK;

/* [not on a loop] Runs several statements, separated by semicolons, as creche_connection_script does on
 * a connection of its own: all or nothing, unless they say otherwise. A time in options->task counts for
 * the wait for the connection, and again for the script. Returns CRECHE_OK, the failures of
 * creche_pool_acquire and creche_connection_script and what they return. Since 0.1. */
CRECHE_API creche_status creche_script(creche_pool pool, const char *sql,
                                       const creche_query_options *options) CRECHE_MUST_CHECK;

/* [not on a loop] Begins a transaction on a connection of its own, as creche_pool_acquire and
 * creche_connection_begin do; in: {0}: the pool's loop. The connection is a lease of the task, group or
 * loop nearest to `in`. creche_commit ends it; creche_connection_release rolls it back. A time in
 * options->task counts for the wait for the connection, and again for the begin. Returns CRECHE_OK with
 * *connection; the failures of the two and what they return; CRECHE_E_INVALID (connection is NULL).
 * Since 0.1. */
CRECHE_API creche_status creche_begin(creche_pool pool, creche_scope in,
                                      const creche_transaction_options *options,
                                      creche_connection *connection) CRECHE_MUST_CHECK;

/* [not on a loop] creche_query and creche_execute on a connection, as creche_connection_query does it;
 * in: as with creche_begin. Since 0.1. */
CRECHE_API creche_status creche_query_on(creche_connection connection, creche_scope in,
                                         const char *sql, const creche_value *args,
                                         size_t args_count, const creche_query_options *options,
                                         creche_rows *rows) CRECHE_MUST_CHECK;
CRECHE_API creche_status creche_execute_on(creche_connection connection, creche_scope in,
                                           const char *sql, const creche_value *args,
                                           size_t args_count, const creche_query_options *options,
                                           int64_t *affected) CRECHE_MUST_CHECK;

/* [not on a loop] Commits, as creche_connection_commit does: shielded, so that no cancellation cuts it;
 * and gives the connection back, whatever has come of it: only if the commit could not be started is it
 * still yours (a bad handle, a loop's thread). options: may be NULL. Returns CRECHE_OK: it is committed;
 * the failures of creche_connection_commit and what it returns. Since 0.1. */
CRECHE_API creche_status creche_commit(creche_connection connection,
                                       const creche_transaction_options *options) CRECHE_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif

/* creche/transaction.h: transactions on a pool, or on a connection of one's own (creche/pg.h). */
#ifndef CRECHE_TRANSACTION_H
#define CRECHE_TRANSACTION_H

#include "task.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Transactions ----------------------------------------------------------------------------------
 * All of a transaction is done or nothing: CRECHE_OK of a commit says that every statement that was
 * started on the connection between the begin and it has run to its end on the server. One that did
 * not, whatever cut it (cancelled before or after it was sent, a time limit, its group or scope, a
 * value that does not fit, no memory), is an error of the transaction: the statements behind it fail
 * (sqlstate 25P02), and so does the commit: CRECHE_E_ROLLED_BACK for the outermost, and for a
 * savepoint CRECHE_E_PG (25P02); the savepoint is still there then: creche_connection_rollback ends
 * it, and what was done before it is as good as before. A statement that was done, but of which the
 * rows could not be given out (CRECHE_E_LIMIT, a cancelled stream), counts as one that failed, unless
 * the commit was on its way already.
 *
 * Steps may be pipelined: begin, statements and commit started without waiting for one another; what
 * stands behind the outermost begin is sent when the server has said that the transaction is open (the
 * begin itself goes with what is before it: transactions in a row take one round trip each).
 * Behind a begin that fails or is cancelled they fail (25P02), and so does the commit; a rollback is
 * CRECHE_OK; nothing of it happens outside of a transaction. What is started after that begin's
 * completion (from its callback on; from other threads when the callback has returned; with a queue
 * when the completion was released, or by the next begin) has nothing to do with it: the transaction
 * does not exist, and there is nothing to roll back. So do not go on to start steps behind a begin of
 * whose end somebody else may be told meanwhile, such as one with a timeout of its own.
 *
 * A commit or rollback that the server has refused before it began with it (pg_cancel_backend, a time
 * limit of the server's) has left the transaction open: it is sent again before you hear of it. So a
 * rollback has rolled back, and such a commit, too: CRECHE_E_ROLLED_BACK. What was pipelined behind it
 * is run where it belongs. None of the statements that begin and end transactions and savepoints is
 * prepared by name, so none is lost with its name.
 *
 * Cancelling one statement of a transaction may also hit the next one of it (57014), if it comes late:
 * either way the transaction fails. Outside of one it hits no other: of what is pipelined on a
 * connection, what would be hit is run again unseen, in its order, and what is known to take long has
 * nothing sent behind it.
 *
 * Transactions that statements of your own begin or end: BEGIN on a pool begins nothing, it is rolled
 * back as its connection goes back at once. BEGIN on a connection counts when it has been answered:
 * a creche_connection_begin in it makes a savepoint, and a creche_connection_commit or _rollback
 * without a begin of its own ends it. BEGIN inside of a transaction does nothing, as the server warns.
 * A COMMIT, END, ROLLBACK, ABORT (not ROLLBACK TO a savepoint) or PREPARE TRANSACTION inside of one,
 * as a statement or in a script, ends it; then what it was begun by fails with CRECHE_E_STATE, and
 * rolls back what may be open by then (AND CHAIN, another BEGIN). */
enum {
    CRECHE_ISOLATION_DEFAULT = 0, /* the session's */
    CRECHE_READ_COMMITTED = 1,
    CRECHE_REPEATABLE_READ = 2,
    CRECHE_SERIALIZABLE = 3,
    CRECHE_READ_UNCOMMITTED = 4 /* PostgreSQL does as for READ COMMITTED */
};

/* creche_transaction_options.flags. Neither of two opposites: as the session has it. Both:
 * CRECHE_E_INVALID */
enum {
    CRECHE_TRANSACTION_READ_ONLY = 1,
    CRECHE_TRANSACTION_DEFERRABLE = 2, /* serializable and read-only: it waits until it can never fail */
    CRECHE_TRANSACTION_READ_WRITE = 4,
    CRECHE_TRANSACTION_NOT_DEFERRABLE = 8
};

typedef struct creche_transaction_options {
    uint32_t size; /* set by _init */
    uint32_t flags; /* CRECHE_TRANSACTION_* */
    uint32_t isolation; /* CRECHE_ISOLATION_DEFAULT, ... */
    uint32_t retries;   /* creche_pool_transaction: run the body again on 40001 and 40P01; default 0 */
    int64_t commit_timeout; /* how long the shielded COMMIT (or ROLLBACK) may take from its call, what
                               runs before it on the connection included; default 30 s. Then the
                               connection is dropped */
    const creche_task_options *task; /* may be NULL */
    int64_t retry_delay; /* of retries: how long it waits before the first, at the most; twice as long before
                            each further one, up to 1 s (or to this, if that is more), and each time a
                            random share of that, from half to all of it, so that those who were in one
                            another's way are not again. The connection is kept. Default 5 ms; 0: none */
} creche_transaction_options;

/* Sets the defaults in the first `size` bytes (pass sizeof). Returns CRECHE_OK or CRECHE_E_INVALID.
 * Since 0.1. */
CRECHE_API creche_status creche_transaction_options_init(creche_transaction_options *options, size_t size);

/* Runs body in a transaction on a connection of its own. body gets CRECHE_BEGIN like a user task's,
 * with the body's task in `task` and the connection in `value` (not owned: it is given back at the
 * end), starts its statements in task.scope and ends with creche_task_finish(task, ...). After
 * CRECHE_OK the commit runs under a shield, so that no cancellation from outside can cut it; after
 * anything else, or a cancellation, it rolls back. The completion comes last: CRECHE_OK with the
 * body's value after the commit; the body's failure; CRECHE_E_PG (the commit failed),
 * CRECHE_E_ROLLED_BACK (COMMIT was answered by ROLLBACK: a statement had failed or was cut),
 * CRECHE_E_OUTCOME_UNKNOWN (its answer never came, or does not tell: 08007, 40003), CRECHE_E_STATE (a
 * statement of the body, such as ROLLBACK, had ended the transaction before), CRECHE_E_CLOSED, those
 * of creche_pool_query. A timeout of options->task bounds all of it but the COMMIT that has begun: the
 * body is told (CRECHE_CANCEL), it rolls back (a wait for a retry is over at once), and the completion
 * is CRECHE_E_TIMEOUT, or with CRECHE_MOVE_ON CRECHE_E_CANCELLED with CRECHE_CAUGHT. Returns CRECHE_OK,
 * or as creche_task_spawn does. Since 0.1. */
CRECHE_API creche_status creche_pool_transaction(creche_pool pool, creche_scope in, creche_done_fn body,
                                                 void *body_user,
                                                 const creche_transaction_options *options,
                                                 creche_done_fn done, void *user, creche_task *task)
                                                 CRECHE_MUST_CHECK;

/* The steps of a transaction as single calls, for languages whose body is a function of their own.
 * Inside a transaction begin makes a savepoint; commit and rollback end the innermost. A savepoint is
 * as its transaction: one that asks for an isolation level, for read-only or any other mode that the
 * outermost begin (or creche_pool_transaction) did not ask for fails with CRECHE_E_STATE, also where
 * that has them from its session, or was begun by a statement of yours: ask for them there. Commit and
 * rollback run under a shield of their own, bounded by commit_timeout: they cannot be cancelled.
 * Giving the connection back without a commit rolls back. Completions: no rows; commit fails as
 * creche_pool_transaction does, with phase CRECHE_PHASE_COMMIT, rollback with CRECHE_PHASE_ROLLBACK.
 * commit and rollback fail with CRECHE_E_STATE if no transaction is open, or if it is that of
 * creche_pool_transaction, which its body ends. A commit that fails has ended the transaction, but not
 * a savepoint. Return CRECHE_OK, or as creche_task_spawn does. Since 0.1. */
CRECHE_API creche_status creche_connection_begin(creche_connection connection, creche_scope in,
                                                 const creche_transaction_options *options,
                                                 creche_done_fn done, void *user, creche_task *task)
                                                 CRECHE_MUST_CHECK;
CRECHE_API creche_status creche_connection_commit(creche_connection connection, creche_scope in,
                                                  const creche_transaction_options *options,
                                                  creche_done_fn done, void *user, creche_task *task)
                                                  CRECHE_MUST_CHECK;
CRECHE_API creche_status creche_connection_rollback(creche_connection connection, creche_scope in,
                                                    const creche_transaction_options *options,
                                                    creche_done_fn done, void *user, creche_task *task)
                                                    CRECHE_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif

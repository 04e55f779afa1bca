/* creche/pg.h: PostgreSQL: a pool of connections, pipelined queries and streams. With it come the values
 * that they take (value.h), the rows that they return (rows.h), batches and descriptions (batch.h), COPY
 * (copy.h), cursors (cursor.h), LISTEN (listen.h), what a pool asks and tells (pool_calls.h), and
 * transactions (transaction.h). */
#ifndef CRECHE_PG_H
#define CRECHE_PG_H

#include "loop.h"
#include "task.h"
#include "value.h"
#include "rows.h"
#include "batch.h"
#include "copy.h"
#include "cursor.h"
#include "listen.h"
#include "pool_calls.h"
#include "transaction.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- The pool ------------------------------------------------------------------------------------ */
/* creche_pool_options.flags */
enum {
    CRECHE_POOL_NO_PREPARE = 1,  /* never prepare by name: behind a transaction-pooling PgBouncer */
    CRECHE_POOL_NO_PIPELINE = 2  /* one statement at a time on each connection */
};

/* creche_pool_options.reset: when a connection is given back, and behind a statement on the pool that
 * has left something in its session: its command tag tells, and for SELECT, INSERT, UPDATE, DELETE and
 * MERGE its text, if that has set_config, pg_advisory_lock and the like, SELECT ... INTO, an UPDATE of
 * pg_settings, or a name written as U&"...". FULL, in this order and sent as one: rolls back; gives
 * session authorization, role and settings back to what the DSN says; frees advisory locks; closes
 * cursors (WITH HOLD); drops temporary tables; forgets lastval and currval; stops LISTEN; and if a
 * PREPARE was seen, deallocates what was prepared (the library's own, too: it prepares them again).
 * It runs no code of the user before: names are looked up in pg_catalog only. For the user who
 * releases it costs no round trip. What it cannot see stays: what a function, view or rule of yours has
 * left that a SELECT, INSERT, UPDATE, DELETE or MERGE on the pool has called (a temporary table,
 * lastval), and PREPARE inside of a function. */
enum {
    CRECHE_RESET_FULL = 0, /* the whole session */
    CRECHE_RESET_NONE = 1  /* only an open transaction is rolled back */
};

typedef struct creche_pool_options {
    uint32_t size; /* set by _init */
    uint32_t flags; /* CRECHE_POOL_* */
    uint32_t min_size; /* connections kept open; default 0 */
    uint32_t max_size; /* default 10 */
    uint32_t max_waiting; /* callers waiting for a connection; more are CRECHE_E_LIMIT; 0: no limit */
    uint32_t statement_cache; /* prepared statements kept on each connection; default 256; 0: none */
    uint32_t pipeline_depth;  /* statements in flight on one shared connection; default 64 */
    uint32_t reset;           /* what is undone when a connection is given back: CRECHE_RESET_* */
    int64_t connect_timeout;  /* for one attempt, all of it; default 30 s; 0: there is no time, each
                                 attempt fails at once with CRECHE_E_TIMEOUT; CRECHE_NEVER: no limit */
    int64_t acquire_timeout;  /* waiting for a connection; default 60 s; phase "pool" */
    int64_t idle_timeout;     /* an idle connection over min_size is closed; default 300 s */
    int64_t max_lifetime;     /* of a connection, at the most: each is closed in the last tenth of it,
                                 once it has nothing to do; default 30 min; CRECHE_NEVER: no end */
    int64_t cancel_timeout;   /* cleaning up after a cancel before the connection is dropped; default 5 s */
    const char *application_name; /* default NULL: the DSN's; copied */
    creche_queue queue; /* where the completion of its close goes if `done` is NULL; {0}: nobody is told */
    int64_t statement_lifetime; /* a statement is prepared anew after this; default (and 0) 300 s;
                                   CRECHE_NEVER: kept until an error or a reset */
    uint32_t max_uses; /* a connection that was given out so often is closed when it has nothing to do;
                          0: no limit */
    uint32_t initial_size; /* connections opened at the start, the first one alone, so that its error comes
                              early; max_size at the most; later min_size counts; default 0 */
    const char *init; /* what is run on each session before anybody gets it: statements separated by
                         semicolons (SET, PREPARE, CREATE TEMPORARY TABLE ...), copied; default NULL. When
                         the connection is new, and behind each CRECHE_RESET_FULL, so that what it sets
                         always holds. Within connect_timeout. If it fails, the operation that has waited
                         longest fails with that error (phase "pool"), the connection is closed, and the
                         next one gets another; so it does if it leaves a transaction open (CRECHE_E_STATE) */
    int64_t command_timeout; /* of each query, script, batch, execute_many, description and step of a cursor
                                whose task options say no time, as if they said this one, the wait for a
                                connection included; default CRECHE_NEVER */
    const creche_pool_calls *calls; /* passwords by a function, notices: creche/pool_calls.h; NULL: none;
                                       copied */
    const char *setup; /* what is run each time that somebody gets a connection of his own, by
                          creche_pool_acquire or creche_pool_transaction (there before the transaction):
                          statements separated by semicolons, copied; default NULL. One round trip more for
                          each. What it sets is undone when the connection is given back (CRECHE_RESET_FULL).
                          Within acquire_timeout, after the wait. If it fails, what waits for the connection
                          fails with that error (phase "pool"), and the connection is given back, reset; so it
                          does if it leaves a transaction open (CRECHE_E_STATE). Statements on the pool, batches,
                          COPY and streams do without: for those there is `init` */
} creche_pool_options;

/* Sets the defaults in the first `size` bytes (pass sizeof). Returns CRECHE_OK or CRECHE_E_INVALID.
 * Since 0.1. */
CRECHE_API creche_status creche_pool_options_init(creche_pool_options *options, size_t size);

/* Opens a pool on a loop. dsn: a PostgreSQL URI or key=value string; copied; NULL: the environment
 * (PGHOST, ...). Opens initial_size, or min_size, connections in the background; a DSN that does not
 * parse, or a server that cannot be reached, fails the operations (CRECHE_E_INVALID with
 * CRECHE_PHASE_OPTIONS: the DSN, or a port in it that is no number from 1 to 65535). No message has a
 * password. If the DSN may have a slip of the pen, so that a part of a password could stand where a host
 * or a user is read (an "@" too many, say), none quotes anything of it, but says what is odd; a value
 * that is none is not quoted either.
 * Connecting: the hosts of the DSN and the addresses of each name are tried in turn (in random order
 * with load_balance_hosts=random, whichever libpq there is; with one before 16 not in a service file);
 * each has its share of what is left of connect_timeout, the DSN's own connect_timeout at the most, and
 * the address that was connected to last goes first. As with libpq a server that refuses (a wrong
 * password, no such database) ends the attempt, and no other is tried; one that is full, starting, or of
 * another kind than target_session_attrs asks for is passed over. Nothing of it holds up the loop; a
 * server that asks for more than 1,000,000 iterations of SCRAM's key derivation is refused:
 * CRECHE_E_LIMIT. If all have failed, what is told is the failure of the one that got furthest: a server
 * that has no TLS, not an address at which nobody is.
 * A failed attempt fails the operations that wait if no connection is open and none is under way; if the
 * server is only full or starting (53300, 57P03), they wait for further attempts until acquire_timeout.
 * After a failed attempt the next comes 10 ms later, and twice as late with each failure, up to 2 s.
 * With target_session_attrs a connection whose server changes its role (it says so, or fails a write
 * with 25006) is closed, and a statement that failed so in a transaction of its own is run on another.
 * Returns CRECHE_OK; CRECHE_E_INVALID, CRECHE_E_UNSUPPORTED (options), CRECHE_E_CLOSED,
 * CRECHE_E_NO_MEMORY, the handle errors. Since 0.1. */
CRECHE_API creche_status creche_pool_open(creche_loop loop, const char *dsn,
                                          const creche_pool_options *options, creche_pool *pool);

/* Closes a pool: operations end with CRECHE_E_CLOSED, running statements are cancelled on the server,
 * bodies of transactions are told (CRECHE_CANCEL with CRECHE_REASON_SHUTDOWN; what they have not
 * committed is rolled back) and awaited, and so is the answer to a COMMIT that has been sent;
 * connections are closed; then comes the last completion (kind CRECHE_DONE, task {0}, value: the
 * pool's id, not owned), after the return of all callbacks: to done; for NULL to the queue of the
 * pool's options, if it has one; creche_nobody: nobody is told. Idempotent: each call gets a
 * completion. Returns CRECHE_OK; CRECHE_E_INVALID (creche_to_group); CRECHE_E_CLOSED (that queue is
 * closed) or CRECHE_E_ENDED (the loop has ended) if nobody could be told: then nothing happens;
 * CRECHE_E_NO_MEMORY, the handle errors. Since 0.1. */
CRECHE_API creche_status creche_pool_close(creche_pool pool, creche_done_fn done, void *user);

/* Closes without a completion and gives up the handle. Since 0.1. */
CRECHE_API void creche_pool_release(creche_pool pool);

/* Changes how many connections a pool has, while it is used. Those over max_size are closed: idle ones at
 * once, others when they have nothing to do; those that lack for min_size are opened. The last call counts.
 * Returns CRECHE_OK; CRECHE_E_INVALID (max_size is 0 or more than 65536, min_size is bigger);
 * CRECHE_E_CLOSED, the handle errors. Since 0.1. */
CRECHE_API creche_status creche_pool_resize(creche_pool pool, uint32_t min_size, uint32_t max_size);

/* None of the connections that are open, or on their way, is given out again: idle ones are closed at
 * once, others when what runs on them has ended or when they are given back. Who comes gets new ones, by
 * the addresses that names have then, which know nothing of old types. After a failover, a change of the
 * schema or of the server's settings. Returns CRECHE_OK, CRECHE_E_CLOSED, the handle errors. Since
 * 0.1. */
CRECHE_API creche_status creche_pool_expire(creche_pool pool);

/* What a pool has now and did so far. Sized. */
typedef struct creche_pool_counters {
    uint32_t size;
    uint32_t flags;
    uint64_t connections; /* open now */
    uint64_t idle;
    uint64_t leased;
    uint64_t waiting;     /* operations waiting for a connection */
    uint64_t connects;    /* opened so far */
    uint64_t statements;  /* sent so far */
    uint64_t pipelined;   /* of those, behind another one in flight */
    uint64_t prepares;    /* statements prepared */
    uint64_t cancels;     /* cancel requests sent to the server */
    uint64_t resent;      /* statements hit by somebody else's cancel, and run again unseen */
    uint64_t dropped;     /* connections given up after a failure */
    uint64_t acquires;    /* connections given to an operation, alone or shared */
    uint64_t empty_acquires;     /* of those, to one that had to wait for it */
    uint64_t cancelled_acquires; /* operations that were cancelled while they waited */
    uint64_t waited;      /* nanoseconds that those of empty_acquires have waited, together */
    uint64_t min_size;    /* as they are now */
    uint64_t max_size;
    uint64_t connecting;  /* connections that are being opened now, `init` included */
    uint64_t connect_failures;   /* attempts that have failed, `init` included */
    uint64_t refused_acquires;   /* operations that were over max_waiting */
    uint64_t timed_out_acquires; /* operations that had no connection in acquire_timeout */
    uint64_t retired;     /* connections closed for their age, uses or idleness, by a resize or expire */
} creche_pool_counters;

/* Fills the first `size` bytes of *counters. Returns CRECHE_OK, CRECHE_E_INVALID, the handle errors.
 * Since 0.1. */
CRECHE_API creche_status creche_pool_get_counters(creche_pool pool, creche_pool_counters *counters,
                                                  size_t size);

/* How long it took, so far: waiting is apart from the server's work. Sized. */
typedef struct creche_pool_timings {
    uint32_t size;
    uint32_t flags;
    creche_histogram acquire; /* operations that had to wait for a connection, and got one */
    creche_histogram connect; /* connections: from the beginning to the first use, `init` included */
    creche_histogram query;   /* commands: from the moment that the server could begin with it (it was sent, and
                                 the one before it on its connection had ended) to its end */
} creche_pool_timings;

/* Fills the first `size` bytes of *timings. Returns CRECHE_OK, CRECHE_E_INVALID, the handle errors.
 * Since 0.1. */
CRECHE_API creche_status creche_pool_get_timings(creche_pool pool, creche_pool_timings *timings,
                                                 size_t size);

/* creche_query_options.flags */
enum {
    CRECHE_QUERY_NO_PREPARE = 1, /* do not keep it as a prepared statement */
    CRECHE_QUERY_ALONE = 2,      /* never share a connection with other callers while it runs */
    CRECHE_QUERY_COLLECT = 4     /* execute_many only: the rows that it returns (RETURNING) are wanted */
};

typedef struct creche_query_options {
    uint32_t size; /* set by _init */
    uint32_t flags; /* CRECHE_QUERY_* */
    uint64_t max_bytes; /* of a whole result, as a row block (total_size); default 256 MiB; more is
                         CRECHE_E_LIMIT: the statement is cancelled, but may have been done by then
                         (INSERT ... RETURNING outside of a transaction). Streams have no such limit:
                         theirs are the three below */
    uint32_t block_rows;  /* streams: rows in a block at the most; default 4096 */
    uint32_t block_bytes; /* streams: about how big a block may get; default 256 KiB */
    uint32_t blocks;      /* streams: blocks that you may hold unreleased; default 4 */
    uint32_t max_rows;    /* the server stops behind so many rows; default 0: all. The block has no tag then,
                             and counts its rows as affected. What a statement does it does all the same */
    const creche_task_options *task; /* may be NULL */
    const char *const *names; /* of the args, args_count of them: the statement has :name where it would have
                                 $1, ..., each as often as it likes. Not in strings, quoted names, comments,
                                 "::" and ":="; an array's slice needs a space behind its colon. A name that
                                 is not among them, one that is not used, $1 beside names: CRECHE_E_INVALID.
                                 Default NULL: $1, ...; not for scripts. Used up by the call */
} creche_query_options;

/* Sets the defaults in the first `size` bytes (pass sizeof). Returns CRECHE_OK or CRECHE_E_INVALID.
 * Since 0.1. */
CRECHE_API creche_status creche_query_options_init(creche_query_options *options, size_t size);

/* Runs one statement on a connection of the pool's choice, pipelined among others where that is safe;
 * nothing is checked out. While three or more are in flight on a connection that several share, more than
 * wait for it here, and the server is slow to answer, those wait until answers have come, and go out in
 * one send; what is cancelled by then never reaches the server. sql: one statement; copied. args:
 * args_count values for $1, $2, ...; copied.
 * The completion: value: creche_rows, CRECHE_OWNED; data: its const creche_row_block *; code: rows
 * affected (at most UINT32_MAX; the block has all of it). An error in the SQL fails in the completion.
 * Failures: CRECHE_E_PG (with sqlstate and the server's fields), _CONNECT, _DNS, _TLS, _TLS_VERIFY,
 * _DISCONNECTED, _PROTOCOL, _TIMEOUT, _CANCELLED, _CLOSED, _LIMIT, _INVALID (a value, the DSN), _TYPE
 * (a value's form does not fit its type), _UNSUPPORTED (COPY: creche/copy.h), _NO_MEMORY. Cancelled: a
 * running query is cancelled on the server and the connection stays usable; other callers' statements
 * are untouched.
 *
 * Prepared statements are kept from the second run on, on each connection; nothing of them is taken
 * on trust: a name is used when the server has confirmed it (until then the text is sent). Behind a
 * pooler (told by the process that answers) results are described each time. After an error of class
 * 22, 42, XX, 0A or 26, or 08P01, the statement is forgotten, and if it had run in a transaction of
 * its own, so that nothing is left of it, it is prepared anew and run once more before you hear of
 * the error. The server never looks again at the types that it has inferred for CRECHE_PG_UNKNOWN
 * parameters, and would silently read text as the type that a column had before. So a kept statement
 * lives for statement_lifetime at the most, and runs only with NULL and with text that comes out of the
 * inferred type as it went in: of int2, int4, int8, numeric: an integer without a plus sign, blanks and
 * leading zeros; of oid the same, up to 9 digits; "true", "false"; a uuid in lower case with dashes;
 * all of text, varchar, json; arrays of integers, and of text of letters, digits and _-.:@ ({1,2}, no
 * blanks or quotes); of a type of your own a word of letters and _, as enums have; but for text, varchar
 * and json no more than 64 KiB of each. With any other text, and always if a parameter is of another type
 * (date, time, float8, jsonb, bytea, ...), the statement is parsed anew (declare the type, and it is
 * kept). Columns whose types have no binary form are asked for as text (creche_row_column.text): the
 * server tells by failing with 42883, so the first run of such a statement takes two. In a transaction, or
 * in a batch on a connection, it could not be run again: so what names a type, table or function of yours
 * that has such values, or reads the catalog (pg_, acl), is described before its first run there, and so is
 * each stream. Which names these are is asked with the first statement in a transaction, once for a pool,
 * again behind CREATE of a type or of what names one of these, behind ALTER, and every statement_lifetime;
 * what it does not see (another session's CREATE since, anonymous rows, FETCH) fails there, and is asked
 * for as text from then on. What a type of your own is, and the text of what only the server can print
 * (creche_row_format), is asked behind the first result that has it: one more statement for each, once;
 * and again on another server, when a value has other fields than its type had, behind an ALTER of this
 * pool's, and every statement_lifetime. In a transaction nothing that was prepared before is used behind a
 * statement of it, or of this session, that may change what names stand for (CREATE, ALTER, DROP, DO, CALL,
 * what sets search_path or a role), or behind an ALTER of this pool's: so it does not fail for being outdated
 * (0A000), unless somebody else has changed its tables.
 * Before an idle connection is used it is looked at; a statement that a dying
 * server has not begun goes to another connection.
 * Returns CRECHE_OK, or as creche_task_spawn does. Since 0.1. */
CRECHE_API creche_status creche_pool_query(creche_pool pool, creche_scope in, const char *sql,
                                           const creche_value *args, size_t args_count,
                                           const creche_query_options *options, creche_done_fn done,
                                           void *user, creche_task *task) CRECHE_MUST_CHECK;

/* Runs one statement and delivers its rows as they come: completions with kind CRECHE_ROWS and
 * CRECHE_MORE, value: creche_rows, CRECHE_OWNED, data: the block; at the end CRECHE_DONE with code as
 * above. A result without rows has no block, and so nothing tells its columns. The first time it is asked
 * for its columns before it runs: one round trip more. Bounded: with `blocks`
 * of them unreleased the server is held back. The connection is its own while it runs. The rest as
 * creche_pool_query. Since 0.1. */
CRECHE_API creche_status creche_pool_stream(creche_pool pool, creche_scope in, const char *sql,
                                            const creche_value *args, size_t args_count,
                                            const creche_query_options *options, creche_done_fn done,
                                            void *user, creche_task *task) CRECHE_MUST_CHECK;

/* Runs one statement with many rows of parameters, all or nothing: as one transaction on a connection that
 * is its own meanwhile, all in one round trip, sent piece by piece as the server takes it. args: args_count
 * * rows values, row after row; copied. It stops at the first row that fails: nothing more is sent, and
 * nothing stays of those before. For very many rows COPY (creche/copy.h) is quicker.
 * The completion: value: rows affected by all together, as 64 bits, not owned; code: the same (at most
 * UINT32_MAX); data: an int64_t for each row, how many rows it affected (-1: it does not say), data_size
 * bytes of them. With CRECHE_QUERY_COLLECT value and data are as creche_pool_query has them: all rows that
 * were returned, in order (max_bytes bounds them; as there, what was too big may have been done by then),
 * affected as a whole; without, they are thrown away.
 * After a failure value is the number of the row that failed, from 0 on (`rows`: the end of the transaction:
 * a deferred constraint); a value that cannot be sent fails before anything is. Failures as
 * creche_pool_query, and CRECHE_E_OUTCOME_UNKNOWN: the connection was lost when all had been sent.
 * Statements that begin or end transactions, CALL and DO, which may commit in the middle, are
 * CRECHE_E_INVALID, in the completion. options: CRECHE_QUERY_COLLECT, max_bytes, names and task. Returns
 * CRECHE_OK, or as creche_task_spawn does. Since 0.1. */
CRECHE_API creche_status creche_pool_execute_many(creche_pool pool, creche_scope in, const char *sql,
                                                  const creche_value *args, size_t args_count,
                                                  size_t rows, const creche_query_options *options,
                                                  creche_done_fn done, void *user, creche_task *task)
                                                  CRECHE_MUST_CHECK;

/* The same with rows that you are asked for, so that there may be any number of them in little memory:
 * completions with kind CRECHE_PULL and CRECHE_MORE go where its completion goes (a function or a queue;
 * value: about how many bytes fit at once), each to be answered once by creche_task_answer: bytes of
 * creche_values_to_rows, which may begin and end anywhere in a row, and CRECHE_MORE in its flags if others
 * follow. The next are asked for when these have been sent. A status other than CRECHE_OK there ends it, and
 * nothing stays of it: CRECHE_E_BODY; so does a value that cannot be sent, or bytes that are no rows
 * (CRECHE_E_INVALID, CRECHE_E_TYPE). An error of the server comes as soon as the server says it, whatever is
 * still to be pulled. The completion has no data, but with CRECHE_QUERY_COLLECT; after a failure value is
 * the number of the row, as above. It is never run again once it has asked. options: as above, without
 * names. Returns CRECHE_OK; CRECHE_E_INVALID (creche_to_group or creche_nobody, who cannot be asked; names),
 * or as creche_task_spawn does. Since 0.1. */
CRECHE_API creche_status creche_pool_execute_rows(creche_pool pool, creche_scope in, const char *sql,
                                                  const creche_query_options *options,
                                                  creche_done_fn done, void *user, creche_task *task)
                                                  CRECHE_MUST_CHECK;

/* Acquires a connection: value: a creche_connection, CRECHE_OWNED: a lease of the nearest task or
 * group around `in` (or the loop), which holds it open. options->timeout, if sooner, replaces the
 * pool's acquire_timeout. Returns CRECHE_OK, or as creche_task_spawn does. Since 0.1. */
CRECHE_API creche_status creche_pool_acquire(creche_pool pool, creche_scope in,
                                             const creche_task_options *options, creche_done_fn done,
                                             void *user, creche_task *task) CRECHE_MUST_CHECK;

/* ---- Connections --------------------------------------------------------------------------------- */
/* Hands a connection to another owner: the task, group or loop nearest to `to`, which it holds open
 * from now on; its former owner is free to end. Statements in flight on it go on where they are.
 * Returns CRECHE_OK; CRECHE_E_STATE (it belongs to creche_pool_transaction, or to a body of the pool's;
 * `to` is a library operation), CRECHE_E_ENDED (it was given back with its owner), CRECHE_E_CLOSED (`to`
 * takes no more work, the pool is closed), CRECHE_E_WRONG_LOOP, the handle errors of both; then nothing
 * has changed. Since 0.1. */
CRECHE_API creche_status creche_connection_move(creche_connection connection, creche_scope to);

/* Gives a connection back: statements in flight finish first, an open transaction is rolled back, the
 * session is reset (creche_pool_options.reset). Since 0.1. */
CRECHE_API void creche_connection_release(creche_connection connection);

/* Has a connection closed when it is given back, instead of kept for the next one: whoever has it knows of
 * something that the server does not tell. What runs on it goes on. Returns CRECHE_OK, the handle errors.
 * Since 0.1. */
CRECHE_API creche_status creche_connection_expire(creche_connection connection);

/* Runs a statement on this connection. Started while others are in flight, it is pipelined behind
 * them, unless they are known to take long. Outside of a transaction two at the most are in flight: so
 * what a late cancel of the first hits can be run again in its order (many at once belong into a
 * transaction, or on the pool, where the order is nobody's). What another session has changed meanwhile
 * (0A000, 26000) is not healed if one was in flight behind it. The rest as creche_pool_query. Passes its
 * group's limit. Since 0.1. */
CRECHE_API creche_status creche_connection_query(creche_connection connection, creche_scope in,
                                                 const char *sql, const creche_value *args,
                                                 size_t args_count, const creche_query_options *options,
                                                 creche_done_fn done, void *user, creche_task *task)
                                                 CRECHE_MUST_CHECK;

/* The same as creche_pool_execute_many on this connection; what is started after it waits for its end. In a
 * transaction it is a part of that: it is not committed with it, and if it fails, so does the transaction.
 * Since 0.1. */
CRECHE_API creche_status creche_connection_execute_many(creche_connection connection, creche_scope in,
                                                        const char *sql, const creche_value *args,
                                                        size_t args_count, size_t rows,
                                                        const creche_query_options *options,
                                                        creche_done_fn done, void *user,
                                                        creche_task *task) CRECHE_MUST_CHECK;

/* The same as creche_pool_execute_rows on this connection; as creche_connection_execute_many is to
 * creche_pool_execute_many. Since 0.1. */
CRECHE_API creche_status creche_connection_execute_rows(creche_connection connection, creche_scope in,
                                                        const char *sql,
                                                        const creche_query_options *options,
                                                        creche_done_fn done, void *user,
                                                        creche_task *task) CRECHE_MUST_CHECK;

/* Streams a statement's rows on this connection, as creche_pool_stream does; what is started after it
 * waits for its end. Since 0.1. */
CRECHE_API creche_status creche_connection_stream(creche_connection connection, creche_scope in,
                                                  const char *sql, const creche_value *args,
                                                  size_t args_count,
                                                  const creche_query_options *options,
                                                  creche_done_fn done, void *user, creche_task *task)
                                                  CRECHE_MUST_CHECK;

/* Runs several statements separated by semicolons, without parameters, as one implicit transaction
 * unless they say otherwise. The completion has no rows; code: rows affected by the last. COPY from
 * STDIN or to STDOUT in it: CRECHE_E_UNSUPPORTED, and nothing of it is done (creche/copy.h). The rest as
 * creche_pool_query. Since 0.1. */
CRECHE_API creche_status creche_connection_script(creche_connection connection, creche_scope in,
                                                  const char *sql, const creche_query_options *options,
                                                  creche_done_fn done, void *user, creche_task *task)
                                                  CRECHE_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif

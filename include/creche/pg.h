/* creche/pg.h: PostgreSQL: a pool of connections, pipelined queries, row blocks, streams,
 * transactions. */
#ifndef CRECHE_PG_H
#define CRECHE_PG_H

#include "task.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Values: parameters of statements ----------------------------------------------------------- */
/* Types (oids of pg_type) that this header has helpers for. Any other oid is as good. */
enum {
    CRECHE_PG_UNKNOWN = 0, /* text whose type the server infers from where the parameter stands */
    CRECHE_PG_BOOL = 16,
    CRECHE_PG_BYTEA = 17,
    CRECHE_PG_INT8 = 20,
    CRECHE_PG_INT2 = 21,
    CRECHE_PG_INT4 = 23,
    CRECHE_PG_TEXT = 25,
    CRECHE_PG_JSON = 114,
    CRECHE_PG_FLOAT4 = 700,
    CRECHE_PG_FLOAT8 = 701,
    CRECHE_PG_DATE = 1082,
    CRECHE_PG_TIMESTAMP = 1114,
    CRECHE_PG_TIMESTAMPTZ = 1184,
    CRECHE_PG_NUMERIC = 1700,
    CRECHE_PG_UUID = 2950,
    CRECHE_PG_JSONB = 3802
};

/* creche_value.form */
enum {
    CRECHE_VALUE_NULL = 0,   /* SQL NULL */
    CRECHE_VALUE_TEXT = 1,   /* data: PostgreSQL's text form, size bytes */
    CRECHE_VALUE_BINARY = 2, /* data: PostgreSQL's binary form, size bytes */
    CRECHE_VALUE_INTEGER = 3, /* integer: for INT2, INT4, INT8, BOOL, and TIMESTAMP, TIMESTAMPTZ
                                 (microseconds since 1970-01-01 UTC) */
    CRECHE_VALUE_REAL = 4    /* real: for FLOAT4, FLOAT8 */
};

/* One parameter. Copied by the call it is given to. Never grows. */
typedef struct creche_value {
    uint32_t type; /* an oid, or CRECHE_PG_UNKNOWN */
    uint32_t form; /* CRECHE_VALUE_* */
    int64_t integer;
    double real;
    const void *data;
    size_t size; /* bytes */
} creche_value;

static inline creche_value creche_value_of(uint32_t type, uint32_t form, const void *data, size_t size)
{
    creche_value v;
    v.type = type;
    v.form = form;
    v.integer = 0;
    v.real = 0;
    v.data = data;
    v.size = size;
    return v;
}
/* SQL NULL. */
static inline creche_value creche_null(void)
{
    return creche_value_of(CRECHE_PG_UNKNOWN, CRECHE_VALUE_NULL, NULL, 0);
}
/* Text of which the server infers the type (also "2026-01-31" for a date); NULL is SQL NULL. */
static inline creche_value creche_text(const char *text)
{
    creche_value v = creche_value_of(CRECHE_PG_UNKNOWN, CRECHE_VALUE_TEXT, text, 0);
    if (text == NULL) return creche_null();
    while (text[v.size] != '\0') v.size++;
    return v;
}
/* The same with a size. It must hold no NUL byte. */
static inline creche_value creche_text_n(const char *text, size_t size)
{
    return text == NULL ? creche_null() : creche_value_of(CRECHE_PG_UNKNOWN, CRECHE_VALUE_TEXT, text, size);
}
/* bytea; NULL with size 0 is an empty one. */
static inline creche_value creche_bytes(const void *data, size_t size)
{
    return creche_value_of(CRECHE_PG_BYTEA, CRECHE_VALUE_BINARY, data, size);
}
static inline creche_value creche_integer_of(uint32_t type, int64_t integer)
{
    creche_value v = creche_value_of(type, CRECHE_VALUE_INTEGER, NULL, 0);
    v.integer = integer;
    return v;
}
static inline creche_value creche_bool(int b) { return creche_integer_of(CRECHE_PG_BOOL, b != 0); }
static inline creche_value creche_int2(int16_t i) { return creche_integer_of(CRECHE_PG_INT2, i); }
static inline creche_value creche_int4(int32_t i) { return creche_integer_of(CRECHE_PG_INT4, i); }
static inline creche_value creche_int8(int64_t i) { return creche_integer_of(CRECHE_PG_INT8, i); }
static inline creche_value creche_float8(double d)
{
    creche_value v = creche_value_of(CRECHE_PG_FLOAT8, CRECHE_VALUE_REAL, NULL, 0);
    v.real = d;
    return v;
}
/* timestamptz, from microseconds since 1970-01-01 UTC. */
static inline creche_value creche_timestamptz(int64_t unix_us)
{
    return creche_integer_of(CRECHE_PG_TIMESTAMPTZ, unix_us);
}

/* ---- Row blocks ---------------------------------------------------------------------------------
 * One contiguous, position-independent piece of memory, aligned to 8: this header first, then, where
 * the offsets say, columns, names, cells (row after row), text and bytes. Offsets count from the start
 * of the block. It may
 * be copied as block->total_size bytes to another thread or process. All numbers in native order. */
typedef struct creche_row_block {
    uint32_t magic;   /* CRECHE_ROW_BLOCK_MAGIC */
    uint32_t version; /* 1 */
    uint64_t total_size; /* bytes of all of it */
    uint64_t row_count;
    uint32_t column_count;
    uint32_t columns_offset; /* of creche_row_column[column_count] */
    uint64_t cells_offset;   /* of creche_row_cell[row_count * column_count] */
    int64_t affected;        /* rows that the command changed or returned; -1: not known (yet) */
    uint32_t tag_offset;     /* of the command tag, "INSERT 0 5", NUL-terminated; 0: none (yet) */
    uint32_t reserved;
} creche_row_block;

#define CRECHE_ROW_BLOCK_MAGIC 0x6b6c6263u

typedef struct creche_row_column {
    uint32_t name_offset; /* NUL-terminated */
    uint32_t type;        /* oid */
    int32_t type_modifier;
    uint32_t table;       /* oid of the table it comes from, or 0 */
    int32_t table_column; /* its number there, or 0 */
    uint32_t text; /* 1: its type has no binary form (aclitem, ...): its cells hold the text; else 0 */
} creche_row_column;

/* A cell. size is CRECHE_CELL_NULL for SQL NULL. For bool, int2, int4, int8, oid, float4, float8,
 * date, timestamp and timestamptz `bits` is the value itself (integers sign-extended, dates as days
 * and timestamps as microseconds since 1970-01-01, infinities as INT64_MIN and INT64_MAX, reals as
 * the bits of a double). A timestamp that is later than 64 bits reach (the years 294247 to 294276) has
 * less than a second before INT64_MAX in `bits`, and in `later` how many seconds are to be added; it
 * is 0 in all other cells. For all others the offset of size bytes of PostgreSQL's binary form, which
 * for text, varchar, bpchar, name, json, enums and the like is the text; a NUL byte follows. */
typedef struct creche_row_cell {
    uint64_t bits;
    uint32_t size; /* bytes of the binary form */
    uint32_t later; /* seconds */
} creche_row_cell;

#define CRECHE_CELL_NULL UINT32_MAX

/* All of these read the block's memory only: no handle, no look-up, no lock, any thread. There are two
 * families: creche_row_get_* check, creche_row_* do not. */

/* ---- Checked: what is there, or a status that says why not. They return CRECHE_OK; CRECHE_E_NULL (the
 * cell is SQL NULL); CRECHE_E_TYPE (the column has another type, or the block is damaged);
 * CRECHE_E_LIMIT (the type would do, but this value does not fit); CRECHE_E_INVALID (there is no such
 * row or column, rows is no block, value is NULL). After a failure *value is zero, and
 * creche_last_error() names the column and its type, and what to call instead. */

/* A bool: 0 or 1. Since 0.1. */
CRECHE_API creche_status creche_row_get_bool(const creche_row_block *rows, uint64_t row, uint32_t column,
                                             int32_t *value);
/* An int2, int4, int8, oid, or a numeric that is a whole number, if it fits. count(*) is an int8,
 * sum() of int8 a numeric: both can be read so. Since 0.1. */
CRECHE_API creche_status creche_row_get_int4(const creche_row_block *rows, uint64_t row, uint32_t column,
                                             int32_t *value);
CRECHE_API creche_status creche_row_get_int8(const creche_row_block *rows, uint64_t row, uint32_t column,
                                             int64_t *value);
/* The double that is nearest to a number of any type: float4, float8, int2, int4, int8, oid, numeric
 * (CRECHE_E_LIMIT for one that is beyond all doubles). Since 0.1. */
CRECHE_API creche_status creche_row_get_float8(const creche_row_block *rows, uint64_t row, uint32_t column,
                                               double *value);
/* A timestamptz, a timestamp or a date (its midnight): microseconds since 1970-01-01 UTC; INT64_MIN and
 * INT64_MAX are the infinities. What is later than that (the years 294247 to 294276) is CRECHE_E_LIMIT;
 * creche_row_format has it. Since 0.1. */
CRECHE_API creche_status creche_row_get_timestamptz(const creche_row_block *rows, uint64_t row,
                                                    uint32_t column, int64_t *value);
/* A text-like column (as creche_row_text): a view into the block, NUL-terminated, its size in *size (may
 * be NULL). For all other types there is creche_row_get_format. Since 0.1. */
CRECHE_API creche_status creche_row_get_text(const creche_row_block *rows, uint64_t row, uint32_t column,
                                             const char **value, size_t *size);
/* The binary form of a column that is not held in `bits` (bytea: its bytes; uuid: 16 of them): a view
 * into the block, its size in *size (may be NULL). Since 0.1. */
CRECHE_API creche_status creche_row_get_bytes(const creche_row_block *rows, uint64_t row, uint32_t column,
                                              const void **value, size_t *size);
/* A cell of any type as text (as creche_row_format), written to buffer with a NUL. *size (may be NULL):
 * the bytes that it needs without the NUL, also with CRECHE_E_LIMIT: it did not fit into capacity, and
 * was cut. CRECHE_E_NO_MEMORY, too. Since 0.1. */
CRECHE_API creche_status creche_row_get_format(const creche_row_block *rows, uint64_t row, uint32_t column,
                                               char *buffer, size_t capacity, size_t *size);

/* ---- Unchecked: for who knows the types, because the statement casts to them. Out of range, SQL NULL
 * and ANY OTHER TYPE give the zero of their type, and nothing tells: creche_row_int4 of a count(*),
 * which is an int8, is 0, and so is creche_row_int8 of a sum() of int8, which is a numeric. */

/* 1 if the cell is SQL NULL or out of range. Since 0.1. */
CRECHE_API int32_t creche_row_is_null(const creche_row_block *rows, uint64_t row, uint32_t column);
/* The number of the column with that name (the last one of several), or -1. Since 0.1. */
CRECHE_API int32_t creche_row_column_index(const creche_row_block *rows, const char *name);
/* The column's name; NULL out of range. Since 0.1. */
CRECHE_API const char *creche_row_column_name(const creche_row_block *rows, uint32_t column);
/* The column's type oid; 0 out of range. Since 0.1. */
CRECHE_API uint32_t creche_row_column_type(const creche_row_block *rows, uint32_t column);
/* A bool column: 0 or 1. Since 0.1. */
CRECHE_API int32_t creche_row_bool(const creche_row_block *rows, uint64_t row, uint32_t column);
/* An int2, int4, int8 or oid column, widened; a date in days, a timestamp or timestamptz in
 * microseconds since 1970-01-01. Since 0.1. */
CRECHE_API int64_t creche_row_int8(const creche_row_block *rows, uint64_t row, uint32_t column);
/* An int2 or int4 column. Since 0.1. */
CRECHE_API int32_t creche_row_int4(const creche_row_block *rows, uint64_t row, uint32_t column);
/* A float4 or float8 column; integers are converted; numeric is converted with rounding. Since 0.1. */
CRECHE_API double creche_row_float8(const creche_row_block *rows, uint64_t row, uint32_t column);
/* A text-like column (text, varchar, bpchar, name, json, xml, enums, unknown; jsonb without its
 * version byte; any column that came as text, creche_row_column.text): NUL-terminated, its size in
 * *size (may be NULL). NULL for SQL NULL and for types that are not text. Since 0.1. */
CRECHE_API const char *creche_row_text(const creche_row_block *rows, uint64_t row, uint32_t column,
                                       size_t *size);
/* The binary form of any column that is not held in `bits`, its size in *size (may be NULL). NULL for
 * SQL NULL and for types held in bits. Since 0.1. */
CRECHE_API const void *creche_row_bytes(const creche_row_block *rows, uint64_t row, uint32_t column,
                                        size_t *size);
/* Any cell as text, like PostgreSQL prints it (ISO dates, hex bytea; other types by their binary form
 * in hex), written to buffer with a NUL, cut at capacity. Returns the bytes that all of it needs
 * without the NUL; 0 for SQL NULL. Since 0.1. */
CRECHE_API size_t creche_row_format(const creche_row_block *rows, uint64_t row, uint32_t column,
                                    char *buffer, size_t capacity);

/* The block of a rows handle; NULL if the handle is bad. Lives until it is released. Since 0.1. */
CRECHE_API const creche_row_block *creche_rows_block(creche_rows rows);
/* Gives rows up. For a block of a stream: lets the stream go on. Since 0.1. */
CRECHE_API void creche_rows_release(creche_rows rows);

/* ---- The pool ------------------------------------------------------------------------------------ */
/* creche_pool_options.flags */
enum {
    CRECHE_POOL_NO_PREPARE = 1,  /* never prepare by name: behind a transaction-pooling PgBouncer */
    CRECHE_POOL_NO_PIPELINE = 2  /* one statement at a time on each connection */
};

/* creche_pool_options.reset: when a connection is given back, and behind a statement on the pool that
 * has left something in its session (its command tag tells, and for a SELECT the names set_config and
 * pg_advisory_lock, and the like, in its text). FULL, in this order and sent as one: rolls back; gives
 * session authorization, role and settings back to what the DSN says; frees advisory locks; closes
 * cursors (WITH HOLD); drops temporary tables; forgets lastval and currval; stops LISTEN; and if a
 * PREPARE was seen, deallocates what was prepared (the library's own, too: it prepares them again).
 * It runs no code of the user before: names are looked up in pg_catalog only. For the user who
 * releases it costs no round trip. What it cannot see stays: what a function has left that a SELECT,
 * INSERT, UPDATE, DELETE or MERGE on the pool has called (a temporary table, lastval), and PREPARE
 * inside of a function. */
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
} creche_pool_options;

/* Sets the defaults in the first `size` bytes (pass sizeof). Returns CRECHE_OK or CRECHE_E_INVALID.
 * Since 0.1. */
CRECHE_API creche_status creche_pool_options_init(creche_pool_options *options, size_t size);

/* Opens a pool on a loop. dsn: a PostgreSQL URI or key=value string; copied; NULL: the environment
 * (PGHOST, ...). Opens min_size connections in the background; a DSN that does not parse, or a server
 * that cannot be reached, fails the operations (CRECHE_E_INVALID with CRECHE_PHASE_OPTIONS: the DSN, or
 * a port in it that is no number from 1 to 65535). No message has anything of a password, nor of what
 * might be one in a DSN with a slip of the pen: "***" stands for it.
 * Connecting: the hosts of the DSN and the addresses of each name are tried in turn (in random order
 * with load_balance_hosts=random, where libpq knows it); each has its share of what is left of
 * connect_timeout, the DSN's own connect_timeout at the most, and the address that was connected to last
 * goes first. As with libpq a server that refuses (a wrong password, no such database) ends the attempt,
 * and no other is tried; one that is full, starting, or of another kind than target_session_attrs asks
 * for is passed over. Nothing of it holds up the loop; a server that asks for more than 1,000,000
 * iterations of SCRAM's key derivation is refused: CRECHE_E_LIMIT.
 * A failed attempt fails the operations that wait if no connection is open and none is under way; if the
 * server is only full or starting (53300, 57P03), they wait for further attempts until acquire_timeout.
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
} creche_pool_counters;

/* Fills the first `size` bytes of *counters. Returns CRECHE_OK, CRECHE_E_INVALID, the handle errors.
 * Since 0.1. */
CRECHE_API creche_status creche_pool_get_counters(creche_pool pool, creche_pool_counters *counters,
                                                  size_t size);

/* creche_query_options.flags */
enum {
    CRECHE_QUERY_NO_PREPARE = 1, /* do not keep it as a prepared statement */
    CRECHE_QUERY_ALONE = 2       /* never share a connection with other callers while it runs */
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
    uint32_t reserved;
    const creche_task_options *task; /* may be NULL */
} creche_query_options;

/* Sets the defaults in the first `size` bytes (pass sizeof). Returns CRECHE_OK or CRECHE_E_INVALID.
 * Since 0.1. */
CRECHE_API creche_status creche_query_options_init(creche_query_options *options, size_t size);

/* Runs one statement on a connection of the pool's choice, pipelined among others where that is safe;
 * nothing is checked out. sql: one statement; copied. args: args_count values for $1, $2, ...; copied.
 * The completion: value: creche_rows, CRECHE_OWNED; data: its const creche_row_block *; code: rows
 * affected (at most UINT32_MAX; the block has all of it). An error in the SQL fails in the completion.
 * Failures: CRECHE_E_PG (with sqlstate and the server's fields), _CONNECT, _DNS, _TLS, _TLS_VERIFY,
 * _DISCONNECTED, _PROTOCOL, _TIMEOUT, _CANCELLED, _CLOSED, _LIMIT, _INVALID (a value, the DSN), _TYPE
 * (a value's form does not fit its type), _UNSUPPORTED (COPY), _NO_MEMORY. Cancelled: a running query is
 * cancelled on the server and the connection stays usable; other callers' statements are untouched.
 *
 * Prepared statements are kept from the second run on, on each connection; nothing of them is taken on
 * trust. Behind a pooler (told by the process that answers) results are described each time. After an
 * error of class 22, 42, XX, 0A or 26 the statement is forgotten, and if it had run in a transaction of
 * its own, so that nothing is left of it, it is prepared anew and run once more before you hear of the
 * error. The server never looks again at the types that it has inferred for CRECHE_PG_UNKNOWN
 * parameters: a statement is kept for statement_lifetime at the most, and not at all if one of them is a
 * date, time, timestamp, float4, char(n), name or inet, whose text a changed column would silently read
 * as something else (declare the type, and it is kept). Columns whose types have no binary form are
 * asked for as text (creche_row_column.text): the server tells by failing with 42883, so the first run
 * of such a statement takes two, and fails if it is inside a transaction. Before an idle connection is
 * used it is looked at; a statement that a dying server has not begun goes to another connection.
 * Returns CRECHE_OK, or as creche_task_spawn does. Since 0.1. */
CRECHE_API creche_status creche_pool_query(creche_pool pool, creche_scope in, const char *sql,
                                           const creche_value *args, size_t args_count,
                                           const creche_query_options *options, creche_done_fn done,
                                           void *user, creche_task *task);

/* Runs one statement and delivers its rows as they come: completions with kind CRECHE_ROWS and
 * CRECHE_MORE, value: creche_rows, CRECHE_OWNED, data: the block; at the end CRECHE_DONE with code as
 * above. A result without rows has no block, and so nothing tells its columns. Bounded: with `blocks` of them unreleased the server is held back. The connection is its
 * own while it runs. The rest as creche_pool_query. Since 0.1. */
CRECHE_API creche_status creche_pool_stream(creche_pool pool, creche_scope in, const char *sql,
                                            const creche_value *args, size_t args_count,
                                            const creche_query_options *options, creche_done_fn done,
                                            void *user, creche_task *task);

/* Acquires a connection: value: a creche_connection, CRECHE_OWNED: a lease of the nearest task or
 * group around `in` (or the loop), which holds it open. options->timeout, if sooner, replaces the
 * pool's acquire_timeout. Returns CRECHE_OK, or as creche_task_spawn does. Since 0.1. */
CRECHE_API creche_status creche_pool_acquire(creche_pool pool, creche_scope in,
                                             const creche_task_options *options, creche_done_fn done,
                                             void *user, creche_task *task);

/* ---- Connections --------------------------------------------------------------------------------- */
/* Hands a connection to another owner: the task, group or loop nearest to `to`, which it holds open
 * from now on; its former owner is free to end. Statements in flight on it go on where they are.
 * Returns CRECHE_OK; CRECHE_E_STATE (it belongs to creche_pool_transaction; `to` is a library operation),
 * CRECHE_E_ENDED (it was given back with its owner), CRECHE_E_CLOSED (`to` takes no more work, the pool
 * is closed), CRECHE_E_WRONG_LOOP, the handle errors of both; then nothing has changed. Since 0.1. */
CRECHE_API creche_status creche_connection_move(creche_connection connection, creche_scope to);

/* Gives a connection back: statements in flight finish first, an open transaction is rolled back, the
 * session is reset (creche_pool_options.reset). Since 0.1. */
CRECHE_API void creche_connection_release(creche_connection connection);

/* Runs a statement on this connection. Started while others are in flight, it is pipelined behind
 * them, unless they are known to take long; outside of a transaction only one behind such as have
 * never been seen. The rest as creche_pool_query. Passes its group's limit. Since 0.1. */
CRECHE_API creche_status creche_connection_query(creche_connection connection, creche_scope in,
                                                 const char *sql, const creche_value *args,
                                                 size_t args_count, const creche_query_options *options,
                                                 creche_done_fn done, void *user, creche_task *task);

/* Streams a statement's rows on this connection, as creche_pool_stream does; what is started after it
 * waits for its end. Since 0.1. */
CRECHE_API creche_status creche_connection_stream(creche_connection connection, creche_scope in,
                                                  const char *sql, const creche_value *args,
                                                  size_t args_count,
                                                  const creche_query_options *options,
                                                  creche_done_fn done, void *user, creche_task *task);

/* Runs several statements separated by semicolons, without parameters, as one implicit transaction
 * unless they say otherwise. The completion has no rows; code: rows affected by the last. COPY from
 * STDIN or to STDOUT in it: CRECHE_E_UNSUPPORTED, and nothing of it is done. The rest as
 * creche_pool_query. Since 0.1. */
CRECHE_API creche_status creche_connection_script(creche_connection connection, creche_scope in,
                                                  const char *sql, const creche_query_options *options,
                                                  creche_done_fn done, void *user, creche_task *task);

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
 * Steps may be pipelined: begin, statements and commit started without waiting for one another.
 * Behind a begin that fails or is cancelled they fail, and so does the commit; a rollback is
 * CRECHE_OK; nothing of it happens outside of a transaction. What is started after that begin's
 * completion (from its callback on; from other threads when the callback has returned; with a queue
 * when the completion was released, or by the next begin) has nothing to do with it: the transaction
 * does not exist, and there is nothing to roll back. So do not go on to start steps behind a begin of
 * whose end somebody else may be told meanwhile, such as one with a timeout of its own.
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
    CRECHE_SERIALIZABLE = 3
};

/* creche_transaction_options.flags */
enum {
    CRECHE_TRANSACTION_READ_ONLY = 1,
    CRECHE_TRANSACTION_DEFERRABLE = 2
};

typedef struct creche_transaction_options {
    uint32_t size; /* set by _init */
    uint32_t flags; /* CRECHE_TRANSACTION_* */
    uint32_t isolation; /* CRECHE_ISOLATION_DEFAULT, ... */
    uint32_t retries;   /* creche_pool_transaction: run the body again on 40001 and 40P01; default 0 */
    int64_t commit_timeout; /* how long the shielded COMMIT (or ROLLBACK) may take; default 30 s */
    const creche_task_options *task; /* may be NULL */
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
 * body is told (CRECHE_CANCEL), it rolls back, and the completion is CRECHE_E_TIMEOUT, or with
 * CRECHE_MOVE_ON CRECHE_E_CANCELLED with CRECHE_CAUGHT. Returns CRECHE_OK, or as creche_task_spawn
 * does. Since 0.1. */
CRECHE_API creche_status creche_pool_transaction(creche_pool pool, creche_scope in, creche_done_fn body,
                                                 void *body_user,
                                                 const creche_transaction_options *options,
                                                 creche_done_fn done, void *user, creche_task *task);

/* The steps of a transaction as single calls, for languages whose body is a function of their own.
 * Inside a transaction begin makes a savepoint; commit and rollback end the innermost. Commit and
 * rollback run under a shield of their own, bounded by commit_timeout: they cannot be cancelled.
 * Giving the connection back without a commit rolls back. Completions: no rows; commit fails as
 * creche_pool_transaction does, with phase CRECHE_PHASE_COMMIT, rollback with CRECHE_PHASE_ROLLBACK.
 * commit and rollback fail with CRECHE_E_STATE if no transaction is open, or if it is that of
 * creche_pool_transaction, which its body ends. A commit that fails has ended the transaction, but not
 * a savepoint. Return CRECHE_OK, or as creche_task_spawn does. Since 0.1. */
CRECHE_API creche_status creche_connection_begin(creche_connection connection, creche_scope in,
                                                 const creche_transaction_options *options,
                                                 creche_done_fn done, void *user, creche_task *task);
CRECHE_API creche_status creche_connection_commit(creche_connection connection, creche_scope in,
                                                  const creche_transaction_options *options,
                                                  creche_done_fn done, void *user, creche_task *task);
CRECHE_API creche_status creche_connection_rollback(creche_connection connection, creche_scope in,
                                                    const creche_transaction_options *options,
                                                    creche_done_fn done, void *user, creche_task *task);

#ifdef __cplusplus
}
#endif
#endif

/* creche/copy.h: COPY: much data in and out of PostgreSQL, as bytes, in whatever format the statement
 * says (text, CSV, binary). With creche/pg.h, which says the rest of pools and connections. */
#ifndef CRECHE_COPY_H
#define CRECHE_COPY_H

#include "export.h"
#include "task.h"
#include "value.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct creche_copy_options {
    uint32_t size; /* set by _init */
    uint32_t flags; /* 0 */
    uint32_t chunk_bytes; /* out: about how big a chunk gets; default 256 KiB */
    uint32_t chunks;      /* out: chunks that you may hold unreleased; default 4 */
    const creche_task_options *task; /* may be NULL */
} creche_copy_options;

/* Sets the defaults in the first `size` bytes (pass sizeof). Returns CRECHE_OK or CRECHE_E_INVALID.
 * Since 0.1. */
CRECHE_API creche_status creche_copy_options_init(creche_copy_options *options, size_t size);

/* Runs COPY ... TO STDOUT and delivers its bytes as they come: completions with kind CRECHE_CHUNK and
 * CRECHE_MORE, data and data_size: the bytes, which may begin and end anywhere in a line; value:
 * CRECHE_OWNED, to be given up by creche_value_release (or creche_rows_release) when the bytes are not
 * needed any more. At the end CRECHE_DONE, code: rows (at most UINT32_MAX), value: the same as 64 bits,
 * not owned. Bounded: with `chunks` of them unreleased the server is held back. The connection is its
 * own while it runs. sql: one COPY; copied; it has no parameters.
 * Failures come in the completion, behind the bytes that came before: CRECHE_E_INVALID (it is no COPY,
 * more than one statement, a COPY FROM STDIN), and those of creche_pool_query. Cancelled: the COPY is
 * cancelled on the server, and what was on its way is thrown away; the connection stays usable.
 * Returns CRECHE_OK, or as creche_task_spawn does. Since 0.1. */
CRECHE_API creche_status creche_pool_copy_out(creche_pool pool, creche_scope in, const char *sql,
                                              const creche_copy_options *options, creche_done_fn done,
                                              void *user, creche_task *task) CRECHE_MUST_CHECK;

/* The same on this connection; what is started after it waits for its end. Since 0.1. */
CRECHE_API creche_status creche_connection_copy_out(creche_connection connection, creche_scope in,
                                                    const char *sql, const creche_copy_options *options,
                                                    creche_done_fn done, void *user, creche_task *task)
                                                    CRECHE_MUST_CHECK;

/* Runs COPY ... FROM STDIN with bytes that you are asked for: completions with kind CRECHE_PULL and
 * CRECHE_MORE go where its completion goes (a function or a queue; value: about how many bytes fit at
 * once), each to be answered once by creche_task_answer: bytes, which may begin and end anywhere, and
 * CRECHE_MORE in its flags if others follow. The next is asked for when these have been sent, so what
 * is kept is one piece, however much there is. A status other than CRECHE_OK there ends the COPY, of which
 * nothing stays: CRECHE_E_BODY.
 * At the end CRECHE_DONE, code: rows (at most UINT32_MAX), value: the same as 64 bits, not owned. The
 * COPY is all or nothing, unless it is in a transaction of yours, which then has failed.
 * An error of the server (a row that does not fit) comes as soon as the server says it, whatever is
 * still to be pulled: nothing more is asked for, and an answer that was on its way is CRECHE_E_STATE or
 * CRECHE_E_ENDED, or is thrown away. After it, after CRECHE_E_BODY and after a cancellation (the server
 * is told by CopyFail, and asked to cancel if that is not enough) the connection is as usable as
 * before. A COPY from which anything was pulled is never run again.
 * Failures as creche_pool_copy_out; CRECHE_E_INVALID for a COPY TO STDOUT.
 * Returns CRECHE_OK; CRECHE_E_INVALID (creche_to_group or creche_nobody, who cannot be asked), or as
 * creche_task_spawn does. Since 0.1. */
CRECHE_API creche_status creche_pool_copy_in(creche_pool pool, creche_scope in, const char *sql,
                                             const creche_copy_options *options, creche_done_fn done,
                                             void *user, creche_task *task) CRECHE_MUST_CHECK;

/* The same on this connection; what is started after it waits for its end. Since 0.1. */
CRECHE_API creche_status creche_connection_copy_in(creche_connection connection, creche_scope in,
                                                   const char *sql, const creche_copy_options *options,
                                                   creche_done_fn done, void *user, creche_task *task)
                                                   CRECHE_MUST_CHECK;

/* Runs COPY ... FROM STDIN with rows of values, each brought into the form of its column: in COPY's binary
 * format, if all columns are of types that values have a form for here: the integers, bool, oid, floats,
 * numeric, text, varchar, char(n), name, json, jsonb, jsonpath, bytea, uuid, date, timestamp, timestamptz,
 * enums, citext, ltree, and domains over them; with a column of another type (an array, inet, interval, a row
 * of a table ...) all goes in the text format, as creche_values_to_copy writes it, and the server reads it.
 * sql: COPY table [(columns)] FROM STDIN [WITH (FREEZE)] [WHERE ...]; no other options: the format is decided
 * here. Rows are asked for as creche_pool_copy_in asks for bytes: each CRECHE_PULL is answered by
 * bytes of creche_values_to_rows, which may begin and end anywhere in a row. The server is asked for the
 * columns each time, one round trip more, and again together with the COPY, whose transaction holds a lock
 * on the table from then on: no row is ever sent as the type that a column had before.
 * In the binary format a value must fit its column without loss: integers any integer type, float or numeric
 * that can hold them, floats another float or numeric; dates and times only their own type. Text is taken for
 * text, enums and JSON as it is, and read for the others as PostgreSQL prints them: numbers, true and false,
 * uuid, \x of bytea, ISO 8601 (a timestamptz with its zone, as what it is without one is the session's);
 * bytes in binary form must be of the column's type, or as good. What does not fit, and a row with another
 * number of values, is CRECHE_E_TYPE or CRECHE_E_INVALID; the message names row and column (from 0 on), the
 * column's name and type; nothing of the COPY stays, and the connection is as usable as before, but a
 * transaction of yours has failed. The rest as creche_pool_copy_in.
 * Failures as there, and CRECHE_E_INVALID: generated columns, and no list of the others.
 * Returns CRECHE_OK, or as creche_pool_copy_in does. Since 0.1. */
CRECHE_API creche_status creche_pool_copy_rows(creche_pool pool, creche_scope in, const char *sql,
                                               const creche_copy_options *options, creche_done_fn done,
                                               void *user, creche_task *task) CRECHE_MUST_CHECK;

/* The same on this connection; what is started after it waits for its end. Since 0.1. */
CRECHE_API creche_status creche_connection_copy_rows(creche_connection connection, creche_scope in,
                                                     const char *sql, const creche_copy_options *options,
                                                     creche_done_fn done, void *user, creche_task *task)
                                                     CRECHE_MUST_CHECK;

/* Writes rows of values as COPY reads them in its text format (which it has if the statement says no other):
 * what creche_task_answer takes for a CRECHE_PULL of creche_pool_copy_in. values: rows * columns of them, row
 * after row, used up by the call. Each may have any type and form that fits the column's text: an int8 for a
 * numeric, text for anything; NULL is one. Numbers, times, bytes, arrays and all else that is built in are
 * written without loss, whatever DateStyle the session has; of a type of your own give the text. What does
 * not fit its column is the server's error. write is called with pieces of about 64 KiB; they end anywhere
 * in a row. No rows: nothing is written. Any thread.
 * Returns CRECHE_OK; CRECHE_E_CANCELLED (write stopped it); CRECHE_E_INVALID (values or write is NULL, columns
 * is 0, a value that none is), CRECHE_E_TYPE (a form that does not fit its type, or of which the text is not
 * known): creche_last_error() names row and column, from 0 on, and write has had what stood before;
 * CRECHE_E_NO_MEMORY. Since 0.1. */
CRECHE_API creche_status creche_values_to_copy(const creche_value *values, size_t columns, size_t rows,
                                               creche_text_fn write, void *user);

/* The same as creche_pool_execute_rows and creche_pool_copy_rows take them. They are bytes for this process
 * only. Of a value that cannot be sent that tells; here all forms are taken. Returns CRECHE_OK,
 * CRECHE_E_CANCELLED, CRECHE_E_INVALID (values or write is NULL), CRECHE_E_NO_MEMORY. Since 0.1. */
CRECHE_API creche_status creche_values_to_rows(const creche_value *values, size_t columns, size_t rows,
                                               creche_text_fn write, void *user);

#ifdef __cplusplus
}
#endif
#endif

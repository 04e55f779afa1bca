/* creche/cursor.h: cursors: a result that the server keeps, of which you take as many rows at a time as you
 * like, and run other statements in between. With creche/pg.h, which says the rest of connections. (To take
 * all rows as they come, creche_connection_stream is quicker.) */
#ifndef CRECHE_CURSOR_H
#define CRECHE_CURSOR_H

#include "task.h"
#include "value.h"

#ifdef __cplusplus
extern "C" {
#endif

/* creche_cursor_options.flags */
enum {
    CRECHE_CURSOR_HOLD = 1,  /* it outlives its transaction, and needs none: the server makes the whole result
                                when that commits, or at once outside of one. It lasts until it is closed or the
                                connection is given back (CRECHE_RESET_FULL) */
    CRECHE_CURSOR_SCROLL = 2 /* it goes backwards, too; the server may have to keep all rows for that */
};

typedef struct creche_cursor_options {
    uint32_t size; /* set by _init */
    uint32_t flags; /* opening: CRECHE_CURSOR_*; else 0 */
    uint64_t max_bytes; /* fetching: of the rows, as a row block; more is CRECHE_E_LIMIT; default 256 MiB */
    const creche_task_options *task; /* may be NULL */
} creche_cursor_options;

/* Sets the defaults in the first `size` bytes (pass sizeof). Returns CRECHE_OK or CRECHE_E_INVALID.
 * Since 0.1. */
CRECHE_API creche_status creche_cursor_options_init(creche_cursor_options *options, size_t size);

/* All that is left, in this direction: rows of creche_cursor_fetch and _move. */
#define CRECHE_CURSOR_ALL INT64_MAX

/* Opens a cursor for a SELECT or VALUES on this connection, inside of a transaction (or CRECHE_CURSOR_HOLD;
 * else CRECHE_E_PG, 25P01). name: as it is, without quotes: 1 to 63 bytes, its own in the session; copied.
 * sql, args: as creche_connection_query. Nothing of the result is made or sent before it is fetched, but for
 * what the server needs to know the first row. It is gone at the end of the transaction, and of the
 * savepoint it was opened in if that is rolled back. Cursors that statements of your own have declared are
 * as good.
 * The completion is that of creche_connection_query, without rows. Steps may be started one behind another
 * without waiting: fetching the next rows before you look at those that came is prefetching.
 * Returns CRECHE_OK; CRECHE_E_INVALID (a name that is none), or as creche_task_spawn does. Since 0.1. */
CRECHE_API creche_status creche_cursor_open(creche_connection connection, creche_scope in,
                                            const char *name, const char *sql, const creche_value *args,
                                            size_t args_count, const creche_cursor_options *options,
                                            creche_done_fn done, void *user, creche_task *task)
                                            CRECHE_MUST_CHECK;

/* Takes the next `rows` rows, or if that is negative, goes back so many and takes them in that order
 * (CRECHE_CURSOR_SCROLL). The completion is that of creche_connection_query, its rows yours to release:
 * fewer than asked for are the end, from where on there are none. Cancelled, it is cancelled on the
 * server: that fails the transaction, and so ends the cursor; one with CRECHE_CURSOR_HOLD outside of a
 * transaction cannot be fetched from any more either. CRECHE_E_PG with 34000: there is no such cursor.
 * Returns CRECHE_OK; CRECHE_E_INVALID (the name, or rows is 0), or as creche_task_spawn does. Since 0.1. */
CRECHE_API creche_status creche_cursor_fetch(creche_connection connection, creche_scope in,
                                             const char *name, int64_t rows,
                                             const creche_cursor_options *options,
                                             creche_done_fn done, void *user, creche_task *task)
                                             CRECHE_MUST_CHECK;

/* Passes over rows without taking them; code of the completion: how many there were. The rest as
 * creche_cursor_fetch. Since 0.1. */
CRECHE_API creche_status creche_cursor_move(creche_connection connection, creche_scope in,
                                            const char *name, int64_t rows,
                                            const creche_cursor_options *options,
                                            creche_done_fn done, void *user, creche_task *task)
                                            CRECHE_MUST_CHECK;

/* Closes it, so that what it holds on the server is free. CRECHE_E_PG with 34000 if there is none (which
 * fails an open transaction, as any error). The rest as creche_cursor_fetch. Since 0.1. */
CRECHE_API creche_status creche_cursor_close(creche_connection connection, creche_scope in,
                                             const char *name, const creche_cursor_options *options,
                                             creche_done_fn done, void *user, creche_task *task)
                                             CRECHE_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif

/* creche/batch.h: several statements in one go, and what a statement looks like before it is run. With
 * creche/pg.h, which says the rest of pools and connections. */
#ifndef CRECHE_BATCH_H
#define CRECHE_BATCH_H

#include "task.h"
#include "rows.h"
#include "value.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Batches -------------------------------------------------------------------------------------- */
/* One statement of a batch. Never grows. */
typedef struct creche_batch_item {
    const char *sql;
    const creche_value *args; /* for $1, $2, ...; may be NULL if there are none */
    size_t args_count;
} creche_batch_item;

/* creche_batch_result.state */
enum {
    CRECHE_BATCH_DONE = 0,    /* rows has its result */
    CRECHE_BATCH_FAILED = 1,  /* error says why */
    CRECHE_BATCH_UNDONE = 2,  /* it had been done, and is rolled back with the one that failed (in a
                                 transaction of yours: will be) */
    CRECHE_BATCH_NOT_RUN = 3, /* it was not executed */
    CRECHE_BATCH_UNKNOWN = 4  /* it was sent, and nobody knows whether it was done: the connection was lost */
};

/* What became of a statement. A view into the completion's value. Never grows. */
typedef struct creche_batch_result {
    uint32_t state;   /* CRECHE_BATCH_* */
    uint32_t reserved;
    int64_t affected; /* rows that it changed or returned; -1: it does not say, or is not done */
    const creche_row_block *rows; /* as creche_pool_query has it; NULL unless it is done */
    const creche_error *error;    /* NULL unless it failed */
} creche_batch_result;

/* creche_batch_options.flags */
enum {
    CRECHE_BATCH_SEPARATE = 1 /* each stands for itself: one that fails does not touch the others */
};

typedef struct creche_batch_options {
    uint32_t size; /* set by _init */
    uint32_t flags; /* CRECHE_BATCH_* */
    uint64_t max_bytes; /* of all results together; more is CRECHE_E_LIMIT; default 256 MiB */
    const creche_task_options *task; /* may be NULL */
} creche_batch_options;

/* Sets the defaults in the first `size` bytes (pass sizeof). Returns CRECHE_OK or CRECHE_E_INVALID.
 * Since 0.1. */
CRECHE_API creche_status creche_batch_options_init(creche_batch_options *options, size_t size);

/* Runs several statements, all sent at once: one round trip, in their order, on one connection of the
 * pool's. Without CRECHE_BATCH_SEPARATE they are all or nothing, as one transaction: the first that fails
 * undoes those before it, and those behind it are not executed. Statements that begin or end transactions,
 * CALL and DO (they may commit) are CRECHE_E_INVALID there. With CRECHE_BATCH_SEPARATE each has a
 * transaction of its own, all are executed, and BEGIN, COMMIT and the like do what they say. items: copied.
 * None of them is prepared by name. What types of your own are, and the text of what only the server can
 * print, is asked behind the batch, as for creche_pool_query. A column without a binary form (42883): what is
 * all or nothing, and in a transaction of its own, is run once more, asking for text.
 * The completion: data: const creche_batch_result *, one for each, in order (data_size bytes); value:
 * CRECHE_OWNED, to be given up by creche_value_release when results and rows are not needed any more; code:
 * the number of the first that is not done well (count: all are). Its status is the error of that one:
 * CRECHE_OK says that all is done. data is there with a failure, too, unless the batch never began (data is
 * NULL then: a value that cannot be sent, which fails before anything is; no connection), or was cancelled
 * and is all or nothing. Failures as creche_pool_query. Cancelled: what runs is cancelled on the server; with
 * CRECHE_BATCH_SEPARATE what stands behind it may be done all the same, and data says so.
 * Returns CRECHE_OK; CRECHE_E_INVALID (items, or the sql of one, is NULL; more than 65536), or as
 * creche_task_spawn does. Since 0.1. */
CRECHE_API creche_status creche_pool_batch(creche_pool pool, creche_scope in,
                                           const creche_batch_item *items, size_t count,
                                           const creche_batch_options *options, creche_done_fn done,
                                           void *user, creche_task *task) CRECHE_MUST_CHECK;

/* The same on this connection. In a transaction they are statements of it: one that fails fails it, and
 * those behind it (25P02). Since 0.1. */
CRECHE_API creche_status creche_connection_batch(creche_connection connection, creche_scope in,
                                                 const creche_batch_item *items, size_t count,
                                                 const creche_batch_options *options, creche_done_fn done,
                                                 void *user, creche_task *task) CRECHE_MUST_CHECK;

/* ---- Descriptions ---------------------------------------------------------------------------------- */
/* What a statement takes and returns. A view into the completion's value. Grows at its end only. */
typedef struct creche_description {
    uint32_t parameters_count;
    uint32_t reserved;
    const uint32_t *parameters; /* their types, oids: as declared, or as the server has inferred them */
    const creche_row_block *columns; /* a block without rows: names, types, modifiers, tables; NULL: it
                                        returns no rows */
} creche_description;

/* Has the server parse a statement, and say what it takes and returns, without running it. As it is now:
 * nothing is remembered of an earlier time, and changes of the schema show at once. args: their types count,
 * not their values (creche_null: the server infers it); may be NULL with args_count 0: all are inferred.
 * options: its task counts.
 * The completion: data: const creche_description *, value: CRECHE_OWNED, to be given up by
 * creche_value_release.
 * Failures as creche_pool_query. Returns CRECHE_OK, or as creche_task_spawn does. Since 0.1. */
CRECHE_API creche_status creche_pool_describe(creche_pool pool, creche_scope in, const char *sql,
                                              const creche_value *args, size_t args_count,
                                              const creche_task_options *options, creche_done_fn done,
                                              void *user, creche_task *task) CRECHE_MUST_CHECK;

/* The same on this connection: with its search_path, its temporary tables, its open transaction. Since 0.1. */
CRECHE_API creche_status creche_connection_describe(creche_connection connection, creche_scope in,
                                                    const char *sql, const creche_value *args,
                                                    size_t args_count, const creche_task_options *options,
                                                    creche_done_fn done, void *user, creche_task *task)
                                                    CRECHE_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif

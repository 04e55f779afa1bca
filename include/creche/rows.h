/* creche/rows.h: rows: what a statement has returned (creche/pg.h), as blocks of memory, and how to read
 * them. */
#ifndef CRECHE_ROWS_H
#define CRECHE_ROWS_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Row blocks ---------------------------------------------------------------------------------
 * One contiguous, position-independent piece of memory, aligned to 8: this header first, then, where
 * the offsets say, columns, names, cells (row after row), text and bytes. Offsets count from the start
 * of the block. It may be copied as block->total_size bytes to another thread or process. All numbers
 * in native order. */
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
    uint32_t types_offset;   /* of creche_row_type, up to one with oid 0: what types the values have
                                that are not built in; 0: none */
} creche_row_block;

#define CRECHE_ROW_BLOCK_MAGIC 0x6b6c6263u

typedef struct creche_row_column {
    uint32_t name_offset; /* NUL-terminated */
    uint32_t type;        /* oid */
    int32_t type_modifier;
    uint32_t table;       /* oid of the table it comes from, or 0 */
    int32_t table_column; /* its number there, or 0 */
    uint32_t text; /* 1: its cells hold the text, as the server prints it: its type has no binary form
                      (aclitem, ...), or one that only the server can read (regclass and its like,
                      money, types of extensions that are not known here, what holds one of these);
                      else 0 */
} creche_row_column;

/* creche_row_type.kind: what the binary form of a type's values is. */
enum {
    CRECHE_ROW_TYPE_OTHER = 0,      /* not known */
    CRECHE_ROW_TYPE_ENUM = 1,       /* text */
    CRECHE_ROW_TYPE_DOMAIN = 2,     /* that of the type `of` */
    CRECHE_ROW_TYPE_ARRAY = 3,      /* an array of elements of the type `of` */
    CRECHE_ROW_TYPE_COMPOSITE = 4,  /* a row: how many fields; type, size and bytes of each */
    CRECHE_ROW_TYPE_RANGE = 5,      /* a range with bounds of the type `of` */
    CRECHE_ROW_TYPE_MULTIRANGE = 6, /* ranges of the type `of` */
    CRECHE_ROW_TYPE_TEXT = 7,       /* text: citext, ... */
    CRECHE_ROW_TYPE_VERSIONED_TEXT = 8, /* a byte 1, then text: ltree, lquery, ltxtquery */
    CRECHE_ROW_TYPE_HSTORE = 9,     /* how many pairs; size and bytes of each key and each value */
    CRECHE_ROW_TYPE_VECTOR = 10     /* pgvector's: int16 how many, int16 0, so many float4 */
};

/* A type that is not built in (its oid is 16384 or more, and differs from database to database). */
typedef struct creche_row_type {
    uint32_t oid; /* 0: behind the last one */
    uint32_t of;  /* oid of another type, or 0 */
    uint8_t kind; /* CRECHE_ROW_TYPE_* */
    char delimiter; /* between elements in the text of an array of it */
    uint16_t reserved;
    uint32_t name_offset; /* without its schema, NUL-terminated */
} creche_row_type;

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
/* The name of a type, "int8", "mood": of a built-in one (static), or of one that the block describes (lives
 * as long as the block); NULL if neither. Since 0.1. */
CRECHE_API const char *creche_row_type_name(const creche_row_block *rows, uint32_t type);
/* A bool column: 0 or 1. Since 0.1. */
CRECHE_API int32_t creche_row_bool(const creche_row_block *rows, uint64_t row, uint32_t column);
/* An int2, int4, int8 or oid column, widened; a date in days, a timestamp or timestamptz in
 * microseconds since 1970-01-01. Since 0.1. */
CRECHE_API int64_t creche_row_int8(const creche_row_block *rows, uint64_t row, uint32_t column);
/* An int2 or int4 column. Since 0.1. */
CRECHE_API int32_t creche_row_int4(const creche_row_block *rows, uint64_t row, uint32_t column);
/* A float4 or float8 column; integers are converted; numeric is converted with rounding. Since 0.1. */
CRECHE_API double creche_row_float8(const creche_row_block *rows, uint64_t row, uint32_t column);
/* A text-like column (text, varchar, bpchar, name, json, xml, enums, citext, unknown; jsonb and ltree
 * without their version byte; any column that came as text, creche_row_column.text): NUL-terminated, its
 * size in *size (may be NULL). NULL for SQL NULL and for types that are not text. Since 0.1. */
CRECHE_API const char *creche_row_text(const creche_row_block *rows, uint64_t row, uint32_t column,
                                       size_t *size);
/* The binary form of any column that is not held in `bits`, its size in *size (may be NULL). NULL for
 * SQL NULL and for types held in bits. Since 0.1. */
CRECHE_API const void *creche_row_bytes(const creche_row_block *rows, uint64_t row, uint32_t column,
                                        size_t *size);
/* Any cell as text, exactly as PostgreSQL prints it with DateStyle ISO, hex bytea and time zone UTC:
 * every type, built in or not. What a type of your own is (an enum, a domain, a row, a range; hstore,
 * ltree, citext and pgvector's vector) is asked of the server once, behind the first result that has
 * one; what only the server can print it is asked to, and the next time those columns come as text
 * (creche_row_column.text). Of a stream it is asked before its first run. Where it could not be asked (in a
 * transaction that has failed by then, streams of no SELECT, INSERT, ...), names of the catalog
 * are numbers, and the rest is its binary form as \x and hex. An interval whose parts are all the
 * greatest, or all the least, is infinity, as PostgreSQL 17 has it (to older ones it is a number).
 * Written to buffer with a NUL, cut at capacity. Returns the bytes that all of it needs without the NUL;
 * 0 for SQL NULL. Since 0.1. */
CRECHE_API size_t creche_row_format(const creche_row_block *rows, uint64_t row, uint32_t column,
                                    char *buffer, size_t capacity);

/* The block of a rows handle; NULL if the handle is bad. Lives until it is released. Since 0.1. */
CRECHE_API const creche_row_block *creche_rows_block(creche_rows rows);
/* Gives rows up. For a block of a stream: lets the stream go on. Since 0.1. */
CRECHE_API void creche_rows_release(creche_rows rows);

#ifdef __cplusplus
}
#endif
#endif

/* creche/export.h: rows (creche/rows.h) as JSON, as CSV, and through the Arrow C Data Interface. */
#ifndef CRECHE_EXPORT_H
#define CRECHE_EXPORT_H

#include "rows.h"

#ifdef __cplusplus
extern "C" {
#endif

/* All of these read the block's memory only: no handle, no look-up, no lock, any thread. */

/* ---- Text ---------------------------------------------------------------------------------------- */
/* Takes a piece of the text: `size` bytes, not NUL-terminated, gone when it returns. 0 goes on; anything
 * else stops. */
typedef int32_t (*creche_text_fn)(const char *text, size_t size, void *user);

/* Flags of creche_rows_to_json. */
enum {
    CRECHE_JSON_LINES = 1,       /* a row a line, no array around them (NDJSON) */
    CRECHE_JSON_ARRAYS = 2,      /* a row is an array of values, not an object by the columns' names */
    CRECHE_JSON_EXACT = 4,       /* int8 and numeric as strings, for readers whose numbers are doubles */
    CRECHE_JSON_FINITE = 8       /* NaN and the infinities of numbers as null */
};

/* Writes the rows as JSON, in UTF-8: an array of objects, one a line. As PostgreSQL's row_to_json has
 * it: numbers are written with all their digits (numeric too, so that a reader who has more than
 * doubles loses nothing); NaN, Infinity and -Infinity as strings (or CRECHE_JSON_FINITE); bool as true
 * and false; json and jsonb as they are; arrays of any dimension as arrays; hstore as an object; NULL as
 * null; timestamps in ISO 8601 ("2020-01-31T12:30:00.5+00:00"); everything else as a string, as
 * creche_row_format has it. Other than there, a row in a column is a string, too: its fields' names are
 * not known here; and the elements of an array that the server has printed (of regclass, money, an
 * extension's types) are strings. Columns of one name give an object with one name twice. Bytes that are
 * no UTF-8 (SQL_ASCII) become U+FFFD. flags: CRECHE_JSON_*. write is called with pieces of about 64 KiB,
 * so that nothing of the size of the block is made. A block without columns gives empty objects.
 * Returns CRECHE_OK; CRECHE_E_CANCELLED (write stopped it), CRECHE_E_INVALID (rows is no block, write is
 * NULL, unknown flags), CRECHE_E_NO_MEMORY. Since 0.1. */
CRECHE_API creche_status creche_rows_to_json(const creche_row_block *rows, uint32_t flags,
                                             creche_text_fn write, void *user);

/* Flags of creche_rows_to_csv. */
enum {
    CRECHE_CSV_HEADER = 1, /* the columns' names in the first line */
    CRECHE_CSV_CRLF = 2,   /* lines end in CR LF, as RFC 4180 has it, not in LF */
    CRECHE_CSV_QUOTE = 4   /* quotes around all that is not NULL */
};

/* Writes the rows as CSV, as COPY ... TO STDOUT (FORMAT csv) does with DateStyle ISO and time zone UTC: a
 * NULL is nothing, an empty text is "", quotes stand around what needs them and are doubled inside.
 * delimiter: 0: a comma; a quote, CR or LF is CRECHE_E_INVALID. Bytes are as they are, whatever they mean.
 * flags: CRECHE_CSV_*. The rest, and the statuses, as creche_rows_to_json. Since 0.1. */
CRECHE_API creche_status creche_rows_to_csv(const creche_row_block *rows, uint32_t flags, char delimiter,
                                            creche_text_fn write, void *user);

/* ---- Arrow --------------------------------------------------------------------------------------- */
/* https://arrow.apache.org/docs/format/CDataInterface.html, as it stands there. */
#ifndef ARROW_C_DATA_INTERFACE
#define ARROW_C_DATA_INTERFACE

#define ARROW_FLAG_DICTIONARY_ORDERED 1
#define ARROW_FLAG_NULLABLE 2
#define ARROW_FLAG_MAP_KEYS_SORTED 4

struct ArrowSchema {
    const char *format;
    const char *name;
    const char *metadata;
    int64_t flags;
    int64_t n_children;
    struct ArrowSchema **children;
    struct ArrowSchema *dictionary;
    void (*release)(struct ArrowSchema *schema);
    void *private_data;
};

struct ArrowArray {
    int64_t length;
    int64_t null_count;
    int64_t offset;
    int64_t n_buffers;
    int64_t n_children;
    const void **buffers;
    struct ArrowArray **children;
    struct ArrowArray *dictionary;
    void (*release)(struct ArrowArray *array);
    void *private_data;
};
#endif

/* Flags of creche_rows_to_arrow. */
enum {
    CRECHE_ARROW_STRICT = 1,      /* what Arrow has no value for fails with CRECHE_E_LIMIT; else it is null */
    CRECHE_ARROW_NUMERIC_TEXT = 2 /* numeric always as text */
};

/* Gives the rows away as a struct array, a child for each column (a record batch), to whoever reads the
 * Arrow C Data Interface; call schema->release and array->release, or let who takes them do so. It is a
 * copy: the block may go. Types:
 *   bool: b; int2, int4, int8: s, i, l; oid: I; float4, float8: f, g (NaN and infinities as they are);
 *   date: tdD; timestamp: tsu:; timestamptz: tsu:UTC; bytea: z; uuid: w:16;
 *   numeric(p,s) with p up to 38: d:p,s (decimal128); a numeric without a declared precision, which may
 *   have any: u, or with CRECHE_ARROW_DECIMAL(p, s) in flags d:p,s;
 *   everything else: u, as creche_row_format has it (text, json, enums, time, interval, arrays, ...).
 *   z and u become Z and U where a column has more than 2 GiB.
 * What Arrow has no value for is null, or fails (CRECHE_ARROW_STRICT): the infinities of date and
 * timestamps (which are never a year), timestamps behind the year 294247, NaN and infinities of a
 * decimal. A number with more digits than its decimal holds always fails: nothing is rounded.
 * Returns CRECHE_OK; CRECHE_E_LIMIT (creche_last_error() names row and column), CRECHE_E_INVALID (rows is
 * no block, schema or array is NULL, unknown flags, a precision or scale that is none),
 * CRECHE_E_NO_MEMORY; after a failure both have no release. Since 0.1. */
CRECHE_API creche_status creche_rows_to_arrow(const creche_row_block *rows, uint32_t flags,
                                              struct ArrowSchema *schema, struct ArrowArray *array);

/* For flags: numeric without a declared precision is decimal128(precision, scale): 1 to 38, 0 to
 * precision. */
#define CRECHE_ARROW_DECIMAL(precision, scale) ((uint32_t)(precision) << 8 | (uint32_t)(scale) << 16)

#ifdef __cplusplus
}
#endif
#endif

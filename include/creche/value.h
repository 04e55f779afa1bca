/* creche/value.h: values: the parameters of statements (creche/pg.h). */
#ifndef CRECHE_VALUE_H
#define CRECHE_VALUE_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

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
    CRECHE_VALUE_INTEGER = 3, /* integer: for INT2, INT4, INT8, BOOL, oid (26), DATE (days since
                                 1970-01-01) and TIMESTAMP, TIMESTAMPTZ (microseconds since 1970-01-01
                                 UTC); INT64_MAX and INT64_MIN of those three are the infinities */
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

/* These make values. They copy nothing: what data points to must last until the call that the value is
 * given to. Any thread, no failure. */

/* One from its parts; integer and real are 0. Since 0.1. */
CRECHE_INLINE creche_value creche_value_of(uint32_t type, uint32_t form, const void *data, size_t size);
/* SQL NULL. Since 0.1. */
CRECHE_INLINE creche_value creche_null(void);
/* Text of which the server infers the type (also "2026-01-31" for a date); NULL is SQL NULL. Since 0.1. */
CRECHE_INLINE creche_value creche_text(const char *text);
/* The same with a size. It must hold no NUL byte. Since 0.1. */
CRECHE_INLINE creche_value creche_text_n(const char *text, size_t size);
/* bytea; NULL with size 0 is an empty one. Since 0.1. */
CRECHE_INLINE creche_value creche_bytes(const void *data, size_t size);
/* A type whose form is CRECHE_VALUE_INTEGER. Since 0.1. */
CRECHE_INLINE creche_value creche_integer_of(uint32_t type, int64_t integer);
/* bool: anything but 0 is true. Since 0.1. */
CRECHE_INLINE creche_value creche_bool(int32_t b);
/* int2. Since 0.1. */
CRECHE_INLINE creche_value creche_int2(int16_t i);
/* int4. Since 0.1. */
CRECHE_INLINE creche_value creche_int4(int32_t i);
/* int8. Since 0.1. */
CRECHE_INLINE creche_value creche_int8(int64_t i);
/* float8. Since 0.1. */
CRECHE_INLINE creche_value creche_float8(double d);
/* timestamptz, from microseconds since 1970-01-01 UTC. Since 0.1. */
CRECHE_INLINE creche_value creche_timestamptz(int64_t unix_us);

#ifndef CRECHE_NO_INLINE
CRECHE_INLINE creche_value creche_value_of(uint32_t type, uint32_t form, const void *data, size_t size)
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
CRECHE_INLINE creche_value creche_null(void)
{
    return creche_value_of(CRECHE_PG_UNKNOWN, CRECHE_VALUE_NULL, NULL, 0);
}
CRECHE_INLINE creche_value creche_text(const char *text)
{
    creche_value v = creche_value_of(CRECHE_PG_UNKNOWN, CRECHE_VALUE_TEXT, text, 0);
    if (text == NULL) return creche_null();
    while (text[v.size] != '\0') v.size++;
    return v;
}
CRECHE_INLINE creche_value creche_text_n(const char *text, size_t size)
{
    return text == NULL ? creche_null() : creche_value_of(CRECHE_PG_UNKNOWN, CRECHE_VALUE_TEXT, text, size);
}
CRECHE_INLINE creche_value creche_bytes(const void *data, size_t size)
{
    return creche_value_of(CRECHE_PG_BYTEA, CRECHE_VALUE_BINARY, data, size);
}
CRECHE_INLINE creche_value creche_integer_of(uint32_t type, int64_t integer)
{
    creche_value v = creche_value_of(type, CRECHE_VALUE_INTEGER, NULL, 0);
    v.integer = integer;
    return v;
}
CRECHE_INLINE creche_value creche_bool(int32_t b) { return creche_integer_of(CRECHE_PG_BOOL, b != 0); }
CRECHE_INLINE creche_value creche_int2(int16_t i) { return creche_integer_of(CRECHE_PG_INT2, i); }
CRECHE_INLINE creche_value creche_int4(int32_t i) { return creche_integer_of(CRECHE_PG_INT4, i); }
CRECHE_INLINE creche_value creche_int8(int64_t i) { return creche_integer_of(CRECHE_PG_INT8, i); }
CRECHE_INLINE creche_value creche_float8(double d)
{
    creche_value v = creche_value_of(CRECHE_PG_FLOAT8, CRECHE_VALUE_REAL, NULL, 0);
    v.real = d;
    return v;
}
CRECHE_INLINE creche_value creche_timestamptz(int64_t unix_us)
{
    return creche_integer_of(CRECHE_PG_TIMESTAMPTZ, unix_us);
}
#endif

#ifdef __cplusplus
}
#endif
#endif

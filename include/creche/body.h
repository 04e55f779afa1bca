/* creche/body.h: what the body of a request is made of: files, forms. */
#ifndef CRECHE_BODY_H
#define CRECHE_BODY_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A part of a file, as a body or in a form. Read at its offset by threads of the library, whatever the
 * position of the descriptor, and anew each time the body is sent; the descriptor is duplicated: close
 * yours when you like. Only what can be read at an offset: no pipe, no socket (pull these). Fewer bytes
 * than announced fail the request with CRECHE_E_BODY, more are not sent. Never grows. */
typedef struct creche_file {
    int32_t fd;
    uint32_t reserved; /* 0 */
    uint64_t offset;
    uint64_t size; /* CRECHE_TO_THE_END: what is there at the call */
} creche_file;

#define CRECHE_TO_THE_END UINT64_MAX

/* A field of a form: its bytes, or a file. Copied by the call it is given to. Never grows. */
typedef struct creche_part {
    const char *name;
    const void *value; /* NULL with value_size 0: an empty one */
    size_t value_size;
    const creche_file *file; /* instead of value; NULL: none */
    const char *filename;    /* what a server is told as the name of a file; NULL: none */
    const char *type;        /* Content-Type; NULL: none, or application/octet-stream for a file or what
                                has a filename */
} creche_part;

/* A field of a form from two strings; value NULL is an empty one. Since 0.1. */
CRECHE_INLINE creche_part creche_part_text(const char *name, const char *value);

#ifndef CRECHE_NO_INLINE
CRECHE_INLINE creche_part creche_part_text(const char *name, const char *value)
{
    creche_part p;
    p.name = name;
    p.value = value;
    p.value_size = 0;
    p.file = NULL;
    p.filename = NULL;
    p.type = NULL;
    if (value != NULL)
        while (value[p.value_size] != '\0') p.value_size++;
    return p;
}
#endif

/* A coding of a request's body (creche_request_options.coding). */
enum {
    CRECHE_CODING_NONE = 0,
    CRECHE_CODING_GZIP = 1,
    CRECHE_CODING_DEFLATE = 2 /* with zlib's header, as the standard says */
};

#ifdef __cplusplus
}
#endif
#endif

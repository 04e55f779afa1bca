/* creche/url.h: joining of URLs, and the names and values of queries. */
#ifndef CRECHE_URL_H
#define CRECHE_URL_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A name and a value: of a query, of a form. Bytes, UTF-8 by custom, not encoded. Never grows. */
typedef struct creche_param {
    const char *name;  /* NUL-terminated */
    const char *value; /* NULL, with value_size 0: none, where that is another thing than an empty one */
    size_t value_size;
} creche_param;

/* A parameter from two strings; value NULL is none. Since 0.1. */
CRECHE_INLINE creche_param creche_param_text(const char *name, const char *value);

#ifndef CRECHE_NO_INLINE
CRECHE_INLINE creche_param creche_param_text(const char *name, const char *value)
{
    creche_param p;
    p.name = name;
    p.value = value;
    p.value_size = 0;
    if (value != NULL)
        while (value[p.value_size] != '\0') p.value_size++;
    return p;
}
#endif

/* What `reference` means beside `base`, as RFC 3986, 5.2 has it (strictly), for URLs of all schemes:
 * "../g" beside "http://a/b/c/d" is "http://a/b/g". The last segment of base's path gives way, unless
 * it ends in a slash: "x" beside "http://a/v1" is "http://a/x", beside "http://a/v1/" it is
 * "http://a/v1/x". Dot segments are taken out of the path, nothing is encoded, decoded or put in
 * another case; a fragment of the reference is kept. Written to `joined` with a NUL, cut at `capacity`
 * (0: joined may be NULL); *size (may be NULL): the bytes that it needs without the NUL, also with
 * CRECHE_E_LIMIT. Returns CRECHE_OK; CRECHE_E_LIMIT (it was cut), CRECHE_E_URL (base has no scheme;
 * one of them holds a control character), CRECHE_E_INVALID, CRECHE_E_NO_MEMORY. Since 0.1. */
CRECHE_API creche_status creche_url_join(const char *base, const char *reference, char *joined,
                                         size_t capacity, size_t *size);

#ifdef __cplusplus
}
#endif
#endif

/* creche/response.h: answers: their heads, and bodies that are read as they come. */
#ifndef CRECHE_RESPONSE_H
#define CRECHE_RESPONSE_H

#include "task.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A header field. Names are tokens; values are bytes without CR, LF and NUL. Never grows. */
typedef struct creche_header {
    const char *name; /* NUL-terminated */
    const char *value;
    size_t value_size;
} creche_header;

/* A header field from two strings; value NULL is an empty one. Since 0.1. */
CRECHE_INLINE creche_header creche_header_text(const char *name, const char *value);

#ifndef CRECHE_NO_INLINE
CRECHE_INLINE creche_header creche_header_text(const char *name, const char *value)
{
    creche_header h;
    h.name = name;
    h.value = value;
    h.value_size = 0;
    if (value != NULL)
        while (value[h.value_size] != '\0') h.value_size++;
    return h;
}
#endif

/* Reads what there is of the body, at least 1 and up to `capacity` bytes (0: 65536): kind CRECHE_CHUNK
 * with data and data_size, or CRECHE_END when the body has ended; then again, however often. One read
 * at a time: a second one completes with CRECHE_E_STATE. Not reading holds the server back.
 * Cancelling a read cancels only the read. 1 MiB of a coded body in a row that decodes to nothing is
 * CRECHE_E_LIMIT: no read waits for ever while bytes come. What has arrived is delivered before a failure
 * (CRECHE_E_TRUNCATED, _TIMEOUT, _CODING, ...), which each further read says again. So it is after
 * the end of the session or of the owner: what had arrived, then CRECHE_END if that was all, else
 * CRECHE_E_CLOSED. Returns CRECHE_OK; CRECHE_E_STATE (a whole response), or as creche_task_spawn.
 * Since 0.1. */
CRECHE_API creche_status creche_response_read(creche_response response, creche_scope in, size_t capacity,
                                              const creche_task_options *options, creche_done_fn done,
                                              void *user, creche_task *task) CRECHE_MUST_CHECK;

/* Reads a record: all up to and with the first `delimiter` (1 or more bytes, which may come in pieces:
 * "\n" for lines, "\r\n", "\n\n", a NUL), up to `max` bytes with it (0: 65536). Kind CRECHE_CHUNK
 * with data and data_size, or CRECHE_END. What comes last need not end in a delimiter, before a failure
 * either: it is a record as it is. A record that is longer is CRECHE_E_LIMIT, and nothing is lost: it is
 * still there for a call with a greater max, or any other read. So it is when the read is cancelled.
 * The rest as creche_response_read. Returns as that; CRECHE_E_INVALID (no delimiter). Since 0.1. */
CRECHE_API creche_status creche_response_read_until(creche_response response, creche_scope in,
                                                    const void *delimiter, size_t delimiter_size,
                                                    size_t max, const creche_task_options *options,
                                                    creche_done_fn done, void *user,
                                                    creche_task *task) CRECHE_MUST_CHECK;

/* Reads `size` bytes, no fewer: kind CRECHE_CHUNK. If the body ends before, it is CRECHE_E_LIMIT, or the
 * failure that the body has ended with, and what there is can still be read; CRECHE_END if nothing was
 * left. The rest as creche_response_read. Returns as that; CRECHE_E_INVALID (size is 0). Since 0.1. */
CRECHE_API creche_status creche_response_read_exactly(creche_response response, creche_scope in,
                                                      size_t size, const creche_task_options *options,
                                                      creche_done_fn done, void *user,
                                                      creche_task *task) CRECHE_MUST_CHECK;

/* Hands a response that is a lease to another owner: the task, group or loop nearest to `to`, which it
 * holds open from now on; its former owner is free to end. Harmless once the body has been read to
 * the end. Returns CRECHE_OK; CRECHE_E_STATE (a whole response; `to` is a library operation),
 * CRECHE_E_ENDED (it was given back with its owner), CRECHE_E_CLOSED (`to` takes no more work),
 * CRECHE_E_WRONG_LOOP, the handle errors of both; then nothing has changed. Since 0.1. */
CRECHE_API creche_status creche_response_move(creche_response response, creche_scope to);

/* Gives a response up. If its body was not read to the end, the connection is closed. Without it a
 * response lives on, with all that is lent from it: the end of its owner, its session or its loop
 * only closes the connection. Since 0.1. */
CRECHE_API void creche_response_release(creche_response response);

/* The HTTP status, 100 to 999, or a negative status (the handle errors). Since 0.1. */
CRECHE_API int32_t creche_response_status(creche_response response);

/* The value of the first header field of that name (any case), NUL-terminated, its size in *size
 * (may be NULL); NULL if there is none or the handle is bad. Lives as long as the response.
 * Since 0.1. */
CRECHE_API const char *creche_response_header(creche_response response, const char *name, size_t *size);

/* The header field number `index`, in the order of the wire, stored in *header; its text lives as
 * long as the response. Returns CRECHE_OK, CRECHE_E_LIMIT (there are fewer), CRECHE_E_INVALID, the
 * handle errors. Since 0.1. */
CRECHE_API creche_status creche_response_header_at(creche_response response, size_t index,
                                                   creche_header *header);

/* The same of the trailer: fields behind a chunked body. They are there once the end of the body has been
 * received. Fields that mean nothing there are dropped, as RFC 9110 has it: those that say how long a
 * body is (they are CRECHE_E_PROTOCOL), how to read it, or to whom it goes; credentials, cookies
 * (Set-Cookie), what controls caches or connections. All of it has 16 KiB at the most. Before the end, and
 * without a trailer, there are none: NULL, CRECHE_E_LIMIT. Since 0.1. */
CRECHE_API const char *creche_response_trailer(creche_response response, const char *name, size_t *size);
CRECHE_API creche_status creche_response_trailer_at(creche_response response, size_t index,
                                                    creche_header *header);

/* The forms of a certificate. */
enum {
    CRECHE_CERTIFICATE_DER = 0,
    CRECHE_CERTIFICATE_PEM = 1 /* text */
};

/* The certificate number `index` of those that the server has shown: its own is 0, then as they came;
 * after a resumption those of the first handshake. (Of an https proxy's they are none.) Written to
 * `certificate`, cut at `capacity` (0: it may be NULL), behind a text a NUL; *size (may be NULL): its
 * bytes, without the NUL, also with CRECHE_E_LIMIT. Returns CRECHE_OK; CRECHE_E_LIMIT (it was cut, or
 * there are fewer: *size is 0), CRECHE_E_INVALID, CRECHE_E_NO_MEMORY, the handle errors. Since 0.1. */
CRECHE_API creche_status creche_response_certificate(creche_response response, size_t index,
                                                     uint32_t form, void *certificate,
                                                     size_t capacity, size_t *size);

/* The body of a whole response: a view into it, NUL-terminated, its size in *size (may be NULL); what a
 * completion of creche_session_fetch has as data. Empty where it was written to a file; NULL if the handle
 * is bad, and for a response whose body is read. Lives as long as the response. Since 0.1. */
CRECHE_API const char *creche_response_body(creche_response response, size_t *size);

/* The URL that answered, after redirects; NULL if the handle is bad. Lives as long as the response.
 * Since 0.1. */
CRECHE_API const char *creche_response_url(creche_response response);

/* A redirect that was followed. Never grows. */
typedef struct creche_redirect {
    const char *url; /* that answered so; it lives as long as the response */
    uint32_t status;
    uint32_t reserved;
} creche_redirect;

/* The redirect number `index` of those that led to the answer, the first is 0, stored in *redirect.
 * Returns CRECHE_OK, CRECHE_E_LIMIT (there are fewer), CRECHE_E_INVALID, the handle errors. Since 0.1. */
CRECHE_API creche_status creche_response_redirect_at(creche_response response, size_t index,
                                                     creche_redirect *redirect);

/* Where the time of a request went: points of the loop's clock, 0 for what did not happen. Sized. */
typedef struct creche_response_info {
    uint32_t size;
    uint32_t flags;
    int64_t started;   /* the call */
    int64_t connected; /* a connection was there (new or kept) */
    int64_t sent;
    int64_t first_byte;
    int64_t ended;       /* the end of the body, 0 before */
    uint64_t body_bytes; /* as received, coded */
    uint32_t reused;     /* 1: on a kept connection */
    uint32_t redirects;
    uint32_t http_minor; /* of HTTP/1.x */
    uint32_t tls;        /* 1: over TLS */
    uint32_t attempts;   /* 1, and what a retry policy made after the first */
    uint32_t reserved;
    const char *peer; /* of the connection: "192.0.2.1:443", "[2001:db8::1]:80"; of the proxy, if there is
                         one. These texts live as long as the response */
    const char *tls_version; /* "TLSv1.3"; NULL without TLS */
    const char *tls_cipher;  /* "TLS_AES_256_GCM_SHA384"; NULL without TLS */
    const char *local;       /* this end of the connection, as peer */
    uint64_t connection;     /* the number of the connection in its session, from 1 on */
    uint64_t decoded_bytes;  /* of the body, decoded: of a stream what has been read so far */
    uint64_t request_bytes;  /* sent so far, head and body, in the last attempt */
    /* How long it took, in nanoseconds, 0 for what did not happen. */
    int64_t queue_time;   /* in line for a connection */
    int64_t dns_time;     /* these: of a connection that was made for it */
    int64_t connect_time; /* TCP */
    int64_t proxy_time;
    int64_t tls_time;     /* handshakes */
    uint32_t http_major;  /* 1, or 2: HTTP/2 (http_minor is 0 then) */
    uint32_t tls_cipher_id; /* the number of tls_cipher at IANA: 0x1302; 0 without TLS */
    const char *reason;  /* behind the status: "Not Found"; "" for none, as in HTTP/2. These, too, live as
                            long as the response */
    const char *method;  /* of the request that was answered: redirects may have made another of yours */
    const char *alpn;    /* the protocol that the TLS handshake agreed on: "h2", "http/1.1"; NULL: none */
    int64_t retry_after; /* what Retry-After asks to wait, in nanoseconds; a date counts from the answer's
                            own Date on, or from now; 0: it has passed; -1: nothing that can be read */
    uint64_t head_bytes; /* of the answer's head, as received; in HTTP/2 before compression */
} creche_response_info;

/* Fills the first `size` bytes of *info. Returns CRECHE_OK, CRECHE_E_INVALID, the handle errors.
 * Since 0.1. */
CRECHE_API creche_status creche_response_get_info(creche_response response, creche_response_info *info,
                                                  size_t size);

#ifdef __cplusplus
}
#endif
#endif

/* creche/http.h: the HTTP client: sessions with a keep-alive pool, whole bodies and streams. */
#ifndef CRECHE_HTTP_H
#define CRECHE_HTTP_H

#include "body.h"
#include "auth.h"
#include "http2.h"
#include "cookies.h"
#include "loop.h"
#include "middleware.h"
#include "response.h"
#include "retry.h"
#include "sockets.h"
#include "task.h"
#include "url.h"
#include "watch.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Timeouts of the phases of a request, in nanoseconds; CRECHE_NEVER for none, 0 for the default of
 * the session (in a session: of the library, in brackets). Each failure names its phase. Time in the
 * pool's queue never counts as connecting. A bound for all of it: task->timeout. Never grows. */
typedef struct creche_http_timeouts {
    int64_t pool;       /* waiting for a connection of the session to be free [never] */
    int64_t dns;        /* [30 s] */
    int64_t connect;    /* TCP, all addresses [30 s] */
    int64_t tls;        /* [30 s] */
    int64_t send;       /* a gap without progress in sending; not while a body is pulled [60 s] */
    int64_t first_byte; /* from the end of sending to the end of the answer's head, whatever comes
                           before it: 1xx, or a head in small pieces [300 s] */
    int64_t read_gap;   /* between two reads: inside a head; of the body's own bytes, while you are
                           ready to read and all of the request has been sent [60 s] */
    int64_t proxy;      /* a proxy to connect: CONNECT, SOCKS [30 s] */
} creche_http_timeouts;

/* What a session does by itself, for fetch and send alike:
 *
 * - Redirects: 301, 302, 303, 307 and 308 with a Location are followed, up to max_redirects times,
 *   then CRECHE_E_REDIRECT, as for a place that cannot be fetched; all other answers are yours. A
 *   POST becomes a GET by 301 and 302, everything but HEAD by 303: without its body and the fields
 *   that describe one (Content-*, Digest, Repr-Digest, Last-Modified, Expect, Trailer). 307 and 308
 *   change nothing. Dot segments and TABs are taken out of a Location, never out of your URL. Another
 *   origin (scheme, host, port) is told neither Authorization, Cookie, Proxy-Authorization, any of
 *   private_headers nor a Host of yours, then and behind it. A body that would have to be sent again
 *   cannot be if any of it was pulled: CRECHE_E_BODY. The body of a redirect is read over to keep its
 *   connection: up to 64 KiB of it, for up to 100 ms.
 * - Sending again: once for each hop, on a new connection, if a kept connection proves to be dead
 *   before a byte of an answer has come, and nothing had been sent of the request, or its method is
 *   GET, HEAD, OPTIONS, TRACE, PUT or DELETE; never if any of its body has been pulled, or with
 *   CRECHE_REQUEST_NO_RETRY. So it is if the server gives a kept connection up with a 408 and
 *   "Connection: close", whatever the method: it has not taken the request. A TLS handshake that fails
 *   with a session to resume is tried once more without. Nothing else is ever sent twice, but by a
 *   retry policy (creche/retry.h).
 * - Header fields of yours: those of a request stand in place of the session's of the same name.
 *   Content-Length and Transfer-Encoding are the library's to write: yours may only say the same as
 *   the body (else CRECHE_E_INVALID). Host: one, sent in place of the URL's, of what may
 *   stand in a URL there (no blank or control character: CRECHE_E_INVALID). Connection is sent as
 *   it is; with "close" in it the connection is not kept. Accept, Accept-Encoding and User-Agent
 *   are sent unless you name them.
 * - User info in a URL (http://name:password@host/) is sent as Authorization: Basic, to its origin
 *   only, unless the request has an Authorization of its own; it goes before that of the session,
 *   and never into Host or creche_response_url.
 * - max_header_bytes bounds one head from the status line to the empty line, line ends counted
 *   (more is CRECHE_E_LIMIT). Each informational answer (1xx) is a head of its own; there may be 32
 *   of them. What lies between two pieces of a chunked body, extensions or the trailer, is not
 *   counted there but bounded by itself: 16 KiB, and in all 64 KiB and 16 times the body.
 * - An answer may come before the request has been sent: it is read, and with its end the request
 *   ends. The connection is kept only if both are whole, and asked before each use whether the
 *   server has closed it or said anything: then it is closed unused.
 * - A link-local address may have a zone (http://[fe80::1%25eth0]/), which is told to no server.
 * - A host that is not ASCII (it is UTF-8) stands for its A-label ("xn--..."), as UTS 46 and IDNA
 *   2008 have it: that is looked up, sent as Host and SNI, and compared with certificates, cookies,
 *   mapped hosts and no_proxy. What has none is CRECHE_E_URL. Names that look like others are let
 *   through.
 * - What comes behind the end of a coded body is dropped.
 * - Proxies: http:// and https:// ones are sent http URLs whole, to be forwarded, and asked for a
 *   tunnel (CONNECT) to the servers of https ones; socks5:// ones are asked for connections to all,
 *   by addresses that are resolved here, socks5h:// ones by names. User info in a proxy's URL is its
 *   Proxy-Authorization (Basic), or the user and password of SOCKS. That and proxy_headers is what a
 *   proxy gets; a CONNECT says nothing else of the session or the request, and through a tunnel, or
 *   without a proxy, no Proxy-Authorization of yours goes. Any 2xx opens a tunnel; another answer, or
 *   SOCKS reply, is CRECHE_E_PROXY with CRECHE_PHASE_PROXY and error->http_status, 407 too; what else a
 *   proxy says is CRECHE_E_PROTOCOL, _LIMIT, _DISCONNECTED or _TIMEOUT in that phase. A forwarding
 *   proxy's answers are answers like others. Each hop of a redirect has its proxy chosen anew.
 *   Connections to a forwarding proxy are shared by all servers behind it, and counted as one host.
 * - No message, dump or hook holds user info, the query of a URL or the value of a header; all
 *   messages are UTF-8. */

/* Cookies of a jar and a Cookie field of yours are sent as one field: yours first, and in place of those
 * of the jar with the same name. */

/* creche_session_options.flags */
enum {
    CRECHE_SESSION_INSECURE = 1, /* do not verify certificates: for tests only */
    CRECHE_SESSION_NO_DECODE = 2, /* send no Accept-Encoding, leave bodies coded */
    /* Takes responses of old and small servers that are refused otherwise (CRECHE_E_PROTOCOL), as far
     * as they can be read in one way only: lines of the head that end in LF alone; folded lines of
     * Content-Length, Transfer-Encoding and Connection (of other fields they are always joined by one
     * blank); several Content-Lengths that are equal; blanks behind the size of a chunk. Behind a proxy
     * that reads them differently that is a risk: use it for such servers. */
    CRECHE_SESSION_LENIENT = 4,
    CRECHE_SESSION_FAIL_ON_STATUS = 8, /* as CRECHE_REQUEST_FAIL_ON_STATUS, for all requests */
    CRECHE_SESSION_NO_RETRY = 16,      /* as CRECHE_REQUEST_NO_RETRY, for all requests */
    /* Takes proxies from the environment, read now, where `proxy` is NULL: http_proxy for http URLs,
     * https_proxy or HTTPS_PROXY for https ones, all_proxy or ALL_PROXY for both; and, if `no_proxy` is
     * NULL, no_proxy or NO_PROXY. (HTTP_PROXY is not read: in a CGI program a client sets it.) */
    CRECHE_SESSION_ENV_PROXY = 256,
    /* Takes users and passwords of hosts from the file that the variable NETRC names, or ~/.netrc, read
     * now, for requests without auth, user info and Authorization of their own (Basic). A file that is
     * not there has none; one that cannot be read is CRECHE_E_SYSTEM or CRECHE_E_INVALID. */
    CRECHE_SESSION_NETRC = 512,
    CRECHE_SESSION_NO_DOWNGRADE = 1024, /* a redirect from https to http is CRECHE_E_REDIRECT */
    /* Connects to no address of this host, of private networks or of another special use, whatever a URL,
     * a redirect or a name says: CRECHE_E_URL, before anything is sent. Proxies, `hosts` and unix_path
     * are yours to choose; a name that a proxy resolves is not looked at (addresses are). */
    CRECHE_SESSION_PUBLIC_ONLY = 2048
};

/* Where to connect to instead of what a name means (as --resolve and --connect-to of curl). */
typedef struct creche_mapped_host {
    const char *host; /* "example.org", "example.org:443", "[::1]:80"; "*" for all, "*:443" */
    const char *to;   /* "127.0.0.1", "127.0.0.1:8443", several by commas; "unix:/path"; or one name,
                       * "other.example:8443". Without a port that of the URL */
} creche_mapped_host;

typedef struct creche_session_options {
    uint32_t size; /* set by _init */
    uint32_t flags; /* CRECHE_SESSION_* */
    uint32_t limit;          /* connections at the most, idle ones too; default 100; 0: no limit */
    uint32_t limit_per_host; /* for each origin; default 0: no limit */
    uint32_t max_waiting;    /* requests waiting for a connection; more are CRECHE_E_LIMIT; 0: no limit */
    uint32_t max_redirects;  /* followed for a request; default 10; 0: none, the 3xx is the answer */
    uint32_t max_header_bytes; /* of a response's head, see below; default 65536 */
    uint32_t dns_ttl_ms;     /* how long a resolved name is kept; default 10000 milliseconds; 0: not */
    uint64_t max_body;       /* of a whole body, decoded; default 64 MiB; more is CRECHE_E_LIMIT, as
                              * soon as it is announced. A coded one may be twice that and 64 KiB. */
    int64_t keepalive;       /* how long an idle connection is kept; default 15 s */
    creche_http_timeouts timeouts;
    const char *user_agent;  /* default "libcreche/0.1.0"; "" for none; copied */
    const char *ca_file;     /* PEM file of trusted certificates instead of the system's: CAs,
                              * intermediate ones too, or servers' own; copied path, read now */
    const creche_header *headers; /* sent with every request unless it names the same itself; copied */
    size_t headers_count;
    creche_queue queue; /* where the completion of its close goes if `done` is NULL; {0}: nobody is told */
    const char *base_url; /* what URLs of requests without a scheme are joined to, as creche_url_join
                           * does: end its path with a slash, or the last segment gives way. User info in
                           * it is that of all of them. NULL: none; copied */
    const char *proxy; /* see above: "http://user:password@host:port", https://, socks5:// or socks5h://;
                        * default port: 80, 443, 1080; NULL: none, or the environment's; "direct": none;
                        * copied */
    const creche_header *proxy_headers; /* for http and https proxies, those of requests, too; copied */
    size_t proxy_headers_count;
    const char *no_proxy; /* hosts that need none, by commas: "*"; "example.org" for it and all names
                           * below it; an IP address or net ("10.0.0.0/8"); each with or without
                           * ":port". NULL: none, or the environment's; copied */
    const creche_retry *retry; /* when requests are made again; NULL: never, but as said above; copied */
    const char *unix_path; /* a Unix socket that all requests go to, "@name" for an abstract one, in
                            * place of any proxy; TLS and Host are the URL's; NULL: none; copied */
    const creche_mapped_host *hosts; /* the first that fits counts, also for proxies; copied */
    size_t hosts_count;
    const char *local_address; /* an IP address that connections come from, so that only those of its
                                * family are made; NULL: any; copied */
    creche_cookie_jar cookies; /* {0}: none */
    const creche_auth *auth;   /* for all requests; NULL: none; copied */
    uint32_t max_requests;   /* that a connection carries before it is closed; default 0: no limit */
    uint32_t streams_per_connection; /* requests that one of HTTP/2 carries at a time; default 0: as many
                                      * as the server allows */
    int64_t max_lifetime;    /* of a connection, in nanoseconds: it is given to no request in the last
                              * tenth of it at the latest (each at its own moment, so that those made at
                              * a time do not end at a time), and closed when the last one has ended:
                              * for load balancers that would never see it again; default 0: no limit */
    creche_tls tls; /* settings of TLS, also for https proxies; {0}: the defaults. Not with ca_file or
                     * CRECHE_SESSION_INSECURE. The session keeps them: the handle may be released */
    uint32_t versions;  /* CRECHE_HTTP_*, see creche/http2.h; default 0: CRECHE_HTTP_1_1 */
    uint32_t reserved2; /* 0 */
    const creche_watch *watch; /* NULL: none; copied */
    const char *redirect_hosts; /* where a redirect may lead beside the host of the request, as no_proxy
                                 * lists hosts; elsewhere is CRECHE_E_REDIRECT; NULL: anywhere; copied */
    uint32_t rate_per_host;  /* requests to each origin in rate_interval, each attempt and hop counted:
                              * more wait (phase limit), first in, first out; default 0: no limit */
    uint32_t burst_per_host; /* of them at once, after a pause; default 1 */
    int64_t rate_interval;   /* nanoseconds; default 1 s */
    uint32_t dns_negative_ttl_ms; /* how long it is kept that there is no such name, dns_ttl_ms at the
                                   * most; default 0: 1000 */
    uint32_t dns_stale_ms; /* for how long behind its time an answer is used if the resolver says
                            * that it has none now; default 0: not */
    creche_tls proxy_tls;  /* settings of TLS to https proxies; {0}: the same as to servers */
    uint32_t max_expansion; /* decoded bytes of a body for each coded one, beyond the first 64 KiB; more
                             * is CRECHE_E_LIMIT, once what was decoded before has been read. What gzip
                             * makes of zeros is 1030, of text 20; default 0: no limit (max_body bounds
                             * whole bodies, streams are decoded as they are read) */
    uint32_t reserved3; /* 0 */
    const creche_middleware *middleware; /* NULL: none; copied */
    const creche_socket_options *sockets; /* keep-alive, buffers, the interface, a function that sees each
                                           * socket: creche/sockets.h; NULL: as the system has it; copied */
    const char *private_headers; /* names of fields, separated by commas, that a redirect to another origin
                                  * does not take along, as Authorization; "": none but those that it
                                  * never does. Default NULL: where keys are usually shown, X-Api-Key,
                                  * Api-Key, X-Auth-Token, X-Access-Token, Private-Token, X-Goog-Api-Key
                                  * and X-Amz-Security-Token; copied */
} creche_session_options;

/* Sets the defaults in the first `size` bytes (pass sizeof). Returns CRECHE_OK or CRECHE_E_INVALID.
 * Since 0.1. */
CRECHE_API creche_status creche_session_options_init(creche_session_options *options, size_t size);

/* Opens a session on a loop. Connects nowhere yet. ca_file and the netrc are read
 * here, in the calling thread, which may block for that. Returns CRECHE_OK; CRECHE_E_INVALID (options),
 * CRECHE_E_URL (base_url), CRECHE_E_UNSUPPORTED, CRECHE_E_SYSTEM or CRECHE_E_TLS (the CA file cannot be
 * read or holds no certificate), CRECHE_E_CLOSED (the loop is closing), CRECHE_E_NO_MEMORY, the handle
 * errors.
 * Since 0.1. */
CRECHE_API creche_status creche_session_open(creche_loop loop, const creche_session_options *options,
                                             creche_session *session);

/* Closes a session: requests in flight end with CRECHE_E_CLOSED (error->phase: where each of them
 * was), connections are closed; then comes the last completion (kind CRECHE_DONE, task {0}, value: the
 * session's id, not owned), after the return of all callbacks: to done; for NULL to the queue of the
 * session's options, if it has one;
 * creche_nobody: nobody is told. Idempotent: each call gets a completion. Returns CRECHE_OK;
 * CRECHE_E_INVALID (creche_to_group); CRECHE_E_CLOSED (that queue is closed) or CRECHE_E_ENDED (the loop
 * has ended) if nobody could be told: then nothing happens; CRECHE_E_NO_MEMORY, the handle errors.
 * Since 0.1. */
CRECHE_API creche_status creche_session_close(creche_session session, creche_done_fn done, void *user);

/* Closes without a completion and gives up the handle. Since 0.1. */
CRECHE_API void creche_session_release(creche_session session);

/* What a session has now and did so far. Sized. */
typedef struct creche_session_counters {
    uint32_t size;
    uint32_t flags;
    uint64_t requests;
    uint64_t connects;  /* connections opened */
    uint64_t reuses;    /* requests on a connection that was kept */
    uint64_t retries;   /* of a kept connection that turned out dead */
    uint64_t dns_lookups;
    uint64_t bytes_sent;
    uint64_t bytes_received;
    uint64_t active;    /* connections in use */
    uint64_t idle;
    uint64_t waiting;   /* requests waiting for a connection */
    uint64_t attempts;  /* made by retry policies, after the first */
    uint64_t retries_denied; /* attempts that a policy would have made, had its budget not been spent */
} creche_session_counters;

/* Fills the first `size` bytes of *counters. Returns CRECHE_OK, CRECHE_E_INVALID, the handle errors.
 * Since 0.1. */
CRECHE_API creche_status creche_session_get_counters(creche_session session,
                                                     creche_session_counters *counters, size_t size);

/* How long what a session did took so far: for each phase how often how long. Sized. */
typedef struct creche_session_timings {
    uint32_t size;
    uint32_t flags;
    creche_histogram pool;       /* requests that waited for a connection, and got one */
    creche_histogram dns;        /* of new connections: names that were looked up, or known already */
    creche_histogram connect;
    creche_histogram tls;        /* handshakes */
    creche_histogram first_byte; /* of answers that have come whole: from the end of sending (of the last
                                    attempt) to their first byte */
    creche_histogram total;      /* of these: from the call to the end of the body */
} creche_session_timings;

/* Fills the first `size` bytes of *timings. Returns CRECHE_OK, CRECHE_E_INVALID, the handle errors.
 * Since 0.1. */
CRECHE_API creche_status creche_session_get_timings(creche_session session,
                                                    creche_session_timings *timings, size_t size);

/* creche_request_options.flags */
enum {
    CRECHE_REQUEST_NO_DECODE = 1,  /* for this request: no Accept-Encoding, leave the body coded */
    CRECHE_REQUEST_PULL_BODY = 2,  /* the body is pulled: CRECHE_PULL comes where the completion goes
                                      (done or a queue), each answered by creche_task_answer */
    CRECHE_REQUEST_NO_RETRY = 4,   /* never send again: neither on a new connection when a kept one was
                                      dead, nor by a retry policy */
    CRECHE_REQUEST_LENIENT = 8,    /* for this request: as CRECHE_SESSION_LENIENT */
    /* A final status of 400 or above (after redirects and retries) is a failure: CRECHE_E_HTTP_STATUS,
     * phase headers, completion->code and error->http_status the status, error->http_body the start of
     * the body. It is waited for 1 s at the most. */
    CRECHE_REQUEST_FAIL_ON_STATUS = 16,
    CRECHE_REQUEST_ANY_STATUS = 32, /* any status is success, whatever the session says */
    CRECHE_REQUEST_MULTIPART = 64,  /* the form is sent as multipart/form-data in any case */
    /* Expect: 100-continue is sent with a body, and the body when 100 Continue comes, or
     * expect_timeout is over; an Expect header of yours that says so does the same. A final answer
     * before that is yours, the body is not sent, and the connection not kept. After a 417 the request
     * is made once more without. */
    CRECHE_REQUEST_EXPECT = 128,
    CRECHE_REQUEST_NO_COOKIES = 256, /* neither sends nor keeps those of the session's jar */
    CRECHE_REQUEST_NO_AUTH = 512,    /* shows nothing of the session's auth and netrc */
    /* A pulled body can be pulled again, so that the request can be sent again (redirects, retries,
     * credentials) as one with bytes: a CRECHE_PULL with code 1 asks for it from its beginning. */
    CRECHE_REQUEST_REWIND = 1024
};

typedef struct creche_request_options {
    uint32_t size; /* set by _init */
    uint32_t flags; /* CRECHE_REQUEST_* */
    const char *method; /* a token; default NULL: GET, or POST with a body; copied */
    const creche_header *headers; /* copied */
    size_t headers_count;
    const void *body; /* copied; NULL: none */
    size_t body_size; /* bytes; for a pulled body its size, or CRECHE_UNKNOWN_SIZE: sent chunked */
    uint64_t max_body;    /* 0: the session's */
    uint32_t max_redirects; /* CRECHE_DEFAULT: the session's */
    uint32_t versions;      /* CRECHE_HTTP_*, for all its hops; 0: the session's */
    creche_http_timeouts timeouts; /* 0 in each: the session's */
    const creche_task_options *task; /* may be NULL */
    const creche_param *params; /* appended to the query of the URL, percent-encoded (a blank: %20) but
                                 * for letters, digits and "-._~"; in this order, names may come again;
                                 * "name=value", without a value "name"; copied */
    size_t params_count;
    const char *proxy; /* as creche_session_options.proxy, whatever no_proxy says; "direct": none; NULL:
                        * the session's; copied. What is wrong with it is CRECHE_E_INVALID, later */
    const creche_retry *retry; /* NULL: the session's; copied */
    const creche_file *body_file; /* the body, instead of body; NULL: none; copied */
    const creche_part *form;      /* the body is a form of these fields, in this order. If one of them has
                                   * a file, a filename or a type, multipart/form-data (RFC 7578), with
                                   * the boundary of a Content-Type of yours if that has one; else
                                   * application/x-www-form-urlencoded. No line break nor another control
                                   * character may stand in a name, filename or type of a multipart
                                   * (CRECHE_E_INVALID); NULL: none; copied */
    size_t form_count;
    uint32_t coding; /* CRECHE_CODING_*: the body, whatever it is, is sent coded, in chunks, and
                      * Content-Encoding says so; yours may not be there then */
    uint32_t reserved2;
    int64_t expect_timeout; /* CRECHE_REQUEST_EXPECT: the wait for 100 Continue, in nanoseconds; then the
                             * body is sent all the same; CRECHE_NEVER for none; 0: 1 s */
    const char *unix_path; /* as creche_session_options.unix_path, for this request and its redirects, in
                            * place of any proxy; NULL: the session's, unless proxy is given; copied */
    const creche_auth *auth; /* NULL: the session's; copied */
    creche_tls tls; /* settings of TLS in place of the session's, for all its hops; {0}: the session's.
                     * Only connections that were made with the same are used */
    const creche_watch *watch; /* beside the session's; NULL: none; copied */
    const creche_file *to_file; /* fetch only: the body, decoded, is written there, from its offset on, by
                                 * threads of the library; size: the most, or CRECHE_TO_THE_END; max_body
                                 * does not matter. The descriptor is duplicated; O_APPEND is refused. The
                                 * completion has no data, value: a response, whose decoded_bytes is what
                                 * was written. What cannot be written (a full disk) is CRECHE_E_SYSTEM,
                                 * more than size CRECHE_E_LIMIT, a coded body of more than twice size and
                                 * 64 KiB, too; what was written before stays. NULL: none; copied */
    uint32_t max_expansion; /* 0: the session's; CRECHE_DEFAULT: no limit */
    uint32_t reserved3;     /* 0 */
    const char *private_headers; /* as the session's, for the fields of this request; NULL: the session's;
                                  * copied */
} creche_request_options;

#define CRECHE_UNKNOWN_SIZE SIZE_MAX
#define CRECHE_DEFAULT UINT32_MAX

/* Sets the defaults in the first `size` bytes (pass sizeof). Returns CRECHE_OK or CRECHE_E_INVALID.
 * Since 0.1. */
CRECHE_API creche_status creche_request_options_init(creche_request_options *options, size_t size);

/* Fetches a URL whole: status, headers and the decoded body, up to max_body. Any HTTP status is
 * success, but for CRECHE_REQUEST_FAIL_ON_STATUS. The completion: code: the HTTP status; value: a
 * creche_response, CRECHE_OWNED; data and data_size: the body, a view into it (never NULL; a NUL byte
 * follows the body). A malformed URL or header fails like any other fetch, in the completion
 * (CRECHE_E_URL, CRECHE_E_INVALID).
 * Failures: CRECHE_E_URL, _DNS, _CONNECT, _TLS, _TLS_VERIFY, _DISCONNECTED, _PROTOCOL, _TRUNCATED,
 * _CODING, _BODY, _REDIRECT, _HTTP_STATUS, _LIMIT, _TIMEOUT, _CANCELLED, _CLOSED, _SYSTEM, _NO_MEMORY;
 * error->phase says where. Cancelled: its connection is closed. options: may be NULL. task: may be NULL.
 * Returns CRECHE_OK, or as creche_task_spawn does. Since 0.1. */
CRECHE_API creche_status creche_session_fetch(creche_session session, creche_scope in, const char *url,
                                              const creche_request_options *options, creche_done_fn done,
                                              void *user, creche_task *task) CRECHE_MUST_CHECK;

/* Opens connections to where a request to this URL would go until there are `count` (those in use or
 * idle counted, within the session's limits, and closing none for it), and keeps them idle for who comes:
 * they know the name, have shaken hands, and wait for `keepalive`. Completes when all of them are open:
 * code: how many were opened. If one cannot be, it fails as a fetch would, when the others are done, and
 * what was opened is kept. options (may be NULL): timeouts and task, and what chooses the way there.
 * Returns CRECHE_OK; CRECHE_E_INVALID (count is 0), or as creche_task_spawn does. Since 0.1. */
CRECHE_API creche_status creche_session_warm_up(creche_session session, creche_scope in, const char *url,
                                                uint32_t count, const creche_request_options *options,
                                                creche_done_fn done, void *user, creche_task *task)
                                                CRECHE_MUST_CHECK;

/* Sends a request and completes at the head of the answer: code: the HTTP status; value: a
 * creche_response, CRECHE_OWNED, whose body is read with creche_response_read. Until its body has
 * been read to the end, the response is a lease: it belongs to the nearest task or group around `in`
 * (or the loop) and holds it open. A body of bytes is sent on meanwhile. If the head comes before
 * the end of a pulled body, its completion has CRECHE_MORE: CRECHE_PULL goes on beside your reading.
 * Then the last completion (kind CRECHE_DONE, code as before, no value) comes when the body has been
 * sent and the response is no lease of that owner any more: it has been read to its end, released,
 * moved or given back. It says CRECHE_OK, or why not all of the body could be sent (as the reads
 * do); CRECHE_OK, too, if you released the response. Cancelled before all is sent, the connection
 * is closed and reads end with CRECHE_E_CLOSED; later, only the task ends, with CRECHE_OK.
 * The rest as creche_session_fetch. Since 0.1. */
CRECHE_API creche_status creche_session_send(creche_session session, creche_scope in, const char *url,
                                             const creche_request_options *options, creche_done_fn done,
                                             void *user, creche_task *task) CRECHE_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif

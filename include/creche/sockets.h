/* creche/sockets.h: what is set on the sockets that a session connects with. */
#ifndef CRECHE_SOCKETS_H
#define CRECHE_SOCKETS_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A socket that is about to connect. Made by the library only, so it may grow at its end: read a field only
 * if `size` covers it. It lives until the function returns. */
typedef struct creche_new_socket {
    uint32_t size;
    int32_t fd;          /* the library's: set options on it, and leave it open */
    const char *address; /* where it will connect to: "192.0.2.1:443", "[2001:db8::1]:80", "unix:/path" */
} creche_new_socket;

/* Called with each new socket before it is bound and connects, when the options below are set: to set others,
 * or to choose where connections may go. Returns CRECHE_OK; another status (CRECHE_E_USER, -1000 or below, or
 * the one that it has met) refuses the address: further addresses of the name are tried, and if none answers
 * the request fails with that status, in phase "connect". Called on the loop. It may call any function of
 * the library but those tagged [not on a loop]. It must return normally and soon. */
typedef creche_status (*creche_socket_fn)(void *user, const creche_new_socket *socket);

/* What the kernel refuses of these is CRECHE_E_CONNECT (phase connect), whose message names the field.
 * Those of TCP do not concern Unix sockets. TCP_NODELAY is always set. */
typedef struct creche_socket_options {
    uint32_t size;  /* set by _init */
    uint32_t flags; /* 0 */
    int64_t keepalive_idle;     /* keep-alive of TCP, which finds out that a silent connection is dead, and
                                   has middle boxes keep it: silence before the first probe, in nanoseconds,
                                   as whole seconds, rounded up. With 0 in these three there is none; 0 in
                                   one: as the system has it */
    int64_t keepalive_interval; /* from one probe to the next; the same */
    uint32_t keepalive_count;   /* probes without an answer that end it */
    uint32_t reserved;          /* 0 */
    int64_t user_timeout;       /* how long what was sent may stay without an acknowledgement before the
                                   connection ends (TCP_USER_TIMEOUT); nanoseconds, as whole milliseconds,
                                   rounded up; 0: as the system has it */
    uint32_t send_buffer;       /* SO_SNDBUF and SO_RCVBUF, in bytes; 0: the system's, which grow by need */
    uint32_t receive_buffer;
    const char *interface_name; /* of the network interface that packets go through ("eth0"); what others
                                   come through is not received (SO_BINDTODEVICE); NULL: any; copied */
    creche_socket_fn opened;    /* NULL: none; called until the session's close is complete */
    void *user;                 /* of it */
} creche_socket_options;

/* Sets the defaults in the first `size` bytes (pass sizeof). Returns CRECHE_OK or CRECHE_E_INVALID.
 * Since 0.1. */
CRECHE_API creche_status creche_socket_options_init(creche_socket_options *options, size_t size);

#ifdef __cplusplus
}
#endif
#endif

/* creche/middleware.h: what stands between a session and its requests: a function that is asked before each
 * of them is sent, and what to do with what became of it. It may wait, change header fields, have it made
 * again, or answer itself. */
#ifndef CRECHE_MIDDLEWARE_H
#define CRECHE_MIDDLEWARE_H

#include "base.h"
#include "response.h"

#ifdef __cplusplus
extern "C" {
#endif

/* creche_turn.what */
enum {
    CRECHE_TURN_REQUEST = 0,  /* before it is sent: each attempt and each hop, with its own header fields */
    CRECHE_TURN_RESPONSE = 1, /* the head of an answer has come, of each attempt and hop; its body waits */
    CRECHE_TURN_FAILURE = 2   /* an attempt has failed; it holds no connection any more */
};
#define CRECHE_TURN_BIT(what) (UINT32_C(1) << (what))

/* What is asked. Made by the library only, so it may grow at its end: read a field only if `size` covers
 * it. It and what it points to live until the function returns. */
typedef struct creche_turn {
    uint32_t size;
    uint32_t what; /* CRECHE_TURN_* */
    creche_session session;
    uint64_t id;      /* for creche_session_decide */
    creche_task task; /* that makes the request */
    void *user;       /* of the call that started it */
    uint32_t attempt; /* from 1 on: what was sent before, or not, counts */
    uint32_t http_status; /* RESPONSE */
    const char *method;
    const char *url; /* with its query, without user info */
    const creche_header *headers; /* REQUEST, FAILURE: the request's own; RESPONSE: the answer's */
    size_t headers_count;
    const creche_error *error; /* FAILURE */
} creche_turn;

/* creche_decision.action */
enum {
    CRECHE_TURN_GO = 0,     /* go on as without this: send it; deliver it, or follow a redirect, a retry
                               policy, a challenge; fail */
    CRECHE_TURN_AGAIN = 1,  /* RESPONSE, FAILURE: make it again, to the same place, after `delay`. Not of a
                               body that was pulled and is gone, nor more often than `most_again`: then as GO */
    CRECHE_TURN_ANSWER = 2, /* this is the answer, as it is: nothing is sent (any more), nothing decoded,
                               followed or refused. Not for a WebSocket (CRECHE_E_PROTOCOL) */
    CRECHE_TURN_FAIL = 3    /* fail with `status` */
};

/* What is decided. Zero bytes are GO. */
typedef struct creche_decision {
    uint32_t size;   /* sizeof the struct */
    uint32_t action; /* CRECHE_TURN_GO, ... */
    /* GO at REQUEST, and AGAIN: each stands in place of the request's own of that name from now on, and of
     * what the session and the library would say. With a value NULL there is none of its own. ANSWER: the
     * fields of the answer. Copied. */
    const creche_header *headers;
    size_t headers_count;
    int64_t delay;        /* nanoseconds */
    uint32_t http_status; /* ANSWER: 200 to 999 */
    creche_status status; /* FAIL: CRECHE_E_USER, -1000 or below, or one that was met */
    const void *body;     /* ANSWER; copied */
    size_t body_size;
} creche_decision;

/* Is asked. Called on the loop, where it may not block; creche_session_decide answers, inside or later, from
 * any thread. Until then the request waits, within the deadline of its task, in phase "limit" before it is
 * sent, else where it was; the server is held back. If the request ends before, the question is over. */
typedef void (*creche_turn_fn)(void *user, const creche_turn *turn);

/* A session's (creche_session_options.middleware). Cookies, credentials and proxies are looked up behind it:
 * what it sets goes before them. It hears of nothing that the library does by itself for one attempt (an
 * old connection, Expect, a proxy's 407), and of no warm-up. Nobody pays for it who has none. */
typedef struct creche_middleware {
    uint32_t size;  /* set by _init */
    uint32_t flags; /* 0 */
    uint32_t turns; /* CRECHE_TURN_BITs of what is asked; default: all */
    uint32_t most_again; /* that one request is made again for its sake; default 10 */
    creche_turn_fn ask;  /* called until the session's close is complete */
    void *user;
} creche_middleware;

/* Sets the defaults in the first `size` bytes (pass sizeof). Returns CRECHE_OK or CRECHE_E_INVALID.
 * Since 0.1. */
CRECHE_API creche_status creche_middleware_init(creche_middleware *middleware, size_t size);

/* Answers a turn. decision: NULL is GO. Returns CRECHE_OK; CRECHE_E_STATE (there is no such turn, any more:
 * the request is over, or it was answered), CRECHE_E_INVALID (a field; what does not fit the turn is as GO),
 * CRECHE_E_NO_MEMORY, the handle errors. Since 0.1. */
CRECHE_API creche_status creche_session_decide(creche_session session, uint64_t turn,
                                               const creche_decision *decision) CRECHE_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif

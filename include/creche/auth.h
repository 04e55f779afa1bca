/* creche/auth.h: who a request is from: users with passwords, and tokens that are given later or anew. */
#ifndef CRECHE_AUTH_H
#define CRECHE_AUTH_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* creche_auth.schemes */
enum {
    CRECHE_AUTH_BASIC = 1,  /* user and password; at once, but with DIGEST only when it is asked for */
    CRECHE_AUTH_DIGEST = 2, /* user and password, when they are asked for: SHA-512-256, SHA-256, MD5 (the
                               strongest that is offered), -sess, qop auth or auth-int, userhash; later
                               requests to that origin answer the same challenge at once */
    CRECHE_AUTH_BEARER = 4  /* a token, at once */
};

/* Gives another token where the last one was answered by 401: stores up to `capacity` bytes and returns
 * how many; 0 or less: there is none. Called on the loop, where it may not block, once for each hop of a
 * request; the token is used for all later requests of the session, too. */
typedef int64_t (*creche_token_fn)(void *user, char *token, size_t capacity);

/* That a token is needed. Made by the library only, so it may grow at its end: read a field only if `size`
 * covers it. It lives until the function returns. */
typedef struct creche_token_ask {
    uint32_t size;
    uint32_t refused; /* 1: a 401 has answered the last one; 0: there is none yet */
    creche_session session;
    uint64_t id; /* for creche_session_give_token */
} creche_token_ask;

/* Is told that a token is needed, which creche_session_give_token gives now or later, from any thread. Called
 * on the loop, where it may not block: when a 401 has answered the last token, and before the first request
 * if there is none. One at a time: until it is answered, requests that would show a token wait for it
 * together, in phase "auth", within the deadlines of their tasks. A request asks once on each hop: a 401
 * that answers the new token, too, is its answer. */
typedef void (*creche_token_ask_fn)(void *user, const creche_token_ask *ask);

/* What is shown to servers, at the origin of the request and nowhere else. In place of it goes an
 * Authorization of the request's own, or the user info of its URL. A 401 that it answers is read over and
 * the request sent again, once (twice if only the nonce had become old); all others, and those of a
 * request of whose body something was pulled, are yours. */
typedef struct creche_auth {
    uint32_t size; /* sizeof the struct */
    uint32_t schemes; /* CRECHE_AUTH_*: BASIC, DIGEST or both; or BEARER */
    const char *user; /* without ':' for BASIC */
    const char *password; /* NULL: empty */
    const char *token;    /* of BEARER; NULL: the callback's */
    creche_token_fn refresh; /* NULL: none; called until the session is closed */
    void *refresh_user;
    creche_token_ask_fn ask; /* in place of refresh, if a token takes its time: called with refresh_user until
                                the session is closed; NULL: none */
} creche_auth;

/* Answers creche_auth.ask: a token (copied), which all requests with that auth show from now on; or NULL:
 * there is none, and those who wait are sent with what there is; or, with a status other than CRECHE_OK
 * (CRECHE_E_USER, -1000 or below, or the one that it has met), those who wait fail with it, in phase "auth".
 * Of a request that is gone meanwhile nothing happens, but the token counts. Returns CRECHE_OK;
 * CRECHE_E_STATE (nobody was asked so, or it was answered already), CRECHE_E_INVALID (status is positive;
 * token is empty or holds what may not stand in a field), CRECHE_E_NO_MEMORY, the handle errors.
 * Since 0.1. */
CRECHE_API creche_status creche_session_give_token(creche_session session, uint64_t ask, creche_status status,
                                                   const char *token) CRECHE_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif

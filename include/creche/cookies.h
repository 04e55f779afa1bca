/* creche/cookies.h: jars of cookies, which sessions share. */
#ifndef CRECHE_COOKIES_H
#define CRECHE_COOKIES_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A jar. It belongs to no loop: sessions of any may share it (creche_session_options.cookies), and so
 * does it outlive them. Owned: release it once; sessions that have it keep it. What it does follows
 * RFC 6265 and its successor:
 *
 * - What answers say in Set-Cookie is kept, those of redirects, too, and sent on the next hop; what is
 *   to be sent is looked up for each hop anew, and is of the moment: nothing that has expired.
 * - A Domain attribute must be the host's or one above it, and no public suffix ("co.uk", "github.io";
 *   libpsl's list), else the cookie is ignored; without one a cookie is for its host alone, as are
 *   those of IP addresses.
 * - Secure cookies are taken from and sent to https URLs only, and cannot be hidden by cookies of
 *   http ones. __Secure- and __Host- cookies (in any case of letters) must be what these say.
 * - Cookies of one name on several paths are all sent, the longest path first, then the oldest.
 * - ws:// and wss:// URLs have the cookies of http:// and https:// ones.
 * - Max-Age goes before Expires, which may be in any form that servers ever wrote.
 * - A field with a control character, a pair of more than 4096 bytes, and one without name and value
 *   are ignored. Where there are too many, those that are not Secure and were used longest ago go. */
typedef struct creche_cookie_jar { uint64_t id; } creche_cookie_jar;

typedef struct creche_cookie_jar_options {
    uint32_t size; /* set by _init */
    uint32_t flags; /* 0 */
    uint32_t max_cookies;    /* default 3000 */
    uint32_t max_per_domain; /* default 180 */
} creche_cookie_jar_options;

/* creche_cookie.flags */
enum {
    CRECHE_COOKIE_SECURE = 1,
    CRECHE_COOKIE_HTTP_ONLY = 2,
    CRECHE_COOKIE_HOST_ONLY = 4 /* for the host `domain`, not for those below it */
};

/* A cookie. Sized. */
typedef struct creche_cookie {
    uint32_t size; /* sizeof the struct */
    uint32_t flags; /* CRECHE_COOKIE_* */
    const char *name;
    const char *value;
    const char *domain; /* a host or an IP address; a dot before it changes nothing */
    const char *path;   /* NULL: "/" */
    const char *same_site; /* as it was said; kept, and nothing else; NULL or "": not said */
    int64_t expires; /* seconds since 1970; CRECHE_NEVER: with the session of its user */
} creche_cookie;

/* Forms of text that cookies are kept in. */
enum {
    CRECHE_COOKIES_NETSCAPE = 1, /* seven fields a line: what curl and wget have; without SameSite */
    CRECHE_COOKIES_JSON = 2      /* an array of objects: name, value, domain, path, expires (seconds or
                                    null), secure, httpOnly, hostOnly, sameSite; others are skipped */
};

/* Sets the defaults in the first `size` bytes (pass sizeof). Returns CRECHE_OK or CRECHE_E_INVALID.
 * Since 0.1. */
CRECHE_API creche_status creche_cookie_jar_options_init(creche_cookie_jar_options *options, size_t size);

/* Makes an empty jar. options: may be NULL. Returns CRECHE_OK, CRECHE_E_INVALID, CRECHE_E_UNSUPPORTED,
 * CRECHE_E_NO_MEMORY. Since 0.1. */
CRECHE_API creche_status creche_cookie_jar_open(const creche_cookie_jar_options *options,
                                                creche_cookie_jar *jar);

/* Gives the handle up. Since 0.1. */
CRECHE_API void creche_cookie_jar_release(creche_cookie_jar jar);

/* Puts a cookie in as it is, in place of one of that name, domain and path; one that has expired
 * takes it out. Returns CRECHE_OK; CRECHE_E_INVALID (a part that is no part of a cookie, a prefix that
 * does not hold), CRECHE_E_NO_MEMORY, the handle errors. Since 0.1. */
CRECHE_API creche_status creche_cookie_jar_set(creche_cookie_jar jar, const creche_cookie *cookie);

/* Takes the value of a Set-Cookie field as an answer from `url` had it. Returns CRECHE_OK if it was
 * kept (or took another out); CRECHE_E_INVALID (it was ignored), CRECHE_E_URL, CRECHE_E_NO_MEMORY, the
 * handle errors. Since 0.1. */
CRECHE_API creche_status creche_cookie_jar_receive(creche_cookie_jar jar, const char *url,
                                                   const char *set_cookie);

/* What would be sent to `url` as Cookie now: stores up to capacity - 1 bytes and a NUL in buffer (may
 * be NULL with capacity 0), and the whole size in *size (may be NULL). Returns CRECHE_OK;
 * CRECHE_E_LIMIT (the buffer is too small: *size says how much is needed), CRECHE_E_INVALID,
 * CRECHE_E_URL, CRECHE_E_NO_MEMORY, the handle errors. Since 0.1. */
CRECHE_API creche_status creche_cookie_jar_get(creche_cookie_jar jar, const char *url, char *buffer,
                                               size_t capacity, size_t *size);

/* Told of a cookie, whose text lives until it returns; the jar may be used in it. 0 goes on. */
typedef int32_t (*creche_cookie_fn)(const creche_cookie *cookie, void *user);

/* Calls `each` for all cookies that have not expired, as they were when this was called, the oldest
 * first, in the calling thread, until it returns something else than 0. Returns CRECHE_OK,
 * CRECHE_E_INVALID, CRECHE_E_NO_MEMORY, the handle errors. Since 0.1. */
CRECHE_API creche_status creche_cookie_jar_each(creche_cookie_jar jar, creche_cookie_fn each, void *user);

/* Takes out the cookies of `domain` and all below it; NULL: all. Returns CRECHE_OK, the handle errors.
 * Since 0.1. */
CRECHE_API creche_status creche_cookie_jar_clear(creche_cookie_jar jar, const char *domain);

/* All cookies as text in a form (CRECHE_COOKIES_*), those that end with the session, too: stores them as
 * creche_cookie_jar_get does, with the same statuses. Since 0.1. */
CRECHE_API creche_status creche_cookie_jar_export(creche_cookie_jar jar, uint32_t form, char *buffer,
                                                  size_t capacity, size_t *size);

/* Puts in what is in a text; cookies of it that are none, or have expired, are left out. Returns
 * CRECHE_OK; CRECHE_E_INVALID (not of that form, then nothing has changed), CRECHE_E_NO_MEMORY, the
 * handle errors. Since 0.1. */
CRECHE_API creche_status creche_cookie_jar_import(creche_cookie_jar jar, uint32_t form, const char *text,
                                                  size_t size);

/* Writes all cookies to a file that only its owner can read (mode 0600), in place of the one that is
 * there, in one step. [not on a loop] Blocks. Returns CRECHE_OK, CRECHE_E_INVALID, CRECHE_E_SYSTEM,
 * CRECHE_E_WOULD_DEADLOCK, CRECHE_E_NO_MEMORY, the handle errors. Since 0.1. */
CRECHE_API creche_status creche_cookie_jar_save(creche_cookie_jar jar, uint32_t form, const char *path)
                                                CRECHE_MUST_CHECK;

/* Puts in what is in a file. [not on a loop] Blocks. Returns as creche_cookie_jar_import and _save do.
 * Since 0.1. */
CRECHE_API creche_status creche_cookie_jar_load(creche_cookie_jar jar, uint32_t form, const char *path)
                                               CRECHE_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif

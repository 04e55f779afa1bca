/* creche/metrics.h: all counters and histograms of loops, and of the sessions, pools and groups in them, as
 * text for Prometheus and whatever reads its format. */
#ifndef CRECHE_METRICS_H
#define CRECHE_METRICS_H

#include "http.h"
#include "loop.h"
#include "pg.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How creche_write_metrics writes. */
enum {
    CRECHE_METRICS_PROMETHEUS = 0 /* the text format 0.0.4: to be served as
                                     "text/plain; version=0.0.4; charset=utf-8" */
};

/* Writes what `count` loops, and all sessions and pools on them whose handles live, have now and did so
 * far, to `buffer` as NUL-terminated text, truncated to `capacity` bytes; *size (may be NULL) gets the
 * bytes that all of it needs with its NUL. buffer may be NULL for capacity 0.
 *
 * Names begin with creche_loop_, creche_group_, creche_http_ and creche_pg_; counters end in _total, times
 * are seconds (_seconds), sizes bytes (_bytes); each has a HELP and a TYPE line, once, whatever the number
 * of loops. What each counts is said by creche_loop_counters, creche_loop_lag, creche_session_counters and
 * _timings, creche_pool_counters and _timings. Of groups that are open now: how many there are, the
 * children in them, how many of these wait for a limit, and the age of the oldest.
 *
 * Labels: loop, session, pool, group: the names that you gave them (in the options of loops and groups; to
 * sessions and pools by the functions below; "" for none), and nothing else that anybody gave: no URL, no
 * host, no DSN. What has the same labels is added up: so give different names to what you want to see
 * apart, and to sessions and pools that go while others stay, lest the sum of a counter goes down with them.
 *
 * A histogram's bounds are powers of 2, from a microsecond to a minute. Numbers are read while the loops
 * run, and may be some events apart. Never waits for a loop: works while a callback blocks it. It looks at
 * each group in the tree.
 * Returns CRECHE_OK, CRECHE_E_LIMIT (truncated), CRECHE_E_UNSUPPORTED (format), CRECHE_E_INVALID (loops or
 * buffer is NULL), CRECHE_E_NO_MEMORY, the handle errors. Since 0.1. */
CRECHE_API creche_status creche_write_metrics(const creche_loop *loops, size_t count, uint32_t format,
                                              char *buffer, size_t capacity, size_t *size);

/* Names a session, or a pool, for its metrics, in place of a name that it had. name: copied; NULL: "". Returns
 * CRECHE_OK, CRECHE_E_NO_MEMORY, the handle errors. Since 0.1. */
CRECHE_API creche_status creche_session_set_name(creche_session session, const char *name);
CRECHE_API creche_status creche_pool_set_name(creche_pool pool, const char *name);

#ifdef __cplusplus
}
#endif
#endif

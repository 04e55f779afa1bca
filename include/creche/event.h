/* creche/event.h: events: something happens once, and all who wait for it go on. An event is never
 * cleared: open another one. */
#ifndef CRECHE_EVENT_H
#define CRECHE_EVENT_H

#include "task.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct creche_event_options {
    uint32_t size;    /* set by _init */
    uint32_t flags;   /* 0 */
    const char *name; /* for dumps; copied; may be NULL */
} creche_event_options;

/* Sets the defaults in the first `size` bytes (pass sizeof). Returns CRECHE_OK or CRECHE_E_INVALID.
 * Since 0.1. */
CRECHE_API creche_status creche_event_options_init(creche_event_options *options, size_t size);

/* Opens an event on a loop, not set. *event is yours to release; it ends with its loop.
 * Returns CRECHE_OK; CRECHE_E_INVALID, CRECHE_E_UNSUPPORTED, CRECHE_E_CLOSED (the loop is closing),
 * CRECHE_E_NO_MEMORY, the handle errors. Since 0.1. */
CRECHE_API creche_status creche_event_open(creche_loop loop, const creche_event_options *options,
                                           creche_event *event);

/* Completes once the event is set; never inside this call, also if it is set already: then its result
 * stands when this returns, and no later cancellation cuts it. Fails with
 * CRECHE_E_CLOSED if it is released before it is set. Returns as creche_sleep does. Since 0.1. */
CRECHE_API creche_status creche_event_wait(creche_event event, creche_scope in,
                                           const creche_task_options *options, creche_done_fn done,
                                           void *user, creche_task *task) CRECHE_MUST_CHECK;

/* Sets an event: the waits of all who wait stand as completed when this returns. Again is harmless.
 * Returns CRECHE_OK or the handle errors. Since 0.1. */
CRECHE_API creche_status creche_event_set(creche_event event);

/* 1 if the event is set, 0 if not, or the handle errors. Since 0.1. */
CRECHE_API int32_t creche_event_is_set(creche_event event);

/* Releases an event: those who still wait fail with CRECHE_E_CLOSED. Since 0.1. */
CRECHE_API void creche_event_release(creche_event event);

#ifdef __cplusplus
}
#endif
#endif

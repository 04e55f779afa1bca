/* creche/hooks.h: what a loop tells of itself as it happens: tasks that start and end, cancellations,
 * callbacks that block it, things that were forgotten. */
#ifndef CRECHE_HOOKS_H
#define CRECHE_HOOKS_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* creche_trace_event.event: which hook it is for, so that one function can serve all. */
enum {
    CRECHE_EVENT_SPAWNED = 0,   /* a task, group or scope was started or opened */
    CRECHE_EVENT_STARTED = 1,   /* a task begins to run: no limit holds it back any more */
    CRECHE_EVENT_ENDED = 2,     /* a task, group or scope has ended; its callback may still come */
    CRECHE_EVENT_CANCELLED = 3, /* a scope (of any kind) was cancelled itself; not for those below it */
    CRECHE_EVENT_STALLED = 4,   /* a callback blocks the loop, or a task overstays the grace of a group */
    CRECHE_EVENT_LEAKED = 5     /* the loop has ended, and this was never released, closed or left */
};

/* creche_trace_event.kind: what it is about. */
enum {
    CRECHE_KIND_LOOP = 1,
    CRECHE_KIND_SCOPE = 2,
    CRECHE_KIND_GROUP = 3,
    CRECHE_KIND_OPERATION = 4, /* of the library: a fetch, a query, ... */
    CRECHE_KIND_SLEEP = 5,
    CRECHE_KIND_TASK = 6,     /* creche_task_spawn */
    CRECHE_KIND_EXTERNAL = 7, /* creche_task_open */
    CRECHE_KIND_OFFLOAD = 8,
    CRECHE_KIND_START = 9, /* creche_task_start */
    CRECHE_KIND_WAIT = 10, /* for a limiter, a rate limiter, an event or a channel */
    CRECHE_KIND_QUEUE = 16,
    CRECHE_KIND_SESSION = 17,
    CRECHE_KIND_RESPONSE = 18,
    CRECHE_KIND_POOL = 19,
    CRECHE_KIND_CONNECTION = 20,
    CRECHE_KIND_ROWS = 21,
    CRECHE_KIND_OBJECT = 22, /* another owned handle */
    CRECHE_KIND_LIMITER = 23,
    CRECHE_KIND_RATE = 24,
    CRECHE_KIND_EVENT = 25,
    CRECHE_KIND_CHANNEL = 26, /* told once, with one of its ends */
    CRECHE_KIND_POST = 32    /* a posted function, or the last completion of a close */
};

/* What happened. Made by the library only, so it may grow at its end: read a field only if `size`
 * covers it. It and what it points to live until the hook returns. Never NULL: name, site, text. */
typedef struct creche_trace_event {
    uint32_t size;
    uint32_t flags; /* 0 */
    uint32_t event; /* CRECHE_EVENT_* */
    uint32_t kind;  /* CRECHE_KIND_* */
    uint32_t what;  /* stalled: the kind of the completion whose callback it is (CRECHE_BEGIN, ...);
                       CRECHE_STALLED: a task that overstays the grace time of its group */
    uint32_t reason; /* cancelled: CRECHE_REASON_* */
    creche_status status; /* ended: of its completion; of a scope its outcome */
    uint32_t reserved;
    creche_loop loop;
    uint64_t id;         /* its handle, which may have ended; 0: it has none */
    creche_scope parent; /* what it is in, or {0} */
    creche_scope by;     /* cancelled: who did it, as in creche_error */
    int64_t time;        /* when, on the loop's clock */
    int64_t duration;    /* nanoseconds. ended, leaked: its age; stalled: how long the callback has been
                            running at least, in real time; -1: unknown */
    const char *name;    /* "" if it has none */
    const char *site;    /* where it was started, "" if that was not given */
    const char *text;    /* cancelled: the text of an explicit one, else "" */
    creche_done_fn callback; /* stalled: the function that blocks, or NULL */
} creche_trace_event;

/* A hook. It may call any function of the library, but those tagged [not on a loop] return
 * CRECHE_E_WOULD_DEADLOCK in it. It must return normally and soon. */
typedef void (*creche_hook_fn)(void *user, const creche_trace_event *event);

/* Hooks of a loop, given when it is opened and copied; NULL: nobody is told of that, at no cost.
 * All but `stalled` are called one at a time and in the order in which things happened, each as soon
 * as it can be: on the thread whose call made it happen, before that call returns; on the loop's
 * thread for what happened there, between its callbacks (what is told of a task comes before the
 * callback of the same); or on another such thread that is just calling hooks. `stalled` is called on
 * a thread of the library while the loop is blocked, whatever other hooks do meanwhile; only those
 * that overstay a grace come like the others. `leaked` tells what only the end of the loop has closed
 * (groups, scopes, sessions, pools) when it does; of the rest (queues, responses, connections, rows,
 * groups to be joined) what is still held, on the thread that joins the loop.
 * None is called after creche_loop_join has succeeded. An event for which there is no memory is
 * dropped and counted (creche_loop_counters.events_lost). */
typedef struct creche_hooks {
    uint32_t size; /* set by _init */
    uint32_t flags; /* 0 */
    void *user;
    creche_hook_fn spawned;
    creche_hook_fn started;
    creche_hook_fn ended;
    creche_hook_fn cancelled;
    creche_hook_fn stalled;
    creche_hook_fn leaked;
} creche_hooks;

/* Sets all hooks to NULL in the first `size` bytes (pass sizeof). Returns CRECHE_OK or
 * CRECHE_E_INVALID. Since 0.1. */
CRECHE_API creche_status creche_hooks_init(creche_hooks *hooks, size_t size);

#ifdef __cplusplus
}
#endif
#endif

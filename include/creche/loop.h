/* creche/loop.h: the loop: one event loop and the one thread that runs it; owns everything else.
 * A loop is the root scope of its tree: loop.scope. It has no policy and keeps nothing; failures
 * nobody observed are counted. */
#ifndef CRECHE_LOOP_H
#define CRECHE_LOOP_H

#include "base.h"
#include "hooks.h"
#include "log.h"

#ifdef __cplusplus
extern "C" {
#endif

/* creche_loop_options.run */
enum {
    CRECHE_RUN_THREAD = 0, /* on a thread of its own, all signals blocked in it */
    CRECHE_RUN_CALLER = 1  /* by creche_loop_run and creche_loop_poll, on the thread that calls them,
                              and while that waits in creche_group_join or creche_queue_wait */
};

/* creche_loop_options.flags */
enum {
    /* Debug mode: the log is told what the program does wrong without being told so: groups that are left
     * open, completions that go nowhere, work that is refused because its place is ending; each names its
     * `site`. The variable CRECHE_DEBUG does the same for all loops that are opened with a log while it is
     * set (neither empty nor "0"); "stderr" also prints these, and the log's warnings and errors, to
     * stderr, log or not. (It is not read in programs that run setuid or setgid.) */
    CRECHE_LOOP_DEBUG = 1
};

/* creche_loop_options.clock */
enum {
    CRECHE_CLOCK_REAL = 0,   /* the system's monotonic clock */
    CRECHE_CLOCK_VIRTUAL = 1 /* for tests: begins at 0, stands still while anything can happen, and
                                jumps to the next deadline when nothing can; see creche_clock_hold */
};

typedef struct creche_loop_options {
    uint32_t size;         /* set by _init */
    uint32_t flags;        /* CRECHE_LOOP_* */
    uint32_t run;          /* CRECHE_RUN_* */
    uint32_t offload_limit; /* worker threads for creche_offload at the most; default 40 */
    uint32_t clock;        /* CRECHE_CLOCK_* */
    uint32_t reserved;     /* 0 */
    uint64_t shuffle_seed; /* for tests: not 0: callbacks that may run in any order do so in one drawn
                              from this seed, the same each time */
    const char *name;      /* for dumps and the thread's name; copied; may be NULL */
    creche_done_fn done;   /* the loop's own completion, on the loop's thread, its last callback;
                              NULL: nobody is told */
    void *user;
    const creche_context *context; /* of tasks started outside of any; the struct is copied, the data
                                      is the library's to drop; may be NULL */
    int64_t stall_after;   /* nanoseconds: a callback that takes longer is reported while it does, to
                              hooks->stalled and the counters, by a thread that looks four times in
                              that time (and again each time that it has doubled); 0: off */
    const creche_hooks *hooks; /* copied; may be NULL */
    int64_t busy_poll;     /* nanoseconds that the loop looks again and again for something to do before
                              it sleeps; 0 (the default): it sleeps at once. What comes in that time is
                              served without the price of a sleep and a wake-up, which is most of the
                              time of a round trip on one connection; while the loop has nothing to do
                              its thread uses all of its processor for so long, each time. 50,000 (50 us)
                              is a good value for a processor that can be spared. A virtual clock does
                              not know it; a signal that comes in it ends no wait. */
    const creche_log *log; /* copied; NULL: none */
} creche_loop_options;

/* Sets the defaults in the first `size` bytes of *options (pass sizeof). Returns CRECHE_OK, or
 * CRECHE_E_INVALID for NULL or a size that is too short. Since 0.1. */
CRECHE_API creche_status creche_loop_options_init(creche_loop_options *options, size_t size);

/* Opens a loop and, by default, starts its thread. options: NULL for the defaults; copied.
 * Returns CRECHE_OK; CRECHE_E_INVALID, CRECHE_E_UNSUPPORTED (options), CRECHE_E_NO_MEMORY,
 * CRECHE_E_SYSTEM (no descriptor or thread). Since 0.1. */
CRECHE_API creche_status creche_loop_open(const creche_loop_options *options, creche_loop *loop);

/* [not on a loop] Runs a CRECHE_RUN_CALLER loop on this thread until it is closed and everything in
 * it has ended. Blocks; a signal does not end it, but its handler may call creche_scope_interrupt.
 * Returns CRECHE_OK when the loop has ended; CRECHE_E_STATE if it has a thread of its own or is being
 * run; CRECHE_E_WOULD_DEADLOCK, CRECHE_E_BAD_HANDLE, CRECHE_E_ENDED, CRECHE_E_FORKED. Since 0.1. */
CRECHE_API creche_status creche_loop_run(creche_loop loop) CRECHE_MUST_CHECK;

/* [not on a loop] Runs one turn of a CRECHE_RUN_CALLER loop: waits up to `timeout` nanoseconds (0:
 * not at all, CRECHE_NEVER: as long as it takes) for something to do, does it, and returns. In a turn
 * what sockets bring is committed first, then deadlines expire, then sleeps end and permits are given
 * out, then callbacks run. What these make ready goes on in the same turn, for 16 rounds or 50 us at
 * most (on a virtual clock: 16 rounds), unless something is due or a yield stands before it.
 * Returns CRECHE_OK after work, CRECHE_E_TIMEOUT when there was none, CRECHE_E_INTERRUPTED when a
 * signal ended the wait instead (call again; where its handler has called creche_scope_interrupt on
 * a scope of this loop, that is work), CRECHE_E_ENDED once the loop has ended, CRECHE_E_INVALID
 * (negative); else as creche_loop_run. Since 0.1. */
CRECHE_API creche_status creche_loop_poll(creche_loop loop, int64_t timeout);

/* A CRECHE_RUN_CALLER loop inside another one (epoll, libuv, asyncio, tokio, GLib), on its thread: watch
 * the descriptor of creche_loop_fd for reading, level-triggered; when it is readable, or the time of
 * creche_loop_next_timeout is over, call creche_loop_poll(loop, 0) once or more; then ask
 * creche_loop_next_timeout anew, the last thing before the other loop waits again: 0 means that there is
 * more to do now (let others go first, and poll again).
 *
 * Stores in *fd a descriptor that becomes readable when the loop has something to do. It is the library's:
 * watch it, but do not read, write or close it; stop watching it before creche_loop_join takes the loop
 * away. Returns CRECHE_OK; CRECHE_E_STATE if the loop has a thread of its own; CRECHE_E_UNSUPPORTED if
 * there is none; CRECHE_E_INVALID, the handle errors (CRECHE_E_ENDED too once the loop has ended). Since
 * 0.1. */
CRECHE_API creche_status creche_loop_fd(creche_loop loop, int32_t *fd);

/* [not on a loop] Stores in *timeout after how many nanoseconds a CRECHE_RUN_CALLER loop must be polled
 * though its descriptor is not readable: 0: now; CRECHE_NEVER: not before it is. From this call to the
 * next poll, whatever anybody starts, posts or cancels makes the descriptor readable, also on this
 * thread; a time that was told before does not hold any more then. Round it up: polls that come too early
 * find nothing to do. Returns CRECHE_OK; CRECHE_E_INVALID; else as creche_loop_poll. Since 0.1. */
CRECHE_API creche_status creche_loop_next_timeout(creche_loop loop, int64_t *timeout);

/* Calls fn(user, completion with kind CRECHE_POST) on the loop, later, in the order of posting. An
 * accepted post is run before the loop ends, whatever else fails. Not a task: it cannot be cancelled.
 * Returns CRECHE_OK; CRECHE_E_INVALID (fn is NULL or a route), CRECHE_E_CLOSED once the loop is
 * shutting down to its last, CRECHE_E_NO_MEMORY, and the handle errors. Since 0.1. */
CRECHE_API creche_status creche_loop_post(creche_loop loop, creche_done_fn fn, void *user)
                                          CRECHE_MUST_CHECK;

/* Ends the loop: cancels everything in it (reason: shutdown), closes the groups and leaves the scopes
 * that are open outside of tasks (tasks close their own), refuses new root work and new groups and
 * scopes outside of tasks (CRECHE_E_CLOSED), and when all of it has ended closes what it owns, delivers
 * the loop's own completion and stops the thread.
 * Idempotent; asynchronous: creche_loop_join waits. Returns CRECHE_OK and the handle errors.
 * Since 0.1. */
CRECHE_API creche_status creche_loop_close(creche_loop loop);

/* The gentle end: refuses new root work, lets what runs go on for `grace` nanoseconds, then does
 * what creche_loop_close does. CRECHE_NEVER: no cancelling at all. Returns CRECHE_OK,
 * CRECHE_E_INVALID (negative), and the handle errors. Since 0.1. */
CRECHE_API creche_status creche_loop_shutdown(creche_loop loop, int64_t grace);

/* [not on a loop] Waits until the loop has ended and takes its thread, sessions, pools and queues
 * with it; responses, rows and drained completions that you hold stay valid until you release them.
 * It does not close: call creche_loop_close before. Runs a CRECHE_RUN_CALLER loop meanwhile.
 * timeout: nanoseconds from the call; 0 only looks. Returns CRECHE_OK; CRECHE_E_TIMEOUT (the message
 * names what is still alive; join again later); CRECHE_E_INTERRUPTED on a signal (join again);
 * CRECHE_E_WOULD_DEADLOCK on a loop; CRECHE_E_STATE while another thread joins or runs it;
 * CRECHE_E_INVALID (a negative timeout); CRECHE_E_SYSTEM (no descriptor to wait on, or a sandbox that
 * allows neither ppoll nor poll); the handle errors (CRECHE_E_ENDED if it was joined). Since 0.1. */
CRECHE_API creche_status creche_loop_join(creche_loop loop, int64_t timeout) CRECHE_MUST_CHECK;

/* After fork(), in the child: forgets a loop of the parent: closes its descriptors, sends nothing,
 * calls nothing. Its memory is not given back. All other calls on it go on returning
 * CRECHE_E_FORKED. In the process that made the loop it returns CRECHE_E_STATE. The child may open
 * loops of its own and wait for them, also if it was made in a callback or a hook: it is inside none
 * of them, and must not return from it but end (_exit, exec). fork() waits for calls of the library's
 * threads that take locks of other libraries (look-ups of names, reading certificates), for each
 * until it has taken a second. Since 0.1. */
CRECHE_API creche_status creche_loop_abandon(creche_loop loop);

/* Reads the clock of the loop that a scope belongs to, in nanoseconds. Inside callbacks it is the
 * real time too, not that of the turn. Returns CRECHE_OK, CRECHE_E_INVALID and the handle errors.
 * Since 0.1. */
CRECHE_API creche_status creche_now(creche_scope scope, int64_t *now);

/* ---- The virtual clock --------------------------------------------------------------------------
 * A loop with CRECHE_CLOCK_VIRTUAL makes tests of timeouts instant and always the same: sleeping an
 * hour takes no time. Its clock stands still while a callback runs or waits to run, an offloaded
 * function runs, a completion waits in a queue (not on CRECHE_RUN_CALLER loops: they are drained
 * between polls), or somebody holds the clock; else it jumps to the next deadline or sleep. While
 * HTTP or PostgreSQL operations are in flight it jumps only after the world has been silent for 50
 * real milliseconds; then their timeouts may be the next. Timeouts of calls that block
 * (creche_loop_join, creche_loop_poll, creche_queue_wait, creche_group_join) are in real time. */

/* Holds the clock: it does not jump until creche_clock_release. For threads other than the loop's,
 * from before they look at the clock or start something until they wait for the loop; bindings hold
 * one for each coroutine that can run. An offloaded function has one hold of its own, which it must
 * release before it waits for the loop (and take again after). Counts. Returns CRECHE_OK;
 * CRECHE_E_STATE (the clock is the real one), the handle errors. Since 0.1. */
CRECHE_API creche_status creche_clock_hold(creche_loop loop);

/* Gives back one hold. Returns CRECHE_OK; CRECHE_E_STATE (nobody holds it, or the clock is the real
 * one), the handle errors. Since 0.1. */
CRECHE_API creche_status creche_clock_release(creche_loop loop);

/* Moves the clock forward by `duration` nanoseconds at once, held or not: what has expired by then
 * expires in one turn. Its last point is the nanosecond before CRECHE_NEVER. Returns CRECHE_OK;
 * CRECHE_E_INVALID (negative), CRECHE_E_STATE (the clock is the real one), the handle errors.
 * Since 0.1. */
CRECHE_API creche_status creche_clock_advance(creche_loop loop, int64_t duration);

/* How creche_loop_dump writes the tree. Ids are 16 hexadecimal digits, times count from now. */
enum {
    CRECHE_DUMP_TEXT = 0, /* for people: one node a line, indented; what is no printable UTF-8 in a
                             name as \xNN */
    CRECHE_DUMP_JSON = 1, /* for programs: {"format": 1, "loop": id, "now": ns, "nodes": [...]}, parents
                             before their children, one node a line: {"id", "parent" (null for the
                             loop), "kind" (loop, scope, group, operation, sleep, task, external,
                             offload, start, wait), "name", "site" ("" if not given), "state" (open,
                             closed, waiting, starting, running, asleep, finished, leaving),
                             "waits_for" (text or null), "age" (ns; null for scopes), "left" (ns to
                             its own deadline, or null), "shield", "cancelled" (null or {"reason",
                             "by", "text"}), "live" (tasks, scopes and groups directly in it), "leases"
                             (what it holds)}; later versions may add keys. What is no UTF-8 becomes
                             U+FFFD */
    CRECHE_DUMP_DOT = 2   /* for Graphviz: dot -Tsvg */
};

/* Writes the live tree (kind, name, id, where it was started, age, state, what it waits for, time left,
 * shield, why it is cancelled, what it holds) to `buffer` as NUL-terminated text, truncated to
 * `capacity` bytes; *size (may be NULL) gets the bytes that all of it needs with its NUL. buffer may
 * be NULL for capacity 0. format: CRECHE_DUMP_*. Never waits for the loop: works while a callback
 * blocks it. Returns CRECHE_OK, CRECHE_E_LIMIT (truncated), CRECHE_E_UNSUPPORTED (format),
 * CRECHE_E_INVALID, CRECHE_E_NO_MEMORY and the handle errors. Since 0.1. */
CRECHE_API creche_status creche_loop_dump(creche_loop loop, uint32_t format, char *buffer,
                                          size_t capacity, size_t *size);

/* What has happened in a loop so far, and what lives in it now. Sized: set by _counters from size. */
typedef struct creche_loop_counters {
    uint32_t size;
    uint32_t flags;
    uint64_t turns;      /* of the loop */
    uint64_t started;    /* tasks and groups */
    uint64_t ended;      /* tasks and groups */
    uint64_t completions; /* delivered, all kinds */
    uint64_t cancelled;  /* tasks that ended with CRECHE_E_CANCELLED */
    uint64_t unobserved; /* failures of root tasks that nobody was told of */
    uint64_t posts;
    uint64_t live_tasks;
    uint64_t live_groups;
    uint64_t live_scopes;
    uint64_t live_leases; /* connections and unfinished responses that are held */
    uint64_t longest_callback; /* nanoseconds; as in creche_loop_get_lag */
    uint64_t stalls;      /* reports of callbacks that took longer than stall_after */
    uint64_t leaked;      /* groups and scopes that were left open: only the loop's end closed them */
    uint64_t live_handles; /* of it, not released: queues, sessions, pools, responses, connections,
                              rows, limiters, rate limiters, events, ends of channels; counting
                              them looks at each */
    uint64_t events_lost; /* for which there was no memory */
} creche_loop_counters;

/* Fills the first `size` bytes of *counters. Returns CRECHE_OK, CRECHE_E_INVALID and the handle
 * errors. Since 0.1. */
CRECHE_API creche_status creche_loop_get_counters(creche_loop loop, creche_loop_counters *counters,
                                                  size_t size);

/* How often something took how long. buckets[i] counts times from 2^i up to 2^(i+1) nanoseconds, the
 * first one 0 too, the last one all that are longer. Never grows. */
typedef struct creche_histogram {
    uint64_t count;
    uint64_t sum; /* nanoseconds */
    uint64_t max; /* nanoseconds */
    uint64_t buckets[40];
} creche_histogram;

/* What keeps others waiting in a loop, in real time, since it was opened. Sized. */
typedef struct creche_loop_lag {
    uint32_t size;
    uint32_t flags;
    creche_histogram turns;     /* the work of each turn, from its first event to its last callback */
    creche_histogram callbacks; /* the longest callback of each turn that has any. The clock is read
                                   once for up to 16 of them, so up to 15 short ones may be in it */
} creche_loop_lag;

/* Fills the first `size` bytes of *lag; the loop may be stuck. Returns CRECHE_OK, CRECHE_E_INVALID and
 * the handle errors. Since 0.1. */
CRECHE_API creche_status creche_loop_get_lag(creche_loop loop, creche_loop_lag *lag, size_t size);

#ifdef __cplusplus
}
#endif
#endif

/* creche/threads.h: how the library's threads look to the process that they are in: how many there are, what
 * they are called, how big their stacks are. */
#ifndef CRECHE_THREADS_H
#define CRECHE_THREADS_H

#include "base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The threads of a loop are: its own (none with CRECHE_RUN_CALLER), called as the loop's options say; a
 * watchdog, if they have stall_after; workers for creche_offload, as many as they allow (offload_limit); and
 * workers for what would block the loop otherwise, of five kinds (names, cancel requests, keys, files,
 * passwords), each with threads of its own. Workers are started when there is work for them, and go when
 * there was none for 10 s. All signals are blocked in all of them. */
typedef struct creche_threads_options {
    uint32_t size; /* set by _init */
    uint32_t flags; /* 0 */
    uint64_t stack_size; /* bytes of each thread's stack; 0 (the default): the system's default. Your
                            callbacks and offloaded functions run there: 256 KiB is enough for the library */
    const char *prefix;  /* "creche" by default, as in "creche", "creche-worker", "creche-watchdog"; the
                            system cuts names at 15 bytes; copied */
    uint32_t workers;    /* of each kind but for offloading, for each loop, at the most, whatever hangs;
                            0 (the default): as many as are good for it: 64 for names, 512 where names
                            hang, fewer for the others */
    uint32_t reserved;   /* 0 */
} creche_threads_options;

/* Sets the defaults in the first `size` bytes (pass sizeof). Returns CRECHE_OK or CRECHE_E_INVALID.
 * Since 0.1. */
CRECHE_API creche_status creche_threads_options_init(creche_threads_options *options, size_t size);

/* Says how threads are made from now on, in this process: stack_size and prefix count for each thread that is
 * started after the call, workers for each loop that is opened after it. options: NULL for the defaults.
 * Returns CRECHE_OK; CRECHE_E_INVALID (a stack_size that the system does not take: less than it needs, 16
 * KiB and more; a prefix that is empty, or longer than 15 bytes), CRECHE_E_UNSUPPORTED. Since 0.1. */
CRECHE_API creche_status creche_set_threads(const creche_threads_options *options);

#ifdef __cplusplus
}
#endif
#endif

/* What the classic examples in C have in common. */
#ifndef CLASSIC_H
#define CLASSIC_H

#include <creche/creche.h>
#include <stdio.h>
#include <stdlib.h>

/* Ends the program when a call fails, with what the library says of it. */
static inline void must(creche_status status) {
  if (status == CRECHE_OK) return;
  fprintf(stderr, "%s\n", creche_last_error()->message);
  exit(1);
}

/* Takes one completion from a queue, however long that takes. */
static inline creche_completion next(creche_queue queue) {
  creche_completion c;
  size_t n = 0;
  while (n == 0) {
    creche_status status = creche_queue_wait(queue, &c, 1, CRECHE_NEVER, &n);
    if (status != CRECHE_E_INTERRUPTED) must(status);
  }
  return c;
}

/* A loop that this thread runs while it waits, whose clock jumps: an hour of sleep takes no time.
 */
static inline creche_loop open_virtual_loop(void) {
  creche_loop loop;
  creche_loop_options o;
  must(creche_loop_options_init(&o, sizeof o));
  o.run = CRECHE_RUN_CALLER;
  o.clock = CRECHE_CLOCK_VIRTUAL;
  must(creche_loop_open(&o, &loop));
  return loop;
}

static inline void close_loop(creche_loop loop) {
  must(creche_loop_close(loop));
  must(creche_loop_join(loop, 10 * CRECHE_SECOND));
}

#endif

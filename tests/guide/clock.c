/* A test of code with timeouts, on the virtual clock. */
#undef NDEBUG
#include <assert.h>

#include "guide.h"

/* show: code */
/* What is to be tested: three attempts, ten seconds apart, then it gives up. */
struct retry {
  creche_scope in;
  int attempts;
  int gave_up;
};

static void again(void* user, const creche_completion* c) {
  struct retry* retry = user;
  if (c->status != CRECHE_OK) return; /* cancelled: whoever did that knows */
  if (++retry->attempts == 3)
    retry->gave_up = 1;
  else
    must(creche_sleep(retry->in, 10 * CRECHE_SECOND, NULL, again, retry, NULL));
}
/* end: code */

int main(void) {
  /* show: test */
  creche_loop loop;
  creche_loop_options o;
  creche_loop_options_init(&o, sizeof o);
  o.clock = CRECHE_CLOCK_VIRTUAL; /* begins at 0, jumps when nothing can happen */
  o.run = CRECHE_RUN_CALLER;      /* this thread runs it, so nothing runs beside the test */
  must(creche_loop_open(&o, &loop));

  struct retry retry = {loop.scope, 0, 0};
  must(creche_sleep(loop.scope, 0, NULL, again, &retry, NULL));
  while (!retry.gave_up) must(creche_loop_poll(loop, CRECHE_NEVER));

  int64_t now;
  must(creche_now(loop.scope, &now));
  assert(retry.attempts == 3);
  assert(now == 20 * CRECHE_SECOND); /* to the nanosecond, in no time at all */
  /* end: test */
  printf("gave up after %.0f s\n", seconds(loop));
  close_loop(loop);
  return 0;
}

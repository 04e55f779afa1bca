/* Deadlines, cancellation, shields, races: on a clock that jumps, so that all of it takes no time.
 */
#include <string.h>

#include "guide.h"

static creche_loop loop;
static creche_queue queue;

static creche_group open_group(uint32_t policy) {
  creche_group group;
  creche_group_options o;
  creche_group_options_init(&o, sizeof o);
  o.queue = queue;
  o.policy = policy;
  must(creche_group_open(loop.scope, &o, NULL, NULL, &group));
  return group;
}

static void section(void) {
  creche_group group = open_group(CRECHE_COLLECT);
  /* show: section */
  creche_scope section;
  creche_scope_options o;
  creche_scope_options_init(&o, sizeof o);
  o.timeout = 2 * CRECHE_SECOND; /* for all that happens in it */
  must(creche_scope_open(group.scope, &o, &section));

  must(creche_sleep(section, 60 * CRECHE_SECOND, NULL, NULL, NULL, NULL)); /* some slow work */
  creche_completion c = next(queue); /* CRECHE_E_CANCELLED: it was stopped */
  creche_completions_release(&c, 1);

  creche_outcome outcome;
  must(creche_scope_leave(section, &outcome)); /* CRECHE_E_TIMEOUT: by this deadline */
  /* end: section */
  printf("section: %s at %.0f s\n", creche_status_name(outcome.status), seconds(loop));
  creche_group_close(group);
  next(queue);
}

static void move_on(void) {
  creche_group group = open_group(CRECHE_COLLECT);
  /* show: move_on */
  creche_scope section;
  creche_scope_options o;
  creche_scope_options_init(&o, sizeof o);
  o.timeout = 2 * CRECHE_SECOND;
  o.on_timeout = CRECHE_MOVE_ON; /* running out of time is no failure */
  must(creche_scope_open(group.scope, &o, &section));
  must(creche_sleep(section, 60 * CRECHE_SECOND, NULL, NULL, NULL, NULL));
  creche_completion c = next(queue);
  creche_completions_release(&c, 1);

  creche_outcome outcome;
  must(creche_scope_leave(section, &outcome));
  if (outcome.flags & CRECHE_CAUGHT) printf("too slow: going on without it\n");
  /* end: move_on */
  creche_group_close(group);
  next(queue);
}

static void cancel(void) {
  creche_group group = open_group(CRECHE_FAIL_FAST);
  must(creche_sleep(group.scope, 60 * CRECHE_SECOND, NULL, NULL, NULL, NULL));
  creche_group_close(group);
  /* show: cancel */
  must(creche_scope_cancel(group.scope, "the window was closed"));

  creche_completion c = next(queue);
  printf("%s: %s\n", creche_status_name(c.status), c.error->message);
  if (c.error->reason == CRECHE_REASON_EXPLICIT) printf("because %s\n", c.error->reason_text);
  /* end: cancel */
  creche_completions_release(&c, 1);
  next(queue);
}

static void shield(void) {
  creche_group group = open_group(CRECHE_COLLECT);
  /* show: shield */
  creche_scope cleanup;
  creche_scope_options o;
  creche_scope_options_init(&o, sizeof o);
  o.shield = 1;                  /* a cancellation from outside does not come in, */
  o.timeout = 5 * CRECHE_SECOND; /* but nobody cleans up for ever */
  o.on_timeout = CRECHE_MOVE_ON;
  must(creche_scope_open(group.scope, &o, &cleanup));
  must(creche_scope_cancel(group.scope, NULL));
  must(creche_sleep(cleanup, CRECHE_SECOND, NULL, NULL, NULL, NULL)); /* runs to its end */
  /* end: shield */
  creche_completion c = next(queue);
  printf("shielded: %s\n", creche_status_name(c.status));
  creche_completions_release(&c, 1);
  creche_scope_leave(cleanup, NULL);
  creche_group_close(group);
  next(queue);
}

static void race(void) {
  /* show: race */
  creche_group first;
  creche_group_options o;
  creche_group_options_init(&o, sizeof o);
  o.policy = CRECHE_RACE; /* the first success cancels the rest */
  o.queue = queue;
  must(creche_group_open(loop.scope, &o, NULL, NULL, &first));
  for (int64_t i = 1; i <= 3; i++) /* three mirrors of the same thing, say */
    must(creche_sleep(first.scope, i * CRECHE_SECOND, NULL, creche_to_group, NULL, NULL));
  must(creche_group_close(first));

  creche_completion c = next(queue); /* the group's own: with the children in its data */
  const creche_completion* child = c.data;
  for (uint64_t i = 0; i < c.value; i++)
    printf("mirror %d: %s\n", (int)i + 1, creche_status_name(child[i].status));
  creche_completions_release(&c, 1);
  /* end: race */
}

/* show: phases */
/* Where time goes in a request: each phase can have a limit, and a failure says which it was. */
static void patience(creche_session_options* o) {
  creche_session_options_init(o, sizeof *o);
  o->timeouts.connect = 3 * CRECHE_SECOND;
  o->timeouts.first_byte = 10 * CRECHE_SECOND;
  o->timeouts.read_gap = 5 * CRECHE_SECOND; /* between two pieces of a body */
}
/* end: phases */

int main(void) {
  loop = open_virtual_loop();
  must(creche_queue_open(loop, NULL, &queue));
  section();
  move_on();
  cancel();
  shield();
  race();
  creche_session_options o;
  patience(&o);
  creche_session web;
  must(creche_session_open(loop, &o, &web));
  close_loop(loop);
  return 0;
}

/* A start whose child does what its test says, step by step: for start_test.c and
 * start_cancel_test.c. */
#ifndef STARTS_H
#define STARTS_H

#include "support/core.h"

static inline creche_start_options start_options(void) {
  creche_start_options o;
  OK(creche_start_options_init(&o, sizeof o));
  return o;
}

typedef struct child {
  seen s;
  creche_task task;
} child;
static inline void body(void* user, const creche_completion* c) {
  child* k = user;
  note(&k->s, c);
  k->task = c->task;
}

typedef struct fixture {
  creche_group target;
  seen target_end, start, done;
  child child;
  creche_task start_task;
} fixture;

static inline void start_in(fixture* f, creche_scope in) {
  creche_start_options o = start_options();
  o.child_done = see;
  o.child_user = &f->done;
  OK(creche_task_start(f->target, in, body, &f->child, &o, see, &f->start, &f->start_task));
  settle();
  assert_int_equal(f->child.s.begins, 1);
}
static inline void open_target(fixture* f) {
  memset(f, 0, sizeof *f);
  f->target = group_in(loop.scope, NULL, &f->target_end);
}

#endif

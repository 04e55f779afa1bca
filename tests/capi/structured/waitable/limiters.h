/* What tests of limiters share. */
#ifndef LIMITERS_H
#define LIMITERS_H

#include "support/core.h"

static inline creche_limiter limiter_of(uint32_t total) {
  creche_limiter limiter;
  creche_limiter_options o;
  OK(creche_limiter_options_init(&o, sizeof o));
  o.total = total;
  o.name = "licences";
  OK(creche_limiter_open(loop, &o, &limiter));
  return limiter;
}
static inline creche_task acquire(creche_limiter limiter, creche_scope in, seen* s) {
  creche_task task;
  OK(creche_limiter_acquire(limiter, in, 0, NULL, see, s, &task));
  return task;
}
static inline creche_limiter_state look(creche_limiter limiter) {
  creche_limiter_state s;
  OK(creche_limiter_get_state(limiter, &s, sizeof s));
  return s;
}
static inline creche_token token_of(const seen* s) {
  creche_token token;
  token.id = s->value;
  assert_int_equal(s->status, CRECHE_OK);
  assert_true(s->flags & CRECHE_OWNED);
  return token;
}
static inline void borrowed(creche_limiter limiter, uint32_t count, uint32_t waiting) {
  assert_int_equal(look(limiter).borrowed, count);
  assert_int_equal(look(limiter).waiting, waiting);
}

#endif

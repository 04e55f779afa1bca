/* The steps of a transaction on a connection: creche_connection_begin, _commit, _rollback. */
#ifndef CAPI_PG_STEPS_H
#define CAPI_PG_STEPS_H

#include "pg_test.h"

typedef creche_status (*step_fn)(creche_connection, creche_scope, const creche_transaction_options*,
                                 creche_done_fn, void*, creche_task*);

/* Starts one in a scope; `a` is told of its end. */
static inline void start_step(step_fn call, creche_connection c, creche_scope in, answer* a,
                              creche_task* task) {
  answer_init(a);
  OK(call(c, in, NULL, on_answer, a, task));
}

/* Its end must be this one. */
static inline void end(answer* a, creche_status expected) {
  EXPECT(a, expected);
  answer_free(a);
}
static inline void end_in_state(answer* a, const char* state) {
  EXPECT(a, CRECHE_E_PG);
  assert_string_equal(answer_state(a), state);
  answer_free(a);
}

/* Starts one, and waits. The answer is the caller's to free. */
static inline creche_status control(step_fn call, creche_connection c, answer* a) {
  start_step(call, c, loop.scope, a, NULL);
  return answer_wait(a);
}
static inline void step(step_fn call, creche_connection c, creche_status expected) {
  answer a;
  start_step(call, c, loop.scope, &a, NULL);
  end(&a, expected);
}

#endif

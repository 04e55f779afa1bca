/* Everything that can be started on a pool or on a connection, where it matters that it is the same
 * for each: a sleep of 20 s on the server, and something that is soon done. */
#ifndef CAPI_PG_OPERATIONS_H
#define CAPI_PG_OPERATIONS_H

#include "pg_test.h"

typedef enum operation {
  QUERY,
  STREAM,
  COPY_OUT,
  COPY_IN, /* its source never answers; a short one has nothing to say */
  SCRIPT,  /* of a connection only */
  MANY,    /* of a pool only, as all that follow */
  TRANSACTION,
  OPERATIONS
} operation;
enum { OF_A_CONNECTION = SCRIPT + 1, OF_A_POOL = OPERATIONS };

static const char* const operation_names[] = {"query",  "stream",       "copy_out",   "copy_in",
                                              "script", "execute_many", "transaction"};

static inline void answer_with_nothing(void* user, const creche_completion* c) {
  if (c->kind == CRECHE_PULL)
    SAY(creche_task_answer(c->task, CRECHE_OK, "", 0, 0, NULL));
  else
    on_answer(user, c);
}
static inline void answer_never(void* user, const creche_completion* c) {
  if (c->kind != CRECHE_PULL) on_answer(user, c);
}

/* The body of a transaction: one statement, and its end. */
typedef struct operation_body {
  creche_task task;
  int slow;
} operation_body;
static inline void operation_body_ends(void* user, const creche_completion* c) {
  operation_body* b = user;
  if (c->flags & CRECHE_OWNED) creche_value_release(c->value);
  creche_task_finish(b->task, c->status, 0, c->error);
}
static inline void operation_body_begins(void* user, const creche_completion* c) {
  operation_body* b = user;
  if (c->kind != CRECHE_BEGIN) return;
  b->task = c->task;
  SAY(creche_connection_query((creche_connection){c->value}, c->task.scope,
                              b->slow ? "select pg_sleep(20)" : "select 1", NULL, 0, NULL,
                              operation_body_ends, b, NULL));
}

/* Starts one; `a` is told of its end. COPY_IN needs a table "things". */
static inline creche_status start_operation(operation what, creche_pool pool,
                                            const creche_connection* c, int slow,
                                            const creche_task_options* task, answer* a,
                                            creche_task* started) {
  static operation_body slow_body[64], quick_body[64];
  static int bodies;
  creche_query_options q;
  creche_copy_options y;
  creche_transaction_options t;
  creche_value seconds = creche_float8(slow ? 20 : 0);
  const char* select = slow ? "select pg_sleep(20)" : "select 1";
  creche_query_options_init(&q, sizeof q);
  creche_copy_options_init(&y, sizeof y);
  creche_transaction_options_init(&t, sizeof t);
  q.task = y.task = t.task = task;
  answer_init(a);
  switch (what) {
    case QUERY:
      return c ? creche_connection_query(*c, loop.scope, select, NULL, 0, &q, on_answer, a, started)
               : creche_pool_query(pool, loop.scope, select, NULL, 0, &q, on_answer, a, started);
    case STREAM:
      return c ? creche_connection_stream(*c, loop.scope, select, NULL, 0, &q, on_answer, a,
                                          started)
               : creche_pool_stream(pool, loop.scope, select, NULL, 0, &q, on_answer, a, started);
    case COPY_OUT: {
      const char* sql = slow ? "copy (select pg_sleep(20)) to stdout" : "copy things to stdout";
      return c ? creche_connection_copy_out(*c, loop.scope, sql, &y, on_answer, a, started)
               : creche_pool_copy_out(pool, loop.scope, sql, &y, on_answer, a, started);
    }
    case COPY_IN: {
      const char* sql = "copy things from stdin";
      const creche_done_fn source = slow ? answer_never : answer_with_nothing;
      return c ? creche_connection_copy_in(*c, loop.scope, sql, &y, source, a, started)
               : creche_pool_copy_in(pool, loop.scope, sql, &y, source, a, started);
    }
    case SCRIPT:
      if (!c) return start_operation(QUERY, pool, c, slow, task, a, started);
      return creche_connection_script(*c, loop.scope,
                                      slow ? "select 1; select pg_sleep(20)" : "select 1; select 2",
                                      &q, on_answer, a, started);
    case MANY:
      return creche_pool_execute_many(pool, loop.scope, "select pg_sleep($1)", &seconds, 1, 1, &q,
                                      on_answer, a, started);
    default: {
      operation_body* body = &(slow ? slow_body : quick_body)[bodies++ % 64];
      body->slow = slow;
      return creche_pool_transaction(pool, loop.scope, operation_body_begins, body, &t, on_answer,
                                     a, started);
    }
  }
}

/* Not all values are handles. */
static inline void operation_free(answer* a) {
  if (a->rows == NULL) a->value = 0;
  answer_free(a);
}

/* A short one must be done. */
static inline void must_operate(operation what, creche_pool pool, const creche_connection* c) {
  answer a;
  OK(start_operation(what, pool, c, 0, NULL, &a, NULL));
  if (answer_wait(&a) != CRECHE_OK)
    fail_msg("%s: %s", operation_names[what], creche_error_message(a.error));
  operation_free(&a);
}

#endif

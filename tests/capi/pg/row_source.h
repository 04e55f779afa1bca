/* Rows for creche_pool_copy_rows, given as they are asked for. */
#ifndef CAPI_PG_ROW_SOURCE_H
#define CAPI_PG_ROW_SOURCE_H

#include "pieces.h"

static creche_pool pool;

static int open_two(void** state) {
  if (start_server(state) != 0) return -1;
  pool = open_pool(2);
  return 0;
}
static int close_two(void** state) {
  close_pool(pool);
  return stop_server(state);
}

/* `rows` rows like the one of `values`. */
typedef struct source {
  answer end;
  const creche_value* values;
  size_t columns;
  int rows, each, at;
  int fails_at; /* the answer with this row fails; -1: none */
  int odd_at;   /* this row is one value short; -1: none */
  int silent;
  int pulled;
  int empty_first; /* the first answer has nothing */
  pieces left;
  creche_task task;
} source;

static void source_init(source* s, const creche_value* values, size_t columns, int rows) {
  memset(s, 0, sizeof *s);
  answer_init(&s->end);
  s->values = values;
  s->columns = columns;
  s->rows = rows;
  s->each = 100;
  s->fails_at = s->odd_at = -1;
}

static void on_source(void* user, const creche_completion* c) {
  source* s = user;
  if (c->kind != CRECHE_PULL) {
    on_answer(&s->end, c);
    return;
  }
  pthread_mutex_lock(&s->end.lock);
  s->pulled++;
  s->task = c->task;
  pthread_cond_broadcast(&s->end.changed);
  pthread_mutex_unlock(&s->end.lock);
  if (s->silent) return;
  if (s->empty_first) {
    s->empty_first = 0;
    OK(creche_task_answer(c->task, CRECHE_OK, NULL, 0, CRECHE_MORE, NULL));
    return;
  }
  for (int i = 0; i < s->each && s->at < s->rows; i++, s->at++) {
    OK(creche_values_to_rows(s->values, s->columns - (s->at == s->odd_at), 1, keep, &s->left));
    if (s->at == s->fails_at) {
      OK(creche_task_answer(c->task, CRECHE_E_USER, NULL, 0, 0, NULL));
      return;
    }
  }
  /* The server may have refused a row since. */
  const creche_status given = give(&s->left, c->task, s->at == s->rows);
  assert_true(given == CRECHE_OK || given == CRECHE_E_STATE || given == CRECHE_E_ENDED);
}

static void start(source* s, creche_connection c, const char* sql) {
  if (c.id)
    OK(creche_connection_copy_rows(c, loop.scope, sql, NULL, on_source, s, NULL));
  else
    OK(creche_pool_copy_rows(pool, loop.scope, sql, NULL, on_source, s, NULL));
}

static void end_it(source* s) {
  s->end.value = 0; /* no handle */
  answer_free(&s->end);
  free(s->left.bytes);
}

static const creche_connection none = {0};

static void copies(creche_connection c, const char* sql, const creche_value* values, size_t columns,
                   int rows) {
  source s;
  source_init(&s, values, columns, rows);
  start(&s, c, sql);
  EXPECT(&s.end, CRECHE_OK);
  assert_int_equal(s.end.code, rows);
  assert_int_equal(s.end.value, rows);
  end_it(&s);
}

static void refused(creche_connection c, const char* sql, const creche_value* values,
                    size_t columns, creche_status status, const char* says, const char* too) {
  source s;
  source_init(&s, values, columns, 3);
  start(&s, c, sql);
  EXPECT(&s.end, status);
  if (!strstr(creche_error_message(s.end.error), says) ||
      !strstr(creche_error_message(s.end.error), too))
    fail_msg("%s: not %s, %s", creche_error_message(s.end.error), says, too);
  end_it(&s);
}

#endif

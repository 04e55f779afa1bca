#include "inside.h"

#include <stdlib.h>
#include <string.h>

static creche_status give_password(void *user, const creche_password_request *request, char *password,
                                   size_t capacity)
{
  return cxGivePassword((uint64_t)(uintptr_t)user, (creche_password_request *)request, password, capacity);
}

static void hear_notice(void *user, const creche_error *notice)
{
  cxHearNotice((uint64_t)(uintptr_t)user, (creche_error *)notice);
}

static void run_init(void *user, const creche_completion *c)
{
  cxPoolBody((uint64_t)(uintptr_t)user, 0, (creche_completion *)c);
}

static void run_setup(void *user, const creche_completion *c)
{
  cxPoolBody((uint64_t)(uintptr_t)user, 1, (creche_completion *)c);
}

static void run_reset(void *user, const creche_completion *c)
{
  cxPoolBody((uint64_t)(uintptr_t)user, 2, (creche_completion *)c);
}

cx_answer cx_pool_open(uint64_t id, creche_pool_options o, const char *dsn, const char *application_name,
                       const char *init, const char *setup, uint64_t functions, uint32_t which)
{
  creche_loop loop = {{id}};
  creche_pool pool = {0};
  if (application_name != NULL) o.application_name = application_name;
  o.init = init;
  o.setup = setup;
  creche_pool_calls calls;
  if (functions != 0) {
    creche_pool_calls_init(&calls, sizeof calls);
    calls.password = which & CX_POOL_PASSWORD ? give_password : NULL;
    calls.notice = which & CX_POOL_NOTICE ? hear_notice : NULL;
    calls.init = which & CX_POOL_INIT ? run_init : NULL;
    calls.setup = which & CX_POOL_SETUP ? run_setup : NULL;
    calls.reset = which & CX_POOL_RESET ? run_reset : NULL;
    calls.user = (void *)(uintptr_t)functions;
    o.calls = &calls;
  }
  return answer(creche_pool_open(loop, dsn, &o, &pool), &pool.id);
}

typedef struct text {
  char *bytes;
  size_t size, capacity;
} text;

static int32_t take_text(const char *bytes, size_t size, void *user)
{
  text *t = user;
  if (t->size + size > t->capacity) {
    const size_t capacity = (t->size + size) * 2;
    char *more = realloc(t->bytes, capacity);
    if (more == NULL) return 1;
    t->bytes = more;
    t->capacity = capacity;
  }
  memcpy(t->bytes + t->size, bytes, size);
  t->size += size;
  return 0;
}

cx_answer cx_rows_text(const creche_row_block *rows, int32_t csv, uint32_t flags, char delimiter, char **made)
{
  text t = {NULL, 0, 0};
  const creche_status status = csv ? creche_rows_to_csv(rows, flags, delimiter, take_text, &t)
                                   : creche_rows_to_json(rows, flags, take_text, &t);
  const uint64_t id = t.size;
  if (status == CRECHE_E_CANCELLED) {
    free(t.bytes);
    return no_memory();
  }
  *made = t.bytes;
  return answer(status, &id);
}

cx_answer cx_query_start(int32_t what, uint64_t id, cx_tail tail, creche_query_options o, const char *text,
                         const cx_value *args, size_t n, const char *names)
{
  creche_pool pool = {id};
  creche_connection connection = {id};
  const creche_task_options to = options_of(tail);
  creche_value few[FEW], *values = n > FEW ? malloc(n * sizeof *values) : few;
  creche_task task = {{0}};
  creche_scope in = scope_of(tail.in);
  void *user = user_of(tail);
  creche_status status = CRECHE_E_INVALID;
  size_t i;
  cx_answer a;
  if (values == NULL) return no_memory();
  for (i = 0; i < n; i++) {
    values[i].type = args[i].type;
    values[i].form = args[i].form;
    values[i].integer = args[i].integer;
    values[i].real = args[i].real;
    values[i].data = text + args[i].offset;
    values[i].size = (size_t)args[i].size;
  }
  o.task = &to;
  if (names != NULL) {
    const char **all = malloc((n + 1) * sizeof *all);
    if (all == NULL) {
      if (values != few) free(values);
      return no_memory();
    }
    for (i = 0; i < n; i++, names += strlen(names) + 1) all[i] = names;
    o.names = all;
  }
  switch (what) {
  case CX_POOL_QUERY:
    status = creche_pool_query(pool, in, text, values, n, &o, NULL, user, &task);
    break;
  case CX_POOL_STREAM:
    status = creche_pool_stream(pool, in, text, values, n, &o, NULL, user, &task);
    break;
  case CX_CONNECTION_QUERY:
    status = creche_connection_query(connection, in, text, values, n, &o, NULL, user, &task);
    break;
  case CX_CONNECTION_STREAM:
    status = creche_connection_stream(connection, in, text, values, n, &o, NULL, user, &task);
    break;
  case CX_SCRIPT:
    status = creche_connection_script(connection, in, text, &o, NULL, user, &task);
    break;
  }
  a = answer(status, &task.scope.id);
  free((void *)o.names);
  if (values != few) free(values);
  return a;
}

cx_answer cx_copy_start(int32_t what, uint64_t id, cx_tail tail, const char *sql)
{
  creche_pool pool = {id};
  creche_connection connection = {id};
  const creche_task_options to = options_of(tail);
  creche_copy_options o;
  creche_query_options q;
  creche_task task = {{0}};
  creche_scope in = scope_of(tail.in);
  void *user = user_of(tail);
  creche_status status = creche_copy_options_init(&o, sizeof o);
  if (status == CRECHE_OK) status = creche_query_options_init(&q, sizeof q);
  o.task = q.task = &to;
  if (status == CRECHE_OK && what == CX_POOL_COPY_IN)
    status = creche_pool_copy_in(pool, in, sql, &o, NULL, user, &task);
  else if (status == CRECHE_OK && what == CX_POOL_COPY_OUT)
    status = creche_pool_copy_out(pool, in, sql, &o, NULL, user, &task);
  else if (status == CRECHE_OK && what == CX_CONNECTION_COPY_IN)
    status = creche_connection_copy_in(connection, in, sql, &o, NULL, user, &task);
  else if (status == CRECHE_OK && what == CX_CONNECTION_COPY_OUT)
    status = creche_connection_copy_out(connection, in, sql, &o, NULL, user, &task);
  else if (status == CRECHE_OK && what == CX_POOL_ROWS)
    status = creche_pool_execute_rows(pool, in, sql, &q, NULL, user, &task);
  else if (status == CRECHE_OK && what == CX_POOL_COPY_ROWS)
    status = creche_pool_copy_rows(pool, in, sql, &o, NULL, user, &task);
  else if (status == CRECHE_OK && what == CX_CONNECTION_COPY_ROWS)
    status = creche_connection_copy_rows(connection, in, sql, &o, NULL, user, &task);
  else if (status == CRECHE_OK)
    status = creche_connection_execute_rows(connection, in, sql, &q, NULL, user, &task);
  return answer(status, &task.scope.id);
}

cx_answer cx_listen_start(uint64_t id, cx_tail tail, char **channels, size_t n)
{
  creche_pool pool = {id};
  const creche_task_options to = options_of(tail);
  creche_listen_options o;
  creche_task task = {{0}};
  creche_status status = creche_listen_options_init(&o, sizeof o);
  o.task = &to;
  if (status == CRECHE_OK)
    status = creche_pool_listen(pool, scope_of(tail.in), (const char *const *)channels, n, &o, NULL, user_of(tail), &task);
  return answer(status, &task.scope.id);
}

/* The parameters, in few or in memory of their own; NULL without memory. */
static creche_value *values_of(const cx_value *args, size_t n, const char *text, creche_value few[FEW])
{
  creche_value *values = n > FEW ? malloc(n * sizeof *values) : few;
  size_t i;
  for (i = 0; values != NULL && i < n; i++) {
    values[i].type = args[i].type;
    values[i].form = args[i].form;
    values[i].integer = args[i].integer;
    values[i].real = args[i].real;
    values[i].data = text + args[i].offset;
    values[i].size = (size_t)args[i].size;
  }
  return values;
}

cx_answer cx_many_start(int32_t what, uint64_t id, cx_tail tail, creche_query_options o, const char *text,
                        const cx_value *args, size_t width, size_t rows)
{
  creche_pool pool = {id};
  creche_connection connection = {id};
  const creche_task_options to = options_of(tail);
  creche_value few[FEW], *values = values_of(args, width * rows, text, few);
  creche_task task = {{0}};
  cx_answer a;
  if (values == NULL) return no_memory();
  o.task = &to;
  a = answer(what == CX_POOL_QUERY ? creche_pool_execute_many(pool, scope_of(tail.in), text, values, width, rows, &o,
                                                              NULL, user_of(tail), &task)
                                   : creche_connection_execute_many(connection, scope_of(tail.in), text, values, width,
                                                                    rows, &o, NULL, user_of(tail), &task),
             &task.scope.id);
  if (values != few) free(values);
  return a;
}

cx_answer cx_rows_bytes(const char *bytes, const cx_value *args, size_t width, size_t rows, char **made)
{
  creche_value few[FEW], *values = values_of(args, width * rows, bytes, few);
  text t = {NULL, 0, 0};
  creche_status status;
  uint64_t id;
  if (values == NULL) return no_memory();
  status = creche_values_to_rows(values, width, rows, take_text, &t);
  if (values != few) free(values);
  id = t.size;
  if (status != CRECHE_OK) {
    cx_answer a = status == CRECHE_E_CANCELLED ? no_memory() : answer(status, &id);
    free(t.bytes);
    return a;
  }
  *made = t.bytes;
  return answer(status, &id);
}

cx_answer cx_batch_start(int32_t what, uint64_t id, cx_tail tail, creche_batch_options o, const char *text,
                         const cx_value *args, size_t args_count, const cx_item *items, size_t n)
{
  creche_pool pool = {id};
  creche_connection connection = {id};
  const creche_task_options to = options_of(tail);
  creche_value few[FEW], *values = values_of(args, args_count, text, few), *next = values;
  creche_batch_item *all = malloc((n + 1) * sizeof *all);
  creche_task task = {{0}};
  cx_answer a = no_memory();
  size_t i;
  if (values != NULL && all != NULL) {
    for (i = 0; i < n; i++) {
      all[i].sql = text + items[i].offset;
      all[i].args = next;
      all[i].args_count = (size_t)items[i].args_count;
      next += items[i].args_count;
    }
    o.task = &to;
    a = answer(what == CX_POOL_QUERY
                 ? creche_pool_batch(pool, scope_of(tail.in), all, n, &o, NULL, user_of(tail), &task)
                 : creche_connection_batch(connection, scope_of(tail.in), all, n, &o, NULL, user_of(tail), &task),
               &task.scope.id);
  }
  free(all);
  if (values != few) free(values);
  return a;
}

cx_answer cx_describe_start(int32_t what, uint64_t id, cx_tail tail, const char *sql)
{
  creche_pool pool = {id};
  creche_connection connection = {id};
  const creche_task_options o = options_of(tail);
  creche_task task = {{0}};
  return answer(what == CX_POOL_QUERY
                  ? creche_pool_describe(pool, scope_of(tail.in), sql, NULL, 0, &o, NULL, user_of(tail), &task)
                  : creche_connection_describe(connection, scope_of(tail.in), sql, NULL, 0, &o, NULL, user_of(tail), &task),
                &task.scope.id);
}

cx_answer cx_cursor_start(int32_t step, uint64_t id, cx_tail tail, creche_cursor_options o, const char *name,
                          int64_t rows, const char *text, const cx_value *args, size_t n)
{
  creche_connection connection = {id};
  const creche_task_options to = options_of(tail);
  creche_value few[FEW], *values = values_of(args, n, text, few);
  creche_scope in = scope_of(tail.in);
  void *user = user_of(tail);
  creche_task task = {{0}};
  creche_status status = CRECHE_E_INVALID;
  cx_answer a;
  if (values == NULL) return no_memory();
  o.task = &to;
  switch (step) {
  case CX_CURSOR_OPEN:
    status = creche_cursor_open(connection, in, name, text, values, n, &o, NULL, user, &task);
    break;
  case CX_CURSOR_FETCH:
    status = creche_cursor_fetch(connection, in, name, rows, &o, NULL, user, &task);
    break;
  case CX_CURSOR_MOVE:
    status = creche_cursor_move(connection, in, name, rows, &o, NULL, user, &task);
    break;
  case CX_CURSOR_CLOSE:
    status = creche_cursor_close(connection, in, name, &o, NULL, user, &task);
    break;
  }
  a = answer(status, &task.scope.id);
  if (values != few) free(values);
  return a;
}

cx_answer cx_pool_resize(uint64_t id, uint32_t min_size, uint32_t max_size)
{
  creche_pool pool = {id};
  return answer(creche_pool_resize(pool, min_size, max_size), &pool.id);
}

cx_answer cx_pool_expire(uint64_t id)
{
  creche_pool pool = {id};
  return answer(creche_pool_expire(pool), &pool.id);
}

cx_answer cx_connection_expire(uint64_t connection)
{
  creche_connection c = {connection};
  return answer(creche_connection_expire(c), &c.id);
}

cx_answer cx_acquire(uint64_t id, cx_tail tail)
{
  creche_pool pool = {id};
  const creche_task_options o = options_of(tail);
  creche_task task = {{0}};
  return answer(creche_pool_acquire(pool, scope_of(tail.in), &o, NULL, user_of(tail), &task), &task.scope.id);
}

cx_answer cx_transaction(int32_t step, uint64_t id, cx_tail tail, creche_transaction_options o)
{
  creche_connection connection = {id};
  const creche_task_options to = options_of(tail);
  creche_task task = {{0}};
  o.task = &to;
  return answer((step == CX_BEGIN    ? creche_connection_begin
                 : step == CX_COMMIT ? creche_connection_commit
                                     : creche_connection_rollback)(connection, scope_of(tail.in), &o, NULL,
                                                                   user_of(tail), &task),
                &task.scope.id);
}

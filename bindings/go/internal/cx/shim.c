#define _POSIX_C_SOURCE 200809L
#include "inside.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- Loop and queue ---- */
cx_answer cx_loop_open(uint32_t offload_limit, uint32_t clock, uint64_t shuffle_seed, const char *name)
{
  creche_loop_options o;
  creche_loop loop = {{0}};
  creche_loop_options_init(&o, sizeof o);
  if (offload_limit != 0) o.offload_limit = offload_limit;
  o.clock = clock;
  o.shuffle_seed = shuffle_seed;
  o.name = name;
  return answer(creche_loop_open(&o, &loop), &loop.scope.id);
}

cx_answer cx_loop_close(uint64_t id, int64_t grace)
{
  creche_loop loop = {{id}};
  return answer(grace > 0 ? creche_loop_shutdown(loop, grace) : creche_loop_close(loop), NULL);
}

cx_answer cx_loop_join(uint64_t id, int64_t timeout)
{
  creche_loop loop = {{id}};
  creche_status status;
  do
    status = creche_loop_join(loop, timeout);
  while (status == CRECHE_E_INTERRUPTED);
  return answer(status, NULL);
}

cx_answer cx_queue_open(uint64_t id)
{
  creche_loop loop = {{id}};
  creche_queue_options o;
  creche_queue queue = {0};
  creche_queue_options_init(&o, sizeof o);
  o.name = "go";
  return answer(creche_queue_open(loop, &o, &queue), &queue.id);
}

cx_answer cx_queue_close(uint64_t id)
{
  creche_queue queue = {id};
  return answer(creche_queue_close(queue, NULL, NULL), NULL);
}

int64_t cx_take(uint64_t id, creche_completion *batch, size_t used, size_t capacity)
{
  creche_queue queue = {id};
  size_t n = 0;
  creche_status status;
  if (used != 0) creche_completions_release(batch, used);
  status = creche_queue_drain(queue, batch, capacity, &n);
  return status == CRECHE_OK ? (int64_t)n : status;
}

int64_t cx_wait(uint64_t id, creche_completion *batch, size_t used, size_t capacity)
{
  creche_queue queue = {id};
  size_t n = 0;
  creche_status status;
  if (used != 0) creche_completions_release(batch, used);
  do
    status = creche_queue_wait(queue, batch, capacity, CRECHE_NEVER, &n);
  while (status == CRECHE_E_INTERRUPTED);
  return status == CRECHE_OK ? (int64_t)n : status;
}

/* ---- Scopes, groups, tasks ---- */
cx_answer cx_scope_cancel(uint64_t scope, const char *reason)
{
  return answer(creche_scope_cancel(scope_of(scope), reason), NULL);
}

cx_answer cx_group_open(cx_tail tail, cx_bounds b, const char *name)
{
  creche_group_options o;
  creche_group group = {{0}};
  creche_group_options_init(&o, sizeof o);
  o.policy = b.policy;
  o.on_timeout = b.on_timeout;
  o.shield = b.shield;
  o.limit = b.limit;
  if (b.max_errors != 0) o.max_errors = b.max_errors;
  if (b.timeout != 0) o.timeout = b.timeout;
  o.name = name;
  o.queue.id = tail.queue;
  return answer(creche_group_open(scope_of(tail.in), &o, NULL, user_of(tail), &group), &group.scope.id);
}

cx_answer cx_task_open(cx_tail tail, cx_bounds b, const char *name)
{
  creche_task_options o;
  creche_task task = {{0}};
  task_options(&o, tail, 0);
  o.flags = b.flags;
  o.on_timeout = b.on_timeout;
  o.shield = b.shield;
  if (b.timeout != 0) o.timeout = b.timeout;
  o.name = name;
  return answer(creche_task_open(scope_of(tail.in), &o, NULL, user_of(tail), &task), &task.scope.id);
}

cx_answer cx_task_finish(uint64_t task, int32_t status, const char *message, uint64_t cookie)
{
  const creche_error *error = NULL;
  creche_status result;
  if (message != NULL) {
    result = creche_error_new(status, message, (void *)(uintptr_t)cookie, NULL, NULL, &error);
    if (result != CRECHE_OK) error = NULL;
  }
  result = creche_task_finish(task_of(task), status, 0, error);
  creche_error_release(error);
  return answer(result, NULL);
}

cx_answer cx_task_answer(uint64_t task, int32_t status, const void *data, size_t size, uint32_t flags,
                         const char *message)
{
  const creche_error *error = NULL;
  creche_status result;
  if (message != NULL && creche_error_new(CRECHE_E_USER, message, NULL, NULL, NULL, &error) != CRECHE_OK)
    error = NULL;
  result = creche_task_answer(task_of(task), status, data, size, flags, error);
  creche_error_release(error);
  return answer(result, NULL);
}

cx_answer cx_sleep(cx_tail tail, int64_t duration)
{
  creche_task_options o;
  creche_task task = {{0}};
  task_options(&o, tail, 0);
  return answer(creche_sleep(scope_of(tail.in), duration, &o, NULL, user_of(tail), &task), &task.scope.id);
}

cx_answer cx_yield(cx_tail tail)
{
  creche_task_options o;
  creche_task task = {{0}};
  task_options(&o, tail, 0);
  return answer(creche_yield(scope_of(tail.in), &o, NULL, user_of(tail), &task), &task.scope.id);
}

cx_answer cx_task_start(cx_tail tail, uint64_t group, cx_bounds b, const char *name, uint64_t child_user)
{
  creche_group target = {{group}};
  creche_start_options o;
  creche_task_options start, child;
  creche_task task = {{0}};
  task_options(&start, tail, 0);
  task_options(&child, tail, b.timeout);
  child.on_timeout = b.on_timeout;
  child.shield = b.shield;
  child.name = name;
  creche_start_options_init(&o, sizeof o);
  o.task = &start;
  o.child = &child;
  o.child_user = (void *)(uintptr_t)child_user;
  return answer(creche_task_start(target, scope_of(tail.in), NULL, NULL, &o, NULL, user_of(tail), &task),
                &task.scope.id);
}

cx_answer cx_task_started(uint64_t task)
{
  return answer(creche_task_started(task_of(task), 0), NULL);
}

cx_answer cx_scope_set_timeout(uint64_t scope, int64_t timeout)
{
  return answer(timeout == CRECHE_NEVER ? creche_scope_set_deadline(scope_of(scope), CRECHE_NEVER)
                                        : creche_scope_set_timeout(scope_of(scope), timeout),
                NULL);
}

cx_answer cx_scope_set_shield(uint64_t scope, uint32_t shield)
{
  return answer(creche_scope_set_shield(scope_of(scope), shield), NULL);
}

/* ---- HTTP ---- */
cx_answer cx_session_open(uint64_t id, const creche_session_options *options)
{
  creche_loop loop = {{id}};
  creche_session session = {0};
  return answer(creche_session_open(loop, options, &session), &session.id);
}

enum { FEW = 32 };

cx_answer cx_http(uint64_t id, cx_tail tail, int32_t whole, const char *text, const void *body,
                  cx_request r)
{
  creche_session session = {id};
  creche_request_options o;
  creche_task_options to;
  creche_header few[FEW], *headers = few;
  creche_task task = {{0}};
  const char *at = text + r.headers;
  creche_status status;
  uint32_t i;
  if (r.headers_count > FEW) {
    headers = malloc(r.headers_count * sizeof *headers);
    if (headers == NULL) {
      cx_answer none = {CRECHE_E_NO_MEMORY, 0, 0, NULL};
      return none;
    }
  }
  for (i = 0; i < r.headers_count; i++) {
    uint32_t size;
    memcpy(&size, at, sizeof size);
    headers[i].name = at + sizeof size;
    headers[i].value = headers[i].name + strlen(headers[i].name) + 1;
    headers[i].value_size = size;
    at = headers[i].value + size;
  }
  task_options(&to, tail, r.timeout);
  creche_request_options_init(&o, sizeof o);
  o.flags = r.flags;
  if (r.method != CX_NONE) o.method = text + r.method;
  o.headers = headers;
  o.headers_count = r.headers_count;
  o.body = body;
  o.body_size = (size_t)r.body_size;
  o.max_body = r.max_body;
  o.max_redirects = r.max_redirects;
  o.timeouts = r.timeouts;
  o.task = &to;
  status = (whole ? creche_session_fetch : creche_session_send)(session, scope_of(tail.in), text, &o, NULL,
                                                                user_of(tail), &task);
  cx_answer a = answer(status, &task.scope.id);
  if (headers != few) free(headers);
  return a;
}

cx_answer cx_read(uint64_t id, cx_tail tail, size_t capacity)
{
  creche_response response = {id};
  creche_task_options o;
  creche_task task = {{0}};
  task_options(&o, tail, 0);
  return answer(creche_response_read(response, scope_of(tail.in), capacity, &o, NULL, user_of(tail), &task),
                &task.scope.id);
}

static size_t pack(char *buffer, size_t capacity, size_t at, const char *name, const char *value,
                   uint32_t size)
{
  const size_t name_size = strlen(name) + 1, need = sizeof size + name_size + size;
  if (at + need <= capacity) {
    memcpy(buffer + at, &size, sizeof size);
    memcpy(buffer + at + sizeof size, name, name_size);
    if (size != 0) memcpy(buffer + at + sizeof size + name_size, value, size);
  }
  return at + need;
}

int64_t cx_response_head(uint64_t id, char *buffer, size_t capacity, int32_t release)
{
  creche_response response = {id};
  const char *url = creche_response_url(response);
  creche_header header;
  size_t at, i;
  if (url == NULL) {
    const int32_t status = creche_response_status(response);
    return status < 0 ? status : CRECHE_E_INTERNAL;
  }
  at = pack(buffer, capacity, 0, "", url, (uint32_t)strlen(url));
  for (i = 0; creche_response_header_at(response, i, &header) == CRECHE_OK; i++)
    at = pack(buffer, capacity, at, header.name, header.value, (uint32_t)header.value_size);
  if (release && at <= capacity) creche_response_release(response);
  return (int64_t)at;
}

/* ---- PostgreSQL ---- */
cx_answer cx_pool_open(uint64_t id, const char *dsn, const creche_pool_options *options)
{
  creche_loop loop = {{id}};
  creche_pool pool = {0};
  return answer(creche_pool_open(loop, dsn, options, &pool), &pool.id);
}

cx_answer cx_query_start(int32_t what, uint64_t id, cx_tail tail, const char *text, const cx_value *args,
                         size_t n, cx_query q)
{
  creche_pool pool = {id};
  creche_connection connection = {id};
  creche_query_options o;
  creche_task_options to;
  creche_value few[FEW], *values = few;
  creche_task task = {{0}};
  creche_scope in = scope_of(tail.in);
  void *user = user_of(tail);
  creche_status status = CRECHE_E_INVALID;
  size_t i;
  if (n > FEW) {
    values = malloc(n * sizeof *values);
    if (values == NULL) {
      cx_answer none = {CRECHE_E_NO_MEMORY, 0, 0, NULL};
      return none;
    }
  }
  for (i = 0; i < n; i++) {
    values[i].type = args[i].type;
    values[i].form = args[i].form;
    values[i].integer = args[i].integer;
    values[i].real = args[i].real;
    values[i].data = text + args[i].offset;
    values[i].size = (size_t)args[i].size;
  }
  task_options(&to, tail, q.timeout);
  creche_query_options_init(&o, sizeof o);
  o.flags = q.flags;
  if (q.max_bytes != 0) o.max_bytes = q.max_bytes;
  if (q.block_rows != 0) o.block_rows = q.block_rows;
  if (q.block_bytes != 0) o.block_bytes = q.block_bytes;
  if (q.blocks != 0) o.blocks = q.blocks;
  o.task = &to;
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
  cx_answer a = answer(status, &task.scope.id);
  if (values != few) free(values);
  return a;
}

cx_answer cx_acquire(uint64_t id, cx_tail tail, int64_t timeout)
{
  creche_pool pool = {id};
  creche_task_options o;
  creche_task task = {{0}};
  task_options(&o, tail, timeout);
  return answer(creche_pool_acquire(pool, scope_of(tail.in), &o, NULL, user_of(tail), &task), &task.scope.id);
}

cx_answer cx_transaction(int32_t step, uint64_t id, cx_tail tail, uint32_t flags, uint32_t isolation,
                         int64_t commit_timeout)
{
  creche_connection connection = {id};
  creche_transaction_options o;
  creche_task_options to;
  creche_task task = {{0}};
  task_options(&to, tail, 0);
  creche_transaction_options_init(&o, sizeof o);
  o.flags = flags;
  o.isolation = isolation;
  if (commit_timeout > 0) o.commit_timeout = commit_timeout;
  o.task = &to;
  return answer((step == CX_BEGIN    ? creche_connection_begin
                 : step == CX_COMMIT ? creche_connection_commit
                                     : creche_connection_rollback)(connection, scope_of(tail.in), &o, NULL,
                                                                   user_of(tail), &task),
                &task.scope.id);
}

/* ---- For the tests ---- */
typedef struct probe {
  uint64_t queue;
  _Atomic int32_t status;
} probe;

static void probe_blocking(void *user, const creche_completion *completion)
{
  probe *p = user;
  creche_queue queue = {p->queue};
  creche_completion one;
  size_t n;
  (void)completion;
  p->status = creche_queue_wait(queue, &one, 1, CRECHE_SECOND, &n);
}

int32_t cx_probe_blocking(uint64_t id, uint64_t queue)
{
  const struct timespec moment = {0, 1000000};
  creche_loop loop = {{id}};
  probe p;
  p.queue = queue;
  p.status = 1;
  if (creche_loop_post(loop, probe_blocking, &p) != CRECHE_OK) return 2;
  while (p.status == 1) nanosleep(&moment, NULL);
  return p.status;
}

/* Whether a call was refused as it should be: with that status, and with words for it. */
static int refused(creche_status status, creche_status expected)
{
  const creche_error *error = creche_last_error();
  return status == expected && error->status == expected && error->message[0] != '\0';
}

/* NULL where something is needed. Returns 0, or the number of the call that was not refused. */
int32_t cx_probe_null(uint64_t id)
{
  creche_loop loop = {{id}};
  creche_session session = {id};
  if (!refused(creche_loop_open(NULL, NULL), CRECHE_E_INVALID)) return 1;
  if (!refused(creche_queue_open(loop, NULL, NULL), CRECHE_E_INVALID)) return 2;
  if (!refused(creche_session_open(loop, NULL, NULL), CRECHE_E_INVALID)) return 3;
  if (!refused(creche_pool_open(loop, NULL, NULL, NULL), CRECHE_E_INVALID)) return 4;
  if (!refused(creche_now(loop.scope, NULL), CRECHE_E_INVALID)) return 5;
  if (!refused(creche_loop_post(loop, NULL, NULL), CRECHE_E_INVALID)) return 6;
  if (!refused(creche_task_spawn(loop.scope, NULL, NULL, NULL, NULL, NULL, NULL), CRECHE_E_INVALID)) return 7;
  if (!refused(creche_scope_options_init(NULL, 64), CRECHE_E_INVALID)) return 8;
  if (!refused(creche_session_fetch(session, loop.scope, NULL, NULL, NULL, NULL, NULL), CRECHE_E_INVALID)) return 9;
  return 0;
}

/* Every function that takes a handle, with every kind of handle: null, of another kind, ended, and
 * of before a fork. Each says so, and what it was; nothing has an effect; errno stays. And with
 * good handles all else that is nonsense: NULL, sizes and numbers at the ends of what there is. */
#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/core.h"
#include "support/hostile.h"
#include "support/postgres.h"

enum {
  LOOP,
  SCOPE,
  GROUP,
  TASK,
  QUEUE,
  SESSION,
  RESPONSE,
  POOL,
  CONNECTION,
  ROWS,
  LIMITER,
  TOKEN,
  RATE,
  EVENT,
  SENDER,
  RECEIVER,
  COOKIE_JAR,
  TLS,
  KINDS
};
static const char* const kind_names[KINDS] = {
    "a loop",         "a scope",  "a group",      "a task",     "a queue",          "a session",
    "a response",     "a pool",   "a connection", "rows",       "a limiter",        "a token",
    "a rate limiter", "an event", "a sender",     "a receiver", "a jar of cookies", "TLS settings"};

/* One of each. */
static uint64_t live[KINDS], dead[KINDS];
static support_postgres* postgres;
static support_hostile* web;
static creche_queue told; /* what the fixture itself starts ends here */

/* ---- The functions ---- */
enum {
  ANY_SCOPE = 1 << LOOP | 1 << SCOPE | 1 << GROUP | 1 << TASK,
  OR_NONE = 1 << KINDS,  /* {0} means "none": no error */
  SILENT = OR_NONE << 1, /* leaves the last error alone */
};

static struct {
  creche_scope scope;
  creche_group group;
  creche_task task;
  creche_queue queue;
  creche_session session;
  creche_pool pool;
  creche_limiter limiter;
  creche_response response;
  creche_connection connection;
  creche_rows rows;
  creche_token token;
  creche_rate rate;
  creche_event event;
  creche_sender sender;
  creche_receiver receiver;
  creche_cookie_jar jar;
  creche_tls tls;
  creche_completion completion;
  creche_scope_state scope_state;
  creche_loop_counters loop_counters;
  creche_loop_lag lag;
  creche_session_counters session_counters;
  creche_session_timings timings;
  creche_pool_counters pool_counters;
  creche_pool_timings pool_timings;
  creche_response_info info;
  creche_redirect redirect;
  creche_limiter_state limiter_state;
  creche_rate_state rate_state;
  creche_channel_state channel_state;
  creche_header header;
  creche_outcome outcome;
  const creche_error* error;
  uint64_t item;
  int64_t time;
  int fd;
  void* data;
  char text[8];
  size_t size;
} out;

static creche_status work(void* arg, creche_task task, uint64_t* value) {
  (void)arg;
  (void)task;
  *value = 0;
  return CRECHE_OK;
}

static const char* const channel_name = "channel";

/* With a queue or a limiter in the options. */
static creche_status sleep_to(uint64_t id) {
  creche_task_options o = task_options();
  o.queue.id = id;
  return creche_sleep((creche_scope){live[LOOP]}, 0, &o, NULL, NULL, NULL);
}
static creche_status group_to(uint64_t id) {
  creche_group_options o = group_options();
  o.queue.id = id;
  return creche_group_open((creche_scope){live[LOOP]}, &o, NULL, NULL, &out.group);
}
static creche_status session_to(uint64_t id) {
  creche_session_options o;
  creche_session_options_init(&o, sizeof o);
  o.queue.id = id;
  return creche_session_open((creche_loop){{live[LOOP]}}, &o, &out.session);
}
static creche_status session_with(uint64_t id) {
  creche_session_options o;
  creche_session_options_init(&o, sizeof o);
  o.cookies.id = id;
  return creche_session_open((creche_loop){{live[LOOP]}}, &o, &out.session);
}
static int32_t see_cookie(const creche_cookie* cookie, void* user) {
  (void)user;
  return cookie->name == NULL;
}
static creche_status session_with_tls(uint64_t id) {
  creche_session_options o;
  creche_session_options_init(&o, sizeof o);
  o.tls.id = id;
  return creche_session_open((creche_loop){{live[LOOP]}}, &o, &out.session);
}
static creche_status session_with_proxy_tls(uint64_t id) {
  creche_session_options o;
  creche_session_options_init(&o, sizeof o);
  o.proxy_tls.id = id;
  return creche_session_open((creche_loop){{live[LOOP]}}, &o, &out.session);
}
static creche_status fetch_with_tls(uint64_t id) {
  creche_request_options o;
  creche_request_options_init(&o, sizeof o);
  o.tls.id = id;
  return creche_session_fetch((creche_session){live[SESSION]}, (creche_scope){live[LOOP]},
                              "http://h/", &o, creche_nobody, NULL, &out.task);
}
static creche_status pool_to(uint64_t id) {
  creche_pool_options o;
  creche_pool_options_init(&o, sizeof o);
  o.queue.id = id;
  return creche_pool_open((creche_loop){{live[LOOP]}}, "", &o, &out.pool);
}
static creche_status offload_under(uint64_t id) {
  creche_offload_options o;
  creche_offload_options_init(&o, sizeof o);
  o.limiter.id = id;
  return creche_offload((creche_scope){live[LOOP]}, work, NULL, &o, NULL, NULL, NULL);
}

/* Functions that answer something else than a status: the last error has it. */
static creche_status found(const void* pointer) {
  return pointer != NULL ? CRECHE_OK : creche_last_error()->status;
}

static const creche_cookie a_cookie = {sizeof a_cookie, 0,    "a",  "b",
                                       "h.example",     NULL, NULL, CRECHE_NEVER};

#define OF_LOOP ((creche_loop){{id}})
#define OF_SCOPE ((creche_scope){id})
#define OF_GROUP ((creche_group){{id}})
#define OF_TASK ((creche_task){{id}})
#define OF(kind) ((creche_##kind){id})
#define THE_SCOPE ((creche_scope){live[LOOP]})
#define THE(kind, KIND) ((creche_##kind){live[KIND]})
#define TAIL NULL, creche_nobody, NULL, &out.task

/* What it is called here, which kinds it takes, the call. */
#define CALLS(X)                                                                                   \
  X(loop_run, 1 << LOOP, creche_loop_run(OF_LOOP))                                                 \
  X(loop_poll, 1 << LOOP, creche_loop_poll(OF_LOOP, 0))                                            \
  X(loop_fd, 1 << LOOP, creche_loop_fd(OF_LOOP, &out.fd))                                          \
  X(loop_next_timeout, 1 << LOOP, creche_loop_next_timeout(OF_LOOP, &out.time))                    \
  X(loop_post, 1 << LOOP, creche_loop_post(OF_LOOP, see, NULL))                                    \
  X(loop_close, 1 << LOOP, creche_loop_close(OF_LOOP))                                             \
  X(loop_shutdown, 1 << LOOP, creche_loop_shutdown(OF_LOOP, 0))                                    \
  X(loop_join, 1 << LOOP, creche_loop_join(OF_LOOP, 0))                                            \
  X(loop_dump, 1 << LOOP, creche_loop_dump(OF_LOOP, 0, out.text, sizeof out.text, NULL))           \
  X(loop_get_counters, 1 << LOOP,                                                                  \
    creche_loop_get_counters(OF_LOOP, &out.loop_counters, sizeof out.loop_counters))               \
  X(loop_get_lag, 1 << LOOP, creche_loop_get_lag(OF_LOOP, &out.lag, sizeof out.lag))               \
  X(clock_hold, 1 << LOOP, creche_clock_hold(OF_LOOP))                                             \
  X(clock_release, 1 << LOOP, creche_clock_release(OF_LOOP))                                       \
  X(clock_advance, 1 << LOOP, creche_clock_advance(OF_LOOP, 1))                                    \
  X(queue_open, 1 << LOOP, creche_queue_open(OF_LOOP, NULL, &out.queue))                           \
  X(session_open, 1 << LOOP, creche_session_open(OF_LOOP, NULL, &out.session))                     \
  X(pool_open, 1 << LOOP, creche_pool_open(OF_LOOP, "", NULL, &out.pool))                          \
  X(limiter_open, 1 << LOOP, creche_limiter_open(OF_LOOP, NULL, &out.limiter))                     \
  X(rate_open, 1 << LOOP, creche_rate_open(OF_LOOP, NULL, &out.rate))                              \
  X(event_open, 1 << LOOP, creche_event_open(OF_LOOP, NULL, &out.event))                           \
  X(channel_open, 1 << LOOP, creche_channel_open(OF_LOOP, NULL, &out.sender, &out.receiver))       \
  X(scope_open, ANY_SCOPE, creche_scope_open(OF_SCOPE, NULL, &out.scope))                          \
  X(scope_leave, ANY_SCOPE, creche_scope_leave(OF_SCOPE, NULL))                                    \
  X(scope_cancel, ANY_SCOPE, creche_scope_cancel(OF_SCOPE, NULL))                                  \
  X(scope_interrupt, ANY_SCOPE | SILENT, creche_scope_interrupt(OF_SCOPE))                         \
  X(scope_set_deadline, ANY_SCOPE, creche_scope_set_deadline(OF_SCOPE, CRECHE_NEVER))              \
  X(scope_set_timeout, ANY_SCOPE, creche_scope_set_timeout(OF_SCOPE, CRECHE_NEVER))                \
  X(scope_set_shield, ANY_SCOPE, creche_scope_set_shield(OF_SCOPE, 0))                             \
  X(scope_get_state, ANY_SCOPE,                                                                    \
    creche_scope_get_state(OF_SCOPE, &out.scope_state, sizeof out.scope_state))                    \
  X(scope_get_context, ANY_SCOPE, creche_scope_get_context(OF_SCOPE, &out.data))                   \
  X(now, ANY_SCOPE, creche_now(OF_SCOPE, &out.time))                                               \
  X(group_open, ANY_SCOPE, creche_group_open(OF_SCOPE, NULL, creche_nobody, NULL, &out.group))     \
  X(task_spawn, ANY_SCOPE, creche_task_spawn(OF_SCOPE, see, NULL, TAIL))                           \
  X(task_open, ANY_SCOPE, creche_task_open(OF_SCOPE, NULL, see, NULL, &out.task))                  \
  X(task_start_in, ANY_SCOPE,                                                                      \
    creche_task_start((creche_group){{live[GROUP]}}, OF_SCOPE, see, NULL, TAIL))                   \
  X(sleep, ANY_SCOPE, creche_sleep(OF_SCOPE, 0, TAIL))                                             \
  X(sleep_until, ANY_SCOPE, creche_sleep_until(OF_SCOPE, 0, TAIL))                                 \
  X(yield, ANY_SCOPE, creche_yield(OF_SCOPE, TAIL))                                                \
  X(offload, ANY_SCOPE, creche_offload(OF_SCOPE, work, NULL, TAIL))                                \
  X(limiter_acquire_in, ANY_SCOPE,                                                                 \
    creche_limiter_acquire(THE(limiter, LIMITER), OF_SCOPE, 0, TAIL))                              \
  X(limiter_try_in, ANY_SCOPE, creche_limiter_try(THE(limiter, LIMITER), OF_SCOPE, 0, &out.token)) \
  X(token_move_to, ANY_SCOPE, creche_token_move(THE(token, TOKEN), OF_SCOPE))                      \
  X(rate_acquire_in, ANY_SCOPE, creche_rate_acquire(THE(rate, RATE), OF_SCOPE, 1, TAIL))           \
  X(event_wait_in, ANY_SCOPE, creche_event_wait(THE(event, EVENT), OF_SCOPE, TAIL))                \
  X(channel_send_in, ANY_SCOPE, creche_channel_send(THE(sender, SENDER), OF_SCOPE, 0, TAIL))       \
  X(channel_receive_in, ANY_SCOPE,                                                                 \
    creche_channel_receive(THE(receiver, RECEIVER), OF_SCOPE, TAIL))                               \
  X(session_fetch_in, ANY_SCOPE,                                                                   \
    creche_session_fetch(THE(session, SESSION), OF_SCOPE, "http://h/", TAIL))                      \
  X(session_events_in, ANY_SCOPE,                                                                  \
    creche_session_events(THE(session, SESSION), OF_SCOPE, "http://h/", TAIL))                     \
  X(session_send_in, ANY_SCOPE,                                                                    \
    creche_session_send(THE(session, SESSION), OF_SCOPE, "http://h/", TAIL))                       \
  X(response_read_in, ANY_SCOPE, creche_response_read(THE(response, RESPONSE), OF_SCOPE, 0, TAIL)) \
  X(response_read_until_in, ANY_SCOPE,                                                             \
    creche_response_read_until(THE(response, RESPONSE), OF_SCOPE, "a", 1, 0, TAIL))                \
  X(response_read_exactly_in, ANY_SCOPE,                                                           \
    creche_response_read_exactly(THE(response, RESPONSE), OF_SCOPE, 1, TAIL))                      \
  X(response_move_to, ANY_SCOPE, creche_response_move(THE(response, RESPONSE), OF_SCOPE))          \
  X(pool_query_in, ANY_SCOPE,                                                                      \
    creche_pool_query(THE(pool, POOL), OF_SCOPE, "select 1", NULL, 0, TAIL))                       \
  X(pool_stream_in, ANY_SCOPE,                                                                     \
    creche_pool_stream(THE(pool, POOL), OF_SCOPE, "select 1", NULL, 0, TAIL))                      \
  X(pool_copy_out_in, ANY_SCOPE, creche_pool_copy_out(THE(pool, POOL), OF_SCOPE, "copy", TAIL))    \
  X(pool_copy_in_in, ANY_SCOPE,                                                                    \
    creche_pool_copy_in(THE(pool, POOL), OF_SCOPE, "copy", NULL, see, NULL, NULL))                 \
  X(connection_copy_out_in, ANY_SCOPE,                                                             \
    creche_connection_copy_out(THE(connection, CONNECTION), OF_SCOPE, "copy", TAIL))               \
  X(pool_copy_rows_in, ANY_SCOPE,                                                                  \
    creche_pool_copy_rows(THE(pool, POOL), OF_SCOPE, "copy", NULL, see, NULL, NULL))               \
  X(connection_copy_rows_in, ANY_SCOPE,                                                            \
    creche_connection_copy_rows(THE(connection, CONNECTION), OF_SCOPE, "copy", NULL, see, NULL,    \
                                NULL))                                                             \
  X(connection_copy_in_in, ANY_SCOPE,                                                              \
    creche_connection_copy_in(THE(connection, CONNECTION), OF_SCOPE, "copy", NULL, see, NULL,      \
                              NULL))                                                               \
  X(pool_listen_in, ANY_SCOPE,                                                                     \
    creche_pool_listen(THE(pool, POOL), OF_SCOPE, &channel_name, 1, TAIL))                         \
  X(pool_execute_many_in, ANY_SCOPE,                                                               \
    creche_pool_execute_many(THE(pool, POOL), OF_SCOPE, "select 1", NULL, 0, 1, TAIL))             \
  X(pool_execute_rows_in, ANY_SCOPE,                                                               \
    creche_pool_execute_rows(THE(pool, POOL), OF_SCOPE, "select 1", NULL, see, NULL, NULL))        \
  X(connection_execute_rows_in, ANY_SCOPE,                                                         \
    creche_connection_execute_rows(THE(connection, CONNECTION), OF_SCOPE, "select 1", NULL, see,   \
                                   NULL, NULL))                                                    \
  X(pool_batch_in, ANY_SCOPE, creche_pool_batch(THE(pool, POOL), OF_SCOPE, NULL, 0, TAIL))         \
  X(pool_describe_in, ANY_SCOPE,                                                                   \
    creche_pool_describe(THE(pool, POOL), OF_SCOPE, "select 1", NULL, 0, TAIL))                    \
  X(connection_execute_many_in, ANY_SCOPE,                                                         \
    creche_connection_execute_many(THE(connection, CONNECTION), OF_SCOPE, "select 1", NULL, 0, 1,  \
                                   TAIL))                                                          \
  X(connection_batch_in, ANY_SCOPE,                                                                \
    creche_connection_batch(THE(connection, CONNECTION), OF_SCOPE, NULL, 0, TAIL))                 \
  X(connection_describe_in, ANY_SCOPE,                                                             \
    creche_connection_describe(THE(connection, CONNECTION), OF_SCOPE, "select 1", NULL, 0, TAIL))  \
  X(cursor_open_in, ANY_SCOPE,                                                                     \
    creche_cursor_open(THE(connection, CONNECTION), OF_SCOPE, "c", "select 1", NULL, 0, TAIL))     \
  X(cursor_fetch_in, ANY_SCOPE,                                                                    \
    creche_cursor_fetch(THE(connection, CONNECTION), OF_SCOPE, "c", 1, TAIL))                      \
  X(cursor_move_in, ANY_SCOPE,                                                                     \
    creche_cursor_move(THE(connection, CONNECTION), OF_SCOPE, "c", 1, TAIL))                       \
  X(cursor_close_in, ANY_SCOPE,                                                                    \
    creche_cursor_close(THE(connection, CONNECTION), OF_SCOPE, "c", TAIL))                         \
  X(pool_acquire_in, ANY_SCOPE, creche_pool_acquire(THE(pool, POOL), OF_SCOPE, TAIL))              \
  X(pool_transaction_in, ANY_SCOPE,                                                                \
    creche_pool_transaction(THE(pool, POOL), OF_SCOPE, see, NULL, TAIL))                           \
  X(connection_move_to, ANY_SCOPE, creche_connection_move(THE(connection, CONNECTION), OF_SCOPE))  \
  X(connection_query_in, ANY_SCOPE,                                                                \
    creche_connection_query(THE(connection, CONNECTION), OF_SCOPE, "select 1", NULL, 0, TAIL))     \
  X(connection_stream_in, ANY_SCOPE,                                                               \
    creche_connection_stream(THE(connection, CONNECTION), OF_SCOPE, "select 1", NULL, 0, TAIL))    \
  X(connection_script_in, ANY_SCOPE,                                                               \
    creche_connection_script(THE(connection, CONNECTION), OF_SCOPE, "select 1", TAIL))             \
  X(connection_begin_in, ANY_SCOPE,                                                                \
    creche_connection_begin(THE(connection, CONNECTION), OF_SCOPE, TAIL))                          \
  X(connection_commit_in, ANY_SCOPE,                                                               \
    creche_connection_commit(THE(connection, CONNECTION), OF_SCOPE, TAIL))                         \
  X(connection_rollback_in, ANY_SCOPE,                                                             \
    creche_connection_rollback(THE(connection, CONNECTION), OF_SCOPE, TAIL))                       \
  X(group_close, 1 << GROUP, creche_group_close(OF_GROUP))                                         \
  X(group_join, 1 << GROUP, creche_group_join(OF_GROUP, 0, &out.outcome))                          \
  X(group_join_error, 1 << GROUP, creche_group_join_error(OF_GROUP, 0, &out.outcome, &out.error))  \
  X(task_start_target, 1 << GROUP, creche_task_start(OF_GROUP, THE_SCOPE, see, NULL, TAIL))        \
  X(task_finish, 1 << TASK, creche_task_finish(OF_TASK, CRECHE_OK, 0, NULL))                       \
  X(task_started, 1 << TASK, creche_task_started(OF_TASK, 0))                                      \
  X(task_answer, 1 << TASK, creche_task_answer(OF_TASK, CRECHE_OK, NULL, 0, 0, NULL))              \
  X(offload_cancelled, 1 << TASK, creche_offload_cancelled(OF_TASK))                               \
  X(channel_unreceive, 1 << TASK, creche_channel_unreceive(OF_TASK))                               \
  X(queue_fd, 1 << QUEUE, creche_queue_fd(OF(queue)))                                              \
  X(queue_drain, 1 << QUEUE, creche_queue_drain(OF(queue), &out.completion, 1, &out.size))         \
  X(queue_wait, 1 << QUEUE, creche_queue_wait(OF(queue), &out.completion, 1, 0, &out.size))        \
  X(queue_close, 1 << QUEUE, creche_queue_close(OF(queue), NULL, NULL))                            \
  X(queue_of_task, 1 << QUEUE | OR_NONE, sleep_to(id))                                             \
  X(queue_of_group, 1 << QUEUE | OR_NONE, group_to(id))                                            \
  X(tls_of_session, 1 << TLS | OR_NONE, session_with_tls(id))                                      \
  X(proxy_tls_of_session, 1 << TLS | OR_NONE, session_with_proxy_tls(id))                          \
  X(tls_of_request, 1 << TLS | OR_NONE, fetch_with_tls(id))                                        \
  X(queue_of_session, 1 << QUEUE | OR_NONE, session_to(id))                                        \
  X(queue_of_pool, 1 << QUEUE | OR_NONE, pool_to(id))                                              \
  X(session_close, 1 << SESSION, creche_session_close(OF(session), NULL, NULL))                    \
  X(session_get_counters, 1 << SESSION,                                                            \
    creche_session_get_counters(OF(session), &out.session_counters, sizeof out.session_counters))  \
  X(session_fetch, 1 << SESSION, creche_session_fetch(OF(session), THE_SCOPE, "http://h/", TAIL))  \
  X(session_events, 1 << SESSION,                                                                  \
    creche_session_events(OF(session), THE_SCOPE, "http://h/", TAIL))                              \
  X(session_send, 1 << SESSION, creche_session_send(OF(session), THE_SCOPE, "http://h/", TAIL))    \
  X(response_read, 1 << RESPONSE, creche_response_read(OF(response), THE_SCOPE, 0, TAIL))          \
  X(response_read_until, 1 << RESPONSE,                                                            \
    creche_response_read_until(OF(response), THE_SCOPE, "a", 1, 0, TAIL))                          \
  X(response_read_exactly, 1 << RESPONSE,                                                          \
    creche_response_read_exactly(OF(response), THE_SCOPE, 1, TAIL))                                \
  X(response_trailer, 1 << RESPONSE, found(creche_response_trailer(OF(response), "a", NULL)))      \
  X(response_trailer_at, 1 << RESPONSE, creche_response_trailer_at(OF(response), 0, &out.header))  \
  X(response_redirect_at, 1 << RESPONSE,                                                           \
    creche_response_redirect_at(OF(response), 0, &out.redirect))                                   \
  X(response_certificate, 1 << RESPONSE,                                                           \
    creche_response_certificate(OF(response), 0, 0, NULL, 0, &out.size))                           \
  X(response_move, 1 << RESPONSE, creche_response_move(OF(response), THE_SCOPE))                   \
  X(response_status, 1 << RESPONSE, creche_response_status(OF(response)))                          \
  X(response_header, 1 << RESPONSE, found(creche_response_header(OF(response), "a", NULL)))        \
  X(response_header_at, 1 << RESPONSE, creche_response_header_at(OF(response), 0, &out.header))    \
  X(response_url, 1 << RESPONSE, found(creche_response_url(OF(response))))                         \
  X(response_get_info, 1 << RESPONSE,                                                              \
    creche_response_get_info(OF(response), &out.info, sizeof out.info))                            \
  X(pool_close, 1 << POOL, creche_pool_close(OF(pool), NULL, NULL))                                \
  X(session_warm_up, 1 << SESSION,                                                                 \
    creche_session_warm_up(OF(session), THE_SCOPE, "http://127.0.0.1:1/", 1, TAIL))                \
  X(session_get_timings, 1 << SESSION,                                                             \
    creche_session_get_timings(OF(session), &out.timings, sizeof out.timings))                     \
  X(session_give_token, 1 << SESSION, creche_session_give_token(OF(session), 1, CRECHE_OK, "x"))   \
  X(session_decide, 1 << SESSION, creche_session_decide(OF(session), 1, NULL))                     \
  X(pool_get_counters, 1 << POOL,                                                                  \
    creche_pool_get_counters(OF(pool), &out.pool_counters, sizeof out.pool_counters))              \
  X(pool_resize, 1 << POOL, creche_pool_resize(OF(pool), 0, 10))                                   \
  X(pool_expire, 1 << POOL, creche_pool_expire(OF(pool)))                                          \
  X(connection_expire, 1 << CONNECTION, creche_connection_expire(OF(connection)))                  \
  X(pool_get_timings, 1 << POOL,                                                                   \
    creche_pool_get_timings(OF(pool), &out.pool_timings, sizeof out.pool_timings))                 \
  X(pool_query, 1 << POOL, creche_pool_query(OF(pool), THE_SCOPE, "select 1", NULL, 0, TAIL))      \
  X(pool_stream, 1 << POOL, creche_pool_stream(OF(pool), THE_SCOPE, "select 1", NULL, 0, TAIL))    \
  X(pool_copy_out, 1 << POOL, creche_pool_copy_out(OF(pool), THE_SCOPE, "copy", TAIL))             \
  X(pool_copy_in, 1 << POOL,                                                                       \
    creche_pool_copy_in(OF(pool), THE_SCOPE, "copy", NULL, see, NULL, NULL))                       \
  X(connection_copy_out, 1 << CONNECTION,                                                          \
    creche_connection_copy_out(OF(connection), THE_SCOPE, "copy", TAIL))                           \
  X(pool_copy_rows, 1 << POOL,                                                                     \
    creche_pool_copy_rows(OF(pool), THE_SCOPE, "copy", NULL, see, NULL, NULL))                     \
  X(connection_copy_rows, 1 << CONNECTION,                                                         \
    creche_connection_copy_rows(OF(connection), THE_SCOPE, "copy", NULL, see, NULL, NULL))         \
  X(connection_copy_in, 1 << CONNECTION,                                                           \
    creche_connection_copy_in(OF(connection), THE_SCOPE, "copy", NULL, see, NULL, NULL))           \
  X(pool_listen, 1 << POOL, creche_pool_listen(OF(pool), THE_SCOPE, &channel_name, 1, TAIL))       \
  X(pool_execute_many, 1 << POOL,                                                                  \
    creche_pool_execute_many(OF(pool), THE_SCOPE, "select 1", NULL, 0, 1, TAIL))                   \
  X(pool_execute_rows, 1 << POOL,                                                                  \
    creche_pool_execute_rows(OF(pool), THE_SCOPE, "select 1", NULL, see, NULL, NULL))              \
  X(connection_execute_rows, 1 << CONNECTION,                                                      \
    creche_connection_execute_rows(OF(connection), THE_SCOPE, "select 1", NULL, see, NULL, NULL))  \
  X(pool_batch, 1 << POOL, creche_pool_batch(OF(pool), THE_SCOPE, NULL, 0, TAIL))                  \
  X(pool_describe, 1 << POOL,                                                                      \
    creche_pool_describe(OF(pool), THE_SCOPE, "select 1", NULL, 0, TAIL))                          \
  X(connection_execute_many, 1 << CONNECTION,                                                      \
    creche_connection_execute_many(OF(connection), THE_SCOPE, "select 1", NULL, 0, 1, TAIL))       \
  X(connection_batch, 1 << CONNECTION,                                                             \
    creche_connection_batch(OF(connection), THE_SCOPE, NULL, 0, TAIL))                             \
  X(connection_describe, 1 << CONNECTION,                                                          \
    creche_connection_describe(OF(connection), THE_SCOPE, "select 1", NULL, 0, TAIL))              \
  X(cursor_open, 1 << CONNECTION,                                                                  \
    creche_cursor_open(OF(connection), THE_SCOPE, "c", "select 1", NULL, 0, TAIL))                 \
  X(cursor_fetch, 1 << CONNECTION, creche_cursor_fetch(OF(connection), THE_SCOPE, "c", 1, TAIL))   \
  X(cursor_move, 1 << CONNECTION, creche_cursor_move(OF(connection), THE_SCOPE, "c", 1, TAIL))     \
  X(cursor_close, 1 << CONNECTION, creche_cursor_close(OF(connection), THE_SCOPE, "c", TAIL))      \
  X(pool_acquire, 1 << POOL, creche_pool_acquire(OF(pool), THE_SCOPE, TAIL))                       \
  X(pool_transaction, 1 << POOL, creche_pool_transaction(OF(pool), THE_SCOPE, see, NULL, TAIL))    \
  X(connection_move, 1 << CONNECTION, creche_connection_move(OF(connection), THE_SCOPE))           \
  X(connection_query, 1 << CONNECTION,                                                             \
    creche_connection_query(OF(connection), THE_SCOPE, "select 1", NULL, 0, TAIL))                 \
  X(connection_stream, 1 << CONNECTION,                                                            \
    creche_connection_stream(OF(connection), THE_SCOPE, "select 1", NULL, 0, TAIL))                \
  X(connection_script, 1 << CONNECTION,                                                            \
    creche_connection_script(OF(connection), THE_SCOPE, "select 1", TAIL))                         \
  X(connection_begin, 1 << CONNECTION, creche_connection_begin(OF(connection), THE_SCOPE, TAIL))   \
  X(connection_commit, 1 << CONNECTION, creche_connection_commit(OF(connection), THE_SCOPE, TAIL)) \
  X(connection_rollback, 1 << CONNECTION,                                                          \
    creche_connection_rollback(OF(connection), THE_SCOPE, TAIL))                                   \
  X(rows_block, 1 << ROWS, found(creche_rows_block(OF(rows))))                                     \
  X(limiter_acquire, 1 << LIMITER, creche_limiter_acquire(OF(limiter), THE_SCOPE, 0, TAIL))        \
  X(limiter_try, 1 << LIMITER, creche_limiter_try(OF(limiter), THE_SCOPE, 0, &out.token))          \
  X(limiter_set_total, 1 << LIMITER, creche_limiter_set_total(OF(limiter), 1))                     \
  X(limiter_get_state, 1 << LIMITER,                                                               \
    creche_limiter_get_state(OF(limiter), &out.limiter_state, sizeof out.limiter_state))           \
  X(limiter_of_offload, 1 << LIMITER | OR_NONE, offload_under(id))                                 \
  X(token_move, 1 << TOKEN, creche_token_move(OF(token), THE_SCOPE))                               \
  X(rate_acquire, 1 << RATE, creche_rate_acquire(OF(rate), THE_SCOPE, 1, TAIL))                    \
  X(rate_try, 1 << RATE, creche_rate_try(OF(rate), 1))                                             \
  X(rate_pause, 1 << RATE, creche_rate_pause(OF(rate), 0))                                         \
  X(rate_resume, 1 << RATE, creche_rate_resume(OF(rate)))                                          \
  X(rate_get_state, 1 << RATE,                                                                     \
    creche_rate_get_state(OF(rate), &out.rate_state, sizeof out.rate_state))                       \
  X(event_wait, 1 << EVENT, creche_event_wait(OF(event), THE_SCOPE, TAIL))                         \
  X(event_set, 1 << EVENT, creche_event_set(OF(event)))                                            \
  X(event_is_set, 1 << EVENT, creche_event_is_set(OF(event)))                                      \
  X(channel_send, 1 << SENDER, creche_channel_send(OF(sender), THE_SCOPE, 0, TAIL))                \
  X(channel_try_send, 1 << SENDER, creche_channel_try_send(OF(sender), 0))                         \
  X(sender_clone, 1 << SENDER, creche_sender_clone(OF(sender), &out.sender))                       \
  X(sender_get_state, 1 << SENDER,                                                                 \
    creche_sender_get_state(OF(sender), &out.channel_state, sizeof out.channel_state))             \
  X(channel_receive, 1 << RECEIVER, creche_channel_receive(OF(receiver), THE_SCOPE, TAIL))         \
  X(channel_try_receive, 1 << RECEIVER, creche_channel_try_receive(OF(receiver), &out.item))       \
  X(channel_put_back, 1 << RECEIVER, creche_channel_put_back(OF(receiver), 0))                     \
  X(receiver_clone, 1 << RECEIVER, creche_receiver_clone(OF(receiver), &out.receiver))             \
  X(cookie_jar_set, 1 << COOKIE_JAR, creche_cookie_jar_set(OF(cookie_jar), &a_cookie))             \
  X(cookie_jar_receive, 1 << COOKIE_JAR,                                                           \
    creche_cookie_jar_receive(OF(cookie_jar), "http://h/", "a=b"))                                 \
  X(cookie_jar_get, 1 << COOKIE_JAR,                                                               \
    creche_cookie_jar_get(OF(cookie_jar), "http://x/", out.text, sizeof out.text, &out.size))      \
  X(cookie_jar_each, 1 << COOKIE_JAR, creche_cookie_jar_each(OF(cookie_jar), see_cookie, NULL))    \
  X(cookie_jar_clear, 1 << COOKIE_JAR, creche_cookie_jar_clear(OF(cookie_jar), NULL))              \
  X(cookie_jar_export, 1 << COOKIE_JAR,                                                            \
    creche_cookie_jar_export(OF(cookie_jar), CRECHE_COOKIES_JSON, NULL, 0, &out.size))             \
  X(cookie_jar_import, 1 << COOKIE_JAR,                                                            \
    creche_cookie_jar_import(OF(cookie_jar), CRECHE_COOKIES_JSON, "[]", 2))                        \
  X(cookie_jar_save, 1 << COOKIE_JAR,                                                              \
    creche_cookie_jar_save(OF(cookie_jar), CRECHE_COOKIES_JSON, "/dev/null/none"))                 \
  X(cookie_jar_load, 1 << COOKIE_JAR,                                                              \
    creche_cookie_jar_load(OF(cookie_jar), CRECHE_COOKIES_JSON, "/dev/null/none"))                 \
  X(jar_of_session, 1 << COOKIE_JAR | OR_NONE, session_with(id))                                   \
  X(fetch_in, 1 << SESSION,                                                                        \
    creche_fetch_in(OF(session), THE_SCOPE, "http://h/", NULL, &out.response))                     \
  X(fetch_in_in, ANY_SCOPE | OR_NONE,                                                              \
    creche_fetch_in(THE(session, SESSION), OF_SCOPE, "http://h/", NULL, &out.response))            \
  X(query, 1 << POOL, creche_query(OF(pool), "select 1", NULL, 0, NULL, &out.rows))                \
  X(execute, 1 << POOL, creche_execute(OF(pool), "select 1", NULL, 0, NULL, NULL))                 \
  X(query_in, 1 << POOL,                                                                           \
    creche_query_in(OF(pool), THE_SCOPE, "select 1", NULL, 0, NULL, &out.rows))                    \
  X(query_in_in, ANY_SCOPE | OR_NONE,                                                              \
    creche_query_in(THE(pool, POOL), OF_SCOPE, "select 1", NULL, 0, NULL, &out.rows))              \
  X(execute_in, 1 << POOL,                                                                         \
    creche_execute_in(OF(pool), THE_SCOPE, "select 1", NULL, 0, NULL, NULL))                       \
  X(execute_in_in, ANY_SCOPE | OR_NONE,                                                            \
    creche_execute_in(THE(pool, POOL), OF_SCOPE, "select 1", NULL, 0, NULL, NULL))                 \
  X(script, 1 << POOL, creche_script(OF(pool), "select 1", NULL))                                  \
  X(begin, 1 << POOL, creche_begin(OF(pool), THE_SCOPE, NULL, &out.connection))                    \
  X(begin_in, ANY_SCOPE | OR_NONE, creche_begin(THE(pool, POOL), OF_SCOPE, NULL, &out.connection)) \
  X(query_on, 1 << CONNECTION,                                                                     \
    creche_query_on(OF(connection), THE_SCOPE, "select 1", NULL, 0, NULL, &out.rows))              \
  X(execute_on, 1 << CONNECTION,                                                                   \
    creche_execute_on(OF(connection), THE_SCOPE, "select 1", NULL, 0, NULL, NULL))                 \
  X(commit, 1 << CONNECTION, creche_commit(OF(connection), NULL))                                  \
  X(write_metrics, 1 << LOOP, creche_write_metrics(&OF_LOOP, 1, 0, NULL, 0, &out.size))            \
  X(session_set_name, 1 << SESSION, creche_session_set_name(OF(session), "a"))                     \
  X(pool_set_name, 1 << POOL, creche_pool_set_name(OF(pool), "a"))                                 \
  X(response_body, 1 << RESPONSE, found(creche_response_body(OF(response), &out.size)))            \
  X(receiver_get_state, 1 << RECEIVER,                                                             \
    creche_receiver_get_state(OF(receiver), &out.channel_state, sizeof out.channel_state))

#define FUNCTION(name, takes, ...)                \
  static creche_status call_##name(uint64_t id) { \
    return __VA_ARGS__;                           \
  }
#define ENTRY(name, takes, ...) {#name, takes, call_##name},
CALLS(FUNCTION)
static const struct {
  const char* name;
  int takes;
  creche_status (*call)(uint64_t id);
} calls[] = {CALLS(ENTRY)};
enum { COUNT = sizeof calls / sizeof *calls };

/* Every release, of any handle; of another kind, or a second time, it does nothing. */
static void release_as_everything(uint64_t id) {
  creche_queue_release(OF(queue));
  creche_session_release(OF(session));
  creche_response_release(OF(response));
  creche_pool_release(OF(pool));
  creche_connection_release(OF(connection));
  creche_rows_release(OF(rows));
  creche_limiter_release(OF(limiter));
  creche_token_release(OF(token));
  creche_rate_release(OF(rate));
  creche_event_release(OF(event));
  creche_sender_release(OF(sender));
  creche_receiver_release(OF(receiver));
  creche_cookie_jar_release(OF(cookie_jar));
  creche_tls_release(OF(tls));
  creche_value_release(id);
}

/* Calls number `i`. 0 if the answer is `wanted`, explained with `text`, and errno stays; else
 * prints what is wrong. */
static int wrong(int i, uint64_t id, creche_status wanted, const char* text) {
  creche_status status;
  errno = 12345;
  status = calls[i].call(id);
  if (status == wanted && errno == 12345 &&
      (calls[i].takes & SILENT || (creche_last_error()->status == wanted &&
                                   strstr(creche_last_error()->message, text) != NULL)))
    return 0;
  fprintf(stderr, "%s of %016llx, errno %d: %s instead of %s; not \"%s\" but: %s\n", calls[i].name,
          (unsigned long long)id, errno, creche_status_name(status), creche_status_name(wanted),
          text, creche_last_error()->message);
  return 1;
}

/* ---- The handles ---- */
static void head_only(support_peer* peer, void* user) {
  (void)user;
  if (support_expect_request(peer))
    support_send_text(peer, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\nA: b\r\n\r\n");
  support_await_close(peer);
}

/* The value of the next completion in `told`, which is kept. */
static uint64_t next_value(void) {
  creche_completion c;
  uint64_t value;
  size_t n;
  OK(creche_queue_wait(told, &c, 1, PATIENCE, &n));
  if (c.status != CRECHE_OK) fail_msg("%s", creche_error_message(c.error));
  value = c.value;
  c.flags &= ~(uint32_t)CRECHE_OWNED;
  creche_completions_release(&c, 1);
  return value;
}

static void open_one_of_each(uint64_t* ids) {
  const creche_loop l = {{live[LOOP]}};
  creche_request_options request;
  creche_query_options query;
  creche_task_options t = task_options();
  t.queue = told;
  creche_request_options_init(&request, sizeof request);
  creche_query_options_init(&query, sizeof query);
  request.task = query.task = &t;
  OK(creche_scope_open(l.scope, NULL, &out.scope));
  ids[SCOPE] = out.scope.id;
  OK(creche_group_open(l.scope, NULL, creche_nobody, NULL, &out.group));
  ids[GROUP] = out.group.scope.id;
  OK(creche_sleep_until(l.scope, CRECHE_NEVER, TAIL));
  ids[TASK] = out.task.scope.id;
  OK(creche_queue_open(l, NULL, &out.queue));
  ids[QUEUE] = out.queue.id;
  OK(creche_session_open(l, NULL, &out.session));
  ids[SESSION] = out.session.id;
  OK(creche_session_send(out.session, l.scope, support_hostile_url(web), &request, NULL, NULL,
                         NULL));
  ids[RESPONSE] = next_value();
  OK(creche_pool_open(l, support_postgres_url(postgres), NULL, &out.pool));
  ids[POOL] = out.pool.id;
  OK(creche_pool_acquire(out.pool, l.scope, &t, NULL, NULL, NULL));
  ids[CONNECTION] = next_value();
  OK(creche_pool_query(out.pool, l.scope, "select 1", NULL, 0, &query, NULL, NULL, NULL));
  ids[ROWS] = next_value();
  OK(creche_limiter_open(l, NULL, &out.limiter));
  ids[LIMITER] = out.limiter.id;
  OK(creche_limiter_try(out.limiter, l.scope, 0, &out.token));
  ids[TOKEN] = out.token.id;
  OK(creche_rate_open(l, NULL, &out.rate));
  ids[RATE] = out.rate.id;
  OK(creche_event_open(l, NULL, &out.event));
  ids[EVENT] = out.event.id;
  OK(creche_channel_open(l, NULL, &out.sender, &out.receiver));
  ids[SENDER] = out.sender.id;
  ids[RECEIVER] = out.receiver.id;
  OK(creche_cookie_jar_open(NULL, &out.jar));
  ids[COOKIE_JAR] = out.jar.id;
  creche_tls_options tls;
  OK(creche_tls_options_init(&tls, sizeof tls));
  tls.flags = CRECHE_TLS_INSECURE;
  OK(creche_tls_open(&tls, &out.tls));
  ids[TLS] = out.tls.id;
}

static void end_all(uint64_t* ids) {
  creche_group_options g = group_options();
  creche_group group;
  int i;
  OK(creche_scope_cancel((creche_scope){ids[TASK]}, NULL));
  OK(creche_scope_leave((creche_scope){ids[SCOPE]}, NULL));
  OK(creche_group_close((creche_group){{ids[GROUP]}}));
  for (i = QUEUE; i < KINDS; i++) release_as_everything(ids[i]);
  /* The task's and the group's last deliveries come before that of a group that is opened now. */
  g.flags = CRECHE_GROUP_JOINABLE;
  OK(creche_group_open((creche_scope){live[LOOP]}, &g, NULL, NULL, &group));
  OK(creche_group_join(group, PATIENCE, NULL));
}

static int set_up(void** state) {
  creche_loop l;
  (void)state;
  postgres = support_postgres_start(NULL);
  web = support_hostile_start(head_only, NULL);
  if (postgres == NULL || web == NULL) return -1;
  OK(creche_loop_open(NULL, &l));
  dead[LOOP] = l.scope.id;
  OK(creche_loop_close(l));
  OK(creche_loop_join(l, PATIENCE));
  OK(creche_loop_open(NULL, &l));
  live[LOOP] = l.scope.id;
  OK(creche_queue_open(l, NULL, &told));
  open_one_of_each(dead);
  end_all(dead);
  open_one_of_each(live);
  return 0;
}

static int tear_down(void** state) {
  const creche_loop l = {{live[LOOP]}};
  (void)state;
  end_all(live);
  creche_queue_release(told);
  OK(creche_loop_close(l));
  OK(creche_loop_join(l, PATIENCE));
  support_hostile_stop(web);
  support_postgres_stop(postgres);
  return 0;
}

/* ---- The tests ---- */
static uint64_t started(void) {
  OK(creche_loop_get_counters((creche_loop){{live[LOOP]}}, &out.loop_counters,
                              sizeof out.loop_counters));
  return out.loop_counters.started;
}

static void null_for_every_function(void** state) {
  const uint64_t before = started();
  int i, failures = 0;
  (void)state;
  for (i = 0; i < COUNT; i++)
    if (!(calls[i].takes & OR_NONE)) failures += wrong(i, 0, CRECHE_E_BAD_HANDLE, "null");
  release_as_everything(0);
  assert_int_equal(failures, 0);
  assert_int_equal(started(), before);
}

static void every_wrong_kind(void** state) {
  const uint64_t before = started();
  int i, kind, failures = 0;
  (void)state;
  for (kind = 0; kind < KINDS; kind++)
    for (i = 0; i < COUNT; i++)
      if (!(calls[i].takes & 1 << kind)) {
        failures += wrong(i, live[kind], CRECHE_E_BAD_HANDLE, kind_names[kind]);
        failures += wrong(i, dead[kind], CRECHE_E_BAD_HANDLE, kind_names[kind]);
      }
  assert_int_equal(failures, 0);
  assert_int_equal(started(), before);
}

static void every_kind_has_ended(void** state) {
  const uint64_t before = started();
  int i, kind, failures = 0;
  (void)state;
  for (kind = 0; kind < KINDS; kind++)
    for (i = 0; i < COUNT; i++)
      if (calls[i].takes & 1 << kind)
        failures += wrong(i, dead[kind], CRECHE_E_ENDED, kind_names[kind]);
  for (kind = 0; kind < KINDS; kind++) release_as_everything(dead[kind]);
  assert_int_equal(failures, 0);
  assert_int_equal(started(), before);
}

/* Releasing something as another kind does nothing to it. */
static void released_as_another_kind(void** state) {
  int kind;
  (void)state;
  for (kind = 0; kind < QUEUE; kind++) release_as_everything(live[kind]); /* never released */
  OK(creche_now((creche_scope){live[SCOPE]}, &out.time));
  OK(creche_now((creche_scope){live[GROUP]}, &out.time));
  OK(creche_now((creche_scope){live[TASK]}, &out.time));
  for (kind = QUEUE; kind < KINDS; kind++) {
    const uint64_t id = live[kind];
    if (kind != QUEUE) creche_queue_release(OF(queue));
    if (kind != SESSION) creche_session_release(OF(session));
    if (kind != RESPONSE) creche_response_release(OF(response));
    if (kind != POOL) creche_pool_release(OF(pool));
    if (kind != CONNECTION) creche_connection_release(OF(connection));
    if (kind != ROWS) creche_rows_release(OF(rows));
    if (kind != LIMITER) creche_limiter_release(OF(limiter));
    if (kind != TOKEN) creche_token_release(OF(token));
    if (kind != RATE) creche_rate_release(OF(rate));
    if (kind != EVENT) creche_event_release(OF(event));
    if (kind != SENDER) creche_sender_release(OF(sender));
    if (kind != RECEIVER) creche_receiver_release(OF(receiver));
    if (kind != COOKIE_JAR) creche_cookie_jar_release(OF(cookie_jar));
    if (kind != TLS) creche_tls_release(OF(tls));
  }
  assert_true(creche_queue_fd(THE(queue, QUEUE)) >= 0);
  OK(call_session_get_counters(live[SESSION]));
  assert_int_equal(creche_response_status(THE(response, RESPONSE)), 200);
  OK(call_pool_get_counters(live[POOL]));
  OK(call_connection_move(live[CONNECTION]));
  assert_non_null(creche_rows_block(THE(rows, ROWS)));
  OK(call_limiter_get_state(live[LIMITER]));
  OK(call_token_move(live[TOKEN]));
  OK(call_rate_get_state(live[RATE]));
  assert_int_equal(creche_event_is_set(THE(event, EVENT)), 0);
  OK(call_sender_get_state(live[SENDER]));
  OK(call_receiver_get_state(live[RECEIVER]));
  OK(call_cookie_jar_clear(live[COOKIE_JAR]));
  OK(call_tls_of_session(live[TLS]));
}

/* In the child: how many answers are wrong. */
static int in_the_child(void) {
  int i, kind, failures = 0;
  for (kind = 0; kind < KINDS; kind++)
    for (i = 0; i < COUNT; i++)
      if (calls[i].takes & 1 << kind) failures += wrong(i, live[kind], CRECHE_E_FORKED, "fork()");
  for (kind = 0; kind < KINDS; kind++) release_as_everything(live[kind]);
  for (i = 0; i < COUNT; i++)
    if (calls[i].takes & 1 << SESSION)
      failures += wrong(i, live[SESSION], CRECHE_E_FORKED, "fork()");
  /* A new loop has new ones of each. */
  {
    creche_loop l;
    creche_request_options request;
    creche_query_options query;
    creche_task_options t;
    creche_completion c;
    size_t n;
    creche_request_options_init(&request, sizeof request);
    creche_query_options_init(&query, sizeof query);
    creche_task_options_init(&t, sizeof t);
    request.task = query.task = &t;
    failures += creche_loop_open(NULL, &l) != CRECHE_OK;
    failures += creche_queue_open(l, NULL, &t.queue) != CRECHE_OK;
    failures += creche_session_open(l, NULL, &out.session) != CRECHE_OK;
    failures += creche_session_send(out.session, l.scope, support_hostile_url(web), &request, NULL,
                                    NULL, NULL) != CRECHE_OK;
    failures += creche_queue_wait(t.queue, &c, 1, PATIENCE, &n) != CRECHE_OK || c.code != 200;
    creche_completions_release(&c, n);
    failures += creche_pool_open(l, support_postgres_url(postgres), NULL, &out.pool) != CRECHE_OK;
    failures += creche_pool_query(out.pool, l.scope, "select 7", NULL, 0, &query, NULL, NULL,
                                  NULL) != CRECHE_OK;
    failures += creche_queue_wait(t.queue, &c, 1, PATIENCE, &n) != CRECHE_OK ||
                creche_row_int4(c.data, 0, 0) != 7;
    creche_completions_release(&c, n);
    failures += creche_loop_close(l) != CRECHE_OK;
    failures += creche_loop_join(l, PATIENCE) != CRECHE_OK;
  }
  failures += creche_loop_abandon((creche_loop){{live[LOOP]}}) != CRECHE_OK;
  return failures;
}
static void every_kind_after_a_fork(void** state) {
  const uint64_t before = started();
  creche_query_options query;
  creche_task_options t = task_options();
  int status;
  pid_t child;
  (void)state;
#ifdef __SANITIZE_THREAD__
  skip(); /* it knows no fork of a process with threads */
#endif
  child = fork();
  assert_true(child >= 0);
  if (child == 0) _exit(in_the_child() != 0);
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
  /* The parent has noticed nothing: its connections are its own. */
  assert_int_equal(started(), before);
  creche_query_options_init(&query, sizeof query);
  t.queue = told;
  query.task = &t;
  OK(creche_connection_query(THE(connection, CONNECTION), THE_SCOPE, "select 1", NULL, 0, &query,
                             NULL, NULL, NULL));
  creche_value_release(next_value());
  assert_int_equal(support_hostile_connections(web), 3);  /* dead, live, and the child's */
  assert_true(support_hostile_await_open(web, 1, 20000)); /* live */
}

/* ---- Nonsense with good handles ---- */
/* Refused in the call: nothing is started, and no handle is stored. */
static void refused_where_something_is_needed(void** state) {
  const creche_connection connection = THE(connection, CONNECTION);
  const creche_response response = THE(response, RESPONSE);
  const uint64_t before = started();
  size_t size = 7;
  (void)state;
#define NO(call)                            \
  do {                                      \
    out.task.scope.id = 1;                  \
    IS(call, CRECHE_E_INVALID);             \
    assert_int_equal(out.task.scope.id, 0); \
  } while (0)
  NO(creche_connection_query(connection, THE_SCOPE, NULL, NULL, 0, TAIL));
  NO(creche_connection_query(connection, THE_SCOPE, "select $1", NULL, 1, TAIL));
  NO(creche_connection_query(connection, THE_SCOPE, "select $1", NULL, SIZE_MAX, TAIL));
  NO(creche_connection_stream(connection, THE_SCOPE, NULL, NULL, 0, TAIL));
  NO(creche_connection_stream(connection, THE_SCOPE, "select $1", NULL, 1, TAIL));
  NO(creche_connection_script(connection, THE_SCOPE, NULL, TAIL));
  NO(creche_rate_acquire(THE(rate, RATE), THE_SCOPE, 0, TAIL));
  NO(creche_rate_acquire(THE(rate, RATE), THE_SCOPE, UINT32_MAX, TAIL));
  NO(creche_sleep(THE_SCOPE, -1, TAIL));
  NO(creche_sleep(THE_SCOPE, INT64_MIN, TAIL));
  NO(creche_task_start((creche_group){{live[GROUP]}}, THE_SCOPE, creche_nobody, NULL, TAIL));
#undef NO
  IS(creche_rate_try(THE(rate, RATE), 0), CRECHE_E_INVALID);
  IS(creche_rate_try(THE(rate, RATE), UINT32_MAX), CRECHE_E_INVALID);
  IS(creche_scope_set_timeout((creche_scope){live[SCOPE]}, -1), CRECHE_E_INVALID);
  IS(creche_scope_set_timeout((creche_scope){live[SCOPE]}, INT64_MIN), CRECHE_E_INVALID);
  IS(creche_scope_set_shield((creche_scope){live[SCOPE]}, 2), CRECHE_E_INVALID);
  IS(creche_scope_set_shield((creche_scope){live[SCOPE]}, UINT32_MAX), CRECHE_E_INVALID);
  IS(creche_group_join((creche_group){{live[GROUP]}}, -1, NULL), CRECHE_E_INVALID);
  IS(creche_group_join_error((creche_group){{live[GROUP]}}, -1, NULL, NULL), CRECHE_E_INVALID);
  IS(creche_clock_advance((creche_loop){{live[LOOP]}}, -1), CRECHE_E_INVALID);
  IS(creche_task_finish((creche_task){{live[TASK]}}, 1, 0, NULL), CRECHE_E_INVALID);
  IS(creche_task_finish((creche_task){{live[TASK]}}, INT32_MAX, 0, NULL), CRECHE_E_INVALID);
  IS(creche_task_answer((creche_task){{live[TASK]}}, CRECHE_OK, NULL, 1, 0, NULL),
     CRECHE_E_INVALID);
  IS(creche_task_answer((creche_task){{live[TASK]}}, CRECHE_OK, NULL, SIZE_MAX, 0, NULL),
     CRECHE_E_INVALID);
  IS(creche_task_answer((creche_task){{live[TASK]}}, 1, NULL, 0, 0, NULL), CRECHE_E_INVALID);
  IS(creche_task_answer((creche_task){{live[TASK]}}, CRECHE_OK, NULL, 0, 64, NULL),
     CRECHE_E_UNSUPPORTED);
  IS(creche_response_header_at(response, 0, NULL), CRECHE_E_INVALID);
  IS(creche_response_header_at(response, SIZE_MAX, &out.header), CRECHE_E_LIMIT);
  IS(creche_response_trailer_at(response, 0, NULL), CRECHE_E_INVALID);
  IS(creche_response_trailer_at(response, SIZE_MAX, &out.header), CRECHE_E_LIMIT);
  assert_null(creche_response_trailer(response, NULL, &size));
  assert_null(creche_response_header(response, NULL, &size));
  assert_int_equal(size, 0);
  assert_null(creche_response_header(response, "", NULL));
  IS(creche_response_get_info(response, NULL, sizeof out.info), CRECHE_E_INVALID);
  IS(creche_queue_drain(THE(queue, QUEUE), NULL, SIZE_MAX, &size), CRECHE_E_INVALID);
  assert_int_equal(started(), before);
}

/* A struct that is filled: as many bytes as the caller has, whatever that is. */
static void the_size_of_what_is_filled(void** state) {
  unsigned char bytes[2 * sizeof(creche_response_info)];
  size_t size, i;
  (void)state;
  for (size = 0; size <= sizeof bytes; size++) {
    memset(bytes, 0xa5, sizeof bytes);
    IS(creche_response_get_info(THE(response, RESPONSE), (void*)bytes, size),
       size < 8 ? CRECHE_E_INVALID : CRECHE_OK);
    for (i = size; i < sizeof bytes; i++) assert_int_equal(bytes[i], 0xa5);
    if (size < 8) continue;
    assert_int_equal(((creche_response_info*)(void*)bytes)->size, size);
    for (i = sizeof(creche_response_info); i < size; i++) assert_int_equal(bytes[i], 0);
  }
}

/* Rows and columns that are not there, and no place for the answer. */
static void cells_that_are_not_there(void** state) {
  static const uint64_t rows[] = {0, 1, UINT32_MAX, UINT64_MAX};
  static const uint32_t columns[] = {0, 1, INT32_MAX, UINT32_MAX};
  const creche_row_block* block = creche_rows_block(THE(rows, ROWS)); /* one row, one column */
  char text[2] = {'x', 'x'};
  size_t size;
  int r, c;
  (void)state;
  for (r = 0; r < 4; r++)
    for (c = 0; c < 4; c++) {
      const int there = r == 0 && c == 0;
      const creche_status number = there ? CRECHE_OK : CRECHE_E_INVALID;
      const creche_status other = there ? CRECHE_E_TYPE : CRECHE_E_INVALID;
      int32_t narrow;
      int64_t wide;
      double real;
      const char* view;
      const void* bytes;
      IS(creche_row_get_int4(block, rows[r], columns[c], &narrow), number);
      IS(creche_row_get_int8(block, rows[r], columns[c], &wide), number);
      IS(creche_row_get_float8(block, rows[r], columns[c], &real), number);
      IS(creche_row_get_format(block, rows[r], columns[c], text, 2, NULL), number);
      IS(creche_row_get_bool(block, rows[r], columns[c], &narrow), other);
      IS(creche_row_get_timestamptz(block, rows[r], columns[c], &wide), other);
      IS(creche_row_get_text(block, rows[r], columns[c], &view, &size), other);
      IS(creche_row_get_bytes(block, rows[r], columns[c], &bytes, &size), other);
      text[1] = 'x';
      size = 7;
      assert_int_equal(creche_row_is_null(block, rows[r], columns[c]), !there);
      assert_int_equal(creche_row_int4(block, rows[r], columns[c]), there);
      assert_int_equal(creche_row_int8(block, rows[r], columns[c]), there);
      assert_int_equal(creche_row_bool(block, rows[r], columns[c]), 0);
      assert_true(creche_row_float8(block, rows[r], columns[c]) == there);
      assert_null(creche_row_text(block, rows[r], columns[c], &size)); /* it is a number */
      assert_int_equal(size, 0);
      assert_null(creche_row_bytes(block, rows[r], columns[c], NULL));
      assert_int_equal(creche_row_format(block, rows[r], columns[c], NULL, 0), there);
      assert_int_equal(creche_row_format(block, rows[r], columns[c], text, 1), there);
      assert_int_equal(text[0], 0);
      assert_int_equal(text[1], 'x');
      assert_int_equal(creche_row_column_name(block, columns[c]) != NULL, c == 0);
      assert_int_equal(creche_row_column_type(block, columns[c]) != 0, c == 0);
    }
  assert_int_equal(creche_row_column_index(block, NULL), -1);
  assert_int_equal(creche_row_column_index(block, ""), -1);
}

static const creche_error* an_error(void) {
  const creche_error* error;
  OK(creche_error_new(CRECHE_E_USER, "", NULL, NULL, NULL, &error));
  return error;
}

/* Of errors, statuses and values that nobody has made. */
static void what_needs_no_handle(void** state) {
  static const creche_status statuses[] = {1, -999, -1000, INT32_MIN, INT32_MAX};
  const creche_error* error = an_error();
  const creche_error* leaf = NULL;
  size_t i;
  (void)state;
  for (i = 0; i < sizeof statuses / sizeof *statuses; i++)
    assert_non_null(creche_status_name(statuses[i]));
  assert_non_null(creche_error_message(NULL));
  assert_int_equal(creche_error_is_retryable(NULL), 0);
  assert_null(creche_error_keep(NULL));
  creche_error_release(NULL);
  assert_int_equal(creche_error_flatten(NULL, &leaf, 1), 0);
  assert_int_equal(creche_error_flatten(error, NULL, SIZE_MAX), 1);
  assert_int_equal(creche_error_flatten(error, &leaf, 0), 1);
  assert_null(leaf);
  creche_error_release(error);
  IS(creche_error_new(CRECHE_E_USER, NULL, NULL, NULL, NULL, &error), CRECHE_E_INVALID);
  assert_null(error);
  IS(creche_error_new(CRECHE_OK, "", NULL, NULL, NULL, &error), CRECHE_E_INVALID);
  IS(creche_error_new(INT32_MAX, "", NULL, NULL, NULL, &error), CRECHE_E_INVALID);
  creche_value_release(UINT64_MAX);
  creche_completions_release(NULL, 3);
}

/* The ends of what is legal. */
static void huge_but_legal(void** state) {
  const creche_scope scope = {live[SCOPE]};
  (void)state;
  OK(creche_scope_set_deadline(scope, INT64_MAX));
  OK(creche_scope_set_timeout(scope, INT64_MAX - 1));
  OK(creche_scope_set_timeout(scope, CRECHE_NEVER));
  OK(creche_limiter_set_total(THE(limiter, LIMITER), UINT32_MAX));
  OK(creche_limiter_set_total(THE(limiter, LIMITER), 0));
  OK(creche_limiter_set_total(THE(limiter, LIMITER), 1));
  OK(creche_limiter_acquire(THE(limiter, LIMITER), THE_SCOPE, UINT64_MAX, TAIL));
  IS(creche_limiter_try(THE(limiter, LIMITER), THE_SCOPE, UINT64_MAX, &out.token), CRECHE_E_STATE);
  OK(creche_scope_cancel(out.task.scope, NULL));
  OK(creche_rate_pause(THE(rate, RATE), INT64_MIN));
  OK(creche_rate_pause(THE(rate, RATE), INT64_MAX));
  OK(creche_rate_resume(THE(rate, RATE)));
  OK(creche_sleep(THE_SCOPE, INT64_MAX, TAIL));
  OK(creche_scope_cancel(out.task.scope, NULL));
  OK(creche_sleep_until(THE_SCOPE, INT64_MIN, TAIL));
  OK(creche_response_read(THE(response, RESPONSE), THE_SCOPE, SIZE_MAX, TAIL));
  OK(creche_scope_cancel(out.task.scope, NULL));
  OK(creche_connection_query(THE(connection, CONNECTION), THE_SCOPE, "", NULL, 0, TAIL));
  OK(creche_connection_script(THE(connection, CONNECTION), THE_SCOPE, "", TAIL));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(null_for_every_function),
      cmocka_unit_test(every_wrong_kind),
      cmocka_unit_test(every_kind_has_ended),
      cmocka_unit_test(released_as_another_kind),
      cmocka_unit_test(every_kind_after_a_fork),
      cmocka_unit_test(refused_where_something_is_needed),
      cmocka_unit_test(the_size_of_what_is_filled),
      cmocka_unit_test(cells_that_are_not_there),
      cmocka_unit_test(what_needs_no_handle),
      cmocka_unit_test(huge_but_legal),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}

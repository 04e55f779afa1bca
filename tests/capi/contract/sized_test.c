/* Sized structs that callers fill: from before they grew, as they are, and of later versions. */
#include "support/core.h"
enum { CANARY = 0xa5, ROOM = 1024 };
typedef union room {
  unsigned char bytes[ROOM];
  creche_loop_options loop;
  creche_scope_options scope;
  creche_group_options group;
  creche_task_options task;
  creche_queue_options queue;
  creche_offload_options offload;
  creche_limiter_options limiter;
  creche_rate_options rate;
  creche_event_options event;
  creche_channel_options channel;
  creche_start_options start;
  creche_hooks hooks;
  creche_session_options session;
  creche_request_options request;
  creche_retry retry;
  creche_cookie_jar_options cookie_jar;
  creche_pool_options pool;
  creche_query_options query;
  creche_transaction_options transaction;
  creche_events_options events;
  creche_websocket_options websocket;
  creche_tls_options tls;
  creche_copy_options copy;
  creche_listen_options listen;
  creche_batch_options batch;
  creche_watch watch;
  creche_middleware middleware;
  creche_pool_calls pool_calls;
  creche_socket_options sockets;
  creche_threads_options threads;
  creche_log log;
} room;

/* Each struct behind one interface. */
typedef struct kind {
  const char* name;
  size_t size;
  size_t least; /* as it was when it first came: what callers who were built then say, for ever */
  creche_status (*init)(room* r, size_t size);
  creche_status (*use)(const room* r);
} kind;

static seen unused;
#define INIT(name, type)                                   \
  static creche_status init_##name(room* r, size_t size) { \
    return type##_init((type*)r, size);                    \
  }
INIT(loop, creche_loop_options)
INIT(scope, creche_scope_options)
INIT(group, creche_group_options)
INIT(task, creche_task_options)
INIT(queue, creche_queue_options)
INIT(offload, creche_offload_options)
INIT(limiter, creche_limiter_options)
INIT(rate, creche_rate_options)
INIT(event, creche_event_options)
INIT(channel, creche_channel_options)
INIT(start, creche_start_options)
INIT(hooks, creche_hooks)
INIT(session, creche_session_options)
INIT(request, creche_request_options)
INIT(cookie_jar, creche_cookie_jar_options)
INIT(retry, creche_retry)
INIT(pool, creche_pool_options)
INIT(query, creche_query_options)
INIT(transaction, creche_transaction_options)
INIT(events, creche_events_options)
INIT(websocket, creche_websocket_options)
INIT(tls, creche_tls_options)
INIT(copy, creche_copy_options)
INIT(listen, creche_listen_options)
INIT(batch, creche_batch_options)
INIT(watch, creche_watch)
INIT(middleware, creche_middleware)
INIT(pool_calls, creche_pool_calls)
INIT(sockets, creche_socket_options)
INIT(threads, creche_threads_options)
INIT(log, creche_log)
static creche_status use_loop(const room* r) {
  creche_loop opened;
  creche_status status = creche_loop_open(&r->loop, &opened);
  if (status != CRECHE_OK) return status;
  creche_loop_close(opened);
  return creche_loop_join(opened, PATIENCE);
}
static creche_status use_scope(const room* r) {
  creche_scope scope;
  creche_status status = creche_scope_open(loop.scope, &r->scope, &scope);
  return status != CRECHE_OK ? status : creche_scope_leave(scope, NULL);
}
static creche_status use_group(const room* r) {
  creche_group group;
  creche_status status = creche_group_open(loop.scope, &r->group, NULL, NULL, &group);
  return status != CRECHE_OK ? status : creche_group_close(group);
}
static creche_status use_task(const room* r) {
  return creche_sleep(loop.scope, 0, &r->task, see, &unused, NULL);
}
static creche_status use_queue(const room* r) {
  creche_queue queue;
  creche_status status = creche_queue_open(loop, &r->queue, &queue);
  creche_queue_release(queue);
  return status;
}
static creche_status nothing(void* arg, creche_task task, uint64_t* value) {
  (void)arg;
  (void)task;
  *value = 0;
  return CRECHE_OK;
}
static creche_status use_offload(const room* r) {
  return creche_offload(loop.scope, nothing, NULL, &r->offload, NULL, NULL, NULL);
}
static creche_status use_limiter(const room* r) {
  creche_limiter limiter;
  creche_status status = creche_limiter_open(loop, &r->limiter, &limiter);
  creche_limiter_release(limiter);
  return status;
}
static creche_status use_rate(const room* r) {
  creche_rate rate;
  creche_status status = creche_rate_open(loop, &r->rate, &rate);
  creche_rate_release(rate);
  return status;
}
static creche_status use_event(const room* r) {
  creche_event event;
  creche_status status = creche_event_open(loop, &r->event, &event);
  creche_event_release(event);
  return status;
}
static creche_status use_channel(const room* r) {
  creche_sender sender;
  creche_receiver receiver;
  creche_status status = creche_channel_open(loop, &r->channel, &sender, &receiver);
  creche_sender_release(sender);
  creche_receiver_release(receiver);
  return status;
}
static creche_status use_cookie_jar(const room* r) {
  creche_cookie_jar jar;
  creche_status status = creche_cookie_jar_open(&r->cookie_jar, &jar);
  creche_cookie_jar_release(jar);
  return status;
}
static creche_status use_start(const room* r) {
  creche_group group;
  creche_status status = creche_group_open(loop.scope, NULL, creche_nobody, NULL, &group);
  if (status != CRECHE_OK) return status;
  status = creche_task_start(group, loop.scope, body_succeeds, &unused, &r->start, creche_nobody,
                             NULL, NULL);
  creche_group_close(group);
  return status;
}
static creche_status use_hooks(const room* r) {
  creche_loop_options o;
  creche_loop opened;
  creche_loop_options_init(&o, sizeof o);
  o.hooks = &r->hooks;
  creche_status status = creche_loop_open(&o, &opened);
  if (status != CRECHE_OK) return status;
  creche_loop_close(opened);
  return creche_loop_join(opened, PATIENCE);
}
static creche_status use_session(const room* r) {
  creche_session session;
  creche_status status = creche_session_open(loop, &r->session, &session);
  creche_session_release(session);
  return status;
}
/* What is started with these fails, or is closed before it gets anywhere. */
static creche_status use_request(const room* r) {
  creche_session session;
  creche_status status = creche_session_open(loop, NULL, &session);
  if (status != CRECHE_OK) return status;
  status = creche_session_fetch(session, loop.scope, "http://127.0.0.1:1/", &r->request,
                                creche_nobody, NULL, NULL);
  if (creche_session_send(session, loop.scope, "http://127.0.0.1:1/", &r->request, creche_nobody,
                          NULL, NULL) != status)
    status = 1;
  creche_session_release(session);
  return status;
}
static creche_status use_retry(const room* r) {
  creche_session_options o;
  creche_session session;
  creche_session_options_init(&o, sizeof o);
  o.retry = &r->retry;
  creche_status status = creche_session_open(loop, &o, &session);
  creche_session_release(session);
  return status;
}
static creche_status use_pool(const room* r) {
  creche_pool pool;
  creche_status status = creche_pool_open(loop, "host=127.0.0.1 port=1", &r->pool, &pool);
  creche_pool_release(pool);
  return status;
}
static creche_status use_query(const room* r) {
  creche_pool pool;
  creche_status status = creche_pool_open(loop, "host=127.0.0.1 port=1", NULL, &pool);
  if (status != CRECHE_OK) return status;
  status = creche_pool_query(pool, loop.scope, "select 1", NULL, 0, &r->query, creche_nobody, NULL,
                             NULL);
  if (creche_pool_stream(pool, loop.scope, "select 1", NULL, 0, &r->query, creche_nobody, NULL,
                         NULL) != status)
    status = 1;
  creche_pool_release(pool);
  return status;
}
static creche_status use_transaction(const room* r) {
  creche_pool pool;
  creche_status status = creche_pool_open(loop, "host=127.0.0.1 port=1", NULL, &pool);
  if (status != CRECHE_OK) return status;
  status = creche_pool_transaction(pool, loop.scope, body_succeeds, &unused, &r->transaction,
                                   creche_nobody, NULL, NULL);
  creche_pool_release(pool);
  return status;
}
static creche_status use_events(const room* r) {
  creche_session session;
  creche_status status = creche_session_open(loop, NULL, &session);
  if (status != CRECHE_OK) return status;
  status = creche_session_events(session, loop.scope, "http://127.0.0.1:1/", &r->events,
                                 creche_nobody, NULL, NULL);
  creche_session_release(session);
  return status;
}
static creche_status use_websocket(const room* r) {
  creche_session session;
  creche_status status = creche_session_open(loop, NULL, &session);
  if (status != CRECHE_OK) return status;
  status = creche_session_websocket(session, loop.scope, "ws://127.0.0.1:1/", &r->websocket,
                                    creche_nobody, NULL, NULL);
  creche_session_release(session);
  return status;
}
static creche_status use_tls(const room* r) {
  creche_tls tls;
  creche_status status = creche_tls_open(&r->tls, &tls);
  creche_tls_release(tls);
  return status;
}
static creche_status use_watch(const room* r) {
  creche_session_options o;
  creche_session session;
  creche_session_options_init(&o, sizeof o);
  o.watch = &r->watch;
  creche_status status = creche_session_open(loop, &o, &session);
  creche_session_release(session);
  return status;
}
static void decide_at_once(void* user, const creche_turn* turn) {
  (void)user;
  SAY(creche_session_decide(turn->session, turn->id, NULL));
}
static creche_status use_middleware(const room* r) {
  creche_session_options o;
  creche_session session;
  room with_somebody = *r;
  creche_session_options_init(&o, sizeof o);
  if (r->middleware.ask == NULL) with_somebody.middleware.ask = decide_at_once;
  o.middleware = &with_somebody.middleware;
  creche_status status = creche_session_open(loop, &o, &session);
  creche_session_release(session);
  return status;
}
static creche_status use_sockets(const room* r) {
  creche_session_options o;
  creche_session session;
  creche_session_options_init(&o, sizeof o);
  o.sockets = &r->sockets;
  creche_status status = creche_session_open(loop, &o, &session);
  creche_session_release(session);
  return status;
}
static creche_status use_pool_calls(const room* r) {
  creche_pool_options o;
  creche_pool pool;
  creche_pool_options_init(&o, sizeof o);
  o.calls = &r->pool_calls;
  creche_status status = creche_pool_open(loop, "host=127.0.0.1 port=1", &o, &pool);
  creche_pool_release(pool);
  return status;
}
static creche_status use_log(const room* r) {
  creche_loop_options o;
  creche_loop opened;
  creche_loop_options_init(&o, sizeof o);
  o.log = &r->log;
  creche_status status = creche_loop_open(&o, &opened);
  if (status != CRECHE_OK) return status;
  creche_loop_close(opened);
  return creche_loop_join(opened, PATIENCE);
}
static creche_status use_threads(const room* r) {
  const creche_status status = creche_set_threads(&r->threads);
  if (creche_set_threads(NULL) != CRECHE_OK) return 1;
  return status;
}
static creche_status use_copy(const room* r) {
  creche_pool pool;
  creche_status status = creche_pool_open(loop, "host=127.0.0.1 port=1", NULL, &pool);
  if (status != CRECHE_OK) return status;
  status = creche_pool_copy_out(pool, loop.scope, "copy t to stdout", &r->copy, creche_nobody, NULL,
                                NULL);
  creche_pool_release(pool);
  return status;
}
static creche_status use_listen(const room* r) {
  static const char* const channels[] = {"jobs"};
  creche_pool pool;
  creche_status status = creche_pool_open(loop, "host=127.0.0.1 port=1", NULL, &pool);
  if (status != CRECHE_OK) return status;
  status = creche_pool_listen(pool, loop.scope, channels, 1, &r->listen, creche_nobody, NULL, NULL);
  creche_pool_release(pool);
  return status;
}
static creche_status use_batch(const room* r) {
  const creche_batch_item item = {.sql = "select 1"};
  creche_pool pool;
  creche_status status = creche_pool_open(loop, "host=127.0.0.1 port=1", NULL, &pool);
  if (status != CRECHE_OK) return status;
  status = creche_pool_batch(pool, loop.scope, &item, 1, &r->batch, creche_nobody, NULL, NULL);
  creche_pool_release(pool);
  return status;
}
#define KIND(name, type, least) \
  { #type, sizeof(type), least, init_##name, use_##name }
static const kind kinds[] = {
    KIND(loop, creche_loop_options, 80),
    KIND(scope, creche_scope_options, 48),
    KIND(group, creche_group_options, 80),
    KIND(task, creche_task_options, 64),
    KIND(queue, creche_queue_options, 16),
    KIND(offload, creche_offload_options, 32),
    KIND(limiter, creche_limiter_options, 24),
    KIND(rate, creche_rate_options, 32),
    KIND(event, creche_event_options, 16),
    KIND(channel, creche_channel_options, 40),
    KIND(start, creche_start_options, 40),
    KIND(hooks, creche_hooks, 64),
    KIND(session, creche_session_options, 152),
    KIND(request, creche_request_options, 136),
    KIND(retry, creche_retry, 56),
    KIND(cookie_jar, creche_cookie_jar_options, 16),
    KIND(pool, creche_pool_options, 88),
    KIND(query, creche_query_options, 40),
    KIND(transaction, creche_transaction_options, 32),
    KIND(events, creche_events_options, 64),
    KIND(websocket, creche_websocket_options, 56),
    KIND(tls, creche_tls_options, 160),
    KIND(copy, creche_copy_options, 24),
    KIND(listen, creche_listen_options, 32),
    KIND(batch, creche_batch_options, 24),
    KIND(watch, creche_watch, 40),
    KIND(middleware, creche_middleware, 32),
    KIND(pool_calls, creche_pool_calls, 32),
    KIND(sockets, creche_socket_options, 72),
    KIND(threads, creche_threads_options, 32),
    KIND(log, creche_log, 32),
};
enum { KINDS = sizeof kinds / sizeof *kinds };
static void init_writes_only_its_size(void** state) {
  room r;
  size_t k, i;
  (void)state;
  for (k = 0; k < KINDS; k++) {
    memset(&r, CANARY, sizeof r);
    OK(kinds[k].init(&r, kinds[k].size));
    for (i = kinds[k].size; i < ROOM; i++) assert_int_equal(r.bytes[i], CANARY);
    assert_int_equal(r.scope.size, kinds[k].size); /* size is the first field of all */
    assert_int_equal(r.scope.flags, 0);
    OK(kinds[k].use(&r));
  }
}

static void init_refuses(void** state) {
  room r;
  size_t k, size;
  (void)state;
  for (k = 0; k < KINDS; k++) {
    IS(kinds[k].init(NULL, kinds[k].size), CRECHE_E_INVALID);
    for (size = 0; size < kinds[k].least; size++) {
      memset(&r, CANARY, sizeof r);
      IS(kinds[k].init(&r, size), CRECHE_E_INVALID);
      assert_int_equal(r.bytes[0], CANARY);
    }
  }
}

static void too_short(void** state) {
  room r;
  size_t k;
  (void)state;
  for (k = 0; k < KINDS; k++) {
    OK(kinds[k].init(&r, kinds[k].size));
    r.scope.size = (uint32_t)kinds[k].least - 1;
    IS(kinds[k].use(&r), CRECHE_E_INVALID);
    last_error_says(kinds[k].name);
    last_error_says("_init");
    r.scope.size = 0; /* never initialized */
    IS(kinds[k].use(&r), CRECHE_E_INVALID);
  }
}

/* An older caller: what it does not know has its default. */
static void shorter_than_known(void** state) {
  room r;
  size_t k;
  (void)state;
  for (k = 0; k < KINDS; k++) {
    if (kinds[k].least == kinds[k].size) continue;
    memset(&r, CANARY, sizeof r);
    OK(kinds[k].init(&r, kinds[k].least));
    assert_int_equal(r.scope.size, kinds[k].least);
    assert_int_equal(r.bytes[kinds[k].least], CANARY);
    OK(kinds[k].use(&r));
  }
}

/* A newer caller: what it leaves at 0 is accepted, what it sets is refused. */
static void longer_than_known(void** state) {
  room r;
  size_t k;
  (void)state;
  for (k = 0; k < KINDS; k++) {
    memset(&r, CANARY, sizeof r);
    OK(kinds[k].init(&r, kinds[k].size + 16));
    assert_int_equal(r.scope.size, kinds[k].size + 16);
    assert_int_equal(r.bytes[kinds[k].size + 15], 0);
    assert_int_equal(r.bytes[kinds[k].size + 16], CANARY);
    OK(kinds[k].use(&r));
    r.bytes[kinds[k].size + 15] = 1;
    IS(kinds[k].use(&r), CRECHE_E_UNSUPPORTED);
    last_error_says(kinds[k].name);
  }
}

static void unknown_flags(void** state) {
  room r;
  size_t k;
  (void)state;
  for (k = 0; k < KINDS; k++) {
    OK(kinds[k].init(&r, kinds[k].size));
    r.scope.flags = 0x40000000;
    IS(kinds[k].use(&r), CRECHE_E_UNSUPPORTED);
    last_error_says("flags");
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(init_writes_only_its_size), TEST(init_refuses),      TEST(too_short),
      TEST(shorter_than_known),        TEST(longer_than_known), TEST(unknown_flags),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

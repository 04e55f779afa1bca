/* Options: sized structs, in and out; and other arguments that are refused at once. */
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
} room;

/* Each struct behind one interface. */
typedef struct kind {
  const char* name;
  size_t size;
  creche_status (*init)(room* r, size_t size);
  creche_status (*use)(const room* r);
} kind;

static seen unused;
static creche_status init_loop(room* r, size_t size) {
  return creche_loop_options_init((creche_loop_options*)r, size);
}
static creche_status init_scope(room* r, size_t size) {
  return creche_scope_options_init((creche_scope_options*)r, size);
}
static creche_status init_group(room* r, size_t size) {
  return creche_group_options_init((creche_group_options*)r, size);
}
static creche_status init_task(room* r, size_t size) {
  return creche_task_options_init((creche_task_options*)r, size);
}
static creche_status init_queue(room* r, size_t size) {
  return creche_queue_options_init((creche_queue_options*)r, size);
}
static creche_status init_offload(room* r, size_t size) {
  return creche_offload_options_init((creche_offload_options*)r, size);
}
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
static creche_status init_limiter(room* r, size_t size) {
  return creche_limiter_options_init((creche_limiter_options*)r, size);
}
static creche_status init_rate(room* r, size_t size) {
  return creche_rate_options_init((creche_rate_options*)r, size);
}
static creche_status init_event(room* r, size_t size) {
  return creche_event_options_init((creche_event_options*)r, size);
}
static creche_status init_channel(room* r, size_t size) {
  return creche_channel_options_init((creche_channel_options*)r, size);
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
static creche_status init_start(room* r, size_t size) {
  return creche_start_options_init((creche_start_options*)r, size);
}
static creche_status init_hooks(room* r, size_t size) {
  return creche_hooks_init((creche_hooks*)r, size);
}
static creche_status init_session(room* r, size_t size) {
  return creche_session_options_init((creche_session_options*)r, size);
}
static creche_status init_request(room* r, size_t size) {
  return creche_request_options_init((creche_request_options*)r, size);
}
static creche_status init_cookie_jar(room* r, size_t size) {
  return creche_cookie_jar_options_init((creche_cookie_jar_options*)r, size);
}
static creche_status use_cookie_jar(const room* r) {
  creche_cookie_jar jar;
  creche_status status = creche_cookie_jar_open(&r->cookie_jar, &jar);
  creche_cookie_jar_release(jar);
  return status;
}
static creche_status init_retry(room* r, size_t size) {
  return creche_retry_init((creche_retry*)r, size);
}
static creche_status init_pool(room* r, size_t size) {
  return creche_pool_options_init((creche_pool_options*)r, size);
}
static creche_status init_query(room* r, size_t size) {
  return creche_query_options_init((creche_query_options*)r, size);
}
static creche_status init_transaction(room* r, size_t size) {
  return creche_transaction_options_init((creche_transaction_options*)r, size);
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
static const kind kinds[] = {
    {"creche_loop_options", sizeof(creche_loop_options), init_loop, use_loop},
    {"creche_scope_options", sizeof(creche_scope_options), init_scope, use_scope},
    {"creche_group_options", sizeof(creche_group_options), init_group, use_group},
    {"creche_task_options", sizeof(creche_task_options), init_task, use_task},
    {"creche_queue_options", sizeof(creche_queue_options), init_queue, use_queue},
    {"creche_offload_options", sizeof(creche_offload_options), init_offload, use_offload},
    {"creche_limiter_options", sizeof(creche_limiter_options), init_limiter, use_limiter},
    {"creche_rate_options", sizeof(creche_rate_options), init_rate, use_rate},
    {"creche_event_options", sizeof(creche_event_options), init_event, use_event},
    {"creche_channel_options", sizeof(creche_channel_options), init_channel, use_channel},
    {"creche_start_options", sizeof(creche_start_options), init_start, use_start},
    {"creche_hooks", sizeof(creche_hooks), init_hooks, use_hooks},
    {"creche_session_options", sizeof(creche_session_options), init_session, use_session},
    {"creche_request_options", sizeof(creche_request_options), init_request, use_request},
    {"creche_retry", sizeof(creche_retry), init_retry, use_retry},
    {"creche_cookie_jar_options", sizeof(creche_cookie_jar_options), init_cookie_jar,
     use_cookie_jar},
    {"creche_pool_options", sizeof(creche_pool_options), init_pool, use_pool},
    {"creche_query_options", sizeof(creche_query_options), init_query, use_query},
    {"creche_transaction_options", sizeof(creche_transaction_options), init_transaction,
     use_transaction},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

/* What callers from before it grew say. */
static size_t least(size_t k) {
  if (kinds[k].init == init_loop) return offsetof(creche_loop_options, busy_poll);
  if (kinds[k].init == init_pool) return offsetof(creche_pool_options, statement_lifetime);
  if (kinds[k].init == init_session) return offsetof(creche_session_options, base_url);
  if (kinds[k].init == init_request) return offsetof(creche_request_options, params);
  return kinds[k].size;
}

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
    for (size = 0; size < least(k); size++) {
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
    r.scope.size = (uint32_t)least(k) - 1;
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
    if (least(k) == kinds[k].size) continue;
    memset(&r, CANARY, sizeof r);
    OK(kinds[k].init(&r, least(k)));
    assert_int_equal(r.scope.size, least(k));
    assert_int_equal(r.bytes[least(k)], CANARY);
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

static void unknown_numbers(void** state) {
  creche_scope_options s = scope_options();
  creche_group_options g = group_options();
  creche_task_options t = task_options();
  creche_loop_options l;
  creche_scope scope;
  creche_loop opened;
  (void)state;
  s.on_timeout = 2;
  IS(creche_scope_open(loop.scope, &s, &scope), CRECHE_E_UNSUPPORTED);
  s = scope_options();
  s.shield = 2;
  IS(creche_scope_open(loop.scope, &s, &scope), CRECHE_E_INVALID);
  g.policy = 3;
  IS(creche_group_open(loop.scope, &g, NULL, NULL, NULL), CRECHE_E_UNSUPPORTED);
  g = group_options();
  g.grace = -1;
  IS(creche_group_open(loop.scope, &g, NULL, NULL, NULL), CRECHE_E_INVALID);
  g = group_options();
  g.timeout = -1;
  IS(creche_group_open(loop.scope, &g, NULL, NULL, NULL), CRECHE_E_INVALID);
  g.timeout = g.deadline = 1;
  IS(creche_group_open(loop.scope, &g, NULL, NULL, NULL), CRECHE_E_INVALID);
  t.timeout = -1;
  IS(creche_sleep(loop.scope, 0, &t, NULL, NULL, NULL), CRECHE_E_INVALID);
  OK(creche_loop_options_init(&l, sizeof l));
  l.run = 2;
  IS(creche_loop_open(&l, &opened), CRECHE_E_UNSUPPORTED);
  assert_int_equal(opened.scope.id, 0);
  l.run = CRECHE_RUN_CALLER;
  l.done = creche_to_group;
  IS(creche_loop_open(&l, &opened), CRECHE_E_INVALID);
  assert_int_equal(state_of(loop.scope).live, 0);
}

/* Structs that the library fills: as many bytes as the caller has, zeros behind what is known. */
typedef struct filled {
  size_t size;
  creche_status (*look)(void* out, size_t size);
} filled;
static creche_limiter limiter;
static creche_rate rate;
static creche_sender sender;
static creche_receiver receiver;
static creche_session session;
static creche_pool pool;
static creche_status look_scope(void* out, size_t size) {
  return creche_scope_get_state(loop.scope, out, size);
}
static creche_status look_counters(void* out, size_t size) {
  return creche_loop_get_counters(loop, out, size);
}
static creche_status look_lag(void* out, size_t size) {
  return creche_loop_get_lag(loop, out, size);
}
static creche_status look_limiter(void* out, size_t size) {
  return creche_limiter_get_state(limiter, out, size);
}
static creche_status look_rate(void* out, size_t size) {
  return creche_rate_get_state(rate, out, size);
}
static creche_status look_sender(void* out, size_t size) {
  return creche_sender_get_state(sender, out, size);
}
static creche_status look_receiver(void* out, size_t size) {
  return creche_receiver_get_state(receiver, out, size);
}
static creche_status look_session(void* out, size_t size) {
  return creche_session_get_counters(session, out, size);
}
static creche_status look_pool(void* out, size_t size) {
  return creche_pool_get_counters(pool, out, size);
}
static creche_status look_pool_timings(void* out, size_t size) {
  return creche_pool_get_timings(pool, out, size);
}
static const filled all_filled[] = {
    {sizeof(creche_scope_state), look_scope},      {sizeof(creche_loop_counters), look_counters},
    {sizeof(creche_loop_lag), look_lag},           {sizeof(creche_limiter_state), look_limiter},
    {sizeof(creche_rate_state), look_rate},        {sizeof(creche_channel_state), look_sender},
    {sizeof(creche_channel_state), look_receiver}, {sizeof(creche_session_counters), look_session},
    {sizeof(creche_pool_counters), look_pool},     {sizeof(creche_pool_timings), look_pool_timings},
};
static void filled_structs_are_sized(void** state) {
  union {
    unsigned char bytes[sizeof(creche_pool_timings) + ROOM];
    creche_scope_state state; /* all begin with their size */
  } r;
  size_t k, size, i;
  (void)state;
  OK(creche_limiter_open(loop, NULL, &limiter));
  OK(creche_rate_open(loop, NULL, &rate));
  OK(creche_channel_open(loop, NULL, &sender, &receiver));
  OK(creche_session_open(loop, NULL, &session));
  OK(creche_pool_open(loop, "host=127.0.0.1 port=1", NULL, &pool));
  for (k = 0; k < sizeof all_filled / sizeof *all_filled; k++) {
    const filled* f = &all_filled[k];
    IS(f->look(NULL, f->size), CRECHE_E_INVALID);
    for (size = 0; size < f->size + 16; size++) {
      memset(&r, CANARY, sizeof r);
      IS(f->look(&r, size), size < 8 ? CRECHE_E_INVALID : CRECHE_OK);
      for (i = size; i < f->size + 32; i++) assert_int_equal(r.bytes[i], CANARY);
      if (size < 8) continue;
      assert_int_equal(r.state.size, size);
      for (i = f->size; i < size; i++) assert_int_equal(r.bytes[i], 0);
    }
  }
  creche_limiter_release(limiter);
  creche_rate_release(rate);
  creche_sender_release(sender);
  creche_receiver_release(receiver);
  creche_session_release(session);
  creche_pool_release(pool);
}

static void other_arguments(void** state) {
  creche_completion c;
  creche_queue queue;
  size_t n;
  char text[4];
  (void)state;
  OK(creche_queue_open(loop, NULL, &queue));
  IS(creche_queue_drain(queue, &c, 1, NULL), CRECHE_E_INVALID);
  IS(creche_queue_drain(queue, NULL, 1, &n), CRECHE_E_INVALID);
  OK(creche_queue_drain(queue, NULL, 0, &n));
  IS(creche_queue_wait(queue, &c, 1, -1, &n), CRECHE_E_INVALID);
  IS(creche_queue_close(queue, creche_to_group, NULL), CRECHE_E_INVALID);
  creche_queue_release(queue);
  IS(creche_loop_post(loop, NULL, NULL), CRECHE_E_INVALID);
  IS(creche_loop_post(loop, creche_nobody, NULL), CRECHE_E_INVALID);
  IS(creche_loop_poll(loop, -1), CRECHE_E_INVALID);
  IS(creche_loop_join(loop, -1), CRECHE_E_INVALID);
  IS(creche_loop_shutdown(loop, -1), CRECHE_E_INVALID);
  IS(creche_loop_dump(loop, CRECHE_DUMP_TEXT, NULL, 1, &n), CRECHE_E_INVALID);
  IS(creche_loop_dump(loop, CRECHE_DUMP_TEXT, text, sizeof text, &n), CRECHE_E_LIMIT);
  assert_int_equal(text[3], 0);
  assert_true(n > sizeof text);
  IS(creche_loop_dump(loop, CRECHE_DUMP_TEXT, NULL, 0, NULL), CRECHE_E_LIMIT);
  creche_completions_release(NULL, 0);
  creche_value_release(0);
  creche_value_release(loop.scope.id); /* no owned handle: nothing happens */
  OK(creche_loop_post(loop, see, &unused));
  settle();
}

/* Where there is no handle to be stored, nothing to read, nothing to call. */
static void null_where_it_is_not_allowed(void** state) {
  const creche_header no_name = {NULL, "x", 1}, no_value = {"X", NULL, 1};
  const creche_header* headers[2];
  creche_request_options request;
  creche_session_options so;
  creche_completion c;
  creche_queue queue;
  creche_event event;
  creche_error* none = NULL;
  creche_token token;
  seen s = {0};
  creche_task task;
  size_t n;
  int i;
  (void)state;
  headers[0] = &no_name;
  headers[1] = &no_value;
  IS(creche_loop_open(NULL, NULL), CRECHE_E_INVALID);
  IS(creche_scope_open(loop.scope, NULL, NULL), CRECHE_E_INVALID);
  IS(creche_scope_get_context(loop.scope, NULL), CRECHE_E_INVALID);
  IS(creche_now(loop.scope, NULL), CRECHE_E_INVALID);
  IS(creche_queue_open(loop, NULL, NULL), CRECHE_E_INVALID);
  IS(creche_session_open(loop, NULL, NULL), CRECHE_E_INVALID);
  IS(creche_pool_open(loop, "", NULL, NULL), CRECHE_E_INVALID);
  IS(creche_limiter_open(loop, NULL, NULL), CRECHE_E_INVALID);
  IS(creche_rate_open(loop, NULL, NULL), CRECHE_E_INVALID);
  IS(creche_event_open(loop, NULL, NULL), CRECHE_E_INVALID);
  IS(creche_channel_open(loop, NULL, NULL, &receiver), CRECHE_E_INVALID);
  IS(creche_channel_open(loop, NULL, &sender, NULL), CRECHE_E_INVALID);
  IS(creche_error_new(CRECHE_E_USER, "x", NULL, NULL, NULL, NULL), CRECHE_E_INVALID);
  OK(creche_queue_open(loop, NULL, &queue));
  IS(creche_queue_drain(queue, &c, 1, NULL), CRECHE_E_INVALID);
  IS(creche_queue_drain(queue, NULL, 1, &n), CRECHE_E_INVALID);
  IS(creche_queue_wait(queue, &c, 1, 0, NULL), CRECHE_E_INVALID);
  IS(creche_queue_wait(queue, NULL, 1, 0, &n), CRECHE_E_INVALID);
  creche_queue_release(queue);
  OK(creche_limiter_open(loop, NULL, &limiter));
  IS(creche_limiter_try(limiter, loop.scope, 0, NULL), CRECHE_E_INVALID);
  OK(creche_limiter_try(limiter, loop.scope, 0, &token)); /* none was taken */
  creche_token_release(token);
  creche_limiter_release(limiter);
  OK(creche_channel_open(loop, NULL, &sender, &receiver));
  IS(creche_sender_clone(sender, NULL), CRECHE_E_INVALID);
  IS(creche_receiver_clone(receiver, NULL), CRECHE_E_INVALID);
  IS(creche_channel_try_receive(receiver, NULL), CRECHE_E_INVALID);
  creche_sender_release(sender);
  creche_receiver_release(receiver);
  IS(creche_loop_post(loop, NULL, NULL), CRECHE_E_INVALID);
  IS(creche_loop_dump(loop, CRECHE_DUMP_TEXT, NULL, 1, &n), CRECHE_E_INVALID);
  IS(creche_task_spawn(loop.scope, NULL, NULL, NULL, see, &s, &task), CRECHE_E_INVALID);
  IS(creche_task_open(loop.scope, NULL, NULL, NULL, &task), CRECHE_E_INVALID); /* who is told? */
  IS(creche_offload(loop.scope, NULL, NULL, NULL, see, &s, &task), CRECHE_E_INVALID);
  OK(creche_session_open(loop, NULL, &session));
  IS(creche_session_fetch(session, loop.scope, NULL, NULL, see, &s, &task), CRECHE_E_INVALID);
  IS(creche_session_send(session, loop.scope, NULL, NULL, see, &s, &task), CRECHE_E_INVALID);
  for (i = 0; i < 3; i++) {
    OK(creche_request_options_init(&request, sizeof request));
    OK(creche_session_options_init(&so, sizeof so));
    request.headers = so.headers = i < 2 ? headers[i] : NULL;
    request.headers_count = so.headers_count = 1;
    IS(creche_session_fetch(session, loop.scope, "http://h/", &request, see, &s, &task),
       CRECHE_E_INVALID);
    IS(creche_session_open(loop, &so, &session), CRECHE_E_INVALID);
    OK(creche_session_open(loop, NULL, &session));
  }
  OK(creche_request_options_init(&request, sizeof request));
  request.body_size = 1;
  IS(creche_session_fetch(session, loop.scope, "http://h/", &request, see, &s, &task),
     CRECHE_E_INVALID);
  creche_session_release(session);
  OK(creche_pool_open(loop, "", NULL, &pool));
  IS(creche_pool_query(pool, loop.scope, NULL, NULL, 0, NULL, see, &s, &task), CRECHE_E_INVALID);
  IS(creche_pool_stream(pool, loop.scope, NULL, NULL, 0, NULL, see, &s, &task), CRECHE_E_INVALID);
  IS(creche_pool_query(pool, loop.scope, "x", NULL, 1, NULL, see, &s, &task), CRECHE_E_INVALID);
  IS(creche_pool_stream(pool, loop.scope, "x", NULL, 1, NULL, see, &s, &task), CRECHE_E_INVALID);
  IS(creche_pool_transaction(pool, loop.scope, NULL, NULL, NULL, see, &s, &task), CRECHE_E_INVALID);
  creche_pool_release(pool);
  /* Where it is allowed. */
  OK(creche_sleep(loop.scope, 0, NULL, NULL, NULL, NULL));
  OK(creche_event_open(loop, NULL, &event));
  OK(creche_event_wait(event, loop.scope, NULL, NULL, NULL, NULL));
  creche_event_release(event);
  creche_completions_release(NULL, 3);
  creche_error_release(none);
  assert_int_equal(creche_row_is_null(NULL, 0, 0), 1);
  assert_int_equal(creche_row_column_index(NULL, NULL), -1);
  assert_null(creche_row_column_name(NULL, 0));
  assert_int_equal(creche_row_column_type(NULL, 0), 0);
  assert_string_equal(creche_row_type_name(NULL, CRECHE_PG_INT8), "int8");
  assert_null(creche_row_type_name(NULL, 20000));
  assert_int_equal(creche_row_int4(NULL, 0, 0), 0);
  assert_int_equal(creche_row_int8(NULL, 0, 0), 0);
  assert_int_equal(creche_row_bool(NULL, 0, 0), 0);
  assert_true(creche_row_float8(NULL, 0, 0) == 0);
  assert_null(creche_row_text(NULL, 0, 0, NULL));
  assert_null(creche_row_bytes(NULL, 0, 0, NULL));
  assert_int_equal(creche_row_format(NULL, 0, 0, NULL, 0), 0);
  IS(creche_row_get_bool(NULL, 0, 0, NULL), CRECHE_E_INVALID);
  IS(creche_row_get_int4(NULL, 0, 0, NULL), CRECHE_E_INVALID);
  IS(creche_row_get_int8(NULL, 0, 0, NULL), CRECHE_E_INVALID);
  IS(creche_row_get_float8(NULL, 0, 0, NULL), CRECHE_E_INVALID);
  IS(creche_row_get_timestamptz(NULL, 0, 0, NULL), CRECHE_E_INVALID);
  IS(creche_row_get_text(NULL, 0, 0, NULL, NULL), CRECHE_E_INVALID);
  IS(creche_row_get_bytes(NULL, 0, 0, NULL, NULL), CRECHE_E_INVALID);
  IS(creche_row_get_format(NULL, 0, 0, NULL, 0, NULL), CRECHE_E_INVALID);
  settle();
  assert_int_equal(s.finals, 0);
}

/* Inputs are copied: the caller's memory may change after the call. */
static void inputs_are_copied(void** state) {
  char name[] = "copied", text[512];
  creche_group_options g = group_options();
  creche_group group;
  seen s = {0};
  size_t n;
  (void)state;
  g.name = name;
  group = group_in(loop.scope, &g, &s);
  memset(name, 'x', sizeof name - 1);
  memset(&g, CANARY, sizeof g);
  OK(creche_loop_dump(loop, CRECHE_DUMP_TEXT, text, sizeof text, &n));
  assert_non_null(strstr(text, "\"copied\""));
  OK(creche_group_close(group));
  settle();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(init_writes_only_its_size),
      TEST(init_refuses),
      TEST(too_short),
      TEST(shorter_than_known),
      TEST(longer_than_known),
      TEST(unknown_flags),
      TEST(unknown_numbers),
      TEST(filled_structs_are_sized),
      TEST(other_arguments),
      TEST(inputs_are_copied),
      TEST(null_where_it_is_not_allowed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

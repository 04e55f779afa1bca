/* Options: other arguments that are refused at once, and what the library fills. */
#include "support/core.h"

enum { CANARY = 0xa5, ROOM = 1024 };

static seen unused;
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
      TEST(unknown_numbers),   TEST(filled_structs_are_sized),     TEST(other_arguments),
      TEST(inputs_are_copied), TEST(null_where_it_is_not_allowed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

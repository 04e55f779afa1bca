/* Streams: rows as they come, held back by who does not release them. */
#include "pg_test.h"

typedef struct stream_check {
  answer a;
  int64_t next;
  int wrong;
  int blocks;
} stream_check;

static void on_stream(void* user, const creche_completion* c) {
  stream_check* s = user;
  if (c->kind == CRECHE_ROWS) {
    const creche_row_block* b = c->data;
    pthread_mutex_lock(&s->a.lock);
    s->blocks++;
    for (uint64_t r = 0; r < b->row_count; r++)
      if (creche_row_int8(b, r, 0) != s->next++) s->wrong++;
    pthread_cond_broadcast(&s->a.changed);
    pthread_mutex_unlock(&s->a.lock);
    creche_rows_release((creche_rows){c->value});
  } else {
    on_answer(&s->a, c);
  }
}

static void begin(stream_check* s, int64_t first) {
  memset(s, 0, sizeof *s);
  s->next = first;
  answer_init(&s->a);
}

/* Waits for the row with this number. */
static void wait_for_row(stream_check* s, int64_t number) {
  struct timespec until;
  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_sec += 30;
  pthread_mutex_lock(&s->a.lock);
  while (s->next <= number && pthread_cond_timedwait(&s->a.changed, &s->a.lock, &until) == 0) {
  }
  const int64_t next = s->next;
  pthread_mutex_unlock(&s->a.lock);
  if (next <= number) fail_msg("row %" PRId64 " has not come, only %" PRId64, number, next - 1);
}

static void test_stream(void** state) {
  (void)state;
  creche_pool pool = open_pool(1);
  stream_check s;
  begin(&s, 1);
  OK(creche_pool_stream(pool, loop.scope,
                        "select i::int8, 'text ' || i from generate_series(1, 100000) i", NULL, 0,
                        NULL, on_stream, &s, NULL));
  EXPECT(&s.a, CRECHE_OK);
  assert_int_equal(s.next, 100001);
  assert_int_equal(s.wrong, 0);
  assert_int_equal(s.a.code, 100000);
  assert_true(s.blocks >= 25);
  answer_free(&s.a);
  /* An error after rows. */
  begin(&s, -5);
  OK(creche_pool_stream(pool, loop.scope, "select i::int8, 1/i from generate_series(-5, 5) i", NULL,
                        0, NULL, on_stream, &s, NULL));
  EXPECT(&s.a, CRECHE_E_PG);
  assert_int_equal(s.next, 0);
  answer_free(&s.a);
  /* Slow rows come before their block is full. */
  begin(&s, 1);
  creche_task task;
  OK(creche_pool_stream(pool, loop.scope,
                        "select i::int8, repeat('x', 8000), "
                        "pg_sleep(case when i = 50 then 600 else 0 end)::text "
                        "from generate_series(1, 100) i",
                        NULL, 0, NULL, on_stream, &s, &task));
  wait_for_row(&s, 47); /* the server keeps up to 8 KiB */
  OK(creche_scope_cancel(task.scope, NULL));
  EXPECT(&s.a, CRECHE_E_CANCELLED);
  answer_free(&s.a);
  assert_int_equal(number(pool, "select 1"), 1);
  assert_int_equal(counters(pool).connects, 1);
  close_pool(pool);
}

typedef struct holder {
  answer a;
  pthread_mutex_t lock;
  uint64_t held[64];
  int count;
} holder;

static void on_hold(void* user, const creche_completion* c) {
  holder* h = user;
  if (c->kind != CRECHE_ROWS) {
    on_answer(&h->a, c);
    return;
  }
  pthread_mutex_lock(&h->lock);
  if (h->count < 64) h->held[h->count] = c->value;
  h->count++;
  pthread_mutex_unlock(&h->lock);
}

static int held(holder* h) {
  pthread_mutex_lock(&h->lock);
  int n = h->count;
  pthread_mutex_unlock(&h->lock);
  return n;
}

/* A result without rows: no block comes, and so nothing that could tell its columns. */
static void on_nothing(void* user, const creche_completion* c) {
  stream_check* s = user;
  if (c->kind == CRECHE_ROWS || c->data != NULL || c->data_size != 0 || c->value != 0) s->wrong++;
  on_stream(user, c);
}
static void test_empty_streams(void** state) {
  (void)state;
  static const char* const kSql[] = {
      "select 1 as a, 'x' as b where false", "select from generate_series(1, 0)",
      "create table streamed (i int)", "insert into streamed values (1)", "drop table streamed"};
  creche_pool pool = open_pool(1);
  for (size_t i = 0; i < sizeof kSql / sizeof *kSql; i++) {
    stream_check s;
    begin(&s, 1);
    OK(creche_pool_stream(pool, loop.scope, kSql[i], NULL, 0, NULL, on_nothing, &s, NULL));
    EXPECT(&s.a, CRECHE_OK);
    assert_int_equal(s.blocks, 0);
    assert_int_equal(s.wrong, 0);
    assert_int_equal(s.a.code, i == 3 ? 1 : 0);
    answer_free(&s.a);
  }
  close_pool(pool);
}

/* max_bytes is of whole results: a stream has blocks that bound it. */
static void test_max_bytes_bounds_no_stream(void** state) {
  (void)state;
  static const char sql[] = "select i::int8, repeat('x', 1000) from generate_series(1, 2000) i";
  creche_pool pool = open_pool(1);
  creche_query_options o;
  stream_check s;
  answer whole;
  OK(creche_query_options_init(&o, sizeof o));
  o.max_bytes = 1000000;
  begin(&s, 1);
  OK(creche_pool_stream(pool, loop.scope, sql, NULL, 0, &o, on_stream, &s, NULL));
  EXPECT(&s.a, CRECHE_OK);
  assert_int_equal(s.next, 2001);
  assert_true(s.blocks > 1);
  answer_free(&s.a);
  answer_init(&whole);
  OK(creche_pool_query(pool, loop.scope, sql, NULL, 0, &o, on_answer, &whole, NULL));
  EXPECT(&whole, CRECHE_E_LIMIT);
  answer_free(&whole);
  close_pool(pool);
}

static void test_stream_holds_back(void** state) {
  (void)state;
  creche_pool pool = open_pool(1);
  static holder h;
  answer_init(&h.a);
  pthread_mutex_init(&h.lock, NULL);
  creche_query_options o;
  OK(creche_query_options_init(&o, sizeof o));
  o.block_rows = 100;
  o.blocks = 2;
  OK(creche_pool_stream(pool, loop.scope, "select i from generate_series(1, 1000) i", NULL, 0, &o,
                        on_hold, &h, NULL));
  for (int i = 0; i < 10; i++) {
    while (held(&h) < (i + 2 < 10 ? i + 2 : 10)) nap_ms(1);
    if (i < 3) {
      nap_ms(20);
      assert_int_equal(held(&h), i + 2);
    }
    creche_rows_release((creche_rows){h.held[i]});
  }
  EXPECT(&h.a, CRECHE_OK);
  assert_int_equal(h.count, 10);
  answer_free(&h.a);
  /* Cancelled while held back. (In FROM the server would make all rows first.) */
  h.count = 0;
  answer_init(&h.a);
  creche_task task;
  OK(creche_pool_stream(pool, loop.scope, "select generate_series(1, 100000000)", NULL, 0, &o,
                        on_hold, &h, &task));
  while (held(&h) < 2) nap_ms(1);
  OK(creche_scope_cancel(task.scope, NULL));
  EXPECT(&h.a, CRECHE_E_CANCELLED);
  answer_free(&h.a);
  for (int i = 0; i < h.count; i++) creche_rows_release((creche_rows){h.held[i]});
  assert_int_equal(number(pool, "select 1"), 1);
  close_pool(pool);
}

/* While rows come fast the socket is not looked at for each few of them; what is there when they
 * stop comes all the same. (The server itself keeps up to 8 KiB.) */
static void test_fast_stream_that_stops(void** state) {
  (void)state;
  creche_pool pool = open_pool(1);
  stream_check s;
  begin(&s, 1);
  creche_task task;
  OK(creche_pool_stream(pool, loop.scope,
                        "select i::int8, repeat('x', 100) from generate_series(1, 30000) i "
                        "union all select 30001, pg_sleep(600)::text",
                        NULL, 0, NULL, on_stream, &s, &task));
  wait_for_row(&s, 30000 - 8192 / 100);
  assert_int_equal(s.a.ended, 0);
  OK(creche_scope_cancel(task.scope, NULL));
  EXPECT(&s.a, CRECHE_E_CANCELLED);
  assert_int_equal(s.wrong, 0);
  answer_free(&s.a);
  /* Short answers are read at once again. */
  assert_int_equal(number(pool, "select 1"), 1);
  begin(&s, 1);
  OK(creche_pool_stream(pool, loop.scope,
                        "select i::int8, repeat('x', 100) from generate_series(1, 30000) i", NULL,
                        0, NULL, on_stream, &s, NULL));
  EXPECT(&s.a, CRECHE_OK);
  assert_int_equal(s.next, 30001);
  answer_free(&s.a);
  assert_int_equal(number(pool, "select 2"), 2);
  assert_int_equal(counters(pool).connects, 1);
  close_pool(pool);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_stream),
      cmocka_unit_test(test_empty_streams),
      cmocka_unit_test(test_max_bytes_bounds_no_stream),
      cmocka_unit_test(test_stream_holds_back),
      cmocka_unit_test(test_fast_stream_that_stops),
  };
  return cmocka_run_group_tests(tests, start_server, stop_server);
}

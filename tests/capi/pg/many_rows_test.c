/* One statement with rows that are asked for (creche_pool_execute_rows). */
#include "pieces.h"

static creche_pool pool;

static int open_one(void** state) {
  if (start_server(state) != 0) return -1;
  pool = open_pool(1);
  must(pool, "create table held (id int primary key, name text)");
  return 0;
}
static int close_one(void** state) {
  close_pool(pool);
  return stop_server(state);
}

/* What is given: `rows` of them in all, so many in each answer. */
typedef struct source {
  answer end;
  int rows, each, at;
  int fails_at; /* the answer with this row fails; -1: none */
  int twice_at; /* this one has the id of the first one; -1: none */
  int bad_at;   /* this one cannot be sent; -1: none */
  int silent;   /* nothing is answered */
  int pulled;
  pieces left;
  creche_task task;
} source;

static void source_init(source* s, int rows, int each) {
  memset(s, 0, sizeof *s);
  answer_init(&s->end);
  s->rows = rows;
  s->each = each;
  s->fails_at = s->twice_at = s->bad_at = -1;
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
  for (int i = 0; i < s->each && s->at < s->rows; i++, s->at++) {
    char name[32];
    snprintf(name, sizeof name, "row %d", s->at);
    const creche_value v[] = {s->at == s->bad_at ? creche_integer_of(CRECHE_PG_INT4, INT64_MAX)
                                                 : creche_int4(s->at == s->twice_at ? 0 : s->at),
                              s->at % 7 ? creche_text(name) : creche_null()};
    OK(creche_values_to_rows(v, 2, 1, keep, &s->left));
    if (s->at == s->fails_at) {
      OK(creche_task_answer(c->task, CRECHE_E_USER, NULL, 0, 0, NULL));
      return;
    }
  }
  OK(give(&s->left, c->task, s->at == s->rows));
}

static void start(source* s, creche_connection c, const char* sql, uint32_t flags) {
  creche_query_options o;
  OK(creche_query_options_init(&o, sizeof o));
  o.flags = flags;
  if (c.id)
    OK(creche_connection_execute_rows(c, loop.scope, sql, &o, on_source, s, &s->task));
  else
    OK(creche_pool_execute_rows(pool, loop.scope, sql, &o, on_source, s, &s->task));
}

static void end_it(source* s) {
  if (s->end.rows == NULL) s->end.value = 0;
  answer_free(&s->end);
  free(s->left.bytes);
}

static const creche_connection none = {0};
static const char insert[] = "insert into held values ($1, $2)";

static void stored(int64_t count) {
  assert_int_equal(number(pool, "select count(*) from held"), count);
  must(pool, "truncate held");
}

static void test_all(void** state) {
  (void)state;
  static const int sizes[][2] = {{0, 1}, {1, 1}, {10, 1}, {30000, 700}, {3000, 3000}};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    source s;
    source_init(&s, sizes[i][0], sizes[i][1]);
    start(&s, none, insert, 0);
    EXPECT(&s.end, CRECHE_OK);
    assert_int_equal(s.end.code, s.rows);
    assert_int_equal(s.end.value, s.rows);
    assert_true(s.pulled >= s.rows / s.each);
    end_it(&s);
    stored(sizes[i][0]);
  }
}

/* What it returns; in a transaction of the user's; enums by their text. */
static void test_returned(void** state) {
  (void)state;
  creche_connection c = acquire(pool);
  must_on(c, "create type mood as enum ('a', 'b')");
  must_on(c, "begin");
  source s;
  source_init(&s, 5000, 100);
  start(&s, c, "insert into held values ($1, $2) returning id, 'b'::mood", CRECHE_QUERY_COLLECT);
  EXPECT(&s.end, CRECHE_OK);
  assert_int_equal(s.end.rows->row_count, 5000);
  assert_int_equal(creche_row_int4(s.end.rows, 4999, 0), 4999);
  assert_string_equal(creche_row_text(s.end.rows, 4999, 1, NULL), "b");
  end_it(&s);
  must_on(c, "rollback");
  creche_connection_release(c);
  stored(0);
}

/* Nothing stays, and which row it was is told. */
static void test_fails(void** state) {
  (void)state;
  source s;
  source_init(&s, 10000, 100);
  s.twice_at = 4321;
  start(&s, none, insert, 0);
  EXPECT(&s.end, CRECHE_E_PG);
  assert_string_equal(answer_state(&s.end), "23505");
  assert_int_equal(s.end.value, 4321);
  end_it(&s);
  stored(0);
  source_init(&s, 10000, 100);
  s.bad_at = 4321;
  start(&s, none, insert, 0);
  EXPECT(&s.end, CRECHE_E_INVALID);
  assert_int_equal(s.end.value, 4321);
  end_it(&s);
  stored(0);
  source_init(&s, 10000, 100);
  s.fails_at = 4321;
  start(&s, none, insert, 0);
  EXPECT(&s.end, CRECHE_E_BODY);
  end_it(&s);
  stored(0);
  assert_int_equal(counters(pool).dropped, 0);
}

/* Cancelled while it waits for rows; and a transaction of the user's fails with it. */
static void test_cancelled(void** state) {
  (void)state;
  for (int own = 0; own < 2; own++) {
    creche_connection c = {0};
    if (own) c = acquire(pool), must_on(c, "begin");
    source s;
    source_init(&s, 10, 1);
    s.silent = 1;
    start(&s, c, insert, 0);
    pthread_mutex_lock(&s.end.lock);
    while (s.pulled == 0) pthread_cond_wait(&s.end.changed, &s.end.lock);
    pthread_mutex_unlock(&s.end.lock);
    OK(creche_scope_cancel(s.task.scope, NULL));
    EXPECT(&s.end, CRECHE_E_CANCELLED);
    assert_true(creche_task_answer(s.task, CRECHE_OK, "", 0, 0, NULL) < 0);
    end_it(&s);
    if (own) {
      answer a;
      run_on(c, &a, "select 1");
      EXPECT(&a, CRECHE_E_PG);
      assert_string_equal(answer_state(&a), "25P02");
      answer_free(&a);
      must_on(c, "rollback");
      creche_connection_release(c);
    }
    stored(0);
  }
  assert_int_equal(counters(pool).dropped, 0);
}

static void on_nonsense(void* user, const creche_completion* c) {
  source* s = user;
  if (c->kind == CRECHE_PULL)
    OK(creche_task_answer(c->task, CRECHE_OK, "these are no rows, by far: no rows", 34, 0, NULL));
  else
    on_answer(&s->end, c);
}

static void test_refused(void** state) {
  (void)state;
  source s;
  source_init(&s, 0, 1);
  OK(creche_pool_execute_rows(pool, loop.scope, insert, NULL, on_nonsense, &s, NULL));
  EXPECT(&s.end, CRECHE_E_INVALID);
  end_it(&s);
  static const char* const never[] = {"commit", "do $$ begin end $$", "copy held from stdin"};
  for (int i = 0; i < 3; i++) {
    source_init(&s, 1, 1);
    start(&s, none, never[i], 0);
    EXPECT(&s.end, i < 2 ? CRECHE_E_INVALID : CRECHE_E_UNSUPPORTED);
    assert_int_equal(s.pulled, 0);
    end_it(&s);
  }
  IS(creche_pool_execute_rows(pool, loop.scope, insert, NULL, creche_nobody, NULL, NULL),
     CRECHE_E_INVALID);
  IS(creche_pool_execute_rows(pool, loop.scope, insert, NULL, creche_to_group, NULL, NULL),
     CRECHE_E_INVALID);
  IS(creche_pool_execute_rows(pool, loop.scope, NULL, NULL, on_source, &s, NULL), CRECHE_E_INVALID);
  const char* const names[] = {"id"};
  creche_query_options o;
  OK(creche_query_options_init(&o, sizeof o));
  o.names = names;
  IS(creche_pool_execute_rows(pool, loop.scope, insert, &o, on_source, &s, NULL), CRECHE_E_INVALID);
  IS(creche_values_to_rows(NULL, 1, 1, keep, &s), CRECHE_E_INVALID);
  IS(creche_values_to_rows(NULL, 0, 0, NULL, &s), CRECHE_E_INVALID);
  stored(0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_all),     cmocka_unit_test(test_returned),
      cmocka_unit_test(test_fails),   cmocka_unit_test(test_cancelled),
      cmocka_unit_test(test_refused),
  };
  return cmocka_run_group_tests(tests, open_one, close_one);
}

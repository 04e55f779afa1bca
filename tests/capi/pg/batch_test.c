/* Batches: all or nothing or each for itself, which one failed, what became of the others. And
 * descriptions of statements, and results of which only the first rows are wanted. */
#include "pg_test.h"

static creche_pool pool;

static int open_one(void** state) {
  if (start_server(state) != 0) return -1;
  pool = open_pool(3);
  must(pool, "create table things (id int primary key, name text)");
  return 0;
}

static int close_one(void** state) {
  close_pool(pool);
  return stop_server(state);
}

typedef struct batch {
  answer end;
  const creche_batch_result* results;
  size_t count;
} batch;

static void on_batch(void* user, const creche_completion* c) {
  batch* b = user;
  assert_int_equal(c->flags & CRECHE_MORE, 0);
  assert_int_equal((c->flags & CRECHE_OWNED) != 0, c->data != NULL);
  b->results = c->data;
  b->count = c->data_size / sizeof(creche_batch_result);
  on_answer(&b->end, c);
}

static void batch_init(batch* b) {
  memset(b, 0, sizeof *b);
  answer_init(&b->end);
}

#define COUNT(items) (sizeof(items) / sizeof *(items))

static void run_batch(batch* b, creche_connection c, const creche_batch_item* items, size_t count,
                      uint32_t flags) {
  creche_batch_options o;
  OK(creche_batch_options_init(&o, sizeof o));
  o.flags = flags;
  batch_init(b);
  if (c.id)
    OK(creche_connection_batch(c, loop.scope, items, count, &o, on_batch, b, NULL));
  else
    OK(creche_pool_batch(pool, loop.scope, items, count, &o, on_batch, b, NULL));
  answer_wait(&b->end);
}

static const creche_connection none = {0};

static void test_all_well(void** state) {
  (void)state;
  for (int form = 0; form < 4; form++) {
    const creche_connection c = form & 1 ? acquire(pool) : none;
    const creche_value one[] = {creche_int4(1), creche_text("one")};
    const creche_value two[] = {creche_int4(2), creche_null()};
    const creche_batch_item items[] = {
        {"insert into things values ($1, $2)", one, 2},
        {"insert into things values ($1, $2) returning id", two, 2},
        {"select name, id from things order by id", NULL, 0},
        {"select", NULL, 0},
        {"", NULL, 0},
        {"select generate_series(1, 1000)::int8", NULL, 0},
        {"set local statement_timeout = 1234", NULL, 0},
        {"delete from things", NULL, 0},
    };
    batch b;
    run_batch(&b, c, items, COUNT(items), form & 2 ? CRECHE_BATCH_SEPARATE : 0);
    EXPECT(&b.end, CRECHE_OK);
    assert_int_equal(b.end.code, COUNT(items));
    assert_int_equal(b.count, COUNT(items));
    for (size_t i = 0; i < b.count; i++) {
      assert_int_equal(b.results[i].state, CRECHE_BATCH_DONE);
      assert_null(b.results[i].error);
      assert_non_null(b.results[i].rows);
    }
    assert_int_equal(b.results[0].affected, 1);
    assert_int_equal(creche_row_int4(b.results[1].rows, 0, 0), 2);
    assert_int_equal(b.results[2].rows->row_count, 2);
    assert_string_equal(creche_row_text(b.results[2].rows, 0, 0, NULL), "one");
    assert_int_equal(creche_row_is_null(b.results[2].rows, 1, 0), 1);
    assert_int_equal(b.results[3].rows->row_count, 1);
    assert_int_equal(b.results[3].rows->column_count, 0);
    assert_int_equal(b.results[4].affected, -1);
    assert_int_equal(creche_row_int8(b.results[5].rows, 999, 0), 1000);
    assert_int_equal(b.results[7].affected, 2);
    answer_free(&b.end);
    if (c.id) creche_connection_release(c);
  }
}

/* The first failure undoes what was before it, and what is behind it is not run. */
static void test_all_or_nothing(void** state) {
  (void)state;
  const creche_batch_item items[] = {
      {"insert into things values (1)", NULL, 0}, {"select 1", NULL, 0},
      {"insert into things values (1)", NULL, 0}, {"insert into things values (2)", NULL, 0},
      {"select nextval('not_there')", NULL, 0},
  };
  for (int form = 0; form < 3; form++) {
    const creche_connection c = form ? acquire(pool) : none;
    if (form == 2) must_on(c, "begin");
    batch b;
    run_batch(&b, c, items, COUNT(items), 0);
    EXPECT(&b.end, CRECHE_E_PG);
    assert_string_equal(answer_state(&b.end), "23505");
    assert_int_equal(b.end.code, 2);
    assert_int_equal(b.count, COUNT(items));
    static const uint32_t states[] = {CRECHE_BATCH_UNDONE, CRECHE_BATCH_UNDONE, CRECHE_BATCH_FAILED,
                                      CRECHE_BATCH_NOT_RUN, CRECHE_BATCH_NOT_RUN};
    for (size_t i = 0; i < b.count; i++) {
      assert_int_equal(b.results[i].state, states[i]);
      assert_null(b.results[i].rows);
      assert_int_equal(b.results[i].affected, -1);
    }
    assert_string_equal(b.results[2].error->sqlstate, "23505");
    answer_free(&b.end);
    if (form == 2) {
      answer a;
      run_on(c, &a, "select 1");
      EXPECT(&a, CRECHE_E_PG);
      assert_string_equal(answer_state(&a), "25P02");
      answer_free(&a);
      must_on(c, "rollback");
    }
    if (c.id) assert_int_equal(number_on(c, "select 1"), 1);
    if (c.id) creche_connection_release(c);
    assert_int_equal(number(pool, "select count(*) from things"), 0);
  }
}

static void test_separate(void** state) {
  (void)state;
  const creche_batch_item items[] = {
      {"insert into things values (1)", NULL, 0},
      {"selekt", NULL, 0},
      {"insert into things values (1)", NULL, 0},
      {"insert into things values (2)", NULL, 0},
      {"begin", NULL, 0},
      {"insert into things values (3)", NULL, 0},
      {"select 1/0", NULL, 0},
      {"insert into things values (4)", NULL, 0},
      {"rollback", NULL, 0},
      {"insert into things values (5)", NULL, 0},
      {"vacuum things", NULL, 0},
      {"do 'begin commit; end'", NULL, 0},
      {"select count(*) from things", NULL, 0},
  };
  static const char* const sqlstates[] = {"", "42601", "23505", "", "", "", "22012", "25P02"};
  batch b;
  run_batch(&b, none, items, COUNT(items), CRECHE_BATCH_SEPARATE);
  EXPECT(&b.end, CRECHE_E_PG);
  assert_string_equal(answer_state(&b.end), "42601");
  assert_int_equal(b.end.code, 1);
  for (size_t i = 0; i < b.count; i++) {
    const char* wanted = i < COUNT(sqlstates) ? sqlstates[i] : "";
    const creche_error* e = b.results[i].error;
    if (strcmp(e ? e->sqlstate : "", wanted) != 0)
      fail_msg("%d: %s", (int)i, creche_error_message(e));
    assert_int_equal(b.results[i].state, e ? CRECHE_BATCH_FAILED : CRECHE_BATCH_DONE);
  }
  assert_int_equal(creche_row_int8(b.results[12].rows, 0, 0), 3);
  answer_free(&b.end);
  must(pool, "truncate things");
}

static void refused(const creche_batch_item* items, size_t count, creche_status status,
                    const char* text) {
  batch b;
  const uint64_t before = counters(pool).statements;
  run_batch(&b, none, items, count, 0);
  EXPECT(&b.end, status);
  if (!strstr(creche_error_message(b.end.error), text))
    fail_msg("%s", creche_error_message(b.end.error));
  assert_null(b.results);
  answer_free(&b.end);
  assert_int_equal(counters(pool).statements, before);
}

static void test_refused(void** state) {
  (void)state;
  creche_value bad = creche_int8(1);
  bad.type = CRECHE_PG_INT2;
  bad.integer = 70000;
  const creche_batch_item value[] = {{"select 1", NULL, 0}, {"select $1", &bad, 1}};
  refused(value, 2, CRECHE_E_INVALID, "statement 1");
  const creche_batch_item begin[] = {{"begin", NULL, 0}};
  refused(begin, 1, CRECHE_E_INVALID, "SEPARATE");
  const creche_batch_item call[] = {{"select 1", NULL, 0}, {"call x()", NULL, 0}};
  refused(call, 2, CRECHE_E_INVALID, "SEPARATE");
  const creche_batch_item copy[] = {{"copy things to stdout", NULL, 0}};
  refused(copy, 1, CRECHE_E_UNSUPPORTED, "COPY");
  batch b;
  run_batch(&b, none, NULL, 0, 0);
  EXPECT(&b.end, CRECHE_OK);
  assert_int_equal(b.count, 0);
  answer_free(&b.end);
  const creche_batch_item null[] = {{NULL, NULL, 0}};
  assert_int_equal(creche_pool_batch(pool, loop.scope, null, 1, NULL, creche_nobody, NULL, NULL),
                   CRECHE_E_INVALID);
  assert_int_equal(creche_pool_batch(pool, loop.scope, NULL, 1, NULL, creche_nobody, NULL, NULL),
                   CRECHE_E_INVALID);
  assert_int_equal(
      creche_pool_batch(pool, loop.scope, value, 65537, NULL, creche_nobody, NULL, NULL),
      CRECHE_E_INVALID);
}

/* Ten thousand in one flight; the one in the middle that fails is named. */
static void test_many(void** state) {
  (void)state;
  enum { kCount = 10000 };
  static creche_value args[kCount];
  static creche_batch_item items[kCount];
  for (int i = 0; i < kCount; i++) {
    args[i] = creche_int4(i);
    items[i] = (creche_batch_item){"insert into things values ($1) returning id, repeat('x', 100)",
                                   &args[i], 1};
  }
  batch b;
  run_batch(&b, none, items, kCount, 0);
  EXPECT(&b.end, CRECHE_OK);
  assert_int_equal(creche_row_int4(b.results[kCount - 1].rows, 0, 0), kCount - 1);
  answer_free(&b.end);
  assert_int_equal(number(pool, "select count(*) from things"), kCount);
  must(pool, "truncate things");
  args[7777] = creche_int4(7);
  run_batch(&b, none, items, kCount, 0);
  EXPECT(&b.end, CRECHE_E_PG);
  assert_int_equal(b.end.code, 7777);
  assert_int_equal(b.results[7777].state, CRECHE_BATCH_FAILED);
  assert_int_equal(b.results[7778].state, CRECHE_BATCH_NOT_RUN);
  answer_free(&b.end);
  assert_int_equal(number(pool, "select count(*) from things"), 0);
  run_batch(&b, none, items, kCount, CRECHE_BATCH_SEPARATE);
  EXPECT(&b.end, CRECHE_E_PG);
  assert_int_equal(b.end.code, 7777);
  assert_int_equal(b.results[7778].state, CRECHE_BATCH_DONE);
  answer_free(&b.end);
  assert_int_equal(number(pool, "select count(*) from things"), kCount - 1);
  must(pool, "truncate things");
}

static void test_too_big(void** state) {
  (void)state;
  const creche_batch_item items[] = {
      {"insert into things values (1)", NULL, 0},
      {"select repeat('x', 1000) from generate_series(1, 1000)", NULL, 0},
      {"select 1", NULL, 0},
  };
  creche_batch_options o;
  OK(creche_batch_options_init(&o, sizeof o));
  o.max_bytes = 10000;
  batch b;
  batch_init(&b);
  OK(creche_pool_batch(pool, loop.scope, items, 3, &o, on_batch, &b, NULL));
  EXPECT(&b.end, CRECHE_E_LIMIT);
  assert_int_equal(b.end.code, 1);
  assert_int_equal(b.results[1].state, CRECHE_BATCH_FAILED);
  assert_true(b.results[0].state != CRECHE_BATCH_DONE);
  answer_free(&b.end);
  assert_int_equal(number(pool, "select 1"), 1);
  must(pool, "truncate things");
}

/* All or nothing: cancelled it is nothing. */
static void test_cancelled(void** state) {
  (void)state;
  const creche_batch_item items[] = {
      {"insert into things values (1)", NULL, 0},
      {"select pg_sleep(60)", NULL, 0},
      {"insert into things values (2)", NULL, 0},
  };
  const creche_connection c = acquire(pool);
  for (int form = 0; form < 4; form++) {
    creche_batch_options o;
    OK(creche_batch_options_init(&o, sizeof o));
    o.flags = form & 1 ? CRECHE_BATCH_SEPARATE : 0;
    batch b;
    batch_init(&b);
    creche_task task;
    if (form & 2)
      OK(creche_connection_batch(c, loop.scope, items, 3, &o, on_batch, &b, &task));
    else
      OK(creche_pool_batch(pool, loop.scope, items, 3, &o, on_batch, &b, &task));
    creche_pool watching = open_pool(1);
    AWAIT(number(watching, "select count(*) from pg_stat_activity where wait_event = 'PgSleep'") >
          0);
    OK(creche_scope_cancel(task.scope, "enough"));
    EXPECT(&b.end, CRECHE_E_CANCELLED);
    if (form & 1) {
      assert_int_equal(b.results[0].state, CRECHE_BATCH_DONE);
      assert_int_equal(b.results[1].state, CRECHE_BATCH_FAILED);
      assert_string_equal(b.results[1].error->sqlstate, "57014");
    } else {
      assert_null(b.results);
      assert_int_equal(number(watching, "select count(*) from things"), 0);
    }
    answer_free(&b.end);
    close_pool(watching);
    assert_int_equal(number_on(c, "select 1"), 1);
    must(pool, "truncate things");
  }
  creche_connection_release(c);
  assert_int_equal(counters(pool).dropped, 0);
}

/* The server's process dies in the middle. */
static void test_killed(void** state) {
  (void)state;
  const creche_batch_item items[] = {
      {"insert into things values (1)", NULL, 0},
      {"select pg_terminate_backend(pg_backend_pid())", NULL, 0},
      {"insert into things values (2)", NULL, 0},
  };
  batch b;
  run_batch(&b, none, items, 3, 0);
  assert_true(b.end.status != CRECHE_OK);
  for (int i = 0; i < 3; i++) assert_true(b.results[i].state != CRECHE_BATCH_DONE);
  answer_free(&b.end);
  assert_int_equal(number(pool, "select count(*) from things"), 0);
  run_batch(&b, none, items, 3, CRECHE_BATCH_SEPARATE);
  assert_true(b.end.status != CRECHE_OK);
  assert_int_equal(b.results[0].state, CRECHE_BATCH_DONE);
  assert_true(b.results[1].state != CRECHE_BATCH_DONE);
  assert_int_equal(b.results[2].state, CRECHE_BATCH_UNKNOWN);
  answer_free(&b.end);
  assert_int_equal(number(pool, "select count(*) from things"), 1);
  must(pool, "truncate things");
}

/* Pipelined with others, in their order. */
static void test_among_others(void** state) {
  (void)state;
  const creche_connection c = acquire(pool);
  answer begun, before, after, committed;
  batch b;
  answer_init(&begun);
  answer_init(&before);
  answer_init(&after);
  answer_init(&committed);
  batch_init(&b);
  const creche_batch_item items[] = {{"insert into things values (2)", NULL, 0},
                                     {"select count(*) from things", NULL, 0}};
  OK(creche_connection_begin(c, loop.scope, NULL, on_answer, &begun, NULL));
  OK(creche_connection_query(c, loop.scope, "insert into things values (1)", NULL, 0, NULL,
                             on_answer, &before, NULL));
  OK(creche_connection_batch(c, loop.scope, items, 2, NULL, on_batch, &b, NULL));
  OK(creche_connection_query(c, loop.scope, "select count(*) from things", NULL, 0, NULL, on_answer,
                             &after, NULL));
  OK(creche_connection_commit(c, loop.scope, NULL, on_answer, &committed, NULL));
  EXPECT(&committed, CRECHE_OK);
  EXPECT(&b.end, CRECHE_OK);
  assert_int_equal(creche_row_int8(b.results[1].rows, 0, 0), 2);
  assert_int_equal(creche_row_int8(after.rows, 0, 0), 2);
  answer_free(&begun);
  answer_free(&before);
  answer_free(&after);
  answer_free(&committed);
  answer_free(&b.end);
  creche_connection_release(c);
  must(pool, "truncate things");
}

/* ---- Descriptions ---- */

typedef struct described {
  answer end;
  const creche_description* d;
} described;

static void on_described(void* user, const creche_completion* c) {
  described* d = user;
  d->d = c->data;
  on_answer(&d->end, c);
}

static creche_status describe(described* d, const char* sql, const creche_value* args,
                              size_t count) {
  d->d = NULL;
  answer_init(&d->end);
  OK(creche_pool_describe(pool, loop.scope, sql, args, count, NULL, on_described, d, NULL));
  return answer_wait(&d->end);
}

static void test_described(void** state) {
  (void)state;
  described d;
  describe(&d, "select name, id, $1::numeric(10, 2) as price, 1 from things where id = $2", NULL,
           0);
  EXPECT(&d.end, CRECHE_OK);
  assert_int_equal(d.d->parameters_count, 2);
  assert_int_equal(d.d->parameters[0], CRECHE_PG_NUMERIC);
  assert_int_equal(d.d->parameters[1], CRECHE_PG_INT4);
  assert_int_equal(d.d->columns->column_count, 4);
  assert_int_equal(d.d->columns->row_count, 0);
  assert_string_equal(creche_row_column_name(d.d->columns, 2), "price");
  assert_int_equal(creche_row_column_type(d.d->columns, 0), CRECHE_PG_TEXT);
  assert_int_equal(creche_row_column_type(d.d->columns, 1), CRECHE_PG_INT4);
  assert_int_equal(creche_row_column_type(d.d->columns, 2), CRECHE_PG_NUMERIC);
  const creche_row_column* columns =
      (const void*)((const char*)d.d->columns + d.d->columns->columns_offset);
  assert_int_equal(columns[0].table_column, 2);
  assert_true(columns[0].table != 0 && columns[3].table == 0);
  assert_int_equal(columns[2].type_modifier, (10 << 16 | 2) + 4);
  answer_free(&d.end);
  /* Types that are declared. */
  creche_value types[] = {creche_null(), creche_null()};
  types[0].type = CRECHE_PG_INT8;
  describe(&d, "select $1, $2::text", types, 2);
  EXPECT(&d.end, CRECHE_OK);
  assert_int_equal(d.d->parameters[0], CRECHE_PG_INT8);
  assert_int_equal(d.d->parameters[1], CRECHE_PG_TEXT);
  answer_free(&d.end);
  /* It is not run; no rows; no parameters. */
  describe(&d, "insert into things values (99)", NULL, 0);
  EXPECT(&d.end, CRECHE_OK);
  assert_int_equal(d.d->parameters_count, 0);
  assert_null(d.d->columns);
  answer_free(&d.end);
  assert_int_equal(number(pool, "select count(*) from things"), 0);
  describe(&d, "select", NULL, 0);
  EXPECT(&d.end, CRECHE_OK);
  assert_int_equal(d.d->columns->column_count, 0);
  answer_free(&d.end);
  describe(&d, "", NULL, 0);
  EXPECT(&d.end, CRECHE_OK);
  assert_null(d.d->columns);
  answer_free(&d.end);
  /* What the schema is now. */
  must(pool, "alter table things add column more date");
  describe(&d, "select * from things", NULL, 0);
  EXPECT(&d.end, CRECHE_OK);
  assert_int_equal(d.d->columns->column_count, 3);
  answer_free(&d.end);
  must(pool, "alter table things drop column more");
  describe(&d, "select nothing from things", NULL, 0);
  EXPECT(&d.end, CRECHE_E_PG);
  assert_string_equal(answer_state(&d.end), "42703");
  assert_null(d.d);
  answer_free(&d.end);
  /* 65,535 parameters. */
  static char sql[65535 * 8 + 100];
  size_t size = (size_t)snprintf(sql, sizeof sql, "select array[$1::int");
  for (int i = 2; i <= 65535; i++)
    size += (size_t)snprintf(sql + size, sizeof sql - size, ",$%d", i);
  snprintf(sql + size, sizeof sql - size, "]");
  describe(&d, sql, NULL, 0);
  EXPECT(&d.end, CRECHE_OK);
  assert_int_equal(d.d->parameters_count, 65535);
  assert_int_equal(d.d->parameters[65534], CRECHE_PG_INT4);
  answer_free(&d.end);
}

/* ---- The first rows ---- */

static void test_max_rows(void** state) {
  (void)state;
  creche_query_options o;
  OK(creche_query_options_init(&o, sizeof o));
  o.max_rows = 2;
  answer a;
  for (int i = 0; i < 4; i++) { /* prepared from the second on */
    answer_init(&a);
    /* The server would take very long for all of them. */
    OK(creche_pool_query(pool, loop.scope,
                         "select a.i + 0 as i from generate_series(1, 1000) a(i), "
                         "generate_series(1, 1000) b(i), generate_series(1, 100000) c(i)",
                         NULL, 0, &o, on_answer, &a, NULL));
    EXPECT(&a, CRECHE_OK);
    assert_int_equal(a.rows->row_count, 2);
    assert_int_equal(a.rows->affected, 2);
    assert_int_equal(a.rows->tag_offset, 0);
    assert_int_equal(a.code, 2);
    answer_free(&a);
  }
  /* Fewer, exactly as many, none. */
  static const char* const sql[] = {"select 1 where false", "select 1",
                                    "select generate_series(1, 2)", "select generate_series(1, 3)"};
  for (int i = 0; i < 4; i++) {
    answer_init(&a);
    OK(creche_pool_query(pool, loop.scope, sql[i], NULL, 0, &o, on_answer, &a, NULL));
    EXPECT(&a, CRECHE_OK);
    assert_int_equal(a.rows->row_count, i < 2 ? i : 2);
    answer_free(&a);
  }
  /* What is done is done. */
  const creche_connection c = acquire(pool);
  answer_init(&a);
  OK(creche_connection_query(c, loop.scope,
                             "insert into things select generate_series(1, 10) returning id", NULL,
                             0, &o, on_answer, &a, NULL));
  EXPECT(&a, CRECHE_OK);
  assert_int_equal(a.rows->row_count, 2);
  answer_free(&a);
  assert_int_equal(number_on(c, "select count(*) from things"), 10);
  /* In a transaction nothing is in the way of what follows. */
  must_on(c, "begin");
  answer_init(&a);
  OK(creche_connection_query(c, loop.scope, "select id from things", NULL, 0, &o, on_answer, &a,
                             NULL));
  EXPECT(&a, CRECHE_OK);
  answer_free(&a);
  must_on(c, "truncate things");
  must_on(c, "commit");
  /* A stream. */
  answer_init(&a);
  o.max_rows = 5000;
  OK(creche_connection_stream(c, loop.scope, "select generate_series(1, 1000000000)", NULL, 0, &o,
                              on_answer, &a, NULL));
  EXPECT(&a, CRECHE_OK);
  assert_int_equal(a.code, 5000);
  answer_free(&a);
  creche_connection_release(c);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_all_well),     cmocka_unit_test(test_all_or_nothing),
      cmocka_unit_test(test_separate),     cmocka_unit_test(test_refused),
      cmocka_unit_test(test_many),         cmocka_unit_test(test_too_big),
      cmocka_unit_test(test_cancelled),    cmocka_unit_test(test_killed),
      cmocka_unit_test(test_among_others), cmocka_unit_test(test_described),
      cmocka_unit_test(test_max_rows),
  };
  return cmocka_run_group_tests(tests, open_one, close_one);
}

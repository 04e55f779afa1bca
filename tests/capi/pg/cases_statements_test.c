/* Statements and what comes of them: what is kept, what is refused, settings of transactions, two
 * who listen: cases of CASES.md. */
#include "operations.h"
#include "steps.h"

static creche_pool pool;

static int open_one(void** state) {
  if (start_server(state) != 0) return -1;
  pool = open_pool(4);
  must(pool, "create table things (id int)");
  return 0;
}
static int close_one(void** state) {
  close_pool(pool);
  return stop_server(state);
}

static creche_pool pool_with_cache(uint32_t statements) {
  creche_pool_options o;
  creche_pool opened;
  OK(creche_pool_options_init(&o, sizeof o));
  o.max_size = 1;
  o.statement_cache = statements;
  OK(creche_pool_open(loop, support_postgres_url(server), &o, &opened));
  return opened;
}

static creche_status with_values(creche_pool on, answer* a, const char* sql,
                                 const creche_value* values, size_t count) {
  answer_init(a);
  OK(creche_pool_query(on, loop.scope, sql, values, count, NULL, on_answer, a, NULL));
  return answer_wait(a);
}

/* ---- What is kept ---- */

static void nothing_is_kept(void** state) {
  (void)state;
  creche_pool none = pool_with_cache(0);
  const creche_value v = creche_int4(3);
  answer a;
  for (int round = 0; round < 2; round++) {
    for (int i = 0; i < 5; i++) {
      with_values(none, &a, "select $1 + 1", &v, 1);
      EXPECT(&a, CRECHE_OK);
      assert_int_equal(creche_row_int4(a.rows, 0, 0), 4);
      answer_free(&a);
    }
    creche_task_options t;
    OK(creche_task_options_init(&t, sizeof t));
    t.timeout = 20 * CRECHE_MILLISECOND;
    for (int what = 0; what < OF_A_POOL; what++) {
      OK(start_operation(what, none, NULL, 1, &t, &a, NULL));
      EXPECT(&a, CRECHE_E_TIMEOUT);
      operation_free(&a);
      must_operate(what, none, NULL);
    }
  }
  assert_int_equal(counters(none).prepares, 0);
  assert_int_equal(number(none, "select count(*) from pg_prepared_statements"), 0);
  close_pool(none);
}

static void long_texts_are_not_kept(void** state) {
  (void)state;
  static char sql[1 << 20];
  creche_pool one = pool_with_cache(100);
  const size_t size = (size_t)snprintf(sql, sizeof sql, "select 5 /*");
  memset(sql + size, 'x', sizeof sql - size - 3);
  memcpy(sql + sizeof sql - 3, "*/", 3);
  for (int i = 0; i < 3; i++) assert_int_equal(number(one, sql), 5);
  assert_int_equal(counters(one).prepares, 0);
  close_pool(one);
}

/* What a change of a table has made old is healed on each connection that has it. */
static void all_connections_heal(void** state) {
  (void)state;
  enum { CONNECTIONS = 4 };
  creche_pool many = open_pool(CONNECTIONS);
  creche_connection c[CONNECTIONS];
  must(pool, "create table changing (a int)");
  must(pool, "insert into changing values (1)");
  for (int change = 0; change < 3; change++) {
    for (int i = 0; i < CONNECTIONS; i++) {
      c[i] = acquire(many);
      for (int k = 0; k < 3; k++) must_on(c[i], "select * from changing");
    }
    must(pool, change == 0   ? "alter table changing add b text default 'b'"
               : change == 1 ? "alter table changing alter a type text"
                             : "alter table changing drop b");
    for (int i = 0; i < CONNECTIONS; i++) {
      answer a;
      run_on(c[i], &a, "select * from changing");
      EXPECT(&a, CRECHE_OK);
      assert_int_equal(a.rows->column_count, change == 2 ? 1 : 2);
      answer_free(&a);
      creche_connection_release(c[i]);
    }
  }
  assert_int_equal(counters(many).dropped, 0);
  must(pool, "drop table changing");
  close_pool(many);
}

/* An error, again and again, of a statement that is kept: it stays as good as it was. */
static void the_same_statement_after_an_error(void** state) {
  (void)state;
  creche_pool one = pool_with_cache(100);
  for (int i = 0; i < 20; i++) {
    const creche_value v = creche_int4(i % 3);
    answer a;
    with_values(one, &a, "select 12 / $1", &v, 1);
    if (i % 3 == 0) {
      EXPECT(&a, CRECHE_E_PG);
      assert_string_equal(answer_state(&a), "22012");
    } else {
      EXPECT(&a, CRECHE_OK);
      assert_int_equal(creche_row_int4(a.rows, 0, 0), 12 / (i % 3));
    }
    answer_free(&a);
  }
  assert_int_equal(counters(one).connects, 1);
  close_pool(one);
}

/* ---- What is sent ---- */

/* Too few are an error, each time; what is too much the server does not look at, each time. */
static void as_many_values_as_there_are(void** state) {
  (void)state;
  const creche_value v[3] = {creche_int4(1), creche_int4(2), creche_int4(3)};
  creche_connection c = acquire(pool);
  for (int round = 0; round < 3; round++) { /* prepared, and not */
    for (size_t count = 0; count <= 3; count++) {
      answer a;
      answer_init(&a);
      OK(creche_connection_query(c, loop.scope, "select $1::int + $2::int", v, count, NULL,
                                 on_answer, &a, NULL));
      if (count >= 2) {
        EXPECT(&a, CRECHE_OK);
        assert_int_equal(creche_row_int4(a.rows, 0, 0), 3);
      } else {
        EXPECT(&a, CRECHE_E_PG);
        assert_string_equal(answer_state(&a), "08P01");
        assert_int_equal(creche_error_is_retryable(a.error), 0);
        assert_non_null(strstr(a.error->message, "parameters"));
      }
      answer_free(&a);
    }
  }
  creche_connection_release(c);
  assert_int_equal(counters(pool).dropped, 0);
}

static void nothing_and_no_columns(void** state) {
  (void)state;
  static const struct {
    const char* sql;
    uint64_t rows;
    int64_t affected;
  } cases[] = {
      {"", 0, -1},      {"  -- nothing", 0, -1},      {";", 0, -1},
      {"select", 1, 1}, {"select from things", 0, 0}, {"select from generate_series(1, 7)", 7, 7}};
  for (int round = 0; round < 3; round++)
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
      answer a;
      run(pool, &a, cases[i].sql);
      EXPECT(&a, CRECHE_OK);
      assert_int_equal(a.rows->column_count, 0);
      assert_int_equal(a.rows->row_count, cases[i].rows);
      if (cases[i].affected >= 0) assert_int_equal(a.rows->affected, cases[i].affected);
      answer_free(&a);
    }
}

/* ---- What comes ---- */

static void columns_of_one_name(void** state) {
  (void)state;
  answer a;
  run(pool, &a, "select 1 as a, 2 as b, 3 as a, 4 as \"A\"");
  EXPECT(&a, CRECHE_OK);
  assert_int_equal(creche_row_column_index(a.rows, "a"), 2); /* the last */
  assert_int_equal(creche_row_column_index(a.rows, "A"), 3);
  assert_int_equal(creche_row_column_index(a.rows, "c"), -1);
  for (uint32_t i = 0; i < 4; i++) assert_int_equal(creche_row_int4(a.rows, 0, i), (int)i + 1);
  answer_free(&a);
}

/* Who wants the first row only takes it from a stream, and gives the rest up: the server stops. */
typedef struct first_row {
  answer end;
  creche_task task;
  int32_t first;
} first_row;
static void on_first(void* user, const creche_completion* c) {
  first_row* f = user;
  if (c->kind == CRECHE_ROWS) {
    if (f->first == 0) f->first = creche_row_int4(c->data, 0, 0);
    creche_scope_cancel(c->task.scope, NULL);
    creche_value_release(c->value);
  } else {
    on_answer(&f->end, c);
  }
}

static void the_first_row_only(void** state) {
  (void)state;
  creche_connection c = acquire(pool);
  creche_query_options o;
  OK(creche_query_options_init(&o, sizeof o));
  o.block_rows = 1;
  o.blocks = 1;
  for (int i = 1; i <= 3; i++) {
    first_row f = {.first = 0};
    const creche_value v = creche_int4(i);
    answer_init(&f.end);
    /* Two series: the server would collect the rows of one long one first. */
    OK(creche_connection_stream(
        c, loop.scope,
        "select $1 + a, repeat('x', 10000) from generate_series(0, 9999) a, "
        "generate_series(0, 9999) b",
        &v, 1, &o, on_first, &f, NULL));
    EXPECT(&f.end, CRECHE_E_CANCELLED);
    assert_int_equal(f.first, i);
    answer_free(&f.end);
  }
  assert_int_equal(number_on(c, "select 9"), 9);
  creche_connection_release(c);
}

/* ---- Transactions ---- */

static void text_on(creche_connection c, const char* sql, const char* expected) {
  answer a;
  run_on(c, &a, sql);
  EXPECT(&a, CRECHE_OK);
  assert_string_equal(creche_row_text(a.rows, 0, 0, NULL), expected);
  answer_free(&a);
}

/* The opposite of a flag is the one two further. */
static const char* chosen(uint32_t flags, uint32_t flag, int of_session) {
  return flags & flag || (of_session && !(flags & flag << 2)) ? "on" : "off";
}

/* The session's own, and what is asked for, with all that one can say of it. */
static void as_isolated_as_was_asked_for(void** state) {
  (void)state;
  static const char* const levels[] = {"read committed", "repeatable read", "serializable",
                                       "read uncommitted"};
  creche_connection c = acquire(pool);
  for (int s = 0; s < 4; s++) {
    char sql[200];
    snprintf(sql, sizeof sql,
             "select set_config('default_transaction_isolation', '%s', false), set_config("
             "'default_transaction_' || kind, '%d', false) from unnest('{read_only, "
             "deferrable}'::text[]) kind",
             levels[s], s % 2);
    must_on(c, sql);
    for (uint32_t isolation = 0; isolation <= CRECHE_READ_UNCOMMITTED; isolation++)
      for (uint32_t flags = 0; flags < 16; flags++) {
        creche_transaction_options o;
        answer a;
        OK(creche_transaction_options_init(&o, sizeof o));
        o.isolation = isolation;
        o.flags = flags;
        if ((flags & 5) == 5 || (flags & 10) == 10) {
          assert_int_equal(creche_connection_begin(c, loop.scope, &o, on_answer, &a, NULL),
                           CRECHE_E_INVALID);
          continue;
        }
        answer_init(&a);
        OK(creche_connection_begin(c, loop.scope, &o, on_answer, &a, NULL));
        EXPECT(&a, CRECHE_OK);
        answer_free(&a);
        text_on(c, "show transaction_isolation", levels[isolation == 0 ? s : (int)isolation - 1]);
        text_on(c, "show transaction_read_only",
                chosen(flags, CRECHE_TRANSACTION_READ_ONLY, s % 2));
        text_on(c, "show transaction_deferrable",
                chosen(flags, CRECHE_TRANSACTION_DEFERRABLE, s % 2));
        step(creche_connection_begin, c, CRECHE_OK); /* a savepoint is as its transaction */
        step(creche_connection_commit, c, CRECHE_OK);
        step(creche_connection_commit, c, CRECHE_OK);
      }
    text_on(c, "show transaction_isolation", levels[s]);
  }
  creche_connection_release(c);
}

/* ---- COPY of odd names ---- */

typedef struct copied {
  answer end;
  char text[200];
  const char* source;
} copied;
static void on_copied(void* user, const creche_completion* c) {
  copied* k = user;
  if (c->kind == CRECHE_CHUNK) {
    strncat(k->text, c->data, c->data_size);
    creche_value_release(c->value);
  } else if (c->kind == CRECHE_PULL) {
    SAY(creche_task_answer(c->task, CRECHE_OK, k->source, strlen(k->source), 0, NULL));
  } else {
    on_answer(&k->end, c);
  }
}

static void copied_as_the_statement_says(void** state) {
  (void)state;
  creche_connection c = acquire(pool);
  copied in = {.source = "a b|\"\"\"1\"\"\"|nil\nc|2|3\n"}, out = {.source = ""};
  must_on(c, "create schema \"O'dd\"");
  must_on(c, "create table \"O'dd\".\"Ta\"\"ble\" (\"A b\" text, \"c\" text, d text)");
  must_on(c, "set search_path = ''");
  answer_init(&in.end);
  OK(creche_connection_copy_in(c, loop.scope,
                               "copy \"O'dd\".\"Ta\"\"ble\" (\"A b\", c, d) from stdin "
                               "(format csv, null 'nil', delimiter '|') where c <> '2'",
                               NULL, on_copied, &in, NULL));
  EXPECT(&in.end, CRECHE_OK);
  assert_int_equal(in.end.code, 1);
  in.end.value = 0;
  answer_free(&in.end);
  answer_init(&out.end);
  OK(creche_connection_copy_out(c, loop.scope,
                                "copy \"O'dd\".\"Ta\"\"ble\" (d, \"A b\", c) to stdout "
                                "(format csv, header, null '-', force_quote (\"A b\"))",
                                NULL, on_copied, &out, NULL));
  EXPECT(&out.end, CRECHE_OK);
  out.end.value = 0;
  assert_string_equal(out.text, "d,A b,c\n-,\"a b\",\"\"\"1\"\"\"\n");
  answer_free(&out.end);
  must_on(c, "drop schema \"O'dd\" cascade");
  creche_connection_release(c);
}

/* ---- Two who listen ---- */

typedef struct listener {
  answer end;
  int started, said;
} listener;
static void on_said(void* user, const creche_completion* c) {
  listener* l = user;
  if (c->kind != CRECHE_NOTIFY) {
    on_answer(&l->end, c);
    return;
  }
  const creche_notification* n = c->data;
  pthread_mutex_lock(&l->end.lock);
  l->started += n->what == CRECHE_LISTEN_STARTED;
  l->said += n->what == CRECHE_LISTEN_NOTIFICATION;
  pthread_mutex_unlock(&l->end.lock);
  creche_value_release(c->value);
}
static void await_count(listener* l, const int* count, int wanted) {
  for (const int64_t end = now_ms() + PATIENCE_MS;; nap_ms(2)) {
    pthread_mutex_lock(&l->end.lock);
    const int now = *count;
    pthread_mutex_unlock(&l->end.lock);
    if (now == wanted) return;
    if (now > wanted || now_ms() > end) fail_msg("%d, not %d", now, wanted);
  }
}

static void two_who_listen(void** state) {
  (void)state;
  const char* const channels[] = {"news"};
  listener l[2];
  creche_task tasks[2];
  memset(l, 0, sizeof l);
  for (int i = 0; i < 2; i++) {
    answer_init(&l[i].end);
    OK(creche_pool_listen(pool, loop.scope, channels, 1, NULL, on_said, &l[i], &tasks[i]));
    await_count(&l[i], &l[i].started, 1);
  }
  must(pool, "notify news, 'for both'");
  for (int i = 0; i < 2; i++) await_count(&l[i], &l[i].said, 1);
  OK(creche_scope_cancel(tasks[0].scope, NULL));
  EXPECT(&l[0].end, CRECHE_E_CANCELLED);
  must(pool, "notify news, 'for one'");
  await_count(&l[1], &l[1].said, 2);
  assert_int_equal(l[0].said, 1);
  OK(creche_scope_cancel(tasks[1].scope, NULL));
  EXPECT(&l[1].end, CRECHE_E_CANCELLED);
  for (int i = 0; i < 2; i++) answer_free(&l[i].end);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(nothing_is_kept),
      cmocka_unit_test(long_texts_are_not_kept),
      cmocka_unit_test(all_connections_heal),
      cmocka_unit_test(the_same_statement_after_an_error),
      cmocka_unit_test(as_many_values_as_there_are),
      cmocka_unit_test(nothing_and_no_columns),
      cmocka_unit_test(columns_of_one_name),
      cmocka_unit_test(the_first_row_only),
      cmocka_unit_test(as_isolated_as_was_asked_for),
      cmocka_unit_test(copied_as_the_statement_says),
      cmocka_unit_test(two_who_listen),
  };
  return cmocka_run_group_tests_name("cases of statements", tests, open_one, close_one);
}

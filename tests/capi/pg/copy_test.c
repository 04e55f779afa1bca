/* COPY: bytes out and in, held back both ways; whatever goes wrong leaves the connection usable. */
#include "pg_test.h"

static creche_pool pool;

static int open_one(void** state) {
  if (start_server(state) != 0) return -1;
  pool = open_pool(2);
  must(pool, "create table things (id int primary key, name text)");
  must(pool, "create table big (data text)");
  return 0;
}

static int close_one(void** state) {
  close_pool(pool);
  return stop_server(state);
}

/* ---- What a COPY says and asks ---- */
typedef struct copying {
  answer end;
  char* bytes; /* all that came */
  size_t size;
  int chunks;
  int keep; /* chunks are kept until release_all */
  uint64_t kept[64];
  int held;
  /* What is given: `piece` of piece_size bytes, `pieces` times; then how it ends. */
  const char* piece;
  size_t piece_size;
  int pieces;
  creche_status last; /* not CRECHE_OK: it fails there */
  int pulled;
  int silent; /* pulls from this one on are not answered; 0: all are */
  creche_task task;
} copying;

static void copying_init(copying* c) {
  memset(c, 0, sizeof *c);
  answer_init(&c->end);
}

static void copying_free(copying* c) {
  free(c->bytes);
  answer_free(&c->end);
}

static void on_copy(void* user, const creche_completion* done) {
  copying* c = user;
  if (done->kind == CRECHE_CHUNK) {
    assert_true((done->flags & CRECHE_OWNED) != 0 && (done->flags & CRECHE_MORE) != 0);
    assert_null(creche_rows_block((creche_rows){done->value}));
    pthread_mutex_lock(&c->end.lock);
    c->bytes = realloc(c->bytes, c->size + done->data_size + 1);
    memcpy(c->bytes + c->size, done->data, done->data_size);
    c->size += done->data_size;
    c->bytes[c->size] = '\0';
    c->chunks++;
    if (c->keep && c->held < 64)
      c->kept[c->held++] = done->value;
    else
      creche_value_release(done->value);
    pthread_cond_broadcast(&c->end.changed);
    pthread_mutex_unlock(&c->end.lock);
    return;
  }
  if (done->kind == CRECHE_PULL) {
    pthread_mutex_lock(&c->end.lock);
    const int number = c->pulled++;
    c->task = done->task;
    pthread_cond_broadcast(&c->end.changed);
    pthread_mutex_unlock(&c->end.lock);
    if (c->silent != 0 && number + 1 >= c->silent) return;
    creche_status told;
    if (number < c->pieces) {
      const int more = number + 1 < c->pieces || c->last != CRECHE_OK;
      told = creche_task_answer(done->task, CRECHE_OK, c->piece, c->piece_size,
                                more ? CRECHE_MORE : 0, NULL);
    } else {
      told = creche_task_answer(done->task, c->last, NULL, 0, 0, NULL);
    }
    /* The server may have refused all of it meanwhile. */
    assert_true(told == CRECHE_OK || told == CRECHE_E_STATE || told == CRECHE_E_ENDED);
    return;
  }
  on_answer(&c->end, done);
}

static void wait_until(copying* c, const int* count, int wanted) {
  for (const int64_t end = now_ms() + PATIENCE_MS;;) {
    pthread_mutex_lock(&c->end.lock);
    const int now = *count;
    pthread_mutex_unlock(&c->end.lock);
    if (now >= wanted) return;
    if (now_ms() > end) fail_msg("%d instead of %d", now, wanted);
    nap_ms(1);
  }
}

static void release_all(copying* c) {
  pthread_mutex_lock(&c->end.lock);
  c->keep = 0;
  for (int i = 0; i < c->held; i++) creche_value_release(c->kept[i]);
  c->held = 0;
  pthread_mutex_unlock(&c->end.lock);
}

static creche_status copy_out(copying* c, const char* sql) {
  OK(creche_pool_copy_out(pool, loop.scope, sql, NULL, on_copy, c, NULL));
  return answer_wait(&c->end);
}

static creche_status copy_in(copying* c, const char* sql) {
  OK(creche_pool_copy_in(pool, loop.scope, sql, NULL, on_copy, c, NULL));
  return answer_wait(&c->end);
}

/* ---- Out ---- */
static void test_out(void** state) {
  (void)state;
  copying c;
  copying_init(&c);
  copy_out(&c, "copy (select i, 'n' || i from generate_series(1, 3) i) to stdout");
  EXPECT(&c.end, CRECHE_OK);
  assert_string_equal(c.bytes, "1\tn1\n2\tn2\n3\tn3\n");
  assert_int_equal(c.end.code, 3);
  assert_int_equal(c.end.value, 3);
  c.end.value = 0;
  copying_free(&c);
  copying_init(&c);
  copy_out(&c, "copy things to stdout (format csv, header)");
  EXPECT(&c.end, CRECHE_OK);
  assert_string_equal(c.bytes, "id,name\n");
  assert_int_equal(c.end.code, 0);
  copying_free(&c);
  copying_init(&c);
  copy_out(&c, "copy (select 1 where false) to stdout;");
  EXPECT(&c.end, CRECHE_OK);
  assert_int_equal(c.chunks, 0);
  copying_free(&c);
}

/* Nothing is lost, and no more is in memory than was asked for. */
static void test_out_is_held_back(void** state) {
  (void)state;
  copying c;
  copying_init(&c);
  c.keep = 1;
  creche_copy_options o;
  OK(creche_copy_options_init(&o, sizeof o));
  assert_int_equal(o.chunks, 4);
  o.chunk_bytes = 10000;
  o.chunks = 2;
  OK(creche_pool_copy_out(pool, loop.scope,
                          "copy (select repeat('x', 99) from generate_series(1, 200000)) to stdout",
                          &o, on_copy, &c, NULL));
  wait_until(&c, &c.chunks, 2);
  assert_false(answer_wait_for(&c.end, 100));
  assert_int_equal(c.chunks, 2);
  release_all(&c);
  EXPECT(&c.end, CRECHE_OK);
  assert_int_equal(c.size, 200000 * 100);
  assert_int_equal(c.end.code, 200000);
  c.end.value = 0;
  copying_free(&c);
}

static void test_out_of_long_rows(void** state) {
  (void)state;
  copying c;
  copying_init(&c);
  copy_out(&c, "copy (select repeat('y', 2000000) from generate_series(1, 5)) to stdout");
  EXPECT(&c.end, CRECHE_OK);
  assert_int_equal(c.size, 5 * 2000001);
  c.end.value = 0;
  copying_free(&c);
}

/* What came before an error is delivered before it. */
static void test_out_fails_in_the_middle(void** state) {
  (void)state;
  copying c;
  copying_init(&c);
  copy_out(&c, "copy (select 10 / (3000 - i) from generate_series(1, 5000) i) to stdout");
  EXPECT(&c.end, CRECHE_E_PG);
  assert_string_equal(answer_state(&c.end), "22012");
  copying_free(&c);
  assert_int_equal(number(pool, "select 1"), 1);
  AWAIT(counters(pool).idle == counters(pool).connects); /* all of them are kept */
}

static void test_out_is_cancelled(void** state) {
  (void)state;
  copying c;
  copying_init(&c);
  c.keep = 1;
  creche_connection one = acquire(pool);
  creche_copy_options o;
  OK(creche_copy_options_init(&o, sizeof o));
  o.chunk_bytes = 1000;
  creche_task task;
  OK(creche_connection_copy_out(one, loop.scope,
                                "copy (select i from generate_series(1, 100000000) i) to stdout",
                                &o, on_copy, &c, &task));
  wait_until(&c, &c.chunks, 4);
  OK(creche_scope_cancel(task.scope, "enough"));
  EXPECT(&c.end, CRECHE_E_CANCELLED);
  release_all(&c);
  assert_int_equal(number_on(one, "select 2"), 2);
  creche_connection_release(one);
  copying_free(&c);
}

/* ---- In ---- */
static void test_in(void** state) {
  (void)state;
  copying c;
  copying_init(&c);
  c.piece = "1\tone\n2\t\\N\n3\tdrei\n";
  c.piece_size = strlen(c.piece);
  c.pieces = 1;
  copy_in(&c, "copy things from stdin");
  EXPECT(&c.end, CRECHE_OK);
  assert_int_equal(c.end.code, 3);
  assert_int_equal(c.end.value, 3);
  assert_int_equal(c.pulled, 1);
  c.end.value = 0;
  copying_free(&c);
  assert_int_equal(number(pool, "select count(name) from things"), 2);
  /* Nothing at all; a line in two pieces. */
  copying_init(&c);
  c.piece = "";
  c.pieces = 1;
  copy_in(&c, "copy things from stdin");
  EXPECT(&c.end, CRECHE_OK);
  assert_int_equal(c.end.code, 0);
  copying_free(&c);
  copying_init(&c);
  c.piece = "1";
  c.piece_size = 1;
  c.pieces = 5;
  copy_in(&c, "copy things (id) from stdin (format csv)");
  EXPECT(&c.end, CRECHE_OK);
  c.end.value = 0;
  copying_free(&c);
  assert_int_equal(number(pool, "select max(id) from things"), 11111);
  must(pool, "truncate things");
}

/* 200 MB by pieces, and one piece of 20 MB: what is not sent is not asked for. */
static void test_in_of_much(void** state) {
  (void)state;
  static char line[1 << 20];
  memset(line, 'x', sizeof line);
  line[sizeof line - 1] = '\n';
  copying c;
  copying_init(&c);
  c.piece = line;
  c.piece_size = sizeof line;
  c.pieces = 100;
  copy_in(&c, "copy big from stdin");
  EXPECT(&c.end, CRECHE_OK);
  assert_int_equal(c.end.code, 100);
  assert_int_equal(c.pulled, 100);
  c.end.value = 0;
  copying_free(&c);
  assert_int_equal(number(pool, "select sum(length(data))::int8 from big"),
                   100 * (sizeof line - 1));
  must(pool, "truncate big");
  const size_t size = 20 << 20;
  char* all = malloc(size);
  memset(all, 'y', size);
  all[size - 1] = '\n';
  copying_init(&c);
  c.piece = all;
  c.piece_size = size;
  c.pieces = 1;
  copy_in(&c, "copy big from stdin");
  EXPECT(&c.end, CRECHE_OK);
  c.end.value = 0;
  copying_free(&c);
  free(all);
  assert_int_equal(number(pool, "select length(data) from big"), (int64_t)size - 1);
  must(pool, "truncate big");
}

/* The server blocks on a lock: what is pulled stays bounded. */
static void test_in_is_held_back(void** state) {
  (void)state;
  creche_connection holder = acquire(pool);
  must_on(holder, "begin");
  must_on(holder, "lock table big");
  static char line[1 << 16];
  memset(line, 'x', sizeof line);
  line[sizeof line - 1] = '\n';
  must(pool,
       "create or replace function slow() returns trigger language plpgsql as "
       "$$begin perform pg_advisory_xact_lock(77); return new; end$$");
  must(pool, "drop trigger if exists slow on things");
  must_on(holder, "rollback");
  must(pool, "create trigger slow before insert on big for each row execute function slow()");
  must_on(holder, "select pg_advisory_lock(77)");
  copying c;
  copying_init(&c);
  c.piece = line;
  c.piece_size = sizeof line;
  c.pieces = 2000;
  OK(creche_pool_copy_in(pool, loop.scope, "copy big from stdin", NULL, on_copy, &c, NULL));
  assert_false(answer_wait_for(&c.end, 300));
  if (c.pulled == 0 || c.pulled >= 500) fail_msg("%d pulled", c.pulled);
  must_on(holder, "select pg_advisory_unlock(77)");
  EXPECT(&c.end, CRECHE_OK);
  assert_int_equal(c.end.code, 2000);
  c.end.value = 0;
  copying_free(&c);
  creche_connection_release(holder);
  must(pool, "drop trigger slow on big");
  must(pool, "truncate big");
}

/* An error of the server stops the pull, and is the error. */
static void test_server_refuses_in_the_middle(void** state) {
  (void)state;
  copying c;
  copying_init(&c);
  creche_connection one = acquire(pool);
  static char lines[60000];
  for (size_t i = 0; i + 2 <= sizeof lines; i += 2) memcpy(lines + i, "a\n", 2);
  c.piece = lines;
  c.piece_size = sizeof lines;
  c.pieces = 1000000;
  OK(creche_connection_copy_in(one, loop.scope, "copy things (id) from stdin", NULL, on_copy, &c,
                               NULL));
  EXPECT(&c.end, CRECHE_E_PG);
  assert_string_equal(answer_state(&c.end), "22P02");
  assert_true(c.pulled < 1000);
  copying_free(&c);
  for (int i = 0; i < 3; i++) assert_int_equal(number_on(one, "select 7"), 7);
  creche_connection_release(one);
  assert_int_equal(number(pool, "select count(*) from things"), 0);
  /* While a pull waits for its answer: the error comes without it, and the answer is refused. */
  copying_init(&c);
  c.piece = "a\n";
  c.piece_size = 2;
  c.pieces = 1;
  c.last = CRECHE_E_USER;
  c.silent = 2;
  copy_in(&c, "copy things (id) from stdin");
  EXPECT(&c.end, CRECHE_E_PG);
  assert_string_equal(answer_state(&c.end), "22P02");
  const creche_status late = creche_task_answer(c.task, CRECHE_OK, "1\n", 2, 0, NULL);
  assert_true(late == CRECHE_E_ENDED || late == CRECHE_E_STATE);
  copying_free(&c);
}

/* The user cannot go on, at once or later: CopyFail, and nothing is stored. */
static void test_source_fails(void** state) {
  (void)state;
  for (int pieces = 0; pieces < 3; pieces++) {
    copying c;
    copying_init(&c);
    creche_connection one = acquire(pool);
    c.piece = "1\tone\n";
    c.piece_size = 6;
    c.pieces = pieces;
    c.last = CRECHE_E_USER;
    OK(creche_connection_copy_in(one, loop.scope, "copy things from stdin", NULL, on_copy, &c,
                                 NULL));
    EXPECT(&c.end, CRECHE_E_BODY);
    copying_free(&c);
    assert_int_equal(number_on(one, "select count(*) from things"), 0);
    creche_connection_release(one);
  }
}

static void test_in_is_cancelled(void** state) {
  (void)state;
  creche_connection one = acquire(pool);
  const uint64_t cancels = counters(pool).cancels;
  for (int silent = 1; silent < 4; silent++) {
    copying c;
    copying_init(&c);
    c.piece = "1\tone\n";
    c.piece_size = 6;
    c.pieces = 100;
    c.silent = silent;
    creche_task task;
    OK(creche_connection_copy_in(one, loop.scope, "copy things from stdin", NULL, on_copy, &c,
                                 &task));
    wait_until(&c, &c.pulled, silent);
    OK(creche_scope_cancel(task.scope, "enough"));
    EXPECT(&c.end, CRECHE_E_CANCELLED);
    copying_free(&c);
    assert_int_equal(number_on(one, "select count(*) from things"), 0);
  }
  (void)cancels;
  creche_connection_release(one);
}

/* Before the server has asked for anything, and while it works on what it has. */
static void test_in_is_cancelled_at_a_lock(void** state) {
  (void)state;
  creche_connection holder = acquire(pool);
  must_on(holder, "begin");
  must_on(holder, "lock table things");
  copying c;
  copying_init(&c);
  creche_task task;
  OK(creche_pool_copy_in(pool, loop.scope, "copy things from stdin", NULL, on_copy, &c, &task));
  while (number_on(holder, "select count(*) from pg_locks where not granted") == 0) nap_ms(1);
  OK(creche_scope_cancel(task.scope, "enough"));
  EXPECT(&c.end, CRECHE_E_CANCELLED);
  assert_int_equal(c.pulled, 0);
  must_on(holder, "rollback");
  copying_free(&c);
  must(pool, "create trigger slow before insert on things for each row execute function slow()");
  must_on(holder, "select pg_advisory_lock(77)");
  copying_init(&c);
  c.piece = "1\tone\n";
  c.piece_size = 6;
  c.pieces = 1;
  OK(creche_pool_copy_in(pool, loop.scope, "copy things from stdin", NULL, on_copy, &c, &task));
  while (number_on(holder, "select count(*) from pg_locks where not granted") == 0) nap_ms(1);
  OK(creche_scope_cancel(task.scope, "enough"));
  EXPECT(&c.end, CRECHE_E_CANCELLED);
  copying_free(&c);
  creche_connection_release(holder);
  must(pool, "drop trigger slow on things");
  assert_int_equal(number(pool, "select count(*) from things"), 0);
}

static void test_in_a_transaction(void** state) {
  (void)state;
  creche_connection one = acquire(pool);
  must_on(one, "begin");
  copying c;
  copying_init(&c);
  c.piece = "1\tone\n";
  c.piece_size = 6;
  c.pieces = 1;
  OK(creche_connection_copy_in(one, loop.scope, "copy things from stdin", NULL, on_copy, &c, NULL));
  EXPECT(&c.end, CRECHE_OK);
  c.end.value = 0;
  copying_free(&c);
  assert_int_equal(number_on(one, "select count(*) from things"), 1);
  /* What fails fails the transaction. */
  copying_init(&c);
  c.last = CRECHE_E_USER;
  OK(creche_connection_copy_in(one, loop.scope, "copy things from stdin", NULL, on_copy, &c, NULL));
  EXPECT(&c.end, CRECHE_E_BODY);
  copying_free(&c);
  answer a;
  run_on(one, &a, "select 1");
  EXPECT(&a, CRECHE_E_PG);
  assert_string_equal(answer_state(&a), "25P02");
  answer_free(&a);
  must_on(one, "rollback");
  creche_connection_release(one);
  assert_int_equal(number(pool, "select count(*) from things"), 0);
}

/* ---- What is no COPY, or the other way ---- */
static void test_refused(void** state) {
  (void)state;
  static const struct {
    const char* sql;
    creche_status out, in;
    const char* says;
  } cases[] = {
      {"select 1", CRECHE_E_INVALID, CRECHE_E_INVALID, "no COPY"},
      {"copy things to stdout; select 1", CRECHE_E_INVALID, CRECHE_E_INVALID, "one statement"},
      {"copy things from stdin; copy things from stdin", CRECHE_E_INVALID, CRECHE_E_INVALID,
       "one statement"},
      {"copy nothing to stdout", CRECHE_E_PG, CRECHE_E_PG, "nothing"},
      {"copy things frm stdin", CRECHE_E_PG, CRECHE_E_PG, "syntax"},
      {"copy things from '/nowhere/at/all'", CRECHE_E_PG, CRECHE_E_PG, "nowhere"},
  };
  const uint64_t dropped = counters(pool).dropped;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    copying c;
    copying_init(&c);
    copy_out(&c, cases[i].sql);
    EXPECT(&c.end, cases[i].out);
    assert_non_null(strstr(creche_error_message(c.end.error), cases[i].says));
    copying_free(&c);
    copying_init(&c);
    copy_in(&c, cases[i].sql);
    EXPECT(&c.end, cases[i].in);
    copying_free(&c);
  }
  copying c;
  copying_init(&c);
  copy_in(&c, "copy (select 1 from generate_series(1, 100000)) to stdout");
  EXPECT(&c.end, CRECHE_E_INVALID);
  assert_non_null(strstr(creche_error_message(c.end.error), "copy_out"));
  copying_free(&c);
  copying_init(&c);
  copy_out(&c, "copy things from stdin");
  EXPECT(&c.end, CRECHE_E_INVALID);
  assert_non_null(strstr(creche_error_message(c.end.error), "copy_in"));
  copying_free(&c);
  assert_int_equal(number(pool, "select 1"), 1);
  assert_int_equal(counters(pool).dropped, dropped);
  assert_int_equal(creche_pool_copy_in(pool, loop.scope, "copy things from stdin", NULL,
                                       creche_nobody, NULL, NULL),
                   CRECHE_E_INVALID);
  answer a;
  run(pool, &a, "copy things to stdout");
  EXPECT(&a, CRECHE_E_UNSUPPORTED);
  answer_free(&a);
}

/* Its connection dies; the pool closes. */
static void test_the_end(void** state) {
  (void)state;
  creche_connection one = acquire(pool);
  const int64_t pid = number_on(one, "select pg_backend_pid()");
  copying c;
  copying_init(&c);
  c.piece = "1\tone\n";
  c.piece_size = 6;
  c.pieces = 100;
  c.silent = 2;
  OK(creche_connection_copy_in(one, loop.scope, "copy things from stdin", NULL, on_copy, &c, NULL));
  wait_until(&c, &c.pulled, 2);
  char sql[100];
  snprintf(sql, sizeof sql, "select pg_terminate_backend(%d)", (int)pid);
  must(pool, sql);
  const creche_status status = answer_wait(&c.end);
  assert_true(status == CRECHE_E_DISCONNECTED || status == CRECHE_E_PG);
  copying_free(&c);
  creche_connection_release(one);
  creche_pool other = open_pool(1);
  copying_init(&c);
  c.silent = 1;
  OK(creche_pool_copy_in(other, loop.scope, "copy things from stdin", NULL, on_copy, &c, NULL));
  wait_until(&c, &c.pulled, 1);
  close_pool(other);
  EXPECT(&c.end, CRECHE_E_CLOSED);
  copying_free(&c);
  assert_int_equal(number(pool, "select count(*) from things"), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_out),
      cmocka_unit_test(test_out_is_held_back),
      cmocka_unit_test(test_out_of_long_rows),
      cmocka_unit_test(test_out_fails_in_the_middle),
      cmocka_unit_test(test_out_is_cancelled),
      cmocka_unit_test(test_in),
      cmocka_unit_test(test_in_of_much),
      cmocka_unit_test(test_in_is_held_back),
      cmocka_unit_test(test_server_refuses_in_the_middle),
      cmocka_unit_test(test_source_fails),
      cmocka_unit_test(test_in_is_cancelled),
      cmocka_unit_test(test_in_is_cancelled_at_a_lock),
      cmocka_unit_test(test_in_a_transaction),
      cmocka_unit_test(test_refused),
      cmocka_unit_test(test_the_end),
  };
  return cmocka_run_group_tests(tests, open_one, close_one);
}

/* PostgreSQL without memory: statements, transactions, COPY, LISTEN, many rows. See no_memory.h. */
#include <netdb.h>
#include <pwd.h>

#include "no_memory.h"

static support_postgres* postgres;

static void body(void* user, const creche_completion* c) {
  creche_connection connection;
  (void)user;
  if (c->kind != CRECHE_BEGIN) return;
  connection.id = c->value;
  SAY(creche_connection_query(connection, c->task.scope, "insert into kept values (1)", NULL, 0,
                              NULL, creche_nobody, NULL, NULL));
  creche_task_finish(c->task, CRECHE_OK, 0, NULL);
}
static void database(void) {
  static const char kSql[] = "select i::int8, repeat('x', 50) from generate_series(1, $1) i";
  const creche_value n = creche_int4(7), many = creche_int4(3000);
  creche_pool pool;
  creche_pool_options p;
  creche_connection held_connection;
  creche_task sleeping = {{0}};
  mark *m, *lease;
  creche_pool_options_init(&p, sizeof p);
  p.max_size = 2;
  if (!TRY(creche_pool_open(loop, support_postgres_url(postgres), &p, &pool))) return;
  ended(START(creche_pool_query(pool, loop.scope, kSql, &n, 1, NULL, tell, fresh(), NULL)));
  ended(START(creche_pool_query(pool, loop.scope, kSql, &n, 1, NULL, tell, fresh(), NULL)));
  ended(START(creche_pool_stream(pool, loop.scope, kSql, &many, 1, NULL, tell, fresh(), NULL)));
  ended(START(creche_pool_transaction(pool, loop.scope, body, NULL, NULL, tell, fresh(), NULL)));
  creche_loop_dump(loop, CRECHE_DUMP_TEXT, text, sizeof text, NULL);
  lease = START(creche_pool_acquire(pool, loop.scope, NULL, tell, fresh(), NULL));
  if (ended(lease) == CRECHE_OK) {
    held_connection.id = lease->value;
    START(creche_connection_begin(held_connection, loop.scope, NULL, tell, fresh(), NULL));
    START(creche_connection_query(held_connection, loop.scope, kSql, &n, 1, NULL, tell, fresh(),
                                  NULL));
    m = START(creche_connection_rollback(held_connection, loop.scope, NULL, tell, fresh(), NULL));
    const int rolled_back = ended(m) == CRECHE_OK;
    m = START(creche_connection_script(held_connection, loop.scope, "select 1; select 2", NULL,
                                       tell, fresh(), NULL));
    ended(m);
    if (rolled_back && m != NULL && m->in_failed_transaction)
      note_trouble("behind the rollback", m->why);
    creche_connection_release(held_connection);
  }
  m = START(creche_pool_query(pool, loop.scope, "select pg_sleep(600)", NULL, 0, NULL, tell,
                              fresh(), &sleeping));
  if (m != NULL) {
    stop_task(m, sleeping);
    ended(m);
  }
  memory_is_back();
  must_be_ok(START(creche_pool_query(pool, loop.scope, kSql, &n, 1, NULL, tell, fresh(), NULL)));
  if (START(creche_pool_close(pool, tell, fresh())) != NULL) ended(&marks[used - 1]);
  creche_pool_release(pool);
}

static creche_status give(void* user, const creche_password_request* request, char* password,
                          size_t capacity) {
  (void)user;
  (void)request;
  snprintf(password, capacity, "as good as any");
  return CRECHE_OK;
}
static void hear(void* user, const creche_error* notice) {
  (void)user;
  (void)notice;
}
static void much(void) {
  static const char* const channels[] = {"jobs"};
  const creche_value rows[6] = {creche_int4(1), creche_int4(2), creche_int4(3),
                                creche_int4(4), creche_int4(5), creche_int4(6)};
  creche_pool pool;
  creche_task listening = {{0}};
  mark *m, *listener;
  creche_pool_calls calls;
  creche_pool_options p;
  creche_pool_calls_init(&calls, sizeof calls);
  calls.password = give;
  calls.notice = hear;
  creche_pool_options_init(&p, sizeof p);
  p.calls = &calls;
  p.command_timeout = 60 * CRECHE_SECOND;
  if (!TRY(creche_pool_open(loop, support_postgres_url(postgres), &p, &pool))) return;
  ended(START(creche_pool_query(pool, loop.scope, "do $$ begin raise notice 'so'; end $$", NULL, 0,
                                NULL, tell, fresh(), NULL)));
  listener =
      START(creche_pool_listen(pool, loop.scope, channels, 1, NULL, tell, fresh(), &listening));
  has_begun(listener);
  m = START(
      creche_pool_copy_in(pool, loop.scope, "copy kept from stdin", NULL, tell, fresh(), NULL));
  ended(m);
  m = START(creche_pool_copy_out(pool, loop.scope,
                                 "copy (select generate_series(1, 3000)) to stdout", NULL, tell,
                                 fresh(), NULL));
  if (ended(m) == CRECHE_OK && m->size != 13893) note_trouble("the copy", "is cut");
  ended(START(creche_pool_execute_many(pool, loop.scope, "insert into kept values ($1)", rows, 1, 6,
                                       NULL, tell, fresh(), NULL)));
  ended(START(creche_pool_query(pool, loop.scope, "notify jobs, 'one'", NULL, 0, NULL, tell,
                                fresh(), NULL)));
  creche_loop_dump(loop, CRECHE_DUMP_TEXT, text, sizeof text, NULL);
  memory_is_back();
  stop_task(listener, listening);
  ended(listener);
  must_be_ok(START(
      creche_pool_copy_in(pool, loop.scope, "copy kept from stdin", NULL, tell, fresh(), NULL)));
  must_be_ok(START(creche_pool_execute_many(pool, loop.scope, "insert into kept values ($1)", rows,
                                            1, 6, NULL, tell, fresh(), NULL)));
  if (START(creche_pool_close(pool, tell, fresh())) != NULL) ended(&marks[used - 1]);
  creche_pool_release(pool);
}

/* A row for a COPY. */
static int32_t give_row(const char* bytes, size_t size, void* task) {
  return creche_task_answer(*(creche_task*)task, CRECHE_OK, bytes, size, 0, NULL);
}
static void tell_or_give(void* user, const creche_completion* c) {
  const creche_value seven = creche_int4(7);
  creche_task task = c->task;
  if (c->kind != CRECHE_PULL) {
    tell(user, c);
    return;
  }
  spared++; /* it is not what is tested */
  if (creche_values_to_rows(&seven, 1, 1, give_row, &task) != CRECHE_OK)
    note_trouble("a row", "is not given");
  spared--;
}

/* Several statements at once, descriptions, cursors, names, rows that are collected, init. */
static void batches(void) {
  const creche_value ids[3] = {creche_int4(1), creche_int4(2), creche_int4(3)};
  const creche_batch_item items[] = {{"insert into kept values ($1)", ids, 1},
                                     {"select repeat('x', 3000), $1::int", &ids[1], 1},
                                     {"select i from kept", NULL, 0}};
  static const char* const names[] = {"a"};
  creche_pool pool;
  creche_pool_options p;
  creche_query_options q;
  creche_batch_options b;
  creche_cursor_options c;
  creche_connection connection;
  mark* lease;
  creche_pool_options_init(&p, sizeof p);
  creche_query_options_init(&q, sizeof q);
  creche_batch_options_init(&b, sizeof b);
  creche_cursor_options_init(&c, sizeof c);
  p.max_size = 2;
  p.init = "set statement_timeout = '1h'";
  q.flags = CRECHE_QUERY_COLLECT;
  b.flags = CRECHE_BATCH_SEPARATE;
  c.flags = CRECHE_CURSOR_HOLD;
  if (!TRY(creche_pool_open(loop, support_postgres_url(postgres), &p, &pool))) return;
  ended(START(creche_pool_batch(pool, loop.scope, items, 3, NULL, tell, fresh(), NULL)));
  ended(START(creche_pool_batch(pool, loop.scope, items, 3, &b, tell, fresh(), NULL)));
  ended(START(creche_pool_copy_rows(pool, loop.scope, "copy kept from stdin", NULL, tell_or_give,
                                    fresh(), NULL)));
  ended(START(creche_pool_describe(pool, loop.scope, "select $1::int as n", NULL, 0, NULL, tell,
                                   fresh(), NULL)));
  ended(START(creche_pool_execute_many(pool, loop.scope, "insert into kept values ($1) returning i",
                                       ids, 1, 3, &q, tell, fresh(), NULL)));
  q.flags = 0;
  q.names = names;
  q.max_rows = 1;
  ended(START(creche_pool_query(pool, loop.scope, "select generate_series(1, :a)", &ids[2], 1, &q,
                                tell, fresh(), NULL)));
  TRY(creche_pool_resize(pool, 1, 3));
  lease = START(creche_pool_acquire(pool, loop.scope, NULL, tell, fresh(), NULL));
  if (ended(lease) == CRECHE_OK) {
    connection.id = lease->value;
    lease = START(creche_cursor_open(connection, loop.scope, "c", "select 1", NULL, 0, &c, tell,
                                     fresh(), NULL));
    if (ended(lease) == CRECHE_OK)
      ended(START(creche_cursor_fetch(connection, loop.scope, "c", 5, NULL, tell, fresh(), NULL)));
    creche_connection_release(connection);
  }
  memory_is_back();
  must_be_ok(START(creche_pool_batch(pool, loop.scope, items, 3, NULL, tell, fresh(), NULL)));
  if (START(creche_pool_close(pool, tell, fresh())) != NULL) ended(&marks[used - 1]);
  creche_pool_release(pool);
}

/* Bodies of the pool's: each runs one statement, if there is memory for it. */
static void on_step(void* user, const creche_completion* c) {
  const creche_task task = {{(uint64_t)(uintptr_t)user}};
  if (c->flags & CRECHE_OWNED) creche_value_release(c->value);
  creche_task_finish(task, c->status, 0, c->error);
}
static void on_body(void* user, const creche_completion* c) {
  const creche_connection own = {c->value};
  (void)user;
  if (c->kind != CRECHE_BEGIN) return;
  const creche_status failed =
      creche_connection_query(own, c->task.scope, "select 1", NULL, 0, NULL, on_step,
                              (void*)(uintptr_t)c->task.scope.id, NULL);
  if (failed != CRECHE_OK) creche_task_finish(c->task, failed, 0, NULL);
}
static void bodies(void) {
  creche_pool pool;
  creche_pool_calls calls;
  creche_pool_options p;
  mark* lease;
  creche_pool_calls_init(&calls, sizeof calls);
  calls.init = calls.setup = calls.reset = on_body;
  creche_pool_options_init(&p, sizeof p);
  p.calls = &calls;
  p.max_size = 1;
  if (!TRY(creche_pool_open(loop, support_postgres_url(postgres), &p, &pool))) return;
  lease = START(creche_pool_acquire(pool, loop.scope, NULL, tell, fresh(), NULL));
  if (ended(lease) == CRECHE_OK) creche_connection_release((creche_connection){lease->value});
  ended(START(creche_pool_query(pool, loop.scope, "select 1", NULL, 0, NULL, tell, fresh(), NULL)));
  memory_is_back();
  must_be_ok(
      START(creche_pool_query(pool, loop.scope, "select 1", NULL, 0, NULL, tell, fresh(), NULL)));
  if (START(creche_pool_close(pool, tell, fresh())) != NULL) ended(&marks[used - 1]);
  creche_pool_release(pool);
}

/* On a connection of one's own: what takes many values; and rows that are given away. */
static int32_t count_bytes(const char* bytes, size_t size, void* user) {
  (void)bytes;
  *(size_t*)user += size;
  return 0;
}
static void exports(void) {
  const creche_value ids[3] = {creche_int4(1), creche_int4(2), creche_int4(3)};
  const creche_batch_item items[] = {{"select $1::int", ids, 1}, {"select 2", NULL, 0}};
  creche_pool pool;
  creche_rows rows = {0};
  mark* lease;
  if (!TRY(creche_pool_open(loop, support_postgres_url(postgres), NULL, &pool))) return;
  ended(START(creche_pool_execute_rows(pool, loop.scope, "insert into kept values ($1)", NULL,
                                       tell_or_give, fresh(), NULL)));
  lease = START(creche_pool_acquire(pool, loop.scope, NULL, tell, fresh(), NULL));
  if (ended(lease) == CRECHE_OK) {
    const creche_connection own = {lease->value};
    ended(START(creche_connection_batch(own, loop.scope, items, 2, NULL, tell, fresh(), NULL)));
    ended(START(creche_connection_describe(own, loop.scope, "select 1", NULL, 0, NULL, tell,
                                           fresh(), NULL)));
    ended(START(creche_connection_execute_many(own, loop.scope, "insert into kept values ($1)", ids,
                                               1, 3, NULL, tell, fresh(), NULL)));
    ended(START(creche_connection_execute_rows(own, loop.scope, "insert into kept values ($1)",
                                               NULL, tell_or_give, fresh(), NULL)));
    ended(START(creche_connection_copy_rows(own, loop.scope, "copy kept from stdin", NULL,
                                            tell_or_give, fresh(), NULL)));
    creche_connection_release(own);
  }
  const creche_status status = creche_query_in(
      pool, loop.scope, "select i, i::text || repeat('x', 300), i::numeric, array[i] from kept",
      NULL, 0, NULL, &rows);
  if (!may_be(status)) note_trouble("a query that blocks", creche_status_name(status));
  if (status == CRECHE_OK) {
    const creche_row_block* block = creche_rows_block(rows);
    struct ArrowSchema schema;
    struct ArrowArray array;
    size_t size = 0;
    TRY(creche_rows_to_json(block, 0, count_bytes, &size));
    TRY(creche_rows_to_csv(block, 0, ',', count_bytes, &size));
    if (TRY(creche_rows_to_arrow(block, 0, &schema, &array))) {
      schema.release(&schema);
      array.release(&array);
    }
  }
  creche_rows_release(rows);
  memory_is_back();
  must_be_ok(START(creche_pool_execute_rows(pool, loop.scope, "insert into kept values ($1)", NULL,
                                            tell_or_give, fresh(), NULL)));
  must_be_ok(START(
      creche_pool_query(pool, loop.scope, "truncate kept", NULL, 0, NULL, tell, fresh(), NULL)));
  if (START(creche_pool_close(pool, tell, fresh())) != NULL) ended(&marks[used - 1]);
  creche_pool_release(pool);
}

static const scenario scenarios[] = {{"database", database, 0},
                                     {"much", much, 0},
                                     {"batches", batches, 0},
                                     {"bodies", bodies, 0},
                                     {"exports", exports, 0}};
static void postgres_without_memory(void** state) {
  (void)state;
  each_fails_once(&scenarios[0]);
}
static void copy_and_listen_without_memory(void** state) {
  (void)state;
  each_fails_once(&scenarios[1]);
}
static void batches_without_memory(void** state) {
  (void)state;
  each_fails_once(&scenarios[2]);
}

static void bodies_without_memory(void** state) {
  (void)state;
  each_fails_once(&scenarios[3]);
}

static void exports_without_memory(void** state) {
  (void)state;
  each_fails_once(&scenarios[4]);
}

static void make_table(void) {
  mark* m;
  creche_pool pool;
  OK(creche_loop_open(NULL, &loop));
  OK(creche_pool_open(loop, support_postgres_url(postgres), NULL, &pool));
  m = START(creche_pool_query(pool, loop.scope, "create table kept (i int)", NULL, 0, NULL, tell,
                              fresh(), NULL));
  assert_int_equal(ended(m), CRECHE_OK);
  OK(creche_loop_close(loop));
  OK(creche_loop_join(loop, PATIENCE));
}
static int start(void** state) {
  struct addrinfo* found = NULL;
  (void)state;
  postgres = support_postgres_start(NULL);
  if (postgres == NULL) return -1;
  /* The C library's own first times end the process if memory fails in them. */
  if (getaddrinfo("localhost", NULL, NULL, &found) == 0) freeaddrinfo(found);
  getpwuid(getuid());
  make_table();
  return 0;
}
static int stop(void** state) {
  (void)state;
  support_postgres_stop(postgres);
  return 0;
}

int main(int argc, char** argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(postgres_without_memory), cmocka_unit_test(copy_and_listen_without_memory),
      cmocka_unit_test(batches_without_memory),  cmocka_unit_test(bodies_without_memory),
      cmocka_unit_test(exports_without_memory),
  };
  if (argc == 4)
    return run_by_hand(argv, scenarios, sizeof scenarios / sizeof *scenarios, start, stop);
  return cmocka_run_group_tests(tests, start, stop);
}

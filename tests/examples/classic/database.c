/* The classic examples of a database, in C. usage: DATABASE_URL=... database, with a table
 * `account` */
#include <inttypes.h>
#include <string.h>

#include "classic.h"

static const char kAdd[] = "update account set cents = cents + $1 where name = $2";

/* show: pool */
static void pool(creche_loop loop, creche_queue queue) {
  creche_pool db;
  creche_pool_options o;
  creche_group group;
  creche_group_options g;
  creche_pool_options_init(&o, sizeof o);
  creche_group_options_init(&g, sizeof g);
  o.min_size = 1;
  o.max_size = 4;
  g.queue = queue;
  must(creche_pool_open(loop, getenv("DATABASE_URL"), &o, &db));
  must(creche_group_open(loop.scope, &g, NULL, NULL, &group));
  for (int32_t i = 1; i <= 4; i++) {
    creche_value arg = creche_int4(i);
    must(creche_pool_query(db, group.scope, "select $1::int * $1", &arg, 1, NULL, creche_to_group,
                           NULL, NULL));
  }
  creche_group_close(group);
  creche_completion all = next(queue); /* the results, in the order of starting */
  const creche_completion* squares = all.data;
  for (uint64_t i = 0; i < all.value; i++) {
    int32_t square;
    must(creche_row_get_int4(squares[i].data, 0, 0, &square));
    printf("%d ", (int)square);
  }
  puts("");
  creche_completions_release(&all, 1);
  creche_pool_release(db);
}
/* end: pool */

/* show: cursor */
static void cursor(creche_loop loop, creche_queue queue, creche_pool db) {
  creche_query_options q;
  creche_task_options to_queue;
  creche_query_options_init(&q, sizeof q);
  creche_task_options_init(&to_queue, sizeof to_queue);
  to_queue.queue = queue;
  q.task = &to_queue;
  must(creche_pool_stream(db, loop.scope, "select i from generate_series(1, 100000) i", NULL, 0, &q,
                          NULL, NULL, NULL));
  int64_t total = 0;
  for (int more = 1; more;) {
    creche_completion c = next(queue);
    more = (c.flags & CRECHE_MORE) != 0;
    const creche_row_block* rows = c.data;
    for (uint64_t r = 0; c.kind == CRECHE_ROWS && r < rows->row_count; r++) {
      int32_t i;
      must(creche_row_get_int4(rows, r, 0, &i));
      total += i;
    }
    creche_completions_release(&c, 1); /* lets the stream go on */
  }
  printf("%" PRId64 "\n", total);
}
/* end: cursor */

/* show: transaction */
static creche_status transfer(creche_pool db, int32_t cents) {
  creche_connection tx;
  creche_value to[] = {creche_int4(cents), creche_text("ben")};
  creche_value from[] = {creche_int4(-cents), creche_text("anna")};
  must(creche_begin(db, (creche_scope){0}, NULL, &tx));
  creche_status status = creche_execute_on(tx, (creche_scope){0}, kAdd, to, 2, NULL, NULL);
  if (status == CRECHE_OK)
    status = creche_execute_on(tx, (creche_scope){0}, kAdd, from, 2, NULL, NULL);
  if (status == CRECHE_OK) return creche_commit(tx, NULL);
  creche_connection_release(tx); /* rolls back */
  return status;
}
static void transaction(creche_pool db) {
  for (int32_t cents = 300; cents <= 900; cents += 600)
    if (transfer(db, cents) == CRECHE_E_PG && strcmp(creche_last_error()->sqlstate, "23514") == 0)
      puts("rolled back");
}
/* end: transaction */

/* show: records */
static void records(creche_pool db) {
  creche_rows rows;
  must(creche_query(db, "select name, cents from account order by name", NULL, 0, NULL, &rows));
  const creche_row_block* block = creche_rows_block(rows); /* flat memory */
  for (uint64_t r = 0; r < block->row_count; r++) {
    const char* name;
    int32_t cents;
    must(creche_row_get_text(block, r, 0, &name, NULL));
    must(creche_row_get_int4(block, r, 1, &cents));
    printf("%s %d\n", name, (int)cents);
  }
  creche_rows_release(rows);
}
/* end: records */

int main(void) {
  creche_loop loop;
  creche_queue queue;
  creche_pool db;
  must(creche_loop_open(NULL, &loop));
  must(creche_queue_open(loop, NULL, &queue));
  must(creche_pool_open(loop, getenv("DATABASE_URL"), NULL, &db));
  pool(loop, queue);
  cursor(loop, queue, db);
  transaction(db);
  records(db);
  close_loop(loop);
  return 0;
}

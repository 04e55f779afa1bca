/* A transaction: its body, its retries, and what of it survives. usage: DATABASE_URL=...
 * transactions */
#include "guide.h"

/* show: body */
struct transfer {
  creche_task task;
  creche_connection connection;
  creche_value args[2];
  int steps;
};

/* Each step starts the next one, in the scope of the body; a failure is the body's. */
static void step(void* user, const creche_completion* c) {
  struct transfer* t = user;
  creche_status status = c->status;
  const creche_error* error = c->error;
  if (c->flags & CRECHE_OWNED) creche_value_release(c->value);
  if (status == CRECHE_OK && ++t->steps == 1)
    status = creche_connection_query(t->connection, t->task.scope,
                                     "update account set cents = cents + $1 where name = $2",
                                     t->args, 2, NULL, step, t, NULL);
  if (status != CRECHE_OK || t->steps == 2) creche_task_finish(t->task, status, 0, error);
}

static void transfer(void* user, const creche_completion* c) {
  struct transfer* t = user;
  if (c->kind != CRECHE_BEGIN) return; /* CRECHE_CANCEL: its statement is being stopped already */
  t->task = c->task;
  t->connection = (creche_connection){c->value};
  t->steps = 0; /* a retry begins from the beginning */
  creche_value args[] = {t->args[0], creche_text("anna")};
  creche_status status = creche_connection_query(
      t->connection, t->task.scope, "update account set cents = cents - $1 where name = $2", args,
      2, NULL, step, t, NULL);
  if (status != CRECHE_OK) creche_task_finish(t->task, status, 0, NULL); /* step is not called */
}
/* end: body */

static void run(creche_pool db, creche_queue queue, creche_scope in, const char* sql) {
  creche_query_options q;
  creche_task_options t;
  creche_query_options_init(&q, sizeof q);
  creche_task_options_init(&t, sizeof t);
  t.queue = queue;
  q.task = &t;
  must(creche_pool_query(db, in, sql, NULL, 0, &q, NULL, NULL, NULL));
  creche_completion c = next(queue);
  if (c.status != CRECHE_OK) {
    fprintf(stderr, "%s\n", c.error->message);
    exit(1);
  }
  const creche_row_block* rows = c.data;
  const char* name;
  int32_t cents;
  for (uint64_t r = 0; r < rows->row_count; r++) {
    must(creche_row_get_text(rows, r, 0, &name, NULL));
    must(creche_row_get_int4(rows, r, 1, &cents));
    printf("%s: %d\n", name, (int)cents);
  }
  creche_completions_release(&c, 1);
}

int main(void) {
  creche_loop loop;
  creche_queue queue;
  creche_pool db;
  must(creche_loop_open(NULL, &loop));
  must(creche_queue_open(loop, NULL, &queue));
  must(creche_pool_open(loop, getenv("DATABASE_URL"), NULL, &db));
  run(db, queue, loop.scope, "drop table if exists account");
  run(db, queue, loop.scope, "create table account (name text, cents int check (cents >= 0))");
  run(db, queue, loop.scope, "insert into account values ('anna', 500), ('ben', 0)");
  for (int32_t cents = 300; cents <= 900; cents += 600) {
    /* show: start */
    struct transfer t = {{{0}}, {0}, {creche_int4(cents), creche_text("ben")}, 0};
    creche_task_options to_queue;
    creche_task_options_init(&to_queue, sizeof to_queue);
    to_queue.queue = queue;
    to_queue.timeout = 5 * CRECHE_SECOND; /* for all of it but a COMMIT that has begun */
    creche_transaction_options o;
    creche_transaction_options_init(&o, sizeof o);
    o.isolation = CRECHE_SERIALIZABLE;
    o.retries = 3; /* run the body again when the server could not serialize it */
    o.task = &to_queue;
    must(creche_pool_transaction(db, loop.scope, transfer, &t, &o, NULL, NULL, NULL));

    creche_completion c = next(queue); /* the last word: committed, or nothing has happened */
    printf("%s\n", c.status == CRECHE_OK ? "committed" : c.error->message);
    creche_completions_release(&c, 1);
    /* end: start */
  }
  run(db, queue, loop.scope, "select name, cents from account order by name");
  close_loop(loop);
  return 0;
}

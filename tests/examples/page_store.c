/* Fail-fast by callbacks: pages are fetched and stored, and the first failure stops all of it; then
 * a transaction counts them and leaves a note, or nothing. usage: DATABASE_URL=... page_store
 * URL... */
#include <creche/creche.h>
#include <stdio.h>
#include <stdlib.h>

struct job {
  creche_pool pool;
  creche_group group;
  const char* url;
};

static void page(void* user, const creche_completion* c) /* on the loop; a child of job->group */
{
  struct job* job = user;
  if (c->status != CRECHE_OK) return; /* fail-fast: the siblings are being stopped already */
  creche_value args[] = {creche_text(job->url), creche_int4((int32_t)c->code),
                         creche_bytes(c->data, c->data_size)};
  if (creche_pool_query(job->pool, job->group.scope,
                        "insert into page (url, status, body) values ($1, $2, $3)", args, 3, NULL,
                        creche_nobody, NULL, NULL) != CRECHE_OK)
    creche_scope_cancel(job->group.scope, creche_last_error()->message); /* no memory */
  creche_response_release((creche_response){c->value});
}

static creche_task body;

static void noted(void* user, const creche_completion* c) {
  (void)user;
  if (c->flags & CRECHE_OWNED) creche_value_release(c->value);
  creche_task_finish(body, c->status, 0, c->error);
}

static void note(void* user, const creche_completion* c) /* the body of the transaction */
{
  (void)user;
  if (c->kind != CRECHE_BEGIN) return;
  body = c->task;
  creche_status status = creche_connection_query(
      (creche_connection){c->value}, c->task.scope,
      "insert into note select 'pages: ' || count(*) from page", NULL, 0, NULL, noted, NULL, NULL);
  if (status != CRECHE_OK) creche_task_finish(body, status, 0, NULL); /* noted is not called */
}

static int check(creche_status status) {
  if (status == CRECHE_OK) return 0;
  fprintf(stderr, "%s\n", creche_last_error()->message);
  return 1;
}

/* Takes one completion and prints what failed. */
static int wait_for(creche_queue queue, const char* what) {
  creche_completion c;
  size_t n = 0;
  while (creche_queue_wait(queue, &c, 1, CRECHE_NEVER, &n) == CRECHE_E_INTERRUPTED) continue;
  if (c.status != CRECHE_OK) fprintf(stderr, "%s: %s\n", what, creche_error_message(c.error));
  if (c.status == CRECHE_OK && c.data && c.flags & CRECHE_OWNED) {
    const creche_row_block* rows = c.data;
    const char* line;
    if (rows->row_count > 0 && !check(creche_row_get_text(rows, 0, 0, &line, NULL))) puts(line);
  }
  const int failed = c.status != CRECHE_OK;
  creche_completions_release(&c, 1);
  return failed;
}

int main(int argc, char** argv) {
  creche_loop loop;
  creche_queue queue;
  creche_session web;
  creche_pool pool;
  creche_group group;
  if (check(creche_loop_open(NULL, &loop)) || check(creche_queue_open(loop, NULL, &queue)) ||
      check(creche_session_open(loop, NULL, &web)) ||
      check(creche_pool_open(loop, getenv("DATABASE_URL"), NULL, &pool)))
    return 1;
  creche_task_options to_queue;
  creche_task_options_init(&to_queue, sizeof to_queue);
  to_queue.queue = queue;
  creche_query_options q;
  creche_query_options_init(&q, sizeof q);
  q.task = &to_queue;
  const char* tables[] = {"create table if not exists page (url text, status int, body bytea)",
                          "create table if not exists note (line text)"};
  for (int i = 0; i < 2; i++)
    if (check(creche_pool_query(pool, loop.scope, tables[i], NULL, 0, &q, NULL, NULL, NULL)) ||
        wait_for(queue, "create table"))
      return 1;

  creche_group_options o;
  creche_group_options_init(&o, sizeof o);
  o.queue = queue; /* the group's own completion; the children have callbacks */
  o.timeout = 30 * CRECHE_SECOND;
  if (check(creche_group_open(loop.scope, &o, NULL, NULL, &group))) return 1;
  struct job* jobs = calloc((size_t)argc, sizeof *jobs);
  for (int i = 1; i < argc; i++) {
    jobs[i] = (struct job){pool, group, argv[i]};
    if (check(creche_session_fetch(web, group.scope, argv[i], NULL, page, &jobs[i], NULL)))
      return 1;
  }
  creche_group_close(group);
  int failed = wait_for(queue, "pages");

  creche_transaction_options tx;
  creche_transaction_options_init(&tx, sizeof tx);
  tx.task = &to_queue;
  tx.retries = 3;
  if (!failed)
    failed = check(creche_pool_transaction(pool, loop.scope, note, NULL, &tx, NULL, NULL, NULL)) ||
             wait_for(queue, "note") ||
             check(creche_pool_query(pool, loop.scope, "select line from note order by line desc",
                                     NULL, 0, &q, NULL, NULL, NULL)) ||
             wait_for(queue, "select");
  creche_loop_close(loop);
  failed |= creche_loop_join(loop, 5 * CRECHE_SECOND) != CRECHE_OK;
  free(jobs);
  return failed;
}

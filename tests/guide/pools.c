/* A session and a pool: what they keep, and how to ask them. usage: DATABASE_URL=... pools URL */
#include <inttypes.h>

#include "guide.h"

int main(int argc, char** argv) {
  creche_loop loop;
  creche_queue queue;
  if (argc < 2) return 2;
  must(creche_loop_open(NULL, &loop));
  must(creche_queue_open(loop, NULL, &queue));
  /* show: session */
  creche_session web;
  creche_session_options w;
  creche_session_options_init(&w, sizeof w);
  w.limit = 200;        /* connections in all, */
  w.limit_per_host = 8; /* and to one server; more requests wait in line */
  w.keepalive = 30 * CRECHE_SECOND;
  creche_retry retry; /* 3 attempts of what may be sent twice, Retry-After obeyed */
  creche_retry_init(&retry, sizeof retry);
  w.retry = &retry;
  must(creche_session_open(loop, &w, &web));
  /* end: session */
  /* show: pool */
  creche_pool db;
  creche_pool_options p;
  creche_pool_options_init(&p, sizeof p);
  p.max_size = 10;
  p.acquire_timeout = 5 * CRECHE_SECOND; /* a failure says that the pool was the reason */
  p.init = "set search_path to public";  /* on each new connection, and after each reset */
  must(creche_pool_open(loop, getenv("DATABASE_URL"), &p, &db));
  /* end: pool */

  creche_group group;
  creche_group_options o;
  creche_group_options_init(&o, sizeof o);
  o.queue = queue;
  must(creche_group_open(loop.scope, &o, NULL, NULL, &group));
  /* show: fetch */
  for (int i = 0; i < 3; i++) /* at a time: three connections, or one after the other */
    must(creche_session_fetch(web, group.scope, argv[1], NULL, NULL, NULL, NULL));
  for (int i = 0; i < 3; i++) {
    creche_completion c = next(queue);
    if (c.status == CRECHE_OK) /* c.data is the body, c.value the response with the rest */
      printf("%u, %zu bytes\n", c.code, c.data_size);
    else
      printf("%s\n", c.error->message);
    creche_completions_release(&c, 1);
  }
  /* end: fetch */
  /* show: query */
  creche_value args[] = {creche_int4(20), creche_text("22")};
  must(creche_pool_query(db, group.scope, "select $1::int + $2::int as sum, now()", args, 2, NULL,
                         NULL, NULL, NULL));
  creche_completion c = next(queue);
  if (c.status != CRECHE_OK) return fprintf(stderr, "%s\n", c.error->message), 1;
  const creche_row_block* rows = c.data; /* one flat piece of memory */
  int32_t sum;
  must(creche_row_get_int4(rows, 0, 0, &sum)); /* checked: a wrong type is a status */
  printf("sum %" PRId32 "\n", sum);
  creche_completions_release(&c, 1);
  /* end: query */
  /* show: held */
  must(creche_pool_acquire(db, group.scope, NULL, NULL, NULL, NULL));
  creche_completion lease = next(queue); /* given back when it is released, or its group ends */
  creche_connection connection = {lease.value};
  must(creche_connection_query(connection, group.scope, "create temporary table seen (url text)",
                               NULL, 0, NULL, NULL, NULL, NULL));
  c = next(queue);
  creche_completions_release(&c, 1);
  creche_completions_release(&lease, 1); /* its session is reset: the table is gone */
  /* end: held */
  /* show: counters */
  creche_session_counters counted;
  must(creche_session_get_counters(web, &counted, sizeof counted));
  printf("%" PRIu64 " requests, %" PRIu64 " of them on a kept connection\n", counted.requests,
         counted.reuses);
  /* end: counters */
  creche_group_close(group);
  next(queue);
  close_loop(loop);
  return 0;
}

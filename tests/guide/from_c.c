/* What programs with libcurl and libpq look like. usage: DATABASE_URL=... from_c URL */
#include <inttypes.h>

#include "guide.h"

/* Shown in narrow columns, so these lines are short. */
/* clang-format off */

static creche_queue queue;
static creche_session web;

/* show: multi */
static void fetch_all(creche_scope in, char** urls, int n) {
  for (int i = 0; i < n; i++)
    must(creche_session_fetch(web, in, urls[i], NULL,
                              NULL, urls[i], NULL));
  for (int i = 0; i < n; i++) {
    creche_completion c = next(queue); /* whoever is first */
    if (c.status == CRECHE_OK)
      printf("%s: %u, %zu bytes\n", (char*)c.user, c.code,
             c.data_size);
    else
      printf("%s: %s\n", (char*)c.user, c.error->message);
    creche_completions_release(&c, 1);
  }
}
/* end: multi */

/* show: easy */
static void fetch(const char* url) {
  creche_response page;
  if (creche_fetch(url, NULL, &page) != CRECHE_OK) {
    fprintf(stderr, "%s\n", creche_last_error()->message);
    return;
  }
  size_t size;
  creche_response_body(page, &size);
  printf("%d, %zu bytes\n", creche_response_status(page),
         size);
  creche_response_release(page);
}
/* end: easy */

/* show: query */
static int64_t count(creche_pool db, int32_t status) {
  creche_value args[] = {creche_int4(status)};
  creche_rows rows;
  int64_t n = -1;
  if (creche_query(db,
          "select count(*) from page where status = $1",
          args, 1, NULL, &rows) != CRECHE_OK) {
    fprintf(stderr, "%s\n", creche_last_error()->message);
    return n;
  }
  must(creche_row_get_int8(creche_rows_block(rows), 0, 0,
                           &n));
  creche_rows_release(rows);
  return n;
}
/* end: query */

/* clang-format on */

int main(int argc, char** argv) {
  creche_loop loop;
  creche_group group;
  must(creche_loop_open(NULL, &loop));
  must(creche_queue_open(loop, NULL, &queue));
  must(creche_session_open(loop, NULL, &web));
  creche_group_options o;
  creche_group_options_init(&o, sizeof o);
  o.queue = queue;
  o.policy = CRECHE_COLLECT;
  must(creche_group_open(loop.scope, &o, NULL, NULL, &group));
  if (argc < 2) return 2;
  creche_pool db;
  must(creche_pool_open(loop, getenv("DATABASE_URL"), NULL, &db));
  must(creche_execute(db, "create table if not exists page (url text, status int)", NULL, 0, NULL,
                      NULL));
  printf("count: %" PRId64 "\n", count(db, 999));
  fetch(argv[1]);
  fetch_all(group.scope, argv + 1, argc - 1);
  must(creche_default_close(CRECHE_NEVER)); /* what creche_fetch has opened */
  close_loop(loop);
  return 0;
}

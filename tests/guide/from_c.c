/* What programs with libcurl and libpq look like. usage: DATABASE_URL=... from_c URL */
#include <inttypes.h>

#include "guide.h"

/* Shown in narrow columns, so these lines are short. */
/* clang-format off */

static creche_queue queue;
static creche_session web;
static creche_pool db;

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
static void fetch(creche_scope in, const char* url) {
  must(creche_session_fetch(web, in, url, NULL, NULL, NULL,
                            NULL));
  creche_completion c = next(queue);
  if (c.status != CRECHE_OK)
    fprintf(stderr, "%s\n", c.error->message);
  else
    printf("%u, %zu bytes\n", c.code, c.data_size);
  creche_completions_release(&c, 1); /* and the body */
}
/* end: easy */

/* show: query */
static int64_t count(creche_scope in, int32_t status) {
  creche_value args[] = {creche_int4(status)};
  must(creche_pool_query(db, in,
      "select count(*) from page where status = $1",
      args, 1, NULL, NULL, NULL, NULL));
  creche_completion c = next(queue);
  int64_t n = -1;
  if (c.status != CRECHE_OK)
    fprintf(stderr, "%s\n", c.error->message);
  else
    must(creche_row_get_int8(c.data, 0, 0, &n));
  creche_completions_release(&c, 1);
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
  must(creche_pool_open(loop, getenv("DATABASE_URL"), NULL, &db));
  must(creche_pool_query(db, group.scope, "create table if not exists page (url text, status int)",
                         NULL, 0, NULL, NULL, NULL, NULL));
  creche_completion made = next(queue);
  creche_completions_release(&made, 1);
  printf("count: %" PRId64 "\n", count(group.scope, 999));
  fetch(group.scope, argv[1]);
  fetch_all(group.scope, argv + 1, argc - 1);
  close_loop(loop);
  return 0;
}

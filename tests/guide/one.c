/* One thing at a time: no loop, no callback, no queue. usage: DATABASE_URL=... one URL */
#include <inttypes.h>

#include "guide.h"

/* show: fetch */
static int fetch(const char* url) {
  creche_response page;
  if (creche_fetch(url, NULL, &page) != CRECHE_OK)
    return fprintf(stderr, "%s\n", creche_last_error()->message), 1;
  size_t size;
  const char* body = creche_response_body(page, &size);
  printf("%d, %zu bytes, begins with %c\n", creche_response_status(page), size, body[0]);
  creche_response_release(page);
  return 0;
}
/* end: fetch */

/* show: query */
static int count(creche_pool db, int32_t below) {
  creche_value args[] = {creche_int4(below)};
  creche_rows rows;
  int64_t n;
  if (creche_query(db, "select count(*) from generate_series(1, 100) i where i < $1", args, 1, NULL,
                   &rows) != CRECHE_OK)
    return fprintf(stderr, "%s\n", creche_last_error()->message), 1;
  must(creche_row_get_int8(creche_rows_block(rows), 0, 0, &n));
  printf("%" PRId64 " rows\n", n);
  creche_rows_release(rows);
  return 0;
}
/* end: query */

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  if (fetch(argv[1]) != 0) return 1;
  /* show: pool */
  creche_loop loop;
  creche_pool db;
  must(creche_default_loop(&loop)); /* the one that creche_fetch has opened */
  must(creche_pool_open(loop, getenv("DATABASE_URL"), NULL, &db));
  /* end: pool */
  if (count(db, 43) != 0) return 1;
  return creche_default_close(CRECHE_NEVER) != CRECHE_OK;
}

/* One thing, and wait for it: a page, and a query. usage: one URL DSN */
#include <creche/creche.h>
#include <inttypes.h>
#include <stdio.h>

static int failed(void) {
  fprintf(stderr, "%s\n", creche_last_error()->message);
  return 1;
}

int main(int argc, char** argv) {
  if (argc != 3) return fprintf(stderr, "usage: one URL DSN\n"), 64;

  creche_response page; /* on a loop of its own, opened at the first such call */
  size_t size;
  if (creche_fetch(argv[1], NULL, &page) != CRECHE_OK) return failed();
  creche_response_body(page, &size);
  printf("%d, %zu bytes\n", (int)creche_response_status(page), size);
  creche_response_release(page);

  creche_loop loop;
  creche_pool db;
  creche_rows rows;
  int64_t n;
  if (creche_default_loop(&loop) != CRECHE_OK ||
      creche_pool_open(loop, argv[2], NULL, &db) != CRECHE_OK ||
      creche_query(db, "select count(*) from pg_database", NULL, 0, NULL, &rows) != CRECHE_OK ||
      creche_row_get_int8(creche_rows_block(rows), 0, 0, &n) != CRECHE_OK)
    return failed();
  printf("%" PRId64 " databases\n", n);
  creche_rows_release(rows);

  return creche_default_close(5 * CRECHE_SECOND) != CRECHE_OK; /* and with it the pool */
}

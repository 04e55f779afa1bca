/* usage: pg_copy_bench copy|copy_text DSN ROWS
 * ROWS rows of seven columns into a table, once. copy: by creche_pool_copy_rows, in binary;
 * copy_text: by creche_pool_copy_in, of text that creche_values_to_copy writes. */
#include "bench.h"

enum { COLUMNS = 7, EACH = 1000 };
static const char* const columns =
    "id int8, name text, real float8, at timestamptz, good bool, "
    "n int4, word text";
static creche_loop loop;
static creche_pool pool;
static int text, ended;
static unsigned long rows, made;
static char* bytes;
static size_t size, capacity;

static int32_t Keep(const char* piece, size_t n, void* user) {
  (void)user;
  if (size + n > capacity) bytes = realloc(bytes, capacity = 2 * (size + n));
  memcpy(bytes + size, piece, n);
  size += n;
  return 0;
}

static void Pulled(creche_task task) {
  static creche_value v[EACH][COLUMNS];
  unsigned long n = 0;
  for (; n < EACH && made < rows; n++, made++) {
    v[n][0] = creche_int8((int64_t)made);
    v[n][1] = creche_text("the name of a row");
    v[n][2] = creche_float8((double)made * 1.25);
    v[n][3] = creche_timestamptz(1700000000000000 + (int64_t)made);
    v[n][4] = creche_bool(made % 2 == 0);
    v[n][5] = creche_int4((int32_t)(made % 1000));
    v[n][6] = creche_text("word");
  }
  size = 0;
  BenchCheck((text ? creche_values_to_copy : creche_values_to_rows)(v[0], COLUMNS, n, Keep, NULL),
             "values");
  BenchCheck(creche_task_answer(task, CRECHE_OK, bytes, size, made < rows ? CRECHE_MORE : 0, NULL),
             "answer");
}

static void Ended(void* user, const creche_completion* c) {
  (void)user;
  if (c->kind == CRECHE_PULL) {
    Pulled(c->task);
    return;
  }
  BenchCompleted(c, "a statement");
  if (c->flags & CRECHE_OWNED) creche_value_release(c->value);
  ended = 1;
}

static void Run(const char* sql) {
  ended = 0;
  BenchCheck(creche_pool_query(pool, loop.scope, sql, NULL, 0, NULL, Ended, NULL, NULL), "query");
  while (!ended) creche_loop_poll(loop, CRECHE_SECOND);
}

int main(int argc, char** argv) {
  creche_pool_options o;
  char sql[256];
  if (argc < 4) return 2;
  text = strcmp(argv[1], "copy_text") == 0;
  rows = strtoul(argv[3], NULL, 10);
  loop = BenchLoop();
  BenchCheck(creche_pool_options_init(&o, sizeof o), "options");
  o.max_size = 1;
  BenchCheck(creche_pool_open(loop, argv[2], &o, &pool), "pool");
  Run("drop table if exists bench_copy");
  snprintf(sql, sizeof sql, "create unlogged table bench_copy (%s)", columns);
  Run(sql);
  const double start = BenchNow();
  ended = 0;
  BenchCheck((text ? creche_pool_copy_in : creche_pool_copy_rows)(
                 pool, loop.scope, "copy bench_copy from stdin", NULL, Ended, NULL, NULL),
             "copy");
  while (!ended) creche_loop_poll(loop, CRECHE_SECOND);
  BenchPrint(rows, BenchNow() - start);
  creche_loop_close(loop);
  BenchCheck(creche_loop_join(loop, 5 * CRECHE_SECOND), "join");
  return 0;
}

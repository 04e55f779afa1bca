/* usage: pg_bench held|pool|stream DSN SECONDS|ROWS CONNECTIONS CONCURRENCY
 * held: a select by key, one at a time on each of CONNECTIONS connections; pool: CONCURRENCY of
 * them at a time through the pool; stream: ROWS rows, once. */
#include <string.h>

#include "bench.h"

static const char* const by_key = "select id, value from bench where id = $1";
static creche_loop loop;
static creche_pool pool;
static creche_connection held[64];
static unsigned long asked, done;
static unsigned acquired;
static double until;
static int running = 1;

static void Next(unsigned long i);

static void Answered(void* user, const creche_completion* c) {
  BenchCompleted(c, by_key);
  if (c->status != CRECHE_OK) return;
  const creche_row_block* rows = c->data;
  if (rows->row_count != 1) {
    fprintf(stderr, "%lu rows\n", (unsigned long)rows->row_count);
    exit(1);
  }
  creche_rows_release((creche_rows){c->value});
  done++;
  if ((done & 63) == 0 && BenchNow() > until) running = 0;
  if (running) Next((unsigned long)(size_t)user);
}

static void Next(unsigned long i) {
  /* The keys that each client asks for, in this order, however many ask. */
  creche_value key = creche_int4((int32_t)(1 + ++asked * 7919 % 100000));
  void* user = (void*)(size_t)i;
  BenchCheck(acquired
                 ? creche_connection_query(held[i], loop.scope, by_key, &key, 1, NULL, Answered,
                                           user, NULL)
                 : creche_pool_query(pool, loop.scope, by_key, &key, 1, NULL, Answered, user, NULL),
             "query");
}

static void Acquired(void* user, const creche_completion* c) {
  (void)user;
  BenchCompleted(c, "acquire");
  held[acquired++] = (creche_connection){c->value};
}

static int connected;

static void Connected(void* user, const creche_completion* c) {
  (void)user;
  BenchCompleted(c, "select 1");
  creche_value_release(c->value);
  connected = 1;
}

static void Streamed(void* user, const creche_completion* c) {
  (void)user;
  BenchCompleted(c, "stream");
  if (c->kind != CRECHE_ROWS) {
    running = 0;
    return;
  }
  const creche_row_block* rows = c->data;
  static volatile int64_t sum; /* so that the cells are read */
  (void)sum;
  for (uint64_t r = 0; r < rows->row_count; r++) {
    size_t size;
    sum += creche_row_int8(rows, r, 0);
    sum += creche_row_text(rows, r, 1, &size)[0];
  }
  done += rows->row_count;
  creche_rows_release((creche_rows){c->value});
}

int main(int argc, char** argv) {
  if (argc < 6) return 2;
  int stream = strcmp(argv[1], "stream") == 0;
  unsigned connections = stream ? 1 : (unsigned)atoi(argv[4]);
  unsigned long concurrency = (unsigned long)atol(argv[5]);
  creche_pool_options o;
  loop = BenchLoop();
  BenchCheck(creche_pool_options_init(&o, sizeof o), "options");
  o.max_size = connections;
  o.min_size = connections;
  BenchCheck(creche_pool_open(loop, argv[2], &o, &pool), "pool");
  double start;
  if (stream) {
    creche_value rows = creche_int4(atoi(argv[3]));
    /* Connected before the time begins, as in the peers. */
    BenchCheck(
        creche_pool_query(pool, loop.scope, "select 1", NULL, 0, NULL, Connected, NULL, NULL),
        "query");
    while (!connected) creche_loop_poll(loop, CRECHE_SECOND);
    start = BenchNow();
    BenchCheck(creche_pool_stream(pool, loop.scope,
                                  "select i::int8, 'row ' || i from generate_series(1, $1) i",
                                  &rows, 1, NULL, Streamed, NULL, NULL),
               "stream");
  } else {
    if (strcmp(argv[1], "held") == 0) {
      for (unsigned i = 0; i < connections; i++)
        BenchCheck(creche_pool_acquire(pool, loop.scope, NULL, Acquired, NULL, NULL), "acquire");
      while (acquired < connections) creche_loop_poll(loop, CRECHE_SECOND);
      concurrency = connections;
    }
    start = BenchNow();
    until = start + atof(argv[3]);
    for (unsigned long i = 0; i < concurrency; i++) Next(i);
  }
  while (running) creche_loop_poll(loop, CRECHE_SECOND);
  BenchPrint(done, BenchNow() - start);
  creche_loop_close(loop);
  BenchCheck(creche_loop_join(loop, 5 * CRECHE_SECOND), "join");
  return 0;
}

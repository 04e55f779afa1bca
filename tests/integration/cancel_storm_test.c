/* Cancelling at a random moment, again and again, with real servers: every operation completes
 * exactly once, the group ends after its last child, no connection or handle is left, nothing is
 * half committed. CRECHE_STORM_ROUNDS and CRECHE_STORM_SEED change how often, and which. */
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/fixture.h"
#include "support/support.h"

#define OPERATIONS 40

enum { FETCH, FETCH_BIG, STREAM_BODY, QUERY, SLOW_QUERY, STREAM_ROWS, TRANSACTION, SLEEP, KINDS };

/* One operation, as its callbacks (on the loop) or the queue's reader (the main thread, which
 * learns of the group's end by the same queue) see it. */
typedef struct operation {
  int kind;
  int queued;
  int finals;
  int late; /* told after the group's end */
  creche_status status;
  long tag;
} operation;

static support_nginx* nginx;
static support_postgres* postgres;
static creche_session web;
static creche_pool pool;
static creche_group group;
static operation operations[OPERATIONS];
static int group_ended;
static uint32_t seed;
static long tags;
static char small[256], big[256];

static uint32_t Random(uint32_t below) { /* xorshift: the same on every machine */
  seed ^= seed << 13;
  seed ^= seed >> 17;
  seed ^= seed << 5;
  return seed % below;
}

static void Check(creche_status status) {
  if (status == CRECHE_OK) return;
  fprintf(stderr, "%s\n", creche_last_error()->message);
  abort();
}

static void Final(operation* op, const creche_completion* c) {
  op->finals++;
  op->status = c->status;
  if (group_ended) op->late = 1;
}

/* ---- Callbacks, on the loop ---- */

static void Done(void* user, const creche_completion* c) {
  if (c->flags & CRECHE_OWNED) creche_value_release(c->value);
  if (!(c->flags & CRECHE_MORE)) Final(user, c);
}

/* A step of reading a streamed body: the operation is over when the last one is. */
static void Chunk(void* user, const creche_completion* c);
static creche_response streamed[OPERATIONS];

static void ReadMore(operation* op) {
  creche_response response = streamed[op - operations];
  creche_task_options o;
  creche_task_options_init(&o, sizeof o);
  if (creche_response_read(response, group.scope, 0, &o, Chunk, op, NULL) == CRECHE_OK) return;
  creche_response_release(response);
  op->finals++;
}

static void Chunk(void* user, const creche_completion* c) {
  operation* op = user;
  if (c->status == CRECHE_OK && c->kind == CRECHE_CHUNK) {
    ReadMore(op);
    return;
  }
  creche_response_release(streamed[op - operations]);
  Final(op, c);
}

static void Head(void* user, const creche_completion* c) {
  operation* op = user;
  if (c->status != CRECHE_OK) {
    Final(op, c);
    return;
  }
  streamed[op - operations] = (creche_response){c->value};
  ReadMore(op);
}

/* Two rows, or none. */
static creche_task bodies[OPERATIONS];

static void Inserted(void* user, const creche_completion* c) {
  operation* op = user;
  if (c->flags & CRECHE_OWNED) creche_value_release(c->value);
  creche_task_finish(bodies[op - operations], c->status, 0, c->error);
}

static void Body(void* user, const creche_completion* c) {
  operation* op = user;
  if (c->kind != CRECHE_BEGIN) return; /* CRECHE_CANCEL stops the steps, too */
  creche_connection conn = {c->value};
  creche_value args[] = {creche_int8(op->tag), creche_float8((double)(op->tag % 20) / 1000)};
  bodies[op - operations] = c->task;
  creche_status first =
      creche_connection_query(conn, c->task.scope, "insert into storm values ($1, 1)", args, 1,
                              NULL, creche_nobody, NULL, NULL);
  creche_status second = creche_connection_query(
      conn, c->task.scope, "insert into storm select $1, 2 from (select pg_sleep($2)) s", args, 2,
      NULL, Inserted, op, NULL);
  if (first != CRECHE_OK || second != CRECHE_OK) abort();
}

static void Cancel(void* user, const creche_completion* c) {
  (void)user;
  (void)c;
  creche_scope_cancel(group.scope, "storm");
}

/* ---- The main thread ---- */

static void Start(operation* op) {
  creche_done_fn done = op->queued ? NULL : Done;
  creche_scope in = group.scope;
  creche_value seconds = creche_float8((double)Random(30) / 1000);
  switch (op->kind) {
    case FETCH:
      Check(creche_session_fetch(web, in, small, NULL, done, op, NULL));
      break;
    case FETCH_BIG:
      Check(creche_session_fetch(web, in, big, NULL, done, op, NULL));
      break;
    case STREAM_BODY:
      op->queued = 0;
      Check(creche_session_send(web, in, big, NULL, Head, op, NULL));
      break;
    case QUERY:
      Check(creche_pool_query(pool, in, "select 1", NULL, 0, NULL, done, op, NULL));
      break;
    case SLOW_QUERY:
      Check(creche_pool_query(pool, in, "select pg_sleep($1)", &seconds, 1, NULL, done, op, NULL));
      break;
    case STREAM_ROWS:
      Check(creche_pool_stream(pool, in,
                               "select i, repeat('x', 100) from generate_series(1, 20000) i", NULL,
                               0, NULL, done, op, NULL));
      break;
    case TRANSACTION:
      Check(creche_pool_transaction(pool, in, Body, op, NULL, done, op, NULL));
      break;
    default:
      Check(creche_sleep(in, (int64_t)Random(30) * CRECHE_MILLISECOND, NULL, done, op, NULL));
  }
}

static void TakeUntilGroupEnds(void) {
  creche_completion batch[16];
  size_t n;
  while (!group_ended) {
    creche_status status = creche_queue_wait(queue, batch, 16, PATIENCE, &n);
    if (status == CRECHE_E_INTERRUPTED) continue;
    Check(status);
    for (size_t i = 0; i < n; i++) {
      if (batch[i].task.scope.id == group.scope.id) {
        group_ended = 1;
        assert_int_equal(i, n - 1); /* its own comes last */
      } else if (!(batch[i].flags & CRECHE_MORE)) {
        Final(batch[i].user, &batch[i]);
      }
    }
    creche_completions_release(batch, n);
  }
}

/* One statement's only number. */
static int64_t Ask(const char* sql) {
  creche_query_options q;
  Check(creche_query_options_init(&q, sizeof q));
  q.task = &to_queue;
  Check(creche_pool_query(pool, loop.scope, sql, NULL, 0, &q, NULL, NULL, NULL));
  const creche_completion c = next();
  if (c.status != CRECHE_OK) fprintf(stderr, "%s: %s\n", sql, creche_error_message(c.error));
  assert_int_equal(c.status, CRECHE_OK);
  const int64_t answer = creche_row_int8(c.data, 0, 0);
  drop(c);
  return answer;
}

static void Round(void) {
  const uint32_t round_seed = seed;
  creche_group_options o;
  Check(creche_group_options_init(&o, sizeof o));
  o.policy = Random(2) ? CRECHE_COLLECT : CRECHE_FAIL_FAST;
  o.limit = Random(3) ? 0 : 1 + Random(10);
  o.queue = queue;
  memset(operations, 0, sizeof operations);
  group_ended = 0;
  Check(creche_group_open(loop.scope, &o, NULL, NULL, &group));
  for (int i = 0; i < OPERATIONS; i++) {
    operations[i].kind = (int)Random(KINDS);
    operations[i].queued = (int)Random(2);
    operations[i].tag = ++tags;
    Start(&operations[i]);
  }
  Check(creche_group_close(group));
  /* From outside of the group, so that it is not cut by what it does. */
  Check(creche_sleep(loop.scope, (int64_t)Random(30000) * CRECHE_MICROSECOND, NULL, Cancel, NULL,
                     NULL));
  TakeUntilGroupEnds();

  for (int i = 0; i < OPERATIONS; i++) {
    const operation* op = &operations[i];
    if (op->finals != 1 || op->late)
      fail_msg("seed %u: operation %d of kind %d ended %d times%s", round_seed, i, op->kind,
               op->finals, op->late ? ", after its group" : "");
    if (op->kind != TRANSACTION) continue;
    char sql[80];
    snprintf(sql, sizeof sql, "select count(*) from storm where tag = %ld", op->tag);
    const int64_t rows = Ask(sql);
    const int64_t wanted = op->status == CRECHE_OK ? 2 : 0;
    if (rows != wanted && op->status != CRECHE_E_OUTCOME_UNKNOWN)
      fail_msg("seed %u: transaction %d ended with %s and stored %d rows", round_seed, i,
               creche_status_name(op->status), (int)rows);
  }
  const creche_loop_counters l = loop_counters();
  const creche_session_counters s = session_counters(web);
  const creche_pool_counters p = pool_counters(pool);
  assert_int_equal(l.live_groups, 0);
  assert_int_equal(l.live_scopes, 0);
  assert_int_equal(l.live_leases, 0);
  assert_true(l.live_tasks <= 1); /* the canceller, if the group was faster */
  assert_int_equal(s.active, 0);
  assert_int_equal(s.waiting, 0);
  assert_int_equal(p.leased, 0);
  assert_int_equal(p.waiting, 0);
}

static size_t OpenDescriptors(void) {
  size_t n = 0;
  DIR* folder = opendir("/proc/self/fd");
  while (readdir(folder)) n++;
  closedir(folder);
  return n;
}

static void nothing_is_lost_in_a_storm_of_cancels(void** state) {
  (void)state;
  const char* rounds = getenv("CRECHE_STORM_ROUNDS");
  const char* first = getenv("CRECHE_STORM_SEED");
  seed = first ? (uint32_t)strtoul(first, NULL, 10) : 20261;
  creche_loop warm; /* what the library keeps for ever is there before the first count */
  Check(creche_loop_open(NULL, &warm));
  Check(creche_loop_close(warm));
  Check(creche_loop_join(warm, PATIENCE));
  const size_t before = OpenDescriptors();
  assert_int_equal(open_loop_and_queue(), 0);
  Check(creche_session_open(loop, NULL, &web));
  creche_pool_options o;
  Check(creche_pool_options_init(&o, sizeof o));
  o.max_size = 5;
  Check(creche_pool_open(loop, support_postgres_url(postgres), &o, &pool));
  Ask("with t as (select 1) select 1 from t");
  creche_query_options q;
  Check(creche_query_options_init(&q, sizeof q));
  q.task = &to_queue;
  Check(creche_pool_query(pool, loop.scope, "create table storm (tag int8, part int)", NULL, 0, &q,
                          NULL, NULL, NULL));
  const creche_completion c = next();
  assert_int_equal(c.status, CRECHE_OK);
  drop(c);

  for (int i = rounds ? atoi(rounds) : 200; i > 0; i--) Round();
  assert_int_equal(
      Ask("select count(*) from (select tag from storm group by tag having count(*) <> 2) x"), 0);

  creche_session_release(web);
  creche_pool_release(pool);
  Check(creche_loop_close(loop));
  Check(creche_loop_join(loop, PATIENCE));
  assert_int_equal(OpenDescriptors(), before);
}

int main(void) {
  /* 1 MiB: long enough to be cut in the middle, and not the whole time of the test. */
  char root[] = "/tmp/creche-storm-XXXXXX", file[64];
  if (!mkdtemp(root) || chmod(root, 0755)) return 1;
  snprintf(file, sizeof file, "%s/body", root);
  const int fd = open(file, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
  if (fd < 0 || ftruncate(fd, 1 << 20)) return 1;
  close(fd);
  nginx = support_nginx_start(&(support_nginx_options){.root = root});
  postgres = support_postgres_start(NULL);
  if (!nginx || !postgres) return 1;
  snprintf(small, sizeof small, "%s/small", support_nginx_http_url(nginx));
  snprintf(big, sizeof big, "%s/body", support_nginx_http_url(nginx));
  const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_is_lost_in_a_storm_of_cancels)};
  const int failed = cmocka_run_group_tests(tests, NULL, NULL);
  support_postgres_stop(postgres);
  support_nginx_stop(nginx);
  unlink(file);
  rmdir(root);
  return failed;
}

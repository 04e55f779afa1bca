/* Everything at random, against real servers, for as long as one likes: HTTP by plain connections,
 * TLS and HTTP/2, files, PostgreSQL with COPY and batches, tasks, offloaded functions, limiters,
 * rates, channels; told by callbacks or a queue; with deadlines that come and cancellations that
 * hit at random. In laps: at the end of each everything has completed exactly once, and memory,
 * descriptors and threads are where they were.
 *
 *   sh tests/run.sh --soak 900             a quarter of an hour
 *   CRECHE_SOAK_SEED, CRECHE_SOAK_SECONDS  the same, by hand */
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#include "measures.h"
#include "support/fixture.h"
#include "support/support.h"

enum { OPERATIONS = 300, IN_FLIGHT = 60, WARM = 4, FEW_DESCRIPTORS = 60, FEW_THREADS = 24 };
enum kind {
  FETCH,
  FETCH_TLS,
  MOVED,
  UPLOAD,
  BODY,
  QUERY,
  SLOW_QUERY,
  ROWS,
  TRANSACTION,
  LEASE,
  SLEEP,
  WORK,
  TOKEN,
  NESTED,
  FETCH_HTTP2,
  TO_FILE,
  COPY_IN,
  COPY_OUT,
  BATCH,
  MANY,
  STARTED,
  PERMIT,
  SEND,
  RECEIVE,
  KINDS
};

typedef struct operation {
  enum kind kind;
  creche_task task;
  atomic_int finals;
  atomic_int steps; /* of its own that are still to be told */
} operation;

static support_nginx* nginx;
static support_postgres* postgres;
static creche_session web;
static creche_pool pool;
static creche_limiter limiter;
static creche_rate rate;
static creche_sender sender;
static creche_receiver receiver;
static creche_group nursery; /* of those that are started */
static creche_file file;
static operation operations[OPERATIONS];
static atomic_long all_finals;
static atomic_uint pulls;
static uint64_t seed;
static long counts[KINDS];

static uint32_t any(uint32_t below) {
  seed ^= seed << 13;
  seed ^= seed >> 7;
  seed ^= seed << 17;
  return (uint32_t)(seed >> 20) % below;
}
static void check(creche_status status) {
  if (status == CRECHE_OK) return;
  fprintf(stderr, "%s: %s\n", creche_status_name(status), creche_last_error()->message);
  abort();
}

/* ---- told of ---- */
static void final(operation* op) {
  atomic_fetch_add(&op->finals, 1);
  atomic_fetch_add(&all_finals, 1);
}
static void step_told(void* user, const creche_completion* c) {
  operation* op = user;
  if (c->flags & CRECHE_OWNED) creche_value_release(c->value);
  if (!(c->flags & CRECHE_MORE)) atomic_fetch_sub(&op->steps, 1);
}
static void read_or_leave(operation* op, creche_response response) {
  atomic_fetch_add(&op->steps, 1);
  if (creche_response_read(response, loop.scope, 20000, NULL, step_told, op, NULL) != CRECHE_OK)
    atomic_fetch_sub(&op->steps, 1);
  creche_response_release(response); /* in the middle */
}
static void use_lease(operation* op, creche_connection connection) {
  const creche_value one = creche_int4(1);
  atomic_fetch_add(&op->steps, 3);
  if (creche_connection_begin(connection, loop.scope, NULL, step_told, op, NULL) != CRECHE_OK)
    atomic_fetch_sub(&op->steps, 1);
  if (creche_connection_query(connection, loop.scope, "insert into soak values ($1)", &one, 1, NULL,
                              step_told, op, NULL) != CRECHE_OK)
    atomic_fetch_sub(&op->steps, 1);
  if (creche_connection_rollback(connection, loop.scope, NULL, step_told, op, NULL) != CRECHE_OK)
    atomic_fetch_sub(&op->steps, 1);
  creche_connection_release(connection);
}
static void told(operation* op, const creche_completion* c, int mine_to_release) {
  if (c->kind == CRECHE_PULL) { /* unless it is cancelled by now */
    const uint32_t more = atomic_fetch_add(&pulls, 1) % 3 != 0 ? CRECHE_MORE : 0;
    const creche_status status = creche_task_answer(c->task, CRECHE_OK, "7\n", 2, more, NULL);
    if (status != CRECHE_OK && status != CRECHE_E_STATE && status != CRECHE_E_ENDED) check(status);
  }
  if (c->flags & CRECHE_MORE) {
    if (mine_to_release && (c->flags & CRECHE_OWNED)) creche_value_release(c->value);
    return;
  }
  if (c->status == CRECHE_OK && op->kind == BODY)
    read_or_leave(op, (creche_response){c->value});
  else if (c->status == CRECHE_OK && op->kind == LEASE)
    use_lease(op, (creche_connection){c->value});
  else if (mine_to_release && (c->flags & CRECHE_OWNED))
    creche_value_release(c->value);
  final(op);
}
static void on_done(void* user, const creche_completion* c) {
  told(user, c, 1);
}
static void body(void* user, const creche_completion* c) {
  (void)user;
  if (c->kind != CRECHE_BEGIN) return;
  SAY(creche_connection_query((creche_connection){c->value}, c->task.scope,
                              "insert into soak values (2)", NULL, 0, NULL, creche_nobody, NULL,
                              NULL));
  creche_task_finish(c->task, CRECHE_OK, 0, NULL);
}
static void ready(void* user, const creche_completion* c) {
  (void)user;
  if (c->kind != CRECHE_BEGIN) return;
  const creche_status started = creche_task_started(c->task, 1);
  creche_task_finish(c->task, started, 0, NULL);
}
static creche_status work(void* arg, creche_task task, uint64_t* value) {
  (void)arg, (void)task, (void)value;
  usleep(1000);
  return CRECHE_OK;
}

/* ---- started ---- */
static void start(operation* op) {
  const int queued = any(2) != 0;
  const creche_done_fn done = queued ? NULL : on_done;
  const creche_scope in = loop.scope;
  creche_task_options t;
  creche_request_options r;
  creche_query_options q;
  creche_copy_options cp;
  creche_batch_options b;
  creche_start_options st;
  creche_offload_options f;
  creche_transaction_options x;
  creche_group_options g;
  creche_group group;
  char url[256];
  static char upload[100000];
  const creche_value numbers[] = {creche_int4(1), creche_int4(2), creche_int4(3)};
  const creche_batch_item items[] = {{"select 1", NULL, 0},
                                     {"select $1::int from generate_series(1, 20)", numbers, 1}};
  check(creche_task_options_init(&t, sizeof t));
  if (queued) t.queue = queue;
  if (any(6) == 0) t.timeout = (int64_t)any(40000) * CRECHE_MICROSECOND;
  check(creche_request_options_init(&r, sizeof r));
  check(creche_query_options_init(&q, sizeof q));
  check(creche_copy_options_init(&cp, sizeof cp));
  check(creche_batch_options_init(&b, sizeof b));
  check(creche_start_options_init(&st, sizeof st));
  r.task = q.task = cp.task = b.task = st.task = &t;
  counts[op->kind]++;
  switch (op->kind) {
    case FETCH:
    case MOVED:
      snprintf(url, sizeof url, "%s/%s", support_nginx_http_url(nginx),
               op->kind == MOVED ? "moved"
               : any(10)         ? "small"
                                 : "none");
      check(creche_session_fetch(web, in, url, &r, done, op, &op->task));
      break;
    case FETCH_TLS:
      snprintf(url, sizeof url, "%s/small", support_nginx_https_url(nginx));
      check(creche_session_fetch(web, in, url, &r, done, op, &op->task));
      break;
    case UPLOAD:
      snprintf(url, sizeof url, "%s/small", support_nginx_http_url(nginx));
      r.method = "POST"; /* refused: 405, before or behind the body */
      r.body = upload;
      r.body_size = any(sizeof upload);
      check(creche_session_fetch(web, in, url, &r, done, op, &op->task));
      break;
    case BODY:
      snprintf(url, sizeof url, "%s/big",
               any(2) ? support_nginx_http_url(nginx) : support_nginx_https_url(nginx));
      check(creche_session_send(web, in, url, &r, on_done, op, &op->task));
      break;
    case QUERY:
      check(creche_pool_query(pool, in, any(9) ? "select 1" : "select 1/0", NULL, 0, &q, done, op,
                              &op->task));
      break;
    case SLOW_QUERY:
      check(creche_pool_query(pool, in, "select pg_sleep(0.02)", NULL, 0, &q, done, op, &op->task));
      break;
    case ROWS:
      check(creche_pool_stream(pool, in,
                               "select i, repeat('x', 100) from generate_series(1, 3000) i", NULL,
                               0, &q, done, op, &op->task));
      break;
    case TRANSACTION:
      check(creche_transaction_options_init(&x, sizeof x));
      x.task = &t;
      check(creche_pool_transaction(pool, in, body, NULL, &x, done, op, &op->task));
      break;
    case LEASE:
      check(creche_pool_acquire(pool, in, NULL, on_done, op, &op->task));
      break;
    case WORK:
      check(creche_offload_options_init(&f, sizeof f));
      f.task = &t;
      check(creche_offload(in, work, NULL, &f, done, op, &op->task));
      break;
    case TOKEN:
      check(creche_limiter_acquire(limiter, in, 0, &t, done, op, &op->task));
      break;
    case NESTED:
      check(creche_group_options_init(&g, sizeof g));
      g.policy = any(3);
      if (queued) g.queue = queue;
      check(creche_group_open(in, &g, done, op, &group));
      op->task.scope = group.scope;
      for (uint32_t n = 1 + any(4); n > 0; n--)
        check(creche_sleep(group.scope, (int64_t)any(20) * CRECHE_MILLISECOND, NULL, creche_nobody,
                           NULL, NULL));
      check(creche_group_close(group));
      break;
    case FETCH_HTTP2:
      snprintf(url, sizeof url, "%s/%s", support_nginx_http2_url(nginx), any(3) ? "small" : "big");
      r.versions = CRECHE_HTTP_2;
      check(creche_session_fetch(web, in, url, &r, done, op, &op->task));
      break;
    case TO_FILE:
      snprintf(url, sizeof url, "%s/big", support_nginx_http_url(nginx));
      r.to_file = &file;
      check(creche_session_fetch(web, in, url, &r, done, op, &op->task));
      break;
    case COPY_IN:
      check(creche_pool_copy_in(pool, in, "copy soak from stdin", &cp, done, op, &op->task));
      break;
    case COPY_OUT:
      check(creche_pool_copy_out(pool, in, "copy (select generate_series(1, 3000)) to stdout", &cp,
                                 done, op, &op->task));
      break;
    case BATCH:
      check(creche_pool_batch(pool, in, items, any(2) + 1, &b, done, op, &op->task));
      break;
    case MANY:
      check(creche_pool_execute_many(pool, in, "insert into soak values ($1)", numbers, 1, 3, &q,
                                     done, op, &op->task));
      break;
    case STARTED:
      check(creche_task_start(nursery, in, ready, NULL, &st, done, op, &op->task));
      break;
    case PERMIT:
      check(creche_rate_acquire(rate, in, 1, &t, done, op, &op->task));
      break;
    case SEND:
    case RECEIVE:
      t.timeout = (int64_t)any(40) * CRECHE_MILLISECOND; /* nobody may be at the other end */
      if (op->kind == SEND)
        check(creche_channel_send(sender, in, 1, &t, done, op, &op->task));
      else
        check(creche_channel_receive(receiver, in, &t, done, op, &op->task));
      break;
    default:
      check(creche_sleep(in, (int64_t)any(20) * CRECHE_MILLISECOND, &t, done, op, &op->task));
  }
}

static void take(int64_t timeout) {
  creche_completion c[16];
  size_t n = 0;
  const creche_status status = creche_queue_wait(queue, c, 16, timeout, &n);
  if (status != CRECHE_OK && status != CRECHE_E_TIMEOUT && status != CRECHE_E_INTERRUPTED)
    check(status);
  for (size_t i = 0; i < n; i++) told(c[i].user, &c[i], 0);
  creche_completions_release(c, n);
}
static void posted(void* user, const creche_completion* c) {
  (void)c;
  atomic_store((atomic_int*)user, 1);
}

static void lap(void) {
  const int64_t until = now_ms() + 120000;
  atomic_store(&all_finals, 0);
  memset(operations, 0, sizeof operations);
  for (int i = 0; i < OPERATIONS; i++) {
    operations[i].kind = (enum kind)any(KINDS);
    start(&operations[i]);
    if (any(5) == 0) creche_scope_cancel(operations[any((uint32_t)i + 1)].task.scope, "at random");
    take(0);
    while (i + 1 - atomic_load(&all_finals) > IN_FLIGHT && now_ms() < until) {
      if (any(50) == 0)
        creche_scope_cancel(operations[any((uint32_t)i + 1)].task.scope, "at random");
      take(CRECHE_MILLISECOND);
    }
  }
  for (;;) {
    int left = 0;
    for (int i = 0; i < OPERATIONS; i++)
      left += atomic_load(&operations[i].finals) == 0 || atomic_load(&operations[i].steps) > 0;
    if (left == 0) break;
    if (now_ms() > until) {
      static char text[1 << 16];
      creche_loop_dump(loop, CRECHE_DUMP_TEXT, text, sizeof text, NULL);
      fail_msg("%d operations have not ended:\n%s", left, text);
    }
    take(CRECHE_MILLISECOND);
  }
  atomic_int quiet = 0; /* whatever comes twice comes before this */
  check(creche_loop_post(loop, posted, &quiet));
  while (!atomic_load(&quiet)) take(CRECHE_MILLISECOND);
  take(0);
  for (int i = 0; i < OPERATIONS; i++)
    if (atomic_load(&operations[i].finals) != 1)
      fail_msg("operation %d of kind %d ended %d times", i, operations[i].kind,
               atomic_load(&operations[i].finals));
}

/* ---- measured ---- */
static void ask(const char* sql) {
  creche_query_options q;
  check(creche_query_options_init(&q, sizeof q));
  q.task = &to_queue;
  check(creche_pool_query(pool, loop.scope, sql, NULL, 0, &q, NULL, NULL, NULL));
  const creche_completion c = next();
  if (c.status != CRECHE_OK) fail_msg("%s: %s", sql, creche_error_message(c.error));
  drop(c);
}

static void everything_at_random(void** state) {
  (void)state;
  const char* seconds = getenv("CRECHE_SOAK_SECONDS");
  const char* given = getenv("CRECHE_SOAK_SEED");
  const int64_t length = 1000 * (seconds ? atoll(seconds) : 2);
  creche_session_options s;
  creche_pool_options p;
  creche_limiter_options l;
  creche_rate_options r;
  creche_group_options g;
  seed = given ? strtoull(given, NULL, 10) : 88172645463325252u;
  check(creche_loop_open(NULL, &loop)); /* what is kept for ever is made by the first one */
  check(creche_loop_close(loop));
  check(creche_loop_join(loop, PATIENCE));
  const measures before = look();
  assert_int_equal(open_loop_and_queue(), 0);
  check(creche_session_options_init(&s, sizeof s));
  s.ca_file = support_nginx_ca_file(nginx);
  s.limit = 20;
  check(creche_session_open(loop, &s, &web));
  check(creche_pool_options_init(&p, sizeof p));
  p.max_size = 5;
  check(creche_pool_open(loop, support_postgres_url(postgres), &p, &pool));
  check(creche_limiter_options_init(&l, sizeof l));
  l.total = 3;
  check(creche_limiter_open(loop, &l, &limiter));
  check(creche_rate_options_init(&r, sizeof r));
  r.permits = 1000;
  check(creche_rate_open(loop, &r, &rate));
  check(creche_channel_open(loop, NULL, &sender, &receiver));
  check(creche_group_options_init(&g, sizeof g));
  g.policy = CRECHE_COLLECT;
  check(creche_group_open(loop.scope, &g, creche_nobody, NULL, &nursery));
  FILE* here = tmpfile();
  file = (creche_file){.fd = fileno(here), .size = CRECHE_TO_THE_END};
  ask("create unlogged table soak (i int)");

  const int64_t began = now_ms();
  int64_t told_at = began;
  measures warm = {0, 0, 0}, now = before;
  long laps = 0, completed = 0;
  while (now_ms() - began < length || laps <= WARM) {
    lap();
    completed += OPERATIONS;
    ask("truncate soak");
    now = look();
    if (++laps <= WARM || now_ms() - began < length / 5) {
      if (now.kilobytes > warm.kilobytes) warm = now;
    }
    if (now.descriptors > before.descriptors + FEW_DESCRIPTORS ||
        now.threads > before.threads + FEW_THREADS)
      fail_msg("after %ld laps: %ld descriptors, %ld threads (%ld, %ld before)", laps,
               now.descriptors, now.threads, before.descriptors, before.threads);
    if (now_ms() - told_at > 60000) {
      told_at = now_ms();
      print_message("%ld operations, %ld KiB, %ld descriptors, %ld threads\n", completed,
                    now.kilobytes, now.descriptors, now.threads);
    }
  }
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  if (now.kilobytes > warm.kilobytes + 8192)
    fail_msg("%ld KiB after %ld operations, %ld after the first of them", now.kilobytes, completed,
             warm.kilobytes);
#endif
  check(creche_group_close(nursery));
  AWAIT(loop_counters().live_groups == 0);
  const creche_loop_counters left = loop_counters();
  assert_int_equal(left.live_tasks, 0);
  assert_int_equal(left.live_groups, 0);
  assert_int_equal(left.live_leases, 0);
  fclose(here);
  creche_limiter_release(limiter);
  creche_rate_release(rate);
  creche_sender_release(sender);
  creche_receiver_release(receiver);
  creche_session_release(web);
  creche_pool_release(pool);
  creche_queue_release(queue);
  check(creche_loop_close(loop));
  check(creche_loop_join(loop, PATIENCE));
  const measures after = look();
  assert_int_equal(after.descriptors, before.descriptors);
  assert_int_equal(after.threads, before.threads);
  print_message("%ld operations in %ld laps:", completed, laps);
  for (int i = 0; i < KINDS; i++) print_message(" %ld", counts[i]);
  print_message("; %ld KiB at first, %ld at last\n", warm.kilobytes, now.kilobytes);
}

int main(void) {
  static const char kConfig[] = "location = /moved { return 302 /small; }";
  nginx = support_nginx_start(&(support_nginx_options){.server_config = kConfig});
  postgres = support_postgres_start(NULL);
  if (!nginx || !postgres) return 1;
  const struct CMUnitTest tests[] = {cmocka_unit_test(everything_at_random)};
  const int failed = cmocka_run_group_tests(tests, NULL, NULL);
  support_postgres_stop(postgres);
  support_nginx_stop(nginx);
  return failed;
}

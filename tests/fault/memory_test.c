/* No memory, in all of the process: the library's own threads, OpenSSL and libpq included. Each
 * allocation of each operation fails once: opening, HTTP by plain connections and TLS, PostgreSQL,
 * tasks and everything they wait for, dumps, closing. No crash, no completion lost or doubled,
 * nobody left waiting, nothing leaked; and with memory again the same session and pool work.
 *
 *   fault_memory                          a sample, some seconds for each scenario
 *   CRECHE_EVERY=1 fault_memory           every single allocation
 *   fault_memory tls 120 130              the 120th to 129th of one scenario, with stacks
 *
 * A sanitizer's malloc cannot be this program's: then the test is skipped. */
#include <netdb.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "support/core.h"
#include "support/support.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
int main(void) {
  return 77;
}
#else
#include "support/failing_malloc.h"

static support_nginx* nginx;
static support_postgres* postgres;
static char text[1 << 16];

/* ---- one run ---- */
enum { kMarks = 64 };
typedef struct mark {
  atomic_int finals;
  creche_status status;
  char why[120];
  uint64_t value; /* an owned one */
  size_t size;    /* of data */
  uint32_t kind, code;
  atomic_int begun;
  int in_failed_transaction;
} mark;
static mark marks[kMarks];
static int used;          /* marks that were promised a final completion */
static char trouble[400]; /* what went wrong first */
static creche_task held;  /* a task that waits for us */
static int64_t patience_ms = 30000;

static void note_trouble(const char* what, const char* more) {
  if (trouble[0] == 0) snprintf(trouble, sizeof trouble, "%s: %s", what, more);
}
/* What a call that failed for want of memory may say; what goes wrong further out may be told as
 * that: no thread, no connection, a sibling that failed. */
static int may_be(creche_status status) {
  switch (status) {
    case CRECHE_OK:
    case CRECHE_E_NO_MEMORY:
    case CRECHE_E_SYSTEM:
    case CRECHE_E_CONNECT:
    case CRECHE_E_DNS:
    case CRECHE_E_DISCONNECTED:
    case CRECHE_E_CANCELLED:
    case CRECHE_E_GROUP:
    case CRECHE_E_STATE:           /* of a rollback whose begin has failed */
    case CRECHE_E_OUTCOME_UNKNOWN: /* of a commit for whose answer there was no memory */
    case -1000:                    /* the task that fails */
      return 1;
    /* OpenSSL does not always say that it was memory: a certificate that could not be read, then.
     */
    case CRECHE_E_TLS:
    case CRECHE_E_TLS_VERIFY:
      return atomic_load(&all_failed) > 0;
    default:
      return 0;
  }
}
static void tell(void* user, const creche_completion* c) {
  mark* m = user;
  spared++;
  m->kind = c->kind;
  m->code = c->code;
  if (c->flags & CRECHE_OWNED) {
    if (c->kind == CRECHE_ROWS || c->data != NULL)
      creche_value_release(c->value);
    else
      m->value = c->value;
  }
  m->size += c->data_size;
  if (c->kind == CRECHE_BEGIN) {
    held = c->task;
    atomic_store(&m->begun, 1);
  }
  if (!(c->flags & CRECHE_MORE)) {
    m->status = c->status;
    if (c->error != NULL) snprintf(m->why, sizeof m->why, "%s", c->error->message);
    m->in_failed_transaction = c->status == CRECHE_E_PG && strcmp(c->error->sqlstate, "25P02") == 0;
    /* Which also says: behind a begin or a statement of a transaction that was cut. */
    if (!may_be(c->status) && (!m->in_failed_transaction || atomic_load(&all_failed) == 0))
      note_trouble(creche_status_name(c->status), m->why);
    atomic_fetch_add(&m->finals, 1);
  }
  spared--;
}
static mark* fresh(void) {
  return &marks[used];
}
/* A call with fresh() as its user: what it has accepted will be told. */
static mark* started(creche_status status, const char* call) {
  if (status == CRECHE_OK) return &marks[used++];
  if (status != CRECHE_E_NO_MEMORY && status != CRECHE_E_SYSTEM && status != CRECHE_E_CLOSED &&
      status != CRECHE_E_ENDED)
    note_trouble(call, creche_status_name(status));
  return NULL;
}
#define START(call) started(call, #call)
static int is_ok(creche_status status, const char* call) {
  if (status == CRECHE_OK) return 1;
  if (status != CRECHE_E_NO_MEMORY && status != CRECHE_E_SYSTEM && status != CRECHE_E_TLS)
    note_trouble(call, creche_status_name(status));
  return 0;
}
#define TRY(call) is_ok(call, #call)

static void nap(void) {
  spared++;
  usleep(200);
  spared--;
}
static int64_t clock_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}
static int await(atomic_int* what) {
  const int64_t until = clock_ms() + patience_ms;
  while (atomic_load(what) == 0) {
    if (clock_ms() > until) {
      creche_loop_dump(loop, CRECHE_DUMP_TEXT, text, sizeof text, NULL);
      note_trouble("somebody waits for ever", text);
      return 0;
    }
    nap();
  }
  return 1;
}
static creche_status ended(mark* m) {
  if (m == NULL) return CRECHE_E_NO_MEMORY;
  return await(&m->finals) ? m->status : CRECHE_E_TIMEOUT;
}
static void memory_is_back(void) {
  atomic_store(&all_armed, 0);
}
static void must_be_ok(mark* m) {
  const creche_status status = ended(m);
  if (status != CRECHE_OK)
    note_trouble("with memory again", m != NULL ? m->why : creche_status_name(status));
}

/* ---- HTTP ---- */
static void use_web(const char* base, const char* ca_file) {
  creche_session web;
  creche_session_options o;
  creche_request_options r;
  creche_group_options g;
  creche_group group = {{0}};
  creche_response response;
  mark *head, *m, *group_mark;
  char url[256];
  creche_session_options_init(&o, sizeof o);
  o.ca_file = ca_file;
  if (!TRY(creche_session_open(loop, &o, &web))) return;
  creche_request_options_init(&r, sizeof r);
  snprintf(url, sizeof url, "%s/small", base);
  m = START(creche_session_fetch(web, loop.scope, url, &r, tell, fresh(), NULL));
  if (ended(m) == CRECHE_OK && m->size != 1024) note_trouble("/small", "is cut");
  m = START(creche_session_fetch(web, loop.scope, url, &r, tell, fresh(), NULL));
  if (ended(m) == CRECHE_OK && m->size != 1024) note_trouble("/small", "is cut");
  /* Two at a time in a group, one of them redirected, one coded. */
  creche_group_options_init(&g, sizeof g);
  g.policy = CRECHE_COLLECT;
  group_mark = START(creche_group_open(loop.scope, &g, tell, fresh(), &group));
  if (group_mark != NULL) {
    snprintf(url, sizeof url, "%s/moved", base);
    START(creche_session_fetch(web, group.scope, url, &r, tell, fresh(), NULL));
    snprintf(url, sizeof url, "%s/gzip/own/small", base);
    START(creche_session_fetch(web, group.scope, url, &r, tell, fresh(), NULL));
    TRY(creche_group_close(group));
    ended(group_mark);
  }
  creche_loop_dump(loop, CRECHE_DUMP_JSON, text, sizeof text, NULL);
  /* A stream, and an upload. */
  snprintf(url, sizeof url, "%s/small", base);
  head = START(creche_session_send(web, loop.scope, url, &r, tell, fresh(), NULL));
  if (ended(head) == CRECHE_OK) {
    response.id = head->value;
    for (m = head; m != NULL && m->kind != CRECHE_END;) {
      m = START(creche_response_read(response, loop.scope, 300, NULL, tell, fresh(), NULL));
      if (ended(m) != CRECHE_OK || used > kMarks - 8) break;
    }
    creche_response_release(response);
  }
  creche_loop_dump(loop, CRECHE_DUMP_DOT, text, sizeof text, NULL);
  memory_is_back();
  must_be_ok(START(creche_session_fetch(web, loop.scope, url, &r, tell, fresh(), NULL)));
  if (START(creche_session_close(web, tell, fresh())) != NULL) ended(&marks[used - 1]);
  creche_session_release(web);
}
static void plain(void) {
  use_web(support_nginx_http_url(nginx), NULL);
}
static void tls(void) {
  char url[100];
  snprintf(url, sizeof url, "https://127.0.0.1:%d", support_nginx_https_port(nginx));
  use_web(url, support_nginx_ca_file(nginx));
}
/* The authority is in the system's directory, from which OpenSSL reads what a handshake needs. */
static void system_tls(void) {
  char url[100];
  snprintf(url, sizeof url, "https://127.0.0.1:%d", support_nginx_https_port(nginx));
  use_web(url, NULL);
}

/* The same text, coded: 40 lines "line <i> of a text that repeats itself". */
enum { kCodedSize = 1510 };
#define CODED(name, bytes) \
  { name, bytes, sizeof bytes - 1 }
static const struct coded {
  const char* name;
  const char* bytes;
  size_t size;
} codings[] = {
    CODED("deflate",
          "\x78\xda\x8d\xd4\xbb\x0d\x02\x41\x10\x04\x51\x9f\x28\x26\x04\xa6\x9b\x6f"
          "\x38\x6b\xcc\xe9\x4e\x5a\x01\xe2\xc6\x20\x7c\x44\x04\x94\x5f\xd6\x53\xab"
          "\xe7\xf6\xa8\x38\xc6\x73\x89\x11\x5d\x9f\x8e\x5e\x47\xc7\xbb\x5e\x35\x7a"
          "\x8f\xad\xf7\x9a\xcb\x61\xfe\xa2\x24\x91\x48\x64\x12\x9d\x48\x74\x26\xd1"
          "\x85\x44\x57\x12\xdd\x48\x74\x47\x98\x8c\x1c\x99\x27\x42\x4f\xa4\x9e\x88"
          "\x3d\x91\x7b\x22\xf8\x44\xf2\x89\xe8\x13\xd9\x0b\xd9\x8b\xed\x1d\xd9\x0b"
          "\xd9\x0b\xd9\x0b\xd9\x0b\xd9\x0b\xd9\x0b\xd9\x0b\xd9\x1b\xd9\x1b\xd9\x9b"
          "\x9d\x0d\xb2\x37\xb2\x37\xb2\x37\xb2\x37\xb2\x37\xb2\xf7\x3f\xfb\x2f\xb5"
          "\x68\x0b\x17"),
    CODED("gzip",
          "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\x8d\xd4\xbb\x0d\x02\x41\x10\x04"
          "\x51\x9f\x28\x26\x04\xa6\x9b\x6f\x38\x6b\xcc\xe9\x4e\x5a\x01\xe2\xc6\x20"
          "\x7c\x44\x04\x94\x5f\xd6\x53\xab\xe7\xf6\xa8\x38\xc6\x73\x89\x11\x5d\x9f"
          "\x8e\x5e\x47\xc7\xbb\x5e\x35\x7a\x8f\xad\xf7\x9a\xcb\x61\xfe\xa2\x24\x91"
          "\x48\x64\x12\x9d\x48\x74\x26\xd1\x85\x44\x57\x12\xdd\x48\x74\x47\x98\x8c"
          "\x1c\x99\x27\x42\x4f\xa4\x9e\x88\x3d\x91\x7b\x22\xf8\x44\xf2\x89\xe8\x13"
          "\xd9\x0b\xd9\x8b\xed\x1d\xd9\x0b\xd9\x0b\xd9\x0b\xd9\x0b\xd9\x0b\xd9\x0b"
          "\xd9\x0b\xd9\x1b\xd9\x1b\xd9\x9b\x9d\x0d\xb2\x37\xb2\x37\xb2\x37\xb2\x37"
          "\xb2\x37\xb2\xf7\x3f\xfb\x2f\x2a\x7e\x10\x78\xe6\x05\x00\x00"),
    CODED("br",
          "\x1b\xe5\x05\x68\x1c\x09\x36\x8e\x72\xab\x1a\x3b\x8f\x50\xe9\x2a\x1e\x92"
          "\x0e\x30\xaf\xcf\x70\xf1\xd6\x20\x0a\x66\x73\x89\x26\x07\x40\x87\x8f\xd2"
          "\xb2\x34\xa3\xc4\xab\x0e\xb1\x0b\x9e\xd1\x49\xe9\xc0\x9b\xef\x83\xf6\x62"
          "\x2f\x98\x1c\x93\xc5\xe6\x70\x71\xf3\xf0\xf2\xfd\x09\x9c\x2e\xb7\xc7\xcb"
          "\xdb\xc7\x97\x2f\x17\x9c\x2e\xb7\xc7\xcb\xdb\xc7\x97\x2f\x37\x9c\x2e\xb7"
          "\xc7\xcb\xdb\xc7\x57\x0e"),
    CODED("zstd",
          "\x28\xb5\x2f\xfd\x04\x68\x8d\x03\x00\x62\x85\x10\x11\xa0\xed\x00\xaa\x39"
          "\x69\xda\xaa\xba\x9f\xdd\x9a\x94\xc5\xfd\x6e\x8e\xc7\x14\x32\x04\xaf\x06"
          "\xfe\x31\x85\x0c\xc1\xab\x61\x7f\x4c\x21\x43\xf0\xaa\xfe\xdc\xbc\x9c\x7c"
          "\x5c\xf0\x2a\x50\x2d\xc9\x66\x97\x8d\x12\x4c\xf1\x8d\x56\xbf\x67\xea\xa3"
          "\xab\xf7\xf0\xe4\x58\x0b\x28\xa8\x11\x30\x6b\xfb\xdf\x01\xe0\x35\xab\x01"
          "\x11\x34\x04\xff\xff\x0c\x41\xe9\x07\xa0\x4c\x8b\x82\x10\x4e\x01\x14\x40"
          "\x69\x4b\xbb\xa7\x24\x08\x04\x6f\x3f\x86\xa2\x55\xaa\x01\xdd\x19\x18\xd3"),
};
enum { kCodings = sizeof codings / sizeof *codings };
static void coded(void) {
  creche_session web;
  creche_request_options r;
  creche_response response;
  mark *head, *m;
  char url[256];
  int i;
  if (!TRY(creche_session_open(loop, NULL, &web))) return;
  creche_request_options_init(&r, sizeof r);
  for (i = 0; i < kCodings; i++) {
    snprintf(url, sizeof url, "%s/%s", support_nginx_http_url(nginx), codings[i].name);
    m = START(creche_session_fetch(web, loop.scope, url, &r, tell, fresh(), NULL));
    if (ended(m) == CRECHE_OK && m->size != kCodedSize) note_trouble(url, "is cut");
    head = START(creche_session_send(web, loop.scope, url, &r, tell, fresh(), NULL));
    if (ended(head) != CRECHE_OK) continue;
    response.id = head->value;
    for (m = head; m != NULL && m->kind != CRECHE_END;) {
      m = START(creche_response_read(response, loop.scope, 800, NULL, tell, fresh(), NULL));
      if (ended(m) != CRECHE_OK) break;
    }
    creche_response_release(response);
  }
  memory_is_back();
  for (i = 0; i < kCodings; i++) {
    snprintf(url, sizeof url, "%s/%s", support_nginx_http_url(nginx), codings[i].name);
    must_be_ok(START(creche_session_fetch(web, loop.scope, url, &r, tell, fresh(), NULL)));
  }
  creche_session_release(web);
}

/* ---- PostgreSQL ---- */
static void body(void* user, const creche_completion* c) {
  creche_connection connection;
  (void)user;
  if (c->kind != CRECHE_BEGIN) return;
  connection.id = c->value;
  creche_connection_query(connection, c->task.scope, "insert into kept values (1)", NULL, 0, NULL,
                          creche_nobody, NULL, NULL);
  creche_task_finish(c->task, CRECHE_OK, 0, NULL);
}
static void database(void) {
  static const char kSql[] = "select i::int8, repeat('x', 50) from generate_series(1, $1) i";
  const creche_value n = creche_int4(7), many = creche_int4(3000);
  creche_pool pool;
  creche_pool_options p;
  creche_connection held_connection;
  creche_task sleeping = {{0}};
  mark *m, *lease;
  creche_pool_options_init(&p, sizeof p);
  p.max_size = 2;
  if (!TRY(creche_pool_open(loop, support_postgres_url(postgres), &p, &pool))) return;
  ended(START(creche_pool_query(pool, loop.scope, kSql, &n, 1, NULL, tell, fresh(), NULL)));
  ended(START(creche_pool_query(pool, loop.scope, kSql, &n, 1, NULL, tell, fresh(), NULL)));
  ended(START(creche_pool_stream(pool, loop.scope, kSql, &many, 1, NULL, tell, fresh(), NULL)));
  ended(START(creche_pool_transaction(pool, loop.scope, body, NULL, NULL, tell, fresh(), NULL)));
  creche_loop_dump(loop, CRECHE_DUMP_TEXT, text, sizeof text, NULL);
  lease = START(creche_pool_acquire(pool, loop.scope, NULL, tell, fresh(), NULL));
  if (ended(lease) == CRECHE_OK) {
    held_connection.id = lease->value;
    START(creche_connection_begin(held_connection, loop.scope, NULL, tell, fresh(), NULL));
    START(creche_connection_query(held_connection, loop.scope, kSql, &n, 1, NULL, tell, fresh(),
                                  NULL));
    m = START(creche_connection_rollback(held_connection, loop.scope, NULL, tell, fresh(), NULL));
    const int rolled_back = ended(m) == CRECHE_OK;
    m = START(creche_connection_script(held_connection, loop.scope, "select 1; select 2", NULL,
                                       tell, fresh(), NULL));
    ended(m);
    if (rolled_back && m != NULL && m->in_failed_transaction)
      note_trouble("behind the rollback", m->why);
    creche_connection_release(held_connection);
  }
  m = START(creche_pool_query(pool, loop.scope, "select pg_sleep(600)", NULL, 0, NULL, tell,
                              fresh(), &sleeping));
  if (m != NULL) {
    creche_scope_cancel(sleeping.scope, "no more");
    creche_scope_interrupt(sleeping.scope); /* needs no memory */
    ended(m);
  }
  memory_is_back();
  must_be_ok(START(creche_pool_query(pool, loop.scope, kSql, &n, 1, NULL, tell, fresh(), NULL)));
  if (START(creche_pool_close(pool, tell, fresh())) != NULL) ended(&marks[used - 1]);
  creche_pool_release(pool);
}

/* ---- tasks, and what they wait for ---- */
static atomic_int freed;
static void free_arg(void* arg) {
  (void)arg;
  atomic_fetch_add(&freed, 1);
}
static creche_status work(void* arg, creche_task task, uint64_t* value) {
  (void)arg, (void)task, (void)value;
  return CRECHE_OK;
}
static void free_item(void* user, uint64_t item) {
  (void)user, (void)item;
}
static void tasks(void) {
  creche_group_options g;
  creche_task_options t;
  creche_offload_options f;
  creche_limiter_options l;
  creche_rate_options r;
  creche_channel_options ch;
  creche_group group = {{0}};
  creche_queue queue = {0};
  creche_limiter limiter = {0};
  creche_rate rate = {0};
  creche_event event = {0};
  creche_sender sender = {0};
  creche_receiver receiver = {0};
  creche_completion c[8];
  mark *m, *whole;
  size_t n = 0, i;
  int offloads = 0;
  creche_task_options_init(&t, sizeof t);
  t.name = "a task with a name that is longer than a short string";
  t.timeout = 3600 * CRECHE_SECOND;
  creche_group_options_init(&g, sizeof g);
  g.policy = CRECHE_COLLECT;
  g.name = "a group with a name that is longer than a short string";
  if (TRY(creche_queue_open(loop, NULL, &queue))) g.queue = queue;
  whole = START(creche_group_open(loop.scope, &g, tell, fresh(), &group));
  if (whole == NULL) goto end;
  creche_limiter_options_init(&l, sizeof l);
  creche_rate_options_init(&r, sizeof r);
  r.permits = 100;
  creche_channel_options_init(&ch, sizeof ch);
  ch.capacity = 4;
  ch.item_free = free_item;
  TRY(creche_limiter_open(loop, &l, &limiter));
  TRY(creche_rate_open(loop, &r, &rate));
  TRY(creche_event_open(loop, NULL, &event));
  TRY(creche_channel_open(loop, &ch, &sender, &receiver));
  ended(START(creche_sleep(group.scope, 0, &t, tell, fresh(), NULL)));
  if (queue.id != 0 && creche_sleep(group.scope, 0, &t, NULL, NULL, NULL) == CRECHE_OK) {
    if (creche_queue_wait(queue, c, 8, patience_ms * CRECHE_MILLISECOND, &n) == CRECHE_E_TIMEOUT)
      note_trouble("queue", "nothing came");
    creche_completions_release(c, n);
  }
  creche_offload_options_init(&f, sizeof f);
  f.arg_free = free_arg;
  f.limiter = limiter;
  for (i = 0; i < 2; i++) {
    m = START(creche_offload(group.scope, work, NULL, &f, tell, fresh(), NULL));
    offloads += m != NULL;
    ended(m);
  }
  if (event.id != 0) {
    m = START(creche_event_wait(event, group.scope, &t, tell, fresh(), NULL));
    TRY(creche_event_set(event));
    ended(m);
  }
  if (rate.id != 0)
    ended(START(creche_rate_acquire(rate, group.scope, 1, &t, tell, fresh(), NULL)));
  if (receiver.id != 0) {
    m = START(creche_channel_receive(receiver, group.scope, &t, tell, fresh(), NULL));
    /* Where the send is refused or fails, nobody has sent. */
    if (m != NULL && ended(START(creche_channel_send(sender, group.scope, 1, &t, tell, fresh(),
                                                     NULL))) != CRECHE_OK)
      while (creche_channel_try_send(sender, 2) == CRECHE_E_NO_MEMORY) nap();
    ended(m);
  }
  m = START(creche_task_open(group.scope, &t, tell, fresh(), NULL));
  if (m != NULL && await(&m->begun)) {
    START(creche_sleep(held.scope, 3600 * CRECHE_SECOND, &t, tell, fresh(), NULL));
    creche_loop_dump(loop, CRECHE_DUMP_TEXT, text, sizeof text, NULL);
    creche_loop_dump(loop, CRECHE_DUMP_JSON, text, sizeof text, NULL);
    while (creche_task_finish(held, -1000, 0, NULL) == CRECHE_E_NO_MEMORY) nap();
    ended(m);
  }
  while (creche_group_close(group) == CRECHE_E_NO_MEMORY) nap();
  ended(whole);
  if (atomic_load(&freed) != offloads) note_trouble("offload", "an argument was not freed once");
end:
  memory_is_back();
  must_be_ok(START(creche_sleep(loop.scope, 0, NULL, tell, fresh(), NULL)));
  creche_limiter_release(limiter);
  creche_rate_release(rate);
  creche_event_release(event);
  creche_sender_release(sender);
  creche_receiver_release(receiver);
  creche_queue_release(queue);
}

/* ---- runs ---- */
static void on_hook(void* user, const creche_trace_event* event) {
  (void)user, (void)event;
}
static void loop_ended(void* user, const creche_completion* c) {
  if (!(c->flags & CRECHE_MORE)) atomic_fetch_add((atomic_int*)user, 1);
}
static const struct scenario {
  const char* name;
  void (*run)(void);
} scenarios[] = {{"plain", plain}, {"tls", tls},           {"system_tls", system_tls},
                 {"coded", coded}, {"database", database}, {"tasks", tasks}};
enum { kScenarios = sizeof scenarios / sizeof *scenarios };

/* The n-th allocation fails; 0: none. Returns how many there were. */
static long run_once(const struct scenario* scenario, long n) {
  creche_loop_options o;
  creche_hooks hooks;
  atomic_int loop_ends = 0;
  int i;
  memset(marks, 0, sizeof marks);
  used = 0;
  atomic_store(&freed, 0);
  atomic_store(&all_asked, 0);
  atomic_store(&all_failed, 0);
  atomic_store(&all_left, n);
  atomic_store(&all_armed, 1);
  creche_hooks_init(&hooks, sizeof hooks);
  hooks.ended = on_hook;
  creche_loop_options_init(&o, sizeof o);
  o.name = "memory";
  o.done = loop_ended;
  o.user = &loop_ends;
  if (scenario->run == tasks) {
    o.hooks = &hooks;
    o.stall_after = 10 * CRECHE_SECOND;
  }
  if (TRY(creche_loop_open(&o, &loop))) {
    scenario->run();
    memory_is_back();
    creche_loop_close(loop);
    if (creche_loop_join(loop, patience_ms * CRECHE_MILLISECOND) != CRECHE_OK)
      note_trouble("join", creche_last_error()->message);
    else if (atomic_load(&loop_ends) != 1)
      note_trouble("the loop", "was not told of its end once");
  }
  memory_is_back();
  for (i = 0; i < used; i++)
    if (atomic_load(&marks[i].finals) != 1) note_trouble("a completion", "was lost or doubled");
  return atomic_load(&all_asked);
}
/* In a child: those from `from`, each `stride`-th, `count` of them. 0, or the number that failed.
 */
static long batch(const struct scenario* scenario, long from, long stride, int count) {
  long before, kept, n = from;
  int i;
  for (i = 0; i < 2; i++) run_once(scenario, 0); /* what is made once is made */
  before = atomic_load(&blocks);
  run_once(scenario, 0);
  kept = atomic_load(&blocks) - before; /* by a run in which nothing fails */
  before += kept;
  if (kept < 0) kept = 0; /* what an earlier one had kept was only late */
  for (i = 0; i < count && trouble[0] == 0; i++, n += stride) {
    if (show_where != NULL) fprintf(stderr, "---- %ld\n", n);
    alarm(120);
    run_once(scenario, n);
  }
  if (getenv("CRECHE_SHOW_BLOCKS") != NULL)
    fprintf(stderr, "%ld blocks more\n", atomic_load(&blocks) - before);
  /* The C library keeps some for each thread that looks up a name, and frees it later; and such a
   * thread may just be at its end. */
  const long most = before + kept * i + 2 * i + 20;
  alarm(120);
  long left = atomic_load(&blocks);
  for (int naps = 0; naps < 150000 && left > most; naps++) {
    nap();
    left = atomic_load(&blocks);
  }
  if (trouble[0] == 0 && left > most)
    snprintf(trouble, sizeof trouble, "%ld blocks leaked", left - before);
  if (trouble[0] != 0) {
    fprintf(stderr, "%s, allocation %ld: %s\n", scenario->name, n - stride, trouble);
    return n;
  }
  return 0;
}
static int in_child(const struct scenario* scenario, long from, long stride, int count) {
  int status;
  const pid_t child = fork();
  if (child == 0) _exit(batch(scenario, from, stride, count) != 0);
  waitpid(child, &status, 0);
  if (WIFSIGNALED(status))
    fprintf(stderr, "%s: signal %d between allocation %ld and %ld; for one after the other: %s\n",
            scenario->name, WTERMSIG(status), from, from + stride * (count - 1),
            "fault_memory <scenario> <from> <to>");
  return status != 0;
}
/* How many allocations there are, of a child that has done it before. */
static long count_of(const struct scenario* scenario) {
  long n = 0;
  int ends[2];
  if (pipe(ends) != 0) return 0;
  const pid_t child = fork();
  if (child == 0) {
    run_once(scenario, 0);
    n = run_once(scenario, 0);
    if (trouble[0] != 0) fprintf(stderr, "%s, nothing failed: %s\n", scenario->name, trouble);
    _exit(write(ends[1], &n, sizeof n) != sizeof n || trouble[0] != 0);
  }
  close(ends[1]);
  if (read(ends[0], &n, sizeof n) != sizeof n) n = 0;
  close(ends[0]);
  int status;
  waitpid(child, &status, 0);
  return status == 0 ? n : 0;
}

static void each_fails_once(const struct scenario* scenario) {
  enum { kSample = 150, kBatch = 10 };
  const int every = getenv("CRECHE_EVERY") != NULL;
  const long all = count_of(scenario);
  long stride = every ? 1 : all / kSample;
  int bad = 0;
  assert_true(all > 50);
  if (stride < 1) stride = 1;
  for (long n = 1; n <= all; n += stride * kBatch) bad += in_child(scenario, n, stride, kBatch);
  print_message("%s: each %ld of %ld allocations\n", scenario->name, stride, all);
  assert_int_equal(bad, 0);
}
static void http_without_memory(void** state) {
  (void)state;
  each_fails_once(&scenarios[0]);
}
static void tls_without_memory(void** state) {
  (void)state;
  each_fails_once(&scenarios[1]);
}
static void system_tls_without_memory(void** state) {
  (void)state;
  each_fails_once(&scenarios[2]);
}
static void codings_without_memory(void** state) {
  (void)state;
  each_fails_once(&scenarios[3]);
}
static void postgres_without_memory(void** state) {
  (void)state;
  each_fails_once(&scenarios[4]);
}
static void tasks_without_memory(void** state) {
  (void)state;
  each_fails_once(&scenarios[5]);
}

static void make_table(void) {
  mark* m;
  creche_pool pool;
  OK(creche_loop_open(NULL, &loop));
  OK(creche_pool_open(loop, support_postgres_url(postgres), NULL, &pool));
  m = START(creche_pool_query(pool, loop.scope, "create table kept (i int)", NULL, 0, NULL, tell,
                              fresh(), NULL));
  assert_int_equal(ended(m), CRECHE_OK);
  OK(creche_loop_close(loop));
  OK(creche_loop_join(loop, PATIENCE));
}
static char folder[] = "/tmp/creche-memory-XXXXXX";
static int write_codings(void) {
  char path[sizeof folder + 20];
  int i, failed = mkdtemp(folder) == NULL || chmod(folder, 0755) != 0;
  for (i = 0; i < kCodings && !failed; i++) {
    snprintf(path, sizeof path, "%s/%s", folder, codings[i].name);
    FILE* file = fopen(path, "wb");
    failed = file == NULL || fwrite(codings[i].bytes, 1, codings[i].size, file) != codings[i].size;
    if (file != NULL) failed |= fclose(file) != 0;
  }
  return failed;
}
/* So that the authority is found by its name, as c_rehash(1) does it, and nothing else is. */
static char authority[sizeof folder + 20];
static int install_authority(void) {
  FILE* file = fopen(support_nginx_ca_file(nginx), "r");
  X509* certificate = file != NULL ? PEM_read_X509(file, NULL, NULL, NULL) : NULL;
  if (file != NULL) fclose(file);
  if (certificate == NULL) return -1;
  snprintf(authority, sizeof authority, "%s/%08lx.0", folder, X509_subject_name_hash(certificate));
  X509_free(certificate);
  setenv("SSL_CERT_DIR", folder, 1);
  setenv("SSL_CERT_FILE", "/nonexistent", 1);
  return symlink(support_nginx_ca_file(nginx), authority);
}
static void remove_folder(void) {
  char path[sizeof folder + 20];
  int i;
  unlink(authority);
  for (i = 0; i < kCodings; i++) {
    snprintf(path, sizeof path, "%s/%s", folder, codings[i].name);
    unlink(path);
  }
  rmdir(folder);
}
static int start(void** state) {
  static const char kConfig[] =
      "location = /deflate { add_header Content-Encoding deflate; }"
      "location = /gzip { add_header Content-Encoding gzip; }"
      "location = /br { add_header Content-Encoding br; }"
      "location = /zstd { add_header Content-Encoding zstd; }"
      "location = /moved { return 302 /small; }"
      "location /gzip/ { gzip on; gzip_min_length 1; gzip_types *; alias ./; }";
  struct addrinfo* found = NULL;
  (void)state;
  if (write_codings() != 0) return -1;
  nginx = support_nginx_start(&(support_nginx_options){.root = folder, .server_config = kConfig});
  postgres = support_postgres_start(NULL);
  if (nginx == NULL || postgres == NULL || install_authority() != 0) return -1;
  /* The C library's own first times end the process if memory fails in them. */
  if (getaddrinfo("localhost", NULL, NULL, &found) == 0) freeaddrinfo(found);
  getpwuid(getuid());
  make_table();
  return 0;
}
static int stop(void** state) {
  (void)state;
  support_nginx_stop(nginx);
  support_postgres_stop(postgres);
  remove_folder();
  return 0;
}

int main(int argc, char** argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(http_without_memory),       cmocka_unit_test(tls_without_memory),
      cmocka_unit_test(system_tls_without_memory), cmocka_unit_test(codings_without_memory),
      cmocka_unit_test(postgres_without_memory),   cmocka_unit_test(tasks_without_memory),
  };
  if (argc == 4) {
    int bad = 0;
    if (start(NULL) != 0) return 1;
    show_where = "stderr";
    patience_ms = 5000;
    for (int i = 0; i < kScenarios; i++)
      for (long n = atol(argv[2]); strcmp(scenarios[i].name, argv[1]) == 0 && n < atol(argv[3]);
           n++)
        bad += in_child(&scenarios[i], n, 1, 1);
    stop(NULL);
    return bad != 0;
  }
  return cmocka_run_group_tests(tests, start, stop);
}
#endif

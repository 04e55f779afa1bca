/* Exactly N operations of one kind, one answering the next: what counts.py counts the instructions,
 * allocations and system calls of. usage:
 *   count_bench fetch N CONCURRENCY URL [CA_FILE]   a GET each, over as many kept connections
 *   count_bench fetch2 N CONCURRENCY URL [CA_FILE]  the same by HTTP/2, over one connection
 *   count_bench read N STREAMS URL [CA_FILE]        a read of up to 64 KiB each, of long bodies
 *   count_bench held N CONNECTIONS DSN              a select by key each, on held connections
 *   count_bench pool N CONCURRENCY DSN              the same through a pool of ten
 *   count_bench spawn N WIDTH                       empty tasks, in groups of so many
 *   count_bench scope N                             scopes opened and left
 *   count_bench build                               says how it was built, which counts depend on
 * Prints "allocations N": those of malloc and its like during the operations. */
#include <stdatomic.h>

#include "bench.h"

extern void* __libc_malloc(size_t size);
extern void* __libc_calloc(size_t n, size_t size);
extern void* __libc_realloc(void* block, size_t size);

static atomic_ulong allocations;

#define EXPORTED __attribute__((visibility("default"))) /* the library finds them here */

EXPORTED void* malloc(size_t size) {
  atomic_fetch_add(&allocations, 1);
  return __libc_malloc(size);
}
EXPORTED void* calloc(size_t n, size_t size) {
  atomic_fetch_add(&allocations, 1);
  return __libc_calloc(n, size);
}
EXPORTED void* realloc(void* block, size_t size) {
  atomic_fetch_add(&allocations, 1);
  return __libc_realloc(block, size);
}

static const char* const by_key = "select id, value from bench where id = $1";
static creche_loop loop;
static creche_session session;
static creche_pool pool;
static creche_connection held[64];
static const char* url;
static unsigned long wanted, begun, ended, width;
static unsigned acquired;
static void (*next)(size_t slot);

static void Turns(unsigned long until) {
  while (ended < until) creche_loop_poll(loop, CRECHE_SECOND);
}

static void Ended(void* user, const creche_completion* c) {
  BenchCompleted(c, "operation");
  creche_value_release(c->value);
  ended++;
  if (begun < wanted) {
    begun++;
    next((size_t)user);
  }
}

static void Fetch(size_t slot) {
  BenchCheck(creche_session_fetch(session, loop.scope, url, NULL, Ended, (void*)slot, NULL),
             "fetch");
}
/* The next piece of that slot's body: of another one if it has ended. */
static creche_response streams[64];
static void Opened(void* user, const creche_completion* c) {
  BenchCompleted(c, "send");
  streams[(size_t)user] = (creche_response){c->value};
  next((size_t)user);
}
static void Chunk(void* user, const creche_completion* c) {
  if (c->kind != CRECHE_END) {
    Ended(user, c);
    return;
  }
  creche_response_release(streams[(size_t)user]);
  streams[(size_t)user] = (creche_response){0};
  next((size_t)user);
}
static void Read(size_t slot) {
  if (streams[slot].id == 0)
    BenchCheck(creche_session_send(session, loop.scope, url, NULL, Opened, (void*)slot, NULL),
               "send");
  else
    BenchCheck(
        creche_response_read(streams[slot], loop.scope, 65536, NULL, Chunk, (void*)slot, NULL),
        "read");
}
static creche_value Key(void) {
  return creche_int4((int32_t)(1 + begun * 7919 % 1000));
}
static void Query(size_t slot) {
  creche_value key = Key();
  BenchCheck(creche_pool_query(pool, loop.scope, by_key, &key, 1, NULL, Ended, (void*)slot, NULL),
             "query");
}
static void HeldQuery(size_t slot) {
  creche_value key = Key();
  BenchCheck(creche_connection_query(held[slot], loop.scope, by_key, &key, 1, NULL, Ended,
                                     (void*)slot, NULL),
             "query");
}
static void Acquired(void* user, const creche_completion* c) {
  (void)user;
  BenchCompleted(c, "acquire");
  held[acquired++] = (creche_connection){c->value};
}

/* `n` of them, at most `concurrency` at a time. */
static void Run(unsigned long n, unsigned long concurrency) {
  ended = begun = 0;
  wanted = n;
  for (size_t slot = 0; slot < concurrency && begun < wanted; slot++) {
    begun++;
    next(slot);
  }
  Turns(n);
}

static void Empty(void* user, const creche_completion* c) {
  (void)user;
  if (c->kind == CRECHE_BEGIN) creche_task_finish(c->task, CRECHE_OK, 0, NULL);
}
static void NextGroup(void* user, const creche_completion* c) {
  creche_group group;
  (void)user;
  (void)c;
  if (begun >= wanted) {
    ended = wanted;
    return;
  }
  BenchCheck(creche_group_open(loop.scope, NULL, NextGroup, NULL, &group), "group");
  for (unsigned long i = 0; i < width; i++)
    BenchCheck(creche_task_spawn(group.scope, Empty, NULL, NULL, creche_nobody, NULL, NULL),
               "spawn");
  begun += width;
  BenchCheck(creche_group_close(group), "close");
}
static void Spawn(unsigned long n) {
  ended = begun = 0;
  wanted = n;
  BenchCheck(creche_loop_post(loop, NextGroup, NULL), "post");
  Turns(n);
}
static void Scopes(unsigned long n) {
  for (unsigned long i = 0; i < n; i++) {
    creche_scope scope;
    creche_outcome outcome;
    BenchCheck(creche_scope_open(loop.scope, NULL, &scope), "open");
    BenchCheck(creche_scope_leave(scope, &outcome), "leave");
  }
}

static void OpenSession(unsigned long concurrency, uint32_t versions, const char* ca_file) {
  creche_session_options o;
  BenchCheck(creche_session_options_init(&o, sizeof o), "options");
  o.limit = (uint32_t)concurrency;
  o.versions = versions;
  o.ca_file = ca_file;
  BenchCheck(creche_session_open(loop, &o, &session), "session");
}
static void OpenPool(const char* dsn, uint32_t size) {
  creche_pool_options o;
  BenchCheck(creche_pool_options_init(&o, sizeof o), "options");
  o.min_size = o.max_size = size;
  BenchCheck(creche_pool_open(loop, dsn, &o, &pool), "pool");
}

int main(int argc, char** argv) {
  if (argc == 2 && strcmp(argv[1], "build") == 0) return puts(COUNT_BUILD) < 0;
  if (argc < 3) return 2;
  const char* kind = argv[1];
  unsigned long n = strtoul(argv[2], NULL, 10);
  unsigned long concurrency = argc > 3 ? strtoul(argv[3], NULL, 10) : 1;
  loop = BenchLoop();
  if (strcmp(kind, "fetch") == 0 && argc > 4) {
    url = argv[4];
    OpenSession(concurrency, 0, argc > 5 ? argv[5] : NULL);
    next = Fetch;
  } else if (strcmp(kind, "fetch2") == 0 && argc > 4) {
    url = argv[4];
    OpenSession(1, CRECHE_HTTP_2, argc > 5 ? argv[5] : NULL);
    next = Fetch;
  } else if (strcmp(kind, "read") == 0 && argc > 4) {
    url = argv[4];
    OpenSession(concurrency, 0, argc > 5 ? argv[5] : NULL);
    next = Read;
  } else if (strcmp(kind, "pool") == 0 && argc > 4) {
    OpenPool(argv[4], 10);
    next = Query;
  } else if (strcmp(kind, "held") == 0 && argc > 4) {
    OpenPool(argv[4], (uint32_t)concurrency);
    for (unsigned long i = 0; i < concurrency; i++)
      BenchCheck(creche_pool_acquire(pool, loop.scope, NULL, Acquired, NULL, NULL), "acquire");
    while (acquired < concurrency) creche_loop_poll(loop, CRECHE_SECOND);
    next = HeldQuery;
  }
  /* Warm first: connections, statements, blocks that are kept. */
  if (next != NULL) Run(20 * concurrency, concurrency);
  unsigned long before = allocations;
  width = concurrency;
  if (next != NULL)
    Run(n, concurrency);
  else if (strcmp(kind, "spawn") == 0)
    Spawn(n);
  else
    Scopes(n);
  printf("allocations %lu\n", allocations - before);
  creche_loop_close(loop);
  BenchCheck(creche_loop_join(loop, 5 * CRECHE_SECOND), "join");
  return 0;
}

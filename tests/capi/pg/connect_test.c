/* Connecting: several addresses and hosts, full servers, what the server asks for. */
#include <netinet/in.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/socket.h>

#include "names.h"
#include "pg_test.h"

static atomic_int moved;

/* twin.test is a black hole and then the server; so is moved.test, once it has moved: the server
 * before. */
static int look_up(const char* name, const char* service, const struct addrinfo* hints,
                   struct addrinfo** found, getaddrinfo_fn real) {
  struct addrinfo *second, *last;
  if (strcmp(name, "moved.test") == 0 && !moved) return real("127.0.0.1", service, hints, found);
  if (strcmp(name, "twin.test") != 0 && strcmp(name, "moved.test") != 0) return EAI_NONAME;
  int status = real("127.0.0.2", service, hints, found);
  if (status != 0) return status;
  status = real("127.0.0.1", service, hints, &second);
  for (last = *found; last->ai_next != NULL;) last = last->ai_next;
  if (status == 0) last->ai_next = second;
  return status;
}

/* A port of 127.0.0.2 whose SYNs get no answer: nobody accepts, and there is no room in its line.
 */
enum { CROWD = 8 };
static int hole, crowd[CROWD];

static void dig(int port) {
  struct sockaddr_in at;
  int on = 1;
  memset(&at, 0, sizeof at);
  at.sin_family = AF_INET;
  at.sin_port = htons((uint16_t)port);
  at.sin_addr.s_addr = htonl(0x7f000002);
  hole = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  setsockopt(hole, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  assert_int_equal(bind(hole, (struct sockaddr*)&at, sizeof at), 0);
  assert_int_equal(listen(hole, 0), 0);
  for (int i = 0; i < CROWD; i++) {
    crowd[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    (void)connect(crowd[i], (struct sockaddr*)&at, sizeof at);
  }
}

static void fill_in(void) {
  for (int i = 0; i < CROWD; i++) close(crowd[i]);
  close(hole);
}

static creche_pool open_with(const char* dsn, int64_t connect, int64_t acquire_timeout) {
  creche_pool_options o;
  creche_pool pool;
  OK(creche_pool_options_init(&o, sizeof o));
  o.max_size = 2;
  if (connect) o.connect_timeout = connect;
  if (acquire_timeout) o.acquire_timeout = acquire_timeout;
  OK(creche_pool_open(loop, dsn, &o, &pool));
  return pool;
}

/* The first address of a name answers nothing: the second is tried when the first has had its
 * share, and the first one by who comes next. */
static void second_address(const char* seconds, int64_t timeout) {
  char dsn[200];
  snprintf(dsn, sizeof dsn, "postgresql://postgres@twin.test:%d/postgres%s",
           support_postgres_port(server), seconds);
  creche_pool pool = open_with(dsn, timeout, 0);
  creche_connection held = acquire(pool);
  const int64_t began = now_ms();
  creche_connection another = acquire(pool);
  assert_in_range(now_ms() - began, 0, 1900); /* the share of the hole is 2 s */
  creche_connection_release(held);
  creche_connection_release(another);
  close_pool(pool);
}

static void test_second_address(void** state) {
  (void)state;
  dig(support_postgres_port(server));
  second_address("?connect_timeout=2", 30 * CRECHE_SECOND); /* the DSN's, for each */
  second_address("", 4 * CRECHE_SECOND);                    /* half of all there is */
  second_address("?connect_timeout=30", 4 * CRECHE_SECOND); /* no more than that */
  fill_in();
}

/* ---- Servers that answer as they are told ---- */

static int take_startup(support_peer* peer) {
  const unsigned char* n;
  if (!support_expect_bytes(peer, 4)) return 0;
  n = (const unsigned char*)support_received(peer);
  return support_expect_bytes(peer, ((size_t)n[2] << 8) + n[3] - 4);
}

static void send_message(support_peer* peer, char type, const void* body, size_t size) {
  const size_t length = size + 4;
  const unsigned char head[5] = {(unsigned char)type, 0, 0, (unsigned char)(length >> 8),
                                 (unsigned char)length};
  support_send(peer, head, sizeof head);
  support_send(peer, body, size);
}

static void refuse(support_peer* peer, const char* state) {
  char body[100];
  const size_t size =
      (size_t)snprintf(body, sizeof body, "SFATAL%cC%s%cMgo away%c", 0, state, 0, 0) + 1;
  send_message(peer, 'E', body, size);
}

static const char welcome[] =
    "R\0\0\0\x08\0\0\0\0"
    "Z\0\0\0\x05I";
static const char nothing[] =
    "1\0\0\0\x04"
    "2\0\0\0\x04"
    "n\0\0\0\x04"
    "C\0\0\0\x0dSELECT 0\0"
    "Z\0\0\0\x05I";

static void serve(support_peer* peer) {
  support_send(peer, welcome, sizeof welcome - 1);
  while (support_expect(peer, "S\0\0\0\x04")) support_send(peer, nothing, sizeof nothing - 1);
}

typedef struct refusal {
  const char* state;
  int times;
} refusal;

static void script_refuse(support_peer* peer, void* user) {
  const refusal* r = user;
  if (!take_startup(peer)) return;
  if (support_peer_index(peer) < r->times)
    refuse(peer, r->state);
  else
    serve(peer);
}

static const char* dsn_of(support_hostile* one, support_hostile* other) {
  static char dsn[200];
  snprintf(dsn, sizeof dsn, "host=127.0.0.1,127.0.0.1 port=%d,%d user=a password=b sslmode=disable",
           support_hostile_port(one), support_hostile_port(other ? other : one));
  return dsn;
}

/* Who is refused by one server does not show the password to the next; a server that cannot take
 * anybody now is passed over. */
static void test_next_host(void** state) {
  (void)state;
  static const struct {
    const char* state;
    int next;
  } cases[] = {{"28P01", 0}, {"3D000", 0}, {"57P03", 1}, {"53300", 1}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    refusal first = {cases[i].state, 1000}, second = {"", 0};
    support_hostile* one = support_hostile_start(script_refuse, &first);
    support_hostile* other = support_hostile_start(script_refuse, &second);
    creche_pool pool = open_with(dsn_of(one, other), 0, 0);
    answer a;
    answer_init(&a);
    OK(creche_pool_acquire(pool, loop.scope, NULL, on_answer, &a, NULL));
    print_message("%s\n", cases[i].state);
    EXPECT(&a, cases[i].next ? CRECHE_OK : CRECHE_E_PG);
    if (!cases[i].next) assert_string_equal(answer_state(&a), cases[i].state);
    assert_int_equal(support_hostile_connections(other), cases[i].next);
    answer_free(&a);
    close_pool(pool);
    support_hostile_stop(one);
    support_hostile_stop(other);
  }
}

/* A server that is full is asked again until acquire_timeout, though nothing is open. */
static void test_full_server(void** state) {
  (void)state;
  refusal r = {"53300", 6}; /* two hosts: the same server twice */
  support_hostile* full = support_hostile_start(script_refuse, &r);
  creche_pool pool = open_with(dsn_of(full, NULL), 0, 0);
  creche_connection_release(acquire(pool));
  assert_int_equal(support_hostile_connections(full), 7);
  close_pool(pool);
  support_hostile_stop(full);

  r.times = 1000;
  full = support_hostile_start(script_refuse, &r);
  pool = open_with(dsn_of(full, NULL), 0, 300 * CRECHE_MILLISECOND);
  answer a;
  answer_init(&a);
  OK(creche_pool_acquire(pool, loop.scope, NULL, on_answer, &a, NULL));
  EXPECT(&a, CRECHE_E_TIMEOUT);
  assert_int_equal(a.error->phase, CRECHE_PHASE_POOL);
  assert_non_null(a.error->cause);
  assert_string_equal(a.error->cause->sqlstate, "53300");
  assert_non_null(strstr(a.error->message, "go away"));
  answer_free(&a);
  close_pool(pool);
  support_hostile_stop(full);
}

/* The first attempt fails when the signal comes, the second succeeds at the next one. */
static void script_one_of_two(support_peer* peer, void* user) {
  (void)user;
  if (!take_startup(peer)) return;
  const int index = support_peer_index(peer);
  if (index < 2 && !support_await(peer, index + 1)) return;
  if (index == 0)
    refuse(peer, "28000");
  else
    serve(peer);
}

/* Two wait, and of two attempts one fails shortly before the other succeeds: the second of those
 * who wait gets another attempt, though nothing else ever happens. */
static void test_an_attempt_for_each(void** state) {
  (void)state;
  support_hostile* hostile = support_hostile_start(script_one_of_two, NULL);
  char dsn[200];
  snprintf(dsn, sizeof dsn, "host=127.0.0.1 port=%d user=a sslmode=disable",
           support_hostile_port(hostile));
  creche_pool pool = open_with(dsn, 0, 0);
  answer a[2];
  for (int i = 0; i < 2; i++) {
    answer_init(&a[i]);
    OK(creche_pool_acquire(pool, loop.scope, NULL, on_answer, &a[i], NULL));
  }
  assert_true(support_hostile_await_connections(hostile, 2, PATIENCE_MS));
  support_hostile_signal(hostile);
  assert_true(support_hostile_await_open(hostile, 1, PATIENCE_MS));
  support_hostile_signal(hostile);
  for (int i = 0; i < 2; i++) EXPECT(&a[i], CRECHE_OK);
  for (int i = 0; i < 2; i++) answer_free(&a[i]);
  close_pool(pool);
  support_hostile_stop(hostile);
}

/* ---- SCRAM: the derivation is as long as the server says ---- */

typedef struct scram {
  const char* iterations;
  int pieces; /* byte by byte */
  atomic_int asked, answered;
} scram;

static void script_scram(support_peer* peer, void* user) {
  static const char kMethods[] = "\0\0\0\x0aSCRAM-SHA-256\0";
  scram* s = user;
  char nonce[100], body[300];
  size_t size;
  if (!take_startup(peer)) return;
  send_message(peer, 'R', kMethods, sizeof kMethods);
  if (!support_expect(peer, "n,,n=,r=") || !support_expect_bytes(peer, 24)) return;
  snprintf(nonce, sizeof nonce, "%s", support_received(peer));
  memcpy(body, "\0\0\0\x0b", 4);
  size = 4 + (size_t)snprintf(body + 4, sizeof body - 4, "r=%sxyz,s=c2FsdHNhbHRzYWx0c2FsdA==,i=%s",
                              nonce, s->iterations);
  if (s->pieces) {
    const char head[5] = {'R', 0, 0, 0, (char)(size + 4)};
    support_trickle(peer, head, sizeof head);
    support_trickle(peer, body, size);
  } else {
    send_message(peer, 'R', body, size);
  }
  atomic_store(&s->asked, 1);
  if (support_expect(peer, ",p=")) atomic_store(&s->answered, 1);
  refuse(peer, "28P01");
}

static void end_of_scram(scram* s, creche_status status, const char* says) {
  support_hostile* hostile = support_hostile_start(script_scram, s);
  creche_pool pool = open_with(dsn_of(hostile, NULL), 0, 0);
  answer a;
  int turns = 0;
  answer_init(&a);
  OK(creche_pool_acquire(pool, loop.scope, NULL, on_answer, &a, NULL));
  while (!answer_wait_for(&a, 0)) {
    answer turn;
    answer_init(&turn);
    OK(creche_sleep(loop.scope, CRECHE_MILLISECOND, NULL, on_answer, &turn, NULL));
    EXPECT(&turn, CRECHE_OK);
    answer_free(&turn);
    turns += atomic_load(&s->asked) && !atomic_load(&s->answered);
  }
  EXPECT(&a, status);
  assert_int_equal(a.error->phase, CRECHE_PHASE_AUTH);
  if (!strstr(a.error->message, says)) fail_msg("%s", a.error->message);
  /* The loop went on while a million iterations were made. */
  if (status == CRECHE_E_PG && strlen(s->iterations) == 7) assert_in_range(turns, 20, 1000000);
  answer_free(&a);
  close_pool(pool);
  support_hostile_stop(hostile);
}

/* As many as are allowed; ThreadSanitizer makes each of them thirty times as long. */
#if defined(__SANITIZE_THREAD__)
#define MANY "20000"
#else
#define MANY "1000000"
#endif

static void test_scram(void** state) {
  (void)state;
  end_of_scram(&(scram){.iterations = MANY}, CRECHE_E_PG, "go away");
  end_of_scram(&(scram){.iterations = "4096", .pieces = 1}, CRECHE_E_PG, "go away");
  end_of_scram(&(scram){.iterations = "1000001"}, CRECHE_E_LIMIT, "1000001 iterations");
  end_of_scram(&(scram){.iterations = "20000000", .pieces = 1}, CRECHE_E_LIMIT,
               "lower scram_iterations");
}

/* ---- DSNs ---- */

/* Behind an expire a name is asked for anew, and goes before what was connected to last. */
static void test_expire_follows_a_name(void** state) {
  (void)state;
  char dsn[200];
  struct sockaddr_in at;
  int on = 1;
  snprintf(dsn, sizeof dsn, "postgresql://postgres@moved.test:%d/postgres?sslmode=disable",
           support_postgres_port(server));
  memset(&at, 0, sizeof at);
  at.sin_family = AF_INET;
  at.sin_port = htons((uint16_t)support_postgres_port(server));
  at.sin_addr.s_addr = htonl(0x7f000002);
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  assert_int_equal(bind(listener, (struct sockaddr*)&at, sizeof at), 0);
  assert_int_equal(listen(listener, 4), 0);
  creche_pool pool = open_with(dsn, 0, 0);
  must(pool, "select 1");
  moved = 1;
  OK(creche_pool_expire(pool));
  answer a;
  answer_init(&a);
  OK(creche_pool_acquire(pool, loop.scope, NULL, on_answer, &a, NULL));
  struct pollfd coming = {listener, POLLIN, 0};
  assert_int_equal(poll(&coming, 1, PATIENCE_MS), 1);
  close(accept(listener, NULL, NULL)); /* nobody is here: the next address */
  EXPECT(&a, CRECHE_OK);
  answer_free(&a);
  close(listener);
  close_pool(pool);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_second_address), cmocka_unit_test(test_next_host),
      cmocka_unit_test(test_full_server),    cmocka_unit_test(test_an_attempt_for_each),
      cmocka_unit_test(test_scram),          cmocka_unit_test(test_expire_follows_a_name),
  };
  return cmocka_run_group_tests(tests, start_server, stop_server);
}

/* Library operations and their cancellation, on real sockets. See CASES.md. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>

#include "capi/structured/kinds.h"
#include "support/support.h"

static int open_all(void** state) {
  if (open_loop(state) != 0) return -1;
  open_mute();
  return 0;
}
static int close_all(void** state) {
  close_mute();
  return close_loop(state);
}
#define TEST_ALL(name) cmocka_unit_test_setup_teardown(name, open_all, close_all)

static int open_descriptors(void) {
  DIR* dir = opendir("/proc/self/fd");
  int n = 0;
  assert_non_null(dir);
  while (readdir(dir) != NULL) n++;
  closedir(dir);
  return n;
}

/* ---- A listener with a full backlog: connecting to it takes for ever ---- */
enum { FILLERS = 16 };
static int deaf_fd, fillers[FILLERS], filled;
static char deaf_url[64];
static void open_deaf(void) {
  struct sockaddr_in at = {0};
  socklen_t size = sizeof at;
  int i, waiting = 0;
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  deaf_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(bind(deaf_fd, (struct sockaddr*)&at, sizeof at), 0);
  assert_int_equal(listen(deaf_fd, 0), 0);
  assert_int_equal(getsockname(deaf_fd, (struct sockaddr*)&at, &size), 0);
  snprintf(deaf_url, sizeof deaf_url, "http://127.0.0.1:%d/", ntohs(at.sin_port));
  /* Two that wait: then there is certainly no room for a third. */
  for (filled = 0; filled < FILLERS && waiting < 2; filled++) {
    fd_set writable;
    struct timeval soon = {0, 50000};
    fillers[filled] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    i = connect(fillers[filled], (struct sockaddr*)&at, sizeof at);
    assert_true(i == 0 || errno == EINPROGRESS);
    FD_ZERO(&writable);
    FD_SET(fillers[filled], &writable);
    if (select(fillers[filled] + 1, NULL, &writable, NULL, &soon) == 0) waiting++;
  }
  assert_int_equal(waiting, 2);
}
static void close_deaf(void) {
  while (filled > 0) close(fillers[--filled]);
  close(deaf_fd);
}

/* Cancelled between connect() and its completion: CANCELLED, and the socket is closed. */
static void cancelled_while_connecting(void** state) {
  seen s = {0};
  creche_task task;
  int before;
  (void)state;
  open_deaf();
  before = open_descriptors();
  OK(creche_session_fetch(web, loop.scope, deaf_url, NULL, see, &s, &task));
  settle();
  assert_int_equal(open_descriptors(), before + 1);
  assert_int_equal(s.finals, 0);
  OK(creche_scope_cancel(task.scope, NULL));
  until(&s.finals, 1);
  assert_int_equal(s.status, CRECHE_E_CANCELLED);
  assert_int_equal(s.phase, CRECHE_PHASE_CONNECT);
  settle();
  assert_int_equal(open_descriptors(), before);
  close_deaf();
}

/* Four that connect when a deadline passes: all are cancelled, the scope catches, no socket stays.
 */
static void a_deadline_while_connecting(void** state) {
  seen s[4];
  creche_scope_options o = scope_options();
  creche_outcome outcome;
  creche_scope scope;
  int before, i;
  (void)state;
  memset(s, 0, sizeof s);
  open_deaf();
  before = open_descriptors();
  scope = scope_in(loop.scope, &o);
  for (i = 0; i < 4; i++) OK(creche_session_fetch(web, scope, deaf_url, NULL, see, &s[i], NULL));
  settle();
  assert_int_equal(open_descriptors(), before + 4);
  OK(creche_scope_set_timeout(scope, CRECHE_MILLISECOND));
  for (i = 0; i < 4; i++) {
    until(&s[i].finals, 1);
    assert_int_equal(s[i].status, CRECHE_E_CANCELLED);
    assert_int_equal(s[i].reason, CRECHE_REASON_DEADLINE);
  }
  OK(creche_scope_leave(scope, &outcome));
  assert_int_equal(outcome.status, CRECHE_E_TIMEOUT);
  assert_int_equal(outcome.flags, CRECHE_CAUGHT);
  settle();
  assert_int_equal(open_descriptors(), before);
  close_deaf();
}

/* ---- A winner closes the losers ---- */
static void answer_one(support_peer* peer, void* user) {
  (void)user;
  if (!support_expect_request(peer)) return;
  if (strstr(support_received(peer), "/winner") != NULL)
    support_send_text(peer, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  support_await_close(peer);
}
static void a_winner_closes_the_losers(void** state) {
  support_hostile* server = support_hostile_start(answer_one, NULL);
  seen g = {0}, s[4];
  creche_group_options o = group_options();
  creche_group group;
  char url[96];
  int i;
  (void)state;
  memset(s, 0, sizeof s);
  o.policy = CRECHE_RACE;
  group = group_in(loop.scope, &o, &g);
  for (i = 0; i < 4; i++) {
    snprintf(url, sizeof url, "%s/%s", support_hostile_url(server), i == 2 ? "winner" : "loser");
    OK(creche_session_fetch(web, group.scope, url, NULL, see, &s[i], NULL));
  }
  OK(creche_group_close(group));
  until(&g.finals, 1);
  for (i = 0; i < 4; i++) {
    assert_int_equal(s[i].status, i == 2 ? CRECHE_OK : CRECHE_E_CANCELLED);
    if (i == 2)
      creche_value_release(s[i].value);
    else
      assert_int_equal(s[i].reason, CRECHE_REASON_RACE);
  }
  assert_int_equal(g.status, CRECHE_OK);
  assert_true(support_hostile_await_open(server, 1, 20000)); /* the winner's is kept */
  creche_session_release(web);
  settle();
  support_hostile_stop(server);
}

/* ---- Too late to cancel: the data were there ---- */
static void in_two_parts(support_peer* peer, void* user) {
  (void)user;
  if (!support_expect_request(peer)) return;
  support_send_text(peer, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n");
  if (!support_await(peer, 1)) return;
  support_send_text(peer, "hello");
  support_count_request(peer); /* to tell the test */
  if (!support_await(peer, 2)) return;
  support_send_text(peer, "world");
  support_await_close(peer);
}
typedef struct canceller {
  creche_task other;
  creche_status called;
  char data[16];
  seen s;
} canceller;
static void keep_data(void* user, const creche_completion* c) {
  canceller* k = user;
  note(&k->s, c);
  snprintf(k->data, sizeof k->data, "%.*s", (int)c->data_size, (const char*)c->data);
  if (k->other.scope.id != 0) k->called = creche_scope_cancel(k->other.scope, NULL);
}
static void too_late_to_cancel(void** state) {
  support_hostile* server = support_hostile_start(in_two_parts, NULL);
  seen head[2] = {{0}, {0}};
  canceller k[2];
  creche_task task[2];
  creche_response r[2];
  int i;
  (void)state;
  memset(k, 0, sizeof k);
  for (i = 0; i < 2; i++) {
    OK(creche_session_send(web, loop.scope, support_hostile_url(server), NULL, see, &head[i],
                           NULL));
    until(&head[i].finals, 1);
    r[i].id = head[i].value;
    OK(creche_response_read(r[i], loop.scope, 0, NULL, keep_data, &k[i], &task[i]));
  }
  settle(); /* both are waiting for bytes */
  k[0].other = task[1];
  k[1].other = task[0];
  support_hostile_signal(server);
  /* Both have sent: one turn commits both results before it tells of either. */
  assert_true(support_hostile_await_requests(server, 4, 20000));
  until(&k[0].s.finals, 1);
  until(&k[1].s.finals, 1);
  for (i = 0; i < 2; i++) {
    assert_int_equal(k[i].s.status, CRECHE_OK);
    assert_string_equal(k[i].data, "hello");
    assert_int_equal(k[i].called, CRECHE_E_ENDED); /* too late, and harmless */
    k[i].other.scope.id = 0;
    memset(&k[i].s, 0, sizeof k[i].s);
    OK(creche_response_read(r[i], loop.scope, 0, NULL, keep_data, &k[i], NULL));
  }
  support_hostile_signal(server);
  for (i = 0; i < 2; i++) {
    until(&k[i].s.finals, 1);
    assert_string_equal(k[i].data, "world"); /* nothing was lost */
    creche_response_release(r[i]);
  }
  creche_session_release(web);
  settle();
  support_hostile_stop(server);
}

/* In one turn data beat a deadline: they are delivered, the scope was cancelled, for nothing. */
static void data_beat_a_deadline(void** state) {
  support_hostile* server = support_hostile_start(in_two_parts, NULL);
  seen head = {0}, next = {0};
  canceller k;
  creche_response r;
  creche_outcome outcome;
  creche_scope scope = scope_in(loop.scope, NULL);
  int64_t deadline;
  (void)state;
  memset(&k, 0, sizeof k);
  OK(creche_session_send(web, loop.scope, support_hostile_url(server), NULL, see, &head, NULL));
  until(&head.finals, 1);
  r.id = head.value;
  OK(creche_response_read(r, scope, 0, NULL, keep_data, &k, NULL));
  settle();
  deadline = now() + CRECHE_MILLISECOND;
  OK(creche_scope_set_deadline(scope, deadline));
  support_hostile_signal(server);
  assert_true(support_hostile_await_requests(server, 2, 20000)); /* they have been sent */
  while (now() < deadline) continue;
  until(&k.s.finals, 1);
  assert_int_equal(k.s.status, CRECHE_OK);
  assert_string_equal(k.data, "hello");
  assert_int_equal(state_of(scope).called, 1);
  OK(creche_response_read(r, scope, 0, NULL, see, &next, NULL));
  OK(creche_scope_leave(scope, NULL)); /* by itself, after the next one */
  until(&next.finals, 1);
  assert_int_equal(next.status, CRECHE_E_CANCELLED);
  assert_int_equal(next.reason, CRECHE_REASON_DEADLINE);
  scope = scope_in(loop.scope, NULL);
  memset(&k, 0, sizeof k);
  OK(creche_response_read(r, scope, 0, NULL, keep_data, &k, NULL));
  support_hostile_signal(server);
  until(&k.s.finals, 1);
  assert_string_equal(k.data, "world");
  OK(creche_scope_leave(scope, &outcome));
  creche_response_release(r);
  creche_session_release(web);
  settle();
  support_hostile_stop(server);
}

/* What is closed in a cancelled scope is closed all the same. */
static void half_a_body(support_peer* peer, void* user) {
  (void)user;
  if (support_expect_request(peer))
    support_send_text(peer, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
  support_await_close(peer);
}
static void closing_in_a_cancelled_scope(void** state) {
  support_hostile* server = support_hostile_start(half_a_body, NULL);
  seen head = {0}, closed = {0};
  (void)state;
  OK(creche_session_send(web, loop.scope, support_hostile_url(server), NULL, see, &head, NULL));
  until(&head.finals, 1);
  assert_int_equal(support_hostile_connections(server), 1);
  OK(creche_scope_cancel(loop.scope, NULL));
  OK(creche_session_close(web, see, &closed));
  until(&closed.finals, 1);
  assert_int_equal(closed.status, CRECHE_OK);
  assert_true(support_hostile_await_open(server, 0, 20000));
  creche_value_release(head.value);
  support_hostile_stop(server);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST_ALL(cancelled_while_connecting), TEST_ALL(a_deadline_while_connecting),
      TEST_ALL(a_winner_closes_the_losers), TEST_ALL(too_late_to_cancel),
      TEST_ALL(data_beat_a_deadline),       TEST_ALL(closing_in_a_cancelled_scope),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

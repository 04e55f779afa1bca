/* Kept connections: used again when that is safe, never when it is not. */
#include "http_test.h"

#define ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

static void one_connection_for_one_after_another(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(support_script_answer, ANSWER);
  for (int i = 0; i < 10; i++) expect_body(fetch(support_hostile_url(server), NULL), 200, "ok");
  assert_int_equal(support_hostile_connections(server), 1);
  assert_int_equal(support_hostile_requests(server), 10);
  creche_session_counters c = session_counters(web);
  assert_int_equal(c.requests, 10);
  assert_int_equal(c.connects, 1);
  assert_int_equal(c.reuses, 9);
  assert_int_equal(c.idle, 1);
  assert_int_equal(c.active, 0);
  assert_int_equal(c.bytes_received, 10 * strlen(ANSWER));
  support_hostile_stop(server);
}

/* Answers each request on a connection with the next of several texts, then reads on. */
struct answers {
  const char* text[4];
};
static void answer_in_turn(support_peer* peer, void* user) {
  const struct answers* a = user;
  for (int i = 0; i < 4 && support_expect_request(peer); i++)
    if (a->text[i] == NULL || !support_send_text(peer, a->text[i])) return;
}

static int connections_for_two(const char* first_answer, const char* body) {
  struct answers answers = {{first_answer, ANSWER, NULL}};
  support_hostile* server = support_hostile_start(answer_in_turn, &answers);
  creche_completion c = fetch(support_hostile_url(server), NULL);
  if (c.status != CRECHE_OK) fail_msg("%s", creche_error_message(c.error));
  assert_string_equal(c.data, body);
  drop(c);
  /* A new connection gets the first answer again. */
  c = fetch(support_hostile_url(server), NULL);
  assert_int_equal(c.status, CRECHE_OK);
  drop(c);
  const int connections = support_hostile_connections(server);
  support_hostile_stop(server);
  return connections;
}

static void what_servers_say_is_heeded(void** state) {
  (void)state;
  const char* ok = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na";
  assert_int_equal(connections_for_two(ok, "a"), 1);
  assert_int_equal(connections_for_two("HTTP/1.1 204 No\r\n\r\n", ""), 1);
  assert_int_equal(connections_for_two("HTTP/1.1 304 Not\r\nContent-Length: 7\r\n\r\n", ""), 1);
  assert_int_equal(
      connections_for_two("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: y\r\n\r\n",
                          ""),
      1);
  assert_int_equal(connections_for_two(
                       "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\na", "a"),
                   2);
  assert_int_equal(connections_for_two("HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na", "a"), 2);
  assert_int_equal(
      connections_for_two("HTTP/1.1 200 OK\r\nKeep-Alive: timeout=0\r\nContent-Length: 1\r\n\r\na",
                          "a"),
      2);
  assert_int_equal(
      connections_for_two(
          "HTTP/1.1 200 OK\r\nKeep-Alive: timeout=9, max=0\r\nContent-Length: 1\r\n\r\na", "a"),
      2);
  assert_int_equal(
      connections_for_two(
          "HTTP/1.1 200 OK\r\nKeep-Alive: timeout=9, max=1\r\nContent-Length: 1\r\n\r\na", "a"),
      1);
  /* More than was asked for: the answer is delivered, the connection is not trusted. */
  assert_int_equal(connections_for_two("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\naHTTP/1.1 200 "
                                       "OK\r\nContent-Length: 6\r\n\r\npoison",
                                       "a"),
                   2);
}

static void poison(support_peer* peer, void* user) {
  (void)user;
  if (!support_expect_request(peer) || !support_send_text(peer, ANSWER)) return;
  if (support_peer_index(peer) == 0) {
    support_await(peer, 1);
    support_send_text(peer, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison");
    support_await_close(peer);
  }
}

/* D1 */
static void an_answer_nobody_asked_for_is_nobodys(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(poison, NULL);
  expect_body(fetch(support_hostile_url(server), NULL), 200, "ok");
  assert_int_equal(session_counters(web).idle, 1);
  support_hostile_signal(server);
  assert_true(support_hostile_await_open(server, 0, PATIENCE_MS)); /* the client has closed it */
  assert_int_equal(session_counters(web).idle, 0);
  expect_body(fetch(support_hostile_url(server), NULL), 200, "ok");
  assert_int_equal(support_hostile_connections(server), 2);
  assert_int_equal(session_counters(web).retries, 0);
  support_hostile_stop(server);
}

/* ---- Asked before each use: what comes while a callback runs is in no event yet ---- */

struct late {
  const char* text; /* pushed behind the first answer; "" for none */
  int end;          /* and then a FIN */
  const char* method;
  support_hostile* server;
};

static void push_late(support_peer* peer, void* user) {
  const struct late* late = user;
  if (support_peer_index(peer) > 0) {
    support_script_answer(peer, ANSWER);
    return;
  }
  if (!support_expect_request(peer) || !support_send_text(peer, ANSWER)) return;
  if (!support_await(peer, 1)) return;
  support_send_text(peer, late->text);
  if (late->end) support_finish(peer);
  support_count_request(peer); /* it lies in the client's socket by now */
  support_await_close(peer);
}

static void fetch_again(void* user, const creche_completion* c) {
  const struct late* late = user;
  creche_request_options o;
  if (c->flags & CRECHE_OWNED) creche_value_release(c->value);
  support_hostile_signal(late->server);
  support_hostile_await_requests(late->server, 2, PATIENCE_MS);
  creche_request_options_init(&o, sizeof o);
  o.task = &to_queue;
  o.method = late->method;
  SAY(creche_session_fetch(web, loop.scope, support_hostile_url(late->server), &o, NULL, NULL,
                           NULL));
}

static void what_came_a_moment_ago_is_seen(void** state) {
  (void)state;
  static const char poison[] = "HTTP/1.1 408 Timeout\r\nContent-Length: 6\r\n\r\npoison";
  static const struct late cases[] = {
      {poison, 0, "GET", NULL}, {poison, 1, "POST", NULL},   {"", 1, "POST", NULL},
      {"", 1, "GET", NULL},     {"surplus", 0, "GET", NULL}, {"\r\n", 0, "POST", NULL},
  };
  for (int i = 0; i < 6; i++) {
    struct late late = cases[i];
    const uint64_t before = session_counters(web).reuses;
    late.server = support_hostile_start(push_late, &late);
    assert_int_equal(creche_session_fetch(web, loop.scope, support_hostile_url(late.server), NULL,
                                          fetch_again, &late, NULL),
                     CRECHE_OK);
    expect_body(next(), 200, "ok");
    assert_int_equal(support_hostile_connections(late.server), 2);
    assert_int_equal(session_counters(web).retries,
                     0); /* found out before anything was sent on it */
    assert_int_equal(session_counters(web).reuses, before);
    support_hostile_stop(late.server);
  }
}

/* Ends the first connection when the second request is there; counts what it saw of requests. */
static void dies_at_the_second(support_peer* peer, void* user) {
  (void)user;
  if (!support_expect_request(peer) || !support_send_text(peer, ANSWER)) return;
  if (!support_expect_request(peer)) return;
  if (support_peer_index(peer) > 0) support_send_text(peer, ANSWER);
}

static void dead_ones_are_found_out_and_replaced(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(dies_at_the_second, NULL);
  const char* url = support_hostile_url(server);
  creche_request_options o = request_options();
  creche_header host = creche_header_text("Host", "custom.example");
  o.headers = &host;
  o.headers_count = 1;
  expect_body(fetch(url, NULL), 200, "ok");
  expect_body(fetch(url, &o), 200, "ok"); /* sent again, with its own Host: D7 */
  assert_int_equal(session_counters(web).retries, 1);
  assert_int_equal(support_hostile_connections(server), 2);
  assert_int_equal(support_hostile_requests(server), 3);
  support_hostile_stop(server);
}

static void what_may_not_happen_twice_does_not(void** state) {
  (void)state;
  creche_request_options o = request_options();
  support_hostile* server = support_hostile_start(dies_at_the_second, NULL);
  const char* url = support_hostile_url(server);
  expect_body(fetch(url, NULL), 200, "ok");
  o.method = "POST";
  expect_failure(fetch(url, &o), CRECHE_E_DISCONNECTED, CRECHE_PHASE_HEADERS, 0);
  assert_int_equal(support_hostile_requests(server), 2);
  support_hostile_stop(server);

  server = support_hostile_start(dies_at_the_second, NULL);
  url = support_hostile_url(server);
  expect_body(fetch(url, NULL), 200, "ok");
  o = request_options();
  o.flags = CRECHE_REQUEST_NO_RETRY;
  expect_failure(fetch(url, &o), CRECHE_E_DISCONNECTED, CRECHE_PHASE_HEADERS,
                 CRECHE_ERROR_RETRYABLE);
  assert_int_equal(support_hostile_requests(server), 2);
  assert_int_equal(session_counters(web).retries, 0);
  support_hostile_stop(server);
}

/* The first connection answers one request; all later ones are taken and never answered. */
static void only_once(support_peer* peer, void* user) {
  (void)user;
  if (support_peer_index(peer) == 0 &&
      (!support_expect_request(peer) || !support_send_text(peer, ANSWER)))
    return;
  support_expect_request(peer);
}

static void which_are_sent_again_and_how_often(void** state) {
  (void)state;
  static const struct {
    const char* method;
    int again;
  } cases[] = {{"GET", 1},    {"HEAD", 1}, {"OPTIONS", 1}, {"TRACE", 1}, {"PUT", 1},
               {"DELETE", 1}, {"POST", 0}, {"PATCH", 0},   {"QUERY", 0}, {"get", 0}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const uint64_t before = session_counters(web).retries;
    support_hostile* server = support_hostile_start(only_once, NULL);
    expect_body(fetch(support_hostile_url(server), NULL), 200, "ok");
    creche_request_options o = request_options();
    o.method = cases[i].method;
    creche_completion c = fetch(support_hostile_url(server), &o);
    assert_int_equal(c.status, CRECHE_E_DISCONNECTED);
    drop(c);
    /* On a new connection, and not from there on another. */
    assert_int_equal(support_hostile_connections(server), 1 + cases[i].again);
    assert_int_equal(support_hostile_requests(server), 2 + cases[i].again);
    assert_int_equal(session_counters(web).retries - before, cases[i].again);
    support_hostile_stop(server);
  }
  /* What was pulled is gone. */
  support_hostile* server = support_hostile_start(only_once, NULL);
  expect_body(fetch(support_hostile_url(server), NULL), 200, "ok");
  creche_request_options o = request_options();
  o.method = "PUT";
  o.flags = CRECHE_REQUEST_PULL_BODY;
  o.body_size = 4;
  start(support_hostile_url(server), &o, NULL);
  creche_completion pull = next();
  assert_int_equal(creche_task_answer(pull.task, CRECHE_OK, "body", 4, 0, NULL), CRECHE_OK);
  drop(pull);
  creche_completion c = next();
  assert_int_equal(c.status, CRECHE_E_DISCONNECTED);
  drop(c);
  assert_int_equal(support_hostile_connections(server), 1);
  support_hostile_stop(server);
}

static void idle_ones_go_in_time(void** state) {
  (void)state;
  creche_session_options o = session_options();
  o.keepalive = 30 * CRECHE_MILLISECOND;
  use_session(&o);
  support_hostile* server = support_hostile_start(support_script_answer, ANSWER);
  expect_body(fetch(support_hostile_url(server), NULL), 200, "ok");
  assert_true(support_hostile_await_open(server, 0, PATIENCE_MS));
  expect_body(fetch(support_hostile_url(server), NULL), 200, "ok");
  assert_int_equal(support_hostile_connections(server), 2);
  support_hostile_stop(server);
}

/* ---- Limits ---- */

static void many(int requests, const char* url) {
  for (int i = 0; i < requests; i++) start(url, NULL, NULL);
  for (int i = 0; i < requests; i++) expect_body(next(), 200, "ok");
}

static void the_limit_counts_sockets(void** state) {
  (void)state;
  creche_session_options o = session_options();
  o.limit = 3;
  use_session(&o);
  support_hostile* server = support_hostile_start(support_script_answer, ANSWER);
  many(300, support_hostile_url(server));
  assert_int_equal(support_hostile_connections(server), 3);
  assert_int_equal(support_hostile_requests(server), 300);
  /* Idle ones count: for another origin the oldest of them makes room. */
  support_hostile* other = support_hostile_start(support_script_answer, ANSWER);
  expect_body(fetch(support_hostile_url(other), NULL), 200, "ok");
  assert_true(support_hostile_await_open(server, 2, PATIENCE_MS));
  assert_int_equal(session_counters(web).idle, 3);
  /* Both at once: nobody starves. */
  for (int i = 0; i < 100; i++) {
    start(support_hostile_url(server), NULL, NULL);
    start(support_hostile_url(other), NULL, NULL);
  }
  for (int i = 0; i < 200; i++) expect_body(next(), 200, "ok");
  assert_true(session_counters(web).idle <= 3);
  support_hostile_stop(server);
  support_hostile_stop(other);
}

static void the_limit_of_a_host_is_its_own(void** state) {
  (void)state;
  creche_session_options o = session_options();
  o.limit_per_host = 2;
  use_session(&o);
  support_hostile* server = support_hostile_start(support_script_answer, ANSWER);
  support_hostile* other = support_hostile_start(support_script_answer, ANSWER);
  for (int i = 0; i < 100; i++) {
    start(support_hostile_url(server), NULL, NULL);
    start(support_hostile_url(other), NULL, NULL);
  }
  for (int i = 0; i < 200; i++) expect_body(next(), 200, "ok");
  assert_int_equal(support_hostile_connections(server), 2);
  assert_int_equal(support_hostile_connections(other), 2);
  support_hostile_stop(server);
  support_hostile_stop(other);
}

static void fails_at_first(support_peer* peer, void* user) {
  if (support_peer_index(peer) < 3) {
    support_expect_request(peer);
    support_reset(peer);
    return;
  }
  support_script_answer(peer, user);
}

static void a_failure_makes_room_for_the_next(void** state) {
  (void)state;
  creche_session_options o = session_options();
  o.limit = 1;
  use_session(&o);
  support_hostile* server = support_hostile_start(fails_at_first, ANSWER);
  int good = 0;
  for (int i = 0; i < 10; i++) start(support_hostile_url(server), NULL, NULL);
  for (int i = 0; i < 10; i++) {
    creche_completion c = next();
    good += c.status == CRECHE_OK;
    drop(c);
  }
  assert_int_equal(good, 7);
  support_hostile_stop(server);
}

static void holds(support_peer* peer, void* user) {
  while (support_expect_request(peer) && support_await(peer, 1) && support_send_text(peer, user))
    continue;
}

static void waiting_in_line_is_bounded(void** state) {
  (void)state;
  creche_session_options o = session_options();
  o.limit = 1;
  o.max_waiting = 2;
  use_session(&o);
  support_hostile* server = support_hostile_start(holds, ANSWER);
  const char* url = support_hostile_url(server);
  start(url, NULL, NULL);
  assert_true(support_hostile_await_requests(server, 1, PATIENCE_MS));
  creche_request_options impatient = request_options();
  impatient.timeouts.pool = 20 * CRECHE_MILLISECOND;
  impatient.timeouts.connect = impatient.timeouts.dns = CRECHE_MILLISECOND;
  start(url, &impatient, NULL);
  /* The pool's queue is no connecting: only its own timeout ends it. */
  expect_failure(next(), CRECHE_E_TIMEOUT, CRECHE_PHASE_POOL,
                 CRECHE_ERROR_RETRYABLE | CRECHE_ERROR_UNSENT);
  creche_task second = start(url, NULL, NULL);
  start(url, NULL, NULL);
  start(url, NULL, NULL);
  expect_failure(next(), CRECHE_E_LIMIT, CRECHE_PHASE_POOL,
                 CRECHE_ERROR_RETRYABLE | CRECHE_ERROR_UNSENT);
  assert_int_equal(session_counters(web).waiting, 2);
  /* One that is cancelled leaves the line. */
  creche_scope_cancel(second.scope, NULL);
  creche_completion c = next();
  assert_int_equal(c.status, CRECHE_E_CANCELLED);
  assert_int_equal(c.error->phase, CRECHE_PHASE_POOL);
  drop(c);
  assert_int_equal(session_counters(web).waiting, 1);
  support_hostile_signal(server);
  expect_body(next(), 200, "ok");
  expect_body(next(), 200, "ok");
  assert_int_equal(support_hostile_connections(server), 1);
  support_hostile_stop(server);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(one_connection_for_one_after_another, set_up, tear_down),
      cmocka_unit_test_setup_teardown(what_servers_say_is_heeded, set_up, tear_down),
      cmocka_unit_test_setup_teardown(an_answer_nobody_asked_for_is_nobodys, set_up, tear_down),
      cmocka_unit_test_setup_teardown(what_came_a_moment_ago_is_seen, set_up, tear_down),
      cmocka_unit_test_setup_teardown(dead_ones_are_found_out_and_replaced, set_up, tear_down),
      cmocka_unit_test_setup_teardown(what_may_not_happen_twice_does_not, set_up, tear_down),
      cmocka_unit_test_setup_teardown(which_are_sent_again_and_how_often, set_up, tear_down),
      cmocka_unit_test_setup_teardown(idle_ones_go_in_time, set_up, tear_down),
      cmocka_unit_test_setup_teardown(the_limit_counts_sockets, set_up, tear_down),
      cmocka_unit_test_setup_teardown(the_limit_of_a_host_is_its_own, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_failure_makes_room_for_the_next, set_up, tear_down),
      cmocka_unit_test_setup_teardown(waiting_in_line_is_bounded, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Requests that end before they should: pulled bodies, redirects that lead nowhere, connections
 * that cannot be had: cases of CASES.md. */
#include "pulled.h"

#define ANSWER OK_HEAD "Content-Length: 2\r\n\r\nok"

/* ---- Redirects ---- */

static void nowhere(void** state) {
  (void)state;
  static const char* const answers[] = {
      "HTTP/1.1 301 Moved\r\nContent-Length: 4\r\n\r\nbody",
      "HTTP/1.1 302 Moved\r\nLocation:\r\nContent-Length: 4\r\n\r\nbody",
      "HTTP/1.1 300 Many\r\nLocation: /x\r\nContent-Length: 4\r\n\r\nbody",
  };
  for (int i = 0; i < 3; i++) {
    const uint32_t code = i == 0 ? 301 : i == 1 ? 302 : 300;
    support_hostile* server = support_hostile_start(support_script_answer, (void*)answers[i]);
    expect_body(fetch(support_hostile_url(server), NULL), code, "body");
    creche_completion c = send_request(support_hostile_url(server), NULL);
    assert_int_equal(c.code, code);
    expect_piece(read_some((creche_response){c.value}, 0), "body");
    drop(c);
    support_hostile_stop(server);
  }
}

/* Takes a piece of the body, and then closes, resets, waits, or answers. */
static void takes_a_piece(support_peer* peer, void* user) {
  const char* then = user;
  if (!support_expect(peer, "\r\n\r\n") || !support_expect(peer, "piece")) return;
  support_count_request(peer);
  if (strcmp(then, "close") == 0) return;
  if (strcmp(then, "reset") == 0) {
    support_reset(peer);
    return;
  }
  if (strcmp(then, "wait") != 0) support_send_text(peer, then);
  support_await_close(peer);
}

/* Whatever ends a request, nothing of its body is asked for any more; each once. */
static void pulls_end_with_their_request(void** state) {
  (void)state;
  static const struct {
    const char* answer;
    creche_status status;
  } cases[] = {
      {"close", CRECHE_E_DISCONNECTED},
      {"reset", CRECHE_E_DISCONNECTED},
      {"wait", CRECHE_E_CANCELLED},
      {"HTTP/1.1 302 X\r\nLocation: ftp://h/\r\nContent-Length: 0\r\n\r\n", CRECHE_E_REDIRECT},
      {"HTTP/1.1 302 X\r\nLocation: http://h:999999/\r\nContent-Length: 0\r\n\r\n",
       CRECHE_E_REDIRECT},
      {"HTTP/1.1 307 X\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n", CRECHE_E_BODY},
      {"HTTP/1.1 307 X\r\nLocation: /\r\nContent-Length: 0\r\n\r\n", CRECHE_E_REDIRECT},
      {"Hello", CRECHE_E_PROTOCOL},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    support_hostile* server = support_hostile_start(takes_a_piece, (void*)cases[i].answer);
    creche_request_options o = pull_options();
    if (i == 6) o.max_redirects = 0;
    const creche_task task = start(support_hostile_url(server), &o, NULL);
    answer_pull(next(), "piece", CRECHE_MORE);
    creche_completion c = next();
    if (c.kind == CRECHE_PULL) {
      /* Asked before the end came: it stays unanswered. */
      assert_true(support_hostile_await_requests(server, 1, PATIENCE_MS));
      if (cases[i].status == CRECHE_E_CANCELLED) creche_scope_cancel(task.scope, NULL);
      drop(c);
      c = next();
    }
    assert_int_equal(c.kind, CRECHE_DONE);
    if (i == 6) {
      assert_int_equal(c.code, 307); /* not followed: an answer */
    } else if (c.status != cases[i].status) {
      fail_msg("%s: %s", cases[i].answer, creche_error_message(c.error));
    }
    drop(c);
    IS(creche_task_answer(task, CRECHE_OK, "late", 4, 0, NULL), CRECHE_E_ENDED);
    assert_true(support_hostile_await_open(server, 0, PATIENCE_MS));
    assert_int_equal(session_counters(web).idle, 0);
    assert_int_equal(loop_counters().live_tasks, 0);
    size_t n = 0;
    OK(creche_queue_drain(queue, &c, 1, &n));
    assert_int_equal(n, 0);
    support_hostile_stop(server);
  }
}

/* ---- Who waits for a connection ---- */

/* None can be had: each attempt gives its place to the next, also where that one has gone. */
static void failed_connects_give_their_places_back(void** state) {
  (void)state;
  creche_session_options so = session_options();
  creche_task tasks[20];
  support_hostile* server = support_hostile_start(support_script_answer, ANSWER);
  char gone[64];
  support_hostile* closed = support_hostile_start(support_script_answer, ANSWER);
  snprintf(gone, sizeof gone, "%s", support_hostile_url(closed));
  support_hostile_stop(closed);
  so.limit = 1;
  use_session(&so);
  for (int round = 0; round < 5; round++) {
    for (int i = 0; i < 20; i++) tasks[i] = start(gone, NULL, NULL);
    start(support_hostile_url(server), NULL, &tasks);
    for (int i = 0; i < 20; i += 2) creche_scope_cancel(tasks[i].scope, NULL);
    int good = 0, failed = 0, cancelled = 0;
    for (int i = 0; i < 21; i++) {
      creche_completion c = next();
      good += c.status == CRECHE_OK && c.user == tasks;
      failed += c.status == CRECHE_E_CONNECT;
      cancelled += c.status == CRECHE_E_CANCELLED;
      drop(c);
    }
    assert_int_equal(good, 1);
    assert_int_equal(failed + cancelled, 20);
    assert_true(failed >= 10);
    assert_int_equal(session_counters(web).waiting, 0);
    assert_int_equal(session_counters(web).active, 0);
  }
  support_hostile_stop(server);
}

static void holds(support_peer* peer, void* user) {
  while (support_expect_request(peer) && support_await(peer, 1) && support_send_text(peer, user))
    continue;
}

/* First come, first served, whoever of them has gone meanwhile. */
static void places_go_to_who_waits_longest(void** state) {
  (void)state;
  creche_session_options so = session_options();
  support_hostile* server = support_hostile_start(holds, ANSWER);
  creche_task tasks[10];
  static const int users[10] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
  so.limit = so.limit_per_host = 1;
  use_session(&so);
  for (int i = 0; i < 10; i++)
    tasks[i] = start(support_hostile_url(server), NULL, (void*)&users[i]);
  assert_true(support_hostile_await_requests(server, 1, PATIENCE_MS));
  for (int i = 1; i < 10; i += 3) {
    creche_scope_cancel(tasks[i].scope, NULL);
    creche_completion c = next();
    assert_int_equal(c.status, CRECHE_E_CANCELLED);
    assert_ptr_equal(c.user, &users[i]);
    drop(c);
  }
  support_hostile_signal(server);
  for (int i = 0; i < 10; i++) {
    if (i % 3 == 1) continue;
    creche_completion c = next();
    assert_int_equal(c.status, CRECHE_OK);
    assert_ptr_equal(c.user, &users[i]);
    drop(c);
  }
  assert_int_equal(support_hostile_connections(server), 1);
  assert_int_equal(support_hostile_requests(server), 7);
  support_hostile_stop(server);
}

/* ---- What was sent is counted ---- */

static void bytes_are_those_of_the_connection(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(support_script_answer, ANSWER);
  uint64_t before = 0, empty = 0;
  for (int i = 0; i < 4; i++) {
    creche_request_options o = request_options();
    static char body[9999];
    o.method = "POST";
    o.body = body;
    o.body_size = i == 1 ? 0 : i == 0 ? 1 : sizeof body;
    expect_body(fetch(support_hostile_url(server), &o), 200, "ok");
    const uint64_t sent = session_counters(web).bytes_sent - before;
    before += sent;
    if (i == 0) empty = sent - 1;
    if (i == 1) assert_int_equal(sent, empty);
    if (i > 1) assert_int_equal(sent, empty + 3 + sizeof body); /* and three digits of its length */
  }
  assert_int_equal(support_hostile_connections(server), 1);
  support_hostile_stop(server);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(nowhere),
      TEST(pulls_end_with_their_request),
      TEST(failed_connects_give_their_places_back),
      TEST(places_go_to_who_waits_longest),
      TEST(bytes_are_those_of_the_connection),
  };
  return cmocka_run_group_tests_name("requests", tests, NULL, NULL);
}

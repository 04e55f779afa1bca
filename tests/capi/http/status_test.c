/* Statuses that are failures: CRECHE_REQUEST_FAIL_ON_STATUS and a session's. */
#include "http_test.h"

/* Answers "/<status>/..." with that status and its body. */
static void answering(support_peer* peer, void* user) {
  static char large[100000];
  (void)user;
  memset(large, 'x', sizeof large);
  while (support_expect_request(peer)) {
    const char* head = support_received(peer);
    const char* path = strchr(head, ' ') + 1;
    const int status = atoi(path + 1);
    if (strncmp(path + 4, "/coded", 6) == 0) {
      support_sendf(peer, "HTTP/1.1 %d X\r\nContent-Encoding: gzip\r\nContent-Length: 29\r\n\r\n",
                    status);
      support_send(
          peer,
          "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xcb\xcb\x2f\x51\x28\xc9\x4f\x49\xac\x04"
          "\x00\x59\x5c\x1e\x11\x09\x00\x00\x00",
          29);
    } else if (strncmp(path + 4, "/bad", 4) == 0) {
      support_sendf(
          peer, "HTTP/1.1 %d X\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd", status);
    } else if (strncmp(path + 4, "/large", 6) == 0) {
      support_sendf(peer, "HTTP/1.1 %d X\r\nContent-Length: %zu\r\n\r\n", status, sizeof large);
      support_send(peer, large, sizeof large);
    } else if (strncmp(path + 4, "/endless", 8) == 0) {
      support_sendf(peer, "HTTP/1.1 %d X\r\nContent-Length: 50\r\n\r\nbegun", status);
      support_await_close(peer);
      return;
    } else if (strncmp(path + 4, "/cut", 4) == 0) {
      support_sendf(peer, "HTTP/1.1 %d X\r\nContent-Length: 50\r\n\r\nbegun", status);
      return;
    } else if (strncmp(path + 4, "/go", 3) == 0) {
      support_sendf(peer, "HTTP/1.1 %d X\r\nLocation: /404\r\nContent-Length: 0\r\n\r\n", status);
    } else if (strncmp(path, "/hang", 5) == 0) {
      support_await_close(peer);
      return;
    } else if (strncmp(head, "HEAD ", 5) == 0 || status == 304) {
      support_sendf(peer, "HTTP/1.1 %d X\r\nContent-Length: 9\r\n\r\n", status);
    } else {
      support_sendf(peer, "HTTP/1.1 %d X\r\nContent-Length: 9\r\n\r\nnot today", status);
    }
  }
}

static support_hostile* server;

static int serve(void** state) {
  server = support_hostile_start(answering, NULL);
  return set_up(state);
}
static int stop(void** state) {
  const int failed = tear_down(state);
  support_hostile_stop(server);
  return failed;
}

static void expect_status(creche_completion c, int status, const char* body, uint32_t flags) {
  if (c.status != CRECHE_E_HTTP_STATUS) fail_msg("%s", creche_error_message(c.error));
  assert_int_equal(c.code, status);
  assert_int_equal(c.value, 0);
  assert_int_equal(c.error->http_status, status);
  assert_int_equal(c.error->http_attempts, 0);
  assert_int_equal(c.error->http_body_size, strlen(body));
  assert_string_equal(c.error->http_body, body);
  assert_null(strstr(c.error->message, "today")); /* what a server says is for nobody's log */
  char number[8];
  snprintf(number, sizeof number, "%d", status);
  assert_non_null(strstr(c.error->message, number));
  expect_failure(c, CRECHE_E_HTTP_STATUS, CRECHE_PHASE_HEADERS, flags);
}

static void a_status_fails_a_request(void** state) {
  (void)state;
  creche_request_options o = request_options();
  o.flags = CRECHE_REQUEST_FAIL_ON_STATUS;
  expect_status(fetch(at(support_hostile_url(server), "/404?secret"), &o), 404, "not today", 0);
  expect_status(fetch(at(support_hostile_url(server), "/400"), &o), 400, "not today", 0);
  expect_status(fetch(at(support_hostile_url(server), "/500"), &o), 500, "not today", 0);
  expect_status(fetch(at(support_hostile_url(server), "/999"), &o), 999, "not today", 0);
  expect_status(send_request(at(support_hostile_url(server), "/404"), &o), 404, "not today", 0);
  expect_status(fetch(at(support_hostile_url(server), "/503"), &o), 503, "not today",
                CRECHE_ERROR_RETRYABLE);
  expect_body(fetch(at(support_hostile_url(server), "/399"), &o), 399, "not today");
  expect_body(fetch(at(support_hostile_url(server), "/304"), &o), 304, "");
  expect_status(fetch(at(support_hostile_url(server), "/302/go"), &o), 404, "not today", 0);
  expect_status(fetch(at(support_hostile_url(server), "/404/coded"), &o), 404, "not today", 0);
  o.method = "POST";
  expect_status(fetch(at(support_hostile_url(server), "/503"), &o), 503, "not today", 0);
  o.method = "HEAD";
  expect_status(fetch(at(support_hostile_url(server), "/404"), &o), 404, "", 0);
  o.method = NULL;
  expect_status(fetch(at(support_hostile_url(server), "/404/bad"), &o), 404, "", 0);
  /* Its connection is kept. */
  assert_int_equal(support_hostile_connections(server), 1);
  /* Without the flag. */
  expect_body(fetch(at(support_hostile_url(server), "/404"), NULL), 404, "not today");
}

/* Of a body that is large, never ends or is cut, what is there in time. */
static void a_piece_of_the_body(void** state) {
  (void)state;
  static char piece[4097];
  memset(piece, 'x', sizeof piece - 1);
  creche_request_options o = request_options();
  o.flags = CRECHE_REQUEST_FAIL_ON_STATUS;
  expect_status(fetch(at(support_hostile_url(server), "/500/large"), &o), 500, piece, 0);
  expect_status(fetch(at(support_hostile_url(server), "/500/endless"), &o), 500, "begun", 0);
  expect_status(send_request(at(support_hostile_url(server), "/500/endless"), &o), 500, "begun", 0);
  expect_status(fetch(at(support_hostile_url(server), "/500/cut"), &o), 500, "begun", 0);
  o.max_body = 1; /* is for bodies that are yours */
  expect_status(fetch(at(support_hostile_url(server), "/404"), &o), 404, "not today", 0);
  assert_true(support_hostile_await_open(server, 1, PATIENCE_MS));
  assert_int_equal(loop_counters().live_leases, 0);
}

static void a_session_says_so(void** state) {
  (void)state;
  creche_session_options so = session_options();
  so.flags = CRECHE_SESSION_FAIL_ON_STATUS;
  use_session(&so);
  expect_status(fetch(at(support_hostile_url(server), "/404"), NULL), 404, "not today", 0);
  creche_request_options o = request_options();
  o.flags = CRECHE_REQUEST_ANY_STATUS;
  expect_body(fetch(at(support_hostile_url(server), "/404"), &o), 404, "not today");
  o.flags |= CRECHE_REQUEST_FAIL_ON_STATUS;
  assert_int_equal(
      creche_session_fetch(web, loop.scope, "http://h/", &o, creche_nobody, NULL, NULL),
      CRECHE_E_INVALID);
}

/* The answer comes while the body is being pulled. */
static void while_a_body_is_pulled(void** state) {
  (void)state;
  creche_request_options o = request_options();
  o.flags = CRECHE_REQUEST_FAIL_ON_STATUS | CRECHE_REQUEST_PULL_BODY;
  o.body_size = 4;
  start(at(support_hostile_url(server), "/500"), &o, NULL);
  creche_completion c = next();
  assert_int_equal(c.kind, CRECHE_PULL);
  OK(creche_task_answer(c.task, CRECHE_OK, "body", 4, 0, NULL));
  drop(c);
  expect_status(next(), 500, "not today", 0);
}

static void early(support_peer* peer, void* user) {
  (void)user;
  if (!support_expect(peer, "\r\n\r\n")) return;
  support_send_text(peer, "HTTP/1.1 413 X\r\nContent-Length: 9\r\n\r\nnot today");
  support_await_close(peer);
}

static void before_the_body_was_sent(void** state) {
  (void)state;
  support_hostile* hasty = support_hostile_start(early, NULL);
  creche_request_options o = request_options();
  o.flags = CRECHE_REQUEST_FAIL_ON_STATUS | CRECHE_REQUEST_PULL_BODY;
  o.body_size = 4;
  start(support_hostile_url(hasty), &o, NULL);
  creche_completion c = next();
  assert_int_equal(c.kind, CRECHE_PULL);
  drop(c);
  expect_status(next(), 413, "not today", 0);
  assert_true(support_hostile_await_open(hasty, 0, PATIENCE_MS));
  support_hostile_stop(hasty);
}

static void it_stops_a_group(void** state) {
  (void)state;
  creche_group_options go;
  creche_group group;
  creche_request_options o = request_options();
  OK(creche_group_options_init(&go, sizeof go));
  go.queue = queue;
  OK(creche_group_open(loop.scope, &go, NULL, NULL, &group));
  o.flags = CRECHE_REQUEST_FAIL_ON_STATUS;
  o.task = NULL;
  OK(creche_session_fetch(web, group.scope, at(support_hostile_url(server), "/hang"), &o, NULL,
                          (void*)1, NULL));
  assert_true(support_hostile_await_requests(server, 1, PATIENCE_MS));
  OK(creche_session_fetch(web, group.scope, at(support_hostile_url(server), "/404"), &o, NULL,
                          (void*)2, NULL));
  OK(creche_group_close(group));
  int failed = 0, cancelled = 0;
  for (int i = 0; i < 3; i++) {
    creche_completion c = next();
    if (c.task.scope.id == group.scope.id) {
      assert_int_equal(c.status, CRECHE_E_GROUP);
      assert_int_equal(c.error->children_count, 1);
      assert_int_equal(c.error->children[0]->http_status, 404);
      assert_string_equal(c.error->children[0]->http_body, "not today");
    } else if (c.user == (void*)1) {
      cancelled = c.status == CRECHE_E_CANCELLED && c.error->reason == CRECHE_REASON_SIBLING;
    } else {
      failed = c.status == CRECHE_E_HTTP_STATUS;
    }
    drop(c);
  }
  assert_true(failed && cancelled);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_status_fails_a_request, serve, stop),
      cmocka_unit_test_setup_teardown(a_piece_of_the_body, serve, stop),
      cmocka_unit_test_setup_teardown(a_session_says_so, serve, stop),
      cmocka_unit_test_setup_teardown(while_a_body_is_pulled, serve, stop),
      cmocka_unit_test_setup_teardown(before_the_body_was_sent, serve, stop),
      cmocka_unit_test_setup_teardown(it_stops_a_group, serve, stop),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

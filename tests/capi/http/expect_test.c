/* Expect: 100-continue: the body waits until the server wants it, or says nothing for long. */
#include "http_test.h"

static int set_up_virtually(void** state) {
  creche_loop_options o;
  creche_session_options so;
  (void)state;
  creche_task_options_init(&to_queue, sizeof to_queue);
  creche_loop_options_init(&o, sizeof o);
  o.clock = CRECHE_CLOCK_VIRTUAL;
  creche_session_options_init(&so, sizeof so);
  so.keepalive = CRECHE_NEVER;
  so.timeouts.dns = so.timeouts.connect = so.timeouts.send = CRECHE_NEVER;
  so.timeouts.first_byte = so.timeouts.read_gap = CRECHE_NEVER;
  if (creche_loop_open(&o, &loop) || creche_queue_open(loop, NULL, &queue) ||
      creche_session_open(loop, &so, &web))
    return -1;
  to_queue.queue = queue;
  return 0;
}

static creche_request_options expecting(const char* body) {
  creche_request_options o = request_options();
  o.flags = CRECHE_REQUEST_EXPECT;
  o.expect_timeout = CRECHE_NEVER;
  o.body = body;
  o.body_size = strlen(body);
  return o;
}

/* Takes a head that asks, says what `user` is, and then takes the body and answers. */
static char head[4096];
static int64_t asked_at, body_at;
static void asked(support_peer* peer, void* user) {
  while (support_expect(peer, "\r\n\r\n")) {
    snprintf(head, sizeof head, "%s", support_received(peer));
    creche_now(loop.scope, &asked_at);
    support_count_request(peer);
    if (strstr(head, "Content-Length: 0") == NULL && strncmp(head, "GET", 3) != 0) {
      support_send_text(peer, user);
      if (!support_expect(peer, "the body")) return;
      creche_now(loop.scope, &body_at);
    }
    support_send_text(peer, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  }
}

static void the_server_wants_it(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(asked, "HTTP/1.1 100 Continue\r\n\r\n");
  creche_request_options o = expecting("the body");
  expect_body(fetch(support_hostile_url(server), &o), 200, "ok");
  assert_non_null(strstr(head, "\r\nExpect: 100-continue\r\n"));
  assert_non_null(strstr(head, "\r\nContent-Length: 8\r\n"));
  assert_int_equal(body_at - asked_at, 0);
  /* A header of the user's is the same, and not said twice. */
  const creche_header own = creche_header_text("expect", "100-Continue");
  o.flags = 0;
  o.headers = &own;
  o.headers_count = 1;
  expect_body(fetch(support_hostile_url(server), &o), 200, "ok");
  assert_non_null(strstr(head, "\r\nexpect: 100-Continue\r\n"));
  assert_null(strstr(head, "Expect:"));
  /* No body, no question. */
  o = expecting("");
  expect_body(fetch(support_hostile_url(server), &o), 200, "ok");
  assert_null(strstr(head, "Expect"));
  o.body = NULL;
  expect_body(fetch(support_hostile_url(server), &o), 200, "ok");
  assert_null(strstr(head, "Expect"));
  /* Pulled bodies are not pulled before. */
  o.flags |= CRECHE_REQUEST_PULL_BODY;
  o.body_size = 8;
  start(support_hostile_url(server), &o, NULL);
  creche_completion c = next();
  assert_int_equal(c.kind, CRECHE_PULL);
  assert_true(support_hostile_await_requests(server, 5, PATIENCE_MS));
  OK(creche_task_answer(c.task, CRECHE_OK, "the body", 8, 0, NULL));
  drop(c);
  expect_body(next(), 200, "ok");
  assert_int_equal(support_hostile_connections(server), 1);
  support_hostile_stop(server);
}

/* What says nothing, or something else than 100, is not waited for for ever. */
static void or_says_nothing(void** state) {
  (void)state;
  static const char* const others[] = {"", "HTTP/1.1 102 Processing\r\n\r\n",
                                       "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n",
                                       "HTTP/1.1 10"};
  for (int i = 0; i < 4; i++) {
    support_hostile* server = support_hostile_start(asked, (void*)others[i]);
    creche_request_options o = expecting("the body");
    o.expect_timeout = i == 0 ? CRECHE_SECOND : 3 * CRECHE_SECOND;
    if (i < 3) {
      expect_body(fetch(support_hostile_url(server), &o), 200, "ok");
    } else {
      creche_completion c = fetch(support_hostile_url(server), &o);
      assert_int_equal(c.status, CRECHE_E_PROTOCOL); /* "HTTP/1.1 10HTTP/1.1 ..." */
      drop(c);
    }
    assert_int_equal(body_at - asked_at, o.expect_timeout);
    support_hostile_stop(server);
  }
}

static void the_default_is_a_second(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(asked, "");
  creche_session_options so = session_options();
  so.keepalive = so.timeouts.first_byte = so.timeouts.send = CRECHE_NEVER;
  use_session(&so);
  creche_request_options o = expecting("the body");
  o.expect_timeout = 0;
  expect_body(fetch(support_hostile_url(server), &o), 200, "ok");
  assert_int_equal(body_at - asked_at, CRECHE_SECOND);
  support_hostile_stop(server);
}

/* Answers without wanting the body; whatever comes behind the head is noted. */
static char behind[4096];
static void refusing(support_peer* peer, void* user) {
  if (!support_expect(peer, "\r\n\r\n")) return;
  support_count_request(peer);
  if (strncmp(support_received(peer), "GET", 3) == 0) {
    support_send_text(peer, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok");
    return;
  } else {
    support_send_text(peer, user);
  }
  if (support_expect_bytes(peer, 1)) snprintf(behind, sizeof behind, "%s", support_received(peer));
}

/* D2 of aiohttp: no byte of the body is sent after a final answer, and the connection is not used
 * again: the server would take the next request for the body. */
static void a_final_answer_before_the_body(void** state) {
  (void)state;
  static const char* const answers[] = {
      "HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno",
      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno",
      ("HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 401 X\r\nTransfer-Encoding: chunked\r\n\r\n"
       "2\r\nno\r\n0\r\n\r\n"),
  };
  for (int i = 0; i < 3; i++) {
    support_hostile* server = support_hostile_start(refusing, (void*)answers[i]);
    creche_request_options o = expecting("the body");
    behind[0] = '\0';
    expect_body(fetch(support_hostile_url(server), &o), i == 0 ? 413 : i == 1 ? 200 : 401, "no");
    assert_true(support_hostile_await_open(server, 0, PATIENCE_MS));
    expect_body(fetch(support_hostile_url(server), NULL), 200, "ok");
    assert_int_equal(support_hostile_connections(server), 2);
    assert_string_equal(behind, "");
    /* The same for a stream, and for a body that is pulled: nobody is asked. */
    creche_completion c = send_request(support_hostile_url(server), &o);
    assert_int_equal(c.status, CRECHE_OK);
    assert_int_equal(c.flags & CRECHE_MORE, 0);
    creche_completion piece = read_some((creche_response){c.value}, 0);
    assert_int_equal(piece.data_size, 2);
    drop(piece);
    piece = read_some((creche_response){c.value}, 0);
    assert_int_equal(piece.kind, CRECHE_END);
    drop(piece);
    drop(c);
    o.flags |= CRECHE_REQUEST_PULL_BODY;
    o.body = NULL;
    c = fetch(support_hostile_url(server), &o);
    assert_int_equal(c.kind, CRECHE_DONE);
    assert_int_equal(c.status, CRECHE_OK);
    drop(c);
    c = send_request(support_hostile_url(server), &o);
    assert_int_equal(c.status, CRECHE_OK);
    const creche_response r = {c.value};
    const int more = (c.flags & CRECHE_MORE) != 0;
    c.flags &= ~(uint32_t)CRECHE_OWNED;
    drop(c);
    piece = read_some(r, 0);
    assert_int_equal(piece.data_size, 2);
    drop(piece);
    creche_response_release(r);
    if (more) {
      c = next();
      assert_int_equal(c.status, CRECHE_OK);
      assert_int_equal(c.kind, CRECHE_DONE);
      drop(c);
    }
    assert_true(support_hostile_await_open(server, 0, PATIENCE_MS));
    assert_string_equal(behind, "");
    support_hostile_stop(server);
  }
}

/* A server that knows no expectations: once more without. */
static int times;
static void unknowing(support_peer* peer, void* user) {
  (void)user;
  while (support_expect(peer, "\r\n\r\n")) {
    times++;
    snprintf(head, sizeof head, "%s", support_received(peer));
    if (strstr(head, "xpect:")) {
      support_send_text(peer, "HTTP/1.1 417 X\r\nContent-Length: 2\r\n\r\nno");
      continue;
    }
    if (!support_expect(peer, "the body")) return;
    support_send_text(peer, times == 2 ? "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
                                       : "HTTP/1.1 417 X\r\nContent-Length: 2\r\n\r\nno");
  }
}

static void once_more_without(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(unknowing, NULL);
  const creche_header own = creche_header_text("Expect", "100-continue");
  for (int i = 0; i < 3; i++) {
    creche_request_options o = expecting("the body");
    creche_session_options so = session_options();
    so.headers = &own;
    so.headers_count = i == 2;
    o.headers = &own;
    o.headers_count = i == 1;
    use_session(&so);
    times = 0;
    expect_body(fetch(support_hostile_url(server), &o), 200, "ok");
    assert_int_equal(times, 2);
    assert_null(strstr(head, "xpect"));
  }
  creche_request_options o = expecting("the body");
  times = 5; /* a 417 without a question is an answer */
  expect_body(fetch(support_hostile_url(server), &o), 417, "no");
  assert_int_equal(times, 7);
  support_hostile_stop(server);
}

/* Of a body that was to be pulled nothing is gone before the server wants it: such a request goes
 * on behind a 401 and a redirect. */
static void elsewhere(support_peer* peer, void* user) {
  (void)user;
  if (!support_expect(peer, "\r\n\r\n")) return;
  support_count_request(peer);
  if (support_peer_index(peer) == 0) {
    support_send_text(peer,
                      "HTTP/1.1 401 X\r\nWWW-Authenticate: Digest realm=\"r\", nonce=\"n\"\r\n"
                      "Content-Length: 0\r\n\r\n");
  } else if (support_peer_index(peer) == 1) {
    support_send_text(peer, "HTTP/1.1 307 X\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n");
  } else {
    support_send_text(peer, "HTTP/1.1 100 Continue\r\n\r\n");
    if (!support_expect(peer, "the body")) return;
    support_send_text(peer, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  }
  support_await_close(peer);
}

static void what_was_not_pulled_is_not_gone(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(elsewhere, NULL);
  creche_auth auth = {.size = sizeof auth, .schemes = CRECHE_AUTH_DIGEST, .user = "u"};
  creche_request_options o = expecting("");
  o.flags |= CRECHE_REQUEST_PULL_BODY;
  o.body = NULL;
  o.body_size = 8;
  o.auth = &auth;
  start(support_hostile_url(server), &o, NULL);
  creche_completion c = next();
  if (c.kind != CRECHE_PULL) fail_msg("%u %s", c.code, creche_error_message(c.error));
  assert_int_equal(c.code, 0);
  assert_int_equal(support_hostile_requests(server), 3);
  OK(creche_task_answer(c.task, CRECHE_OK, "the body", 8, 0, NULL));
  drop(c);
  expect_body(next(), 200, "ok");
  support_hostile_stop(server);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(the_server_wants_it, set_up_virtually, tear_down),
      cmocka_unit_test_setup_teardown(or_says_nothing, set_up_virtually, tear_down),
      cmocka_unit_test_setup_teardown(the_default_is_a_second, set_up_virtually, tear_down),
      cmocka_unit_test_setup_teardown(a_final_answer_before_the_body, set_up, tear_down),
      cmocka_unit_test_setup_teardown(once_more_without, set_up, tear_down),
      cmocka_unit_test_setup_teardown(what_was_not_pulled_is_not_gone, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

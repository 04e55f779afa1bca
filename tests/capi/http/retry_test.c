/* Retry policies: what is made again, how often, and when, on the virtual clock. */
#include "http_test.h"

#define OK_200 "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
#define SAYS_503 "HTTP/1.1 503 X\r\nContent-Length: 4\r\n\r\nbusy"
#define HANG "hang"
#define CUT "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nnot all of it"

/* The answers to one request after the other, and when each had come; "" closes the connection. */
static struct {
  const char* const* answers;
  int requests;
  int64_t times[16];
  char last[4096];
} script;

static void scripted(support_peer* peer, void* user) {
  (void)user;
  while (support_expect_request(peer)) {
    const int n = script.requests++;
    const char* answer = script.answers[n];
    snprintf(script.last, sizeof script.last, "%s", support_received(peer));
    assert_true(n < 16);
    OK(creche_now(loop.scope, &script.times[n]));
    if (strcmp(answer, HANG) == 0) {
      support_await_close(peer);
      return;
    }
    support_send_text(peer, answer);
    if (*answer == '\0' || strcmp(answer, CUT) == 0 || strstr(answer, "Connection: close")) return;
  }
}

static support_hostile* server;
static creche_retry policy;

/* A session on a virtual clock, on which there is nothing to wait for but what is tried again. */
static creche_session_options patient(void) {
  creche_session_options so = session_options();
  so.timeouts.dns = so.timeouts.connect = so.timeouts.send = CRECHE_NEVER;
  so.timeouts.first_byte = so.timeouts.read_gap = CRECHE_NEVER;
  so.keepalive = CRECHE_NEVER;
  so.retry = &policy;
  return so;
}

static int serve(void** state) {
  creche_loop_options o;
  (void)state;
  server = support_hostile_start(scripted, NULL);
  script.requests = 0;
  creche_task_options_init(&to_queue, sizeof to_queue);
  creche_loop_options_init(&o, sizeof o);
  o.clock = CRECHE_CLOCK_VIRTUAL;
  creche_retry_init(&policy, sizeof policy);
  policy.flags = CRECHE_RETRY_NO_JITTER;
  const creche_session_options so = patient();
  if (creche_loop_open(&o, &loop) || creche_queue_open(loop, NULL, &queue) ||
      creche_session_open(loop, &so, &web))
    return -1;
  to_queue.queue = queue;
  return 0;
}
static int stop(void** state) {
  const int failed = tear_down(state);
  support_hostile_stop(server);
  return failed;
}

/* Fetches with these answers: the completion. */
static creche_completion given(const char* const* answers, const creche_request_options* o) {
  script.answers = answers;
  script.requests = 0;
  return fetch(support_hostile_url(server), o);
}
static int64_t waited(int n) {
  return script.times[n] - script.times[n - 1];
}
static creche_response_info info_of(creche_completion c) {
  creche_response_info info;
  OK(creche_response_get_info((creche_response){c.value}, &info, sizeof info));
  return info;
}

static void what_the_defaults_are(void** state) {
  (void)state;
  creche_retry r;
  OK(creche_retry_init(&r, sizeof r));
  assert_int_equal(r.flags, 0);
  assert_int_equal(r.attempts, 3);
  assert_int_equal(r.budget, 20);
  assert_int_equal(r.delay, 100 * CRECHE_MILLISECOND);
  assert_int_equal(r.max_delay, 10 * CRECHE_SECOND);
  assert_int_equal(r.max_retry_after, 60 * CRECHE_SECOND);
  assert_null(r.statuses);
}

static void until_it_is_well(void** state) {
  (void)state;
  static const char* const answers[] = {SAYS_503, "HTTP/1.1 429 X\r\nContent-Length: 0\r\n\r\n",
                                        OK_200};
  creche_completion c = given(answers, NULL);
  assert_int_equal(info_of(c).attempts, 3);
  expect_body(c, 200, "ok");
  assert_int_equal(script.requests, 3);
  assert_int_equal(waited(1), 100 * CRECHE_MILLISECOND);
  assert_int_equal(waited(2), 200 * CRECHE_MILLISECOND);
  assert_int_equal(session_counters(web).attempts, 2);
  assert_int_equal(session_counters(web).retries, 0);
  assert_int_equal(session_counters(web).requests, 1);
  assert_int_equal(support_hostile_connections(server), 1); /* the bodies were read over */
  c = given(answers + 2, NULL);
  assert_int_equal(info_of(c).attempts, 1);
  drop(c);
}

static void or_not_any_more(void** state) {
  (void)state;
  static const char* const answers[] = {SAYS_503, SAYS_503, SAYS_503};
  creche_completion c = given(answers, NULL);
  assert_int_equal(info_of(c).attempts, 3);
  expect_body(c, 503, "busy");
  creche_request_options o = request_options();
  o.flags = CRECHE_REQUEST_FAIL_ON_STATUS;
  c = given(answers, &o);
  assert_int_equal(c.error->http_status, 503);
  assert_int_equal(c.error->http_attempts, 3);
  assert_string_equal(c.error->http_body, "busy");
  assert_non_null(strstr(c.error->message, "attempt 3 of 3"));
  expect_failure(c, CRECHE_E_HTTP_STATUS, CRECHE_PHASE_HEADERS, CRECHE_ERROR_RETRYABLE);
}

static void doubled_up_to_a_limit(void** state) {
  (void)state;
  static const char* const answers[] = {SAYS_503, SAYS_503, SAYS_503, SAYS_503, SAYS_503, OK_200};
  policy.attempts = 6;
  policy.max_delay = 500 * CRECHE_MILLISECOND;
  policy.flags |= CRECHE_RETRY_NO_BUDGET;
  creche_request_options o = request_options();
  o.retry = &policy;
  expect_body(given(answers, &o), 200, "ok");
  static const int expected[] = {0, 100, 200, 400, 500, 500};
  for (int i = 1; i < 6; i++) assert_int_equal(waited(i), expected[i] * CRECHE_MILLISECOND);
  /* With jitter: up to that. */
  policy.flags = CRECHE_RETRY_NO_BUDGET;
  int64_t sum = 0;
  for (int round = 0; round < 4; round++) {
    expect_body(given(answers, &o), 200, "ok");
    for (int i = 1; i < 6; i++) {
      assert_true(waited(i) >= 0 && waited(i) <= expected[i] * CRECHE_MILLISECOND);
      sum += waited(i);
    }
  }
  assert_true(sum > 0 && sum < 4 * 1700 * CRECHE_MILLISECOND);
}

static int64_t wait_after(const char* fields, creche_request_options* o) {
  char first[512];
  snprintf(first, sizeof first, "HTTP/1.1 503 X\r\n%s\r\nContent-Length: 0\r\n\r\n", fields);
  const char* const answers[] = {first, OK_200};
  expect_body(given(answers, o), 200, "ok");
  assert_int_equal(script.requests, 2);
  return waited(1);
}

static void as_the_server_asks(void** state) {
  (void)state;
  creche_request_options o = request_options();
  policy.flags |= CRECHE_RETRY_NO_BUDGET;
  o.retry = &policy;
  static const struct {
    const char* fields;
    int seconds; /* -1: not understood */
  } cases[] = {
      {"Retry-After: 7", 7},
      {"retry-after:  007 ", 7},
      {"Retry-After: 0", 0},
      {"Retry-After: 3600", 60}, /* max_retry_after */
      {"Retry-After: 99999999999999999999999999", 60},
      {"Retry-After: +5", -1},
      {"Retry-After: -5", -1},
      {"Retry-After: 1.5", -1},
      {"Retry-After: 5s", -1},
      {"Retry-After: 0x5", -1},
      {"Retry-After: 5, 6", -1},
      {"Retry-After: \xd9\xa5", -1}, /* an Arabic five */
      {"Retry-After: ", -1},
      {"Retry-After: soon", -1},
      {"Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nRetry-After: Sun, 06 Nov 1994 08:49:45 GMT", 8},
      {"Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nRetry-After: Sunday, 06-Nov-94 08:49:45 GMT", 8},
      {"Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nRetry-After: Sun Nov  6 08:49:45 1994", 8},
      {"Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nRetry-After: Sun, 06 Nov 1994 08:49:07 GMT", 0},
      {"Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nRetry-After: Mon, 06 Nov 2094 08:49:07 GMT", 60},
      {"Retry-After: Sun, 06 Nov 1994 08:49:37 GMT", 0}, /* the past */
      {"Retry-After: Fri, 31 Dec 9999 23:59:59 GMT", 60},
      {"Retry-After: Sun, 06 Nov 1994 08:49:37", -1},
      {"Retry-After: Sun, 32 Nov 1994 08:49:37 GMT", -1},
      {"Retry-After: Sun, 06 Nov 1994 25:49:37 GMT", -1},
      {"Retry-After: Sun, 06 Now 1994 08:49:37 GMT", -1},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    const int64_t wait = wait_after(cases[i].fields, &o);
    const int64_t expected =
        cases[i].seconds < 0 ? 100 * CRECHE_MILLISECOND : cases[i].seconds * CRECHE_SECOND;
    if (wait != expected) fail_msg("%s: %lld", cases[i].fields, (long long)wait);
  }
  policy.max_retry_after = 0;
  assert_int_equal(wait_after("Retry-After: 7", &o), 100 * CRECHE_MILLISECOND);
}

/* Who has no time for another attempt gets what there is, at once. */
static void never_past_a_deadline(void** state) {
  (void)state;
  static const char* const answers[] = {
      "HTTP/1.1 503 X\r\nRetry-After: 30\r\nContent-Length: 4\r\n\r\nbusy", OK_200};
  creche_request_options o = request_options();
  creche_task_options t = to_queue;
  o.task = &t;
  for (int i = 0; i < 4; i++) {
    creche_scope scope;
    creche_scope_options so;
    OK(creche_scope_options_init(&so, sizeof so));
    if (i == 2) so.timeout = 30 * CRECHE_SECOND;
    OK(creche_clock_hold(loop)); /* nothing is in flight yet */
    OK(creche_scope_open(loop.scope, &so, &scope));
    t.timeout = i == 0 ? 10 * CRECHE_SECOND : i == 3 ? 31 * CRECHE_SECOND : CRECHE_NEVER;
    script.answers = answers;
    script.requests = 0;
    OK(creche_session_fetch(web, scope, support_hostile_url(server), &o, NULL, NULL, NULL));
    OK(creche_clock_release(loop));
    creche_completion c = next();
    const creche_response_info info = info_of(c);
    if (i == 0 || i == 2) {
      assert_int_equal(info.ended - info.started, 0);
      expect_body(c, 503, "busy");
    } else {
      assert_int_equal(info.ended - info.started, 30 * CRECHE_SECOND);
      expect_body(c, 200, "ok");
    }
    OK(creche_scope_leave(scope, NULL));
  }
}

static void what_may_happen_twice(void** state) {
  (void)state;
  static const char* const answers[] = {SAYS_503, OK_200};
  const creche_header key = creche_header_text("idempotency-key", "1");
  static const struct {
    const char* method;
    int key, any, again;
  } cases[] = {{"GET", 0, 0, 1},     {"HEAD", 0, 0, 1},  {"PUT", 0, 0, 1},   {"DELETE", 0, 0, 1},
               {"OPTIONS", 0, 0, 1}, {"TRACE", 0, 0, 1}, {"POST", 0, 0, 0},  {"PATCH", 0, 0, 0},
               {"get", 0, 0, 0},     {"POST", 1, 0, 1},  {"PATCH", 1, 0, 1}, {"POST", 0, 1, 1}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    creche_request_options o = request_options();
    o.method = cases[i].method;
    o.headers = &key;
    o.headers_count = (size_t)cases[i].key;
    policy.flags = CRECHE_RETRY_NO_JITTER | CRECHE_RETRY_NO_BUDGET |
                   (cases[i].any ? CRECHE_RETRY_ANY_METHOD : 0);
    o.retry = &policy;
    if (strcmp(cases[i].method, "HEAD") == 0) continue; /* its answers have no body */
    creche_completion c = given(answers, &o);
    assert_int_equal(c.code, cases[i].again ? 200 : 503);
    assert_int_equal(script.requests, cases[i].again ? 2 : 1);
    drop(c);
  }
}

static void bodies_are_sent_again(void** state) {
  (void)state;
  static const char* const answers[] = {SAYS_503, "", OK_200};
  creche_request_options o = request_options();
  o.method = "PUT";
  o.body = "body";
  o.body_size = 4;
  expect_body(given(answers, &o), 200, "ok");
  assert_non_null(strstr(script.last, "Content-Length: 4\r\n"));
  /* But for those that were pulled. */
  o.body = NULL;
  o.flags = CRECHE_REQUEST_PULL_BODY;
  script.answers = answers;
  script.requests = 0;
  start(support_hostile_url(server), &o, NULL);
  creche_completion c = next();
  assert_int_equal(c.kind, CRECHE_PULL);
  OK(creche_task_answer(c.task, CRECHE_OK, "body", 4, 0, NULL));
  drop(c);
  expect_body(next(), 503, "busy");
  assert_int_equal(script.requests, 1);
}

static void failures_that_pass(void** state) {
  (void)state;
  static const char* const closed[] = {"", "", OK_200};
  static const char* const cut[] = {CUT, CUT, OK_200};
  static const char* const always[] = {"", "", "", ""}; /* one for a kept connection */
  static const char* const broken[] = {"HTTP/1.1 abc\r\n\r\n", OK_200};
  expect_body(given(closed, NULL), 200, "ok");
  assert_int_equal(waited(2), 200 * CRECHE_MILLISECOND);
  expect_body(given(cut, NULL), 200, "ok"); /* and nothing else */
  creche_completion c = given(always, NULL);
  assert_int_equal(c.error->http_attempts, 3);
  expect_failure(c, CRECHE_E_DISCONNECTED, CRECHE_PHASE_HEADERS, CRECHE_ERROR_RETRYABLE);
  creche_request_options o = request_options();
  o.method = "POST";
  expect_failure(given(closed, &o), CRECHE_E_DISCONNECTED, CRECHE_PHASE_HEADERS, 0);
  assert_int_equal(script.requests, 1);
  c = given(broken, NULL);
  assert_int_equal(c.status, CRECHE_E_PROTOCOL);
  assert_int_equal(c.error->http_attempts, 1);
  drop(c);
  /* Nothing had been sent: any method. */
  c = fetch("http://127.0.0.1:1/", &o);
  assert_int_equal(c.error->http_attempts, 3);
  expect_failure(c, CRECHE_E_CONNECT, CRECHE_PHASE_CONNECT,
                 CRECHE_ERROR_RETRYABLE | CRECHE_ERROR_UNSENT);
}

static void phases_that_time_out(void** state) {
  (void)state;
  static const char* const answers[] = {HANG, HANG, OK_200};
  creche_request_options o = request_options();
  o.timeouts.first_byte = 5 * CRECHE_SECOND;
  expect_body(given(answers, &o), 200, "ok");
  assert_int_equal(waited(1), 5100 * CRECHE_MILLISECOND);
}

static void streams_up_to_their_heads(void** state) {
  (void)state;
  static const char* const answers[] = {SAYS_503, "", OK_200};
  static const char* const cut[] = {CUT, OK_200};
  script.answers = answers;
  creche_completion c = send_request(support_hostile_url(server), NULL);
  assert_int_equal(c.code, 200);
  assert_int_equal(info_of(c).attempts, 2); /* the kept connection was dead: that is none */
  assert_int_equal(script.requests, 3);
  drop(c);
  script.answers = cut;
  script.requests = 0;
  c = send_request(support_hostile_url(server), NULL);
  assert_int_equal(c.code, 200);
  creche_completion piece = read_some((creche_response){c.value}, 0);
  assert_int_equal(piece.kind, CRECHE_CHUNK);
  drop(piece);
  piece = read_some((creche_response){c.value}, 0);
  assert_int_equal(piece.status, CRECHE_E_TRUNCATED);
  drop(piece);
  drop(c);
  assert_int_equal(script.requests, 1);
}

static void switched_off(void** state) {
  (void)state;
  static const char* const answers[] = {SAYS_503, OK_200};
  creche_request_options o = request_options();
  o.flags = CRECHE_REQUEST_NO_RETRY;
  expect_body(given(answers, &o), 503, "busy");
  o.flags = 0;
  policy.attempts = 1;
  o.retry = &policy;
  expect_body(given(answers, &o), 503, "busy");
  const uint16_t only = 500;
  policy.attempts = 3;
  policy.statuses = &only;
  policy.statuses_count = 1;
  expect_body(given(answers, &o), 503, "busy");
  policy.statuses_count = 0; /* none */
  expect_body(given(answers, &o), 503, "busy");
  creche_session_options so = patient();
  policy.statuses = NULL;
  so.flags = CRECHE_SESSION_NO_RETRY;
  use_session(&so);
  expect_body(given(answers, NULL), 503, "busy");
  /* A request's own, where the session has none. */
  so = patient();
  so.retry = NULL;
  use_session(&so);
  expect_body(given(answers, NULL), 503, "busy");
  expect_body(given(answers, &o), 200, "ok");
}

/* A server that is down for all gets few requests twice: 10, and one for five. */
static void no_storm(void** state) {
  (void)state;
  static const char* const answers[] = {SAYS_503, SAYS_503};
  policy.attempts = 2;
  policy.delay = 0;
  const creche_session_options so = patient();
  use_session(&so);
  int requests = 0;
  for (int i = 0; i < 60; i++) {
    expect_body(given(answers, NULL), 503, "busy");
    requests += script.requests;
  }
  assert_int_equal(session_counters(web).attempts, 22);
  assert_int_equal(session_counters(web).retries_denied, 38);
  assert_int_equal(requests, 82);
  /* With time there are some more; and others ask for none. */
  OK(creche_clock_advance(loop, 3 * CRECHE_SECOND));
  for (int i = 0; i < 4; i++) expect_body(given(answers, NULL), 503, "busy");
  assert_int_equal(session_counters(web).attempts, 25);
  creche_request_options o = request_options();
  policy.flags |= CRECHE_RETRY_NO_BUDGET;
  o.retry = &policy;
  for (int i = 0; i < 4; i++) expect_body(given(answers, &o), 503, "busy");
  assert_int_equal(session_counters(web).attempts, 29);
}

/* What waits for its next attempt ends as all else does. */
static void ends_while_waiting(void** state) {
  (void)state;
  static const char* const answers[] = {
      "HTTP/1.1 503 X\r\nRetry-After: 30\r\nContent-Length: 0\r\n\r\n", OK_200};
  script.answers = answers;
  OK(creche_clock_hold(loop));
  for (int i = 0; i < 2; i++) {
    script.requests = 0;
    const creche_task task = start(support_hostile_url(server), NULL, NULL);
    while (session_counters(web).attempts != (uint64_t)i + 1) {
      OK(creche_yield(loop.scope, &to_queue, NULL, NULL, NULL));
      drop(next());
    }
    assert_int_equal(session_counters(web).active, 0); /* no connection is held */
    if (i == 0)
      OK(creche_scope_cancel(task.scope, "enough"));
    else
      creche_session_release(web);
    creche_completion c = next();
    assert_int_equal(c.status, i == 0 ? CRECHE_E_CANCELLED : CRECHE_E_CLOSED);
    drop(c);
    assert_int_equal(script.requests, 1);
  }
  OK(creche_clock_release(loop));
}

/* A server gives a kept connection up with a 408: it has not taken the request. */
static void kept_connections_that_say_408(void** state) {
  (void)state;
  static const char* const says_408 =
      "HTTP/1.1 408 X\r\nConnection: close\r\nContent-Length: 4\r\n\r\nlate";
  const char* const kept[] = {OK_200, says_408, OK_200};
  const char* const twice[] = {OK_200, says_408, says_408};
  const char* const fresh[] = {says_408};
  creche_session_options so = patient();
  so.retry = NULL;
  for (int i = 0; i < 4; i++) {
    creche_request_options o = request_options();
    use_session(&so);
    o.method = i == 1 ? "POST" : "GET";
    script.answers = i == 3 ? fresh : i == 2 ? twice : kept;
    script.requests = 0;
    if (i < 3) expect_body(fetch(support_hostile_url(server), NULL), 200, "ok");
    creche_completion c = fetch(support_hostile_url(server), &o);
    if (i < 2)
      expect_body(c, 200, "ok");
    else
      expect_body(c, 408, "late");
    assert_int_equal(session_counters(web).retries, i < 3);
    assert_int_equal(session_counters(web).attempts, 0);
  }
  creche_request_options o = request_options();
  o.flags = CRECHE_REQUEST_NO_RETRY;
  use_session(&so);
  script.answers = kept;
  script.requests = 0;
  expect_body(fetch(support_hostile_url(server), NULL), 200, "ok");
  expect_body(fetch(support_hostile_url(server), &o), 408, "late");
}

/* Redirects are no attempts, and what is behind them is tried again. */
static void behind_redirects(void** state) {
  (void)state;
  static const char* const answers[] = {
      SAYS_503, "HTTP/1.1 302 X\r\nLocation: /end\r\nContent-Length: 0\r\n\r\n", SAYS_503, OK_200};
  creche_completion c = given(answers, NULL);
  assert_int_equal(info_of(c).attempts, 3);
  assert_int_equal(info_of(c).redirects, 1);
  expect_body(c, 200, "ok");
  assert_memory_equal(script.last, "GET /end ", 9);
}

static void bad_policies(void** state) {
  (void)state;
  const uint16_t bad[] = {503, 200};
  for (int i = 0; i < 6; i++) {
    creche_retry r;
    OK(creche_retry_init(&r, sizeof r));
    if (i == 0) r.attempts = 0;
    if (i == 1) r.delay = -1;
    if (i == 2) r.max_delay = -1;
    if (i == 3) r.max_retry_after = -1;
    if (i == 4) r.statuses_count = 1;
    if (i == 5) r.statuses = bad, r.statuses_count = 2;
    creche_session_options so = session_options();
    creche_request_options o = request_options();
    creche_session session;
    so.retry = o.retry = &r;
    assert_int_equal(creche_session_open(loop, &so, &session), CRECHE_E_INVALID);
    last_error_says("creche_retry");
    assert_int_equal(
        creche_session_fetch(web, loop.scope, "http://h/", &o, creche_nobody, NULL, NULL),
        CRECHE_E_INVALID);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_the_defaults_are),
      cmocka_unit_test_setup_teardown(until_it_is_well, serve, stop),
      cmocka_unit_test_setup_teardown(or_not_any_more, serve, stop),
      cmocka_unit_test_setup_teardown(doubled_up_to_a_limit, serve, stop),
      cmocka_unit_test_setup_teardown(as_the_server_asks, serve, stop),
      cmocka_unit_test_setup_teardown(never_past_a_deadline, serve, stop),
      cmocka_unit_test_setup_teardown(what_may_happen_twice, serve, stop),
      cmocka_unit_test_setup_teardown(bodies_are_sent_again, serve, stop),
      cmocka_unit_test_setup_teardown(failures_that_pass, serve, stop),
      cmocka_unit_test_setup_teardown(phases_that_time_out, serve, stop),
      cmocka_unit_test_setup_teardown(streams_up_to_their_heads, serve, stop),
      cmocka_unit_test_setup_teardown(switched_off, serve, stop),
      cmocka_unit_test_setup_teardown(no_storm, serve, stop),
      cmocka_unit_test_setup_teardown(ends_while_waiting, serve, stop),
      cmocka_unit_test_setup_teardown(kept_connections_that_say_408, serve, stop),
      cmocka_unit_test_setup_teardown(behind_redirects, serve, stop),
      cmocka_unit_test_setup_teardown(bad_policies, serve, stop),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

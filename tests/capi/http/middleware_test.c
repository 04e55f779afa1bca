/* What stands between a session and its requests. */
#include <stdatomic.h>

#include "reading.h"

/* ---- Servers ---- */

/* Says on which path, and with which X, it was asked; /busy is 503, /moved a redirect, /cut breaks
 * off. */
static void serves(support_peer* peer, void* user) {
  (void)user;
  while (support_expect_request(peer)) {
    const char* head = support_received(peer);
    char path[64] = "", x[64] = "-";
    sscanf(head, "%*s %63s", path);
    const char* at = strstr(head, "\r\nX: ");
    if (at != NULL) sscanf(at + 5, "%63s", x);
    if (strcmp(path, "/busy") == 0 && strcmp(x, "again") != 0) {
      support_send_text(peer, "HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy");
    } else if (strcmp(path, "/moved") == 0) {
      support_send_text(peer,
                        "HTTP/1.1 302 Moved\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n");
    } else if (strcmp(path, "/cut") == 0 && strcmp(x, "again") != 0) {
      return;
    } else {
      char body[160];
      snprintf(body, sizeof body, "%s %s", path, x);
      support_sendf(peer, OK_HEAD "Content-Length: %zu\r\n\r\n%s", strlen(body), body);
    }
  }
}

/* ---- The middleware ---- */

/* Decides at once by a table, or leaves it to the test's thread: then `waiting` is the turn. */
static struct {
  const creche_decision* on[3]; /* by what is asked; NULL: GO */
  int later[3];
  uint32_t only; /* not 0: answers with another status are let go */
} plan;
static atomic_int turns[3];
static atomic_ullong waiting;
static char last_url[256], last_x[64], last_message[256];
static uint32_t last_status, last_attempt;

static void ask(void* user, const creche_turn* t) {
  (void)user;
  assert_true(t->size >= sizeof *t);
  assert_true(t->session.id == web.id);
  assert_true(t->task.scope.id != 0);
  snprintf(last_url, sizeof last_url, "%s", t->url);
  last_x[0] = '\0';
  for (size_t i = 0; i < t->headers_count; i++)
    if (strcmp(t->headers[i].name, "X") == 0)
      snprintf(last_x, sizeof last_x, "%s", t->headers[i].value);
  last_status = t->http_status;
  last_attempt = t->attempt;
  if (t->error != NULL) snprintf(last_message, sizeof last_message, "%s", t->error->message);
  atomic_fetch_add(&turns[t->what], 1);
  if (plan.later[t->what])
    atomic_store(&waiting, t->id);
  else
    SAY(creche_session_decide(
        t->session, t->id,
        plan.only != 0 && t->http_status != plan.only ? NULL : plan.on[t->what]));
}

static support_hostile* server;
static void with_middleware(uint32_t which) {
  creche_middleware m;
  creche_session_options so = session_options();
  OK(creche_middleware_init(&m, sizeof m));
  m.ask = ask;
  if (which != 0) m.turns = which;
  so.middleware = &m;
  use_session(&so);
  memset(&plan, 0, sizeof plan);
  for (int i = 0; i < 3; i++) atomic_store(&turns[i], 0);
  atomic_store(&waiting, 0);
}
static int serve(void** state) {
  server = support_hostile_start(serves, NULL);
  return set_up(state);
}
static int stop(void** state) {
  const int failed = tear_down(state);
  support_hostile_stop(server);
  return failed;
}
static const char* path(const char* of) {
  return at(support_hostile_url(server), of);
}
static void expect_turns(int requests, int responses, int failures) {
  assert_int_equal(atomic_load(&turns[CRECHE_TURN_REQUEST]), requests);
  assert_int_equal(atomic_load(&turns[CRECHE_TURN_RESPONSE]), responses);
  assert_int_equal(atomic_load(&turns[CRECHE_TURN_FAILURE]), failures);
}
static uint64_t await_turn(void) {
  AWAIT(atomic_load(&waiting) != 0);
  return atomic_exchange(&waiting, 0);
}
static creche_decision decision(uint32_t action) {
  return (creche_decision){.size = sizeof(creche_decision), .action = action};
}

/* ---- Tests ---- */

static void it_sees_each_hop(void** state) {
  (void)state;
  with_middleware(0);
  expect_body(fetch(path("/moved?q=1"), NULL), 200, "/moved?q=1 -");
  expect_turns(1, 1, 0);
  assert_non_null(strstr(last_url, "/moved?q=1"));
  expect_body(fetch(path("/moved"), NULL), 200, "/there -");
  expect_turns(3, 3, 0);
  assert_non_null(strstr(last_url, "/there"));
  assert_int_equal(last_status, 200);
  assert_int_equal(last_attempt, 2);
  with_middleware(CRECHE_TURN_BIT(CRECHE_TURN_FAILURE));
  creche_completion c = fetch(path("/cut"), NULL);
  assert_int_equal(c.status, CRECHE_E_DISCONNECTED);
  drop(c);
  expect_turns(0, 0, 1);
  assert_non_null(strstr(last_message, "without an answer"));
}

/* Fields are set, in place of the request's own, and taken out. */
static void it_changes_fields(void** state) {
  (void)state;
  const creche_header own[] = {creche_header_text("X", "own"), creche_header_text("x", "twice")};
  const creche_header set = creche_header_text("X", "set");
  const creche_header none = creche_header_text("x", NULL);
  const creche_header bad = creche_header_text("Content-Length", "7");
  creche_decision d = decision(CRECHE_TURN_GO);
  creche_request_options o = request_options();
  o.headers = own;
  o.headers_count = 2;
  d.headers_count = 1;
  for (int later = 0; later < 2; later++) {
    with_middleware(0);
    plan.on[CRECHE_TURN_REQUEST] = &d;
    plan.later[CRECHE_TURN_REQUEST] = later;
    const creche_header* const cases[] = {&set, &none, &bad};
    for (int i = 0; i < 3; i++) {
      d.headers = cases[i];
      start(path("/x"), &o, NULL);
      if (later) {
        const uint64_t turn = await_turn();
        OK(creche_session_decide(web, turn, &d));
        IS(creche_session_decide(web, turn, &d), CRECHE_E_STATE);
      }
      creche_completion c = next();
      if (i == 2)
        expect_failure(c, CRECHE_E_INVALID, CRECHE_PHASE_OPTIONS, CRECHE_ERROR_UNSENT);
      else
        expect_body(c, 200, i == 0 ? "/x set" : "/x -");
    }
  }
}

/* A retry, with another field, after an answer and after a failure, at once and later. */
static void it_has_them_made_again(void** state) {
  (void)state;
  const creche_header again = creche_header_text("X", "again");
  creche_decision d = decision(CRECHE_TURN_AGAIN);
  d.headers = &again;
  d.headers_count = 1;
  d.delay = CRECHE_MILLISECOND;
  for (int i = 0; i < 8; i++) {
    const int later = i & 1, stream = i & 2, failure = i & 4;
    const uint32_t what = failure ? CRECHE_TURN_FAILURE : CRECHE_TURN_RESPONSE;
    const char* const url = path(failure ? "/cut" : "/busy");
    const char* const answer = failure ? "/cut again" : "/busy again";
    with_middleware(CRECHE_TURN_BIT(what));
    plan.on[what] = &d;
    plan.later[what] = later;
    plan.only = failure ? 0 : 503;
    creche_request_options o = request_options();
    OK((stream ? creche_session_send : creche_session_fetch)(web, loop.scope, url, &o, NULL, NULL,
                                                             NULL));
    if (later) OK(creche_session_decide(web, await_turn(), &d));
    if (later && !failure)
      OK(creche_session_decide(web, await_turn(), NULL)); /* the second answer */
    if (!stream) {
      expect_body(next(), 200, answer);
      continue;
    }
    const creche_response r = expect_head(next(), 200);
    expect_chunk(read_some(r, 0), answer);
    creche_response_release(r);
  }
  /* Not for ever. */
  with_middleware(CRECHE_TURN_BIT(CRECHE_TURN_RESPONSE));
  plan.on[CRECHE_TURN_RESPONSE] = &d;
  expect_body(fetch(path("/a"), NULL), 200, "/a again");
  expect_turns(0, 11, 0);
}

/* It answers itself: before anything is sent, in place of an answer, in place of a failure. */
static void it_answers_itself(void** state) {
  (void)state;
  const creche_header kind = creche_header_text("X-Kind", "own");
  creche_decision d = decision(CRECHE_TURN_ANSWER);
  d.headers = &kind;
  d.headers_count = 1;
  d.http_status = 418;
  d.body = "tea";
  d.body_size = 3;
  for (int later = 0; later < 2; later++)
    for (int what = CRECHE_TURN_REQUEST; what <= CRECHE_TURN_FAILURE; what++)
      for (int stream = 0; stream < 2; stream++) {
        with_middleware(CRECHE_TURN_BIT(what));
        plan.on[what] = &d;
        plan.later[what] = later;
        creche_request_options o = request_options();
        o.flags = CRECHE_REQUEST_FAIL_ON_STATUS; /* it is the answer as it is */
        const char* const url = path(what == CRECHE_TURN_FAILURE ? "/cut" : "/a");
        const int before = support_hostile_requests(server);
        OK((stream ? creche_session_send : creche_session_fetch)(web, loop.scope, url, &o, NULL,
                                                                 NULL, NULL));
        if (later) OK(creche_session_decide(web, await_turn(), &d));
        creche_completion c = next();
        if (c.status != CRECHE_OK) fail_msg("%s", creche_error_message(c.error));
        const creche_response r = expect_head(c, 418);
        assert_string_equal(creche_response_header(r, "x-kind", NULL), "own");
        creche_response_info info = {0};
        OK(creche_response_get_info(r, &info, sizeof info));
        if (stream) {
          expect_chunk(read_some(r, 0), "tea");
          expect_end(read_some(r, 0));
        }
        creche_response_release(r);
        if (what == CRECHE_TURN_REQUEST) assert_int_equal(support_hostile_requests(server), before);
      }
}

static void it_refuses(void** state) {
  (void)state;
  creche_decision d = decision(CRECHE_TURN_FAIL);
  d.status = -1234;
  for (int later = 0; later < 2; later++)
    for (int what = CRECHE_TURN_REQUEST; what <= CRECHE_TURN_FAILURE; what++) {
      with_middleware(CRECHE_TURN_BIT(what));
      plan.on[what] = &d;
      plan.later[what] = later;
      start(path(what == CRECHE_TURN_FAILURE ? "/cut" : "/a"), NULL, NULL);
      if (later) OK(creche_session_decide(web, await_turn(), &d));
      creche_completion c = next();
      assert_int_equal(c.status, -1234);
      drop(c);
    }
}

/* While an answer waits for its verdict nothing of it is lost, and the server is held back. */
static void answers_wait(void** state) {
  (void)state;
  with_middleware(CRECHE_TURN_BIT(CRECHE_TURN_RESPONSE));
  plan.later[CRECHE_TURN_RESPONSE] = 1;
  const char* const urls[] = {"/moved", "/a"};
  for (int i = 0; i < 2; i++) {
    start(path(urls[i]), NULL, NULL);
    for (int hop = i; hop < 2; hop++) OK(creche_session_decide(web, await_turn(), NULL));
    expect_body(next(), 200, i == 0 ? "/there -" : "/a -");
  }
  creche_request_options o = request_options();
  o.flags = CRECHE_REQUEST_FAIL_ON_STATUS;
  start(path("/busy"), &o, NULL);
  OK(creche_session_decide(web, await_turn(), NULL));
  creche_completion c = next();
  assert_int_equal(c.status, CRECHE_E_HTTP_STATUS);
  assert_int_equal(c.error->http_body_size, 4);
  drop(c);
}

/* Who waits keeps his deadline, may be cancelled, and ends with the session. */
static void waiting_ends(void** state) {
  (void)state;
  for (int what = CRECHE_TURN_REQUEST; what <= CRECHE_TURN_FAILURE; what++) {
    const char* const url = what == CRECHE_TURN_FAILURE ? "/cut" : "/a";
    with_middleware(CRECHE_TURN_BIT(what));
    plan.later[what] = 1;
    creche_task task = start(path(url), NULL, NULL);
    const uint64_t turn = await_turn();
    OK(creche_scope_cancel(task.scope, NULL));
    creche_completion c = next();
    assert_int_equal(c.status, CRECHE_E_CANCELLED);
    drop(c);
    IS(creche_session_decide(web, turn, NULL), CRECHE_E_STATE);
    start(path(url), NULL, NULL);
    const uint64_t last = await_turn();
    OK(creche_session_close(web, creche_nobody, NULL));
    c = next();
    assert_int_equal(c.status, CRECHE_E_CLOSED);
    drop(c);
    IS(creche_session_decide(web, last, NULL), CRECHE_E_STATE);
  }
}

static void misuse(void** state) {
  (void)state;
  creche_session s;
  creche_middleware m;
  OK(creche_middleware_init(&m, sizeof m));
  creche_session_options so = session_options();
  so.middleware = &m;
  IS(creche_session_open(loop, &so, &s), CRECHE_E_INVALID); /* nobody to ask */
  m.ask = ask;
  m.turns = 8;
  IS(creche_session_open(loop, &so, &s), CRECHE_E_UNSUPPORTED);
  IS(creche_session_decide(web, 1, NULL), CRECHE_E_STATE);
  const creche_header bad = creche_header_text("a b", "c"), nul = creche_header_text("a", NULL);
  creche_decision wrong[8];
  for (int i = 0; i < 8; i++) wrong[i] = decision(CRECHE_TURN_GO);
  wrong[0].size = 4;
  wrong[1].action = 4;
  wrong[2].delay = -1;
  wrong[3].action = CRECHE_TURN_ANSWER;
  wrong[4].action = CRECHE_TURN_FAIL;
  wrong[5].headers_count = 1;
  wrong[6].headers = &bad;
  wrong[6].headers_count = 1;
  wrong[7].action = CRECHE_TURN_ANSWER;
  wrong[7].http_status = 200;
  wrong[7].headers = &nul;
  wrong[7].headers_count = 1;
  for (int i = 0; i < 8; i++) IS(creche_session_decide(web, 1, &wrong[i]), CRECHE_E_INVALID);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, serve, stop)
  const struct CMUnitTest tests[] = {
      TEST(it_sees_each_hop),
      TEST(it_changes_fields),
      TEST(it_has_them_made_again),
      TEST(it_answers_itself),
      TEST(it_refuses),
      TEST(answers_wait),
      TEST(waiting_ends),
      TEST(misuse),
  };
  return cmocka_run_group_tests_name("middleware", tests, NULL, NULL);
}

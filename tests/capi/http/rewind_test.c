/* Pulled bodies that can be pulled again, so that their requests can be made again. */
#include "pulled.h"

#define ANSWER OK_HEAD "Content-Length: 2\r\n\r\nok"

static const char* const pieces[] = {"hello", " wor", "ld"};
enum { PIECES = 3 };

static creche_request_options rewindable(const char* method) {
  creche_request_options o = pull_options();
  o.flags |= CRECHE_REQUEST_REWIND;
  o.method = method;
  return o;
}

/* Answers pulls until the end; how often the body was begun anew. */
static creche_completion feed(int* anew) {
  size_t at = 0;
  *anew = 0;
  for (;;) {
    creche_completion c = next();
    if (c.kind != CRECHE_PULL) return c;
    if (c.code == 1) {
      at = 0;
      ++*anew;
    } else {
      assert_int_equal(c.code, 0);
    }
    assert_true(at < PIECES);
    answer_pull(c, pieces[at], at + 1 < PIECES ? CRECHE_MORE : 0);
    at++;
  }
}

/* The first request is redirected, behind its body; the next is to have the whole body, too. */
static void redirect(support_peer* peer, void* user) {
  if (!support_expect_request(peer)) return;
  assert_non_null(strstr(support_received(peer), user));
  support_send_text(peer, "HTTP/1.1 307 There\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n");
  if (!support_expect(peer, "\r\n\r\n")) return;
  support_send_text(peer, OK_HEAD "Transfer-Encoding: chunked\r\n\r\n");
  size_t got = 0;
  char body[64] = "";
  if (strstr(support_received(peer), "Content-Length: 11\r\n") != NULL) {
    if (!support_expect_bytes(peer, 11)) return;
    memcpy(body, support_received(peer), 11);
    got = 11;
  } else {
    for (;;) {
      if (!support_expect(peer, "\r\n")) return;
      const size_t size = strtoul(support_received(peer), NULL, 16);
      if (!support_expect_bytes(peer, size + 2)) return;
      if (size == 0) break;
      memcpy(body + got, support_received(peer), size);
      got += size;
    }
  }
  support_sendf(peer, "%zx\r\n%.*s\r\n0\r\n\r\n", got, (int)got, body);
  support_await_close(peer);
}

static void a_redirect_pulls_again(void** state) {
  (void)state;
  int anew = 0;
  for (int sized = 0; sized < 2; sized++) {
    support_hostile* server =
        support_hostile_start(redirect, sized ? "Content-Length: 11" : "chunked");
    creche_request_options o = rewindable("POST");
    if (sized) o.body_size = 11;
    start(support_hostile_url(server), &o, NULL);
    expect_body(feed(&anew), 200, "hello world");
    assert_int_equal(anew, 1);
    support_hostile_stop(server);
  }
}

/* Without it the body is gone. */
static void without_it(void** state) {
  (void)state;
  int anew = 0;
  support_hostile* server = support_hostile_start(redirect, "chunked");
  creche_request_options o = rewindable("POST");
  o.flags &= ~(uint32_t)CRECHE_REQUEST_REWIND;
  start(support_hostile_url(server), &o, NULL);
  creche_completion c = feed(&anew);
  assert_int_equal(c.status, CRECHE_E_BODY);
  assert_int_equal(anew, 0);
  drop(c);
  support_hostile_stop(server);
}

/* A redirect comes while a pull is out: its answer is for nobody. */
static void early_redirect(support_peer* peer, void* user) {
  (void)user;
  if (support_peer_index(peer) == 0) {
    if (!support_expect(peer, "\r\n5\r\nhello\r\n")) return;
    support_send_text(peer, "HTTP/1.1 307 There\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n");
    support_await_close(peer);
    return;
  }
  if (!support_expect(peer, "5\r\nhello\r\n4\r\n wor\r\n2\r\nld\r\n0\r\n\r\n")) return;
  support_send_text(peer, ANSWER);
  support_await_close(peer);
}
static void a_pull_that_is_out(void** state) {
  (void)state;
  int anew = 0;
  support_hostile* server = support_hostile_start(early_redirect, NULL);
  const creche_request_options o = rewindable("POST");
  start(support_hostile_url(server), &o, NULL);
  answer_pull(next(), "hello", CRECHE_MORE);
  creche_completion out = next();
  assert_int_equal(out.kind, CRECHE_PULL);
  assert_true(support_hostile_await_connections(server, 2, PATIENCE_MS)); /* it has gone on */
  answer_pull(out, "wrong", CRECHE_MORE);
  expect_body(feed(&anew), 200, "ok");
  assert_int_equal(anew, 1);
  support_hostile_stop(server);
}

/* A kept connection dies while the body is sent. */
static void dies(support_peer* peer, void* user) {
  (void)user;
  if (!support_expect_request(peer)) return;
  support_send_text(peer, ANSWER);
  if (support_peer_index(peer) == 0) {
    if (support_expect(peer, "hello")) support_reset(peer);
    return;
  }
  support_await_close(peer);
}
static void a_dead_connection(void** state) {
  (void)state;
  int anew = 0;
  support_hostile* server = support_hostile_start(dies, NULL);
  creche_request_options o = rewindable("PUT");
  expect_body(fetch(support_hostile_url(server), NULL), 200, "ok");
  start(support_hostile_url(server), &o, NULL);
  expect_body(feed(&anew), 200, "ok");
  assert_int_equal(session_counters(web).retries, 1);
  assert_true(anew <= 1);
  support_hostile_stop(server);
}

/* A policy makes it again, too. */
static void busy_once(support_peer* peer, void* user) {
  (void)user;
  if (!support_expect_request(peer)) return;
  support_send_text(peer, "HTTP/1.1 503 Busy\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n");
  if (support_expect_request(peer)) support_send_text(peer, ANSWER);
  support_await_close(peer);
}
static void a_retry_policy(void** state) {
  (void)state;
  int anew = 0;
  support_hostile* server = support_hostile_start(busy_once, NULL);
  creche_retry retry;
  OK(creche_retry_init(&retry, sizeof retry));
  creche_request_options o = rewindable("PUT");
  o.retry = &retry;
  start(support_hostile_url(server), &o, NULL);
  expect_body(feed(&anew), 200, "ok");
  assert_int_equal(anew, 1);
  support_hostile_stop(server);
}

/* An empty piece is one: what follows is asked for, and not the begin again. */
static void pieces_may_be_empty(void** state) {
  (void)state;
  for (int i = 0; i < 2; i++) {
    support_hostile* server = support_hostile_start(echo, NULL);
    creche_request_options o = i == 0 ? pull_options() : rewindable("PUT");
    start(support_hostile_url(server), &o, NULL);
    static const char* const given[] = {"", "", "a", "", "b"};
    for (int at = 0; at < 5; at++) {
      creche_completion c = next();
      assert_int_equal(c.code, 0);
      answer_pull(c, given[at], at < 4 ? CRECHE_MORE : 0);
    }
    expect_body(next(), 200, "ab");
    support_hostile_stop(server);
  }
}

static void misuse(void** state) {
  (void)state;
  creche_request_options o = request_options();
  o.flags = CRECHE_REQUEST_REWIND;
  IS(creche_session_fetch(web, loop.scope, "http://h/", &o, NULL, NULL, NULL), CRECHE_E_INVALID);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_redirect_pulls_again, set_up, tear_down),
      cmocka_unit_test_setup_teardown(without_it, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_pull_that_is_out, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_dead_connection, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_retry_policy, set_up, tear_down),
      cmocka_unit_test_setup_teardown(pieces_may_be_empty, set_up, tear_down),
      cmocka_unit_test_setup_teardown(misuse, set_up, tear_down),
  };
  return cmocka_run_group_tests_name("rewind", tests, NULL, NULL);
}

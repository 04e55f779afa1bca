/* Fields behind a chunked body, from servers that mean well and others. */
#include "reading.h"

#define CHUNKED OK_HEAD "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n"

/* Answers with all of `user`, a byte at a time for each second connection. */
static void answer(support_peer* peer, void* user) {
  const int trickles = support_peer_index(peer) % 2 == 1;
  while (support_expect_request(peer)) {
    if (trickles)
      support_trickle(peer, user, strlen(user));
    else
      support_send_text(peer, user);
  }
}

static void expect_field(creche_response r, size_t index, const char* name, const char* value) {
  creche_header h;
  size_t size = 0;
  OK(creche_response_trailer_at(r, index, &h));
  assert_string_equal(h.name, name);
  assert_string_equal(h.value, value);
  assert_int_equal(h.value_size, strlen(value));
  assert_string_equal(creche_response_trailer(r, name, &size), value);
  assert_int_equal(size, strlen(value));
}

static void a_whole_answer_has_its_trailer(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(
      answer,
      CHUNKED "Checksum: abc\r\nX-Empty:\r\nGrpc-Status:  0 \r\nX-Two: 1\r\nX-Two: 2\r\n\r\n");
  for (int i = 0; i < 2; i++) {
    creche_completion c = fetch(support_hostile_url(server), NULL);
    assert_int_equal(c.status, CRECHE_OK);
    const creche_response r = {c.value};
    creche_header h;
    expect_field(r, 0, "Checksum", "abc");
    expect_field(r, 1, "X-Empty", "");
    expect_field(r, 2, "Grpc-Status", "0");
    expect_field(r, 3, "X-Two", "1");
    OK(creche_response_trailer_at(r, 4, &h));
    assert_string_equal(h.value, "2");
    IS(creche_response_trailer_at(r, 5, &h), CRECHE_E_LIMIT);
    assert_string_equal(creche_response_trailer(r, "cHECKSUM", NULL), "abc");
    assert_null(creche_response_trailer(r, "Transfer-Encoding", NULL));
    assert_null(creche_response_header(r, "Checksum", NULL)); /* they do not mix */
    drop(c);
    use_session(NULL); /* a new connection: the bytes one by one */
  }
  support_hostile_stop(server);
}

static void there_is_none(void** state) {
  (void)state;
  static const char* const answers[] = {CHUNKED "\r\n", OK_HEAD "Content-Length: 5\r\n\r\nhello"};
  for (int i = 0; i < 2; i++) {
    support_hostile* server = support_hostile_start(answer, (void*)answers[i]);
    creche_completion c = fetch(support_hostile_url(server), NULL);
    assert_int_equal(c.status, CRECHE_OK);
    creche_header h;
    IS(creche_response_trailer_at((creche_response){c.value}, 0, &h), CRECHE_E_LIMIT);
    assert_null(creche_response_trailer((creche_response){c.value}, "A", NULL));
    drop(c);
    assert_int_equal(session_counters(web).idle, 1);
    support_hostile_stop(server);
  }
}

/* What an answer has already been acted on for. */
static void what_may_not_stand_there_is_dropped(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(
      answer, CHUNKED
      "Set-Cookie: a=b\r\nLOCATION: /x\r\nConnection: close\r\nContent-Type: a/b\r\n"
      "content-encoding: gzip\r\nContent-Range: bytes 0-1/2\r\nHost: evil\r\n"
      "Authorization: Basic eDp5\r\nWWW-Authenticate: Basic\r\nCache-Control: max-age=9\r\n"
      "Trailer: A\r\nUpgrade: h2c\r\nKeep-Alive: max=0\r\nTE: trailers\r\nA: b\r\n\r\n");
  creche_cookie_jar jar;
  OK(creche_cookie_jar_open(NULL, &jar));
  creche_session_options so = session_options();
  so.cookies = jar;
  use_session(&so);
  for (int i = 0; i < 2; i++) {
    creche_completion c = fetch(support_hostile_url(server), NULL);
    assert_int_equal(c.status, CRECHE_OK);
    creche_header h;
    expect_field((creche_response){c.value}, 0, "A", "b");
    IS(creche_response_trailer_at((creche_response){c.value}, 1, &h), CRECHE_E_LIMIT);
    assert_memory_equal(c.data, "hello", 5);
    drop(c);
  }
  assert_int_equal(session_counters(web).reuses, 1); /* "Connection: close" says nothing there */
  creche_cookie_jar_release(jar);
  support_hostile_stop(server);
}

static void a_trailer_that_lies_is_refused(void** state) {
  (void)state;
  static const char* const lies[] = {"Content-Length: 5\r\n\r\n",
                                     "Transfer-Encoding: chunked\r\n\r\n",
                                     "A : b\r\n\r\n",
                                     " A: b\r\n\r\n",
                                     "A: b\r\n folded\r\n\r\n",
                                     "A\r\n\r\n",
                                     ": b\r\n\r\n",
                                     "A: b\n\r\n",
                                     "A: \x01\r\n\r\n"};
  for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
    char text[256];
    snprintf(text, sizeof text, CHUNKED "%s", lies[i]);
    support_hostile* server = support_hostile_start(answer, text);
    expect_failure(fetch(support_hostile_url(server), NULL), CRECHE_E_PROTOCOL, CRECHE_PHASE_BODY,
                   0);
    support_hostile_stop(server);
  }
}

/* A trailer without an end costs no more than its cap. */
static void endless(support_peer* peer, void* user) {
  (void)user;
  if (!support_expect_request(peer)) return;
  support_send_text(peer, CHUNKED);
  while (
      support_send_text(peer, "X-Some-Field: with a value of some length, again and again\r\n")) {
  }
}
static void a_trailer_without_an_end(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(endless, NULL);
  expect_failure(fetch(support_hostile_url(server), NULL), CRECHE_E_PROTOCOL, CRECHE_PHASE_BODY, 0);
  support_hostile_stop(server);
}

/* The trailer of a stream comes with its end. */
static void in_steps(support_peer* peer, void* user) {
  (void)user;
  while (support_expect_request(peer)) {
    support_send_text(peer, OK_HEAD "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
    if (!support_await(peer, 1)) return;
    support_send_text(peer, "0\r\nChecksum: abc\r\n\r\n");
  }
}
static void a_stream_has_it_at_its_end(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(in_steps, NULL);
  const creche_response r = expect_head(send_request(support_hostile_url(server), NULL), 200);
  expect_chunk(read_some(r, 0), "hello");
  creche_header h;
  IS(creche_response_trailer_at(r, 0, &h), CRECHE_E_LIMIT);
  support_hostile_signal(server);
  expect_end(read_some(r, 0));
  expect_field(r, 0, "Checksum", "abc");
  creche_response_release(r);
  support_hostile_stop(server);
}

/* Not that of a redirect, nor of an attempt that failed. */
static void redirect(support_peer* peer, void* user) {
  (void)user;
  if (support_expect_request(peer))
    support_send_text(peer,
                      "HTTP/1.1 302 Found\r\nLocation: /b\r\nTransfer-Encoding: chunked\r\n\r\n"
                      "0\r\nOf-Redirect: yes\r\n\r\n");
  if (support_expect_request(peer)) support_send_text(peer, CHUNKED "\r\n");
  support_await_close(peer);
}
static void a_redirect_leaves_none_behind(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(redirect, NULL);
  creche_completion c = fetch(support_hostile_url(server), NULL);
  assert_int_equal(c.status, CRECHE_OK);
  assert_null(creche_response_trailer((creche_response){c.value}, "Of-Redirect", NULL));
  drop(c);
  support_hostile_stop(server);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_whole_answer_has_its_trailer, set_up, tear_down),
      cmocka_unit_test_setup_teardown(there_is_none, set_up, tear_down),
      cmocka_unit_test_setup_teardown(what_may_not_stand_there_is_dropped, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_trailer_that_lies_is_refused, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_trailer_without_an_end, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_stream_has_it_at_its_end, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_redirect_leaves_none_behind, set_up, tear_down),
  };
  return cmocka_run_group_tests_name("trailer", tests, NULL, NULL);
}

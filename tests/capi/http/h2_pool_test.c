/* HTTP/2: many exchanges on one connection, and what becomes of them when it goes. */
#include "h2_test.h"

#include <unistd.h>

#include "support/nginx.h"

enum { kNoError = 0, kRefused = 7, kCancel = 8, kInternal = 2 };
static const uint16_t max_streams = 3;

static void all_are(int count, const char* body) {
  for (int i = 0; i < count; i++) expect_body(next(), 200, body);
}

static void start_all(const char* url, int count) {
  for (int i = 0; i < count; i++) start(url, NULL, NULL);
}

/* ---- One connection for all ---- */

static void those_who_come_share_what_is_opened(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(support_script_h2, NULL);
  start_all(support_hostile_url(server), 60);
  all_are(60, "hello");
  assert_int_equal(session_counters(web).connects, 1);
  support_hostile_stop(server);
}

/* What a server will speak is known when TLS is there. */
static void alpn_is_waited_for(void** state) {
  (void)state;
  const support_nginx_options with = {.http2 = 1};
  support_nginx* new = support_nginx_start(&with);
  support_nginx* old = support_nginx_start(NULL);
  assert_true(new != NULL&& old != NULL);
  creche_session_options s = session_options();
  s.flags = CRECHE_SESSION_INSECURE;
  s.versions = CRECHE_HTTP_1_1 | CRECHE_HTTP_2;
  use_session(&s);
  start_all(at(support_nginx_https_url(new), "/small"), 50);
  for (int i = 0; i < 50; i++) {
    creche_completion c = next();
    if (c.status != CRECHE_OK) fail_msg("%s", creche_error_message(c.error));
    drop(c);
  }
  assert_int_equal(session_counters(web).connects, 1);
  assert_int_equal(session_counters(web).idle, 1);
  /* Not at all: then each has one of its own. */
  use_session(&s);
  support_nginx_freeze(old);
  start_all(at(support_nginx_https_url(old), "/small"), 5);
  support_nginx_thaw(old);
  for (int i = 0; i < 5; i++) {
    creche_completion c = next();
    if (c.status != CRECHE_OK) fail_msg("%s", creche_error_message(c.error));
    assert_int_equal(h2_info((creche_response){c.value}).http_major, 1);
    drop(c);
  }
  /* Whom it was opened for goes: the others have it. */
  use_session(&s);
  support_nginx_freeze(new);
  int first = 0;
  const creche_task task = start(at(support_nginx_https_url(new), "/small"), NULL, &first);
  start_all(at(support_nginx_https_url(new), "/small"), 3);
  OK(creche_scope_cancel(task.scope, NULL));
  creche_completion c = next();
  assert_ptr_equal(c.user, &first);
  assert_int_equal(c.status, CRECHE_E_CANCELLED);
  drop(c);
  support_nginx_thaw(new);
  for (int i = 0; i < 3; i++) {
    c = next();
    if (c.status != CRECHE_OK) fail_msg("%s", creche_error_message(c.error));
    drop(c);
  }
  assert_int_equal(session_counters(web).connects, 1);
  support_nginx_stop(new);
  support_nginx_stop(old);
}

static void none_can_be_opened(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(support_script_h2, NULL);
  char url[64];
  snprintf(url, sizeof url, "%s", support_hostile_url(server));
  support_hostile_stop(server);
  start_all(url, 5);
  for (int i = 0; i < 5; i++)
    expect_failure(next(), CRECHE_E_CONNECT, CRECHE_PHASE_CONNECT,
                   CRECHE_ERROR_UNSENT | CRECHE_ERROR_RETRYABLE);
  assert_int_equal(session_counters(web).waiting, 0);
}

/* Answers `most` of them when the test says so, and then what comes. */
static void answer_late(support_peer* peer, support_h2* h, uint32_t most) {
  support_h2_request r;
  int streams[64], count = 0;
  while (h != NULL && (uint32_t)count < most && support_h2_next_request(h, &r)) {
    if (strcmp(r.path, "/first") == 0)
      support_h2_answer(h, r.stream, 200, NULL, "first");
    else
      streams[count++] = r.stream;
  }
  if (h != NULL && support_await(peer, 1))
    while (count > 0) support_h2_answer(h, streams[--count], 200, NULL, "late");
  while (h != NULL && support_h2_next_request(h, &r))
    support_h2_answer(h, r.stream, 200, NULL, "late");
  support_h2_close(h);
}

/* Allows `user` at a time (NULL: 100), and says so at once. */
static void gated(support_peer* peer, void* user) {
  const uint32_t most = user != NULL ? *(uint32_t*)user : 100;
  answer_late(peer, support_h2_open_with(peer, &max_streams, &most, 1), most);
}

/* So does the first connection; the second says it when four have come, and refuses two. */
static void gated_later(support_peer* peer, void* user) {
  if (support_peer_index(peer) == 0) {
    gated(peer, user);
    return;
  }
  support_h2* h = support_h2_open(peer);
  support_h2_request r[4];
  int came = 0;
  while (h != NULL && came < 4 && support_h2_next_request(h, &r[came])) came++;
  if (came == 4 && support_await(peer, 1)) {
    support_h2_setting(h, max_streams, 2);
    for (int i = 3; i >= 0; i--)
      if (i >= 2)
        support_h2_reset(h, r[i].stream, kRefused);
      else
        support_h2_answer(h, r[i].stream, 200, NULL, "late");
  }
  answer_late(peer, h, 0);
}

/* What is beyond that on a new connection, of which nobody knew yet, is refused, and sent again. */
static void as_many_as_the_server_allows(void** state) {
  (void)state;
  creche_session_options o = h2_options();
  o.limit = 2;
  use_session(&o);
  uint32_t most = 2;
  support_hostile* server = support_hostile_start(gated_later, &most);
  expect_body(fetch(at(support_hostile_url(server), "/first"), NULL), 200, "first");
  start_all(at(support_hostile_url(server), "/late"), 6);
  assert_true(support_hostile_await_requests(server, 7, PATIENCE_MS));
  assert_int_equal(support_hostile_connections(server), 2);
  support_hostile_signal(server);
  all_are(6, "late");
  assert_int_equal(support_hostile_requests(server), 9);
  support_hostile_stop(server);
}

static void as_many_as_the_session_allows(void** state) {
  (void)state;
  creche_session_options o = h2_options();
  o.streams_per_connection = 3;
  o.limit = 2;
  use_session(&o);
  uint32_t most = 3;
  support_hostile* server = support_hostile_start(gated, &most);
  start_all(at(support_hostile_url(server), "/late"), 8);
  assert_true(support_hostile_await_requests(server, 6, 10000));
  AWAIT(session_counters(web).waiting == 2);
  assert_int_equal(support_hostile_connections(server), 2);
  support_hostile_stop(server);
  for (int i = 0; i < 8; i++) drop(next());
}

/* None at a time: they wait, in phase pool. */
static void stingy(support_peer* peer, void* user) {
  (void)user;
  support_h2* h = support_h2_open(peer);
  support_h2_request r;
  if (h != NULL && support_h2_next_request(h, &r)) {
    support_h2_setting(h, max_streams, 0);
    support_h2_answer(h, r.stream, 200, NULL, "one");
    if (support_await(peer, 1)) support_h2_setting(h, max_streams, 10);
    while (support_h2_next_request(h, &r)) support_h2_answer(h, r.stream, 200, NULL, "more");
  }
  support_h2_close(h);
}

static void none_at_a_time(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(stingy, NULL);
  const char* url = support_hostile_url(server);
  expect_body(fetch(url, NULL), 200, "one");
  creche_request_options o = request_options();
  o.timeouts.pool = 50 * 1000 * 1000;
  expect_failure(fetch(url, &o), CRECHE_E_TIMEOUT, CRECHE_PHASE_POOL,
                 CRECHE_ERROR_UNSENT | CRECHE_ERROR_RETRYABLE);
  start_all(url, 5);
  support_hostile_signal(server);
  all_are(5, "more");
  assert_int_equal(support_hostile_connections(server), 1);
  support_hostile_stop(server);
}

/* ---- What is sent again ---- */

/* The first connection: takes two, finishes the first, and goes. Others serve. */
static void goes_away(support_peer* peer, void* user) {
  (void)user;
  support_h2* h = support_h2_open(peer);
  support_h2_request a, b;
  if (support_peer_index(peer) == 0) {
    if (h != NULL && support_h2_next_request(h, &a) && support_h2_next_request(h, &b) &&
        support_h2_goaway(h, a.stream, kNoError) && support_await(peer, 1)) {
      support_h2_answer(h, a.stream, 200, NULL, "kept");
      support_await_close(peer);
    }
  } else {
    while (h != NULL && support_h2_next_request(h, &a))
      support_h2_answer(h, a.stream, 200, NULL, "again");
  }
  support_h2_close(h);
}

static void goaway(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(goes_away, NULL);
  creche_request_options o = request_options();
  o.body = "body";
  o.body_size = 4;
  start(support_hostile_url(server), &o, NULL);
  start(support_hostile_url(server), &o, NULL);
  creche_completion c = next(); /* the second one, though it is a POST */
  if (c.status != CRECHE_OK) fail_msg("%s", creche_error_message(c.error));
  assert_string_equal(c.data, "again");
  assert_int_equal(h2_info((creche_response){c.value}).connection, 2);
  drop(c);
  /* The first connection takes no more. */
  expect_body(fetch(support_hostile_url(server), NULL), 200, "again");
  assert_int_equal(support_hostile_connections(server), 2);
  support_hostile_signal(server);
  expect_body(next(), 200, "kept");
  assert_true(support_hostile_await_open(server, 1, 10000)); /* it went with its last */
  support_hostile_stop(server);
}

static int refusals; /* that a server makes before it answers */

static void refuses(support_peer* peer, void* user) {
  (void)user;
  support_h2* h = support_h2_open(peer);
  support_h2_request r;
  for (int i = 0; h != NULL && support_h2_next_request(h, &r); i++) {
    if (i < refusals)
      support_h2_reset(h, r.stream, kRefused);
    else
      support_h2_answer(h, r.stream, 200, NULL, "at last");
  }
  support_h2_close(h);
}

static void refused(void** state) {
  (void)state;
  refusals = 2;
  support_hostile* server = support_hostile_start(refuses, NULL);
  creche_request_options o = request_options();
  o.body = "body";
  o.body_size = 4;
  expect_body(fetch(support_hostile_url(server), &o), 200, "at last");
  assert_int_equal(support_hostile_requests(server), 3);
  assert_int_equal(support_hostile_connections(server), 1);
  support_hostile_stop(server);
  refusals = 1000;
  server = support_hostile_start(refuses, NULL);
  expect_failure(fetch(support_hostile_url(server), &o), CRECHE_E_DISCONNECTED,
                 CRECHE_PHASE_HEADERS, CRECHE_ERROR_UNSENT | CRECHE_ERROR_RETRYABLE);
  assert_int_equal(support_hostile_requests(server), 4);
  o.flags = CRECHE_REQUEST_NO_RETRY;
  expect_failure(fetch(support_hostile_url(server), &o), CRECHE_E_DISCONNECTED,
                 CRECHE_PHASE_HEADERS, CRECHE_ERROR_UNSENT | CRECHE_ERROR_RETRYABLE);
  assert_int_equal(support_hostile_requests(server), 5);
  support_hostile_stop(server);
}

/* Resets: before an answer, inside a body, and when all of it is there. */
static void resets(support_peer* peer, void* user) {
  (void)user;
  support_h2* h = support_h2_open(peer);
  support_h2_request r;
  while (h != NULL && support_h2_next_request(h, &r)) {
    if (strcmp(r.path, "/inside") == 0) {
      support_h2_head(h, r.stream, 200, NULL, H2_END_HEADERS);
      support_h2_data(h, r.stream, "some", 4, 0);
    } else if (strcmp(r.path, "/whole") == 0) {
      support_h2_answer(h, r.stream, 413, "x-early: yes\n", "enough");
      support_h2_reset(h, r.stream, kNoError);
      continue;
    }
    support_h2_reset(h, r.stream, kInternal);
  }
  support_h2_close(h);
}

static void reset_streams(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(resets, NULL);
  const char* base = support_hostile_url(server);
  creche_completion c = fetch(at(base, "/before"), NULL);
  assert_non_null(strstr(c.error->message, "INTERNAL_ERROR"));
  expect_failure(c, CRECHE_E_DISCONNECTED, CRECHE_PHASE_HEADERS, CRECHE_ERROR_RETRYABLE);
  expect_failure(fetch(at(base, "/inside"), NULL), CRECHE_E_TRUNCATED, CRECHE_PHASE_BODY,
                 CRECHE_ERROR_RETRYABLE);
  creche_response r = h2_head(send_request(at(base, "/inside"), NULL), 200);
  c = read_some(r, 0); /* what has come comes first */
  assert_int_equal(c.kind, CRECHE_CHUNK);
  assert_memory_equal(c.data, "some", 4);
  drop(c);
  expect_failure(read_some(r, 0), CRECHE_E_TRUNCATED, CRECHE_PHASE_BODY, CRECHE_ERROR_RETRYABLE);
  creche_response_release(r);
  /* An answer that is whole is one, whatever is left of the request. */
  creche_request_options o = request_options();
  o.flags = CRECHE_REQUEST_PULL_BODY;
  o.body_size = CRECHE_UNKNOWN_SIZE;
  start(at(base, "/whole"), &o, NULL);
  c = next();
  assert_int_equal(c.kind, CRECHE_PULL);
  drop(c);
  expect_body(next(), 413, "enough");
  static char large[1 << 20];
  o = request_options();
  o.body = large;
  o.body_size = sizeof large;
  expect_body(fetch(at(base, "/whole"), &o), 413, "enough");
  assert_int_equal(support_hostile_connections(server), 1);
  support_hostile_stop(server);
}

/* The first connection knows the first request only. */
static void misdirects(support_peer* peer, void* user) {
  (void)user;
  support_h2* h = support_h2_open(peer);
  support_h2_request r;
  for (int i = 0; h != NULL && support_h2_next_request(h, &r); i++) {
    const int wrong = strcmp(r.path, "/never") == 0 || (support_peer_index(peer) == 0 && i > 0);
    support_h2_answer(h, r.stream, wrong ? 421 : 200, NULL, wrong ? "not here" : "here");
  }
  support_h2_close(h);
}

static void misdirected(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(misdirects, NULL);
  const char* base = support_hostile_url(server);
  creche_request_options o = request_options();
  o.method = "POST";
  expect_body(fetch(base, &o), 200, "here");
  expect_body(fetch(base, &o), 200, "here");
  assert_int_equal(support_hostile_connections(server), 2);
  expect_body(fetch(at(base, "/never"), &o), 421, "not here");
  assert_int_equal(support_hostile_connections(server), 3);
  support_hostile_stop(server);
}

/* ---- Connections that go ---- */

/* Goes, politely or not, after its first answer, when it is told to. */
static void leaves(support_peer* peer, void* user) {
  support_h2* h = support_h2_open(peer);
  support_h2_request r;
  if (h != NULL && support_h2_next_request(h, &r)) {
    support_h2_answer(h, r.stream, 200, NULL, "hello");
    if (support_await(peer, support_peer_index(peer) + 1) && user != NULL) {
      support_h2_goaway(h, r.stream, kNoError);
      support_await_close(peer);
    }
  }
  support_h2_close(h);
}

static void idle_ones_that_go(void** state) {
  (void)state;
  for (int polite = 0; polite < 2; polite++) {
    support_hostile* server = support_hostile_start(leaves, polite ? &refusals : NULL);
    for (int i = 1; i <= 3; i++) {
      creche_request_options o = request_options();
      o.method = "POST"; /* not repeatable: the connection is known to be gone */
      expect_body(fetch(support_hostile_url(server), &o), 200, "hello");
      assert_int_equal(support_hostile_connections(server), i);
      support_hostile_signal(server);
      assert_true(support_hostile_await_open(server, 0, 10000));
    }
    support_hostile_stop(server);
  }
}

/* A body that a file gives begins anew where it is sent again. */
static void files_are_sent_again(void** state) {
  (void)state;
  char path[] = "/tmp/creche-h2-XXXXXX";
  const int file = mkstemp(path);
  static char piece[200000];
  memset(piece, 'f', sizeof piece);
  assert_int_equal(write(file, piece, sizeof piece), sizeof piece);
  refusals = 1;
  support_hostile* server = support_hostile_start(refuses, NULL);
  creche_file body = {.fd = file, .size = CRECHE_TO_THE_END};
  creche_request_options o = request_options();
  o.body_file = &body;
  expect_body(fetch(support_hostile_url(server), &o), 200, "at last");
  assert_int_equal(support_hostile_requests(server), 2);
  support_hostile_stop(server);
  close(file);
  unlink(path);
}

static void warm_up_opens_one(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(support_script_h2, NULL);
  creche_request_options o = request_options();
  OK(creche_session_warm_up(web, loop.scope, support_hostile_url(server), 3, &o, NULL, NULL, NULL));
  creche_completion c = next();
  assert_int_equal(c.status, CRECHE_OK);
  assert_int_equal(c.code, 1);
  drop(c);
  assert_int_equal(session_counters(web).idle, 1);
  expect_body(fetch(support_hostile_url(server), NULL), 200, "hello");
  assert_int_equal(session_counters(web).connects, 1);
  support_hostile_stop(server);
}

/* Takes two requests and breaks. */
static void breaks(support_peer* peer, void* user) {
  (void)user;
  support_h2* h = support_h2_open(peer);
  support_h2_request r;
  if (support_peer_index(peer) == 0) {
    if (h != NULL && support_h2_next_request(h, &r) &&
        support_h2_answer(h, r.stream, 200, NULL, "hello"))
      for (int i = 0; i < 20 && support_h2_next_request(h, &r); i++) continue;
    support_reset(peer);
  } else {
    while (h != NULL && support_h2_next_request(h, &r))
      support_h2_answer(h, r.stream, 200, NULL, "again");
  }
  support_h2_close(h);
}

/* All that can be sent twice is, together, on one new connection. */
static void broken_with_many(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(breaks, NULL);
  expect_body(fetch(support_hostile_url(server), NULL), 200, "hello");
  int post = 0;
  creche_request_options o = request_options();
  o.method = "POST";
  start(support_hostile_url(server), &o, &post);
  start_all(support_hostile_url(server), 19);
  int failed = 0;
  for (int i = 0; i < 20; i++) {
    creche_completion c = next();
    if (c.user == &post) {
      failed++;
      expect_failure(c, CRECHE_E_DISCONNECTED, CRECHE_PHASE_HEADERS, 0);
    } else {
      expect_body(c, 200, "again");
    }
  }
  assert_int_equal(failed, 1);
  assert_int_equal(support_hostile_connections(server), 2);
  support_hostile_stop(server);
}

/* A server that is not there any more: one request times out, and a ping shows it for the other. */
static void silent(support_peer* peer, void* user) {
  (void)user;
  if (support_expect(peer, "SM\r\n\r\n")) support_hang(peer);
}

static void a_silent_server_is_asked(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(silent, NULL);
  int patient = 0;
  start(support_hostile_url(server), NULL, &patient);
  creche_request_options o = request_options();
  o.timeouts.first_byte = 1100 * 1000 * 1000;
  start(support_hostile_url(server), &o, NULL);
  expect_failure(next(), CRECHE_E_TIMEOUT, CRECHE_PHASE_HEADERS, CRECHE_ERROR_RETRYABLE);
  creche_completion c = next();
  assert_ptr_equal(c.user, &patient);
  assert_non_null(strstr(c.error->message, "ping"));
  expect_failure(c, CRECHE_E_DISCONNECTED, CRECHE_PHASE_HEADERS, CRECHE_ERROR_RETRYABLE);
  assert_int_equal(session_counters(web).idle, 0);
  support_hostile_stop(server);
}

static void closing_with_many(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(gated, NULL);
  start_all(at(support_hostile_url(server), "/late"), 20);
  assert_true(support_hostile_await_requests(server, 20, 10000));
  OK(creche_session_close(web, creche_nobody, NULL));
  for (int i = 0; i < 20; i++) {
    creche_completion c = next();
    assert_int_equal(c.status, CRECHE_E_CLOSED);
    drop(c);
  }
  support_hostile_stop(server);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(those_who_come_share_what_is_opened, h2_set_up, tear_down),
      cmocka_unit_test_setup_teardown(alpn_is_waited_for, h2_set_up, tear_down),
      cmocka_unit_test_setup_teardown(none_can_be_opened, h2_set_up, tear_down),
      cmocka_unit_test_setup_teardown(as_many_as_the_server_allows, h2_set_up, tear_down),
      cmocka_unit_test_setup_teardown(as_many_as_the_session_allows, h2_set_up, tear_down),
      cmocka_unit_test_setup_teardown(none_at_a_time, h2_set_up, tear_down),
      cmocka_unit_test_setup_teardown(goaway, h2_set_up, tear_down),
      cmocka_unit_test_setup_teardown(refused, h2_set_up, tear_down),
      cmocka_unit_test_setup_teardown(reset_streams, h2_set_up, tear_down),
      cmocka_unit_test_setup_teardown(misdirected, h2_set_up, tear_down),
      cmocka_unit_test_setup_teardown(idle_ones_that_go, h2_set_up, tear_down),
      cmocka_unit_test_setup_teardown(files_are_sent_again, h2_set_up, tear_down),
      cmocka_unit_test_setup_teardown(warm_up_opens_one, h2_set_up, tear_down),
      cmocka_unit_test_setup_teardown(broken_with_many, h2_set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_silent_server_is_asked, h2_set_up, tear_down),
      cmocka_unit_test_setup_teardown(closing_with_many, h2_set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

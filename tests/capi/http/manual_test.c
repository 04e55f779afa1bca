/* What http.h says that a session does by itself: the fields that it writes, what it counts, what
 * can be read when. (Redirects: redirect_test.c; sending again: kept_test.c.) */
#include "http_test.h"

#define OK_HEAD "HTTP/1.1 200 OK\r\n"
#define ANSWER OK_HEAD "Content-Length: 2\r\n\r\nok"

/* ---- Fields of the user's ---- */

static char head[8192];

static void note_the_head(support_peer* peer, void* user) {
  while (support_expect_request(peer)) {
    snprintf(head, sizeof head, "%s", support_received(peer));
    support_send_text(peer, user);
  }
}

static int count(const char* text) {
  int n = 0;
  for (const char* at = head; (at = strstr(at, text)) != NULL; at++) n++;
  return n;
}

static creche_completion with(support_hostile* server, const char* name, const char* value,
                              const char* body) {
  creche_header header = creche_header_text(name, value);
  creche_request_options o = request_options();
  o.headers = &header;
  o.headers_count = 1;
  o.body = body;
  o.body_size = body ? strlen(body) : 0;
  return fetch(support_hostile_url(server), &o);
}

static void framing_is_the_librarys(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(note_the_head, ANSWER);
  expect_body(with(server, "Content-Length", "4", "body"), 200, "ok");
  assert_int_equal(count("Content-Length: 4\r\n"), 1);
  expect_failure(with(server, "Content-Length", "5", "body"), CRECHE_E_INVALID,
                 CRECHE_PHASE_OPTIONS, 0);
  expect_failure(with(server, "Transfer-Encoding", "chunked", "body"), CRECHE_E_INVALID,
                 CRECHE_PHASE_OPTIONS, 0);
  expect_failure(with(server, "Transfer-Encoding", "gzip", NULL), CRECHE_E_INVALID,
                 CRECHE_PHASE_OPTIONS, 0);
  /* Chunked is what a body of unknown size is, so one may say so. */
  creche_header header = creche_header_text("Transfer-Encoding", "chunked");
  creche_request_options o = request_options();
  o.flags = CRECHE_REQUEST_PULL_BODY;
  o.body_size = CRECHE_UNKNOWN_SIZE;
  o.headers = &header;
  o.headers_count = 1;
  start(support_hostile_url(server), &o, NULL);
  creche_completion pull = next();
  assert_int_equal(creche_task_answer(pull.task, CRECHE_OK, "body", 4, 0, NULL), CRECHE_OK);
  drop(pull);
  expect_body(next(), 200, "ok");
  assert_int_equal(count("Transfer-Encoding: chunked\r\n"), 1);
  assert_int_equal(count("Content-Length"), 0);
  support_hostile_stop(server);
}

static void one_host(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(note_the_head, ANSWER);
  expect_body(with(server, "Host", "other.example", NULL), 200, "ok");
  assert_non_null(strstr(head, "HTTP/1.1\r\nHost: other.example\r\n"));
  assert_int_equal(count("Host:"), 1);
  const creche_header two[] = {creche_header_text("Host", "a"), creche_header_text("host", "b")};
  creche_request_options o = request_options();
  o.headers = two;
  o.headers_count = 2;
  expect_failure(fetch(support_hostile_url(server), &o), CRECHE_E_INVALID, CRECHE_PHASE_OPTIONS, 0);
  const creche_header blank = creche_header_text("Host", "a b");
  o.headers = &blank;
  o.headers_count = 1;
  expect_failure(fetch(support_hostile_url(server), &o), CRECHE_E_INVALID, CRECHE_PHASE_OPTIONS, 0);
  support_hostile_stop(server);
}

static void connection_as_it_is(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(note_the_head, ANSWER);
  expect_body(with(server, "Connection", "X-Mine", NULL), 200, "ok");
  assert_int_equal(count("Connection: X-Mine\r\n"), 1);
  assert_int_equal(session_counters(web).idle, 1);
  expect_body(with(server, "Connection", "X-Mine, Close", NULL), 200, "ok");
  assert_int_equal(count("Connection: X-Mine, Close\r\n"), 1);
  assert_int_equal(session_counters(web).idle, 0);
  support_hostile_stop(server);
}

static void a_requests_own_go_before_the_sessions(void** state) {
  (void)state;
  const creche_header sessions[] = {creche_header_text("X-A", "session"),
                                    creche_header_text("X-B", "session"),
                                    creche_header_text("Authorization", "Bearer session"),
                                    creche_header_text("Accept", "text/plain")};
  creche_session_options so = session_options();
  so.headers = sessions;
  so.headers_count = 4;
  use_session(&so);
  support_hostile* server = support_hostile_start(note_the_head, ANSWER);
  expect_body(with(server, "x-a", "request", NULL), 200, "ok");
  assert_int_equal(count("X-A: session"), 0);
  assert_int_equal(count("x-a: request\r\n"), 1);
  assert_int_equal(count("X-B: session\r\n"), 1);
  assert_int_equal(count("Accept: "), 1);
  assert_int_equal(count("Bearer session"), 1);
  /* User info is closer to the request than the session, and further than its own. */
  char url[128];
  snprintf(url, sizeof url, "http://na%%6De:pass@127.0.0.1:%d/x", support_hostile_port(server));
  creche_completion c = fetch(url, NULL);
  assert_int_equal(c.status, CRECHE_OK);
  assert_int_equal(count("Authorization: Basic bmFtZTpwYXNz\r\n"), 1);
  assert_int_equal(count("Authorization"), 1);
  assert_int_equal(count("pass"), 0);
  assert_null(strstr(creche_response_url((creche_response){c.value}), "pass"));
  drop(c);
  creche_header own = creche_header_text("Authorization", "Bearer own");
  creche_request_options o = request_options();
  o.headers = &own;
  o.headers_count = 1;
  expect_body(fetch(url, &o), 200, "ok");
  assert_int_equal(count("Authorization: Bearer own\r\n"), 1);
  assert_int_equal(count("Authorization"), 1);
  support_hostile_stop(server);
}

/* ---- What max_header_bytes counts ---- */

static void plays(support_peer* peer, void* user) {
  if (!support_expect_request(peer)) return;
  support_send_text(peer, user);
  support_await_close(peer);
}

static void expect_size(uint32_t limit, const char* answer, creche_status status) {
  creche_session_options so = session_options();
  so.max_header_bytes = limit;
  use_session(&so);
  support_hostile* server = support_hostile_start(plays, (void*)answer);
  creche_completion c = fetch(support_hostile_url(server), NULL);
  if (c.status != status)
    fail_msg("%s: %s", creche_status_name(c.status), creche_error_message(c.error));
  if (status == CRECHE_E_LIMIT) assert_int_equal(c.error->phase, CRECHE_PHASE_HEADERS);
  drop(c);
  support_hostile_stop(server);
}

static void a_head_is_counted_by_itself(void** state) {
  (void)state;
  static const char plain[] = OK_HEAD "X-Filler: 0123456789\r\nContent-Length: 2\r\n\r\nok";
  const uint32_t size = sizeof plain - 1 - 2; /* to the empty line, the body not */
  expect_size(size, plain, CRECHE_OK);
  expect_size(size - 1, plain, CRECHE_E_LIMIT);
  /* Each informational one is a head of its own. */
  char text[4096] = "";
  for (int i = 0; i < 32; i++) strcat(text, "HTTP/1.1 103 Hints\r\nX-Filler: 0123456789\r\n\r\n");
  strcat(text, plain);
  expect_size(size, text, CRECHE_OK);
  expect_size(43, text, CRECHE_E_LIMIT);
  memmove(text + 44, text, strlen(text) + 1); /* one more */
  expect_size(size, text, CRECHE_E_PROTOCOL);
}

static void what_lies_in_a_body_is_not(void** state) {
  (void)state;
  static char text[65536];
  static const char start[] = OK_HEAD "Transfer-Encoding: chunked\r\n\r\n";
  const uint32_t size = sizeof start - 1;
  snprintf(text, sizeof text, "%s2;x=%01000d\r\nok\r\n0\r\nX-Trailer: %01000d\r\n\r\n", start, 0,
           0);
  expect_size(size, text, CRECHE_OK);
  snprintf(text, sizeof text, "%s2;x=%017000d\r\nok\r\n0\r\n\r\n", start, 0);
  expect_size(65536, text, CRECHE_E_PROTOCOL);
  snprintf(text, sizeof text, "%s2\r\nok\r\n0\r\nX-Trailer: %017000d\r\n\r\n", start, 0);
  expect_size(65536, text, CRECHE_E_PROTOCOL);
}

/* ---- What can be read when ---- */

static creche_response stream_of(support_hostile* server) {
  creche_completion c = send_request(support_hostile_url(server), NULL);
  if (c.status != CRECHE_OK) fail_msg("%s", creche_error_message(c.error));
  c.flags &= ~(uint32_t)CRECHE_OWNED;
  const creche_response r = {c.value};
  drop(c);
  return r;
}

static void expect_read(creche_response r, uint32_t kind, creche_status status) {
  creche_completion c = read_some(r, 0);
  if (c.status != status || c.kind != kind)
    fail_msg("%s kind %u: %s", creche_status_name(c.status), c.kind, creche_error_message(c.error));
  drop(c);
}

static void reads_behind_the_end(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(support_script_answer, ANSWER);
  creche_response r = stream_of(server);
  expect_read(r, CRECHE_CHUNK, CRECHE_OK);
  for (int i = 0; i < 3; i++) expect_read(r, CRECHE_END, CRECHE_OK);
  creche_session_release(web); /* what has been read to its end needs no session */
  expect_read(r, CRECHE_END, CRECHE_OK);
  creche_response_release(r);
  assert_int_equal(creche_response_read(r, loop.scope, 0, &to_queue, NULL, NULL, NULL),
                   CRECHE_E_ENDED);
  support_hostile_stop(server);
}

static void await_bytes(uint64_t size) {
  while (session_counters(web).bytes_received < size) {
    SAY(creche_sleep(loop.scope, CRECHE_MILLISECOND, &to_queue, NULL, NULL, NULL));
    drop(next());
  }
}

static void close_the_session(void) {
  assert_int_equal(creche_session_close(web, creche_nobody, NULL), CRECHE_OK);
  SAY(creche_sleep(loop.scope, 0, &to_queue, NULL, NULL, NULL));
  drop(next());
}

static void reads_behind_the_session(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(support_script_answer, ANSWER);
  creche_response r = stream_of(server);
  await_bytes(strlen(ANSWER));
  close_the_session(); /* all had come */
  expect_read(r, CRECHE_CHUNK, CRECHE_OK);
  expect_read(r, CRECHE_END, CRECHE_OK);
  creche_response_release(r);
  support_hostile_stop(server);

  static const char half[] = OK_HEAD "Content-Length: 9\r\n\r\nhalf";
  creche_session_release(web);
  assert_int_equal(creche_session_open(loop, NULL, &web), CRECHE_OK);
  server = support_hostile_start(plays, (void*)half);
  r = stream_of(server);
  await_bytes(sizeof half - 1);
  close_the_session();
  expect_read(r, CRECHE_CHUNK, CRECHE_OK);
  for (int i = 0; i < 2; i++) expect_read(r, CRECHE_DONE, CRECHE_E_CLOSED);
  assert_int_equal(creche_response_status(r), 200);
  creche_response_release(r);
  support_hostile_stop(server);
}

/* A piece is the completion's own: it needs neither the response nor the loop. */
static void pieces_outlive_everything(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(support_script_answer, ANSWER);
  creche_response r = stream_of(server);
  creche_completion piece = read_some(r, 0);
  assert_int_equal(piece.kind, CRECHE_CHUNK);
  creche_response_release(r);
  creche_session_release(web);
  creche_loop_close(loop);
  assert_int_equal(creche_loop_join(loop, PATIENCE), CRECHE_OK);
  assert_memory_equal(piece.data, "ok", 2);
  drop(piece);
  support_hostile_stop(server);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(framing_is_the_librarys),
      TEST(one_host),
      TEST(connection_as_it_is),
      TEST(a_requests_own_go_before_the_sessions),
      TEST(a_head_is_counted_by_itself),
      TEST(what_lies_in_a_body_is_not),
      TEST(reads_behind_the_end),
      TEST(reads_behind_the_session),
      cmocka_unit_test_setup_teardown(pieces_outlive_everything, set_up, tear_down_rest),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

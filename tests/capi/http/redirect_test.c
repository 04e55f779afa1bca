/* Redirects: where they lead, what becomes of method, body and credentials. */
#include "http_test.h"

/* Answers "/<status>/<rest>" with a redirect to "/end", "/to?<url>" with one to that URL, "/loop"
 * with one to itself, and all else with 200. The last request that was not redirected is noted. */
static char last[8192];

static void redirecting(support_peer* peer, void* user) {
  (void)user;
  while (support_expect_request(peer)) {
    const char* path = strchr(support_received(peer), ' ') + 1;
    const int status = atoi(path + 1);
    if (status > 0) {
      support_sendf(peer, "HTTP/1.1 %d Moved\r\nLocation: /end\r\nContent-Length: 4\r\n\r\n%s",
                    status, strncmp(support_received(peer), "HEAD", 4) == 0 ? "" : "move");
    } else if (strncmp(path, "/to?", 4) == 0) {
      support_sendf(peer, "HTTP/1.1 302 Moved\r\nLocation: %.*s\r\nContent-Length: 0\r\n\r\n",
                    (int)strcspn(path + 4, " "), path + 4);
    } else if (strncmp(path, "/tab", 4) == 0) {
      support_send_text(peer,
                        "HTTP/1.1 302 Moved\r\nLocation: /a\tb/\r\nContent-Length: 0\r\n\r\n");
    } else if (strncmp(path, "/loop", 5) == 0) {
      support_send_text(peer, "HTTP/1.1 302 Moved\r\nLocation: loop\r\nContent-Length: 0\r\n\r\n");
    } else if (strncmp(path, "/nowhere", 8) == 0) {
      support_send_text(peer, "HTTP/1.1 301 Moved\r\nContent-Length: 2\r\n\r\nok");
    } else {
      snprintf(last, sizeof last, "%s", support_received(peer));
      support_send_text(peer, strncmp(last, "HEAD", 4) == 0
                                  ? "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"
                                  : "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    }
  }
}

static support_hostile* server;

static int serve(void** state) {
  server = support_hostile_start(redirecting, NULL);
  return set_up(state);
}
static int stop(void** state) {
  const int failed = tear_down(state);
  support_hostile_stop(server);
  return failed;
}

static void follow(const char* method, const char* path, const char* body, const char* expected) {
  creche_request_options o = request_options();
  creche_header type = creche_header_text("Content-Type", "text/plain");
  o.method = method;
  o.headers = &type;
  o.headers_count = body != NULL;
  o.body = body;
  o.body_size = body ? strlen(body) : 0;
  last[0] = '\0';
  creche_completion c = fetch(at(support_hostile_url(server), path), &o);
  if (c.status != CRECHE_OK) fail_msg("%s", creche_error_message(c.error));
  assert_int_equal(c.code, 200);
  const creche_response r = {c.value};
  creche_response_info info;
  assert_int_equal(creche_response_get_info(r, &info, sizeof info), CRECHE_OK);
  assert_int_equal(info.redirects, 1);
  char url[512];
  snprintf(url, sizeof url, "%s/end", support_hostile_url(server));
  assert_string_equal(creche_response_url(r), url);
  drop(c);
  assert_memory_equal(last, expected, strlen(expected));
}

static void methods_and_bodies(void** state) {
  (void)state;
  static const char* const paths[] = {"/301", "/302", "/303", "/307", "/308"};
  for (int i = 0; i < 5; i++) {
    follow("GET", paths[i], NULL, "GET /end ");
    assert_null(strstr(last, "Content-")); /* D6 */
    follow("HEAD", paths[i], NULL, "HEAD /end ");
    const int to_get = i < 3, put_to_get = i == 2;
    follow("POST", paths[i], "body", to_get ? "GET /end " : "POST /end ");
    assert_true((strstr(last, "Content-Length: 4\r\n") == NULL) == to_get);
    assert_true((strstr(last, "Content-Type: text/plain\r\n") == NULL) == to_get);
    assert_null(strstr(last, "Content-Length: 0")); /* D3 */
    follow("PUT", paths[i], "body", put_to_get ? "GET /end " : "PUT /end ");
    assert_true((strstr(last, "Content-Length: 4\r\n") == NULL) == put_to_get);
  }
  assert_int_equal(support_hostile_connections(server), 1); /* small bodies are read over */
}

/* What describes the body goes with it: the request's own fields and the session's. */
static void what_describes_the_body_goes_with_it(void** state) {
  (void)state;
  const creche_header headers[] = {creche_header_text("Content-Type", "text/plain"),
                                   creche_header_text("content-language", "en"),
                                   creche_header_text("Content-Location", "/x"),
                                   creche_header_text("Content-Range", "x"),
                                   creche_header_text("Content-Digest", "x"),
                                   creche_header_text("Digest", "x"),
                                   creche_header_text("Repr-Digest", "x"),
                                   creche_header_text("Last-Modified", "x"),
                                   creche_header_text("Trailer", "x"),
                                   creche_header_text("X-Content", "kept")};
  const char* const gone[] = {"Content-Type", "language", "Location", "Range",
                              "igest",        "Last-",    "Trailer",  "Content-Length"};
  for (int of_session = 0; of_session < 2; of_session++) {
    creche_session_options so = session_options();
    creche_request_options o = request_options();
    so.headers = o.headers = headers;
    so.headers_count = of_session ? 10 : 0;
    o.headers_count = of_session ? 0 : 10;
    o.method = "POST";
    o.body = "body";
    o.body_size = 4;
    use_session(&so);
    expect_body(fetch(at(support_hostile_url(server), "/307"), &o), 200, "ok");
    for (int i = 0; i < 8; i++) assert_non_null(strstr(last, gone[i]));
    expect_body(fetch(at(support_hostile_url(server), "/303"), &o), 200, "ok");
    assert_memory_equal(last, "GET ", 4);
    for (int i = 0; i < 8; i++) assert_null(strstr(last, gone[i]));
    assert_non_null(strstr(last, "X-Content: kept\r\n"));
  }
}

/* Dot segments and TABs in what a server wrote are not sent. */
static void places_are_put_in_order(void** state) {
  (void)state;
  char path[256];
  snprintf(path, sizeof path, "/to?%s/a/../b/./c?x/../y", support_hostile_url(server));
  expect_body(fetch(at(support_hostile_url(server), path), NULL), 200, "ok");
  assert_memory_equal(last, "GET /b/c?x/../y ", 16);
  expect_body(fetch(at(support_hostile_url(server), "/tab"), NULL), 200, "ok");
  assert_memory_equal(last, "GET /ab/ ", 9);
  /* What the user wrote is. */
  expect_body(fetch(at(support_hostile_url(server), "/a/../b"), NULL), 200, "ok");
  assert_memory_equal(last, "GET /a/../b ", 12);
}

static void only_real_ones(void** state) {
  (void)state;
  static const char* const paths[] = {"/300", "/304", "/305", "/399", "/nowhere"};
  for (int i = 0; i < 5; i++) {
    creche_completion c = fetch(at(support_hostile_url(server), paths[i]), NULL);
    assert_int_equal(c.status, CRECHE_OK);
    assert_int_equal(c.code, i < 4 ? atoi(paths[i] + 1) : 301);
    drop(c);
  }
  creche_request_options o = request_options();
  o.max_redirects = 0;
  expect_body(fetch(at(support_hostile_url(server), "/302"), &o), 302, "move");
}

static const char* after_leaving(support_hostile* other, const creche_request_options* o) {
  char path[128];
  snprintf(path, sizeof path, "/to?%s/end", support_hostile_url(other));
  expect_body(fetch(at(support_hostile_url(server), path), o), 200, "ok");
  return last;
}

/* Keys in fields that have no name of a standard. */
static void so_do_keys(void** state) {
  (void)state;
  support_hostile* other = support_hostile_start(redirecting, NULL);
  const creche_header headers[] = {creche_header_text("x-api-key", "secret"),
                                   creche_header_text("X-Mine", "mine"),
                                   creche_header_text("X-Other", "kept")};
  creche_request_options o = request_options();
  o.headers = headers;
  o.headers_count = 3;
  expect_body(fetch(at(support_hostile_url(server), "/302"), &o), 200, "ok");
  assert_non_null(strstr(last, "x-api-key: secret\r\n")); /* the same origin */
  after_leaving(other, &o);
  assert_null(strstr(last, "secret"));
  assert_non_null(strstr(last, "X-Mine: mine\r\nX-Other: kept\r\n"));
  o.private_headers = "x-mine, Nothing";
  after_leaving(other, &o);
  assert_null(strstr(last, "X-Mine"));
  assert_non_null(strstr(last, "x-api-key: secret\r\nX-Other: kept\r\n"));
  o.private_headers = "";
  after_leaving(other, &o);
  assert_non_null(strstr(last, "x-api-key: secret\r\nX-Mine: mine\r\n"));
  /* The session's. */
  creche_session_options so = session_options();
  so.headers = headers;
  so.headers_count = 3;
  use_session(&so);
  after_leaving(other, NULL);
  assert_null(strstr(last, "secret"));
  assert_non_null(strstr(last, "X-Mine: mine\r\nX-Other: kept\r\n"));
  so.private_headers = "X-Mine";
  use_session(&so);
  after_leaving(other, NULL);
  assert_non_null(strstr(last, "x-api-key: secret\r\nX-Other: kept\r\n"));
  assert_null(strstr(last, "X-Mine"));
  o = request_options();
  o.headers = headers + 1;
  o.headers_count = 1;
  after_leaving(other, &o);
  assert_null(strstr(last, "X-Mine"));
  so.private_headers = "";
  use_session(&so);
  after_leaving(other, NULL);
  assert_non_null(strstr(last, "x-api-key: secret\r\n"));
  creche_session none;
  so.private_headers = "no name";
  IS(creche_session_open(loop, &so, &none), CRECHE_E_INVALID);
  support_hostile_stop(other);
}

static void not_for_ever(void** state) {
  (void)state;
  creche_request_options o = request_options();
  o.max_redirects = 3;
  creche_completion c = fetch(at(support_hostile_url(server), "/loop"), &o);
  assert_int_equal(c.error->http_status, 302);
  expect_failure(c, CRECHE_E_REDIRECT, CRECHE_PHASE_HEADERS, 0);
  assert_int_equal(support_hostile_requests(server), 4);
}

static void not_everywhere(void** state) {
  (void)state;
  static const char* const paths[] = {"/to?ftp://host/", "/to?skype:x", "/to?http:///x",
                                      "/to?http://host:999999/", "/to?http://127.1/"};
  for (int i = 0; i < 5; i++)
    expect_failure(fetch(at(support_hostile_url(server), paths[i]), NULL), CRECHE_E_REDIRECT,
                   CRECHE_PHASE_HEADERS, 0);
}

static void secrets_stay_with_their_origin(void** state) {
  (void)state;
  support_hostile* other = support_hostile_start(redirecting, NULL);
  const creche_header headers[] = {
      creche_header_text("Authorization", "Bearer secret"), creche_header_text("Cookie", "a=b"),
      creche_header_text("Proxy-Authorization", "secret"),
      creche_header_text("Host", "own.example"), creche_header_text("X-Other", "kept")};
  creche_request_options o = request_options();
  o.headers = headers;
  o.headers_count = 5;
  expect_body(fetch(at(support_hostile_url(server), "/302"), &o), 200, "ok");
  assert_non_null(strstr(last, "Authorization: Bearer secret\r\n"));
  assert_non_null(strstr(last, "Host: own.example\r\n"));
  char path[128];
  snprintf(path, sizeof path, "/to?%s/end", support_hostile_url(other));
  expect_body(fetch(at(support_hostile_url(server), path), &o), 200, "ok");
  assert_null(strstr(last, "secret"));
  assert_null(strstr(last, "Cookie"));
  assert_null(strstr(last, "own.example"));
  assert_non_null(strstr(last, "X-Other: kept\r\n"));
  /* The session's, too; and those of the new URL are used. */
  creche_session_options so = session_options();
  so.headers = headers;
  so.headers_count = 2;
  use_session(&so);
  snprintf(path, sizeof path, "/to?http://u:p@127.0.0.1:%d/end", support_hostile_port(other));
  expect_body(fetch(at(support_hostile_url(server), path), NULL), 200, "ok");
  assert_null(strstr(last, "secret"));
  assert_non_null(strstr(last, "Authorization: Basic dTpw\r\n"));
  support_hostile_stop(other);
}

static void pulled_bodies_are_gone(void** state) {
  (void)state;
  creche_request_options o = request_options();
  o.flags = CRECHE_REQUEST_PULL_BODY;
  o.body_size = 4;
  for (int i = 0; i < 2; i++) {
    start(at(support_hostile_url(server), i == 0 ? "/303" : "/307"), &o, NULL);
    creche_completion c = next();
    assert_int_equal(c.kind, CRECHE_PULL);
    assert_int_equal(creche_task_answer(c.task, CRECHE_OK, "body", 4, 0, NULL), CRECHE_OK);
    drop(c);
    if (i == 0)
      expect_body(next(), 200, "ok");
    else
      expect_failure(next(), CRECHE_E_BODY, CRECHE_PHASE_HEADERS, 0);
  }
}

/* A redirect whose own body never ends: where to go is known. */
static void never_ends(support_peer* peer, void* user) {
  if (!support_expect_request(peer)) return;
  support_sendf(peer, "HTTP/1.1 302 Moved\r\nLocation: %s/end\r\n%s", support_hostile_url(server),
                (const char*)user);
  support_await_close(peer);
}
static void trickles_on(support_peer* peer, void* user) {
  if (!support_expect_request(peer)) return;
  support_sendf(peer, "HTTP/1.1 302 Moved\r\nLocation: %s/end\r\nContent-Length: 60000\r\n\r\n",
                support_hostile_url(server));
  while (support_trickle(peer, user, 1)) continue;
}
static void floods_on(support_peer* peer, void* user) {
  char block[4096] = {0};
  if (!support_expect_request(peer)) return;
  support_sendf(peer, "HTTP/1.1 302 Moved\r\nLocation: %s/end\r\n%s", support_hostile_url(server),
                (const char*)user);
  while (support_send(peer, block, sizeof block)) continue;
}

static void what_nobody_wants_is_not_waited_for(void** state) {
  (void)state;
  static const struct {
    support_script script;
    const char* text;
  } cases[] = {
      {never_ends, "Content-Length: 50\r\n\r\n0123456789"},
      {never_ends, "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"},
      {never_ends, "\r\nhello"},
      {never_ends, "Content-Length: 5\r\n\r\n"},
      {trickles_on, "x"},
      {floods_on, "\r\n"},
      {floods_on, "Content-Length: 1000000000\r\n\r\n"},
  };
  for (int i = 0; i < 7; i++) {
    support_hostile* other = support_hostile_start(cases[i].script, (void*)cases[i].text);
    expect_body(fetch(support_hostile_url(other), NULL), 200, "ok");
    assert_true(support_hostile_await_open(other, 0, PATIENCE_MS)); /* not kept */
    support_hostile_stop(other);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(methods_and_bodies, serve, stop),
      cmocka_unit_test_setup_teardown(what_describes_the_body_goes_with_it, serve, stop),
      cmocka_unit_test_setup_teardown(places_are_put_in_order, serve, stop),
      cmocka_unit_test_setup_teardown(only_real_ones, serve, stop),
      cmocka_unit_test_setup_teardown(not_for_ever, serve, stop),
      cmocka_unit_test_setup_teardown(not_everywhere, serve, stop),
      cmocka_unit_test_setup_teardown(secrets_stay_with_their_origin, serve, stop),
      cmocka_unit_test_setup_teardown(so_do_keys, serve, stop),
      cmocka_unit_test_setup_teardown(pulled_bodies_are_gone, serve, stop),
      cmocka_unit_test_setup_teardown(what_nobody_wants_is_not_waited_for, serve, stop),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

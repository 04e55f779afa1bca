/* What a URL can be made of: a base and a reference, a session's base_url, parameters. */
#include "http_test.h"

static const char* join(const char* base, const char* reference) {
  size_t size = 0;
  assert_int_equal(creche_url_join(base, reference, url_text, sizeof url_text, &size), CRECHE_OK);
  assert_int_equal(size, strlen(url_text));
  return url_text;
}

/* RFC 3986, 5.4.1 and 5.4.2: all of them. */
static void examples_of_the_rfc(void** state) {
  (void)state;
  static const char* const cases[][2] = {
      {"g:h", "g:h"},
      {"g", "http://a/b/c/g"},
      {"./g", "http://a/b/c/g"},
      {"g/", "http://a/b/c/g/"},
      {"/g", "http://a/g"},
      {"//g", "http://g"},
      {"?y", "http://a/b/c/d;p?y"},
      {"g?y", "http://a/b/c/g?y"},
      {"#s", "http://a/b/c/d;p?q#s"},
      {"g#s", "http://a/b/c/g#s"},
      {"g?y#s", "http://a/b/c/g?y#s"},
      {";x", "http://a/b/c/;x"},
      {"g;x", "http://a/b/c/g;x"},
      {"g;x?y#s", "http://a/b/c/g;x?y#s"},
      {"", "http://a/b/c/d;p?q"},
      {".", "http://a/b/c/"},
      {"./", "http://a/b/c/"},
      {"..", "http://a/b/"},
      {"../", "http://a/b/"},
      {"../g", "http://a/b/g"},
      {"../..", "http://a/"},
      {"../../", "http://a/"},
      {"../../g", "http://a/g"},
      {"../../../g", "http://a/g"},
      {"../../../../g", "http://a/g"},
      {"/./g", "http://a/g"},
      {"/../g", "http://a/g"},
      {"g.", "http://a/b/c/g."},
      {".g", "http://a/b/c/.g"},
      {"g..", "http://a/b/c/g.."},
      {"..g", "http://a/b/c/..g"},
      {"./../g", "http://a/b/g"},
      {"./g/.", "http://a/b/c/g/"},
      {"g/./h", "http://a/b/c/g/h"},
      {"g/../h", "http://a/b/c/h"},
      {"g;x=1/./y", "http://a/b/c/g;x=1/y"},
      {"g;x=1/../y", "http://a/b/c/y"},
      {"g?y/./x", "http://a/b/c/g?y/./x"},
      {"g?y/../x", "http://a/b/c/g?y/../x"},
      {"g#s/./x", "http://a/b/c/g#s/./x"},
      {"g#s/../x", "http://a/b/c/g#s/../x"},
      {"http:g", "http:g"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
    assert_string_equal(join("http://a/b/c/d;p?q", cases[i][0]), cases[i][1]);
}

/* Nothing that was written is written otherwise; other schemes and odd bases, too. */
static void joined_as_written(void** state) {
  (void)state;
  static const char* const cases[][3] = {
      {"HTTP://User:p%40w@Ex.ORG:080/%7ea/b c?x#f", "%2e%2E/%41?q=a+b&c=%2f#%zz",
       "HTTP://User:p%40w@Ex.ORG:080/%7ea/%2e%2E/%41?q=a+b&c=%2f#%zz"},
      {"http://a", "g", "http://a/g"},
      {"http://a?q", "g", "http://a/g"},
      {"http://a?q", "", "http://a?q"},
      {"http://a#f", "", "http://a"},
      {"http://a/b?q", "?", "http://a/b?"},
      {"http://a/b?q#f", "#", "http://a/b?q#"},
      {"http://a/b/", "c", "http://a/b/c"},
      {"http://a/b", "c", "http://a/c"},
      {"http://a/b/../c/", "d", "http://a/c/d"},
      {"http://a/b//", "../c", "http://a/b/c"},
      {"http://a/b", "c:d", "c:d"},
      {"http://a/b/", "./c:d", "http://a/b/c:d"},
      {"http://a/b", "1:d", "http://a/1:d"},
      {"http://a/b?c/d", "e", "http://a/e"},
      {"http://a/b?c#d?e", "?f", "http://a/b?f"},
      {"http://a/b", "x?y#z?w/..", "http://a/x?y#z?w/.."},
      {"http://a/b", "//g/../h", "http://g/h"},
      {"http://a/b", "//", "http://"},
      {"http://[::1]:8/x", "/\xc3\xa4", "http://[::1]:8/\xc3\xa4"},
      {"mailto:a@b", "c", "mailto:c"},
      {"urn:a", "../b", "urn:b"},
      {"file:/a/b", "../../..//c", "file:/.//c"}, /* not the host c */
      {"file:///a/b", "../c", "file:///c"},
      {"g:a/b", "..", "g:/"},
      {"http://a/b", "g:h/../i", "g:/i"},
      {"http://a/b", "g:../../i", "g:i"},
      {"http://a/b", "g:.", "g:"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
    assert_string_equal(join(cases[i][0], cases[i][1]), cases[i][2]);
}

static void what_a_join_refuses(void** state) {
  (void)state;
  char text[16];
  size_t size = 7;
  assert_int_equal(creche_url_join(NULL, "g", text, sizeof text, &size), CRECHE_E_INVALID);
  assert_int_equal(size, 0);
  assert_int_equal(creche_url_join("http://a", NULL, text, sizeof text, &size), CRECHE_E_INVALID);
  assert_int_equal(creche_url_join("http://a", "g", NULL, 1, &size), CRECHE_E_INVALID);
  static const char* const bases[] = {"", "a", "/a/b", "//a", ":a", "1a:b", "a b:c", "http://a\n/"};
  for (size_t i = 0; i < sizeof bases / sizeof bases[0]; i++) {
    assert_int_equal(creche_url_join(bases[i], "g", text, sizeof text, &size), CRECHE_E_URL);
    assert_int_equal(size, 0);
    assert_string_equal(text, "");
  }
  assert_int_equal(creche_url_join("http://a", "g\r\nX: y", text, sizeof text, NULL), CRECHE_E_URL);
  assert_int_equal(creche_url_join("http://a", "\x7f", text, sizeof text, NULL), CRECHE_E_URL);
  /* Of any size. */
  assert_int_equal(creche_url_join("http://a", "b", NULL, 0, &size), CRECHE_E_LIMIT);
  assert_int_equal(size, 10);
  assert_int_equal(creche_url_join("http://a", "b", text, 10, &size), CRECHE_E_LIMIT);
  assert_int_equal(size, 10);
  assert_string_equal(text, "http://a/");
  assert_int_equal(creche_url_join("http://a", "b", text, 11, NULL), CRECHE_OK);
  assert_string_equal(text, "http://a/b");
}

/* Answers with the request line and Authorization; redirects from /302 to /end. */
static void echo_line(support_peer* peer, void* user) {
  (void)user;
  while (support_expect_request(peer)) {
    const char* head = support_received(peer);
    const char* credentials = strstr(head, "Authorization: ");
    char text[1024];
    snprintf(text, sizeof text, "%.*s|%.*s", (int)strcspn(head, "\r"), head,
             credentials ? (int)strcspn(credentials, "\r") : 0, credentials ? credentials : "");
    if (strncmp(head, "GET /302", 8) == 0)
      support_send_text(peer, "HTTP/1.1 302 F\r\nLocation: /end\r\nContent-Length: 0\r\n\r\n");
    else
      support_sendf(peer, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s", strlen(text), text);
  }
}

static support_hostile* server;

static int serve(void** state) {
  server = support_hostile_start(echo_line, NULL);
  return set_up(state);
}
static int stop(void** state) {
  const int failed = tear_down(state);
  support_hostile_stop(server);
  return failed;
}

static void sessions_have_a_base(void** state) {
  (void)state;
  creche_session_options so = session_options();
  char base[128];
  snprintf(base, sizeof base, "http://u:p@127.0.0.1:%d/api/v1/?ignored#too",
           support_hostile_port(server));
  so.base_url = base;
  use_session(&so);
  memset(base, 'x', sizeof base - 1); /* it was copied */
  expect_body(fetch("users/%7e?a=%20b#c", NULL), 200,
              "GET /api/v1/users/%7e?a=%20b HTTP/1.1|Authorization: Basic dTpw");
  expect_body(fetch("../v2/", NULL), 200, "GET /api/v2/ HTTP/1.1|Authorization: Basic dTpw");
  expect_body(fetch("/x", NULL), 200, "GET /x HTTP/1.1|Authorization: Basic dTpw");
  expect_body(fetch("", NULL), 200, "GET /api/v1/?ignored HTTP/1.1|Authorization: Basic dTpw");
  /* A whole URL is left as it is. */
  expect_body(fetch(at(support_hostile_url(server), "/a/../b"), NULL), 200,
              "GET /a/../b HTTP/1.1|");
  creche_completion c = send_request("streamed", NULL);
  assert_int_equal(c.status, CRECHE_OK);
  drop(c);
  expect_failure(fetch("ftp:x", NULL), CRECHE_E_URL, CRECHE_PHASE_OPTIONS, 0);
  expect_failure(fetch("a\nb", NULL), CRECHE_E_URL, CRECHE_PHASE_OPTIONS, 0);
}

static void without_a_base(void** state) {
  (void)state;
  expect_failure(fetch("/x", NULL), CRECHE_E_URL, CRECHE_PHASE_OPTIONS, 0);
  static const char* const bad[] = {"", "/x", "ftp://h/", "http://", "http://u:secret@h:x/", "h\n"};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    creche_session_options so = session_options();
    creche_session session = {1};
    so.base_url = bad[i];
    assert_int_equal(creche_session_open(loop, &so, &session), CRECHE_E_URL);
    assert_int_equal(session.id, 0);
    assert_non_null(strstr(creche_last_error()->message, "base_url"));
    assert_null(strstr(creche_last_error()->message, "secret"));
  }
}

static void asked(const char* path, const creche_param* params, size_t count, const char* target) {
  creche_request_options o = request_options();
  char expected[1024];
  o.params = params;
  o.params_count = count;
  snprintf(expected, sizeof expected, "GET %s HTTP/1.1|", target);
  expect_body(fetch(at(support_hostile_url(server), path), &o), 200, expected);
}

static void parameters(void** state) {
  (void)state;
  const creche_param params[] = {
      creche_param_text("q", "a b+c&d=e/f?g#h%20"),
      creche_param_text("q", "again"),
      creche_param_text("\xc3\xa4[]", "\xe2\x82\xac"),
      creche_param_text("empty", ""),
      creche_param_text("none", NULL),
      {"bytes", "\0\n\xff", 3},
      creche_param_text("-._~", "*'()"),
  };
  const char* const query =
      "q=a%20b%2Bc%26d%3De%2Ff%3Fg%23h%2520&q=again&%C3%A4%5B%5D=%E2%82%AC&empty=&none&"
      "bytes=%00%0A%FF&-._~=%2A%27%28%29";
  static const char* const cases[][2] = {
      {"", "/?"},
      {"/", "/?"},
      {"/p", "/p?"},
      {"/p#f?g", "/p?"},
      {"/p?", "/p?"},
      {"/p?x", "/p?x&"},
      {"/p?x=%31&", "/p?x=%31&"},
      {"/p?x#f", "/p?x&"},
      {"/p?a?", "/p?a?"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char target[512];
    snprintf(target, sizeof target, "%s%s", cases[i][1], query);
    asked(cases[i][0], params, 7, target);
  }
  asked("/p?x#f", params, 0, "/p?x");
  /* On the response, but not on the next hop. */
  creche_request_options o = request_options();
  o.params = params + 3;
  o.params_count = 1;
  creche_completion c = fetch(at(support_hostile_url(server), "/p"), &o);
  assert_int_equal(c.status, CRECHE_OK);
  char url[128];
  snprintf(url, sizeof url, "%s/p?empty=", support_hostile_url(server));
  assert_string_equal(creche_response_url((creche_response){c.value}), url);
  drop(c);
  asked("/302", params, 7, "/end");
  /* They are secrets. */
  o.params = params + 1;
  expect_failure(fetch("http://127.0.0.1:1/", &o), CRECHE_E_CONNECT, CRECHE_PHASE_CONNECT,
                 CRECHE_ERROR_RETRYABLE | CRECHE_ERROR_UNSENT);
}

static void parameters_of_a_base(void** state) {
  (void)state;
  creche_session_options so = session_options();
  creche_request_options o = request_options();
  const creche_param p = creche_param_text("k", "v");
  so.base_url = at(support_hostile_url(server), "/api/");
  use_session(&so);
  o.params = &p;
  o.params_count = 1;
  expect_body(fetch("x?y", &o), 200, "GET /api/x?y&k=v HTTP/1.1|");
  expect_body(fetch("?#f", &o), 200, "GET /api/?k=v HTTP/1.1|");
}

static void parameters_that_are_refused(void** state) {
  (void)state;
  creche_request_options o = request_options();
  const creche_param no_name = {NULL, "x", 1}, no_value = {"x", NULL, 1};
  o.params_count = 1;
  for (int i = 0; i < 3; i++) {
    o.params = i == 0 ? NULL : i == 1 ? &no_name : &no_value;
    assert_int_equal(
        creche_session_fetch(web, loop.scope, "http://h/", &o, creche_nobody, NULL, NULL),
        CRECHE_E_INVALID);
    last_error_says("params");
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(examples_of_the_rfc),
      cmocka_unit_test(joined_as_written),
      cmocka_unit_test(what_a_join_refuses),
      cmocka_unit_test_setup_teardown(sessions_have_a_base, serve, stop),
      cmocka_unit_test_setup_teardown(without_a_base, serve, stop),
      cmocka_unit_test_setup_teardown(parameters, serve, stop),
      cmocka_unit_test_setup_teardown(parameters_of_a_base, serve, stop),
      cmocka_unit_test_setup_teardown(parameters_that_are_refused, serve, stop),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

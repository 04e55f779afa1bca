/* No message, dump or hook holds a secret: the user info of a URL, its query, Authorization,
 * cookies; and every message is UTF-8, whatever was given. */
#include <stdatomic.h>

#include "http_test.h"

#define SECRET "hush5ecret"

/* ---- What was seen: every text that the library made ---- */
static char leaked[1024]; /* the first one with the secret in it */
static int bad_text;      /* texts that were no UTF-8 */
static atomic_int looked_at;

/* 0 for what is no UTF-8 (lengths and continuations; that is what a cut breaks). */
static int is_utf8(const char* text) {
  while (*text != '\0') {
    const unsigned char first = (unsigned char)*text;
    int more = first < 0x80 ? 0 : first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : first >= 0xc2 ? 1 : -1;
    if (more < 0 || first > 0xf4) return 0;
    for (text++; more > 0; more--, text++)
      if (((unsigned char)*text & 0xc0) != 0x80) return 0;
  }
  return 1;
}

static void look(const char* text) {
  if (text == NULL) return;
  looked_at++;
  if (!is_utf8(text)) bad_text++;
  if (strstr(text, SECRET) != NULL && leaked[0] == '\0')
    snprintf(leaked, sizeof leaked, "%s", text);
}

static void look_at_error(const creche_error* error) {
  if (error == NULL) return;
  look(error->message);
  look(error->reason_text);
  for (const creche_error* cause = error->cause; cause != NULL; cause = cause->cause)
    look(cause->message);
  for (size_t i = 0; i < error->children_count; i++) look_at_error(error->children[i]);
}

static void on_event(void* user, const creche_trace_event* event) {
  (void)user;
  look(event->name);
  look(event->site);
  look(event->text);
}

static void look_at_dumps(void) {
  static const uint32_t formats[] = {CRECHE_DUMP_TEXT, CRECHE_DUMP_JSON, CRECHE_DUMP_DOT};
  static char dump[65536];
  for (int i = 0; i < 3; i++) {
    size_t size = 0;
    assert_int_equal(creche_loop_dump(loop, formats[i], dump, sizeof dump, &size), CRECHE_OK);
    assert_true(size > 0 && size < sizeof dump);
    look(dump);
  }
}

static void nothing_leaked(void) {
  if (leaked[0] != '\0') fail_msg("\"%s\" holds the secret", leaked);
  assert_int_equal(bad_text, 0);
  assert_true(looked_at > 0);
}

static int open_with_hooks(void** state) {
  creche_loop_options o;
  creche_hooks hooks;
  (void)state;
  leaked[0] = '\0';
  bad_text = 0;
  looked_at = 0;
  creche_loop_options_init(&o, sizeof o);
  creche_hooks_init(&hooks, sizeof hooks);
  hooks.spawned = hooks.started = hooks.ended = hooks.cancelled = on_event;
  hooks.stalled = hooks.leaked = on_event;
  o.hooks = &hooks;
  creche_task_options_init(&to_queue, sizeof to_queue);
  if (creche_loop_open(&o, &loop) || creche_queue_open(loop, NULL, &queue) ||
      creche_session_open(loop, NULL, &web))
    return -1;
  to_queue.queue = queue;
  return 0;
}

/* What the n-th kind of server does with a request. */
static void misbehave(support_peer* peer, void* user) {
  static const char* const answers[] = {
      "",
      "HTTP/1.1 abc\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort",
      "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello",
      "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n",
      "HTTP/1.1 302 X\r\nLocation: http://u:" SECRET "@host:" SECRET
      "/\r\nContent-Length: 0\r\n\r\n",
      "HTTP/1.1 302 X\r\nLocation: u:" SECRET "@host\r\nContent-Length: 0\r\n\r\n",
      "HTTP/1.1 302 X\r\nLocation: ?a=" SECRET "\r\nContent-Length: 0\r\n\r\n",
      "HTTP/1.1 200 OK\r\nSet-Cookie: a=" SECRET "\x01\r\n\r\n",
      "HTTP/1.1 200 OK\r\nSet-Cookie: a=\xff\r\n" SECRET "\r\n\r\n",
      ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" SECRET)};
  const int which = *(const int*)user;
  while (support_expect_request(peer))
    if (which >= (int)(sizeof answers / sizeof *answers) || which < 0 ||
        !support_send_text(peer, answers[which]) || which < 5)
      return;
}

static void failures_tell_no_secrets(void** state) {
  (void)state;
  const creche_header headers[] = {creche_header_text("Authorization", "Bearer " SECRET),
                                   creche_header_text("Cookie", "a=" SECRET),
                                   creche_header_text("Proxy-Authorization", SECRET)};
  creche_request_options o = request_options();
  o.headers = headers;
  o.headers_count = 3;
  o.max_redirects = 2;
  for (int which = 0; which < 11; which++) {
    support_hostile* server = support_hostile_start(misbehave, &which);
    char url[256];
    snprintf(url, sizeof url, "http://user:" SECRET "@127.0.0.1:%d/x?key=" SECRET,
             support_hostile_port(server));
    for (int stream = 0; stream < 2; stream++) {
      creche_completion c = stream ? send_request(url, &o) : fetch(url, &o);
      look_at_error(c.error);
      if (c.status == CRECHE_OK) {
        const creche_response response = {c.value};
        for (creche_status status = CRECHE_OK; status == CRECHE_OK;) {
          creche_completion piece = read_some(response, 0);
          status = piece.kind == CRECHE_END ? CRECHE_E_ENDED : piece.status;
          look_at_error(piece.error);
          drop(piece);
        }
      }
      drop(c);
    }
    support_hostile_stop(server);
  }
  nothing_leaked();
}

static void silent(support_peer* peer, void* user) {
  (void)user;
  support_await_close(peer);
}

/* While it is under way, when it is cut short, and when it waits in line. */
static void dumps_and_hooks_tell_no_secrets(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(silent, NULL);
  creche_session_options so = session_options();
  const creche_header header = creche_header_text("Authorization", "Bearer " SECRET);
  so.limit = 1;
  so.headers = &header;
  so.headers_count = 1;
  use_session(&so);
  char url[256];
  snprintf(url, sizeof url, "http://user:" SECRET "@127.0.0.1:%d/x?key=" SECRET,
           support_hostile_port(server));
  creche_task tasks[3];
  for (int i = 0; i < 3; i++) tasks[i] = start(url, NULL, NULL);
  assert_true(support_hostile_await_connections(server, 1, PATIENCE_MS));
  look_at_dumps();
  assert_int_equal(creche_scope_cancel(tasks[0].scope, NULL), CRECHE_OK);
  creche_completion c = next();
  look_at_error(c.error);
  drop(c);
  assert_int_equal(creche_session_close(web, creche_nobody, NULL), CRECHE_OK);
  for (int i = 0; i < 2; i++) {
    c = next();
    assert_int_equal(c.status, CRECHE_E_CLOSED);
    look_at_error(c.error);
    drop(c);
  }
  look_at_dumps();
  nothing_leaked();
  support_hostile_stop(server);
}

/* What is wrong in what the user gave is said without it. */
static void mistakes_are_not_repeated(void** state) {
  (void)state;
  static const char* const urls[] = {"http://user:" SECRET "@host:99999/",
                                     "http://user:" SECRET "/x@host/",
                                     "http://user:" SECRET "@ho st/",
                                     SECRET ":x@host",
                                     "http:user:" SECRET "@host",
                                     "http://user:" SECRET "@[::1",
                                     "http://user:" SECRET "@h\xff/",
                                     "http://user:" SECRET "\x01@host/",
                                     "ftp://user:" SECRET "@host/",
                                     "http://user:" SECRET "@1.2.3/",
                                     "http://user:" SECRET "@no-such-host.invalid/?" SECRET};
  for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
    creche_completion c = fetch(urls[i], NULL);
    assert_int_not_equal(c.status, CRECHE_OK);
    look_at_error(c.error);
    drop(c);
  }
  const creche_header bad[] = {creche_header_text("Authorization", SECRET "\n"),
                               creche_header_text("Cookie: " SECRET, "x"),
                               creche_header_text(SECRET "\xff", "x")};
  for (int i = 0; i < 3; i++) {
    creche_request_options o = request_options();
    o.headers = &bad[i];
    o.headers_count = 1;
    creche_completion c = fetch("http://host/", &o);
    assert_int_equal(c.status, CRECHE_E_INVALID);
    look_at_error(c.error);
    drop(c);
    creche_session_options so = session_options();
    creche_session none;
    so.headers = &bad[i];
    so.headers_count = 1;
    assert_int_equal(creche_session_open(loop, &so, &none), CRECHE_E_INVALID);
    look(creche_last_error()->message);
  }
  creche_request_options o = request_options();
  o.method = SECRET " \xff";
  creche_completion c = fetch("http://host/", &o);
  look_at_error(c.error);
  drop(c);
  nothing_leaked();
}

/* Bytes of names and files that are no UTF-8, and texts that are cut, make no message that is none.
 */
static void every_message_is_utf8(void** state) {
  (void)state;
  creche_session_options so = session_options();
  creche_session none;
  char path[600] = "/no/such/\xff\xe9";
  for (size_t extra = 0; extra < 8; extra++) { /* its cut falls into each place of a character */
    so.ca_file = path;
    assert_int_not_equal(creche_session_open(loop, &so, &none), CRECHE_OK);
    look(creche_last_error()->message);
    memset(path, 'x', 300 + extra);
    for (size_t i = 300 + extra; i + 3 < sizeof path; i += 3) memcpy(path + i, "\xe2\x82\xac", 4);
  }
  creche_task task = start("http://127.0.0.1:1/", NULL, NULL);
  creche_scope_cancel(task.scope, "why \xff\xe2\x82");
  creche_completion c = next();
  look_at_error(c.error);
  drop(c);
  static const char* const urls[] = {"http://\xff/", "\xff://h/", "http://h/\xff:\xc3",
                                     "http://u:\xff@h:x/", "http://[\xff]/"};
  for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
    c = fetch(urls[i], NULL);
    look_at_error(c.error);
    drop(c);
  }
  nothing_leaked();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(failures_tell_no_secrets, open_with_hooks, tear_down),
      cmocka_unit_test_setup_teardown(dumps_and_hooks_tell_no_secrets, open_with_hooks, tear_down),
      cmocka_unit_test_setup_teardown(mistakes_are_not_repeated, open_with_hooks, tear_down),
      cmocka_unit_test_setup_teardown(every_message_is_utf8, open_with_hooks, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

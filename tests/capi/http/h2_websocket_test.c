/* WebSockets over HTTP/2 (RFC 8441): one stream each, beside requests. */
#include "h2_front.h"
#include "h2_test.h"
#include "sockets.h"
#include "support/h2_tunnel.h"

enum { kNoError = 0, kProtocolError = 1, kRefused = 7, kCancel = 8 };

static char others_url[64];
static const char* http(const support_hostile* server) {
  snprintf(others_url, sizeof others_url, "%s", support_hostile_url(server));
  return others_url;
}

/* What a script has seen, checked by the test once the server has stopped. */
static struct seen {
  char fields[8192];
  int ended, reset;
} seen;

static void note_end(const support_h2_tunnel* t) {
  seen.ended = t->ended;
  seen.reset = t->reset - 1;
}

static int is_over(support_hostile* server) {
  creche_session_release(web);
  const int over = support_hostile_await_open(server, 0, PATIENCE_MS);
  support_hostile_stop(server);
  return over;
}

/* ---- There and back ---- */

static void echo(support_peer* peer, void* user) {
  static unsigned char payload[1 << 20];
  support_h2_tunnel t = {0};
  size_t size;
  while (support_h2_tunnel_open(&t, peer, user)) {
    memcpy(seen.fields, t.request.fields, sizeof seen.fields);
    for (int first = 0; first >= 0;) {
      first = support_h2_socket_take(&t, payload, sizeof payload, &size);
      if (first < 0 || !support_h2_socket_send(&t, first, payload, size)) break;
      if ((first & 15) != 8) continue;
      if (support_h2_tunnel_await_end(&t)) support_h2_tunnel_send(&t, NULL, 0, 1);
      break;
    }
    note_end(&t);
  }
  support_h2_tunnel_close(&t);
}

static void there_and_back(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(echo, NULL);
  const char* const protocols[] = {"chat"};
  creche_websocket_options o = socket_options();
  o.protocols = protocols;
  o.protocols_count = 1;
  must_open_by(200, ws(server), &o);
  send_text("hello");
  expect_message(CRECHE_WEBSOCKET_TEXT, "hello");
  static char big[300000];
  for (size_t size = 125; size <= sizeof big; size = size < 127 ? size + 1 : size * 2) {
    memset(big, 'x', size);
    OK(creche_websocket_send(socket_, loop.scope, CRECHE_WEBSOCKET_BINARY, big, size, &to_queue,
                             NULL, NULL, NULL));
    creche_completion c = next();
    assert_int_equal(c.status, CRECHE_OK);
    drop(c);
    c = receive();
    assert_int_equal(c.code, CRECHE_WEBSOCKET_BINARY);
    assert_int_equal(c.data_size, size);
    assert_memory_equal(c.data, big, size);
    drop(c);
    expect_body(fetch(http(server), NULL), 200, "hello");
  }
  creche_completion c = close_socket(4000, "bye");
  assert_int_equal(c.status, CRECHE_OK);
  assert_int_equal(c.code, 4000);
  drop(c);
  expect_end(4000, "bye");
  creche_websocket_release(socket_);
  /* The connection is as good as before, and carries another one. */
  must_open_by(200, ws(server), NULL);
  send_text("again");
  expect_message(CRECHE_WEBSOCKET_TEXT, "again");
  drop(close_socket(1000, NULL));
  creche_websocket_release(socket_);
  assert_int_equal(session_counters(web).connects, 1);
  assert_true(is_over(server));
  assert_true(seen.ended);
  assert_int_equal(seen.reset, -1);
}

static void asks_as_the_standard_says(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(echo, "sec-websocket-protocol: chat\n");
  const creche_header header = {"X-Of-Mine", "1", 1};
  const char* const protocols[] = {"chat"};
  creche_request_options r = request_options();
  creche_websocket_options o = socket_options();
  r.headers = &header;
  r.headers_count = 1;
  o.request = &r;
  o.protocols = protocols;
  o.protocols_count = 1;
  must_open_by(200, ws(server), &o);
  assert_string_equal(creche_websocket_protocol(socket_), "chat");
  drop(close_socket(1000, NULL));
  end(server);
  static const char* const there[] = {":method: CONNECT\n",
                                      ":protocol: websocket\n",
                                      ":scheme: http\n",
                                      ":path: /chat\n",
                                      ":authority: 127.0.0.1:",
                                      "sec-websocket-version: 13\n",
                                      "sec-websocket-protocol: chat\n",
                                      "sec-websocket-extensions: permessage-deflate",
                                      "x-of-mine: 1\n"};
  for (size_t i = 0; i < sizeof there / sizeof *there; i++)
    if (strstr(seen.fields, there[i]) == NULL) fail_msg("no %s in %s", there[i], seen.fields);
  assert_null(strstr(seen.fields, "sec-websocket-key"));
  assert_null(strstr(seen.fields, "upgrade"));
  assert_null(strstr(seen.fields, "connection"));
  assert_true(strstr(seen.fields, ":path") < strstr(seen.fields, "sec-"));
}

static void compressed(support_peer* peer, void* user) {
  support_h2_tunnel t = {0};
  unsigned char payload[256];
  size_t size;
  (void)user;
  if (support_h2_tunnel_open(&t, peer, "sec-websocket-extensions: permessage-deflate\n")) {
    support_h2_socket_send(&t, 0xc1, "\xf2\x48\xcd\xc9\xc9\x07\x00", 7);
    if (support_h2_socket_take(&t, payload, sizeof payload, &size) == 0xc1 && size < 200)
      support_h2_socket_send(&t, 0x81, "shorter", 7);
  }
  support_h2_tunnel_rest(&t);
  support_h2_tunnel_close(&t);
}

static void messages_are_compressed(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(compressed, NULL);
  must_open_by(200, ws(server), NULL);
  expect_message(CRECHE_WEBSOCKET_TEXT, "Hello");
  char text[201];
  memset(text, 'x', 200);
  text[200] = '\0';
  send_text(text);
  expect_message(CRECHE_WEBSOCKET_TEXT, "shorter");
  creche_websocket_release(socket_);
  assert_true(is_over(server));
}

/* ---- What comes with the answer ---- */

static void says_at_once(support_peer* peer, void* user) {
  support_h2_tunnel t = {0};
  if (support_h2_tunnel_open(&t, peer, NULL)) {
    support_h2_tunnel_send(&t,
                           "\x81\x03Hel\x82\x01x\x88\x05\x03\xe8"
                           "bye",
                           15, user != NULL);
    support_h2_tunnel_await_end(&t);
    note_end(&t);
  }
  support_h2_tunnel_rest(&t);
  support_h2_tunnel_close(&t);
}

static void what_comes_with_the_answer(void** state) {
  (void)state;
  for (int ends = 0; ends < 2; ends++) {
    support_hostile* server = support_hostile_start(says_at_once, ends ? &seen : NULL);
    must_open_by(200, ws(server), NULL);
    expect_message(CRECHE_WEBSOCKET_TEXT, "Hel");
    expect_message(CRECHE_WEBSOCKET_BINARY, "x");
    expect_end(1000, "bye");
    creche_websocket_release(socket_);
    expect_body(fetch(http(server), NULL), 200, "hello");
    assert_int_equal(session_counters(web).connects, ends + 1);
    support_hostile_stop(server);
    assert_true(seen.ended);
  }
}

/* ---- What the server offers ---- */

static void offers_late(support_peer* peer, void* user) {
  (void)user;
  /* What comes before the settings are said is the preface, settings and a window. */
  if (!support_expect_bytes(peer, 24 + 9 + 24 + 13)) return;
  support_count_request(peer);
  if (support_expect_bytes(peer, 1)) support_count_request(peer);
}

/* Nothing is asked for before the settings have come. */
static void settings_are_awaited(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(offers_late, NULL);
  creche_request_options r = request_options();
  creche_websocket_options o = socket_options();
  r.timeouts.send = 200 * CRECHE_MILLISECOND;
  o.request = &r;
  creche_completion c = open_socket(ws(server), &o);
  assert_int_equal(c.status, CRECHE_E_TIMEOUT);
  assert_int_equal(c.error->phase, CRECHE_PHASE_SEND);
  drop(c);
  assert_int_equal(support_hostile_requests(server), 1);
  support_hostile_stop(server);
}

static void offers_nothing(support_peer* peer, void* user) {
  support_h2* h = support_h2_open(peer);
  support_h2_request r;
  (void)user;
  while (h != NULL && support_h2_next_request(h, &r))
    support_h2_answer(h, r.stream, 200, NULL, strstr(r.fields, ":protocol") ? "what?" : "hello");
  support_h2_close(h);
}

static void nothing_is_offered(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(offers_nothing, NULL);
  for (int i = 0; i < 2; i++) { /* on a new connection, and on a kept one */
    creche_completion c = open_socket(ws(server), NULL);
    assert_int_equal(c.status, CRECHE_E_DISCONNECTED);
    assert_non_null(strstr(creche_error_message(c.error), "CRECHE_HTTP_1_1"));
    drop(c);
    expect_body(fetch(http(server), NULL), 200, "hello");
  }
  assert_int_equal(session_counters(web).connects, 1);
  support_hostile_stop(server);
}

/* Where both may be spoken: by HTTP/2 if the server offers that, else by HTTP/1.1. */
static void greets(support_peer* peer, void* user) {
  (void)user;
  if (support_websocket_accept(peer, "", NULL, 0)) support_websocket_send(peer, 0x81, "by 1", 4);
  support_await_close(peer);
}
static void greets_by_2(support_peer* peer, void* user) {
  support_h2_tunnel t = {0};
  (void)user;
  while (support_h2_tunnel_open(&t, peer, NULL)) support_h2_socket_send(&t, 0x81, "by 2", 4);
  support_h2_tunnel_close(&t);
}

static void what_may_be_spoken(void** state) {
  (void)state;
  static const struct {
    const char* alpn;
    support_script by_2;
    uint32_t versions, code, connects;
  } cases[] = {
      {"\x02h2\x08http/1.1", greets_by_2, CRECHE_HTTP_1_1 | CRECHE_HTTP_2, 200, 1},
      {"\x02h2\x08http/1.1", greets_by_2, CRECHE_HTTP_1_1, 101, 1},
      {"\x02h2\x08http/1.1", greets_by_2, CRECHE_HTTP_2, 200, 1},
      {"\x02h2\x08http/1.1", offers_nothing, CRECHE_HTTP_1_1 | CRECHE_HTTP_2, 101, 3},
      {"\x08http/1.1", offers_nothing, CRECHE_HTTP_1_1 | CRECHE_HTTP_2, 101, 2},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    SSL_CTX_set_alpn_select_cb(tls, prefer, (void*)cases[i].alpn);
    by_2 = support_hostile_start(cases[i].by_2, NULL);
    by_1 = support_hostile_start(greets, NULL);
    support_hostile* server = support_hostile_start(by_alpn, NULL);
    creche_session_options s = session_options();
    s.versions = cases[i].versions;
    s.ca_file = ca_path;
    use_session(&s);
    char url[64];
    snprintf(url, sizeof url, "wss://localhost:%d/", support_hostile_port(server));
    /* A second one finds the connection, and what is known of it. */
    for (int n = 0; n < (cases[i].code == 200 || cases[i].connects > 1 ? 2 : 1); n++) {
      must_open_by(cases[i].code, url, NULL);
      expect_message(CRECHE_WEBSOCKET_TEXT, cases[i].code == 200 ? "by 2" : "by 1");
      creche_websocket_release(socket_);
    }
    assert_int_equal(session_counters(web).connects, cases[i].connects);
    support_hostile_stop(server);
    support_hostile_stop(by_2);
    support_hostile_stop(by_1);
  }
}

/* ---- Refused ---- */

static void answers(support_peer* peer, void* user) {
  support_h2_tunnel t = {0};
  int status;
  while (support_h2_tunnel_await(&t, peer)) {
    if (sscanf(t.request.path, "/%d", &status) != 1) status = 200;
    if (strcmp(t.request.path, "/refused") == 0 && support_peer_index(peer) == 0)
      support_h2_reset(t.h, t.stream, kRefused);
    else if (status == 302)
      support_h2_answer(t.h, t.stream, status, "location: /there\n", "moved");
    else if (status != 200)
      support_h2_answer(t.h, t.stream, status, user, "no");
    else if (support_h2_head(t.h, t.stream, status, user, H2_END_HEADERS))
      support_h2_socket_send(&t, 0x81, "here", 4);
  }
  support_h2_tunnel_close(&t);
}

static void refusals(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(answers, NULL);
  char url[96];
  for (int status = 400; status < 600; status += 50) {
    snprintf(url, sizeof url, "%s/%d", support_hostile_url(server), status);
    creche_completion c = open_socket(url, NULL);
    assert_int_equal(c.status, CRECHE_E_PROTOCOL);
    assert_int_equal(c.code, status);
    assert_int_equal(c.error->http_status, status);
    drop(c);
  }
  /* Sent elsewhere: as any request. */
  snprintf(url, sizeof url, "%s/302", support_hostile_url(server));
  must_open_by(200, url, NULL);
  expect_message(CRECHE_WEBSOCKET_TEXT, "here");
  creche_websocket_release(socket_);
  assert_int_equal(session_counters(web).connects, 1);
  /* Not begun with: asked for again. */
  snprintf(url, sizeof url, "%s/refused", support_hostile_url(server));
  creche_completion c = open_socket(url, NULL);
  assert_int_equal(c.status, CRECHE_E_DISCONNECTED);
  drop(c);
  support_hostile_stop(server);
  /* 2xx, but not what was offered. */
  static const char* const wrong[] = {"sec-websocket-protocol: other\n",
                                      "sec-websocket-extensions: what\n"};
  for (int i = 0; i < 2; i++) {
    server = support_hostile_start(answers, (void*)wrong[i]);
    c = open_socket(ws(server), NULL);
    assert_int_equal(c.status, CRECHE_E_PROTOCOL);
    assert_int_equal(c.error->http_status, 200);
    drop(c);
    expect_body(fetch(http(server), NULL), 200, "hello");
    support_hostile_stop(server);
  }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, h2_set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(there_and_back),          TEST(asks_as_the_standard_says),
      TEST(messages_are_compressed), TEST(what_comes_with_the_answer),
      TEST(settings_are_awaited),    TEST(nothing_is_offered),
      TEST(what_may_be_spoken),      TEST(refusals),
  };
  return cmocka_run_group_tests_name("WebSockets over HTTP/2", tests, make_tls, free_tls);
}

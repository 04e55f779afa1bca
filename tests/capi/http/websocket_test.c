/* WebSockets against a server that does what it is told, right or wrong. */
#include <stdatomic.h>

#include "sockets.h"

/* ---- Messages there and back ---- */

static void echo(support_peer* peer, void* user) {
  static unsigned char payload[1 << 20];
  size_t size;
  if (!support_websocket_accept(peer, user != NULL ? user : "", NULL, 0)) return;
  for (;;) {
    const int first = support_websocket_take(peer, payload, sizeof payload, &size);
    if (first < 0) return;
    if (!support_websocket_send(peer, first, payload, size) || (first & 15) == 8) return;
  }
}

static void there_and_back(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(echo, NULL);
  must_open(ws(server), NULL);
  assert_string_equal(creche_websocket_protocol(socket_), "");
  send_text("hello");
  send_text("");
  expect_message(CRECHE_WEBSOCKET_TEXT, "hello");
  expect_message(CRECHE_WEBSOCKET_TEXT, "");
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
  }
  creche_completion c = close_socket(4000, "bye");
  assert_int_equal(c.status, CRECHE_OK);
  assert_int_equal(c.code, 4000);
  drop(c);
  expect_end(4000, "bye");
  OK(creche_websocket_send(socket_, loop.scope, CRECHE_WEBSOCKET_TEXT, "x", 1, &to_queue, NULL,
                           NULL, NULL));
  c = next();
  assert_int_equal(c.status, CRECHE_E_CLOSED);
  drop(c);
  c = close_socket(1000, NULL);
  assert_int_equal(c.code, 4000);
  drop(c);
  assert_int_equal(session_counters(web).active, 0);
  assert_int_equal(session_counters(web).idle, 0); /* never used for anything else */
  end(server);
}

static void what_comes_with_the_answer(void** state) {
  (void)state;
  static const char frames[] =
      "\x01\x03"
      "Hel"
      "\x89\x01"
      "p"
      "\x80\x02"
      "lo"
      "\x82\x01"
      "x"
      "\x88\x05\x03\xe8"
      "bye";
  struct said said = {frames, sizeof frames - 1};
  support_script scripts[] = {say, say_bytewise};
  for (int i = 0; i < 2; i++) {
    support_hostile* server = support_hostile_start(scripts[i], &said);
    must_open(ws(server), NULL);
    expect_message(CRECHE_WEBSOCKET_TEXT, "Hello");
    expect_message(CRECHE_WEBSOCKET_BINARY, "x");
    expect_end(1000, "bye");
    end(server);
  }
}

/* ---- What is against the protocol ---- */

static void broken_by(const char* bytes, size_t size, creche_status status, const char* part) {
  struct said said = {bytes, size};
  support_hostile* server = support_hostile_start(say_bytewise, &said);
  creche_websocket_options o = socket_options();
  o.max_message = 16;
  must_open(ws(server), &o);
  expect_broken(status, part);
  end(server);
}
#define BROKEN(bytes, status, part) broken_by(bytes, sizeof(bytes) - 1, status, part)

static void against_the_protocol(void** state) {
  (void)state;
  BROKEN(
      "\x81\x81"
      "abcd"
      "x",
      CRECHE_E_PROTOCOL, "masked");
  BROKEN(
      "\xc1\x01"
      "x",
      CRECHE_E_PROTOCOL, "compressed");
  BROKEN(
      "\xa1\x01"
      "x",
      CRECHE_E_PROTOCOL, "reserved");
  BROKEN(
      "\x83\x01"
      "x",
      CRECHE_E_PROTOCOL, "unknown");
  BROKEN(
      "\x80\x01"
      "x",
      CRECHE_E_PROTOCOL, "not begun");
  BROKEN(
      "\x01\x01"
      "x"
      "\x81\x01"
      "y",
      CRECHE_E_PROTOCOL, "inside");
  BROKEN("\x09\x00", CRECHE_E_PROTOCOL, "fragmented");
  BROKEN("\x89\x7e\x00\x7e", CRECHE_E_PROTOCOL, "125");
  BROKEN(
      "\x81\x7e\x00\x05"
      "hello",
      CRECHE_E_PROTOCOL, "longer than it is");
  BROKEN("\x82\x7f\x80\x00\x00\x00\x00\x00\x00\x00", CRECHE_E_PROTOCOL, "measure");
  BROKEN("\x88\x01\x03", CRECHE_E_PROTOCOL, "half a code");
  BROKEN("\x88\x02\x03\xed", CRECHE_E_PROTOCOL, "nobody may send"); /* 1005 */
  BROKEN("\x88\x02\x03\xee", CRECHE_E_PROTOCOL, "nobody may send"); /* 1006 */
  BROKEN("\x88\x02\x00\x00", CRECHE_E_PROTOCOL, "nobody may send");
  BROKEN("\x88\x02\x07\xd0", CRECHE_E_PROTOCOL, "nobody may send"); /* 2000 */
  BROKEN("\x88\x03\x03\xe8\xff", CRECHE_E_PROTOCOL, "reason");
  BROKEN("\x81\x02\xc3\x28", CRECHE_E_PROTOCOL, "UTF-8");
  BROKEN("\x81\x01\xc3", CRECHE_E_PROTOCOL, "inside a character");
  BROKEN("\x01\x01\xed\x00\x01\xa0", CRECHE_E_PROTOCOL, "UTF-8"); /* before its end */
  BROKEN(
      "\x82\x11"
      "0123456789abcdefg",
      CRECHE_E_LIMIT, "max_message");
  BROKEN(
      "\x02\x10"
      "0123456789abcdef"
      "\x80\x01",
      CRECHE_E_LIMIT, "max_message");
}

static void exactly_the_longest(void** state) {
  (void)state;
  static const char frames[] =
      "\x02\x08"
      "01234567"
      "\x80\x08"
      "89abcdef";
  struct said said = {frames, sizeof frames - 1};
  support_hostile* server = support_hostile_start(say, &said);
  creche_websocket_options o = socket_options();
  o.max_message = 16;
  must_open(ws(server), &o);
  expect_message(CRECHE_WEBSOCKET_BINARY, "0123456789abcdef");
  end(server);
}

/* The server hears why. */
static atomic_int heard;

static void listen_for_code(support_peer* peer, void* user) {
  unsigned char payload[256];
  size_t size = 0;
  (void)user;
  if (!support_websocket_accept(peer, "", "\x81\x01\xff", 3)) return;
  if (support_websocket_take(peer, payload, sizeof payload, &size) == 0x88 && size > 2)
    atomic_store(&heard, payload[0] << 8 | payload[1]);
}

static void the_server_hears_why(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(listen_for_code, NULL);
  must_open(ws(server), NULL);
  expect_broken(CRECHE_E_PROTOCOL, "UTF-8");
  end(server);
  assert_int_equal(atomic_load(&heard), 1007);
}

/* ---- The handshake ---- */

static void answer_wrongly(support_peer* peer, void* user) {
  char accept[32], text[512];
  if (!support_expect_request(peer) || !support_websocket_answer_of(peer, accept)) return;
  snprintf(text, sizeof text, user, accept); /* NOLINT */
  support_send_text(peer, text);
  support_await_close(peer);
}

static void refused(const char* answer, uint32_t status, const char* part) {
  support_hostile* server = support_hostile_start(answer_wrongly, (void*)(uintptr_t)answer);
  creche_completion c = open_socket(ws(server), NULL);
  if (c.status != CRECHE_E_PROTOCOL || strstr(c.error->message, part) == NULL)
    fail_msg("%s: %s", creche_status_name(c.status), creche_error_message(c.error));
  assert_int_equal(c.code, status);
  assert_int_equal(c.error->http_status, status);
  drop(c);
  assert_true(support_hostile_await_open(server, 0, PATIENCE_MS));
  support_hostile_stop(server);
}

static void handshakes_that_fail(void** state) {
  (void)state;
#define SWITCHING "HTTP/1.1 101 Switching\r\n"
#define UPGRADE "Upgrade: websocket\r\n"
#define CONNECTION "Connection: Upgrade\r\n"
#define ACCEPT "Sec-WebSocket-Accept: %s\r\n"
  refused("HTTP/1.1 200 %s\r\nContent-Length: 0\r\n\r\n", 200, "in place of a WebSocket");
  refused("HTTP/1.1 403 %s\r\nContent-Length: 0\r\n\r\n", 403, "in place of a WebSocket");
  refused("HTTP/1.0 101 Switching\r\n" UPGRADE CONNECTION ACCEPT "\r\n", 101, "HTTP/1.0");
  refused(SWITCHING CONNECTION ACCEPT "\r\n", 101, "Upgrade: websocket");
  refused(SWITCHING "Upgrade: notwebsocket\r\n" CONNECTION ACCEPT "\r\n", 101,
          "Upgrade: websocket");
  refused(SWITCHING UPGRADE ACCEPT "\r\n", 101, "Connection: Upgrade");
  refused(SWITCHING UPGRADE "Connection: notupgrade\r\n" ACCEPT "\r\n", 101, "Connection: Upgrade");
  refused(SWITCHING UPGRADE CONNECTION "\r\n", 101, "Sec-WebSocket-Accept");
  refused(SWITCHING UPGRADE CONNECTION "Sec-WebSocket-Accept: x%s\r\n\r\n", 101,
          "Sec-WebSocket-Accept");
  refused(SWITCHING UPGRADE CONNECTION ACCEPT "Sec-WebSocket-Protocol: chat\r\n\r\n", 101,
          "Sec-WebSocket-Protocol");
  refused(SWITCHING UPGRADE CONNECTION ACCEPT "Sec-WebSocket-Extensions: x-webkit\r\n\r\n", 101,
          "Sec-WebSocket-Extensions");
  refused(SWITCHING UPGRADE CONNECTION ACCEPT
          "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=7\r\n\r\n",
          101, "Sec-WebSocket-Extensions");
  refused(SWITCHING UPGRADE CONNECTION ACCEPT
          "Sec-WebSocket-Extensions: permessage-deflate; foo\r\n\r\n",
          101, "Sec-WebSocket-Extensions");
  /* undici, CVE-2026-2229 */
#define BITS(value)                                                                                \
  refused(SWITCHING UPGRADE CONNECTION ACCEPT                                                      \
          "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits" value "\r\n\r\n", \
          101, "Sec-WebSocket-Extensions")
  BITS("");
  BITS("=");
  BITS("=7");
  BITS("=16");
  BITS("=015");
  BITS("=99999999999999999999");
  BITS("=\"16\"");
  BITS("=15; server_max_window_bits=15");
}

/* A 101 that nobody asked for is no answer (and its connection not kept). */
static void a_101_that_nobody_asked_for(void** state) {
  (void)state;
  support_hostile* server =
      support_hostile_start(support_script_answer, "HTTP/1.1 101 Switching Protocols\r\n\r\n");
  expect_failure(fetch(support_hostile_url(server), NULL), CRECHE_E_PROTOCOL, CRECHE_PHASE_HEADERS,
                 0);
  assert_int_equal(session_counters(web).idle, 0);
  support_hostile_stop(server);
}

static void subprotocols(void** state) {
  (void)state;
  static const char* const protocols[] = {"mqtt", "chat.v2"};
  support_hostile* server = support_hostile_start(echo, "Sec-WebSocket-Protocol: chat.v2\r\n");
  creche_websocket_options o = socket_options();
  o.protocols = protocols;
  o.protocols_count = 2;
  must_open(ws(server), &o);
  assert_string_equal(creche_websocket_protocol(socket_), "chat.v2");
  end(server);
}

/* ---- Compression ---- */

static void compressed(void** state) {
  (void)state;
  static char text[100000];
  for (size_t i = 0; i < sizeof text - 1; i++) text[i] = (char)('a' + i % 7);
  static const char* const answers[] = {
      "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; "
      "client_no_context_takeover\r\n",
      "Sec-WebSocket-Extensions: permessage-deflate\r\n",
      "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=9; "
      "server_max_window_bits=\"10\"\r\n",
      "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=8\r\n"};
  for (int i = 0; i < 4; i++) {
    /* What it echoes is compressed as we have compressed it. */
    support_hostile* server = support_hostile_start(echo, (void*)(uintptr_t)answers[i]);
    creche_websocket_options o = socket_options();
    if (i > 0) o.flags = CRECHE_WEBSOCKET_TAKEOVER;
    o.max_message = sizeof text - 1;
    must_open(ws(server), &o);
    const uint64_t before = session_counters(web).bytes_sent;
    for (int j = 0; j < 3; j++) {
      send_text(text);
      expect_message(CRECHE_WEBSOCKET_TEXT, text);
      send_text("short");
      expect_message(CRECHE_WEBSOCKET_TEXT, "short");
    }
    assert_true(session_counters(web).bytes_sent - before < 10000);
    end(server);
    /* One more byte, once it is inflated. */
    server = support_hostile_start(echo, (void*)(uintptr_t)answers[i]);
    o.max_message--;
    must_open(ws(server), &o);
    send_text(text);
    expect_broken(CRECHE_E_LIMIT, "inflates");
    end(server);
  }
}

static void what_does_not_inflate(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(
      answer_wrongly, SWITCHING UPGRADE CONNECTION ACCEPT
      "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n\xc2\x03\xff\xff\xff");
  must_open(ws(server), NULL);
  expect_broken(CRECHE_E_CODING, "inflate");
  end(server);
}

/* ---- Heartbeats and closes ---- */

static void never_answers(support_peer* peer, void* user) {
  (void)user;
  if (support_websocket_accept(peer, "", NULL, 0)) support_await_close(peer);
}

static void a_server_that_is_gone(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(never_answers, NULL);
  creche_websocket_options o = socket_options();
  o.heartbeat = 30 * CRECHE_MILLISECOND;
  must_open(ws(server), &o);
  expect_broken(CRECHE_E_TIMEOUT, "ping");
  end(server);
}

static void pongs(support_peer* peer, void* user) {
  unsigned char payload[256];
  size_t size = 0;
  (void)user;
  if (!support_websocket_accept(peer, "", NULL, 0)) return;
  for (int i = 0; i < 3; i++) {
    if (support_websocket_take(peer, payload, sizeof payload, &size) != 0x89) return;
    support_websocket_send(peer, 0x8a, payload, size);
  }
  support_websocket_send(peer, 0x81, "alive", 5);
  support_await_close(peer);
}

static void a_server_that_answers_pings(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(pongs, NULL);
  creche_websocket_options o = socket_options();
  o.heartbeat = 500 * CRECHE_MILLISECOND;
  must_open(ws(server), &o);
  expect_message(CRECHE_WEBSOCKET_TEXT, "alive");
  end(server);
}

static void a_close_has_a_bound(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(never_answers, NULL);
  creche_websocket_options o = socket_options();
  o.close_timeout = 20 * CRECHE_MILLISECOND;
  must_open(ws(server), &o);
  creche_completion c = close_socket(1000, "bye");
  assert_int_equal(c.status, CRECHE_E_TIMEOUT);
  assert_int_equal(c.error->phase, CRECHE_PHASE_CLOSE);
  drop(c);
  end(server);
}

static void vanishes(support_peer* peer, void* user) {
  (void)user;
  if (!support_websocket_accept(peer, "", "\x81\x01x", 3)) return;
  support_await(peer, 1);
}

static void a_server_that_vanishes(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(vanishes, NULL);
  must_open(ws(server), NULL);
  support_hostile_signal(server);
  expect_message(CRECHE_WEBSOCKET_TEXT, "x");
  expect_broken(CRECHE_E_DISCONNECTED, "without a close");
  creche_completion c = close_socket(1000, NULL);
  assert_int_equal(c.code, 1006);
  drop(c);
  end(server);
}

/* ---- Leases, cancellation, sessions ---- */

static void it_holds_its_group_open(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(echo, NULL);
  creche_group_options go;
  OK(creche_group_options_init(&go, sizeof go));
  go.queue = queue;
  creche_group group;
  OK(creche_group_open(loop.scope, &go, NULL, NULL, &group));
  OK(creche_session_websocket(web, group.scope, ws(server), NULL, NULL, NULL, NULL));
  creche_completion c = next();
  assert_int_equal(c.status, CRECHE_OK);
  socket_.id = c.value;
  c.flags &= ~(uint32_t)CRECHE_OWNED;
  drop(c);
  OK(creche_group_close(group));
  send_text("hello");
  expect_message(CRECHE_WEBSOCKET_TEXT, "hello");
  OK(creche_scope_cancel(group.scope, NULL));
  c = next();
  assert_true(c.task.scope.id == group.scope.id);
  drop(c);
  expect_broken(CRECHE_E_CLOSED, "given up");
  end(server);
}

static void receives_are_cancelled_alone(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(echo, NULL);
  must_open(ws(server), NULL);
  creche_task task;
  OK(creche_websocket_receive(socket_, loop.scope, &to_queue, NULL, NULL, &task));
  creche_completion c = receive(); /* the second one */
  assert_int_equal(c.status, CRECHE_E_STATE);
  drop(c);
  OK(creche_scope_cancel(task.scope, NULL));
  c = next();
  assert_int_equal(c.status, CRECHE_E_CANCELLED);
  drop(c);
  send_text("hello");
  expect_message(CRECHE_WEBSOCKET_TEXT, "hello");
  end(server);
}

static void the_session_is_closed(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(echo, NULL);
  must_open(ws(server), NULL);
  OK(creche_websocket_receive(socket_, loop.scope, &to_queue, NULL, NULL, NULL));
  OK(creche_session_close(web, creche_nobody, NULL));
  creche_completion c = next();
  assert_int_equal(c.status, CRECHE_E_CLOSED);
  drop(c);
  end(server);
}

static void not_receiving_holds_the_server_back(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(echo, NULL);
  must_open(ws(server), NULL);
  static char big[60000];
  memset(big, 'x', sizeof big - 1);
  int sent = 0;
  for (; sent < 20; sent++) send_text(big); /* the server reads them, and its echoes wait */
  for (int i = 0; i < sent; i++) expect_message(CRECHE_WEBSOCKET_TEXT, big);
  end(server);
}

static void misuse(void** state) {
  (void)state;
  creche_request_options r = request_options();
  creche_websocket_options o = socket_options();
  const char* url = "ws://127.0.0.1:1/";
  assert_int_equal(o.max_message, 16 << 20);
  o.request = &r;
  o.flags = 64;
  IS(creche_session_websocket(web, loop.scope, url, &o, NULL, NULL, NULL), CRECHE_E_UNSUPPORTED);
  o.flags = 0;
  r.body = "x";
  r.body_size = 1;
  IS(creche_session_websocket(web, loop.scope, url, &o, NULL, NULL, NULL), CRECHE_E_INVALID);
  r = request_options();
  o.heartbeat = 0;
  IS(creche_session_websocket(web, loop.scope, url, &o, NULL, NULL, NULL), CRECHE_E_INVALID);
  o = socket_options();
  const char* const twice[] = {"a", "a"};
  o.protocols = twice;
  o.protocols_count = 2;
  creche_completion c = open_socket(url, &o);
  assert_int_equal(c.status, CRECHE_E_INVALID);
  drop(c);
  c = open_socket(url, NULL);
  assert_int_equal(c.status, CRECHE_E_CONNECT);
  drop(c);
  support_hostile* server = support_hostile_start(echo, NULL);
  must_open(ws(server), NULL);
  IS(creche_websocket_send(socket_, loop.scope, 3, "x", 1, NULL, creche_nobody, NULL, NULL),
     CRECHE_E_INVALID);
  IS(creche_websocket_send(socket_, loop.scope, 1, "\xff", 1, NULL, creche_nobody, NULL, NULL),
     CRECHE_E_INVALID);
  IS(creche_websocket_close(socket_, loop.scope, 1006, NULL, NULL, creche_nobody, NULL, NULL),
     CRECHE_E_INVALID);
  IS(creche_websocket_close(socket_, loop.scope, 0, "x", NULL, creche_nobody, NULL, NULL),
     CRECHE_E_INVALID);
  end(server);
  IS(creche_websocket_receive(socket_, loop.scope, NULL, creche_nobody, NULL, NULL),
     CRECHE_E_ENDED);
  assert_null(creche_websocket_protocol(socket_));
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      TEST(there_and_back),
      TEST(what_comes_with_the_answer),
      TEST(against_the_protocol),
      TEST(exactly_the_longest),
      TEST(the_server_hears_why),
      TEST(handshakes_that_fail),
      TEST(a_101_that_nobody_asked_for),
      TEST(subprotocols),
      TEST(compressed),
      TEST(what_does_not_inflate),
      TEST(a_server_that_is_gone),
      TEST(a_server_that_answers_pings),
      TEST(a_close_has_a_bound),
      TEST(a_server_that_vanishes),
      TEST(it_holds_its_group_open),
      TEST(receives_are_cancelled_alone),
      TEST(the_session_is_closed),
      TEST(not_receiving_holds_the_server_back),
      TEST(misuse),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* WebSockets over HTTP/2: how they end, and that they are in nobody's way. */
#include <stdatomic.h>

#include "h2_test.h"
#include "sockets.h"
#include "support/h2_tunnel.h"

enum { kNoError = 0, kProtocolError = 1, kInternal = 2, kCancel = 8 };

static char others_url[64];
static const char* http(const support_hostile* server) {
  snprintf(others_url, sizeof others_url, "%s", support_hostile_url(server));
  return others_url;
}

/* What the last script has seen. */
static atomic_int ended, reset, code;
static atomic_size_t sent;

static void finish(support_h2_tunnel* t) {
  if (t->h != NULL) support_h2_tunnel_rest(t);
  ended = t->ended;
  reset = t->reset - 1;
  support_h2_tunnel_close(t);
}

static void stop(support_hostile* server) {
  creche_session_release(web);
  assert_true(support_hostile_await_open(server, 0, PATIENCE_MS));
  support_hostile_stop(server);
}

static void hello(support_hostile* server) {
  expect_body(fetch(http(server), NULL), 200, "hello");
}

/* ---- Before it is open ---- */

static void never_grants(support_peer* peer, void* user) {
  support_h2_tunnel t = {0};
  (void)user;
  support_h2_tunnel_await(&t, peer);
  finish(&t);
}

static void given_up_before_it_is_open(void** state) {
  (void)state;
  for (int i = 0; i < 2; i++) {
    creche_session_options s = h2_options();
    use_session(&s);
    support_hostile* server = support_hostile_start(never_grants, NULL);
    creche_request_options r = request_options();
    creche_websocket_options o = socket_options();
    creche_task task;
    o.request = &r;
    if (i == 1) r.timeouts.first_byte = 100 * CRECHE_MILLISECOND;
    hello(server);
    OK(creche_session_websocket(web, loop.scope, ws(server), &o, NULL, NULL, &task));
    assert_true(support_hostile_await_requests(server, 2, PATIENCE_MS));
    if (i == 0) creche_scope_cancel(task.scope, NULL);
    creche_completion c = next();
    assert_int_equal(c.status, i == 0 ? CRECHE_E_CANCELLED : CRECHE_E_TIMEOUT);
    drop(c);
    hello(server); /* one stream was reset, and nothing else */
    assert_int_equal(session_counters(web).connects, 1);
    stop(server);
    assert_int_equal(reset, kCancel);
    creche_session_options again = h2_options();
    OK(creche_session_open(loop, &again, &web));
  }
}

/* user: the last stream that it takes. */
static void goes_away(support_peer* peer, void* user) {
  support_h2_tunnel t = {0};
  if (support_h2_tunnel_await(&t, peer)) {
    if (support_peer_index(peer) == 0) support_h2_goaway(t.h, *(int*)user, kNoError);
    if (support_peer_index(peer) > 0 || *(int*)user >= t.stream) {
      support_h2_head(t.h, t.stream, 200, NULL, H2_END_HEADERS);
      support_h2_socket_send(&t, 0x81, support_peer_index(peer) == 0 ? "old" : "new", 3);
    }
  }
  finish(&t);
}

static void goes_away_meanwhile(void** state) {
  (void)state;
  int last = 0;
  support_hostile* server = support_hostile_start(goes_away, &last);
  must_open_by(200, ws(server), NULL);
  expect_message(CRECHE_WEBSOCKET_TEXT, "new");
  creche_websocket_release(socket_);
  assert_int_equal(session_counters(web).connects, 2);
  creche_session_options s = h2_options();
  use_session(&s);
  support_hostile_stop(server);
  /* What it has taken goes on; others go elsewhere. */
  last = 1;
  server = support_hostile_start(goes_away, &last);
  must_open_by(200, ws(server), NULL);
  expect_message(CRECHE_WEBSOCKET_TEXT, "old");
  hello(server);
  send_text("still");
  assert_int_equal(session_counters(web).connects, 2);
  creche_websocket_release(socket_);
  assert_true(support_hostile_await_open(server, 1, PATIENCE_MS));
  stop(server);
  OK(creche_session_open(loop, &s, &web));
}

/* ---- Broken ---- */

static const char zeros[64 << 10];
enum { kReset, kEnds, kHeaders, kTrailers, kBreaks, kTooMuch };
static void breaks(support_peer* peer, void* user) {
  support_h2_tunnel t = {0};
  if (support_h2_tunnel_open(&t, peer, NULL)) {
    support_h2_socket_send(&t, 0x81, "x", 1);
    switch (*(int*)user) {
      case kReset:
        support_h2_reset(t.h, t.stream, kInternal);
        break;
      case kEnds:
        support_h2_tunnel_send(&t, "", 0, 1);
        break;
      case kHeaders:
        support_h2_head(t.h, t.stream, 200, NULL, H2_END_HEADERS);
        break;
      case kTrailers:
        support_h2_head(t.h, t.stream, 0, "a: b\n", H2_END_HEADERS | H2_END_STREAM);
        break;
      case kBreaks:
        support_reset(peer);
        break;
      default:
        t.window = t.all = 1 << 30; /* whatever the client has said */
        for (int i = 0; i < 50; i++) support_h2_socket_send(&t, 0x82, zeros, sizeof zeros);
        support_count_request(peer);
        break;
    }
  }
  finish(&t);
}

static void broken(void** state) {
  (void)state;
  for (int how = kReset; how <= kTooMuch; how++) {
    creche_session_options s = h2_options();
    use_session(&s);
    support_hostile* server = support_hostile_start(breaks, &how);
    must_open_by(200, ws(server), NULL);
    if (how == kTooMuch) support_hostile_await_requests(server, 2, PATIENCE_MS);
    if (how != kBreaks) expect_message(CRECHE_WEBSOCKET_TEXT, "x");
    creche_completion c;
    for (;;) {
      c = receive();
      if (c.status != CRECHE_OK) break;
      drop(c);
    }
    const int wrong = how == kHeaders || how == kTrailers || how == kTooMuch;
    if (c.status != (wrong ? CRECHE_E_PROTOCOL : CRECHE_E_DISCONNECTED))
      fail_msg("%d: %s", how, creche_error_message(c.error));
    assert_int_equal(c.code, 1006);
    drop(c);
    creche_websocket_release(socket_);
    hello(server); /* the others live on, where there is a connection */
    if (how != kBreaks) assert_int_equal(session_counters(web).connects, 1);
    stop(server);
    if (how == kHeaders || how == kTrailers) assert_int_equal(reset, kProtocolError);
    if (how == kEnds) assert_true(ended && reset == -1);
    OK(creche_session_open(loop, &s, &web));
  }
}

/* ---- Windows ---- */

enum { LARGE = 8 << 20 };

/* Reads nothing until it is told to. */
static void reads_late(support_peer* peer, void* user) {
  support_h2_tunnel t = {0};
  unsigned char* payload = malloc(LARGE + 1);
  size_t size = 0;
  (void)user;
  t.stingy = 1;
  if (support_h2_tunnel_open(&t, peer, NULL)) {
    while (t.size < 65535 && support_h2_tunnel_turn(&t)) continue;
    support_count_request(peer);
    while (sent == 0 && support_h2_tunnel_turn(&t)) continue;
    t.stingy = 0;
    support_h2_window(t.h, 0, 65535);
    support_h2_window(t.h, t.stream, 65535);
    if (support_h2_socket_take(&t, payload, LARGE + 1, &size) == 0x82 && size == LARGE)
      support_h2_socket_send(&t, 0x81, "taken", 5);
  }
  free(payload);
  finish(&t);
}

static void a_large_message_holds_nobody_up(void** state) {
  (void)state;
  sent = 0;
  support_hostile* server = support_hostile_start(reads_late, NULL);
  creche_websocket_options o = socket_options();
  char* large = calloc(1, LARGE);
  int its = 0;
  o.flags = CRECHE_WEBSOCKET_NO_COMPRESSION;
  must_open_by(200, ws(server), &o);
  OK(creche_websocket_send(socket_, loop.scope, CRECHE_WEBSOCKET_BINARY, large, LARGE, &to_queue,
                           NULL, &its, NULL));
  free(large);
  assert_true(support_hostile_await_requests(server, 2, PATIENCE_MS)); /* its window is full */
  for (int i = 0; i < 3; i++) hello(server);
  sent = 1;
  hello(server);
  creche_completion c = next();
  if (c.status != CRECHE_OK) fail_msg("%s", creche_error_message(c.error));
  assert_ptr_equal(c.user, &its);
  drop(c);
  expect_message(CRECHE_WEBSOCKET_TEXT, "taken");
  assert_int_equal(session_counters(web).connects, 1);
  end(server);
}

static void sends_much(support_peer* peer, void* user) {
  static const char block[64 << 10];
  support_h2_tunnel t = {0};
  (void)user;
  if (support_h2_tunnel_open(&t, peer, NULL))
    for (int i = 0; i < LARGE / (int)sizeof block; i++) {
      if (!support_h2_socket_send(&t, 0x82, block, sizeof block)) break;
      sent += sizeof block;
    }
  finish(&t);
}

static void a_slow_reader_holds_nobody_up(void** state) {
  (void)state;
  sent = 0;
  support_hostile* server = support_hostile_start(sends_much, NULL);
  must_open_by(200, ws(server), NULL);
  for (int i = 0; i < 20; i++) hello(server);
  /* What is kept unread, and one window. */
  assert_in_range(sent, 1, 1 << 20);
  size_t all = 0;
  while (all < LARGE) {
    creche_completion c = receive();
    if (c.status != CRECHE_OK) fail_msg("%s", creche_error_message(c.error));
    all += c.data_size;
    drop(c);
  }
  hello(server);
  assert_int_equal(session_counters(web).connects, 1);
  end(server);
}

/* ---- Ends ---- */

static void hears_nothing(support_peer* peer, void* user) {
  support_h2_tunnel t = {0};
  (void)user;
  support_h2_tunnel_open(&t, peer, NULL);
  finish(&t);
}

static void no_heartbeat(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(hears_nothing, NULL);
  creche_websocket_options o = socket_options();
  o.heartbeat = 100 * CRECHE_MILLISECOND;
  must_open_by(200, ws(server), &o);
  expect_broken(CRECHE_E_TIMEOUT, "ping");
  hello(server);
  assert_int_equal(session_counters(web).connects, 1);
  end(server);
}

/* user: whether it goes on talking when the client has left; else it ends the stream as well. */
static void is_left(support_peer* peer, void* user) {
  support_h2_tunnel t = {0};
  unsigned char payload[256];
  size_t size;
  if (support_h2_tunnel_open(&t, peer, NULL)) {
    if (support_h2_socket_take(&t, payload, sizeof payload, &size) == 0x88 && size >= 2)
      code = payload[0] << 8 | payload[1];
    if (support_h2_tunnel_await_end(&t)) {
      support_count_request(peer);
      if (user != NULL) support_h2_socket_send(&t, 0x81, "are you there?", 14);
      if (user == NULL) support_h2_tunnel_send(&t, "", 0, 1);
    }
  }
  finish(&t);
}

static void left_in_order(void** state) {
  (void)state;
  for (int talks = 0; talks < 2; talks++) {
    for (int by_owner = 0; by_owner < 2; by_owner++) {
      creche_session_options s = h2_options();
      use_session(&s);
      support_hostile* server = support_hostile_start(is_left, talks ? &sent : NULL);
      code = 0;
      creche_group group = {0};
      must_open_by(200, ws(server), NULL);
      if (by_owner) {
        creche_group_options go;
        OK(creche_group_options_init(&go, sizeof go));
        go.queue = queue;
        OK(creche_group_open(loop.scope, &go, NULL, NULL, &group));
        OK(creche_websocket_move(socket_, group.scope));
        OK(creche_group_close(group));
        OK(creche_scope_cancel(group.scope, NULL));
        drop(next());
      } else {
        creche_websocket_release(socket_);
      }
      assert_true(support_hostile_await_requests(server, 2, PATIENCE_MS));
      hello(server);
      assert_int_equal(session_counters(web).connects, 1);
      if (by_owner) creche_websocket_release(socket_);
      stop(server);
      assert_int_equal(code, by_owner ? 1001 : 1000);
      assert_true(ended);
      assert_int_equal(reset, talks ? kCancel : -1);
      OK(creche_session_open(loop, &s, &web));
    }
  }
}

static void its_session_is_closed(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(hears_nothing, NULL);
  must_open_by(200, ws(server), NULL);
  OK(creche_session_close(web, creche_nobody, NULL));
  expect_broken(CRECHE_E_CLOSED, "session");
  end(server);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, h2_set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(given_up_before_it_is_open),
      TEST(goes_away_meanwhile),
      TEST(broken),
      TEST(a_large_message_holds_nobody_up),
      TEST(a_slow_reader_holds_nobody_up),
      TEST(no_heartbeat),
      TEST(left_in_order),
      TEST(its_session_is_closed),
  };
  return cmocka_run_group_tests_name("ends of WebSockets over HTTP/2", tests, NULL, NULL);
}

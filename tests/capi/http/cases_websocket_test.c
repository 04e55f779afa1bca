/* WebSockets: control frames inside of messages, heartbeats beside slow ones, closes of several:
 * cases of CASES.md. */
#include "sockets.h"

#define DEFLATE "Sec-WebSocket-Extensions: permessage-deflate\r\n"

/* ---- Control frames inside of messages ---- */

static void pings_inside(support_peer* peer, void* user) {
  unsigned char payload[256];
  size_t size = 0;
  (void)user;
  if (!support_websocket_accept(peer, DEFLATE, NULL, 0)) return;
  for (int i = 0; i < 2; i++) { /* "Hello" of RFC 7692, 7.2.3.1, in two fragments */
    support_websocket_send(peer, 0x41, "\xf2\x48\xcd", 3);
    support_websocket_send(peer, 0x89, "inside", 6);
    if (support_websocket_take(peer, payload, sizeof payload, &size) != 0x8a || size != 6 ||
        memcmp(payload, "inside", 6) != 0)
      return;
    support_websocket_send(peer, 0x80, "\xc9\xc9\x07\x00", 4);
    support_websocket_send(peer, 0x01, "pla", 3); /* not compressed */
    support_websocket_send(peer, 0x8a, "", 0);    /* nobody asked */
    support_websocket_send(peer, 0x80, "in", 2);
  }
  support_count_request(peer);
  support_await_close(peer);
}

static void pings_between_fragments(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(pings_inside, NULL);
  must_open(ws(server), NULL);
  for (int i = 0; i < 2; i++) {
    expect_message(CRECHE_WEBSOCKET_TEXT, "Hello");
    expect_message(CRECHE_WEBSOCKET_TEXT, "plain");
  }
  end(server);
}

/* Each of several pings that come at a time is answered, in order; of very many, the last one. */
enum { PINGS = 10, FLOOD = 100000 };
static void pings_at_a_time(support_peer* peer, void* user) {
  const int count = *(const int*)user;
  unsigned char payload[256];
  unsigned char* pings = malloc((size_t)count * 6);
  size_t size = 0;
  for (int i = 0; i < count; i++) {
    const unsigned char ping[] = {0x89,
                                  4,
                                  (unsigned char)(i >> 24),
                                  (unsigned char)(i >> 16),
                                  (unsigned char)(i >> 8),
                                  (unsigned char)i};
    memcpy(pings + 6 * i, ping, sizeof ping);
  }
  int good = support_websocket_accept(peer, "", pings, (size_t)count * 6);
  int next = 0;
  while (good && next < count) {
    good = support_websocket_take(peer, payload, sizeof payload, &size) == 0x8a && size == 4;
    const int got = payload[0] << 24 | payload[1] << 16 | payload[2] << 8 | payload[3];
    good = good && (count == PINGS ? got == next : got >= next);
    next = got + 1;
  }
  free(pings);
  if (good) support_websocket_send(peer, 0x81, "done", 4);
  support_await_close(peer);
}

static void pings_that_come_together(void** state) {
  static const int counts[] = {PINGS, FLOOD};
  (void)state;
  for (int i = 0; i < 2; i++) {
    support_hostile* server = support_hostile_start(pings_at_a_time, (void*)(uintptr_t)&counts[i]);
    must_open(ws(server), NULL);
    expect_message(CRECHE_WEBSOCKET_TEXT, "done");
    end(server);
  }
}

/* What was not complete is no message. */
static void a_close_between_fragments(void** state) {
  (void)state;
  static const char frames[] =
      "\x81\x01x"
      "\x01\x03"
      "Hel"
      "\x88\x02\x03\xe9";
  struct said said = {frames, sizeof frames - 1};
  for (int i = 0; i < 2; i++) {
    support_hostile* server = support_hostile_start(i == 0 ? say : say_bytewise, &said);
    must_open(ws(server), NULL);
    expect_message(CRECHE_WEBSOCKET_TEXT, "x");
    expect_end(1001, "");
    end(server);
  }
}

/* ---- Heartbeats ---- */

/* A frame that takes longer than two heartbeats, and no pong meanwhile. */
static void slow_frame(support_peer* peer, void* user) {
  char frame[1500 + 4];
  (void)user;
  memset(frame, 'x', sizeof frame);
  memcpy(frame, "\x82\x7e\x05\xdc", 4);
  if (!support_websocket_accept(peer, "", NULL, 0)) return;
  support_trickle(peer, frame, sizeof frame);
  support_await_close(peer);
}

static void bytes_are_a_heartbeat(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(slow_frame, NULL);
  creche_websocket_options o = socket_options();
  o.heartbeat = 500 * CRECHE_MILLISECOND;
  must_open(ws(server), &o);
  creche_completion c = receive();
  if (c.status != CRECHE_OK) fail_msg("%s", creche_error_message(c.error));
  assert_int_equal(c.data_size, 1500);
  drop(c);
  end(server);
}

/* Reads nothing for several heartbeats, then all, and answers the ping that stands behind it. */
enum { LARGE = 12 << 20 };
static void reads_late(support_peer* peer, void* user) {
  unsigned char* payload = malloc(LARGE + 1);
  size_t size = 0;
  (void)user;
  if (support_websocket_accept(peer, "", NULL, 0) && support_await(peer, 1) &&
      support_websocket_take(peer, payload, LARGE + 1, &size) == 0x82 && size == LARGE &&
      support_websocket_send(peer, 0x81, "taken", 5))
    support_await_close(peer);
  free(payload);
}

static void sending_takes_its_time(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(reads_late, NULL);
  creche_websocket_options o = socket_options();
  char* large = calloc(1, LARGE);
  o.heartbeat = 3 * CRECHE_SECOND; /* which the server may take for all that it reads */
  o.flags = CRECHE_WEBSOCKET_NO_COMPRESSION;
  must_open(ws(server), &o);
  OK(creche_websocket_send(socket_, loop.scope, CRECHE_WEBSOCKET_BINARY, large, LARGE, &to_queue,
                           NULL, large, NULL));
  free(large);
  OK(creche_sleep(loop.scope, 7 * CRECHE_SECOND, &to_queue, NULL, NULL, NULL));
  creche_completion c = next();
  if (c.user != NULL) fail_msg("%s", creche_error_message(c.error)); /* before the sleep */
  drop(c);
  support_hostile_signal(server);
  c = next();
  if (c.status != CRECHE_OK) fail_msg("%s", creche_error_message(c.error));
  drop(c);
  expect_message(CRECHE_WEBSOCKET_TEXT, "taken");
  end(server);
}

/* ---- Closes ---- */

static void closes_late(support_peer* peer, void* user) {
  unsigned char payload[256];
  size_t size = 0;
  (void)user;
  if (!support_websocket_accept(peer, "", NULL, 0)) return;
  if (support_websocket_take(peer, payload, sizeof payload, &size) != 0x88) return;
  support_count_request(peer);
  if (!support_await(peer, 1)) return;
  support_websocket_send(peer, 0x88, payload, size);
  /* Nothing comes behind a close. */
  if (support_expect_bytes(peer, 1)) support_count_request(peer);
}

static void closed_by_several(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(closes_late, NULL);
  must_open(ws(server), NULL);
  OK(creche_websocket_receive(socket_, loop.scope, &to_queue, NULL, NULL, NULL));
  for (int i = 0; i < 3; i++)
    OK(creche_websocket_close(socket_, loop.scope, i == 0 ? 4001 : 1000, NULL, &to_queue, NULL,
                              NULL, NULL));
  /* The handshake and the one close. */
  assert_true(support_hostile_await_requests(server, 2, PATIENCE_MS));
  support_hostile_signal(server);
  int ends = 0;
  for (int i = 0; i < 4; i++) {
    creche_completion c = next();
    assert_int_equal(c.status, CRECHE_OK);
    assert_int_equal(c.code, 4001);
    ends += c.kind == CRECHE_END;
    drop(c);
  }
  assert_int_equal(ends, 1);
  assert_true(support_hostile_await_open(server, 0, PATIENCE_MS));
  assert_int_equal(support_hostile_requests(server), 2);
  end(server);
}

static void never_grants(support_peer* peer, void* user) {
  (void)user;
  if (support_expect_request(peer)) support_await_close(peer);
}

static void given_up_before_it_is_open(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(never_grants, NULL);
  for (int i = 0; i < 2; i++) {
    creche_request_options r = request_options();
    creche_websocket_options o = socket_options();
    creche_task task;
    o.request = &r;
    OK(creche_session_websocket(web, loop.scope, ws(server), &o, NULL, NULL, &task));
    assert_true(support_hostile_await_requests(server, i + 1, PATIENCE_MS));
    if (i == 0)
      creche_scope_cancel(task.scope, NULL);
    else
      creche_session_release(web);
    creche_completion c = next();
    assert_int_equal(c.status, i == 0 ? CRECHE_E_CANCELLED : CRECHE_E_CLOSED);
    assert_int_equal(c.value, 0);
    drop(c);
    assert_true(support_hostile_await_open(server, 0, PATIENCE_MS));
  }
  support_hostile_stop(server);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

/* ---- Redirects ---- */

/* The first is sent to where `user` says, in the scheme of WebSockets; what comes there is greeted.
 */
static void sends_on(support_peer* peer, void* user) {
  if (support_peer_index(peer) == 0) {
    if (!support_expect_request(peer)) return;
    support_sendf(
        peer, "HTTP/1.1 302 X\r\nLocation: %s\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
        (char*)user);
  } else if (support_websocket_accept(peer, "", NULL, 0)) {
    support_websocket_send(peer, 0x81, "here", 4);
  }
  support_await_close(peer);
}

static void redirected_by_its_own_scheme(void** state) {
  (void)state;
  char place[64] = "";
  support_hostile* server = support_hostile_start(sends_on, place);
  snprintf(place, sizeof place, "%s/there", ws(server));
  must_open(ws(server), NULL);
  expect_message(CRECHE_WEBSOCKET_TEXT, "here");
  end(server);
  /* Others are still sent nowhere that they cannot speak to. */
  server = support_hostile_start(sends_on, place);
  creche_completion c = fetch(support_hostile_url(server), NULL);
  assert_int_equal(c.status, CRECHE_E_REDIRECT);
  drop(c);
  support_hostile_stop(server);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(pings_between_fragments),    TEST(pings_that_come_together),
      TEST(a_close_between_fragments),  TEST(bytes_are_a_heartbeat),
      TEST(sending_takes_its_time),     TEST(closed_by_several),
      TEST(given_up_before_it_is_open), TEST(redirected_by_its_own_scheme),
  };
  return cmocka_run_group_tests_name("cases of websockets", tests, NULL, NULL);
}

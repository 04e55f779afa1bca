/* What other clients were told of in the last years, where nothing here asked for it yet: each test
 * names the report. */
#include "proxies.h"
#include "sockets.h"

/* ---- aiohttp #12953: a read timeout that runs on while the connection is kept ---- */

enum { LARGE = 1 << 20 };
static void large_then_small(support_peer* peer, void* user) {
  char* body = calloc(1, LARGE);
  (void)user;
  if (support_expect_request(peer) &&
      support_sendf(peer, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", LARGE))
    support_send(peer, body, LARGE);
  while (support_expect_request(peer))
    support_send_text(peer, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  free(body);
}

static void no_timeout_of_the_last_one(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(large_then_small, NULL);
  creche_session_options o = session_options();
  o.timeouts.read_gap = 100 * CRECHE_MILLISECOND;
  use_session(&o);
  creche_completion c = send_request(support_hostile_url(server), NULL);
  assert_int_equal(c.status, CRECHE_OK);
  const creche_response response = {c.value};
  c.flags &= ~(uint32_t)CRECHE_OWNED;
  drop(c);
  /* The server is held back meanwhile. */
  OK(creche_sleep(loop.scope, 200 * CRECHE_MILLISECOND, &to_queue, NULL, NULL, NULL));
  drop(next());
  for (int more = 1; more; drop(c)) {
    c = read_some(response, 1000);
    assert_int_equal(c.status, CRECHE_OK);
    more = c.kind != CRECHE_END;
  }
  creche_response_release(response);
  OK(creche_sleep(loop.scope, 300 * CRECHE_MILLISECOND, &to_queue, NULL, NULL, NULL));
  drop(next());
  expect_body(fetch(support_hostile_url(server), NULL), 200, "ok");
  assert_int_equal(session_counters(web).connects, 1);
  support_hostile_stop(server);
}

/* ---- undici #5728: the body of a redirect that stands in the way of what follows ---- */

static void redirects_with_much(support_peer* peer, void* user) {
  char* body = calloc(1, LARGE);
  while (support_expect_request(peer)) {
    if (strncmp(support_received(peer), "GET / ", 6) != 0) {
      support_send_text(peer, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
      continue;
    }
    const int size = *(const int*)user;
    support_sendf(peer, "HTTP/1.1 302 X\r\nLocation: /there\r\nContent-Length: %d\r\n\r\n", size);
    if (!support_send(peer, body, (size_t)size)) break;
  }
  free(body);
}

static void redirects_with_large_bodies(void** state) {
  static const int sizes[] = {1000, 60000, 128 << 10, LARGE};
  (void)state;
  for (int i = 0; i < 4; i++) {
    support_hostile* server =
        support_hostile_start(redirects_with_much, (void*)(uintptr_t)&sizes[i]);
    creche_session_options o = session_options();
    o.limit = 1;
    use_session(&o);
    expect_body(fetch(at(support_hostile_url(server), "/"), NULL), 200, "ok");
    assert_int_equal(session_counters(web).connects, i < 2 ? 1 : 2);
    support_hostile_stop(server);
  }
}

/* ---- CVE-2026-3784 of curl: a tunnel that was opened for another user of the proxy ---- */

static support_hostile* behind;
static void opens_a_tunnel(support_peer* peer, void* user) {
  (void)user;
  if (!support_expect(peer, "\r\n\r\n")) return;
  note(to_proxy, support_received(peer), support_received_size(peer));
  support_count_request(peer);
  if (support_send_text(peer, "HTTP/1.1 200 OK\r\n\r\n"))
    support_relay(support_peer_fd(peer), support_hostile_port(behind));
}

static void a_tunnel_is_its_users(void** state) {
  static const char* const users[] = {"one:1@", "one:1@", "two:2@", "", "one:3@", "one:1@"};
  static const int tunnels[] = {1, 1, 2, 3, 4, 4};
  creche_session_options so = session_options();
  (void)state;
  behind = support_hostile_start(tls_server, NULL);
  support_hostile* proxy = support_hostile_start(opens_a_tunnel, NULL);
  so.flags = CRECHE_SESSION_INSECURE;
  use_session(&so);
  for (int i = 0; i < 6; i++) {
    creche_request_options o = request_options();
    char url[64];
    snprintf(url, sizeof url, "http://%s127.0.0.1:%d", users[i], support_hostile_port(proxy));
    o.proxy = url;
    expect_body(fetch("https://b.example/", &o), 200, "secret");
    assert_int_equal(support_hostile_requests(proxy), tunnels[i]);
  }
  creche_session_release(web);
  OK(creche_session_open(loop, NULL, &web));
  support_hostile_stop(proxy);
  support_hostile_stop(behind);
}

/* ---- CVE-2026-3783 of curl: a token for who is redirected to and stands in netrc ---- */

static void sends_on(support_peer* peer, void* user) {
  while (support_expect_request(peer))
    support_sendf(peer, "HTTP/1.1 302 X\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n", (char*)user);
}
static void notes(support_peer* peer, void* user) {
  (void)user;
  while (support_expect_request(peer)) {
    note(to_server, support_received(peer), support_received_size(peer));
    support_send_text(peer, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  }
}

static void no_token_by_netrc(void** state) {
  char place[64], path[600];
  creche_auth auth = {.size = sizeof auth, .schemes = CRECHE_AUTH_BEARER, .token = "token"};
  creche_session_options o = session_options();
  (void)state;
  support_hostile* end = support_hostile_start(notes, NULL);
  snprintf(place, sizeof place, "http://localhost:%d/", support_hostile_port(end));
  support_hostile* server = support_hostile_start(sends_on, place);
  snprintf(path, sizeof path, "%s/netrc", folder);
  FILE* file = fopen(path, "w");
  assert_non_null(file);
  fputs("machine localhost login l password p\n", file);
  fclose(file);
  setenv("NETRC", path, 1);
  o.auth = &auth;
  o.flags = CRECHE_SESSION_NETRC;
  use_session(&o);
  unsetenv("NETRC");
  expect_body(fetch(support_hostile_url(server), NULL), 200, "ok");
  assert_true(noted(to_server, "GET / HTTP/1.1\r\n"));
  assert_false(noted(to_server, "Bearer") || noted(to_server, "token"));
  support_hostile_stop(server);
  support_hostile_stop(end);
}

/* ---- CVE-2025-10148 of curl: a WebSocket's mask that is always the same ---- */

enum { FRAMES = 8 };
static uint32_t masks[FRAMES];
static void takes_masks(support_peer* peer, void* user) {
  (void)user;
  if (!support_websocket_accept(peer, "", NULL, 0)) return;
  for (int i = 0; i < FRAMES; i++) {
    if (!support_expect_bytes(peer, 6)) return;
    memcpy(&masks[i], support_received(peer) + 2, 4);
    if (!support_expect_bytes(peer, 4)) return;
  }
  support_websocket_send(peer, 0x81, "seen", 4);
  support_await_close(peer);
}

static void each_mask_is_new(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(takes_masks, NULL);
  must_open(ws(server), NULL);
  for (int i = 0; i < FRAMES; i++) send_text("same");
  expect_message(CRECHE_WEBSOCKET_TEXT, "seen");
  for (int i = 0; i < FRAMES; i++)
    for (int j = 0; j < i; j++) assert_int_not_equal(masks[i], masks[j]);
  end(server);
}

/* ---- Autobahn #59: a compressed message whose last fragment is an empty block (RFC 7692, 7.2.3.6)
 */

static void flushed_by_fragments(support_peer* peer, void* user) {
  (void)user;
  if (!support_websocket_accept(peer, "Sec-WebSocket-Extensions: permessage-deflate\r\n", NULL, 0))
    return;
  for (int i = 0; i < 2; i++) {
    support_websocket_send(peer, 0x41, "\xf2\x48\xcd\xc9\xc9\x07\x00\x00\x00\xff\xff", 11);
    support_websocket_send(peer, 0x80, "\x00", 1);
  }
  support_await_close(peer);
}

static void an_empty_block_at_the_end(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(flushed_by_fragments, NULL);
  must_open(ws(server), NULL);
  expect_message(CRECHE_WEBSOCKET_TEXT, "Hello");
  expect_message(CRECHE_WEBSOCKET_TEXT, "Hello");
  end(server);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      TEST(no_timeout_of_the_last_one), TEST(redirects_with_large_bodies),
      TEST(a_tunnel_is_its_users),      TEST(no_token_by_netrc),
      TEST(each_mask_is_new),           TEST(an_empty_block_at_the_end),
  };
  return cmocka_run_group_tests_name("reports to others", tests, make_tls, free_tls);
}

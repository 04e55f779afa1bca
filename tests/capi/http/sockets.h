/* What the tests of WebSockets share: one socket, and short ways to use it. */
#ifndef CAPI_HTTP_SOCKETS_H
#define CAPI_HTTP_SOCKETS_H

#include "http_test.h"
#include "support/websocket.h"

static creche_websocket socket_;
static char socket_url[64];

static inline const char* ws(const support_hostile* server) {
  snprintf(socket_url, sizeof socket_url, "ws%s/chat", support_hostile_url(server) + 4);
  return socket_url;
}

static inline creche_websocket_options socket_options(void) {
  creche_websocket_options o;
  OK(creche_websocket_options_init(&o, sizeof o));
  return o;
}

static inline creche_completion open_socket(const char* url,
                                            const creche_websocket_options* options) {
  creche_request_options r = request_options();
  creche_websocket_options o = options != NULL ? *options : socket_options();
  if (o.request == NULL) o.request = &r;
  OK(creche_session_websocket(web, loop.scope, url, &o, NULL, NULL, NULL));
  return next();
}
/* code: 101, or 200 by HTTP/2. */
static inline void must_open_by(uint32_t code, const char* url,
                                const creche_websocket_options* options) {
  creche_completion c = open_socket(url, options);
  if (c.status != CRECHE_OK) fail_msg("%s", creche_error_message(c.error));
  assert_int_equal(c.code, code);
  assert_true(c.flags & CRECHE_OWNED);
  socket_.id = c.value;
  c.flags &= ~(uint32_t)CRECHE_OWNED;
  drop(c);
}
static inline void must_open(const char* url, const creche_websocket_options* options) {
  must_open_by(101, url, options);
}
static inline creche_completion receive(void) {
  OK(creche_websocket_receive(socket_, loop.scope, &to_queue, NULL, NULL, NULL));
  return next();
}
static inline void expect_message(uint32_t type, const char* text) {
  creche_completion c = receive();
  if (c.status != CRECHE_OK) fail_msg("%s", creche_error_message(c.error));
  assert_int_equal(c.kind, CRECHE_MESSAGE);
  assert_int_equal(c.code, type);
  assert_int_equal(c.data_size, strlen(text));
  assert_string_equal(c.data, text);
  drop(c);
}
static inline void expect_end(uint32_t code, const char* reason) {
  for (int i = 0; i < 2; i++) { /* and again */
    creche_completion c = receive();
    if (c.status != CRECHE_OK) fail_msg("%s", creche_error_message(c.error));
    assert_int_equal(c.kind, CRECHE_END);
    assert_int_equal(c.code, code);
    assert_string_equal(c.data, reason);
    drop(c);
  }
}
static inline void expect_broken(creche_status status, const char* part) {
  for (int i = 0; i < 2; i++) {
    creche_completion c = receive();
    if (c.status != status || strstr(creche_error_message(c.error), part) == NULL)
      fail_msg("%s: %s", creche_status_name(c.status), creche_error_message(c.error));
    assert_int_equal(c.code, 1006);
    drop(c);
  }
}
static inline void send_text(const char* text) {
  OK(creche_websocket_send(socket_, loop.scope, CRECHE_WEBSOCKET_TEXT, text, strlen(text),
                           &to_queue, NULL, NULL, NULL));
  creche_completion c = next();
  if (c.status != CRECHE_OK) fail_msg("%s", creche_error_message(c.error));
  drop(c);
}
static inline creche_completion close_socket(uint32_t code, const char* reason) {
  OK(creche_websocket_close(socket_, loop.scope, code, reason, &to_queue, NULL, NULL, NULL));
  return next();
}
static inline void end(support_hostile* server) {
  creche_websocket_release(socket_);
  assert_true(support_hostile_await_open(server, 0, PATIENCE_MS));
  support_hostile_stop(server);
}

/* What the server sends behind its 101: in the same segment, or a frame at a time. */
struct said {
  const char* bytes;
  size_t size;
};

static inline void say(support_peer* peer, void* user) {
  const struct said* said = user;
  if (!support_websocket_accept(peer, "", said->bytes, said->size)) return;
  support_await_close(peer);
}
static inline void say_bytewise(support_peer* peer, void* user) {
  const struct said* said = user;
  if (!support_websocket_accept(peer, "", NULL, 0)) return;
  support_trickle(peer, said->bytes, said->size);
  support_await_close(peer);
}

#endif

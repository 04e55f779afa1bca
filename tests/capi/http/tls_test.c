/* TLS as servers do it: offered sessions that a server will have none of. */
#include <stdatomic.h>

#include "tls_peer.h"

#define ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"

static char url[64];
static atomic_int offered; /* connections on which the client offered a session */

/* Looks at the first message: does it offer a session to resume? */
static int offers(SSL* ssl, int* alert, void* arg) {
  const unsigned char* data;
  size_t size;
  (void)alert;
  const int psk = SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_psk, &data, &size) == 1;
  const int ticket =
      SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_session_ticket, &data, &size) == 1 && size > 0;
  if (!psk && !ticket) return SSL_CLIENT_HELLO_SUCCESS;
  atomic_fetch_add(&offered, 1);
  return arg != NULL ? SSL_CLIENT_HELLO_ERROR : SSL_CLIENT_HELLO_SUCCESS;
}

enum how { RESET, ALERT, NEVER };

static void refuse_sessions(support_peer* peer, void* user) {
  const enum how how = *(enum how*)user;
  SSL* ssl = SSL_new(tls);
  char head[4096];
  SSL_set_fd(ssl, support_peer_fd(peer));
  const int before = atomic_load(&offered);
  const int done = SSL_accept(ssl);
  if (done == 1) {
    support_count_request(peer);
    if (SSL_read(ssl, head, sizeof head) > 0) SSL_write(ssl, ANSWER, sizeof ANSWER - 1);
    SSL_shutdown(ssl);
  } else if (how == RESET && atomic_load(&offered) > before) {
    support_reset(peer);
  }
  SSL_free(ssl);
}

static void a_server_that_refuses_sessions(void** state) {
  (void)state;
  creche_session_options so = session_options();
  so.ca_file = ca_path;
  static const int versions[] = {TLS1_3_VERSION, TLS1_2_VERSION};
  for (int v = 0; v < 2; v++)
    for (enum how how = RESET; how <= NEVER; how++) {
      assert_int_equal(SSL_CTX_set_max_proto_version(tls, versions[v]), 1);
      SSL_CTX_set_client_hello_cb(tls, offers, how == NEVER ? NULL : tls);
      atomic_store(&offered, 0);
      use_session(&so);
      support_hostile* server = support_hostile_start(refuse_sessions, &how);
      snprintf(url, sizeof url, "https://localhost:%d/", support_hostile_port(server));
      creche_request_options o = request_options();
      o.method = "POST"; /* nothing of it was sent: safe for all */
      for (int i = 0; i < 6; i++) expect_body(fetch(url, &o), 200, "ok");
      assert_int_equal(support_hostile_requests(server), 6);
      /* Once it has shown that it will have none, it is not offered one again. */
      assert_int_equal(atomic_load(&offered), how == NEVER ? 5 : 1);
      assert_int_equal(support_hostile_connections(server), how == NEVER ? 6 : 7);
      support_hostile_stop(server);
    }
}

/* Not for ever: what fails without a session too has failed. */
static void breaks_off(support_peer* peer, void* user) {
  if (support_peer_index(peer) == 0) {
    enum how never = NEVER;
    (void)user;
    refuse_sessions(peer, &never);
  }
}

static void once(void** state) {
  (void)state;
  creche_session_options so = session_options();
  so.flags = CRECHE_SESSION_INSECURE;
  use_session(&so);
  SSL_CTX_set_client_hello_cb(tls, offers, NULL);
  support_hostile* server = support_hostile_start(breaks_off, NULL);
  snprintf(url, sizeof url, "https://localhost:%d/", support_hostile_port(server));
  expect_body(fetch(url, NULL), 200, "ok");
  creche_completion c = fetch(url, NULL);
  assert_int_equal(c.status, CRECHE_E_DISCONNECTED);
  assert_int_equal(c.error->phase, CRECHE_PHASE_TLS);
  drop(c);
  assert_int_equal(support_hostile_connections(server), 3);
  support_hostile_stop(server);
}

/* ---- A kept connection is asked before it is used again, in TLS as without ---- */

struct late {
  enum { NOTHING, ANSWER_TOO_MUCH, NOTIFY, FIN } what;
  support_hostile* server;
};

static void say_late(support_peer* peer, void* user) {
  static const char keep[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
  const struct late* late = user;
  const int first = support_peer_index(peer) == 0;
  SSL* ssl = SSL_new(tls);
  char head[4096];
  SSL_set_fd(ssl, support_peer_fd(peer));
  if (SSL_accept(ssl) == 1) {
    while (SSL_read(ssl, head, sizeof head) > 0) {
      support_count_request(peer);
      SSL_write(ssl, keep, sizeof keep - 1);
      if (!first || !support_await(peer, 1)) continue;
      if (late->what == ANSWER_TOO_MUCH) SSL_write(ssl, keep, sizeof keep - 1);
      if (late->what == NOTIFY) SSL_shutdown(ssl);
      if (late->what == FIN) support_finish(peer);
      support_count_request(peer); /* it lies in the client's socket by now */
      if (late->what != NOTHING) break;
    }
    if (first) support_await_close(peer);
  }
  SSL_free(ssl);
}

static void post_again(void* user, const creche_completion* c) {
  const struct late* late = user;
  creche_request_options o;
  if (c->flags & CRECHE_OWNED) creche_value_release(c->value);
  support_hostile_signal(late->server);
  support_hostile_await_requests(late->server, 2, PATIENCE_MS);
  creche_request_options_init(&o, sizeof o);
  o.task = &to_queue;
  o.method = "POST";
  SAY(creche_session_fetch(web, loop.scope, url, &o, NULL, NULL, NULL));
}

static void what_came_a_moment_ago_is_seen(void** state) {
  (void)state;
  creche_session_options so = session_options();
  so.flags = CRECHE_SESSION_INSECURE;
  SSL_CTX_set_client_hello_cb(tls, offers, NULL);
  static const int versions[] = {TLS1_3_VERSION, TLS1_2_VERSION};
  for (int v = 0; v < 2; v++)
    for (int what = NOTHING; what <= FIN; what++) {
      assert_int_equal(SSL_CTX_set_max_proto_version(tls, versions[v]), 1);
      struct late late = {what, NULL};
      use_session(&so);
      late.server = support_hostile_start(say_late, &late);
      snprintf(url, sizeof url, "https://127.0.0.1:%d/", support_hostile_port(late.server));
      assert_int_equal(creche_session_fetch(web, loop.scope, url, NULL, post_again, &late, NULL),
                       CRECHE_OK);
      expect_body(next(), 200, "ok");
      assert_int_equal(support_hostile_connections(late.server), what == NOTHING ? 1 : 2);
      assert_int_equal(session_counters(web).retries, 0);
      creche_session_release(web); /* the double reads without an end */
      creche_session_open(loop, NULL, &web);
      support_hostile_stop(late.server);
    }
}

/* ---- Where a body ends with its connection, only a close_notify says that it is whole ---- */

struct ending {
  const char* answer;
  int notify;
};

static void ends(support_peer* peer, void* user) {
  const struct ending* ending = user;
  answer_by_tls(peer, ending->answer, ending->notify);
}

static void an_end_without_a_word(void** state) {
  (void)state;
  static const struct {
    const char* answer;
    creche_status status, notified;
  } cases[] = {
      {"HTTP/1.1 200 OK\r\n\r\nok", CRECHE_E_TRUNCATED, CRECHE_OK},
      {"HTTP/1.0 200 OK\r\nConnection: close\r\n\r\nok", CRECHE_E_TRUNCATED, CRECHE_OK},
      {ANSWER, CRECHE_OK, CRECHE_OK}, /* it says itself where it ends */
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", CRECHE_OK,
       CRECHE_OK},
      {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok", CRECHE_E_TRUNCATED, CRECHE_E_TRUNCATED},
      {"HTTP/1.1 200 OK\r\nConte", CRECHE_E_DISCONNECTED, CRECHE_E_DISCONNECTED},
  };
  creche_session_options so = session_options();
  so.flags = CRECHE_SESSION_INSECURE;
  use_session(&so);
  SSL_CTX_set_client_hello_cb(tls, offers, NULL);
  static const int versions[] = {TLS1_3_VERSION, TLS1_2_VERSION};
  for (int v = 0; v < 2; v++)
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
      for (int notify = 0; notify < 2; notify++) {
        struct ending ending = {cases[i].answer, notify};
        const creche_status status = notify ? cases[i].notified : cases[i].status;
        assert_int_equal(SSL_CTX_set_max_proto_version(tls, versions[v]), 1);
        support_hostile* server = support_hostile_start(ends, &ending);
        snprintf(url, sizeof url, "https://127.0.0.1:%d/", support_hostile_port(server));
        creche_completion c = fetch(url, NULL);
        if (c.status != status) fail_msg("%s: %s", cases[i].answer, creche_error_message(c.error));
        drop(c);
        if (status != CRECHE_E_DISCONNECTED) { /* what came is given, and then what was wrong */
          c = send_request(url, NULL);
          assert_int_equal(c.status, CRECHE_OK);
          creche_completion piece = read_some((creche_response){c.value}, 0);
          assert_int_equal(piece.data_size, 2);
          drop(piece);
          piece = read_some((creche_response){c.value}, 0);
          assert_int_equal(piece.status, status);
          drop(piece);
          drop(c);
        }
        support_hostile_stop(server);
      }
}

/* ---- One of several addresses takes connections, and does nothing good with them ---- */

/* A name that is at the ports of both. */
static void at_both(const support_hostile* first, const support_hostile* second,
                    creche_mapped_host* host, char* to, size_t capacity) {
  snprintf(to, capacity, "127.0.0.1:%d,127.0.0.1:%d", support_hostile_port(first),
           support_hostile_port(second));
  *host = (creche_mapped_host){"localhost", to};
  snprintf(url, sizeof url, "https://localhost/");
}

static void dies(support_peer* peer, void* user) {
  const enum how how = *(enum how*)user;
  if (how == NEVER) {
    support_hang(peer);
    return;
  }
  if (support_expect_bytes(peer, 1) && how == RESET) support_reset(peer);
}
static void well(support_peer* peer, void* user) {
  answer_by_tls(peer, user, 1);
}

static void the_next_address(void** state) {
  (void)state;
  char to[64];
  creche_mapped_host host;
  creche_session_options so = session_options();
  so.ca_file = ca_path;
  so.hosts = &host;
  so.hosts_count = 1;
  SSL_CTX_set_client_hello_cb(tls, offers, NULL);
  for (enum how how = RESET; how <= NEVER; how++) {
    so.timeouts.tls = how == NEVER ? 4 * CRECHE_SECOND : 0; /* half of it for the first */
    support_hostile* bad = support_hostile_start(dies, &how);
    support_hostile* good = support_hostile_start(well, (void*)ANSWER);
    at_both(bad, good, &host, to, sizeof to);
    use_session(&so);
    creche_request_options o = request_options();
    o.method = "POST"; /* nothing of it was sent: safe for all */
    for (int i = 0; i < 2; i++) expect_body(fetch(url, &o), 200, "ok");
    assert_int_equal(support_hostile_connections(bad), 1); /* then it is known */
    assert_int_equal(support_hostile_connections(good), 2);
    support_hostile_stop(bad);
    support_hostile_stop(good);
  }
}

/* What is wrong with the server itself is so at all its addresses; and they are asked once each. */
static void not_for_everything(void** state) {
  (void)state;
  char to[64];
  creche_mapped_host host;
  creche_session_options so = session_options();
  so.hosts = &host;
  so.hosts_count = 1;
  support_hostile* good = support_hostile_start(well, (void*)ANSWER);
  enum how how = RESET;
  support_hostile* bad = support_hostile_start(dies, &how);
  at_both(good, bad, &host, to, sizeof to); /* without its authority */
  use_session(&so);
  creche_completion c = fetch(url, NULL);
  assert_int_equal(c.status, CRECHE_E_TLS_VERIFY);
  drop(c);
  assert_int_equal(support_hostile_connections(bad), 0);
  support_hostile_stop(good);
  /* Where the other one takes no connections: what this one did is told. */
  snprintf(to, sizeof to, "127.0.0.1:%d,127.0.0.1:1", support_hostile_port(bad));
  so.ca_file = ca_path;
  use_session(&so);
  c = fetch(url, NULL);
  assert_int_equal(c.status, CRECHE_E_DISCONNECTED);
  assert_int_equal(c.error->phase, CRECHE_PHASE_TLS);
  drop(c);
  assert_int_equal(support_hostile_connections(bad), 1);
  support_hostile_stop(bad);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_server_that_refuses_sessions, set_up, tear_down),
      cmocka_unit_test_setup_teardown(once, set_up, tear_down),
      cmocka_unit_test_setup_teardown(what_came_a_moment_ago_is_seen, set_up, tear_down),
      cmocka_unit_test_setup_teardown(an_end_without_a_word, set_up, tear_down),
      cmocka_unit_test_setup_teardown(the_next_address, set_up, tear_down),
      cmocka_unit_test_setup_teardown(not_for_everything, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, make_tls, free_tls);
}

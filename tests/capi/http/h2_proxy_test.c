/* Proxies that speak HTTP/2: each tunnel is a stream of one connection (RFC 9113, 8.5). */
#include <stdatomic.h>

#include "h2_front.h"
#include "h2_test.h"
#include "support/http2.h"

enum { kRefused = 7, kCancel = 8 };

/* ---- The proxy ---- */

typedef struct tunnel {
  int stream, fd; /* 0: none */
  long long window;
} tunnel;
typedef struct proxying {
  support_h2* h;
  tunnel tunnels[32];
  long long all, first_window;
  int refused; /* tunnels that were not begun with */
  int held;    /* a stream that waits for let_go */
} proxying;

static int target; /* the port that all tunnels lead to */
static atomic_int connects, resets, let_go;

static long long number(const unsigned char* at, int bytes) {
  long long n = 0;
  for (int i = 0; i < bytes; i++) n = n << 8 | at[i];
  return n;
}

static tunnel* find(proxying* p, int stream) {
  for (int i = 0; i < 32; i++)
    if (p->tunnels[i].stream == stream) return &p->tunnels[i];
  return NULL;
}

static void forget(tunnel* t) {
  if (t->fd > 0) close(t->fd);
  memset(t, 0, sizeof *t);
}

/* What becomes of it says the name of the host. */
static void connect_to(proxying* p, const support_h2_request* r) {
  int status = 200;
  connects++;
  note(to_proxy, r->fields, strlen(r->fields));
  if (strncmp(r->authority, "hangs.", 6) == 0) return;
  if (strncmp(r->authority, "held.", 5) == 0 && !let_go) {
    p->held = r->stream;
    return;
  }
  if (strncmp(r->authority, "later.", 6) == 0 && p->refused++ == 0) {
    support_h2_reset(p->h, r->stream, kRefused);
  } else if (strncmp(r->authority, "leaves.", 7) == 0 && connects < 3) {
    support_h2_goaway(p->h, r->stream - 2, 0);
  } else if (strncmp(r->authority, "digest.", 7) == 0 && strstr(r->fields, "Digest ") == NULL) {
    support_h2_answer(p->h, r->stream, 407,
                      "proxy-authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\"\n", "no");
  } else if (sscanf(r->authority, "s%d.", &status) == 1) {
    support_h2_answer(p->h, r->stream, status, NULL, "no");
  } else {
    tunnel* t = find(p, 0);
    t->stream = r->stream;
    t->window = p->first_window;
    t->fd = support_dial(target);
    support_h2_head(p->h, r->stream, 200, NULL, H2_END_HEADERS);
  }
}

static void take(proxying* p, const support_h2_frame* f) {
  tunnel* t = f->stream != 0 ? find(p, f->stream) : NULL;
  support_h2_request r;
  switch (f->type) {
    case H2_HEADERS:
      if (support_h2_decode(p->h, f, &r)) connect_to(p, &r);
      break;
    case H2_DATA:
      if (f->size > 0) {
        support_h2_window(p->h, 0, (uint32_t)f->size);
        support_h2_window(p->h, f->stream, (uint32_t)f->size);
      }
      if (t == NULL) break;
      if (f->size > 0) send(t->fd, f->payload, f->size, MSG_NOSIGNAL);
      if (f->flags & H2_END_STREAM) shutdown(t->fd, SHUT_WR);
      break;
    case H2_RST_STREAM:
      resets++;
      if (t != NULL) forget(t);
      break;
    case H2_WINDOW_UPDATE:
      if (f->stream == 0) p->all += number(f->payload, 4);
      if (t != NULL) t->window += number(f->payload, 4);
      break;
    case H2_SETTINGS:
      for (size_t at = 0; at + 6 <= f->size; at += 6)
        if (number(f->payload + at, 2) == 4) p->first_window = number(f->payload + at + 2, 4);
      break;
    default:
      break;
  }
}

/* From the server, as far as the windows go. */
static void pass_on(proxying* p, tunnel* t) {
  static char bytes[4096];
  long long most = sizeof bytes;
  if (most > t->window) most = t->window;
  if (most > p->all) most = p->all;
  const ssize_t n = recv(t->fd, bytes, (size_t)most, 0);
  support_h2_data(p->h, t->stream, bytes, n > 0 ? (size_t)n : 0, n <= 0);
  if (n <= 0) {
    forget(t);
    return;
  }
  t->window -= n;
  p->all -= n;
}

static void proxy_by_2(support_peer* peer, void* user) {
  proxying p;
  support_h2_frame f;
  (void)user;
  memset(&p, 0, sizeof p);
  p.all = p.first_window = 65535;
  p.h = support_h2_open(peer);
  while (p.h != NULL) {
    struct pollfd fds[33] = {{support_peer_fd(peer), POLLIN, 0}};
    for (int i = 0; i < 32; i++) {
      const tunnel* t = &p.tunnels[i];
      const int may = t->stream != 0 && t->window > 0 && p.all > 0;
      fds[i + 1] = (struct pollfd){may ? t->fd : -1, POLLIN, 0};
    }
    if (p.held != 0 && let_go) {
      support_h2_goaway(p.h, p.held - 1, 0);
      p.held = 0;
    }
    const int waits = support_pending(peer) > 0;
    if (poll(fds, 33, waits ? 0 : 100) < 0) break;
    if ((waits || fds[0].revents != 0) && !support_h2_next(p.h, &f)) break;
    if (waits || fds[0].revents != 0) take(&p, &f);
    for (int i = 0; i < 32; i++)
      if (fds[i + 1].revents != 0 && p.tunnels[i].fd == fds[i + 1].fd) pass_on(&p, &p.tunnels[i]);
  }
  for (int i = 0; i < 32; i++) forget(&p.tunnels[i]);
  support_h2_close(p.h);
}

/* ---- What is behind it, and in front ---- */

/* Both have one certificate: the proxy is who is spoken to by an address. */
static const char *proxy_speaks, *server_speaks;
static int choose(SSL* ssl, const unsigned char** out, unsigned char* size, const unsigned char* in,
                  unsigned int in_size, void* user) {
  const int server = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name) != NULL;
  (void)user;
  return prefer(ssl, out, size, in, in_size, (void*)(server ? server_speaks : proxy_speaks));
}

/* The server: HTTP/2 or HTTP/1.1 over TLS. */
static support_hostile *plain_2, *plain_1;
static void served(support_peer* peer, void* user) {
  (void)user;
  in_front_of(peer, plain_2, plain_1);
}

static support_hostile *proxy, *server;
static relay tunnel_1 = {"HTTP/1.1 200 OK\r\n\r\n", 0, 0};
static char proxy_url[64];

static creche_session_options through(void) {
  creche_session_options o = session_options();
  o.versions = CRECHE_HTTP_1_1 | CRECHE_HTTP_2;
  o.flags = CRECHE_SESSION_INSECURE; /* the certificate is for localhost alone */
  o.proxy = proxy_url;
  return o;
}

static int serve(void** state) {
  (void)state;
  proxy_speaks = server_speaks = "\x02h2\x08http/1.1";
  SSL_CTX_set_alpn_select_cb(tls, choose, NULL);
  connects = resets = let_go = 0;
  plain_2 = support_hostile_start(support_script_h2, NULL);
  plain_1 = support_hostile_start(support_script_answer,
                                  (void*)"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nby 1");
  server = support_hostile_start(served, NULL);
  target = tunnel_1.port = support_hostile_port(server);
  by_2 = support_hostile_start(proxy_by_2, NULL);
  by_1 = support_hostile_start(relay_connect, &tunnel_1);
  proxy = support_hostile_start(by_alpn, NULL);
  snprintf(proxy_url, sizeof proxy_url, "https://127.0.0.1:%d", support_hostile_port(proxy));
  const creche_session_options o = through();
  return open_session(&o);
}
static int stop(void** state) {
  const int failed = tear_down(state);
  support_hostile* const all[] = {proxy, by_2, by_1, server, plain_2, plain_1};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) support_hostile_stop(all[i]);
  return failed;
}

static void each_is(int count, const char* body) {
  for (int i = 0; i < count; i++) expect_body(next(), 200, body);
}

/* ---- Tunnels ---- */

static void tunnels_share_a_connection(void** state) {
  (void)state;
  static const char* const urls[] = {"https://localhost/", "https://a.localhost/",
                                     "https://b.localhost/"};
  for (int round = 0; round < 2; round++) {
    for (int i = 0; i < 12; i++) start(urls[i % 3], NULL, NULL);
    each_is(12, "hello");
  }
  assert_int_equal(support_hostile_connections(proxy), 1);
  assert_int_equal(connects, 3); /* one for each server: those speak HTTP/2, too */
  assert_int_equal(session_counters(web).connects, 3);
  assert_int_equal(session_counters(web).idle, 3);
  assert_int_equal(session_counters(web).dns_lookups, 0);
}

static void servers_by_http1(void** state) {
  (void)state;
  server_speaks = "\x08http/1.1";
  for (int i = 0; i < 10; i++) start("https://localhost/", NULL, NULL);
  each_is(10, "by 1");
  assert_int_equal(support_hostile_connections(proxy), 1);
  expect_body(fetch("https://localhost/", NULL), 200, "by 1");
  creche_session_counters c = session_counters(web);
  assert_int_equal(connects, c.connects);
  /* The server closes those that are idle: that is seen before one is used. */
  support_hostile_stop(plain_1);
  plain_1 = support_hostile_start(support_script_answer,
                                  (void*)"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnew1");
  expect_body(fetch("https://localhost/", NULL), 200, "new1");
  assert_int_equal(support_hostile_connections(proxy), 1);
}

static void much_goes_through(void** state) {
  (void)state;
  enum { kSize = 3 << 20 };
  for (int i = 0; i < 2; i++) {
    creche_completion c =
        fetch(i == 0 ? "https://localhost/bytes/3145728" : "https://localhost/", NULL);
    if (c.status != CRECHE_OK) fail_msg("%s", creche_error_message(c.error));
    if (i == 0) assert_int_equal(c.data_size, kSize);
    drop(c);
  }
  creche_request_options r = request_options();
  char* body = calloc(1, kSize);
  r.method = "POST";
  r.body = body;
  r.body_size = kSize;
  creche_completion c = fetch("https://localhost/echo", &r);
  if (c.status != CRECHE_OK) fail_msg("%s", creche_error_message(c.error));
  assert_int_equal(c.data_size, kSize);
  drop(c);
  free(body);
}

static void what_the_proxy_is_told(void** state) {
  (void)state;
  char url[96], expected[256];
  const creche_header of_proxy[] = {creche_header_text("X-Proxy", "1")};
  const creche_header of_session[] = {creche_header_text("X-Session", "2")};
  creche_session_options o = through();
  snprintf(url, sizeof url, "https://u:p@127.0.0.1:%d", support_hostile_port(proxy));
  o.proxy = url;
  o.proxy_headers = of_proxy;
  o.proxy_headers_count = 1;
  o.headers = of_session;
  o.headers_count = 1;
  use_session(&o);
  expect_body(fetch("https://localhost/", NULL), 200, "hello");
  snprintf(expected, sizeof expected,
           ":method: CONNECT\n:authority: localhost:443\nx-proxy: 1\nproxy-authorization: Basic "
           "dTpw\n");
  assert_string_equal(to_proxy, expected);
  /* Who asks for Digest is given that, on the same connection. */
  expect_body(fetch("https://digest.localhost/", NULL), 200, "hello");
  assert_true(noted(to_proxy, "proxy-authorization: Digest "));
  assert_true(noted(to_proxy, "uri=\"digest.localhost:443\""));
  assert_int_equal(support_hostile_connections(proxy), 1);
}

static void it_speaks_http1(void** state) {
  (void)state;
  proxy_speaks = "\x08http/1.1";
  for (int i = 0; i < 3; i++) start("https://localhost/", NULL, NULL);
  each_is(3, "hello");
  assert_true(noted(to_proxy, "CONNECT localhost:443 HTTP/1.1\r\n"));
  assert_int_equal(support_hostile_connections(proxy), 1); /* as the server speaks HTTP/2 */
  assert_int_equal(connects, 0);
  expect_body(fetch("https://a.localhost/", NULL), 200, "hello");
  assert_int_equal(support_hostile_connections(proxy), 2);
  tunnel_1.answer = "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n";
  expect_failure(fetch("https://b.localhost/", NULL), CRECHE_E_PROXY, CRECHE_PHASE_PROXY,
                 CRECHE_ERROR_UNSENT);
  tunnel_1.answer = "HTTP/1.1 200 OK\r\n\r\n";
}

/* ---- Failures ---- */

static void refusals(void** state) {
  (void)state;
  static const struct {
    const char* url;
    uint32_t status, flags;
  } cases[] = {
      {"https://s403.localhost/", 403, CRECHE_ERROR_UNSENT},
      {"https://s407.localhost/", 407, CRECHE_ERROR_UNSENT},
      {"https://s302.localhost/", 302, CRECHE_ERROR_UNSENT},
      {"https://s503.localhost/", 503, CRECHE_ERROR_UNSENT | CRECHE_ERROR_RETRYABLE},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    creche_completion c = fetch(cases[i].url, NULL);
    assert_int_equal(c.status, CRECHE_E_PROXY);
    assert_int_equal(c.error->http_status, cases[i].status);
    expect_failure(c, CRECHE_E_PROXY, CRECHE_PHASE_PROXY, cases[i].flags);
  }
  expect_body(fetch("https://localhost/", NULL), 200, "hello");
  assert_int_equal(support_hostile_connections(proxy), 1);
}

static void asked_again(void** state) {
  (void)state;
  expect_body(fetch("https://later.localhost/", NULL), 200, "hello");
  assert_int_equal(connects, 2);
  assert_int_equal(support_hostile_connections(proxy), 1);
}

static void goes_away(void** state) {
  (void)state;
  expect_body(fetch("https://localhost/", NULL), 200, "hello");
  expect_body(fetch("https://leaves.localhost/", NULL), 200, "hello");
  assert_int_equal(support_hostile_connections(proxy), 2);
  expect_body(fetch("https://localhost/", NULL), 200, "hello");
  assert_int_equal(connects, 3);
}

static void given_up(void** state) {
  (void)state;
  creche_request_options r = request_options();
  expect_body(fetch("https://localhost/", NULL), 200, "hello");
  const creche_task task = start("https://hangs.localhost/", NULL, NULL);
  while (connects < 2) expect_body(fetch("https://localhost/", NULL), 200, "hello");
  OK(creche_scope_cancel(task.scope, NULL));
  creche_completion c = next();
  assert_int_equal(c.status, CRECHE_E_CANCELLED);
  drop(c);
  r.timeouts.proxy = 100 * CRECHE_MILLISECOND;
  expect_failure(fetch("https://hangs.localhost/", &r), CRECHE_E_TIMEOUT, CRECHE_PHASE_PROXY,
                 CRECHE_ERROR_UNSENT | CRECHE_ERROR_RETRYABLE);
  while (resets < 2) expect_body(fetch("https://a.localhost/", NULL), 200, "hello");
  expect_body(fetch("https://localhost/", NULL), 200, "hello");
  assert_int_equal(support_hostile_connections(proxy), 1);
}

static void it_is_gone(void** state) {
  (void)state;
  expect_body(fetch("https://localhost/", NULL), 200, "hello");
  support_hostile_stop(by_2);
  by_2 = support_hostile_start(proxy_by_2, NULL);
  expect_body(fetch("https://localhost/", NULL), 200, "hello");
  assert_int_equal(support_hostile_connections(proxy), 2);
}

/* A connection to the proxy serves who has the settings that it was made with, and nobody else. */
static void other_settings_are_another_connection(void** state) {
  (void)state;
  creche_tls_options t;
  creche_request_options r = request_options();
  expect_body(fetch("https://localhost/", NULL), 200, "hello");
  OK(creche_tls_options_init(&t, sizeof t));
  t.flags = CRECHE_TLS_INSECURE;
  for (int i = 0; i < 2; i++) {
    OK(creche_tls_open(&t, &r.tls));
    expect_body(fetch("https://a.localhost/", &r), 200, "hello");
    assert_int_equal(support_hostile_connections(proxy), 2 + i);
    expect_body(fetch("https://b.localhost/", &r), 200, "hello");
    assert_int_equal(support_hostile_connections(proxy), 2 + i);
    creche_tls_release(r.tls);
  }
  expect_body(fetch("https://b.localhost/", NULL), 200, "hello");
  assert_int_equal(support_hostile_connections(proxy), 3);
}

/* Who asks for a tunnel with settings of its own may go: they serve who waits for the same. */
static void settings_outlive_who_brought_them(void** state) {
  (void)state;
  creche_tls_options t;
  creche_request_options r = request_options();
  OK(creche_tls_options_init(&t, sizeof t));
  t.flags = CRECHE_TLS_INSECURE;
  OK(creche_tls_open(&t, &r.tls));
  const creche_task first = start("https://held.localhost/", &r, NULL);
  AWAIT(connects == 1);
  start("https://held.localhost/", &r, NULL);
  creche_tls_release(r.tls);
  OK(creche_scope_cancel(first.scope, NULL));
  creche_completion c = next();
  assert_int_equal(c.status, CRECHE_E_CANCELLED);
  drop(c);
  let_go = 1; /* on another connection */
  expect_body(next(), 200, "hello");
  assert_int_equal(support_hostile_connections(proxy), 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, serve, stop)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(tunnels_share_a_connection),
      TEST(servers_by_http1),
      TEST(much_goes_through),
      TEST(what_the_proxy_is_told),
      TEST(it_speaks_http1),
      TEST(refusals),
      TEST(asked_again),
      TEST(goes_away),
      TEST(given_up),
      TEST(it_is_gone),
      TEST(other_settings_are_another_connection),
      TEST(settings_outlive_who_brought_them),
  };
  return cmocka_run_group_tests_name("proxies by HTTP/2", tests, make_tls, free_tls);
}

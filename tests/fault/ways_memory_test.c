/* What HTTP can do beside plain requests, without memory: WebSockets, streams of events, bodies,
 * jars, auth, retries, proxies. The servers are other processes, which have all the memory they
 * want. See no_memory.h. */
#include <netdb.h>
#include <signal.h>
#include <sys/prctl.h>

#include "no_memory.h"
#include "support/relay.h"
#include "support/websocket.h"

/* ---- Servers ---- */
typedef struct server {
  pid_t process;
  int port;
} server;
static server chat_server, event_server, guard_server, proxy_server, socks_server;
static support_nginx* nginx;

static server serve(support_script script) {
  server s = {0, 0};
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  s.process = fork();
  if (s.process == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    support_hostile* hostile = support_hostile_start(script, NULL);
    const int port = support_hostile_port(hostile);
    if (write(ends[1], &port, sizeof port) != sizeof port) _exit(1);
    for (;;) pause();
  }
  close(ends[1]);
  assert_int_equal(read(ends[0], &s.port, sizeof s.port), sizeof s.port);
  close(ends[0]);
  return s;
}
static void end(server s) {
  if (s.process <= 0) return;
  kill(s.process, SIGKILL);
  waitpid(s.process, NULL, 0);
}

static void chat(support_peer* peer, void* user) {
  static __thread unsigned char payload[1 << 20];
  size_t size;
  (void)user;
  if (!support_websocket_accept(
          peer,
          "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; "
          "client_no_context_takeover\r\n",
          NULL, 0))
    return;
  for (;;) {
    const int first = support_websocket_take(peer, payload, sizeof payload, &size);
    if (first < 0) return;
    if (!support_websocket_send(peer, first, payload, size) || (first & 15) == 8) return;
  }
}

static void tells_events(support_peer* peer, void* user) {
  (void)user;
  if (!support_expect_request(peer)) return;
  if (strstr(support_received(peer), "Last-Event-ID: 2") != NULL) {
    support_send_text(peer, "HTTP/1.1 204 No more\r\n\r\n");
    return;
  }
  support_send_text(peer,
                    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
                    "retry: 1\nid: 1\ndata: one\n\nid: 2\nevent: add\ndata: two\ndata: lines\n\n");
}

/* Lets in who answers to its challenge, tells what it costs in a cookie, and is busy at first. */
static void guard(support_peer* peer, void* user) {
  (void)user;
  while (support_expect_request(peer)) {
    const char* head = support_received(peer);
    const int known = strstr(head, "Authorization: Digest") != NULL;
    const int paid = strstr(head, "Cookie: ") != NULL;
    if (!support_send_text(
            peer, !known  ? "HTTP/1.1 401 Who\r\nContent-Length: 3\r\nWWW-Authenticate: Digest "
                            "realm=\"r\", nonce=\"n\", algorithm=SHA-256, qop=\"auth\"\r\n\r\nwho"
                  : !paid ? "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nRetry-After: 0\r\n"
                            "Set-Cookie: paid=yes; Max-Age=1000\r\n\r\n"
                          : "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nin"))
      return;
  }
}

static void passes_on(support_peer* peer, void* user) {
  (void)user;
  for (;;) {
    if (!support_expect(peer, "\r\n\r\n")) return;
    if (strstr(support_received(peer), "Proxy-Authorization: Digest") != NULL) break;
    if (!support_send_text(peer,
                           "HTTP/1.1 407 Who\r\nContent-Length: 3\r\nProxy-Authenticate: Digest "
                           "realm=\"r\", nonce=\"n\", algorithm=SHA-256, qop=\"auth\"\r\n\r\nwho"))
      return;
  }
  if (support_send_text(peer, "HTTP/1.1 200 OK\r\n\r\n"))
    support_relay(support_peer_fd(peer), support_nginx_https_port(nginx));
}

static void socks(support_peer* peer, void* user) {
  (void)user;
  if (!support_expect_bytes(peer, 3) || !support_send(peer, "\5\0", 2)) return;
  if (!support_expect_bytes(peer, 10) || !support_send(peer, "\5\0\0\1\177\0\0\1\0\120", 10))
    return;
  support_relay(support_peer_fd(peer), support_nginx_https_port(nginx));
}

/* ---- Scenarios ---- */
static char url[100];

static const char* at(server s, const char* before, const char* behind) {
  snprintf(url, sizeof url, "%s127.0.0.1:%d%s", before, s.port, behind);
  return url;
}

static int chatted(creche_session web, int in_need) {
  static char big[70000];
  creche_websocket_options o;
  creche_websocket socket;
  mark* m;
  creche_websocket_options_init(&o, sizeof o);
  o.heartbeat = 10 * CRECHE_SECOND;
  m = START(creche_session_websocket(web, loop.scope, at(chat_server, "ws://", "/"), &o, tell,
                                     fresh(), NULL));
  if (ended(m) != CRECHE_OK) return 0;
  socket.id = m->value;
  memset(big, 'x', sizeof big);
  for (int i = 0; i < 2; i++) {
    const size_t size = i == 0 ? 5 : sizeof big;
    m = START(creche_websocket_send(socket, loop.scope, CRECHE_WEBSOCKET_TEXT, big, size, NULL,
                                    tell, fresh(), NULL));
    if (ended(m) != CRECHE_OK) break;
    m = START(creche_websocket_receive(socket, loop.scope, NULL, tell, fresh(), NULL));
    if (ended(m) != CRECHE_OK) break;
    if (m->size != size) note_trouble("a message", "is cut");
  }
  if (!in_need) creche_loop_dump(loop, CRECHE_DUMP_JSON, text, sizeof text, NULL);
  m = START(creche_websocket_close(socket, loop.scope, 1000, "bye", NULL, tell, fresh(), NULL));
  const int closed = ended(m) == CRECHE_OK;
  creche_websocket_release(socket);
  return closed;
}
static void websocket(void) {
  creche_session web;
  if (!TRY(creche_session_open(loop, NULL, &web))) return;
  chatted(web, 1);
  memory_is_back();
  if (!chatted(web, 0)) note_trouble("with memory again", "no WebSocket");
  creche_session_release(web);
}

static mark* listened(creche_session web) {
  creche_events_options o;
  creche_events_options_init(&o, sizeof o);
  o.retry = CRECHE_MILLISECOND;
  return START(creche_session_events(web, loop.scope, at(event_server, "http://", "/"), &o, tell,
                                     fresh(), NULL));
}
static void events(void) {
  creche_session web;
  if (!TRY(creche_session_open(loop, NULL, &web))) return;
  ended(listened(web));
  memory_is_back();
  must_be_ok(listened(web));
  creche_session_release(web);
}

/* A form, a coded body and a pulled one, each past the guard. */
static mark* posted(creche_session web, int which) {
  const creche_part form[] = {creche_part_text("a", "1"),
                              {"file", "bytes", 5, NULL, "f.txt", "text/plain"}};
  static const char body[] = "the same, the same, the same, the same, the same, the same";
  creche_request_options r;
  creche_request_options_init(&r, sizeof r);
  r.flags = CRECHE_REQUEST_FAIL_ON_STATUS;
  if (which == 0) {
    r.form = form;
    r.form_count = 2;
  } else {
    r.body = body;
    r.body_size = sizeof body;
    r.coding = which == 1 ? CRECHE_CODING_GZIP : CRECHE_CODING_DEFLATE;
  }
  return START(creche_session_fetch(web, loop.scope, at(guard_server, "http://", "/"), &r, tell,
                                    fresh(), NULL));
}
static void requests(void) {
  creche_session web = {0};
  creche_session_options o;
  creche_request_options r;
  creche_retry retry;
  creche_cookie_jar jar = {0};
  const creche_auth auth = {sizeof auth, CRECHE_AUTH_DIGEST, "user", "secret", NULL, NULL, NULL,
                            NULL};
  creche_session_options_init(&o, sizeof o);
  creche_retry_init(&retry, sizeof retry);
  retry.flags = CRECHE_RETRY_ANY_METHOD;
  if (!TRY(creche_cookie_jar_open(NULL, &jar))) return;
  o.auth = &auth;
  o.cookies = jar;
  o.retry = &retry;
  if (!TRY(creche_session_open(loop, &o, &web))) goto end;
  for (int i = 0; i < 3; i++) ended(posted(web, i));
  creche_request_options_init(&r, sizeof r);
  r.flags = CRECHE_REQUEST_PULL_BODY | CRECHE_REQUEST_EXPECT;
  r.body_size = CRECHE_UNKNOWN_SIZE;
  r.expect_timeout = CRECHE_MILLISECOND;
  ended(START(creche_session_fetch(web, loop.scope, url, &r, tell, fresh(), NULL)));
  creche_request_options_init(&r, sizeof r);
  ended(START(creche_session_warm_up(web, loop.scope, url, 3, &r, tell, fresh(), NULL)));
  TRY(creche_cookie_jar_export(jar, CRECHE_COOKIES_JSON, text, sizeof text, NULL));
  memory_is_back();
  must_be_ok(posted(web, 0));
end:
  creche_session_release(web);
  creche_cookie_jar_release(jar);
}

static void through(server s, const char* scheme) {
  creche_session web;
  creche_session_options o;
  char proxy[100], to[100];
  creche_session_options_init(&o, sizeof o);
  snprintf(proxy, sizeof proxy, "%s127.0.0.1:%d", scheme, s.port);
  snprintf(to, sizeof to, "https://127.0.0.1:%d/small", support_nginx_https_port(nginx));
  o.proxy = proxy;
  o.ca_file = support_nginx_ca_file(nginx);
  if (!TRY(creche_session_open(loop, &o, &web))) return;
  mark* m = START(creche_session_fetch(web, loop.scope, to, NULL, tell, fresh(), NULL));
  if (ended(m) == CRECHE_OK && m->size != 1024) note_trouble("/small", "is cut");
  if (s.port == proxy_server.port) {
    memory_is_back();
    must_be_ok(START(creche_session_fetch(web, loop.scope, to, NULL, tell, fresh(), NULL)));
  }
  creche_session_release(web);
}
static void proxies(void) {
  through(socks_server, "socks5://");
  through(proxy_server, "http://user:secret@");
}

static const scenario scenarios[] = {{"websocket", websocket, 0},
                                     {"events", events, 0},
                                     {"requests", requests, 0},
                                     {"proxies", proxies, 0}};
static void websockets_without_memory(void** state) {
  (void)state;
  each_fails_once(&scenarios[0]);
}
static void events_without_memory(void** state) {
  (void)state;
  each_fails_once(&scenarios[1]);
}
static void requests_without_memory(void** state) {
  (void)state;
  each_fails_once(&scenarios[2]);
}
static void proxies_without_memory(void** state) {
  (void)state;
  each_fails_once(&scenarios[3]);
}

static int start(void** state) {
  struct addrinfo* found = NULL;
  (void)state;
  nginx = support_nginx_start(NULL);
  if (nginx == NULL) return -1;
  chat_server = serve(chat);
  event_server = serve(tells_events);
  guard_server = serve(guard);
  proxy_server = serve(passes_on);
  socks_server = serve(socks);
  /* The C library's own first times end the process if memory fails in them. */
  if (getaddrinfo("localhost", NULL, NULL, &found) == 0) freeaddrinfo(found);
  return 0;
}
static int stop(void** state) {
  (void)state;
  end(chat_server);
  end(event_server);
  end(guard_server);
  end(proxy_server);
  end(socks_server);
  support_nginx_stop(nginx);
  return 0;
}

int main(int argc, char** argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(websockets_without_memory),
      cmocka_unit_test(events_without_memory),
      cmocka_unit_test(requests_without_memory),
      cmocka_unit_test(proxies_without_memory),
  };
  if (argc == 4)
    return run_by_hand(argv, scenarios, sizeof scenarios / sizeof *scenarios, start, stop);
  return cmocka_run_group_tests(tests, start, stop);
}

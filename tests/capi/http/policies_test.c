/* Where redirects and names may lead, and what is kept of the way. */
#include <arpa/inet.h>
#include <netdb.h>
#include <stdatomic.h>

#include "reading.h"
#include "tls_peer.h"

#define ANSWER OK_HEAD "Content-Length: 2\r\n\r\nok"

/* Redirects to where `user` says, by TLS. */
static void redirect_by_tls(support_peer* peer, void* user) {
  char text[512];
  snprintf(text, sizeof text, "HTTP/1.1 307 There\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n",
           (const char*)user);
  answer_by_tls(peer, text, 1);
}

/* Redirects to where `user` says, but "/end" is answered. */
static void redirect(support_peer* peer, void* user) {
  while (support_expect_request(peer))
    if (strncmp(support_received(peer), "GET /end", 8) == 0)
      support_send_text(peer, ANSWER);
    else
      support_sendf(peer, "HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n",
                    (const char*)user);
}

static void hops_are_kept(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(redirect, "/end?token=1");
  const creche_response r = expect_head(fetch(at(support_hostile_url(server), "/a"), NULL), 200);
  creche_redirect hop;
  OK(creche_response_redirect_at(r, 0, &hop));
  assert_string_equal(hop.url, at(support_hostile_url(server), "/a"));
  assert_int_equal(hop.status, 302);
  IS(creche_response_redirect_at(r, 1, &hop), CRECHE_E_LIMIT);
  IS(creche_response_redirect_at(r, 0, NULL), CRECHE_E_INVALID);
  assert_string_equal(creche_response_url(r), at(support_hostile_url(server), "/end?token=1"));
  creche_response_release(r);
  const creche_response direct =
      expect_head(fetch(at(support_hostile_url(server), "/end"), NULL), 200);
  IS(creche_response_redirect_at(direct, 0, &hop), CRECHE_E_LIMIT);
  creche_response_release(direct);
  support_hostile_stop(server);
}

static void no_downgrade(void** state) {
  (void)state;
  char url[64], to[64];
  support_hostile* plain = support_hostile_start(redirect, "/end");
  snprintf(to, sizeof to, "%s/end", support_hostile_url(plain));
  support_hostile* server = support_hostile_start(redirect_by_tls, to);
  snprintf(url, sizeof url, "https://localhost:%d/", support_hostile_port(server));
  creche_session_options so = session_options();
  so.ca_file = ca_path;
  use_session(&so);
  expect_body(fetch(url, NULL), 200, "ok");
  so.flags = CRECHE_SESSION_NO_DOWNGRADE;
  use_session(&so);
  creche_completion c = fetch(url, NULL);
  assert_int_equal(c.status, CRECHE_E_REDIRECT);
  assert_int_equal(c.error->http_status, 307);
  drop(c);
  assert_int_equal(support_hostile_requests(plain), 1);
  expect_body(fetch(at(support_hostile_url(plain), "/a"), NULL), 200, "ok"); /* http to http */
  support_hostile_stop(server);
  support_hostile_stop(plain);
}

static void only_to_these_hosts(void** state) {
  (void)state;
  char to[64];
  support_hostile* target = support_hostile_start(redirect, "/end");
  snprintf(to, sizeof to, "http://localhost:%d/end", support_hostile_port(target));
  support_hostile* server = support_hostile_start(redirect, to);
  creche_session_options so = session_options();
  static const struct {
    const char* hosts;
    int allowed;
  } cases[] = {{NULL, 1}, {"localhost", 1},   {"*", 1},
               {"", 0},   {"example.org", 0}, {"xlocalhost", 0}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    so.redirect_hosts = cases[i].hosts;
    use_session(&so);
    const int before = support_hostile_requests(target);
    creche_completion c = fetch(support_hostile_url(server), NULL);
    assert_int_equal(c.status, cases[i].allowed ? CRECHE_OK : CRECHE_E_REDIRECT);
    drop(c);
    assert_int_equal(support_hostile_requests(target), before + cases[i].allowed);
  }
  so.redirect_hosts = "";
  use_session(&so); /* the same host is always allowed */
  expect_body(fetch(at(support_hostile_url(target), "/a"), NULL), 200, "ok");
  support_hostile_stop(server);
  support_hostile_stop(target);
}

/* Its own is that of the request, wherever it has been in between. */
static void and_back_to_its_own_host(void** state) {
  (void)state;
  char to[64], back[64];
  support_hostile* target = support_hostile_start(redirect, back);
  support_hostile* server = support_hostile_start(redirect, to);
  snprintf(to, sizeof to, "http://localhost:%d/again", support_hostile_port(target));
  snprintf(back, sizeof back, "%s/end", support_hostile_url(server));
  creche_session_options so = session_options();
  so.redirect_hosts = "localhost";
  use_session(&so);
  expect_body(fetch(at(support_hostile_url(server), "/a"), NULL), 200, "ok");
  assert_int_equal(support_hostile_requests(target), 1);
  /* No other, though only one that is listed leads there. */
  strcpy(back, "http://127.0.0.2:1/");
  creche_completion c = fetch(at(support_hostile_url(server), "/a"), NULL);
  assert_int_equal(c.status, CRECHE_E_REDIRECT);
  drop(c);
  support_hostile_stop(server);
  support_hostile_stop(target);
}

/* ---- Only public addresses ---- */

static atomic_int asked;
static atomic_int answer; /* of getaddrinfo: 0: what the name says */

/* The test's own: "private.test" is 10.0.0.1, "both.test" that and 127.0.0.1; others fail as they
 * are told to. */
__attribute__((visibility("default"))) int getaddrinfo(const char* name, const char* service,
                                                       const struct addrinfo* hints,
                                                       struct addrinfo** found) {
  static const char* const texts[] = {"10.0.0.1", "127.0.0.1"};
  (void)service;
  (void)hints;
  atomic_fetch_add(&asked, 1);
  if (atomic_load(&answer) != 0) return atomic_load(&answer);
  const size_t n = strcmp(name, "both.test") == 0 ? 2 : 1;
  *found = NULL;
  for (size_t i = 0; i < n; i++) {
    struct addrinfo* one = calloc(1, sizeof *one + sizeof(struct sockaddr_in));
    struct sockaddr_in* to = (void*)(one + 1);
    to->sin_family = AF_INET;
    inet_pton(AF_INET, strcmp(name, "here.test") == 0 ? "127.0.0.1" : texts[i], &to->sin_addr);
    one->ai_family = AF_INET;
    one->ai_socktype = SOCK_STREAM;
    one->ai_addr = (void*)to;
    one->ai_addrlen = sizeof *to;
    one->ai_next = *found;
    *found = one;
  }
  return 0;
}
__attribute__((visibility("default"))) void freeaddrinfo(struct addrinfo* all) {
  while (all != NULL) {
    struct addrinfo* next_one = all->ai_next;
    free(all);
    all = next_one;
  }
}

static void only_public_addresses(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(support_script_answer, ANSWER);
  creche_session_options so = session_options();
  so.flags = CRECHE_SESSION_PUBLIC_ONLY;
  use_session(&so);
  static const char* const refused[] = {
      "http://127.0.0.1:%d/",         "http://localhost:%d/",        "http://[::1]:%d/",
      "http://10.1.2.3:%d/",          "http://172.31.0.1:%d/",       "http://192.168.1.1:%d/",
      "http://169.254.169.254:%d/",   "http://100.64.0.1:%d/",       "http://0.0.0.0:%d/",
      "http://[fe80::1]:%d/",         "http://[fd00::1]:%d/",        "http://[::]:%d/",
      "http://[::ffff:10.0.0.1]:%d/", "http://[64:ff9b::a00:1]:%d/", "http://[2002:a00:1::]:%d/",
      "http://224.0.0.1:%d/",         "http://255.255.255.255:%d/",  "http://private.test:%d/",
      "http://both.test:%d/",         "http://[2001:db8::1]:%d/",    "http://192.0.2.1:%d/"};
  for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
    char url[64];
    snprintf(url, sizeof url, refused[i], support_hostile_port(server));
    creche_completion c = fetch(url, NULL);
    if (c.status != CRECHE_E_URL)
      fail_msg("%s: %s", url, c.error ? c.error->message : "is fetched");
    assert_true(c.error->flags & CRECHE_ERROR_UNSENT);
    assert_false(c.error->flags & CRECHE_ERROR_RETRYABLE);
    drop(c);
  }
  assert_int_equal(support_hostile_connections(server), 0);
  support_hostile_stop(server);
}

/* What the user has chosen himself is fine; what that redirects to is looked at. */
static void what_is_mapped_may_be_private(void** state) {
  (void)state;
  char to[64], where[64];
  support_hostile* target = support_hostile_start(support_script_answer, ANSWER);
  snprintf(to, sizeof to, "%s/", support_hostile_url(target));
  support_hostile* server = support_hostile_start(redirect, to);
  snprintf(where, sizeof where, "127.0.0.1:%d", support_hostile_port(server));
  const creche_mapped_host hosts[] = {{"public.test", where}};
  creche_session_options so = session_options();
  so.flags = CRECHE_SESSION_PUBLIC_ONLY;
  so.hosts = hosts;
  so.hosts_count = 1;
  use_session(&so);
  expect_body(fetch("http://public.test/end", NULL), 200, "ok");
  expect_status(fetch("http://public.test/a", NULL), CRECHE_E_URL);
  assert_int_equal(support_hostile_connections(target), 0);
  support_hostile_stop(server);
  support_hostile_stop(target);
}

/* Answers a request, or says to who speaks SOCKS that it takes no method of his. */
static void any_proxy(support_peer* peer, void* user) {
  (void)user;
  if (!support_expect_bytes(peer, 3)) return;
  if (support_received(peer)[0] == 5)
    support_send_text(peer, "\5\xff");
  else if (support_expect_request(peer))
    support_send_text(peer, ANSWER);
  support_await_close(peer);
}

/* What a proxy is asked for is looked at as far as the URL says it; who resolves names here, for
 * SOCKS5, looks at their addresses, too. The user's own map is fine there. */
static void only_public_addresses_behind_proxies(void** state) {
  (void)state;
  static const char* const refused[] = {
      "http://127.0.0.1/", "http://localhost/", "http://a.localhost/", "http://127.1/",
      "http://[::1]/",     "http://10.1.2.3/",  "https://10.1.2.3/"};
  const creche_mapped_host hosts[] = {{"public.test", "10.0.0.1"}};
  for (int kind = 0; kind < 3; kind++) {
    support_hostile* through = support_hostile_start(any_proxy, NULL);
    char proxy[64];
    snprintf(proxy, sizeof proxy, "%s://127.0.0.1:%d",
             kind == 0   ? "http"
             : kind == 1 ? "socks5h"
                         : "socks5",
             support_hostile_port(through));
    creche_session_options so = session_options();
    so.flags = CRECHE_SESSION_PUBLIC_ONLY;
    so.proxy = proxy;
    so.hosts = hosts;
    so.hosts_count = 1;
    use_session(&so);
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
      creche_completion c = fetch(refused[i], NULL);
      if (c.status != CRECHE_E_URL)
        fail_msg("%s: %s", refused[i], c.error ? c.error->message : "is fetched");
      drop(c);
    }
    /* For SOCKS5 it is asked how it may be asked, before anybody knows the address. */
    assert_int_equal(support_hostile_requests(through), 0);
    if (kind == 0) expect_body(fetch("http://name.test/", NULL), 200, "ok");
    if (kind == 2) expect_status(fetch("http://public.test/", NULL), CRECHE_E_PROXY);
    support_hostile_stop(through);
  }
}

/* ---- How long it is known that a name is not there ---- */

static void pass(int64_t time) {
  OK(creche_sleep(loop.scope, time, &to_queue, NULL, NULL, NULL));
  drop(next());
}

static void names_that_are_not_there(void** state) {
  (void)state;
  creche_session_options so = session_options();
  atomic_store(&asked, 0);
  so.dns_ttl_ms = so.dns_negative_ttl_ms = 3600000;
  use_session(&so);
  atomic_store(&answer, EAI_NONAME);
  for (int i = 0; i < 3; i++) expect_status(fetch("http://none.test/", NULL), CRECHE_E_DNS);
  assert_int_equal(atomic_load(&asked), 1);
  expect_status(fetch("http://none2.test/", NULL), CRECHE_E_DNS);
  assert_int_equal(atomic_load(&asked), 2);
  so.dns_negative_ttl_ms = 1;
  use_session(&so);
  atomic_store(&asked, 0);
  for (int i = 1; i <= 3; i++) {
    expect_status(fetch("http://none.test/", NULL), CRECHE_E_DNS);
    assert_int_equal(atomic_load(&asked), i);
    pass(3 * CRECHE_MILLISECOND);
  }
  atomic_store(&answer, EAI_AGAIN); /* what may be there is asked for again */
  atomic_store(&asked, 0);
  for (int i = 0; i < 3; i++) expect_status(fetch("http://later.test/", NULL), CRECHE_E_DNS);
  assert_int_equal(atomic_load(&asked), 3);
  atomic_store(&answer, 0);
}

static void old_answers_are_better_than_none(void** state) {
  (void)state;
  static const char close_it[] = OK_HEAD "Connection: close\r\nContent-Length: 2\r\n\r\nok";
  support_hostile* server = support_hostile_start(support_script_answer, (void*)close_it);
  char url[64];
  snprintf(url, sizeof url, "http://here.test:%d/", support_hostile_port(server));
  creche_session_options so = session_options();
  so.dns_ttl_ms = 1;
  for (uint32_t stale = 0; stale <= 3600000; stale += 3600000) {
    so.dns_stale_ms = stale;
    use_session(&so);
    expect_body(fetch(url, NULL), 200, "ok");
    pass(3 * CRECHE_MILLISECOND);
    atomic_store(&answer, EAI_AGAIN);
    if (stale == 0)
      expect_status(fetch(url, NULL), CRECHE_E_DNS);
    else
      expect_body(fetch(url, NULL), 200, "ok");
    atomic_store(&answer, EAI_NONAME); /* that is an answer */
    expect_status(fetch(url, NULL), CRECHE_E_DNS);
    atomic_store(&answer, 0);
    pass(3 * CRECHE_MILLISECOND); /* that is forgotten, too */
    expect_body(fetch(url, NULL), 200, "ok");
  }
  support_hostile_stop(server);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(hops_are_kept, set_up, tear_down),
      cmocka_unit_test_setup_teardown(no_downgrade, set_up, tear_down),
      cmocka_unit_test_setup_teardown(only_to_these_hosts, set_up, tear_down),
      cmocka_unit_test_setup_teardown(and_back_to_its_own_host, set_up, tear_down),
      cmocka_unit_test_setup_teardown(only_public_addresses, set_up, tear_down),
      cmocka_unit_test_setup_teardown(what_is_mapped_may_be_private, set_up, tear_down),
      cmocka_unit_test_setup_teardown(only_public_addresses_behind_proxies, set_up, tear_down),
      cmocka_unit_test_setup_teardown(names_that_are_not_there, set_up, tear_down),
      cmocka_unit_test_setup_teardown(old_answers_are_better_than_none, set_up, tear_down),
  };
  return cmocka_run_group_tests_name("policies", tests, make_tls, free_tls);
}

/* Hosts in other scripts: whoever is told of one, is told its A-label. */
#include "tls_peer.h"

#define LABEL "xn--bcher-kva.example"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char heads[4][2048];
static char server_name[256];
static int head_count;

/* Answers each request of a connection: the first by a redirect, and with a cookie. */
static void answers(support_peer* peer, void* user) {
  static const char moved[] =
      "HTTP/1.1 302 X\r\nLocation: https://B\xc3\x9c"
      "CHER.example:443/next\r\n"
      "Set-Cookie: a=b\r\nContent-Length: 0\r\n\r\n";
  static const char ok[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
  SSL* ssl = SSL_new(tls);
  char head[2048];
  (void)user;
  SSL_set_fd(ssl, support_peer_fd(peer));
  for (int good = SSL_accept(ssl) == 1; good && ssl_head(ssl, head, sizeof head) > 0;) {
    pthread_mutex_lock(&lock);
    const int first = head_count == 0;
    const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    snprintf(server_name, sizeof server_name, "%s", name != NULL ? name : "");
    if (head_count < 4) memcpy(heads[head_count++], head, sizeof head);
    pthread_mutex_unlock(&lock);
    good = SSL_write(ssl, first ? moved : ok, (int)strlen(first ? moved : ok)) > 0;
  }
  SSL_free(ssl);
}

static void told_by_its_a_label(void** state) {
  support_hostile* server = support_hostile_start(answers, NULL);
  creche_session_options o = session_options();
  char to[64];
  (void)state;
  assert_non_null(server);
  snprintf(to, sizeof to, "127.0.0.1:%d", support_hostile_port(server));
  /* An option may say it in its own script, too. */
  const creche_mapped_host host = {
      "b\xc3\xbc"
      "cher.EXAMPLE",
      to};
  o.hosts = &host;
  o.hosts_count = 1;
  o.ca_file = ca_path; /* and the certificate is for the A-label */
  OK(creche_cookie_jar_open(NULL, &o.cookies));
  use_session(&o);
  creche_completion c = fetch(
      "https://b\xc3\xbc"
      "cher.example/\xc3\xbc",
      NULL);
  if (c.status == CRECHE_OK)
    assert_string_equal(creche_response_url((creche_response){c.value}), "https://" LABEL "/next");
  expect_body(c, 200, "ok");
  expect_body(fetch("https://" LABEL "/", NULL), 200, "ok");
  expect_body(fetch("https://bu\xcc\x88"
                    "cher\xe3\x80\x82"
                    "example/",
                    NULL),
              200, "ok");
  creche_session_counters counters;
  OK(creche_session_get_counters(web, &counters, sizeof counters));
  assert_int_equal(counters.connects, 1); /* all of them are one origin */
  pthread_mutex_lock(&lock);
  assert_int_equal(head_count, 4);
  assert_string_equal(server_name, LABEL);
  assert_non_null(strstr(heads[0], "GET /%C3%BC HTTP/1.1\r\n"));
  for (int i = 0; i < 4; i++) {
    assert_non_null(strstr(heads[i], "\r\nHost: " LABEL "\r\n"));
    assert_true((strstr(heads[i], "\r\nCookie: a=b\r\n") != NULL) == (i > 0));
  }
  pthread_mutex_unlock(&lock);
  creche_session_release(web);
  creche_cookie_jar_release(o.cookies);
  OK(creche_session_open(loop, NULL, &web));
  support_hostile_stop(server);
}

/* What is none, what hides a number or a slash, and what right-to-left rules forbid. */
static void refused(void** state) {
  static const char* const urls[] = {
      "http://\xff.example/",
      "http://a\xe2\x80\x8d"
      "b.example/",
      "http://\xd7\x90"
      "a.example/",
      "http://\xc3\xbc..example/",
      "http://\xc2\xad/",
      "http://\xef\xbc\x91\xef\xbc\x92\xef\xbc\x97.1/",
      "http://a\xe2\x84\x80"
      "b.example/",
      "http://\xc3\xbc\xef\xbc\xa0host/",
      "http://\xe2\x98\x83.example/",
  };
  char longest[2048] = "http://";
  (void)state;
  for (size_t i = 0; i < sizeof urls / sizeof *urls; i++)
    expect_failure(fetch(urls[i], NULL), CRECHE_E_URL, CRECHE_PHASE_OPTIONS, 0);
  for (size_t i = 7; i < 1500; i += 2) memcpy(longest + i, "\xc3\xbc", 3);
  expect_failure(fetch(longest, NULL), CRECHE_E_URL, CRECHE_PHASE_OPTIONS, 0);
  creche_completion c = fetch(urls[1], NULL);
  assert_non_null(strstr(c.error->message, "IDN2_CONTEXTJ"));
  drop(c);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {TEST(told_by_its_a_label), TEST(refused)};
  return cmocka_run_group_tests_name("hosts in other scripts", tests, make_tls, free_tls);
}

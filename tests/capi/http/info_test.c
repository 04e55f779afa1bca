/* What an answer tells of how it was fetched. */
#include <openssl/x509v3.h>

#include "reading.h"
#include "tls_peer.h"

#define ANSWER OK_HEAD "Content-Length: 2\r\n\r\nok"

static void one_by_tls(support_peer* peer, void* user) {
  (void)user;
  answer_by_tls(peer, ANSWER, 1);
}

static creche_response kept(creche_completion c) {
  return expect_head(c, 200);
}

static void a_new_connection_and_a_kept_one(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(support_script_answer, ANSWER);
  char peer[32];
  snprintf(peer, sizeof peer, "127.0.0.1:%d", support_hostile_port(server));
  creche_request_options o = request_options();
  o.method = "POST";
  o.body = "12345";
  o.body_size = 5;
  creche_response r = kept(fetch(support_hostile_url(server), &o));
  creche_response_info i = info_of(r);
  assert_string_equal(i.peer, peer);
  assert_memory_equal(i.local, "127.0.0.1:", 10);
  assert_string_not_equal(i.local, peer);
  assert_int_equal(i.connection, 1);
  assert_int_equal(i.http_major, 1);
  assert_int_equal(i.http_minor, 1);
  assert_int_equal(i.body_bytes, 2);
  assert_int_equal(i.decoded_bytes, 2);
  assert_int_equal(i.request_bytes, session_counters(web).bytes_sent);
  assert_true(i.request_bytes > 50);
  assert_true(i.connect_time > 0 && i.connect_time <= i.connected - i.started);
  assert_int_equal(i.tls_time, 0);
  assert_int_equal(i.proxy_time, 0);
  assert_int_equal(i.queue_time, 0);
  assert_null(i.tls_version);
  size_t size = 1;
  IS(creche_response_certificate(r, 0, CRECHE_CERTIFICATE_DER, NULL, 0, &size), CRECHE_E_LIMIT);
  assert_int_equal(size, 0);
  creche_response_release(r);

  r = kept(fetch(support_hostile_url(server), NULL));
  i = info_of(r);
  assert_int_equal(i.reused, 1);
  assert_int_equal(i.connection, 1);
  assert_int_equal(i.connect_time, 0); /* nobody connected for it */
  assert_string_equal(i.peer, peer);
  creche_response_release(r);
  support_hostile_stop(server);
}

/* One at a time: the second waits for the first. */
static void slowly(support_peer* peer, void* user) {
  (void)user;
  for (int i = 1; support_expect_request(peer); i++) {
    if (!support_await(peer, i)) return;
    support_send_text(peer, ANSWER);
  }
}
static void time_in_line(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(slowly, NULL);
  creche_session_options so = session_options();
  so.limit_per_host = 1;
  use_session(&so);
  start(support_hostile_url(server), NULL, NULL);
  assert_true(support_hostile_await_requests(server, 1, PATIENCE_MS));
  start(support_hostile_url(server), NULL, NULL);
  AWAIT(session_counters(web).waiting == 1);
  nap_ms(2); /* what it is in line for at the least */
  support_hostile_signal(server);
  support_hostile_signal(server);
  creche_response r = kept(next());
  assert_int_equal(info_of(r).queue_time, 0);
  creche_response_release(r);
  r = kept(next());
  assert_true(info_of(r).queue_time >= CRECHE_MILLISECOND);
  creche_response_release(r);
  support_hostile_stop(server);
}

static void trickled(support_peer* peer, void* user) {
  if (support_expect_request(peer)) support_trickle(peer, user, strlen(user));
}

/* What the status line says. */
static void reasons_and_methods(void** state) {
  (void)state;
  static const struct {
    const char* answer;
    const char* reason;
    int64_t retry_after;
  } cases[] = {
      {"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "Not Found", -1},
      {"HTTP/1.1 503 \r\nRetry-After: 2\r\nContent-Length: 0\r\n\r\n", "", 2 * CRECHE_SECOND},
      {"HTTP/1.1 429\r\nContent-Length: 0\r\nRetry-After: soon\r\n\r\n", "", -1},
      {"HTTP/1.1 503 All of us are at sea, so come again\r\nContent-Length: 0\r\n"
       "Date: Sun, 06 Nov 1994 08:49:30 GMT\r\nRetry-After: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n",
       "All of us are at sea, so come again", 7 * CRECHE_SECOND},
      {"HTTP/1.1 503 x\r\nContent-Length: 0\r\nRetry-After: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n",
       "x", 0}};
  for (size_t i = 0; i < 2 * (sizeof cases / sizeof *cases); i++) {
    const char* answer = cases[i / 2].answer;
    /* At once, or line by line. */
    support_hostile* server = support_hostile_start(i % 2 == 0 ? support_script_answer : trickled,
                                                    (void*)(uintptr_t)answer);
    creche_completion c = fetch(support_hostile_url(server), NULL);
    assert_int_equal(c.status, CRECHE_OK);
    const creche_response_info info = info_of((creche_response){c.value});
    assert_string_equal(info.reason, cases[i / 2].reason);
    assert_int_equal(info.retry_after, cases[i / 2].retry_after);
    assert_int_equal(info.head_bytes, strlen(answer));
    assert_string_equal(info.method, "GET");
    assert_null(info.alpn);
    assert_int_equal(info.tls_cipher_id, 0);
    drop(c);
    support_hostile_stop(server);
  }
}

static void to_get(support_peer* peer, void* user) {
  (void)user;
  while (support_expect_request(peer))
    support_send_text(peer, strncmp(support_received(peer), "POST", 4) == 0
                                ? "HTTP/1.1 303 See Other\r\nLocation: /end\r\n"
                                  "Content-Length: 0\r\n\r\n"
                                : ANSWER);
}
static void the_method_that_was_answered(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(to_get, NULL);
  creche_request_options o = request_options();
  o.body = "12345";
  o.body_size = 5;
  creche_response r = kept(fetch(support_hostile_url(server), &o));
  const creche_response_info info = info_of(r);
  assert_int_equal(info.redirects, 1);
  assert_string_equal(info.method, "GET");
  assert_string_equal(info.reason, "OK");
  assert_int_equal(info.head_bytes, strlen(ANSWER) - 2);
  creche_response_release(r);
  support_hostile_stop(server);
}

static X509* parsed(const unsigned char* der, size_t size) {
  return d2i_X509(NULL, &der, (long)size);
}

static void certificates(void** state) {
  (void)state;
  char url[64];
  creche_session_options so = session_options();
  so.ca_file = ca_path;
  support_hostile* server = support_hostile_start(one_by_tls, NULL);
  snprintf(url, sizeof url, "https://localhost:%d/", support_hostile_port(server));
  use_session(&so);
  for (int i = 0; i < 2; i++) { /* the second with the session of the first */
    creche_response r = kept(fetch(url, NULL));
    const creche_response_info info = info_of(r);
    assert_int_equal(info.reused, 0);
    assert_int_equal(info.connection, i + 1);
    assert_true(info.tls_time > 0);
    assert_null(info.alpn);                          /* the server chooses none */
    assert_int_equal(info.tls_cipher_id >> 8, 0x13); /* a suite of TLS 1.3 */
    unsigned char der[8192];
    char pem[8192], cut[10];
    size_t size = 0, text = 0;
    OK(creche_response_certificate(r, 0, CRECHE_CERTIFICATE_DER, der, sizeof der, &size));
    X509* one = parsed(der, size);
    assert_non_null(one);
    assert_int_equal(X509_check_host(one, "localhost", 0, 0, NULL), 1);
    X509_free(one);
    OK(creche_response_certificate(r, 0, CRECHE_CERTIFICATE_PEM, pem, sizeof pem, &text));
    assert_int_equal(strlen(pem), text);
    assert_memory_equal(pem, "-----BEGIN CERTIFICATE-----\n", 28);
    IS(creche_response_certificate(r, 0, CRECHE_CERTIFICATE_PEM, cut, sizeof cut, &size),
       CRECHE_E_LIMIT);
    assert_int_equal(size, text);
    assert_string_equal(cut, "-----BEGI");
    IS(creche_response_certificate(r, 0, CRECHE_CERTIFICATE_PEM, NULL, 0, &size), CRECHE_E_LIMIT);
    assert_int_equal(size, text);
    IS(creche_response_certificate(r, 0, CRECHE_CERTIFICATE_PEM, pem, text, NULL), CRECHE_E_LIMIT);
    IS(creche_response_certificate(r, 9, CRECHE_CERTIFICATE_DER, der, sizeof der, &size),
       CRECHE_E_LIMIT);
    assert_int_equal(size, 0);
    IS(creche_response_certificate(r, 0, 2, der, sizeof der, &size), CRECHE_E_INVALID);
    IS(creche_response_certificate(r, 0, 0, NULL, 1, &size), CRECHE_E_INVALID);
    creche_response_release(r);
  }
  support_hostile_stop(server);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_new_connection_and_a_kept_one, set_up, tear_down),
      cmocka_unit_test_setup_teardown(time_in_line, set_up, tear_down),
      cmocka_unit_test_setup_teardown(reasons_and_methods, set_up, tear_down),
      cmocka_unit_test_setup_teardown(the_method_that_was_answered, set_up, tear_down),
      cmocka_unit_test_setup_teardown(certificates, set_up, tear_down),
  };
  return cmocka_run_group_tests_name("info", tests, make_tls, free_tls);
}

/* A real server: TLS, codings, large bodies, uploads, many at once. */
#include "../capi/http/http_test.h"

static support_nginx* nginx;
static char root[] = "/tmp/creche-http-XXXXXX";

static const char kConfig[] =
    "location /gzip/ { gzip on; gzip_min_length 1; gzip_types *; alias ROOT/; }"
    "location /moved { return 302 /small; }"
    "location /error { return 500; }";

static int start_nginx(void** state) {
  (void)state;
  char path[128], config[1024];
  if (!mkdtemp(root)) return -1;
  snprintf(path, sizeof path, "%s/text", root);
  FILE* file = fopen(path, "w");
  for (int i = 0; i < 100000; i++) fprintf(file, "line %d\n", i);
  fclose(file);
  const char* place = strstr(kConfig, "ROOT");
  snprintf(config, sizeof config, "%.*s%s%s", (int)(place - kConfig), kConfig, root, place + 4);
  nginx = support_nginx_start(&(support_nginx_options){.root = root, .server_config = config});
  return nginx ? 0 : -1;
}

static int stop_nginx(void** state) {
  (void)state;
  char path[128];
  support_nginx_stop(nginx);
  snprintf(path, sizeof path, "%s/text", root);
  remove(path);
  return remove(root);
}

static void many_over_few_connections(void** state) {
  (void)state;
  creche_session_options o = session_options();
  o.limit = 10;
  use_session(&o);
  enum { kRequests = 1000 };
  for (int i = 0; i < kRequests; i++)
    start(at(support_nginx_http_url(nginx), i % 4 ? "/small" : "/moved"), NULL, NULL);
  for (int i = 0; i < kRequests; i++) {
    creche_completion c = next();
    if (c.status != CRECHE_OK) fail_msg("%s", creche_error_message(c.error));
    assert_int_equal(c.code, 200);
    assert_int_equal(c.data_size, 1024);
    drop(c);
  }
  assert_int_equal(session_counters(web).connects, 10);
}

static void any_status_is_an_answer(void** state) {
  (void)state;
  creche_completion c = fetch(at(support_nginx_http_url(nginx), "/error"), NULL);
  assert_int_equal(c.status, CRECHE_OK);
  assert_int_equal(c.code, 500);
  drop(c);
  creche_request_options o = request_options();
  o.method = "HEAD";
  c = fetch(at(support_nginx_http_url(nginx), "/small"), &o);
  assert_int_equal(c.code, 200);
  assert_int_equal(c.data_size, 0);
  assert_string_equal(creche_response_header((creche_response){c.value}, "content-length", NULL),
                      "1024");
  drop(c);
}

static void expect_lines(creche_completion c) {
  if (c.status != CRECHE_OK) fail_msg("%s", creche_error_message(c.error));
  assert_int_equal(c.data_size, 1088890);
  assert_memory_equal(c.data, "line 0\nline 1\n", 14);
  assert_string_equal((const char*)c.data + c.data_size - 11, "line 99999\n");
  drop(c);
}

static void gzip_is_undone(void** state) {
  (void)state;
  creche_completion c = fetch(at(support_nginx_http_url(nginx), "/gzip/text"), NULL);
  assert_string_equal(creche_response_header((creche_response){c.value}, "Content-Encoding", NULL),
                      "gzip");
  creche_response_info info;
  creche_response_get_info((creche_response){c.value}, &info, sizeof info);
  assert_true(info.body_bytes < 500000);
  expect_lines(c);
  creche_request_options o = request_options();
  o.flags = CRECHE_REQUEST_NO_DECODE;
  expect_lines(fetch(at(support_nginx_http_url(nginx), "/gzip/text"), &o)); /* not offered */
  o = request_options();
  o.max_body = 1088889;
  expect_failure(fetch(at(support_nginx_http_url(nginx), "/gzip/text"), &o), CRECHE_E_LIMIT,
                 CRECHE_PHASE_BODY, 0);
  /* As a stream. */
  c = send_request(at(support_nginx_http_url(nginx), "/gzip/text"), NULL);
  assert_int_equal(c.status, CRECHE_OK);
  size_t got = 0;
  for (uint32_t kind = CRECHE_CHUNK; kind == CRECHE_CHUNK;) {
    creche_completion piece = read_some((creche_response){c.value}, 1000);
    if (piece.status != CRECHE_OK) fail_msg("%s", creche_error_message(piece.error));
    kind = piece.kind;
    got += piece.data_size;
    drop(piece);
  }
  assert_int_equal(got, 1088890);
  drop(c);
}

static void large_bodies(void** state) {
  (void)state;
  creche_completion c = fetch(at(support_nginx_http_url(nginx), "/big"), NULL);
  if (c.status != CRECHE_OK) fail_msg("%s", creche_error_message(c.error));
  assert_int_equal(c.data_size, 64 << 20);
  drop(c);
}

/* What was received at once stays where it was received. */
static void bodies_that_are_received_at_once(const char* base) {
  for (int i = 0; i < 4; i++) {
    creche_completion c = fetch(at(base, "/middle"), NULL);
    if (c.status != CRECHE_OK) fail_msg("%s", creche_error_message(c.error));
    assert_int_equal(c.data_size, 64 << 10);
    const char* bytes = c.data;
    for (size_t k = 0; k <= c.data_size; k++) assert_int_equal(bytes[k], 0);
    drop(c);
  }
}
static void middle_bodies(void** state) {
  (void)state;
  bodies_that_are_received_at_once(support_nginx_http_url(nginx));
}

/* ---- TLS ---- */

static void trust_our_own(void) {
  creche_session_options o = session_options();
  o.ca_file = support_nginx_ca_file(nginx);
  use_session(&o);
}

static void tls_with_a_ca_file(void** state) {
  (void)state;
  trust_our_own();
  for (int i = 0; i < 3; i++) {
    creche_completion c = fetch(at(support_nginx_https_url(nginx), "/small"), NULL);
    if (c.status != CRECHE_OK) fail_msg("%s", creche_error_message(c.error));
    assert_int_equal(c.data_size, 1024);
    creche_response_info info;
    creche_response_get_info((creche_response){c.value}, &info, sizeof info);
    assert_int_equal(info.tls, 1);
    assert_int_equal(info.reused, i > 0);
    drop(c);
  }
  assert_int_equal(session_counters(web).connects, 1);
  bodies_that_are_received_at_once(support_nginx_https_url(nginx));
  creche_completion c = fetch(at(support_nginx_https_url(nginx), "/big"), NULL);
  if (c.status != CRECHE_OK) fail_msg("%s", creche_error_message(c.error));
  assert_int_equal(c.data_size, 64 << 20);
  drop(c);
}

static void expect_untrusted(const char* url, int32_t code) {
  creche_completion c = fetch(at(url, "/small"), NULL);
  assert_int_equal(c.error->tls_verify, code);
  expect_failure(c, CRECHE_E_TLS_VERIFY, CRECHE_PHASE_TLS, CRECHE_ERROR_UNSENT);
  assert_int_equal(session_counters(web).active + session_counters(web).idle, 0);
}

static void certificates_are_checked(void** state) {
  (void)state;
  /* X509_V_ERR_*: no issuer known locally, host name mismatch, expired. */
  expect_untrusted(support_nginx_https_url(nginx), 20);
  trust_our_own();
  expect_untrusted(support_nginx_wrong_name_url(nginx), 62);
  expect_untrusted(support_nginx_expired_url(nginx), 10);
  creche_session_options o = session_options();
  o.flags = CRECHE_SESSION_INSECURE;
  use_session(&o);
  creche_completion c = fetch(at(support_nginx_expired_url(nginx), "/small"), NULL);
  assert_int_equal(c.status, CRECHE_OK);
  drop(c);
}

static void tls_on_a_plain_port_and_back(void** state) {
  (void)state;
  snprintf(url_text, sizeof url_text, "https://127.0.0.1:%d/", support_nginx_http_port(nginx));
  expect_failure(fetch(url_text, NULL), CRECHE_E_TLS, CRECHE_PHASE_TLS, CRECHE_ERROR_UNSENT);
  snprintf(url_text, sizeof url_text, "http://127.0.0.1:%d/", support_nginx_https_port(nginx));
  creche_completion c = fetch(url_text, NULL); /* nginx says so itself */
  assert_int_equal(c.code, 400);
  drop(c);
}

static void a_frozen_server_times_out(void** state) {
  (void)state;
  creche_request_options o = request_options();
  o.timeouts.first_byte = 50 * CRECHE_MILLISECOND;
  support_nginx_freeze(nginx);
  expect_failure(fetch(at(support_nginx_http_url(nginx), "/small"), &o), CRECHE_E_TIMEOUT,
                 CRECHE_PHASE_HEADERS, CRECHE_ERROR_RETRYABLE);
  support_nginx_thaw(nginx);
  creche_completion c = fetch(at(support_nginx_http_url(nginx), "/small"), NULL);
  assert_int_equal(c.status, CRECHE_OK);
  drop(c);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(many_over_few_connections, set_up, tear_down),
      cmocka_unit_test_setup_teardown(any_status_is_an_answer, set_up, tear_down),
      cmocka_unit_test_setup_teardown(gzip_is_undone, set_up, tear_down),
      cmocka_unit_test_setup_teardown(middle_bodies, set_up, tear_down),
      cmocka_unit_test_setup_teardown(large_bodies, set_up, tear_down),
      cmocka_unit_test_setup_teardown(tls_with_a_ca_file, set_up, tear_down),
      cmocka_unit_test_setup_teardown(certificates_are_checked, set_up, tear_down),
      cmocka_unit_test_setup_teardown(tls_on_a_plain_port_and_back, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_frozen_server_times_out, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, start_nginx, stop_nginx);
}

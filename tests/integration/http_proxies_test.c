/* Real proxies: tinyproxy for HTTP, microsocks for SOCKS5, and nginx behind them. */
#include <signal.h>
#include <unistd.h>

#include "../capi/http/http_test.h"
#include "support/process.h"

static support_nginx* nginx;
static char* folder;
static int http_port, socks_port;
static pid_t tinyproxy, microsocks;

static int answers(int port) {
  for (int i = 0; i < 500; i++) {
    if (support_port_answers(port)) return 1;
    support_pause();
  }
  return 0;
}

static int start_all(void** state) {
  (void)state;
  char text[512], conf[256], log[256], port[16];
  const support_user user = support_plain_user();
  nginx = support_nginx_start(NULL);
  folder = support_folder_make(user.uid, user.gid);
  if (nginx == NULL || folder == NULL) return -1;
  http_port = support_free_port();
  socks_port = support_free_port();
  snprintf(conf, sizeof conf, "%s/tinyproxy.conf", folder);
  snprintf(text, sizeof text,
           "Port %d\nListen 127.0.0.1\nTimeout 60\nMaxClients 50\nBasicAuth user pass-word\n"
           "LogLevel Warning\nAllow 127.0.0.1\n",
           http_port);
  if (support_write_file(conf, text) != 0) return -1;
  snprintf(log, sizeof log, "%s/log", folder);
  snprintf(port, sizeof port, "%d", socks_port);
  const char* const http[] = {"tinyproxy", "-d", "-c", conf, NULL};
  const char* const socks[] = {"microsocks", "-i",   "127.0.0.1", "-p",        port,
                               "-u",         "user", "-P",        "pass-word", NULL};
  tinyproxy = support_spawn(http, user, folder, log, SIGKILL);
  microsocks = support_spawn(socks, user, folder, log, SIGKILL);
  if (tinyproxy > 0 && microsocks > 0 && answers(http_port) && answers(socks_port)) return 0;
  support_show_file(log);
  return -1;
}

static int stop_all(void** state) {
  (void)state;
  if (tinyproxy > 0) support_end(tinyproxy, SIGTERM);
  if (microsocks > 0) support_end(microsocks, SIGTERM);
  support_nginx_stop(nginx);
  support_folder_remove(folder);
  free(folder);
  return 0;
}

static void use_proxy(const char* scheme, const char* user_info, int port) {
  static char url[128];
  creche_session_options o = session_options();
  snprintf(url, sizeof url, "%s://%s127.0.0.1:%d", scheme, user_info, port);
  o.proxy = url;
  o.ca_file = support_nginx_ca_file(nginx);
  use_session(&o);
}

static void everything_through(void) {
  const char* const urls[] = {support_nginx_http_url(nginx), support_nginx_https_url(nginx)};
  for (int i = 0; i < 2; i++) {
    for (int again = 0; again < 3; again++) {
      creche_completion c = fetch(at(urls[i], "/small"), NULL);
      if (c.status != CRECHE_OK) fail_msg("%s: %s", url_text, creche_error_message(c.error));
      assert_int_equal(c.code, 200);
      assert_int_equal(c.data_size, 1024);
      drop(c);
    }
    creche_completion c = fetch(at(urls[i], "/big"), NULL);
    assert_int_equal(c.status, CRECHE_OK);
    assert_int_equal(c.data_size, 64 << 20);
    drop(c);
  }
  creche_completion c = fetch(support_nginx_wrong_name_url(nginx), NULL);
  expect_failure(c, CRECHE_E_TLS_VERIFY, CRECHE_PHASE_TLS, CRECHE_ERROR_UNSENT);
}

static void over_http(void** state) {
  (void)state;
  use_proxy("http", "user:pass-word@", http_port);
  everything_through();
  use_proxy("http", "user:wrong@", http_port);
  creche_completion c = fetch(at(support_nginx_http_url(nginx), "/small"), NULL);
  assert_true(c.code == 401 || c.code == 407);
  drop(c);
  c = fetch(at(support_nginx_https_url(nginx), "/small"), NULL);
  assert_true(c.error->http_status == 401 || c.error->http_status == 407);
  expect_failure(c, CRECHE_E_PROXY, CRECHE_PHASE_PROXY, CRECHE_ERROR_UNSENT);
}

static void over_socks(void** state) {
  (void)state;
  use_proxy("socks5", "user:pass-word@", socks_port);
  everything_through();
  use_proxy("socks5h", "user:pass-word@", socks_port);
  everything_through();
  use_proxy("socks5h", "user:wrong@", socks_port);
  expect_failure(fetch(at(support_nginx_http_url(nginx), "/small"), NULL), CRECHE_E_PROXY,
                 CRECHE_PHASE_PROXY, CRECHE_ERROR_UNSENT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  if (access("/usr/bin/tinyproxy", X_OK) != 0 || access("/usr/bin/microsocks", X_OK) != 0) {
    fprintf(stderr, "skipped: no tinyproxy or microsocks\n");
    return 77;
  }
  const struct CMUnitTest tests[] = {TEST(over_http), TEST(over_socks)};
  return cmocka_run_group_tests_name("real proxies", tests, start_all, stop_all);
}

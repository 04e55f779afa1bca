/* HTTP/2 without memory: by prior knowledge, and offered over TLS. See no_memory.h. */
#include <netdb.h>

#include "no_memory.h"

static support_nginx* nginx;

static mark* asked(creche_session web, creche_scope in, const char* url, const char* body) {
  creche_request_options r;
  creche_request_options_init(&r, sizeof r);
  r.body = body;
  r.body_size = body != NULL ? strlen(body) : 0;
  return START(creche_session_fetch(web, in, url, &r, tell, fresh(), NULL));
}

/* Several at once on one connection: whole ones, an upload, a stream, one that is cancelled. */
static void use_web(const char* url, const char* ca_file, uint32_t versions) {
  static char big[40000];
  creche_session web;
  creche_session_options o;
  creche_group_options g;
  creche_group group = {{0}};
  creche_response response;
  creche_task task = {{0}};
  mark *head, *m, *whole, *cut;
  memset(big, 'x', sizeof big - 1);
  creche_session_options_init(&o, sizeof o);
  o.ca_file = ca_file;
  o.versions = versions;
  if (!TRY(creche_session_open(loop, &o, &web))) return;
  m = asked(web, loop.scope, url, NULL);
  if (ended(m) == CRECHE_OK && m->size != 1024) note_trouble("/small", "is cut");
  creche_group_options_init(&g, sizeof g);
  g.policy = CRECHE_COLLECT;
  whole = START(creche_group_open(loop.scope, &g, tell, fresh(), &group));
  if (whole != NULL) {
    asked(web, group.scope, url, NULL);
    asked(web, group.scope, url, big);
    cut = START(creche_session_fetch(web, group.scope, url, NULL, tell, fresh(), &task));
    stop_task(cut, task);
    while (creche_group_close(group) == CRECHE_E_NO_MEMORY) nap();
    ended(whole);
  }
  creche_loop_dump(loop, CRECHE_DUMP_JSON, text, sizeof text, NULL);
  head = START(creche_session_send(web, loop.scope, url, NULL, tell, fresh(), NULL));
  if (ended(head) == CRECHE_OK) {
    response.id = head->value;
    for (m = head; m != NULL && m->kind != CRECHE_END;) {
      m = START(creche_response_read(response, loop.scope, 300, NULL, tell, fresh(), NULL));
      if (ended(m) != CRECHE_OK || used > kMarks - 8) break;
    }
    creche_response_release(response);
  }
  memory_is_back();
  must_be_ok(asked(web, loop.scope, url, NULL));
  must_be_ok(asked(web, loop.scope, url, big));
  if (START(creche_session_close(web, tell, fresh())) != NULL) ended(&marks[used - 1]);
  creche_session_release(web);
}
static void known(void) {
  char url[200];
  snprintf(url, sizeof url, "%s/small", support_nginx_http2_url(nginx));
  use_web(url, NULL, CRECHE_HTTP_2);
}
static void offered(void) {
  char url[100];
  snprintf(url, sizeof url, "https://127.0.0.1:%d/small", support_nginx_https_port(nginx));
  use_web(url, support_nginx_ca_file(nginx), CRECHE_HTTP_2 | CRECHE_HTTP_1_1);
}

static const scenario scenarios[] = {{"known", known, 0}, {"offered", offered, 0}};
static void known_without_memory(void** state) {
  (void)state;
  each_fails_once(&scenarios[0]);
}
static void offered_without_memory(void** state) {
  (void)state;
  each_fails_once(&scenarios[1]);
}

static int start(void** state) {
  struct addrinfo* found = NULL;
  (void)state;
  nginx = support_nginx_start(&(support_nginx_options){.http2 = 1});
  if (nginx == NULL) return -1;
  /* The C library's own first times end the process if memory fails in them. */
  if (getaddrinfo("localhost", NULL, NULL, &found) == 0) freeaddrinfo(found);
  return 0;
}
static int stop(void** state) {
  (void)state;
  support_nginx_stop(nginx);
  return 0;
}

int main(int argc, char** argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(known_without_memory),
      cmocka_unit_test(offered_without_memory),
  };
  if (argc == 4)
    return run_by_hand(argv, scenarios, sizeof scenarios / sizeof *scenarios, start, stop);
  return cmocka_run_group_tests(tests, start, stop);
}

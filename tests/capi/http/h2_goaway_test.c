/* HTTP/2: what a server says when it goes away (GOAWAY) is in the messages of what fails with it.
 */
#include "h2_test.h"

enum { kEnhanceYourCalm = 11 };

typedef struct goodbye {
  const char* text; /* of GOAWAY */
  uint32_t code;
  int taken; /* the request was, and */
  int head;  /* its head is answered, and some of the body */
  const char* said;
} goodbye;

static int go_away(support_h2* h, int last_stream, uint32_t code, const char* text) {
  char payload[1024];
  const size_t size = strlen(text);
  for (int i = 0; i < 4; i++) {
    payload[i] = (char)((unsigned)last_stream >> (24 - 8 * i));
    payload[4 + i] = (char)(code >> (24 - 8 * i));
  }
  memcpy(payload + 8, text, size);
  return support_h2_send(h, H2_GOAWAY, 0, 0, payload, 8 + size);
}

static void says_why(support_peer* peer, void* user) {
  const goodbye* g = user;
  support_h2* h = support_h2_open(peer);
  support_h2_request r;
  if (h != NULL && support_h2_next_request(h, &r)) {
    if (g->head && support_h2_head(h, r.stream, 200, NULL, H2_END_HEADERS))
      support_h2_data(h, r.stream, "some", 4, 0);
    go_away(h, g->taken ? r.stream : 0, g->code, g->text);
  }
  support_h2_close(h);
}

static void why_is_said(void** state) {
  (void)state;
  static char long_text[301];
  memset(long_text, 'x', 300);
  const goodbye cases[] = {
      {"too_many_pings", kEnhanceYourCalm, 0, 0, "(GOAWAY: ENHANCE_YOUR_CALM, \"too_many_pings\")"},
      {"too_many_pings", kEnhanceYourCalm, 1, 0, "(GOAWAY: ENHANCE_YOUR_CALM, \"too_many_pings\")"},
      {"too_many_pings", kEnhanceYourCalm, 1, 1, "(GOAWAY: ENHANCE_YOUR_CALM, \"too_many_pings\")"},
      {"", 2, 1, 0, "(GOAWAY: INTERNAL_ERROR)"},
      {"", 4711, 0, 0, "(GOAWAY: error 4711)"},
      {"max_age", 0, 1, 0, "(GOAWAY: NO_ERROR, \"max_age\")"},
      {"\"\n\x1b[31m\xff\xc3\xbc", 1, 0, 0, "(GOAWAY: PROTOCOL_ERROR, \"???[31m???\")"},
      {long_text, 1, 1, 0, "xxx...\")"},
      {"", 0, 1, 0, NULL},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    support_hostile* server = support_hostile_start(says_why, (void*)&cases[i]);
    creche_request_options o = request_options();
    o.flags = CRECHE_REQUEST_NO_RETRY;
    creche_completion c = fetch(support_hostile_url(server), &o);
    assert_int_equal(c.status, cases[i].head ? CRECHE_E_TRUNCATED : CRECHE_E_DISCONNECTED);
    const char* message = creche_error_message(c.error);
    if (cases[i].said == NULL ? strstr(message, "GOAWAY") != NULL
                              : strstr(message, cases[i].said) == NULL)
      fail_msg("%d: %s", (int)i, message);
    assert_true(strlen(message) < 250);
    drop(c);
    support_hostile_stop(server);
  }
}

/* The next one is on another connection, and hears nothing of it. */
static void goes_once(support_peer* peer, void* user) {
  (void)user;
  support_h2* h = support_h2_open(peer);
  support_h2_request r;
  while (h != NULL && support_h2_next_request(h, &r))
    if (support_peer_index(peer) == 0)
      go_away(h, 0, kEnhanceYourCalm, "slow down");
    else
      support_h2_answer(h, r.stream, 200, NULL, "calm");
  support_h2_close(h);
}

static void others_go_on(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(goes_once, NULL);
  creche_request_options o = request_options();
  o.method = "POST"; /* sent again, for it was not taken */
  expect_body(fetch(support_hostile_url(server), &o), 200, "calm");
  assert_int_equal(support_hostile_connections(server), 2);
  support_hostile_stop(server);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(why_is_said, h2_set_up, tear_down),
      cmocka_unit_test_setup_teardown(others_go_on, h2_set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

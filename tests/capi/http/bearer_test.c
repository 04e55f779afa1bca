/* Tokens that many requests have at a time. */
#include <stdatomic.h>

#include "reading.h"

enum { MANY = 6 };
static int asked; /* on the loop */

static int64_t another(void* user, char* token, size_t capacity) {
  (void)capacity;
  asked++;
  return sprintf(token, "%s", (const char*)user);
}

/* Answers those that show "good" once all others have come. */
static atomic_int refused;
static void guarded(support_peer* peer, void* user) {
  (void)user;
  while (support_expect_request(peer)) {
    if (strstr(support_received(peer), "Authorization: Bearer good\r\n") != NULL) {
      support_send_text(peer, OK_HEAD "Content-Length: 2\r\n\r\nok");
      continue;
    }
    atomic_fetch_add(&refused, 1);
    if (!support_await(peer, 1)) return;
    support_send_text(peer, "HTTP/1.1 401 No\r\nContent-Length: 3\r\n\r\nwho");
  }
}

static void with_token(const char* next_one) {
  const creche_auth a = {sizeof a, CRECHE_AUTH_BEARER,         NULL, NULL, "old",
                         another,  (void*)(uintptr_t)next_one, NULL};
  creche_session_options so = session_options();
  so.auth = &a;
  use_session(&so);
  asked = 0;
  atomic_store(&refused, 0);
}

static void start_them(support_hostile* server) {
  for (int i = 0; i < MANY; i++) start(support_hostile_url(server), NULL, NULL);
  assert_true(support_hostile_await_requests(server, MANY, PATIENCE_MS));
  support_hostile_signal(server); /* all fail at a time */
}

static void one_for_all(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(guarded, NULL);
  with_token("good");
  start_them(server);
  for (int i = 0; i < MANY; i++) expect_body(next(), 200, "ok");
  assert_int_equal(asked, 1);
  assert_int_equal(atomic_load(&refused), MANY);
  support_hostile_stop(server);
}

/* One that is no better is asked for once by each that had it, and then it is the user's. */
static void none_is_better(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(guarded, NULL);
  with_token("bad");
  start_them(server);
  for (int i = 0; i < MANY; i++) expect_body(next(), 401, "who");
  assert_in_range(asked, 1, MANY);
  assert_in_range(atomic_load(&refused), 2 * MANY, 3 * MANY);
  support_hostile_stop(server);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(one_for_all, set_up, tear_down),
      cmocka_unit_test_setup_teardown(none_is_better, set_up, tear_down),
  };
  return cmocka_run_group_tests_name("bearer", tests, NULL, NULL);
}

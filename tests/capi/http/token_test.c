/* Tokens that are given later than they are asked for. */
#include <stdatomic.h>

#include "reading.h"

enum { MANY = 5 };

/* What was asked, by the loop; the test looks at it from its own thread. */
static atomic_int asked, asked_refused;
static atomic_ullong asked_id, asked_session;
static void ask(void* user, const creche_token_ask* a) {
  assert_ptr_equal(user, &asked);
  assert_true(a->size >= sizeof *a);
  atomic_store(&asked_refused, (int)a->refused);
  atomic_store(&asked_session, a->session.id);
  atomic_store(&asked_id, a->id);
  atomic_fetch_add(&asked, 1);
}

static void with_token(const char* token) {
  creche_auth a = {sizeof a, CRECHE_AUTH_BEARER, NULL, NULL, token, NULL, &asked, ask};
  creche_session_options so = session_options();
  so.auth = &a;
  use_session(&so);
  atomic_store(&asked, 0);
}
static creche_status give(creche_status status, const char* token) {
  return creche_session_give_token(web, atomic_load(&asked_id), status, token);
}

/* Answers those that show "good", and says 401 to others. */
static void guarded(support_peer* peer, void* user) {
  (void)user;
  while (support_expect_request(peer))
    support_send_text(peer, strstr(support_received(peer), "Authorization: Bearer good\r\n")
                                ? OK_HEAD "Content-Length: 2\r\n\r\nok"
                                : "HTTP/1.1 401 No\r\nContent-Length: 3\r\n\r\nwho");
}

static void the_first_is_waited_for(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(guarded, NULL);
  with_token(NULL);
  for (int i = 0; i < MANY; i++) start(support_hostile_url(server), NULL, NULL);
  AWAIT(atomic_load(&asked) == 1);
  assert_int_equal(atomic_load(&asked_refused), 0);
  assert_true(atomic_load(&asked_session) == web.id);
  assert_int_equal(support_hostile_connections(server), 0);
  IS(give(CRECHE_OK, ""), CRECHE_E_INVALID);
  IS(give(CRECHE_OK, "a\r\nb"), CRECHE_E_INVALID);
  IS(give(1, "good"), CRECHE_E_INVALID);
  OK(give(CRECHE_OK, "good"));
  IS(give(CRECHE_OK, "good"), CRECHE_E_STATE);
  for (int i = 0; i < MANY; i++) expect_body(next(), 200, "ok");
  expect_body(fetch(support_hostile_url(server), NULL), 200, "ok");
  assert_int_equal(atomic_load(&asked), 1);
  assert_int_equal(support_hostile_requests(server), MANY + 1);
  support_hostile_stop(server);
}

/* One that is refused is asked for once by all, and what begins meanwhile waits, too. */
static void another_is_waited_for(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(guarded, NULL);
  with_token("old");
  for (int i = 0; i < MANY; i++) start(support_hostile_url(server), NULL, NULL);
  AWAIT(atomic_load(&asked) == 1 && support_hostile_requests(server) >= 1);
  const int before = support_hostile_requests(server);
  start(support_hostile_url(server), NULL, NULL);
  assert_int_equal(atomic_load(&asked_refused), 1);
  OK(give(CRECHE_OK, "good"));
  for (int i = 0; i < MANY + 1; i++) expect_body(next(), 200, "ok");
  assert_int_equal(atomic_load(&asked), 1);
  assert_in_range(support_hostile_requests(server), before + MANY + 1, 2 * MANY + 1);
  support_hostile_stop(server);
}

/* One that is no better: each has its 401, after one question of its own at the most. */
static void none_is_better(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(guarded, NULL);
  with_token("old");
  start(support_hostile_url(server), NULL, NULL);
  AWAIT(atomic_load(&asked) == 1);
  OK(give(CRECHE_OK, "bad"));
  expect_body(next(), 401, "who");
  assert_int_equal(atomic_load(&asked), 1);
  start(support_hostile_url(server), NULL, NULL); /* there is none at all */
  AWAIT(atomic_load(&asked) == 2);
  OK(give(CRECHE_OK, NULL));
  expect_body(next(), 401, "who");
  assert_int_equal(atomic_load(&asked), 2);
  support_hostile_stop(server);
}

static void it_may_fail(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(guarded, NULL);
  with_token(NULL);
  for (int i = 0; i < MANY; i++) start(support_hostile_url(server), NULL, NULL);
  AWAIT(atomic_load(&asked) == 1);
  OK(give(-1234, "ignored"));
  for (int i = 0; i < MANY; i++) {
    creche_completion c = next();
    assert_int_equal(c.status, -1234);
    assert_int_equal(c.error->phase, CRECHE_PHASE_AUTH);
    drop(c);
  }
  start(support_hostile_url(server), NULL, NULL); /* it is asked for anew */
  AWAIT(atomic_load(&asked) == 2);
  OK(give(CRECHE_OK, "good"));
  expect_body(next(), 200, "ok");
  support_hostile_stop(server);
}

/* Who waits keeps his deadline, may be cancelled, and ends with the session; the answer may come
 * late. */
static void waiting_ends(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(guarded, NULL);
  with_token(NULL);
  creche_task task = start(support_hostile_url(server), NULL, NULL);
  AWAIT(atomic_load(&asked) == 1);
  OK(creche_scope_set_timeout(task.scope, CRECHE_MILLISECOND));
  creche_completion c = next();
  assert_int_equal(c.status, CRECHE_E_TIMEOUT);
  assert_int_equal(c.error->phase, CRECHE_PHASE_AUTH);
  drop(c);
  task = start(support_hostile_url(server), NULL, NULL);
  start(support_hostile_url(server), NULL, NULL);
  OK(creche_scope_cancel(task.scope, NULL));
  c = next();
  assert_int_equal(c.status, CRECHE_E_CANCELLED);
  drop(c);
  assert_int_equal(atomic_load(&asked), 1); /* still the first question */
  OK(give(CRECHE_OK, "good"));
  expect_body(next(), 200, "ok");
  with_token(NULL);
  start(support_hostile_url(server), NULL, NULL);
  AWAIT(atomic_load(&asked) == 1);
  const uint64_t late = atomic_load(&asked_id);
  OK(creche_session_close(web, creche_nobody, NULL));
  c = next();
  assert_int_equal(c.status, CRECHE_E_CLOSED);
  drop(c);
  OK(creche_session_give_token(web, late, CRECHE_OK, "good"));
  support_hostile_stop(server);
}

static void misuse(void** state) {
  (void)state;
  creche_session s;
  creche_auth a = {sizeof a, CRECHE_AUTH_BEARER, NULL, NULL, NULL, NULL, NULL, ask};
  creche_session_options so = session_options();
  so.auth = &a;
  a.refresh = (creche_token_fn)(uintptr_t)1;
  IS(creche_session_open(loop, &so, &s), CRECHE_E_INVALID);
  a = (creche_auth){sizeof a, CRECHE_AUTH_BASIC, "u", NULL, NULL, NULL, NULL, ask};
  IS(creche_session_open(loop, &so, &s), CRECHE_E_INVALID);
  a.size = offsetof(creche_auth, ask); /* who was built before it */
  OK(creche_session_open(loop, &so, &s));
  creche_session_release(s);
  IS(creche_session_give_token(web, 1, CRECHE_OK, "x"), CRECHE_E_STATE);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      TEST(the_first_is_waited_for),
      TEST(another_is_waited_for),
      TEST(none_is_better),
      TEST(it_may_fail),
      TEST(waiting_ends),
      TEST(misuse),
  };
  return cmocka_run_group_tests_name("tokens", tests, NULL, NULL);
}

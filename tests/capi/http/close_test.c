/* The completion of a session's close: where it goes, and after what. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <time.h>

#include "http_test.h"

static void silent(support_peer* peer, void* user) {
  (void)user;
  support_await_close(peer);
}

/* Instead of set_up's: its close goes to `queue`. */
static void use_queued_session(void) {
  creche_session_options o = session_options();
  o.queue = queue;
  use_session(&o);
}

static void expect_close_of(creche_session session, void* user) {
  creche_completion c = next();
  assert_int_equal(c.status, CRECHE_OK);
  assert_int_equal(c.kind, CRECHE_DONE);
  assert_int_equal(c.flags, 0); /* the last one, and nothing to release */
  assert_true(c.value == session.id);
  assert_int_equal(c.task.scope.id, 0);
  assert_ptr_equal(c.user, user);
  drop(c);
}

static void to_its_queue(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(silent, NULL);
  use_queued_session();
  start(support_hostile_url(server), NULL, NULL);
  int one, two;
  assert_int_equal(creche_session_close(web, NULL, &one), CRECHE_OK);
  creche_completion c = next();
  assert_int_equal(c.status, CRECHE_E_CLOSED); /* what was in flight comes before */
  drop(c);
  expect_close_of(web, &one);
  assert_int_equal(creche_session_close(web, NULL, &two), CRECHE_OK); /* each call is told */
  expect_close_of(web, &two);
  assert_int_equal(creche_session_close(web, creche_nobody, NULL), CRECHE_OK);
  support_hostile_stop(server);
}

/* A completion from a queue says that all callbacks have returned. */
static volatile int in_callback;
static void slow(void* user, const creche_completion* c) {
  (void)c;
  creche_session_close(web, NULL, user);
  struct timespec t = {0, 50000000};
  in_callback = 1;
  nanosleep(&t, NULL); /* long enough to be overtaken, if that could happen */
  in_callback = 0;
}

static void after_the_callbacks(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(silent, NULL);
  use_queued_session();
  int closed;
  assert_int_equal(
      creche_session_fetch(web, loop.scope, support_hostile_url(server), NULL, slow, &closed, NULL),
      CRECHE_OK);
  assert_int_equal(creche_session_close(web, NULL, &closed), CRECHE_OK);
  for (int i = 0; i < 2; i++) {
    expect_close_of(web, &closed);
    assert_int_equal(in_callback, 0);
  }
  support_hostile_stop(server);
}

/* What waits for the limit of a group is ended, too, and not when its turn would come. */
static void waiting_for_a_limit(void** state) {
  (void)state;
  use_queued_session();
  creche_group_options o;
  creche_group group;
  creche_group_options_init(&o, sizeof o);
  o.policy = CRECHE_COLLECT;
  o.queue = queue;
  o.limit = 1;
  assert_int_equal(creche_group_open(loop.scope, &o, NULL, NULL, &group), CRECHE_OK);
  creche_task first;
  assert_int_equal(creche_sleep_until(group.scope, CRECHE_NEVER, NULL, NULL, NULL, &first),
                   CRECHE_OK);
  for (int i = 0; i < 3; i++)
    assert_int_equal(
        creche_session_fetch(web, group.scope, "http://127.0.0.1:1/", NULL, NULL, NULL, NULL),
        CRECHE_OK);
  creche_group_close(group);
  assert_int_equal(creche_session_close(web, NULL, NULL), CRECHE_OK);
  for (int i = 0; i < 3; i++) {
    creche_completion c = next();
    assert_int_equal(c.status, CRECHE_E_CLOSED);
    drop(c);
  }
  expect_close_of(web, NULL);
  creche_scope_cancel(first.scope, NULL);
  drop(next());
  drop(next()); /* the group */
}

/* An operation says where it was when its session was closed. */
static void in_whatever_phase(void** state) {
  (void)state;
  support_hostile* server = support_hostile_start(silent, NULL);
  creche_session_options so = session_options();
  so.limit = 1;
  use_session(&so);
  creche_group_options o;
  creche_group group;
  creche_group_options_init(&o, sizeof o);
  o.policy = CRECHE_COLLECT;
  o.queue = queue;
  o.limit = 2;
  int headers, pool, limit;
  assert_int_equal(creche_group_open(loop.scope, &o, NULL, NULL, &group), CRECHE_OK);
  for (int i = 0; i < 3; i++) {
    int* const whose[] = {&headers, &pool, &limit};
    creche_request_options ro = request_options();
    assert_int_equal(creche_session_fetch(web, group.scope, support_hostile_url(server), &ro, NULL,
                                          whose[i], NULL),
                     CRECHE_OK);
  }
  assert_true(support_hostile_await_connections(server, 1, PATIENCE_MS));
  while (session_counters(web).bytes_sent == 0) sched_yield();
  creche_group_close(group);
  assert_int_equal(creche_session_close(web, creche_nobody, NULL), CRECHE_OK);
  for (int i = 0; i < 3; i++) {
    creche_completion c = next();
    assert_int_equal(c.status, CRECHE_E_CLOSED);
    assert_int_equal(c.error->phase, c.user == &headers ? CRECHE_PHASE_HEADERS
                                     : c.user == &pool  ? CRECHE_PHASE_POOL
                                                        : CRECHE_PHASE_LIMIT);
    drop(c);
  }
  drop(next()); /* the group */
  support_hostile_stop(server);
}

/* A close is told after the last completion of what was accepted, however they race. */
static atomic_int accepted, ended;
static void count_end(void* user, const creche_completion* c) {
  (void)user;
  if (c->flags & CRECHE_OWNED) creche_value_release(c->value);
  atomic_fetch_add(&ended, 1);
}
static void* keep_fetching(void* url) {
  for (;;) {
    if (atomic_load(&accepted) - atomic_load(&ended) > 50) {
      sched_yield();
      continue;
    }
    if (creche_session_fetch(web, loop.scope, url, NULL, count_end, NULL, NULL) != CRECHE_OK)
      return NULL;
    atomic_fetch_add(&accepted, 1);
  }
}

static void after_what_was_accepted_meanwhile(void** state) {
  (void)state;
  support_hostile* server =
      support_hostile_start(support_script_answer, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  for (int round = 0; round < 10; round++) {
    use_queued_session();
    pthread_t threads[2];
    int at_the_end[1];
    atomic_store(&accepted, 0);
    atomic_store(&ended, 0);
    for (int i = 0; i < 2; i++)
      pthread_create(&threads[i], NULL, keep_fetching, (void*)support_hostile_url(server));
    while (atomic_load(&ended) < 10) sched_yield();
    assert_int_equal(creche_session_close(web, NULL, at_the_end), CRECHE_OK);
    expect_close_of(web, at_the_end);
    at_the_end[0] = atomic_load(&ended);
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
    assert_int_equal(at_the_end[0], atomic_load(&accepted));
    assert_int_equal(at_the_end[0], atomic_load(&ended));
  }
  support_hostile_stop(server);
}

static void queues_that_take_no_more(void** state) {
  (void)state;
  creche_session_options o = session_options();
  creche_queue its, of_another;
  creche_loop other;
  creche_session session;
  assert_int_equal(creche_loop_open(NULL, &other), CRECHE_OK);
  assert_int_equal(creche_queue_open(other, NULL, &of_another), CRECHE_OK);
  o.queue = of_another;
  assert_int_equal(creche_session_open(loop, &o, &session), CRECHE_E_WRONG_LOOP);
  assert_int_equal(session.id, 0);
  creche_loop_close(other);
  assert_int_equal(creche_loop_join(other, PATIENCE), CRECHE_OK);
  assert_int_equal(creche_session_open(loop, &o, &session), CRECHE_E_ENDED);

  assert_int_equal(creche_queue_open(loop, NULL, &its), CRECHE_OK);
  o.queue = its;
  assert_int_equal(creche_session_open(loop, &o, &session), CRECHE_OK);
  assert_int_equal(creche_queue_close(its, NULL, NULL), CRECHE_OK);
  assert_int_equal(creche_session_close(session, NULL, NULL), CRECHE_E_CLOSED);
  last_error_says("creche_nobody");
  assert_int_equal(creche_session_close(session, creche_nobody, NULL), CRECHE_OK);
  creche_session_release(session);
  assert_int_equal(creche_session_open(loop, &o, &session), CRECHE_E_CLOSED);
  creche_queue_release(its);

  /* A close that is under way keeps its queue open. */
  assert_int_equal(creche_queue_open(loop, NULL, &its), CRECHE_OK);
  o.queue = its;
  assert_int_equal(creche_session_open(loop, &o, &session), CRECHE_OK);
  assert_int_equal(creche_session_close(session, NULL, NULL), CRECHE_OK);
  assert_int_equal(creche_queue_close(its, NULL, NULL), CRECHE_OK);
  creche_completion c;
  size_t n = 0;
  assert_int_equal(creche_queue_wait(its, &c, 1, PATIENCE, &n), CRECHE_OK);
  assert_true(n == 1 && c.value == session.id);
  assert_int_equal(creche_queue_wait(its, &c, 1, PATIENCE, &n), CRECHE_E_CLOSED);
  creche_queue_release(its);
  assert_int_equal(creche_session_close(session, NULL, NULL), CRECHE_OK); /* released: nobody */
  creche_session_release(session);
}

static int told;
static void tell(void* user, const creche_completion* c) {
  (void)user, (void)c;
  told++;
}

/* The loop takes its sessions along, handles included. */
static void after_the_loop(void** state) {
  (void)state;
  creche_session closed_before;
  assert_int_equal(creche_session_open(loop, NULL, &closed_before), CRECHE_OK);
  assert_int_equal(creche_session_close(closed_before, NULL, NULL), CRECHE_OK);
  assert_int_equal(creche_session_close(web, tell, NULL), CRECHE_OK);
  creche_session open;
  assert_int_equal(creche_session_open(loop, NULL, &open), CRECHE_OK);
  creche_loop_close(loop);
  assert_int_equal(creche_loop_join(loop, PATIENCE), CRECHE_OK);
  assert_int_equal(told, 1);
  assert_int_equal(creche_session_close(open, tell, NULL), CRECHE_E_ENDED);
  creche_session_release(open);
  assert_int_equal(creche_session_close(closed_before, tell, NULL), CRECHE_E_ENDED);
  assert_int_equal(creche_session_close(closed_before, creche_nobody, NULL), CRECHE_OK);
  creche_session_release(closed_before);
  assert_int_equal(creche_session_close(closed_before, tell, NULL), CRECHE_E_ENDED);
  assert_int_equal(told, 1);
  creche_session_release(web);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(to_its_queue, set_up, tear_down),
      cmocka_unit_test_setup_teardown(after_the_callbacks, set_up, tear_down),
      cmocka_unit_test_setup_teardown(waiting_for_a_limit, set_up, tear_down),
      cmocka_unit_test_setup_teardown(in_whatever_phase, set_up, tear_down),
      cmocka_unit_test_setup_teardown(after_what_was_accepted_meanwhile, set_up, tear_down),
      cmocka_unit_test_setup_teardown(queues_that_take_no_more, set_up, tear_down),
      cmocka_unit_test_setup_teardown(after_the_loop, set_up, tear_down_rest),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

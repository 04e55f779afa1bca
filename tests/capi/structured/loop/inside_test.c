/* creche_loop_fd, creche_loop_next_timeout: a loop that its caller runs inside a loop of his own.
 */
#include <poll.h>
#include <pthread.h>

#include "support/core.h"
#include "support/hostile.h"

static int waits, early; /* of the outer loop; and how often there was nothing to do after one */

/* The outer loop: waits as the headers say, until *done. */
static void run_inside(creche_loop l, const volatile int* done) {
  struct pollfd watched = {.events = POLLIN};
  OK(creche_loop_fd(l, &watched.fd));
  while (!*done) {
    int64_t timeout;
    OK(creche_loop_next_timeout(l, &timeout));
    if (timeout > 0) {
      const int64_t most = timeout == CRECHE_NEVER ? PATIENCE : timeout;
      const int ready = poll(&watched, 1, (int)((most + 999999) / 1000000));
      waits++;
      /* Forgotten, it would wait for ever. */
      if (timeout == CRECHE_NEVER) assert_int_equal(ready, 1);
    }
    const creche_status status = creche_loop_poll(l, 0);
    if (status == CRECHE_E_TIMEOUT)
      early++;
    else
      OK(status);
  }
}

static void note_end(void* user, const creche_completion* c) {
  *(volatile int*)user = c->status == CRECHE_OK ? 1 : -1;
}

static void what_is_started_here_makes_it_readable(void** state) {
  volatile int done = 0;
  int64_t timeout;
  struct pollfd watched = {.events = POLLIN};
  (void)state;
  OK(creche_loop_fd(loop, &watched.fd));
  while (creche_loop_poll(loop, 0) == CRECHE_OK) continue;
  OK(creche_loop_next_timeout(loop, &timeout));
  assert_true(timeout == CRECHE_NEVER);
  assert_int_equal(poll(&watched, 1, 0), 0);
  OK(creche_sleep(loop.scope, 5 * CRECHE_MILLISECOND, NULL, note_end, (void*)&done, NULL));
  assert_int_equal(poll(&watched, 1, 0), 1);
  IS(creche_loop_poll(loop, 0), CRECHE_E_TIMEOUT); /* it only looks */
  OK(creche_loop_next_timeout(loop, &timeout));
  assert_true(timeout > 0 && timeout <= 5 * CRECHE_MILLISECOND);
  run_inside(loop, &done);
  assert_int_equal(done, 1);
  /* Before the wait, what is there already is told by the time. */
  OK(creche_loop_post(loop, note_end, (void*)&done));
  OK(creche_loop_next_timeout(loop, &timeout));
  assert_true(timeout == 0);
  OK(creche_loop_poll(loop, 0));
}

static void* posts(void* user) {
  for (int i = 0; i < 1000; i++) OK(creche_loop_post(loop, see, user));
  return NULL;
}

static void what_other_threads_do_makes_it_readable(void** state) {
  seen s = {0};
  (void)state;
  for (int round = 0; round < 20; round++) {
    pthread_t thread;
    s = (seen){0};
    assert_int_equal(pthread_create(&thread, NULL, posts, &s), 0);
    while (s.posts < 1000) {
      struct pollfd watched = {.events = POLLIN};
      int64_t timeout;
      OK(creche_loop_fd(loop, &watched.fd));
      OK(creche_loop_next_timeout(loop, &timeout));
      if (timeout > 0) assert_int_equal(poll(&watched, 1, PATIENCE / CRECHE_MILLISECOND), 1);
      (void)creche_loop_poll(loop, 0);
    }
    assert_int_equal(pthread_join(thread, NULL), 0);
  }
}

static void a_request_is_served_by_it(void** state) {
  creche_session web;
  volatile int done = 0;
  (void)state;
  support_hostile* server = support_hostile_start(support_script_answer,
                                                  "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  OK(creche_session_open(loop, NULL, &web));
  for (int i = 0; i < 3; i++) {
    done = waits = early = 0;
    OK(creche_session_fetch(web, loop.scope, support_hostile_url(server), NULL, note_end,
                            (void*)&done, NULL));
    run_inside(loop, &done);
    assert_int_equal(done, 1);
    assert_true(early <= waits); /* it does not spin */
  }
  creche_session_release(web);
  support_hostile_stop(server);
}

/* On a virtual clock, the time that is told is never that of the clock. */
static void an_hour_of_a_virtual_clock(void** state) {
  creche_loop_options o;
  creche_loop l;
  volatile int done = 0;
  int64_t at;
  (void)state;
  OK(creche_loop_options_init(&o, sizeof o));
  o.run = CRECHE_RUN_CALLER;
  o.clock = CRECHE_CLOCK_VIRTUAL;
  OK(creche_loop_open(&o, &l));
  OK(creche_sleep(l.scope, 3600 * CRECHE_SECOND, NULL, note_end, (void*)&done, NULL));
  run_inside(l, &done);
  OK(creche_now(l.scope, &at));
  assert_true(at == 3600 * CRECHE_SECOND);
  OK(creche_loop_close(l));
  OK(creche_loop_join(l, PATIENCE));
}

static void asks_in_a_callback(void* user, const creche_completion* c) {
  int64_t timeout;
  IS(creche_loop_next_timeout(loop, &timeout), CRECHE_E_WOULD_DEADLOCK);
  note_end(user, c);
}

static void misuse(void** state) {
  creche_loop l;
  volatile int done = 0;
  int64_t timeout;
  int fd;
  (void)state;
  IS(creche_loop_fd(loop, NULL), CRECHE_E_INVALID);
  IS(creche_loop_next_timeout(loop, NULL), CRECHE_E_INVALID);
  OK(creche_loop_post(loop, asks_in_a_callback, (void*)&done));
  run_inside(loop, &done);
  OK(creche_loop_open(NULL, &l));
  IS(creche_loop_fd(l, &fd), CRECHE_E_STATE);
  IS(creche_loop_next_timeout(l, &timeout), CRECHE_E_STATE);
  OK(creche_loop_close(l));
  OK(creche_loop_join(l, PATIENCE));
}

/* The last turns of a loop are had in the same way. */
static void to_its_end(void** state) {
  creche_loop_options o;
  creche_loop l;
  volatile int done = 0;
  int64_t timeout;
  int fd;
  (void)state;
  OK(creche_loop_options_init(&o, sizeof o));
  o.run = CRECHE_RUN_CALLER;
  o.done = note_end;
  o.user = (void*)&done;
  OK(creche_loop_open(&o, &l));
  OK(creche_sleep(l.scope, CRECHE_NEVER, NULL, creche_nobody, NULL, NULL));
  IS(creche_loop_poll(l, 0), CRECHE_E_TIMEOUT);
  OK(creche_loop_close(l));
  run_inside(l, &done);
  assert_int_equal(done, 1);
  IS(creche_loop_fd(l, &fd), CRECHE_E_ENDED);
  IS(creche_loop_next_timeout(l, &timeout), CRECHE_E_ENDED);
  OK(creche_loop_join(l, PATIENCE));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(what_is_started_here_makes_it_readable),
      TEST(what_other_threads_do_makes_it_readable),
      TEST(a_request_is_served_by_it),
      cmocka_unit_test(an_hour_of_a_virtual_clock),
      TEST(misuse),
      cmocka_unit_test(to_its_end),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Statements of a shared connection that are held back while the server is busy: what becomes of
 * them when they are cancelled, late, closed, when the connection is lost, and when an answer
 * comes. The server is one by hand, which answers when the test says so; the clock is the test's,
 * too. */
#include <sys/socket.h>

#include "fake_pg.h"

enum { IN_FLIGHT = 3, HELD = 2 };

/* The server: what it has received and not answered, and what it may answer when it comes. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int client = -1, unanswered, answers; /* its connection; -1: there is none */

/* One row, of 7. Under the lock. */
static void say_seven(void) {
  fake_out o = {0, {0}}, row = {0, {0}};
  fake_message(&o, '1', "", 0);
  fake_message(&o, '2', "", 0);
  fake_column(&o, 23, 4);
  fake_number(&row, 1, 2);
  fake_number(&row, 4, 4);
  fake_number(&row, 7, 4);
  fake_message(&o, 'D', row.bytes, row.size);
  fake_end(&o, "SELECT 1");
  fake_message(&o, 'Z', "I", 1);
  send(client, o.bytes, o.size, MSG_NOSIGNAL);
}
static void let(int more) {
  pthread_mutex_lock(&lock);
  answers += more;
  for (; client >= 0 && answers > 0 && unanswered > 0; answers--, unanswered--) say_seven();
  pthread_mutex_unlock(&lock);
}
static void hang_up(void) {
  pthread_mutex_lock(&lock);
  shutdown(client, SHUT_RDWR);
  pthread_mutex_unlock(&lock);
}

static void serve(support_peer* peer, void* user) {
  (void)user;
  char type;
  if (!fake_start(peer, 1)) return;
  pthread_mutex_lock(&lock);
  client = support_peer_fd(peer);
  unanswered = 0;
  pthread_mutex_unlock(&lock);
  while ((type = fake_take(peer)) != 0) {
    if (type != 'S') continue;
    pthread_mutex_lock(&lock);
    unanswered++;
    pthread_mutex_unlock(&lock);
    let(0);
    support_count_request(peer);
  }
  pthread_mutex_lock(&lock);
  if (client == support_peer_fd(peer)) client = -1; /* it is closed now */
  pthread_mutex_unlock(&lock);
}

static support_hostile* hostile;
static creche_pool pool;
static answer running[IN_FLIGHT], held[HELD];
static creche_task held_tasks[HELD];

static void on_posted(void* user, const creche_completion* c) {
  on_answer(user, c);
}
/* The loop has done all that it was given before. */
static void settle(void) {
  answer a;
  answer_init(&a);
  OK(creche_loop_post(loop, on_posted, &a));
  answer_wait(&a);
  answer_free(&a);
}
static void ask(answer* a, const creche_task_options* with, creche_task* task) {
  creche_query_options o;
  OK(creche_query_options_init(&o, sizeof o));
  o.task = with;
  answer_init(a);
  OK(creche_pool_query(pool, loop.scope, "select 7", NULL, 0, &o, on_answer, a, task));
}
static void ends(answer* a, creche_status expected) {
  EXPECT(a, expected);
  if (expected == CRECHE_OK) assert_int_equal(creche_row_int8(a->rows, 0, 0), 7);
  answer_free(a);
}

/* Three are with the server, and two are held back. */
static int hold_back_with(int64_t timeout) {
  creche_loop_options o;
  creche_task_options with;
  OK(creche_loop_options_init(&o, sizeof o));
  o.clock = CRECHE_CLOCK_VIRTUAL; /* all takes no time: the statement is known to be short */
  OK(creche_loop_open(&o, &loop));
  OK(creche_clock_hold(loop));
  hostile = support_hostile_start(serve, NULL);
  pool = fake_pool(hostile, 1, CRECHE_POOL_NO_PREPARE, "");
  let(3);
  for (int i = 0; i < 3; i++) {
    answer a;
    ask(&a, NULL, NULL);
    ends(&a, CRECHE_OK);
  }
  settle();
  for (int i = 0; i < IN_FLIGHT; i++) ask(&running[i], NULL, NULL);
  assert_true(support_hostile_await_requests(hostile, 3 + IN_FLIGHT, PATIENCE_MS));
  OK(creche_task_options_init(&with, sizeof with));
  with.timeout = timeout;
  for (int i = 0; i < HELD; i++) {
    ask(&held[i], i == 0 ? &with : NULL, &held_tasks[i]);
    settle();
  }
  assert_int_equal(counters(pool).statements, 3 + IN_FLIGHT);
  assert_int_equal(counters(pool).waiting, 0);
  return 0;
}
static int hold_back(void** state) {
  (void)state;
  return hold_back_with(CRECHE_NEVER);
}
static int hold_back_for_a_minute(void** state) {
  (void)state;
  return hold_back_with(60 * CRECHE_SECOND);
}
static int end_all(void** state) {
  (void)state;
  let(1000);
  if (pool.id != 0) close_pool(pool);
  OK(creche_clock_release(loop));
  const int ended = close_and_join_loop();
  support_hostile_stop(hostile);
  answers = 0;
  return ended;
}

static void an_answer_lets_them_go(void** state) {
  (void)state;
  let(1);
  ends(&running[0], CRECHE_OK);
  /* Two are with the server still: it has not run dry. */
  while (counters(pool).statements < 3 + IN_FLIGHT + HELD) settle();
  let(1000);
  for (int i = 1; i < IN_FLIGHT; i++) ends(&running[i], CRECHE_OK);
  for (int i = 0; i < HELD; i++) ends(&held[i], CRECHE_OK);
}

static void as_many_as_are_running_go_together(void** state) {
  answer more;
  (void)state;
  ask(&more, NULL, NULL);
  settle();
  assert_int_equal(counters(pool).statements, 3 + IN_FLIGHT + HELD + 1);
  let(1000);
  for (int i = 0; i < IN_FLIGHT; i++) ends(&running[i], CRECHE_OK);
  for (int i = 0; i < HELD; i++) ends(&held[i], CRECHE_OK);
  ends(&more, CRECHE_OK);
}

static void a_cancel_takes_one_back(void** state) {
  (void)state;
  OK(creche_scope_cancel(held_tasks[0].scope, NULL));
  ends(&held[0], CRECHE_E_CANCELLED);
  let(1000);
  for (int i = 0; i < IN_FLIGHT; i++) ends(&running[i], CRECHE_OK);
  ends(&held[1], CRECHE_OK);
  assert_int_equal(counters(pool).cancels, 0); /* the server never heard of it */
  assert_int_equal(counters(pool).statements, 3 + IN_FLIGHT + HELD - 1);
}

static void a_deadline_takes_one_back(void** state) {
  (void)state;
  OK(creche_clock_advance(loop, 61 * CRECHE_SECOND));
  ends(&held[0], CRECHE_E_TIMEOUT);
  assert_int_equal(counters(pool).cancels, 0);
  let(1000);
  for (int i = 0; i < IN_FLIGHT; i++) ends(&running[i], CRECHE_OK);
  ends(&held[1], CRECHE_OK);
}

/* What was with the server may have been done; what was held back was not, and is run elsewhere. */
static void a_loss_spares_them(void** state) {
  (void)state;
  hang_up();
  for (int i = 0; i < IN_FLIGHT; i++) ends(&running[i], CRECHE_E_DISCONNECTED);
  let(1000);
  for (int i = 0; i < HELD; i++) ends(&held[i], CRECHE_OK);
  assert_int_equal(counters(pool).connects, 2);
}

static void a_close_ends_them(void** state) {
  answer closed;
  (void)state;
  answer_init(&closed);
  OK(creche_pool_close(pool, on_answer, &closed));
  for (int i = 0; i < HELD; i++) ends(&held[i], CRECHE_E_CLOSED);
  assert_int_equal(counters(pool).statements, 3 + IN_FLIGHT);
  let(1000);
  EXPECT(&closed, CRECHE_OK);
  answer_free(&closed);
  for (int i = 0; i < IN_FLIGHT; i++) {
    answer_wait(&running[i]); /* it may have been answered before the close */
    answer_free(&running[i]);
  }
  creche_pool_release(pool);
  pool.id = 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(an_answer_lets_them_go, hold_back, end_all),
      cmocka_unit_test_setup_teardown(as_many_as_are_running_go_together, hold_back, end_all),
      cmocka_unit_test_setup_teardown(a_cancel_takes_one_back, hold_back, end_all),
      cmocka_unit_test_setup_teardown(a_deadline_takes_one_back, hold_back_for_a_minute, end_all),
      cmocka_unit_test_setup_teardown(a_loss_spares_them, hold_back, end_all),
      cmocka_unit_test_setup_teardown(a_close_ends_them, hold_back, end_all),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

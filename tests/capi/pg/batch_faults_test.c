/* Batches of statements that stand for themselves, when one of them is too much or the server goes;
 * and a stream that is cancelled while only its columns were asked for. */
#include "fake_pg.h"

typedef struct batch {
  answer end;
  uint32_t states[8];
  creche_status errors[8];
  size_t count;
} batch;

static void on_batch(void* user, const creche_completion* c) {
  batch* b = user;
  const creche_batch_result* results = c->data;
  b->count = c->data_size / sizeof *results;
  for (size_t i = 0; i < b->count && i < 8; i++) {
    b->states[i] = results[i].state;
    b->errors[i] = results[i].error ? results[i].error->status : CRECHE_OK;
  }
  on_answer(&b->end, c);
}

static creche_batch_options separate(void) {
  creche_batch_options o;
  OK(creche_batch_options_init(&o, sizeof o));
  o.flags = CRECHE_BATCH_SEPARATE;
  return o;
}

/* ---- One that is too big ---- */

/* It fails, and fails the transaction around it; the others are run, and nobody is cancelled. */
static void test_one_is_too_big(void** state) {
  (void)state;
  creche_pool pool = open_pool(1);
  must(pool, "create table things (id int)");
  for (int inside = 0; inside < 2; inside++) {
    creche_connection c = acquire(pool);
    const creche_batch_item items[] = {{"insert into things values (1)", NULL, 0},
                                       {"select repeat('x', 100000)", NULL, 0},
                                       {"insert into things values (2)", NULL, 0}};
    creche_batch_options o = separate();
    batch b = {.count = 0};
    o.max_bytes = 10000;
    if (inside) must_on(c, "begin");
    answer_init(&b.end);
    OK(creche_connection_batch(c, loop.scope, items, 3, &o, on_batch, &b, NULL));
    EXPECT(&b.end, CRECHE_E_LIMIT);
    assert_int_equal(b.count, 3);
    assert_int_equal(b.states[0], CRECHE_BATCH_DONE);
    assert_int_equal(b.states[1], CRECHE_BATCH_FAILED);
    assert_int_equal(b.errors[1], CRECHE_E_LIMIT);
    assert_int_equal(b.states[2], CRECHE_BATCH_DONE);
    answer_free(&b.end);
    if (inside) {
      answer a;
      answer_init(&a);
      OK(creche_connection_query(c, loop.scope, "commit", NULL, 0, NULL, on_answer, &a, NULL));
      answer_wait(&a);
      answer_free(&a);
    }
    assert_int_equal(number_on(c, "select count(*) from things"), 2);
    creche_connection_release(c);
  }
  assert_int_equal(counters(pool).cancels, 0);
  close_pool(pool);
}

/* ---- The server goes between two of them ---- */

static void goes_between(support_peer* peer, void* user) {
  fake_out o = {0, {0}};
  (void)user;
  if (!fake_start(peer, 1)) return;
  char type;
  while ((type = fake_take(peer)) != 0 && type != 'S') continue;
  support_count_request(peer);
  fake_message(&o, '1', "", 0);
  fake_message(&o, '2', "", 0);
  fake_message(&o, 'n', "", 0);
  fake_end(&o, "INSERT 0 1");
  fake_message(&o, 'Z', "I", 1);
  fake_error(&o, 'E', "FATAL", "57P01");
  fake_send(peer, &o);
}

static void test_the_server_goes(void** state) {
  (void)state;
  support_hostile* hostile = support_hostile_start(goes_between, NULL);
  creche_pool pool = fake_pool(hostile, 1, 0, "");
  const creche_batch_item items[] = {{"insert into a values (1)", NULL, 0},
                                     {"insert into a values (2)", NULL, 0},
                                     {"insert into a values (3)", NULL, 0}};
  const creche_batch_options o = separate();
  batch b = {.count = 0};
  answer_init(&b.end);
  OK(creche_pool_batch(pool, loop.scope, items, 3, &o, on_batch, &b, NULL));
  assert_int_not_equal(answer_wait(&b.end), CRECHE_OK);
  assert_int_equal(support_hostile_requests(hostile),
                   1); /* the first is done, and not done again */
  assert_int_equal(b.count, 3);
  assert_int_equal(b.states[0], CRECHE_BATCH_DONE);
  assert_int_not_equal(b.states[1], CRECHE_BATCH_DONE);
  assert_int_not_equal(b.states[2], CRECHE_BATCH_DONE);
  answer_free(&b.end);
  close_pool(pool);
  support_hostile_stop(hostile);
}

/* ---- A stream that was only described ---- */

static void describes_late(support_peer* peer, void* user) {
  fake_out o = {0, {0}};
  (void)user;
  if (!fake_start(peer, 1)) return;
  char type;
  while ((type = fake_take(peer)) != 0 && type != 'S') continue;
  support_count_request(peer);
  if (!support_await(peer, 1)) return;
  fake_message(&o, '1', "", 0);
  fake_message(&o, '2', "", 0);
  fake_column(&o, 23, 4);
  fake_message(&o, 'Z', "I", 1);
  fake_send(peer, &o);
  support_await_close(peer);
}

static void test_a_stream_that_was_described(void** state) {
  (void)state;
  support_hostile* hostile = support_hostile_start(describes_late, NULL);
  creche_pool pool = fake_pool(hostile, 1, 0, "");
  answer a;
  creche_task task;
  answer_init(&a);
  OK(creche_pool_stream(pool, loop.scope, "select n from t", NULL, 0, NULL, on_answer, &a, &task));
  assert_true(support_hostile_await_requests(hostile, 1, PATIENCE_MS));
  OK(creche_scope_cancel(task.scope, "enough"));
  support_hostile_signal(hostile);
  EXPECT(&a, CRECHE_E_CANCELLED);
  answer_free(&a);
  close_pool(pool);
  support_hostile_stop(hostile);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_one_is_too_big, start_server, stop_server),
      cmocka_unit_test_setup_teardown(test_the_server_goes, open_loop, close_loop),
      cmocka_unit_test_setup_teardown(test_a_stream_that_was_described, open_loop, close_loop),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

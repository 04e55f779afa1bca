/* LISTEN on servers that do what a real one does seldom: say nothing, or something too early. */
#include "fake_pg.h"

typedef struct heard {
  answer end;
  uint32_t what[8];
  int count;
} heard;

static void on_heard(void* user, const creche_completion* c) {
  heard* h = user;
  if (c->kind != CRECHE_NOTIFY) {
    on_answer(&h->end, c);
    return;
  }
  pthread_mutex_lock(&h->end.lock);
  if (h->count < 8) h->what[h->count] = ((const creche_notification*)c->data)->what;
  h->count++;
  pthread_mutex_unlock(&h->end.lock);
  creche_value_release(c->value);
}

static int counted(heard* h) {
  pthread_mutex_lock(&h->end.lock);
  const int count = h->count;
  pthread_mutex_unlock(&h->end.lock);
  return count;
}

static creche_task listen_on(creche_pool pool, heard* h, int64_t heartbeat) {
  static const char* const channels[] = {"jobs"};
  creche_listen_options o;
  creche_task task;
  memset(h, 0, sizeof *h);
  answer_init(&h->end);
  OK(creche_listen_options_init(&o, sizeof o));
  o.heartbeat = heartbeat;
  OK(creche_pool_listen(pool, loop.scope, channels, 1, &o, on_heard, h, &task));
  return task;
}

static void send_listening(support_peer* peer) {
  fake_out o = {0, {0}};
  fake_end(&o, "LISTEN");
  fake_message(&o, 'Z', "I", 1);
  fake_send(peer, &o);
}

static void send_notification(support_peer* peer, const char* payload) {
  fake_out o = {0, {0}}, body = {0, {0}};
  fake_number(&body, 77, 4);
  fake_text(&body, "jobs");
  fake_text(&body, payload);
  fake_message(&o, 'A', body.bytes, body.size);
  fake_send(peer, &o);
}

/* The first connection takes LISTEN and never says that it listens. */
static void silent(support_peer* peer, void* user) {
  (void)user;
  if (!fake_start(peer, 1)) return;
  if (support_peer_index(peer) == 0) {
    support_await_close(peer);
    return;
  }
  while (fake_take(peer) == 'Q') send_listening(peer);
}

static void test_no_answer_to_listen(void** state) {
  (void)state;
  support_hostile* hostile = support_hostile_start(silent, NULL);
  creche_pool pool = fake_pool(hostile, 1, 0, "");
  heard h;
  /* A first attempt fails. */
  listen_on(pool, &h, 50 * CRECHE_MILLISECOND);
  EXPECT(&h.end, CRECHE_E_DISCONNECTED);
  assert_non_null(strstr(h.end.error->message, "no sign of life"));
  answer_free(&h.end);
  const creche_task task = listen_on(pool, &h, CRECHE_NEVER);
  AWAIT(counted(&h) > 0);
  assert_int_equal(h.what[0], CRECHE_LISTEN_STARTED);
  OK(creche_scope_cancel(task.scope, NULL));
  EXPECT(&h.end, CRECHE_E_CANCELLED);
  answer_free(&h.end);
  close_pool(pool);
  support_hostile_stop(hostile);
}

/* What is said between the LISTEN and its answer comes behind the word that it has begun. The
 * second connection never answers to LISTEN: that is another loss, and one gap is told. */
static void early(support_peer* peer, void* user) {
  (void)user;
  const int index = support_peer_index(peer);
  if (!fake_start(peer, 1) || fake_take(peer) != 'Q') return;
  if (index == 1) {
    support_await_close(peer);
    return;
  }
  send_notification(peer, "early");
  send_listening(peer);
  if (index == 0 && !support_await(peer, 1)) return;
  if (index == 0) return;
  while (fake_take(peer) == 'Q') send_listening(peer);
}

static void test_said_too_early(void** state) {
  (void)state;
  support_hostile* hostile = support_hostile_start(early, NULL);
  creche_pool pool = fake_pool(hostile, 1, 0, "");
  heard h;
  const creche_task task = listen_on(pool, &h, CRECHE_SECOND);
  AWAIT(counted(&h) >= 2);
  assert_int_equal(h.what[0], CRECHE_LISTEN_STARTED);
  assert_int_equal(h.what[1], CRECHE_LISTEN_NOTIFICATION);
  support_hostile_signal(hostile);
  AWAIT(counted(&h) >= 4);
  assert_int_equal(h.what[2], CRECHE_LISTEN_GAP);
  assert_int_equal(h.what[3], CRECHE_LISTEN_NOTIFICATION);
  assert_int_equal(support_hostile_connections(hostile), 3);
  OK(creche_scope_cancel(task.scope, NULL));
  EXPECT(&h.end, CRECHE_E_CANCELLED);
  answer_free(&h.end);
  close_pool(pool);
  support_hostile_stop(hostile);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_no_answer_to_listen, open_loop, close_loop),
      cmocka_unit_test_setup_teardown(test_said_too_early, open_loop, close_loop),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

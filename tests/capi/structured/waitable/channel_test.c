/* Channels: items go to exactly one receiver, in order, or to item_free; cancels take and lose
 * none. The numbers are those of CASES.md. */
#include <pthread.h>
#include <unistd.h>

#include "support/core.h"

static creche_sender sender;
static creche_receiver receiver;
static uint64_t freed[64];
static int64_t frees;
static void free_item(void* user, uint64_t item) {
  const int64_t at = __atomic_fetch_add(&frees, 1, __ATOMIC_SEQ_CST);
  (void)user;
  if (at < 64) freed[at] = item;
}
static void open_channel(uint32_t capacity) {
  creche_channel_options o;
  frees = 0;
  OK(creche_channel_options_init(&o, sizeof o));
  o.capacity = capacity;
  o.item_free = free_item;
  o.name = "jobs";
  OK(creche_channel_open(loop, &o, &sender, &receiver));
}
static void close_channel(void) {
  creche_sender_release(sender);
  creche_receiver_release(receiver);
}
static creche_task send_in(creche_scope in, uint64_t item, seen* s) {
  creche_task task;
  OK(creche_channel_send(sender, in, item, NULL, see, s, &task));
  return task;
}
static creche_task receive_in(creche_scope in, seen* s) {
  creche_task task;
  OK(creche_channel_receive(receiver, in, NULL, see, s, &task));
  return task;
}
static void got(const seen* s, uint64_t item) {
  assert_int_equal(s->finals, 1);
  assert_int_equal(s->status, CRECHE_OK);
  assert_int_equal(s->kind, CRECHE_DONE);
  assert_int_equal(s->value, item);
}
static creche_channel_state look(void) {
  creche_channel_state s;
  OK(creche_sender_get_state(sender, &s, sizeof s));
  return s;
}

static void items_come_in_order(void** state) {
  enum { N = 100 };
  static seen s[N], r[N];
  uint64_t item;
  uint64_t i;
  (void)state;
  memset(s, 0, sizeof s);
  memset(r, 0, sizeof r);
  open_channel(10);
  for (i = 0; i < N; i++) send_in(loop.scope, i, &s[i]);
  settle();
  for (i = 0; i < N; i++) assert_int_equal(s[i].finals, i < 10);
  assert_int_equal(look().items, 10);
  assert_int_equal(look().sending, N - 10);
  OK(creche_channel_try_receive(receiver, &item));
  assert_int_equal(item, 0);
  for (i = 1; i < N; i++) receive_in(loop.scope, &r[i]);
  settle();
  for (i = 1; i < N; i++) got(&r[i], i);
  for (i = 0; i < N; i++) assert_int_equal(s[i].finals, 1);
  close_channel();
  assert_int_equal(frees, 0);
}

/* Capacity 0: a send completes when a receiver has the item. */
static void a_rendezvous(void** state) {
  seen s = {0}, r = {0};
  uint64_t item = 9;
  (void)state;
  open_channel(0);
  IS(creche_channel_try_send(sender, 1), CRECHE_E_LIMIT);
  IS(creche_channel_try_receive(receiver, &item), CRECHE_E_LIMIT);
  assert_int_equal(item, 0);
  send_in(loop.scope, 5, &s);
  settle();
  assert_int_equal(s.finals, 0);
  receive_in(loop.scope, &r);
  assert_int_equal(r.finals, 0); /* never inside the call */
  settle();
  got(&r, 5);
  assert_int_equal(s.finals, 1);
  receive_in(loop.scope, &r);
  OK(creche_channel_try_send(sender, 6));
  send_in(loop.scope, 7, &s);
  OK(creche_channel_try_receive(receiver, &item));
  assert_int_equal(item, 7);
  settle();
  close_channel();
}

/* 91: a waiting receiver owns the item just sent, a waiting sender the place just freed. */
static void nobody_overtakes(void** state) {
  seen r = {0}, s = {0};
  uint64_t item;
  (void)state;
  open_channel(1);
  receive_in(loop.scope, &r);
  settle();
  OK(creche_channel_try_send(sender, 1));
  IS(creche_channel_try_receive(receiver, &item), CRECHE_E_LIMIT);
  settle();
  got(&r, 1);
  OK(creche_channel_try_send(sender, 2));
  send_in(loop.scope, 3, &s);
  OK(creche_channel_try_receive(receiver, &item));
  assert_int_equal(item, 2);
  IS(creche_channel_try_send(sender, 4), CRECHE_E_LIMIT); /* 3 has the place */
  OK(creche_channel_try_receive(receiver, &item));
  assert_int_equal(item, 3);
  settle();
  assert_int_equal(s.finals, 1);
  close_channel();
}

/* 88: a cancelled receive does not swallow the next item. */
static void a_cancelled_receive_takes_nothing(void** state) {
  seen r[3] = {{0}, {0}, {0}};
  creche_task task;
  creche_scope scope = scope_in(loop.scope, NULL);
  (void)state;
  open_channel(0);
  task = receive_in(loop.scope, &r[0]);
  receive_in(loop.scope, &r[1]);
  settle();
  OK(creche_scope_cancel(task.scope, NULL));
  OK(creche_channel_try_send(sender, 1));
  settle();
  assert_int_equal(r[0].status, CRECHE_E_CANCELLED);
  assert_int_equal(r[0].value, 0);
  got(&r[1], 1);
  /* Before it begins, though an item is there. */
  OK(creche_scope_cancel(scope, NULL));
  creche_sender_release(sender);
  receive_in(scope, &r[2]);
  settle();
  assert_int_equal(r[2].status, CRECHE_E_CANCELLED);
  OK(creche_scope_leave(scope, NULL));
  creche_receiver_release(receiver);
}

/* Commit wins: an item that came stays, whatever is cancelled then. */
static void a_cancel_after_the_item_came(void** state) {
  seen r = {0}, g = {0};
  creche_group group = group_in(loop.scope, NULL, &g);
  (void)state;
  open_channel(0);
  receive_in(group.scope, &r);
  OK(creche_group_close(group));
  OK(creche_channel_try_send(sender, 1));
  OK(creche_scope_cancel(group.scope, NULL));
  settle();
  got(&r, 1);
  close_channel();
}

/* A cancelled send sends nothing; its item goes to item_free. */
static void a_cancelled_send_sends_nothing(void** state) {
  seen s[3] = {{0}, {0}, {0}};
  creche_task task;
  uint64_t item;
  (void)state;
  open_channel(1);
  send_in(loop.scope, 1, &s[0]);
  task = send_in(loop.scope, 2, &s[1]);
  send_in(loop.scope, 3, &s[2]);
  OK(creche_scope_cancel(task.scope, NULL));
  settle();
  assert_int_equal(s[1].status, CRECHE_E_CANCELLED);
  assert_int_equal(frees, 1);
  assert_int_equal(freed[0], 2);
  OK(creche_channel_try_receive(receiver, &item));
  OK(creche_channel_try_receive(receiver, &item));
  assert_int_equal(item, 3);
  settle();
  close_channel();
  assert_int_equal(frees, 1);
}

/* Both sides in one race: the first to end cancels the other, whose result stands already. */
static void both_sides_of_a_race(void** state) {
  creche_group_options o = group_options();
  seen g = {0}, s = {0}, r = {0};
  creche_group group;
  (void)state;
  o.policy = CRECHE_RACE;
  open_channel(0);
  group = group_in(loop.scope, &o, &g);
  receive_in(group.scope, &r);
  send_in(group.scope, 4, &s);
  OK(creche_group_close(group));
  settle();
  got(&r, 4);
  assert_int_equal(s.status, CRECHE_OK);
  assert_int_equal(g.finals, 1);
  close_channel();
}

/* 89: after the last sender, what is there, then the end, for ever. */
static void the_end_comes_after_the_items(void** state) {
  seen r[3] = {{0}, {0}, {0}};
  uint64_t item;
  (void)state;
  open_channel(2);
  OK(creche_channel_try_send(sender, 1));
  OK(creche_channel_try_send(sender, 2));
  creche_sender_release(sender);
  receive_in(loop.scope, &r[0]);
  OK(creche_channel_try_receive(receiver, &item));
  settle();
  got(&r[0], 1);
  assert_int_equal(item, 2);
  receive_in(loop.scope, &r[1]);
  settle();
  assert_int_equal(r[1].status, CRECHE_OK);
  assert_int_equal(r[1].kind, CRECHE_END);
  IS(creche_channel_try_receive(receiver, &item), CRECHE_E_CLOSED);
  last_error_says("ended");
  creche_receiver_release(receiver);
  assert_int_equal(frees, 0);
}

static void the_end_wakes_receivers(void** state) {
  seen r[2] = {{0}, {0}};
  (void)state;
  open_channel(2);
  receive_in(loop.scope, &r[0]);
  receive_in(loop.scope, &r[1]);
  settle();
  creche_sender_release(sender);
  settle();
  assert_int_equal(r[0].kind, CRECHE_END);
  assert_int_equal(r[1].kind, CRECHE_END);
  creche_receiver_release(receiver);
}

/* 89: without receivers sends fail, and the items that are left are freed. */
static void nobody_receives_any_more(void** state) {
  seen s = {0}, t = {0};
  creche_task task;
  (void)state;
  open_channel(1);
  OK(creche_channel_try_send(sender, 1));
  send_in(loop.scope, 2, &s);
  creche_receiver_release(receiver);
  settle();
  assert_int_equal(s.status, CRECHE_E_CLOSED);
  assert_non_null(strstr(s.message, "nobody receives any more"));
  assert_int_equal(frees, 2);
  assert_int_equal(freed[0] + freed[1], 3);
  IS(creche_channel_try_send(sender, 3), CRECHE_E_CLOSED);
  last_error_says("nobody receives any more");
  IS(creche_channel_send(sender, loop.scope, 3, NULL, see, &t, &task), CRECHE_E_CLOSED);
  assert_int_equal(frees, 2); /* they stay the caller's */
  creche_sender_release(sender);
}

/* 90: only those who wait at the released clone are woken; the last clone ends the side. */
static void clones(void** state) {
  creche_receiver other;
  creche_sender second;
  seen mine = {0}, theirs = {0}, s = {0};
  (void)state;
  open_channel(0);
  OK(creche_receiver_clone(receiver, &other));
  OK(creche_sender_clone(sender, &second));
  assert_int_equal(look().senders, 2);
  assert_int_equal(look().receivers, 2);
  receive_in(loop.scope, &mine);
  OK(creche_channel_receive(other, loop.scope, NULL, see, &theirs, NULL));
  settle();
  creche_receiver_release(receiver);
  settle();
  assert_int_equal(mine.status, CRECHE_E_CLOSED);
  assert_non_null(strstr(mine.message, "this end"));
  assert_int_equal(theirs.finals, 0);
  creche_sender_release(sender);
  creche_sender_release(sender);
  OK(creche_channel_try_send(second, 8));
  settle();
  got(&theirs, 8);
  OK(creche_channel_send(second, loop.scope, 9, NULL, see, &s, NULL));
  settle();
  creche_sender_release(second); /* with a send of its own in line */
  settle();
  assert_int_equal(s.status, CRECHE_E_CLOSED);
  assert_int_equal(frees, 1);
  IS(creche_channel_receive(receiver, loop.scope, NULL, see, &mine, NULL), CRECHE_E_ENDED);
  creche_receiver_release(other);
}

/* Its end is gone before its group's limit lets it begin. */
static void released_while_it_waits_for_the_groups_limit(void** state) {
  creche_group_options o = group_options();
  seen g = {0}, first = {0}, r = {0}, s = {0};
  creche_receiver other;
  creche_group group;
  creche_task task;
  (void)state;
  o.limit = 1;
  o.policy = CRECHE_COLLECT;
  open_channel(5);
  OK(creche_receiver_clone(receiver, &other));
  group = group_in(loop.scope, &o, &g);
  task = op(group.scope, &first);
  receive_in(group.scope, &r);
  send_in(group.scope, 3, &s);
  OK(creche_group_close(group));
  close_channel();
  OK(creche_scope_cancel(task.scope, NULL));
  settle();
  assert_int_equal(r.status, CRECHE_E_CLOSED);
  assert_int_equal(s.status, CRECHE_E_CLOSED);
  assert_int_equal(frees, 1);
  assert_int_equal(g.finals, 1);
  creche_receiver_release(other);
}

/* Items whose completion nobody takes. */
static void thrown_away_items_are_freed(void** state) {
  creche_task_options o = task_options();
  creche_completion c;
  creche_queue queue;
  size_t n;
  (void)state;
  open_channel(3);
  OK(creche_channel_receive(receiver, loop.scope, NULL, creche_nobody, NULL, NULL));
  OK(creche_channel_try_send(sender, 1));
  settle();
  assert_int_equal(frees, 1);
  OK(creche_queue_open(loop, NULL, &queue));
  o.queue = queue;
  OK(creche_channel_receive(receiver, loop.scope, &o, NULL, NULL, NULL));
  OK(creche_channel_receive(receiver, loop.scope, &o, NULL, NULL, NULL));
  OK(creche_channel_try_send(sender, 2));
  OK(creche_channel_try_send(sender, 3));
  OK(creche_queue_drain(queue, &c, 1, &n));
  assert_int_equal(c.value, 2);
  creche_completions_release(&c, 1); /* drained is taken */
  creche_queue_release(queue);       /* 3 is still in it */
  settle();
  assert_int_equal(frees, 2);
  assert_int_equal(freed[1], 3);
  close_channel();
  assert_int_equal(frees, 2);
}

static void the_loops_end_frees_what_is_left(void** state) {
  seen s[2] = {{0}, {0}};
  (void)state;
  open_channel(1);
  send_in(loop.scope, 1, &s[0]);
  send_in(loop.scope, 2, &s[1]);
  OK(creche_loop_close(loop));
  OK(creche_loop_join(loop, PATIENCE));
  assert_int_equal(s[1].status, CRECHE_E_CANCELLED);
  assert_int_equal(frees, 2);
  IS(creche_channel_try_send(sender, 1), CRECHE_E_ENDED);
  close_channel();
}

static void the_dump_names_it(void** state) {
  char text[2000];
  seen s = {0};
  (void)state;
  open_channel(0);
  receive_in(loop.scope, &s);
  OK(creche_loop_dump(loop, CRECHE_DUMP_TEXT, text, sizeof text, NULL));
  if (strstr(text, "item of channel \"jobs\"") == NULL) fail_msg("%s", text);
  close_channel();
  settle();
}

/* ---- Threads ---- */
/* Eight threads send, receive and cancel: each item has exactly one end. */
enum { THREADS = 8, ROUNDS = 400 };
static creche_loop shared;
static uint64_t taken;
static int64_t takes, ended;
static void take(void* user, const creche_completion* c) {
  (void)user;
  if (c->status == CRECHE_OK && c->kind == CRECHE_DONE) {
    __atomic_add_fetch(&taken, c->value, __ATOMIC_SEQ_CST);
    __atomic_add_fetch(&takes, 1, __ATOMIC_SEQ_CST);
  }
  __atomic_add_fetch(&ended, 1, __ATOMIC_SEQ_CST);
}
static uint64_t dropped;
static void free_shared(void* user, uint64_t item) {
  (void)user;
  __atomic_add_fetch(&dropped, item, __ATOMIC_SEQ_CST);
  __atomic_add_fetch(&frees, 1, __ATOMIC_SEQ_CST);
}
static void* contend(void* arg) {
  size_t wrong = 0, self = (size_t)arg;
  unsigned seed = (unsigned)self;
  int i;
  for (i = 0; i < ROUNDS; i++) {
    creche_task task;
    seed = seed * 1103515245 + 12345;
    if (self % 2)
      wrong += creche_channel_send(sender, shared.scope, self * ROUNDS + (uint64_t)i, NULL,
                                   creche_nobody, NULL, &task) != CRECHE_OK;
    else
      wrong += creche_channel_receive(receiver, shared.scope, NULL, take, NULL, &task) != CRECHE_OK;
    if ((seed >> 16 & 3) == 0) creche_scope_cancel(task.scope, NULL);
  }
  return (void*)wrong;
}
static void eight_threads_race(void** state) {
  pthread_t threads[THREADS];
  creche_channel_options o;
  uint64_t sent = 0, j;
  void* wrong;
  size_t i;
  (void)state;
  taken = dropped = 0;
  takes = ended = frees = 0;
  OK(creche_loop_open(NULL, &shared));
  OK(creche_channel_options_init(&o, sizeof o));
  o.capacity = 4;
  o.item_free = free_shared;
  OK(creche_channel_open(shared, &o, &sender, &receiver));
  for (i = 0; i < THREADS; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, contend, (void*)i), 0);
  for (i = 0; i < THREADS; i++) {
    assert_int_equal(pthread_join(threads[i], &wrong), 0);
    assert_int_equal((size_t)wrong, 0);
  }
  OK(creche_loop_close(shared));
  OK(creche_loop_join(shared, PATIENCE));
  for (i = 1; i < THREADS; i += 2)
    for (j = 0; j < ROUNDS; j++) sent += i * ROUNDS + j;
  assert_int_equal(ended, THREADS / 2 * ROUNDS);
  assert_int_equal(takes + frees, THREADS / 2 * ROUNDS);
  assert_true(taken + dropped == sent);
  close_channel();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(items_come_in_order),
      TEST(a_rendezvous),
      TEST(nobody_overtakes),
      TEST(a_cancelled_receive_takes_nothing),
      TEST(a_cancel_after_the_item_came),
      TEST(a_cancelled_send_sends_nothing),
      TEST(both_sides_of_a_race),
      TEST(the_end_comes_after_the_items),
      TEST(the_end_wakes_receivers),
      TEST(nobody_receives_any_more),
      TEST(clones),
      TEST(released_while_it_waits_for_the_groups_limit),
      TEST(thrown_away_items_are_freed),
      TEST(the_loops_end_frees_what_is_left),
      TEST(the_dump_names_it),
      TEST(eight_threads_race),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

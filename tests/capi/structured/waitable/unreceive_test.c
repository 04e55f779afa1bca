/* Channels: what was received goes back, and the order stays. 88 of CASES.md, for those who are
 * cancelled when their item has come already. */
#include <pthread.h>

#include "items.h"

/* 88: who gives up when the item has come leaves it where it was. */
static void an_item_that_came_goes_back(void** state) {
  seen r = {0};
  creche_task task;
  (void)state;
  open_channel(0);
  task = receive(&r);
  send_all(7, 7);
  OK(creche_channel_unreceive(task));
  IS(creche_channel_unreceive(task), CRECHE_E_ENDED);
  settle();
  got_nothing(&r, task);
  LEFT(7);
  close_channel();
  assert_int_equal(frees, 0);
}

/* It has never been: those behind it get what they would have got without it. */
static void the_next_ones_move_up(void** state) {
  seen r[4];
  creche_task task[4];
  int i;
  (void)state;
  memset(r, 0, sizeof r);
  open_channel(0);
  for (i = 0; i < 4; i++) task[i] = receive(&r[i]);
  send_all(1, 3);
  OK(creche_channel_unreceive(task[1])); /* the fourth still waits */
  settle();
  got(&r[0], 1);
  got_nothing(&r[1], task[1]);
  got(&r[2], 2);
  got(&r[3], 3);
  close_channel();
}

/* In which order ever they go. */
static void the_order_stays(void** state) {
  static const int orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
  size_t k;
  int i;
  (void)state;
  for (k = 0; k < sizeof orders / sizeof *orders; k++) {
    seen r[3];
    creche_task task[3];
    memset(r, 0, sizeof r);
    open_channel(9);
    for (i = 0; i < 3; i++) task[i] = receive(&r[i]);
    send_all(1, 12); /* the buffer has wrapped, or will */
    for (i = 0; i < 3; i++) OK(creche_channel_unreceive(task[orders[k][i]]));
    IS(creche_channel_try_send(sender, 13), CRECHE_E_LIMIT);
    LEFT(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12);
    settle();
    for (i = 0; i < 3; i++) got_nothing(&r[i], task[i]);
    close_channel();
  }
}

/* What is past the capacity goes first; then those who wait to send move up. */
static void past_the_capacity(void** state) {
  seen r = {0}, s = {0};
  creche_channel_state look;
  creche_task task;
  uint64_t item;
  (void)state;
  open_channel(1);
  task = receive(&r);
  send_all(1, 2);
  OK(creche_channel_send(sender, loop.scope, 3, NULL, see, &s, NULL));
  OK(creche_channel_unreceive(task));
  OK(creche_receiver_get_state(receiver, &look, sizeof look));
  assert_int_equal(look.items, 2);
  assert_int_equal(look.sending, 1);
  OK(creche_channel_try_receive(receiver, &item));
  assert_int_equal(item, 1);
  settle();
  assert_int_equal(s.finals, 0); /* 2 has the place */
  OK(creche_channel_try_receive(receiver, &item));
  assert_int_equal(item, 2);
  settle();
  assert_int_equal(s.finals, 1);
  LEFT(3);
  close_channel();
  /* Without places. */
  memset(&s, 0, sizeof s);
  open_channel(0);
  task = receive(&r);
  send_all(1, 1);
  OK(creche_channel_send(sender, loop.scope, 2, NULL, see, &s, NULL));
  OK(creche_channel_unreceive(task));
  LEFT(1);
  settle();
  assert_int_equal(s.finals, 0);
  OK(creche_channel_try_receive(receiver, &item));
  assert_int_equal(item, 2);
  settle();
  assert_int_equal(s.status, CRECHE_OK);
  close_channel();
}

/* The end comes after all items, these too; and it can be given up as an item can. */
static void the_end_comes_later(void** state) {
  seen r[5];
  creche_task task[5];
  int i;
  (void)state;
  memset(r, 0, sizeof r);
  open_channel(0);
  for (i = 0; i < 4; i++) task[i] = receive(&r[i]);
  send_all(1, 2);
  creche_sender_release(sender);
  OK(creche_channel_unreceive(task[2])); /* an end */
  OK(creche_channel_unreceive(task[0]));
  settle();
  got_nothing(&r[0], task[0]);
  got(&r[1], 1);
  got_nothing(&r[2], task[2]);
  got(&r[3], 2);
  /* Who has been told of the end has been told so. */
  memset(r, 0, sizeof r);
  for (i = 0; i < 3; i++) task[i] = receive(&r[i]);
  settle();
  for (i = 0; i < 3; i++) got_the_end(&r[i]);
  OK(creche_channel_put_back(receiver, 3));
  receive(&r[3]);
  receive(&r[4]);
  settle();
  got(&r[3], 3);
  got_the_end(&r[4]);
  close_channel();
  assert_int_equal(frees, 0);
}

/* After the last receiver what comes back is nobody's. */
static void nobody_to_give_it_to(void** state) {
  seen r[2] = {{0}, {0}};
  creche_task task[2];
  (void)state;
  open_channel(0);
  task[0] = receive(&r[0]);
  task[1] = receive(&r[1]);
  send_all(1, 2);
  creche_receiver_release(receiver);
  OK(creche_channel_unreceive(task[0]));
  assert_int_equal(frees, 1);
  assert_int_equal(freed[0], 2);
  IS(creche_channel_put_back(receiver, 3), CRECHE_E_ENDED);
  settle();
  got(&r[1], 1);
  close_channel();
  assert_int_equal(frees, 1);
}

/* Through another handle than the one that it was received by. */
static void another_receiver_gets_it(void** state) {
  seen r = {0}, other = {0};
  creche_receiver clone;
  creche_task task;
  (void)state;
  open_channel(0);
  OK(creche_receiver_clone(receiver, &clone));
  task = receive(&r);
  send_all(1, 1);
  creche_receiver_release(receiver);
  OK(creche_channel_receive(clone, loop.scope, NULL, see, &other, NULL));
  OK(creche_channel_unreceive(task));
  settle();
  got_nothing(&r, task);
  got(&other, 1);
  creche_receiver_release(clone);
  close_channel();
  assert_int_equal(frees, 0);
}

/* One that waits is cancelled: in line, or for its group's limit. */
static void one_that_waits_is_cancelled(void** state) {
  creche_group_options o = group_options();
  seen r = {0}, w = {0}, first = {0}, g = {0};
  creche_group group;
  creche_task task, limited, busy;
  (void)state;
  o.limit = 1;
  open_channel(0);
  task = receive(&r);
  settle();
  OK(creche_channel_unreceive(task));
  group = group_in(loop.scope, &o, &g);
  busy = op(group.scope, &first);
  OK(creche_channel_receive(receiver, group.scope, NULL, see, &w, &limited));
  OK(creche_group_close(group));
  OK(creche_channel_unreceive(limited));
  IS(creche_channel_try_send(sender, 1), CRECHE_E_LIMIT);
  settle();
  got_nothing(&r, task);
  got_nothing(&w, limited);
  assert_int_equal(w.phase, CRECHE_PHASE_LIMIT);
  OK(creche_scope_cancel(busy.scope, NULL));
  settle();
  assert_int_equal(g.status, CRECHE_OK);
  close_channel();
}

/* Whoever was told, or has ended otherwise, stays with that. */
static seen inside;
static creche_status inside_status;
static void undo_inside(void* user, const creche_completion* c) {
  (void)user;
  note(&inside, c);
  inside_status = creche_channel_unreceive(c->task);
}
static void too_late(void** state) {
  seen r = {0}, s = {0}, g = {0};
  creche_group group;
  creche_task task, sends;
  (void)state;
  open_channel(0);
  memset(&inside, 0, sizeof inside);
  OK(creche_channel_receive(receiver, loop.scope, NULL, undo_inside, NULL, &task));
  send_all(1, 1);
  settle();
  got(&inside, 1);
  assert_int_equal(inside_status, CRECHE_E_ENDED);
  IS(creche_channel_unreceive(task), CRECHE_E_ENDED);
  /* Taken when it came. */
  group = group_in(loop.scope, NULL, &g);
  OK(creche_channel_receive(receiver, group.scope, NULL, creche_to_group, NULL, &task));
  send_all(2, 2);
  IS(creche_channel_unreceive(task), CRECHE_E_ENDED);
  OK(creche_group_close(group));
  OK(creche_channel_receive(receiver, loop.scope, NULL, creche_nobody, NULL, &task));
  send_all(3, 3);
  IS(creche_channel_unreceive(task), CRECHE_E_ENDED);
  settle();
  assert_int_equal(frees, 1);
  assert_int_equal(g.status, CRECHE_OK);
  /* Cancelled or failed already: it has nothing. */
  task = receive(&r);
  OK(creche_scope_cancel(task.scope, "mine"));
  OK(creche_channel_unreceive(task));
  settle();
  IS(creche_channel_unreceive(task), CRECHE_E_ENDED);
  assert_string_equal(r.text, "mine");
  /* No receive. */
  OK(creche_channel_send(sender, loop.scope, 4, NULL, see, &s, &sends));
  IS(creche_channel_unreceive(sends), CRECHE_E_STATE);
  last_error_says("no receive");
  task = op(loop.scope, &r);
  IS(creche_channel_unreceive(task), CRECHE_E_STATE);
  OK(creche_scope_cancel(task.scope, NULL));
  task.scope = loop.scope;
  IS(creche_channel_unreceive(task), CRECHE_E_BAD_HANDLE);
  close_channel();
  settle();
}

/* A cancellation from outside that came after the item passes, as it does for one that waited. */
static void inside_of_a_cancelled_scope(void** state) {
  seen r = {0}, g = {0};
  creche_group group = group_in(loop.scope, NULL, &g);
  creche_outcome outcome;
  creche_scope scope;
  creche_task task;
  (void)state;
  open_channel(0);
  scope = scope_in(group.scope, NULL);
  OK(creche_channel_receive(receiver, scope, NULL, see, &r, &task));
  OK(creche_group_close(group));
  send_all(1, 1);
  OK(creche_scope_cancel(group.scope, "over"));
  OK(creche_channel_unreceive(task));
  settle();
  assert_int_equal(r.status, CRECHE_E_CANCELLED);
  assert_int_equal(r.flags, CRECHE_PASSING);
  OK(creche_scope_leave(scope, &outcome));
  assert_int_equal(outcome.status, CRECHE_E_CANCELLED);
  settle();
  assert_int_equal(g.flags, CRECHE_CAUGHT);
  LEFT(1);
  close_channel();
}

/* ---- In a queue ---- */
static creche_task_options queue_options(void) {
  creche_task_options o = task_options();
  OK(creche_queue_open(loop, NULL, &queue));
  o.queue = queue;
  return o;
}
static void until_it_is_drained(void** state) {
  creche_task_options o = queue_options();
  creche_completion c[3];
  seen s = {0};
  creche_task task[3];
  size_t n, i;
  (void)state;
  open_channel(1);
  OK(creche_channel_receive(receiver, loop.scope, &o, NULL, NULL, &task[0]));
  OK(creche_scope_cancel(task[0].scope, "mine"));
  OK(creche_channel_unreceive(task[0]));
  OK(creche_queue_drain(queue, c, 1, &n));
  note(&s, &c[0]);
  assert_string_equal(s.text, "mine");
  IS(creche_channel_unreceive(task[0]), CRECHE_E_ENDED);
  creche_completions_release(c, 1);
  memset(&s, 0, sizeof s);
  for (i = 0; i < 3; i++)
    OK(creche_channel_receive(receiver, loop.scope, &o, NULL, NULL, &task[i]));
  send_all(1, 3);
  settle();
  OK(creche_queue_drain(queue, c, 1, &n));
  assert_int_equal(c[0].value, 1);
  IS(creche_channel_unreceive(task[0]), CRECHE_E_ENDED);
  OK(creche_channel_unreceive(task[1]));
  IS(creche_channel_unreceive(task[1]), CRECHE_E_ENDED);
  OK(creche_queue_drain(queue, c + 1, 2, &n));
  assert_int_equal(n, 2);
  note(&s, &c[1]);
  got_nothing(&s, task[1]);
  assert_int_equal(c[2].value, 2);
  IS(creche_channel_unreceive(task[1]), CRECHE_E_ENDED);
  IS(creche_channel_unreceive(task[2]), CRECHE_E_ENDED);
  creche_completions_release(c, 3);
  LEFT(3);
  /* In a queue that is thrown away with both. */
  for (i = 0; i < 2; i++)
    OK(creche_channel_receive(receiver, loop.scope, &o, NULL, NULL, &task[i]));
  send_all(4, 5);
  creche_sender_release(sender);
  OK(creche_channel_receive(receiver, loop.scope, &o, NULL, NULL, &task[2]));
  OK(creche_channel_unreceive(task[0]));
  creche_queue_release(queue);
  settle();
  assert_int_equal(frees, 2);
  assert_int_equal(freed[0] + freed[1], 9);
  IS(creche_channel_unreceive(task[1]), CRECHE_E_ENDED);
  creche_receiver_release(receiver);
}

/* Its group is over, or gone, when its receive is undone; or it is held open by it. */
static void whatever_became_of_its_group(void** state) {
  creche_group_options o = group_options();
  creche_task_options t = queue_options();
  creche_completion c[2];
  creche_group group;
  creche_task task[2];
  seen g[2] = {{0}, {0}};
  size_t n;
  int kept;
  (void)state;
  open_channel(0);
  for (kept = 0; kept < 2; kept++) {
    if (kept) o.flags = CRECHE_GROUP_UNTIL_RELEASED;
    group = group_in(loop.scope, &o, &g[kept]);
    OK(creche_channel_receive(receiver, group.scope, &t, NULL, NULL, &task[0]));
    OK(creche_channel_receive(receiver, group.scope, &t, NULL, NULL, &task[1]));
    OK(creche_group_close(group));
    send_all(1, 2);
    settle();
    assert_int_equal(g[kept].finals, !kept);
    OK(creche_channel_unreceive(task[0]));
    settle();
    OK(creche_queue_drain(queue, c, 2, &n));
    assert_int_equal(n, 2);
    assert_int_equal(c[0].status, CRECHE_E_CANCELLED);
    assert_int_equal(c[0].flags, CRECHE_CAUGHT);
    assert_int_equal(c[1].value, 1);
    settle();
    assert_int_equal(g[kept].finals, !kept);
    creche_completions_release(c, 2);
    settle();
    assert_int_equal(g[kept].finals, 1);
    assert_int_equal(g[kept].status, CRECHE_OK);
    LEFT(2);
  }
  creche_queue_release(queue);
  close_channel();
}

/* ---- Threads ---- */
/* Threads receive and take back, while the loop tells others: each item has exactly one end, and
 * with one who looks at them they come in order. */
enum { THREADS = 4, ROUNDS = 2000 };
static creche_loop shared;
static int64_t takes, nothings, undone, last_item, disorders;
static void take(void* user, const creche_completion* c) {
  (void)user;
  if (c->status == CRECHE_E_CANCELLED) {
    __atomic_add_fetch(&nothings, 1, __ATOMIC_SEQ_CST);
  } else if (c->status == CRECHE_OK && c->kind == CRECHE_DONE) {
    if ((int64_t)c->value <= last_item) disorders++;
    last_item = (int64_t)c->value;
    __atomic_add_fetch(&takes, 1, __ATOMIC_SEQ_CST);
  }
}
static void* contend(void* arg) {
  size_t wrong = 0;
  int i;
  (void)arg;
  for (i = 0; i < ROUNDS; i++) {
    creche_status status;
    creche_task task;
    wrong += creche_channel_receive(receiver, shared.scope, NULL, take, NULL, &task) != CRECHE_OK;
    if (i % 2) continue;
    status = creche_channel_unreceive(task);
    wrong += status != CRECHE_OK && status != CRECHE_E_ENDED;
    if (status == CRECHE_OK) __atomic_add_fetch(&undone, 1, __ATOMIC_SEQ_CST);
  }
  return (void*)wrong;
}
static void threads_take_back(void** state) {
  enum { ITEMS = THREADS * ROUNDS };
  pthread_t threads[THREADS];
  creche_channel_options o;
  void* wrong;
  int i;
  (void)state;
  takes = nothings = undone = last_item = disorders = frees = 0;
  OK(creche_loop_open(NULL, &shared));
  OK(creche_channel_options_init(&o, sizeof o));
  o.capacity = ITEMS;
  o.item_free = free_item;
  OK(creche_channel_open(shared, &o, &sender, &receiver));
  for (i = 0; i < THREADS; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, contend, NULL), 0);
  for (i = 0; i < ITEMS; i++) OK(creche_channel_try_send(sender, (uint64_t)i + 1));
  for (i = 0; i < THREADS; i++) {
    assert_int_equal(pthread_join(threads[i], &wrong), 0);
    assert_int_equal((size_t)wrong, 0);
  }
  creche_sender_release(sender);
  creche_receiver_release(receiver); /* what is left is freed here */
  OK(creche_loop_close(shared));
  OK(creche_loop_join(shared, PATIENCE));
  assert_int_equal(takes + frees, ITEMS);
  assert_int_equal(takes + nothings, ITEMS);
  assert_int_equal(nothings, undone);
  assert_int_equal(disorders, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(an_item_that_came_goes_back),
      TEST(the_next_ones_move_up),
      TEST(the_order_stays),
      TEST(past_the_capacity),
      TEST(the_end_comes_later),
      TEST(nobody_to_give_it_to),
      TEST(another_receiver_gets_it),
      TEST(one_that_waits_is_cancelled),
      TEST(too_late),
      TEST(inside_of_a_cancelled_scope),
      TEST(until_it_is_drained),
      TEST(whatever_became_of_its_group),
      TEST(threads_take_back),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

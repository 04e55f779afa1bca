/* Channels: what was received is put back in front. 88 of CASES.md. */
#include "items.h"

static void put_back_in_front(void** state) {
  seen r[3] = {{0}, {0}, {0}};
  uint64_t item;
  (void)state;
  open_channel(2);
  send_all(1, 2);
  OK(creche_channel_try_receive(receiver, &item));
  send_all(3, 3);
  OK(creche_channel_put_back(receiver, item));
  IS(creche_channel_try_send(sender, 4), CRECHE_E_LIMIT);
  LEFT(1, 2, 3);
  /* To the first who waits, and before what others are still to be told of. */
  receive(&r[0]);
  receive(&r[1]);
  receive(&r[2]);
  send_all(6, 6);
  OK(creche_channel_put_back(receiver, 5));
  OK(creche_channel_put_back(receiver, 4));
  OK(creche_channel_put_back(receiver, 3));
  settle();
  got(&r[0], 3);
  got(&r[1], 4);
  got(&r[2], 5);
  LEFT(6);
  OK(creche_channel_put_back(receiver, 7));
  close_channel();
  assert_int_equal(frees, 1);
  assert_int_equal(freed[0], 7);
}

/* The end that is on its way was not the end. */
static void put_back_after_the_last_sender(void** state) {
  seen r[2] = {{0}, {0}};
  uint64_t item;
  (void)state;
  open_channel(1);
  send_all(1, 1);
  creche_sender_release(sender);
  OK(creche_channel_try_receive(receiver, &item));
  receive(&r[0]);
  receive(&r[1]);
  OK(creche_channel_put_back(receiver, item));
  settle();
  got(&r[0], 1);
  got_the_end(&r[1]);
  IS(creche_channel_try_receive(receiver, &item), CRECHE_E_CLOSED);
  OK(creche_channel_put_back(receiver, 2));
  LEFT(2);
  creche_receiver_release(receiver);
}

static void the_loops_end_frees_what_was_put_back(void** state) {
  seen r = {0};
  creche_task task;
  (void)state;
  open_channel(0);
  task = receive(&r);
  send_all(1, 1);
  OK(creche_channel_unreceive(task));
  OK(creche_loop_close(loop));
  OK(creche_loop_join(loop, PATIENCE));
  got_nothing(&r, task);
  assert_int_equal(frees, 1);
  IS(creche_channel_unreceive(task), CRECHE_E_ENDED);
  IS(creche_channel_put_back(receiver, 1), CRECHE_E_ENDED);
  close_channel();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(put_back_in_front),
      TEST(put_back_after_the_last_sender),
      TEST(the_loops_end_frees_what_was_put_back),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* A channel whose items can be followed wherever they go. */
#ifndef ITEMS_H
#define ITEMS_H

#include "support/core.h"

static creche_sender sender;
static creche_receiver receiver;
static uint64_t freed[64];
static int frees;
static inline void free_item(void* user, uint64_t item) {
  (void)user;
  if (frees < 64) freed[frees] = item;
  frees++;
}
static inline void open_channel(uint32_t capacity) {
  creche_channel_options o;
  frees = 0;
  OK(creche_channel_options_init(&o, sizeof o));
  o.capacity = capacity;
  o.item_free = free_item;
  OK(creche_channel_open(loop, &o, &sender, &receiver));
}
static inline void close_channel(void) {
  creche_sender_release(sender);
  creche_receiver_release(receiver);
}
static inline creche_task receive(seen* s) {
  creche_task task;
  OK(creche_channel_receive(receiver, loop.scope, NULL, see, s, &task));
  return task;
}
static inline void send_all(uint64_t first, uint64_t last) {
  for (; first <= last; first++) OK(creche_channel_try_send(sender, first));
}
static inline void got(const seen* s, uint64_t item) {
  assert_int_equal(s->finals, 1);
  assert_int_equal(s->status, CRECHE_OK);
  assert_int_equal(s->kind, CRECHE_DONE);
  assert_int_equal(s->value, item);
}
static inline void got_the_end(const seen* s) {
  assert_int_equal(s->finals, 1);
  assert_int_equal(s->status, CRECHE_OK);
  assert_int_equal(s->kind, CRECHE_END);
}
static inline void got_nothing(const seen* s, creche_task task) {
  assert_int_equal(s->finals, 1);
  assert_int_equal(s->status, CRECHE_E_CANCELLED);
  assert_int_equal(s->kind, CRECHE_DONE);
  assert_int_equal(s->flags, CRECHE_CAUGHT);
  assert_int_equal(s->value, 0);
  assert_int_equal(s->error_status, CRECHE_E_CANCELLED);
  assert_int_equal(s->reason, CRECHE_REASON_EXPLICIT);
  assert_true(s->by.id == task.scope.id);
}
/* What is in the channel. */
static inline void left(const uint64_t* items, size_t n) {
  creche_channel_state look;
  uint64_t item;
  size_t i;
  OK(creche_receiver_get_state(receiver, &look, sizeof look));
  assert_int_equal(look.items, n);
  for (i = 0; i < n; i++) {
    OK(creche_channel_try_receive(receiver, &item));
    assert_int_equal(item, items[i]);
  }
}
#define LEFT(...) left((const uint64_t[]){__VA_ARGS__}, sizeof((uint64_t[]){__VA_ARGS__}) / 8)

#endif

/* What was opened on a loop and never given back. */
#include "support/core.h"

typedef struct left {
  int groups, scopes, queues, others;
  uint64_t queue, group;
  char queue_name[32], group_name[32];
} left;
static void found(void* user, const creche_trace_event* e) {
  left* l = user;
  switch (e->kind) {
    case CRECHE_KIND_GROUP:
      l->groups++;
      l->group = e->id;
      snprintf(l->group_name, sizeof l->group_name, "%s", e->name);
      break;
    case CRECHE_KIND_SCOPE:
      l->scopes++;
      break;
    case CRECHE_KIND_QUEUE:
      l->queues++;
      l->queue = e->id;
      snprintf(l->queue_name, sizeof l->queue_name, "%s", e->name);
      break;
    case CRECHE_KIND_SESSION:
      l->others += e->duration >= 0;
      break;
    default:
      l->others += 100;
  }
}
static creche_loop open_watched(left* l) {
  creche_loop_options o;
  creche_hooks h;
  creche_loop opened;
  OK(creche_loop_options_init(&o, sizeof o));
  OK(creche_hooks_init(&h, sizeof h));
  h.user = l;
  h.leaked = found;
  o.hooks = &h;
  o.run = CRECHE_RUN_CALLER;
  OK(creche_loop_open(&o, &opened));
  return opened;
}
static uint64_t handles_of(creche_loop l) {
  creche_loop_counters c;
  OK(creche_loop_get_counters(l, &c, sizeof c));
  return c.live_handles;
}

/* What tasks wait on is reported by its kind and name, a channel once. */
typedef struct waitables {
  int kinds[64];
  char text[256];
} waitables;
static void found_waitable(void* user, const creche_trace_event* e) {
  waitables* w = user;
  assert_in_range(e->kind, 0, 63);
  assert_true(e->id != 0);
  w->kinds[e->kind]++;
  strncat(w->text, e->name, sizeof w->text - strlen(w->text) - 1);
}
static void waitables_that_were_left(void** state) {
  waitables w = {{0}, ""};
  creche_loop opened;
  creche_loop_options o;
  creche_hooks h;
  creche_limiter_options lo;
  creche_rate_options ro;
  creche_limiter limiter, gone;
  creche_rate rate;
  creche_event event;
  creche_sender sender, more;
  creche_receiver receiver;
  (void)state;
  OK(creche_loop_options_init(&o, sizeof o));
  OK(creche_hooks_init(&h, sizeof h));
  h.user = &w;
  h.leaked = found_waitable;
  o.hooks = &h;
  o.run = CRECHE_RUN_CALLER;
  OK(creche_loop_open(&o, &opened));
  OK(creche_limiter_options_init(&lo, sizeof lo));
  lo.total = 2;
  lo.name = "desks";
  OK(creche_limiter_open(opened, &lo, &limiter));
  OK(creche_limiter_open(opened, &lo, &gone));
  OK(creche_rate_options_init(&ro, sizeof ro));
  ro.permits = 1;
  ro.interval = CRECHE_SECOND;
  OK(creche_rate_open(opened, &ro, &rate));
  OK(creche_event_open(opened, NULL, &event));
  OK(creche_channel_open(opened, NULL, &sender, &receiver));
  OK(creche_sender_clone(sender, &more));
  assert_int_equal(handles_of(opened), 7);
  creche_limiter_release(gone);
  creche_sender_release(sender);
  assert_int_equal(handles_of(opened), 5);
  OK(creche_loop_close(opened));
  OK(creche_loop_join(opened, PATIENCE));
  assert_int_equal(w.kinds[CRECHE_KIND_LIMITER], 1);
  assert_int_equal(w.kinds[CRECHE_KIND_RATE], 1);
  assert_int_equal(w.kinds[CRECHE_KIND_EVENT], 1);
  assert_int_equal(w.kinds[CRECHE_KIND_CHANNEL], 1);
  assert_string_equal(w.text, "desks");
}

static void what_was_left(void** state) {
  left l = {0};
  creche_loop opened = open_watched(&l);
  creche_queue kept, released;
  creche_queue_options q;
  creche_session session, closed;
  creche_group_options o = group_options();
  creche_group forgotten, ended;
  creche_scope scope;
  creche_loop_counters c;
  (void)state;
  assert_int_equal(handles_of(opened), 0);
  OK(creche_queue_options_init(&q, sizeof q));
  q.name = "mail";
  OK(creche_queue_open(opened, &q, &kept));
  OK(creche_queue_open(opened, NULL, &released));
  OK(creche_session_open(opened, NULL, &session));
  OK(creche_session_open(opened, NULL, &closed));
  assert_int_equal(handles_of(opened), 4);
  creche_queue_release(released);
  creche_session_release(closed);
  assert_int_equal(handles_of(opened), 2);
  o.name = "forgotten";
  OK(creche_group_open(opened.scope, &o, creche_nobody, NULL, &forgotten));
  OK(creche_group_open(opened.scope, NULL, creche_nobody, NULL, &ended));
  OK(creche_scope_open(opened.scope, NULL, &scope));
  OK(creche_scope_open(opened.scope, NULL, &scope));
  OK(creche_group_close(ended));
  OK(creche_scope_leave(scope, NULL));
  OK(creche_loop_close(opened));
  OK(creche_loop_run(opened));
  OK(creche_loop_get_counters(opened, &c, sizeof c));
  assert_int_equal(c.leaked, 2); /* the group and the scope */
  assert_int_equal(l.queues, 0); /* whatever is released before the join is no leak */
  OK(creche_loop_join(opened, PATIENCE));
  assert_int_equal(l.groups, 1);
  assert_int_equal(l.group, forgotten.scope.id);
  assert_string_equal(l.group_name, "forgotten");
  assert_int_equal(l.scopes, 1);
  assert_int_equal(l.queues, 1);
  assert_int_equal(l.queue, kept.id);
  assert_string_equal(l.queue_name, "mail");
  assert_int_equal(l.others, 1);
  creche_session_release(session);
}

/* A group that was closed after the loop, but by its owner, is none; nor is what is all given back.
 */
static void nothing_was_left(void** state) {
  left l = {0};
  creche_loop opened = open_watched(&l);
  creche_queue queue;
  creche_group group;
  creche_task task;
  seen b = {0}, s = {0};
  (void)state;
  OK(creche_queue_open(opened, NULL, &queue));
  OK(creche_group_open(opened.scope, NULL, creche_nobody, NULL, &group));
  OK(creche_task_spawn(group.scope, body_waits, &b, NULL, see, &s, &task));
  while (creche_loop_poll(opened, 0) == CRECHE_OK) continue;
  OK(creche_loop_close(opened));
  OK(creche_group_close(group));
  OK(creche_task_finish(task, CRECHE_OK, 0, NULL));
  creche_queue_release(queue);
  OK(creche_loop_join(opened, PATIENCE));
  assert_int_equal(l.groups + l.scopes + l.queues + l.others, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(what_was_left),
                                     cmocka_unit_test(waitables_that_were_left),
                                     cmocka_unit_test(nothing_was_left)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Tasks, and what they wait for, without memory. See no_memory.h. */
#include "no_memory.h"

static atomic_int freed;
static void free_arg(void* arg) {
  (void)arg;
  atomic_fetch_add(&freed, 1);
}
static creche_status work(void* arg, creche_task task, uint64_t* value) {
  (void)arg, (void)task, (void)value;
  return CRECHE_OK;
}
static void free_item(void* user, uint64_t item) {
  (void)user, (void)item;
}
static void tasks(void) {
  creche_group_options g;
  creche_task_options t;
  creche_offload_options f;
  creche_limiter_options l;
  creche_rate_options r;
  creche_channel_options ch;
  creche_group group = {{0}};
  creche_queue queue = {0};
  creche_limiter limiter = {0};
  creche_rate rate = {0};
  creche_event event = {0};
  creche_sender sender = {0};
  creche_receiver receiver = {0};
  creche_completion c[8];
  mark *m, *whole;
  size_t n = 0, i;
  int offloads = 0;
  atomic_store(&freed, 0);
  creche_task_options_init(&t, sizeof t);
  t.name = "a task with a name that is longer than a short string";
  t.timeout = 3600 * CRECHE_SECOND;
  creche_group_options_init(&g, sizeof g);
  g.policy = CRECHE_COLLECT;
  g.name = "a group with a name that is longer than a short string";
  if (TRY(creche_queue_open(loop, NULL, &queue))) g.queue = queue;
  whole = START(creche_group_open(loop.scope, &g, tell, fresh(), &group));
  if (whole == NULL) goto end;
  creche_limiter_options_init(&l, sizeof l);
  creche_rate_options_init(&r, sizeof r);
  r.permits = 100;
  creche_channel_options_init(&ch, sizeof ch);
  ch.capacity = 4;
  ch.item_free = free_item;
  TRY(creche_limiter_open(loop, &l, &limiter));
  TRY(creche_rate_open(loop, &r, &rate));
  TRY(creche_event_open(loop, NULL, &event));
  TRY(creche_channel_open(loop, &ch, &sender, &receiver));
  ended(START(creche_sleep(group.scope, 0, &t, tell, fresh(), NULL)));
  if (queue.id != 0 && creche_sleep(group.scope, 0, &t, NULL, NULL, NULL) == CRECHE_OK) {
    if (creche_queue_wait(queue, c, 8, patience_ms * CRECHE_MILLISECOND, &n) == CRECHE_E_TIMEOUT)
      note_trouble("queue", "nothing came");
    creche_completions_release(c, n);
  }
  creche_offload_options_init(&f, sizeof f);
  f.arg_free = free_arg;
  f.limiter = limiter;
  for (i = 0; i < 2; i++) {
    m = START(creche_offload(group.scope, work, NULL, &f, tell, fresh(), NULL));
    offloads += m != NULL;
    ended(m);
  }
  if (event.id != 0) {
    m = START(creche_event_wait(event, group.scope, &t, tell, fresh(), NULL));
    TRY(creche_event_set(event));
    ended(m);
  }
  if (rate.id != 0)
    ended(START(creche_rate_acquire(rate, group.scope, 1, &t, tell, fresh(), NULL)));
  if (receiver.id != 0) {
    m = START(creche_channel_receive(receiver, group.scope, &t, tell, fresh(), NULL));
    /* Where the send is refused or fails, nobody has sent. */
    if (m != NULL && ended(START(creche_channel_send(sender, group.scope, 1, &t, tell, fresh(),
                                                     NULL))) != CRECHE_OK)
      while (creche_channel_try_send(sender, 2) == CRECHE_E_NO_MEMORY) nap();
    ended(m);
  }
  m = START(creche_task_open(group.scope, &t, tell, fresh(), NULL));
  if (m != NULL && await(&m->begun)) {
    START(creche_sleep(held.scope, 3600 * CRECHE_SECOND, &t, tell, fresh(), NULL));
    creche_loop_dump(loop, CRECHE_DUMP_TEXT, text, sizeof text, NULL);
    creche_loop_dump(loop, CRECHE_DUMP_JSON, text, sizeof text, NULL);
    while (creche_task_finish(held, -1000, 0, NULL) == CRECHE_E_NO_MEMORY) nap();
    ended(m);
  }
  while (creche_group_close(group) == CRECHE_E_NO_MEMORY) nap();
  ended(whole);
  if (atomic_load(&freed) != offloads) note_trouble("offload", "an argument was not freed once");
end:
  memory_is_back();
  must_be_ok(START(creche_sleep(loop.scope, 0, NULL, tell, fresh(), NULL)));
  creche_limiter_release(limiter);
  creche_rate_release(rate);
  creche_event_release(event);
  creche_sender_release(sender);
  creche_receiver_release(receiver);
  creche_queue_release(queue);
}

/* Children that say when they are ready, tokens, a yield; a join that tells why; metrics. */
static void ready(void* user, const creche_completion* c) {
  creche_status said;
  (void)user;
  if (c->kind != CRECHE_BEGIN) return;
  while ((said = creche_task_started(c->task, 7)) == CRECHE_E_NO_MEMORY) continue;
  while (creche_task_finish(c->task, said == CRECHE_OK ? -1000 : said, 0, NULL) ==
         CRECHE_E_NO_MEMORY)
    continue;
}
static void starts(void) {
  creche_group_options g;
  creche_start_options s;
  creche_limiter_options l;
  creche_group group = {{0}};
  creche_limiter limiter = {0};
  creche_outcome outcome;
  const creche_error* why = NULL;
  mark* m;
  creche_group_options_init(&g, sizeof g);
  g.policy = CRECHE_COLLECT;
  g.flags = CRECHE_GROUP_JOINABLE;
  creche_start_options_init(&s, sizeof s);
  s.child_done = creche_nobody;
  creche_limiter_options_init(&l, sizeof l);
  if (TRY(creche_limiter_open(loop, &l, &limiter))) {
    m = START(creche_limiter_acquire(limiter, loop.scope, 0, NULL, tell, fresh(), NULL));
    if (ended(m) == CRECHE_OK) creche_token_release((creche_token){m->value});
  }
  if (TRY(creche_group_open(loop.scope, &g, creche_nobody, NULL, &group))) {
    ended(START(creche_task_start(group, loop.scope, ready, NULL, &s, tell, fresh(), NULL)));
    ended(START(creche_yield(loop.scope, NULL, tell, fresh(), NULL)));
    creche_status joined;
    do joined = creche_group_join_error(group, patience_ms * CRECHE_MILLISECOND, &outcome, &why);
    while (joined == CRECHE_E_NO_MEMORY || joined == CRECHE_E_SYSTEM);
    if (joined != CRECHE_OK) note_trouble("join", creche_status_name(joined));
    creche_error_release(why);
  }
  TRY(creche_write_metrics(&loop, 1, CRECHE_METRICS_PROMETHEUS, text, sizeof text, NULL));
  memory_is_back();
  must_be_ok(START(creche_yield(loop.scope, NULL, tell, fresh(), NULL)));
  creche_limiter_release(limiter);
}

static const scenario scenarios[] = {{"tasks", tasks, 1}, {"starts", starts, 1}};
static void tasks_without_memory(void** state) {
  (void)state;
  each_fails_once(&scenarios[0]);
}
static void starts_without_memory(void** state) {
  (void)state;
  each_fails_once(&scenarios[1]);
}

static int start(void** state) {
  (void)state;
  return 0;
}
static int stop(void** state) {
  (void)state;
  return 0;
}

int main(int argc, char** argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(tasks_without_memory),
      cmocka_unit_test(starts_without_memory),
  };
  if (argc == 4)
    return run_by_hand(argv, scenarios, sizeof scenarios / sizeof *scenarios, start, stop);
  return cmocka_run_group_tests(tests, start, stop);
}

/* Offloaded functions under a limiter of their own: 75-77 of CASES.md. */
#include <sched.h>
#include <unistd.h>

#include "limiters.h"

static creche_limiter gate_limiter;
static int running, most, ran, gate[2];
static creche_status work(void* arg, creche_task task, uint64_t* value) {
  int now_running = __atomic_add_fetch(&running, 1, __ATOMIC_SEQ_CST);
  char byte;
  (void)arg;
  (void)task;
  (void)value;
  int seen_most = __atomic_load_n(&most, __ATOMIC_SEQ_CST);
  while (now_running > seen_most &&
         !__atomic_compare_exchange_n(&most, &seen_most, now_running, 0, __ATOMIC_SEQ_CST,
                                      __ATOMIC_SEQ_CST)) {
  }
  if (read(gate[0], &byte, 1) != 1) return CRECHE_E_USER;
  __atomic_sub_fetch(&running, 1, __ATOMIC_SEQ_CST);
  __atomic_add_fetch(&ran, 1, __ATOMIC_SEQ_CST);
  return CRECHE_OK;
}
static void open_gate(int count) {
  while (count-- > 0) assert_int_equal(write(gate[1], "x", 1), 1);
}
static void until_running(int wanted) {
  while (__atomic_load_n(&running, __ATOMIC_SEQ_CST) != wanted) {
    creche_loop_poll(loop, 0);
    sched_yield();
  }
}
static creche_task offload(uint32_t flags, seen* s) {
  creche_offload_options o;
  creche_task task;
  OK(creche_offload_options_init(&o, sizeof o));
  o.limiter = gate_limiter;
  o.flags = flags;
  OK(creche_offload(loop.scope, work, NULL, &o, see, s, &task));
  return task;
}
static void begin_offloads(uint32_t total) {
  running = most = ran = 0;
  assert_int_equal(pipe(gate), 0);
  gate_limiter = limiter_of(total);
}
static void end_offloads(void) {
  creche_limiter_release(gate_limiter);
  close(gate[0]);
  close(gate[1]);
}

/* 76: never more than the limiter says, also with cancelled ones among them. */
static void offloads_are_limited(void** state) {
  seen s[6] = {{0}, {0}, {0}, {0}, {0}, {0}};
  creche_task task[6];
  int i;
  (void)state;
  begin_offloads(2);
  for (i = 0; i < 6; i++) task[i] = offload(0, &s[i]);
  until_running(2);
  borrowed(gate_limiter, 2, 4);
  OK(creche_scope_cancel(task[2].scope, NULL));
  settle();
  assert_int_equal(s[2].status, CRECHE_E_CANCELLED);
  assert_int_equal(s[2].phase, CRECHE_PHASE_LIMIT);
  borrowed(gate_limiter, 2, 3);
  open_gate(5);
  for (i = 0; i < 6; i++) until(&s[i].finals, 1);
  assert_int_equal(ran, 5);
  assert_int_equal(most, 2);
  borrowed(gate_limiter, 0, 0);
  end_offloads();
}

/* 75, 76: an abandoned function keeps its token until it really returns. */
static void an_abandoned_offload_keeps_its_token(void** state) {
  seen s[2] = {{0}, {0}};
  creche_task task;
  (void)state;
  begin_offloads(1);
  task = offload(CRECHE_OFFLOAD_ABANDON, &s[0]);
  offload(0, &s[1]);
  until_running(1);
  OK(creche_scope_cancel(task.scope, NULL));
  settle();
  assert_int_equal(s[0].status, CRECHE_E_CANCELLED);
  borrowed(gate_limiter, 1, 1);
  open_gate(1);
  while (__atomic_load_n(&ran, __ATOMIC_SEQ_CST) < 1) sched_yield(); /* without a turn */
  until_running(1);                                                  /* only now the other one */
  open_gate(1);
  until(&s[1].finals, 1);
  assert_int_equal(most, 1);
  borrowed(gate_limiter, 0, 0);
  end_offloads();
}

static void a_released_limiter_fails_offloads_that_wait(void** state) {
  seen s[2] = {{0}, {0}};
  (void)state;
  begin_offloads(1);
  offload(0, &s[0]);
  offload(0, &s[1]);
  until_running(1);
  creche_limiter_release(gate_limiter);
  until(&s[1].finals, 1);
  assert_int_equal(s[1].status, CRECHE_E_CLOSED);
  open_gate(1);
  until(&s[0].finals, 1);
  assert_int_equal(s[0].status, CRECHE_OK);
  end_offloads();
}

/* More threads than the loop's own offload_limit. */
static void a_limiter_replaces_the_loops_limit(void** state) {
  enum { N = 45 };
  static seen s[N];
  int i;
  (void)state;
  memset(s, 0, sizeof s);
  begin_offloads(N);
  for (i = 0; i < N; i++) offload(0, &s[i]);
  until_running(N);
  open_gate(N);
  for (i = 0; i < N; i++) until(&s[i].finals, 1);
  end_offloads();
}

/* Cancelled before a worker had it, it waits for its steps, not for the limiter. */
static void a_dump_of_one_that_will_never_run(void** state) {
  static char dump[4096];
  seen s = {0}, step = {0};
  creche_task task, inside;
  (void)state;
  begin_offloads(0);
  task = offload(0, &s);
  settle();
  inside = spawn(task.scope, body_waits, &step);
  settle();
  OK(creche_loop_dump(loop, CRECHE_DUMP_TEXT, dump, sizeof dump, NULL));
  assert_non_null(strstr(dump, "waiting, waits for limiter"));
  OK(creche_scope_cancel(task.scope, NULL));
  settle();
  OK(creche_loop_dump(loop, CRECHE_DUMP_TEXT, dump, sizeof dump, NULL));
  assert_null(strstr(dump, "limiter"));
  assert_non_null(strstr(dump, "finished, waits for its steps"));
  OK(creche_task_finish(inside, CRECHE_OK, 0, NULL));
  settle();
  assert_int_equal(s.status, CRECHE_E_CANCELLED);
  assert_int_equal(ran, 0);
  end_offloads();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(offloads_are_limited),
      TEST(an_abandoned_offload_keeps_its_token),
      TEST(a_released_limiter_fails_offloads_that_wait),
      TEST(a_limiter_replaces_the_loops_limit),
      TEST(a_dump_of_one_that_will_never_run),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

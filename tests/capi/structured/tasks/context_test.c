/* Contexts: a pointer that travels down the tree with the tasks. */
#include <stdatomic.h>

#include "support/core.h"

static atomic_int clones, drops;
static int no_clone;

/* A context is a counter of generations: a copy is one younger. */
static void* make(intptr_t generation) {
  intptr_t* g = malloc(sizeof *g);
  *g = generation;
  return g;
}
static void* clone(void* data) {
  if (no_clone) return NULL;
  clones++;
  return make(*(intptr_t*)data + 1);
}
static void free_it(void* data) {
  drops++;
  free(data);
}
static int generation(creche_scope scope) {
  void* data = NULL;
  OK(creche_scope_get_context(scope, &data));
  return data ? (int)*(intptr_t*)data : -1;
}
static int reset(void** state) {
  clones = drops = no_clone = 0;
  return open_loop(state);
}
static int balanced(void** state) {
  return close_loop(state);
}

static creche_task spawn_with(creche_scope in, const creche_context* context, seen* s) {
  creche_task_options o = task_options();
  creche_task task;
  o.context = context;
  OK(creche_task_spawn(in, body_waits, s, &o, see, s, &task));
  return task;
}
static void finish(creche_task task) {
  OK(creche_task_finish(task, CRECHE_OK, 0, NULL));
  settle();
}

static void a_child_has_a_copy(void** state) {
  creche_context context = {make(0), clone, free_it};
  seen a = {0}, b = {0}, c = {0};
  (void)state;
  creche_task parent = spawn_with(loop.scope, &context, &a);
  settle();
  creche_task kid = spawn(parent.scope, body_waits, &b);
  creche_group group = group_in(kid.scope, NULL, &c);
  assert_int_equal(generation(parent.scope), 0);
  assert_int_equal(generation(kid.scope), 1);
  assert_int_equal(generation(group.scope), 1); /* the nearest task's */
  assert_int_equal(generation(loop.scope), -1);
  OK(creche_group_close(group));
  settle();
  finish(kid);
  assert_int_equal(drops, 1);
  finish(parent);
  settle();
  assert_int_equal(clones, 1);
  assert_int_equal(drops, 2);
}

/* Taken when the task is started: that the parent's ends earlier does not matter. */
static void without_clone_all_share(void** state) {
  creche_context context = {make(5), NULL, free_it};
  seen a = {0}, b = {0};
  (void)state;
  creche_task one = spawn_with(loop.scope, &context, &a);
  settle();
  creche_task two = spawn(one.scope, body_waits, &b);
  settle();
  assert_int_equal(generation(two.scope), 5);
  OK(creche_task_finish(one, CRECHE_OK, 0, NULL)); /* waits for two */
  settle();
  assert_int_equal(drops, 0);
  finish(two);
  assert_int_equal(drops, 1);
}

/* Inside a callback it is that of the task whose callback runs, wherever the new task lives. */
static creche_group elsewhere;
static seen spawned;
static void spawns_elsewhere(void* user, const creche_completion* c) {
  (void)user;
  if (c->kind == CRECHE_BEGIN)
    SAY(creche_task_spawn(elsewhere.scope, body_waits, &spawned, NULL, see, &spawned, NULL));
}
static void of_the_starter_not_of_the_place(void** state) {
  creche_context context = {make(0), clone, free_it};
  creche_task_options o = task_options();
  creche_task task;
  seen a = {0}, g = {0};
  (void)state;
  memset(&spawned, 0, sizeof spawned);
  elsewhere = group_in(loop.scope, NULL, &g);
  o.context = &context;
  OK(creche_task_spawn(loop.scope, spawns_elsewhere, NULL, &o, see, &a, &task));
  settle();
  assert_int_equal(generation(spawned.task.scope), 1);
  finish(task);
  assert_int_equal(generation(spawned.task.scope), 1);
  finish(spawned.task);
  OK(creche_group_close(elsewhere));
  settle();
  assert_int_equal(drops, 2);
}

static creche_status look(void* arg, creche_task task, uint64_t* value) {
  (void)arg;
  *value = (uint64_t)generation(task.scope);
  return CRECHE_OK;
}
static void offloaded_and_external_tasks_too(void** state) {
  creche_context context = {make(0), clone, free_it};
  seen a = {0}, b = {0}, c = {0};
  creche_task external;
  (void)state;
  creche_task parent = spawn_with(loop.scope, &context, &a);
  settle();
  OK(creche_offload(parent.scope, look, NULL, NULL, see, &b, NULL));
  until(&b.finals, 1);
  assert_int_equal(b.value, 1);
  OK(creche_task_open(parent.scope, NULL, see, &c, &external));
  settle();
  assert_int_equal(generation(external.scope), 1);
  finish(external);
  finish(parent);
  assert_int_equal(clones, 2);
  assert_int_equal(drops, 3);
}

static void failed_calls_leave_it_to_the_caller(void** state) {
  creche_context context = {make(0), clone, free_it};
  creche_task_options o = task_options();
  creche_group group;
  seen g = {0}, a = {0};
  (void)state;
  group = group_in(loop.scope, NULL, &g);
  OK(creche_group_close(group));
  settle();
  o.context = &context;
  IS(creche_task_spawn(group.scope, body_waits, &a, &o, see, &a, NULL), CRECHE_E_ENDED);
  assert_int_equal(drops, 0);
  creche_task task = spawn_with(loop.scope, &context, &a);
  settle();
  no_clone = 1;
  IS(creche_task_spawn(task.scope, body_waits, &a, NULL, see, &a, NULL), CRECHE_E_NO_MEMORY);
  no_clone = 0;
  /* A clone that was made for nothing is dropped. */
  creche_group closed = group_in(task.scope, NULL, &g);
  OK(creche_group_close(closed));
  settle();
  IS(creche_task_spawn(closed.scope, body_waits, &a, NULL, see, &a, NULL), CRECHE_E_ENDED);
  finish(task);
  assert_int_equal(drops - clones, 1);
}

static void the_loops_own(void** state) {
  creche_context context = {make(0), clone, free_it};
  creche_loop_options o;
  seen a = {0};
  (void)state;
  clones = drops = no_clone = 0;
  OK(creche_loop_options_init(&o, sizeof o));
  o.run = CRECHE_RUN_CALLER;
  o.context = &context;
  OK(creche_loop_open(&o, &loop));
  creche_task task = spawn(loop.scope, body_waits, &a);
  settle();
  assert_int_equal(generation(loop.scope), 0);
  assert_int_equal(generation(task.scope), 1);
  finish(task);
  OK(creche_loop_close(loop));
  OK(creche_loop_join(loop, PATIENCE));
  assert_int_equal(clones, 1);
  assert_int_equal(drops, 2);
}

#define CONTEXT_TEST(name) cmocka_unit_test_setup_teardown(name, reset, balanced)

int main(void) {
  const struct CMUnitTest tests[] = {
      CONTEXT_TEST(a_child_has_a_copy),
      CONTEXT_TEST(without_clone_all_share),
      CONTEXT_TEST(of_the_starter_not_of_the_place),
      CONTEXT_TEST(offloaded_and_external_tasks_too),
      CONTEXT_TEST(failed_calls_leave_it_to_the_caller),
      cmocka_unit_test(the_loops_own),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The classic examples of structured concurrency, in C, on a clock that jumps. A child is a
 * function that is told when it may begin, and says when it has finished. */
#include "classic.h"

static const int64_t kTick = 100 * CRECHE_MILLISECOND;

/* A group that this thread waits for; timeout: to be too late is no failure. */
static creche_group open_group(creche_loop loop, int64_t timeout, creche_done_fn done) {
  creche_group group;
  creche_group_options o;
  creche_group_options_init(&o, sizeof o);
  o.flags = CRECHE_GROUP_JOINABLE;
  o.timeout = timeout;
  o.on_timeout = CRECHE_MOVE_ON;
  must(creche_group_open(loop.scope, &o, done, NULL, &group));
  return group;
}

/* show: nursery */
static void done(void* name, const creche_completion* c) {
  if (c->status == CRECHE_OK) printf("%s is done\n", (const char*)name);
}
static void nursery(creche_loop loop) {
  creche_group children = open_group(loop, CRECHE_NEVER, creche_nobody);
  must(creche_sleep(children.scope, 2 * kTick, NULL, done, "slow", NULL));
  must(creche_sleep(children.scope, kTick, NULL, done, "quick", NULL));
  must(creche_group_join(children, CRECHE_NEVER, NULL));
  puts("all are done");
}
/* end: nursery */

/* show: chained */
struct level {
  int depth;
  creche_task task;
  creche_group below;
};
static void below_ended(void* user, const creche_completion* c) {
  struct level* l = user;
  printf("level %d ends\n", l->depth);
  creche_task_finish(l->task, c->status, 0, c->error);
}
static void level(void* user, const creche_completion* c) {
  struct level* l = user;
  if (c->kind != CRECHE_BEGIN) return; /* CRECHE_CANCEL: what is below hears of it, too */
  l->task = c->task;
  must(creche_group_open(c->task.scope, NULL, below_ended, l, &l->below));
  if (l->depth < 3)
    must(creche_task_spawn(l->below.scope, level, l + 1, NULL, creche_nobody, NULL, NULL));
  must(creche_sleep_until(l->below.scope, CRECHE_NEVER, NULL, creche_nobody, NULL, NULL));
  creche_group_close(l->below);
}
static void chained(creche_loop loop) {
  struct level levels[] = {{1, {{0}}, {{0}}}, {2, {{0}}, {{0}}}, {3, {{0}}, {{0}}}};
  creche_group group = open_group(loop, kTick, creche_nobody);
  must(creche_task_spawn(group.scope, level, levels, NULL, creche_nobody, NULL, NULL));
  must(creche_group_join(group, CRECHE_NEVER, NULL));
}
/* end: chained */

/* show: task_group */
struct sum {
  int a, b;
  creche_task task;
};
static void slept(void* user, const creche_completion* c) {
  struct sum* sum = user;
  creche_task_finish(sum->task, c->status, (uint64_t)(sum->a + sum->b), c->error);
}
static void add(void* user, const creche_completion* c) {
  struct sum* sum = user;
  if (c->kind != CRECHE_BEGIN) return;
  sum->task = c->task;
  must(creche_sleep(c->task.scope, kTick, NULL, slept, sum, NULL));
}
static void show(void* user, const creche_completion* c) {
  const creche_completion* sums = c->data; /* in the order of starting */
  (void)user;
  printf("%d %d\n", (int)sums[0].value, (int)sums[1].value);
}
static void task_group(creche_loop loop) {
  struct sum one = {1, 2, {{0}}}, two = {3, 4, {{0}}};
  creche_group group = open_group(loop, CRECHE_NEVER, show);
  must(creche_task_spawn(group.scope, add, &one, NULL, creche_to_group, NULL, NULL));
  must(creche_task_spawn(group.scope, add, &two, NULL, creche_to_group, NULL, NULL));
  must(creche_group_join(group, CRECHE_NEVER, NULL));
}
/* end: task_group */

/* show: shield */
static void cleaned_up(void* user, const creche_completion* c) {
  (void)c;
  puts("cleaned up");
  creche_task_finish(*(creche_task*)user, CRECHE_E_CANCELLED, 0, NULL);
}
static void stopped(void* user, const creche_completion* c) {
  creche_task* task = user;
  creche_scope cleanup;
  creche_scope_options o;
  (void)c;
  creche_scope_options_init(&o, sizeof o);
  o.shield = 1;
  o.timeout = 5 * CRECHE_SECOND;
  o.on_timeout = CRECHE_MOVE_ON;
  must(creche_scope_open(task->scope, &o, &cleanup));
  must(creche_sleep(cleanup, kTick, NULL, cleaned_up, task, NULL));
  must(creche_scope_leave(cleanup, NULL)); /* when it is empty */
}
static void work(void* user, const creche_completion* c) {
  creche_task* task = user;
  if (c->kind != CRECHE_BEGIN) return;
  *task = c->task;
  must(creche_sleep_until(c->task.scope, CRECHE_NEVER, NULL, stopped, task, NULL));
}
static void shield(creche_loop loop) {
  creche_task task;
  creche_group group = open_group(loop, kTick, creche_nobody);
  must(creche_task_spawn(group.scope, work, &task, NULL, creche_nobody, NULL, NULL));
  must(creche_group_join(group, CRECHE_NEVER, NULL));
}
/* end: shield */

int main(void) {
  creche_loop loop = open_virtual_loop();
  nursery(loop);
  chained(loop);
  task_group(loop);
  shield(loop);
  close_loop(loop);
  return 0;
}

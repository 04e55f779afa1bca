/* A group of three children: one fails, and what that does to the others. With an argument their
 * tree is shown for Graphviz. */
#include "guide.h"

/* show: child */
struct work {
  const char* name;
  int64_t takes;
  creche_status ends;
  creche_task task;
};

/* The child's only step has ended, so the child has. */
static void slept(void* user, const creche_completion* c) {
  struct work* work = user;
  const creche_error* why = NULL;
  if (c->status != CRECHE_OK) { /* it was cut short: what it says, the task says */
    creche_task_finish(work->task, c->status, 0, c->error);
    return;
  }
  if (work->ends != CRECHE_OK) creche_error_new(work->ends, "out of luck", NULL, NULL, NULL, &why);
  creche_task_finish(work->task, work->ends, 0, why);
  creche_error_release(why);
}

/* A child is a function that is told when it may begin. It starts its steps in its own scope. */
static void child(void* user, const creche_completion* c) {
  struct work* work = user;
  if (c->kind != CRECHE_BEGIN) return; /* CRECHE_CANCEL: the sleep is being cut short already */
  work->task = c->task;
  must(creche_sleep(c->task.scope, work->takes, NULL, slept, work, NULL));
}
/* end: child */

/* show: dump */
static void show_tree(creche_loop loop, uint32_t format) {
  char text[4096];
  must(creche_loop_dump(loop, format, text, sizeof text, NULL));
  fputs(text, stdout);
}
/* end: dump */

int main(int argc, char** argv) {
  (void)argv;
  creche_loop loop = open_virtual_loop();
  /* show: group */
  struct work works[] = {{"quick", 1 * CRECHE_SECOND, CRECHE_OK, {{0}}},
                         {"broken", 2 * CRECHE_SECOND, CRECHE_E_USER, {{0}}},
                         {"slow", 60 * CRECHE_SECOND, CRECHE_OK, {{0}}}};
  creche_group group;
  creche_group_options o;
  creche_group_options_init(&o, sizeof o);
  o.flags = CRECHE_GROUP_JOINABLE; /* this thread waits for it, below */
  o.name = "crawl";
  must(creche_group_open(loop.scope, &o, creche_nobody, NULL, &group));
  for (int i = 0; i < 3; i++) {
    creche_task_options t;
    creche_task_options_init(&t, sizeof t);
    t.name = works[i].name;
    must(creche_task_spawn(group.scope, child, &works[i], &t, creche_nobody, NULL, NULL));
  }
  /* end: group */
  must(creche_loop_poll(loop, 0)); /* they begin */
  show_tree(loop, argc > 1 ? CRECHE_DUMP_DOT : CRECHE_DUMP_TEXT);
  /* show: join */
  creche_outcome outcome;
  const creche_error* error;
  must(creche_group_join_error(group, CRECHE_NEVER, &outcome, &error));
  printf("%s after %.0f s\n", creche_status_name(outcome.status), seconds(loop));
  for (size_t i = 0; error != NULL && i < error->children_count; i++)
    printf("- %s\n", error->children[i]->message);
  creche_error_release(error);
  /* end: join */
  close_loop(loop);
  return 0;
}

/* A deadline for a section of work, and a shield for the clean-up after it.
 * usage: DATABASE_URL=... section
 * A slow query gets 200 ms; then, although the task around it is cancelled too, a shielded scope
 * writes down that it was. */
#include <creche/creche.h>
#include <stdio.h>
#include <stdlib.h>

struct job {
  creche_pool pool;
  creche_task task;
  creche_scope section, cleanup;
};

static void written(void* user, const creche_completion* c) {
  struct job* job = user;
  creche_outcome outcome;
  if (c->flags & CRECHE_OWNED) creche_value_release(c->value);
  creche_scope_leave(job->cleanup, &outcome);
  printf("cleaned up: %s\n", creche_status_name(c->status));
  creche_task_finish(job->task, c->status == CRECHE_OK ? CRECHE_OK : CRECHE_E_USER, 0, c->error);
}

static void slow(void* user, const creche_completion* c) {
  struct job* job = user;
  creche_outcome outcome;
  if (c->flags & CRECHE_OWNED) creche_value_release(c->value);
  creche_scope_leave(job->section, &outcome); /* the last step's callback may leave the scope */
  printf("section: %s\n", creche_status_name(outcome.status));

  creche_scope_cancel(job->task.scope, "no more"); /* what is not shielded ends here */
  creche_scope_options o;
  creche_scope_options_init(&o, sizeof o);
  o.shield = 1;
  o.timeout = 5 * CRECHE_SECOND;
  o.on_timeout = CRECHE_MOVE_ON;
  creche_scope_open(job->task.scope, &o, &job->cleanup); /* outlives the cancellation, for 5 s */
  creche_status status = creche_pool_query(job->pool, job->cleanup, "select 'written down'", NULL,
                                           0, NULL, written, job, NULL);
  if (status != CRECHE_OK) creche_task_finish(job->task, status, 0, NULL); /* nobody else will */
}

static void body(void* user, const creche_completion* c) {
  struct job* job = user;
  if (c->kind != CRECHE_BEGIN) return;
  job->task = c->task;
  creche_scope_options o;
  creche_scope_options_init(&o, sizeof o);
  o.timeout = 200 * CRECHE_MILLISECOND; /* on_timeout is CRECHE_FAIL: the outcome says so */
  creche_scope_open(c->task.scope, &o, &job->section);
  creche_status status = creche_pool_query(job->pool, job->section, "select pg_sleep(60)", NULL, 0,
                                           NULL, slow, job, NULL);
  if (status != CRECHE_OK) creche_task_finish(c->task, status, 0, NULL); /* nobody else will */
}

int main(void) {
  creche_loop loop;
  struct job job;
  creche_group group;
  creche_outcome outcome;
  const creche_error* error;
  creche_group_options o;
  creche_group_options_init(&o, sizeof o);
  o.flags = CRECHE_GROUP_JOINABLE;
  if (creche_loop_open(NULL, &loop) != CRECHE_OK ||
      creche_pool_open(loop, getenv("DATABASE_URL"), NULL, &job.pool) != CRECHE_OK ||
      creche_group_open(loop.scope, &o, creche_nobody, NULL, &group) != CRECHE_OK ||
      creche_task_spawn(group.scope, body, &job, NULL, creche_nobody, NULL, NULL) != CRECHE_OK)
    return fprintf(stderr, "%s\n", creche_last_error()->message), 1;
  while (creche_group_join_error(group, CRECHE_NEVER, &outcome, &error) == CRECHE_E_INTERRUPTED)
    continue;
  printf("group: %s\n", creche_status_name(outcome.status));
  if (error != NULL) printf("%s\n", error->message); /* its children are the failures, as a tree */
  creche_error_release(error);
  creche_loop_close(loop);
  return creche_loop_join(loop, 5 * CRECHE_SECOND) != CRECHE_OK || outcome.status != CRECHE_OK;
}

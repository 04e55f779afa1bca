#include "inside.h"

cx_answer cx_scope_cancel(uint64_t scope, const char *reason)
{
  return answer(creche_scope_cancel(scope_of(scope), reason), NULL);
}

cx_answer cx_group_open(cx_tail tail, creche_group_options o, const char *name)
{
  creche_group group = {{0}};
  o.name = name;
  o.queue.id = tail.queue;
  return answer(creche_group_open(scope_of(tail.in), &o, NULL, user_of(tail), &group), &group.scope.id);
}

cx_answer cx_task_open(cx_tail tail, creche_task_options o, const char *name)
{
  creche_task task = {{0}};
  o.name = name;
  o.queue.id = tail.queue;
  return answer(creche_task_open(scope_of(tail.in), &o, NULL, user_of(tail), &task), &task.scope.id);
}

cx_answer cx_task_finish(uint64_t task, int32_t status, const char *message, uint64_t cookie)
{
  const creche_error *error = NULL;
  creche_status result;
  if (message != NULL) {
    result = creche_error_new(status, message, (void *)(uintptr_t)cookie, NULL, NULL, &error);
    if (result != CRECHE_OK) error = NULL;
  }
  result = creche_task_finish(task_of(task), status, 0, error);
  creche_error_release(error);
  return answer(result, NULL);
}

cx_answer cx_task_answer(uint64_t task, int32_t status, const void *data, size_t size, uint32_t flags,
                         const char *message)
{
  const creche_error *error = NULL;
  creche_status result;
  if (message != NULL && creche_error_new(CRECHE_E_USER, message, NULL, NULL, NULL, &error) != CRECHE_OK)
    error = NULL;
  result = creche_task_answer(task_of(task), status, data, size, flags, error);
  creche_error_release(error);
  return answer(result, NULL);
}

cx_answer cx_sleep(cx_tail tail, int64_t duration)
{
  const creche_task_options o = options_of(tail);
  creche_task task = {{0}};
  return answer(creche_sleep(scope_of(tail.in), duration, &o, NULL, user_of(tail), &task), &task.scope.id);
}

cx_answer cx_yield(cx_tail tail)
{
  const creche_task_options o = options_of(tail);
  creche_task task = {{0}};
  return answer(creche_yield(scope_of(tail.in), &o, NULL, user_of(tail), &task), &task.scope.id);
}

cx_answer cx_task_start(cx_tail tail, uint64_t group, creche_task_options child, const char *name,
                        uint64_t child_user)
{
  creche_group target = {{group}};
  const creche_task_options start = options_of(tail);
  creche_start_options o;
  creche_task task = {{0}};
  child.name = name;
  child.queue.id = tail.queue;
  creche_start_options_init(&o, sizeof o);
  o.task = &start;
  o.child = &child;
  o.child_user = (void *)(uintptr_t)child_user;
  return answer(creche_task_start(target, scope_of(tail.in), NULL, NULL, &o, NULL, user_of(tail), &task),
                &task.scope.id);
}

cx_answer cx_task_started(uint64_t task)
{
  return answer(creche_task_started(task_of(task), 0), NULL);
}

cx_answer cx_scope_set_timeout(uint64_t scope, int64_t timeout)
{
  return answer(timeout == CRECHE_NEVER ? creche_scope_set_deadline(scope_of(scope), CRECHE_NEVER)
                                        : creche_scope_set_timeout(scope_of(scope), timeout),
                NULL);
}

cx_answer cx_scope_set_shield(uint64_t scope, uint32_t shield)
{
  return answer(creche_scope_set_shield(scope_of(scope), shield), NULL);
}

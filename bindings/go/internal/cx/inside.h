/* What every call of the shim does. */
#ifndef CX_INSIDE_H
#define CX_INSIDE_H

#include "shim.h"

/* id: read when the call before has stored it. */
static inline cx_answer answer(creche_status status, const uint64_t *id)
{
  cx_answer a = {status, 0, 0, NULL};
  if (status == CRECHE_OK)
    a.id = id != NULL ? *id : 0;
  else
    a.error = creche_error_keep(creche_last_error());
  return a;
}

static inline creche_scope scope_of(uint64_t id)
{
  creche_scope scope = {id};
  return scope;
}

static inline creche_task task_of(uint64_t id)
{
  creche_task task = {{id}};
  return task;
}

static inline void *user_of(cx_tail tail)
{
  return (void *)(uintptr_t)tail.user;
}

static inline void task_options(creche_task_options *o, cx_tail tail, int64_t timeout)
{
  creche_task_options_init(o, sizeof *o);
  o->queue.id = tail.queue;
  if (timeout > 0) o->timeout = timeout;
}

#endif

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

/* Of an operation that has nothing else to say than where its completion goes. */
static inline creche_task_options options_of(cx_tail tail)
{
  creche_task_options o;
  creche_task_options_init(&o, sizeof o);
  o.queue.id = tail.queue;
  return o;
}

/* Room on the stack for what few operations have more of. */
enum { FEW = 32 };

static inline cx_answer no_memory(void)
{
  cx_answer a = {CRECHE_E_NO_MEMORY, 0, 0, NULL};
  return a;
}

/* Unpacks the headers that begin at `at`, into `few` if they fit there; else they are to be freed.
 * NULL: no memory. */
creche_header *unpack(const char *at, size_t n, creche_header few[FEW]);

/* What C calls back, each for the number of a function of the user's. */
void cx_watched(void *user, const creche_request_event *event);
creche_status cx_opened(void *user, const creche_new_socket *socket);
void cx_token_asked(void *user, const creche_token_ask *ask);
void cx_turned(void *user, const creche_turn *turn);

#endif

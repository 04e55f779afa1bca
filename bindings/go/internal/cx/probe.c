/* For the tests. */
#define _POSIX_C_SOURCE 200809L
#include "inside.h"

#include <stdatomic.h>
#include <time.h>

typedef struct probe {
  uint64_t queue;
  _Atomic int32_t status;
} probe;

static void probe_blocking(void *user, const creche_completion *completion)
{
  probe *p = user;
  creche_queue queue = {p->queue};
  creche_completion one;
  size_t n;
  (void)completion;
  p->status = creche_queue_wait(queue, &one, 1, CRECHE_SECOND, &n);
}

int32_t cx_probe_blocking(uint64_t id, uint64_t queue)
{
  const struct timespec moment = {0, 1000000};
  creche_loop loop = {{id}};
  probe p;
  p.queue = queue;
  p.status = 1;
  if (creche_loop_post(loop, probe_blocking, &p) != CRECHE_OK) return 2;
  while (p.status == 1) nanosleep(&moment, NULL);
  return p.status;
}

/* Whether a call was refused as it should be: with that status, and with words for it. */
static int refused(creche_status status, creche_status expected)
{
  const creche_error *error = creche_last_error();
  return status == expected && error->status == expected && error->message[0] != '\0';
}

/* NULL where something is needed. Returns 0, or the number of the call that was not refused. */
int32_t cx_probe_null(uint64_t id)
{
  creche_loop loop = {{id}};
  creche_session session = {id};
  if (!refused(creche_loop_open(NULL, NULL), CRECHE_E_INVALID)) return 1;
  if (!refused(creche_queue_open(loop, NULL, NULL), CRECHE_E_INVALID)) return 2;
  if (!refused(creche_session_open(loop, NULL, NULL), CRECHE_E_INVALID)) return 3;
  if (!refused(creche_pool_open(loop, NULL, NULL, NULL), CRECHE_E_INVALID)) return 4;
  if (!refused(creche_now(loop.scope, NULL), CRECHE_E_INVALID)) return 5;
  if (!refused(creche_loop_post(loop, NULL, NULL), CRECHE_E_INVALID)) return 6;
  if (!refused(creche_task_spawn(loop.scope, NULL, NULL, NULL, NULL, NULL, NULL), CRECHE_E_INVALID)) return 7;
  if (!refused(creche_scope_options_init(NULL, 64), CRECHE_E_INVALID)) return 8;
  if (!refused(creche_session_fetch(session, loop.scope, NULL, NULL, NULL, NULL, NULL), CRECHE_E_INVALID)) return 9;
  return 0;
}

#include "inside.h"
#include "_cgo_export.h"

static void cx_hooked(void *user, const creche_trace_event *event)
{
  cxHooked((uint64_t)(uintptr_t)user, (creche_trace_event *)event);
}

static void cx_logged(void *user, const creche_log_record *record)
{
  cxLogged((uint64_t)(uintptr_t)user, (creche_log_record *)record);
}

cx_answer cx_loop_open(creche_loop_options o, const char *name, uint32_t kinds, uint64_t hook, uint32_t level,
                       uint64_t log)
{
  creche_loop loop = {{0}};
  creche_hooks hooks;
  creche_log words;
  if (kinds != 0) {
    creche_hooks_init(&hooks, sizeof hooks);
    hooks.user = (void *)(uintptr_t)hook;
    if (kinds & 1u << CRECHE_EVENT_SPAWNED) hooks.spawned = cx_hooked;
    if (kinds & 1u << CRECHE_EVENT_STARTED) hooks.started = cx_hooked;
    if (kinds & 1u << CRECHE_EVENT_ENDED) hooks.ended = cx_hooked;
    if (kinds & 1u << CRECHE_EVENT_CANCELLED) hooks.cancelled = cx_hooked;
    if (kinds & 1u << CRECHE_EVENT_STALLED) hooks.stalled = cx_hooked;
    if (kinds & 1u << CRECHE_EVENT_LEAKED) hooks.leaked = cx_hooked;
    o.hooks = &hooks;
  }
  if (log != 0) {
    creche_log_init(&words, sizeof words);
    words.user = (void *)(uintptr_t)log;
    words.write = cx_logged;
    if (level != 0) words.level = level;
    o.log = &words;
  }
  o.name = name;
  return answer(creche_loop_open(&o, &loop), &loop.scope.id);
}

cx_answer cx_loop_close(uint64_t id, int64_t grace)
{
  creche_loop loop = {{id}};
  return answer(grace > 0 ? creche_loop_shutdown(loop, grace) : creche_loop_close(loop), NULL);
}

cx_answer cx_loop_join(uint64_t id, int64_t timeout)
{
  creche_loop loop = {{id}};
  creche_status status;
  do
    status = creche_loop_join(loop, timeout);
  while (status == CRECHE_E_INTERRUPTED);
  return answer(status, NULL);
}

cx_answer cx_queue_open(uint64_t id)
{
  creche_loop loop = {{id}};
  creche_queue_options o;
  creche_queue queue = {0};
  creche_queue_options_init(&o, sizeof o);
  o.name = "go";
  return answer(creche_queue_open(loop, &o, &queue), &queue.id);
}

cx_answer cx_queue_close(uint64_t id)
{
  creche_queue queue = {id};
  return answer(creche_queue_close(queue, NULL, NULL), NULL);
}

int64_t cx_take(uint64_t id, creche_completion *batch, size_t used, size_t capacity)
{
  creche_queue queue = {id};
  size_t n = 0;
  creche_status status;
  if (used != 0) creche_completions_release(batch, used);
  status = creche_queue_drain(queue, batch, capacity, &n);
  return status == CRECHE_OK ? (int64_t)n : status;
}

int64_t cx_wait(uint64_t id, creche_completion *batch, size_t used, size_t capacity)
{
  creche_queue queue = {id};
  size_t n = 0;
  creche_status status;
  if (used != 0) creche_completions_release(batch, used);
  do
    status = creche_queue_wait(queue, batch, capacity, CRECHE_NEVER, &n);
  while (status == CRECHE_E_INTERRUPTED);
  return status == CRECHE_OK ? (int64_t)n : status;
}

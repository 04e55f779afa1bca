// creche/hooks.h
#include <creche/hooks.h>

#include "capi/options.h"
#include "tasks/trace.h"

namespace creche {

using tasks::TraceEvent;
static_assert(sizeof(creche_trace_event) == sizeof(TraceEvent));
static_assert(offsetof(creche_trace_event, event) == offsetof(TraceEvent, type));
static_assert(offsetof(creche_trace_event, status) == offsetof(TraceEvent, status));
static_assert(offsetof(creche_trace_event, loop) == offsetof(TraceEvent, loop));
static_assert(offsetof(creche_trace_event, by) == offsetof(TraceEvent, by));
static_assert(offsetof(creche_trace_event, duration) == offsetof(TraceEvent, duration));
static_assert(offsetof(creche_trace_event, text) == offsetof(TraceEvent, text));
static_assert(offsetof(creche_trace_event, callback) == offsetof(TraceEvent, callback));
static_assert(static_cast<int>(tasks::EventType::kLeaked) == CRECHE_EVENT_LEAKED);

namespace capi {

template <>
creche_hooks Defaults() noexcept {
  creche_hooks o{};
  o.size = sizeof o;
  return o;
}

creche_status ReadHooks(const creche_hooks* given, tasks::Hooks* hooks) noexcept {
  creche_hooks o;
  if (creche_status failed = ReadOptions(given, &o, 0, "creche_hooks")) return failed;
  hooks->user = o.user;
  const creche_hook_fn fns[] = {o.spawned, o.started, o.ended, o.cancelled, o.stalled, o.leaked};
  for (int i = 0; i < tasks::kEventTypes; i++)
    hooks->fns[i] = reinterpret_cast<tasks::HookFn>(fns[i]);
  return CRECHE_OK;
}

}  // namespace capi
}  // namespace creche

extern "C" creche_status creche_hooks_init(creche_hooks* hooks, size_t size) {
  return creche::capi::InitOptions(hooks, size);
}

// creche/hooks.h
#include <creche/hooks.h>

#include "capi/options.h"
#include "tasks/node/end_node.h"
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

// What a hook is told of: nodes by their type plus one, handles by numbers of their own.
using tasks::NodeType;
using tasks::TraceKind;
constexpr bool Same(NodeType type, int kind) {
  return static_cast<int>(type) + 1 == kind;
}
constexpr bool Same(TraceKind a, int b) {
  return static_cast<int>(a) == b;
}
static_assert(Same(NodeType::kRoot, CRECHE_KIND_LOOP) &&
              Same(NodeType::kScope, CRECHE_KIND_SCOPE) &&
              Same(NodeType::kGroup, CRECHE_KIND_GROUP) &&
              Same(NodeType::kOperation, CRECHE_KIND_OPERATION) &&
              Same(NodeType::kSleep, CRECHE_KIND_SLEEP) &&
              Same(NodeType::kUser, CRECHE_KIND_TASK) &&
              Same(NodeType::kExternal, CRECHE_KIND_EXTERNAL) &&
              Same(NodeType::kOffload, CRECHE_KIND_OFFLOAD) &&
              Same(NodeType::kStart, CRECHE_KIND_START) && Same(NodeType::kWait, CRECHE_KIND_WAIT));
static_assert(
    Same(TraceKind::kLoop, CRECHE_KIND_LOOP) && Same(TraceKind::kWait, CRECHE_KIND_WAIT) &&
    Same(TraceKind::kQueue, CRECHE_KIND_QUEUE) && Same(TraceKind::kSession, CRECHE_KIND_SESSION) &&
    Same(TraceKind::kResponse, CRECHE_KIND_RESPONSE) && Same(TraceKind::kPool, CRECHE_KIND_POOL) &&
    Same(TraceKind::kConnection, CRECHE_KIND_CONNECTION) &&
    Same(TraceKind::kRows, CRECHE_KIND_ROWS) && Same(TraceKind::kObject, CRECHE_KIND_OBJECT) &&
    Same(TraceKind::kLimiter, CRECHE_KIND_LIMITER) && Same(TraceKind::kRate, CRECHE_KIND_RATE) &&
    Same(TraceKind::kEvent, CRECHE_KIND_EVENT) && Same(TraceKind::kChannel, CRECHE_KIND_CHANNEL) &&
    Same(TraceKind::kPost, CRECHE_KIND_POST));

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

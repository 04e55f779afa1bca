// creche/scope.h
#include <creche/scope.h>

#include "capi/options.h"
#include "capi/start_args.h"
#include "tasks/api.h"

using namespace creche;
using namespace creche::capi;

namespace creche::capi {

template <>
creche_scope_options Defaults() noexcept {
  creche_scope_options o{};
  o.size = sizeof o;
  o.timeout = CRECHE_NEVER;
  o.deadline = CRECHE_NEVER;
  return o;
}

static creche_status OfScope(Status status, creche_scope scope) {
  return Started(status, scope);
}

// The short way has said no.
[[gnu::noinline]] static creche_status OpenScope(creche_scope in,
                                                 const creche_scope_options* options,
                                                 creche_scope* scope) noexcept {
  return Guard([&]() -> creche_status {
    if (!scope) return Fail(Status::kInvalid, "scope is NULL: nowhere to store the handle");
    *scope = {};
    if (!options) return OfScope(tasks::OpenScope(in.id, nullptr, &scope->id), in);
    static constexpr char kName[] = "creche_scope_options";
    creche_scope_options o;
    tasks::ScopeOptions opened;
    creche_status failed = ReadOptions(options, &o, 0, kName);
    if (!failed) failed = CheckDeadline(o.timeout, o.deadline, kName);
    if (!failed) failed = ReadOnTimeout(o.on_timeout, kName, &opened.move_on);
    if (!failed) failed = ReadBool(o.shield, "creche_scope_options.shield", &opened.shield);
    if (failed) return failed;
    opened.name = o.name;
    opened.site = o.site;
    opened.deadline = o.deadline;
    opened.timeout = o.timeout;
    return OfScope(tasks::OpenScope(in.id, &opened, &scope->id), in);
  });
}

// The same.
[[gnu::noinline]] static creche_status LeaveScope(creche_scope scope,
                                                  creche_outcome* outcome) noexcept {
  return Guard([&]() -> creche_status {
    tasks::LeaveOutcome left;
    const Status status = tasks::LeaveScope(scope.id, outcome ? &left : nullptr);
    if (status == Status::kState)
      return Fail(status,
                  "only a bare scope is left, and only once; groups, tasks and loops end by "
                  "themselves");
    if (status == Status::kOk && outcome)
      *outcome = {static_cast<creche_status>(left.status), left.flags,
                  static_cast<uint32_t>(left.reason), 0};
    return OfScope(status, scope);
  });
}

}  // namespace creche::capi

extern "C" {

creche_status creche_scope_options_init(creche_scope_options* options, size_t size) {
  return InitOptions(options, size);
}

creche_status creche_scope_open(creche_scope in, const creche_scope_options* options,
                                creche_scope* scope) {
  if (!options && scope && (scope->id = tasks::FastOpenScope(in.id)) != 0) return CRECHE_OK;
  return OpenScope(in, options, scope);
}

creche_status creche_scope_leave(creche_scope scope, creche_outcome* outcome) {
  if (!tasks::FastLeaveScope(scope.id)) return LeaveScope(scope, outcome);
  if (outcome) *outcome = {};
  return CRECHE_OK;
}

creche_status creche_scope_cancel(creche_scope scope, const char* reason) {
  return Guard([&] { return OfScope(tasks::CancelScope(scope.id, reason), scope); });
}

// No guard: it may run in a signal handler.
creche_status creche_scope_interrupt(creche_scope scope) {
  return static_cast<creche_status>(tasks::InterruptScope(scope.id));
}

creche_status creche_scope_set_deadline(creche_scope scope, int64_t deadline) {
  return Guard([&] { return OfScope(tasks::MoveDeadline(scope.id, deadline), scope); });
}

creche_status creche_scope_set_timeout(creche_scope scope, int64_t timeout) {
  return Guard([&]() -> creche_status {
    if (creche_status failed = CheckDeadline(timeout, CRECHE_NEVER, "the scope")) return failed;
    return OfScope(tasks::MoveTimeout(scope.id, timeout), scope);
  });
}

creche_status creche_scope_set_shield(creche_scope scope, uint32_t shield) {
  return Guard([&]() -> creche_status {
    bool raised;
    if (creche_status failed = ReadBool(shield, "shield", &raised)) return failed;
    const Status status = tasks::ShieldScope(scope.id, raised);
    if (status == Status::kInvalid)
      return Fail(status, "a loop has nothing around it to shield from");
    return OfScope(status, scope);
  });
}

creche_status creche_scope_get_state(creche_scope scope, creche_scope_state* state, size_t size) {
  return Guard([&]() -> creche_status {
    if (creche_status failed = CheckFilled(state, size, "state")) return failed;
    tasks::ScopeState s;
    const Status status = tasks::GetScopeState(scope.id, &s);
    if (status != Status::kOk) return OfScope(status, scope);
    creche_scope_state out{};
    out.size = static_cast<uint32_t>(size);
    out.called = s.called;
    out.effective = s.effective;
    out.shield = s.shield;
    out.reached = s.reached;
    out.caught = s.caught;
    out.reason = static_cast<uint32_t>(s.reason);
    out.live = s.live;
    out.deadline = s.deadline;
    out.effective_deadline = s.effective_deadline;
    StoreSized(out, state, size);
    return CRECHE_OK;
  });
}

}  // extern "C"

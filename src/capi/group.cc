// creche/group.h
#include <creche/group.h>

#include "capi/options.h"
#include "capi/start_args.h"
#include "tasks/api.h"

using namespace creche;
using namespace creche::capi;

namespace creche::capi {

template <>
creche_group_options Defaults() noexcept {
  creche_group_options o{};
  o.size = sizeof o;
  o.max_errors = 1024;
  o.timeout = CRECHE_NEVER;
  o.deadline = CRECHE_NEVER;
  o.grace = CRECHE_NEVER;
  return o;
}

static constexpr uint32_t kFlags =
    CRECHE_GROUP_JOINABLE | CRECHE_GROUP_UNTIL_RELEASED | CRECHE_GROUP_OWN_QUEUE_ONLY;

}  // namespace creche::capi

extern "C" {

creche_status creche_group_options_init(creche_group_options* options, size_t size) {
  return InitOptions(options, size);
}

creche_status creche_group_open(creche_scope in, const creche_group_options* options,
                                creche_done_fn done, void* user, creche_group* group) {
  return Guard([&]() -> creche_status {
    if (group) *group = {};
    static constexpr char kName[] = "creche_group_options";
    creche_group_options o;
    tasks::GroupOptions opened;
    creche_status failed = ReadOptions(options, &o, kFlags, kName);
    if (!failed) failed = CheckDeadline(o.timeout, o.deadline, kName);
    if (!failed) failed = ReadOnTimeout(o.on_timeout, kName, &opened.move_on);
    if (!failed) failed = ReadBool(o.shield, "creche_group_options.shield", &opened.shield);
    if (!failed) failed = CheckQueue(o.queue);
    if (failed) return failed;
    if (o.policy > CRECHE_RACE)
      return Fail(Status::kUnsupported,
                  "creche_group_options.policy is %u; it is CRECHE_FAIL_FAST, CRECHE_COLLECT or "
                  "CRECHE_RACE",
                  o.policy);
    if (o.grace < 0) return Fail(Status::kInvalid, "creche_group_options.grace is negative");
    opened.name = o.name;
    opened.site = o.site;
    opened.deadline = o.deadline;
    opened.timeout = o.timeout;
    opened.grace = o.grace;
    opened.joinable = (o.flags & CRECHE_GROUP_JOINABLE) != 0;
    opened.until_released = (o.flags & CRECHE_GROUP_UNTIL_RELEASED) != 0;
    opened.own_queue_only = (o.flags & CRECHE_GROUP_OWN_QUEUE_ONLY) != 0;
    opened.policy = o.policy;
    opened.limit = o.limit;
    opened.max_errors = o.max_errors;
    opened.queue = o.queue.id;
    tasks::StartArgs args;
    args.in = in.id;
    SetRoute(done, user, &args);
    uint64_t ignored = 0;
    args.task = group ? &group->scope.id : &ignored;
    const Status status = tasks::OpenGroup(opened, args);
    if (status == Status::kInvalid)
      return Fail(status,
                  "creche_to_group: the group is opened in no group that could keep its result");
    return Started(status, in);
  });
}

creche_status creche_group_close(creche_group group) {
  return Guard(
      [&] { return Explained(tasks::CloseGroup(group.scope.id), group.scope.id, "a group"); });
}

creche_status creche_group_join(creche_group group, int64_t timeout, creche_outcome* outcome) {
  return creche_group_join_error(group, timeout, outcome, nullptr);
}

creche_status creche_group_join_error(creche_group group, int64_t timeout, creche_outcome* outcome,
                                      const creche_error** error) {
  if (error) *error = nullptr;
  const platform::NotCancelled here;
  return Guard([&]() -> creche_status {
    if (timeout < 0) return Fail(Status::kInvalid, "timeout is negative");
    tasks::LeaveOutcome ended;
    ErrorRef failure;
    const Status status = tasks::JoinGroup(group.scope.id, timeout, &ended, &failure);
    if (status == Status::kState)
      return Fail(status,
                  "the group is not CRECHE_GROUP_JOINABLE, or another thread joins it already");
    if (status == Status::kOk && outcome)
      *outcome = {static_cast<creche_status>(ended.status), ended.flags,
                  static_cast<uint32_t>(ended.reason), 0};
    if (status == Status::kOk && error && failure)
      *error = reinterpret_cast<const creche_error*>(&failure.Leak()->fields());
    return Explained(status, group.scope.id, "a group");
  });
}

}  // extern "C"

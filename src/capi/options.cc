#include "capi/options.h"

#include "capi/start_args.h"
#include "core/handles.h"

namespace creche::capi {

creche_status CheckDeadline(int64_t timeout, int64_t deadline, const char* name) noexcept {
  if (timeout < 0)
    return Fail(
        Status::kInvalid,
        "%s.timeout is negative; it counts nanoseconds from the call (a deadline may lie in "
        "the past)",
        name);
  if (timeout != CRECHE_NEVER && deadline != CRECHE_NEVER)
    return Fail(Status::kInvalid, "%s has both a timeout and a deadline; give one", name);
  return CRECHE_OK;
}

creche_status ReadBool(uint32_t value, const char* name, bool* result) noexcept {
  if (value > 1) return Fail(Status::kInvalid, "%s is %u; it is 0 or 1", name, value);
  *result = value == 1;
  return CRECHE_OK;
}

creche_status ReadOnTimeout(uint32_t value, const char* name, bool* move_on) noexcept {
  if (value > CRECHE_MOVE_ON)
    return Fail(Status::kUnsupported, "%s.on_timeout is %u; it is CRECHE_FAIL or CRECHE_MOVE_ON",
                name, value);
  *move_on = value == CRECHE_MOVE_ON;
  return CRECHE_OK;
}

creche_status CheckQueue(creche_queue queue) noexcept {
  if (queue.id == 0) return CRECHE_OK;
  Status status = Status::kOk;
  PeekDomain(queue.id, Bit(Kind::kQueue), &status);
  return Explained(status, queue.id, "a queue");
}

template <>
creche_task_options Defaults() noexcept {
  creche_task_options o{};
  o.size = sizeof o;
  o.timeout = CRECHE_NEVER;
  o.deadline = CRECHE_NEVER;
  return o;
}

creche_status StartArgsReader::ReadTaskOptions(const creche_task_options* given,
                                               uint32_t known_flags) noexcept {
  static constexpr char kName[] = "creche_task_options";
  creche_task_options o;
  tasks::TaskOptions& read = Options();
  creche_status failed = ReadOptions(given, &o, known_flags, kName);
  if (!failed) failed = CheckDeadline(o.timeout, o.deadline, kName);
  if (!failed) failed = ReadOnTimeout(o.on_timeout, kName, &read.move_on);
  if (!failed) failed = ReadBool(o.shield, "creche_task_options.shield", &read.shield);
  if (!failed) failed = CheckQueue(o.queue);
  if (failed) return failed;
  read.name = o.name;
  read.site = o.site;
  read.deadline = o.deadline;
  read.timeout = o.timeout;
  read.queue = o.queue.id;
  read.context = ToContext(o.context);
  read.body = (o.flags & CRECHE_TASK_BODY) != 0;
  return CRECHE_OK;
}

}  // namespace creche::capi

extern "C" creche_status creche_task_options_init(creche_task_options* options, size_t size) {
  return creche::capi::InitOptions(options, size);
}

// creche/event.h
#include <creche/event.h>

#include "capi/options.h"
#include "capi/start_args.h"
#include "tasks/api.h"

using namespace creche;
using namespace creche::capi;

namespace creche::capi {

template <>
creche_event_options Defaults() noexcept {
  creche_event_options o{};
  o.size = sizeof o;
  return o;
}

static constexpr char kEvent[] = "an event";

}  // namespace creche::capi

extern "C" {

creche_status creche_event_options_init(creche_event_options* options, size_t size) {
  return InitOptions(options, size);
}

creche_status creche_event_open(creche_loop loop, const creche_event_options* options,
                                creche_event* event) {
  return Guard([&]() -> creche_status {
    if (!event) return Fail(Status::kInvalid, "event is NULL: nowhere to store the handle");
    *event = {};
    creche_event_options o;
    if (creche_status failed = ReadOptions(options, &o, 0, "creche_event_options")) return failed;
    return Explained(tasks::OpenEvent(loop.scope.id, o.name, &event->id), loop.scope.id, "a loop");
  });
}

creche_status creche_event_wait(creche_event event, creche_scope in,
                                const creche_task_options* options, creche_done_fn done, void* user,
                                creche_task* task) {
  return Guard([&]() -> creche_status {
    StartArgsReader reader;
    if (creche_status failed = reader.Read(in, options, done, user, task)) return failed;
    uint64_t culprit;
    const Status status = tasks::WaitForEvent(event.id, reader.args, &culprit);
    return Started(status, in, culprit, kEvent);
  });
}

creche_status creche_event_set(creche_event event) {
  return Guard([&] { return Explained(tasks::SetEvent(event.id), event.id, kEvent); });
}

int32_t creche_event_is_set(creche_event event) {
  return Guard([&]() -> creche_status {
    bool set = false;
    const Status status = tasks::IsEventSet(event.id, &set);
    return status == Status::kOk ? set : Explained(status, event.id, kEvent);
  });
}

void creche_event_release(creche_event event) {
  Release([&] { tasks::ReleaseEvent(event.id); });
}

}  // extern "C"

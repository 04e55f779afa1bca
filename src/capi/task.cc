// creche/task.h
#include <creche/task.h>

#include "capi/options.h"
#include "capi/start_args.h"
#include "core/error.h"
#include "tasks/api.h"

using namespace creche;
using namespace creche::capi;

namespace creche::capi {

template <>
creche_start_options Defaults() noexcept {
  creche_start_options o{};
  o.size = sizeof o;
  return o;
}

template <>
creche_offload_options Defaults() noexcept {
  creche_offload_options o{};
  o.size = sizeof o;
  return o;
}

// A reference to the error that a user gave; null for NULL.
static ErrorRef Kept(const creche_error* error) {
  if (!error) return nullptr;
  const creche_error* kept = creche_error_keep(error);
  return kept ? ErrorRef::Adopt(Error::Of(reinterpret_cast<const ErrorFields*>(kept))) : nullptr;
}

// Whether a task may end with this failure: one that has a name, or a user's own.
static bool IsFinish(creche_status status) {
  return status < 0 && (status <= -1000 || std::string_view(creche_status_name(status)) != "?");
}

static creche_status OfTask(Status status, creche_task task) {
  return Explained(status, task.scope.id, "a task");
}

// start(args): starts it.
template <class Start>
static creche_status StartSleep(creche_scope in, const creche_task_options* options,
                                creche_done_fn done, void* user, creche_task* task, Start start) {
  StartArgsReader reader;
  if (creche_status failed = reader.Read(in, options, done, user, task)) return failed;
  return Started(start(reader.args), in);
}

static bool IsFunction(creche_done_fn body) noexcept {
  return body && body != creche_to_group && body != creche_nobody;
}

// The short way has said no.
[[gnu::noinline]] static creche_status SpawnTask(creche_scope in, creche_done_fn body,
                                                 void* body_user,
                                                 const creche_task_options* options,
                                                 creche_done_fn done, void* user,
                                                 creche_task* task) noexcept {
  return Guard([&]() -> creche_status {
    StartArgsReader reader;
    if (creche_status failed = reader.Read(in, options, done, user, task)) return failed;
    if (!IsFunction(body)) return Fail(Status::kInvalid, "body must be a function of yours");
    return Started(tasks::SpawnTask(reader.args, ToDone(body), body_user), in);
  });
}

// The same.
[[gnu::noinline]] static creche_status FinishTask(creche_task task, creche_status status,
                                                  uint64_t value,
                                                  const creche_error* error) noexcept {
  return Guard([&]() -> creche_status {
    if (status != CRECHE_OK && !IsFinish(status))
      return Fail(Status::kInvalid,
                  "status is %d; finish with CRECHE_OK, a CRECHE_E_*, or -1000 and below", status);
    const Status answer =
        tasks::FinishTask(task.scope.id, static_cast<Status>(status), value, Kept(error));
    if (answer == Status::kState)
      return Fail(answer, "the task was finished before, has not begun, or is not yours to finish");
    return OfTask(answer, task);
  });
}

}  // namespace creche::capi

extern "C" {

creche_status creche_task_spawn(creche_scope in, creche_done_fn body, void* body_user,
                                const creche_task_options* options, creche_done_fn done, void* user,
                                creche_task* task) {
  if (!options && IsFunction(body)) {
    tasks::StartArgs args{.in = in.id, .task = task ? &task->scope.id : nullptr};
    SetRoute(done, user, &args);
    if (tasks::FastSpawn(args, ToDone(body), body_user)) return CRECHE_OK;
  }
  return SpawnTask(in, body, body_user, options, done, user, task);
}

creche_status creche_task_open(creche_scope in, const creche_task_options* options,
                               creche_done_fn done, void* user, creche_task* task) {
  return Guard([&]() -> creche_status {
    StartArgsReader reader;
    if (creche_status failed = reader.Read(in, options, done, user, task, CRECHE_TASK_BODY))
      return failed;
    const Status status = tasks::OpenTask(reader.args);
    if (status == Status::kInvalid)
      return Fail(
          status,
          "an external task must be told to begin and to hurry: give a function, or a queue "
          "above or in the options; and a body belongs to a group");
    if (status == Status::kState && reader.args.options && reader.args.options->body)
      return Fail(
          status,
          "a group has one body in its life, and this one has it, or had it; nor has a task "
          "of the library's own any");
    return Started(status, in);
  });
}

creche_status creche_task_finish(creche_task task, creche_status status, uint64_t value,
                                 const creche_error* error) {
  if (status == CRECHE_OK && !error && tasks::FastFinish(task.scope.id, value)) return CRECHE_OK;
  return FinishTask(task, status, value, error);
}

creche_status creche_start_options_init(creche_start_options* options, size_t size) {
  return InitOptions(options, size);
}

creche_status creche_task_start(creche_group target, creche_scope in, creche_done_fn body,
                                void* body_user, const creche_start_options* options,
                                creche_done_fn done, void* user, creche_task* task) {
  return Guard([&]() -> creche_status {
    if (task) *task = {};
    creche_start_options o;
    if (creche_status failed = ReadOptions(options, &o, 0, "creche_start_options")) return failed;
    StartArgsReader reader, child;
    creche_status failed = reader.Read(in, o.task, done, user, task);
    if (!failed) failed = child.Read(target.scope, o.child, o.child_done, o.child_user, nullptr);
    if (failed) return failed;
    if (body == creche_to_group || body == creche_nobody)
      return Fail(Status::kInvalid, "body must be a function of yours, or NULL");
    const Status status =
        tasks::StartChild(target.scope.id, reader.args, child.args, ToDone(body), body_user);
    if (status == Status::kInvalid && !body)
      return Fail(
          status,
          "an external task must be told to begin and to hurry: give child_done, or a queue above "
          "the group or in the options of the child");
    if (status == Status::kBadHandle || status == Status::kEnded) {
      // One of two handles: say which.
      creche_scope_state ignored;
      if (creche_scope_get_state(in, &ignored, sizeof ignored) == CRECHE_OK)
        return Explained(status, target.scope.id, "a group");
    }
    return Started(status, in);
  });
}

creche_status creche_task_started(creche_task task, uint64_t value) {
  return Guard([&]() -> creche_status {
    const Status status = tasks::TaskStarted(task.scope.id, value);
    if (status == Status::kState)
      return Fail(status,
                  "creche_task_started is for a task of creche_task_start, once, from its "
                  "CRECHE_BEGIN until it finishes");
    if (status == Status::kCancelled)
      return Fail(status, "who started the task is being cancelled: clean up and finish");
    return OfTask(status, task);
  });
}

creche_status creche_scope_get_context(creche_scope scope, void** data) {
  return Guard([&]() -> creche_status {
    if (!data) return Fail(Status::kInvalid, "data is NULL: nowhere to store the pointer");
    return Started(tasks::GetContext(scope.id, data), scope);
  });
}

creche_status creche_task_answer(creche_task task, creche_status status, const void* data,
                                 size_t size, uint32_t flags, const creche_error* error) {
  return Guard([&]() -> creche_status {
    if (status > 0)
      return Fail(Status::kInvalid, "status is %d; it is CRECHE_OK or a failure", status);
    if (!data && size > 0) return Fail(Status::kInvalid, "data is NULL and size is not 0");
    if (flags & ~static_cast<uint32_t>(CRECHE_MORE))
      return Fail(Status::kUnsupported, "flags is 0x%x; only CRECHE_MORE is known", flags);
    std::string bytes(static_cast<const char*>(data ? data : ""), size);
    const Status answer = tasks::AnswerTask(task.scope.id, static_cast<Status>(status),
                                            std::move(bytes), flags & CRECHE_MORE, Kept(error));
    if (answer == Status::kState)
      return Fail(answer, "nothing was asked of you: answer each CRECHE_PULL or CRECHE_ASK once");
    return OfTask(answer, task);
  });
}

creche_status creche_offload_options_init(creche_offload_options* options, size_t size) {
  return InitOptions(options, size);
}

creche_status creche_offload(creche_scope in, creche_offload_fn fn, void* arg,
                             const creche_offload_options* options, creche_done_fn done, void* user,
                             creche_task* task) {
  return Guard([&]() -> creche_status {
    if (task) *task = {};
    creche_offload_options o;
    if (creche_status failed =
            ReadOptions(options, &o, CRECHE_OFFLOAD_ABANDON, "creche_offload_options"))
      return failed;
    StartArgsReader reader;
    if (creche_status failed = reader.Read(in, o.task, done, user, task)) return failed;
    if (!fn) return Fail(Status::kInvalid, "fn is NULL");
    // A struct of one uint64_t is passed like a uint64_t: the ABI rests on it anyway (base.h).
    static_assert(sizeof(creche_task) == sizeof(uint64_t));
    const auto same = reinterpret_cast<tasks::OffloadFn>(reinterpret_cast<void*>(fn));
    const tasks::OffloadOptions how = {.arg_free = o.arg_free,
                                       .abandon = (o.flags & CRECHE_OFFLOAD_ABANDON) != 0,
                                       .limiter = o.limiter.id};
    uint64_t culprit = in.id;
    const Status status = tasks::Offload(reader.args, same, arg, how, &culprit);
    return Started(status, in, culprit, "a limiter");
  });
}

int32_t creche_offload_cancelled(creche_task task) {
  const Status status = tasks::OffloadCancelled(task.scope.id);
  if (status == Status::kCancelled) return 1;
  return Guard([&] { return Explained(status, task.scope.id, "an offloaded function's task"); });
}

creche_status creche_sleep(creche_scope in, int64_t duration, const creche_task_options* options,
                           creche_done_fn done, void* user, creche_task* task) {
  return Guard([&]() -> creche_status {
    if (task) *task = {};
    if (duration < 0)
      return Fail(Status::kInvalid, "duration is negative; it counts nanoseconds from the call");
    return StartSleep(in, options, done, user, task, [&](const tasks::StartArgs& args) {
      return tasks::SleepFor(args, duration);
    });
  });
}

creche_status creche_sleep_until(creche_scope in, int64_t point, const creche_task_options* options,
                                 creche_done_fn done, void* user, creche_task* task) {
  return Guard([&] {
    return StartSleep(in, options, done, user, task,
                      [&](const tasks::StartArgs& args) { return tasks::SleepUntil(args, point); });
  });
}

creche_status creche_yield(creche_scope in, const creche_task_options* options, creche_done_fn done,
                           void* user, creche_task* task) {
  return Guard([&] { return StartSleep(in, options, done, user, task, tasks::Yield); });
}

}  // extern "C"

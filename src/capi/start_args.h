// The last arguments, which every asynchronous call has: ..., done, user, task.
#pragma once
#include <creche/task.h>

#include <new>

#include "capi/guard.h"
#include "capi/options.h"
#include "tasks/operation.h"

namespace creche::capi {

inline tasks::DoneFn ToDone(creche_done_fn done) noexcept {
  return reinterpret_cast<tasks::DoneFn>(
      done);  // capi/layout.cc asserts that the structs are twins
}

// The route that `done` stands for.
inline void SetRoute(creche_done_fn done, void* user, tasks::StartArgs* args) noexcept {
  args->user = user;
  if (!done) {
    args->route = tasks::Route::kDefault;
  } else if (done == creche_to_group) {
    args->route = tasks::Route::kToGroup;
  } else if (done == creche_nobody) {
    args->route = tasks::Route::kNobody;
  } else {
    args->route = tasks::Route::kFunction;
    args->done = ToDone(done);
  }
}

inline const tasks::ContextType* ToContext(const creche_context* context) noexcept {
  return reinterpret_cast<const tasks::ContextType*>(context);  // twins, too
}

// Reads and keeps what the last arguments of a call say. Use: StartArgsReader reader; if
// (creche_status failed = reader.Read(...)) return failed;
struct StartArgsReader {
  StartArgsReader() noexcept {}
  tasks::StartArgs args;
  // task: *task becomes {0} at once, whatever happens later. options may be NULL.
  creche_status Read(creche_scope in, const creche_task_options* given, creche_done_fn done,
                     void* user, creche_task* task, uint32_t known_flags = 0) noexcept {
    if (task) *task = {};
    args.in = in.id;
    SetRoute(done, user, &args);
    args.task = task ? &task->scope.id : nullptr;
    return given ? ReadTaskOptions(given, known_flags) : CRECHE_OK;
  }
  // To be changed: what was given, or the defaults.
  tasks::TaskOptions& Options() noexcept {
    if (!args.options) args.options = new (&options_) tasks::TaskOptions;
    return options_;
  }
  // For a call that says no time of its own.
  void DefaultTimeout(Nanos timeout) noexcept {
    if (timeout == kNever) return;
    tasks::TaskOptions& o = Options();
    if (o.timeout == kNever && o.deadline == kNever) o.timeout = timeout;
  }

 private:
  creche_status ReadTaskOptions(const creche_task_options* given, uint32_t known_flags) noexcept;
  union {  // most calls have none: made when it is needed
    tasks::TaskOptions options_;
  };
};

// The status of a start as the ABI's: with a text that fits the scope it was tried in.
inline creche_status Started(Status status, creche_scope in) noexcept {
  if (status == Status::kInvalid)
    return Fail(
        status,
        "creche_to_group is for what is started in a group, or in a bare scope in one, which "
        "keeps its result; give a function, a queue or creche_nobody");
  if (status == Status::kState)
    return Fail(status,
                "nothing can be started in a task of the library's own (an operation, a sleep, a "
                "start); use the task, group or loop that it belongs to");
  return Explained(status, in.id, "a scope (that of a loop, group, scope or task)");
}

// The same of a close, whose only failures are about whom to tell.
inline creche_status Closed(Status status, uint64_t id, const char* wanted) noexcept {
  if (status == Status::kClosed)
    return Fail(status,
                "the queue for this completion is closed; give a function or creche_nobody");
  return Explained(status, id, wanted);
}

// The same for a start that is about a second handle, too: culprit is the one that failed.
inline creche_status Started(Status status, creche_scope in, uint64_t culprit,
                             const char* wanted) noexcept {
  return culprit == in.id ? Started(status, in) : Explained(status, culprit, wanted);
}

}  // namespace creche::capi

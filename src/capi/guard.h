// The way in and the way out of every function of the ABI: no exception leaves, errno stays, and
// each failure explains itself in creche_last_error().
#pragma once
#include <creche/base.h>

#include <cerrno>
#include <exception>
#include <new>

#include "core/error.h"
#include "core/status.h"
#include "platform/thread.h"
#include "tasks/trace.h"

namespace creche::capi {

// Sets this thread's last error and returns the status. printf-like.
creche_status Fail(Status status, const char* format, ...) noexcept
    __attribute__((format(printf, 2, 3)));

// Fails with a text that fits the status. id: the handle that the call is about; wanted: "a group",
// "a scope (of a loop, group, scope or task)", ...
creche_status ExplainFailure(Status status, uint64_t id, const char* wanted) noexcept;
// Makes all of an error this thread's last error, cause and children too, and returns its status.
creche_status FailWith(ErrorRef error) noexcept;
// The error behind the last error of this thread, if that is all of one; else null.
const Error* WholeLastError() noexcept;
// As ExplainFailure, or CRECHE_OK for kOk.
inline creche_status Explained(Status status, uint64_t id, const char* wanted) noexcept {
  return status == Status::kOk ? CRECHE_OK : ExplainFailure(status, id, wanted);
}

// Calls the hooks that this call is to call. The last error stays.
void DeliverEvents() noexcept;

// Runs the body of an entry.
template <class F>
creche_status Guard(F body) noexcept {
  const int saved = errno;
  creche_status status;
  try {
    status = body();
  } catch (const std::bad_alloc&) {
    status = Fail(Status::kNoMemory, "no memory: free some or lower the limits, then try again");
  } catch (const std::exception& e) {
    status = Fail(Status::kInternal, "a bug of libcreche, please report it: %s", e.what());
  } catch (...) {
    status = Fail(Status::kInternal, "a bug of libcreche, please report it");
  }
  if (tasks::Trace::Any()) DeliverEvents();
  errno = saved;
  return status;
}

// The same for releases: they cannot fail, and have hooks to call, too. Most end an entry of a
// table; what closes descriptors or calls the user's code sees for itself that it is not cancelled.
template <class F>
void Release(F release) noexcept {
  const int saved = errno;
  release();
  if (tasks::Trace::Any()) DeliverEvents();
  errno = saved;
}

// The same for entries that answer something else than a status.
template <class R, class F>
R GuardOr(R otherwise, F body) noexcept {
  const int saved = errno;
  R result = otherwise;
  try {
    result = body();
  } catch (...) {
    result = otherwise;
  }
  errno = saved;
  return result;
}

}  // namespace creche::capi

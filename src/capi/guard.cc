#include "capi/guard.h"

#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <utility>

#include "core/handles.h"
#include "core/utf8.h"
#include "platform/thread_end.h"

namespace creche::capi {

namespace {

// Plain memory without a destructor: threads may end after the library's user has forgotten it.
struct LastError {
  creche_error error;
  char message[384];
  const Error* whole;  // what the pointers in `error` point into, with a reference; or null
};
constexpr LastError NoError() {
  LastError none{};
  none.error.size = sizeof(creche_error);
  none.error.message = "no error";
  return none;
}
constinit thread_local LastError last_error = NoError();

// What the last error was before may call the user's code when it goes, which may fail here.
void LetGo(const Error* whole) noexcept {
  if (!whole) return;
  const LastError kept = std::exchange(last_error, NoError());
  whole->Unref();
  whole = last_error.whole;
  last_error = kept;
  LetGo(whole);
}

// This thread ends, and would lose it.
void ForgetLastError() noexcept {
  LetGo(std::exchange(last_error, NoError()).whole);
}

}  // namespace

creche_status Fail(Status status, const char* format, ...) noexcept {
  char message[sizeof last_error.message];  // the last error may be among the arguments
  va_list args;
  va_start(args, format);
  vsnprintf(message, sizeof message, format, args);
  va_end(args);
  MakeUtf8(message);  // it may have been cut in the middle of a character
  memcpy(last_error.message, message, sizeof message);
  last_error.error = {};
  last_error.error.size = sizeof(creche_error);
  last_error.error.status = static_cast<creche_status>(status);
  last_error.error.message = last_error.message;
  if (status == Status::kNoMemory) last_error.error.flags = CRECHE_ERROR_RETRYABLE;
  LetGo(std::exchange(last_error.whole, nullptr));
  return static_cast<creche_status>(status);
}

creche_status FailWith(ErrorRef error) noexcept {
  const creche_status status = error->fields().status;
  if (!platform::AtThreadEnd(ForgetLastError)) {  // it would be lost: what of it is plain
    Fail(error->status(), "%s", error->message());
    last_error.error.flags = error->fields().flags;
    last_error.error.phase = error->fields().phase;
    last_error.error.http_status = error->fields().http_status;
    memcpy(last_error.error.sqlstate, error->fields().sqlstate, sizeof last_error.error.sqlstate);
    return status;
  }
  static_assert(sizeof(creche_error) == sizeof(ErrorFields));
  memcpy(&last_error.error, &error->fields(), sizeof last_error.error);
  LetGo(std::exchange(last_error.whole, error.Leak()));
  return status;
}

const Error* WholeLastError() noexcept {
  return last_error.whole;
}

void DeliverEvents() noexcept {
  const LastError kept = std::exchange(last_error, NoError());
  tasks::Trace::DeliverMine();
  const Error* const hooks = last_error.whole;
  last_error = kept;
  LetGo(hooks);
}

creche_status ExplainFailure(Status status, uint64_t id, const char* wanted) noexcept {
  const char* kind = KindName(KindOf(id));
  switch (status) {
    case Status::kOk:
      return CRECHE_OK;
    case Status::kBadHandle:
      if (id == 0) return Fail(status, "the handle is null; %s is needed", wanted);
      return Fail(status,
                  "%016llx is no handle that this call can use: it looks like %s; %s is needed",
                  static_cast<unsigned long long>(id), kind, wanted);
    case Status::kEnded:
      return Fail(status, "the handle %016llx was %s that has ended or was released; %s is needed",
                  static_cast<unsigned long long>(id), kind, wanted);
    case Status::kClosed:
      tasks::ReportRefused(id);
      return Fail(
          status,
          "%s takes no more work, or nothing that is still to be closed: it has ended or is being "
          "left, its task has finished, its loop is closing, or the queue for the completion is "
          "closed; start it before that, or elsewhere",
          kind);
    case Status::kWrongLoop:
      return Fail(status, "the objects of this call belong to different loops; open them on one");
    case Status::kForked:
      return Fail(status,
                  "%s was made before fork() in the parent process; open a new loop here "
                  "(creche_loop_abandon forgets the old one)",
                  kind);
    case Status::kState:
      return Fail(status, "%s is not in a state that allows this call now", kind);
    case Status::kBusy:
      return Fail(status, "%s has live work in it; wait for it or cancel it", kind);
    case Status::kWouldDeadlock:
      return Fail(status,
                  "this call blocks and was made inside a callback or a loop's run, where it would "
                  "wait for itself; call it from another thread");
    case Status::kInterrupted:
      return Fail(status, "a signal arrived while waiting; call again");
    case Status::kTimeout:
      return Fail(status, "nothing happened in the time allowed");
    case Status::kNoMemory:
      return Fail(status, "no memory: free some or lower the limits, then try again");
    case Status::kInvalid:
      return Fail(status, "an argument is not allowed with %s here; see the function's text", kind);
    case Status::kSystem:
      return Fail(
          status,
          "the system gives nothing to wait with: raise the limit of descriptors, or let the "
          "sandbox allow eventfd, and ppoll or poll");
    case Status::kLimit:
      return Fail(status, "a limit is reached");
    case Status::kCancelled:
      return Fail(status, "%s was cancelled already: its deadline moves no more", kind);
    default:
      return Fail(status, "%s", StatusName(status));
  }
}

}  // namespace creche::capi

extern "C" const creche_error* creche_last_error(void) {
  return &creche::capi::last_error.error;
}

// creche/base.h: versions, routes, releasing completions, errors.
#include <creche/base.h>

#include "capi/guard.h"
#include "core/error.h"
#include "core/handles.h"
#include "tasks/completion.h"

using namespace creche;  // the C++ side of each name; C's are all creche_*

namespace {

const ErrorFields* Twin(const creche_error* error) {
  return reinterpret_cast<const ErrorFields*>(error);
}
const creche_error* Twin(const ErrorFields* fields) {
  return reinterpret_cast<const creche_error*>(fields);
}

}  // namespace

extern "C" {

uint32_t creche_version(void) {
  return CRECHE_VERSION_NUMBER;
}

#define CRECHE_TEXT(x) CRECHE_LINE_TEXT(x)
const char* creche_version_string(void) {
  return CRECHE_TEXT(CRECHE_VERSION_MAJOR) "." CRECHE_TEXT(CRECHE_VERSION_MINOR) "." CRECHE_TEXT(
      CRECHE_VERSION_PATCH);
}

const char* creche_status_name(creche_status status) {
  if (status <= -1000) return "a status of the user's";
  return StatusName(static_cast<Status>(status));
}

// Two functions that do nothing would do as one to a linker: they must differ to stay apart.
static volatile int routed;
void creche_to_group(void*, const creche_completion*) {
  routed = 1;
}
void creche_nobody(void*, const creche_completion*) {
  routed = 2;
}

void creche_completions_release(creche_completion* completions, size_t n) {
  capi::Release([&] {
    if (completions)
      tasks::ReleaseCompletions(reinterpret_cast<tasks::Completion*>(completions), n);
  });
}

void creche_value_release(uint64_t value) {
  capi::Release([&] { tasks::ReleaseValue(value); });
}

const char* creche_error_message(const creche_error* error) {
  return error ? error->message : "no error";
}

int32_t creche_error_is_retryable(const creche_error* error) {
  return error && (error->flags & CRECHE_ERROR_RETRYABLE) != 0;
}

const creche_error* creche_error_keep(const creche_error* error) {
  if (!error) return nullptr;
  if (error != creche_last_error()) {
    Error::Of(Twin(error))->AddRef();
    return error;
  }
  if (const Error* whole = capi::WholeLastError()) {
    whole->AddRef();
    return Twin(&whole->fields());
  }
  return capi::GuardOr<const creche_error*>(nullptr, [&] {
    ErrorRef copy = MakeError({.status = static_cast<Status>(error->status),
                               .message = error->message,
                               .flags = error->flags,
                               .system_errno = error->system_errno});
    return Twin(&copy.Leak()->fields());
  });
}

void creche_error_release(const creche_error* error) {
  const int saved = errno;
  if (error && error != creche_last_error()) Error::Of(Twin(error))->Unref();
  errno = saved;
}

creche_status creche_error_new(creche_status status, const char* message, void* cookie,
                               void (*cookie_free)(void* cookie), const creche_error* cause,
                               const creche_error** error) {
  return capi::Guard([&]() -> creche_status {
    if (!error)
      return capi::Fail(Status::kInvalid, "error is NULL: nowhere to store the new error");
    *error = nullptr;
    if (status != CRECHE_E_USER && status > -1000)
      return capi::Fail(Status::kInvalid,
                        "status is %d; a user's error is CRECHE_E_USER or -1000 and below", status);
    if (!message) return capi::Fail(Status::kInvalid, "message is NULL; say what happened");
    ErrorInfo info{.status = static_cast<Status>(status),
                   .phase = Phase::kTask,
                   .message = message,
                   .cookie = cookie};
    const creche_error* kept = creche_error_keep(cause);
    if (kept) info.cause = ErrorRef::Adopt(Error::Of(Twin(kept)));
    info.cookie_free = cookie_free;
    ErrorRef made = MakeError(std::move(info));
    if (made->status() == Status::kNoMemory)  // the cookie was not taken
      return capi::Explained(Status::kNoMemory, 0, "");
    *error = Twin(&made.Leak()->fields());
    return CRECHE_OK;
  });
}

size_t creche_error_flatten(const creche_error* error, const creche_error** leaves,
                            size_t capacity) {
  if (!error) return 0;
  return capi::GuardOr<size_t>(0, [&] {
    // Depth first, with a stack of our own: trees of errors may be deep.
    struct At {
      const creche_error* error;
      size_t next;
    };
    std::vector<At> stack{{error, 0}};
    size_t n = 0;
    while (!stack.empty()) {
      At& at = stack.back();
      if (at.error->children_count == 0) {
        if (leaves && n < capacity) leaves[n] = at.error;
        n++;
        stack.pop_back();
      } else if (at.next == at.error->children_count) {
        stack.pop_back();
      } else {
        const creche_error* child = at.error->children[at.next++];
        stack.push_back({child, 0});
      }
    }
    return n;
  });
}

}  // extern "C"

#include "core/error.h"

#include <cerrno>
#include <cstring>
#include <memory>
#include <new>

#include "core/utf8.h"
#include "platform/user_code.h"

namespace creche {

// The text and the references behind the pointers of an Error.
struct Error::Storage {
  ErrorInfo info;
  std::vector<const ErrorFields*> children;
};

constexpr Error Error::Immortal(Status status, Phase phase, const char* message) noexcept {
  return Error(ErrorFields{.size = sizeof(ErrorFields),
                           .flags = 0,
                           .status = static_cast<int32_t>(status),
                           .phase = static_cast<uint32_t>(phase),
                           .reason = 0,
                           .system_errno = 0,
                           .tls_verify = 0,
                           .http_status = 0,
                           .sqlstate = {},
                           .message = message,
                           .reason_text = nullptr,
                           .by = 0,
                           .cookie = nullptr,
                           .cause = nullptr,
                           .children = nullptr,
                           .children_count = 0,
                           .children_dropped = 0,
                           .server = {},
                           .server_position = 0,
                           .http_attempts = 0,
                           .http_body = nullptr,
                           .http_body_size = 0},
               true);
}

// Not retryable: where there is no memory for an answer, what was asked for may have been done.
constinit const Error Error::kNoMemory =
    Error::Immortal(Status::kNoMemory, Phase::kNone, "no memory: free some or lower the limits");
constinit const Error Error::kOutcomeUnknown =
    Error::Immortal(Status::kOutcomeUnknown, Phase::kCommit,
                    "COMMIT was not answered, or there was no memory for its answer: it may or may "
                    "not have been committed");

ErrorRef NoMemoryError() noexcept {
  return ErrorRef::Share(&Error::kNoMemory);
}
ErrorRef OutcomeUnknownError() noexcept {
  return ErrorRef::Share(&Error::kOutcomeUnknown);
}

ErrorRef MakeError(ErrorInfo info) noexcept {
  try {
    auto storage = std::make_unique<Error::Storage>();
    storage->info = std::move(info);
    MakeUtf8(&storage->info.message);
    MakeUtf8(&storage->info.reason_text);
    for (std::string& field : storage->info.server) MakeUtf8(&field);
    const ErrorInfo& i = storage->info;
    ErrorFields f{};
    f.size = sizeof(ErrorFields);
    f.flags = i.flags;
    f.status = static_cast<int32_t>(i.status);
    f.phase = static_cast<uint32_t>(i.phase);
    f.reason = static_cast<uint32_t>(i.reason);
    f.system_errno = i.system_errno;
    f.tls_verify = i.tls_verify;
    f.http_status = i.http_status;
    std::memcpy(f.sqlstate, i.sqlstate.data(), std::min(i.sqlstate.size(), sizeof f.sqlstate - 1));
    f.message = i.message.c_str();
    f.reason_text = i.reason_text.empty() ? nullptr : i.reason_text.c_str();
    f.by = i.by;
    f.cookie = i.cookie;
    f.cause = i.cause ? &i.cause->fields() : nullptr;
    for (const ErrorRef& child : i.children) storage->children.push_back(&child->fields());
    f.children = storage->children.empty() ? nullptr : storage->children.data();
    f.children_count = storage->children.size();
    f.children_dropped = i.children_dropped;
    for (int s = 0; s < kServerFields; s++)
      f.server[s] = i.server[s].empty() ? nullptr : i.server[s].c_str();
    f.server_position = i.server_position;
    f.http_attempts = i.http_attempts;
    if (i.status == Status::kHttpStatus) {
      f.http_body = i.http_body.c_str();
      f.http_body_size = i.http_body.size();
    }
    auto* error = new Error(f, false);
    error->storage_ = storage.release();
    return ErrorRef::Adopt(error);
  } catch (const std::bad_alloc&) {
    return NoMemoryError();
  }
}

ErrorRef MakeError(Status status, Phase phase, std::string_view message, uint32_t flags) noexcept {
  try {
    return MakeError(ErrorInfo{
        .status = status, .phase = phase, .message = std::string(message), .flags = flags});
  } catch (const std::bad_alloc&) {
    return NoMemoryError();
  }
}

ErrorRef MakeSystemError(Status status, Phase phase, const std::string& what, int errnum) noexcept {
  try {
    char text[128];
    return MakeError(ErrorInfo{.status = status,
                               .phase = phase,
                               .message = what + ": " + strerror_r(errnum, text, sizeof text),
                               .system_errno = errnum});
  } catch (const std::bad_alloc&) {
    return NoMemoryError();
  }
}

const char* SystemAdvice(int error) noexcept {
  switch (error) {
    case EPERM:
    case EACCES:
    case ENOSYS:
      return "no limit is the reason: a sandbox (seccomp) or an old kernel does not allow it";
    case ENOMEM:
      return "free some memory, or raise its limit";
    case ENOSPC:
      return "raise the limit of watched descriptors (fs.epoll.max_user_watches)";
    case EAGAIN:
      return "raise the limit of threads (RLIMIT_NPROC, the control group's pids.max)";
    case ECANCELED:
      return "the loop is closing";
    default:
      return "raise the limit of descriptors or threads";
  }
}

ErrorRef UnwatchedError(Phase phase, int why, uint32_t flags) noexcept {
  if (why == ENOMEM) return NoMemoryError();
  try {
    char text[128];
    return MakeError(ErrorInfo{.status = Status::kSystem,
                               .phase = phase,
                               .message = std::string("a connection cannot be watched: ") +
                                          strerror_r(why, text, sizeof text) + "; " +
                                          SystemAdvice(why),
                               .flags = flags,
                               .system_errno = why});
  } catch (const std::bad_alloc&) {
    return NoMemoryError();
  }
}

ErrorRef NoThreadError(Phase phase, const char* to_do, int why, uint32_t flags) noexcept {
  if (why == ENOMEM) return NoMemoryError();
  try {
    char text[128];
    return MakeError(ErrorInfo{.status = Status::kSystem,
                               .phase = phase,
                               .message = std::string("no thread could be had to ") + to_do + ": " +
                                          strerror_r(why, text, sizeof text) + "; " +
                                          SystemAdvice(why),
                               .flags = flags | kRetryable,
                               .system_errno = why});
  } catch (const std::bad_alloc&) {
    return NoMemoryError();
  }
}

void Error::AddRef() const noexcept {
  if (!immortal_) refs_.fetch_add(1, std::memory_order_relaxed);
}

bool Error::DropRef() const noexcept {
  return !immortal_ && refs_.fetch_sub(1, std::memory_order_acq_rel) == 1;
}

void Error::Unref() const noexcept {
  if (!DropRef()) return;
  // One after the other: trees of errors may be deep.
  const Error* dying = this;
  const auto drop = [&dying](ErrorRef& ref) {
    const Error* error = ref.Leak();
    if (!error || !error->DropRef()) return;
    error->next_dying_ = dying;
    dying = error;
  };
  while (dying) {
    const Error* error = dying;
    dying = error->next_dying_;
    ErrorInfo& info = error->storage_->info;
    for (ErrorRef& child : info.children) drop(child);
    drop(info.cause);
    if (info.cookie_free) platform::CallUser(info.cookie_free, info.cookie);
    delete error->storage_;
    delete error;
  }
}

}  // namespace creche

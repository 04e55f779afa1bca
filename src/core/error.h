// Error: what went wrong, immutable and counted. Its first member has the layout of creche_error
// (capi asserts it), so the C ABI hands out the very same pointer.
#pragma once
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/ref.h"
#include "core/status.h"

namespace creche {

// Twin of creche_error.
struct ErrorFields {
  uint32_t size;
  uint32_t flags;
  int32_t status;
  uint32_t phase;
  uint32_t reason;
  int32_t system_errno;
  int32_t tls_verify;
  uint32_t http_status;
  char sqlstate[8];
  const char* message;
  const char* reason_text;
  uint64_t by;
  void* cookie;
  const ErrorFields* cause;
  const ErrorFields* const* children;
  size_t children_count;
  size_t children_dropped;
  const char* server[11];  // severity, message, detail, hint, ... in the order of creche_error
  int32_t server_position;
  uint32_t http_attempts;
  const char* http_body;
  size_t http_body_size;
};

enum ErrorFlag : uint32_t { kRetryable = 1, kUnsent = 2 };

// Indexes of ErrorFields::server and ErrorInfo::server.
enum ServerField {
  kServerSeverity,
  kServerMessage,
  kServerDetail,
  kServerHint,
  kServerContext,
  kServerSchema,
  kServerTable,
  kServerColumn,
  kServerDatatype,
  kServerConstraint,
  kServerRoutine,
  kServerFields
};

class Error;
using ErrorRef = Ref<const Error>;

// What an Error is made from. Fill what applies: `MakeError({.status = ..., .phase = ..., ...})`.
struct ErrorInfo {
  Status status = Status::kInternal;
  Phase phase = Phase::kNone;
  std::string message = {};  // what happened and what to do, one line
  uint32_t flags = 0;        // ErrorFlag
  int system_errno = 0;
  int tls_verify = 0;
  uint32_t http_status = 0;
  uint32_t http_attempts = 0;
  std::string http_body = {};
  std::string sqlstate = {};
  std::array<std::string, kServerFields> server = {};
  int server_position = 0;
  Reason reason = Reason::kNone;
  std::string reason_text = {};
  uint64_t by = 0;
  ErrorRef cause = {};
  std::vector<ErrorRef> children = {};
  size_t children_dropped = 0;
  void* cookie = nullptr;
  void (*cookie_free)(void*) = nullptr;
};

class Error {
 public:
  const ErrorFields& fields() const noexcept { return fields_; }
  Status status() const noexcept { return static_cast<Status>(fields_.status); }
  Phase phase() const noexcept { return static_cast<Phase>(fields_.phase); }
  const char* message() const noexcept { return fields_.message; }
  bool retryable() const noexcept { return (fields_.flags & kRetryable) != 0; }

  void AddRef() const noexcept;
  void Unref() const noexcept;

  // The Error that these fields are part of. Only for fields that an Error handed out.
  static const Error* Of(const ErrorFields* fields) noexcept {
    return reinterpret_cast<const Error*>(fields);
  }

 private:
  friend ErrorRef MakeError(ErrorInfo info) noexcept;
  friend ErrorRef NoMemoryError() noexcept;
  friend ErrorRef OutcomeUnknownError() noexcept;
  struct Storage;
  constexpr Error(ErrorFields fields, bool immortal) : fields_(fields), immortal_(immortal) {}
  // Needs no memory.
  static constexpr Error Immortal(Status status, Phase phase, const char* message) noexcept;
  static const Error kNoMemory;
  static const Error kOutcomeUnknown;

  // True if that was the last reference.
  bool DropRef() const noexcept;

  ErrorFields fields_;  // first: see Of
  mutable std::atomic<uint32_t> refs_{1};
  bool immortal_;
  mutable const Error* next_dying_ = nullptr;
  Storage* storage_ = nullptr;  // what the pointers in fields_ point into
};

// Never null: with no memory left it is NoMemoryError().
ErrorRef MakeError(ErrorInfo info) noexcept;
ErrorRef NoMemoryError() noexcept;
// Of a COMMIT, where there is not even memory to say why. Never anything else: who is told "no
// memory" believes that it was not done.
ErrorRef OutcomeUnknownError() noexcept;

// The common short form. With a literal it may be called where nothing may be thrown, as the one
// above may not: its argument has a string of its own.
ErrorRef MakeError(Status status, Phase phase, std::string_view message,
                   uint32_t flags = 0) noexcept;
// What to do about an errno of a system call that gives something: "raise the limit of ...".
const char* SystemAdvice(int error) noexcept;
// No thread could be had to do something ("look up a name"); why: an errno. kNoMemory for ENOMEM,
// otherwise kSystem.
ErrorRef NoThreadError(Phase phase, const char* to_do, int why, uint32_t flags) noexcept;
// The system does not tell of a connection's descriptor what happens to it: kNoMemory for ENOMEM,
// otherwise kSystem.
ErrorRef UnwatchedError(Phase phase, int why, uint32_t flags = 0) noexcept;
// A failed system call: "<what>: <strerror>" with errno; kSystem unless another status fits better.
ErrorRef MakeSystemError(Status status, Phase phase, const std::string& what, int errnum) noexcept;

}  // namespace creche

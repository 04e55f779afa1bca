// The twins of the ABI's structs and numbers inside the library: asserted here, once.
#include <creche/creche.h>

#include "core/error.h"
#include "core/status.h"
#include "tasks/completion.h"
#include "tasks/context.h"
#include "tasks/operation.h"

namespace creche {

static_assert(sizeof(creche_error) == sizeof(ErrorFields));
static_assert(offsetof(creche_error, sqlstate) == offsetof(ErrorFields, sqlstate));
static_assert(offsetof(creche_error, message) == offsetof(ErrorFields, message));
static_assert(offsetof(creche_error, by) == offsetof(ErrorFields, by));
static_assert(offsetof(creche_error, children_dropped) == offsetof(ErrorFields, children_dropped));
static_assert(offsetof(creche_error, server_severity) ==
              offsetof(ErrorFields, server) + kServerSeverity * sizeof(char*));
static_assert(offsetof(creche_error, server_routine) ==
              offsetof(ErrorFields, server) + kServerRoutine * sizeof(char*));
static_assert(offsetof(creche_error, server_position) == offsetof(ErrorFields, server_position));
static_assert(offsetof(creche_error, http_body) == offsetof(ErrorFields, http_body));

using tasks::Completion;
static_assert(sizeof(creche_completion) == sizeof(Completion));
static_assert(sizeof(creche_completion) == 80);
static_assert(offsetof(creche_completion, flags) == offsetof(Completion, flags));
static_assert(offsetof(creche_completion, value) == offsetof(Completion, value));
static_assert(offsetof(creche_completion, data_size) == offsetof(Completion, data_size));
static_assert(offsetof(creche_completion, error) == offsetof(Completion, error));
static_assert(offsetof(creche_completion, task) == offsetof(Completion, task));
static_assert(offsetof(creche_completion, hold) == offsetof(Completion, hold));
static_assert(offsetof(creche_completion, reserved) == offsetof(Completion, place_id));

using tasks::ContextType;
static_assert(sizeof(creche_context) == sizeof(ContextType));
static_assert(offsetof(creche_context, clone) == offsetof(ContextType, clone));
static_assert(offsetof(creche_context, drop) == offsetof(ContextType, drop));

constexpr bool Same(Status a, int b) {
  return static_cast<int>(a) == b;
}
static_assert(Same(Status::kInvalid, CRECHE_E_INVALID) && Same(Status::kEnded, CRECHE_E_ENDED) &&
              Same(Status::kClosed, CRECHE_E_CLOSED) && Same(Status::kForked, CRECHE_E_FORKED) &&
              Same(Status::kSystem, CRECHE_E_SYSTEM) &&
              Same(Status::kInternal, CRECHE_E_INTERNAL) &&
              Same(Status::kCancelled, CRECHE_E_CANCELLED) && Same(Status::kUser, CRECHE_E_USER) &&
              Same(Status::kNotStarted, CRECHE_E_NOT_STARTED) && Same(Status::kUrl, CRECHE_E_URL) &&
              Same(Status::kRedirect, CRECHE_E_REDIRECT) && Same(Status::kProxy, CRECHE_E_PROXY) &&
              Same(Status::kHttpStatus, CRECHE_E_HTTP_STATUS) && Same(Status::kPg, CRECHE_E_PG) &&
              Same(Status::kType, CRECHE_E_TYPE) && Same(Status::kNull, CRECHE_E_NULL));
static_assert(static_cast<int>(Phase::kOptions) == CRECHE_PHASE_OPTIONS &&
              static_cast<int>(Phase::kQuery) == CRECHE_PHASE_QUERY &&
              static_cast<int>(Phase::kProxy) == CRECHE_PHASE_PROXY &&
              static_cast<int>(Phase::kBody) == CRECHE_PHASE_BODY);
static_assert(static_cast<int>(Reason::kMisnested) == CRECHE_REASON_MISNESTED &&
              static_cast<int>(Reason::kSibling) == CRECHE_REASON_SIBLING);
static_assert(static_cast<int>(tasks::What::kStalled) == CRECHE_STALLED &&
              static_cast<int>(tasks::What::kEvent) == CRECHE_EVENT &&
              static_cast<int>(tasks::What::kMessage) == CRECHE_MESSAGE &&
              static_cast<int>(tasks::What::kNotify) == CRECHE_NOTIFY &&
              static_cast<int>(tasks::What::kRows) == CRECHE_ROWS);
constexpr bool Same(uint32_t a, uint32_t b) {
  return a == b;
}
static_assert(Same(tasks::kMore, CRECHE_MORE) && Same(tasks::kOwned, CRECHE_OWNED) &&
              Same(tasks::kCaught, CRECHE_CAUGHT) && Same(tasks::kPassing, CRECHE_PASSING));
static_assert(Same(kRetryable, CRECHE_ERROR_RETRYABLE) && Same(kUnsent, CRECHE_ERROR_UNSENT));
static_assert(kNever == CRECHE_NEVER && kSecond == CRECHE_SECOND);

}  // namespace creche

// Call: what its failures mean for the user; and where a session's calls go, and end.
#include <algorithm>
#include <new>

#include "http/call.h"

namespace creche::http {

// Statuses that may be others soon.
static bool IsTransient(uint32_t status) {
  return status == 408 || status == 425 || status == 429 || (status >= 502 && status <= 504);
}

// Says where it happened, whether anything was sent, and whether it is worth and safe to try again.
ErrorRef Call::WithAdvice(ErrorRef error) const {
  const ErrorFields& fields = error->fields();
  const Status status = error->status();
  if (status == Status::kNoMemory) return error;
  const bool transient = error->retryable() || status == Status::kConnect ||
                         status == Status::kTimeout || status == Status::kDisconnected ||
                         status == Status::kTruncated || status == Status::kSystem ||
                         (status == Status::kHttpStatus && IsTransient(fields.http_status)) ||
                         (status == Status::kLimit && state_.attempt.phase == Phase::kPool);
  const bool sent = sent_any();
  const bool safe = !sent || (state_.repeatable && IsIdempotent(state_.request.method));
  try {
    const std::string where(state_.request.url.authority());
    std::string message = error->message();
    if (message.find(where) == std::string::npos) message = where + ": " + message;
    if (state_.attempts > 1)
      message += " (attempt " + std::to_string(state_.attempts) + " of " +
                 std::to_string(state_.request.retry_policy->attempts) + ")";
    return MakeError(
        {.status = status,
         .phase = error->phase() == Phase::kNone ? phase() : error->phase(),
         .message = std::move(message),
         .flags = (sent ? 0u : uint32_t{kUnsent}) | (transient && safe ? uint32_t{kRetryable} : 0u),
         .system_errno = fields.system_errno,
         .tls_verify = fields.tls_verify,
         .http_status = fields.http_status,
         .http_attempts = state_.attempts,
         .http_body = std::string(fields.http_body ? fields.http_body : "", fields.http_body_size),
         .cause = fields.cause ? ErrorRef::Share(Error::Of(fields.cause)) : ErrorRef()});
  } catch (const std::bad_alloc&) {
    return NoMemoryError();
  }
}

Route Calls::RouteOf(const Request& request) const {
  Route route{.url = request.url,
              .tls = tls,
              .way = request.way.get(),
              .protocols = request.protocols(),
              .watch = request.watch.get()};
  const Proxy* proxy = request.way ? request.way->proxy.get() : nullptr;
  const bool over_tls = request.url.https() || (proxy && proxy->kind == Proxy::Kind::kHttps);
  if (request.tls && over_tls) {
    route.tls = &request.tls->config;
    route.own_key = request.tls->KeyOf(route.key());
  }
  return route;
}

void Calls::FailAll(const ErrorRef& error) noexcept {
  while (Call* call = under_way.first()) call->Fail(error);
  while (Guest* guest = guests.first()) {
    guests.Remove(guest);
    guest->OnSessionClosed(error);
  }
}

}  // namespace creche::http

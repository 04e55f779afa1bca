#include "http/layer/stale_retry.h"

namespace creche::http {

// A server that gives a kept connection up may say so with a 408, which tells that it has not taken
// the request: it was on its way then. One that answers 421 does not want it on this connection.
Next StaleRetryLayer::OnResponse(CallState& call) const {
  const Attempt& attempt = call.attempt;
  const uint16_t status = call.head.status;
  const bool stale =
      ((status == 408 && call.head.ListHas(Known::kConnection, "close")) || status == 421) &&
      attempt.reused && !call.fresh && !attempt.pulled && call.request.retry;
  call.fresh = stale;
  return stale ? Next::kAgain : Next::kGo;
}

// What a server says that it has not begun with may be sent again, whatever it is.
Next StaleRetryLayer::OnFailure(CallState& call, const Error&) const noexcept {
  constexpr uint8_t kMostRefused = 3;
  const Attempt& attempt = call.attempt;
  if (attempt.unprocessed && !attempt.pulled && call.request.retry && call.refused < kMostRefused) {
    if (attempt.wants_http1 && (call.request.versions & kVersion1) == 0) return Next::kGo;
    if (attempt.wants_http1) call.request.versions = kVersion1;
    call.refused++;
    return Next::kAgain;
  }
  const bool stale =
      attempt.reused && attempt.broken && !attempt.answered && !attempt.pulled && !call.fresh;
  const bool once = attempt.sent == 0 || IsIdempotent(call.request.method);
  if (!stale || !once || !call.request.retry) return Next::kGo;
  call.fresh = true;
  return Next::kAgain;
}

}  // namespace creche::http

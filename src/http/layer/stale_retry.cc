#include "http/layer/stale_retry.h"

namespace creche::http {

Next StaleRetryLayer::OnResponse(CallState& call) const {
  call.fresh = false;
  return Next::kGo;
}

Next StaleRetryLayer::OnFailure(CallState& call, const Error&) const noexcept {
  const Attempt& attempt = call.attempt;
  const bool stale =
      attempt.reused && attempt.broken && !attempt.answered && !attempt.pulled && !call.fresh;
  const bool once = attempt.sent == 0 || IsIdempotent(call.request.method);
  if (!stale || !once || !call.request.retry) return Next::kGo;
  call.fresh = true;
  return Next::kAgain;
}

}  // namespace creche::http

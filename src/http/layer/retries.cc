#include "http/layer/retries.h"

#include <algorithm>
#include <ctime>

#include "http/retry_after.h"

namespace creche::http {

namespace {

bool MayPass(const CallState& call, const Error& error) noexcept {
  if (call.attempt.phase == Phase::kPool) return false;  // more of the same would not help
  switch (error.status()) {
    case Status::kConnect:
    case Status::kDisconnected:
    case Status::kTruncated:
    case Status::kTimeout:
      return true;
    default:
      return error.retryable();
  }
}

}  // namespace

Next RetriesLayer::OnRequest(CallState& call) const {
  const RetryPolicy* policy = call.request.retry_policy.get();
  if (policy && call.attempts == 0) {
    call.attempts = 1;
    budget_.Earn(policy->budget);
  }
  return Next::kGo;
}

// Whether nothing can happen twice, and the body is still there.
bool RetriesLayer::MayBeRepeated(const CallState& call) const noexcept {
  const Request& request = call.request;
  if (call.attempts >= request.retry_policy->attempts || !request.retry) return false;
  if (call.attempt.pulled) return false;
  return call.attempt.sent == 0 || call.attempt.unprocessed || IsIdempotent(request.method) ||
         request.retry_policy->any_method || request.headers.Has("Idempotency-Key");
}

Next RetriesLayer::Again(CallState& call, Nanos wait) const noexcept {
  const Nanos at = After(call.now, wait);
  if (at >= call.deadline) return Next::kGo;
  if (call.request.retry_policy->bounded && !budget_.Spend(call.now)) {
    counters_.retries_denied.Add();
    call.retry_denied = true;
    return Next::kGo;
  }
  counters_.attempts.Add();
  call.attempts++;
  call.again_at = at;
  call.fresh = false;
  return Next::kAgain;
}

Next RetriesLayer::OnResponse(CallState& call) const {
  const RetryPolicy* policy = call.request.retry_policy.get();
  if (!policy || call.head.status < 400 || !policy->Retries(call.head.status) ||
      !MayBeRepeated(call))
    return Next::kGo;
  if (policy->max_retry_after > 0) {
    const auto field = [&](std::string_view name) {
      const size_t index = call.head.IndexOf(name);
      return index < call.head.size() ? call.head.at(index).value : std::string_view();
    };
    const auto asked = ReadRetryAfter(field("Retry-After"), field("Date"), std::time(nullptr));
    if (asked) return Again(call, std::min(*asked, policy->max_retry_after));
  }
  return Again(call, Backoff(call));
}

Nanos RetriesLayer::Backoff(const CallState& call) const noexcept {
  const RetryPolicy& policy = *call.request.retry_policy;
  const Nanos most = policy.Backoff(call.attempts);
  return policy.jitter ? budget_.UpTo(most) : most;
}

Next RetriesLayer::OnFailure(CallState& call, const Error& error) const noexcept {
  if (!call.request.retry_policy || call.announced || !MayPass(call, error) || !MayBeRepeated(call))
    return Next::kGo;
  return Again(call, Backoff(call));
}

}  // namespace creche::http

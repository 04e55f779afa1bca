// retries: tries again what a policy says, and later: failures that may pass, and statuses that say
// so, if nothing can happen twice.
#pragma once
#include "http/counters.h"
#include "http/layer/layer.h"
#include "http/retry_budget.h"

namespace creche::http {

class RetriesLayer final : public Layer {
 public:
  // Both must outlive all calls.
  RetriesLayer(Counters& counters, RetryBudget& budget) : counters_(counters), budget_(budget) {}
  Next OnRequest(CallState& call) const override;
  Next OnResponse(CallState& call) const override;
  Next OnFailure(CallState& call, const Error& error) const noexcept override;

 private:
  bool MayBeRepeated(const CallState& call) const noexcept;
  Nanos Backoff(const CallState& call) const noexcept;
  Next Again(CallState& call, Nanos wait) const noexcept;

  Counters& counters_;
  RetryBudget& budget_;
};

}  // namespace creche::http

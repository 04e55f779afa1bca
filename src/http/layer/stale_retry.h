// stale_retry: a kept connection may have died just before the request came. If nothing can happen
// twice, the request goes over a new one, once.
#pragma once
#include "http/layer/layer.h"

namespace creche::http {

class StaleRetryLayer final : public Layer {
 public:
  Next OnResponse(CallState& call) const override;
  Next OnFailure(CallState& call, const Error& error) const noexcept override;
};

}  // namespace creche::http

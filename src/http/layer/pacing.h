// pacing: no more requests to a host in a time than the session allows; each attempt counts, and
// each hop.
#pragma once
#include "http/host_rate.h"
#include "http/layer/layer.h"

namespace creche::http {

class PacingLayer final : public Layer {
 public:
  // rate: must outlive all calls; not null where the layer is asked.
  explicit PacingLayer(const std::unique_ptr<HostRate>& rate) : rate_(rate) {}
  Next OnRequest(CallState& call) const override {
    if (!call.held) return Next::kGo;  // a warm-up sends nothing
    if (std::exchange(call.passed, false)) return Next::kGo;
    return rate_->Take(call.request.url.origin(), call.held, &call.hold) ? Next::kGo : Next::kHold;
  }

 private:
  const std::unique_ptr<HostRate>& rate_;
};

}  // namespace creche::http

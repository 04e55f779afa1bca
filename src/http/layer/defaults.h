// defaults: what the session says of all its requests.
#pragma once
#include "http/layer/layer.h"

namespace creche::http {

class DefaultsLayer final : public Layer {
 public:
  // defaults: must outlive all calls.
  DefaultsLayer(const RequestDefaults& defaults, uint32_t max_head)
      : defaults_(defaults), max_head_(max_head) {}
  Next OnRequest(CallState& call) const override {
    call.request.defaults = &defaults_;
    call.request.max_head = max_head_;
    return Next::kGo;
  }

 private:
  const RequestDefaults& defaults_;
  const uint32_t max_head_;
};

}  // namespace creche::http

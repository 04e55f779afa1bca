// routing: by which way each attempt goes. Chosen anew for each hop.
#pragma once
#include "http/layer/layer.h"
#include "http/route_plan.h"

namespace creche::http {

class RoutingLayer final : public Layer {
 public:
  // plan: must outlive all calls.
  explicit RoutingLayer(const RoutePlan& plan) : plan_(plan) {}
  Next OnRequest(CallState& call) const override {
    return plan_.straight() && !call.request.route.any() ? Next::kGo : Choose(call);
  }

 private:
  Next Choose(CallState& call) const;
  const RoutePlan& plan_;
};

}  // namespace creche::http

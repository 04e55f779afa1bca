// middleware: stops each attempt until the session's middleware has been asked about it
// (call_turns.cc). Behind what makes another request of it, before what looks something up for it.
#pragma once
#include "http/layer/layer.h"

namespace creche::http {

class MiddlewareLayer final : public Layer {
 public:
  Next OnRequest(CallState& call) const override {
    if (!call.held || call.decided) return Next::kGo;  // a warm-up sends nothing
    call.undecided = true;
    return Next::kHold;
  }
};

}  // namespace creche::http

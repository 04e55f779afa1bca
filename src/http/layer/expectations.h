// expectations: a server that knows no 100-continue says 417: the request is made once more
// without.
#pragma once
#include "http/layer/layer.h"

namespace creche::http {

class ExpectationsLayer final : public Layer {
 public:
  Next OnResponse(CallState& call) const override {
    Request& request = call.request;
    if (call.head.status != 417 || !request.expect || call.attempt.pulled) return Next::kGo;
    request.expect = false;
    request.headers.Drop(Bit(Known::kExpect));
    request.withheld |= Bit(Known::kExpect);
    return Next::kAgain;
  }
};

}  // namespace creche::http

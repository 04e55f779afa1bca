// decoding: offers the codings that can be undone, and undoes what an answer says of its body.
#pragma once
#include "http/layer/layer.h"

namespace creche::http {

class DecodingLayer final : public Layer {
 public:
  Next OnRequest(CallState& call) const override {
    call.request.accept_codings = call.request.decode;
    return Next::kGo;
  }
  Next OnResponse(CallState& call) const override {
    if (call.request.decode && call.has_body) call.decoder = MakeDecoder(call.head);
    return Next::kGo;
  }
};

}  // namespace creche::http

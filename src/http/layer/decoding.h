// decoding: offers the codings that can be undone, and undoes what an answer says of its body.
#pragma once
#include "http/body/bounded_decoder.h"
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
    if (call.decoder && call.request.max_expansion != 0)
      call.decoder =
          std::make_unique<BoundedDecoder>(std::move(call.decoder), call.request.max_expansion);
    return Next::kGo;
  }
};

}  // namespace creche::http

// redirects: goes where an answer says, if the request wants that and may.
#pragma once
#include "http/layer/layer.h"

namespace creche::http {

class RedirectsLayer final : public Layer {
 public:
  Next OnRequest(CallState& call) const override;
  Next OnResponse(CallState& call) const override;
};

}  // namespace creche::http

#include "http/layer/cookies.h"

namespace creche::http {

void ReceiveCookiesLayer::Receive(const CallState& call) const {
  for (size_t i = 0; i < call.head.size(); i++)
    if (call.head.known(i) == Known::kSetCookie)
      jar_->Receive(call.request.url, call.head.at(i).value);
}

}  // namespace creche::http

#include "http/layer/redirects.h"

namespace creche::http {

Next RedirectsLayer::OnResponse(CallState& call) const {
  call.redirected = call.request.IsRedirected(call.head);
  return call.redirected ? Next::kAgain : Next::kGo;
}

// Not before: until then the exchange may send what is still the request.
Next RedirectsLayer::OnRequest(CallState& call) const {
  if (!call.redirected) return Next::kGo;
  call.redirected = false;
  call.repeatable = call.repeatable && IsIdempotent(call.request.method);
  if (auto r = call.request.Redirect(call.head, call.body_gone); !r.ok()) {
    call.failure = r.error();
    return Next::kFail;
  }
  if (call.request.watch) call.request.watch->Redirected(call.request, call.head.status);
  return Next::kGo;
}

}  // namespace creche::http

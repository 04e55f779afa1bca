// cookies: takes what answers set, and gives what belongs to each request. Two layers, as the one
// has to see each answer and the other where a redirect leads.
#pragma once
#include "http/cookies/cookie_jar.h"
#include "http/layer/layer.h"

namespace creche::http {

class ReceiveCookiesLayer final : public Layer {
 public:
  // jar: must outlive all calls; null where the layer is asked nothing.
  explicit ReceiveCookiesLayer(CookieJar* jar) : jar_(jar) {}
  Next OnResponse(CallState& call) const override {
    if (call.request.cookies && call.head.Has(Known::kSetCookie)) Receive(call);
    return Next::kGo;
  }

 private:
  void Receive(const CallState& call) const;
  CookieJar* const jar_;
};

class SendCookiesLayer final : public Layer {
 public:
  explicit SendCookiesLayer(CookieJar* jar) : jar_(jar) {}
  Next OnRequest(CallState& call) const override {
    if (call.request.cookies) call.request.jar_cookies = jar_->For(call.request.url);
    return Next::kGo;
  }

 private:
  CookieJar* const jar_;
};

}  // namespace creche::http

// auth: shows servers, and proxies that forward, who the user is, and answers what they ask of
// that, once. Never across origins.
#pragma once
#include "http/auth/auth_memory.h"
#include "http/auth/netrc.h"
#include "http/layer/layer.h"

namespace creche::http {

class AuthLayer final : public Layer {
 public:
  // memory, netrc: must outlive all calls.
  AuthLayer(AuthMemory& memory, const Netrc& netrc) : memory_(memory), netrc_(netrc) {}
  Next OnRequest(CallState& call) const override {
    return call.request.login || call.request.to_proxy || !netrc_.empty() ? Show(call) : Next::kGo;
  }
  Next OnResponse(CallState& call) const override {
    return call.head.status == 401 || call.head.status == 407 ? Asked(call) : Next::kGo;
  }

  // A token has come: those who wait for it are to go on next. May throw bad_alloc.
  void Given(TokenAsks::Ask& ask) const;

 private:
  Next Show(CallState& call) const;
  Next Asked(CallState& call) const;
  const Credentials* OfNetrc(const Request& request) const;
  bool AskedByServer(CallState& call) const;
  bool AnotherToken(CallState& call) const;
  Next ShowToken(CallState& call) const;
  bool AskedByProxy(CallState& call) const;
  static constexpr size_t kMaxToken = 16 << 10;
  AuthMemory& memory_;
  const Netrc& netrc_;
};

}  // namespace creche::http

// TunnelAuth: what a CONNECT says, and says again to a proxy that asks for Digest.
#pragma once
#include <string>
#include <string_view>

#include "http/auth/digest.h"
#include "http/proxy.h"

namespace creche::http {

class TunnelAuth {
 public:
  // target: "host:port".
  TunnelAuth(ProxyRef proxy, std::string target)
      : proxy_(std::move(proxy)), target_(std::move(target)) {}
  // The head to begin with, on each new connection.
  std::string Opening();
  // After a status and a head: whether to begin anew, with another answer.
  bool Again(int status, std::string_view head);

 private:
  std::string Head(std::string_view authorization) const;
  const ProxyRef proxy_;
  const std::string target_;
  Digest digest_;  // once it was asked for
  bool asked_ = false;
  bool stale_ = false;  // its nonce has become old once
};

}  // namespace creche::http

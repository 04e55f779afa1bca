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
  // The head to begin with.
  std::string First() const { return Head({}); }
  // After a status and a head: another head, or "" for nothing more.
  std::string Again(int status, std::string_view head);

 private:
  std::string Head(std::string_view authorization) const;
  const ProxyRef proxy_;
  const std::string target_;
  bool asked_ = false;
};

}  // namespace creche::http

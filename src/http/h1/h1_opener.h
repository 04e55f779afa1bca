// H1Opener: makes connections that speak HTTP/1.1: name, TCP, TLS where the route says so.
#pragma once
#include "core/connect/connector.h"
#include "core/resolver.h"
#include "http/io_context.h"
#include "http/opener.h"

namespace creche::http {

class H1Opener final : public Opener {
 public:
  H1Opener(IoContext& io, Resolver& resolver) : io_(io), resolver_(resolver) {}
  std::unique_ptr<Opening> Open(const Route& route, const Timeouts& timeouts,
                                Listener* listener) override;

 private:
  class H1Opening;
  IoContext& io_;
  Resolver& resolver_;
};

}  // namespace creche::http

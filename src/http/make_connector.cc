#include "http/make_connector.h"

#include "core/connect/dial_step.h"
#include "core/connect/resolve_step.h"
#include "core/connect/tls_step.h"

namespace creche::http {

std::unique_ptr<Connector> MakeConnector(Loop& loop, Resolver& resolver, TlsConfig& tls,
                                         const Url& url, const Timeouts& timeouts,
                                         Connector::Listener* listener) {
  using Limit = ConnectStep::Limit;
  Connecting start{
      .host = url.dial_host(), .port = url.port(), .authority = std::string(url.authority())};
  Connector::Steps steps;
  steps.push_back(std::make_unique<ResolveStep>(resolver, Limit{timeouts.dns, "timeouts.dns"}));
  steps.push_back(
      std::make_unique<DialStep>(loop, resolver, Limit{timeouts.connect, "timeouts.connect"}));
  if (url.https())
    steps.push_back(std::make_unique<TlsStep>(loop, tls, start.host, start.port,
                                              Limit{timeouts.tls, "timeouts.tls"}));
  return std::make_unique<Connector>(loop, std::move(start), std::move(steps), listener);
}

}  // namespace creche::http

#include "http/client.h"

#include "http/call.h"

namespace creche::http {

Client::Client(Loop& l, const SessionSettings& settings, Layers list, TlsContextRef made,
               Counters& count)
    : loop(l),
      layers(list),
      counters(count),
      io(l, count),
      resolver(l, l.workers(WorkKind::kDns), Resolver::Options{.ttl = settings.dns_ttl}),
      tls(l, settings.tls(), std::move(made)),
      pool(l, settings.limits, count) {}

Client::~Client() = default;

void Client::FailAll(const ErrorRef& error) noexcept {
  while (Call* call = calls.first()) call->Fail(error);
}

}  // namespace creche::http

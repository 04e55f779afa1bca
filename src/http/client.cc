#include "http/client.h"

#include "http/exchange.h"

namespace creche::http {

Client::Client(Loop& l, const SessionSettings& set, TlsContextRef made, Counters& count)
    : loop(l),
      settings(set),
      counters(count),
      resolver(l, l.workers(WorkKind::kDns), Resolver::Options{.ttl = set.dns_ttl}),
      tls(l, set.tls(), std::move(made)),
      pool(l, set.limits, count),
      scratch(new char[kScratch]) {}

void Client::Add(Exchange* exchange) noexcept {
  exchange->next_ = exchanges_;
  exchange->prev_ = nullptr;
  if (exchanges_) exchanges_->prev_ = exchange;
  exchanges_ = exchange;
}

void Client::Remove(Exchange* exchange) noexcept {
  (exchange->prev_ ? exchange->prev_->next_ : exchanges_) = exchange->next_;
  if (exchange->next_) exchange->next_->prev_ = exchange->prev_;
}

void Client::FailAll(const ErrorRef& error) noexcept {
  while (exchanges_) exchanges_->Fail(error);
}

}  // namespace creche::http

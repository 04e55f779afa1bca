#include "core/resolver.h"

#include <algorithm>
#include <new>
#include <utility>

#include "core/errand.h"
#include "core/host_name.h"

namespace creche {

namespace {

// Addresses for one connection: with its port, and the turn-th of each family first, so that
// connections spread over the addresses of a server while the order of families stays.
Addresses Serve(const Addresses& all, uint16_t port, size_t turn) {
  Addresses served = all;
  for (const int family : {AF_INET, AF_INET6}) {
    std::vector<size_t> places;
    for (size_t i = 0; i < all.size(); i++)
      if (all[i].family() == family) places.push_back(i);
    for (size_t i = 0; i < places.size(); i++)
      served[places[i]] = all[places[(i + turn) % places.size()]];
  }
  for (platform::Address& address : served) address.set_port(port);
  return served;
}

// A host for a message: whatever came in a URL, made harmless.
std::string Quoted(std::string_view host) {
  std::string text = "\"" + std::string(host.substr(0, 80));
  for (char& c : text)
    if (c < ' ' || c > '~') c = '?';
  return text + (host.size() > 80 ? "...\"" : "\"");
}

ErrorRef NotAName(std::string_view host, const std::string& wrong) {
  return MakeError({.status = Status::kUrl,
                    .phase = Phase::kDns,
                    .message = Quoted(host) + " cannot be a host: " + wrong,
                    .flags = kUnsent});
}

ErrorRef NotFound(std::string_view host, const platform::Resolved& failure) {
  const bool temporary = platform::ResolveErrorIsTemporary(failure);
  return MakeError({.status = Status::kDns,
                    .phase = Phase::kDns,
                    .message = "the name " + Quoted(host) +
                               " could not be resolved: " + platform::ResolveErrorText(failure) +
                               (temporary ? "; try again later" : "; is it spelled correctly?"),
                    .flags = kUnsent | (temporary ? uint32_t{kRetryable} : 0u),
                    .system_errno = failure.eai});
}

}  // namespace

void Resolver::Link::InsertBefore(Link* place) noexcept {
  next = place;
  prev = place->prev;
  prev->next = place->prev = this;
}

void Resolver::Link::Unlink() noexcept {
  if (!next) return;
  prev->next = next;
  next->prev = prev;
  next = prev = nullptr;
}

class Resolver::Lookup : public Errand {
 public:
  Lookup(Resolver* resolver, std::string name)
      : Errand(resolver->loop_, resolver->workers_),
        resolver_(resolver),
        name_(std::move(name)),
        look_up_(resolver->options_.look_up) {
    waiting_.next = waiting_.prev = &waiting_;
  }

  // The resolver goes: nobody waits any more.
  void GiveUp() noexcept {
    Abandon();
    while (waiting_.next != &waiting_) waiting_.next->Unlink();
  }

 private:
  friend class Resolver;
  void Work() noexcept override { found_ = look_up_(name_); }
  void Done() noexcept override { resolver_->Finish(this); }

  Resolver* const resolver_;  // until it gives up
  const std::string name_;
  platform::Resolved (*const look_up_)(const std::string&) noexcept;
  platform::Resolved found_;  // the worker's until Done
  Link waiting_;              // the ring of those who wait; loop's thread
};

Resolver::Resolver(Loop& loop, Workers& workers, const Options& options)
    : loop_(loop), workers_(workers), options_(options) {}

Resolver::~Resolver() {
  for (auto& [name, lookup] : running_) lookup->GiveUp();
}

std::optional<Result<Addresses>> Resolver::Resolve(std::string_view host, uint16_t port,
                                                   Query* query) noexcept {
  try {
    if (const auto literal = platform::Address::Literal(host)) return Serve({*literal}, port, 0);
    if (const std::string wrong = WhatIsWrongWithHostName(host); !wrong.empty())
      return NotAName(host, wrong);
    std::string name(host);
    for (char& c : name)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (Entry* entry = FindCached(name))
      return Serve(entry->addresses, port, options_.spread ? entry->uses++ : 0);
    return Ask(std::move(name), port, query);
  } catch (const std::bad_alloc&) {
    return NoMemoryError();
  }
}

std::optional<Result<Addresses>> Resolver::Ask(std::string name, uint16_t port, Query* query) {
  Ref<Lookup>& lookup = running_[name];
  if (!lookup) {
    bool sent = false;
    try {
      lookup = MakeRef<Lookup>(this, name);
      sent = lookup->Go();
    } catch (const std::bad_alloc&) {
    }
    if (!sent) {
      running_.erase(name);
      return MakeError({.status = Status::kSystem,
                        .phase = Phase::kDns,
                        .message = "no thread could be had to look up a name: too many threads in "
                                   "this process, no memory, or the loop is closing",
                        .flags = kUnsent | kRetryable,
                        .system_errno = EAGAIN});
    }
    lookups_++;
  }
  query->port_ = port;
  query->link_.InsertBefore(&lookup->waiting_);
  return std::nullopt;
}

Resolver::Entry* Resolver::FindCached(const std::string& name) {
  const auto found = cache_.find(name);
  if (found == cache_.end()) return nullptr;
  const Lru::iterator entry = found->second;
  if (entry->expires > loop_.now()) {
    lru_.splice(lru_.begin(), lru_, entry);
    return &*entry;
  }
  cache_.erase(found);
  lru_.erase(entry);
  return nullptr;
}

void Resolver::Keep(const std::string& name, const Addresses& addresses) {
  if (options_.ttl <= 0 || options_.max_entries == 0) return;
  if (lru_.size() >= options_.max_entries) {
    cache_.erase(lru_.back().name);
    lru_.pop_back();
  }
  lru_.push_front({name, addresses, After(loop_.now(), options_.ttl), 1});
  try {
    cache_.emplace(lru_.front().name, lru_.begin());
  } catch (const std::bad_alloc&) {
    lru_.pop_front();
  }
}

void Resolver::Finish(Lookup* lookup) noexcept {
  const platform::Resolved& found = lookup->found_;  // `lookup` lives as long as this call
  ErrorRef error;
  try {
    if (found.eai != 0)
      error = NotFound(lookup->name_, found);
    else
      Keep(lookup->name_, found.addresses);
  } catch (const std::bad_alloc&) {
    if (found.eai != 0) error = NoMemoryError();
  }
  running_.erase(lookup->name_);
  // From here on `this` may go: those who wait now hang on `lookup` alone, and nobody is added.
  size_t turn = 0;
  while (lookup->waiting_.next != &lookup->waiting_) {
    Query* query = lookup->waiting_.next->query;
    query->Cancel();
    Result<Addresses> answer(error);
    try {
      if (!error) answer = Serve(found.addresses, query->port_, options_.spread ? turn++ : 0);
    } catch (const std::bad_alloc&) {
      answer = NoMemoryError();
    }
    query->OnResolved(std::move(answer));
  }
}

void Resolver::ClearCache() noexcept {
  cache_.clear();
  lru_.clear();
}

}  // namespace creche

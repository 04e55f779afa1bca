#include "core/resolver.h"

#include <algorithm>
#include <cerrno>
#include <new>
#include <utility>

#include "core/host_name.h"
#include "core/worker_call.h"

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

std::string Lowered(std::string_view host) {
  std::string name(host);
  for (char& c : name)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return name;
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

// Kept alive by the resolver, and by the worker and then the job on its way back.
class Resolver::Lookup : public WorkerCall {
 public:
  Lookup(Resolver* resolver, std::string name)
      : WorkerCall(resolver->loop_, resolver->workers_),
        resolver_(resolver),
        name_(std::move(name)),
        timer_(
            resolver->loop_,
            [](void* self) noexcept {
              auto* lookup = static_cast<Lookup*>(self);
              lookup->resolver_->Expire(lookup);
            },
            this),
        look_up_(resolver->options_.look_up) {}

  // The resolver goes: nobody waits any more.
  void GiveUp() noexcept {
    Stop();
    while (Query* query = waiting_.first()) query->Cancel();
  }
  // Nobody waits any more: one that has not begun is not worth its thread.
  void Deserted() noexcept {
    if (!waiting_.empty() || !TakeBack()) return;
    timer_.Disarm();
    resolver_->running_.erase(resolver_->running_.find(name_));
  }

 private:
  friend class Resolver;
  void Stop() noexcept {
    Abandon();
    timer_.Disarm();
  }
  void Work() noexcept override { found_ = look_up_(name_); }
  void Done() noexcept override { resolver_->Finish(this); }

  Resolver* const resolver_;  // until it gives up
  const std::string name_;
  Timer timer_;
  platform::Resolved (*const look_up_)(const std::string&) noexcept;
  platform::Resolved found_;  // the worker's until Done
  List<Query> waiting_;       // loop's thread
};

void Resolver::Query::Cancel() noexcept {
  List<Query>::Remove(this);
  if (Lookup* lookup = std::exchange(lookup_, nullptr)) lookup->Deserted();
}

Resolver::Resolver(Loop& loop, Workers& workers, const Options& options)
    : loop_(loop), workers_(workers), options_(options) {}

Resolver::~Resolver() {
  const auto running = std::move(running_);
  running_.clear();
  for (auto& [name, lookup] : running) lookup->GiveUp();
}

std::optional<Result<Addresses>> Resolver::Resolve(std::string_view host, uint16_t port,
                                                   Query* query) noexcept {
  try {
    if (const auto literal = platform::Address::Literal(host)) return Serve({*literal}, port, 0);
    if (const std::string wrong = WhatIsWrongWithHostName(host); !wrong.empty())
      return NotAName(host, wrong);
    std::string name = Lowered(host);
    // 127.0.0.1 first: most of what listens on this machine only listens there.
    if (IsLocalhost(name))
      return Serve({*platform::Address::Literal("127.0.0.1"), *platform::Address::Literal("::1")},
                   port, 0);
    Entry* entry = FindCached(name);
    if (entry && entry->missing) return entry->missing;
    if (entry) return Serve(entry->addresses, port, options_.spread ? entry->uses++ : 0);
    return Ask(std::move(name), port, query);
  } catch (const std::bad_alloc&) {
    return NoMemoryError();
  }
}

std::optional<Result<Addresses>> Resolver::Ask(std::string name, uint16_t port, Query* query) {
  Ref<Lookup>& lookup = running_[name];
  if (!lookup) {
    int why = ENOMEM;
    try {
      lookup = MakeRef<Lookup>(this, name);
      const Nanos until = After(loop_.now(), options_.deadline);
      if (lookup->timer_.Arm(until)) why = lookup->Start() ? 0 : lookup->start_errno();
    } catch (const std::bad_alloc&) {
    }
    if (why != 0) {
      running_.erase(name);
      return NoThreadError(Phase::kDns, "look up a name", why, kUnsent);
    }
    if (options_.lookups) options_.lookups->Add();
  }
  query->port_ = port;
  lookup->waiting_.PushBack(query);
  query->lookup_ = lookup.get();
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
  if (!entry->missing && After(entry->expires, options_.stale) > loop_.now()) return nullptr;
  cache_.erase(found);
  lru_.erase(entry);
  return nullptr;
}

void Resolver::Keep(const std::string& name, const Addresses& addresses, const ErrorRef& missing) {
  const Nanos ttl = missing ? std::min(options_.ttl, options_.missing_ttl) : options_.ttl;
  if (ttl <= 0 || options_.max_entries == 0) return;
  Forget(name);  // what has become old
  if (lru_.size() >= options_.max_entries) {
    cache_.erase(lru_.back().name);
    lru_.pop_back();
  }
  lru_.push_front({name, addresses, missing, After(loop_.now(), ttl), 1});
  try {
    cache_.emplace(lru_.front().name, lru_.begin());
  } catch (const std::bad_alloc&) {
    lru_.pop_front();
  }
}

// An old answer is better than none, where that is allowed.
bool Resolver::TakeStale(Lookup* lookup) {
  const auto kept = cache_.find(lookup->name_);
  if (options_.stale <= 0 || kept == cache_.end() || kept->second->missing ||
      After(kept->second->expires, options_.stale) <= loop_.now())
    return false;
  lookup->found_.addresses = kept->second->addresses;
  return true;
}

void Resolver::Finish(Lookup* lookup) noexcept {
  const platform::Resolved& found = lookup->found_;  // `lookup` lives as long as this call
  ErrorRef error;
  try {
    const bool temporary = found.eai != 0 && platform::ResolveErrorIsTemporary(found);
    if (found.eai != 0 && !(temporary && TakeStale(lookup))) error = NotFound(lookup->name_, found);
    if (!temporary) Keep(lookup->name_, found.addresses, error);
  } catch (const std::bad_alloc&) {
    if (found.eai != 0) error = NoMemoryError();
  }
  Tell(lookup, error);
}

void Resolver::Expire(Lookup* lookup) noexcept {
  const auto keep = Ref<Lookup>::Share(lookup);
  lookup->Stop();
  ErrorRef error = NoMemoryError();
  try {
    error = MakeError({.status = Status::kDns,
                       .phase = Phase::kDns,
                       .message = "the name " + Quoted(lookup->name_) + " was not resolved in " +
                                  std::to_string(options_.deadline / kSecond) +
                                  " s: no server of the resolver answers; try again later",
                       .flags = kUnsent | kRetryable});
  } catch (const std::bad_alloc&) {
  }
  Tell(lookup, error);
}

// error: null: the addresses that were found. `lookup` is kept alive by the caller.
void Resolver::Tell(Lookup* lookup, const ErrorRef& error) noexcept {
  const platform::Resolved& found = lookup->found_;  // not looked at after an error
  lookup->timer_.Disarm();
  running_.erase(running_.find(lookup->name_));
  const bool spread = options_.spread;
  // From here on `this` may go: those who wait now hang on `lookup` alone, and nobody is added.
  size_t turn = 0;
  while (Query* query = lookup->waiting_.PopFront()) {
    query->lookup_ = nullptr;
    Result<Addresses> answer(error);
    try {
      if (!error) answer = Serve(found.addresses, query->port_, spread ? turn++ : 0);
    } catch (const std::bad_alloc&) {
      answer = NoMemoryError();
    }
    query->OnResolved(std::move(answer));
  }
}

void Resolver::Forget(std::string_view host) noexcept {
  try {
    const auto found = cache_.find(Lowered(host));
    if (found == cache_.end()) return;
    const Lru::iterator entry = found->second;
    cache_.erase(found);
    lru_.erase(entry);
  } catch (const std::bad_alloc&) {
  }
}

void Resolver::ClearCache() noexcept {
  cache_.clear();
  lru_.clear();
}

}  // namespace creche

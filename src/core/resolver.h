// Resolver: host names to addresses without blocking the loop, with a cache. Equal names that are
// asked for at the same time share one look-up. Loop's thread only.
#pragma once
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/address_history.h"
#include "core/counter.h"
#include "core/list.h"
#include "core/loop.h"
#include "core/result.h"
#include "core/workers.h"
#include "platform/address.h"
#include "platform/resolve.h"

namespace creche {

using Addresses = std::vector<platform::Address>;

class Resolver {
 public:
  struct Options {
    Nanos ttl = 10 * kSecond;  // how long an answer is kept; 0: not at all
    Nanos missing_ttl =
        kSecond;      // how long it is known that there is no such name; `ttl` at the most
    Nanos stale = 0;  // so long an old answer is given when no new one can be had
    size_t max_entries = 1000;      // the least recently used go first
    bool spread = true;             // each answer begins with another address of its family
    Nanos deadline = 60 * kSecond;  // of a look-up: afterwards a new one may be begun
    platform::Resolved (*look_up)(const std::string& name) noexcept = platform::ResolveName;
    Counter* lookups = nullptr;  // told of those that are started
  };

  class Query;
  class Lookup;  // one question on its way through a worker thread

  // Somebody who waits for an answer: derive from it or embed it. Destroying it cancels.
  class Query : private ListNode<Query> {
   public:
    Query() = default;
    Query(const Query&) = delete;
    Query& operator=(const Query&) = delete;
    // Nobody is called any more; the look-up goes on for others and, if it has begun, for the
    // cache.
    void Cancel() noexcept;
    bool waiting() const noexcept { return lookup_ != nullptr; }

   protected:
    virtual ~Query() { Cancel(); }
    // Once, from the loop, not waiting any more. Everything may be destroyed inside, the resolver
    // too. Addresses have the port of the question; there is at least one.
    virtual void OnResolved(Result<Addresses> answer) noexcept = 0;

   private:
    friend class Resolver;
    friend class List<Query>;
    Lookup* lookup_ = nullptr;  // while it waits
    uint16_t port_ = 0;
  };

  Resolver(Loop& loop, Workers& workers, const Options& options);
  // Those who still wait are not called.
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  // What is known at once (an IP address, a cached name, localhost and *.localhost, which are never
  // looked up (RFC 6761), a name that is none) is returned;
  // otherwise nothing is, and query->OnResolved follows unless it is cancelled. `query` must not be
  // waiting. Failures: CRECHE_E_URL for what cannot be a host name (also "127.1" or "0x7f.1", which
  // some resolvers take for IPv4 addresses), CRECHE_E_DNS, CRECHE_E_NO_MEMORY.
  std::optional<Result<Addresses>> Resolve(std::string_view host, uint16_t port,
                                           Query* query) noexcept;
  // Forgets all answers.
  void ClearCache() noexcept;
  // Forgets that of one host: none of its addresses can be reached.
  void Forget(std::string_view host) noexcept;
  // Which addresses to try last.
  AddressHistory& history() noexcept { return history_; }

 private:
  struct Entry {
    std::string name;
    Addresses addresses;
    ErrorRef missing;  // there is no such name
    Nanos expires;
    size_t uses;
  };
  using Lru = std::list<Entry>;  // most recently used first

  std::optional<Result<Addresses>> Ask(std::string name, uint16_t port, Query* query);
  Entry* FindCached(const std::string& name);
  // missing: null: the addresses that were found.
  void Keep(const std::string& name, const Addresses& addresses, const ErrorRef& missing);
  bool TakeStale(Lookup* lookup);
  void Finish(Lookup* lookup) noexcept;
  void Expire(Lookup* lookup) noexcept;
  void Tell(Lookup* lookup, const ErrorRef& error) noexcept;

  Loop& loop_;
  Workers& workers_;
  const Options options_;
  Lru lru_;
  std::unordered_map<std::string_view, Lru::iterator> cache_;  // keys point into lru_
  std::unordered_map<std::string, Ref<Lookup>> running_;
  AddressHistory history_;
};

}  // namespace creche

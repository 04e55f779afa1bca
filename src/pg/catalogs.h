// Catalogs: one for each server that a pool has sessions with, by its address. Loop's thread.
#pragma once
#include <algorithm>
#include <memory>
#include <vector>

#include "pg/type/catalog.h"
#include "platform/address.h"

namespace creche::pg {

class Catalogs {
 public:
  // For a session with the server there. With its last session what is known of a server goes. May
  // throw bad_alloc.
  std::shared_ptr<Catalog> Of(const platform::Address& server) {
    std::erase_if(entries_, [](const Entry& e) { return e.catalog.expired(); });
    for (const Entry& e : entries_)
      if (e.server == server) return e.catalog.lock();
    auto made = std::make_shared<Catalog>();
    entries_.push_back({server, made});
    return made;
  }

  // What is known is not for sessions to come: types may have changed.
  void Forget() noexcept { entries_.clear(); }

 private:
  struct Entry {
    platform::Address server;
    std::weak_ptr<Catalog> catalog;
  };
  std::vector<Entry> entries_;
};

}  // namespace creche::pg

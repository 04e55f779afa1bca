// Catalogs: one for each server and database that a pool has sessions with. An address does not
// tell servers apart: behind a proxy, a name or a floating address there may be another one by now,
// with other types. When a server was started, and the number of its database, do. Loop's thread.
#pragma once
#include <algorithm>
#include <memory>
#include <vector>

#include "pg/type/catalog.h"
#include "platform/address.h"

namespace creche::pg {

class Catalogs {
 public:
  struct Server {
    platform::Address address;
    int64_t started = 0;    // as it says
    uint32_t database = 0;  // its oid
    bool operator==(const Server&) const = default;
  };
  // For a session there. With its last session what is known of a server goes. May throw bad_alloc.
  std::shared_ptr<Catalog> Of(const Server& server) {
    std::erase_if(entries_, [](const Entry& e) { return e.catalog.expired(); });
    for (const Entry& e : entries_)
      if (e.server == server) return e.catalog.lock();
    auto made = std::make_shared<Catalog>();
    entries_.push_back({server, made});
    return made;
  }

  // Types may have been altered.
  void Outdate() noexcept {
    for (const Entry& e : entries_)
      if (const auto catalog = e.catalog.lock()) catalog->Outdate();
  }
  // What is known is not for sessions to come: types may have changed.
  void Forget() noexcept { entries_.clear(); }

 private:
  struct Entry {
    Server server;
    std::weak_ptr<Catalog> catalog;
  };
  std::vector<Entry> entries_;
};

}  // namespace creche::pg

// StatementCache: which statements one connection has prepared on the server, by text and parameter
// types; the least recently used go first. It only keeps the books: who uses it sends the Parse
// and, when the session allows it, gets rid of the names that were given up. Loop's thread.
#pragma once
#include <cstdint>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "pg/statement.h"

namespace creche::pg {

class StatementCache {
 public:
  // Longer texts are not worth the server's memory.
  static constexpr size_t kMaxSize = 16 * 1024;

  // prefix: makes names unique among all sessions that a pooler may mix. limit 0: keeps nothing.
  StatementCache(std::string prefix, size_t limit) : prefix_(std::move(prefix)), limit_(limit) {}

  // The name it is prepared under, or null.
  const char* Find(const Statement& statement) noexcept;
  // A name to prepare it under, from now on found by Find; null if it should not be kept or there
  // is no memory. May give up another one.
  const char* Add(const Statement& statement) noexcept;
  // Number of the last Add; they count up by one.
  uint32_t last() const noexcept { return last_; }
  // The Parse of that Add failed: there is no such statement.
  void Forget(uint32_t number) noexcept;
  // The server no longer knows this one.
  void Forget(const Statement& statement) noexcept;
  // The server has none any more (DISCARD ALL, DEALLOCATE ALL).
  void Clear() noexcept;

  // Names that were given up and still have to be closed on the server.
  const std::vector<std::string>& unused() const noexcept { return unused_; }
  void UnusedClosed(size_t count) noexcept;
  size_t size() const noexcept { return entries_.size(); }

 private:
  struct Entry {
    uint32_t number;
    uint64_t hash;
    std::string name;
    std::string sql;
    std::vector<uint32_t> types;
    bool Is(const Statement& statement) const noexcept;
  };
  using Entries = std::list<Entry>;  // most recently used first
  Entries::iterator Look(const Statement& statement) noexcept;
  void Erase(Entries::iterator entry) noexcept;

  const std::string prefix_;
  const size_t limit_;
  uint32_t last_ = 0;
  Entries entries_;
  std::unordered_multimap<uint64_t, Entries::iterator> by_hash_;
  std::vector<std::string> unused_;
};

}  // namespace creche::pg

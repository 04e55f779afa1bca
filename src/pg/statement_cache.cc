#include "pg/statement_cache.h"

#include <algorithm>
#include <cstring>
#include <new>

namespace creche::pg {

bool StatementCache::Entry::Is(const Statement& statement) const noexcept {
  return hash == statement.hash() && sql == statement.text() &&
         types.size() == static_cast<size_t>(statement.count()) &&
         std::equal(types.begin(), types.end(), statement.types());
}

StatementCache::Entries::iterator StatementCache::Look(const Statement& statement) noexcept {
  const auto [first, last] = by_hash_.equal_range(statement.hash());
  for (auto it = first; it != last; ++it)
    if (it->second->Is(statement)) return it->second;
  return entries_.end();
}

const char* StatementCache::Find(const Statement& statement) noexcept {
  const auto entry = Look(statement);
  if (entry == entries_.end()) return nullptr;
  if (entry != entries_.begin()) entries_.splice(entries_.begin(), entries_, entry);
  return entry->name.c_str();
}

const char* StatementCache::Add(const Statement& statement) noexcept {
  // What is given up inside a transaction stays on the server until its end: bounded by this.
  if (limit_ == 0 || statement.text().size() > kMaxSize || unused_.size() > 2 * limit_ + 16)
    return nullptr;
  try {
    if (entries_.size() >= limit_) {
      unused_.push_back(entries_.back().name);
      Erase(std::prev(entries_.end()));
    }
    Entries added;
    added.push_back({last_ + 1,
                     statement.hash(),
                     prefix_ + std::to_string(last_ + 1),
                     std::string(statement.text()),
                     {statement.types(), statement.types() + statement.count()}});
    by_hash_.emplace(statement.hash(), added.begin());
    entries_.splice(entries_.begin(), added);
    last_++;
    return entries_.front().name.c_str();
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

void StatementCache::Erase(Entries::iterator entry) noexcept {
  const auto [first, last] = by_hash_.equal_range(entry->hash);
  for (auto it = first; it != last; ++it) {
    if (it->second == entry) {
      by_hash_.erase(it);
      break;
    }
  }
  entries_.erase(entry);
}

void StatementCache::Forget(uint32_t number) noexcept {
  const auto entry = std::find_if(entries_.begin(), entries_.end(),
                                  [number](const Entry& e) { return e.number == number; });
  if (entry != entries_.end()) Erase(entry);
}

void StatementCache::Forget(const Statement& statement) noexcept {
  const auto entry = Look(statement);
  if (entry != entries_.end()) Erase(entry);
}

void StatementCache::Clear() noexcept {
  entries_.clear();
  by_hash_.clear();
  unused_.clear();
}

void StatementCache::UnusedClosed(size_t count) noexcept {
  unused_.erase(unused_.begin(),
                unused_.begin() + static_cast<ptrdiff_t>(std::min(count, unused_.size())));
}

}  // namespace creche::pg

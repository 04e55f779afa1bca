#include "pg/sql/statement_cache.h"

#include <algorithm>
#include <new>

#include "pg/protocol/bytes.h"
#include "pg/type/type.h"

namespace creche::pg {

bool Prepared::FitsInferred(const Statement& statement) const noexcept {
  std::string_view values = statement.values();
  for (size_t i = 0; i < inferred.size(); i++) {
    const std::string_view value = Statement::TakeValue(&values);
    if (statement.types()[i] != kUnknownType || !value.data()) continue;
    const auto canonical = TypeOf(inferred[i]).canonical;
    if (!canonical || !canonical(value)) return false;
  }
  return true;
}

bool StatementCache::Entry::Is(const Statement& statement) const noexcept {
  return hash == statement.hash() && types.size() == statement.count() &&
         (sql.get() == &statement.sql() || sql->text() == statement.text()) &&
         std::equal(types.begin(), types.end(), statement.types());
}

StatementCache::Entries::iterator StatementCache::Look(const Statement& statement) noexcept {
  const auto [first, last] = by_hash_.equal_range(statement.hash());
  for (auto it = first; it != last; ++it)
    if (it->second->Is(statement)) return it->second;
  return entries_.end();
}

const Prepared* StatementCache::Find(const Statement& statement, Nanos now,
                                     uint64_t names) noexcept {
  const auto entry = Look(statement);
  if (entry == entries_.end()) return nullptr;
  if (entry->prepared.until <= now || entry->prepared.names < names) {
    GiveUp(entry);
    return nullptr;
  }
  if (entry != entries_.begin()) entries_.splice(entries_.begin(), entries_, entry);
  return &entry->prepared;
}

const Prepared* StatementCache::Add(const Statement& statement, Nanos now,
                                    uint64_t names) noexcept {
  // Names that were given up are closed with what is sent next: bounded, should that ever not come.
  if (limit_ == 0 || statement.text().size() > kMaxSize || unused_.size() > 2 * limit_ + 16)
    return nullptr;
  try {
    if (entries_.size() >= limit_) {
      unused_.push_back(entries_.back().prepared.name);
      Erase(std::prev(entries_.end()));
    }
    Entries added;
    Prepared prepared{last_ + 1, prefix_ + std::to_string(last_ + 1), nullptr,
                      After(now, lifetime_), names};
    if (statement.infers_types()) prepared.inferred.resize(statement.count());
    added.push_back({std::move(prepared),
                     statement.hash(),
                     statement.sql_ref(),
                     {statement.types(), statement.types() + statement.count()}});
    by_hash_.emplace(statement.hash(), added.begin());
    entries_.splice(entries_.begin(), added);
    last_++;
    return &entries_.front().prepared;
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

StatementCache::Entries::iterator StatementCache::Look(uint32_t number) noexcept {
  return std::find_if(entries_.begin(), entries_.end(),
                      [number](const Entry& e) { return e.prepared.number == number; });
}

void StatementCache::Describe(uint32_t number, const Ref<const RowDescription>& columns) noexcept {
  const auto entry = Look(number);
  if (entry != entries_.end()) entry->prepared.columns = columns;
}

void StatementCache::Confirm(uint32_t number) noexcept {
  const auto entry = Look(number);
  if (entry != entries_.end()) entry->prepared.confirmed = true;
}

uint64_t StatementCache::TakeTypes(uint32_t number, const char* types, size_t count) noexcept {
  const auto entry = Look(number);
  if (entry == entries_.end()) return 0;
  std::vector<uint32_t>& inferred = entry->prepared.inferred;
  for (size_t i = 0; i < inferred.size() && i < count; i++) {
    inferred[i] = Load32(types + 4 * i);
    if (entry->types[i] != kUnknownType || TypeOf(inferred[i]).canonical) continue;
    const uint64_t hash = entry->hash;
    GiveUp(entry);
    return hash;
  }
  return 0;
}

void StatementCache::Forget(uint32_t number) noexcept {
  const auto entry = Look(number);
  if (entry != entries_.end()) Erase(entry);
}

void StatementCache::Forget(const Statement& statement) noexcept {
  const auto entry = Look(statement);
  if (entry != entries_.end()) GiveUp(entry);
}

void StatementCache::GiveUp(Entries::iterator entry) noexcept {
  try {
    unused_.push_back(std::move(entry->prepared.name));
  } catch (const std::bad_alloc&) {
    // It stays on the server until the session ends.
  }
  Erase(entry);
}

void StatementCache::Clear() noexcept {
  entries_.clear();
  by_hash_.clear();
  unused_.resize(closing_);  // those are about to be answered
}

void StatementCache::Closed() noexcept {
  unused_.erase(unused_.begin());
  closing_--;
}

void StatementCache::NotClosed(size_t count) noexcept {
  // To the end, for the next time: those behind them are being closed.
  const auto first = unused_.begin();
  std::rotate(first, first + static_cast<ptrdiff_t>(count), unused_.end());
  closing_ -= count;
}

}  // namespace creche::pg

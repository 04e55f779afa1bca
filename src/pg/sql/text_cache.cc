#include "pg/sql/text_cache.h"

#include <cstring>
#include <new>
#include <utility>

namespace creche::pg {

namespace {

uint64_t Load(const char* at) noexcept {
  uint64_t word;
  std::memcpy(&word, at, sizeof word);
  return word;
}

// Of the size and three places, which is enough to tell texts apart that a program has; those that
// differ elsewhere share a set.
size_t SetOf(std::string_view sql, size_t sets) noexcept {
  constexpr uint64_t kOdd = 0x9e3779b97f4a7c15u;
  const size_t size = sql.size();
  uint64_t hash = size;
  if (size >= sizeof hash) {
    const char* end = sql.data() + size - sizeof hash;
    hash = (hash ^ Load(sql.data())) * kOdd;
    hash = (hash ^ Load(sql.data() + (size - sizeof hash) / 2)) * kOdd;
    hash = (hash ^ Load(end)) * kOdd;
  }
  return static_cast<size_t>(hash >> 32) & (sets - 1);
}

}  // namespace

Ref<const SqlText> TextCache::FindFurther(Set* set, std::string_view sql) noexcept {
  for (size_t i = 1; i < kWays && set->texts[i]; i++) {
    if (set->texts[i]->text() != sql) continue;
    std::swap(set->texts[i], set->texts[i - 1]);
    return set->texts[i - 1];
  }
  return nullptr;
}

Ref<const SqlText> TextCache::Get(std::string_view sql) {
  if (sql.size() > kMaxSize || busy_.test_and_set(std::memory_order_acquire))
    return SqlText::Make(sql);
  struct Free {
    ~Free() { busy->clear(std::memory_order_release); }
    std::atomic_flag* const busy;
  } const free{&busy_};
  if (!sets_) sets_.reset(new Set[kSets]);
  Set* const set = &sets_[SetOf(sql, kSets)];
  if (set->texts[0] && set->texts[0]->text() == sql) return set->texts[0];
  if (Ref<const SqlText> found = FindFurther(set, sql)) return found;
  Ref<const SqlText> made = SqlText::Make(sql);
  if (std::exchange(set->seen, made->hash()) == made->hash()) {
    // In front of it stand those that are used more often.
    size_t place = 0;
    while (place + 1 < kWays && set->texts[place]) place++;
    set->texts[place] = made;
  }
  return made;
}

}  // namespace creche::pg

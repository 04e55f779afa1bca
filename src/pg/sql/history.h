// History: what a pool remembers of the statements that it ran: how long they took and whether they
// left anything behind. It decides what may share a connection: only what is short as a rule. A
// table of fixed size; statements that collide forget one another. Loop's thread.
#pragma once
#include <cstdint>
#include <memory>
#include <new>
#include <utility>

#include "core/status.h"

namespace creche::pg {

class History {
 public:
  // Nobody minds to wait behind a statement that takes no longer than this.
  static constexpr Nanos kShort = 5 * kMillisecond;
  static constexpr uint8_t kRunsToTrust = 2;

  // plain: it ended well and left nothing in the session or in a transaction.
  void Record(uint64_t hash, Nanos took, bool plain) noexcept {
    Entry* entry = Find(hash);
    if (!entry) return;
    const auto us =
        static_cast<uint32_t>(took / 1000 < UINT32_MAX - 1 ? took / 1000 : UINT32_MAX - 1);
    if (entry->hash != hash) *entry = {hash, us, 0, 0, 0};
    // The mean, of the last ones above all. Not the longest: on a busy server any statement waits
    // for a processor at times.
    entry->cost_us = static_cast<uint32_t>((uint64_t{entry->cost_us} * 7 + us) / 8);
    entry->last_us = us + 1;
    if (!plain)
      entry->plain_runs = 0;
    else if (entry->plain_runs < UINT8_MAX)
      entry->plain_runs++;
  }
  // It was stopped: it takes at least so long.
  void RecordStop(uint64_t hash, Nanos took) noexcept {
    Entry* entry = Find(hash);
    if (!entry) return;
    const auto us =
        static_cast<uint32_t>(took / 1000 < UINT32_MAX - 1 ? took / 1000 : UINT32_MAX - 1);
    if (entry->hash != hash) *entry = {hash, 0, 0, 0, 0};
    if (entry->last_us < us + 1) entry->last_us = us + 1;
    entry->plain_runs = 0;
  }
  // How long it took the last time, or takes as a rule if that is longer; 0: not known.
  Nanos UsualTime(uint64_t hash) noexcept {
    const Entry* entry = Find(hash);
    if (!entry || entry->hash != hash || entry->last_us == 0) return 0;
    const uint32_t us = entry->last_us > entry->cost_us ? entry->last_us : entry->cost_us;
    return Nanos{us} * 1000;
  }
  // It is about to run: has it before, and may it be prepared?
  bool Touch(uint64_t hash) noexcept {
    Entry* entry = Find(hash);
    if (!entry) return false;
    if (entry->hash != hash) *entry = {hash, 0, 0, 0, 0};
    if (entry->runs == kNever) return false;
    return std::exchange(entry->runs, uint8_t{1}) != 0;
  }
  // It is not to be kept as a prepared statement.
  void NeverPrepare(uint64_t hash) noexcept {
    Entry* entry = Find(hash);
    if (entry && entry->hash == hash) entry->runs = kNever;
  }
  bool IsShort(uint64_t hash) noexcept {
    const Entry* entry = Find(hash);
    return entry && entry->hash == hash && entry->plain_runs >= kRunsToTrust &&
           entry->cost_us <= kShort / 1000;
  }

  // How long a statement takes, as far as is known: whether others can wait behind it unnoticed.
  enum class Pace : uint8_t { kShort, kLong };
  Pace PaceOf(uint64_t hash) noexcept {
    // Measured by itself all is short.
    if (hash == fastest_hash_) return Pace::kShort;
    const Nanos usual = UsualTime(hash);
    return usual <= kShort + 4 * fastest_ ? Pace::kShort : Pace::kLong;
  }
  // Nothing else was in flight: it took a round trip at least.
  void RecordAlone(uint64_t hash, Nanos took) noexcept {
    if (fastest_ != 0 && took >= fastest_) return;
    fastest_ = took;
    fastest_hash_ = hash;
  }

 private:
  static constexpr size_t kEntries = 2048;  // a power of two
  static constexpr uint8_t kNever = 2;      // of `runs`
  struct Entry {
    uint64_t hash;
    uint32_t cost_us;
    uint32_t last_us;  // and one more; 0: not known
    uint8_t plain_runs;
    uint8_t runs;
  };
  // Null without memory.
  Entry* Find(uint64_t hash) noexcept {
    if (!entries_) entries_.reset(new (std::nothrow) Entry[kEntries]{});
    return entries_ ? &entries_[(hash ^ hash >> 32) & (kEntries - 1)] : nullptr;
  }
  std::unique_ptr<Entry[]> entries_;
  Nanos fastest_ = 0;  // of what was sent alone: about a round trip; 0: not known
  uint64_t fastest_hash_ = 0;
};

}  // namespace creche::pg

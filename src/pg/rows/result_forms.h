// ResultForms: which columns of which statements are asked for as text, because their types have no
// binary form (aclitem, some of extensions, what holds one of them). Nobody can tell before the
// first row: the server fails then, and what it has said of the columns tells what to ask for the
// next time. A pool keeps a few, by the hash of text and types; statements that collide get text
// where they need none, or fail once more. Loop's thread.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "pg/rows/row_description.h"

namespace creche::pg {

class ResultForms {
 public:
  // True if this error says that a column has no binary form. routine: where the server raised it.
  static bool Says(std::string_view state, std::string_view routine) noexcept;

  // For each column whether it comes as text; null: all are binary. alone: in no transaction but
  // its own. In one of the user's nothing is risked that is only asked for: with other columns than
  // it had then, the statement fails.
  const ColumnForms* Find(uint64_t hash, bool alone) const noexcept {
    if (entries_.empty()) return nullptr;
    const Entry* entry = Look(hash);
    return entry && (alone || entry->needed) ? &entry->forms : nullptr;
  }
  // These columns of it are to come as text, whatever else is known.
  void Ask(uint64_t hash, const ColumnForms& forms) noexcept;
  // A result of these columns has failed. True if there is another way to ask for it.
  bool Learn(uint64_t hash, const RowDescription& columns) noexcept;
  // A result of these columns would fail: those that have no binary form for sure are to come as
  // text.
  void Foresee(uint64_t hash, const RowDescription& columns, const Catalog& catalog) noexcept;
  // Whether all that can be known of a statement's columns is; from now on it is.
  bool Described(uint64_t hash) const noexcept { return described_.count(hash) != 0; }
  void SetDescribed(uint64_t hash) noexcept;
  void ForgetDescribed() noexcept { described_.clear(); }
  // The columns of the widest of them.
  size_t widest() const noexcept { return widest_; }
  // It does not have these columns any more. True if they were known.
  bool Forget(uint64_t hash) noexcept;

 private:
  static constexpr size_t kEntries = 256;
  struct Entry {
    uint64_t hash;
    bool all;     // everything that may lack a binary form, not only what does for sure
    bool needed;  // in binary it fails
    ColumnForms forms;
  };
  const Entry* Look(uint64_t hash) const noexcept;
  void Put(const Entry* before, Entry&& entry);
  std::vector<Entry> entries_;
  std::unordered_set<uint64_t> described_;
  size_t next_ = 0;  // to be replaced
  size_t widest_ = 0;
};

}  // namespace creche::pg

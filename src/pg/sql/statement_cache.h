// StatementCache: which statements one connection has prepared on the server, by text and parameter
// types, and what their results look like; the least recently used go first. It only keeps the
// books: who uses it sends the Parse, and a Close for each name that was given up. Loop's thread.
#pragma once
#include <cstdint>
#include <list>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/ref.h"
#include "core/status.h"
#include "pg/rows/row_description.h"
#include "pg/sql/statement.h"

namespace creche::pg {

// A statement that is prepared, or is being prepared.
struct Prepared {
  uint32_t number;
  std::string name;
  // Null until the server has said it. That of the time when it was prepared: what would change the
  // columns' names or types makes the server refuse the statement. (Which table they come from may
  // be out of date, if it was made anew.)
  Ref<const RowDescription> columns;
  Nanos until;             // it is prepared anew
  uint64_t names = 0;      // how often names had changed by then
  bool confirmed = false;  // the server has said that there is one of this name
  // What the server has inferred, where it was to; 0: it has not said so yet. Empty: nothing is.
  std::vector<uint32_t> inferred{};
  // False if one of these values should be read by what the server would infer now.
  bool Fits(const Statement& statement) const noexcept {
    return inferred.empty() || FitsInferred(statement);
  }

 private:
  bool FitsInferred(const Statement& statement) const noexcept;
};

class StatementCache {
 public:
  // Longer texts are not worth the server's memory.
  static constexpr size_t kMaxSize = 16 * 1024;

  // prefix: makes names unique among all sessions that a pooler may mix. limit 0: keeps nothing.
  // lifetime: what the server has inferred for a statement (the types of its parameters) it does
  // not look at again; so nothing is kept for longer than this.
  StatementCache(std::string prefix, size_t limit, Nanos lifetime = kNever)
      : prefix_(std::move(prefix)), limit_(limit), lifetime_(lifetime) {}

  // Null if it is not prepared, or was for its lifetime, or before names had changed so often.
  // Valid until something is added, forgotten or cleared.
  const Prepared* Find(const Statement& statement, Nanos now, uint64_t names = 0) noexcept;
  // A name to prepare it under, from now on found by Find; null if it should not be kept or there
  // is no memory. May give up another one.
  const Prepared* Add(const Statement& statement, Nanos now, uint64_t names = 0) noexcept;
  // Number of the last Add; they count up by one.
  uint32_t last() const noexcept { return last_; }
  // What the columns of a statement's result are, if it is still there.
  void Describe(uint32_t number, const Ref<const RowDescription>& columns) noexcept;
  // The Parse of that Add was answered.
  void Confirm(uint32_t number) noexcept;
  // What types its parameters have: `count` of them, as they are sent. Gives it up if no text of
  // one that was inferred may be kept: then its hash is returned, else 0.
  uint64_t TakeTypes(uint32_t number, const char* types, size_t count) noexcept;
  // The Parse of that Add failed: there is no such statement.
  void Forget(uint32_t number) noexcept;
  // The server is not to run this one any more: gives its name up.
  void Forget(const Statement& statement) noexcept;
  // The server has none any more (DISCARD ALL, DEALLOCATE ALL).
  void Clear() noexcept;

  // Names that were given up and still have to be closed on the server. A name is kept until its
  // Close was answered: the server skips one that stands behind a failure.
  size_t to_close() const noexcept { return unused_.size() - closing_; }
  // The next of them, whose Close is sent now.
  const std::string& NextToClose() noexcept { return unused_[closing_++]; }
  // The Close that was sent first was answered; or the first `count` of them were skipped.
  void Closed() noexcept;
  void NotClosed(size_t count) noexcept;

 private:
  struct Entry {
    Prepared prepared;
    uint64_t hash;
    Ref<const SqlText> sql;
    std::vector<uint32_t> types;
    bool Is(const Statement& statement) const noexcept;
  };
  using Entries = std::list<Entry>;  // most recently used first
  Entries::iterator Look(const Statement& statement) noexcept;
  Entries::iterator Look(uint32_t number) noexcept;
  void Erase(Entries::iterator entry) noexcept;
  void GiveUp(Entries::iterator entry) noexcept;

  const std::string prefix_;
  const size_t limit_;
  const Nanos lifetime_;
  uint32_t last_ = 0;
  Entries entries_;
  std::unordered_multimap<uint64_t, Entries::iterator> by_hash_;
  std::vector<std::string> unused_;
  size_t closing_ = 0;  // how many of them, from the front, are being closed
};

}  // namespace creche::pg

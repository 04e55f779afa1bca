// SqlText: one text of SQL, and what its words tell. It is looked at where it is made, in the
// caller's thread, because that may take long: never on the loop. Immutable; any thread.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/ref.h"
#include "pg/sql/verb.h"

namespace creche::pg {

class SqlText final : public RefCounted {
 public:
  enum class Use : uint8_t { kStatement, kScript };
  // The server takes no longer messages: it would end the session.
  static constexpr size_t kMaxBytes = (size_t{1} << 30) - 1024;
  // Copies; what is longer than that stays behind. May throw bad_alloc.
  static Ref<const SqlText> Make(std::string_view sql, Use use = Use::kStatement);
  void operator delete(void* memory) noexcept { ::operator delete(memory); }

  const char* sql() const noexcept { return reinterpret_cast<const char*>(this + 1); }
  std::string_view text() const noexcept { return {sql(), size_}; }
  uint64_t hash() const noexcept { return hash_; }
  // It was longer than kMaxBytes: there is no text.
  bool too_long() const noexcept { return too_long_; }
  // Of a script: that of its first statement.
  Verb verb() const noexcept { return verb_; }
  // LeavesState of what is planned; all else may leave anything. False for a script.
  bool leaves_state() const noexcept { return leaves_state_; }
  bool ends_transaction() const noexcept { return ends_transaction_; }
  Renames renames() const noexcept { return renames_; }
  // A query that, when it has ended, is as if it had never been.
  bool leaves_nothing() const noexcept { return leaves_nothing_; }
  bool reads_catalog() const noexcept { return reads_catalog_; }
  // It has, or is, a COPY from or to the client.
  bool copies() const noexcept { return copies_; }

 private:
  SqlText(std::string_view sql, Use use) noexcept;

  const size_t size_;
  const uint64_t hash_;
  const Verb verb_;
  const Renames renames_;
  bool too_long_ = false;
  bool reads_catalog_ = false;
  bool leaves_state_ = false;
  bool leaves_nothing_ = false;
  bool ends_transaction_ = false;
  bool copies_ = false;
};

}  // namespace creche::pg

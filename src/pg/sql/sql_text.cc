#include "pg/sql/sql_text.h"

#include <cstring>
#include <functional>
#include <new>

#include "pg/sql/script_text.h"

namespace creche::pg {

Ref<const SqlText> SqlText::Make(std::string_view sql, Use use) {
  const bool too_long = sql.size() > kMaxBytes;
  if (too_long) sql = {};
  void* memory = ::operator new(sizeof(SqlText) + sql.size() + 1);
  auto* text = new (memory) SqlText(sql, use);
  text->too_long_ = too_long;
  return Ref<const SqlText>::Adopt(text);
}

SqlText::SqlText(std::string_view sql, Use use) noexcept
    : size_(sql.size()),
      hash_(std::hash<std::string_view>{}(sql)),
      verb_(VerbOf(sql)),
      renames_(RenamesOf(sql, use == Use::kScript)) {
  char* copy = reinterpret_cast<char*>(this + 1);
  std::memcpy(copy, sql.data(), sql.size());
  copy[sql.size()] = '\0';
  if (use == Use::kScript) {
    const ScriptFacts facts = LookAtScript(sql);
    ends_transaction_ = facts.ends_transaction;
    copies_ = facts.copies;
  } else {
    leaves_state_ = verb_ == Verb::kQuery && LeavesState(sql);
    leaves_nothing_ = verb_ == Verb::kQuery && renames_ == Renames::kNothing && !leaves_state_;
    reads_catalog_ = verb_ == Verb::kQuery && ReadsCatalog(sql);
    ends_transaction_ = verb_ != Verb::kQuery && EndsTransaction(sql);
    copies_ = verb_ == Verb::kCopy;
  }
}

}  // namespace creche::pg

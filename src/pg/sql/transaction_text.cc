#include "pg/sql/transaction_text.h"

namespace creche::pg {

namespace {

const char* LevelText(uint32_t isolation) {
  switch (isolation) {
    case TransactionModes::kReadUncommitted:
      return " ISOLATION LEVEL READ UNCOMMITTED";
    case TransactionModes::kReadCommitted:
      return " ISOLATION LEVEL READ COMMITTED";
    case TransactionModes::kRepeatableRead:
      return " ISOLATION LEVEL REPEATABLE READ";
    case TransactionModes::kSerializable:
      return " ISOLATION LEVEL SERIALIZABLE";
    default:
      return "";
  }
}

std::string TextOf(const TransactionModes& modes) {
  std::string text = LevelText(modes.isolation);
  if (modes.read_only) text += *modes.read_only ? " READ ONLY" : " READ WRITE";
  if (modes.deferrable) text += *modes.deferrable ? " DEFERRABLE" : " NOT DEFERRABLE";
  return text;
}

}  // namespace

bool TransactionModes::AllIn(const TransactionModes& other) const noexcept {
  return (isolation == kDefault || isolation == other.isolation) &&
         (!read_only || read_only == other.read_only) &&
         (!deferrable || deferrable == other.deferrable);
}

std::string BeginText(const TransactionModes& modes) {
  return "BEGIN" + TextOf(modes);
}

std::string SetText(const TransactionModes& modes) {
  const std::string text = TextOf(modes);
  return text.empty() ? text : "SET TRANSACTION" + text;
}

std::string SavepointText(const char* verb, size_t level) {
  return std::string(verb) + " creche_" + std::to_string(level);
}

}  // namespace creche::pg

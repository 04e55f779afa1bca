#include "pg/sql/transaction_text.h"

namespace creche::pg {

namespace {

std::string ModesOf(const TransactionOptions& options) {
  std::string text;
  switch (options.isolation) {
    case TransactionOptions::kReadCommitted:
      text += " ISOLATION LEVEL READ COMMITTED";
      break;
    case TransactionOptions::kRepeatableRead:
      text += " ISOLATION LEVEL REPEATABLE READ";
      break;
    case TransactionOptions::kSerializable:
      text += " ISOLATION LEVEL SERIALIZABLE";
      break;
    default:
      break;
  }
  if (options.read_only) text += " READ ONLY";
  if (options.deferrable) text += " DEFERRABLE";
  return text;
}

}  // namespace

std::string BeginText(const TransactionOptions& options) {
  return "BEGIN" + ModesOf(options);
}

std::string SetText(const TransactionOptions& options) {
  const std::string modes = ModesOf(options);
  return modes.empty() ? modes : "SET TRANSACTION" + modes;
}

std::string SavepointText(const char* verb, size_t level) {
  return std::string(verb) + " creche_" + std::to_string(level);
}

}  // namespace creche::pg

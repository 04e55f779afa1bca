// The SQL of transactions.
#pragma once
#include <cstdint>
#include <string>

#include "core/status.h"

namespace creche::pg {

struct TransactionOptions {
  enum Isolation : uint32_t { kDefault, kReadCommitted, kRepeatableRead, kSerializable };
  bool read_only = false;
  bool deferrable = false;
  uint32_t isolation = kDefault;
  uint32_t retries = 0;
  Nanos commit_timeout = 30 * kSecond;
};

std::string BeginText(const TransactionOptions& options);
// What makes of a plain BEGIN what the options say; "" if that is nothing. If it fails, the
// transaction is open, and failed.
std::string SetText(const TransactionOptions& options);
// The savepoint of the transaction that is `level` deep in others.
std::string SavepointText(const char* verb, size_t level);

}  // namespace creche::pg

// The SQL of transactions.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "core/status.h"

namespace creche::pg {

// What a transaction is like; what is not said is as the session has it.
struct TransactionModes {
  enum Isolation : uint32_t {
    kDefault,
    kReadCommitted,
    kRepeatableRead,
    kSerializable,
    kReadUncommitted
  };
  uint32_t isolation = kDefault;
  std::optional<bool> read_only;
  std::optional<bool> deferrable;
  // Whether what is said here is said there, too.
  bool AllIn(const TransactionModes& other) const noexcept;
};

struct TransactionOptions : TransactionModes {
  uint32_t retries = 0;
  Nanos retry_delay = 5 * kMillisecond;
  Nanos commit_timeout = 30 * kSecond;
};

std::string BeginText(const TransactionModes& modes);
// What makes of a plain BEGIN what the modes say; "" if that is nothing. If it fails, the
// transaction is open, and failed.
std::string SetText(const TransactionModes& modes);
// The savepoint of the transaction that is `level` deep in others.
std::string SavepointText(const char* verb, size_t level);

}  // namespace creche::pg

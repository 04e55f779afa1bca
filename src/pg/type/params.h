// Parameters in PostgreSQL's wire forms.
#pragma once
#include <climits>
#include <cstddef>

#include "core/error.h"
#include "pg/sql/statement.h"

namespace creche::pg {

// Bytes that a value takes, at most. What will be refused takes next to nothing.
inline size_t EncodedSize(const Value& value) noexcept {
  const bool bytes = value.form == Value::kText || value.form == Value::kBinary;
  return bytes && value.data && value.size < INT_MAX ? value.size : 8;
}

// How one value goes to the server.
struct Encoded {
  bool null = false;
  bool binary = false;
  size_t size = 0;
};

// Writes a value to `out`, where EncodedSize bytes are free. `number` is its place, for messages.
// Null, or why it cannot be sent: CRECHE_E_TYPE or CRECHE_E_INVALID, naming $number.
ErrorRef Encode(const Value& value, size_t number, char* out, Encoded* encoded) noexcept;

}  // namespace creche::pg

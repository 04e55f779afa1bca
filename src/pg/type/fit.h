// Fit: how values become those of a column, in the binary form that COPY sends. What does not fit
// without loss is refused. Any thread, but for the catalog.
#pragma once
#include <cstdint>
#include <string>

#include "pg/sql/statement.h"
#include "pg/type/type.h"

namespace creche::pg {

class Catalog;

class Fit {
 public:
  // Of a column of this type. False: its values have no form here but text. catalog: what is known
  // of types that are not built in.
  bool Of(uint32_t oid, const Catalog& catalog) noexcept;
  // Appends the value's size and bytes; null, or why it does not fit: what it is, and then of which
  // type a column of its own would be. May throw bad_alloc.
  const char* Append(const Value& value, std::string* out) const;

 private:
  enum class As : uint8_t { kNumber, kNumeric, kText, kVersionedText, kBytes, kUuid };
  const char* AppendText(std::string_view text, std::string* out) const;
  const char* AppendBytes(const Value& value, std::string_view bytes, std::string* out) const;
  const char* AppendInteger(uint32_t from, int64_t integer, std::string* out) const;
  const char* AppendReal(double real, std::string* out) const;
  const char* PutInteger(int64_t integer, std::string* out) const;

  uint32_t oid_ = 0;
  const Type* type_ = nullptr;
  As as_ = As::kNumber;
};

}  // namespace creche::pg

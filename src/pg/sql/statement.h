// Statement: one SQL text with its parameters, in PostgreSQL's forms, in one allocation.
// Made in the caller's thread and immutable from then on.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "core/error.h"

namespace creche::pg {

// Twin of creche_value.
struct Value {
  enum Form : uint32_t { kNull = 0, kText = 1, kBinary = 2, kInteger = 3, kReal = 4 };
  uint32_t type;
  uint32_t form;
  int64_t integer;
  double real;
  const void* data;
  size_t size;
};

// The first word of a statement, as far as it matters.
enum class Verb : uint8_t {
  kOther,
  kQuery,        // SELECT, INSERT, ...: what is planned. The columns of its result cannot change
                 // unless the server says so; those of a FETCH or EXECUTE can
  kCopy,         // needs more than a statement and an answer
  kTransaction,  // BEGIN, COMMIT, ...: may leave a transaction open
  kProcedure,    // CALL, DO: may commit in the middle
};
Verb VerbOf(std::string_view sql) noexcept;
// True if its text has what leaves something in the session, which its tag does not tell: a
// function that sets something or takes an advisory lock, pg_settings that is updated, SELECT ...
// INTO.
bool LeavesState(std::string_view sql) noexcept;

class Statement {
 public:
  // Copies. A value that cannot be sent does not fail here but in error(), which names it: what
  // depends on content fails in the completion. May throw bad_alloc.
  Statement(std::string_view sql, const Value* values, size_t count);
  Statement(Statement&&) = default;

  const char* sql() const noexcept { return memory_.get() + sql_; }
  std::string_view text() const noexcept { return {sql(), sql_size_}; }
  // What parameters there are: arrays of count().
  int count() const noexcept { return static_cast<int>(count_); }
  const uint32_t* types() const noexcept { return At<uint32_t>(types_); }
  const char* const* values() const noexcept { return At<const char*>(0); }
  const int* lengths() const noexcept { return At<int>(lengths_); }
  const int* formats() const noexcept { return At<int>(formats_); }
  // Of the text and the types: what a prepared statement depends on.
  uint64_t hash() const noexcept { return hash_; }
  Verb verb() const noexcept { return verb_; }
  // True if the server infers the type of a parameter.
  bool infers_types() const noexcept;
  // Null if it can be sent.
  const ErrorRef& error() const noexcept { return error_; }
  // What it takes here, which is more than its text, values, types and formats take on the wire.
  size_t bytes() const noexcept { return bytes_; }

 private:
  template <class T>
  T* At(size_t offset) const noexcept {
    return reinterpret_cast<T*>(memory_.get() + offset);
  }
  std::unique_ptr<char[]> memory_;  // values, lengths, formats, types, bytes, sql
  size_t lengths_ = 0;
  size_t formats_ = 0;
  size_t types_ = 0;
  size_t sql_ = 0;
  size_t sql_size_ = 0;
  size_t count_ = 0;
  size_t bytes_ = 0;
  uint64_t hash_ = 0;
  Verb verb_ = Verb::kOther;
  ErrorRef error_;
};

}  // namespace creche::pg

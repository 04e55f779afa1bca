// Statement: one SQL text with its parameters, in the forms in which they are sent. Made in the
// caller's thread and immutable from then on.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "core/error.h"
#include "pg/sql/sql_text.h"

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

class Statement {
 public:
  // Copies. A value that cannot be sent does not fail here but in error(), which names it: what
  // depends on content fails in the completion. May throw bad_alloc.
  Statement(std::string_view sql, const Value* values, size_t count);
  Statement(Ref<const SqlText> sql, const Value* values, size_t count);
  // Many statements in one text, without parameters.
  static Statement Script(std::string_view sql);
  Statement(Statement&&) = default;

  const SqlText& sql() const noexcept { return *sql_; }
  const Ref<const SqlText>& sql_ref() const noexcept { return sql_; }
  std::string_view text() const noexcept { return sql_->text(); }
  Verb verb() const noexcept { return sql_->verb(); }
  // Of the text and the types: what a prepared statement depends on.
  uint64_t hash() const noexcept { return hash_; }

  size_t count() const noexcept { return count_; }
  // `count` of them.
  const uint32_t* types() const noexcept { return reinterpret_cast<const uint32_t*>(params()); }
  // As Bind has them: for each parameter 16 bits, its form.
  std::string_view forms() const noexcept {
    return {params() + count_ * sizeof(uint32_t), count_ * sizeof(uint16_t)};
  }
  // As Bind has them: for each parameter its length and its bytes.
  std::string_view values() const noexcept {
    return {params() + count_ * kHead, params_size_ - count_ * kHead};
  }
  // Takes the first of these off their front. Its data() is null if it is NULL.
  static std::string_view TakeValue(std::string_view* values) noexcept;
  // True if the server infers the type of a parameter.
  bool infers_types() const noexcept;

  // Null if it can be sent.
  const ErrorRef& error() const noexcept { return error_; }
  // What text and parameters take on the wire, with a NUL behind the text.
  size_t bytes() const noexcept { return text().size() + 1 + params_size_; }

 private:
  static constexpr size_t kHead = sizeof(uint32_t) + sizeof(uint16_t);  // a type and a form
  static constexpr size_t kLength = sizeof(uint32_t);                   // in front of a value
  static constexpr uint32_t kNull = UINT32_MAX;                         // in place of its length
  // A few parameters need no memory of their own.
  static constexpr size_t kFew = 64;
  const char* params() const noexcept { return more_ ? more_.get() : few_; }
  void Refuse(const char* why) noexcept;
  void Encode(const Value* values) noexcept;

  Ref<const SqlText> sql_;
  uint64_t hash_;
  size_t count_ = 0;
  size_t params_size_ = 0;
  std::unique_ptr<char[]> more_;
  alignas(uint32_t) char few_[kFew];  // if there is no more_: types, forms, values
  ErrorRef error_;
};

}  // namespace creche::pg

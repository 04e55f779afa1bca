// MessageWriter: the frontend's messages of PostgreSQL's protocol 3, written one behind the other
// into memory that was reserved for all of them: writing itself cannot fail, so that no message
// ever stands in the buffer by half.
#pragma once
#include <cstddef>
#include <string_view>

#include "pg/protocol/message.h"
#include "pg/rows/row_description.h"
#include "pg/sql/statement.h"

namespace creche::pg {

class MessageWriter {
 public:
  // Names of prepared statements are no longer than this.
  static constexpr size_t kMaxName = 32;
  // More bytes than one statement takes, with everything that is sent around it: Parse, Bind,
  // Describe, Execute, Sync, or Query.
  // forms: how many columns Bind may name the forms of.
  static size_t Most(const Statement& statement, size_t forms) noexcept {
    return statement.bytes() + 208 + 2 * forms;
  }
  // The same for a Close.
  static constexpr size_t kMostClose = 8 + kMaxName;
  // More than CopyData, CopyDone or CopyFail have around their bytes.
  static constexpr size_t kMostCopy = 8;

  explicit MessageWriter(char* at) noexcept : at_(at) {}
  // Behind the last byte.
  char* end() const noexcept { return at_; }

  // name: "" for the unnamed statement.
  void Parse(std::string_view name, const Statement& statement) noexcept;
  // To the unnamed portal. forms: how the columns of the result come; null or empty: all in binary
  // form.
  void Bind(std::string_view name, const Statement& statement, const ColumnForms* forms) noexcept;
  // The same for what has no parameters.
  void Parse(std::string_view name, std::string_view sql) noexcept;
  void Bind() noexcept;
  void DescribeStatement(std::string_view name) noexcept;
  void DescribePortal() noexcept;
  // Of the unnamed portal; rows: so many at the most; 0: all.
  void Execute(uint32_t rows = 0) noexcept;
  void CloseStatement(std::string_view name) noexcept;
  void Sync() noexcept;
  // A script: the simple protocol.
  void Query(std::string_view sql) noexcept;
  // Of COPY FROM STDIN.
  void CopyData(std::string_view bytes) noexcept;
  void CopyDone() noexcept;
  void CopyFail(std::string_view why) noexcept;

 private:
  // Begins a message, of which End writes the length.
  void Begin(Frontend type) noexcept;
  void End() noexcept;
  template <class Letter>
  void Put8(Letter value) noexcept {
    *at_++ = static_cast<char>(value);
  }
  void Put16(size_t value) noexcept;
  void Put32(size_t value) noexcept;
  void PutBytes(const void* bytes, size_t size) noexcept;
  void PutText(std::string_view text) noexcept;  // and a NUL

  char* at_;
  char* length_ = nullptr;  // of the message that is being written
};

}  // namespace creche::pg

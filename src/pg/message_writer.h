// MessageWriter: the frontend's messages of PostgreSQL's protocol 3, written one behind the other
// into memory that was reserved for all of them: writing itself cannot fail, so that no message
// ever stands in the buffer by half.
#pragma once
#include <cstddef>
#include <string_view>

#include "pg/statement.h"

namespace creche::pg {

class MessageWriter {
 public:
  // Names of prepared statements are no longer than this.
  static constexpr size_t kMaxName = 32;
  // More bytes than one statement takes, with everything that is sent around it: Parse, Bind,
  // Describe, Execute, Sync, or Query.
  static size_t Most(const Statement& statement) noexcept { return statement.bytes() + 192; }
  // The same for a Close.
  static constexpr size_t kMostClose = 8 + kMaxName;

  explicit MessageWriter(char* at) noexcept : at_(at) {}
  // Behind the last byte.
  char* end() const noexcept { return at_; }

  // name: "" for the unnamed statement.
  void Parse(std::string_view name, const Statement& statement) noexcept;
  // To the unnamed portal; all columns of the result in binary form.
  void Bind(std::string_view name, const Statement& statement) noexcept;
  void DescribePortal() noexcept;
  // All rows of the unnamed portal.
  void Execute() noexcept;
  void CloseStatement(std::string_view name) noexcept;
  void Sync() noexcept;
  // A script: the simple protocol.
  void Query(std::string_view sql) noexcept;

 private:
  // Begins a message, of which End writes the length.
  void Begin(char type) noexcept;
  void End() noexcept;
  void Put8(char value) noexcept { *at_++ = value; }
  void Put16(size_t value) noexcept;
  void Put32(size_t value) noexcept;
  void PutBytes(const void* bytes, size_t size) noexcept;
  void PutText(std::string_view text) noexcept;  // and a NUL

  char* at_;
  char* length_ = nullptr;  // of the message that is being written
};

}  // namespace creche::pg

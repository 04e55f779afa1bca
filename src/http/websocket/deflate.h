// The compression of messages, permessage-deflate (RFC 7692). Each has a window that goes on from
// one message to the next, or is thrown away behind each: then none of it takes memory while
// nothing is under way.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace creche::http {

// What was agreed on.
struct DeflateTerms {
  bool on = false;
  bool client_takeover = false;  // our window goes on behind a message
  bool server_takeover = false;  // theirs does
  int client_bits = 15;
  int server_bits = 15;
};

class MessageInflater {
 public:
  enum class Result : uint8_t { kOk, kBad, kTooLong, kNoMemory };
  MessageInflater(int bits, bool takeover) noexcept;
  ~MessageInflater();
  MessageInflater(const MessageInflater&) = delete;
  MessageInflater& operator=(const MessageInflater&) = delete;

  // Appends what a piece of a message says to `out`, which never gets more than `most` bytes. May
  // throw bad_alloc.
  Result Take(std::string_view piece, size_t most, std::string* out);
  // The end of a message.
  Result End(size_t most, std::string* out);

 private:
  struct Stream;
  const int bits_;
  const bool takeover_;
  std::unique_ptr<Stream> stream_;  // while there is something to remember
};

class MessageDeflater {
 public:
  MessageDeflater(int bits, bool takeover) noexcept;
  ~MessageDeflater();
  MessageDeflater(const MessageDeflater&) = delete;
  MessageDeflater& operator=(const MessageDeflater&) = delete;

  // All of a message; appends to `out`. False without memory. May throw bad_alloc.
  [[nodiscard]] bool Message(std::string_view message, std::string* out);

 private:
  struct Stream;
  const int bits_;
  const bool takeover_;
  std::unique_ptr<Stream> stream_;
};

}  // namespace creche::http

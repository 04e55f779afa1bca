// FrameReader: cuts what a server sends on a WebSocket into messages and control frames (RFC 6455),
// and undoes the compression of messages. Strict: what the standard forbids is refused with the
// code that it names. Bytes may come in pieces of any size: where they are cut never changes what
// is read. Bounded by the longest message, plain or inflated.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "http/problem.h"
#include "http/websocket/deflate.h"
#include "http/websocket/utf8_check.h"

namespace creche::http {

enum class Opcode : uint8_t {
  kContinuation = 0,
  kText = 1,
  kBinary = 2,
  kClose = 8,
  kPing = 9,
  kPong = 10,
};

// Whether an endpoint may say this code in a close frame.
constexpr bool MaySayClose(uint32_t code) {
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
         (code >= 3000 && code <= 4999);
}

class FrameReader {
 public:
  enum class Step : uint8_t {
    kMore,     // all bytes were taken
    kMessage,  // text() and message()
    kPing,     // control()
    kPong,     // control()
    kClose,    // close_code(), 0 if there is none; control(): the reason
    kFailed    // problem(), and close_code() to be sent; nothing more is taken
  };

  FrameReader(const DeflateTerms& terms, uint64_t max_message);
  // Goes on to the end of a frame that is something to the user; *at moves behind what was taken.
  // May throw bad_alloc.
  Step Next(const char* data, size_t size, size_t* at);

  // Of the last step, until the next.
  bool text() const { return type_ == Opcode::kText; }
  std::string& message() { return message_; }
  std::string_view control() const { return control_; }
  uint16_t close_code() const { return close_code_; }
  const Problem& problem() const { return problem_; }

 private:
  static constexpr size_t kMostHead = 10;
  Step Fail(uint16_t code, Status status, const char* text);
  Step FailProtocol(const char* text) { return Fail(1002, Status::kProtocol, text); }
  bool HeadComplete() const noexcept;
  Step ReadHead();
  Step TakePayload(std::string_view piece);
  Step EndFrame();
  Step EndMessage();
  Step EndClose();
  Step Inflated(MessageInflater::Result result);
  bool is_control() const noexcept { return (static_cast<uint8_t>(opcode_) & 8) != 0; }

  const size_t max_message_;
  std::unique_ptr<MessageInflater> inflater_;  // null: no compression was agreed on
  char head_[kMostHead];
  uint8_t head_size_ = 0;
  bool in_payload_ = false;
  Opcode opcode_ = Opcode::kContinuation;  // of the frame
  bool final_ = false;
  uint64_t left_ = 0;  // of its payload
  // Of the message.
  bool open_ = false;
  bool coded_ = false;
  bool given_ = false;
  Opcode type_ = Opcode::kText;
  uint64_t coded_size_ = 0;
  size_t checked_ = 0;  // bytes that are known to be UTF-8
  Utf8Check utf8_;
  std::string message_;
  std::string control_;
  uint16_t close_code_ = 0;
  Problem problem_;
};

}  // namespace creche::http

// MessageReader: takes the backend's messages, one by one, off the front of the bytes that have
// come from a server that is not trusted: a type that is unknown or does not fit what was asked,
// and a length that cannot be, are refused as soon as the five bytes in front are there. Nothing is
// read twice: what is not whole yet costs no more than a look at those.
//
// What nobody wants is not waited for: a row longer than `max_row` comes as an empty message, and
// of long notices, errors and notifications only the beginning does; the rest is skipped as it
// comes.
#pragma once
#include <cstddef>
#include <cstdint>

#include "pg/protocol/answer_steps.h"

namespace creche::pg {

struct Message {
  Backend type{};
  bool cut = false;  // there was more of it
  const char* body = nullptr;
  size_t size = 0;  // bytes of the body
};

class MessageReader {
 public:
  enum class Got : uint8_t { kMessage, kMore, kBad };
  // Bytes that are kept of an error, a notice or a notification.
  static constexpr size_t kMaxText = 1 << 20;
  // The server makes no longer rows.
  static constexpr size_t kMaxRow = (size_t{1} << 30) - 1;

  // steps: of what is first in flight; null: nothing was asked. *used: bytes of the front that are
  // done with, also with kMore.
  Got Next(const char* bytes, size_t size, const AnswerSteps* steps, size_t max_row, size_t* used,
           Message* message) noexcept;
  // Somebody else has taken one that was whole.
  void TookWhole() noexcept { wanted_ = 0; }
  // After kMore: bytes that the first message takes, as far as it is kept; 0 if that is not known.
  size_t wanted() const noexcept { return wanted_; }
  // True if the front is the rest of something that nobody wants: what follows is not seen yet.
  bool skipping() const noexcept { return skip_ > 0; }
  // After kBad: what is wrong with it; static.
  const char* why() const noexcept { return why_; }

 private:
  Got Bad(const char* why) noexcept {
    why_ = why;
    return Got::kBad;
  }
  size_t skip_ = 0;  // bytes still to come that nobody wants
  size_t wanted_ = 0;
  const char* why_ = "";
};

}  // namespace creche::pg

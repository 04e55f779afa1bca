#include "pg/protocol/message_reader.h"

#include <algorithm>
#include <array>

#include "pg/protocol/bytes.h"

namespace creche::pg {

namespace {

constexpr size_t kHeader = 5;  // the type and the length

constexpr uint32_t kMaxShort = 30'000;
constexpr uint32_t kMaxTypes = 2 + 4 * 65535;
constexpr uint32_t kMaxColumns = 16 << 20;
// Four bytes of text, taken for a length, are more than this: so what is out of step does not go
// unseen for long.
constexpr uint32_t kMaxLong = (uint32_t{512} << 20) - 1;

// What is known of a type before its turn is looked at: lengths of its body.
struct Limits {
  uint32_t least = 0;
  uint32_t most = 0;
  uint32_t kept = 0;  // what is longer is cut; of rows the caller says it
  bool known = false;
  bool at_any_time = false;
};

constexpr auto kLimits = [] {
  std::array<Limits, 128> limits{};
  const auto set = [&](Backend type, uint32_t least, uint32_t most, uint32_t kept) {
    limits[static_cast<size_t>(type)] = {least, most, kept, true, false};
  };
  set(Backend::kParseComplete, 0, 0, 0);
  set(Backend::kBindComplete, 0, 0, 0);
  set(Backend::kCloseComplete, 0, 0, 0);
  set(Backend::kNoData, 0, 0, 0);
  set(Backend::kEmptyQuery, 0, 0, 0);
  set(Backend::kPortalSuspended, 0, 0, 0);
  set(Backend::kReadyForQuery, 1, 1, 1);
  set(Backend::kCommandComplete, 1, kMaxShort, kMaxShort);
  set(Backend::kParameterStatus, 2, kMaxShort, kMaxShort);
  set(Backend::kParameterDescription, 2, kMaxTypes, kMaxTypes);
  set(Backend::kRowDescription, 2, kMaxColumns, kMaxColumns);
  set(Backend::kDataRow, 2, MessageReader::kMaxRow, 0);
  set(Backend::kCopyData, 0, MessageReader::kMaxRow, 0);
  set(Backend::kCopyDone, 0, 0, 0);
  set(Backend::kError, 1, kMaxLong, MessageReader::kMaxText);
  set(Backend::kNotice, 1, kMaxLong, MessageReader::kMaxText);
  set(Backend::kNotification, 6, kMaxLong, kMaxShort);
  set(Backend::kCopyIn, 3, kMaxShort, 0);
  set(Backend::kCopyOut, 3, kMaxShort, 0);
  set(Backend::kCopyBoth, 3, kMaxShort, 0);
  for (const Backend type :
       {Backend::kParameterStatus, Backend::kNotice, Backend::kNotification, Backend::kError})
    limits[static_cast<size_t>(type)].at_any_time = true;
  return limits;
}();

}  // namespace

MessageReader::Got MessageReader::Next(const char* bytes, size_t size, const AnswerSteps* steps,
                                       size_t max_row, size_t* used, Message* message) noexcept {
  *used = std::min(skip_, size);
  skip_ -= *used;
  bytes += *used;
  size -= *used;
  wanted_ = 0;
  if (size == 0) return Got::kMore;
  const auto letter = static_cast<unsigned char>(*bytes);
  const auto type = static_cast<Backend>(letter);
  if (letter >= kLimits.size() || !kLimits[letter].known)
    return Bad("a message of an unknown type");
  const Limits& limits = kLimits[letter];
  if (!limits.at_any_time && !(steps && steps->Takes(type))) return Bad("a message out of turn");
  if (size < kHeader) return Got::kMore;
  const size_t length = Load32(bytes + 1);  // counts itself
  const size_t body = length - 4;
  if (length < 4 || body < limits.least || body > limits.most)
    return Bad("a message with a length that cannot be");
  const bool row = type == Backend::kDataRow || type == Backend::kCopyData;
  const size_t kept = std::min(body, row ? max_row : size_t{limits.kept});
  if (row && kept < body) {
    // Not even the beginning.
    *message = {type, true, bytes + kHeader, 0};
    *used += kHeader;
    skip_ = body;
    return Got::kMessage;
  }
  if (size < kHeader + kept) {
    wanted_ = kHeader + kept;
    return Got::kMore;
  }
  *message = {type, kept < body, bytes + kHeader, kept};
  *used += kHeader + kept;
  skip_ = body - kept;
  return Got::kMessage;
}

}  // namespace creche::pg

#include "pg/message_reader.h"

#include <algorithm>

#include "pg/bytes.h"

namespace creche::pg {

namespace {

constexpr size_t kHeader = 5;  // the type and the length

// Lengths of a type's body.
struct Limits {
  size_t least;
  size_t most;
  size_t kept;  // what is longer is cut
};

constexpr size_t kMaxShort = 30'000;
constexpr size_t kMaxTypes = 2 + 4 * 65535;
constexpr size_t kMaxColumns = 16 << 20;
// Four bytes of text, taken for a length, are more than this: so what is out of step does not go
// unseen for long.
constexpr size_t kMaxLong = (size_t{512} << 20) - 1;

// False for a type that a server in session does not send.
bool LimitsOf(char type, size_t max_row, Limits* limits) noexcept {
  switch (type) {
    case '1':
    case '2':
    case '3':
    case 'n':
    case 'I':
      *limits = {0, 0, 0};
      return true;
    case 'Z':
      *limits = {1, 1, 1};
      return true;
    case 'C':
      *limits = {1, kMaxShort, kMaxShort};
      return true;
    case 'S':
      *limits = {2, kMaxShort, kMaxShort};
      return true;
    case 't':
      *limits = {2, kMaxTypes, kMaxTypes};
      return true;
    case 'T':
      *limits = {2, kMaxColumns, kMaxColumns};
      return true;
    case 'D':
      *limits = {2, MessageReader::kMaxRow, max_row};
      return true;
    case 'E':
    case 'N':
      *limits = {1, kMaxLong, MessageReader::kMaxText};
      return true;
    case 'A':
      *limits = {6, kMaxLong, 0};  // nobody listens
      return true;
    case 'G':
    case 'H':
    case 'W':
      *limits = {3, kMaxShort, 0};
      return true;
    default:
      return false;
  }
}

bool AtAnyTime(char type) noexcept {
  return type == 'S' || type == 'N' || type == 'A' || type == 'E';
}

}  // namespace

MessageReader::Got MessageReader::Next(const char* bytes, size_t size, const AnswerSteps* steps,
                                       size_t max_row, size_t* used, Message* message) noexcept {
  *used = std::min(skip_, size);
  skip_ -= *used;
  bytes += *used;
  size -= *used;
  wanted_ = 0;
  if (size == 0) return Got::kMore;
  const char type = *bytes;
  Limits limits;
  if (!LimitsOf(type, max_row, &limits)) return Bad("a message of an unknown type");
  if (!AtAnyTime(type) && !(steps && steps->Takes(type))) return Bad("a message out of turn");
  if (size < kHeader) return Got::kMore;
  const size_t length = Load32(bytes + 1);  // counts itself
  if (length < 4 + limits.least || length > 4 + limits.most)
    return Bad("a message with a length that cannot be");
  const size_t body = length - 4;
  const size_t kept = body > limits.kept && limits.kept < limits.most ? limits.kept : body;
  if (type == 'D' && kept < body) {
    // Not even the beginning.
    *message = {type, true, bytes + kHeader, 0, kHeader + body};
    *used += kHeader;
    skip_ = body;
    return Got::kMessage;
  }
  if (size < kHeader + kept) {
    wanted_ = kHeader + kept;
    return Got::kMore;
  }
  *message = {type, kept < body, bytes + kHeader, kept, kHeader + body};
  *used += kHeader + kept;
  skip_ = body - kept;
  return Got::kMessage;
}

}  // namespace creche::pg

#include "http/h1/plain_head.h"

#include <algorithm>
#include <cstring>
#include <string_view>

namespace creche::http {

namespace {

constexpr size_t kMinor = sizeof "HTTP/1." - 1;
constexpr size_t kCode = kMinor + 2;
constexpr size_t kReason = kCode + 3;

bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}

bool ReadStatusLine(std::string_view line, ResponseHead* head) {
  if (line.size() < kReason || line.substr(0, kMinor) != "HTTP/1." ||
      (line[kMinor] != '0' && line[kMinor] != '1') || line[kMinor + 1] != ' ' ||
      line[kCode] == '0' || (line.size() > kReason && line[kReason] != ' ') ||
      !IsFieldValue(line.substr(kReason)))
    return false;
  uint16_t status = 0;
  for (size_t i = kCode; i < kReason; i++) {
    if (!IsDigit(line[i])) return false;
    status = static_cast<uint16_t>(status * 10 + (line[i] - '0'));
  }
  head->status = status;
  head->minor = static_cast<uint8_t>(line[kMinor] - '0');
  return true;
}

// What llhttp takes as a length; how large it may be is looked at later.
bool IsLength(std::string_view value) {
  constexpr size_t kMostDigits = 18;
  return !value.empty() && value.size() <= kMostDigits &&
         std::all_of(value.begin(), value.end(), IsDigit);
}

bool ReadField(std::string_view line, ResponseHead* head) {
  const size_t colon = line.find(':');
  if (colon == line.npos) return false;
  const std::string_view name = line.substr(0, colon);
  const std::string_view value = TrimBlanks(line.substr(colon + 1));
  if (!IsToken(name) || !IsFieldValue(value)) return false;  // a folded line's name is no token
  const bool sized = head->Has(Known::kContentLength);
  const bool coded = head->Has(Known::kTransferEncoding);
  head->Add(name, value);
  switch (head->known(head->size() - 1)) {
    case Known::kContentLength:
      return !sized && !coded && IsLength(value);
    case Known::kTransferEncoding:
      return !sized && !coded;
    default:
      return true;
  }
}

// Its size, or 0.
size_t ReadLines(const char* data, size_t size, ResponseHead* head) {
  bool first = true;
  for (size_t at = 0; at < size;) {
    const auto* lf = static_cast<const char*>(std::memchr(data + at, '\n', size - at));
    if (!lf || lf == data + at || lf[-1] != '\r') return 0;
    const std::string_view line(data + at, static_cast<size_t>(lf - 1 - (data + at)));
    at = static_cast<size_t>(lf - data) + 1;
    if (line.empty()) return first ? 0 : at;
    if (first ? !ReadStatusLine(line, head) : !ReadField(line, head)) return 0;
    first = false;
  }
  return 0;
}

}  // namespace

size_t ReadPlainHead(const char* data, size_t size, size_t most, ResponseHead* head) {
  const size_t read = ReadLines(data, std::min(size, most), head);
  if (read == 0) head->Clear();
  return read;
}

}  // namespace creche::http

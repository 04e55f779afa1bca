#include "http/h1/plain_head.h"

#include <algorithm>
#include <cstring>
#include <string_view>

#include "http/scan.h"

namespace creche::http {

namespace {

constexpr char kVersion[] = "HTTP/1.";
constexpr size_t kMinor = sizeof kVersion - 1;
constexpr size_t kCode = kMinor + 2;
constexpr size_t kReason = kCode + 3;

constexpr bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}

// Whether a line ends here in CRLF, with at least as much behind it as the empty line takes.
bool EndsHere(const char* at, const char* end) {
  return end - at >= 4 && at[0] == '\r' && at[1] == '\n';
}

// Where the next line begins; null if this one is not plain.
const char* ReadStatusLine(const char* data, const char* end, ResponseHead* head) {
  if (static_cast<size_t>(end - data) <= kReason || std::memcmp(data, kVersion, kMinor) != 0 ||
      (data[kMinor] != '0' && data[kMinor] != '1') || data[kMinor + 1] != ' ' ||
      data[kCode] == '0' || (data[kReason] != ' ' && data[kReason] != '\r'))
    return nullptr;
  uint16_t status = 0;
  for (size_t i = kCode; i < kReason; i++) {
    if (!IsDigit(data[i])) return nullptr;
    status = static_cast<uint16_t>(status * 10 + (data[i] - '0'));
  }
  const char* const at = FindBadInValue(data + kReason, end);
  if (!EndsHere(at, end)) return nullptr;
  head->status = status;
  head->minor = static_cast<uint8_t>(data[kMinor] - '0');
  head->reason = TrimBlanks({data + kReason, static_cast<size_t>(at - data) - kReason});
  return at + 2;
}

// What llhttp takes as a length; how large it may be is looked at later.
bool IsLength(std::string_view value) {
  constexpr size_t kMostDigits = 18;
  return !value.empty() && value.size() <= kMostDigits &&
         std::all_of(value.begin(), value.end(), IsDigit);
}

// The same. lines: where the fields begin.
const char* ReadField(const char* lines, const char* at, const char* end, ResponseHead* head) {
  const char* const name = at;
  while (at < end && IsTokenChar(*at)) at++;
  if (at == name || at == end || *at != ':') return nullptr;  // a folded line's name is no token
  const std::string_view name_text(name, static_cast<size_t>(at - name));
  const char* const rest = at + 1;
  at = FindBadInValue(rest, end);
  if (!EndsHere(at, end)) return nullptr;
  const std::string_view value = TrimBlanks({rest, static_cast<size_t>(at - rest)});
  const bool sized = head->Has(Known::kContentLength);
  const bool coded = head->Has(Known::kTransferEncoding);
  head->AddPlace(lines, name_text, value);
  switch (head->known(head->size() - 1)) {
    case Known::kContentLength:
      if (sized || coded || !IsLength(value)) return nullptr;
      break;
    case Known::kTransferEncoding:
      if (sized || coded) return nullptr;
      break;
    default:
      break;
  }
  return at + 2;
}

// Its size, or 0.
size_t ReadLines(const char* data, const char* end, ResponseHead* head) {
  const char* const lines = ReadStatusLine(data, end, head);
  const char* at = lines;
  while (at && *at != '\r') at = ReadField(lines, at, end, head);
  if (!at || at[1] != '\n') return 0;
  head->TakeLines({lines, static_cast<size_t>(at - lines)});
  head->bytes = static_cast<uint32_t>(at + 2 - data);
  return head->bytes;
}

}  // namespace

size_t ReadPlainHead(const char* data, size_t size, size_t most, ResponseHead* head) {
  const size_t read = ReadLines(data, data + std::min(size, most), head);
  if (read == 0) head->Clear();
  return read;
}

}  // namespace creche::http

#include "http/headers.h"

#include "http/scan.h"

namespace creche::http {

namespace {

constexpr char Lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

// True if `name`, a token, is `known`, which consists of small letters and '-'. No other character
// of a token becomes one of those by this bit.
template <size_t N>
[[gnu::always_inline]] inline bool IsKnown(std::string_view name, const char (&known)[N]) {
  constexpr uint64_t kSmall = scan::kOnes * 0x20;
  constexpr size_t kSize = N - 1;
  if (name.size() != kSize) return false;
  const auto same = [&](size_t at) {
    return (scan::Load(name.data() + at) | kSmall) == scan::Load(known + at);
  };
  size_t at = 0;
  for (; kSize - at >= 8; at += 8)
    if (!same(at)) return false;
  if constexpr (kSize >= 8) return at == kSize || same(kSize - 8);
  for (; at < kSize; at++)
    if ((name[at] | 0x20) != known[at]) return false;
  return true;
}

}  // namespace

bool IsToken(std::string_view text) noexcept {
  for (const char c : text)
    if (!IsTokenChar(c)) return false;
  return !text.empty();
}

bool IsFieldValue(std::string_view text) noexcept {
  const char* const end = text.data() + text.size();
  return FindBadInValue(text.data(), end) == end;
}

bool SameName(std::string_view a, std::string_view b) noexcept {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); i++)
    if (Lower(a[i]) != Lower(b[i])) return false;
  return true;
}

bool NextElement(std::string_view* list, std::string_view* element) noexcept {
  if (list->data() == nullptr) return false;
  const size_t comma = list->find(',');
  *element = TrimBlanks(list->substr(0, comma));
  *list = comma == std::string_view::npos ? std::string_view() : list->substr(comma + 1);
  return true;
}

namespace {

// One of those of its length, told apart by its first letter.
Known ByLength(std::string_view name, char first) {
  const auto is = [&](const auto& known, Known value) __attribute__((always_inline)) {
    return IsKnown(name, known) ? value : Known::kOther;
  };
  switch (name.size()) {
    case 4:
      return is("host", Known::kHost);
    case 6:
      if (first == 'a') return is("accept", Known::kAccept);
      if (first == 'd') return is("digest", Known::kOfBody);
      return first == 'c' ? is("cookie", Known::kCookie) : is("expect", Known::kExpect);
    case 7:
      return is("trailer", Known::kOfBody);
    case 8:
      return is("location", Known::kLocation);
    case 10:
      if (first == 'c') return is("connection", Known::kConnection);
      if (first == 's') return is("set-cookie", Known::kSetCookie);
      return first == 'k' ? is("keep-alive", Known::kKeepAlive)
                          : is("user-agent", Known::kUserAgent);
    case 11:
      return is("repr-digest", Known::kOfBody);
    case 12:
      return is("content-type", Known::kContentType);
    case 13:
      return first == 'a' ? is("authorization", Known::kAuthorization)
                          : is("last-modified", Known::kOfBody);
    case 14:
      return is("content-length", Known::kContentLength);
    case 15:
      return is("accept-encoding", Known::kAcceptEncoding);
    case 16:
      return first == 'p' ? is("proxy-connection", Known::kProxyConnection)
                          : is("content-encoding", Known::kContentEncoding);
    case 17:
      return is("transfer-encoding", Known::kTransferEncoding);
    case 19:
      return is("proxy-authorization", Known::kProxyAuthorization);
    default:
      return Known::kOther;
  }
}

}  // namespace

Known KnownName(std::string_view name) noexcept {
  static constexpr char kContent[] = "content-";
  constexpr size_t kPrefix = sizeof kContent - 1;
  const char first = name.empty() ? '\0' : Lower(name[0]);
  const Known known = ByLength(name, first);
  if (known == Known::kOther && first == 'c' && name.size() > kPrefix &&
      IsKnown(name.substr(0, kPrefix), kContent))
    return Known::kOfBody;
  return known;
}

Result<void> HeaderList::Add(std::string_view name, std::string_view value) {
  if (!IsToken(name))
    return MakeError(Status::kInvalid, Phase::kOptions,
                     name.empty()
                         ? "a header field has no name"
                         : "a header's name may hold only letters, digits and !#$%&'*+-.^_`|~");
  if (!IsFieldValue(value))
    return MakeError(Status::kInvalid, Phase::kOptions,
                     "the value of header \"" + std::string(name.substr(0, 64)) +
                         "\" holds a control character, such as a line break");
  value = TrimBlanks(value);
  const Known known = KnownName(name);
  FieldSpan span{static_cast<uint32_t>(wire_.size()), static_cast<uint32_t>(name.size()),
                 static_cast<uint32_t>(name.size() + value.size() + 4), known};
  spans_.push_back(span);
  wire_.reserve(wire_.size() + span.size);
  wire_.append(name).append(": ").append(value).append("\r\n");
  known_ |= Bit(known);
  return {};
}

HeaderList::Field HeaderList::at(size_t index) const {
  const FieldSpan& p = spans_[index];
  const std::string_view line = std::string_view(wire_).substr(p.at, p.size);
  return {line.substr(0, p.name_size), line.substr(p.name_size + 2, p.size - p.name_size - 4), line,
          p.known};
}

bool HeaderList::Has(std::string_view name) const {
  for (size_t i = 0; i < spans_.size(); i++)
    if (SameName(at(i).name, name)) return true;
  return false;
}

std::string_view HeaderList::Find(Known name) const {
  for (size_t i = 0; i < spans_.size() && Has(name); i++)
    if (spans_[i].known == name) return at(i).value;
  return {};
}

size_t HeaderList::Count(Known name) const {
  size_t count = 0;
  for (const FieldSpan& p : spans_) count += p.known == name;
  return count;
}

void HeaderList::Drop(uint32_t names) {
  if ((known_ & names) != 0)
    KeepIf([names](const Field& field) { return (Bit(field.known) & names) == 0; });
}

void HeaderList::MarkPrivate(std::string_view names) {
  std::string_view name;
  while (NextElement(&names, &name))
    for (size_t i = 0; i < spans_.size(); i++)
      if (spans_[i].known == Known::kOther && SameName(at(i).name, name)) {
        spans_[i].known = Known::kPrivate;
        known_ |= Bit(Known::kPrivate);
      }
}

void HeaderList::Remove(std::string_view name) {
  if (Has(name)) KeepIf([name](const Field& field) { return !SameName(field.name, name); });
}

template <class Keeps>
void HeaderList::KeepIf(Keeps keeps) {
  HeaderList kept;
  for (size_t i = 0; i < spans_.size(); i++) {
    const Field field = at(i);
    if (!keeps(field)) continue;
    kept.spans_.push_back({static_cast<uint32_t>(kept.wire_.size()), spans_[i].name_size,
                           spans_[i].size, field.known});
    kept.wire_ += field.line;
    kept.known_ |= Bit(field.known);
  }
  *this = std::move(kept);
}

}  // namespace creche::http

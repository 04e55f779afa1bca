// HeaderList: the fields of a request in wire form, in the order and case they were given in; and
// what may stand in a field.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace creche::http {

// A method or a field name (RFC 9110, 5.6.2).
bool IsToken(std::string_view text) noexcept;
// A field value: no control characters but TAB; bytes above 0x7f are fine.
bool IsFieldValue(std::string_view text) noexcept;
// Equal but for the case of ASCII letters.
bool SameName(std::string_view a, std::string_view b) noexcept;
// Without blanks and TABs at both ends.
inline std::string_view TrimBlanks(std::string_view text) noexcept {
  const auto blank = [](char c) { return c == ' ' || c == '\t'; };
  const char* from = text.data();
  const char* to = from + text.size();
  while (from != to && blank(*from)) from++;
  while (from != to && blank(to[-1])) to--;
  return {from, static_cast<size_t>(to - from)};
}
// The next element of a comma-separated list, trimmed; removes it from *list. False at the end.
bool NextElement(std::string_view* list, std::string_view* element) noexcept;

// Names that the library has to do with.
enum class Known : uint32_t {
  kOther,
  kAccept,
  kAcceptEncoding,
  kAuthorization,
  kConnection,
  kContentEncoding,
  kContentLength,
  kContentType,
  kCookie,
  kExpect,
  kHost,
  kKeepAlive,
  kLocation,
  kPrivate,  // of no name: what Mark has said is private
  kOfBody,   // what else describes a body: Content-*, Digest, Last-Modified and the like
  kProxyAuthorization,
  kProxyConnection,
  kSetCookie,
  kTransferEncoding,
  kUserAgent,
};
inline constexpr size_t kKnownNames = static_cast<size_t>(Known::kUserAgent) + 1;
Known KnownName(std::string_view name) noexcept;
// kOther has none, so sets of bits never speak of it.
constexpr uint32_t Bit(Known name) {
  return name == Known::kOther ? 0 : 1u << static_cast<uint32_t>(name);
}

class HeaderList {
 public:
  struct Field {
    std::string_view name;
    std::string_view value;
    std::string_view line;  // "Name: value\r\n"
    Known known;
  };

  // Appends a field. Fails with kInvalid if the name is no token or the value holds what it may
  // not; blanks around the value are dropped.
  Result<void> Add(std::string_view name, std::string_view value);
  size_t size() const { return spans_.size(); }
  Field at(size_t index) const;
  // Any case.
  bool Has(std::string_view name) const;
  bool Has(Known name) const { return (known_ & Bit(name)) != 0; }
  // The first value of a known name; "" if there is none.
  std::string_view Find(Known name) const;
  size_t Count(Known name) const;
  // Takes all fields out whose names are in a set of Bit(Known)s.
  void Drop(uint32_t names);
  // Fields of these names, separated by commas, that are not known otherwise are kPrivate now.
  void MarkPrivate(std::string_view names);
  // The same as Drop for those of one name, in any case.
  void Remove(std::string_view name);
  // All lines, as they are sent.
  std::string_view wire() const { return wire_; }
  // Bit(Known)s of what is in it.
  uint32_t known() const { return known_; }

 private:
  template <class Keeps>
  void KeepIf(Keeps keeps);
  struct FieldSpan {
    uint32_t at;
    uint32_t name_size;
    uint32_t size;  // of the line
    Known known;
  };
  std::string wire_;
  std::vector<FieldSpan> spans_;
  uint32_t known_ = 0;
};

}  // namespace creche::http

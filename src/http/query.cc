#include "http/query.h"

namespace creche::http {

namespace {

constexpr bool IsUnreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

}  // namespace

void AppendEncoded(std::string_view text, std::string* out) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  for (const char c : text) {
    if (IsUnreserved(c)) {
      *out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    const char escaped[] = {'%', kHex[byte >> 4], kHex[byte & 15]};
    out->append(escaped, sizeof escaped);
  }
}

void AppendParam(std::string_view name, std::optional<std::string_view> value, std::string* url) {
  if (url->find('?') == std::string::npos)
    *url += '?';
  else if (url->back() != '?' && url->back() != '&')
    *url += '&';
  AppendEncoded(name, url);
  if (!value) return;
  *url += '=';
  AppendEncoded(*value, url);
}

}  // namespace creche::http

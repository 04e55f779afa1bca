#include "core/host_name.h"

#include <algorithm>

namespace creche {

namespace {

constexpr size_t kLongestName = 253;
constexpr size_t kLongestLabel = 63;

// Not isalpha and the like: they depend on the locale.
bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}
bool IsHex(char c) {
  return IsDigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
bool IsNameChar(char c) {
  return IsDigit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
}

// What some parsers of IPv4 addresses take for a number: decimal, octal, 0x and hexadecimal digits.
bool IsNumber(std::string_view label) {
  if (std::all_of(label.begin(), label.end(), IsDigit)) return true;
  return label.size() >= 2 && label[0] == '0' && (label[1] == 'x' || label[1] == 'X') &&
         std::all_of(label.begin() + 2, label.end(), IsHex);
}

}  // namespace

std::string WhatIsWrongWithHostName(std::string_view name) {
  if (name.empty()) return "there is no host name";
  if (name.find(':') != name.npos) return "it is no IPv6 address";
  if (name.back() == '.') name.remove_suffix(1);  // of an absolute name
  if (name.size() > kLongestName) return "a host name has 253 characters at the most";
  for (;;) {
    const std::string_view label = name.substr(0, name.find('.'));
    if (label.empty()) return "there is nothing between two dots";
    if (label.size() > kLongestLabel) return "each part has 63 characters at the most";
    if (!std::all_of(label.begin(), label.end(), IsNameChar))
      return "only letters, digits, '-', '_' and '.' are allowed (write an international name in "
             "its "
             "ASCII form, xn--...)";
    if (label.size() == name.size())
      return IsNumber(label) ? "an IPv4 address is written as four decimal numbers" : "";
    name.remove_prefix(label.size() + 1);
  }
}

bool IsLocalhost(std::string_view name) noexcept {
  if (name.ends_with('.')) name.remove_suffix(1);
  return name == "localhost" || name.ends_with(".localhost");
}

}  // namespace creche

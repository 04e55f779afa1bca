#include "http/traceparent.h"

namespace creche::http {

bool IsTraceparent(std::string_view text) noexcept {
  const auto is_hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  const auto none = [](std::string_view id) { return id.find_first_not_of('0') == id.npos; };
  if (text.size() != kTraceparentSize) return false;
  for (size_t i = 0; i < text.size(); i++) {
    const bool dash = i == 2 || i == 35 || i == 52;
    if (dash ? text[i] != '-' : !is_hex(text[i])) return false;
  }
  return text.substr(0, 2) != "ff" && !none(text.substr(3, 32)) && !none(text.substr(36, 16));
}

}  // namespace creche::http

#include "tasks/escape.h"

#include <cstdint>
#include <cstdio>

namespace creche::tasks {

namespace {

constexpr char kReplacement[] = "\xef\xbf\xbd";  // U+FFFD

bool IsControl(unsigned char byte) {
  return byte < 0x20 || byte == 0x7f;
}

void Hex(const char* format, unsigned char byte, std::string* out) {
  char text[8];
  snprintf(text, sizeof text, format, byte);
  *out += text;
}

}  // namespace

size_t CharacterAt(std::string_view bytes) noexcept {
  if (bytes.empty()) return 0;
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(bytes[i]); };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  const size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || bytes.size() < length) return 0;
  uint32_t point = first & (0x7fu >> length);
  for (size_t i = 1; i < length; i++) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
    point = point << 6 | (byte(i) & 0x3f);
  }
  constexpr uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = point >= 0xd800 && point <= 0xdfff;
  return point < kSmallest[length] || point > 0x10ffff || surrogate ? 0 : length;
}

void EscapeText(std::string_view bytes, std::string* out) {
  while (!bytes.empty()) {
    const size_t n = CharacterAt(bytes);
    const char first = bytes[0];
    if (n == 0 || IsControl(static_cast<unsigned char>(first))) {
      Hex("\\x%02x", static_cast<unsigned char>(first), out);
      bytes.remove_prefix(1);
      continue;
    }
    if (first == '"' || first == '\\') *out += '\\';
    *out += bytes.substr(0, n);
    bytes.remove_prefix(n);
  }
}

void EscapeJson(std::string_view bytes, std::string* out) {
  while (!bytes.empty()) {
    const size_t n = CharacterAt(bytes);
    const char first = bytes[0];
    if (n == 0) {
      *out += kReplacement;
      bytes.remove_prefix(1);
      continue;
    }
    if (first == '"' || first == '\\')
      (*out += '\\') += first;
    else if (IsControl(static_cast<unsigned char>(first)))
      Hex("\\u%04x", static_cast<unsigned char>(first), out);
    else
      *out += bytes.substr(0, n);
    bytes.remove_prefix(n);
  }
}

void EscapeDot(std::string_view bytes, std::string* out) {
  while (!bytes.empty()) {
    const size_t n = CharacterAt(bytes);
    const char first = bytes[0];
    if (n == 0 || IsControl(static_cast<unsigned char>(first)))
      *out += kReplacement;
    else if (first == '"' || first == '\\')
      (*out += '\\') += first;
    else if (first == '&')
      *out += "&amp;";
    else
      *out += bytes.substr(0, n);
    bytes.remove_prefix(n == 0 ? 1 : n);
  }
}

}  // namespace creche::tasks

#include "tasks/dump/escape.h"

#include <cstdio>

#include "core/utf8.h"

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

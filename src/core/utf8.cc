#include "core/utf8.h"

#include <cstdint>
#include <cstring>

namespace creche {

namespace {

// How many bytes in front are ASCII, nearly: up to seven less.
size_t AsciiPrefix(std::string_view bytes) noexcept {
  size_t at = 0;
  for (uint64_t eight; bytes.size() - at >= sizeof eight; at += sizeof eight) {
    std::memcpy(&eight, bytes.data() + at, sizeof eight);
    if ((eight & 0x8080808080808080) != 0) break;
  }
  return at;
}

// The place of the first byte from `at` on that belongs to no character, or the end.
size_t FindBad(std::string_view bytes, size_t at) noexcept {
  at += AsciiPrefix(bytes.substr(at));
  while (at < bytes.size()) {
    const size_t n = CharacterAt(bytes.substr(at));
    if (n == 0) break;
    at += n;
  }
  return at;
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

void MakeUtf8(std::string* text) {
  size_t bad = FindBad(*text, 0);
  if (bad == text->size()) return;
  std::string made;
  size_t from = 0;
  for (; bad < text->size(); bad = FindBad(*text, from)) {
    made.append(*text, from, bad - from).append("\xef\xbf\xbd");
    from = bad + 1;
  }
  *text = made.append(*text, from);
}

void MakeUtf8(char* text) noexcept {
  const std::string_view bytes(text);
  for (size_t at = 0; (at = FindBad(bytes, at)) < bytes.size(); at++) text[at] = '?';
}

}  // namespace creche

// Looking for control characters, eight bytes at a time, and for what is no token: each byte of
// each head and URL is looked at.
#pragma once
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace creche::http {

namespace scan {

constexpr uint64_t kOnes = 0x0101010101010101, kTops = 0x8080808080808080;

inline uint64_t Load(const char* at) noexcept {
  uint64_t eight;
  std::memcpy(&eight, at, sizeof eight);
  return eight;
}
// The top bit of each byte that is below n (up to 0x80), or equal to c; perhaps that of the next
// byte behind such a one, too.
constexpr uint64_t Below(uint64_t eight, uint8_t n) noexcept {
  return (eight - kOnes * n) & ~eight & kTops;
}
constexpr uint64_t Equal(uint64_t eight, uint8_t c) noexcept {
  return Below(eight ^ kOnes * c, 1);
}

// The same of each control character.
constexpr uint64_t Controls(uint64_t eight) noexcept {
  return Below(eight, 0x20) | Equal(eight, 0x7f);
}

constexpr std::array<bool, 256> MakeTokenTable() {
  std::array<bool, 256> table{};
  for (int c = '0'; c <= '9'; c++) table[c] = true;
  for (int c = 'a'; c <= 'z'; c++) table[c] = table[c - 32] = true;
  for (const char c : {'!', '#', '$', '%', '&', '\'', '*', '+', '-', '.', '^', '_', '`', '|', '~'})
    table[static_cast<unsigned char>(c)] = true;
  return table;
}
inline constexpr std::array<bool, 256> kToken = MakeTokenTable();

}  // namespace scan

// What may stand in a token (RFC 9110, 5.6.2).
constexpr bool IsTokenChar(char c) noexcept {
  return scan::kToken[static_cast<unsigned char>(c)];
}
// Below 0x20, or 0x7f.
constexpr bool IsControl(char c) noexcept {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

// The first character that no field value may hold, a control character but TAB; or `end`.
inline const char* FindBadInValue(const char* at, const char* end) noexcept {
  const auto bad = [](char c) { return IsControl(c) && c != '\t'; };
  for (; end - at >= 8; at += 8) {
    uint64_t found = scan::Controls(scan::Load(at));
    if constexpr (std::endian::native == std::endian::little) {
      // A byte behind a control character may be marked though it is none: each is looked at.
      for (; found != 0; found &= found - 1)
        if (const char* p = at + (std::countr_zero(found) >> 3); bad(*p)) return p;
    } else {
      for (int i = 0; found != 0 && i < 8; i++)
        if (bad(at[i])) return at + i;
    }
  }
  while (at < end && !bad(*at)) at++;
  return at;
}

// True if there is a character below 0x20, or 0x7f.
inline bool HasControl(std::string_view text) noexcept {
  const auto in_eight = [](const char* at) { return scan::Controls(scan::Load(at)) != 0; };
  const char* at = text.data();
  const char* const end = at + text.size();
  if (text.size() >= 8) {
    for (; end - at > 8; at += 8)
      if (in_eight(at)) return true;
    return in_eight(end - 8);
  }
  for (; at < end; at++)
    if (IsControl(*at)) return true;
  return false;
}

}  // namespace creche::http
